/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

#define LIMIT_NS (10 * INT64_C(1000000000))

static bool to_syslog;
static bool to_journal; /* stderr is the journal's: it takes the priority as a prefix */
static atomic_int max_level = PAT_LOG_INFO;

static int
syslog_priority(enum pat_log_level level)
{
    switch (level) {
    case PAT_LOG_ERROR:
        return LOG_ERR;
    case PAT_LOG_WARNING:
        return LOG_WARNING;
    case PAT_LOG_INFO:
        return LOG_INFO;
    case PAT_LOG_DEBUG:
        return LOG_DEBUG;
    }
    return LOG_ERR;
}

static const char *
level_name(enum pat_log_level level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};

    return names[level];
}

void
log_open(bool foreground)
{
    to_syslog = !foreground;
    to_journal = foreground && getenv("JOURNAL_STREAM") != NULL;
    if (to_syslog)
        openlog("patd", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

void
log_set_level(enum pat_log_level level)
{
    atomic_store(&max_level, (int)level);
}

/* One write(2), so that lines of several threads do not mix. */
static void
write_stderr(enum pat_log_level level, const char *text)
{
    char line[2400], when[32] = "";
    time_t now = time(NULL);
    struct tm tm = {0};
    int len;

    if (to_journal) {
        len = snprintf(line, sizeof(line), "<%d>%s\n", syslog_priority(level), text);
    } else {
        (void)gmtime_r(&now, &tm);
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
        len = snprintf(line, sizeof(line), "%s patd[%ld]: %s: %s\n", when, (long)getpid(),
            level_name(level), text);
    }
    if (len < 0)
        return;
    if ((size_t)len >= sizeof(line)) {
        len = (int)sizeof(line) - 1;
        line[len - 1] = '\n';
    }
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        return; /* nowhere left to say so */
}

bool
log_wants(enum pat_log_level level)
{
    return (int)level <= atomic_load(&max_level);
}

/* One call is one line, whatever a server or a file has put into the text. */
static void
tame(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

void
log_write(enum pat_log_level level, const char *fmt, ...)
{
    char text[2304];
    va_list ap;

    if (!log_wants(level))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    tame(text);
    if (to_syslog)
        syslog(syslog_priority(level), "%s", text);
    else
        write_stderr(level, text);
}

bool
log_limit_allows(struct log_limit *limit, uint64_t *ret_suppressed)
{
    int_fast64_t now = pat_monotonic_ns();
    int_fast64_t next = atomic_load(&limit->next_ns);

    if (now < next ||
        !atomic_compare_exchange_strong(&limit->next_ns, &next, now + LIMIT_NS)) {
        if (atomic_load(&limit->used) < limit->burst &&
            atomic_fetch_add(&limit->used, 1) < limit->burst)
            return true;
        (void)atomic_fetch_add(&limit->suppressed, 1);
        return false;
    }
    atomic_store(&limit->used, 1);
    *ret_suppressed = atomic_exchange(&limit->suppressed, 0);
    return true;
}

static void
append(struct log_line *line, const char *s, size_t len)
{
    size_t room = sizeof(line->text) - 1 - line->len;

    if (len > room)
        len = room;
    memcpy(line->text + line->len, s, len);
    line->len += len;
    line->text[line->len] = '\0';
}

/* What needs no quotes. */
static bool
is_plain(const char *value)
{
    static const char plain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz._:/@+,%-";

    return value[0] != '\0' && value[strspn(value, plain)] == '\0';
}

/* Writes one byte of a quoted value to `escaped`; returns how many bytes it became. */
static size_t
escape(unsigned char c, char escaped[8])
{
    if (c == '"' || c == '\\')
        return (size_t)snprintf(escaped, 8, "\\%c", c);
    /* Neither line breaks nor what a terminal would obey. */
    if (c < 0x20 || c >= 0x7f)
        return (size_t)snprintf(escaped, 8, "\\x%02x", c);
    escaped[0] = (char)c;
    return 1;
}

/* At most `max` bytes, and one that is cut says so; the closing quote is always there. */
static void
add_value(struct log_line *line, const char *key, const char *value, size_t max)
{
    static const char cut[] = "...";
    size_t len, used = 0;
    char escaped[8];

    if (line->len > 0)
        append(line, " ", 1);
    append(line, key, strlen(key));
    append(line, "=", 1);
    len = strnlen(value, max + 1);
    if (is_plain(value) && len <= max) {
        append(line, value, len);
        return;
    }
    append(line, "\"", 1);
    for (; *value != '\0'; value++) {
        size_t n = escape((unsigned char)*value, escaped);

        if (used + n > max) {
            append(line, cut, sizeof(cut) - 1);
            break;
        }
        append(line, escaped, n);
        used += n;
    }
    append(line, "\"", 1);
}

void
log_line_add(struct log_line *line, const char *key, const char *value)
{
    if (value != NULL)
        add_value(line, key, value, LOG_VALUE_MAX);
}

void
log_line_end(struct log_line *line, const char *key, const char *value)
{
    /* A blank, the key, "=", two quotes, "..." */
    size_t taken = line->len + strlen(key) + 7;

    if (value != NULL && taken < sizeof(line->text))
        add_value(line, key, value, sizeof(line->text) - 1 - taken);
}
