/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The built plugin, loaded by libsasl2 as every server loads it, with a fake patd at the
 * other end. The host of these tests has a check of passwords, a source of properties and
 * a log at the loudest: each keeps what it was shown, and none may ever be shown a token.
 */
#include "unit.h"

#include <dirent.h>
#include <pthread.h>
#include <sasl/prop.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "fake_patd.h"

#define TOKEN    "rhp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0"
#define PASSWORD "correct horse battery staple"
#define STOCK    "/usr/lib/x86_64-linux-gnu/sasl2"
/* What this host says of a wrong password: its last check knows nobody. */
#define REJECTED SASL_NOUSER
#define X64      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const char *module_path;
static char dir[UNIT_PATH_MAX];
static char plugins[UNIT_PATH_MAX + 16]; /* where the library looks for them */
static char socket_path[UNIT_PATH_MAX + 32];
static struct fake_patd fake;

/* What the host was shown */

static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[65536];
static char errors[4096];  /* the lines of level SASL_LOG_ERR */
static char checked[8192]; /* "USER:PASSWORD," each */
static char looked_up[8192];
static int checkpass_result;

static void
append(char *text, size_t size, const char *s, size_t len, char end)
{
    size_t used = strlen(text);

    (void)pthread_mutex_lock(&seen_lock);
    (void)snprintf(text + used, size - used, "%.*s%c", (int)len, s, end);
    (void)pthread_mutex_unlock(&seen_lock);
}

static int
host_log(void *context, int level, const char *message)
{
    (void)context;
    append(log_text, sizeof(log_text), message, strlen(message), '\n');
    if (level == SASL_LOG_ERR)
        append(errors, sizeof(errors), message, strlen(message), '\n');
    return SASL_OK;
}

static int
host_checkpass(sasl_conn_t *conn, void *context, const char *user, const char *pass,
    unsigned pass_len, struct propctx *props)
{
    (void)conn;
    (void)context;
    (void)props;
    append(checked, sizeof(checked), user, strlen(user), ':');
    append(checked, sizeof(checked), pass, pass_len, ',');
    if (strlen(pass) != pass_len)
        return SASL_BADPARAM;
    if (checkpass_result != SASL_OK)
        return checkpass_result;
    return strcmp(pass, PASSWORD) == 0 ? SASL_OK : SASL_BADAUTH;
}

static int
observe(void *context, sasl_server_params_t *params, unsigned flags, const char *user,
    unsigned len)
{
    const struct propval *val = params->utils->prop_get(params->propctx);

    (void)context;
    (void)flags;
    append(looked_up, sizeof(looked_up), user, len, ',');
    /* A source that thinks it knows better. */
    for (; val != NULL && val->name != NULL; val++)
        if (strcmp(val->name, "*patRole") == 0)
            (void)params->utils->prop_set(params->propctx, val->name, "root", 0);
    return SASL_NOUSER;
}

static int
observer_init(const sasl_utils_t *utils, int max, int *version,
    sasl_auxprop_plug_t **ret_plug, const char *name)
{
    static char own_name[] = "observer";
    static sasl_auxprop_plug_t plug = {.auxprop_lookup = observe, .name = own_name};

    (void)utils;
    (void)max;
    (void)name;
    *version = SASL_AUXPROP_PLUG_VERSION;
    *ret_plug = &plug;
    return SASL_OK;
}

/* The host's configuration */

#define OPTIONS_MAX 16

static struct {
    const char *name, *value;
} options[OPTIONS_MAX];

static void
set_option(const char *name, const char *value)
{
    for (size_t i = 0; i < OPTIONS_MAX; i++)
        if (options[i].name == NULL || strcmp(options[i].name, name) == 0) {
            options[i].name = name;
            options[i].value = value;
            return;
        }
    fail_msg("too many options");
}

static int
host_getopt(void *context, const char *plugin, const char *option, const char **result,
    unsigned *len)
{
    (void)context;
    (void)plugin;
    for (size_t i = 0; i < OPTIONS_MAX && options[i].name != NULL; i++)
        if (strcmp(options[i].name, option) == 0 && options[i].value != NULL) {
            *result = options[i].value;
            if (len != NULL)
                *len = (unsigned)strlen(*result);
            return SASL_OK;
        }
    return SASL_FAIL;
}

static int
host_getpath(void *context, const char **path)
{
    (void)context;
    *path = plugins;
    return SASL_OK;
}

static int proxy_result; /* may one name act for another? */

static int
host_proxy(sasl_conn_t *conn, void *context, const char *user, unsigned user_len,
    const char *auth, unsigned auth_len, const char *realm, unsigned realm_len,
    struct propctx *props)
{
    (void)conn;
    (void)context;
    (void)realm;
    (void)realm_len;
    (void)props;
    if (user_len == auth_len && memcmp(user, auth, user_len) == 0)
        return SASL_OK;
    return proxy_result;
}

struct mutex {
    pthread_mutex_t lock;
};

static void *
mutex_new(void)
{
    struct mutex *m = malloc(sizeof(*m));

    if (m != NULL)
        (void)pthread_mutex_init(&m->lock, NULL);
    return m;
}

static int
mutex_lock(void *mutex)
{
    struct mutex *m = mutex;

    return pthread_mutex_lock(&m->lock);
}

static int
mutex_unlock(void *mutex)
{
    struct mutex *m = mutex;

    return pthread_mutex_unlock(&m->lock);
}

static void
mutex_free(void *mutex)
{
    struct mutex *m = mutex;

    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

static void
host_start(void)
{
#define CALLBACK(id, fn)                                                                 \
    {                                                                                    \
        id, (int (*)(void))(void (*)(void))(fn), NULL                                    \
    }
    static const sasl_callback_t callbacks[] = {
        CALLBACK(SASL_CB_LOG, host_log),
        CALLBACK(SASL_CB_GETOPT, host_getopt),
        CALLBACK(SASL_CB_GETPATH, host_getpath),
        CALLBACK(SASL_CB_PROXY_POLICY, host_proxy),
        CALLBACK(SASL_CB_SERVER_USERDB_CHECKPASS, host_checkpass),
        {SASL_CB_LIST_END, NULL, NULL},
    };

    log_text[0] = errors[0] = checked[0] = looked_up[0] = '\0';
    unit_check_int("init", sasl_server_init(callbacks, "pat-test"), SASL_OK);
    unit_check_int(
        "observer", sasl_auxprop_add_plugin("observer", observer_init), SASL_OK);
}

static void
host_restart(void)
{
    sasl_done();
    host_start();
}

static void
check_not_shown(const char *secret)
{
    if (strstr(log_text, secret) != NULL)
        fail_msg("in the log: %s", secret);
    if (strstr(checked, secret) != NULL)
        fail_msg("given to the check of passwords: %s", secret);
    if (strstr(looked_up, secret) != NULL)
        fail_msg("given to the source of properties: %s", secret);
}

static int
setup(void **state)
{
    (void)state;
    unit_dir_make(dir);
    (void)snprintf(socket_path, sizeof(socket_path), "%s/patd.sock", dir);
    (void)snprintf(plugins, sizeof(plugins), "%s/plugins", dir);
    assert_int_equal(mkdir(plugins, 0700), 0);
    {
        char link[UNIT_PATH_MAX + 32];

        (void)snprintf(link, sizeof(link), "%s/libpat.so", plugins);
        assert_int_equal(symlink(module_path, link), 0);
    }
    fake_patd_start(&fake, socket_path);
    memset(options, 0, sizeof(options));
    set_option("pat_socket", socket_path);
    set_option("log_level", "7");
    checkpass_result = proxy_result = SASL_OK;
    host_start();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    sasl_done();
    fake_patd_stop(&fake);
    unit_dir_remove(plugins);
    unit_dir_remove(dir);
    check_not_shown("rhp_");
    return 0;
}

/* Exchanges */

static sasl_conn_t *
connection_of(const char *realm, const char *remote)
{
    sasl_conn_t *conn = NULL;

    unit_check_int("new",
        sasl_server_new("imap", "mail.example.com", realm, NULL, remote, NULL, 0, &conn),
        SASL_OK);
    return conn;
}

static sasl_conn_t *
connection(void)
{
    return connection_of(NULL, NULL);
}

/* What a client says at most; `second` NULL: nothing more. */
struct talk {
    const char *first;
    size_t first_len;
    const char *second;
    size_t second_len;
};

static int
exchange(sasl_conn_t *conn, const char *mech, const struct talk *talk, const char *want)
{
    const char *out = NULL;
    unsigned len = 0;
    int rc =
        sasl_server_start(conn, mech, talk->first, (unsigned)talk->first_len, &out, &len);

    if (rc == SASL_CONTINUE && want != NULL) {
        unit_check_int("challenge's length", len, strlen(want));
        assert_memory_equal(out, want, len);
    }
    if (rc == SASL_CONTINUE && talk->second != NULL)
        rc = sasl_server_step(conn, talk->second, (unsigned)talk->second_len, &out, &len);
    return rc;
}

static size_t
plain_message(
    char *buf, size_t size, const char *authzid, const char *authid, const char *password)
{
    return (size_t)snprintf(
        buf, size, "%s%c%s%c%s", authzid, '\0', authid, '\0', password);
}

static int
plain_on(sasl_conn_t *conn, const char *authzid, const char *authid, const char *password)
{
    char message[4096];
    struct talk talk = {message, 0, NULL, 0};

    talk.first_len = plain_message(message, sizeof(message), authzid, authid, password);
    return exchange(conn, "PLAIN", &talk, NULL);
}

static int
plain(const char *authzid, const char *authid, const char *password)
{
    sasl_conn_t *conn = connection();
    int rc = plain_on(conn, authzid, authid, password);

    sasl_dispose(&conn);
    return rc;
}

static int
login_on(sasl_conn_t *conn, const char *name, const char *password)
{
    struct talk talk = {name, strlen(name), password, strlen(password)};

    return exchange(conn, "LOGIN", &talk, "Password:");
}

#define OAUTHBEARER_ERROR "{\"status\":\"invalid_token\"}"
#define XOAUTH2_ERROR     "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"\"}"

static int
oauthbearer_on(sasl_conn_t *conn, const char *user, const char *token)
{
    char message[4096];
    struct talk talk = {message, 0, "\001", 1};

    talk.first_len = (size_t)snprintf(message, sizeof(message),
        "n,%s%s,\001host=mail.example.com\001port=143\001auth=Bearer %s\001\001",
        user[0] != '\0' ? "a=" : "", user, token);
    return exchange(conn, "OAUTHBEARER", &talk, OAUTHBEARER_ERROR);
}

static int
xoauth2_on(sasl_conn_t *conn, const char *user, const char *token)
{
    char message[4096];
    struct talk talk = {message, 0, "", 0};

    talk.first_len = (size_t)snprintf(
        message, sizeof(message), "user=%s\001auth=Bearer %s\001\001", user, token);
    return exchange(conn, "XOAUTH2", &talk, XOAUTH2_ERROR);
}

/* By number, so that tables can go over all. */
enum mech { PLAIN = 0, LOGIN, OAUTHBEARER, XOAUTH2, MECH_COUNT };

static const char *const mech_names[] = {"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"};

static int
authenticate_on(sasl_conn_t *conn, int mech, const char *user, const char *token)
{
    switch (mech) {
    case PLAIN:
        return plain_on(conn, "", user, token);
    case LOGIN:
        return login_on(conn, user, token);
    case OAUTHBEARER:
        return oauthbearer_on(conn, user, token);
    default:
        return xoauth2_on(conn, user, token);
    }
}

static void
check_code(const char *what, int got, int want)
{
    if (got != want)
        fail_msg("%s: got %d (%s), want %d (%s)\n%s", what, got,
            sasl_errstring(got, NULL, NULL), want, sasl_errstring(want, NULL, NULL),
            log_text);
}

static void
check_user(sasl_conn_t *conn, int property, const char *want)
{
    const void *value = NULL;

    check_code("getprop", sasl_getprop(conn, property, &value), SASL_OK);
    unit_check_string("user", value, want);
}

static void
say(enum fake_mode mode, enum pat_err status)
{
    struct fake_behaviour b = {mode, status, NULL, NULL, 0, 0};

    fake_patd_say(&fake, &b);
}

static void
check_connections(unsigned want)
{
    fake_patd_stop(&fake);
    unit_check_int("connections", fake.connections, want);
}

/* Verdicts */

struct verdict_row {
    const char *name;
    enum pat_err status;
    int want;
};

static const struct verdict_row verdicts[] = {
    {"accepted", PAT_OK, SASL_OK},
    {"malformed", PAT_ERR_MALFORMED, SASL_BADAUTH},
    {"unknown", PAT_ERR_UNKNOWN, SASL_BADAUTH},
    {"revoked", PAT_ERR_REVOKED, SASL_BADAUTH},
    {"expired", PAT_ERR_EXPIRED, SASL_BADAUTH},
    {"no member", PAT_ERR_MEMBER, SASL_BADAUTH},
    {"another user's", PAT_ERR_USER, SASL_BADAUTH},
    {"out of scope", PAT_ERR_SCOPE, SASL_BADAUTH},
    {"damaged", PAT_ERR_RECORD, SASL_BADAUTH},
    {"unavailable", PAT_ERR_UNAVAIL, SASL_UNAVAIL},
    {"configuration", PAT_ERR_CONFIG, SASL_UNAVAIL},
    {"memory", PAT_ERR_NOMEM, SASL_UNAVAIL},
};

/* The host gets the reason in its log: loud if somebody must act, without any name. */
static void
check_verdict(const struct verdict_row *row, int mech)
{
    sasl_conn_t *conn = connection();
    int rc;

    log_text[0] = errors[0] = '\0';
    rc = authenticate_on(conn, mech, "alice", TOKEN);
    check_code(mech_names[mech], rc, row->want);
    if (row->want == SASL_OK) {
        check_user(conn, SASL_USERNAME, "alice");
        check_user(conn, SASL_AUTHUSER, "alice");
    } else {
        if (strstr(log_text, pat_strerror(row->status)) == NULL)
            fail_msg("no reason in the log: %s", log_text);
        if (strstr(sasl_errdetail(conn), pat_strerror(row->status)) != NULL &&
            row->want == SASL_BADAUTH)
            fail_msg("the client is told: %s", sasl_errdetail(conn));
    }
    unit_check_int("an error in the log", errors[0] != '\0', row->want == SASL_UNAVAIL);
    if (strstr(log_text, "alice") != NULL)
        fail_msg("a name in the log: %s", log_text);
    sasl_dispose(&conn);
}

static void
verdict(void **state)
{
    const struct verdict_row *row = *state;

    say(FAKE_ANSWER, row->status);
    for (int mech = 0; mech < MECH_COUNT; mech++)
        check_verdict(row, mech);
    check_connections(MECH_COUNT);
    unit_check_string("checked", checked, "");
}

/* The line of a refusal: one, with the address, at a level that the library shows. */

#define REFUSAL_LINE                                                                     \
    "sasl_pat: authentication failure; service=imap rhost=192.0.2.7 user= reason="

struct refusal_row {
    const char *name;
    const char *log_level;
    bool is_error;
};

static const struct refusal_row refusals[] = {
    {"shown as a failure where failures are shown", "2", false},
    {"shown as a failure where all is shown", "7", false},
    {"shown as an error where errors are shown", "1", true},
    {"shown as an error by default", NULL, true},
};

static unsigned
count_in_log(const char *text)
{
    unsigned n = 0;

    for (const char *at = log_text; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void
check_refusal(const char *what, const char *reason)
{
    char want[512];

    (void)snprintf(want, sizeof(want), REFUSAL_LINE "\"%s\"", reason);
    if (count_in_log(want) != 1 || count_in_log("authentication failure; ") != 1)
        fail_msg("%s: not one line says %s: %s", what, want, log_text);
}

static void
refusal(void **state)
{
    const struct refusal_row *row = *state;

    set_option("log_level", row->log_level);
    say(FAKE_ANSWER, PAT_ERR_REVOKED);
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        sasl_conn_t *conn = connection_of(NULL, "192.0.2.7;4711");

        log_text[0] = errors[0] = '\0';
        check_code(
            mech_names[mech], authenticate_on(conn, mech, "alice", TOKEN), SASL_BADAUTH);
        check_refusal(mech_names[mech], "token is revoked");
        unit_check_int("an error", errors[0] != '\0', row->is_error);
        sasl_dispose(&conn);
    }
}

static void
refusal_of_malformed(void **state)
{
    const char *out = NULL;
    unsigned out_len = 0;
    sasl_conn_t *conn = connection_of(NULL, "192.0.2.7;4711");

    (void)state;
    log_text[0] = '\0';
    check_code("PLAIN", sasl_server_start(conn, "PLAIN", "junk", 4, &out, &out_len),
        SASL_BADPROT);
    check_refusal("PLAIN", "malformed message of the mechanism");
    log_text[0] = '\0';
    check_code("a token as the name", plain_on(conn, "", TOKEN, "x"), SASL_BADAUTH);
    check_refusal("PLAIN",
        "a token was given as the login name; revoke it, the host may have logged it");
    log_text[0] = '\0';
    check_code("a wrapped token", plain_on(conn, "", "alice", "x" TOKEN), SASL_BADAUTH);
    check_refusal("PLAIN",
        "the password has other characters around a token, or another letter case; give "
        "the token alone");
    sasl_dispose(&conn);
    check_connections(0);
}

/* An outage has another form, and causes no ban. */
static void
outage_is_no_refusal(void **state)
{
    (void)state;
    say(FAKE_ANSWER, PAT_ERR_UNAVAIL);
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        sasl_conn_t *conn = connection_of(NULL, "192.0.2.7;4711");

        check_code(
            mech_names[mech], authenticate_on(conn, mech, "alice", TOKEN), SASL_UNAVAIL);
        sasl_dispose(&conn);
    }
    unit_check_int("refusals", count_in_log("authentication failure"), 0);
}

static void
every_verdict(void **state)
{
    (void)state;
    unit_check_int("rows", COUNT(verdicts), PAT_ERR_COUNT);
    for (size_t i = 0; i < COUNT(verdicts); i++)
        unit_check_int("status", verdicts[i].status, i);
}

/* No answer is neither yes nor no */

struct bad_row {
    const char *name;
    enum fake_mode mode;
    const char *raw;
    size_t len;
};

#define BYTES(s) s, sizeof(s) - 1

static const struct bad_row bads[] = {
    {"closes at once", FAKE_CLOSE, NULL, 0},
    {"closes after the request", FAKE_RAW, BYTES("")},
    {"half a message", FAKE_RAW, BYTES("PAT1\0\0\0\4\x40\0\1")},
    {"junk", FAKE_RAW, BYTES("+OK ready\r\n")},
    {"accepted, without an identity", FAKE_RAW, BYTES("PAT1\0\0\0\4\x40\0\1\0")},
    {"silence", FAKE_SILENT, NULL, 0},
};

static void
unavailable(void **state)
{
    const struct bad_row *row = *state;
    struct fake_behaviour b = {row->mode, PAT_OK, NULL, row->raw, row->len, 0};

    set_option("pat_timeout", "200ms");
    fake_patd_say(&fake, &b);
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        int64_t began = pat_monotonic_ns();
        sasl_conn_t *conn = connection();

        check_code(
            mech_names[mech], authenticate_on(conn, mech, "alice", TOKEN), SASL_UNAVAIL);
        sasl_dispose(&conn);
        unit_check_no_hang(began, 200);
    }
    if (strstr(errors, socket_path) == NULL)
        fail_msg("the log does not name the socket: %s", errors);
}

static void
no_patd(void **state)
{
    (void)state;
    fake_patd_stop(&fake);
    check_code("nobody listens", plain("", "alice", TOKEN), SASL_UNAVAIL);
    assert_int_equal(unlink(socket_path), 0);
    check_code("no socket", plain("", "alice", TOKEN), SASL_UNAVAIL);
    check_code("a password needs none", plain("", "alice", PASSWORD), SASL_OK);
}

/* Passwords */

static void
passwords_go_on(void **state)
{
    sasl_conn_t *conn = connection();

    (void)state;
    check_code("PLAIN", plain("", "alice", PASSWORD), SASL_OK);
    check_code("LOGIN", login_on(conn, "bob", PASSWORD), SASL_OK);
    check_user(conn, SASL_USERNAME, "bob");
    sasl_dispose(&conn);
    check_code("wrong", plain("", "alice", "wrong"), REJECTED);
    check_code("bytes that are no UTF-8", plain("", "\xe4", "\xf6"), REJECTED);
    unit_check_string(
        "checked", checked, "alice:" PASSWORD ",bob:" PASSWORD ",alice:wrong,\xe4:\xf6,");
    check_connections(0);
}

/* What the host's check says is what the client gets: above all that there is no answer.
 */
static void
passwords_are_the_hosts(void **state)
{
    static const int results[] = {SASL_BADAUTH, SASL_NOUSER, SASL_UNAVAIL, SASL_NOMECH};

    (void)state;
    set_option("pwcheck_method", "nothing that exists");
    for (size_t i = 0; i < COUNT(results); i++) {
        checkpass_result = results[i];
        if (plain("", "alice", PASSWORD) == SASL_OK)
            fail_msg("accepted after %d", results[i]);
    }
    check_connections(0);
}

struct password_row {
    const char *name;
    const char *password;
    int want;
    unsigned connections;
    bool passed_on;
};

static const struct password_row passwords[] = {
    {"a token", TOKEN, SASL_OK, 1, false},
    {"the shortest that patd is asked about", "rhp_x", SASL_OK, 1, false},
    {"the longest", "rhp_" X64 X64 X64 X64 "xxxxxxxxxxx", SASL_OK, 1, false},
    {"part of the prefix", "rhp", REJECTED, 0, true},
    {"the prefix in capitals, then too little", "RHP_7Kd0mQx4ZrT9bWn2LpY", REJECTED, 0,
        true},
    {"another prefix", "ghp_7Kd0mQx4ZrT9bWn2LpYs", REJECTED, 0, true},
    {"a token and a space", TOKEN " ", SASL_OK, 1, false},
    {"a token and a line break", TOKEN "\r\n", SASL_OK, 1, false},
    {"a tab and a token", "\t" TOKEN, SASL_OK, 1, false},
    {"a byte order mark and a token", "\xef\xbb\xbf" TOKEN, SASL_OK, 1, false},
    {"bracketed paste", "\033[200~" TOKEN "\033[201~", SASL_OK, 1, false},
    /* A password that has a token in it is passed on to nothing. */
    {"a token in upper case", "RHP_7KD0MQX4ZRT9BWN2LPYS", SASL_BADAUTH, 0, false},
    {"a token in lower case", "rhp_7kd0mqx4zrt9bwn2lpys", SASL_OK, 1, false},
    {"the scheme Bearer", "Bearer " TOKEN, SASL_BADAUTH, 0, false},
    {"quotes", "\"" TOKEN "\"", SASL_BADAUTH, 0, false},
    {"a no-break space", "\xc2\xa0" TOKEN, SASL_BADAUTH, 0, false},
    {"a URL", "https://bob:" TOKEN "@git.example/", SASL_BADAUTH, 0, false},
    {"the prefix alone", "rhp_", SASL_BADAUTH, 0, false},
    {"the prefix and a password", "rhp_correct horse", SASL_BADAUTH, 0, false},
    {"the prefix and high bytes", "rhp_\xc3\xa9\xff", SASL_BADAUTH, 0, false},
    {"the prefix and a filter", "rhp_*)(uid=*", SASL_BADAUTH, 0, false},
    {"one byte too long", "rhp_" X64 X64 X64 X64 "xxxxxxxxxxxx", SASL_BADAUTH, 0, false},
};

/* The fake patd got the password without what was around it. */
static void
check_trimmed(const char *password, const char *token)
{
    const char *at = strstr(password, token);

    if (at == NULL || strncmp(at, "rhp_", 4) != 0) {
        fail_msg("patd was asked about \"%s\"", token);
        return;
    }
    unit_check_int("length", (int)strlen(token), (int)strcspn(at, " \t\r\n\033"));
}

static void
password(void **state)
{
    const struct password_row *row = *state;
    sasl_conn_t *conn = connection();

    check_code("PLAIN", plain("", "alice", row->password), row->want);
    check_code("LOGIN", login_on(conn, "alice", row->password), row->want);
    sasl_dispose(&conn);
    check_connections(2 * row->connections);
    unit_check_int("passed on", checked[0] != '\0', row->passed_on);
    if (row->connections > 0)
        check_trimmed(row->password, fake.request.token);
}

/* A name is shown to everybody: a token in its place goes nowhere. */
static void
pasted_names(void **state)
{
    (void)state;
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        static const char *const names[] = {TOKEN, TOKEN "@example.com", " " TOKEN,
            TOKEN "\r\n", "\t" TOKEN " @example.com", "\"" TOKEN "\"", "Bearer " TOKEN,
            "\xc2\xa0" TOKEN, "rhp_7kd0mqx4zrt9bwn2lpys", "RHP_7KD0MQX4ZRT9BWN2LPYS@x"};

        for (size_t i = 0; i < COUNT(names); i++) {
            sasl_conn_t *conn = connection();

            check_code(mech_names[mech], authenticate_on(conn, mech, names[i], TOKEN),
                SASL_BADAUTH);
            sasl_dispose(&conn);
        }
    }
    check_code("with a password", plain("", TOKEN, PASSWORD), SASL_BADAUTH);
    check_code("as authzid", plain(TOKEN, "alice", PASSWORD), SASL_BADAUTH);
    check_code("as authzid", plain(TOKEN, "alice", TOKEN), SASL_BADAUTH);
    unit_check_string("checked", checked, "");
    unit_check_string("looked up", looked_up, "");
    check_connections(0);
    /* A person of that name is none. */
    check_code("a short name", plain("", "rhp_smith", PASSWORD), SASL_OK);
    log_text[0] = checked[0] = looked_up[0] = '\0';
}

/* What is of no form */

struct junk_row {
    const char *name;
    const char *mech;
    struct talk talk;
};

#define LATER NULL, 0

static const struct junk_row junk[] = {
    {"PLAIN, nothing", "PLAIN", {BYTES(""), LATER}},
    {"PLAIN, no NUL", "PLAIN", {BYTES("alice"), LATER}},
    {"PLAIN, one NUL", "PLAIN", {BYTES("\0alice"), LATER}},
    {"PLAIN, no name", "PLAIN", {BYTES("\0\0" TOKEN), LATER}},
    {"PLAIN, no password", "PLAIN", {BYTES("\0alice\0"), LATER}},
    {"PLAIN, three NULs", "PLAIN", {BYTES("\0alice\0" TOKEN "\0"), LATER}},
    {"PLAIN, a NUL in the password", "PLAIN", {BYTES("\0alice\0pass\0word"), LATER}},
    {"LOGIN, a NUL in the name", "LOGIN", {BYTES("ali\0ce"), BYTES(TOKEN)}},
    {"LOGIN, a NUL in the token", "LOGIN", {BYTES("alice"), BYTES(TOKEN "\0")}},
    {"LOGIN, a NUL in the password", "LOGIN", {BYTES("alice"), BYTES("pass\0word")}},
    {"LOGIN, no password", "LOGIN", {BYTES("alice"), BYTES("")}},
    {"OAUTHBEARER, nothing", "OAUTHBEARER", {BYTES(""), LATER}},
    {"OAUTHBEARER, the dummy", "OAUTHBEARER", {BYTES("\001"), LATER}},
    {"OAUTHBEARER, binding", "OAUTHBEARER",
        {BYTES("p=tls-unique,,\001auth=Bearer " TOKEN "\001\001"), LATER}},
    {"OAUTHBEARER, a user of Latin-1", "OAUTHBEARER",
        {BYTES("n,a=\xe4,\001auth=Bearer " TOKEN "\001\001"), LATER}},
    {"OAUTHBEARER, PLAIN's form", "OAUTHBEARER", {BYTES("\0alice\0" TOKEN), LATER}},
    {"XOAUTH2, nothing", "XOAUTH2", {BYTES(""), LATER}},
    {"XOAUTH2, no user", "XOAUTH2", {BYTES("auth=Bearer " TOKEN "\001\001"), LATER}},
};

static void
malformed(void **state)
{
    const struct junk_row *row = *state;
    sasl_conn_t *conn = connection();

    check_code(row->name, exchange(conn, row->mech, &row->talk, NULL), SASL_BADPROT);
    /* The next attempt on the connection is a fresh one. */
    check_code("then", plain_on(conn, "", "alice", TOKEN), SASL_OK);
    sasl_dispose(&conn);
    unit_check_string("checked", checked, "");
    check_connections(1);
}

static void
too_long(void **state)
{
    size_t len = 1 << 20;
    char *text = malloc(len);

    (void)state;
    for (size_t i = 0; i < COUNT(mech_names); i++) {
        static const char fillers[] = {'x', '\0', '\001', '\xff'};

        for (size_t f = 0; f < COUNT(fillers); f++) {
            struct talk talk = {text, len, text, len};
            sasl_conn_t *conn = connection();

            memset(text, fillers[f], len);
            check_code(
                mech_names[i], exchange(conn, mech_names[i], &talk, NULL), SASL_BADPROT);
            talk.first = "alice";
            talk.first_len = 5;
            check_code(
                mech_names[i], exchange(conn, mech_names[i], &talk, NULL), SASL_BADPROT);
            sasl_dispose(&conn);
        }
    }
    free(text);
    unit_check_string("checked", checked, "");
    check_connections(0);
}

/* Server first, as LOGIN is meant; and whoever answers a question with nothing. */
static void
login_by_steps(void **state)
{
    static const struct talk silent = {NULL, 0, NULL, 0};
    sasl_conn_t *conn = connection();
    const char *out = NULL;
    unsigned len = 0;

    (void)state;
    check_code("start", exchange(conn, "LOGIN", &silent, "Username:"), SASL_CONTINUE);
    check_code("name", sasl_server_step(conn, "alice", 5, &out, &len), SASL_CONTINUE);
    unit_check_int("length", len, strlen("Password:"));
    assert_memory_equal(out, "Password:", len);
    check_code(
        "token", sasl_server_step(conn, TOKEN, strlen(TOKEN), &out, &len), SASL_OK);
    check_user(conn, SASL_USERNAME, "alice");
    sasl_dispose(&conn);

    conn = connection();
    check_code("start", exchange(conn, "LOGIN", &silent, NULL), SASL_CONTINUE);
    check_code("no name", sasl_server_step(conn, "", 0, &out, &len), SASL_BADPROT);
    sasl_dispose(&conn);
}

/* The other client-first mechanisms wait for the client, and then go on. */
static void
no_initial_response(void **state)
{
    static const struct talk silent = {NULL, 0, NULL, 0};
    static const char message[] = "\0alice\0" TOKEN;
    sasl_conn_t *conn = connection();
    const char *out = NULL;
    unsigned len = 0;

    (void)state;
    check_code("start", exchange(conn, "PLAIN", &silent, ""), SASL_CONTINUE);
    check_code("then", sasl_server_step(conn, message, sizeof(message) - 1, &out, &len),
        SASL_OK);
    sasl_dispose(&conn);
}

/* After a refusal nothing that the client says makes a difference. */
static void
refused_bearer(void **state)
{
    static const char again[] = "n,,\001auth=Bearer " TOKEN "\001\001";
    struct talk talk = {BYTES(again), BYTES(again)};
    sasl_conn_t *conn = connection();

    (void)state;
    say(FAKE_ANSWER, PAT_ERR_REVOKED);
    check_code(
        "twice", exchange(conn, "OAUTHBEARER", &talk, OAUTHBEARER_ERROR), SASL_BADAUTH);
    say(FAKE_ANSWER, PAT_OK);
    check_code("afresh", oauthbearer_on(conn, "", TOKEN), SASL_OK);
    sasl_dispose(&conn);
    check_connections(2);
}

/* A bearer token without the prefix is nobody's: there is no check of the host for it. */
static void
foreign_bearer(void **state)
{
    sasl_conn_t *conn = connection();

    (void)state;
    check_code(
        "a JWT", oauthbearer_on(conn, "", "eyJhbGciOiJub25lIn0.e30."), SASL_BADAUTH);
    check_code("a password", xoauth2_on(conn, "alice", "swordfish"), SASL_BADAUTH);
    sasl_dispose(&conn);
    unit_check_string("checked", checked, "");
    check_connections(0);
}

/* Names */

static void
bearer_names_nobody(void **state)
{
    sasl_conn_t *conn = connection_of("example.com", NULL);

    (void)state;
    check_code("no user", oauthbearer_on(conn, "", TOKEN), SASL_OK);
    check_user(conn, SASL_USERNAME, "alice@example.com");
    check_user(conn, SASL_AUTHUSER, "alice@example.com");
    sasl_dispose(&conn);
    check_connections(1);
    unit_check_int("any user", fake.request.any_user, true);
    unit_check_string("asked for", fake.request.user, "(none)");
}

struct name_row {
    const char *name;
    const char *realm; /* the host's */
    const char *login;
    const char *asked; /* of patd; NULL: it is not asked */
    const char *user;  /* what the host gets */
};

static const struct name_row names[] = {
    {"as it is", NULL, "alice", "alice", "alice"},
    {"the host's realm is appended, and taken off", "example.com", "alice", "alice",
        "alice@example.com"},
    {"the host's realm, given by the client", "example.com", "alice@example.com", "alice",
        "alice@example.com"},
    {"in another case", "example.com", "alice@EXAMPLE.com", "alice", "alice@EXAMPLE.com"},
    {"another realm stays", "example.com", "alice@evil.example", "alice@evil.example",
        "alice@evil.example"},
    {"a realm stays where the host has none", NULL, "alice@example.com",
        "alice@example.com", "alice@example.com"},
    {"an empty realm is none", "", "alice@", "alice@", "alice@"},
    {"two realms", "example.com", "alice@a@example.com", "alice@a",
        "alice@a@example.com"},
    {"white space is the library's to strip", NULL, " alice ", "alice", "alice"},
    {"case counts", NULL, "Alice", "Alice", "Alice"},
    {"no name but a realm", "example.com", "@example.com", NULL, NULL},
    {"no UTF-8", NULL, "\xe4", NULL, NULL},
    {"the longest", NULL, X64 X64 X64 "xxxxxxx", X64 X64 X64 "xxxxxxx",
        X64 X64 X64 "xxxxxxx"},
    {"too long", NULL, X64 X64 X64 X64, NULL, NULL},
};

static void
name(void **state)
{
    const struct name_row *row = *state;

    say(FAKE_ECHO, PAT_OK);
    for (int mech = PLAIN; mech <= LOGIN; mech++) {
        sasl_conn_t *conn = connection_of(row->realm, NULL);
        int rc = authenticate_on(conn, mech, row->login, TOKEN);

        check_code(mech_names[mech], rc, row->asked != NULL ? SASL_OK : SASL_BADAUTH);
        if (rc == SASL_OK)
            check_user(conn, SASL_USERNAME, row->user);
        sasl_dispose(&conn);
    }
    check_connections(row->asked != NULL ? 2 : 0);
    if (row->asked != NULL) {
        unit_check_string("asked for", fake.request.user, row->asked);
        unit_check_int("any user", fake.request.any_user, false);
    }
}

/* Of all mechanisms PLAIN alone lets one act for another, where the host has it so. */
static void
authzid(void **state)
{
    sasl_conn_t *conn = connection();

    (void)state;
    check_code("allowed", plain_on(conn, "carol", "alice", TOKEN), SASL_OK);
    check_user(conn, SASL_USERNAME, "carol");
    check_user(conn, SASL_AUTHUSER, "alice");
    sasl_dispose(&conn);
    proxy_result = SASL_NOAUTHZ;
    check_code("forbidden", plain("carol", "alice", TOKEN), SASL_NOAUTHZ);
    check_code("oneself", plain("alice", "alice", TOKEN), SASL_OK);
    check_code("by password, as ever", plain("carol", "alice", PASSWORD), REJECTED);
    say(FAKE_ANSWER, PAT_ERR_EXPIRED);
    check_code("refused", plain("carol", "alice", TOKEN), SASL_BADAUTH);
    check_connections(4);
    unit_check_string("asked for", fake.request.user, "alice");
}

/* Who says as whom is asked for by that name. */
static void
bearer_user(void **state)
{
    sasl_conn_t *conn = connection_of("example.com", NULL);

    (void)state;
    say(FAKE_ECHO, PAT_OK);
    check_code("OAUTHBEARER", oauthbearer_on(conn, "a=2Cb", TOKEN), SASL_OK);
    check_user(conn, SASL_USERNAME, "a,b@example.com");
    sasl_dispose(&conn);
    check_connections(1);
    unit_check_string("asked for", fake.request.user, "a,b");
    unit_check_int("any user", fake.request.any_user, false);
}

/* What patd is asked */

struct ask_row {
    const char *name;
    const char *option, *value;
    const char *remote;
    const char *orgs, *roles, *source;
    uint32_t timeout_ms;
};

static const struct ask_row asks[] = {
    {"nothing set", NULL, NULL, NULL, "(none)", "(none)", "(none)", 2900},
    {"orgs", "pat_org", "acme, globex", NULL, "acme,globex", "(none)", "(none)", 2900},
    {"roles", "pat_role", "owner,member", NULL, "(none)", "owner,member", "(none)", 2900},
    {"a timeout", "pat_timeout", "1s", NULL, "(none)", "(none)", "(none)", 900},
    {"an address", NULL, NULL, "192.0.2.7;4711", "(none)", "(none)", "192.0.2.7", 2900},
    {"an address of IPv6", NULL, NULL, "2001:db8::1;25", "(none)", "(none)",
        "2001:db8::1", 2900},
};

static void
asked(void **state)
{
    const struct ask_row *row = *state;
    sasl_conn_t *conn;

    if (row->option != NULL)
        set_option(row->option, row->value);
    conn = connection_of(NULL, row->remote);
    check_code("PLAIN", plain_on(conn, "", "alice", TOKEN), SASL_OK);
    sasl_dispose(&conn);
    check_connections(1);
    unit_check_string("token", fake.request.token, TOKEN);
    unit_check_string("service", fake.request.service, "imap");
    unit_check_string("source", fake.request.source, row->source);
    unit_check_string("orgs", fake.request.orgs, row->orgs);
    unit_check_string("roles", fake.request.roles, row->roles);
    unit_check_int("timeout", fake.request.timeout_ms, row->timeout_ms);
}

/* Options */

struct option_row {
    const char *name;
    const char *option, *value;
    const char *log;
};

static const struct option_row wrongs[] = {
    {"a relative socket", "pat_socket", "run/patd.sock",
        "pat_socket: must be an absolute"},
    {"an empty socket", "pat_socket", "", "pat_socket: needs a path"},
    {"an empty org", "pat_org", "", "pat_org: needs a value"},
    {"an org with a hole", "pat_org", "acme,,globex", "pat_org: empty item in list"},
    {"an empty role", "pat_role", "", "pat_role: needs a value"},
    {"a role of a space", "pat_role", " ", "pat_role: empty item in list"},
    {"an empty prefix", "pat_prefix", "", "pat_prefix: must be 1 to 16"},
    {"a prefix with a slash", "pat_prefix", "a/b", "pat_prefix: must be 1 to 16"},
    {"a timeout without a unit", "pat_timeout", "3", "pat_timeout: needs a unit"},
    {"a timeout too long", "pat_timeout", "61s", "pat_timeout: must be from"},
    {"properties, perhaps", "pat_properties", "perhaps", "pat_properties: must be yes"},
};

/* Nobody is let in; not by password either, since what is a token cannot be told. */
static void
wrong_option(void **state)
{
    const struct option_row *row = *state;

    set_option(row->option, row->value);
    host_restart();
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        sasl_conn_t *conn = connection();

        check_code(
            mech_names[mech], authenticate_on(conn, mech, "alice", TOKEN), SASL_UNAVAIL);
        sasl_dispose(&conn);
    }
    check_code("a password", plain("", "alice", PASSWORD), SASL_UNAVAIL);
    if (strstr(errors, row->log) == NULL)
        fail_msg("the log does not say \"%s\": %s", row->log, errors);
    unit_check_string("checked", checked, "");
    check_connections(0);
}

static void
socket_too_long(void **state)
{
    char path[200];

    (void)state;
    (void)snprintf(path, sizeof(path), "/%s", unit_repeat('x', 107));
    set_option("pat_socket", path);
    check_code("PLAIN", plain("", "alice", TOKEN), SASL_UNAVAIL);
}

static void
own_prefix(void **state)
{
    (void)state;
    set_option("pat_prefix", "acme-ci_");
    check_code("a token", plain("", "alice", "acme-ci_0123"), SASL_OK);
    check_code("a password", plain("", "alice", PASSWORD), SASL_OK);
    check_connections(1);
}

static const char *
mechanisms(void)
{
    static char list[512];
    sasl_conn_t *conn = connection();
    const char *text = NULL;

    (void)sasl_listmech(conn, NULL, "", " ", "", &text, NULL, NULL);
    (void)snprintf(list, sizeof(list), "%s", text != NULL ? text : "");
    sasl_dispose(&conn);
    return list;
}

/* Where nobody asks for it the plugin is not there, and says nothing. */
static void
not_wanted(void **state)
{
    char with[512], log[sizeof(log_text)];

    (void)state;
    set_option("pat_socket", NULL);
    host_restart();
    (void)snprintf(with, sizeof(with), "%s", mechanisms());
    (void)snprintf(log, sizeof(log), "%s", log_text);
    if (plain("", "alice", PASSWORD) != SASL_NOMECH)
        fail_msg("there is a PLAIN");
    if (strstr(log, "sasl_pat") != NULL)
        fail_msg("the log has: %s", log);
    unit_dir_remove(plugins);
    assert_int_equal(mkdir(plugins, 0700), 0);
    host_restart();
    unit_check_string("mechanisms", with, mechanisms());
}

/* Properties */

static void
check_properties(sasl_conn_t *conn, const char *role, const char *org)
{
    static const char *names_wanted[] = {"*patRole", "*patOrg", NULL};
    struct propval vals[3] = {{0}, {0}, {0}};
    struct propctx *props = sasl_auxprop_getctx(conn);

    (void)prop_getnames(props, names_wanted, vals);
    unit_check_string("role", vals[0].values != NULL ? vals[0].values[0] : NULL, role);
    unit_check_string("org", vals[1].values != NULL ? vals[1].values[0] : NULL, org);
    if (vals[0].nvalues > 1 || vals[1].nvalues > 1)
        fail_msg("more than one value");
}

static void
properties(void **state)
{
    sasl_conn_t *conn;

    (void)state;
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        conn = connection();
        check_code("off", authenticate_on(conn, mech, "alice", TOKEN), SASL_OK);
        check_properties(conn, NULL, NULL);
        sasl_dispose(&conn);
    }
    set_option("pat_properties", "yes");
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        conn = connection();
        check_code("on", authenticate_on(conn, mech, "alice", TOKEN), SASL_OK);
        check_properties(conn, "member", "acme");
        sasl_dispose(&conn);
    }
    conn = connection();
    check_code("for another", plain_on(conn, "carol", "alice", TOKEN), SASL_OK);
    check_properties(conn, "member", "acme");
    sasl_dispose(&conn);
}

/* Neither those of an earlier attempt, nor what another source says of them. */
static void
properties_of_a_password(void **state)
{
    sasl_conn_t *conn = connection();

    (void)state;
    set_option("pat_properties", "yes");
    say(FAKE_ANSWER, PAT_ERR_REVOKED);
    check_code("a bad token", plain_on(conn, "", "alice", TOKEN), SASL_BADAUTH);
    check_code("a password", plain_on(conn, "", "alice", PASSWORD), SASL_OK);
    check_properties(conn, NULL, NULL);
    sasl_dispose(&conn);
}

/* A guest among others */

struct thread_arg {
    int number;
    int failures;
};

static void *
thread(void *arg)
{
    struct thread_arg *t = arg;
    char user[16];

    (void)snprintf(user, sizeof(user), "user-%d", t->number);
    for (int i = 0; i < 25; i++) {
        sasl_conn_t *conn = NULL;
        const void *value = NULL;

        if (sasl_server_new("imap", "mail.example.com", NULL, NULL, NULL, NULL, 0,
                &conn) != SASL_OK ||
            authenticate_on(conn, (t->number + i) % MECH_COUNT, user, TOKEN) != SASL_OK ||
            sasl_getprop(conn, SASL_USERNAME, &value) != SASL_OK ||
            strcmp(value, user) != 0)
            t->failures++;
        sasl_dispose(&conn);
    }
    return NULL;
}

static void
eight_threads(void **state)
{
    struct thread_arg args[8] = {{0, 0}};
    pthread_t threads[8];

    (void)state;
    set_option("log_level", "1");
    say(FAKE_ECHO, PAT_OK);
    for (int i = 0; i < 8; i++) {
        args[i].number = i;
        assert_int_equal(pthread_create(&threads[i], NULL, thread, &args[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        (void)pthread_join(threads[i], NULL);
        unit_check_int("failures", args[i].failures, 0);
    }
    check_connections(200);
}

/* Postfix, svnserve and slapd load it in a parent. */
static void
forked(void **state)
{
    pid_t children[4];

    (void)state;
    for (size_t i = 0; i < COUNT(children); i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            int failed = plain("", "alice", TOKEN) != SASL_OK ||
                         plain("", "alice", PASSWORD) != SASL_OK ||
                         plain("", "alice", "wrong") != REJECTED;

            _exit(failed);
        }
    }
    check_code("the parent", plain("", "alice", TOKEN), SASL_OK);
    for (size_t i = 0; i < COUNT(children); i++) {
        int status = -1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        unit_check_int("child", status, 0);
    }
    check_connections(5);
}

/* Each exchange gives everything back, however it ends. */
static void
no_descriptor_left(void **state)
{
    unsigned before = unit_count_fds();

    (void)state;
    for (int mech = 0; mech < MECH_COUNT; mech++) {
        sasl_conn_t *conn = connection();

        say(FAKE_ANSWER, PAT_OK);
        check_code("good", authenticate_on(conn, mech, "alice", TOKEN), SASL_OK);
        sasl_dispose(&conn);
        say(FAKE_CLOSE, PAT_OK);
        conn = connection();
        check_code("bad", authenticate_on(conn, mech, "alice", TOKEN), SASL_UNAVAIL);
        sasl_dispose(&conn);
    }
    unit_check_int("descriptors", unit_count_fds(), before);
}

/* Which allocation fails must not matter: the result is never a success. */

static int fail_after; /* allocations from now on; 0 = none fails */

static bool
fails(void)
{
    return fail_after > 0 && --fail_after == 0;
}

static void *
failing_malloc(size_t size)
{
    return fails() ? NULL : malloc(size);
}

static void *
failing_calloc(size_t n, size_t size)
{
    return fails() ? NULL : calloc(n, size);
}

static void *
failing_realloc(void *p, size_t size)
{
    return fails() ? NULL : realloc(p, size);
}

static void
out_of_memory(void **state)
{
    int failures = 0;

    (void)state;
    for (int mech = 0; mech < MECH_COUNT; mech++)
        for (int n = 1; n < 40; n++) {
            const char *secret = n % 2 != 0 || mech >= OAUTHBEARER ? TOKEN : PASSWORD;
            sasl_conn_t *conn = connection();
            bool failed;
            int rc;

            fail_after = (n + 1) / 2;
            rc = authenticate_on(conn, mech, "alice", secret);
            failed = fail_after == 0;
            fail_after = 0;
            sasl_dispose(&conn);
            failures += failed;
            if (failed && rc == SASL_OK)
                fail_msg("%s: accepted without memory", mech_names[mech]);
            if (!failed)
                check_code(mech_names[mech], rc, SASL_OK);
        }
    if (failures < 2 * MECH_COUNT)
        fail_msg("only %d failures", failures);
}

/* Beside the stock plugins, in whatever order the library finds them. */

static void
copy_file(const char *from, const char *to)
{
    static char bytes[4 << 20];
    FILE *f = fopen(from, "rb");
    size_t len;

    if (f == NULL)
        fail_msg("%s cannot be read", from);
    len = fread(bytes, 1, sizeof(bytes), f);
    (void)fclose(f);
    assert_true(len > 0 && len < sizeof(bytes));
    unit_file_write(to, bytes, len, 0644);
}

/* Is ours read before that of libsasl2-modules? */
static bool
ours_comes_first(void)
{
    DIR *d = opendir(plugins);
    struct dirent *e;
    bool first = false, found = false;

    assert_non_null(d);
    while (!found && (e = readdir(d)) != NULL) {
        first = strstr(e->d_name, "ours") != NULL;
        found = first || strstr(e->d_name, "plain") != NULL;
    }
    (void)closedir(d);
    assert_true(found);
    return first;
}

static void
arrange(int n)
{
    char ours[UNIT_PATH_MAX + 64], plain_so[UNIT_PATH_MAX + 64],
        login_so[UNIT_PATH_MAX + 64];

    unit_dir_remove(plugins);
    assert_int_equal(mkdir(plugins, 0700), 0);
    (void)snprintf(ours, sizeof(ours), "%s/libours%d.so", plugins, n * 7919);
    (void)snprintf(plain_so, sizeof(plain_so), "%s/libplain%d.so", plugins, n * 104729);
    (void)snprintf(login_so, sizeof(login_so), "%s/liblogin%d.so", plugins, n);
    if (n % 2 == 0)
        copy_file(module_path, ours);
    copy_file(STOCK "/libplain.so", plain_so);
    copy_file(STOCK "/liblogin.so", login_so);
    if (n % 2 != 0)
        copy_file(module_path, ours);
}

static void
any_order(void **state)
{
    int first = 0;

    (void)state;
    for (int n = 0; n < 20; n++) {
        sasl_conn_t *conn;

        sasl_done();
        arrange(n);
        first += ours_comes_first();
        host_start();
        conn = connection();
        check_code("PLAIN", plain_on(conn, "", "alice", TOKEN), SASL_OK);
        sasl_dispose(&conn);
        conn = connection();
        check_code("LOGIN", login_on(conn, "alice", TOKEN), SASL_OK);
        sasl_dispose(&conn);
        check_code("a password", plain("", "alice", PASSWORD), SASL_OK);
        check_not_shown("rhp_");
    }
    if (first == 0 || first == 20)
        fail_msg("ours came first %d times of 20: that shows nothing", first);
    check_connections(40);
}

/* With the stock plugins there, a service that is not configured has theirs alone. */
static void
stock_alone(void **state)
{
    char with[512];

    (void)state;
    set_option("pat_socket", NULL);
    sasl_done();
    arrange(0);
    host_start();
    (void)snprintf(with, sizeof(with), "%s", mechanisms());
    if (strstr(with, "PLAIN") == NULL || strstr(with, "OAUTHBEARER") != NULL)
        fail_msg("mechanisms: %s", with);
    check_code("a password", plain("", "alice", PASSWORD), SASL_OK);
    unit_check_string("checked", checked, "alice:" PASSWORD ",");
    check_connections(0);
}

/* What it is said to be */

static void
strength(void **state)
{
    static const char *const want[] = {"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"};
    sasl_security_properties_t props = {0};
    sasl_conn_t *conn = connection();
    sasl_ssf_t ssf = 128;
    const char *list = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(want); i++)
        if (strstr(mechanisms(), want[i]) == NULL)
            fail_msg("no %s in: %s", want[i], mechanisms());
    /* The library keeps them from a connection in clear, where the host says so. */
    props.maxbufsize = 4096;
    props.security_flags = SASL_SEC_NOPLAINTEXT;
    (void)sasl_setprop(conn, SASL_SEC_PROPS, &props);
    (void)sasl_listmech(conn, NULL, "", " ", "", &list, NULL, NULL);
    if (list != NULL && strstr(list, "PLAIN") != NULL)
        fail_msg("in clear: %s", list);
    check_code("in clear", plain_on(conn, "", "alice", TOKEN), SASL_ENCRYPT);
    (void)sasl_setprop(conn, SASL_SSF_EXTERNAL, &ssf);
    check_code("within TLS", plain_on(conn, "", "alice", TOKEN), SASL_OK);
    sasl_dispose(&conn);
}

int
main(int argc, char **argv)
{
    module_path = argc > 1 ? argv[1] : getenv("SASL_PAT_SO");
    if (module_path == NULL) {
        (void)fprintf(stderr, "SASL_PAT_SO must name the plugin\n");
        return 1;
    }
    sasl_set_mutex(mutex_new, mutex_lock, mutex_unlock, mutex_free);
    sasl_set_alloc(failing_malloc, failing_calloc, failing_realloc, free);

    unit_fixture(setup, teardown);
    UNIT_TABLE("verdict", verdict, verdicts);
    unit_add("verdict", "all of them", every_verdict, NULL);
    UNIT_TABLE("refusal", refusal, refusals);
    unit_add("refusal", "of what is malformed", refusal_of_malformed, NULL);
    unit_add("refusal", "no outage has its form", outage_is_no_refusal, NULL);
    UNIT_TABLE("unavailable", unavailable, bads);
    unit_add("unavailable", "no patd", no_patd, NULL);
    unit_add("password", "goes to the host", passwords_go_on, NULL);
    unit_add("password", "the host decides", passwords_are_the_hosts, NULL);
    UNIT_TABLE("password", password, passwords);
    unit_add("password", "a token in place of a name", pasted_names, NULL);
    UNIT_TABLE("malformed", malformed, junk);
    unit_add("malformed", "a megabyte", too_long, NULL);
    unit_add("step", "LOGIN, the server first", login_by_steps, NULL);
    unit_add("step", "no initial response", no_initial_response, NULL);
    unit_add("step", "refused, and no way back", refused_bearer, NULL);
    unit_add("step", "another kind of bearer", foreign_bearer, NULL);
    UNIT_TABLE("name", name, names);
    unit_add("name", "none, with a bearer token", bearer_names_nobody, NULL);
    unit_add("name", "of a bearer token's user", bearer_user, NULL);
    unit_add("name", "authzid", authzid, NULL);
    UNIT_TABLE("asked", asked, asks);
    UNIT_TABLE("wrong option", wrong_option, wrongs);
    unit_add("wrong option", "a socket too long", socket_too_long, NULL);
    unit_add("option", "another prefix", own_prefix, NULL);
    unit_add("option", "no socket: not there", not_wanted, NULL);
    unit_add("properties", "of a token", properties, NULL);
    unit_add("properties", "none of a password", properties_of_a_password, NULL);
    unit_add("guest", "eight threads", eight_threads, NULL);
    unit_add("guest", "a parent that forks", forked, NULL);
    unit_add("guest", "no descriptor is left", no_descriptor_left, NULL);
    unit_add("guest", "out of memory", out_of_memory, NULL);
    unit_add("guest", "security properties", strength, NULL);
    if (access(STOCK "/libplain.so", R_OK) == 0) {
        unit_add("stock", "20 orders of the directory", any_order, NULL);
        unit_add("stock", "alone where we are not asked for", stock_alone, NULL);
    } else {
        (void)printf("skipped: no stock plugins in %s\n", STOCK);
    }
    return unit_run("sasl_module");
}
