/* SPDX-License-Identifier: BSD-2-Clause */
#include "lastused.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "gentime.h"
#include "log.h"
#include "settings.h"

#define QUEUE_MAX    1024
#define RECENT_SLOTS 4096 /* a power of two */

struct use {
    struct use *next;
    char *dn;
    char *old; /* patLastUsed as it was read; NULL = none */
    int64_t time;
    char from[PAT_SERVICE_MAX + PAT_SOURCE_MAX + 300];
};

/*
 * Tokens that were offered lately, for a replica may go on showing the old patLastUsed.
 * Two tokens that share a slot overwrite each other, which costs a write and nothing
 * else.
 */
struct recent {
    uint64_t key;
    int64_t time;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stopping;
    struct pat_deadline stop_by;
    struct use *head, **tail;
    size_t len;
    struct recent recent[RECENT_SLOTS];
    char host[256];
    struct log_limit dropped, failed;
} q = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* FNV-1a, 64 bits (IETF draft-eastlake-fnv) */
static uint64_t
hash(const char *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    return h;
}

static bool
within(int64_t a, int64_t b, int64_t interval)
{
    return (a > b ? a - b : b - a) < interval;
}

/* Claim the token for the interval; false if it was claimed already. */
static bool
claim_locked(const char *dn, int64_t now, int64_t interval)
{
    uint64_t key = hash(dn);
    struct recent *r = &q.recent[key & (RECENT_SLOTS - 1)];

    if (r->key == key && within(now, r->time, interval))
        return false;
    r->key = key;
    r->time = now;
    return true;
}

/* The write failed: the next use may try again. */
static void
unclaim(const char *dn)
{
    uint64_t key = hash(dn);
    struct recent *r = &q.recent[key & (RECENT_SLOTS - 1)];

    (void)pthread_mutex_lock(&q.lock);
    if (r->key == key)
        r->key = 0;
    (void)pthread_mutex_unlock(&q.lock);
}

static void
use_free(struct use *u)
{
    if (u == NULL)
        return;
    free(u->dn);
    free(u->old);
    free(u);
}

static struct use *
use_new(const struct pat_record *rec, const struct pat_request *req, int64_t now)
{
    struct use *u = calloc(1, sizeof(*u));
    const char *old = rec->last_used != NULL ? rec->last_used[0] : NULL;

    if (u == NULL)
        return NULL;
    u->time = now;
    u->dn = strdup(rec->dn);
    u->old = old != NULL ? strdup(old) : NULL;
    (void)snprintf(u->from, sizeof(u->from), "%s@%s%s%s",
        req->service != NULL ? req->service : "-", q.host,
        req->source != NULL ? " from " : "", req->source != NULL ? req->source : "");
    /* The attribute holds text: what is no printable ASCII may not even be UTF-8. */
    for (char *p = u->from; *p != '\0'; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    if (u->dn == NULL || (old != NULL && u->old == NULL)) {
        use_free(u);
        return NULL;
    }
    return u;
}

static bool
is_due(const struct pat_conf *conf, const struct pat_record *rec, int64_t now)
{
    int64_t last = 0;

    if (!conf->last_used)
        return false;
    if (rec->last_used == NULL || pat_gentime_parse(rec->last_used[0], &last) != PAT_OK)
        return true;
    return !within(now, last, conf->last_used_interval_ms / 1000);
}

void
lastused_offer(const struct pat_conf *conf, const struct pat_record *rec,
    const struct pat_request *req, int64_t now)
{
    struct use *u;
    bool wanted, queued = false;
    uint64_t more = 0;

    if (!is_due(conf, rec, now))
        return;
    u = use_new(rec, req, now);
    if (u == NULL)
        return;
    (void)pthread_mutex_lock(&q.lock);
    wanted = claim_locked(u->dn, now, conf->last_used_interval_ms / 1000);
    if (wanted && q.running && q.len < QUEUE_MAX) {
        *q.tail = u;
        q.tail = &u->next;
        q.len++;
        queued = true;
        (void)pthread_cond_signal(&q.wake);
    }
    (void)pthread_mutex_unlock(&q.lock);
    if (queued)
        return;
    if (wanted) {
        unclaim(u->dn);
        if (log_limit_allows(&q.dropped, &more))
            log_write(PAT_LOG_WARNING,
                "last-used: the directory does not keep up; dropped (%llu more since the "
                "last "
                "such line)",
                (unsigned long long)more);
    }
    use_free(u);
}

/* NULL: stopping, and nothing is left or no time for it. */
static struct use *
take(struct pat_deadline *ret_stop_by, bool *ret_stopping)
{
    struct use *u = NULL;

    (void)pthread_mutex_lock(&q.lock);
    while (q.head == NULL && !q.stopping)
        (void)pthread_cond_wait(&q.wake, &q.lock);
    *ret_stopping = q.stopping;
    *ret_stop_by = q.stop_by;
    if (q.head != NULL && !(q.stopping && pat_deadline_passed(q.stop_by))) {
        u = q.head;
        q.head = u->next;
        if (q.head == NULL)
            q.tail = &q.head;
        q.len--;
    }
    (void)pthread_mutex_unlock(&q.lock);
    return u;
}

/* What the thread keeps: the settings, and a connection to the server that took the last.
 */
struct writer {
    struct settings *settings;
    struct pat_directory *dir;
    size_t next; /* which of the servers dir is */
};

static void
writer_reset(struct writer *w)
{
    pat_directory_free(w->dir);
    w->dir = NULL;
}

static const char *
server_at(const struct pat_conf *conf, size_t i)
{
    if (conf->write_uri != NULL)
        return i == 0 ? conf->write_uri : NULL;
    return conf->uri[i];
}

static enum pat_err
write_to(struct writer *w, size_t i, const struct use *u, struct pat_deadline deadline,
    struct pat_diag *diag)
{
    const struct pat_conf *conf = &w->settings->conf;
    bool was_open;
    enum pat_err err;

    if (w->dir == NULL || w->next != i) {
        writer_reset(w);
        if (pat_directory_new(conf, server_at(conf, i), &w->dir) != PAT_OK)
            return PAT_ERR_NOMEM;
        w->next = i;
    }
    was_open = pat_directory_is_open(w->dir);
    err = pat_directory_touch(w->dir, u->dn, u->old, u->time, u->from, deadline, diag);
    /* As in a login: a connection that died of a restart deserves a second try. */
    if (err == PAT_ERR_UNAVAIL && was_open && !pat_directory_is_open(w->dir))
        err =
            pat_directory_touch(w->dir, u->dn, u->old, u->time, u->from, deadline, diag);
    return err;
}

static void
write_use(struct writer *w, const struct use *u, struct pat_deadline latest)
{
    struct pat_diag diag = {0};
    enum pat_err err = PAT_ERR_UNAVAIL;
    struct pat_deadline deadline;
    struct log_line line = {"", 0};
    uint64_t more = 0;

    if (w->settings == NULL || settings_outdated(w->settings)) {
        writer_reset(w);
        if (w->settings != NULL)
            settings_release(w->settings);
        w->settings = settings_acquire();
    }
    for (size_t i = 0; server_at(&w->settings->conf, i) != NULL && err != PAT_OK; i++) {
        deadline = pat_deadline_earlier(
            pat_deadline_in_ms(w->settings->conf.timeout_ms), latest);
        err = write_to(w, i, u, deadline, &diag);
    }
    if (err == PAT_OK)
        return;
    unclaim(u->dn);
    if (!log_limit_allows(&q.failed, &more))
        return;
    log_line_end(&line, "detail", diag.text);
    log_write(PAT_LOG_WARNING,
        "last-used: cannot be written (does the account have write access to patLastUsed "
        "and "
        "patLastUsedFrom?) %s (%llu more since the last such line)",
        line.text, (unsigned long long)more);
}

static void *
writer_thread(void *arg)
{
    struct writer w = {NULL, NULL, 0};
    struct pat_deadline stop_by, never = {INT64_MAX};
    bool stopping = false;
    struct use *u;

    (void)arg;
    while ((u = take(&stop_by, &stopping)) != NULL) {
        write_use(&w, u, stopping ? stop_by : never);
        use_free(u);
    }
    writer_reset(&w);
    if (w.settings != NULL)
        settings_release(w.settings);
    return NULL;
}

enum pat_err
lastused_start(void)
{
    q.tail = &q.head;
    if (gethostname(q.host, sizeof(q.host) - 1) != 0 || q.host[0] == '\0')
        (void)snprintf(q.host, sizeof(q.host), "localhost");
    q.running = pthread_create(&q.thread, NULL, writer_thread, NULL) == 0;
    return q.running ? PAT_OK : PAT_ERR_NOMEM;
}

void
lastused_stop(int timeout_ms)
{
    bool running;

    (void)pthread_mutex_lock(&q.lock);
    running = q.running;
    q.running = false;
    q.stopping = true;
    q.stop_by = pat_deadline_in_ms(timeout_ms);
    (void)pthread_cond_signal(&q.wake);
    (void)pthread_mutex_unlock(&q.lock);
    if (running)
        (void)pthread_join(q.thread, NULL);
    while (q.head != NULL) {
        struct use *u = q.head;

        q.head = u->next;
        use_free(u);
    }
    q.tail = &q.head;
}
