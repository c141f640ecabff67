/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens: what is one is told by a second implementation, too, and one that has one
 * character wrong is none. The first byte chooses the site's format.
 */
#include <openssl/sha.h>

#include "fuzz.h"
#include "token.h"

static const char base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static uint32_t
crc32_by_bits(const char *s, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)s[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
    }
    return ~crc;
}

static bool
all_of(const char *s, size_t len, const char *alphabet)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] == '\0' || strchr(alphabet, s[i]) == NULL)
            return false;
    return true;
}

static bool
is_token(const char *s, size_t len, const char *prefix, bool checksum)
{
    char foreign[sizeof(base62) + 2];
    size_t prefix_len = strlen(prefix);
    uint64_t sum = 0;

    if (len < prefix_len || memcmp(s, prefix, prefix_len) != 0)
        return false;
    (void)snprintf(foreign, sizeof(foreign), "%s_-", base62);
    if (!checksum)
        return len - prefix_len >= 20 && len - prefix_len <= 255 &&
               all_of(s + prefix_len, len - prefix_len, foreign);
    if (len != prefix_len + 38 || !all_of(s + prefix_len, 38, base62))
        return false;
    for (size_t i = len - 6; i < len; i++)
        sum = sum * 62 + (uint64_t)(strchr(base62, s[i]) - base62);
    return sum == crc32_by_bits(s, len - 6);
}

/* The characters at `at`, one by one, but for the right one. */
static void
refuses_typos(const struct pat_token_format *format, char *s, size_t len, size_t at)
{
    char right = s[at];

    for (const char *c = base62; *c != '\0'; c++) {
        s[at] = *c;
        MUST((pat_token_check(format, s, len) == PAT_OK) == (*c == right));
    }
    s[at] = right;
}

static void
hashes_alike(const char *s, size_t len)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hex[PAT_HASH_HEX_LEN + 1];
    struct pat_hash hash = {0};

    MUST(pat_token_hash(s, len, &hash) == PAT_OK);
    (void)SHA256((const unsigned char *)s, len, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    MUST(strcmp(hash.hex, hex) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pat_token_format format = {NULL, PAT_CHECKSUM_REQUIRED};
    const char *prefix = PAT_PREFIX_DEFAULT;
    bool accepted;
    char *s;

    if (size == 0)
        return 0;
    if ((data[0] & 1) != 0)
        format.checksum = PAT_CHECKSUM_IGNORE;
    if ((data[0] & 2) != 0)
        format.prefix = prefix = "acme-x_";
    s = fuzz_copy(data + 1, --size);
    accepted = pat_token_check(&format, s, size) == PAT_OK;
    MUST(accepted == is_token(s, size, prefix, format.checksum == PAT_CHECKSUM_REQUIRED));
    if (accepted) {
        MUST(pat_token_has_prefix(prefix, s, size));
        MUST(pat_token_well_formed(prefix, s, size));
        if (format.checksum == PAT_CHECKSUM_REQUIRED)
            refuses_typos(
                &format, s, size, strlen(prefix) + data[0] % (size - strlen(prefix)));
    }
    hashes_alike(s, size);
    free(s);
    return 0;
}
