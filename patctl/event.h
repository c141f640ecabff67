/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h - events of the audit log as the directory shows them to us: read, sort, tell
 */
#ifndef PATCTL_EVENT_H
#define PATCTL_EVENT_H

#include <json-c/json.h>
#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "session.h"

/* As in the directory; NULL = there is none. */
struct event {
    char *dn, *id, *org, *action, *actor, *target, *owner, *via;
    char **details; /* key=value; NULL-terminated; NULL = none */
    int64_t time;   /* as in when.h */
};

/* All that event_read() looks for. */
extern const char *const event_attrs[];

/* False: no memory. Fills *ret, which is to be cleared either way. */
PAT_MUST_USE bool event_read(struct session *s, LDAPMessage *entry, struct event *ret);
void event_clear(struct event *e);

/* For qsort(3), of struct event: as they happened. */
int event_compare(const void *a, const void *b);

/*
 * Has the person to do with it, as the actor, as the owner of the token, or as the one it
 * was done to? `user` is a uid or a DN. The directory is not asked, for the person may be
 * gone.
 */
bool event_concerns(const struct event *e, const char *user);

/* The uid in a DN, or all of it where it has none; for free(3). NULL without memory, or
 * of NULL. */
PAT_MUST_USE char *event_person(const char *dn);

/* A line, without a line break, fit for a terminal; for free(3). NULL without memory. */
PAT_MUST_USE char *event_line(const struct event *e);

/*
 * The members: id, org_id, actor_user_id, actor_email, action, target_type, target_id,
 * metadata, time. `email` may be NULL. NULL without memory.
 */
PAT_MUST_USE struct json_object *event_json(const struct event *e, const char *email);

#endif
