/* SPDX-License-Identifier: BSD-2-Clause */
#include "refusal.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void
pat_refusal_value(const char *value, char ret[PAT_REFUSAL_VALUE_MAX + 1])
{
    static const char plain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz._:/@%+-";
    size_t n = 0;

    for (; value != NULL && value[n] != '\0' && n < PAT_REFUSAL_VALUE_MAX; n++)
        ret[n] = '?';
    ret[n] = '\0';
    while (n-- > 0)
        if (strchr(plain, value[n]) != NULL)
            ret[n] = value[n];
}

/* In quotes: what could end them, or the line, is replaced. */
static void
quote_text(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c >= 0x7f)
            *text = '?';
        else if (c == '"' || c == '\\')
            *text = '\'';
    }
}

void
pat_refusal_line(const char *place, const char *source, const char *user,
    const char *reason, const char *detail, char ret[PAT_REFUSAL_MAX])
{
    char rhost[PAT_REFUSAL_VALUE_MAX + 1], name[PAT_REFUSAL_VALUE_MAX + 1];
    char why[512];
    bool has_detail = detail != NULL && detail[0] != '\0';

    pat_refusal_value(source, rhost);
    pat_refusal_value(user, name);
    (void)snprintf(why, sizeof(why), "%s%s%s", reason, has_detail ? ": " : "",
        has_detail ? detail : "");
    quote_text(why);
    (void)snprintf(ret, PAT_REFUSAL_MAX,
        "authentication failure; %.480s rhost=%s user=%s reason=\"%s\"", place, rhost,
        name, why);
}
