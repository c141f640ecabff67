/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL if `st` may be trusted, else what is wrong with it. */
static const char *
find_fault(const struct stat *st, enum pat_file_kind kind)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return "must be owned by root or by the user that reads it";
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "must not be writable by group or others (chmod go-w)";
    if (kind == PAT_FILE_SECRET && (st->st_mode & S_IRWXO) != 0)
        return "holds a secret: others must have no access (chmod o=)";
    if (st->st_size > PAT_FILE_MAX)
        return "is larger than 64 KiB";
    return NULL;
}

static const char *
open_error(int error)
{
    if (error == ELOOP)
        return "is a symbolic link; name the file itself";
    return strerrordesc_np(error) != NULL ? strerrordesc_np(error) : "cannot be opened";
}

enum pat_err
pat_file_open(
    const char *path, enum pat_file_kind kind, FILE **ret_file, struct pat_diag *diag)
{
    /* O_NONBLOCK: a FIFO in the file's place must not hold us up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    const char *fault;
    FILE *file;

    if (fd < 0) {
        pat_diag_set(diag, "%s: %s", path, open_error(errno));
        return PAT_ERR_CONFIG;
    }
    fault = fstat(fd, &st) == 0 ? find_fault(&st, kind) : "cannot be examined";
    if (fault != NULL) {
        pat_diag_set(diag, "%s: %s", path, fault);
        (void)close(fd);
        return PAT_ERR_CONFIG;
    }
    file = fdopen(fd, "r");
    if (file == NULL) {
        (void)close(fd);
        return PAT_ERR_NOMEM;
    }
    *ret_file = file;
    return PAT_OK;
}

static bool
is_uid_of(uid_t uid, const char *user)
{
    const struct passwd *pw = user != NULL ? getpwnam(user) : NULL;

    return pw != NULL && pw->pw_uid == uid;
}

enum pat_err
pat_file_check_directory(const char *path, const char *user, struct pat_diag *diag)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/'), *fault = NULL;
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    struct stat st;

    if (len >= sizeof(dir)) {
        pat_diag_set(diag, "%s: is too long", path);
        return PAT_ERR_CONFIG;
    }
    memcpy(dir, path, len);
    dir[len] = '\0';
    if (len == 0)
        memcpy(dir, "/", sizeof("/"));
    if (stat(dir, &st) != 0)
        fault = open_error(errno);
    else if (!S_ISDIR(st.st_mode))
        fault = "is not a directory";
    else if (st.st_uid != 0 && st.st_uid != geteuid() && !is_uid_of(st.st_uid, user))
        fault = "must be owned by root or by the user that serves (chown root), for its "
                "owner could put another socket there";
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        fault = "must not be writable by group or others (chmod go-w), who could put "
                "another socket there";
    if (fault == NULL)
        return PAT_OK;
    pat_diag_set(diag, "%s: %s", dir, fault);
    return PAT_ERR_CONFIG;
}
