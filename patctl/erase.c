/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * erase.c - whatever is freed in this process is erased
 *
 * What a server answers goes through buffers of libldap, liblber and GnuTLS, and a bind
 * password does so on its way there. They offer no means to have those erased: liblber's
 * memory functions (LBER_OPT_MEMORY_FNS) are not called for most of it. So free(3) and
 * realloc(3) are defined here, in the program, for it and all its libraries; glibc lets
 * them be replaced, and has its own under the names below.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "secret.h"

/* The sanitizers have their own. */
#ifndef __SANITIZE_ADDRESS__

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): glibc's names */
extern void __libc_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

PAT_EXPORT void
free(void *p)
{
    if (p == NULL)
        return;
    pat_secret_erase(p, malloc_usable_size(p));
    __libc_free(p);
}

/* The C library's would leave the old place as it is. */
PAT_EXPORT void *
realloc(void *p, size_t size)
{
    size_t had = p == NULL ? 0 : malloc_usable_size(p);
    void *bigger;

    if (p != NULL && size == 0) {
        free(p);
        return NULL;
    }
    bigger = malloc(size);
    if (bigger == NULL)
        return NULL;
    if (had > 0)
        memcpy(bigger, p, had < size ? had : size);
    free(p);
    return bigger;
}

#endif
