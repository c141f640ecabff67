/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uri.h - where a directory server is: ldapi://, ldap://, ldaps://
 */
#ifndef PAT_URI_H
#define PAT_URI_H

#include <stdbool.h>

#include "attr.h"
#include "error.h"

enum pat_scheme {
    PAT_SCHEME_LDAPI, /* a unix socket */
    PAT_SCHEME_LDAP,
    PAT_SCHEME_LDAPS,
};

struct pat_uri {
    enum pat_scheme scheme;
    char host[256]; /* the socket's path for ldapi */
    int port;       /* 0 for ldapi */
};

/*
 * Read a URI of scheme, host and port alone. Defaults: port 389 or 636, Debian's
 * /var/run/slapd/ldapi for `ldapi:///`. PAT_ERR_CONFIG: *diag says what is wrong.
 */
PAT_MUST_USE enum pat_err pat_uri_parse(
    const char *text, struct pat_uri *ret, struct pat_diag *diag);

/* Does it stay on this machine: a unix socket, 127.0.0.0/8, ::1 or localhost? */
bool pat_uri_is_local(const struct pat_uri *uri);

#endif
