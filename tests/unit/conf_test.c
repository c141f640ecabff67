/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "strv.h"

static char dir[UNIT_PATH_MAX];
static unsigned fds; /* before a test */
static char path[UNIT_PATH_MAX + 32];
static char password_path[UNIT_PATH_MAX + 32];
static char key_path[UNIT_PATH_MAX + 32];

/* In `text` each @ is the password file's path and each $ the TLS key's. */
static void
expand(const char *text, char *buf, size_t size)
{
    size_t used = 0;

    for (; *text != '\0' && used + 1 < size; text++) {
        if (*text == '@' || *text == '$')
            used += (size_t)snprintf(
                buf + used, size - used, "%s", *text == '@' ? password_path : key_path);
        else
            buf[used++] = *text;
    }
    assert_true(used < size);
    buf[used] = '\0';
}

static void
write_secrets(void)
{
    unit_file_write(password_path, "s3cret\n", 7, 0600);
    unit_file_write(key_path, "-----BEGIN PRIVATE KEY-----\n", 28, 0600);
}

static void
write_conf(const char *text)
{
    char expanded[16384];

    expand(text, expanded, sizeof(expanded));
    unit_file_write(path, expanded, strlen(expanded), 0644);
}

static void
check_items(const char *what, char *const *list, const char *const *want)
{
    unit_check_int(what, pat_strv_len(pat_strv_const(list)), pat_strv_len(want));
    for (size_t i = 0; list != NULL && want != NULL && want[i] != NULL; i++)
        unit_check_string(what, list[i], want[i]);
}

static void
load(struct pat_conf *ret)
{
    struct pat_diag diag = {"left from before"};

    if (pat_conf_load(path, ret, &diag) != PAT_OK)
        fail_msg("%s", diag.text);
    unit_check_string("diag", diag.text, "");
}

static void
check_cleared(struct pat_conf *conf)
{
    static const struct pat_conf zero;

    pat_conf_clear(conf);
    assert_memory_equal(conf, &zero, sizeof(*conf));
    pat_conf_clear(conf);
}

/* What is accepted */

static void
defaults(void **state)
{
    struct pat_conf conf = {0};

    (void)state;
    write_conf("base = ou=orgs,dc=example,dc=com\n");
    load(&conf);
    check_items("uri", conf.uri, LIST("ldapi:///"));
    unit_check_string("base", conf.base, "ou=orgs,dc=example,dc=com");
    unit_check_string("bind_dn", conf.bind_dn, NULL);
    unit_check_string("bind_password_file", conf.bind_password_file, NULL);
    unit_check_string("bind_password", conf.bind_password, NULL);
    unit_check_int("tls", conf.tls, PAT_TLS_LOCAL);
    unit_check_string(
        "tls_ca_file", conf.tls_ca_file, "/etc/ssl/certs/ca-certificates.crt");
    unit_check_string("tls_cert_file", conf.tls_cert_file, NULL);
    unit_check_string("tls_key_file", conf.tls_key_file, NULL);
    unit_check_int("timeout", conf.timeout_ms, 3000);
    unit_check_int("retry_interval", conf.retry_interval_ms, 5000);
    unit_check_string("owner_filter", conf.owner_filter, NULL);
    check_items("role_order", conf.role_order, LIST("owner", "member", "viewer"));
    unit_check_string("token_prefix", conf.token_prefix, "rhp_");
    unit_check_int("token_checksum", conf.token_checksum, PAT_CHECKSUM_REQUIRED);
    unit_check_int("login_org", conf.login_org, 0);
    check_items("login_realms", conf.login_realms, NULL);
    unit_check_int("last_used", conf.last_used, 1);
    unit_check_int("last_used_interval", conf.last_used_interval_ms, 600000);
    unit_check_string("write_uri", conf.write_uri, NULL);
    check_items("socket", conf.socket, LIST("/run/patd/patd.sock"));
    unit_check_int("socket_mode", conf.socket_mode, 0666);
    unit_check_string("user", conf.user, "patd");
    unit_check_int("workers", conf.workers, 8);
    unit_check_int("queue_max", conf.queue_max, 256);
    unit_check_int("clients_max", conf.clients_max, 1024);
    unit_check_int("log_level", conf.log_level, PAT_LOG_INFO);
    check_items("saslauthd_socket", conf.saslauthd_socket, NULL);
    unit_check_int("saslauthd_socket_mode", conf.saslauthd_socket_mode, 0660);
    unit_check_string("saslauthd_socket_group", conf.saslauthd_socket_group, NULL);
    check_items("saslauthd_org", conf.saslauthd_org, NULL);
    check_items("saslauthd_role", conf.saslauthd_role, NULL);
    unit_check_string("saslauthd_fallback", conf.saslauthd_fallback, NULL);
    check_cleared(&conf);
}

static const char everything[] =
    "# each key once, none with its default\n"
    "uri = ldap://ldap1.example.com, ldaps://ldap2.example.com:6360\n"
    "base = dc=example,dc=org\n"
    "bind_dn = cn=patd,ou=services,dc=example,dc=org\n"
    "bind_password_file = @\n"
    "tls = starttls\n"
    "tls_ca_file = /etc/patd/ca.pem\n"
    "tls_cert_file = /etc/patd/cert.pem\n"
    "tls_key_file = $\n"
    "timeout = 1500ms\n"
    "retry_interval = 1min\n"
    "\n"
    "owner_filter = (!(pwdAccountLockedTime=*))\n"
    "role_order = admin, dev\n"
    "token_prefix = acme-ci_\n"
    "token_checksum = ignore\n"
    "login_org = yes\n"
    "login_realms = EXAMPLE.ORG, example.net\n"
    "\n"
    "last_used = no\n"
    "last_used_interval = 1h\n"
    "write_uri = ldaps://primary.example.com\n"
    "\n"
    "socket = /run/a.sock, /run/b.sock\n"
    "socket_mode = 0660\n"
    "user = nobody\n"
    "workers = 64\n"
    "queue_max = 1\n"
    "clients_max = 65536\n"
    "log_level = debug\n"
    "\n"
    "saslauthd_socket = /run/c/mux, /run/d/mux\n"
    "saslauthd_socket_mode = 0600\n"
    "saslauthd_socket_group = sasl\n"
    "saslauthd_org = acme, globex\n"
    "saslauthd_role = owner\n"
    "saslauthd_fallback = /run/saslauthd/mux\n";

static void
every_key(void **state)
{
    struct pat_conf conf = {0};
    struct pat_token_format format;

    (void)state;
    write_secrets();
    write_conf(everything);
    load(&conf);
    check_items("uri", conf.uri,
        LIST("ldap://ldap1.example.com", "ldaps://ldap2.example.com:6360"));
    unit_check_string("base", conf.base, "dc=example,dc=org");
    unit_check_string("bind_dn", conf.bind_dn, "cn=patd,ou=services,dc=example,dc=org");
    unit_check_string("bind_password_file", conf.bind_password_file, password_path);
    unit_check_string("bind_password", conf.bind_password, "s3cret");
    unit_check_int("tls", conf.tls, PAT_TLS_STARTTLS);
    unit_check_string("tls_ca_file", conf.tls_ca_file, "/etc/patd/ca.pem");
    unit_check_string("tls_cert_file", conf.tls_cert_file, "/etc/patd/cert.pem");
    unit_check_string("tls_key_file", conf.tls_key_file, key_path);
    unit_check_int("timeout", conf.timeout_ms, 1500);
    unit_check_int("retry_interval", conf.retry_interval_ms, 60000);
    unit_check_string("owner_filter", conf.owner_filter, "(!(pwdAccountLockedTime=*))");
    check_items("role_order", conf.role_order, LIST("admin", "dev"));
    unit_check_string("token_prefix", conf.token_prefix, "acme-ci_");
    unit_check_int("token_checksum", conf.token_checksum, PAT_CHECKSUM_IGNORE);
    unit_check_int("login_org", conf.login_org, 1);
    check_items("login_realms", conf.login_realms, LIST("EXAMPLE.ORG", "example.net"));
    unit_check_int("last_used", conf.last_used, 0);
    unit_check_int("last_used_interval", conf.last_used_interval_ms, 3600000);
    unit_check_string("write_uri", conf.write_uri, "ldaps://primary.example.com");
    check_items("socket", conf.socket, LIST("/run/a.sock", "/run/b.sock"));
    unit_check_int("socket_mode", conf.socket_mode, 0660);
    unit_check_string("user", conf.user, "nobody");
    unit_check_int("workers", conf.workers, 64);
    unit_check_int("queue_max", conf.queue_max, 1);
    unit_check_int("clients_max", conf.clients_max, 65536);
    unit_check_int("log_level", conf.log_level, PAT_LOG_DEBUG);
    check_items(
        "saslauthd_socket", conf.saslauthd_socket, LIST("/run/c/mux", "/run/d/mux"));
    unit_check_int("saslauthd_socket_mode", conf.saslauthd_socket_mode, 0600);
    unit_check_string("saslauthd_socket_group", conf.saslauthd_socket_group, "sasl");
    check_items("saslauthd_org", conf.saslauthd_org, LIST("acme", "globex"));
    check_items("saslauthd_role", conf.saslauthd_role, LIST("owner"));
    unit_check_string(
        "saslauthd_fallback", conf.saslauthd_fallback, "/run/saslauthd/mux");

    format = pat_conf_token_format(&conf);
    unit_check_string("format's prefix", format.prefix, "acme-ci_");
    unit_check_int("format's checksum", format.checksum, PAT_CHECKSUM_IGNORE);
    check_cleared(&conf);
}

/* A key that was added to the table must be added to the text above. */
static void
every_key_is_there(void **state)
{
    (void)state;
    for (const struct pat_option *o = pat_conf_table; o->name != NULL; o++) {
        char line[80];

        (void)snprintf(line, sizeof(line), "\n%s = ", o->name);
        if (strstr(everything, line) == NULL)
            fail_msg("%s is not tested", o->name);
    }
}

struct good_row {
    const char *name;
    const char *text;
    const char *filter; /* the owner_filter that comes of it */
};

#define BASE "base = dc=example\n"
#define BIND "bind_dn = cn=patd\nbind_password_file = @\n"
#define CERT "tls_cert_file = /c\ntls_key_file = $\n"

#define X20 "xxxxxxxxxxxxxxxxxxxx"

static const struct good_row goods[] = {
    {"no line break at the end", "base = dc=example", NULL},
    {"blank lines", "\n\n" BASE "\n   \n\t\n", NULL},
    {"comments", "# one\n; two\n  # three\n" BASE, NULL},
    {"a byte order mark", "\xef\xbb\xbf" BASE, NULL},
    {"line ends of DOS", "base = dc=example\r\nowner_filter = (a=b)\r\n", "(a=b)"},
    {"no spaces", "base=dc=example\nowner_filter=(a=b)\n", "(a=b)"},
    {"many spaces", "  base  =  dc=example  \n\towner_filter\t=\t(a=b)\t\n", "(a=b)"},
    {"a value with = in it", BASE "owner_filter = (&(a=b)(c=d))\n", "(&(a=b)(c=d))"},
    {"a value with # in it", BASE "owner_filter = (a= # b)\n", "(a= # b)"},
    {"a value with ; in it", BASE "owner_filter = (a= ; b)\n", "(a= ; b)"},
    {"a value with : in it", BASE "owner_filter = (a:dn:=b)\n", "(a:dn:=b)"},
    {"a value with [ in it", BASE "owner_filter = (a=[b])\n", "(a=[b])"},
    {"an empty value unsets", BASE "owner_filter =\n", NULL},
    {"an empty list", BASE "role_order =\n", NULL},
    {"ldap to loopback", BASE BIND "uri = ldap://127.0.0.1\n", NULL},
    {"ldap to v6 loopback", BASE BIND "uri = ldap://[::1]:3890\n", NULL},
    {"ldap to localhost", BASE BIND "uri = ldap://localhost\n", NULL},
    {"ldap in clear, as demanded", BASE BIND "tls = off\nuri = ldap://a.example\n", NULL},
    {"ldap with StartTLS", BASE BIND "tls = starttls\nuri = ldap://a.example\n", NULL},
    {"ldap with StartTLS and a certificate",
        BASE CERT "tls = starttls\nuri = ldap://a.example\n", NULL},
    {"ldaps with a password", BASE BIND "uri = ldaps://a.example\n", NULL},
    {"ldaps with a certificate", BASE CERT "uri = ldaps://a.example\n", NULL},
    {"ldapi with a password", BASE BIND "uri = ldapi://%2Ftmp%2Fsock\n", NULL},
    {"as many servers as may be",
        BASE "uri = ldapi:///, ldapi:///, ldapi:///, ldapi:///, ldapi:///, ldapi:///, "
             "ldapi:///, ldapi:///\n",
        NULL},
    {"a socket's path of 107 bytes", BASE "socket = /" X20 X20 X20 X20 X20 "xxxxxx\n",
        NULL},
    {"no socket of saslauthd's protocol", BASE "saslauthd_socket =\n", NULL},
    {"such a socket with a path of 107 bytes",
        BASE "saslauthd_socket = /" X20 X20 X20 X20 X20 "xxxxxx\n", NULL},
    {"no fallback", BASE "saslauthd_fallback =\n", NULL},
    {"a fallback with a path of 107 bytes",
        BASE "saslauthd_fallback = /" X20 X20 X20 X20 X20 "xxxxxx\n", NULL},
    {"no certificates needed", BASE "tls_ca_file =\n", NULL},
};

static void
accepts(void **state)
{
    const struct good_row *row = *state;
    struct pat_conf conf = {0};

    write_secrets();
    write_conf(row->text);
    load(&conf);
    unit_check_string("base", conf.base, "dc=example");
    unit_check_string("owner_filter", conf.owner_filter, row->filter);
    check_cleared(&conf);
}

/* What is refused */

struct bad_row {
    const char *name;
    const char *text;
    const char *want; /* behind the file's name; @ as in the text */
};

#define NO_FORM "is not of the form KEY = VALUE"
#define IN_CLEAR                                                                         \
    "would go over the network in clear: set tls = starttls, use ldaps://, or say tls "  \
    "= "                                                                                 \
    "off"
#define NO_BIND   "needs bind_dn and bind_password_file, or TLS with tls_cert_file"
#define NO_BASE   "base: must be set, such as base = ou=orgs,dc=example,dc=com"
#define NO_FILTER "is not an LDAP filter"
#define PREFIX    "token_prefix: must be 1 to 16 of A-Z a-z 0-9 _ -"
#define SOCKET    "must be an absolute path of at most 107 bytes"

static const struct bad_row bads[] = {
    /* The form of the file */
    {"unknown key", BASE "colour = red\n", ":2: colour: unknown setting"},
    {"unknown key, empty value", BASE "colour =\n", ":2: colour: unknown setting"},
    {"key in capitals", BASE "Workers = 4\n", ":2: Workers: unknown setting"},
    {"key with - for _", BASE "log-level = info\n", ":2: log-level: unknown setting"},
    {"key of the PAM module", BASE "prefix = x\n", ":2: prefix: unknown setting"},
    {"no key", BASE "= 4\n", ":2: : unknown setting"},
    {"two keys", BASE "workers queue_max = 4\n",
        ":2: workers queue_max: unknown setting"},
    {"set twice", BASE "workers = 4\n\nworkers = 5\n",
        ":4: workers: is set already, in line 2"},
    {"set twice to the same", BASE "workers = 4\nworkers = 4\n",
        ":3: workers: is set already, in line 2"},
    {"set twice, first to nothing", BASE "uri =\nuri = ldapi:///\n",
        ":3: uri: is set already, in line 2"},
    {"a section", BASE "[patd]\nworkers = 4\n", ":3: [patd]: there are no sections"},
    {"a section of one letter", BASE "[p]\nworkers = 4\n",
        ":3: [p]: there are no sections"},
    {"a section first", "[patd]\n" BASE, ":2: [patd]: there are no sections"},
    {"a section without an end", BASE "[patd\n", ":2: " NO_FORM},
    {"no = in the first line", "workers\n" BASE, ":1: " NO_FORM},
    {"no =", BASE "workers\n", ":2: " NO_FORM},
    {"no =, a value", BASE "workers 4\n", ":2: " NO_FORM},
    {"a continued line", BASE "owner_filter = (&(a=b)\n   (c))\n", ":3: " NO_FORM},
    {"the first of two mistakes", BASE "workers = 0\ncolour = red\n",
        ":2: workers: must be from 1 to 64"},
    {"the last line, without a line break", BASE "workers = 0",
        ":2: workers: must be from 1 to 64"},
    {"line numbers count blanks and comments", "# a\n\n; b\n" BASE "\nworkers = 0\n",
        ":6: workers: must be from 1 to 64"},
    {"line numbers with line ends of DOS", "# a\r\n\r\nworkers = 0\r\n",
        ":3: workers: must be from 1 to 64"},
    {"a comment behind a value", BASE "workers = 4 # four\n",
        ":2: workers: must be a whole number"},
    {"a comment behind a value, with ;", BASE "workers = 4 ; four\n",
        ":2: workers: must be a whole number"},

    /* One value */
    {"a word for a number", BASE "workers = four\n",
        ":2: workers: must be a whole number"},
    {"a number too small", BASE "clients_max = 0\n",
        ":2: clients_max: must be from 1 to 65536"},
    {"a number too large", BASE "queue_max = 65537\n",
        ":2: queue_max: must be from 1 to 65536"},
    {"an empty number", BASE "workers =\n", ":2: workers: must be a whole number"},
    {"permissions beyond 0777", BASE "socket_mode = 1777\n",
        ":2: socket_mode: must be from 00 to 0777"},
    {"permissions that are not octal", BASE "socket_mode = 0668\n",
        ":2: socket_mode: must be an octal number"},
    {"a duration without a unit", BASE "timeout = 3\n",
        ":2: timeout: needs a unit: ms, s, min, h or d"},
    {"a duration too short", BASE "timeout = 49ms\n",
        ":2: timeout: must be from 50ms to 60000ms"},
    {"a duration too long", BASE "timeout = 61s\n",
        ":2: timeout: must be from 50ms to 60000ms"},
    {"an interval too long", BASE "last_used_interval = 8d\n",
        ":2: last_used_interval: must be from 0ms to 604800000ms"},
    {"an unknown choice", BASE "tls = on\n",
        ":2: tls: must be one of: local, starttls, off"},
    {"another unknown choice", BASE "token_checksum = no\n",
        ":2: token_checksum: must be one of: required, ignore"},
    {"a log level of syslog", BASE "log_level = notice\n",
        ":2: log_level: must be one of: error, warning, info, debug"},
    {"neither yes nor no", BASE "login_org = maybe\n",
        ":2: login_org: must be yes or no"},
    {"a relative path", BASE "tls_ca_file = ca.pem\n",
        ":2: tls_ca_file: must be an absolute path"},
    {"a list with a hole", BASE "login_realms = a,,b\n",
        ":2: login_realms: empty item in list"},
    {"too many servers",
        BASE "uri = ldapi:///, ldapi:///, ldapi:///, ldapi:///, ldapi:///, ldapi:///, "
             "ldapi:///, ldapi:///, ldapi:///\n",
        ":2: uri: too many items in list"},
    {"too many sockets", BASE "socket = /1, /2, /3, /4, /5, /6, /7, /8, /9\n",
        ":2: socket: too many items in list"},

    /* The file as a whole */
    {"an empty file", "", ": " NO_BASE},
    {"nothing but comments", "# base = dc=example\n", ": " NO_BASE},
    {"no base", "workers = 4\n", ": " NO_BASE},
    {"an empty base", "workers = 4\nbase =\n", ":2: " NO_BASE},
    {"a base that is no DN", "base = example.com\n",
        ":1: base: example.com: is not a DN"},
    {"a base with a hole", "base = ou=orgs,,dc=example\n",
        ":1: base: ou=orgs,,dc=example: is not a DN"},
    {"a base with a NUL", "base = ou=orgs\\00,dc=example\n",
        ":1: base: ou=orgs\\00,dc=example: is not a DN"},
    {"a base with a NUL inside a value", "base = ou=orgs,dc=exam\\00ple\n",
        ":1: base: ou=orgs,dc=exam\\00ple: is not a DN"},
    {"a base with a NUL as BER", "base = ou=orgs,dc=#0403610062\n",
        ":1: base: ou=orgs,dc=#0403610062: is not a DN"},
    {"a bind_dn with a NUL",
        BASE "bind_dn = cn=patd\\00,dc=example\n"
             "bind_password_file = /dev/null\n",
        ":2: bind_dn: cn=patd\\00,dc=example: is not a DN"},
    {"a bind_dn that is no DN", BASE "bind_dn = patd\nbind_password_file = @\n",
        ":2: bind_dn: patd: is not a DN"},
    {"a filter without an end", BASE "owner_filter = (uid=*\n",
        ":2: owner_filter: (uid=*: " NO_FILTER},
    {"a filter without a start", BASE "owner_filter = uid=*)\n",
        ":2: owner_filter: uid=*): " NO_FILTER},
    {"a filter with more behind it", BASE "owner_filter = (a=b)(c=d)\n",
        ":2: owner_filter: (a=b)(c=d): " NO_FILTER},
    {"a filter that closes too often", BASE "owner_filter = (!(a=b)))\n",
        ":2: owner_filter: (!(a=b))): " NO_FILTER},
    {"a filter without =", BASE "owner_filter = (locked)\n",
        ":2: owner_filter: (locked): " NO_FILTER},
    {"a filter of words", BASE "owner_filter = not locked\n",
        ":2: owner_filter: not locked: " NO_FILTER},
    {"an empty filter in brackets", BASE "owner_filter = ()\n",
        ":2: owner_filter: (): " NO_FILTER},
    {"an empty prefix", BASE "token_prefix =\n", ":2: " PREFIX},
    {"a prefix too long", BASE "token_prefix = abcdefghijklmnopq\n", ":2: " PREFIX},
    {"a prefix with a dot", BASE "token_prefix = pat.\n", ":2: " PREFIX},
    {"no server", BASE "uri =\n", ":2: uri: names no server"},
    {"no socket", BASE "socket =\n", ":2: socket: names no socket"},
    {"a relative socket", BASE "socket = /run/a, run/b\n", ":2: socket: run/b: " SOCKET},
    {"a socket's path too long", BASE "socket = /" X20 X20 X20 X20 X20 "xxxxxxx\n",
        ":2: socket: /" X20 X20 X20 X20 X20 "xxxxxxx: " SOCKET},
    {"a relative socket of saslauthd's", BASE "saslauthd_socket = mux\n",
        ":2: saslauthd_socket: mux: " SOCKET},
    {"such a socket with a path too long",
        BASE "saslauthd_socket = /a, /" X20 X20 X20 X20 X20 "xxxxxxx\n",
        ":2: saslauthd_socket: /" X20 X20 X20 X20 X20 "xxxxxxx: " SOCKET},
    {"a socket for two protocols",
        BASE "saslauthd_socket = /run/a, /run/c\nsocket = /run/b, /run/c\n",
        ":2: saslauthd_socket: /run/c: is one of socket, too; a socket speaks one "
        "protocol"},
    {"the default socket for another protocol",
        BASE "saslauthd_socket = /run/patd/patd.sock\n",
        ":2: saslauthd_socket: /run/patd/patd.sock: is one of socket, too; a socket "
        "speaks one protocol"},
    {"too many sockets of saslauthd's",
        BASE "saslauthd_socket = /1, /2, /3, /4, /5, /6, /7, /8, /9\n",
        ":2: saslauthd_socket: too many items in list"},
    {"their permissions beyond 0777", BASE "saslauthd_socket_mode = 1777\n",
        ":2: saslauthd_socket_mode: must be from 00 to 0777"},
    {"no org at all, which must not be any", BASE "saslauthd_org =\n",
        ":2: saslauthd_org: needs a value; leave it out for no limit"},
    {"no role at all, which must not be any", BASE "\n\nsaslauthd_role = \n",
        ":4: saslauthd_role: needs a value; leave it out for no limit"},
    {"an empty org", BASE "saslauthd_org = acme,\n",
        ":2: saslauthd_org: empty item in list"},
    {"a relative fallback", BASE "saslauthd_fallback = mux\n",
        ":2: saslauthd_fallback: must be an absolute path"},
    {"a fallback with a path too long",
        BASE "saslauthd_fallback = /" X20 X20 X20 X20 X20 "xxxxxxx\n",
        ":2: saslauthd_fallback: /" X20 X20 X20 X20 X20
        "xxxxxxx: must have at most 107 bytes"},
    {"a fallback to ourselves",
        BASE "saslauthd_socket = /a, /b\nsaslauthd_fallback = /b\n",
        ":3: saslauthd_fallback: /b: is a socket of patd itself"},
    {"a fallback to the tokens' socket",
        BASE "saslauthd_fallback = /run/patd/patd.sock\n",
        ":2: saslauthd_fallback: /run/patd/patd.sock: is a socket of patd itself"},
    {"an abstract socket", BASE "socket = \\0patd\n", ":2: socket: \\0patd: " SOCKET},

    /* Servers and how to bind */
    {"no URI", BASE "uri = ldap.example.com\n",
        ":2: uri: ldap.example.com: is not an LDAP URI"},
    {"http", BASE "uri = http://a.example\n",
        ":2: uri: http://a.example: is not an LDAP URI"},
    {"a URI with a base", BASE "uri = ldaps://a.example/dc=x\n",
        ":2: uri: ldaps://a.example/dc=x: must name a server alone: no base, attributes "
        "or "
        "filter"},
    {"ldap to another host", BASE BIND "uri = ldap://a.example\n",
        ":4: uri: ldap://a.example: " IN_CLEAR},
    {"ldap to another host by address", BASE BIND "uri = ldap://192.0.2.7\n",
        ":4: uri: ldap://192.0.2.7: " IN_CLEAR},
    {"ldap to a name that looks local", BASE BIND "uri = ldap://localhost.example\n",
        ":4: uri: ldap://localhost.example: " IN_CLEAR},
    {"ldap to another host, with a certificate", BASE CERT "uri = ldap://a.example\n",
        ":4: uri: ldap://a.example: " IN_CLEAR},
    {"the second server in clear", BASE BIND "uri = ldapi:///, ldap://a.example\n",
        ":4: uri: ldap://a.example: " IN_CLEAR},
    {"write_uri in clear", BASE BIND "write_uri = ldap://a.example\n",
        ":4: write_uri: ldap://a.example: " IN_CLEAR},
    {"write_uri no URI", BASE "write_uri = primary\n",
        ":2: write_uri: primary: is not an LDAP URI"},
    {"write_uri a list", BASE "write_uri = ldapi:///, ldapi:///\n",
        ":2: write_uri: ldapi:///, ldapi:///: must name a server alone: no base, "
        "attributes "
        "or filter"},
    {"write_uri without a way to bind", BASE "write_uri = ldaps://a.example\n",
        ":2: write_uri: ldaps://a.example: " NO_BIND},
    {"ldap to loopback without a way to bind", BASE "uri = ldap://127.0.0.1\n",
        ":2: uri: ldap://127.0.0.1: " NO_BIND},
    {"ldaps without a way to bind", BASE "uri = ldaps://a.example\n",
        ":2: uri: ldaps://a.example: " NO_BIND},
    {"StartTLS without a way to bind", BASE "uri = ldap://a.example\ntls = starttls\n",
        ":2: uri: ldap://a.example: " NO_BIND},
    {"tls = off without a way to bind", BASE "uri = ldap://a.example\ntls = off\n",
        ":2: uri: ldap://a.example: " NO_BIND},
    {"a certificate that nothing carries",
        BASE CERT "uri = ldap://a.example\ntls = off\n",
        ":4: uri: ldap://a.example: " NO_BIND},
    {"a certificate that loopback does not carry", BASE CERT "uri = ldap://127.0.0.1\n",
        ":4: uri: ldap://127.0.0.1: " NO_BIND},
    {"ldaps without CA certificates",
        BASE BIND "tls_ca_file =\nuri = ldaps://a.example\n",
        ":4: tls_ca_file: must be set: certificates are always checked"},
    {"StartTLS without CA certificates",
        BASE BIND "tls_ca_file =\ntls = starttls\nuri = ldap://a.example\n",
        ":4: tls_ca_file: must be set: certificates are always checked"},
    {"bind_dn without a password", BASE "bind_dn = cn=patd\n",
        ":2: bind_dn: bind_dn and bind_password_file belong together"},
    {"a password without bind_dn", BASE "bind_password_file = @\n",
        ":2: bind_password_file: bind_dn and bind_password_file belong together"},
    {"an empty bind_dn", BASE "bind_dn =\nbind_password_file = @\n",
        ":3: bind_password_file: bind_dn and bind_password_file belong together"},
    {"an empty password file's name", BASE "bind_dn = cn=patd\nbind_password_file =\n",
        ":2: bind_dn: bind_dn and bind_password_file belong together"},
    {"a certificate without a key", BASE "tls_cert_file = /c\n",
        ":2: tls_cert_file: tls_cert_file and tls_key_file belong together"},
    {"a key without a certificate", BASE "tls_key_file = /k\n",
        ":2: tls_key_file: tls_cert_file and tls_key_file belong together"},
    {"a password in the file itself", BASE "bind_password = s3cret\n",
        ":2: bind_password: unknown setting"},
};

static void
check_refused(const char *want)
{
    struct pat_conf conf, before;
    struct pat_diag diag = {"left from before"};
    char whole[2048];
    enum pat_err err;

    memset(&conf, 0x5a, sizeof(conf));
    before = conf;
    expand(want, whole, sizeof(whole) - strlen(path));
    memmove(whole + strlen(path), whole, strlen(whole) + 1);
    memcpy(whole, path, strlen(path));
    /* What is longer than a diagnostic is cut. */
    whole[sizeof(diag.text) - 1] = '\0';
    err = pat_conf_load(path, &conf, &diag);
    unit_check_string("text", diag.text, whole);
    unit_check_err(err, PAT_ERR_CONFIG);
    assert_memory_equal(&conf, &before, sizeof(conf));
    unit_check_err(pat_conf_load(path, &conf, NULL), PAT_ERR_CONFIG);
}

static void
refuses(void **state)
{
    const struct bad_row *row = *state;

    write_secrets();
    write_conf(row->text);
    check_refused(row->want);
}

/* Lines that are cut or hide something */

struct bytes_row {
    const char *name;
    const char *data;
    size_t len;
    int line;
};

#define BYTES(data) data, sizeof(data) - 1

static const struct bytes_row nuls[] = {
    {"behind a value", BYTES(BASE "workers = 4\0\n"), 2},
    {"in a value", BYTES(BASE "workers = 4\0002\n"), 2},
    {"in a key", BYTES(BASE "wor\0kers = 4\n"), 2},
    {"in a comment", BYTES("# a\0b\n" BASE), 1},
    {"before a line", BYTES(BASE "\0workers = 4\n"), 2},
    {"on a line of its own", BYTES(BASE "\0\nworkers = 4\n"), 2},
    {"first of all", BYTES("\0" BASE), 1},
    {"what follows is not read", BYTES(BASE "login_org = no\0\nlogin_org = yes\n"), 2},
    {"in the last line, without a line break", BYTES(BASE "workers = 4\0002"), 2},
    {"last of all", BYTES(BASE "workers = 4\0"), 2},
    {"behind the last line", BYTES(BASE "\0"), 2},
};

#define BAD_LINE "line is longer than 4093 bytes, or holds a NUL"

static void
refuses_nul(void **state)
{
    const struct bytes_row *row = *state;
    char want[128];

    unit_file_write(path, row->data, row->len, 0644);
    (void)snprintf(want, sizeof(want), ":%d: " BAD_LINE, row->line);
    check_refused(want);
}

struct length_row {
    const char *name;
    size_t len; /* of the line, its end not counted */
    const char *end;
    bool want;
};

static const struct length_row lengths[] = {
    {"4093 bytes", 4093, "\n", true},
    {"4093 bytes, line end of DOS", 4093, "\r\n", true},
    {"4093 bytes, no line end", 4093, "", true},
    {"4095 bytes", 4095, "\n", false},
    {"4096 bytes", 4096, "\n", false},
    {"4100 bytes, no line end", 4100, "", false},
    {"twice as long", 8192, "\n", false},
};

static void
line_length(void **state)
{
    const struct length_row *row = *state;
    struct pat_conf conf = {0};
    char text[10000];
    int len = snprintf(
        text, sizeof(text), "#%s%s" BASE, unit_repeat('x', row->len - 1), row->end);

    if (row->end[0] == '\0')
        len = snprintf(text, sizeof(text), BASE "#%s", unit_repeat('x', row->len - 1));
    unit_file_write(path, text, (size_t)len, 0644);
    if (row->want) {
        load(&conf);
        pat_conf_clear(&conf);
    } else {
        check_refused(row->end[0] == '\0' ? ":2: " BAD_LINE : ":1: " BAD_LINE);
    }
}

/* Cut after 4095 bytes, this would read `workers = 4` and a harmless comment. */
static void
long_line_hides_nothing(void **state)
{
    char text[10000];
    int len = snprintf(
        text, sizeof(text), BASE "workers = 4%sworkers = 64\n", unit_repeat(' ', 4084));

    (void)state;
    unit_file_write(path, text, (size_t)len, 0644);
    check_refused(":2: " BAD_LINE);
}

/* The file itself */

struct file_row {
    const char *name;
    void (*make)(const char *where);
    const char *want;
};

static void
make_nothing(const char *where)
{
    (void)where;
}

static void
make_dangling_link(const char *where)
{
    assert_int_equal(symlink("/nonexistent/file", where), 0);
}

static void
make_directory(const char *where)
{
    assert_int_equal(mkdir(where, 0700), 0);
}

static void
make_fifo(const char *where)
{
    assert_int_equal(mkfifo(where, 0600), 0);
}

static void
make_group_writable(const char *where)
{
    unit_file_write(where, BASE, sizeof(BASE) - 1, 0660);
}

static void
make_world_writable(const char *where)
{
    unit_file_write(where, BASE, sizeof(BASE) - 1, 0606);
}

static void
make_large(const char *where)
{
    unit_file_write(where, unit_repeat('\n', 65537), 65537, 0600);
}

static const struct file_row files[] = {
    {"missing", make_nothing, ": No such file or directory"},
    {"a symbolic link to nothing", make_dangling_link,
        ": /nonexistent: No such file or directory"},
    {"a directory", make_directory, ": is not a regular file"},
    {"a FIFO", make_fifo, ": is not a regular file"},
    {"writable by its group", make_group_writable,
        ": must not be writable by group or others (chmod go-w)"},
    {"writable by others", make_world_writable,
        ": must not be writable by group or others (chmod go-w)"},
    {"too large", make_large, ": is larger than 64 KiB"},
};

static void
refuses_file(void **state)
{
    const struct file_row *row = *state;

    row->make(path);
    check_refused(row->want);
}

/* The password file */

static void
make_world_readable(const char *where)
{
    unit_file_write(where, "s3cret\n", 7, 0644);
}

static void
make_world_executable(const char *where)
{
    unit_file_write(where, "s3cret\n", 7, 0601);
}

static void
make_empty(const char *where)
{
    unit_file_write(where, "", 0, 0600);
}

static void
make_empty_line(const char *where)
{
    unit_file_write(where, "\ns3cret\n", 8, 0600);
}

static void
make_empty_line_of_dos(const char *where)
{
    unit_file_write(where, "\r\ns3cret\r\n", 10, 0600);
}

static void
make_nul_in_line(const char *where)
{
    unit_file_write(where, "s3c\0ret\n", 8, 0600);
}

static void
make_long_line(const char *where)
{
    unit_file_write(where, unit_repeat('x', 1023), 1023, 0600);
}

#define PASSWORD ":3: bind_password_file: @: "

static const struct file_row password_files[] = {
    {"missing", make_nothing, PASSWORD "No such file or directory"},
    {"a symbolic link to nothing", make_dangling_link,
        PASSWORD "/nonexistent: No such file or directory"},
    {"a directory", make_directory, PASSWORD "is not a regular file"},
    {"a FIFO", make_fifo, PASSWORD "is not a regular file"},
    {"writable by its group", make_group_writable,
        PASSWORD "must not be writable by group or others (chmod go-w)"},
    {"readable by others", make_world_readable,
        PASSWORD "holds a secret: others must have no access (chmod o=), or not to its "
                 "directory (chmod o-x)"},
    {"executable by others", make_world_executable,
        PASSWORD "holds a secret: others must have no access (chmod o=), or not to its "
                 "directory (chmod o-x)"},
    {"too large", make_large, PASSWORD "is larger than 64 KiB"},
    {"empty", make_empty, PASSWORD "is empty"},
    {"first line empty", make_empty_line, PASSWORD "the first line is empty"},
    {"first line empty, line end of DOS", make_empty_line_of_dos,
        PASSWORD "the first line is empty"},
    {"NUL in the first line", make_nul_in_line, PASSWORD "the first line holds a NUL"},
    {"first line too long", make_long_line, PASSWORD "the first line is too long"},
};

static void
refuses_password_file(void **state)
{
    const struct file_row *row = *state;

    row->make(password_path);
    write_conf(BASE BIND);
    check_refused(row->want);
}

#define TLS_KEY ":3: tls_key_file: $: "

/* libldap, which reads it later, would not look who else can. */
static const struct file_row key_files[] = {
    {"missing", make_nothing, TLS_KEY "No such file or directory"},
    {"a symbolic link to nothing", make_dangling_link,
        TLS_KEY "/nonexistent: No such file or directory"},
    {"a directory", make_directory, TLS_KEY "is not a regular file"},
    {"a FIFO", make_fifo, TLS_KEY "is not a regular file"},
    {"writable by its group", make_group_writable,
        TLS_KEY "must not be writable by group or others (chmod go-w)"},
    {"readable by others", make_world_readable,
        TLS_KEY "holds a secret: others must have no access (chmod o=), or not to its "
                "directory (chmod o-x)"},
};

static void
refuses_key_file(void **state)
{
    const struct file_row *row = *state;

    row->make(key_path);
    write_conf(BASE CERT);
    check_refused(row->want);
}

struct password_row {
    const char *name;
    const char *content;
    unsigned mode;
    const char *want;
};

static const struct password_row passwords[] = {
    {"one line", "s3cret\n", 0600, "s3cret"},
    {"readable by its group", "s3cret\n", 0640, "s3cret"},
    {"no line end", "s3cret", 0600, "s3cret"},
    {"line end of DOS", "s3cret\r\n", 0600, "s3cret"},
    {"more lines", "s3cret\nother\n", 0600, "s3cret"},
    {"spaces are part of it", " s 3 \n", 0600, " s 3 "},
    {"# is part of it", "#s3;cret\n", 0600, "#s3;cret"},
    {"UTF-8", "gehe\xc3\xafm\n", 0600, "gehe\xc3\xafm"},
};

static void
reads_password(void **state)
{
    const struct password_row *row = *state;
    struct pat_conf conf = {0};

    unit_file_write(password_path, row->content, strlen(row->content), row->mode);
    write_conf(BASE BIND);
    load(&conf);
    unit_check_string("password", conf.bind_password, row->want);
    check_cleared(&conf);
}

static int
setup(void **state)
{
    (void)state;
    fds = unit_count_fds();
    unit_dir_make(dir);
    (void)snprintf(path, sizeof(path), "%s/patd.conf", dir);
    (void)snprintf(password_path, sizeof(password_path), "%s/password", dir);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", dir);
    return chmod(dir, 0755);
}

static int
teardown(void **state)
{
    (void)state;
    return unit_dir_end(dir, fds);
}

int
main(void)
{
    unit_fixture(setup, teardown);
    unit_add("accept", "defaults", defaults, NULL);
    unit_add("accept", "every key", every_key, NULL);
    unit_add("accept", "no key left out", every_key_is_there, NULL);
    UNIT_TABLE("accept", accepts, goods);
    UNIT_TABLE("password", reads_password, passwords);
    UNIT_TABLE("refuse", refuses, bads);
    UNIT_TABLE("refuse NUL", refuses_nul, nuls);
    UNIT_TABLE("line of", line_length, lengths);
    unit_add("refuse", "a long line hides nothing", long_line_hides_nothing, NULL);
    UNIT_TABLE("refuse file", refuses_file, files);
    UNIT_TABLE("refuse key file", refuses_key_file, key_files);
    UNIT_TABLE("refuse password file", refuses_password_file, password_files);
    return unit_run("conf");
}
