/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mint.h - a new token, from its making to the one response that tells it
 *
 * Order of use: pat_mint_make() before the backend adds the entry, pat_mint_offer() when
 * it has, pat_mint_reveal() when every other callback has seen the response, and
 * pat_mint_hide() as soon as it is sent; pat_mint_clear() in every case.
 *
 * The token is in this struct and, while the response is sent, in its control; both are
 * erased. It is in no entry: other overlays and logs see the hash of it, and in the
 * control, which accesslog keeps, something else in its place.
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
    char *place;            /* of the token in it */
    LDAPControl **controls; /* of the response */
};

/* Make a token and put its hash into the entry. */
PAT_MUST_USE int pat_mint_make(struct pat_work *w, Entry *e);

/*
 * Make room for the token in the response. LDAP_UNWILLING_TO_PERFORM: the client did not
 * ask for it, LDAP_INSUFFICIENT_ACCESS: it may not read it.
 */
PAT_MUST_USE int pat_mint_offer(struct pat_work *w, Entry *e, SlapReply *rs);

/* Put the token there. Does nothing without an offer, or if `rs` is no success. */
void pat_mint_reveal(struct pat_work *w, const SlapReply *rs);

void pat_mint_hide(struct pat_work *w);

void pat_mint_clear(struct pat_work *w, SlapReply *rs);

#endif
