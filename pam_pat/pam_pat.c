/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pam_pat - PAM module: log in with a personal access token
 *
 * The module is a guest in sshd, sudo, nginx, PostgreSQL: it keeps no state, needs libc
 * and libpam alone, and leaves every decision to patd. What it must never do:
 *
 * - succeed when patd did not say so, or said so of somebody else;
 * - pass a token on to the next module of the stack: a password or a login name that has
 *   a token in it, in any wrapping or letter case, is rejected here if it is not accepted
 *   here; any other password is PAM_IGNORE;
 * - tell the user why; that stands in the logs;
 * - take a setting from the environment, which under sudo and su is the caller's;
 * - write what was typed to a log, be it a password, or a login name that is not the name
 *   of an account.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "client.h"
#include "deadline.h"
#include "option.h"
#include "refusal.h"
#include "secret.h"
#include "shape.h"
#include "strv.h"

#define FAIL_DELAY_US  2000000
#define PROMPT_DEFAULT "Password: "

/* Marks a PAM transaction that this module let in; see pam_sm_acct_mgmt(). */
#define DATA_NAME "pam_pat_accepted"

struct settings {
    char *socket;
    char **orgs;
    char **roles;
    char **shared;
    char *prefix;
    char *prompt;
    int timeout_ms;
    int try_first_pass;
    int use_first_pass;
    int nodelay;
    int debug;
};

#define AT(field) offsetof(struct settings, field)

static const struct pat_option table[] = {
    {"socket", PAT_OPTION_PATH, AT(socket), 0, 0, NULL, PAT_SOCKET_DEFAULT,
        "patd's socket"},
    {"org", PAT_OPTION_LIMIT, AT(orgs), 0, PAT_LIST_MAX, NULL, NULL,
        "orgs that may enter"},
    {"role", PAT_OPTION_LIMIT, AT(roles), 0, PAT_LIST_MAX, NULL, NULL,
        "roles that may enter"},
    {"shared", PAT_OPTION_LIST, AT(shared), 0, PAT_LIST_MAX, NULL, NULL,
        "login names that take anybody's token"},
    {"prefix", PAT_OPTION_STRING, AT(prefix), 0, 0, NULL, PAT_PREFIX_DEFAULT,
        "what tokens begin with"},
    {"prompt", PAT_OPTION_STRING, AT(prompt), 0, 0, NULL, PROMPT_DEFAULT, "prompt"},
    {"timeout", PAT_OPTION_DURATION, AT(timeout_ms), PAT_TIMEOUT_MS_MIN,
        PAT_TIMEOUT_MS_MAX, NULL, "3s", "how long to wait for patd"},
    {"try_first_pass", PAT_OPTION_FLAG, AT(try_first_pass), 0, 0, NULL, NULL,
        "use the password of an earlier module, ask if there is none"},
    {"use_first_pass", PAT_OPTION_FLAG, AT(use_first_pass), 0, 0, NULL, NULL,
        "use the password of an earlier module, never ask"},
    {"nodelay", PAT_OPTION_FLAG, AT(nodelay), 0, 0, NULL, NULL,
        "no delay after a refusal"},
    {"debug", PAT_OPTION_FLAG, AT(debug), 0, 0, NULL, NULL, "log more"},
    PAT_OPTION_END,
};

/* The only place where our codes become PAM's. */
static int
pam_code(enum pat_err err)
{
    switch (err) {
    case PAT_OK:
        return PAM_SUCCESS;
    case PAT_ERR_MALFORMED:
    case PAT_ERR_UNKNOWN:
    case PAT_ERR_REVOKED:
    case PAT_ERR_EXPIRED:
    case PAT_ERR_MEMBER:
    case PAT_ERR_USER:
    case PAT_ERR_SCOPE:
    case PAT_ERR_RECORD:
        return PAM_AUTH_ERR;
    case PAT_ERR_UNAVAIL:
        return PAM_AUTHINFO_UNAVAIL;
    case PAT_ERR_CONFIG:
        return PAM_SERVICE_ERR;
    case PAT_ERR_NOMEM:
        return PAM_BUF_ERR;
    case PAT_ERR_COUNT:
        break;
    }
    return PAM_AUTH_ERR;
}

/* NAME or NAME=VALUE */
static enum pat_err
read_argument(const char *arg, struct settings *s, struct pat_diag *diag)
{
    char name[32] = "";
    const char *equals = strchr(arg, '=');
    size_t len = equals != NULL ? (size_t)(equals - arg) : strlen(arg);

    if (len >= sizeof(name)) {
        pat_diag_set(diag, "%.31s...: unknown setting", arg);
        return PAT_ERR_CONFIG;
    }
    memcpy(name, arg, len);
    return pat_option_set(table, s, name, equals != NULL ? equals + 1 : NULL, diag);
}

static enum pat_err
check_settings(const struct settings *s, struct pat_diag *diag)
{
    if (s->prefix == NULL || !pat_prefix_valid(s->prefix)) {
        pat_diag_set(diag, "prefix: must be 1 to %d of A-Z a-z 0-9 _ -", PAT_PREFIX_MAX);
        return PAT_ERR_CONFIG;
    }
    if (s->socket == NULL) {
        pat_diag_set(diag, "socket: needs a path");
        return PAT_ERR_CONFIG;
    }
    if (s->try_first_pass && s->use_first_pass) {
        pat_diag_set(diag, "try_first_pass and use_first_pass exclude each other");
        return PAT_ERR_CONFIG;
    }
    return PAT_OK;
}

static enum pat_err
read_settings(pam_handle_t *pamh, int argc, const char **argv, struct settings *ret)
{
    struct settings s = {0};
    struct pat_diag diag = {0};
    enum pat_err err = pat_options_init(table, &s);

    for (int i = 0; i < argc && err == PAT_OK; i++)
        err = read_argument(argv[i], &s, &diag);
    if (err == PAT_OK)
        err = check_settings(&s, &diag);
    if (err != PAT_OK) {
        pam_syslog(pamh, LOG_ERR,
            "argument %s; all logins are refused until this is fixed",
            diag.text[0] != '\0' ? diag.text : pat_strerror(err));
        pat_options_clear(table, &s);
        return err;
    }
    *ret = s;
    return PAT_OK;
}

/*
 * One question to the host's conversation. Not by pam_prompt(3), which logs an error each
 * time that a host has nobody to ask, as PostgreSQL has not when a client first connects.
 */
static int
converse(pam_handle_t *pamh, const char *prompt, char **ret_answer)
{
    const struct pam_message msg = {PAM_PROMPT_ECHO_OFF, prompt};
    const struct pam_message *msgs[] = {&msg};
    struct pam_response *replies = NULL;
    const struct pam_conv *conv;
    const void *item = NULL;
    int rc = pam_get_item(pamh, PAM_CONV, &item);

    conv = item;
    if (rc != PAM_SUCCESS || conv == NULL || conv->conv == NULL)
        return PAM_CONV_ERR;
    rc = conv->conv(1, msgs, &replies, conv->appdata_ptr);
    if (rc == PAM_SUCCESS && (replies == NULL || replies->resp == NULL))
        rc = PAM_CONV_ERR;
    if (rc == PAM_SUCCESS)
        *ret_answer = replies->resp;
    free(replies);
    return rc;
}

/* Ask, and leave the answer for the modules behind us. */
static int
ask_password(pam_handle_t *pamh, const struct settings *s)
{
    char *answer = NULL;
    int rc = converse(pamh, s->prompt != NULL ? s->prompt : "", &answer);

    if (rc != PAM_SUCCESS)
        return rc;
    rc = pam_set_item(pamh, PAM_AUTHTOK, answer);
    pat_secret_free(answer, strlen(answer));
    return rc;
}

/* PAM owns *ret_password, and erases it. */
static int
get_password(pam_handle_t *pamh, const struct settings *s, const char **ret_password)
{
    const void *item = NULL;
    int rc = PAM_SUCCESS;

    if (s->try_first_pass || s->use_first_pass) {
        rc = pam_get_item(pamh, PAM_AUTHTOK, &item);
        if (rc == PAM_SUCCESS && item != NULL) {
            *ret_password = item;
            return PAM_SUCCESS;
        }
        if (s->use_first_pass)
            return PAM_AUTHTOK_RECOVERY_ERR;
    }
    rc = ask_password(pamh, s);
    if (rc == PAM_SUCCESS)
        rc = pam_get_item(pamh, PAM_AUTHTOK, &item);
    if (rc == PAM_SUCCESS && item == NULL)
        rc = PAM_AUTHTOK_RECOVERY_ERR;
    if (rc == PAM_SUCCESS)
        *ret_password = item;
    return rc;
}

/* A line break in a value could forge a second variable, or a line of a log. */
static void
tame(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static int
put_variable(pam_handle_t *pamh, const char *name, const char *value)
{
    char *text = NULL;
    int rc;

    if (asprintf(&text, "%s=%s", name, value) < 0)
        return PAM_BUF_ERR;
    rc = pam_putenv(pamh, text);
    free(text);
    return rc;
}

static const char *const variables[] = {
    "PAT_ID", "PAT_NAME", "PAT_USER", "PAT_ORG", "PAT_ROLE", "PAT_EXPIRES"};

/*
 * The environment is what reaches the session: under sshd's keyboard-interactive this
 * process ends before it begins. All of them are set, also without a value: su(1) leaves
 * the caller's there otherwise.
 */
static int
export_identity(pam_handle_t *pamh, const struct pat_identity *id)
{
    char expires[24] = "";
    int rc = put_variable(pamh, "PAT_ID", id->id);

    if (rc == PAM_SUCCESS)
        rc = put_variable(pamh, "PAT_NAME", id->name);
    if (rc == PAM_SUCCESS)
        rc = put_variable(pamh, "PAT_USER", id->user);
    if (rc == PAM_SUCCESS)
        rc = put_variable(pamh, "PAT_ORG", id->org);
    if (rc == PAM_SUCCESS)
        rc = put_variable(pamh, "PAT_ROLE", id->role);
    if (id->expires != 0)
        (void)snprintf(expires, sizeof(expires), "%lld", (long long)id->expires);
    if (rc == PAM_SUCCESS)
        rc = put_variable(pamh, "PAT_EXPIRES", expires);
    return rc;
}

/*
 * The session was not opened by a token. It must not have an identity that its caller
 * left in the environment. An empty value is the most that a module can do, and hosts
 * that hand the caller's environment on, as su(1) does, put it in the place of the
 * caller's. Other sessions are not changed.
 */
static void
clear_inherited(pam_handle_t *pamh)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (getenv(variables[i]) != NULL && pam_getenv(pamh, variables[i]) == NULL)
            (void)put_variable(pamh, variables[i], "");
}

/* A second attempt in one transaction must find nothing of the first. */
static void
forget_identity(pam_handle_t *pamh)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (pam_getenv(pamh, variables[i]) != NULL)
            (void)pam_putenv(pamh, variables[i]);
    (void)pam_set_data(pamh, DATA_NAME, NULL, NULL);
}

static int
accept_identity(pam_handle_t *pamh, const struct settings *s, struct pat_identity *id)
{
    static char mark[] = "accepted";
    int rc;

    tame(id->id);
    tame(id->name);
    tame(id->user);
    tame(id->org);
    tame(id->role);
    rc = export_identity(pamh, id);
    if (rc == PAM_SUCCESS)
        rc = pam_set_data(pamh, DATA_NAME, mark, NULL);
    if (rc != PAM_SUCCESS) {
        forget_identity(pamh);
        pam_syslog(
            pamh, LOG_ERR, "cannot pass the identity on: %s", pam_strerror(pamh, rc));
        return rc;
    }
    /* patd has the line for every use; a second one would cost each login as much again.
     */
    if (s->debug)
        pam_syslog(pamh, LOG_DEBUG, "token %s of %s accepted in org %s as %s", id->id,
            id->user, id->org, id->role);
    return PAM_SUCCESS;
}

static const char *
get_item(pam_handle_t *pamh, int type)
{
    const void *item = NULL;

    if (pam_get_item(pamh, type, &item) != PAM_SUCCESS || item == NULL)
        return NULL;
    return ((const char *)item)[0] != '\0' ? item : NULL;
}

/* Of an account alone, or a name that an administrator wrote into the configuration. */
static const char *
account_name(pam_handle_t *pamh, const struct settings *s, const char *name)
{
    if (name == NULL || pat_token_resembles(s->prefix, name, strlen(name)))
        return NULL;
    if (pat_strv_contains(pat_strv_const(s->shared), name))
        return name;
    return pam_modutil_getpwnam(pamh, name) != NULL ? name : NULL;
}

/* An item that the host fills, unless a token was given in its place. */
static const char *
get_item_to_log(pam_handle_t *pamh, const struct settings *s, int type)
{
    const char *value = get_item(pamh, type);

    if (value == NULL || pat_token_resembles(s->prefix, value, strlen(value)))
        return NULL;
    return value;
}

/*
 * Logs a refusal, in the form that pam_unix(8) has: what reads that log for others finds
 * the address here, too.
 */
static void
log_refusal(pam_handle_t *pamh, const struct settings *s, const char *user,
    const char *reason, const struct pat_diag *diag)
{
    char tty[PAT_REFUSAL_VALUE_MAX + 1], ruser[PAT_REFUSAL_VALUE_MAX + 1];
    char place[2 * PAT_REFUSAL_VALUE_MAX + 80], line[PAT_REFUSAL_MAX];

    pat_refusal_value(get_item_to_log(pamh, s, PAM_TTY), tty);
    pat_refusal_value(account_name(pamh, s, get_item(pamh, PAM_RUSER)), ruser);
    (void)snprintf(place, sizeof(place),
        "logname= uid=%lu euid=%lu tty=%.80s ruser=%.80s", (unsigned long)getuid(),
        (unsigned long)geteuid(), tty, ruser);
    pat_refusal_line(place, get_item_to_log(pamh, s, PAM_RHOST),
        account_name(pamh, s, user), reason, diag != NULL ? diag->text : NULL, line);
    pam_syslog(pamh, LOG_NOTICE, "%s", line);
}

/* Logs what kept the module from an answer; the form is not that of a refusal. */
static void
log_outage(pam_handle_t *pamh, enum pat_err err, const struct pat_diag *diag)
{
    pam_syslog(pamh, LOG_ERR, "%s%s%s", pat_strerror(err),
        diag->text[0] != '\0' ? ": " : "", diag->text);
}

static enum pat_err
verify(pam_handle_t *pamh, const struct settings *s, const char *user, const char *token,
    size_t len, struct pat_identity *ret_id, struct pat_diag *diag)
{
    struct pat_request req = {
        .user = user,
        .any_user = pat_strv_contains(pat_strv_const(s->shared), user),
        .service = get_item(pamh, PAM_SERVICE),
        .source = get_item(pamh, PAM_RHOST),
        .orgs = pat_strv_const(s->orgs),
        .roles = pat_strv_const(s->roles),
    };

    if (!pat_token_well_formed(s->prefix, token, len))
        return PAT_ERR_MALFORMED;
    return pat_client_verify(s->socket, &req, token, len, s->timeout_ms, ret_id, diag);
}

static int
check_token(pam_handle_t *pamh, const struct settings *s, const char *user,
    const char *token, size_t token_len)
{
    struct pat_identity id = {0};
    struct pat_diag diag = {0};
    enum pat_err err = verify(pamh, s, user, token, token_len, &id, &diag);
    int rc;

    if (err == PAT_OK)
        return accept_identity(pamh, s, &id);
    rc = pam_code(err);
    if (rc == PAM_AUTH_ERR)
        log_refusal(pamh, s, user, pat_strerror(err), &diag);
    else
        log_outage(pamh, err, &diag);
    return rc;
}

static int
authenticate(pam_handle_t *pamh, const struct settings *s)
{
    const char *user = NULL, *password = NULL, *token = NULL;
    size_t token_len = 0;
    int rc;

    rc = pam_get_user(pamh, &user, NULL);
    if (rc == PAM_SUCCESS)
        rc = get_password(pamh, s, &password);
    if (rc != PAM_SUCCESS) {
        /* Everyday: a client that has yet to be asked, or gave up. */
        pam_syslog(pamh, LOG_DEBUG, "no password: %s", pam_strerror(pamh, rc));
        return rc;
    }
    if (pat_token_resembles(s->prefix, user, strlen(user))) {
        log_refusal(pamh, s, NULL, PAT_REFUSAL_AS_NAME, NULL);
        return PAM_AUTH_ERR;
    }
    switch (
        pat_token_recognise(s->prefix, password, strlen(password), &token, &token_len)) {
    case PAT_LIKENESS_TOKEN:
        return check_token(pamh, s, user, token, token_len);
    case PAT_LIKENESS_HIDDEN:
        log_refusal(pamh, s, user, PAT_REFUSAL_WRAPPED, NULL);
        return PAM_AUTH_ERR;
    case PAT_LIKENESS_NONE:
        break;
    }
    if (s->debug)
        pam_syslog(pamh, LOG_DEBUG, "no token: left to the next module");
    return PAM_IGNORE;
}

PAT_EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct settings s = {0};
    enum pat_err err;
    int rc;

    (void)flags;
    forget_identity(pamh);
    err = read_settings(pamh, argc, argv, &s);
    if (err != PAT_OK)
        return pam_code(err);
    /*
     * Before anything depends on name or password, so that every failure of the stack
     * takes the same time: the time must not show which names exist. libpam waits only if
     * the whole stack fails.
     */
    if (!s.nodelay)
        (void)pam_fail_delay(pamh, FAIL_DELAY_US);
    rc = authenticate(pamh, &s);
    if (rc != PAM_SUCCESS)
        clear_inherited(pamh);
    pat_options_clear(table, &s);
    return rc;
}

/* Not PAM_IGNORE: as the only answer of a stack that would be a failure, after
 * "Accepted". */
PAT_EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}

/*
 * The account is good if its token let it in, in this very transaction: membership,
 * expiry and lock were part of that. Data and not the environment is what tells, since
 * pam_env may let users set the latter. Who came in otherwise is none of our business.
 */
PAT_EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    const void *data = NULL;

    (void)flags;
    (void)argc;
    (void)argv;
    if (pam_get_data(pamh, DATA_NAME, &data) == PAM_SUCCESS && data != NULL)
        return PAM_SUCCESS;
    /* Also where the host asked no module: a key, or root's own su. */
    clear_inherited(pamh);
    return PAM_IGNORE;
}
