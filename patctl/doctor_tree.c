/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_tree.c - the tree below the base: equal names, faulty role groups
 *
 * Entries are read as patd's account sees them, and as they are stored: a member that an
 * overlay such as dynlist computes has no role, so it must not hide a missing member.
 */
#include "doctor_server.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Findings of one kind that are printed one by one. */
#define SHOWN_MAX 10
/* Containers of people that are searched. */
#define BASES_MAX 16

#define TXN_START "1.3.6.1.1.21.1"
#define TXN_SPEC  "1.3.6.1.1.21.2"

struct named {
    char *name, *dn;
};

struct names {
    struct named *list;
    size_t len, cap;
};

static void
names_clear(struct names *names)
{
    for (size_t i = 0; i < names->len; i++) {
        free(names->list[i].name);
        ldap_memfree(names->list[i].dn);
    }
    free(names->list);
    *names = (struct names){0};
}

/* Takes ownership of both strings. */
static bool
names_add(struct names *names, char *name, char *dn)
{
    struct named *list = names->list;

    if (name != NULL && dn != NULL && names->len == names->cap) {
        size_t cap = names->cap == 0 ? 64 : names->cap * 2;

        list = reallocarray(names->list, cap, sizeof(*list));
        if (list != NULL) {
            names->list = list;
            names->cap = cap;
        }
    }
    if (name == NULL || dn == NULL || list == NULL) {
        free(name);
        ldap_memfree(dn);
        return false;
    }
    names->list[names->len++] = (struct named){name, dn};
    return true;
}

static int
compare(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcasecmp(x->name, y->name);

    return order != 0 ? order : strcasecmp(x->dn, y->dn);
}

/* Adds every value of `attr` to *names, or, if `attr` is NULL, of the entry's RDN. */
static bool
collect_entry(struct server *s, LDAPMessage *entry, const char *attr, struct names *names)
{
    struct berval **vals = NULL;
    LDAPDN dn = NULL;
    char *text = ldap_get_dn(s->conn.ld, entry);
    bool ok = text != NULL;

    if (attr != NULL) {
        vals = ldap_get_values_len(s->conn.ld, entry, attr);
        for (size_t i = 0; ok && vals != NULL && vals[i] != NULL; i++)
            ok =
                names_add(names, strndup(vals[i]->bv_val, vals[i]->bv_len), strdup(text));
    } else if (ok && ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS) {
        for (size_t i = 0; ok && dn != NULL && dn[0] != NULL && dn[0][i] != NULL; i++)
            ok = names_add(names,
                strndup(dn[0][i]->la_value.bv_val, dn[0][i]->la_value.bv_len),
                strdup(text));
    }
    ldap_dnfree(dn);
    ldap_value_free_len(vals);
    ldap_memfree(text);
    return ok;
}

/* Adds to *names. False: some entries could not be read, and that was reported. */
static bool
collect(struct server *s, const char *base, const char *what, const char *filter,
    const char *attr, struct names *names)
{
    char *attrs[] = {(char *)(uintptr_t)(attr != NULL ? attr : "1.1"), NULL};
    LDAPMessage *msg = NULL;
    int code = doctor_ask(s, base, LDAP_SCOPE_SUBTREE, filter, attrs, 0, &msg);
    bool ok = code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED, room = true;

    for (LDAPMessage *e = ok ? ldap_first_entry(s->conn.ld, msg) : NULL;
         e != NULL && room; e = ldap_next_entry(s->conn.ld, e))
        room = collect_entry(s, e, attr, names);
    if (!ok)
        doctor_unknown(
            s->d, "%s: %s: no answer: %s", s->uri, what, ldap_err2string(code));
    else if (!room)
        doctor_unknown(s->d, "%s: %s: out of memory", s->uri, what);
    else if (code == LDAP_SIZELIMIT_EXCEEDED)
        doctor_unknown(s->d,
            "%s: %s: the size limit of the account hides some entries. Raise it "
            "(olcLimits), and look again",
            s->uri, what);
    (void)ldap_msgfree(msg);
    return ok && room && code == LDAP_SUCCESS;
}

/* Calls `report` with two entries of one name. Returns the number of such pairs. */
static size_t
report_equal(struct server *s, struct names *names,
    void (*report)(struct server *s, const struct named *a, const struct named *b))
{
    size_t pairs = 0;

    if (names->len > 0)
        qsort(names->list, names->len, sizeof(*names->list), compare);
    for (size_t i = 0; i + 1 < names->len; i++) {
        const struct named *a = &names->list[i], *b = a + 1;

        if (strcasecmp(a->name, b->name) == 0 && strcasecmp(a->dn, b->dn) != 0 &&
            ++pairs <= SHOWN_MAX)
            report(s, a, b);
    }
    return pairs;
}

static void
report_uid(struct server *s, const struct named *a, const struct named *b)
{
    doctor_wrong(s->d,
        "%s: the uid %s belongs to two entries, %s and %s: the tokens of both log in "
        "under one name. Give one entry another uid",
        s->uri, a->name, a->dn, b->dn);
}

static void
report_org(struct server *s, const struct named *a, const struct named *b)
{
    doctor_wrong(s->d,
        "%s: two orgs have the name %s, %s and %s: a service that admits one admits "
        "members of both. Delete one org and create it under another name",
        s->uri, a->name, a->dn, b->dn);
}

static void
check_equal(struct server *s, const char *what, struct names *names, bool all,
    void (*report)(struct server *s, const struct named *a, const struct named *b))
{
    size_t pairs = report_equal(s, names, report);

    if (pairs > SHOWN_MAX)
        doctor_wrong(s->d,
            "%s: %s: %zu more entries share a name. Correct those above, and look again",
            s->uri, what, pairs - SHOWN_MAX);
    if (all && pairs == 0)
        doctor_ok(s->d, "%s: %s: each is there once", s->uri, what);
}

static void
check_orgs(struct server *s)
{
    static const char what[] = "names of orgs";
    struct names names = {0};
    bool all = collect(s, s->conf->base, what, "(objectClass=patOrg)", NULL, &names);

    check_equal(s, what, &names, all, report_org);
    names_clear(&names);
}

/* Returns the parent's DN, for ldap_memfree(), or NULL if the DN has no parent. */
static char *
parent_of(const char *dn)
{
    LDAPDN parts = NULL;
    char *parent = NULL;

    if (ldap_str2dn(dn, &parts, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS && parts != NULL &&
        parts[0] != NULL && parts[1] != NULL &&
        ldap_dn2str(parts + 1, &parent, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        parent = NULL;
    ldap_dnfree(parts);
    return parent;
}

/*
 * Finds the containers of people. patd's account may search these, and nothing above
 * them. So the parents of the tokens' owners are searched, besides the base.
 */
static bool
people_bases(struct server *s, const char *what, struct names *ret_bases)
{
    struct names owners = {0};
    bool missed = false;
    bool all =
        collect(s, s->conf->base, what, "(objectClass=patToken)", "patOwner", &owners);

    for (size_t i = 0; i < owners.len; i++) {
        char *parent = parent_of(owners.list[i].name);
        bool known = parent == NULL;

        for (size_t k = 0; !known && k < ret_bases->len; k++)
            known = strcasecmp(ret_bases->list[k].name, parent) == 0;
        if (!known && ret_bases->len < BASES_MAX)
            all = names_add(ret_bases, strdup(parent), strdup(parent)) && all;
        else if (!known)
            missed = true;
        ldap_memfree(parent);
    }
    if (missed)
        doctor_unknown(s->d,
            "%s: %s: people are in more than %d containers; the others were not compared",
            s->uri, what, BASES_MAX);
    names_clear(&owners);
    return all && !missed;
}

static void
check_uids(struct server *s)
{
    static const char what[] = "login names";
    struct names names = {0}, bases = {0};
    bool all = people_bases(s, what, &bases);

    all = collect(s, s->conf->base, what, "(uid=*)", "uid", &names) && all;
    for (size_t i = 0; i < bases.len; i++)
        all = collect(s, bases.list[i].name, what, "(uid=*)", "uid", &names) && all;
    check_equal(s, what, &names, all, report_uid);
    names_clear(&names);
    names_clear(&bases);
}

/* An empty group is correct; one with members of another kind only is a fault. */
#define OTHER_MEMBERS                                                                    \
    "(&(objectClass=patRoleGroup)(!(member=*))"                                          \
    "(|(objectClass=groupOfUniqueNames)(objectClass=groupOfURLs)"                        \
    "(objectClass=posixGroup)(objectClass=labeledURIObject)"                             \
    "(uniqueMember=*)(memberUid=*)(memberURL=*)))"

static void
check_groups(struct server *s)
{
    struct names names = {0};
    bool all = collect(s, s->conf->base, "role groups", OTHER_MEMBERS, NULL, &names);

    for (size_t i = 0; i < names.len && i < SHOWN_MAX; i++)
        doctor_wrong(s->d,
            "%s: the role group %s has no member, but members of another kind: computed "
            "or other membership never gives a role. Store its people in member",
            s->uri, names.list[i].dn);
    if (names.len > SHOWN_MAX)
        doctor_wrong(s->d,
            "%s: %zu more role groups have only members of another kind. Correct those "
            "above, and look again",
            s->uri, names.len - SHOWN_MAX);
    if (all && names.len == 0)
        doctor_ok(s->d, "%s: role groups: none has members that do not count", s->uri);
    names_clear(&names);
}

/* Returns whether the RDN has the attribute member. */
static bool
is_named_by_member(const char *text)
{
    static const char *const names[] = {"member", "2.5.4.31", "OID.2.5.4.31"};
    LDAPDN dn = NULL;
    bool is = false;

    if (ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || dn == NULL)
        return false;
    for (LDAPAVA **ava = dn[0]; *ava != NULL; ava++)
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            is = is || (strlen(names[i]) == (*ava)->la_attr.bv_len &&
                           strncasecmp(names[i], (*ava)->la_attr.bv_val,
                               (*ava)->la_attr.bv_len) == 0);
    ldap_dnfree(dn);
    return is;
}

static void
check_group_names(struct server *s)
{
    static const char what[] = "names of role groups";
    struct names names = {0};
    size_t found = 0;
    bool all =
        collect(s, s->conf->base, what, "(objectClass=patRoleGroup)", NULL, &names);

    /* An entry has one element for each value in its RDN. */
    for (size_t i = 0; i < names.len; i++) {
        const char *dn = names.list[i].dn;

        if ((i > 0 && strcmp(dn, names.list[i - 1].dn) == 0) || !is_named_by_member(dn) ||
            ++found > SHOWN_MAX)
            continue;
        doctor_wrong(s->d,
            "%s: the role group %s is named by member: the person in its name can be "
            "neither removed, renamed nor deleted. Rename the group, such as to cn=NAME",
            s->uri, dn);
    }
    if (found > SHOWN_MAX)
        doctor_wrong(s->d,
            "%s: %zu more role groups are named by member. Correct those above, and look "
            "again",
            s->uri, found - SHOWN_MAX);
    if (all && found == 0)
        doctor_ok(s->d, "%s: %s: none is named by member", s->uri, what);
    names_clear(&names);
}

void
doctor_tree(struct server *s)
{
    LDAPControl as_stored = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_MANAGEDSAIT};
    LDAPControl *controls[] = {&as_stored, NULL};

    if (s->conn.ld == NULL)
        return;
    (void)ldap_set_option(s->conn.ld, LDAP_OPT_SERVER_CONTROLS, controls);
    check_uids(s);
    check_orgs(s);
    check_groups(s);
    check_group_names(s);
    if (s->conn.ld != NULL)
        (void)ldap_set_option(s->conn.ld, LDAP_OPT_SERVER_CONTROLS, NULL);
}

static bool
has_value(struct server *s, LDAPMessage *entry, const char *attr, const char *value)
{
    struct berval **vals = ldap_get_values_len(s->conn.ld, entry, attr);
    bool has = false;

    for (size_t i = 0; vals != NULL && vals[i] != NULL && !has; i++)
        has = strcmp(vals[i]->bv_val, value) == 0;
    ldap_value_free_len(vals);
    return has;
}

void
doctor_offers(struct server *s)
{
    char *attrs[] = {(char[]){"supportedExtension"}, (char[]){"supportedControl"}, NULL};
    LDAPMessage *msg = NULL, *entry = NULL;

    if (doctor_ask(s, "", LDAP_SCOPE_BASE, "(objectClass=*)", attrs, 0, &msg) ==
        LDAP_SUCCESS)
        entry = ldap_first_entry(s->conn.ld, msg);
    if (entry == NULL)
        doctor_unknown(
            s->d, "%s: LDAP transactions: the account may not read the root DSE", s->uri);
    else if (has_value(s, entry, "supportedExtension", TXN_START) ||
             has_value(s, entry, "supportedControl", TXN_SPEC))
        doctor_wrong(s->d,
            "%s: the server offers LDAP transactions (RFC 5805): any account that can "
            "bind can crash slapd 2.5.13 by one. Load the module pat there, which "
            "refuses "
            "them: slapo-pat(5)",
            s->uri);
    else
        doctor_ok(s->d, "%s: the server offers no LDAP transactions", s->uri);
    (void)ldap_msgfree(msg);
}
