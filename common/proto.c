/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto.h"

#include <string.h>

#include "secret.h"

static const uint8_t magic[4] = {'P', 'A', 'T', '1'};

enum tag {
    /* requests */
    TAG_OP = 1,
    TAG_TOKEN = 2,
    TAG_USER = 3,
    TAG_ANY_USER = 4,
    TAG_SERVICE = 5,
    TAG_SOURCE = 6,
    TAG_ORG = 7,
    TAG_ROLE = 8,
    TAG_TIMEOUT = 9,
    TAG_LAST = 10,
    /* answers */
    TAG_STATUS = 64,
    TAG_ID = 65,
    TAG_NAME = 66,
    TAG_OWNER = 67,
    TAG_OWNER_ORG = 68,
    TAG_OWNER_ROLE = 69,
    TAG_EXPIRES = 70,
    TAG_REVOKED = 71, /* 0 = by this request, 1 = before */
    TAG_BUSY = 72,    /* empty: unavailable because patd is busy */
};

static void
put_be(uint8_t *p, uint64_t value, size_t size)
{
    while (size-- > 0) {
        p[size] = (uint8_t)value;
        value >>= 8;
    }
}

static uint64_t
get_be(const uint8_t *p, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | p[i];
    return value;
}

/* Writing. `failed` sticks, so that a caller checks once, at the end. */

struct writer {
    struct pat_msg *msg;
    bool failed;
};

static void
put_field(struct writer *w, enum tag tag, const void *value, size_t len)
{
    uint8_t *p = w->msg->data + w->msg->len;

    if (w->failed || len > UINT16_MAX || PAT_MSG_MAX - w->msg->len < 3 + len) {
        w->failed = true;
        return;
    }
    p[0] = (uint8_t)tag;
    put_be(p + 1, len, 2);
    if (len > 0)
        memcpy(p + 3, value, len);
    w->msg->len += 3 + len;
}

static void
put_number(struct writer *w, enum tag tag, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    put_be(bytes, value, size);
    put_field(w, tag, bytes, size);
}

static void
put_string(struct writer *w, enum tag tag, const char *s, size_t max)
{
    if (s == NULL)
        return;
    if (strlen(s) > max)
        w->failed = true;
    put_field(w, tag, s, strlen(s) + 1);
}

static void
put_list(struct writer *w, enum tag tag, const char *const *list, size_t max)
{
    size_t n = 0;

    for (; list != NULL && *list != NULL; list++) {
        if (++n > PAT_LIST_MAX)
            w->failed = true;
        put_string(w, tag, *list, max);
    }
}

static struct writer
begin(struct pat_msg *msg)
{
    struct writer w = {msg, false};

    memcpy(msg->data, magic, sizeof(magic));
    msg->len = PAT_MSG_HEADER_LEN;
    return w;
}

static enum pat_err
finish(struct writer *w)
{
    if (w->failed) {
        pat_msg_clear(w->msg);
        return PAT_ERR_MALFORMED;
    }
    put_be(w->msg->data + sizeof(magic), w->msg->len - PAT_MSG_HEADER_LEN, 4);
    return PAT_OK;
}

/* Reading. */

struct field {
    uint8_t tag;
    const uint8_t *value;
    size_t len;
};

struct reader {
    const uint8_t *p, *end;
    uint8_t seen[256 / 8]; /* tags that came already */
};

/* 1: a field was read; 0: the end; -1: what is there is no field. */
static int
next_field(struct reader *r, struct field *ret)
{
    size_t left = (size_t)(r->end - r->p);

    if (left == 0)
        return 0;
    if (left < 3)
        return -1;
    ret->tag = r->p[0];
    ret->len = (size_t)get_be(r->p + 1, 2);
    ret->value = r->p + 3;
    if (ret->len > left - 3)
        return -1;
    r->p += 3 + ret->len;
    return 1;
}

static bool
first_of_tag(struct reader *r, uint8_t tag)
{
    uint8_t bit = (uint8_t)(1U << (tag & 7));
    bool first = (r->seen[tag >> 3] & bit) == 0;

    r->seen[tag >> 3] |= bit;
    return first;
}

static enum pat_err
open_body(const void *data, size_t len, struct reader *ret)
{
    size_t whole = 0;
    struct reader r = {0};

    if (pat_proto_frame(data, len, &whole) != PAT_OK || whole == 0 || whole != len)
        return PAT_ERR_MALFORMED;
    r.p = (const uint8_t *)data + PAT_MSG_HEADER_LEN;
    r.end = (const uint8_t *)data + len;
    *ret = r;
    return PAT_OK;
}

/* NULL unless the value is one string of at most `max` bytes. */
static const char *
field_string(const struct field *f, size_t max)
{
    const char *s = (const char *)f->value;

    if (f->len == 0 || f->len - 1 > max)
        return NULL;
    if (memchr(s, '\0', f->len) != s + f->len - 1)
        return NULL;
    return s;
}

static bool
take_string(const struct field *f, size_t max, const char **ret)
{
    *ret = field_string(f, max);
    return *ret != NULL;
}

static bool
take_item(const struct field *f, size_t max, const char **list)
{
    size_t n = 0;

    while (list[n] != NULL)
        n++;
    return n < PAT_LIST_MAX && take_string(f, max, &list[n]);
}

static bool
take_copy(const struct field *f, char *buf, size_t buf_size)
{
    const char *s = field_string(f, buf_size - 1);

    if (s != NULL)
        memcpy(buf, s, f->len);
    return s != NULL;
}

enum pat_err
pat_proto_frame(const void *data, size_t have, size_t *ret_len)
{
    const uint8_t *p = data;
    size_t cmp = have < sizeof(magic) ? have : sizeof(magic);
    uint64_t body;

    if (memcmp(p, magic, cmp) != 0)
        return PAT_ERR_MALFORMED;
    *ret_len = 0;
    if (have < PAT_MSG_HEADER_LEN)
        return PAT_OK;
    body = get_be(p + sizeof(magic), 4);
    if (body > PAT_MSG_MAX - PAT_MSG_HEADER_LEN)
        return PAT_ERR_MALFORMED;
    *ret_len = PAT_MSG_HEADER_LEN + (size_t)body;
    return PAT_OK;
}

static enum pat_err
encode_request(const struct pat_request *req, const void *token, size_t token_len,
    uint32_t timeout_ms, bool last, struct pat_msg *ret_msg)
{
    struct writer w = begin(ret_msg);

    put_number(&w, TAG_OP, PAT_OP_VERIFY, 1);
    put_field(&w, TAG_TOKEN, token, token_len);
    put_number(&w, TAG_TIMEOUT, timeout_ms, 4);
    if (last)
        put_field(&w, TAG_LAST, NULL, 0);
    put_string(&w, TAG_USER, req->user, PAT_USER_MAX);
    if (req->any_user)
        put_field(&w, TAG_ANY_USER, NULL, 0);
    put_string(&w, TAG_SERVICE, req->service, PAT_SERVICE_MAX);
    put_string(&w, TAG_SOURCE, req->source, PAT_SOURCE_MAX);
    put_list(&w, TAG_ORG, req->orgs, PAT_ORG_MAX);
    put_list(&w, TAG_ROLE, req->roles, PAT_ROLE_MAX);
    return finish(&w);
}

enum pat_err
pat_proto_encode_request(const struct pat_request *req, const void *token,
    size_t token_len, uint32_t timeout_ms, struct pat_msg *ret_msg)
{
    return encode_request(req, token, token_len, timeout_ms, true, ret_msg);
}

enum pat_err
pat_proto_encode_kept_request(const struct pat_request *req, const void *token,
    size_t token_len, uint32_t timeout_ms, struct pat_msg *ret_msg)
{
    return encode_request(req, token, token_len, timeout_ms, false, ret_msg);
}

enum pat_err
pat_proto_encode_revoke(
    const void *token, size_t token_len, uint32_t timeout_ms, struct pat_msg *ret_msg)
{
    struct writer w = begin(ret_msg);

    put_number(&w, TAG_OP, PAT_OP_REVOKE, 1);
    put_field(&w, TAG_TOKEN, token, token_len);
    put_number(&w, TAG_TIMEOUT, timeout_ms, 4);
    put_field(&w, TAG_LAST, NULL, 0);
    return finish(&w);
}

static bool
take_op(const struct field *f, enum pat_op *ret)
{
    if (f->len != 1 || (f->value[0] != PAT_OP_VERIFY && f->value[0] != PAT_OP_REVOKE))
        return false;
    *ret = (enum pat_op)f->value[0];
    return true;
}

static bool
take_request_field(struct reader *r, const struct field *f, struct pat_proto_request *ret)
{
    bool first = first_of_tag(r, f->tag);

    switch (f->tag) {
    case TAG_ORG:
        return take_item(f, PAT_ORG_MAX, ret->orgs);
    case TAG_ROLE:
        return take_item(f, PAT_ROLE_MAX, ret->roles);
    default:
        if (!first)
            return false;
        break;
    }
    switch (f->tag) {
    case TAG_OP:
        return take_op(f, &ret->op);
    case TAG_TOKEN:
        ret->token = f->value;
        ret->token_len = f->len;
        return true;
    case TAG_TIMEOUT:
        ret->timeout_ms = f->len == 4 ? (uint32_t)get_be(f->value, 4) : 0;
        return f->len == 4;
    case TAG_LAST:
        ret->last = true;
        return f->len == 0;
    case TAG_USER:
        return take_string(f, PAT_USER_MAX, &ret->req.user);
    case TAG_ANY_USER:
        ret->req.any_user = true;
        return f->len == 0;
    case TAG_SERVICE:
        return take_string(f, PAT_SERVICE_MAX, &ret->req.service);
    case TAG_SOURCE:
        return take_string(f, PAT_SOURCE_MAX, &ret->req.source);
    default:
        return false;
    }
}

/* Limits to a revocation, which there are none of, would have to be obeyed. */
static bool
has_conditions(const struct pat_proto_request *r)
{
    return r->req.user != NULL || r->req.any_user || r->req.service != NULL ||
           r->req.source != NULL || r->orgs[0] != NULL || r->roles[0] != NULL;
}

enum pat_err
pat_proto_decode_request(const void *data, size_t len, struct pat_proto_request *ret)
{
    struct reader r = {0};
    struct field f = {0};
    int rc;

    memset(ret, 0, sizeof(*ret));
    if (open_body(data, len, &r) != PAT_OK)
        return PAT_ERR_MALFORMED;
    while ((rc = next_field(&r, &f)) > 0)
        if (!take_request_field(&r, &f, ret))
            return PAT_ERR_MALFORMED;
    if (rc < 0 || ret->op == 0 || ret->token == NULL)
        return PAT_ERR_MALFORMED;
    if (ret->op == PAT_OP_REVOKE && has_conditions(ret))
        return PAT_ERR_MALFORMED;
    if (ret->orgs[0] != NULL)
        ret->req.orgs = ret->orgs;
    if (ret->roles[0] != NULL)
        ret->req.roles = ret->roles;
    return PAT_OK;
}

enum pat_err
pat_proto_encode_answer(
    enum pat_err status, const struct pat_identity *identity, struct pat_msg *ret_msg)
{
    struct writer w = begin(ret_msg);

    put_number(&w, TAG_STATUS, (uint64_t)status, 1);
    if (status == PAT_OK) {
        put_string(&w, TAG_ID, identity->id, PAT_ID_MAX);
        put_string(&w, TAG_NAME, identity->name, PAT_NAME_MAX);
        put_string(&w, TAG_OWNER, identity->user, PAT_USER_MAX);
        put_string(&w, TAG_OWNER_ORG, identity->org, PAT_ORG_MAX);
        put_string(&w, TAG_OWNER_ROLE, identity->role, PAT_ROLE_MAX);
        put_number(&w, TAG_EXPIRES, (uint64_t)identity->expires, 8);
    }
    return finish(&w);
}

static bool
take_answer_field(const struct field *f, int *status, struct pat_identity *id)
{
    switch (f->tag) {
    case TAG_STATUS:
        *status = f->len == 1 ? f->value[0] : -1;
        return f->len == 1;
    case TAG_ID:
        return take_copy(f, id->id, sizeof(id->id));
    case TAG_NAME:
        return take_copy(f, id->name, sizeof(id->name));
    case TAG_OWNER:
        return take_copy(f, id->user, sizeof(id->user));
    case TAG_OWNER_ORG:
        return take_copy(f, id->org, sizeof(id->org));
    case TAG_OWNER_ROLE:
        return take_copy(f, id->role, sizeof(id->role));
    case TAG_EXPIRES:
        id->expires = f->len == 8 ? (int64_t)get_be(f->value, 8) : 0;
        return f->len == 8;
    default:
        return true;
    }
}

enum pat_err
pat_proto_decode_answer(const void *data, size_t len, enum pat_err *ret_status,
    struct pat_identity *ret_identity)
{
    struct pat_identity id = {0};
    struct reader r = {0};
    struct field f = {0};
    int status = -1;
    int rc;

    if (open_body(data, len, &r) != PAT_OK)
        return PAT_ERR_MALFORMED;
    while ((rc = next_field(&r, &f)) > 0)
        if (!first_of_tag(&r, f.tag) || !take_answer_field(&f, &status, &id))
            return PAT_ERR_MALFORMED;
    if (rc < 0 || status < 0 || status >= PAT_ERR_COUNT)
        return PAT_ERR_MALFORMED;
    if (status == PAT_OK) {
        /* An acceptance that does not say of whom is none. */
        if (id.id[0] == '\0' || id.user[0] == '\0' || id.org[0] == '\0' ||
            id.role[0] == '\0')
            return PAT_ERR_MALFORMED;
        *ret_identity = id;
    }
    *ret_status = (enum pat_err)status;
    return PAT_OK;
}

enum pat_err
pat_proto_encode_revoked(
    enum pat_err status, const struct pat_revocation *revocation, struct pat_msg *ret_msg)
{
    struct writer w = begin(ret_msg);

    put_number(&w, TAG_STATUS, (uint64_t)status, 1);
    if (status == PAT_OK) {
        put_number(&w, TAG_REVOKED, revocation->already, 1);
        put_string(&w, TAG_ID, revocation->id, PAT_ID_MAX);
        put_string(&w, TAG_OWNER_ORG, revocation->org, PAT_ORG_MAX);
    }
    return finish(&w);
}

static bool
take_revoked_field(
    const struct field *f, int *status, int *revoked, struct pat_revocation *r)
{
    switch (f->tag) {
    case TAG_STATUS:
        *status = f->len == 1 ? f->value[0] : -1;
        return f->len == 1;
    case TAG_REVOKED:
        *revoked = f->len == 1 ? f->value[0] : -1;
        return f->len == 1 && f->value[0] <= 1;
    case TAG_ID:
        return take_copy(f, r->id, sizeof(r->id));
    case TAG_OWNER_ORG:
        return take_copy(f, r->org, sizeof(r->org));
    default:
        return true;
    }
}

enum pat_err
pat_proto_decode_revoked(const void *data, size_t len, enum pat_err *ret_status,
    struct pat_revocation *ret_revocation)
{
    struct pat_revocation r = {.already = false};
    struct reader reader = {0};
    struct field f = {0};
    int status = -1, revoked = -1;
    int rc;

    if (open_body(data, len, &reader) != PAT_OK)
        return PAT_ERR_MALFORMED;
    while ((rc = next_field(&reader, &f)) > 0)
        if (!first_of_tag(&reader, f.tag) ||
            !take_revoked_field(&f, &status, &revoked, &r))
            return PAT_ERR_MALFORMED;
    if (rc < 0 || status < 0 || status >= PAT_ERR_COUNT)
        return PAT_ERR_MALFORMED;
    if (status == PAT_OK) {
        /* That a token is accepted does not mean that it was revoked. */
        if (revoked < 0)
            return PAT_ERR_MALFORMED;
        r.already = revoked == 1;
        *ret_revocation = r;
    }
    *ret_status = (enum pat_err)status;
    return PAT_OK;
}

enum pat_err
pat_proto_encode_busy(struct pat_msg *ret_msg)
{
    struct writer w = begin(ret_msg);

    put_number(&w, TAG_STATUS, PAT_ERR_UNAVAIL, 1);
    put_field(&w, TAG_BUSY, NULL, 0);
    return finish(&w);
}

bool
pat_proto_answer_is_busy(const void *data, size_t len)
{
    struct reader r = {0};
    struct field f = {0};
    bool unavailable = false, busy = false;
    int rc;

    if (open_body(data, len, &r) != PAT_OK)
        return false;
    while ((rc = next_field(&r, &f)) > 0) {
        if (f.tag == TAG_STATUS)
            unavailable = f.len == 1 && f.value[0] == PAT_ERR_UNAVAIL;
        else if (f.tag == TAG_BUSY)
            busy = f.len == 0;
    }
    return rc == 0 && unavailable && busy;
}

void
pat_msg_clear(struct pat_msg *msg)
{
    pat_secret_erase(msg, sizeof(*msg));
}
