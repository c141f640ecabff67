/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refusal.h - the log line of a refused login
 *
 * One form for all adapters, so that one fail2ban filter reads the logs of all of them:
 *
 *     authentication failure; PLACE rhost=ADDRESS user=NAME reason="TEXT"
 *
 * PLACE is the adapter's own, such as `service=smtp`. A refusal has one such line.
 * Trouble that keeps the adapter from an answer has a line of another form.
 *
 * libc alone; nothing allocates or blocks.
 */
#ifndef PAT_REFUSAL_H
#define PAT_REFUSAL_H

#include "attr.h"
#include "error.h"

#define PAT_REFUSAL_VALUE_MAX 255  /* bytes of a value; more is cut */
#define PAT_REFUSAL_MAX       2048 /* bytes of a line */

#define PAT_REFUSAL_AS_NAME                                                              \
    "a token was given as the login name; revoke it, the host may have logged it"
#define PAT_REFUSAL_WRAPPED                                                              \
    "the password has other characters around a token, or another letter case; give "    \
    "the "                                                                               \
    "token alone"

/*
 * Copies `value` for use as an unquoted value of a line. Every byte but ASCII letters,
 * digits and ._:/@%+- becomes a question mark: a value can neither end its field nor its
 * line. NULL is copied as an empty value.
 */
void pat_refusal_value(const char *value, char ret[PAT_REFUSAL_VALUE_MAX + 1]);

/*
 * Writes the line. All strings are borrowed.
 *
 * place   fields of the adapter; it must have escaped what is in them
 * source  the client's address; NULL = not known
 * user    the login name, if it is known to be that of an account; else NULL: people
 * paste passwords and tokens there reason  a phrase of the program, never a text that a
 * client sent detail  may be NULL, or a text for the log after the reason
 */
void pat_refusal_line(const char *place, const char *source, const char *user,
    const char *reason, const char *detail, char ret[PAT_REFUSAL_MAX]);

#endif
