/* SPDX-License-Identifier: BSD-2-Clause */
#include "option.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "strv.h"

static void *
place(void *settings, const struct pat_option *o)
{
    return (char *)settings + o->offset;
}

static enum pat_err
fail(const struct pat_option *o, struct pat_diag *diag, const char *why)
{
    pat_diag_set(diag, "%s: %s", o->name, why);
    return PAT_ERR_CONFIG;
}

static enum pat_err
set_string(
    const struct pat_option *o, char **at, const char *value, struct pat_diag *diag)
{
    char *copy = NULL;

    if (o->type == PAT_OPTION_PATH && value[0] != '\0' && value[0] != '/')
        return fail(o, diag, "must be an absolute path");
    if (value[0] != '\0') {
        copy = strdup(value);
        if (copy == NULL)
            return PAT_ERR_NOMEM;
    }
    free(*at);
    *at = copy;
    return PAT_OK;
}

static enum pat_err
set_list(const struct pat_option *o, char ***at, const char *value, struct pat_diag *diag)
{
    const char *why = NULL;
    char **list = NULL;

    if (value[0] == '\0' && o->type == PAT_OPTION_LIMIT)
        return fail(o, diag, "needs a value; leave it out for no limit");
    if (value[0] != '\0') {
        list = pat_strv_split(value, (size_t)o->max, &why);
        if (list == NULL)
            return why != NULL ? fail(o, diag, why) : PAT_ERR_NOMEM;
    }
    pat_strv_free(*at);
    *at = list;
    return PAT_OK;
}

static enum pat_err
set_bool(const struct pat_option *o, int *at, const char *value, struct pat_diag *diag)
{
    static const char *const yes[] = {"yes", "true", "on", "1", NULL};
    static const char *const no[] = {"no", "false", "off", "0", NULL};

    if (pat_strv_contains_nocase(yes, value))
        *at = 1;
    else if (pat_strv_contains_nocase(no, value))
        *at = 0;
    else
        return fail(o, diag, "must be yes or no");
    return PAT_OK;
}

/* Digits of `base` at the start of s; *ret_end is behind them. Never negative. */
static bool
read_digits(const char *s, int base, long *ret, const char **ret_end)
{
    char *end = NULL;

    if (*s < '0' || *s > '9')
        return false;
    errno = 0;
    *ret = strtol(s, &end, base);
    *ret_end = end;
    return errno == 0 && end != s;
}

static enum pat_err
set_number(const struct pat_option *o, int *at, const char *value, struct pat_diag *diag)
{
    bool octal = o->type == PAT_OPTION_OCTAL;
    const char *end = NULL;
    long n = 0;

    if (!read_digits(value, octal ? 8 : 10, &n, &end) || *end != '\0')
        return fail(
            o, diag, octal ? "must be an octal number" : "must be a whole number");
    if (n < o->min || n > o->max) {
        pat_diag_set(diag,
            octal ? "%s: must be from 0%o to 0%o" : "%s: must be from %d to %d", o->name,
            (unsigned)o->min, (unsigned)o->max);
        return PAT_ERR_CONFIG;
    }
    *at = (int)n;
    return PAT_OK;
}

static enum pat_err
set_duration(
    const struct pat_option *o, int *at, const char *value, struct pat_diag *diag)
{
    static const struct {
        const char *name;
        long ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    const char *end = NULL;
    long n = 0, ms = 0;

    if (!read_digits(value, 10, &n, &end))
        return fail(o, diag, "must be a duration, such as 500ms, 3s, 10min, 2h or 1d");
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(end, units[i].name) == 0)
            ms = units[i].ms;
    if (n == 0 && *end == '\0')
        ms = 1;
    if (ms == 0)
        return fail(o, diag, "needs a unit: ms, s, min, h or d");
    if (n > INT_MAX / ms || n * ms < o->min || n * ms > o->max) {
        pat_diag_set(diag, "%s: must be from %dms to %dms", o->name, o->min, o->max);
        return PAT_ERR_CONFIG;
    }
    *at = (int)(n * ms);
    return PAT_OK;
}

static enum pat_err
set_choice(const struct pat_option *o, int *at, const char *value, struct pat_diag *diag)
{
    char list[128] = "";
    size_t used = 0;

    for (int i = 0; o->choices[i] != NULL; i++) {
        size_t len = strlen(o->choices[i]);

        if (strcmp(value, o->choices[i]) == 0) {
            *at = i;
            return PAT_OK;
        }
        if (used + len + 3 < sizeof(list)) {
            if (used > 0)
                used += (size_t)(stpcpy(list + used, ", ") - (list + used));
            memcpy(list + used, o->choices[i], len + 1);
            used += len;
        }
    }
    pat_diag_set(diag, "%s: must be one of: %s", o->name, list);
    return PAT_ERR_CONFIG;
}

static enum pat_err
set_one(
    const struct pat_option *o, void *settings, const char *value, struct pat_diag *diag)
{
    void *at = place(settings, o);

    if (o->type == PAT_OPTION_FLAG) {
        if (value != NULL)
            return fail(o, diag, "takes no value");
        *(int *)at = 1;
        return PAT_OK;
    }
    if (value == NULL)
        return fail(o, diag, "needs a value");
    switch (o->type) {
    case PAT_OPTION_STRING:
    case PAT_OPTION_PATH:
        return set_string(o, at, value, diag);
    case PAT_OPTION_LIST:
    case PAT_OPTION_LIMIT:
        return set_list(o, at, value, diag);
    case PAT_OPTION_BOOL:
        return set_bool(o, at, value, diag);
    case PAT_OPTION_INT:
    case PAT_OPTION_OCTAL:
        return set_number(o, at, value, diag);
    case PAT_OPTION_DURATION:
        return set_duration(o, at, value, diag);
    case PAT_OPTION_CHOICE:
        return set_choice(o, at, value, diag);
    case PAT_OPTION_FLAG:
        break;
    }
    return fail(o, diag, "has no type");
}

enum pat_err
pat_options_init(const struct pat_option *table, void *settings)
{
    for (const struct pat_option *o = table; o->name != NULL; o++) {
        enum pat_err err;

        if (o->default_text == NULL)
            continue;
        err = set_one(o, settings, o->default_text, NULL);
        if (err != PAT_OK) {
            pat_options_clear(table, settings);
            return err;
        }
    }
    return PAT_OK;
}

const struct pat_option *
pat_option_find(const struct pat_option *table, const char *name)
{
    for (const struct pat_option *o = table; o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

enum pat_err
pat_option_set(const struct pat_option *table, void *settings, const char *name,
    const char *value, struct pat_diag *diag)
{
    const struct pat_option *o = pat_option_find(table, name);

    if (o == NULL) {
        pat_diag_set(diag, "%.64s: unknown setting", name);
        return PAT_ERR_CONFIG;
    }
    return set_one(o, settings, value, diag);
}

void
pat_options_clear(const struct pat_option *table, void *settings)
{
    for (const struct pat_option *o = table; o->name != NULL; o++) {
        switch (o->type) {
        case PAT_OPTION_STRING:
        case PAT_OPTION_PATH:
            free(*(char **)place(settings, o));
            *(char **)place(settings, o) = NULL;
            break;
        case PAT_OPTION_LIST:
        case PAT_OPTION_LIMIT:
            pat_strv_free(*(char ***)place(settings, o));
            *(char ***)place(settings, o) = NULL;
            break;
        case PAT_OPTION_BOOL:
        case PAT_OPTION_FLAG:
        case PAT_OPTION_INT:
        case PAT_OPTION_OCTAL:
        case PAT_OPTION_DURATION:
        case PAT_OPTION_CHOICE:
            *(int *)place(settings, o) = 0;
            break;
        }
    }
}
