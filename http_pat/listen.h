/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen.h - the sockets on which front ends connect: systemd's, spawn-fcgi's, or our own
 */
#ifndef HTTP_PAT_LISTEN_H
#define HTTP_PAT_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "daemon.h"
#include "error.h"
#include "settings.h"

#define LISTEN_MAX 8

struct listeners {
    int fds[LISTEN_MAX];
    size_t count;
    struct pat_socket own; /* its path is the settings'; NULL = none that has a file */
};

/*
 * With -s our own: a path, or ADDRESS:PORT of loopback. Without, those that systemd
 * passed, or the one that is standard input, which is FastCGI's way. They do not block.
 * PAT_ERR_CONFIG: *diag tells what is wrong.
 */
PAT_MUST_USE enum pat_err listeners_open(
    const struct settings *s, struct listeners *ret, struct pat_diag *diag);

/* Close them, and remove our own file where we may. */
void listeners_close(struct listeners *l);

#endif
