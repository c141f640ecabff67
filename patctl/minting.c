/* SPDX-License-Identifier: BSD-2-Clause */
#include "minting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include <sys/random.h>

#include "dn.h"
#include "gentime.h"
#include "say.h"
#include "secret.h"
#include "when.h"
#include "write.h"

#define USER_PART_MAX 24
#define RANDOM_PART   8
#define MODS_MAX      8

static const char attr_secret[] = "patSecret";

void
minted_clear(struct minted *m)
{
    pat_secret_erase(m, sizeof(*m));
}

/* UID-RANDOM: to be read in logs. 40 bits, so that ids do not meet; they are no secret.
 */
static int
make_id(const char *user, char *to, size_t size)
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 of them */
    unsigned char random[RANDOM_PART];
    char part[USER_PART_MAX + 1];
    size_t len = 0;

    for (const char *p = user == NULL ? "" : user; *p != '\0' && len < USER_PART_MAX; p++)
        if (strchr(
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._", *p))
            part[len++] = *p;
    part[len] = '\0';
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        say_error("no random numbers from the system");
        return EX_OSERR;
    }
    len = (size_t)snprintf(to, size, "%s-", len == 0 ? "pat" : part);
    for (size_t i = 0; i < RANDOM_PART; i++)
        to[len++] = alphabet[random[i] % 32];
    to[len] = '\0';
    return EX_OK;
}

/* libldap wants pointers to what it only reads. */
static char *mutable(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* One attribute of one value, NULL = none. */
struct attribute {
    LDAPMod mod;
    char *values[2];
};

struct attributes {
    struct attribute one[MODS_MAX];
    LDAPMod many[2];
    LDAPMod *mods[MODS_MAX + 3];
    size_t ones, all;
};

static void
add_one(struct attributes *a, const char *name, const char *value)
{
    struct attribute *one = &a->one[a->ones];

    if (value == NULL)
        return;
    a->ones++;
    one->values[0] = mutable(value);
    one->mod = (LDAPMod){LDAP_MOD_ADD, mutable(name), {.modv_strvals = one->values}};
    a->mods[a->all++] = &one->mod;
}

static void
add_many(struct attributes *a, LDAPMod *mod, const char *name, const char *const *values)
{
    if (values == NULL || values[0] == NULL)
        return;
    *mod = (LDAPMod){
        LDAP_MOD_ADD, mutable(name), {.modv_strvals = (char **)(uintptr_t)values}};
    a->mods[a->all++] = mod;
}

/* RFC 4527, section 2: an AttributeSelection, critical. */
static int
make_control(LDAPControl **ret)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    struct berval value = {0, NULL};
    int rc = LDAP_NO_MEMORY;

    if (ber != NULL && ber_printf(ber, "{s}", attr_secret) != -1 &&
        ber_flatten2(ber, &value, 0) != -1)
        rc = ldap_control_create(LDAP_CONTROL_POST_READ, 1, &value, 1, ret);
    ber_free(ber, 1);
    return rc;
}

/* The one value of patSecret in a SearchResultEntry. */
static bool
find_secret(BerElement *ber, struct minted *ret)
{
    struct berval dn, type, value;
    ber_len_t len;
    char *last;

    if (ber_scanf(ber, "{m", &dn) == LBER_ERROR)
        return false;
    for (ber_tag_t tag = ber_first_element(ber, &len, &last); tag != LBER_DEFAULT;
         tag = ber_next_element(ber, &len, last)) {
        if (ber_scanf(ber, "{m[m]}", &type, &value) == LBER_ERROR)
            return false;
        if (type.bv_len != strlen(attr_secret) ||
            strncasecmp(type.bv_val, attr_secret, type.bv_len) != 0)
            continue;
        if (value.bv_len == 0 || value.bv_len >= sizeof(ret->secret))
            return false;
        memcpy(ret->secret, value.bv_val, value.bv_len);
        ret->secret[value.bv_len] = '\0';
        return true;
    }
    return false;
}

/* What liblber frees is erased: see erase.c. */
static bool
take_secret(LDAPControl **controls, struct minted *ret)
{
    LDAPControl *c = ldap_control_find(LDAP_CONTROL_POST_READ, controls, NULL);
    BerElement *ber = c == NULL ? NULL : ber_init(&c->ldctl_value);
    bool found = ber != NULL && find_secret(ber, ret);

    ber_free(ber, 1);
    return found;
}

static int
add_entry(struct session *s, const char *dn, LDAPMod **mods, struct minted *ret)
{
    LDAPControl *control = NULL, **controls = NULL;
    char hint[256];
    bool told;
    int rc = make_control(&control);

    if (rc != LDAP_SUCCESS)
        return say_no_memory();
    (void)snprintf(hint, sizeof(hint),
        "It may have been made all the same, and nobody has it: patctl revoke %s",
        ret->id);
    session_guard_begin(s, hint);
    rc = session_add(s, dn, mods, control, &controls);
    session_guard_end();
    ldap_control_free(control);
    told = rc == LDAP_SUCCESS && take_secret(controls, ret);
    for (size_t i = 0; controls != NULL && controls[i] != NULL; i++)
        pat_secret_erase(
            controls[i]->ldctl_value.bv_val, controls[i]->ldctl_value.bv_len);
    ldap_controls_free(controls);
    if (rc != LDAP_SUCCESS) {
        rc = session_fail(s, "the token was not made");
        if (s->code == LDAP_SERVER_DOWN)
            say_note("%s", hint);
        return rc;
    }
    if (!told) {
        say_error(
            "%s: was added, but the server told no token: does its database have the "
            "overlay pat? Delete the entry: it is of no use",
            dn);
        return EX_PROTOCOL;
    }
    return EX_OK;
}

int
minting_run(struct session *s, const struct minting *m, struct minted *ret)
{
    struct attributes a = {.ones = 0};
    char expires[PAT_GENTIME_LEN + 1];
    char *dn;
    int rc = EX_OK;

    if (m->id == NULL)
        rc = make_id(m->user, ret->id, sizeof(ret->id));
    else if (strlen(m->id) < sizeof(ret->id))
        (void)snprintf(ret->id, sizeof(ret->id), "%s", m->id);
    else
        rc = say_usage("--id: an id has 1 to 64 of A-Z a-z 0-9 . _ -");
    if (rc != EX_OK)
        return rc;
    pat_gentime_format(m->expires, expires);
    add_one(&a, "objectClass", "patToken");
    add_one(&a, "patId", ret->id);
    add_one(&a, "cn", m->name);
    add_one(&a, "description", m->description);
    add_one(&a, "patOwner", m->owner);
    add_one(&a, "patExpires", m->expires == 0 ? NULL : expires);
    add_many(&a, &a.many[0], "patService", m->services);
    add_many(&a, &a.many[1], "patSource", m->sources);
    dn = dn_child("patId", ret->id, m->parent);
    rc = dn == NULL ? say_no_memory() : add_entry(s, dn, a.mods, ret);
    free(dn);
    return rc;
}

int
minted_print(const struct minted *m, const struct minting *from, const char *org)
{
    char text[MINTING_SECRET_MAX + 1], expires[WHEN_MAX] = "never";
    size_t len = strlen(m->secret);
    int rc;

    memcpy(text, m->secret, len);
    text[len] = '\n';
    rc = write_secret(text, len + 1);
    pat_secret_erase(text, sizeof(text));
    if (rc != EX_OK) {
        say_note("The token is lost: patctl revoke %s, and make another", m->id);
        return rc;
    }
    if (from->expires != 0)
        when_iso(from->expires, expires);
    say_note("Made the token %s of %s in %s; it expires: %s.", m->id, from->user, org,
        expires);
    say_note("It is shown this once. Keep it where only you can read it.");
    return EX_OK;
}
