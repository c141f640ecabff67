/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "converge.h"
#include "lutil.h"
#include "shape.h"
#include "stack.h"
#include "strv.h"
#include "txn.h"

#define PAT_OID "2.25.294509361245887642909694822877430947042"

enum {
    SET_PREFIX = 1,
    SET_AUDIT,
    SET_ROLE_ORDER,
    SET_LOGIN,
    SET_AUDIT_USE,
    SET_MAX_TOKENS,
    SET_REMOVAL_LIMIT,
    SET_FAILPOINT
};

#define PREFIX_DEFAULT     PAT_PREFIX_DEFAULT
#define AUDIT_DEFAULT      "ou=audit"
#define ROLE_ORDER_DEFAULT "owner,member,viewer"
#define ROLES_MAX          64
#define LOGIN_DEFAULT      "uid"
#define MAX_TOKENS_DEFAULT "1000"
#define REMOVALS_DEFAULT   "100"
#define NUMBER_MAX         1000000

static bool
set_prefix(struct pat_settings *set, const char *text, const char **ret_why)
{
    if (!pat_prefix_valid(text)) {
        *ret_why = "must be 1 to 16 of A-Z a-z 0-9 _ -";
        return false;
    }
    ch_free(set->prefix);
    set->prefix = ch_strdup(text);
    return true;
}

/* Only an organizationalUnit can be made where the container is missing. */
static bool
set_audit(struct pat_settings *set, const char *text, const char **ret_why)
{
    struct berval in = pat_bv(text), dn = BER_BVNULL, ndn = BER_BVNULL, rdn;

    if (dnPrettyNormal(NULL, &in, &dn, &ndn, NULL) != LDAP_SUCCESS || dn.bv_len < 4 ||
        strncasecmp(dn.bv_val, "ou=", 3) != 0 || strpbrk(dn.bv_val, "+,\\") != NULL) {
        ch_free(dn.bv_val);
        ch_free(ndn.bv_val);
        *ret_why = "must be ou=NAME, without , + and \\ in it";
        return false;
    }
    dnRdn(&dn, &rdn);
    ch_free(set->audit.bv_val);
    ch_free(set->naudit.bv_val);
    set->audit = dn;
    set->naudit = ndn;
    set->audit_value.bv_val = dn.bv_val + 3;
    set->audit_value.bv_len = dn.bv_len - 3;
    return true;
}

static bool
set_role_order(struct pat_settings *set, const char *text, const char **ret_why)
{
    char **list = pat_strv_split(text, ROLES_MAX, ret_why);

    if (list == NULL && *ret_why == NULL)
        *ret_why = "out of memory";
    if (list == NULL)
        return false;
    pat_strv_free(set->role_order);
    ch_free(set->role_order_text);
    set->role_order = list;
    set->role_order_text = ch_strdup(text);
    return true;
}

static bool
set_login(struct pat_settings *set, const char *text, const char **ret_why)
{
    AttributeDescription *ad = NULL;

    if (slap_str2ad(text, &ad, ret_why) != LDAP_SUCCESS)
        return false;
    set->login = ad;
    return true;
}

static bool
set_number(unsigned *ret, char (*ret_text)[16], const char *text, const char **ret_why)
{
    size_t len = strlen(text);

    if (len < 1 || len > 7 || strspn(text, "0123456789") != len ||
        strtoul(text, NULL, 10) > NUMBER_MAX) {
        *ret_why = "must be a number from 0 to 1000000; 0 is no limit";
        return false;
    }
    *ret = (unsigned)strtoul(text, NULL, 10);
    snprintf(*ret_text, sizeof(*ret_text), "%u", *ret);
    return true;
}

static bool
set_max_tokens(struct pat_settings *set, const char *text, const char **ret_why)
{
    return set_number(&set->max_tokens, &set->max_tokens_text, text, ret_why);
}

static bool
set_removal_limit(struct pat_settings *set, const char *text, const char **ret_why)
{
    return set_number(&set->removal_limit, &set->removal_limit_text, text, ret_why);
}

static bool
set_value(struct pat_settings *set, int type, const char *text, const char **ret_why)
{
    switch (type) {
    case SET_PREFIX:
        return set_prefix(set, text == NULL ? PREFIX_DEFAULT : text, ret_why);
    case SET_AUDIT:
        return set_audit(set, text == NULL ? AUDIT_DEFAULT : text, ret_why);
    case SET_ROLE_ORDER:
        return set_role_order(set, text == NULL ? ROLE_ORDER_DEFAULT : text, ret_why);
    case SET_LOGIN:
        return set_login(set, text == NULL ? LOGIN_DEFAULT : text, ret_why);
    case SET_AUDIT_USE:
        set->audit_use =
            text == NULL || strcasecmp(text, "TRUE") == 0 || strcasecmp(text, "on") == 0;
        *ret_why = "must be TRUE or FALSE";
        return set->audit_use || strcasecmp(text, "FALSE") == 0 ||
               strcasecmp(text, "off") == 0;
    case SET_MAX_TOKENS:
        return set_max_tokens(set, text == NULL ? MAX_TOKENS_DEFAULT : text, ret_why);
    case SET_REMOVAL_LIMIT:
        return set_removal_limit(set, text == NULL ? REMOVALS_DEFAULT : text, ret_why);
#ifdef PAT_FAILPOINTS
    case SET_FAILPOINT:
        *ret_why = "must be WHERE [NUMBER] ACTION";
        return pat_failpoint_set(text);
#endif
    }
    return false;
}

static const char *
get_value(const struct pat_settings *set, int type)
{
    switch (type) {
    case SET_PREFIX:
        return set->prefix;
    case SET_AUDIT:
        return set->audit.bv_val;
    case SET_ROLE_ORDER:
        return set->role_order_text;
    case SET_LOGIN:
        return set->login->ad_cname.bv_val;
    case SET_AUDIT_USE:
        return set->audit_use ? "TRUE" : "FALSE";
    case SET_MAX_TOKENS:
        return set->max_tokens_text;
    case SET_REMOVAL_LIMIT:
        return set->removal_limit_text;
#ifdef PAT_FAILPOINTS
    case SET_FAILPOINT:
        return pat_failpoint_get();
#endif
    }
    return NULL;
}

/* slapd splits at white space; no value of ours has parts. To be freed. */
static char *
whole_value(const ConfigArgs *c)
{
    size_t len = 1;
    char *text, *end;
    int i;

    for (i = 1; i < c->argc; i++)
        len += strlen(c->argv[i]) + 1;
    end = text = ch_calloc(1, len);
    for (i = 1; i < c->argc; i++) {
        if (i > 1)
            *end++ = ' ';
        end = lutil_strcopy(end, c->argv[i]);
    }
    return text;
}

static int
configure(ConfigArgs *c)
{
    slap_overinst *on = (slap_overinst *)c->bi;
    struct pat_settings *set = on->on_bi.bi_private;
    const char *why = "is not valid", *text;
    struct berval value;
    char *given;
    bool ok;

    switch (c->op) {
    case SLAP_CONFIG_EMIT:
        /* What was not given is not shown, so that it can be added. */
        text = (set->given & (1U << c->type)) == 0 ? NULL : get_value(set, c->type);
        if (text == NULL)
            return 1;
        value = pat_bv(text);
        value_add_one(&c->rvalue_vals, &value);
        return 0;
    case LDAP_MOD_DELETE:
        set->given &= ~(1U << c->type);
        return set_value(set, c->type, NULL, &why) ? 0 : 1;
    default:
        given = whole_value(c);
        ok = set_value(set, c->type, given, &why);
        if (ok) {
            set->given |= 1U << c->type;
        } else {
            snprintf(
                c->cr_msg, sizeof(c->cr_msg), "%s: \"%s\": %s", c->argv[0], given, why);
            Debug(LDAP_DEBUG_ANY, "%s: %s\n", c->log, c->cr_msg);
        }
        ch_free(given);
        return ok ? 0 : 1;
    }
}

ConfigTable pat_config_table[] = {
    {"pat-prefix", "prefix", 2, 0, 0, ARG_MAGIC | SET_PREFIX, (void *)configure,
        "( " PAT_OID ".3.1 NAME 'olcPatPrefix' "
        "DESC 'What the tokens begin with that are made here' "
        "EQUALITY caseExactMatch SYNTAX OMsDirectoryString SINGLE-VALUE )",
        NULL, {0}},
    {"pat-audit", "rdn", 2, 0, 0, ARG_MAGIC | SET_AUDIT, (void *)configure,
        "( " PAT_OID ".3.2 NAME 'olcPatAudit' "
        "DESC 'RDN of the container of audit events, directly below the org' "
        "EQUALITY caseIgnoreMatch SYNTAX OMsDirectoryString SINGLE-VALUE )",
        NULL, {0}},
    {"pat-role-order", "roles", 2, 0, 0, ARG_MAGIC | SET_ROLE_ORDER, (void *)configure,
        "( " PAT_OID ".3.3 NAME 'olcPatRoleOrder' "
        "DESC 'Roles, the strongest first, with commas between' "
        "EQUALITY caseIgnoreMatch SYNTAX OMsDirectoryString SINGLE-VALUE )",
        NULL, {0}},
    {"pat-login-attr", "attribute", 2, 0, 0, ARG_MAGIC | SET_LOGIN, (void *)configure,
        "( " PAT_OID ".3.4 NAME 'olcPatLoginAttr' "
        "DESC 'An entry with this attribute is a person' "
        "EQUALITY caseIgnoreMatch SYNTAX OMsDirectoryString SINGLE-VALUE )",
        NULL, {0}},
    {"pat-audit-use", "on|off", 2, 0, 0, ARG_MAGIC | SET_AUDIT_USE, (void *)configure,
        "( " PAT_OID ".3.5 NAME 'olcPatAuditUse' "
        "DESC 'Write an event for each last use that is noted' "
        "EQUALITY booleanMatch SYNTAX OMsBoolean SINGLE-VALUE )",
        NULL, {0}},
    {"pat-max-tokens", "number", 2, 0, 0, ARG_MAGIC | SET_MAX_TOKENS, (void *)configure,
        "( " PAT_OID ".3.6 NAME 'olcPatMaxTokens' "
        "DESC 'How many live tokens a person may have in an org; 0: no limit' "
        "EQUALITY integerMatch SYNTAX OMsInteger SINGLE-VALUE )",
        NULL, {0}},
    {"pat-removal-limit", "number", 2, 0, 0, ARG_MAGIC | SET_REMOVAL_LIMIT,
        (void *)configure,
        "( " PAT_OID ".3.7 NAME 'olcPatRemovalLimit' "
        "DESC 'Most members whose tokens one request revokes; 0: no limit' "
        "EQUALITY integerMatch SYNTAX OMsInteger SINGLE-VALUE )",
        NULL, {0}},
#ifdef PAT_FAILPOINTS
    {"pat-failpoint", "point", 2, 0, 0, ARG_MAGIC | SET_FAILPOINT, (void *)configure,
        "( " PAT_OID ".3.99 NAME 'olcPatFailpoint' "
        "DESC 'Test builds only: where to fail' "
        "EQUALITY caseIgnoreMatch SYNTAX OMsDirectoryString SINGLE-VALUE )",
        NULL, {0}},
#define MAY_FAILPOINT " $ olcPatFailpoint"
#else
#define MAY_FAILPOINT ""
#endif
    {NULL, NULL, 0, 0, 0, ARG_IGNORED, NULL, NULL, NULL, {0}},
};

ConfigOCs pat_config_classes[] = {
    {.co_def =
            "( " PAT_OID ".4.1 NAME 'olcPatConfig' "
            "DESC 'Personal access tokens' SUP olcOverlayConfig "
            "MAY ( olcPatPrefix $ olcPatAudit $ olcPatRoleOrder $ olcPatLoginAttr $ "
            "olcPatAuditUse $ olcPatMaxTokens $ olcPatRemovalLimit" MAY_FAILPOINT " ) )",
        .co_type = Cft_Overlay,
        .co_table = pat_config_table},
    {.co_def = NULL},
};

int
pat_config_db_init(BackendDB *be, ConfigReply *cr)
{
    slap_overinst *on = (slap_overinst *)be->bd_info;
    struct pat_settings *set;
    const char *why;
    int type;

    if (SLAP_ISGLOBALOVERLAY(be)) {
        snprintf(cr->msg, sizeof(cr->msg),
            "overlay pat belongs to a database of its own, not to the frontend");
        Debug(LDAP_DEBUG_ANY, "%s\n", cr->msg);
        return 1;
    }
    set = ch_calloc(1, sizeof(*set));
    set->pending = pat_pending_new();
    on->on_bi.bi_private = set;
    for (type = SET_PREFIX; type <= SET_REMOVAL_LIMIT; type++) {
        if (!set_value(set, type, NULL, &why)) {
            snprintf(cr->msg, sizeof(cr->msg), "overlay pat: default of setting %d: %s",
                type, why);
            return 1;
        }
    }
    return 0;
}

int
pat_config_db_destroy(BackendDB *be, ConfigReply *cr)
{
    slap_overinst *on = (slap_overinst *)be->bd_info;
    struct pat_settings *set = on->on_bi.bi_private;

    (void)cr;
    if (set == NULL)
        return 0;
    ch_free(set->prefix);
    ch_free(set->audit.bv_val);
    ch_free(set->naudit.bv_val);
    pat_strv_free(set->role_order);
    ch_free(set->role_order_text);
    pat_pending_free(set->pending, &be->be_nsuffix[0]);
    ch_free(set);
    on->on_bi.bi_private = NULL;
    return 0;
}

static const struct {
    ObjectClass **oc;
    const char *name;
} class_names[] = {
    {&pat_schema.token, "patToken"},
    {&pat_schema.org, "patOrg"},
    {&pat_schema.group, "patRoleGroup"},
    {&pat_schema.event, "patEvent"},
    {&pat_schema.unit, "organizationalUnit"},
    {&pat_schema.extensible, "extensibleObject"},
    {&pat_schema.alias, "alias"},
    {&pat_schema.referral, "referral"},
    {&pat_schema.subentry, "subentry"},
};

static int
find_schema(ConfigReply *cr)
{
    const struct pat_attribute *at;
    const char *why;
    size_t i;

    for (at = pat_attributes; at->name != NULL; at++) {
        *at->ad = NULL;
        if (slap_str2ad(at->name, at->ad, &why) != LDAP_SUCCESS) {
            snprintf(cr->msg, sizeof(cr->msg),
                "overlay pat: no attribute type %s in the schema: load pat.ldif "
                "(pat.schema)",
                at->name);
            return 1;
        }
    }
    for (i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++) {
        *class_names[i].oc = oc_find(class_names[i].name);
        if (*class_names[i].oc == NULL) {
            snprintf(cr->msg, sizeof(cr->msg),
                "overlay pat: no object class %s in the schema: load pat.ldif "
                "(pat.schema)",
                class_names[i].name);
            return 1;
        }
    }
    pat_schema.dn_subtree = mr_find("dnSubtreeMatch");
    if (pat_schema.dn_subtree == NULL) {
        snprintf(
            cr->msg, sizeof(cr->msg), "overlay pat: no matching rule dnSubtreeMatch");
        return 1;
    }
    return 0;
}

static int
check_database(BackendDB *be, slap_overinst *on, ConfigReply *cr)
{
    const char *suffix = be->be_suffix == NULL ? "" : be->be_suffix[0].bv_val;
    slap_overinst *other;
    const char *why = NULL;

    for (other = on->on_info->oi_list; other != NULL; other = other->on_next)
        if (other != on && strcmp(other->on_bi.bi_type, "pat") == 0)
            why = "the overlay is there twice: remove one";
    if (strcmp(on->on_info->oi_orig->bi_type, "mdb") != 0)
        why = "works on a database of type mdb only";
    else if (SLAP_GLUE_SUBORDINATE(be) || SLAP_GLUE_INSTANCE(be))
        why = "a database that is glued to others (olcSubordinate) cannot be changed in "
              "one "
              "transaction";
    else if (BER_BVISEMPTY(&be->be_rootndn))
        why =
            "the database needs an olcRootDN, by whom the overlay writes; a password it "
            "needs not";
    else if (why == NULL && on->on_next != NULL)
        why = "must be the innermost overlay: configure it first, as olcOverlay={0}pat";
    else if (!pat_txn_backend_ready())
        why = "cannot call back_mdb: load that module first";
    if (why == NULL)
        return 0;
    snprintf(cr->msg, sizeof(cr->msg), "overlay pat, database \"%s\": %s", suffix, why);
    return 1;
}

/* All that an operation of ours may write, besides what slapd has primed itself. */
static int
prime(BackendDB *be, ConfigReply *cr)
{
    AttributeDescription *ads[PAT_ATTRIBUTES + 9];
    const struct pat_attribute *at;
    size_t n = 0;
    int rc;

    for (at = pat_attributes; at->name != NULL; at++)
        ads[n++] = *at->ad;
    ads[n++] = slap_schema.si_ad_objectClass;
    ads[n++] = slap_schema.si_ad_structuralObjectClass;
    ads[n++] = slap_schema.si_ad_entryUUID;
    ads[n++] = slap_schema.si_ad_entryCSN;
    ads[n++] = slap_schema.si_ad_creatorsName;
    ads[n++] = slap_schema.si_ad_createTimestamp;
    ads[n++] = slap_schema.si_ad_modifiersName;
    ads[n++] = slap_schema.si_ad_modifyTimestamp;
    ads[n++] = slap_schema.si_ad_contextCSN;
    rc = pat_txn_prime(be, ads, n);
    if (rc != 0)
        snprintf(cr->msg, sizeof(cr->msg),
            "overlay pat, database \"%s\": cannot prepare it for writing (%d)",
            be->be_suffix[0].bv_val, rc);
    return rc;
}

int
pat_config_db_open(BackendDB *be, ConfigReply *cr)
{
    slap_overinst *on = (slap_overinst *)be->bd_info;
    int rc;

    rc = find_schema(cr);
    if (rc == 0)
        rc = check_database(be, on, cr);
    if (rc == 0)
        rc = pat_stack_check(be, on, cr);
    /* slapadd and the like write without us, and some only read. */
    if (rc == 0 && (slapMode & SLAP_TOOL_MODE) == 0)
        rc = prime(be, cr);
    if (rc == 0 && (slapMode & SLAP_TOOL_MODE) == 0)
        pat_converge_opened(be, on);
    if (rc != 0)
        Debug(LDAP_DEBUG_ANY, "%s\n", cr->msg);
    return rc;
}

int
pat_config_db_close(BackendDB *be, ConfigReply *cr)
{
    slap_overinst *on = (slap_overinst *)be->bd_info;

    (void)cr;
    if ((slapMode & SLAP_TOOL_MODE) == 0)
        pat_converge_closed(be, on);
    return 0;
}
