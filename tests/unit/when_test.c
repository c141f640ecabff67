/* SPDX-License-Identifier: BSD-2-Clause */
#include "when.h"

#include "unit.h"

#define NOW  1795586400LL /* 2026-11-25T06:00:00Z */
#define NONE (-1)

struct parse_case {
    const char *name;
    const char *text;
    int64_t want; /* NONE = refused */
};

static const struct parse_case spans[] = {
    {"seconds", "5s", 5},
    {"minutes", "30min", 1800},
    {"hours", "12h", 43200},
    {"days", "90d", 90LL * WHEN_DAY},
    {"weeks", "2w", 14LL * WHEN_DAY},
    {"years", "1y", 365LL * WHEN_DAY},
    {"none at all", "0d", 0},
    {"a hundred years", "100y", 36500LL * WHEN_DAY},
    {"more", "101y", NONE},
    {"far more", "99999999999999999999d", NONE},
    {"no unit", "90", NONE},
    {"no number", "d", NONE},
    {"empty", "", NONE},
    {"negative", "-5d", NONE},
    {"sign", "+5d", NONE},
    {"blank", " 5d", NONE},
    {"blank within", "5 d", NONE},
    {"two", "1d2h", NONE},
    {"months", "3m", NONE},
    {"capital", "5D", NONE},
    {"fraction", "1.5d", NONE},
};

static void
test_span(void **state)
{
    const struct parse_case *c = *state;
    int64_t got = NONE;

    unit_check_int("parsed", when_parse_span(c->text, &got), c->want != NONE);
    unit_check_int("seconds", got, c->want);
}

static const struct parse_case points[] = {
    {"from now", "1d", NOW + WHEN_DAY},
    {"end of that day", "2026-11-25", 1795651199},
    {"minute", "2026-11-25T06:00Z", NOW},
    {"second", "2026-11-25T06:00:00Z", NOW},
    {"generalizedTime", "20261125060000Z", NOW},
    {"no zone", "2026-11-25T06:00", NONE},
    {"another order", "25.11.2026", NONE},
    {"no such day", "2026-02-30", NONE},
    {"no such month", "2026-13-01", NONE},
    {"no such hour", "2026-11-25T25:00Z", NONE},
    {"more behind", "2026-11-25x", NONE},
    {"words", "tomorrow", NONE},
    {"empty", "", NONE},
    {"long", "20261125060000.00000000000000000000000000000000000000Z", NONE},
};

static void
test_point(void **state)
{
    const struct parse_case *c = *state;
    int64_t got = NONE;

    unit_check_int("parsed", when_parse(c->text, NOW, &got), c->want != NONE);
    if (c->want != NONE)
        unit_check_int("seconds", got, c->want);
}

struct format_case {
    const char *name;
    int64_t t;
    const char *relative;
};

static const struct format_case formats[] = {
    {"now", NOW, "now"},
    {"soon", NOW + 59, "now"},
    {"a minute", NOW + 60, "in 1 min"},
    {"an hour less a second", NOW - 3599, "59 min ago"},
    {"an hour", NOW - 3600, "1 h ago"},
    {"a day less a second", NOW + WHEN_DAY - 1, "in 23 h"},
    {"a day", NOW + WHEN_DAY, "in 1 d"},
    {"ninety days", NOW - 90LL * WHEN_DAY, "90 d ago"},
};

static void
test_relative(void **state)
{
    const struct format_case *c = *state;
    char text[WHEN_MAX];

    when_relative(c->t, NOW, text);
    unit_check_string("relative", text, c->relative);
}

static void
test_format(void **state)
{
    char text[WHEN_MAX];

    (void)state;
    when_day(NOW, text);
    unit_check_string("day", text, "2026-11-25");
    when_day(0, text);
    unit_check_string("no day", text, "-");
    when_iso(NOW, text);
    unit_check_string("iso", text, "2026-11-25T06:00:00Z");
    when_span(90LL * WHEN_DAY, text);
    unit_check_string("days", text, "90 d");
    when_span(5400, text);
    unit_check_string("minutes", text, "90 min");
    when_span(7, text);
    unit_check_string("seconds", text, "7 s");
    unit_check_int("no time", when_read("nonsense"), 0);
    unit_check_int("none", when_read(NULL), 0);
    unit_check_int("a time", when_read("20261125060000Z"), NOW);
}

int
main(void)
{
    UNIT_TABLE("span", test_span, spans);
    UNIT_TABLE("point", test_point, points);
    UNIT_TABLE("relative", test_relative, formats);
    unit_add("format", "each", test_format, NULL);
    return unit_run("when_test");
}
