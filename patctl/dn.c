/* SPDX-License-Identifier: BSD-2-Clause */
#include "dn.h"

#include <ldap.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A copy for free(3) of what is libldap's. */
static char *
take(char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    ldap_memfree(text);
    return copy;
}

/* Returns whether a value has a NUL, which ends a string: acme\00evil would be acme. */
static bool
has_nul(LDAPDN dn)
{
    for (int i = 0; dn[i] != NULL; i++)
        for (int j = 0; dn[i][j] != NULL; j++) {
            const struct berval *value = &dn[i][j]->la_value;

            if (value->bv_len > 0 && memchr(value->bv_val, '\0', value->bv_len) != NULL)
                return true;
        }
    return false;
}

static bool
parse(const char *text, LDAPDN *ret)
{
    *ret = NULL;
    if (ldap_str2dn(text, ret, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || *ret == NULL)
        return false;
    if (!has_nul(*ret))
        return true;
    ldap_dnfree(*ret);
    *ret = NULL;
    return false;
}

static char *
spell(LDAPDN dn)
{
    char *text = NULL;

    if (ldap_dn2str(dn, &text, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return NULL;
    return take(text);
}

char *
dn_parent(const char *text, unsigned levels)
{
    LDAPDN dn;
    char *parent = NULL;
    unsigned depth = 0;

    if (!parse(text, &dn))
        return NULL;
    while (dn[depth] != NULL)
        depth++;
    if (depth > levels)
        parent = spell(dn + levels);
    ldap_dnfree(dn);
    return parent;
}

char *
dn_value(const char *text)
{
    LDAPDN dn;
    char *value = NULL;

    if (!parse(text, &dn))
        return NULL;
    /* An empty value is at a null pointer. */
    value = dn[0][0]->la_value.bv_len == 0
                ? strdup("")
                : strndup(dn[0][0]->la_value.bv_val, dn[0][0]->la_value.bv_len);
    ldap_dnfree(dn);
    return value;
}

char *
dn_child(const char *type, const char *value, const char *parent)
{
    struct berval type_bv = {strlen(type), (char *)(uintptr_t)type};
    struct berval value_bv = {strlen(value), (char *)(uintptr_t)value};
    LDAPAVA ava = {.la_attr = type_bv, .la_value = value_bv, .la_flags = LDAP_AVA_STRING};
    LDAPAVA *rdn[] = {&ava, NULL};
    char *rdn_text = NULL, *child;
    size_t size;

    if (ldap_rdn2str(rdn, &rdn_text, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return NULL;
    size = strlen(rdn_text) + strlen(parent) + 2;
    child = malloc(size);
    if (child != NULL)
        (void)snprintf(child, size, "%s,%s", rdn_text, parent);
    ldap_memfree(rdn_text);
    return child;
}

bool
dn_equal(const char *a, const char *b)
{
    LDAPDN dn_a, dn_b = NULL;
    char *text_a = NULL, *text_b = NULL;
    bool equal;

    if (parse(a, &dn_a) && parse(b, &dn_b)) {
        text_a = spell(dn_a);
        text_b = spell(dn_b);
    }
    equal = text_a != NULL && text_b != NULL && strcasecmp(text_a, text_b) == 0;
    ldap_dnfree(dn_a);
    ldap_dnfree(dn_b);
    free(text_a);
    free(text_b);
    return equal;
}

bool
dn_valid(const char *text)
{
    LDAPDN dn = NULL;
    char *again;
    bool valid;

    if (strchr(text, '=') == NULL || !parse(text, &dn))
        return false;
    /* libldap reads bytes that are no UTF-8, and does not write them. */
    again = spell(dn);
    valid = again != NULL;
    free(again);
    ldap_dnfree(dn);
    return valid;
}

/* The next argument, escaped, behind what *text has. */
static bool
append_escaped(char **text, size_t *len, const char *value)
{
    struct berval from = {strlen(value), (char *)(uintptr_t)value}, to = {0, NULL};
    char *bigger;

    if (ldap_bv2escaped_filter_value(&from, &to) != 0)
        return false;
    bigger = realloc(*text, *len + to.bv_len + 1);
    if (bigger != NULL) {
        memcpy(bigger + *len, to.bv_val, to.bv_len);
        *len += to.bv_len;
        *text = bigger;
    }
    ber_memfree(to.bv_val);
    return bigger != NULL;
}

static bool
append_plain(char **text, size_t *len, const char *from, size_t from_len)
{
    char *bigger = realloc(*text, *len + from_len + 1);

    if (bigger == NULL)
        return false;
    memcpy(bigger + *len, from, from_len);
    *len += from_len;
    *text = bigger;
    return true;
}

char *
filter_make(const char *fmt, ...)
{
    char *text = NULL;
    size_t len = 0;
    bool ok = true;
    va_list ap;

    va_start(ap, fmt);
    while (ok && *fmt != '\0') {
        const char *next = strstr(fmt, "%s");
        size_t plain = next == NULL ? strlen(fmt) : (size_t)(next - fmt);

        ok = append_plain(&text, &len, fmt, plain);
        fmt += plain;
        if (ok && next != NULL) {
            ok = append_escaped(&text, &len, va_arg(ap, const char *));
            fmt += 2;
        }
    }
    va_end(ap);
    if (!ok || text == NULL) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}
