/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.c - what would a service that is shown this token be told?
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
#include "when.h"

#define TIMEOUT_S_DEFAULT 10
#define TIMEOUT_S_MAX     60

struct verify_options {
    bool from_stdin, json;
    const char *socket, *user, *service, *source;
    struct arg_list orgs, roles;
    int64_t timeout_s;
};

#define FIELD(name) offsetof(struct verify_options, name)
static const struct arg verify_args[] = {
    {0, "stdin", ARG_FLAG, FIELD(from_stdin), NULL, "the token is on standard input"},
    {0, "socket", ARG_TEXT, FIELD(socket), "PATH", "of patd: " PAT_SOCKET_DEFAULT},
    {0, "user", ARG_TEXT, FIELD(user), "LOGIN", "log in as; else as whose it is"},
    {0, "service", ARG_TEXT, FIELD(service), "NAME", "of the service, such as sshd"},
    {0, "source", ARG_TEXT, FIELD(source), "ADDR", "where the client is"},
    {0, "org", ARG_LIST, FIELD(orgs), "ORG", "the service accepts this org"},
    {0, "role", ARG_LIST, FIELD(roles), "ROLE", "the service accepts this role"},
    {0, "timeout", ARG_SPAN, FIELD(timeout_s), "TIME", "wait that long: 10s"},
    {0, "json", ARG_FLAG, FIELD(json), NULL, "as a JSON object"},
    {0, NULL, 0, 0, NULL, NULL},
};
#undef FIELD

static void
init(void *options)
{
    struct verify_options *o = options;

    o->socket = PAT_SOCKET_DEFAULT;
    o->timeout_s = TIMEOUT_S_DEFAULT;
}

/* A list as the client wants it; `ret` has a place more than items. */
static const char *const *
as_list(const struct arg_list *list, const char *ret[PAT_LIST_MAX + 1])
{
    if (list->count == 0)
        return NULL;
    for (size_t i = 0; i < list->count && i < PAT_LIST_MAX; i++)
        ret[i] = list->items[i];
    return ret;
}

/* No answer of patd about the token is one that lets in. */
static bool
is_unavailable(enum pat_err err)
{
    return err == PAT_ERR_UNAVAIL || err == PAT_ERR_NOMEM || err == PAT_ERR_CONFIG;
}

static const char *
verdict_name(enum pat_err err)
{
    if (err == PAT_OK)
        return "accept";
    return is_unavailable(err) ? "unavailable" : "refuse";
}

static struct json_object *
as_json(enum pat_err err, const struct pat_identity *id, const struct pat_diag *diag)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "verdict", output_string(verdict_name(err)));
    json_object_object_add(
        o, "reason", output_string(err == PAT_OK ? NULL : pat_strerror(err)));
    if (diag->text[0] != '\0')
        json_object_object_add(o, "detail", output_string(diag->text));
    if (err != PAT_OK)
        return o;
    json_object_object_add(o, "id", output_string(id->id));
    json_object_object_add(
        o, "name", output_string(id->name[0] != '\0' ? id->name : NULL));
    json_object_object_add(o, "user", output_string(id->user));
    json_object_object_add(o, "org", output_string(id->org));
    json_object_object_add(o, "role", output_string(id->role));
    json_object_object_add(o, "expires", output_time(id->expires));
    return o;
}

static void
print_field(const char *name, const char *value)
{
    char *safe = text_escape(value, strlen(value));

    if (safe != NULL)
        (void)printf("%-8s %s\n", name, safe);
    free(safe);
}

static void
print_identity(const struct pat_identity *id)
{
    char expires[WHEN_MAX] = "never";

    if (id->expires != 0)
        when_iso(id->expires, expires);
    print_field("id", id->id);
    if (id->name[0] != '\0')
        print_field("name", id->name);
    print_field("user", id->user);
    print_field("org", id->org);
    print_field("role", id->role);
    print_field("expires", expires);
}

static int
print(bool json, enum pat_err err, const struct pat_identity *id,
    const struct pat_diag *diag)
{
    int rc;

    if (json) {
        rc = output_object(as_json(err, id, diag));
        if (rc != EX_OK)
            return rc;
    } else if (err == PAT_OK) {
        (void)printf("accepted\n");
        print_identity(id);
    } else if (is_unavailable(err)) {
        say_error(
            "%s%s%s", pat_strerror(err), diag->text[0] != '\0' ? ": " : "", diag->text);
    } else {
        (void)printf("refused: %s\n", pat_strerror(err));
    }
    if (fflush(stdout) != 0) {
        say_error("standard output takes no more");
        return EX_IOERR;
    }
    if (err == PAT_OK)
        return EX_OK;
    return is_unavailable(err) ? EXIT_UNAVAILABLE : EXIT_REFUSED;
}

static int
check(const struct verify_options *o)
{
    if (!o->from_stdin)
        return say_usage("verify: give --stdin, and the token on standard input");
    if (o->orgs.count > PAT_LIST_MAX || o->roles.count > PAT_LIST_MAX)
        return say_usage("verify: at most %d orgs, and as many roles", PAT_LIST_MAX);
    if (o->timeout_s < 1 || o->timeout_s > TIMEOUT_S_MAX)
        return say_usage("--timeout: 1s to %ds", TIMEOUT_S_MAX);
    return shown_check_socket(o->socket);
}

static int
run(const struct call *call)
{
    const struct verify_options *o = call->options;
    const char *orgs[PAT_LIST_MAX + 1] = {NULL}, *roles[PAT_LIST_MAX + 1] = {NULL};
    struct pat_request req = {o->user, o->user == NULL, o->service, o->source,
        as_list(&o->orgs, orgs), as_list(&o->roles, roles)};
    struct pat_identity id = {.id = ""};
    struct pat_diag diag = {""};
    struct shown token = {.len = 0};
    enum pat_err err;
    int rc = check(o);

    if (rc != EX_OK)
        return rc;
    rc = shown_read(&token);
    if (rc == EX_OK) {
        err = pat_client_verify(
            o->socket, &req, token.text, token.len, (int)o->timeout_s * 1000, &id, &diag);
        shown_clear(&token);
        rc = print(o->json, err, &id, &diag);
    }
    shown_clear(&token);
    return rc;
}

const struct command verify_command = {
    .name = "verify",
    .operands = "",
    .summary = "Ask patd whether a token lets its bearer in",
    .details = "Exit status: 0 accepted, 1 refused, 3 there is no answer.\n"
               "It counts as a use of the token.",
    .args = verify_args,
    .options_size = sizeof(struct verify_options),
    .init = init,
    .run = run,
};
