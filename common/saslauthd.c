/* SPDX-License-Identifier: BSD-2-Clause */
#include "saslauthd.h"

#include <stdint.h>
#include <string.h>

#define LENGTH_SIZE  2 /* of the number before each string */
#define STRING_COUNT 4

static size_t
get_length(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

enum pat_err
pat_saslauthd_frame(const void *data, size_t have, size_t *ret_len)
{
    const uint8_t *p = data;
    size_t len = 0;

    *ret_len = 0;
    for (size_t left = STRING_COUNT; left > 0; left--) {
        /* What must still come has at least this. */
        if (len > PAT_MSG_MAX - left * LENGTH_SIZE)
            return PAT_ERR_MALFORMED;
        if (have < len + LENGTH_SIZE)
            return PAT_OK;
        len += LENGTH_SIZE + get_length(p + len);
    }
    if (len > PAT_MSG_MAX)
        return PAT_ERR_MALFORMED;
    *ret_len = len;
    return PAT_OK;
}

enum pat_err
pat_saslauthd_decode(const void *data, size_t len, struct pat_saslauthd_request *ret)
{
    struct pat_saslauthd_request req = {0};
    struct pat_saslauthd_string *const strings[STRING_COUNT] = {
        &req.user, &req.password, &req.service, &req.realm};
    const uint8_t *p = data;
    size_t whole = 0;

    if (pat_saslauthd_frame(data, len, &whole) != PAT_OK || whole == 0 || whole != len)
        return PAT_ERR_MALFORMED;
    for (size_t i = 0; i < STRING_COUNT; i++) {
        strings[i]->len = get_length(p);
        strings[i]->data = (const char *)p + LENGTH_SIZE;
        p += LENGTH_SIZE + strings[i]->len;
        if (memchr(strings[i]->data, '\0', strings[i]->len) != NULL)
            return PAT_ERR_MALFORMED;
    }
    if (req.service.len > PAT_SERVICE_MAX)
        return PAT_ERR_MALFORMED;
    *ret = req;
    return PAT_OK;
}

enum pat_err
pat_saslauthd_login(
    const struct pat_saslauthd_request *req, char ret_login[PAT_USER_MAX + 1])
{
    const struct pat_saslauthd_string *user = &req->user, *realm = &req->realm;
    size_t len = user->len + (realm->len > 0 ? 1 + realm->len : 0);

    if (user->len == 0 || len > PAT_USER_MAX)
        return PAT_ERR_USER;
    memcpy(ret_login, user->data, user->len);
    if (realm->len > 0) {
        ret_login[user->len] = '@';
        memcpy(ret_login + user->len + 1, realm->data, realm->len);
    }
    ret_login[len] = '\0';
    return PAT_OK;
}

void
pat_saslauthd_service(
    const struct pat_saslauthd_request *req, char ret_service[PAT_SERVICE_MAX + 1])
{
    memcpy(ret_service, req->service.data, req->service.len);
    ret_service[req->service.len] = '\0';
}

/* The only place where our codes become this protocol's. */
static const char *
answer_text(enum pat_err status)
{
    switch (status) {
    case PAT_OK:
        return "OK";
    case PAT_ERR_MALFORMED:
    case PAT_ERR_UNKNOWN:
    case PAT_ERR_REVOKED:
    case PAT_ERR_EXPIRED:
    case PAT_ERR_MEMBER:
    case PAT_ERR_USER:
    case PAT_ERR_SCOPE:
    case PAT_ERR_RECORD:
        return "NO authentication failed";
    case PAT_ERR_UNAVAIL:
    case PAT_ERR_CONFIG:
    case PAT_ERR_NOMEM:
    case PAT_ERR_COUNT:
        break;
    }
    return "";
}

void
pat_saslauthd_encode_answer(enum pat_err status, struct pat_msg *ret_msg)
{
    const char *text = answer_text(status);
    size_t len = strlen(text);

    ret_msg->data[0] = (uint8_t)(len >> 8);
    ret_msg->data[1] = (uint8_t)len;
    memcpy(ret_msg->data + LENGTH_SIZE, text, len);
    ret_msg->len = LENGTH_SIZE + len;
}

enum pat_err
pat_saslauthd_frame_answer(
    const void *data, size_t have, size_t *ret_len, bool *ret_accepted)
{
    const uint8_t *p = data;
    const uint8_t *text = p + LENGTH_SIZE;
    size_t len;

    *ret_len = 0;
    if (have < LENGTH_SIZE)
        return PAT_OK;
    len = LENGTH_SIZE + get_length(p);
    if (len < LENGTH_SIZE + 2 || len > PAT_SASLAUTHD_ANSWER_MAX)
        return PAT_ERR_MALFORMED;
    if (have >= len) {
        *ret_accepted = memcmp(text, "OK", 2) == 0;
        if (!*ret_accepted && memcmp(text, "NO", 2) != 0)
            return PAT_ERR_MALFORMED;
    }
    *ret_len = len;
    return PAT_OK;
}
