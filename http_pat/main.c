/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pat-fcgi - lets nginx, Apache and lighttpd check bearer tokens: a FastCGI authorizer
 *
 * What it must never do: answer 200 unless patd has accepted the token in this very
 * request; take an invalid token for none; write, log or dump a token; run as root; wait
 * longer than its deadline; let one front end keep it from serving the others.
 *
 * Threads: workers answer (server.h); the first one waits for signals, and hangs up on
 * who dawdles.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "listen.h"
#include "server.h"
#include "settings.h"

static void
usage(void)
{
    (void)printf(
        "usage: pat-fcgi [-h] [-s SOCKET [-m MODE] [-g GROUP]] [-u USER] [-w WORKERS]\n"
        "                [-p SOCKET] [-t TIMEOUT] [-n SERVICE] [-o ORG,...] "
        "[-r ROLE,...]\n"
        "                [-S NAME,...] [-R REALM] [-M URL] [-b]\n");
    for (const struct pat_option *o = settings_table; o->name != NULL; o++)
        (void)printf("  -%s  %s%s%s%s\n", o->name, o->help,
            o->default_text != NULL ? " (" : "",
            o->default_text != NULL ? o->default_text : "",
            o->default_text != NULL ? ")" : "");
}

static void
block_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void
raise_descriptor_limit(void)
{
    const rlim_t want = 8192;
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= want)
        return;
    lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : want;
    (void)setrlimit(RLIMIT_NOFILE, &lim);
}

/* systemd's journal has what goes to syslog; elsewhere a terminal may be looked at. */
static void
open_log(void)
{
    openlog("pat-fcgi",
        LOG_PID | LOG_NDELAY | (getenv("JOURNAL_STREAM") == NULL ? LOG_PERROR : 0),
        LOG_AUTHPRIV);
}

static int
fail(const struct pat_diag *diag)
{
    (void)fprintf(stderr, "pat-fcgi: %s%s\n",
        diag->text[0] != '\0' && diag->text[1] == ':' ? "-" : "", diag->text);
    return EX_CONFIG;
}

static int
start(const struct settings *s)
{
    struct listeners l = {.count = 0};
    struct pat_diag diag = {0};
    enum pat_err err;

    if (!pat_daemon_forbid_dumps()) {
        (void)fprintf(stderr, "pat-fcgi: core dumps cannot be switched off\n");
        return EX_OSERR;
    }
    if (listeners_open(s, &l, &diag) != PAT_OK)
        return fail(&diag);
    if (pat_daemon_drop_root("pat-fcgi", "u", s->user, &diag) != PAT_OK) {
        listeners_close(&l);
        return fail(&diag);
    }
    raise_descriptor_limit();
    block_signals();
    open_log();
    err = server_run(s, &l);
    listeners_close(&l);
    if (err != PAT_OK) {
        syslog(LOG_ERR, "out of memory, threads or descriptors");
        return EX_OSERR;
    }
    syslog(LOG_INFO, "stopped");
    return EX_OK;
}

int
main(int argc, char **argv)
{
    struct settings s = {0};
    struct pat_diag diag = {0};
    int rc;

    if (argc == 2 && strcmp(argv[1], "-h") == 0) {
        usage();
        return EX_OK;
    }
    if (settings_read(argc, argv, &s, &diag) != PAT_OK)
        return fail(&diag);
    rc = start(&s);
    settings_clear(&s);
    return rc;
}
