/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.h - decide whether a presented token lets its bearer in
 *
 * Order of use: pat_ctx_new(), pat_verify() any number of times, pat_ctx_free().
 * A context belongs to one thread at a time. Contexts share nothing but, if they are
 * given one, a pat_health. Nothing here prints, exits, changes signals or the
 * environment.
 */
#ifndef PAT_VERIFY_H
#define PAT_VERIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "conf.h"
#include "deadline.h"
#include "error.h"
#include "record.h"
#include "request.h"

struct pat_ctx;

/* A server that did not answer within this need not be down. */
#define PAT_HASTY_MS 200

/*
 * Which of conf->uri failed when they were last asked. Such servers are tried after the
 * others. pat_verify() marks them; whoever probes them takes the mark away.
 */
struct pat_health {
    atomic_bool failed[PAT_URI_MAX];
};

/*
 * conf    borrowed; must live as long as the context.
 * health  borrowed and shared among contexts of one `conf`; NULL = the context's own.
 * PAT_ERR_NOMEM. Does not connect.
 */
PAT_MUST_USE enum pat_err pat_ctx_new(
    const struct pat_conf *conf, struct pat_health *health, struct pat_ctx **ret_ctx);

/* NULL is accepted. */
void pat_ctx_free(struct pat_ctx *ctx);

/* Connect to the first server that answers, so that the first request finds it warm. */
PAT_MUST_USE enum pat_err pat_ctx_warm(
    struct pat_ctx *ctx, struct pat_deadline deadline, struct pat_diag *diag);

/*
 * Verify that the bytes at `token` are a live token which `req` may use.
 *
 * token         borrowed, any bytes, no NUL needed; never kept. The caller erases it.
 * req           user, service, orgs, roles and remote address as the host knows them.
 * now           seconds since the epoch; a parameter so that tests own the clock.
 * deadline      for everything: name look-up, connect, TLS, bind, searches, all servers.
 * ret_identity  written on PAT_OK only; may be NULL.
 * diag          may be NULL; the detail for the log, never for who presented the token.
 *
 * PAT_ERR_MALFORMED needs no directory. PAT_ERR_UNAVAIL means that no server gave a
 * usable answer: never a reason to let anyone in. Other refusals as in decide.h. Blocks
 * until `deadline` at the most.
 */
PAT_MUST_USE enum pat_err pat_verify(struct pat_ctx *ctx, const struct pat_request *req,
    const void *token, size_t token_len, int64_t now, struct pat_deadline deadline,
    struct pat_identity *ret_identity, struct pat_diag *diag);

/* Returns whether there is a connection to any server. */
bool pat_ctx_is_open(const struct pat_ctx *ctx);

/* What the last pat_verify() read: empty where no entry was found. Valid until the next.
 */
const struct pat_record *pat_ctx_record(const struct pat_ctx *ctx);

/*
 * What went wrong with servers during the last call, also where another one answered:
 * "" or "URI: reason; URI: reason". Valid until the next call.
 */
const char *pat_ctx_trouble(const struct pat_ctx *ctx);

#endif
