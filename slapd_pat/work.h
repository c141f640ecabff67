/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * work.h - what the overlay knows of the operation that it accompanies
 */
#ifndef PAT_SLAPD_WORK_H
#define PAT_SLAPD_WORK_H

#include "mint.h"
#include "tree.h"

struct pat_work {
    Operation *op;
    const struct pat_settings *set;
    struct pat_txn txn;
    time_t now;
    char now_text[PAT_GENTIME_LEN + 1];
    /* Who the client is bound as; the requests that we make go by the rootdn. */
    struct berval actor, nactor;
    Entry *before; /* the target, as it was; NULL for an add */
    struct pat_mint mint;
    /* Of the last event: its number, and the org whose container is known to exist. */
    unsigned events;
    char event_prefix[40];
    struct berval event_org;
    struct pat_item *settled; /* see converge.c */
    bool committed;
    /* The members who lose live tokens by this operation, and these tokens. Counted only
     * if the number of members is limited. */
    unsigned removed, removed_tokens;
    bool confirmed; /* by the relax control: that number is not limited */
    char text[512]; /* the text of a refusal, for the client */
};

/* Put the text in w->text and return `code`. */
int pat_refuse(struct pat_work *w, int code, const char *format, ...) PAT_PRINTF(3, 4);

/* After a failed change or search: what happened, for the client and the log. */
int pat_failed(struct pat_work *w);

#endif
