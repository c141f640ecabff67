/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shape.h - what can be said of a would-be token without any library
 *
 * An adapter uses this to tell a token from any other password before it does anything
 * else: what has the prefix is ours and goes nowhere else, what has not is not ours.
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

/* Is `prefix` usable as one: 1 to PAT_PREFIX_MAX characters of [A-Za-z0-9_-]? */
bool pat_prefix_valid(const char *prefix);

/* Do the bytes begin with `prefix`? Any bytes, no NUL needed. */
bool pat_token_has_prefix(const char *prefix, const void *token, size_t token_len);

/* Prefix, alphabet [A-Za-z0-9_-] and a length that can be a token's. */
bool pat_token_well_formed(const char *prefix, const void *token, size_t token_len);

#endif
