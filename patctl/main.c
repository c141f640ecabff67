/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patctl - tokens on the command line
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "secret.h"
#include "token.h"

static void
usage(FILE *to)
{
    (void)fprintf(to, "usage: patctl generate [-p PREFIX]\n"
                      "\n"
                      "Make a new token and print it, and the patHash to store for it:\n"
                      "    token: rhp_...\n"
                      "    patHash: ...\n"
                      "The token is shown this once and is kept nowhere.\n");
}

/* Without a buffer of stdio, which nobody would erase. */
static bool
write_all(const char *s, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, s, len);

        if (n <= 0)
            return false;
        s += n;
        len -= (size_t)n;
    }
    return true;
}

static int
print_token(const struct pat_token *token, const struct pat_hash *hash)
{
    char text[64 + sizeof(token->text) + sizeof(hash->hex)];
    int len =
        snprintf(text, sizeof(text), "token: %s\npatHash: %s\n", token->text, hash->hex);
    bool ok = len > 0 && (size_t)len < sizeof(text) && write_all(text, (size_t)len);

    pat_secret_erase(text, sizeof(text));
    if (!ok)
        (void)fprintf(stderr, "patctl: cannot write the token to standard output\n");
    return ok ? EX_OK : EX_IOERR;
}

static int
generate(int argc, char **argv)
{
    struct pat_token_format format = {PAT_PREFIX_DEFAULT, PAT_CHECKSUM_REQUIRED};
    struct pat_token token = {0};
    struct pat_hash hash = {0};
    enum pat_err err;
    int opt, rc = EX_OSERR;

    while ((opt = getopt(argc, argv, "p:")) != -1) {
        if (opt != 'p') {
            usage(stderr);
            return EX_USAGE;
        }
        format.prefix = optarg;
    }
    if (optind != argc) {
        usage(stderr);
        return EX_USAGE;
    }
    err = pat_token_generate(&format, &token);
    if (err == PAT_OK)
        err = pat_token_hash(token.text, token.len, &hash);
    if (err == PAT_OK) {
        rc = print_token(&token, &hash);
    } else if (err == PAT_ERR_CONFIG) {
        (void)fprintf(
            stderr, "patctl: a prefix has 1 to %d of A-Z a-z 0-9 _ -\n", PAT_PREFIX_MAX);
        rc = EX_USAGE;
    } else {
        (void)fprintf(
            stderr, "patctl: no random numbers, or no SHA-256, from the system\n");
    }
    pat_token_clear(&token);
    pat_hash_clear(&hash);
    return rc;
}

int
main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "generate") == 0)
        return generate(argc - 1, argv + 1);
    if (argc == 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
        usage(stdout);
        return EX_OK;
    }
    usage(stderr);
    return EX_USAGE;
}
