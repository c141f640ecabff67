/* SPDX-License-Identifier: BSD-2-Clause */
#include "uri.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "scope.h"

#define LDAPI_PATH_DEFAULT "/var/run/slapd/ldapi"

static bool
read_scheme(const char *text, enum pat_scheme *ret)
{
    if (strcasecmp(text, "ldapi") == 0)
        *ret = PAT_SCHEME_LDAPI;
    else if (strcasecmp(text, "ldap") == 0)
        *ret = PAT_SCHEME_LDAP;
    else if (strcasecmp(text, "ldaps") == 0)
        *ret = PAT_SCHEME_LDAPS;
    else
        return false;
    return true;
}

/* libldap takes any number for a port, and cuts it to fit: look at the text. */
static bool
port_valid(const char *text)
{
    const char *host = strstr(text, "://");
    const char *end, *port;
    size_t digits;
    long value;

    if (host == NULL)
        return true;
    host += 3;
    end = host + strcspn(host, "/?");
    port = host[0] == '[' ? strchr(host, ']') : host;
    if (port == NULL || port > end)
        return true;
    port = memchr(port, ':', (size_t)(end - port));
    if (port == NULL)
        return true;
    port++;
    digits = strspn(port, "0123456789");
    value = digits <= 5 ? strtol(port, NULL, 10) : 0;
    return port + digits == end && value >= 1 && value <= 65535;
}

/* What is wrong with the parsed URL, or NULL. */
static const char *
fill(const LDAPURLDesc *url, struct pat_uri *ret)
{
    const char *host = url->lud_host != NULL ? url->lud_host : "";
    size_t max = sizeof(ret->host) - 1;

    if (!read_scheme(url->lud_scheme, &ret->scheme))
        return "scheme must be ldapi, ldap or ldaps";
    if ((url->lud_dn != NULL && url->lud_dn[0] != '\0') || url->lud_attrs != NULL ||
        url->lud_filter != NULL)
        return "must name a server alone: no base, attributes or filter";
    if (ret->scheme == PAT_SCHEME_LDAPI) {
        if (host[0] == '\0')
            host = LDAPI_PATH_DEFAULT;
        if (host[0] != '/')
            return "needs an absolute path, its slashes written %2F";
        max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    } else if (host[0] == '\0') {
        return "names no host";
    }
    if (strlen(host) > max)
        return "host or path is too long";
    memcpy(ret->host, host, strlen(host) + 1);
    ret->port = ret->scheme == PAT_SCHEME_LDAPI ? 0 : url->lud_port;
    return NULL;
}

enum pat_err
pat_uri_parse(const char *text, struct pat_uri *ret, struct pat_diag *diag)
{
    struct pat_uri uri = {0};
    LDAPURLDesc *url = NULL;
    const char *fault = "is not an LDAP URI";

    if (ldap_url_parse(text, &url) == LDAP_URL_SUCCESS) {
        fault = fill(url, &uri);
        if (fault == NULL && uri.scheme != PAT_SCHEME_LDAPI && !port_valid(text))
            fault = "port must be from 1 to 65535";
        ldap_free_urldesc(url);
    }
    if (fault != NULL) {
        pat_diag_set(diag, "%s: %s", text, fault);
        return PAT_ERR_CONFIG;
    }
    *ret = uri;
    return PAT_OK;
}

bool
pat_uri_is_local(const struct pat_uri *uri)
{
    struct pat_network addr = {0}, v4 = {0}, v6 = {0};

    if (uri->scheme == PAT_SCHEME_LDAPI || strcasecmp(uri->host, "localhost") == 0)
        return true;
    if (pat_network_parse("127.0.0.0/8", &v4) != PAT_OK ||
        pat_network_parse("::1", &v6) != PAT_OK)
        return false;
    return pat_address_parse(uri->host, &addr) == PAT_OK &&
           (pat_network_contains(&v4, &addr) || pat_network_contains(&v6, &addr));
}
