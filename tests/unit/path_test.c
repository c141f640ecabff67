/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directories of a case, below a new one, and what may be at the end of a path
 * through them. A case with owners needs root. Ours is the effective user, which is root
 * then.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net.h"
#include "path.h"

#define EVE     65533 /* another user */
#define DAEMON  65532 /* the user of the service */
#define OURS    0     /* no owner is set */
#define DEFAULT 0     /* no mode is set: 0755 */

static char dir[UNIT_PATH_MAX];
static unsigned fds; /* before a test */

/* Something below `dir`. */
struct node {
    const char *name;
    unsigned mode;
    uid_t owner;
    const char *link; /* of a symbolic link, the target; @ is `dir` */
    bool file;
};

struct case_row {
    const char *name;
    struct node nodes[6];
    const char *path;       /* below `dir` */
    bool file, serve, conn; /* whether each is accepted */
    const char *component;  /* at fault, below `dir`; NULL: the path */
    const char *text;       /* of the fault; NULL, both: they differ */
};

#define DIRECTORY(n, m, o)                                                               \
    {                                                                                    \
        .name = (n), .mode = (m), .owner = (o)                                           \
    }
#define PLAIN(n, m, o)                                                                   \
    {                                                                                    \
        .name = (n), .mode = (m), .owner = (o), .file = true                             \
    }
#define LINK(n, to, o)                                                                   \
    {                                                                                    \
        .name = (n), .link = (to), .owner = (o)                                          \
    }

#define OWNER "must be owned by root or by"
#define WRITE "must not be writable by group or others (chmod go-w), who could "

static const struct case_row cases[] = {
    {"a directory of ours", {DIRECTORY("a", DEFAULT, OURS), PLAIN("a/x", 0600, OURS)},
        "a/x", true, true, true, NULL, NULL},
    {"no file", {DIRECTORY("a", DEFAULT, OURS)}, "a/x", false, true, false, NULL,
        "No such file or directory"},
    {"no directory", {DIRECTORY("a", DEFAULT, OURS)}, "a/b/x", false, false, false, "a/b",
        "No such file or directory"},
    {"a file for a directory", {PLAIN("a", 0644, OURS)}, "a/x", false, false, false, "a",
        "Not a directory"},
    {"a slash at the end", {PLAIN("x", 0600, OURS)}, "x/", false, false, false, "x",
        "Not a directory"},
    {"a directory with a slash", {DIRECTORY("a", DEFAULT, OURS)}, "a/", false, false,
        false, "a", "is a directory"},
    {"slashes and dots",
        {DIRECTORY("a", DEFAULT, OURS), DIRECTORY("a/b", DEFAULT, OURS),
            PLAIN("a/x", 0600, OURS)},
        "a//./b/..//x", true, true, true, NULL, NULL},
    {"the last directory writable by the group",
        {DIRECTORY("a", 0775, OURS), PLAIN("a/x", 0600, OURS)}, "a/x", false, false,
        false, "a", WRITE},
    {"the last directory writable by others",
        {DIRECTORY("a", 0757, OURS), PLAIN("a/x", 0600, OURS)}, "a/x", false, false,
        false, "a", WRITE},
    {"the last directory writable by all, as an emptyDir is",
        {DIRECTORY("a", 0777, OURS), PLAIN("a/x", 0600, OURS)}, "a/x", false, false,
        false, "a", WRITE},
    {"the same with the set-group-ID bit, as with fsGroup",
        {DIRECTORY("a", 02777, OURS), PLAIN("a/x", 0600, OURS)}, "a/x", false, false,
        false, "a", WRITE},
    {"a directory above writable by others",
        {DIRECTORY("a", 0757, OURS), DIRECTORY("a/b", DEFAULT, OURS),
            PLAIN("a/b/x", 0600, OURS)},
        "a/b/x", false, false, false, "a", WRITE},
    {"a directory above writable by the group",
        {DIRECTORY("a", 0775, OURS), DIRECTORY("a/b", DEFAULT, OURS),
            PLAIN("a/b/x", 0600, OURS)},
        "a/b/x", false, false, false, "a", WRITE},
    {"the last directory sticky: another could make the socket first",
        {DIRECTORY("a", 01777, OURS), PLAIN("a/x", 0600, OURS)}, "a/x", true, false, true,
        "a", WRITE},
    {"a directory above sticky",
        {DIRECTORY("a", 01777, OURS), DIRECTORY("a/b", DEFAULT, OURS),
            PLAIN("a/b/x", 0600, OURS)},
        "a/b/x", true, true, true, NULL, NULL},
    {"a link to a file",
        {DIRECTORY("a", DEFAULT, OURS), PLAIN("x", 0600, OURS),
            LINK("a/x", "../x", OURS)},
        "a/x", true, true, true, NULL, NULL},
    {"a link to a file in a directory that others can write",
        {DIRECTORY("a", DEFAULT, OURS), DIRECTORY("b", 0777, OURS),
            PLAIN("b/x", 0600, OURS), LINK("a/x", "@/b/x", OURS)},
        "a/x", false, true, false, "b", WRITE},
    {"a link in a directory that others can write",
        {DIRECTORY("b", DEFAULT, OURS), PLAIN("b/x", 0600, OURS),
            DIRECTORY("a", 0777, OURS), LINK("a/x", "../b/x", OURS)},
        "a/x", false, false, false, "a", WRITE},
    {"a link to a directory",
        {DIRECTORY("b", DEFAULT, OURS), PLAIN("b/x", 0600, OURS), LINK("a", "b/.", OURS)},
        "a/x", true, true, true, NULL, NULL},
    {"a link to a directory that others can write",
        {DIRECTORY("b", 0777, OURS), PLAIN("b/x", 0600, OURS), LINK("a", "@/b", OURS)},
        "a/x", false, false, false, "b", WRITE},
    {"a link through a directory that others can write",
        {DIRECTORY("b", 0777, OURS), DIRECTORY("b/c", DEFAULT, OURS),
            DIRECTORY("c", DEFAULT, OURS), PLAIN("c/x", 0600, OURS),
            LINK("a", "b/c/../../c", OURS)},
        "a/x", false, false, false, "b", WRITE},
    {"a link to itself", {LINK("x", "x", OURS)}, "x", false, true, false, NULL,
        "Too many levels of symbolic links"},
    {"two links to each other", {LINK("a", "b", OURS), LINK("b", "a", OURS)}, "a/x",
        false, false, false, "a", "Too many levels of symbolic links"},
    {"a link to nothing", {LINK("x", "none", OURS)}, "x", false, true, false, "none",
        "No such file or directory"},
    {"a secret of Kubernetes",
        {DIRECTORY("s", 01777, OURS), DIRECTORY("s/..1", DEFAULT, OURS),
            PLAIN("s/..1/x", 0640, OURS), LINK("s/..data", "..1", OURS),
            LINK("s/x", "..data/x", OURS)},
        "s/x", true, false, true, "s", WRITE},
};

static const struct case_row owned_cases[] = {
    {"the last directory is another user's",
        {DIRECTORY("a", DEFAULT, EVE), PLAIN("a/x", 0600, OURS)}, "a/x", false, false,
        true, "a", OWNER},
    {"the same, and others can write",
        {DIRECTORY("a", 0757, EVE), PLAIN("a/x", 0600, OURS)}, "a/x", false, false, false,
        "a", NULL},
    {"the same, sticky", {DIRECTORY("a", 01777, EVE), PLAIN("a/x", 0600, OURS)}, "a/x",
        false, false, false, "a", NULL},
    {"a directory above is another user's",
        {DIRECTORY("a", DEFAULT, EVE), DIRECTORY("a/b", DEFAULT, OURS),
            PLAIN("a/b/x", 0600, OURS)},
        "a/b/x", false, false, false, "a", OWNER},
    {"two directories of another user",
        {DIRECTORY("a", DEFAULT, EVE), DIRECTORY("a/b", DEFAULT, EVE),
            PLAIN("a/b/x", 0600, EVE)},
        "a/b/x", false, false, false, "a", OWNER},
    {"a link in another user's directory",
        {DIRECTORY("b", DEFAULT, OURS), PLAIN("b/x", 0600, OURS),
            DIRECTORY("a", DEFAULT, EVE), LINK("a/b", "@/b", OURS)},
        "a/b/x", false, false, false, "a", OWNER},
    {"a link out of another user's directory, at the end",
        {DIRECTORY("a", DEFAULT, EVE), DIRECTORY("a/b", DEFAULT, OURS),
            PLAIN("a/b/x", 0600, OURS), LINK("a/x", "b/x", OURS)},
        "a/x", false, false, false, "a", OWNER},
    {"another user's directory in a sticky one",
        {DIRECTORY("a", 01777, OURS), DIRECTORY("a/b", DEFAULT, EVE),
            PLAIN("a/b/x", 0600, EVE)},
        "a/b/x", false, false, false, "a/b", OWNER},
    {"another user's file in a sticky one",
        {DIRECTORY("a", 01777, OURS), PLAIN("a/x", 0600, EVE)}, "a/x", false, false,
        false, NULL, NULL},
    {"another user's link in a sticky one",
        {DIRECTORY("b", DEFAULT, OURS), PLAIN("b/x", 0600, OURS),
            DIRECTORY("a", 01777, OURS), LINK("a/b", "../b", EVE)},
        "a/b/x", false, false, false, "a/b", OWNER},
    {"the service's directory",
        {DIRECTORY("a", DEFAULT, DAEMON), PLAIN("a/x", 0600, DAEMON)}, "a/x", false, true,
        true, "a", OWNER},
    {"the service's directory above",
        {DIRECTORY("a", DEFAULT, DAEMON), DIRECTORY("a/b", DEFAULT, DAEMON)}, "a/b/x",
        false, true, false, "a", OWNER},
    {"the service's directory in a sticky one",
        {DIRECTORY("a", 01777, OURS), DIRECTORY("a/b", DEFAULT, DAEMON)}, "a/b/x", false,
        true, false, "a/b", OWNER},
};

static void
make_node(const struct node *n)
{
    char path[UNIT_PATH_MAX + 64], target[UNIT_PATH_MAX + 64];
    bool from_dir = n->link != NULL && n->link[0] == '@';

    (void)snprintf(path, sizeof(path), "%s/%s", dir, n->name);
    if (n->link != NULL) {
        (void)snprintf(target, sizeof(target), "%s%s", from_dir ? dir : "",
            n->link + (from_dir ? 1 : 0));
        assert_int_equal(symlink(target, path), 0);
    } else if (n->file) {
        unit_file_write(path, "x\n", 2, n->mode);
    } else {
        assert_int_equal(mkdir(path, 0755), 0);
    }
    if (n->owner != OURS)
        assert_int_equal(lchown(path, n->owner, (gid_t)-1), 0);
    if (n->link == NULL && n->mode != DEFAULT)
        assert_int_equal(chmod(path, n->mode), 0);
}

/* The diagnosis is COMPONENT: TEXT. */
static void
check_diag(const struct case_row *row, const struct pat_diag *diag)
{
    char want[UNIT_PATH_MAX + 256];

    if (row->component == NULL && row->text == NULL)
        return;
    (void)snprintf(want, sizeof(want), "%s/%s: %s", dir,
        row->component != NULL ? row->component : row->path,
        row->text != NULL ? row->text : "");
    if (strncmp(diag->text, want, strlen(want)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", diag->text, want);
}

static void
check_one(const struct case_row *row, enum pat_path_end end, const char *what, bool want)
{
    char path[UNIT_PATH_MAX + 64];
    struct pat_diag diag = {0};
    struct pat_path at = {.dir_fd = -1};
    int error = -1;
    enum pat_err err;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, row->path);
    err = pat_path_open(
        path, end, end == PAT_PATH_SERVE ? DAEMON : PAT_PATH_NOBODY, &at, &error, &diag);
    if ((err == PAT_OK) != want)
        print_error("%s\n", diag.text);
    unit_check_int(what, err == PAT_OK, want);
    if (err == PAT_OK) {
        (void)close(at.dir_fd);
        return;
    }
    unit_check_err(err, PAT_ERR_CONFIG);
    unit_check_int("a descriptor is returned", at.dir_fd, -1);
    check_diag(row, &diag);
    if (error == -1)
        fail_msg("errno is not set");
}

static void
walks(void **state)
{
    const struct case_row *row = *state;

    for (size_t i = 0; i < COUNT(row->nodes) && row->nodes[i].name != NULL; i++)
        make_node(&row->nodes[i]);
    check_one(row, PAT_PATH_FILE, "a file", row->file);
    check_one(row, PAT_PATH_SERVE, "a socket to make", row->serve);
    check_one(row, PAT_PATH_CONNECT, "a socket to connect to", row->conn);
}

static void
walks_as_root(void **state)
{
    if (geteuid() != 0) {
        print_message("skipped: only root can give a file away\n");
        skip();
    }
    walks(state);
}

static void
tells_errors(void **state)
{
    char path[UNIT_PATH_MAX + 64];
    struct pat_diag diag = {0}, want = {0};
    int error = -1;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/none/x", dir);
    unit_check_err(pat_path_check(path, PAT_PATH_CONNECT, &error, &diag), PAT_ERR_CONFIG);
    unit_check_int("errno", error, ENOENT);
    pat_diag_set(&want, "%s/none: No such file or directory", dir);
    unit_check_string("text", diag.text, want.text);
    unit_check_err(pat_path_check("/", PAT_PATH_FILE, &error, &diag), PAT_ERR_CONFIG);
    unit_check_string("text", diag.text, "/: is a directory");
    unit_check_int("errno", error, 0);
    unit_check_err(pat_path_check(unit_repeat('/', 5000), PAT_PATH_FILE, &error, NULL),
        PAT_ERR_CONFIG);
    unit_check_err(
        pat_path_check(unit_repeat('x', 300), PAT_PATH_FILE, NULL, NULL), PAT_ERR_CONFIG);
}

/* It begins in the working directory, and that is checked from / on. */
static void
relative(void **state)
{
    char path[UNIT_PATH_MAX + 64];
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/file", dir);
    unit_file_write(path, "x\n", 2, 0600);
    assert_int_equal(chdir(dir), 0);
    unit_check_err(pat_path_check("file", PAT_PATH_FILE, NULL, NULL), PAT_OK);
    unit_check_err(pat_path_check("./file", PAT_PATH_FILE, NULL, NULL), PAT_OK);
    unit_check_err(pat_path_check("none", PAT_PATH_FILE, NULL, NULL), PAT_ERR_CONFIG);
    assert_int_equal(chmod(dir, 0777), 0);
    unit_check_err(pat_path_check("file", PAT_PATH_FILE, NULL, NULL), PAT_ERR_CONFIG);
    assert_int_equal(fchdir(here), 0);
    (void)close(here);
}

static bool
is_closed(void)
{
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool closed = pat_path_is_closed(fd);

    (void)close(fd);
    return closed;
}

static void
finds_closed_directories(void **state)
{
    char below[UNIT_PATH_MAX + 8];
    int fd;

    (void)state;
    assert_int_equal(chmod(dir, 0755), 0);
    unit_check_int("0755", is_closed(), false);
    assert_int_equal(chmod(dir, 0701), 0);
    unit_check_int("0701", is_closed(), false);
    assert_int_equal(chmod(dir, 0754), 0);
    unit_check_int("0754", is_closed(), true);
    assert_int_equal(chmod(dir, 0750), 0);
    unit_check_int("0750", is_closed(), true);
    (void)snprintf(below, sizeof(below), "%s/b", dir);
    assert_int_equal(mkdir(below, 0755), 0);
    fd = open(below, O_PATH | O_DIRECTORY | O_CLOEXEC);
    unit_check_int("0755 below 0750", pat_path_is_closed(fd), true);
    (void)close(fd);
    unit_check_int("not a descriptor", pat_path_is_closed(-1), false);
}

/* What is refused gets no connection of ours, and with it no secret. */
static void
directory_server(void **state)
{
    struct pat_uri uri = {.scheme = PAT_SCHEME_LDAPI};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct pat_diag diag = {0}, want = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), got = -1;

    (void)state;
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%.90s/ldapi", dir);
    (void)snprintf(uri.host, sizeof(uri.host), "%s", addr.sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    unit_check_err(
        pat_net_connect(&uri, pat_deadline_in_ms(3000), &got, &diag), PAT_ERR_UNAVAIL);
    pat_diag_set(&want, "connect: %s: %sput another socket there", dir, WRITE);
    unit_check_string("text", diag.text, want.text);
    unit_check_int("connections", accept(fd, NULL, NULL), -1);
    assert_int_equal(chmod(dir, 0755), 0);
    unit_check_err(pat_net_connect(&uri, pat_deadline_in_ms(3000), &got, &diag), PAT_OK);
    (void)close(got);
    (void)close(fd);
}

static int
setup(void **state)
{
    (void)state;
    fds = unit_count_fds();
    unit_dir_make(dir);
    return chmod(dir, 0755);
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
    UNIT_TABLE("walk", walks, cases);
    UNIT_TABLE("owner", walks_as_root, owned_cases);
    unit_add("walk", "what cannot be examined", tells_errors, NULL);
    unit_add("walk", "a relative path", relative, NULL);
    unit_add("closed", "directories that others may not enter", finds_closed_directories,
        NULL);
    unit_add("connect", "a directory server where others could put another socket",
        directory_server, NULL);
    return unit_run("path");
}
