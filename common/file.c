/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
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
    return pat_errno_text(error);
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
