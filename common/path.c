/* SPDX-License-Identifier: BSD-2-Clause */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40   /* as the kernel's limit */
#define DEPTH_MAX 4096 /* of directories: more do not fit into a path */

/* The words for what is at the end. */
static const struct {
    const char *who;    /* the second owner that is accepted */
    const char *damage; /* of those who may write */
} words[] = {
    [PAT_PATH_FILE] = {"by the user that reads it", "replace the file"},
    [PAT_PATH_SERVE] = {"by the user that serves", "put another socket there"},
    [PAT_PATH_CONNECT] = {"by the user that connects", "put another socket there"},
};

/* Large, hence never on the stack: a host's thread may have a small one. */
struct walk {
    enum pat_path_end end;
    uid_t user;
    int dir;         /* the directory that was reached, O_PATH; -1: none yet */
    bool dir_shared; /* sticky: others may write to it */
    bool has_user_dir;
    int links;            /* followed so far */
    char where[PATH_MAX]; /* the directory, without links; "" is / */
    char rest[PATH_MAX];  /* of the path, without a slash at the beginning */
    char link[PATH_MAX];
    char name[NAME_MAX + 1]; /* the component in question, in `dir` */
    int error;               /* what the system said, or 0 */
    struct pat_diag *diag;
};

static bool
is_trusted(const struct walk *w, uid_t uid)
{
    return uid == 0 || uid == geteuid() || uid == w->user;
}

/* Names the component `name`, or with NULL the directory. */
static enum pat_err
fail(const struct walk *w, const char *name, const char *problem)
{
    const char *slash = name != NULL || w->where[0] == '\0' ? "/" : "";

    pat_diag_set(
        w->diag, "%s%s%s: %s", w->where, slash, name != NULL ? name : "", problem);
    return PAT_ERR_CONFIG;
}

static enum pat_err
fail_errno(struct walk *w, const char *name, int error)
{
    w->error = error;
    return fail(w, name, pat_errno_text(error));
}

static void
skip_slashes(char *text)
{
    size_t n = strspn(text, "/");

    memmove(text, text + n, strlen(text + n) + 1);
}

/* Checks the directory that was reached; `rest` is what follows in it. */
static enum pat_err
check_dir(struct walk *w, const struct stat *st)
{
    bool last = strchr(w->rest, '/') == NULL;
    bool trusted = is_trusted(w, st->st_uid);
    bool sticky = (st->st_mode & S_ISVTX) != 0;
    bool writable = (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
    struct pat_diag why = {0};

    if (!S_ISDIR(st->st_mode))
        return fail_errno(w, NULL, ENOTDIR);
    if (!trusted && !(last && w->end == PAT_PATH_CONNECT)) {
        pat_diag_set(&why, "must be owned by root or %s (chown root): its owner could %s",
            words[w->end].who, words[w->end].damage);
        return fail(w, NULL, why.text);
    }
    if (writable && (!sticky || !trusted || (last && w->end == PAT_PATH_SERVE))) {
        pat_diag_set(&why,
            "must not be writable by group or others (chmod go-w), who could %s",
            words[w->end].damage);
        return fail(w, NULL, why.text);
    }
    w->dir_shared = writable;
    w->has_user_dir = w->has_user_dir || (st->st_uid != 0 && st->st_uid == w->user);
    return PAT_OK;
}

/* Makes `fd` the directory that was reached; it is the walk's from now on. */
static enum pat_err
enter(struct walk *w, int fd)
{
    struct stat st;

    if (w->dir >= 0)
        (void)close(w->dir);
    w->dir = fd;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail_errno(w, NULL, errno);
    return check_dir(w, &st);
}

static enum pat_err
enter_root(struct walk *w)
{
    w->where[0] = '\0';
    skip_slashes(w->rest);
    return enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Notes in `where` that the walk goes to `name`, which may be "..". */
static bool
note_step(struct walk *w, const char *name)
{
    size_t len = strlen(w->where);
    char *slash = strrchr(w->where, '/');

    if (strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") == 0) {
        if (slash != NULL)
            *slash = '\0';
        return true;
    }
    if (len + 1 + strlen(name) >= sizeof(w->where))
        return false;
    w->where[len] = '/';
    memcpy(w->where + len + 1, name, strlen(name) + 1);
    return true;
}

/* Puts the target of the link `fd` before the rest. */
static enum pat_err
follow(struct walk *w, int fd)
{
    ssize_t n = readlinkat(fd, "", w->link, sizeof(w->link));
    size_t rest = strlen(w->rest);
    struct stat st;

    if (n < 0)
        return fail_errno(w, w->name, errno);
    if (++w->links > LINKS_MAX)
        return fail_errno(w, w->name, ELOOP);
    if ((size_t)n + 1 + rest >= sizeof(w->rest))
        return fail_errno(w, w->name, ENAMETOOLONG);
    memmove(w->rest + n + (rest > 0), w->rest, rest + 1);
    memcpy(w->rest, w->link, (size_t)n);
    if (rest > 0)
        w->rest[n] = '/';
    if (w->rest[0] == '/')
        return enter_root(w);
    /* Again: it may not be the last one after all. */
    return fstat(w->dir, &st) == 0 ? check_dir(w, &st) : fail_errno(w, NULL, errno);
}

/* Takes the next component off the rest. False: it is too long. */
static bool
take_name(struct walk *w)
{
    size_t len = strcspn(w->rest, "/");

    if (len >= sizeof(w->name))
        return false;
    memcpy(w->name, w->rest, len);
    w->name[len] = '\0';
    memmove(w->rest, w->rest + len, strlen(w->rest + len) + 1);
    return true;
}

/*
 * Goes to the component `name`, which is open as *fd, and takes *fd where that becomes
 * the directory. *ret_end: it is the last.
 */
static enum pat_err
go_to(struct walk *w, int *fd, bool *ret_end)
{
    bool last = w->rest[0] == '\0';
    struct pat_diag why = {0};
    struct stat st;
    int dir = *fd;

    if (fstat(*fd, &st) != 0)
        return fail_errno(w, w->name, errno);
    if (w->dir_shared && !is_trusted(w, st.st_uid)) {
        pat_diag_set(&why,
            "must be owned by root or %s (chown root), in a directory where others may "
            "write: its owner could %s",
            words[w->end].who, words[w->end].damage);
        return fail(w, w->name, why.text);
    }
    if (S_ISLNK(st.st_mode) && !(last && w->end == PAT_PATH_SERVE)) {
        skip_slashes(w->rest);
        return follow(w, *fd);
    }
    if (last) {
        *ret_end = true;
        return PAT_OK;
    }
    if (!note_step(w, w->name))
        return fail_errno(w, w->name, ENAMETOOLONG);
    skip_slashes(w->rest);
    *fd = -1;
    return enter(w, dir);
}

static enum pat_err
walk_on(struct walk *w)
{
    bool at_end = false;
    enum pat_err err = PAT_OK;

    while (err == PAT_OK && !at_end) {
        int fd;

        if (w->rest[0] == '\0')
            return fail(w, NULL, "is a directory");
        if (!take_name(w))
            return fail_errno(w, NULL, ENAMETOOLONG);
        fd = openat(w->dir, w->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return w->end == PAT_PATH_SERVE && w->rest[0] == '\0' && errno == ENOENT
                       ? PAT_OK
                       : fail_errno(w, w->name, errno);
        err = go_to(w, &fd, &at_end);
        if (fd >= 0)
            (void)close(fd);
    }
    return err;
}

/* The path from / on, for the walk to go along. */
static enum pat_err
begin(struct walk *w, const char *path)
{
    size_t len = 0;

    if (path[0] != '/') {
        if (getcwd(w->rest, sizeof(w->rest) - 1) == NULL || w->rest[0] != '/')
            return fail_errno(w, NULL, errno != 0 ? errno : ENOENT);
        len = strlen(w->rest);
        w->rest[len++] = '/';
    }
    if (len + strlen(path) >= sizeof(w->rest))
        return fail_errno(w, NULL, ENAMETOOLONG);
    memcpy(w->rest + len, path, strlen(path) + 1);
    return enter_root(w);
}

enum pat_err
pat_path_open(const char *path, enum pat_path_end end, uid_t user, struct pat_path *ret,
    int *ret_errno, struct pat_diag *diag)
{
    struct walk *w = calloc(1, sizeof(*w));
    enum pat_err err;

    if (w == NULL)
        return PAT_ERR_NOMEM;
    w->end = end;
    w->user = user;
    w->dir = -1;
    w->diag = diag;
    err = begin(w, path);
    if (err == PAT_OK)
        err = walk_on(w);

    if (err == PAT_OK) {
        ret->dir_fd = w->dir;
        ret->has_user_dir = w->has_user_dir;
        memcpy(ret->name, w->name, sizeof(ret->name));
    } else {
        if (w->dir >= 0)
            (void)close(w->dir);
        if (ret_errno != NULL)
            *ret_errno = w->error;
    }
    free(w);
    return err;
}

enum pat_err
pat_path_check(
    const char *path, enum pat_path_end end, int *ret_errno, struct pat_diag *diag)
{
    struct pat_path at;
    enum pat_err err = pat_path_open(path, end, PAT_PATH_NOBODY, &at, ret_errno, diag);

    if (err == PAT_OK)
        (void)close(at.dir_fd);
    return err;
}

bool
pat_path_is_closed(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st = {0}, above = {0};
    bool closed = false, at_root = false;

    for (int i = 0; i < DEPTH_MAX && fd >= 0 && !closed && !at_root; i++) {
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fstat(fd, &st) == 0)
            closed = (st.st_mode & S_IXOTH) == 0;
        at_root = up < 0 || fstat(up, &above) != 0 ||
                  (st.st_dev == above.st_dev && st.st_ino == above.st_ino);
        (void)close(fd);
        fd = up;
    }
    if (fd >= 0)
        (void)close(fd);
    return closed;
}
