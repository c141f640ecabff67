/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gentime.h - LDAP's GeneralizedTime (RFC 4517, 3.3.13)
 */
#ifndef PAT_GENTIME_H
#define PAT_GENTIME_H

#include <stdint.h>

#include "attr.h"
#include "error.h"

#define PAT_GENTIME_LEN 15 /* YYYYmmddHHMMSSZ */

/*
 * Read YYYYmmddHH[MM[SS]][(.|,)digits](Z|(+|-)HH[MM]) as seconds since the epoch.
 * A fraction is checked and dropped. Returns PAT_ERR_MALFORMED for anything else,
 * dates that do not exist included; a leap second counts as the second after it.
 */
PAT_MUST_USE enum pat_err pat_gentime_parse(const char *s, int64_t *ret_seconds);

/* Write `seconds` in UTC. Years beyond 0 to 9999 are clamped to that range. */
void pat_gentime_format(int64_t seconds, char ret_text[PAT_GENTIME_LEN + 1]);

#endif
