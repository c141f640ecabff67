/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outer.h - operations within operations, and deferred changes
 *
 * An overlay that changes entries on its own does so by a copy of the client's operation,
 * within its own function, and may hold a lock meanwhile (autogroup does). Other changes
 * must not be shown to it until that function has returned. The changes that follow from
 * such an inner operation are therefore kept, and are shown when the outer operation
 * ends: when it returns from the backend, or, if an overlay refuses it before it reaches
 * the backend, in the last cleanup callback of its response. Until then the CSNs of the
 * changes stay pending, and the access log stays held.
 *
 * Order of use: pat_outer_enter() before the backend gets an operation, pat_outer_leave()
 * after the overlays have seen its response. Everything belongs to the thread of the
 * operation. Nothing here blocks.
 */
#ifndef PAT_SLAPD_OUTER_H
#define PAT_SLAPD_OUTER_H

#include "txn.h"

struct pat_outer;

/*
 * Returns the outer operation that `op` is part of, or `op` itself as one. Sets
 * *ret_inner to whether `op` is an inner operation; then pat_outer_defer() must be called
 * instead of pat_txn_replay(). Returns NULL if nothing can be deferred.
 */
struct pat_outer *pat_outer_enter(Operation *op, slap_overinst *on, bool *ret_inner);

/* Returns whether `op` is part of an operation of its own thread that has not ended. */
bool pat_outer_is_inner(const Operation *op, const slap_overinst *on);

/* Returns the DN that the client was bound as when the outer operation began. */
void pat_outer_actor(
    const struct pat_outer *outer, struct berval *ret_dn, struct berval *ret_ndn);

/* Returns whether a change waits for the end of `outer`. */
bool pat_outer_waits(const struct pat_outer *outer);

/* Keeps the changes of `t` that are to be replayed, and leaves `t` empty. */
void pat_outer_defer(struct pat_outer *outer, struct pat_txn *t);

/* Ends the outer operation: shows the other overlays all waiting changes, and frees. */
void pat_outer_leave(struct pat_outer *outer);

#endif
