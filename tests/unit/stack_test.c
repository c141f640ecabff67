/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack_test - stacks as libpam itself runs them: known traps, and random ones
 *
 * Every module is pam_recorder. Which of them libpam runs must be what stack_action() and
 * stack_after() say.
 */
#include "doctor_stack.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#define RAN_MAX 512

static char recorder[4096]; /* path of the module */
static char dir[UNIT_PATH_MAX];

/*
 * $L=N in a row's text is a recorder of letter L that returns N, and & the directory:
 * libpam 1.5 includes relative names from /etc/pam.d alone.
 */
struct stack_case {
    const char *name;
    const char *service, *included, *more; /* the files service, inc and more */
    const char *ran;                       /* NULL: libpam refuses the service */
    bool damaged;
};

static const struct stack_case cases[] = {
    {"two modules", "auth required $A=0\nauth required $B=0\n", "", "", "AB", false},
    {"other types", "account required $A=0\nauth required $B=0\n", "", "", "B", false},
    {"a backslash", "auth required \\\n$A=0\nauth required $B=0\n", "", "", "AB", false},
    {"a backslash and blanks", "auth sufficient \\ \t \n$A=0\nauth required $B=0\n", "",
        "", "A", false},
    {"a comment that ends in a backslash", "# no \\\nauth required $A=0\n", "", "", "A",
        false},
    {"a backslash before a comment", "auth sufficient $A=0 \\ # no\nauth required $B=0\n",
        "", "", "A", false},
    {"an empty line after a backslash",
        "auth sufficient \\\n\n$A=0\nauth required $B=0\n", "", "", "A", true},
    {"a comment after a backslash",
        "auth sufficient \\\n  # no\n$A=0\nauth required $B=0\n", "", "", "A", true},
    {"a backslash at the end", "auth required $A=0 \\\n", "", "", NULL, true},
    {"a carriage return is no blank", "auth sufficient \\\r\nauth required $B=0\n", "",
        "", "B", false},
    {"done ends an included file and all behind",
        "auth include &inc\nauth required $Z=0\n", "auth sufficient $A=0\n", "", "A",
        false},
    {"done ends a substack alone", "auth substack &inc\nauth required $Z=0\n",
        "auth sufficient $A=0\nauth required $B=0\n", "", "AZ", false},
    {"die ends a substack alone", "auth substack &inc\nauth required $Z=0\n",
        "auth requisite $A=7\nauth required $B=0\n", "", "AZ", false},
    {"die within an include within a substack",
        "auth substack &inc\nauth required $Z=0\n",
        "auth include &more\nauth required $B=0\n", "auth requisite $A=7\n", "AZ", false},
    {"a substack within a substack", "auth substack &inc\nauth required $Z=0\n",
        "auth substack &more\nauth required $B=0\n", "auth requisite $A=7\n", "ABZ",
        false},
    {"a jump over a substack",
        "auth [success=1 default=bad] $A=0\nauth substack &inc\nauth required $Z=0\n",
        "auth required $B=0\nauth required $C=0\n", "", "AZ", false},
    {"a jump does not leave a substack", "auth substack &inc\nauth required $Z=0\n",
        "auth [success=3 default=bad] $A=0\nauth required $B=0\n", "", "AZ", false},
    {"an include in brackets", "auth [include] &inc\n", "auth required $A=0\n", "", "A",
        false},
    {"a control in brackets", "auth [sufficient] $A=0\nauth required $B=0\n", "", "", "A",
        false},
    {"blanks around =",
        "auth [success=done default=die auth_err = ignore] $A=7\n"
        "auth required $B=0\n",
        "", "", "AB", false},
    {"the last of two values counts",
        "auth [auth_err=die auth_err=ignore default=die] $A=7\nauth required $B=0\n", "",
        "", "AB", false},
    {"the first of two defaults counts",
        "auth [default=die default=ignore] $A=7\nauth required $B=0\n", "", "", "A",
        false},
    {"a value after the default",
        "auth [default=die auth_err=ignore] $A=7\nauth required $B=0\n", "", "", "AB",
        false},
    {"an unknown value makes all bad",
        "auth [success=done default=die nonsense=die] $A=7\nauth required $B=0\n", "", "",
        "AB", false},
    {"capitals are unknown", "auth [success=done DEFAULT=die] $A=7\nauth required $B=0\n",
        "", "", "AB", false},
    {"a jump of zero makes all bad",
        "auth [success=0 default=die] $A=7\nauth required $B=0\n", "", "", "AB", false},
    {"keywords in capitals", "AUTH Requisite $A=7\nauth required $B=0\n", "", "", "A",
        false},
    {"done after a failure does not end",
        "auth required $A=7\nauth sufficient $B=0\n"
        "auth required $C=0\n",
        "", "", "ABC", false},
    {"an unknown type", "nonsense required $B=0\nauth required $A=0\n", "", "", "A",
        true},
    {"a file that is not there", "auth include &nowhere\nauth required $A=0\n", "", "",
        "A", true},
};

/* Expands the recorders of `text` into the file `name`. */
static void
write_file(const char *name, const char *text)
{
    char path[UNIT_PATH_MAX + 32], out[16384];
    size_t len = 0;

    for (; *text != '\0' && len < sizeof(out) - 4200; text++)
        if (*text == '$') {
            len += (size_t)snprintf(
                out + len, sizeof(out) - len, "%s %c ", recorder, text[1]);
            text += 2;
        } else if (*text == '&') {
            len += (size_t)snprintf(out + len, sizeof(out) - len, "%s/", dir);
        } else {
            out[len++] = *text;
        }
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)unlink(path);
    unit_file_write(path, out, len, 0600);
}

/* Which modules does libpam run? False: it refuses the service. */
static bool
run_libpam(char ran[RAN_MAX])
{
    static const struct pam_conv conv = {NULL, NULL};
    pam_handle_t *pamh = NULL;
    const char *text;

    if (pam_start_confdir("service", "nobody", &conv, dir, &pamh) != PAM_SUCCESS)
        return false;
    (void)pam_authenticate(pamh, PAM_SILENT);
    text = pam_getenv(pamh, "RAN");
    (void)snprintf(ran, RAN_MAX, "%s", text != NULL ? text : "");
    (void)pam_end(pamh, 0);
    return true;
}

/* The name of what the recorder of this step returns. */
static const char *
returned(const struct stack_step *step)
{
    switch (strtol(step->args + 1, NULL, 10)) {
    case PAM_SUCCESS:
        return "success";
    case PAM_AUTH_ERR:
        return "auth_err";
    case PAM_IGNORE:
        return "ignore";
    default:
        return "authinfo_unavail";
    }
}

static void
run_model(struct stack *s, char ran[RAN_MAX])
{
    const struct stack_files files = {.root = "", .dirs = {dir}};
    bool failed = false;
    size_t len = 0;

    memset(s, 0, sizeof(*s));
    stack_read(&files, "service", "auth", s);
    for (size_t at = 0; at < s->count;) {
        const struct stack_step *step = &s->steps[at];
        int action = STACK_IGNORE;

        if (step->args[0] != '\0') {
            ran[len++] = step->args[0];
            action = stack_action(step, returned(step));
        }
        /* A jump that is too long is a failure. */
        failed =
            failed || action == STACK_BAD || action == STACK_DIE ||
            (action > 0 && stack_after(s, at, action) == stack_after(s, at, action - 1));
        if (action == STACK_DONE && failed)
            action = STACK_OK;
        at = stack_after(s, at, action);
    }
    ran[len] = '\0';
}

static void
test_case(void **state)
{
    const struct stack_case *c = *state;
    struct stack *s = malloc(sizeof(*s));
    char real[RAN_MAX], model[RAN_MAX];

    assert_non_null(s);
    write_file("service", c->service);
    write_file("inc", c->included);
    write_file("more", c->more);
    unit_check_int("accepted by libpam", run_libpam(real), c->ran != NULL);
    run_model(s, model);
    unit_check_int("damaged", s->damaged, c->damaged);
    if (c->ran != NULL) {
        unit_check_string("run by libpam", real, c->ran);
        unit_check_string("by the model", model, c->ran);
    }
    free(s);
}

/* One line of a random stack, with the recorder of this letter. */
static void
random_line(uint32_t *seed, char letter, char *to, size_t size)
{
    static const char *const controls[] = {"required", "requisite", "sufficient",
        "optional", "[success=1 default=ignore]", "[success=ok default=2]",
        "[success=done ignore=ignore default=die]", "[default=1]",
        "[success=done auth_err = 1 default=bad]", "[ignore=1 default=ok]"};
    static const int codes[] = {
        PAM_SUCCESS, PAM_SUCCESS, PAM_AUTH_ERR, PAM_IGNORE, PAM_AUTHINFO_UNAVAIL};
    static const char *const gaps[] = {" ", "\t", " \\\n", " \\ \t\n "};

    (void)snprintf(to, size, "auth%s%s%s$%c=%d\n", gaps[unit_random(seed) % COUNT(gaps)],
        controls[unit_random(seed) % COUNT(controls)],
        gaps[unit_random(seed) % COUNT(gaps)], letter,
        codes[unit_random(seed) % COUNT(codes)]);
}

/* A file of up to four lines, one of which may refer to another file. */
static void
random_file(uint32_t *seed, const char *name, const char *other, char *letter)
{
    static const char *const kinds[] = {"include", "substack", "substack"};
    char text[1024] = "";
    size_t lines = unit_random(seed) % 4 + 1, at = unit_random(seed) % 5;

    for (size_t i = 0; i < lines; i++) {
        size_t len = strlen(text);

        if (i == at && other != NULL)
            (void)snprintf(text + len, sizeof(text) - len, "auth %s &%s\n",
                kinds[unit_random(seed) % COUNT(kinds)], other);
        else
            random_line(seed, (*letter)++, text + len, sizeof(text) - len);
    }
    write_file(name, text);
}

static void
test_random(void **state)
{
    struct stack *s = malloc(sizeof(*s));
    uint32_t seed = 7;

    (void)state;
    assert_non_null(s);
    for (int i = 0; i < 1000; i++) {
        char real[RAN_MAX], model[RAN_MAX], letter = 'A';

        random_file(&seed, "service", "inc", &letter);
        random_file(&seed, "inc", "more", &letter);
        random_file(&seed, "more", NULL, &letter);
        assert_true(run_libpam(real));
        run_model(s, model);
        unit_check_int("damaged", s->damaged, 0);
        unit_check_string("run", model, real);
    }
    free(s);
}

/* The recorder stands beside this program. */
static bool
find_recorder(void)
{
    ssize_t len = readlink("/proc/self/exe", recorder, sizeof(recorder) - 1);
    char *slash = len > 0 ? strrchr(recorder, '/') : NULL;

    if (slash == NULL)
        return false;
    (void)snprintf(
        slash + 1, sizeof(recorder) - (size_t)(slash + 1 - recorder), "pam_recorder.so");
    return access(recorder, R_OK) == 0;
}

int
main(void)
{
    int rc;

    if (!find_recorder()) {
        (void)fprintf(stderr, "%s is missing\n", recorder);
        return 1;
    }
    unit_dir_make(dir);
    UNIT_TABLE("stack", test_case, cases);
    unit_add("stack", "random stacks", test_random, NULL);
    rc = unit_run("stack_test");
    unit_dir_remove(dir);
    return rc;
}
