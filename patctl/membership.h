/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * membership.h - who belongs to an org, and in which role
 *
 * A person is a member while a patRoleGroup below the org names the person's DN.
 */
#ifndef PATCTL_MEMBERSHIP_H
#define PATCTL_MEMBERSHIP_H

#include <stddef.h>

#include "attr.h"
#include "session.h"

struct role_group {
    char *dn, *role;
};

struct role_groups {
    struct role_group *list;
    size_t count;
};

/*
 * The role groups below `org_dn`, or, NULL, the base; where `person` is not NULL, those
 * alone that name this DN; where `role` is not NULL, those of this role. EX_OK, or the
 * exit status: said. *ret is to be cleared either way.
 */
PAT_MUST_USE int role_groups_find(struct session *s, const char *org_dn,
    const char *person, const char *role, struct role_groups *ret);
void role_groups_clear(struct role_groups *g);

/*
 * The one org that `person` is a member of; *ret_dn is for free(3). EX_USAGE if there are
 * several, EX_NOUSER if there is none: said.
 */
PAT_MUST_USE int membership_only_org(
    struct session *s, const char *person, char **ret_dn);

#endif
