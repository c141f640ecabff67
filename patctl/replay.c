/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c - repeat the removals of a saved audit log after a restore
 *
 * The log only takes rights away. A token that it names is revoked. A member whose last
 * event in it is a removal is removed. Nothing else in it has an effect.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>

#include "command.h"
#include "dn.h"
#include "membership.h"
#include "replay_log.h"
#include "say.h"
#include "tokens.h"

struct options {
    bool dry_run;
};

static const struct arg args[] = {
    {0, "dry-run", ARG_FLAG, offsetof(struct options, dry_run), NULL,
        "print the changes without making them"},
    {0, NULL, 0, 0, NULL, NULL},
};

struct tally {
    size_t tokens, members, nothing, failed;
    int first; /* the first failure */
};

static bool
same_member(const struct removal *a, const struct removal *b)
{
    bool dns = dn_valid(a->target) && dn_valid(b->target);

    return a->kind != REMOVAL_TOKEN && b->kind != REMOVAL_TOKEN &&
           strcasecmp(a->org, b->org) == 0 &&
           (dns ? dn_equal(a->target, b->target) : strcasecmp(a->target, b->target) == 0);
}

/* Returns whether a later event of the log is about that member. */
static bool
is_outdated(const struct removals *r, size_t i)
{
    for (size_t j = i + 1; j < r->count; j++)
        if (same_member(&r->list[i], &r->list[j]))
            return true;
    return false;
}

static bool
take_dn(struct session *s, LDAPMessage *entry, void *arg)
{
    *(char **)arg = entry_dn(s, entry);
    return false;
}

/* Finds a live token. *ret_dn, for free(3), is NULL if no such token is live. */
static int
find_live(struct session *s, const char *id, const char *org, char **ret_dn)
{
    static const char *const attrs[] = {LDAP_NO_ATTRS, NULL};
    char *filter =
        filter_make("(&(objectClass=patToken)(patId=%s)(!(patRevoked=*)))", id);
    int rc;

    *ret_dn = NULL;
    if (filter == NULL)
        return say_no_memory();
    rc = session_search(s, org, LDAP_SCOPE_SUBTREE, filter, attrs, take_dn, ret_dn);
    free(filter);
    if (rc == LDAP_SUCCESS || *ret_dn != NULL)
        return EX_OK;
    return session_fail(s, "searching for the token %s", id);
}

static int
revoke_token(struct session *s, const struct removal *e, const char *org, bool dry_run,
    struct tally *t)
{
    char *dn = NULL;
    int rc = find_live(s, e->target, org, &dn);

    if (rc == EX_OK && dn == NULL) {
        t->nothing++;
    } else if (rc == EX_OK) {
        if (!dry_run)
            rc = token_revoke(s, dn, e->target, "restored from a backup");
        if (rc == EX_OK) {
            t->tokens++;
            say_note(
                "%s %s in %s", dry_run ? "Would revoke" : "Revoked", e->target, e->org);
        }
    }
    free(dn);
    return rc;
}

static int
leave(struct session *s, const char *group, const char *person)
{
    char *values[] = {(char *)(uintptr_t)person, NULL};
    LDAPMod mod = {LDAP_MOD_DELETE, (char *)(uintptr_t) "member", {values}};
    LDAPMod *mods[] = {&mod, NULL};
    int rc = session_modify(s, group, mods);

    if (rc == LDAP_SUCCESS || rc == LDAP_NO_SUCH_ATTRIBUTE)
        return EX_OK;
    return session_fail(s, "%s is still in %s", person, group);
}

static int
remove_member(struct session *s, const struct removal *e, const char *org, bool dry_run,
    struct tally *t)
{
    struct role_groups groups = {0};
    char *person = NULL;
    int rc;

    /* A group may name a person whose entry does not exist. */
    if (dn_valid(e->target))
        rc = (person = strdup(e->target)) == NULL ? say_no_memory() : EX_OK;
    else
        rc = person_find(s, e->target, &person);
    if (rc == EX_OK)
        rc = role_groups_find(s, org, person, NULL, &groups);
    for (size_t i = 0; rc == EX_OK && !dry_run && i < groups.count; i++)
        rc = leave(s, groups.list[i].dn, person);
    if (rc == EX_OK && groups.count > 0) {
        t->members++;
        say_note(
            "%s %s from %s", dry_run ? "Would remove" : "Removed", e->target, e->org);
    } else if (rc == EX_OK || rc == EX_NOUSER) {
        t->nothing++;
        rc = EX_OK;
    }
    role_groups_clear(&groups);
    free(person);
    return rc;
}

/* Applies one event. An org that does not exist has neither tokens nor members. */
static int
apply(struct session *s, const struct removal *e, bool dry_run, struct tally *t)
{
    char *org = NULL;
    int rc = org_find(s, e->org, &org);

    if (rc == EX_NOUSER) {
        t->nothing++;
        return EX_OK;
    }
    if (rc == EX_OK)
        rc = e->kind == REMOVAL_TOKEN ? revoke_token(s, e, org, dry_run, t)
                                      : remove_member(s, e, org, dry_run, t);
    free(org);
    return rc;
}

static int
apply_all(struct session *s, const struct removals *r, bool dry_run)
{
    struct tally t = {.first = EX_OK};

    for (size_t i = 0; i < r->count; i++) {
        const struct removal *e = &r->list[i];
        int rc = EX_OK;

        if (e->kind == REMOVAL_TOKEN || (e->kind == REMOVAL_MEMBER && !is_outdated(r, i)))
            rc = apply(s, e, dry_run, &t);
        t.failed += rc != EX_OK;
        t.first = t.first == EX_OK ? rc : t.first;
        if (s->code == LDAP_SERVER_DOWN)
            break;
    }
    say_note(
        "%s: %zu tokens revoked, %zu members removed; %zu events were in effect already, "
        "%zu failed.",
        dry_run ? "Dry run, nothing was changed" : "Done", t.tokens, t.members, t.nothing,
        t.failed);
    return t.first;
}

/* Reports the damage of a log, of which the rest was applied. */
static int
judge_log(const char *path, const struct removals *r)
{
    if (r->cut)
        say_error("%s: ends in the middle of an event, or has other text in it: the rest "
                  "was not applied; save the log again, or correct the file",
            path);
    if (r->damaged > 0)
        say_error("%s: %zu events are damaged, and were not applied; correct the file",
            path, r->damaged);
    if (r->count == 0 && !r->cut && r->damaged == 0)
        say_error("%s: has no event of a removal; give a saved audit log", path);
    return r->cut || r->damaged > 0 || r->count == 0 ? EX_DATAERR : EX_OK;
}

static int
run(const struct call *call)
{
    const struct options *o = call->options;
    struct removals r = {0};
    struct session s = {0};
    int log, rc = removals_read(call->argv[0], &r);

    if (rc == EX_OK)
        rc = session_open(call->connection, &s);
    if (rc == EX_OK) {
        rc = apply_all(&s, &r, o->dry_run);
        log = judge_log(call->argv[0], &r);
        rc = rc == EX_OK ? log : rc;
    }
    session_close(&s);
    removals_clear(&r);
    return rc;
}

const struct command replay_command = {
    .name = "replay",
    .operands = "FILE",
    .summary = "Repeat the removals of a saved audit log after a restore",
    .details = "FILE is LDIF of events, or what audit --json wrote; - is standard input.",
    .args = args,
    .options_size = sizeof(struct options),
    .connects = true,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
