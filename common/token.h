/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.h - the personal access token: its shape, its making, its hash
 *
 * A token is PREFIX + 32 random characters + 6 characters of checksum, all base62
 * (0-9A-Za-z). The random part carries 190 bits from the system's CSPRNG. The checksum
 * is the CRC-32 (as in zlib) of all characters before it, base62, most significant
 * digit first, padded with '0'. It tells a typo or a pasted password from a token without
 * a look-up, and lets secret scanners recognise tokens; it is no security.
 *
 * Tokens minted elsewhere may lack the checksum: with PAT_CHECKSUM_IGNORE the prefix is
 * followed by 20 to 255 characters of [A-Za-z0-9_-].
 *
 * Nothing here blocks, apart from the first getrandom(2) of a machine that is booting.
 */
#ifndef PAT_TOKEN_H
#define PAT_TOKEN_H

#include <stddef.h>

#include "attr.h"
#include "error.h"
#include "shape.h"

#define PAT_TOKEN_RANDOM_LEN   32
#define PAT_TOKEN_CHECKSUM_LEN 6
#define PAT_TOKEN_FOREIGN_MIN  PAT_TOKEN_BODY_MIN /* after the prefix, no checksum */
#define PAT_TOKEN_FOREIGN_MAX  255
#define PAT_HASH_HEX_LEN       64

enum pat_checksum {
    PAT_CHECKSUM_REQUIRED = 0,
    PAT_CHECKSUM_IGNORE,
};

/* What this site's tokens look like. A `prefix` of NULL stands for PAT_PREFIX_DEFAULT. */
struct pat_token_format {
    const char *prefix;
    enum pat_checksum checksum;
};

/* A token in clear. Erase it with pat_token_clear() as soon as it has been used. */
struct pat_token {
    char text[PAT_TOKEN_MAX + 1]; /* NUL-terminated */
    size_t len;
};

/* Lower-case hexadecimal SHA-256 of the whole token: the directory's patHash. */
struct pat_hash {
    char hex[PAT_HASH_HEX_LEN + 1];
};

/*
 * Make a new token of `format` (always with a checksum).
 *
 * PAT_ERR_UNAVAIL  the system gave no random numbers
 * PAT_ERR_CONFIG   the prefix is not one (see pat_prefix_valid())
 */
PAT_MUST_USE enum pat_err pat_token_generate(
    const struct pat_token_format *format, struct pat_token *ret_token);

/*
 * Is this the shape of a token: prefix, alphabet, length and, where demanded, checksum?
 * Any bytes, no NUL needed. PAT_OK or PAT_ERR_MALFORMED.
 */
PAT_MUST_USE enum pat_err pat_token_check(
    const struct pat_token_format *format, const void *token, size_t token_len);

/*
 * Hash the bytes of a token. Thread-safe; the digest is fetched once per process.
 * PAT_ERR_UNAVAIL: libcrypto has no SHA-256 to offer.
 */
PAT_MUST_USE enum pat_err pat_token_hash(
    const void *token, size_t token_len, struct pat_hash *ret_hash);

/*
 * Give back what pat_token_hash() keeps, in a plugin that its host is about to unload.
 * Nobody may hash any more.
 */
void pat_token_hash_end(void);

void pat_token_clear(struct pat_token *token);
void pat_hash_clear(struct pat_hash *hash);

#endif
