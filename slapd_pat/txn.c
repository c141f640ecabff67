/* SPDX-License-Identifier: BSD-2-Clause */
#include "txn.h"

#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One change within a transaction, kept until the other overlays have seen it. */
struct pat_change {
    struct pat_change *next;
    Operation op; /* holds the queued CSN, and is what overlays get to see */
    Entry *before;
    Entry *added;
    Modifications *mods;
    struct berval dn, ndn;
};

/* In o_extra of an operation by which a change is shown to other overlays. */
struct replay {
    OpExtra extra; /* first: slapd's own convention */
    struct pat_change *change;
    bool before; /* has the backend not been reached yet? */
};

/* An operation that accesslog has begun to log, and has not logged. */
struct pat_hold {
    Operation op;
    BackendDB db;
    slap_callback end;
    struct replay replay;
};

/* Its address marks those operations. */
static char replay_key;

/*
 * mdb_add() leaves a cursor open until its transaction ends, and each later write in it
 * visits them all: ten thousand adds would take the square of their time. So many changes
 * are made in a nested transaction, whose end closes its cursors.
 */
#define BATCH 128

/* Found by name: back_mdb, with LMDB in it, is a module that is loaded at run time. */
static struct {
    int (*ad_get)(struct mdb_info *, MDB_txn *, AttributeDescription *);
    void (*ad_unwind)(struct mdb_info *, int);
    int (*txn_begin)(MDB_env *, MDB_txn *, unsigned, MDB_txn **);
    int (*txn_commit)(MDB_txn *);
    void (*txn_abort)(MDB_txn *);
    int (*env_info)(MDB_env *, MDB_envinfo *);
    int (*env_stat)(MDB_env *, MDB_stat *);
    int (*cursor_open)(MDB_txn *, MDB_dbi, MDB_cursor **);
    int (*cursor_get)(MDB_cursor *, MDB_val *, MDB_val *, MDB_cursor_op);
    void (*cursor_close)(MDB_cursor *);
    char *(*strerror)(int);
} mdb;

/* Where test builds can be told to fail. */
enum { AT_CHANGE = 1, AT_COMMIT, AT_REPLAY, AT_SETTLE };

#ifdef PAT_FAILPOINTS
static struct {
    int where;
    unsigned number;
    bool kill;
    char text[64];
} failpoint;

/*
 * change NUMBER, commit, replay NUMBER or settle; then kill or fail. A kill during the
 * replay comes after consumers were sent what was shown so far.
 */
bool
pat_failpoint_set(const char *text)
{
    static const char *const places[] = {"", "change ", "commit ", "replay ", "settle "};
    const char *at;
    char *action;
    int i;

    memset(&failpoint, 0, sizeof(failpoint));
    if (text == NULL)
        return true;
    for (i = AT_CHANGE; i <= AT_SETTLE; i++)
        if (strncmp(text, places[i], strlen(places[i])) == 0)
            break;
    if (i > AT_SETTLE)
        return false;
    at = text + strlen(places[i]);
    failpoint.number = (unsigned)strtoul(at, &action, 10);
    if (action > at && *action == ' ')
        action++;
    if (strcmp(action, "kill") != 0 && strcmp(action, "fail") != 0)
        return false;
    failpoint.where = i;
    failpoint.kill = strcmp(action, "kill") == 0;
    snprintf(failpoint.text, sizeof(failpoint.text), "%s", text);
    return true;
}

const char *
pat_failpoint_get(void)
{
    return failpoint.where == 0 ? NULL : failpoint.text;
}

/* Is this the point? Then die here, or tell the caller to fail. */
static bool
failpoint_hit(int where, unsigned number)
{
    if (failpoint.where != where || failpoint.number != number)
        return false;
    if (failpoint.kill) {
        if (where == AT_REPLAY)
            (void)poll(NULL, 0, 300);
        kill(getpid(), SIGKILL);
        pause();
    }
    return true;
}
#else
static bool
failpoint_hit(int where, unsigned number)
{
    (void)where;
    (void)number;
    return false;
}
#endif

bool
pat_txn_fails_to_settle(void)
{
    return failpoint_hit(AT_SETTLE, 0);
}

bool
pat_txn_backend_ready(void)
{
    /* POSIX lets the pointer be read as one to a function only so. */
    *(void **)&mdb.ad_get = dlsym(RTLD_DEFAULT, "mdb_ad_get");
    *(void **)&mdb.ad_unwind = dlsym(RTLD_DEFAULT, "mdb_ad_unwind");
    *(void **)&mdb.txn_begin = dlsym(RTLD_DEFAULT, "mdb_txn_begin");
    *(void **)&mdb.txn_commit = dlsym(RTLD_DEFAULT, "mdb_txn_commit");
    *(void **)&mdb.txn_abort = dlsym(RTLD_DEFAULT, "mdb_txn_abort");
    *(void **)&mdb.env_info = dlsym(RTLD_DEFAULT, "mdb_env_info");
    *(void **)&mdb.env_stat = dlsym(RTLD_DEFAULT, "mdb_env_stat");
    *(void **)&mdb.cursor_open = dlsym(RTLD_DEFAULT, "mdb_cursor_open");
    *(void **)&mdb.cursor_get = dlsym(RTLD_DEFAULT, "mdb_cursor_get");
    *(void **)&mdb.cursor_close = dlsym(RTLD_DEFAULT, "mdb_cursor_close");
    *(void **)&mdb.strerror = dlsym(RTLD_DEFAULT, "mdb_strerror");
    return mdb.ad_get != NULL && mdb.ad_unwind != NULL && mdb.txn_begin != NULL &&
           mdb.txn_commit != NULL && mdb.txn_abort != NULL && mdb.env_info != NULL &&
           mdb.env_stat != NULL && mdb.cursor_open != NULL && mdb.cursor_get != NULL &&
           mdb.cursor_close != NULL && mdb.strerror != NULL;
}

static struct mdb_info *
info(const struct pat_txn *t)
{
    return t->op->o_bd->be_private;
}

/*
 * An operation of our own: the client's connection and thread, the rootdn's rights. What
 * follows from a change of another provider is not another provider's: syncprov must not
 * take it for what that one has already, and sends it there, too.
 */
static void
internal(struct pat_txn *t, Operation *o, BackendDB *db, slap_callback *cb, ber_tag_t tag)
{
    *o = *t->op;
    *db = *t->op->o_bd;
    db->bd_info = t->on->on_info->oi_orig;
    if (SLAPD_SYNC_IS_SYNCCONN(t->op->o_connid)) {
        o->o_hdr = &t->header;
        o->o_controls = t->controls;
    }
    o->o_bd = db;
    o->o_tag = tag;
    o->o_dn = db->be_rootdn;
    o->o_ndn = db->be_rootndn;
    memset(&o->o_request, 0, sizeof(o->o_request));
    memset(o->o_ctrlflag, 0, sizeof(o->o_ctrlflag));
    o->o_ctrls = NULL;
    /* Referrals and aliases are entries like others here. */
    o->o_managedsait = SLAP_CONTROL_CRITICAL;
    o->o_abandon = 0;
    o->o_cancel = 0;
    o->o_groups = NULL;
    o->o_do_not_cache = 1;
    o->o_is_auth_check = 0;
    o->o_dont_replicate = 0;
    o->o_no_schema_check = 0;
    o->o_delete_glue_parent = 0;
    BER_BVZERO(&o->o_csn);
    memset(cb, 0, sizeof(*cb));
    cb->sc_response = slap_null_cb;
    o->o_callback = cb;
}

bool
pat_txn_client_has_one(const Operation *op)
{
    const OpExtra *extra;

    LDAP_SLIST_FOREACH(extra, &op->o_extra, oe_next)
    {
        const mdb_op_info *moi = (const mdb_op_info *)extra;

        /* Another overlay that holds an entry has a reader there. */
        if (extra->oe_key == op->o_bd->be_private)
            return (moi->moi_flag & MOI_READER) == 0;
    }
    return false;
}

int
pat_txn_begin(struct pat_txn *t, Operation *op, slap_overinst *on)
{
    BackendInfo *bi = op->o_bd->bd_info;
    OpExtra *extra;
    int rc;

    memset(t, 0, sizeof(*t));
    t->op = op;
    t->on = on;
    t->last = &t->first;
    t->header = *op->o_hdr;
    t->header.oh_connid = (unsigned long)-1;
    t->shown = on->on_info->oi_list != on;
    extra = &t->moi.moi_oe;
    op->o_bd->bd_info = on->on_info->oi_orig;
    rc = op->o_bd->bd_info->bi_op_txn(op, SLAP_TXN_BEGIN, &extra);
    op->o_bd->bd_info = bi;
    /* Where an overlay has an entry from a reader, the backend forgets to. */
    t->moi.moi_oe.oe_key = info(t);
    if (rc != 0) {
        LDAP_SLIST_REMOVE(&op->o_extra, &t->moi.moi_oe, OpExtra, oe_next);
        return LDAP_OTHER;
    }
    t->open = true;
    /* This reads what other processes may have added, so that the count is right. */
    rc = mdb.ad_get(info(t), t->moi.moi_txn, slap_schema.si_ad_objectClass);
    t->ads = info(t)->mi_numads;
    if (rc != 0) {
        pat_txn_abort(t);
        return LDAP_OTHER;
    }
    return LDAP_SUCCESS;
}

void
pat_txn_reader(struct pat_txn *t, Operation *op, slap_overinst *on)
{
    memset(t, 0, sizeof(*t));
    t->op = op;
    t->on = on;
    t->last = &t->first;
    t->header = *op->o_hdr;
    t->header.oh_connid = (unsigned long)-1;
}

/* For a name that is shorter than the suffix back-mdb would read before its start. */
static bool
is_within(struct pat_txn *t, const struct berval *ndn)
{
    const struct berval *suffix;

    for (suffix = t->op->o_bd->be_nsuffix; !BER_BVISNULL(suffix); suffix++)
        if (dnIsSuffix(ndn, suffix))
            return true;
    return false;
}

bool
pat_txn_look(struct pat_txn *t, const struct berval *ndn,
    void (*look)(Entry *e, void *arg), void *arg)
{
    Operation o;
    BackendDB db;
    slap_callback cb;
    struct berval dn = *ndn;
    Entry *e = NULL;

    internal(t, &o, &db, &cb, LDAP_REQ_SEARCH);
    if (!is_within(t, ndn) ||
        db.bd_info->bi_entry_get_rw(&o, &dn, NULL, NULL, 0, &e) != 0 || e == NULL)
        return false;
    look(e, arg);
    db.bd_info->bi_entry_release_rw(&o, e, 0);
    return true;
}

static void
copy_entry(Entry *e, void *arg)
{
    Entry *copy = entry_dup(e);

    copy->e_id = e->e_id;
    *(Entry **)arg = copy;
}

Entry *
pat_txn_get(struct pat_txn *t, const struct berval *ndn)
{
    Entry *copy = NULL;

    return pat_txn_look(t, ndn, copy_entry, &copy) ? copy : NULL;
}

struct visitor {
    int (*visit)(Entry *e, void *arg);
    void *arg;
    int rc;
};

static int
search_response(Operation *op, SlapReply *rs)
{
    struct visitor *v = op->o_callback->sc_private;

    if (rs->sr_type == REP_SEARCH && v->rc == 0)
        v->rc = v->visit(rs->sr_entry, v->arg);
    return 0;
}

int
pat_txn_search(struct pat_txn *t, const struct berval *base, Filter *filter,
    int (*visit)(Entry *e, void *arg), void *arg)
{
    struct visitor v = {visit, arg, 0};
    Operation o;
    BackendDB db;
    slap_callback cb;
    SlapReply rs = {.sr_type = REP_RESULT};

    if (!is_within(t, base))
        return LDAP_SUCCESS;
    internal(t, &o, &db, &cb, LDAP_REQ_SEARCH);
    cb.sc_response = search_response;
    cb.sc_private = &v;
    o.o_req_dn = *base;
    o.o_req_ndn = *base;
    o.ors_scope = LDAP_SCOPE_SUBTREE;
    o.ors_deref = LDAP_DEREF_NEVER;
    o.ors_slimit = SLAP_NO_LIMIT;
    o.ors_tlimit = SLAP_NO_LIMIT;
    o.ors_attrs = slap_anlist_no_attrs;
    o.ors_filter = filter;
    db.bd_info->bi_op_search(&o, &rs);
    if (v.rc == 0 && rs.sr_err != LDAP_SUCCESS && rs.sr_err != LDAP_NO_SUCH_OBJECT) {
        snprintf(t->error, sizeof(t->error), "cannot search below %s: %s", base->bv_val,
            ldap_err2string(rs.sr_err));
        v.rc = LDAP_OTHER;
    }
    return v.rc;
}

bool
pat_txn_exists(struct pat_txn *t, const struct berval *ndn)
{
    Entry *e = pat_txn_get(t, ndn);

    if (e == NULL)
        return false;
    entry_free(e);
    return true;
}

bool
pat_txn_has_children(struct pat_txn *t, Entry *e)
{
    Operation o;
    BackendDB db;
    slap_callback cb;
    int has = LDAP_COMPARE_TRUE;

    internal(t, &o, &db, &cb, LDAP_REQ_SEARCH);
    if (db.bd_info->bi_has_subordinates(&o, e, &has) != LDAP_SUCCESS)
        return true;
    return has != LDAP_COMPARE_FALSE;
}

static void
change_free(struct pat_txn *t, struct pat_change *c)
{
    if (!BER_BVISNULL(&c->op.o_csn))
        t->op->o_tmpfree(c->op.o_csn.bv_val, t->op->o_tmpmemctx);
    if (c->before != NULL)
        entry_free(c->before);
    if (c->added != NULL)
        entry_free(c->added);
    if (c->mods != NULL)
        slap_mods_free(c->mods, 1);
    ch_free(c->dn.bv_val);
    ch_free(c->ndn.bv_val);
    ch_free(c);
}

/*
 * Before a change: move on to the next nested transaction. Where there can be none, as
 * with MDB_WRITEMAP, all is slower and nothing else.
 */
static int
next_batch(struct pat_txn *t)
{
    MDB_txn *child;
    int rc;

    if (t->changes == 0 || t->changes % BATCH != 0)
        return 0;
    if (t->parent != NULL) {
        rc = mdb.txn_commit(t->moi.moi_txn);
        t->moi.moi_txn = t->parent;
        t->parent = NULL;
        if (rc != 0)
            return rc;
    }
    if (mdb.txn_begin(info(t)->mi_dbenv, t->moi.moi_txn, 0, &child) == 0) {
        t->parent = t->moi.moi_txn;
        t->moi.moi_txn = child;
    }
    return 0;
}

/*
 * Start a change: its place in the order, and its CSN. Two are queued as pending, no
 * more, for slapd walks the queue at each write: the one that overlays are shown next,
 * and one behind it, which nobody gets past.
 */
static struct pat_change *
change_new(struct pat_txn *t, const struct berval *dn, const struct berval *ndn)
{
    struct pat_change *c = ch_calloc(1, sizeof(*c));

    pat_dup(&c->dn, dn);
    pat_dup(&c->ndn, ndn);
    c->op.o_hdr = t->op->o_hdr;
    c->op.o_bd = t->op->o_bd;
    if (t->shown && SLAP_LASTMOD(t->op->o_bd)) {
        char text[LDAP_PVT_CSNSTR_BUFSIZE];
        struct berval csn = {sizeof(text), text};
        bool queue = t->first == NULL || t->first->next == NULL;

        slap_get_csn(&c->op, &csn, queue);
        if (!queue)
            ber_dupbv_x(&c->op.o_csn, &csn, t->op->o_tmpmemctx);
    }
    *t->last = c;
    t->last = &c->next;
    return c;
}

/* NULL: go on. Else why a change cannot be made. */
static const char *
change_refused(struct pat_txn *t)
{
    int rc = next_batch(t);

    if (failpoint_hit(AT_CHANGE, ++t->changes))
        return "failpoint";
    return rc == 0 ? NULL : mdb.strerror(rc);
}

static void
note_failure(struct pat_txn *t, const struct pat_change *c, const SlapReply *rs)
{
    const char *why = rs->sr_text == NULL ? ldap_err2string(rs->sr_err) : rs->sr_text;

    /* back-mdb tells the log what it was, and us nothing; mostly it is this. */
    if (rs->sr_err == LDAP_OTHER)
        snprintf(t->error, sizeof(t->error),
            "%s: %s; slapd's log says more; where it says MDB_MAP_FULL, raise "
            "olcDbMaxSize "
            "(%lu now)",
            c->dn.bv_val, why, (unsigned long)info(t)->mi_mapsize);
    else
        snprintf(t->error, sizeof(t->error), "%s: %s", c->dn.bv_val, why);
}

/* What the backend said of a change; without overlays to show it to, it is done with. */
static int
change_end(struct pat_txn *t, struct pat_change *c, SlapReply *rs)
{
    if (rs->sr_err != LDAP_SUCCESS)
        note_failure(t, c, rs);
    if (rs->sr_err != LDAP_SUCCESS || !t->shown) {
        struct pat_change **p;

        /* It is the last of the list. */
        for (p = &t->first; *p != c; p = &(*p)->next)
            continue;
        *p = NULL;
        t->last = p;
        slap_graduate_commit_csn(&c->op);
        change_free(t, c);
    }
    return rs->sr_err;
}

int
pat_txn_modify(struct pat_txn *t, Entry *before, Modifications *mods)
{
    struct pat_change *c = change_new(t, &before->e_name, &before->e_nname);
    Operation o;
    BackendDB db;
    slap_callback cb;
    SlapReply rs = {.sr_type = REP_RESULT};

    c->before = before;
    c->mods = mods;
    rs.sr_text = change_refused(t);
    if (rs.sr_text != NULL) {
        rs.sr_err = LDAP_OTHER;
        return change_end(t, c, &rs);
    }
    internal(t, &o, &db, &cb, LDAP_REQ_MODIFY);
    o.o_req_dn = c->dn;
    o.o_req_ndn = c->ndn;
    o.o_csn = c->op.o_csn;
    o.orm_modlist = mods;
    db.bd_info->bi_op_modify(&o, &rs);
    /* With modifiersName, modifyTimestamp and entryCSN. */
    c->mods = o.orm_modlist;
    return change_end(t, c, &rs);
}

int
pat_txn_add(struct pat_txn *t, Entry *e)
{
    struct pat_change *c = change_new(t, &e->e_name, &e->e_nname);
    Operation o;
    BackendDB db;
    slap_callback cb;
    SlapReply rs = {.sr_type = REP_RESULT};

    c->added = e;
    rs.sr_text = change_refused(t);
    if (rs.sr_text != NULL) {
        rs.sr_err = LDAP_OTHER;
        return change_end(t, c, &rs);
    }
    internal(t, &o, &db, &cb, LDAP_REQ_ADD);
    o.o_req_dn = c->dn;
    o.o_req_ndn = c->ndn;
    o.o_csn = c->op.o_csn;
    o.ora_e = e;
    db.bd_info->bi_op_add(&o, &rs);
    return change_end(t, c, &rs);
}

int
pat_txn_delete_alone(Operation *op, slap_overinst *on, Entry *e)
{
    struct pat_txn t = {.op = op, .on = on};
    Operation o;
    BackendDB db;
    slap_callback cb;
    SlapReply rs = {.sr_type = REP_RESULT};

    internal(&t, &o, &db, &cb, LDAP_REQ_DELETE);
    /* The frontend's view of the database: none of its overlays has been entered. */
    db.be_flags &= ~SLAP_DBFLAG_OVERLAY;
    db.bd_info = &on->on_info->oi_bi;
    slap_op_time(&o.o_time, &o.o_tincr);
    o.o_do_not_cache = 0;
    o.o_req_dn = e->e_name;
    o.o_req_ndn = e->e_nname;
    db.bd_info->bi_op_delete(&o, &rs);
    return rs.sr_err;
}

/* Let go of the CSNs of changes that were never made. */
static void
forget(struct pat_txn *t)
{
    struct pat_change *c;

    while ((c = t->first) != NULL) {
        t->first = c->next;
        slap_graduate_commit_csn(&c->op);
        change_free(t, c);
    }
    t->last = &t->first;
}

/*
 * From here on the operation has no transaction. Not by bi_op_txn(), which makes the
 * backend forget for a moment, and under the eyes of readers, which attributes it knows.
 */
static MDB_txn *
detach(struct pat_txn *t)
{
    MDB_txn *whole = t->parent != NULL ? t->parent : t->moi.moi_txn;

    LDAP_SLIST_REMOVE(&t->op->o_extra, &t->moi.moi_oe, OpExtra, oe_next);
    t->open = false;
    t->parent = NULL;
    return whole;
}

int
pat_txn_commit(struct pat_txn *t)
{
    int rc;

    if (failpoint_hit(AT_COMMIT, 0)) {
        snprintf(t->error, sizeof(t->error), "the database was not committed: failpoint");
        pat_txn_abort(t);
        return LDAP_OTHER;
    }
    /* LMDB commits, and aborts, what is nested with the whole. */
    rc = mdb.txn_commit(detach(t));
    if (rc == 0)
        return LDAP_SUCCESS;
    /* LMDB has aborted: no attribute number that was new exists. */
    mdb.ad_unwind(info(t), t->ads);
    snprintf(t->error, sizeof(t->error), "the database was not committed: %s",
        mdb.strerror(rc));
    forget(t);
    return LDAP_OTHER;
}

void
pat_txn_abort(struct pat_txn *t)
{
    if (!t->open)
        return;
    mdb.ad_unwind(info(t), t->ads);
    mdb.txn_abort(detach(t));
    forget(t);
}

static struct replay *
replay_of(const Operation *op)
{
    OpExtra *extra;

    LDAP_SLIST_FOREACH(extra, &op->o_extra, oe_next)
    if (extra->oe_key == &replay_key)
        return (struct replay *)extra;
    return NULL;
}

bool
pat_txn_is_replay(const Operation *op)
{
    return replay_of(op) != NULL;
}

/*
 * Where syncprov starts it reads the context CSN of its last checkpoint, which may be
 * from amid a replay, and looks for newer entries only in a database that was not shut
 * down cleanly; back-mdb says of itself that it always was. Were slapd killed, consumers
 * would be told that they lack nothing. So syncprov, which comes by here, is to look. A
 * consumer knows best itself how far it has come.
 */
static void
doubt_context(Operation *op)
{
    if (!SLAP_SINGLE_SHADOW(op->o_bd))
        op->o_bd->be_flags &= ~SLAP_DBFLAG_CLEAN;
}

int
pat_txn_entry_get(Operation *op, struct berval *ndn, ObjectClass *oc,
    AttributeDescription *at, int rw, Entry **ret_entry)
{
    struct replay *r = replay_of(op);
    Entry *e;

    (void)rw;
    if (at == slap_schema.si_ad_contextCSN)
        doubt_context(op);
    if (r != NULL && r->change == NULL)
        return LDAP_NO_SUCH_OBJECT; /* a hold: it has no entry */
    if (r == NULL || !r->before || r->change->before == NULL ||
        !dn_match(ndn, &r->change->ndn))
        return SLAP_CB_CONTINUE;
    e = r->change->before;
    if ((oc != NULL && !is_entry_objectclass(e, oc, 0)) ||
        (at != NULL && attr_find(e->e_attrs, at) == NULL))
        return LDAP_NO_SUCH_ATTRIBUTE;
    *ret_entry = e;
    return LDAP_SUCCESS;
}

int
pat_txn_entry_release(Operation *op, Entry *e, int rw)
{
    struct replay *r = replay_of(op);

    (void)rw;
    return r != NULL && r->change != NULL && e == r->change->before ? LDAP_SUCCESS
                                                                    : SLAP_CB_CONTINUE;
}

/* Does this accesslog log successes alone? Its settings are its own: ask as cn=config. */
static bool
logs_success_alone(slap_overinst *on)
{
    ConfigTable *table =
        on->on_bi.bi_cf_ocs == NULL ? NULL : on->on_bi.bi_cf_ocs->co_table;
    ConfigArgs args = {.op = SLAP_CONFIG_EMIT, .bi = &on->on_bi};

    for (; table != NULL && table->name != NULL; table++) {
        if (strcmp(table->name, "logsuccess") != 0)
            continue;
        args.type = (int)(table->arg_type & ARGS_USERLAND);
        return ((ConfigDriver *)table->arg_item)(&args) == 0 && args.value_int != 0;
    }
    return false;
}

/* The accesslog to hold, or NULL; the list begins with the outermost. */
static slap_overinst *
holdable(const struct pat_txn *t)
{
    slap_overinst *on;

    for (on = t->on->on_info->oi_list; on != NULL; on = on->on_next) {
        if (strcmp(on->on_bi.bi_type, "syncprov") == 0)
            return NULL;
        if (strcmp(on->on_bi.bi_type, "accesslog") == 0 &&
            (on->on_bi.bi_flags & SLAPO_BFLAG_DISABLED) == 0)
            return logs_success_alone(on) ? on : NULL;
    }
    return NULL;
}

/*
 * accesslog lets one operation be under way at a time, by a mutex that it takes before
 * the backend and lets go of when the response passes; the thread that has it may take it
 * again. So it is shown the beginning of one more operation, whose end comes later.
 */
void
pat_txn_hold(struct pat_txn *t)
{
    slap_overinst *on = t->first == NULL ? NULL : holdable(t);
    struct pat_hold *h;
    SlapReply rs = {.sr_type = REP_RESULT};

    if (on == NULL)
        return;
    h = ch_calloc(1, sizeof(*h));
    internal(t, &h->op, &h->db, &h->end, LDAP_REQ_MODIFY);
    h->db.bd_info = (BackendInfo *)on;
    h->op.o_do_not_cache = 0;
    h->op.o_req_dn = t->first->dn;
    h->op.o_req_ndn = t->first->ndn;
    h->replay.extra.oe_key = &replay_key;
    LDAP_SLIST_INSERT_HEAD(&h->op.o_extra, &h->replay.extra, oe_next);
    on->on_bi.bi_op_modify(&h->op, &rs);
    t->hold = h;
}

/* What has begun ends as a failure, of which nothing is logged. */
static void
let_go(struct pat_txn *t)
{
    struct pat_hold *h = t->hold;
    SlapReply rs = {.sr_type = REP_RESULT, .sr_err = LDAP_OTHER};

    if (h == NULL)
        return;
    /* It did not take part if it has no callback there: it does not log such writes. */
    if (h->op.o_callback != &h->end)
        h->op.o_callback->sc_response(&h->op, &rs);
    ch_free(h);
    t->hold = NULL;
}

/* Queue the CSN of the next change right behind that of `c`, where it is not yet there.
 */
static void
queue_next(struct pat_txn *t, struct pat_change *c)
{
    be_pcsn *pending = t->op->o_bd->bd_self->be_pcsn_p;
    struct slap_csn_entry *entry, *at = NULL, *new;

    if (c->next == NULL || BER_BVISEMPTY(&c->next->op.o_csn))
        return;
    new = ch_calloc(1, sizeof(*new));
    pat_dup(&new->ce_csn, &c->next->op.o_csn);
    new->ce_sid = slap_parse_csn_sid(&new->ce_csn);
    new->ce_op = &c->next->op;
    new->ce_state = SLAP_CSN_PENDING;
    ldap_pvt_thread_mutex_lock(&pending->be_pcsn_mutex);
    LDAP_TAILQ_FOREACH(entry, &pending->be_pcsn_list, ce_csn_link)
    {
        if (entry->ce_op == &c->op)
            at = entry;
        if (entry->ce_op == &c->next->op)
            break;
    }
    if (entry == NULL && at != NULL)
        LDAP_TAILQ_INSERT_AFTER(&pending->be_pcsn_list, at, new, ce_csn_link);
    ldap_pvt_thread_mutex_unlock(&pending->be_pcsn_mutex);
    if (entry != NULL || at == NULL) {
        ch_free(new->ce_csn.bv_val);
        ch_free(new);
    }
}

/* The backend of a replay: the change was made long ago. */
static int
answer(Operation *op, SlapReply *rs)
{
    struct replay *r = replay_of(op);

    if (r != NULL)
        r->before = false;
    rs->sr_err = LDAP_SUCCESS;
    rs->sr_text = NULL;
    send_ldap_result(op, rs);
    slap_graduate_commit_csn(op);
    return LDAP_SUCCESS;
}

static void
replay(struct pat_txn *t, struct pat_change *c, slap_overinfo *over)
{
    struct replay r = {.extra.oe_key = &replay_key, .change = c, .before = true};
    struct berval csn = c->op.o_csn;
    SlapReply rs = {.sr_type = REP_RESULT};
    slap_callback cb;
    BackendDB db;

    internal(t, &c->op, &db, &cb, c->added != NULL ? LDAP_REQ_ADD : LDAP_REQ_MODIFY);
    /* The frontend's view of the database: none of its overlays has been entered. */
    db.be_flags &= ~SLAP_DBFLAG_OVERLAY;
    db.bd_info = &over->oi_bi;
    /* What unique and constraint would refuse is in the database already. */
    c->op.o_relax = SLAP_CONTROL_CRITICAL;
    /* accesslog names its entries by this: each needs a moment of its own. */
    slap_op_time(&c->op.o_time, &c->op.o_tincr);
    c->op.o_do_not_cache = 0;
    c->op.o_csn = csn;
    c->op.o_req_dn = c->dn;
    c->op.o_req_ndn = c->ndn;
    LDAP_SLIST_INSERT_HEAD(&c->op.o_extra, &r.extra, oe_next);
    if (c->added != NULL) {
        c->op.ora_e = c->added;
        over->oi_bi.bi_op_add(&c->op, &rs);
    } else {
        c->op.orm_modlist = c->mods;
        over->oi_bi.bi_op_modify(&c->op, &rs);
        c->mods = c->op.orm_modlist;
    }
    if (r.before) {
        Debug(LDAP_DEBUG_ANY,
            "%s pat: an overlay of this database did not let pass a change that was "
            "made: %s: %s%s%s; consumers and logs may lack it\n",
            t->op->o_log_prefix, c->dn.bv_val, ldap_err2string(rs.sr_err),
            rs.sr_text == NULL ? "" : ": ", rs.sr_text == NULL ? "" : rs.sr_text);
        slap_graduate_commit_csn(&c->op);
    }
}

void
pat_txn_replay(struct pat_txn *t)
{
    slap_overinfo over;
    BackendInfo backend;
    struct pat_change *c;
    unsigned number = 0;

    if (t->first == NULL)
        return;
    backend = *t->on->on_info->oi_orig;
    backend.bi_op_add = answer;
    backend.bi_op_modify = answer;
    over = *t->on->on_info;
    over.oi_bi.bi_private = &over;
    over.oi_orig = &backend;
    while ((c = t->first) != NULL) {
        if (failpoint_hit(AT_REPLAY, ++number))
            break;
        queue_next(t, c);
        replay(t, c, &over);
        t->first = c->next;
        change_free(t, c);
    }
    if (t->first == NULL)
        t->last = &t->first;
    let_go(t);
}

void
pat_txn_move(struct pat_txn *to, struct pat_txn *from, Operation *outer)
{
    struct pat_hold *h = from->hold;
    struct pat_change *c;

    *to = *from;
    to->op = outer;
    if (from->first == NULL)
        to->last = &to->first;
    /* The database of an inner operation is a copy, which ends with it. */
    for (c = to->first; c != NULL; c = c->next)
        c->op.o_bd = from->op->o_bd->bd_self;
    if (h != NULL && h->op.o_hdr == &from->header) {
        h->op.o_hdr = &to->header;
        h->op.o_controls = to->controls;
    }
    /* The extras of other overlays in this list have ended, too. */
    if (h != NULL)
        h->replay.extra.oe_next.sle_next = NULL;
    from->first = NULL;
    from->last = &from->first;
    from->hold = NULL;
}

void
pat_txn_clear(struct pat_txn *t)
{
    if (t->op == NULL)
        return;
    pat_txn_abort(t);
    forget(t);
}

static void
append(BerVarray *values, unsigned n, const struct berval *value)
{
    *values = ch_realloc(*values, (n + 2) * sizeof(struct berval));
    pat_dup(&(*values)[n], value);
    BER_BVZERO(&(*values)[n + 1]);
}

void
pat_mods_add(Modifications **mods, AttributeDescription *ad, int mod_op,
    const struct berval *value, const struct berval *nvalue)
{
    Modifications *m, *last = NULL;

    for (; *mods != NULL; mods = &last->sml_next)
        last = *mods;
    m = last;
    if (m == NULL || m->sml_desc != ad || m->sml_op != mod_op || value == NULL ||
        m->sml_numvals == 0 || mod_op == LDAP_MOD_REPLACE) {
        m = *mods = ch_calloc(1, sizeof(*m));
        m->sml_desc = ad;
        m->sml_op = (short)mod_op;
        m->sml_flags = SLAP_MOD_INTERNAL;
    }
    if (value == NULL)
        return;
    append(&m->sml_values, m->sml_numvals, value);
    if (nvalue != NULL)
        append(&m->sml_nvalues, m->sml_numvals, nvalue);
    m->sml_numvals++;
}

int
pat_txn_prime(BackendDB *be, AttributeDescription **ads, size_t count)
{
    struct mdb_info *mi = be->be_private;
    MDB_txn *txn;
    int before = mi->mi_numads, rc;
    size_t i;

    rc = mdb.txn_begin(mi->mi_dbenv, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    for (i = 0; i < count && rc == 0; i++)
        if (ads[i] != NULL)
            rc = mdb.ad_get(mi, txn, ads[i]);
    if (rc == 0)
        rc = mdb.txn_commit(txn);
    else
        mdb.txn_abort(txn);
    if (rc != 0)
        mdb.ad_unwind(mi, before);
    return rc;
}

void
pat_txn_room(BackendDB *be, struct pat_room *ret_room)
{
    struct mdb_info *mi = be->be_private;
    MDB_envinfo env;
    MDB_stat stat;
    size_t used;

    mdb.env_info(mi->mi_dbenv, &env);
    mdb.env_stat(mi->mi_dbenv, &stat);
    used = (env.me_last_pgno + 1) * stat.ms_psize;
    ret_room->map = env.me_mapsize;
    ret_room->unused = used < env.me_mapsize ? env.me_mapsize - used : 0;
}

/*
 * LMDB's first table lists the free pages: each value is a count, then the pages. Only a
 * reader may open it.
 */
#define FREE_TABLE 0

int
pat_txn_freed(struct pat_txn *t, size_t *ret_bytes)
{
    MDB_txn *reader;
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_stat stat;
    size_t pages = 0;
    int rc;

    mdb.env_stat(info(t)->mi_dbenv, &stat);
    rc = mdb.txn_begin(info(t)->mi_dbenv, NULL, MDB_RDONLY, &reader);
    if (rc == 0 && (rc = mdb.cursor_open(reader, FREE_TABLE, &cursor)) != 0)
        mdb.txn_abort(reader);
    if (rc == 0) {
        while ((rc = mdb.cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
            pages += *(const size_t *)value.mv_data;
        mdb.cursor_close(cursor);
        mdb.txn_abort(reader);
    }
    if (rc != MDB_NOTFOUND) {
        snprintf(t->error, sizeof(t->error), "cannot read the free pages: %s",
            mdb.strerror(rc));
        return LDAP_OTHER;
    }
    *ret_bytes = pages * stat.ms_psize;
    return LDAP_SUCCESS;
}
