/* SPDX-License-Identifier: BSD-2-Clause */
#include "tokens.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>

#include "dn.h"
#include "gentime.h"
#include "output.h"
#include "record.h"
#include "say.h"
#include "strv.h"

const char *const token_attrs[] = {"patId", "cn", "description", "patOwner", "patExpires",
    "patRevoked", "patRevokedBy", "patRevokedReason", "patLastUsed", "patLastUsedFrom",
    "patService", "patSource", "patHash", "createTimestamp", NULL};

static const char *const no_attrs[] = {LDAP_NO_ATTRS, NULL};

/* --- values of an entry ------------------------------------------------------------ */

char *
entry_value(struct session *s, LDAPMessage *entry, const char *attr)
{
    struct berval **values = ldap_get_values_len(s->ld, entry, attr);
    char *value = NULL;

    if (values != NULL && values[0] != NULL)
        value = strndup(values[0]->bv_val, values[0]->bv_len);
    ldap_value_free_len(values);
    return value;
}

char **
entry_values(struct session *s, LDAPMessage *entry, const char *attr)
{
    struct berval **values = ldap_get_values_len(s->ld, entry, attr);
    size_t n = (size_t)ldap_count_values_len(values);
    char **list = n == 0 ? NULL : calloc(n + 1, sizeof(*list));

    for (size_t i = 0; list != NULL && i < n; i++) {
        list[i] = strndup(values[i]->bv_val, values[i]->bv_len);
        if (list[i] == NULL) {
            pat_strv_free(list);
            list = NULL;
        }
    }
    ldap_value_free_len(values);
    return list;
}

char *
entry_dn(struct session *s, LDAPMessage *entry)
{
    char *dn = ldap_get_dn(s->ld, entry);
    char *copy = dn == NULL ? NULL : strdup(dn);

    ldap_memfree(dn);
    return copy;
}

static int64_t
time_value(struct session *s, LDAPMessage *entry, const char *attr)
{
    char *text = entry_value(s, entry, attr);
    int64_t t = when_read(text);

    free(text);
    return t;
}

/* --- a token ------------------------------------------------------------------------ */

/* Returns the first of our attributes with an option, for free(3). False: out of memory.
 */
static bool
find_option(struct session *s, LDAPMessage *entry, char **ret_name)
{
    BerElement *ber = NULL;
    bool ok = true;
    char *name;

    for (name = ldap_first_attribute(s->ld, entry, &ber); name != NULL;
         name = ldap_next_attribute(s->ld, entry, ber)) {
        if (*ret_name == NULL && pat_record_is_option(name)) {
            *ret_name = strdup(name);
            ok = *ret_name != NULL;
        }
        ldap_memfree(name);
    }
    ber_free(ber, 0);
    return ok;
}

bool
token_entry_read(struct session *s, LDAPMessage *entry, struct token_entry *ret)
{
    *ret = (struct token_entry){
        .dn = entry_dn(s, entry),
        .id = entry_value(s, entry, "patId"),
        .name = entry_value(s, entry, "cn"),
        .description = entry_value(s, entry, "description"),
        .owner = entry_value(s, entry, "patOwner"),
        .created = time_value(s, entry, "createTimestamp"),
        .expires = time_value(s, entry, "patExpires"),
        .revoked = time_value(s, entry, "patRevoked"),
        .last_used = time_value(s, entry, "patLastUsed"),
        .last_used_from = entry_value(s, entry, "patLastUsedFrom"),
        .revoked_by = entry_value(s, entry, "patRevokedBy"),
        .revoked_reason = entry_value(s, entry, "patRevokedReason"),
        .services = entry_values(s, entry, "patService"),
        .sources = entry_values(s, entry, "patSource"),
    };
    if (ret->dn == NULL || !find_option(s, entry, &ret->option))
        return false;
    ret->org_dn = dn_parent(ret->dn, 2);
    if (ret->org_dn != NULL)
        ret->org = dn_value(ret->org_dn);
    if (ret->owner != NULL)
        ret->user = dn_value(ret->owner);
    if (ret->id == NULL)
        ret->id = dn_value(ret->dn);
    return ret->id != NULL;
}

void
token_entry_clear(struct token_entry *t)
{
    char *texts[] = {t->dn, t->id, t->name, t->description, t->owner, t->user, t->org,
        t->org_dn, t->last_used_from, t->revoked_by, t->revoked_reason, t->option};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    pat_strv_free(t->services);
    pat_strv_free(t->sources);
    *t = (struct token_entry){0};
}

enum token_state
token_entry_state(const struct token_entry *t, int64_t now)
{
    if (t->option != NULL)
        return TOKEN_DAMAGED;
    if (t->revoked != 0)
        return TOKEN_REVOKED;
    return t->expires != 0 && t->expires <= now ? TOKEN_EXPIRED : TOKEN_ACTIVE;
}

const char *
token_state_name(enum token_state state)
{
    switch (state) {
    case TOKEN_ACTIVE:
        return "active";
    case TOKEN_EXPIRED:
        return "expired";
    case TOKEN_REVOKED:
        return "revoked";
    case TOKEN_DAMAGED:
        return "damaged";
    }
    return "?";
}

static struct json_object *
json_list(char **list)
{
    struct json_object *array = json_object_new_array();

    for (; list != NULL && *list != NULL; list++)
        (void)json_object_array_add(array, output_string(*list));
    return array;
}

struct json_object *
token_entry_json(const struct token_entry *t, int64_t now)
{
    struct json_object *o = json_object_new_object();
    const struct {
        const char *key;
        struct json_object *value;
    } members[] = {
        {"id", output_string(t->id)},
        {"name", output_string(t->name)},
        {"org", output_string(t->org)},
        {"owner", output_string(t->user)},
        {"state", output_string(token_state_name(token_entry_state(t, now)))},
        {"damaged_by", output_string(t->option)},
        {"created", output_time(t->created)},
        {"expires", output_time(t->expires)},
        {"last_used", output_time(t->last_used)},
        {"last_used_from", output_string(t->last_used_from)},
        {"revoked", output_time(t->revoked)},
        {"revoked_by", output_string(t->revoked_by)},
        {"revoked_reason", output_string(t->revoked_reason)},
        {"services", json_list(t->services)},
        {"sources", json_list(t->sources)},
        {"description", output_string(t->description)},
        {"owner_dn", output_string(t->owner)},
        {"dn", output_string(t->dn)},
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        (void)json_object_object_add(o, members[i].key, members[i].value);
    return o;
}

/* --- finding -------------------------------------------------------------------------
 */

/* What a search for one thing found. */
struct found {
    char *dn;
    struct token_entry *token; /* NULL = only the DN is wanted */
    const char *org;           /* of an org: the name that its RDN must have, or NULL */
    unsigned count;
    bool no_memory;
};

static bool
take_found(struct session *s, LDAPMessage *entry, void *arg)
{
    struct found *f = arg;
    char *dn = entry_dn(s, entry);
    char *value = dn == NULL ? NULL : dn_value(dn);

    f->no_memory = dn == NULL;
    if (f->org != NULL && (value == NULL || strcasecmp(value, f->org) != 0)) {
        free(value);
        free(dn);
        return !f->no_memory;
    }
    free(value);
    f->count++;
    if (f->count == 2)
        say_note("%s", f->dn);
    if (f->count >= 2)
        say_note("%s", dn);
    if (f->count == 1 && f->token != NULL)
        f->no_memory = !token_entry_read(s, entry, f->token);
    if (f->count == 1)
        f->dn = dn;
    else
        free(dn);
    return !f->no_memory && f->count < 10;
}

/*
 * Search for just one entry; `kind` and `name` are for what is said if there is none, or
 * more than one. Takes `filter` over.
 */
static int
find_one(struct session *s, const char *base, int scope, char *filter,
    const char *const *attrs, const char *kind, const char *name, struct found *f)
{
    int rc;

    if (filter == NULL)
        return say_no_memory();
    rc = session_search(s, base, scope, filter, attrs, take_found, f);
    free(filter);
    if (rc == LDAP_NO_SUCH_OBJECT)
        rc = LDAP_SUCCESS;
    if (rc != LDAP_SUCCESS)
        return session_fail(s, "looking for the %s %s", kind, name);
    if (f->no_memory)
        return say_no_memory();
    if (f->count == 0) {
        say_error("there is no %s %s that you may see", kind, name);
        return EX_NOUSER;
    }
    if (f->count > 1)
        return say_usage(
            "there are several of them called %s: give the DN, as above", name);
    return EX_OK;
}

int
token_find(struct session *s, const char *id, const char *org_dn, struct token_entry *ret)
{
    struct found f = {.token = ret};
    bool is_dn = dn_valid(id);
    const char *base = is_dn ? id : org_dn;
    int rc = find_one(s, base, is_dn ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
        is_dn ? filter_make("(objectClass=patToken)")
              : filter_make("(&(objectClass=patToken)(patId=%s))", id),
        token_attrs, "token", id, &f);

    if (rc != EX_OK)
        token_entry_clear(ret);
    free(f.dn);
    return rc;
}

int
org_find(struct session *s, const char *org, char **ret_dn)
{
    bool is_dn = dn_valid(org);
    struct found f = {.org = is_dn ? NULL : org};
    int rc = find_one(s, is_dn ? org : NULL, is_dn ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
        is_dn ? filter_make("(objectClass=patOrg)")
              : filter_make("(&(objectClass=patOrg)(|(o=%s)(ou=%s)(cn=%s)(dc=%s)))", org,
                    org, org, org),
        no_attrs, "org", org, &f);

    if (rc == EX_OK)
        *ret_dn = f.dn;
    else
        free(f.dn);
    return rc;
}

int
person_find(struct session *s, const char *uid, char **ret_dn)
{
    bool is_dn = dn_valid(uid);
    struct found f = {0};
    int rc = find_one(s, is_dn ? uid : NULL, is_dn ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
        is_dn ? filter_make("(objectClass=*)") : filter_make("(uid=%s)", uid), no_attrs,
        "person", uid, &f);

    if (rc == EX_OK)
        *ret_dn = f.dn;
    else
        free(f.dn);
    return rc;
}

/* --- revoking ------------------------------------------------------------------------
 */

/* Is it revoked already, so that what we wanted is so? */
static bool
is_revoked(struct session *s, const char *dn)
{
    static const char *const attrs[] = {"patRevoked", NULL};
    LDAPMessage *msg = NULL;
    int64_t revoked = 0;

    if (session_read(s, dn, attrs, &msg) == LDAP_SUCCESS)
        revoked = time_value(s, ldap_first_entry(s->ld, msg), "patRevoked");
    (void)ldap_msgfree(msg);
    return revoked != 0;
}

int
token_revoke(struct session *s, const char *dn, const char *id, const char *reason)
{
    char now[PAT_GENTIME_LEN + 1];
    char *times[] = {now, NULL}, *reasons[] = {NULL, NULL};
    LDAPMod time_mod = {LDAP_MOD_ADD, (char *)(uintptr_t) "patRevoked", {times}};
    LDAPMod reason_mod = {
        LDAP_MOD_ADD, (char *)(uintptr_t) "patRevokedReason", {reasons}};
    LDAPMod *mods[] = {&time_mod, reason == NULL ? NULL : &reason_mod, NULL};
    char *text = reason == NULL ? NULL : strdup(reason);
    int rc;

    if (reason != NULL && text == NULL)
        return say_no_memory();
    reasons[0] = text;
    pat_gentime_format(time(NULL), now);
    rc = session_modify(s, dn, mods);
    free(text);
    if (rc == LDAP_SUCCESS)
        return EX_OK;
    /* The overlay refuses to revoke again, and without it the value is there already. */
    if (rc == LDAP_CONSTRAINT_VIOLATION || rc == LDAP_TYPE_OR_VALUE_EXISTS) {
        char *said = s->text;

        s->text = NULL;
        if (is_revoked(s, dn)) {
            free(said);
            say_note("%s was revoked already", id);
            return EX_OK;
        }
        free(s->text);
        s->text = said;
        s->code = rc;
    }
    return session_fail(s, "%s cannot be revoked", id);
}
