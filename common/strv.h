/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strv.h - lists of strings: NULL-terminated arrays, NULL itself being the empty list
 *
 * libc alone.
 */
#ifndef PAT_STRV_H
#define PAT_STRV_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

size_t pat_strv_len(const char *const *list);

/* Equal but for the case of ASCII letters, as the directory compares orgs and roles. */
bool pat_strv_contains_nocase(const char *const *list, const char *s);

/* To the byte. */
bool pat_strv_contains(const char *const *list, const char *s);

/* Alphabetical whatever the case of ASCII letters, as strcmp(3) where that is all. */
int pat_strv_compare(const char *a, const char *b);

/*
 * Split at commas, white space around each item cut off. The caller frees the list.
 * Returns NULL for a list with an empty item ("a,,b", "") or with more than `max` of
 * them, *ret_why (a static phrase) tells which; and without memory, when *ret_why is
 * NULL.
 */
PAT_MUST_USE char **pat_strv_split(const char *s, size_t max, const char **ret_why);

/* NULL is accepted. */
void pat_strv_free(char **list);

/* A `char **` may be read as this; C's rules on qualifiers just do not say so. */
static inline const char *const *
pat_strv_const(char *const *list)
{
    return (const char *const *)list;
}

#endif
