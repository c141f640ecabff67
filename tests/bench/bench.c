/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench - what a verification costs, in units of a bare one
 *
 * usage: bench [-u UID] CONF PAM-CONFDIR USER ROUNDS BATCH PAMHOST [NAME COMMAND]...
 *              <TOKEN-LINES
 *
 * F is the floor: a bare libldap loop over the first URI of CONF that does two searches
 * one after the other on a warm connection, by patHash and by member. The others are
 * measured in turn with it, BATCH of each and then the next, ROUNDS times, so that a
 * machine whose speed drifts does so for all. Printed are the median of a batch's mean
 * per operation, in microseconds, and its ratio to F.
 *
 * PAM is pam_start, authenticate, acct_mgmt and pam_end in a process that has libcrypto,
 * as sshd has (pamhost.c), or in a child of it, from fork(2) to wait(2).
 *
 * Each COMMAND, one for the shell, is measured under its NAME, too: it reads a number of
 * times from a line and answers with the nanoseconds that they took (saslhost.c).
 */
#include <fcntl.h>
#include <grp.h>
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "conf.h"
#include "deadline.h"
#include "secret.h"
#include "token.h"
#include "verify.h"

#define ROUNDS_MAX 1000
#define OTHERS_MAX 5000
#define MORE_MAX   8

/* A process that takes orders on a line each, and says itself how long they took. */
struct host {
    FILE *in, *out;
};

static struct {
    struct pat_conf conf;
    const char *user;
    struct host pam;
    char token[512];
    size_t token_len;
    char *others[OTHERS_MAX];
    size_t other_count, next_other;
    char owner_dn[256], org_dn[256];
    LDAP *ld;
    struct pat_ctx *ctx;
    int echo_fd;
} b;

static void
die(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* The floor */

static void
floor_open(void)
{
    int version = LDAP_VERSION3;
    char none[1] = "";
    struct berval cred = {0, none};

    if (ldap_initialize(&b.ld, b.conf.uri[0]) != LDAP_SUCCESS)
        die("ldap_initialize");
    (void)ldap_set_option(b.ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    if (ldap_sasl_bind_s(b.ld, "", "EXTERNAL", &cred, NULL, NULL, NULL) != LDAP_SUCCESS)
        die("bind");
}

static LDAPMessage *
floor_search(const char *base, const char *filter, char *attr)
{
    char *attrs[] = {attr, NULL};
    LDAPMessage *msg = NULL;

    if (ldap_search_ext_s(b.ld, base, LDAP_SCOPE_SUBTREE, filter, attrs, 0, NULL, NULL,
            NULL, 0, &msg) != LDAP_SUCCESS ||
        ldap_count_entries(b.ld, msg) != 1)
        die("floor: search");
    return msg;
}

static void
run_floor(void)
{
    char filter[512];
    char owner_attr[] = "patOwner", role_attr[] = "patRole";
    struct pat_hash hash = {0};
    struct berval **vals;
    LDAPMessage *msg;

    if (pat_token_hash(b.token, b.token_len, &hash) != PAT_OK)
        die("hash");
    (void)snprintf(filter, sizeof(filter), "(patHash=%s)", hash.hex);
    msg = floor_search(b.conf.base, filter, owner_attr);
    vals = ldap_get_values_len(b.ld, ldap_first_entry(b.ld, msg), owner_attr);
    if (vals == NULL)
        die("floor: no owner");
    (void)snprintf(filter, sizeof(filter), "(&(member=%.*s)(objectClass=patRoleGroup))",
        (int)vals[0]->bv_len, vals[0]->bv_val);
    ldap_value_free_len(vals);
    (void)ldap_msgfree(msg);
    (void)ldap_msgfree(floor_search(b.org_dn, filter, role_attr));
}

/* A unix socket to a process that answers from memory */

static void
echo_open(void)
{
    int pair[2];
    char buf[256];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        die("socketpair");
    b.echo_fd = pair[0];
    if (fork() == 0) {
        (void)close(pair[0]);
        while (read(pair[1], buf, sizeof(buf)) > 0)
            if (write(pair[1], buf, 64) != 64)
                break;
        _exit(0);
    }
    (void)close(pair[1]);
}

static void
run_echo(void)
{
    char buf[256] = {0};
    struct pat_hash hash = {0};

    if (pat_token_hash(b.token, b.token_len, &hash) != PAT_OK ||
        write(b.echo_fd, hash.hex, 64) != 64 || read(b.echo_fd, buf, sizeof(buf)) != 64)
        die("ping-pong");
}

/* Ours */

static void
run_core(void)
{
    struct pat_request req = {.user = b.user, .service = "bench", .source = "192.0.2.1"};

    if (pat_verify(b.ctx, &req, b.token, b.token_len, (int64_t)time(NULL),
            pat_deadline_in_ms(3000), NULL, NULL) != PAT_OK)
        die("pat_verify");
}

/* Tokens in turn: nothing that was kept of one can help with the next. */
static void
run_core_others(void)
{
    struct pat_request req = {.user = b.user, .service = "bench", .source = "192.0.2.1"};
    const char *token = b.others[b.next_other++ % b.other_count];

    if (pat_verify(b.ctx, &req, token, strlen(token), (int64_t)time(NULL),
            pat_deadline_in_ms(3000), NULL, NULL) != PAT_OK)
        die("pat_verify of another token");
}

static void
run_client(void)
{
    struct pat_request req = {.user = b.user, .service = "bench", .source = "192.0.2.1"};
    struct pat_identity id;

    if (pat_client_verify(
            b.conf.socket[0], &req, b.token, b.token_len, 3000, &id, NULL) != PAT_OK)
        die("pat_client_verify");
}

/* With its end of two pipes as standard input and output. */
static void
host_open(struct host *host, char *const argv[])
{
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        die("pipe");
    if (fork() == 0) {
        (void)dup2(to[0], STDIN_FILENO);
        (void)dup2(from[1], STDOUT_FILENO);
        (void)execv(argv[0], argv);
        _exit(127);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    host->in = fdopen(to[1], "w");
    host->out = fdopen(from[0], "r");
    if (host->in == NULL || host->out == NULL)
        die("no memory");
}

static void
open_pamhost(char *program, char *pam_dir, char *user)
{
    char *argv[] = {program, pam_dir, user, NULL};

    host_open(&b.pam, argv);
    (void)fprintf(b.pam.in, "%s\n", b.token);
}

static void
open_command(struct host *host, char *command)
{
    char shell[] = "/bin/sh", option[] = "-c";
    char *argv[] = {shell, option, command, NULL};

    host_open(host, argv);
}

static int64_t
host_run(const struct host *host, const char *order, int count)
{
    char line[64];

    (void)fprintf(host->in, "%s%s%d\n", order, order[0] != '\0' ? " " : "", count);
    (void)fflush(host->in);
    if (fgets(line, sizeof(line), host->out) == NULL)
        die("a login failed in another process");
    return strtoll(line, NULL, 10);
}

struct subject {
    const char *name;
    void (*run)(void);
    const char *order; /* to pamhost, instead */
    struct host host;  /* or to another */
};

static struct subject subjects[10 + MORE_MAX] = {
    {"F: bare libldap, two searches", run_floor, NULL, {NULL, NULL}},
    {"SHA-256 and a unix ping-pong", run_echo, NULL, {NULL, NULL}},
    {"verify inside patd, one token", run_core, NULL, {NULL, NULL}},
    {"verify inside patd, another each time", run_core_others, NULL, {NULL, NULL}},
    {"client, patd, directory", run_client, NULL, {NULL, NULL}},
    {"PAM in one process", NULL, "stay pat", {NULL, NULL}},
    {"PAM in a forked child", NULL, "fork pat", {NULL, NULL}},
    {"pam_permit in a forked child", NULL, "fork permit", {NULL, NULL}},
    {"pam_authenticate alone, forked", NULL, "auth pat", {NULL, NULL}},
    {"pam_permit's alone, forked", NULL, "auth permit", {NULL, NULL}},
};
#define SUBJECTS_MAX (sizeof(subjects) / sizeof(subjects[0]))

static size_t subject_count = SUBJECTS_MAX - MORE_MAX;

static int
compare(const void *x, const void *y)
{
    double a = *(const double *)x, c = *(const double *)y;

    return (a > c) - (a < c);
}

static double
median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), compare);
    return v[n / 2];
}

static int64_t
run_batch(const struct subject *s, int batch)
{
    int64_t began = pat_monotonic_ns();

    if (s->host.in != NULL)
        return host_run(&s->host, "", batch);
    if (s->order != NULL)
        return host_run(&b.pam, s->order, batch);
    for (int i = 0; i < batch; i++)
        s->run();
    return pat_monotonic_ns() - began;
}

static void
measure(size_t rounds, int batch)
{
    static double us[SUBJECTS_MAX][ROUNDS_MAX], ratio[SUBJECTS_MAX][ROUNDS_MAX];

    for (size_t s = 0; s < subject_count; s++)
        (void)run_batch(&subjects[s], batch); /* warm */
    for (size_t r = 0; r < rounds; r++)
        for (size_t s = 0; s < subject_count; s++) {
            us[s][r] = (double)run_batch(&subjects[s], batch) / 1e3 / batch;
            ratio[s][r] = us[s][r] / us[0][r];
        }
    printf("%-40s %10s %8s\n", "", "us", "/ F");
    for (size_t s = 0; s < subject_count; s++)
        printf("%-40s %10.1f %8.2f\n", subjects[s].name, median(us[s], rounds),
            median(ratio[s], rounds));
}

static void
read_others(void)
{
    char line[512];

    while (b.other_count < OTHERS_MAX && fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        b.others[b.other_count] = strdup(line);
        if (b.others[b.other_count++] == NULL)
            die("no memory");
    }
    if (b.other_count == 0)
        die("there must be more than one token");
}

/* Pairs of NAME and COMMAND; what is started has to be so before we change the user. */
static void
open_more(char **argv, int count)
{
    if (count % 2 != 0 || count / 2 > MORE_MAX)
        die("NAME and COMMAND belong together, and are 8 pairs at most");
    for (; count > 0; count -= 2, argv += 2) {
        struct subject *s = &subjects[subject_count++];

        s->name = argv[0];
        open_command(&s->host, argv[1]);
    }
}

int
main(int argc, char **argv)
{
    struct pat_diag diag = {0};
    long rounds, batch, uid = 0;

    if (argc > 3 && strcmp(argv[1], "-u") == 0) {
        uid = strtol(argv[2], NULL, 10);
        argc -= 2;
        argv += 2;
    }
    if (argc < 7 || fgets(b.token, sizeof(b.token), stdin) == NULL)
        die("usage: bench [-u UID] CONF PAM-CONFDIR USER ROUNDS BATCH PAMHOST "
            "[NAME COMMAND]... <TOKEN-LINES");
    (void)setenv("LDAPNOINIT", "1", 1);
    b.token_len = strcspn(b.token, "\n");
    b.token[b.token_len] = '\0';
    b.user = argv[3];
    rounds = strtol(argv[4], NULL, 10);
    batch = strtol(argv[5], NULL, 10);
    if (rounds < 1 || rounds > ROUNDS_MAX || batch < 1)
        die("ROUNDS or BATCH out of range");
    read_others();
    if (pat_conf_load(argv[1], &b.conf, &diag) != PAT_OK)
        die(diag.text);
    (void)snprintf(b.org_dn, sizeof(b.org_dn), "o=acme,%s", b.conf.base);
    if (pat_ctx_new(&b.conf, NULL, &b.ctx) != PAT_OK)
        die("no memory");
    open_pamhost(argv[6], argv[2], argv[3]);
    open_more(argv + 7, argc - 7);
    if (uid > 0 &&
        (setgroups(0, NULL) != 0 || setgid((gid_t)uid) != 0 || setuid((uid_t)uid) != 0))
        die("cannot become the user of -u");
    floor_open();
    echo_open();
    measure((size_t)rounds, (int)batch);

    (void)ldap_unbind_ext(b.ld, NULL, NULL);
    pat_ctx_free(b.ctx);
    pat_conf_clear(&b.conf);
    pat_secret_erase(b.token, sizeof(b.token));
    return 0;
}
