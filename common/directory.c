/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gentime.h"
#include "ldap_conn.h"

/*
 * Whose token was it last time? Most tokens come again and again, and owner and org of
 * one never change. So one search asks for the token, its owner, and the owner's groups.
 * It is a guess about what to ask and no cache: what is decided on is read anew each
 * time. An answer that does not bear out all of the guess is thrown away as a whole.
 */
#define GUESSES 256 /* a power of two */

struct guess {
    char hex[PAT_HASH_HEX_LEN + 1];
    char *owner_dn; /* NULL = none */
    char *org_dn;
    char *base; /* where token, groups and owner stand */
    char *filter;
    bool useless; /* it was right, and the answer did not say so */
};

struct pat_directory {
    const struct pat_conf *conf;
    int base_levels; /* RDNs in conf->base */
    const char *uri;
    struct pat_ldap_conn conn;
    struct guess guesses[GUESSES];
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
    (char[]){"patSource"}, (char[]){"patLastUsed"}, NULL};
static char *guess_attrs[] = {(char[]){"patId"}, (char[]){"cn"}, (char[]){"patOwner"},
    (char[]){"patExpires"}, (char[]){"patRevoked"}, (char[]){"patService"},
    (char[]){"patSource"}, (char[]){"patLastUsed"}, (char[]){"patRole"},
    (char[]){"objectClass"}, (char[]){"uid"}, NULL};
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
    bool try; /* any result but a success just leaves the question open */
};

static void
guess_clear(struct guess *g)
{
    free(g->owner_dn);
    free(g->org_dn);
    free(g->base);
    free(g->filter);
    memset(g, 0, sizeof(*g));
}

/* The place of a hash in the table; empty if another token's guess is there. */
static struct guess *
guess_of(struct pat_directory *dir, const struct pat_hash *hash)
{
    struct guess *g;
    unsigned slot = 0;

    for (int i = 0; i < 8; i++)
        slot = slot * 31 + (unsigned char)hash->hex[i];
    g = &dir->guesses[slot & (GUESSES - 1)];
    if (strcmp(g->hex, hash->hex) != 0)
        guess_clear(g);
    return g;
}

static bool
guess_is_right(const struct guess *g, const struct pat_record *rec)
{
    return rec->org_dn != NULL && strcmp(rec->org_dn, g->org_dn) == 0 &&
           rec->owners != NULL && rec->owners[0] != NULL && rec->owners[1] == NULL &&
           strcmp(rec->owners[0], g->owner_dn) == 0;
}

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

    if (err != PAT_OK)
        return unavailable(dir, diag);
    /* The result is the last message of the chain. */
    for (LDAPMessage *m = ldap_first_message(dir->conn.ld, msg); m != NULL;
         m = ldap_next_message(dir->conn.ld, m))
        last = m;
    if (last != NULL && ldap_msgtype(last) == LDAP_RES_SEARCH_RESULT)
        code = pat_ldap_result(&dir->conn, last, s->what, diag);
    else
        pat_diag_set(diag, "%s: answer without a result", s->what);

    if (ldap_count_references(dir->conn.ld, msg) > 0) {
        pat_diag_set(
            diag, "%s: the server keeps a part of %s elsewhere", s->what, s->base);
        code = LDAP_REFERRAL;
    }
    if (code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED ||
        code == LDAP_NO_SUCH_OBJECT || s->try) {
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

    if (ldap_str2dn(rec->dn, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || dn == NULL)
        return PAT_OK;
    if (count_levels(dn) < base_levels + 3 || dn[2][0] == NULL || dn[2][1] != NULL) {
        err = PAT_OK;
        goto out;
    }
    if (ldap_dn2str(&dn[2], &org_dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        goto out;
    rec->org_dn = strdup(org_dn);
    rec->org = strndup(dn[2][0]->la_value.bv_val, dn[2][0]->la_value.bv_len);
    if (rec->org_dn != NULL && rec->org != NULL)
        err = PAT_OK;
out:
    ldap_memfree(org_dn);
    ldap_dnfree(dn);
    return err;
}

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
    };
    char *dn = ldap_get_dn(ld, entry);
    enum pat_err err = PAT_OK;

    if (dn != NULL)
        rec->dn = strdup(dn);
    ldap_memfree(dn);
    if (rec->dn == NULL)
        return PAT_ERR_NOMEM;
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
    struct search roles = {"search for the owner's roles", org_dn, LDAP_SCOPE_SUBTREE,
        NULL, role_attrs, 0, false};
    struct search owner = {"search for the owner", owner_dn, LDAP_SCOPE_BASE,
        owner_filter(dir), owner_attrs, 1, false};
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
        filter, token_attrs, 2, false};
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

/*
 * The same by one search, where there is a guess: each search costs the server as much as
 * a round trip does. The entries are told apart here. Whatever is not plain to see leaves
 * the question open, for the two round trips to settle.
 */

enum kind { KIND_TOKEN, KIND_GROUP, KIND_OTHER };

/* By classes, which say the same to us as to the filters of the other searches. */
static enum kind
kind_of(LDAP *ld, LDAPMessage *entry)
{
    struct berval **vals = ldap_get_values_len(ld, entry, "objectClass");
    enum kind kind = KIND_OTHER;

    for (size_t i = 0; vals != NULL && vals[i] != NULL && kind != KIND_TOKEN; i++)
        if (strcasecmp(vals[i]->bv_val, "patToken") == 0)
            kind = KIND_TOKEN;
        else if (strcasecmp(vals[i]->bv_val, "patRoleGroup") == 0)
            kind = KIND_GROUP;
    ldap_value_free_len(vals);
    return kind;
}

enum place { PLACE_SAME, PLACE_BELOW, PLACE_ELSEWHERE, PLACE_UNCLEAR };

/*
 * What is compared was written by one function, which escapes all but ASCII: names that
 * differ in more than the case of ASCII letters are different, and names with an escape
 * might not be.
 */
static enum place
compare_ends(const char *end, const char *base, int levels_below)
{
    if (strcmp(end, base) == 0)
        return levels_below > 0 ? PLACE_BELOW : PLACE_SAME;
    if (strcasecmp(end, base) == 0 || strchr(end, '\\') != NULL ||
        strchr(base, '\\') != NULL)
        return PLACE_UNCLEAR;
    return PLACE_ELSEWHERE;
}

/* Where does an entry stand, seen from `base`? */
static enum place
place_of(LDAP *ld, LDAPMessage *entry, const char *base)
{
    enum place place = PLACE_UNCLEAR;
    LDAPDN dn = NULL, base_dn = NULL;
    char *text = ldap_get_dn(ld, entry), *end = NULL, *want = NULL;
    int below;

    if (text == NULL || ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS ||
        ldap_str2dn(base, &base_dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS ||
        ldap_dn2str(base_dn, &want, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        goto out;
    below = count_levels(dn) - count_levels(base_dn);
    if (below < 0)
        place = PLACE_ELSEWHERE;
    else if (ldap_dn2str(&dn[below], &end, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS)
        place = compare_ends(end, want, below);
out:
    ldap_memfree(want);
    ldap_memfree(end);
    ldap_memfree(text);
    ldap_dnfree(dn);
    ldap_dnfree(base_dn);
    return place;
}

/* What the answer to a guess consists of. */
struct guessed {
    LDAPMessage *token, *owner;
    bool open; /* there is something besides, or it is not plain what */
};

static enum pat_err
sort_entry(LDAP *ld, LDAPMessage *entry, const struct guess *guess, struct guessed *g,
    struct pat_record *rec)
{
    switch (kind_of(ld, entry)) {
    case KIND_TOKEN:
        g->open = g->open || g->token != NULL;
        g->token = entry;
        return PAT_OK;
    case KIND_GROUP:
        switch (place_of(ld, entry, guess->org_dn)) {
        case PLACE_SAME:
        case PLACE_BELOW:
            return take_values(ld, entry, "patRole", &rec->roles);
        case PLACE_ELSEWHERE:
            return PAT_OK;
        case PLACE_UNCLEAR:
            break;
        }
        break;
    case KIND_OTHER:
        if (g->owner == NULL && place_of(ld, entry, guess->owner_dn) == PLACE_SAME) {
            g->owner = entry;
            return PAT_OK;
        }
        break;
    }
    g->open = true;
    return PAT_OK;
}

/*
 * Fill *rec if just the one token is there, of that owner in that org, which was found
 * below our base; the owner; and a role at least, if that still matters. Whether it is
 * true that one of them is missing is for the other searches to say.
 */
static enum pat_err
take_guessed(const struct pat_directory *dir, const struct guess *guess, LDAPMessage *msg,
    struct pat_record *rec)
{
    LDAP *ld = dir->conn.ld;
    struct guessed g = {NULL, NULL, false};
    enum pat_err err = PAT_OK;

    for (LDAPMessage *e = ldap_first_entry(ld, msg); e != NULL && err == PAT_OK;
         e = ldap_next_entry(ld, e))
        err = sort_entry(ld, e, guess, &g, rec);
    if (err != PAT_OK || g.open || g.token == NULL || g.owner == NULL)
        return err;
    err = take_token(ld, g.token, dir->base_levels, rec);
    if (err != PAT_OK || !guess_is_right(guess, rec) ||
        (rec->roles == NULL && rec->revoked == NULL))
        return err;
    rec->owner_found = true;
    err = take_values(ld, g.owner, "uid", &rec->uids);
    rec->owner_asked = err == PAT_OK;
    return err;
}

/* *rec is empty afterwards, or all that there is to know. */
static enum pat_err
ask_guessed(struct pat_directory *dir, const struct guess *guess,
    struct pat_deadline deadline, struct pat_record *rec, struct pat_diag *diag)
{
    const struct search s = {"search for token, owner and roles", guess->base,
        LDAP_SCOPE_SUBTREE, guess->filter, guess_attrs, 0, true};
    LDAPMessage *msg = NULL;
    int code = LDAP_OTHER;
    enum pat_err err = run_search(dir, &s, deadline, &code, &msg, diag);

    if (err == PAT_OK && code == LDAP_SUCCESS)
        err = take_guessed(dir, guess, msg, rec);
    (void)ldap_msgfree(msg);
    if (!rec->owner_asked)
        pat_record_clear(rec);
    if (err == PAT_OK)
        pat_diag_clear(diag);
    return err;
}

/* What two DNs end in alike; NULL: nothing, or no memory. */
static char *
common_base(const char *a_text, const char *b_text)
{
    LDAPDN a = NULL, b = NULL;
    char *common = NULL;
    int a_levels, b_levels;

    if (ldap_str2dn(a_text, &a, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS ||
        ldap_str2dn(b_text, &b, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        goto out;
    a_levels = count_levels(a);
    b_levels = count_levels(b);
    for (int n = a_levels < b_levels ? a_levels : b_levels; n > 0 && common == NULL;
         n--) {
        char *a_end = NULL, *b_end = NULL;

        if (ldap_dn2str(&a[a_levels - n], &a_end, LDAP_DN_FORMAT_LDAPV3) ==
                LDAP_SUCCESS &&
            ldap_dn2str(&b[b_levels - n], &b_end, LDAP_DN_FORMAT_LDAPV3) ==
                LDAP_SUCCESS &&
            strcasecmp(a_end, b_end) == 0)
            common = strdup(a_end);
        ldap_memfree(a_end);
        ldap_memfree(b_end);
    }
out:
    ldap_dnfree(a);
    ldap_dnfree(b);
    return common;
}

/* entryDN (RFC 5020) has no index to be configured: slapd finds it by the DN. */
static char *
guess_filter(
    const struct pat_directory *dir, const struct pat_hash *hash, const char *owner_dn)
{
    char token[sizeof(token_filter) + PAT_HASH_HEX_LEN];
    char *owner = escape(owner_dn), *filter = NULL;

    (void)snprintf(token, sizeof(token), token_filter, hash->hex);
    if (owner != NULL && asprintf(&filter, "(|%s" ROLE_FILTER "(&(entryDN=%s)%s))", token,
                             owner, owner, owner_filter(dir)) < 0)
        filter = NULL;
    ldap_memfree(owner);
    return filter;
}

/* Without memory there is no guess, and nothing is lost. */
static void
guess_remember(struct pat_directory *dir, struct guess *g, const struct pat_hash *hash,
    const struct pat_record *rec)
{
    guess_clear(g);
    g->owner_dn = strdup(rec->owners[0]);
    g->org_dn = strdup(rec->org_dn);
    g->base = common_base(rec->owners[0], dir->conf->base);
    g->filter = guess_filter(dir, hash, rec->owners[0]);
    if (g->owner_dn == NULL || g->org_dn == NULL || g->base == NULL || g->filter == NULL)
        guess_clear(g);
    else
        memcpy(g->hex, hash->hex, sizeof(g->hex));
}

/* One owner and one org, or the decision refuses it anyway. */
static bool
has_owner(const struct pat_record *rec)
{
    return rec->org_dn != NULL && rec->owners != NULL && rec->owners[0] != NULL &&
           rec->owners[1] == NULL;
}

/* By the two round trips, whatever was guessed. */
static enum pat_err
ask_plainly(struct pat_directory *dir, const struct pat_hash *hash,
    struct pat_deadline deadline, struct pat_record *rec, struct pat_diag *diag)
{
    enum pat_err err = ask_token(dir, hash, deadline, rec, diag);

    return err == PAT_OK && has_owner(rec) ? ask_owner(dir, deadline, rec, diag) : err;
}

enum pat_err
pat_directory_find(struct pat_directory *dir, const struct pat_hash *hash,
    struct pat_deadline deadline, struct pat_record *rec, struct pat_diag *diag)
{
    struct guess *guess = guess_of(dir, hash);
    bool guessed = guess->filter != NULL && !guess->useless;
    enum pat_err err;

    err = pat_directory_open(dir, deadline, diag);
    if (err == PAT_OK && guessed)
        err = ask_guessed(dir, guess, deadline, rec, diag);
    if (err == PAT_OK && !rec->owner_asked) {
        err = ask_plainly(dir, hash, deadline, rec, diag);
        if (err == PAT_OK && has_owner(rec)) {
            /* Where rules of access hide what a guess needs, say, it never pays. */
            if (guess->filter == NULL || !guess_is_right(guess, rec))
                guess_remember(dir, guess, hash, rec);
            else if (rec->owner_found && rec->roles != NULL)
                guess->useless = true;
        }
    }
    /* Requests that were kept, or an answer that was not waited for, must not meet the
     * next. */
    if (err == PAT_ERR_UNAVAIL || err == PAT_ERR_NOMEM)
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
    *ret_code = pat_ldap_result(&dir->conn, msg, dn, diag);
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
        "(objectClass=*)", no_attrs, 1, false};
    LDAPMessage *msg = NULL;
    int code = LDAP_OTHER;
    enum pat_err err;

    pat_ldap_close(&dir->conn);
    err = pat_directory_open(dir, deadline, diag);
    if (err == PAT_OK)
        err = run_search(dir, &s, deadline, &code, &msg, diag);
    (void)ldap_msgfree(msg);
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
    for (size_t i = 0; i < GUESSES; i++)
        guess_clear(&dir->guesses[i]);
    free(dir);
}

bool
pat_directory_dn_valid(const char *text)
{
    LDAPDN dn = NULL;
    bool valid =
        ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS && dn != NULL;

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
