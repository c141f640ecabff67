/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "file.h"

#define BACKLOG 1024

_Static_assert(LISTENERS_MAX == 2 * PAT_SOCKET_MAX, "there are two protocols");

static const char *
error_text(int error)
{
    const char *text = strerrordesc_np(error);

    return text != NULL ? text : "unknown error";
}

/* How our own sockets of one protocol are to be. */
struct kind {
    enum protocol protocol;
    const char *key; /* the setting that names them */
    char *const *paths;
    int mode;
    const char *group_key, *group; /* NULL = as it comes */
    const char *user;              /* whom we shall be */
};

static enum pat_err
fail(struct pat_diag *diag, const char *key, const char *what, const char *why)
{
    pat_diag_set(diag, "%s: %s: %s", key, what, why);
    return PAT_ERR_CONFIG;
}

/* Make way for our socket if what is there is one that was left behind. */
static enum pat_err
clear_path(const struct kind *kind, const struct sockaddr_un *addr, struct pat_diag *diag)
{
    const char *path = addr->sun_path;
    struct stat st;
    int fd, rc;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? PAT_OK : fail(diag, kind->key, path, error_text(errno));
    if (!S_ISSOCK(st.st_mode))
        return fail(diag, kind->key, path,
            "exists and is no socket: remove it, or name another path");
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(diag, kind->key, path, error_text(errno));
    rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
    if (rc == 0 || errno != ECONNREFUSED) {
        (void)close(fd);
        return fail(diag, kind->key, path, "is in use (is another patd running?)");
    }
    (void)close(fd);
    if (unlink(path) != 0)
        return fail(diag, kind->key, path, error_text(errno));
    return PAT_OK;
}

/* Nobody gets in before this says who may. */
static enum pat_err
permit(const struct kind *kind, const char *path, struct pat_diag *diag)
{
    const struct group *group = NULL;

    if (kind->group != NULL) {
        errno = 0;
        group = getgrnam(kind->group);
        if (group == NULL)
            return fail(diag, kind->group_key, kind->group,
                errno != 0 ? error_text(errno) : "no such group");
        if (chown(path, (uid_t)-1, group->gr_gid) != 0)
            return fail(diag, kind->group_key, kind->group, error_text(errno));
    }
    if (chmod(path, (mode_t)kind->mode) != 0)
        return fail(diag, kind->key, path, error_text(errno));
    return PAT_OK;
}

static void
add(struct listeners *l, int fd, enum protocol protocol)
{
    l->all[l->count].fd = fd;
    l->all[l->count].protocol = protocol;
    l->count++;
}

/* Its directory must be safe, and nothing be in the way. */
static enum pat_err
prepare_path(
    const struct kind *kind, const struct sockaddr_un *addr, struct pat_diag *diag)
{
    struct pat_diag why = {0};

    if (pat_file_check_directory(addr->sun_path, kind->user, &why) == PAT_OK)
        return clear_path(kind, addr, diag);
    pat_diag_set(diag, "%s: %s", kind->key, why.text);
    return PAT_ERR_CONFIG;
}

static enum pat_err
bind_path(
    const struct kind *kind, const char *path, struct listeners *l, struct pat_diag *diag)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st = {0};
    enum pat_err err;
    mode_t mask;
    int fd, rc;

    memcpy(
        addr.sun_path, path, strlen(path) + 1); /* its length was checked with the file */
    err = prepare_path(kind, &addr, diag);
    if (err != PAT_OK)
        return err;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(diag, kind->key, path, error_text(errno));
    mask = umask(0777);
    rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
    (void)umask(mask);
    if (rc != 0 || lstat(path, &st) != 0) {
        err = fail(diag, kind->key, path, error_text(errno));
        (void)close(fd);
        return err;
    }
    add(l, fd, kind->protocol);
    l->own[l->own_count].fd = fd;
    l->own[l->own_count].path = path;
    l->own[l->own_count].dev = st.st_dev;
    l->own[l->own_count].ino = st.st_ino;
    l->own_count++;
    err = permit(kind, path, diag);
    if (err == PAT_OK && listen(fd, BACKLOG) != 0)
        err = fail(diag, kind->key, path, error_text(errno));
    return err;
}

bool
listeners_speak(const struct listeners *l, enum protocol protocol)
{
    bool any = false;

    for (size_t i = 0; i < l->count && !any; i++)
        any = l->all[i].protocol == protocol;
    return any;
}

static enum pat_err
bind_kind(const struct kind *kind, struct listeners *l, struct pat_diag *diag)
{
    enum pat_err err = PAT_OK;

    if (listeners_speak(l, kind->protocol))
        return PAT_OK; /* on systemd's */
    for (char *const *path = kind->paths; path != NULL && *path != NULL; path++) {
        err = bind_path(kind, *path, l, diag);
        if (err != PAT_OK)
            break;
    }
    return err;
}

/* A name that says nothing to us is that of the token socket, which has any. */
static enum pat_err
take_passed(int count, char *const *names, struct listeners *l, struct pat_diag *diag)
{
    if (count > LISTENERS_MAX) {
        pat_diag_set(diag, "systemd passed %d sockets; at most %d are served", count,
            LISTENERS_MAX);
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
        add(l, fd,
            strcmp(names[i], LISTENER_NAME_SASLAUTHD) == 0 ? PROTOCOL_SASLAUTHD
                                                           : PROTOCOL_PAT);
    }
    return PAT_OK;
}

static enum pat_err
open_passed(struct listeners *l, struct pat_diag *diag)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    enum pat_err err = PAT_OK;

    if (count < 0) {
        pat_diag_set(diag, "systemd's sockets: %s", error_text(-count));
        return PAT_ERR_CONFIG;
    }
    if (count > 0)
        err = take_passed(count, names, l, diag);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return err;
}

enum pat_err
listeners_open(const struct pat_conf *conf, struct listeners *ret, struct pat_diag *diag)
{
    const struct kind kinds[] = {
        {PROTOCOL_PAT, "socket", conf->socket, conf->socket_mode, NULL, NULL, conf->user},
        {PROTOCOL_SASLAUTHD, "saslauthd_socket", conf->saslauthd_socket,
            conf->saslauthd_socket_mode, "saslauthd_socket_group",
            conf->saslauthd_socket_group, conf->user},
    };
    struct listeners l = {0};
    enum pat_err err = open_passed(&l, diag);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && err == PAT_OK; i++)
        err = bind_kind(&kinds[i], &l, diag);
    if (err != PAT_OK) {
        for (size_t i = 0; i < l.count; i++)
            (void)close(l.all[i].fd);
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
        (void)shutdown(l->own[i].fd, SHUT_RD);
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
