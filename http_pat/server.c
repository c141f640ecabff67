/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "check.h"
#include "client.h"
#include "deadline.h"
#include "fcgi.h"
#include "secret.h"

#define CHUNK           16384
#define TICK_NS         (SECOND_NS / 4) /* between two ticks, at least */
#define SECOND_NS       INT64_C(1000000000)
#define READ_TIMEOUT_NS (5 * SECOND_NS)  /* for a request, once begun */
#define IDLE_TIMEOUT_NS (90 * SECOND_NS) /* longer than front ends keep connections */
#define LOG_EVERY_NS    (10 * SECOND_NS)
#define CONNS_MAX       4096
#define CONNS_MIN       64
#define FDS_OTHER       64 /* beside those of connections, and of workers to patd */
#define PEER_TCP        ((uid_t)-1)

enum source_kind { SOURCE_STOP, SOURCE_TIMER, SOURCE_LISTENER, SOURCE_CONN };

/* What an epoll event points to: the first member of everything that has a descriptor. */
struct source {
    enum source_kind kind;
    int fd;
};

/* What one user at the other end of a unix socket holds, or all at the ends of TCP. */
struct peer {
    uid_t uid; /* or PEER_TCP */
    size_t conns;
    struct peer *next;
};

/* A connection gave way to another one, or none could. */
struct crowd {
    bool is_due; /* for the log */
    bool refused;
    uid_t uid;
    size_t conns, all;
    unsigned long more; /* since the last line */
};

/* Armed, when epoll waits for it and nobody owns it, or owned by the one thread that took
 * its event. */
struct conn {
    struct source source;
    bool polled;      /* known to epoll */
    int64_t began_ns; /* the present request; 0: none */
    struct fcgi fcgi;

    /* Under the server's lock */
    bool armed;
    int64_t until_ns;  /* when to hang up, while armed */
    int64_t since_ns;  /* of this wait, or of the request that is not whole */
    struct peer *peer; /* NULL: it gave way, and counts no more */
    struct conn *prev, *next;
};

struct server {
    const struct settings *settings;
    int epoll_fd;
    struct source stop, timer;
    struct source listeners[LISTEN_MAX];
    size_t listener_count;
    atomic_bool paused; /* not accepting, for want of descriptors */
    atomic_int_fast64_t next_log_ns;

    pthread_mutex_t lock; /* of what follows */
    struct conn *conns;
    size_t conn_count, conns_max;
    struct peer *peers;
    int64_t next_crowd_ns; /* when a line about it may be logged */
    unsigned long crowd_more;
    int64_t tick_at_ns; /* when the timer expires; 0: it is not set */
};

/* What a thread keeps from one request to the next. */
struct worker {
    struct server *server;
    struct pat_client client;
    struct answer answer;
    char refusal[PAT_REFUSAL_MAX];
    uint8_t chunk[CHUNK];
    uint8_t out[ANSWER_MAX + FCGI_OVERHEAD];
};

_Static_assert(ANSWER_MAX <= FCGI_CONTENT_MAX, "an answer is one record");

/* What may happen ten thousand times a second: one line in ten seconds. */
static void
log_trouble(struct server *s, const char *what)
{
    int_fast64_t now = pat_monotonic_ns(), next = atomic_load(&s->next_log_ns);

    if (now >= next &&
        atomic_compare_exchange_strong(&s->next_log_ns, &next, now + LOG_EVERY_NS))
        syslog(LOG_ERR, "%s", what);
}

static void
arm_listener(struct server *s, struct source *l, int op)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};

    event.data.ptr = l;
    (void)epoll_ctl(s->epoll_fd, op, l->fd, &event);
}

/* Peers: all with the lock held. */

static struct peer *
peer_find(struct server *s, uid_t uid)
{
    struct peer *p = s->peers;

    while (p != NULL && p->uid != uid)
        p = p->next;
    if (p == NULL) {
        p = calloc(1, sizeof(*p));
        if (p == NULL)
            return NULL;
        p->uid = uid;
        p->next = s->peers;
        s->peers = p;
    }
    return p;
}

static void
peer_free_unused(struct server *s, struct peer *p)
{
    if (p->conns > 0)
        return;
    for (struct peer **at = &s->peers; *at != NULL; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            free(p);
            return;
        }
}

static void
conn_uncount(struct server *s, struct conn *c)
{
    struct peer *p = c->peer;

    if (p == NULL)
        return;
    c->peer = NULL;
    s->conn_count--;
    p->conns--;
    peer_free_unused(s, p);
}

/*
 * Makes room for a connection of `p`, which is counted already: of the peer with the most
 * connections, which may be `p`, the one that waits longest gives way. The shutdown makes
 * an event, and the thread that gets it closes the connection; until then it does not
 * count. False: all of them are being served.
 */
static bool
make_room(struct server *s, struct peer *p, struct crowd *ret_crowd)
{
    struct conn *oldest = NULL;
    struct peer *most = p;
    int64_t now = pat_monotonic_ns();

    for (struct peer *q = s->peers; q != NULL; q = q->next)
        if (q->conns > most->conns)
            most = q;
    for (struct conn *c = s->conns; c != NULL; c = c->next)
        if (c->armed && c->peer == most &&
            (oldest == NULL || c->since_ns < oldest->since_ns))
            oldest = c;

    ret_crowd->is_due = now >= s->next_crowd_ns;
    ret_crowd->refused = oldest == NULL;
    ret_crowd->uid = most->uid;
    ret_crowd->conns = most->conns;
    ret_crowd->all = s->conn_count;
    ret_crowd->more = s->crowd_more;
    s->crowd_more = ret_crowd->is_due ? 0 : s->crowd_more + 1;
    if (ret_crowd->is_due)
        s->next_crowd_ns = now + LOG_EVERY_NS;
    if (oldest == NULL)
        return false;
    (void)shutdown(oldest->source.fd, SHUT_RDWR);
    conn_uncount(s, oldest);
    return true;
}

static void
log_crowd(const struct crowd *crowd)
{
    char whose[32] = "TCP clients";

    if (!crowd->is_due)
        return;
    if (crowd->uid != PEER_TCP)
        (void)snprintf(whose, sizeof(whose), "uid %lu", (unsigned long)crowd->uid);
    syslog(LOG_WARNING,
        "busy: %zu connections are open, %zu of %s; %s (%lu more since the last such "
        "line)",
        crowd->all, crowd->conns, whose,
        crowd->refused ? "a new one is refused"
                       : "the one of these that waits longest is closed",
        crowd->more);
}

static void
conn_free(struct server *s, struct conn *c)
{
    (void)pthread_mutex_lock(&s->lock);
    conn_uncount(s, c);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    (void)pthread_mutex_unlock(&s->lock);
    (void)close(c->source.fd);
    fcgi_clear(&c->fcgi);
    free(c);
}

/* Sets the timer to `at_ns`, unless it expires earlier. Call with the lock held. */
static void
tick_by(struct server *s, int64_t at_ns)
{
    struct itimerspec at = {.it_value = {at_ns / SECOND_NS, at_ns % SECOND_NS}};

    if (s->tick_at_ns != 0 && s->tick_at_ns <= at_ns)
        return;
    s->tick_at_ns = at_ns;
    (void)timerfd_settime(s->timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* After this another thread may have it at once. */
static void
conn_arm(struct server *s, struct conn *c, int64_t until_ns)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT};
    int op = c->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    event.data.ptr = c;
    c->polled = true;
    (void)pthread_mutex_lock(&s->lock);
    c->until_ns = until_ns;
    c->since_ns = c->began_ns != 0 ? c->began_ns : pat_monotonic_ns();
    c->armed = true;
    tick_by(s, until_ns);
    (void)pthread_mutex_unlock(&s->lock);
    if (epoll_ctl(s->epoll_fd, op, c->source.fd, &event) != 0)
        conn_free(s, c);
}

/* The user at the other end. A TCP socket has none. */
static uid_t
find_peer_uid(int fd)
{
    struct ucred cred = {.uid = PEER_TCP};
    socklen_t len = sizeof(cred);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 ? cred.uid
                                                                     : PEER_TCP;
}

/* NULL: there is no memory, or no room. */
static struct conn *
conn_new(struct server *s, int fd)
{
    struct conn *c = calloc(1, sizeof(*c));
    struct crowd crowd = {.is_due = false};
    uid_t uid = find_peer_uid(fd);
    struct peer *p;
    bool room;

    if (c == NULL) {
        log_trouble(s, "out of memory: a connection was refused");
        return NULL;
    }
    c->source.kind = SOURCE_CONN;
    c->source.fd = fd;
    fcgi_init(&c->fcgi);
    (void)pthread_mutex_lock(&s->lock);
    p = peer_find(s, uid);
    if (p != NULL)
        p->conns++; /* first: make_room() frees a peer that has none */
    room = p != NULL && (s->conn_count < s->conns_max || make_room(s, p, &crowd));
    if (room) {
        c->next = s->conns;
        if (c->next != NULL)
            c->next->prev = c;
        s->conns = c;
        s->conn_count++;
        c->peer = p;
    } else if (p != NULL) {
        p->conns--;
        peer_free_unused(s, p);
    }
    (void)pthread_mutex_unlock(&s->lock);
    log_crowd(&crowd);
    if (!room) {
        free(c);
        return NULL;
    }
    return c;
}

/*
 * What we say fits into an empty socket buffer. Where it does not, the peer has not read
 * what it got before.
 */
static bool
send_bytes(const struct conn *c, const void *data, size_t len)
{
    ssize_t n = send(c->source.fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    return n >= 0 && (size_t)n == len;
}

/* False: hang up. */
static bool
answer_request(struct worker *w, struct conn *c)
{
    struct fcgi *f = &c->fcgi;
    struct pat_diag diag;
    bool sent;

    check_request(
        w->server->settings, &w->client, &f->request, &w->answer, w->refusal, &diag);
    fcgi_finish(f);
    sent = send_bytes(
        c, w->out, fcgi_encode_answer(f, w->answer.text, w->answer.len, w->out));
    c->began_ns = 0;
    /* One line for each: what reads the log counts them by address. */
    if (w->refusal[0] != '\0')
        syslog(LOG_NOTICE, "%s", w->refusal);
    if (diag.text[0] != '\0')
        log_trouble(w->server, diag.text);
    return sent;
}

/* Take what was read. False: hang up. */
static bool
conn_feed(struct worker *w, struct conn *c, size_t len)
{
    const uint8_t *data = w->chunk;

    for (;;) {
        switch (fcgi_feed(&c->fcgi, &data, &len)) {
        case FCGI_MORE:
            return true;
        case FCGI_REQUEST:
            if (!answer_request(w, c))
                return false;
            break;
        case FCGI_REPLY:
            if (!send_bytes(c, c->fcgi.reply, c->fcgi.reply_len))
                return false;
            break;
        case FCGI_ERROR:
            return false;
        }
    }
}

/*
 * Read what is there, and arm it again or hang up. After the last answer we wait for the
 * end of what the peer was sending: it might lose the answer otherwise.
 */
static void
conn_serve(struct worker *w, struct conn *c)
{
    ssize_t n = recv(c->source.fd, w->chunk, sizeof(w->chunk), MSG_DONTWAIT);
    int64_t now;
    bool ok, amid;

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        now = pat_monotonic_ns();
        conn_arm(w->server, c,
            c->began_ns != 0 ? c->began_ns + READ_TIMEOUT_NS : now + READ_TIMEOUT_NS);
        return;
    }
    if (n <= 0) {
        conn_free(w->server, c);
        return;
    }
    ok = conn_feed(w, c, (size_t)n);
    pat_secret_erase(w->chunk, (size_t)n);
    now = pat_monotonic_ns();
    amid = fcgi_is_amid(&c->fcgi) || (!c->fcgi.request.keep && fcgi_has_more(&c->fcgi));
    if (!ok || (!amid && !c->fcgi.request.keep)) {
        conn_free(w->server, c);
        return;
    }
    if (!amid)
        c->began_ns = 0;
    else if (c->began_ns == 0)
        c->began_ns = now;
    conn_arm(w->server, c, amid ? c->began_ns + READ_TIMEOUT_NS : now + IDLE_TIMEOUT_NS);
}

/* Another thread may accept the next one meanwhile. */
static void
accept_one(struct worker *w, struct source *l)
{
    struct server *s = w->server;
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int on = 1;
    struct conn *c;

    if (fd < 0 &&
        (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
        atomic_store(&s->paused, true);
        (void)pthread_mutex_lock(&s->lock);
        tick_by(s, pat_monotonic_ns() + TICK_NS);
        (void)pthread_mutex_unlock(&s->lock);
        log_trouble(s, "no file descriptor or memory left for another connection");
        return;
    }
    arm_listener(s, l, EPOLL_CTL_MOD);
    if (fd < 0)
        return;
    c = conn_new(s, fd);
    if (c == NULL) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    conn_serve(w, c);
}

/*
 * Handles the timer: shuts down connections whose time is over. The shutdown makes an
 * event, and the thread that gets it closes the connection. Sets the timer to the next
 * connection's time. Without connections the timer is not set, and no thread wakes up.
 */
static void
tick(struct server *s)
{
    int64_t now = pat_monotonic_ns(), next = INT64_MAX;

    (void)pthread_mutex_lock(&s->lock);
    s->tick_at_ns = 0;
    for (struct conn *c = s->conns; c != NULL; c = c->next)
        if (c->armed && now >= c->until_ns)
            (void)shutdown(c->source.fd, SHUT_RDWR);
        else if (c->armed && c->until_ns < next)
            next = c->until_ns;
    if (next < INT64_MAX)
        tick_by(s, next > now + TICK_NS ? next : now + TICK_NS);
    (void)pthread_mutex_unlock(&s->lock);
    if (atomic_exchange(&s->paused, false))
        for (size_t i = 0; i < s->listener_count; i++)
            arm_listener(s, &s->listeners[i], EPOLL_CTL_MOD);
}

static void *
worker_thread(void *arg)
{
    struct worker *w = arg;
    struct server *s = w->server;
    bool stop = false;

    while (!stop) {
        struct epoll_event event;
        struct source *source;

        if (epoll_wait(s->epoll_fd, &event, 1, -1) != 1)
            continue;
        source = event.data.ptr;
        switch (source->kind) {
        case SOURCE_STOP:
            stop = true;
            break;
        case SOURCE_TIMER:
            tick(s);
            break;
        case SOURCE_LISTENER:
            accept_one(w, source);
            break;
        case SOURCE_CONN:
            (void)pthread_mutex_lock(&s->lock);
            ((struct conn *)source)->armed = false;
            (void)pthread_mutex_unlock(&s->lock);
            conn_serve(w, (struct conn *)source);
            break;
        }
    }
    pat_client_clear(&w->client);
    return NULL;
}

static void
wait_for_stop(void)
{
    sigset_t set;
    int sig = 0;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    while (sigwait(&set, &sig) != 0)
        ;
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

static bool
server_open(struct server *s, const struct listeners *l)
{
    s->stop.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0 || !watch(s, &s->stop, SOURCE_STOP, EPOLLIN) ||
        !watch(s, &s->timer, SOURCE_TIMER, EPOLLIN | EPOLLET)) /* one thread each time */
        return false;
    for (size_t i = 0; i < l->count; i++) {
        s->listeners[i].kind = SOURCE_LISTENER;
        s->listeners[i].fd = l->fds[i];
        s->listener_count++;
        arm_listener(s, &s->listeners[i], EPOLL_CTL_ADD);
    }
    return true;
}

/* As many as there are descriptors for: where accept(2) fails, new ones wait. */
static size_t
find_conns_max(const struct settings *settings)
{
    rlim_t others = (rlim_t)settings->workers + FDS_OTHER;
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= CONNS_MAX + others)
        return CONNS_MAX;
    return lim.rlim_cur > others + CONNS_MIN ? (size_t)(lim.rlim_cur - others)
                                             : CONNS_MIN;
}

static size_t
start_workers(struct server *s, struct worker *workers, pthread_t *threads)
{
    size_t n = 0;

    for (; n < (size_t)s->settings->workers; n++) {
        workers[n].server = s;
        pat_client_init(&workers[n].client);
        if (pthread_create(&threads[n], NULL, worker_thread, &workers[n]) != 0)
            break;
    }
    return n;
}

enum pat_err
server_run(const struct settings *settings, const struct listeners *l)
{
    struct server s = {.settings = settings,
        .epoll_fd = -1,
        .stop = {.fd = -1},
        .timer = {.fd = -1},
        .conns_max = find_conns_max(settings),
        .lock = PTHREAD_MUTEX_INITIALIZER};
    size_t want = (size_t)settings->workers, started = 0;
    struct worker *workers = calloc(want, sizeof(*workers));
    pthread_t *threads = calloc(want, sizeof(*threads));
    const uint64_t one = 1;
    enum pat_err err = PAT_ERR_NOMEM;

    if (workers != NULL && threads != NULL && server_open(&s, l))
        started = start_workers(&s, workers, threads);
    if (started == want) {
        err = PAT_OK;
        syslog(LOG_INFO, "serving with %d workers", settings->workers);
        (void)sd_notify(0, "READY=1");
        wait_for_stop();
        (void)sd_notify(0, "STOPPING=1");
    }
    if (s.stop.fd >= 0 && write(s.stop.fd, &one, sizeof(one)) < 0)
        err = PAT_ERR_NOMEM;
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    while (s.conns != NULL)
        conn_free(&s, s.conns);
    if (s.stop.fd >= 0)
        (void)close(s.stop.fd);
    if (s.timer.fd >= 0)
        (void)close(s.timer.fd);
    if (s.epoll_fd >= 0)
        (void)close(s.epoll_fd);
    free(threads);
    pat_secret_free(workers, workers != NULL ? want * sizeof(*workers) : 0);
    return err;
}
