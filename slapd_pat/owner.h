/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner.h - who a token stands for at this moment, told with the token itself
 *
 * A search that finds a token and asks by name for patOwnerUid or patOwnerRole is told
 * the owner's values of uid, and every role that the owner has in the token's org. Both
 * are computed for the answer, from the state of the tree that the search itself sees. So
 * a verifier needs one search where it would need three, and what it is told belongs
 * together.
 *
 * The right to read the two attributes of the token is the right to be told: what is read
 * for them, is read as the rootdn. They are in no answer to "*" or "+", no filter matches
 * them, and they are stored nowhere, so that they are neither replicated nor logged.
 */
#ifndef PAT_SLAPD_OWNER_H
#define PAT_SLAPD_OWNER_H

#include "host.h"

/*
 * slapd's bi_operational. Where the owner does not exist, or has none, an attribute is
 * absent, and also where the directory could not be searched: a verifier asks again then
 * by searches of its own, which tell the one from the other.
 */
int pat_owner_attributes(Operation *op, SlapReply *rs);

#endif
