/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exitmem - what of a secret a program leaves in its memory when it ends
 *
 * usage: exitmem SECRET-FILE|- REPORT COMMAND [ARG...]
 *
 * Runs COMMAND, and looks through all the memory that it has at the moment of its exit,
 * which is what a core file would hold, for each half of the line in SECRET-FILE, or for
 * whatever has the shape of a token. REPORT gets a line "COUNT MAPPING" for each mapping
 * that has any, and at last "SIZE searched", in KiB. Exit status: that of COMMAND; 125 if
 * it could not be watched.
 */
#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secret.h"

#define NO_WATCH   125
#define SECRET_MIN 16

struct search {
    char secret[2048];
    size_t half; /* its length; 0 = any token */
    FILE *report;
    int mem;
    unsigned long long searched; /* bytes */
};

static size_t
count_in(const char *data, size_t len, const char *what, size_t what_len)
{
    size_t count = 0;
    const char *end = data + len;

    while ((data = memmem(data, (size_t)(end - data), what, what_len)) != NULL) {
        count++;
        data++;
    }
    return count;
}

static size_t
count_tokens(const char *data, size_t len)
{
    static const char prefix[] = "rhp_";
    size_t count = 0;
    const char *end = data + len;

    while (
        (data = memmem(data, (size_t)(end - data), prefix, sizeof(prefix) - 1)) != NULL) {
        const char *p = data + sizeof(prefix) - 1;

        while (p < end && isalnum((unsigned char)*p))
            p++;
        if (p - data >= SECRET_MIN + 4)
            count++;
        data++;
    }
    return count;
}

static void
look_at(struct search *s, off_t low, size_t len, const char *name)
{
    char *data = malloc(len);
    ssize_t got = data != NULL ? pread(s->mem, data, len, low) : -1;
    size_t found;

    if (got > 0) {
        found = s->half == 0
                    ? count_tokens(data, (size_t)got)
                    : count_in(data, (size_t)got, s->secret, s->half) +
                          count_in(data, (size_t)got, s->secret + s->half, s->half);
        s->searched += (unsigned long long)got;
        if (found > 0)
            (void)fprintf(s->report, "%zu %s\n", found, name);
    }
    if (data != NULL)
        pat_secret_free(data, len);
}

/* LOW-HIGH PERMISSIONS OFFSET DEVICE INODE [NAME] */
static void
look_at_line(struct search *s, char *line)
{
    char *end = NULL, *name = strpbrk(line, "/[");
    unsigned long long low = strtoull(line, &end, 16), high;

    if (*end != '-')
        return;
    high = strtoull(end + 1, &end, 16);
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(end, " r", 2) == 0 && (name == NULL || strncmp(name, "[v", 2) != 0))
        look_at(s, (off_t)low, (size_t)(high - low), name != NULL ? name : "anonymous");
}

static FILE *
open_proc(pid_t pid, const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
    return fopen(path, "re");
}

static bool
look(struct search *s, pid_t pid)
{
    FILE *mem = open_proc(pid, "mem"), *maps = open_proc(pid, "maps");
    char line[4096];

    if (mem != NULL && maps != NULL) {
        s->mem = fileno(mem);
        while (fgets(line, sizeof(line), maps) != NULL)
            look_at_line(s, line);
        (void)fprintf(s->report, "%llu searched\n", s->searched / 1024);
    }
    if (mem != NULL)
        (void)fclose(mem);
    if (maps != NULL)
        (void)fclose(maps);
    return s->searched > 0;
}

/* Until it has ended; the exit status of it, or NO_WATCH. */
static int
watch(struct search *s, pid_t pid)
{
    bool looked = false;
    int status = 0;

    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) != 0)
        return NO_WATCH;
    for (;;) {
        int signal = WSTOPSIG(status);

        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
            looked = look(s, pid);
        if (signal == SIGTRAP || signal == SIGSTOP)
            signal = 0;
        if (ptrace(PTRACE_CONT, pid, NULL, (long)signal) != 0 ||
            waitpid(pid, &status, 0) != pid)
            return NO_WATCH;
        if (!WIFSTOPPED(status))
            return looked && WIFEXITED(status) ? WEXITSTATUS(status) : NO_WATCH;
    }
}

static bool
read_secret(const char *path, struct search *s)
{
    FILE *file;
    bool ok = false;

    if (strcmp(path, "-") == 0)
        return true;
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    setbuf(file, NULL);
    ok = fgets(s->secret, sizeof(s->secret), file) != NULL;
    (void)fclose(file);
    s->secret[strcspn(s->secret, "\n")] = '\0';
    s->half = strlen(s->secret) / 2;
    return ok && s->half >= SECRET_MIN;
}

int
main(int argc, char **argv)
{
    struct search s = {.half = 0};
    int rc = NO_WATCH;
    pid_t pid;

    if (argc < 4 || !read_secret(argv[1], &s))
        return NO_WATCH;
    s.report = fopen(argv[2], "we");
    if (s.report == NULL)
        return NO_WATCH;
    pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0)
            (void)execvp(argv[3], argv + 3);
        _exit(NO_WATCH);
    }
    /* The child has a copy until it becomes COMMAND, which begins anew. */
    if (pid > 0)
        rc = watch(&s, pid);
    pat_secret_erase(s.secret, sizeof(s.secret));
    return fclose(s.report) == 0 ? rc : NO_WATCH;
}
