/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_ldap.c - the servers: can they be reached, and what may patd's account see?
 *
 * Connections are those of patd (ldap_conn.h), so that what works here works there.
 */
#include "doctor_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "gentime.h"
#include "overlays.h"
#include "strv.h"
#include "uri.h"

#define CLOCK_SKEW_MAX_S 30
#define LAG_MAX_S        30

/* --- asking --------------------------------------------------------------------------
 */

int
doctor_ask(struct server *s, const char *base, int scope, const char *filter,
    char **attrs, int limit, LDAPMessage **ret)
{
    struct pat_deadline deadline = pat_deadline_in_ms(s->conf->timeout_ms);
    struct pat_diag diag;
    LDAPMessage *last = NULL;
    int id = -1, code;

    *ret = NULL;
    if (s->conn.ld == NULL)
        return LDAP_SERVER_DOWN;
    code = ldap_search_ext(
        s->conn.ld, base, scope, filter, attrs, 0, NULL, NULL, NULL, limit, &id);
    if (code != LDAP_SUCCESS)
        return code;
    if (pat_ldap_wait(&s->conn, id, deadline, ret, &diag) != PAT_OK)
        return LDAP_SERVER_DOWN;
    for (LDAPMessage *m = ldap_first_message(s->conn.ld, *ret); m != NULL;
         m = ldap_next_message(s->conn.ld, m))
        last = m;
    code = last != NULL
               ? pat_ldap_result(&s->conn, last, LDAP_RES_SEARCH_RESULT, "search", NULL)
               : LDAP_OTHER;
    return code == LDAP_SIZELIMIT_EXCEEDED && limit > 0 ? LDAP_SUCCESS : code;
}

static bool
entry_has(struct server *s, LDAPMessage *entry, const char *attr)
{
    struct berval **vals = ldap_get_values_len(s->conn.ld, entry, attr);
    bool has = vals != NULL && vals[0] != NULL;

    ldap_value_free_len(vals);
    return has;
}

/* Is a word of any value of that attribute the name? Values are definitions in a schema.
 */
static bool
defines(struct server *s, LDAPMessage *entry, const char *attr, const char *name)
{
    struct berval **vals = ldap_get_values_len(s->conn.ld, entry, attr);
    char quoted[80];
    bool found = false;

    (void)snprintf(quoted, sizeof(quoted), "'%s'", name);
    for (size_t i = 0; vals != NULL && vals[i] != NULL && !found; i++)
        found = strcasestr(vals[i]->bv_val, quoted) != NULL;
    ldap_value_free_len(vals);
    return found;
}

char *
doctor_value(struct server *s, LDAPMessage *entry, const char *attr)
{
    struct berval **vals = ldap_get_values_len(s->conn.ld, entry, attr);
    char *copy = NULL;

    if (vals != NULL && vals[0] != NULL)
        copy = strndup(vals[0]->bv_val, vals[0]->bv_len);
    ldap_value_free_len(vals);
    return copy;
}

/* --- rights --------------------------------------------------------------------------
 */

enum answer { NO, YES, NO_ANSWER };

/* Is there any entry that the filter finds? *ret_value: is `attr` to be read there? */
static enum answer
finds(struct server *s, const char *filter, const char *attr, bool *ret_value)
{
    char *attrs[] = {(char *)(uintptr_t)attr, NULL};
    LDAPMessage *msg = NULL, *entry;
    int code = doctor_ask(s, s->conf->base, LDAP_SCOPE_SUBTREE, filter, attrs, 1, &msg);
    enum answer answer = NO_ANSWER;

    if (code == LDAP_SUCCESS) {
        entry = ldap_first_entry(s->conn.ld, msg);
        answer = entry != NULL ? YES : NO;
        *ret_value = entry != NULL && entry_has(s, entry, attr);
    }
    (void)ldap_msgfree(msg);
    return answer;
}

#define TOKENS "(objectClass=patToken)"

/* May it search for the attribute? This is true of every token then, and else of none. */
static enum answer
may_search(struct server *s, const char *attr)
{
    char filter[160];
    bool unused;

    (void)snprintf(filter, sizeof(filter), "(&" TOKENS "(|(%s=*)(!(%s=*))))", attr, attr);
    return finds(s, filter, "1.1", &unused);
}

/* Find a token that has the attribute, and see whether its value comes with it. */
static enum answer
may_read(struct server *s, const char *attr, bool *ret_read)
{
    char filter[160];

    (void)snprintf(filter, sizeof(filter), "(&" TOKENS "(%s=*))", attr);
    return finds(s, filter, attr, ret_read);
}

static void
check_hash(struct server *s)
{
    bool read = false;
    enum answer answer = may_search(s, "patHash");

    if (answer == NO)
        doctor_wrong(s->d,
            "%s: the account may not search patHash: every token is refused. Give it =s, "
            "see acl.ldif",
            s->uri);
    if (answer == YES)
        answer = may_read(s, "patHash", &read);
    else
        return;
    if (answer == YES && read)
        doctor_wrong(s->d,
            "%s: the account can read patHash, which nobody needs to. Take that away and "
            "leave =s, see acl.ldif",
            s->uri);
    else if (answer == YES)
        doctor_ok(s->d, "%s: the account can search patHash and not read it", s->uri);
    else
        doctor_unknown(s->d, "%s: patHash: no answer", s->uri);
}

/* What a revocation or a limit says must be seen, or it is overlooked. */
static void
check_limit(struct server *s, const char *attr)
{
    bool read = false;
    enum answer answer = may_search(s, attr);

    if (answer == NO) {
        doctor_wrong(s->d,
            "%s: the account has no right to %s: every token is refused. Give it read, "
            "see acl.ldif",
            s->uri, attr);
        return;
    }
    if (answer == YES)
        answer = may_read(s, attr, &read);
    if (answer == YES && !read)
        doctor_wrong(s->d,
            "%s: the account can search %s and not read it: such tokens are let in "
            "regardless. Give it read, see acl.ldif",
            s->uri, attr);
    else if (answer == YES)
        doctor_ok(s->d, "%s: the account reads %s", s->uri, attr);
    else if (answer == NO)
        doctor_ok(
            s->d, "%s: the account can search %s, and no token has it", s->uri, attr);
    else
        doctor_unknown(s->d, "%s: %s: no answer", s->uri, attr);
}

static void
check_rights(struct server *s)
{
    static const char *const limits[] = {
        "patRevoked", "patExpires", "patService", "patSource", NULL};
    bool unused;
    enum answer answer = finds(s, TOKENS, "1.1", &unused);

    if (answer == NO_ANSWER) {
        doctor_wrong(s->d,
            "%s: base %s cannot be searched: it does not exist, or the account may not. "
            "See base in patd.conf, and acl.ldif",
            s->uri, s->conf->base);
        return;
    }
    if (answer == NO) {
        doctor_unknown(s->d,
            "%s: rights: the account sees no token below %s. Make one, and look again; "
            "if "
            "there are some, see acl.ldif",
            s->uri, s->conf->base);
        return;
    }
    check_hash(s);
    for (size_t i = 0; limits[i] != NULL; i++)
        check_limit(s, limits[i]);
}

/* --- schema, clock -------------------------------------------------------------------
 */

static char *
root_value(struct server *s, const char *attr)
{
    char *attrs[] = {(char *)(uintptr_t)attr, NULL};
    LDAPMessage *msg = NULL, *entry = NULL;
    char *value = NULL;

    if (doctor_ask(s, "", LDAP_SCOPE_BASE, "(objectClass=*)", attrs, 0, &msg) ==
        LDAP_SUCCESS)
        entry = ldap_first_entry(s->conn.ld, msg);
    if (entry != NULL)
        value = doctor_value(s, entry, attr);
    (void)ldap_msgfree(msg);
    return value;
}

static void
check_schema(struct server *s)
{
    static const char *const needed[] = {"patId", "patHash", "patOwner", "patExpires",
        "patService", "patSource", "patRevoked", "patRevokedReason", "patLastUsed",
        "patRole", NULL};
    char *attrs[] = {(char[]){"attributeTypes"}, NULL};
    char *where = root_value(s, "subschemaSubentry");
    LDAPMessage *msg = NULL, *entry = NULL;
    const char *missing = NULL;

    if (where != NULL && doctor_ask(s, where, LDAP_SCOPE_BASE, "(objectClass=subschema)",
                             attrs, 0, &msg) == LDAP_SUCCESS)
        entry = ldap_first_entry(s->conn.ld, msg);
    if (entry == NULL) {
        doctor_unknown(s->d, "%s: schema: the account may not read it", s->uri);
    } else {
        for (size_t i = 0; needed[i] != NULL && missing == NULL; i++)
            if (!defines(s, entry, "attributeTypes", needed[i]))
                missing = needed[i];
        if (missing != NULL)
            doctor_wrong(s->d,
                "%s: the schema has no %s. Load pat.ldif: ldapadd -Y EXTERNAL -H "
                "ldapi:/// -f pat.ldif",
                s->uri, missing);
        else
            doctor_ok(s->d, "%s: the schema is there", s->uri);
    }
    free(where);
    (void)ldap_msgfree(msg);
}

static void
check_clock(struct server *s)
{
    char *attrs[] = {(char[]){"monitorTimestamp"}, NULL};
    LDAPMessage *msg = NULL, *entry = NULL;
    struct pat_uri uri = {0};
    struct pat_diag diag;
    char *text = NULL;
    int64_t theirs = 0, off;

    if (pat_uri_parse(s->uri, &uri, &diag) == PAT_OK && pat_uri_is_local(&uri)) {
        doctor_ok(s->d, "%s: clock: it is this host's", s->uri);
        return;
    }
    if (doctor_ask(s, "cn=Current,cn=Time,cn=Monitor", LDAP_SCOPE_BASE, "(objectClass=*)",
            attrs, 0, &msg) == LDAP_SUCCESS)
        entry = ldap_first_entry(s->conn.ld, msg);
    if (entry != NULL)
        text = doctor_value(s, entry, "monitorTimestamp");
    if (text == NULL || pat_gentime_parse(text, &theirs) != PAT_OK) {
        doctor_unknown(s->d,
            "%s: clock: the account may not read cn=Current,cn=Time,cn=Monitor "
            "(slapd-monitor(5))",
            s->uri);
    } else {
        off = theirs - (int64_t)time(NULL);
        if (off > CLOCK_SKEW_MAX_S || off < -CLOCK_SKEW_MAX_S)
            doctor_wrong(s->d, "%s: clock: it is %lld s %s this host's. Keep both by NTP",
                s->uri, (long long)(off > 0 ? off : -off),
                off > 0 ? "ahead of" : "behind");
        else
            doctor_ok(s->d, "%s: clock: agrees", s->uri);
    }
    free(text);
    (void)ldap_msgfree(msg);
}

/* --- replicas ------------------------------------------------------------------------
 */

/* The newest change that the server has, by its contextCSN; 0 = not to be seen. */
static int64_t
newest_change(struct server *s)
{
    char *attrs[] = {(char[]){"contextCSN"}, NULL};
    char *suffix = root_value(s, "namingContexts");
    LDAPMessage *msg = NULL, *entry = NULL;
    struct berval **vals = NULL;
    int64_t newest = 0;

    if (suffix != NULL && doctor_ask(s, suffix, LDAP_SCOPE_BASE, "(objectClass=*)", attrs,
                              0, &msg) == LDAP_SUCCESS)
        entry = ldap_first_entry(s->conn.ld, msg);
    if (entry != NULL)
        vals = ldap_get_values_len(s->conn.ld, entry, "contextCSN");
    for (size_t i = 0; vals != NULL && vals[i] != NULL; i++) {
        char *text = strndup(vals[i]->bv_val, vals[i]->bv_len);
        int64_t t = 0;

        /* 20261125065022.110410Z#000000#000#000000 */
        if (text != NULL)
            text[strcspn(text, "#")] = '\0';
        if (text != NULL && pat_gentime_parse(text, &t) == PAT_OK && t > newest)
            newest = t;
        free(text);
    }
    ldap_value_free_len(vals);
    (void)ldap_msgfree(msg);
    free(suffix);
    return newest;
}

/* --- a server ------------------------------------------------------------------------
 */

static void
tell_trouble(
    struct doctor *d, const struct pat_conf *conf, const char *uri, const char *why)
{
    char cert[512] = "";

    if (strncmp(why, "TLS", 3) == 0 &&
        doctor_certificate(
            conf, uri, pat_deadline_in_ms(conf->timeout_ms), cert, sizeof(cert)))
        doctor_wrong(d, "%s: TLS: %s", uri, cert);
    else if (strncmp(why, "bind", 4) == 0)
        doctor_wrong(d,
            "%s: it is reached, but: %s. Compare bind_dn and bind_password_file with the "
            "directory",
            uri, why);
    else if (strncmp(why, "SASL", 4) == 0)
        doctor_wrong(d, "%s: it is reached, but: %s. See authz.ldif", uri, why);
    else
        doctor_wrong(
            d, "%s: %s. Does slapd run there? Compare uri with its -h", uri, why);
}

/* *ret_newest as of newest_change(); -1 = not reached */
static void
check_server(
    struct doctor *d, const struct pat_conf *conf, const char *uri, int64_t *ret_newest)
{
    struct server s = {.d = d, .conf = conf, .uri = uri, .conn = {.fd = -1}};
    struct pat_diag diag = {""};

    *ret_newest = -1;
    if (pat_ldap_open(&s.conn, conf, uri, pat_deadline_in_ms(conf->timeout_ms), &diag) !=
        PAT_OK) {
        tell_trouble(d, conf, uri, diag.text);
        return;
    }
    doctor_ok(d, "%s: reached%s, bound", uri,
        strncmp(uri, "ldaps", 5) == 0 ? ", certificate accepted" : "");
    doctor_offers(&s);
    check_schema(&s);
    check_rights(&s);
    check_clock(&s);
    *ret_newest = newest_change(&s);
    doctor_tree(&s);
    pat_ldap_close(&s.conn);
}

static void
compare_replicas(struct doctor *d, const char *const *uris, const int64_t *newest)
{
    int64_t most = 0;

    for (size_t i = 0; uris[i] != NULL; i++)
        if (newest[i] > most)
            most = newest[i];
    for (size_t i = 0; uris[i] != NULL; i++) {
        if (newest[i] < 0)
            continue;
        if (newest[i] == 0)
            doctor_unknown(
                d, "%s: lag: the account may not read contextCSN at the suffix", uris[i]);
        else if (most - newest[i] > LAG_MAX_S)
            doctor_wrong(d,
                "%s: lag: its last change is %lld s older than that of another server: "
                "what was revoked there is let in here. See its syncrepl",
                uris[i], (long long)(most - newest[i]));
        else
            doctor_ok(d, "%s: lag: none to speak of", uris[i]);
    }
}

void
doctor_servers(struct doctor *d, const struct pat_conf *conf)
{
    const char *uris[PAT_URI_MAX + 2] = {NULL};
    int64_t newest[PAT_URI_MAX + 2] = {0};
    size_t count = 0;

    for (; count < PAT_URI_MAX && conf->uri[count] != NULL; count++)
        uris[count] = conf->uri[count];
    if (conf->write_uri != NULL && !pat_strv_contains(uris, conf->write_uri))
        uris[count++] = conf->write_uri;
    for (size_t i = 0; i < count; i++)
        check_server(d, conf, uris[i], &newest[i]);
    if (count > 1)
        compare_replicas(d, uris, newest);
}

/* --- cn=config -----------------------------------------------------------------------
 */

static const char *const indexed[] = {"patHash", "patOwner", "member", NULL};

/* "a,b eq": is there one for attr, of equality? */
static bool
has_index(struct berval **vals, const char *attr)
{
    size_t len = strlen(attr);

    for (size_t i = 0; vals != NULL && vals[i] != NULL; i++) {
        const char *p = vals[i]->bv_val, *kinds = strchr(p, ' ');

        if (kinds == NULL || strstr(kinds, "eq") == NULL)
            continue;
        while (p < kinds) {
            size_t n = strcspn(p, ", ");

            if (n == len && strncasecmp(p, attr, len) == 0)
                return true;
            p += n + 1;
        }
    }
    return false;
}

static void
check_indexes(struct server *s, LDAPMessage *entry)
{
    struct berval **vals = ldap_get_values_len(s->conn.ld, entry, "olcDbIndex");
    bool all = true;

    for (size_t i = 0; indexed[i] != NULL; i++)
        if (!has_index(vals, indexed[i])) {
            all = false;
            doctor_wrong(s->d,
                "%s: there is no equality index on %s: each use of a token reads all "
                "entries. Apply indexes.ldif",
                s->uri, indexed[i]);
        }
    if (all)
        doctor_ok(s->d, "%s: the indexes are there", s->uri);
    ldap_value_free_len(vals);
}

/* Returns the number and name of "{1}dynlist". False: it has none. */
static bool
overlay_name(const char *value, int *ret_number, const char **ret_name)
{
    char *end = NULL;
    long number;

    if (value == NULL || value[0] != '{')
        return false;
    number = strtol(value + 1, &end, 10);
    if (*end != '}' || number < 0 || number > 1000)
        return false;
    *ret_number = (int)number;
    *ret_name = end + 1;
    return true;
}

/* Reports an overlay that is refused, or that stands below pat. `pat`: pat's number, or
 * -1 if absent. */
static void
check_other_overlay(struct server *s, const char *value, int pat)
{
    const struct pat_overlay *known;
    const char *name = NULL;
    int number = 0;

    if (!overlay_name(value, &number, &name) || number == pat)
        return;
    known = pat_overlay_find(name);
    if (known != NULL && known->fault != NULL)
        doctor_wrong(s->d,
            "%s: the overlay %s %s: %s. The overlay pat refuses a database with it",
            s->uri, value, known->fault, known->remedy);
    else if (number < pat)
        doctor_wrong(s->d,
            "%s: the overlay %s stands below pat, which must be the innermost: pat "
            "refuses every change of tokens and groups. Delete %s from cn=config, and "
            "add "
            "it again without a number",
            s->uri, value, value);
    else if (pat >= 0 && strcasecmp(name, "dynlist") == 0)
        doctor_ok(s->d,
            "%s: the overlay dynlist stands above pat: the membership that it computes "
            "gives no role",
            s->uri);
}

static void
check_other_overlays(struct server *s, const char *database, const char *pat_value)
{
    char *attrs[] = {(char[]){"olcOverlay"}, NULL};
    LDAPMessage *msg = NULL;
    const char *name = NULL;
    int pat = -1;
    int code = doctor_ask(s, database, LDAP_SCOPE_ONELEVEL,
        "(objectClass=olcOverlayConfig)", attrs, 0, &msg);

    if ((pat_value != NULL && !overlay_name(pat_value, &pat, &name)) ||
        code != LDAP_SUCCESS)
        doctor_unknown(s->d,
            "%s: other overlays: the account cannot read them in cn=config", s->uri);
    else
        for (LDAPMessage *e = ldap_first_entry(s->conn.ld, msg); e != NULL;
             e = ldap_next_entry(s->conn.ld, e)) {
            char *value = doctor_value(s, e, "olcOverlay");

            check_other_overlay(s, value, pat);
            free(value);
        }
    (void)ldap_msgfree(msg);
}

static void
check_overlay(struct server *s, LDAPMessage *entry)
{
    char *dn = ldap_get_dn(s->conn.ld, entry);
    char *attrs[] = {(char[]){"olcDisabled"}, (char[]){"olcOverlay"}, NULL};
    LDAPMessage *msg = NULL, *overlay = NULL;
    char *disabled = NULL, *value = NULL;

    if (dn != NULL && doctor_ask(s, dn, LDAP_SCOPE_ONELEVEL, "(objectClass=olcPatConfig)",
                          attrs, 0, &msg) == LDAP_SUCCESS)
        overlay = ldap_first_entry(s->conn.ld, msg);
    if (overlay != NULL) {
        disabled = doctor_value(s, overlay, "olcDisabled");
        value = doctor_value(s, overlay, "olcOverlay");
    }
    if (overlay == NULL || (disabled != NULL && strcasecmp(disabled, "TRUE") == 0)) {
        doctor_wrong(s->d,
            "%s: the overlay pat is %s: revocations can be undone, and who leaves an org "
            "keeps the tokens. See slapo-pat(5)",
            s->uri, overlay == NULL ? "not there" : "disabled");
    } else {
        doctor_ok(s->d, "%s: the overlay pat is there", s->uri);
    }
    if (dn != NULL)
        check_other_overlays(s, dn, value);
    free(value);
    free(disabled);
    ldap_memfree(dn);
    (void)ldap_msgfree(msg);
}

/* Does the database hold the base? Spellings that slapd gives back, compared simply. */
static bool
holds(struct server *s, LDAPMessage *entry, const char *base)
{
    struct berval **vals = ldap_get_values_len(s->conn.ld, entry, "olcSuffix");
    size_t len = strlen(base);
    bool found = false;

    for (size_t i = 0; vals != NULL && vals[i] != NULL && !found; i++)
        found = vals[i]->bv_len <= len &&
                strcasecmp(base + len - vals[i]->bv_len, vals[i]->bv_val) == 0;
    ldap_value_free_len(vals);
    return found;
}

static void
check_databases(struct server *s)
{
    char *attrs[] = {(char[]){"olcSuffix"}, (char[]){"olcDbIndex"}, NULL};
    LDAPMessage *msg = NULL;
    bool found = false;
    int code = doctor_ask(s, "cn=config", LDAP_SCOPE_SUBTREE,
        "(objectClass=olcDatabaseConfig)", attrs, 0, &msg);

    for (LDAPMessage *e = code == LDAP_SUCCESS ? ldap_first_entry(s->conn.ld, msg) : NULL;
         e != NULL; e = ldap_next_entry(s->conn.ld, e)) {
        if (!holds(s, e, s->conf->base))
            continue;
        found = true;
        check_indexes(s, e);
        check_overlay(s, e);
    }
    if (!found)
        doctor_unknown(s->d,
            "%s: indexes and overlay: cn=config is not to be seen by this user. Run this "
            "as root on the server",
            s->uri);
    (void)ldap_msgfree(msg);
}

void
doctor_config(struct doctor *d, const struct pat_conf *conf)
{
    struct pat_conf external = *conf;

    /* By what the socket proves, and not as patd's account. */
    external.bind_dn = NULL;
    external.bind_password = NULL;
    for (size_t i = 0; conf->uri[i] != NULL; i++) {
        struct server s = {
            .d = d, .conf = &external, .uri = conf->uri[i], .conn = {.fd = -1}};
        struct pat_diag diag = {""};

        if (strncmp(s.uri, "ldapi", 5) != 0) {
            doctor_unknown(d,
                "%s: indexes and overlay: are seen over ldapi:// alone. Run this as root "
                "on the server",
                s.uri);
            continue;
        }
        /* Why not, the check of the server itself will tell. */
        if (pat_ldap_open(&s.conn, &external, s.uri, pat_deadline_in_ms(conf->timeout_ms),
                &diag) != PAT_OK) {
            doctor_unknown(d, "%s: indexes and overlay: %s", s.uri, diag.text);
            continue;
        }
        check_databases(&s);
        pat_ldap_close(&s.conn);
    }
}
