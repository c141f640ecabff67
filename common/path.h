/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.h - paths that decide who gets in, or who is shown a secret
 *
 * The one rule about the directories on the way to a file or a socket, from / on, with
 * every symbolic link resolved: only root, the effective user and the user of the
 * service may replace what the path leads to.
 *
 * libc alone, no state, any thread.
 */
#ifndef PAT_PATH_H
#define PAT_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "attr.h"
#include "error.h"

/* What is at the end of the path. */
enum pat_path_end {
    PAT_PATH_FILE,    /* a file to read */
    PAT_PATH_SERVE,   /* a socket to make: it need not exist, and is not followed */
    PAT_PATH_CONNECT, /* a socket of a service to which a secret goes */
};

#define PAT_PATH_NOBODY ((uid_t)-1)

struct pat_path {
    int dir_fd;              /* the last directory, O_PATH; the caller closes it */
    char name[NAME_MAX + 1]; /* the last component, which is no link, in that directory */
    bool has_user_dir;       /* a directory on the way belongs to `user` */
};

/*
 * Walks along `path` and checks every directory:
 *
 * - Its owner is root, the effective user or `user` (PAT_PATH_NOBODY: no other). The
 *   last directory of PAT_PATH_CONNECT may belong to anybody: that user is the service.
 * - Group and others may not write to it, unless it is sticky and what the path leads to
 *   in it has one of these owners. The last directory of PAT_PATH_SERVE may not be
 *   sticky: another user could be the first to make the socket.
 *
 * A relative path begins in the working directory, which is checked from / on.
 *
 * PAT_ERR_CONFIG: *diag is "COMPONENT: problem and remedy". Where a component cannot be
 * examined, *ret_errno (may be NULL) says why, else it is 0. PAT_ERR_NOMEM.
 */
PAT_MUST_USE enum pat_err pat_path_open(const char *path, enum pat_path_end end,
    uid_t user, struct pat_path *ret, int *ret_errno, struct pat_diag *diag);

/* pat_path_open() for callers that want to know, and no more. */
PAT_MUST_USE enum pat_err pat_path_check(
    const char *path, enum pat_path_end end, int *ret_errno, struct pat_diag *diag);

/*
 * Whether others, who are neither owner nor in the group, are kept out of the directory
 * or of one above it. False where that cannot be found out.
 */
PAT_MUST_USE bool pat_path_is_closed(int dir_fd);

#endif
