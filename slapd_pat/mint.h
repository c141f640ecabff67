/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mint.h - a new token, from its making to the one response that tells it
 *
 * Order of use: pat_mint_make() before the backend adds the entry, pat_mint_tell() when
 * it has, pat_mint_clear() after the response in every case.
 *
 * The token is in this struct and in the response's control, and both are erased. It is
 * in no entry: what other overlays and the log see of the add is the hash.
 */
#ifndef PAT_SLAPD_MINT_H
#define PAT_SLAPD_MINT_H

#include "../common/token.h"
#include "host.h"

struct pat_work;

struct pat_mint {
    bool minted; /* is the token ours, not imported? */
    struct pat_token token;
    LDAPControl *control;   /* ours, in place of the backend's post-read */
    LDAPControl **controls; /* of the response */
    int debug;              /* what the connection logged before */
    bool quiet;
};

/* Make a token and put its hash into the entry. */
PAT_MUST_USE int pat_mint_make(struct pat_work *w, Entry *e);

/*
 * Put the token into the response. LDAP_UNWILLING_TO_PERFORM: the client did not ask for
 * it, LDAP_INSUFFICIENT_ACCESS: it may not read it.
 */
PAT_MUST_USE int pat_mint_tell(struct pat_work *w, Entry *e, SlapReply *rs);

void pat_mint_clear(struct pat_work *w, SlapReply *rs);

#endif
