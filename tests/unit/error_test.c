/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

static void
own_phrase(void **state)
{
    const char *unknown = pat_strerror(PAT_ERR_COUNT);

    (void)state;
    for (int a = 0; a < PAT_ERR_COUNT; a++) {
        const char *phrase = pat_strerror((enum pat_err)a);

        assert_non_null(phrase);
        if (phrase[0] == '\0' || strchr(phrase, '\n') != NULL)
            fail_msg("code %d: not a phrase: \"%s\"", a, phrase);
        if (strcmp(phrase, unknown) == 0)
            fail_msg("code %d has no phrase", a);
        for (int b = 0; b < a; b++)
            if (strcmp(phrase, pat_strerror((enum pat_err)b)) == 0)
                fail_msg("codes %d and %d share \"%s\"", a, b, phrase);
    }
}

struct row {
    const char *name;
    int code;
};

static const struct row no_codes[] = {
    {"the count is no code", PAT_ERR_COUNT},
    {"one beyond", PAT_ERR_COUNT + 1},
    {"negative", -1},
    {"a byte's highest", 255},
    {"the highest", INT32_MAX},
    {"the lowest", INT32_MIN},
};

static void
no_code(void **state)
{
    const struct row *row = *state;

    unit_check_string("phrase", pat_strerror((enum pat_err)row->code), "unknown error");
}

/* They travel between patd and clients of another version. */
static const struct row numbers[] = {
    {"accepted", PAT_OK},
    {"malformed", PAT_ERR_MALFORMED},
    {"unknown", PAT_ERR_UNKNOWN},
    {"revoked", PAT_ERR_REVOKED},
    {"expired", PAT_ERR_EXPIRED},
    {"member", PAT_ERR_MEMBER},
    {"user", PAT_ERR_USER},
    {"scope", PAT_ERR_SCOPE},
    {"record", PAT_ERR_RECORD},
    {"unavailable", PAT_ERR_UNAVAIL},
    {"configuration", PAT_ERR_CONFIG},
    {"memory", PAT_ERR_NOMEM},
};

static void
number(void **state)
{
    const struct row *row = *state;

    unit_check_int("number", row->code, row - numbers);
}

static void
all_numbered(void **state)
{
    (void)state;
    unit_check_int("rows", COUNT(numbers), PAT_ERR_COUNT);
}

static void
diag_sets(void **state)
{
    struct pat_diag diag = {"before"};

    (void)state;
    pat_diag_set(&diag, "%s: %d", "port", 389);
    unit_check_string("text", diag.text, "port: 389");
    pat_diag_clear(&diag);
    unit_check_string("text", diag.text, "");
}

static void
diag_cuts(void **state)
{
    struct pat_diag diag = {"before"};

    (void)state;
    pat_diag_set(&diag, "%s", unit_repeat('x', 2 * sizeof(diag.text)));
    unit_check_int("length", strlen(diag.text), sizeof(diag.text) - 1);
}

static void
diag_is_one_line(void **state)
{
    struct pat_diag diag = {""};

    (void)state;
    pat_diag_set(&diag, "%s", "no\nway\r\033[2J\177 Zo\xc3\xab");
    unit_check_string("text", diag.text, "no?way??[2J? Zo\xc3\xab");
}

static void
diag_null(void **state)
{
    (void)state;
    pat_diag_set(NULL, "%s", "nobody listens");
    pat_diag_clear(NULL);
}

int
main(void)
{
    unit_add("phrases", "every code has its own", own_phrase, NULL);
    UNIT_TABLE("no code", no_code, no_codes);
    UNIT_TABLE("never renumbered", number, numbers);
    unit_add("never renumbered", "no code left out", all_numbered, NULL);
    unit_add("diag", "set and clear", diag_sets, NULL);
    unit_add("diag", "what does not fit is cut", diag_cuts, NULL);
    unit_add("diag", "control characters are replaced", diag_is_one_line, NULL);
    unit_add("diag", "NULL is accepted", diag_null, NULL);
    return unit_run("error");
}
