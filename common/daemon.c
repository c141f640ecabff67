/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "path.h"

static enum pat_err
fail(struct pat_diag *diag, const char *key, const char *what, const char *why)
{
    pat_diag_set(diag, "%s: %s: %s", key, what, why);
    return PAT_ERR_CONFIG;
}

static enum pat_err
fail_errno(struct pat_diag *diag, const char *key, const char *what)
{
    return fail(diag, key, what, pat_errno_text(errno));
}

bool
pat_daemon_forbid_dumps(void)
{
    struct rlimit none = {0, 0};

    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

enum pat_err
pat_daemon_drop_root(
    const char *program, const char *key, const char *user, struct pat_diag *diag)
{
    const char *name = user != NULL ? user : "root";
    const struct passwd *pw;

    if (geteuid() != 0)
        return PAT_OK;
    errno = 0;
    pw = getpwnam(name);
    if (pw == NULL)
        return fail(diag, key, name, "no such user; create it, or name another");
    if (pw->pw_uid == 0) {
        pat_diag_set(diag, "%s: %s: %s does not run as root; name another user", key,
            name, program);
        return PAT_ERR_CONFIG;
    }
    if (initgroups(name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
        setuid(pw->pw_uid) != 0 || setuid(0) == 0 || !pat_daemon_forbid_dumps())
        return fail(diag, key, name, "cannot become that user");
    return PAT_OK;
}

static int
new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A socket that is being made. */
struct making {
    const struct pat_socket_spec *spec;
    struct sockaddr_un addr;
    uid_t uid; /* who we shall be, or PAT_PATH_NOBODY */
    gid_t gid;
    struct pat_path at;
    struct pat_socket socket;
    struct pat_diag *diag;
};

static enum pat_err
fail_path(const struct making *m, int error)
{
    errno = error;
    return fail_errno(m->diag, m->spec->path_key, m->spec->path);
}

/* Makes way for our socket if what is there is one that was left behind. */
static enum pat_err
clear_path(const struct making *m)
{
    struct stat st;
    int fd, rc;

    if (fstatat(m->at.dir_fd, m->at.name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? PAT_OK : fail_path(m, errno);
    if (!S_ISSOCK(st.st_mode))
        return fail(m->diag, m->spec->path_key, m->spec->path,
            "exists and is no socket: remove it, or name another path");
    fd = new_socket();
    if (fd < 0)
        return fail_path(m, errno);
    rc = connect(fd, (const struct sockaddr *)&m->addr, sizeof(m->addr));
    if (rc == 0 || errno != ECONNREFUSED) {
        (void)close(fd);
        pat_diag_set(m->diag, "%s: %s: is in use (is another %s running?)",
            m->spec->path_key, m->spec->path, m->spec->program);
        return PAT_ERR_CONFIG;
    }
    (void)close(fd);
    return unlinkat(m->at.dir_fd, m->at.name, 0) == 0 ? PAT_OK : fail_path(m, errno);
}

/* Its directory must be safe, and nothing be in the way. */
static enum pat_err
prepare_path(struct making *m)
{
    const struct pat_socket_spec *spec = m->spec;
    const struct passwd *pw = NULL;
    struct pat_diag why = {0};
    enum pat_err err;

    if (strlen(spec->path) >= sizeof(m->addr.sun_path))
        return fail(m->diag, spec->path_key, spec->path, "is too long for a socket");
    m->addr.sun_family = AF_UNIX;
    memcpy(m->addr.sun_path, spec->path, strlen(spec->path) + 1);
    m->uid = PAT_PATH_NOBODY;
    if (geteuid() == 0 && spec->user != NULL)
        pw = getpwnam(spec->user);
    if (pw != NULL) {
        m->uid = pw->pw_uid;
        m->gid = pw->pw_gid;
    }
    err = pat_path_open(spec->path, PAT_PATH_SERVE, m->uid, &m->at, NULL, &why);
    if (err == PAT_ERR_CONFIG)
        pat_diag_set(m->diag, "%s: %s", spec->path_key, why.text);
    return err;
}

/*
 * Binds, with the rights of the user that we shall be where the directory is that user's:
 * a link that this user puts in the way leads root nowhere.
 */
static int
bind_as_owner(const struct making *m)
{
    mode_t mask = umask(~m->spec->mode & 0777);
    bool as_user = m->at.has_user_dir;
    int rc = -1, error = EPERM;

    if (as_user && setgroups(0, NULL) == 0) {
        (void)setfsgid(m->gid);
        (void)setfsuid(m->uid);
    }
    /* These return what was before, also where they were refused. */
    if (!as_user || (uid_t)setfsuid((uid_t)-1) == m->uid) {
        rc = bind(m->socket.fd, (const struct sockaddr *)&m->addr, sizeof(m->addr));
        error = errno;
    }
    if (as_user) {
        (void)setfsuid(geteuid());
        (void)setfsgid(getegid());
    }
    (void)umask(mask);
    errno = error;
    return rc;
}

/* Opens the file that bind(2) made, in the directory that was checked, and no other. */
static enum pat_err
open_file(struct making *m, int *ret_fd)
{
    int fd = openat(m->at.dir_fd, m->at.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st = {0};

    if (fd < 0)
        return fail_path(m, errno);
    if (fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode) || st.st_nlink != 1 ||
        st.st_uid != (m->at.has_user_dir ? m->uid : geteuid())) {
        (void)close(fd);
        return fail(m->diag, m->spec->path_key, m->spec->path,
            "was replaced while it was made: see who else uses the directory");
    }
    m->socket.dev = st.st_dev;
    m->socket.ino = st.st_ino;
    *ret_fd = fd;
    return PAT_OK;
}

/* Gives the file, by its descriptor, its group. */
static enum pat_err
permit(const struct making *m, int fd)
{
    const struct pat_socket_spec *spec = m->spec;
    const struct group *group;

    if (spec->group == NULL)
        return PAT_OK;
    errno = 0;
    group = getgrnam(spec->group);
    if (group == NULL)
        return errno != 0 ? fail_errno(m->diag, spec->group_key, spec->group)
                          : fail(m->diag, spec->group_key, spec->group, "no such group");
    if (fchownat(fd, "", (uid_t)-1, group->gr_gid, AT_EMPTY_PATH) != 0)
        return fail_errno(m->diag, spec->group_key, spec->group);
    return PAT_OK;
}

/* Who may use it is said before it listens. */
static enum pat_err
make_socket(struct making *m)
{
    enum pat_err err = clear_path(m);
    int file_fd = -1;

    if (err != PAT_OK)
        return err;
    m->socket.fd = new_socket();
    if (m->socket.fd < 0 || bind_as_owner(m) != 0)
        return fail_path(m, errno);
    err = open_file(m, &file_fd);
    if (err == PAT_OK)
        err = permit(m, file_fd);
    if (file_fd >= 0)
        (void)close(file_fd);
    if (err == PAT_OK && listen(m->socket.fd, PAT_SOCKET_BACKLOG) != 0)
        err = fail_path(m, errno);
    return err;
}

enum pat_err
pat_socket_open(
    const struct pat_socket_spec *spec, struct pat_socket *ret, struct pat_diag *diag)
{
    struct making m = {
        .spec = spec, .diag = diag, .socket = {.fd = -1, .path = spec->path}};
    enum pat_err err = prepare_path(&m);

    if (err != PAT_OK)
        return err;
    m.socket.dir_fd = m.at.dir_fd;
    err = make_socket(&m);
    if (err == PAT_OK) {
        *ret = m.socket;
        return PAT_OK;
    }
    pat_socket_unlink(&m.socket);
    if (m.socket.fd >= 0)
        (void)close(m.socket.fd);
    return err;
}

void
pat_socket_unlink(struct pat_socket *s)
{
    const char *name = s->path != NULL ? strrchr(s->path, '/') : NULL;
    struct stat st;

    if (name == NULL)
        return;
    name++;
    if (fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == s->dev &&
        st.st_ino == s->ino)
        (void)unlinkat(s->dir_fd, name, 0);
    (void)close(s->dir_fd);
    s->path = NULL;
}
