/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.h - what a token may be when it is added, and what may become of it
 *
 * Called with the main change applied and uncommitted. Results are LDAP result codes;
 * other than LDAP_SUCCESS, w->text says why and what to do.
 */
#ifndef PAT_SLAPD_TOKEN_H
#define PAT_SLAPD_TOKEN_H

#include "work.h"

/* An added token: its place, its owner, its policy, its values; then the event. */
PAT_MUST_USE int pat_token_added(struct pat_work *w, Entry *e);

/* A modified token: what never changes has not; a revocation or a use leaves its event.
 */
PAT_MUST_USE int pat_token_modified(struct pat_work *w, Entry *before, Entry *after);

/* A deleted token: a live one was revoked by that. */
PAT_MUST_USE int pat_token_deleted(struct pat_work *w, Entry *before);

/*
 * Before the backend gets it: complete a revocation with the time, the actor and, unless
 * the client gives one, the reason.
 */
void pat_token_complete_revocation(struct pat_work *w, Modifications **mods);

/* Revoke a token, of which `token` is a copy that is taken. It leaves its event. */
PAT_MUST_USE int pat_token_revoke(struct pat_work *w, Entry *token, const char *reason);

/*
 * Revoke all live tokens of `person` below `base`; of one org only, where `org` is not
 * NULL. Each leaves its event.
 */
PAT_MUST_USE int pat_token_revoke_all(struct pat_work *w, const struct berval *base,
    const struct berval *person, const struct berval *org, const char *reason);

/*
 * Must an entry that is no token be refused because of what it holds or, where `before`
 * is not NULL, because of what it was?
 */
PAT_MUST_USE int pat_token_check_foreign(struct pat_work *w, Entry *before, Entry *e);

#endif
