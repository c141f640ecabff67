/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

_Static_assert(LISTENERS_MAX == 2 * PAT_SOCKET_MAX, "there are two protocols");

static void
add(struct listeners *l, int fd, enum protocol protocol)
{
    l->all[l->count].fd = fd;
    l->all[l->count].protocol = protocol;
    l->count++;
}

bool
listeners_speak(const struct listeners *l, enum protocol protocol)
{
    bool any = false;

    for (size_t i = 0; i < l->count && !any; i++)
        any = l->all[i].protocol == protocol;
    return any;
}

/* Our own sockets of a protocol, all like this one but for their paths. */
static enum pat_err
open_own(char *const *paths, enum protocol protocol, const struct pat_socket_spec *like,
    struct listeners *l, struct pat_diag *diag)
{
    struct pat_socket_spec spec = *like;
    enum pat_err err = PAT_OK;

    if (paths == NULL || listeners_speak(l, protocol))
        return PAT_OK; /* on systemd's */
    while (err == PAT_OK && *paths != NULL) {
        struct pat_socket *s = &l->own[l->own_count];

        spec.path = *paths++;
        err = pat_socket_open(&spec, s, diag);
        if (err == PAT_OK) {
            add(l, s->fd, protocol);
            l->own_count++;
        }
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
            pat_diag_set(diag, "systemd's socket: %s", strerror(errno));
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
        pat_diag_set(diag, "systemd's sockets: %s", strerror(-count));
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
    const struct pat_socket_spec pat = {.program = "patd",
        .path_key = "socket",
        .mode = (mode_t)conf->socket_mode,
        .user = conf->user};
    const struct pat_socket_spec saslauthd = {.program = "patd",
        .path_key = "saslauthd_socket",
        .mode = (mode_t)conf->saslauthd_socket_mode,
        .group_key = "saslauthd_socket_group",
        .group = conf->saslauthd_socket_group,
        .user = conf->user};
    struct listeners l = {0};
    enum pat_err err = open_passed(&l, diag);

    if (err == PAT_OK)
        err = open_own(conf->socket, PROTOCOL_PAT, &pat, &l, diag);
    if (err == PAT_OK)
        err = open_own(conf->saslauthd_socket, PROTOCOL_SASLAUTHD, &saslauthd, &l, diag);
    if (err != PAT_OK) {
        listeners_unlink(&l);
        for (size_t i = 0; i < l.count; i++)
            (void)close(l.all[i].fd);
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
listeners_unlink(struct listeners *l)
{
    for (size_t i = 0; i < l->own_count; i++)
        pat_socket_unlink(&l->own[i]);
}
