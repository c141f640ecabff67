/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * write.h - a secret to standard output
 */
#ifndef PATCTL_WRITE_H
#define PATCTL_WRITE_H

#include <stddef.h>

#include "attr.h"

/*
 * Without a buffer of stdio, which nobody would erase. EX_OK; EX_IOERR if it could not be
 * written in full, or is empty: said.
 */
PAT_MUST_USE int write_secret(const char *text, size_t len);

#endif
