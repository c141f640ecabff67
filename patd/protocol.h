/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * protocol.h - what is spoken on patd's sockets
 *
 * The server frames, queues and answers requests, and the workers decide on them, without
 * knowing which protocol they came in.
 */
#ifndef PATD_PROTOCOL_H
#define PATD_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "conf.h"
#include "error.h"
#include "proto.h"
#include "request.h"

enum protocol {
    PROTOCOL_PAT,       /* proto.h: our modules */
    PROTOCOL_SASLAUTHD, /* saslauthd.h: programs that call sasl_checkpass(3) */
};

#define LISTENERS_MAX 16 /* PAT_SOCKET_MAX of each protocol */

/* A socket that listens, and for what. */
struct listener {
    int fd;
    enum protocol protocol;
};

/*
 * What a worker is asked. Everything points into the message, the settings or the struct
 * itself, which must not be copied.
 */
struct question {
    struct pat_proto_request ask;
    /* Where the message has no NUL behind them */
    char login[PAT_USER_MAX + 1];
    char service[PAT_SERVICE_MAX + 1];
};

/* As pat_proto_frame(). */
PAT_MUST_USE enum pat_err protocol_frame(
    enum protocol protocol, const void *data, size_t have, size_t *ret_len);

/*
 * Decode one whole message; what its protocol cannot say is taken from `conf`, which must
 * live as long as *ret. PAT_ERR_MALFORMED: it is no request.
 */
PAT_MUST_USE enum pat_err protocol_decode(enum protocol protocol,
    const struct pat_conf *conf, const struct pat_msg *msg, struct question *ret);

/* `identity` is for PAT_OK alone. PAT_ERR_MALFORMED: it is too long to be sent. */
PAT_MUST_USE enum pat_err protocol_encode_answer(enum protocol protocol,
    enum pat_err status, const struct pat_identity *identity, struct pat_msg *ret_msg);

/* PAT_ERR_UNAVAIL because patd is busy; saslauthd's protocol has no word for why. */
PAT_MUST_USE enum pat_err protocol_encode_busy(
    enum protocol protocol, struct pat_msg *ret_msg);

/* Is there but one request on a connection, whatever the request says? */
bool protocol_asks_once(enum protocol protocol);

#endif
