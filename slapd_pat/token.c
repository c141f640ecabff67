/* SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "reserve.h"
#include "scope.h"

#define ID_MAX       64
#define REASON_MAX   256
#define LIFETIME_MAX 9999999999 /* seconds: no sum with it overflows */
#define VALUE_MAX    2048       /* bytes, of one value */
#define VALUES_MAX   4096       /* bytes, of all values of a token together */
#define VALUE_COST   16         /* bytes, counted for a value besides its text */

/* Attributes that only the server or an import may bring, besides the hash. */
static AttributeDescription **const history[] = {
    &pat_schema.revoked,
    &pat_schema.revoked_by,
    &pat_schema.revoked_reason,
    &pat_schema.last_used,
    &pat_schema.last_used_from,
};

static bool
within(const struct berval *value, const char *alphabet, size_t min, size_t max)
{
    return value->bv_len >= min && value->bv_len <= max &&
           strspn(value->bv_val, alphabet) == value->bv_len;
}

/* Values come from slapd with a NUL behind them; one inside would cut what we check. */
static bool
is_text(const struct berval *value)
{
    return strlen(value->bv_val) == value->bv_len;
}

static int
check_id(struct pat_work *w, Entry *e)
{
    const struct berval *id = pat_value(e, pat_schema.id);
    struct berval rdn;

    if (id == NULL ||
        !within(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-",
            1, ID_MAX))
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patId: must be 1 to %d of A-Z a-z 0-9 . _ -", ID_MAX);
    /* The RDN is that value alone: what `id` allows is never escaped. */
    dnRdn(&e->e_nname, &rdn);
    if (rdn.bv_len != strlen("patId=") + id->bv_len ||
        strncasecmp(rdn.bv_val, "patId=", strlen("patId=")) != 0)
        return pat_refuse(w, LDAP_NAMING_VIOLATION,
            "pat: a token is named by its patId alone: patId=%s,CONTAINER,ORG",
            id->bv_val);
    return LDAP_SUCCESS;
}

/*
 * A token must not be something else as well, above all no group that gives roles. What
 * it was before, before this overlay was there, must not keep it from being revoked.
 */
static int
check_classes(struct pat_work *w, Entry *before, Entry *e)
{
    ObjectClass *const refused[] = {
        pat_schema.group,
        pat_schema.org,
        pat_schema.event,
        pat_schema.extensible,
        pat_schema.alias,
        pat_schema.referral,
        pat_schema.subentry,
    };
    const Attribute *a;
    size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (pat_is(e, refused[i]) && (before == NULL || !pat_is(before, refused[i])))
            return pat_refuse(w, LDAP_OBJECT_CLASS_VIOLATION,
                "pat: objectClass: a token cannot be %s", refused[i]->soc_cname.bv_val);
    for (a = e->e_attrs; a != NULL; a = a->a_next)
        if ((a->a_desc->ad_tags.bv_len > 0 || a->a_desc->ad_flags != 0) &&
            (before == NULL || attr_find(before->e_attrs, a->a_desc) == NULL))
            return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                "pat: %s: a token has no attributes with options",
                a->a_desc->ad_cname.bv_val);
    return LDAP_SUCCESS;
}

static bool
has_value(const Attribute *a, const struct berval *value)
{
    unsigned i;

    for (i = 0; a != NULL && i < a->a_numvals; i++)
        if (bvmatch(&a->a_vals[i], value))
            return true;
    return false;
}

/* Returns whether the server alone writes the attribute, or it names an entry. */
static bool
is_bounded(const AttributeDescription *ad)
{
    return ad == pat_schema.owner || ad == pat_schema.revoked_by ||
           is_at_operational(ad->ad_type);
}

/* Returns the size of all values that a client chose. */
static size_t
text_size(const Entry *e)
{
    const Attribute *a;
    size_t size = 0;
    unsigned i;

    for (a = e->e_attrs; a != NULL; a = a->a_next)
        for (i = 0; !is_bounded(a->a_desc) && i < a->a_numvals; i++)
            size += a->a_vals[i].bv_len + VALUE_COST;
    return size;
}

/*
 * Refuses a token that is too large. A revocation writes the whole entry again, and needs
 * as much room. A token that was larger before may stay so, so that it can be revoked.
 */
static int
check_sizes(struct pat_work *w, Entry *before, Entry *after)
{
    size_t was = before == NULL ? 0 : text_size(before), is = text_size(after);
    const Attribute *a, *old;
    unsigned i;

    for (a = after->e_attrs; a != NULL; a = a->a_next) {
        old = before == NULL ? NULL : attr_find(before->e_attrs, a->a_desc);
        for (i = 0; !is_bounded(a->a_desc) && i < a->a_numvals; i++)
            if (a->a_vals[i].bv_len > VALUE_MAX && !has_value(old, &a->a_vals[i]))
                return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                    "pat: %s: a value is %lu bytes long; a token allows %d: shorten it",
                    a->a_desc->ad_cname.bv_val, (unsigned long)a->a_vals[i].bv_len,
                    VALUE_MAX);
    }
    if (is > VALUES_MAX && is > was && pat_value(after, pat_schema.revoked) == NULL)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: the values of the token take %lu bytes; %d are allowed (each counts %d "
            "more than its length): remove some",
            (unsigned long)is, VALUES_MAX, VALUE_COST);
    return LDAP_SUCCESS;
}

static bool
service_valid(const struct berval *value)
{
    return is_text(value) && pat_service_valid(value->bv_val);
}

static bool
service_covered(const struct berval *wide, const struct berval *narrow)
{
    return pat_glob_covers(wide->bv_val, narrow->bv_val);
}

static bool
source_valid(const struct berval *value)
{
    struct pat_network net;

    return is_text(value) && pat_network_parse(value->bv_val, &net) == PAT_OK;
}

static bool
source_covered(const struct berval *wide, const struct berval *narrow)
{
    struct pat_network a, b;

    return pat_network_parse(wide->bv_val, &a) == PAT_OK &&
           pat_network_parse(narrow->bv_val, &b) == PAT_OK && pat_network_covers(&a, &b);
}

/* A limit of a token. */
struct scope {
    AttributeDescription *ad;
    bool (*valid)(const struct berval *value);
    bool (*covered)(const struct berval *wide, const struct berval *narrow);
    const char *is;
};

static bool
lies_within(const struct scope *scope, const Attribute *old, const struct berval *value)
{
    unsigned i;

    for (i = 0; i < old->a_numvals; i++)
        if (scope->covered(&old->a_vals[i], value))
            return true;
    return false;
}

/* Every new value is one, and lies within one that was there, if there were any. */
static int
check_scope(struct pat_work *w, Entry *before, Entry *after, const struct scope *scope)
{
    const Attribute *old = before == NULL ? NULL : attr_find(before->e_attrs, scope->ad);
    const Attribute *new = attr_find(after->e_attrs, scope->ad);
    const char *name = scope->ad->ad_cname.bv_val;
    unsigned i;

    if (old != NULL && new == NULL)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: %s: cannot be taken away, for then there is no limit: make a new token",
            name);
    for (i = 0; new != NULL &&i < new->a_numvals; i++) {
        const struct berval *value = &new->a_vals[i];

        if (has_value(old, value))
            continue;
        if (!scope->valid(value))
            return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION, "pat: %s: \"%s\" is no %s",
                name, value->bv_val, scope->is);
        if (old != NULL && !lies_within(scope, old, value))
            return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                "pat: %s: \"%s\" goes beyond what the token was made for: make a new "
                "token",
                name, value->bv_val);
    }
    return LDAP_SUCCESS;
}

static int
check_scopes(struct pat_work *w, Entry *before, Entry *after)
{
    const struct scope services = {pat_schema.service, service_valid, service_covered,
        "name of a service: 1 to 255 of A-Z a-z 0-9 . _ @ - and * for any part"};
    const struct scope sources = {pat_schema.source, source_valid, source_covered,
        "address or network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"};
    int rc = check_scope(w, before, after, &services);

    return rc == LDAP_SUCCESS ? check_scope(w, before, after, &sources) : rc;
}

/* Present and readable: LDAP_SUCCESS and its time. */
static int
check_time(struct pat_work *w, const struct berval *value, int64_t *ret_time)
{
    if (!is_text(value) || pat_gentime_parse(value->bv_val, ret_time) != PAT_OK)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patExpires: \"%s\" is no time, such as 20301231235959Z", value->bv_val);
    return LDAP_SUCCESS;
}

/* A whole number of seconds from an org's policy. */
static int64_t
max_lifetime(Entry *org)
{
    const struct berval *value = pat_value(org, pat_schema.max_lifetime);
    int64_t max = value == NULL ? 0 : strtoll(value->bv_val, NULL, 10);

    return max > LIFETIME_MAX ? LIFETIME_MAX : max;
}

static int
check_expiry(struct pat_work *w, Entry *e, Entry *org)
{
    const struct berval *value = pat_value(e, pat_schema.expires);
    int64_t expires = 0, max = max_lifetime(org);
    char latest[PAT_GENTIME_LEN + 1];
    int rc;

    if (max > 0)
        pat_gentime_format((int64_t)w->now + max, latest);
    if (value == NULL)
        return max <= 0 ? LDAP_SUCCESS
                        : pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                              "pat: patExpires: %s demands one, no later than %s "
                              "(its patMaxLifetime is %lld s)",
                              org->e_name.bv_val, latest, (long long)max);
    rc = check_time(w, value, &expires);
    if (rc != LDAP_SUCCESS)
        return rc;
    if (expires <= w->now)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patExpires: %s is not in the future (it is %s now)", value->bv_val,
            w->now_text);
    if (max > 0 && expires > w->now + max)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patExpires: %s is too late: %s allows no later than %s (its "
            "patMaxLifetime is %lld s)",
            value->bv_val, org->e_name.bv_val, latest, (long long)max);
    return LDAP_SUCCESS;
}

struct mint_right {
    Attribute *mint_role; /* of the org; NULL: every role */
    bool member, may;
};

static int
role_may_mint(const struct berval *role, const struct berval *nrole, void *arg)
{
    struct mint_right *right = arg;
    unsigned i;

    (void)role;
    right->member = true;
    right->may = right->mint_role == NULL;
    for (i = 0; !right->may && i < right->mint_role->a_numvals; i++)
        right->may = bvmatch(nrole, &right->mint_role->a_nvals[i]);
    return right->may ? LDAP_COMPARE_TRUE : 0;
}

/* Returns whether it is the import of a revoked token. */
static bool
is_record(const struct pat_work *w, const Entry *e)
{
    return !w->mint.minted && pat_value(e, pat_schema.revoked) != NULL;
}

static int
check_owner(struct pat_work *w, Entry *e, Entry *org)
{
    const struct berval *dn = pat_value(e, pat_schema.owner);
    const struct berval *ndn = pat_nvalue(e, pat_schema.owner);
    struct mint_right right = {
        attr_find(org->e_attrs, pat_schema.mint_role), false, false};
    Entry *owner;
    bool person;
    int rc;

    if (dn == NULL || dn->bv_len == 0)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patOwner: give one, or bind as the person who is to have the token");
    /* The owner may have left, and the entry may be gone. */
    if (is_record(w, e))
        return LDAP_SUCCESS;
    owner = pat_txn_get(&w->txn, ndn);
    person = owner != NULL && pat_is_person(w->set, owner);
    if (owner == NULL) {
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patOwner: there is no entry %s in this database", dn->bv_val);
    }
    entry_free(owner);
    if (!person)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patOwner: %s is no person: it has no %s", dn->bv_val,
            w->set->login->ad_cname.bv_val);
    rc = pat_tree_roles(&w->txn, &org->e_nname, ndn, NULL, role_may_mint, &right);
    if (rc != LDAP_SUCCESS && rc != LDAP_COMPARE_TRUE)
        return pat_failed(w);
    if (!right.member)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patOwner: %s is no member of %s: no patRoleGroup in it names that "
            "person",
            dn->bv_val, org->e_name.bv_val);
    if (!right.may)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patOwner: the role of %s in %s may not have tokens made: see its "
            "patMintRole",
            dn->bv_val, org->e_name.bv_val);
    return LDAP_SUCCESS;
}

static unsigned
max_tokens(struct pat_work *w, Entry *org)
{
    const struct berval *value = pat_value(org, pat_schema.max_tokens);

    return value == NULL ? w->set->max_tokens
                         : (unsigned)strtoul(value->bv_val, NULL, 10);
}

/* The count includes the new token. Only live tokens count, so that rotation goes on. */
static int
check_quota(struct pat_work *w, Entry *e, Entry *org)
{
    unsigned max = max_tokens(w, org), have = 0;
    const struct berval *owner = pat_nvalue(e, pat_schema.owner);

    if (max == 0 || pat_value(e, pat_schema.revoked) != NULL)
        return LDAP_SUCCESS;
    if (pat_tree_count_tokens(
            &w->txn, &org->e_nname, owner, &org->e_nname, max + 1, &have) != LDAP_SUCCESS)
        return pat_failed(w);
    if (have <= max)
        return LDAP_SUCCESS;
    return pat_refuse(w, LDAP_ADMINLIMIT_EXCEEDED,
        "pat: patOwner: %s has %u live tokens in %s, the limit (%s): revoke some",
        pat_value(e, pat_schema.owner)->bv_val, max, org->e_name.bv_val,
        pat_value(org, pat_schema.max_tokens) != NULL ? "patMaxTokens of the org"
                                                      : "olcPatMaxTokens of the overlay");
}

/* Refuses a token if the deletion of its owner would need more room than is kept. */
static int
check_reserve(struct pat_work *w, Entry *e)
{
    unsigned max = pat_reserve_tokens(w->op), have = 0;
    const struct berval *owner = pat_nvalue(e, pat_schema.owner);

    if (pat_value(e, pat_schema.revoked) != NULL)
        return LDAP_SUCCESS;
    if (pat_tree_count_tokens(&w->txn, &w->op->o_bd->be_nsuffix[0], owner, NULL, max + 1,
            &have) != LDAP_SUCCESS)
        return pat_failed(w);
    if (have <= max)
        return LDAP_SUCCESS;
    return pat_refuse(w, LDAP_OTHER,
        "pat: nothing was changed: patOwner: %s has %u live tokens in this database, and "
        "a database of this size has no room to revoke more at once: revoke some, or "
        "raise olcDbMaxSize",
        pat_value(e, pat_schema.owner)->bv_val, max);
}

/* A hash that the client brought: the token was made elsewhere. */
static int
check_import(struct pat_work *w, Entry *e)
{
    const struct berval *hash = pat_value(e, pat_schema.hash);
    unsigned count;
    size_t i;
    int rc;

    if (w->mint.minted) {
        for (i = 0; i < sizeof(history) / sizeof(history[0]); i++)
            if (attr_find(e->e_attrs, *history[i]) != NULL)
                return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                    "pat: %s: the server writes it, a new token has none",
                    (*history[i])->ad_cname.bv_val);
        return LDAP_SUCCESS;
    }
    /* The schema does not demand one, and only a new entry has one made. */
    if (hash == NULL)
        return pat_refuse(w, LDAP_OBJECT_CLASS_VIOLATION,
            "pat: patHash: an entry becomes a token only with one: add a new token");
    if (!access_allowed(w->op, e, pat_schema.hash, NULL, ACL_MANAGE, NULL))
        return pat_refuse(w, LDAP_INSUFFICIENT_ACCESS,
            "pat: patHash: importing a token needs \"manage\" access to it; leave it "
            "out, "
            "and the server makes the token");
    if (!within(hash, "0123456789abcdef", 64, 64))
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patHash: must be 64 lower-case hexadecimal digits: printf %%s TOKEN | "
            "sha256sum");
    rc = pat_tree_hash_count(&w->txn, pat_nvalue(e, pat_schema.hash), &count);
    if (rc != LDAP_SUCCESS)
        return pat_failed(w);
    if (count != 1)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patHash: another token has it: make a new token");
    return LDAP_SUCCESS;
}

int
pat_token_added(struct pat_work *w, Entry *e)
{
    static const struct berval yes = {3, (char *)(uintptr_t) "yes"};
    struct berval org_ndn = pat_grandparent(&e->e_nname);
    struct pat_event event = {.action = "pat.created"};
    Entry *org = NULL;
    int rc;

    rc = check_classes(w, NULL, e);
    if (rc == LDAP_SUCCESS)
        rc = check_id(w, e);
    if (rc != LDAP_SUCCESS)
        return rc;
    if (org_ndn.bv_len > 0)
        org = pat_txn_get(&w->txn, &org_ndn);
    if (org == NULL || !pat_is(org, pat_schema.org)) {
        rc = pat_refuse(w, LDAP_NAMING_VIOLATION,
            "pat: a token stands two levels below its org: \"%s\" is no entry of class "
            "patOrg",
            org_ndn.bv_val == NULL ? "" : org_ndn.bv_val);
        goto out;
    }
    rc = check_import(w, e);
    if (rc == LDAP_SUCCESS)
        rc = check_owner(w, e, org);
    if (rc == LDAP_SUCCESS && !is_record(w, e))
        rc = check_expiry(w, e, org);
    if (rc == LDAP_SUCCESS)
        rc = check_scopes(w, NULL, e);
    if (rc == LDAP_SUCCESS)
        rc = check_sizes(w, NULL, e);
    if (rc == LDAP_SUCCESS)
        rc = check_quota(w, e, org);
    if (rc == LDAP_SUCCESS)
        rc = check_reserve(w, e);
    if (rc != LDAP_SUCCESS)
        goto out;
    event.target = pat_value(e, pat_schema.id);
    event.target_owner = pat_value(e, pat_schema.owner);
    event.target_nowner = pat_nvalue(e, pat_schema.owner);
    event.detail[0].key = "name";
    event.detail[0].value = pat_value(e, pat_schema.cn);
    event.detail[1].key = "expires";
    event.detail[1].value = pat_value(e, pat_schema.expires);
    event.detail[2].key = "import";
    event.detail[2].value = w->mint.minted ? NULL : &yes;
    rc = pat_event_add(w, &org->e_name, &event);
out:
    if (org != NULL)
        entry_free(org);
    return rc;
}

/* One event for a token; `reason` may be NULL. */
static int
token_event(
    struct pat_work *w, Entry *token, const char *action, const struct berval *reason)
{
    struct pat_event event = {.action = action};
    struct berval org = pat_grandparent(&token->e_name);

    event.target = pat_value(token, pat_schema.id);
    event.target_owner = pat_value(token, pat_schema.owner);
    event.target_nowner = pat_nvalue(token, pat_schema.owner);
    event.detail[0].key = "reason";
    event.detail[0].value = reason;
    return pat_event_add(w, &org, &event);
}

/* patd wrote that the token was used: its owner did that, by it. */
static int
used_event(struct pat_work *w, Entry *token)
{
    struct pat_event event = {.action = "pat.used"};
    struct berval org = pat_grandparent(&token->e_name);

    event.target = event.via = pat_value(token, pat_schema.id);
    event.target_owner = event.actor = pat_value(token, pat_schema.owner);
    event.target_nowner = event.nactor = pat_nvalue(token, pat_schema.owner);
    event.detail[0].key = "from";
    event.detail[0].value = pat_value(token, pat_schema.last_used_from);
    event.detail[1].key = "verifier";
    event.detail[1].value = &w->actor;
    return pat_event_add(w, &org, &event);
}

static int
same_values(Entry *a, Entry *b, AttributeDescription *ad)
{
    return pat_same(pat_value(a, ad), pat_value(b, ad));
}

/* May only be set where there was none, or come sooner. */
static int
check_expiry_change(struct pat_work *w, Entry *before, Entry *after)
{
    const struct berval *old = pat_value(before, pat_schema.expires);
    const struct berval *new = pat_value(after, pat_schema.expires);
    int64_t was = 0, is = 0;
    int rc;

    if (pat_same(old, new))
        return LDAP_SUCCESS;
    if (new == NULL)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patExpires: cannot be taken away: make a new token");
    rc = check_time(w, new, &is);
    /* What cannot be read refuses the token everywhere: anything is better. */
    if (rc != LDAP_SUCCESS || old == NULL ||
        pat_gentime_parse(old->bv_val, &was) != PAT_OK)
        return rc;
    if (is > was)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patExpires: can only be brought forward, from %s: make a new token",
            old->bv_val);
    return LDAP_SUCCESS;
}

/* Byte for byte; but a DN may be spelled anew. */
static int
check_fixed(struct pat_work *w, Entry *before, Entry *after)
{
    AttributeDescription *const fixed[] = {
        pat_schema.id, pat_schema.hash, pat_schema.owner};
    size_t i;

    for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (fixed[i] == pat_schema.owner
                ? !pat_same(pat_nvalue(before, fixed[i]), pat_nvalue(after, fixed[i]))
                : !pat_same(pat_value(before, fixed[i]), pat_value(after, fixed[i])))
            return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                "pat: %s: never changes: make a new token", fixed[i]->ad_cname.bv_val);
    return LDAP_SUCCESS;
}

static int
check_revocation(struct pat_work *w, Entry *before, Entry *after)
{
    const struct berval *was = pat_value(before, pat_schema.revoked);
    const struct berval *is = pat_value(after, pat_schema.revoked);
    const struct berval *by = pat_nvalue(after, pat_schema.revoked_by);
    const struct berval *reason = pat_value(after, pat_schema.revoked_reason);

    if (was != NULL && !pat_same(was, is))
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patRevoked: the token was revoked at %s, for ever: make a new token",
            was->bv_val);
    if (was != NULL || is == NULL) {
        if (!same_values(before, after, pat_schema.revoked_by) ||
            !same_values(before, after, pat_schema.revoked_reason))
            return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                "pat: patRevokedBy and patRevokedReason: are written when the token is "
                "revoked, and only then");
        return LDAP_SUCCESS;
    }
    if (!pat_same(by, w->nactor.bv_len == 0 ? NULL : &w->nactor))
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patRevokedBy: the server writes who it was: leave it out");
    if (reason != NULL && reason->bv_len > REASON_MAX)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patRevokedReason: is %lu bytes long, %d are allowed",
            (unsigned long)reason->bv_len, REASON_MAX);
    return LDAP_SUCCESS;
}

int
pat_token_modified(struct pat_work *w, Entry *before, Entry *after)
{
    bool revoked = pat_value(before, pat_schema.revoked) == NULL &&
                   pat_value(after, pat_schema.revoked) != NULL;
    int rc;

    rc = check_classes(w, before, after);
    if (rc == LDAP_SUCCESS)
        rc = check_fixed(w, before, after);
    if (rc == LDAP_SUCCESS)
        rc = check_revocation(w, before, after);
    if (rc == LDAP_SUCCESS)
        rc = check_expiry_change(w, before, after);
    if (rc == LDAP_SUCCESS)
        rc = check_scopes(w, before, after);
    if (rc == LDAP_SUCCESS)
        rc = check_sizes(w, before, after);
    if (rc == LDAP_SUCCESS && revoked)
        rc = token_event(
            w, after, "pat.revoked", pat_value(after, pat_schema.revoked_reason));
    if (rc == LDAP_SUCCESS && w->set->audit_use &&
        pat_value(after, pat_schema.last_used) != NULL &&
        !same_values(before, after, pat_schema.last_used))
        rc = used_event(w, after);
    return rc;
}

int
pat_token_deleted(struct pat_work *w, Entry *before)
{
    static const struct berval deleted = {7, (char *)(uintptr_t) "deleted"};

    if (pat_value(before, pat_schema.revoked) != NULL)
        return LDAP_SUCCESS;
    return token_event(w, before, "pat.revoked", &deleted);
}

void
pat_token_complete_revocation(struct pat_work *w, Modifications **mods)
{
    const struct berval now = pat_bv(w->now_text), reason = pat_bv("revoked");
    bool revokes = false, by_given = false, reason_given = false;
    Modifications *m;

    for (m = *mods; m != NULL; m = m->sml_next) {
        by_given = by_given || m->sml_desc == pat_schema.revoked_by;
        reason_given = reason_given || m->sml_desc == pat_schema.revoked_reason;
        if (m->sml_desc != pat_schema.revoked || m->sml_numvals != 1 ||
            (m->sml_op != LDAP_MOD_ADD && m->sml_op != LDAP_MOD_REPLACE))
            continue;
        revokes = true;
        ber_bvreplace(&m->sml_values[0], &now);
        if (m->sml_nvalues != NULL)
            ber_bvreplace(&m->sml_nvalues[0], &now);
    }
    if (!revokes)
        return;
    if (!by_given && w->actor.bv_len > 0)
        pat_mods_add(
            mods, pat_schema.revoked_by, LDAP_MOD_REPLACE, &w->actor, &w->nactor);
    if (!reason_given)
        pat_mods_add(mods, pat_schema.revoked_reason, LDAP_MOD_REPLACE, &reason, &reason);
}

int
pat_token_revoke(struct pat_work *w, Entry *token, const char *reason)
{
    const struct berval now = pat_bv(w->now_text), why = pat_bv(reason);
    Modifications *mods = NULL;
    int rc;

    rc = token_event(w, token, "pat.revoked", &why);
    if (rc != LDAP_SUCCESS) {
        entry_free(token);
        return rc;
    }
    pat_mods_add(&mods, pat_schema.revoked, LDAP_MOD_REPLACE, &now, &now);
    if (w->actor.bv_len > 0)
        pat_mods_add(
            &mods, pat_schema.revoked_by, LDAP_MOD_REPLACE, &w->actor, &w->nactor);
    pat_mods_add(&mods, pat_schema.revoked_reason, LDAP_MOD_REPLACE, &why, &why);
    rc = pat_txn_modify(&w->txn, token, mods);
    return rc == LDAP_SUCCESS ? LDAP_SUCCESS : pat_failed(w);
}

int
pat_token_revoke_all(struct pat_work *w, const struct berval *base,
    const struct berval *person, const struct berval *org, const char *reason)
{
    struct pat_entries tokens = {0};
    size_t i;
    int rc;

    rc = pat_tree_live_tokens(&w->txn, base, person, org, &tokens);
    if (rc != LDAP_SUCCESS)
        rc = pat_failed(w);
    for (i = 0; i < tokens.len && rc == LDAP_SUCCESS; i++) {
        rc = pat_token_revoke(w, tokens.e[i], reason);
        tokens.e[i] = NULL;
    }
    for (i = 0; i < tokens.len; i++)
        if (tokens.e[i] != NULL)
            entry_free(tokens.e[i]);
    tokens.len = 0;
    pat_entries_clear(&tokens);
    return rc;
}

int
pat_token_check_foreign(struct pat_work *w, Entry *before, Entry *e)
{
    if (before != NULL && pat_is(before, pat_schema.token))
        return pat_refuse(w, LDAP_OBJECT_CLASS_VIOLATION,
            "pat: objectClass: a token stays one: revoke it, or delete it");
    if (attrs_find(e->e_attrs, pat_schema.hash) != NULL)
        return pat_refuse(w, LDAP_OBJECT_CLASS_VIOLATION,
            "pat: patHash: only an entry of class patToken may have it");
    return LDAP_SUCCESS;
}
