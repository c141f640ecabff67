/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.h - what the directory says about one token
 *
 * Filled by directory.h, judged by decide.h. Values are kept as they were
 * read; the parsing that can go wrong is part of the decision, where it is tested.
 */
#ifndef PAT_RECORD_H
#define PAT_RECORD_H

#include <stdbool.h>

struct pat_record {
    /* The token's entry */
    char *dn;
    char *org_dn;     /* the entry two levels above it */
    char *org;        /* the value of that entry's RDN; NULL if it has not exactly one */
    bool has_option;  /* on an attribute of ours: such an entry is damaged */
    char **ids;       /* patId */
    char **names;     /* cn */
    char **owners;    /* patOwner: DNs */
    char **expires;   /* patExpires */
    char **revoked;   /* patRevoked */
    char **services;  /* patService */
    char **sources;   /* patSource */
    char **last_used; /* patLastUsed */

    /* The owner's entry and the role groups of the org that name the owner */
    bool owner_asked; /* what follows was read, for this owner and org */
    bool owner_found; /* it exists and matches owner_filter */
    char **uids;      /* uid */
    char **roles;     /* patRole, one or more per group */
};

/* Free what it holds; it is zeroed then. */
void pat_record_clear(struct pat_record *rec);

/*
 * Returns whether `attr`, a name as a server returned it, is an attribute of ours with an
 * option, such as patRevoked;lang-en. A filter matches its values and a reader of the
 * plain attribute ignores them, so that the entry has no single meaning: it is damaged.
 */
bool pat_record_is_option(const char *attr);

#endif
