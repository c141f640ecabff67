/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "file.h"

#define BACKLOG 1024

static const char *
error_text(int error)
{
    const char *text = strerrordesc_np(error);

    return text != NULL ? text : "unknown error";
}

static enum pat_err
fail(struct pat_diag *diag, const char *what, const char *why)
{
    pat_diag_set(diag, "%s: %s", what, why);
    return PAT_ERR_CONFIG;
}

/* Make way for our socket if what is there is one that was left behind. */
static enum pat_err
clear_path(const struct sockaddr_un *addr, struct pat_diag *diag)
{
    const char *path = addr->sun_path;
    struct stat st;
    int fd, rc;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? PAT_OK : fail(diag, path, error_text(errno));
    if (!S_ISSOCK(st.st_mode))
        return fail(
            diag, path, "exists and is no socket: remove it, or name another path");
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(diag, path, error_text(errno));
    rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
    if (rc == 0 || errno != ECONNREFUSED) {
        (void)close(fd);
        return fail(diag, path, "is in use (is another pat-fcgi running?)");
    }
    (void)close(fd);
    return unlink(path) == 0 ? PAT_OK : fail(diag, path, error_text(errno));
}

/* Nobody gets in before this says who may. */
static enum pat_err
permit(const struct settings *s, struct pat_diag *diag)
{
    const struct group *group = NULL;

    if (s->listen_group != NULL) {
        group = getgrnam(s->listen_group);
        if (group == NULL)
            return fail(diag, s->listen_group, "no such group");
        if (chown(s->listen, (uid_t)-1, group->gr_gid) != 0)
            return fail(diag, s->listen_group, error_text(errno));
    }
    if (chmod(s->listen, (mode_t)s->listen_mode) != 0)
        return fail(diag, s->listen, error_text(errno));
    return PAT_OK;
}

static enum pat_err
listen_at(int fd, const struct sockaddr *addr, socklen_t len, const char *name,
    struct pat_diag *diag)
{
    mode_t mask = umask(0777);
    int rc = bind(fd, addr, len);

    (void)umask(mask);
    return rc == 0 ? PAT_OK : fail(diag, name, error_text(errno));
}

static enum pat_err
listen_unix(const struct settings *s, struct listeners *l, struct pat_diag *diag)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    enum pat_err err;

    if (strlen(s->listen) >= sizeof(addr.sun_path))
        return fail(diag, s->listen, "is too long for a socket");
    memcpy(addr.sun_path, s->listen, strlen(s->listen) + 1);
    err = pat_file_check_directory(s->listen, s->user, diag);
    if (err == PAT_OK)
        err = clear_path(&addr, diag);
    if (err != PAT_OK)
        return err;
    l->fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fds[0] < 0)
        return fail(diag, s->listen, error_text(errno));
    l->count = 1;
    err = listen_at(
        l->fds[0], (const struct sockaddr *)&addr, sizeof(addr), s->listen, diag);
    if (err != PAT_OK)
        return err;
    l->own = s->listen;
    return permit(s, diag);
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
listen_inet(const struct settings *s, struct listeners *l, struct pat_diag *diag)
{
    struct sockaddr_storage addr;
    socklen_t len = 0;
    int on = 1;

    if (!parse_inet(s->listen, &addr, &len))
        return fail(diag, s->listen,
            "is neither an absolute path nor ADDRESS:PORT, such as 127.0.0.1:9101");
    if (!is_loopback(&addr))
        return fail(diag, s->listen, "tokens come over it unencrypted: loopback only");
    l->fds[0] = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fds[0] < 0)
        return fail(diag, s->listen, error_text(errno));
    l->count = 1;
    (void)setsockopt(l->fds[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return listen_at(l->fds[0], (const struct sockaddr *)&addr, len, s->listen, diag);
}

static enum pat_err
open_own(const struct settings *s, struct listeners *l, struct pat_diag *diag)
{
    enum pat_err err =
        s->listen[0] == '/' ? listen_unix(s, l, diag) : listen_inet(s, l, diag);

    if (err == PAT_OK && listen(l->fds[0], BACKLOG) != 0)
        err = fail(diag, s->listen, error_text(errno));
    return err;
}

static enum pat_err
take_passed(int fd, struct listeners *l, struct pat_diag *diag)
{
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return fail(diag, "the socket that was passed", "is no listening stream socket");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return fail(diag, "the socket that was passed", error_text(errno));
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
    struct listeners l = {{0}, 0, NULL};
    enum pat_err err = s->listen != NULL ? open_own(s, &l, diag) : open_passed(&l, diag);

    if (err == PAT_OK)
        *ret = l;
    else
        listeners_close(&l);
    return err;
}

void
listeners_close(struct listeners *l)
{
    if (l->own != NULL)
        (void)unlink(l->own);
    for (size_t i = 0; i < l->count; i++)
        (void)close(l->fds[i]);
    l->count = 0;
    l->own = NULL;
}
