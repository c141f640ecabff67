/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "authorization.h"

struct row {
    const char *name;
    const char *value;
    size_t len;
    enum authorization want;
    const char *user, *token; /* with AUTHORIZATION_GIVEN; user NULL: Bearer */
};

#define BYTES(s)  s, sizeof(s) - 1
#define NONE      AUTHORIZATION_NONE, NULL, NULL
#define BAD       AUTHORIZATION_BAD, NULL, NULL
#define MALFORMED AUTHORIZATION_MALFORMED, NULL, NULL
#define GIVEN     AUTHORIZATION_GIVEN

static const struct row rows[] = {
    {"bearer", BYTES("Bearer rhp_0aZ"), GIVEN, NULL, "rhp_0aZ"},
    {"bearer in small letters", BYTES("bearer  x"), GIVEN, NULL, "x"},
    {"basic", BYTES("Basic YWxpY2U6cmhwXzA="), GIVEN, "alice", "rhp_0"},
    {"basic in capitals", BYTES("BASIC  YTpi"), GIVEN, "a", "b"},
    {"colons in the password", BYTES("Basic YTpiOmM="), GIVEN, "a", "b:c"},
    {"no user name", BYTES("Basic OmI="), GIVEN, "", "b"},
    {"a space around the password", BYTES("Basic YTogcmhwXzAg"), GIVEN, "a", "rhp_0"},
    {"a byte order mark", BYTES("Basic YTrvu79yaHBfMA=="), GIVEN, "a", "rhp_0"},
    {"UTF-8", BYTES("Basic w6k6Yg=="), GIVEN, "\xc3\xa9", "b"},

    {"empty", BYTES(""), NONE},
    {"another scheme", BYTES("Negotiate eDp5"), NONE},
    {"another scheme alone", BYTES("Negotiate"), NONE},
    {"a scheme that ours begins", BYTES("Bearers x"), NONE},
    {"the token alone", BYTES("rhp_0aZ"), NONE},

    {"no password", BYTES("Basic YTo="), BAD},
    {"a password of spaces", BYTES("Basic YTogIA=="), BAD},
    {"a token that is too long", NULL, 0, BAD},

    {"bearer alone", BYTES("Bearer"), MALFORMED},
    {"bearer and a space", BYTES("Bearer "), MALFORMED},
    {"two tokens", BYTES("Bearer x y"), MALFORMED},
    {"two headers in one", BYTES("Bearer x, Bearer x"), MALFORMED},
    {"two of basic in one", BYTES("Basic YTpi, Basic YTpi"), MALFORMED},
    {"a space before", BYTES(" Bearer x"), MALFORMED},
    {"a tab", BYTES("Bearer\tx"), MALFORMED},
    {"quotes", BYTES("\"Bearer\" x"), MALFORMED},
    {"a comma", BYTES(", Bearer x"), MALFORMED},
    {"a NUL in the scheme", BYTES("Bea\0rer x"), MALFORMED},
    {"a NUL behind", BYTES("Bearer x\0"), MALFORMED},
    {"basic alone", BYTES("Basic"), MALFORMED},
    {"basic and a space", BYTES("Basic "), MALFORMED},
    {"no padding", BYTES("Basic YTo"), MALFORMED},
    {"padding alone", BYTES("Basic ===="), MALFORMED},
    {"too much padding", BYTES("Basic YTpi===="), MALFORMED},
    {"padding within", BYTES("Basic YT=i"), MALFORMED},
    {"bits to spare", BYTES("Basic OmJ="), MALFORMED},
    {"no digit", BYTES("Basic YTp-"), MALFORMED},
    {"a space behind", BYTES("Basic YTpi "), MALFORMED},
    {"no colon", BYTES("Basic YWxpY2U="), MALFORMED},
    {"a NUL in the user name", BYTES("Basic YQBhOmI="), MALFORMED},
    {"a line break in the password", BYTES("Basic YToKYg=="), MALFORMED},
    {"DEL in the user name", BYTES("Basic fzpi"), MALFORMED},
};

static void
parse(void **state)
{
    const struct row *row = *state;
    const char *text = row->value != NULL ? row->value : unit_repeat('t', 600);
    size_t skip = row->value != NULL ? 0 : strlen("Bearer ");
    size_t len = row->value != NULL ? row->len : strlen(text) + skip;
    char *value = malloc(len > 0 ? len : 1); /* not a byte more, for ASan */
    struct credentials c;

    assert_non_null(value);
    memcpy(value, "Bearer ", skip);
    memcpy(value + skip, text, len - skip);
    unit_check_int("result", authorization_parse(value, len, &c), row->want);
    if (row->want == GIVEN) {
        unit_check_int("has a user", c.has_user, row->user != NULL);
        unit_check_string("user", c.user, row->user != NULL ? row->user : "");
        unit_check_int("length", c.token_len, strlen(row->token));
        assert_memory_equal(c.token, row->token, c.token_len);
    } else {
        unit_check_int("length", c.token_len, 0);
    }
    credentials_clear(&c);
    free(value);
}

/* The longest that there can be, and what is just too long, in Basic. */
static void
longest(void **state)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const struct {
        size_t user, token;
        enum authorization want;
    } sizes[] = {{PAT_USER_MAX, PAT_TOKEN_MAX, GIVEN},
        {PAT_USER_MAX + 1, 8, AUTHORIZATION_BAD},
        {8, PAT_TOKEN_MAX + 1, AUTHORIZATION_BAD},
        {PAT_USER_MAX + 1, PAT_TOKEN_MAX + 200, AUTHORIZATION_BAD},
        {PAT_USER_MAX + PAT_TOKEN_MAX + 100, 3, AUTHORIZATION_BAD}};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t len = sizes[i].user + 1 + sizes[i].token, n = 0;
        unsigned char pair[2048] = {0};
        char value[4096] = "Basic ";
        struct credentials c;

        memset(pair, 'u', len);
        pair[sizes[i].user] = ':';
        for (size_t at = 0; at < len; at += 3) {
            unsigned bits = (unsigned)(pair[at] << 16 | pair[at + 1] << 8 | pair[at + 2]);

            for (int d = 3; d >= 0; d--)
                value[6 + n++] = digits[bits >> (6 * d) & 63];
        }
        for (size_t pad = 0; pad < (3 - len % 3) % 3; pad++)
            value[6 + n - 1 - pad] = '=';
        unit_check_int("result", authorization_parse(value, 6 + n, &c), sizes[i].want);
        credentials_clear(&c);
    }
}

int
main(void)
{
    UNIT_TABLE("authorization", parse, rows);
    unit_add("authorization", "the longest pairs", longest, NULL);
    return unit_run("http_authorization");
}
