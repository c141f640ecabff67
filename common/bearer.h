/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bearer.h - the token in bearer credentials, as in `Authorization: Bearer TOKEN`
 *
 * RFC 6750, section 2.1. SASL's OAUTHBEARER (RFC 7628) carries the same text.
 *
 * libc alone; nothing allocates or blocks.
 */
#ifndef PAT_BEARER_H
#define PAT_BEARER_H

#include <stddef.h>

#include "attr.h"
#include "error.h"

/*
 * Find the token in `value`: the scheme `Bearer` in any case (RFC 9110, section 11.1),
 * one or more spaces, and 1 or more of [A-Za-z0-9._~+/-] with any number of `=` at the
 * end.
 *
 * value      borrowed, any bytes, no NUL needed.
 * ret_token  points into `value`.
 *
 * PAT_ERR_MALFORMED: another scheme, no token, or a byte that none can have.
 */
PAT_MUST_USE enum pat_err pat_bearer_parse(
    const void *value, size_t value_len, const char **ret_token, size_t *ret_token_len);

#endif
