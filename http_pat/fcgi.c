/* SPDX-License-Identifier: BSD-2-Clause */
#include "fcgi.h"

#include <string.h>

#include "secret.h"

/* FastCGI Specification, 1.0, section 8 */
#define VERSION     1
#define HEADER_LEN  8
#define BEGIN_LEN   8
#define KEEP_CONN   1
#define LENGTH_LONG 0x80 /* of a name or value: four bytes */

enum type {
    TYPE_BEGIN_REQUEST = 1,
    TYPE_ABORT_REQUEST = 2,
    TYPE_END_REQUEST = 3,
    TYPE_PARAMS = 4,
    TYPE_STDIN = 5,
    TYPE_STDOUT = 6,
    TYPE_GET_VALUES = 9,
    TYPE_GET_VALUES_RESULT = 10,
    TYPE_UNKNOWN_TYPE = 11,
};

enum protocol_status {
    REQUEST_COMPLETE = 0,
    CANT_MPX_CONN = 1,
    UNKNOWN_ROLE = 3,
};

static uint16_t
header_id(const struct fcgi *f)
{
    return (uint16_t)(f->header[2] << 8 | f->header[3]);
}

static bool
is_ours(const struct fcgi *f)
{
    return f->active && header_id(f) == f->request.id;
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Parameters */

/* How long is the name or value whose length begins with this byte? 0: not known yet. */
static bool
take_length(struct fcgi_params *p, uint8_t byte, uint32_t *ret)
{
    const uint8_t *b = p->length;

    p->length[p->length_have++] = byte;
    if ((b[0] & LENGTH_LONG) != 0 && p->length_have < sizeof(p->length))
        return false;
    *ret = b[0];
    if ((b[0] & LENGTH_LONG) != 0)
        *ret = (uint32_t)(b[0] & 0x7f) << 24 | (uint32_t)b[1] << 16 |
               (uint32_t)b[2] << 8 | b[3];
    p->length_have = 0;
    return true;
}

static bool
name_is(const struct fcgi_params *p, const char *name)
{
    return p->name_len == strlen(name) && memcmp(p->name, name, p->name_len) == 0;
}

static void
begin_value(struct fcgi *f)
{
    struct fcgi_params *p = &f->params;
    struct fcgi_request *r = &f->request;

    p->state = FCGI_VALUE;
    p->at = 0;
    p->key = FCGI_OTHER;
    if (name_is(p, "HTTP_AUTHORIZATION")) {
        p->key = r->authorizations == 0 ? FCGI_AUTHORIZATION : FCGI_OTHER;
        r->authorizations++;
    } else if (name_is(p, "REMOTE_ADDR")) {
        p->key = r->sources == 0 ? FCGI_SOURCE : FCGI_OTHER;
        r->sources++;
    }
}

/* A name or value that has no bytes left is done. */
static void
settle(struct fcgi *f)
{
    struct fcgi_params *p = &f->params;

    if (p->state == FCGI_NAME && p->at == p->name_len)
        begin_value(f);
    if (p->state == FCGI_VALUE && p->at == p->value_len)
        p->state = FCGI_NAME_LENGTH;
}

static void
keep(char *buf, size_t size, size_t *len, const uint8_t *data, size_t n, bool *ret_cut)
{
    size_t room = least(n, size - *len);

    memcpy(buf + *len, data, room);
    *len += room;
    if (room < n)
        *ret_cut = true;
}

static size_t
take_value(struct fcgi *f, const uint8_t *data, size_t len)
{
    struct fcgi_params *p = &f->params;
    struct fcgi_request *r = &f->request;
    size_t n = least(len, p->value_len - p->at);
    bool cut = false;

    if (p->key == FCGI_AUTHORIZATION)
        keep(r->authorization, sizeof(r->authorization), &r->authorization_len, data, n,
            &r->too_long);
    else if (p->key == FCGI_SOURCE)
        keep(r->source, PAT_SOURCE_MAX, &r->source_len, data, n, &cut);
    if (cut) /* then it is no address */
        r->sources++;
    p->at += (uint32_t)n;
    return n;
}

static size_t
take_name(struct fcgi_params *p, const uint8_t *data, size_t len)
{
    size_t n = least(len, p->name_len - p->at);

    for (size_t i = 0; i < n && p->at + i < sizeof(p->name); i++)
        p->name[p->at + i] = (char)data[i];
    p->at += (uint32_t)n;
    return n;
}

static bool
take_params(struct fcgi *f, const uint8_t *data, size_t len)
{
    struct fcgi_params *p = &f->params;

    p->total += len;
    if (p->total > FCGI_PARAMS_MAX)
        return false;
    while (len > 0) {
        size_t n = 1;

        switch (p->state) {
        case FCGI_NAME_LENGTH:
            if (take_length(p, *data, &p->name_len))
                p->state = FCGI_VALUE_LENGTH;
            break;
        case FCGI_VALUE_LENGTH:
            if (take_length(p, *data, &p->value_len)) {
                p->state = FCGI_NAME;
                p->at = 0;
            }
            break;
        case FCGI_NAME:
            n = take_name(p, data, len);
            break;
        case FCGI_VALUE:
            n = take_value(f, data, len);
            break;
        }
        settle(f);
        data += n;
        len -= n;
    }
    return true;
}

/* Records */

static void
put_header(uint8_t *out, enum type type, uint16_t id, size_t len)
{
    memset(out, 0, HEADER_LEN);
    out[0] = VERSION;
    out[1] = (uint8_t)type;
    out[2] = (uint8_t)(id >> 8);
    out[3] = (uint8_t)id;
    out[4] = (uint8_t)(len >> 8);
    out[5] = (uint8_t)len;
}

static void
put_end(uint8_t *out, uint16_t id, enum protocol_status status)
{
    put_header(out, TYPE_END_REQUEST, id, 8);
    memset(out + HEADER_LEN, 0, 8);
    out[HEADER_LEN + 4] = (uint8_t)status;
}

static enum fcgi_event
reply_end(struct fcgi *f, enum protocol_status status)
{
    put_end(f->reply, header_id(f), status);
    f->reply_len = HEADER_LEN + 8;
    return FCGI_REPLY;
}

/* Of the values that may be asked for we tell none. */
static enum fcgi_event
manage(struct fcgi *f)
{
    bool values = f->header[1] == TYPE_GET_VALUES;

    put_header(
        f->reply, values ? TYPE_GET_VALUES_RESULT : TYPE_UNKNOWN_TYPE, 0, values ? 0 : 8);
    f->reply_len = HEADER_LEN;
    if (!values) {
        memset(f->reply + HEADER_LEN, 0, 8);
        f->reply[HEADER_LEN] = f->header[1];
        f->reply_len += 8;
    }
    return FCGI_REPLY;
}

static enum fcgi_event
begin_request(struct fcgi *f)
{
    unsigned role = (unsigned)f->begin[0] << 8 | f->begin[1];

    if (f->active)
        return is_ours(f) ? FCGI_ERROR : reply_end(f, CANT_MPX_CONN);
    f->request.keep = (f->begin[2] & KEEP_CONN) != 0;
    if (role != FCGI_RESPONDER && role != FCGI_AUTHORIZER)
        return reply_end(f, UNKNOWN_ROLE);
    fcgi_finish(f);
    f->active = true;
    f->body_open = role == FCGI_RESPONDER;
    f->request.id = header_id(f);
    f->request.role = (enum fcgi_role)role;
    return FCGI_MORE;
}

static enum fcgi_event
end_params(const struct fcgi *f)
{
    const struct fcgi_params *p = &f->params;

    return p->state == FCGI_NAME_LENGTH && p->length_have == 0 ? FCGI_REQUEST
                                                               : FCGI_ERROR;
}

/* A header came: can it be one? */
static bool
begin_record(struct fcgi *f)
{
    f->content_len = (size_t)f->header[4] << 8 | f->header[5];
    f->content_left = f->content_len;
    f->padding_left = f->header[6];
    if (f->header[0] != VERSION)
        return false;
    return f->header[1] != TYPE_BEGIN_REQUEST ||
           (header_id(f) != 0 && f->content_len == BEGIN_LEN);
}

static bool
take_content(struct fcgi *f, const uint8_t *data, size_t len)
{
    switch (f->header[1]) {
    case TYPE_BEGIN_REQUEST:
        memcpy(f->begin + (f->content_len - f->content_left), data, len);
        return true;
    case TYPE_PARAMS:
        return !is_ours(f) || take_params(f, data, len);
    default:
        return true;
    }
}

/* A record is whole. Of requests that are none, or no more, it means nothing. */
static enum fcgi_event
end_record(struct fcgi *f)
{
    if (header_id(f) == 0)
        return manage(f);
    switch (f->header[1]) {
    case TYPE_BEGIN_REQUEST:
        return begin_request(f);
    case TYPE_ABORT_REQUEST:
        if (!is_ours(f))
            return FCGI_MORE;
        fcgi_finish(f);
        return reply_end(f, REQUEST_COMPLETE);
    case TYPE_PARAMS:
        return is_ours(f) && f->content_len == 0 ? end_params(f) : FCGI_MORE;
    case TYPE_STDIN:
        if (f->content_len == 0 && header_id(f) == f->request.id)
            f->body_open = false;
        return FCGI_MORE;
    default:
        return FCGI_MORE;
    }
}

static void
move_on(const uint8_t **data, size_t *len, size_t n)
{
    *data += n;
    *len -= n;
}

enum fcgi_event
fcgi_feed(struct fcgi *f, const uint8_t **data, size_t *len)
{
    enum fcgi_event event = FCGI_MORE;

    while (event == FCGI_MORE) {
        size_t n;

        if (f->header_have < HEADER_LEN) {
            n = least(HEADER_LEN - f->header_have, *len);
            memcpy(f->header + f->header_have, *data, n);
            f->header_have += n;
            move_on(data, len, n);
            if (f->header_have < HEADER_LEN)
                return FCGI_MORE;
            if (!begin_record(f))
                return FCGI_ERROR;
        }
        n = least(f->content_left, *len);
        if (n > 0 && !take_content(f, *data, n))
            return FCGI_ERROR;
        f->content_left -= n;
        move_on(data, len, n);
        n = least(f->padding_left, *len);
        if (f->content_left > 0)
            return FCGI_MORE;
        f->padding_left -= n;
        move_on(data, len, n);
        if (f->padding_left > 0)
            return FCGI_MORE;
        f->header_have = 0;
        event = end_record(f);
    }
    return event;
}

bool
fcgi_is_amid(const struct fcgi *f)
{
    return f->active || f->header_have > 0;
}

bool
fcgi_has_more(const struct fcgi *f)
{
    return f->body_open;
}

size_t
fcgi_encode_answer(const struct fcgi *f, const char *text, size_t len, uint8_t *out)
{
    uint8_t *p = out;

    put_header(p, TYPE_STDOUT, f->request.id, len);
    memcpy(p + HEADER_LEN, text, len);
    p += HEADER_LEN + len;
    put_header(p, TYPE_STDOUT, f->request.id, 0);
    put_end(p + HEADER_LEN, f->request.id, REQUEST_COMPLETE);
    return (size_t)(p - out) + FCGI_OVERHEAD - HEADER_LEN;
}

void
fcgi_finish(struct fcgi *f)
{
    struct fcgi_request *r = &f->request;
    uint16_t id = r->id;

    /* No more than was written: it happens at every request. */
    pat_secret_erase(r->authorization, r->authorization_len);
    pat_secret_erase(&f->params, sizeof(f->params));
    r->authorization_len = 0;
    r->authorizations = 0;
    r->too_long = false;
    r->sources = 0;
    r->source_len = 0;
    r->id = id; /* the rest of its body may yet come */
    f->active = false;
}

void
fcgi_init(struct fcgi *f)
{
    memset(f, 0, sizeof(*f));
    f->request.keep = true;
}

void
fcgi_clear(struct fcgi *f)
{
    pat_secret_erase(f, sizeof(*f));
}
