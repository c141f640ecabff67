/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floorload - what a directory gives to bare loops at once, as patload does of patd
 *
 * usage: floorload [-u UID] CONF CONNECTIONS REQUESTS <TOKEN-LINE
 *
 * CONNECTIONS threads, each with a connection of its own, verify together REQUESTS times
 * as floor.h does. Prints "rate: N/s".
 */
#include <grp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "floor.h"
#include "secret.h"

#define CONNECTIONS_MAX 256

static struct {
    struct pat_conf conf;
    char token[512];
    size_t token_len;
    long requests;
    atomic_long next;
    pthread_barrier_t ready;
} load;

static void *
connection_thread(void *arg)
{
    struct floor f;

    (void)arg;
    floor_open(&f, &load.conf);
    (void)pthread_barrier_wait(&load.ready);
    while (atomic_fetch_add(&load.next, 1) < load.requests)
        floor_verify(&f, load.token, load.token_len);
    floor_close(&f);
    return NULL;
}

int
main(int argc, char **argv)
{
    pthread_t threads[CONNECTIONS_MAX];
    struct pat_diag diag = {0};
    long connections, uid = 0;
    int64_t began;

    if (argc > 2 && strcmp(argv[1], "-u") == 0) {
        uid = strtol(argv[2], NULL, 10);
        argc -= 2;
        argv += 2;
    }
    if (argc != 4 || fgets(load.token, sizeof(load.token), stdin) == NULL)
        bench_die("usage: floorload [-u UID] CONF CONNECTIONS REQUESTS <TOKEN-LINE");
    (void)setenv("LDAPNOINIT", "1", 1);
    load.token_len = strcspn(load.token, "\n");
    connections = strtol(argv[2], NULL, 10);
    load.requests = strtol(argv[3], NULL, 10);
    if (connections < 1 || connections > CONNECTIONS_MAX || load.requests < 1)
        bench_die("CONNECTIONS or REQUESTS out of range");
    if (pat_conf_load(argv[1], &load.conf, &diag) != PAT_OK)
        bench_die(diag.text);
    if (uid > 0 &&
        (setgroups(0, NULL) != 0 || setgid((gid_t)uid) != 0 || setuid((uid_t)uid) != 0))
        bench_die("cannot become the user of -u");
    (void)pthread_barrier_init(&load.ready, NULL, (unsigned)connections + 1);
    for (long i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, connection_thread, NULL) != 0)
            bench_die("pthread_create");
    (void)pthread_barrier_wait(&load.ready);
    began = pat_monotonic_ns();
    for (long i = 0; i < connections; i++)
        (void)pthread_join(threads[i], NULL);
    printf("rate: %.0f/s\n",
        (double)load.requests / ((double)(pat_monotonic_ns() - began) / 1e9));
    pat_secret_erase(load.token, sizeof(load.token));
    pat_conf_clear(&load.conf);
    return 0;
}
