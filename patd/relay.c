/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "saslauthd.h"
#include "settings.h"
#include "shape.h"
#include "token.h"

/* Deadlines are looked at this often, and a full backlog is tried again. */
#define TICK_MS 20

/* A request under way. Only the thread touches it, once it has found it. */
struct relay {
    struct client *client;
    struct sockaddr_un to;
    struct pat_deadline deadline;
    char service[PAT_SERVICE_MAX + 1];
    int fd; /* to saslauthd; -1 = not made yet */
    bool connected;
    size_t sent;
    bool asked; /* all is sent, and erased */
    uint8_t answer[PAT_SASLAUTHD_ANSWER_MAX];
    size_t got;
    bool accepted;
    struct relay *prev, *next;
};

/* How far one step has come. */
enum progress { DONE, WAITS, FAILED };

static struct {
    bool running;
    pthread_t thread;
    struct server *server;
    int epoll_fd, wake_fd;
    struct relay *first, *last; /* the thread's, in the order in which they came */
    int64_t next_tick_ns;
    struct log_limit trouble;

    pthread_mutex_t lock; /* of what follows */
    bool stopping;
    struct relay *arrived, **arrived_tail;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .epoll_fd = -1, .wake_fd = -1};

static void
wake(void)
{
    uint64_t one = 1;

    /* It only fails where it is full, and the thread awake. */
    if (write(all.wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        return;
}

static void
end(struct relay *r)
{
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        all.first = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    else
        all.last = r->prev;
    if (r->fd >= 0)
        (void)close(r->fd);
    server_hang_up(all.server, r->client);
    free(r);
}

/* How it went, for who looks for it. Of the person who typed nothing is told. */
static void
log_end(const struct relay *r, const char *verdict)
{
    int64_t took_ns = pat_monotonic_ns() - client_arrival_ns(r->client);
    struct log_line line = {"", 0};
    char number[32];

    log_line_add(&line, "verdict", verdict);
    log_line_add(&line, "service", r->service);
    (void)snprintf(number, sizeof(number), "%lu", (unsigned long)client_uid(r->client));
    log_line_add(&line, "peer_uid", number);
    (void)snprintf(number, sizeof(number), "%.1f", (double)took_ns / 1e6);
    log_line_add(&line, "ms", number);
    log_write(PAT_LOG_DEBUG, "saslauthd_fallback: %s", line.text);
}

static void
fail(struct relay *r, const struct pat_diag *why)
{
    uint64_t more = 0;

    client_answer(r->client, PAT_ERR_UNAVAIL, NULL);
    if (log_limit_allows(&all.trouble, &more))
        log_write(PAT_LOG_WARNING,
            "saslauthd_fallback: %s: %s; passwords are answered unavailable (%llu more "
            "since the last such line)",
            r->to.sun_path, why->text, (unsigned long long)more);
    log_end(r, "unavailable");
    end(r);
}

static void
deliver(struct relay *r)
{
    client_send(r->client, r->answer, r->got);
    log_end(r, r->accepted ? "accept" : "refuse");
    end(r);
}

static void
set_errno(struct pat_diag *why, const char *what)
{
    const char *text = strerrordesc_np(errno);

    pat_diag_set(why, "%s: %s", what, text != NULL ? text : "unknown error");
}

/*
 * A unix socket connects at once or, with a full backlog, not yet. It is shown a
 * password: others may not put another one there.
 */
static enum progress
connect_out(struct relay *r, struct pat_diag *why)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    int error = ENOMEM;

    if (r->fd < 0 &&
        pat_path_check(r->to.sun_path, PAT_PATH_CONNECT, &error, why) != PAT_OK) {
        errno = error;
        if (error != 0)
            set_errno(why, "connect");
        return FAILED;
    }
    if (r->fd < 0)
        r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->fd < 0) {
        set_errno(why, "socket");
        return FAILED;
    }
    if (connect(r->fd, (const struct sockaddr *)&r->to, sizeof(r->to)) != 0) {
        if (errno == EAGAIN || errno == EINTR)
            return WAITS;
        set_errno(why, "connect");
        return FAILED;
    }
    event.data.ptr = r;
    if (epoll_ctl(all.epoll_fd, EPOLL_CTL_ADD, r->fd, &event) != 0) {
        set_errno(why, "epoll");
        return FAILED;
    }
    r->connected = true;
    return DONE;
}

static enum progress
send_out(struct relay *r, struct pat_diag *why)
{
    struct pat_msg *msg = client_message(r->client);

    while (r->sent < msg->len) {
        ssize_t n = send(r->fd, msg->data + r->sent, msg->len - r->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return WAITS;
        if (n < 0) {
            set_errno(why, "send");
            return FAILED;
        }
        r->sent += (size_t)n;
    }
    r->asked = true;
    pat_msg_clear(msg);
    return DONE;
}

/* Never more than what the answer says of its length, so that nothing stands behind it.
 */
static enum progress
receive_back(struct relay *r, struct pat_diag *why)
{
    size_t whole = 0;

    for (;;) {
        ssize_t n;

        if (pat_saslauthd_frame_answer(r->answer, r->got, &whole, &r->accepted) !=
            PAT_OK) {
            pat_diag_set(why, "answers neither OK nor NO");
            return FAILED;
        }
        if (whole > 0 && r->got == whole)
            return DONE;
        n = recv(r->fd, r->answer + r->got, (whole > 0 ? whole : 2) - r->got, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return WAITS;
        if (n < 0) {
            set_errno(why, "receive");
            return FAILED;
        }
        if (n == 0) {
            pat_diag_set(why, "hangs up without an answer");
            return FAILED;
        }
        r->got += (size_t)n;
    }
}

/* As far as it goes without waiting. */
static void
advance(struct relay *r)
{
    struct pat_diag why = {0};
    enum progress progress = DONE;

    if (client_is_gone(r->client)) {
        log_end(r, "dropped");
        end(r);
        return;
    }
    if (!r->connected)
        progress = connect_out(r, &why);
    if (progress == DONE && !r->asked)
        progress = send_out(r, &why);
    if (progress == DONE)
        progress = receive_back(r, &why);
    switch (progress) {
    case DONE:
        deliver(r);
        break;
    case WAITS:
        break;
    case FAILED:
        fail(r, &why);
        break;
    }
}

static void
tick(void)
{
    int64_t now = pat_monotonic_ns();
    struct pat_diag why = {0};
    struct relay *next;

    if (now < all.next_tick_ns)
        return;
    all.next_tick_ns = now + TICK_MS * INT64_C(1000000);
    for (struct relay *r = all.first; r != NULL; r = next) {
        next = r->next;
        if (now >= r->deadline.at_ns) {
            pat_diag_set(&why, "%s",
                r->connected ? "no answer in time" : "too many wait for it already");
            fail(r, &why);
        } else if (!r->connected) {
            advance(r);
        }
    }
}

/* Of the client only its hang-up is of interest, which epoll tells unasked. */
static void
begin(struct relay *r)
{
    struct epoll_event event = {.events = 0};
    struct pat_diag why = {0};

    r->prev = all.last;
    r->next = NULL;
    if (r->prev != NULL)
        r->prev->next = r;
    else
        all.first = r;
    all.last = r;
    event.data.ptr = r;
    if (epoll_ctl(all.epoll_fd, EPOLL_CTL_ADD, client_fd(r->client), &event) == 0) {
        advance(r);
    } else {
        set_errno(&why, "epoll");
        fail(r, &why);
    }
}

/* True: no more will come. */
static bool
take_arrived(void)
{
    struct relay *r, *next;
    uint64_t count;
    bool stopping;

    if (read(all.wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_write(PAT_LOG_ERROR, "saslauthd_fallback: eventfd cannot be read");
    (void)pthread_mutex_lock(&all.lock);
    r = all.arrived;
    all.arrived = NULL;
    all.arrived_tail = &all.arrived;
    stopping = all.stopping;
    (void)pthread_mutex_unlock(&all.lock);
    for (; r != NULL; r = next) {
        next = r->next;
        begin(r);
    }
    return stopping;
}

/*
 * One event at a time: what it is about may be gone after it, and with it what other
 * events would point to.
 */
static void *
relay_thread(void *arg)
{
    bool stopping = false;

    (void)arg;
    while (!stopping || all.first != NULL) {
        struct epoll_event event;
        int n = epoll_wait(all.epoll_fd, &event, 1, all.first != NULL ? TICK_MS : -1);

        if (n > 0 && event.data.ptr != NULL)
            advance(event.data.ptr);
        else if (n > 0)
            stopping = take_arrived() || stopping;
        tick();
    }
    return NULL;
}

/*
 * Returns whether the request must be kept from saslauthd, which logs names, and passes
 * passwords on. saslauthd would refuse an empty password without a check.
 */
static bool
is_for_us(const struct pat_conf *conf, const struct pat_saslauthd_request *req)
{
    const char *prefix = pat_conf_token_format(conf).prefix, *token;
    size_t token_len;

    if (pat_token_recognise(prefix, req->password.data, req->password.len, &token,
            &token_len) != PAT_LIKENESS_NONE)
        return true;
    if (pat_token_resembles(prefix, req->user.data, req->user.len))
        return true;
    return req->user.len == 0 || req->password.len == 0;
}

static bool
is_for_fallback(const struct pat_conf *conf, const struct pat_msg *msg)
{
    struct pat_saslauthd_request req;

    return conf->saslauthd_fallback != NULL &&
           pat_saslauthd_decode(msg->data, msg->len, &req) == PAT_OK &&
           !is_for_us(conf, &req);
}

/* With a copy of all that must outlast settings and message. */
static struct relay *
relay_new(const struct pat_conf *conf, struct client *c)
{
    const struct pat_msg *msg = client_message(c);
    struct pat_saslauthd_request req;
    struct relay *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->client = c;
    r->fd = -1;
    r->deadline.at_ns = client_arrival_ns(c) + conf->timeout_ms * INT64_C(1000000);
    r->to.sun_family = AF_UNIX;
    /* Its length was checked with the file. */
    memcpy(
        r->to.sun_path, conf->saslauthd_fallback, strlen(conf->saslauthd_fallback) + 1);
    if (pat_saslauthd_decode(msg->data, msg->len, &req) == PAT_OK)
        pat_saslauthd_service(&req, r->service);
    return r;
}

bool
relay_take(struct server *server, struct client *c)
{
    struct settings *s = settings_acquire();
    bool ours = is_for_fallback(&s->conf, client_message(c));
    struct relay *r = ours ? relay_new(&s->conf, c) : NULL;

    settings_release(s);
    if (!ours)
        return false;
    if (r == NULL || !server_divert(server, c)) {
        client_answer_busy(c);
        server_release(server, c);
        free(r);
        return true;
    }
    (void)pthread_mutex_lock(&all.lock);
    *all.arrived_tail = r;
    all.arrived_tail = &r->next;
    (void)pthread_mutex_unlock(&all.lock);
    wake();
    return true;
}

enum pat_err
relay_start(struct server *server)
{
    struct epoll_event event = {.events = EPOLLIN};

    all.server = server;
    all.arrived_tail = &all.arrived;
    all.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    event.data.ptr = NULL;
    all.running = all.epoll_fd >= 0 && all.wake_fd >= 0 &&
                  epoll_ctl(all.epoll_fd, EPOLL_CTL_ADD, all.wake_fd, &event) == 0 &&
                  pthread_create(&all.thread, NULL, relay_thread, NULL) == 0;
    return all.running ? PAT_OK : PAT_ERR_NOMEM;
}

void
relay_stop(void)
{
    if (!all.running)
        return;
    (void)pthread_mutex_lock(&all.lock);
    all.stopping = true;
    (void)pthread_mutex_unlock(&all.lock);
    wake();
    (void)pthread_join(all.thread, NULL);
    all.running = false;
    (void)close(all.epoll_fd);
    (void)close(all.wake_fd);
}
