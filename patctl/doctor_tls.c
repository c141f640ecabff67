/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_tls.c - why a server's certificate is not accepted
 *
 * libldap tells that the handshake failed and loses the reason. So the certificate is
 * fetched once more, by a handshake that accepts any, and judged here. Nothing is sent
 * over that connection.
 */
#include "doctor.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"
#include "uri.h"

/* ExtendedRequest of StartTLS (RFC 4511, 4.14), message 1 */
static const char start_tls[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
                                "1.3.6.1.4.1.1466.20037";

/* The least of an answer that says success: 30 .. 02 01 01 78 .. 0a 01 00 */
static bool
says_success(const unsigned char *p, size_t len)
{
    return len >= 10 && p[0] == 0x30 && memcmp(p + 2, "\x02\x01\x01\x78", 4) == 0 &&
           memcmp(p + 7, "\x0a\x01\x00", 3) == 0;
}

static bool
ask_for_tls(int fd, struct pat_deadline deadline)
{
    unsigned char answer[256];
    ssize_t n;

    if (send(fd, start_tls, sizeof(start_tls) - 1, MSG_NOSIGNAL) !=
            (ssize_t)sizeof(start_tls) - 1 ||
        pat_net_wait(fd, POLLIN, deadline) != PAT_OK)
        return false;
    n = recv(fd, answer, sizeof(answer), 0);
    return n > 0 && says_success(answer, (size_t)n);
}

static bool
shake_hands(SSL *ssl, int fd, struct pat_deadline deadline)
{
    for (;;) {
        int rc = SSL_connect(ssl), why;

        if (rc == 1)
            return true;
        why = SSL_get_error(ssl, rc);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return false;
        if (pat_net_wait(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline) !=
            PAT_OK)
            return false;
    }
}

static bool
fits_host(X509 *cert, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_check_ip_asc(cert, host, 0) == 1;
    return X509_check_host(cert, host, 0, 0, NULL) == 1;
}

static void
write_time(const ASN1_TIME *t, char *ret, size_t size)
{
    struct tm tm;

    ret[0] = '\0';
    if (ASN1_TIME_to_tm(t, &tm) == 1)
        (void)strftime(ret, size, "%Y-%m-%d", &tm);
}

/* The chain first, for the name on an untrusted one says nothing. */
static bool
judge(SSL *ssl, const struct pat_conf *conf, const char *host, char *ret, size_t size)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    long result = SSL_get_verify_result(ssl);
    char day[32];
    bool bad = true;

    if (cert == NULL)
        return false;
    switch (result) {
    case X509_V_OK:
        bad = !fits_host(cert, host);
        if (bad)
            (void)snprintf(ret, size,
                "the certificate is for another name than %s. Use its name in uri, or "
                "get "
                "one that has this name",
                host);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        write_time(X509_get0_notAfter(cert), day, sizeof(day));
        (void)snprintf(ret, size,
            "the certificate has expired (its end: %s). Get a new one for the server",
            day);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        write_time(X509_get0_notBefore(cert), day, sizeof(day));
        (void)snprintf(ret, size,
            "the certificate is not valid yet (from %s). Is this host's clock right?",
            day);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        (void)snprintf(ret, size,
            "the certificate is not signed by a CA in %s. Put that CA there "
            "(tls_ca_file)",
            conf->tls_ca_file);
        break;
    default:
        (void)snprintf(ret, size, "the certificate is not good: %s",
            X509_verify_cert_error_string(result));
        break;
    }
    X509_free(cert);
    return bad;
}

static SSL_CTX *
make_context(const struct pat_conf *conf)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx != NULL && SSL_CTX_load_verify_locations(ctx, conf->tls_ca_file, NULL) != 1) {
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    if (ctx != NULL)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    ERR_clear_error();
    return ctx;
}

bool
doctor_certificate(const struct pat_conf *conf, const char *uri_text,
    struct pat_deadline deadline, char *ret, size_t size)
{
    struct pat_uri uri = {0};
    struct pat_diag diag;
    SSL_CTX *ctx = NULL;
    SSL *ssl = NULL;
    bool bad = false;
    int fd = -1;

    if (pat_uri_parse(uri_text, &uri, &diag) != PAT_OK ||
        uri.scheme == PAT_SCHEME_LDAPI || conf->tls_ca_file == NULL ||
        pat_net_connect(&uri, deadline, &fd, &diag) != PAT_OK)
        return false;
    if (uri.scheme == PAT_SCHEME_LDAP && !ask_for_tls(fd, deadline))
        goto out;
    ctx = make_context(conf);
    ssl = ctx != NULL ? SSL_new(ctx) : NULL;
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
        goto out;
    (void)SSL_set_tlsext_host_name(ssl, uri.host);
    if (shake_hands(ssl, fd, deadline))
        bad = judge(ssl, conf, uri.host, ret, size);
out:
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return bad;
}
