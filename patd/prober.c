/* SPDX-License-Identifier: BSD-2-Clause */
#include "prober.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "deadline.h"
#include "directory.h"
#include "log.h"
#include "settings.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool stop;
} prober = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* True until prober_stop(). */
static bool
rest(int ms)
{
    struct pat_deadline until = pat_deadline_in_ms(ms);
    struct timespec at = {until.at_ns / 1000000000, until.at_ns % 1000000000};
    bool stop;

    (void)pthread_mutex_lock(&prober.lock);
    while (!prober.stop &&
           pthread_cond_timedwait(&prober.wake, &prober.lock, &at) != ETIMEDOUT)
        ;
    stop = prober.stop;
    (void)pthread_mutex_unlock(&prober.lock);
    return !stop;
}

static void
probe(struct settings *s, size_t i)
{
    struct pat_deadline deadline = pat_deadline_in_ms(s->conf.timeout_ms);
    struct pat_directory *dir = NULL;
    struct pat_diag diag = {0};

    if (pat_directory_new(&s->conf, s->conf.uri[i], &dir) != PAT_OK)
        return;
    if (pat_directory_probe(dir, deadline, &diag) == PAT_OK) {
        atomic_store(&s->health.failed[i], false);
        log_write(PAT_LOG_WARNING, "directory: %s answers again", s->conf.uri[i]);
    } else {
        log_write(PAT_LOG_DEBUG, "directory: still down: %s", diag.text);
    }
    pat_directory_free(dir);
}

static void *
prober_thread(void *arg)
{
    bool go_on = true;

    (void)arg;
    while (go_on) {
        struct settings *s = settings_acquire();
        int interval = s->conf.retry_interval_ms;

        for (size_t i = 0; s->conf.uri[i] != NULL; i++)
            if (atomic_load(&s->health.failed[i]))
                probe(s, i);
        settings_release(s);
        go_on = rest(interval);
    }
    return NULL;
}

enum pat_err
prober_start(void)
{
    pthread_condattr_t attr;
    int rc;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&prober.wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    rc = pthread_create(&prober.thread, NULL, prober_thread, NULL);
    return rc == 0 ? PAT_OK : PAT_ERR_NOMEM;
}

void
prober_stop(void)
{
    (void)pthread_mutex_lock(&prober.lock);
    prober.stop = true;
    (void)pthread_cond_signal(&prober.wake);
    (void)pthread_mutex_unlock(&prober.lock);
    (void)pthread_join(prober.thread, NULL);
}
