/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_remove.c - delete an org with everything in it
 *
 * Leaves are deleted first, and the audit log last, because each deletion of a live token
 * or of a group adds to it. The search is repeated until it finds no new entries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "command.h"
#include "dn.h"
#include "progress.h"
#include "prompt.h"
#include "say.h"
#include "strv.h"
#include "tokens.h"

struct options {
    bool yes;
};

static const struct arg args[] = {
    {0, "yes", ARG_FLAG, offsetof(struct options, yes), NULL, "do not ask before"},
    {0, NULL, 0, 0, NULL, NULL},
};

struct entry {
    char *dn;
    size_t depth;
    bool event;
    bool late; /* an event, or above one */
};

/* What a search found in the org. */
struct content {
    struct entry *list;
    size_t count, room;
    char **members;
    size_t values; /* of `members`, with duplicates */
    size_t members_count, groups, live, revoked, events, others, orgs;
    bool more, no_memory;
};

static void
content_clear(struct content *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->list[i].dn);
    for (size_t i = 0; i < c->values; i++)
        free(c->members[i]);
    free(c->list);
    free(c->members);
    *c = (struct content){0};
}

static size_t
depth_of(const char *dn)
{
    size_t depth = 0;

    for (; *dn != '\0'; dn++) {
        if (*dn == '\\' && dn[1] != '\0')
            dn++;
        else if (*dn == ',')
            depth++;
    }
    return depth;
}

static bool
take_members(struct session *s, LDAPMessage *entry, struct content *c)
{
    char **values = entry_values(s, entry, "member");

    for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
        char **more = reallocarray(c->members, c->values + 1, sizeof(*more));

        if (more == NULL) {
            pat_strv_free(values);
            return false;
        }
        c->members = more;
        c->members[c->values] = strdup(values[i]);
        if (c->members[c->values] != NULL)
            c->values++;
    }
    pat_strv_free(values);
    return true;
}

static bool
has_class(char **classes, const char *name)
{
    for (; classes != NULL && *classes != NULL; classes++)
        if (strcasecmp(*classes, name) == 0)
            return true;
    return false;
}

/* Counts the entry by its kind. False: out of memory. */
static bool
count_kind(struct session *s, LDAPMessage *entry, struct content *c, char **classes)
{
    if (has_class(classes, "patToken")) {
        char *revoked = entry_value(s, entry, "patRevoked");

        c->live += revoked == NULL;
        c->revoked += revoked != NULL;
        free(revoked);
    } else if (has_class(classes, "patEvent")) {
        c->events++;
    } else if (has_class(classes, "patRoleGroup")) {
        c->groups++;
        return take_members(s, entry, c);
    } else if (has_class(classes, "patOrg")) {
        c->orgs++;
    } else {
        c->others++;
    }
    return true;
}

static bool
take_entry(struct session *s, LDAPMessage *entry, void *arg)
{
    struct content *c = arg;
    char **classes = entry_values(s, entry, "objectClass");
    struct entry e = {.dn = entry_dn(s, entry), .event = has_class(classes, "patEvent")};

    c->no_memory = e.dn == NULL || !count_kind(s, entry, c, classes);
    pat_strv_free(classes);
    if (!c->no_memory && c->count == c->room) {
        size_t room = c->room == 0 ? 256 : 2 * c->room;
        struct entry *more = reallocarray(c->list, room, sizeof(*more));

        if (more == NULL) {
            c->no_memory = true;
        } else {
            c->list = more;
            c->room = room;
        }
    }
    if (c->no_memory) {
        free(e.dn);
        return false;
    }
    e.depth = depth_of(e.dn);
    e.late = e.event;
    c->list[c->count++] = e;
    progress_show(c->count);
    return true;
}

static int
compare_texts(const void *a, const void *b)
{
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* Orders entries for deletion. */
static int
compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->late != y->late)
        return x->late ? 1 : -1;
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    return 0;
}

/* Sorts for deletion: the container of the events, and the org, come after the events. */
static void
put_in_order(struct content *c, const char *org)
{
    char *container = NULL;

    for (size_t i = 0; i < c->count && container == NULL; i++)
        if (c->list[i].event)
            container = dn_parent(c->list[i].dn, 1);
    for (size_t i = 0; i < c->count; i++)
        c->list[i].late = c->list[i].late || dn_equal(c->list[i].dn, org) ||
                          (container != NULL && dn_equal(c->list[i].dn, container));
    free(container);
    if (c->count > 0)
        qsort(c->list, c->count, sizeof(*c->list), compare_entries);
    if (c->values > 0)
        qsort(c->members, c->values, sizeof(*c->members), compare_texts);
    for (size_t i = 0; i < c->values; i++)
        c->members_count += i == 0 || strcasecmp(c->members[i], c->members[i - 1]) != 0;
}

/* Returns EX_OK and no entries if the org no longer exists. */
static int
find_content(struct session *s, const char *org, struct content *ret)
{
    static const char *const attrs[] = {"objectClass", "patRevoked", "member", NULL};
    int rc;

    progress_begin("entries found");
    rc = session_search(
        s, org, LDAP_SCOPE_SUBTREE, "(objectClass=*)", attrs, take_entry, ret);
    progress_end();
    if (rc == LDAP_NO_SUCH_OBJECT)
        rc = LDAP_SUCCESS;
    ret->more = ret->count > 0 && session_limited(rc);
    if (ret->no_memory)
        return say_no_memory();
    if (rc != LDAP_SUCCESS && !ret->more)
        return session_fail(s, "searching for the entries of %s", org);
    put_in_order(ret, org);
    return EX_OK;
}

static void
describe(const struct content *c, char *to, size_t size)
{
    (void)snprintf(to, size,
        "%s%zu members, %zu role groups, %zu live tokens, %zu revoked tokens, %zu "
        "events, %zu other entries",
        c->more ? "at least " : "", c->members_count, c->groups, c->live, c->revoked,
        c->events, c->others);
}

/* Deletes one event first: only the rootdn can, and a failure must leave the org whole.
 */
static int
try_event(struct session *s, const struct content *c)
{
    for (size_t i = 0; i < c->count; i++) {
        int rc;

        if (!c->list[i].event)
            continue;
        rc = session_delete(s, c->list[i].dn);
        if (rc != LDAP_SUCCESS && rc != LDAP_NO_SUCH_OBJECT) {
            rc = session_fail(s, "%s cannot be deleted", c->list[i].dn);
            say_note("Nothing was deleted. Run the command as the rootdn of the "
                     "database");
            return rc;
        }
        return EX_OK;
    }
    return EX_OK;
}

/* Deletes the late entries only if no others are left. */
static int
delete_round(struct session *s, const struct content *c, size_t *done)
{
    bool late = c->count > 0 && c->list[0].late;

    for (size_t i = 0; i < c->count && c->list[i].late == late; i++) {
        int rc = session_delete_confirmed(s, c->list[i].dn);

        /* A new event was added meanwhile: the next round finds it. */
        if (late && rc == LDAP_NOT_ALLOWED_ON_NONLEAF && *done > 0)
            return EX_OK;
        if (rc == LDAP_SUCCESS)
            progress_show(++*done);
        else if (rc != LDAP_NO_SUCH_OBJECT)
            return session_fail(s, "%s cannot be deleted", c->list[i].dn);
    }
    return EX_OK;
}

/* Reports after a failure what is left, and how to go on. */
static void
report_left(struct session *s, const char *org, const char *name, size_t done)
{
    struct content left = {0};
    char text[256] = "a part of it";

    if (s->code != LDAP_SERVER_DOWN && find_content(s, org, &left) == EX_OK)
        describe(&left, text, sizeof(text));
    say_note("%zu entries of %s are deleted; left: %s. Remove the cause above, then run "
             "the command again",
        done, name, text);
    content_clear(&left);
}

/* Deletes until a search finds nothing, or a round deletes nothing. */
static int
delete_all(
    struct session *s, const char *org, const char *name, struct content *c, size_t *done)
{
    int rc = EX_OK;

    while (rc == EX_OK && c->count > 0) {
        size_t before = *done;

        progress_begin("entries deleted");
        rc = delete_round(s, c, done);
        progress_end();
        content_clear(c);
        if (rc == EX_OK)
            rc = find_content(s, org, c);
        if (rc == EX_OK && c->count > 0 && *done == before) {
            say_error("%s: entries are left that could not be deleted: run the command "
                      "again",
                name);
            rc = EX_TEMPFAIL;
        }
    }
    if (rc != EX_OK)
        report_left(s, org, name, *done);
    return rc;
}

static int
remove_org(struct session *s, const struct options *o, const char *org, const char *name)
{
    struct content c = {0};
    char text[256], question[512];
    size_t done = 0;
    int rc = find_content(s, org, &c);

    describe(&c, text, sizeof(text));
    (void)snprintf(question, sizeof(question),
        "Delete %s with everything in it: %s? This cannot be undone.", name, text);
    if (rc == EX_OK && c.orgs > 1) {
        say_error("%s: has other orgs below it: remove them first", name);
        rc = EX_DATAERR;
    }
    if (rc == EX_OK && !o->yes)
        rc = prompt_confirm(question);
    if (rc == EX_OK)
        rc = try_event(s, &c);
    if (rc == EX_OK)
        rc = delete_all(s, org, name, &c, &done);
    if (rc == EX_OK)
        say_note("%s is deleted: %s.", name, text);
    content_clear(&c);
    return rc;
}

static int
run(const struct call *call)
{
    struct session s = {0};
    char *org = NULL;
    int rc = session_open(call->connection, &s);

    if (rc == EX_OK)
        rc = org_find(&s, call->argv[0], &org);
    if (rc == EX_OK)
        rc = remove_org(&s, call->options, org, call->argv[0]);
    free(org);
    session_close(&s);
    return rc;
}

const struct command org_remove_command = {
    .name = "org remove",
    .operands = "ORG",
    .summary = "Delete an org with all that is in it",
    .details = "Only the rootdn of the database can delete the audit log, and so an org.",
    .args = args,
    .options_size = sizeof(struct options),
    .connects = true,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
