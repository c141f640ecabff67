/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patd.conf. No file is opened: each is the input, and one that holds a secret is what
 * stands behind the first line that is "%". What was loaded loads again, the same, once
 * it is written down, and no message depends on what a password is.
 */
#include "conf.h"
#include "file.h"
#include "fuzz.h"

#define PATH "/patd.conf"

static struct fuzz_input settings, secret;

/* As the real one, but for where the bytes come from. */
enum pat_err __wrap_pat_file_open(
    const char *path, enum pat_file_kind kind, FILE **ret_file, struct pat_diag *diag);

enum pat_err
__wrap_pat_file_open(
    const char *path, enum pat_file_kind kind, FILE **ret_file, struct pat_diag *diag)
{
    struct fuzz_input in = kind == PAT_FILE_SECRET ? secret : settings;

    if (in.size == 0) { /* which fmemopen() takes for a mistake */
        pat_diag_set(diag, "%s: cannot be opened", path);
        return PAT_ERR_CONFIG;
    }
    *ret_file = fmemopen((void *)(uintptr_t)in.data, in.size, "r");
    return *ret_file != NULL ? PAT_OK : PAT_ERR_NOMEM;
}

static const void *
field(const struct pat_conf *conf, const struct pat_option *o)
{
    return (const char *)conf + o->offset;
}

static void
write_list(FILE *to, char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        (void)fprintf(to, "%s%s", *list, list[1] != NULL ? "," : "");
}

/* One setting as a line; a limit that is not set has no other form than none. */
static void
write_setting(FILE *to, const struct pat_conf *conf, const struct pat_option *o)
{
    const char *const *s = field(conf, o);
    char *const *const *list = field(conf, o);
    const int *n = field(conf, o);

    if (o->type == PAT_OPTION_LIMIT && *list == NULL)
        return;
    (void)fprintf(to, "%s = ", o->name);
    switch (o->type) {
    case PAT_OPTION_STRING:
    case PAT_OPTION_PATH:
        (void)fprintf(to, "%s", *s != NULL ? *s : "");
        break;
    case PAT_OPTION_LIST:
    case PAT_OPTION_LIMIT:
        write_list(to, *list);
        break;
    case PAT_OPTION_BOOL:
    case PAT_OPTION_FLAG:
    case PAT_OPTION_INT:
        (void)fprintf(to, "%d", *n);
        break;
    case PAT_OPTION_OCTAL:
        (void)fprintf(to, "%o", (unsigned)*n);
        break;
    case PAT_OPTION_DURATION:
        (void)fprintf(to, "%dms", *n);
        break;
    case PAT_OPTION_CHOICE:
        (void)fprintf(to, "%s", o->choices[*n]);
        break;
    }
    (void)fprintf(to, "\n");
}

static char *
write_all(const struct pat_conf *conf)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    MUST(to != NULL);
    for (const struct pat_option *o = pat_conf_table; o->name != NULL; o++)
        write_setting(to, conf, o);
    MUST(fclose(to) == 0);
    return text;
}

static void
is_in_range(const struct pat_conf *conf)
{
    for (const struct pat_option *o = pat_conf_table; o->name != NULL; o++) {
        const int *n = field(conf, o);

        if (o->type == PAT_OPTION_INT || o->type == PAT_OPTION_OCTAL ||
            o->type == PAT_OPTION_DURATION)
            MUST(*n >= o->min && *n <= o->max);
    }
    MUST(conf->base != NULL && conf->uri != NULL && conf->uri[0] != NULL);
    MUST(conf->socket != NULL && conf->token_prefix != NULL);
    MUST((conf->bind_dn != NULL) == (conf->bind_password != NULL));
}

static void
loads_again(const struct pat_conf *conf)
{
    char *text = write_all(conf), *again = NULL;
    struct pat_diag diag = {0};
    struct pat_conf second;

    settings.data = (const uint8_t *)text;
    settings.size = strlen(text);
    MUST(pat_conf_load(PATH, &second, &diag) == PAT_OK);
    again = write_all(&second);
    MUST(strcmp(again, text) == 0);
    pat_conf_clear(&second);
    free(again);
    free(text);
}

/* Whatever the password is, the same is said of it. */
static void
tells_nothing(enum pat_err err, const struct pat_diag *diag)
{
    const struct fuzz_input before = secret;
    char *other = fuzz_copy(secret.data, secret.size);
    struct pat_diag said = {0};
    struct pat_conf conf;

    for (size_t i = 0; i < secret.size; i++)
        if (strchr("\r\n", other[i]) == NULL)
            other[i] = 'x';
    secret.data = (const uint8_t *)other;
    MUST(pat_conf_load(PATH, &conf, &said) == err);
    MUST(strcmp(said.text, diag->text) == 0);
    if (err == PAT_OK)
        pat_conf_clear(&conf);
    secret = before;
    free(other);
}

static void
split(const uint8_t *data, size_t size)
{
    const uint8_t *mark = size > 0 ? memmem(data, size, "\n%\n", 3) : NULL;

    settings.data = data;
    settings.size = mark != NULL ? (size_t)(mark - data) + 1 : size;
    secret.data = mark != NULL ? mark + 3 : data + size;
    secret.size = mark != NULL ? size - settings.size - 2 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pat_conf conf;
    struct pat_diag diag = {0};
    enum pat_err err;

    split(data, size);
    err = pat_conf_load(PATH, &conf, &diag);
    if (err == PAT_OK) {
        is_in_range(&conf);
        tells_nothing(err, &diag);
        loads_again(&conf);
        pat_conf_clear(&conf);
    } else {
        MUST(strncmp(diag.text, PATH, strlen(PATH)) == 0);
        tells_nothing(err, &diag);
    }
    return 0;
}
