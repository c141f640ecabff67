/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "proto.h"
#include "strv.h"

/* The numbers of the tags, anew: they must not change unseen. */
enum {
    OP = 1,
    TOKEN = 2,
    USER = 3,
    ANY_USER = 4,
    SERVICE = 5,
    SOURCE = 6,
    ORG = 7,
    ROLE = 8,
    TIMEOUT = 9,
    LAST = 10,
    STATUS = 64,
    ID = 65,
    NAME = 66,
    OWNER = 67,
    OWNER_ORG = 68,
    OWNER_ROLE = 69,
    EXPIRES = 70,
};

static const struct pat_request full_request = {
    .user = "alice",
    .any_user = true,
    .service = "sshd",
    .source = "192.0.2.7",
    .orgs = (const char *const[]){"acme", "globex", NULL},
    .roles = (const char *const[]){"owner", "member", NULL},
};

static const struct pat_identity full_identity = {
    .id = "a1",
    .name = "Claude Desktop on laptop",
    .user = "alice",
    .org = "acme",
    .role = "owner",
    .expires = 1773500966,
};

static const char token[] = "rhp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0";

/* Messages written by hand */

struct raw {
    uint8_t data[2 * PAT_MSG_MAX];
    size_t len;
};

static void
begin(struct raw *raw)
{
    memcpy(raw->data, "PAT1\0\0\0", 8);
    raw->len = 8;
}

static void
add(struct raw *raw, int tag, const void *value, size_t len)
{
    assert_true(raw->len + 3 + len <= sizeof(raw->data));
    raw->data[raw->len] = (uint8_t)tag;
    raw->data[raw->len + 1] = (uint8_t)(len >> 8);
    raw->data[raw->len + 2] = (uint8_t)len;
    memcpy(raw->data + raw->len + 3, value, len);
    raw->len += 3 + len;
}

static void
end(struct raw *raw)
{
    size_t body = raw->len - 8;

    for (int i = 0; i < 4; i++)
        raw->data[4 + i] = (uint8_t)(body >> (24 - 8 * i));
}

/* Each decodes a copy of exact size, so that a read beyond it is seen. */

static enum pat_err
decode_request(
    const void *data, size_t len, uint8_t **ret_copy, struct pat_proto_request *ret)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, data, len);
    *ret_copy = copy;
    return pat_proto_decode_request(copy, len, ret);
}

static enum pat_err
decode_answer(
    const void *data, size_t len, enum pat_err *ret_status, struct pat_identity *ret)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    enum pat_err err;

    assert_non_null(copy);
    memcpy(copy, data, len);
    err = pat_proto_decode_answer(copy, len, ret_status, ret);
    free(copy);
    return err;
}

/* Round trips */

static void
check_list(const char *what, const char *const *got, const char *const *want)
{
    unit_check_int(what, pat_strv_len(got), pat_strv_len(want));
    for (size_t i = 0; want != NULL && want[i] != NULL; i++)
        unit_check_string(what, got[i], want[i]);
    /* "Any" and "none" must not be mistaken for one another. */
    if (pat_strv_len(want) == 0)
        assert_null(got);
}

static void
check_round_trip(const struct pat_request *req, const void *data, size_t len, uint32_t ms)
{
    struct pat_msg msg = {.len = 0};
    struct pat_proto_request got;
    uint8_t *copy = NULL;

    unit_check_err(pat_proto_encode_request(req, data, len, ms, &msg), PAT_OK);
    unit_check_err(decode_request(msg.data, msg.len, &copy, &got), PAT_OK);
    unit_check_int("op", got.op, PAT_OP_VERIFY);
    unit_check_int("token_len", got.token_len, len);
    assert_memory_equal(got.token, data, len);
    unit_check_int("timeout", got.timeout_ms, ms);
    unit_check_string("user", got.req.user, req->user);
    unit_check_int("any_user", got.req.any_user, req->any_user);
    unit_check_string("service", got.req.service, req->service);
    unit_check_string("source", got.req.source, req->source);
    check_list("orgs", got.req.orgs, req->orgs);
    check_list("roles", got.req.roles, req->roles);
    free(copy);
}

struct request_row {
    const char *name;
    struct pat_request req;
    uint32_t ms;
};

static const struct request_row requests[] = {
    {"everything", {"alice", true, "sshd", "192.0.2.7", LIST("acme"), LIST("owner")},
        3000},
    {"nothing", {NULL, false, NULL, NULL, NULL, NULL}, 0},
    {"user", {"alice", false, NULL, NULL, NULL, NULL}, 1},
    {"any user", {"git", true, NULL, NULL, NULL, NULL}, 1},
    {"any user, no name", {NULL, true, NULL, NULL, NULL, NULL}, 1},
    {"empty strings", {"", false, "", "", LIST(""), LIST("")}, 1},
    {"lists of nothing", {"alice", false, NULL, NULL, LIST(NULL), LIST(NULL)}, 1},
    {"lists in order", {"alice", false, NULL, NULL, LIST("b", "a"), LIST("z", "y", "z")},
        1},
    {"bytes of all kinds", {"\001\377\n=,", false, "\xc3\xa9", "%\\", NULL, NULL}, 1},
    {"the longest time", {"alice", false, NULL, NULL, NULL, NULL}, UINT32_MAX},
};

static void
request_round_trip(void **state)
{
    const struct request_row *row = *state;

    check_round_trip(&row->req, token, sizeof(token) - 1, row->ms);
}

/* 25 bytes are the header, op, timeout and last, and the token's tag and length. */
static void
request_fills_message(void **state)
{
    struct pat_request req = {.user = NULL};
    struct pat_msg msg = {.len = 0};

    (void)state;
    check_round_trip(&req, unit_repeat('t', PAT_MSG_MAX - 25), PAT_MSG_MAX - 25, 1);
    unit_check_err(pat_proto_encode_request(&req, unit_repeat('t', PAT_MSG_MAX - 24),
                       PAT_MSG_MAX - 24, 1, &msg),
        PAT_ERR_MALFORMED);
}

static void
request_limits(void **state)
{
    const char *list[PAT_LIST_MAX + 1] = {NULL};
    struct pat_request req = {
        unit_repeat('u', 255), false, unit_repeat('s', 255), NULL, NULL, NULL};

    (void)state;
    for (size_t i = 0; i < PAT_LIST_MAX; i++)
        list[i] = "an-org";
    req.source = unit_repeat('a', 255);
    req.orgs = list;
    req.roles = list;
    check_round_trip(&req, token, sizeof(token) - 1, 1);
    check_round_trip(&req, "", 0, 1);
    check_round_trip(&req, unit_repeat('t', 4000), 4000, 1);
    check_round_trip(&req, "a\0b\0", 4, 1);
}

struct answer_row {
    const char *name;
    struct pat_identity id;
};

static const struct answer_row answers[] = {
    {"everything", {"a1", "laptop", "alice", "acme", "owner", 1773500966}},
    {"no name, no expiry", {"a1", "", "alice", "acme", "owner", 0}},
    {"UTF-8", {"a1", "caf\xc3\xa9", "ren\xc3\xa9", "\xc3\xa9t\xc3\xa9", "\xc3\xb4", 1}},
    {"the last second", {"a1", "", "alice", "acme", "owner", INT64_MAX}},
    {"before the epoch", {"a1", "", "alice", "acme", "owner", -1}},
};

static void
answer_round_trip(void **state)
{
    const struct answer_row *row = *state;
    struct pat_msg msg = {.len = 0};
    struct pat_identity got = {.id = "before"};
    enum pat_err status = PAT_ERR_NOMEM;

    unit_check_err(pat_proto_encode_answer(PAT_OK, &row->id, &msg), PAT_OK);
    unit_check_err(decode_answer(msg.data, msg.len, &status, &got), PAT_OK);
    unit_check_err(status, PAT_OK);
    unit_check_string("id", got.id, row->id.id);
    unit_check_string("name", got.name, row->id.name);
    unit_check_string("user", got.user, row->id.user);
    unit_check_string("org", got.org, row->id.org);
    unit_check_string("role", got.role, row->id.role);
    unit_check_int("expires", got.expires, row->id.expires);
}

static void
answer_longest(void **state)
{
    struct answer_row row = {"", {.expires = 1}};
    void *at = &row;

    (void)state;
    memset(row.id.id, 'i', sizeof(row.id.id) - 1);
    memset(row.id.name, 'n', sizeof(row.id.name) - 1);
    memset(row.id.user, 'u', sizeof(row.id.user) - 1);
    memset(row.id.org, 'o', sizeof(row.id.org) - 1);
    memset(row.id.role, 'r', sizeof(row.id.role) - 1);
    answer_round_trip(&at);
}

/* A refusal carries no identity, and leaves what was there. */
static void
refusal_round_trip(void **state)
{
    (void)state;
    for (int code = PAT_OK + 1; code < PAT_ERR_COUNT; code++) {
        struct pat_msg msg = {.len = 0};
        struct pat_identity got = {.id = "before"};
        enum pat_err status = PAT_OK;

        unit_check_err(pat_proto_encode_answer((enum pat_err)code, NULL, &msg), PAT_OK);
        unit_check_int("length", msg.len, 8 + 4);
        unit_check_err(decode_answer(msg.data, msg.len, &status, &got), PAT_OK);
        unit_check_err(status, (enum pat_err)code);
        unit_check_string("id", got.id, "before");
        unit_check_err(
            pat_proto_encode_answer((enum pat_err)code, &full_identity, &msg), PAT_OK);
        unit_check_int("length with an identity given", msg.len, 8 + 4);
    }
}

/* Each decoder takes it for "unavailable", as one does that does not know the addition.
 */
static void
busy_on_the_wire(void **state)
{
    static const char want[] = "PAT1\0\0\0\7\x40\0\1\x09\x48\0";
    struct pat_msg msg = {.len = 0};
    struct pat_identity id = {.id = "before"};
    struct pat_revocation revocation = {.id = "before"};
    enum pat_err status = PAT_OK;

    (void)state;
    unit_check_err(pat_proto_encode_busy(&msg), PAT_OK);
    unit_check_int("length", msg.len, sizeof(want));
    assert_memory_equal(msg.data, want, sizeof(want));
    unit_check_err(decode_answer(msg.data, msg.len, &status, &id), PAT_OK);
    unit_check_err(status, PAT_ERR_UNAVAIL);
    status = PAT_OK;
    unit_check_err(
        pat_proto_decode_revoked(msg.data, msg.len, &status, &revocation), PAT_OK);
    unit_check_err(status, PAT_ERR_UNAVAIL);
    assert_true(pat_proto_answer_is_busy(msg.data, msg.len));
    for (size_t len = 0; len < msg.len; len++)
        assert_false(pat_proto_answer_is_busy(msg.data, len));
    for (int code = PAT_OK + 1; code < PAT_ERR_COUNT; code++) {
        unit_check_err(pat_proto_encode_answer((enum pat_err)code, NULL, &msg), PAT_OK);
        assert_false(pat_proto_answer_is_busy(msg.data, msg.len));
    }
}

/* What is on the wire, byte by byte: other builds must understand it. */
static void
request_on_the_wire(void **state)
{
    static const char want[] = "PAT1\0\0\0\x33"
                               "\1\0\1\1"
                               "\2\0\3t0k"
                               "\x09\0\4\0\0\x0b\xb8"
                               "\x0a\0\0"
                               "\3\0\3al\0"
                               "\4\0\0"
                               "\5\0\2s\0"
                               "\6\0\4::1\0"
                               "\7\0\2a\0"
                               "\x08\0\2r\0";
    struct pat_request req = {"al", true, "s", "::1", LIST("a"), LIST("r")};
    struct pat_msg msg = {.len = 0};

    (void)state;
    unit_check_err(pat_proto_encode_request(&req, "t0k", 3, 3000, &msg), PAT_OK);
    unit_check_int("length", msg.len, sizeof(want) - 1);
    assert_memory_equal(msg.data, want, sizeof(want) - 1);
}

static void
answer_on_the_wire(void **state)
{
    static const char want[] = "PAT1\0\0\0\x27"
                               "\x40\0\1\0"
                               "\x41\0\2i\0"
                               "\x42\0\1\0"
                               "\x43\0\2u\0"
                               "\x44\0\2o\0"
                               "\x45\0\2r\0"
                               "\x46\0\x08\0\0\0\0\x69\xb5\x78\xe6";
    static const struct pat_identity id = {"i", "", "u", "o", "r", 0x69b578e6};
    struct pat_msg msg = {.len = 0};

    (void)state;
    unit_check_err(pat_proto_encode_answer(PAT_OK, &id, &msg), PAT_OK);
    unit_check_int("length", msg.len, sizeof(want) - 1);
    assert_memory_equal(msg.data, want, sizeof(want) - 1);
}

/* What cannot be sent */

struct unsendable_row {
    const char *name;
    size_t token_len, user_len, service_len, source_len, org_len, role_len;
    size_t orgs, roles; /* how many */
};

static const struct unsendable_row unsendable[] = {
    {"user too long", 42, 256, 4, 4, 4, 4, 1, 1},
    {"service too long", 42, 5, 256, 4, 4, 4, 1, 1},
    {"source too long", 42, 5, 4, 256, 4, 4, 1, 1},
    {"org too long", 42, 5, 4, 4, 256, 4, 1, 1},
    {"role too long", 42, 5, 4, 4, 4, 256, 1, 1},
    {"last org too long", 42, 5, 4, 4, 256, 4, 32, 1},
    {"too many orgs", 42, 5, 4, 4, 4, 4, 33, 1},
    {"too many roles", 42, 5, 4, 4, 4, 4, 1, 33},
    {"token longer than a message", 8192, 5, 4, 4, 4, 4, 1, 1},
    {"token longer than a length field", 65536, 5, 4, 4, 4, 4, 1, 1},
    {"token that a length field would fold", 65538, 5, 4, 4, 4, 4, 1, 1},
    {"altogether too long", 42, 255, 255, 255, 255, 255, 32, 32},
};

static void
refuses_to_encode(void **state)
{
    static const struct pat_msg zero;
    const struct unsendable_row *row = *state;
    char user[257] = "", service[257] = "", source[257] = "", org[257] = "",
         role[257] = "";
    const char *orgs[64] = {NULL}, *roles[64] = {NULL};
    struct pat_request req = {user, false, service, source, orgs, roles};
    struct pat_msg msg = {.len = 0};

    memset(user, 'u', row->user_len);
    memset(service, 's', row->service_len);
    memset(source, 'a', row->source_len);
    memset(org, 'o', row->org_len);
    memset(role, 'r', row->role_len);
    for (size_t i = 0; i < row->orgs; i++)
        orgs[i] = i + 1 == row->orgs || row->org_len == 255 ? org : "o";
    for (size_t i = 0; i < row->roles; i++)
        roles[i] = i + 1 == row->roles || row->role_len == 255 ? role : "r";
    unit_check_err(pat_proto_encode_request(
                       &req, unit_repeat('t', row->token_len), row->token_len, 1, &msg),
        PAT_ERR_MALFORMED);
    /* Nothing of the token is left behind. */
    assert_memory_equal(&msg, &zero, sizeof(msg));
}

/* Frames */

struct frame_row {
    const char *name;
    const char *data;
    size_t have;
    enum pat_err want;
    size_t want_len;
};

static const struct frame_row frames[] = {
    {"nothing yet", "", 0, PAT_OK, 0},
    {"one byte", "P", 1, PAT_OK, 0},
    {"the magic", "PAT1", 4, PAT_OK, 0},
    {"one byte short of a header", "PAT1\0\0\0", 7, PAT_OK, 0},
    {"an empty body", "PAT1\0\0\0\0", 8, PAT_OK, 8},
    {"a header", "PAT1\0\0\1\2", 8, PAT_OK, 8 + 258},
    {"the largest", "PAT1\0\0\x1f\xf8", 8, PAT_OK, 8192},
    {"more than one message", "PAT1\0\0\0\1xPAT1", 13, PAT_OK, 9},
    {"wrong first byte", "p", 1, PAT_ERR_MALFORMED, 0},
    {"wrong second byte", "PT", 2, PAT_ERR_MALFORMED, 0},
    {"another version", "PAT2", 4, PAT_ERR_MALFORMED, 0},
    {"another version, whole", "PAT2\0\0\0\0", 8, PAT_ERR_MALFORMED, 0},
    {"a NUL", "\0", 1, PAT_ERR_MALFORMED, 0},
    {"HTTP", "GET / HTTP/1.1\r\n", 16, PAT_ERR_MALFORMED, 0},
    {"LDAP", "\x30\x0c\x02\x01\x01\x60\x07\x02", 8, PAT_ERR_MALFORMED, 0},
    {"one byte too large", "PAT1\0\0\x1f\xf9", 8, PAT_ERR_MALFORMED, 0},
    {"64 KiB", "PAT1\0\1\0\0", 8, PAT_ERR_MALFORMED, 0},
    {"2 GiB", "PAT1\x80\0\0\0", 8, PAT_ERR_MALFORMED, 0},
    {"4 GiB", "PAT1\xff\xff\xff\xff", 8, PAT_ERR_MALFORMED, 0},
    {"what a sum would fold to zero", "PAT1\xff\xff\xff\xf8", 8, PAT_ERR_MALFORMED, 0},
};

static void
frame(void **state)
{
    const struct frame_row *row = *state;
    size_t len = 999;

    unit_check_err(pat_proto_frame(row->data, row->have, &len), row->want);
    if (row->want == PAT_OK)
        unit_check_int("length", len, row->want_len);
}

/* Requests that are none */

struct field {
    int tag;
    const char *value;
    size_t len;
};

struct fields_row {
    const char *name;
    struct field fields[6];
    bool want;
};

#define S(tag, s)                                                                        \
    {                                                                                    \
        tag, s, sizeof(s)                                                                \
    }
#define N(tag, s)                                                                        \
    {                                                                                    \
        tag, s, sizeof(s) - 1                                                            \
    }
#define VERIFY N(OP, "\1")
#define TOK    N(TOKEN, "rhp_x")

static const struct fields_row request_fields[] = {
    {"the least", {VERIFY, TOK}, true},
    {"in another order", {S(USER, "alice"), TOK, VERIFY}, true},
    {"an empty token", {VERIFY, N(TOKEN, "")}, true},
    {"a NUL in the token", {VERIFY, N(TOKEN, "a\0b")}, true},
    {"lists between others", {S(ORG, "a"), VERIFY, S(ROLE, "r"), TOK, S(ORG, "b")}, true},
    {"no fields", {{0, NULL, 0}}, false},
    {"no op", {TOK, S(USER, "alice")}, false},
    {"no token", {VERIFY, S(USER, "alice")}, false},
    {"op 0", {N(OP, "\0"), TOK}, false},
    {"op 3", {N(OP, "\3"), TOK}, false},
    {"op 255", {N(OP, "\xff"), TOK}, false},
    {"revoke", {N(OP, "\2"), TOK}, true},
    {"revoke, in another order", {N(LAST, ""), TOK, N(OP, "\2")}, true},
    {"revoke no token", {N(OP, "\2")}, false},
    {"revoke two tokens", {N(OP, "\2"), TOK, TOK}, false},
    {"revoke and verify", {N(OP, "\2"), VERIFY, TOK}, false},
    {"revoke of two bytes", {N(OP, "\2\0"), TOK}, false},
    {"revoke for a user", {N(OP, "\2"), TOK, S(USER, "alice")}, false},
    {"revoke for a user, said first", {S(USER, "alice"), TOK, N(OP, "\2")}, false},
    {"revoke for any user", {N(OP, "\2"), TOK, N(ANY_USER, "")}, false},
    {"revoke for a service", {N(OP, "\2"), TOK, S(SERVICE, "sshd")}, false},
    {"revoke for a source", {N(OP, "\2"), TOK, S(SOURCE, "::1")}, false},
    {"revoke for an org", {N(OP, "\2"), TOK, S(ORG, "acme")}, false},
    {"revoke for a role", {N(OP, "\2"), TOK, S(ROLE, "owner")}, false},
    {"revoke with a field of tomorrow", {N(OP, "\2"), TOK, N(63, "")}, false},
    {"op empty", {N(OP, ""), TOK}, false},
    {"op of two bytes", {N(OP, "\1\0"), TOK}, false},
    {"op twice", {VERIFY, VERIFY, TOK}, false},
    {"token twice", {VERIFY, TOK, TOK}, false},
    {"user twice", {VERIFY, TOK, S(USER, "alice"), S(USER, "alice")}, false},
    {"service twice", {VERIFY, TOK, S(SERVICE, "a"), S(SERVICE, "b")}, false},
    {"source twice", {VERIFY, TOK, S(SOURCE, "::1"), S(SOURCE, "::2")}, false},
    {"any user twice", {VERIFY, TOK, N(ANY_USER, ""), N(ANY_USER, "")}, false},
    {"timeout twice", {VERIFY, TOK, N(TIMEOUT, "\0\0\1\0"), N(TIMEOUT, "\0\0\1\0")},
        false},
    {"any user with a value", {VERIFY, TOK, N(ANY_USER, "\1")}, false},
    {"any user with a no", {VERIFY, TOK, N(ANY_USER, "\0")}, false},
    {"timeout of three bytes", {VERIFY, TOK, N(TIMEOUT, "\0\1\0")}, false},
    {"timeout of five bytes", {VERIFY, TOK, N(TIMEOUT, "\0\0\0\1\0")}, false},
    {"timeout empty", {VERIFY, TOK, N(TIMEOUT, "")}, false},
    {"last", {VERIFY, TOK, N(LAST, "")}, true},
    {"last with a value", {VERIFY, TOK, N(LAST, "\1")}, false},
    {"last twice", {VERIFY, TOK, N(LAST, ""), N(LAST, "")}, false},
    {"tag 0", {VERIFY, TOK, N(0, "x")}, false},
    {"a tag of tomorrow", {VERIFY, TOK, S(10, "x")}, false},
    {"an empty tag of tomorrow", {VERIFY, TOK, N(63, "")}, false},
    {"the last tag", {VERIFY, TOK, N(255, "x")}, false},
    {"a tag of answers", {VERIFY, TOK, N(STATUS, "\0")}, false},
    {"user without a NUL", {VERIFY, TOK, N(USER, "alice")}, false},
    {"user without even a NUL", {VERIFY, TOK, N(USER, "")}, false},
    {"user with an inner NUL", {VERIFY, TOK, S(USER, "alice\0x")}, false},
    {"user with two NULs behind", {VERIFY, TOK, S(USER, "alice\0")}, false},
    {"user that begins with a NUL", {VERIFY, TOK, S(USER, "\0alice")}, false},
    {"service without a NUL", {VERIFY, TOK, N(SERVICE, "sshd")}, false},
    {"service with an inner NUL", {VERIFY, TOK, S(SERVICE, "ss\0hd")}, false},
    {"source without a NUL", {VERIFY, TOK, N(SOURCE, "::1")}, false},
    {"source with an inner NUL", {VERIFY, TOK, S(SOURCE, "::1\0::2")}, false},
    {"org without a NUL", {VERIFY, TOK, S(ORG, "a"), N(ORG, "b")}, false},
    {"org with an inner NUL", {VERIFY, TOK, S(ORG, "a\0b")}, false},
    {"role without a NUL", {VERIFY, TOK, N(ROLE, "r")}, false},
    {"role with an inner NUL", {VERIFY, TOK, S(ROLE, "r\0s")}, false},
};

static void
request_of_fields(void **state)
{
    const struct fields_row *row = *state;
    struct raw raw;
    struct pat_proto_request got;
    uint8_t *copy = NULL;
    enum pat_err err;

    begin(&raw);
    for (size_t i = 0; i < COUNT(row->fields) && row->fields[i].value != NULL; i++)
        add(&raw, row->fields[i].tag, row->fields[i].value, row->fields[i].len);
    end(&raw);
    err = decode_request(raw.data, raw.len, &copy, &got);
    free(copy);
    unit_check_err(err, row->want ? PAT_OK : PAT_ERR_MALFORMED);
}

struct list_row {
    const char *name;
    int tag;
    size_t count, len; /* how many items, of how many bytes */
    bool want;
};

static const struct list_row lists[] = {
    {"32 orgs", ORG, 32, 4, true},
    {"33 orgs", ORG, 33, 4, false},
    {"1000 orgs", ORG, 1000, 4, false},
    {"32 roles", ROLE, 32, 4, true},
    {"33 roles", ROLE, 33, 4, false},
    {"33 empty roles", ROLE, 33, 0, false},
    {"an org of 255 bytes", ORG, 1, 255, true},
    {"an org of 256 bytes", ORG, 1, 256, false},
    {"a role of 256 bytes", ROLE, 1, 256, false},
    {"a user of 255 bytes", USER, 1, 255, true},
    {"a user of 256 bytes", USER, 1, 256, false},
    {"a service of 256 bytes", SERVICE, 1, 256, false},
    {"a source of 256 bytes", SOURCE, 1, 256, false},
    {"a user of 5000 bytes", USER, 1, 5000, false},
};

static void
request_of_many(void **state)
{
    const struct list_row *row = *state;
    struct raw raw;
    struct pat_proto_request got;
    uint8_t *copy = NULL;
    enum pat_err err;

    begin(&raw);
    add(&raw, OP, "\1", 1);
    add(&raw, TOKEN, "t", 1);
    for (size_t i = 0; i < row->count; i++)
        add(&raw, row->tag, unit_repeat('x', row->len), row->len + 1);
    end(&raw);
    err = decode_request(raw.data, raw.len, &copy, &got);
    free(copy);
    unit_check_err(err, row->want ? PAT_OK : PAT_ERR_MALFORMED);
}

/* Answers that are none */

#define OKAY  N(STATUS, "\0")
#define WHO   S(OWNER, "alice")
#define WHERE S(OWNER_ORG, "acme")
#define WHAT  S(OWNER_ROLE, "owner")
#define IDENT S(ID, "a1")

static const struct fields_row answer_fields[] = {
    {"the least acceptance", {OKAY, IDENT, WHO, WHERE, WHAT}, true},
    {"in another order", {WHAT, WHERE, WHO, IDENT, OKAY}, true},
    {"a field of tomorrow is skipped", {OKAY, IDENT, WHO, WHERE, WHAT, N(200, "new")},
        true},
    {"the least refusal", {N(STATUS, "\3")}, true},
    {"a refusal with a field of tomorrow", {N(STATUS, "\3"), N(99, "")}, true},
    {"a refusal with an identity", {N(STATUS, "\3"), IDENT, WHO, WHERE, WHAT}, true},
    {"no fields", {{0, NULL, 0}}, false},
    {"no status", {IDENT, WHO, WHERE, WHAT}, false},
    {"status empty", {N(STATUS, ""), IDENT, WHO, WHERE, WHAT}, false},
    {"status of two bytes", {N(STATUS, "\0\0"), IDENT, WHO, WHERE, WHAT}, false},
    {"status of four bytes", {N(STATUS, "\0\0\0\0"), IDENT, WHO, WHERE, WHAT}, false},
    {"status twice", {OKAY, OKAY, IDENT, WHO, WHERE, WHAT}, false},
    {"refused, then accepted", {N(STATUS, "\3"), OKAY, IDENT, WHO, WHERE, WHAT}, false},
    {"accepted, then refused", {OKAY, IDENT, WHO, WHERE, WHAT, N(STATUS, "\3")}, false},
    {"status of tomorrow", {N(STATUS, "\x0c"), IDENT, WHO, WHERE, WHAT}, false},
    {"status 128", {N(STATUS, "\x80"), IDENT, WHO, WHERE, WHAT}, false},
    {"status 255", {N(STATUS, "\xff"), IDENT, WHO, WHERE, WHAT}, false},
    {"accepted, of whom?", {OKAY}, false},
    {"accepted without id", {OKAY, WHO, WHERE, WHAT}, false},
    {"accepted without user", {OKAY, IDENT, WHERE, WHAT}, false},
    {"accepted without org", {OKAY, IDENT, WHO, WHAT}, false},
    {"accepted without role", {OKAY, IDENT, WHO, WHERE}, false},
    {"accepted with an empty id", {OKAY, S(ID, ""), WHO, WHERE, WHAT}, false},
    {"accepted with an empty user", {OKAY, IDENT, S(OWNER, ""), WHERE, WHAT}, false},
    {"accepted with an empty org", {OKAY, IDENT, WHO, S(OWNER_ORG, ""), WHAT}, false},
    {"accepted with an empty role", {OKAY, IDENT, WHO, WHERE, S(OWNER_ROLE, "")}, false},
    {"id twice", {OKAY, IDENT, WHO, WHERE, WHAT, IDENT}, false},
    {"user twice", {OKAY, IDENT, WHO, S(OWNER, "bob"), WHERE, WHAT}, false},
    {"org twice", {OKAY, IDENT, WHO, WHERE, WHAT, WHERE}, false},
    {"role twice", {OKAY, IDENT, WHO, WHERE, WHAT, WHAT}, false},
    {"name twice", {S(NAME, "a"), S(NAME, "b"), N(STATUS, "\3")}, false},
    {"user without a NUL", {OKAY, IDENT, N(OWNER, "alice"), WHERE, WHAT}, false},
    {"user with an inner NUL", {OKAY, IDENT, S(OWNER, "al\0ice"), WHERE, WHAT}, false},
    {"user that begins with a NUL", {OKAY, IDENT, S(OWNER, "\0x"), WHERE, WHAT}, false},
    {"user of no bytes", {OKAY, IDENT, N(OWNER, ""), WHERE, WHAT}, false},
    {"name without a NUL", {OKAY, IDENT, WHO, WHERE, WHAT, N(NAME, "laptop")}, false},
    {"expiry of seven bytes",
        {OKAY, IDENT, WHO, WHERE, WHAT, N(EXPIRES, "\0\0\0\0\0\0\1")}, false},
    {"expiry of nine bytes",
        {OKAY, IDENT, WHO, WHERE, WHAT, N(EXPIRES, "\0\0\0\0\0\0\0\0\1")}, false},
    {"a refusal with a broken identity", {N(STATUS, "\3"), N(ID, "a1")}, false},
    {"id too long",
        {OKAY, S(ID, "12345678901234567890123456789012345678901234567890123456789012345"),
            WHO, WHERE, WHAT},
        false},
};

static void
answer_of_fields(void **state)
{
    const struct fields_row *row = *state;
    struct pat_identity got = {.id = "before"};
    enum pat_err status = PAT_ERR_NOMEM, err;
    struct raw raw;

    begin(&raw);
    for (size_t i = 0; i < COUNT(row->fields) && row->fields[i].value != NULL; i++)
        add(&raw, row->fields[i].tag, row->fields[i].value, row->fields[i].len);
    end(&raw);
    err = decode_answer(raw.data, raw.len, &status, &got);
    unit_check_err(err, row->want ? PAT_OK : PAT_ERR_MALFORMED);
    if (err != PAT_OK) {
        unit_check_err(status, PAT_ERR_NOMEM);
        unit_check_string("id", got.id, "before");
    } else if (status != PAT_OK) {
        unit_check_string("id", got.id, "before");
    }
}

static const struct list_row answer_strings[] = {
    {"a name of 255 bytes", NAME, 1, 255, true},
    {"a name of 256 bytes", NAME, 1, 256, false},
    {"a name of 5000 bytes", NAME, 1, 5000, false},
    {"a user of 256 bytes", OWNER, 1, 256, false},
    {"an org of 256 bytes", OWNER_ORG, 1, 256, false},
    {"a role of 256 bytes", OWNER_ROLE, 1, 256, false},
    {"an id of 64 bytes", ID, 1, 64, true},
    {"an id of 65 bytes", ID, 1, 65, false},
};

static void
answer_of_length(void **state)
{
    const struct list_row *row = *state;
    struct pat_identity got = {.id = "before"};
    enum pat_err status = PAT_ERR_NOMEM;
    struct raw raw;

    begin(&raw);
    add(&raw, STATUS, "\0", 1);
    for (int tag = ID; tag <= OWNER_ROLE; tag++)
        if (tag == row->tag)
            add(&raw, tag, unit_repeat('x', row->len), row->len + 1);
        else
            add(&raw, tag, "x", 2);
    end(&raw);
    unit_check_err(decode_answer(raw.data, raw.len, &status, &got),
        row->want ? PAT_OK : PAT_ERR_MALFORMED);
}

/* Lengths that lie */

static void
check_bytes(const char *what, const struct raw *raw)
{
    struct pat_identity id = {.id = "before"};
    enum pat_err status = PAT_ERR_NOMEM;
    struct pat_proto_request req;
    uint8_t *copy = NULL;
    enum pat_err err = decode_request(raw->data, raw->len, &copy, &req);

    free(copy);
    if (err != PAT_ERR_MALFORMED)
        fail_msg("as a request: %s", what);
    if (decode_answer(raw->data, raw->len, &status, &id) != PAT_ERR_MALFORMED)
        fail_msg("as an answer: %s", what);
}

static void
lengths_that_lie(void **state)
{
    struct raw raw;

    (void)state;
    for (int i = 0; i < 2; i++) {
        begin(&raw);
        if (i == 0) {
            add(&raw, OP, "\1", 1);
            add(&raw, TOKEN, "rhp_x", 5);
        } else {
            add(&raw, STATUS, "\3", 1);
        }
        end(&raw);
        raw.data[7]++;
        check_bytes("body longer than what is there", &raw);
        raw.data[7] = (uint8_t)(raw.data[7] - 2);
        check_bytes("body shorter than what is there", &raw);
        raw.data[7]++;
        raw.data[10]++;
        check_bytes("first field a byte too long", &raw);
        raw.data[10] = (uint8_t)(raw.data[10] - 2);
        check_bytes("first field a byte too short", &raw);
        raw.data[10]++;
        raw.data[9] = 0xff;
        check_bytes("first field beyond the end", &raw);
        raw.data[9] = 0;
        raw.data[raw.len++] = USER;
        end(&raw);
        check_bytes("a tag without a length", &raw);
        raw.data[raw.len++] = 0;
        end(&raw);
        check_bytes("a tag with half a length", &raw);
        raw.data[raw.len++] = 1;
        end(&raw);
        check_bytes("a length without a value", &raw);
        raw.len += 9000;
        end(&raw);
        check_bytes("larger than a message may be", &raw);
    }
}

/* Whole messages, damaged in every way */

static void
full_messages(struct pat_msg *ret_request, struct pat_msg *ret_answer)
{
    assert_int_equal(pat_proto_encode_request(
                         &full_request, token, sizeof(token) - 1, 3000, ret_request),
        PAT_OK);
    assert_int_equal(pat_proto_encode_answer(PAT_OK, &full_identity, ret_answer), PAT_OK);
}

static void
check_truncated(const struct pat_msg *msg)
{
    for (size_t len = 0; len < msg->len; len++) {
        struct pat_identity id = {.id = "before"};
        enum pat_err status = PAT_ERR_NOMEM, err;
        struct pat_proto_request req;
        uint8_t *copy = NULL;
        size_t whole = 999;

        if (pat_proto_frame(msg->data, len, &whole) != PAT_OK ||
            whole != (len < 8 ? 0 : msg->len))
            fail_msg("%zu bytes of %zu are not waited for", len, msg->len);
        err = decode_request(msg->data, len, &copy, &req);
        free(copy);
        if (err != PAT_ERR_MALFORMED)
            fail_msg("a request of %zu bytes of %zu", len, msg->len);
        if (decode_answer(msg->data, len, &status, &id) != PAT_ERR_MALFORMED)
            fail_msg("an answer of %zu bytes of %zu", len, msg->len);
    }
}

static void
truncated(void **state)
{
    struct pat_msg request = {.len = 0}, answer = {.len = 0};

    (void)state;
    full_messages(&request, &answer);
    check_truncated(&request);
    check_truncated(&answer);
}

/* The same, with a header that says so. */
static void
truncated_with_length(void **state)
{
    struct pat_msg request = {.len = 0}, answer = {.len = 0};

    (void)state;
    full_messages(&request, &answer);
    for (size_t len = 8; len < answer.len; len++) {
        struct pat_identity id = {.id = "before"};
        enum pat_err status = PAT_ERR_NOMEM;

        answer.data[7] = (uint8_t)(len - 8);
        if (decode_answer(answer.data, len, &status, &id) != PAT_OK)
            continue;
        /* Only the expiry comes after what an acceptance needs. */
        if (len != answer.len - 11)
            fail_msg("an answer of %zu bytes of %zu", len, answer.len);
    }
}

static void
check_inside(const char *s, const uint8_t *copy, size_t len)
{
    const uint8_t *p = (const uint8_t *)s;

    if (s != NULL && (p < copy || p >= copy + len ||
                         memchr(p, '\0', (size_t)(copy + len - p)) == NULL))
        fail_msg("a string outside of the message");
}

static void
check_request_sane(const uint8_t *copy, size_t len, const struct pat_proto_request *req)
{
    const uint8_t *tok = req->token;

    if (req->op != PAT_OP_VERIFY && req->op != PAT_OP_REVOKE)
        fail_msg("op %d", (int)req->op);
    if (tok < copy || tok + req->token_len > copy + len)
        fail_msg("the token is outside of the message");
    check_inside(req->req.user, copy, len);
    check_inside(req->req.service, copy, len);
    check_inside(req->req.source, copy, len);
    if (pat_strv_len(req->req.orgs) > PAT_LIST_MAX ||
        pat_strv_len(req->req.roles) > PAT_LIST_MAX)
        fail_msg("a list is too long");
    for (size_t i = 0; i < pat_strv_len(req->req.orgs); i++)
        check_inside(req->req.orgs[i], copy, len);
    for (size_t i = 0; i < pat_strv_len(req->req.roles); i++)
        check_inside(req->req.roles[i], copy, len);
}

static bool
ends(const char *s, size_t size)
{
    return memchr(s, '\0', size) != NULL;
}

/* Decode as both; what is accepted must make sense. Returns whether either was. */
static bool
check_sane(const uint8_t *data, size_t len)
{
    struct pat_identity id;
    enum pat_err status = PAT_ERR_NOMEM;
    struct pat_proto_request req;
    uint8_t *copy = NULL;
    bool sane = false;

    memset(&id, 0x5a, sizeof(id));
    if (decode_request(data, len, &copy, &req) == PAT_OK) {
        check_request_sane(copy, len, &req);
        sane = true;
    }
    free(copy);
    if (decode_answer(data, len, &status, &id) == PAT_OK) {
        if ((int)status < 0 || status >= PAT_ERR_COUNT)
            fail_msg("status %d", (int)status);
        if (status == PAT_OK &&
            (!ends(id.id, sizeof(id.id)) || !ends(id.name, sizeof(id.name)) ||
                !ends(id.user, sizeof(id.user)) || !ends(id.org, sizeof(id.org)) ||
                !ends(id.role, sizeof(id.role)) || id.id[0] == '\0' ||
                id.user[0] == '\0' || id.org[0] == '\0' || id.role[0] == '\0'))
            fail_msg("an acceptance without an identity");
        sane = true;
    }
    return sane;
}

static void
mutated(void **state)
{
    struct pat_msg request = {.len = 0}, answer = {.len = 0};
    struct pat_msg *msgs[] = {&request, &answer};

    (void)state;
    full_messages(&request, &answer);
    for (size_t m = 0; m < COUNT(msgs); m++) {
        assert_true(check_sane(msgs[m]->data, msgs[m]->len));
        for (size_t at = 0; at < msgs[m]->len; at++) {
            uint8_t before = msgs[m]->data[at];

            for (int c = 0; c < 256; c++) {
                bool sane;

                msgs[m]->data[at] = (uint8_t)c;
                sane = check_sane(msgs[m]->data, msgs[m]->len);
                if (sane && at < 8 && c != before)
                    fail_msg("byte %zu of the header may be 0x%02x", at, (unsigned)c);
            }
            msgs[m]->data[at] = before;
        }
    }
}

/* No one changed byte makes a refusal an acceptance. */
static void
refusal_mutated(void **state)
{
    struct pat_msg msg = {.len = 0};

    (void)state;
    assert_int_equal(pat_proto_encode_answer(PAT_ERR_REVOKED, NULL, &msg), PAT_OK);
    for (size_t at = 0; at < msg.len; at++) {
        uint8_t before = msg.data[at];

        for (int c = 0; c < 256; c++) {
            struct pat_identity id = {.id = "before"};
            enum pat_err status = PAT_ERR_NOMEM;

            msg.data[at] = (uint8_t)c;
            if (decode_answer(msg.data, msg.len, &status, &id) == PAT_OK &&
                status == PAT_OK)
                fail_msg("byte %zu as 0x%02x lets in", at, (unsigned)c);
        }
        msg.data[at] = before;
    }
}

/* A field that may well be one: a likely tag, a short value, often a string. */
static void
add_junk(struct raw *raw, uint32_t *seed)
{
    uint32_t r = unit_random(seed);
    int tag = (r & 1 ? OP : STATUS) + (int)(r >> 1) % 10;
    size_t len = (r >> 4) % 16 == 0 ? (r >> 8) % 64 : (r >> 8) % 4;
    uint8_t value[64];

    for (size_t i = 0; i < len; i++)
        value[i] = (uint8_t)('a' + unit_random(seed) % 3);
    if (len > 0 && r >> 30 != 0)
        value[len - 1] = 0;
    add(raw, tag, value, len);
}

static void
junk(void **state)
{
    uint32_t seed = 20260314;
    unsigned accepted = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        uint32_t fields = unit_random(&seed) % 6;
        struct raw raw;

        begin(&raw);
        if (round % 3 == 0) {
            add(&raw, OP, "\1", 1);
            add(&raw, TOKEN, "rhp_x", 5);
        } else if (round % 3 == 1) {
            add(&raw, STATUS, round % 2 == 0 ? "\0" : "\3", 1);
        }
        while (fields-- > 0)
            add_junk(&raw, &seed);
        end(&raw);
        if (round % 5 == 0)
            raw.data[unit_random(&seed) % raw.len] = (uint8_t)unit_random(&seed);
        for (size_t i = 0; round % 50 == 0 && i < raw.len; i++)
            raw.data[i] = (uint8_t)unit_random(&seed);
        accepted += check_sane(raw.data, raw.len);
    }
    /* Else the junk was too wild, or not wild enough. */
    if (accepted < 1000 || accepted > 50000)
        fail_msg("%u were messages", accepted);
}

static void
clear(void **state)
{
    static const struct pat_msg zero;
    struct pat_msg request = {.len = 0}, answer = {.len = 0};

    (void)state;
    full_messages(&request, &answer);
    pat_msg_clear(&request);
    assert_memory_equal(&request, &zero, sizeof(zero));
}

int
main(void)
{
    UNIT_TABLE("request", request_round_trip, requests);
    unit_add("request", "as large as may be", request_limits, NULL);
    unit_add("request", "as long as a message may be", request_fills_message, NULL);
    UNIT_TABLE("answer", answer_round_trip, answers);
    unit_add("answer", "as large as may be", answer_longest, NULL);
    unit_add("answer", "every refusal", refusal_round_trip, NULL);
    unit_add("wire", "a request, byte by byte", request_on_the_wire, NULL);
    unit_add("wire", "the answer of a busy patd", busy_on_the_wire, NULL);
    unit_add("wire", "an answer, byte by byte", answer_on_the_wire, NULL);
    UNIT_TABLE("not sent", refuses_to_encode, unsendable);
    UNIT_TABLE("frame", frame, frames);
    UNIT_TABLE("request of fields", request_of_fields, request_fields);
    UNIT_TABLE("request with", request_of_many, lists);
    UNIT_TABLE("answer of fields", answer_of_fields, answer_fields);
    UNIT_TABLE("answer with", answer_of_length, answer_strings);
    unit_add("damaged", "lengths that lie", lengths_that_lie, NULL);
    unit_add("damaged", "cut anywhere", truncated, NULL);
    unit_add(
        "damaged", "cut anywhere, and the header says so", truncated_with_length, NULL);
    unit_add("damaged", "any one byte", mutated, NULL);
    unit_add("damaged", "any one byte of a refusal", refusal_mutated, NULL);
    unit_add("damaged", "junk", junk, NULL);
    unit_add("clear", "leaves nothing", clear, NULL);
    return unit_run("proto");
}
