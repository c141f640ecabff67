/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * progress.h - a line on the terminal for what takes longer than a second
 *
 * There is one such line in a process. Where standard error is no terminal nothing is
 * written. Whoever prints to a terminal calls progress_clear() before.
 */
#ifndef PATCTL_PROGRESS_H
#define PATCTL_PROGRESS_H

#include <stddef.h>

/* `what` is borrowed: "tokens read". */
void progress_begin(const char *what);

/* So many so far. Writes at most ten times a second. */
void progress_show(size_t count);

/* Take the line away; the next progress_show() brings it back. */
void progress_clear(void);

/* Take the line away; nothing is shown until progress_begin(). */
void progress_end(void);

#endif
