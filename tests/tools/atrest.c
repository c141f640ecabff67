/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atrest - check that no thread of given processes has work left
 *
 * usage: atrest PROC PID...
 *
 * PROC is /proc or that of another namespace. The PID "all" means all processes in it.
 * Reads the state of all threads twice, half a millisecond apart: if all sleep both
 * times, and none ran in between, there was a moment at which all slept. Repeats this up
 * to TRIES times, because a timer may wake a thread now and then. A process that has
 * ended is at rest.
 *
 * Exit status: 0 at rest, 1 not, 2 wrong usage or no memory.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES    40
#define LINE     256
#define PATH     512
#define PAUSE_NS 500000L

/* The state of all threads, to be compared with the next one. */
struct look {
    char *text;
    size_t len;
    bool awake;
};

/* Appends the lines of `file` that count how often the thread ran. Sets `*awake` for one
 * that runs, is runnable, or waits for a disk. */
static void
look_at_thread(const char *file, FILE *out, bool *awake)
{
    FILE *in = fopen(file, "re");
    char line[LINE];

    if (in == NULL)
        return; /* gone */
    while (fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, "State:\tR", 8) == 0 || strncmp(line, "State:\tD", 8) == 0)
            *awake = true;
        if (strncmp(line, "Pid:", 4) == 0 || strstr(line, "voluntary_ctxt_") != NULL)
            (void)fputs(line, out);
    }
    (void)fclose(in);
}

static void
look_at_process(const char *proc, const char *pid, FILE *out, bool *awake)
{
    char path[PATH];
    const struct dirent *entry;
    DIR *tasks;

    (void)snprintf(path, sizeof(path), "%.200s/%.20s/task", proc, pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return;
    while ((entry = readdir(tasks)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0])) {
            (void)snprintf(path, sizeof(path), "%.200s/%.20s/task/%.20s/status", proc,
                pid, entry->d_name);
            look_at_thread(path, out, awake);
        }
    (void)closedir(tasks);
}

static void
look_at_all(const char *proc, FILE *out, bool *awake)
{
    const struct dirent *entry;
    DIR *all = opendir(proc);

    if (all == NULL)
        return;
    while ((entry = readdir(all)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]))
            look_at_process(proc, entry->d_name, out, awake);
    (void)closedir(all);
}

static bool
look_take(const char *proc, char *const *pids, struct look *ret_look)
{
    struct look l = {0};
    FILE *out = open_memstream(&l.text, &l.len);

    if (out == NULL)
        return false;
    for (; *pids != NULL; pids++)
        if (strcmp(*pids, "all") == 0)
            look_at_all(proc, out, &l.awake);
        else
            look_at_process(proc, *pids, out, &l.awake);
    if (fclose(out) != 0)
        return false;
    *ret_look = l;
    return true;
}

/* Returns 1: at rest; 0: not at rest; -1: out of memory. */
static int
is_at_rest(const char *proc, char *const *pids)
{
    const struct timespec pause = {0, PAUSE_NS};
    struct look first = {0}, second = {0};
    int rest = -1;

    if (look_take(proc, pids, &first)) {
        (void)nanosleep(&pause, NULL);
        if (look_take(proc, pids, &second))
            rest = !first.awake && !second.awake && first.len == second.len &&
                   memcmp(first.text, second.text, first.len) == 0;
    }
    free(first.text);
    free(second.text);
    return rest;
}

int
main(int argc, char **argv)
{
    int rest = 0;

    if (argc < 2) {
        (void)fprintf(stderr, "usage: atrest PROC PID...\n");
        return 2;
    }
    for (int i = 0; i < TRIES && rest == 0; i++)
        rest = is_at_rest(argv[1], argv + 2);
    if (rest < 0)
        (void)fprintf(stderr, "atrest: out of memory\n");
    return rest < 0 ? 2 : !rest;
}
