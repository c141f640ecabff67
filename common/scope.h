/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scope.h - the limits a token may carry: services by glob, sources by network
 *
 * Nothing here allocates, blocks or resolves a name.
 */
#ifndef PAT_SCOPE_H
#define PAT_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "error.h"

/* An address or a network; IPv4 is kept as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2). */
struct pat_network {
    uint8_t addr[16];
    unsigned prefix_len; /* 0 to 128 */
};

/* Does `name` match `pattern`, in which `*` stands for any run of characters? */
bool pat_glob_match(const char *pattern, const char *name);

/*
 * Does `wide` match every name that `narrow` does? Never says so wrongly: a star is
 * covered by a star alone.
 */
bool pat_glob_covers(const char *wide, const char *narrow);

/* May `pattern` be a patService: 1 to 255 of [A-Za-z0-9._@*-]? */
bool pat_service_valid(const char *pattern);

/*
 * Read ADDRESS or ADDRESS/LENGTH, IPv4 or IPv6. Bits beyond the length are ignored.
 * PAT_ERR_MALFORMED for anything else.
 */
PAT_MUST_USE enum pat_err pat_network_parse(const char *s, struct pat_network *ret);

/*
 * Read an address as a host gives its client's: IPv4 or IPv6, perhaps with a zone
 * (`fe80::1%eth0`, which is dropped). A name is PAT_ERR_MALFORMED: whoever owns the
 * reverse zone could make it say anything.
 */
PAT_MUST_USE enum pat_err pat_address_parse(const char *s, struct pat_network *ret);

/* Why a text is no address; pat_address_parse() has refused it. */
enum pat_address_fault {
    PAT_ADDRESS_EMPTY,
    PAT_ADDRESS_PORT,  /* an address and a port, or an address in brackets */
    PAT_ADDRESS_NAME,  /* a host name */
    PAT_ADDRESS_OTHER, /* anything else */
};

enum pat_address_fault pat_address_fault(const char *s);

bool pat_network_contains(const struct pat_network *net, const struct pat_network *addr);

/* Does `wide` contain every address of `narrow`? Never says so wrongly. */
bool pat_network_covers(const struct pat_network *wide, const struct pat_network *narrow);

#endif
