/* SPDX-License-Identifier: BSD-2-Clause */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "authorization.h"
#include "strv.h"

/*
 * The only place where our codes become HTTP's. An invalid token is never as none, and
 * what keeps us from an answer never as an invalid token.
 */
static enum answer_kind
answer_kind(enum pat_err err)
{
    switch (err) {
    case PAT_ERR_MALFORMED:
    case PAT_ERR_UNKNOWN:
    case PAT_ERR_REVOKED:
    case PAT_ERR_EXPIRED:
    case PAT_ERR_MEMBER:
    case PAT_ERR_USER:
    case PAT_ERR_RECORD:
        return ANSWER_INVALID_TOKEN;
    case PAT_ERR_SCOPE:
        return ANSWER_INSUFFICIENT_SCOPE;
    case PAT_ERR_UNAVAIL:
    case PAT_ERR_CONFIG:
    case PAT_ERR_NOMEM:
        return ANSWER_UNAVAILABLE;
    case PAT_OK:
    case PAT_ERR_COUNT:
        break;
    }
    return ANSWER_INVALID_TOKEN;
}

/*
 * The client's address as the front end knows it. NULL, which tokens that are limited to
 * some are refused for: it told none, or two, or nginx's `unix:`, of a unix socket.
 */
static const char *
source_of(const struct fcgi_request *request, char buf[PAT_SOURCE_MAX + 1])
{
    if (request->sources != 1 || request->source_len == 0 ||
        memchr(request->source, '\0', request->source_len) != NULL)
        return NULL;
    memcpy(buf, request->source, request->source_len);
    buf[request->source_len] = '\0';
    return strcmp(buf, "unix:") != 0 ? buf : NULL;
}

/* Without Basic there is no user name. `-` in the list is the empty one. */
static bool
is_any_user(const struct settings *s, const struct credentials *c)
{
    return !c->has_user || pat_strv_contains(pat_strv_const(s->shared),
                               c->user[0] != '\0' ? c->user : "-");
}

static enum pat_err
ask(const struct settings *s, struct pat_client *client,
    const struct fcgi_request *request, const struct credentials *c,
    struct pat_identity *ret_id, struct pat_diag *diag)
{
    char source[PAT_SOURCE_MAX + 1];
    struct pat_request req = {
        .user = c->has_user ? c->user : NULL,
        .any_user = is_any_user(s, c),
        .service = s->service,
        .source = source_of(request, source),
        .orgs = pat_strv_const(s->orgs),
        .roles = pat_strv_const(s->roles),
    };

    return pat_client_ask(
        client, s->patd, &req, c->token, c->token_len, s->timeout_ms, ret_id, diag);
}

/* Returns why the header is no credentials of ours; NULL: there are some, in *ret. */
static const char *
read_credentials(const struct fcgi_request *request, enum authorization *ret_got,
    struct credentials *ret)
{
    *ret_got = AUTHORIZATION_MALFORMED;
    if (request->authorizations > 1)
        return "more than one header Authorization";
    if (request->too_long)
        return "the header Authorization is longer than 8192 bytes";
    *ret_got =
        authorization_parse(request->authorization, request->authorization_len, ret);
    switch (*ret_got) {
    case AUTHORIZATION_BAD:
        return "the user name or the password of the header Authorization is empty or "
               "too "
               "long";
    case AUTHORIZATION_MALFORMED:
        return "the header Authorization is malformed";
    case AUTHORIZATION_NONE:
    case AUTHORIZATION_GIVEN:
        break;
    }
    return NULL;
}

/*
 * The line for the log. No user: it is what a client sent, and which names are accounts
 * is not known here.
 */
static void
describe_refusal(const struct settings *s, const struct fcgi_request *request,
    const char *reason, const struct pat_diag *diag, char ret[PAT_REFUSAL_MAX])
{
    char source[PAT_SOURCE_MAX + 1], service[PAT_REFUSAL_VALUE_MAX + 1];
    char place[PAT_REFUSAL_VALUE_MAX + 16];

    pat_refusal_value(s->service, service);
    (void)snprintf(place, sizeof(place), "service=%s", service);
    pat_refusal_line(place, source_of(request, source), NULL, reason, diag->text, ret);
}

void
check_request(const struct settings *s, struct pat_client *client,
    const struct fcgi_request *request, struct answer *ret_answer,
    char ret_refusal[PAT_REFUSAL_MAX], struct pat_diag *diag)
{
    const struct challenge challenge = {s->realm, s->metadata, s->basic != 0};
    enum answer_kind kind = ANSWER_INVALID_REQUEST;
    enum authorization got = AUTHORIZATION_NONE;
    struct credentials c;
    struct pat_identity id;
    enum pat_err err = PAT_ERR_MALFORMED;
    const char *reason = NULL;

    pat_diag_clear(diag);
    ret_refusal[0] = '\0';
    c.token_len = 0;
    if (request->authorizations > 0)
        reason = read_credentials(request, &got, &c);

    switch (got) {
    case AUTHORIZATION_NONE:
        kind = ANSWER_NO_CREDENTIALS;
        break;
    case AUTHORIZATION_GIVEN:
        err = ask(s, client, request, &c, &id, diag);
        kind = answer_kind(err);
        if (err != PAT_OK && kind != ANSWER_UNAVAILABLE)
            reason = pat_strerror(err);
        break;
    case AUTHORIZATION_BAD:
        kind = ANSWER_INVALID_TOKEN;
        break;
    case AUTHORIZATION_MALFORMED:
        break;
    }
    credentials_clear(&c);
    if (reason != NULL) {
        describe_refusal(s, request, reason, diag, ret_refusal);
        pat_diag_clear(diag);
    }
    if (err == PAT_OK)
        answer_accept(ret_answer, &id, request->role == FCGI_AUTHORIZER);
    else
        answer_refuse(ret_answer, kind, &challenge);
}
