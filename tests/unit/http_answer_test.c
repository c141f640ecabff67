/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

#include "answer.h"

static const struct pat_identity alice = {
    .id = "laptop-1", .name = "x", .user = "alice", .org = "acme", .role = "owner"};

static const char *
text_of(struct answer *a)
{
    assert_true(a->len < sizeof(a->text));
    a->text[a->len] = '\0';
    return a->text;
}

static void
accepts(void **state)
{
    static struct answer a;

    (void)state;
    answer_accept(&a, &alice, false);
    unit_check_string("answer", text_of(&a),
        "Status: 200 OK\r\n"
        "X-Pat-User: alice\r\nVariable-PAT_USER: alice\r\n"
        "X-Pat-Org: acme\r\nVariable-PAT_ORG: acme\r\n"
        "X-Pat-Role: owner\r\nVariable-PAT_ROLE: owner\r\n"
        "X-Pat-Id: laptop-1\r\nVariable-PAT_ID: laptop-1\r\n"
        "X-Pat-Name: x\r\nVariable-PAT_NAME: x\r\n\r\n");
    answer_accept(&a, &alice, true);
    unit_check_string("answer", text_of(&a),
        "Status: 200 OK\r\nVariable-PAT_USER: alice\r\nVariable-PAT_ORG: acme\r\n"
        "Variable-PAT_ROLE: owner\r\nVariable-PAT_ID: laptop-1\r\nVariable-PAT_NAME: "
        "x\r\n\r\n");
}

struct name_row {
    const char *name, *text, *want;
};

static const struct name_row names[] = {
    {"an empty one is sent, too", "", ""},
    {"plain", "Claude-1.2_~(a)!", "Claude-1.2_~(a)!"},
    {"blanks", "a b\tc", "a%20b%09c"},
    {"a line break", "x\r\nX-Pat-User: root", "x%0D%0AX-Pat-User:%20root"},
    {"a line feed alone", "x\nStatus: 200", "x%0AStatus:%20200"},
    {"what is encoded already", "50%0A", "50%250A"},
    {"quotes and separators", "\"a\",b;c\\", "%22a%22%2Cb%3Bc%5C"},
    {"UTF-8", "caf\xc3\xa9 \xe2\x80\xa8", "caf%C3%A9%20%E2%80%A8"},
    {"controls", "\001\x7f\x1b[0m", "%01%7F%1B[0m"},
    {"no UTF-8", "\xff\xfe", "%FF%FE"},
};

static void
encodes(void **state)
{
    static struct answer a;
    const struct name_row *row = *state;
    struct pat_identity id = alice;
    char want[256] = "";

    (void)snprintf(id.name, sizeof(id.name), "%s", row->text);
    answer_accept(&a, &id, false);
    (void)snprintf(want, sizeof(want), "X-Pat-Name: %s\r\nVariable-PAT_NAME: %s\r\n\r\n",
        row->want, row->want);
    assert_non_null(strstr(text_of(&a), "Variable-PAT_ID: laptop-1\r\n"));
    unit_check_string("the end",
        strstr(a.text, "Variable-PAT_ID: laptop-1\r\n") +
            strlen("Variable-PAT_ID: laptop-1\r\n"),
        want);
}

/* A front end that finds a header missing may pass on the client's, or a placeholder. */
static void
empty(void **state)
{
    static struct answer a;
    static const struct pat_identity nobody;

    (void)state;
    answer_accept(&a, &nobody, false);
    unit_check_string("answer", text_of(&a),
        "Status: 200 OK\r\n"
        "X-Pat-User: \r\nVariable-PAT_USER: \r\n"
        "X-Pat-Org: \r\nVariable-PAT_ORG: \r\n"
        "X-Pat-Role: \r\nVariable-PAT_ROLE: \r\n"
        "X-Pat-Id: \r\nVariable-PAT_ID: \r\n"
        "X-Pat-Name: \r\nVariable-PAT_NAME: \r\n\r\n");
    answer_accept(&a, &nobody, true);
    unit_check_string("answer", text_of(&a),
        "Status: 200 OK\r\nVariable-PAT_USER: \r\nVariable-PAT_ORG: \r\n"
        "Variable-PAT_ROLE: \r\nVariable-PAT_ID: \r\nVariable-PAT_NAME: \r\n\r\n");
}

/* Every value as long as it can be, and every byte of it encoded. */
static void
longest(void **state)
{
    static struct answer a;
    struct pat_identity id;

    (void)state;
    memset(&id, 0, sizeof(id));
    memset(id.id, '%', PAT_ID_MAX);
    memset(id.name, '\n', PAT_NAME_MAX);
    memset(id.user, '%', PAT_USER_MAX);
    memset(id.org, '%', PAT_ORG_MAX);
    memset(id.role, '%', PAT_ROLE_MAX);
    answer_accept(&a, &id, false);
    assert_true(strlen(text_of(&a)) > (size_t)2 * 3 * (4 * 255 + 64));
    unit_check_string("the end", a.text + a.len - 7, "%0A\r\n\r\n");
}

struct refusal_row {
    const char *name;
    enum answer_kind kind;
    struct challenge challenge;
    const char *want;
    const char *code; /* in the body */
};

#define PLAIN                                                                            \
    {                                                                                    \
        "pat", NULL, false                                                               \
    }
#define EVERY                                                                            \
    {                                                                                    \
        "pat", "https://x/y", true                                                       \
    }
#define CHALLENGE "WWW-Authenticate: Bearer realm=\"pat\""

static const struct refusal_row refusals[] = {
    {"no credentials", ANSWER_NO_CREDENTIALS, PLAIN,
        "Status: 401 Unauthorized\r\n" CHALLENGE "\r\nContent", "unauthorized"},
    {"no credentials, all offered", ANSWER_NO_CREDENTIALS, EVERY,
        "Status: 401 Unauthorized\r\n" CHALLENGE
        ", resource_metadata=\"https://x/y\", Basic realm=\"pat\", "
        "charset=\"UTF-8\"\r\nContent",
        "unauthorized"},
    {"invalid", ANSWER_INVALID_TOKEN, PLAIN,
        "Status: 401 Unauthorized\r\n" CHALLENGE ", error=\"invalid_token\"\r\nContent",
        "invalid_token"},
    {"invalid, all offered", ANSWER_INVALID_TOKEN, EVERY,
        "Status: 401 Unauthorized\r\n" CHALLENGE
        ", error=\"invalid_token\", resource_metadata=\"https://x/y\", Basic "
        "realm=\"pat\", charset=\"UTF-8\"\r\nContent",
        "invalid_token"},
    {"malformed", ANSWER_INVALID_REQUEST, EVERY,
        "Status: 400 Bad Request\r\n" CHALLENGE
        ", error=\"invalid_request\", resource_metadata=\"https://x/y\"\r\nContent",
        "invalid_request"},
    {"out of scope", ANSWER_INSUFFICIENT_SCOPE, PLAIN,
        "Status: 403 Forbidden\r\n" CHALLENGE ", error=\"insufficient_scope\"\r\nContent",
        "insufficient_scope"},
    {"unavailable", ANSWER_UNAVAILABLE, EVERY,
        "Status: 503 Service Unavailable\r\nRetry-After: 5\r\nContent",
        "temporarily_unavailable"},
};

static void
refuses(void **state)
{
    static struct answer a;
    const struct refusal_row *row = *state;
    char body[128];

    answer_refuse(&a, row->kind, &row->challenge);
    if (strncmp(text_of(&a), row->want, strlen(row->want)) != 0)
        fail_msg("%s", a.text);
    assert_non_null(strstr(a.text, "\r\nContent-Type: application/json\r\n"));
    (void)snprintf(body, sizeof(body),
        "\r\n\r\n{\"error\":\"%s\",\"error_description\":\"", row->code);
    assert_non_null(strstr(a.text, body));
    unit_check_string("the end", a.text + a.len - 4, ".\"}\n");
    assert_null(strstr(a.text, "X-Pat-"));
    assert_null(strstr(a.text, "Variable-"));
}

static void
values(void **state)
{
    static const char *const bad_realms[] = {
        "", "a b", "a\"b", "a\\b", "a\nb", "a,b", "\xc3\xa9"};
    static const char *const bad_urls[] = {"", "https://", "http://", "ftp://x", "x",
        "HTTPS://x", "https://x y", "https://x\"y", "https://x\ny", "https://\xc3\xa9"};

    (void)state;
    assert_true(answer_realm_valid("pat"));
    assert_true(answer_realm_valid("mcp.example.com/x"));
    for (size_t i = 0; i < COUNT(bad_realms); i++)
        assert_false(answer_realm_valid(bad_realms[i]));
    assert_false(answer_realm_valid(unit_repeat('r', ANSWER_REALM_MAX + 1)));
    assert_true(answer_metadata_valid("https://x/.well-known/y?a=b&c=%20"));
    assert_true(answer_metadata_valid("http://127.0.0.1:1/"));
    for (size_t i = 0; i < COUNT(bad_urls); i++)
        assert_false(answer_metadata_valid(bad_urls[i]));
}

int
main(void)
{
    unit_add("answer", "200, by header and by variable", accepts, NULL);
    unit_add("answer", "all five are sent when all are empty", empty, NULL);
    UNIT_TABLE("name", encodes, names);
    unit_add("answer", "the longest fits", longest, NULL);
    UNIT_TABLE("refusal", refuses, refusals);
    unit_add("options", "what a challenge can hold", values, NULL);
    return unit_run("http_answer");
}
