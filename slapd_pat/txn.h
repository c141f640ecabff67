/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn.h - one LMDB transaction around a client's operation and all that follows from it
 *
 * Order of use: pat_txn_begin() before the backend gets the operation; from the callback
 * in which the backend reports success, with nothing committed yet, any number of reads
 * and changes, then pat_txn_commit() or pat_txn_abort(); after the backend has returned,
 * pat_txn_replay(), and pat_txn_clear() in every case.
 *
 * Changes go straight to back-mdb as the rootdn. Other overlays must not see them while
 * the transaction is open: syncprov would wait for LMDB's writer lock with a mutex that
 * we need to let go of it, and a consumer would see what may yet be aborted. They are
 * shown them afterwards, in order, by pat_txn_replay(). Until then a CSN of theirs is
 * queued as pending, so that no later operation of another client can move the context
 * CSN beyond a change that consumers have not been sent.
 *
 * Everything here belongs to the thread of the operation. Only pat_txn_begin() blocks:
 * for LMDB's writer lock, as any write to the database does.
 *
 * int results are LDAP result codes.
 */
#ifndef PAT_SLAPD_TXN_H
#define PAT_SLAPD_TXN_H

#include "host.h"

struct pat_change;
struct pat_hold;

struct pat_txn {
    Operation *op; /* the client's */
    slap_overinst *on;
    mdb_op_info moi; /* with LMDB's transaction */
    MDB_txn *parent; /* of that, where it is nested */
    bool open;
    bool shown; /* are there overlays that the changes must be shown to? */
    int ads;    /* mi_numads at the begin */
    struct pat_change *first, **last;
    unsigned changes;
    struct pat_hold *hold;
    /* Of our own operations, where `op` is not a client's but one of replication. */
    Opheader header;
    void *controls[SLAP_MAX_CIDS];
    char error[400]; /* of the last change that failed */
};

/*
 * Is `op` within a transaction of its client (RFC 5805)? Ours cannot nest in it, nor
 * could its end be waited for.
 */
bool pat_txn_client_has_one(const Operation *op);

/* May only fail with LDAP_OTHER; then nothing is open. */
PAT_MUST_USE int pat_txn_begin(struct pat_txn *t, Operation *op, slap_overinst *on);

/*
 * Instead of pat_txn_begin(): to read alone, within an operation of a client that reads,
 * and as its own transaction sees the tree. Only pat_txn_look(), pat_txn_get() and
 * pat_txn_search() may follow, and nothing needs to be cleared.
 */
void pat_txn_reader(struct pat_txn *t, Operation *op, slap_overinst *on);
bool pat_txn_exists(struct pat_txn *t, const struct berval *ndn);

/* Show an entry to `look`, for the time of the call. False: there is none. */
bool pat_txn_look(struct pat_txn *t, const struct berval *ndn,
    void (*look)(Entry *e, void *arg), void *arg);

/* A copy of the entry, for entry_free(); NULL if there is none. */
Entry *pat_txn_get(struct pat_txn *t, const struct berval *ndn);

/*
 * Call `visit` for every entry at or below `base` that `filter` matches. The entry is
 * only there during the call, in which nothing may be read or changed: copy it with
 * entry_dup(). A nonzero result of `visit` ends the search and is returned.
 */
PAT_MUST_USE int pat_txn_search(struct pat_txn *t, const struct berval *base,
    Filter *filter, int (*visit)(Entry *e, void *arg), void *arg);

/* Has the entry, which pat_txn_get() gave, entries below it? */
bool pat_txn_has_children(struct pat_txn *t, Entry *e);

/*
 * Change an entry. Takes `before`, a copy of it as it is now, and `mods`, whatever the
 * result. After any failure but LDAP_OBJECT_CLASS_VIOLATION, which comes before anything
 * is written, the transaction must be aborted; t->error says why.
 */
PAT_MUST_USE int pat_txn_modify(struct pat_txn *t, Entry *before, Modifications *mods);

/* Add an entry, which is taken, whatever the result. On failure abort. */
PAT_MUST_USE int pat_txn_add(struct pat_txn *t, Entry *e);

/*
 * Deletes an entry by an operation of its own, which passes all overlays like one of the
 * client. `op` must have no open transaction.
 */
PAT_MUST_USE int pat_txn_delete_alone(Operation *op, slap_overinst *on, Entry *e);

/* On failure everything is as if aborted, and t->error says why. */
PAT_MUST_USE int pat_txn_commit(struct pat_txn *t);

void pat_txn_abort(struct pat_txn *t);

/*
 * Keep the order of an access log that other servers follow (delta-syncrepl): from the
 * commit on, before anyone has seen the response, until the end of pat_txn_replay(), no
 * other operation is logged. Only where accesslog logs successes alone, for it would log
 * this as a failure, and stands above syncprov, for whoever waits for us must not hold
 * what we will wait for.
 */
void pat_txn_hold(struct pat_txn *t);

/* Show the other overlays what was committed, and let go of what was held. */
void pat_txn_replay(struct pat_txn *t);

/*
 * Moves the changes that are to be replayed from `from`, whose transaction has ended, to
 * `to`, which may outlive the operation of `from`. `outer` has the same header, and lives
 * as long as `to`.
 */
void pat_txn_move(struct pat_txn *to, struct pat_txn *from, Operation *outer);

/* Abort what is still open, free everything. May run twice. */
void pat_txn_clear(struct pat_txn *t);

/* Is this one of the operations by which pat_txn_replay() shows changes? */
bool pat_txn_is_replay(const Operation *op);

/*
 * slapd's be_entry_get_rw and be_entry_release_rw for overlays that are shown a change
 * and look at the entry before it: they find the entry of that time.
 */
int pat_txn_entry_get(Operation *op, struct berval *ndn, ObjectClass *oc,
    AttributeDescription *at, int rw, Entry **ret_entry);
int pat_txn_entry_release(Operation *op, Entry *e, int rw);

/*
 * Build a list of modifications: append one with a single value, or with none where
 * `value` is NULL. One more value to add to the attribute of the last modification, or to
 * delete from it, becomes a part of that. `nvalue` is NULL where the values are not
 * normalized. Copies.
 */
void pat_mods_add(Modifications **mods, AttributeDescription *ad, int mod_op,
    const struct berval *value, const struct berval *nvalue);

/*
 * Make sure that the database knows a number for every attribute that we ever write,
 * when it is opened. back-mdb keeps the number of an attribute in memory that an aborted
 * transaction was the first to use, and entries stored with it later cannot be read.
 */
PAT_MUST_USE int pat_txn_prime(BackendDB *be, AttributeDescription **ads, size_t count);

/* The size of a database's map, and of its never used part, in bytes. */
struct pat_room {
    size_t map, unused;
};
void pat_txn_room(BackendDB *be, struct pat_room *ret_room);

/* Returns how many bytes were used once and are free again. */
PAT_MUST_USE int pat_txn_freed(struct pat_txn *t, size_t *ret_bytes);

/* Is back-mdb loaded, with the functions that we call by name? */
bool pat_txn_backend_ready(void);

/* Test builds only: returns whether the settling of received changes must fail. */
bool pat_txn_fails_to_settle(void);

#ifdef PAT_FAILPOINTS
/*
 * Test builds only: WHERE [NUMBER] ACTION, see txn.c. NULL lets go. False: not one.
 */
bool pat_failpoint_set(const char *text);
const char *pat_failpoint_get(void);
#endif

#endif
