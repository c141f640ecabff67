/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

void
pat_secret_erase(void *buf, size_t size)
{
    if (buf != NULL)
        explicit_bzero(buf, size);
}

void
pat_secret_free(void *buf, size_t size)
{
    pat_secret_erase(buf, size);
    free(buf);
}
