/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decide.h - may the bearer of this token enter?
 *
 * A pure function of what was read, what was asked, the site's policy and the clock.
 */
#ifndef PAT_DECIDE_H
#define PAT_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "error.h"
#include "record.h"
#include "request.h"

/* The site's part of the decision; see patd.conf(5). All borrowed. */
struct pat_policy {
    const char *const *role_order; /* strongest first */
    const char *const *login_realms;
    bool login_org;
};

/*
 * Decide on `rec`, both steps of which were read, at `now` (seconds since the epoch).
 *
 * A role group's role is compared, like an org, without regard to the case of ASCII
 * letters; a login name to the byte. Of several roles only the strongest counts.
 *
 * ret_identity  written on PAT_OK only; may be NULL.
 * diag          may be NULL; on a refusal the detail that the code leaves open.
 *
 * The first check that fails decides, in this order; a value that cannot be understood is
 * PAT_ERR_RECORD at the check that needs it:
 * PAT_ERR_RECORD   the entry has not one patId and one owner, or no org
 * PAT_ERR_REVOKED, PAT_ERR_EXPIRED
 * PAT_ERR_SCOPE    org, service or source
 * PAT_ERR_MEMBER   the owner is gone or locked
 * PAT_ERR_USER
 * PAT_ERR_MEMBER   the owner has no role in the org
 * PAT_ERR_SCOPE    role
 */
PAT_MUST_USE enum pat_err pat_record_decide(const struct pat_record *rec,
    const struct pat_request *req, const struct pat_policy *policy, int64_t now,
    struct pat_identity *ret_identity, struct pat_diag *diag);

#endif
