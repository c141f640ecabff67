/* SPDX-License-Identifier: BSD-2-Clause */
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token.h"

void
bench_die(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void
floor_bind(LDAP *ld, const struct pat_conf *conf)
{
    int version = LDAP_VERSION3, server = 0;
    char none[1] = "";
    struct berval cred = {0, none};
    const char *mechanism = "EXTERNAL", *dn = "";

    (void)ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    if (conf->tls_ca_file != NULL &&
        (ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, conf->tls_ca_file) != 0 ||
            ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &server) != 0))
        bench_die("tls_ca_file");
    if (conf->bind_dn != NULL) {
        mechanism = LDAP_SASL_SIMPLE;
        dn = conf->bind_dn;
        cred.bv_val = conf->bind_password;
        cred.bv_len = strlen(conf->bind_password);
    }
    if (ldap_sasl_bind_s(ld, dn, mechanism, &cred, NULL, NULL, NULL) != LDAP_SUCCESS)
        bench_die("bind");
}

void
floor_open(struct floor *f, const struct pat_conf *conf)
{
    f->conf = conf;
    if (ldap_initialize(&f->ld, conf->uri[0]) != LDAP_SUCCESS)
        bench_die("ldap_initialize");
    floor_bind(f->ld, conf);
}

void
floor_close(struct floor *f)
{
    (void)ldap_unbind_ext(f->ld, NULL, NULL);
}

static LDAPMessage *
search(struct floor *f, const char *base, const char *filter, char *attr)
{
    char *attrs[] = {attr, NULL};
    LDAPMessage *msg = NULL;

    if (ldap_search_ext_s(f->ld, base, LDAP_SCOPE_SUBTREE, filter, attrs, 0, NULL, NULL,
            NULL, 0, &msg) != LDAP_SUCCESS ||
        ldap_count_entries(f->ld, msg) != 1)
        bench_die("floor: search");
    return msg;
}

/* Behind two RDNs, of which no id here makes use of a comma. */
static const char *
grandparent(const char *dn)
{
    for (int i = 0; dn != NULL && i < 2; i++) {
        dn = strchr(dn, ',');
        dn = dn != NULL ? dn + 1 : NULL;
    }
    return dn;
}

void
floor_verify(struct floor *f, const char *token, size_t token_len)
{
    char filter[512];
    char owner_attr[] = "patOwner", role_attr[] = "patRole";
    struct pat_hash hash = {0};
    struct berval **vals;
    LDAPMessage *msg, *entry;
    char *dn;

    if (pat_token_hash(token, token_len, &hash) != PAT_OK)
        bench_die("hash");
    (void)snprintf(filter, sizeof(filter), "(patHash=%s)", hash.hex);
    msg = search(f, f->conf->base, filter, owner_attr);
    entry = ldap_first_entry(f->ld, msg);
    vals = ldap_get_values_len(f->ld, entry, owner_attr);
    dn = ldap_get_dn(f->ld, entry);
    if (vals == NULL || grandparent(dn) == NULL)
        bench_die("floor: no owner");
    (void)snprintf(filter, sizeof(filter), "(&(member=%.*s)(objectClass=patRoleGroup))",
        (int)vals[0]->bv_len, vals[0]->bv_val);
    (void)ldap_msgfree(search(f, grandparent(dn), filter, role_attr));
    ldap_memfree(dn);
    ldap_value_free_len(vals);
    (void)ldap_msgfree(msg);
}
