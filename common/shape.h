/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shape.h - recognition of tokens by their text
 *
 * Every adapter calls pat_token_recognise() on a password before it does anything else,
 * and pat_token_resembles() on a login name. The answer depends on the text alone: a
 * revoked, mistyped or foreign token is kept from other modules and logs in the same way
 * as a live one.
 *
 * libc alone; nothing allocates or blocks.
 */
#ifndef PAT_SHAPE_H
#define PAT_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#define PAT_PREFIX_DEFAULT "rhp_"
#define PAT_PREFIX_MAX     16
#define PAT_TOKEN_MAX      (PAT_PREFIX_MAX + 255) /* bytes, of any format */
#define PAT_TOKEN_BODY_MIN 20 /* characters after the prefix, in the shortest format */

/* What an adapter does with a password. */
enum pat_likeness {
    PAT_LIKENESS_NONE,   /* no token: another module may have it */
    PAT_LIKENESS_TOKEN,  /* begins with the prefix: verify it, and never pass it on */
    PAT_LIKENESS_HIDDEN, /* has a token somewhere in it: reject it, never pass it on */
};

/* Is `prefix` usable as one: 1 to PAT_PREFIX_MAX characters of [A-Za-z0-9_-]? */
bool pat_prefix_valid(const char *prefix);

/* Do the bytes begin with `prefix`? Any bytes, no NUL needed. */
bool pat_token_has_prefix(const char *prefix, const void *token, size_t token_len);

/* Prefix, alphabet [A-Za-z0-9_-] and a length that can be a token's. */
bool pat_token_well_formed(const char *prefix, const void *token, size_t token_len);

/*
 * Removes white space (ASCII), UTF-8 byte order marks and the marks of bracketed paste
 * (ESC [ 200 ~, ESC [ 201 ~) from both ends of a text: a terminal or a clipboard adds
 * them.
 */
void pat_token_trim(const char **text, size_t *text_len);

/*
 * Decides whether a password is or contains a token, after pat_token_trim().
 *
 * password   borrowed; any bytes, no NUL needed.
 * ret_token  with PAT_LIKENESS_TOKEN, the part to verify; points into `password`.
 *            Unchanged otherwise.
 */
enum pat_likeness pat_token_recognise(const char *prefix, const void *password,
    size_t password_len, const char **ret_token, size_t *ret_token_len);

/*
 * Returns true if the text has a complete token anywhere in it: the prefix and
 * PAT_TOKEN_BODY_MIN characters of the alphabet, in any letter case. Blanks, control
 * characters and bytes outside ASCII are ignored, so that a token that was wrapped over
 * lines or has invisible characters in it is found. Any bytes, no NUL needed.
 */
bool pat_token_resembles(const char *prefix, const void *text, size_t text_len);

#endif
