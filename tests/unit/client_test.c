/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "deadline.h"
#include "fake_patd.h"
#include "proto.h"

static const char token[] = "rhp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0";

static char dir[UNIT_PATH_MAX];
static char path[UNIT_PATH_MAX + 32];
static struct fake_patd fake;

static enum pat_err
ask(int timeout_ms, struct pat_identity *ret_id, struct pat_diag *diag)
{
    struct pat_request req = {"alice", false, "sshd", "192.0.2.7", NULL, NULL};

    return pat_client_verify(
        path, &req, token, sizeof(token) - 1, timeout_ms, ret_id, diag);
}

static int
setup(void **state)
{
    (void)state;
    unit_dir_make(dir);
    (void)snprintf(path, sizeof(path), "%s/patd.sock", dir);
    fake_patd_start(&fake, path);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fake_patd_stop(&fake);
    unit_dir_remove(dir);
    return 0;
}

/* How the client's sending goes; the server's thread has its own, which goes well. */

enum sending {
    SEND_WELL = 0,
    SEND_BYTES,       /* one at a time */
    SEND_INTERRUPTED, /* every other time by a signal */
    SEND_FULL,        /* every other time there is no room */
    SEND_PIPE,        /* the other end is closed */
    SEND_ERROR,
};

static _Thread_local enum sending sending;
static _Thread_local unsigned sent;

/* In libc's place: the program's own symbols come first. */
ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
    struct iovec iov = {(void *)(uintptr_t)buf, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    sent++;
    if (sending == SEND_INTERRUPTED || sending == SEND_FULL) {
        errno = sending == SEND_FULL ? EAGAIN : EINTR;
        if (sent % 2 == 1)
            return -1;
    }
    if (sending == SEND_PIPE || sending == SEND_ERROR) {
        errno = sending == SEND_PIPE ? EPIPE : ENOBUFS;
        return -1;
    }
    if (sending != SEND_WELL)
        iov.iov_len = 1;
    return sendmsg(fd, &msg, flags);
}

/* Verdicts */

static void
passes_verdict_on(void **state)
{
    (void)state;
    for (int status = PAT_OK; status < PAT_ERR_COUNT; status++) {
        struct fake_behaviour b = {FAKE_ANSWER, (enum pat_err)status, NULL, NULL, 0, 0};
        struct pat_identity id = {.id = "before"};
        struct pat_diag diag = {"left from before"};

        fake_patd_say(&fake, &b);
        unit_check_err(ask(3000, &id, &diag), (enum pat_err)status);
        unit_check_string("id", id.id, status == PAT_OK ? "a1" : "before");
        unit_check_int("diag", diag.text[0] != '\0', status == PAT_ERR_UNAVAIL);
        unit_check_err(ask(3000, &id, NULL), (enum pat_err)status);
    }
}

/* The addition to "unavailable" says why, and changes no verdict. */
struct busy_row {
    const char *name;
    const void *raw;
    size_t len;
    enum pat_err want;
    const char *why; /* part of the text */
};

#define RAW(s) s, sizeof(s) - 1

static const struct busy_row busies[] = {
    {"busy", RAW("PAT1\0\0\0\7\x40\0\1\x09\x48\0\0"), PAT_ERR_UNAVAIL, "is busy"},
    {"busy, and then the status", RAW("PAT1\0\0\0\7\x48\0\0\x40\0\1\x09"),
        PAT_ERR_UNAVAIL, "is busy"},
    {"unavailable", RAW("PAT1\0\0\0\4\x40\0\1\x09"), PAT_ERR_UNAVAIL,
        "no answer from the directory"},
    {"busy with a value", RAW("PAT1\0\0\0\x08\x40\0\1\x09\x48\0\1x"), PAT_ERR_UNAVAIL,
        "no answer from the directory"},
    {"another addition", RAW("PAT1\0\0\0\7\x40\0\1\x09\x49\0\0"), PAT_ERR_UNAVAIL,
        "no answer from the directory"},
    {"a refusal that is busy", RAW("PAT1\0\0\0\7\x40\0\1\3\x48\0\0"), PAT_ERR_REVOKED,
        ""},
    {"busy without a status", RAW("PAT1\0\0\0\3\x48\0\0"), PAT_ERR_UNAVAIL,
        "is not patd"},
    {"an acceptance that is busy, without an identity",
        RAW("PAT1\0\0\0\7\x40\0\1\0\x48\0\0"), PAT_ERR_UNAVAIL, "is not patd"},
};

static void
says_busy(void **state)
{
    const struct busy_row *row = *state;
    struct fake_behaviour b = {FAKE_RAW, PAT_OK, NULL, row->raw, row->len, 0};
    struct pat_identity id = {.id = "before"};
    struct pat_diag diag = {""};

    fake_patd_say(&fake, &b);
    unit_check_err(ask(3000, &id, &diag), row->want);
    unit_check_string("id", id.id, "before");
    if (row->why[0] != '\0' ? strstr(diag.text, row->why) == NULL : diag.text[0] != '\0')
        fail_msg("the text is: %s", diag.text);
}

static void
sends_request(void **state)
{
    struct pat_request req = {
        "git", true, "sshd", "192.0.2.7", LIST("acme", "globex"), LIST("owner")};
    struct pat_identity id = {.id = ""};
    struct fake_request heard;

    (void)state;
    unit_check_err(pat_client_verify(path, &req, "a\0b", 3, 3000, &id, NULL), PAT_OK);
    unit_check_err(
        pat_client_verify(path, &req, token, sizeof(token) - 1, 3000, &id, NULL), PAT_OK);
    heard = fake_patd_heard(&fake);
    unit_check_string("token", heard.token, token);
    unit_check_string("user", heard.user, "git");
    unit_check_int("any_user", heard.any_user, true);
    unit_check_string("service", heard.service, "sshd");
    unit_check_string("source", heard.source, "192.0.2.7");
    unit_check_string("orgs", heard.orgs, "acme,globex");
    unit_check_string("roles", heard.roles, "owner");
}

struct time_row {
    const char *name;
    int timeout_ms;
    uint32_t told_ms;
};

/* patd ends earlier, so that its answer, which knows more, comes first. */
static const struct time_row times[] = {
    {"3s", 3000, 2900},
    {"1s", 1000, 900},
    {"as short as the margin allows", 201, 101},
    {"too short for a margin", 200, 200},
};

static void
tells_time(void **state)
{
    const struct time_row *row = *state;
    struct pat_identity id = {.id = ""};

    unit_check_err(ask(row->timeout_ms, &id, NULL), PAT_OK);
    unit_check_int("told", fake_patd_heard(&fake).timeout_ms, row->told_ms);
}

/* What is not asked */

struct path_row {
    const char *name;
    const char *path;
};

static const struct path_row paths[] = {
    {"empty", ""},
    {"relative", "run/patd.sock"},
    {"from here", "./patd.sock"},
    {"abstract", "@patd"},
    {"108 bytes", NULL},
};

static void
refuses_path(void **state)
{
    const struct path_row *row = *state;
    struct pat_request req = {.user = "alice"};
    struct pat_identity id = {.id = "before"};
    struct pat_diag diag = {0};
    char long_path[109];

    (void)snprintf(long_path, sizeof(long_path), "/%s", unit_repeat('x', 107));
    unit_check_err(pat_client_verify(row->path != NULL ? row->path : long_path, &req,
                       token, sizeof(token) - 1, 1000, &id, &diag),
        PAT_ERR_CONFIG);
    assert_true(diag.text[0] != '\0');
    unit_check_string("id", id.id, "before");
}

struct length_row {
    const char *name;
    size_t token_len, user_len;
    enum pat_err want;
};

static const struct length_row lengths[] = {
    {"the longest token", 271, 5, PAT_OK},
    {"the longest user", 42, 255, PAT_OK},
    {"no token", 0, 5, PAT_OK},
    {"a token too long", 272, 5, PAT_ERR_MALFORMED},
    {"a token far too long", 65538, 5, PAT_ERR_MALFORMED},
    {"a user too long", 42, 256, PAT_ERR_USER},
    {"a user far too long", 42, 65536, PAT_ERR_USER},
};

static void
sends_length(void **state)
{
    const struct length_row *row = *state;
    struct pat_request req = {.user = unit_repeat('u', row->user_len)};
    struct pat_identity id = {.id = ""};

    unit_check_err(pat_client_verify(path, &req, unit_repeat('t', row->token_len),
                       row->token_len, 3000, &id, NULL),
        row->want);
    fake_patd_stop(&fake);
    unit_check_int("connections", fake.connections, row->want == PAT_OK);
}

/* A value that cannot be sent is refused under its name, by both ways to ask. */

struct value_row {
    const char *name;
    size_t service_len, source_len, org_len;
    enum pat_err want;
    const char *says;
};

static const struct value_row values[] = {
    {"the longest service", 255, 9, 4, PAT_OK, ""},
    {"the longest address", 4, 255, 4, PAT_OK, ""},
    {"the longest org", 4, 9, 255, PAT_OK, ""},
    {"a service too long", 256, 9, 4, PAT_ERR_SCOPE,
        "the name of the service is longer than 255 bytes"},
    {"a service far too long", 65536, 9, 4, PAT_ERR_SCOPE,
        "the name of the service is longer than 255 bytes"},
    {"an address too long", 4, 256, 4, PAT_ERR_SCOPE,
        "the client's address is longer than 255 bytes"},
    {"an org too long", 4, 9, 256, PAT_ERR_CONFIG,
        "the limits org and role are too long: at most 32 items of 255 bytes each, and "
        "8192 bytes together with the request"},
};

static void
names_value(void **state)
{
    static struct pat_client client;
    const struct value_row *row = *state;
    char service[65537], source[257], org[257];
    const char *const orgs[] = {org, NULL};
    struct pat_request req = {"alice", false, service, source, orgs, NULL};
    struct pat_identity id = {.id = ""};
    struct pat_diag diag = {0};

    (void)snprintf(service, sizeof(service), "%s", unit_repeat('s', row->service_len));
    (void)snprintf(source, sizeof(source), "%s", unit_repeat('a', row->source_len));
    (void)snprintf(org, sizeof(org), "%s", unit_repeat('o', row->org_len));
    unit_check_err(
        pat_client_verify(path, &req, token, sizeof(token) - 1, 3000, &id, &diag),
        row->want);
    unit_check_string("diag", diag.text, row->says);
    pat_client_init(&client);
    unit_check_err(
        pat_client_ask(&client, path, &req, token, sizeof(token) - 1, 3000, &id, &diag),
        row->want);
    unit_check_string("diag", diag.text, row->says);
    pat_client_clear(&client);
    fake_patd_stop(&fake);
    unit_check_int("connections", fake.connections, row->want == PAT_OK ? 2 : 0);
}

/* No usable answer */

struct bad_row {
    const char *name;
    const char *why;
    enum fake_mode mode;
    const char *raw;
    size_t len;
};

#define BYTES(s) s, sizeof(s) - 1
#define CLOSED   "patd closed the connection"
#define ALIEN    "what answers there is not patd"
#define LATE     "patd did not answer in time"
#define ACCEPTED "\x40\0\1\0"
#define IDENTITY "\x41\0\2i\0\x43\0\2u\0\x44\0\2o\0\x45\0\2r\0"

static const struct bad_row bads[] = {
    {"closes at once", CLOSED, FAKE_CLOSE, NULL, 0},
    {"closes after the request", CLOSED, FAKE_RAW, BYTES("")},
    {"closes within the header", CLOSED, FAKE_RAW, BYTES("PAT1\0\0")},
    {"closes after the header", CLOSED, FAKE_RAW, BYTES("PAT1\0\0\0\4")},
    {"closes within the body", CLOSED, FAKE_RAW, BYTES("PAT1\0\0\0\4\x40\0\1")},
    {"closes within an acceptance", CLOSED, FAKE_RAW,
        BYTES("PAT1\0\0\0\x23" ACCEPTED IDENTITY)},
    {"another protocol", ALIEN, FAKE_RAW, BYTES("HTTP/1.1 200 OK\r\n\r\n")},
    {"another version", ALIEN, FAKE_RAW, BYTES("PAT2\0\0\0\4" ACCEPTED)},
    {"a NUL", ALIEN, FAKE_RAW, BYTES("\0\0\0\0\0\0\0\0")},
    {"a body of 4 GiB", ALIEN, FAKE_RAW, BYTES("PAT1\xff\xff\xff\xff")},
    {"a body one byte too large", ALIEN, FAKE_RAW, BYTES("PAT1\0\0\x1f\xf9")},
    {"an empty body", ALIEN, FAKE_RAW, BYTES("PAT1\0\0\0\0")},
    {"an acceptance without an identity", ALIEN, FAKE_RAW,
        BYTES("PAT1\0\0\0\4" ACCEPTED)},
    {"an acceptance with half an identity", ALIEN, FAKE_RAW,
        BYTES("PAT1\0\0\0\x09" ACCEPTED "\x43\0\2u\0")},
    {"an identity without a status", ALIEN, FAKE_RAW, BYTES("PAT1\0\0\0\x14" IDENTITY)},
    {"a status that is none", ALIEN, FAKE_RAW,
        BYTES("PAT1\0\0\0\x18\x40\0\1\xff" IDENTITY)},
    {"a field beyond the end", ALIEN, FAKE_RAW, BYTES("PAT1\0\0\0\4\x40\0\2\0")},
    {"the request, sent back", ALIEN, FAKE_RAW, BYTES("PAT1\0\0\0\7\1\0\1\1\2\0\0")},
    {"silence", LATE, FAKE_SILENT, NULL, 0},
};

static void
no_answer(void **state)
{
    const struct bad_row *row = *state;
    struct fake_behaviour b = {row->mode, PAT_OK, NULL, row->raw, row->len, 0};
    struct pat_identity id = {.id = "before"};
    struct pat_diag diag = {0};
    char want[512];

    fake_patd_say(&fake, &b);
    (void)snprintf(want, sizeof(want), "socket %s: %s", path, row->why);
    unit_check_err(ask(300, &id, &diag), PAT_ERR_UNAVAIL);
    unit_check_string("why", diag.text, want);
    unit_check_string("id", id.id, "before");
}

/* Whether the bytes behind the answer are seen depends on time; they never let in. */
static void
bytes_behind(void **state)
{
    static const char raw[] = "PAT1\0\0\0\4\x40\0\1\3PAT1\0\0\0\x18" ACCEPTED IDENTITY;
    struct fake_behaviour b = {FAKE_RAW, PAT_OK, NULL, raw, sizeof(raw) - 1, 0};
    struct pat_identity id = {.id = "before"};
    enum pat_err err;

    (void)state;
    fake_patd_say(&fake, &b);
    err = ask(3000, &id, NULL);
    if (err != PAT_ERR_REVOKED)
        unit_check_err(err, PAT_ERR_UNAVAIL);
    unit_check_string("id", id.id, "before");
}

struct sending_row {
    const char *name;
    enum sending sending;
    enum pat_err want;
};

static const struct sending_row sendings[] = {
    {"byte by byte", SEND_BYTES, PAT_OK},
    {"interrupted", SEND_INTERRUPTED, PAT_OK},
    {"waiting for room", SEND_FULL, PAT_OK},
    {"failing", SEND_ERROR, PAT_ERR_UNAVAIL},
};

static void
sends(void **state)
{
    const struct sending_row *row = *state;
    struct pat_identity id = {.id = "before"};
    enum pat_err err;

    sending = row->sending;
    err = ask(3000, &id, NULL);
    sending = SEND_WELL;
    unit_check_err(err, row->want);
    unit_check_string("id", id.id, row->want == PAT_OK ? "a1" : "before");
    if (row->want == PAT_OK)
        unit_check_string("token", fake_patd_heard(&fake).token, token);
}

/* patd, too busy to read, answers so at once and closes; the request has nowhere to go.
 */
static void
answer_to_unread(void **state)
{
    static const char raw[] = "PAT1\0\0\0\4\x40\0\1\3";
    struct fake_behaviour b = {FAKE_UNREAD, PAT_OK, NULL, raw, sizeof(raw) - 1, 0};
    struct pat_identity id = {.id = "before"};
    enum pat_err err;

    (void)state;
    fake_patd_say(&fake, &b);
    sending = SEND_PIPE;
    err = ask(3000, &id, NULL);
    sending = SEND_WELL;
    unit_check_err(err, PAT_ERR_REVOKED);
    for (int i = 0; i < 200; i++)
        unit_check_err(ask(3000, &id, NULL), PAT_ERR_REVOKED);
}

static void
no_socket(void **state)
{
    struct pat_identity id = {.id = "before"};
    struct pat_diag diag = {0};

    (void)state;
    fake_patd_stop(&fake);
    unit_check_err(ask(1000, &id, &diag), PAT_ERR_UNAVAIL);
    if (strstr(diag.text, "nothing listens there") == NULL)
        fail_msg("%s", diag.text);
    assert_int_equal(unlink(path), 0);
    unit_check_err(ask(1000, &id, &diag), PAT_ERR_UNAVAIL);
    if (strstr(diag.text, "no such socket") == NULL)
        fail_msg("%s", diag.text);
    unit_file_write(path, "", 0, 0600);
    unit_check_err(ask(1000, &id, &diag), PAT_ERR_UNAVAIL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    unit_check_err(ask(1000, &id, &diag), PAT_ERR_UNAVAIL);
    unit_check_string("id", id.id, "before");
}

/* Time */

/* Fails if the time since `began_ns` is shorter than `timeout_ms`, or a hang. */
static void
check_late(int timeout_ms, int64_t began_ns)
{
    int64_t took_ms = (pat_monotonic_ns() - began_ns) / 1000000;

    if (took_ms < timeout_ms - 1)
        fail_msg("took %lld ms for a timeout of %d ms", (long long)took_ms, timeout_ms);
    unit_check_no_hang(began_ns, timeout_ms);
}

static void
late_silence(void **state)
{
    struct fake_behaviour b = {FAKE_SILENT, PAT_OK, NULL, NULL, 0, 0};
    struct pat_identity id = {.id = "before"};
    int64_t began = pat_monotonic_ns();

    (void)state;
    fake_patd_say(&fake, &b);
    unit_check_err(ask(250, &id, NULL), PAT_ERR_UNAVAIL);
    check_late(250, began);
}

/* Each byte comes in time, all of them do not. */
static void
late_dribble(void **state)
{
    struct fake_behaviour b = {FAKE_DRIBBLE, PAT_OK, NULL, NULL, 0, 20};
    struct pat_identity id = {.id = "before"};
    int64_t began = pat_monotonic_ns();

    (void)state;
    fake_patd_say(&fake, &b);
    unit_check_err(ask(250, &id, NULL), PAT_ERR_UNAVAIL);
    check_late(250, began);
    unit_check_string("id", id.id, "before");
}

static void
dribble_in_time(void **state)
{
    struct fake_behaviour b = {FAKE_DRIBBLE, PAT_OK, NULL, NULL, 0, 1};
    struct pat_identity id = {.id = "before"};

    (void)state;
    fake_patd_say(&fake, &b);
    unit_check_err(ask(5000, &id, NULL), PAT_OK);
    unit_check_string("id", id.id, "a1");
}

/* patd is stopped, and its backlog full: connect(2) itself waits. */
static void
late_connect(void **state)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct pat_identity id = {.id = "before"};
    struct pat_diag diag = {0};
    int fds[16], listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = 0;
    int64_t began;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/full.sock", dir);
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%.100s", path);
    assert_int_equal(bind(listen_fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(listen_fd, 0), 0);
    do {
        fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    } while (connect(fds[n++], (const struct sockaddr *)&addr, sizeof(addr)) == 0 &&
             n < COUNT(fds));
    unit_check_int("errno", errno, EAGAIN);
    began = pat_monotonic_ns();
    unit_check_err(ask(250, &id, &diag), PAT_ERR_UNAVAIL);
    check_late(250, began);
    if (strstr(diag.text, LATE) == NULL)
        fail_msg("%s", diag.text);
    while (n > 0)
        (void)close(fds[--n]);
    (void)close(listen_fd);
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
    (void)sig;
    alarms = alarms + 1;
}

/* A host's signals neither end a request nor prolong it. */
static void
interrupted(void **state)
{
    struct fake_behaviour slow = {FAKE_ANSWER, PAT_OK, NULL, NULL, 0, 150};
    struct fake_behaviour silent = {FAKE_SILENT, PAT_OK, NULL, NULL, 0, 0};
    struct itimerval every = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
    struct sigaction act = {.sa_handler = on_alarm}, before;
    struct pat_identity id = {.id = "before"};
    enum pat_err err_slow, err_silent;
    int64_t began;

    (void)state;
    assert_int_equal(sigaction(SIGALRM, &act, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
    fake_patd_say(&fake, &slow);
    err_slow = ask(5000, &id, NULL);
    fake_patd_say(&fake, &silent);
    began = pat_monotonic_ns();
    err_silent = ask(250, &id, NULL);
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    unit_check_err(err_slow, PAT_OK);
    unit_check_err(err_silent, PAT_ERR_UNAVAIL);
    check_late(250, began);
    assert_true(alarms > 0);
}

static void
no_time_at_all(void **state)
{
    struct fake_behaviour b = {FAKE_SILENT, PAT_OK, NULL, NULL, 0, 0};
    struct pat_identity id = {.id = "before"};

    (void)state;
    fake_patd_say(&fake, &b);
    unit_check_err(ask(0, &id, NULL), PAT_ERR_UNAVAIL);
    unit_check_err(ask(-5, &id, NULL), PAT_ERR_UNAVAIL);
}

/* A guest's manners */

static void
no_descriptor_left(void **state)
{
    static const enum fake_mode modes[] = {FAKE_ANSWER, FAKE_CLOSE, FAKE_RAW};
    struct pat_identity id = {.id = ""};
    unsigned before = unit_count_fds();

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct fake_behaviour b = {modes[i % 3], PAT_OK, NULL, BYTES("junk"), 0};
        enum pat_err err;

        fake_patd_say(&fake, &b);
        err = ask(3000, &id, NULL);
        unit_check_err(err, i % 3 == 0 ? PAT_OK : PAT_ERR_UNAVAIL);
    }
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 20; i++)
        unit_check_err(ask(3000, &id, NULL), PAT_ERR_UNAVAIL);
    /* The server is gone, and with it the two that it works with. */
    fake_patd_stop(&fake);
    unit_check_int("descriptors", unit_count_fds(), before - 2);
}

static void
signals_stay(void **state)
{
    struct fake_behaviour b = {FAKE_CLOSE, PAT_OK, NULL, NULL, 0, 0};
    struct sigaction before, after;
    struct pat_identity id = {.id = ""};

    (void)state;
    assert_int_equal(sigaction(SIGPIPE, NULL, &before), 0);
    assert_true(before.sa_handler == SIG_DFL);
    fake_patd_say(&fake, &b);
    /* Often, so that the server's close comes before, at and after the request. */
    for (int i = 0; i < 200; i++)
        unit_check_err(ask(3000, &id, NULL), PAT_ERR_UNAVAIL);
    assert_int_equal(sigaction(SIGPIPE, NULL, &after), 0);
    assert_true(after.sa_handler == SIG_DFL);
}

/* A connection that is kept. The fake hangs up after each answer, as patd does when it is
 * started anew. */

static enum pat_err
ask_kept(struct pat_client *client, int timeout_ms, struct pat_diag *diag)
{
    struct pat_request req = {"alice", false, "http", "192.0.2.7", NULL, NULL};
    struct pat_identity id = {0};

    return pat_client_ask(
        client, path, &req, token, sizeof(token) - 1, timeout_ms, &id, diag);
}

static void
kept_is_renewed(void **state)
{
    static struct pat_client client;
    struct fake_behaviour no = {FAKE_ANSWER, PAT_ERR_REVOKED, NULL, NULL, 0, 0};
    struct fake_behaviour yes = {FAKE_ANSWER, PAT_OK, NULL, NULL, 0, 0};
    unsigned fds = unit_count_fds();

    (void)state;
    pat_client_init(&client);
    for (int i = 0; i < 5; i++) {
        fake_patd_say(&fake, &yes);
        unit_check_err(ask_kept(&client, 3000, NULL), PAT_OK);
        fake_patd_say(&fake, &no);
        unit_check_err(ask_kept(&client, 3000, NULL), PAT_ERR_REVOKED);
    }
    pat_client_clear(&client);
    /* The server is gone, and with it the two that it works with. */
    fake_patd_stop(&fake);
    unit_check_int("descriptors", unit_count_fds(), fds - 2);
}

static void
kept_not_after_no_answer(void **state)
{
    static struct pat_client client;
    static const struct fake_behaviour bad[] = {{FAKE_SILENT, PAT_OK, NULL, NULL, 0, 0},
        {FAKE_RAW, PAT_OK, NULL, "PAT2junkjunk", 12, 0},
        {FAKE_RAW, PAT_OK, NULL, "PAT1\0\0\0\1", 8, 0},
        {FAKE_CLOSE, PAT_OK, NULL, NULL, 0, 0}};
    struct fake_behaviour yes = {FAKE_ANSWER, PAT_OK, NULL, NULL, 0, 0};
    struct pat_diag diag = {0};

    (void)state;
    pat_client_init(&client);
    for (size_t i = 0; i < COUNT(bad); i++) {
        fake_patd_say(&fake, &bad[i]);
        unit_check_err(ask_kept(&client, 300, &diag), PAT_ERR_UNAVAIL);
        unit_check_int("descriptor", client.fd, -1);
        assert_true(diag.text[0] != '\0');
        fake_patd_say(&fake, &yes);
        unit_check_err(ask_kept(&client, 3000, &diag), PAT_OK);
        unit_check_string("diag", diag.text, "");
    }
    pat_client_clear(&client);
}

/* What accepts a request that did not go out does not know what: it is not patd. */
static void
acceptance_of_unread(void **state)
{
    static const char raw[] = "PAT1\0\0\0\x18" ACCEPTED IDENTITY;
    static struct pat_client client;
    struct fake_behaviour b = {FAKE_UNREAD, PAT_OK, NULL, raw, sizeof(raw) - 1, 0};
    struct pat_identity id = {.id = "before"};
    struct pat_diag diag = {0};
    enum pat_err once, kept;

    (void)state;
    fake_patd_say(&fake, &b);
    pat_client_init(&client);
    sending = SEND_PIPE;
    once = ask(3000, &id, &diag);
    kept = ask_kept(&client, 3000, NULL);
    sending = SEND_WELL;
    unit_check_err(once, PAT_ERR_UNAVAIL);
    unit_check_err(kept, PAT_ERR_UNAVAIL);
    unit_check_string("id", id.id, "before");
    assert_non_null(strstr(diag.text, ALIEN));
    unit_check_int("descriptor", client.fd, -1);
    pat_client_clear(&client);
}

static void
revocation_of_unread(void **state)
{
    static struct pat_msg msg;
    struct pat_revocation revocation = {.id = "before"};
    struct fake_behaviour b = {FAKE_UNREAD, PAT_OK, NULL, msg.data, 0, 0};
    enum pat_err err;

    (void)state;
    unit_check_err(pat_proto_encode_revoked(PAT_OK, &revocation, &msg), PAT_OK);
    b.raw_len = msg.len;
    fake_patd_say(&fake, &b);
    sending = SEND_PIPE;
    err = pat_client_revoke(path, token, sizeof(token) - 1, 3000, &revocation, NULL);
    sending = SEND_WELL;
    unit_check_err(err, PAT_ERR_UNAVAIL);
}

/* Nothing of a question or answer stays behind. */
static void
kept_is_erased(void **state)
{
    static struct pat_client client;

    (void)state;
    pat_client_init(&client);
    unit_check_err(ask_kept(&client, 3000, NULL), PAT_OK);
    assert_null(memmem(client.msg.data, sizeof(client.msg.data), token, 8));
    pat_client_clear(&client);
}

int
main(void)
{
    unit_fixture(setup, teardown);
    unit_add("verdict", "every one is passed on", passes_verdict_on, NULL);
    UNIT_TABLE("busy", says_busy, busies);
    unit_add("request", "arrives as it was given", sends_request, NULL);
    UNIT_TABLE("patd is told", tells_time, times);
    UNIT_TABLE("socket's path", refuses_path, paths);
    UNIT_TABLE("length", sends_length, lengths);
    UNIT_TABLE("value", names_value, values);
    UNIT_TABLE("no answer", no_answer, bads);
    unit_add("no answer", "bytes behind it let nobody in", bytes_behind, NULL);
    UNIT_TABLE("sending", sends, sendings);
    unit_add("answer", "to what was not read", answer_to_unread, NULL);
    unit_add(
        "no answer", "an acceptance of what was not read", acceptance_of_unread, NULL);
    unit_add(
        "no answer", "a revocation of what was not read", revocation_of_unread, NULL);
    unit_add("no answer", "no socket", no_socket, NULL);
    unit_add("late", "silence", late_silence, NULL);
    unit_add("late", "byte by byte", late_dribble, NULL);
    unit_add("late", "a full backlog", late_connect, NULL);
    unit_add("late", "no time at all", no_time_at_all, NULL);
    unit_add("in time", "byte by byte", dribble_in_time, NULL);
    unit_add("in time", "interrupted by signals", interrupted, NULL);
    unit_add("guest", "leaves no descriptor", no_descriptor_left, NULL);
    unit_add("guest", "survives SIGPIPE", signals_stay, NULL);
    unit_add("kept", "is renewed when patd hung up", kept_is_renewed, NULL);
    unit_add("kept", "not after what is no answer", kept_not_after_no_answer, NULL);
    unit_add("kept", "is erased", kept_is_erased, NULL);
    return unit_run("client");
}
