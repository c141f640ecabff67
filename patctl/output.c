/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "progress.h"
#include "say.h"
#include "text.h"
#include "when.h"

#define ROWS_KEPT   200
#define GAP         2 /* columns between two cells */
#define WIDTH_LEAST 40

struct row {
    char *cells[OUTPUT_COLUMNS_MAX]; /* escaped */
    enum output_colour colours[OUTPUT_COLUMNS_MAX];
};

struct output {
    enum output_format format;
    const struct output_column *columns;
    size_t count;
    size_t rows; /* so far */
    bool colours;
    bool no_memory;
    bool laid_out;
    size_t widths[OUTPUT_COLUMNS_MAX];
    struct row kept[ROWS_KEPT];
    size_t kept_count;
};

int
output_choose(bool json, bool csv, enum output_format *ret)
{
    if (json && csv)
        return say_usage("give --json or --csv, not both");
    *ret = json ? OUTPUT_JSON : csv ? OUTPUT_CSV : OUTPUT_TABLE;
    return EX_OK;
}

bool
output_colours(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') &&
           term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

/* How wide may the table be? SIZE_MAX = as it likes. */
static size_t
page_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};
    long n = columns == NULL ? 0 : strtol(columns, NULL, 10);

    if (n <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        n = size.ws_col > 0 ? size.ws_col : 80;
    if (n <= 0)
        return SIZE_MAX;
    return n < WIDTH_LEAST ? WIDTH_LEAST : (size_t)n;
}

struct output *
output_new(enum output_format format, const struct output_column *columns, size_t count)
{
    struct output *o = count > OUTPUT_COLUMNS_MAX ? NULL : calloc(1, sizeof(*o));

    if (o == NULL) {
        (void)say_no_memory();
        return NULL;
    }
    o->format = format;
    o->columns = columns;
    o->count = count;
    o->colours = output_colours();
    return o;
}

bool
output_is_json(const struct output *o)
{
    return o->format == OUTPUT_JSON;
}

/* --- the table ------------------------------------------------------------------------
 */

static void
row_clear(const struct output *o, struct row *row)
{
    for (size_t i = 0; i < o->count; i++)
        free(row->cells[i]);
    *row = (struct row){0};
}

static bool
row_fill(const struct output *o, const struct output_cell *cells, struct row *ret)
{
    bool ok = true;

    *ret = (struct row){0};
    for (size_t i = 0; i < o->count; i++) {
        const char *text =
            cells[i].text == NULL || cells[i].text[0] == '\0' ? "-" : cells[i].text;

        ret->cells[i] = text_escape(text, strlen(text));
        ret->colours[i] = cells[i].colour;
        ok = ok && ret->cells[i] != NULL;
    }
    if (!ok)
        row_clear(o, ret);
    return ok;
}

/* The last column that the table shows: nothing is padded there. */
static size_t
last_column(const struct output *o)
{
    size_t last = 0;

    for (size_t i = 0; i < o->count; i++)
        if (o->columns[i].title != NULL)
            last = i;
    return last;
}

static size_t
total_width(const struct output *o)
{
    size_t total = 0;

    for (size_t i = 0; i < o->count; i++)
        if (o->columns[i].title != NULL)
            total += o->widths[i] + (total > 0 ? GAP : 0);
    return total;
}

/* Take columns off the widest that may be narrower, one by one, until all fit. */
static void
shrink(struct output *o, size_t page)
{
    while (total_width(o) > page) {
        size_t widest = OUTPUT_COLUMNS_MAX;

        for (size_t i = 0; i < o->count; i++) {
            const struct output_column *c = &o->columns[i];

            if (c->title != NULL && c->shrink_to > 0 && o->widths[i] > c->shrink_to &&
                (widest == OUTPUT_COLUMNS_MAX || o->widths[i] > o->widths[widest]))
                widest = i;
        }
        if (widest == OUTPUT_COLUMNS_MAX)
            return;
        o->widths[widest]--;
    }
}

static const char *
colour_code(enum output_colour colour)
{
    switch (colour) {
    case OUTPUT_PLAIN:
        break;
    case OUTPUT_GREEN:
        return "\033[32m";
    case OUTPUT_YELLOW:
        return "\033[33m";
    case OUTPUT_RED:
        return "\033[31m";
    case OUTPUT_DIM:
        return "\033[2m";
    }
    return "";
}

static void
print_cell(
    const struct output *o, size_t column, const char *text, enum output_colour colour)
{
    const char *omission = "", *code = o->colours ? colour_code(colour) : "";
    size_t width = 0, bytes, limit = o->widths[column];

    /* What may not be narrower may stick out: an id that is cut is of no use. */
    if (o->columns[column].shrink_to == 0)
        limit = SIZE_MAX / 2;
    bytes = text_fit(text, limit, &width, &omission);
    (void)printf(
        "%s%.*s%s%s", code, (int)bytes, text, omission, code[0] == '\0' ? "" : "\033[0m");
    if (column != last_column(o))
        (void)printf("%*s",
            (int)(GAP + (width < o->widths[column] ? o->widths[column] - width : 0)), "");
}

static void
print_row(const struct output *o, const struct row *row)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->columns[i].title != NULL)
            print_cell(o, i, row->cells[i], row->colours[i]);
    (void)putchar('\n');
}

static void
print_titles(const struct output *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->columns[i].title != NULL)
            print_cell(o, i, o->columns[i].title, OUTPUT_PLAIN);
    (void)putchar('\n');
}

/* Decide how wide the columns are, and print what was kept back until now. */
static void
lay_out(struct output *o)
{
    size_t page = page_width();

    o->laid_out = true;
    if (o->kept_count == 0)
        return;
    for (size_t i = 0; i < o->count; i++) {
        o->widths[i] = o->columns[i].title == NULL ? 0 : text_width(o->columns[i].title);
        for (size_t k = 0; k < o->kept_count; k++) {
            size_t width = text_width(o->kept[k].cells[i]);

            if (width > o->widths[i])
                o->widths[i] = width;
        }
    }
    shrink(o, page);
    progress_clear();
    print_titles(o);
    for (size_t k = 0; k < o->kept_count; k++) {
        print_row(o, &o->kept[k]);
        row_clear(o, &o->kept[k]);
    }
    o->kept_count = 0;
}

static bool
table_row(struct output *o, const struct output_cell *cells)
{
    struct row row;

    if (!row_fill(o, cells, &row))
        return false;
    if (!o->laid_out) {
        o->kept[o->kept_count++] = row;
        if (o->kept_count == ROWS_KEPT)
            lay_out(o);
        return true;
    }
    if (isatty(STDOUT_FILENO))
        progress_clear();
    print_row(o, &row);
    row_clear(o, &row);
    return true;
}

/* --- CSV ------------------------------------------------------------------------------
 */

/* Would a spreadsheet take it for more than text? */
static bool
is_formula(const char *text)
{
    return strchr("=+-@", text[0]) != NULL && text[0] != '\0';
}

static bool
print_csv_cell(const char *value)
{
    const char *text = value == NULL ? "" : value;
    char *safe = text_escape_for_file(text, strlen(text));

    if (safe == NULL)
        return false;
    if (strpbrk(safe, ",\"") != NULL || is_formula(safe)) {
        (void)putchar('"');
        if (is_formula(safe))
            (void)putchar('\'');
        for (const char *p = safe; *p != '\0'; p++) {
            if (*p == '"')
                (void)putchar('"');
            (void)putchar(*p);
        }
        (void)putchar('"');
    } else {
        (void)fputs(safe, stdout);
    }
    free(safe);
    return true;
}

static bool
csv_row(const struct output *o, const struct output_cell *cells)
{
    const char *before = "";

    for (size_t i = 0; i < o->count; i++) {
        if (o->columns[i].key == NULL)
            continue;
        (void)fputs(before, stdout);
        if (!print_csv_cell(cells == NULL ? o->columns[i].key : cells[i].text))
            return false;
        before = ",";
    }
    (void)fputs("\r\n", stdout);
    return true;
}

bool
output_row(struct output *o, const struct output_cell *cells)
{
    bool ok;

    if (o->format == OUTPUT_CSV) {
        ok = (o->rows > 0 || csv_row(o, NULL)) && csv_row(o, cells);
    } else {
        ok = table_row(o, cells);
    }
    o->rows++;
    o->no_memory = o->no_memory || !ok;
    return ok && !ferror(stdout);
}

/* --- JSON -----------------------------------------------------------------------------
 */

/*
 * What json-c wrote, with what is unsafe as \uXXXX, in two of them beyond U+FFFF. Such
 * characters stand within strings alone.
 */
static void
print_json_text(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = text_decode(text + i, len - i, &c);

        if (text[i] == '\n' || !text_unsafe(c))
            (void)fwrite(text + i, 1, n, stdout);
        else if (c > 0xffff)
            (void)printf("\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
                (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
        else
            (void)printf("\\u%04x", (unsigned)c);
        i += n;
    }
}

static bool
print_json(struct json_object *object, int flags)
{
    const char *text = object == NULL ? NULL
                                      : json_object_to_json_string_ext(object,
                                            flags | JSON_C_TO_STRING_NOSLASHESCAPE);

    if (text != NULL)
        print_json_text(text);
    (void)json_object_put(object);
    return text != NULL;
}

bool
output_json(struct output *o, struct json_object *object)
{
    bool ok;

    (void)fputs(o->rows == 0 ? "[\n" : ",\n", stdout);
    ok = print_json(object, JSON_C_TO_STRING_PLAIN);
    o->rows++;
    o->no_memory = o->no_memory || !ok;
    return ok && !ferror(stdout);
}

struct json_object *
output_string(const char *s)
{
    char *text = s == NULL ? NULL : text_utf8(s, strlen(s));
    struct json_object *string = text == NULL ? NULL : json_object_new_string(text);

    free(text);
    return string;
}

struct json_object *
output_time(long long t)
{
    char text[WHEN_MAX];

    if (t == 0)
        return NULL;
    when_iso(t, text);
    return json_object_new_string(text);
}

/* --- the end --------------------------------------------------------------------------
 */

static int
flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EX_OK;
    say_error("cannot write to standard output: %s", strerror(errno));
    return EX_IOERR;
}

int
output_end(struct output *o)
{
    int rc = EX_OK;

    if (o == NULL)
        return EX_OK;
    if (o->format == OUTPUT_JSON)
        (void)fputs(o->rows == 0 ? "[]\n" : "\n]\n", stdout);
    else if (o->format == OUTPUT_CSV && o->rows == 0)
        (void)csv_row(o, NULL);
    else if (o->format == OUTPUT_TABLE && !o->laid_out)
        lay_out(o);
    if (o->no_memory)
        rc = say_no_memory();
    if (rc == EX_OK)
        rc = flush();
    for (size_t k = 0; k < o->kept_count; k++)
        row_clear(o, &o->kept[k]);
    free(o);
    return rc;
}

int
output_object(struct json_object *object)
{
    if (!print_json(object, JSON_C_TO_STRING_PRETTY))
        return say_no_memory();
    (void)putchar('\n');
    return flush();
}

int
output_line(struct json_object *object)
{
    if (!print_json(object, JSON_C_TO_STRING_PLAIN))
        return say_no_memory();
    (void)putchar('\n');
    return flush();
}
