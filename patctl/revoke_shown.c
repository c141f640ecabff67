/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * revoke_shown.c - end a token by showing it: no account in the directory is needed
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "command.h"
#include "output.h"
#include "say.h"
#include "shown.h"
#include "text.h"

#define TIMEOUT_S_DEFAULT 10
#define TIMEOUT_S_MAX     60

struct revoke_options {
    bool json;
    const char *socket;
    int64_t timeout_s;
};

#define FIELD(name) offsetof(struct revoke_options, name)
static const struct arg revoke_args[] = {
    {0, "socket", ARG_TEXT, FIELD(socket), "PATH", "of patd: " PAT_SOCKET_DEFAULT},
    {0, "timeout", ARG_SPAN, FIELD(timeout_s), "TIME", "wait that long: 10s"},
    {0, "json", ARG_FLAG, FIELD(json), NULL, "as a JSON object"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

static void
init(void *options)
{
    struct revoke_options *o = options;

    o->socket = PAT_SOCKET_DEFAULT;
    o->timeout_s = TIMEOUT_S_DEFAULT;
}

static bool
is_unavailable(enum pat_err err)
{
    return err == PAT_ERR_UNAVAIL || err == PAT_ERR_NOMEM || err == PAT_ERR_CONFIG;
}

static struct json_object *
as_json(enum pat_err err, const struct pat_revocation *r, const struct pat_diag *diag)
{
    struct json_object *o = json_object_new_object();
    const char *result = is_unavailable(err) ? "unavailable" : "refuse";

    if (err == PAT_OK)
        result = r->already ? "already" : "done";
    json_object_object_add(o, "revoke", output_string(result));
    json_object_object_add(
        o, "reason", output_string(err == PAT_OK ? NULL : pat_strerror(err)));
    if (diag->text[0] != '\0')
        json_object_object_add(o, "detail", output_string(diag->text));
    if (err == PAT_OK && r->id[0] != '\0')
        json_object_object_add(o, "id", output_string(r->id));
    if (err == PAT_OK && r->org[0] != '\0')
        json_object_object_add(o, "org", output_string(r->org));
    return o;
}

static int
print_success(const struct pat_revocation *r)
{
    char *id = text_escape(r->id, strlen(r->id)),
         *org = text_escape(r->org, strlen(r->org));
    int rc = EX_OK;

    if (id == NULL || org == NULL)
        rc = say_no_memory();
    else
        (void)printf("%s%s%s%s%s%s\n", r->already ? "was revoked already" : "revoked",
            id[0] != '\0' ? ": " : "", id, org[0] != '\0' ? " (" : "", org,
            org[0] != '\0' ? ")" : "");
    free(id);
    free(org);
    return rc;
}

static int
print(bool json, enum pat_err err, const struct pat_revocation *r,
    const struct pat_diag *diag)
{
    int rc = EX_OK;

    if (json) {
        rc = output_object(as_json(err, r, diag));
    } else if (err == PAT_OK) {
        rc = print_success(r);
    } else {
        say_error(
            "%s%s%s", pat_strerror(err), diag->text[0] != '\0' ? ": " : "", diag->text);
        if (is_unavailable(err))
            say_note("It may be revoked or not. Try again.");
    }
    if (fflush(stdout) != 0) {
        say_error("standard output takes no more");
        rc = EX_IOERR;
    }
    if (err == PAT_OK)
        return rc;
    return is_unavailable(err) ? EXIT_UNAVAILABLE : EXIT_REFUSED;
}

static int
run(const struct call *call)
{
    const struct revoke_options *o = call->options;
    struct pat_revocation revocation = {.already = false};
    struct pat_diag diag = {""};
    struct shown token = {.len = 0};
    enum pat_err err;
    int rc = shown_check_socket(o->socket);

    if (rc == EX_OK && (o->timeout_s < 1 || o->timeout_s > TIMEOUT_S_MAX))
        rc = say_usage("--timeout: 1s to %ds", TIMEOUT_S_MAX);
    if (rc == EX_OK)
        rc = shown_read(&token);
    if (rc == EX_OK) {
        err = pat_client_revoke(o->socket, token.text, token.len,
            (int)o->timeout_s * 1000, &revocation, &diag);
        shown_clear(&token);
        rc = print(o->json, err, &revocation, &diag);
    }
    shown_clear(&token);
    return rc;
}

/* A command of two words: it shares no option and no right with the other. */
const struct command revoke_shown_command = {
    .name = "revoke --stdin",
    .operands = "",
    .summary = "End the token on standard input, with no account",
    .details = "Exit status: 0 it is revoked, now or before; 1 refused; 3 not known.\n"
               "patd does it. It is for ever.",
    .args = revoke_args,
    .options_size = sizeof(struct revoke_options),
    .init = init,
    .run = run,
};
