/* SPDX-License-Identifier: BSD-2-Clause */
#include "reserve.h"

#define RESERVE_PART 4                           /* of the map */
#define RESERVE_MAX  ((size_t)256 * 1024 * 1024) /* bytes */
/* With this much room above the reserve no write needs a check: many at once, each as
 * large as slapd accepts, fit in. */
#define FAR ((size_t)64 * 1024 * 1024) /* bytes */
/*
 * The revocation of one token writes its pages again, an event, and indexes. The cost is
 * three times that, because LMDB reuses pages only in the second transaction after the
 * one that freed them: a removal cannot use the pages that the previous removal freed.
 * The third part is for the events that each removal adds.
 */
#define TOKEN_COST   ((size_t)3 * 16 * 1024) /* bytes */
#define PASSWORD_MAX 1024                    /* bytes */

static size_t
reserve_of(size_t map)
{
    return map / RESERVE_PART < RESERVE_MAX ? map / RESERVE_PART : RESERVE_MAX;
}

static size_t
values_size(const struct berval *values)
{
    size_t size = 0;

    for (; values != NULL && !BER_BVISNULL(values); values++)
        size += values->bv_len;
    return size;
}

static size_t
request_size(const Operation *op)
{
    const Modifications *m;
    const Attribute *a;
    size_t size = 0;

    if (op->o_tag == LDAP_REQ_ADD)
        for (a = op->ora_e->e_attrs; a != NULL; a = a->a_next)
            size += values_size(a->a_vals);
    else
        for (m = op->orm_modlist; m != NULL; m = m->sml_next)
            size += values_size(m->sml_values);
    return size;
}

/* Returns whether the group gets at most as many values of `member` as it has. */
static bool
shrinks_group(const Modifications *m, const Entry *before)
{
    const Attribute *a = before == NULL ? NULL : attr_find(before->e_attrs, m->sml_desc);

    return m->sml_op == LDAP_MOD_REPLACE && m->sml_desc == pat_schema.member &&
           a != NULL && m->sml_numvals <= a->a_numvals;
}

/* slapd's own modifications, such as modifyTimestamp, are small. */
static bool
takes_away(const Modifications *m, const Entry *before)
{
    return m->sml_op == LDAP_MOD_DELETE || m->sml_numvals == 0 ||
           (m->sml_flags & SLAP_MOD_INTERNAL) != 0 || m->sml_desc == pat_schema.revoked ||
           m->sml_desc == pat_schema.revoked_by ||
           m->sml_desc == pat_schema.revoked_reason || shrinks_group(m, before);
}

/* A leaked password must be replaceable. */
static bool
replaces_password(const Modifications *m)
{
    return m->sml_op == LDAP_MOD_REPLACE &&
           m->sml_desc == slap_schema.si_ad_userPassword &&
           values_size(m->sml_values) <= PASSWORD_MAX;
}

static bool
may_use_reserve(Operation *op, const Entry *before)
{
    const Modifications *m;

    if (be_isroot(op))
        return true;
    if (op->o_tag == LDAP_REQ_ADD)
        return false;
    for (m = op->orm_modlist; m != NULL; m = m->sml_next)
        if (!takes_away(m, before) && !replaces_password(m))
            return false;
    return true;
}

unsigned
pat_reserve_tokens(const Operation *op)
{
    struct pat_room room;

    pat_txn_room(op->o_bd, &room);
    return (unsigned)(reserve_of(room.map) / TOKEN_COST);
}

bool
pat_reserve_concerns(const Operation *op)
{
    struct pat_room room;

    pat_txn_room(op->o_bd, &room);
    return room.unused < reserve_of(room.map) + FAR;
}

int
pat_reserve_check(struct pat_work *w)
{
    Operation *op = w->op;
    struct pat_room room;
    size_t need, reserve, free;

    if ((op->o_tag != LDAP_REQ_ADD && op->o_tag != LDAP_REQ_MODIFY) ||
        may_use_reserve(op, w->before))
        return LDAP_SUCCESS;
    pat_txn_room(op->o_bd, &room);
    reserve = reserve_of(room.map);
    /* The change itself, with its indexes and events. */
    need = reserve + 2 * request_size(op);
    if (room.unused >= need)
        return LDAP_SUCCESS;
    if (pat_txn_freed(&w->txn, &free) != LDAP_SUCCESS)
        return pat_failed(w);
    if (room.unused + free >= need)
        return LDAP_SUCCESS;
    Debug(LDAP_DEBUG_ANY,
        "%s pat: nothing was changed: the database is nearly full: raise olcDbMaxSize\n",
        op->o_log_prefix);
    return pat_refuse(w, LDAP_OTHER,
        "pat: nothing was changed: the database is nearly full: %lu of %lu bytes are "
        "free, and %lu are kept for removals: raise olcDbMaxSize, or delete entries",
        (unsigned long)(room.unused + free), (unsigned long)room.map,
        (unsigned long)reserve);
}
