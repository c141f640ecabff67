/* SPDX-License-Identifier: BSD-2-Clause */
#include "member.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "token.h"

/* A role in an org; all NULL is none. Points into entries, or into `own`. */
struct role {
    const char *name;  /* as written */
    const char *nname; /* normalized; decides */
};

static struct role
role_of(Entry *e)
{
    struct role r = {NULL, NULL};
    const struct berval *name = e == NULL ? NULL : pat_value(e, pat_schema.role);

    if (name != NULL) {
        r.name = name->bv_val;
        r.nname = pat_nvalue(e, pat_schema.role)->bv_val;
    }
    return r;
}

static bool
role_same(struct role a, struct role b)
{
    if (a.nname == NULL || b.nname == NULL)
        return a.nname == b.nname;
    return strcmp(a.nname, b.nname) == 0;
}

/* Its place in the order; behind all that are listed, if it is not. */
static size_t
rank(const struct pat_settings *set, const char *nname)
{
    size_t i;

    for (i = 0; set->role_order[i] != NULL; i++)
        if (strcasecmp(set->role_order[i], nname) == 0)
            break;
    return i;
}

/* The stronger of two, of which either may be none. */
static struct role
stronger(const struct pat_settings *set, struct role a, struct role b)
{
    size_t ra, rb;

    if (a.nname == NULL || b.nname == NULL)
        return a.nname == NULL ? b : a;
    ra = rank(set, a.nname);
    rb = rank(set, b.nname);
    if (ra != rb)
        return ra < rb ? a : b;
    return strcmp(a.nname, b.nname) <= 0 ? a : b;
}

struct strongest {
    const struct pat_settings *set;
    char *name, *nname; /* own copies */
};

static int
role_found(const struct berval *role, const struct berval *nrole, void *arg)
{
    struct strongest *s = arg;
    struct role have = {s->name, s->nname}, found = {role->bv_val, nrole->bv_val};

    if (!role_same(stronger(s->set, have, found), have)) {
        ch_free(s->name);
        ch_free(s->nname);
        s->name = ch_strdup(role->bv_val);
        s->nname = ch_strdup(nrole->bv_val);
    }
    return 0;
}

static int
member_event(struct pat_work *w, const struct berval *org, const char *action,
    const struct berval *person, struct role from, struct role to, const char *reason)
{
    struct pat_event event = {.action = action, .target = person};
    struct berval was = BER_BVNULL, is = BER_BVNULL, why = BER_BVNULL;
    bool changed = from.name != NULL && to.name != NULL;

    if (from.name != NULL)
        was = pat_bv(from.name);
    if (to.name != NULL)
        is = pat_bv(to.name);
    if (reason != NULL)
        why = pat_bv(reason);
    event.detail[0].key = changed ? "from" : "role";
    event.detail[0].value = from.name != NULL ? &was : &is;
    event.detail[1].key = "to";
    event.detail[1].value = changed ? &is : NULL;
    event.detail[2].key = "reason";
    event.detail[2].value = reason != NULL ? &why : NULL;
    return pat_event_add(w, org, &event);
}

/* A person in the values of a group. */
struct person {
    const struct berval *dn, *ndn;
    bool before, after;
    bool counted; /* among w->removed */
};

static int
person_compare(const void *a, const void *b)
{
    const struct person *x = a, *y = b;
    size_t len = x->ndn->bv_len < y->ndn->bv_len ? x->ndn->bv_len : y->ndn->bv_len;
    int c = memcmp(x->ndn->bv_val, y->ndn->bv_val, len);

    return c != 0 ? c
                  : (x->ndn->bv_len > y->ndn->bv_len) - (x->ndn->bv_len < y->ndn->bv_len);
}

/* The values of member, and of its subtypes, as a filter on member finds them. */
static size_t
persons_of(Entry *e, struct person *ret, bool before)
{
    Attribute *a = e->e_attrs;
    size_t n = 0;
    unsigned i;

    while ((a = attrs_find(a, pat_schema.member)) != NULL) {
        for (i = 0; i < a->a_numvals; i++, n++)
            if (ret != NULL)
                ret[n] = (struct person){
                    &a->a_vals[i], &a->a_nvals[i], before, !before, false};
        a = a->a_next;
    }
    return n;
}

/* Everybody whom the group named before or names after, once. To be freed. */
static struct person *
persons_of_both(Entry *before, Entry *after, size_t *ret_n)
{
    size_t n = 0, i, last;
    struct person *p;

    if (before != NULL)
        n += persons_of(before, NULL, true);
    if (after != NULL)
        n += persons_of(after, NULL, false);
    p = ch_calloc(n + 1, sizeof(*p));
    i = before != NULL ? persons_of(before, p, true) : 0;
    if (after != NULL)
        persons_of(after, p + i, false);
    qsort(p, n, sizeof(*p), person_compare);
    for (i = last = 0; i < n; i++) {
        if (i > 0 && person_compare(&p[last], &p[i]) == 0) {
            p[last].before = p[last].before || p[i].before;
            p[last].after = p[last].after || p[i].after;
        } else {
            last = i == 0 ? 0 : last + 1;
            p[last] = p[i];
        }
    }
    *ret_n = n == 0 ? 0 : last + 1;
    return p;
}

/* Changes that arrive by replication were decided elsewhere, and must be applied. */
static bool
removals_limited(const struct pat_work *w)
{
    return w->set->removal_limit > 0 && !w->confirmed &&
           !SLAPD_SYNC_IS_SYNCCONN(w->op->o_connid);
}

static bool
removes_too_many(const struct pat_work *w)
{
    return removals_limited(w) && w->removed > w->set->removal_limit;
}

/* A member without live tokens loses nothing that a later change could not give back. */
static int
count_removal(struct pat_work *w, Entry *org, struct person *p)
{
    unsigned live = 0;

    if (!removals_limited(w))
        return LDAP_SUCCESS;
    if (pat_tree_count_tokens(&w->txn, &org->e_nname, p->ndn, &org->e_nname, UINT_MAX,
            &live) != LDAP_SUCCESS)
        return pat_failed(w);
    w->removed_tokens += live;
    if (live > 0 && !p->counted) {
        p->counted = true;
        w->removed++;
    }
    return LDAP_SUCCESS;
}

static int
check_removals(struct pat_work *w)
{
    if (!removes_too_many(w))
        return LDAP_SUCCESS;
    return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
        "pat: the request removes %u members with live tokens and revokes their %u "
        "tokens permanently; olcPatRemovalLimit is %u: remove fewer members at a time, "
        "or confirm the removal by the relax control (-e relax)",
        w->removed, w->removed_tokens, w->set->removal_limit);
}

/* One person in one org: what they were and are by this group, with what others give. */
static int
person_changed(struct pat_work *w, Entry *org, struct person *p, struct role was,
    struct role is, const struct berval *group)
{
    struct strongest s = {w->set, NULL, NULL};
    struct role others;
    int rc;

    rc = pat_tree_roles(&w->txn, &org->e_nname, p->ndn, group, role_found, &s);
    if (rc != LDAP_SUCCESS) {
        rc = pat_failed(w);
        goto out;
    }
    others = (struct role){s.name, s.nname};
    was = stronger(w->set, was, others);
    is = stronger(w->set, is, others);
    if (role_same(was, is))
        goto out;
    if (is.name == NULL)
        rc = count_removal(w, org, p);
    /* The rest is only counted: the request is going to be refused. */
    if (rc != LDAP_SUCCESS || removes_too_many(w))
        goto out;
    /* Who was deleted left then, with an event; only the name stood here still. */
    if (is.name != NULL || pat_txn_exists(&w->txn, p->ndn))
        rc = member_event(w, &org->e_name,
            is.name == NULL    ? "org_member.removed"
            : was.name == NULL ? "org_member.added"
                               : "org_member.role_changed",
            p->dn, was, is, NULL);
    if (rc == LDAP_SUCCESS && (is.name == NULL || was.name == NULL))
        rc = pat_token_revoke_all(
            w, &org->e_nname, p->ndn, &org->e_nname, "member-removed");
out:
    ch_free(s.name);
    ch_free(s.nname);
    return rc;
}

static bool
contains(const struct pat_entries *list, const struct berval *ndn)
{
    size_t i;

    for (i = 0; i < list->len; i++)
        if (bvmatch(&list->e[i]->e_nname, ndn))
            return true;
    return false;
}

/* All persons, in one org that the group is or was in. */
static int
org_changed(struct pat_work *w, Entry *org, struct person *persons, size_t n,
    struct role was, struct role is, const struct berval *group)
{
    struct role none = {NULL, NULL}, before, after;
    size_t i;
    int rc = LDAP_SUCCESS;

    for (i = 0; i < n && rc == LDAP_SUCCESS; i++) {
        before = persons[i].before ? was : none;
        after = persons[i].after ? is : none;
        if (!role_same(before, after))
            rc = person_changed(w, org, &persons[i], before, after, group);
    }
    return rc;
}

int
pat_member_group_changed(struct pat_work *w, Entry *before, Entry *after)
{
    struct pat_entries orgs_before = {0}, orgs_after = {0};
    Entry *old = before != NULL && pat_is(before, pat_schema.group) ? before : NULL;
    Entry *new = after != NULL &&pat_is(after, pat_schema.group) ? after : NULL;
    struct role none = {NULL, NULL}, was = role_of(old), is = role_of(new);
    const struct berval *group = after != NULL ? &after->e_nname : &before->e_nname;
    struct person *persons;
    size_t n, i;
    int rc = LDAP_SUCCESS;

    persons = persons_of_both(old, new, &n);
    if (old != NULL)
        pat_tree_orgs(&w->txn, &before->e_nname, before, &orgs_before);
    if (new != NULL)
        pat_tree_orgs(&w->txn, &after->e_nname, after, &orgs_after);
    for (i = 0; i < orgs_before.len && rc == LDAP_SUCCESS; i++)
        rc = org_changed(w, orgs_before.e[i], persons, n, was,
            contains(&orgs_after, &orgs_before.e[i]->e_nname) ? is : none, group);
    for (i = 0; i < orgs_after.len && rc == LDAP_SUCCESS; i++)
        if (!contains(&orgs_before, &orgs_after.e[i]->e_nname))
            rc = org_changed(w, orgs_after.e[i], persons, n, none, is, group);
    if (rc == LDAP_SUCCESS)
        rc = check_removals(w);
    pat_entries_clear(&orgs_before);
    pat_entries_clear(&orgs_after);
    ch_free(persons);
    return rc;
}

static const struct berval *
database(struct pat_work *w)
{
    return &w->op->o_bd->be_nsuffix[0];
}

/* Tokens of that name whose owner is gone: there was no entry of that name. */
static int
revoke_leftovers(struct pat_work *w, const struct berval *ndn)
{
    return pat_token_revoke_all(w, database(w), ndn, NULL, "owner-deleted");
}

/* The orgs that a person was in, each with the strongest role. */
struct membership {
    Entry *org;
    char *name, *nname;
};

static void
membership_note(struct pat_work *w, struct membership **list, size_t *len, Entry *org,
    struct role role)
{
    struct role have;
    struct membership *m;
    size_t i;

    for (i = 0; i < *len; i++)
        if (bvmatch(&(*list)[i].org->e_nname, &org->e_nname))
            break;
    if (i == *len) {
        *list = ch_realloc(*list, (*len + 1) * sizeof(**list));
        (*list)[i] = (struct membership){entry_dup(org), NULL, NULL};
        (*len)++;
    }
    m = &(*list)[i];
    have = (struct role){m->name, m->nname};
    if (role.name != NULL && !role_same(stronger(w->set, have, role), have)) {
        ch_free(m->name);
        ch_free(m->nname);
        m->name = ch_strdup(role.name);
        m->nname = ch_strdup(role.nname);
    }
}

/* Every value that names the person, under whatever subtype of member. */
static Modifications *
without(Entry *group, const struct berval *ndn)
{
    Modifications *mods = NULL;
    Attribute *a = group->e_attrs;
    unsigned i;

    while ((a = attrs_find(a, pat_schema.member)) != NULL) {
        for (i = 0; i < a->a_numvals; i++)
            if (bvmatch(&a->a_nvals[i], ndn))
                pat_mods_add(
                    &mods, a->a_desc, LDAP_MOD_DELETE, &a->a_vals[i], &a->a_nvals[i]);
        a = a->a_next;
    }
    return mods;
}

/* Take one person out of a group, which is taken. */
static int
leave_group(struct pat_work *w, Entry *group, Entry *person)
{
    Modifications *mods = without(group, &person->e_nname);
    struct berval name = BER_BVNULL;
    int rc;

    if (mods == NULL) {
        entry_free(group);
        return LDAP_SUCCESS;
    }
    pat_dup(&name, &group->e_name);
    rc = pat_txn_modify(&w->txn, group, mods);
    if (rc == LDAP_OBJECT_CLASS_VIOLATION) {
        /* Nobody enters by it: whose DN it is does not exist. */
        Debug(LDAP_DEBUG_ANY,
            "%s pat: %s goes on naming %s, which was deleted: its class demands a "
            "member\n",
            w->op->o_log_prefix, name.bv_val, person->e_name.bv_val);
        rc = LDAP_SUCCESS;
    } else if (rc != LDAP_SUCCESS) {
        rc = pat_failed(w);
    }
    ch_free(name.bv_val);
    return rc;
}

static int
person_deleted(struct pat_work *w, Entry *before)
{
    struct pat_entries groups = {0}, orgs = {0};
    struct membership *in = NULL;
    struct role none = {NULL, NULL};
    size_t n = 0, i, j;
    int rc;

    rc = pat_tree_naming(&w->txn, database(w), pat_schema.group, pat_schema.member,
        &before->e_nname, false, &groups);
    if (rc != LDAP_SUCCESS) {
        rc = pat_failed(w);
        goto out;
    }
    for (i = 0; i < groups.len; i++) {
        pat_tree_orgs(&w->txn, &groups.e[i]->e_nname, groups.e[i], &orgs);
        for (j = 0; j < orgs.len; j++)
            membership_note(w, &in, &n, orgs.e[j], role_of(groups.e[i]));
        pat_entries_clear(&orgs);
    }
    for (i = 0; i < n && rc == LDAP_SUCCESS; i++)
        rc = member_event(w, &in[i].org->e_name, "org_member.removed", &before->e_name,
            (struct role){in[i].name, in[i].nname}, none, "owner-deleted");
    if (rc == LDAP_SUCCESS)
        rc =
            pat_token_revoke_all(w, database(w), &before->e_nname, NULL, "owner-deleted");
    for (i = 0; i < groups.len && rc == LDAP_SUCCESS; i++) {
        rc = leave_group(w, groups.e[i], before);
        groups.e[i] = NULL;
    }
out:
    for (i = 0; i < n; i++) {
        entry_free(in[i].org);
        ch_free(in[i].name);
        ch_free(in[i].nname);
    }
    ch_free(in);
    /* Those that were given away are holes. */
    for (i = j = 0; i < groups.len; i++)
        if (groups.e[i] != NULL)
            groups.e[j++] = groups.e[i];
    groups.len = j;
    pat_entries_clear(&groups);
    return rc;
}

static int
any_role(const struct berval *role, const struct berval *nrole, void *arg)
{
    (void)role;
    (void)nrole;
    (void)arg;
    return LDAP_COMPARE_TRUE;
}

int
pat_member_has_role(
    struct pat_work *w, const struct berval *org, const struct berval *person)
{
    int rc = pat_tree_roles(&w->txn, org, person, NULL, any_role, NULL);

    if (rc == LDAP_SUCCESS)
        return LDAP_COMPARE_FALSE;
    return rc == LDAP_COMPARE_TRUE ? rc : pat_failed(w);
}

static bool
is_last_changed_here(const Entry *e)
{
    const struct berval *csn = pat_value(e, slap_schema.si_ad_entryCSN);
    struct berval text;

    if (csn == NULL)
        return false;
    text = *csn;
    return slap_parse_csn_sid(&text) == slap_serverID;
}

int
pat_member_leave(
    struct pat_work *w, const struct berval *org, const struct berval *person)
{
    struct pat_entries groups = {0};
    size_t i;
    int rc;

    rc = pat_tree_naming(
        &w->txn, org, pat_schema.group, pat_schema.member, person, false, &groups);
    if (rc != LDAP_SUCCESS)
        rc = pat_failed(w);
    for (i = 0; i < groups.len && rc == LDAP_SUCCESS; i++) {
        Entry *before = groups.e[i], *after;
        Entry who = {.e_name = *person, .e_nname = *person};

        if (!is_last_changed_here(before))
            continue;
        rc = leave_group(w, entry_dup(before), &who);
        after = rc == LDAP_SUCCESS ? pat_txn_get(&w->txn, &before->e_nname) : NULL;
        if (after == NULL)
            continue;
        rc = pat_member_group_changed(w, before, after);
        entry_free(after);
    }
    pat_entries_clear(&groups);
    return rc;
}

/* What `ndn`, which is `old` or below it, is called now. Both to be freed. */
static void
renamed(struct pat_work *w, const struct berval *ndn, Entry *old, Entry *new,
    struct berval *ret_dn, struct berval *ret_ndn)
{
    size_t keep = ndn->bv_len - old->e_nname.bv_len;
    Entry *e;

    if (keep == 0) {
        pat_dup(ret_dn, &new->e_name);
        pat_dup(ret_ndn, &new->e_nname);
        return;
    }
    ret_ndn->bv_len = keep + new->e_nname.bv_len;
    ret_ndn->bv_val = ch_malloc(ret_ndn->bv_len + 1);
    memcpy(ret_ndn->bv_val, ndn->bv_val, keep);
    memcpy(ret_ndn->bv_val + keep, new->e_nname.bv_val, new->e_nname.bv_len + 1);
    /* The name as people wrote it, where there is such an entry. */
    e = pat_txn_get(&w->txn, ret_ndn);
    pat_dup(ret_dn, e != NULL ? &e->e_name : ret_ndn);
    if (e != NULL)
        entry_free(e);
}

static bool
names(const Attribute *a, const struct berval *ndn)
{
    unsigned i;

    for (i = 0; i < a->a_numvals; i++)
        if (bvmatch(&a->a_nvals[i], ndn))
            return true;
    return false;
}

static bool
names_below(const Attribute *a, const struct berval *ndn)
{
    unsigned i;

    for (i = 0; i < a->a_numvals; i++)
        if (dnIsSuffix(&a->a_nvals[i], ndn))
            return true;
    return false;
}

/* Replace the values that are `old` or below it. Groups may have tens of thousands. */
static void
follow_attribute(
    struct pat_work *w, Modifications **mods, Attribute *a, Entry *old, Entry *new)
{
    bool some = names_below(a, &new->e_nname);
    unsigned i;

    for (i = 0; i < a->a_numvals; i++)
        if (dnIsSuffix(&a->a_nvals[i], &old->e_nname))
            pat_mods_add(mods, a->a_desc, LDAP_MOD_DELETE, &a->a_vals[i], &a->a_nvals[i]);
    for (i = 0; i < a->a_numvals; i++) {
        struct berval dn, ndn;

        if (!dnIsSuffix(&a->a_nvals[i], &old->e_nname))
            continue;
        renamed(w, &a->a_nvals[i], old, new, &dn, &ndn);
        if (!some || !names(a, &ndn))
            pat_mods_add(mods, a->a_desc, LDAP_MOD_ADD, &dn, &ndn);
        ch_free(dn.bv_val);
        ch_free(ndn.bv_val);
    }
}

/* In an entry that is taken, under whatever subtype of `ad`. */
static int
follow(struct pat_work *w, Entry *e, AttributeDescription *ad, Entry *old, Entry *new)
{
    Modifications *mods = NULL;
    Attribute *a = e->e_attrs;
    int rc;

    while ((a = attrs_find(a, ad)) != NULL) {
        follow_attribute(w, &mods, a, old, new);
        a = a->a_next;
    }
    if (mods == NULL) {
        entry_free(e);
        return LDAP_SUCCESS;
    }
    rc = pat_txn_modify(&w->txn, e, mods);
    return rc == LDAP_SUCCESS ? rc : pat_failed(w);
}

static int
follow_all(struct pat_work *w, ObjectClass *oc, AttributeDescription *ad, Entry *old,
    Entry *new, bool below)
{
    struct pat_entries list = {0};
    size_t i, j;
    int rc;

    rc = pat_tree_naming(&w->txn, database(w), oc, ad, &old->e_nname, below, &list);
    if (rc != LDAP_SUCCESS)
        rc = pat_failed(w);
    for (i = 0; i < list.len && rc == LDAP_SUCCESS; i++) {
        rc = follow(w, list.e[i], ad, old, new);
        list.e[i] = NULL;
    }
    for (i = j = 0; i < list.len; i++)
        if (list.e[i] != NULL)
            list.e[j++] = list.e[i];
    list.len = j;
    pat_entries_clear(&list);
    return rc;
}

/* The same for all entries below one that has a new name, before tokens follow to it. */
static int
revoke_leftovers_below(struct pat_work *w, Entry *after)
{
    struct pat_entries tokens = {0};
    size_t i;
    int rc;

    rc = pat_tree_naming(&w->txn, database(w), pat_schema.token, pat_schema.owner,
        &after->e_nname, true, &tokens);
    if (rc != LDAP_SUCCESS)
        rc = pat_failed(w);
    for (i = 0; i < tokens.len && rc == LDAP_SUCCESS; i++) {
        const struct berval *owner = pat_nvalue(tokens.e[i], pat_schema.owner);

        if (owner != NULL && pat_txn_exists(&w->txn, owner))
            rc = revoke_leftovers(w, owner);
    }
    pat_entries_clear(&tokens);
    return rc;
}

static int
person_renamed(struct pat_work *w, Entry *before, Entry *after, bool below)
{
    int rc;

    rc = revoke_leftovers(w, &after->e_nname);
    if (rc == LDAP_SUCCESS && below)
        rc = revoke_leftovers_below(w, after);
    if (rc == LDAP_SUCCESS)
        rc = follow_all(w, pat_schema.group, pat_schema.member, before, after, below);
    if (rc == LDAP_SUCCESS)
        rc = follow_all(w, pat_schema.token, pat_schema.owner, before, after, below);
    return rc;
}

int
pat_member_person_changed(struct pat_work *w, Entry *before, Entry *after, bool below)
{
    if (before == NULL)
        return revoke_leftovers(w, &after->e_nname);
    if (after == NULL)
        return person_deleted(w, before);
    if (!bvmatch(&before->e_nname, &after->e_nname))
        return person_renamed(w, before, after, below);
    return LDAP_SUCCESS;
}
