/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench - what things cost, measured in turn, in units of the first of them
 *
 * usage: bench [-u UID] ROUNDS BATCH-MS {NAME KIND ARG USER TOKENS-FILE}...
 *
 * The subjects are measured in turn, each for about BATCH-MS and then the next, ROUNDS
 * times, so that a machine whose speed drifts does so for all; in another order each
 * time, since it matters what ran just before. Of each a line is printed, with tabs
 * between: NAME, the median of a batch's microseconds per operation, the median of its
 * ratio to the first subject's batch of the same round, and that ratio's quartiles.
 *
 * KIND is one of
 *   floor    a bare libldap loop: floor.h. ARG is a patd.conf, here and below.
 *   echo     SHA-256 and a ping-pong over a unix socket with a process that answers
 *            from memory
 *   verify   pat_verify() by the first token of TOKENS-FILE
 *   others   the same by all of its tokens in turn, one each time
 *   client   pat_client_verify() by the first: a connection, patd, the directory
 *   writes   the same, with a pause after each batch that is not measured: what patd
 *            writes after its answers is no burden of the next
 *   host     ARG is a command for the shell, that reads a number of times from a line and
 *            answers with the nanoseconds that they took: pamhost.c, saslhost.c
 * USER and TOKENS-FILE are "-" where the kind has no use for them. A token is a line.
 *
 * With -u it becomes that user, when all files are read and all commands are started.
 */
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "conf.h"
#include "deadline.h"
#include "floor.h"
#include "secret.h"
#include "token.h"
#include "verify.h"

#define ROUNDS_MAX   1000
#define SUBJECTS_MAX 40
#define TOKENS_MAX   20000
#define TOKEN_SIZE   512
#define FIELDS       5
#define TIMEOUT_MS   10000
#define PAUSE_US     150000

struct subject {
    const char *name;
    void (*run)(struct subject *s);
    const char *user;
    char **tokens;
    size_t token_count, next;
    struct pat_conf conf;
    struct floor floor;
    struct pat_ctx *ctx;
    int echo_fd;
    FILE *in, *out; /* of a command */
    int batch;      /* operations at a time */
    bool pauses;    /* after each batch */
    double us[ROUNDS_MAX], ratio[ROUNDS_MAX];
};

static struct subject subjects[SUBJECTS_MAX];
static size_t subject_count;

/* --- what is measured --- */

static void
run_floor(struct subject *s)
{
    floor_verify(&s->floor, s->tokens[0], strlen(s->tokens[0]));
}

static void
run_echo(struct subject *s)
{
    char buf[256] = {0};
    struct pat_hash hash = {0};

    if (pat_token_hash(s->tokens[0], strlen(s->tokens[0]), &hash) != PAT_OK ||
        write(s->echo_fd, hash.hex, 64) != 64 || read(s->echo_fd, buf, sizeof(buf)) != 64)
        bench_die("ping-pong");
}

static void
verify(struct subject *s, const char *token)
{
    struct pat_request req = {.user = s->user, .service = "bench", .source = "192.0.2.1"};
    struct pat_diag diag = {0};

    if (pat_verify(s->ctx, &req, token, strlen(token), (int64_t)time(NULL),
            pat_deadline_in_ms(TIMEOUT_MS), NULL, &diag) != PAT_OK)
        bench_die(diag.text);
}

static void
run_verify(struct subject *s)
{
    verify(s, s->tokens[0]);
}

static void
run_others(struct subject *s)
{
    verify(s, s->tokens[s->next++ % s->token_count]);
}

static void
ask(struct subject *s, const char *token)
{
    struct pat_request req = {.user = s->user, .service = "bench", .source = "192.0.2.1"};
    struct pat_identity id;

    if (pat_client_verify(s->conf.socket[0], &req, token, strlen(token), TIMEOUT_MS, &id,
            NULL) != PAT_OK)
        bench_die("pat_client_verify");
}

static void
run_client(struct subject *s)
{
    ask(s, s->tokens[0]);
}

/* --- making it ready --- */

static void
open_conf(struct subject *s, const char *path)
{
    struct pat_diag diag = {0};

    if (pat_conf_load(path, &s->conf, &diag) != PAT_OK)
        bench_die(diag.text);
}

static void
open_tokens(struct subject *s, const char *path)
{
    char line[TOKEN_SIZE];
    FILE *f = fopen(path, "r");

    s->tokens = calloc(TOKENS_MAX, sizeof(*s->tokens));
    if (f == NULL || s->tokens == NULL)
        bench_die(path);
    (void)setvbuf(f, NULL, _IONBF, 0);
    while (s->token_count < TOKENS_MAX && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        s->tokens[s->token_count] = strdup(line);
        if (s->tokens[s->token_count++] == NULL)
            bench_die("no memory");
    }
    (void)fclose(f);
    pat_secret_erase(line, sizeof(line));
    if (s->token_count == 0)
        bench_die("a file of tokens is empty");
}

static void
open_echo(struct subject *s)
{
    int pair[2];
    char buf[256];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        bench_die("socketpair");
    s->echo_fd = pair[0];
    if (fork() == 0) {
        (void)close(pair[0]);
        while (read(pair[1], buf, sizeof(buf)) > 0)
            if (write(pair[1], buf, 64) != 64)
                break;
        _exit(0);
    }
    (void)close(pair[1]);
}

/* With its end of two pipes as standard input and output. */
static void
open_command(struct subject *s, char *command)
{
    char shell[] = "/bin/sh", option[] = "-c";
    char *argv[] = {shell, option, command, NULL};
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        bench_die("pipe");
    if (fork() == 0) {
        (void)dup2(to[0], STDIN_FILENO);
        (void)dup2(from[1], STDOUT_FILENO);
        (void)execv(argv[0], argv);
        _exit(127);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    s->in = fdopen(to[1], "w");
    s->out = fdopen(from[0], "r");
    if (s->in == NULL || s->out == NULL)
        bench_die("no memory");
}

static const struct kind {
    const char *name;
    void (*run)(struct subject *s); /* NULL: a command */
    bool has_conf;
} kinds[] = {
    {"floor", run_floor, true},
    {"echo", run_echo, false},
    {"verify", run_verify, true},
    {"others", run_others, true},
    {"client", run_client, true},
    {"writes", run_client, true},
    {"host", NULL, false},
};

static const struct kind *
find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    bench_die("there is no such kind");
}

static void
open_subject(struct subject *s, char *fields[])
{
    const struct kind *kind = find_kind(fields[1]);

    s->name = fields[0];
    s->run = kind->run;
    s->pauses = strcmp(kind->name, "writes") == 0;
    s->user = fields[3];
    if (kind->run == NULL) {
        open_command(s, fields[2]);
        return;
    }
    if (kind->has_conf)
        open_conf(s, fields[2]);
    open_tokens(s, fields[4]);
}

/* What connects, and so has to be the user that measures. */
static void
connect_subject(struct subject *s)
{
    if (s->run == run_floor)
        floor_open(&s->floor, &s->conf);
    else if (s->run == run_echo)
        open_echo(s);
    else if ((s->run == run_verify || s->run == run_others) &&
             pat_ctx_new(&s->conf, NULL, &s->ctx) != PAT_OK)
        bench_die("no memory");
}

static void
close_subject(struct subject *s)
{
    if (s->run == run_floor)
        floor_close(&s->floor);
    pat_ctx_free(s->ctx);
    pat_conf_clear(&s->conf);
    for (size_t i = 0; i < s->token_count; i++) {
        pat_secret_erase(s->tokens[i], strlen(s->tokens[i]));
        free(s->tokens[i]);
    }
    free(s->tokens);
}

/* --- measuring --- */

static int64_t
run_command(const struct subject *s, int count)
{
    char line[64];

    (void)fprintf(s->in, "%d\n", count);
    (void)fflush(s->in);
    if (fgets(line, sizeof(line), s->out) == NULL) {
        (void)fprintf(stderr, "bench: in \"%s\" a login failed\n", s->name);
        exit(1);
    }
    return strtoll(line, NULL, 10);
}

static int64_t
run_batch(struct subject *s, int count)
{
    int64_t began = pat_monotonic_ns();

    if (s->run == NULL)
        return run_command(s, count);
    for (int i = 0; i < count; i++)
        s->run(s);
    return pat_monotonic_ns() - began;
}

/* Warm it, and find out how many are a batch. */
static void
calibrate(struct subject *s, int64_t batch_ns)
{
    int64_t one_ns;

    (void)run_batch(s, 2);
    one_ns = run_batch(s, 3) / 3;
    s->batch = one_ns > 0 ? (int)(batch_ns / one_ns) : 1;
    if (s->batch < 1)
        s->batch = 1;
}

static int
compare(const void *x, const void *y)
{
    double a = *(const double *)x, c = *(const double *)y;

    return (a > c) - (a < c);
}

static void
report(struct subject *s, size_t rounds)
{
    qsort(s->us, rounds, sizeof(s->us[0]), compare);
    qsort(s->ratio, rounds, sizeof(s->ratio[0]), compare);
    printf("%s\t%.1f\t%.3f\t%.3f\t%.3f\n", s->name, s->us[rounds / 2],
        s->ratio[rounds / 2], s->ratio[rounds / 4], s->ratio[rounds * 3 / 4]);
}

/* Fisher and Yates; the same orders in each run. */
static void
shuffle(size_t order[], size_t n)
{
    for (; n > 1; n--) {
        size_t other = (size_t)random() % n, kept = order[n - 1];

        order[n - 1] = order[other];
        order[other] = kept;
    }
}

static void
measure(size_t rounds, int64_t batch_ns)
{
    size_t order[SUBJECTS_MAX] = {0};

    for (size_t i = 0; i < subject_count; i++) {
        order[i] = i;
        calibrate(&subjects[i], batch_ns);
    }
    for (size_t r = 0; r < rounds; r++) {
        shuffle(order, subject_count);
        for (size_t i = 0; i < subject_count; i++) {
            struct subject *s = &subjects[order[i]];

            s->us[r] = (double)run_batch(s, s->batch) / 1e3 / s->batch;
            if (s->pauses)
                (void)usleep(PAUSE_US);
        }
        for (size_t i = 0; i < subject_count; i++)
            subjects[i].ratio[r] = subjects[i].us[r] / subjects[0].us[r];
    }
    for (size_t i = 0; i < subject_count; i++)
        report(&subjects[i], rounds);
}

int
main(int argc, char **argv)
{
    long rounds, batch_ms, uid = 0;

    if (argc > 2 && strcmp(argv[1], "-u") == 0) {
        uid = strtol(argv[2], NULL, 10);
        argc -= 2;
        argv += 2;
    }
    if (argc < 3 + FIELDS || (argc - 3) % FIELDS != 0 ||
        (argc - 3) / FIELDS > SUBJECTS_MAX)
        bench_die("usage: bench [-u UID] ROUNDS BATCH-MS "
                  "{NAME KIND ARG USER TOKENS-FILE}...");
    (void)setenv("LDAPNOINIT", "1", 1);
    rounds = strtol(argv[1], NULL, 10);
    batch_ms = strtol(argv[2], NULL, 10);
    if (rounds < 1 || rounds > ROUNDS_MAX || batch_ms < 1)
        bench_die("ROUNDS or BATCH-MS out of range");
    for (argv += 3; *argv != NULL; argv += FIELDS)
        open_subject(&subjects[subject_count++], argv);
    if (uid > 0 &&
        (setgroups(0, NULL) != 0 || setgid((gid_t)uid) != 0 || setuid((uid_t)uid) != 0))
        bench_die("cannot become the user of -u");
    for (size_t i = 0; i < subject_count; i++)
        connect_subject(&subjects[i]);
    measure((size_t)rounds, batch_ms * 1000000);
    for (size_t i = 0; i < subject_count; i++)
        close_subject(&subjects[i]);
    return 0;
}
