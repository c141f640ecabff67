/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h - the audit log of an org: entries of class patEvent, written with what they
 * tell of, in one transaction
 */
#ifndef PAT_SLAPD_EVENT_H
#define PAT_SLAPD_EVENT_H

#include "work.h"

#define PAT_EVENT_DETAILS 4

struct pat_event {
    const char *action;
    const struct berval *actor, *nactor; /* NULL: the client */
    const struct berval *target;         /* a patId, or a person's DN */
    const struct berval *target_owner, *target_nowner;
    const struct berval *via; /* patId */
    struct {
        const char *key;
        const struct berval *value; /* NULL: no such detail */
    } detail[PAT_EVENT_DETAILS];
};

/*
 * Adds an event to the log of the org at `org`, whose container is made if it is missing.
 * The org's DN may be normalized or not. If the rootdn is deleting the org, and has
 * deleted the container, the event goes to slapd's log instead.
 */
PAT_MUST_USE int pat_event_add(
    struct pat_work *w, const struct berval *org, const struct pat_event *event);

/*
 * Prepares the deletion of the container of an org's log by the rootdn: deletes the
 * entries in it, if all of them are events of removals by the rootdn. The deletion of an
 * org from a list that is older than the first deletion leaves such events. Each is
 * written to slapd's log, and is deleted by an operation of its own, because consumers
 * need the leaves first. Otherwise nothing is done, and the backend refuses the deletion.
 */
void pat_event_sweep(Operation *op, slap_overinst *on);

#endif
