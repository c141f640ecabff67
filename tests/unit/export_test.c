/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the built PAM module shows of itself, and what it needs: it is a guest in other
 * people's processes, where any other name could meet one of theirs.
 */
#include "unit.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

static void *module;

struct row {
    const char *name;
    bool want;
};

static const struct row symbols[] = {
    {"pam_sm_authenticate", true},
    {"pam_sm_setcred", true},
    {"pam_sm_acct_mgmt", true},
    {"pam_sm_open_session", false},
    {"pam_sm_close_session", false},
    {"pam_sm_chauthtok", false},
    {"pat_client_verify", false},
    {"pat_option_set", false},
    {"pat_options_init", false},
    {"pat_options_clear", false},
    {"pat_proto_encode_request", false},
    {"pat_proto_decode_answer", false},
    {"pat_prefix_valid", false},
    {"pat_token_well_formed", false},
    {"pat_secret_erase", false},
    {"pat_secret_free", false},
    {"pat_strerror", false},
    {"pat_diag_set", false},
    {"pat_strv_split", false},
    {"pat_strv_free", false},
    {"pat_verify", false},
    {"pat_conf_load", false},
    {"main", false},
};

static void
symbol(void **state)
{
    const struct row *row = *state;

    (void)dlerror();
    if (row->want != (dlsym(module, row->name) != NULL))
        fail_msg("%s %s", row->name, row->want ? "is missing" : "is exported");
}

static bool
is_allowed(const char *library)
{
    static const char *const allowed[] = {
        "libpam.so.", "libc.so.", "ld-linux", "libasan.so.", "libubsan.so."};

    for (size_t i = 0; i < COUNT(allowed); i++)
        if (strncmp(library, allowed[i], strlen(allowed[i])) == 0)
            return true;
    return false;
}

/* Everything else costs each login's fresh process a load. */
static void
libraries(void **state)
{
    const struct link_map *map = NULL;
    const char *strings = NULL;

    (void)state;
    assert_int_equal(dlinfo(module, RTLD_DI_LINKMAP, &map), 0);
    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_STRTAB)
            strings = (const char *)(uintptr_t)d->d_un.d_ptr;
    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_NEEDED &&
            (strings == NULL || !is_allowed(strings + d->d_un.d_val)))
            fail_msg("needs %s", strings != NULL ? strings + d->d_un.d_val : "something");
}

/* usage: export_test [MODULE] */
int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : getenv("PAM_PAT_SO");
    int rc;

    if (path == NULL) {
        (void)fprintf(stderr, "PAM_PAT_SO must name the module\n");
        return 1;
    }
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    UNIT_TABLE("symbol", symbol, symbols);
    unit_add("needs", "libpam and libc alone", libraries, NULL);
    rc = unit_run("export");
    (void)dlclose(module);
    return rc;
}
