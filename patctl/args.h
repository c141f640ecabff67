/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * args.h - arguments of a command, by its table
 */
#ifndef PATCTL_ARGS_H
#define PATCTL_ARGS_H

#include <stdio.h>

#include "attr.h"
#include "command.h"

/*
 * Parse argv[first...] for `command` into `options`, its zeroed struct, and `connection`.
 * Options may stand before, between and behind the operands, to which *ret_argv and
 * *ret_argc lead; argv is reordered. An argument of kind ARG_SECRET is copied, and erased
 * where it stood.
 *
 * *ret_help  -h or --help was given: nothing else counts.
 * Returns EX_OK or EX_USAGE, having said why; EX_OSERR without memory.
 */
PAT_MUST_USE int args_parse(const struct command *command, int argc, char **argv,
    int first, void *options, struct session_options *connection, int *ret_argc,
    char ***ret_argv, bool *ret_help);

/* The synopsis, the options, and what they mean: at most 24 lines of 80 columns. */
void args_help(const struct command *command, FILE *to);

/* "mint [--org ORG] ...": one line of any length, for scripts that compare. */
void args_list(const struct command *command, FILE *to);

#endif
