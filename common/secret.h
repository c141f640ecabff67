/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secret.h - erasing what held a token or a password
 *
 * libc alone. Erase the buffer's size, not the length of what it held.
 */
#ifndef PAT_SECRET_H
#define PAT_SECRET_H

#include <stddef.h>

/* Not optimised away, unlike memset before a return. NULL is accepted with any size. */
void pat_secret_erase(void *buf, size_t size);

/* Erase `size` bytes and free; NULL is accepted. */
void pat_secret_free(void *buf, size_t size);

#endif
