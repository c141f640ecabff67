/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * saslauthd's protocol, as patd's server reads it, and the answers of a real saslauthd
 * behind patd: only one that begins with OK accepts.
 */
#include "fuzz.h"
#include "protocol.h"
#include "saslauthd.h"

static void
frames_steadily(const char *data, size_t size)
{
    size_t told = 0;
    enum pat_err err = PAT_OK;

    for (size_t have = 0; have <= size; have++) {
        size_t len = 0;
        enum pat_err now = pat_saslauthd_frame(data, have, &len);

        MUST(err == PAT_OK || now == err);
        MUST(told == 0 || len == told);
        MUST(len <= PAT_MSG_MAX);
        err = now;
        told = len;
    }
}

static char *
put(char *to, const struct pat_saslauthd_string *s)
{
    *to++ = (char)(s->len >> 8);
    *to++ = (char)s->len;
    memcpy(to, s->data, s->len);
    return to + s->len;
}

static void
reads_requests(const char *data, size_t size)
{
    struct pat_saslauthd_request r;
    char login[PAT_USER_MAX + 1], service[PAT_SERVICE_MAX + 1];
    char again[PAT_MSG_MAX];
    char *end = again;

    if (pat_saslauthd_decode(data, size, &r) != PAT_OK)
        return;
    MUST(size <= sizeof(again));
    end = put(put(put(put(end, &r.user), &r.password), &r.service), &r.realm);
    MUST((size_t)(end - again) == size && memcmp(again, data, size) == 0);
    pat_saslauthd_service(&r, service);
    MUST(strlen(service) == r.service.len);
    if (pat_saslauthd_login(&r, login) == PAT_OK) {
        MUST(strlen(login) == r.user.len + (r.realm.len > 0 ? 1 + r.realm.len : 0));
        MUST(memcmp(login, r.user.data, r.user.len) == 0);
    }
}

/* As patd's server has it: the message in its buffer, with what was there before. */
static void
decodes_questions(const char *data, size_t size)
{
    static struct pat_msg msg;
    static struct question q;
    struct pat_conf conf = {.saslauthd_org = NULL};
    size_t whole = 0;

    if (size > sizeof(msg.data))
        return;
    memset(msg.data, 'x', sizeof(msg.data));
    memcpy(msg.data, data, size);
    msg.len = size;
    if (protocol_frame(PROTOCOL_SASLAUTHD, msg.data, msg.len, &whole) != PAT_OK ||
        whole != size)
        return;
    if (protocol_decode(PROTOCOL_SASLAUTHD, &conf, &msg, &q) != PAT_OK)
        return;
    MUST(q.ask.op == PAT_OP_VERIFY && q.ask.last && !q.ask.req.any_user);
    MUST(q.ask.req.source == NULL);
    MUST((const uint8_t *)q.ask.token >= msg.data);
    MUST((const uint8_t *)q.ask.token + q.ask.token_len <= msg.data + msg.len);
}

static void
reads_answers(const char *data, size_t size)
{
    size_t len = 0;
    bool accepted = false;

    if (pat_saslauthd_frame_answer(data, size, &len, &accepted) != PAT_OK)
        return;
    MUST(len <= PAT_SASLAUTHD_ANSWER_MAX);
    MUST(!accepted || (len > 0 && size >= len && memcmp(data + 2, "OK", 2) == 0));
}

static void
writes_answers(void)
{
    static struct pat_msg msg;

    for (int status = PAT_OK; status <= PAT_ERR_COUNT; status++) {
        size_t len = 0;
        bool accepted = false;
        enum pat_err err;

        pat_saslauthd_encode_answer((enum pat_err)status, &msg);
        err = pat_saslauthd_frame_answer(msg.data, msg.len, &len, &accepted);
        MUST(accepted == (err == PAT_OK && status == PAT_OK));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);

    frames_steadily(copy, size);
    reads_requests(copy, size);
    decodes_questions(copy, size);
    reads_answers(copy, size);
    writes_answers();
    free(copy);
    return 0;
}
