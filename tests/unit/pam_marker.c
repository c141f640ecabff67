/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pam_marker - a PAM module that answers with codes which pam_pat never uses
 *
 * libpam makes a PAM_IGNORE at the end of a stack its own refusal. With this module
 * behind pam_pat, the marker's codes tell that pam_pat said PAM_IGNORE, and nothing else
 * does.
 */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#include <security/pam_modules.h>

#include "attr.h"

PAT_EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_MAXTRIES;
}

PAT_EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_CRED_EXPIRED;
}

PAT_EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_ACCT_EXPIRED;
}
