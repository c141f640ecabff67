/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ldap_cork.h - requests that belong together go out in one write
 *
 * libldap writes each request by itself, and each write wakes a thread of the server,
 * which then answers it by itself, too. Two searches in one write cost little more than
 * one. Corked, requests are kept; uncorked, they are sent. Private to ldap_conn.c.
 */
#ifndef PAT_LDAP_CORK_H
#define PAT_LDAP_CORK_H

#include <lber.h>
#include <stdbool.h>
#include <stddef.h>

struct pat_ldap_cork {
    Sockbuf_IO_Desc *layer; /* liblber's; NULL = not in place */
    bool on;
    bool keep_nonblocking; /* before each read, lest libldap has changed that */
    size_t len;
    char buf[4096];
};

/* Put it under `sb`, which must not outlive it. False: out of memory. */
bool pat_ldap_cork_install(struct pat_ldap_cork *cork, Sockbuf *sb);

void pat_ldap_cork_on(struct pat_ldap_cork *cork);

/* Send what was kept. False: it could not be sent whole; the connection is of no more
 * use. */
bool pat_ldap_cork_off(struct pat_ldap_cork *cork);

/* No read waits from here on; the socket is `layer`'s, which must be in place. */
void pat_ldap_cork_nonblocking(struct pat_ldap_cork *cork);

#endif
