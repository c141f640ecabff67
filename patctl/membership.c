/* SPDX-License-Identifier: BSD-2-Clause */
#include "membership.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "dn.h"
#include "say.h"
#include "tokens.h"

struct gathering {
    struct role_groups *groups;
    bool no_memory;
};

static bool
take_group(struct session *s, LDAPMessage *entry, void *arg)
{
    struct gathering *g = arg;
    struct role_group *bigger =
        realloc(g->groups->list, (g->groups->count + 1) * sizeof(*g->groups->list));
    struct role_group *group;

    if (bigger == NULL) {
        g->no_memory = true;
        return false;
    }
    g->groups->list = bigger;
    group = &bigger[g->groups->count++];
    group->dn = entry_dn(s, entry);
    group->role = entry_value(s, entry, "patRole");
    g->no_memory = group->dn == NULL;
    return !g->no_memory;
}

int
role_groups_find(struct session *s, const char *org_dn, const char *person,
    const char *role, struct role_groups *ret)
{
    static const char *const attrs[] = {"patRole", NULL};
    struct gathering g = {.groups = ret};
    char format[96], *filter;
    int rc;

    (void)snprintf(format, sizeof(format), "(&(objectClass=patRoleGroup)%s%s)",
        person == NULL ? "" : "(member=%s)", role == NULL ? "" : "(patRole=%s)");
    filter = filter_make(format, person != NULL ? person : role, role);
    if (filter == NULL)
        return say_no_memory();
    rc = session_search(s, org_dn, LDAP_SCOPE_SUBTREE, filter, attrs, take_group, &g);
    free(filter);
    if (rc != LDAP_SUCCESS)
        return session_fail(s, "looking for role groups");
    return g.no_memory ? say_no_memory() : EX_OK;
}

void
role_groups_clear(struct role_groups *g)
{
    for (size_t i = 0; i < g->count; i++) {
        free(g->list[i].dn);
        free(g->list[i].role);
    }
    free(g->list);
    *g = (struct role_groups){0};
}

static bool
is_org(struct session *s, const char *dn, bool *ret_failed)
{
    static const char *const attrs[] = {"objectClass", NULL};
    LDAPMessage *msg = NULL;
    int rc = session_read(s, dn, attrs, &msg);
    char **classes = NULL;
    bool found = false;

    *ret_failed = rc != LDAP_SUCCESS && rc != LDAP_NO_SUCH_OBJECT;
    if (rc == LDAP_SUCCESS)
        classes = entry_values(s, ldap_first_entry(s->ld, msg), "objectClass");
    for (size_t i = 0; classes != NULL && classes[i] != NULL; i++) {
        found = found || strcasecmp(classes[i], "patOrg") == 0;
        free(classes[i]);
    }
    free(classes);
    (void)ldap_msgfree(msg);
    return found;
}

/* Finds the nearest org above a group; *ret is NULL if no org is above it. */
static int
org_above(struct session *s, const char *group, char **ret)
{
    char *dn = dn_parent(group, 1);
    bool failed = false;

    while (dn != NULL && !is_org(s, dn, &failed) && !failed) {
        char *up = dn_parent(dn, 1);

        free(dn);
        dn = up;
    }
    if (failed) {
        free(dn);
        return session_fail(s, "looking for the org of %s", group);
    }
    *ret = dn;
    return EX_OK;
}

int
membership_only_org(struct session *s, const char *person, char **ret_dn)
{
    struct role_groups groups = {0};
    char *only = NULL;
    bool several = false;
    int rc = role_groups_find(s, NULL, person, NULL, &groups);

    for (size_t i = 0; rc == EX_OK && i < groups.count && !several; i++) {
        char *org = NULL;

        rc = org_above(s, groups.list[i].dn, &org);
        if (org != NULL && only != NULL)
            several = !dn_equal(org, only);
        if (only == NULL)
            only = org;
        else
            free(org);
    }
    role_groups_clear(&groups);
    if (rc == EX_OK && several)
        rc = say_usage("--org: which one? `patctl org list` shows them");
    if (rc == EX_OK && only == NULL) {
        say_error("%s is in no org that you may see: give --org", person);
        rc = EX_NOUSER;
    }
    if (rc == EX_OK)
        *ret_dn = only;
    else
        free(only);
    return rc;
}
