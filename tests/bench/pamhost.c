/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pamhost - the part of a service like sshd in a measurement: see bench.c
 *
 * usage: pamhost PAM-CONFDIR USER <TOKEN-LINE-AND-ORDERS
 *
 * Reads the token from the first line of standard input, then orders: "stay SERVICE N"
 * for N logins in this process, "fork SERVICE N" for each in a forked child, "auth
 * SERVICE N" for those without acct_mgmt. Answers each with the nanoseconds that they
 * took. It has libcrypto loaded and warm and nothing else that sshd has not: what is
 * mapped is part of what fork(2) costs.
 */
#include <openssl/evp.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "secret.h"

static char token[512];
static const char *confdir, *user;

static int
converse(int count, const struct pam_message **msgs, struct pam_response **ret, void *arg)
{
    struct pam_response *replies = calloc((size_t)count, sizeof(*replies));

    (void)msgs;
    (void)arg;
    if (replies == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        replies[i].resp = strdup(token);
    *ret = replies;
    return PAM_SUCCESS;
}

static bool
login(const char *service, bool with_account)
{
    struct pam_conv conv = {converse, NULL};
    pam_handle_t *pamh = NULL;
    bool ok;

    if (pam_start_confdir(service, user, &conv, confdir, &pamh) != PAM_SUCCESS)
        return false;
    (void)pam_set_item(pamh, PAM_RHOST, "192.0.2.1");
    ok = pam_authenticate(pamh, 0) == PAM_SUCCESS &&
         (!with_account || pam_acct_mgmt(pamh, 0) == PAM_SUCCESS);
    return pam_end(pamh, PAM_SUCCESS) == PAM_SUCCESS && ok;
}

static bool
login_in_child(const char *service, bool with_account)
{
    pid_t pid = fork();
    int status = 1;

    if (pid == 0)
        _exit(login(service, with_account) ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Libcrypto as a server has it: loaded, and its first, slow digest behind it. */
static bool
warm_libcrypto(void)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    return EVP_Digest("x", 1, digest, &len, EVP_sha256(), NULL) == 1;
}

int
main(int argc, char **argv)
{
    char line[128], *mode, *service, *count, *save = NULL;

    if (argc != 3 || fgets(token, sizeof(token), stdin) == NULL || !warm_libcrypto())
        return 2;
    confdir = argv[1];
    user = argv[2];
    token[strcspn(token, "\n")] = '\0';
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int64_t began;

        mode = strtok_r(line, " \n", &save);
        service = strtok_r(NULL, " \n", &save);
        count = strtok_r(NULL, " \n", &save);
        if (mode == NULL || service == NULL || count == NULL)
            return 2;
        began = pat_monotonic_ns();
        for (long n = strtol(count, NULL, 10); n > 0; n--)
            if (!(mode[0] == 's' ? login(service, true)
                                 : login_in_child(service, mode[0] == 'f')))
                return 1;
        printf("%lld\n", (long long)(pat_monotonic_ns() - began));
        (void)fflush(stdout);
    }
    pat_secret_erase(token, sizeof(token));
    return 0;
}
