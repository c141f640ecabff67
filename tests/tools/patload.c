/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patload - many clients of patd at once
 *
 * usage: patload [-k] SOCKET CLIENTS REQUESTS USER <TOKEN-LINE
 *
 * CLIENTS threads together ask REQUESTS times whether the token is USER's, on a
 * connection each time, or with -k each thread on one that it keeps. Prints how many
 * answers of each kind came, the requests per second, and the latency's p50, p99 and
 * maximum in microseconds. Exit status 0 if all were accepted, 1 if not, 2 if it could
 * not begin.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "deadline.h"
#include "secret.h"

#define CLIENTS_MAX 1024
#define TIMEOUT_MS  (10 * PAT_TIMEOUT_MS_DEFAULT)

static struct {
    const char *socket, *user;
    char token[512];
    size_t token_len;
    long requests;
    bool keeps;
    atomic_long next;
    atomic_long answers[PAT_ERR_COUNT];
    int64_t *took_ns;
} load;

static enum pat_err
ask(struct pat_client *kept, const struct pat_request *req, struct pat_identity *id)
{
    if (load.keeps)
        return pat_client_ask(
            kept, load.socket, req, load.token, load.token_len, TIMEOUT_MS, id, NULL);
    return pat_client_verify(
        load.socket, req, load.token, load.token_len, TIMEOUT_MS, id, NULL);
}

static void *
client_thread(void *arg)
{
    struct pat_request req = {
        .user = load.user, .service = "load", .source = "192.0.2.1"};
    struct pat_client kept;
    long i;

    (void)arg;
    pat_client_init(&kept);
    while ((i = atomic_fetch_add(&load.next, 1)) < load.requests) {
        struct pat_identity id;
        int64_t began = pat_monotonic_ns();
        enum pat_err err = ask(&kept, &req, &id);

        load.took_ns[i] = pat_monotonic_ns() - began;
        (void)atomic_fetch_add(&load.answers[err], 1);
    }
    pat_client_clear(&kept);
    return NULL;
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void
report(int64_t total_ns)
{
    size_t n = (size_t)load.requests;

    for (int e = 0; e < PAT_ERR_COUNT; e++)
        if (atomic_load(&load.answers[e]) > 0)
            printf("%s: %ld\n", pat_strerror((enum pat_err)e),
                atomic_load(&load.answers[e]));
    qsort(load.took_ns, n, sizeof(load.took_ns[0]), compare);
    printf("rate: %.0f/s\n", (double)load.requests / ((double)total_ns / 1e9));
    printf("p50: %.0f us\np99: %.0f us\nmax: %.0f us\n",
        (double)load.took_ns[n / 2] / 1e3, (double)load.took_ns[n * 99 / 100] / 1e3,
        (double)load.took_ns[n - 1] / 1e3);
}

int
main(int argc, char **argv)
{
    pthread_t threads[CLIENTS_MAX];
    long clients, started = 0;
    int64_t began;

    load.keeps = argc > 1 && strcmp(argv[1], "-k") == 0;
    argc -= load.keeps;
    argv += load.keeps;
    if (argc != 5 || fgets(load.token, sizeof(load.token), stdin) == NULL)
        return 2;
    load.token_len = strcspn(load.token, "\n");
    load.socket = argv[1];
    clients = strtol(argv[2], NULL, 10);
    load.requests = strtol(argv[3], NULL, 10);
    load.user = argv[4];
    if (clients < 1 || clients > CLIENTS_MAX || load.requests < 1)
        return 2;
    load.took_ns = calloc((size_t)load.requests, sizeof(load.took_ns[0]));
    if (load.took_ns == NULL)
        return 2;

    began = pat_monotonic_ns();
    while (started < clients &&
           pthread_create(&threads[started], NULL, client_thread, NULL) == 0)
        started++;
    for (long i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    if (started < clients)
        return 2;
    report(pat_monotonic_ns() - began);
    free(load.took_ns);
    pat_secret_erase(load.token, sizeof(load.token));
    return atomic_load(&load.answers[PAT_OK]) == load.requests ? 0 : 1;
}
