/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * minting.h - have the directory make a token, and take it out of the answer
 */
#ifndef PATCTL_MINTING_H
#define PATCTL_MINTING_H

#include <stdint.h>

#include "attr.h"
#include "session.h"

#define MINTING_CONTAINER  "ou=tokens" /* below the org, where nothing else is said */
#define MINTING_SECRET_MAX 512

/* All borrowed; NULL or 0 = not wanted. */
struct minting {
    const char *parent; /* the DN of the container */
    const char *id;     /* NULL = one is made up from `user` */
    const char *user;   /* for that, and for what is said */
    const char *name, *description;
    const char *owner; /* a DN; NULL = who is bound */
    int64_t expires;
    const char *const *services, *const *sources; /* NULL-terminated */
};

struct minted {
    char secret[MINTING_SECRET_MAX]; /* NUL-terminated */
    char id[80];
};

/*
 * Add the token. EX_OK, or the exit status: said. *ret is to be cleared with
 * minted_clear() either way.
 */
PAT_MUST_USE int minting_run(
    struct session *s, const struct minting *m, struct minted *ret);
void minted_clear(struct minted *m);

/*
 * The token alone to standard output, all else to standard error. If it cannot be
 * written, it is lost: says so, and how to revoke it.
 */
PAT_MUST_USE int minted_print(
    const struct minted *m, const struct minting *from, const char *org);

#endif
