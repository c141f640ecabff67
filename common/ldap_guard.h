/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ldap_guard.h - what a server sends, looked at before libldap believes it
 *
 * libldap allocates as much as a message says that it is long, keeps all of an answer
 * however long the server makes it, and of a notification that nobody asked for it aborts
 * the program where that has no name. So the connection ends here when
 *
 * - a message, or all that came since the last pat_ldap_guard_allow(), is too long;
 * - a message has the id 0. All such that exist say that the connection is to end (RFC
 *   4511, section 4.4.1);
 * - what comes is no message at all.
 *
 * Above TLS, so that it sees what libldap sees. Private to ldap_conn.c.
 */
#ifndef PAT_LDAP_GUARD_H
#define PAT_LDAP_GUARD_H

#include <lber.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the next byte is. */
enum pat_ldap_stage {
    PAT_LDAP_TAG = 0,
    PAT_LDAP_LENGTH,
    PAT_LDAP_LENGTH_MORE,
    PAT_LDAP_ID_TAG,
    PAT_LDAP_ID_LENGTH,
    PAT_LDAP_ID,
    PAT_LDAP_BODY,
};

struct pat_ldap_guard {
    size_t max;     /* of a message, and of what may be allowed */
    size_t allowed; /* bytes that may yet come */
    enum pat_ldap_stage stage;
    size_t length;    /* what is left of this message */
    unsigned more;    /* bytes of the number that is being read */
    uint32_t id;      /* likewise */
    const char *what; /* is wrong; NULL = nothing */
};

/* Put it on top of `sb`, which must not outlive it. False: out of memory. */
bool pat_ldap_guard_install(struct pat_ldap_guard *guard, size_t max, Sockbuf *sb);

/* From now on `max` bytes may come. At first it is none. */
void pat_ldap_guard_allow(struct pat_ldap_guard *guard);

/* Returns whether the connection ended because the answer is longer than `max`. */
bool pat_ldap_guard_is_too_long(const struct pat_ldap_guard *guard);

/* Returns whether any byte came since then. */
bool pat_ldap_guard_was_used(const struct pat_ldap_guard *guard);

#endif
