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
