/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - slapd's internals as the overlay uses them, and the schema it works on
 *
 * slapd has no stable interface for overlays: this is built against the source of the
 * very slapd that loads it (see fetch-source), and overlay.c refuses to load elsewhere.
 */
#ifndef PAT_SLAPD_HOST_H
#define PAT_SLAPD_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "portable.h"
/* slapd's own order: portable.h decides what the others declare. */
#include "slap.h"

#include "slap-config.h"

#include "attr.h"
#include "back-mdb/back-mdb.h"
#include "gentime.h"

/* Resolved when a database is opened: modules are loaded before cn=schema is read. */
struct pat_schema {
    AttributeDescription *id, *hash, *owner, *expires, *service, *source;
    AttributeDescription *revoked, *revoked_by, *revoked_reason;
    AttributeDescription *last_used, *last_used_from;
    AttributeDescription *role, *max_lifetime, *mint_role, *max_tokens, *secret;
    AttributeDescription *owner_uid, *owner_role;
    AttributeDescription *event_id, *action, *event_time, *actor, *target, *target_owner;
    AttributeDescription *via, *detail;
    AttributeDescription *member, *cn, *ou, *uid;
    ObjectClass *token, *org, *group, *event, *unit;
    ObjectClass *extensible, *alias, *referral, *subentry;
    MatchingRule *dn_subtree;
};

extern struct pat_schema pat_schema;

/* Every attribute of it; the last has no name. */
struct pat_attribute {
    AttributeDescription **ad;
    const char *name;
    bool watched; /* must a modification of it pass by us? */
};
#define PAT_ATTRIBUTES 30
extern const struct pat_attribute pat_attributes[PAT_ATTRIBUTES + 1];

/* The settings of one database, each with its default in place. */
struct pat_settings {
    char *prefix;              /* of minted tokens */
    struct berval audit;       /* RDN of an org's audit container, as given */
    struct berval audit_value; /* its value, within `audit` */
    struct berval naudit;      /* normalized */
    char **role_order;         /* NULL-terminated, strongest first */
    AttributeDescription *login;
    char *role_order_text;
    bool audit_use;      /* one event for each last-used write */
    unsigned max_tokens; /* live tokens of a person in an org; 0: no limit */
    char max_tokens_text[16];
    unsigned removal_limit; /* members in one request; 0: no limit */
    char removal_limit_text[16];
    unsigned given;              /* a bit for each setting that is not the default's */
    struct pat_pending *pending; /* no setting: see converge.h */
};

/* The first value, or NULL. Belongs to the entry. */
const struct berval *pat_value(const Entry *e, AttributeDescription *ad);
const struct berval *pat_nvalue(const Entry *e, AttributeDescription *ad);

/* The same bytes, or both absent? */
bool pat_same(const struct berval *a, const struct berval *b);

/* Is `e`, which may be NULL, of that class? */
bool pat_is(Entry *e, ObjectClass *oc);

/* Returns whether `e` is a person: it has the login attribute. */
bool pat_is_person(const struct pat_settings *set, const Entry *e);

/* A berval that only looks at the text. */
struct berval pat_bv(const char *s);

/* ber_dupbv(), which wants to be allowed to change what it copies. */
void pat_dup(struct berval *ret, const struct berval *bv);

/* Take from the end of a text that was cut what is no whole character of UTF-8. */
void pat_text_trim(char *text);

/* The parent's parent of a normalized DN: a token's org. Empty if there is none. */
struct berval pat_grandparent(const struct berval *ndn);

#endif
