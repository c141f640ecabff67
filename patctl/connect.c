/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.c - what to write into the configuration of a client
 *
 * Nothing is asked of the directory, and no token is written: where the client can read
 * it from its environment that is what the snippet says, elsewhere there is a
 * placeholder.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "connect_url.h"
#include "output.h"
#include "say.h"

#define PLACEHOLDER "PUT-THE-TOKEN-HERE"

struct options {
    const char *url, *token_env, *name;
};

static const struct arg args[] = {
    {0, "url", ARG_TEXT, offsetof(struct options, url), "URL",
        "of the server, or ssh's USER@HOST"},
    {0, "token-env", ARG_TEXT, offsetof(struct options, token_env), "NAME",
        "the variable that holds the token (PAT_TOKEN)"},
    {0, "name", ARG_TEXT, offsetof(struct options, name), "NAME",
        "what the client calls the server (pat)"},
    {0, NULL, 0, 0, NULL, NULL},
};

/* "Bearer ${PAT_TOKEN}" and the like; for json_object_put(). */
static struct json_object *
bearer(const char *before, const char *name, const char *after)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "Bearer %s%s%s", before, name, after);
    return json_object_new_string(text);
}

static struct json_object *
member(const char *key, struct json_object *value)
{
    struct json_object *o = json_object_new_object();

    (void)json_object_object_add(o, key, value);
    return o;
}

/* {"mcpServers": {NAME: {TYPE?, URL, "headers": {"Authorization": VALUE}}}} */
static int
print_json_client(const struct options *o, const char *root, const char *type,
    const char *url_key, struct json_object *authorization, struct json_object *inputs)
{
    struct json_object *server = json_object_new_object(), *top;

    if (type != NULL)
        (void)json_object_object_add(server, "type", json_object_new_string(type));
    (void)json_object_object_add(server, url_key, output_string(o->url));
    (void)json_object_object_add(
        server, "headers", member("Authorization", authorization));
    top = member(root, member(o->name, server));
    if (inputs != NULL)
        (void)json_object_object_add(top, "inputs", inputs);
    return output_object(top);
}

/* For a shell: within apostrophes. */
static void
print_quoted(FILE *to, const char *text)
{
    (void)fputc('\'', to);
    for (; *text != '\0'; text++)
        if (*text == '\'')
            (void)fputs("'\\''", to);
        else
            (void)fputc(*text, to);
    (void)fputc('\'', to);
}

/*
 * Its own command merges into the file. --header is last, since it takes all words that
 * follow; the apostrophes keep the variable from the shell.
 */
static int
claude_code(const struct options *o)
{
    (void)fprintf(stderr, "# or: claude mcp add --transport http %s ", o->name);
    print_quoted(stderr, o->url);
    (void)fprintf(stderr, " --header 'Authorization: Bearer ${%s}'\n", o->token_env);
    return print_json_client(
        o, "mcpServers", "http", "url", bearer("${", o->token_env, "}"), NULL);
}

/* Its entries take no headers, so that a helper of Node.js stands in between. */
static int
claude_desktop(const struct options *o)
{
    struct json_object *server = json_object_new_object(),
                       *list = json_object_new_array();

    (void)json_object_array_add(list, json_object_new_string("mcp-remote"));
    (void)json_object_array_add(list, output_string(o->url));
    (void)json_object_array_add(list, json_object_new_string("--header"));
    (void)json_object_array_add(list, json_object_new_string("Authorization:${AUTH}"));
    (void)json_object_object_add(server, "command", json_object_new_string("npx"));
    (void)json_object_object_add(server, "args", list);
    (void)json_object_object_add(
        server, "env", member("AUTH", bearer("", PLACEHOLDER, "")));
    return output_object(member("mcpServers", member(o->name, server)));
}

static int
cursor(const struct options *o)
{
    return print_json_client(
        o, "mcpServers", NULL, "url", bearer("${env:", o->token_env, "}"), NULL);
}

/* It asks for the token once, and keeps it as a secret. */
static int
vscode(const struct options *o)
{
    struct json_object *input = member("type", json_object_new_string("promptString"));
    struct json_object *inputs = json_object_new_array();

    (void)json_object_object_add(input, "id", json_object_new_string("pat"));
    (void)json_object_object_add(
        input, "description", json_object_new_string("Personal access token"));
    (void)json_object_object_add(input, "password", json_object_new_boolean(true));
    (void)json_object_array_add(inputs, input);
    return print_json_client(
        o, "servers", "http", "url", bearer("${input:", "pat", "}"), inputs);
}

static int
windsurf(const struct options *o)
{
    return print_json_client(
        o, "mcpServers", NULL, "serverUrl", bearer("${env:", o->token_env, "}"), NULL);
}

static int
cline(const struct options *o)
{
    return print_json_client(
        o, "mcpServers", "streamableHttp", "url", bearer("", PLACEHOLDER, ""), NULL);
}

static int
jetbrains(const struct options *o)
{
    return print_json_client(
        o, "mcpServers", NULL, "url", bearer("", PLACEHOLDER, ""), NULL);
}

static int
gemini(const struct options *o)
{
    return print_json_client(
        o, "mcpServers", NULL, "httpUrl", bearer("${", o->token_env, "}"), NULL);
}

/* A string of TOML is one of JSON, but for what output_string() escapes as surrogates. */
static int
codex(const struct options *o)
{
    struct json_object *url = output_string(o->url);

    (void)printf("[mcp_servers.%s]\nurl = %s\nbearer_token_env_var = \"%s\"\n", o->name,
        json_object_to_json_string_ext(url, JSON_C_TO_STRING_NOSLASHESCAPE),
        o->token_env);
    (void)json_object_put(url);
    return EX_OK;
}

/* By a file or a pipe: what is an argument everybody sees. */
static int
curl(const struct options *o)
{
    (void)printf(
        "printf 'Authorization: Bearer %%s\\n' \"$%s\" | curl -H @- ", o->token_env);
    print_quoted(stdout, o->url);
    (void)putchar('\n');
    return EX_OK;
}

static int
ssh(const struct options *o)
{
    (void)printf("cat >~/.ssh/pat-askpass <<'END'\n"
                 "#!/bin/sh\n"
                 "printf '%%s\\n' \"$%s\"\n"
                 "END\n"
                 "chmod 700 ~/.ssh/pat-askpass\n"
                 "SSH_ASKPASS=~/.ssh/pat-askpass SSH_ASKPASS_REQUIRE=force ssh -- ",
        o->token_env);
    print_quoted(stdout, o->url);
    (void)putchar('\n');
    return EX_OK;
}

struct client {
    const char *name;
    int (*print)(const struct options *o);
    const char *where; /* the snippet goes; `merged` with what is there */
    bool merged;
    bool placeholder; /* stands for the token in it */
    bool (*accepts)(const char *url, char *why, size_t size);
};

static const struct client clients[] = {
    {"claude-code", claude_code, ".mcp.json of the project", true, false,
        connect_url_http},
    {"claude-desktop", claude_desktop, "claude_desktop_config.json", true, true,
        connect_url_http},
    {"cursor", cursor, "~/.cursor/mcp.json", true, false, connect_url_http},
    {"vscode", vscode, ".vscode/mcp.json", true, false, connect_url_http},
    {"windsurf", windsurf, "~/.codeium/windsurf/mcp_config.json", true, false,
        connect_url_http},
    {"cline", cline, "Cline: MCP Servers, Configure", true, true, connect_url_http},
    {"codex", codex, "~/.codex/config.toml", true, false, connect_url_http},
    {"gemini", gemini, "~/.gemini/settings.json", true, false, connect_url_http},
    {"jetbrains", jetbrains, "Settings, Tools, AI Assistant, MCP", true, true,
        connect_url_http},
    {"curl", curl, "a shell", false, false, connect_url_http},
    {"ssh", ssh, "a shell", false, false, connect_url_ssh},
};

#define CLIENTS (sizeof(clients) / sizeof(clients[0]))

static const struct client *
find_client(const char *name)
{
    for (size_t i = 0; i < CLIENTS; i++)
        if (strcmp(clients[i].name, name) == 0)
            return &clients[i];
    return NULL;
}

static int
unknown_client(const char *name)
{
    for (size_t i = 0; i < CLIENTS; i++)
        (void)fprintf(stderr, "  %-15s %s\n", clients[i].name, clients[i].where);
    return say_usage("connect: there is no client %s; these are known", name);
}

/* Of letters, digits, _ and, in a name, - : nothing that the snippets would have to
 * quote. */
static bool
is_word(const char *s, const char *also)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    if (s[0] == '\0' || strlen(s) > 64)
        return false;
    for (; *s != '\0'; s++)
        if (strchr(letters, *s) == NULL && strchr(also, *s) == NULL)
            return false;
    return true;
}

static int
check_url(const struct client *c, const char *url)
{
    char why[256] = "";

    if (url == NULL)
        return say_usage("--url: give the server's URL, or, for ssh, USER@HOST");
    if (!c->accepts(url, why, sizeof(why)))
        return say_usage("--url %s: %s does not accept this: %s", url, c->name, why);
    return EX_OK;
}

static int
run(const struct call *call)
{
    struct options o = *(const struct options *)call->options;
    const struct client *c = find_client(call->argv[0]);
    int rc;

    if (c == NULL)
        return unknown_client(call->argv[0]);
    if (o.token_env == NULL)
        o.token_env = "PAT_TOKEN";
    if (o.name == NULL)
        o.name = "pat";
    rc = check_url(c, o.url);
    if (rc != EX_OK)
        return rc;
    if (!is_word(o.token_env, "") || (o.token_env[0] >= '0' && o.token_env[0] <= '9'))
        return say_usage("--token-env %s: is no name of a variable", o.token_env);
    if (!is_word(o.name, "-") || o.name[0] == '-')
        return say_usage("--name %s: 1 to 64 of A-Z a-z 0-9 _ -, not - first", o.name);
    say_note(c->merged ? "# Merge into %s:" : "# In %s:", c->where);
    rc = c->print(&o);
    if (rc == EX_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        say_error("cannot write to standard output");
        rc = EX_IOERR;
    }
    if (rc == EX_OK && c->placeholder)
        say_note(
            "# Put the token for " PLACEHOLDER ", in a file that only you can read.");
    return rc;
}

const struct command connect_command = {
    .name = "connect",
    .operands = "CLIENT",
    .summary = "Print what to write into a client's configuration",
    .details =
        "CLIENT: claude-code claude-desktop cursor vscode windsurf cline codex gemini\n"
        "jetbrains curl ssh. The token itself is not in it.",
    .args = args,
    .options_size = sizeof(struct options),
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
