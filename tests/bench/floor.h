/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor.h - what a verification costs at least: a bare libldap loop
 *
 * Two searches one after the other on a connection that stays open: by patHash, and by
 * member in the token's org. Order of use: floor_open(), floor_verify() any number of
 * times, floor_close(). One thread at a time for each. Whatever fails ends the process
 * with a line on standard error: a measurement with failures in it is none.
 */
#ifndef PAT_BENCH_FLOOR_H
#define PAT_BENCH_FLOOR_H

#include <ldap.h>
#include <stddef.h>

#include "conf.h"

struct floor {
    LDAP *ld;
    const struct pat_conf *conf;
};

/* Connect to the first URI of `conf`, which is borrowed, and bind as it says. */
void floor_open(struct floor *f, const struct pat_conf *conf);

void floor_verify(struct floor *f, const char *token, size_t token_len);

void floor_close(struct floor *f);

/* Bind `ld` as `conf` says, with its CA. */
void floor_bind(LDAP *ld, const struct pat_conf *conf);

/* Say "bench: WHAT" and end. */
void bench_die(const char *what) __attribute__((noreturn));

#endif
