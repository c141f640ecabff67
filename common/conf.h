/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.h - patd.conf: every setting, read from the file and checked as a whole
 *
 * Order of use: pat_conf_load(), then read the fields, pat_conf_clear().
 * Settings are constant once loaded: any number of threads may read them.
 */
#ifndef PAT_CONF_H
#define PAT_CONF_H

#include <stddef.h>

#include "attr.h"
#include "error.h"
#include "option.h"
#include "token.h"

#define PAT_CONF_FILE_DEFAULT "/etc/patd/patd.conf"
#define PAT_URI_MAX           8
#define PAT_SOCKET_MAX        8

enum pat_tls {
    PAT_TLS_LOCAL = 0, /* ldap:// in clear to loopback addresses, nowhere else */
    PAT_TLS_STARTTLS,  /* StartTLS on every ldap:// */
    PAT_TLS_OFF,       /* ldap:// in clear, wherever it goes */
};

enum pat_log_level {
    PAT_LOG_ERROR = 0,
    PAT_LOG_WARNING,
    PAT_LOG_INFO, /* every decision */
    PAT_LOG_DEBUG,
};

/* The fields stand in the order of pat_conf_table, which explains each. */
struct pat_conf {
    char **uri;
    char *base;
    char *bind_dn;
    char *bind_password_file;
    int tls; /* enum pat_tls */
    char *tls_ca_file;
    char *tls_cert_file;
    char *tls_key_file;
    int timeout_ms;
    int retry_interval_ms;

    char *owner_filter;
    char **role_order;
    char *token_prefix;
    int token_checksum; /* enum pat_checksum */
    int login_org;
    char **login_realms;

    int last_used;
    int last_used_interval_ms;
    char *write_uri;

    char **socket;
    int socket_mode;
    char *user;
    int workers;
    int queue_max;
    int clients_max;
    int log_level; /* enum pat_log_level */

    char **saslauthd_socket;
    int saslauthd_socket_mode;
    char *saslauthd_socket_group;
    char **saslauthd_org;
    char **saslauthd_role;
    char *saslauthd_fallback;

    /* Read from bind_password_file; NUL-terminated, erased by pat_conf_clear(). */
    char *bind_password;
    size_t bind_password_size;
};

/* Of every setting: name, type, range, default, meaning. Ends in PAT_OPTION_END. */
extern const struct pat_option pat_conf_table[];

/*
 * Read and check `path`. The file must be a regular one (no symbolic link), owned by
 * root or the caller, and writable by nobody else.
 *
 * ret   overwritten; on success the caller owns what it holds.
 * diag  on failure "FILE:LINE: KEY: what is wrong", or "FILE: what is wrong".
 *
 * PAT_ERR_CONFIG   the file, or a file that it names, is missing, unsafe or wrong
 * PAT_ERR_NOMEM
 *
 * Reads files; blocks for nothing else. Not to be called by two threads at a time (the
 * INI reader has process-wide settings).
 */
PAT_MUST_USE enum pat_err pat_conf_load(
    const char *path, struct pat_conf *ret, struct pat_diag *diag);

/* What tokens look like at this site; valid as long as `conf`. */
struct pat_token_format pat_conf_token_format(const struct pat_conf *conf);

void pat_conf_clear(struct pat_conf *conf);

#endif
