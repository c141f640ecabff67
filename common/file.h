/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h - open a file that decides who gets in
 */
#ifndef PAT_FILE_H
#define PAT_FILE_H

#include <stdio.h>

#include "attr.h"
#include "error.h"

#define PAT_FILE_MAX 65536 /* bytes */

enum pat_file_kind {
    PAT_FILE_SETTINGS, /* others may read it */
    PAT_FILE_SECRET,   /* others may not; its group may */
};

/*
 * Open `path` for reading. Symbolic links are followed; every directory on the way must
 * be one in which no other user can replace the file, see path.h. What is checked is what
 * was opened: a regular file of at most PAT_FILE_MAX bytes, owned by root or by the
 * effective user, and writable by its owner alone. A secret is readable by its owner
 * and group, or a directory above the file is closed to others.
 *
 * The caller closes *ret_file. PAT_ERR_CONFIG: *diag says "PATH: what is wrong", with the
 * component at fault between them where that is another one.
 */
PAT_MUST_USE enum pat_err pat_file_open(
    const char *path, enum pat_file_kind kind, FILE **ret_file, struct pat_diag *diag);

#endif
