/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer.h"

#include <string.h>

static const char visible[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz!#$&'()*+-./:<=>?@[]^_`{|}~";

/* Of a URL: RFC 3986, section 2. */
static const char url_chars[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz-._~:/?#[]@!$&'()*+,;=%";

/* The longest answer fits: a test makes it. */
static void
put_bytes(struct answer *a, const char *s, size_t len)
{
    size_t room = sizeof(a->text) - a->len;

    if (len > room)
        len = room;
    memcpy(a->text + a->len, s, len);
    a->len += len;
}

static void
put(struct answer *a, const char *s)
{
    put_bytes(a, s, strlen(s));
}

/*
 * Percent-encoded, RFC 3986, section 2.1: every byte but visible ASCII, and of that the
 * percent sign, and what separates and quotes in headers. So no value can end its line,
 * and every decoder of such a text gives it back as it was.
 */
static void
put_encoded(struct answer *a, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";

    while (*s != '\0') {
        size_t plain = strspn(s, visible);
        unsigned char c = (unsigned char)s[plain];
        const char code[3] = {'%', digits[c >> 4], digits[c & 15]};

        put_bytes(a, s, plain);
        s += plain;
        if (c == '\0')
            break;
        put_bytes(a, code, sizeof(code));
        s++;
    }
}

bool
answer_realm_valid(const char *realm)
{
    size_t len = strlen(realm);

    return len >= 1 && len <= ANSWER_REALM_MAX && strspn(realm, visible) == len;
}

bool
answer_metadata_valid(const char *url)
{
    size_t len = strlen(url);
    bool https = strncmp(url, "https://", 8) == 0;

    return (https || strncmp(url, "http://", 7) == 0) &&
           len > (https ? strlen("https://") : strlen("http://")) &&
           len <= ANSWER_METADATA_MAX && strspn(url, url_chars) == len;
}

/* Also an empty one: Caddy passes on a placeholder for a header that is missing. */
static void
put_value(struct answer *a, const char *name, const char *value)
{
    put(a, name);
    put(a, ": ");
    put_encoded(a, value);
    put(a, "\r\n");
}

void
answer_accept(struct answer *a, const struct pat_identity *id, bool authorizer)
{
    const struct {
        const char *header, *variable, *value;
    } rows[] = {
        {"X-Pat-User", "Variable-PAT_USER", id->user},
        {"X-Pat-Org", "Variable-PAT_ORG", id->org},
        {"X-Pat-Role", "Variable-PAT_ROLE", id->role},
        {"X-Pat-Id", "Variable-PAT_ID", id->id},
        {"X-Pat-Name", "Variable-PAT_NAME", id->name},
    };

    a->len = 0;
    put(a, "Status: 200 OK\r\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* Of an authorizer's answer the variables alone count, and Apache would show the
         * others to the client. */
        if (!authorizer)
            put_value(a, rows[i].header, rows[i].value);
        put_value(a, rows[i].variable, rows[i].value);
    }
    put(a, "\r\n");
}

/* Both schemes in one line: nginx passes but one on. */
static void
put_challenge(struct answer *a, const struct challenge *c, const char *error, bool basic)
{
    put(a, "WWW-Authenticate: Bearer realm=\"");
    put(a, c->realm);
    put(a, "\"");
    if (error != NULL) {
        put(a, ", error=\"");
        put(a, error);
        put(a, "\"");
    }
    if (c->metadata != NULL) {
        put(a, ", resource_metadata=\"");
        put(a, c->metadata);
        put(a, "\"");
    }
    if (basic) {
        put(a, ", Basic realm=\"");
        put(a, c->realm);
        put(a, "\", charset=\"UTF-8\"");
    }
    put(a, "\r\n");
}

#define SEND_IT                                                                          \
    " as Authorization: Bearer TOKEN. Only personal access tokens are accepted here."

/* The body of a refusal is JSON: clients of MCP show it to their users. */
void
answer_refuse(struct answer *a, enum answer_kind kind, const struct challenge *challenge)
{
    /* `error` stands in the challenge, `code` and `text` in the body. */
    static const struct {
        const char *status, *error, *code, *text;
        bool may_offer_basic;
    } rows[] = {
        [ANSWER_NO_CREDENTIALS] = {"401 Unauthorized", NULL, "unauthorized",
            "Send a personal access token" SEND_IT, true},
        [ANSWER_INVALID_TOKEN] = {"401 Unauthorized", "invalid_token", "invalid_token",
            "The personal access token is wrong, expired or revoked. "
            "Create a new one, and send it" SEND_IT,
            true},
        [ANSWER_INVALID_REQUEST] = {"400 Bad Request", "invalid_request",
            "invalid_request", "Send one header Authorization, of the form Bearer TOKEN.",
            false},
        [ANSWER_INSUFFICIENT_SCOPE] = {"403 Forbidden", "insufficient_scope",
            "insufficient_scope",
            "The personal access token is not for this service, org, role or client "
            "address. Use another token, or ask an owner of the org.",
            false},
        [ANSWER_UNAVAILABLE] = {"503 Service Unavailable", NULL,
            "temporarily_unavailable",
            "The personal access token cannot be checked at this time. "
            "Try again in a few seconds.",
            false},
    };

    a->len = 0;
    put(a, "Status: ");
    put(a, rows[kind].status);
    put(a, "\r\n");
    if (kind == ANSWER_UNAVAILABLE)
        put(a, "Retry-After: 5\r\n");
    else
        put_challenge(a, challenge, rows[kind].error,
            challenge->basic && rows[kind].may_offer_basic);
    put(a, "Content-Type: application/json\r\nCache-Control: no-store\r\n\r\n");
    put(a, "{\"error\":\"");
    put(a, rows[kind].code);
    put(a, "\",\"error_description\":\"");
    put(a, rows[kind].text);
    put(a, "\"}\n");
}
