/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor.h - findings, and the checks that make them
 *
 * Each check says one or more findings, in the order in which they are to be read.
 */
#ifndef PATCTL_DOCTOR_H
#define PATCTL_DOCTOR_H

#include <stdbool.h>

#include "attr.h"
#include "conf.h"
#include "deadline.h"

struct doctor {
    bool wrong, unknown; /* was there such a finding? */
    bool coloured;
};

/* Texts are made fit for a terminal. */
void doctor_ok(struct doctor *d, const char *fmt, ...) PAT_PRINTF(2, 3);
/* What is wrong, and what to do. */
void doctor_wrong(struct doctor *d, const char *fmt, ...) PAT_PRINTF(2, 3);
/* What could not be checked, and why. */
void doctor_unknown(struct doctor *d, const char *fmt, ...) PAT_PRINTF(2, 3);

/*
 * The services whose stacks have pam_pat.so: those in `directory`, or, if it is NULL, in
 * the usual directories. `root` stands before every absolute path, and may be "".
 */
void doctor_pam(struct doctor *d, const char *root, const char *directory);

/*
 * Overlay and indexes, from cn=config of the servers that are reached by ldapi://, as the
 * user that runs this: root, mostly.
 */
void doctor_config(struct doctor *d, const struct pat_conf *conf);

/* Each server, as patd would use it. */
void doctor_servers(struct doctor *d, const struct pat_conf *conf);

/* The sockets of patd. */
void doctor_sockets(struct doctor *d, const struct pat_conf *conf);

/*
 * Why would the certificate of the server at `uri` not be accepted? False: it would be,
 * or there is no telling. Else "the certificate ...".
 */
PAT_MUST_USE bool doctor_certificate(const struct pat_conf *conf, const char *uri,
    struct pat_deadline deadline, char *ret, size_t size);

#endif
