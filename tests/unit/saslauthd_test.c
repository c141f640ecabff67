/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "saslauthd.h"

/* A string literal and its length, NULs in it included. */
#define BYTES(s) s, sizeof(s) - 1

#define TOKEN "rhp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0"

/* Messages written by hand */

struct raw {
    uint8_t data[4 * (2 + UINT16_MAX)];
    size_t len;
};

static void
add(struct raw *raw, const void *value, size_t len)
{
    assert_true(len <= UINT16_MAX && raw->len + 2 + len <= sizeof(raw->data));
    raw->data[raw->len] = (uint8_t)(len >> 8);
    raw->data[raw->len + 1] = (uint8_t)len;
    memcpy(raw->data + raw->len + 2, value, len);
    raw->len += 2 + len;
}

static void
add_text(struct raw *raw, const char *s)
{
    add(raw, s, strlen(s));
}

static void
make(struct raw *raw, const char *user, const char *password, const char *service,
    const char *realm)
{
    raw->len = 0;
    add_text(raw, user);
    add_text(raw, password);
    add_text(raw, service);
    add_text(raw, realm);
}

/* Each works on a copy of exact size, so that a read beyond it is seen. */

static uint8_t *
copy_of(const void *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, data, len);
    return copy;
}

static enum pat_err
frame(const void *data, size_t have, size_t *ret_len)
{
    uint8_t *copy = copy_of(data, have);
    enum pat_err err = pat_saslauthd_frame(copy, have, ret_len);

    free(copy);
    return err;
}

static enum pat_err
frame_answer(const void *data, size_t have, size_t *ret_len, bool *ret_accepted)
{
    uint8_t *copy = copy_of(data, have);
    enum pat_err err = pat_saslauthd_frame_answer(copy, have, ret_len, ret_accepted);

    free(copy);
    return err;
}

static enum pat_err
decode(
    const void *data, size_t len, uint8_t **ret_copy, struct pat_saslauthd_request *ret)
{
    *ret_copy = copy_of(data, len);
    return pat_saslauthd_decode(*ret_copy, len, ret);
}

static enum pat_err
decode_only(const void *data, size_t len)
{
    struct pat_saslauthd_request req;
    uint8_t *copy = NULL;
    enum pat_err err = decode(data, len, &copy, &req);

    free(copy);
    return err;
}

static void
check_bytes(const char *what, const struct pat_saslauthd_string *got, const char *want)
{
    unit_check_int(what, got->len, strlen(want));
    assert_memory_equal(got->data, want, got->len);
}

/* Requests */

struct request_row {
    const char *name;
    const char *user, *password, *service, *realm;
    const char *login; /* NULL = nobody's */
};

static const struct request_row requests[] = {
    {"a token", "alice", TOKEN, "imap", "", "alice"},
    {"a realm", "alice", TOKEN, "smtp", "example.com", "alice@example.com"},
    {"an @ in the user", "alice@example.com", "x", "imap", "", "alice@example.com"},
    {"an @ in both", "alice@a", "x", "imap", "b", "alice@a@b"},
    {"a user of nothing but an @", "@", "x", "imap", "", "@"},
    {"a realm of nothing but an @", "alice", "x", "imap", "@", "alice@@"},
    {"no service", "alice", "x", "", "", "alice"},
    {"no password", "alice", "", "imap", "", "alice"},
    {"no user", "", TOKEN, "imap", "", NULL},
    {"no user, and a realm", "", TOKEN, "imap", "example.com", NULL},
    {"nothing at all", "", "", "", "", NULL},
    {"bytes of every kind", "al\xc3\xaf\x01\xff", "\x80\n\r\t ", "i\x7f", "\x1b[m",
        "al\xc3\xaf\x01\xff@\x1b[m"},
};

static void
request(void **state)
{
    const struct request_row *row = *state;
    struct pat_saslauthd_request got;
    char login[PAT_USER_MAX + 1] = "as before", service[PAT_SERVICE_MAX + 1];
    uint8_t *copy = NULL;
    struct raw raw;

    make(&raw, row->user, row->password, row->service, row->realm);
    unit_check_err(decode(raw.data, raw.len, &copy, &got), PAT_OK);
    check_bytes("user", &got.user, row->user);
    check_bytes("password", &got.password, row->password);
    check_bytes("service", &got.service, row->service);
    check_bytes("realm", &got.realm, row->realm);
    unit_check_err(
        pat_saslauthd_login(&got, login), row->login != NULL ? PAT_OK : PAT_ERR_USER);
    unit_check_string("login", login, row->login != NULL ? row->login : "as before");
    pat_saslauthd_service(&got, service);
    unit_check_string("service", service, row->service);
    free(copy);
}

/* So that the test does not just ask our own idea of the bytes. */
static void
request_on_the_wire(void **state)
{
    struct pat_saslauthd_request got;
    uint8_t *copy = NULL;

    (void)state;
    unit_check_err(
        decode(BYTES("\0\5alice\0\6s3cret\0\4imap\0\13example.com"), &copy, &got),
        PAT_OK);
    check_bytes("user", &got.user, "alice");
    check_bytes("password", &got.password, "s3cret");
    check_bytes("service", &got.service, "imap");
    check_bytes("realm", &got.realm, "example.com");
    free(copy);
    copy = NULL;
    unit_check_err(decode(BYTES("\0\0\0\0\0\0\0\0"), &copy, &got), PAT_OK);
    check_bytes("user", &got.user, "");
    check_bytes("realm", &got.realm, "");
    free(copy);
}

struct length_row {
    const char *name;
    size_t user, password, service, realm;
    enum pat_err want, want_login;
};

static const struct length_row lengths[] = {
    {"the longest user", 255, 8, 4, 0, PAT_OK, PAT_OK},
    {"a user too long", 256, 8, 4, 0, PAT_OK, PAT_ERR_USER},
    {"a user far too long", 8000, 8, 4, 0, PAT_OK, PAT_ERR_USER},
    {"the longest user with a realm", 200, 8, 4, 54, PAT_OK, PAT_OK},
    {"a user and a realm too long", 200, 8, 4, 55, PAT_OK, PAT_ERR_USER},
    {"a realm too long", 1, 8, 4, 254, PAT_OK, PAT_ERR_USER},
    {"a realm far too long", 1, 8, 4, 8000, PAT_OK, PAT_ERR_USER},
    {"a password as long as the stock server takes", 5, 256, 4, 0, PAT_OK, PAT_OK},
    {"a password as long as fits", 5, 8192 - 8 - 5 - 4, 4, 0, PAT_OK, PAT_OK},
    {"a password too long", 5, 8192 - 8 - 5 - 3, 4, 0, PAT_ERR_MALFORMED, PAT_OK},
    {"a password of 64 KiB", 5, 65535, 4, 0, PAT_ERR_MALFORMED, PAT_OK},
    {"the longest service", 5, 8, 255, 0, PAT_OK, PAT_OK},
    {"a service too long", 5, 8, 256, 0, PAT_ERR_MALFORMED, PAT_OK},
    {"a service of 64 KiB", 5, 8, 65535, 0, PAT_ERR_MALFORMED, PAT_OK},
    {"a user of 64 KiB", 65535, 0, 0, 0, PAT_ERR_MALFORMED, PAT_OK},
    {"a realm of 64 KiB", 0, 0, 0, 65535, PAT_ERR_MALFORMED, PAT_OK},
    {"64 KiB of each", 65535, 65535, 65535, 65535, PAT_ERR_MALFORMED, PAT_OK},
    {"a realm as long as fits", 5, 0, 0, 8192 - 8 - 5, PAT_OK, PAT_ERR_USER},
    {"a realm one byte longer", 5, 0, 0, 8192 - 8 - 4, PAT_ERR_MALFORMED, PAT_OK},
};

static void
request_of_length(void **state)
{
    const struct length_row *row = *state;
    struct pat_saslauthd_request got;
    char login[PAT_USER_MAX + 1];
    uint8_t *copy = NULL;
    struct raw raw;
    enum pat_err err;

    make(&raw, unit_repeat('u', row->user), unit_repeat('p', row->password),
        unit_repeat('s', row->service), unit_repeat('r', row->realm));
    err = decode(raw.data, raw.len, &copy, &got);
    unit_check_err(err, row->want);
    if (err == PAT_OK) {
        err = pat_saslauthd_login(&got, login);
        unit_check_err(err, row->want_login);
        if (err == PAT_OK)
            unit_check_int(
                "login", strlen(login), row->user + (row->realm > 0) + row->realm);
    }
    free(copy);
}

/* Framing */

struct frame_row {
    const char *name;
    const char *data;
    size_t have;
    enum pat_err want;
    size_t want_len;
};

static const struct frame_row frames[] = {
    {"nothing", BYTES(""), PAT_OK, 0},
    {"half a length", BYTES("\0"), PAT_OK, 0},
    {"a length", BYTES("\0\5"), PAT_OK, 0},
    {"part of the user", BYTES("\0\5ali"), PAT_OK, 0},
    {"the user", BYTES("\0\5alice"), PAT_OK, 0},
    {"the user, half a length", BYTES("\0\5alice\0"), PAT_OK, 0},
    {"the password", BYTES("\0\1a\0\1b"), PAT_OK, 0},
    {"the service", BYTES("\0\1a\0\1b\0\1c"), PAT_OK, 0},
    {"the service, half a length", BYTES("\0\1a\0\1b\0\1c\0"), PAT_OK, 0},
    {"the length of the realm", BYTES("\0\1a\0\1b\0\1c\0\5"), PAT_OK, 16},
    {"part of the realm", BYTES("\0\1a\0\1b\0\1c\0\5xy"), PAT_OK, 16},
    {"no realm", BYTES("\0\1a\0\1b\0\1c\0\0"), PAT_OK, 11},
    {"all", BYTES("\0\1a\0\1b\0\1c\0\1d"), PAT_OK, 12},
    {"more than all", BYTES("\0\1a\0\1b\0\1c\0\1dmore"), PAT_OK, 12},
    {"four empty ones", BYTES("\0\0\0\0\0\0\0\0"), PAT_OK, 8},
    {"a user that just fits", BYTES("\x1f\xf8"), PAT_OK, 0},
    {"a user that does not", BYTES("\x1f\xf9"), PAT_ERR_MALFORMED, 0},
    {"a user of 8 KiB", BYTES("\x20\x00"), PAT_ERR_MALFORMED, 0},
    {"a user of 64 KiB", BYTES("\xff\xff"), PAT_ERR_MALFORMED, 0},
    {"a password that just fits", BYTES("\0\1a\x1f\xf7"), PAT_OK, 0},
    {"a password that does not", BYTES("\0\1a\x1f\xf8"), PAT_ERR_MALFORMED, 0},
    {"a password of 64 KiB", BYTES("\0\0\xff\xff"), PAT_ERR_MALFORMED, 0},
    {"a service that just fits", BYTES("\0\0\0\0\x1f\xf8"), PAT_OK, 0},
    {"a service that does not", BYTES("\0\0\0\0\x1f\xf9"), PAT_ERR_MALFORMED, 0},
    {"a realm that just fits", BYTES("\0\0\0\0\0\0\x1f\xf8"), PAT_OK, 8192},
    {"a realm that does not", BYTES("\0\0\0\0\0\0\x1f\xf9"), PAT_ERR_MALFORMED, 0},
    {"a realm of 64 KiB", BYTES("\0\0\0\0\0\0\xff\xff"), PAT_ERR_MALFORMED, 0},
    {"a request of our own protocol", BYTES("PAT1\0\0\0\10"), PAT_ERR_MALFORMED, 0},
    {"HTTP", BYTES("GET / HTTP/1.1\r\n"), PAT_ERR_MALFORMED, 0},
};

static void
frame_of_request(void **state)
{
    const struct frame_row *row = *state;
    size_t len = 999;

    unit_check_err(frame(row->data, row->have, &len), row->want);
    if (row->want == PAT_OK)
        unit_check_int("length", len, row->want_len);
}

/* However a request is cut, each part but the whole asks for more, and never for less. */
static void
frame_at_every_cut(void **state)
{
    struct raw raw;
    size_t known, len;

    (void)state;
    make(&raw, "alice", TOKEN, "imap", "example.com");
    known = raw.len - strlen("example.com");
    for (size_t cut = 0; cut <= raw.len; cut++) {
        len = 999;
        unit_check_err(frame(raw.data, cut, &len), PAT_OK);
        unit_check_int("length", len, cut < known ? 0 : raw.len);
        unit_check_err(
            decode_only(raw.data, cut), cut == raw.len ? PAT_OK : PAT_ERR_MALFORMED);
    }
}

/* A reader whose buffer is full always knows what to do. */
static void
frame_of_full_buffer(void **state)
{
    static uint8_t data[PAT_MSG_MAX];
    uint32_t seed = 1;
    size_t len;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(data); i += 1 + unit_random(&seed) % 700)
            data[i] = (uint8_t)(unit_random(&seed) % 32);
        len = 0;
        if (frame(data, sizeof(data), &len) == PAT_OK && (len < 8 || len > sizeof(data)))
            fail_msg("%zu bytes", len);
    }
}

/* Requests that are none */

struct damaged_row {
    const char *name;
    const char *data;
    size_t len;
};

static const struct damaged_row damaged[] = {
    {"nothing", BYTES("")},
    {"three strings", BYTES("\0\1a\0\1b\0\1c")},
    {"three strings and half a length", BYTES("\0\1a\0\1b\0\1c\0")},
    {"the last string is short", BYTES("\0\1a\0\1b\0\1c\0\2d")},
    {"a byte behind", BYTES("\0\1a\0\1b\0\1c\0\1dx")},
    {"a fifth string", BYTES("\0\1a\0\1b\0\1c\0\1d\0\1e")},
    {"two requests", BYTES("\0\1a\0\1b\0\1c\0\1d\0\1a\0\1b\0\1c\0\1d")},
    {"a NUL in the user", BYTES("\0\3a\0x\0\1b\0\1c\0\1d")},
    {"a user of one NUL", BYTES("\0\1\0\0\1b\0\1c\0\1d")},
    {"a NUL in the password", BYTES("\0\1a\0\3b\0x\0\1c\0\1d")},
    {"a password that ends in a NUL", BYTES("\0\1a\0\2b\0\0\1c\0\1d")},
    {"a token with a NUL behind", BYTES("\0\1a\0\6rhp_x\0\0\1c\0\1d")},
    {"a NUL before a token", BYTES("\0\1a\0\6\0rhp_x\0\1c\0\1d")},
    {"a NUL in the service", BYTES("\0\1a\0\1b\0\3c\0x\0\1d")},
    {"a NUL in the realm", BYTES("\0\1a\0\1b\0\1c\0\3d\0x")},
    {"a realm of one NUL", BYTES("\0\1a\0\1b\0\1c\0\1\0")},
    {"lengths in the other order", BYTES("\1\0a\1\0b\1\0c\1\0d")},
};

static void
refuses_to_decode(void **state)
{
    const struct damaged_row *row = *state;

    unit_check_err(decode_only(row->data, row->len), PAT_ERR_MALFORMED);
}

/* A length that lies makes another request of it, or none, and never a read beyond. */
static void
lengths_that_lie(void **state)
{
    static const size_t at[] = {0, 2 + 5, 2 + 5 + 2 + 42, 2 + 5 + 2 + 42 + 2 + 4};
    static const size_t lengths_at[] = {5, 42, 4, 11};
    struct raw raw;

    (void)state;
    make(&raw, "alice", TOKEN, "imap", "example.com");
    for (size_t i = 0; i < COUNT(at); i++)
        for (unsigned n = 0; n <= UINT16_MAX; n++) {
            bool same = n == lengths_at[i];
            enum pat_err err;

            raw.data[at[i]] = (uint8_t)(n >> 8);
            raw.data[at[i] + 1] = (uint8_t)n;
            err = decode_only(raw.data, raw.len);
            raw.data[at[i]] = 0;
            raw.data[at[i] + 1] = (uint8_t)lengths_at[i];
            if (same != (err == PAT_OK))
                fail_msg("string %zu, length %u: %d", i, n, (int)err);
        }
}

/* Whatever the bytes: framing and decoding agree, and strings lie within. */
static unsigned
check_sane(const uint8_t *data, size_t len)
{
    struct pat_saslauthd_request got;
    uint8_t *copy = NULL;
    size_t whole = 0;
    enum pat_err framed = frame(data, len, &whole);
    enum pat_err decoded = decode(data, len, &copy, &got);

    if (decoded == PAT_OK) {
        unit_check_err(framed, PAT_OK);
        unit_check_int("whole", whole, len);
        unit_check_int("sum", got.user.len + got.password.len + got.service.len,
            len - 8 - got.realm.len);
        assert_ptr_equal(got.realm.data + got.realm.len, copy + len);
    }
    free(copy);
    return decoded == PAT_OK;
}

static void
junk(void **state)
{
    uint32_t seed = 20261125;
    unsigned accepted = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        struct raw raw;

        raw.len = 0;
        for (int i = 0; i < 4; i++)
            add_text(&raw, unit_repeat('x', unit_random(&seed) % 9));
        if (round % 2 == 0)
            raw.data[unit_random(&seed) % raw.len] = (uint8_t)unit_random(&seed);
        for (size_t i = 0; round % 20 == 0 && i < raw.len; i++)
            raw.data[i] = (uint8_t)unit_random(&seed);
        if (round % 7 == 0)
            raw.len -= unit_random(&seed) % raw.len;
        accepted += check_sane(raw.data, raw.len);
    }
    /* Else the junk was too wild, or not wild enough. */
    if (accepted < 20000 || accepted > 50000)
        fail_msg("%u were requests", accepted);
}

static void
junk_of_64_kib(void **state)
{
    static uint8_t data[65536];
    uint32_t seed = 7;

    (void)state;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (uint8_t)unit_random(&seed);
        unit_check_int("a request", check_sane(data, sizeof(data)), 0);
    }
}

/* Answers */

struct status_row {
    const char *name;
    enum pat_err status;
    const char *want;
    size_t want_len;
};

#define REFUSED BYTES("\0\30NO authentication failed")
#define NO_WORD BYTES("\0\0")

static const struct status_row statuses[] = {
    {"accepted", PAT_OK, BYTES("\0\2OK")},
    {"not a token", PAT_ERR_MALFORMED, REFUSED},
    {"unknown", PAT_ERR_UNKNOWN, REFUSED},
    {"revoked", PAT_ERR_REVOKED, REFUSED},
    {"expired", PAT_ERR_EXPIRED, REFUSED},
    {"no member", PAT_ERR_MEMBER, REFUSED},
    {"another user's", PAT_ERR_USER, REFUSED},
    {"another org's", PAT_ERR_SCOPE, REFUSED},
    {"damaged", PAT_ERR_RECORD, REFUSED},
    {"unavailable", PAT_ERR_UNAVAIL, NO_WORD},
    {"configuration", PAT_ERR_CONFIG, NO_WORD},
    {"no memory", PAT_ERR_NOMEM, NO_WORD},
    {"no code of ours", PAT_ERR_COUNT, NO_WORD},
    {"nor this", (enum pat_err)200, NO_WORD},
};

static void
encodes(void **state)
{
    const struct status_row *row = *state;
    struct pat_msg msg;

    pat_saslauthd_encode_answer(row->status, &msg);
    unit_check_int("length", msg.len, row->want_len);
    assert_memory_equal(msg.data, row->want, msg.len);
}

struct answer_row {
    const char *name;
    const char *data;
    size_t have;
    enum pat_err want;
    size_t want_len;
    bool accepted; /* of a whole one */
};

static const struct answer_row answers[] = {
    {"nothing", BYTES(""), PAT_OK, 0, false},
    {"half a length", BYTES("\0"), PAT_OK, 0, false},
    {"a length", BYTES("\0\2"), PAT_OK, 4, false},
    {"half of OK", BYTES("\0\2O"), PAT_OK, 4, false},
    {"OK", BYTES("\0\2OK"), PAT_OK, 4, true},
    {"OK, and more", BYTES("\0\11OK as was"), PAT_OK, 11, true},
    {"OK, and a part of more", BYTES("\0\11OK as"), PAT_OK, 11, false},
    {"NO", BYTES("\0\2NO"), PAT_OK, 4, false},
    {"NO, and why", BYTES("\0\14NO \"not you\""), PAT_OK, 14, false},
    {"an empty one", BYTES("\0\0"), PAT_ERR_MALFORMED, 0, false},
    {"one byte", BYTES("\0\1O"), PAT_ERR_MALFORMED, 0, false},
    {"one byte of OK", BYTES("\0\1OK"), PAT_ERR_MALFORMED, 0, false},
    {"ok", BYTES("\0\2ok"), PAT_ERR_MALFORMED, 0, false},
    {"Ok", BYTES("\0\2Ok"), PAT_ERR_MALFORMED, 0, false},
    {"ON", BYTES("\0\2ON"), PAT_ERR_MALFORMED, 0, false},
    {"NA", BYTES("\0\2NA"), PAT_ERR_MALFORMED, 0, false},
    {"OK behind a space", BYTES("\0\3 OK"), PAT_ERR_MALFORMED, 0, false},
    {"OK behind NO", BYTES("\0\4NOOK"), PAT_OK, 6, false},
    {"two NULs", BYTES("\0\2\0\0"), PAT_ERR_MALFORMED, 0, false},
    {"a NUL between", BYTES("\0\3O\0K"), PAT_ERR_MALFORMED, 0, false},
    {"as long as it may be", BYTES("\x03\xff"), PAT_OK, 1025, false},
    {"longer", BYTES("\x04\x00"), PAT_ERR_MALFORMED, 0, false},
    {"64 KiB", BYTES("\xff\xffOK"), PAT_ERR_MALFORMED, 0, false},
    {"an answer of our own protocol", BYTES("PAT1\0\0\0\4"), PAT_ERR_MALFORMED, 0, false},
};

static void
frame_of_answer(void **state)
{
    const struct answer_row *row = *state;
    size_t len = 999;
    bool accepted = false;

    unit_check_err(frame_answer(row->data, row->have, &len, &accepted), row->want);
    if (row->want == PAT_OK)
        unit_check_int("length", len, row->want_len);
    if (row->want == PAT_OK || row->have < 4)
        unit_check_int("accepted", accepted, row->accepted);
}

static void
longest_answer(void **state)
{
    struct raw raw;
    size_t len = 0;
    bool accepted = false;

    (void)state;
    raw.len = 0;
    add_text(&raw, unit_repeat('x', 1023));
    memcpy(raw.data + 2, "OK", 2);
    unit_check_int("longest", raw.len, PAT_SASLAUTHD_ANSWER_MAX);
    for (size_t cut = 2; cut <= raw.len; cut++) {
        unit_check_err(frame_answer(raw.data, cut, &len, &accepted), PAT_OK);
        unit_check_int("length", len, raw.len);
        unit_check_int("accepted", accepted, cut == raw.len);
    }
}

/* What we say is what we would take from a saslauthd, but for what is no answer there. */
static void
own_answers(void **state)
{
    struct pat_msg msg;
    size_t len = 0;

    (void)state;
    for (int status = 0; status < PAT_ERR_COUNT; status++) {
        bool accepted = false;
        enum pat_err err;

        pat_saslauthd_encode_answer((enum pat_err)status, &msg);
        err = frame_answer(msg.data, msg.len, &len, &accepted);
        unit_check_int("accepted", accepted, status == PAT_OK);
        if (err == PAT_OK)
            unit_check_int("length", len, msg.len);
        else
            unit_check_int("no answer", msg.len, 2);
    }
}

int
main(void)
{
    UNIT_TABLE("request", request, requests);
    unit_add("request", "byte by byte", request_on_the_wire, NULL);
    UNIT_TABLE("request with", request_of_length, lengths);
    UNIT_TABLE("frame", frame_of_request, frames);
    unit_add("frame", "at every cut", frame_at_every_cut, NULL);
    unit_add("frame", "of a full buffer", frame_of_full_buffer, NULL);
    UNIT_TABLE("damaged", refuses_to_decode, damaged);
    unit_add("damaged", "lengths that lie", lengths_that_lie, NULL);
    unit_add("damaged", "junk", junk, NULL);
    unit_add("damaged", "junk of 64 KiB", junk_of_64_kib, NULL);
    UNIT_TABLE("answer to", encodes, statuses);
    UNIT_TABLE("answer", frame_of_answer, answers);
    unit_add("answer", "as long as it may be", longest_answer, NULL);
    unit_add("answer", "our own", own_answers, NULL);
    return unit_run("saslauthd");
}
