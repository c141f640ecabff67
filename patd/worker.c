/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lastused.h"
#include "log.h"
#include "repeats.h"
#include "revoke.h"
#include "secret.h"
#include "settings.h"

struct workers {
    size_t count;
    pthread_t threads[];
};

/* What a thread keeps from one request to the next. */
struct worker {
    struct server *server;
    struct settings *settings;
    struct pat_ctx *ctx;
};

/* Lines about requests without an answer from the directory. */
#define UNAVAILABLE_BURST 20

static struct log_limit trouble_limit, waited_limit, junk_limit;
static struct log_limit unavailable_limit = {.burst = UNAVAILABLE_BURST};
/* A client that is in a hurry must not use up the lines of the others. */
static struct log_limit hasty_limit;

/* Follow a reload: a context of the new settings instead of the old. */
static bool
refresh(struct worker *w)
{
    if (w->ctx != NULL && !settings_outdated(w->settings))
        return true;
    pat_ctx_free(w->ctx);
    w->ctx = NULL;
    if (w->settings != NULL)
        settings_release(w->settings);
    w->settings = settings_acquire();
    return pat_ctx_new(&w->settings->conf, &w->settings->health, &w->ctx) == PAT_OK;
}

/* Of a line about a request. */
static enum pat_log_level
level_of(enum pat_err err)
{
    return err == PAT_ERR_UNAVAIL || err == PAT_ERR_RECORD ? PAT_LOG_ERROR : PAT_LOG_INFO;
}

static bool
is_hasty(const struct pat_proto_request *ask)
{
    return ask->timeout_ms > 0 && ask->timeout_ms < PAT_HASTY_MS;
}

/* Returns whether a line about a request may be written; *ret_more were not before it. */
static bool
log_allows(const struct pat_proto_request *ask, enum pat_err err, uint64_t *ret_more)
{
    *ret_more = 0;
    if (!log_wants(level_of(err)))
        return false;
    return err != PAT_ERR_UNAVAIL ||
           log_limit_allows(is_hasty(ask) ? &hasty_limit : &unavailable_limit, ret_more);
}

/*
 * What the lines about requests end in, and write it. Refusals that differ in nothing but
 * their time are counted. One by the protocol of saslauthd, whose service cannot say why,
 * has the form that refusals have in other logs.
 */
static void
log_end(struct log_line *line, const struct client *c, enum pat_err err, int64_t took_ns,
    const struct pat_diag *diag, uint64_t more)
{
    bool refused = err != PAT_OK && err != PAT_ERR_UNAVAIL && err != PAT_ERR_CONFIG &&
                   err != PAT_ERR_NOMEM;
    const char *head = refused && client_protocol(c) == PROTOCOL_SASLAUTHD
                           ? "authentication failure; "
                           : "";
    const char *detail = diag->text[0] != '\0' ? diag->text : NULL;
    char number[32], text[sizeof(line->text) + 32], whole[sizeof(line->text) + 32];
    struct log_line kind;

    (void)snprintf(number, sizeof(number), "%lu", (unsigned long)client_uid(c));
    log_line_add(line, "peer_uid", number);
    kind.len = 0;
    if (refused)
        kind = *line;
    (void)snprintf(number, sizeof(number), "%.1f", (double)took_ns / 1e6);
    log_line_add(line, "ms", number);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)more);
    if (more > 0)
        log_line_add(line, "suppressed", number);
    log_line_end(line, "detail", detail);
    if (!refused) {
        log_write(level_of(err), "%s", line->text);
        return;
    }
    log_line_end(&kind, "detail", detail);
    (void)snprintf(text, sizeof(text), "%s%s", head, kind.text);
    (void)snprintf(whole, sizeof(whole), "%s%s", head, line->text);
    repeats_log(level_of(err), text, whole);
}

/*
 * How it went, in one line. The login name that was asked for is not in it, for it is
 * what a person typed, except for a shared one, which an admin wrote down.
 */
static void
log_decision(const struct worker *w, const struct client *c,
    const struct pat_proto_request *ask, const struct pat_identity *id, enum pat_err err,
    int64_t took_ns, const struct pat_diag *diag)
{
    const struct pat_request *req = &ask->req;
    const struct pat_record *rec = pat_ctx_record(w->ctx);
    bool ok = err == PAT_OK;
    struct log_line line;
    uint64_t more = 0;

    if (!log_allows(ask, err, &more))
        return;
    line.len = 0;
    log_line_add(&line, "verdict",
        ok ? "accept" : (err == PAT_ERR_UNAVAIL ? "unavailable" : "refuse"));
    if (!ok)
        log_line_add(&line, "reason", pat_strerror(err));
    log_line_add(&line, "id", rec->ids != NULL ? rec->ids[0] : NULL);
    log_line_add(
        &line, "user", ok ? id->user : (rec->uids != NULL ? rec->uids[0] : NULL));
    log_line_add(&line, "org", rec->org);
    log_line_add(&line, "role", ok ? id->role : NULL);
    log_line_add(&line, "service", req->service);
    log_line_add(&line, "source", req->source);
    if (!ok && client_protocol(c) == PROTOCOL_SASLAUTHD)
        log_line_add(&line, "rhost", "");
    if (ok && req->any_user)
        log_line_add(&line, "login", req->user);
    log_end(&line, c, err, took_ns, diag, more);
}

/* Another server had to step in: somebody should look at the first. */
static void
log_trouble(const struct worker *w)
{
    const char *trouble = pat_ctx_trouble(w->ctx);
    struct log_line line = {"", 0};
    uint64_t more = 0;

    if (trouble[0] == '\0' || !log_limit_allows(&trouble_limit, &more))
        return;
    log_line_end(&line, "detail", trouble);
    log_write(PAT_LOG_WARNING, "failover: another server answered instead %s", line.text);
}

static struct pat_deadline
request_deadline(
    const struct worker *w, const struct client *c, const struct pat_proto_request *ask)
{
    int64_t ms = w->settings->conf.timeout_ms, wanted = ask->timeout_ms;
    struct pat_deadline deadline;

    /* The client may shorten the time, but not to less than any server needs. */
    if (wanted > 0 && wanted < PAT_TIMEOUT_MS_MIN)
        wanted = PAT_TIMEOUT_MS_MIN;
    if (wanted > 0 && wanted < ms)
        ms = wanted;
    deadline.at_ns = client_arrival_ns(c) + ms * 1000000;
    return deadline;
}

static void
log_revocation(const struct client *c, const struct pat_proto_request *ask,
    const struct pat_revocation *revocation, enum pat_err err,
    const struct pat_diag *diag)
{
    int64_t took_ns = pat_monotonic_ns() - client_arrival_ns(c);
    struct log_line line = {"", 0};
    const char *result = "refuse";
    uint64_t more = 0;

    if (!log_allows(ask, err, &more))
        return;
    if (err == PAT_OK)
        result = revocation->already ? "already" : "done";
    else if (err == PAT_ERR_UNAVAIL)
        result = "unavailable";
    log_line_add(&line, "revoke", result);
    if (err != PAT_OK)
        log_line_add(&line, "reason", pat_strerror(err));
    log_line_add(&line, "id", revocation->id[0] != '\0' ? revocation->id : NULL);
    log_line_add(&line, "org", revocation->org[0] != '\0' ? revocation->org : NULL);
    log_end(&line, c, err, took_ns, diag, more);
}

/* Ends the request, and with it what `ask` points to. */
static void
finish(struct worker *w, struct client *c, const struct pat_proto_request *ask)
{
    if (ask->last)
        server_hang_up(w->server, c);
    else
        server_release(w->server, c);
}

/* Whoever has the token may. The answer says what the directory said, not before. */
static void
handle_revoke(struct worker *w, struct client *c, const struct pat_proto_request *ask)
{
    struct pat_revocation revocation = {.already = false};
    struct pat_diag diag = {0};
    struct pat_msg answer = {.len = 0};
    enum pat_err err;

    err = pat_revoke(&w->settings->conf, ask->token, ask->token_len, (int64_t)time(NULL),
        request_deadline(w, c, ask), &revocation, &diag);
    if (pat_proto_encode_revoked(err, &revocation, &answer) == PAT_OK)
        client_send(c, answer.data, answer.len);
    log_revocation(c, ask, &revocation, err, &diag);
    finish(w, c, ask);
}

static void
warm_up(struct worker *w)
{
    struct pat_diag diag = {0};
    uint64_t more = 0;

    if (!refresh(w))
        return;
    if (pat_ctx_warm(w->ctx, pat_deadline_in_ms(w->settings->conf.timeout_ms), &diag) ==
        PAT_OK)
        log_trouble(w);
    else if (log_limit_allows(&trouble_limit, &more))
        log_write(PAT_LOG_WARNING, "directory: %s", diag.text);
}

/* The time of a request was over before a server was asked: none is to blame. */
static void
handle_waited(struct worker *w, struct client *c, const struct pat_proto_request *ask)
{
    uint64_t more = 0;

    client_answer_busy(c);
    if (log_limit_allows(&waited_limit, &more))
        log_write(PAT_LOG_WARNING,
            "busy: a request waited for a worker until its deadline; it is answered "
            "busy, and was of uid %lu (%llu more since the last such line)",
            (unsigned long)client_uid(c), (unsigned long long)more);
    finish(w, c, ask);
}

/* Also a login name, a service or an address that is longer than the protocol allows. */
static void
log_junk(const struct client *c)
{
    uint64_t more = 0;

    if (log_limit_allows(&junk_limit, &more))
        log_write(PAT_LOG_WARNING,
            "junk: uid %lu sent a request that cannot be decoded, or with a value of "
            "more "
            "than %d bytes; it was disconnected (%llu more since the last such line)",
            (unsigned long)client_uid(c), PAT_SERVICE_MAX, (unsigned long long)more);
}

static void
handle(struct worker *w, struct client *c)
{
    struct question q;
    const struct pat_proto_request *ask = &q.ask;
    struct pat_identity id = {0};
    struct pat_diag diag = {0};
    int64_t now = (int64_t)time(NULL);
    int64_t took_ns;
    enum pat_err err;

    if (client_is_gone(c)) {
        server_hang_up(w->server, c);
        return;
    }
    if (!refresh(w)) {
        log_write(PAT_LOG_ERROR, "out of memory");
        client_answer(c, PAT_ERR_UNAVAIL, NULL);
        server_release(w->server, c);
        return;
    }
    if (protocol_decode(client_protocol(c), &w->settings->conf, client_message(c), &q) !=
        PAT_OK) {
        log_junk(c);
        server_hang_up(w->server, c);
        return;
    }
    if (pat_deadline_passed(request_deadline(w, c, ask))) {
        pat_secret_erase(q.login, sizeof(q.login));
        handle_waited(w, c, ask);
        return;
    }
    if (ask->op == PAT_OP_REVOKE) {
        handle_revoke(w, c, ask);
        return;
    }
    err = pat_verify(w->ctx, &ask->req, ask->token, ask->token_len, now,
        request_deadline(w, c, ask), &id, &diag);
    took_ns = pat_monotonic_ns() - client_arrival_ns(c);
    /* The answer first: nobody shall wait for a log. */
    client_answer(c, err, &id);
    log_decision(w, c, ask, &id, err, took_ns, &diag);
    if (err == PAT_OK)
        lastused_offer(&w->settings->conf, pat_ctx_record(w->ctx), &ask->req, now);
    /* Somebody may have typed a token there. */
    pat_secret_erase(q.login, sizeof(q.login));
    if (err != PAT_ERR_UNAVAIL)
        log_trouble(w);
    else if (is_hasty(ask) && !pat_ctx_is_open(w->ctx))
        warm_up(w); /* the client gave no time for that; neither may the next one */
    finish(w, c, ask);
}

static void
work(struct worker *w)
{
    struct client *c;

    while ((c = server_next(w->server)) != NULL)
        handle(w, c);
    pat_ctx_free(w->ctx);
    if (w->settings != NULL)
        settings_release(w->settings);
}

/* Warm before it takes its first request. */
static void *
worker_thread(void *arg)
{
    struct worker w = {arg, NULL, NULL};

    warm_up(&w);
    work(&w);
    return NULL;
}

/* Listens at once, so that signals and clients find somebody while the directory hangs.
 */
static void *
first_thread(void *arg)
{
    struct worker w = {arg, NULL, NULL};

    work(&w);
    return NULL;
}

enum pat_err
workers_start(struct server *server, int count, struct workers **ret_workers)
{
    size_t want = (size_t)count + 1;
    struct workers *w = calloc(1, sizeof(*w) + want * sizeof(w->threads[0]));

    if (w == NULL)
        return PAT_ERR_NOMEM;
    *ret_workers = w;
    while (w->count < want) {
        if (pthread_create(&w->threads[w->count], NULL,
                w->count == 0 ? first_thread : worker_thread, server) != 0)
            return PAT_ERR_NOMEM;
        w->count++;
    }
    return PAT_OK;
}

void
workers_join(struct workers *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->count; i++)
        (void)pthread_join(w->threads[i], NULL);
    free(w);
}
