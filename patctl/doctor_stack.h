/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_stack.h - a stack of PAM modules, as libpam reads and runs it
 *
 * Order of use: stack_read(), then the others. Nothing is loaded and nothing is run.
 */
#ifndef PATCTL_DOCTOR_STACK_H
#define PATCTL_DOCTOR_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

#define STACK_STEPS_MAX 128
#define STACK_VALUES    32 /* return values of modules, and behind them "default" */
#define STACK_DIRS_MAX  4

/* What libpam does after a module; a positive number is a jump over as many. */
enum stack_action {
    STACK_IGNORE = 0,
    STACK_OK = -1,
    STACK_DONE = -2,
    STACK_BAD = -3,
    STACK_DIE = -4,
    STACK_RESET = -5,
    STACK_UNDEFINED = -6
};

/* Where libpam looks for the files of services. */
struct stack_files {
    const char *root;                 /* stands before absolute paths in these files */
    const char *dirs[STACK_DIRS_MAX]; /* the first one that has the file; NULL ends it */
};

struct stack_step {
    int level;        /* of substacks, 0 outside */
    char module[128]; /* without its directory; "" where a substack begins */
    char control[256];
    char args[512];
    int actions[STACK_VALUES + 1];
};

struct stack {
    struct stack_step steps[STACK_STEPS_MAX];
    size_t count;
    bool damaged; /* a part could not be read, or has more than one meaning: `why` */
    char why[256];
};

/*
 * Reads the lines of `type` ("auth", "account", "session") of a service, and of what it
 * includes. `ret` must be zeroed.
 */
void stack_read(const struct stack_files *files, const char *service, const char *type,
    struct stack *ret);

/* Returns the path of the service's file, for free(), or NULL if it does not exist. */
PAT_MUST_USE char *stack_find_file(const struct stack_files *files, const char *service);

/* Returns the action of a step for a return value, such as "auth_err". */
PAT_MUST_USE int stack_action(const struct stack_step *step, const char *value);

/* Returns the index of the step that follows `at` after this action. */
PAT_MUST_USE size_t stack_after(const struct stack *s, size_t at, int action);

/* Returns whether the step's module has this argument. */
PAT_MUST_USE bool stack_has_argument(const struct stack_step *step, const char *argument);

#endif
