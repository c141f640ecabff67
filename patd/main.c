/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patd - the broker: verifies tokens for the PAM, SASL and HTTP adapters of this host
 *
 * What it must never do: let anyone in when the directory gave no answer; write, log or
 * dump a token; run as root; wait longer than its deadline; let one local user, or a
 * client that dawdles, keep it from serving the others.
 *
 * Threads: workers listen and verify (server.h, worker.h); one carries what is no token
 * to saslauthd and back (relay.h); one writes last-used (lastused.h); one asks after
 * failed servers (prober.h); the first one waits for their end.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "conf.h"
#include "lastused.h"
#include "listen.h"
#include "log.h"
#include "prober.h"
#include "relay.h"
#include "repeats.h"
#include "server.h"
#include "settings.h"
#include "worker.h"

#define STOP_TIMEOUT_MS 3000

struct args {
    const char *conf_path;
    bool foreground;
    bool test_only;
    bool print_defaults;
};

/* Absolute, for a daemon leaves its directory; links stay, which a reload follows anew.
 */
static char *conf_path;
static struct listeners listeners;

static void
usage(FILE *to)
{
    (void)fprintf(to,
        "usage: patd [-c FILE] [-f]   serve (-f: stay in the foreground)\n"
        "       patd [-c FILE] -t     check the configuration and exit\n"
        "       patd -d               print every setting with its default\n"
        "FILE is " PAT_CONF_FILE_DEFAULT " unless -c says otherwise.\n");
}

/* The sample configuration, from the table that the parser uses. */
static void
print_defaults(void)
{
    (void)printf(
        "# patd.conf - see patd.conf(5). Every setting, with its default.\n"
        "# Changes take effect at reload (SIGHUP); socket, socket_mode, user, workers,\n"
        "# queue_max, clients_max, saslauthd_socket, saslauthd_socket_mode and\n"
        "# saslauthd_socket_group at the next start.\n");
    for (const struct pat_option *o = pat_conf_table; o->name != NULL; o++)
        (void)printf("\n# %s\n#%s =%s%s\n", o->help, o->name,
            o->default_text != NULL ? " " : "",
            o->default_text != NULL ? o->default_text : "");
}

static bool
read_args(int argc, char **argv, struct args *ret)
{
    int opt;

    ret->conf_path = PAT_CONF_FILE_DEFAULT;
    while ((opt = getopt(argc, argv, "c:dfht")) != -1) {
        switch (opt) {
        case 'c':
            ret->conf_path = optarg;
            break;
        case 'd':
            ret->print_defaults = true;
            break;
        case 'f':
            ret->foreground = true;
            break;
        case 't':
            ret->test_only = true;
            break;
        case 'h':
            usage(stdout);
            exit(EX_OK);
        default:
            return false;
        }
    }
    return optind == argc;
}

/* Descriptors for all clients, a connection to every server per worker, and some. */
static void
raise_descriptor_limit(const struct pat_conf *conf)
{
    rlim_t need =
        (rlim_t)conf->clients_max + (rlim_t)(conf->workers + 2) * PAT_URI_MAX + 64;
    struct rlimit lim;

    if (conf->saslauthd_socket != NULL || conf->saslauthd_fallback != NULL)
        need += (rlim_t)conf->queue_max;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= need)
        return;
    lim.rlim_cur = need;
    if (lim.rlim_max < need)
        lim.rlim_max = need;
    if (setrlimit(RLIMIT_NOFILE, &lim) == 0)
        return;
    log_write(PAT_LOG_WARNING,
        "clients_max: %d clients need %lu file descriptors, the limit is lower "
        "(LimitNOFILE=, ulimit -n)",
        conf->clients_max, (unsigned long)need);
}

static void
block_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void
on_reload(void)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

    (void)pthread_mutex_lock(&one_at_a_time);
    (void)sd_notifyf(
        0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(pat_monotonic_ns() / 1000));
    settings_reload(conf_path);
    (void)sd_notify(0, "READY=1");
    (void)pthread_mutex_unlock(&one_at_a_time);
}

static void
on_stop(void)
{
    listeners_refuse(&listeners);
    (void)sd_notify(0, "STOPPING=1");
    log_write(PAT_LOG_INFO, "stopping: answering what is in flight");
}

/* A reload happens without root's rights: better to learn it now. */
static void
check_reload(void)
{
    struct pat_conf conf = {0};
    struct pat_diag diag = {0};

    if (pat_conf_load(conf_path, &conf, &diag) != PAT_OK)
        log_write(PAT_LOG_WARNING, "reload will fail, uid %lu cannot use the file: %s",
            (unsigned long)geteuid(), diag.text);
    pat_conf_clear(&conf);
}

/* Serve until told to stop. Whatever was started is ended in the order of who needs whom.
 */
static int
serve(const struct pat_conf *conf)
{
    struct server_limits limits = {(size_t)conf->clients_max, (size_t)conf->queue_max};
    const struct server_events events = {on_reload, on_stop, relay_take};
    struct server *server = NULL;
    struct workers *workers = NULL;

    if (server_new(&limits, listeners.all, listeners.count, &events, &server) != PAT_OK ||
        (listeners_speak(&listeners, PROTOCOL_SASLAUTHD) &&
            relay_start(server) != PAT_OK) ||
        lastused_start() != PAT_OK || prober_start() != PAT_OK ||
        repeats_start() != PAT_OK ||
        workers_start(server, conf->workers, &workers) != PAT_OK) {
        log_write(PAT_LOG_ERROR, "out of memory, threads or descriptors");
        return EX_OSERR;
    }
    log_write(PAT_LOG_INFO, "serving with %d workers", conf->workers);
    (void)sd_notify(0, "READY=1");
    workers_join(workers);
    relay_stop();
    prober_stop();
    lastused_stop(STOP_TIMEOUT_MS);
    repeats_stop();
    server_free(server);
    log_write(PAT_LOG_INFO, "stopped");
    return EX_OK;
}

/* Everything between a good configuration and the first request. */
static int
start(const struct args *args, struct pat_conf *conf)
{
    struct pat_diag diag = {0};
    struct settings *s;
    int rc;

    if (!pat_daemon_forbid_dumps()) {
        (void)fprintf(stderr, "patd: core dumps cannot be switched off\n");
        return EX_OSERR;
    }
    raise_descriptor_limit(conf);
    if (listeners_open(conf, &listeners, &diag) != PAT_OK ||
        pat_daemon_drop_root("patd", "user", conf->user, &diag) != PAT_OK) {
        (void)fprintf(stderr, "%s: %s\n", args->conf_path, diag.text);
        listeners_unlink(&listeners);
        return EX_CONFIG;
    }
    if (!args->foreground && daemon(0, 0) != 0) {
        (void)fprintf(stderr, "patd: cannot go to the background\n");
        listeners_unlink(&listeners);
        return EX_OSERR;
    }
    log_open(args->foreground);
    block_signals();
    check_reload();
    if (settings_install(conf) != PAT_OK)
        return EX_OSERR;
    s = settings_acquire(); /* what only a start can change, and the sockets' paths */
    rc = serve(&s->conf);
    listeners_unlink(&listeners);
    if (rc != EX_OK)
        _exit(rc); /* the threads that could be started still use all the rest */
    settings_release(s);
    settings_drop();
    return rc;
}

static char *
absolute_path(const char *path)
{
    char *dir = path[0] != '/' ? getcwd(NULL, 0) : NULL, *absolute = NULL;

    if (path[0] == '/')
        return strdup(path);
    if (dir != NULL && asprintf(&absolute, "%s/%s", dir, path) < 0)
        absolute = NULL;
    free(dir);
    return absolute;
}

int
main(int argc, char **argv)
{
    struct args args = {0};
    struct pat_conf conf = {0};
    struct pat_diag diag = {0};
    int rc;

    if (!read_args(argc, argv, &args)) {
        usage(stderr);
        return EX_USAGE;
    }
    if (args.print_defaults) {
        print_defaults();
        return EX_OK;
    }
    /* No ldap.conf, no .ldaprc, no LDAP* variable: patd.conf alone decides. */
    if (setenv("LDAPNOINIT", "1", 1) != 0)
        return EX_OSERR;
    if (pat_conf_load(args.conf_path, &conf, &diag) != PAT_OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return EX_CONFIG;
    }
    if (args.test_only) {
        pat_conf_clear(&conf);
        return EX_OK;
    }
    conf_path = absolute_path(args.conf_path);
    rc = conf_path != NULL ? start(&args, &conf) : EX_OSERR;
    pat_conf_clear(&conf);
    free(conf_path);
    return rc;
}
