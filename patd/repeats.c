/* SPDX-License-Identifier: BSD-2-Clause */
#include "repeats.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "deadline.h"

#define KINDS_MAX           64 /* that are counted at a time */
#define INTERVAL_MS_DEFAULT 10000
#define SECOND_NS           INT64_C(1000000000)

/* Lines of one text, within one interval. */
struct kind {
    char text[sizeof(((struct log_line *)NULL)->text) + 32]; /* "" = free */
    enum pat_log_level level;
    int64_t began_ns;
    unsigned logged;
    uint64_t counted;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t counting; /* a count began, or the thread is to stop */
    struct kind kinds[KINDS_MAX];
    pthread_t thread;
    bool running, stopping;
    atomic_int interval_ms;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .interval_ms = INTERVAL_MS_DEFAULT};

void
repeats_set_interval_ms(int ms)
{
    atomic_store(&all.interval_ms, ms);
}

static int64_t
interval_ns(void)
{
    return (int64_t)atomic_load(&all.interval_ms) * 1000000;
}

/* Moves a count that is open to *ret and frees the kind. Call with the lock held. */
static void
close_kind(struct kind *k, struct kind *ret)
{
    ret->counted = 0;
    if (k->counted > 0)
        *ret = *k;
    k->text[0] = '\0';
    k->counted = 0;
}

/* Without the lock: a log that is slow holds no other thread up. */
static void
write_count(const struct kind *k)
{
    if (k->counted > 0)
        log_write(k->level, "%s repeated=%" PRIu64, k->text, k->counted);
}

/* Returns the kind of that text; else one that is free; else the oldest. Call with the
 * lock held. */
static struct kind *
find_kind(const char *text)
{
    struct kind *best = &all.kinds[0];

    for (size_t i = 0; i < KINDS_MAX; i++) {
        struct kind *k = &all.kinds[i];

        if (strcmp(k->text, text) == 0)
            return k;
        if (best->text[0] != '\0' && (k->text[0] == '\0' || k->began_ns < best->began_ns))
            best = k;
    }
    return best;
}

/* Returns whether the line is to be written. Call with the lock held. */
static bool
count_line(enum pat_log_level level, const char *text, struct kind *ret_closed)
{
    struct kind *k = find_kind(text);
    int64_t now = pat_monotonic_ns();

    ret_closed->counted = 0;
    if (strcmp(k->text, text) != 0 || now >= k->began_ns + interval_ns()) {
        close_kind(k, ret_closed);
        (void)snprintf(k->text, sizeof(k->text), "%s", text);
        k->level = level;
        k->began_ns = now;
        k->logged = 0;
    }
    if (k->logged < REPEATS_LOGGED) {
        k->logged++;
        return true;
    }
    if (k->counted++ == 0)
        (void)pthread_cond_signal(&all.counting);
    return false;
}

void
repeats_log(enum pat_log_level level, const char *text, const char *line)
{
    struct kind closed;
    bool wanted;

    if (!log_wants(level))
        return;
    (void)pthread_mutex_lock(&all.lock);
    wanted = count_line(level, text, &closed);
    (void)pthread_mutex_unlock(&all.lock);
    write_count(&closed);
    if (wanted)
        log_write(level, "%s", line);
}

/*
 * Returns a kind with an open count whose interval is over, or with `any` one with an
 * open count; NULL if there is none, and then *ret_next_ns is when the next interval
 * ends, or INT64_MAX. Call with the lock held.
 */
static struct kind *
find_due(bool any, int64_t *ret_next_ns)
{
    int64_t now = pat_monotonic_ns();

    *ret_next_ns = INT64_MAX;
    for (size_t i = 0; i < KINDS_MAX; i++) {
        struct kind *k = &all.kinds[i];
        int64_t end = k->began_ns + interval_ns();

        if (k->counted == 0)
            continue;
        if (any || now >= end)
            return k;
        if (end < *ret_next_ns)
            *ret_next_ns = end;
    }
    return NULL;
}

static void *
repeats_thread(void *arg)
{
    struct kind closed;

    (void)arg;
    (void)pthread_mutex_lock(&all.lock);
    for (;;) {
        int64_t next_ns;
        struct kind *due = find_due(all.stopping, &next_ns);
        struct timespec at = {next_ns / SECOND_NS, next_ns % SECOND_NS};

        if (due != NULL) {
            close_kind(due, &closed);
            (void)pthread_mutex_unlock(&all.lock);
            write_count(&closed);
            (void)pthread_mutex_lock(&all.lock);
        } else if (all.stopping) {
            break;
        } else if (next_ns == INT64_MAX) {
            (void)pthread_cond_wait(&all.counting, &all.lock);
        } else {
            (void)pthread_cond_timedwait(&all.counting, &all.lock, &at);
        }
    }
    (void)pthread_mutex_unlock(&all.lock);
    return NULL;
}

enum pat_err
repeats_start(void)
{
    pthread_condattr_t attr;

    if (pthread_condattr_init(&attr) != 0)
        return PAT_ERR_NOMEM;
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    all.stopping = false;
    all.running = pthread_cond_init(&all.counting, &attr) == 0 &&
                  pthread_create(&all.thread, NULL, repeats_thread, NULL) == 0;
    (void)pthread_condattr_destroy(&attr);
    return all.running ? PAT_OK : PAT_ERR_NOMEM;
}

void
repeats_stop(void)
{
    if (!all.running)
        return;
    (void)pthread_mutex_lock(&all.lock);
    all.stopping = true;
    (void)pthread_cond_signal(&all.counting);
    (void)pthread_mutex_unlock(&all.lock);
    (void)pthread_join(all.thread, NULL);
    (void)pthread_cond_destroy(&all.counting);
    all.running = false;
}
