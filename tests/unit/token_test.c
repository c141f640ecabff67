/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "token.h"

#define P16 "abcdefghijklmnop"
#define R32 "7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua"

static const char base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const struct pat_token_format required = {NULL, PAT_CHECKSUM_REQUIRED};

/* Computed elsewhere, with Python's zlib and hashlib. */
static const char example[] = "rhp_" R32 "4XXNa0";

/* The system's random numbers, which a test can replace. */

enum source {
    SOURCE_SYSTEM = 0,
    SOURCE_COUNT,       /* 62, 63, 0, 1, 2, … with the two upper bits set */
    SOURCE_COUNT_SHORT, /* the same, one byte at a time, interrupted before each */
    SOURCE_ERROR,       /* fails */
    SOURCE_LATE_ERROR,  /* fails after a few bytes */
    SOURCE_NOTHING,     /* gives no bytes */
};

static enum source source;
static unsigned given, asked;

/* In libc's place: the program's own symbols come first. */
ssize_t
getrandom(void *buf, size_t size, unsigned flags)
{
    unsigned char *p = buf;

    asked++;
    errno = ENOSYS;
    if (source == SOURCE_SYSTEM)
        return syscall(SYS_getrandom, buf, size, flags);
    if (source == SOURCE_NOTHING)
        return 0;
    if (source == SOURCE_ERROR || (source == SOURCE_LATE_ERROR && given >= 10))
        return -1;
    if (source == SOURCE_COUNT_SHORT && asked % 2 == 1) {
        errno = EINTR;
        return -1;
    }
    if (source != SOURCE_COUNT && size > 1)
        size = 1;
    for (size_t i = 0; i < size; i++)
        p[i] = (unsigned char)(0xc0 | ((62 + given++) & 63));
    return (ssize_t)size;
}

/* Generating */

struct prefix_row {
    const char *name;
    const char *prefix;
    enum pat_err want;
};

static const struct prefix_row prefixes[] = {
    {"the default", NULL, PAT_OK},
    {"a site's own", "acme-ci_", PAT_OK},
    {"the shortest prefix", "x", PAT_OK},
    {"the longest prefix", P16, PAT_OK},
    {"an empty prefix", "", PAT_ERR_CONFIG},
    {"a prefix too long", P16 "q", PAT_ERR_CONFIG},
    {"a prefix much too long",
        P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16 P16
            P16 P16 P16 P16 P16 P16 P16,
        PAT_ERR_CONFIG},
    {"a prefix with a space", "rhp ", PAT_ERR_CONFIG},
    {"a prefix with a line break", "rhp\n", PAT_ERR_CONFIG},
    {"a prefix with a high byte", "rhp\xff", PAT_ERR_CONFIG},
};

static void
generates(void **state)
{
    const struct prefix_row *row = *state;
    struct pat_token_format format = {row->prefix, PAT_CHECKSUM_REQUIRED};
    const char *prefix = row->prefix != NULL ? row->prefix : "rhp_";
    struct pat_token token = {"untouched", 9};
    size_t len = strlen(prefix) + 32 + 6;

    unit_check_err(pat_token_generate(&format, &token), row->want);
    if (row->want != PAT_OK) {
        unit_check_string("result", token.text, "untouched");
        return;
    }
    unit_check_int("length", token.len, len);
    unit_check_int("text", strnlen(token.text, sizeof(token.text)), len);
    assert_memory_equal(token.text, prefix, strlen(prefix));
    unit_check_int(
        "base62 characters", strspn(token.text + strlen(prefix), base62), 32 + 6);
    unit_check_err(pat_token_check(&format, token.text, token.len), PAT_OK);
}

/* A site that takes foreign tokens still mints with the checksum. */
static void
generates_checksum(void **state)
{
    struct pat_token_format ignore = {NULL, PAT_CHECKSUM_IGNORE};
    struct pat_token token = {0};

    (void)state;
    unit_check_err(pat_token_generate(&ignore, &token), PAT_OK);
    unit_check_err(pat_token_check(&required, token.text, token.len), PAT_OK);
}

#define DRAWS 2000

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/*
 * 64,000 characters, of which each of the 62 is expected 1032 times: a deviation of 20 %
 * is six and a half sigma away, folding 62 and 63 back would be 100 %.
 */
static void
generates_randomly(void **state)
{
    static char drawn[DRAWS][32];
    unsigned seen[256] = {0};
    struct pat_token token = {0};

    (void)state;
    for (size_t i = 0; i < DRAWS; i++) {
        assert_int_equal(pat_token_generate(&required, &token), PAT_OK);
        memcpy(drawn[i], token.text + 4, 32);
        for (size_t k = 0; k < 32; k++)
            seen[(unsigned char)drawn[i][k]]++;
    }
    for (const char *c = base62; *c != '\0'; c++)
        if (seen[(unsigned char)*c] < 826 || seen[(unsigned char)*c] > 1238)
            fail_msg("'%c' occurs %u times", *c, seen[(unsigned char)*c]);
    qsort(drawn, DRAWS, sizeof(drawn[0]), compare);
    for (size_t i = 1; i < DRAWS; i++)
        if (memcmp(drawn[i - 1], drawn[i], 32) == 0)
            fail_msg("drawn twice: %.32s", drawn[i]);
}

struct source_row {
    const char *name;
    enum source source;
    const char *want; /* NULL = unavailable */
};

/* Whichever of 64 values is no digit is thrown away, and no byte is left out. */
static const struct source_row sources[] = {
    {"counting", SOURCE_COUNT, "rhp_0123456789ABCDEFGHIJKLMNOPQRSTUV3NKKi0"},
    {"counting, byte by byte and interrupted", SOURCE_COUNT_SHORT,
        "rhp_0123456789ABCDEFGHIJKLMNOPQRSTUV3NKKi0"},
    {"failing", SOURCE_ERROR, NULL},
    {"failing after a few bytes", SOURCE_LATE_ERROR, NULL},
    {"giving nothing", SOURCE_NOTHING, NULL},
};

static void
generates_from(void **state)
{
    const struct source_row *row = *state;
    struct pat_token token = {"untouched", 9};
    enum pat_err err;

    given = asked = 0;
    source = row->source;
    err = pat_token_generate(&required, &token);
    source = SOURCE_SYSTEM;
    unit_check_err(err, row->want != NULL ? PAT_OK : PAT_ERR_UNAVAIL);
    unit_check_string("token", token.text, row->want != NULL ? row->want : "untouched");
}

static void
clears(void **state)
{
    static const struct pat_token no_token;
    static const struct pat_hash no_hash;
    struct pat_token token = {0};
    struct pat_hash hash = {0};

    (void)state;
    assert_int_equal(pat_token_generate(&required, &token), PAT_OK);
    assert_int_equal(pat_token_hash(token.text, token.len, &hash), PAT_OK);
    pat_token_clear(&token);
    pat_hash_clear(&hash);
    assert_memory_equal(&token, &no_token, sizeof(token));
    assert_memory_equal(&hash, &no_hash, sizeof(hash));
}

/* Checking */

struct check_row {
    const char *name;
    const char *prefix;
    enum pat_checksum checksum;
    const char *token;
    size_t len; /* 0 = that of the string */
    enum pat_err want;
};

#define DEMAND NULL, PAT_CHECKSUM_REQUIRED
#define IGNORE NULL, PAT_CHECKSUM_IGNORE
#define BAD    PAT_ERR_MALFORMED
#define F19    "0123456789-abcdefg_"
#define F250   R32 R32 R32 R32 R32 R32 R32 "abcdefghijklmnopqrstuvwxyz"

static const struct check_row checks[] = {
    /* Known answers, computed elsewhere */
    {"all zeros", DEMAND, "rhp_000000000000000000000000000000001FuL6Z", 0, PAT_OK},
    {"all z", DEMAND, "rhp_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz0LOAuP", 0, PAT_OK},
    {"the lower half of the alphabet", DEMAND,
        "rhp_0123456789ABCDEFGHIJKLMNOPQRSTUV3NKKi0", 0, PAT_OK},
    {"the upper half of the alphabet", DEMAND,
        "rhp_WXYZabcdefghijklmnopqrstuvwxyz01145cGN", 0, PAT_OK},
    {"the example", DEMAND, example, 0, PAT_OK},
    {"a checksum padded to 2 zeros", DEMAND, "rhp_0000000000000000000000000000012100USgi",
        0, PAT_OK},
    {"a checksum padded to 3 zeros", DEMAND, "rhp_00000000000000000000000000011863000IYc",
        0, PAT_OK},
    {"a site's own prefix", "acme-ci_", PAT_CHECKSUM_REQUIRED, "acme-ci_" R32 "30TY2U", 0,
        PAT_OK},
    {"the shortest prefix", "x", PAT_CHECKSUM_REQUIRED, "x" R32 "2Hp1UJ", 0, PAT_OK},
    {"the longest prefix", P16, PAT_CHECKSUM_REQUIRED, P16 R32 "3pqVFq", 0, PAT_OK},
    {"more bytes behind the length", DEMAND, "rhp_" R32 "4XXNa0 and more", 42, PAT_OK},

    /* Not these */
    {"nothing", DEMAND, "", 0, BAD},
    {"a password", DEMAND, "correct horse battery staple", 0, BAD},
    {"sshd's fake password", DEMAND, "\b\n\r\177INCORRECT", 0, BAD},
    {"sshd's fake password, long", DEMAND,
        "\b\n\r\177INCORRECT\b\n\r\177INCORRECT\b\n\r\177INCORRECT", 0, BAD},
    {"the prefix alone", DEMAND, "rhp_", 0, BAD},
    {"no prefix", DEMAND, R32 "4XXNa0", 0, BAD},
    {"wrong prefix", DEMAND, "ghp_" R32 "4XXNa0", 0, BAD},
    {"prefix in capitals", DEMAND, "RHP_" R32 "4XXNa0", 0, BAD},
    {"prefix with another separator", DEMAND, "rhp-" R32 "4XXNa0", 0, BAD},
    {"another site's prefix", "acme-ci_", PAT_CHECKSUM_REQUIRED, example, 0, BAD},
    {"our prefix, another site's token", DEMAND, "acme-ci_" R32 "30TY2U", 0, BAD},
    {"the checksum of another prefix", DEMAND, "rhp_" R32 "30TY2U", 0, BAD},
    {"one character short", DEMAND, "rhp_" R32 "4XXNa", 0, BAD},
    {"one character short in front", DEMAND, "rhp_Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0",
        0, BAD},
    {"one character long", DEMAND, "rhp_" R32 "4XXNa00", 0, BAD},
    {"a checksum padded once too often", DEMAND, "rhp_" R32 "04XXNa0", 0, BAD},
    {"twice", DEMAND, "rhp_" R32 "4XXNa0rhp_" R32 "4XXNa0", 0, BAD},
    {"checksum in capitals", DEMAND, "rhp_" R32 "4XXNA0", 0, BAD},
    {"checksum of another token", DEMAND, "rhp_" R32 "145cGN", 0, BAD},
    {"checksum backwards", DEMAND, "rhp_" R32 "0aNXX4", 0, BAD},
    {"checksum in hexadecimal", DEMAND, "rhp_" R32 "e3b0c4", 0, BAD},
    {"no checksum", DEMAND, "rhp_" R32, 0, BAD},
    {"two characters swapped", DEMAND, "rhp_K7d0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0", 0,
        BAD},
    {"a leading space", DEMAND, " rhp_" R32 "4XXNa0", 0, BAD},
    {"a trailing space", DEMAND, "rhp_" R32 "4XXNa0 ", 0, BAD},
    {"a trailing line break", DEMAND, "rhp_" R32 "4XXNa0\n", 0, BAD},
    {"a trailing NUL", DEMAND, "rhp_" R32 "4XXNa0", 43, BAD},
    {"a NUL in the middle", DEMAND, "rhp_7Kd0mQx4ZrT9bWn2\0pYs6VhG1cFj8Eua4XXNa0", 42,
        BAD},
    {"a NUL for the last character", DEMAND, "rhp_" R32 "4XXNa", 42, BAD},
    {"NUL throughout", DEMAND,
        "rhp_\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0",
        42, BAD},
    {"high bytes", DEMAND,
        "rhp_\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8Wn2LpYs6VhG1cFj8Eua4XXNa0"
        "aaaaa",
        42, BAD},
    {"UTF-8", DEMAND,
        "rhp_\xc3\xa9"
        "0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0",
        0, BAD},
    /* The checksums of these are right: it is the alphabet that refuses. */
    {"_ with a right checksum", DEMAND, "rhp_7Kd0mQx4ZrT9bWn2_pYs6VhG1cFj8Eua11hCXg", 0,
        BAD},
    {"_ first, with a right checksum", DEMAND,
        "rhp__Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua1fYhRe", 0, BAD},
    {"- with a right checksum", DEMAND, "rhp_7Kd0mQx4ZrT9bWn2-pYs6VhG1cFj8Eua1lzL9W", 0,
        BAD},
    {"31 characters with a right checksum", DEMAND,
        "rhp_Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua2sZOsC", 0, BAD},
    {"33 characters with a right checksum", DEMAND,
        "rhp_77Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4LP3em", 0, BAD},
    {"the longest there may be", DEMAND, "rhp_" F250 "abcde", 0, BAD},

    /* Minted elsewhere */
    {"foreign, ours", IGNORE, example, 0, PAT_OK},
    {"foreign, ours with a wrong checksum", IGNORE, "rhp_" R32 "4XXNa1", 0, PAT_OK},
    {"foreign, 20 characters", IGNORE, "rhp_" F19 "h", 0, PAT_OK},
    {"foreign, 255 characters", IGNORE, "rhp_" F250 "abcde", 0, PAT_OK},
    {"foreign, longest prefix and 255", P16, PAT_CHECKSUM_IGNORE, P16 F250 "abcde", 0,
        PAT_OK},
    {"foreign, nothing but _ and -", IGNORE, "rhp_--------------------", 0, PAT_OK},
    {"foreign, 19 characters", IGNORE, "rhp_" F19, 0, BAD},
    {"foreign, 256 characters", IGNORE, "rhp_" F250 "abcdef", 0, BAD},
    {"foreign, longest prefix and 256", P16, PAT_CHECKSUM_IGNORE, P16 F250 "abcdef", 0,
        BAD},
    {"foreign, the prefix alone", IGNORE, "rhp_", 0, BAD},
    {"foreign, no prefix", IGNORE, F19 "h0123456789", 0, BAD},
    {"foreign, wrong prefix", IGNORE, "ghp_" F19 "h", 0, BAD},
    {"foreign, a dot", IGNORE, "rhp_" F19 ".", 0, BAD},
    {"foreign, a space", IGNORE, "rhp_" F19 " h", 0, BAD},
    {"foreign, a line break behind", IGNORE, "rhp_" F19 "h\n", 0, BAD},
    {"foreign, a NUL behind", IGNORE, "rhp_" F19 "h", 25, BAD},
    {"foreign, a NUL within", IGNORE, "rhp_" F19 "\0h", 25, BAD},
    {"foreign, a high byte", IGNORE, "rhp_" F19 "\xe9", 0, BAD},
    {"foreign, base64", IGNORE, "rhp_" F19 "h+/==", 0, BAD},
    {"foreign, sshd's fake password", IGNORE, "\b\n\r\177INCORRECT\b\n\r\177INCORRECT", 0,
        BAD},
};

static void
check(void **state)
{
    const struct check_row *row = *state;
    struct pat_token_format format = {row->prefix, row->checksum};
    size_t len = row->len != 0 ? row->len : strlen(row->token);
    /* Of exact size, so that a read beyond it is seen. */
    char *copy = malloc(len > 0 ? len : 1);
    enum pat_err got;

    assert_non_null(copy);
    memcpy(copy, row->token, len);
    got = pat_token_check(&format, copy, len);
    free(copy);
    unit_check_err(got, row->want);
}

/* Any one character changed for any other byte; a CRC finds every such burst. */
static void
check_each_byte(void **state)
{
    char text[sizeof(example)];

    (void)state;
    for (size_t at = 0; at < sizeof(example) - 1; at++) {
        for (int c = 0; c < 256; c++) {
            memcpy(text, example, sizeof(example));
            if (text[at] == (char)c)
                continue;
            text[at] = (char)c;
            if (pat_token_check(&required, text, sizeof(example) - 1) == PAT_OK)
                fail_msg("byte 0x%02x at %zu is let through", (unsigned)c, at);
        }
    }
}

static void
check_each_length(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(example) - 1; len++)
        if (pat_token_check(&required, example, len) == PAT_OK)
            fail_msg("%zu bytes are let through", len);
}

/* Hashing */

struct hash_row {
    const char *name;
    const char *data;
    size_t len;
    const char *want;
};

/* The first two are of FIPS 180-4's examples; the rest is by sha256sum. */
static const struct hash_row hashes[] = {
    {"no bytes", "", 0,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"a NUL within", "a\0b", 3,
        "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138"},
    {"the example", example, 42,
        "69c2cea4a9db539d23f266dcb8a683b87b0cb2beb00d88379d69cf4a89d88f38"},
    {"a site's own prefix", "acme-ci_" R32 "30TY2U", 46,
        "9dc02eee80385a351fa9bb4922f200a3d39ecf7c1448d73178463587af6fe848"},
};

static void
hash(void **state)
{
    const struct hash_row *row = *state;
    struct pat_hash got;

    memset(&got, 'x', sizeof(got));
    unit_check_err(pat_token_hash(row->data, row->len, &got), PAT_OK);
    unit_check_int("length", strnlen(got.hex, sizeof(got.hex)), 64);
    unit_check_string("hash", got.hex, row->want);
}

/* A hash that did not depend on each byte would let another token in. */
static void
hash_each_byte(void **state)
{
    char text[sizeof(example)];
    struct pat_hash whole = {0}, got = {0};

    (void)state;
    assert_int_equal(pat_token_hash(example, sizeof(example) - 1, &whole), PAT_OK);
    for (size_t at = 0; at < sizeof(example) - 1; at++) {
        memcpy(text, example, sizeof(example));
        text[at] ^= 1;
        assert_int_equal(pat_token_hash(text, sizeof(example) - 1, &got), PAT_OK);
        if (strcmp(got.hex, whole.hex) == 0)
            fail_msg("the byte at %zu does not count", at);
        assert_int_equal(pat_token_hash(example, at, &got), PAT_OK);
        if (strcmp(got.hex, whole.hex) == 0)
            fail_msg("the bytes from %zu do not count", at);
    }
}

int
main(void)
{
    UNIT_TABLE("generate", generates, prefixes);
    unit_add(
        "generate", "a checksum even where none is demanded", generates_checksum, NULL);
    unit_add("generate", "uniform and unique", generates_randomly, NULL);
    UNIT_TABLE("random source", generates_from, sources);
    unit_add("clear", "leaves nothing", clears, NULL);
    UNIT_TABLE("check", check, checks);
    unit_add("check", "each byte changed", check_each_byte, NULL);
    unit_add("check", "each shorter length", check_each_length, NULL);
    UNIT_TABLE("hash", hash, hashes);
    unit_add("hash", "each byte counts", hash_each_byte, NULL);
    return unit_run("token");
}
