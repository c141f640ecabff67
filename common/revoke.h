/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * revoke.h - kill a token by showing it
 *
 * Who holds a token may revoke it, with no account in the directory: whoever found one
 * that leaked can put an end to it, and nobody else can. So the token is all that counts.
 * It may have expired, be limited to other services, or belong to somebody who left.
 *
 * Seldom used: the connection is made for the occasion, and closed. Nothing is kept.
 */
#ifndef PAT_REVOKE_H
#define PAT_REVOKE_H

#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "conf.h"
#include "deadline.h"
#include "error.h"
#include "request.h"

/*
 * Revoke the token at conf->write_uri, or else at the first of conf->uri that gives a
 * usable answer.
 *
 * token     borrowed, any bytes, no NUL needed; never kept. The caller erases it.
 * now       seconds since the epoch, for a directory that does not write the time itself.
 * deadline  for everything, all servers included. Blocks until then at the most.
 * diag      may be NULL; the detail for the log.
 *
 * PAT_OK             a directory said that it is revoked, now or before
 * PAT_ERR_MALFORMED  it is no token; no directory was asked
 * PAT_ERR_UNKNOWN    no entry has its hash
 * PAT_ERR_RECORD     several have
 * PAT_ERR_UNAVAIL    no usable answer, or the right to revoke is missing, which *diag
 *                    tells; the token may be revoked or not
 * PAT_ERR_NOMEM
 */
PAT_MUST_USE enum pat_err pat_revoke(const struct pat_conf *conf, const void *token,
    size_t token_len, int64_t now, struct pat_deadline deadline,
    struct pat_revocation *ret_revocation, struct pat_diag *diag);

#endif
