/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option.h - settings by table
 *
 * One table says of each setting its name, type, range, place in a struct, default and
 * meaning. The file parser, the arguments of the PAM module, the sample configuration
 * and the check of the manual pages all read that table, so that they cannot disagree.
 *
 * Order of use: pat_options_init(), pat_option_set() any number of times,
 * pat_options_clear(). libc alone; nothing blocks.
 */
#ifndef PAT_OPTION_H
#define PAT_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "error.h"

enum pat_option_type {
    PAT_OPTION_STRING,   /* char *; "" is NULL */
    PAT_OPTION_PATH,     /* char *, absolute; "" is NULL */
    PAT_OPTION_LIST,     /* char **, comma-separated; "" is NULL */
    PAT_OPTION_LIMIT,    /* as a list; "" is an error: it must not come to mean "any" */
    PAT_OPTION_BOOL,     /* int; yes/no, true/false, on/off, 1/0 */
    PAT_OPTION_FLAG,     /* int; set by its bare name, takes no value */
    PAT_OPTION_INT,      /* int, min to max */
    PAT_OPTION_OCTAL,    /* int, min to max */
    PAT_OPTION_DURATION, /* int, in milliseconds, min to max; units ms s min h d */
    PAT_OPTION_CHOICE,   /* int: index in `choices` */
};

struct pat_option {
    const char *name;
    enum pat_option_type type;
    size_t offset;              /* in the struct of settings */
    int min, max;               /* numbers and durations; items of a list at most `max` */
    const char *const *choices; /* NULL-terminated */
    const char *default_text;   /* as it would be written; NULL = unset */
    const char *help;           /* one line, for the sample configuration */
};

/* The last entry of a table. */
#define PAT_OPTION_END                                                                   \
    {                                                                                    \
        NULL, PAT_OPTION_STRING, 0, 0, 0, NULL, NULL, NULL                               \
    }

/*
 * Fill zeroed `settings` with the defaults.
 * PAT_ERR_CONFIG: the table itself is wrong (a test runs over every table).
 */
PAT_MUST_USE enum pat_err pat_options_init(
    const struct pat_option *table, void *settings);

/*
 * Set one; a former value is freed. `value` NULL = none was written.
 * PAT_ERR_CONFIG: *diag says "NAME: what is wrong". PAT_ERR_NOMEM.
 */
PAT_MUST_USE enum pat_err pat_option_set(const struct pat_option *table, void *settings,
    const char *name, const char *value, struct pat_diag *diag);

/* NULL if the table has no such name. */
const struct pat_option *pat_option_find(
    const struct pat_option *table, const char *name);

/* Free every string and list; the struct is then as it was before pat_options_init(). */
void pat_options_clear(const struct pat_option *table, void *settings);

#endif
