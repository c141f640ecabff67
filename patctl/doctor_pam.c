/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_pam.c - who else would see a token that pam_pat.so has seen, or before it?
 *
 * Stacks as in pam.conf(5): @include, include and substack are followed.
 */
#include "doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STEPS_MAX 128
#define DEPTH_MAX 16

/* One line of type auth. */
struct step {
    char control[256];
    char module[128]; /* without its directory */
};

struct stack {
    struct step steps[STEPS_MAX];
    size_t count;
    bool damaged; /* not all of it could be read; `why` */
    char why[256];
};

/* These ask for no password and look at none. */
static const char *const harmless[] = {"pam_deny.so", "pam_permit.so", "pam_env.so",
    "pam_faildelay.so", "pam_nologin.so", "pam_securetty.so", "pam_shells.so",
    "pam_warn.so", "pam_group.so", "pam_cap.so", "pam_succeed_if.so", "pam_rootok.so",
    "pam_access.so", "pam_listfile.so", "pam_localuser.so", "pam_faillock.so",
    "pam_tally2.so", "pam_time.so", "pam_debug.so", "pam_echo.so", "pam_issue.so",
    "pam_pat.so", "pam_wheel.so", "pam_mail.so", "pam_limits.so", NULL};

static bool
takes_password(const struct step *s)
{
    for (size_t i = 0; harmless[i] != NULL; i++)
        if (strcmp(s->module, harmless[i]) == 0)
            return false;
    return true;
}

static void
damage(struct stack *s, const char *path, const char *what)
{
    if (!s->damaged)
        (void)snprintf(s->why, sizeof(s->why), "%.150s: %.90s", path, what);
    s->damaged = true;
}

static char *
skip_blanks(char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

/* The next word, or all in [brackets] as one; it is cut out of the line. NULL: none. */
static char *
next_word(char **p)
{
    char *word = skip_blanks(*p), *end;

    if (*word == '\0')
        return NULL;
    if (*word == '[') {
        end = strchr(word, ']');
        end = end != NULL ? end + 1 : word + strlen(word);
    } else {
        end = word + strcspn(word, " \t");
    }
    *p = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

static void read_stack(struct stack *s, const char *dir, const char *name, int depth);

static void
take_line(struct stack *s, const char *dir, char *line, int depth)
{
    char *p = line, *type = next_word(&p), *control, *module;
    const char *base;
    struct step *step;

    if (type == NULL)
        return;
    if (strcmp(type, "@include") == 0) {
        module = next_word(&p);
        if (module != NULL)
            read_stack(s, dir, module, depth + 1);
        return;
    }
    /* With a dash it is not missed where it is not installed. */
    if (strcasecmp(type[0] == '-' ? type + 1 : type, "auth") != 0)
        return;
    control = next_word(&p);
    module = next_word(&p);
    if (control == NULL || module == NULL)
        return;
    if (strcasecmp(control, "include") == 0 || strcasecmp(control, "substack") == 0) {
        read_stack(s, dir, module, depth + 1);
        return;
    }
    if (s->count == STEPS_MAX) {
        damage(s, dir, "the stack is too long for this check");
        return;
    }
    step = &s->steps[s->count++];
    base = strrchr(module, '/');
    (void)snprintf(step->control, sizeof(step->control), "%s", control);
    (void)snprintf(
        step->module, sizeof(step->module), "%s", base != NULL ? base + 1 : module);
}

static void
read_stack(struct stack *s, const char *dir, const char *name, int depth)
{
    char path[1024], *line = NULL;
    char whole[4096] = "";
    size_t size = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : dir,
        name[0] == '/' ? "" : "/", name);
    if (depth > DEPTH_MAX) {
        damage(s, path, "is included again and again");
        return;
    }
    f = fopen(path, "re");
    if (f == NULL) {
        damage(s, path, strerror(errno));
        return;
    }
    while (getline(&line, &size, f) >= 0) {
        size_t len, have = strlen(whole);
        char *end = strchr(line, '#');

        if (end == NULL)
            end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        len = strlen(line);
        (void)snprintf(whole + have, sizeof(whole) - have, "%s", line);
        if (len > 0 && line[len - 1] == '\\') {
            have = strlen(whole);
            if (have > 0)
                whole[have - 1] = ' ';
            continue;
        }
        take_line(s, dir, whole, depth);
        whole[0] = '\0';
    }
    free(line);
    (void)fclose(f);
}

/* What the control does at this return value: "ok", "die", "1", ... into ret. */
static void
action_of(const char *control, const char *value, char ret[32])
{
    static const struct {
        const char *word, *success, *rest;
    } words[] = {{"required", "ok", "bad"}, {"requisite", "ok", "die"},
        {"sufficient", "done", "ignore"}, {"optional", "ok", "ignore"}};
    size_t len = strlen(value);
    const char *otherwise = "bad";

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(control, words[i].word) == 0) {
            (void)snprintf(ret, 32, "%s",
                strcmp(value, "success") == 0 ? words[i].success : words[i].rest);
            return;
        }
    for (const char *p = control; *p != '\0'; p++) {
        const char *word = p;

        if (p != control && !isspace((unsigned char)p[-1]) && p[-1] != '[')
            continue;
        if (strncasecmp(word, value, len) == 0 && word[len] == '=') {
            (void)snprintf(
                ret, 32, "%.*s", (int)strcspn(word + len + 1, " \t]"), word + len + 1);
            return;
        }
        if (strncasecmp(word, "default=", 8) == 0)
            otherwise = word + 8;
    }
    (void)snprintf(ret, 32, "%.*s", (int)strcspn(otherwise, " \t]"), otherwise);
}

/* The first module behind `at` that would get the token if pam_pat.so returned that. */
static const struct step *
heir(const struct stack *s, size_t at, const char *value)
{
    char action[32];
    size_t next = at + 1;

    action_of(s->steps[at].control, value, action);
    if (strcasecmp(action, "die") == 0 || strcasecmp(action, "done") == 0)
        return NULL;
    if (isdigit((unsigned char)action[0]))
        next += (size_t)strtoul(action, NULL, 10);
    for (; next < s->count; next++)
        if (takes_password(&s->steps[next]))
            return &s->steps[next];
    return NULL;
}

/* Everything that pam_pat.so returns of a token. */
static const char *const values[] = {"auth_err", "authinfo_unavail", "success",
    "user_unknown", "perm_denied", "maxtries", "service_err", "system_err", "buf_err",
    NULL};

static bool
check_step(struct doctor *d, const char *service, const struct stack *s, size_t at)
{
    bool fine = true;

    for (size_t i = 0; i < at; i++)
        if (takes_password(&s->steps[i])) {
            doctor_wrong(d,
                "PAM %s: %s stands before pam_pat.so, and is given every token. Put "
                "pam_pat.so above it",
                service, s->steps[i].module);
            fine = false;
            break;
        }
    for (size_t i = 0; values[i] != NULL; i++) {
        const struct step *next = heir(s, at, values[i]);

        if (next == NULL)
            continue;
        doctor_wrong(d,
            "PAM %s: pam_pat.so has the control %s: at %s the token goes on to %s. Write "
            "[success=done ignore=ignore default=die]",
            service, s->steps[at].control, values[i], next->module);
        return false;
    }
    return fine;
}

/* Sets *ret_used where the service has pam_pat.so. */
static void
check_service(struct doctor *d, const char *dir, const char *name, bool *ret_used)
{
    struct stack *s = calloc(1, sizeof(*s));
    bool used = false, fine = true;

    if (s == NULL) {
        doctor_unknown(d, "PAM %s: out of memory", name);
        return;
    }
    read_stack(s, dir, name, 0);
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->steps[i].module, "pam_pat.so") == 0) {
            used = true;
            fine = check_step(d, name, s, i) && fine;
        }
    if (used && s->damaged)
        doctor_unknown(d, "PAM %s: %s", name, s->why);
    else if (used && fine)
        doctor_ok(d, "PAM %s: no other module is given a token", name);
    *ret_used = *ret_used || used;
    free(s);
}

static int
is_file(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

void
doctor_pam(struct doctor *d, const char *directory)
{
    struct dirent **names = NULL;
    int count = scandir(directory, &names, is_file, alphasort);
    bool used = false;

    if (count < 0) {
        doctor_unknown(d, "PAM: %s: %s", directory, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        check_service(d, directory, names[i]->d_name, &used);
        free(names[i]);
    }
    free(names);
    if (!used)
        doctor_ok(d, "PAM: no service in %s has pam_pat.so", directory);
}
