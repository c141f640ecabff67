/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol.h"

#include <string.h>

#include "saslauthd.h"
#include "shape.h"
#include "strv.h"

enum pat_err
protocol_frame(enum protocol protocol, const void *data, size_t have, size_t *ret_len)
{
    switch (protocol) {
    case PROTOCOL_PAT:
        return pat_proto_frame(data, have, ret_len);
    case PROTOCOL_SASLAUTHD:
        return pat_saslauthd_frame(data, have, ret_len);
    }
    return PAT_ERR_MALFORMED;
}

/*
 * No source: the protocol has none, so that tokens which are limited to some are refused.
 * A name that is nobody's is as none at all.
 */
static enum pat_err
decode_saslauthd(
    const struct pat_conf *conf, const struct pat_msg *msg, struct question *ret)
{
    struct pat_saslauthd_request req;
    struct pat_proto_request *ask = &ret->ask;
    const char *password;
    size_t password_len;

    if (pat_saslauthd_decode(msg->data, msg->len, &req) != PAT_OK)
        return PAT_ERR_MALFORMED;
    memset(ask, 0, sizeof(*ask));
    ask->op = PAT_OP_VERIFY;
    password = req.password.data;
    password_len = req.password.len;
    pat_token_trim(&password, &password_len);
    ask->token = password;
    ask->token_len = password_len;
    ask->last = true;
    if (pat_saslauthd_login(&req, ret->login) == PAT_OK)
        ask->req.user = ret->login;
    pat_saslauthd_service(&req, ret->service);
    if (ret->service[0] != '\0')
        ask->req.service = ret->service;
    ask->req.orgs = pat_strv_const(conf->saslauthd_org);
    ask->req.roles = pat_strv_const(conf->saslauthd_role);
    return PAT_OK;
}

enum pat_err
protocol_decode(enum protocol protocol, const struct pat_conf *conf,
    const struct pat_msg *msg, struct question *ret)
{
    switch (protocol) {
    case PROTOCOL_PAT:
        return pat_proto_decode_request(msg->data, msg->len, &ret->ask);
    case PROTOCOL_SASLAUTHD:
        return decode_saslauthd(conf, msg, ret);
    }
    return PAT_ERR_MALFORMED;
}

enum pat_err
protocol_encode_answer(enum protocol protocol, enum pat_err status,
    const struct pat_identity *identity, struct pat_msg *ret_msg)
{
    switch (protocol) {
    case PROTOCOL_PAT:
        return pat_proto_encode_answer(status, identity, ret_msg);
    case PROTOCOL_SASLAUTHD:
        pat_saslauthd_encode_answer(status, ret_msg);
        return PAT_OK;
    }
    return PAT_ERR_MALFORMED;
}

enum pat_err
protocol_encode_busy(enum protocol protocol, struct pat_msg *ret_msg)
{
    switch (protocol) {
    case PROTOCOL_PAT:
        return pat_proto_encode_busy(ret_msg);
    case PROTOCOL_SASLAUTHD:
        pat_saslauthd_encode_answer(PAT_ERR_UNAVAIL, ret_msg);
        return PAT_OK;
    }
    return PAT_ERR_MALFORMED;
}

bool
protocol_asks_once(enum protocol protocol)
{
    return protocol == PROTOCOL_SASLAUTHD;
}
