/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.h - clients of the socket: accept, read, queue, answer
 *
 * Every worker thread waits in server_next() for the next request, and whichever the
 * kernel wakes takes it from accept to answer: no thread hands a request to another while
 * there is one to spare, since each such hand-over costs as much as a search. The last
 * one that still listens never works, though. It reads on, and what it reads waits in a
 * bounded queue for a worker that is done, which takes from it in turns by user. A
 * request that finds the queue full is answered busy at once; so is a client for whom
 * there is no room. The room and the queue are divided among users (share.h), so that
 * no user can shut the others out. A slow client costs a buffer and no thread.
 *
 * A client belongs to whoever got it, from server_next() or by `divert`, until
 * server_release() or server_hang_up().
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
#include "protocol.h"

struct server;
struct client;

struct server_limits {
    size_t clients_max;
    size_t queue_max;
};

/* Called in one of the threads that wait in server_next(). */
struct server_events {
    void (*reload)(void); /* at SIGHUP */
    /* At SIGTERM or SIGINT, once; to refuse new connections, before the last are taken.
     */
    void (*stop)(void);
    /*
     * At a request that came by saslauthd's protocol: true if it is for no worker, and
     * the client was taken over. Must not block.
     */
    bool (*divert)(struct server *s, struct client *c);
};

/*
 * Serve the `count` listeners, whose sockets the server takes over and closes. They must
 * not block. SIGHUP, SIGTERM and SIGINT must be blocked in all threads.
 * PAT_ERR_NOMEM, or PAT_ERR_UNAVAIL (no descriptor left).
 */
PAT_MUST_USE enum pat_err server_new(const struct server_limits *limits,
    const struct listener *listeners, size_t count, const struct server_events *events,
    struct server **ret_server);

/*
 * For at least two threads: the next request; waits for one. NULL: it was told to stop,
 * and everything that had been sent until then is taken.
 */
struct client *server_next(struct server *s);

/* The message; server_release() erases it. */
struct pat_msg *client_message(struct client *c);
/* When the request was read whole, on the clock of deadline.h. */
int64_t client_arrival_ns(const struct client *c);
uid_t client_uid(const struct client *c);
enum protocol client_protocol(const struct client *c);

/* Did it hang up for good while it waited? Then nobody wants the answer. */
bool client_is_gone(const struct client *c);
/* To wait for that, and for nothing else. */
int client_fd(const struct client *c);

/* Send the answer. `identity` is for PAT_OK alone. The client stays the caller's. */
void client_answer(
    struct client *c, enum pat_err status, const struct pat_identity *identity);

/* Sends PAT_ERR_UNAVAIL, which says, where the protocol can, that patd was too busy. */
void client_answer_busy(struct client *c);

/* Send an answer that another has made. */
void client_send(struct client *c, const void *answer, size_t len);

/*
 * For a client that no worker will answer: take one of the places of those who wait
 * elsewhere, as many as the queue has and as fairly divided, until it is given back.
 * False, which is logged: there is none.
 */
PAT_MUST_USE bool server_divert(struct server *s, struct client *c);

/*
 * Give a client back: its message is erased, and it may ask again if its protocol lets
 * it. If its next request is there by now it is put into the queue, so that whoever gives
 * back a client of such a protocol has to go on to server_next().
 */
void server_release(struct server *s, struct client *c);

/* Give a client back that sent no request, or its last one: it is disconnected. */
void server_hang_up(struct server *s, struct client *c);

/* After all threads have ended. */
void server_free(struct server *s);

#endif
