/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static enum pat_err
fail(struct pat_diag *diag, const char *what, const char *why)
{
    pat_diag_set(diag, "%s: %s", what, why);
    return PAT_ERR_CONFIG;
}

static enum pat_err
listen_unix(const struct settings *s, struct listeners *l, struct pat_diag *diag)
{
    const struct pat_socket_spec spec = {.program = "pat-fcgi",
        .path_key = "s",
        .path = s->listen,
        .mode = (mode_t)s->listen_mode,
        .group_key = "g",
        .group = s->listen_group,
        .user = s->user};
    enum pat_err err = pat_socket_open(&spec, &l->own, diag);

    if (err == PAT_OK)
        l->fds[l->count++] = l->own.fd;
    return err;
}

/* ADDRESS:PORT, an address of IPv6 in brackets. False: it is none. */
static bool
parse_inet(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
    const char *colon = strrchr(text, ':');
    bool is_6 = text[0] == '[';
    char host[64] = "";
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    char *end = NULL;
    unsigned long port;

    if (is_6 && (len < 3 || text[len - 1] != ']'))
        return false;
    if (is_6)
        text++, len -= 2;
    if (len == 0 || len >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
        return false;
    memcpy(host, text, len);
    port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port == 0 || port > 65535)
        return false;
    memset(ret, 0, sizeof(*ret));
    ret->ss_family = is_6 ? AF_INET6 : AF_INET;
    *ret_len = is_6 ? sizeof(*in6) : sizeof(*in4);
    if (is_6)
        in6->sin6_port = htons((uint16_t)port);
    else
        in4->sin_port = htons((uint16_t)port);
    return inet_pton(ret->ss_family, host,
               is_6 ? (void *)&in6->sin6_addr : (void *)&in4->sin_addr) == 1;
}

/* Tokens come over it as they are. */
static bool
is_loopback(const struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)addr)->sin6_addr) != 0;
    return ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr) >> 24 == 127;
}

static enum pat_err
fail_own(const struct settings *s, struct pat_diag *diag, const char *why)
{
    pat_diag_set(diag, "s: %s: %s", s->listen, why);
    return PAT_ERR_CONFIG;
}

static enum pat_err
listen_inet(const struct settings *s, struct listeners *l, struct pat_diag *diag)
{
    struct sockaddr_storage addr;
    socklen_t len = 0;
    int on = 1;

    if (!parse_inet(s->listen, &addr, &len))
        return fail_own(s, diag,
            "is neither an absolute path nor ADDRESS:PORT, such as 127.0.0.1:9101");
    if (!is_loopback(&addr))
        return fail_own(s, diag, "tokens come over it unencrypted: loopback only");
    l->fds[0] = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fds[0] < 0)
        return fail_own(s, diag, strerror(errno));
    l->count = 1;
    (void)setsockopt(l->fds[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(l->fds[0], (const struct sockaddr *)&addr, len) != 0 ||
        listen(l->fds[0], PAT_SOCKET_BACKLOG) != 0)
        return fail_own(s, diag, strerror(errno));
    return PAT_OK;
}

static enum pat_err
take_passed(int fd, struct listeners *l, struct pat_diag *diag)
{
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return fail(diag, "the socket that was passed", "is no listening stream socket");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return fail(diag, "the socket that was passed", strerror(errno));
    l->fds[l->count++] = fd;
    return PAT_OK;
}

static enum pat_err
open_passed(struct listeners *l, struct pat_diag *diag)
{
    int count = sd_listen_fds(1);
    enum pat_err err = PAT_OK;

    if (count > LISTEN_MAX)
        return fail(diag, "systemd", "passed more than 8 sockets");
    for (int i = 0; i < count && err == PAT_OK; i++)
        err = take_passed(SD_LISTEN_FDS_START + i, l, diag);
    if (count > 0)
        return err;
    if (sd_is_socket(STDIN_FILENO, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return fail(diag, "no socket",
            "give one by -s, or start pat-fcgi by systemd or spawn-fcgi");
    return take_passed(STDIN_FILENO, l, diag);
}

enum pat_err
listeners_open(const struct settings *s, struct listeners *ret, struct pat_diag *diag)
{
    struct listeners l = {.count = 0};
    enum pat_err err;

    if (s->listen == NULL)
        err = open_passed(&l, diag);
    else if (s->listen[0] == '/')
        err = listen_unix(s, &l, diag);
    else
        err = listen_inet(s, &l, diag);

    if (err == PAT_OK)
        *ret = l;
    else
        listeners_close(&l);
    return err;
}

void
listeners_close(struct listeners *l)
{
    pat_socket_unlink(&l->own);
    for (size_t i = 0; i < l->count; i++)
        (void)close(l->fds[i]);
    l->count = 0;
    l->own.path = NULL;
}
