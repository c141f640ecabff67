/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * converge.h - what several providers did without knowing of each other
 *
 * Replication takes each entry as a whole from whoever changed it last. So a use that one
 * provider noted would undo a revocation that another wrote a moment before, a deleted
 * token would be there again, and a token that one minted would stand beside the removal
 * of its owner by another. What a provider receives is looked at here, and put right by a
 * change of this server's own, which all others get:
 *
 *   A token that comes without the revocation that it has here, or with a later expiry,
 *   keeps what it has: in the transaction that would have taken it.
 *   A token that comes anew and live, and was revoked or deleted here, is revoked.
 *   One that comes anew and revoked, having been deleted here, is there again for all.
 *   A token that comes anew, and whose owner has no role in its org, is revoked.
 *   A person whose removal is told, and who is still in a group because this server
 *   changed that group later, and not by adding that person, leaves it. So does one whom
 *   another server renamed without knowing of the removal.
 *
 * The last two depend on other entries, which may come in any order: they wait until the
 * provider has said that it has sent everything. They wait in memory. After a restart
 * slapd does not receive them again: a search of the database finds them by their
 * entryCSN, which is at or after the contextCSN with which the database was opened. The
 * same search finds changes that arrived while the overlay was removed or disabled.
 *
 * Called by threads of replication, with the received change applied and uncommitted.
 * Results are LDAP result codes; other than LDAP_SUCCESS, w->text says why.
 */
#ifndef PAT_SLAPD_CONVERGE_H
#define PAT_SLAPD_CONVERGE_H

#include "work.h"

/*
 * The changes that wait in a database. Any thread may use it. pat_pending_free() frees it
 * only if slapd ends; otherwise it is kept for the next overlay of the database with that
 * normalized suffix.
 */
struct pat_pending *pat_pending_new(void);
void pat_pending_free(struct pat_pending *pending, const struct berval *suffix);

/* Frees the kept changes of all databases. */
void pat_pending_end(void);

/*
 * Returns whether `op` is a change of another provider, and this server is a provider,
 * too. While items wait, every received change counts: a server that ceases to be a
 * provider settles them before it stores a newer contextCSN.
 */
bool pat_converge_is_received(const Operation *op, const slap_overinst *on);

/* Of such an operation: is it one to look at? */
bool pat_converge_adds(const Operation *op);
bool pat_converge_modifies(const Operation *op);

/*
 * Record the stored contextCSN when the overlay is opened, and closed. Every change that
 * was received before that contextCSN is settled.
 */
void pat_converge_opened(BackendDB *be, slap_overinst *on);
void pat_converge_closed(BackendDB *be, slap_overinst *on);

/*
 * Called before a received change is handled. The first call searches the database for
 * changes that waited when slapd ended, or arrived while the overlay was absent.
 */
void pat_converge_recall(Operation *op, slap_overinst *on);

/*
 * Returns whether `op` says that a provider has sent everything, and a change waits for
 * that. Searches the database if the contextCSN names a server for the first time.
 */
bool pat_converge_completes(Operation *op, slap_overinst *on);

PAT_MUST_USE int pat_converge_added(struct pat_work *w, SlapReply *rs);
PAT_MUST_USE int pat_converge_modified(struct pat_work *w, SlapReply *rs);
PAT_MUST_USE int pat_converge_completed(struct pat_work *w, SlapReply *rs);

/*
 * Called after the end of the transaction. If it was not committed, the settled changes
 * wait again.
 */
void pat_converge_end(struct pat_work *w);

#endif
