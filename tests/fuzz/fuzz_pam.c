/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pam_pat.so in a bad world: the whole of its code, with calls that fail where the first
 * bytes say so, bit by bit, and a patd that answers what is left of the input. Never
 * PAM_SUCCESS unless an acceptance arrived, whole, to a request that was sent, whole; no
 * token in memory that is given back, nor in a log; no descriptor and no memory lost.
 *
 * The host is a handful of variables here: libpam itself is not what is tried.
 */
#include <stdarg.h>

#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "faults.h"

#define ENV_MAX 16

/* Bits of the byte behind these. */
enum choice {
    NO_CONVERSATION = 1,
    NO_ANSWER = 2,
    A_PASSWORD = 4,
    SHARED = 8,
    FIRST_PASS = 16,
    PIECES = 32,
    WRONG_ARGUMENT = 64,
};

static struct {
    uint8_t choice;
    char *authtok; /* PAM's */
    char *env[ENV_MAX];
    const void *data;
} world;

static const char *
password(void)
{
    return (world.choice & A_PASSWORD) != 0 ? PASSWORD : TOKEN;
}

/* The host */

/* What the host itself needs is there. */
static char *
kept(const char *s)
{
    bool was = faults.armed;
    char *copy;

    faults.armed = false;
    copy = fuzz_string(s, strlen(s));
    faults.armed = was;
    return copy;
}

static int
converse(int count, const struct pam_message **msgs, struct pam_response **ret, void *arg)
{
    bool was = faults.armed;

    (void)msgs;
    (void)arg;
    MUST(count == 1);
    if (faults_hit())
        return PAM_CONV_ERR;
    faults.armed = false;
    *ret = calloc(1, sizeof(**ret));
    MUST(*ret != NULL);
    if ((world.choice & NO_ANSWER) == 0)
        (*ret)->resp = fuzz_string(password(), strlen(password()));
    faults.armed = was;
    return PAM_SUCCESS;
}

int
pam_get_item(const pam_handle_t *pamh, int type, const void **ret)
{
    static const struct pam_conv conv = {converse, NULL};

    (void)pamh;
    if (faults_hit())
        return PAM_SYSTEM_ERR;
    *ret = NULL;
    if (type == PAM_CONV && (world.choice & NO_CONVERSATION) == 0)
        *ret = &conv;
    if (type == PAM_AUTHTOK)
        *ret = world.authtok;
    if (type == PAM_SERVICE)
        *ret = "sshd";
    if (type == PAM_RHOST)
        *ret = "192.0.2.7";
    return PAM_SUCCESS;
}

static void
forget_authtok(void)
{
    if (world.authtok != NULL)
        explicit_bzero(world.authtok, strlen(world.authtok));
    free(world.authtok);
    world.authtok = NULL;
}

int
pam_set_item(pam_handle_t *pamh, int type, const void *item)
{
    (void)pamh;
    MUST(type == PAM_AUTHTOK);
    if (faults_hit())
        return PAM_BUF_ERR;
    forget_authtok();
    world.authtok = kept(item);
    return PAM_SUCCESS;
}

int
pam_get_user(pam_handle_t *pamh, const char **ret, const char *prompt)
{
    (void)pamh;
    (void)prompt;
    if (faults_hit())
        return PAM_CONV_ERR;
    *ret = (world.choice & SHARED) != 0 ? "git" : "alice";
    return PAM_SUCCESS;
}

static size_t
find_env(const char *name, size_t len)
{
    size_t i = 0;

    while (i < ENV_MAX - 1 && world.env[i] != NULL &&
           !(strncmp(world.env[i], name, len) == 0 && world.env[i][len] == '='))
        i++;
    MUST(i < ENV_MAX - 1);
    return i;
}

const char *
pam_getenv(pam_handle_t *pamh, const char *name)
{
    const char *text = world.env[find_env(name, strlen(name))];

    (void)pamh;
    return text != NULL ? text + strlen(name) + 1 : NULL;
}

int
pam_putenv(pam_handle_t *pamh, const char *text)
{
    size_t len = strcspn(text, "="), i = find_env(text, len);

    (void)pamh;
    if (text[len] == '\0') { /* take it out */
        free(world.env[i]);
        for (; world.env[i] != NULL; i++)
            world.env[i] = world.env[i + 1];
        return PAM_SUCCESS;
    }
    MUST(strchr(text, '\n') == NULL);
    if (faults_hit())
        return PAM_BUF_ERR;
    free(world.env[i]);
    world.env[i] = kept(text);
    return PAM_SUCCESS;
}

int
pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *pamh, void *data, int status))
{
    (void)pamh;
    (void)name;
    MUST(cleanup == NULL);
    if (data != NULL && faults_hit())
        return PAM_BUF_ERR;
    world.data = data;
    return PAM_SUCCESS;
}

int
pam_get_data(const pam_handle_t *pamh, const char *name, const void **ret)
{
    (void)pamh;
    (void)name;
    *ret = world.data;
    return world.data != NULL ? PAM_SUCCESS : PAM_NO_MODULE_DATA;
}

int
pam_fail_delay(pam_handle_t *pamh, unsigned microseconds)
{
    (void)pamh;
    (void)microseconds;
    return PAM_SUCCESS;
}

struct passwd *
pam_modutil_getpwnam(pam_handle_t *pamh, const char *user)
{
    static struct passwd account;

    (void)pamh;
    return !faults_hit() && strcmp(user, "alice") == 0 ? &account : NULL;
}

const char *
pam_strerror(pam_handle_t *pamh, int rc)
{
    (void)pamh;
    (void)rc;
    return "what PAM says";
}

void
pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
    char line[4096];
    va_list args;

    (void)pamh;
    (void)priority;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    MUST(!faults_tell(line, strlen(line)));
}

/* Not to be looked into. */
static pam_handle_t *
handle(void)
{
    static char there;

    return (pam_handle_t *)(void *)&there;
}

/* The token was asked about, and what came back accepts it. */
static void
is_granted(void)
{
    struct pat_proto_request request;
    struct pat_identity id;

    faults_accepted(&request, &id);
    MUST(request.token_len == strlen(TOKEN));
    MUST(memcmp(request.token, TOKEN, strlen(TOKEN)) == 0);
    MUST(request.req.any_user == ((world.choice & SHARED) != 0));
    MUST(pam_getenv(handle(), "PAT_ID") != NULL &&
         pam_getenv(handle(), "PAT_USER") != NULL);
}

static void
log_in(void)
{
    const char *argv[] = {"shared=git,mcp", "debug", NULL, NULL};
    int argc = 2, rc;

    if ((world.choice & FIRST_PASS) != 0)
        argv[argc++] = "try_first_pass";
    if ((world.choice & WRONG_ARGUMENT) != 0)
        argv[argc++] = "sokcet=/run/patd.sock";
    faults.armed = true;
    rc = pam_sm_authenticate(handle(), 0, argc, argv);
    faults.armed = false;
    if (rc == PAM_SUCCESS) {
        is_granted();
    } else {
        MUST(pam_getenv(handle(), "PAT_ID") == NULL &&
             pam_getenv(handle(), "PAT_USER") == NULL);
        MUST(rc != PAM_IGNORE || (world.choice & A_PASSWORD) != 0);
    }
    MUST(pam_sm_acct_mgmt(handle(), 0, argc, argv) ==
         (rc == PAM_SUCCESS ? PAM_SUCCESS : PAM_IGNORE));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= FAULTS_SIZE)
        return 0;
    memset(&world, 0, sizeof(world));
    world.choice = data[FAULTS_SIZE];
    faults_begin(data, (world.choice & PIECES) != 0, data + FAULTS_SIZE + 1,
        size - FAULTS_SIZE - 1);
    log_in();
    forget_authtok();
    for (size_t i = 0; i < ENV_MAX; i++)
        free(world.env[i]);
    faults_end();
    return 0;
}
