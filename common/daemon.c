/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "file.h"

static enum pat_err
fail(struct pat_diag *diag, const char *key, const char *what, const char *why)
{
    pat_diag_set(diag, "%s: %s: %s", key, what, why);
    return PAT_ERR_CONFIG;
}

static enum pat_err
fail_errno(struct pat_diag *diag, const char *key, const char *what)
{
    const char *why = strerrordesc_np(errno);

    return fail(diag, key, what, why != NULL ? why : "unknown error");
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

/* Make way for our socket if what is there is one that was left behind. */
static enum pat_err
clear_path(const struct pat_socket_spec *spec, const struct sockaddr_un *addr,
    struct pat_diag *diag)
{
    struct stat st;
    int fd, rc;

    if (lstat(spec->path, &st) != 0)
        return errno == ENOENT ? PAT_OK : fail_errno(diag, spec->path_key, spec->path);
    if (!S_ISSOCK(st.st_mode))
        return fail(diag, spec->path_key, spec->path,
            "exists and is no socket: remove it, or name another path");
    fd = new_socket();
    if (fd < 0)
        return fail_errno(diag, spec->path_key, spec->path);
    rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
    if (rc == 0 || errno != ECONNREFUSED) {
        (void)close(fd);
        pat_diag_set(diag, "%s: %s: is in use (is another %s running?)", spec->path_key,
            spec->path, spec->program);
        return PAT_ERR_CONFIG;
    }
    (void)close(fd);
    if (unlink(spec->path) != 0)
        return fail_errno(diag, spec->path_key, spec->path);
    return PAT_OK;
}

/* Its directory must be safe, and nothing be in the way. */
static enum pat_err
prepare_path(const struct pat_socket_spec *spec, struct sockaddr_un *ret_addr,
    struct pat_diag *diag)
{
    struct pat_diag why = {0};

    if (strlen(spec->path) >= sizeof(ret_addr->sun_path))
        return fail(diag, spec->path_key, spec->path, "is too long for a socket");
    memcpy(ret_addr->sun_path, spec->path, strlen(spec->path) + 1);
    if (pat_file_check_directory(spec->path, spec->user, &why) == PAT_OK)
        return clear_path(spec, ret_addr, diag);
    pat_diag_set(diag, "%s: %s", spec->path_key, why.text);
    return PAT_ERR_CONFIG;
}

/* The file that bind(2) makes may be used by nobody. */
static enum pat_err
bind_file(const struct pat_socket_spec *spec, const struct sockaddr_un *addr,
    struct pat_socket *s, struct pat_diag *diag)
{
    struct stat st = {0};
    mode_t mask = umask(0777);
    int rc = bind(s->fd, (const struct sockaddr *)addr, sizeof(*addr));

    (void)umask(mask);
    if (rc != 0 || lstat(spec->path, &st) != 0)
        return fail_errno(diag, spec->path_key, spec->path);
    s->path = spec->path;
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    return PAT_OK;
}

/* Who may use it is said before it listens. */
static enum pat_err
permit(const struct pat_socket_spec *spec, struct pat_diag *diag)
{
    const struct group *group = NULL;

    if (spec->group != NULL) {
        errno = 0;
        group = getgrnam(spec->group);
        if (group == NULL)
            return errno != 0 ? fail_errno(diag, spec->group_key, spec->group)
                              : fail(diag, spec->group_key, spec->group, "no such group");
        if (chown(spec->path, (uid_t)-1, group->gr_gid) != 0)
            return fail_errno(diag, spec->group_key, spec->group);
    }
    if (chmod(spec->path, spec->mode) != 0)
        return fail_errno(diag, spec->path_key, spec->path);
    return PAT_OK;
}

enum pat_err
pat_socket_open(
    const struct pat_socket_spec *spec, struct pat_socket *ret, struct pat_diag *diag)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct pat_socket s = {.path = NULL};
    enum pat_err err = prepare_path(spec, &addr, diag);

    if (err != PAT_OK)
        return err;
    s.fd = new_socket();
    if (s.fd < 0)
        return fail_errno(diag, spec->path_key, spec->path);
    err = bind_file(spec, &addr, &s, diag);
    if (err == PAT_OK)
        err = permit(spec, diag);
    if (err == PAT_OK && listen(s.fd, PAT_SOCKET_BACKLOG) != 0)
        err = fail_errno(diag, spec->path_key, spec->path);
    if (err != PAT_OK) {
        pat_socket_unlink(&s);
        (void)close(s.fd);
        return err;
    }
    *ret = s;
    return PAT_OK;
}

void
pat_socket_unlink(const struct pat_socket *s)
{
    struct stat st;

    if (s->path != NULL && lstat(s->path, &st) == 0 && st.st_dev == s->dev &&
        st.st_ino == s->ino)
        (void)unlink(s->path);
}
