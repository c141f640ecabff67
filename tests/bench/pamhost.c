/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pamhost - the part of a service like sshd in a measurement: see bench.c
 *
 * usage: pamhost stay|fork|auth PAM-CONFDIR SERVICE USER SECRET-FILE <ORDERS
 *
 * Each order is a number N, for N logins from pam_start() to pam_end(): "stay" in this
 * process, "fork" each in a child of it, from fork(2) to wait(2), "auth" the same without
 * acct_mgmt. Answers each with the nanoseconds that they took. It has libcrypto loaded
 * and warm and nothing else that sshd has not: what is mapped is part of what fork(2)
 * costs.
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

static char secret[512];
static const char *confdir, *service, *user;

static int
converse(int count, const struct pam_message **msgs, struct pam_response **ret, void *arg)
{
    struct pam_response *replies = calloc((size_t)count, sizeof(*replies));

    (void)msgs;
    (void)arg;
    if (replies == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        replies[i].resp = strdup(secret);
    *ret = replies;
    return PAM_SUCCESS;
}

static bool
login(bool with_account)
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
login_in_child(bool with_account)
{
    pid_t pid = fork();
    int status = 1;

    if (pid == 0)
        _exit(login(with_account) ? 0 : 1);
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

static bool
read_secret(const char *path)
{
    FILE *f = fopen(path, "r");
    bool ok;

    if (f == NULL)
        return false;
    (void)setvbuf(f, NULL, _IONBF, 0);
    ok = fgets(secret, sizeof(secret), f) != NULL;
    secret[strcspn(secret, "\n")] = '\0';
    (void)fclose(f);
    return ok;
}

int
main(int argc, char **argv)
{
    char line[64], mode;

    if (argc != 6 || !read_secret(argv[5]) || !warm_libcrypto())
        return 2;
    mode = argv[1][0];
    confdir = argv[2];
    service = argv[3];
    user = argv[4];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int64_t began = pat_monotonic_ns();

        for (long n = strtol(line, NULL, 10); n > 0; n--)
            if (!(mode == 's' ? login(true) : login_in_child(mode == 'f')))
                return 1;
        printf("%lld\n", (long long)(pat_monotonic_ns() - began));
        (void)fflush(stdout);
    }
    pat_secret_erase(secret, sizeof(secret));
    return 0;
}
