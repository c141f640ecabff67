/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deadline.h - the one point in time at which a request must have ended
 *
 * A deadline is made once, where a request begins, and passed down to everything that
 * may wait. Nobody below makes a new one, so that no sum of timeouts exceeds it. It is
 * on CLOCK_MONOTONIC: a clock that is set neither prolongs nor cuts it.
 *
 * libc alone.
 */
#ifndef PAT_DEADLINE_H
#define PAT_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define PAT_TIMEOUT_MS_DEFAULT 3000
#define PAT_TIMEOUT_MS_MIN     50
#define PAT_TIMEOUT_MS_MAX     60000

struct pat_deadline {
    int64_t at_ns; /* CLOCK_MONOTONIC */
};

static inline int64_t
pat_monotonic_ns(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline struct pat_deadline
pat_deadline_in_ms(int64_t ms)
{
    struct pat_deadline d = {pat_monotonic_ns() + ms * 1000000};

    return d;
}

/* Never negative; rounded up, so that a caller that polls for it does not spin. */
static inline int
pat_deadline_left_ms(struct pat_deadline d)
{
    int64_t left = d.at_ns - pat_monotonic_ns();

    if (left <= 0)
        return 0;
    left = (left + 999999) / 1000000;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

static inline bool
pat_deadline_passed(struct pat_deadline d)
{
    return pat_monotonic_ns() >= d.at_ns;
}

/* Whichever comes first. */
static inline struct pat_deadline
pat_deadline_earlier(struct pat_deadline a, struct pat_deadline b)
{
    return a.at_ns < b.at_ns ? a : b;
}

#endif
