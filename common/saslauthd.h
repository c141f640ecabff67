/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * saslauthd.h - the messages of saslauthd's protocol, which libsasl2 speaks
 *
 * Programs that call sasl_checkpass(3) send them to a unix stream socket. A request is
 * four strings, user, password, service and realm, each
 *
 *     length (2 bytes, big-endian)  bytes
 *
 * and the answer is one such string, which begins with OK or NO. There is one of each on
 * a connection. No password ever holds a NUL, for libsasl2 measures with strlen(3).
 *
 * The protocol has no word for "unavailable". An answer of length 0 makes libsasl2
 * return SASL_FAIL, where NO makes it return SASL_BADAUTH. A mere hang-up would do the
 * same, but at each of those libsasl2 2.1.28 forgets to close its descriptor.
 *
 * libc alone; nothing allocates or blocks. Nothing here reads past `len`.
 */
#ifndef PAT_SASLAUTHD_H
#define PAT_SASLAUTHD_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "error.h"
#include "proto.h"
#include "request.h"

/* Of an answer: its length, and all the text that libsasl2 has room for. */
#define PAT_SASLAUTHD_ANSWER_MAX (2 + 1023)

/* Not NUL-terminated; points into the message. */
struct pat_saslauthd_string {
    const char *data;
    size_t len;
};

struct pat_saslauthd_request {
    struct pat_saslauthd_string user, password, service, realm;
};

/*
 * How long is the request that begins with these `have` bytes?
 * Sets *ret_len to the whole length, or to 0 while its last string has not begun.
 * PAT_ERR_MALFORMED as soon as it cannot fit into PAT_MSG_MAX.
 */
PAT_MUST_USE enum pat_err pat_saslauthd_frame(
    const void *data, size_t have, size_t *ret_len);

/*
 * Decode one whole request; strings may be empty.
 * PAT_ERR_MALFORMED: it is not just four strings, there is a NUL in one of them, or the
 * service is longer than PAT_SERVICE_MAX.
 */
PAT_MUST_USE enum pat_err pat_saslauthd_decode(
    const void *data, size_t len, struct pat_saslauthd_request *ret);

/*
 * The login name that is meant: USER, or USER@REALM where there is a realm. libsasl2 cuts
 * such names at the last @ in order to send them.
 * PAT_ERR_USER: there is no user, or the name is longer than PAT_USER_MAX: nobody's.
 */
PAT_MUST_USE enum pat_err pat_saslauthd_login(
    const struct pat_saslauthd_request *req, char ret_login[PAT_USER_MAX + 1]);

/* "" where there is none. */
void pat_saslauthd_service(
    const struct pat_saslauthd_request *req, char ret_service[PAT_SERVICE_MAX + 1]);

/* OK; NO, and nothing of why; or what stands for "unavailable", see above. */
void pat_saslauthd_encode_answer(enum pat_err status, struct pat_msg *ret_msg);

/*
 * How long is the answer that begins with these `have` bytes? Sets *ret_len to the whole
 * length, or to 0 while that is not known, and *ret_accepted to what a whole one says.
 * PAT_ERR_MALFORMED: not OK and not NO, or longer than PAT_SASLAUTHD_ANSWER_MAX.
 */
PAT_MUST_USE enum pat_err pat_saslauthd_frame_answer(
    const void *data, size_t have, size_t *ret_len, bool *ret_accepted);

#endif
