/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define NOT_UTF8 UINT32_MAX

struct range {
    uint32_t first, last;
};

/*
 * Controls, separators and surrogates; what has the property Default_Ignorable_Code_Point
 * (Unicode, DerivedCoreProperties.txt), which contains all that turns the direction of
 * writing; and letters and symbols that look like nothing.
 */
static const struct range unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, /* soft hyphen */
    {0x034f, 0x034f},                                     /* grapheme joiner */
    {0x061c, 0x061c},                                     /* Arabic letter mark */
    {0x115f, 0x1160},                                     /* fillers of Hangul */
    {0x17b4, 0x17b5},                                     /* inherent vowels of Khmer */
    {0x180b, 0x180f},   /* variation selectors of Mongolian */
    {0x200b, 0x200f},   /* zero width space, joiners, marks of direction */
    {0x2028, 0x202e},   /* separators; embeddings and overrides of direction */
    {0x2060, 0x206f},   /* invisible operators; isolates of direction */
    {0x2800, 0x2800},   /* blank of Braille */
    {0x3164, 0x3164},   /* filler of Hangul */
    {0xd800, 0xdfff},   /* surrogates */
    {0xfe00, 0xfe0f},   /* variation selectors */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* filler of Hangul */
    {0xfff0, 0xfffb},   /* annotations, and what is reserved before them */
    {0x13430, 0x1343f}, /* joiners of hieroglyphs */
    {0x13441, 0x13442}, /* blanks of hieroglyphs */
    {0x16fe4, 0x16fe4}, /* filler of Khitan */
    {0x1bca0, 0x1bca3}, /* controls of shorthand */
    {0x1d159, 0x1d159}, /* null notehead */
    {0x1d173, 0x1d17a}, /* beams and slurs */
    {0xe0000, 0xe0fff}, /* tags, variation selectors, and what is reserved among them */
};

static bool shows_utf8;

void
text_init(void)
{
    (void)setlocale(LC_CTYPE, "");
    shows_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool
text_unsafe(uint32_t c)
{
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
        if (c >= unsafe[i].first && c <= unsafe[i].last)
            return true;
    return c > 0x10ffff;
}

/* How long is the character that begins so, and what is the least that is that long? */
static size_t
sequence_length(unsigned char first, uint32_t *ret_bits, uint32_t *ret_least)
{
    static const struct {
        unsigned char mask, mark;
        uint32_t least;
    } forms[] = {
        {0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t i = 0; i < 4; i++)
        if ((first & forms[i].mask) == forms[i].mark) {
            *ret_bits = first & (unsigned char)~forms[i].mask;
            *ret_least = forms[i].least;
            return i + 1;
        }
    return 0;
}

size_t
text_decode(const char *s, size_t len, uint32_t *ret)
{
    uint32_t c = 0, least = 0;
    size_t n = sequence_length((unsigned char)s[0], &c, &least);

    *ret = NOT_UTF8;
    if (n == 0 || n > len)
        return 1;
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)s[i];

        if ((next & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (next & 0x3fU);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 1;
    *ret = c;
    return n;
}

/* What the locale can show, and how wide that is: -1 = not at all. */
static int
shown_width(uint32_t c)
{
    if (c < 0x80)
        return text_unsafe(c) ? -1 : 1;
    if (!shows_utf8 || text_unsafe(c))
        return -1;
    return wcwidth((wchar_t)c);
}

static bool
shown_here(uint32_t c)
{
    return shown_width(c) >= 0;
}

static bool
shown_in_files(uint32_t c)
{
    return !text_unsafe(c);
}

/* Writes at most 10 bytes and a NUL. */
static size_t
escape_one(uint32_t c, unsigned char byte, char *to)
{
    static const char names[] = "\nn\tt\rr\033e";
    int n;

    for (const char *p = names; *p != '\0'; p += 2)
        if (c == (unsigned char)p[0]) {
            to[0] = '\\';
            to[1] = p[1];
            return 2;
        }
    if (c == NOT_UTF8)
        n = snprintf(to, 11, "\\x%02X", byte);
    else
        n = snprintf(to, 11, "\\u{%02X}", (unsigned)c);
    return n > 0 ? (size_t)n : 0;
}

static char *
escape(const char *s, size_t len, bool (*shown)(uint32_t c))
{
    /* The longest by the byte is \u{00}: 6 for one. */
    char *to = len > SIZE_MAX / 8 ? NULL : malloc(len * 6 + 11);
    size_t at = 0;

    for (size_t i = 0; to != NULL && i < len;) {
        uint32_t c;
        size_t n = text_decode(s + i, len - i, &c);

        if (c != NOT_UTF8 && shown(c)) {
            memcpy(to + at, s + i, n);
            at += n;
        } else {
            at += escape_one(c, (unsigned char)s[i], to + at);
        }
        i += n;
    }
    if (to != NULL)
        to[at] = '\0';
    return to;
}

char *
text_escape(const char *s, size_t len)
{
    return escape(s, len, shown_here);
}

char *
text_escape_for_file(const char *s, size_t len)
{
    return escape(s, len, shown_in_files);
}

char *
text_utf8(const char *s, size_t len)
{
    char *to = len > SIZE_MAX / 4 ? NULL : malloc(len * 3 + 1);
    size_t at = 0;

    for (size_t i = 0; to != NULL && i < len;) {
        uint32_t c;
        size_t n = text_decode(s + i, len - i, &c);
        const char *from = c == NOT_UTF8 ? "\xef\xbf\xbd" : s + i;
        size_t from_len = c == NOT_UTF8 ? 3 : n;

        memcpy(to + at, from, from_len);
        at += from_len;
        i += n;
    }
    if (to != NULL)
        to[at] = '\0';
    return to;
}

/* The bytes of `s` that fit into `width` columns. */
static size_t
take_columns(const char *s, size_t len, size_t width, size_t *ret_width)
{
    size_t at = 0, columns = 0;

    while (at < len) {
        uint32_t c;
        size_t n = text_decode(s + at, len - at, &c);
        int w = c == NOT_UTF8 ? 1 : shown_width(c);

        if (w < 0)
            w = 1;
        if (columns + (size_t)w > width)
            break;
        columns += (size_t)w;
        at += n;
    }
    *ret_width = columns;
    return at;
}

size_t
text_width(const char *s)
{
    size_t width = 0;

    (void)take_columns(s, strlen(s), SIZE_MAX / 2, &width);
    return width;
}

size_t
text_fit(const char *s, size_t width, size_t *ret_width, const char **ret_omission)
{
    size_t len = strlen(s);
    size_t fits = take_columns(s, len, width, ret_width);

    *ret_omission = "";
    if (fits == len || width == 0)
        return fits;
    *ret_omission = shows_utf8 ? "\xe2\x80\xa6" : "~"; /* U+2026, one column */
    fits = take_columns(s, len, width - 1, ret_width);
    (*ret_width)++;
    return fits;
}
