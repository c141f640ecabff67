/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ldap_conn.h - one connection to one directory server, every call under a deadline
 *
 * Private to the directory door (directory.c): it and uri.c alone know libldap.
 *
 * libldap may block in a name look-up, a connect, a TLS handshake or half an answer,
 * whatever timeouts it is given. So the socket is ours and never blocks, and waiting is
 * done here, with poll(2) and the monotonic clock.
 */
#ifndef PAT_LDAP_CONN_H
#define PAT_LDAP_CONN_H

#include <ldap.h>
#include <stdbool.h>

#include "conf.h"
#include "deadline.h"
#include "error.h"
#include "ldap_cork.h"
#include "ldap_guard.h"

struct pat_ldap_conn {
    LDAP *ld;           /* NULL = not connected */
    int fd;             /* the socket below; libldap closes it */
    bool late;          /* the last operation was abandoned at its deadline */
    unsigned abandoned; /* operations, on this connection */
    int64_t silent_ns;  /* time waited in vain since the server sent something */
    struct pat_ldap_cork cork;
    struct pat_ldap_guard guard;
};

/*
 * Connect, secure and bind as `conf` says.
 * PAT_ERR_UNAVAIL: *diag says which step failed and why; *conn is closed.
 */
PAT_MUST_USE enum pat_err pat_ldap_open(struct pat_ldap_conn *conn,
    const struct pat_conf *conf, const char *uri, struct pat_deadline deadline,
    struct pat_diag *diag);

/*
 * Wait for the whole answer to `msgid`; the caller frees *ret with ldap_msgfree().
 * PAT_ERR_RECORD: the answer is longer than 4 MiB; *conn is closed.
 * PAT_ERR_UNAVAIL: the deadline passed or the connection broke. *conn is closed, except
 * where conn->late is set: then only the deadline was short, and the operation is
 * abandoned, so that libldap drops a late answer. Other operations under way must be
 * abandoned as well.
 */
PAT_MUST_USE enum pat_err pat_ldap_wait(struct pat_ldap_conn *conn, int msgid,
    struct pat_deadline deadline, LDAPMessage **ret, struct pat_diag *diag);

/*
 * Abandons an operation (RFC 4511, 4.11). Closes *conn where that cannot be sent, or was
 * done too often on it: libldap remembers each one.
 */
void pat_ldap_abandon(struct pat_ldap_conn *conn, int msgid);

/*
 * The result code in `msg`, which ends an operation, if it is of the kind `type`
 * (LDAP_RES_BIND, ...); with *diag, if not NULL, set to "WHAT: what the server said" for
 * anything but success. LDAP_PROTOCOL_ERROR: it is an answer to something else.
 */
int pat_ldap_result(struct pat_ldap_conn *conn, LDAPMessage *msg, int type,
    const char *what, struct pat_diag *diag);

/* The last operation could not be sent: say why and close. Always PAT_ERR_UNAVAIL. */
enum pat_err pat_ldap_broken(
    struct pat_ldap_conn *conn, const char *what, int rc, struct pat_diag *diag);

void pat_ldap_close(struct pat_ldap_conn *conn);

#endif
