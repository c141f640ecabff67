/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

#include "shape.h"

struct prefix_row {
    const char *name;
    const char *prefix;
    bool want;
};

static const struct prefix_row prefixes[] = {
    {"the default", PAT_PREFIX_DEFAULT, true},
    {"one letter", "x", true},
    {"one digit", "7", true},
    {"every kind of character", "aZ09_-", true},
    {"sixteen characters", "abcdefghijklmnop", true},
    {"empty", "", false},
    {"seventeen characters", "abcdefghijklmnopq", false},
    {"a space", "rhp ", false},
    {"a leading space", " rhp", false},
    {"a dot", "rhp.", false},
    {"a slash", "rhp/", false},
    {"a star", "rhp*", false},
    {"a line break", "rhp\n", false},
    {"a control character", "\033rhp", false},
    {"DEL", "rhp\177", false},
    {"UTF-8", "r\xc3\xa9p_", false},
    {"Latin-1", "r\xe9p_", false},
    {"the neighbours of the alphabet", "@", false},
    {"the neighbours of the alphabet", "[", false},
    {"the neighbours of the alphabet", "`", false},
    {"the neighbours of the alphabet", "{", false},
    {"the neighbours of the alphabet", ":", false},
    {"the neighbours of the alphabet", ",", false},
};

static void
prefix_valid(void **state)
{
    const struct prefix_row *row = *state;

    unit_check_int("valid", pat_prefix_valid(row->prefix), row->want);
}

struct shape_row {
    const char *name;
    const char *prefix;
    const char *text;
    size_t len; /* 0 = that of the string */
    bool has_prefix, well_formed;
};

#define X32  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X32 X32 X32 X32 X32 X32 X32 X32
#define P16  "abcdefghijklmnop"

static const struct shape_row shapes[] = {
    {"a token", "rhp_", "rhp_abcXYZ019_-", 0, true, true},
    {"one character behind the prefix", "rhp_", "rhp_a", 0, true, true},
    {"the longest of all", P16, P16 "yyyyyyyyyyyyyyy" X256, 271, true, true},
    {"the prefix twice", "rhp_", "rhp_rhp_", 0, true, true},
    {"one byte too long", P16, P16 X256, 0, true, false},
    {"the prefix alone", "rhp_", "rhp_", 0, true, false},
    {"the prefix, cut by its length", "rhp_", "rhp_abc", 4, true, false},
    {"less than the prefix by its length", "rhp_", "rhp_abc", 3, false, false},
    {"part of the prefix", "rhp_", "rhp", 0, false, false},
    {"other case", "rhp_", "RHP_abc", 0, false, false},
    {"prefix not at the start", "rhp_", "xrhp_abc", 0, false, false},
    {"a leading space", "rhp_", " rhp_abc", 0, false, false},
    {"another prefix", "rhp_", "ghp_abc", 0, false, false},
    {"a trailing space", "rhp_", "rhp_abc ", 0, true, false},
    {"a trailing line break", "rhp_", "rhp_abc\n", 0, true, false},
    {"a trailing carriage return", "rhp_", "rhp_abc\r", 0, true, false},
    {"a trailing NUL", "rhp_", "rhp_abc", 8, true, false},
    {"a NUL within", "rhp_", "rhp_a\0c", 7, true, false},
    {"a NUL within the prefix", "rhp_", "rh\0_abc", 7, false, false},
    {"a high byte", "rhp_", "rhp_a\xff", 0, true, false},
    {"UTF-8", "rhp_", "rhp_\xc3\xa9", 0, true, false},
    {"an escape sequence", "rhp_", "rhp_\033[2J", 0, true, false},
    {"LDAP filter characters", "rhp_", "rhp_*)(uid=*", 0, true, false},
    {"base64 beyond base64url", "rhp_", "rhp_ab+/=", 0, true, false},
    {"sshd's fake password", "rhp_", "\b\n\r\177INCORRECT", 0, false, false},
};

static void
shape(void **state)
{
    const struct shape_row *row = *state;
    size_t len = row->len != 0 ? row->len : strlen(row->text);

    unit_check_int(
        "has_prefix", pat_token_has_prefix(row->prefix, row->text, len), row->has_prefix);
    unit_check_int("well_formed", pat_token_well_formed(row->prefix, row->text, len),
        row->well_formed);
}

/* A complete token by its form, with any checksum. */
#define TOKEN "rhp_abcdefghijklmnopqrst"
#define SHORT "rhp_abcdefghijklmnopqrs"

struct likeness_row {
    const char *name;
    const char *text;
    size_t len; /* 0 = that of the string */
    enum pat_likeness want;
    const char *token; /* with PAT_LIKENESS_TOKEN */
};

#define NONE   PAT_LIKENESS_NONE
#define GIVEN  PAT_LIKENESS_TOKEN
#define HIDDEN PAT_LIKENESS_HIDDEN

static const struct likeness_row likenesses[] = {
    {"a token", TOKEN, 0, GIVEN, TOKEN},
    {"a token with a checksum's length", TOKEN "abcdefABCDEF012345", 0, GIVEN,
        TOKEN "abcdefABCDEF012345"},
    {"the prefix alone", "rhp_", 0, GIVEN, "rhp_"},
    {"a malformed token", "rhp_a b", 0, GIVEN, "rhp_a b"},
    {"a space before", " " TOKEN, 0, GIVEN, TOKEN},
    {"a space behind", TOKEN " ", 0, GIVEN, TOKEN},
    {"a carriage return behind", TOKEN "\r", 0, GIVEN, TOKEN},
    {"CR LF behind", TOKEN "\r\n", 0, GIVEN, TOKEN},
    {"every white space at both ends", " \t\n\v\f\r" TOKEN " \t\n\v\f\r", 0, GIVEN,
        TOKEN},
    {"a byte order mark before", "\xef\xbb\xbf" TOKEN, 0, GIVEN, TOKEN},
    {"bracketed paste", "\033[200~" TOKEN "\033[201~", 0, GIVEN, TOKEN},
    {"bracketed paste, its end lost", "\033[200~" TOKEN, 0, GIVEN, TOKEN},
    {"paste, mark and space mixed", " \033[200~\xef\xbb\xbf " TOKEN "\n\033[201~\n", 0,
        GIVEN, TOKEN},
    {"two tokens, the first one first", TOKEN " " TOKEN, 0, GIVEN, TOKEN " " TOKEN},
    {"white space alone", " \t\r\n", 0, NONE, NULL},
    {"a byte order mark alone", "\xef\xbb\xbf", 0, NONE, NULL},
    {"half a byte order mark", "\xef\xbb" TOKEN, 0, HIDDEN, NULL},
    {"half of bracketed paste", "\033[200" TOKEN, 0, HIDDEN, NULL},
    {"the scheme Bearer", "Bearer " TOKEN, 0, HIDDEN, NULL},
    {"a header", "Authorization: Bearer " TOKEN, 0, HIDDEN, NULL},
    {"quotes", "\"" TOKEN "\"", 0, HIDDEN, NULL},
    {"a single quote", "'" TOKEN, 0, HIDDEN, NULL},
    {"an assignment", "PAT_TOKEN=" TOKEN, 0, HIDDEN, NULL},
    {"a URL", "https://bob:" TOKEN "@git.example/", 0, HIDDEN, NULL},
    {"a no-break space before", "\xc2\xa0" TOKEN, 0, HIDDEN, NULL},
    {"a zero-width space before", "\xe2\x80\x8b" TOKEN, 0, HIDDEN, NULL},
    {"a no-break space of Latin-1", "\xa0" TOKEN, 0, HIDDEN, NULL},
    {"a control character before", "\001" TOKEN, 0, HIDDEN, NULL},
    {"a NUL before", "\0" TOKEN, sizeof(TOKEN), HIDDEN, NULL},
    {"a letter before", "x" TOKEN, 0, HIDDEN, NULL},
    {"part of the prefix before", "rh" TOKEN, 0, HIDDEN, NULL},
    {"the prefix in other case before", "RHP_" TOKEN, 0, HIDDEN, NULL},
    {"upper case", "RHP_ABCDEFGHIJKLMNOPQRST", 0, HIDDEN, NULL},
    {"mixed case", "Rhp_aBCDEFGHIJKLMNOPQRST", 0, HIDDEN, NULL},
    {"upper case behind a word", "bearer RHP_ABCDEFGHIJKLMNOPQRST", 0, HIDDEN, NULL},
    {"a line break within", "\"rhp_abcdefghij\r\n klmnopqrst\"", 0, HIDDEN, NULL},
    {"a soft hyphen within", "x rhp_abcdefghij\xc2\xadklmnopqrst", 0, HIDDEN, NULL},
    {"a soft hyphen in the prefix", "rh\xc2\xadp_abcdefghijklmnopqrst", 0, HIDDEN, NULL},
    {"a space in the prefix", "r hp_abcdefghijklmnopqrst", 0, HIDDEN, NULL},
    {"one character too few", "x" SHORT, 0, NONE, NULL},
    {"cut by its length", "x" TOKEN, sizeof(TOKEN) - 1, NONE, NULL},
    {"another character in the body", "x" SHORT ".t", 0, NONE, NULL},
    {"another prefix", "ghp_abcdefghijklmnopqrst", 0, NONE, NULL},
    {"a passphrase", "correct horse battery staple", 0, NONE, NULL},
    {"the prefix as a word", "my rhp_ password", 0, NONE, NULL},
    {"sshd's fake password", "\b\n\r\177INCORRECT", 0, NONE, NULL},
};

static void
likeness(void **state)
{
    const struct likeness_row *row = *state;
    size_t len = row->len != 0 ? row->len : strlen(row->text), token_len = 0;
    const char *token = NULL;

    unit_check_int("likeness",
        pat_token_recognise("rhp_", row->text, len, &token, &token_len), row->want);
    unit_check_int("token returned", token != NULL, row->want == PAT_LIKENESS_TOKEN);
    if (row->token != NULL) {
        unit_check_int("its length", (int)token_len, (int)strlen(row->token));
        assert_memory_equal(token, row->token, token_len);
    }
    if (row->want == PAT_LIKENESS_HIDDEN)
        assert_true(pat_token_resembles("rhp_", row->text, len));
    if (row->want == PAT_LIKENESS_NONE)
        assert_false(pat_token_resembles("rhp_", row->text, len));
}

static void
nothing(void **state)
{
    (void)state;
    assert_false(pat_token_has_prefix("rhp_", "", 0));
    assert_false(pat_token_well_formed("rhp_", "", 0));
    assert_false(pat_token_resembles("rhp_", "", 0));
    unit_check_int(
        "likeness", pat_token_recognise("rhp_", "", 0, NULL, NULL), PAT_LIKENESS_NONE);
}

/* In no locale is another byte a letter; this asks for all 256. */
static void
alphabet(void **state)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                  "abcdefghijklmnopqrstuvwxyz-";

    (void)state;
    for (int c = 0; c < 256; c++) {
        const char text[] = {'r', 'h', 'p', '_', (char)c};
        bool want = memchr(allowed, c, sizeof(allowed) - 1) != NULL;

        if (pat_token_well_formed("rhp_", text, sizeof(text)) != want)
            fail_msg("byte 0x%02x: should be %s", (unsigned)c, want ? "in" : "out");
    }
}

int
main(void)
{
    UNIT_TABLE("prefix", prefix_valid, prefixes);
    UNIT_TABLE("shape", shape, shapes);
    UNIT_TABLE("likeness", likeness, likenesses);
    unit_add("shape", "no bytes at all", nothing, NULL);
    unit_add("shape", "each of the 256 bytes", alphabet, NULL);
    return unit_run("shape");
}
