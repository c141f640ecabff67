/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client.h"
#include "refusal.h"
#include "secret.h"
#include "shape.h"
#include "strv.h"

/* The properties' names are kept by the library as pointers: static. The asterisk says
 * that they are those of who authenticated, not of whom that one acts for. */
#define PROPERTY_ROLE "*patRole"
#define PROPERTY_ORG  "*patOrg"

/* The client's address, of "ADDRESS;PORT"; NULL where the host does not tell. */
static const char *
client_address(const sasl_server_params_t *params, char buf[PAT_SOURCE_MAX + 1])
{
    const char *remote = params->ipremoteport;
    size_t len = remote != NULL ? strcspn(remote, ";") : 0;

    if (len == 0 || len > PAT_SOURCE_MAX)
        return NULL;
    memcpy(buf, remote, len);
    buf[len] = '\0';
    return buf;
}

/*
 * Logs a refusal. The library's own log leaves failures out unless the service is
 * configured for more; then the line is an error, so that an address to act on is always
 * there. No name: SASL does not say which are accounts, and people paste secrets there.
 */
static void
log_refusal(sasl_server_params_t *params, const char *reason, const struct pat_diag *diag)
{
    char address[PAT_SOURCE_MAX + 1], service[PAT_REFUSAL_VALUE_MAX + 1];
    char place[PAT_REFUSAL_VALUE_MAX + 16], line[PAT_REFUSAL_MAX];
    bool shown = params->log_level >= SASL_LOG_FAIL;

    pat_refusal_value(params->service, service);
    (void)snprintf(place, sizeof(place), "service=%s", service);
    pat_refusal_line(place, client_address(params, address), NULL, reason,
        diag != NULL ? diag->text : NULL, line);
    params->utils->log(
        params->utils->conn, shown ? SASL_LOG_FAIL : SASL_LOG_ERR, "sasl_pat: %s", line);
}

int
session_malformed(sasl_server_params_t *params)
{
    log_refusal(params, "malformed message of the mechanism", NULL);
    params->utils->seterror(params->utils->conn, SASL_NOLOG, "malformed message");
    return SASL_BADPROT;
}

int
session_refuse(sasl_server_params_t *params)
{
    params->utils->seterror(params->utils->conn, SASL_NOLOG, "authentication failed");
    return SASL_BADAUTH;
}

/*
 * The only place where our codes become SASL's. Whatever keeps us from an answer is
 * SASL_UNAVAIL, also want of memory: of the codes that mean so it is the one that servers
 * make a temporary failure of.
 */
static int
sasl_code(enum pat_err err)
{
    switch (err) {
    case PAT_OK:
        return SASL_OK;
    case PAT_ERR_MALFORMED:
    case PAT_ERR_UNKNOWN:
    case PAT_ERR_REVOKED:
    case PAT_ERR_EXPIRED:
    case PAT_ERR_MEMBER:
    case PAT_ERR_USER:
    case PAT_ERR_SCOPE:
    case PAT_ERR_RECORD:
        return SASL_BADAUTH;
    case PAT_ERR_UNAVAIL:
    case PAT_ERR_CONFIG:
    case PAT_ERR_NOMEM:
        return SASL_UNAVAIL;
    case PAT_ERR_COUNT:
        break;
    }
    return SASL_BADAUTH;
}

/* Tell the log why, and the client nothing of it. */
static int
fail(sasl_server_params_t *params, enum pat_err err, const struct pat_diag *diag)
{
    const sasl_utils_t *utils = params->utils;
    int rc = sasl_code(err);

    if (rc != SASL_UNAVAIL) {
        log_refusal(params, pat_strerror(err), diag);
        return session_refuse(params);
    }
    utils->log(utils->conn, SASL_LOG_ERR, "sasl_pat: %s%s%s", pat_strerror(err),
        diag->text[0] != '\0' ? ": " : "", diag->text);
    utils->seterror(utils->conn, SASL_NOLOG, "token service is unavailable");
    return rc;
}

int
session_no_memory(sasl_server_params_t *params)
{
    struct pat_diag none = {0};

    return fail(params, PAT_ERR_NOMEM, &none);
}

/* What became of something that only we want. */
static int
passed_on(sasl_server_params_t *params, int rc)
{
    return rc == SASL_NOMEM ? session_no_memory(params) : rc;
}

/* Returns whether the name contains a token: the host and other plugins log names. */
static bool
is_pasted_token(const struct session *s, const char *name)
{
    return pat_token_resembles(s->settings.prefix, name, strlen(name));
}

/* Logs the reason, without the text, and refuses. */
static int
refuse_hidden(sasl_server_params_t *params, const char *why)
{
    log_refusal(params, why, NULL);
    return session_refuse(params);
}

/*
 * The login name for patd: the host's canonical name, without the realm that the library
 * appends to names without one. Any other realm stays; patd knows which are accepted.
 * False: it cannot be a name of anybody.
 */
static bool
login_name(const sasl_server_params_t *params, const sasl_out_params_t *oparams,
    char buf[PAT_USER_MAX + 1])
{
    const char *name = oparams->authid, *realm = params->user_realm;
    const char *at = strrchr(name, '@');
    size_t len = strlen(name);

    if (len != oparams->alen) /* a NUL in there */
        return false;
    if (at != NULL && realm != NULL && realm[0] != '\0' && strcasecmp(at + 1, realm) == 0)
        len = (size_t)(at - name);
    if (len == 0 || len > PAT_USER_MAX || !utf8_valid(name, len))
        return false;
    memcpy(buf, name, len);
    buf[len] = '\0';
    return true;
}

/* Ask patd. `user` NULL: whoever the token belongs to. */
static int
verify(const struct session *s, sasl_server_params_t *params, const char *user,
    const char *token, size_t token_len, struct pat_identity *ret_id)
{
    char address[PAT_SOURCE_MAX + 1];
    struct pat_diag diag = {0};
    struct pat_request req = {
        .user = user,
        .any_user = user == NULL,
        .service = params->service,
        .source = client_address(params, address),
        .orgs = pat_strv_const(s->settings.orgs),
        .roles = pat_strv_const(s->settings.roles),
    };
    enum pat_err err = PAT_ERR_MALFORMED;

    if (pat_token_well_formed(s->settings.prefix, token, token_len))
        err = pat_client_verify(s->settings.socket, &req, token, token_len,
            s->settings.timeout_ms, ret_id, &diag);
    return err == PAT_OK ? SASL_OK : fail(params, err, &diag);
}

/* Before any canon_user(): asking for a property forgets the values of all. */
static int
request_properties(const struct session *s, sasl_server_params_t *params)
{
    static const char *names[] = {PROPERTY_ROLE, PROPERTY_ORG, NULL};

    if (!s->settings.properties)
        return SASL_OK;
    return passed_on(params, params->utils->prop_request(params->propctx, names));
}

/* Ours alone: what another source of properties knows by these names is not the same. */
static int
set_property(sasl_server_params_t *params, const char *name, const char *value)
{
    params->utils->prop_erase(params->propctx, name);
    return value != NULL ? params->utils->prop_set(params->propctx, name, value, 0)
                         : SASL_OK;
}

/* `id` NULL: it was no token that let them in. */
static int
set_properties(
    const struct session *s, sasl_server_params_t *params, const struct pat_identity *id)
{
    int rc = SASL_OK;

    if (!s->settings.properties)
        return SASL_OK;
    rc = set_property(params, PROPERTY_ROLE, id != NULL ? id->role : NULL);
    if (rc == SASL_OK)
        rc = set_property(params, PROPERTY_ORG, id != NULL ? id->org : NULL);
    /* A role by itself would stay for who tries next on the connection. */
    if (rc != SASL_OK)
        params->utils->prop_erase(params->propctx, PROPERTY_ROLE);
    return passed_on(params, rc);
}

/* The library gives the name its canonical form, and the authzid, too, with that flag. */
static int
set_authid(sasl_server_params_t *params, const char *name, unsigned flags,
    sasl_out_params_t *oparams)
{
    return params->canon_user(params->utils->conn, name, 0,
        SASL_CU_AUTHID | SASL_CU_EXTERNALLY_VERIFIED | flags, oparams);
}

/*
 * The check may have fetched properties of the authzid for the wrong name: all but those
 * with an asterisk are for the look-up that comes now. Who was let in by a token need not
 * stand in any source of properties, nor need whom that one acts for.
 */
static int
set_authzid(sasl_server_params_t *params, const char *name, unsigned flags,
    sasl_out_params_t *oparams)
{
    const struct propval *val = params->utils->prop_get(params->propctx);

    for (; val != NULL && val->name != NULL; val++)
        if (val->name[0] != '*' && val->values != NULL)
            params->utils->prop_erase(params->propctx, val->name);
    return params->canon_user(
        params->utils->conn, name, 0, SASL_CU_AUTHZID | flags, oparams);
}

/* No token: whatever the host has for passwords. */
static int
check_password(sasl_server_params_t *params, const sasl_out_params_t *oparams,
    const char *password, size_t len)
{
    const sasl_utils_t *utils = params->utils;
    char *copy = utils->malloc((unsigned)len + 1); /* checkpass() wants a NUL behind it */
    int rc;

    if (copy == NULL)
        return session_no_memory(params);
    memcpy(copy, password, len);
    copy[len] = '\0';
    rc = utils->checkpass(
        utils->conn, oparams->authid, oparams->alen, copy, (unsigned)len);
    pat_secret_erase(copy, len + 1);
    utils->free(copy);
    if (rc != SASL_OK)
        utils->seterror(utils->conn, SASL_NOLOG, "authentication failed");
    return rc;
}

static int
check_token(const struct session *s, sasl_server_params_t *params,
    const sasl_out_params_t *oparams, const char *token, size_t len,
    struct pat_identity *ret_id)
{
    struct pat_diag diag = {0};
    char user[PAT_USER_MAX + 1];

    if (!login_name(params, oparams, user)) {
        pat_diag_set(&diag, "the login name is empty, longer than %d bytes, or not UTF-8",
            PAT_USER_MAX);
        return fail(params, PAT_ERR_USER, &diag);
    }
    return verify(s, params, user, token, len, ret_id);
}

/* No security layer, and nothing more to be said. */
static int
finish(sasl_out_params_t *oparams)
{
    oparams->doneflag = 1;
    oparams->mech_ssf = 0;
    oparams->maxoutbuf = 0;
    oparams->encode_context = NULL;
    oparams->encode = NULL;
    oparams->decode_context = NULL;
    oparams->decode = NULL;
    oparams->param_version = 0;
    return SASL_OK;
}

int
session_password(struct session *s, sasl_server_params_t *params, const char *authzid,
    const char *authid, const char *password, size_t password_len,
    sasl_out_params_t *oparams)
{
    const char *token = NULL;
    size_t token_len = 0;
    enum pat_likeness likeness = pat_token_recognise(
        s->settings.prefix, password, password_len, &token, &token_len);
    bool is_token = likeness == PAT_LIKENESS_TOKEN;
    bool same = authzid == NULL || authzid[0] == '\0' || strcmp(authzid, authid) == 0;
    struct pat_identity id = {0};
    int rc = SASL_OK;

    if (is_pasted_token(s, authid) || (!same && is_pasted_token(s, authzid)))
        return refuse_hidden(params, PAT_REFUSAL_AS_NAME);
    if (likeness == PAT_LIKENESS_HIDDEN)
        return refuse_hidden(params, PAT_REFUSAL_WRAPPED);
    if (is_token)
        rc = request_properties(s, params);
    if (rc == SASL_OK)
        rc = set_authid(params, authid, same ? SASL_CU_AUTHZID : 0, oparams);
    if (rc == SASL_OK)
        rc = is_token ? check_token(s, params, oparams, token, token_len, &id)
                      : check_password(params, oparams, password, password_len);
    if (rc == SASL_OK && !same)
        rc = set_authzid(
            params, authzid, is_token ? SASL_CU_EXTERNALLY_VERIFIED : 0, oparams);
    if (rc == SASL_OK)
        rc = set_properties(s, params, is_token ? &id : NULL);
    return rc == SASL_OK ? finish(oparams) : rc;
}

int
session_bearer(struct session *s, sasl_server_params_t *params,
    const struct bearer_message *m, sasl_out_params_t *oparams)
{
    struct pat_identity id = {0};
    bool named = m->user[0] != '\0';
    int rc;

    if (is_pasted_token(s, m->user))
        return refuse_hidden(params, PAT_REFUSAL_AS_NAME);
    rc = request_properties(s, params);
    if (rc == SASL_OK && named)
        rc = set_authid(params, m->user, SASL_CU_AUTHZID, oparams);
    if (rc == SASL_OK)
        rc = named ? check_token(s, params, oparams, m->token, m->token_len, &id)
                   : verify(s, params, NULL, m->token, m->token_len, &id);
    if (rc == SASL_OK && !named)
        rc = set_authid(params, id.user, SASL_CU_AUTHZID, oparams);
    if (rc == SASL_OK)
        rc = set_properties(s, params, &id);
    return rc == SASL_OK ? finish(oparams) : rc;
}

int
session_new(void *glob_context, sasl_server_params_t *params, const char *challenge,
    unsigned challenge_len, void **ret_context)
{
    struct session *s;
    int rc;

    (void)glob_context;
    (void)challenge;
    (void)challenge_len;
    s = params->utils->malloc(sizeof(*s));
    if (s == NULL)
        return session_no_memory(params);
    memset(s, 0, sizeof(*s));
    rc = settings_read(params->utils, &s->settings);
    if (rc == SASL_OK) {
        *ret_context = s;
        return rc;
    }
    params->utils->free(s);
    return passed_on(params, rc);
}

void
session_dispose(void *context, const sasl_utils_t *utils)
{
    struct session *s = context;

    if (s == NULL)
        return;
    if (s->name != NULL) {
        pat_secret_erase(s->name, strlen(s->name));
        utils->free(s->name);
    }
    settings_clear(&s->settings);
    utils->free(s);
}
