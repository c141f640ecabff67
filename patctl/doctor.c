/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor.c - is everything as it should be, and if not, what is to be done?
 */
#include "doctor.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "output.h"
#include "say.h"
#include "text.h"

#define EXIT_WRONG   1
#define EXIT_UNKNOWN 3

struct doctor_options {
    const char *conf, *pam, *root;
};

#define FIELD(name) offsetof(struct doctor_options, name)
static const struct arg doctor_args[] = {
    {0, "conf", ARG_TEXT, FIELD(conf), "FILE", "of patd: " PAT_CONF_FILE_DEFAULT},
    {0, "pam", ARG_TEXT, FIELD(pam), "DIR", "of PAM: /etc/pam.d"},
    {0, "root", ARG_TEXT, FIELD(root), "DIR",
        "where the files of PAM and its hosts are: /"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

static void
init(void *options)
{
    struct doctor_options *o = options;

    o->conf = PAT_CONF_FILE_DEFAULT;
    o->root = "";
}

static void finding(const struct doctor *d, const char *mark, const char *colour,
    const char *fmt, va_list ap) PAT_PRINTF(4, 0);

static void
finding(const struct doctor *d, const char *mark, const char *colour, const char *fmt,
    va_list ap)
{
    char text[1024] = "", *safe;

    (void)vsnprintf(text, sizeof(text), fmt, ap);
    safe = text_escape(text, strlen(text));
    (void)printf("%s%-5s%s  %s\n", d->coloured ? colour : "", mark,
        d->coloured ? "\033[0m" : "", safe != NULL ? safe : "out of memory");
    free(safe);
    (void)fflush(stdout);
}

void
doctor_ok(struct doctor *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    finding(d, "OK", "\033[32m", fmt, ap);
    va_end(ap);
}

void
doctor_wrong(struct doctor *d, const char *fmt, ...)
{
    va_list ap;

    d->wrong = true;
    va_start(ap, fmt);
    finding(d, "WRONG", "\033[31m", fmt, ap);
    va_end(ap);
}

void
doctor_unknown(struct doctor *d, const char *fmt, ...)
{
    va_list ap;

    d->unknown = true;
    va_start(ap, fmt);
    finding(d, "?", "\033[33m", fmt, ap);
    va_end(ap);
}

/* A token that is none: whoever answers that is patd, and its threads are well. */
void
doctor_sockets(struct doctor *d, const struct pat_conf *conf)
{
    for (char **path = conf->socket; path != NULL && *path != NULL; path++) {
        struct pat_request req = {.any_user = true, .service = "doctor"};
        struct pat_identity id;
        struct pat_diag diag = {""};
        enum pat_err err =
            pat_client_verify(*path, &req, "-", 1, conf->timeout_ms, &id, &diag);

        if (err == PAT_ERR_MALFORMED)
            doctor_ok(d, "%s: patd answers", *path);
        else
            doctor_wrong(d, "%s: %s. Start patd: systemctl status patd.socket patd",
                *path, diag.text[0] != '\0' ? diag.text : pat_strerror(err));
    }
}

/* As patd does. */
static bool
become(struct doctor *d, const char *name)
{
    const struct passwd *pw = getpwnam(name);

    if (pw == NULL) {
        doctor_wrong(d,
            "user %s: there is no such user. Create it (systemd-sysusers), or name "
            "another in the configuration",
            name);
        return false;
    }
    if (initgroups(name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
        setuid(pw->pw_uid) != 0) {
        doctor_unknown(d, "user %s: cannot become that user: %s", name, strerror(errno));
        return false;
    }
    return true;
}

static bool
load(struct doctor *d, const char *path, struct pat_conf *conf)
{
    struct pat_diag diag = {""};
    enum pat_err err = pat_conf_load(path, conf, &diag);

    if (err == PAT_OK)
        return true;
    doctor_wrong(d, "configuration, as uid %lu: %s", (unsigned long)geteuid(),
        diag.text[0] != '\0' ? diag.text : pat_strerror(err));
    return false;
}

/*
 * What root alone can see comes first. Then as the user that patd is: over ldapi:// the
 * directory would take root for somebody else.
 */
static void
examine(struct doctor *d, const struct doctor_options *o)
{
    struct pat_conf conf = {0};
    bool loaded;

    doctor_pam(d, o->root, o->pam);
    loaded = load(d, o->conf, &conf);
    if (!loaded)
        return;
    doctor_config(d, &conf);
    if (geteuid() == 0 && conf.user != NULL) {
        if (!become(d, conf.user)) {
            pat_conf_clear(&conf);
            return;
        }
        pat_conf_clear(&conf);
        loaded = load(d, o->conf, &conf);
    }
    if (loaded) {
        doctor_ok(d, "%s: readable as uid %lu, and without mistakes", o->conf,
            (unsigned long)geteuid());
        doctor_servers(d, &conf);
        doctor_sockets(d, &conf);
    }
    pat_conf_clear(&conf);
}

static int
run(const struct call *call)
{
    struct doctor d = {.coloured = output_colours()};

    examine(&d, call->options);
    if (ferror(stdout) || fflush(stdout) != 0) {
        say_error("standard output takes no more");
        return EX_IOERR;
    }
    if (d.wrong)
        return EXIT_WRONG;
    return d.unknown ? EXIT_UNKNOWN : EX_OK;
}

const struct command doctor_command = {
    .name = "doctor",
    .operands = "",
    .summary = "Check directory, patd and PAM, and say what to do",
    .details =
        "Run it as root where patd runs: it then becomes patd's user, as patd does.\n"
        "Exit status: 0 all is well, 1 something is wrong, 3 not all could be seen.",
    .args = doctor_args,
    .options_size = sizeof(struct doctor_options),
    .init = init,
    .run = run,
};
