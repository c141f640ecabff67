/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mint.c - make a token, or the successor of one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "command.h"
#include "dn.h"
#include "membership.h"
#include "minting.h"
#include "say.h"
#include "strv.h"
#include "tokens.h"
#include "when.h"

struct mint_options {
    const char *org, *name, *expires, *owner, *id, *description, *container;
    struct arg_list services, sources;
};

#define FIELD(name) offsetof(struct mint_options, name)
static const struct arg mint_args[] = {
    {0, "org", ARG_TEXT, FIELD(org), "ORG", "needed by who is in several"},
    {0, "name", ARG_TEXT, FIELD(name), "TEXT", "what you call it"},
    {0, "expires", ARG_TEXT, FIELD(expires), "WHEN", "90d, 2027-01-31, never"},
    {0, "service", ARG_LIST, FIELD(services), "NAME", "good there alone: sshd, imap, *"},
    {0, "source", ARG_LIST, FIELD(sources), "CIDR",
        "good from there alone: 192.0.2.0/24"},
    {0, "owner", ARG_TEXT, FIELD(owner), "UID", "for this person, as an administrator"},
    {0, "id", ARG_TEXT, FIELD(id), "ID", "instead of one that is made up"},
    {0, "description", ARG_TEXT, FIELD(description), "TEXT", "more about it"},
    {0, "container", ARG_TEXT, FIELD(container), "RDN", "where the org has its tokens"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

/* A list, which the table of options has room for one more than it can have. */
static void
list_of(const struct arg_list *from, const char **to)
{
    for (size_t i = 0; i < from->count; i++)
        to[i] = from->items[i];
    to[from->count] = NULL;
}

static int
parse_expires(const char *text, int64_t now, int64_t *ret)
{
    if (text == NULL || strcmp(text, "never") == 0) {
        *ret = 0;
        return EX_OK;
    }
    if (!when_parse(text, now, ret))
        return say_usage(
            "--expires %s: is neither a length of time, such as 90d, nor a date, "
            "such as 2027-01-31, nor never",
            text);
    if (*ret <= now)
        return say_usage("--expires %s: is in the past", text);
    return EX_OK;
}

/* The container of an org: for free(3). */
static char *
container_of(const char *org_dn, const char *container)
{
    const char *rdn = container == NULL ? MINTING_CONTAINER : container;
    size_t size = strlen(rdn) + strlen(org_dn) + 2;
    char *dn = malloc(size);

    if (dn != NULL)
        (void)snprintf(dn, size, "%s,%s", rdn, org_dn);
    return dn;
}

/* For whom: *ret_owner is NULL for oneself, *ret_person the DN in either case. */
static int
choose_owner(struct session *s, const char *uid, char **ret_owner, char **ret_person)
{
    const char *me = NULL;
    int rc;

    if (uid != NULL) {
        rc = person_find(s, uid, ret_owner);
        if (rc == EX_OK)
            *ret_person = strdup(*ret_owner);
    } else {
        rc = session_whoami(s, &me);
        if (rc == EX_OK)
            *ret_person = strdup(me);
    }
    if (rc == EX_OK && *ret_person == NULL)
        rc = say_no_memory();
    return rc;
}

/* Make it, show it. Takes `m` with all but parent, user and owner filled in. */
static int
mint_in(struct session *s, struct minting *m, const char *org_dn, const char *container)
{
    struct minted minted = {{0}, {0}};
    char *parent = container_of(org_dn, container), *org = dn_value(org_dn);
    int rc;

    if (parent == NULL || org == NULL) {
        rc = say_no_memory();
    } else {
        m->parent = parent;
        rc = minting_run(s, m, &minted);
    }
    if (rc == EX_OK)
        rc = minted_print(&minted, m, org);
    minted_clear(&minted);
    free(parent);
    free(org);
    return rc;
}

static int
mint_with(struct session *s, const struct mint_options *o, struct minting *m)
{
    char *owner = NULL, *person = NULL, *org = NULL, *user = NULL;
    int rc = choose_owner(s, o->owner, &owner, &person);

    if (rc == EX_OK)
        rc = o->org != NULL ? org_find(s, o->org, &org)
                            : membership_only_org(s, person, &org);
    if (rc == EX_OK) {
        user = dn_value(person);
        m->owner = owner;
        m->user = user == NULL ? person : user;
        rc = mint_in(s, m, org, o->container);
    }
    free(owner);
    free(person);
    free(org);
    free(user);
    return rc;
}

static int
mint_run(const struct call *call)
{
    const struct mint_options *o = call->options;
    const char *services[ARG_LIST_MAX + 1], *sources[ARG_LIST_MAX + 1];
    struct minting m = {.id = o->id,
        .name = o->name,
        .description = o->description,
        .services = services,
        .sources = sources};
    struct session s = {0};
    int rc = parse_expires(o->expires, time(NULL), &m.expires);

    list_of(&o->services, services);
    list_of(&o->sources, sources);
    if (rc == EX_OK)
        rc = session_open(call->connection, &s);
    if (rc == EX_OK)
        rc = mint_with(&s, o, &m);
    session_close(&s);
    return rc;
}

const struct command mint_command = {
    .name = "mint",
    .operands = "",
    .summary = "Make a token; it alone goes to standard output",
    .args = mint_args,
    .options_size = sizeof(struct mint_options),
    .connects = true,
    .run = mint_run,
};

/* --- rotate ---------------------------------------------------------------------------
 */

struct rotate_options {
    const char *org, *expires, *id;
    bool revoke_old;
};

#define FIELD(name) offsetof(struct rotate_options, name)
static const struct arg rotate_args[] = {
    {0, "revoke-old", ARG_FLAG, FIELD(revoke_old), NULL, "revoke the old one at once"},
    {0, "expires", ARG_TEXT, FIELD(expires), "WHEN",
        "else as long a life as the old one's"},
    {0, "id", ARG_TEXT, FIELD(id), "NEW-ID", "instead of one that is made up"},
    {0, "org", ARG_TEXT, FIELD(org), "ORG", "where several orgs have an ID"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

/* As long a life as the old one was given. */
static int64_t
successor_expires(const struct token_entry *old, int64_t now)
{
    if (old->expires == 0 || old->created == 0 || old->expires <= old->created)
        return old->expires == 0 ? 0 : old->expires;
    return now + (old->expires - old->created);
}

/* The successor has the same owner, which need not be said where that is who is bound. */
static int
succeed(struct session *s, const struct token_entry *old, struct minting *m)
{
    struct minted minted = {{0}, {0}};
    const char *me = NULL;
    char *parent = dn_parent(old->dn, 1);
    int rc = parent == NULL ? say_no_memory() : session_whoami(s, &me);

    m->parent = parent;
    m->user = old->user == NULL ? old->owner : old->user;
    m->owner =
        me != NULL && old->owner != NULL && dn_equal(me, old->owner) ? NULL : old->owner;
    if (rc == EX_OK)
        rc = minting_run(s, m, &minted);
    if (rc == EX_OK)
        rc = minted_print(&minted, m, old->org == NULL ? "?" : old->org);
    minted_clear(&minted);
    free(parent);
    return rc;
}

static int
end_old(struct session *s, const struct rotate_options *o, const struct token_entry *old)
{
    int rc;

    if (old->revoked != 0)
        return EX_OK;
    if (!o->revoke_old) {
        say_note("The old one is good until you revoke it: patctl revoke %s", old->id);
        return EX_OK;
    }
    rc = token_revoke(s, old->dn, old->id, "rotated");
    if (rc == EX_OK)
        say_note("Revoked the old one, %s.", old->id);
    else
        say_note(
            "The new one was made all the same; revoke the old one: patctl revoke %s",
            old->id);
    return rc;
}

static int
rotate_with(
    struct session *s, const struct rotate_options *o, const char *id, int64_t now)
{
    struct token_entry old = {0};
    struct minting m = {.id = o->id};
    char *org = NULL;
    int rc = o->org == NULL ? EX_OK : org_find(s, o->org, &org);

    if (rc == EX_OK)
        rc = token_find(s, id, org, &old);
    if (rc == EX_OK && o->expires != NULL)
        rc = parse_expires(o->expires, now, &m.expires);
    else
        m.expires = successor_expires(&old, now);
    m.name = old.name;
    m.description = old.description;
    m.services = pat_strv_const(old.services);
    m.sources = pat_strv_const(old.sources);
    if (rc == EX_OK)
        rc = succeed(s, &old, &m);
    if (rc == EX_OK)
        rc = end_old(s, o, &old);
    token_entry_clear(&old);
    free(org);
    return rc;
}

static int
rotate_run(const struct call *call)
{
    struct session s = {0};
    int rc = session_open(call->connection, &s);

    if (rc == EX_OK)
        rc = rotate_with(&s, call->options, call->argv[0], time(NULL));
    session_close(&s);
    return rc;
}

const struct command rotate_command = {
    .name = "rotate",
    .operands = "ID",
    .summary = "Make the successor of a token: same name, same scope",
    .args = rotate_args,
    .options_size = sizeof(struct rotate_options),
    .connects = true,
    .operands_min = 1,
    .operands_max = 1,
    .run = rotate_run,
};
