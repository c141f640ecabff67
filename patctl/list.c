/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * list.c - tokens: a table of many, or all of one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "dn.h"
#include "output.h"
#include "progress.h"
#include "say.h"
#include "tokens.h"

struct list_options {
    const char *org, *owner;
    bool all, live, json, csv;
};

#define FIELD(name) offsetof(struct list_options, name)
static const struct arg list_args[] = {
    {0, "org", ARG_TEXT, FIELD(org), "ORG", "of this org only"},
    {0, "owner", ARG_TEXT, FIELD(owner), "UID", "of this person, instead of your own"},
    {0, "all", ARG_FLAG, FIELD(all), NULL, "everybody's, as far as you may see them"},
    {0, "live", ARG_FLAG, FIELD(live), NULL, "neither revoked nor expired ones"},
    {0, "json", ARG_FLAG, FIELD(json), NULL, "as a JSON array"},
    {0, "csv", ARG_FLAG, FIELD(csv), NULL, "as comma-separated values"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

/* The columns, and their places in a row. */
enum { NAME, ID, OWNER, ORG, CREATED, EXPIRES, USED, FROM, STATE, COLUMNS };

static const struct output_column columns[COLUMNS] = {
    [NAME] = {"NAME", "name", 10},
    [ID] = {"ID", "id", 0},
    [OWNER] = {"OWNER", "owner", 5},
    [ORG] = {"ORG", "org", 5},
    [CREATED] = {"CREATED", "created", 0},
    [EXPIRES] = {"EXPIRES", "expires", 0},
    [USED] = {"LAST USED", "last_used", 0},
    [FROM] = {"FROM", "last_used_from", 8},
    [STATE] = {"STATE", "state", 0},
};

struct list {
    const struct list_options *options;
    struct output *output;
    struct output_column columns[COLUMNS];
    int64_t now;
    size_t count;
    bool failed; /* no memory, or standard output takes no more */
};

static enum output_colour
state_colour(enum token_state state)
{
    switch (state) {
    case TOKEN_ACTIVE:
        return OUTPUT_GREEN;
    case TOKEN_EXPIRED:
        return OUTPUT_YELLOW;
    case TOKEN_REVOKED:
    case TOKEN_DAMAGED:
        break;
    }
    return OUTPUT_RED;
}

/* People want distances, programs want points in time. */
static void
format_time(const struct list *l, int64_t t, const char *none, char ret[WHEN_MAX])
{
    if (t == 0)
        (void)snprintf(ret, WHEN_MAX, "%s", l->options->csv ? "" : none);
    else if (l->options->csv)
        when_iso(t, ret);
    else
        when_relative(t, l->now, ret);
}

static bool
print_row(struct list *l, const struct token_entry *t)
{
    enum token_state state = token_entry_state(t, l->now);
    enum output_colour rest = state == TOKEN_ACTIVE ? OUTPUT_PLAIN : OUTPUT_DIM;
    char created[WHEN_MAX], expires[WHEN_MAX], used[WHEN_MAX];
    struct output_cell cells[COLUMNS] = {
        [NAME] = {t->name, rest},
        [ID] = {t->id, rest},
        [OWNER] = {t->user, rest},
        [ORG] = {t->org, rest},
        [CREATED] = {created, rest},
        [EXPIRES] = {expires, rest},
        [USED] = {used, rest},
        [FROM] = {t->last_used_from, rest},
        [STATE] = {token_state_name(state), state_colour(state)},
    };

    if (l->options->csv)
        format_time(l, t->created, "", created);
    else
        when_day(t->created, created);
    format_time(l, t->expires, "never", expires);
    format_time(l, t->last_used, "never", used);
    return output_row(l->output, cells);
}

static bool
list_token(struct session *s, LDAPMessage *entry, void *arg)
{
    struct list *l = arg;
    struct token_entry t = {0};
    bool ok = token_entry_read(s, entry, &t);

    if (!ok) {
        (void)say_no_memory();
    } else if (l->options->live && token_entry_state(&t, l->now) != TOKEN_ACTIVE) {
        token_entry_clear(&t);
        return true;
    } else if (output_is_json(l->output)) {
        ok = output_json(l->output, token_entry_json(&t, l->now));
    } else {
        ok = print_row(l, &t);
    }
    token_entry_clear(&t);
    progress_show(++l->count);
    l->failed = !ok;
    return ok;
}

/* Whose tokens: NULL = everybody's. Exit status. */
static int
choose_owner(struct session *s, const struct list_options *o, char **ret_dn)
{
    const char *me = NULL;
    int rc;

    if (o->all && o->owner != NULL)
        return say_usage("give --all or --owner, not both");
    if (o->all)
        return EX_OK;
    if (o->owner != NULL)
        return person_find(s, o->owner, ret_dn);
    rc = session_whoami(s, &me);
    if (rc != EX_OK)
        return rc;
    *ret_dn = strdup(me);
    return *ret_dn == NULL ? say_no_memory() : EX_OK;
}

static char *
list_filter(const struct list_options *o, const char *owner)
{
    const char *live = o->live ? "(!(patRevoked=*))" : "";
    char format[128];

    (void)snprintf(format, sizeof(format), "(&(objectClass=patToken)%s%s)", live,
        owner == NULL ? "" : "(patOwner=%s)");
    return filter_make(format, owner);
}

static int
print_tokens(struct session *s, struct list *l, const char *base, const char *owner)
{
    char *filter = list_filter(l->options, owner);
    int rc;

    if (filter == NULL)
        return say_no_memory();
    progress_begin("tokens read");
    rc = session_search(s, base, LDAP_SCOPE_SUBTREE, filter, token_attrs, list_token, l);
    progress_end();
    free(filter);
    if (rc != LDAP_SUCCESS)
        return session_fail(s, "the list is not complete");
    return l->failed ? EX_OSERR : EX_OK;
}

static int
list_with(struct session *s, struct list *l)
{
    const struct list_options *o = l->options;
    char *org = NULL, *owner = NULL;
    int rc = choose_owner(s, o, &owner);

    if (rc == EX_OK && o->org != NULL)
        rc = org_find(s, o->org, &org);
    if (rc == EX_OK)
        rc = print_tokens(s, l, org, owner);
    if (rc == EX_OK && l->count == 0 && isatty(STDOUT_FILENO))
        say_note("no tokens%s", o->all || o->owner != NULL ? " that you may see" : "");
    free(org);
    free(owner);
    return rc;
}

static int
list_run(const struct call *call)
{
    struct list l = {.options = call->options, .now = time(NULL)};
    struct session s = {0};
    enum output_format format;
    int rc = output_choose(l.options->json, l.options->csv, &format);

    if (rc != EX_OK)
        return rc;
    memcpy(l.columns, columns, sizeof(columns));
    if (!l.options->all && !l.options->owner)
        l.columns[OWNER].title = NULL; /* it would say the same in each row */
    rc = session_open(call->connection, &s);
    if (rc != EX_OK)
        return rc;
    l.output = output_new(format, l.columns, COLUMNS);
    rc = l.output == NULL ? EX_OSERR : list_with(&s, &l);
    /* What went wrong while it was read is told already, unless it went wrong there. */
    if (l.output != NULL) {
        int end = output_end(l.output);

        rc = end != EX_OK ? end : rc;
    }
    session_close(&s);
    return rc;
}

const struct command list_command = {
    .name = "list",
    .operands = "",
    .summary = "List tokens: your own, or those that you may see",
    .args = list_args,
    .options_size = sizeof(struct list_options),
    .connects = true,
    .run = list_run,
};
