/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "secret.h"

#define LISTENERS_MAX   16
#define EVENTS_MAX      64
#define ACCEPTS_MAX     64 /* in a row, before other events get their turn */
#define TICK_MS         250
#define READ_TIMEOUT_NS (3 * INT64_C(1000000000))  /* for a request, once begun */
#define IDLE_TIMEOUT_NS (60 * INT64_C(1000000000)) /* between requests */

/* What one local user holds. `queued` is under the queue's lock, the rest the I/O
 * thread's. */
struct user {
    uid_t uid;
    size_t clients;
    size_t queued;
    struct user *next;
};

enum source_kind { SOURCE_SIGNAL, SOURCE_LISTENER, SOURCE_CLIENT };

/* What an epoll event points to: the first member of everything that has a descriptor. */
struct source {
    enum source_kind kind;
    int fd;
};

struct client {
    struct source source;
    struct user *user;
    atomic_bool busy; /* queued or with a worker: hands off */
    bool polled;      /* known to epoll */
    int64_t arrival_ns;
    int64_t until_ns; /* when to hang up, unless busy */
    struct client *prev, *next;
    struct client *queue_next;
    struct pat_msg msg;
};

struct server {
    struct server_limits limits;
    void (*on_reload)(void);
    int epoll_fd;
    struct source signals;
    struct source listeners[LISTENERS_MAX];
    size_t listener_count;
    bool accepting;
    bool stopping;
    struct client *clients;
    size_t client_count;
    struct user *users;
    struct log_limit full_limit, junk_limit;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct client *queue_head, **queue_tail;
    size_t queue_len;
    bool queue_closed;
};

struct pat_msg *
client_message(struct client *c)
{
    return &c->msg;
}

int64_t
client_arrival_ns(const struct client *c)
{
    return c->arrival_ns;
}

uid_t
client_uid(const struct client *c)
{
    return c->user->uid;
}

bool
client_is_gone(const struct client *c)
{
    struct pollfd pfd = {c->source.fd, 0, 0};

    return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP) != 0;
}

/* Half, but at least one. */
static size_t
share_of(size_t whole)
{
    return whole > 1 ? whole / 2 : 1;
}

/* Queue */

static bool
queue_push(struct server *s, struct client *c)
{
    bool room;

    (void)pthread_mutex_lock(&s->lock);
    room = s->queue_len < s->limits.queue_max &&
           c->user->queued < share_of(s->limits.queue_max);
    if (room) {
        c->queue_next = NULL;
        *s->queue_tail = c;
        s->queue_tail = &c->queue_next;
        s->queue_len++;
        c->user->queued++;
        (void)pthread_cond_signal(&s->wake);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return room;
}

static void
queue_close(struct server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->queue_closed = true;
    (void)pthread_cond_broadcast(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
}

struct client *
server_next(struct server *s)
{
    struct client *c;

    (void)pthread_mutex_lock(&s->lock);
    while (s->queue_head == NULL && !s->queue_closed)
        (void)pthread_cond_wait(&s->wake, &s->lock);
    c = s->queue_head;
    if (c != NULL) {
        s->queue_head = c->queue_next;
        if (s->queue_head == NULL)
            s->queue_tail = &s->queue_head;
        s->queue_len--;
        c->user->queued--;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return c;
}

/* Users */

static struct user *
user_find(struct server *s, uid_t uid)
{
    struct user *u = s->users;

    while (u != NULL && u->uid != uid)
        u = u->next;
    if (u == NULL) {
        u = calloc(1, sizeof(*u));
        if (u == NULL)
            return NULL;
        u->uid = uid;
        u->next = s->users;
        s->users = u;
    }
    return u;
}

static void
user_leave(struct server *s, struct user *u)
{
    if (--u->clients > 0)
        return;
    for (struct user **p = &s->users; *p != NULL; p = &(*p)->next)
        if (*p == u) {
            *p = u->next;
            free(u);
            return;
        }
}

/* Clients */

static void
client_free(struct server *s, struct client *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->clients = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    s->client_count--;
    user_leave(s, c->user);
    (void)close(c->source.fd);
    pat_secret_free(c, sizeof(*c));
}

/* Wait for the next bytes, or the hang-up. After this the I/O thread may have it at once.
 */
static void
client_rearm(struct server *s, struct client *c)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT};
    int op = c->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int fd = c->source.fd;

    event.data.ptr = c;
    c->polled = true;
    atomic_store(&c->busy, false);
    /* If this fails the client is not heard again, and the tick hangs up on it. */
    (void)epoll_ctl(s->epoll_fd, op, fd, &event);
}

/*
 * An answer fits into an empty socket buffer. Where it does not, the client has not read
 * its former ones, and is none of ours.
 */
static bool
send_answer(int fd, enum pat_err status, const struct pat_identity *identity)
{
    struct pat_msg msg;
    ssize_t n = -1;

    msg.len = 0;
    if (pat_proto_encode_answer(status, identity, &msg) == PAT_OK)
        n = send(fd, msg.data, msg.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n >= 0 && (size_t)n == msg.len;
}

void
server_answer(struct server *s, struct client *c, enum pat_err status,
    const struct pat_identity *identity)
{
    pat_msg_clear(&c->msg);
    if (!send_answer(c->source.fd, status, identity))
        (void)shutdown(c->source.fd, SHUT_RDWR);
    c->until_ns = pat_monotonic_ns() + IDLE_TIMEOUT_NS;
    client_rearm(s, c);
}

void
server_reject(struct server *s, struct client *c)
{
    pat_msg_clear(&c->msg);
    (void)shutdown(c->source.fd, SHUT_RDWR);
    client_rearm(s, c);
}

static void
log_full(struct server *s, const char *what, uid_t uid)
{
    uint64_t more = 0;

    if (log_limit_allows(&s->full_limit, &more))
        log_write(PAT_LOG_WARNING,
            "busy: %s; clients of uid %lu are answered unavailable (%llu more since the "
            "last "
            "such line)",
            what, (unsigned long)uid, (unsigned long long)more);
}

static void
log_junk(struct server *s, uid_t uid)
{
    uint64_t more = 0;

    if (log_limit_allows(&s->junk_limit, &more))
        log_write(PAT_LOG_WARNING,
            "junk: uid %lu sent what is no request (%llu more since the last such line)",
            (unsigned long)uid, (unsigned long long)more);
}

static void
enqueue(struct server *s, struct client *c)
{
    c->arrival_ns = pat_monotonic_ns();
    atomic_store(&c->busy, true);
    if (queue_push(s, c))
        return;
    log_full(s, "queue_max, or one user's half of it, is reached", c->user->uid);
    server_answer(s, c, PAT_ERR_UNAVAIL, NULL);
}

/*
 * Read what is there. One request is answered before the next may be sent, so that bytes
 * behind a whole request are junk.
 */
static void
client_read(struct server *s, struct client *c)
{
    struct pat_msg *msg = &c->msg;
    size_t whole = 0;
    ssize_t n;

    do
        n = recv(c->source.fd, msg->data + msg->len, sizeof(msg->data) - msg->len,
            MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        client_rearm(s, c);
        return;
    }
    if (n <= 0) {
        client_free(s, c);
        return;
    }
    if (msg->len == 0)
        c->until_ns = pat_monotonic_ns() + READ_TIMEOUT_NS;
    msg->len += (size_t)n;
    if (pat_proto_frame(msg->data, msg->len, &whole) != PAT_OK ||
        (whole > 0 && msg->len > whole)) {
        log_junk(s, c->user->uid);
        client_free(s, c);
    } else if (whole > 0 && msg->len == whole) {
        enqueue(s, c);
    } else {
        client_rearm(s, c);
    }
}

static struct client *
client_new(struct server *s, int fd, struct user *u)
{
    struct client *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->source.kind = SOURCE_CLIENT;
    c->source.fd = fd;
    c->user = u;
    c->until_ns = pat_monotonic_ns() + READ_TIMEOUT_NS;
    c->next = s->clients;
    if (c->next != NULL)
        c->next->prev = c;
    s->clients = c;
    s->client_count++;
    u->clients++;
    return c;
}

static void
admit(struct server *s, int fd)
{
    struct ucred cred = {0};
    socklen_t len = sizeof(cred);
    struct client *c = NULL;
    struct user *u = NULL;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
        u = user_find(s, cred.uid);
    if (u != NULL && s->client_count < s->limits.clients_max &&
        u->clients < share_of(s->limits.clients_max))
        c = client_new(s, fd, u);
    if (c != NULL) {
        client_read(s, c);
        return;
    }
    log_full(s, "clients_max, or one user's half of it, is reached", cred.uid);
    (void)send_answer(fd, PAT_ERR_UNAVAIL, NULL);
    (void)close(fd);
    if (u != NULL && u->clients == 0) {
        u->clients = 1;
        user_leave(s, u);
    }
}

/* Out of descriptors or memory, a listener would be ready for ever: rest until the tick.
 */
static void
set_accepting(struct server *s, bool accepting)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        struct epoll_event event = {.events = accepting ? EPOLLIN : 0};

        event.data.ptr = &s->listeners[i];
        (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->listeners[i].fd, &event);
    }
    s->accepting = accepting;
}

static void
accept_clients(struct server *s, int listen_fd)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            admit(s, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
                   errno == ENOBUFS) {
            log_write(PAT_LOG_ERROR, "accept: %s; pausing (raise LimitNOFILE?)",
                strerrordesc_np(errno));
            set_accepting(s, false);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void
take_signals(struct server *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == (uint32_t)SIGHUP)
            s->on_reload();
        else
            s->stopping = true;
    }
}

static void
hang_up_on_idlers(struct server *s)
{
    int64_t now = pat_monotonic_ns();
    struct client *next;

    for (struct client *c = s->clients; c != NULL; c = next) {
        next = c->next;
        if (!atomic_load(&c->busy) && now >= c->until_ns)
            client_free(s, c);
    }
}

static void
handle_event(struct server *s, const struct epoll_event *event)
{
    struct source *source = event->data.ptr;

    switch (source->kind) {
    case SOURCE_SIGNAL:
        take_signals(s);
        break;
    case SOURCE_LISTENER:
        accept_clients(s, source->fd);
        break;
    case SOURCE_CLIENT:
        client_read(s, (struct client *)source);
        break;
    }
}

void
server_run(struct server *s)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t next_tick = 0;

    while (!s->stopping) {
        bool tick_needed = s->client_count > 0 || !s->accepting;
        int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, tick_needed ? TICK_MS : -1);

        for (int i = 0; i < n; i++)
            handle_event(s, &events[i]);
        if (pat_monotonic_ns() >= next_tick) {
            hang_up_on_idlers(s);
            if (!s->accepting)
                set_accepting(s, true);
            next_tick = pat_monotonic_ns() + TICK_MS * INT64_C(1000000);
        }
    }
    /* Who connected before the signal is served. */
    for (size_t i = 0; i < s->listener_count; i++) {
        accept_clients(s, s->listeners[i].fd);
        (void)close(s->listeners[i].fd);
    }
    s->listener_count = 0;
    queue_close(s);
}

static bool
watch(struct server *s, struct source *source)
{
    struct epoll_event event = {.events = EPOLLIN};

    event.data.ptr = source;
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

static bool
open_signals(struct server *s)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    s->signals.kind = SOURCE_SIGNAL;
    s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals.fd >= 0 && watch(s, &s->signals);
}

enum pat_err
server_new(const struct server_limits *limits, const int *fds, size_t count,
    void (*on_reload)(void), struct server **ret_server)
{
    struct server *s = calloc(1, sizeof(*s));
    bool ok;

    if (s == NULL)
        return PAT_ERR_NOMEM;
    s->limits = *limits;
    s->on_reload = on_reload;
    s->accepting = true;
    s->queue_tail = &s->queue_head;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    s->signals.fd = -1;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ok = s->epoll_fd >= 0 && count <= LISTENERS_MAX && open_signals(s);
    for (size_t i = 0; ok && i < count; i++) {
        s->listeners[i].kind = SOURCE_LISTENER;
        s->listeners[i].fd = fds[i];
        s->listener_count++;
        ok = watch(s, &s->listeners[i]);
    }
    if (!ok) {
        server_free(s);
        return PAT_ERR_UNAVAIL;
    }
    *ret_server = s;
    return PAT_OK;
}

void
server_free(struct server *s)
{
    if (s == NULL)
        return;
    while (s->clients != NULL)
        client_free(s, s->clients);
    for (size_t i = 0; i < s->listener_count; i++)
        (void)close(s->listeners[i].fd);
    if (s->signals.fd >= 0)
        (void)close(s->signals.fd);
    if (s->epoll_fd >= 0)
        (void)close(s->epoll_fd);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
