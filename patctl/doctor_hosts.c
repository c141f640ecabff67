/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor_hosts.c - hosts of PAM that do not ask pam_pat.so each time, or punish for it
 *
 * Their files are read for a few words only. What a host accepts besides is its own.
 */
#include "doctor_hosts.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "strv.h"

#define BLANKS         " \t"
#define DEPTH_MAX      8
#define SUDO_MINUTES   15   /* the default of sudo */
#define SQUID_S        7200 /* the default of squid */
#define SQUID_S_MAX    60   /* what is not worth a word */
#define SSHD_PENALTIES "persourcepenalties"

/* Files that refer to others, and what is looked for in them. */
struct search {
    const char *root;
    int depth;
    bool found;    /* a file could be read */
    bool undotted; /* the next pattern stands for names without a dot */
    void *result;  /* of the line's function */
};

/* Called for each line, without its end; it may change the line. */
typedef void line_fn(struct search *s, char *line);

/* Continued lines are joined. */
static bool
read_lines(struct search *s, const char *path, line_fn *fn)
{
    FILE *f = fopen(path, "re");
    char *raw = NULL, line[4096] = "";
    size_t size = 0;

    if (f == NULL)
        return false;
    while (getline(&raw, &size, f) >= 0) {
        size_t len = strcspn(raw, "\n"), have = strlen(line);
        bool more = len > 0 && raw[len - 1] == '\\';

        raw[more ? len - 1 : len] = '\0';
        (void)snprintf(line + have, sizeof(line) - have, "%s", raw);
        if (more)
            continue;
        fn(s, line + strspn(line, BLANKS));
        line[0] = '\0';
    }
    free(raw);
    (void)fclose(f);
    s->found = true;
    return true;
}

/* Reads every file that fits the pattern; the pattern is relative to the root. */
static void
read_files(struct search *s, const char *pattern, line_fn *fn)
{
    char full[1024];
    glob_t files = {0};
    bool undotted = s->undotted;

    if (s->depth == DEPTH_MAX)
        return;
    s->depth++;
    s->undotted = false;
    (void)snprintf(full, sizeof(full), "%s%s", s->root, pattern);
    if (glob(full, 0, NULL, &files) == 0)
        for (size_t i = 0; i < files.gl_pathc; i++)
            if (!undotted || strchr(strrchr(files.gl_pathv[i], '/'), '.') == NULL)
                (void)read_lines(s, files.gl_pathv[i], fn);
    globfree(&files);
    s->depth--;
}

/* As read_files(), where a relative pattern stands for one below `dir`. */
static void
read_included(struct search *s, const char *dir, char *pattern, line_fn *fn)
{
    char path[1024];

    pattern += strspn(pattern, BLANKS "\"");
    pattern[strcspn(pattern, BLANKS "\"")] = '\0';
    if (pattern[0] == '/')
        (void)snprintf(path, sizeof(path), "%s", pattern);
    else
        (void)snprintf(path, sizeof(path), "%s/%s", dir, pattern);
    if (pattern[0] != '\0')
        read_files(s, path, fn);
}

/* Returns what follows the word at the line's beginning, letter case ignored, or NULL. */
static char *
after_word(char *line, const char *word)
{
    size_t len = strlen(word);

    if (strncasecmp(line, word, len) != 0 || line[len] == '\0' ||
        strchr(BLANKS "=", line[len]) == NULL)
        return NULL;
    return line + len + strspn(line + len, BLANKS "=");
}

/* --- sudo ----------------------------------------------------------------------------
 */

struct sudo {
    double minutes; /* for everybody */
    bool some;      /* it remembers for some users, hosts or commands */
};

static void
read_defaults(struct sudo *sudo, const char *rest)
{
    static const char name[] = "timestamp_timeout";
    bool everybody = strchr(BLANKS, rest[0]) != NULL;

    for (const char *p = strstr(rest, name); p != NULL; p = strstr(p, name)) {
        bool off = p > rest && p[-1] == '!';
        double minutes = 0;

        p += strlen(name);
        p += strspn(p, BLANKS "=\"");
        if (!off)
            minutes = strtod(p, NULL);
        if (everybody)
            sudo->minutes = minutes;
        else if (minutes != 0)
            sudo->some = true;
    }
}

static void
sudoers_line(struct search *s, char *line)
{
    static const char word[] = "Defaults";
    char *rest = NULL, dir[1024];

    if (line[0] == '@' || strncmp(line, "#include", 8) == 0) {
        rest = after_word(line + 1, "includedir");
        if (rest != NULL) {
            /* sudo leaves out names with a dot or with ~ at the end. */
            rest[strcspn(rest, BLANKS)] = '\0';
            (void)snprintf(dir, sizeof(dir), "%s/*[!~]", rest);
            s->undotted = true;
            read_included(s, "/etc", dir, sudoers_line);
        } else if ((rest = after_word(line + 1, "include")) != NULL) {
            read_included(s, "/etc", rest, sudoers_line);
        }
        return;
    }
    line[strcspn(line, "#")] = '\0';
    if (strncmp(line, word, strlen(word)) == 0 && line[strlen(word)] != '\0')
        read_defaults(s->result, line + strlen(word));
}

static void
check_sudo(struct doctor *d, const char *root, const char *const *services)
{
    struct sudo sudo = {.minutes = SUDO_MINUTES};
    struct search s = {.root = root, .result = &sudo};

    if (!pat_strv_contains(services, "sudo") && !pat_strv_contains(services, "sudo-i"))
        return;
    read_files(&s, "/etc/sudoers", sudoers_line);
    if (!s.found)
        doctor_unknown(d, "sudo: %s/etc/sudoers cannot be read", root);
    else if (sudo.minutes < 0)
        doctor_wrong(d,
            "sudo: it remembers a success until the next boot, so that a revoked token "
            "still works. Write Defaults timestamp_timeout=0 in sudoers");
    else if (sudo.minutes > 0)
        doctor_wrong(d,
            "sudo: it remembers a success for %g minutes, so that a revoked token still "
            "works. Write Defaults timestamp_timeout=0 in sudoers",
            sudo.minutes);
    else if (sudo.some)
        doctor_wrong(d,
            "sudo: a Defaults line for some users, hosts or commands has a "
            "timestamp_timeout, so that a revoked token still works. Set it to 0");
    else
        doctor_ok(d, "sudo: it asks each time");
}

/* --- saslauthd -----------------------------------------------------------------------
 */

struct saslauthd {
    bool pam, caches;
};

/* Reads the options of a command line, as getopt(3) would. */
static bool
has_cache_option(char *words)
{
    char *save = NULL;

    for (char *word = strtok_r(words, BLANKS "\"'", &save); word != NULL;
         word = strtok_r(NULL, BLANKS "\"'", &save))
        for (const char *p = word + 1; word[0] == '-' && *p != '\0'; p++) {
            if (*p == 'c')
                return true;
            if (strchr("aOmnst", *p) != NULL)
                break; /* the rest is its value */
        }
    return false;
}

static void
saslauthd_line(struct search *s, char *line)
{
    struct saslauthd *found = s->result;
    char *rest = after_word(line, "MECHANISMS");

    if (rest == NULL)
        rest = after_word(line, "MECH");
    if (rest != NULL) {
        found->pam = strstr(rest, "pam") != NULL;
        return;
    }
    rest = after_word(line, "OPTIONS");
    if (rest == NULL)
        rest = after_word(line, "FLAGS");
    if (rest != NULL)
        found->caches = has_cache_option(rest);
}

/* Returns whether a service may be one that saslauthd asks PAM for, such as smtp. */
static bool
has_sasl_service(const char *const *services)
{
    static const char *const others[] = {"sshd", "login", "remote", "sudo", "sudo-i",
        "su", "su-l", "cron", "cockpit", "postgresql", "nginx", "squid", "vsftpd",
        "proftpd", "cups", NULL};

    for (; *services != NULL; services++)
        if (!pat_strv_contains(others, *services))
            return true;
    return false;
}

static void
check_saslauthd(struct doctor *d, const char *root, const char *const *services)
{
    static const char *const places[] = {"/etc/default", "/etc/sysconfig"};
    glob_t files = {0};
    char pattern[1024];

    if (!has_sasl_service(services))
        return;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(pattern, sizeof(pattern), "%s%s/saslauthd*", root, places[i]);
        (void)glob(pattern, i == 0 ? 0 : GLOB_APPEND, NULL, &files);
    }
    /* Each is a daemon of its own. */
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct saslauthd found = {false, false};
        struct search s = {.root = root, .result = &found};

        (void)read_lines(&s, files.gl_pathv[i], saslauthd_line);
        if (found.pam && found.caches)
            doctor_wrong(d,
                "saslauthd: %s has the option -c: it remembers a success, for 8 hours "
                "without -t, so that a revoked token still works. Remove -c",
                files.gl_pathv[i]);
    }
    globfree(&files);
}

/* --- squid ---------------------------------------------------------------------------
 */

struct squid {
    char service[64]; /* "": it does not use PAM */
    long ttl_s;
};

static long
parse_time(const char *text)
{
    static const struct {
        const char *unit;
        long s;
    } units[] = {{"minute", 60}, {"hour", 3600}, {"day", 86400}, {"week", 604800}};
    char *end;
    long n = strtol(text, &end, 10);

    end += strspn(end, BLANKS);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strncasecmp(end, units[i].unit, strlen(units[i].unit)) == 0)
            return n > 1000000 ? n : n * units[i].s;
    return n;
}

static void
squid_line(struct search *s, char *line)
{
    struct squid *squid = s->result;
    char *rest = after_word(line, "include"), *name;

    if (rest != NULL) {
        read_included(s, "/etc/squid", rest, squid_line);
        return;
    }
    rest = after_word(line, "auth_param");
    rest = rest != NULL ? after_word(rest, "basic") : NULL;
    if (rest == NULL)
        return;
    if ((name = after_word(rest, "credentialsttl")) != NULL) {
        squid->ttl_s = parse_time(name);
    } else if (after_word(rest, "program") != NULL && strstr(rest, "pam_auth") != NULL) {
        name = strstr(rest, " -n");
        name = name != NULL ? name + 3 + strspn(name + 3, BLANKS) : NULL;
        (void)snprintf(squid->service, sizeof(squid->service), "%.*s",
            name != NULL ? (int)strcspn(name, BLANKS) : 5, name != NULL ? name : "squid");
    }
}

static void
check_squid(struct doctor *d, const char *root, const char *const *services)
{
    struct squid squid = {.service = "", .ttl_s = SQUID_S};
    struct search s = {.root = root, .result = &squid};

    read_files(&s, "/etc/squid/squid.conf", squid_line);
    if (squid.service[0] == '\0' || !pat_strv_contains(services, squid.service))
        return;
    if (squid.ttl_s > SQUID_S_MAX)
        doctor_wrong(d,
            "squid: it remembers a success for %ld minutes, so that a revoked token "
            "still works. Write auth_param basic credentialsttl 1 minute in squid.conf",
            squid.ttl_s / 60);
    else
        doctor_ok(d, "squid: it remembers a success for %ld s only", squid.ttl_s);
}

/* --- sshd ----------------------------------------------------------------------------
 */

struct sshd {
    bool decided, off, exempts; /* the first line of a keyword counts */
};

static void
sshd_line(struct search *s, char *line)
{
    struct sshd *sshd = s->result;
    char *rest = after_word(line, "Include");

    if (rest != NULL) {
        read_included(s, "/etc/ssh", rest, sshd_line);
        return;
    }
    rest = after_word(line, SSHD_PENALTIES);
    if (rest != NULL && !sshd->decided) {
        sshd->off = strncasecmp(rest, "no", 2) == 0;
        sshd->decided = true;
    }
    if (after_word(line, "PerSourcePenaltyExemptList") != NULL)
        sshd->exempts = true;
}

/* Returns whether this sshd knows penalties: OpenSSH 9.8 does. Its program has the word.
 */
static bool
has_penalties(const char *root)
{
    static const char word[] = SSHD_PENALTIES;
    char path[1024], buf[8192 + sizeof(word)];
    size_t kept = 0, len;
    bool found = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/usr/sbin/sshd", root);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    while (!found && (len = fread(buf + kept, 1, 8192, f)) > 0) {
        len += kept;
        found = memmem(buf, len, word, strlen(word)) != NULL;
        kept = len < strlen(word) ? len : strlen(word);
        memmove(buf, buf + len - kept, kept);
    }
    (void)fclose(f);
    return found;
}

static void
check_sshd(struct doctor *d, const char *root, const char *const *services)
{
    struct sshd sshd = {false, false, false};
    struct search s = {.root = root, .result = &sshd};

    if (!pat_strv_contains(services, "sshd") || !has_penalties(root))
        return;
    read_files(&s, "/etc/ssh/sshd_config", sshd_line);
    if (!sshd.off && !sshd.exempts)
        doctor_ok(d,
            "sshd: PerSourcePenalties is on: refused tokens keep out all clients of that "
            "address for up to 10 minutes. Name addresses that many users share in "
            "PerSourcePenaltyExemptList");
}

void
doctor_hosts(struct doctor *d, const char *root, const char *const *services)
{
    check_sudo(d, root, services);
    check_saslauthd(d, root, services);
    check_squid(d, root, services);
    check_sshd(d, root, services);
}
