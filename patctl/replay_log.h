/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_log.h - the removals in a saved audit log
 *
 * Reads what `patctl audit --json` writes, with --follow or without, and LDIF of events.
 * The file is not trusted: nothing in it is opened, included or sent as a request.
 */
#ifndef PATCTL_REPLAY_LOG_H
#define PATCTL_REPLAY_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

enum removal_kind { REMOVAL_TOKEN = 1, REMOVAL_MEMBER, REMOVAL_NONE_MEMBER };

/* A token that was revoked; a member who was removed, or is one again. */
struct removal {
    enum removal_kind kind;
    char *id;     /* of the event; ids sort by time */
    char *org;    /* a name, or a DN */
    char *target; /* a patId; or a uid or DN of a person */
};

struct removals {
    struct removal *list;
    size_t count, room;
    size_t damaged; /* events of these kinds that lack something */
    bool cut;       /* the file ends in the middle of something */
};

/*
 * Reads the file, "-" = standard input, and sorts the events by time. Returns EX_OK, or
 * an exit status after a report. *ret is to be cleared in both cases.
 */
PAT_MUST_USE int removals_read(const char *path, struct removals *ret);
void removals_clear(struct removals *r);

#endif
