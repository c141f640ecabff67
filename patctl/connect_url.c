/* SPDX-License-Identifier: BSD-2-Clause */
#include "connect_url.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scope.h"
#include "uri.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* [USER@]HOST[:PORT], taken apart. */
struct authority {
    char user[64], host[256], port[8];
};

struct verdict {
    char *why;
    size_t size;
};

static bool refuse(const struct verdict *v, const char *fmt, ...) PAT_PRINTF(2, 3);

static bool
refuse(const struct verdict *v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(v->why, v->size, fmt, ap);
    va_end(ap);
    return false;
}

/* Copies `len` bytes. False: they are too many. */
static bool
copy(char *to, size_t size, const char *from, size_t len)
{
    return len < size && snprintf(to, size, "%.*s", (int)len, from) >= 0;
}

static bool
is_address(const char *host)
{
    struct pat_network addr = {0};

    return pat_address_parse(host, &addr) == PAT_OK;
}

static bool
is_name(const char *host)
{
    return host[0] != '\0' && host[0] != '-' && host[0] != '.' &&
           host[strspn(host, LETTERS "-._")] == '\0';
}

static bool
is_port(const char *port)
{
    long n = strtol(port, NULL, 10);

    return port[strspn(port, "0123456789")] == '\0' && n >= 1 && n <= 65535;
}

/* Takes `len` bytes apart; an IPv6 address stands in brackets. */
static bool
split(const char *p, size_t len, struct authority *ret)
{
    const char *at = memchr(p, '@', len), *end = p + len, *host = at != NULL ? at + 1 : p;
    const char *host_end, *port = NULL;
    bool bracketed = host < end && *host == '[';

    if (at != NULL && !copy(ret->user, sizeof(ret->user), p, (size_t)(at - p)))
        return false;
    if (bracketed)
        host++;
    host_end = memchr(host, bracketed ? ']' : ':', (size_t)(end - host));
    if (bracketed && host_end == NULL)
        return false;
    if (host_end == NULL)
        host_end = end;
    else if (host_end + bracketed < end && host_end[bracketed] == ':')
        port = host_end + bracketed + 1;
    else if (host_end + bracketed < end)
        return false;
    if (!copy(ret->host, sizeof(ret->host), host, (size_t)(host_end - host)))
        return false;
    if (bracketed && (strchr(ret->host, ':') == NULL || !is_address(ret->host)))
        return false;
    if (port != NULL &&
        (!copy(ret->port, sizeof(ret->port), port, (size_t)(end - port)) ||
            !is_port(ret->port)))
        return false;
    return bracketed || is_name(ret->host);
}

static bool
check_characters(const struct verdict *v, const char *p, size_t authority_len)
{
    static const char allowed[] = LETTERS "-._~!&'()*+,;=:@/?%";

    for (size_t i = 0; p[i] != '\0'; i++) {
        if (p[i] == '#')
            return refuse(v, "remove # and what follows");
        if (p[i] == '$')
            return refuse(v, "write %%24 for $, which clients take for a variable");
        if (p[i] == '%' &&
            (!isxdigit((unsigned char)p[i + 1]) || !isxdigit((unsigned char)p[i + 2])))
            return refuse(v, "write %%25 for %%, if no two hexadecimal digits follow");
        if (strchr(allowed, p[i]) == NULL &&
            (i >= authority_len || strchr("[]", p[i]) == NULL))
            return refuse(v, "a URL cannot have byte %zu of this: write %%%02X for it",
                i + 1, (unsigned char)p[i]);
    }
    return true;
}

static bool
is_loopback(const char *host)
{
    struct pat_uri uri = {.scheme = PAT_SCHEME_LDAP};

    return copy(uri.host, sizeof(uri.host), host, strlen(host)) && pat_uri_is_local(&uri);
}

bool
connect_url_http(const char *url, char *why, size_t size)
{
    const struct verdict v = {why, size};
    struct authority a = {.user = ""};
    bool clear = strncasecmp(url, "http://", 7) == 0;
    const char *p = url + (clear ? 7 : 8);
    size_t len;

    if (!clear && strncasecmp(url, "https://", 8) != 0)
        return refuse(&v, "write https://HOST/PATH");
    len = strcspn(p, "/?#");
    if (memchr(p, '@', len) != NULL)
        return refuse(&v, "remove user and password: the token goes into a header");
    if (!check_characters(&v, p, len))
        return false;
    if (!split(p, len, &a))
        return refuse(&v, "host or port is wrong: write https://HOST:PORT/PATH");
    if (clear && !is_loopback(a.host))
        return refuse(&v, "the token would travel in clear: write https://");
    return true;
}

/* Without ssh:// there is no port, and an IPv6 address has no brackets. */
static bool
split_plain(const char *p, struct authority *ret)
{
    const char *at = strchr(p, '@'), *host = at != NULL ? at + 1 : p;

    if (at != NULL && !copy(ret->user, sizeof(ret->user), p, (size_t)(at - p)))
        return false;
    return strstr(p, "://") == NULL && (is_address(host) || is_name(host));
}

bool
connect_url_ssh(const char *url, char *why, size_t size)
{
    const struct verdict v = {why, size};
    struct authority a = {.user = ""};
    bool is_uri = strncasecmp(url, "ssh://", 6) == 0;
    const char *p = is_uri ? url + 6 : url;
    size_t len = strlen(p);

    if (is_uri && len > 0 && p[len - 1] == '/')
        len--;
    if (is_uri ? !split(p, len, &a) : !split_plain(p, &a))
        return refuse(&v, "write USER@HOST, or ssh://USER@HOST:PORT");
    if (strchr(p, '@') != NULL && !is_name(a.user))
        return refuse(&v, "write a user's name before @, of A-Z a-z 0-9 . _ -");
    return true;
}
