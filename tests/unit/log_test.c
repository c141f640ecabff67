/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_test - patd's log lines: what a client, a server or a file has put into them
 */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "log.h"
#include "repeats.h"

/* What was written to standard error. */

static char dir[UNIT_PATH_MAX];
static char path[UNIT_PATH_MAX + 32];
static char text[1 << 20];
static int saved_stderr = -1;

static int
setup(void **state)
{
    int fd;

    (void)state;
    unit_dir_make(dir);
    (void)snprintf(path, sizeof(path), "%s/log", dir);
    fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    (void)close(fd);
    (void)unsetenv("JOURNAL_STREAM");
    log_open(true);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    if (saved_stderr >= 0) {
        assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
        (void)close(saved_stderr);
        saved_stderr = -1;
    }
    unit_dir_remove(dir);
    return 0;
}

static void
read_log(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    assert_true(fd >= 0 && n >= 0);
    (void)close(fd);
    text[n] = '\0';
}

static unsigned
count_in_log(const char *what)
{
    unsigned n = 0;

    read_log();
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void
wait_for_line(const char *what)
{
    int64_t began = pat_monotonic_ns();

    while (count_in_log(what) == 0) {
        unit_check_no_hang(began, 1000);
        (void)usleep(2000);
    }
}

/* Lines */

struct line_row {
    const char *name;
    const char *text;
    const char *want;
};

static const struct line_row lines[] = {
    {"plain", "directory: down", "directory: down\n"},
    {"a line break", "a\nb", "a?b\n"},
    {"a line that is forged", "StartTLS: no\n2026-01-01T00:00:00Z patd[1]: info: x",
        "StartTLS: no?2026-01-01T00:00:00Z patd[1]: info: x\n"},
    {"a carriage return", "a\rb", "a?b\n"},
    {"what a terminal obeys", "a\033[2Jb\177", "a?[2Jb?\n"},
    {"UTF-8 stays", "Zo\xc3\xab", "Zo\xc3\xab\n"},
};

static void
line(void **state)
{
    const struct line_row *row = *state;
    const char *at;

    log_write(PAT_LOG_WARNING, "%s", row->text);
    read_log();
    at = strstr(text, ": warning: ");
    assert_non_null(at);
    unit_check_string("line", at + strlen(": warning: "), row->want);
}

/* Fields */

#define X16  "xxxxxxxxxxxxxxxx"
#define X64  X16 X16 X16 X16
#define X160 X64 X64 X16 X16

static const struct line_row fields[] = {
    {"plain", "sshd", "service=sshd a=b"},
    {"empty", "", "service=\"\" a=b"},
    {"a blank", "a b", "service=\"a b\" a=b"},
    {"a quote", "a\" b=\"c", "service=\"a\\\" b=\\\"c\" a=b"},
    {"a line break", "a\nb", "service=\"a\\x0ab\" a=b"},
    {"the longest", X160, "service=" X160 " a=b"},
    {"one byte too long", X160 "y", "service=\"" X160 "...\" a=b"},
    {"far too long", X160 X160 X160, "service=\"" X160 "...\" a=b"},
    {"cut before what is escaped", X64 X64 X16 "xxxxxxxxxxxxx\n\nz",
        "service=\"" X64 X64 X16 "xxxxxxxxxxxxx...\" a=b"},
};

static void
field(void **state)
{
    const struct line_row *row = *state;
    struct log_line l = {"", 0};

    log_line_add(&l, "service", row->text);
    log_line_add(&l, "a", "b");
    unit_check_string("line", l.text, row->want);
}

/* Whatever a client chose, the fields behind it are there. */
static void
fields_fit(void **state)
{
    struct log_line l = {"", 0};

    (void)state;
    for (int i = 0; i < 8; i++)
        log_line_add(&l, "service", unit_repeat(i % 2 == 0 ? '\n' : 'x', 255));
    log_line_add(&l, "peer_uid", "1000");
    log_line_end(&l, "detail", unit_repeat('\n', 2000));
    assert_non_null(strstr(l.text, " peer_uid=1000 detail=\"\\x0a"));
    unit_check_string("end", l.text + strlen(l.text) - 4, "...\"");
}

static void
last_field_has_the_rest(void **state)
{
    struct log_line l = {"", 0};

    (void)state;
    log_line_end(&l, "detail", unit_repeat('x', 1500));
    unit_check_int("length", strlen(l.text), strlen("detail=") + 1500);
    log_line_end(&l, "more", unit_repeat('x', 1500));
    log_line_end(&l, "none", "x");
    assert_true(strlen(l.text) < sizeof(l.text));
    assert_null(strstr(l.text, "none"));
}

/* Repeats */

static void
repeat(const char *kind, int times)
{
    char whole[256];

    for (int i = 0; i < times; i++) {
        (void)snprintf(whole, sizeof(whole), "%s ms=%d", kind, i);
        repeats_log(PAT_LOG_INFO, kind, whole);
    }
}

static void
few_are_logged(void **state)
{
    (void)state;
    repeats_set_interval_ms(60000);
    unit_check_err(repeats_start(), PAT_OK);
    repeat("id=a", REPEATS_LOGGED);
    repeat("id=b", 1);
    repeats_stop();
    unit_check_int("lines of a", count_in_log("id=a ms="), REPEATS_LOGGED);
    unit_check_int("lines of b", count_in_log("id=b ms="), 1);
    unit_check_int("counts", count_in_log("repeated="), 0);
}

static void
many_are_counted(void **state)
{
    (void)state;
    repeats_set_interval_ms(60000);
    unit_check_err(repeats_start(), PAT_OK);
    repeat("id=c", 10000);
    unit_check_int("lines", count_in_log("id=c ms="), REPEATS_LOGGED);
    unit_check_int("counts", count_in_log("repeated="), 0);
    /* What was counted is not lost at the end. */
    repeats_stop();
    unit_check_int("counts", count_in_log("info: id=c repeated=9990\n"), 1);
}

static void
counts_come_in_time(void **state)
{
    (void)state;
    repeats_set_interval_ms(100);
    unit_check_err(repeats_start(), PAT_OK);
    repeat("id=d", REPEATS_LOGGED + 5);
    wait_for_line("info: id=d repeated=");
    repeat("id=e", REPEATS_LOGGED + 5);
    wait_for_line("info: id=e repeated=");
    repeats_stop();
}

/* More kinds than are kept: what was counted of one that goes is written. */
static void
kinds_are_bounded(void **state)
{
    char kind[32];

    (void)state;
    repeats_set_interval_ms(60000);
    unit_check_err(repeats_start(), PAT_OK);
    repeat("id=first", REPEATS_LOGGED + 3);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(kind, sizeof(kind), "id=%d", i);
        repeat(kind, 1);
    }
    unit_check_int("counts", count_in_log("id=first repeated=3\n"), 1);
    unit_check_int("lines", count_in_log(" ms=0\n"), 1001);
    repeats_stop();
}

static void *
repeat_often(void *arg)
{
    repeat(arg, 1000);
    return NULL;
}

static void
threads_lose_none(void **state)
{
    static char kind[] = "id=threads";
    pthread_t threads[4];
    unsigned long long counted = 0;

    (void)state;
    repeats_set_interval_ms(5);
    unit_check_err(repeats_start(), PAT_OK);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, repeat_often, kind), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    repeats_stop();
    counted = count_in_log("id=threads ms=");
    for (const char *at = text; (at = strstr(at, "repeated=")) != NULL; at++)
        counted += strtoull(at + strlen("repeated="), NULL, 10);
    unit_check_int("all of them", counted, 4000);
}

int
main(void)
{
    unit_fixture(setup, teardown);
    UNIT_TABLE("line", line, lines);
    UNIT_TABLE("field", field, fields);
    unit_add("field", "those behind long values are there", fields_fit, NULL);
    unit_add("field", "the last one has the rest", last_field_has_the_rest, NULL);
    unit_add("repeats", "a few are logged", few_are_logged, NULL);
    unit_add("repeats", "many are counted", many_are_counted, NULL);
    unit_add("repeats", "counts come when the interval ends", counts_come_in_time, NULL);
    unit_add("repeats", "of more kinds than are kept", kinds_are_bounded, NULL);
    unit_add("repeats", "threads lose none", threads_lose_none, NULL);
    return unit_run("log");
}
