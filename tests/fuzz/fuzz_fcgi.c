/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FastCGI's records, which must come to the same in pieces of any size: the first byte is
 * how large they are. A request is answered as pat-fcgi would, up to the question to
 * patd.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "authorization.h"
#include "fcgi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    unsigned requests, replies, headers;
    size_t header_len, source_len;
    bool failed;
};

static void
take(struct fcgi *f, const uint8_t *data, size_t len, struct sum *sum)
{
    struct credentials c;

    for (;;) {
        switch (fcgi_feed(f, &data, &len)) {
        case FCGI_MORE:
            if (len != 0)
                abort();
            return;
        case FCGI_REQUEST:
            if (f->request.authorization_len > sizeof(f->request.authorization) ||
                f->request.source_len > PAT_SOURCE_MAX)
                abort();
            sum->requests++;
            sum->headers += f->request.authorizations;
            sum->header_len += f->request.authorization_len;
            sum->source_len += f->request.source_len;
            (void)!authorization_parse(
                f->request.authorization, f->request.authorization_len, &c);
            credentials_clear(&c);
            fcgi_finish(f);
            break;
        case FCGI_REPLY:
            if (f->reply_len > sizeof(f->reply))
                abort();
            sum->replies++;
            break;
        case FCGI_ERROR:
            sum->failed = true;
            return;
        }
    }
}

static struct sum
feed(const uint8_t *data, size_t size, size_t piece)
{
    static struct fcgi f;
    struct sum sum = {0};

    fcgi_init(&f);
    while (size > 0 && !sum.failed) {
        size_t n = size < piece ? size : piece;
        uint8_t *copy = malloc(n);

        if (copy == NULL)
            abort();
        memcpy(copy, data, n);
        take(&f, copy, n, &sum);
        free(copy);
        data += n;
        size -= n;
    }
    fcgi_clear(&f);
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sum whole, pieces;

    if (size == 0)
        return 0;
    whole = feed(data + 1, size - 1, size);
    pieces = feed(data + 1, size - 1, data[0] % 32 + 1U);
    if (whole.requests != pieces.requests || whole.replies != pieces.replies ||
        whole.headers != pieces.headers || whole.header_len != pieces.header_len ||
        whole.source_len != pieces.source_len || whole.failed != pieces.failed)
        abort();
    return 0;
}
