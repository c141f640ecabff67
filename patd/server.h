/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.h - clients of the socket: accept, read, queue, answer
 *
 * One thread runs server_run(): it accepts, and reads until a request is whole, so that a
 * client that dawdles costs a buffer and no worker. Whole requests wait in a bounded
 * queue, from which workers take them with server_next() and return them with
 * server_answer(). A request that finds the queue full is answered PAT_ERR_UNAVAIL at
 * once; so is a client for whom there is no room. One user may hold half of the room and
 * half of the queue, so that nobody can shut the others out.
 *
 * A client belongs to the I/O thread, except between server_next() and server_answer().
 */
#ifndef PATD_SERVER_H
#define PATD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "attr.h"
#include "deadline.h"
#include "error.h"
#include "proto.h"

struct server;
struct client;

struct server_limits {
    size_t clients_max;
    size_t queue_max;
};

/*
 * Serve the `count` listening sockets `fds`, which the server takes over and closes.
 * `on_reload` is called in the I/O thread at SIGHUP. SIGHUP, SIGTERM and SIGINT must be
 * blocked in all threads. PAT_ERR_NOMEM, or PAT_ERR_UNAVAIL (no descriptor left).
 */
PAT_MUST_USE enum pat_err server_new(const struct server_limits *limits, const int *fds,
    size_t count, void (*on_reload)(void), struct server **ret_server);

/*
 * Until SIGTERM or SIGINT. On return nothing more is accepted or read; workers get what
 * is queued, and then NULL.
 */
void server_run(struct server *s);

/* For workers: the next request; waits for one. NULL: the server stops. */
struct client *server_next(struct server *s);

/* The message; the worker may write to it, and server_answer() erases it. */
struct pat_msg *client_message(struct client *c);
/* When the request was read whole, on the clock of deadline.h. */
int64_t client_arrival_ns(const struct client *c);
uid_t client_uid(const struct client *c);

/* Did it hang up for good while it waited? Then nobody wants the answer. */
bool client_is_gone(const struct client *c);

/* Send the answer and give the client back. `identity` is for PAT_OK alone. */
void server_answer(struct server *s, struct client *c, enum pat_err status,
    const struct pat_identity *identity);

/* Give a client back that sent no request: it is disconnected. */
void server_reject(struct server *s, struct client *c);

/* After all workers have ended. */
void server_free(struct server *s);

#endif
