/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.h - front ends' connections, and the threads that serve them
 *
 * A connection costs a thread only while a request that came whole is answered; one that
 * is idle, or that dawdles amid a request, costs a buffer and is hung up on after a time.
 * So no front end, slow or broken, holds the others up. Where there is no room for
 * another one, the user with the most connections loses the one that waits longest.
 */
#ifndef HTTP_PAT_SERVER_H
#define HTTP_PAT_SERVER_H

#include "attr.h"
#include "listen.h"
#include "settings.h"

/*
 * Serve until SIGTERM or SIGINT, which must be blocked; then answer what is being worked
 * on. Logs by syslog(3). PAT_ERR_NOMEM: it could not begin.
 */
PAT_MUST_USE enum pat_err server_run(const struct settings *s, const struct listeners *l);

#endif
