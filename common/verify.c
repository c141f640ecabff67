/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "decide.h"
#include "directory.h"
#include "strv.h"
#include "token.h"

struct pat_ctx {
    const struct pat_conf *conf;
    struct pat_token_format format;
    struct pat_policy policy;
    struct pat_health *health;
    struct pat_health own_health;
    struct pat_directory *dirs[PAT_URI_MAX];
    size_t dir_count;
    struct pat_record rec;
    struct pat_diag trouble; /* with servers, whether or not another one answered */
};

/* What can be asked of one server. */
typedef enum pat_err ask_fn(struct pat_ctx *ctx, struct pat_directory *dir,
    const void *arg, struct pat_deadline deadline, struct pat_diag *diag);

/* Find token and owner. Refusals are left to the decision, but that there is no entry. */
static enum pat_err
ask_record(struct pat_ctx *ctx, struct pat_directory *dir, const void *arg,
    struct pat_deadline deadline, struct pat_diag *diag)
{
    pat_record_clear(&ctx->rec);
    return pat_directory_find(dir, arg, deadline, &ctx->rec, diag);
}

static enum pat_err
ask_open(struct pat_ctx *ctx, struct pat_directory *dir, const void *arg,
    struct pat_deadline deadline, struct pat_diag *diag)
{
    (void)ctx;
    (void)arg;
    return pat_directory_open(dir, deadline, diag);
}

/*
 * Ask one server. A connection that was left over from before may have died with the
 * server's restart, which says nothing about the server: then once more, afresh. Nor does
 * a deadline that a client made too short for any server: it must not send others
 * elsewhere.
 */
static enum pat_err
ask_server(struct pat_ctx *ctx, size_t i, ask_fn *ask, const void *arg,
    struct pat_deadline deadline, struct pat_diag *diag)
{
    struct pat_directory *dir = ctx->dirs[i];
    bool was_open = pat_directory_is_open(dir);
    bool hasty = pat_deadline_left_ms(deadline) < PAT_HASTY_MS;
    enum pat_err err = ask(ctx, dir, arg, deadline, diag);

    if (err == PAT_ERR_UNAVAIL && was_open && !pat_directory_is_open(dir) &&
        !pat_deadline_passed(deadline))
        err = ask(ctx, dir, arg, deadline, diag);
    if (err != PAT_ERR_UNAVAIL)
        atomic_store(&ctx->health->failed[i], false);
    else if (!hasty || !pat_deadline_passed(deadline))
        atomic_store(&ctx->health->failed[i], true);
    return err;
}

/* The order to try: as configured, but servers that failed last time come after the rest.
 */
static void
plan(const struct pat_ctx *ctx, size_t order[PAT_URI_MAX])
{
    bool failed[PAT_URI_MAX] = {false};
    size_t n = 0;

    /* A snapshot: other threads change the marks. */
    for (size_t i = 0; i < ctx->dir_count; i++)
        failed[i] = atomic_load(&ctx->health->failed[i]);
    for (size_t i = 0; i < ctx->dir_count; i++)
        if (!failed[i])
            order[n++] = i;
    for (size_t i = 0; i < ctx->dir_count; i++)
        if (failed[i])
            order[n++] = i;
}

static void
add_trouble(struct pat_ctx *ctx, const struct pat_diag *one)
{
    struct pat_diag before = ctx->trouble;

    pat_diag_set(&ctx->trouble, "%s%s%s", before.text, before.text[0] != '\0' ? "; " : "",
        one->text);
}

/*
 * Ask the servers one after another until one gives a usable answer. Each gets an equal
 * share of the time that is left, so that one that hangs leaves enough for the rest.
 */
static enum pat_err
ask_servers(struct pat_ctx *ctx, ask_fn *ask, const void *arg,
    struct pat_deadline deadline, struct pat_diag *diag)
{
    size_t order[PAT_URI_MAX] = {0};
    enum pat_err err = PAT_ERR_UNAVAIL;

    pat_diag_clear(&ctx->trouble);
    plan(ctx, order);
    for (size_t n = 0; n < ctx->dir_count && err == PAT_ERR_UNAVAIL; n++) {
        struct pat_diag why = {0};
        int share = pat_deadline_left_ms(deadline) / (int)(ctx->dir_count - n);

        if (share == 0) {
            pat_diag_set(&why, "deadline passed before a server was asked");
            add_trouble(ctx, &why);
            break;
        }
        err = ask_server(ctx, order[n], ask, arg,
            pat_deadline_earlier(pat_deadline_in_ms(share), deadline), &why);
        if (err == PAT_ERR_UNAVAIL)
            add_trouble(ctx, &why);
        else if (diag != NULL)
            *diag = why;
    }
    if (err == PAT_ERR_UNAVAIL && diag != NULL)
        *diag = ctx->trouble;
    return err;
}

enum pat_err
pat_verify(struct pat_ctx *ctx, const struct pat_request *req, const void *token,
    size_t token_len, int64_t now, struct pat_deadline deadline,
    struct pat_identity *ret_identity, struct pat_diag *diag)
{
    struct pat_hash hash = {0};
    enum pat_err err;

    pat_diag_clear(diag);
    pat_diag_clear(&ctx->trouble);
    pat_record_clear(&ctx->rec);
    err = pat_token_check(&ctx->format, token, token_len);
    if (err != PAT_OK)
        goto out;
    err = pat_token_hash(token, token_len, &hash);
    if (err != PAT_OK) {
        pat_diag_set(diag, "libcrypto cannot compute SHA-256");
        goto out;
    }
    err = ask_servers(ctx, ask_record, &hash, deadline, diag);
    if (err != PAT_OK)
        goto out;

    /* Pure from here on: what was read, what was asked, and the clock. */
    err = pat_record_decide(&ctx->rec, req, &ctx->policy, now, ret_identity, diag);
out:
    pat_hash_clear(&hash);
    return err;
}

enum pat_err
pat_ctx_warm(struct pat_ctx *ctx, struct pat_deadline deadline, struct pat_diag *diag)
{
    pat_diag_clear(diag);
    return ask_servers(ctx, ask_open, NULL, deadline, diag);
}

bool
pat_ctx_is_open(const struct pat_ctx *ctx)
{
    bool open = false;

    for (size_t i = 0; i < ctx->dir_count && !open; i++)
        open = pat_directory_is_open(ctx->dirs[i]);
    return open;
}

const struct pat_record *
pat_ctx_record(const struct pat_ctx *ctx)
{
    return &ctx->rec;
}

const char *
pat_ctx_trouble(const struct pat_ctx *ctx)
{
    return ctx->trouble.text;
}

enum pat_err
pat_ctx_new(
    const struct pat_conf *conf, struct pat_health *health, struct pat_ctx **ret_ctx)
{
    struct pat_ctx *ctx = calloc(1, sizeof(*ctx));
    enum pat_err err = PAT_OK;

    if (ctx == NULL)
        return PAT_ERR_NOMEM;
    ctx->conf = conf;
    ctx->format = pat_conf_token_format(conf);
    ctx->policy.role_order = pat_strv_const(conf->role_order);
    ctx->policy.login_realms = pat_strv_const(conf->login_realms);
    ctx->policy.login_org = conf->login_org != 0;
    ctx->health = health != NULL ? health : &ctx->own_health;
    for (char **uri = conf->uri; *uri != NULL && ctx->dir_count < PAT_URI_MAX; uri++) {
        err = pat_directory_new(conf, *uri, &ctx->dirs[ctx->dir_count]);
        if (err != PAT_OK)
            break;
        ctx->dir_count++;
    }
    if (err != PAT_OK)
        pat_ctx_free(ctx);
    else
        *ret_ctx = ctx;
    return err;
}

void
pat_ctx_free(struct pat_ctx *ctx)
{
    if (ctx == NULL)
        return;
    for (size_t i = 0; i < ctx->dir_count; i++)
        pat_directory_free(ctx->dirs[i]);
    pat_record_clear(&ctx->rec);
    free(ctx);
}
