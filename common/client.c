/* SPDX-License-Identifier: BSD-2-Clause */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "path.h"
#include "proto.h"
#include "secret.h"
#include "shape.h"

/* patd is told to end this much earlier, so that its answer, which knows more, comes
 * first. */
#define ANSWER_MARGIN_MS 100

static const char *
reason(int error)
{
    /* strerror() has static state in threads that share it; these few are ours to say. */
    switch (error) {
    case ENOENT:
        return "no such socket (is patd running?)";
    case ECONNREFUSED:
        return "nothing listens there (is patd running?)";
    case EACCES:
    case EPERM:
        return "no permission to connect";
    case EAGAIN:
    case ETIMEDOUT:
    case EINPROGRESS:
        return "patd did not answer in time";
    case EPIPE:
    case ECONNRESET:
        return "patd closed the connection";
    case EMFILE:
    case ENFILE:
        return "no file descriptor left";
    case EPROTO:
        return "what answers there is not patd";
    default:
        return pat_errno_text(error);
    }
}

/*
 * A full backlog makes connect(2) wait, which on a unix socket only SO_SNDTIMEO bounds:
 * without blocking it fails at once with EAGAIN, and poll(2) would not tell when to
 * retry.
 */
static int
set_connect_timeout(int fd, struct pat_deadline deadline)
{
    int left = pat_deadline_left_ms(deadline);
    struct timeval tv = {left / 1000, (suseconds_t)(left % 1000) * 1000};

    /* Zero would mean for ever. */
    if (left == 0) {
        errno = ETIMEDOUT;
        return -1;
    }
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int
open_socket(const struct sockaddr_un *addr, struct pat_deadline deadline)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc, saved;

    if (fd < 0)
        return -1;
    do {
        rc = set_connect_timeout(fd, deadline);
        if (rc == 0)
            rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* 0 when the socket is ready (or broken, which the next call will tell), else -1. */
static int
wait_for(int fd, short events, struct pat_deadline deadline)
{
    struct pollfd pfd = {fd, events, 0};

    for (;;) {
        int left = pat_deadline_left_ms(deadline);
        int rc = left > 0 ? poll(&pfd, 1, left) : 0;

        if (rc > 0)
            return 0;
        if (rc == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (errno != EINTR)
            return -1;
    }
}

static bool
would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

static int
send_all(int fd, const struct pat_msg *msg, struct pat_deadline deadline)
{
    size_t done = 0;

    while (done < msg->len) {
        ssize_t n =
            send(fd, msg->data + done, msg->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            done += (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if ((n < 0 && !would_block()) || wait_for(fd, POLLOUT, deadline) != 0)
            return -1;
    }
    return 0;
}

static int
receive_message(int fd, struct pat_msg *msg, struct pat_deadline deadline)
{
    size_t whole = 0;

    msg->len = 0;
    while (whole == 0 || msg->len < whole) {
        ssize_t n;

        if (wait_for(fd, POLLIN, deadline) != 0)
            return -1;
        /* One answer is all that comes: bytes behind it would be found by the decoder. */
        n = recv(fd, msg->data + msg->len, sizeof(msg->data) - msg->len, MSG_DONTWAIT);
        if (n == 0) {
            errno = ECONNRESET;
            return -1;
        }
        if (n < 0 && (errno == EINTR || would_block()))
            continue;
        if (n < 0)
            return -1;
        msg->len += (size_t)n;
        if (whole == 0 && pat_proto_frame(msg->data, msg->len, &whole) != PAT_OK) {
            errno = EPROTO;
            return -1;
        }
    }
    return 0;
}

/*
 * The whole conversation; `msg` is the request on entry and the answer on return.
 * *ret_sent: all of the request went out.
 */
static int
converse(const struct sockaddr_un *addr, struct pat_msg *msg,
    struct pat_deadline deadline, bool *ret_sent)
{
    int fd = open_socket(addr, deadline);
    int rc, saved;

    if (fd < 0)
        return -1;
    rc = send_all(fd, msg, deadline);
    *ret_sent = rc == 0;
    pat_msg_clear(msg);
    if (rc == 0 ||
        errno == EPIPE) /* an answer may be waiting: patd was too busy to read */
        rc = receive_message(fd, msg, deadline);
    saved = errno;
    (void)close(fd);
    errno = saved;
    return rc;
}

/* What a caller can have wrong, and the address. */
static enum pat_err
begin(const char *socket_path, size_t token_len, struct sockaddr_un *ret_addr,
    struct pat_diag *diag)
{
    pat_diag_clear(diag);
    if (socket_path[0] != '/' || strlen(socket_path) >= sizeof(ret_addr->sun_path)) {
        pat_diag_set(diag, "socket %s: not an absolute path of at most %zu bytes",
            socket_path, sizeof(ret_addr->sun_path) - 1);
        return PAT_ERR_CONFIG;
    }
    ret_addr->sun_family = AF_UNIX;
    memcpy(ret_addr->sun_path, socket_path, strlen(socket_path) + 1);
    return token_len > PAT_TOKEN_MAX ? PAT_ERR_MALFORMED : PAT_OK;
}

static bool
is_too_long(const char *value, size_t max, const char *what, struct pat_diag *diag)
{
    if (value == NULL || strnlen(value, max + 1) <= max)
        return false;
    pat_diag_set(diag, "the %s is longer than %zu bytes", what, max);
    return true;
}

/*
 * Checks the values that a request carries, so that one which is too long is refused
 * under its own name. The lists come from the configuration.
 */
static enum pat_err
check_lengths(const struct pat_request *req, struct pat_diag *diag)
{
    if (is_too_long(req->user, PAT_USER_MAX, "login name", diag))
        return PAT_ERR_USER;
    if (is_too_long(req->service, PAT_SERVICE_MAX, "name of the service", diag) ||
        is_too_long(req->source, PAT_SOURCE_MAX, "client's address", diag))
        return PAT_ERR_SCOPE;
    return PAT_OK;
}

/* With lengths that were checked, only the lists can make a request too large. */
static enum pat_err
lists_too_large(struct pat_diag *diag)
{
    pat_diag_set(diag,
        "the limits org and role are too long: at most %d items of %d bytes each, and "
        "%d bytes together with the request",
        PAT_LIST_MAX, PAT_ORG_MAX, PAT_MSG_MAX);
    return PAT_ERR_CONFIG;
}

/* What patd is told of the time that it has. */
static uint32_t
told_ms(int timeout_ms)
{
    return (uint32_t)(timeout_ms > 2 * ANSWER_MARGIN_MS ? timeout_ms - ANSWER_MARGIN_MS
                                                        : timeout_ms);
}

static enum pat_err
no_answer(const char *socket_path, int error, struct pat_diag *diag)
{
    pat_diag_set(diag, "socket %s: %s", socket_path, reason(error));
    return PAT_ERR_UNAVAIL;
}

/* The token goes to this socket: another user must not be able to replace it. */
static enum pat_err
check_path(const struct sockaddr_un *addr, struct pat_diag *diag)
{
    struct pat_diag why = {0};
    int error = 0;
    enum pat_err err = pat_path_check(addr->sun_path, PAT_PATH_CONNECT, &error, &why);

    if (err == PAT_ERR_CONFIG && error != 0)
        return no_answer(addr->sun_path, error, diag);
    if (err == PAT_ERR_CONFIG)
        pat_diag_set(diag, "socket %s: %s", addr->sun_path, why.text);
    return err;
}

static enum pat_err
pass_on(enum pat_err status, const struct pat_msg *msg, struct pat_diag *diag)
{
    if (pat_proto_answer_is_busy(msg->data, msg->len))
        pat_diag_set(
            diag, "patd is busy and did not ask the directory; its log says why");
    else if (status == PAT_ERR_UNAVAIL)
        pat_diag_set(diag, "patd has no answer from the directory; its log says why");
    return status;
}

/*
 * `ret_whole` tells whether it was an answer at all. To a request that was not `sent`,
 * whole, a refusal is one; who accepts it does not know what.
 */
static enum pat_err
take_answer(const struct pat_msg *msg, bool sent, const char *socket_path,
    struct pat_identity *ret_identity, bool *ret_whole, struct pat_diag *diag)
{
    enum pat_err status = PAT_ERR_UNAVAIL;
    struct pat_identity id;

    *ret_whole = pat_proto_decode_answer(msg->data, msg->len, &status, &id) == PAT_OK &&
                 (sent || status != PAT_OK);
    if (!*ret_whole)
        return no_answer(socket_path, EPROTO, diag);
    if (status == PAT_OK)
        *ret_identity = id;
    return pass_on(status, msg, diag);
}

enum pat_err
pat_client_verify(const char *socket_path, const struct pat_request *req,
    const void *token, size_t token_len, int timeout_ms,
    struct pat_identity *ret_identity, struct pat_diag *diag)
{
    struct pat_deadline deadline = pat_deadline_in_ms(timeout_ms);
    struct sockaddr_un addr = {0};
    struct pat_msg *msg = NULL;
    bool sent = false, whole = false;
    enum pat_err err = begin(socket_path, token_len, &addr, diag);

    if (err == PAT_OK)
        err = check_lengths(req, diag);
    if (err == PAT_OK)
        err = check_path(&addr, diag);
    if (err != PAT_OK)
        return err;
    /* Not on the stack: a host's thread may have a small one. */
    msg = calloc(1, sizeof(*msg));
    if (msg == NULL)
        return PAT_ERR_NOMEM;
    err = pat_proto_encode_request(req, token, token_len, told_ms(timeout_ms), msg);
    if (err != PAT_OK) {
        err = lists_too_large(diag);
        goto out;
    }
    if (converse(&addr, msg, deadline, &sent) != 0)
        err = no_answer(socket_path, errno, diag);
    else
        err = take_answer(msg, sent, socket_path, ret_identity, &whole, diag);
out:
    pat_secret_free(msg, sizeof(*msg));
    return err;
}

enum pat_err
pat_client_revoke(const char *socket_path, const void *token, size_t token_len,
    int timeout_ms, struct pat_revocation *ret_revocation, struct pat_diag *diag)
{
    struct pat_deadline deadline = pat_deadline_in_ms(timeout_ms);
    struct sockaddr_un addr = {0};
    struct pat_revocation revocation;
    struct pat_msg *msg = NULL;
    bool sent = false;
    enum pat_err status = PAT_ERR_UNAVAIL;
    enum pat_err err = begin(socket_path, token_len, &addr, diag);

    if (err == PAT_OK)
        err = check_path(&addr, diag);
    if (err != PAT_OK)
        return err;

    msg = calloc(1, sizeof(*msg));
    if (msg == NULL)
        return PAT_ERR_NOMEM;
    err = pat_proto_encode_revoke(token, token_len, told_ms(timeout_ms), msg);
    if (err != PAT_OK)
        goto out;

    err = PAT_ERR_UNAVAIL;
    if (converse(&addr, msg, deadline, &sent) != 0) {
        if (errno != ECONNRESET)
            err = no_answer(socket_path, errno, diag);
        else
            pat_diag_set(diag,
                "socket %s: patd hangs up on a request to revoke: is it older than this "
                "program, or was it stopped?",
                socket_path);
    } else if (pat_proto_decode_revoked(msg->data, msg->len, &status, &revocation) !=
                   PAT_OK ||
               (status == PAT_OK && !sent)) {
        err = no_answer(socket_path, EPROTO, diag);
    } else {
        if (status == PAT_OK)
            *ret_revocation = revocation;
        err = pass_on(status, msg, diag);
    }
out:
    pat_secret_free(msg, sizeof(*msg));
    return err;
}

void
pat_client_init(struct pat_client *client)
{
    client->fd = -1;
    client->msg.len = 0;
}

static void
hang_up(struct pat_client *client)
{
    int saved = errno;

    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
    errno = saved;
}

/* Is it as after an answer: open, and nothing to be read? */
static bool
is_idle(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && would_block();
}

/* One question on the connection that there is. *ret_heard: some of an answer came. */
static int
exchange(struct pat_client *client, struct pat_deadline deadline, bool *ret_sent,
    bool *ret_heard)
{
    struct pat_msg *msg = &client->msg;
    size_t len = msg->len;
    int rc = send_all(client->fd, msg, deadline);

    *ret_sent = rc == 0;
    pat_secret_erase(msg->data, len);
    msg->len = 0;
    if (rc == 0 || errno == EPIPE)
        rc = receive_message(client->fd, msg, deadline);
    *ret_heard = msg->len > 0;
    return rc;
}

/* On the connection that was kept, and where that is stale on a new one. */
static enum pat_err
ask_twice(struct pat_client *client, const struct sockaddr_un *addr,
    const struct pat_request *req, const void *token, size_t token_len, int timeout_ms,
    bool *ret_sent, struct pat_diag *diag)
{
    struct pat_deadline deadline = pat_deadline_in_ms(timeout_ms);
    bool again = true;

    while (again) {
        enum pat_err err = pat_proto_encode_kept_request(
            req, token, token_len, told_ms(timeout_ms), &client->msg);
        bool heard = false;

        if (err == PAT_OK && client->fd < 0)
            err = check_path(addr, diag);
        if (err != PAT_OK)
            return lists_too_large(diag);
        again = client->fd >= 0;
        if (client->fd < 0)
            client->fd = open_socket(addr, deadline);
        if (client->fd < 0)
            break;
        if (exchange(client, deadline, ret_sent, &heard) == 0)
            return PAT_OK;
        again = again && !heard && errno == ECONNRESET;
        hang_up(client);
    }
    return no_answer(addr->sun_path, errno, diag);
}

enum pat_err
pat_client_ask(struct pat_client *client, const char *socket_path,
    const struct pat_request *req, const void *token, size_t token_len, int timeout_ms,
    struct pat_identity *ret_identity, struct pat_diag *diag)
{
    struct sockaddr_un addr = {0};
    bool sent = false, whole = false;
    enum pat_err err = begin(socket_path, token_len, &addr, diag);

    if (err == PAT_OK)
        err = check_lengths(req, diag);
    if (err != PAT_OK)
        return err;
    if (client->fd >= 0 && !is_idle(client->fd))
        hang_up(client);
    err = ask_twice(client, &addr, req, token, token_len, timeout_ms, &sent, diag);
    if (err == PAT_OK)
        err = take_answer(&client->msg, sent, socket_path, ret_identity, &whole, diag);
    if (!whole)
        hang_up(client);
    pat_secret_erase(client->msg.data, client->msg.len);
    client->msg.len = 0;
    return err;
}

void
pat_client_clear(struct pat_client *client)
{
    hang_up(client);
    pat_msg_clear(&client->msg);
}
