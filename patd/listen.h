/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen.h - the sockets that patd serves: systemd's, or its own
 */
#ifndef PATD_LISTEN_H
#define PATD_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "conf.h"
#include "daemon.h"
#include "error.h"
#include "protocol.h"

/* What systemd calls a socket on which saslauthd's protocol is spoken. */
#define LISTENER_NAME_SASLAUTHD "saslauthd"

struct listeners {
    struct listener all[LISTENERS_MAX];
    size_t count;
    struct pat_socket own[LISTENERS_MAX]; /* their paths are the configuration's */
    size_t own_count;                     /* the others are systemd's */
};

/*
 * Take the sockets that systemd passed. Of a protocol for which it passed none, bind our
 * own: conf->socket, conf->saslauthd_socket. A socket file that nobody listens on is
 * replaced, one with a listener is an error. `conf` must outlive *ret.
 *
 * PAT_ERR_CONFIG: *diag names the path and what is wrong.
 */
PAT_MUST_USE enum pat_err listeners_open(
    const struct pat_conf *conf, struct listeners *ret, struct pat_diag *diag);

bool listeners_speak(const struct listeners *l, enum protocol protocol);

/*
 * Refuse new connections to our own sockets from now on, at once and not only when they
 * are closed. systemd's stay open: those who connect wait for the next patd.
 */
void listeners_refuse(const struct listeners *l);

/* Remove the files of our own sockets, if they are still ours. Descriptors are not
 * touched. */
void listeners_unlink(struct listeners *l);

#endif
