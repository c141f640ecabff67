/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection is made by libldap from ldap.conf(5), as for the OpenLDAP tools, and not
 * by common/ldap_conn.h, which knows patd.conf(5) alone. libldap may block where it takes
 * no timeout, so that it is a timer that ends the process.
 */
#include "session.h"

#include <errno.h>
#include <sasl/sasl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "dn.h"
#include "prompt.h"
#include "say.h"
#include "secret.h"
#include "text.h"
#include "uri.h"

/* --- the guard --------------------------------------------------------------------- */

static struct {
    char text[1024];
    size_t len;
    bool outer; /* session_guard_begin(): the requests within leave it alone */
} guard;

static void
guard_expired(int sig)
{
    (void)sig;
    (void)!write(STDERR_FILENO, guard.text, guard.len);
    _exit(EX_TEMPFAIL);
}

static void
guard_start(struct session *s, const char *hint)
{
    struct sigaction act = {.sa_handler = guard_expired};
    char *uri = text_escape(s->uri, strlen(s->uri));
    sigset_t set;
    int n;

    n = snprintf(guard.text, sizeof(guard.text),
        "\npatctl: %s: no answer within %u s\n%s%s", uri == NULL ? "" : uri, s->timeout_s,
        hint == NULL ? "Is the server there? --timeout allows more" : hint, "\n");
    guard.len = n < 0 ? 0 : (size_t)n;
    if (guard.len >= sizeof(guard.text))
        guard.len = sizeof(guard.text) - 1;
    free(uri);
    (void)sigaction(SIGALRM, &act, NULL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGALRM);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)alarm(s->timeout_s);
}

static void
guard_request(struct session *s)
{
    if (!guard.outer)
        guard_start(s, NULL);
}

static void
guard_request_end(void)
{
    if (!guard.outer)
        (void)alarm(0);
}

void
session_guard_begin(struct session *s, const char *hint)
{
    guard_start(s, hint);
    guard.outer = true;
}

void
session_guard_end(void)
{
    guard.outer = false;
    (void)alarm(0);
}

/* --- results ----------------------------------------------------------------------- */

static void
forget_result(struct session *s)
{
    free(s->matched);
    free(s->text);
    s->matched = NULL;
    s->text = NULL;
    s->code = LDAP_SUCCESS;
}

static char *
take(char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    ldap_memfree(text);
    return copy;
}

/* What libldap itself says of a call that failed. */
static int
note_failure(struct session *s, int code)
{
    char *text = NULL;

    forget_result(s);
    s->code = code == LDAP_SUCCESS ? LDAP_OTHER : code;
    (void)ldap_get_option(s->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    s->text = take(text);
    return s->code;
}

static int
last_code(struct session *s)
{
    int code = LDAP_SERVER_DOWN;

    (void)ldap_get_option(s->ld, LDAP_OPT_RESULT_CODE, &code);
    return code;
}

/* Wait for all of the answer; `msg` NULL where there is none. */
static int
wait_answer(struct session *s, int msgid, LDAPMessage **ret_msg)
{
    int rc = ldap_result(s->ld, msgid, LDAP_MSG_ALL, NULL, ret_msg);

    guard_request_end();
    if (rc <= 0)
        return note_failure(s, last_code(s));
    return LDAP_SUCCESS;
}

/* Take the result out of an answer. */
static int
note_result(struct session *s, LDAPMessage *msg, LDAPControl ***ret_controls)
{
    char *matched = NULL, *text = NULL;
    int code = LDAP_OTHER, rc;

    forget_result(s);
    rc = ldap_parse_result(s->ld, msg, &code, &matched, &text, NULL, ret_controls, 0);
    if (rc != LDAP_SUCCESS)
        code = rc;
    s->code = code;
    s->matched = take(matched);
    s->text = take(text);
    return code;
}

int
session_exit(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
        return EX_OK;
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_UNAVAILABLE:
        return EX_UNAVAILABLE;
    case LDAP_BUSY:
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED:
    case LDAP_SIZELIMIT_EXCEEDED:
    case LDAP_ADMINLIMIT_EXCEEDED:
        return EX_TEMPFAIL;
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INSUFFICIENT_ACCESS:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_CONFIDENTIALITY_REQUIRED:
        return EX_NOPERM;
    case LDAP_NO_SUCH_OBJECT:
        return EX_NOUSER;
    case LDAP_CONSTRAINT_VIOLATION:
    case LDAP_ALREADY_EXISTS:
    case LDAP_TYPE_OR_VALUE_EXISTS:
    case LDAP_OBJECT_CLASS_VIOLATION:
    case LDAP_NAMING_VIOLATION:
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_NOT_ALLOWED_ON_NONLEAF:
    case LDAP_INVALID_SYNTAX:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_UNDEFINED_TYPE:
    case LDAP_REFERRAL:
        return EX_DATAERR;
    case LDAP_NO_MEMORY:
        return EX_OSERR;
    default:
        return EX_PROTOCOL;
    }
}

bool
session_limited(int code)
{
    return code == LDAP_SIZELIMIT_EXCEEDED || code == LDAP_ADMINLIMIT_EXCEEDED ||
           code == LDAP_TIMELIMIT_EXCEEDED;
}

/* What to do next, for what the server does not tell by itself; NULL = nothing to say. */
static const char *
advice(int code)
{
    switch (code) {
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
        return "Is the server there? Give another by -H, or set URI in ldap.conf; for "
               "TLS, "
               "TLS_CACERT there must know who signed the server's certificate";
    case LDAP_INVALID_CREDENTIALS:
        return "The name (-D) or the password (-W, -y) is wrong";
    case LDAP_INSUFFICIENT_ACCESS:
        return "The directory's access rules do not let you do this: ask an owner of the "
               "org, or an administrator";
    case LDAP_NO_SUCH_OBJECT:
        return "It is not there, or you may not see it; is the base (-b) right?";
    case LDAP_SIZELIMIT_EXCEEDED:
    case LDAP_ADMINLIMIT_EXCEEDED:
        return "The server's limit was met: ask for less (--org, --owner), or have the "
               "administrator raise olcLimits for you (size.prtotal=unlimited)";
    case LDAP_TIMELIMIT_EXCEEDED:
        return "Ask for less (--org, --owner), or have the administrator raise the limit";
    case LDAP_REFERRAL:
        return "This server is a replica: give the one that takes changes by -H";
    case LDAP_CONFIDENTIALITY_REQUIRED:
    case LDAP_STRONG_AUTH_REQUIRED:
        return "The server wants an encrypted connection: -ZZ, or ldaps://";
    case LDAP_UNDEFINED_TYPE:
    case LDAP_OBJECT_CLASS_VIOLATION:
        return "Does the server have the schema pat.ldif?";
    case LDAP_UNAVAILABLE_CRITICAL_EXTENSION:
        return "The server cannot do what was asked of it";
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
        return "Try again later";
    default:
        return NULL;
    }
}

int
session_fail(struct session *s, const char *fmt, ...)
{
    const char *text = s->text == NULL ? "" : s->text;
    char what[512] = "";
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    /* The overlay's refusals are sentences that say what to do. */
    if (strncmp(text, "pat: ", 5) == 0) {
        say_error("%s: %s", what, text + 5);
        return session_exit(s->code);
    }
    say_error(
        "%s: %s%s%s", what, ldap_err2string(s->code), text[0] == '\0' ? "" : ": ", text);
    if (advice(s->code) != NULL)
        say_note("%s", advice(s->code));
    return session_exit(s->code);
}

/* --- connect and bind ----------------------------------------------------------------
 */

static char *
option_string(LDAP *ld, int option)
{
    char *text = NULL;

    (void)ldap_get_option(ld, option, &text);
    return take(text);
}

static bool
is_simple(const struct session_options *o)
{
    return o->mech == NULL && (o->simple || o->bind_dn != NULL || o->ask ||
                                  o->password != NULL || o->password_file != NULL);
}

/* The mechanism: told, configured, or the one that needs no password on a unix socket. */
static char *
choose_mech(struct session *s, const struct session_options *o)
{
    char *mech =
        o->mech != NULL ? strdup(o->mech) : option_string(s->ld, LDAP_OPT_X_SASL_MECH);

    if (mech == NULL && strncasecmp(s->uri, "ldapi:", 6) == 0)
        mech = strdup("EXTERNAL");
    return mech;
}

/* Returns whether what is sent to this URI is encrypted, or stays on this machine. */
static bool
is_private(const char *uri)
{
    static const char *const schemes[] = {"ldaps://", "pldaps://", "ldapi://"};
    struct pat_uri parsed = {0};
    struct pat_diag diag;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(uri, schemes[i], strlen(schemes[i])) == 0)
            return true;
    /* pldap:// is ldap:// behind a header of a load balancer. */
    if (strncasecmp(uri, "pldap://", 8) == 0)
        uri++;
    return pat_uri_parse(uri, &parsed, &diag) == PAT_OK && pat_uri_is_local(&parsed);
}

/* Finds the first URI over which everybody could read along. *ret is for free(), or NULL.
 */
static int
find_clear(const struct session_options *o, const char *uris, char **ret)
{
    char *copy, *save = NULL;

    *ret = NULL;
    if (o->start_tls > 0 || o->clear)
        return EX_OK;
    copy = strdup(uris);
    if (copy == NULL)
        return say_no_memory();
    for (char *uri = strtok_r(copy, " ,", &save); uri != NULL && *ret == NULL;
         uri = strtok_r(NULL, " ,", &save))
        if (!is_private(uri)) {
            *ret = strdup(uri);
            if (*ret == NULL) {
                free(copy);
                return say_no_memory();
            }
        }
    free(copy);
    return EX_OK;
}

/* Returns whether SASL itself can encrypt the connection after this mechanism. */
static bool
can_encrypt(const char *mech)
{
    static const char *const names[] = {
        "GSSAPI", "GSS-SPNEGO", "DIGEST-MD5", "KERBEROS_V4", "SRP"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(mech, names[i]) == 0)
            return true;
    return false;
}

/* Password and tokens must not travel in clear over a network, whatever the bind. */
static int
check_privacy(struct session *s, const struct session_options *o)
{
    char *mech = is_simple(o) ? NULL : choose_mech(s, o), *uri = NULL;
    int rc = EX_OK;

    /* Of these check_encrypted() sees what came of it. Without any there is no bind. */
    if (is_simple(o) || (mech != NULL && !can_encrypt(mech)))
        rc = find_clear(o, s->uri, &uri);
    if (uri != NULL)
        rc = say_usage("%s: password and tokens would travel in clear: add -ZZ, or use "
                       "ldaps://; --clear allows it",
            uri);
    free(uri);
    free(mech);
    return rc;
}

/* After a bind by SASL, whose mechanism may have encrypted the connection. */
static int
check_encrypted(struct session *s, const struct session_options *o, const char *mech)
{
    ber_len_t ssf = 0;
    char *uri = NULL;
    int rc = find_clear(o, s->uri, &uri);

    (void)ldap_get_option(s->ld, LDAP_OPT_X_SASL_SSF, &ssf);
    /* 1 is integrity alone. */
    if (uri != NULL && ssf <= 1 && !ldap_tls_inplace(s->ld))
        rc = say_usage("%s: SASL %s does not encrypt the connection, and tokens would "
                       "travel in clear: add -ZZ, or use ldaps://; --clear allows it",
            uri, mech);
    free(uri);
    return rc;
}

/* The whole of the file, as the OpenLDAP tools read it. */
static int
read_password(const char *path, char **ret)
{
    char *text = malloc(PROMPT_SECRET_SIZE);
    FILE *f = fopen(path, "re");
    size_t len = 0;
    int rc = EX_NOINPUT;

    if (text == NULL) {
        rc = say_no_memory();
    } else if (f == NULL) {
        say_error("-y %s: %s", path, strerror(errno));
    } else {
        (void)setvbuf(f, NULL, _IONBF, 0);
        len = fread(text, 1, PROMPT_SECRET_SIZE - 1, f);
        text[len] = '\0';
        if (ferror(f) || !feof(f))
            say_error("-y %s: cannot be read, or is longer than a password", path);
        else if (len == 0)
            say_error("-y %s: is empty", path);
        else
            rc = EX_OK;
    }
    if (f != NULL)
        (void)fclose(f);
    if (rc == EX_OK)
        *ret = text;
    else
        pat_secret_free(text, PROMPT_SECRET_SIZE);
    return rc;
}

/* -w, -y and -W; -D alone asks. NULL where there is nothing to ask for. */
static int
get_password(const struct session_options *o, char **ret)
{
    if (o->password != NULL) {
        *ret = malloc(PROMPT_SECRET_SIZE);
        if (*ret == NULL)
            return say_no_memory();
        if (strlen(o->password) >= PROMPT_SECRET_SIZE) {
            pat_secret_free(*ret, PROMPT_SECRET_SIZE);
            *ret = NULL;
            return say_usage("-w: is longer than a password");
        }
        (void)snprintf(*ret, PROMPT_SECRET_SIZE, "%s", o->password);
        return EX_OK;
    }
    if (o->password_file != NULL)
        return read_password(o->password_file, ret);
    if (o->ask || (o->bind_dn != NULL && o->mech == NULL))
        return prompt_secret("LDAP password: ", ret);
    return EX_OK;
}

struct sasl_answers {
    const struct session_options *options;
    const char *password;
};

/* libldap asks for what the mechanism wants to know. */
static int
answer_sasl(LDAP *ld, unsigned flags, void *defaults, void *in)
{
    const struct sasl_answers *a = defaults;

    (void)ld;
    (void)flags;
    for (sasl_interact_t *i = in; i->id != SASL_CB_LIST_END; i++) {
        const char *text = i->defresult;

        if (i->id == SASL_CB_AUTHNAME)
            text = a->options->authcid;
        else if (i->id == SASL_CB_USER)
            text = a->options->authzid;
        else if (i->id == SASL_CB_PASS)
            text = a->password;
        i->result = text == NULL ? "" : text;
        i->len = (unsigned)strlen(i->result);
    }
    return LDAP_SUCCESS;
}

static int
bind_sasl(struct session *s, const struct session_options *o, const char *password)
{
    struct sasl_answers answers = {o, password};
    char *mech = choose_mech(s, o);
    int rc;

    if (mech == NULL)
        return say_usage("who are you? Give -D DN -W, or -Y MECHANISM");
    rc = ldap_sasl_interactive_bind_s(
        s->ld, o->bind_dn, mech, NULL, NULL, LDAP_SASL_QUIET, answer_sasl, &answers);
    if (rc != LDAP_SUCCESS) {
        (void)note_failure(s, rc);
        rc = session_fail(s, "%s: SASL %s", s->uri, mech);
    } else {
        rc = check_encrypted(s, o, mech);
    }
    free(mech);
    return rc;
}

static bool
ends_in_newline(const char *s)
{
    size_t len = strlen(s);

    return len > 0 && s[len - 1] == '\n';
}

static int
bind_simple(struct session *s, const struct session_options *o, char *password)
{
    struct berval cred = {password == NULL ? 0 : strlen(password), password};
    int rc =
        ldap_sasl_bind_s(s->ld, o->bind_dn, LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);

    if (rc == LDAP_SUCCESS)
        return EX_OK;
    (void)note_failure(s, rc);
    rc = session_fail(
        s, "%s: bind as %s", s->uri, o->bind_dn == NULL ? "BINDDN" : o->bind_dn);
    if (s->code == LDAP_INVALID_CREDENTIALS && o->password_file != NULL &&
        password != NULL && ends_in_newline(password))
        say_note(
            "The file of -y ends in a newline, which is a part of the password, as it "
            "is for ldapsearch: write it by printf %%s");
    return rc;
}

static int
secure_and_bind(struct session *s, const struct session_options *o, char *password)
{
    int rc = LDAP_SUCCESS;

    if (o->start_tls > 0)
        rc = ldap_start_tls_s(s->ld, NULL, NULL);
    if (rc != LDAP_SUCCESS) {
        (void)note_failure(s, rc);
        return session_fail(s, "%s: StartTLS", s->uri);
    }
    return is_simple(o) ? bind_simple(s, o, password) : bind_sasl(s, o, password);
}

static int
init(struct session *s, const struct session_options *o)
{
    int version = LDAP_VERSION3, limit = LDAP_NO_LIMIT, rc;
    const char *base = o->base != NULL ? o->base : getenv("PAT_BASE");

    rc = ldap_initialize(&s->ld, o->uri);
    if (rc != LDAP_SUCCESS)
        return say_usage("-H %s: %s", o->uri == NULL ? "" : o->uri, ldap_err2string(rc));
    (void)ldap_set_option(s->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    (void)ldap_set_option(s->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    (void)ldap_set_option(s->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
    /* A SIZELIMIT of ldap.conf is for people who look, not for what must be complete. */
    (void)ldap_set_option(s->ld, LDAP_OPT_SIZELIMIT, &limit);
    s->uri = option_string(s->ld, LDAP_OPT_URI);
    s->base = base != NULL && base[0] != '\0' ? strdup(base)
                                              : option_string(s->ld, LDAP_OPT_DEFBASE);
    if (s->uri == NULL)
        return say_no_memory();
    if (s->base == NULL || s->base[0] == '\0')
        return say_usage(
            "where are the orgs? Give -b DN, or PAT_BASE in the environment, or "
            "BASE in ldap.conf");
    if (!dn_valid(s->base))
        return say_usage("-b %s: this is no DN", s->base);
    return EX_OK;
}

int
session_open(struct session_options *o, struct session *ret)
{
    struct session s = {.timeout_s = (unsigned)o->timeout_s};
    char *password = NULL;
    int rc = init(&s, o);

    if (rc == EX_OK)
        rc = check_privacy(&s, o);
    if (rc == EX_OK)
        rc = get_password(o, &password);
    if (rc == EX_OK) {
        guard_request(&s);
        rc = secure_and_bind(&s, o, password);
        guard_request_end();
    }
    pat_secret_free(password, password == NULL ? 0 : PROMPT_SECRET_SIZE);
    if (o->password != NULL)
        pat_secret_erase(o->password, strlen(o->password));
    if (rc == EX_OK)
        *ret = s;
    else
        session_close(&s);
    return rc;
}

void
session_close(struct session *s)
{
    if (s->ld != NULL)
        (void)ldap_unbind_ext(s->ld, NULL, NULL);
    s->ld = NULL;
    free(s->uri);
    free(s->base);
    free(s->me);
    s->uri = s->base = s->me = NULL;
    forget_result(s);
}

/* --- requests ------------------------------------------------------------------------
 */

int
session_whoami(struct session *s, const char **ret_dn)
{
    struct berval *authzid = NULL;
    int rc = LDAP_SUCCESS;

    if (s->me == NULL) {
        guard_request(s);
        rc = ldap_whoami_s(s->ld, &authzid, NULL, NULL);
        guard_request_end();
        if (rc != LDAP_SUCCESS) {
            (void)note_failure(s, rc);
            return session_fail(s, "who am I (RFC 4532)");
        }
        if (authzid != NULL && authzid->bv_len > 3 &&
            memcmp(authzid->bv_val, "dn:", 3) == 0)
            s->me = strndup(authzid->bv_val + 3, authzid->bv_len - 3);
        ber_bvfree(authzid);
    }
    if (s->me == NULL) {
        say_error("the server takes you for nobody: give -D DN -W, or -Y MECHANISM");
        return EX_NOPERM;
    }
    *ret_dn = s->me;
    return EX_OK;
}

/* Send one page's search; `cookie` from the page before. */
static int
ask_page(struct session *s, const char *base, int scope, const char *filter,
    const char *const *attrs, struct berval *cookie, int *ret_msgid)
{
    LDAPControl *page = NULL, *controls[] = {NULL, NULL};
    int rc = ldap_create_page_control(s->ld, SESSION_PAGE_SIZE, cookie, 0, &page);

    if (rc != LDAP_SUCCESS)
        return rc;
    controls[0] = page;
    rc = ldap_search_ext(s->ld, base, scope, filter, (char **)(uintptr_t)attrs, 0,
        controls, NULL, NULL, LDAP_NO_LIMIT, ret_msgid);
    ldap_control_free(page);
    return rc;
}

/* The cookie for the next page; empty behind the last, and where the server has no pages.
 */
static void
next_cookie(struct session *s, LDAPControl **controls, struct berval *cookie)
{
    LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
    ber_int_t estimate = 0;

    ber_memfree(cookie->bv_val);
    cookie->bv_val = NULL;
    cookie->bv_len = 0;
    if (page != NULL)
        (void)ldap_parse_pageresponse_control(s->ld, page, &estimate, cookie);
}

static bool
show_entries(struct session *s, LDAPMessage *msg, session_entry_fn *fn, void *arg)
{
    for (LDAPMessage *e = ldap_first_entry(s->ld, msg); e != NULL;
         e = ldap_next_entry(s->ld, e))
        if (!fn(s, e, arg))
            return false;
    return true;
}

int
session_search(struct session *s, const char *base, int scope, const char *filter,
    const char *const *attrs, session_entry_fn *fn, void *arg)
{
    struct berval cookie = {0, NULL};
    bool more = true;
    int rc = LDAP_SUCCESS;

    while (more && rc == LDAP_SUCCESS) {
        LDAPMessage *msg = NULL;
        LDAPControl **controls = NULL;
        int msgid = -1;

        guard_request(s);
        rc = ask_page(
            s, base == NULL ? s->base : base, scope, filter, attrs, &cookie, &msgid);
        rc = rc == LDAP_SUCCESS ? wait_answer(s, msgid, &msg) : note_failure(s, rc);
        guard_request_end();
        if (rc == LDAP_SUCCESS)
            rc = note_result(s, msg, &controls);
        /* What came before a limit is shown, too. */
        more = msg != NULL && show_entries(s, msg, fn, arg);
        next_cookie(s, controls, &cookie);
        more = more && cookie.bv_len > 0;
        ldap_controls_free(controls);
        (void)ldap_msgfree(msg);
    }
    ber_memfree(cookie.bv_val);
    return rc;
}

int
session_read(
    struct session *s, const char *dn, const char *const *attrs, LDAPMessage **ret)
{
    LDAPMessage *msg = NULL;
    int msgid = -1, rc;

    guard_request(s);
    rc = ldap_search_ext(s->ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)",
        (char **)(uintptr_t)attrs, 0, NULL, NULL, NULL, LDAP_NO_LIMIT, &msgid);
    rc = rc == LDAP_SUCCESS ? wait_answer(s, msgid, &msg) : note_failure(s, rc);
    guard_request_end();
    if (rc == LDAP_SUCCESS)
        rc = note_result(s, msg, NULL);
    if (rc == LDAP_SUCCESS && ldap_first_entry(s->ld, msg) == NULL)
        rc = s->code = LDAP_NO_SUCH_OBJECT;
    if (rc == LDAP_SUCCESS)
        *ret = msg;
    else
        (void)ldap_msgfree(msg);
    return rc;
}

/* The answer to a change that was sent with this result. */
static int
finish_change(struct session *s, int rc, int msgid, LDAPControl ***ret_controls)
{
    LDAPMessage *msg = NULL;

    rc = rc == LDAP_SUCCESS ? wait_answer(s, msgid, &msg) : note_failure(s, rc);
    guard_request_end();
    if (rc == LDAP_SUCCESS)
        rc = note_result(s, msg, ret_controls);
    (void)ldap_msgfree(msg);
    return rc;
}

int
session_add(struct session *s, const char *dn, LDAPMod **mods, LDAPControl *control,
    LDAPControl ***ret_controls)
{
    LDAPControl *controls[] = {control, NULL};
    int msgid = -1, rc;

    guard_request(s);
    rc = ldap_add_ext(s->ld, dn, mods, controls, NULL, &msgid);
    return finish_change(s, rc, msgid, ret_controls);
}

int
session_modify(struct session *s, const char *dn, LDAPMod **mods)
{
    int msgid = -1, rc;

    guard_request(s);
    rc = ldap_modify_ext(s->ld, dn, mods, NULL, NULL, &msgid);
    return finish_change(s, rc, msgid, NULL);
}

int
session_delete(struct session *s, const char *dn)
{
    int msgid = -1, rc;

    guard_request(s);
    rc = ldap_delete_ext(s->ld, dn, NULL, NULL, &msgid);
    return finish_change(s, rc, msgid, NULL);
}

int
session_delete_confirmed(struct session *s, const char *dn)
{
    /* Not critical: a server that does not know it limits no removal. */
    LDAPControl relax = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_RELAX};
    LDAPControl *controls[] = {&relax, NULL};
    int msgid = -1, rc;

    guard_request(s);
    rc = ldap_delete_ext(s->ld, dn, controls, NULL, &msgid);
    return finish_change(s, rc, msgid, NULL);
}
