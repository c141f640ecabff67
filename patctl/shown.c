/* SPDX-License-Identifier: BSD-2-Clause */
#include "shown.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "prompt.h"
#include "say.h"
#include "secret.h"

/* Without a buffer of stdio, which nobody would erase. */
static int
read_input(struct shown *s)
{
    while (s->len < sizeof(s->text)) {
        ssize_t n = read(STDIN_FILENO, s->text + s->len, sizeof(s->text) - s->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            say_error("standard input: %s", strerror(errno));
            return EX_NOINPUT;
        }
        if (n == 0)
            break;
        s->len += (size_t)n;
    }
    if (s->len > 0 && s->text[s->len - 1] == '\n')
        s->len--;
    if (s->len > 0 && s->text[s->len - 1] == '\r')
        s->len--;
    return EX_OK;
}

static int
ask_terminal(struct shown *s)
{
    char *text = NULL;
    int rc = prompt_secret("Token: ", &text);

    if (rc != EX_OK)
        return rc;
    s->len = strnlen(text, sizeof(s->text));
    memcpy(s->text, text, s->len);
    pat_secret_free(text, PROMPT_SECRET_SIZE);
    return EX_OK;
}

int
shown_read(struct shown *ret)
{
    int rc;

    memset(ret, 0, sizeof(*ret));
    rc = isatty(STDIN_FILENO) ? ask_terminal(ret) : read_input(ret);
    if (rc == EX_OK && ret->len == 0) {
        say_error("standard input: there is no token in it");
        rc = EX_NOINPUT;
    }
    return rc;
}

void
shown_clear(struct shown *s)
{
    pat_secret_erase(s, sizeof(*s));
}

int
shown_check_socket(const char *path)
{
    struct sockaddr_un addr;

    if (path[0] == '/' && strlen(path) < sizeof(addr.sun_path))
        return EX_OK;
    return say_usage("--socket %s: is no absolute path of at most %zu bytes", path,
        sizeof(addr.sun_path) - 1);
}
