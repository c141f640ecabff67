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

/* Start `count` threads on the server's queue. PAT_ERR_NOMEM, also without threads. */
PAT_MUST_USE enum pat_err workers_start(
    struct server *server, int count, struct workers **ret_workers);

/* Wait until the queue is closed and empty and all threads have ended; free. */
void workers_join(struct workers *w);

#endif
