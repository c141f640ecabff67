/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "strv.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct settings *current;

static void
release_locked(struct settings *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    pat_conf_clear(&s->conf);
    free(s);
}

enum pat_err
settings_install(struct pat_conf *conf)
{
    struct settings *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return PAT_ERR_NOMEM;
    s->conf = *conf;
    memset(conf, 0, sizeof(*conf));
    s->refs = 1;
    (void)pthread_mutex_lock(&lock);
    release_locked(current);
    current = s;
    (void)pthread_mutex_unlock(&lock);
    log_set_level((enum pat_log_level)s->conf.log_level);
    return PAT_OK;
}

struct settings *
settings_acquire(void)
{
    struct settings *s;

    (void)pthread_mutex_lock(&lock);
    s = current;
    s->refs++;
    (void)pthread_mutex_unlock(&lock);
    return s;
}

void
settings_release(struct settings *s)
{
    (void)pthread_mutex_lock(&lock);
    release_locked(s);
    (void)pthread_mutex_unlock(&lock);
}

bool
settings_outdated(const struct settings *s)
{
    bool outdated;

    (void)pthread_mutex_lock(&lock);
    outdated = s != current;
    (void)pthread_mutex_unlock(&lock);
    return outdated;
}

static bool
same_list(char *const *a, char *const *b)
{
    size_t n = pat_strv_len(pat_strv_const(a));

    if (n != pat_strv_len(pat_strv_const(b)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Would a restart change more than a reload did? */
static bool
needs_restart(const struct pat_conf *a, const struct pat_conf *b)
{
    return !same_list(a->socket, b->socket) || a->socket_mode != b->socket_mode ||
           !same_list(a->saslauthd_socket, b->saslauthd_socket) ||
           a->saslauthd_socket_mode != b->saslauthd_socket_mode ||
           !same_text(a->saslauthd_socket_group, b->saslauthd_socket_group) ||
           !same_text(a->user, b->user) || a->workers != b->workers ||
           a->queue_max != b->queue_max || a->clients_max != b->clients_max;
}

void
settings_reload(const char *path)
{
    struct settings *old = settings_acquire();
    struct pat_conf conf = {0};
    struct pat_diag diag = {0};
    bool restart;

    if (pat_conf_load(path, &conf, &diag) != PAT_OK) {
        log_write(PAT_LOG_ERROR, "%s", diag.text);
        log_write(PAT_LOG_ERROR, "reload: the settings from before stay in force");
    } else {
        restart = needs_restart(&old->conf, &conf);
        if (settings_install(&conf) != PAT_OK) {
            pat_conf_clear(&conf);
            log_write(PAT_LOG_ERROR, "reload: out of memory; nothing was changed");
        } else {
            log_write(PAT_LOG_INFO, "reload: %s is in force", path);
            if (restart)
                log_write(PAT_LOG_WARNING,
                    "reload: socket, socket_mode, saslauthd_socket, its mode and group, "
                    "user, workers, queue_max and clients_max change at the next start");
        }
    }
    settings_release(old);
}

void
settings_drop(void)
{
    (void)pthread_mutex_lock(&lock);
    release_locked(current);
    current = NULL;
    (void)pthread_mutex_unlock(&lock);
}
