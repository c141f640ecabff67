/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the built modules show of themselves, and what they need: they are guests in other
 * people's processes, where any other name could meet one of theirs.
 */
#include "unit.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

static void *pam_module, *sasl_module;

struct row {
    const char *name;
    bool pam, sasl; /* is it there? */
};

static const struct row symbols[] = {
    {"pam_sm_authenticate", true, false},
    {"pam_sm_setcred", true, false},
    {"pam_sm_acct_mgmt", true, false},
    {"pam_sm_open_session", false, false},
    {"pam_sm_close_session", false, false},
    {"pam_sm_chauthtok", false, false},
    {"sasl_server_plug_init", false, true},
    {"sasl_client_plug_init", false, false},
    {"sasl_auxprop_plug_init", false, false},
    {"sasl_canonuser_init", false, false},
    {"session_new", false, false},
    {"settings_read", false, false},
    {"plain_parse", false, false},
    {"pat_bearer_parse", false, false},
    {"pat_client_verify", false, false},
    {"pat_option_set", false, false},
    {"pat_options_init", false, false},
    {"pat_options_clear", false, false},
    {"pat_proto_encode_request", false, false},
    {"pat_proto_decode_answer", false, false},
    {"pat_prefix_valid", false, false},
    {"pat_token_well_formed", false, false},
    {"pat_secret_erase", false, false},
    {"pat_secret_free", false, false},
    {"pat_strerror", false, false},
    {"pat_diag_set", false, false},
    {"pat_strv_split", false, false},
    {"pat_strv_free", false, false},
    {"pat_verify", false, false},
    {"pat_conf_load", false, false},
    {"main", false, false},
};

static void
check_symbol(void *module, const char *name, bool want)
{
    (void)dlerror();
    if (want != (dlsym(module, name) != NULL))
        fail_msg("%s %s", name, want ? "is missing" : "is exported");
}

static void
symbol(void **state)
{
    const struct row *row = *state;

    check_symbol(pam_module, row->name, row->pam);
    check_symbol(sasl_module, row->name, row->sasl);
}

static bool
is_allowed(const char *library, const char *more)
{
    static const char *const allowed[] = {
        "libc.so.", "ld-linux", "libasan.so.", "libubsan.so."};

    for (size_t i = 0; i < COUNT(allowed); i++)
        if (strncmp(library, allowed[i], strlen(allowed[i])) == 0)
            return true;
    return more != NULL && strncmp(library, more, strlen(more)) == 0;
}

static const ElfW(Dyn) * dynamic_of(void *module)
{
    const struct link_map *map = NULL;

    assert_int_equal(dlinfo(module, RTLD_DI_LINKMAP, &map), 0);
    return map->l_ld;
}

/* Everything else costs each login's fresh process a load. */
static void
check_libraries(void *module, const char *more)
{
    const char *strings = NULL;

    for (const ElfW(Dyn) *d = dynamic_of(module); d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_STRTAB)
            strings = (const char *)(uintptr_t)d->d_un.d_ptr;
    for (const ElfW(Dyn) *d = dynamic_of(module); d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_NEEDED &&
            (strings == NULL || !is_allowed(strings + d->d_un.d_val, more)))
            fail_msg("needs %s", strings != NULL ? strings + d->d_un.d_val : "something");
}

static void
libraries_pam(void **state)
{
    (void)state;
    check_libraries(pam_module, "libpam.so.");
}

static void
libraries_sasl(void **state)
{
    (void)state;
    check_libraries(sasl_module, NULL);
}

/* A host may give its plugins up while one of its threads is in ours. */
static void
stays_loaded(void **state)
{
    bool found = false;

    (void)state;
    for (const ElfW(Dyn) *d = dynamic_of(sasl_module); d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_FLAGS_1)
            found = (d->d_un.d_val & DF_1_NODELETE) != 0;
    assert_true(found);
}

static void *
load(const char *path, const char *variable)
{
    void *module = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

    if (module == NULL)
        (void)fprintf(
            stderr, "%s: %s\n", variable, path != NULL ? dlerror() : "is not set");
    return module;
}

int
main(void)
{
    int rc;

    pam_module = load(getenv("PAM_PAT_SO"), "PAM_PAT_SO");
    sasl_module = load(getenv("SASL_PAT_SO"), "SASL_PAT_SO");
    if (pam_module == NULL || sasl_module == NULL)
        return 1;
    UNIT_TABLE("symbol", symbol, symbols);
    unit_add("needs", "libpam and libc alone", libraries_pam, NULL);
    unit_add("needs", "libc alone, for SASL", libraries_sasl, NULL);
    unit_add("stays", "once it is loaded, in SASL", stays_loaded, NULL);
    rc = unit_run("export");
    (void)dlclose(pam_module);
    (void)dlclose(sasl_module);
    return rc;
}
