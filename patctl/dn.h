/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dn.h - names of entries and filters, put together and taken apart
 *
 * Everything that is returned is for free(3). NULL: no memory, or, of what takes a DN,
 * it is none or has not that many parts.
 */
#ifndef PATCTL_DN_H
#define PATCTL_DN_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

/* The DN without its first `levels` RDNs. */
PAT_MUST_USE char *dn_parent(const char *dn, unsigned levels);

/* The value of the first RDN, unescaped: "acme" of o=acme,dc=example,dc=com. */
PAT_MUST_USE char *dn_value(const char *dn);

/* `type`=VALUE,PARENT, the value escaped. */
PAT_MUST_USE char *dn_child(const char *type, const char *value, const char *parent);

/* The same entry, as far as spelling, blanks, and the case of ASCII letters go? */
bool dn_equal(const char *a, const char *b);

/* Is it the spelling of a DN, and not a mere name? */
bool dn_valid(const char *text);

/* `fmt` with every %s replaced by the next argument, escaped for a filter (RFC 4515). */
PAT_MUST_USE char *filter_make(const char *fmt, ...);

#endif
