/* SPDX-License-Identifier: BSD-2-Clause */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "progress.h"
#include "text.h"

static void write_line(const char *before, const char *fmt, va_list ap) PAT_PRINTF(2, 0);

static void
write_line(const char *before, const char *fmt, va_list ap)
{
    char text[2048] = "";
    char *safe;

    (void)vsnprintf(text, sizeof(text), fmt, ap);
    safe = text_escape(text, strlen(text));
    progress_clear();
    (void)fprintf(stderr, "%s%s\n", before, safe != NULL ? safe : "out of memory");
    free(safe);
}

void
say_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    write_line("patctl: ", fmt, ap);
    va_end(ap);
}

void
say_note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    write_line("", fmt, ap);
    va_end(ap);
}

int
say_usage(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    write_line("patctl: ", fmt, ap);
    va_end(ap);
    (void)fprintf(
        stderr, "patctl: `patctl help` shows all commands, `patctl help COMMAND` one\n");
    return EX_USAGE;
}

int
say_no_memory(void)
{
    say_error("out of memory");
    return EX_OSERR;
}
