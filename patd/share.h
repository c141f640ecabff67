/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share.h - division of patd's places among local users
 *
 * A kind of place (a connection, a place in a queue) is limited. An eighth of the places
 * is for root alone. Of the rest a user may hold as many as stay free: one user gets half
 * of them, a second user half of what is left then, and a third user still finds some.
 * Root divides the rest with the others once it holds its eighth.
 *
 * Pure; the caller locks.
 */
#ifndef PATD_SHARE_H
#define PATD_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct share {
    size_t max;
    size_t held; /* by all users */
    size_t root; /* by root; part of `held` */
};

/* Returns how many places of `max` are for root alone: none of 1, else at least 1. */
size_t share_reserve(size_t max);

/* Returns whether this user, who holds `held` places, may take one more. */
bool share_allows(const struct share *s, uid_t uid, size_t held);

/* Counts a place that a user takes, allowed or not, or gives back. */
void share_take(struct share *s, uid_t uid);
void share_return(struct share *s, uid_t uid);

#endif
