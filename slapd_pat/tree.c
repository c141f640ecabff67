/* SPDX-License-Identifier: BSD-2-Clause */
#include "tree.h"

#include <stdint.h>
#include <string.h>

/* Filters are built, not parsed: nothing needs escaping, and nothing can be injected. */
static Filter
filter_equal(
    AttributeAssertion *ava, AttributeDescription *ad, const struct berval *value)
{
    Filter f = {0};

    memset(ava, 0, sizeof(*ava));
    ava->aa_desc = ad;
    ava->aa_value = *value;
    f.f_choice = LDAP_FILTER_EQUALITY;
    f.f_ava = ava;
    return f;
}

static Filter
filter_class(AttributeAssertion *ava, ObjectClass *oc)
{
    return filter_equal(ava, slap_schema.si_ad_objectClass, &oc->soc_cname);
}

static Filter
filter_of(ber_tag_t choice, Filter *parts)
{
    Filter f = {0};

    f.f_choice = choice;
    f.f_list = parts;
    return f;
}

static Filter
filter_present(AttributeDescription *ad)
{
    Filter f = {0};

    f.f_choice = LDAP_FILTER_PRESENT;
    f.f_desc = ad;
    return f;
}

void
pat_entries_clear(struct pat_entries *list)
{
    while (list->len > 0)
        entry_free(list->e[--list->len]);
    ch_free(list->e);
    list->e = NULL;
    list->cap = 0;
}

static void
entries_take(struct pat_entries *list, Entry *e)
{
    if (list->len == list->cap) {
        list->cap = list->cap == 0 ? 8 : 2 * list->cap;
        list->e = ch_realloc(list->e, list->cap * sizeof(Entry *));
    }
    list->e[list->len++] = e;
}

void
pat_entries_add(struct pat_entries *list, Entry *e)
{
    entries_take(list, entry_dup(e));
}

int
pat_tree_below(struct pat_txn *t, const struct berval *ndn,
    int (*visit)(Entry *e, void *arg), void *arg)
{
    Filter f = filter_present(slap_schema.si_ad_objectClass);

    return pat_txn_search(t, ndn, &f, visit, arg);
}

int
pat_tree_of_class(struct pat_txn *t, const struct berval *base, ObjectClass *oc,
    int (*visit)(Entry *e, void *arg), void *arg)
{
    AttributeAssertion class;
    Filter f = filter_class(&class, oc);

    return pat_txn_search(t, base, &f, visit, arg);
}

static int
collect(Entry *e, void *arg)
{
    entries_take(arg, entry_dup(e));
    return 0;
}

static struct berval *
suffix(struct pat_txn *t)
{
    return &t->op->o_bd->be_nsuffix[0];
}

static const struct berval *
suffix_of(struct pat_txn *t, const struct berval *ndn)
{
    int i;

    for (i = 0; !BER_BVISNULL(&t->op->o_bd->be_nsuffix[i]); i++)
        if (dnIsSuffix(ndn, &t->op->o_bd->be_nsuffix[i]))
            return &t->op->o_bd->be_nsuffix[i];
    return suffix(t);
}

void
pat_tree_orgs(struct pat_txn *t, const struct berval *ndn, Entry *self,
    struct pat_entries *ret_orgs)
{
    const struct berval *top = suffix_of(t, ndn);
    struct berval at = *ndn, parent;
    Entry *e;

    if (self != NULL) {
        if (pat_is(self, pat_schema.org))
            entries_take(ret_orgs, entry_dup(self));
        if (at.bv_len <= top->bv_len)
            return;
        dnParent(&at, &parent);
        at = parent;
    }
    while (at.bv_len >= top->bv_len && at.bv_len > 0) {
        e = pat_txn_get(t, &at);
        if (e != NULL && pat_is(e, pat_schema.org))
            entries_take(ret_orgs, e);
        else if (e != NULL)
            entry_free(e);
        dnParent(&at, &parent);
        at = parent;
    }
}

/* Normalized values of two attributes may differ in case; patd ignores it. */
static bool
names_match(const struct berval *a, const struct berval *b)
{
    return a->bv_len == b->bv_len && strncasecmp(a->bv_val, b->bv_val, a->bv_len) == 0;
}

typedef int visit_naming(AttributeDescription *ad, void *arg);

/*
 * Calls `visit` with each attribute in the RDN until it returns nonzero, and returns
 * that. objectClass names an entry only where it stands alone.
 */
static int
each_naming(const struct berval *ndn, visit_naming *visit, void *arg)
{
    struct berval dn = *ndn;
    LDAPRDN rdn = NULL;
    const char *why;
    char *end;
    int rc = 0;

    if (ldap_bv2rdn(&dn, &rdn, &end, LDAP_DN_FORMAT_LDAP) != LDAP_SUCCESS || rdn == NULL)
        return 0;
    for (LDAPAVA **ava = rdn; *ava != NULL && rc == 0; ava++) {
        AttributeDescription *ad = NULL;

        if (slap_bv2ad(&(*ava)->la_attr, &ad, &why) == LDAP_SUCCESS &&
            (ad != slap_schema.si_ad_objectClass || rdn[1] == NULL))
            rc = visit(ad, arg);
    }
    ldap_rdnfree(rdn);
    return rc;
}

static int
naming_seen(AttributeDescription *ad, void *arg)
{
    return is_at_subtype(arg, ad->ad_type);
}

bool
pat_tree_is_naming(const struct berval *ndn, AttributeType *type)
{
    return each_naming(ndn, naming_seen, type) != 0;
}

static int
named_seen(AttributeDescription *ad, void *arg)
{
    return is_at_subtype(ad->ad_type, arg);
}

bool
pat_tree_is_named_by(const struct berval *ndn, AttributeType *type)
{
    return each_naming(ndn, named_seen, type) != 0;
}

typedef int visit_name(const struct berval *name, const struct berval *nname, void *arg);

struct name_visit {
    const Entry *org;
    visit_name *visit;
    void *arg;
};

static int
naming_values(AttributeDescription *ad, void *arg)
{
    const struct name_visit *v = arg;
    const Attribute *a;
    int rc = 0;

    for (a = attrs_find(v->org->e_attrs, ad); a != NULL && rc == 0;
         a = attrs_find(a->a_next, ad))
        for (unsigned i = 0; i < a->a_numvals && rc == 0; i++)
            rc = v->visit(&a->a_vals[i], &a->a_nvals[i], v->arg);
    return rc;
}

/*
 * Calls `visit` with each value of the attributes in an org's RDN until it returns
 * nonzero, and returns that.
 */
static int
each_name(const Entry *org, visit_name *visit, void *arg)
{
    struct name_visit v = {org, visit, arg};

    return each_naming(&org->e_nname, naming_values, &v);
}

static int
name_seen(const struct berval *name, const struct berval *nname, void *arg)
{
    (void)name;
    return names_match(nname, arg) ? LDAP_COMPARE_TRUE : 0;
}

static bool
has_name(const Entry *org, const struct berval *nname)
{
    struct berval wanted = *nname;

    return each_name(org, name_seen, &wanted) != 0;
}

struct name_search {
    Entry *org, *before; /* `before` is NULL if the entry was no org */
    Entry *seen;
    char *name, *other;
};

static int
compare_name(const struct berval *name, const struct berval *nname, void *arg)
{
    struct name_search *s = arg;

    if (!has_name(s->seen, nname) || (s->before != NULL && has_name(s->before, nname)))
        return 0;
    s->name = ch_strdup(name->bv_val);
    s->other = ch_strdup(s->seen->e_name.bv_val);
    return LDAP_COMPARE_TRUE;
}

static int
org_seen(Entry *e, void *arg)
{
    struct name_search *s = arg;

    if (!pat_is(e, pat_schema.org) || dn_match(&e->e_nname, &s->org->e_nname))
        return 0;
    s->seen = e;
    return each_name(s->org, compare_name, s);
}

int
pat_tree_same_name(
    struct pat_txn *t, Entry *org, Entry *before, char **ret_name, char **ret_other)
{
    struct name_search s = {org,
        before != NULL && pat_is(before, pat_schema.org) ? before : NULL, NULL, NULL,
        NULL};
    AttributeAssertion class;
    Filter f = filter_class(&class, pat_schema.org);
    int rc = pat_txn_search(t, suffix(t), &f, org_seen, &s);

    if (rc != LDAP_COMPARE_TRUE)
        return rc == LDAP_SUCCESS ? LDAP_COMPARE_FALSE : rc;
    *ret_name = s.name;
    *ret_other = s.other;
    return rc;
}

struct person_look {
    const struct pat_settings *set;
    bool is;
};

static void
person_seen(Entry *e, void *arg)
{
    struct person_look *look = arg;

    look->is = pat_is_person(look->set, e);
}

bool
pat_tree_is_person(
    struct pat_txn *t, const struct pat_settings *set, const struct berval *ndn)
{
    struct person_look look = {set, false};

    /* The root DSE is no entry of the database. */
    return ndn->bv_len > 0 && pat_txn_look(t, ndn, person_seen, &look) && look.is;
}

struct role_search {
    const struct berval *except;
    int (*visit)(const struct berval *role, const struct berval *nrole, void *arg);
    void *arg;
};

static int
role_seen(Entry *e, void *arg)
{
    struct role_search *s = arg;
    const struct berval *role = pat_value(e, pat_schema.role);

    /* A token is no role group, whatever it is besides: verifiers see it so, too. */
    if (role == NULL || !pat_is(e, pat_schema.group) || pat_is(e, pat_schema.token) ||
        (s->except != NULL && dn_match(&e->e_nname, s->except)))
        return 0;
    return s->visit(role, pat_nvalue(e, pat_schema.role), s->arg);
}

int
pat_tree_roles(struct pat_txn *t, const struct berval *org, const struct berval *person,
    const struct berval *except,
    int (*visit)(const struct berval *role, const struct berval *nrole, void *arg),
    void *arg)
{
    struct role_search s = {except, visit, arg};
    AttributeAssertion member;
    Filter f = filter_equal(&member, pat_schema.member, person);

    /* Not by their class as well: the index of all groups of the directory would be read
     * at each use of a token, and leaves no fewer than the few of which one is a member.
     */
    return pat_txn_search(t, org, &f, role_seen, &s);
}

struct token_search {
    const struct berval *org;
    struct pat_entries *list;
    unsigned count, enough;
};

static int
token_seen(Entry *e, void *arg)
{
    struct token_search *s = arg;
    struct berval org = pat_grandparent(&e->e_nname);

    if (s->org == NULL || dn_match(&org, s->org))
        entries_take(s->list, entry_dup(e));
    return 0;
}

static int
token_counted(Entry *e, void *arg)
{
    struct token_search *s = arg;
    struct berval org = pat_grandparent(&e->e_nname);

    if (s->org == NULL || dn_match(&org, s->org))
        s->count++;
    return s->count >= s->enough ? LDAP_COMPARE_TRUE : 0;
}

static int
search_live_tokens(struct pat_txn *t, const struct berval *base,
    const struct berval *person, int (*visit)(Entry *e, void *arg),
    struct token_search *search)
{
    AttributeAssertion owner, class;
    Filter parts[3], revoked, f;

    parts[0] = filter_equal(&owner, pat_schema.owner, person);
    parts[1] = filter_class(&class, pat_schema.token);
    revoked = filter_present(pat_schema.revoked);
    parts[2] = filter_of(LDAP_FILTER_NOT, &revoked);
    parts[0].f_next = &parts[1];
    parts[1].f_next = &parts[2];
    f = filter_of(LDAP_FILTER_AND, parts);
    return pat_txn_search(t, base, &f, visit, search);
}

int
pat_tree_live_tokens(struct pat_txn *t, const struct berval *base,
    const struct berval *person, const struct berval *org, struct pat_entries *ret_tokens)
{
    struct token_search s = {.org = org, .list = ret_tokens};

    return search_live_tokens(t, base, person, token_seen, &s);
}

int
pat_tree_count_tokens(struct pat_txn *t, const struct berval *base,
    const struct berval *person, const struct berval *org, unsigned enough,
    unsigned *ret_count)
{
    struct token_search s = {.org = org, .enough = enough};
    int rc = search_live_tokens(t, base, person, token_counted, &s);

    *ret_count = s.count;
    return rc == LDAP_COMPARE_TRUE ? LDAP_SUCCESS : rc;
}

static int
token_of_org(Entry *e, void *arg)
{
    struct berval org = pat_grandparent(&e->e_nname);

    return dn_match(&org, (const struct berval *)arg) ? LDAP_COMPARE_TRUE : 0;
}

int
pat_tree_has_live_tokens(struct pat_txn *t, const struct berval *org)
{
    AttributeAssertion class;
    Filter parts[2], revoked, f;
    struct berval dn = *org;
    int rc;

    parts[0] = filter_class(&class, pat_schema.token);
    revoked = filter_present(pat_schema.revoked);
    parts[1] = filter_of(LDAP_FILTER_NOT, &revoked);
    parts[0].f_next = &parts[1];
    f = filter_of(LDAP_FILTER_AND, parts);
    rc = pat_txn_search(t, org, &f, token_of_org, &dn);
    return rc == LDAP_SUCCESS ? LDAP_COMPARE_FALSE : rc;
}

int
pat_tree_naming(struct pat_txn *t, const struct berval *base, ObjectClass *oc,
    AttributeDescription *ad, const struct berval *dn, bool below,
    struct pat_entries *ret_entries)
{
    AttributeAssertion value, class;
    MatchingRuleAssertion under = {0};
    Filter parts[2], f;

    if (below) {
        under.ma_desc = ad;
        under.ma_rule = pat_schema.dn_subtree;
        under.ma_rule_text = pat_schema.dn_subtree->smr_str;
        under.ma_value = *dn;
        memset(&parts[0], 0, sizeof(parts[0]));
        parts[0].f_choice = LDAP_FILTER_EXT;
        parts[0].f_mra = &under;
    } else {
        parts[0] = filter_equal(&value, ad, dn);
    }
    parts[1] = filter_class(&class, oc);
    parts[0].f_next = &parts[1];
    f = filter_of(LDAP_FILTER_AND, parts);
    return pat_txn_search(t, base, &f, collect, ret_entries);
}

struct content_search {
    const struct berval *self;
    struct pat_content *content;
};

static int
content_seen(Entry *e, void *arg)
{
    struct content_search *s = arg;

    if (dn_match(&e->e_nname, s->self))
        return 0;
    s->content->tokens = s->content->tokens || pat_is(e, pat_schema.token);
    s->content->groups = s->content->groups || pat_is(e, pat_schema.group);
    s->content->events = s->content->events || pat_is(e, pat_schema.event);
    s->content->orgs = s->content->orgs || pat_is(e, pat_schema.org);
    return 0;
}

int
pat_tree_content(
    struct pat_txn *t, const struct berval *ndn, struct pat_content *ret_content)
{
    struct content_search s = {ndn, ret_content};
    AttributeAssertion classes[4];
    Filter parts[4], f;

    memset(ret_content, 0, sizeof(*ret_content));
    parts[0] = filter_class(&classes[0], pat_schema.token);
    parts[1] = filter_class(&classes[1], pat_schema.group);
    parts[2] = filter_class(&classes[2], pat_schema.event);
    parts[3] = filter_class(&classes[3], pat_schema.org);
    parts[0].f_next = &parts[1];
    parts[1].f_next = &parts[2];
    parts[2].f_next = &parts[3];
    f = filter_of(LDAP_FILTER_OR, parts);
    return pat_txn_search(t, ndn, &f, content_seen, &s);
}

int
pat_tree_events(struct pat_txn *t, const struct berval *org, const char *action,
    const struct berval *target, const struct berval *since,
    int (*visit)(Entry *e, void *arg), void *arg)
{
    struct berval name = {strlen(action), (char *)(uintptr_t)action};
    AttributeAssertion of, time, what, class;
    Filter parts[4], f;
    size_t n = 0, i;

    /* What is indexed comes first. */
    if (target != NULL)
        parts[n++] = filter_equal(&of, pat_schema.target, target);
    parts[n] = filter_equal(&time, pat_schema.event_time, since);
    parts[n++].f_choice = LDAP_FILTER_GE;
    parts[n++] = filter_equal(&what, pat_schema.action, &name);
    parts[n++] = filter_class(&class, pat_schema.event);
    for (i = 0; i + 1 < n; i++)
        parts[i].f_next = &parts[i + 1];
    f = filter_of(LDAP_FILTER_AND, parts);
    return pat_txn_search(t, org, &f, visit, arg);
}

int
pat_tree_changed_since(struct pat_txn *t, const struct berval *since,
    int (*visit)(Entry *e, void *arg), void *arg)
{
    struct berval removed = pat_bv("org_member.removed");
    AttributeAssertion csn, token, event, action;
    Filter revoked = filter_present(pat_schema.revoked), live[2], removal[2], kinds[2];
    Filter parts[2], f;

    live[0] = filter_class(&token, pat_schema.token);
    live[1] = filter_of(LDAP_FILTER_NOT, &revoked);
    live[0].f_next = &live[1];
    removal[0] = filter_class(&event, pat_schema.event);
    removal[1] = filter_equal(&action, pat_schema.action, &removed);
    removal[0].f_next = &removal[1];
    kinds[0] = filter_of(LDAP_FILTER_AND, live);
    kinds[1] = filter_of(LDAP_FILTER_AND, removal);
    kinds[0].f_next = &kinds[1];
    f = filter_of(LDAP_FILTER_OR, kinds);
    if (since != NULL) {
        /* What is indexed comes first. */
        parts[0] = filter_equal(&csn, slap_schema.si_ad_entryCSN, since);
        parts[0].f_choice = LDAP_FILTER_GE;
        parts[1] = f;
        parts[0].f_next = &parts[1];
        f = filter_of(LDAP_FILTER_AND, parts);
    }
    return pat_txn_search(t, suffix(t), &f, visit, arg);
}

static int
count(Entry *e, void *arg)
{
    unsigned *n = arg;

    (void)e;
    /* The first nonzero answer ends the search. */
    return ++*n >= 2 ? LDAP_COMPARE_TRUE : 0;
}

int
pat_tree_hash_count(struct pat_txn *t, const struct berval *hash, unsigned *ret_count)
{
    AttributeAssertion ava;
    Filter f = filter_equal(&ava, pat_schema.hash, hash);
    int rc;

    *ret_count = 0;
    rc = pat_txn_search(t, suffix(t), &f, count, ret_count);
    return rc == LDAP_COMPARE_TRUE ? LDAP_SUCCESS : rc;
}
