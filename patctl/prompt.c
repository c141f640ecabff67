/* SPDX-License-Identifier: BSD-2-Clause */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/*
 * Signals are only noted while the typing is hidden. They take effect after the terminal
 * is as it was, and after a stop the question is asked again.
 */
static const int signals[] = {
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t noted[NSIG];

struct terminal {
    int fd;
    bool known; /* `before` is how the terminal was before this process changed it */
    struct termios before;
    struct sigaction saved[SIGNALS];
    sigset_t mask; /* of the caller */
};

static void
note_signal(int sig)
{
    noted[sig] = 1;
}

static bool
any_noted(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (noted[signals[i]])
            return true;
    return false;
}

/*
 * They are blocked but while read_line() waits, so that none is missed before it; the
 * kernel sends SIGTTIN and SIGTTOU for a call itself. What is ignored stays ignored.
 */
static void
catch_signals(struct terminal *t)
{
    struct sigaction act = {.sa_handler = note_signal};
    sigset_t blocked;

    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] != SIGTTIN && signals[i] != SIGTTOU)
            (void)sigaddset(&blocked, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &blocked, &t->mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        noted[signals[i]] = 0;
        (void)sigaction(signals[i], &act, &t->saved[i]);
        if (t->saved[i].sa_handler == SIG_IGN)
            (void)sigaction(signals[i], &t->saved[i], NULL);
    }
}

/* Restores the handlers, and takes the signals that came as they are meant. */
static void
release_signals(struct terminal *t)
{
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &t->saved[i], NULL);
    for (size_t i = 0; i < SIGNALS; i++) {
        bool take = noted[signals[i]] && signals[i] != SIGCONT;

        noted[signals[i]] = 0;
        if (take) {
            /* While this process is stopped, others have the terminal. */
            t->known = false;
            (void)kill(getpid(), signals[i]);
        }
    }
    (void)sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

/* In the background it is stopped by SIGTTOU here, which makes this fail. */
static bool
hide_typing(struct terminal *t)
{
    struct termios hidden;

    if (!t->known && tcgetattr(t->fd, &t->before) != 0)
        return false;
    t->known = true;
    hidden = t->before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    return tcsetattr(t->fd, TCSAFLUSH, &hidden) == 0;
}

static void
show_typing(struct terminal *t)
{
    while (
        tcsetattr(t->fd, TCSAFLUSH, &t->before) != 0 && errno == EINTR && !noted[SIGTTOU])
        ;
    (void)!write(t->fd, "\n", 1);
}

/* Waits for input, or a noted signal, with this mask; NULL: read(2) itself waits. */
static bool
wait_input(int fd, const sigset_t *mask)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (mask != NULL && !any_noted()) {
        if (ppoll(&p, 1, NULL, mask) > 0)
            return true;
        if (errno != EINTR)
            return false;
    }
    return mask == NULL;
}

/*
 * Reads one line without its end, byte by byte: a buffer of stdio is not erased. With a
 * mask, a noted signal ends it.
 */
static bool
read_line(int fd, const sigset_t *mask, char *to, size_t size)
{
    size_t len = 0;

    while (len + 1 < size) {
        ssize_t n = wait_input(fd, mask) ? read(fd, to + len, 1) : -1;

        if (n < 0 && errno == EINTR && !any_noted())
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

/* Returns whether a line was read. Until then it asks again after each signal. */
static bool
ask_hidden(int fd, const char *question, char text[PROMPT_SECRET_SIZE])
{
    struct terminal t = {.fd = fd};
    bool ok, again;

    do {
        catch_signals(&t);
        ok = hide_typing(&t);
        if (ok) {
            (void)!write(fd, question, strlen(question));
            ok = read_line(fd, &t.mask, text, PROMPT_SECRET_SIZE);
            show_typing(&t);
        }
        again = !ok && any_noted();
        if (again)
            pat_secret_erase(text, PROMPT_SECRET_SIZE);
        release_signals(&t);
    } while (again);
    return ok;
}

static int
open_tty(void)
{
    return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

int
prompt_secret(const char *question, char **ret)
{
    char *text = malloc(PROMPT_SECRET_SIZE);
    int fd;
    bool ok;

    if (text == NULL)
        return say_no_memory();
    fd = open_tty();
    if (fd < 0) {
        free(text);
        return say_usage("there is no terminal to ask for the password on: use -y FILE");
    }
    ok = ask_hidden(fd, question, text);
    (void)close(fd);
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
    yes = read_line(fd, NULL, answer, sizeof(answer)) &&
          (strcmp(answer, "y") == 0 || strcmp(answer, "Y") == 0 ||
              strcmp(answer, "yes") == 0);
    (void)close(fd);
    if (!yes) {
        say_note("nothing was changed");
        return EX_NOPERM;
    }
    return EX_OK;
}
