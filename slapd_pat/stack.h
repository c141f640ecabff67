/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.h - the overlays that stand in one database with "pat", and their order
 *
 * pat must be the innermost overlay, and some overlays cannot be right beside it; see
 * common/overlays.h. Both are checked when the database opens, and when cn=config is
 * asked to add an overlay, so that slapd never runs with one that is refused.
 */
#ifndef PAT_SLAPD_STACK_H
#define PAT_SLAPD_STACK_H

#include "host.h"

/*
 * Checks the overlays of the database `be`, which has `on`, and of the frontend. Returns
 * 0, or 1 with a text in cr->msg.
 */
int pat_stack_check(BackendDB *be, slap_overinst *on, ConfigReply *cr);

/*
 * From here on slapd asks pat before it adds an overlay while it runs. Called when the
 * module is loaded. Returns 0, or -1 where this slapd has no such function.
 */
int pat_stack_watch(void);

/* Undoes pat_stack_watch(). */
void pat_stack_unwatch(void);

#endif
