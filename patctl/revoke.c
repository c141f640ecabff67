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
confirm(const struct options *o, size_t count)
{
    char question[512];

    if (o->yes)
        return EX_OK;
    (void)snprintf(question, sizeof(question),
        "Revoke %zu live token%s of %s in %s? This cannot be undone.", count,
        count == 1 ? "" : "s", o->owner, o->org == NULL ? "all orgs" : o->org);
    return prompt_confirm(question);
}

static int
revoke_all(struct session *s, const struct options *o, const struct live_tokens *live)
{
    size_t done = 0;
    int first = EX_OK;

    progress_begin("tokens revoked");
    for (size_t i = 0; i < live->count; i++) {
        int rc = token_revoke(s, live->dns[i], live->ids[i], o->reason);

        if (rc == EX_OK)
            progress_show(++done);
        else if (first == EX_OK)
            first = rc;
        if (s->code == LDAP_SERVER_DOWN)
            break;
    }
    progress_end();
    say_note("Revoked %zu of %zu tokens of %s.", done, live->count, o->owner);
    return first;
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
        rc = confirm(o, live.count);
        if (rc == EX_OK)
            rc = revoke_all(s, o, &live);
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
