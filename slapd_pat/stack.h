/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.h - the overlays that stand in one database with "pat", and their order
 *
 * pat must be the innermost overlay, and some overlays break its promises; see
 * common/overlays.h. Both are checked when the database opens, and when a client adds an
 * overlay in cn=config, so that slapd never runs with a refused overlay.
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
 * Makes slapd ask pat before it adds an overlay while it runs. Called when the module is
 * loaded. Returns 0, or -1 if this slapd has no such function.
 */
int pat_stack_watch(void);

/* Undoes pat_stack_watch(). */
void pat_stack_unwatch(void);

#endif
