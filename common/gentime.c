/* SPDX-License-Identifier: BSD-2-Clause */
#include "gentime.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Take `digits` digits off *s. */
static bool
take_number(const char **s, int digits, int min, int max, int *ret)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        if (!is_digit(**s))
            return false;
        value = value * 10 + (**s - '0');
        (*s)++;
    }
    *ret = value;
    return value >= min && value <= max;
}

static bool
take_fraction(const char **s)
{
    if (**s != '.' && **s != ',')
        return true;
    (*s)++;
    if (!is_digit(**s))
        return false;
    while (is_digit(**s))
        (*s)++;
    return true;
}

/* The zone's distance from UTC in seconds. It is not optional in LDAP. */
static bool
take_zone(const char **s, int *ret)
{
    int hours = 0, minutes = 0;
    char sign = **s;

    if (sign != 'Z' && sign != '+' && sign != '-')
        return false;
    (*s)++;
    if (sign != 'Z') {
        if (!take_number(s, 2, 0, 23, &hours))
            return false;
        if (is_digit(**s) && !take_number(s, 2, 0, 59, &minutes))
            return false;
    }
    *ret = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

enum pat_err
pat_gentime_parse(const char *s, int64_t *ret_seconds)
{
    struct tm tm = {0};
    int zone = 0;

    if (!take_number(&s, 4, 0, 9999, &tm.tm_year) ||
        !take_number(&s, 2, 1, 12, &tm.tm_mon))
        return PAT_ERR_MALFORMED;
    if (!take_number(&s, 2, 1, days_in_month(tm.tm_year, tm.tm_mon), &tm.tm_mday))
        return PAT_ERR_MALFORMED;
    if (!take_number(&s, 2, 0, 23, &tm.tm_hour))
        return PAT_ERR_MALFORMED;
    if (is_digit(*s)) {
        if (!take_number(&s, 2, 0, 59, &tm.tm_min))
            return PAT_ERR_MALFORMED;
        if (is_digit(*s) && !take_number(&s, 2, 0, 60, &tm.tm_sec))
            return PAT_ERR_MALFORMED;
    }
    if (!take_fraction(&s) || !take_zone(&s, &zone) || *s != '\0')
        return PAT_ERR_MALFORMED;

    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret_seconds = (int64_t)timegm(&tm) - zone;
    return PAT_OK;
}

void
pat_gentime_format(int64_t seconds, char ret_text[PAT_GENTIME_LEN + 1])
{
    const int64_t year_zero = -62167219200, year_9999_end = 253402300799;
    struct tm tm = {0};
    time_t t;

    if (seconds < year_zero)
        seconds = year_zero;
    if (seconds > year_9999_end)
        seconds = year_9999_end;
    t = (time_t)seconds;
    (void)gmtime_r(&t, &tm);
    (void)snprintf(ret_text, PAT_GENTIME_LEN + 1, "%04u%02u%02u%02u%02u%02uZ",
        (unsigned)(tm.tm_year + 1900) % 10000U, (unsigned)(tm.tm_mon + 1) % 100U,
        (unsigned)tm.tm_mday % 100U, (unsigned)tm.tm_hour % 100U,
        (unsigned)tm.tm_min % 100U, (unsigned)tm.tm_sec % 100U);
}
