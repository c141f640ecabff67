/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

#include "gentime.h"

struct valid_row {
    const char *name;
    const char *text;
    int64_t want;
};

/* The numbers are those of `date -u -d … +%s`. */
static const struct valid_row valid[] = {
    {"the epoch", "19700101000000Z", 0},
    {"one second before it", "19691231235959Z", -1},
    {"an ordinary time", "20260314150926Z", 1773500966},
    {"beyond 32 bits", "20380119031408Z", 2147483648},
    {"the last second there is", "99991231235959Z", 253402300799},
    {"the first second there is", "00000101000000Z", -62167219200},
    {"no seconds", "202603141509Z", 1773500940},
    {"no minutes", "2026031415Z", 1773500400},
    {"a fraction with a point", "20260314150926.5Z", 1773500966},
    {"a fraction with a comma", "20260314150926,999999999999Z", 1773500966},
    {"a fraction of a minute is dropped", "202603141509.99Z", 1773500940},
    {"a fraction of an hour is dropped", "2026031415.75Z", 1773500400},
    {"east of UTC", "20260314160926+0100", 1773500966},
    {"east of UTC, hours alone", "20260314160926+01", 1773500966},
    {"west of UTC", "20260314100926-0500", 1773500966},
    {"half an hour off", "20260314203926+0530", 1773500966},
    {"a zone of nothing", "20260314150926+0000", 1773500966},
    {"a negative zone of nothing", "20260314150926-00", 1773500966},
    {"the widest zone", "20260315150826+2359", 1773500966},
    {"fraction and zone", "20260314160926.123+0100", 1773500966},
    {"a zone that crosses the year", "20260101003000+0100", 1767223800},
    {"leap year", "20240229000000Z", 1709164800},
    {"leap year by 400", "20000229000000Z", 951782400},
    {"day after the 28th of a common year", "20230301000000Z", 1677628800},
    {"a leap second", "20161231235960Z", 1483228800},
    {"a leap second elsewhere", "20261231155960-0800", 1798761600},
};

static void
parses(void **state)
{
    const struct valid_row *row = *state;
    int64_t got = 0x5a5a;

    unit_check_err(pat_gentime_parse(row->text, &got), PAT_OK);
    unit_check_int("seconds", got, row->want);
}

struct text_row {
    const char *name;
    const char *text;
};

static const struct text_row invalid[] = {
    {"empty", ""},
    {"a word", "never"},
    {"seconds since the epoch", "1773500966"},
    {"ISO 8601", "2026-03-14T15:09:26Z"},
    {"a date alone", "20260314"},
    {"a date and Z", "20260314Z"},
    {"UTCTime", "260314150926Z"},
    {"no zone", "20260314150926"},
    {"no zone, no minutes", "2026031415"},
    {"no zone behind a fraction", "20260314150926.5"},
    {"a small z", "20260314150926z"},
    {"two zones", "20260314150926ZZ"},
    {"Z and an offset", "20260314150926Z+0100"},
    {"a space in front", " 20260314150926Z"},
    {"a space behind", "20260314150926Z "},
    {"a line break behind", "20260314150926Z\n"},
    {"something behind", "20260314150926Zx"},
    {"year of three digits", "2260314150926Z"},
    {"year of five digits", "120260314150926Z"},
    {"a negative year", "-20260314150926Z"},
    {"month 0", "20260014150926Z"},
    {"month 13", "20261314150926Z"},
    {"day 0", "20260300150926Z"},
    {"day 32", "20260332150926Z"},
    {"31st of April", "20260431150926Z"},
    {"31st of June", "20260631150926Z"},
    {"31st of September", "20260931150926Z"},
    {"31st of November", "20261131150926Z"},
    {"30th of February", "20240230150926Z"},
    {"29th of February in a common year", "20230229150926Z"},
    {"29th of February by 100", "19000229150926Z"},
    {"29th of February 2100", "21000229150926Z"},
    {"hour 24", "20260314240000Z"},
    {"hour 99", "20260314990000Z"},
    {"minute 60", "20260314156000Z"},
    {"second 61", "20260314150961Z"},
    {"one digit of an hour", "202603141Z"},
    {"one digit of a minute", "20260314150Z"},
    {"one digit of a second", "2026031415092Z"},
    {"a letter among digits", "2026031415O926Z"},
    {"a sign among digits", "20260314+50926Z"},
    {"a space among digits", "20260314 50926Z"},
    {"a NUL's look-alike", "20260314150926\\0Z"},
    {"a full-width digit", "2026031415092\xef\xbc\x96Z"},
    {"an empty fraction", "20260314150926.Z"},
    {"an empty fraction with a comma", "20260314150926,Z"},
    {"two fractions", "20260314150926.5.5Z"},
    {"point and comma", "20260314150926.,5Z"},
    {"a letter in the fraction", "20260314150926.5aZ"},
    {"a fraction of a day", "20260314.5Z"},
    {"a zone without hours", "20260314150926+"},
    {"a zone of one digit", "20260314150926+1"},
    {"a zone of three digits", "20260314150926+010"},
    {"a zone of five digits", "20260314150926+01000"},
    {"a zone with a colon", "20260314150926+01:00"},
    {"a zone of 24 hours", "20260314150926+2400"},
    {"a zone of 60 minutes", "20260314150926+0060"},
    {"a zone by name", "20260314150926 CET"},
    {"two signs", "20260314150926+-100"},
    {"very long", "202603141509261773500966177350096617735009661773500966Z"},
};

static void
refuses(void **state)
{
    const struct text_row *row = *state;
    int64_t got = 0x5a5a;

    unit_check_err(pat_gentime_parse(row->text, &got), PAT_ERR_MALFORMED);
    unit_check_int("result that must not be touched", got, 0x5a5a);
}

/* Every beginning of a valid time but for the few that are valid themselves. */
static void
refuses_beginnings(void **state)
{
    static const char whole[] = "20260314160926.25+0100";
    char text[sizeof(whole)];
    int64_t got = 0;

    (void)state;
    for (size_t len = 0; len + 1 < sizeof(whole); len++) {
        bool want = len == strlen("20260314160926.25+01");

        memcpy(text, whole, len);
        text[len] = '\0';
        if ((pat_gentime_parse(text, &got) == PAT_OK) != want)
            fail_msg("\"%s\" should be %s", text, want ? "valid" : "invalid");
    }
}

struct format_row {
    const char *name;
    int64_t seconds;
    const char *want;
};

static const struct format_row formats[] = {
    {"the epoch", 0, "19700101000000Z"},
    {"one second before it", -1, "19691231235959Z"},
    {"an ordinary time", 1773500966, "20260314150926Z"},
    {"beyond 32 bits", 4294967296, "21060207062816Z"},
    {"the first second there is", -62167219200, "00000101000000Z"},
    {"the last second there is", 253402300799, "99991231235959Z"},
    {"before the first, clamped", -62167219201, "00000101000000Z"},
    {"behind the last, clamped", 253402300800, "99991231235959Z"},
    {"the least number, clamped", INT64_MIN, "00000101000000Z"},
    {"the greatest number, clamped", INT64_MAX, "99991231235959Z"},
};

static void
format(void **state)
{
    const struct format_row *row = *state;
    char text[PAT_GENTIME_LEN + 1];

    memset(text, 'x', sizeof(text));
    pat_gentime_format(row->seconds, text);
    unit_check_int("length", strnlen(text, sizeof(text)), PAT_GENTIME_LEN);
    unit_check_string("text", text, row->want);
}

/* A step that is prime to every unit visits all seconds, hours and weekdays. */
static void
round_trip(void **state)
{
    char text[PAT_GENTIME_LEN + 1];

    (void)state;
    for (int64_t t = -62167219200; t <= 253402300799; t += 7654321) {
        int64_t back = 0;

        pat_gentime_format(t, text);
        if (pat_gentime_parse(text, &back) != PAT_OK || back != t)
            fail_msg(
                "%lld became \"%s\" became %lld", (long long)t, text, (long long)back);
    }
}

int
main(void)
{
    UNIT_TABLE("parse", parses, valid);
    UNIT_TABLE("refuse", refuses, invalid);
    unit_add("refuse", "what ends too early", refuses_beginnings, NULL);
    UNIT_TABLE("format", format, formats);
    unit_add("format", "round trip over all years", round_trip, NULL);
    return unit_run("gentime");
}
