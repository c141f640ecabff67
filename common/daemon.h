/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon.h - what a daemon that is shown tokens does before it serves
 *
 * In this order, with one thread, and before the first token:
 *
 *      pat_daemon_forbid_dumps()
 *      pat_socket_open()               as root, where only root may
 *      pat_daemon_drop_root()
 *      ...
 *      pat_socket_unlink()
 *
 * Errors tell the setting at fault by the name that the caller gives it.
 */
#ifndef PAT_DAEMON_H
#define PAT_DAEMON_H

#include <stdbool.h>
#include <sys/stat.h>

#include "attr.h"
#include "error.h"

/* Clients that wait to be accepted; the kernel's own limit may be lower, see listen(2).
 */
#define PAT_SOCKET_BACKLOG 1024

struct pat_socket_spec {
    const char *program;         /* ours, for the error if it runs already */
    const char *path_key, *path; /* absolute */
    mode_t mode;
    const char *group_key, *group; /* NULL: as it comes */
    const char *user;              /* who we shall be; NULL: who we are */
};

struct pat_socket {
    int fd; /* listens, does not block, is closed by exec; the caller's to close */
    const char *path; /* borrowed from the specification */
    int dir_fd;       /* its directory, O_PATH */
    dev_t dev;        /* which file it is */
    ino_t ino;
};

/* No core file of this process, and no other process may read its memory. */
PAT_MUST_USE bool pat_daemon_forbid_dumps(void);

/*
 * Become `user` for good, with that user's groups, and forbid dumps once more, which
 * setuid(2) may have allowed. Who is not root stays who it is; root, or nobody (NULL), is
 * no user to become. Asks NSS, which may block.
 *
 * PAT_ERR_CONFIG: *diag says "KEY: USER: what is wrong".
 */
PAT_MUST_USE enum pat_err pat_daemon_drop_root(
    const char *program, const char *key, const char *user, struct pat_diag *diag);

/*
 * Listen on a unix stream socket, in a directory where no other user can put another: see
 * path.h. A stale socket file is replaced; one with a listener, or a file of another
 * kind, is an error. No client can connect before mode and group are set. Changes the
 * umask for a moment. Asks NSS, which may block.
 *
 * Where a directory on the way belongs to `user`, root makes the socket with that user's
 * rights, the socket belongs to that user, and this process loses its supplementary
 * groups, which pat_daemon_drop_root() sets again.
 *
 * PAT_ERR_CONFIG: *diag says "KEY: PATH or GROUP: what is wrong"; nothing is left behind.
 */
PAT_MUST_USE enum pat_err pat_socket_open(
    const struct pat_socket_spec *spec, struct pat_socket *ret, struct pat_diag *diag);

/* Remove its file, if it is still ours. `fd` is not touched. May run twice. */
void pat_socket_unlink(struct pat_socket *s);

#endif
