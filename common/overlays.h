/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlays.h - slapd's overlays, and which of them can stand beside "pat"
 *
 * The overlay pat refuses a database by this table, patctl doctor reports by it, and the
 * table in slapo-pat(5) has the same verdicts.
 */
#ifndef PAT_OVERLAYS_H
#define PAT_OVERLAYS_H

/* What Debian's slapd and slapd-contrib have, and others that change what patd reads. */
struct pat_overlay {
    const char *name;
    const char
        *fault; /* completes "the overlay NAME ..."; NULL: it can stand beside pat */
    const char *remedy; /* of a fault */
};

/* Returns the overlay of that name, in any case, or NULL where it is not known. */
const struct pat_overlay *pat_overlay_find(const char *name);

#endif
