/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "bearer.h"

struct row {
    const char *name;
    const char *value;
    size_t len;
    const char *want; /* NULL: malformed */
};

#define BYTES(s) s, sizeof(s) - 1

static const struct row rows[] = {
    {"as everybody writes it", BYTES("Bearer rhp_0aZ"), "rhp_0aZ"},
    {"in small letters", BYTES("bearer x"), "x"},
    {"in capitals", BYTES("BEARER x"), "x"},
    {"several spaces", BYTES("Bearer   x"), "x"},
    {"every byte of a token", BYTES("Bearer aZ09._~+/-"), "aZ09._~+/-"},
    {"padding", BYTES("Bearer YQ=="), "YQ=="},

    {"empty", BYTES(""), NULL},
    {"part of the scheme", BYTES("Beare"), NULL},
    {"the scheme alone", BYTES("Bearer"), NULL},
    {"no token", BYTES("Bearer "), NULL},
    {"no space", BYTES("Bearerx"), NULL},
    {"a tab", BYTES("Bearer\tx"), NULL},
    {"a space before", BYTES(" Bearer x"), NULL},
    {"a space behind", BYTES("Bearer x "), NULL},
    {"a line break behind", BYTES("Bearer x\r\n"), NULL},
    {"two tokens", BYTES("Bearer x y"), NULL},
    {"two tokens and a comma", BYTES("Bearer x, Bearer y"), NULL},
    {"padding alone", BYTES("Bearer =="), NULL},
    {"padding within", BYTES("Bearer a=b"), NULL},
    {"another scheme", BYTES("Basic eDp5"), NULL},
    {"quotes", BYTES("Bearer \"x\""), NULL},
    {"a NUL within", BYTES("Bearer x\0y"), NULL},
    {"a NUL behind", BYTES("Bearer x\0"), NULL},
    {"a NUL for the space", BYTES("Bearer\0x"), NULL},
    {"a high byte", BYTES("Bearer x\xc3\xa9"), NULL},
    {"a control character", BYTES("Bearer x\001"), NULL},
};

/* On the heap, and not a byte more: ASan sees who reads beyond. */
static void
parse(void **state)
{
    const struct row *row = *state;
    char *value = malloc(row->len > 0 ? row->len : 1);
    const char *token = NULL;
    size_t len = 0;
    enum pat_err err;

    assert_non_null(value);
    memcpy(value, row->value, row->len);
    err = pat_bearer_parse(value, row->len, &token, &len);
    unit_check_err(err, row->want != NULL ? PAT_OK : PAT_ERR_MALFORMED);
    if (row->want != NULL) {
        unit_check_int("length", len, strlen(row->want));
        assert_memory_equal(token, row->want, len);
    } else {
        assert_null(token);
    }
    free(value);
}

int
main(void)
{
    UNIT_TABLE("bearer", parse, rows);
    return unit_run("bearer");
}
