/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files are read as by Linux-PAM 1.5, whose words for controls, lines and brackets this
 * follows to the letter. Where other versions read something else, the stack is damaged.
 */
#include "doctor_stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 16
#define LINE_SIZE 1024 /* of Linux-PAM before 1.6, which splits what is longer */
#define BLANKS    " \t\n"

/* One reading: what is looked for, and where it goes. */
struct reading {
    const struct stack_files *files;
    const char *type;
    struct stack *stack;
};

static void
damage(struct stack *s, const char *path, const char *what)
{
    if (!s->damaged)
        (void)snprintf(s->why, sizeof(s->why), "%.150s: %.90s", path, what);
    s->damaged = true;
}

/* --- controls ------------------------------------------------------------------------
 */

/* In the order of the return values in _pam_types.h. */
static const char *const value_words[STACK_VALUES + 1] = {"success", "open_err",
    "symbol_err", "service_err", "system_err", "buf_err", "perm_denied", "auth_err",
    "cred_insufficient", "authinfo_unavail", "user_unknown", "maxtries",
    "new_authtok_reqd", "acct_expired", "session_err", "cred_unavail", "cred_expired",
    "cred_err", "no_module_data", "conv_err", "authtok_err", "authtok_recover_err",
    "authtok_lock_busy", "authtok_disable_aging", "try_again", "ignore", "abort",
    "authtok_expired", "module_unknown", "bad_item", "conv_again", "incomplete",
    "default"};

/* The place is the number of the action, without its sign. */
static const char *const action_words[] = {"ignore", "ok", "done", "bad", "die", "reset"};

#define ACTIONS (sizeof(action_words) / sizeof(action_words[0]))

/* Consumes the first of these words that stands at *p; returns `count` if no word does.
 */
static size_t
consume_word(const char **p, const char *const *words, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        size_t len = strlen(words[i]);

        if (strncmp(words[i], *p, len) == 0) {
            *p += len;
            break;
        }
    }
    return i;
}

static void
set_default(int actions[STACK_VALUES + 1], int action)
{
    for (size_t i = 0; i < STACK_VALUES; i++)
        if (actions[i] == STACK_UNDEFINED)
            actions[i] = action;
}

/* An action or a jump. False: libpam does not accept it. */
static bool
consume_action(const char **p, int *ret)
{
    size_t word = consume_word(p, action_words, ACTIONS);
    char *end;
    long jump;

    if (word < ACTIONS) {
        *ret = -(int)word;
        return true;
    }
    if (**p < '0' || **p > '9')
        return false;
    jump = strtol(*p, &end, 10);
    *p = end;
    *ret = jump > STACK_STEPS_MAX ? STACK_STEPS_MAX : (int)jump;
    return jump != 0;
}

/* "value=action ...", with blanks anywhere. False: libpam does not accept it. */
static bool
parse_pairs(const char *p, int actions[STACK_VALUES + 1])
{
    static const char blanks[] = " \t\n\v\f\r";

    for (p += strspn(p, blanks); *p != '\0'; p += strspn(p, blanks)) {
        size_t value = consume_word(&p, value_words, STACK_VALUES + 1);
        int action = STACK_BAD;

        p += strspn(p, blanks);
        if (value > STACK_VALUES || *p != '=')
            return false;
        p++;
        p += strspn(p, blanks);
        if (!consume_action(&p, &action))
            return false;
        if (value == STACK_VALUES)
            set_default(actions, action);
        else
            actions[value] = action;
    }
    return true;
}

static void
set_actions(struct stack_step *step, const char *control)
{
    /* pam.d(5) has these meanings. */
    static const struct {
        const char *word, *pairs;
    } words[] = {{"required", "success=ok new_authtok_reqd=ok ignore=ignore default=bad"},
        {"requisite", "success=ok new_authtok_reqd=ok ignore=ignore default=die"},
        {"sufficient", "success=done new_authtok_reqd=done default=ignore"},
        {"optional", "success=ok new_authtok_reqd=ok default=ignore"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(control, words[i].word) == 0)
            control = words[i].pairs;
    for (size_t i = 0; i <= STACK_VALUES; i++)
        step->actions[i] = STACK_UNDEFINED;
    if (!parse_pairs(control, step->actions))
        for (size_t i = 0; i <= STACK_VALUES; i++)
            step->actions[i] = STACK_BAD;
    set_default(step->actions, STACK_BAD);
}

/* --- lines ---------------------------------------------------------------------------
 */

/*
 * Cuts the next word out of the line, or all within [brackets], in which \] is a bracket.
 * Returns NULL if no word is left.
 */
static char *
next_word(char **p, bool *ret_bracketed)
{
    char *word = *p + strspn(*p, BLANKS), *end = word, *to;

    *ret_bracketed = *word == '[';
    if (*word == '\0')
        return NULL;
    if (*ret_bracketed) {
        word++;
        end = word;
        for (to = word; *end != '\0' && *end != ']'; end++) {
            if (end[0] == '\\' && end[1] == ']')
                end++;
            *to++ = *end;
        }
        *p = *end == '\0' ? end : end + 1;
        *to = '\0';
        return word;
    }
    end += strcspn(word, BLANKS);
    *p = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

static void
append(struct stack *s, const char *path, char line[LINE_SIZE], const char *more)
{
    size_t have = strlen(line);

    if (have + strlen(more) >= LINE_SIZE - 1)
        damage(s, path, "has a line of more than 1022 characters: shorten it");
    (void)snprintf(line + have, LINE_SIZE - have, "%s", more);
}

/*
 * Takes the end of a physical line away. Returns whether the next one continues it: it
 * ends in a backslash, which blanks may follow, and has no comment.
 */
static bool
trim(char *text)
{
    char *end = strchr(text, '#');

    if (end != NULL) {
        *end = '\0';
        return false;
    }
    for (end = text + strlen(text); end > text && strchr(BLANKS, end[-1]) != NULL;)
        end--;
    *end = '\0';
    if (end == text || end[-1] != '\\')
        return false;
    end[-1] = ' ';
    return true;
}

/* Assembles the next line, comments left out. Returns false at the end. */
static bool
read_line(struct stack *s, const char *path, FILE *f, char line[LINE_SIZE])
{
    char *raw = NULL;
    size_t size = 0;
    ssize_t len;
    bool more = true, continued = false;

    line[0] = '\0';
    while (more && (len = getline(&raw, &size, f)) >= 0) {
        char *text = raw + strspn(raw, BLANKS);

        if (memchr(raw, '\0', (size_t)len) != NULL)
            damage(s, path, "has a NUL byte: remove it");
        if (*text == '\0' || *text == '#') {
            if (continued)
                damage(s, path,
                    "has an empty line or a comment after a backslash: remove it");
            continue;
        }
        more = continued = trim(text);
        append(s, path, line, text);
    }
    free(raw);
    if (more && ferror(f))
        damage(s, path, "cannot be read");
    else if (more && continued)
        damage(s, path, "ends with a backslash: libpam refuses the service");
    return !more || continued;
}

/* --- files ---------------------------------------------------------------------------
 */

char *
stack_find_file(const struct stack_files *files, const char *service)
{
    char *path = NULL;
    FILE *f;

    if (service[0] == '/')
        return asprintf(&path, "%s%s", files->root, service) < 0 ? NULL : path;
    for (size_t i = 0; i < STACK_DIRS_MAX && files->dirs[i] != NULL; i++) {
        if (asprintf(&path, "%s/%s", files->dirs[i], service) < 0)
            return NULL;
        f = fopen(path, "re");
        if (f != NULL) {
            (void)fclose(f);
            return path;
        }
        free(path);
    }
    return NULL;
}

static void read_file(const struct reading *r, const char *name, int level, int depth);

/* Returns NULL if there is no room. */
static struct stack_step *
add_step(struct stack *s, const char *path, int level, const char *control)
{
    struct stack_step *step;

    if (s->count == STACK_STEPS_MAX) {
        damage(s, path, "the stack is too long for this check");
        return NULL;
    }
    step = &s->steps[s->count++];
    step->level = level;
    (void)snprintf(step->control, sizeof(step->control), "%s", control);
    set_actions(step, control);
    return step;
}

static void
take_module(const struct reading *r, const char *path, char *p, int level, int depth)
{
    bool bracketed, unused;
    char *control = next_word(&p, &bracketed), *module = next_word(&p, &unused);
    struct stack_step *step;
    const char *base;

    if (control == NULL || module == NULL) {
        damage(r->stack, path, "has a line without control or module: complete it");
        return;
    }
    if (strcasecmp(control, "include") == 0) {
        read_file(r, module, level, depth + 1);
        return;
    }
    step = add_step(r->stack, path, level, control);
    if (step == NULL)
        return;
    if (strcasecmp(control, "substack") == 0) {
        read_file(r, module, level + 1, depth + 1);
        return;
    }
    if (bracketed)
        (void)snprintf(step->control, sizeof(step->control), "[%s]", control);
    base = strrchr(module, '/');
    (void)snprintf(
        step->module, sizeof(step->module), "%s", base != NULL ? base + 1 : module);
    (void)snprintf(step->args, sizeof(step->args), "%s", p);
}

static void
take_line(const struct reading *r, const char *path, char *line, int level, int depth)
{
    static const char *const types[] = {"auth", "account", "session", "password"};
    bool unused;
    char *p = line, *type = next_word(&p, &unused);

    if (type == NULL)
        return;
    if (strcasecmp(type, "@include") == 0) {
        type = next_word(&p, &unused);
        if (type != NULL)
            read_file(r, type, level, depth + 1);
        return;
    }
    /* With a dash libpam does not log that the module is missing. */
    if (type[0] == '-')
        type++;
    if (strcasecmp(type, r->type) == 0) {
        take_module(r, path, p, level, depth);
        return;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(type, types[i]) == 0)
            return;
    damage(r->stack, path, "has a line of an unknown type: libpam refuses all logins");
}

static void
read_file(const struct reading *r, const char *name, int level, int depth)
{
    char *path = stack_find_file(r->files, name), line[LINE_SIZE];
    FILE *f = path != NULL ? fopen(path, "re") : NULL;

    if (f == NULL)
        damage(r->stack, path != NULL ? path : name, strerror(ENOENT));
    else if (depth > DEPTH_MAX)
        damage(r->stack, path, "is included again and again");
    else
        while (read_line(r->stack, path, f, line))
            take_line(r, path, line, level, depth);
    if (f != NULL)
        (void)fclose(f);
    free(path);
}

void
stack_read(const struct stack_files *files, const char *service, const char *type,
    struct stack *ret)
{
    const struct reading r = {files, type, ret};

    read_file(&r, service, 0, 0);
}

/* --- what runs -----------------------------------------------------------------------
 */

int
stack_action(const struct stack_step *step, const char *value)
{
    for (size_t i = 0; i < STACK_VALUES; i++)
        if (strcmp(value_words[i], value) == 0)
            return step->actions[i];
    return STACK_BAD;
}

size_t
stack_after(const struct stack *s, size_t at, int action)
{
    const int level = s->steps[at].level;
    size_t last = at;

    /* They end the substack, or all. */
    if (action == STACK_DONE || action == STACK_DIE) {
        while (last + 1 < s->count && s->steps[last + 1].level >= level)
            last++;
        return last + 1;
    }
    /* A substack counts as one module, and a jump does not leave one. */
    for (; action > 0 && last + 1 < s->count && s->steps[last + 1].level >= level;
         action--)
        do
            last++;
        while (last + 1 < s->count && s->steps[last + 1].level > level);
    return last + 1;
}

bool
stack_has_argument(const struct stack_step *step, const char *argument)
{
    char args[sizeof(step->args)], *p = args, *word;
    bool found = false, unused;

    (void)snprintf(args, sizeof(args), "%s", step->args);
    while (!found && (word = next_word(&p, &unused)) != NULL)
        found = strcmp(word, argument) == 0;
    return found;
}
