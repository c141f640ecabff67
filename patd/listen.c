/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 1024

static const char *
error_text(int error)
{
    const char *text = strerrordesc_np(error);

    return text != NULL ? text : "unknown error";
}

static enum pat_err
fail(struct pat_diag *diag, const char *path, const char *why)
{
    pat_diag_set(diag, "socket: %s: %s", path, why);
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
        return fail(diag, path, "exists and is no socket");
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(diag, path, error_text(errno));
    rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
    if (rc == 0 || errno != ECONNREFUSED) {
        (void)close(fd);
        return fail(diag, path, "is in use (is another patd running?)");
    }
    (void)close(fd);
    if (unlink(path) != 0)
        return fail(diag, path, error_text(errno));
    return PAT_OK;
}

static enum pat_err
bind_path(const char *path, int mode, struct listeners *l, struct pat_diag *diag)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    enum pat_err err;
    mode_t mask;
    int fd, rc;

    memcpy(
        addr.sun_path, path, strlen(path) + 1); /* its length was checked with the file */
    err = clear_path(&addr, diag);
    if (err != PAT_OK)
        return err;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(diag, path, error_text(errno));
    /* Nobody gets in before chmod() says who may. */
    mask = umask(0777);
    rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
    (void)umask(mask);
    if (rc != 0 || chmod(path, (mode_t)mode) != 0 || lstat(path, &st) != 0 ||
        listen(fd, BACKLOG) != 0) {
        err = fail(diag, path, error_text(errno));
        (void)close(fd);
        return err;
    }
    l->own[l->own_count].path = path;
    l->own[l->own_count].dev = st.st_dev;
    l->own[l->own_count].ino = st.st_ino;
    l->own_count++;
    l->fds[l->count++] = fd;
    return PAT_OK;
}

static enum pat_err
take_passed(int count, struct listeners *l, struct pat_diag *diag)
{
    if (count > PAT_SOCKET_MAX) {
        pat_diag_set(diag, "systemd passed %d sockets; at most %d are served", count,
            PAT_SOCKET_MAX);
        return PAT_ERR_CONFIG;
    }
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;

        if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0) {
            pat_diag_set(diag,
                "systemd passed something else than a listening unix stream socket "
                "(ListenStream=/PATH)");
            return PAT_ERR_CONFIG;
        }
        /* They come blocking; one accept(2) too many would stop the thread that reads. */
        if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
            pat_diag_set(diag, "systemd's socket: %s", error_text(errno));
            return PAT_ERR_CONFIG;
        }
        l->fds[l->count++] = fd;
    }
    return PAT_OK;
}

enum pat_err
listeners_open(const struct pat_conf *conf, struct listeners *ret, struct pat_diag *diag)
{
    struct listeners l = {0};
    int passed = sd_listen_fds(1);
    enum pat_err err = PAT_OK;

    if (passed > 0)
        err = take_passed(passed, &l, diag);
    else
        for (char **path = conf->socket; *path != NULL && err == PAT_OK; path++)
            err = bind_path(*path, conf->socket_mode, &l, diag);
    if (err != PAT_OK) {
        for (size_t i = 0; i < l.count; i++)
            (void)close(l.fds[i]);
        listeners_unlink(&l);
        return err;
    }
    *ret = l;
    return PAT_OK;
}

void
listeners_refuse(const struct listeners *l)
{
    for (size_t i = 0; i < l->own_count; i++)
        (void)shutdown(l->fds[i], SHUT_RD);
}

void
listeners_unlink(const struct listeners *l)
{
    struct stat st;

    for (size_t i = 0; i < l->own_count; i++)
        if (lstat(l->own[i].path, &st) == 0 && st.st_dev == l->own[i].dev &&
            st.st_ino == l->own[i].ino)
            (void)unlink(l->own[i].path);
}
