/* SPDX-License-Identifier: BSD-2-Clause */
#include "follow.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "say.h"
#include "secret.h"

#define WAKE_MS     500 /* what TLS holds already, poll(2) does not tell */
#define PAUSE_MAX_S 8

static volatile sig_atomic_t interrupted;

/* One connection's worth. */
struct run {
    struct session *s;
    const struct follow *f;
    bool enough;  /* one of the functions says so */
    bool refused; /* the server ended the search; `code` says how */
    bool live;    /* caught up */
    int code;
};

static void
on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

static void
watch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal};

    interrupted = 0;
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
}

static int
on_entry(
    ldap_sync_t *ls, LDAPMessage *msg, struct berval *uuid, ldap_sync_refresh_t phase)
{
    struct run *r = ls->ls_private;

    (void)uuid;
    if ((phase == LDAP_SYNC_CAPI_ADD || phase == LDAP_SYNC_CAPI_MODIFY) && !r->enough)
        r->enough = !r->f->entry(r->s, msg, r->f->arg);
    return LDAP_SUCCESS;
}

static int
on_reference(ldap_sync_t *ls, LDAPMessage *msg)
{
    (void)ls;
    (void)msg;
    return LDAP_SUCCESS;
}

static int
on_intermediate(
    ldap_sync_t *ls, LDAPMessage *msg, BerVarray uuids, ldap_sync_refresh_t phase)
{
    (void)ls;
    (void)msg;
    (void)uuids;
    (void)phase;
    return LDAP_SUCCESS;
}

static int
on_result(ldap_sync_t *ls, LDAPMessage *msg, int refresh_deletes)
{
    struct run *r = ls->ls_private;

    (void)refresh_deletes;
    r->refused = true;
    if (ldap_parse_result(ls->ls_ld, msg, &r->code, NULL, NULL, NULL, NULL, 0) !=
        LDAP_SUCCESS)
        r->code = LDAP_PROTOCOL_ERROR;
    return LDAP_SUCCESS;
}

/* The end of the refresh is told by no call of its own: the phase is done. */
static void
look_whether_live(struct run *r, const ldap_sync_t *ls)
{
    if (r->live || ls->ls_refreshPhase != LDAP_SYNC_CAPI_DONE)
        return;
    r->live = true;
    if (!r->enough)
        r->enough = !r->f->caught_up(r->s, r->f->arg);
}

static int
listen_on(struct run *r, ldap_sync_t *ls)
{
    int rc = LDAP_SUCCESS, fd = -1;

    while (
        rc >= 0 && rc != LDAP_SERVER_DOWN && !r->enough && !r->refused && !interrupted) {
        struct pollfd pfd = {-1, POLLIN, 0};

        if (ldap_get_option(ls->ls_ld, LDAP_OPT_DESC, &fd) != LDAP_OPT_SUCCESS)
            return LDAP_SERVER_DOWN;
        pfd.fd = fd;
        (void)poll(&pfd, 1, WAKE_MS);
        if (interrupted)
            break;
        rc = ldap_sync_poll(ls);
        look_whether_live(r, ls);
    }
    return rc < 0 ? LDAP_SERVER_DOWN : rc;
}

/* The search of one connection; *cookie is where it stood, and stands afterwards. */
static int
search(struct run *r, struct berval *cookie)
{
    ldap_sync_t ls;
    int rc;

    (void)ldap_sync_initialize(&ls);
    ls.ls_base = (char *)(uintptr_t)r->f->base;
    ls.ls_scope = LDAP_SCOPE_SUBTREE;
    ls.ls_filter = (char *)(uintptr_t)r->f->filter;
    ls.ls_attrs = (char **)(uintptr_t)r->f->attrs;
    ls.ls_timeout = 0;
    ls.ls_search_entry = on_entry;
    ls.ls_search_reference = on_reference;
    ls.ls_intermediate = on_intermediate;
    ls.ls_search_result = on_result;
    ls.ls_private = r;
    ls.ls_ld = r->s->ld;
    ls.ls_cookie = *cookie;
    rc = ldap_sync_init_refresh_and_persist(&ls);
    look_whether_live(r, &ls);
    if (rc == LDAP_SUCCESS)
        rc = listen_on(r, &ls);
    *cookie = ls.ls_cookie;
    return r->refused && r->code != LDAP_SUCCESS ? r->code : rc;
}

static void
forget(struct berval *cookie)
{
    ber_memfree(cookie->bv_val);
    cookie->bv_val = NULL;
    cookie->bv_len = 0;
}

static void
pause_for(unsigned seconds)
{
    struct timespec ts = {(time_t)seconds, 0};

    /* A signal ends it early, which is what it is for. */
    if (!interrupted)
        (void)nanosleep(&ts, NULL);
}

/* Until the server is back. The options are used up by each try. */
static int
open_again(const struct session_options *options, struct session *s)
{
    size_t len = options->password != NULL ? strlen(options->password) : 0;
    int rc = EX_UNAVAILABLE;

    for (unsigned pause = 1; !interrupted;
         pause = pause < PAUSE_MAX_S ? 2 * pause : pause) {
        struct session_options o = *options;

        o.password = options->password != NULL ? strdup(options->password) : NULL;
        if (options->password != NULL && o.password == NULL)
            return say_no_memory();
        pause_for(pause);
        rc = interrupted ? EX_OK : session_open(&o, s);
        if (o.password != NULL)
            pat_secret_free(o.password, len);
        if (rc != EX_UNAVAILABLE && rc != EX_TEMPFAIL)
            return rc;
    }
    return EX_OK;
}

/* The search ended by itself: what now? EX_OK: connect anew. */
static int
judge(struct session *s, int code, struct berval *cookie)
{
    switch (code) {
    case LDAP_SYNC_REFRESH_REQUIRED:
        forget(cookie);
        say_note("%s: the server wants to tell all anew", s->uri);
        return EX_OK;
    case LDAP_UNAVAILABLE_CRITICAL_EXTENSION:
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_PROTOCOL_ERROR:
        say_error("%s: the server does not tell what is new (RFC 4533): %s", s->uri,
            ldap_err2string(code));
        say_note("OpenLDAP needs the overlay syncprov in this database, see "
                 "slapo-syncprov(5); without --follow there is what is there now");
        return EX_UNAVAILABLE;
    case LDAP_SUCCESS:
    case LDAP_SERVER_DOWN:
    case LDAP_UNAVAILABLE:
    case LDAP_BUSY:
    case LDAP_TIMEOUT:
    case LDAP_CONNECT_ERROR:
        say_note("%s: the connection is lost; connecting again", s->uri);
        return EX_OK;
    default:
        say_error("%s: %s", s->uri, ldap_err2string(code));
        return session_exit(code);
    }
}

int
follow_run(
    struct session *s, const struct session_options *options, const struct follow *f)
{
    struct berval cookie = {0, NULL};
    int rc = EX_OK;

    watch_signals();
    while (rc == EX_OK && !interrupted) {
        struct run r = {.s = s, .f = f, .code = LDAP_SUCCESS};
        int code = search(&r, &cookie);

        if (r.enough || interrupted)
            break;
        rc = judge(s, code, &cookie);
        session_close(s);
        if (rc == EX_OK)
            rc = open_again(options, s);
        if (rc == EX_OK && !interrupted)
            say_note("%s: connected again", s->uri);
    }
    forget(&cookie);
    return rc;
}
