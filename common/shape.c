/* SPDX-License-Identifier: BSD-2-Clause */
#include "shape.h"

#include <string.h>

/* Not isalnum(): a locale must not widen the alphabet. */
static bool
in_alphabet(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           c == '_' || c == '-';
}

static bool
all_in_alphabet(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!in_alphabet(s[i]))
            return false;
    return true;
}

bool
pat_prefix_valid(const char *prefix)
{
    size_t len = strlen(prefix);

    return len >= 1 && len <= PAT_PREFIX_MAX && all_in_alphabet(prefix, len);
}

bool
pat_token_has_prefix(const char *prefix, const void *token, size_t token_len)
{
    size_t len = strlen(prefix);

    return token_len >= len && memcmp(token, prefix, len) == 0;
}

bool
pat_token_well_formed(const char *prefix, const void *token, size_t token_len)
{
    return pat_token_has_prefix(prefix, token, token_len) && token_len > strlen(prefix) &&
           token_len <= PAT_TOKEN_MAX && all_in_alphabet(token, token_len);
}

/* Unlike tolower(), independent of the host's locale. */
static char
lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

/* Blanks, control characters and bytes outside ASCII. */
static bool
is_wrapping(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f;
}

/* Returns whether a complete token begins at `p`. */
static bool
token_begins(const char *prefix, const char *p, const char *end)
{
    size_t body = 0;

    for (; p < end && body < PAT_TOKEN_BODY_MIN; p++) {
        if (is_wrapping(*p))
            continue;
        if (*prefix != '\0') {
            if (lower(*p) != lower(*prefix++))
                return false;
        } else if (in_alphabet(*p)) {
            body++;
        } else {
            return false;
        }
    }
    return body == PAT_TOKEN_BODY_MIN;
}

bool
pat_token_resembles(const char *prefix, const void *text, size_t text_len)
{
    const char *p = text, *end = p + text_len;

    for (; p < end; p++)
        if (lower(*p) == lower(prefix[0]) && token_begins(prefix, p, end))
            return true;
    return false;
}

/* Bytes that terminals and clipboards add around a pasted text. */
static const char *const additions[] = {
    " ", "\t", "\n", "\v", "\f", "\r", "\xef\xbb\xbf", "\033[200~", "\033[201~"};

/* Returns the length of an addition at the start or the end; 0: no addition. */
static size_t
addition(const char *text, size_t text_len, bool at_end)
{
    for (size_t i = 0; i < sizeof(additions) / sizeof(additions[0]); i++) {
        size_t len = strlen(additions[i]);

        if (len <= text_len &&
            memcmp(at_end ? text + text_len - len : text, additions[i], len) == 0)
            return len;
    }
    return 0;
}

void
pat_token_trim(const char **text, size_t *text_len)
{
    size_t n;

    while ((n = addition(*text, *text_len, false)) > 0) {
        *text += n;
        *text_len -= n;
    }
    while ((n = addition(*text, *text_len, true)) > 0)
        *text_len -= n;
}

enum pat_likeness
pat_token_recognise(const char *prefix, const void *password, size_t password_len,
    const char **ret_token, size_t *ret_token_len)
{
    const char *text = password;
    size_t len = password_len;

    pat_token_trim(&text, &len);
    if (pat_token_has_prefix(prefix, text, len)) {
        *ret_token = text;
        *ret_token_len = len;
        return PAT_LIKENESS_TOKEN;
    }
    return pat_token_resembles(prefix, password, password_len) ? PAT_LIKENESS_HIDDEN
                                                               : PAT_LIKENESS_NONE;
}
