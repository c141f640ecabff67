/* SPDX-License-Identifier: BSD-2-Clause */
#include "event.h"

#include <stdio.h>
#include <string.h>
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
 * The container of the org's events, made where it is missing. Once for each org.
 * LDAP_NO_SUCH_OBJECT: there is no such org.
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
