/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_hosts.h - what the hosts of pam_pat.so do before and after it
 */
#ifndef PATCTL_DOCTOR_HOSTS_H
#define PATCTL_DOCTOR_HOSTS_H

#include "doctor.h"
#include "doctor_stack.h"

/* The account and session lines of a service whose auth lines have pam_pat.so. */
void doctor_login(struct doctor *d, const struct stack_files *files, const char *service);

/*
 * The configuration of hosts, below `root`, for the services that have pam_pat.so: those
 * that remember a success, and sshd's penalties.
 */
void doctor_hosts(struct doctor *d, const char *root, const char *const *services);

#endif
