/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

#include "uri.h"

struct valid_row {
    const char *name;
    const char *text;
    enum pat_scheme scheme;
    const char *host;
    int port;
    bool local;
};

static const struct valid_row valid[] = {
    {"Debian's slapd", "ldapi:///", PAT_SCHEME_LDAPI, "/var/run/slapd/ldapi", 0, true},
    {"ldapi without a slash", "ldapi://", PAT_SCHEME_LDAPI, "/var/run/slapd/ldapi", 0,
        true},
    {"ldapi with a path", "ldapi://%2Ftmp%2Fs.sock", PAT_SCHEME_LDAPI, "/tmp/s.sock", 0,
        true},
    {"ldap", "ldap://ldap.example.com", PAT_SCHEME_LDAP, "ldap.example.com", 389, false},
    {"ldap with a slash", "ldap://ldap.example.com/", PAT_SCHEME_LDAP, "ldap.example.com",
        389, false},
    {"ldap with a port", "ldap://ldap.example.com:3890", PAT_SCHEME_LDAP,
        "ldap.example.com", 3890, false},
    {"a short host and port", "ldap://h:7", PAT_SCHEME_LDAP, "h", 7, false},
    {"a host of one letter", "ldap://h", PAT_SCHEME_LDAP, "h", 389, false},
    {"the highest port", "ldap://ldap.example.com:65535", PAT_SCHEME_LDAP,
        "ldap.example.com", 65535, false},
    {"ldaps", "ldaps://ldap.example.com", PAT_SCHEME_LDAPS, "ldap.example.com", 636,
        false},
    {"scheme in capitals", "LDAPS://ldap.example.com", PAT_SCHEME_LDAPS,
        "ldap.example.com", 636, false},
    {"local by address", "ldap://127.0.0.1", PAT_SCHEME_LDAP, "127.0.0.1", 389, true},
    {"local by another address", "ldap://127.255.255.254:389", PAT_SCHEME_LDAP,
        "127.255.255.254", 389, true},
    {"local by v6 address", "ldap://[::1]:3890", PAT_SCHEME_LDAP, "::1", 3890, true},
    {"local by mapped address", "ldap://[::ffff:127.0.0.1]", PAT_SCHEME_LDAP,
        "::ffff:127.0.0.1", 389, true},
    {"local by name", "ldap://localhost", PAT_SCHEME_LDAP, "localhost", 389, true},
    {"local by name in capitals", "ldap://LOCALHOST", PAT_SCHEME_LDAP, "LOCALHOST", 389,
        true},
    {"not local: next to 127/8", "ldap://128.0.0.1", PAT_SCHEME_LDAP, "128.0.0.1", 389,
        false},
    {"not local: before 127/8", "ldap://126.255.255.255", PAT_SCHEME_LDAP,
        "126.255.255.255", 389, false},
    {"not local: any address", "ldap://0.0.0.0", PAT_SCHEME_LDAP, "0.0.0.0", 389, false},
    {"not local: a v6 address", "ldap://[2001:db8::1]", PAT_SCHEME_LDAP, "2001:db8::1",
        389, false},
    {"not local: next to ::1", "ldap://[::2]", PAT_SCHEME_LDAP, "::2", 389, false},
    {"not local: a name that begins like it", "ldap://127.0.0.1.example.com",
        PAT_SCHEME_LDAP, "127.0.0.1.example.com", 389, false},
    {"not local: a name that contains it", "ldap://localhost.example.com",
        PAT_SCHEME_LDAP, "localhost.example.com", 389, false},
    {"not local: a short form that a resolver might take", "ldap://127.1",
        PAT_SCHEME_LDAP, "127.1", 389, false},
    {"not local: leading zeros that a resolver might take", "ldap://0127.0.0.1",
        PAT_SCHEME_LDAP, "0127.0.0.1", 389, false},
};

static void
parses(void **state)
{
    const struct valid_row *row = *state;
    struct pat_uri uri = {0};
    struct pat_diag diag = {0};

    if (pat_uri_parse(row->text, &uri, &diag) != PAT_OK)
        fail_msg("%s", diag.text);
    unit_check_int("scheme", uri.scheme, row->scheme);
    unit_check_string("host", uri.host, row->host);
    unit_check_int("port", uri.port, row->port);
    unit_check_int("local", pat_uri_is_local(&uri), row->local);
}

struct text_row {
    const char *name;
    const char *text;
    const char *why;
};

#define NO_URI "is not an LDAP URI"
#define ALONE  "must name a server alone: no base, attributes or filter"
#define SLASH  "needs an absolute path, its slashes written %2F"
#define PORT   "port must be from 1 to 65535"
#define HOST   "names no host"

static const struct text_row invalid[] = {
    {"empty", "", NO_URI},
    {"a word", "directory", NO_URI},
    {"a host alone", "ldap.example.com", NO_URI},
    {"a path", "/var/run/slapd/ldapi", NO_URI},
    {"http", "http://ldap.example.com", NO_URI},
    {"cldap", "cldap://ldap.example.com", NO_URI},
    {"a misspelt scheme", "lpad://ldap.example.com", NO_URI},
    {"a scheme that goes on", "ldapss://ldap.example.com", NO_URI},
    {"one slash", "ldap:/ldap.example.com", NO_URI},
    {"no host", "ldap://", HOST},
    {"no host, a slash", "ldap:///", HOST},
    {"no host, a port", "ldap://:389", HOST},
    {"ldaps without a host", "ldaps:///", HOST},
    {"a base", "ldap://ldap.example.com/dc=example,dc=com", ALONE},
    {"a base on ldapi", "ldapi:///dc=example,dc=com", ALONE},
    {"attributes", "ldap://ldap.example.com/?cn", ALONE},
    {"a filter", "ldap://ldap.example.com/??sub?(uid=x)", ALONE},
    {"ldapi with a relative path", "ldapi://slapd.sock", SLASH},
    {"ldapi with an unescaped path", "ldapi:///tmp/s.sock", ALONE},
    {"a port beyond 65535", "ldap://ldap.example.com:65536", PORT},
    {"a port far beyond 65535", "ldap://ldap.example.com:4294967685", PORT},
    {"port 0", "ldap://ldap.example.com:0", PORT},
    {"a negative port", "ldap://ldap.example.com:-389", PORT},
    {"a port by name", "ldap://ldap.example.com:ldap", NO_URI},
    {"a port with something behind", "ldap://ldap.example.com:389x", NO_URI},
    {"v6 without an end", "ldap://[::1", NO_URI},
    {"two URIs", "ldap://a.example.com ldap://b.example.com", NO_URI},
};

static void
refuses(void **state)
{
    const struct text_row *row = *state;
    struct pat_uri uri = {PAT_SCHEME_LDAP, "untouched", 1};
    struct pat_diag diag = {0};
    char want[320];

    (void)snprintf(want, sizeof(want), "%s: %s", row->text, row->why);
    unit_check_err(pat_uri_parse(row->text, &uri, &diag), PAT_ERR_CONFIG);
    unit_check_string("text", diag.text, want);
    unit_check_string("result", uri.host, "untouched");
}

/* A name and a socket's path have limits of their own. */
static void
lengths(void **state)
{
    char text[700];
    struct pat_uri uri = {0};

    (void)state;
    (void)snprintf(text, sizeof(text), "ldap://%s", unit_repeat('h', 255));
    unit_check_err(pat_uri_parse(text, &uri, NULL), PAT_OK);
    (void)snprintf(text, sizeof(text), "ldap://%s", unit_repeat('h', 256));
    unit_check_err(pat_uri_parse(text, &uri, NULL), PAT_ERR_CONFIG);
    (void)snprintf(text, sizeof(text), "ldapi://%%2F%s", unit_repeat('p', 106));
    unit_check_err(pat_uri_parse(text, &uri, NULL), PAT_OK);
    (void)snprintf(text, sizeof(text), "ldapi://%%2F%s", unit_repeat('p', 107));
    unit_check_err(pat_uri_parse(text, &uri, NULL), PAT_ERR_CONFIG);
}

int
main(void)
{
    UNIT_TABLE("parse", parses, valid);
    UNIT_TABLE("refuse", refuses, invalid);
    unit_add("refuse", "a host or path too long", lengths, NULL);
    return unit_run("uri");
}
