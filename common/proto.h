/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto.h - the messages between patd and its clients, on a unix stream socket
 *
 * The client sends a request and reads one answer; it may then send another request on
 * the same connection. Both have one form:
 *
 *     "PAT1"  body length (4 bytes, big-endian)  body
 *
 * and the body is fields, in any order, each
 *
 *     tag (1 byte)  value length (2 bytes, big-endian)  value
 *
 * A string's value ends in one NUL and holds no other, so that it can be used in place.
 * Only the lists (org, role) may be repeated. A request with a field that patd does not
 * know is refused, for the field might be a limit; a client skips unknown fields of an
 * answer, for they can only add to it.
 *
 * A request to revoke is a token and nothing else. Its answer and that to a verification
 * cannot be taken for one another: each decoder demands of a success what only its own
 * kind has. A patd that cannot revoke hangs up on such a request, as on any other that it
 * does not know.
 *
 * libc alone; nothing allocates or blocks. Decoding never reads past `len`.
 */
#ifndef PAT_PROTO_H
#define PAT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "error.h"
#include "request.h"

#define PAT_MSG_HEADER_LEN 8
#define PAT_MSG_MAX        8192 /* header and body */

/* The token is in there: pat_msg_clear() as soon as it was sent. */
struct pat_msg {
    uint8_t data[PAT_MSG_MAX];
    size_t len;
};

enum pat_op {
    PAT_OP_VERIFY = 1,
    PAT_OP_REVOKE = 2,
};

/* A request as patd sees it. Everything points into the message that was decoded. */
struct pat_proto_request {
    enum pat_op op;
    const void *token;
    size_t token_len;
    /* How long the client will wait; 0 = it did not say. patd takes at least 50 ms. */
    uint32_t timeout_ms;
    bool last; /* nothing more comes: hang up after the answer */
    /* Of PAT_OP_VERIFY alone: */
    struct pat_request req;
    const char *orgs[PAT_LIST_MAX + 1];
    const char *roles[PAT_LIST_MAX + 1];
};

/*
 * How long is the message that begins with these `have` bytes?
 * Sets *ret_len to the whole length, or to 0 while the header is incomplete.
 * PAT_ERR_MALFORMED as soon as the bytes cannot become a message of ours.
 */
PAT_MUST_USE enum pat_err pat_proto_frame(const void *data, size_t have, size_t *ret_len);

/*
 * It will be the last on its connection: patd hangs up after the answer, which saves it
 * from being woken once more when the client does. PAT_ERR_MALFORMED: something is too
 * long to be sent, or a list too large.
 */
PAT_MUST_USE enum pat_err pat_proto_encode_request(const struct pat_request *req,
    const void *token, size_t token_len, uint32_t timeout_ms, struct pat_msg *ret_msg);

/* The same for a connection that more requests come on. */
PAT_MUST_USE enum pat_err pat_proto_encode_kept_request(const struct pat_request *req,
    const void *token, size_t token_len, uint32_t timeout_ms, struct pat_msg *ret_msg);

/* The same for a request to revoke. */
PAT_MUST_USE enum pat_err pat_proto_encode_revoke(
    const void *token, size_t token_len, uint32_t timeout_ms, struct pat_msg *ret_msg);

/*
 * Decode one whole message. *ret is overwritten, and holds pointers into itself: it must
 * not be copied. PAT_ERR_MALFORMED: anything at all is not as described above.
 */
PAT_MUST_USE enum pat_err pat_proto_decode_request(
    const void *data, size_t len, struct pat_proto_request *ret);

/* `identity` is sent with PAT_OK only, and may be NULL otherwise. */
PAT_MUST_USE enum pat_err pat_proto_encode_answer(
    enum pat_err status, const struct pat_identity *identity, struct pat_msg *ret_msg);

/*
 * *ret_identity is written when *ret_status is PAT_OK; then id, user, org and role are
 * all there. PAT_ERR_MALFORMED: not an answer of ours; nothing was written.
 */
PAT_MUST_USE enum pat_err pat_proto_decode_answer(const void *data, size_t len,
    enum pat_err *ret_status, struct pat_identity *ret_identity);

/* Both for the answer to a request to revoke. */
PAT_MUST_USE enum pat_err pat_proto_encode_revoked(enum pat_err status,
    const struct pat_revocation *revocation, struct pat_msg *ret_msg);
PAT_MUST_USE enum pat_err pat_proto_decode_revoked(const void *data, size_t len,
    enum pat_err *ret_status, struct pat_revocation *ret_revocation);

/*
 * The answer PAT_ERR_UNAVAIL to a request of either kind, which adds that no server was
 * asked, since patd was too busy. A client that does not know the addition takes it for
 * any PAT_ERR_UNAVAIL.
 */
PAT_MUST_USE enum pat_err pat_proto_encode_busy(struct pat_msg *ret_msg);

/* Returns whether the answer at `data`, of any kind, is that of a busy patd. */
bool pat_proto_answer_is_busy(const void *data, size_t len);

void pat_msg_clear(struct pat_msg *msg);

#endif
