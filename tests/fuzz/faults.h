/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faults.h - a bad world for a whole module: calls that fail, and a patd that says
 * anything
 *
 * The linker sends the module's calls of libc here (--wrap, in `run`). While the module
 * runs, which the harness tells by `armed`, each of them takes the next bit of the input,
 * and fails where it is set; those calls of the host that the harness plays do the same
 * by faults_hit(). What patd would have said is part of the input, too.
 *
 * Memory that the module gives back must hold no piece of TOKEN or PASSWORD, which the
 * harness gives it and erases from its own.
 *
 * Order of use, for each input: faults_begin(), the module, faults_end().
 */
#ifndef PAT_TEST_FAULTS_H
#define PAT_TEST_FAULTS_H

#include "fuzz.h"
#include "proto.h"

#define TOKEN    "rhp_Abcdefghijklmnopqrstuvwxyz0123453S6DLx"
#define PASSWORD "correct horse"

#define FAULTS_SIZE 16 /* bytes of the input, a bit for each call */

struct faults {
    bool armed;
    const uint8_t *bits;
    size_t calls, hits;
    bool pieces; /* little by little is sent and received */
    const uint8_t *answer;
    size_t answer_len, received;
    bool told; /* a secret stands in the answer: it may come from there */
    uint8_t request[PAT_MSG_MAX];
    size_t request_len;
    int sockets; /* that were made */
    int open;    /* those of them that were not closed */
    long blocks; /* of memory that were not given back */
};

/* Of each thread: the fuzzer's own threads run through the same calls. */
extern _Thread_local struct faults faults;

/* `bits` are FAULTS_SIZE bytes. All is borrowed. */
void faults_begin(
    const uint8_t *bits, bool pieces, const uint8_t *answer, size_t answer_len);

/* Is it this call's turn to fail? Then with an errno that is one of the usual. */
bool faults_hit(void);

/* Do the bytes hold a piece of TOKEN or PASSWORD, which patd has not told? */
bool faults_tell(const void *p, size_t len);

/* The request was sent, whole, and what came back, whole, accepts it. */
void faults_accepted(struct pat_proto_request *ret_request, struct pat_identity *ret_id);

/* Nothing was lost. */
void faults_end(void);

#endif
