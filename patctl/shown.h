/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shown.h - a token that is shown on standard input, and patd that is asked about it
 */
#ifndef PATCTL_SHOWN_H
#define PATCTL_SHOWN_H

#include "attr.h"
#include "shape.h"

/* What patd's answer is as an exit status, besides those of sysexits(3). */
#define EXIT_REFUSED     1
#define EXIT_UNAVAILABLE 3

/* A token, or what was shown for one. It is erased by shown_clear(). */
struct shown {
    char text[PAT_TOKEN_MAX + 3]; /* no NUL needed */
    size_t len;                   /* more than PAT_TOKEN_MAX: too long for any */
};

/*
 * Read standard input to its end; one line break at the end is taken off. Where that is a
 * terminal it is asked for, unseen. EX_OK or an exit status: said. Clear *ret either way.
 */
PAT_MUST_USE int shown_read(struct shown *ret);
void shown_clear(struct shown *s);

/* EX_OK, or EX_USAGE where that cannot be the path of a socket: said. */
PAT_MUST_USE int shown_check_socket(const char *path);

#endif
