/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "file.h"
#include "path.h"

static char dir[UNIT_PATH_MAX];
static unsigned fds;       /* before a test */
static bool way_is_closed; /* others cannot reach `dir`, wherever it is */
static char path[UNIT_PATH_MAX + 32];
static char other[UNIT_PATH_MAX + 32];

struct mode_row {
    const char *name;
    unsigned mode;
    bool settings, secret;
};

static const struct mode_row modes[] = {
    {"0600", 0600, true, true},
    {"0400", 0400, true, true},
    {"0640", 0640, true, true},
    {"0440", 0440, true, true},
    {"0644", 0644, true, false},
    {"0444", 0444, true, false},
    {"0755", 0755, true, false},
    {"0601", 0601, true, false},
    {"0604", 0604, true, false},
    {"0620", 0620, false, false},
    {"0660", 0660, false, false},
    {"0664", 0664, false, false},
    {"0602", 0602, false, false},
    {"0646", 0646, false, false},
    {"0666", 0666, false, false},
    {"0777", 0777, false, false},
};

static bool
opens(enum pat_file_kind kind)
{
    FILE *file = NULL;
    struct pat_diag diag = {0};
    enum pat_err err = pat_file_open(path, kind, &file, &diag);

    if (err == PAT_OK) {
        if (!(fcntl(fileno(file), F_GETFD) & FD_CLOEXEC))
            fail_msg("is inherited by programs that are executed");
        (void)fclose(file);
        return true;
    }
    unit_check_err(err, PAT_ERR_CONFIG);
    assert_null(file);
    if (strncmp(diag.text, path, strlen(path)) != 0 ||
        strncmp(diag.text + strlen(path), ": ", 2) != 0)
        fail_msg("is not PATH: what is wrong: \"%s\"", diag.text);
    return false;
}

static void
mode(void **state)
{
    const struct mode_row *row = *state;

    unit_file_write(path, "x\n", 2, row->mode);
    unit_check_int("settings", opens(PAT_FILE_SETTINGS), row->settings);
    unit_check_int("secret", opens(PAT_FILE_SECRET),
        row->secret || (row->settings && way_is_closed));
}

struct wrong_row {
    const char *name;
    void (*make)(void);
    const char *want;
};

static void
make_nothing(void)
{
}

static void
make_directory(void)
{
    assert_int_equal(mkdir(path, 0700), 0);
}

static void
make_fifo(void)
{
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void
make_symlink_to_directory(void)
{
    assert_int_equal(symlink(dir, path), 0);
}

static void
make_dangling_symlink(void)
{
    assert_int_equal(symlink("/nonexistent/file", path), 0);
}

static void
make_loop(void)
{
    assert_int_equal(symlink(path, path), 0);
}

static void
make_socket(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%.100s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    (void)close(fd);
}

static void
make_large(void)
{
    unit_file_write(path, unit_repeat('x', PAT_FILE_MAX + 1), PAT_FILE_MAX + 1, 0600);
}

#define REGULAR "is not a regular file"

static const struct wrong_row wrongs[] = {
    {"missing", make_nothing, "No such file or directory"},
    {"a directory", make_directory, REGULAR},
    {"a FIFO without a writer", make_fifo, REGULAR},
    {"a symbolic link to nothing", make_dangling_symlink,
        "/nonexistent: No such file or directory"},
    {"a symbolic link to itself", make_loop, "Too many levels of symbolic links"},
    {"a symbolic link to a directory", make_symlink_to_directory, REGULAR},
    {"a socket", make_socket, "No such device or address"},
    {"one byte too large", make_large, "is larger than 64 KiB"},
};

static void
refuses(void **state)
{
    const struct wrong_row *row = *state;
    FILE *file = NULL;
    struct pat_diag diag = {0};
    char want[512];

    row->make();
    (void)snprintf(want, sizeof(want), "%s: %s", path, row->want);
    unit_check_err(pat_file_open(path, PAT_FILE_SETTINGS, &file, &diag), PAT_ERR_CONFIG);
    unit_check_string("text", diag.text, want);
    assert_null(file);
    unit_check_err(pat_file_open(path, PAT_FILE_SECRET, &file, NULL), PAT_ERR_CONFIG);
}

static void
reads(void **state)
{
    FILE *file = NULL;
    char buf[16] = "";

    (void)state;
    unit_file_write(path, "hello\n", 6, 0600);
    unit_check_err(pat_file_open(path, PAT_FILE_SECRET, &file, NULL), PAT_OK);
    assert_non_null(fgets(buf, sizeof(buf), file));
    unit_check_string("content", buf, "hello\n");
    (void)fclose(file);
}

static void
largest(void **state)
{
    (void)state;
    unit_file_write(path, unit_repeat('x', PAT_FILE_MAX), PAT_FILE_MAX, 0600);
    assert_true(opens(PAT_FILE_SETTINGS));
}

static void
empty(void **state)
{
    (void)state;
    unit_file_write(path, "", 0, 0600);
    assert_true(opens(PAT_FILE_SETTINGS));
}

static void
through_symlink(void **state)
{
    char through[UNIT_PATH_MAX + 64];
    FILE *file = NULL;

    (void)state;
    unit_file_write(path, "x\n", 2, 0600);
    assert_int_equal(symlink(dir, other), 0);
    (void)snprintf(through, sizeof(through), "%s/file", other);
    unit_check_err(pat_file_open(through, PAT_FILE_SETTINGS, &file, NULL), PAT_OK);
    (void)fclose(file);
}

/* What counts is the file, and each directory on the way to it. */
static void
is_symlink(void **state)
{
    (void)state;
    unit_file_write(other, "x\n", 2, 0600);
    assert_int_equal(symlink(other, path), 0);
    assert_true(opens(PAT_FILE_SECRET));
    assert_int_equal(chmod(other, 0644), 0);
    assert_true(opens(PAT_FILE_SETTINGS));
    unit_check_int("secret", opens(PAT_FILE_SECRET), way_is_closed);
    assert_int_equal(chmod(other, 0666), 0);
    assert_false(opens(PAT_FILE_SETTINGS));
}

static void
open_directory(void **state)
{
    struct pat_diag diag = {0};
    FILE *file = NULL;
    char want[1024];

    (void)state;
    unit_file_write(path, "x\n", 2, 0600);
    assert_int_equal(chmod(dir, 0777), 0);
    (void)snprintf(want, sizeof(want),
        "%s: %s: must not be writable by group or others (chmod go-w), who could replace "
        "the file",
        path, dir);
    unit_check_err(pat_file_open(path, PAT_FILE_SETTINGS, &file, &diag), PAT_ERR_CONFIG);
    unit_check_string("text", diag.text, want);
}

/* A secret that others could read, were it not for its directory, or one above. */
static void
closed_directory(void **state)
{
    char below[UNIT_PATH_MAX + 64];

    (void)state;
    unit_file_write(path, "x\n", 2, 0444);
    assert_int_equal(chmod(dir, 0750), 0);
    assert_true(opens(PAT_FILE_SECRET));
    assert_int_equal(chmod(dir, 0754), 0);
    assert_true(opens(PAT_FILE_SECRET));
    assert_int_equal(unlink(path), 0);
    (void)snprintf(below, sizeof(below), "%s/below", dir);
    assert_int_equal(mkdir(below, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/below/file", dir);
    unit_file_write(path, "x\n", 2, 0444);
    assert_true(opens(PAT_FILE_SECRET));
    assert_int_equal(chmod(dir, 0751), 0);
    unit_check_int("secret", opens(PAT_FILE_SECRET), way_is_closed);
}

/* A link leads out of the closed directory, to where others may read. */
static void
closed_link(void **state)
{
    char closed[UNIT_PATH_MAX + 64];

    (void)state;
    (void)snprintf(closed, sizeof(closed), "%s/closed", dir);
    assert_int_equal(mkdir(closed, 0700), 0);
    unit_file_write(other, "x\n", 2, 0444);
    (void)snprintf(path, sizeof(path), "%s/closed/file", dir);
    assert_int_equal(symlink("../other", path), 0);
    unit_check_int("secret", opens(PAT_FILE_SECRET), way_is_closed);
}

/* Whoever we are, what root owns may be trusted. */
static void
roots_file(void **state)
{
    FILE *file = NULL;

    (void)state;
    unit_check_err(pat_file_open("/etc/passwd", PAT_FILE_SETTINGS, &file, NULL), PAT_OK);
    (void)fclose(file);
}

static void
foreign_owner(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give a file away\n");
        skip();
    }
    unit_file_write(path, "x\n", 2, 0600);
    assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
    assert_false(opens(PAT_FILE_SETTINGS));
    assert_false(opens(PAT_FILE_SECRET));
}

static void
unreadable(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        print_message("skipped: root reads everything\n");
        skip();
    }
    unit_file_write(path, "x\n", 2, 0000);
    assert_false(opens(PAT_FILE_SETTINGS));
}

static int
setup(void **state)
{
    int fd;

    (void)state;
    fds = unit_count_fds();
    unit_dir_make(dir);
    if (chmod(dir, 0755) != 0)
        return -1;
    fd = open(dir, O_PATH | O_CLOEXEC);
    way_is_closed = pat_path_is_closed(fd);
    (void)close(fd);
    (void)snprintf(path, sizeof(path), "%s/file", dir);
    (void)snprintf(other, sizeof(other), "%s/other", dir);
    return 0;
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
    UNIT_TABLE("mode", mode, modes);
    UNIT_TABLE("refuse", refuses, wrongs);
    unit_add("open", "what is read is the file", reads, NULL);
    unit_add("open", "the largest", largest, NULL);
    unit_add("open", "empty", empty, NULL);
    unit_add("open", "through a linked directory", through_symlink, NULL);
    unit_add("open", "a symbolic link", is_symlink, NULL);
    unit_add("open", "owned by root", roots_file, NULL);
    unit_add("open", "in a directory that is closed to others", closed_directory, NULL);
    unit_add("refuse", "in a directory that others can write", open_directory, NULL);
    unit_add(
        "refuse", "by a link in a directory that is closed to others", closed_link, NULL);
    unit_add("refuse", "owned by another user", foreign_owner, NULL);
    unit_add("refuse", "unreadable", unreadable, NULL);
    return unit_run("file");
}
