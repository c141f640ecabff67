/* SPDX-License-Identifier: BSD-2-Clause */
#include "stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlays.h"

/*
 * slapd's class of all overlays in cn=config, and the function by which slapd finds the
 * database of a new one. slapd pauses all other threads while it adds an overlay.
 */
static ConfigOCs *overlay_class;
static ConfigLDAPadd *find_database;

static slap_overinst *
first_overlay(BackendDB *be)
{
    return overlay_is_over(be) ? ((slap_overinfo *)be->bd_info->bi_private)->oi_list
                               : NULL;
}

static slap_overinst *
find_pat(BackendDB *be)
{
    slap_overinst *on = first_overlay(be);

    while (on != NULL && strcmp(on->on_bi.bi_type, "pat") != 0)
        on = on->on_next;
    return on;
}

/* Returns a database with pat: `be` itself or, for the frontend, any; or NULL. */
static BackendDB *
database_with_pat(BackendDB *be)
{
    BackendDB *other;

    if (be != frontendDB)
        return find_pat(be) == NULL ? NULL : be;
    LDAP_STAILQ_FOREACH(other, &backendDB, be_next)
    if (find_pat(other) != NULL)
        return other;
    return NULL;
}

static const char *
suffix_of(BackendDB *be)
{
    return be->be_suffix == NULL ? "" : be->be_suffix[0].bv_val;
}

static int
refuse_fault(const struct pat_overlay *other, BackendDB *be, ConfigReply *cr)
{
    snprintf(cr->msg, sizeof(cr->msg),
        "overlay %s beside overlay pat, database \"%s\": %s %s: %s", other->name,
        suffix_of(be), other->name, other->fault, other->remedy);
    return 1;
}

static int
check_list(slap_overinst *first, BackendDB *be, ConfigReply *cr)
{
    const struct pat_overlay *other;
    slap_overinst *on;

    for (on = first; on != NULL; on = on->on_next) {
        other = pat_overlay_find(on->on_bi.bi_type);
        if (other != NULL && other->fault != NULL)
            return refuse_fault(other, be, cr);
    }
    return 0;
}

int
pat_stack_check(BackendDB *be, slap_overinst *on, ConfigReply *cr)
{
    int rc = check_list(on->on_info->oi_list, be, cr);

    return rc != 0 ? rc : check_list(first_overlay(frontendDB), be, cr);
}

/* Returns how many overlays stand below. */
static long
place_of(const slap_overinst *on)
{
    long place = 0;

    while ((on = on->on_next) != NULL)
        place++;
    return place;
}

/* Checks "{0}rwm", or "rwm", which puts the overlay above all others. */
static int
check_new(const char *value, BackendDB *be, ConfigReply *cr)
{
    BackendDB *db = database_with_pat(be);
    const char *name = value[0] == '{' ? strchr(value, '}') : NULL;
    const struct pat_overlay *other;

    if (db == NULL)
        return 0;
    name = name == NULL ? value : name + 1;
    other = pat_overlay_find(name);
    if (other != NULL && other->fault != NULL)
        return refuse_fault(other, db, cr);
    if (db == be && name != value && strcasecmp(name, "pat") != 0 &&
        strtol(value + 1, NULL, 10) <= place_of(find_pat(db))) {
        snprintf(cr->msg, sizeof(cr->msg),
            "overlay %s, database \"%s\": pat must stay the innermost overlay: add %s "
            "without a number",
            name, suffix_of(db), name);
        return 1;
    }
    return 0;
}

/* Checks online changes alone: pat_stack_check() checks the configuration at start. */
static int
add_overlay(CfEntryInfo *parent, Entry *e, ConfigArgs *c)
{
    AttributeDescription *ad = NULL;
    const char *text;
    Attribute *a;
    int rc = find_database(parent, e, c);

    if (rc != LDAP_SUCCESS || !CONFIG_ONLINE_ADD(c))
        return rc;
    if (slap_str2ad("olcOverlay", &ad, &text) != LDAP_SUCCESS)
        return LDAP_OTHER;
    a = attr_find(e->e_attrs, ad);
    if (a == NULL || check_new(a->a_vals[0].bv_val, c->be, &c->reply) == 0)
        return LDAP_SUCCESS;
    Debug(LDAP_DEBUG_ANY, "%s\n", c->cr_msg);
    return LDAP_UNWILLING_TO_PERFORM;
}

int
pat_stack_watch(void)
{
    BackendInfo *config = backend_info("config");
    ConfigOCs *oc = config == NULL ? NULL : config->bi_cf_ocs;

    for (; oc != NULL && oc->co_def != NULL; oc++) {
        if (oc->co_type == Cft_Overlay && oc->co_ldadd != NULL) {
            overlay_class = oc;
            find_database = oc->co_ldadd;
            oc->co_ldadd = add_overlay;
            return 0;
        }
    }
    Debug(LDAP_DEBUG_ANY,
        "pat: cannot check overlays that are added in cn=config: build the module "
        "again here, by \"make deps && make\"\n");
    return -1;
}

void
pat_stack_unwatch(void)
{
    if (overlay_class != NULL)
        overlay_class->co_ldadd = find_database;
    overlay_class = NULL;
}
