/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory server that says anything: its bytes go through the real libldap into the
 * whole of the verification. The first byte chooses what is asked, see enum question; the
 * rest is all that the server sends, to whatever it was asked, before it hangs up.
 *
 * The server is trusted with what it says, or nobody could be let in. What is promised is
 * that nothing else lets in: a second reader takes the stream apart, and an acceptance
 * must be there, in the answer to the very search for this token's hash. Nor is the token
 * itself ever sent, or the deadline missed.
 */
#include <sanitizer/lsan_interface.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"
#include "directory.h"
#include "fuzz.h"
#include "net.h"
#include "revoke.h"
#include "verify.h"

#define NOW          INT64_C(1800000000)
#define DEADLINE_MS  20000 /* never reached by a server that hangs up */
#define SHORT_MS     PAT_TIMEOUT_MS_MIN
#define LATE_MS      10000 /* past the deadline, on a machine that has much else to do */
#define STREAM_MAX   60000
#define REQUESTS_MAX 16384
#define SEARCHES_MAX 16
#define TOKEN        "rhp_Abcdefghijklmnopqrstuvwxyz0123453S6DLx"
#define OTHER_TOKEN  "rhp_012345678901234567890123456789012w7o0C"

enum question {
    ASK_TOKEN,        /* verify */
    ASK_TWICE,        /* verify one token, and on the same connection another */
    ASK_OWNER_FILTER, /* verify with owner_filter */
    ASK_ANY_USER,     /* verify for a shared login */
    ASK_REVOKE,
    ASK_TOUCH, /* write when it was last used */
    ASK_PROBE,
    ASK_MUTE, /* verify, and the server does not hang up */
    QUESTIONS
};

/* Of the server: what it sends, and what it has been sent. */
static struct {
    const uint8_t *stream;
    size_t stream_len;
    bool mute;
    int fd; /* its end of the connection; -1 = there was none */
    uint8_t requests[REQUESTS_MAX];
    size_t requests_len;
} server;

/* One element of BER: its tag's first byte, and what is in it. */
struct ber {
    uint8_t tag;
    const uint8_t *data;
    size_t len;
};

/* What stands at *p; as lenient as liblber, so that it sees all that liblber sees. */
static bool
take(struct ber *in, struct ber *ret)
{
    const uint8_t *p = in->data, *end = in->data + in->len;
    size_t len;

    if (p == end)
        return false;
    ret->tag = *p++;
    if ((ret->tag & 0x1f) == 0x1f)
        do
            if (p == end)
                return false;
        while ((*p++ & 0x80) != 0);
    if (p == end)
        return false;
    len = *p++;
    if (len >= 0x80) {
        size_t more = len & 0x7f;

        if (more == 0 || more > sizeof(uint32_t) || (size_t)(end - p) < more)
            return false;
        for (len = 0; more > 0; more--)
            len = len << 8 | *p++;
    }
    if ((size_t)(end - p) < len)
        return false;
    ret->data = p;
    ret->len = len;
    in->len = (size_t)(end - p) - len;
    in->data = p + len;
    return true;
}

static int64_t
number(const struct ber *b)
{
    int64_t n = b->len > 0 && (b->data[0] & 0x80) != 0 ? -1 : 0;

    if (b->len > sizeof(uint32_t))
        return INT64_MIN;
    for (size_t i = 0; i < b->len; i++)
        n = (int64_t)((uint64_t)n << 8 | b->data[i]);
    return n;
}

/* Go into what stands there. Like liblber, which reads on where it ends. */
static bool
enter(struct ber *in)
{
    struct ber all = *in, one;

    if (!take(&all, &one))
        return false;
    in->len -= (size_t)(one.data - in->data);
    in->data = one.data;
    return true;
}

/*
 * A message: its id, and its operation up to the end of the message. One that cannot be
 * read has the id 0, which is nobody's: libldap throws away what nobody waits for,
 * whatever it is, and reads the next.
 */
static bool
take_message(struct ber *in, int64_t *ret_id, struct ber *ret_op)
{
    struct ber message, id;
    uint8_t tag;

    *ret_id = 0;
    *ret_op = (struct ber){.tag = 0};
    if (!take(in, &message))
        return false;
    if (!take(&message, &id) || message.len == 0)
        return true;
    tag = message.data[0];
    if (!enter(&message))
        return true;
    *ret_op = (struct ber){tag, message.data, message.len};
    *ret_id = number(&id);
    return true;
}

/* The ids of the searches for a hash, for owner and for roles come in this order. */
struct asked {
    int64_t ids[SEARCHES_MAX];
    size_t count;
    size_t token; /* which of them is the last search for this hash */
    bool found;
};

static struct asked
find_searches(const char *hash)
{
    struct ber in = {0, server.requests, server.requests_len}, op;
    struct asked asked = {.found = false};
    int64_t id;

    while (asked.count < SEARCHES_MAX && take_message(&in, &id, &op)) {
        if (op.tag != 0x63) /* searchRequest */
            continue;
        if (memmem(op.data, op.len, hash, strlen(hash)) != NULL) {
            asked.token = asked.count;
            asked.found = true;
        }
        asked.ids[asked.count++] = id;
    }
    return asked;
}

/* Does the operation hold such an attribute, and this value of it (NULL: any)? */
static bool
entry_says(struct ber entry, const char *attr, const char *value)
{
    struct ber dn, name, values, v;

    if (!take(&entry, &dn) || !enter(&entry))
        return false;
    while (enter(&entry) && take(&entry, &name) && take(&entry, &values)) {
        if (name.len != strlen(attr) ||
            strncasecmp((const char *)name.data, attr, name.len) != 0)
            continue;
        while (take(&values, &v))
            if (value == NULL ||
                (v.len == strlen(value) && memcmp(v.data, value, v.len) == 0))
                return true;
    }
    return false;
}

/* Is there an entry in the answer to `id` that says so? */
static bool
stream_says(int64_t id, const char *attr, const char *value)
{
    struct ber in = {0, server.stream, server.stream_len}, op;
    int64_t of;

    while (take_message(&in, &of, &op))
        if (of == id && op.tag == 0x64 && entry_says(op, attr, value))
            return true;
    return false;
}

/* Did the operation `id` end in an answer of this kind that says success? */
static bool
stream_grants(int64_t id, uint8_t tag)
{
    struct ber in = {0, server.stream, server.stream_len}, op, code;
    int64_t of;

    while (take_message(&in, &of, &op))
        if (of == id && op.tag == tag && take(&op, &code) && number(&code) == 0)
            return true;
    return false;
}

/*
 * Are these the messages of a server that keeps to the protocol? At others libldap 2.5
 * forgets some of what it has allocated: at a notice that nobody asked for, or an answer
 * that is none.
 */
static bool
is_orderly(void)
{
    struct ber in = {0, server.stream, server.stream_len}, op, code;
    int64_t id;

    while (in.len > 0) {
        if (!take_message(&in, &id, &op) || id <= 0)
            return false;
        if (op.tag == 0x64 || op.tag == 0x73) /* an entry, a reference */
            continue;
        if (strchr("\x61\x65\x67", op.tag) == NULL || !take(&op, &code) ||
            code.tag != 0x0a)
            return false;
    }
    return true;
}

/* An acceptance: does all of it stand in the stream, at its place? */
static void
is_granted(const struct pat_identity *id, const char *hash)
{
    struct asked asked = find_searches(hash);
    int64_t token, roles, owner;

    MUST(asked.found);
    token = asked.ids[asked.token];
    MUST(stream_grants(1, 0x61));     /* the bind */
    MUST(stream_grants(token, 0x65)); /* searchResDone */
    MUST(stream_says(token, "patId", id->id));
    MUST(!stream_says(token, "patRevoked", NULL));
    MUST(stream_says(token, "patOwner", NULL));
    MUST(id->expires == 0 || id->expires > NOW);
    if (asked.count == asked.token + 1) { /* the overlay told all with the token */
        MUST(stream_says(token, "patOwnerUid", id->user));
        MUST(stream_says(token, "patOwnerRole", id->role));
        return;
    }
    MUST(asked.count == asked.token + 3);
    roles = asked.ids[asked.token + 1];
    owner = asked.ids[asked.token + 2];
    MUST(stream_grants(roles, 0x65) && stream_says(roles, "patRole", id->role));
    MUST(stream_grants(owner, 0x65) && stream_says(owner, "uid", id->user));
}

enum pat_err __wrap_pat_net_connect(const struct pat_uri *uri,
    struct pat_deadline deadline, int *ret_fd, struct pat_diag *diag);

/* The server is connected to once; whoever comes again finds it gone. */
enum pat_err
__wrap_pat_net_connect(const struct pat_uri *uri, struct pat_deadline deadline,
    int *ret_fd, struct pat_diag *diag)
{
    int ends[2], size = 4 * STREAM_MAX;

    (void)uri;
    (void)deadline;
    if (server.fd >= 0) {
        pat_diag_set(diag, "connect: gone");
        return PAT_ERR_UNAVAIL;
    }
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (server.stream_len > 0)
        MUST(write(ends[1], server.stream, server.stream_len) ==
             (ssize_t)server.stream_len);
    if (!server.mute)
        MUST(shutdown(ends[1], SHUT_WR) == 0);
    server.fd = ends[1];
    *ret_fd = ends[0];
    return PAT_OK;
}

/* By us, and not because the server has said it first. */
static bool
is_sent(const char *token)
{
    size_t len = strlen(token);

    return memmem(server.requests, server.requests_len, token, len) != NULL &&
           memmem(server.stream, server.stream_len, token, len) == NULL;
}

static void
read_requests(void)
{
    size_t room = sizeof(server.requests) - server.requests_len;
    ssize_t n =
        server.fd >= 0 ? read(server.fd, server.requests + server.requests_len, room) : 0;

    if (n > 0)
        server.requests_len += (size_t)n;
    MUST(!is_sent(TOKEN) && !is_sent(OTHER_TOKEN));
}

static void
verify(struct pat_ctx *ctx, const char *token, bool any_user, int timeout_ms)
{
    const struct pat_request req = {
        .user = "alice", .any_user = any_user, .service = "sshd", .source = "192.0.2.7"};
    struct pat_identity id = {.expires = 0};
    struct pat_diag diag = {0};
    struct pat_hash hash = {0};
    enum pat_err err = pat_verify(
        ctx, &req, token, strlen(token), NOW, pat_deadline_in_ms(timeout_ms), &id, &diag);

    MUST(err != PAT_ERR_MALFORMED && err != PAT_ERR_CONFIG && err != PAT_ERR_NOMEM);
    MUST(err != PAT_ERR_UNAVAIL || diag.text[0] != '\0');
    read_requests();
    if (err != PAT_OK)
        return;
    MUST(pat_token_hash(token, strlen(token), &hash) == PAT_OK);
    is_granted(&id, hash.hex);
    MUST(any_user || strcmp(id.user, req.user) == 0);
}

static void
ask_verify(const struct pat_conf *conf, enum question question)
{
    struct pat_ctx *ctx = NULL;
    int timeout_ms = question == ASK_MUTE ? SHORT_MS : DEADLINE_MS;

    MUST(pat_ctx_new(conf, NULL, &ctx) == PAT_OK);
    verify(ctx, TOKEN, question == ASK_ANY_USER, timeout_ms);
    if (question == ASK_TWICE)
        verify(ctx, OTHER_TOKEN, true, timeout_ms);
    pat_ctx_free(ctx);
}

/* Only what the server said of this hash may count as revoked. */
static void
ask_revoke(const struct pat_conf *conf)
{
    struct pat_revocation r = {.already = false};
    struct pat_hash hash = {0};
    struct pat_diag diag = {0};
    struct asked asked;
    enum pat_err err = pat_revoke(
        conf, TOKEN, strlen(TOKEN), NOW, pat_deadline_in_ms(DEADLINE_MS), &r, &diag);

    read_requests();
    MUST(err != PAT_ERR_UNAVAIL || diag.text[0] != '\0');
    if (err != PAT_OK)
        return;
    MUST(pat_token_hash(TOKEN, strlen(TOKEN), &hash) == PAT_OK);
    asked = find_searches(hash.hex);
    MUST(asked.found && stream_grants(1, 0x61));
    if (r.already)
        MUST(stream_says(asked.ids[asked.token], "patRevoked", NULL));
    else
        MUST(stream_grants(asked.ids[asked.token] + 1, 0x67)); /* modifyResponse */
}

static void
ask_directory(const struct pat_conf *conf, enum question question)
{
    struct pat_deadline deadline = pat_deadline_in_ms(DEADLINE_MS);
    struct pat_directory *dir = NULL;
    struct pat_diag diag = {0};
    enum pat_err err;

    MUST(pat_directory_new(conf, conf->uri[0], &dir) == PAT_OK);
    if (question == ASK_TOUCH)
        err = pat_directory_touch(dir, "patId=a1,ou=tokens,o=acme,dc=example,dc=com",
            "20270101000000Z", NOW, "sshd@host", deadline, &diag);
    else
        err = pat_directory_probe(dir, deadline, &diag);
    MUST(err == PAT_OK || err == PAT_ERR_UNAVAIL);
    MUST(err == PAT_OK ? stream_grants(1, 0x61) : diag.text[0] != '\0');
    pat_directory_free(dir);
    read_requests();
}

static void
ask(const struct pat_conf *conf, enum question question)
{
    if (question == ASK_REVOKE)
        ask_revoke(conf);
    else if (question == ASK_TOUCH || question == ASK_PROBE)
        ask_directory(conf, question);
    else
        ask_verify(conf, question);
    if (server.fd >= 0)
        (void)close(server.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char base[] = "dc=example,dc=com", uri[] = "ldapi:///", password[] = "secret",
                dn[] = "cn=patd,dc=example,dc=com", filter[] = "(objectClass=person)";
    char *uris[] = {uri, NULL};
    struct pat_conf conf = {.uri = uris, .base = base};
    enum question question;
    int64_t began = pat_monotonic_ns();
    int64_t limit_ms;
    bool orderly;

    if (size == 0 || size > STREAM_MAX)
        return 0;
    question = data[0] < QUESTIONS ? data[0] : data[0] % ASK_MUTE;
    server.stream = data + 1;
    server.stream_len = size - 1;
    server.mute = question == ASK_MUTE;
    server.fd = -1;
    server.requests_len = 0;
    conf.bind_dn = question == ASK_PROBE ? NULL : dn; /* SASL EXTERNAL */
    conf.bind_password = question == ASK_PROBE ? NULL : password;
    conf.owner_filter = question == ASK_OWNER_FILTER ? filter : NULL;

    orderly = is_orderly();
    if (!orderly)
        __lsan_disable();
    ask(&conf, question);
    if (!orderly)
        __lsan_enable();
    limit_ms = LATE_MS + (server.mute ? SHORT_MS : 0);
    MUST((pat_monotonic_ns() - began) / 1000000 < limit_ms);
    return 0;
}
