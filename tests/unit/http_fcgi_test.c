/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "fcgi.h"

#define RECORD(type, id, len, pad) "\1" type "\0" id "\0" len pad "\0"
#define BEGIN(role, keep)          RECORD("\1", "\1", "\10", "\0") "\0" role keep "\0\0\0\0\0"
#define PARAMS_END                 RECORD("\4", "\1", "\0", "\0")
#define STDIN_END                  RECORD("\5", "\1", "\0", "\0")
#define ADDRESS                    "\13\3REMOTE_ADDR::1"
#define HEADER                     "\22\10HTTP_AUTHORIZATIONBearer x"
#define BOTH                       RECORD("\4", "\1", "\54", "\0") ADDRESS HEADER

struct row {
    const char *name;
    const char *data;
    size_t len;
    const char *events;                 /* a letter each: r(equest), p(eply), e(rror) */
    const char *authorization, *source; /* of the last request */
    unsigned authorizations;
};

#define BYTES(s) s, sizeof(s) - 1

static const struct row rows[] = {
    {"a responder's", BYTES(BEGIN("\1", "\1") BOTH PARAMS_END STDIN_END), "r", "Bearer x",
        "::1", 1},
    {"an authorizer's", BYTES(BEGIN("\2", "\0") BOTH PARAMS_END), "r", "Bearer x", "::1",
        1},
    {"with padding",
        BYTES(BEGIN("\1", "\1") RECORD("\4", "\1", "\20", "\3") ADDRESS "zzz" PARAMS_END),
        "r", "", "::1", 0},
    {"two, one after the other",
        BYTES(BEGIN("\1", "\1") BOTH PARAMS_END STDIN_END BEGIN("\1", "\1") PARAMS_END),
        "rr", "", "", 0},
    {"two headers", BYTES(BEGIN("\1", "\1") BOTH BOTH PARAMS_END), "r", "Bearer x", "::1",
        2},
    {"an empty header",
        BYTES(BEGIN("\1", "\1")
                RECORD("\4", "\1", "\24", "\0") "\22\0HTTP_AUTHORIZATION" PARAMS_END),
        "r", "", "", 1},
    {"nothing", BYTES(""), "", NULL, NULL, 0},
    {"parameters that do not end", BYTES(BEGIN("\1", "\1") BOTH), "", NULL, NULL, 0},
    {"another's parameters", BYTES(BEGIN("\1", "\1") RECORD("\4", "\2", "\0", "\0")), "",
        NULL, NULL, 0},
    {"parameters of none", BYTES(PARAMS_END), "", NULL, NULL, 0},
    {"an unknown role", BYTES(BEGIN("\3", "\1")), "p", NULL, NULL, 0},
    {"an abort", BYTES(BEGIN("\1", "\1") RECORD("\2", "\1", "\0", "\0") PARAMS_END), "p",
        NULL, NULL, 0},
    {"management",
        BYTES(RECORD("\11", "\0", "\0", "\0") RECORD("\115", "\0", "\0", "\0")), "pp",
        NULL, NULL, 0},
    {"a second at once",
        BYTES(BEGIN("\1", "\1")
                RECORD("\1", "\2", "\10", "\0") "\0\1\1\0\0\0\0\0" PARAMS_END),
        "pr", "", "", 0},
    {"the same again at once", BYTES(BEGIN("\1", "\1") BEGIN("\1", "\1")), "e", NULL,
        NULL, 0},
    {"another version", BYTES("\2\1\0\1\0\10\0\0"), "e", NULL, NULL, 0},
    {"the request 0", BYTES(RECORD("\1", "\0", "\10", "\0")), "e", NULL, NULL, 0},
    {"a short beginning", BYTES(RECORD("\1", "\1", "\7", "\0")), "e", NULL, NULL, 0},
    {"a cut length",
        BYTES(BEGIN("\1", "\1") RECORD("\4", "\1", "\1", "\0") "\x80" PARAMS_END), "e",
        NULL, NULL, 0},
    {"a cut value",
        BYTES(BEGIN("\1", "\1") RECORD("\4", "\1", "\4", "\0") "\1\2xy" PARAMS_END), "e",
        NULL, NULL, 0},
    {"lengths beyond all bounds",
        BYTES(BEGIN("\1", "\1") RECORD(
            "\4", "\1", "\10", "\0") "\xff\xff\xff\xff\xff\xff\xff\xff" PARAMS_END),
        "e", NULL, NULL, 0},
};

static void
check_request(const struct fcgi_request *r, const struct row *row)
{
    if (row->authorization == NULL)
        return;
    unit_check_int("headers", r->authorizations, row->authorizations);
    unit_check_int("length", r->authorization_len, strlen(row->authorization));
    assert_memory_equal(r->authorization, row->authorization, r->authorization_len);
    unit_check_int("length of the source", r->source_len, strlen(row->source));
    assert_memory_equal(r->source, row->source, r->source_len);
}

static char
letter_of(enum fcgi_event event)
{
    static const char letters[] = {
        [FCGI_MORE] = 'm', [FCGI_REQUEST] = 'r', [FCGI_REPLY] = 'p', [FCGI_ERROR] = 'e'};

    return letters[event];
}

static void
feed(const struct row *row, size_t piece)
{
    static struct fcgi f;
    char events[8] = "";
    size_t count = 0, at = 0;
    bool failed = false;

    fcgi_init(&f);
    while (at < row->len && !failed) {
        size_t n = row->len - at < piece ? row->len - at : piece, left = n;
        const uint8_t *data = (const uint8_t *)row->data + at;
        enum fcgi_event event;

        while (!failed && (event = fcgi_feed(&f, &data, &left)) != FCGI_MORE) {
            assert_true(count < sizeof(events) - 1);
            events[count++] = letter_of(event);
            failed = event == FCGI_ERROR;
            if (event != FCGI_REQUEST)
                continue;
            if (row->events[count] == '\0')
                check_request(&f.request, row);
            fcgi_finish(&f);
            assert_null(memmem(
                f.request.authorization, sizeof(f.request.authorization), "Bearer", 6));
        }
        at += n;
    }
    unit_check_string("events", events, row->events);
    fcgi_clear(&f);
}

/* In pieces of every size it is the same. */
static void
whole(void **state)
{
    const struct row *row = *state;

    for (size_t piece = 1; piece <= row->len + 1; piece++)
        feed(row, piece);
}

/* A header that is too long is cut, and told to be. */
static void
too_long(void **state)
{
    static struct fcgi f;
    static uint8_t value[FCGI_AUTHORIZATION_MAX + 100];
    const char start[] = BEGIN("\1", "\1");
    const uint8_t name[] = "\1\4\0\1\x20\x7b\0\0\22\x80\0\x20\x64HTTP_AUTHORIZATION";
    const char end[] = PARAMS_END;
    const uint8_t *parts[] = {(const uint8_t *)start, name, value, (const uint8_t *)end};
    size_t sizes[] = {
        sizeof(start) - 1, sizeof(name) - 1, sizeof(value), sizeof(end) - 1};
    enum fcgi_event event = FCGI_MORE;

    (void)state;
    /* 1 + 4 bytes of lengths, the name, and the value */
    assert_int_equal(0x207b, 1 + 4 + 18 + sizeof(value));
    memset(value, 'x', sizeof(value));
    fcgi_init(&f);
    for (size_t i = 0; i < COUNT(parts); i++)
        event = fcgi_feed(&f, &parts[i], &sizes[i]);
    unit_check_int("event", event, FCGI_REQUEST);
    assert_true(f.request.too_long);
    unit_check_int("length", f.request.authorization_len, FCGI_AUTHORIZATION_MAX);
    fcgi_clear(&f);
}

/* Without end: 1 MiB of them is no request. */
static void
too_many(void **state)
{
    static struct fcgi f;
    static uint8_t record[8 + 65000];
    const uint8_t begin[] = BEGIN("\1", "\1");
    const uint8_t *data = begin;
    size_t len = sizeof(begin) - 1, count = 0;
    enum fcgi_event event;

    (void)state;
    memcpy(record, "\1\4\0\1\xfd\xe8\0\0", 8);
    fcgi_init(&f);
    event = fcgi_feed(&f, &data, &len);
    while (event == FCGI_MORE && count++ < 100) {
        data = record;
        len = sizeof(record);
        event = fcgi_feed(&f, &data, &len);
    }
    unit_check_int("event", event, FCGI_ERROR);
    unit_check_int("records", count, FCGI_PARAMS_MAX / 65000 + 1);
    fcgi_clear(&f);
}

struct keep_row {
    const char *name;
    const char *data;
    size_t len;
    bool keep;
};

static const struct keep_row keeps[] = {
    {"nothing yet", BYTES(""), true},
    {"values asked for before a request", BYTES(RECORD("\11", "\0", "\0", "\0")), true},
    {"unknown management before a request", BYTES(RECORD("\115", "\0", "\0", "\0")),
        true},
    {"a request that keeps", BYTES(BEGIN("\1", "\1") PARAMS_END), true},
    {"a request that does not", BYTES(BEGIN("\1", "\0") PARAMS_END), false},
    {"values asked for within one that does not",
        BYTES(BEGIN("\1", "\0") RECORD("\11", "\0", "\0", "\0")), false},
    {"an unknown role that keeps", BYTES(BEGIN("\3", "\1")), true},
    {"an unknown role that does not", BYTES(BEGIN("\3", "\0")), false},
    {"an unknown role that keeps, after one that does not",
        BYTES(BEGIN("\3", "\0") BEGIN("\3", "\1")), true},
    {"a second at once that does not",
        BYTES(BEGIN("\1", "\1") RECORD("\1", "\2", "\10", "\0") "\0\1\0\0\0\0\0\0"),
        true},
};

/* Whether the connection goes on after the reply. */
static void
keep(void **state)
{
    static struct fcgi f;
    const struct keep_row *row = *state;
    const uint8_t *data = (const uint8_t *)row->data;
    size_t len = row->len;

    fcgi_init(&f);
    while (fcgi_feed(&f, &data, &len) != FCGI_MORE)
        ;
    unit_check_int("keep", f.request.keep, row->keep);
    fcgi_clear(&f);
}

static void
answer(void **state)
{
    static struct fcgi f;
    const uint8_t request[] = BEGIN("\1", "\1") PARAMS_END;
    const uint8_t *data = request;
    size_t len = sizeof(request) - 1;
    uint8_t out[5 + FCGI_OVERHEAD];

    (void)state;
    fcgi_init(&f);
    unit_check_int("event", fcgi_feed(&f, &data, &len), FCGI_REQUEST);
    assert_true(fcgi_is_amid(&f) && fcgi_has_more(&f) && f.request.keep);
    fcgi_finish(&f);
    assert_false(fcgi_is_amid(&f));
    unit_check_int("length", fcgi_encode_answer(&f, "hello", 5, out), sizeof(out));
    assert_memory_equal(out,
        "\1\6\0\1\0\5\0\0hello\1\6\0\1\0\0\0\0\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0",
        sizeof(out));
    fcgi_clear(&f);
}

int
main(void)
{
    UNIT_TABLE("records", whole, rows);
    UNIT_TABLE("keep", keep, keeps);
    unit_add("limits", "a header that is too long", too_long, NULL);
    unit_add("limits", "too many parameters", too_many, NULL);
    unit_add("answer", "its records", answer, NULL);
    return unit_run("http_fcgi");
}
