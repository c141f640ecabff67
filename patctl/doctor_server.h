/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_server.h - a connected server, and searches on it
 *
 * Every search ends within the timeout of patd.conf.
 */
#ifndef PATCTL_DOCTOR_SERVER_H
#define PATCTL_DOCTOR_SERVER_H

#include "doctor.h"
#include "ldap_conn.h"

struct server {
    struct doctor *d;
    const struct pat_conf *conf;
    const char *uri;
    struct pat_ldap_conn conn;
};

/*
 * Searches, and returns an LDAP result code. *ret is for ldap_msgfree(), also after an
 * error; NULL: no answer. With a size limit of 1, a second match is no error.
 */
PAT_MUST_USE int doctor_ask(struct server *s, const char *base, int scope,
    const char *filter, char **attrs, int limit, LDAPMessage **ret);

/* Returns a copy of the first value, for free(), or NULL if the attribute is absent. */
char *doctor_value(struct server *s, LDAPMessage *entry, const char *attr);

/* Check what the server offers, and the tree below the base for faults. */
void doctor_offers(struct server *s);
void doctor_tree(struct server *s);

#endif
