/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outer.h - operations within operations, and what waits for the end of the outer one
 *
 * An overlay that changes entries on its own does so by a copy of the client's operation,
 * within its own function for that, and may hold a lock meanwhile (autogroup does). It
 * must not be shown anything until that function has returned. So the changes that follow
 * from such an inner operation are kept, and are shown when the outer operation ends:
 * where the outer one returns from the backend, or, if it never gets there because an
 * overlay refuses it, in the last cleanup callback of its response. Their CSNs stay
 * pending, and the access log stays held, until then.
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
 * instead of pat_txn_replay(). Returns NULL where nothing can be deferred.
 */
struct pat_outer *pat_outer_enter(Operation *op, slap_overinst *on, bool *ret_inner);

/* Is `op` part of an operation of its own thread that has not ended? */
bool pat_outer_is_inner(const Operation *op, const slap_overinst *on);

/* Sets who the client of the outer operation was bound as when that began. */
void pat_outer_actor(
    const struct pat_outer *outer, struct berval *ret_dn, struct berval *ret_ndn);

/* Does any change wait for the end of `outer`? */
bool pat_outer_waits(const struct pat_outer *outer);

/* Keep what is to be replayed of `t`, which is left empty. */
void pat_outer_defer(struct pat_outer *outer, struct pat_txn *t);

/* The outer operation has ended: show the other overlays all that waits, and free. */
void pat_outer_leave(struct pat_outer *outer);

#endif
