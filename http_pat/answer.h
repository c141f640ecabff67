/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.h - what the front end is told, as the header and body of a CGI response
 *
 * The status and the challenges are those of RFC 6750, section 3, and RFC 9110, section
 * 11.6.1, the parameter resource_metadata that of RFC 9728, section 5.1.
 */
#ifndef HTTP_PAT_ANSWER_H
#define HTTP_PAT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "request.h"

#define ANSWER_MAX 16384 /* more than every value at its longest, all of it encoded */

#define ANSWER_REALM_MAX    128
#define ANSWER_METADATA_MAX 1024

/* What a challenge says besides; borrowed. */
struct challenge {
    const char *realm;
    const char *metadata; /* a URL, or NULL */
    bool basic;           /* offer Basic as well */
};

enum answer_kind {
    ANSWER_NO_CREDENTIALS,     /* 401 */
    ANSWER_INVALID_TOKEN,      /* 401 */
    ANSWER_INVALID_REQUEST,    /* 400 */
    ANSWER_INSUFFICIENT_SCOPE, /* 403 */
    ANSWER_UNAVAILABLE,        /* 503 */
};

struct answer {
    char text[ANSWER_MAX];
    size_t len;
};

/* Can it stand in a challenge as it is, between quotes? */
bool answer_realm_valid(const char *realm);

/* Is it a URL, https or http, of nothing but the characters that URLs have? */
bool answer_metadata_valid(const char *url);

/* 200, with whose token it is: X-Pat-* for a front end that passes it on itself, else as
 * the variables of an authorizer. */
void answer_accept(struct answer *a, const struct pat_identity *id, bool authorizer);

void answer_refuse(
    struct answer *a, enum answer_kind kind, const struct challenge *challenge);

#endif
