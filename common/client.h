/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - ask patd about a token, or to revoke one
 *
 * For guests in other people's processes: libc alone, no state, any thread, no signals,
 * nothing printed, every descriptor close-on-exec and closed on return.
 */
#ifndef PAT_CLIENT_H
#define PAT_CLIENT_H

#include <stddef.h>

#include "attr.h"
#include "error.h"
#include "proto.h"
#include "request.h"

#define PAT_SOCKET_DEFAULT "/run/patd/patd.sock"

/*
 * Ask patd at the unix socket `socket_path` whether the token lets its bearer in.
 *
 * token         borrowed; no NUL needed. The copy that is sent is erased before return.
 * timeout_ms    for everything together: connect, send, wait, receive.
 * ret_identity  written on PAT_OK only.
 * diag          may be NULL; set on PAT_ERR_UNAVAIL and PAT_ERR_CONFIG, and where a value
 *               of the request is too long.
 *
 * Any verdict of patd is passed on as it is. Besides:
 * PAT_ERR_UNAVAIL   patd is not there, did not answer in time or not sensibly; what
 *                   accepts a request that it cannot have read is not patd
 * PAT_ERR_CONFIG    the socket's path cannot be one, or others could put another socket
 *                   there: see PAT_PATH_CONNECT in path.h; or the lists are too large.
 *                   Nothing was sent.
 * PAT_ERR_MALFORMED no token is that long
 * PAT_ERR_USER      no login name is that long: PAT_USER_MAX
 * PAT_ERR_SCOPE     no service or address is that long: PAT_SERVICE_MAX,
 *                   PAT_SOURCE_MAX
 * PAT_ERR_NOMEM
 *
 * Blocks for at most `timeout_ms`.
 */
PAT_MUST_USE enum pat_err pat_client_verify(const char *socket_path,
    const struct pat_request *req, const void *token, size_t token_len, int timeout_ms,
    struct pat_identity *ret_identity, struct pat_diag *diag);

/*
 * Ask patd to revoke the token for good, which whoever has it may do. Also one that has
 * expired, or whose owner left. Parameters and errors as above; PAT_ERR_UNKNOWN and
 * PAT_ERR_RECORD are patd's.
 *
 * PAT_OK           the directory said that it is revoked, now or before
 * PAT_ERR_UNAVAIL  it may be revoked or not: ask again. So it is with a patd that is too
 *                  old to revoke.
 */
PAT_MUST_USE enum pat_err pat_client_revoke(const char *socket_path, const void *token,
    size_t token_len, int timeout_ms, struct pat_revocation *ret_revocation,
    struct pat_diag *diag);

/*
 * pat_client_verify() for who asks often: the connection is kept from one question to the
 * next. Each belongs to one thread at a time. Order of use: pat_client_init(),
 * pat_client_ask() any number of times, pat_client_clear().
 */
struct pat_client {
    int fd; /* -1: not connected */
    struct pat_msg msg;
};

void pat_client_init(struct pat_client *client);

/*
 * As pat_client_verify(). The connection is closed after all but a whole answer, so that
 * no answer can be taken for that to a later question. Where patd has hung up since the
 * last question, as it does when it is started anew, a second connection is tried within
 * the same time.
 */
PAT_MUST_USE enum pat_err pat_client_ask(struct pat_client *client,
    const char *socket_path, const struct pat_request *req, const void *token,
    size_t token_len, int timeout_ms, struct pat_identity *ret_identity,
    struct pat_diag *diag);

/* Hang up. */
void pat_client_clear(struct pat_client *client);

#endif
