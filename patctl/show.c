/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show.c - all that is known of one token
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "command.h"
#include "output.h"
#include "say.h"
#include "text.h"
#include "tokens.h"

struct options {
    const char *org;
    bool json;
};

static const struct arg args[] = {
    {0, "org", ARG_TEXT, offsetof(struct options, org), "ORG",
        "where several orgs have an ID"},
    {0, "json", ARG_FLAG, offsetof(struct options, json), NULL, "as a JSON object"},
    {0, NULL, 0, 0, NULL, NULL},
};

static bool
print_line(const char *key, const char *value)
{
    char *safe = value == NULL ? NULL : text_escape(value, strlen(value));

    if (safe != NULL)
        (void)printf("%-16s %s\n", key, safe);
    free(safe);
    return value == NULL || safe != NULL;
}

static bool
print_list(const char *key, char **values)
{
    bool ok = true;

    for (; values != NULL && *values != NULL; values++)
        ok = print_line(key, *values) && ok;
    return ok;
}

static void
print_time(const char *key, int64_t t, int64_t now, const char *none)
{
    char iso[WHEN_MAX], relative[WHEN_MAX];

    if (t == 0) {
        if (none != NULL)
            (void)printf("%-16s %s\n", key, none);
        return;
    }
    when_iso(t, iso);
    when_relative(t, now, relative);
    (void)printf("%-16s %s (%s)\n", key, iso, relative);
}

static int
print_token(const struct token_entry *t, int64_t now)
{
    bool ok = print_line("id", t->id) && print_line("name", t->name) &&
              print_line("description", t->description) && print_line("org", t->org) &&
              print_line("owner", t->owner) &&
              print_line("state", token_state_name(token_entry_state(t, now)));

    ok = print_line("damaged by", t->option) && ok;
    print_time("created", t->created, now, NULL);
    print_time("expires", t->expires, now, "never");
    ok = print_list("service", t->services) && print_list("source", t->sources) && ok;
    print_time("last used", t->last_used, now, "never");
    ok = print_line("from", t->last_used_from) && ok;
    print_time("revoked", t->revoked, now, NULL);
    ok = print_line("revoked by", t->revoked_by) &&
         print_line("reason", t->revoked_reason) && print_line("dn", t->dn) && ok;
    if (!ok)
        return say_no_memory();
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int
show(struct session *s, const struct options *o, const char *id)
{
    struct token_entry t = {0};
    int64_t now = time(NULL);
    char *org = NULL;
    int rc = o->org == NULL ? EX_OK : org_find(s, o->org, &org);

    if (rc == EX_OK)
        rc = token_find(s, id, org, &t);
    if (rc == EX_OK)
        rc = o->json ? output_object(token_entry_json(&t, now)) : print_token(&t, now);
    token_entry_clear(&t);
    free(org);
    return rc;
}

static int
run(const struct call *call)
{
    struct session s = {0};
    int rc = session_open(call->connection, &s);

    if (rc == EX_OK)
        rc = show(&s, call->options, call->argv[0]);
    session_close(&s);
    return rc;
}

const struct command show_command = {
    .name = "show",
    .operands = "ID",
    .summary = "Show all that the directory knows of one token",
    .args = args,
    .options_size = sizeof(struct options),
    .connects = true,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
