/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refusal_test - the log line of a refused login
 */
#include "unit.h"

#include <string.h>

#include "refusal.h"

struct value_row {
    const char *name;
    const char *value;
    const char *want;
};

static const struct value_row values[] = {
    {"IPv4", "192.0.2.7", "192.0.2.7"},
    {"IPv6", "fe80::1%eth0", "fe80::1%eth0"},
    {"not known", NULL, ""},
    {"empty", "", ""},
    {"a blank", "a b", "a?b"},
    {"a line break", "a\nb\r", "a?b?"},
    {"quotes", "\"'", "??"},
    {"another field", "a user=b", "a?user?b"},
    {"a terminal's", "\033[2J\177", "??2J?"},
    {"UTF-8", "Zo\xc3\xab", "Zo??"},
    {"a backslash", "\\n", "?n"},
};

static void
value(void **state)
{
    const struct value_row *row = *state;
    char got[PAT_REFUSAL_VALUE_MAX + 1];

    pat_refusal_value(row->value, got);
    unit_check_string("value", got, row->want);
}

static void
value_is_bounded(void **state)
{
    char got[PAT_REFUSAL_VALUE_MAX + 1];

    (void)state;
    pat_refusal_value(unit_repeat('x', 60000), got);
    unit_check_int("length", strlen(got), PAT_REFUSAL_VALUE_MAX);
}

struct line_row {
    const char *name;
    const char *source, *user, *reason, *detail;
    const char *want;
};

#define HEAD "authentication failure; service=smtp "

static const struct line_row lines[] = {
    {"all", "192.0.2.7", "alice", "token is revoked", NULL,
        HEAD "rhost=192.0.2.7 user=alice reason=\"token is revoked\""},
    {"nothing is known", NULL, NULL, "token is revoked", NULL,
        HEAD "rhost= user= reason=\"token is revoked\""},
    {"a detail", NULL, NULL, "token is not valid", "for this service",
        HEAD "rhost= user= reason=\"token is not valid: for this service\""},
    {"an empty detail", NULL, NULL, "token is not valid", "",
        HEAD "rhost= user= reason=\"token is not valid\""},
    {"a detail that would end the line", NULL, NULL, "no", "a\" rhost=192.0.2.9\nx\\",
        HEAD "rhost= user= reason=\"no: a' rhost=192.0.2.9?x'\""},
    {"an address that would forge a field", "192.0.2.7 user=root", NULL, "no", NULL,
        HEAD "rhost=192.0.2.7?user?root user= reason=\"no\""},
};

static void
line(void **state)
{
    const struct line_row *row = *state;
    char got[PAT_REFUSAL_MAX];

    pat_refusal_line(
        "service=smtp", row->source, row->user, row->reason, row->detail, got);
    unit_check_string("line", got, row->want);
}

/* The reason keeps its closing quote, however long all values are. */
static void
line_is_whole(void **state)
{
    char got[PAT_REFUSAL_MAX];

    (void)state;
    pat_refusal_line(unit_repeat('p', 3000), unit_repeat('a', 3000),
        unit_repeat('u', 3000), unit_repeat('r', 3000), unit_repeat('d', 3000), got);
    unit_check_int("the last byte", got[strlen(got) - 1], '"');
    assert_non_null(strstr(got, " user=uuu"));
}

int
main(void)
{
    UNIT_TABLE("value", value, values);
    unit_add("value", "is bounded", value_is_bounded, NULL);
    UNIT_TABLE("line", line, lines);
    unit_add("line", "is whole", line_is_whole, NULL);
    return unit_run("refusal");
}
