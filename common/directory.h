/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * directory.h - the door to LDAP: few questions, one connection, no libldap to be seen
 *
 * Order of use: pat_directory_new(), any calls, pat_directory_free(). The connection is
 * made when it is first needed, kept warm, and made anew after it broke. A directory
 * belongs to one thread at a time; two of them share nothing.
 *
 * Every call blocks until `deadline` at the most. PAT_ERR_UNAVAIL means that the server
 * gave no usable answer, for which *diag (may be NULL) names the server and the reason.
 */
#ifndef PAT_DIRECTORY_H
#define PAT_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "conf.h"
#include "deadline.h"
#include "error.h"
#include "record.h"
#include "token.h"

struct pat_directory;

/* Borrows both, which must live as long. No I/O. PAT_ERR_NOMEM. */
PAT_MUST_USE enum pat_err pat_directory_new(
    const struct pat_conf *conf, const char *uri, struct pat_directory **ret_dir);

/* Closes the connection. NULL is accepted. */
void pat_directory_free(struct pat_directory *dir);

/* Is there a connection from an earlier call? The server may have closed it since. */
bool pat_directory_is_open(const struct pat_directory *dir);

/* Connect and bind, unless that was done already. PAT_OK or PAT_ERR_UNAVAIL. */
PAT_MUST_USE enum pat_err pat_directory_open(
    struct pat_directory *dir, struct pat_deadline deadline, struct pat_diag *diag);

/*
 * Look up the token whose patHash is `hash`, its owner, and the owner's roles in its org.
 * *rec must be empty. An owner who is not there is no error but rec->owner_found = false;
 * nor is an entry without one owner or an org, whom the decision refuses.
 *
 * Takes one search where the overlay pat tells owner and roles with the token, there is
 * no owner_filter, and the owner has a role; otherwise two round trips and three
 * searches.
 *
 * PAT_ERR_UNKNOWN  no entry that the account may see has this hash
 * PAT_ERR_RECORD   more than one has, or an entry is too large
 * PAT_ERR_UNAVAIL, PAT_ERR_NOMEM
 */
PAT_MUST_USE enum pat_err pat_directory_find(struct pat_directory *dir,
    const struct pat_hash *hash, struct pat_deadline deadline, struct pat_record *rec,
    struct pat_diag *diag);

/*
 * Write when and from where the token `dn` was used last. `old` is the patLastUsed that
 * was read with it, or NULL; it is deleted and the new one added in one operation, so
 * that of two that race only one writes. PAT_OK also if another was faster, or the entry
 * is gone. PAT_ERR_UNAVAIL: it was not written, and will not be by trying again at once.
 */
PAT_MUST_USE enum pat_err pat_directory_touch(struct pat_directory *dir, const char *dn,
    const char *old, int64_t now, const char *from, struct pat_deadline deadline,
    struct pat_diag *diag);

/*
 * Revoke the token whose patHash is `hash`, whatever else is to be said of it, with `now`
 * as the time where the directory does not write its own. *rec must be empty; it gets
 * what the token's entry says. *ret_already: it was revoked before, and is as it was.
 *
 * PAT_OK           the directory said that it is revoked
 * PAT_ERR_UNKNOWN, PAT_ERR_RECORD  as above
 * PAT_ERR_UNAVAIL  *diag also says what to do where rights are missing, or the server is
 * a replica. The token may be revoked or not.
 */
PAT_MUST_USE enum pat_err pat_directory_revoke(struct pat_directory *dir,
    const struct pat_hash *hash, int64_t now, struct pat_deadline deadline,
    struct pat_record *rec, bool *ret_already, struct pat_diag *diag);

/* Connect anew and read the base: does this server answer? PAT_OK or PAT_ERR_UNAVAIL. */
PAT_MUST_USE enum pat_err pat_directory_probe(
    struct pat_directory *dir, struct pat_deadline deadline, struct pat_diag *diag);

/* Checks the syntax; no I/O. A DN with a NUL in a value is invalid. */
bool pat_directory_dn_valid(const char *dn);
bool pat_directory_filter_valid(const char *filter);

#endif
