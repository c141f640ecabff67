/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

/* NULL if `st`, a file in the directory, may be trusted, else what is wrong with it. */
static const char *
find_fault(const struct stat *st, int dir_fd, enum pat_file_kind kind)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return "must be owned by root or by the user that reads it";
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "must not be writable by group or others (chmod go-w)";
    if (kind == PAT_FILE_SECRET && (st->st_mode & S_IRWXO) != 0 &&
        !pat_path_is_closed(dir_fd))
        return "holds a secret: others must have no access (chmod o=), or not to its "
               "directory (chmod o-x)";
    if (st->st_size > PAT_FILE_MAX)
        return "is larger than 64 KiB";
    return NULL;
}

/* "PATH: problem", or "PATH: COMPONENT: problem" where the path leads elsewhere. */
static enum pat_err
fail_walk(struct pat_diag *diag, const char *path, const struct pat_diag *why)
{
    size_t len = strlen(path);

    if (strncmp(why->text, path, len) == 0 && why->text[len] == ':')
        pat_diag_set(diag, "%s", why->text);
    else
        pat_diag_set(diag, "%s: %s", path, why->text);
    return PAT_ERR_CONFIG;
}

enum pat_err
pat_file_open(
    const char *path, enum pat_file_kind kind, FILE **ret_file, struct pat_diag *diag)
{
    struct pat_diag why = {0};
    struct pat_path at;
    struct stat st;
    const char *fault;
    FILE *file;
    enum pat_err err =
        pat_path_open(path, PAT_PATH_FILE, PAT_PATH_NOBODY, &at, NULL, &why);
    int fd;

    if (err != PAT_OK)
        return err == PAT_ERR_CONFIG ? fail_walk(diag, path, &why) : err;
    /* O_NONBLOCK: a FIFO in the file's place must not hold us up. */
    fd = openat(
        at.dir_fd, at.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        fault = pat_errno_text(errno);
    else if (fstat(fd, &st) != 0)
        fault = "cannot be examined";
    else
        fault = find_fault(&st, at.dir_fd, kind);
    (void)close(at.dir_fd);
    if (fault != NULL) {
        pat_diag_set(diag, "%s: %s", path, fault);
        if (fd >= 0)
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
