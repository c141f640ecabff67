/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h - connect to a directory server before a deadline, name look-up included
 */
#ifndef PAT_NET_H
#define PAT_NET_H

#include "attr.h"
#include "deadline.h"
#include "error.h"
#include "uri.h"

/*
 * Connect a socket to `uri`: non-blocking, close-on-exec, with TCP keep-alive and without
 * Nagle's delay. All addresses of a name are tried in the resolver's order; the time
 * left is shared among them.
 *
 * The caller closes *ret_fd. PAT_ERR_UNAVAIL: *diag says why. Blocks until `deadline`.
 */
PAT_MUST_USE enum pat_err pat_net_connect(const struct pat_uri *uri,
    struct pat_deadline deadline, int *ret_fd, struct pat_diag *diag);

/*
 * Wait for poll(2)'s `events` on `fd`. PAT_OK: they, or an error, are there;
 * PAT_ERR_UNAVAIL: the deadline came first, or poll failed.
 */
PAT_MUST_USE enum pat_err pat_net_wait(
    int fd, short events, struct pat_deadline deadline);

#endif
