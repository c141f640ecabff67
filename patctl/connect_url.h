/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect_url.h - which addresses a client of patctl connect accepts
 *
 * Both functions return whether the address is right. If not, `why` says what is wrong
 * and what to write; it does not repeat the address.
 */
#ifndef PATCTL_CONNECT_URL_H
#define PATCTL_CONNECT_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

/*
 * A URL (RFC 3986) of the scheme https, without user and fragment; http only to this
 * machine, since the token would travel in clear. `$` is refused: clients take it for the
 * beginning of a variable.
 */
PAT_MUST_USE bool connect_url_http(const char *url, char *why, size_t size);

/* A destination of ssh(1): [USER@]HOST or ssh://[USER@]HOST[:PORT]. */
PAT_MUST_USE bool connect_url_ssh(const char *url, char *why, size_t size);

#endif
