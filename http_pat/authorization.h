/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * authorization.h - the credentials in a request's header Authorization
 *
 * RFC 9110, section 11.6.2; `Bearer` as in RFC 6750, section 2.1; `Basic` as in RFC 7617,
 * with a token for the password.
 *
 * Nothing allocates or blocks.
 */
#ifndef HTTP_PAT_AUTHORIZATION_H
#define HTTP_PAT_AUTHORIZATION_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "request.h"
#include "shape.h"

enum authorization {
    AUTHORIZATION_NONE,      /* no credentials, or of a scheme that is not ours */
    AUTHORIZATION_GIVEN,     /* a token, and with Basic a user name */
    AUTHORIZATION_BAD,       /* credentials that no token of ours can be */
    AUTHORIZATION_MALFORMED, /* not of the form that the scheme has */
};

struct credentials {
    bool has_user;               /* Basic */
    char user[PAT_USER_MAX + 1]; /* UTF-8 if it is anybody's; any bytes but controls */
    size_t token_len;
    char token[PAT_TOKEN_MAX]; /* any bytes */
};

/*
 * Read the credentials in `value`, which is borrowed, any bytes, no NUL needed. *ret is
 * overwritten, and has something in it with AUTHORIZATION_GIVEN alone; the caller clears
 * it.
 */
PAT_MUST_USE enum authorization authorization_parse(
    const void *value, size_t value_len, struct credentials *ret);

void credentials_clear(struct credentials *c);

#endif
