/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prober.h - asks servers that failed whether they are back, so that no login has to
 */
#ifndef PATD_PROBER_H
#define PATD_PROBER_H

#include "attr.h"
#include "error.h"

/* PAT_ERR_NOMEM: no thread. */
PAT_MUST_USE enum pat_err prober_start(void);

/* Ends the thread; waits for a probe under way, at most conf.timeout. */
void prober_stop(void);

#endif
