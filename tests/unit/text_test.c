/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

struct escape_case {
    const char *name;
    const char *text;
    const char *escaped;
    size_t width; /* of that */
};

static const struct escape_case escapes[] = {
    {"empty", "", "", 0},
    {"plain", "nightly build", "nightly build", 13},
    {"quotes and backslash stay", "a\"b'c\\d", "a\"b'c\\d", 7},
    {"newline, tab, return, escape", "\n\t\r\033", "\\n\\t\\r\\e", 8},
    {"bell", "\a", "\\u{07}", 6},
    {"delete", "\x7f", "\\u{7F}", 6},
    {"C1 control", "\xc2\x9b", "\\u{9B}", 6},
    {"override of direction", "\xe2\x80\xae", "\\u{202E}", 8},
    {"isolate of direction", "\xe2\x81\xa6", "\\u{2066}", 8},
    {"byte order mark", "\xef\xbb\xbf", "\\u{FEFF}", 8},
    {"grapheme joiner",
        "a\xcd\x8f"
        "b",
        "a\\u{34F}b", 9},
    {"zero width joiner", "\xe2\x80\x8d", "\\u{200D}", 8},
    {"blank of Braille", "\xe2\xa0\x80", "\\u{2800}", 8},
    {"a letter of Braille", "\xe2\xa0\x81", "\xe2\xa0\x81", 1},
    {"filler of Hangul", "\xe3\x85\xa4", "\\u{3164}", 8},
    {"vowel of Khmer", "\xe1\x9e\xb4", "\\u{17B4}", 8},
    {"variation selector", "a\xef\xb8\x8f", "a\\u{FE0F}", 9},
    {"variation selector 256", "a\xf3\xa0\x87\xaf", "a\\u{E01EF}", 10},
    {"tag", "\xf3\xa0\x81\x81", "\\u{E0041}", 9},
    {"umlaut", "\xc3\xbc", "\xc3\xbc", 1},
    {"two columns", "\xe6\x97\xa5", "\xe6\x97\xa5", 2},
    {"combining", "e\xcc\x81", "e\xcc\x81", 1},
    {"no UTF-8", "\xff", "\\xFF", 4},
    {"cut character", "\xe6\x97", "\\xE6\\x97", 8},
    {"cut before another", "\xc3x", "\\xC3x", 5},
    {"overlong slash", "\xc0\xaf", "\\xC0\\xAF", 8},
    {"overlong of three", "\xe0\x80\xaf", "\\xE0\\x80\\xAF", 12},
    {"surrogate", "\xed\xa0\x80", "\\xED\\xA0\\x80", 12},
    {"beyond Unicode", "\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80", 16},
    {"follower alone", "\x80", "\\x80", 4},
};

static void
test_escape(void **state)
{
    const struct escape_case *c = *state;
    char *escaped = text_escape(c->text, strlen(c->text));

    unit_check_string("escaped", escaped, c->escaped);
    unit_check_int("width", text_width(escaped), c->width);
    free(escaped);
}

static void
test_nul(void **state)
{
    char *escaped = text_escape("a\0b", 3);

    (void)state;
    unit_check_string("escaped", escaped, "a\\u{00}b");
    free(escaped);
}

/* Whatever bytes: what comes out can be shown, and escaping it again changes nothing. */
static void
test_random(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char bytes[16];
        size_t len = unit_random(&seed) % sizeof(bytes);
        char *once, *twice, *utf8;

        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)(unit_random(&seed) >> 8);
        once = text_escape(bytes, len);
        twice = text_escape(once, strlen(once));
        unit_check_string("twice", twice, once);
        for (const char *p = once; *p != '\0'; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        utf8 = text_utf8(bytes, len);
        for (size_t at = 0, end = strlen(utf8); at < end;) {
            uint32_t c;

            at += text_decode(utf8 + at, end - at, &c);
            assert_true(c <= 0x10ffff);
        }
        free(once);
        free(twice);
        free(utf8);
    }
}

/* Default_Ignorable_Code_Point of Unicode 14 to 16, and what looks like nothing. */
static const uint32_t invisible[][2] = {{0x00ad, 0x00ad}, {0x034f, 0x034f},
    {0x061c, 0x061c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
    {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},
    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfff8},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}, {0x2800, 0x2800},
    {0x1d159, 0x1d159}, {0x13441, 0x13442}, {0x16fe4, 0x16fe4}};

static void
test_invisible(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(invisible); i++)
        for (uint32_t c = invisible[i][0]; c <= invisible[i][1]; c++)
            if (!text_unsafe(c))
                fail_msg("U+%04X passes", (unsigned)c);
    /* Neighbours that are seen, or combine with what is before them. */
    assert_false(text_unsafe(' '));
    assert_false(text_unsafe(0x0301));
    assert_false(text_unsafe(0x034e));
    assert_false(text_unsafe(0x0350));
    assert_false(text_unsafe(0x2801));
    assert_false(text_unsafe(0xfe10));
    assert_false(text_unsafe(0x1f600));
}

struct fit_case {
    const char *name;
    const char *text;
    size_t columns;
    size_t bytes, width;
    const char *omission;
};

static const struct fit_case fits[] = {
    {"fits", "abc", 3, 3, 3, ""},
    {"one too many", "abcd", 3, 2, 3, "\xe2\x80\xa6"},
    {"half of a wide one", "\xe6\x97\xa5\xe6\x97\xa5", 3, 3, 3, "\xe2\x80\xa6"},
    {"a wide one does not fit before the sign", "\xe6\x97\xa5\xe6\x97\xa5", 2, 0, 1,
        "\xe2\x80\xa6"},
    {"nothing", "", 3, 0, 0, ""},
    {"no room", "abc", 0, 0, 0, ""},
};

static void
test_fit(void **state)
{
    const struct fit_case *c = *state;
    const char *omission = NULL;
    size_t width = 0;

    unit_check_int("bytes", text_fit(c->text, c->columns, &width, &omission), c->bytes);
    unit_check_int("width", width, c->width);
    unit_check_string("omission", omission, c->omission);
}

/* Without UTF-8 nothing beyond ASCII is shown; in files all of it is. */
static void
test_plain_locale(void **state)
{
    char *escaped, *file;

    (void)state;
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    text_init();
    escaped = text_escape("\xc3\xbc", 2);
    unit_check_string("escaped", escaped, "\\u{FC}");
    file = text_escape_for_file("\xc3\xbc", 2);
    unit_check_string("for a file", file, "\xc3\xbc");
    free(escaped);
    free(file);
}

int
main(void)
{
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    text_init();
    UNIT_TABLE("escape", test_escape, escapes);
    UNIT_TABLE("fit", test_fit, fits);
    unit_add("escape", "NUL", test_nul, NULL);
    unit_add("escape", "invisible characters", test_invisible, NULL);
    unit_add("escape", "random bytes", test_random, NULL);
    unit_add("escape", "a locale without UTF-8", test_plain_locale, NULL);
    return unit_run("text_test");
}
