/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patd's protocol, both sides: what was understood is understood the same once it is
 * written anew, and an answer to a verification is never one to a revocation.
 */
#include "fuzz.h"
#include "proto.h"

#define UNTOUCHED         0x55
#define TIMEOUT_FIELD_LEN (3 + 4) /* which is always written */

/* Of the bytes that come one by one the length is told once, and then does not change. */
static void
frames_steadily(const char *data, size_t size)
{
    size_t told = 0;
    enum pat_err err = PAT_OK;

    for (size_t have = 0; have <= size && have <= PAT_MSG_HEADER_LEN + 8U; have++) {
        size_t len = 0;
        enum pat_err now = pat_proto_frame(data, have, &len);

        MUST(err == PAT_OK || now == err);
        MUST(told == 0 || len == told);
        MUST(len <= PAT_MSG_MAX);
        err = now;
        told = now == PAT_OK ? len : 0;
    }
}

static bool
same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_list(const char *const *a, const char *const *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    for (; *a != NULL && *b != NULL; a++, b++)
        if (strcmp(*a, *b) != 0)
            return false;
    return *a == *b;
}

static enum pat_err
encode(const struct pat_proto_request *r, struct pat_msg *ret)
{
    if (r->op == PAT_OP_REVOKE)
        return pat_proto_encode_revoke(r->token, r->token_len, r->timeout_ms, ret);
    if (r->last)
        return pat_proto_encode_request(
            &r->req, r->token, r->token_len, r->timeout_ms, ret);
    return pat_proto_encode_kept_request(
        &r->req, r->token, r->token_len, r->timeout_ms, ret);
}

static void
reads_requests(const char *data, size_t size)
{
    struct pat_proto_request r, again;
    struct pat_msg msg;

    if (pat_proto_decode_request(data, size, &r) != PAT_OK)
        return;
    MUST((const char *)r.token >= data);
    MUST((const char *)r.token + r.token_len <= data + size);
    if (encode(&r, &msg) != PAT_OK) {
        MUST(size + TIMEOUT_FIELD_LEN + 3 > PAT_MSG_MAX);
        return;
    }
    MUST(pat_proto_decode_request(msg.data, msg.len, &again) == PAT_OK);
    MUST(again.op == r.op && again.timeout_ms == r.timeout_ms);
    MUST(again.last == (r.last || r.op == PAT_OP_REVOKE));
    MUST(again.token_len == r.token_len);
    MUST(memcmp(again.token, r.token, r.token_len) == 0);
    MUST(again.req.any_user == r.req.any_user && same(again.req.user, r.req.user));
    MUST(same(again.req.service, r.req.service) && same(again.req.source, r.req.source));
    MUST(
        same_list(again.req.orgs, r.req.orgs) && same_list(again.req.roles, r.req.roles));
    pat_msg_clear(&msg);
}

/* Nothing was written there, not even between the fields. */
static bool
is_untouched(const struct pat_identity *id)
{
    const unsigned char *p = (const void *)id;

    for (size_t i = 0; i < sizeof(*id); i++)
        if (p[i] != UNTOUCHED)
            return false;
    return true;
}

static void
reads_answers(const char *data, size_t size)
{
    struct pat_identity id, again;
    struct pat_revocation none;
    enum pat_err status = PAT_ERR_COUNT, other = PAT_ERR_COUNT;
    struct pat_msg msg;
    bool busy = pat_proto_answer_is_busy(data, size);

    memset(&id, UNTOUCHED, sizeof(id));
    if (pat_proto_decode_answer(data, size, &status, &id) != PAT_OK) {
        MUST(status == PAT_ERR_COUNT);
        MUST(is_untouched(&id));
        return;
    }
    MUST(status >= PAT_OK && status < PAT_ERR_COUNT);
    MUST(!busy || status == PAT_ERR_UNAVAIL);
    if (status != PAT_OK) {
        MUST(is_untouched(&id));
        return;
    }
    MUST(id.id[0] != '\0' && id.user[0] != '\0' && id.org[0] != '\0' &&
         id.role[0] != '\0');
    MUST(pat_proto_encode_answer(PAT_OK, &id, &msg) == PAT_OK);
    MUST(pat_proto_decode_answer(msg.data, msg.len, &status, &again) == PAT_OK);
    MUST(status == PAT_OK && again.expires == id.expires);
    MUST(same(again.id, id.id) && same(again.name, id.name) && same(again.user, id.user));
    MUST(same(again.org, id.org) && same(again.role, id.role));
    MUST(pat_proto_decode_revoked(msg.data, msg.len, &other, &none) != PAT_OK);
}

static void
reads_revocations(const char *data, size_t size)
{
    struct pat_revocation r = {0}, again = {0};
    struct pat_identity none;
    enum pat_err status = PAT_ERR_COUNT, other = PAT_ERR_COUNT;
    struct pat_msg msg;

    if (pat_proto_decode_revoked(data, size, &status, &r) != PAT_OK || status != PAT_OK)
        return;
    MUST(pat_proto_encode_revoked(PAT_OK, &r, &msg) == PAT_OK);
    MUST(pat_proto_decode_revoked(msg.data, msg.len, &status, &again) == PAT_OK);
    MUST(status == PAT_OK && again.already == r.already);
    MUST(same(again.id, r.id) && same(again.org, r.org));
    MUST(pat_proto_decode_answer(msg.data, msg.len, &other, &none) != PAT_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);

    frames_steadily(copy, size);
    reads_requests(copy, size);
    reads_answers(copy, size);
    reads_revocations(copy, size);
    free(copy);
    return 0;
}
