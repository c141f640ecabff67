/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reserve.h - room in the database that is kept for removals and revocations
 *
 * Members must not be able to fill the database so far that they cannot be removed. A
 * part of the map is kept for changes that take something away, and for the rootdn.
 */
#ifndef PAT_SLAPD_RESERVE_H
#define PAT_SLAPD_RESERVE_H

#include "work.h"

/*
 * Returns whether an add or a modification by `op` may need the reserve. It must then
 * pass through a transaction, in which pat_reserve_check() decides. Reads a few numbers,
 * and does not block.
 */
bool pat_reserve_concerns(const Operation *op);

/*
 * Refuses a request that would use the reserve and takes nothing away. Called within the
 * transaction, before the change. Returns an LDAP result code.
 */
PAT_MUST_USE int pat_reserve_check(struct pat_work *w);

/* Returns how many live tokens the reserve suffices to revoke. */
unsigned pat_reserve_tokens(const Operation *op);

#endif
