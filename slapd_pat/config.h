/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h - the settings of the overlay, and whether a database can be worked on
 *
 * What slapd calls when it starts, and when cn=config changes: then every other thread of
 * it waits, so that nothing here needs a lock.
 */
#ifndef PAT_SLAPD_CONFIG_H
#define PAT_SLAPD_CONFIG_H

#include "host.h"

extern ConfigTable pat_config_table[];
extern ConfigOCs pat_config_classes[];

/* Implement slapd's bi_db_init, bi_db_open, bi_db_close and bi_db_destroy. */
int pat_config_db_init(BackendDB *be, ConfigReply *cr);
int pat_config_db_open(BackendDB *be, ConfigReply *cr);
int pat_config_db_close(BackendDB *be, ConfigReply *cr);
int pat_config_db_destroy(BackendDB *be, ConfigReply *cr);

#endif
