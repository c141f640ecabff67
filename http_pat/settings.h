/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - the options of pat-fcgi
 */
#ifndef HTTP_PAT_SETTINGS_H
#define HTTP_PAT_SETTINGS_H

#include "answer.h"
#include "attr.h"
#include "error.h"
#include "option.h"

struct settings {
    char *listen; /* NULL: what systemd or spawn-fcgi passed */
    int listen_mode;
    char *listen_group;
    char *user;
    char *patd;
    char **orgs, **roles, **shared;
    char *service;
    int timeout_ms;
    int workers;
    char *realm;
    char *metadata;
    int basic;
};

/* Each name is the letter of an option. */
extern const struct pat_option settings_table[];

/*
 * Fill zeroed *ret from the arguments. PAT_ERR_CONFIG: *diag says which and what is wrong
 * with it. PAT_ERR_NOMEM.
 */
PAT_MUST_USE enum pat_err settings_read(
    int argc, char **argv, struct settings *ret, struct pat_diag *diag);

void settings_clear(struct settings *s);

#endif
