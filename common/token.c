/* SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>
#include <zlib.h>

#include "secret.h"

static const char base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* EVP_sha256() looks the implementation up anew for every digest; this is three times
 * faster. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void
sha256_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static enum pat_err
random_bytes(void *buf, size_t size)
{
    unsigned char *p = buf;

    while (size > 0) {
        ssize_t n = getrandom(p, size, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return PAT_ERR_UNAVAIL;
        p += n;
        size -= (size_t)n;
    }
    return PAT_OK;
}

/*
 * Uniform digits: of a byte's low six bits the values 62 and 63 are thrown away, since
 * folding them back would make two characters likelier than the rest.
 */
static enum pat_err
random_base62(char *out, size_t len)
{
    unsigned char pool[64];
    size_t done = 0;
    enum pat_err err = PAT_OK;

    while (done < len) {
        err = random_bytes(pool, sizeof(pool));
        if (err != PAT_OK)
            break;
        for (size_t i = 0; i < sizeof(pool) && done < len; i++) {
            unsigned digit = pool[i] & 63U;

            if (digit < 62)
                out[done++] = base62[digit];
        }
    }
    pat_secret_erase(pool, sizeof(pool));
    return err;
}

static void
checksum_base62(const void *text, size_t len, char out[PAT_TOKEN_CHECKSUM_LEN])
{
    /* Not crc32(): slapd, which loads this too, has something of that name itself. */
    unsigned long crc = crc32_z(crc32_z(0, NULL, 0), text, len);

    for (size_t i = PAT_TOKEN_CHECKSUM_LEN; i-- > 0;) {
        out[i] = base62[crc % 62];
        crc /= 62;
    }
}

static bool
is_base62(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] == '_' || s[i] == '-')
            return false;
    return true;
}

static const char *
format_prefix(const struct pat_token_format *format)
{
    return format->prefix != NULL ? format->prefix : PAT_PREFIX_DEFAULT;
}

enum pat_err
pat_token_generate(const struct pat_token_format *format, struct pat_token *ret_token)
{
    const char *prefix = format_prefix(format);
    size_t prefix_len = strlen(prefix);
    size_t body_len = prefix_len + PAT_TOKEN_RANDOM_LEN;
    struct pat_token token = {0};
    enum pat_err err;

    if (!pat_prefix_valid(prefix))
        return PAT_ERR_CONFIG;
    memcpy(token.text, prefix, prefix_len);
    err = random_base62(token.text + prefix_len, PAT_TOKEN_RANDOM_LEN);
    if (err != PAT_OK)
        goto out;
    checksum_base62(token.text, body_len, token.text + body_len);
    token.len = body_len + PAT_TOKEN_CHECKSUM_LEN;
    *ret_token = token;
out:
    pat_token_clear(&token);
    return err;
}

enum pat_err
pat_token_check(
    const struct pat_token_format *format, const void *token, size_t token_len)
{
    const char *prefix = format_prefix(format);
    const char *text = token;
    size_t prefix_len = strlen(prefix);
    size_t rest_len, body_len;
    char sum[PAT_TOKEN_CHECKSUM_LEN];

    if (!pat_token_well_formed(prefix, token, token_len))
        return PAT_ERR_MALFORMED;
    rest_len = token_len - prefix_len;

    if (format->checksum == PAT_CHECKSUM_IGNORE)
        return rest_len >= PAT_TOKEN_FOREIGN_MIN && rest_len <= PAT_TOKEN_FOREIGN_MAX
                   ? PAT_OK
                   : PAT_ERR_MALFORMED;

    if (rest_len != PAT_TOKEN_RANDOM_LEN + PAT_TOKEN_CHECKSUM_LEN)
        return PAT_ERR_MALFORMED;
    if (!is_base62(text + prefix_len, rest_len))
        return PAT_ERR_MALFORMED;
    body_len = token_len - PAT_TOKEN_CHECKSUM_LEN;
    checksum_base62(text, body_len, sum);
    /* The checksum is public arithmetic on what the caller sent: no secret to protect. */
    return memcmp(sum, text + body_len, sizeof(sum)) == 0 ? PAT_OK : PAT_ERR_MALFORMED;
}

enum pat_err
pat_token_hash(const void *token, size_t token_len, struct pat_hash *ret_hash)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[PAT_HASH_HEX_LEN / 2];
    unsigned digest_len = 0;
    enum pat_err err = PAT_ERR_UNAVAIL;

    (void)pthread_once(&sha256_once, sha256_fetch);
    if (sha256 == NULL)
        return PAT_ERR_UNAVAIL;
    if (EVP_Digest(token, token_len, digest, &digest_len, sha256, NULL) != 1)
        goto out;
    if (digest_len != sizeof(digest))
        goto out;
    for (size_t i = 0; i < sizeof(digest); i++) {
        ret_hash->hex[2 * i] = hex[digest[i] >> 4];
        ret_hash->hex[2 * i + 1] = hex[digest[i] & 15];
    }
    ret_hash->hex[PAT_HASH_HEX_LEN] = '\0';
    err = PAT_OK;
out:
    pat_secret_erase(digest, sizeof(digest));
    return err;
}

void
pat_token_hash_end(void)
{
    EVP_MD_free(sha256);
    sha256 = NULL;
}

void
pat_token_clear(struct pat_token *token)
{
    pat_secret_erase(token, sizeof(*token));
}

void
pat_hash_clear(struct pat_hash *hash)
{
    pat_secret_erase(hash, sizeof(*hash));
}
