/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * member.c - who belongs to an org, and in which role
 *
 * A modify changes one entry, so that a change of role is several. The overlay revokes
 * the tokens of who has no role any more: the new group comes first, the old ones go
 * after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "dn.h"
#include "live.h"
#include "membership.h"
#include "output.h"
#include "prompt.h"
#include "say.h"
#include "tokens.h"

struct options {
    const char *org;
    bool yes;
    bool json, csv;
};

static const struct arg change_args[] = {
    {0, "org", ARG_TEXT, offsetof(struct options, org), "ORG", "the org"},
    {0, NULL, 0, 0, NULL, NULL},
};

static const struct arg remove_args[] = {
    {0, "org", ARG_TEXT, offsetof(struct options, org), "ORG", "the org"},
    {0, "yes", ARG_FLAG, offsetof(struct options, yes), NULL, "do not ask before"},
    {0, NULL, 0, 0, NULL, NULL},
};

static const struct arg list_args[] = {
    {0, "org", ARG_TEXT, offsetof(struct options, org), "ORG", "the org"},
    {0, "json", ARG_FLAG, offsetof(struct options, json), NULL, "as a JSON array"},
    {0, "csv", ARG_FLAG, offsetof(struct options, csv), NULL,
        "as comma-separated values"},
    {0, NULL, 0, 0, NULL, NULL},
};

/* Who, where: what all of these begin with. */
struct place {
    char *org, *person;
    const char *org_name, *user;
};

static int
place_find(struct session *s, const struct call *call, struct place *ret)
{
    const struct options *o = call->options;
    int rc;

    ret->org_name = o->org;
    ret->user = call->argc > 0 ? call->argv[0] : NULL;
    rc = org_find(s, o->org, &ret->org);
    if (rc == EX_OK && ret->user != NULL)
        rc = person_find(s, ret->user, &ret->person);
    return rc;
}

static void
place_clear(struct place *p)
{
    free(p->org);
    free(p->person);
}

/* LDAP_SUCCESS also if it is so already. */
static int
change_group(struct session *s, int op, const char *group, const char *person)
{
    char *values[] = {(char *)(uintptr_t)person, NULL};
    LDAPMod mod = {op, (char *)(uintptr_t) "member", {.modv_strvals = values}};
    LDAPMod *mods[] = {&mod, NULL};
    int rc = session_modify(s, group, mods);

    if ((op == LDAP_MOD_ADD && rc == LDAP_TYPE_OR_VALUE_EXISTS) ||
        (op == LDAP_MOD_DELETE && rc == LDAP_NO_SUCH_ATTRIBUTE))
        return LDAP_SUCCESS;
    return rc;
}

/* The one group of the role; which it is must not be left to chance. */
static int
find_group(
    struct session *s, const struct place *p, const char *role, struct role_groups *ret)
{
    int rc = role_groups_find(s, p->org, NULL, role, ret);

    if (rc != EX_OK)
        return rc;
    if (ret->count == 1)
        return EX_OK;
    if (ret->count == 0) {
        say_error("%s has no group of the role %s", p->org_name, role);
        return EX_NOUSER;
    }
    for (size_t i = 0; i < ret->count; i++)
        say_note("%s", ret->list[i].dn);
    return say_usage("%s has several groups of the role %s: change them by ldapmodify",
        p->org_name, role);
}

static int
enter_group(struct session *s, const struct place *p, const char *group)
{
    int rc = change_group(s, LDAP_MOD_ADD, group, p->person);

    return rc == LDAP_SUCCESS
               ? EX_OK
               : session_fail(s, "%s cannot be put into %s", p->user, group);
}

/* Out of all of them but `kept`, which may be NULL. */
static int
leave_groups(struct session *s, const struct place *p, const struct role_groups *groups,
    const char *kept)
{
    for (size_t i = 0; i < groups->count; i++) {
        const char *group = groups->list[i].dn;

        if (kept != NULL && dn_equal(kept, group))
            continue;
        if (change_group(s, LDAP_MOD_DELETE, group, p->person) != LDAP_SUCCESS)
            return session_fail(s, "%s is still in %s", p->user, group);
    }
    return EX_OK;
}

static int
add(struct session *s, const struct call *call, const struct place *p)
{
    const char *role = call->argv[1];
    struct role_groups group = {0}, old = {0};
    int rc = role_groups_find(s, p->org, p->person, NULL, &old);

    if (rc == EX_OK && old.count > 0) {
        say_error("%s is in %s already, as %s: patctl member role", p->user, p->org_name,
            old.list[0].role == NULL ? "?" : old.list[0].role);
        rc = EX_DATAERR;
    }
    if (rc == EX_OK)
        rc = find_group(s, p, role, &group);
    if (rc == EX_OK)
        rc = enter_group(s, p, group.list[0].dn);
    if (rc == EX_OK)
        say_note("%s is in %s now, as %s.", p->user, p->org_name, role);
    role_groups_clear(&old);
    role_groups_clear(&group);
    return rc;
}

static int
change_role(struct session *s, const struct call *call, const struct place *p)
{
    const char *role = call->argv[1];
    struct role_groups group = {0}, old = {0};
    int rc = role_groups_find(s, p->org, p->person, NULL, &old);

    if (rc == EX_OK && old.count == 0) {
        say_error("%s is not in %s: patctl member add", p->user, p->org_name);
        rc = EX_NOUSER;
    }
    if (rc == EX_OK)
        rc = find_group(s, p, role, &group);
    if (rc == EX_OK)
        rc = enter_group(s, p, group.list[0].dn);
    if (rc == EX_OK)
        rc = leave_groups(s, p, &old, group.list[0].dn);
    if (rc == EX_OK)
        say_note("%s is %s in %s now, and keeps the tokens.", p->user, role, p->org_name);
    role_groups_clear(&old);
    role_groups_clear(&group);
    return rc;
}

static int
confirm_removal(
    const struct call *call, const struct place *p, const struct live_tokens *live)
{
    const struct options *o = call->options;
    char question[512];

    if (o->yes)
        return EX_OK;
    (void)snprintf(question, sizeof(question),
        "Remove %s from %s, and revoke %s%zu live token%s? This cannot be undone.",
        p->user, p->org_name, live->more ? "all, at least " : "", live->count,
        live->count == 1 && !live->more ? "" : "s");
    return prompt_confirm(question);
}

/* Reports how many of the live tokens were revoked. Either number may be a lower bound.
 */
static void
report_removal(
    const struct place *p, const struct live_tokens *live, const struct live_tokens *left)
{
    size_t gone = live->count - (left->count < live->count ? left->count : live->count);

    if (left->count > 0)
        say_note("%s%zu live tokens are left: without the overlay pat they work again "
                 "when %s comes back: patctl revoke --owner %s --org %s",
            left->more ? "at least " : "", left->count, p->user, p->user, p->org_name);
    if (left->more)
        say_note("%s is out of %s.", p->user, p->org_name);
    else
        say_note("%s is out of %s; %s%zu tokens were revoked.", p->user, p->org_name,
            live->more ? "at least " : "", gone);
}

static int
remove_member(struct session *s, const struct call *call, const struct place *p)
{
    struct role_groups groups = {0};
    struct live_tokens live = {0}, left = {0};
    int rc = role_groups_find(s, p->org, p->person, NULL, &groups);

    if (rc == EX_OK && groups.count == 0) {
        say_error("%s is not in %s", p->user, p->org_name);
        rc = EX_NOUSER;
    }
    if (rc == EX_OK)
        rc = live_tokens_find(s, p->org, p->person, &live);
    if (rc == EX_OK)
        rc = confirm_removal(call, p, &live);
    if (rc == EX_OK)
        rc = leave_groups(s, p, &groups, NULL);
    if (rc == EX_OK)
        rc = live_tokens_find(s, p->org, p->person, &left);
    if (rc == EX_OK)
        report_removal(p, &live, &left);
    live_tokens_clear(&live);
    live_tokens_clear(&left);
    role_groups_clear(&groups);
    return rc;
}

/* --- list ------------------------------------------------------------------------------
 */

enum { USER, ROLE, DN, COLUMNS };

static const struct output_column columns[COLUMNS] = {
    [USER] = {"USER", "user", 0},
    [ROLE] = {"ROLE", "role", 0},
    [DN] = {"DN", "dn", 12},
};

static bool
print_member(struct output *output, const char *dn, const char *role)
{
    char *user = dn_value(dn);
    struct output_cell cells[COLUMNS] = {
        [USER] = {user, OUTPUT_PLAIN},
        [ROLE] = {role, OUTPUT_PLAIN},
        [DN] = {dn, OUTPUT_PLAIN},
    };
    bool ok;

    if (output_is_json(output)) {
        struct json_object *o = json_object_new_object();

        (void)json_object_object_add(o, "user", output_string(user));
        (void)json_object_object_add(o, "role", output_string(role));
        (void)json_object_object_add(o, "dn", output_string(dn));
        ok = output_json(output, o);
    } else {
        ok = output_row(output, cells);
    }
    free(user);
    return ok;
}

static bool
list_group(struct session *s, LDAPMessage *entry, void *arg)
{
    char *role = entry_value(s, entry, "patRole");
    char **members = entry_values(s, entry, "member");
    bool ok = true;

    for (size_t i = 0; members != NULL && members[i] != NULL; i++) {
        ok = ok && print_member(arg, members[i], role);
        free(members[i]);
    }
    free(members);
    free(role);
    return ok;
}

static int
list_members(struct session *s, const struct call *call, const struct place *p)
{
    static const char *const attrs[] = {"patRole", "member", NULL};
    const struct options *o = call->options;
    struct output *output;
    enum output_format format;
    int end, rc = output_choose(o->json, o->csv, &format);

    if (rc != EX_OK)
        return rc;
    output = output_new(format, columns, COLUMNS);
    if (output == NULL)
        return EX_OSERR;
    rc = session_search(s, p->org, LDAP_SCOPE_SUBTREE, "(objectClass=patRoleGroup)",
        attrs, list_group, output);
    rc = rc == LDAP_SUCCESS ? EX_OK : session_fail(s, "the list is not complete");
    end = output_end(output);
    return end != EX_OK ? end : rc;
}

/* --- the commands ----------------------------------------------------------------------
 */

static int
run_in_org(const struct call *call,
    int (*fn)(struct session *s, const struct call *call, const struct place *p))
{
    const struct options *o = call->options;
    struct session s = {0};
    struct place place = {0};
    int rc;

    if (o->org == NULL)
        return say_usage("%s: --org ORG is missing", call->command->name);
    rc = session_open(call->connection, &s);
    if (rc == EX_OK)
        rc = place_find(&s, call, &place);
    if (rc == EX_OK)
        rc = fn(&s, call, &place);
    place_clear(&place);
    session_close(&s);
    return rc;
}

static int
add_run(const struct call *call)
{
    return run_in_org(call, add);
}

static int
role_run(const struct call *call)
{
    return run_in_org(call, change_role);
}

static int
remove_run(const struct call *call)
{
    return run_in_org(call, remove_member);
}

static int
list_run(const struct call *call)
{
    return run_in_org(call, list_members);
}

const struct command member_add_command = {
    .name = "member add",
    .operands = "UID ROLE",
    .summary = "Make a person a member of an org",
    .args = change_args,
    .options_size = sizeof(struct options),
    .connects = true,
    .operands_min = 2,
    .operands_max = 2,
    .run = add_run,
};

const struct command member_role_command = {
    .name = "member role",
    .operands = "UID ROLE",
    .summary = "Give a member another role; the tokens stay",
    .args = change_args,
    .options_size = sizeof(struct options),
    .connects = true,
    .operands_min = 2,
    .operands_max = 2,
    .run = role_run,
};

const struct command member_remove_command = {
    .name = "member remove",
    .operands = "UID",
    .summary = "Remove a member, whose tokens there are revoked",
    .args = remove_args,
    .options_size = sizeof(struct options),
    .connects = true,
    .operands_min = 1,
    .operands_max = 1,
    .run = remove_run,
};

const struct command member_list_command = {
    .name = "member list",
    .operands = "",
    .summary = "List the members of an org, and their roles",
    .args = list_args,
    .options_size = sizeof(struct options),
    .connects = true,
    .run = list_run,
};
