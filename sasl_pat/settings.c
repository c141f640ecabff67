/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <stdio.h>

#include "deadline.h"
#include "request.h"
#include "shape.h"

#define AT(field) offsetof(struct settings, field)

const struct pat_option settings_table[] = {
    {"socket", PAT_OPTION_PATH, AT(socket), 0, 0, NULL, NULL,
        "patd's socket; where it is not set the plugin does nothing"},
    {"org", PAT_OPTION_LIMIT, AT(orgs), 0, PAT_LIST_MAX, NULL, NULL,
        "orgs that may log in"},
    {"role", PAT_OPTION_LIMIT, AT(roles), 0, PAT_LIST_MAX, NULL, NULL,
        "roles that may log in"},
    {"prefix", PAT_OPTION_STRING, AT(prefix), 0, 0, NULL, PAT_PREFIX_DEFAULT,
        "what tokens begin with"},
    {"timeout", PAT_OPTION_DURATION, AT(timeout_ms), PAT_TIMEOUT_MS_MIN,
        PAT_TIMEOUT_MS_MAX, NULL, "3s", "how long to wait for patd"},
    {"properties", PAT_OPTION_BOOL, AT(properties), 0, 0, NULL, "no",
        "offer role and org as auxiliary properties"},
    PAT_OPTION_END,
};

/* NULL: not set. The library's, until the next call. */
static const char *
get_option(const sasl_utils_t *utils, const char *name)
{
    char full[64];
    const char *value = NULL;

    (void)snprintf(full, sizeof(full), SETTINGS_PREFIX "%s", name);
    if (utils->getopt(utils->getopt_context, "PAT", full, &value, NULL) != SASL_OK)
        return NULL;
    return value;
}

bool
settings_wanted(const sasl_utils_t *utils)
{
    return get_option(utils, "socket") != NULL;
}

static enum pat_err
read_all(const sasl_utils_t *utils, struct settings *s, struct pat_diag *diag)
{
    enum pat_err err = pat_options_init(settings_table, s);

    for (const struct pat_option *o = settings_table; o->name != NULL; o++) {
        const char *value = get_option(utils, o->name);

        if (err == PAT_OK && value != NULL)
            err = pat_option_set(settings_table, s, o->name, value, diag);
    }
    if (err != PAT_OK)
        return err;
    if (s->socket == NULL) {
        pat_diag_set(diag, "socket: needs a path");
        return PAT_ERR_CONFIG;
    }
    if (s->prefix == NULL || !pat_prefix_valid(s->prefix)) {
        pat_diag_set(diag, "prefix: must be 1 to %d of A-Z a-z 0-9 _ -", PAT_PREFIX_MAX);
        return PAT_ERR_CONFIG;
    }
    return PAT_OK;
}

int
settings_read(const sasl_utils_t *utils, struct settings *ret)
{
    struct settings s = {0};
    struct pat_diag diag = {0};
    enum pat_err err = read_all(utils, &s, &diag);

    if (err == PAT_OK) {
        *ret = s;
        return SASL_OK;
    }
    settings_clear(&s);
    if (err == PAT_ERR_NOMEM)
        return SASL_NOMEM;
    utils->log(utils->conn, SASL_LOG_ERR,
        "sasl_pat: option " SETTINGS_PREFIX
        "%s; all logins are refused until this is fixed",
        diag.text);
    return SASL_UNAVAIL;
}

void
settings_clear(struct settings *s)
{
    pat_options_clear(settings_table, s);
}
