/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.h - one connection to the directory, with the credentials of who runs patctl
 *
 * Order of use: session_options from args.h, session_open(), any calls, session_close().
 *
 * Every call waits for the server until session_options.timeout_s at the most: after that
 * the process says so and ends with EX_TEMPFAIL, wherever libldap stands (a name look-up,
 * a handshake, half an answer). Connecting, TLS and bind are one such wait; so is each
 * request, and each page of a search.
 *
 * Requests return the LDAP result code. For anything but LDAP_SUCCESS the caller either
 * goes its own way, or calls session_fail(), which tells the user.
 *
 * What libldap and liblber free is erased, as all that is freed is: see erase.c.
 */
#ifndef PATCTL_SESSION_H
#define PATCTL_SESSION_H

#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"

#define SESSION_TIMEOUT_S_DEFAULT 10
#define SESSION_PAGE_SIZE         500

/* As the OpenLDAP tools have them. Borrowed from argv, but for the password. */
struct session_options {
    const char *uri;           /* -H */
    const char *bind_dn;       /* -D */
    bool ask;                  /* -W */
    char *password;            /* -w: a copy, erased by session_close() */
    const char *password_file; /* -y */
    const char *mech;          /* -Y */
    const char *authcid;       /* -U */
    const char *authzid;       /* -X */
    bool simple;               /* -x */
    bool quiet;                /* -Q */
    int start_tls;             /* -Z, -ZZ: both demand it */
    bool clear;                /* --clear */
    const char *base;          /* -b, --base */
    int64_t timeout_s;         /* --timeout */
};

struct session {
    LDAP *ld;
    char *uri;  /* for messages: all that may be asked */
    char *base; /* below it are orgs and people */
    char *me;   /* the DN that the server takes us for, or NULL = not asked yet */
    unsigned timeout_s;
    /* Of the last request: */
    int code;
    char *matched; /* NULL or "" = none */
    char *text;    /* what the server said, NULL or "" = nothing */
};

/*
 * Connect and bind. The options' password is erased. Returns EX_OK, or the exit status,
 * having said what is wrong; *ret is then closed.
 *
 * The base is that of the options, else of the environment's PAT_BASE, else BASE of
 * ldap.conf(5); without any it is EX_USAGE.
 */
PAT_MUST_USE int session_open(struct session_options *options, struct session *ret);

/* A session that was zeroed, or is closed, is accepted. */
void session_close(struct session *s);

/*
 * Who are we to the server (RFC 4532)? *ret_dn belongs to the session. EX_OK; or an exit
 * status, having said why: EX_NOPERM if we are nobody, or no DN.
 */
PAT_MUST_USE int session_whoami(struct session *s, const char **ret_dn);

/*
 * Called for each entry; false: enough, the rest is not read. `entry` is gone afterwards.
 */
typedef bool session_entry_fn(struct session *s, LDAPMessage *entry, void *arg);

/*
 * Search page by page (RFC 2696), where the server can. `attrs` as in ldap_search_ext(3).
 * `base` NULL is that of the session. LDAP_SUCCESS also if the function had enough.
 */
PAT_MUST_USE int session_search(struct session *s, const char *base, int scope,
    const char *filter, const char *const *attrs, session_entry_fn *fn, void *arg);

/*
 * Read one entry. *ret is for ldap_msgfree(), and ldap_first_entry() of it for reading.
 * LDAP_NO_SUCH_OBJECT also where nothing of it is to be seen.
 */
PAT_MUST_USE int session_read(
    struct session *s, const char *dn, const char *const *attrs, LDAPMessage **ret);

/*
 * Add an entry. `control` may be NULL; *ret_controls, NULL if not wanted, is for
 * ldap_controls_free().
 */
PAT_MUST_USE int session_add(struct session *s, const char *dn, LDAPMod **mods,
    LDAPControl *control, LDAPControl ***ret_controls);

PAT_MUST_USE int session_modify(struct session *s, const char *dn, LDAPMod **mods);
PAT_MUST_USE int session_delete(struct session *s, const char *dn);

/*
 * Deletes with the relax control, by which slapo-pat(5) allows a request to remove more
 * members than olcPatRemovalLimit. The user must have confirmed that.
 */
PAT_MUST_USE int session_delete_confirmed(struct session *s, const char *dn);

/*
 * The last request failed: say "WHAT: why", and what to do next. Returns the exit status.
 */
int session_fail(struct session *s, const char *fmt, ...) PAT_PRINTF(2, 3);

/* The exit status for an LDAP result code. */
int session_exit(int code);

/* Returns whether a limit of the server ended the search, whose entries are valid. */
bool session_limited(int code);

/*
 * Until session_guard_end() the process ends with EX_TEMPFAIL, and says that there was no
 * answer, and `hint`, a sentence or NULL, if the server takes too long. For a request
 * that leaves something unknown, such as whether a token was made: put it around
 * session_add() and the like, which otherwise guard themselves.
 */
void session_guard_begin(struct session *s, const char *hint);
void session_guard_end(void);

#endif
