/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - the configuration in force, which SIGHUP replaces while threads use it
 *
 * Each generation of settings lives until the last of its users lets go of it.
 */
#ifndef PATD_SETTINGS_H
#define PATD_SETTINGS_H

#include <stdbool.h>

#include "attr.h"
#include "conf.h"
#include "error.h"
#include "verify.h"

struct settings {
    struct pat_conf conf;
    struct pat_health health; /* of conf.uri, shared by all workers */
    unsigned refs;            /* under the lock of settings.c */
};

/* Take over `conf` (which is emptied) as the settings in force. PAT_ERR_NOMEM. */
PAT_MUST_USE enum pat_err settings_install(struct pat_conf *conf);

/* The settings in force; to be given back by settings_release(). Never NULL. */
struct settings *settings_acquire(void);
void settings_release(struct settings *s);

/* Was `s` replaced? */
bool settings_outdated(const struct settings *s);

/*
 * Read `path` again. What is wrong is logged, and the old settings stay in force, as do
 * those that only a start can change.
 */
void settings_reload(const char *path);

/* At the end, when no thread is left. */
void settings_drop(void);

#endif
