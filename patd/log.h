/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - patd's log: the journal or a terminal in the foreground, else syslog
 *
 * One call is one line. What comes from outside goes through a struct log_line, which
 * escapes it. Nothing may be logged that a person typed, except names that the directory
 * or the configuration knows: people paste tokens at the wrong prompt.
 *
 * Any thread, after log_open().
 */
#ifndef PATD_LOG_H
#define PATD_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "conf.h"

/* To stderr until told otherwise; `foreground` false means syslog (authpriv). */
void log_open(bool foreground);
void log_set_level(enum pat_log_level level);

/* Would a line of this level be written? Saves making one that would not. */
bool log_wants(enum pat_log_level level);

void log_write(enum pat_log_level level, const char *fmt, ...) PAT_PRINTF(2, 3);

/*
 * For what may happen ten thousand times a second: one line in 10 s, or `burst` lines,
 * with a count of the others.
 */
struct log_limit {
    unsigned burst;
    atomic_uint used; /* lines of these 10 s */
    atomic_int_fast64_t next_ns;
    atomic_uint_fast64_t suppressed;
};

/* True if a line may be written now; *ret_suppressed were not since the last. */
bool log_limit_allows(struct log_limit *limit, uint64_t *ret_suppressed);

/* A line of fields, key=value, quoted and escaped where needed. */
struct log_line {
    char text[2048];
    size_t len;
};

#define LOG_VALUE_MAX 160 /* bytes of a value in a line, after escaping */

/*
 * A value that is longer is cut and ends in "...", so that the fields behind it have
 * room, however long the values are that a client chose.
 */
void log_line_add(struct log_line *line, const char *key, const char *value);

/* The same for the last field of a line: its value may be as long as the line has room.
 */
void log_line_end(struct log_line *line, const char *key, const char *value);

#endif
