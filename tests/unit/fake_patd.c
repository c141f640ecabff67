/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_patd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto.h"

/* A request that does not come: the client under test hangs. */
#define READ_TIMEOUT_MS 60000 /* longer than a slow machine needs */

const struct pat_identity fake_identity = {
    .id = "a1", .name = "laptop", .user = "alice", .org = "acme", .role = "member"};

static _Noreturn void
die(const char *what)
{
    perror(what);
    exit(1);
}

/* Wait for `fd`; false when it is time to stop, or took too long. */
static bool
wait_for(const struct fake_patd *fake, int fd, int timeout_ms)
{
    struct pollfd pfd[2] = {{fake->stop_fd, POLLIN, 0}, {fd, POLLIN, 0}};

    return poll(pfd, 2, timeout_ms) > 0 && pfd[0].revents == 0;
}

static bool
read_request(const struct fake_patd *fake, int fd, struct pat_msg *msg)
{
    size_t whole = 0;

    msg->len = 0;
    do {
        ssize_t n;

        if (!wait_for(fake, fd, READ_TIMEOUT_MS))
            return false;
        n = recv(fd, msg->data + msg->len, sizeof(msg->data) - msg->len, 0);
        if (n <= 0)
            return false;
        msg->len += (size_t)n;
        if (pat_proto_frame(msg->data, msg->len, &whole) != PAT_OK)
            return false;
    } while (whole == 0 || msg->len < whole);
    return true;
}

static void
keep_string(char *to, size_t size, const char *s)
{
    (void)snprintf(to, size, "%s", s != NULL ? s : "(none)");
}

static void
keep_list(char *to, size_t size, const char *const *list)
{
    keep_string(to, size, list != NULL ? "" : NULL);
    for (; list != NULL && *list != NULL; list++) {
        size_t used = strlen(to);

        (void)snprintf(to + used, size - used, "%s%s", used > 0 ? "," : "", *list);
    }
}

static void
keep_request(struct fake_patd *fake, const struct pat_proto_request *r)
{
    struct fake_request *keep = &fake->request;

    (void)snprintf(keep->token, sizeof(keep->token), "%.*s", (int)r->token_len,
        (const char *)r->token);
    keep_string(keep->user, sizeof(keep->user), r->req.user);
    keep_string(keep->service, sizeof(keep->service), r->req.service);
    keep_string(keep->source, sizeof(keep->source), r->req.source);
    keep_list(keep->orgs, sizeof(keep->orgs), r->req.orgs);
    keep_list(keep->roles, sizeof(keep->roles), r->req.roles);
    keep->any_user = r->req.any_user;
    keep->timeout_ms = r->timeout_ms;
}

static void
send_bytes(const struct fake_patd *fake, int fd, const void *data, size_t len,
    size_t step, int pause_ms)
{
    const char *p = data;

    while (len > 0) {
        size_t part = len < step ? len : step;

        /* -1 is no descriptor: this waits for the end of the test alone. */
        if (pause_ms > 0) {
            struct pollfd pfd = {fake->stop_fd, POLLIN, 0};

            if (poll(&pfd, 1, pause_ms) != 0)
                return;
        }
        if (send(fd, p, part, MSG_NOSIGNAL) != (ssize_t)part)
            return;
        p += part;
        len -= part;
    }
}

static void
answer(const struct fake_patd *fake, int fd, const struct fake_behaviour *b,
    const struct fake_request *request)
{
    struct pat_identity id = b->identity != NULL ? *b->identity : fake_identity;
    struct pat_msg msg = {.len = 0};
    enum pat_err status = b->mode == FAKE_ECHO ? PAT_OK : b->status;

    if (b->mode == FAKE_ECHO)
        keep_string(id.user, sizeof(id.user), request->user);
    if (pat_proto_encode_answer(status, &id, &msg) != PAT_OK)
        return;
    send_bytes(
        fake, fd, msg.data, msg.len, b->mode == FAKE_DRIBBLE ? 1 : msg.len, b->pause_ms);
}

static void
serve(struct fake_patd *fake, int fd)
{
    struct fake_behaviour b;
    struct fake_request request = {.any_user = false};
    struct pat_proto_request decoded;
    struct pat_msg msg = {.len = 0};

    (void)pthread_mutex_lock(&fake->lock);
    fake->connections++;
    b = fake->behaviour;
    (void)pthread_mutex_unlock(&fake->lock);
    if (b.mode == FAKE_UNREAD)
        send_bytes(fake, fd, b.raw, b.raw_len, b.raw_len, b.pause_ms);
    if (b.mode == FAKE_UNREAD || b.mode == FAKE_CLOSE || !read_request(fake, fd, &msg) ||
        pat_proto_decode_request(msg.data, msg.len, &decoded) != PAT_OK)
        return;
    (void)pthread_mutex_lock(&fake->lock);
    keep_request(fake, &decoded);
    request = fake->request;
    (void)pthread_mutex_unlock(&fake->lock);
    switch (b.mode) {
    case FAKE_ANSWER:
    case FAKE_ECHO:
    case FAKE_DRIBBLE:
        answer(fake, fd, &b, &request);
        break;
    case FAKE_RAW:
        send_bytes(fake, fd, b.raw, b.raw_len, b.raw_len, b.pause_ms);
        break;
    case FAKE_SILENT:
        (void)wait_for(fake, fd, -1); /* until the client is gone */
        break;
    case FAKE_UNREAD:
    case FAKE_CLOSE:
        break;
    }
}

static void *
run(void *arg)
{
    struct fake_patd *fake = arg;
    bool stopping;
    int fd;

    do {
        struct pollfd pfd[2] = {{fake->stop_fd, POLLIN, 0}, {fake->listen_fd, POLLIN, 0}};

        (void)poll(pfd, 2, -1);
        stopping = pfd[0].revents != 0;
        while ((fd = accept4(fake->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
            serve(fake, fd);
            (void)close(fd);
        }
    } while (!stopping);
    return NULL;
}

void
fake_patd_start(struct fake_patd *fake, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    sigset_t all, before;

    memset(fake, 0, sizeof(*fake));
    if (strlen(path) >= sizeof(addr.sun_path))
        die(path);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    (void)pthread_mutex_init(&fake->lock, NULL);
    fake->stop_fd = eventfd(0, EFD_CLOEXEC);
    fake->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fake->stop_fd < 0 || fake->listen_fd < 0)
        die("socket");
    if (bind(fake->listen_fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(fake->listen_fd, 64) != 0)
        die(path);
    /* Signals are for the thread under test. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&fake->thread, NULL, run, fake);
    if (errno != 0)
        die("pthread_create");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
fake_patd_say(struct fake_patd *fake, const struct fake_behaviour *behaviour)
{
    (void)pthread_mutex_lock(&fake->lock);
    fake->behaviour = *behaviour;
    (void)pthread_mutex_unlock(&fake->lock);
}

struct fake_request
fake_patd_heard(struct fake_patd *fake)
{
    struct fake_request request;

    (void)pthread_mutex_lock(&fake->lock);
    request = fake->request;
    (void)pthread_mutex_unlock(&fake->lock);
    return request;
}

void
fake_patd_stop(struct fake_patd *fake)
{
    if (fake->stop_fd < 0)
        return;
    (void)eventfd_write(fake->stop_fd, 1);
    (void)pthread_join(fake->thread, NULL);
    (void)close(fake->listen_fd);
    (void)close(fake->stop_fd);
    (void)pthread_mutex_destroy(&fake->lock);
    fake->stop_fd = -1;
}
