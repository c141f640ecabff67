/* SPDX-License-Identifier: BSD-2-Clause */
#include "converge.h"

#include <stdint.h>
#include <string.h>

#include "member.h"
#include "token.h"

/* Of a CSN and of a time: YYYYMMDDhhmmss. */
#define SECONDS_LEN 14

/* The connection of an item that was found in the database. */
#define FROM_DATABASE 0UL

/* A token, or the event of a removal, which waits until its provider is through. */
struct pat_item {
    struct pat_item *next;
    unsigned long from; /* the connection by which it came */
    struct berval ndn;
    struct berval csn; /* its entryCSN; may be empty */
};

struct pat_pending {
    struct pat_pending *next; /* among those that are kept */
    struct berval suffix;     /* of the database, while it is kept */
    ldap_pvt_thread_mutex_t mutex;
    struct pat_item *first, **last;
    /*
     * The contextCSN when the overlay was opened: every change that is not settled is as
     * new or newer. Later also the first CSN of each new server.
     */
    BerVarray marks;
    bool marked, recalled;
    bool failed; /* the recall failed: nothing may be completed */
};

/*
 * Items of databases from which the overlay was removed while slapd runs. No lock: slapd
 * pauses when a configuration changes.
 */
static struct pat_pending *kept;

struct pat_pending *
pat_pending_new(void)
{
    struct pat_pending *pending = ch_calloc(1, sizeof(*pending));

    ldap_pvt_thread_mutex_init(&pending->mutex);
    pending->last = &pending->first;
    return pending;
}

static void
items_free(struct pat_item *item)
{
    struct pat_item *next;

    for (; item != NULL; item = next) {
        next = item->next;
        ch_free(item->ndn.bv_val);
        ch_free(item->csn.bv_val);
        ch_free(item);
    }
}

static void
pending_free(struct pat_pending *pending)
{
    items_free(pending->first);
    ber_bvarray_free(pending->marks);
    ch_free(pending->suffix.bv_val);
    ldap_pvt_thread_mutex_destroy(&pending->mutex);
    ch_free(pending);
}

void
pat_pending_free(struct pat_pending *pending, const struct berval *suffix)
{
    if (pending == NULL)
        return;
    if (slapd_shutdown || !pending->marked) {
        pending_free(pending);
        return;
    }
    pat_dup(&pending->suffix, suffix);
    pending->next = kept;
    kept = pending;
}

void
pat_pending_end(void)
{
    struct pat_pending *next;

    for (; kept != NULL; kept = next) {
        next = kept->next;
        pending_free(kept);
    }
}

/* Call with the mutex locked. */
static void
item_append(struct pat_pending *pending, unsigned long from, const struct berval *ndn,
    const struct berval *csn)
{
    struct pat_item *item = ch_calloc(1, sizeof(*item));

    item->from = from;
    pat_dup(&item->ndn, ndn);
    if (csn != NULL)
        pat_dup(&item->csn, csn);
    *pending->last = item;
    pending->last = &item->next;
}

static void
wait_for_the_rest(struct pat_work *w)
{
    struct pat_pending *pending = w->set->pending;
    Operation *op = w->op;

    ldap_pvt_thread_mutex_lock(&pending->mutex);
    item_append(pending, op->o_connid, &op->o_req_ndn,
        pat_value(op->ora_e, slap_schema.si_ad_entryCSN));
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
}

static int
sid_of(const struct berval *csn)
{
    struct berval text = *csn;

    return BER_BVISEMPTY(csn) ? -1 : slap_parse_csn_sid(&text);
}

/* Returns the CSN of that server among `csns`, which may be NULL, or NULL. */
static const struct berval *
find_csn(const struct berval *csns, int sid)
{
    for (; csns != NULL && !BER_BVISNULL(csns); csns++)
        if (sid_of(csns) == sid)
            return csns;
    return NULL;
}

/*
 * Returns whether `op`, which stores the contextCSN, completes the item. Another
 * connection completes it, too, when the stored contextCSN of the item's server reaches
 * the item: a changed configuration or a restart may have ended the item's connection.
 */
static bool
is_completed(const struct pat_item *item, const Operation *op)
{
    const struct berval *reached;

    if (item->from == op->o_connid)
        return true;
    if (BER_BVISEMPTY(&item->csn))
        return false;
    reached = find_csn(op->orm_modlist->sml_values, sid_of(&item->csn));
    return reached != NULL && strcmp(reached->bv_val, item->csn.bv_val) >= 0;
}

/* Removes the items that `op` completes from the list, and returns them, in order. */
static struct pat_item *
take_items(struct pat_pending *pending, const Operation *op)
{
    struct pat_item *taken = NULL, **end = &taken, **p, *item;

    ldap_pvt_thread_mutex_lock(&pending->mutex);
    for (p = &pending->first; (item = *p) != NULL;) {
        if (is_completed(item, op)) {
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
give_items_back(struct pat_pending *pending, struct pat_item *items)
{
    ldap_pvt_thread_mutex_lock(&pending->mutex);
    *pending->last = items;
    while (*pending->last != NULL)
        pending->last = &(*pending->last)->next;
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
}

static bool
has_items(struct pat_pending *pending)
{
    bool has;

    ldap_pvt_thread_mutex_lock(&pending->mutex);
    has = pending->first != NULL;
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
    return has;
}

bool
pat_converge_is_received(const Operation *op, const slap_overinst *on)
{
    const struct pat_settings *set = on->on_bi.bi_private;

    return SLAPD_SYNC_IS_SYNCCONN(op->o_connid) && !pat_txn_is_replay(op) &&
           (SLAP_MULTIPROVIDER(op->o_bd) || has_items(set->pending));
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

/* Returns the text behind "KEY=" among the details of an event; empty if there is none.
 */
static struct berval
detail_of(Entry *event, const char *key)
{
    const Attribute *a = attr_find(event->e_attrs, pat_schema.detail);
    struct berval text = {0, NULL};
    unsigned i;

    for (i = 0; a != NULL && i < a->a_numvals; i++)
        if (strncmp(a->a_vals[i].bv_val, key, strlen(key)) == 0)
            text = pat_bv(a->a_vals[i].bv_val + strlen(key));
    return text;
}

/* The audit log has it already: no second event. */
static int
revoke_as_told(struct pat_work *w, Entry *event)
{
    const struct berval *time = pat_value(event, pat_schema.event_time);
    const struct berval *actor = pat_value(event, pat_schema.actor);
    struct berval reason = detail_of(event, "reason=");
    Entry *token = pat_txn_get(&w->txn, &w->op->o_req_ndn);
    Modifications *mods = NULL;
    int rc;

    if (token == NULL)
        return pat_refuse(w, LDAP_OTHER, "pat: the entry cannot be read");
    if (reason.bv_len == 0)
        reason = pat_bv("revoked");
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

/* Notes the contextCSN that the database has stored. */
static void
mark(struct pat_pending *pending, BackendDB *be, slap_overinst *on)
{
    struct berval ndn = be->be_nsuffix[0], rdn = pat_bv("cn=ldapsync");
    Connection conn = {0};
    OperationBuffer buffer;
    BackendDB db = *be;
    Operation *op;
    Attribute *a;
    Entry *e = NULL;

    ber_bvarray_free(pending->marks);
    pending->marks = NULL;
    pending->marked = true;
    pending->recalled = false;
    connection_fake_init2(&conn, &buffer, ldap_pvt_thread_pool_context(), 0);
    op = &buffer.ob_op;
    db.bd_info = on->on_info->oi_orig;
    op->o_bd = &db;
    op->o_dn = be->be_rootdn;
    op->o_ndn = be->be_rootndn;
    if (SLAP_SYNC_SUBENTRY(be))
        build_new_dn(&ndn, &be->be_nsuffix[0], &rdn, NULL);
    (void)db.bd_info->bi_entry_get_rw(op, &ndn, NULL, NULL, 0, &e);
    if (ndn.bv_val != be->be_nsuffix[0].bv_val)
        ch_free(ndn.bv_val);
    if (e == NULL)
        return;
    a = attr_find(e->e_attrs, slap_schema.si_ad_contextCSN);
    if (a != NULL)
        ber_bvarray_dup_x(&pending->marks, a->a_vals, NULL);
    db.bd_info->bi_entry_release_rw(op, e, 0);
}

void
pat_converge_opened(BackendDB *be, slap_overinst *on)
{
    struct pat_settings *set = on->on_bi.bi_private;
    struct pat_pending **p, *pending;

    for (p = &kept; (pending = *p) != NULL; p = &pending->next) {
        if (!bvmatch(&pending->suffix, &be->be_nsuffix[0]))
            continue;
        *p = pending->next;
        ch_free(pending->suffix.bv_val);
        BER_BVZERO(&pending->suffix);
        pending_free(set->pending);
        set->pending = pending;
        break;
    }
    if (!set->pending->marked)
        mark(set->pending, be, on);
}

void
pat_converge_closed(BackendDB *be, slap_overinst *on)
{
    struct pat_pending *pending = ((struct pat_settings *)on->on_bi.bi_private)->pending;

    /* Before the recall the existing marks stay valid. */
    if (!slapd_shutdown && pending->recalled)
        mark(pending, be, on);
}

/* Which entries to recall: of one server, or of all that have a mark. */
#define MARKED (-1)

struct recall {
    struct pat_pending *pending;
    int sid;
    unsigned long from; /* the connection of the new items */
    unsigned count;
};

/*
 * The entry at the mark itself counts: slapd may have ended between storing the mark, as
 * syncprov's checkpoint does, and calling the overlay.
 */
static bool
is_recalled(const struct recall *r, const struct berval *csn)
{
    int sid = sid_of(csn);
    const struct berval *since;

    if (r->sid != MARKED)
        return sid == r->sid;
    since = find_csn(r->pending->marks, sid);
    return sid != slap_serverID && since != NULL &&
           strcmp(csn->bv_val, since->bv_val) >= 0;
}

static int
recalled_seen(Entry *e, void *arg)
{
    struct recall *r = arg;
    const struct berval *csn = pat_value(e, slap_schema.si_ad_entryCSN);

    if (csn == NULL || !is_recalled(r, csn))
        return 0;
    item_append(r->pending, r->from, &e->e_nname, csn);
    r->count++;
    return 0;
}

/* Finds the waiting items in the database. Call with the mutex locked. */
static bool
recall(Operation *op, slap_overinst *on, struct recall *r, const struct berval *since)
{
    struct pat_txn reader;
    int rc;

    pat_txn_reader(&reader, op, on);
    rc = pat_tree_changed_since(&reader, since, recalled_seen, r);
    r->pending->failed = rc != LDAP_SUCCESS;
    if (rc != LDAP_SUCCESS)
        Debug(LDAP_DEBUG_ANY,
            "%s pat: cannot search for changes that were received before; the next "
            "change repeats the search: %s\n",
            op->o_log_prefix, reader.error);
    else if (r->count > 0)
        Debug(LDAP_DEBUG_ANY,
            "%s pat: checks %u tokens and removals that were received before\n",
            op->o_log_prefix, r->count);
    return rc == LDAP_SUCCESS;
}

/* Returns the earliest mark of another server, or NULL. */
static const struct berval *
first_mark(const struct berval *marks)
{
    const struct berval *first = NULL;

    for (; marks != NULL && !BER_BVISNULL(marks); marks++)
        if (sid_of(marks) != slap_serverID &&
            (first == NULL || strcmp(marks->bv_val, first->bv_val) < 0))
            first = marks;
    return first;
}

void
pat_converge_recall(Operation *op, slap_overinst *on)
{
    struct pat_pending *pending = ((struct pat_settings *)on->on_bi.bi_private)->pending;
    struct recall r = {pending, MARKED, FROM_DATABASE, 0};
    const struct berval *since;

    ldap_pvt_thread_mutex_lock(&pending->mutex);
    if (!pending->recalled) {
        since = first_mark(pending->marks);
        pending->recalled = since == NULL || recall(op, on, &r, since);
    }
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
}

/* Removes the items of that server that arrived by that connection. */
static void
items_drop(struct pat_pending *pending, unsigned long from, int sid)
{
    struct pat_item **p, *item;

    for (p = &pending->first; (item = *p) != NULL;) {
        if (item->from == from && sid_of(&item->csn) == sid) {
            *p = item->next;
            item->next = NULL;
            items_free(item);
        } else {
            p = &item->next;
        }
    }
    pending->last = p;
}

/*
 * Recalls the items of servers without a mark. Entries of such a server, of any age, may
 * have arrived in an earlier run that stored no contextCSN of it. Call with the mutex
 * locked.
 */
static void
recall_new_servers(Operation *op, slap_overinst *on, struct pat_pending *pending)
{
    const struct berval *csn;
    struct berval copy;

    for (csn = op->orm_modlist->sml_values; csn != NULL && !BER_BVISNULL(csn); csn++) {
        struct recall r = {pending, sid_of(csn), op->o_connid, 0};

        if (r.sid == slap_serverID || find_csn(pending->marks, r.sid) != NULL)
            continue;
        /* The search finds these items again. */
        items_drop(pending, op->o_connid, r.sid);
        if (!recall(op, on, &r, NULL))
            return;
        pat_dup(&copy, csn);
        ber_bvarray_add(&pending->marks, &copy);
    }
}

bool
pat_converge_completes(Operation *op, slap_overinst *on)
{
    struct pat_pending *pending = ((struct pat_settings *)on->on_bi.bi_private)->pending;
    struct pat_item *item;
    bool completes;

    if (op->orm_modlist == NULL ||
        op->orm_modlist->sml_desc != slap_schema.si_ad_contextCSN)
        return false;
    ldap_pvt_thread_mutex_lock(&pending->mutex);
    recall_new_servers(op, on, pending);
    for (item = pending->first; item != NULL; item = item->next)
        if (is_completed(item, op))
            break;
    completes = item != NULL || pending->failed;
    ldap_pvt_thread_mutex_unlock(&pending->mutex);
    return completes;
}

/* Why somebody who has no role here lost it. */
static const char *
removal_reason(struct pat_work *w, const struct berval *person)
{
    if (!pat_txn_exists(&w->txn, person))
        return "owner-deleted";
    return pat_tree_is_person(&w->txn, w->set, person) ? "member-removed"
                                                       : "login-removed";
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
        Debug(LDAP_DEBUG_ANY, "%s pat: revokes %s: its owner has no role here\n",
            w->op->o_log_prefix, token->e_name.bv_val);
    if (rc == LDAP_COMPARE_FALSE)
        return pat_token_revoke(w, token, removal_reason(w, owner));
    entry_free(token);
    return rc == LDAP_COMPARE_TRUE ? LDAP_SUCCESS : rc;
}

/* Events of one action, by the name of a person. The ids of events sort by time. */
struct return_search {
    const struct berval *person;
    Entry *after, *before; /* events; `before` may be NULL */
};

static int
id_compare(const Entry *a, const Entry *b)
{
    return strcmp(pat_value(a, pat_schema.event_id)->bv_val,
        pat_value(b, pat_schema.event_id)->bv_val);
}

static bool
dn_of(const struct berval *text, struct berval *ret_ndn)
{
    struct berval dn;

    if (text == NULL || text->bv_len == 0)
        return false;
    dn = *text;
    return dnNormalize(0, NULL, NULL, &dn, ret_ndn, NULL) == LDAP_SUCCESS;
}

static int
return_seen(Entry *e, void *arg)
{
    struct return_search *s = arg;
    struct berval ndn = BER_BVNULL;
    int rc = 0;

    if (pat_value(e, pat_schema.event_id) != NULL && id_compare(e, s->after) > 0 &&
        (s->before == NULL || id_compare(e, s->before) < 0) &&
        dn_of(pat_value(e, pat_schema.target), &ndn) && bvmatch(&ndn, s->person))
        rc = LDAP_COMPARE_TRUE;
    ch_free(ndn.bv_val);
    return rc;
}

/*
 * Returns LDAP_COMPARE_TRUE if that person was added to the org, or another member got
 * that name, between the two events, or after the first one if `before` is NULL.
 */
static int
has_returned(struct pat_work *w, const struct berval *org, const struct berval *person,
    Entry *after, Entry *before)
{
    static const char *const actions[] = {"org_member.added", "org_member.renamed"};
    struct return_search s = {person, after, before};
    const struct berval *time = pat_value(after, pat_schema.event_time);
    int rc = LDAP_SUCCESS;

    for (size_t i = 0; i < 2 && rc == LDAP_SUCCESS; i++)
        rc = pat_tree_events(&w->txn, org, actions[i], NULL, time, return_seen, &s);
    if (rc == LDAP_SUCCESS)
        return LDAP_COMPARE_FALSE;
    return rc == LDAP_COMPARE_TRUE ? rc : pat_failed(w);
}

/* A removal from an org, and the name that its person has by now. */
struct departure {
    struct berval org;
    Entry *removal;
    Entry *renamed;       /* the last rename that was followed; a copy, or NULL */
    struct berval person; /* normalized; to be freed */
};

static bool
is_event(const Entry *e)
{
    return pat_value(e, pat_schema.event_id) != NULL &&
           pat_value(e, pat_schema.event_time) != NULL;
}

static Entry *
later(Entry *a, Entry *b)
{
    return b == NULL || id_compare(a, b) > 0 ? a : b;
}

struct rename_search {
    const struct departure *d;
    Entry *found; /* a copy, or NULL */
};

/* Of several renames takes the one that is nearest to the removal, rather a later one. */
static bool
is_nearer(const struct rename_search *s, const Entry *e)
{
    bool is_later = id_compare(e, s->d->removal) > 0;

    if (s->found == NULL)
        return true;
    if (is_later != (id_compare(s->found, s->d->removal) > 0))
        return is_later;
    return is_later ? id_compare(e, s->found) < 0 : id_compare(e, s->found) > 0;
}

static int
rename_seen(Entry *e, void *arg)
{
    struct rename_search *s = arg;
    struct berval from = detail_of(e, "from="), ndn = BER_BVNULL;

    if (is_event(e) && (s->d->renamed == NULL || id_compare(e, s->d->renamed) > 0) &&
        dn_of(&from, &ndn) && bvmatch(&ndn, &s->d->person) && is_nearer(s, e)) {
        if (s->found != NULL)
            entry_free(s->found);
        s->found = entry_dup(e);
    }
    ch_free(ndn.bv_val);
    return 0;
}

/*
 * Returns whether the person may have another name by now. Only then the whole audit log
 * is read, and only if this server can remove the person.
 */
static bool
may_be_renamed(struct pat_work *w, const struct departure *d)
{
    struct berval reason = detail_of(d->removal, "reason=");

    return !pat_txn_exists(&w->txn, &d->person) &&
           (reason.bv_len == 0 || strcmp(reason.bv_val, "owner-deleted") != 0) &&
           pat_member_may_leave(w, &d->org);
}

/*
 * Follows a rename that was made by a server which did not know of the removal.
 * LDAP_SUCCESS: it was followed. LDAP_COMPARE_FALSE: there is none.
 */
static int
follow_rename(struct pat_work *w, struct departure *d)
{
    struct berval epoch = pat_bv("19700101000000Z"), ndn = BER_BVNULL;
    struct rename_search s = {d, NULL};
    Entry *last = later(d->removal, d->renamed);
    int rc;

    if (!may_be_renamed(w, d))
        return LDAP_COMPARE_FALSE;
    rc = pat_tree_events(
        &w->txn, &d->org, "org_member.renamed", NULL, &epoch, rename_seen, &s);
    if (rc != LDAP_SUCCESS)
        rc = pat_failed(w);
    else if (s.found == NULL || !dn_of(pat_value(s.found, pat_schema.target), &ndn))
        rc = LDAP_COMPARE_FALSE;
    else if (id_compare(s.found, last) > 0)
        rc = has_returned(w, &d->org, &d->person, last, s.found);
    else
        rc = has_returned(w, &d->org, &d->person, s.found, last);
    if (s.found != NULL && !BER_BVISNULL(&ndn) && rc == LDAP_COMPARE_FALSE) {
        if (d->renamed != NULL)
            entry_free(d->renamed);
        ch_free(d->person.bv_val);
        d->renamed = s.found;
        d->person = ndn;
        return LDAP_SUCCESS;
    }
    if (s.found != NULL)
        entry_free(s.found);
    ch_free(ndn.bv_val);
    return rc == LDAP_COMPARE_TRUE ? LDAP_COMPARE_FALSE : rc;
}

/* A person who left elsewhere, and whom a group of ours brought back. */
static int
leave(struct pat_work *w, const struct departure *d)
{
    int rc = LDAP_COMPARE_TRUE;

    /* A deleted person is removed from groups, too. */
    if (pat_txn_exists(&w->txn, &d->person))
        rc = pat_member_has_role(w, &d->org, &d->person);
    if (rc == LDAP_COMPARE_TRUE)
        rc = has_returned(w, &d->org, &d->person, later(d->removal, d->renamed), NULL);
    else if (rc == LDAP_COMPARE_FALSE)
        return LDAP_SUCCESS;
    if (rc != LDAP_COMPARE_FALSE)
        return rc == LDAP_COMPARE_TRUE ? LDAP_SUCCESS : rc;
    Debug(LDAP_DEBUG_ANY, "%s pat: removes %s from %s: another server did so before\n",
        w->op->o_log_prefix, d->person.bv_val, d->org.bv_val);
    return pat_member_leave(w, &d->org, &d->person);
}

static int
settle_removal(struct pat_work *w, Entry *event)
{
    struct departure d = {.org = pat_grandparent(&event->e_nname), .removal = event};
    int rc;

    if (!is_event(event) || d.org.bv_len == 0 ||
        !dn_of(pat_value(event, pat_schema.target), &d.person))
        return LDAP_SUCCESS;
    do {
        rc = leave(w, &d);
        if (rc == LDAP_SUCCESS)
            rc = follow_rename(w, &d);
    } while (rc == LDAP_SUCCESS);
    if (d.renamed != NULL)
        entry_free(d.renamed);
    ch_free(d.person.bv_val);
    return rc == LDAP_COMPARE_FALSE ? LDAP_SUCCESS : rc;
}

int
pat_converge_completed(struct pat_work *w, SlapReply *rs)
{
    struct pat_item *item;
    int rc = LDAP_SUCCESS;

    w->settled = take_items(w->set->pending, w->op);
    (void)rs;
    if (w->set->pending->failed)
        rc = pat_refuse(w, LDAP_OTHER,
            "pat: nothing was changed: cannot search for changes that were received "
            "before: see slapd's log");
    else if (pat_txn_fails_to_settle())
        rc = pat_refuse(w, LDAP_OTHER, "pat: failpoint");
    for (item = w->settled; item != NULL && rc == LDAP_SUCCESS; item = item->next) {
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
    return rc;
}

void
pat_converge_end(struct pat_work *w)
{
    if (w->settled == NULL)
        return;
    if (w->committed)
        items_free(w->settled);
    else
        give_items_back(w->set->pending, w->settled);
    w->settled = NULL;
}
