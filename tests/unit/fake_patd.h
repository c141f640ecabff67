/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_patd.h - a patd that says what a test tells it to
 *
 * Order of use: fake_patd_start(), then fake_patd_say() and fake_patd_heard() any number
 * of times, fake_patd_stop(). It serves one connection after another, in a thread of its
 * own. The real patd is tested elsewhere; this one can also misbehave.
 */
#ifndef PAT_TEST_FAKE_PATD_H
#define PAT_TEST_FAKE_PATD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "request.h"

enum fake_mode {
    FAKE_ANSWER = 0, /* `status`, and `identity` with PAT_OK */
    FAKE_ECHO,       /* accept whoever is asked for: `identity`, but for the user */
    FAKE_DRIBBLE,    /* FAKE_ANSWER, with a pause before each byte */
    FAKE_RAW,        /* send `raw` for an answer, and close */
    FAKE_SILENT,     /* take the request and never answer */
    FAKE_UNREAD,     /* send `raw` at once, nothing read, and close */
    FAKE_CLOSE,      /* close at once, nothing read */
};

struct fake_behaviour {
    enum fake_mode mode;
    enum pat_err status;
    const struct pat_identity *identity; /* NULL = fake_identity */
    const void *raw;
    size_t raw_len;
    int pause_ms; /* before the answer */
};

/* The last request; lists are joined by commas, and "(none)" stands for NULL. */
struct fake_request {
    char token[300];
    char user[PAT_USER_MAX + 1], service[PAT_SERVICE_MAX + 1], source[PAT_SOURCE_MAX + 1];
    bool any_user;
    char orgs[1024], roles[1024];
    uint32_t timeout_ms;
};

struct fake_patd {
    pthread_t thread;
    pthread_mutex_t lock;
    int listen_fd, stop_fd;
    unsigned connections; /* all told; exact once it has stopped */
    struct fake_behaviour behaviour;
    struct fake_request request;
};

extern const struct pat_identity fake_identity; /* of alice, in acme; never expires */

void fake_patd_start(struct fake_patd *fake, const char *path);
void fake_patd_say(struct fake_patd *fake, const struct fake_behaviour *behaviour);
struct fake_request fake_patd_heard(struct fake_patd *fake);

/* Whoever is connected yet is served, or at least counted. May run twice. */
void fake_patd_stop(struct fake_patd *fake);

#endif
