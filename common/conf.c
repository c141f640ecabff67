/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf.h"

#include <ini.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "deadline.h"
#include "directory.h"
#include "file.h"
#include "secret.h"
#include "strv.h"
#include "uri.h"

#define LINE_LEN_MAX    4096
#define DAY_MS          (24 * 3600 * 1000)
#define SOCKET_PATH_MAX 107 /* of sockaddr_un, without the NUL */

static const char *const tls_choices[] = {"local", "starttls", "off", NULL};
static const char *const checksum_choices[] = {"required", "ignore", NULL};
static const char *const log_level_choices[] = {
    "error", "warning", "info", "debug", NULL};

#define AT(field) offsetof(struct pat_conf, field)

const struct pat_option pat_conf_table[] = {
    /* The directory */
    {"uri", PAT_OPTION_LIST, AT(uri), 0, PAT_URI_MAX, NULL, "ldapi:///",
        "Directory servers, tried in this order (list of ldapi://, ldap://, ldaps://)"},
    {"base", PAT_OPTION_STRING, AT(base), 0, 0, NULL, NULL,
        "Subtree that holds the orgs, and in them the tokens (DN; must be set)"},
    {"bind_dn", PAT_OPTION_STRING, AT(bind_dn), 0, 0, NULL, NULL,
        "Account for a simple bind (DN); unset: SASL EXTERNAL, over ldapi or by "
        "certificate"},
    {"bind_password_file", PAT_OPTION_PATH, AT(bind_password_file), 0, 0, NULL, NULL,
        "File whose first line is the password of bind_dn (path; no access for others)"},
    {"tls", PAT_OPTION_CHOICE, AT(tls), 0, 0, tls_choices, "local",
        "ldap:// in clear: local = to loopback only; starttls = never; off = anywhere"},
    {"tls_ca_file", PAT_OPTION_PATH, AT(tls_ca_file), 0, 0, NULL,
        "/etc/ssl/certs/ca-certificates.crt",
        "CA certificates that servers are checked against (path; one CA loads fastest)"},
    {"tls_cert_file", PAT_OPTION_PATH, AT(tls_cert_file), 0, 0, NULL, NULL,
        "Client certificate (path)"},
    {"tls_key_file", PAT_OPTION_PATH, AT(tls_key_file), 0, 0, NULL, NULL,
        "Key of the client certificate (path; no access for others)"},
    {"timeout", PAT_OPTION_DURATION, AT(timeout_ms), PAT_TIMEOUT_MS_MIN,
        PAT_TIMEOUT_MS_MAX, NULL, "3s",
        "Deadline of a whole request, all servers together (50ms to 60s)"},
    {"retry_interval", PAT_OPTION_DURATION, AT(retry_interval_ms), 100, 3600000, NULL,
        "5s",
        "How often a server that failed is tried again in the background (100ms to 1h)"},

    /* The decision */
    {"owner_filter", PAT_OPTION_STRING, AT(owner_filter), 0, 0, NULL, NULL,
        "Filter that a token's owner must match, such as (!(pwdAccountLockedTime=*))"},
    {"role_order", PAT_OPTION_LIST, AT(role_order), 0, 32, NULL, "owner, member, viewer",
        "Roles from strongest to weakest, for people who have several (list)"},
    {"token_prefix", PAT_OPTION_STRING, AT(token_prefix), 0, 0, NULL, PAT_PREFIX_DEFAULT,
        "What every token begins with (1 to 16 of A-Z a-z 0-9 _ -)"},
    {"token_checksum", PAT_OPTION_CHOICE, AT(token_checksum), 0, 0, checksum_choices,
        "required", "Whether tokens must end in a checksum (required, ignore)"},
    {"login_org", PAT_OPTION_BOOL, AT(login_org), 0, 0, NULL, "no",
        "Accept the login name NAME@ORG for the token of NAME in ORG (yes, no)"},
    {"login_realms", PAT_OPTION_LIST, AT(login_realms), 0, 32, NULL, NULL,
        "Accept the login name NAME@REALM for NAME, with these realms (list)"},

    /* Last used */
    {"last_used", PAT_OPTION_BOOL, AT(last_used), 0, 0, NULL, "yes",
        "Write patLastUsed and patLastUsedFrom after a use (yes, no)"},
    {"last_used_interval", PAT_OPTION_DURATION, AT(last_used_interval_ms), 0, 7 * DAY_MS,
        NULL, "10min", "At most once per token in this time (0 to 7d; 0 = at every use)"},
    {"write_uri", PAT_OPTION_STRING, AT(write_uri), 0, 0, NULL, NULL,
        "Server that takes these writes; unset: those of uri"},

    /* The daemon */
    {"socket", PAT_OPTION_LIST, AT(socket), 0, PAT_SOCKET_MAX, NULL, PAT_SOCKET_DEFAULT,
        "Unix sockets to listen on (list of paths); systemd's, where it passes any"},
    {"socket_mode", PAT_OPTION_OCTAL, AT(socket_mode), 0, 0777, NULL, "0666",
        "Permissions of the sockets (octal)"},
    {"user", PAT_OPTION_STRING, AT(user), 0, 0, NULL, "patd",
        "User to become when started as root (name)"},
    {"workers", PAT_OPTION_INT, AT(workers), 1, 64, NULL, "8",
        "Requests at a time, each with a connection of its own (1 to 64)"},
    {"queue_max", PAT_OPTION_INT, AT(queue_max), 1, 65536, NULL, "256",
        "Requests that may wait for a worker, shared by users; more are answered busy (1 "
        "to "
        "65536)"},
    {"clients_max", PAT_OPTION_INT, AT(clients_max), 1, 65536, NULL, "1024",
        "Connections from clients, shared by users (1 to 65536)"},
    {"log_level", PAT_OPTION_CHOICE, AT(log_level), 0, 0, log_level_choices, "info",
        "error, warning, info (every decision) or debug"},

    /* What asks as it would ask saslauthd */
    {"saslauthd_socket", PAT_OPTION_LIST, AT(saslauthd_socket), 0, PAT_SOCKET_MAX, NULL,
        NULL, "Unix sockets that speak saslauthd's protocol (list of paths)"},
    {"saslauthd_socket_mode", PAT_OPTION_OCTAL, AT(saslauthd_socket_mode), 0, 0777, NULL,
        "0660", "Permissions of these sockets (octal)"},
    {"saslauthd_socket_group", PAT_OPTION_STRING, AT(saslauthd_socket_group), 0, 0, NULL,
        NULL, "Group of these sockets (name)"},
    {"saslauthd_org", PAT_OPTION_LIMIT, AT(saslauthd_org), 0, PAT_LIST_MAX, NULL, NULL,
        "Orgs whose tokens are accepted there (list); unset: all"},
    {"saslauthd_role", PAT_OPTION_LIMIT, AT(saslauthd_role), 0, PAT_LIST_MAX, NULL, NULL,
        "Roles that are accepted there (list); unset: all"},
    {"saslauthd_fallback", PAT_OPTION_PATH, AT(saslauthd_fallback), 0, 0, NULL, NULL,
        "Socket of the real saslauthd, for what is no token (path); unset: refused"},
    PAT_OPTION_END,
};

#define OPTION_COUNT (sizeof(pat_conf_table) / sizeof(pat_conf_table[0]) - 1)

/* The state of reading one file. */
struct loader {
    const char *path;
    FILE *file;
    struct pat_conf *conf;
    struct pat_diag *diag;
    int line;      /* the one that was read last */
    bool line_bad; /* too long, or with a NUL in it */
    char *text;    /* getline()'s */
    size_t text_size;
    int set_at[OPTION_COUNT]; /* line on which each option was set; 0 = not */
    enum pat_err err;         /* the first error, which is the one reported */
};

static size_t
option_index(const char *name)
{
    return (size_t)(pat_option_find(pat_conf_table, name) - pat_conf_table);
}

/* Report what is wrong with `key`, at the line where it was set if it was. */
static enum pat_err
wrong(struct loader *l, const char *key, const char *value, const char *why)
{
    int line = l->set_at[option_index(key)];
    char where[24] = "";

    if (line > 0)
        (void)snprintf(where, sizeof(where), ":%d", line);
    pat_diag_set(l->diag, "%s%s: %s: %s%s%s", l->path, where, key,
        value != NULL ? value : "", value != NULL ? ": " : "", why);
    return PAT_ERR_CONFIG;
}

/*
 * fgets() for the INI reader, which tells no line numbers: each call is one line. By
 * getline(), since a NUL would hide from fgets() what stands behind it.
 */
static char *
read_line(char *buf, int size, void *arg)
{
    struct loader *l = arg;
    ssize_t len = l->line_bad ? -1 : getline(&l->text, &l->text_size, l->file);

    if (len < 0)
        return NULL;
    l->line++;
    if (len > 0 && l->text[len - 1] == '\n')
        l->text[--len] = '\0';
    if (len > 0 && l->text[len - 1] == '\r')
        l->text[--len] = '\0';
    if (len > LINE_LEN_MAX - 3 || len >= size ||
        memchr(l->text, '\0', (size_t)len) != NULL) {
        l->line_bad = true;
        return NULL;
    }
    memcpy(buf, l->text, (size_t)len + 1);
    return buf;
}

static int
take_setting(void *arg, const char *section, const char *name, const char *value)
{
    struct loader *l = arg;
    struct pat_diag why = {0};
    const struct pat_option *o = pat_option_find(pat_conf_table, name);

    if (l->err != PAT_OK || l->line_bad)
        return 1;
    if (section[0] != '\0') {
        pat_diag_set(
            l->diag, "%s:%d: [%s]: there are no sections", l->path, l->line, section);
        l->err = PAT_ERR_CONFIG;
        return 1;
    }
    if (o != NULL && l->set_at[o - pat_conf_table] != 0) {
        pat_diag_set(l->diag, "%s:%d: %s: is set already, in line %d", l->path, l->line,
            name, l->set_at[o - pat_conf_table]);
        l->err = PAT_ERR_CONFIG;
        return 1;
    }
    l->err = pat_option_set(pat_conf_table, l->conf, name, value, &why);
    if (l->err != PAT_OK)
        pat_diag_set(l->diag, "%s:%d: %s", l->path, l->line, why.text);
    else
        l->set_at[o - pat_conf_table] = l->line;
    return 1;
}

static enum pat_err
parse_file(struct loader *l)
{
    int rc;

    /* Values hold what looks like comments (filters) and are long; no continuation lines.
     */
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_initial_alloc = LINE_LEN_MAX;
    ini_max_line = LINE_LEN_MAX;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;

    rc = ini_parse_stream(read_line, l, take_setting, l);
    if (l->err != PAT_OK)
        return l->err;
    if (l->line_bad) {
        pat_diag_set(l->diag, "%s:%d: line is longer than %d bytes, or holds a NUL",
            l->path, l->line, LINE_LEN_MAX - 3);
        return PAT_ERR_CONFIG;
    }
    if (rc > 0) {
        pat_diag_set(l->diag, "%s:%d: is not of the form KEY = VALUE", l->path, rc);
        return PAT_ERR_CONFIG;
    }
    return rc == 0 ? PAT_OK : PAT_ERR_NOMEM;
}

/* First line of the file, without its end. */
static enum pat_err
read_password(struct loader *l)
{
    struct pat_conf *conf = l->conf;
    struct pat_diag why = {0};
    FILE *file = NULL;
    const char *fault = NULL;
    enum pat_err err;
    size_t have, len;

    err = pat_file_open(conf->bind_password_file, PAT_FILE_SECRET, &file, &why);
    if (err != PAT_OK)
        return err == PAT_ERR_NOMEM ? err
                                    : wrong(l, "bind_password_file", NULL, why.text);
    (void)setvbuf(file, NULL, _IONBF, 0); /* no second copy in a stream's buffer */

    conf->bind_password_size = 1024;
    conf->bind_password = calloc(1, conf->bind_password_size);
    if (conf->bind_password == NULL) {
        err = PAT_ERR_NOMEM;
        goto out;
    }
    have = fread(conf->bind_password, 1, conf->bind_password_size, file);
    len = 0;
    while (len < have && strchr("\r\n", conf->bind_password[len]) == NULL)
        len++;
    if (have == 0)
        fault = "is empty";
    else if (len < have && conf->bind_password[len] == '\0')
        fault = "the first line holds a NUL";
    else if (len == 0)
        fault = "the first line is empty";
    else if (len >= conf->bind_password_size - 1)
        fault = "the first line is too long";
    if (fault != NULL)
        err = wrong(l, "bind_password_file", conf->bind_password_file, fault);
    else
        memset(conf->bind_password + len, 0, conf->bind_password_size - len);
out:
    (void)fclose(file);
    return err;
}

/* libldap reads it, later and without a look at who else can. */
static enum pat_err
check_tls_key(struct loader *l)
{
    struct pat_diag why = {0};
    FILE *file = NULL;
    enum pat_err err = pat_file_open(l->conf->tls_key_file, PAT_FILE_SECRET, &file, &why);

    if (err == PAT_ERR_CONFIG)
        return wrong(l, "tls_key_file", NULL, why.text);
    if (err == PAT_OK)
        (void)fclose(file);
    return err;
}

static enum pat_err
check_bind(struct loader *l)
{
    const struct pat_conf *conf = l->conf;
    enum pat_err err = PAT_OK;

    if ((conf->bind_dn == NULL) != (conf->bind_password_file == NULL))
        return wrong(l, conf->bind_dn == NULL ? "bind_password_file" : "bind_dn", NULL,
            "bind_dn and bind_password_file belong together");
    if ((conf->tls_cert_file == NULL) != (conf->tls_key_file == NULL))
        return wrong(l, conf->tls_cert_file == NULL ? "tls_key_file" : "tls_cert_file",
            NULL, "tls_cert_file and tls_key_file belong together");
    if (conf->bind_dn != NULL && !pat_directory_dn_valid(conf->bind_dn))
        return wrong(l, "bind_dn", conf->bind_dn, "is not a DN");
    if (conf->tls_key_file != NULL)
        err = check_tls_key(l);
    if (err == PAT_OK && conf->bind_password_file != NULL)
        err = read_password(l);
    return err;
}

/* Would a password, a hash or an answer go over the network in clear? Who binds, and how?
 */
static enum pat_err
check_uri(struct loader *l, const char *key, const char *text)
{
    const struct pat_conf *conf = l->conf;
    struct pat_diag why = {0};
    struct pat_uri uri = {0};
    bool encrypted;

    if (pat_uri_parse(text, &uri, &why) != PAT_OK)
        return wrong(l, key, NULL, why.text);
    if (uri.scheme == PAT_SCHEME_LDAP && conf->tls == PAT_TLS_LOCAL &&
        !pat_uri_is_local(&uri))
        return wrong(l, key, text,
            "would go over the network in clear: set tls = starttls, use ldaps://, or "
            "say "
            "tls = off");
    encrypted = uri.scheme == PAT_SCHEME_LDAPS ||
                (uri.scheme == PAT_SCHEME_LDAP && conf->tls == PAT_TLS_STARTTLS);
    if (encrypted && conf->tls_ca_file == NULL)
        return wrong(
            l, "tls_ca_file", NULL, "must be set: certificates are always checked");
    if (uri.scheme != PAT_SCHEME_LDAPI && conf->bind_dn == NULL &&
        !(encrypted && conf->tls_cert_file != NULL))
        return wrong(l, key, text,
            "needs bind_dn and bind_password_file, or TLS with tls_cert_file");
    return PAT_OK;
}

static enum pat_err
check_uris(struct loader *l)
{
    enum pat_err err = PAT_OK;

    if (l->conf->uri == NULL)
        return wrong(l, "uri", NULL, "names no server");
    for (char **u = l->conf->uri; *u != NULL && err == PAT_OK; u++)
        err = check_uri(l, "uri", *u);
    if (err == PAT_OK && l->conf->write_uri != NULL)
        err = check_uri(l, "write_uri", l->conf->write_uri);
    return err;
}

static enum pat_err
check_socket_paths(struct loader *l, const char *key, char *const *paths)
{
    for (; paths != NULL && *paths != NULL; paths++)
        if ((*paths)[0] != '/' || strlen(*paths) > SOCKET_PATH_MAX)
            return wrong(l, key, *paths, "must be an absolute path of at most 107 bytes");
    return PAT_OK;
}

static enum pat_err
check_fallback(struct loader *l)
{
    const struct pat_conf *conf = l->conf;
    const char *path = conf->saslauthd_fallback;

    if (path == NULL)
        return PAT_OK;
    if (strlen(path) > SOCKET_PATH_MAX)
        return wrong(l, "saslauthd_fallback", path, "must have at most 107 bytes");
    if (pat_strv_contains(pat_strv_const(conf->socket), path) ||
        pat_strv_contains(pat_strv_const(conf->saslauthd_socket), path))
        return wrong(l, "saslauthd_fallback", path, "is a socket of patd itself");
    return PAT_OK;
}

static enum pat_err
check_sockets(struct loader *l)
{
    const struct pat_conf *conf = l->conf;
    enum pat_err err;

    if (conf->socket == NULL)
        return wrong(l, "socket", NULL, "names no socket");
    err = check_fallback(l);
    if (err == PAT_OK)
        err = check_socket_paths(l, "socket", conf->socket);
    if (err == PAT_OK)
        err = check_socket_paths(l, "saslauthd_socket", conf->saslauthd_socket);
    if (err != PAT_OK || conf->saslauthd_socket == NULL)
        return err;
    for (char **s = conf->saslauthd_socket; *s != NULL; s++)
        if (pat_strv_contains(pat_strv_const(conf->socket), *s))
            return wrong(l, "saslauthd_socket", *s,
                "is one of socket, too; a socket speaks one protocol");
    return PAT_OK;
}

/* What one setting alone, or two together, cannot be. */
static enum pat_err
check(struct loader *l)
{
    const struct pat_conf *conf = l->conf;
    enum pat_err err;

    if (conf->base == NULL)
        return wrong(
            l, "base", NULL, "must be set, such as base = ou=orgs,dc=example,dc=com");
    if (!pat_directory_dn_valid(conf->base))
        return wrong(l, "base", conf->base, "is not a DN");
    if (conf->owner_filter != NULL && !pat_directory_filter_valid(conf->owner_filter))
        return wrong(l, "owner_filter", conf->owner_filter, "is not an LDAP filter");
    if (conf->token_prefix == NULL || !pat_prefix_valid(conf->token_prefix))
        return wrong(l, "token_prefix", NULL, "must be 1 to 16 of A-Z a-z 0-9 _ -");
    err = check_bind(l);
    if (err == PAT_OK)
        err = check_uris(l);
    if (err == PAT_OK)
        err = check_sockets(l);
    return err;
}

enum pat_err
pat_conf_load(const char *path, struct pat_conf *ret, struct pat_diag *diag)
{
    struct pat_conf conf = {0};
    struct loader l = {.path = path, .conf = &conf, .diag = diag, .err = PAT_OK};
    enum pat_err err;

    pat_diag_clear(diag);
    err = pat_file_open(path, PAT_FILE_SETTINGS, &l.file, diag);
    if (err != PAT_OK)
        return err;
    err = pat_options_init(pat_conf_table, &conf);
    if (err == PAT_OK)
        err = parse_file(&l);
    if (err == PAT_OK)
        err = check(&l);
    (void)fclose(l.file);
    free(l.text);

    if (err == PAT_OK)
        *ret = conf;
    else
        pat_conf_clear(&conf);
    if (err == PAT_ERR_NOMEM)
        pat_diag_set(diag, "%s: out of memory", path);
    return err;
}

struct pat_token_format
pat_conf_token_format(const struct pat_conf *conf)
{
    struct pat_token_format format = {
        conf->token_prefix, (enum pat_checksum)conf->token_checksum};

    return format;
}

void
pat_conf_clear(struct pat_conf *conf)
{
    pat_options_clear(pat_conf_table, conf);
    pat_secret_free(conf->bind_password, conf->bind_password_size);
    conf->bind_password = NULL;
    conf->bind_password_size = 0;
}
