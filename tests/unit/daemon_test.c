/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket of a daemon, while somebody who may write to its directory, or owns a part
 * of the way, puts something else there at the worst moment. bind(2) is that moment.
 */
#include "unit.h"

#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon.h"

static char dir[UNIT_PATH_MAX];
static unsigned fds;                   /* before a test */
static char place[UNIT_PATH_MAX + 32]; /* the socket's directory */
static char path[UNIT_PATH_MAX + 64];
static char victim_dir[UNIT_PATH_MAX + 32];
static char victim[UNIT_PATH_MAX + 64];

static void (*before_bind)(void), (*after_bind)(void);

/* In libc's place: the program's own symbols come first. */
int
bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    int rc;

    if (before_bind != NULL)
        before_bind();
    rc = (int)syscall(SYS_bind, fd, addr, len);
    if (after_bind != NULL)
        after_bind();
    return rc;
}

static enum pat_err
open_as(const char *user, const char *group, mode_t mode, struct pat_socket *ret,
    struct pat_diag *diag)
{
    const struct pat_socket_spec spec = {.program = "test",
        .path_key = "socket",
        .path = path,
        .mode = mode,
        .group_key = "group",
        .group = group,
        .user = user};

    return pat_socket_open(&spec, ret, diag);
}

static void
close_socket(struct pat_socket *s)
{
    pat_socket_unlink(s);
    (void)close(s->fd);
}

static bool
needs_root(void)
{
    if (geteuid() == 0)
        return true;
    print_message("skipped: only root can become another user\n");
    return false;
}

static void
give_to_nobody(const char *what)
{
    const struct passwd *pw = getpwnam("nobody");

    assert_non_null(pw);
    assert_int_equal(chown(what, pw->pw_uid, pw->pw_gid), 0);
}

struct swap_row {
    const char *name;
    void (*before)(void), (*after)(void);
};

static void
put_link(void)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(victim, path), 0);
}

static void
put_file(void)
{
    assert_int_equal(unlink(path), 0);
    unit_file_write(path, "x\n", 2, 0600);
}

/* Of the same user, as a socket of another daemon is. */
static void
put_hard_link(void)
{
    char other[UNIT_PATH_MAX + 64];

    (void)snprintf(other, sizeof(other), "%s/other", victim_dir);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(link(other, path), 0);
}

static void
put_nothing(void)
{
    assert_int_equal(unlink(path), 0);
}

static void
put_linked_directory(void)
{
    char away[UNIT_PATH_MAX + 64];

    (void)snprintf(away, sizeof(away), "%s/away", dir);
    assert_int_equal(rename(place, away), 0);
    assert_int_equal(symlink(victim_dir, place), 0);
}

static const struct swap_row swaps[] = {
    {"a symbolic link in its place", NULL, put_link},
    {"a file in its place", NULL, put_file},
    {"a hard link to another socket in its place", NULL, put_hard_link},
    {"nothing in its place", NULL, put_nothing},
    {"a link in the place of its directory", put_linked_directory, NULL},
    {"a link in the place of its directory, later", NULL, put_linked_directory},
};

/* Whatever happened, the victim is as before, and the daemon does not start. */
static void
swapped(void **state)
{
    const struct swap_row *row = *state;
    struct pat_socket s = {.fd = -1};
    struct pat_diag diag = {0};
    struct stat st;
    enum pat_err err;

    unit_file_write(victim, "precious\n", 9, 0600);
    before_bind = row->before;
    after_bind = row->after;
    err = open_as(NULL, geteuid() == 0 ? "daemon" : NULL, 0666, &s, &diag);
    assert_int_equal(stat(victim, &st), 0);
    unit_check_int("mode", st.st_mode & 07777, 0600);
    unit_check_int("group", st.st_gid, getegid());
    unit_check_int("size", st.st_size, 9);
    if (row->after == put_linked_directory) {
        unit_check_err(err, PAT_OK); /* made where it was to be */
        close_socket(&s);
        return;
    }
    unit_check_err(err, PAT_ERR_CONFIG);
    if (strncmp(diag.text, "socket: ", 8) != 0)
        fail_msg("\"%s\" does not name the setting", diag.text);
}

/* Root goes nowhere for the owner of the directory where that user could not go. */
static void
owner_leads_elsewhere(void **state)
{
    char there[UNIT_PATH_MAX + 64];
    struct pat_socket s = {.fd = -1};

    (void)state;
    if (!needs_root())
        skip();
    give_to_nobody(dir);
    give_to_nobody(place);
    before_bind = put_linked_directory;
    unit_check_err(open_as("nobody", NULL, 0666, &s, NULL), PAT_ERR_CONFIG);
    (void)snprintf(there, sizeof(there), "%s/sock", victim_dir);
    unit_check_int("a socket in the directory of root", access(there, F_OK), -1);
    before_bind = NULL;
}

struct mode_row {
    const char *name;
    mode_t mode;
};

static const struct mode_row modes[] = {
    {"0666", 0666}, {"0660", 0660}, {"0600", 0600}, {"0000", 0}, {"0777", 0777}};

static void
has_mode(void **state)
{
    const struct mode_row *row = *state;
    const char *group = geteuid() == 0 ? "daemon" : NULL;
    mode_t mask = umask(027);
    struct pat_socket s;
    struct pat_diag diag = {0};
    struct stat st;

    unit_check_err(open_as(NULL, group, row->mode, &s, &diag), PAT_OK);
    unit_check_int("umask", umask(mask), 027);
    assert_int_equal(lstat(path, &st), 0);
    unit_check_int("is a socket", S_ISSOCK(st.st_mode), true);
    unit_check_int("mode", st.st_mode & 07777, row->mode);
    unit_check_int("owner", st.st_uid, geteuid());
    if (group != NULL)
        unit_check_int("group", st.st_gid, 1);
    close_socket(&s);
    unit_check_int("left behind", access(path, F_OK), -1);
    pat_socket_unlink(&s);
}

static void
owner_of_directory(void **state)
{
    const struct passwd *pw;
    struct pat_socket s;
    struct pat_diag diag = {0};
    struct stat st;

    (void)state;
    if (!needs_root())
        skip();
    give_to_nobody(place);
    unit_check_err(open_as("daemon", NULL, 0660, &s, &diag), PAT_ERR_CONFIG);
    unit_check_err(open_as("nobody", "daemon", 0660, &s, &diag), PAT_OK);
    assert_int_equal(lstat(path, &st), 0);
    pw = getpwnam("nobody");
    unit_check_int("owner", st.st_uid, pw->pw_uid);
    unit_check_int("group", st.st_gid, 1);
    unit_check_int("mode", st.st_mode & 07777, 0660);
    close_socket(&s);
    /* Root is root again. */
    unit_file_write(victim, "x\n", 2, 0600);
    assert_int_equal(lstat(victim, &st), 0);
    unit_check_int("owner", st.st_uid, 0);
}

/* A directory of that name that came later is not touched. */
static void
directory_is_another(void **state)
{
    struct pat_socket s;
    struct pat_diag diag = {0};
    struct stat st;

    (void)state;
    unit_check_err(open_as(NULL, NULL, 0600, &s, &diag), PAT_OK);
    put_linked_directory();
    (void)snprintf(victim, sizeof(victim), "%s/sock", victim_dir);
    unit_file_write(victim, "x\n", 2, 0600);
    close_socket(&s);
    unit_check_int("the other one", lstat(victim, &st), 0);
}

static int
setup(void **state)
{
    (void)state;
    before_bind = NULL;
    after_bind = NULL;
    fds = unit_count_fds();
    unit_dir_make(dir);
    (void)snprintf(place, sizeof(place), "%s/place", dir);
    (void)snprintf(path, sizeof(path), "%s/sock", place);
    (void)snprintf(victim_dir, sizeof(victim_dir), "%s/victims", dir);
    (void)snprintf(victim, sizeof(victim), "%s/victim", victim_dir);
    return chmod(dir, 0755) != 0 || mkdir(place, 0755) != 0 ||
           mkdir(victim_dir, 0755) != 0;
}

static int
teardown(void **state)
{
    (void)state;
    return unit_dir_end(dir, fds);
}

int
main(void)
{
    unit_fixture(setup, teardown);
    UNIT_TABLE("swap", swapped, swaps);
    unit_add("swap", "the owner of the directory leads root elsewhere",
        owner_leads_elsewhere, NULL);
    UNIT_TABLE("mode", has_mode, modes);
    unit_add(
        "owner", "the directory is of the user that serves", owner_of_directory, NULL);
    unit_add("unlink", "the directory is another one now", directory_is_another, NULL);
    return unit_run("daemon");
}
