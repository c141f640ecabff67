/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen.h - the sockets that patd serves: systemd's, or its own
 */
#ifndef PATD_LISTEN_H
#define PATD_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "attr.h"
#include "conf.h"
#include "error.h"

struct listeners {
    int fds[PAT_SOCKET_MAX];
    size_t count;
    struct {
        const char *path; /* borrowed from the configuration */
        dev_t dev;
        ino_t ino;
    } own[PAT_SOCKET_MAX];
    size_t own_count; /* 0: they are systemd's */
};

/*
 * Take the sockets that systemd passed; if there are none, bind conf->socket with
 * conf->socket_mode. A socket file that nobody listens on is replaced, one with a
 * listener is an error. `conf` must outlive *ret.
 *
 * PAT_ERR_CONFIG: *diag names the path and what is wrong.
 */
PAT_MUST_USE enum pat_err listeners_open(
    const struct pat_conf *conf, struct listeners *ret, struct pat_diag *diag);

/*
 * Refuse new connections to our own sockets from now on, at once and not only when they
 * are closed. systemd's stay open: those who connect wait for the next patd.
 */
void listeners_refuse(const struct listeners *l);

/* Remove the files of our own sockets, if they are still ours. Descriptors are not
 * touched. */
void listeners_unlink(const struct listeners *l);

#endif
