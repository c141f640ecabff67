/* SPDX-License-Identifier: BSD-2-Clause */
#include "event.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define DETAIL_MAX 1024 /* bytes, as the schema says */

/*
 * Names sort as the events happened: time, then a random number for the transaction,
 * which tells servers and same moments apart, then a count.
 */
static int
event_id(struct pat_work *w, char *text, size_t size)
{
    if (w->events == 0) {
        struct timespec ts;
        uint32_t salt[2];
        char when[PAT_GENTIME_LEN + 1];

        if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
            return pat_refuse(w, LDAP_OTHER, "pat: the system gave no random numbers");
        clock_gettime(CLOCK_REALTIME, &ts);
        pat_gentime_format(ts.tv_sec, when);
        snprintf(w->event_prefix, sizeof(w->event_prefix), "%.14s.%06uZ-%08x%04x", when,
            (unsigned)(ts.tv_nsec / 1000) % 1000000, salt[0], salt[1] & 0xffff);
    }
    snprintf(text, size, "%s-%06u", w->event_prefix, ++w->events);
    return LDAP_SUCCESS;
}

static Entry *
entry_below(const struct berval *parent, const struct berval *rdn)
{
    struct berval dn = *parent, name = *rdn;
    Entry *e = entry_alloc();

    build_new_dn(&e->e_name, &dn, &name, NULL);
    return e;
}

static void class(Entry *e, ObjectClass *oc)
{
    attr_merge_one(e, slap_schema.si_ad_objectClass, &oc->soc_cname, NULL);
}

static void
put(Entry *e, AttributeDescription *ad, const struct berval *value)
{
    struct berval v;

    if (value == NULL || value->bv_len == 0)
        return;
    v = *value;
    attr_merge_normalize_one(e, ad, &v, NULL);
}

static void
put_dn(
    Entry *e, AttributeDescription *ad, const struct berval *dn, const struct berval *ndn)
{
    struct berval v, nv;

    if (dn == NULL || dn->bv_len == 0)
        return;
    v = *dn;
    nv = *ndn;
    attr_merge_one(e, ad, &v, &nv);
}

/* "key=value", cut between characters to what the schema allows. */
static void
put_detail(Entry *e, const char *key, const struct berval *value)
{
    char text[DETAIL_MAX + 1];
    struct berval bv = {0, text};

    if (value == NULL || value->bv_len == 0)
        return;
    snprintf(text, sizeof(text), "%s=%.*s", key, (int)value->bv_len, value->bv_val);
    pat_text_trim(text);
    bv.bv_len = strlen(text);
    attr_merge_normalize_one(e, pat_schema.detail, &bv, NULL);
}

/* ---- events that go to slapd's log ---- */

/* A JSON object that is always complete: a member that does not fit is left out. */
struct line {
    char text[3000];
    size_t len;
};

static size_t
escape(char *to, size_t size, const struct berval *from)
{
    size_t n = 0;
    ber_len_t i;

    for (i = 0; i < from->bv_len && n + 7 < size; i++) {
        unsigned char c = (unsigned char)from->bv_val[i];

        if (c < 0x20 || c == 0x7F)
            n += (size_t)snprintf(to + n, size - n, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            n += (size_t)snprintf(to + n, size - n, "\\%c", c);
        else
            to[n++] = (char)c;
    }
    to[n] = '\0';
    return i == from->bv_len ? n : 0;
}

static void
line_put(struct line *l, const char *key, const struct berval *value)
{
    char text[1500];
    int n;

    if (value == NULL || value->bv_len == 0 || escape(text, sizeof(text), value) == 0)
        return;
    n = snprintf(l->text + l->len, sizeof(l->text) - l->len, "%s\"%s\": \"%s\"",
        l->len == 0 ? "" : ", ", key, text);
    if (n > 0 && (size_t)n < sizeof(l->text) - l->len)
        l->len += (size_t)n;
    l->text[l->len] = '\0';
}

/* Writes an event to slapd's log, because the org's own log is gone. */
static void
log_event(struct pat_work *w, const struct berval *org, const struct pat_event *event)
{
    struct line l = {.len = 0};
    struct berval action = pat_bv(event->action), time = pat_bv(w->now_text);
    size_t i;

    line_put(&l, "time", &time);
    line_put(&l, "action", &action);
    line_put(&l, "org", org);
    line_put(&l, "actor", event->actor != NULL ? event->actor : &w->actor);
    line_put(&l, "target", event->target);
    line_put(&l, "target_owner", event->target_owner);
    line_put(&l, "via", event->via);
    for (i = 0; i < PAT_EVENT_DETAILS; i++)
        if (event->detail[i].key != NULL)
            line_put(&l, event->detail[i].key, event->detail[i].value);
    Debug(LDAP_DEBUG_ANY, "%s pat: event without an audit log: {%s}\n",
        w->op->o_log_prefix, l.text);
}

static void
log_entry(Operation *op, Entry *e)
{
    struct line l = {.len = 0};
    Attribute *detail = attr_find(e->e_attrs, pat_schema.detail);
    unsigned i;

    line_put(&l, "time", pat_value(e, pat_schema.event_time));
    line_put(&l, "action", pat_value(e, pat_schema.action));
    line_put(&l, "dn", &e->e_name);
    line_put(&l, "actor", pat_value(e, pat_schema.actor));
    line_put(&l, "target", pat_value(e, pat_schema.target));
    line_put(&l, "target_owner", pat_value(e, pat_schema.target_owner));
    for (i = 0; detail != NULL && i < detail->a_numvals; i++)
        line_put(&l, "detail", &detail->a_vals[i]);
    Debug(LDAP_DEBUG_ANY, "%s pat: event deleted with its audit log: {%s}\n",
        op->o_log_prefix, l.text);
}

/* ---- the container ---- */

/* Is there an org of that name? */
static bool
is_org(struct pat_work *w, const struct berval *dn)
{
    struct berval in = *dn, ndn = BER_BVNULL;
    Entry *e = NULL;
    bool is;

    if (dn->bv_len > 0 && dnNormalize(0, NULL, NULL, &in, &ndn, NULL) == LDAP_SUCCESS)
        e = pat_txn_get(&w->txn, &ndn);
    is = e != NULL && pat_is(e, pat_schema.org);
    if (e != NULL)
        entry_free(e);
    ch_free(ndn.bv_val);
    return is;
}

/*
 * Returns whether the rootdn deletes the org, entry by entry. Only the rootdn can have
 * deleted a log with events in it. A new container would prevent the deletion of the org.
 * Any other operation, and a deletion by another client, creates the container again.
 */
static bool
is_teardown(struct pat_work *w, struct berval *container)
{
    struct berval org;

    dnParent(container, &org);
    return w->op->o_tag == LDAP_REQ_DELETE && be_isroot(w->op) &&
           dnIsSuffix(&w->op->o_req_ndn, &org);
}

/*
 * Finds the container of the org's events, or creates it. Once for each org.
 * LDAP_NO_SUCH_OBJECT: there is no such org. LDAP_X_NO_OPERATION: the org is being
 * deleted, and its container is gone.
 */
static int
find_container(struct pat_work *w, const struct berval *org, struct berval *ret_dn)
{
    struct berval dn = *org, rdn = w->set->audit, ndn;
    Entry *e;
    int rc = LDAP_SUCCESS;

    build_new_dn(ret_dn, &dn, &rdn, NULL);
    if (!BER_BVISNULL(&w->event_org) && bvmatch(&w->event_org, ret_dn))
        return LDAP_SUCCESS;
    if (!is_org(w, org))
        return LDAP_NO_SUCH_OBJECT;
    if (dnNormalize(0, NULL, NULL, ret_dn, &ndn, NULL) != LDAP_SUCCESS)
        return pat_refuse(w, LDAP_OTHER, "pat: no DN: %s", ret_dn->bv_val);
    e = pat_txn_get(&w->txn, &ndn);
    if (e != NULL) {
        entry_free(e);
    } else if (is_teardown(w, &ndn)) {
        rc = LDAP_X_NO_OPERATION;
    } else {
        struct berval value = w->set->audit_value;

        e = entry_below(org, &w->set->audit);
        pat_dup(&e->e_nname, &ndn);
        class(e, pat_schema.unit);
        attr_merge_normalize_one(e, pat_schema.ou, &value, NULL);
        rc = pat_txn_add(&w->txn, e);
        if (rc != LDAP_SUCCESS)
            rc = pat_failed(w);
    }
    ch_free(ndn.bv_val);
    if (rc == LDAP_SUCCESS)
        ber_bvreplace(&w->event_org, ret_dn);
    return rc;
}

int
pat_event_add(struct pat_work *w, const struct berval *org, const struct pat_event *event)
{
    char id[65], rdn_text[sizeof(id) + sizeof("patEventId=")];
    struct berval container = BER_BVNULL, rdn, value;
    Entry *e = NULL;
    size_t i;
    int rc;

    rc = find_container(w, org, &container);
    if (rc == LDAP_NO_SUCH_OBJECT) {
        /* A token from before this overlay was there; to revoke it comes first. */
        Debug(LDAP_DEBUG_ANY, "%s pat: no org \"%s\" to note %s of %s in\n",
            w->op->o_log_prefix, org->bv_val == NULL ? "" : org->bv_val, event->action,
            event->target == NULL ? "" : event->target->bv_val);
        rc = LDAP_SUCCESS;
        goto out;
    }
    if (rc == LDAP_X_NO_OPERATION) {
        log_event(w, org, event);
        rc = LDAP_SUCCESS;
        goto out;
    }
    if (rc != LDAP_SUCCESS)
        goto out;
    rc = event_id(w, id, sizeof(id));
    if (rc != LDAP_SUCCESS)
        goto out;
    snprintf(rdn_text, sizeof(rdn_text), "patEventId=%s", id);
    rdn = pat_bv(rdn_text);
    e = entry_below(&container, &rdn);
    rc = dnNormalize(0, NULL, NULL, &e->e_name, &e->e_nname, NULL);
    if (rc != LDAP_SUCCESS) {
        rc = pat_refuse(w, LDAP_OTHER, "pat: no DN: %s", e->e_name.bv_val);
        goto out;
    }
    class(e, pat_schema.event);
    value = pat_bv(id);
    put(e, pat_schema.event_id, &value);
    value = pat_bv(event->action);
    put(e, pat_schema.action, &value);
    value = pat_bv(w->now_text);
    put(e, pat_schema.event_time, &value);
    if (event->actor != NULL)
        put_dn(e, pat_schema.actor, event->actor, event->nactor);
    else
        put_dn(e, pat_schema.actor, &w->actor, &w->nactor);
    put(e, pat_schema.target, event->target);
    put_dn(e, pat_schema.target_owner, event->target_owner, event->target_nowner);
    put(e, pat_schema.via, event->via);
    for (i = 0; i < PAT_EVENT_DETAILS; i++)
        if (event->detail[i].key != NULL)
            put_detail(e, event->detail[i].key, event->detail[i].value);
    rc = pat_txn_add(&w->txn, e);
    e = NULL;
    if (rc != LDAP_SUCCESS)
        rc = pat_failed(w);
out:
    if (e != NULL)
        entry_free(e);
    ch_free(container.bv_val);
    return rc;
}

/* ---- the end of a log ---- */

struct remains {
    Operation *op;
    const struct berval *container;
    struct pat_entries list;
};

/* Collects an event of a removal by the client. Ends the search at any other entry. */
static int
remains_seen(Entry *e, void *arg)
{
    static const char *const actions[] = {
        "pat.revoked", "org_member.removed", "org_member.role_changed"};
    struct remains *r = arg;
    const struct berval *action = pat_value(e, pat_schema.action),
                        *actor = pat_nvalue(e, pat_schema.actor);
    bool known = false;
    size_t i;

    /* The deletion of a role group may be refused, when its events are gone. */
    if (dn_match(&e->e_nname, r->container))
        return pat_is(e, pat_schema.group) ? LDAP_COMPARE_TRUE : 0;
    for (i = 0; action != NULL && i < sizeof(actions) / sizeof(actions[0]); i++)
        known = known || strcasecmp(action->bv_val, actions[i]) == 0;
    if (!known || !pat_is(e, pat_schema.event) || actor == NULL ||
        !dn_match(actor, &r->op->o_ndn))
        return LDAP_COMPARE_TRUE;
    pat_entries_add(&r->list, e);
    return 0;
}

void
pat_event_sweep(Operation *op, slap_overinst *on)
{
    const struct pat_settings *set = on->on_bi.bi_private;
    struct remains r = {.op = op, .container = &op->o_req_ndn};
    struct pat_work w = {.op = op, .set = set};
    struct berval org, rdn;
    bool all;
    size_t i;

    dnRdn(&op->o_req_ndn, &rdn);
    dnParent(&op->o_req_ndn, &org);
    if (!be_isroot(op) || op->o_noop || op->o_assert || rdn.bv_len != set->audit.bv_len ||
        strncasecmp(rdn.bv_val, set->audit.bv_val, rdn.bv_len) != 0 ||
        pat_txn_begin(&w.txn, op, on) != LDAP_SUCCESS)
        return;
    all = is_org(&w, &org) &&
          pat_tree_below(&w.txn, &op->o_req_ndn, remains_seen, &r) == LDAP_SUCCESS;
    pat_txn_abort(&w.txn);
    for (i = 0; all && i < r.list.len; i++) {
        log_entry(op, r.list.e[i]);
        all = pat_txn_delete_alone(op, on, r.list.e[i]) == LDAP_SUCCESS;
    }
    pat_txn_clear(&w.txn);
    pat_entries_clear(&r.list);
}
