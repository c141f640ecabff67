/* SPDX-License-Identifier: BSD-2-Clause */
/* The header Authorization: what is accepted has the form that the scheme promises. */
#include <stdlib.h>
#include <string.h>

#include "authorization.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credentials c;
    char *value = malloc(size > 0 ? size : 1); /* not a byte more, for ASan */

    if (value == NULL)
        return 0;
    if (size > 0)
        memcpy(value, data, size);
    if (authorization_parse(value, size, &c) == AUTHORIZATION_GIVEN) {
        if (c.token_len == 0 || c.token_len > sizeof(c.token) ||
            strlen(c.user) > PAT_USER_MAX || (!c.has_user && c.user[0] != '\0'))
            abort();
        for (size_t i = 0; i < c.token_len; i++)
            if ((unsigned char)c.token[i] < 0x20)
                abort();
    }
    credentials_clear(&c);
    free(value);
    return 0;
}
