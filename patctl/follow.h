/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * follow.h - entries as they come, by LDAP content synchronization (RFC 4533)
 *
 * The server tells what is new over one search that does not end: nothing is polled. When
 * it goes away, it is asked anew, from where it stood, by the cookie that it gave.
 */
#ifndef PATCTL_FOLLOW_H
#define PATCTL_FOLLOW_H

#include <ldap.h>
#include <stdbool.h>

#include "attr.h"
#include "session.h"

struct follow {
    const char *base;
    const char *filter;
    const char *const *attrs;
    /*
     * For each entry that is there or new. An entry may come again after the server was
     * away. False: end.
     */
    bool (*entry)(struct session *s, LDAPMessage *entry, void *arg);
    /* All that was there has been told; now comes what is new. False: end. */
    bool (*caught_up)(struct session *s, void *arg);
    void *arg;
};

/*
 * Until SIGINT or SIGTERM, which end it with EX_OK, or until a function says false. `s`
 * is open; it is closed, and opened again by `options`, whenever the connection breaks.
 * Any other exit status: said.
 */
PAT_MUST_USE int follow_run(
    struct session *s, const struct session_options *options, const struct follow *f);

#endif
