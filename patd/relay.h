/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relay.h - what comes by saslauthd's protocol and is no token goes on to saslauthd
 *
 * That may take seconds to answer, as PAM does after a wrong password. So no worker waits
 * for it: one thread carries any number of requests there and their answers back, and
 * blocks for none. Each has the deadline that a token would have. What a client sent is
 * sent on as it is, and erased as soon as it was.
 *
 * A password that begins as a token does is never sent anywhere, good or not, and neither
 * is a token in the place of the name.
 *
 * Order of use: relay_start(), relay_take() from any thread, relay_stop().
 */
#ifndef PATD_RELAY_H
#define PATD_RELAY_H

#include <stdbool.h>

#include "attr.h"
#include "error.h"
#include "server.h"

/* PAT_ERR_NOMEM: no memory, thread or descriptor left. */
PAT_MUST_USE enum pat_err relay_start(struct server *server);

/*
 * Take over a client whose request was read whole: true if it is one for the fallback
 * that the settings name. The others are left to a worker. Does not block. To be given to
 * the server as its `divert`.
 */
bool relay_take(struct server *server, struct client *c);

/*
 * When nobody can call relay_take() any more: wait for what is under way, which its
 * deadlines bound, and end. Does nothing where relay_start() was not called.
 */
void relay_stop(void);

#endif
