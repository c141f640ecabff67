/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit.h - what the unit tests share: tables of named cases, each a cmocka test
 *
 * Order of use: unit_add() and UNIT_TABLE() any number of times, unit_run(). A row of a
 * table is a struct whose first member is `const char *name`; its test gets it as *state.
 * So the name of every case that fails is printed, and one failure hides no other.
 */
#ifndef PAT_TEST_UNIT_H
#define PAT_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h> /* wants those before it */

#include "attr.h"
#include "error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A list as the core reads it. */
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* An absent value, in tables in which NULL means "as usual". */
extern const char unit_absent[];

/* `row` may be NULL, and must live until unit_run() returns. */
void unit_add(
    const char *group, const char *name, CMUnitTestFunction test, const void *row);

/* For every test that is added from now on. Both must leave *state, the row, alone. */
void unit_fixture(CMFixtureFunction setup, CMFixtureFunction teardown);

void unit_add_table(const char *group, CMUnitTestFunction test, const void *rows,
    size_t row_size, size_t count);

#define UNIT_TABLE(group, test, table)                                                   \
    unit_add_table(group, test, table, sizeof((table)[0]), COUNT(table))

/* What main() returns: 0 if all passed. */
PAT_MUST_USE int unit_run(const char *program);

/* As cmocka's assertions, but told in words. A NULL string equals NULL alone. */
#define unit_check_err(got, want) unit_check_err_at(got, want, __FILE__, __LINE__)
#define unit_check_int(what, got, want)                                                  \
    unit_check_int_at(what, (long long)(got), (long long)(want), __FILE__, __LINE__)
#define unit_check_string(what, got, want)                                               \
    unit_check_string_at(what, got, want, __FILE__, __LINE__)

/*
 * The factor of every bound that catches a hang: PAT_TIME_SCALE, or 1. tests/time-scale
 * measures it.
 */
int unit_time_scale(void);

/* Fails if, since `began_ns`, clearly more than `timeout_ms` passed. */
void unit_check_no_hang(int64_t began_ns, int timeout_ms);

void unit_check_err_at(enum pat_err got, enum pat_err want, const char *file, int line);
void unit_check_int_at(
    const char *what, long long got, long long want, const char *file, int line);
void unit_check_string_at(
    const char *what, const char *got, const char *want, const char *file, int line);

/* A new directory, private to this process; unit_dir_remove() takes it away again. */
#define UNIT_PATH_MAX 256
void unit_dir_make(char ret_path[UNIT_PATH_MAX]);
void unit_dir_remove(const char *path);

/*
 * What a teardown returns: removes the directory, and fails if this process has another
 * number of descriptors open than `fds`.
 */
PAT_MUST_USE int unit_dir_end(const char *path, unsigned fds);

/* How many file descriptors this process has. */
unsigned unit_count_fds(void);

/* Write `len` bytes as a new file of exactly this mode. */
void unit_file_write(const char *path, const void *data, size_t len, unsigned mode);

/* `c`, `len` times, in static memory: valid until the fourth call from here. */
const char *unit_repeat(char c, size_t len);

/* Pseudo-random, the same in every run. `*state` must not be 0. */
uint32_t unit_random(uint32_t *state);

#endif
