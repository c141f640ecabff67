/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org.c - make an org, list the orgs
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "command.h"
#include "dn.h"
#include "membership.h"
#include "minting.h"
#include "output.h"
#include "say.h"
#include "tokens.h"
#include "when.h"

struct add_options {
    const char *owner, *parent;
    int64_t max_lifetime_s;
    struct arg_list mint_roles;
};

#define FIELD(name) offsetof(struct add_options, name)
static const struct arg add_args[] = {
    {0, "owner", ARG_TEXT, FIELD(owner), "UID", "the first owner, who must be there"},
    {0, "max-lifetime", ARG_SPAN, FIELD(max_lifetime_s), "TIME",
        "new tokens expire within it"},
    {0, "mint-role", ARG_LIST, FIELD(mint_roles), "ROLE",
        "only these roles may have tokens"},
    {0, "parent", ARG_TEXT, FIELD(parent), "DN", "above the org (ou=orgs,BASE)"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

#define ENTRIES_MAX 6

/* What was added so far, to be taken back if the rest fails. */
struct made {
    char *dns[ENTRIES_MAX];
    size_t count;
};

/* Add an entry of up to six attributes: name, values, name, values, ..., NULL. */
#define ATTRS_MAX 6
struct entry_attr {
    const char *name;
    const char *const *values;
};

/* Takes `dn` over. */
static int
add_entry(struct session *s, struct made *made, char *dn, const struct entry_attr *attrs)
{
    LDAPMod mod[ATTRS_MAX], *mods[ATTRS_MAX + 1] = {NULL};
    size_t n = 0;
    int rc;

    if (dn == NULL)
        return say_no_memory();
    for (; attrs->name != NULL && n < ATTRS_MAX; attrs++) {
        if (attrs->values == NULL || attrs->values[0] == NULL)
            continue;
        mod[n] = (LDAPMod){LDAP_MOD_ADD, (char *)(uintptr_t)attrs->name,
            {.modv_strvals = (char **)(uintptr_t)attrs->values}};
        mods[n] = &mod[n];
        n++;
    }
    rc = session_add(s, dn, mods, NULL, NULL);
    if (rc != LDAP_SUCCESS) {
        rc = session_fail(s, "%s cannot be added", dn);
        free(dn);
        return rc;
    }
    made->dns[made->count++] = dn;
    return EX_OK;
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

static int
add_group(struct session *s, struct made *made, const char *org, const char *name,
    const char *role, const char *member)
{
    return add_entry(s, made, dn_child("cn", name, org),
        (const struct entry_attr[]){
            {"objectClass", VALUES("organizationalRole", "patRoleGroup")},
            {"cn", VALUES(name)},
            {"patRole", VALUES(role)},
            {"member", member == NULL ? NULL : VALUES(member)},
            {NULL, NULL},
        });
}

static int
add_container(struct session *s, struct made *made, const char *org, const char *name)
{
    return add_entry(s, made, dn_child("ou", name, org),
        (const struct entry_attr[]){
            {"objectClass", VALUES("organizationalUnit")},
            {"ou", VALUES(name)},
            {NULL, NULL},
        });
}

static int
add_top(struct session *s, struct made *made, const struct add_options *o,
    const char *name, const char *parent)
{
    const char *roles[ARG_LIST_MAX + 1] = {NULL};
    char lifetime[24];

    for (size_t i = 0; i < o->mint_roles.count; i++)
        roles[i] = o->mint_roles.items[i];
    (void)snprintf(lifetime, sizeof(lifetime), "%lld", (long long)o->max_lifetime_s);
    return add_entry(s, made, dn_child("o", name, parent),
        (const struct entry_attr[]){
            {"objectClass", VALUES("organization", "patOrg")},
            {"o", VALUES(name)},
            {"patMaxLifetime", o->max_lifetime_s == 0 ? NULL : VALUES(lifetime)},
            {"patMintRole", roles},
            {NULL, NULL},
        });
}

/* LDAP has no change of several entries: what is half made is taken away, the last first.
 */
static void
take_back(struct session *s, struct made *made)
{
    while (made->count > 0) {
        const char *dn = made->dns[--made->count];

        if (session_delete(s, dn) != LDAP_SUCCESS)
            (void)session_fail(s, "%s was made, and cannot be taken back", dn);
        free(made->dns[made->count]);
    }
}

static void
made_clear(struct made *made)
{
    while (made->count > 0)
        free(made->dns[--made->count]);
}

/* The groups come last: the audit log then notes who is in them. */
static int
add_org(struct session *s, const struct add_options *o, const char *name,
    const char *parent, const char *owner)
{
    struct made made = {.count = 0};
    char *org = dn_child("o", name, parent);
    int rc = org == NULL ? say_no_memory() : add_top(s, &made, o, name, parent);

    if (rc == EX_OK)
        rc = add_container(s, &made, org, "audit");
    if (rc == EX_OK)
        rc = add_container(s, &made, org, "tokens");
    if (rc == EX_OK)
        rc = add_group(s, &made, org, "members", "member", NULL);
    if (rc == EX_OK)
        rc = add_group(s, &made, org, "viewers", "viewer", NULL);
    if (rc == EX_OK)
        rc = add_group(s, &made, org, "owners", "owner", owner);
    if (rc == EX_OK)
        say_note("Made %s. Next: patctl member add UID member --org %s", org, name);
    else
        take_back(s, &made);
    made_clear(&made);
    free(org);
    return rc;
}

static int
add_with(struct session *s, const struct add_options *o, const char *name)
{
    char *owner = NULL;
    char *parent =
        o->parent != NULL ? strdup(o->parent) : dn_child("ou", "orgs", s->base);
    int rc = parent == NULL ? say_no_memory() : person_find(s, o->owner, &owner);

    /* A base that is the parent of the orgs already, as patd's is. */
    if (rc == EX_OK && o->parent == NULL && strncasecmp(s->base, "ou=orgs,", 8) == 0) {
        free(parent);
        parent = strdup(s->base);
        rc = parent == NULL ? say_no_memory() : EX_OK;
    }
    if (rc == EX_OK)
        rc = add_org(s, o, name, parent, owner);
    free(parent);
    free(owner);
    return rc;
}

static int
add_run(const struct call *call)
{
    const struct add_options *o = call->options;
    struct session s = {0};
    int rc;

    if (o->owner == NULL)
        return say_usage("org add: --owner UID: an org has an owner from the start");
    rc = session_open(call->connection, &s);
    if (rc == EX_OK)
        rc = add_with(&s, o, call->argv[0]);
    session_close(&s);
    return rc;
}

const struct command org_add_command = {
    .name = "org add",
    .operands = "NAME",
    .summary = "Make an org with its groups",
    .args = add_args,
    .options_size = sizeof(struct add_options),
    .connects = true,
    .operands_min = 1,
    .operands_max = 1,
    .run = add_run,
};

/* --- list ------------------------------------------------------------------------------
 */

struct list_options {
    bool json, csv;
};

static const struct arg list_args[] = {
    {0, "json", ARG_FLAG, offsetof(struct list_options, json), NULL, "as a JSON array"},
    {0, "csv", ARG_FLAG, offsetof(struct list_options, csv), NULL,
        "as comma-separated values"},
    {0, NULL, 0, 0, NULL, NULL},
};

enum { ORG, ROLE, LIFETIME, MINT, DN, COLUMNS };

static const struct output_column columns[COLUMNS] = {
    [ORG] = {"ORG", "org", 0},
    [ROLE] = {"YOUR ROLE", "your_role", 0},
    [LIFETIME] = {"MAX LIFETIME", "max_lifetime", 0},
    [MINT] = {"MINT ROLES", "mint_roles", 8},
    [DN] = {"DN", "dn", 12},
};

struct org_list {
    struct output *output;
    struct role_groups mine;
    bool failed;
};

/* The role that the first of my groups in that org gives; NULL = none. */
static const char *
my_role(const struct org_list *l, const char *dn)
{
    size_t len = strlen(dn);

    for (size_t i = 0; i < l->mine.count; i++) {
        const char *group = l->mine.list[i].dn;
        size_t group_len = strlen(group);

        if (group_len > len && group[group_len - len - 1] == ',' &&
            strcasecmp(group + group_len - len, dn) == 0)
            return l->mine.list[i].role;
    }
    return NULL;
}

/* With blanks between them; for free(3). */
static char *
join(char **list)
{
    size_t size = 1, len = 0;
    char *text;

    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        size += strlen(list[i]) + 1;
    text = calloc(1, size);
    for (size_t i = 0; text != NULL && list != NULL && list[i] != NULL; i++)
        len +=
            (size_t)snprintf(text + len, size - len, "%s%s", i == 0 ? "" : " ", list[i]);
    return text;
}

static bool
print_org(struct org_list *l, const char *dn, const char *lifetime, const char *roles)
{
    char *name = dn_value(dn), span[WHEN_MAX] = "";
    const char *role = my_role(l, dn);
    bool ok;

    if (lifetime != NULL)
        when_span(strtoll(lifetime, NULL, 10), span);
    if (output_is_json(l->output)) {
        struct json_object *o = json_object_new_object();

        (void)json_object_object_add(o, "org", output_string(name));
        (void)json_object_object_add(o, "your_role", output_string(role));
        (void)json_object_object_add(o, "max_lifetime",
            lifetime == NULL ? NULL : json_object_new_int64(strtoll(lifetime, NULL, 10)));
        (void)json_object_object_add(o, "mint_roles", output_string(roles));
        (void)json_object_object_add(o, "dn", output_string(dn));
        ok = output_json(l->output, o);
    } else {
        struct output_cell cells[COLUMNS] = {
            [ORG] = {name, OUTPUT_PLAIN},
            [ROLE] = {role, OUTPUT_PLAIN},
            [LIFETIME] = {span, OUTPUT_PLAIN},
            [MINT] = {roles, OUTPUT_PLAIN},
            [DN] = {dn, OUTPUT_PLAIN},
        };

        ok = output_row(l->output, cells);
    }
    free(name);
    return ok;
}

static bool
list_org(struct session *s, LDAPMessage *entry, void *arg)
{
    struct org_list *l = arg;
    char *dn = entry_dn(s, entry), *lifetime = entry_value(s, entry, "patMaxLifetime");
    char **list = entry_values(s, entry, "patMintRole");
    char *roles = join(list);
    bool ok = dn != NULL && roles != NULL && print_org(l, dn, lifetime, roles);

    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
    free(roles);
    free(lifetime);
    free(dn);
    l->failed = !ok;
    return ok;
}

static int
list_with(struct session *s, struct org_list *l)
{
    static const char *const attrs[] = {"patMaxLifetime", "patMintRole", NULL};
    const char *me = NULL;
    int rc = session_whoami(s, &me);

    if (rc == EX_OK)
        rc = role_groups_find(s, NULL, me, NULL, &l->mine);
    if (rc == EX_OK) {
        rc = session_search(
            s, NULL, LDAP_SCOPE_SUBTREE, "(objectClass=patOrg)", attrs, list_org, l);
        rc = rc == LDAP_SUCCESS ? EX_OK : session_fail(s, "the list is not complete");
    }
    return rc == EX_OK && l->failed ? EX_OSERR : rc;
}

static int
list_run(const struct call *call)
{
    const struct list_options *o = call->options;
    struct org_list l = {.failed = false};
    struct session s = {0};
    enum output_format format;
    int end, rc = output_choose(o->json, o->csv, &format);

    if (rc == EX_OK)
        rc = session_open(call->connection, &s);
    if (rc != EX_OK)
        return rc;
    l.output = output_new(format, columns, COLUMNS);
    rc = l.output == NULL ? EX_OSERR : list_with(&s, &l);
    end = output_end(l.output);
    role_groups_clear(&l.mine);
    session_close(&s);
    return end != EX_OK ? end : rc;
}

const struct command org_list_command = {
    .name = "org list",
    .operands = "",
    .summary = "List the orgs, and your role in them",
    .args = list_args,
    .options_size = sizeof(struct list_options),
    .connects = true,
    .run = list_run,
};
