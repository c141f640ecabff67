/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * repeats.h - log lines of refusals that repeat
 *
 * A program that goes on with a revoked token makes thousands of lines that differ in
 * nothing but their time. The first REPEATS_LOGGED lines of one text within an interval
 * are written; the others are counted, and one line at the end of the interval says how
 * many there were. Counts that are open at the end are written by repeats_stop().
 *
 * Any thread may log. The thread of repeats_start() sleeps while nothing is counted.
 */
#ifndef PATD_REPEATS_H
#define PATD_REPEATS_H

#include "attr.h"
#include "error.h"
#include "log.h"

#define REPEATS_LOGGED 10

PAT_MUST_USE enum pat_err repeats_start(void);
void repeats_stop(void);

/*
 * Writes `line`, or counts it.
 *
 * text  what the lines of one kind have in common: all but the time
 * line  the whole line
 */
void repeats_log(enum pat_log_level level, const char *text, const char *line);

/* For tests: the length of an interval. */
void repeats_set_interval_ms(int ms);

#endif
