/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay.c - slapd's overlay "pat": the way of an operation, and the module
 *
 * The way: begin a transaction, let the backend apply the client's change, and from the
 * callback in which the backend reports success, with nothing committed and nothing sent,
 * check it and add what follows; commit; let the other overlays see the response, and
 * then what was added; send it. slapd checks its access rules before any refusal of this
 * overlay, with two exceptions: a misplaced overlay and a nearly full database are
 * reported before the change is tried.
 *
 * MUSTs of this file: bd_info is restored on every exit; no transaction outlives its
 * operation; what fails in the middle is aborted and reported, never half done.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "converge.h"
#include "event.h"
#include "member.h"
#include "outer.h"
#include "owner.h"
#include "reserve.h"
#include "stack.h"
#include "token.h"

static slap_overinst overlay;
static char type_name[] = "pat";

int
pat_refuse(struct pat_work *w, int code, const char *format, ...)
{
    va_list args;
    char *c;

    va_start(args, format);
    vsnprintf(w->text, sizeof(w->text), format, args);
    va_end(args);
    pat_text_trim(w->text);
    /* It goes to slapd's log, too, and what the client sent must not pass for a line
     * there. */
    for (c = w->text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    return code;
}

int
pat_failed(struct pat_work *w)
{
    Debug(LDAP_DEBUG_ANY, "%s pat: nothing was changed: %s\n", w->op->o_log_prefix,
        w->txn.error);
    return pat_refuse(w, LDAP_OTHER, "pat: nothing was changed: %s", w->txn.error);
}

/* ---- what happens once the main change is applied ---- */

static int
check_never_stored(struct pat_work *w, Entry *e)
{
    AttributeDescription *const computed[] = {
        pat_schema.owner_uid, pat_schema.owner_role};
    size_t i;

    if (attrs_find(e->e_attrs, pat_schema.secret) != NULL)
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patSecret: is never stored: leave it out, and ask for it by the "
            "post-read control");
    /* A value that were stored would outlive the role. */
    for (i = 0; i < sizeof(computed) / sizeof(computed[0]); i++)
        if (attrs_find(e->e_attrs, computed[i]) != NULL)
            return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
                "pat: %s: is never stored: the server computes it",
                computed[i]->ad_cname.bv_val);
    return LDAP_SUCCESS;
}

static int
check_event_writer(struct pat_work *w)
{
    if (be_isroot(w->op))
        return LDAP_SUCCESS;
    return pat_refuse(w, LDAP_INSUFFICIENT_ACCESS,
        "pat: the audit log is written by the server; only the rootdn may change it");
}

/* A service identifies an org by its name alone. */
static int
check_org_name(struct pat_work *w, Entry *e)
{
    char *name = NULL, *other = NULL;
    int rc = pat_tree_same_name(&w->txn, e, w->before, &name, &other);

    if (rc == LDAP_COMPARE_FALSE)
        return LDAP_SUCCESS;
    if (rc != LDAP_COMPARE_TRUE)
        return pat_failed(w);
    rc = pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
        "pat: the name \"%s\" belongs to another org, %s: choose another name", name,
        other);
    ch_free(name);
    ch_free(other);
    return rc;
}

static int
check_org(struct pat_work *w, Entry *e)
{
    const struct berval *max = pat_value(e, pat_schema.max_lifetime);
    int rc = check_org_name(w, e);

    if (rc != LDAP_SUCCESS)
        return rc;
    if (max != NULL && (max->bv_len > 10 || strtoll(max->bv_val, NULL, 10) <= 0))
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patMaxLifetime: must be 1 to 9999999999 seconds; take it away to "
            "demand "
            "no expiry");
    max = pat_value(e, pat_schema.max_tokens);
    if (max != NULL && (max->bv_len > 7 || strtol(max->bv_val, NULL, 10) <= 0 ||
                           strtol(max->bv_val, NULL, 10) > 1000000))
        return pat_refuse(w, LDAP_CONSTRAINT_VIOLATION,
            "pat: patMaxTokens: must be 1 to 1000000; remove it to use the overlay's "
            "olcPatMaxTokens");
    return LDAP_SUCCESS;
}

/* The entry under its new name. */
static Entry *
renamed_entry(struct pat_work *w)
{
    struct berval parent, ndn = BER_BVNULL;
    Operation *op = w->op;
    Entry *e;

    if (op->orr_newSup != NULL)
        parent = *op->orr_nnewSup;
    else
        dnParent(&op->o_req_ndn, &parent);
    build_new_dn(&ndn, &parent, &op->orr_nnewrdn, NULL);
    e = pat_txn_get(&w->txn, &ndn);
    ch_free(ndn.bv_val);
    return e;
}

/* Of a container: may it, with what is in it, go by that name? */
static int
check_content(struct pat_work *w, Entry *before, Entry *after)
{
    struct pat_content content = {false, false, false, false};
    struct pat_entries orgs = {0};
    struct berval from, to;
    bool moved, in_org;

    if (pat_tree_content(&w->txn, &after->e_nname, &content) != LDAP_SUCCESS)
        return pat_failed(w);
    dnParent(&before->e_nname, &from);
    dnParent(&after->e_nname, &to);
    moved = !dn_match(&from, &to);
    pat_tree_orgs(&w->txn, &from, NULL, &orgs);
    in_org = orgs.len > 0;
    pat_entries_clear(&orgs);
    if (moved && content.orgs)
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: %s holds orgs, whose place is fixed", before->e_name.bv_val);
    if (content.tokens && (in_org || moved))
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: %s holds tokens, whose place is fixed: revoke and delete them first",
            before->e_name.bv_val);
    if (content.groups && moved)
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: %s holds groups that give roles: move them one by one",
            before->e_name.bv_val);
    if (content.events && (in_org || moved))
        return check_event_writer(w);
    return LDAP_SUCCESS;
}

static int
check_rename(struct pat_work *w, Entry *before, Entry *after, bool below)
{
    if (pat_is(before, pat_schema.token))
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: a token keeps its name and place: make a new token");
    if (pat_is(before, pat_schema.org))
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: an org keeps its name and place, for its tokens are bound to it");
    return below ? check_content(w, before, after) : LDAP_SUCCESS;
}

/* Returns whether the entry was, or is, of that class. */
static bool
either_is(Entry *before, Entry *after, ObjectClass *oc)
{
    return (before != NULL && pat_is(before, oc)) || (after != NULL && pat_is(after, oc));
}

static int
org_changed(struct pat_work *w, Entry *before, Entry *after)
{
    int rc;

    if (after == NULL)
        return LDAP_SUCCESS;
    if (pat_is(after, pat_schema.org))
        return check_org(w, after);
    if (before == NULL || !pat_is(before, pat_schema.org))
        return LDAP_SUCCESS;
    rc = pat_tree_has_live_tokens(&w->txn, &after->e_nname);
    if (rc == LDAP_COMPARE_TRUE)
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: objectClass: %s has live tokens: revoke or delete them before it "
            "ceases to be a patOrg",
            after->e_name.bv_val);
    return rc == LDAP_COMPARE_FALSE ? LDAP_SUCCESS : pat_failed(w);
}

static int
token_changed(struct pat_work *w, Entry *before, Entry *after)
{
    bool was = before != NULL && pat_is(before, pat_schema.token);
    bool is = after != NULL && pat_is(after, pat_schema.token);

    if (after == NULL)
        return was ? pat_token_deleted(w, before) : LDAP_SUCCESS;
    if (!is)
        return pat_token_check_foreign(w, before, after);
    return was ? pat_token_modified(w, before, after) : pat_token_added(w, after);
}

/*
 * The one place that compares an entry before and after a change, whatever operation made
 * it: `before` is NULL for an added entry, `after` for a deleted one.
 */
static int
entry_changed(struct pat_work *w, Entry *before, Entry *after)
{
    bool renamed = w->op->o_tag == LDAP_REQ_MODRDN && before != NULL && after != NULL;
    bool below = renamed && pat_txn_has_children(&w->txn, after);
    int rc = LDAP_SUCCESS;

    if (renamed)
        rc = check_rename(w, before, after, below);
    if (rc == LDAP_SUCCESS && after != NULL)
        rc = check_never_stored(w, after);
    if (rc == LDAP_SUCCESS && either_is(before, after, pat_schema.event))
        rc = check_event_writer(w);
    if (rc == LDAP_SUCCESS)
        rc = org_changed(w, before, after);
    if (rc == LDAP_SUCCESS)
        rc = token_changed(w, before, after);
    if (rc == LDAP_SUCCESS && either_is(before, after, pat_schema.group))
        rc = pat_member_group_changed(w, before, after);
    if (rc == LDAP_SUCCESS)
        rc = pat_member_person_changed(w, before, after, below);
    return rc;
}

static int
after_add(struct pat_work *w, SlapReply *rs)
{
    int rc = entry_changed(w, NULL, w->op->ora_e);

    if (rc == LDAP_SUCCESS && w->mint.minted)
        rc = pat_mint_offer(w, w->op->ora_e, rs);
    return rc;
}

static int
after_other(struct pat_work *w, SlapReply *rs)
{
    Entry *after = NULL;
    int rc;

    (void)rs;
    if (w->op->o_tag == LDAP_REQ_MODRDN)
        after = renamed_entry(w);
    else if (w->op->o_tag == LDAP_REQ_MODIFY)
        after = pat_txn_get(&w->txn, &w->op->o_req_ndn);
    if (w->before == NULL || (after == NULL && w->op->o_tag != LDAP_REQ_DELETE))
        rc = pat_refuse(w, LDAP_OTHER, "pat: the entry cannot be read");
    else
        rc = entry_changed(w, w->before, after);
    if (after != NULL)
        entry_free(after);
    return rc;
}

/* ---- the way of an operation ---- */

struct way {
    struct pat_work work;
    slap_callback first; /* before all other callbacks, and its cleanup too */
    slap_callback last;  /* after all of them */
    LDAPControl *preread[2];
    bool held;  /* the response is still to be sent */
    bool inner; /* another overlay makes the operation, within `outer` */
    struct pat_outer *outer;
    LDAPControl **controls; /* of that, our own copy; NULL: the token's, or none */
    int (*after)(struct pat_work *w, SlapReply *rs);
};

static bool
modifies(const Modifications *m, const AttributeDescription *ad)
{
    for (; m != NULL; m = m->sml_next)
        if (m->sml_desc == ad)
            return true;
    return false;
}

/* slapd says "already exists" where a token is revoked a second time: be clearer. */
static void
explain(struct pat_work *w, SlapReply *rs)
{
    const struct berval *revoked;

    if (w->op->o_tag != LDAP_REQ_MODIFY || w->before == NULL ||
        !modifies(w->op->orm_modlist, pat_schema.revoked) ||
        (rs->sr_err != LDAP_TYPE_OR_VALUE_EXISTS &&
            rs->sr_err != LDAP_CONSTRAINT_VIOLATION))
        return;
    revoked = pat_value(w->before, pat_schema.revoked);
    if (revoked == NULL)
        return;
    pat_refuse(
        w, 0, "pat: patRevoked: the token was revoked at %s already", revoked->bv_val);
    rs->sr_text = w->text;
}

/*
 * mdb_delete() of the last entry below its parent, in a transaction that it did not begin
 * itself, takes "the parent has no children now" for an error of a commit that it did not
 * make. All is deleted; only its pre-read control is lost.
 */
static void
repair_delete(struct way *way, SlapReply *rs)
{
    struct pat_work *w = &way->work;
    Operation *op = w->op;
    SlapReply read = {.sr_type = REP_RESULT};

    if (op->o_tag != LDAP_REQ_DELETE || rs->sr_err != LDAP_OTHER || rs->sr_text == NULL ||
        strcmp(rs->sr_text, "commit failed") != 0 || w->before == NULL)
        return;
    Debug(LDAP_DEBUG_ANY,
        "%s pat: nothing failed: mdb_delete means that %s was the last below its "
        "parent\n",
        op->o_log_prefix, w->before->e_name.bv_val);
    rs->sr_err = LDAP_SUCCESS;
    rs->sr_text = NULL;
    if (op->o_preread && slap_read_controls(op, &read, w->before, &slap_pre_read_bv,
                             &way->preread[0]) == LDAP_SUCCESS)
        rs->sr_ctrls = way->preread;
}

/*
 * The backend's answer, before anyone else has seen it. With success the main change is
 * applied and uncommitted.
 */
static int
response(Operation *op, SlapReply *rs)
{
    struct way *way = op->o_callback->sc_private;
    struct pat_work *w = &way->work;
    int rc;

    if (!w->txn.open || rs->sr_type != REP_RESULT)
        return SLAP_CB_CONTINUE;
    repair_delete(way, rs);
    rc = rs->sr_err;
    if (rc != LDAP_SUCCESS) {
        explain(w, rs);
        pat_txn_abort(&w->txn);
        return SLAP_CB_CONTINUE;
    }
    rc = way->after(w, rs);
    if (rc == LDAP_SUCCESS && op->o_noop) {
        /* The backend leaves that to whoever began the transaction. */
        rc = LDAP_X_NO_OPERATION;
        w->text[0] = '\0';
    } else if (rc == LDAP_SUCCESS) {
        rc = pat_txn_commit(&w->txn);
        w->committed = rc == LDAP_SUCCESS;
        if (rc != LDAP_SUCCESS)
            rc = pat_failed(w);
        else
            pat_txn_hold(&w->txn);
    }
    if (rc != LDAP_SUCCESS) {
        pat_txn_abort(&w->txn);
        rs->sr_err = rc;
        rs->sr_text = w->text[0] == '\0' ? NULL : w->text;
        rs->sr_ctrls = NULL;
    }
    return SLAP_CB_CONTINUE;
}

/*
 * The response is as it goes out, and all other overlays have seen it. Where they are to
 * be shown more, it is held back until then: a client that does not read its responses
 * must not keep consumers from what is done, nor anyone who waits for pat_txn_hold().
 */
static int
response_last(Operation *op, SlapReply *rs)
{
    struct way *way = op->o_callback->sc_private;
    struct pat_work *w = &way->work;

    if (rs->sr_type != REP_RESULT || rs->sr_err != LDAP_SUCCESS || way->inner ||
        (w->txn.first == NULL && (way->outer == NULL || !pat_outer_waits(way->outer)))) {
        pat_mint_reveal(w, rs);
        return SLAP_CB_CONTINUE;
    }
    way->held = true;
    /* The backend takes its controls back. */
    if (rs->sr_ctrls != NULL && rs->sr_ctrls != w->mint.controls)
        way->controls = ldap_controls_dup(rs->sr_ctrls);
    return LDAP_SUCCESS;
}

static int
response_reveal(Operation *op, SlapReply *rs)
{
    struct way *way = op->o_callback->sc_private;

    pat_mint_reveal(&way->work, rs);
    return SLAP_CB_CONTINUE;
}

/* It has been sent. */
static int
response_sent(Operation *op, SlapReply *rs)
{
    struct way *way = op->o_callback->sc_private;

    (void)rs;
    pat_mint_hide(&way->work);
    return SLAP_CB_CONTINUE;
}

/* None of our business: what we do ourselves, and what another server decided. */
static bool
is_internal(Operation *op)
{
    return pat_txn_is_replay(op) || be_shadow_update(op) ||
           SLAPD_SYNC_IS_SYNCCONN(op->o_connid) || be_slurp_update(op);
}

static void
unlink_callback(Operation *op, slap_callback *callback)
{
    slap_callback **p;

    for (p = &op->o_callback; *p != NULL; p = &(*p)->sc_next) {
        if (*p == callback) {
            *p = callback->sc_next;
            return;
        }
    }
}

/* Refuse before anything was done. */
static int
refuse_now(Operation *op, SlapReply *rs, int code, const char *text)
{
    send_ldap_error(op, rs, code, text);
    return rs->sr_err;
}

/* Why nothing at all can be done, or NULL. */
static const char *
obstacle(const Operation *op, const slap_overinst *on)
{
    if (on->on_next != NULL || BER_BVISEMPTY(&op->o_bd->be_rootndn))
        return "pat: misconfigured: the overlay must be the innermost, "
               "olcOverlay={0}pat, "
               "and the database must have an olcRootDN";
    if (pat_txn_client_has_one(op))
        return "pat: tokens, groups that give roles, and persons cannot be changed "
               "within "
               "an LDAP transaction (RFC 5805)";
    /* What is received has its operational attributes already. */
    if (!SLAP_LASTMOD(op->o_bd) && !pat_converge_is_received(op, on))
        return "pat: misconfigured: lastmod is off in this database, so the change "
               "would lack entryUUID and entryCSN: set olcLastMod to TRUE, or remove "
               "the overlay that turned it off (chain, pbind, translucent) and start "
               "slapd again";
    return NULL;
}

/* Let the backend do it, with our callbacks around all others. */
static int
walk(struct way *way, SlapReply *rs, slap_operation_t which, slap_overinst *on)
{
    Operation *op = way->work.op;
    slap_callback **end;
    int rc;

    way->first.sc_response = response;
    way->first.sc_cleanup = response_sent;
    way->first.sc_private = way;
    way->first.sc_next = op->o_callback;
    op->o_callback = &way->first;
    for (end = &op->o_callback; *end != NULL; end = &(*end)->sc_next)
        continue;
    way->last.sc_response = response_last;
    way->last.sc_private = way;
    *end = &way->last;
    rc = overlay_op_walk(op, rs, which, on->on_info, on->on_next);
    unlink_callback(op, &way->first);
    unlink_callback(op, &way->last);
    if (rs->sr_text == way->work.text)
        rs->sr_text = NULL;
    if (way->preread[0] != NULL) {
        if (rs->sr_ctrls == way->preread)
            rs->sr_ctrls = NULL;
        op->o_tmpfree(way->preread[0]->ldctl_value.bv_val, op->o_tmpmemctx);
        ch_free(way->preread[0]);
    }
    pat_txn_abort(&way->work.txn);
    return rc;
}

/* Send what was held back. The callbacks of others have seen it. */
static void
answer(struct way *way, SlapReply *rs)
{
    Operation *op = way->work.op;
    slap_callback *others = op->o_callback, ours = {0};

    ours.sc_response = response_reveal;
    ours.sc_cleanup = response_sent;
    ours.sc_private = way;
    op->o_callback = &ours;
    rs->sr_err = LDAP_SUCCESS;
    rs->sr_text = NULL;
    rs->sr_ctrls = way->controls != NULL ? way->controls : way->work.mint.controls;
    send_ldap_result(op, rs);
    op->o_callback = others;
    rs->sr_ctrls = NULL;
    ldap_controls_free(way->controls);
}

static struct way *
way_new(Operation *op, slap_overinst *on)
{
    struct way *way = ch_calloc(1, sizeof(*way));
    struct pat_work *w = &way->work;

    w->op = op;
    w->set = on->on_bi.bi_private;
    w->actor = op->o_dn;
    w->nactor = op->o_ndn;
    w->confirmed = get_relax(op) != 0;
    way->outer = pat_outer_enter(op, on, &way->inner);
    /* Another overlay acts as the rootdn; the client of the outer one is the cause. */
    if (way->inner)
        pat_outer_actor(way->outer, &w->actor, &w->nactor);
    return way;
}

/* Ends the way after the overlays have seen the response: shows what follows, sends. */
static void
way_end(struct way *way, SlapReply *rs)
{
    struct pat_work *w = &way->work;

    if (way->inner) {
        pat_outer_defer(way->outer, &w->txn);
    } else {
        pat_txn_replay(&w->txn);
        if (way->outer != NULL)
            pat_outer_leave(way->outer);
    }
    if (way->held)
        answer(way, rs);
    pat_mint_clear(w, rs);
    pat_txn_clear(&w->txn);
    if (w->before != NULL)
        entry_free(w->before);
    ch_free(w->event_org.bv_val);
    ch_free(way);
}

/*
 * back-mdb demands manage access for a delete or rename with the relax control. Without
 * that access the control has no other effect than to confirm removals. Only the rename
 * of a role group removes members; for any other, back-mdb's demand stands, because
 * overlays above have seen the control: slapo-constraint lets the rename pass because of
 * it. Returns whether the control may only confirm removals.
 */
static bool
only_confirms(const struct pat_work *w, const slap_overinst *on)
{
    Operation *op = w->op;
    BackendInfo *bi = op->o_bd->bd_info;
    bool manages;

    if (!w->confirmed || w->before == NULL ||
        (op->o_tag != LDAP_REQ_DELETE &&
            (op->o_tag != LDAP_REQ_MODRDN || !pat_is(w->before, pat_schema.group))))
        return false;
    op->o_bd->bd_info = on->on_info->oi_orig;
    manages =
        access_allowed(op, w->before, slap_schema.si_ad_entry, NULL, ACL_MANAGE, NULL);
    op->o_bd->bd_info = bi;
    return !manages;
}

static int
go(Operation *op, SlapReply *rs, slap_operation_t which,
    int (*prepare)(struct pat_work *w), int (*after)(struct pat_work *w, SlapReply *rs))
{
    slap_overinst *on = (slap_overinst *)op->o_bd->bd_info;
    const char *why = obstacle(op, on);
    char relax = op->o_relax;
    struct way *way;
    struct pat_work *w;
    int rc;

    if (why != NULL)
        return refuse_now(op, rs, LDAP_UNWILLING_TO_PERFORM, why);
    way = way_new(op, on);
    way->after = after;
    w = &way->work;
    rc = pat_txn_begin(&w->txn, op, on);
    /* Not before: whoever had to wait came after the others. */
    w->now = slap_get_time();
    pat_gentime_format(w->now, w->now_text);
    if (rc != LDAP_SUCCESS)
        pat_refuse(w, rc, "pat: no transaction: slapd's log says why");
    else
        rc = prepare(w);
    if (rc == LDAP_SUCCESS) {
        if (only_confirms(w, on))
            op->o_relax = SLAP_CONTROL_NONE;
        rc = walk(way, rs, which, on);
        op->o_relax = relax;
    } else {
        pat_txn_abort(&w->txn);
        rc = refuse_now(op, rs, rc, w->text);
        rs->sr_text = NULL;
    }
    op->o_bd->bd_info = (BackendInfo *)on;
    pat_converge_end(w);
    way_end(way, rs);
    return rc;
}

/*
 * Passes an operation on that concerns no token. Another overlay may make it the cause of
 * one that does; the changes that follow from that wait for the end of this operation.
 */
static int
pass(Operation *op, SlapReply *rs, slap_operation_t which)
{
    slap_overinst *on = (slap_overinst *)op->o_bd->bd_info;
    struct way *way;
    int rc;

    if (pat_txn_is_replay(op) || on->on_next != NULL || on->on_info->oi_list == on ||
        SLAP_SINGLE_SHADOW(op->o_bd) || pat_outer_is_inner(op, on))
        return SLAP_CB_CONTINUE;
    way = way_new(op, on);
    rc = walk(way, rs, which, on);
    op->o_bd->bd_info = (BackendInfo *)on;
    way_end(way, rs);
    return rc;
}

static int
prepare_add(struct pat_work *w)
{
    Entry *e = w->op->ora_e;
    int rc = pat_reserve_check(w);

    if (rc != LDAP_SUCCESS || !pat_is(e, pat_schema.token))
        return rc;
    /* The importer of a revoked token does not become its owner. */
    if (attrs_find(e->e_attrs, pat_schema.owner) == NULL && w->actor.bv_len > 0 &&
        (attrs_find(e->e_attrs, pat_schema.hash) == NULL ||
            attrs_find(e->e_attrs, pat_schema.revoked) == NULL))
        attr_merge_one(e, pat_schema.owner, &w->actor, &w->nactor);
    if (attrs_find(e->e_attrs, pat_schema.hash) == NULL)
        return pat_mint_make(w, e);
    return LDAP_SUCCESS;
}

static int
prepare_other(struct pat_work *w)
{
    w->before = pat_txn_get(&w->txn, &w->op->o_req_ndn);
    if (w->before != NULL && w->op->o_tag == LDAP_REQ_MODIFY &&
        pat_is(w->before, pat_schema.token) &&
        pat_value(w->before, pat_schema.revoked) == NULL)
        pat_token_complete_revocation(w, &w->op->orm_modlist);
    return pat_reserve_check(w);
}

static int
prepare_received(struct pat_work *w)
{
    w->before = pat_txn_get(&w->txn, &w->op->o_req_ndn);
    return LDAP_SUCCESS;
}

static int
prepare_nothing(struct pat_work *w)
{
    (void)w;
    return LDAP_SUCCESS;
}

static bool
adds_ours(Entry *e)
{
    return pat_is(e, pat_schema.token) || pat_is(e, pat_schema.event) ||
           pat_is(e, pat_schema.group) || pat_is(e, pat_schema.org) ||
           attrs_find(e->e_attrs, pat_schema.hash) != NULL ||
           attrs_find(e->e_attrs, pat_schema.secret) != NULL ||
           attrs_find(e->e_attrs, pat_schema.owner_uid) != NULL ||
           attrs_find(e->e_attrs, pat_schema.owner_role) != NULL;
}

/* Returns whether it is one of our own attributes, a member, a class or a login name. */
static bool
is_ours(const struct pat_settings *set, AttributeType *type)
{
    const struct pat_attribute *at;

    if (type == slap_schema.si_ad_objectClass->ad_type ||
        is_at_subtype(type, set->login->ad_type))
        return true;
    for (at = pat_attributes; at->name != NULL; at++)
        if (at->watched && is_at_subtype(type, (*at->ad)->ad_type))
            return true;
    return false;
}

/* The backend adds the values of the RDN to an entry that lacks them. */
static bool
rdn_adds_ours(Operation *op, const struct pat_settings *set)
{
    LDAPRDN rdn = NULL;
    const char *why;
    char *end;
    bool ours = false;
    size_t i;

    if (ldap_bv2rdn_x(&op->o_req_dn, &rdn, &end, LDAP_DN_FORMAT_LDAP, op->o_tmpmemctx) !=
            LDAP_SUCCESS ||
        rdn == NULL)
        return false;
    for (i = 0; rdn[i] != NULL && !ours; i++) {
        AttributeDescription *ad = NULL;

        if (slap_bv2ad(&rdn[i]->la_attr, &ad, &why) == LDAP_SUCCESS)
            ours = is_ours(set, ad->ad_type);
    }
    ldap_rdnfree_x(rdn, op->o_tmpmemctx);
    return ours;
}

/* Within a transaction of its client a mere person is let pass: it seldom has tokens. */
static int
hook_add(Operation *op, SlapReply *rs)
{
    slap_overinst *on = (slap_overinst *)op->o_bd->bd_info;
    const struct pat_settings *set = on->on_bi.bi_private;

    if (pat_converge_is_received(op, on) && obstacle(op, on) == NULL) {
        pat_converge_recall(op, on);
        if (pat_converge_adds(op))
            return go(op, rs, op_add, prepare_nothing, pat_converge_added);
    }
    if (is_internal(op) || !(adds_ours(op->ora_e) ||
                               ((pat_is_person(set, op->ora_e) ||
                                    rdn_adds_ours(op, set) || pat_reserve_concerns(op)) &&
                                   !pat_txn_client_has_one(op))))
        return pass(op, rs, op_add);
    return go(op, rs, op_add, prepare_add, after_add);
}

/* Returns whether it changes our own attributes, members, classes or login names. */
static bool
modifies_ours(const struct pat_settings *set, const Modifications *m)
{
    for (; m != NULL; m = m->sml_next)
        if (is_ours(set, m->sml_desc->ad_type))
            return true;
    return false;
}

/*
 * Returns whether the name is that of an event or of a token. The overlay checks every
 * change of an event, also of operational attributes, and the size of every value of a
 * token.
 */
static bool
names_ours(const struct berval *ndn)
{
    static const char event[] = "patEventId=", token[] = "patId=";

    return strncasecmp(ndn->bv_val, event, sizeof(event) - 1) == 0 ||
           strncasecmp(ndn->bv_val, token, sizeof(token) - 1) == 0;
}

/* The values of the attributes in an org's RDN are its names. */
static bool
modifies_name(const Operation *op)
{
    const Modifications *m;

    for (m = op->orm_modlist; m != NULL; m = m->sml_next)
        if (pat_tree_is_naming(&op->o_req_ndn, m->sml_desc->ad_type))
            return true;
    return false;
}

static int
hook_modify(Operation *op, SlapReply *rs)
{
    slap_overinst *on = (slap_overinst *)op->o_bd->bd_info;

    if (pat_converge_is_received(op, on) && obstacle(op, on) == NULL) {
        pat_converge_recall(op, on);
        if (pat_converge_modifies(op))
            return go(op, rs, op_modify, prepare_received, pat_converge_modified);
        if (pat_converge_completes(op, on))
            return go(op, rs, op_modify, prepare_nothing, pat_converge_completed);
    }
    if (is_internal(op) || !(modifies_ours(on->on_bi.bi_private, op->orm_modlist) ||
                               names_ours(&op->o_req_ndn) || modifies_name(op) ||
                               (pat_reserve_concerns(op) && !pat_txn_client_has_one(op))))
        return pass(op, rs, op_modify);
    return go(op, rs, op_modify, prepare_other, after_other);
}

static int
hook_delete(Operation *op, SlapReply *rs)
{
    slap_overinst *on = (slap_overinst *)op->o_bd->bd_info;

    if (is_internal(op))
        return pass(op, rs, op_delete);
    if (obstacle(op, on) == NULL)
        pat_event_sweep(op, on);
    return go(op, rs, op_delete, prepare_other, after_other);
}

static int
hook_modrdn(Operation *op, SlapReply *rs)
{
    if (is_internal(op))
        return pass(op, rs, op_modrdn);
    return go(op, rs, op_modrdn, prepare_other, after_other);
}

/* ---- the module ---- */

/* "slapd VERSION " is in slapd's own version text; Debian's has the package's version. */
static bool
same_slapd(void)
{
    static const char want[] = "slapd " PAT_SLAPD_VERSION " ";

    if (strstr(Versionstr, want) != NULL)
        return true;
    Debug(LDAP_DEBUG_ANY,
        "pat: this module was built for slapd %s and this is %s: build it again here, by "
        "\"make deps && make\"\n",
        PAT_SLAPD_VERSION, Versionstr);
    return false;
}

/*
 * Were slapd's structs compiled as ours were? It fills a connection and an operation with
 * what we can check; one that is longer than ours writes into the guard.
 */
static bool
same_layout(void)
{
    struct {
        Connection conn;
        unsigned char guard[64];
        OperationBuffer op;
        unsigned char guard2[256];
    } *probe = ch_calloc(1, sizeof(*probe));
    Operation *op = (Operation *)&probe->op;
    bool same = true;
    size_t i;

    memset(probe->guard, 0xA5, sizeof(probe->guard));
    memset(probe->guard2, 0xA5, sizeof(probe->guard2));
    connection_fake_init2(&probe->conn, &probe->op, ldap_pvt_thread_pool_context(), 0);
    same = op->o_hdr == &probe->op.ob_hdr && op->o_controls == probe->op.ob_controls &&
           op->o_conn == &probe->conn && op->o_tmpmfuncs == &slap_sl_mfuncs &&
           probe->conn.c_send_ldap_result == slap_send_ldap_result;
    for (i = 0; i < sizeof(probe->guard); i++)
        same = same && probe->guard[i] == 0xA5;
    for (i = 0; i < sizeof(probe->guard2); i++)
        same = same && probe->guard2[i] == 0xA5;
    ch_free(probe);
    if (!same)
        Debug(LDAP_DEBUG_ANY,
            "pat: slapd's structs are not those that this module was built with: build "
            "it "
            "against the configured source of this slapd (make OPENLDAP_SRC=DIR)\n");
    return same;
}

static int
refuse_transaction(Operation *op, SlapReply *rs)
{
    (void)op;
    rs->sr_text =
        "pat: LDAP transactions (RFC 5805) are refused on this server: send each "
        "request by itself";
    return LDAP_UNWILLING_TO_PERFORM;
}

/*
 * Replaces slapd's functions that begin and end an LDAP transaction, and removes them
 * from the root DSE, so that no request waits in a transaction. slapd 2.5.13 uses
 * requests of a transaction after it has freed them: any account can crash it, with this
 * overlay or without, in any database.
 */
static int
refuse_transactions(void)
{
    static const char *const oids[] = {LDAP_EXOP_TXN_START, LDAP_EXOP_TXN_END};
    size_t i;

    for (i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
        struct berval oid = pat_bv(oids[i]);

        if (load_extop2(&oid, SLAP_EXOP_HIDE, refuse_transaction, 1) != 0) {
            Debug(LDAP_DEBUG_ANY,
                "pat: cannot replace slapd's extended operation %s, by which a client "
                "can crash slapd: build the module again here, by \"make deps && "
                "make\"\n",
                oids[i]);
            return -1;
        }
    }
    return 0;
}

PAT_EXPORT int init_module(int argc, char *argv[]);

int
init_module(int argc, char *argv[])
{
    int rc;

    (void)argc;
    (void)argv;
    if (!same_slapd() || !same_layout())
        return -1;
    overlay.on_bi.bi_type = type_name;
    overlay.on_bi.bi_flags = SLAPO_BFLAG_SINGLE;
    overlay.on_bi.bi_db_init = pat_config_db_init;
    overlay.on_bi.bi_db_open = pat_config_db_open;
    overlay.on_bi.bi_db_close = pat_config_db_close;
    overlay.on_bi.bi_db_destroy = pat_config_db_destroy;
    overlay.on_bi.bi_op_add = hook_add;
    overlay.on_bi.bi_op_modify = hook_modify;
    overlay.on_bi.bi_op_delete = hook_delete;
    overlay.on_bi.bi_op_modrdn = hook_modrdn;
    overlay.on_bi.bi_operational = pat_owner_attributes;
    overlay.on_bi.bi_entry_get_rw = pat_txn_entry_get;
    overlay.on_bi.bi_entry_release_rw = pat_txn_entry_release;
    overlay.on_bi.bi_cf_ocs = pat_config_classes;
    rc = config_register_schema(pat_config_table, pat_config_classes);
    if (rc == 0)
        rc = overlay_register(&overlay);
    /* Last: slapd would keep the functions of a module that it has not loaded. */
    if (rc == 0)
        rc = refuse_transactions();
    return rc != 0 ? rc : pat_stack_watch();
}

PAT_EXPORT int term_module(void);

int
term_module(void)
{
    pat_stack_unwatch();
    pat_pending_end();
    pat_token_hash_end();
    return 0;
}
