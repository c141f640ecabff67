/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker.h - threads that verify: each with a warm connection of its own to the directory
 */
#ifndef PATD_WORKER_H
#define PATD_WORKER_H

#include "attr.h"
#include "error.h"
#include "server.h"

struct workers;

/*
 * Start threads on the server: `count` that can work at a time, and the one that listens
 * meanwhile. PAT_ERR_NOMEM, also if not all could be started.
 */
PAT_MUST_USE enum pat_err workers_start(
    struct server *server, int count, struct workers **ret_workers);

/* Wait until the server has stopped and all threads have ended; free. NULL is accepted.
 */
void workers_join(struct workers *w);

#endif
