/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
pat_diag_set(struct pat_diag *diag, const char *fmt, ...)
{
    va_list ap;

    if (diag == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(diag->text, sizeof(diag->text), fmt, ap);
    va_end(ap);
    /* Servers and files have a say in it: neither a line of a log nor a terminal is
     * theirs. */
    for (char *p = diag->text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
}

void
pat_diag_clear(struct pat_diag *diag)
{
    if (diag != NULL)
        diag->text[0] = '\0';
}

const char *
pat_strerror(enum pat_err err)
{
    switch (err) {
    case PAT_OK:
        return "accepted";
    case PAT_ERR_MALFORMED:
        return "not a token";
    case PAT_ERR_UNKNOWN:
        return "no such token";
    case PAT_ERR_REVOKED:
        return "token is revoked";
    case PAT_ERR_EXPIRED:
        return "token has expired";
    case PAT_ERR_MEMBER:
        return "owner is no active member of the token's org";
    case PAT_ERR_USER:
        return "token belongs to another user";
    case PAT_ERR_SCOPE:
        return "token is not valid for this org, role, service or source";
    case PAT_ERR_RECORD:
        return "token's directory entry is damaged or not unique";
    case PAT_ERR_UNAVAIL:
        return "token service is unavailable";
    case PAT_ERR_CONFIG:
        return "configuration is wrong";
    case PAT_ERR_NOMEM:
        return "out of memory";
    case PAT_ERR_COUNT:
        break;
    }
    return "unknown error";
}

const char *
pat_errno_text(int error)
{
#ifdef __GLIBC__
    const char *text = strerrordesc_np(error);
#else
    const char *text = strerror(error); /* musl: static, and shared by no threads */
#endif

    return text != NULL ? text : "unknown error";
}
