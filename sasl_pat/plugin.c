/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sasl_pat - Cyrus SASL server plugin: log in with a personal access token
 *
 * The plugin is a guest in smtpd, imapd, memcached, svnserve: it keeps no state but that
 * of an exchange, needs libc alone, opens nothing and starts no thread when it is loaded
 * (hosts fork after that), and leaves every decision to patd. What it must never do:
 *
 * - succeed when patd did not say so of this user, or the host's own check of passwords;
 * - give a token, good or bad, to that check, to a source of properties, or to a log;
 * - say of a directory that gave no answer that the token is bad;
 * - show itself in a service whose configuration does not ask for it.
 */
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <string.h>

#include "secret.h"
#include "session.h"

/*
 * Of two mechanisms of one name the library takes the stronger, and of equal ones
 * whichever it found first in the directory. This is the only measure of strength that
 * nothing else depends on; older headers lack it, and their library ignores it.
 */
#ifndef SASL_SET_HASH_STRENGTH_BITS
#define SASL_SET_HASH_STRENGTH_BITS(x) 0
#endif
#define SECURITY                                                                         \
    (SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS | SASL_SET_HASH_STRENGTH_BITS(8))

/* What a client is told of a refused token, before the exchange ends. */
#define OAUTHBEARER_ERROR "{\"status\":\"invalid_token\"}"
#define XOAUTH2_ERROR     "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"\"}"

static int
challenge(const char *text, const char **out, unsigned *out_len)
{
    *out = text;
    *out_len = (unsigned)strlen(text);
    return SASL_CONTINUE;
}

static int
plain_step(void *context, sasl_server_params_t *params, const char *in, unsigned in_len,
    const char **out, unsigned *out_len, sasl_out_params_t *oparams)
{
    struct plain_message m = {0};

    *out = NULL;
    *out_len = 0;
    if (plain_parse(in, in_len, &m) != PAT_OK)
        return session_malformed(params);
    return session_password(
        context, params, m.authzid, m.authid, m.password, m.password_len, oparams);
}

/* Keep the name until the password comes. */
static int
login_name(struct session *s, sasl_server_params_t *params, const char *in,
    unsigned in_len, const char **out, unsigned *out_len)
{
    if (!part_valid(in, in_len))
        return session_malformed(params);
    s->name = params->utils->malloc(in_len + 1);
    if (s->name == NULL)
        return session_no_memory(params);
    memcpy(s->name, in, in_len);
    s->name[in_len] = '\0';
    return challenge("Password:", out, out_len);
}

/* The server asks first; a client may have sent the name unasked. */
static int
login_step(void *context, sasl_server_params_t *params, const char *in, unsigned in_len,
    const char **out, unsigned *out_len, sasl_out_params_t *oparams)
{
    struct session *s = context;

    *out = NULL;
    *out_len = 0;
    if (!s->begun && in_len == 0) {
        s->begun = true;
        return challenge("Username:", out, out_len);
    }
    s->begun = true;
    if (s->name == NULL)
        return login_name(s, params, in, in_len, out, out_len);
    if (!part_valid(in, in_len))
        return session_malformed(params);
    return session_password(s, params, NULL, s->name, in, in_len, oparams);
}

/*
 * RFC 7628, section 3.2.3: who is refused is told in a challenge first, answers with
 * nothing to the point, and fails.
 */
static int
bearer_step(struct session *s, sasl_server_params_t *params, enum pat_err parsed,
    const struct bearer_message *m, const char *error, const char **out,
    unsigned *out_len, sasl_out_params_t *oparams)
{
    int rc;

    *out = NULL;
    *out_len = 0;
    if (s->refused)
        return session_refuse(params);
    if (parsed != PAT_OK)
        return session_malformed(params);
    rc = session_bearer(s, params, m, oparams);
    if (rc != SASL_BADAUTH)
        return rc;
    s->refused = true;
    return challenge(error, out, out_len);
}

static int
oauthbearer_step(void *context, sasl_server_params_t *params, const char *in,
    unsigned in_len, const char **out, unsigned *out_len, sasl_out_params_t *oparams)
{
    struct bearer_message m = {0};
    enum pat_err parsed = oauthbearer_parse(in, in_len, &m);
    int rc = bearer_step(
        context, params, parsed, &m, OAUTHBEARER_ERROR, out, out_len, oparams);

    pat_secret_erase(&m, sizeof(m));
    return rc;
}

static int
xoauth2_step(void *context, sasl_server_params_t *params, const char *in, unsigned in_len,
    const char **out, unsigned *out_len, sasl_out_params_t *oparams)
{
    struct bearer_message m = {0};
    enum pat_err parsed = xoauth2_parse(in, in_len, &m);
    int rc =
        bearer_step(context, params, parsed, &m, XOAUTH2_ERROR, out, out_len, oparams);

    pat_secret_erase(&m, sizeof(m));
    return rc;
}

/* The library keeps a pointer to the table, and reads it in any thread. */
static sasl_server_plug_t mechanisms[] = {
    {
        .mech_name = "PLAIN",
        .security_flags = SECURITY,
        .features = SASL_FEAT_WANT_CLIENT_FIRST | SASL_FEAT_ALLOWS_PROXY,
        .mech_new = session_new,
        .mech_step = plain_step,
        .mech_dispose = session_dispose,
    },
    {
        .mech_name = "LOGIN",
        .security_flags = SECURITY,
        .mech_new = session_new,
        .mech_step = login_step,
        .mech_dispose = session_dispose,
    },
    {
        .mech_name = "OAUTHBEARER",
        .security_flags = SECURITY,
        .features = SASL_FEAT_WANT_CLIENT_FIRST,
        .mech_new = session_new,
        .mech_step = oauthbearer_step,
        .mech_dispose = session_dispose,
    },
    {
        .mech_name = "XOAUTH2",
        .security_flags = SECURITY,
        .features = SASL_FEAT_WANT_CLIENT_FIRST,
        .mech_new = session_new,
        .mech_step = xoauth2_step,
        .mech_dispose = session_dispose,
    },
};

/* What the library looks up by name; saslplug.h has but the type. */
PAT_EXPORT sasl_server_plug_init_t sasl_server_plug_init;

PAT_EXPORT int
sasl_server_plug_init(const sasl_utils_t *utils, int max_version, int *ret_version,
    sasl_server_plug_t **ret_list, int *ret_count)
{
    if (max_version < SASL_SERVER_PLUG_VERSION)
        return SASL_BADVERS;
    *ret_version = SASL_SERVER_PLUG_VERSION;
    *ret_list = mechanisms;
    *ret_count = 0;
    if (settings_wanted(utils))
        *ret_count = (int)(sizeof(mechanisms) / sizeof(mechanisms[0]));
    return SASL_OK;
}
