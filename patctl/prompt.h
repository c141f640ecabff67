/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prompt.h - questions to who sits at the terminal
 */
#ifndef PATCTL_PROMPT_H
#define PATCTL_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

/*
 * Ask for a secret on /dev/tty, without showing it. A signal that ends the process leaves
 * the terminal as it was. Returns EX_OK and a text whose buffer is to be freed with
 * pat_secret_free(text, PROMPT_SECRET_SIZE), or another exit status, having said why.
 */
#define PROMPT_SECRET_SIZE 1024
PAT_MUST_USE int prompt_secret(const char *question, char **ret);

/*
 * Ask `question`, a whole sentence, on the terminal: "... [y/N] ". EX_OK: yes.
 * EX_USAGE: there is no terminal to ask on. EX_NOPERM: no. Said why.
 */
PAT_MUST_USE int prompt_confirm(const char *question);

#endif
