/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generalizedTime, against a calendar of its own: a token that has expired must not live
 * because of how the time is written.
 */
#include "fuzz.h"
#include "gentime.h"

#define DAY_S INT64_C(86400)

static int64_t
digits(const char *s, size_t len)
{
    int64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n = n * 10 + (s[i] - '0');
    return n;
}

static bool
is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from the first of January of year 0, counted month by month. */
static int64_t
days_before(int64_t year, int64_t month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = year * 365;

    if (year > 0)
        days += (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1;
    for (int64_t m = 0; m < month - 1; m++)
        days += lengths[m] + (m == 1 && is_leap(year) ? 1 : 0);
    return days;
}

/* The hour, which every accepted text has; minutes, seconds and zone are added to it. */
static int64_t
hour_of(const char *s)
{
    int64_t days =
        days_before(digits(s, 4), digits(s + 4, 2)) + digits(s + 6, 2) - 1 - 719528;

    return days * DAY_S + digits(s + 8, 2) * 3600;
}

static int64_t
rest_of(const char *s)
{
    size_t n = strspn(s + 10, "0123456789");
    const char *zone = s + strcspn(s, "Z+-");
    int64_t rest = 0, away = 0;

    MUST(n == 0 || n == 2 || n == 4);
    if (n >= 2)
        rest += digits(s + 10, 2) * 60;
    if (n >= 4)
        rest += digits(s + 12, 2);
    if (zone[0] != 'Z') {
        away = digits(zone + 1, 2) * 3600;
        if (zone[3] != '\0')
            away += digits(zone + 3, 2) * 60;
    }
    return zone[0] == '-' ? rest + away : rest - away;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *s = fuzz_string(data, size);
    int64_t t = 0, again = 0;
    char text[PAT_GENTIME_LEN + 1];

    if (pat_gentime_parse(s, &t) == PAT_OK) {
        MUST(t == hour_of(s) + rest_of(s));
        pat_gentime_format(t, text);
        MUST(strlen(text) == PAT_GENTIME_LEN && text[PAT_GENTIME_LEN - 1] == 'Z');
        MUST(pat_gentime_parse(text, &again) == PAT_OK);
        /* A zone may lead out of the years that can be written. */
        MUST(again == t || llabs(again - t) <= DAY_S);
        MUST(again == t || t < hour_of("0000010100") || t >= hour_of("9999123123"));
    }
    if (size >= sizeof(t)) {
        memcpy(&t, data, sizeof(t));
        pat_gentime_format(t, text);
        MUST(pat_gentime_parse(text, &again) == PAT_OK);
    }
    free(s);
    return 0;
}
