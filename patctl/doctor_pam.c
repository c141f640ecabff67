/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_pam.c - does another PAM module get a token?
 */
#include "doctor_hosts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_stack.h"
#include "strv.h"

#define PAT_MODULE "pam_pat.so"

/* These ask for no password and look at none. */
static const char *const harmless[] = {"pam_deny.so", "pam_permit.so", "pam_env.so",
    "pam_faildelay.so", "pam_nologin.so", "pam_securetty.so", "pam_shells.so",
    "pam_warn.so", "pam_group.so", "pam_cap.so", "pam_succeed_if.so", "pam_rootok.so",
    "pam_access.so", "pam_listfile.so", "pam_localuser.so", "pam_faillock.so",
    "pam_tally2.so", "pam_time.so", "pam_debug.so", "pam_echo.so", "pam_issue.so",
    PAT_MODULE, "pam_wheel.so", "pam_mail.so", "pam_limits.so", NULL};

static bool
takes_password(const struct stack_step *s)
{
    for (size_t i = 0; harmless[i] != NULL; i++)
        if (strcmp(s->module, harmless[i]) == 0)
            return false;
    return s->module[0] != '\0';
}

/* The first module from `at` on that would get the token. */
static const struct stack_step *
heir_from(const struct stack *s, size_t at)
{
    for (; at < s->count; at++)
        if (takes_password(&s->steps[at]))
            return &s->steps[at];
    return NULL;
}

/* Everything that pam_pat.so returns of a token. */
static const char *const values[] = {"auth_err", "authinfo_unavail", "success",
    "user_unknown", "perm_denied", "maxtries", "service_err", "system_err", "buf_err",
    NULL};

static bool
check_before(struct doctor *d, const char *service, const struct stack *s, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (takes_password(&s->steps[i])) {
            doctor_wrong(d,
                "PAM %s: %s stands before pam_pat.so, and is given every token. Put "
                "pam_pat.so above it",
                service, s->steps[i].module);
            return false;
        }
    return true;
}

/* Returns whether the step lets the stack go on as failed when its module refuses. */
static bool
fails_later(const struct stack_step *step)
{
    static const char *const refusals[] = {
        "auth_err", "perm_denied", "user_unknown", "acct_expired", "service_err"};
    /* These refuse no login. */
    static const char *const neutral[] = {"pam_env.so", "pam_faildelay.so",
        "pam_permit.so", "pam_warn.so", "pam_group.so", "pam_cap.so", "pam_echo.so",
        "pam_mail.so", "pam_limits.so", "pam_issue.so", PAT_MODULE, "", NULL};

    if (pat_strv_contains(neutral, step->module))
        return false;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (stack_action(step, refusals[i]) == STACK_BAD)
            return true;
    return false;
}

/* "done" ends a stack only if no module before has failed; see pam.conf(5). */
static bool
check_done(struct doctor *d, const char *service, const struct stack *s, size_t at)
{
    const struct stack_step *next = heir_from(s, at + 1);

    if (next == NULL)
        return true;
    for (size_t i = 0; i < at; i++)
        if (fails_later(&s->steps[i])) {
            doctor_wrong(d,
                "PAM %s: %s has the control %s: when it refuses a user, success=done of "
                "pam_pat.so does not end the stack, and a good token goes on to %s. "
                "Write requisite",
                service, s->steps[i].module, s->steps[i].control, next->module);
            return false;
        }
    return true;
}

static bool
check_after(struct doctor *d, const char *service, const struct stack *s, size_t at)
{
    const struct stack_step *step = &s->steps[at];

    for (size_t i = 0; values[i] != NULL; i++) {
        int action = stack_action(step, values[i]);
        const struct stack_step *next = heir_from(s, stack_after(s, at, action));

        if (next == NULL)
            continue;
        if (action == STACK_DONE || action == STACK_DIE)
            doctor_wrong(d,
                "PAM %s: pam_pat.so stands in a substack: its end is not the end of the "
                "stack, and at %s the token goes on to %s. Write include for substack, "
                "or put pam_pat.so above the substack",
                service, values[i], next->module);
        else
            doctor_wrong(d,
                "PAM %s: pam_pat.so has the control %s: at %s the token goes on to %s. "
                "Write [success=done ignore=ignore default=die]",
                service, step->control, values[i], next->module);
        return false;
    }
    return true;
}

/* A backslash at the end of the line before takes the line of pam_pat.so for arguments.
 */
static void
check_arguments(struct doctor *d, const char *service, const struct stack *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (strstr(s->steps[i].args, PAT_MODULE) != NULL)
            doctor_wrong(d,
                "PAM %s: pam_pat.so is an argument of %s: remove the backslash, and the "
                "blanks behind it, at the end of the line before",
                service, s->steps[i].module);
}

/* Returns whether the service has pam_pat.so. */
static bool
check_auth(struct doctor *d, const struct stack_files *files, const char *name)
{
    struct stack *s = calloc(1, sizeof(*s));
    bool used = false, fine = true;

    if (s == NULL) {
        doctor_unknown(d, "PAM %s: out of memory", name);
        return false;
    }
    stack_read(files, name, "auth", s);
    check_arguments(d, name, s);
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->steps[i].module, PAT_MODULE) == 0) {
            used = true;
            fine = check_before(d, name, s, i) && fine;
            fine = check_after(d, name, s, i) && check_done(d, name, s, i) && fine;
        }
    if (used && s->damaged)
        doctor_unknown(d, "PAM %s: %s", name, s->why);
    else if (used && fine)
        doctor_ok(d, "PAM %s: no other module is given a token", name);
    free(s);
    return used;
}

static int
is_file(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Returns whether the file of the service is the one in this directory. */
static bool
is_in(const struct stack_files *files, size_t dir, const char *service)
{
    const char *found = files->dirs[dir];
    char *path = stack_find_file(files, service);
    bool same = path != NULL && strncmp(path, found, strlen(found)) == 0 &&
                path[strlen(found)] == '/';

    free(path);
    return same;
}

/* Services, for pat_strv_free(). */
struct services {
    char **names;
    size_t count;
};

static void
add_service(struct doctor *d, struct services *s, const char *name)
{
    char **names = realloc(s->names, (s->count + 2) * sizeof(*names));

    if (names != NULL) {
        s->names = names;
        names[s->count] = strdup(name);
        names[s->count + 1] = NULL;
    }
    if (names == NULL || names[s->count] == NULL)
        doctor_unknown(d, "PAM %s: out of memory", name);
    else
        s->count++;
}

/* Adds the services of this directory that have pam_pat.so. */
static void
check_directory(struct doctor *d, const struct stack_files *files, size_t dir,
    struct services *services)
{
    struct dirent **names = NULL;
    int count = scandir(files->dirs[dir], &names, is_file, alphasort);

    if (count < 0 && (dir == 0 || errno != ENOENT))
        doctor_unknown(d, "PAM: %s: %s", files->dirs[dir], strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;

        if (is_in(files, dir, name) && check_auth(d, files, name)) {
            doctor_login(d, files, name);
            add_service(d, services, name);
        }
        free(names[i]);
    }
    free(names);
}

void
doctor_pam(struct doctor *d, const char *root, const char *directory)
{
    /* As libpam of Debian and of SUSE. */
    static const char *const usual[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"};
    struct stack_files files = {.root = root};
    char paths[sizeof(usual) / sizeof(usual[0])][1024];
    struct services services = {NULL, 0};

    if (directory != NULL)
        files.dirs[0] = directory;
    else
        for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
            (void)snprintf(paths[i], sizeof(paths[i]), "%s%s", root, usual[i]);
            files.dirs[i] = paths[i];
        }
    for (size_t i = 0; files.dirs[i] != NULL; i++)
        check_directory(d, &files, i, &services);
    if (services.count > 0)
        doctor_hosts(d, root, pat_strv_const(services.names));
    else
        doctor_ok(d, "PAM: no service in %s has pam_pat.so", files.dirs[0]);
    pat_strv_free(services.names);
}
