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
member_event(struct pat_work *w, const struct berval *org, const struct berval *person,
    struct role from, struct role to, const char *reason)
{
    struct pat_event event = {.target = person};
    struct berval was = BER_BVNULL, is = BER_BVNULL, why = BER_BVNULL;
    bool changed = from.name != NULL && to.name != NULL;

    if (from.name != NULL)
        was = pat_bv(from.name);
    if (to.name != NULL)
        is = pat_bv(to.name);
    if (reason != NULL)
        why = pat_bv(reason);
    event.action = to.name == NULL     ? "org_member.removed"
                   : from.name == NULL ? "org_member.added"
                                       : "org_member.role_changed";
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

/* Counts the member if it has live tokens: a later change can restore all but these. */
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

/* What `ndn`, which is `old` or below it, is called now. To be freed. */
static void
renamed_ndn(
    const struct berval *ndn, const Entry *old, const Entry *new, struct berval *ret_ndn)
{
    size_t keep = ndn->bv_len - old->e_nname.bv_len;

    ret_ndn->bv_len = keep + new->e_nname.bv_len;
    ret_ndn->bv_val = ch_malloc(ret_ndn->bv_len + 1);
    memcpy(ret_ndn->bv_val, ndn->bv_val, keep);
    memcpy(ret_ndn->bv_val + keep, new->e_nname.bv_val, new->e_nname.bv_len + 1);
}

/* A change of a group's entry; of an added or deleted one, one side is NULL. */
struct group_change {
    Entry *before, *after;
};

/*
 * Returns whether a person had that name before the change. What the group itself, or an
 * entry below it, becomes by the same change follows in pat_member_person_changed(), with
 * its own event.
 */
static bool
was_person(struct pat_work *w, const struct group_change *c, const struct berval *ndn)
{
    const Entry *before = c->before, *after = c->after;
    struct berval now;
    bool is;

    if (before != NULL && bvmatch(ndn, &before->e_nname))
        return pat_is_person(w->set, before);
    if (after == NULL || (before != NULL && bvmatch(&before->e_nname, &after->e_nname)))
        return pat_tree_is_person(&w->txn, w->set, ndn);
    if (dnIsSuffix(ndn, &after->e_nname))
        return false;
    if (before == NULL || !dnIsSuffix(ndn, &before->e_nname))
        return pat_tree_is_person(&w->txn, w->set, ndn);
    renamed_ndn(ndn, before, after, &now);
    is = pat_tree_is_person(&w->txn, w->set, &now);
    ch_free(now.bv_val);
    return is;
}

/* One person in one org: what they were and are by this group, with what others give. */
static int
person_changed(struct pat_work *w, Entry *org, struct person *p, struct role was,
    struct role is, const struct group_change *c)
{
    const struct berval *group =
        c->after != NULL ? &c->after->e_nname : &c->before->e_nname;
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
    /* Beyond the limit members are only counted: the request will be refused. */
    if (rc != LDAP_SUCCESS || removes_too_many(w))
        goto out;
    /* A placeholder, or the name of a person who was deleted, has no event. */
    if (was_person(w, c, p->ndn))
        rc = member_event(w, &org->e_name, p->dn, was, is, NULL);
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
    struct role was, struct role is, const struct group_change *c)
{
    struct role none = {NULL, NULL}, before, after;
    size_t i;
    int rc = LDAP_SUCCESS;

    for (i = 0; i < n && rc == LDAP_SUCCESS; i++) {
        before = persons[i].before ? was : none;
        after = persons[i].after ? is : none;
        if (!role_same(before, after))
            rc = person_changed(w, org, &persons[i], before, after, c);
    }
    return rc;
}

/*
 * Refuses a role group that gets a name by `member`: the database never removes a value
 * of the RDN, so that this person could not leave the group. One that has such a name
 * already may be changed.
 */
static int
check_group_name(struct pat_work *w, const Entry *before, const Entry *after)
{
    if (after == NULL ||
        !pat_tree_is_named_by(&after->e_nname, pat_schema.member->ad_type) ||
        (before != NULL && bvmatch(&before->e_nname, &after->e_nname)))
        return LDAP_SUCCESS;
    return pat_refuse(w, LDAP_NAMING_VIOLATION,
        "pat: member: a role group must not be named by it, because the person in its "
        "name could not be removed: name the group by another attribute, such as cn");
}

int
pat_member_group_changed(struct pat_work *w, Entry *before, Entry *after)
{
    struct pat_entries orgs_before = {0}, orgs_after = {0};
    Entry *old = before != NULL && pat_is(before, pat_schema.group) ? before : NULL;
    Entry *new = after != NULL &&pat_is(after, pat_schema.group) ? after : NULL;
    struct role none = {NULL, NULL}, was = role_of(old), is = role_of(new);
    struct group_change c = {before, after};
    struct person *persons;
    size_t n, i;
    int rc = check_group_name(w, old, new);

    if (rc != LDAP_SUCCESS)
        return rc;
    persons = persons_of_both(old, new, &n);
    if (old != NULL)
        pat_tree_orgs(&w->txn, &before->e_nname, before, &orgs_before);
    if (new != NULL)
        pat_tree_orgs(&w->txn, &after->e_nname, after, &orgs_after);
    for (i = 0; i < orgs_before.len && rc == LDAP_SUCCESS; i++)
        rc = org_changed(w, orgs_before.e[i], persons, n, was,
            contains(&orgs_after, &orgs_before.e[i]->e_nname) ? is : none, &c);
    for (i = 0; i < orgs_after.len && rc == LDAP_SUCCESS; i++)
        if (!contains(&orgs_before, &orgs_after.e[i]->e_nname))
            rc = org_changed(w, orgs_after.e[i], persons, n, none, is, &c);
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

/*
 * After a change of a role group failed. A value of its RDN can neither be removed nor
 * follow the name of a person.
 */
static int
group_failed(struct pat_work *w, int rc, const struct berval *group)
{
    if (rc != LDAP_NAMING_VIOLATION)
        return pat_failed(w);
    pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
        "pat: nothing was changed: the role group %s is named by this member: give the "
        "group a name by another attribute, such as cn, first",
        group->bv_val);
    Debug(LDAP_DEBUG_ANY, "%s %s\n", w->op->o_log_prefix, w->text);
    return LDAP_UNWILLING_TO_PERFORM;
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
        rc = group_failed(w, rc, &name);
    }
    ch_free(name.bv_val);
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
    int rc;

    if (!pat_tree_is_person(&w->txn, w->set, person))
        return LDAP_COMPARE_FALSE;
    rc = pat_tree_roles(&w->txn, org, person, NULL, any_role, NULL);
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

static int
group_seen(Entry *e, void *arg)
{
    (void)arg;
    return is_last_changed_here(e) ? LDAP_COMPARE_TRUE : 0;
}

bool
pat_member_may_leave(struct pat_work *w, const struct berval *org)
{
    return pat_tree_of_class(&w->txn, org, pat_schema.group, group_seen, NULL) !=
           LDAP_SUCCESS;
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

/* Returns the new name, normalized and as the client wrote it. Both to be freed. */
static void
renamed(struct pat_work *w, const struct berval *ndn, Entry *old, Entry *new,
    struct berval *ret_dn, struct berval *ret_ndn)
{
    Entry *e;

    renamed_ndn(ndn, old, new, ret_ndn);
    if (ndn->bv_len == old->e_nname.bv_len) {
        pat_dup(ret_dn, &new->e_name);
        return;
    }
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
    struct berval name;
    int rc;

    while ((a = attrs_find(a, ad)) != NULL) {
        follow_attribute(w, &mods, a, old, new);
        a = a->a_next;
    }
    if (mods == NULL) {
        entry_free(e);
        return LDAP_SUCCESS;
    }
    pat_dup(&name, &e->e_name);
    rc = pat_txn_modify(&w->txn, e, mods);
    if (rc != LDAP_SUCCESS)
        rc = group_failed(w, rc, &name);
    ch_free(name.bv_val);
    return rc;
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

/* Revokes the tokens of an earlier owner of that name, which had no entry before. */
static int
revoke_leftovers(struct pat_work *w, const struct berval *ndn)
{
    return pat_token_revoke_all(w, database(w), ndn, NULL, "owner-deleted");
}

/* Does the same for all entries below a renamed one, before tokens follow to it. */
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

/* The roles of one name in one org. Points into the lists of `struct standings`. */
struct standing {
    struct berval ndn;        /* the name now; to be freed */
    const struct berval *old; /* the name before, as it was written */
    const Entry *org;
    struct role had;  /* by the name before */
    struct role kept; /* by the name now, which groups had already */
};

struct standings {
    struct pat_entries groups, orgs;
    struct standing *s;
    size_t len, cap;
};

static void
standings_clear(struct standings *l)
{
    while (l->len > 0)
        ch_free(l->s[--l->len].ndn.bv_val);
    ch_free(l->s);
    pat_entries_clear(&l->groups);
    pat_entries_clear(&l->orgs);
    *l = (struct standings){.s = NULL};
}

/* Orders by org, so that the events of one org come together, and then by name. */
static int
standing_compare(const void *a, const void *b)
{
    const struct standing *x = a, *y = b;
    int c = ber_bvcmp(&x->org->e_nname, &y->org->e_nname);

    return c != 0 ? c : ber_bvcmp(&x->ndn, &y->ndn);
}

/* Leaves one for each name and org, with the strongest roles. */
static void
standings_merge(const struct pat_settings *set, struct standings *l)
{
    size_t i, last = 0;

    if (l->len == 0)
        return;
    qsort(l->s, l->len, sizeof(*l->s), standing_compare);
    for (i = 1; i < l->len; i++) {
        struct standing *to = &l->s[last], *s = &l->s[i];

        if (standing_compare(to, s) != 0) {
            l->s[++last] = *s;
            continue;
        }
        to->had = stronger(set, to->had, s->had);
        to->kept = stronger(set, to->kept, s->kept);
        to->old = to->old != NULL ? to->old : s->old;
        ch_free(s->ndn.bv_val);
    }
    l->len = last + 1;
}

static struct standing *
standing_new(struct standings *l)
{
    if (l->len == l->cap) {
        l->cap = l->cap == 0 ? 16 : 2 * l->cap;
        l->s = ch_realloc(l->s, l->cap * sizeof(*l->s));
    }
    l->s[l->len] = (struct standing){.old = NULL};
    return &l->s[l->len++];
}

/* An entry that was changed: its names, and whether it is a person. */
struct change {
    Entry *before, *after; /* or NULL */
    bool was, is, renamed, below;
};

/* Adds the members of `group` in `org` that are `base` or below it. */
static void
note_members(struct standings *l, const struct change *c, Entry *group, const Entry *org,
    const struct berval *base)
{
    bool by_old = c->renamed && base == &c->before->e_nname;
    Attribute *a = group->e_attrs;
    struct standing *s;
    unsigned i;

    while ((a = attrs_find(a, pat_schema.member)) != NULL) {
        for (i = 0; i < a->a_numvals; i++) {
            if (c->below ? !dnIsSuffix(&a->a_nvals[i], base)
                         : !bvmatch(&a->a_nvals[i], base))
                continue;
            s = standing_new(l);
            s->org = org;
            if (by_old) {
                renamed_ndn(&a->a_nvals[i], c->before, c->after, &s->ndn);
                s->old = &a->a_vals[i];
                s->had = role_of(group);
            } else {
                pat_dup(&s->ndn, &a->a_nvals[i]);
                *(c->renamed ? &s->kept : &s->had) = role_of(group);
            }
        }
        a = a->a_next;
    }
}

/* Adds the roles of `base` from all role groups, with c->below also of names below it. */
static int
note_groups(struct pat_work *w, struct standings *l, const struct change *c,
    const struct berval *base)
{
    size_t i = l->groups.len, first;

    if (pat_tree_naming(&w->txn, database(w), pat_schema.group, pat_schema.member, base,
            c->below, &l->groups) != LDAP_SUCCESS)
        return pat_failed(w);
    for (; i < l->groups.len; i++) {
        Entry *group = l->groups.e[i];

        /* As in pat_tree_roles(). */
        if (pat_is(group, pat_schema.token) || role_of(group).name == NULL)
            continue;
        first = l->orgs.len;
        pat_tree_orgs(&w->txn, &group->e_nname, group, &l->orgs);
        for (; first < l->orgs.len; first++)
            note_members(l, c, group, l->orgs.e[first], base);
    }
    return LDAP_SUCCESS;
}

static int
renamed_event(struct pat_work *w, const struct berval *org, const struct berval *person,
    const struct berval *old)
{
    struct pat_event event = {.action = "org_member.renamed", .target = person};

    event.detail[0].key = "from";
    event.detail[0].value = old;
    return pat_event_add(w, org, &event);
}

/* Writes the events of one person in one org. A new role revokes tokens from before. */
static int
standing_changed(struct pat_work *w, const struct change *c, const struct standing *s,
    const struct berval *dn, bool was, bool is)
{
    struct role none = {NULL, NULL}, before = was ? s->had : none;
    struct role after = is ? stronger(w->set, s->had, s->kept) : none;
    const char *reason = c->after == NULL ? "owner-deleted" : "login-removed";
    int rc = LDAP_SUCCESS;

    /* Also of who is removed by the rename: the log knows the person by the old name. */
    if (c->renamed && before.name != NULL)
        rc = renamed_event(w, &s->org->e_name, dn, s->old);
    if (rc != LDAP_SUCCESS || role_same(before, after))
        return rc;
    rc = member_event(
        w, &s->org->e_name, dn, before, after, after.name == NULL ? reason : NULL);
    if (rc == LDAP_SUCCESS && before.name == NULL)
        rc = pat_token_revoke_all(
            w, &s->org->e_nname, &s->ndn, &s->org->e_nname, "member-removed");
    return rc;
}

static int
standings_changed(struct pat_work *w, const struct change *c, struct standings *l)
{
    Entry *top = c->after != NULL ? c->after : c->before, *e;
    size_t i;
    int rc = LDAP_SUCCESS;

    standings_merge(w->set, l);
    for (i = 0; i < l->len && rc == LDAP_SUCCESS; i++) {
        struct standing *s = &l->s[i];

        if (bvmatch(&s->ndn, &top->e_nname)) {
            s->old = &(c->before != NULL ? c->before : top)->e_name;
            rc = standing_changed(w, c, s, &top->e_name, c->was, c->is);
            continue;
        }
        e = pat_txn_get(&w->txn, &s->ndn);
        if (e != NULL && pat_is_person(w->set, e))
            rc = standing_changed(w, c, s, &e->e_name, true, true);
        if (e != NULL)
            entry_free(e);
    }
    return rc;
}

/* Revokes leftover tokens of new names; then groups and tokens follow a name. */
static int
names_changed(struct pat_work *w, const struct change *c)
{
    int rc = LDAP_SUCCESS;

    if (c->is && !c->was && c->before != NULL)
        rc = revoke_leftovers(w, &c->before->e_nname);
    if (rc == LDAP_SUCCESS && (c->before == NULL || c->renamed))
        rc = revoke_leftovers(w, &c->after->e_nname);
    if (rc == LDAP_SUCCESS && c->renamed && c->below)
        rc = revoke_leftovers_below(w, c->after);
    if (rc == LDAP_SUCCESS && c->renamed)
        rc = follow_all(
            w, pat_schema.group, pat_schema.member, c->before, c->after, c->below);
    if (rc == LDAP_SUCCESS && c->renamed)
        rc = follow_all(
            w, pat_schema.token, pat_schema.owner, c->before, c->after, c->below);
    return rc;
}

/* Revokes the tokens of a former person; groups let go of a deleted entry. */
static int
person_ended(struct pat_work *w, const struct change *c, struct standings *l)
{
    const struct berval *ndn =
        c->after != NULL ? &c->after->e_nname : &c->before->e_nname;
    size_t i;
    int rc;

    rc = pat_token_revoke_all(
        w, database(w), ndn, NULL, c->after == NULL ? "owner-deleted" : "login-removed");
    for (i = 0; c->after == NULL && i < l->groups.len && rc == LDAP_SUCCESS; i++)
        rc = leave_group(w, entry_dup(l->groups.e[i]), c->before);
    return rc;
}

int
pat_member_person_changed(struct pat_work *w, Entry *before, Entry *after, bool below)
{
    struct change c = {before, after, before != NULL && pat_is_person(w->set, before),
        after != NULL && pat_is_person(w->set, after),
        before != NULL && after != NULL && !bvmatch(&before->e_nname, &after->e_nname),
        below};
    struct standings l = {.s = NULL};
    int rc;

    if (before == NULL && after == NULL)
        return LDAP_SUCCESS;

    /* Groups let go of the name of a deleted or renamed entry, person or not. */
    if (after != NULL && !c.renamed && c.was == c.is)
        return LDAP_SUCCESS;
    c.below = below && c.renamed;
    rc = note_groups(w, &l, &c, before != NULL ? &before->e_nname : &after->e_nname);
    if (rc == LDAP_SUCCESS && c.renamed)
        rc = note_groups(w, &l, &c, &after->e_nname);
    if (rc == LDAP_SUCCESS && after != NULL)
        rc = names_changed(w, &c);
    if (rc == LDAP_SUCCESS)
        rc = standings_changed(w, &c, &l);
    if (rc == LDAP_SUCCESS && (after == NULL || (c.was && !c.is)))
        rc = person_ended(w, &c, &l);
    standings_clear(&l);
    return rc;
}
