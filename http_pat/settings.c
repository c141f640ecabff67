/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "deadline.h"
#include "request.h"

#define AT(field) offsetof(struct settings, field)

const struct pat_option settings_table[] = {
    {"b", PAT_OPTION_FLAG, AT(basic), 0, 0, NULL, NULL,
        "offer Basic in challenges, as git wants it"},
    {"g", PAT_OPTION_STRING, AT(listen_group), 0, 0, NULL, NULL, "group of -s"},
    {"m", PAT_OPTION_OCTAL, AT(listen_mode), 0, 0777, NULL, "0666", "mode of -s"},
    {"n", PAT_OPTION_STRING, AT(service), 0, 0, NULL, "http",
        "name of the service, for patService"},
    {"o", PAT_OPTION_LIMIT, AT(orgs), 0, PAT_LIST_MAX, NULL, NULL, "orgs to accept"},
    {"p", PAT_OPTION_PATH, AT(patd), 0, 0, NULL, PAT_SOCKET_DEFAULT, "patd's socket"},
    {"r", PAT_OPTION_LIMIT, AT(roles), 0, PAT_LIST_MAX, NULL, NULL, "roles to accept"},
    {"s", PAT_OPTION_STRING, AT(listen), 0, 0, NULL, NULL, "socket to listen on"},
    {"t", PAT_OPTION_DURATION, AT(timeout_ms), PAT_TIMEOUT_MS_MIN, PAT_TIMEOUT_MS_MAX,
        NULL, "3s", "how long to wait for patd"},
    {"u", PAT_OPTION_STRING, AT(user), 0, 0, NULL, "nobody", "user to become"},
    {"w", PAT_OPTION_INT, AT(workers), 1, 256, NULL, "32", "workers"},
    {"S", PAT_OPTION_LIST, AT(shared), 0, PAT_LIST_MAX, NULL, NULL,
        "user names of Basic that take anybody's token"},
    {"M", PAT_OPTION_STRING, AT(metadata), 0, 0, NULL, NULL, "URL of the metadata"},
    {"R", PAT_OPTION_STRING, AT(realm), 0, 0, NULL, "pat", "realm of challenges"},
    PAT_OPTION_END,
};

/* For getopt(3). */
static void
make_optstring(char *out)
{
    *out++ = ':';
    for (const struct pat_option *o = settings_table; o->name != NULL; o++) {
        *out++ = o->name[0];
        if (o->type != PAT_OPTION_FLAG)
            *out++ = ':';
    }
    *out = '\0';
}

static enum pat_err
fail(struct pat_diag *diag, const char *what)
{
    pat_diag_set(diag, "%s", what);
    return PAT_ERR_CONFIG;
}

static enum pat_err
check(const struct settings *s, struct pat_diag *diag)
{
    if (s->patd == NULL)
        return fail(diag, "p: needs a value");
    if (s->service == NULL || strlen(s->service) > PAT_SERVICE_MAX)
        return fail(diag, "n: must be a name of 1 to 255 bytes");
    if (s->realm == NULL || !answer_realm_valid(s->realm))
        return fail(diag, "R: must be 1 to 128 visible characters, none of \" \\ % , ;");
    if (s->metadata != NULL && !answer_metadata_valid(s->metadata))
        return fail(diag, "M: must be a URL that begins with https:// or http://");
    return PAT_OK;
}

static enum pat_err
read_all(int argc, char **argv, struct settings *s, struct pat_diag *diag)
{
    char optstring[64], name[2] = "";
    enum pat_err err = pat_options_init(settings_table, s);
    int opt;

    make_optstring(optstring);
    optind = 1;
    opterr = 0;
    while (err == PAT_OK && (opt = getopt(argc, argv, optstring)) != -1) {
        name[0] = (char)(opt == '?' || opt == ':' ? optopt : opt);
        if (opt == '?')
            return fail(diag, "there is no such option; -h tells which there are");
        err = pat_option_set(settings_table, s, name, opt == ':' ? NULL : optarg, diag);
    }
    if (err != PAT_OK)
        return err;
    if (optind != argc)
        return fail(diag, "takes nothing but options; -h tells which there are");
    return check(s, diag);
}

enum pat_err
settings_read(int argc, char **argv, struct settings *ret, struct pat_diag *diag)
{
    struct settings s = {0};
    enum pat_err err = read_all(argc, argv, &s, diag);

    if (err == PAT_OK)
        *ret = s;
    else
        settings_clear(&s);
    return err;
}

void
settings_clear(struct settings *s)
{
    pat_options_clear(settings_table, s);
}
