/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command.h - what a command is: its name, its options, its help, its function
 *
 * Each command is one constant, listed in main.c. From it come the parsing of arguments,
 * the help, and what tests/check-docs compares with the manual page and the completions.
 */
#ifndef PATCTL_COMMAND_H
#define PATCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

#define ARG_LIST_MAX 64

enum arg_kind {
    ARG_FLAG = 1, /* bool; takes no value */
    ARG_COUNT,    /* int; how often it was given */
    ARG_TEXT,     /* const char *; NULL = not given */
    ARG_LIST,     /* struct arg_list; may be given again and again */
    ARG_SPAN,     /* int64_t, in seconds: see when.h; may be preset by `init` */
    ARG_SECRET,   /* const char *, and the argument is erased: see args_parse() */
};

struct arg_list {
    const char *items[ARG_LIST_MAX];
    size_t count;
};

/* One option. A table of them ends in a row of zeroes. */
struct arg {
    char letter;      /* '\0' = none */
    const char *name; /* the long one, NULL = none */
    enum arg_kind kind;
    size_t offset;     /* in the struct of options of the command */
    const char *value; /* what the help calls it: "DN"; NULL for flags and counts */
    const char *help;
};

/* A command that is being run. Strings are borrowed from argv. */
struct call {
    const struct command *command;
    struct session_options *connection; /* for session_open() */
    const void *options;                /* the command's own struct */
    int argc;                           /* operands */
    char **argv;
};

struct command {
    const char *name;     /* "mint"; of two words, too: "org add" */
    const char *operands; /* "ID..."; "" = none */
    const char *summary;  /* one line, at most 58 characters */
    const char *details;  /* further lines of its own help, or NULL */
    const struct arg *args;
    size_t options_size;            /* of its own struct; 0 = none */
    void (*init)(void *options);    /* presets what is not zero; may be NULL */
    bool connects;                  /* takes the options of the connection, too */
    int operands_min, operands_max; /* -1 = any number */
    /* Returns the exit status, having told on standard error what went wrong. */
    int (*run)(const struct call *call);
};

extern const struct command audit_command;
extern const struct command connect_command;
extern const struct command doctor_command;
extern const struct command generate_command;
extern const struct command list_command;
extern const struct command member_add_command;
extern const struct command member_list_command;
extern const struct command member_remove_command;
extern const struct command member_role_command;
extern const struct command mint_command;
extern const struct command org_add_command;
extern const struct command org_list_command;
extern const struct command org_remove_command;
extern const struct command replay_command;
extern const struct command report_command;
extern const struct command revoke_command;
extern const struct command revoke_shown_command;
extern const struct command rotate_command;
extern const struct command show_command;
extern const struct command verify_command;

#endif
