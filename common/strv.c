/* SPDX-License-Identifier: BSD-2-Clause */
#include "strv.h"

#include <stdlib.h>
#include <string.h>

static char
ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool
equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && ascii_lower(*a) == ascii_lower(*b)) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

size_t
pat_strv_len(const char *const *list)
{
    size_t n = 0;

    if (list != NULL)
        while (list[n] != NULL)
            n++;
    return n;
}

bool
pat_strv_contains_nocase(const char *const *list, const char *s)
{
    for (; list != NULL && *list != NULL; list++)
        if (equal_nocase(*list, s))
            return true;
    return false;
}

bool
pat_strv_contains(const char *const *list, const char *s)
{
    for (; list != NULL && *list != NULL; list++)
        if (strcmp(*list, s) == 0)
            return true;
    return false;
}

int
pat_strv_compare(const char *a, const char *b)
{
    const char *x = a, *y = b;

    while (*x != '\0' && ascii_lower(*x) == ascii_lower(*y)) {
        x++;
        y++;
    }
    if (ascii_lower(*x) == ascii_lower(*y))
        return strcmp(a, b);
    return (unsigned char)ascii_lower(*x) < (unsigned char)ascii_lower(*y) ? -1 : 1;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

char **
pat_strv_split(const char *s, size_t max, const char **ret_why)
{
    char **list = calloc(max + 1, sizeof(*list));
    size_t n = 0;

    *ret_why = NULL;
    if (list == NULL)
        return NULL;
    for (;;) {
        size_t len = strcspn(s, ",");
        const char *end = s + len;
        const char *next = end;

        while (s < end && is_blank(*s))
            s++;
        while (end > s && is_blank(end[-1]))
            end--;
        if (s == end) {
            *ret_why = "empty item in list";
            goto fail;
        }
        if (n == max) {
            *ret_why = "too many items in list";
            goto fail;
        }
        list[n] = strndup(s, (size_t)(end - s));
        if (list[n] == NULL)
            goto fail;
        n++;
        if (*next == '\0')
            return list;
        s = next + 1;
    }
fail:
    pat_strv_free(list);
    return NULL;
}

void
pat_strv_free(char **list)
{
    if (list == NULL)
        return;
    for (char **p = list; *p != NULL; p++)
        free(*p);
    free(list);
}
