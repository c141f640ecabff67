/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The built module, driven through libpam by a private service file, with a fake patd at
 * the other end. The module's code becomes that of the stack: any but PAM_IGNORE ends it,
 * and behind PAM_IGNORE comes pam_marker with a code of its own.
 */
#include "unit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "deadline.h"
#include "fake_patd.h"

#define SERVICE "pat-test"
#define TOKEN   "rhp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0"
#define FAKE    "\b\n\r\177INCORRECT"

static const char *module_path;
static char marker_path[4096];
static char dir[UNIT_PATH_MAX];
static char socket_path[UNIT_PATH_MAX + 32];
static struct fake_patd fake;

/* The log, which is kept here instead of in the host's. */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[65536];
static unsigned log_lines;
static int log_severest; /* the lower, the more severe */

static void
log_clear(void)
{
    (void)pthread_mutex_lock(&log_lock);
    log_text[0] = '\0';
    log_lines = 0;
    log_severest = LOG_DEBUG + 1;
    (void)pthread_mutex_unlock(&log_lock);
}

/* In libpam's place: the program's own symbols come first. */
void pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...) PAT_EXPORT
    PAT_PRINTF(3, 4);

void
pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
    size_t used;
    va_list ap;

    (void)pamh;
    (void)pthread_mutex_lock(&log_lock);
    if (priority < log_severest)
        log_severest = priority;
    used = strlen(log_text);
    va_start(ap, fmt);
    (void)vsnprintf(log_text + used, sizeof(log_text) - used, fmt, ap);
    va_end(ap);
    used = strlen(log_text);
    (void)snprintf(log_text + used, sizeof(log_text) - used, "\n");
    log_lines++;
    (void)pthread_mutex_unlock(&log_lock);
}

static void
check_logged(const char *text)
{
    if (strstr(log_text, text) == NULL)
        fail_msg("the log does not say \"%s\": %s", text, log_text);
}

static void
check_not_logged(const char *text)
{
    if (text != NULL && text[0] != '\0' && strstr(log_text, text) != NULL)
        fail_msg("the log says \"%s\": %s", text, log_text);
}

/* The host: what a user types, and what libpam is asked. */

enum talk_mode {
    TALK = 0,
    TALK_ERROR, /* the user is gone */
    TALK_ABORT,
    TALK_NO_TEXT,     /* an answer without a text */
    TALK_NO_RESPONSE, /* success without an answer */
};

struct talk {
    const char *user, *password;
    enum talk_mode mode;
    int prompts, hidden; /* how many, and how many without an echo */
    char prompt[128];    /* the last one */
};

struct host {
    pam_handle_t *pamh;
    struct talk talk;
    unsigned delay_us;
};

static int
converse(int n, const struct pam_message **msg, struct pam_response **ret, void *arg)
{
    struct talk *talk = arg;
    bool echo = msg[0]->msg_style == PAM_PROMPT_ECHO_ON;
    const char *text = echo ? talk->user : talk->password;

    talk->prompts++;
    talk->hidden += !echo;
    (void)snprintf(talk->prompt, sizeof(talk->prompt), "%s", msg[0]->msg);
    *ret = NULL;
    if (n != 1 || talk->mode == TALK_ERROR)
        return PAM_CONV_ERR;
    if (talk->mode == TALK_ABORT)
        return PAM_ABORT;
    if (talk->mode == TALK_NO_RESPONSE)
        return PAM_SUCCESS;
    *ret = calloc(1, sizeof(**ret));
    if (*ret == NULL)
        return PAM_BUF_ERR;
    if (talk->mode != TALK_NO_TEXT)
        (*ret)->resp = strdup(text != NULL ? text : "");
    return PAM_SUCCESS;
}

static void
delay(int retval, unsigned usec, void *arg)
{
    struct host *host =
        (struct host *)(void *)((char *)arg - offsetof(struct host, talk));

    /* libpam calls it after a success, too; pam_fail_delay(3) leaves that to the host. */
    if (retval != PAM_SUCCESS)
        host->delay_us = usec;
}

/*
 * Write a file of the service directory. Each @ becomes the module with its socket and no
 * delay, each $ the marker.
 */
static void
write_stack_of(const char *service, const char *text)
{
    char path[UNIT_PATH_MAX + 32], out[16384];
    size_t used = 0;

    for (; *text != '\0' && used < sizeof(out); text++)
        if (*text == '@')
            used += (size_t)snprintf(out + used, sizeof(out) - used,
                "%s socket=%s nodelay", module_path, socket_path);
        else if (*text == '$')
            used += (size_t)snprintf(out + used, sizeof(out) - used, "%s", marker_path);
        else
            out[used++] = *text;
    assert_true(used < sizeof(out));
    (void)snprintf(path, sizeof(path), "%s/%s", dir, service);
    unit_file_write(path, out, used, 0644);
}

static void
write_stack(const char *text)
{
    write_stack_of(SERVICE, text);
}

#define ONLY   "[success=done ignore=ignore default=die] "
#define MARKER "auth required $\n"

static void
write_service(const char *args)
{
    char text[4096];

    (void)snprintf(text, sizeof(text),
        "auth " ONLY "@ %s\n" MARKER "account " ONLY "@\naccount required $\n", args);
    write_stack(text);
}

static int
host_start(struct host *host, const char *user, const char *password)
{
    const struct pam_conv conv = {converse, &host->talk};
    void (*fn)(int, unsigned, void *) = delay;
    const void *item = NULL;
    int rc;

    memset(host, 0, sizeof(*host));
    host->talk.password = password;
    host->talk.user = "alice";
    rc = pam_start_confdir(SERVICE, user, &conv, dir, &host->pamh);
    if (rc != PAM_SUCCESS)
        return rc;
    memcpy(&item, &fn, sizeof(item));
    return pam_set_item(host->pamh, PAM_FAIL_DELAY, item);
}

static void
host_begin(struct host *host, const char *user, const char *password)
{
    log_clear();
    unit_check_int("pam_start_confdir", host_start(host, user, password), PAM_SUCCESS);
}

static void
host_end(struct host *host)
{
    unit_check_int("pam_end", pam_end(host->pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static void
check_code(const char *what, int got, int want)
{
    if (got != want)
        fail_msg("%s: got %d (%s), want %d (%s)\n%s", what, got, pam_strerror(NULL, got),
            want, pam_strerror(NULL, want), log_text);
}

/* What pam_pat itself answered. */

static int
authenticate(struct host *host)
{
    int rc = pam_authenticate(host->pamh, 0);

    return rc == PAM_MAXTRIES ? PAM_IGNORE : rc;
}

static int
account(struct host *host)
{
    int rc = pam_acct_mgmt(host->pamh, 0);

    return rc == PAM_ACCT_EXPIRED ? PAM_IGNORE : rc;
}

/* One login; how it ended is checked. */
static void
check_login(const char *user, const char *password, int want)
{
    struct host host;
    int rc;

    host_begin(&host, user, password);
    rc = authenticate(&host);
    host_end(&host);
    check_code("pam_authenticate", rc, want);
}

static void
say(enum fake_mode mode, enum pat_err status)
{
    struct fake_behaviour b = {mode, status, NULL, NULL, 0, 0};

    fake_patd_say(&fake, &b);
}

static void
say_identity(const struct pat_identity *id)
{
    struct fake_behaviour b = {FAKE_ANSWER, PAT_OK, id, NULL, 0, 0};

    fake_patd_say(&fake, &b);
}

static void
check_connections(unsigned want)
{
    fake_patd_stop(&fake);
    unit_check_int("connections", fake.connections, want);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The whole environment of the transaction, sorted, each variable and a line break. */
static void
check_environment(struct host *host, const char *want)
{
    char **list = pam_getenvlist(host->pamh);
    char text[4096] = "";
    size_t n = 0, used = 0;

    assert_non_null(list);
    while (list[n] != NULL)
        n++;
    qsort(list, n, sizeof(*list), by_text);
    for (size_t i = 0; i < n; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n", list[i]);
        free(list[i]);
    }
    free(list);
    unit_check_string("environment", text, want);
}

#define ENV_ALICE_ID                                                                     \
    "PAT_ID=a1\nPAT_NAME=laptop\nPAT_ORG=acme\nPAT_ROLE=member\nPAT_USER=alice\n"
#define ENV_ALICE "PAT_EXPIRES=\n" ENV_ALICE_ID

static int
setup(void **state)
{
    (void)state;
    unit_dir_make(dir);
    (void)snprintf(socket_path, sizeof(socket_path), "%s/patd.sock", dir);
    fake_patd_start(&fake, socket_path);
    write_stack_of("other", MARKER "account required $\n");
    write_service("");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fake_patd_stop(&fake);
    unit_dir_remove(dir);
    return 0;
}

#define X16  "xxxxxxxxxxxxxxxx"
#define X240 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
#define X255 X240 "xxxxxxxxxxxxxxx"
#define X256 X240 X16

/* Verdicts */

struct verdict_row {
    const char *name;
    enum pat_err status;
    int want;
    int priority; /* of the one line in the log; 0 = there is none */
};

static const struct verdict_row verdicts[] = {
    {"accepted", PAT_OK, PAM_SUCCESS, 0},
    {"malformed", PAT_ERR_MALFORMED, PAM_AUTH_ERR, LOG_NOTICE},
    {"unknown", PAT_ERR_UNKNOWN, PAM_AUTH_ERR, LOG_NOTICE},
    {"revoked", PAT_ERR_REVOKED, PAM_AUTH_ERR, LOG_NOTICE},
    {"expired", PAT_ERR_EXPIRED, PAM_AUTH_ERR, LOG_NOTICE},
    {"no member", PAT_ERR_MEMBER, PAM_AUTH_ERR, LOG_NOTICE},
    {"another user's", PAT_ERR_USER, PAM_AUTH_ERR, LOG_NOTICE},
    {"out of scope", PAT_ERR_SCOPE, PAM_AUTH_ERR, LOG_NOTICE},
    {"damaged", PAT_ERR_RECORD, PAM_AUTH_ERR, LOG_NOTICE},
    {"unavailable", PAT_ERR_UNAVAIL, PAM_AUTHINFO_UNAVAIL, LOG_ERR},
    {"configuration", PAT_ERR_CONFIG, PAM_SERVICE_ERR, LOG_ERR},
    {"memory", PAT_ERR_NOMEM, PAM_BUF_ERR, LOG_ERR},
};

static void
verdict(void **state)
{
    const struct verdict_row *row = *state;
    struct host host;
    int rc, account_rc;

    say(FAKE_ANSWER, row->status);
    host_begin(&host, "typed-name", TOKEN);
    rc = authenticate(&host);
    account_rc = account(&host);
    check_environment(&host, row->want == PAM_SUCCESS ? ENV_ALICE : "");
    host_end(&host);
    check_code("pam_authenticate", rc, row->want);
    check_code(
        "pam_acct_mgmt", account_rc, row->want == PAM_SUCCESS ? PAM_SUCCESS : PAM_IGNORE);
    /* One line, with the reason, and nothing that was typed. */
    unit_check_int("lines in the log", log_lines, row->priority != 0);
    if (row->priority != 0) {
        unit_check_int("priority", log_severest, row->priority);
        check_logged(pat_strerror(row->status));
        unit_check_int("the form of a refusal",
            strstr(log_text, "authentication failure") != NULL,
            row->want == PAM_AUTH_ERR);
    }
    check_not_logged("typed-name");
    check_not_logged(TOKEN);
    check_connections(1);
}

/* The line of a refusal. */

struct refusal_row {
    const char *name;
    const char *args;
    const char *user, *password, *rhost, *ruser, *tty;
    const char *want; /* behind "authentication failure; logname= uid=N euid=N " */
};

#define REVOKED_REASON " reason=\"token is revoked\"\n"

static const struct refusal_row refusals[] = {
    {"an account", "", "root", TOKEN, "192.0.2.7", NULL, "ssh",
        "tty=ssh ruser= rhost=192.0.2.7 user=root" REVOKED_REASON},
    {"IPv6", "", "root", TOKEN, "2001:db8::1", NULL, "ssh",
        "tty=ssh ruser= rhost=2001:db8::1 user=root" REVOKED_REASON},
    {"a name that is no account is left out", "", "typed-name", TOKEN, "192.0.2.7", NULL,
        "ssh", "tty=ssh ruser= rhost=192.0.2.7 user=" REVOKED_REASON},
    {"a shared name is known", "shared=typed-name", "typed-name", TOKEN, "192.0.2.7",
        NULL, "ssh", "tty=ssh ruser= rhost=192.0.2.7 user=typed-name" REVOKED_REASON},
    {"nothing is known", "", "typed-name", TOKEN, NULL, NULL, NULL,
        "tty= ruser= rhost= user=" REVOKED_REASON},
    {"the caller of su", "", "root", TOKEN, NULL, "daemon", "/dev/pts/1",
        "tty=/dev/pts/1 ruser=daemon rhost= user=root" REVOKED_REASON},
    {"a caller that is no account is left out", "", "root", TOKEN, NULL, "typed-caller",
        NULL, "tty= ruser= rhost= user=root" REVOKED_REASON},
    {"values can forge no field", "", "root", TOKEN, "a user=x rhost=192.0.2.9\n", NULL,
        "\"\n", "tty=?? ruser= rhost=a?user?x?rhost?192.0.2.9? user=root" REVOKED_REASON},
    {"malformed", "", "root", "rhp_", "192.0.2.7", NULL, NULL,
        "tty= ruser= rhost=192.0.2.7 user=root reason=\"not a token\"\n"},
    {"in a wrapping", "", "root", "Bearer " TOKEN, "192.0.2.7", NULL, NULL,
        "tty= ruser= rhost=192.0.2.7 user=root reason=\"the password has other "
        "characters "
        "around a token, or another letter case; give the token alone\"\n"},
    {"a token as the name", "", TOKEN, "password", "192.0.2.7", TOKEN, NULL,
        "tty= ruser= rhost=192.0.2.7 user= reason=\"a token was given as the login name; "
        "revoke it, the host may have logged it\"\n"},
    {"a token in the place of the address", "", "root", TOKEN, TOKEN, NULL, "x" TOKEN,
        "tty= ruser= rhost= user=root" REVOKED_REASON},
    {"an address too long", "", "root", TOKEN, X256, NULL, NULL,
        "tty= ruser= rhost=" X255 " user=root reason=\"token is not valid for this org, "
        "role, service or source: the "
        "client's address is longer than 255 bytes\"\n"},
};

static void
refusal(void **state)
{
    const struct refusal_row *row = *state;
    struct host host;
    char want[2048];

    write_service(row->args);
    say(FAKE_ANSWER, PAT_ERR_REVOKED);
    host_begin(&host, row->user, row->password);
    assert_int_equal(pam_set_item(host.pamh, PAM_RHOST, row->rhost), PAM_SUCCESS);
    assert_int_equal(pam_set_item(host.pamh, PAM_RUSER, row->ruser), PAM_SUCCESS);
    assert_int_equal(pam_set_item(host.pamh, PAM_TTY, row->tty), PAM_SUCCESS);
    check_code("pam_authenticate", authenticate(&host), PAM_AUTH_ERR);
    host_end(&host);
    (void)snprintf(want, sizeof(want),
        "authentication failure; logname= uid=%lu euid=%lu %s", (unsigned long)getuid(),
        (unsigned long)geteuid(), row->want);
    unit_check_string("log", log_text, want);
}

static void
every_verdict(void **state)
{
    (void)state;
    unit_check_int("rows", COUNT(verdicts), PAT_ERR_COUNT);
    for (size_t i = 0; i < COUNT(verdicts); i++)
        unit_check_int("status", verdicts[i].status, i);
}

/* Unavailable is never denied, and never accepted */

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
    {"half a header", FAKE_RAW, BYTES("PAT1\0\0")},
    {"half a message", FAKE_RAW, BYTES("PAT1\0\0\0\4\x40\0\1")},
    {"junk", FAKE_RAW, BYTES("+OK ready\r\n")},
    {"zeros", FAKE_RAW, BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
    {"accepted, without an identity", FAKE_RAW, BYTES("PAT1\0\0\0\4\x40\0\1\0")},
    {"accepted, without a user", FAKE_RAW,
        BYTES("PAT1\0\0\0\x13\x40\0\1\0\x41\0\2i\0\x44\0\2o\0\x45\0\2r\0")},
    {"accepted, with an empty user", FAKE_RAW,
        BYTES("PAT1\0\0\0\x17\x40\0\1\0\x41\0\2i\0\x43\0\1\0\x44\0\2o\0\x45\0\2r\0")},
    {"an identity, without a verdict", FAKE_RAW,
        BYTES("PAT1\0\0\0\x14\x41\0\2i\0\x43\0\2u\0\x44\0\2o\0\x45\0\2r\0")},
    {"a verdict of tomorrow", FAKE_RAW, BYTES("PAT1\0\0\0\4\x40\0\1\x63")},
    {"an endless body", FAKE_RAW, BYTES("PAT1\xff\xff\xff\xff")},
    {"silence", FAKE_SILENT, NULL, 0},
    {"byte by byte, too slowly", FAKE_DRIBBLE, NULL, 0},
};

static void
check_unavailable(void)
{
    struct host host;
    int64_t began = pat_monotonic_ns();
    int rc, account_rc;

    host_begin(&host, "alice", TOKEN);
    rc = authenticate(&host);
    account_rc = account(&host);
    check_environment(&host, "");
    host_end(&host);
    check_code("pam_authenticate", rc, PAM_AUTHINFO_UNAVAIL);
    check_code("pam_acct_mgmt", account_rc, PAM_IGNORE);
    check_logged(socket_path);
    unit_check_no_hang(began, 300);
}

static void
unavailable(void **state)
{
    const struct bad_row *row = *state;
    struct fake_behaviour b = {
        row->mode, PAT_OK, NULL, row->raw, row->len, row->mode == FAKE_DRIBBLE ? 30 : 0};

    write_service("timeout=300ms");
    fake_patd_say(&fake, &b);
    check_unavailable();
}

static void
no_server(void **state)
{
    (void)state;
    write_service("timeout=300ms");
    fake_patd_stop(&fake);
    check_unavailable();
    assert_int_equal(unlink(socket_path), 0);
    check_unavailable();
    unit_file_write(socket_path, "", 0, 0666);
    check_unavailable();
}

/* What is no token */

struct password_row {
    const char *name;
    const char *password;
    int want;
    unsigned connections;
};

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct password_row passwords[] = {
    {"a token", TOKEN, PAM_SUCCESS, 1},
    {"the shortest that patd is asked about", "rhp_x", PAM_SUCCESS, 1},
    {"the longest that patd is asked about", "rhp_" X64 X64 X64 X64 "xxxxxxxxxxx",
        PAM_SUCCESS, 1},
    {"a password", "correct horse battery staple", PAM_IGNORE, 0},
    {"an empty password", "", PAM_IGNORE, 0},
    {"a space", " ", PAM_IGNORE, 0},
    {"sshd's fake password", FAKE, PAM_IGNORE, 0},
    {"sshd's fake password, long", FAKE FAKE FAKE FAKE FAKE FAKE, PAM_IGNORE, 0},
    {"part of the prefix", "rhp", PAM_IGNORE, 0},
    {"the prefix in capitals, then too little", "RHP_7Kd0mQx4ZrT9bWn2LpY", PAM_IGNORE, 0},
    {"the prefix not at the start", "my rhp_ password", PAM_IGNORE, 0},
    {"another prefix", "ghp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0", PAM_IGNORE, 0},
    {"high bytes", "\xff\xfe\xfd\xfc", PAM_IGNORE, 0},
    {"a long password", X64 X64 X64 X64 X64 X64, PAM_IGNORE, 0},
    /* With the prefix it is ours, and goes to no other module. */
    {"the prefix alone", "rhp_", PAM_AUTH_ERR, 0},
    {"a token and a space", TOKEN " ", PAM_SUCCESS, 1},
    {"a token and CR LF", TOKEN "\r\n", PAM_SUCCESS, 1},
    {"a tab and a token", "\t" TOKEN, PAM_SUCCESS, 1},
    {"a byte order mark and a token", "\xef\xbb\xbf" TOKEN, PAM_SUCCESS, 1},
    {"bracketed paste", "\033[200~" TOKEN "\033[201~", PAM_SUCCESS, 1},
    {"a token in upper case", "RHP_7KD0MQX4ZRT9BWN2LPYS6VHG1CFJ8EUA4XXNA0", PAM_AUTH_ERR,
        0},
    {"the scheme Bearer", "Bearer " TOKEN, PAM_AUTH_ERR, 0},
    {"quotes", "\"" TOKEN "\"", PAM_AUTH_ERR, 0},
    {"a no-break space", "\xc2\xa0" TOKEN, PAM_AUTH_ERR, 0},
    {"a token inside a line", "token " TOKEN " of alice", PAM_AUTH_ERR, 0},
    {"a token and a control character", TOKEN "\177", PAM_AUTH_ERR, 0},
    {"the prefix and a password", "rhp_correct horse", PAM_AUTH_ERR, 0},
    {"the prefix and high bytes", "rhp_\xc3\xa9\xff", PAM_AUTH_ERR, 0},
    {"the prefix and a filter", "rhp_*)(uid=*", PAM_AUTH_ERR, 0},
    {"one byte too long", "rhp_" X64 X64 X64 X64 "xxxxxxxxxxxx", PAM_AUTH_ERR, 0},
    {"far too long", "rhp_" X64 X64 X64 X64 X64 X64 X64, PAM_AUTH_ERR, 0},
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

    check_login("typed-name", row->password, row->want);
    if (strlen(row->password) > 4)
        check_not_logged(row->password);
    check_not_logged("typed-name");
    if (row->want == PAM_IGNORE)
        unit_check_string("log", log_text, "");
    check_connections(row->connections);
    if (row->connections > 0)
        check_trimmed(row->password, fake.request.token);
}

/* A token as the login name is rejected, whatever the password is, and not logged. */
static void
pasted_names(void **state)
{
    static const char *const names[] = {TOKEN, " " TOKEN, "Bearer " TOKEN,
        TOKEN "@example.com", "rhp_7kd0mqx4zrt9bwn2lpys", "RHP_7KD0MQX4ZRT9BWN2LPYS"};
    static const char *const secrets[] = {"correct horse", TOKEN};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (size_t j = 0; j < 2; j++) {
            check_login(names[i], secrets[j], PAM_AUTH_ERR);
            check_logged("given as the login name");
            check_not_logged(names[i]);
            check_not_logged(TOKEN);
        }
    check_connections(0);
}

/* With `debug` the log tells that there was one, not what it was. */
static void
debug_tells_nothing(void **state)
{
    (void)state;
    write_service("debug");
    check_login("typed-name", "correct horse battery staple", PAM_IGNORE);
    check_logged("no token");
    check_not_logged("horse");
    check_not_logged("typed-name");
    check_login("typed-name", TOKEN, PAM_SUCCESS);
    check_not_logged(TOKEN);
    check_not_logged("typed-name");
}

struct prefix_row {
    const char *name;
    const char *args;
    const char *password;
    int want;
};

static const struct prefix_row prefixes[] = {
    {"a site's own", "prefix=acme-ci_", "acme-ci_0123", PAM_SUCCESS},
    {"the longest", "prefix=abcdefghijklmnop", "abcdefghijklmnop0", PAM_SUCCESS},
    {"the default is none then", "prefix=acme-ci_", TOKEN, PAM_IGNORE},
    {"alone", "prefix=acme-ci_", "acme-ci_", PAM_AUTH_ERR},
};

static void
prefix(void **state)
{
    const struct prefix_row *row = *state;

    write_service(row->args);
    check_login("alice", row->password, row->want);
    check_connections(row->want == PAM_SUCCESS);
}

/* Arguments */

struct argument_row {
    const char *name;
    const char *args;
    const char *log;
};

#define MANY32 "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,1,2,3,4,5,6"

static const struct argument_row arguments[] = {
    {"unknown", "colour=red", "colour: unknown setting"},
    {"unknown flag", "fast", "fast: unknown setting"},
    {"misspelt", "orgs=acme", "orgs: unknown setting"},
    {"in capitals", "Org=acme", "Org: unknown setting"},
    {"no name", "=acme", ": unknown setting"},
    {"a name too long", "a_name_that_is_longer_than_any_setting=1", "unknown setting"},
    {"a name of 32 bytes", "a_name_that_has_thirty_two_bytes=1", "unknown setting"},
    {"a flag too long", "a_name_that_is_longer_than_any_setting", "unknown setting"},
    {"the last of many", "org=acme role=owner debug colour=red",
        "colour: unknown setting"},
    {"one of pam_unix", "nullok", "nullok: unknown setting"},
    {"org empty", "org=", "org: needs a value"},
    {"role empty", "role=", "role: needs a value"},
    {"org without a value", "org", "org: needs a value"},
    {"role without a value", "role", "role: needs a value"},
    {"org a space", "[org= ]", "org: empty item in list"},
    {"org with a hole", "org=acme,,globex", "org: empty item in list"},
    {"org that ends in a comma", "org=acme,", "org: empty item in list"},
    {"role a comma", "role=,", "role: empty item in list"},
    {"too many orgs", "org=" MANY32 ",7", "org: too many items in list"},
    {"too many roles", "role=" MANY32 ",7", "role: too many items in list"},
    {"too many shared", "shared=" MANY32 ",7", "shared: too many items in list"},
    {"shared without a value", "shared", "shared: needs a value"},
    {"timeout empty", "timeout=", "timeout: must be a duration"},
    {"timeout without a value", "timeout", "timeout: needs a value"},
    {"timeout without a unit", "timeout=3", "timeout: needs a unit"},
    {"timeout a word", "timeout=soon", "timeout: must be a duration"},
    {"timeout negative", "timeout=-1s", "timeout: must be a duration"},
    {"timeout too short", "timeout=49ms", "timeout: must be from 50ms to 60000ms"},
    {"timeout too long", "timeout=61s", "timeout: must be from 50ms to 60000ms"},
    {"timeout that overflows", "timeout=4294967297s", "timeout: must be from"},
    {"socket relative", "socket=run/patd.sock", "socket: must be an absolute path"},
    {"socket empty", "socket=", "socket: needs a path"},
    {"socket without a value", "socket", "socket: needs a value"},
    {"prefix empty", "prefix=", "prefix: must be 1 to 16"},
    {"prefix with a slash", "prefix=a/b", "prefix: must be 1 to 16"},
    {"prefix too long", "prefix=abcdefghijklmnopq", "prefix: must be 1 to 16"},
    {"prompt without a value", "prompt", "prompt: needs a value"},
    {"both first passes", "try_first_pass use_first_pass", "exclude each other"},
    {"a flag with a value", "nodelay=yes", "nodelay: takes no value"},
    {"a flag with an empty value", "debug=", "debug: takes no value"},
    {"a flag with a no", "use_first_pass=no", "use_first_pass: takes no value"},
};

static void
argument(void **state)
{
    const struct argument_row *row = *state;
    struct host host;
    int rc;

    write_service(row->args);
    host_begin(&host, "alice", TOKEN);
    rc = authenticate(&host);
    check_environment(&host, "");
    unit_check_int("prompts", host.talk.prompts, 0);
    host_end(&host);
    check_code("pam_authenticate", rc, PAM_SERVICE_ERR);
    check_logged(row->log);
    check_connections(0);
}

static void
socket_too_long(void **state)
{
    char args[256];

    (void)state;
    (void)snprintf(args, sizeof(args), "socket=/%s", unit_repeat('x', 107));
    write_service(args);
    check_login("alice", TOKEN, PAM_SERVICE_ERR);
    check_connections(0);
}

/* The table's defaults alone: what is no token shows that they parse, and asks nobody. */
static void
no_arguments(void **state)
{
    char text[512];

    (void)state;
    (void)snprintf(text, sizeof(text), "auth " ONLY "%s\n" MARKER, module_path);
    write_stack(text);
    check_login("alice", "no token", PAM_IGNORE);
    unit_check_string("log", log_text, "");
}

/* What patd is asked */

struct request_row {
    const char *name;
    const char *args;
    const char *user, *rhost;
    bool any_user;
    const char *orgs, *roles, *source;
    uint32_t timeout_ms;
};

#define NO "(none)"

static const struct request_row requests[] = {
    {"as little as may be", "", "alice", NULL, false, NO, NO, NO, 2900},
    {"an address", "", "alice", "192.0.2.7", false, NO, NO, "192.0.2.7", 2900},
    {"an empty address is none", "", "alice", "", false, NO, NO, NO, 2900},
    {"a name is passed on, for patd to refuse", "", "alice", "client.example", false, NO,
        NO, "client.example", 2900},
    {"one org", "org=acme", "alice", NULL, false, "acme", NO, NO, 2900},
    {"orgs", "org=acme,globex", "alice", NULL, false, "acme,globex", NO, NO, 2900},
    {"orgs with spaces", "[org=acme, globex]", "alice", NULL, false, "acme,globex", NO,
        NO, 2900},
    {"as many orgs as may be", "org=" MANY32, "alice", NULL, false, MANY32, NO, NO, 2900},
    {"roles", "role=owner,member", "alice", NULL, false, NO, "owner,member", NO, 2900},
    {"the last org= counts", "org=acme org=globex", "alice", NULL, false, "globex", NO,
        NO, 2900},
    {"a shared login", "shared=git,mcp", "mcp", NULL, true, NO, NO, NO, 2900},
    {"not a shared login", "shared=git,mcp", "alice", NULL, false, NO, NO, NO, 2900},
    {"a shared login in capitals is none", "shared=git", "GIT", NULL, false, NO, NO, NO,
        2900},
    {"a shared login's beginning is none", "shared=git", "gi", NULL, false, NO, NO, NO,
        2900},
    {"a shared login and more is none", "shared=git", "git2", NULL, false, NO, NO, NO,
        2900},
    {"shared is no glob", "shared=*", "alice", NULL, false, NO, NO, NO, 2900},
    {"shared, empty, is nobody", "shared=", "alice", NULL, false, NO, NO, NO, 2900},
    {"an empty login name", "shared=git", "", NULL, false, NO, NO, NO, 2900},
    {"shared with org and role", "shared=git org=acme role=owner", "git", "::1", true,
        "acme", "owner", "::1", 2900},
    {"a shorter time", "timeout=1s", "alice", NULL, false, NO, NO, NO, 900},
    {"a longer time", "timeout=1min", "alice", NULL, false, NO, NO, NO, 59900},
};

static void
request(void **state)
{
    const struct request_row *row = *state;
    struct fake_request heard;
    struct host host;
    int rc;

    write_service(row->args);
    host_begin(&host, row->user, TOKEN);
    if (row->rhost != NULL)
        unit_check_int(
            "rhost", pam_set_item(host.pamh, PAM_RHOST, row->rhost), PAM_SUCCESS);
    rc = authenticate(&host);
    host_end(&host);
    check_code("pam_authenticate", rc, PAM_SUCCESS);
    heard = fake_patd_heard(&fake);
    unit_check_string("token", heard.token, TOKEN);
    unit_check_string("service", heard.service, SERVICE);
    unit_check_string("user", heard.user, row->user);
    unit_check_int("any_user", heard.any_user, row->any_user);
    unit_check_string("orgs", heard.orgs, row->orgs);
    unit_check_string("roles", heard.roles, row->roles);
    unit_check_string("source", heard.source, row->source);
    unit_check_int("timeout", heard.timeout_ms, row->timeout_ms);
    check_connections(1);
}

static void
request_too_long(void **state)
{
    (void)state;
    check_login(unit_repeat('u', 256), TOKEN, PAM_AUTH_ERR);
    check_logged("the login name is longer than 255 bytes");
    check_connections(0);
}

/* The environment */

struct environment_row {
    const char *name;
    struct pat_identity id;
    const char *want;
};

static const struct environment_row environments[] = {
    {"never expires", {"a1", "laptop", "alice", "acme", "member", 0}, ENV_ALICE},
    {"expires", {"a1", "laptop", "alice", "acme", "member", 1773500966},
        "PAT_EXPIRES=1773500966\n" ENV_ALICE_ID},
    {"expires in the last second", {"a1", "laptop", "alice", "acme", "member", INT64_MAX},
        "PAT_EXPIRES=9223372036854775807\n" ENV_ALICE_ID},
    {"no name", {"a1", "", "alice", "acme", "member", 0},
        "PAT_EXPIRES=\nPAT_ID=a1\nPAT_NAME=\nPAT_ORG=acme\nPAT_ROLE=member\nPAT_USER="
        "alice\n"},
    {"another user than the login name", {"b2", "ci", "bob", "globex", "owner", 0},
        "PAT_EXPIRES=\nPAT_ID=b2\nPAT_NAME=ci\nPAT_ORG=globex\nPAT_ROLE=owner\nPAT_USER="
        "bob\n"},
    {"spaces and UTF-8",
        {"a1", "Caf\xc3\xa9 \xe2\x82\xac 5", "alice", "acme", "member", 0},
        "PAT_EXPIRES=\nPAT_ID=a1\nPAT_NAME=Caf\xc3\xa9 \xe2\x82\xac "
        "5\nPAT_ORG=acme\nPAT_ROLE=member\n"
        "PAT_USER=alice\n"},
    {"= in the name", {"a1", "a=b", "alice", "acme", "member", 0},
        "PAT_EXPIRES=\nPAT_ID=a1\nPAT_NAME=a=b\nPAT_ORG=acme\nPAT_ROLE=member\nPAT_USER="
        "alice\n"},
    {"% in the name", {"a1", "100%s %n", "alice", "acme", "member", 0},
        "PAT_EXPIRES=\nPAT_ID=a1\nPAT_NAME=100%s "
        "%n\nPAT_ORG=acme\nPAT_ROLE=member\nPAT_USER=alice\n"},
    {"a line break in the name",
        {"a1", "x\nPAT_ROLE=owner", "alice", "acme", "member", 0},
        "PAT_EXPIRES=\nPAT_ID=a1\nPAT_NAME=x?PAT_ROLE=owner\nPAT_ORG=acme\nPAT_ROLE="
        "member\n"
        "PAT_USER=alice\n"},
    {"control characters in the name",
        {"a1", "\001\t\r\033[2J\037\177", "alice", "acme", "member", 0},
        "PAT_EXPIRES=\nPAT_ID=a1\nPAT_NAME=????[2J??\nPAT_ORG=acme\nPAT_ROLE=member\nPAT_"
        "USER=alice\n"},
    {"control characters elsewhere", {"a\n1", "", "al\nice", "ac\nme", "mem\nber", 0},
        "PAT_EXPIRES=\nPAT_ID=a?1\nPAT_NAME=\nPAT_ORG=ac?me\nPAT_ROLE=mem?ber\nPAT_USER="
        "al?ice\n"},
};

static void
environment(void **state)
{
    const struct environment_row *row = *state;
    struct host host;
    int rc;

    say_identity(&row->id);
    host_begin(&host, "alice", TOKEN);
    rc = authenticate(&host);
    check_code("pam_authenticate", rc, PAM_SUCCESS);
    check_environment(&host, row->want);
    host_end(&host);
}

/* A line break in what patd says must not make a second line of the log. */
static void
log_of_acceptance(void **state)
{
    (void)state;
    write_service("debug");
    check_login("typed-name", TOKEN, PAM_SUCCESS);
    unit_check_string(
        "log", log_text, "token a1 of alice accepted in org acme as member\n");
    unit_check_int("priority", log_severest, LOG_DEBUG);
}

static void
log_is_one_line(void **state)
{
    static const struct pat_identity id = {
        "a\n1", "", "al\nice", "ac\nme", "mem\nber", 0};

    (void)state;
    write_service("debug");
    say_identity(&id);
    check_login("alice", TOKEN, PAM_SUCCESS);
    unit_check_int("lines in the log", log_lines, 1);
    if (strchr(log_text, '\n') != log_text + strlen(log_text) - 1)
        fail_msg("the log has more than one line: %s", log_text);
}

/* What the caller of su(1) has in its environment is no identity of the session. */

struct inherited_row {
    const char *name;
    const char *password; /* NULL = the account part alone */
    enum pat_err status;
    const char *inherited; /* variables, with blanks between */
    const char *want;
};

static const struct inherited_row inheritances[] = {
    {"a password", "password", PAT_OK, "PAT_ROLE PAT_EXPIRES",
        "PAT_EXPIRES=\nPAT_ROLE=\n"},
    {"all of them, a password", "password", PAT_OK,
        "PAT_ID PAT_NAME PAT_USER PAT_ORG PAT_ROLE PAT_EXPIRES",
        "PAT_EXPIRES=\nPAT_ID=\nPAT_NAME=\nPAT_ORG=\nPAT_ROLE=\nPAT_USER=\n"},
    {"a password, and nothing inherited", "password", PAT_OK, "", ""},
    {"other names are left alone", "password", PAT_OK, "PAT_HOME LANGUAGE PAT", ""},
    {"a refused token", TOKEN, PAT_ERR_REVOKED, "PAT_ROLE", "PAT_ROLE=\n"},
    {"no answer", TOKEN, PAT_ERR_UNAVAIL, "PAT_ROLE", "PAT_ROLE=\n"},
    {"a token inside", "x" TOKEN, PAT_OK, "PAT_ROLE", "PAT_ROLE=\n"},
    {"an account without authentication", NULL, PAT_OK, "PAT_ROLE", "PAT_ROLE=\n"},
    {"a token that does not expire", TOKEN, PAT_OK, "PAT_ROLE PAT_EXPIRES", ENV_ALICE},
};

static void
inherited(void **state)
{
    const struct inherited_row *row = *state;
    char names[128], *save = NULL;
    struct host host;

    say(FAKE_ANSWER, row->status);
    (void)snprintf(names, sizeof(names), "%s", row->inherited);
    for (char *n = strtok_r(names, " ", &save); n != NULL; n = strtok_r(NULL, " ", &save))
        assert_int_equal(setenv(n, "owner", 1), 0);
    host_begin(&host, "alice", row->password);
    if (row->password != NULL)
        (void)authenticate(&host);
    (void)account(&host);
    check_environment(&host, row->want);
    host_end(&host);
    (void)snprintf(names, sizeof(names), "%s", row->inherited);
    for (char *n = strtok_r(names, " ", &save); n != NULL; n = strtok_r(NULL, " ", &save))
        assert_int_equal(unsetenv(n), 0);
}

static void
other_variables_stay(void **state)
{
    struct host host;

    (void)state;
    host_begin(&host, "alice", TOKEN);
    assert_int_equal(pam_putenv(host.pamh, "LANG=C"), PAM_SUCCESS);
    assert_int_equal(pam_putenv(host.pamh, "PAT_USER=root"), PAM_SUCCESS);
    assert_int_equal(pam_putenv(host.pamh, "PAT_EXPIRES=never"), PAM_SUCCESS);
    check_code("accepted", authenticate(&host), PAM_SUCCESS);
    check_environment(&host, "LANG=C\n" ENV_ALICE);
    host_end(&host);
}

/* What the second attempt in one transaction must not find. */

struct second_row {
    const char *name;
    enum fake_mode mode;
    enum pat_err status;
    const char *password;
    enum talk_mode talk;
    int want;
};

static const struct second_row seconds[] = {
    {"refused", FAKE_ANSWER, PAT_ERR_REVOKED, TOKEN, TALK, PAM_AUTH_ERR},
    {"unavailable", FAKE_CLOSE, PAT_OK, TOKEN, TALK, PAM_AUTHINFO_UNAVAIL},
    {"no token", FAKE_ANSWER, PAT_OK, "password", TALK, PAM_IGNORE},
    {"malformed", FAKE_ANSWER, PAT_OK, "rhp_ ", TALK, PAM_AUTH_ERR},
    {"no password", FAKE_ANSWER, PAT_OK, TOKEN, TALK_ERROR, PAM_CONV_ERR},
};

static void
second_attempt(void **state)
{
    static const struct pat_identity expiring = {
        "a1", "laptop", "alice", "acme", "member", 1773500966};
    const struct second_row *row = *state;
    struct host host;

    say_identity(&expiring);
    host_begin(&host, "alice", TOKEN);
    check_code("first", authenticate(&host), PAM_SUCCESS);
    check_environment(&host, "PAT_EXPIRES=1773500966\n" ENV_ALICE_ID);
    check_code("account", account(&host), PAM_SUCCESS);
    say(row->mode, row->status);
    host.talk.password = row->password;
    host.talk.mode = row->talk;
    check_code("second", authenticate(&host), row->want);
    check_environment(&host, "");
    check_code("account", account(&host), PAM_IGNORE);
    host_end(&host);
}

static void
second_accepted(void **state)
{
    static const struct pat_identity bob = {"b2", "", "bob", "acme", "owner", 0};
    struct host host;

    (void)state;
    say(FAKE_ANSWER, PAT_ERR_EXPIRED);
    host_begin(&host, "alice", TOKEN);
    check_code("first", authenticate(&host), PAM_AUTH_ERR);
    check_code("account", account(&host), PAM_IGNORE);
    say(FAKE_ANSWER, PAT_OK);
    check_code("second", authenticate(&host), PAM_SUCCESS);
    check_code("account", account(&host), PAM_SUCCESS);
    check_environment(&host, ENV_ALICE);
    say_identity(&bob);
    check_code("third", authenticate(&host), PAM_SUCCESS);
    check_environment(&host, "PAT_EXPIRES=\nPAT_ID=b2\nPAT_NAME=\nPAT_ORG=acme\nPAT_ROLE="
                             "owner\nPAT_USER=bob\n");
    host_end(&host);
}

/* The account */

static void
account_of_another(void **state)
{
    struct host accepted, other;

    (void)state;
    host_begin(&accepted, "alice", TOKEN);
    host_begin(&other, "alice", TOKEN);
    check_code("nobody yet", account(&other), PAM_IGNORE);
    check_code("accepted", authenticate(&accepted), PAM_SUCCESS);
    check_code("other", account(&other), PAM_IGNORE);
    check_code("accepted", account(&accepted), PAM_SUCCESS);
    check_code("twice", account(&accepted), PAM_SUCCESS);
    host_end(&other);
    host_end(&accepted);
}

/* pam_env may let users set variables: they must not stand for a token. */
static void
account_by_environment(void **state)
{
    struct host host;

    (void)state;
    host_begin(&host, "alice", TOKEN);
    assert_int_equal(pam_putenv(host.pamh, "PAT_ID=a1"), PAM_SUCCESS);
    assert_int_equal(pam_putenv(host.pamh, "PAT_USER=alice"), PAM_SUCCESS);
    check_code("account", account(&host), PAM_IGNORE);
    host_end(&host);
}

/* Credentials */

static void
setcred(void **state)
{
    static const int flags[] = {
        PAM_ESTABLISH_CRED, PAM_DELETE_CRED, PAM_REINITIALIZE_CRED, PAM_REFRESH_CRED, 0};
    struct host fresh, accepted;

    (void)state;
    host_begin(&accepted, "alice", TOKEN);
    check_code("accepted", authenticate(&accepted), PAM_SUCCESS);
    for (size_t i = 0; i < COUNT(flags); i++) {
        check_code("accepted", pam_setcred(accepted.pamh, flags[i]), PAM_SUCCESS);
        host_begin(&fresh, "alice", NULL);
        check_code("fresh", pam_setcred(fresh.pamh, flags[i]), PAM_SUCCESS);
        check_environment(&fresh, "");
        host_end(&fresh);
    }
    check_environment(&accepted, ENV_ALICE);
    host_end(&accepted);
}

/* libpam itself refuses after a refusal, so the module is asked without it. */
static void
setcred_always(void **state)
{
    static const char *argv[] = {"colour=red", NULL};
    void *module = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);
    int (*fn)(pam_handle_t *, int, int, const char **) = NULL;
    void *symbol;
    struct host host;

    (void)state;
    assert_non_null(module);
    symbol = dlsym(module, "pam_sm_setcred");
    assert_non_null(symbol);
    memcpy(&fn, &symbol, sizeof(fn));
    say(FAKE_ANSWER, PAT_ERR_REVOKED);
    host_begin(&host, "alice", TOKEN);
    check_code("refused", authenticate(&host), PAM_AUTH_ERR);
    check_code("setcred", fn(host.pamh, PAM_ESTABLISH_CRED, 1, argv), PAM_SUCCESS);
    check_code("setcred", fn(host.pamh, PAM_SILENT, 0, NULL), PAM_SUCCESS);
    host_end(&host);
    (void)dlclose(module);
}

/* The conversation */

struct talk_row {
    const char *name;
    const char *user; /* NULL = it is asked for */
    enum talk_mode mode;
    int want;
};

static const struct talk_row talks[] = {
    {"the user is asked for", NULL, TALK, PAM_SUCCESS},
    {"no password", "alice", TALK_ERROR, PAM_CONV_ERR},
    {"the host gives up", "alice", TALK_ABORT, PAM_ABORT},
    {"an answer without a text", "alice", TALK_NO_TEXT, PAM_CONV_ERR},
    {"success without an answer", "alice", TALK_NO_RESPONSE, PAM_CONV_ERR},
    {"no user", NULL, TALK_ERROR, PAM_CONV_ERR},
};

static void
talk(void **state)
{
    const struct talk_row *row = *state;
    struct host host;
    int rc;

    host_begin(&host, row->user, TOKEN);
    host.talk.mode = row->mode;
    rc = authenticate(&host);
    check_environment(&host, row->want == PAM_SUCCESS ? ENV_ALICE : "");
    host_end(&host);
    check_code("pam_authenticate", rc, row->want);
    check_connections(row->want == PAM_SUCCESS);
    /* Everyday, as with a host that has nobody to ask yet. */
    if (row->user != NULL && log_severest < LOG_DEBUG)
        fail_msg("is no reason for alarm: %s", log_text);
}

struct prompt_row {
    const char *name;
    const char *args;
    const char *want;
};

static const struct prompt_row prompts[] = {
    {"the default", "", "Password: "},
    {"a site's own", "[prompt=Access token: ]", "Access token: "},
    {"without spaces", "prompt=Token:", "Token:"},
    {"empty", "prompt=", ""},
    {"% is no format", "[prompt=100%s %n: ]", "100%s %n: "},
};

static void
prompt(void **state)
{
    const struct prompt_row *row = *state;
    struct host host;
    int rc;

    write_service(row->args);
    host_begin(&host, "alice", TOKEN);
    rc = authenticate(&host);
    unit_check_string("prompt", host.talk.prompt, row->want);
    unit_check_int("prompts", host.talk.prompts, 1);
    unit_check_int("without echo", host.talk.hidden, 1);
    host_end(&host);
    check_code("pam_authenticate", rc, PAM_SUCCESS);
}

/* The first pass: a line before it asks, and knows another prefix alone. */

struct first_pass_row {
    const char *name;
    const char *stack;
    const char *password;
    int want, prompts;
};

#define ASKED "auth [default=ignore] @ prefix=other_\n"

static const struct first_pass_row first_passes[] = {
    {"use_first_pass", ASKED "auth " ONLY "@ use_first_pass\n", TOKEN, PAM_SUCCESS, 1},
    {"try_first_pass", ASKED "auth " ONLY "@ try_first_pass\n", TOKEN, PAM_SUCCESS, 1},
    {"neither asks again", ASKED "auth " ONLY "@\n", TOKEN, PAM_SUCCESS, 2},
    {"try_first_pass asks if nobody did", "auth " ONLY "@ try_first_pass\n", TOKEN,
        PAM_SUCCESS, 1},
    {"use_first_pass never asks", "auth " ONLY "@ use_first_pass\n", TOKEN,
        PAM_AUTHTOK_RECOVERY_ERR, 0},
    {"use_first_pass, no token", ASKED "auth " ONLY "@ use_first_pass\n", "password",
        PAM_IGNORE, 1},
    {"use_first_pass, malformed", ASKED "auth " ONLY "@ use_first_pass\n", "rhp_",
        PAM_AUTH_ERR, 1},
    {"try_first_pass, no token: it does not ask again",
        ASKED "auth " ONLY "@ try_first_pass\n", "password", PAM_IGNORE, 1},
    {"try_first_pass, an empty password: it does not ask again",
        ASKED "auth " ONLY "@ try_first_pass\n", "", PAM_IGNORE, 1},
    {"what is no token goes on to the next module",
        "auth [success=done ignore=ignore default=die] @ try_first_pass\n"
        "auth " ONLY "@ prefix=other_ use_first_pass\n",
        "other_token", PAM_SUCCESS, 1},
    {"a token that is refused does not",
        "auth [success=done ignore=ignore default=die] @ org=nowhere\n"
        "auth " ONLY "@ prefix=rhp_ use_first_pass socket=/nonexistent\n",
        "rhp_ ", PAM_AUTH_ERR, 1},
};

static void
first_pass(void **state)
{
    const struct first_pass_row *row = *state;
    char text[1024];
    struct host host;
    int rc;

    (void)snprintf(text, sizeof(text), "%s" MARKER, row->stack);
    write_stack(text);
    host_begin(&host, "alice", row->password);
    rc = authenticate(&host);
    unit_check_int("prompts", host.talk.prompts, row->prompts);
    host_end(&host);
    check_code("pam_authenticate", rc, row->want);
    check_connections(row->want == PAM_SUCCESS);
}

/* As the manual's shortest stack: libpam itself makes PAM_IGNORE a refusal. */
static void
alone_required(void **state)
{
    (void)state;
    write_stack("auth required @\n");
    check_login("alice", "password", PAM_PERM_DENIED);
    check_login("alice", TOKEN, PAM_SUCCESS);
    say(FAKE_ANSWER, PAT_ERR_REVOKED);
    check_login("alice", TOKEN, PAM_AUTH_ERR);
    say(FAKE_CLOSE, PAT_OK);
    check_login("alice", TOKEN, PAM_AUTHINFO_UNAVAIL);
}

/* The delay */

struct delay_row {
    const char *name;
    const char *password;
    enum fake_mode mode;
    enum pat_err status;
    bool nodelay, want;
};

static const struct delay_row delays[] = {
    {"refused", TOKEN, FAKE_ANSWER, PAT_ERR_REVOKED, false, true},
    {"malformed", "rhp_", FAKE_ANSWER, PAT_OK, false, true},
    {"refused, nodelay", TOKEN, FAKE_ANSWER, PAT_ERR_REVOKED, true, false},
    {"accepted", TOKEN, FAKE_ANSWER, PAT_OK, false, false},
    /* As long as a refusal: an unknown name must not be answered sooner than a known one.
     */
    {"no token", "password", FAKE_ANSWER, PAT_OK, false, true},
    {"what sshd gives for an unknown name", FAKE, FAKE_ANSWER, PAT_OK, false, true},
    {"a token inside", "x" TOKEN, FAKE_ANSWER, PAT_OK, false, true},
    {"unavailable", TOKEN, FAKE_CLOSE, PAT_OK, false, true},
    {"patd's configuration", TOKEN, FAKE_ANSWER, PAT_ERR_CONFIG, false, true},
    {"no token, nodelay", "password", FAKE_ANSWER, PAT_OK, true, false},
    {"unavailable, nodelay", TOKEN, FAKE_CLOSE, PAT_OK, true, false},
};

static void
delays_refusal(void **state)
{
    const struct delay_row *row = *state;
    char text[512];
    struct host host;

    (void)snprintf(text, sizeof(text), "auth " ONLY "%s socket=%s%s\n", module_path,
        socket_path, row->nodelay ? " nodelay" : "");
    write_stack(text);
    say(row->mode, row->status);
    host_begin(&host, "alice", row->password);
    (void)authenticate(&host);
    /* Of two seconds libpam makes something near them. */
    if (row->want ? host.delay_us < 1000000 || host.delay_us > 3000000
                  : host.delay_us != 0)
        fail_msg("a delay of %u us", host.delay_us);
    host_end(&host);
}

/* A guest's manners */

static void
no_descriptor_left(void **state)
{
    static const char *const given[] = {TOKEN, "password", TOKEN, "rhp_", TOKEN};
    static const enum fake_mode modes[] = {
        FAKE_ANSWER, FAKE_ANSWER, FAKE_CLOSE, FAKE_ANSWER, FAKE_RAW};
    unsigned before = 0;

    (void)state;
    for (int i = 0; i < 205; i++) {
        struct fake_behaviour b = {modes[i % 5], PAT_OK, NULL, BYTES("junk"), 0};
        struct host host;

        /* The first rounds may load what libpam keeps. */
        if (i == 5)
            before = unit_count_fds();
        fake_patd_say(&fake, &b);
        assert_int_equal(host_start(&host, "alice", given[i % 5]), PAM_SUCCESS);
        (void)authenticate(&host);
        (void)account(&host);
        assert_int_equal(pam_end(host.pamh, PAM_SUCCESS), PAM_SUCCESS);
    }
    /* Without those of the server, which may still be closing one. */
    fake_patd_stop(&fake);
    if (unit_count_fds() > before - 2)
        fail_msg("%u descriptors, %u before", unit_count_fds(), before - 2);
}

#define THREADS 8
#define ROUNDS  25

struct visitor {
    pthread_t thread;
    char user[16];
    unsigned failures;
};

static bool
visit(const struct visitor *v)
{
    struct host host;
    const char *user;
    bool ok;

    if (host_start(&host, v->user, TOKEN) != PAM_SUCCESS)
        return false;
    ok = authenticate(&host) == PAM_SUCCESS && account(&host) == PAM_SUCCESS;
    user = pam_getenv(host.pamh, "PAT_USER");
    ok = ok && user != NULL && strcmp(user, v->user) == 0;
    return pam_end(host.pamh, PAM_SUCCESS) == PAM_SUCCESS && ok;
}

static void *
visit_often(void *arg)
{
    struct visitor *v = arg;

    for (int i = 0; i < ROUNDS; i++)
        v->failures += !visit(v);
    return NULL;
}

/* As under Apache's event MPM: nothing of one login may get into another. */
static void
many_threads(void **state)
{
    struct visitor visitors[THREADS];

    (void)state;
    say(FAKE_ECHO, PAT_OK);
    log_clear();
    for (unsigned i = 0; i < THREADS; i++) {
        visitors[i].failures = 0;
        (void)snprintf(visitors[i].user, sizeof(visitors[i].user), "user%u", i);
        assert_int_equal(
            pthread_create(&visitors[i].thread, NULL, visit_often, &visitors[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(visitors[i].thread, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        unit_check_int(visitors[i].user, visitors[i].failures, 0);
    check_connections(THREADS * ROUNDS);
}

/* Under sudo and su the environment is the caller's. */
static void
environment_is_no_setting(void **state)
{
    static const char *const names[] = {"PAT_SOCKET", "PATD_SOCKET", "PAM_PAT_SOCKET",
        "PAT_ORG", "PAT_ROLE", "PAT_SHARED", "PAT_PREFIX", "socket", "shared"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(setenv(names[i], "/nonexistent", 1), 0);
    check_login("alice", TOKEN, PAM_SUCCESS);
    unit_check_string("orgs", fake_patd_heard(&fake).orgs, NO);
    unit_check_string("roles", fake_patd_heard(&fake).roles, NO);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(unsetenv(names[i]), 0);
}

/* The marker stands beside this program. */
static bool
find_marker(void)
{
    ssize_t len = readlink("/proc/self/exe", marker_path, sizeof(marker_path) - 1);
    char *slash = len > 0 ? strrchr(marker_path, '/') : NULL;

    if (slash == NULL)
        return false;
    (void)snprintf(slash + 1, sizeof(marker_path) - (size_t)(slash + 1 - marker_path),
        "pam_marker.so");
    return access(marker_path, R_OK) == 0;
}

/* usage: pam_module_test [MODULE] */
int
main(int argc, char **argv)
{
    module_path = argc > 1 ? argv[1] : getenv("PAM_PAT_SO");
    if (module_path == NULL || module_path[0] != '/') {
        (void)fprintf(stderr, "PAM_PAT_SO must be the module's absolute path\n");
        return 1;
    }
    if (!find_marker()) {
        (void)fprintf(stderr, "%s is missing\n", marker_path);
        return 1;
    }
    unit_fixture(setup, teardown);
    UNIT_TABLE("verdict", verdict, verdicts);
    unit_add("verdict", "no code left out", every_verdict, NULL);
    UNIT_TABLE("refusal", refusal, refusals);
    UNIT_TABLE("unavailable", unavailable, bads);
    unit_add("unavailable", "no server", no_server, NULL);
    UNIT_TABLE("password", password, passwords);
    unit_add("password", "debug tells nothing of it", debug_tells_nothing, NULL);
    unit_add("password", "a token in place of a name", pasted_names, NULL);
    UNIT_TABLE("prefix", prefix, prefixes);
    UNIT_TABLE("argument", argument, arguments);
    unit_add("argument", "socket too long", socket_too_long, NULL);
    unit_add("argument", "none at all", no_arguments, NULL);
    UNIT_TABLE("request", request, requests);
    unit_add("request", "a login name too long", request_too_long, NULL);
    UNIT_TABLE("environment", environment, environments);
    unit_add("environment", "the log tells of it with debug", log_of_acceptance, NULL);
    unit_add("environment", "the log stays one line", log_is_one_line, NULL);
    UNIT_TABLE("inherited", inherited, inheritances);
    unit_add("environment", "other variables stay", other_variables_stay, NULL);
    unit_add("environment", "is no setting", environment_is_no_setting, NULL);
    UNIT_TABLE("second attempt", second_attempt, seconds);
    unit_add("second attempt", "accepted", second_accepted, NULL);
    unit_add("account", "of another transaction", account_of_another, NULL);
    unit_add("account", "by variables of the environment", account_by_environment, NULL);
    unit_add("setcred", "succeeds", setcred, NULL);
    unit_add("setcred", "succeeds after a refusal", setcred_always, NULL);
    UNIT_TABLE("conversation", talk, talks);
    UNIT_TABLE("prompt", prompt, prompts);
    UNIT_TABLE("first pass", first_pass, first_passes);
    unit_add("stack", "required, alone", alone_required, NULL);
    UNIT_TABLE("delay", delays_refusal, delays);
    unit_add("guest", "leaves no descriptor", no_descriptor_left, NULL);
    unit_add("guest", "eight threads", many_threads, NULL);
    return unit_run("pam_module");
}
