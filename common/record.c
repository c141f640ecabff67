/* SPDX-License-Identifier: BSD-2-Clause */
#include "record.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "strv.h"

void
pat_record_clear(struct pat_record *rec)
{
    free(rec->dn);
    free(rec->org_dn);
    free(rec->org);
    pat_strv_free(rec->ids);
    pat_strv_free(rec->names);
    pat_strv_free(rec->owners);
    pat_strv_free(rec->expires);
    pat_strv_free(rec->revoked);
    pat_strv_free(rec->services);
    pat_strv_free(rec->sources);
    pat_strv_free(rec->last_used);
    pat_strv_free(rec->uids);
    pat_strv_free(rec->roles);
    memset(rec, 0, sizeof(*rec));
}

bool
pat_record_is_option(const char *attr)
{
    return strncasecmp(attr, "pat", 3) == 0 && strchr(attr, ';') != NULL;
}
