/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generate.c - a token, and its hash, without a directory
 */
#include <stdio.h>
#include <sysexits.h>

#include "command.h"
#include "say.h"
#include "secret.h"
#include "token.h"
#include "write.h"

struct options {
    const char *prefix;
};

static const struct arg args[] = {
    {'p', "prefix", ARG_TEXT, offsetof(struct options, prefix), "PREFIX",
        "begin the token with PREFIX (rhp_)"},
    {0, NULL, 0, 0, NULL, NULL},
};

static int
print_token(const struct pat_token *token, const struct pat_hash *hash)
{
    char text[64 + sizeof(token->text) + sizeof(hash->hex)];
    int len =
        snprintf(text, sizeof(text), "token: %s\npatHash: %s\n", token->text, hash->hex);
    int rc = write_secret(text, len < 0 ? 0 : (size_t)len);

    pat_secret_erase(text, sizeof(text));
    return rc;
}

static int
run(const struct call *call)
{
    const struct options *o = call->options;
    struct pat_token_format format = {PAT_PREFIX_DEFAULT, PAT_CHECKSUM_REQUIRED};
    struct pat_token token = {0};
    struct pat_hash hash = {0};
    enum pat_err err;
    int rc = EX_OSERR;

    if (o->prefix != NULL)
        format.prefix = o->prefix;
    err = pat_token_generate(&format, &token);
    if (err == PAT_OK)
        err = pat_token_hash(token.text, token.len, &hash);
    if (err == PAT_OK) {
        rc = print_token(&token, &hash);
    } else if (err == PAT_ERR_CONFIG) {
        rc = say_usage("a prefix has 1 to %d of A-Z a-z 0-9 _ -", PAT_PREFIX_MAX);
    } else {
        say_error("no random numbers, or no SHA-256, from the system");
    }
    pat_token_clear(&token);
    pat_hash_clear(&hash);
    return rc;
}

const struct command generate_command = {
    .name = "generate",
    .operands = "",
    .summary = "Make a token and its patHash, without a directory",
    .details =
        "Prints two lines, `token: rhp_...` and `patHash: ...`. The token is shown this\n"
        "once and is kept nowhere.",
    .args = args,
    .options_size = sizeof(struct options),
    .run = run,
};
