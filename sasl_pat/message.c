/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

#include <stdint.h>
#include <string.h>

#include "bearer.h"

#define KVSEP '\001'

/* What is left to be read. */
struct input {
    const char *p, *end;
};

static struct input
input_of(const char *in, size_t len)
{
    struct input input = {"", NULL};

    if (in != NULL)
        input.p = in;
    input.end = input.p + len;

    return input;
}

static size_t
left(const struct input *in)
{
    return (size_t)(in->end - in->p);
}

/* Everything up to `stop`, which is skipped; false where there is none. */
static bool
take_until(struct input *in, char stop, const char **ret, size_t *ret_len)
{
    const char *at = left(in) > 0 ? memchr(in->p, stop, left(in)) : NULL;

    if (at == NULL)
        return false;
    *ret = in->p;
    *ret_len = (size_t)(at - in->p);
    in->p = at + 1;
    return true;
}

static bool
take_literal(struct input *in, const char *text)
{
    size_t len = strlen(text);

    if (left(in) < len || memcmp(in->p, text, len) != 0)
        return false;
    in->p += len;
    return true;
}

bool
part_valid(const char *s, size_t len)
{
    return len >= 1 && len <= PART_MAX && memchr(s, '\0', len) == NULL;
}

/* How many bytes the first character has; 0: what is there is none. */
static size_t
utf8_length(const uint8_t *s, size_t have)
{
    size_t len = s[0] < 0x80   ? 1
                 : s[0] < 0xc2 ? 0 /* a continuation, or overlong */
                 : s[0] < 0xe0 ? 2
                 : s[0] < 0xf0 ? 3
                 : s[0] < 0xf5 ? 4
                               : 0;

    if (len > have)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90))
        return 0; /* overlong */
    if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0; /* a surrogate, or beyond the last character */
    return len;
}

bool
utf8_valid(const char *s, size_t len)
{
    const uint8_t *p = (const uint8_t *)s;

    while (len > 0) {
        size_t n = utf8_length(p, len);

        if (n == 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

enum pat_err
plain_parse(const char *in, size_t len, struct plain_message *ret)
{
    struct input input = input_of(in, len);
    struct plain_message m = {0};
    size_t authzid_len = 0, authid_len = 0;

    if (!take_until(&input, '\0', &m.authzid, &authzid_len) || authzid_len > PART_MAX ||
        !take_until(&input, '\0', &m.authid, &authid_len) ||
        !part_valid(m.authid, authid_len))
        return PAT_ERR_MALFORMED;
    m.password = input.p;
    m.password_len = left(&input);
    if (!part_valid(m.password, m.password_len))
        return PAT_ERR_MALFORMED;
    *ret = m;
    return PAT_OK;
}

/* Copy a user name; `escaped`: with "," and "=" written as =2C and =3D (RFC 5801). */
static bool
copy_user(const char *s, size_t len, bool escaped, char *buf, size_t buf_size)
{
    struct input in = input_of(s, len);
    size_t n = 0;

    while (left(&in) > 0 && n < buf_size - 1) {
        char c = *in.p++;

        if (c == '\0' || (escaped && c == ','))
            return false;
        if (escaped && c == '=') {
            if (take_literal(&in, "2C"))
                c = ',';
            else if (!take_literal(&in, "3D"))
                return false;
        }
        buf[n++] = c;
    }
    buf[n] = '\0';
    return n > 0 && left(&in) == 0 && utf8_valid(buf, n);
}

/* gs2-cb-flag "," [gs2-authzid] "," of RFC 5801, section 4, without channel binding. */
static bool
take_gs2_header(struct input *in, struct bearer_message *m)
{
    const char *authzid = NULL;
    size_t len = 0;

    if (!take_literal(in, "n,") && !take_literal(in, "y,"))
        return false;
    if (!take_until(in, ',', &authzid, &len))
        return false;
    if (len == 0)
        return true;
    return len > 2 && memcmp(authzid, "a=", 2) == 0 &&
           copy_user(authzid + 2, len - 2, true, m->user, sizeof(m->user));
}

/* VCHAR, SP, HTAB, CR and LF of RFC 7628, section 3.1. */
static bool
value_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((s[i] < 0x20 || s[i] > 0x7e) && s[i] != '\t' && s[i] != '\r' && s[i] != '\n')
            return false;
    return true;
}

static bool
key_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z')))
            return false;
    return len > 0;
}

static bool
is_key(const char *s, size_t len, const char *key)
{
    return len == strlen(key) && memcmp(s, key, len) == 0;
}

/* One key=value of a message. */
static bool
take_pair(const char *pair, size_t len, bool with_user, struct bearer_message *m)
{
    struct input in = input_of(pair, len);
    const char *key = NULL;
    size_t key_len = 0;

    if (!take_until(&in, '=', &key, &key_len) || !key_valid(key, key_len))
        return false;
    /* Of either a second one would leave open which counts. */
    if (is_key(key, key_len, "auth"))
        return m->token == NULL &&
               pat_bearer_parse(in.p, left(&in), &m->token, &m->token_len) == PAT_OK;
    if (with_user && is_key(key, key_len, "user"))
        return m->user[0] == '\0' &&
               copy_user(in.p, left(&in), false, m->user, sizeof(m->user));
    return value_valid(in.p, left(&in));
}

/* Pairs, each with a separator behind it, and one more at the very end. */
static bool
take_pairs(struct input *in, bool with_user, struct bearer_message *m)
{
    const char *pair = NULL;
    size_t len = 0;

    while (take_until(in, KVSEP, &pair, &len)) {
        if (len == 0)
            return left(in) == 0;
        if (!take_pair(pair, len, with_user, m))
            return false;
    }
    return false;
}

enum pat_err
oauthbearer_parse(const char *in, size_t len, struct bearer_message *ret)
{
    struct input input = input_of(in, len);
    struct bearer_message m = {0};

    if (!take_gs2_header(&input, &m) || !take_literal(&input, "\001") ||
        !take_pairs(&input, false, &m) || m.token == NULL)
        return PAT_ERR_MALFORMED;
    *ret = m;
    return PAT_OK;
}

enum pat_err
xoauth2_parse(const char *in, size_t len, struct bearer_message *ret)
{
    struct input input = input_of(in, len);
    struct bearer_message m = {0};

    if (!take_pairs(&input, true, &m) || m.user[0] == '\0' || m.token == NULL)
        return PAT_ERR_MALFORMED;
    *ret = m;
    return PAT_OK;
}
