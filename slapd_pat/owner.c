/* SPDX-License-Identifier: BSD-2-Clause */
#include "owner.h"

#include "tree.h"

/* Only by name: no use of "+" shall pay for it. */
static bool
asked_for(const SlapReply *rs, const AttributeDescription *ad)
{
    const AttributeName *name;

    for (name = rs->sr_attrs; name != NULL && !BER_BVISNULL(&name->an_name); name++)
        if (name->an_desc == ad)
            return true;
    return false;
}

static bool
may_read(Operation *op, SlapReply *rs, AttributeDescription *ad)
{
    return access_allowed(op, rs->sr_entry, ad, NULL, ACL_READ, NULL) != 0;
}

/* Add one value, if it is not there yet. */
static void
add_value(Attribute **a, AttributeDescription *ad, const struct berval *value,
    const struct berval *nvalue)
{
    struct berval v = *value, n = *nvalue;
    unsigned i;

    if (*a == NULL)
        *a = attr_alloc(ad);
    for (i = 0; i < (*a)->a_numvals; i++)
        if (bvmatch(&(*a)->a_nvals[i], &n))
            return;
    attr_valadd(*a, &v, &n, 1);
}

static int
role_found(const struct berval *role, const struct berval *nrole, void *arg)
{
    add_value(arg, pat_schema.owner_role, role, nrole);
    return 0;
}

struct owner_look {
    Operation *op;
    const struct pat_settings *set;
    bool visible, person;
    Attribute *uids;
};

/* Returns whether the client could find the entry, and its login names, by a search. */
static bool
may_find(Operation *op, Entry *e)
{
    return access_allowed(op, e, slap_schema.si_ad_objectClass, NULL, ACL_SEARCH, NULL) !=
               0 &&
           access_allowed(op, e, slap_schema.si_ad_entry, NULL, ACL_READ, NULL) != 0 &&
           access_allowed(op, e, pat_schema.uid, NULL, ACL_READ, NULL) != 0;
}

static void
owner_seen(Entry *e, void *arg)
{
    struct owner_look *look = arg;
    const Attribute *uid = attr_find(e->e_attrs, pat_schema.uid);
    unsigned i;

    look->visible = may_find(look->op, e);
    look->person = pat_is_person(look->set, e);
    for (i = 0; look->visible && uid != NULL && i < uid->a_numvals; i++)
        add_value(&look->uids, pat_schema.owner_uid, &uid->a_vals[i], &uid->a_nvals[i]);
}

static void
append(SlapReply *rs, Attribute *a)
{
    Attribute **end = &rs->sr_operational_attrs;

    if (a == NULL)
        return;
    while (*end != NULL)
        end = &(*end)->a_next;
    *end = a;
}

/* An owner whose role is not known to the last is as one of whom nothing is known. */
static Attribute *
roles_of(struct pat_txn *t, const struct berval *org, const struct berval *owner)
{
    Attribute *roles = NULL;

    if (pat_tree_roles(t, org, owner, NULL, role_found, &roles) == LDAP_SUCCESS)
        return roles;
    Debug(LDAP_DEBUG_ANY, "%s pat: patOwnerRole: %s\n", t->op->o_log_prefix, t->error);
    if (roles != NULL)
        attr_free(roles);
    return NULL;
}

int
pat_owner_attributes(Operation *op, SlapReply *rs)
{
    slap_overinst *on = (slap_overinst *)op->o_bd->bd_info;
    bool uid = asked_for(rs, pat_schema.owner_uid);
    bool role = asked_for(rs, pat_schema.owner_role);
    const struct berval *owner;
    struct berval org;
    struct pat_txn t;
    struct owner_look look = {.op = op, .set = on->on_bi.bi_private};

    /* Another overlay searches when the database is opened, before our db_open. */
    if (pat_schema.token == NULL)
        return SLAP_CB_CONTINUE;
    /* A consumer would store them. */
    if ((!uid && !role) || rs->sr_entry == NULL || op->o_sync > SLAP_CONTROL_IGNORED ||
        !pat_is(rs->sr_entry, pat_schema.token))
        return SLAP_CB_CONTINUE;
    owner = pat_nvalue(rs->sr_entry, pat_schema.owner);
    org = pat_grandparent(&rs->sr_entry->e_nname);
    if (owner == NULL || BER_BVISEMPTY(&org))
        return SLAP_CB_CONTINUE;
    pat_txn_reader(&t, op, on);
    /* Roles are read as the rootdn, but only for a person that the client may find. */
    (void)pat_txn_look(&t, owner, owner_seen, &look);
    if (uid && may_read(op, rs, pat_schema.owner_uid))
        append(rs, look.uids);
    else if (look.uids != NULL)
        attr_free(look.uids);
    if (role && look.visible && look.person && may_read(op, rs, pat_schema.owner_role))
        append(rs, roles_of(&t, &org, owner));
    return SLAP_CB_CONTINUE;
}
