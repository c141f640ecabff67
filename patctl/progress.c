/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "deadline.h"

#define FIRST_NS 1000000000
#define AGAIN_NS 100000000

static struct {
    const char *what; /* NULL = nothing is going on */
    int64_t next_ns;
    bool shown;
} progress;

void
progress_begin(const char *what)
{
    progress.what = isatty(STDERR_FILENO) ? what : NULL;
    progress.next_ns = pat_monotonic_ns() + FIRST_NS;
    progress.shown = false;
}

void
progress_show(size_t count)
{
    int64_t now;

    if (progress.what == NULL)
        return;
    now = pat_monotonic_ns();
    if (now < progress.next_ns)
        return;
    progress.next_ns = now + AGAIN_NS;
    progress.shown = true;
    (void)fprintf(stderr, "\r%zu %s ...", count, progress.what);
    (void)fflush(stderr);
}

void
progress_clear(void)
{
    if (progress.shown)
        (void)fputs("\r\033[K", stderr);
    progress.shown = false;
}

void
progress_end(void)
{
    progress_clear();
    progress.what = NULL;
}
