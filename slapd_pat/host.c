/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include <stdint.h>
#include <string.h>

struct pat_schema pat_schema;

const struct pat_attribute pat_attributes[PAT_ATTRIBUTES + 1] = {
    {&pat_schema.id, "patId", true},
    {&pat_schema.hash, "patHash", true},
    {&pat_schema.owner, "patOwner", true},
    {&pat_schema.expires, "patExpires", true},
    {&pat_schema.service, "patService", true},
    {&pat_schema.source, "patSource", true},
    {&pat_schema.revoked, "patRevoked", true},
    {&pat_schema.revoked_by, "patRevokedBy", true},
    {&pat_schema.revoked_reason, "patRevokedReason", true},
    {&pat_schema.last_used, "patLastUsed", true},
    {&pat_schema.last_used_from, "patLastUsedFrom", true},
    {&pat_schema.role, "patRole", true},
    {&pat_schema.max_lifetime, "patMaxLifetime", true},
    {&pat_schema.mint_role, "patMintRole", true},
    {&pat_schema.max_tokens, "patMaxTokens", true},
    {&pat_schema.secret, "patSecret", true},
    {&pat_schema.owner_uid, "patOwnerUid", true},
    {&pat_schema.owner_role, "patOwnerRole", true},
    {&pat_schema.event_id, "patEventId", true},
    {&pat_schema.action, "patAction", true},
    {&pat_schema.event_time, "patEventTime", true},
    {&pat_schema.actor, "patActor", true},
    {&pat_schema.target, "patTarget", true},
    {&pat_schema.target_owner, "patTargetOwner", true},
    {&pat_schema.via, "patVia", true},
    {&pat_schema.detail, "patDetail", true},
    {&pat_schema.member, "member", true},
    {&pat_schema.cn, "cn", false},
    {&pat_schema.ou, "ou", false},
    {&pat_schema.uid, "uid", false},
    {NULL, NULL, false},
};

const struct berval *
pat_value(const Entry *e, AttributeDescription *ad)
{
    const Attribute *a = attr_find(e->e_attrs, ad);

    return a == NULL || a->a_numvals == 0 ? NULL : &a->a_vals[0];
}

const struct berval *
pat_nvalue(const Entry *e, AttributeDescription *ad)
{
    const Attribute *a = attr_find(e->e_attrs, ad);

    return a == NULL || a->a_numvals == 0 ? NULL : &a->a_nvals[0];
}

bool
pat_same(const struct berval *a, const struct berval *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return bvmatch(a, b);
}

bool
pat_is(Entry *e, ObjectClass *oc)
{
    return is_entry_objectclass(e, oc, SLAP_OCF_CHECK_SUP) != 0;
}

bool
pat_is_person(const struct pat_settings *set, const Entry *e)
{
    return attr_find(e->e_attrs, set->login) != NULL;
}

struct berval
pat_bv(const char *s)
{
    struct berval bv = {strlen(s), (char *)(uintptr_t)s};

    return bv;
}

void
pat_dup(struct berval *ret, const struct berval *bv)
{
    struct berval from = *bv;

    ber_dupbv(ret, &from);
}

void
pat_text_trim(char *text)
{
    size_t len = strlen(text), at = len, whole = 1;
    unsigned char first;

    while (at > 0 && ((unsigned char)text[at - 1] & 0xC0) == 0x80)
        at--;
    if (at == 0)
        return;
    first = (unsigned char)text[at - 1];
    if (first >= 0xC0)
        whole = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (len - (at - 1) < whole)
        text[at - 1] = '\0';
}

struct berval
pat_grandparent(const struct berval *ndn)
{
    struct berval dn = *ndn, up;
    int i;

    for (i = 0; i < 2; i++) {
        dnParent(&dn, &up);
        dn = up;
    }
    return dn;
}
