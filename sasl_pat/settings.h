/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - the plugin's options, from the SASL configuration of its host
 *
 * They are read anew for each authentication: reading costs a few string compares, and a
 * host may have other options for each of its connections.
 */
#ifndef SASL_PAT_SETTINGS_H
#define SASL_PAT_SETTINGS_H

#include <stdbool.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "attr.h"
#include "option.h"

/* What every option's name begins with; the table has the rest. */
#define SETTINGS_PREFIX "pat_"

struct settings {
    char *socket;
    char **orgs;
    char **roles;
    char *prefix;
    int timeout_ms;
    int properties;
};

extern const struct pat_option settings_table[];

/*
 * Does this host want us at all? Every program with SASL on a machine loads every plugin;
 * the one option that must be set tells.
 */
bool settings_wanted(const sasl_utils_t *utils);

/*
 * SASL_OK, with *ret to be given to settings_clear(); SASL_UNAVAIL: an option is wrong,
 * which has been logged, and nobody may be let in; SASL_NOMEM.
 */
PAT_MUST_USE int settings_read(const sasl_utils_t *utils, struct settings *ret);

void settings_clear(struct settings *s);

#endif
