/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * revoke.c - end tokens, for good: by their ids, or all of a person
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "command.h"
#include "dn.h"
#include "live.h"
#include "progress.h"
#include "prompt.h"
#include "say.h"
#include "tokens.h"

struct options {
    const char *org, *owner, *reason;
    bool yes;
};

#define FIELD(name) offsetof(struct options, name)
static const struct arg args[] = {
    {0, "reason", ARG_TEXT, FIELD(reason), "TEXT", "why: who looks at the token sees it"},
    {0, "owner", ARG_TEXT, FIELD(owner), "UID", "all live ones of this person, not IDs"},
    {0, "org", ARG_TEXT, FIELD(org), "ORG", "in this org"},
    {0, "yes", ARG_FLAG, FIELD(yes), NULL, "do not ask before"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

static int
revoke_id(struct session *s, const char *id, const char *org, const char *reason)
{
    struct token_entry t = {0};
    int rc = token_find(s, id, org, &t);

    if (rc == EX_OK && t.revoked != 0) {
        say_note("%s was revoked already", t.id);
    } else if (rc == EX_OK) {
        rc = token_revoke(s, t.dn, t.id, reason);
        if (rc == EX_OK)
            say_note("Revoked %s.", t.id);
    }
    token_entry_clear(&t);
    return rc;
}

/* Each by itself: one that cannot be revoked does not save the others. */
static int
revoke_ids(struct session *s, const struct options *o, const struct call *call)
{
    char *org = NULL;
    int first = o->org == NULL ? EX_OK : org_find(s, o->org, &org);

    for (int i = 0; i < call->argc && (i > 0 || first == EX_OK); i++) {
        int rc = revoke_id(s, call->argv[i], org, o->reason);

        if (first == EX_OK)
            first = rc;
    }
    free(org);
    return first;
}

static int
confirm(const struct options *o, const struct live_tokens *live)
{
    char question[512];

    if (o->yes)
        return EX_OK;
    (void)snprintf(question, sizeof(question),
        "Revoke %s%zu live token%s of %s in %s? This cannot be undone.",
        live->more ? "all, at least " : "", live->count,
        live->count == 1 && !live->more ? "" : "s", o->owner,
        o->org == NULL ? "all orgs" : o->org);
    return prompt_confirm(question);
}

/* Counts of all rounds; `failed` is that of the last round. */
struct tally {
    size_t done, failed;
};

/* Revokes each by itself. Returns the first failure, or EX_OK. */
static int
revoke_round(struct session *s, const struct options *o, const struct live_tokens *live,
    struct tally *t)
{
    int first = EX_OK;

    t->failed = 0;
    progress_begin("tokens revoked");
    for (size_t i = 0; i < live->count; i++) {
        int rc = token_revoke(s, live->dns[i], live->ids[i], o->reason);

        if (rc == EX_OK)
            progress_show(++t->done);
        else if (first == EX_OK)
            first = rc;
        if (s->code == LDAP_SERVER_DOWN) {
            t->failed += live->count - i;
            break;
        }
        t->failed += rc == EX_OK ? 0 : 1;
    }
    progress_end();
    return first;
}

/*
 * A revoked token no longer matches the search, so that the limit of the server only
 * divides the work into rounds. A round that revokes nothing is the last one.
 */
static int
revoke_all(struct session *s, const struct options *o, const char *org, const char *owner,
    struct live_tokens *live)
{
    struct tally t = {0, 0};
    size_t before = 0;
    int rc = revoke_round(s, o, live, &t);

    while (live->more && t.done > before && s->code != LDAP_SERVER_DOWN) {
        before = t.done;
        live_tokens_clear(live);
        rc = live_tokens_find(s, org, owner, live);
        if (rc != EX_OK) {
            say_note("Revoked %zu tokens of %s; the search for the rest failed: run the "
                     "command again",
                t.done, o->owner);
            return rc;
        }
        rc = revoke_round(s, o, live, &t);
    }
    if (live->more)
        say_error("%s: %zu tokens are revoked, %zu could not be revoked, and the limit "
                  "of the server hides more: remove the cause above, then run the "
                  "command again",
            o->owner, t.done, t.failed);
    else
        say_note("Revoked %zu of %zu tokens of %s.", t.done, t.done + t.failed, o->owner);
    return rc;
}

static int
revoke_owner(struct session *s, const struct options *o)
{
    struct live_tokens live = {0};
    char *org = NULL, *owner = NULL;
    int rc = person_find(s, o->owner, &owner);

    if (rc == EX_OK && o->org != NULL)
        rc = org_find(s, o->org, &org);
    if (rc == EX_OK)
        rc = live_tokens_find(s, org, owner, &live);
    if (rc == EX_OK && live.count == 0) {
        say_note("%s has no live token that you may see", o->owner);
    } else if (rc == EX_OK) {
        rc = confirm(o, &live);
        if (rc == EX_OK)
            rc = revoke_all(s, o, org, owner, &live);
    }
    live_tokens_clear(&live);
    free(owner);
    free(org);
    return rc;
}

static int
run(const struct call *call)
{
    const struct options *o = call->options;
    struct session s = {0};
    int rc;

    if ((call->argc == 0) == (o->owner == NULL))
        return say_usage("revoke: give one or more IDs, or --owner UID");
    rc = session_open(call->connection, &s);
    if (rc == EX_OK)
        rc = o->owner == NULL ? revoke_ids(&s, o, call) : revoke_owner(&s, o);
    session_close(&s);
    return rc;
}

const struct command revoke_command = {
    .name = "revoke",
    .operands = "[ID...]",
    .summary = "Revoke tokens, for good, from their next use on",
    .args = args,
    .options_size = sizeof(struct options),
    .connects = true,
    .operands_max = -1,
    .run = run,
};
