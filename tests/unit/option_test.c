/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

#include "conf.h"
#include "option.h"
#include "strv.h"

struct settings {
    char *text;
    char *path;
    char **list;
    char **limit;
    int yes;
    int flag;
    int number;
    int low;
    int octal;
    int wait_ms;
    int level;
    int many;
};

#define AT(field) offsetof(struct settings, field)

static const char *const levels[] = {"error", "info", "debug", NULL};

/* Together longer than what is told of them. */
static const char *const many[] = {
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "e", NULL};

static const struct pat_option table[] = {
    {"text", PAT_OPTION_STRING, AT(text), 0, 0, NULL, "hello", "a string"},
    {"path", PAT_OPTION_PATH, AT(path), 0, 0, NULL, "/run/x", "a path"},
    {"list", PAT_OPTION_LIST, AT(list), 0, 3, NULL, "a, b", "a list"},
    {"limit", PAT_OPTION_LIMIT, AT(limit), 0, 3, NULL, NULL, "a limit"},
    {"yes", PAT_OPTION_BOOL, AT(yes), 0, 0, NULL, "yes", "a truth"},
    {"flag", PAT_OPTION_FLAG, AT(flag), 0, 0, NULL, NULL, "a flag"},
    {"number", PAT_OPTION_INT, AT(number), 1, 64, NULL, "4", "a number"},
    {"low", PAT_OPTION_INT, AT(low), 0, INT32_MAX, NULL, "0", "any number"},
    {"octal", PAT_OPTION_OCTAL, AT(octal), 0, 0777, NULL, "0640", "permissions"},
    {"wait", PAT_OPTION_DURATION, AT(wait_ms), 50, 86400000, NULL, "3s", "a while"},
    {"level", PAT_OPTION_CHOICE, AT(level), 0, 0, levels, "info", "a choice"},
    {"many", PAT_OPTION_CHOICE, AT(many), 0, 0, many, "e", "a choice of many"},
    PAT_OPTION_END,
};

static void
check_defaults(const struct settings *s)
{
    unit_check_string("text", s->text, "hello");
    unit_check_string("path", s->path, "/run/x");
    unit_check_int("list", pat_strv_len(pat_strv_const(s->list)), 2);
    unit_check_int("yes", s->yes, 1);
    unit_check_int("flag", s->flag, 0);
    unit_check_int("number", s->number, 4);
    unit_check_int("low", s->low, 0);
    unit_check_int("octal", s->octal, 0640);
    unit_check_int("wait", s->wait_ms, 3000);
    unit_check_int("level", s->level, 1);
    unit_check_int("many", s->many, 4);
}

static void
defaults(void **state)
{
    static const struct settings zero;
    struct settings s = {0};

    (void)state;
    unit_check_err(pat_options_init(table, &s), PAT_OK);
    check_defaults(&s);
    pat_options_clear(table, &s);
    assert_memory_equal(&s, &zero, sizeof(s));
    pat_options_clear(table, &s);
}

struct number_row {
    const char *name;
    const char *key, *value;
    int want;
};

static const struct number_row numbers[] = {
    {"yes", "yes", "yes", 1},
    {"no", "yes", "no", 0},
    {"true", "yes", "true", 1},
    {"false", "yes", "false", 0},
    {"on", "yes", "on", 1},
    {"off", "yes", "off", 0},
    {"1", "yes", "1", 1},
    {"0", "yes", "0", 0},
    {"a truth in capitals", "yes", "NO", 0},
    {"a flag", "flag", NULL, 1},
    {"the least", "number", "1", 1},
    {"the greatest", "number", "64", 64},
    {"leading zeros", "number", "007", 7},
    {"the greatest there is", "low", "2147483647", INT32_MAX},
    {"octal", "octal", "0666", 0666},
    {"octal without a leading zero", "octal", "666", 0666},
    {"the least octal", "octal", "0", 0},
    {"the greatest octal", "octal", "0777", 0777},
    {"milliseconds", "wait", "500ms", 500},
    {"seconds", "wait", "3s", 3000},
    {"minutes", "wait", "10min", 600000},
    {"hours", "wait", "2h", 7200000},
    {"a day", "wait", "1d", 86400000},
    {"a space before the unit", "wait", "3 s", 3000},
    {"the shortest", "wait", "50ms", 50},
    {"the longest", "wait", "86400s", 86400000},
    {"the longest in milliseconds", "wait", "86400000ms", 86400000},
    {"first choice", "level", "error", 0},
    {"last choice", "level", "debug", 2},
};

static void
sets_number(void **state)
{
    const struct number_row *row = *state;
    const struct pat_option *o = pat_option_find(table, row->key);
    struct settings s = {0};
    struct pat_diag diag = {0};

    assert_non_null(o);
    unit_check_err(pat_options_init(table, &s), PAT_OK);
    if (pat_option_set(table, &s, row->key, row->value, &diag) != PAT_OK)
        fail_msg("%s", diag.text);
    unit_check_int("value", *(const int *)((const char *)&s + o->offset), row->want);
    pat_options_clear(table, &s);
}

static void
sets_strings(void **state)
{
    struct settings s = {0};

    (void)state;
    unit_check_err(pat_options_init(table, &s), PAT_OK);
    unit_check_err(pat_option_set(table, &s, "text", "a = b # c", NULL), PAT_OK);
    unit_check_string("text", s.text, "a = b # c");
    unit_check_err(pat_option_set(table, &s, "text", "", NULL), PAT_OK);
    unit_check_string("empty text", s.text, NULL);
    unit_check_err(pat_option_set(table, &s, "path", "/", NULL), PAT_OK);
    unit_check_string("path", s.path, "/");
    unit_check_err(pat_option_set(table, &s, "path", "", NULL), PAT_OK);
    unit_check_string("empty path", s.path, NULL);
    unit_check_err(pat_option_set(table, &s, "list", "x,y , z", NULL), PAT_OK);
    unit_check_int("list", pat_strv_len(pat_strv_const(s.list)), 3);
    unit_check_string("last item", s.list[2], "z");
    unit_check_err(pat_option_set(table, &s, "list", "", NULL), PAT_OK);
    assert_null(s.list);
    unit_check_err(pat_option_set(table, &s, "limit", "x, y", NULL), PAT_OK);
    unit_check_err(pat_option_set(table, &s, "limit", "", NULL), PAT_ERR_CONFIG);
    unit_check_int("limit", pat_strv_len(pat_strv_const(s.limit)), 2);
    pat_options_clear(table, &s);
    assert_null(s.limit);
}

/* Under ASan: what was set before is freed. */
static void
sets_again(void **state)
{
    struct settings s = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        unit_check_err(pat_options_init(table, &s), PAT_OK);
        unit_check_err(pat_option_set(table, &s, "text", "again", NULL), PAT_OK);
        unit_check_err(pat_option_set(table, &s, "list", "again", NULL), PAT_OK);
    }
    unit_check_string("text", s.text, "again");
    pat_options_clear(table, &s);
}

struct wrong_row {
    const char *name;
    const char *key, *value;
    const char *want;
};

#define WHOLE   "number: must be a whole number"
#define RANGE   "number: must be from 1 to 64"
#define UNIT    "wait: needs a unit: ms, s, min, h or d"
#define WAIT    "wait: must be from 50ms to 86400000ms"
#define SOME    "wait: must be a duration, such as 500ms, 3s, 10min, 2h or 1d"
#define ABS     "path: must be an absolute path"
#define YES     "yes: must be yes or no"
#define OCT     "octal: must be an octal number"
#define CHOICES "level: must be one of: error, info, debug"

static const struct wrong_row wrongs[] = {
    {"unknown", "texts", "x", "texts: unknown setting"},
    {"unknown without a value", "texts", NULL, "texts: unknown setting"},
    {"unknown, of other case", "Text", "x", "Text: unknown setting"},
    {"unknown, a beginning", "tex", "x", "tex: unknown setting"},
    {"unknown, empty", "", "x", ": unknown setting"},
    {"string without a value", "text", NULL, "text: needs a value"},
    {"path without a value", "path", NULL, "path: needs a value"},
    {"list without a value", "list", NULL, "list: needs a value"},
    {"truth without a value", "yes", NULL, "yes: needs a value"},
    {"number without a value", "number", NULL, "number: needs a value"},
    {"octal without a value", "octal", NULL, "octal: needs a value"},
    {"duration without a value", "wait", NULL, "wait: needs a value"},
    {"choice without a value", "level", NULL, "level: needs a value"},
    {"flag with a value", "flag", "yes", "flag: takes no value"},
    {"flag with an empty value", "flag", "", "flag: takes no value"},
    {"relative path", "path", "run/x", ABS},
    {"path from here", "path", "./x", ABS},
    {"path from home", "path", "~/x", ABS},
    {"path after a space", "path", " /run/x", ABS},
    {"list with a hole", "list", "a,,b", "list: empty item in list"},
    {"list that ends in a comma", "list", "a,", "list: empty item in list"},
    {"list of a space", "list", " ", "list: empty item in list"},
    {"list too long", "list", "a,b,c,d", "list: too many items in list"},
    {"limit without a value", "limit", NULL, "limit: needs a value"},
    {"limit, empty", "limit", "", "limit: needs a value; leave it out for no limit"},
    {"limit of a space", "limit", " ", "limit: empty item in list"},
    {"limit with a hole", "limit", "a,,b", "limit: empty item in list"},
    {"truth, empty", "yes", "", YES},
    {"truth, y", "yes", "y", YES},
    {"truth, 2", "yes", "2", YES},
    {"truth, with a space", "yes", "yes ", YES},
    {"number, empty", "number", "", WHOLE},
    {"number, a word", "number", "four", WHOLE},
    {"number, with a sign", "number", "+4", WHOLE},
    {"number, negative", "number", "-4", WHOLE},
    {"number, with a space in front", "number", " 4", WHOLE},
    {"number, with a space behind", "number", "4 ", WHOLE},
    {"number, with a point", "number", "4.0", WHOLE},
    {"number, in hexadecimal", "number", "0x4", WHOLE},
    {"number, with an exponent", "number", "4e1", WHOLE},
    {"number, with a unit", "number", "4s", WHOLE},
    {"number, two", "number", "4 5", WHOLE},
    {"number, beyond long", "number", "9223372036854775808", WHOLE},
    {"number, far beyond long", "number", "99999999999999999999999999999", WHOLE},
    {"number, below the range", "number", "0", RANGE},
    {"number, above the range", "number", "65", RANGE},
    {"number, that int would fold into the range", "number", "4294967300", RANGE},
    {"number, that is long's greatest", "number", "9223372036854775807", RANGE},
    {"number, above int", "low", "2147483648", "low: must be from 0 to 2147483647"},
    {"octal, empty", "octal", "", OCT},
    {"octal, with an 8", "octal", "0680", OCT},
    {"octal, a 9 alone", "octal", "9", OCT},
    {"octal, symbolic", "octal", "rw-rw-rw-", OCT},
    {"octal, in hexadecimal", "octal", "0x1ff", OCT},
    {"octal, negative", "octal", "-1", OCT},
    {"octal, above the range", "octal", "01777", "octal: must be from 00 to 0777"},
    {"duration, empty", "wait", "", SOME},
    {"duration, a unit alone", "wait", "s", SOME},
    {"duration, negative", "wait", "-3s", SOME},
    {"duration, with a sign", "wait", "+3s", SOME},
    {"duration, a word", "wait", "forever", SOME},
    {"duration, beyond long", "wait", "9223372036854775808s", SOME},
    {"duration, no unit", "wait", "3", UNIT},
    {"duration, unknown unit", "wait", "3w", UNIT},
    {"duration, unit in capitals", "wait", "3S", UNIT},
    {"duration, unit written out", "wait", "3seconds", UNIT},
    {"duration, m is neither", "wait", "3m", UNIT},
    {"duration, with a fraction", "wait", "1.5s", UNIT},
    {"duration, of two parts", "wait", "1h30min", UNIT},
    {"duration, with a space behind", "wait", "3s ", UNIT},
    {"duration, too short", "wait", "49ms", WAIT},
    {"duration, nothing", "wait", "0", WAIT},
    {"duration, nothing with a unit", "wait", "0s", WAIT},
    {"duration, too long", "wait", "86401s", WAIT},
    {"duration, too long by one", "wait", "86400001ms", WAIT},
    {"duration, that int would fold into the range", "wait", "4294967297ms", WAIT},
    {"duration, that long would fold", "wait", "213503982334602d", WAIT},
    {"duration, long's greatest", "wait", "9223372036854775807d", WAIT},
    {"choice, empty", "level", "", CHOICES},
    {"choice, unknown", "level", "loud", CHOICES},
    {"choice, in capitals", "level", "INFO", CHOICES},
    {"choice, a beginning", "level", "inf", CHOICES},
    {"choice, by number", "level", "1", CHOICES},
    {"choice, with a space", "level", "info ", CHOICES},
};

static void
refuses(void **state)
{
    const struct wrong_row *row = *state;
    struct settings s = {0};
    struct pat_diag diag = {"left from before"};

    unit_check_err(pat_options_init(table, &s), PAT_OK);
    unit_check_err(
        pat_option_set(table, &s, row->key, row->value, &diag), PAT_ERR_CONFIG);
    unit_check_string("text", diag.text, row->want);
    /* A setting that is wrong leaves the one from before. */
    check_defaults(&s);
    unit_check_err(pat_option_set(table, &s, row->key, row->value, NULL), PAT_ERR_CONFIG);
    pat_options_clear(table, &s);
}

static void
many_choices(void **state)
{
    static const char start[] = "many: must be one of: aaa";
    struct settings s = {0};
    struct pat_diag diag = {0};

    (void)state;
    unit_check_err(pat_option_set(table, &s, "many", "f", &diag), PAT_ERR_CONFIG);
    if (strncmp(diag.text, start, sizeof(start) - 1) != 0)
        fail_msg("\"%s\"", diag.text);
}

/* A name that a file brought along is not repeated without end. */
static void
unknown_is_cut(void **state)
{
    struct settings s = {0};
    struct pat_diag diag = {0};

    (void)state;
    unit_check_err(
        pat_option_set(table, &s, unit_repeat('k', 4000), "x", &diag), PAT_ERR_CONFIG);
    if (strlen(diag.text) > 100 || strstr(diag.text, ": unknown setting") == NULL)
        fail_msg("\"%s\"", diag.text);
}

static void
finds(void **state)
{
    (void)state;
    assert_ptr_equal(pat_option_find(table, "wait"), &table[9]);
    assert_null(pat_option_find(table, "waits"));
    assert_null(pat_option_find(table, ""));
}

struct table_row {
    const char *name;
    struct pat_option table[2];
};

static const struct table_row broken[] = {
    {"a number out of range",
        {{"n", PAT_OPTION_INT, AT(number), 1, 64, NULL, "65", ""}, PAT_OPTION_END}},
    {"a relative path",
        {{"p", PAT_OPTION_PATH, AT(path), 0, 0, NULL, "x", ""}, PAT_OPTION_END}},
    {"a list too long",
        {{"l", PAT_OPTION_LIST, AT(list), 0, 1, NULL, "a,b", ""}, PAT_OPTION_END}},
    {"no such choice",
        {{"c", PAT_OPTION_CHOICE, AT(level), 0, 0, levels, "none", ""}, PAT_OPTION_END}},
    {"a flag with a value",
        {{"f", PAT_OPTION_FLAG, AT(flag), 0, 0, NULL, "yes", ""}, PAT_OPTION_END}},
};

static void
refuses_default(void **state)
{
    const struct table_row *row = *state;
    struct settings s = {0};

    unit_check_err(pat_options_init(row->table, &s), PAT_ERR_CONFIG);
}

/* patd's table; the PAM module's own is tested through the module. */
static void
conf_default(void **state)
{
    const struct pat_option *o = *state;
    struct pat_conf conf = {0};
    struct pat_diag diag = {0};

    if (o->default_text == NULL)
        return;
    if (pat_option_set(pat_conf_table, &conf, o->name, o->default_text, &diag) != PAT_OK)
        fail_msg("%s", diag.text);
    pat_options_clear(pat_conf_table, &conf);
}

static void
conf_table(void **state)
{
    (void)state;
    for (const struct pat_option *o = pat_conf_table; o->name != NULL; o++) {
        if (o->help == NULL || o->help[0] == '\0')
            fail_msg("%s has no help", o->name);
        if (pat_option_find(pat_conf_table, o->name) != o)
            fail_msg("%s stands there twice", o->name);
        for (const struct pat_option *p = pat_conf_table; p != o; p++)
            if (p->offset == o->offset)
                fail_msg("%s and %s share a place", p->name, o->name);
    }
}

int
main(void)
{
    unit_add("init", "defaults, and clear leaves nothing", defaults, NULL);
    UNIT_TABLE("set", sets_number, numbers);
    unit_add("set", "strings, paths and lists", sets_strings, NULL);
    unit_add("set", "the former value is freed", sets_again, NULL);
    UNIT_TABLE("refuse", refuses, wrongs);
    unit_add("refuse", "an endless name is cut", unknown_is_cut, NULL);
    unit_add("refuse", "a choice of many", many_choices, NULL);
    unit_add("find", "by the whole name", finds, NULL);
    UNIT_TABLE("refuse default", refuses_default, broken);
    for (const struct pat_option *o = pat_conf_table; o->name != NULL; o++)
        unit_add("patd.conf default", o->name, conf_default, o);
    unit_add("patd.conf", "names and places are unique", conf_table, NULL);
    return unit_run("option");
}
