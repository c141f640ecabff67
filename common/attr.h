/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attr.h - what the compiler is told about our functions
 */
#ifndef PAT_ATTR_H
#define PAT_ATTR_H

/* The result decides something: to drop it is a mistake. */
#define PAT_MUST_USE __attribute__((warn_unused_result))

#define PAT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* An entry point of a plugin; everything else is hidden (-fvisibility=hidden). */
#define PAT_EXPORT __attribute__((visibility("default")))

#endif
