/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.h - what a host asks about a token, and what it learns of it and its bearer
 *
 * libc alone.
 */
#ifndef PAT_REQUEST_H
#define PAT_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#define PAT_LIST_MAX    32 /* orgs, roles, services, sources of one request or entry */
#define PAT_USER_MAX    255
#define PAT_SERVICE_MAX 255
#define PAT_SOURCE_MAX  255
#define PAT_ID_MAX      64
#define PAT_NAME_MAX    255
#define PAT_ORG_MAX     255
#define PAT_ROLE_MAX    255

/* All strings are borrowed for the call; NULL means "not known" or, for lists, "any". */
struct pat_request {
    const char *user;    /* the login name; the owner's uid must equal it */
    bool any_user;       /* do not compare it: a shared login, or a host without one */
    const char *service; /* name of the PAM, SASL or HTTP service */
    const char *source;  /* remote address as the host gives it; never resolved */
    const char *const *orgs;  /* orgs that the service accepts, or NULL */
    const char *const *roles; /* roles that the service accepts, or NULL */
};

/* What became of a token that its holder wanted revoked; meaningful only after PAT_OK. */
struct pat_revocation {
    bool already;              /* it was revoked before, and nothing was changed */
    char id[PAT_ID_MAX + 1];   /* "" = its entry has none, or one that is too long */
    char org[PAT_ORG_MAX + 1]; /* likewise */
};

/* What was granted; meaningful only after PAT_OK. Strings are UTF-8 and NUL-terminated.
 */
struct pat_identity {
    char id[PAT_ID_MAX + 1];     /* public name of the token: may be logged */
    char name[PAT_NAME_MAX + 1]; /* what its owner calls it; "" = nothing; may be cut */
    char user[PAT_USER_MAX + 1]; /* the owner's uid */
    char org[PAT_ORG_MAX + 1];
    char role[PAT_ROLE_MAX + 1]; /* in that org, now */
    int64_t expires;             /* seconds since the epoch; 0 = never */
};

#endif
