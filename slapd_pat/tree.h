/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h - orgs, role groups and tokens as an open transaction sees them
 *
 * int results are LDAP result codes; LDAP_OTHER means that the transaction's error says
 * why. Nothing here blocks.
 */
#ifndef PAT_SLAPD_TREE_H
#define PAT_SLAPD_TREE_H

#include "txn.h"

/* Entries of our own, each to be freed by entry_free(). */
struct pat_entries {
    Entry **e;
    size_t len, cap;
};

void pat_entries_clear(struct pat_entries *list);

/*
 * The orgs in which a group at `ndn` gives roles: itself, which is `self` where it is
 * not in the tree as it was, and every entry above it that is one. Mostly one.
 */
void pat_tree_orgs(struct pat_txn *t, const struct berval *ndn, Entry *self,
    struct pat_entries *ret_orgs);

/* Returns whether this database has an entry of that name that is a person. */
bool pat_tree_is_person(
    struct pat_txn *t, const struct pat_settings *set, const struct berval *ndn);

/* Returns whether the RDN of `ndn` has an attribute of that type, or of a supertype of
 * it.
 */
bool pat_tree_is_naming(const struct berval *ndn, AttributeType *type);

/* Returns whether the RDN of `ndn` has an attribute of that type, or of a subtype of it.
 */
bool pat_tree_is_named_by(const struct berval *ndn, AttributeType *type);

/*
 * Returns LDAP_COMPARE_TRUE if another org has one of the new names of `org`, with that
 * name and the DN of the other org, for ch_free(); LDAP_COMPARE_FALSE if none has. The
 * names of an org are the values of the attribute in its RDN. A name is new unless the
 * entry `before`, which may be NULL, had it as an org.
 */
PAT_MUST_USE int pat_tree_same_name(
    struct pat_txn *t, Entry *org, Entry *before, char **ret_name, char **ret_other);

/*
 * Ask `visit` for each role that `person` has in `org`, by a group other than the one at
 * `except`, which may be NULL. `role` is normalized. A nonzero answer ends the search and
 * is returned.
 */
PAT_MUST_USE int pat_tree_roles(struct pat_txn *t, const struct berval *org,
    const struct berval *person, const struct berval *except,
    int (*visit)(const struct berval *role, const struct berval *nrole, void *arg),
    void *arg);

/* The tokens of `person` below `base`; of one org only, where `org` is not NULL. */
PAT_MUST_USE int pat_tree_live_tokens(struct pat_txn *t, const struct berval *base,
    const struct berval *person, const struct berval *org,
    struct pat_entries *ret_tokens);

/*
 * Counts the live tokens of `person` below `base`, up to `enough`; of one org only if
 * `org` is not NULL.
 */
PAT_MUST_USE int pat_tree_count_tokens(struct pat_txn *t, const struct berval *base,
    const struct berval *person, const struct berval *org, unsigned enough,
    unsigned *ret_count);

/* Are there tokens of this org that are not revoked? LDAP_COMPARE_TRUE or _FALSE. */
PAT_MUST_USE int pat_tree_has_live_tokens(struct pat_txn *t, const struct berval *org);

/*
 * The entries of class `oc` below `base` whose `ad` is `dn` or, with `below`, an entry
 * under it. The latter reads every entry of the class.
 */
PAT_MUST_USE int pat_tree_naming(struct pat_txn *t, const struct berval *base,
    ObjectClass *oc, AttributeDescription *ad, const struct berval *dn, bool below,
    struct pat_entries *ret_entries);

/* Calls `visit`, as pat_txn_search() does, for every entry at or below `ndn`. */
PAT_MUST_USE int pat_tree_below(struct pat_txn *t, const struct berval *ndn,
    int (*visit)(Entry *e, void *arg), void *arg);

/* Does the same for every entry of that class at or below `base`. */
PAT_MUST_USE int pat_tree_of_class(struct pat_txn *t, const struct berval *base,
    ObjectClass *oc, int (*visit)(Entry *e, void *arg), void *arg);

/* Appends a copy of the entry. */
void pat_entries_add(struct pat_entries *list, Entry *e);

/* Which of our kinds of entries are below `ndn`, itself not counted? */
struct pat_content {
    bool tokens, groups, events, orgs;
};
PAT_MUST_USE int pat_tree_content(
    struct pat_txn *t, const struct berval *ndn, struct pat_content *ret_content);

/*
 * Ask `visit` for each audit event of that action below `org` that is of `target` or,
 * where that is NULL, of anything, and has no earlier time than `since`. A nonzero answer
 * ends the search and is returned.
 */
PAT_MUST_USE int pat_tree_events(struct pat_txn *t, const struct berval *org,
    const char *action, const struct berval *target, const struct berval *since,
    int (*visit)(Entry *e, void *arg), void *arg);

/*
 * Calls `visit` for each live token, and for each event of a removal, whose entryCSN is
 * `since` or later; for all of them if `since` is NULL. A nonzero result ends the search
 * and is returned.
 */
PAT_MUST_USE int pat_tree_changed_since(struct pat_txn *t, const struct berval *since,
    int (*visit)(Entry *e, void *arg), void *arg);

/* How many entries have this hash, counted to two? */
PAT_MUST_USE int pat_tree_hash_count(
    struct pat_txn *t, const struct berval *hash, unsigned *ret_count);

#endif
