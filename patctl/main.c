/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patctl - the day of users and administrators with tokens
 *
 * main() finds the command, has its arguments parsed, and runs it. Each command is in a
 * file of its own; what they share are session (the directory), tokens (what stands
 * there), output (tables, JSON, CSV), and text, when, say, prompt, progress.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "args.h"
#include "command.h"
#include "say.h"
#include "secret.h"
#include "text.h"

/* In the order of the help. */
static const struct command *const commands[] = {
    &mint_command,
    &list_command,
    &show_command,
    &revoke_shown_command, /* before the other, whose name it begins with */
    &revoke_command,
    &rotate_command,
    &report_command,
    &connect_command,
    &org_add_command,
    &org_list_command,
    &org_remove_command,
    &member_add_command,
    &member_role_command,
    &member_remove_command,
    &member_list_command,
    &verify_command,
    &audit_command,
    &replay_command,
    &doctor_command,
    &generate_command,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *to)
{
    (void)fprintf(to, "usage: patctl COMMAND [ARGUMENT...]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
    (void)fprintf(
        to, "\n`patctl help COMMAND` has its options; patctl(1) has examples.\n");
}

/* How many of the words are the name of the command: 0, 1 or 2. */
static int
words_matched(const struct command *c, int argc, char *const *argv)
{
    size_t len;

    if (argc < 1)
        return 0;
    if (strcmp(c->name, argv[0]) == 0)
        return 1;
    len = strlen(argv[0]);
    if (argc >= 2 && strncmp(c->name, argv[0], len) == 0 && c->name[len] == ' ' &&
        strcmp(c->name + len + 1, argv[1]) == 0)
        return 2;
    return 0;
}

static const struct command *
find_command(int argc, char *const *argv, int *ret_words)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        *ret_words = words_matched(commands[i], argc, argv);
        if (*ret_words > 0)
            return commands[i];
    }
    return NULL;
}

/* "org" alone: say which there are. */
static int
unknown_command(char *const *argv)
{
    size_t len = strlen(argv[0]);
    bool found = false;

    for (size_t i = 0; i < COMMANDS; i++)
        if (strncmp(commands[i]->name, argv[0], len) == 0 &&
            commands[i]->name[len] == ' ') {
            (void)fprintf(
                stderr, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
            found = true;
        }
    if (found)
        return say_usage("%s: which of these?", argv[0]);
    return say_usage("there is no command %s", argv[0]);
}

static int
run_command(const struct command *c, int argc, char **argv, int first)
{
    struct session_options connection = {0};
    struct call call = {.command = c, .connection = &connection};
    void *options = calloc(1, c->options_size + 1);
    bool help = false;
    int rc;

    if (options == NULL)
        return say_no_memory();
    if (c->init != NULL)
        c->init(options);
    rc = args_parse(
        c, argc, argv, first, options, &connection, &call.argc, &call.argv, &help);
    call.options = options;
    if (help)
        args_help(c, stdout);
    else if (rc == EX_OK)
        rc = c->run(&call);
    if (connection.password != NULL)
        pat_secret_free(connection.password, strlen(connection.password));
    free(options);
    return rc;
}

static int
help(int argc, char **argv)
{
    const struct command *c;
    int words = 0;

    if (argc == 0) {
        usage(stdout);
        return EX_OK;
    }
    c = find_command(argc, argv, &words);
    if (c == NULL)
        return unknown_command(argv);
    args_help(c, stdout);
    return EX_OK;
}

/* Not in the help: what tests/check-docs compares with manual page and completions. */
static int
list_options(void)
{
    for (size_t i = 0; i < COMMANDS; i++)
        args_list(commands[i], stdout);
    return EX_OK;
}

/* Passwords and tokens are in this memory. A pipe that is gone is an error of write(2).
 */
static void
harden(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

int
main(int argc, char **argv)
{
    const struct command *c;
    int words = 0;

    harden();
    text_init();
    if (argc < 2) {
        usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "--help") == 0)
        return help(argc - 2, argv + 2);
    if (strcmp(argv[1], "--list-options") == 0)
        return list_options();
    c = find_command(argc - 1, argv + 1, &words);
    if (c == NULL)
        return unknown_command(argv + 1);
    return run_command(c, argc, argv, 1 + words);
}
