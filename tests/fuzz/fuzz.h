/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.h - what the harnesses share
 *
 * A harness is given any bytes, and holds what comes of them against what the headers
 * promise: MUST() ends the program where a promise is broken, and the bytes are kept.
 */
#ifndef PAT_TEST_FUZZ_H
#define PAT_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(promise)                                                                    \
    do {                                                                                 \
        if (!(promise)) {                                                                \
            (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise);  \
            abort();                                                                     \
        }                                                                                \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy without a byte more, so that ASan sees who reads on. The caller frees it. */
static inline char *
fuzz_copy(const void *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    MUST(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* As a string, which ends at the first NUL if there is one. The caller frees it. */
static inline char *
fuzz_string(const void *data, size_t size)
{
    char *s = size > 0 ? strndup(data, size) : strdup("");

    MUST(s != NULL);
    return s;
}

/* What is left of the input. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

/* The next line, as a string that the caller frees: up to a line feed, or all. */
static inline char *
fuzz_line(struct fuzz_input *in)
{
    const uint8_t *end = in->size > 0 ? memchr(in->data, '\n', in->size) : NULL;
    size_t len = end != NULL ? (size_t)(end - in->data) : in->size;
    char *s = fuzz_string(in->data, len);

    len += end != NULL ? 1 : 0;
    in->data += len;
    in->size -= len;
    return s;
}

#endif
