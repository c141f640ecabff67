/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c - who should be asked about a token: it is not used, or ends soon
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "command.h"
#include "dn.h"
#include "gentime.h"
#include "output.h"
#include "progress.h"
#include "say.h"
#include "tokens.h"

/* The exit status for cron, which no error has. */
#define FOUND 1

struct options {
    const char *org;
    int64_t stale_s, expiring_s; /* 0 = do not ask */
    bool json, csv;
};

#define FIELD(name) offsetof(struct options, name)
static const struct arg args[] = {
    {0, "stale", ARG_SPAN, FIELD(stale_s), "TIME",
        "not used for so long (90d); 0d = any"},
    {0, "expiring", ARG_SPAN, FIELD(expiring_s), "TIME",
        "expires so soon (14d); 0d = any"},
    {0, "org", ARG_TEXT, FIELD(org), "ORG", "in this org only"},
    {0, "json", ARG_FLAG, FIELD(json), NULL, "as a JSON array"},
    {0, "csv", ARG_FLAG, FIELD(csv), NULL, "as comma-separated values"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

enum { OWNER, NAME, ID, ORG, WHY, EXPIRES, USED, COLUMNS };

static const struct output_column columns[COLUMNS] = {
    [OWNER] = {"OWNER", "owner", 6},
    [NAME] = {"NAME", "name", 10},
    [ID] = {"ID", "id", 0},
    [ORG] = {"ORG", "org", 5},
    [WHY] = {"WHY", "why", 0},
    [EXPIRES] = {NULL, "expires", 0},
    [USED] = {NULL, "last_used", 0},
};

struct report {
    const struct options *o;
    struct output *output;
    int64_t now;
    size_t read, found;
    bool failed;
};

static void
set_defaults(void *options)
{
    struct options *o = options;

    o->stale_s = 90LL * WHEN_DAY;
    o->expiring_s = 14LL * WHEN_DAY;
}

static bool
is_expiring(const struct report *r, const struct token_entry *t)
{
    return r->o->expiring_s > 0 && t->expires != 0 &&
           t->expires <= r->now + r->o->expiring_s;
}

/* A new token had no time yet to be used. */
static bool
is_stale(const struct report *r, const struct token_entry *t)
{
    int64_t since = t->last_used != 0 ? t->last_used : t->created;

    return r->o->stale_s > 0 && since != 0 && since <= r->now - r->o->stale_s;
}

/* "" if there is nothing to ask. */
static void
reason(const struct report *r, const struct token_entry *t, char *to, size_t size)
{
    char expires[WHEN_MAX] = "", used[WHEN_MAX] = "";
    bool stale = is_stale(r, t), expiring = is_expiring(r, t);
    const char *before = t->last_used != 0 ? "last used " : "never used, made ";

    when_relative(t->expires, r->now, expires);
    when_relative(t->last_used != 0 ? t->last_used : t->created, r->now, used);
    (void)snprintf(to, size, "%s%s%s%s%s", expiring ? "expires " : "",
        expiring ? expires : "", expiring && stale ? "; " : "", stale ? before : "",
        stale ? used : "");
}

static bool
print_token(struct report *r, const struct token_entry *t, const char *why)
{
    char expires[WHEN_MAX] = "", used[WHEN_MAX] = "";
    struct output_cell cells[COLUMNS] = {
        [OWNER] = {t->user, OUTPUT_PLAIN},
        [NAME] = {t->name, OUTPUT_PLAIN},
        [ID] = {t->id, OUTPUT_PLAIN},
        [ORG] = {t->org, OUTPUT_PLAIN},
        [WHY] = {why, is_expiring(r, t) ? OUTPUT_YELLOW : OUTPUT_PLAIN},
        [EXPIRES] = {expires, OUTPUT_PLAIN},
        [USED] = {used, OUTPUT_PLAIN},
    };

    if (output_is_json(r->output)) {
        struct json_object *object = token_entry_json(t, r->now);

        (void)json_object_object_add(
            object, "stale", json_object_new_boolean(is_stale(r, t)));
        (void)json_object_object_add(
            object, "expiring", json_object_new_boolean(is_expiring(r, t)));
        return output_json(r->output, object);
    }
    if (t->expires != 0)
        when_iso(t->expires, expires);
    if (t->last_used != 0)
        when_iso(t->last_used, used);
    return output_row(r->output, cells);
}

static bool
look_at(struct session *s, LDAPMessage *entry, void *arg)
{
    struct report *r = arg;
    struct token_entry t = {0};
    char why[3 * WHEN_MAX] = "";
    enum token_state state;
    bool ok = token_entry_read(s, entry, &t);

    progress_show(++r->read);
    state = token_entry_state(&t, r->now);
    if (!ok)
        (void)say_no_memory();
    else if (state == TOKEN_DAMAGED)
        (void)snprintf(why, sizeof(why), "damaged: %s", t.option);
    else if (state == TOKEN_ACTIVE)
        reason(r, &t, why, sizeof(why));
    if (ok && why[0] != '\0') {
        r->found++;
        ok = print_token(r, &t, why);
    }
    token_entry_clear(&t);
    r->failed = !ok;
    return ok;
}

/* What need not be read is left in the directory: it leaves out too little at most. */
static char *
report_filter(const struct report *r)
{
    char used[PAT_GENTIME_LEN + 1], expires[PAT_GENTIME_LEN + 1],
        now[PAT_GENTIME_LEN + 1];

    pat_gentime_format(r->now - r->o->stale_s, used);
    pat_gentime_format(r->now + r->o->expiring_s, expires);
    pat_gentime_format(r->now, now);
    if (r->o->stale_s == 0)
        return filter_make(
            "(&(objectClass=patToken)(!(patRevoked=*))(patExpires<=%s))", expires);
    return filter_make("(&(objectClass=patToken)(!(patRevoked=*))(!(patExpires<=%s))"
                       "(|(!(patLastUsed>=%s))(patExpires<=%s)))",
        now, used, expires);
}

static int
report_with(struct session *s, struct report *r)
{
    char *org = NULL, *filter = NULL;
    int rc = r->o->org == NULL ? EX_OK : org_find(s, r->o->org, &org);

    if (rc == EX_OK) {
        filter = report_filter(r);
        rc = filter == NULL ? say_no_memory() : EX_OK;
    }
    if (rc == EX_OK) {
        progress_begin("tokens looked at");
        rc = session_search(s, org, LDAP_SCOPE_SUBTREE, filter, token_attrs, look_at, r);
        progress_end();
        if (rc != LDAP_SUCCESS)
            rc = session_fail(s, "the report is not complete");
        else if (r->failed)
            rc = EX_OSERR;
    }
    free(filter);
    free(org);
    return rc;
}

static int
run(const struct call *call)
{
    struct report r = {.o = call->options, .now = time(NULL)};
    struct session s = {0};
    enum output_format format;
    int end, rc = output_choose(r.o->json, r.o->csv, &format);

    if (rc == EX_OK)
        rc = session_open(call->connection, &s);
    if (rc != EX_OK)
        return rc;
    r.output = output_new(format, columns, COLUMNS);
    rc = r.output == NULL ? EX_OSERR : report_with(&s, &r);
    end = output_end(r.output);
    session_close(&s);
    if (end != EX_OK)
        return end;
    return rc == EX_OK && r.found > 0 ? FOUND : rc;
}

const struct command report_command = {
    .name = "report",
    .operands = "",
    .summary = "Tell whose tokens are not used, or end soon",
    .details = "Exit status: 0 = none, 1 = some, 64 and more = an error.",
    .args = args,
    .options_size = sizeof(struct options),
    .init = set_defaults,
    .connects = true,
    .run = run,
};
