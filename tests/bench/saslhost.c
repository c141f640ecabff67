/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * saslhost - a service with SASL in a measurement: see bench.c
 *
 * usage: saslhost PLUGIN-DIR USER SECRET-FILE [OPTION=VALUE...] <ORDERS
 *
 * Each order is a number N, for N times PLAIN from sasl_server_new() to sasl_dispose(),
 * as a server that lives long does it. Answers each with the nanoseconds that they took.
 */
#include <sasl/sasl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "secret.h"

static const char *plugin_dir;
static char **options; /* NULL-terminated, as OPTION=VALUE */
static char message[1024];
static size_t message_len;

static int
get_path(void *context, const char **path)
{
    (void)context;
    *path = plugin_dir;
    return SASL_OK;
}

static int
get_option(void *context, const char *plugin, const char *option, const char **result,
    unsigned *len)
{
    size_t name_len = strlen(option);

    (void)context;
    (void)plugin;
    for (char **o = options; *o != NULL; o++)
        if (strncmp(*o, option, name_len) == 0 && (*o)[name_len] == '=') {
            *result = *o + name_len + 1;
            if (len != NULL)
                *len = (unsigned)strlen(*result);
            return SASL_OK;
        }
    return SASL_FAIL;
}

/* "" NUL user NUL secret, as the client sends it. */
static bool
make_message(const char *user, const char *secret_file)
{
    FILE *f = fopen(secret_file, "r");
    size_t user_len = strlen(user);
    char *at = message + 1 + user_len + 1;
    bool ok;

    if (f == NULL || user_len > 256)
        return false;
    (void)setvbuf(f, NULL, _IONBF, 0);
    memcpy(message + 1, user, user_len);
    ok = fgets(at, (int)(message + sizeof(message) - at), f) != NULL;
    message_len = (size_t)(at - message) + strcspn(at, "\n");
    (void)fclose(f);
    return ok;
}

static bool
login(void)
{
    sasl_conn_t *conn = NULL;
    const char *out = NULL;
    unsigned len = 0;
    bool ok = sasl_server_new("bench", "localhost", NULL, NULL, "192.0.2.1;4711", NULL, 0,
                  &conn) == SASL_OK &&
              sasl_server_start(
                  conn, "PLAIN", message, (unsigned)message_len, &out, &len) == SASL_OK;

    sasl_dispose(&conn);
    return ok;
}

int
main(int argc, char **argv)
{
    static const sasl_callback_t callbacks[] = {
        {SASL_CB_GETPATH, (int (*)(void))(void (*)(void))get_path, NULL},
        {SASL_CB_GETOPT, (int (*)(void))(void (*)(void))get_option, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    char line[64];

    if (argc < 4 || !make_message(argv[2], argv[3]))
        return 2;
    plugin_dir = argv[1];
    options = argv + 4;
    if (sasl_server_init(callbacks, "saslhost") != SASL_OK)
        return 2;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int64_t began = pat_monotonic_ns();

        for (long n = strtol(line, NULL, 10); n > 0; n--)
            if (!login())
                return 1;
        printf("%lld\n", (long long)(pat_monotonic_ns() - began));
        (void)fflush(stdout);
    }
    sasl_done();
    pat_secret_erase(message, sizeof(message));
    return 0;
}
