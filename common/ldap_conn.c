/* SPDX-License-Identifier: BSD-2-Clause */
#include "ldap_conn.h"

#include <openldap.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

/* What libldap itself takes, if it can. */
#define READAHEAD_BYTES 16384

/*
 * Of an answer, and of each message in it, whose length the server tells and libldap then
 * allocates at once. Verifying takes a handful of entries, of some hundred bytes each;
 * the most that is ever asked for is a server's schema.
 */
#define ANSWER_MAX ((size_t)4 * 1024 * 1024)

/*
 * A server that was waited for as long as this, and sent nothing, may be gone without a
 * word: only a new connection finds out. One that was not may just have had no time.
 */
#define SILENCE_NS INT64_C(1000000000)

/* libldap keeps the number of each operation that was never answered. */
#define ABANDONED_MAX 1000

static Sockbuf *
sockbuf(struct pat_ldap_conn *conn)
{
    Sockbuf *sb = NULL;

    (void)ldap_get_option(conn->ld, LDAP_OPT_SOCKBUF, &sb);
    return sb;
}

/* Bytes that libldap or TLS hold already: poll(2) on the socket would not tell. */
static bool
data_buffered(struct pat_ldap_conn *conn)
{
    return ber_sockbuf_ctrl(sockbuf(conn), LBER_SB_OPT_DATA_READY, NULL) != 0;
}

void
pat_ldap_close(struct pat_ldap_conn *conn)
{
    if (conn->ld != NULL)
        (void)ldap_unbind_ext(conn->ld, NULL, NULL);
    conn->ld = NULL;
    conn->fd = -1;
    conn->late = false;
    conn->abandoned = 0;
    conn->silent_ns = 0;
}

enum pat_err
pat_ldap_broken(
    struct pat_ldap_conn *conn, const char *what, int rc, struct pat_diag *diag)
{
    char *text = NULL;

    (void)ldap_get_option(conn->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    pat_diag_set(diag, "%s: %s%s%s", what, ldap_err2string(rc),
        text != NULL && text[0] != '\0' ? ": " : "", text != NULL ? text : "");
    ldap_memfree(text);
    pat_ldap_close(conn);
    return PAT_ERR_UNAVAIL;
}

/*
 * The answer could not be read: *diag says why. That it is too long is the fault of an
 * entry, and not of the server.
 */
static enum pat_err
unreadable(struct pat_ldap_conn *conn, int rc, struct pat_diag *diag)
{
    const char *what = conn->guard.what;
    bool is_too_long = pat_ldap_guard_is_too_long(&conn->guard);
    enum pat_err err = pat_ldap_broken(conn, "connection lost", rc, diag);

    if (is_too_long) {
        pat_diag_set(diag, "the answer has more than 4 MiB: make the entry smaller");
        return PAT_ERR_RECORD;
    }
    if (what != NULL)
        pat_diag_set(diag, "connection lost: %s", what);
    return err;
}

static int
last_error(struct pat_ldap_conn *conn)
{
    int rc = LDAP_SERVER_DOWN;

    (void)ldap_get_option(conn->ld, LDAP_OPT_RESULT_CODE, &rc);
    return rc;
}

void
pat_ldap_abandon(struct pat_ldap_conn *conn, int msgid)
{
    if (conn->abandoned >= ABANDONED_MAX ||
        ldap_abandon_ext(conn->ld, msgid, NULL, NULL) != LDAP_SUCCESS) {
        pat_ldap_close(conn);
        return;
    }
    conn->abandoned++;
    conn->late = true;
}

/* The deadline passed. Late answers to others show that the server is there. */
static void
give_up(struct pat_ldap_conn *conn, int msgid, int64_t waited_ns)
{
    bool heard = pat_ldap_guard_was_used(&conn->guard);

    conn->silent_ns = heard ? 0 : conn->silent_ns + waited_ns;
    if (conn->silent_ns >= SILENCE_NS)
        pat_ldap_close(conn);
    else
        pat_ldap_abandon(conn, msgid);
}

enum pat_err
pat_ldap_wait(struct pat_ldap_conn *conn, int msgid, struct pat_deadline deadline,
    LDAPMessage **ret, struct pat_diag *diag)
{
    struct timeval at_once = {0, 0};
    int64_t began_ns = pat_monotonic_ns();

    conn->late = false;
    pat_ldap_guard_allow(&conn->guard);
    for (;;) {
        LDAPMessage *msg = NULL;
        int rc = ldap_result(conn->ld, msgid, LDAP_MSG_ALL, &at_once, &msg);

        if (rc > 0) {
            conn->silent_ns = 0;
            *ret = msg;
            return PAT_OK;
        }
        if (rc < 0)
            return unreadable(conn, last_error(conn), diag);
        if (!data_buffered(conn) && pat_net_wait(conn->fd, POLLIN, deadline) != PAT_OK)
            break;
        if (pat_deadline_passed(deadline))
            break;
    }
    give_up(conn, msgid, pat_monotonic_ns() - began_ns);
    pat_diag_set(diag, "deadline passed while waiting for an answer");
    return PAT_ERR_UNAVAIL;
}

int
pat_ldap_result(struct pat_ldap_conn *conn, LDAPMessage *msg, int type, const char *what,
    struct pat_diag *diag)
{
    int code = LDAP_OTHER;
    char *text = NULL;
    int rc;

    if (ldap_msgtype(msg) != type) {
        pat_diag_set(diag, "%s: the server answers something else", what);
        return LDAP_PROTOCOL_ERROR;
    }
    rc = ldap_parse_result(conn->ld, msg, &code, NULL, &text, NULL, NULL, 0);

    if (rc != LDAP_SUCCESS)
        code = rc;
    if (code != LDAP_SUCCESS)
        pat_diag_set(diag, "%s: %s%s%s", what, ldap_err2string(code),
            text != NULL && text[0] != '\0' ? ": " : "", text != NULL ? text : "");
    ldap_memfree(text);
    return code;
}

/* Wait for an operation whose result is its success or failure. */
static enum pat_err
wait_success(struct pat_ldap_conn *conn, int msgid, int type, const char *what,
    struct pat_deadline deadline, struct pat_diag *diag)
{
    LDAPMessage *msg = NULL;
    enum pat_err err = pat_ldap_wait(conn, msgid, deadline, &msg, diag);
    int code;

    if (err != PAT_OK) {
        pat_ldap_close(conn);
        return PAT_ERR_UNAVAIL;
    }
    code = pat_ldap_result(conn, msg, type, what, diag);
    (void)ldap_msgfree(msg);
    if (code == LDAP_SUCCESS)
        return PAT_OK;
    pat_ldap_close(conn);
    return PAT_ERR_UNAVAIL;
}

static bool
set_options(LDAP *ld)
{
    int version = LDAP_VERSION3, deref = LDAP_DEREF_NEVER;

    return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_DEREF, &deref) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS;
}

/*
 * One read takes what is there, several requests go out in one write, and there is an end
 * to what a server can make us keep. libldap adds the layer that reads ahead even where
 * it has no memory for the buffer, and aborts at the first read: so ask for the buffer
 * once more.
 */
static bool
add_layers(struct pat_ldap_conn *conn)
{
    Sockbuf *sb = sockbuf(conn);
    ber_len_t size = READAHEAD_BYTES;

    return pat_ldap_guard_install(&conn->guard, ANSWER_MAX, sb) &&
           ber_sockbuf_add_io(
               sb, &ber_sockbuf_io_readahead, LBER_SBIOD_LEVEL_PROVIDER, NULL) == 0 &&
           ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_READAHEAD, &size) >= 0 &&
           pat_ldap_cork_install(&conn->cork, sb);
}

static bool
set_tls_options(LDAP *ld, const struct pat_conf *conf)
{
    int demand = LDAP_OPT_X_TLS_DEMAND, min = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0;

    if (ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != LDAP_OPT_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &min) != LDAP_OPT_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, conf->tls_ca_file) !=
            LDAP_OPT_SUCCESS)
        return false;
    if (conf->tls_cert_file != NULL && (ldap_set_option(ld, LDAP_OPT_X_TLS_CERTFILE,
                                            conf->tls_cert_file) != LDAP_OPT_SUCCESS ||
                                           ldap_set_option(ld, LDAP_OPT_X_TLS_KEYFILE,
                                               conf->tls_key_file) != LDAP_OPT_SUCCESS))
        return false;
    return ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
}

/*
 * The handshake. Only in its asynchronous mode does libldap wait with poll(2) and a
 * timeout; otherwise it would spin on our non-blocking socket. The mode concerns
 * the handshake alone here, since the socket is connected. But with each such wait it
 * makes the socket a blocking one, on which a read ends when the server likes: while the
 * handshake lasts, each read puts that right, and what follows finds it so.
 */
static enum pat_err
start_tls(struct pat_ldap_conn *conn, const struct pat_conf *conf,
    struct pat_deadline deadline, struct pat_diag *diag)
{
    int left = pat_deadline_left_ms(deadline);
    struct timeval tv = {left / 1000, (long)(left % 1000) * 1000};
    int rc;

    if (!set_tls_options(conn->ld, conf)) {
        pat_ldap_close(conn);
        pat_diag_set(diag, "TLS: cannot load %s, or the client's certificate and key",
            conf->tls_ca_file);
        return PAT_ERR_UNAVAIL;
    }
    (void)ldap_set_option(conn->ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
    (void)ldap_set_option(conn->ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON);
    conn->cork.keep_nonblocking = true;
    rc = ldap_install_tls(conn->ld);
    conn->cork.keep_nonblocking = false;
    if (conn->cork.layer != NULL)
        pat_ldap_cork_nonblocking(&conn->cork);
    (void)ldap_set_option(conn->ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_OFF);
    /* libldap counts by another clock, and may be the first to give up. */
    if (rc != LDAP_SUCCESS && pat_deadline_left_ms(deadline) < 50) {
        pat_ldap_close(conn);
        pat_diag_set(diag, "deadline passed during the TLS handshake");
        return PAT_ERR_UNAVAIL;
    }
    if (rc == LDAP_SUCCESS)
        return PAT_OK;
    /* GnuTLS' reason for a bad certificate is lost in libldap, so say what to look at. */
    pat_ldap_close(conn);
    pat_diag_set(diag,
        "TLS handshake: %s (is the server's certificate signed by %s, in date, and for "
        "this "
        "host name?)",
        ldap_err2string(rc), conf->tls_ca_file);
    return PAT_ERR_UNAVAIL;
}

/* RFC 4511, 4.14 */
static enum pat_err
ask_for_tls(
    struct pat_ldap_conn *conn, struct pat_deadline deadline, struct pat_diag *diag)
{
    int msgid = -1;
    int rc = ldap_start_tls(conn->ld, NULL, NULL, &msgid);

    if (rc != LDAP_SUCCESS)
        return pat_ldap_broken(conn, "StartTLS", rc, diag);
    return wait_success(conn, msgid, LDAP_RES_EXTENDED, "StartTLS", deadline, diag);
}

/* Without a DN the identity is the one that the socket or the certificate proves. */
static enum pat_err
bind_account(struct pat_ldap_conn *conn, const struct pat_conf *conf,
    struct pat_deadline deadline, struct pat_diag *diag)
{
    char none[1] = "";
    struct berval cred = {0, none};
    const char *dn = "", *mech = "EXTERNAL";
    int msgid = -1, rc;

    if (conf->bind_dn != NULL) {
        dn = conf->bind_dn;
        mech = LDAP_SASL_SIMPLE;
        cred.bv_val = conf->bind_password;
        cred.bv_len = strlen(conf->bind_password);
    }
    rc = ldap_sasl_bind(conn->ld, dn, mech, &cred, NULL, NULL, &msgid);
    if (rc != LDAP_SUCCESS)
        return pat_ldap_broken(conn, "bind", rc, diag);
    return wait_success(conn, msgid, LDAP_RES_BIND,
        conf->bind_dn != NULL ? "bind" : "SASL EXTERNAL bind", deadline, diag);
}

enum pat_err
pat_ldap_open(struct pat_ldap_conn *conn, const struct pat_conf *conf,
    const char *uri_text, struct pat_deadline deadline, struct pat_diag *diag)
{
    struct pat_uri uri = {0};
    int proto = LDAP_PROTO_TCP;
    enum pat_err err;
    int fd = -1;

    if (pat_uri_parse(uri_text, &uri, diag) != PAT_OK)
        return PAT_ERR_UNAVAIL; /* the configuration was checked: cannot be */
    err = pat_net_connect(&uri, deadline, &fd, diag);
    if (err != PAT_OK)
        return err;
    if (uri.scheme == PAT_SCHEME_LDAPI)
        proto = LDAP_PROTO_IPC;
    if (ldap_init_fd(fd, proto, uri_text, &conn->ld) != LDAP_SUCCESS) {
        (void)close(fd);
        pat_diag_set(diag, "libldap cannot use the connection");
        return PAT_ERR_UNAVAIL;
    }
    conn->fd = fd;
    if (!set_options(conn->ld) || !add_layers(conn)) {
        pat_ldap_close(conn);
        pat_diag_set(diag, "libldap refuses an option, or has no memory");
        return PAT_ERR_UNAVAIL;
    }

    if (uri.scheme == PAT_SCHEME_LDAP && conf->tls == PAT_TLS_STARTTLS)
        err = ask_for_tls(conn, deadline, diag);
    if (err == PAT_OK &&
        (uri.scheme == PAT_SCHEME_LDAPS ||
            (uri.scheme == PAT_SCHEME_LDAP && conf->tls == PAT_TLS_STARTTLS)))
        err = start_tls(conn, conf, deadline, diag);
    if (err == PAT_OK)
        err = bind_account(conn, conf, deadline, diag);
    return err;
}
