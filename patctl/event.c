/* SPDX-License-Identifier: BSD-2-Clause */
#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dn.h"
#include "output.h"
#include "strv.h"
#include "text.h"
#include "tokens.h"
#include "when.h"

const char *const event_attrs[] = {"patEventId", "patAction", "patEventTime", "patActor",
    "patTarget", "patTargetOwner", "patVia", "patDetail", NULL};

bool
event_read(struct session *s, LDAPMessage *entry, struct event *ret)
{
    char *when;

    memset(ret, 0, sizeof(*ret));
    ret->dn = entry_dn(s, entry);
    if (ret->dn == NULL)
        return false;
    ret->id = entry_value(s, entry, "patEventId");
    ret->action = entry_value(s, entry, "patAction");
    ret->actor = entry_value(s, entry, "patActor");
    ret->target = entry_value(s, entry, "patTarget");
    ret->owner = entry_value(s, entry, "patTargetOwner");
    ret->via = entry_value(s, entry, "patVia");
    ret->details = entry_values(s, entry, "patDetail");
    when = entry_value(s, entry, "patEventTime");
    ret->time = when != NULL ? when_read(when) : 0;
    free(when);
    /* The event stands in a container of the org. */
    when = dn_parent(ret->dn, 2);
    ret->org = when != NULL ? dn_value(when) : NULL;
    free(when);
    return true;
}

void
event_clear(struct event *e)
{
    free(e->dn);
    free(e->id);
    free(e->org);
    free(e->action);
    free(e->actor);
    free(e->target);
    free(e->owner);
    free(e->via);
    pat_strv_free(e->details);
    memset(e, 0, sizeof(*e));
}

/* Ids begin with the time, to the microsecond. */
int
event_compare(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return strcmp(x->id != NULL ? x->id : "", y->id != NULL ? y->id : "");
}

char *
event_person(const char *dn)
{
    char *uid;

    if (dn == NULL)
        return NULL;
    uid = dn_valid(dn) ? dn_value(dn) : NULL;
    return uid != NULL ? uid : strdup(dn);
}

static bool
is_person(const char *dn, const char *user)
{
    char *uid;
    bool is;

    if (dn == NULL)
        return false;
    if (dn_valid(user))
        return dn_valid(dn) && dn_equal(dn, user);
    uid = event_person(dn);
    is = uid != NULL && strcasecmp(uid, user) == 0;
    free(uid);
    return is;
}

/* Of an org_member event the target is a person, else the name of a token. */
static bool
is_about_member(const struct event *e)
{
    return e->action != NULL && strncasecmp(e->action, "org_member.", 11) == 0;
}

bool
event_concerns(const struct event *e, const char *user)
{
    return is_person(e->actor, user) || is_person(e->owner, user) ||
           (is_about_member(e) && is_person(e->target, user));
}

/* "NAME=VALUE", in quotes where a space or a quote would make it ambiguous. */
static void
put(FILE *to, const char *name, const char *value)
{
    char *safe = text_escape(value, strlen(value));

    if (safe != NULL && safe[0] != '\0' && strpbrk(safe, " \"=") == NULL) {
        (void)fprintf(to, "  %s=%s", name, safe);
    } else if (safe != NULL) {
        (void)fprintf(to, "  %s=\"", name);
        for (const char *p = safe; *p != '\0'; p++)
            (void)fprintf(to, *p == '"' ? "\\%c" : "%c", *p);
        (void)fputc('"', to);
    }
    free(safe);
}

static void
put_person(FILE *to, const char *name, const char *dn)
{
    char *uid = event_person(dn);

    if (uid != NULL)
        put(to, name, uid);
    free(uid);
}

static void
put_detail(FILE *to, const char *detail)
{
    const char *equals = strchr(detail, '=');
    char *name;

    if (equals == NULL) {
        put(to, "detail", detail);
        return;
    }
    name = text_escape(detail, (size_t)(equals - detail));
    if (name != NULL)
        put(to, name, equals + 1);
    free(name);
}

char *
event_line(const struct event *e)
{
    char when[WHEN_MAX], *line = NULL, *action;
    size_t size = 0;
    FILE *to = open_memstream(&line, &size);
    bool failed;

    if (to == NULL)
        return NULL;
    when_iso(e->time, when);
    action = text_escape(
        e->action != NULL ? e->action : "-", e->action != NULL ? strlen(e->action) : 1);
    (void)fprintf(to, "%s  %-23s", when, action != NULL ? action : "-");
    free(action);
    put_person(to, "by", e->actor);
    if (is_about_member(e))
        put_person(to, "member", e->target);
    else if (e->target != NULL)
        put(to, "token", e->target);
    put_person(to, "owner", e->owner);
    if (e->via != NULL)
        put(to, "via", e->via);
    for (size_t i = 0; e->details != NULL && e->details[i] != NULL; i++)
        put_detail(to, e->details[i]);
    failed = ferror(to) != 0;
    if (fclose(to) != 0 || failed) {
        free(line);
        return NULL;
    }
    return line;
}

static void
add_person(struct json_object *o, const char *key, const char *dn)
{
    char *uid = event_person(dn);

    json_object_object_add(o, key, output_string(uid));
    free(uid);
}

/* Where a key comes twice, which no event has, the last one counts. */
static struct json_object *
metadata(const struct event *e)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "via_pat", output_string(e->via));
    json_object_object_add(o, "actor_dn", output_string(e->actor));
    if (e->owner != NULL)
        add_person(o, "target_owner", e->owner);
    for (size_t i = 0; e->details != NULL && e->details[i] != NULL; i++) {
        const char *equals = strchr(e->details[i], '=');
        size_t len = equals != NULL ? (size_t)(equals - e->details[i]) : 0;
        char *key = equals != NULL ? text_utf8(e->details[i], len) : NULL;

        json_object_object_add(o, key != NULL ? key : "detail",
            output_string(equals != NULL ? equals + 1 : e->details[i]));
        free(key);
    }
    return o;
}

struct json_object *
event_json(const struct event *e, const char *email)
{
    struct json_object *o = json_object_new_object();

    if (o == NULL)
        return NULL;
    json_object_object_add(o, "id", output_string(e->id));
    json_object_object_add(o, "org_id", output_string(e->org));
    add_person(o, "actor_user_id", e->actor);
    json_object_object_add(o, "actor_email", output_string(email));
    json_object_object_add(o, "action", output_string(e->action));
    json_object_object_add(
        o, "target_type", output_string(is_about_member(e) ? "org_member" : "pat"));
    if (is_about_member(e))
        add_person(o, "target_id", e->target);
    else
        json_object_object_add(o, "target_id", output_string(e->target));
    json_object_object_add(o, "metadata", metadata(e));
    json_object_object_add(o, "time", output_time(e->time));
    return o;
}
