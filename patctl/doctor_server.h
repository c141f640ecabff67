/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_server.h - one server that is connected, and searches on it
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
 * *ret is for ldap_msgfree(), also where the code is an error; NULL = no answer. With a
 * size limit of 1, that there would be more is no error.
 */
PAT_MUST_USE int doctor_ask(struct server *s, const char *base, int scope,
    const char *filter, char **attrs, int limit, LDAPMessage **ret);

/* Returns a copy of the first value, for free(), or NULL if the attribute is absent. */
char *doctor_value(struct server *s, LDAPMessage *entry, const char *attr);

/* What the server offers, and what in the tree below the base misleads people. */
void doctor_offers(struct server *s);
void doctor_tree(struct server *s);

#endif
