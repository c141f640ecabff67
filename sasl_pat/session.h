/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.h - one authentication, by whichever mechanism
 *
 * Order of use: session_new() and session_dispose() stand in the mechanisms' tables;
 * a step of a mechanism ends in session_password() or session_bearer(), and with SASL_OK
 * of these the exchange is complete. All results are SASL's.
 */
#ifndef SASL_PAT_SESSION_H
#define SASL_PAT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "attr.h"
#include "message.h"
#include "settings.h"

struct session {
    struct settings settings;
    /* Of the mechanism */
    bool begun;   /* LOGIN: the name was asked for */
    bool refused; /* a bearer token was, and the client has been told */
    char *name;   /* LOGIN: what the client sent, NUL-terminated; or NULL */
};

/* mech_new of every mechanism; `challenge` is of no use. */
int session_new(void *glob_context, sasl_server_params_t *params, const char *challenge,
    unsigned challenge_len, void **ret_context);

/* mech_dispose */
void session_dispose(void *context, const sasl_utils_t *utils);

/*
 * Logs in by name and password. patd verifies a token, and nothing else sees it. A name
 * or a password that has a token somewhere in it is rejected. Any other password is for
 * the host's own checks, as with the stock mechanisms.
 *
 * authzid may be NULL or "": the same as authid. Whether another one may be taken on is
 * for the host's policy, which the library asks afterwards.
 *
 * Blocks for at most pat_timeout with a token, and for as long as the host's check does
 * with a password.
 */
PAT_MUST_USE int session_password(struct session *s, sasl_server_params_t *params,
    const char *authzid, const char *authid, const char *password, size_t password_len,
    sasl_out_params_t *oparams);

/* Log in by token. If the client said as whom, it must be the token's owner. */
PAT_MUST_USE int session_bearer(struct session *s, sasl_server_params_t *params,
    const struct bearer_message *m, sasl_out_params_t *oparams);

/* What was sent is not of the mechanism's form: SASL_BADPROT. */
int session_malformed(sasl_server_params_t *params);

/*
 * There is no memory for what is ours: SASL_UNAVAIL, which hosts tell as a failure that
 * passes; SASL_NOMEM many of them tell as a refusal.
 */
int session_no_memory(sasl_server_params_t *params);

/* The generic refusal: SASL_BADAUTH. */
int session_refuse(sasl_server_params_t *params);

#endif
