/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request to revoke: what goes over the wire, and the client against a patd that
 * answers as it should, as it should not, or as one does that is older.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "fake_patd.h"
#include "proto.h"

static const char token[] = "rhp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0";

static char dir[UNIT_PATH_MAX];
static char path[UNIT_PATH_MAX + 32];
static struct fake_patd fake;

static int
setup(void **state)
{
    (void)state;
    unit_dir_make(dir);
    (void)snprintf(path, sizeof(path), "%s/patd.sock", dir);
    fake_patd_start(&fake, path);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fake_patd_stop(&fake);
    unit_dir_remove(dir);
    return 0;
}

/* Of exact size, so that a read beyond it is seen. */
static enum pat_err
decode(const void *data, size_t len, enum pat_err *ret_status, struct pat_revocation *ret)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    enum pat_err err;

    assert_non_null(copy);
    memcpy(copy, data, len);
    err = pat_proto_decode_revoked(copy, len, ret_status, ret);
    free(copy);
    return err;
}

/* The wire */

static void
request_on_the_wire(void **state)
{
    static const char want[] = "PAT1\0\0\0\x14"
                               "\1\0\1\2"
                               "\2\0\3t0k"
                               "\x09\0\4\0\0\x0b\xb8"
                               "\x0a\0\0";
    struct pat_msg msg = {.len = 0};

    (void)state;
    unit_check_err(pat_proto_encode_revoke("t0k", 3, 3000, &msg), PAT_OK);
    unit_check_int("length", msg.len, sizeof(want) - 1);
    assert_memory_equal(msg.data, want, sizeof(want) - 1);
}

static void
request_round_trip(void **state)
{
    struct pat_msg msg = {.len = 0};
    struct pat_proto_request got;

    (void)state;
    unit_check_err(pat_proto_encode_revoke("a\0b", 3, 1, &msg), PAT_OK);
    unit_check_err(pat_proto_decode_request(msg.data, msg.len, &got), PAT_OK);
    unit_check_int("op", got.op, PAT_OP_REVOKE);
    unit_check_int("last", got.last, true);
    unit_check_int("timeout", got.timeout_ms, 1);
    unit_check_int("token_len", got.token_len, 3);
    assert_memory_equal(got.token, "a\0b", 3);
    for (size_t len = 0; len < msg.len; len++)
        unit_check_err(pat_proto_decode_request(msg.data, len, &got), PAT_ERR_MALFORMED);
}

static void
request_too_long(void **state)
{
    static const struct pat_msg zero;
    struct pat_msg msg = {.len = 0};

    (void)state;
    unit_check_err(
        pat_proto_encode_revoke(unit_repeat('t', PAT_MSG_MAX), PAT_MSG_MAX, 1, &msg),
        PAT_ERR_MALFORMED);
    assert_memory_equal(&msg, &zero, sizeof(msg));
}

static void
answer_on_the_wire(void **state)
{
    static const char want[] = "PAT1\0\0\0\x12"
                               "\x40\0\1\0"
                               "\x47\0\1\1"
                               "\x41\0\2i\0"
                               "\x44\0\2o\0";
    static const struct pat_revocation r = {true, "i", "o"};
    struct pat_msg msg = {.len = 0};

    (void)state;
    unit_check_err(pat_proto_encode_revoked(PAT_OK, &r, &msg), PAT_OK);
    unit_check_int("length", msg.len, sizeof(want) - 1);
    assert_memory_equal(msg.data, want, sizeof(want) - 1);
}

static void
answer_round_trip(void **state)
{
    struct pat_msg msg = {.len = 0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct pat_revocation r = {i % 2 == 1, "", ""}, got = {.id = "before"};
        enum pat_err status = PAT_ERR_NOMEM;

        if (i >= 2) {
            memset(r.id, 'i', sizeof(r.id) - 1);
            memset(r.org, 'o', sizeof(r.org) - 1);
        }
        unit_check_err(pat_proto_encode_revoked(PAT_OK, &r, &msg), PAT_OK);
        unit_check_err(decode(msg.data, msg.len, &status, &got), PAT_OK);
        unit_check_err(status, PAT_OK);
        unit_check_int("already", got.already, r.already);
        unit_check_string("id", got.id, r.id);
        unit_check_string("org", got.org, r.org);
    }
}

/* Cut anywhere, or with any one byte changed: no answer, or the same or a refusal. */
static void
answer_damaged(void **state)
{
    static const struct pat_revocation r = {false, "a1", "acme"};
    struct pat_msg msg = {.len = 0}, refusal = {.len = 0};
    struct pat_revocation got;
    enum pat_err status;

    (void)state;
    unit_check_err(pat_proto_encode_revoked(PAT_OK, &r, &msg), PAT_OK);
    for (size_t len = 0; len < msg.len; len++)
        unit_check_err(decode(msg.data, len, &status, &got), PAT_ERR_MALFORMED);
    unit_check_err(pat_proto_encode_revoked(PAT_ERR_UNAVAIL, NULL, &refusal), PAT_OK);
    for (size_t at = 0; at < refusal.len; at++) {
        uint8_t before = refusal.data[at];

        for (int c = 0; c < 256; c++) {
            status = PAT_ERR_NOMEM;
            refusal.data[at] = (uint8_t)c;
            if (decode(refusal.data, refusal.len, &status, &got) == PAT_OK &&
                status == PAT_OK)
                fail_msg("byte %zu as 0x%02x is a success", at, (unsigned)c);
        }
        refusal.data[at] = before;
    }
}

static void
answer_junk(void **state)
{
    uint32_t seed = 20261125;
    unsigned accepted = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t data[64] = "PAT1\0\0\0\0\x40\0\1\0\x47\0\1";
        size_t len = 16 + unit_random(&seed) % 40;
        struct pat_revocation got = {.id = "before"};
        enum pat_err status = PAT_ERR_NOMEM;

        data[7] = (uint8_t)(len - 8);
        for (size_t i = 15; i < len; i++)
            data[i] = (uint8_t)(unit_random(&seed) % (round % 2 == 0 ? 256 : 3));
        if (decode(data, len, &status, &got) != PAT_OK) {
            unit_check_string("id", got.id, "before");
            continue;
        }
        accepted++;
        if (memchr(got.id, '\0', sizeof(got.id)) == NULL ||
            memchr(got.org, '\0', sizeof(got.org)) == NULL)
            fail_msg("a string without an end");
    }
    if (accepted == 0)
        fail_msg("the junk is too wild");
}

struct bytes_row {
    const char *name;
    const char *body;
    size_t len;
    bool want;
};

#define BODY(text) text, sizeof(text) - 1

static const struct bytes_row bodies[] = {
    {"the least success", BODY("\x40\0\1\0\x47\0\1\0"), true},
    {"in another order", BODY("\x47\0\1\1\x40\0\1\0"), true},
    {"a field of tomorrow is skipped", BODY("\x40\0\1\0\x47\0\1\0\xc8\0\1x"), true},
    {"a refusal", BODY("\x40\0\1\2"), true},
    {"nothing", BODY(""), false},
    {"a success that does not say of what", BODY("\x40\0\1\0"), false},
    {"revoked, and no status", BODY("\x47\0\1\0"), false},
    {"revoked 2", BODY("\x40\0\1\0\x47\0\1\2"), false},
    {"revoked of no bytes", BODY("\x40\0\1\0\x47\0\0"), false},
    {"revoked of two bytes", BODY("\x40\0\1\0\x47\0\2\0\0"), false},
    {"revoked twice", BODY("\x40\0\1\0\x47\0\1\0\x47\0\1\0"), false},
    {"status twice", BODY("\x40\0\1\0\x40\0\1\0\x47\0\1\0"), false},
    {"status of tomorrow", BODY("\x40\0\1\x0c\x47\0\1\0"), false},
    {"status 255", BODY("\x40\0\1\xff\x47\0\1\0"), false},
    {"status of no bytes", BODY("\x40\0\0\x47\0\1\0"), false},
    {"an id without a NUL", BODY("\x40\0\1\0\x47\0\1\0\x41\0\1i"), false},
    {"an id with a NUL inside", BODY("\x40\0\1\0\x47\0\1\0\x41\0\4i\0j\0"), false},
    {"an org of no bytes", BODY("\x40\0\1\0\x47\0\1\0\x44\0\0"), false},
    {"a field that is longer than the rest", BODY("\x40\0\1\0\x47\0\2\0"), false},
    {"half a field", BODY("\x40\0\1\0\x47\0"), false},
};

static void
answer_of_bytes(void **state)
{
    const struct bytes_row *row = *state;
    uint8_t data[64] = "PAT1";
    struct pat_revocation got = {.id = "before"};
    enum pat_err status = PAT_ERR_NOMEM;
    enum pat_err want = row->want ? PAT_OK : PAT_ERR_MALFORMED;

    data[7] = (uint8_t)row->len;
    memcpy(data + 8, row->body, row->len);
    unit_check_err(decode(data, 8 + row->len, &status, &got), want);
    if (!row->want) {
        unit_check_err(status, PAT_ERR_NOMEM);
        unit_check_string("id", got.id, "before");
    }
}

/* One kind of answer is never taken for the other. */
static void
answers_apart(void **state)
{
    static const struct pat_revocation r = {false, "a1", "acme"};
    struct pat_msg msg = {.len = 0};
    struct pat_revocation revocation = {.id = "before"};
    struct pat_identity identity = {.id = "before"};
    enum pat_err status = PAT_ERR_NOMEM;

    (void)state;
    unit_check_err(pat_proto_encode_revoked(PAT_OK, &r, &msg), PAT_OK);
    unit_check_err(pat_proto_decode_answer(msg.data, msg.len, &status, &identity),
        PAT_ERR_MALFORMED);
    unit_check_err(pat_proto_encode_answer(PAT_OK, &fake_identity, &msg), PAT_OK);
    unit_check_err(decode(msg.data, msg.len, &status, &revocation), PAT_ERR_MALFORMED);
    unit_check_err(status, PAT_ERR_NOMEM);
    unit_check_string("id", identity.id, "before");
    unit_check_string("id", revocation.id, "before");
}

/* The client */

static enum pat_err
ask(struct pat_revocation *ret, struct pat_diag *diag)
{
    return pat_client_revoke(path, token, sizeof(token) - 1, 3000, ret, diag);
}

static void
client_is_answered(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct pat_revocation r = {i == 1, "a1", "acme"};
        struct pat_revocation got = {.id = ""};
        struct pat_diag diag = {"left from before"};
        struct pat_msg msg = {.len = 0};
        struct fake_behaviour b = {FAKE_RAW, PAT_OK, NULL, NULL, 0, 0};

        unit_check_err(pat_proto_encode_revoked(PAT_OK, &r, &msg), PAT_OK);
        b.raw = msg.data;
        b.raw_len = msg.len;
        fake_patd_say(&fake, &b);
        unit_check_err(ask(&got, &diag), PAT_OK);
        unit_check_int("already", got.already, i == 1);
        unit_check_string("id", got.id, "a1");
        unit_check_string("diag", diag.text, "");
    }
    unit_check_string("token", fake_patd_heard(&fake).token, token);
    unit_check_int("timeout", fake_patd_heard(&fake).timeout_ms, 2900);
}

static void
client_is_refused(void **state)
{
    (void)state;
    for (int status = PAT_OK + 1; status < PAT_ERR_COUNT; status++) {
        struct fake_behaviour b = {FAKE_ANSWER, (enum pat_err)status, NULL, NULL, 0, 0};
        struct pat_revocation got = {.id = "before"};
        struct pat_diag diag = {""};

        fake_patd_say(&fake, &b);
        unit_check_err(ask(&got, &diag), (enum pat_err)status);
        unit_check_string("id", got.id, "before");
        unit_check_int("diag", diag.text[0] != '\0', status == PAT_ERR_UNAVAIL);
    }
}

/* What answers has its own idea of what was asked, or hangs up as an older patd does. */
static void
client_of_another_version(void **state)
{
    static const enum fake_mode modes[] = {FAKE_ANSWER, FAKE_ECHO, FAKE_CLOSE, FAKE_RAW};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct fake_behaviour b = {modes[i], PAT_OK, NULL, "junk", 4, 0};
        struct pat_revocation got = {.id = "before"};
        struct pat_diag diag = {""};

        fake_patd_say(&fake, &b);
        unit_check_err(ask(&got, &diag), PAT_ERR_UNAVAIL);
        unit_check_string("id", got.id, "before");
        if (modes[i] == FAKE_CLOSE && strstr(diag.text, "older") == NULL)
            fail_msg("does not say what may be wrong: %s", diag.text);
        if (strstr(diag.text, "rhp_") != NULL || diag.text[0] == '\0')
            fail_msg("the text is: %s", diag.text);
    }
}

static void
client_cannot_send(void **state)
{
    struct pat_revocation got = {.id = "before"};
    struct pat_diag diag = {""};

    (void)state;
    unit_check_err(pat_client_revoke(path, unit_repeat('t', 272), 272, 3000, &got, &diag),
        PAT_ERR_MALFORMED);
    unit_check_err(
        pat_client_revoke("patd.sock", token, 42, 3000, &got, &diag), PAT_ERR_CONFIG);
    unit_check_err(pat_client_revoke(path, token, 42, 0, &got, &diag), PAT_ERR_UNAVAIL);
    assert_int_equal(unlink(path), 0);
    unit_check_err(ask(&got, &diag), PAT_ERR_UNAVAIL);
    if (strstr(diag.text, "is patd running?") == NULL)
        fail_msg("the text is: %s", diag.text);
    unit_check_string("id", got.id, "before");
}

int
main(void)
{
    unit_fixture(setup, teardown);
    unit_add("wire", "the request, byte by byte", request_on_the_wire, NULL);
    unit_add("wire", "the answer, byte by byte", answer_on_the_wire, NULL);
    unit_add("request", "arrives whole or not at all", request_round_trip, NULL);
    unit_add("request", "that is too long", request_too_long, NULL);
    unit_add("answer", "arrives", answer_round_trip, NULL);
    unit_add("answer", "damaged", answer_damaged, NULL);
    unit_add("answer", "junk", answer_junk, NULL);
    unit_add("answer", "no other kind", answers_apart, NULL);
    UNIT_TABLE("answer of", answer_of_bytes, bodies);
    unit_add("client", "is answered", client_is_answered, NULL);
    unit_add("client", "is refused", client_is_refused, NULL);
    unit_add("client", "another version", client_of_another_version, NULL);
    unit_add("client", "what cannot be sent", client_cannot_send, NULL);
    return unit_run("revoke");
}
