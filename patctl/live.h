/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live.h - the live tokens of a person, for what counts or revokes them
 */
#ifndef PATCTL_LIVE_H
#define PATCTL_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "session.h"

struct live_tokens {
    char **dns, **ids;
    size_t count, room;
    bool more; /* the server's limit ended the search: there may be more tokens */
};

/*
 * The tokens of `owner`, a DN, below `org_dn`, or, NULL, the base, that are not revoked.
 * EX_OK with ret->more: the server returned some tokens and then reported a limit.
 * Another exit status: reported. *ret is to be cleared in both cases.
 */
PAT_MUST_USE int live_tokens_find(
    struct session *s, const char *org_dn, const char *owner, struct live_tokens *ret);
void live_tokens_clear(struct live_tokens *t);

#endif
