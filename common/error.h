/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.h - the one error space of the project
 *
 * A code is here because a caller acts, or an operator repairs, differently for it.
 * What exactly went wrong (which server, which key, which line) stands in a pat_diag,
 * which is for the log and never for whoever presented the token.
 *
 * libc alone: the adapters use it.
 */
#ifndef PAT_ERROR_H
#define PAT_ERROR_H

#include "attr.h"

/*
 * The numbers travel between patd and its clients (proto.h): append, never renumber.
 * Every code but PAT_OK refuses.
 */
enum pat_err {
    PAT_OK = 0,
    PAT_ERR_MALFORMED, /* not the shape of a token at all */
    PAT_ERR_UNKNOWN,   /* no entry has its hash */
    PAT_ERR_REVOKED,
    PAT_ERR_EXPIRED,
    PAT_ERR_MEMBER,  /* its owner is gone, locked, or no member of its org now */
    PAT_ERR_USER,    /* live, but of somebody else than the login name says */
    PAT_ERR_SCOPE,   /* live, but not for this org, role, service or source */
    PAT_ERR_RECORD,  /* its entry is damaged, or not the only one: an admin must repair */
    PAT_ERR_UNAVAIL, /* the directory gave no usable answer */
    PAT_ERR_CONFIG,  /* our own configuration is wrong */
    PAT_ERR_NOMEM,
    PAT_ERR_COUNT /* not a code: how many there are */
};

/* A static phrase for the log, never NULL, also for numbers that are no code. */
const char *pat_strerror(enum pat_err err);

/* What the system calls the value of errno; static, never NULL, safe in threads. */
const char *pat_errno_text(int error);

/* One line about the last failure, for the log of the host. Holds no secret. */
struct pat_diag {
    char text[320];
};

/* Both accept NULL for `diag`. What does not fit is cut; a control character becomes a
 * question mark. */
void pat_diag_set(struct pat_diag *diag, const char *fmt, ...) PAT_PRINTF(2, 3);
void pat_diag_clear(struct pat_diag *diag);

#endif
