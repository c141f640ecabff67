/* SPDX-License-Identifier: BSD-2-Clause */
#include "outer.h"

#include <stddef.h>

struct waiting {
    struct waiting *next;
    struct pat_txn txn;
};

struct pat_outer {
    OpExtra extra; /* must be first, as in slapd itself */
    Operation *op;
    slap_overinst *on;
    BackendDB *be; /* slapd's own, which outlives every operation */
    /* A copy from the start: autogroup replaces them by the rootdn while it acts. */
    struct berval dn, ndn;
    bool entered; /* is `op` within the backend now? */
    slap_callback end;
    struct waiting *first, **last;
};

/* Its address marks the outer operation. */
static char outer_key;

/*
 * slapd allocates an operation together with its header. A copy that an overlay makes of
 * it shares the header, which leads back to the original.
 */
static Operation *
original(const Operation *op)
{
    char *header = (char *)op->o_hdr;
    Operation *first = (Operation *)(void *)(header - offsetof(OperationBuffer, ob_hdr));

    return (const Operation *)first == op || op->o_hdr == NULL ? NULL : first;
}

static struct pat_outer *
find(const Operation *op, const slap_overinst *on)
{
    OpExtra *extra;

    LDAP_SLIST_FOREACH(extra, &op->o_extra, oe_next)
    if (extra->oe_key == &outer_key && ((struct pat_outer *)extra)->on == on)
        return (struct pat_outer *)extra;
    return NULL;
}

static struct pat_outer *
outer_new(Operation *op, slap_overinst *on, BackendDB *be)
{
    struct pat_outer *outer = ch_calloc(1, sizeof(*outer));

    outer->extra.oe_key = &outer_key;
    outer->op = op;
    outer->on = on;
    outer->be = be;
    outer->dn = op->o_dn;
    outer->ndn = op->o_ndn;
    outer->last = &outer->first;
    LDAP_SLIST_INSERT_HEAD(&op->o_extra, &outer->extra, oe_next);
    return outer;
}

static bool
writes(const Operation *op)
{
    return op->o_tag == LDAP_REQ_ADD || op->o_tag == LDAP_REQ_MODIFY ||
           op->o_tag == LDAP_REQ_DELETE || op->o_tag == LDAP_REQ_MODRDN;
}

/* Handles an outer operation that an overlay refused before it reached the backend. */
static int
ended(Operation *op, SlapReply *rs)
{
    struct pat_outer *outer = op->o_callback->sc_private;

    if (rs->sr_type == REP_SEARCH || rs->sr_type == REP_SEARCHREF ||
        rs->sr_type == REP_INTERMEDIATE)
        return 0;
    /* slapd takes this for "remove the callback". */
    op->o_callback = NULL;
    pat_outer_leave(outer);
    return 0;
}

static void
append_callback(Operation *op, slap_callback *callback)
{
    slap_callback **end;

    for (end = &op->o_callback; *end != NULL; end = &(*end)->sc_next)
        continue;
    *end = callback;
}

static void
remove_callback(Operation *op, const slap_callback *callback)
{
    slap_callback **p;

    for (p = &op->o_callback; *p != NULL; p = &(*p)->sc_next) {
        if (*p == callback) {
            *p = callback->sc_next;
            return;
        }
    }
}

struct pat_outer *
pat_outer_enter(Operation *op, slap_overinst *on, bool *ret_inner)
{
    Operation *first = original(op);
    struct pat_outer *outer = find(first != NULL ? first : op, on);

    *ret_inner = first != NULL || (outer != NULL && outer->entered);
    if (*ret_inner && outer == NULL) {
        /* The overlay acts before the outer operation reaches the backend. */
        if (!writes(first)) {
            *ret_inner = false;
            return NULL;
        }
        outer = outer_new(first, on, op->o_bd->bd_self);
        outer->end.sc_cleanup = ended;
        outer->end.sc_private = outer;
        append_callback(first, &outer->end);
    }
    if (*ret_inner)
        return outer;
    if (outer == NULL)
        outer = outer_new(op, on, op->o_bd->bd_self);
    else
        remove_callback(op, &outer->end);
    outer->entered = true;
    return outer;
}

bool
pat_outer_is_inner(const Operation *op, const slap_overinst *on)
{
    const struct pat_outer *outer;

    if (original(op) != NULL)
        return true;
    outer = find(op, on);
    return outer != NULL && outer->entered;
}

void
pat_outer_actor(
    const struct pat_outer *outer, struct berval *ret_dn, struct berval *ret_ndn)
{
    *ret_dn = outer->dn;
    *ret_ndn = outer->ndn;
}

bool
pat_outer_waits(const struct pat_outer *outer)
{
    return outer->first != NULL;
}

void
pat_outer_defer(struct pat_outer *outer, struct pat_txn *t)
{
    struct waiting *w;

    if (t->first == NULL)
        return;
    w = ch_calloc(1, sizeof(*w));
    pat_txn_move(&w->txn, t, outer->op);
    *outer->last = w;
    outer->last = &w->next;
}

void
pat_outer_leave(struct pat_outer *outer)
{
    Operation op = *outer->op;
    BackendDB db = *outer->be;
    struct waiting *w;

    op.o_bd = &db;
    while ((w = outer->first) != NULL) {
        outer->first = w->next;
        w->txn.op = &op;
        pat_txn_replay(&w->txn);
        pat_txn_clear(&w->txn);
        ch_free(w);
    }
    LDAP_SLIST_REMOVE(&outer->op->o_extra, &outer->extra, OpExtra, oe_next);
    ch_free(outer);
}
