/* SPDX-License-Identifier: BSD-2-Clause */
#include "authorization.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "bearer.h"
#include "secret.h"

/* What a user name, a colon and a token are at most. */
#define PAIR_MAX (PAT_USER_MAX + 1 + PAT_TOKEN_MAX)

/* RFC 9110, section 5.6.2; no locale may widen it. */
static bool
is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The length of the scheme that `value` begins with; 0: with none. */
static size_t
scheme_length(const char *value, size_t len)
{
    size_t n = 0;

    while (n < len && is_token_char(value[n]))
        n++;
    return n == len || value[n] == ' ' ? n : 0;
}

static bool
scheme_is(const char *value, size_t len, const char *scheme)
{
    return len == strlen(scheme) && strncasecmp(value, scheme, len) == 0;
}

/* RFC 4648, section 4; -1: no digit. */
static int
base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : (c == '/' ? 63 : -1);
}

/*
 * Decode into `buf`. False: it is not base64 in its one form, padded and with no bits to
 * spare. *ret_len is how long it is, and what does not fit into `size` is left out.
 */
static bool
base64_decode(const char *text, size_t len, char *buf, size_t size, size_t *ret_len)
{
    size_t digits = len, n = 0;
    uint32_t bits = 0;

    while (digits > 0 && len - digits < 2 && text[digits - 1] == '=')
        digits--;
    if (len == 0 || len % 4 != 0)
        return false;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text[i]);

        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 0)
            continue;
        if (n < size)
            buf[n] = (char)(bits >> (6 - 2 * (i % 4)));
        n++;
    }
    *ret_len = n;
    return (bits & ((1U << (2 * (len - digits))) - 1)) == 0;
}

static bool
has_controls(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return true;
    return false;
}

/* The user name ends at the first colon. Neither part has controls in it: RFC 7617,
 * section 2. */
static enum authorization
split_pair(const char *pair, size_t len, bool whole, struct credentials *ret)
{
    const char *colon = memchr(pair, ':', len);
    size_t user_len = colon != NULL ? (size_t)(colon - pair) : len;
    size_t token_len = len - user_len - (colon != NULL);
    const char *token = pair + len - token_len;

    pat_token_trim(&token, &token_len);
    if (has_controls(pair, len) || (whole && colon == NULL))
        return AUTHORIZATION_MALFORMED;
    if (!whole || user_len > PAT_USER_MAX || token_len > PAT_TOKEN_MAX || token_len == 0)
        return AUTHORIZATION_BAD;
    memcpy(ret->user, pair, user_len);
    ret->user[user_len] = '\0';
    memcpy(ret->token, token, token_len);
    ret->token_len = token_len;
    ret->has_user = true;
    return AUTHORIZATION_GIVEN;
}

static enum authorization
parse_basic(const char *text, size_t len, struct credentials *ret)
{
    char pair[PAIR_MAX];
    size_t pair_len = 0;
    enum authorization result = AUTHORIZATION_MALFORMED;

    if (base64_decode(text, len, pair, sizeof(pair), &pair_len)) {
        bool whole = pair_len <= sizeof(pair);

        result = split_pair(pair, whole ? pair_len : sizeof(pair), whole, ret);
    }
    pat_secret_erase(pair, sizeof(pair));
    return result;
}

static enum authorization
parse_bearer(const char *value, size_t len, struct credentials *ret)
{
    const char *token = NULL;
    size_t token_len = 0;

    if (pat_bearer_parse(value, len, &token, &token_len) != PAT_OK)
        return AUTHORIZATION_MALFORMED;
    if (token_len > sizeof(ret->token))
        return AUTHORIZATION_BAD;
    memcpy(ret->token, token, token_len);
    ret->token_len = token_len;
    return AUTHORIZATION_GIVEN;
}

enum authorization
authorization_parse(const void *value, size_t value_len, struct credentials *ret)
{
    const char *text = value;
    size_t scheme = scheme_length(text, value_len), at = scheme;

    ret->has_user = false;
    ret->user[0] = '\0';
    ret->token_len = 0;
    /* A front end may pass the header on as empty where none came. */
    if (value_len == 0)
        return AUTHORIZATION_NONE;
    if (scheme == 0)
        return AUTHORIZATION_MALFORMED;
    if (scheme_is(text, scheme, "Bearer"))
        return parse_bearer(text, value_len, ret);
    if (!scheme_is(text, scheme, "Basic"))
        return AUTHORIZATION_NONE;
    while (at < value_len && text[at] == ' ')
        at++;
    return parse_basic(text + at, value_len - at, ret);
}

void
credentials_clear(struct credentials *c)
{
    pat_secret_erase(c, sizeof(*c));
}
