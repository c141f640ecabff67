/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit.c - the audit log of an org
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "command.h"
#include "dn.h"
#include "event.h"
#include "follow.h"
#include "gentime.h"
#include "output.h"
#include "prompt.h"
#include "say.h"
#include "secret.h"
#include "tokens.h"

#define SINCE_DEFAULT ((int64_t)7 * WHEN_DAY)
#define EMAILS_MAX    64
#define SEEN_MAX      4096 /* ids of events that were told, in case they come again */

struct audit_options {
    const char *org, *user;
    bool follow, json;
    int64_t since_s;
};

#define FIELD(name) offsetof(struct audit_options, name)
static const struct arg audit_args[] = {
    {0, "org", ARG_TEXT, FIELD(org), "ORG", "whose log it is"},
    {0, "since", ARG_SPAN, FIELD(since_s), "TIME", "no older than that: 7d"},
    {0, "user", ARG_TEXT, FIELD(user), "UID", "what this person did or what was done to"},
    {0, "follow", ARG_FLAG, FIELD(follow), NULL, "go on with what is new, as it comes"},
    {0, "json", ARG_FLAG, FIELD(json), NULL, "a JSON array; one object a line to follow"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

struct email {
    char *dn, *mail; /* mail NULL = none that we may see */
};

struct audit {
    const struct audit_options *options;
    struct output *output; /* for the array */
    struct event *events;  /* kept back, to be sorted */
    size_t count, room;
    struct email emails[EMAILS_MAX];
    size_t email_count;
    char *seen[SEEN_MAX];
    size_t seen_next;
    bool live; /* no more sorting */
    bool failed;
    size_t told;
};

static void
init(void *options)
{
    ((struct audit_options *)options)->since_s = SINCE_DEFAULT;
}

/* --- e-mail addresses of actors ------------------------------------------------------
 */

static char *
look_up_email(struct session *s, const char *dn)
{
    static const char *const attrs[] = {"mail", NULL};
    LDAPMessage *msg = NULL;
    char *mail = NULL;

    if (session_read(s, dn, attrs, &msg) == LDAP_SUCCESS)
        mail = entry_value(s, ldap_first_entry(s->ld, msg), "mail");
    (void)ldap_msgfree(msg);
    return mail;
}

/* Asked once for each; belongs to `a`. */
static const char *
email_of(struct audit *a, struct session *s, const char *dn)
{
    struct email *e;

    if (dn == NULL)
        return NULL;
    for (size_t i = 0; i < a->email_count; i++)
        if (strcmp(a->emails[i].dn, dn) == 0)
            return a->emails[i].mail;
    if (a->email_count == EMAILS_MAX) {
        free(a->emails[0].dn);
        free(a->emails[0].mail);
        a->emails[0] = a->emails[--a->email_count];
    }
    e = &a->emails[a->email_count];
    e->dn = strdup(dn);
    if (e->dn == NULL)
        return NULL;
    e->mail = look_up_email(s, dn);
    a->email_count++;
    return e->mail;
}

/* --- telling -------------------------------------------------------------------------
 */

static bool
print_line(const struct event *e, bool at_once)
{
    char *line = event_line(e);

    if (line == NULL) {
        (void)say_no_memory();
        return false;
    }
    (void)printf("%s\n", line);
    free(line);
    if (at_once && fflush(stdout) != 0) {
        say_error("standard output takes no more");
        return false;
    }
    return true;
}

static bool
tell(struct audit *a, struct session *s, const struct event *e)
{
    bool ok;

    a->told++;
    if (!a->options->json)
        ok = print_line(e, a->options->follow);
    else if (a->options->follow)
        ok = output_line(event_json(e, email_of(a, s, e->actor))) == EX_OK;
    else
        ok = output_json(a->output, event_json(e, email_of(a, s, e->actor)));
    a->failed = a->failed || !ok;
    return ok;
}

static bool
was_seen(struct audit *a, const char *id)
{
    for (size_t i = 0; id != NULL && i < SEEN_MAX && a->seen[i] != NULL; i++)
        if (strcmp(a->seen[i], id) == 0)
            return true;
    return false;
}

static bool
remember(struct audit *a, const char *id)
{
    char **place = &a->seen[a->seen_next];

    free(*place);
    *place = strdup(id != NULL ? id : "");
    a->seen_next = (a->seen_next + 1) % SEEN_MAX;
    return *place != NULL;
}

/* Takes *e over, unless there is no memory. */
static bool
keep(struct audit *a, struct event *e)
{
    if (a->count == a->room) {
        size_t room = a->room == 0 ? 256 : 2 * a->room;
        struct event *more = reallocarray(a->events, room, sizeof(*more));

        if (more == NULL)
            return false;
        a->events = more;
        a->room = room;
    }
    a->events[a->count++] = *e;
    return true;
}

/* What was kept back, as it happened. */
static bool
tell_kept(struct audit *a, struct session *s)
{
    bool ok = !a->failed;

    if (a->count > 0)
        qsort(a->events, a->count, sizeof(*a->events), event_compare);
    for (size_t i = 0; i < a->count; i++) {
        ok = ok && tell(a, s, &a->events[i]);
        event_clear(&a->events[i]);
    }
    a->count = 0;
    return ok;
}

static bool
take(struct session *s, LDAPMessage *entry, void *arg)
{
    struct audit *a = arg;
    struct event e;
    bool ok = event_read(s, entry, &e);

    if (ok && a->options->user != NULL && !event_concerns(&e, a->options->user)) {
        event_clear(&e);
        return true;
    }
    if (ok && a->options->follow) {
        if (was_seen(a, e.id)) {
            event_clear(&e);
            return true;
        }
        ok = remember(a, e.id);
    }
    if (ok && a->live) {
        ok = tell(a, s, &e);
        event_clear(&e);
        return ok;
    }
    ok = ok && keep(a, &e);
    if (!ok) {
        (void)say_no_memory();
        a->failed = true;
        event_clear(&e);
    }
    return ok;
}

static bool
caught_up(struct session *s, void *arg)
{
    struct audit *a = arg;

    a->live = true;
    return tell_kept(a, s);
}

/* --- asking --------------------------------------------------------------------------
 */

static void
note_nothing(const struct audit *a)
{
    if (a->told == 0)
        say_note("There is no event, or none that you may see: the owners of an org may "
                 "read its log.");
}

static int
show(struct audit *a, struct session *s, const char *base, const char *filter)
{
    int rc, end;

    if (a->options->json) {
        a->output = output_new(OUTPUT_JSON, NULL, 0);
        if (a->output == NULL)
            return EX_OSERR;
    }
    rc = session_search(s, base, LDAP_SCOPE_SUBTREE, filter, event_attrs, take, a);
    /* Nothing that one may see is no mistake. */
    if (rc == LDAP_NO_SUCH_OBJECT)
        rc = LDAP_SUCCESS;
    rc = rc == LDAP_SUCCESS
             ? EX_OK
             : session_fail(s, "the audit log below %s is not complete", base);
    if (!tell_kept(a, s) && rc == EX_OK)
        rc = EX_IOERR;
    if (rc == EX_OK)
        note_nothing(a);
    end = a->output != NULL ? output_end(a->output) : EX_OK;
    if (a->output == NULL && fflush(stdout) != 0) {
        say_error("standard output takes no more");
        end = EX_IOERR;
    }
    return rc == EX_OK ? end : rc;
}

static int
follow(struct audit *a, struct session *s, const struct session_options *options,
    const char *base, const char *filter)
{
    const struct follow f = {.base = base,
        .filter = filter,
        .attrs = event_attrs,
        .entry = take,
        .caught_up = caught_up,
        .arg = a};
    int rc = follow_run(s, options, &f);

    /* After an end amid what was there. */
    if (rc == EX_OK && a->count > 0)
        (void)tell_kept(a, s);
    return rc == EX_OK && a->failed ? EX_IOERR : rc;
}

static void
audit_clear(struct audit *a)
{
    for (size_t i = 0; i < a->count; i++)
        event_clear(&a->events[i]);
    free(a->events);
    for (size_t i = 0; i < a->email_count; i++) {
        free(a->emails[i].dn);
        free(a->emails[i].mail);
    }
    for (size_t i = 0; i < SEEN_MAX; i++)
        free(a->seen[i]);
    free(a);
}

static int
run_on(struct session *s, const struct session_options *options,
    const struct audit_options *o)
{
    struct audit *a = calloc(1, sizeof(*a));
    char since[PAT_GENTIME_LEN + 1], *base = NULL, *filter;
    int rc;

    pat_gentime_format((int64_t)time(NULL) - o->since_s, since);
    filter = filter_make("(&(objectClass=patEvent)(patEventTime>=%s))", since);
    if (a == NULL || filter == NULL) {
        free(a);
        free(filter);
        return say_no_memory();
    }
    a->options = o;
    rc = org_find(s, o->org, &base);
    if (rc == EX_OK)
        rc = o->follow ? follow(a, s, options, base, filter) : show(a, s, base, filter);
    audit_clear(a);
    free(filter);
    free(base);
    return rc;
}

/* Whoever connects again must not ask again: the password is asked for here, and kept. */
static int
get_password(struct session_options *o)
{
    char *text = NULL;
    int rc;

    if (!o->ask || o->password != NULL)
        return EX_OK;
    rc = prompt_secret("LDAP password: ", &text);
    if (rc != EX_OK)
        return rc;
    o->password = strdup(text);
    o->ask = false;
    pat_secret_free(text, PROMPT_SECRET_SIZE);
    return o->password == NULL ? say_no_memory() : EX_OK;
}

static int
run(const struct call *call)
{
    const struct audit_options *o = call->options;
    struct session_options connection = *call->connection, first;
    struct session s = {0};
    int rc = EX_OK;

    if (o->org == NULL)
        return say_usage("audit: whose? Give --org ORG");
    if (connection.password != NULL)
        connection.password = strdup(connection.password);
    if (call->connection->password != NULL && connection.password == NULL)
        return say_no_memory();
    if (o->follow)
        rc = get_password(&connection);
    first = connection;
    if (rc == EX_OK && connection.password != NULL) {
        first.password = strdup(connection.password);
        if (first.password == NULL)
            rc = say_no_memory();
    }
    if (rc == EX_OK)
        rc = session_open(&first, &s);
    if (rc == EX_OK)
        rc = run_on(&s, &connection, o);
    session_close(&s);
    if (connection.password != NULL) {
        if (first.password != NULL && first.password != connection.password)
            pat_secret_free(first.password, strlen(connection.password));
        pat_secret_free(connection.password, strlen(connection.password));
    }
    return rc;
}

const struct command audit_command = {
    .name = "audit",
    .operands = "",
    .summary = "Show the audit log of an org",
    .details = "One event a line, in the order of time. --follow ends at Ctrl-C.",
    .args = audit_args,
    .options_size = sizeof(struct audit_options),
    .init = init,
    .connects = true,
    .run = run,
};
