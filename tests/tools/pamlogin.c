/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pamlogin - a PAM host for tests: one login, and what every call returned
 *
 * usage: pamlogin [-r RHOST] [-e] CONFDIR SERVICE USER <PASSWORD-LINE
 *
 * Prints "authenticate: PAM_SUCCESS 12 ms", likewise acct_mgmt and setcred, then the PAM
 * environment. -e: there is no password, the conversation fails. Exit status: 0 if all
 * calls succeeded, else 1; 2 if it could not begin.
 */
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "secret.h"

static char password[2048];
static bool no_password;

static int
converse(int count, const struct pam_message **msgs, struct pam_response **ret, void *arg)
{
    struct pam_response *replies;

    (void)arg;
    if (no_password)
        return PAM_CONV_ERR;
    replies = calloc((size_t)count, sizeof(*replies));
    if (replies == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++) {
        if (msgs[i]->msg_style != PAM_PROMPT_ECHO_OFF)
            printf("message: %s\n", msgs[i]->msg);
        else
            replies[i].resp = strdup(password);
    }
    *ret = replies;
    return PAM_SUCCESS;
}

static const char *
code_name(int code)
{
    switch (code) {
    case PAM_SUCCESS:
        return "PAM_SUCCESS";
    case PAM_AUTH_ERR:
        return "PAM_AUTH_ERR";
    case PAM_AUTHINFO_UNAVAIL:
        return "PAM_AUTHINFO_UNAVAIL";
    case PAM_PERM_DENIED:
        return "PAM_PERM_DENIED";
    case PAM_SERVICE_ERR:
        return "PAM_SERVICE_ERR";
    case PAM_IGNORE:
        return "PAM_IGNORE";
    case PAM_CONV_ERR:
        return "PAM_CONV_ERR";
    case PAM_MODULE_UNKNOWN:
        return "PAM_MODULE_UNKNOWN";
    default:
        return "other";
    }
}

static bool
report(const char *call, int code, int64_t began_ns)
{
    printf("%s: %s %lld ms\n", call, code_name(code),
        (long long)((pat_monotonic_ns() - began_ns) / 1000000));
    return code == PAM_SUCCESS;
}

/* The host's business, so that the module's time is its own. */
static void
no_delay(int status, unsigned usec, void *arg)
{
    (void)status;
    (void)arg;
    if (usec > 0)
        printf("fail_delay: %u us\n", usec);
}

static bool
log_in(pam_handle_t *pamh)
{
    int64_t began = pat_monotonic_ns();
    char **env;

    if (!report("authenticate", pam_authenticate(pamh, 0), began))
        return false;
    began = pat_monotonic_ns();
    if (!report("acct_mgmt", pam_acct_mgmt(pamh, 0), began))
        return false;
    began = pat_monotonic_ns();
    if (!report("setcred", pam_setcred(pamh, PAM_ESTABLISH_CRED), began))
        return false;
    env = pam_getenvlist(pamh);
    for (char **p = env; p != NULL && *p != NULL; p++)
        printf("%s\n", *p);
    return true;
}

int
main(int argc, char **argv)
{
    struct pam_conv conv = {converse, NULL};
    const char *rhost = NULL;
    pam_handle_t *pamh = NULL;
    bool ok;
    int opt;
    union {
        void (*function)(int, unsigned, void *);
        const void *item;
    } delay = {no_delay};

    while ((opt = getopt(argc, argv, "r:e")) != -1) {
        if (opt == 'r')
            rhost = optarg;
        else if (opt == 'e')
            no_password = true;
        else
            return 2;
    }
    if (argc - optind != 3)
        return 2;
    setbuf(stdin, NULL); /* it keeps no copy of the password */
    if (!no_password && fgets(password, sizeof(password), stdin) == NULL)
        return 2;
    password[strcspn(password, "\n")] = '\0';
    if (pam_start_confdir(argv[optind + 1], argv[optind + 2], &conv, argv[optind],
            &pamh) != PAM_SUCCESS)
        return 2;
    (void)pam_set_item(pamh, PAM_FAIL_DELAY, delay.item);
    if (rhost != NULL)
        (void)pam_set_item(pamh, PAM_RHOST, rhost);
    ok = log_in(pamh);
    (void)pam_end(pamh, ok ? PAM_SUCCESS : PAM_AUTH_ERR);
    pat_secret_erase(password, sizeof(password));
    return ok ? 0 : 1;
}
