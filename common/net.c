/* SPDX-License-Identifier: BSD-2-Clause */
#include "net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "path.h"

/* A peer that vanished without a word is noticed after 30 + 3 * 10 s. */
#define KEEPALIVE_IDLE_S     30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES     3

/* Threads that may hang in the system's resolver at a time. */
#define LOOKUPS_MAX 16

/*
 * getaddrinfo(3) blocks for as long as the resolver likes, and nothing can interrupt it.
 * So it runs in a thread of its own, and whoever of the thread and its caller leaves last
 * frees what they shared.
 */
struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    bool done, abandoned;
    int rc;
    struct addrinfo *list;
    char host[256];
    char port[8];
};

static atomic_int lookups;

static void
lookup_free(struct lookup *l)
{
    if (l->list != NULL)
        freeaddrinfo(l->list);
    (void)pthread_cond_destroy(&l->done_cond);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

static int
ask_resolver(const char *host, const char *port, int flags, struct addrinfo **ret)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};

    return getaddrinfo(host, port, &hints, ret);
}

static void *
lookup_thread(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo *list = NULL;
    int rc = ask_resolver(l->host, l->port, AI_ADDRCONFIG, &list);
    bool abandoned;

    (void)pthread_mutex_lock(&l->lock);
    l->rc = rc;
    l->list = rc == 0 ? list : NULL;
    l->done = true;
    abandoned = l->abandoned;
    (void)pthread_cond_signal(&l->done_cond);
    (void)pthread_mutex_unlock(&l->lock);
    if (abandoned)
        lookup_free(l);
    (void)atomic_fetch_sub(&lookups, 1);
    return NULL;
}

static struct lookup *
lookup_start(const struct pat_uri *uri)
{
    struct lookup *l = calloc(1, sizeof(*l));
    pthread_condattr_t condattr;
    pthread_attr_t attr;
    pthread_t thread;
    int rc;

    if (l == NULL)
        return NULL;
    (void)snprintf(l->host, sizeof(l->host), "%s", uri->host);
    (void)snprintf(l->port, sizeof(l->port), "%u", (unsigned)uri->port & 0xffffU);
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_condattr_init(&condattr);
    (void)pthread_condattr_setclock(&condattr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&l->done_cond, &condattr);
    (void)pthread_condattr_destroy(&condattr);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&thread, &attr, lookup_thread, l);
    (void)pthread_attr_destroy(&attr);
    if (rc != 0) {
        lookup_free(l);
        return NULL;
    }
    return l;
}

/* True when the thread was done in time; then `l` is the caller's alone. */
static bool
lookup_wait(struct lookup *l, struct pat_deadline deadline)
{
    struct timespec at = {deadline.at_ns / 1000000000, deadline.at_ns % 1000000000};
    bool done;
    int rc = 0;

    (void)pthread_mutex_lock(&l->lock);
    while (!l->done && rc == 0)
        rc = pthread_cond_timedwait(&l->done_cond, &l->lock, &at);
    done = l->done;
    l->abandoned = !done;
    (void)pthread_mutex_unlock(&l->lock);
    return done;
}

static enum pat_err
resolve_name(const struct pat_uri *uri, struct pat_deadline deadline,
    struct addrinfo **ret, struct pat_diag *diag)
{
    struct lookup *l;
    enum pat_err err = PAT_ERR_UNAVAIL;

    if (atomic_fetch_add(&lookups, 1) >= LOOKUPS_MAX) {
        (void)atomic_fetch_sub(&lookups, 1);
        pat_diag_set(diag, "%s: too many name look-ups hang already", uri->host);
        return PAT_ERR_UNAVAIL;
    }
    l = lookup_start(uri);
    if (l == NULL) {
        (void)atomic_fetch_sub(&lookups, 1);
        pat_diag_set(diag, "%s: no thread for a name look-up", uri->host);
        return PAT_ERR_UNAVAIL;
    }
    if (!lookup_wait(l, deadline)) {
        pat_diag_set(diag, "%s: deadline passed during the name look-up", uri->host);
        return PAT_ERR_UNAVAIL;
    }
    if (l->rc == 0) {
        *ret = l->list;
        l->list = NULL;
        err = PAT_OK;
    } else {
        pat_diag_set(diag, "%s: name look-up: %s", uri->host, gai_strerror(l->rc));
    }
    lookup_free(l);
    return err;
}

static enum pat_err
resolve(const struct pat_uri *uri, struct pat_deadline deadline, struct addrinfo **ret,
    struct pat_diag *diag)
{
    char port[8];

    /* An address needs no thread. */
    (void)snprintf(port, sizeof(port), "%u", (unsigned)uri->port & 0xffffU);
    if (ask_resolver(uri->host, port, AI_NUMERICHOST, ret) == 0)
        return PAT_OK;
    return resolve_name(uri, deadline, ret, diag);
}

enum pat_err
pat_net_wait(int fd, short events, struct pat_deadline deadline)
{
    struct pollfd pfd = {fd, events, 0};

    for (;;) {
        int left = pat_deadline_left_ms(deadline);
        int rc = left > 0 ? poll(&pfd, 1, left) : 0;

        if (rc > 0)
            return PAT_OK;
        if (rc == 0 || errno != EINTR)
            return PAT_ERR_UNAVAIL;
    }
}

/* 0, or what errno would be. */
static int
connect_before(
    int fd, const struct sockaddr *addr, socklen_t addr_len, struct pat_deadline deadline)
{
    socklen_t len = sizeof(int);
    int error = 0;

    if (connect(fd, addr, addr_len) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (pat_net_wait(fd, POLLOUT, deadline) != PAT_OK)
        return ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return errno;
    return error;
}

static void
set_tcp_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
    };

    /* Each is a convenience: without it the deadline still holds. */
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        (void)setsockopt(
            fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

/* A connected socket, or -1 with *ret_error set. */
static int
try_address(const struct sockaddr *addr, socklen_t addr_len, struct pat_deadline deadline,
    int *ret_error)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (fd < 0) {
        *ret_error = errno;
        return -1;
    }
    if (addr->sa_family != AF_UNIX)
        set_tcp_options(fd);
    error = connect_before(fd, addr, addr_len, deadline);
    if (error == 0)
        return fd;
    (void)close(fd);
    *ret_error = error;
    return -1;
}

/* -1 with *ret_error = 0: `why` says it, for others could put another socket there. */
static int
connect_unix(const struct pat_uri *uri, struct pat_deadline deadline, int *ret_error,
    struct pat_diag *why)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    size_t len = strnlen(uri->host, sizeof(uri->host));
    enum pat_err err;

    if (len >= sizeof(addr.sun_path)) {
        *ret_error = ENAMETOOLONG;
        return -1;
    }
    memcpy(addr.sun_path, uri->host, len + 1);
    *ret_error = ENOMEM;
    err = pat_path_check(addr.sun_path, PAT_PATH_CONNECT, ret_error, why);
    if (err != PAT_OK)
        return -1;
    return try_address(
        (const struct sockaddr *)&addr, (socklen_t)sizeof(addr), deadline, ret_error);
}

static int
connect_any(const struct addrinfo *list, struct pat_deadline deadline, int *ret_error)
{
    int count = 0;

    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        count++;
    *ret_error = EHOSTUNREACH;
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next, count--) {
        struct pat_deadline share =
            pat_deadline_in_ms(pat_deadline_left_ms(deadline) / count);
        int fd = try_address(a->ai_addr, a->ai_addrlen, share, ret_error);

        if (fd >= 0)
            return fd;
    }
    return -1;
}

enum pat_err
pat_net_connect(const struct pat_uri *uri, struct pat_deadline deadline, int *ret_fd,
    struct pat_diag *diag)
{
    struct addrinfo *list = NULL;
    struct pat_diag why = {0};
    int error = 0;
    enum pat_err err;
    int fd;

    if (uri->scheme == PAT_SCHEME_LDAPI) {
        fd = connect_unix(uri, deadline, &error, &why);
    } else {
        err = resolve(uri, deadline, &list, diag);
        if (err != PAT_OK)
            return err;
        fd = connect_any(list, deadline, &error);
        freeaddrinfo(list);
    }
    if (fd < 0) {
        pat_diag_set(diag, "connect: %s", error != 0 ? pat_errno_text(error) : why.text);
        return PAT_ERR_UNAVAIL;
    }
    *ret_fd = fd;
    return PAT_OK;
}
