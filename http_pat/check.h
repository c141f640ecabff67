/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - from a request to its answer: get the token, ask patd once, translate
 */
#ifndef HTTP_PAT_CHECK_H
#define HTTP_PAT_CHECK_H

#include "answer.h"
#include "client.h"
#include "fcgi.h"
#include "refusal.h"
#include "settings.h"

/*
 * Blocks for at most the time that the settings say.
 *
 * ret_refusal  the line for the log if credentials were refused; else empty, also where
 *              none came
 * diag         why the answer is ANSWER_UNAVAILABLE, else empty
 */
void check_request(const struct settings *s, struct pat_client *client,
    const struct fcgi_request *request, struct answer *ret_answer,
    char ret_refusal[PAT_REFUSAL_MAX], struct pat_diag *diag);

#endif
