/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pam_recorder - a PAM module that notes that it ran
 *
 * Its first argument is a letter, which it appends to RAN in the environment of PAM; the
 * second is the number that it returns.
 */
#define PAM_SM_AUTH
#include <stdio.h>
#include <stdlib.h>

#include <security/pam_modules.h>

#include "attr.h"

PAT_EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    const char *ran = pam_getenv(pamh, "RAN");
    char text[512];

    (void)flags;
    if (argc < 2)
        return PAM_SERVICE_ERR;
    (void)snprintf(text, sizeof(text), "RAN=%.400s%.1s", ran != NULL ? ran : "", argv[0]);
    (void)pam_putenv(pamh, text);
    return (int)strtol(argv[1], NULL, 10);
}

PAT_EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
