/* SPDX-License-Identifier: BSD-2-Clause */
#include "when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gentime.h"

#define YEARS_MAX 100

struct unit {
    const char *name;
    int64_t seconds;
};

/* The largest first. */
static const struct unit units[] = {{"y", 365LL * WHEN_DAY}, {"w", 7LL * WHEN_DAY},
    {"d", WHEN_DAY}, {"h", 3600}, {"min", 60}, {"s", 1}};

#define UNITS (sizeof(units) / sizeof(units[0]))

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
when_parse_span(const char *s, int64_t *ret_seconds)
{
    const int64_t max = YEARS_MAX * units[0].seconds;
    char *end = NULL;
    long long n;

    if (!is_digit(s[0]))
        return false;
    errno = 0;
    n = strtoll(s, &end, 10);
    for (size_t i = 0; errno == 0 && i < UNITS; i++)
        if (strcmp(end, units[i].name) == 0) {
            if (n > max / units[i].seconds)
                return false;
            *ret_seconds = n * units[i].seconds;
            return true;
        }
    return false;
}

/* Digits for 0, else itself: "2026-11-25". */
static bool
looks_like(const char *s, const char *pattern)
{
    for (; *pattern != '\0'; s++, pattern++)
        if (*pattern == '0' ? !is_digit(*s) : *s != *pattern)
            return false;
    return *s == '\0';
}

/* What people write, as a generalizedTime. */
static bool
to_generalized(const char *s, char ret[WHEN_MAX])
{
    const char *rest = "235959Z";
    size_t len = 0;

    if (!looks_like(s, "0000-00-00") && !looks_like(s, "0000-00-00T00:00Z") &&
        !looks_like(s, "0000-00-00T00:00:00Z"))
        return false;
    for (; *s != '\0'; s++)
        if (is_digit(*s) || *s == 'Z') {
            ret[len++] = *s;
            rest = *s == 'Z' ? "" : rest;
        }
    (void)snprintf(ret + len, WHEN_MAX - len, "%s", rest);
    return true;
}

bool
when_parse(const char *s, int64_t now, int64_t *ret)
{
    char text[WHEN_MAX];
    int64_t span;

    if (when_parse_span(s, &span)) {
        *ret = now + span;
        return true;
    }
    if (!to_generalized(s, text)) {
        if (strlen(s) >= sizeof(text))
            return false;
        (void)snprintf(text, sizeof(text), "%s", s);
    }
    return pat_gentime_parse(text, ret) == PAT_OK;
}

int64_t
when_read(const char *generalized_time)
{
    int64_t t = 0;

    if (generalized_time == NULL || pat_gentime_parse(generalized_time, &t) != PAT_OK)
        return 0;
    return t;
}

static bool
broken_down(int64_t t, struct tm *ret)
{
    time_t seconds = (time_t)t;

    return gmtime_r(&seconds, ret) != NULL;
}

void
when_day(int64_t t, char ret[WHEN_MAX])
{
    struct tm tm = {0};

    if (t == 0)
        (void)snprintf(ret, WHEN_MAX, "%s", "-");
    else if (!broken_down(t, &tm) || strftime(ret, WHEN_MAX, "%Y-%m-%d", &tm) == 0)
        (void)snprintf(ret, WHEN_MAX, "%s", "?");
}

void
when_iso(int64_t t, char ret[WHEN_MAX])
{
    struct tm tm = {0};

    if (!broken_down(t, &tm) || strftime(ret, WHEN_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(ret, WHEN_MAX, "%s", "?");
}

void
when_relative(int64_t t, int64_t now, char ret[WHEN_MAX])
{
    int64_t distance = t > now ? t - now : now - t;
    const struct unit *unit = &units[4];

    if (distance >= 3600)
        unit = distance >= WHEN_DAY ? &units[2] : &units[3];
    if (distance < 60)
        (void)snprintf(ret, WHEN_MAX, "%s", "now");
    else if (t > now)
        (void)snprintf(ret, WHEN_MAX, "in %lld %s", (long long)(distance / unit->seconds),
            unit->name);
    else
        (void)snprintf(ret, WHEN_MAX, "%lld %s ago",
            (long long)(distance / unit->seconds), unit->name);
}

void
when_span(int64_t seconds, char ret[WHEN_MAX])
{
    size_t i = 2; /* days are what people count lifetimes in */

    while (i < UNITS - 1 && seconds % units[i].seconds != 0)
        i++;
    (void)snprintf(
        ret, WHEN_MAX, "%lld %s", (long long)(seconds / units[i].seconds), units[i].name);
}
