/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlays.h - verdicts on slapd's overlays beside "pat"
 *
 * The overlay pat refuses a database by this table, patctl doctor reports by it, and the
 * table in slapo-pat(5) has the same verdicts.
 */
#ifndef PAT_OVERLAYS_H
#define PAT_OVERLAYS_H

/* An overlay of Debian's slapd or slapd-contrib, or another that changes patd's reads. */
struct pat_overlay {
    const char *name;
    const char
        *fault; /* completes "the overlay NAME ..."; NULL: it can stand beside pat */
    const char *remedy; /* what to do about the fault; NULL without one */
};

/* Returns the overlay of that name, in any letter case, or NULL if it is unknown. */
const struct pat_overlay *pat_overlay_find(const char *name);

#endif
