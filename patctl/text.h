/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.h - text from anywhere, made fit for a terminal, a table or JSON
 *
 * Names of tokens are chosen by users. In a terminal they must not move the cursor,
 * change colours, or turn the direction of writing around.
 */
#ifndef PATCTL_TEXT_H
#define PATCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"

/* Reads the locale of the environment, which decides what can be shown. Call it first. */
void text_init(void);

/*
 * A character that is shown as what it is not: a control, one of those that govern the
 * direction of writing, an invisible one, or no character at all.
 */
bool text_unsafe(uint32_t c);

/*
 * Take one character off the `len` > 0 bytes at `s`: how many bytes it has. For bytes
 * that are no UTF-8 (RFC 3629) it is 1, and *ret is UINT32_MAX.
 */
size_t text_decode(const char *s, size_t len, uint32_t *ret);

/*
 * A copy that can be shown: newline, tab, carriage return and escape as \n \t \r \e,
 * other unsafe characters, and those that the locale cannot show, as \u{202E}, and bytes
 * that are no UTF-8 as \xFF. The caller frees it; NULL without memory.
 */
PAT_MUST_USE char *text_escape(const char *s, size_t len);

/* The same for a file, which is UTF-8 whatever the locale. */
PAT_MUST_USE char *text_escape_for_file(const char *s, size_t len);

/* A copy that is UTF-8: what is not becomes U+FFFD. The caller frees it. */
PAT_MUST_USE char *text_utf8(const char *s, size_t len);

/* How many columns of a terminal does a text from text_escape() take? */
size_t text_width(const char *s);

/*
 * The first bytes of such a text that fit into `width` columns: all of it, or less, in
 * order that a sign of omission fits behind it. Sets *ret_width to their columns, and
 * *ret_omission to that sign, or to "".
 */
size_t text_fit(
    const char *s, size_t width, size_t *ret_width, const char **ret_omission);

#endif
