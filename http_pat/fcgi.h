/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fcgi.h - the application's side of FastCGI 1.0, as far as an authorizer needs it
 *
 * Why not libfcgi: a single record of management makes it write beyond an array on its
 * stack, it waits without end for a peer that stops amid a record, and it frees what held
 * the token as it is. Whoever can connect could end us, or hold us up.
 *
 * Nothing here allocates, blocks or does input and output. Bytes go in as they come, in
 * pieces of any size; of the parameters only those that we use are kept. Order of use:
 * fcgi_init(), fcgi_feed() with all that was read, and at each FCGI_REQUEST
 * fcgi_encode_answer() and fcgi_finish(); fcgi_clear().
 */
#ifndef HTTP_PAT_FCGI_H
#define HTTP_PAT_FCGI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "request.h"

#define FCGI_AUTHORIZATION_MAX 8192
#define FCGI_PARAMS_MAX        1048576 /* bytes of one request's parameters */
#define FCGI_REPLY_MAX         16
#define FCGI_CONTENT_MAX       65535
#define FCGI_OVERHEAD          32 /* what fcgi_encode_answer() adds */

enum fcgi_role {
    FCGI_RESPONDER = 1,
    FCGI_AUTHORIZER = 2,
};

/* What the front end asks. */
struct fcgi_request {
    uint16_t id;
    enum fcgi_role role;
    bool keep; /* the connection is for more requests; true before the first one */

    unsigned authorizations; /* how many HTTP_AUTHORIZATION came */
    bool too_long;           /* and one was longer than we keep */
    size_t authorization_len;
    char authorization[FCGI_AUTHORIZATION_MAX]; /* any bytes; no NUL behind them */

    unsigned sources; /* how many REMOTE_ADDR came */
    size_t source_len;
    char source[PAT_SOURCE_MAX + 1];
};

enum fcgi_event {
    FCGI_MORE,    /* all bytes were used; nothing to do */
    FCGI_REQUEST, /* `request` is whole and waits for its answer */
    FCGI_REPLY,   /* `reply` is to be sent */
    FCGI_ERROR,   /* this is no FastCGI: hang up */
};

/* The parameters as a stream, which may begin and end within records. */
struct fcgi_params {
    enum { FCGI_NAME_LENGTH, FCGI_VALUE_LENGTH, FCGI_NAME, FCGI_VALUE } state;
    uint8_t length[4];
    size_t length_have;
    uint32_t name_len, value_len, at;
    enum { FCGI_OTHER, FCGI_AUTHORIZATION, FCGI_SOURCE } key;
    char name[24];
    size_t total;
};

struct fcgi {
    uint8_t header[8];
    size_t header_have;
    size_t content_len, content_left, padding_left;
    uint8_t begin[8]; /* the body of FCGI_BEGIN_REQUEST */
    bool active;      /* between FCGI_BEGIN_REQUEST and the answer */
    bool body_open;   /* the last request's body has not ended */
    struct fcgi_params params;
    struct fcgi_request request;
    uint8_t reply[FCGI_REPLY_MAX];
    size_t reply_len;
};

void fcgi_init(struct fcgi *f);

/*
 * Take bytes from *data, and move *data and *len on, until there is something to do. Call
 * it again with the rest.
 */
PAT_MUST_USE enum fcgi_event fcgi_feed(struct fcgi *f, const uint8_t **data, size_t *len);

/* Is a request, or a record of one, begun and not whole? */
bool fcgi_is_amid(const struct fcgi *f);

/* May more come that belongs to the last request? */
bool fcgi_has_more(const struct fcgi *f);

/*
 * Write an answer of `len` bytes to `out`, of at least `len` + FCGI_OVERHEAD bytes, as
 * the records that answer the present request. At most FCGI_CONTENT_MAX. Returns how
 * many.
 */
size_t fcgi_encode_answer(
    const struct fcgi *f, const char *text, size_t len, uint8_t *out);

/* The request was answered: erase it. */
void fcgi_finish(struct fcgi *f);

/* Erase all. */
void fcgi_clear(struct fcgi *f);

#endif
