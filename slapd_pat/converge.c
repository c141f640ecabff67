/* SPDX-License-Identifier: BSD-2-Clause */
#include "converge.h"

#include <stdint.h>
#include <string.h>

#include "member.h"
#include "token.h"

/* Of a CSN and of a time: YYYYMMDDhhmmss. */
#define SECONDS_LEN 14

/* A token, or the event of a removal, which waits until its provider is through. */
struct item {
    struct item *next;
    unsigned long from; /* the connection by which it came */
    struct berval ndn;
};

struct pat_pending {
    ldap_pvt_thread_mutex_t mutex;
    struct item *first, **last;
};

struct pat_pending *
pat_pending_new(void)
{
    struct pat_pending *pending = ch_calloc(1, sizeof(*pending));

    ldap_pvt_thread_mutex_init(&pending->mutex);
    pending->last = &pending->first;
    return pending;
}

static void
items_free(struct item *item)
{
    struct item *next;

    for (; item != NULL; item = next) {
        next = item->next;
        ch_free(item->ndn.bv_val);
        ch_free(item);
    }
}

void
pat_pending_free(struct pat_pending *pending)
{
    if (pending == NULL)
        return;
    items_free(pending->first);
    ldap_pvt_thread_mutex_destroy(&pending->mutex);
    ch_free(pending);
}

static void
wait_for_the_rest(struct pat_work *w)
{
    struct pat_pending *pending = w->set->pending;
    struct item *item = ch_calloc(1, sizeof(*item));

    item->from = w->op->o_connid;
    pat_dup(&item->ndn, &w->op->o_req_ndn);
    ldap_pvt_thread_mutex_lock(&pending->mutex);
    *pending->last = item;
    pending->last = &item->next;
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
}

/* Those that came by this connection, in their order, to be freed. */
static struct item *
take_items(struct pat_pending *pending, unsigned long from)
{
    struct item *taken = NULL, **end = &taken, **p, *item;

    ldap_pvt_thread_mutex_lock(&pending->mutex);
    for (p = &pending->first; (item = *p) != NULL;) {
        if (item->from == from) {
            *p = item->next;
            item->next = NULL;
            *end = item;
            end = &item->next;
        } else {
            p = &item->next;
        }
    }
    pending->last = p;
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
    return taken;
}

/* For the next time. */
static void
give_items_back(struct pat_pending *pending, struct item *items)
{
    ldap_pvt_thread_mutex_lock(&pending->mutex);
    *pending->last = items;
    while (*pending->last != NULL)
        pending->last = &(*pending->last)->next;
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
}

bool
pat_converge_is_received(const Operation *op)
{
    return SLAPD_SYNC_IS_SYNCCONN(op->o_connid) && SLAP_MULTIPROVIDER(op->o_bd) &&
           !pat_txn_is_replay(op);
}

/* ---- tokens that were revoked here ---- */

static bool
is_removal(const Entry *e)
{
    const struct berval *action = pat_value(e, pat_schema.action);

    return action != NULL && strcasecmp(action->bv_val, "org_member.removed") == 0;
}

/*
 * Is a token, which is not there, told because it was changed? Then it was deleted here a
 * moment ago, and will be there, from which the deletion goes. In the first phase of
 * replication, in which everything is new, the CSN that goes with it is its own value.
 */
static bool
was_deleted_here(const Operation *op)
{
    const struct berval *csn = pat_value(op->ora_e, slap_schema.si_ad_entryCSN);
    const struct berval *made = pat_value(op->ora_e, slap_schema.si_ad_createTimestamp);

    return csn != NULL && made != NULL && !BER_BVISEMPTY(&op->o_csn) &&
           op->o_csn.bv_val != csn->bv_val && made->bv_len >= SECONDS_LEN &&
           csn->bv_len >= SECONDS_LEN &&
           memcmp(csn->bv_val, made->bv_val, SECONDS_LEN) != 0;
}

bool
pat_converge_adds(const Operation *op)
{
    Entry *e = op->ora_e;

    if (pat_is(e, pat_schema.token))
        return pat_value(e, pat_schema.revoked) == NULL || was_deleted_here(op);
    return pat_is(e, pat_schema.event) && is_removal(e);
}

/* The end of a token, as the audit log tells it. */
struct end {
    const struct berval *created;
    Entry *event; /* a copy, or NULL */
};

/*
 * One that lies in the very second in which the token was made may be of a token that was
 * there before, and had the same name.
 */
static int
end_seen(Entry *e, void *arg)
{
    struct end *end = arg;
    const struct berval *time = pat_value(e, pat_schema.event_time);

    if (time == NULL || strcmp(time->bv_val, end->created->bv_val) <= 0)
        return 0;
    end->event = entry_dup(e);
    return LDAP_COMPARE_TRUE;
}

static int
find_end(struct pat_work *w, Entry *token, Entry **ret_event)
{
    struct end end = {pat_value(token, slap_schema.si_ad_createTimestamp), NULL};
    const struct berval *id = pat_nvalue(token, pat_schema.id);
    struct berval org = pat_grandparent(&token->e_nname);
    int rc;

    *ret_event = NULL;
    if (end.created == NULL || id == NULL || org.bv_len == 0)
        return LDAP_SUCCESS;
    rc = pat_tree_events(&w->txn, &org, "pat.revoked", id, end.created, end_seen, &end);
    *ret_event = end.event;
    return rc == LDAP_SUCCESS || rc == LDAP_COMPARE_TRUE ? LDAP_SUCCESS : pat_failed(w);
}

/* "reason=TEXT" among the details of an event. */
static struct berval
reason_of(Entry *event)
{
    static const char key[] = "reason=";
    const Attribute *a = attr_find(event->e_attrs, pat_schema.detail);
    struct berval reason = pat_bv("revoked");
    unsigned i;

    for (i = 0; a != NULL && i < a->a_numvals; i++)
        if (strncmp(a->a_vals[i].bv_val, key, strlen(key)) == 0)
            reason = pat_bv(a->a_vals[i].bv_val + strlen(key));
    return reason;
}

/* The audit log has it already: no second event. */
static int
revoke_as_told(struct pat_work *w, Entry *event)
{
    const struct berval *time = pat_value(event, pat_schema.event_time);
    const struct berval *actor = pat_value(event, pat_schema.actor);
    struct berval reason = reason_of(event);
    Entry *token = pat_txn_get(&w->txn, &w->op->o_req_ndn);
    Modifications *mods = NULL;
    int rc;

    if (token == NULL)
        return pat_refuse(w, LDAP_OTHER, "pat: the entry cannot be read");
    pat_mods_add(&mods, pat_schema.revoked, LDAP_MOD_REPLACE, time, time);
    if (actor != NULL)
        pat_mods_add(&mods, pat_schema.revoked_by, LDAP_MOD_REPLACE, actor,
            pat_nvalue(event, pat_schema.actor));
    pat_mods_add(&mods, pat_schema.revoked_reason, LDAP_MOD_REPLACE, &reason, &reason);
    rc = pat_txn_modify(&w->txn, token, mods);
    return rc == LDAP_SUCCESS ? rc : pat_failed(w);
}

/* Put back what `before` has of an attribute. */
static void
keep(Modifications **mods, AttributeDescription *ad, Entry *before)
{
    const struct berval *value = pat_value(before, ad);

    if (value != NULL)
        pat_mods_add(mods, ad, LDAP_MOD_REPLACE, value, pat_nvalue(before, ad));
}

/* A change that changes nothing, so that the server that had deleted it has it again. */
static int
tell_again(struct pat_work *w)
{
    Entry *token = pat_txn_get(&w->txn, &w->op->o_req_ndn);
    Modifications *mods = NULL;
    int rc;

    if (token == NULL)
        return pat_refuse(w, LDAP_OTHER, "pat: the entry cannot be read");
    keep(&mods, pat_schema.revoked, token);
    rc = pat_txn_modify(&w->txn, token, mods);
    return rc == LDAP_SUCCESS ? rc : pat_failed(w);
}

int
pat_converge_added(struct pat_work *w, SlapReply *rs)
{
    Entry *e = w->op->ora_e, *event = NULL;
    int rc = LDAP_SUCCESS;

    (void)rs;
    if (pat_is(e, pat_schema.token) && pat_value(e, pat_schema.revoked) != NULL)
        return tell_again(w);
    if (pat_is(e, pat_schema.token))
        rc = find_end(w, e, &event);
    if (rc == LDAP_SUCCESS && event != NULL)
        rc = revoke_as_told(w, event);
    else if (rc == LDAP_SUCCESS)
        wait_for_the_rest(w);
    if (event != NULL)
        entry_free(event);
    return rc;
}

/* A revocation that is added needs no look. */
bool
pat_converge_modifies(const Operation *op)
{
    const Modifications *m;

    for (m = op->orm_modlist; m != NULL; m = m->sml_next)
        if (m->sml_desc == pat_schema.expires ||
            (m->sml_desc == pat_schema.revoked &&
                (m->sml_op == LDAP_MOD_DELETE || m->sml_op == LDAP_MOD_REPLACE)))
            return true;
    return false;
}

/* Values that cannot be read refuse the token: so they are no later than others. */
static bool
expires_later(Entry *before, Entry *after)
{
    const struct berval *old = pat_value(before, pat_schema.expires);
    const struct berval *new = pat_value(after, pat_schema.expires);
    int64_t was = 0, is = 0;

    if (old == NULL || pat_same(old, new))
        return false;
    return new == NULL || (pat_gentime_parse(old->bv_val, &was) == PAT_OK &&
                              pat_gentime_parse(new->bv_val, &is) == PAT_OK && is > was);
}

int
pat_converge_modified(struct pat_work *w, SlapReply *rs)
{
    Entry *before = w->before, *after = pat_txn_get(&w->txn, &w->op->o_req_ndn);
    Modifications *mods = NULL;
    int rc = LDAP_SUCCESS;

    (void)rs;
    if (before == NULL || after == NULL || !pat_is(after, pat_schema.token))
        goto out;
    if (pat_value(before, pat_schema.revoked) != NULL &&
        pat_value(after, pat_schema.revoked) == NULL) {
        keep(&mods, pat_schema.revoked, before);
        keep(&mods, pat_schema.revoked_by, before);
        keep(&mods, pat_schema.revoked_reason, before);
    }
    if (expires_later(before, after))
        keep(&mods, pat_schema.expires, before);
    if (mods != NULL) {
        rc = pat_txn_modify(&w->txn, after, mods);
        after = NULL;
        if (rc != LDAP_SUCCESS)
            rc = pat_failed(w);
    }
out:
    if (after != NULL)
        entry_free(after);
    return rc;
}

/* ---- what waited ---- */

bool
pat_converge_completes(const Operation *op, const struct pat_settings *set)
{
    struct item *item;

    if (op->orm_modlist == NULL ||
        op->orm_modlist->sml_desc != slap_schema.si_ad_contextCSN)
        return false;
    ldap_pvt_thread_mutex_lock(&set->pending->mutex);
    for (item = set->pending->first; item != NULL; item = item->next)
        if (item->from == op->o_connid)
            break;
    ldap_pvt_thread_mutex_unlock(&set->pending->mutex);
    return item != NULL;
}

/* A token that came while its owner left. It is taken. */
static int
settle_token(struct pat_work *w, Entry *token)
{
    const struct berval *owner = pat_nvalue(token, pat_schema.owner);
    struct berval org = pat_grandparent(&token->e_nname);
    int rc = LDAP_COMPARE_TRUE;

    if (pat_value(token, pat_schema.revoked) == NULL && owner != NULL && org.bv_len > 0)
        rc = pat_member_has_role(w, &org, owner);
    if (rc == LDAP_COMPARE_FALSE)
        return pat_token_revoke(w, token,
            pat_txn_exists(&w->txn, owner) ? "member-removed" : "owner-deleted");
    entry_free(token);
    return rc == LDAP_COMPARE_TRUE ? LDAP_SUCCESS : rc;
}

/* Was that person added again after the removal? */
struct return_search {
    const struct berval *person, *id;
};

static bool
dn_of(const struct berval *text, struct berval *ret_ndn)
{
    struct berval dn;

    if (text == NULL || text->bv_len == 0)
        return false;
    dn = *text;
    return dnNormalize(0, NULL, NULL, &dn, ret_ndn, NULL) == LDAP_SUCCESS;
}

/* The names of events sort as they happened. */
static int
return_seen(Entry *e, void *arg)
{
    struct return_search *s = arg;
    const struct berval *id = pat_value(e, pat_schema.event_id);
    struct berval ndn = BER_BVNULL;
    int rc = 0;

    if (id != NULL && strcmp(id->bv_val, s->id->bv_val) > 0 &&
        dn_of(pat_value(e, pat_schema.target), &ndn) && bvmatch(&ndn, s->person))
        rc = LDAP_COMPARE_TRUE;
    ch_free(ndn.bv_val);
    return rc;
}

/* A person who left elsewhere, and whom a group of ours brought back. */
static int
settle_removal(struct pat_work *w, Entry *event)
{
    const struct berval *time = pat_value(event, pat_schema.event_time);
    struct berval org = pat_grandparent(&event->e_nname), person = BER_BVNULL;
    struct return_search s = {&person, pat_value(event, pat_schema.event_id)};
    int rc = LDAP_SUCCESS;

    if (time == NULL || s.id == NULL || org.bv_len == 0 ||
        !dn_of(pat_value(event, pat_schema.target), &person))
        goto out;
    rc = pat_member_has_role(w, &org, &person);
    if (rc == LDAP_COMPARE_TRUE) {
        rc = pat_tree_events(
            &w->txn, &org, "org_member.added", NULL, time, return_seen, &s);
        if (rc == LDAP_SUCCESS)
            rc = pat_member_leave(w, &org, &person);
        else if (rc != LDAP_COMPARE_TRUE)
            rc = pat_failed(w);
    }
    if (rc == LDAP_COMPARE_TRUE || rc == LDAP_COMPARE_FALSE)
        rc = LDAP_SUCCESS;
out:
    ch_free(person.bv_val);
    return rc;
}

int
pat_converge_completed(struct pat_work *w, SlapReply *rs)
{
    struct item *items = take_items(w->set->pending, w->op->o_connid), *item;
    int rc = LDAP_SUCCESS;

    (void)rs;
    for (item = items; item != NULL && rc == LDAP_SUCCESS; item = item->next) {
        Entry *e = pat_txn_get(&w->txn, &item->ndn);

        if (e == NULL)
            continue;
        if (pat_is(e, pat_schema.token)) {
            rc = settle_token(w, e);
            continue;
        }
        rc = settle_removal(w, e);
        entry_free(e);
    }
    if (rc == LDAP_SUCCESS)
        items_free(items);
    else
        give_items_back(w->set->pending, items);
    return rc;
}
