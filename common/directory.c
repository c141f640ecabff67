/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gentime.h"
#include "ldap_conn.h"
#include "strv.h"

struct pat_directory {
    const struct pat_conf *conf;
    int base_levels; /* RDNs in conf->base */
    const char *uri;
    struct pat_ldap_conn conn;
};

/*
 * The clauses about patRevoked and the limits hold for every entry, unless the account
 * has no right to see the attribute: then they are Undefined (RFC 4511, 4.5.1.7), and the
 * token is not found. Without them an ACL that forgets an attribute would lift
 * revocations and limits in silence.
 */
#define SEEN(attr) "(|(" attr "=*)(!(" attr "=*)))"
static const char token_filter[] = "(&(patHash=%s)" SEEN("patRevoked") SEEN("patExpires")
    SEEN("patService") SEEN("patSource") ")";

static char *token_attrs[] = {(char[]){"patId"}, (char[]){"cn"}, (char[]){"patOwner"},
    (char[]){"patExpires"}, (char[]){"patRevoked"}, (char[]){"patService"},
    (char[]){"patSource"}, (char[]){"patLastUsed"}, (char[]){"patOwnerUid"},
    (char[]){"patOwnerRole"},
    /* Read only to detect an option on them, if the account may read them. */
    (char[]){"patHash"}, (char[]){"patRevokedBy"}, (char[]){"patRevokedReason"},
    (char[]){"patLastUsedFrom"}, NULL};
static char *owner_attrs[] = {(char[]){"uid"}, NULL};
static char *role_attrs[] = {(char[]){"patRole"}, NULL};
static char *no_attrs[] = {(char[]){LDAP_NO_ATTRS}, NULL};

struct search {
    const char *what; /* for messages */
    const char *base;
    int scope;
    const char *filter;
    char **attrs;
    int size_limit;
};

/* Prefix the message with the server's name. */
static void
name_server(const struct pat_directory *dir, struct pat_diag *diag)
{
    struct pat_diag copy;

    if (diag == NULL)
        return;
    copy = *diag;
    pat_diag_set(diag, "%s: %s", dir->uri, copy.text);
}

static enum pat_err
unavailable(const struct pat_directory *dir, struct pat_diag *diag)
{
    name_server(dir, diag);
    return PAT_ERR_UNAVAIL;
}

static enum pat_err
start_search(struct pat_directory *dir, const struct search *s,
    struct pat_deadline deadline, int *ret_msgid, struct pat_diag *diag)
{
    /* The server need not go on when we have given up. */
    struct timeval limit = {pat_deadline_left_ms(deadline) / 1000 + 1, 0};
    int rc = ldap_search_ext(dir->conn.ld, s->base, s->scope, s->filter, s->attrs, 0,
        NULL, NULL, &limit, s->size_limit, ret_msgid);

    if (rc == LDAP_SUCCESS)
        return PAT_OK;
    (void)pat_ldap_broken(&dir->conn, s->what, rc, diag);
    return unavailable(dir, diag);
}

/*
 * Wait for a search. *ret_code is success, sizeLimitExceeded or noSuchObject; whatever
 * else a server says is no usable answer, a part kept elsewhere included, unless it was
 * but a try.
 */
static enum pat_err
finish_search(struct pat_directory *dir, const struct search *s, int msgid,
    struct pat_deadline deadline, int *ret_code, LDAPMessage **ret_msg,
    struct pat_diag *diag)
{
    LDAPMessage *msg = NULL, *last = NULL;
    int code = LDAP_OTHER;
    enum pat_err err = pat_ldap_wait(&dir->conn, msgid, deadline, &msg, diag);

    if (err != PAT_OK) {
        name_server(dir, diag);
        return err;
    }
    /* The result is the last message of the chain. */
    for (LDAPMessage *m = ldap_first_message(dir->conn.ld, msg); m != NULL;
         m = ldap_next_message(dir->conn.ld, m))
        last = m;
    if (last != NULL)
        code = pat_ldap_result(&dir->conn, last, LDAP_RES_SEARCH_RESULT, s->what, diag);

    if (ldap_count_references(dir->conn.ld, msg) > 0) {
        pat_diag_set(
            diag, "%s: the server keeps a part of %s elsewhere", s->what, s->base);
        code = LDAP_REFERRAL;
    }
    if (code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED ||
        code == LDAP_NO_SUCH_OBJECT) {
        *ret_code = code;
        *ret_msg = msg;
        return PAT_OK;
    }
    (void)ldap_msgfree(msg);
    return unavailable(dir, diag);
}

static enum pat_err
run_search(struct pat_directory *dir, const struct search *s,
    struct pat_deadline deadline, int *ret_code, LDAPMessage **ret_msg,
    struct pat_diag *diag)
{
    int msgid = -1;
    enum pat_err err = start_search(dir, s, deadline, &msgid, diag);

    if (err == PAT_OK)
        err = finish_search(dir, s, msgid, deadline, ret_code, ret_msg, diag);
    return err;
}

/* Append an attribute's values to *list. A value with a NUL in it ends there, as no
 * value. */
static enum pat_err
take_values(LDAP *ld, LDAPMessage *entry, const char *attr, char ***list)
{
    struct berval **vals = ldap_get_values_len(ld, entry, attr);
    size_t have = 0, more = (size_t)(vals != NULL ? ldap_count_values_len(vals) : 0);
    enum pat_err err = PAT_ERR_NOMEM;
    char **grown;

    if (more == 0) {
        ldap_value_free_len(vals);
        return PAT_OK;
    }
    while (*list != NULL && (*list)[have] != NULL)
        have++;
    grown = calloc(have + more + 1, sizeof(*grown));
    if (grown == NULL)
        goto out;
    if (have > 0)
        memcpy(grown, *list, have * sizeof(*grown));
    free(*list);
    *list = grown;
    for (size_t i = 0; i < more; i++) {
        bool whole = memchr(vals[i]->bv_val, '\0', vals[i]->bv_len) == NULL;

        grown[have + i] = whole ? strndup(vals[i]->bv_val, vals[i]->bv_len) : strdup("");
        if (grown[have + i] == NULL)
            goto out;
    }
    err = PAT_OK;
out:
    ldap_value_free_len(vals);
    return err;
}

static int
count_levels(LDAPDN dn)
{
    int levels = 0;

    while (dn != NULL && dn[levels] != NULL)
        levels++;
    return levels;
}

/*
 * The org of a token: the entry two levels above it, and the value of that entry's RDN.
 * It must stand below the base: the base itself, or what is above it, would lend the
 * token the roles of all orgs. Left NULL where there is no such thing; the decision
 * refuses such a record.
 */
static enum pat_err
take_org(struct pat_record *rec, int base_levels)
{
    enum pat_err err = PAT_ERR_NOMEM;
    LDAPDN dn = NULL;
    char *org_dn = NULL;
    int rc;

    if (ldap_str2dn(rec->dn, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || dn == NULL)
        return PAT_OK;
    if (count_levels(dn) < base_levels + 3 || dn[2][0] == NULL || dn[2][1] != NULL ||
        dn[2][0]->la_value.bv_len == 0 ||
        memchr(dn[2][0]->la_value.bv_val, '\0', dn[2][0]->la_value.bv_len) != NULL) {
        err = PAT_OK;
        goto out;
    }
    rc = ldap_dn2str(&dn[2], &org_dn, LDAP_DN_FORMAT_LDAPV3);
    if (rc != LDAP_SUCCESS) { /* such as bytes that are no UTF-8 */
        err = rc == LDAP_NO_MEMORY ? PAT_ERR_NOMEM : PAT_OK;
        goto out;
    }
    rec->org_dn = strdup(org_dn);
    rec->org = strndup(dn[2][0]->la_value.bv_val, dn[2][0]->la_value.bv_len);
    if (rec->org_dn != NULL && rec->org != NULL)
        err = PAT_OK;
out:
    ldap_memfree(org_dn);
    ldap_dnfree(dn);
    return err;
}

static bool
has_option(LDAP *ld, LDAPMessage *entry)
{
    BerElement *ber = NULL;
    bool found = false;
    char *name;

    for (name = ldap_first_attribute(ld, entry, &ber); name != NULL;
         name = ldap_next_attribute(ld, entry, ber)) {
        found = found || pat_record_is_option(name);
        ldap_memfree(name);
    }
    ber_free(ber, 0);
    return found;
}

/* PAT_ERR_UNAVAIL: it is no entry. */
static enum pat_err
take_token(LDAP *ld, LDAPMessage *entry, int base_levels, struct pat_record *rec)
{
    const struct {
        const char *attr;
        char ***list;
    } parts[] = {
        {"patId", &rec->ids},
        {"cn", &rec->names},
        {"patOwner", &rec->owners},
        {"patExpires", &rec->expires},
        {"patRevoked", &rec->revoked},
        {"patService", &rec->services},
        {"patSource", &rec->sources},
        {"patLastUsed", &rec->last_used},
        {"patOwnerUid", &rec->uids},
        {"patOwnerRole", &rec->roles},
    };
    char *dn = ldap_get_dn(ld, entry);
    enum pat_err err = PAT_OK;

    if (dn == NULL)
        return PAT_ERR_UNAVAIL;
    rec->dn = strdup(dn);
    ldap_memfree(dn);
    if (rec->dn == NULL)
        return PAT_ERR_NOMEM;
    rec->has_option = has_option(ld, entry);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && err == PAT_OK; i++)
        err = take_values(ld, entry, parts[i].attr, parts[i].list);
    return err == PAT_OK ? take_org(rec, base_levels) : err;
}

/* Judge the answer to the search for the token, and fill *rec. */
static enum pat_err
finish_token(struct pat_directory *dir, const struct search *s, int msgid,
    struct pat_deadline deadline, struct pat_record *rec, struct pat_diag *diag)
{
    LDAPMessage *msg = NULL;
    int code = LDAP_OTHER, entries;
    enum pat_err err = finish_search(dir, s, msgid, deadline, &code, &msg, diag);

    if (err != PAT_OK)
        return err;
    entries = ldap_count_entries(dir->conn.ld, msg);
    if (code == LDAP_NO_SUCH_OBJECT) {
        pat_diag_set(
            diag, "base %s does not exist, or the account may not search it", s->base);
        err = unavailable(dir, diag);
    } else if (entries > 1 || code == LDAP_SIZELIMIT_EXCEEDED) {
        pat_diag_set(diag, "several entries below %s have this patHash", s->base);
        err = PAT_ERR_RECORD;
    } else if (entries == 1) {
        err = take_token(
            dir->conn.ld, ldap_first_entry(dir->conn.ld, msg), dir->base_levels, rec);
        if (err == PAT_ERR_UNAVAIL) {
            pat_diag_set(diag, "%s: the server's answer cannot be read", s->what);
            err = unavailable(dir, diag);
        }
    } else {
        err = PAT_ERR_UNKNOWN;
    }
    (void)ldap_msgfree(msg);
    return err;
}

/* Allocated, for a value may grow threefold when escaped; ldap_memfree() it. */
static char *
escape(const char *value)
{
    struct berval in = {strlen(value), NULL}, out = {0, NULL};

    in.bv_val = strdup(value);
    if (in.bv_val == NULL || ldap_bv2escaped_filter_value(&in, &out) != 0)
        out.bv_val = NULL;
    free(in.bv_val);
    return out.bv_val;
}

/*
 * member first, since its index leaves fewest candidates. A token is no role group: who
 * may add tokens must not thereby hand out roles.
 */
#define ROLE_FILTER "(&(member=%s)(objectClass=patRoleGroup)(!(objectClass=patToken)))"

static char *
role_filter(const char *owner_dn)
{
    char *owner = escape(owner_dn), *filter = NULL;

    if (owner != NULL && asprintf(&filter, ROLE_FILTER, owner) < 0)
        filter = NULL;
    ldap_memfree(owner);
    return filter;
}

static enum pat_err
take_roles(LDAP *ld, LDAPMessage *msg, struct pat_record *rec)
{
    enum pat_err err = PAT_OK;

    for (LDAPMessage *e = ldap_first_entry(ld, msg); e != NULL && err == PAT_OK;
         e = ldap_next_entry(ld, e))
        err = take_values(ld, e, "patRole", &rec->roles);
    return err;
}

static enum pat_err
take_owner(LDAP *ld, LDAPMessage *msg, struct pat_record *rec)
{
    LDAPMessage *entry = ldap_first_entry(ld, msg);

    if (entry == NULL)
        return PAT_OK;
    rec->owner_found = true;
    return take_values(ld, entry, "uid", &rec->uids);
}

/* The two searches for an owner, under way together. */
struct owner_search {
    char *filter;
    struct search roles, owner;
    int role_id, owner_id;
};

/* What an owner must match. */
static const char *
owner_filter(const struct pat_directory *dir)
{
    return dir->conf->owner_filter != NULL ? dir->conf->owner_filter : "(objectClass=*)";
}

static enum pat_err
start_owner(struct pat_directory *dir, const char *owner_dn, const char *org_dn,
    struct pat_deadline deadline, struct owner_search *ret, struct pat_diag *diag)
{
    struct search roles = {
        "search for the owner's roles", org_dn, LDAP_SCOPE_SUBTREE, NULL, role_attrs, 0};
    struct search owner = {"search for the owner", owner_dn, LDAP_SCOPE_BASE,
        owner_filter(dir), owner_attrs, 1};
    enum pat_err err;

    ret->filter = role_filter(owner_dn);
    if (ret->filter == NULL)
        return PAT_ERR_NOMEM;
    roles.filter = ret->filter;
    ret->roles = roles;
    ret->owner = owner;
    err = start_search(dir, &ret->roles, deadline, &ret->role_id, diag);
    if (err == PAT_OK)
        err = start_search(dir, &ret->owner, deadline, &ret->owner_id, diag);
    return err;
}

/* Wait for both, and add what they say to *rec. */
static enum pat_err
finish_owner(struct pat_directory *dir, const struct owner_search *o,
    struct pat_deadline deadline, struct pat_record *rec, struct pat_diag *diag)
{
    LDAPMessage *role_msg = NULL, *owner_msg = NULL;
    int role_code = LDAP_OTHER, code = LDAP_OTHER;
    enum pat_err err;

    err =
        finish_search(dir, &o->roles, o->role_id, deadline, &role_code, &role_msg, diag);
    if (err == PAT_OK)
        err =
            finish_search(dir, &o->owner, o->owner_id, deadline, &code, &owner_msg, diag);
    else if (dir->conn.late)
        pat_ldap_abandon(&dir->conn, o->owner_id);
    if (err == PAT_OK && role_code == LDAP_SIZELIMIT_EXCEEDED) {
        /* The role that was cut off might be the one that counts. */
        pat_diag_set(diag, "%s: the server's size limit is too small", o->roles.what);
        err = unavailable(dir, diag);
    }
    if (err == PAT_OK)
        err = take_roles(dir->conn.ld, role_msg, rec);
    if (err == PAT_OK)
        err = take_owner(dir->conn.ld, owner_msg, rec);
    (void)ldap_msgfree(role_msg);
    (void)ldap_msgfree(owner_msg);
    return err;
}

static enum pat_err
send_kept(struct pat_directory *dir, const char *what, struct pat_diag *diag)
{
    if (pat_ldap_cork_off(&dir->conn.cork))
        return PAT_OK;
    (void)pat_ldap_broken(&dir->conn, what, LDAP_SERVER_DOWN, diag);
    return unavailable(dir, diag);
}

/* First round trip: the token. */
static enum pat_err
ask_token(struct pat_directory *dir, const struct pat_hash *hash,
    struct pat_deadline deadline, struct pat_record *rec, struct pat_diag *diag)
{
    char filter[sizeof(token_filter) + PAT_HASH_HEX_LEN];
    const struct search s = {"search for the token", dir->conf->base, LDAP_SCOPE_SUBTREE,
        filter, token_attrs, 2};
    enum pat_err err;
    int id = -1;

    (void)snprintf(filter, sizeof(filter), token_filter, hash->hex);
    err = start_search(dir, &s, deadline, &id, diag);
    return err == PAT_OK ? finish_token(dir, &s, id, deadline, rec, diag) : err;
}

/* Second round trip. */
static enum pat_err
ask_owner(struct pat_directory *dir, struct pat_deadline deadline, struct pat_record *rec,
    struct pat_diag *diag)
{
    struct owner_search o = {0};
    enum pat_err err;

    pat_ldap_cork_on(&dir->conn.cork);
    err = start_owner(dir, rec->owners[0], rec->org_dn, deadline, &o, diag);
    if (err == PAT_OK)
        err = send_kept(dir, o.owner.what, diag);
    if (err == PAT_OK)
        err = finish_owner(dir, &o, deadline, rec, diag);
    rec->owner_asked = err == PAT_OK;
    free(o.filter);
    return err;
}

/* One owner and one org, or the decision refuses it anyway. */
static bool
has_owner(const struct pat_record *rec)
{
    return rec->org_dn != NULL && rec->owners != NULL && rec->owners[0] != NULL &&
           rec->owners[0][0] != '\0' && rec->owners[1] == NULL;
}

/*
 * Returns whether an overlay of the server computed the owner's names or roles.
 * patOwnerUid and patOwnerRole are stored nowhere. Only these roles count then: a search
 * for role groups would also return members that another overlay, such as dynlist,
 * computes.
 */
static bool
is_computed(const struct pat_record *rec)
{
    return rec->uids != NULL || rec->roles != NULL;
}

/* Reads the owner's entry, which must match owner_filter, for its login names. */
static enum pat_err
ask_owner_entry(struct pat_directory *dir, struct pat_deadline deadline,
    struct pat_record *rec, struct pat_diag *diag)
{
    const struct search s = {"search for the owner", rec->owners[0], LDAP_SCOPE_BASE,
        owner_filter(dir), owner_attrs, 1};
    LDAPMessage *msg = NULL;
    int code = LDAP_OTHER;
    enum pat_err err;

    pat_strv_free(rec->uids);
    rec->uids = NULL;
    err = run_search(dir, &s, deadline, &code, &msg, diag);
    if (err == PAT_OK)
        err = take_owner(dir->conn.ld, msg, rec);
    rec->owner_asked = err == PAT_OK;
    (void)ldap_msgfree(msg);
    return err;
}

/* The second round trip, where there is still something to ask. */
static enum pat_err
complete_owner(struct pat_directory *dir, struct pat_deadline deadline,
    struct pat_record *rec, struct pat_diag *diag)
{
    bool computed = has_owner(rec) && is_computed(rec);

    if (computed && rec->uids != NULL && dir->conf->owner_filter == NULL) {
        rec->owner_asked = rec->owner_found = true;
        return PAT_OK;
    }
    if (computed)
        return ask_owner_entry(dir, deadline, rec, diag);
    pat_strv_free(rec->uids);
    pat_strv_free(rec->roles);
    rec->uids = rec->roles = NULL;
    return has_owner(rec) ? ask_owner(dir, deadline, rec, diag) : PAT_OK;
}

enum pat_err
pat_directory_find(struct pat_directory *dir, const struct pat_hash *hash,
    struct pat_deadline deadline, struct pat_record *rec, struct pat_diag *diag)
{
    enum pat_err err = pat_directory_open(dir, deadline, diag);

    if (err == PAT_OK)
        err = ask_token(dir, hash, deadline, rec, diag);
    if (err == PAT_OK)
        err = complete_owner(dir, deadline, rec, diag);
    /* Requests that were kept, or an answer that was not waited for, must not meet the
     * next; unless all were abandoned. */
    if ((err == PAT_ERR_UNAVAIL || err == PAT_ERR_NOMEM) && !dir->conn.late)
        pat_ldap_close(&dir->conn);
    return err;
}

static enum pat_err
modify(struct pat_directory *dir, const char *dn, LDAPMod **mods,
    struct pat_deadline deadline, int *ret_code, struct pat_diag *diag)
{
    LDAPMessage *msg = NULL;
    int msgid = -1;
    int rc = ldap_modify_ext(dir->conn.ld, dn, mods, NULL, NULL, &msgid);

    if (rc != LDAP_SUCCESS) {
        (void)pat_ldap_broken(&dir->conn, "modify", rc, diag);
        return unavailable(dir, diag);
    }
    if (pat_ldap_wait(&dir->conn, msgid, deadline, &msg, diag) != PAT_OK)
        return unavailable(dir, diag);
    *ret_code = pat_ldap_result(&dir->conn, msg, LDAP_RES_MODIFY, dn, diag);
    (void)ldap_msgfree(msg);
    return PAT_OK;
}

enum pat_err
pat_directory_touch(struct pat_directory *dir, const char *dn, const char *old,
    int64_t now, const char *from, struct pat_deadline deadline, struct pat_diag *diag)
{
    char time_attr[] = "patLastUsed", from_attr[] = "patLastUsedFrom";
    char text[PAT_GENTIME_LEN + 1];
    struct berval old_val = {0, NULL}, new_val = {0, text}, from_val = {0, NULL};
    struct berval *old_vals[] = {&old_val, NULL}, *new_vals[] = {&new_val, NULL},
                  *from_vals[] = {&from_val, NULL};
    LDAPMod del = {.mod_op = LDAP_MOD_DELETE | LDAP_MOD_BVALUES, .mod_type = time_attr};
    LDAPMod add = {.mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES, .mod_type = time_attr};
    LDAPMod put = {.mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES, .mod_type = from_attr};
    LDAPMod *mods[] = {&del, &add, &put, NULL};
    int code = LDAP_OTHER;
    enum pat_err err;

    del.mod_bvalues = old_vals;
    add.mod_bvalues = new_vals;
    put.mod_bvalues = from_vals;
    pat_gentime_format(now, text);
    new_val.bv_len = strlen(text);
    old_val.bv_val = old != NULL ? strdup(old) : NULL;
    old_val.bv_len = old != NULL ? strlen(old) : 0;
    from_val.bv_val = strdup(from);
    from_val.bv_len = strlen(from);
    if ((old != NULL && old_val.bv_val == NULL) || from_val.bv_val == NULL) {
        err = PAT_ERR_NOMEM;
        goto out;
    }

    err = pat_directory_open(dir, deadline, diag);
    if (err == PAT_OK)
        err = modify(dir, dn, old != NULL ? mods : mods + 1, deadline, &code, diag);
    if (err != PAT_OK)
        goto out;
    switch (code) {
    case LDAP_SUCCESS:
    case LDAP_NO_SUCH_OBJECT:       /* the token was deleted meanwhile */
    case LDAP_NO_SUCH_ATTRIBUTE:    /* another patd wrote first, */
    case LDAP_TYPE_OR_VALUE_EXISTS: /* in this very second, */
    case LDAP_CONSTRAINT_VIOLATION: /* or for the first time */
        break;
    default:
        err = unavailable(dir, diag);
        break;
    }
out:
    free(old_val.bv_val);
    free(from_val.bv_val);
    return err;
}

/* What an administrator has to do where a revocation is refused, or "". */
static const char *
revocation_advice(int code)
{
    switch (code) {
    case LDAP_INSUFFICIENT_ACCESS:
        return " (the account may not add patRevoked and patRevokedReason: see acl.ldif)";
    case LDAP_REFERRAL:
    case LDAP_UNWILLING_TO_PERFORM:
        return " (is it a replica, or read only? set write_uri)";
    default:
        return "";
    }
}

/* Add patRevoked. *ret_code is what the server said. */
static enum pat_err
add_revocation(struct pat_directory *dir, const char *dn, int64_t now,
    struct pat_deadline deadline, int *ret_code, struct pat_diag *diag)
{
    char time_attr[] = "patRevoked", reason_attr[] = "patRevokedReason";
    char text[PAT_GENTIME_LEN + 1], reason[] = "by-holder";
    char *times[] = {text, NULL}, *reasons[] = {reason, NULL};
    LDAPMod time = {.mod_op = LDAP_MOD_ADD, .mod_type = time_attr};
    LDAPMod why = {.mod_op = LDAP_MOD_ADD, .mod_type = reason_attr};
    LDAPMod *mods[] = {&time, &why, NULL};

    pat_gentime_format(now, text);
    time.mod_values = times;
    why.mod_values = reasons;
    return modify(dir, dn, mods, deadline, ret_code, diag);
}

/* As the directory has it now. */
static enum pat_err
find_revoked(struct pat_directory *dir, const struct pat_hash *hash,
    struct pat_deadline deadline, struct pat_record *rec, bool *ret_revoked,
    struct pat_diag *diag)
{
    enum pat_err err;

    pat_record_clear(rec);
    err = ask_token(dir, hash, deadline, rec, diag);
    if (err == PAT_OK)
        *ret_revoked = rec->revoked != NULL;
    return err;
}

enum pat_err
pat_directory_revoke(struct pat_directory *dir, const struct pat_hash *hash, int64_t now,
    struct pat_deadline deadline, struct pat_record *rec, bool *ret_already,
    struct pat_diag *diag)
{
    struct pat_diag said = {0};
    int code = LDAP_OTHER;
    bool already = false;
    enum pat_err err;

    err = pat_directory_open(dir, deadline, diag);
    if (err == PAT_OK)
        err = find_revoked(dir, hash, deadline, rec, &already, diag);
    if (err != PAT_OK || already)
        goto out;
    err = add_revocation(dir, rec->dn, now, deadline, &code, &said);
    if (err != PAT_OK) {
        pat_diag_set(diag, "%s", said.text);
        goto out;
    }
    if (code == LDAP_SUCCESS)
        goto out;
    /* Somebody else may have been faster, or have deleted it; only the entry can tell. */
    err = find_revoked(dir, hash, deadline, rec, &already, diag);
    if (err == PAT_OK && !already) {
        pat_diag_set(diag, "revoke %s%s", said.text, revocation_advice(code));
        err = unavailable(dir, diag);
    }
out:
    if (err == PAT_OK)
        *ret_already = already;
    return err;
}

enum pat_err
pat_directory_probe(
    struct pat_directory *dir, struct pat_deadline deadline, struct pat_diag *diag)
{
    const struct search s = {"read of the base", dir->conf->base, LDAP_SCOPE_BASE,
        "(objectClass=*)", no_attrs, 1};
    LDAPMessage *msg = NULL;
    int code = LDAP_OTHER;
    enum pat_err err;

    pat_ldap_close(&dir->conn);
    err = pat_directory_open(dir, deadline, diag);
    if (err == PAT_OK)
        err = run_search(dir, &s, deadline, &code, &msg, diag);
    (void)ldap_msgfree(msg);
    if (err == PAT_ERR_RECORD)
        err = PAT_ERR_UNAVAIL; /* no token has it */
    if (err == PAT_OK && code == LDAP_NO_SUCH_OBJECT) {
        pat_diag_set(
            diag, "base %s does not exist, or the account may not see it", s.base);
        err = unavailable(dir, diag);
    }
    return err;
}

bool
pat_directory_is_open(const struct pat_directory *dir)
{
    return dir->conn.ld != NULL;
}

enum pat_err
pat_directory_open(
    struct pat_directory *dir, struct pat_deadline deadline, struct pat_diag *diag)
{
    if (dir->conn.ld != NULL)
        return PAT_OK;
    if (pat_ldap_open(&dir->conn, dir->conf, dir->uri, deadline, diag) != PAT_OK)
        return unavailable(dir, diag);
    return PAT_OK;
}

enum pat_err
pat_directory_new(
    const struct pat_conf *conf, const char *uri, struct pat_directory **ret_dir)
{
    struct pat_directory *dir = calloc(1, sizeof(*dir));
    LDAPDN base = NULL;

    if (dir == NULL)
        return PAT_ERR_NOMEM;
    /* Its syntax was checked with the configuration: what fails now is memory. */
    if (ldap_str2dn(conf->base, &base, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS) {
        free(dir);
        return PAT_ERR_NOMEM;
    }
    dir->base_levels = count_levels(base);
    ldap_dnfree(base);
    dir->conf = conf;
    dir->uri = uri;
    dir->conn.fd = -1;
    *ret_dir = dir;
    return PAT_OK;
}

void
pat_directory_free(struct pat_directory *dir)
{
    if (dir == NULL)
        return;
    pat_ldap_close(&dir->conn);
    free(dir);
}

/* Returns whether a value has a NUL, written \00, at which a copy of the text ends. */
static bool
dn_has_nul(LDAPDN dn)
{
    for (size_t i = 0; dn[i] != NULL; i++)
        for (size_t j = 0; dn[i][j] != NULL; j++) {
            const struct berval *value = &dn[i][j]->la_value;

            if (value->bv_len > 0 && memchr(value->bv_val, '\0', value->bv_len) != NULL)
                return true;
        }
    return false;
}

bool
pat_directory_dn_valid(const char *text)
{
    LDAPDN dn = NULL;
    bool valid = ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS &&
                 dn != NULL && !dn_has_nul(dn);

    ldap_dnfree(dn);
    return valid;
}

/*
 * libldap offers its filter parser only as part of a search, which it encodes before it
 * connects: so one is aimed at what is no server.
 */
bool
pat_directory_filter_valid(const char *filter)
{
    LDAP *ld = NULL;
    int msgid = -1;
    int rc;

    if (ldap_initialize(&ld, "ldapi://%2Fdev%2Fnull") != LDAP_SUCCESS)
        return false;
    rc = ldap_search_ext(
        ld, "", LDAP_SCOPE_BASE, filter, NULL, 0, NULL, NULL, NULL, 0, &msgid);
    (void)ldap_unbind_ext(ld, NULL, NULL);
    return rc != LDAP_FILTER_ERROR;
}
