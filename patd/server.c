/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "log.h"
#include "secret.h"
#include "share.h"

#define EVENTS_MAX      64
#define LAST_ACCEPTS    4096                       /* at the end, of each listener */
#define TICK_NS         (250 * INT64_C(1000000))   /* between two ticks, at least */
#define READ_TIMEOUT_NS (3 * INT64_C(1000000000))  /* for a request, once begun */
#define IDLE_TIMEOUT_NS (60 * INT64_C(1000000000)) /* between requests */

/* What one local user holds. */
struct user {
    uid_t uid;
    size_t clients;
    size_t queued;
    size_t diverted;
    struct client *queue_head, *queue_tail; /* its requests that wait */
    struct user *next;
    struct user *turn_next; /* while it has such */
};

enum source_kind {
    SOURCE_SIGNAL,
    SOURCE_STOP,
    SOURCE_TIMER,
    SOURCE_LISTENER,
    SOURCE_CLIENT
};

/* What an epoll event points to: the first member of everything that has a descriptor. */
struct source {
    enum source_kind kind;
    int fd;
    enum protocol protocol; /* of a listener and its clients */
};

/*
 * A client is either armed, when epoll waits for it and nobody owns it, or owned by the
 * one thread that took its event. Only an owner touches or frees it, apart from what is
 * marked.
 */
struct client {
    struct source source;
    struct user *user;
    bool polled; /* known to epoll */
    int64_t arrival_ns;

    /* Under the server's lock */
    bool armed;
    bool diverted;
    int64_t until_ns; /* when to hang up, while armed */
    struct client *prev, *next;
    struct client *queue_next;

    struct pat_msg msg; /* last: only its length needs to be set at the beginning */
};

struct server {
    struct server_events events;
    pid_t pid; /* ours */
    int epoll_fd;
    struct source signals, stop, timer;
    struct source listeners[LISTENERS_MAX];
    size_t listener_count;
    struct log_limit clients_limit, memory_limit, queue_limit, divert_limit, junk_limit,
        loop_limit, accept_limit;

    pthread_mutex_t lock; /* of what follows */
    size_t listening;     /* threads in epoll_wait(2) */
    bool paused;          /* not accepting, for want of descriptors */
    bool stop_told;       /* a signal came */
    bool stopping;        /* and what came before it is queued */
    int64_t tick_at_ns;   /* when the timer expires; 0: it is not set */
    struct client *clients;
    struct share client_share, queue_share, divert_share;
    struct user *users;
    struct user *turn_head,
        *turn_tail; /* users whose requests wait; the next one first */
};

static void
lock(struct server *s)
{
    (void)pthread_mutex_lock(&s->lock);
}

static void
unlock(struct server *s)
{
    (void)pthread_mutex_unlock(&s->lock);
}

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

enum protocol
client_protocol(const struct client *c)
{
    return c->source.protocol;
}

int
client_fd(const struct client *c)
{
    return c->source.fd;
}

bool
client_is_gone(const struct client *c)
{
    struct pollfd pfd = {c->source.fd, 0, 0};

    return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP) != 0;
}

/* Queue: all under the lock */

/* Appends a user to those who wait for their turn. */
static void
turn_push(struct server *s, struct user *u)
{
    u->turn_next = NULL;
    if (s->turn_head == NULL)
        s->turn_head = u;
    else
        s->turn_tail->turn_next = u;
    s->turn_tail = u;
}

static void
queue_push(struct server *s, struct client *c)
{
    struct user *u = c->user;

    c->queue_next = NULL;
    if (u->queue_head == NULL) {
        u->queue_head = c;
        turn_push(s, u);
    } else {
        u->queue_tail->queue_next = c;
    }
    u->queue_tail = c;
    share_take(&s->queue_share, u->uid);
    u->queued++;
}

/*
 * Takes the oldest request of the user whose turn it is, and goes on to the next user: a
 * user with one request waits for one request of each other user, however many these
 * have.
 */
static struct client *
queue_pop(struct server *s)
{
    struct user *u = s->turn_head;
    struct client *c;

    if (u == NULL)
        return NULL;
    s->turn_head = u->turn_next;
    c = u->queue_head;
    u->queue_head = c->queue_next;
    if (u->queue_head != NULL)
        turn_push(s, u);
    share_return(&s->queue_share, u->uid);
    u->queued--;
    return c;
}

/* Users: all under the lock */

static struct user *
user_find(struct server *s, uid_t uid)
{
    struct user *u = s->users;

    while (u != NULL && u->uid != uid)
        u = u->next;
    return u;
}

/* With its first client; NULL: out of memory. */
static struct user *
user_join(struct server *s, uid_t uid)
{
    struct user *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return NULL;
    u->uid = uid;
    u->next = s->users;
    s->users = u;
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
    lock(s);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->clients = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    share_return(&s->client_share, c->user->uid);
    if (c->diverted) {
        share_return(&s->divert_share, c->user->uid);
        c->user->diverted--;
    }
    user_leave(s, c->user);
    unlock(s);
    (void)close(c->source.fd);
    pat_secret_free(c, sizeof(*c));
}

/* Sets the timer to `at_ns`, unless it expires earlier. Call with the lock held. */
static void
tick_by(struct server *s, int64_t at_ns)
{
    struct itimerspec at = {.it_value = {at_ns / 1000000000, at_ns % 1000000000}};

    if (s->tick_at_ns != 0 && s->tick_at_ns <= at_ns)
        return;
    s->tick_at_ns = at_ns;
    (void)timerfd_settime(s->timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Wait for the next bytes, or the hang-up. After this another thread may have it at once.
 */
static void
client_arm(struct server *s, struct client *c, int64_t until_ns)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT};
    int op = c->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    event.data.ptr = c;
    c->polled = true;
    lock(s);
    c->until_ns = until_ns;
    c->armed = true;
    tick_by(s, until_ns);
    unlock(s);
    /* Out of memory; without an event it has no owner but us. */
    if (epoll_ctl(s->epoll_fd, op, c->source.fd, &event) != 0)
        client_free(s, c);
}

/*
 * An answer fits into an empty socket buffer. Where it does not, the client has not read
 * its former ones, and is none of ours.
 */
static bool
send_bytes(int fd, const void *data, size_t len)
{
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    return n >= 0 && (size_t)n == len;
}

static bool
send_answer(enum protocol protocol, int fd, enum pat_err status,
    const struct pat_identity *identity)
{
    struct pat_msg msg;

    return protocol_encode_answer(protocol, status, identity, &msg) == PAT_OK &&
           send_bytes(fd, msg.data, msg.len);
}

static bool
send_busy(enum protocol protocol, int fd)
{
    struct pat_msg msg;

    return protocol_encode_busy(protocol, &msg) == PAT_OK &&
           send_bytes(fd, msg.data, msg.len);
}

void
client_answer(struct client *c, enum pat_err status, const struct pat_identity *identity)
{
    if (!send_answer(c->source.protocol, c->source.fd, status, identity))
        (void)shutdown(c->source.fd, SHUT_RDWR);
}

void
client_answer_busy(struct client *c)
{
    if (!send_busy(c->source.protocol, c->source.fd))
        (void)shutdown(c->source.fd, SHUT_RDWR);
}

void
client_send(struct client *c, const void *answer, size_t len)
{
    if (!send_bytes(c->source.fd, answer, len))
        (void)shutdown(c->source.fd, SHUT_RDWR);
}

void
server_hang_up(struct server *s, struct client *c)
{
    client_free(s, c);
}

static void
log_full(struct log_limit *limit, const char *what, uid_t uid)
{
    uint64_t more = 0;

    if (log_limit_allows(limit, &more))
        log_write(PAT_LOG_WARNING,
            "busy: %s; clients of uid %lu are answered busy (%llu more since the last "
            "such line)",
            what, (unsigned long)uid, (unsigned long long)more);
}

bool
server_divert(struct server *s, struct client *c)
{
    bool room;

    lock(s);
    room = share_allows(&s->divert_share, c->user->uid, c->user->diverted);
    if (room) {
        share_take(&s->divert_share, c->user->uid);
        c->user->diverted++;
        c->diverted = true;
    }
    unlock(s);
    if (!room)
        log_full(&s->divert_limit,
            "queue_max, or one user's share of it, is reached by passwords that are no "
            "tokens",
            c->user->uid);
    return room;
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

static ssize_t
receive(struct client *c)
{
    struct pat_msg *msg = &c->msg;
    ssize_t n;

    do
        n = recv(c->source.fd, msg->data + msg->len, sizeof(msg->data) - msg->len,
            MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

/*
 * Take the `n` bytes that were received, or what came instead. Returns the client with a
 * whole request, or NULL: it was armed again, or is gone, or was taken over. One request
 * is answered before the next may be sent, so that bytes behind a whole request are junk.
 */
static struct client *
client_take(struct server *s, struct client *c, ssize_t n)
{
    struct pat_msg *msg = &c->msg;
    bool fresh = msg->len == 0;
    size_t whole = 0;

    if (n <= 0) {
        client_free(s, c);
        return NULL;
    }
    msg->len += (size_t)n;
    if (protocol_frame(c->source.protocol, msg->data, msg->len, &whole) != PAT_OK ||
        (whole > 0 && msg->len > whole)) {
        log_junk(s, c->user->uid);
        client_free(s, c);
        return NULL;
    }
    if (whole == 0 || msg->len < whole) {
        /* Sending byte after byte buys no time. */
        client_arm(s, c, fresh ? pat_monotonic_ns() + READ_TIMEOUT_NS : c->until_ns);
        return NULL;
    }
    c->arrival_ns = pat_monotonic_ns();
    if (c->source.protocol == PROTOCOL_SASLAUTHD && s->events.divert(s, c))
        return NULL;
    return c;
}

static bool
would_block(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Read what is there, and go on as client_take() does. */
static struct client *
client_read(struct server *s, struct client *c)
{
    ssize_t n = receive(c);

    if (would_block(n) && !c->polled) {
        /* The kernel often wakes us before a client has got from connect(2) to send(2),
         * on the same processor: let it. */
        (void)sched_yield();
        n = receive(c);
    }
    if (would_block(n)) {
        client_arm(s, c, pat_monotonic_ns() + READ_TIMEOUT_NS);
        return NULL;
    }
    return client_take(s, c, n);
}

/* Whose request was answered may ask again, as a rule. */
static bool
client_goes_on(struct server *s, struct client *c)
{
    pat_msg_clear(&c->msg);
    if (!protocol_asks_once(c->source.protocol))
        return true;
    client_free(s, c);
    return false;
}

static void
client_rest(struct server *s, struct client *c)
{
    client_arm(s, c, pat_monotonic_ns() + IDLE_TIMEOUT_NS);
}

/*
 * Most clients have hung up by now, or sent their next request: that saves epoll from
 * having to tell. A next request goes behind those that wait, full or not, for its worker
 * takes one from them now. Once stopping nothing more is taken.
 */
void
server_release(struct server *s, struct client *c)
{
    bool stopping;
    ssize_t n;

    if (!client_goes_on(s, c))
        return;
    lock(s);
    stopping = s->stopping;
    unlock(s);
    if (stopping) {
        client_free(s, c);
        return;
    }
    n = receive(c);
    if (would_block(n)) {
        client_rest(s, c);
        return;
    }
    c = client_take(s, c, n);
    if (c == NULL)
        return;
    lock(s);
    queue_push(s, c);
    unlock(s);
}

/* The fallback leads back to us, by some other path: it would go round for ever. */
static void
log_loop(struct server *s)
{
    uint64_t more = 0;

    if (log_limit_allows(&s->loop_limit, &more))
        log_write(PAT_LOG_ERROR,
            "saslauthd_fallback: is a socket of patd itself (%llu more since the last "
            "such line)",
            (unsigned long long)more);
}

/* PAT_ERR_UNAVAIL: there is no room for another, or for this user's. */
static enum pat_err
client_new(struct server *s, enum protocol protocol, int fd, uid_t uid,
    struct client **ret_client)
{
    struct client *c = malloc(sizeof(*c));
    struct user *u = NULL;
    bool room;

    lock(s);
    u = user_find(s, uid);
    room = share_allows(&s->client_share, uid, u != NULL ? u->clients : 0);
    if (u == NULL && c != NULL && room)
        u = user_join(s, uid);
    if (u == NULL || c == NULL || !room) {
        unlock(s);
        free(c);
        return room ? PAT_ERR_NOMEM : PAT_ERR_UNAVAIL;
    }
    memset(c, 0, offsetof(struct client, msg));
    c->msg.len = 0;
    c->source.kind = SOURCE_CLIENT;
    c->source.fd = fd;
    c->source.protocol = protocol;
    c->user = u;
    c->next = s->clients;
    if (c->next != NULL)
        c->next->prev = c;
    s->clients = c;
    share_take(&s->client_share, uid);
    u->clients++;
    unlock(s);
    *ret_client = c;
    return PAT_OK;
}

static struct client *
admit(struct server *s, enum protocol protocol, int fd)
{
    struct ucred cred = {0};
    socklen_t len = sizeof(cred);
    struct client *c = NULL;
    enum pat_err err = PAT_ERR_UNAVAIL;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid != s->pid)
        err = client_new(s, protocol, fd, cred.uid, &c);
    if (err == PAT_OK)
        return client_read(s, c);
    if (cred.pid == s->pid)
        log_loop(s);
    else if (err == PAT_ERR_NOMEM)
        log_full(&s->memory_limit, "out of memory", cred.uid);
    else
        log_full(&s->clients_limit, "clients_max, or one user's share of it, is reached",
            cred.uid);
    (void)send_busy(protocol, fd);
    (void)close(fd);
    return NULL;
}

static void
listener_arm(struct server *s, struct source *listener)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};

    event.data.ptr = listener;
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, listener->fd, &event);
}

static void
log_accept(struct server *s, int error)
{
    uint64_t more = 0;

    if (log_limit_allows(&s->accept_limit, &more))
        log_write(PAT_LOG_ERROR,
            "accept: %s; pausing (raise LimitNOFILE?) (%llu more since the last such "
            "line)",
            strerrordesc_np(error), (unsigned long long)more);
}

/* A client, or -1 with `ret_more` telling whether it is worth asking again. */
static int
accept_one(struct server *s, int listen_fd, bool *ret_more)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    *ret_more = true;
    if (fd >= 0 || errno == EINTR || errno == ECONNABORTED)
        return fd;
    *ret_more = false;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        /* It would be ready for ever: rest until the tick. */
        log_accept(s, errno);
        lock(s);
        s->paused = true;
        tick_by(s, pat_monotonic_ns() + TICK_NS);
        unlock(s);
    }
    return -1;
}

/* One client at a time: others that wait are another thread's, which the arming wakes. */
static struct client *
listener_event(struct server *s, struct source *listener)
{
    bool more = false, paused;
    int fd = accept_one(s, listener->fd, &more);

    lock(s);
    paused = s->paused || s->stop_told;
    unlock(s);
    if (!paused)
        listener_arm(s, listener);
    return fd >= 0 ? admit(s, listener->protocol, fd) : NULL;
}

/*
 * Handles the timer: closes idle connections, accepts again after a pause, and sets the
 * timer to the next client's time. Without clients the timer is not set, and patd does
 * not wake up.
 */
static void
tick(struct server *s)
{
    int64_t now = pat_monotonic_ns(), next = INT64_MAX;

    lock(s);
    s->tick_at_ns = 0;
    /* The hang-up is an event like any other, by which it finds an owner, who frees it.
     */
    for (struct client *c = s->clients; c != NULL; c = c->next)
        if (c->armed && now >= c->until_ns)
            (void)shutdown(c->source.fd, SHUT_RDWR);
        else if (c->armed && c->until_ns < next)
            next = c->until_ns;
    if (next < INT64_MAX)
        tick_by(s, next > now + TICK_NS ? next : now + TICK_NS);
    if (s->paused) {
        s->paused = false;
        for (size_t i = 0; i < s->listener_count; i++)
            listener_arm(s, &s->listeners[i]);
    }
    unlock(s);
}

static struct client *
client_event(struct server *s, struct client *c)
{
    lock(s);
    c->armed = false;
    unlock(s);
    return client_read(s, c);
}

/* Hand a request to whoever is done next; without room the client is told so. */
static void
enqueue(struct server *s, struct client *c)
{
    bool room;

    lock(s);
    room = share_allows(&s->queue_share, c->user->uid, c->user->queued);
    if (room)
        queue_push(s, c);
    unlock(s);
    if (room)
        return;
    log_full(&s->queue_limit, "queue_max, or one user's share of it, is reached",
        c->user->uid);
    client_answer_busy(c);
    if (client_goes_on(s, c))
        client_rest(s, c);
}

/* No more than can have been there at the signal: of a flood there is no end. */
static void
accept_rest(struct server *s, const struct source *listener)
{
    bool more = true;

    for (int i = 0; i < LAST_ACCEPTS && more; i++) {
        int fd = accept_one(s, listener->fd, &more);
        struct client *c = fd >= 0 ? admit(s, listener->protocol, fd) : NULL;

        if (c != NULL)
            enqueue(s, c);
    }
}

/* What was sent before the signal is served: take it in, then end for everybody. */
static void
stop(struct server *s)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t one = 1;
    int n;

    s->events.stop();
    for (size_t i = 0; i < s->listener_count; i++)
        accept_rest(s, &s->listeners[i]);
    n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        struct client *c = NULL;

        if (source->kind == SOURCE_CLIENT)
            c = client_event(s, (struct client *)source);
        if (c != NULL)
            enqueue(s, c);
    }
    lock(s);
    s->stopping = true;
    unlock(s);
    /* Never read again, so that it wakes every thread. */
    if (write(s->stop.fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        log_write(PAT_LOG_ERROR, "stop: threads cannot be woken");
}

static void
take_signals(struct server *s)
{
    struct signalfd_siginfo info;
    bool stop_told = false;

    while (read(s->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == (uint32_t)SIGHUP) {
            s->events.reload();
            continue;
        }
        lock(s);
        stop_told = s->stop_told;
        s->stop_told = true;
        unlock(s);
        if (!stop_told)
            stop(s);
    }
}

/* The client whose request came in with this event, if one did. */
static struct client *
handle_event(struct server *s, const struct epoll_event *event)
{
    struct source *source = event->data.ptr;

    switch (source->kind) {
    case SOURCE_SIGNAL:
        take_signals(s);
        break;
    case SOURCE_STOP:
        break;
    case SOURCE_TIMER:
        tick(s);
        break;
    case SOURCE_LISTENER:
        return listener_event(s, source);
    case SOURCE_CLIENT:
        return client_event(s, (struct client *)source);
    }
    return NULL;
}

/* Wait for an event. Entered and left with the lock held. */
static struct client *
listen_once(struct server *s)
{
    struct epoll_event event;
    struct client *c = NULL;
    int n;

    s->listening++;
    unlock(s);
    n = epoll_wait(s->epoll_fd, &event, 1, -1);
    lock(s);
    s->listening--;
    if (n > 0) {
        unlock(s);
        c = handle_event(s, &event);
        lock(s);
    }
    return c;
}

/*
 * The rule: a request is worked on while another thread listens. The queue is not empty
 * only when all others are awake, each of which comes back here; and the first that
 * finds no thread listening listens. A request that comes while others wait takes its
 * turn.
 */
struct client *
server_next(struct server *s)
{
    struct client *c = NULL;

    lock(s);
    while (c == NULL) {
        if (s->listening > 0 || s->stopping)
            c = queue_pop(s);
        if (c != NULL || s->stopping)
            break;
        c = listen_once(s);
        if (c != NULL && !s->stopping && (s->listening == 0 || s->turn_head != NULL)) {
            unlock(s);
            enqueue(s, c);
            c = NULL;
            lock(s);
        }
    }
    unlock(s);
    return c;
}

static bool
watch(struct server *s, struct source *source, enum source_kind kind, uint32_t events)
{
    struct epoll_event event = {.events = events};

    event.data.ptr = source;
    source->kind = kind;
    return source->fd >= 0 &&
           epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

static int
open_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum pat_err
server_new(const struct server_limits *limits, const struct listener *listeners,
    size_t count, const struct server_events *events, struct server **ret_server)
{
    struct server *s = calloc(1, sizeof(*s));
    bool ok;

    if (s == NULL)
        return PAT_ERR_NOMEM;
    s->client_share.max = limits->clients_max;
    s->queue_share.max = limits->queue_max;
    s->divert_share.max = limits->queue_max;
    s->events = *events;
    s->pid = getpid();
    (void)pthread_mutex_init(&s->lock, NULL);
    s->signals.fd = open_signals();
    s->stop.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ok = s->epoll_fd >= 0 && count <= LISTENERS_MAX &&
         watch(s, &s->signals, SOURCE_SIGNAL, EPOLLIN) &&
         watch(s, &s->stop, SOURCE_STOP, EPOLLIN) &&
         watch(s, &s->timer, SOURCE_TIMER, EPOLLIN | EPOLLET); /* one thread each time */
    for (size_t i = 0; ok && i < count; i++) {
        s->listeners[i].fd = listeners[i].fd;
        s->listeners[i].protocol = listeners[i].protocol;
        s->listener_count++;
        ok = watch(s, &s->listeners[i], SOURCE_LISTENER, EPOLLIN | EPOLLONESHOT);
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
    if (s->stop.fd >= 0)
        (void)close(s->stop.fd);
    if (s->timer.fd >= 0)
        (void)close(s->timer.fd);
    if (s->epoll_fd >= 0)
        (void)close(s->epoll_fd);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
