/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * when.h - points in time and lengths of time, as people write and read them
 *
 * Points in time are seconds since the epoch, in UTC throughout; 0 stands for none.
 */
#ifndef PATCTL_WHEN_H
#define PATCTL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_MAX 32 /* bytes, of any text that is written here */
#define WHEN_DAY 86400

/*
 * A number and a unit: s, min, h, d, w (weeks) or y (365 days), as in 90d. At most a
 * hundred years.
 */
bool when_parse_span(const char *s, int64_t *ret_seconds);

/*
 * A span from `now` on, or YYYY-MM-DD, which is the end of that day, or
 * YYYY-MM-DDTHH:MM[:SS]Z, or a generalizedTime.
 */
bool when_parse(const char *s, int64_t now, int64_t *ret);

/* The generalizedTime of an entry; 0 for what is none. */
int64_t when_read(const char *generalized_time);

/* 2026-11-25; "-" for none. */
void when_day(int64_t t, char ret[WHEN_MAX]);

/* 2026-11-25T05:00:00Z (RFC 3339) */
void when_iso(int64_t t, char ret[WHEN_MAX]);

/*
 * How far `t` is from `now`, in whole days, or in hours or minutes within a day: "in 89
 * d", "3 d ago", "now".
 */
void when_relative(int64_t t, int64_t now, char ret[WHEN_MAX]);

/* "90 d", "12 h", "30 min", "5 s": the largest unit that is exact. */
void when_span(int64_t seconds, char ret[WHEN_MAX]);

#endif
