/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadline.h"

#define TESTS_MAX    1024
#define NAME_LEN_MAX 200
#define REPEAT_MAX   70000
#define SCALE_MAX    9999
#define HANG_MS      5000

static struct CMUnitTest tests[TESTS_MAX];
static char names[TESTS_MAX][NAME_LEN_MAX];
static size_t test_count;
static CMFixtureFunction setup, teardown;

const char unit_absent[] = "(absent)";

static _Noreturn void
die(const char *what)
{
    perror(what);
    exit(1);
}

int
unit_time_scale(void)
{
    const char *text = getenv("PAT_TIME_SCALE");
    long scale = text != NULL ? strtol(text, NULL, 10) : 1;

    return scale >= 1 && scale <= SCALE_MAX ? (int)scale : 1;
}

void
unit_check_no_hang(int64_t began_ns, int timeout_ms)
{
    int64_t took_ms = (pat_monotonic_ns() - began_ns) / 1000000;
    int64_t most_ms = timeout_ms + HANG_MS * (int64_t)unit_time_scale();

    if (took_ms > most_ms)
        fail_msg("took %lld ms for a timeout of %d ms (a hang begins at %lld ms)",
            (long long)took_ms, timeout_ms, (long long)most_ms);
}

void
unit_add(const char *group, const char *name, CMUnitTestFunction test, const void *row)
{
    size_t i = test_count++;

    if (i >= TESTS_MAX) {
        (void)fprintf(stderr, "raise TESTS_MAX\n");
        exit(1);
    }
    (void)snprintf(names[i], sizeof(names[i]), "%s: %s", group, name);
    tests[i].name = names[i];
    tests[i].test_func = test;
    tests[i].setup_func = setup;
    tests[i].teardown_func = teardown;
    tests[i].initial_state = (void *)(uintptr_t)row;
}

void
unit_fixture(CMFixtureFunction new_setup, CMFixtureFunction new_teardown)
{
    setup = new_setup;
    teardown = new_teardown;
}

void
unit_add_table(const char *group, CMUnitTestFunction test, const void *rows,
    size_t row_size, size_t count)
{
    const char *row = rows;

    for (size_t i = 0; i < count; i++, row += row_size)
        unit_add(group, *(const char *const *)(const void *)row, test, row);
}

/* The function behind cmocka's macro, which would count the array and not the tests. */
int
unit_run(const char *program)
{
    return _cmocka_run_group_tests(program, tests, test_count, NULL, NULL) != 0;
}

void
unit_check_err_at(enum pat_err got, enum pat_err want, const char *file, int line)
{
    if (got == want)
        return;
    print_error("got %d (%s), want %d (%s)\n", (int)got, pat_strerror(got), (int)want,
        pat_strerror(want));
    _fail(file, line);
}

void
unit_check_int_at(
    const char *what, long long got, long long want, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s: got %lld, want %lld\n", what, got, want);
    _fail(file, line);
}

void
unit_check_string_at(
    const char *what, const char *got, const char *want, const char *file, int line)
{
    if (got == NULL || want == NULL ? got == want : strcmp(got, want) == 0)
        return;
    print_error("%s: got \"%s\", want \"%s\"\n", what, got != NULL ? got : "(null)",
        want != NULL ? want : "(null)");
    _fail(file, line);
}

void
unit_dir_make(char ret_path[UNIT_PATH_MAX])
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(ret_path, UNIT_PATH_MAX, "%s/pat-unit.XXXXXX",
        parent != NULL && strlen(parent) < 64 ? parent : "/tmp");
    if (mkdtemp(ret_path) == NULL)
        die(ret_path);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void
unit_dir_remove(const char *path)
{
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

unsigned
unit_count_fds(void)
{
    DIR *list = opendir("/proc/self/fd");
    unsigned n = 0;

    if (list == NULL)
        die("/proc/self/fd");
    while (readdir(list) != NULL)
        n++;
    (void)closedir(list);
    return n;
}

void
unit_file_write(const char *path, const void *data, size_t len, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        die(path);
    if (write(fd, data, len) != (ssize_t)len)
        die(path);
    /* Not by open(2), which the umask would change. */
    if (fchmod(fd, mode) != 0 || close(fd) != 0)
        die(path);
}

const char *
unit_repeat(char c, size_t len)
{
    static char buf[4][REPEAT_MAX + 1];
    static unsigned next;
    char *s = buf[next++ % 4];

    if (len > REPEAT_MAX) {
        (void)fprintf(stderr, "raise REPEAT_MAX\n");
        exit(1);
    }
    memset(s, c, len);
    s[len] = '\0';
    return s;
}

/* xorshift32 */
uint32_t
unit_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

int
unit_dir_end(const char *path, unsigned fds)
{
    unit_dir_remove(path);
    if (unit_count_fds() == fds)
        return 0;
    print_error("a descriptor was left open\n");
    return -1;
}
