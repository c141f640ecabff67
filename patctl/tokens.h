/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tokens.h - tokens as the directory shows them to us: read, find, tell
 */
#ifndef PATCTL_TOKENS_H
#define PATCTL_TOKENS_H

#include <json-c/json.h>
#include <ldap.h>
#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "session.h"
#include "when.h"

enum token_state {
    TOKEN_ACTIVE = 0,
    TOKEN_EXPIRED,
    TOKEN_REVOKED, /* also if it has expired besides */
    TOKEN_DAMAGED, /* one of its attributes has an option: patd refuses it */
};

/* Texts are as in the directory: escape them before they are shown. NULL = there is none,
 * or we may not see it. Times as in when.h. */
struct token_entry {
    char *dn, *id, *name, *description;
    char *owner; /* a DN */
    char *user;  /* the value of its first RDN */
    char *org;   /* the value of the RDN of the org, two levels above */
    char *org_dn;
    int64_t created, expires, revoked, last_used;
    char *last_used_from, *revoked_by, *revoked_reason;
    char **services, **sources; /* NULL-terminated; NULL = none */
    char *option; /* an attribute that has one, such as patRevoked;lang-en */
};

/* All that token_entry_read() looks for. */
extern const char *const token_attrs[];

/* False: no memory. Fills *ret, which is to be cleared either way. */
PAT_MUST_USE bool token_entry_read(
    struct session *s, LDAPMessage *entry, struct token_entry *ret);
void token_entry_clear(struct token_entry *t);

enum token_state token_entry_state(const struct token_entry *t, int64_t now);

/* "active", "expired", "revoked", "damaged" */
const char *token_state_name(enum token_state state);

/* The members: id, name, org, owner, state, created, ...; for json_object_put(). */
struct json_object *token_entry_json(const struct token_entry *t, int64_t now);

/*
 * Find the token that is called `id`, a patId, or a DN, in `org_dn` or, NULL, anywhere
 * below the base. EX_OK; EX_NOUSER if there is none that we may see, EX_USAGE if there
 * are several, or another exit status: said.
 */
PAT_MUST_USE int token_find(
    struct session *s, const char *id, const char *org_dn, struct token_entry *ret);

/*
 * Find the entry of an org by its name, or check its DN; a person by uid, likewise.
 * *ret_dn is for free(3). Exit statuses as above.
 */
PAT_MUST_USE int org_find(struct session *s, const char *org, char **ret_dn);
PAT_MUST_USE int person_find(struct session *s, const char *uid, char **ret_dn);

/*
 * Revoke one token. EX_OK, also if it was revoked already, which is told; else the exit
 * status: said. `reason` may be NULL.
 */
PAT_MUST_USE int token_revoke(
    struct session *s, const char *dn, const char *id, const char *reason);

/*
 * entry_value() returns a copy of the first value, for free(3); NULL if the attribute is
 * absent or out of memory. entry_values() returns all values as a NULL-terminated array,
 * for pat_strv_free().
 */
PAT_MUST_USE char *entry_value(struct session *s, LDAPMessage *entry, const char *attr);
PAT_MUST_USE char **entry_values(struct session *s, LDAPMessage *entry, const char *attr);

/* For free(3) with ldap_memfree's memory copied: the entry's DN; NULL without memory. */
PAT_MUST_USE char *entry_dn(struct session *s, LDAPMessage *entry);

#endif
