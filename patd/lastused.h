/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lastused.h - writes when a token was used last, behind the answer's back
 *
 * One thread with a connection of its own writes what workers offer. A login never waits
 * for it: what does not fit in its queue, or fails, is dropped with a line in the log.
 */
#ifndef PATD_LASTUSED_H
#define PATD_LASTUSED_H

#include <stdint.h>

#include "attr.h"
#include "conf.h"
#include "error.h"
#include "record.h"
#include "request.h"

/* PAT_ERR_NOMEM: no thread. */
PAT_MUST_USE enum pat_err lastused_start(void);

/*
 * The token `rec` was used at `now` (seconds since the epoch): write that, unless it was
 * done less than conf->last_used_interval ago. Copies what it keeps; does not block.
 */
void lastused_offer(const struct pat_conf *conf, const struct pat_record *rec,
    const struct pat_request *req, int64_t now);

/* Write what is queued, for at most `timeout_ms`, and end the thread. */
void lastused_stop(int timeout_ms);

#endif
