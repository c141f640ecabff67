/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message.h - what clients send: PLAIN (RFC 4616), OAUTHBEARER (RFC 7628), XOAUTH2
 *
 * Any bytes come in, of any length, with no NUL behind them. What is not exactly of the
 * form is PAT_ERR_MALFORMED, and nothing of it is looked at. The results point into the
 * message, which is the host's and outlives the step.
 *
 * libc alone; nothing allocates or blocks.
 */
#ifndef SASL_PAT_MESSAGE_H
#define SASL_PAT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "error.h"
#include "request.h"

/* Bytes of a name or a password. The library's own limit for names is about as much. */
#define PART_MAX 1024

/* authzid NUL authid NUL password */
struct plain_message {
    const char *authzid; /* NUL-terminated; "" = none was given */
    const char *authid;  /* NUL-terminated, not empty */
    const char *password;
    size_t password_len; /* not 0 */
};

PAT_MUST_USE enum pat_err plain_parse(
    const char *in, size_t len, struct plain_message *ret);

/* A login with a bearer token. */
struct bearer_message {
    char user[PAT_USER_MAX + 1]; /* UTF-8; "" = none was given */
    const char *token;
    size_t token_len; /* not 0 */
};

/*
 * RFC 7628, section 3.1: n,a=USER,^Ahost=...^Aport=...^Aauth=Bearer TOKEN^A^A
 * Any form of channel binding but "the client has none" is malformed, for none is
 * offered. Keys other than auth may stand there, and are ignored; auth must, once.
 */
PAT_MUST_USE enum pat_err oauthbearer_parse(
    const char *in, size_t len, struct bearer_message *ret);

/* As Google has published it: user=USER^Aauth=Bearer TOKEN^A^A */
PAT_MUST_USE enum pat_err xoauth2_parse(
    const char *in, size_t len, struct bearer_message *ret);

/* May this be a name or a password: 1 to PART_MAX bytes without a NUL? */
bool part_valid(const char *s, size_t len);

/* RFC 3629: no overlong form, no surrogate, nothing beyond U+10FFFF. */
bool utf8_valid(const char *s, size_t len);

#endif
