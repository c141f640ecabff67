/* SPDX-License-Identifier: BSD-2-Clause */
#include "overlays.h"

#include <stddef.h>
#include <strings.h>

#define REWRITES "rewrites what patd reads, so that a revoked token may look live"
#define REMOVE   "remove it"

static const struct pat_overlay overlays[] = {
    {"accesslog", NULL, NULL},
    {"auditlog", NULL, NULL},
    {"autogroup", NULL, NULL},
    {"chain", NULL, NULL},
    {"collect", NULL, NULL},
    {"constraint", NULL, NULL},
    {"dds", NULL, NULL},
    {"deref", NULL, NULL},
    {"dyngroup", NULL, NULL},
    {"dynlist", NULL, NULL},
    {"homedir", NULL, NULL},
    {"lastbind", NULL, NULL},
    {"memberof", NULL, NULL},
    {"otp", NULL, NULL},
    {"ppolicy", NULL, NULL},
    {"refint", NULL, NULL},
    {"remoteauth", NULL, NULL},
    {"retcode", NULL, NULL},
    {"seqmod", NULL, NULL},
    {"smbk5pwd", NULL, NULL},
    {"sssvlv", NULL, NULL},
    {"syncprov", NULL, NULL},
    {"unique", NULL, NULL},
    {"valsort", NULL, NULL},
    {"pbind", "switches lastmod off: entries get no entryUUID and cannot be replicated",
        "use it in another database, or use remoteauth"},
    {"pcache", "answers from a cache, in which a revoked token stays live",
        "use it in a database of type ldap"},
    {"rwm", REWRITES, "use it in a database of type relay"},
    {"sock", "may report success for a change that is not made, such as a revocation",
        "use it in another database"},
    {"translucent", "mixes entries of another server with those of this database",
        "use it in another database"},
    /* Not in Debian's packages. */
    {"adremap", REWRITES, REMOVE},
    {"cloak", "hides attributes that patd reads", REMOVE},
    {"datamorph", REWRITES, REMOVE},
    {"variant", REWRITES, REMOVE},
};

const struct pat_overlay *
pat_overlay_find(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(overlays) / sizeof(overlays[0]); i++)
        if (strcasecmp(overlays[i].name, name) == 0)
            return &overlays[i];
    return NULL;
}
