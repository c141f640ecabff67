/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_login.c - does a session begin after a good token, and as what it should?
 */
#include "doctor_hosts.h"

#include <errno.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "strv.h"

#define DAY_S       86400
#define AGE_ENDLESS 9999 /* days: what shadow(5) tools write for "no limit" is above */

static struct stack *
read_stack(struct doctor *d, const struct stack_files *files, const char *service,
    const char *type)
{
    struct stack *s = calloc(1, sizeof(*s));

    if (s == NULL)
        doctor_unknown(d, "PAM %s: out of memory", service);
    else
        stack_read(files, service, type, s);
    return s;
}

static bool
refuses(const struct stack_step *step, const char *value)
{
    int action = stack_action(step, value);

    return action == STACK_BAD || action == STACK_DIE;
}

/* Returns whether libpam refuses everybody by the lines of the service `other`. */
static bool
other_refuses(struct doctor *d, const struct stack_files *files, const char *type)
{
    struct stack *s = read_stack(d, files, "other", type);
    bool refused = s != NULL && s->count == 0;

    for (size_t i = 0; s != NULL && i < s->count; i++)
        refused = refused || (strcmp(s->steps[i].module, "pam_deny.so") == 0 &&
                                 refuses(&s->steps[i], "auth_err"));
    free(s);
    return refused;
}

static void
check_missing(struct doctor *d, const struct stack_files *files, const char *service,
    const char *type, const struct stack *s)
{
    if (s->count == 0 && !s->damaged && other_refuses(d, files, type))
        doctor_wrong(d,
            "PAM %s: there is no %s line, and the service other refuses: so a good token "
            "is refused. Add lines of type %s; see pam_pat(8)",
            service, type, type);
}

/* pam_pat.so has no part for this type. */
static void
check_no_part(
    struct doctor *d, const char *service, const char *type, const struct stack *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->steps[i].module, "pam_pat.so") == 0 &&
            refuses(&s->steps[i], "module_unknown"))
            doctor_wrong(d,
                "PAM %s: a %s line has pam_pat.so, which has no such part: libpam "
                "refuses everybody there. Remove the line",
                service, type);
}

/* The user's own file could set PAT_ROLE and the like. */
static void
check_environment(struct doctor *d, const char *service, const struct stack *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->steps[i].module, "pam_env.so") == 0 &&
            stack_has_argument(&s->steps[i], "user_readenv=1")) {
            doctor_wrong(d,
                "PAM %s: pam_env.so has user_readenv=1: with ~/.pam_environment users "
                "set PAT_ROLE and the like in their sessions. Remove user_readenv=1",
                service);
            return;
        }
}

/* --- passwords that expire -----------------------------------------------------------
 */

struct aged {
    char user[64]; /* "": no user */
    bool expired;
    long max_days;
};

/* The password of an account that no person uses is "*". */
static bool
is_person(const struct spwd *sp)
{
    const char *hash = sp->sp_pwdp != NULL ? sp->sp_pwdp : "*";

    return hash[strspn(hash, "!")] != '*';
}

/* Notes an account whose password has expired, or else one whose password will. */
static void
note_age(const struct spwd *sp, long today, struct aged *ret)
{
    bool limited = sp->sp_max >= 0 && sp->sp_max < AGE_ENDLESS && sp->sp_lstchg >= 0;
    bool expired = sp->sp_lstchg == 0 || (limited && today > sp->sp_lstchg + sp->sp_max);

    if (!is_person(sp) || (!limited && !expired) || ret->expired ||
        (ret->user[0] != '\0' && !expired))
        return;
    (void)snprintf(ret->user, sizeof(ret->user), "%s", sp->sp_namp);
    ret->expired = expired;
    ret->max_days = sp->sp_max;
}

static bool
find_aged(struct doctor *d, const char *root, struct aged *ret)
{
    char path[1024];
    const struct spwd *sp;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/etc/shadow", root);
    f = fopen(path, "re");
    if (f == NULL) {
        if (errno != ENOENT)
            doctor_unknown(d, "PAM: %s: %s", path, strerror(errno));
        return false;
    }
    while ((sp = fgetspent(f)) != NULL)
        note_age(sp, (long)(time(NULL) / DAY_S), ret);
    (void)fclose(f);
    return ret->user[0] != '\0';
}

/* Returns whether pam_unix.so looks at the age of the password after a good token. */
static bool
looks_at_age(const struct stack *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct stack_step *step = &s->steps[i];

        /* With success=done what follows does not run. */
        if (strcmp(step->module, "pam_pat.so") == 0)
            i = stack_after(s, i, stack_action(step, "success")) - 1;
        else if (strcmp(step->module, "pam_unix.so") == 0 &&
                 !stack_has_argument(step, "no_pass_expiry"))
            return true;
    }
    return false;
}

static void
check_age(struct doctor *d, const struct stack_files *files, const char *service,
    const struct stack *s)
{
    struct aged aged = {.user = ""};

    if (!looks_at_age(s) || !find_aged(d, files->root, &aged))
        return;
    if (aged.expired)
        doctor_wrong(d,
            "PAM %s: the password of %s has expired: pam_unix.so refuses a good token. "
            "Add no_pass_expiry to its account line",
            service, aged.user);
    else
        doctor_wrong(d,
            "PAM %s: the password of %s expires after %ld days: pam_unix.so then refuses "
            "a good token. Add no_pass_expiry to its account line",
            service, aged.user, aged.max_days);
}

void
doctor_login(struct doctor *d, const struct stack_files *files, const char *service)
{
    /* These open a session; other hosts need no line for it. */
    static const char *const openers[] = {
        "sshd", "login", "remote", "sudo", "sudo-i", "su", "su-l", "cockpit", NULL};
    struct stack *account = read_stack(d, files, service, "account");
    struct stack *session = read_stack(d, files, service, "session");
    struct stack *auth = read_stack(d, files, service, "auth");

    if (account != NULL && session != NULL && auth != NULL) {
        check_missing(d, files, service, "account", account);
        if (pat_strv_contains(openers, service))
            check_missing(d, files, service, "session", session);
        check_no_part(d, service, "session", session);
        check_environment(d, service, auth);
        check_environment(d, service, session);
        check_age(d, files, service, account);
    }
    free(account);
    free(session);
    free(auth);
}
