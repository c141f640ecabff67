/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * say.h - what goes to standard error
 *
 * Nothing that came from the directory or the command line can make a terminal do
 * anything: what is not printable is shown escaped, as in text.h.
 */
#ifndef PATCTL_SAY_H
#define PATCTL_SAY_H

#include "attr.h"

/* "patctl: TEXT": something is wrong. A longer text than 2047 bytes is cut. */
void say_error(const char *fmt, ...) PAT_PRINTF(1, 2);

/* "TEXT": for the person who waits. */
void say_note(const char *fmt, ...) PAT_PRINTF(1, 2);

/* As say_error(), with a hint at the help; returns EX_USAGE. */
int say_usage(const char *fmt, ...) PAT_PRINTF(1, 2);

/* Says that there is no memory; returns EX_OSERR. */
int say_no_memory(void);

#endif
