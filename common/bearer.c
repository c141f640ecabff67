/* SPDX-License-Identifier: BSD-2-Clause */
#include "bearer.h"

#include <string.h>
#include <strings.h>

/* How many bytes from `p` on are in `set`? */
static size_t
span(const char *p, const char *end, const char *set)
{
    size_t n = 0;

    while (p + n < end && p[n] != '\0' && strchr(set, p[n]) != NULL)
        n++;
    return n;
}

enum pat_err
pat_bearer_parse(
    const void *value, size_t value_len, const char **ret_token, size_t *ret_token_len)
{
    static const char scheme[] = "Bearer";
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz._~+/-";
    const char *p = value, *end = p + value_len, *token;
    size_t spaces, len;

    if (value_len < strlen(scheme) || strncasecmp(p, scheme, strlen(scheme)) != 0)
        return PAT_ERR_MALFORMED;
    p += strlen(scheme);
    spaces = span(p, end, " ");
    token = p + spaces;
    len = span(token, end, alphabet);
    p = token + len;
    p += span(p, end, "=");
    if (spaces == 0 || len == 0 || p != end)
        return PAT_ERR_MALFORMED;
    *ret_token = token;
    *ret_token_len = (size_t)(end - token);
    return PAT_OK;
}
