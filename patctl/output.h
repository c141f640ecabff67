/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output.h - rows to standard output: a table, JSON, or CSV
 *
 * Order of use: output_new(), then for each row output_json() if output_is_json(), else
 * output_row(), then output_end(). Rows are written as they come: of a table the first
 * 200 are kept back, and decide how wide its columns are.
 *
 * Cells are texts as the directory has them. In the table and in CSV what is unsafe to
 * show is escaped (text.h); JSON has all of it, in JSON's own escapes where it is unsafe.
 * A cell of CSV that a spreadsheet would take for a formula gets an apostrophe before it.
 */
#ifndef PATCTL_OUTPUT_H
#define PATCTL_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

enum output_format {
    OUTPUT_TABLE = 0,
    OUTPUT_JSON, /* an array of objects */
    OUTPUT_CSV,  /* RFC 4180, with a header */
};

enum output_colour {
    OUTPUT_PLAIN = 0,
    OUTPUT_GREEN,
    OUTPUT_YELLOW,
    OUTPUT_RED,
    OUTPUT_DIM,
};

struct output_column {
    const char *title;  /* of the table; NULL = not in the table */
    const char *key;    /* in the header of CSV; NULL = not in CSV */
    unsigned shrink_to; /* how narrow a narrow terminal may make it; 0 = never narrower */
};

/* NULL is "" in CSV and "-" in the table. */
struct output_cell {
    const char *text;
    enum output_colour colour;
};

struct output;

/*
 * `columns`, borrowed, are `count`, at most OUTPUT_COLUMNS_MAX. Where standard output is
 * no terminal, or NO_COLOR is set, or TERM is dumb, nothing is coloured; where it is
 * none, and COLUMNS is not set, the table is as wide as it likes. NULL without memory:
 * said.
 */
#define OUTPUT_COLUMNS_MAX 16
PAT_MUST_USE struct output *output_new(
    enum output_format format, const struct output_column *columns, size_t count);

bool output_is_json(const struct output *o);

/* Both are false if standard output takes no more, or without memory: end at once. */
PAT_MUST_USE bool output_row(struct output *o, const struct output_cell *cells);

/* Takes `object` over; NULL means that there was no memory for it. */
PAT_MUST_USE bool output_json(struct output *o, struct json_object *object);

/* Write what is left and free it. EX_OK, or EX_IOERR or EX_OSERR: said. NULL is accepted.
 */
PAT_MUST_USE int output_end(struct output *o);

/* One object by itself, over several lines; takes it over. Exit status as above. */
PAT_MUST_USE int output_object(struct json_object *object);

/* The same on one line, which is written at once. */
PAT_MUST_USE int output_line(struct json_object *object);

/* A JSON string of any bytes; JSON's null of NULL. */
struct json_object *output_string(const char *s);

/* A JSON string of a time as in when.h (RFC 3339); JSON's null of none. */
struct json_object *output_time(long long t);

/* --json, --csv, or neither. EX_USAGE if both: said. */
PAT_MUST_USE int output_choose(bool json, bool csv, enum output_format *ret);

/* Are colours wanted on standard output? */
bool output_colours(void);

#endif
