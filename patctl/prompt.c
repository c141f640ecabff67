/* SPDX-License-Identifier: BSD-2-Clause */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "progress.h"
#include "say.h"
#include "secret.h"
#include "text.h"

/* For the handler: the terminal as it was. */
static int tty = -1;
static struct termios before;

static void
restore_and_end(int sig)
{
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)signal(sig, SIG_DFL);
    (void)raise(sig);
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void
hide_typing(struct sigaction saved[SIGNALS])
{
    struct termios hidden;
    struct sigaction act = {.sa_handler = restore_and_end, .sa_flags = (int)SA_RESETHAND};

    (void)tcgetattr(tty, &before);
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &act, &saved[i]);
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    (void)tcsetattr(tty, TCSAFLUSH, &hidden);
}

static void
show_typing(const struct sigaction saved[SIGNALS])
{
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &saved[i], NULL);
    (void)!write(tty, "\n", 1);
}

/* One line without its end, byte by byte: a buffer of stdio is erased by nobody. */
static bool
read_line(int fd, char *to, size_t size)
{
    size_t len = 0;

    while (len + 1 < size) {
        ssize_t n = read(fd, to + len, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || (n == 0 && len == 0))
            return false;
        if (n == 0 || to[len] == '\n') {
            to[len] = '\0';
            return true;
        }
        len++;
    }
    return false;
}

static int
open_tty(void)
{
    return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

int
prompt_secret(const char *question, char **ret)
{
    struct sigaction saved[SIGNALS];
    char *text = malloc(PROMPT_SECRET_SIZE);
    bool ok;

    if (text == NULL)
        return say_no_memory();
    tty = open_tty();
    if (tty < 0) {
        free(text);
        return say_usage("there is no terminal to ask for the password on: use -y FILE");
    }
    hide_typing(saved);
    (void)!write(tty, question, strlen(question));
    ok = read_line(tty, text, PROMPT_SECRET_SIZE);
    show_typing(saved);
    (void)close(tty);
    if (!ok) {
        pat_secret_free(text, PROMPT_SECRET_SIZE);
        say_error("no password was read from the terminal, or it is too long");
        return EX_USAGE;
    }
    *ret = text;
    return EX_OK;
}

int
prompt_confirm(const char *question)
{
    char answer[16] = "", *safe;
    int fd = open_tty();
    bool yes;

    if (fd < 0)
        return say_usage("there is no terminal to ask for confirmation on: add --yes");
    safe = text_escape(question, strlen(question));
    if (safe == NULL) {
        (void)close(fd);
        return say_no_memory();
    }
    progress_clear();
    (void)dprintf(fd, "%s [y/N] ", safe);
    free(safe);
    yes = read_line(fd, answer, sizeof(answer)) &&
          (strcmp(answer, "y") == 0 || strcmp(answer, "Y") == 0 ||
              strcmp(answer, "yes") == 0);
    (void)close(fd);
    if (!yes) {
        say_note("nothing was changed");
        return EX_NOPERM;
    }
    return EX_OK;
}
