/* SPDX-License-Identifier: BSD-2-Clause */
#include "args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "say.h"
#include "secret.h"
#include "when.h"

#define OPTIONS_MAX 48
#define TIMEOUT_MAX 3600

/* As the OpenLDAP tools have them, see ldapsearch(1). */
#define FIELD(name) offsetof(struct session_options, name)
static const struct arg connection_args[] = {
    {'H', NULL, ARG_TEXT, FIELD(uri), "URI", "the server"},
    {'D', NULL, ARG_TEXT, FIELD(bind_dn), "DN", "who you are"},
    {'W', NULL, ARG_FLAG, FIELD(ask), NULL, "ask for the password"},
    {'y', NULL, ARG_TEXT, FIELD(password_file), "FILE", "all of it is the password"},
    {'w', NULL, ARG_SECRET, FIELD(password), "PASSWORD", "others may see it"},
    {'x', NULL, ARG_FLAG, FIELD(simple), NULL, "simple authentication"},
    {'Y', NULL, ARG_TEXT, FIELD(mech), "MECH", "a SASL mechanism"},
    {'U', NULL, ARG_TEXT, FIELD(authcid), "NAME", "SASL's authentication identity"},
    {'X', NULL, ARG_TEXT, FIELD(authzid), "NAME", "SASL's authorization identity"},
    {'Q', NULL, ARG_FLAG, FIELD(quiet), NULL, "SASL is quiet, which it is anyway"},
    {'Z', NULL, ARG_COUNT, FIELD(start_tls), NULL, "StartTLS, or nothing"},
    {'\0', "clear", ARG_FLAG, FIELD(clear), NULL, "allow a password over ldap://"},
    {'b', "base", ARG_TEXT, FIELD(base), "DN", "below it are orgs and people"},
    {'\0', "timeout", ARG_SPAN, FIELD(timeout_s), "TIME", "wait that long for an answer"},
    {0, NULL, 0, 0, NULL, NULL},
};

/* All options of one command, for getopt_long(3). */
struct parser {
    char letters[2 * OPTIONS_MAX + 3];
    struct option longs[OPTIONS_MAX + 2];
    const struct arg *by_value[OPTIONS_MAX];
    char *targets[OPTIONS_MAX];
    int count;
    size_t letters_len, longs_len;
};

static bool
takes_value(const struct arg *a)
{
    return a->kind != ARG_FLAG && a->kind != ARG_COUNT;
}

/* getopt_long() returns the index from here on, for letters and long names alike. */
#define FIRST_VALUE 256

static void
add_args(struct parser *p, const struct arg *args, void *target)
{
    for (const struct arg *a = args; a != NULL && a->kind != 0; a++) {
        p->by_value[p->count] = a;
        p->targets[p->count] = (char *)target + a->offset;
        if (a->letter != '\0') {
            p->letters[p->letters_len++] = a->letter;
            if (takes_value(a))
                p->letters[p->letters_len++] = ':';
        }
        if (a->name != NULL)
            p->longs[p->longs_len++] =
                (struct option){a->name, takes_value(a) ? required_argument : no_argument,
                    NULL, FIRST_VALUE + p->count};
        p->count++;
    }
}

static int
index_of(const struct parser *p, int opt)
{
    if (opt >= FIRST_VALUE)
        return opt - FIRST_VALUE;
    for (int i = 0; i < p->count; i++)
        if (p->by_value[i]->letter == opt)
            return i;
    return -1;
}

static void
describe(const struct arg *a, char ret[64])
{
    if (a->name != NULL)
        (void)snprintf(ret, 64, "--%s", a->name);
    else
        (void)snprintf(ret, 64, "-%c", a->letter);
}

/* What stands in argv everybody on the machine sees. */
static int
take_secret(char *value, char **target)
{
    *target = strdup(value);
    pat_secret_erase(value, strlen(value));
    return *target == NULL ? say_no_memory() : EX_OK;
}

static int
take(const struct arg *a, char *value, void *target)
{
    struct arg_list *list = target;
    char name[64];

    describe(a, name);
    switch (a->kind) {
    case ARG_FLAG:
        *(bool *)target = true;
        return EX_OK;
    case ARG_COUNT:
        (*(int *)target)++;
        return EX_OK;
    case ARG_TEXT:
        *(const char **)target = value;
        return EX_OK;
    case ARG_LIST:
        if (list->count == ARG_LIST_MAX)
            return say_usage("%s: more than %d of them", name, ARG_LIST_MAX);
        list->items[list->count++] = value;
        return EX_OK;
    case ARG_SPAN:
        if (!when_parse_span(value, target))
            return say_usage(
                "%s %s: is no length of time, such as 90d, 12h or 30min", name, value);
        return EX_OK;
    case ARG_SECRET:
        return take_secret(value, target);
    }
    return EX_SOFTWARE;
}

static int
check_operands(const struct command *c, int count)
{
    if (count < c->operands_min)
        return say_usage("%s: %s is missing", c->name, c->operands);
    if (c->operands_max >= 0 && count > c->operands_max)
        return say_usage("%s: too many arguments; it takes %s", c->name,
            c->operands[0] == '\0' ? "none besides options" : c->operands);
    return EX_OK;
}

static int
check_connection(const struct session_options *o)
{
    int ways = (o->ask ? 1 : 0) + (o->password != NULL) + (o->password_file != NULL);

    if (ways > 1)
        return say_usage("give the password one way: -W, -y or -w");
    if (o->timeout_s < 1 || o->timeout_s > TIMEOUT_MAX)
        return say_usage("--timeout: 1s to %ds", TIMEOUT_MAX);
    return EX_OK;
}

int
args_parse(const struct command *command, int argc, char **argv, int first, void *options,
    struct session_options *connection, int *ret_argc, char ***ret_argv, bool *ret_help)
{
    struct parser p = {
        .longs = {{"help", no_argument, NULL, 'h'}},
        .longs_len = 1,
        .letters = ":h",
        .letters_len = 2,
    };
    int opt, rc = EX_OK;

    connection->timeout_s = SESSION_TIMEOUT_S_DEFAULT;
    add_args(&p, command->args, options);
    if (command->connects)
        add_args(&p, connection_args, connection);
    argc -= first - 1;
    argv += first - 1;
    opterr = 0;
    optind = 1;
    while (
        rc == EX_OK && (opt = getopt_long(argc, argv, p.letters, p.longs, NULL)) != -1) {
        int i = index_of(&p, opt);

        if (opt == 'h' && i < 0) {
            *ret_help = true;
            return EX_OK;
        }
        if (opt == ':')
            rc = say_usage("%s: %s lacks its value", command->name, argv[optind - 1]);
        else if (i < 0)
            rc = say_usage("%s: there is no option %s", command->name, argv[optind - 1]);
        else
            rc = take(p.by_value[i], optarg, p.targets[i]);
    }
    if (rc == EX_OK)
        rc = check_operands(command, argc - optind);
    if (rc == EX_OK)
        rc = check_connection(connection);
    *ret_argc = argc - optind;
    *ret_argv = argv + optind;
    return rc;
}

/* "-p, --prefix PREFIX" */
static void
spell(const struct arg *a, char ret[64])
{
    int n = 0;

    if (a->letter != '\0')
        n = snprintf(ret, 64, a->name == NULL ? "-%c" : "-%c, ", a->letter);
    if (a->name != NULL)
        n += snprintf(ret + n, 64 - (size_t)n, "--%s", a->name);
    if (a->value != NULL)
        (void)snprintf(ret + n, 64 - (size_t)n, " %s", a->value);
}

void
args_help(const struct command *c, FILE *to)
{
    (void)fprintf(to, "usage: patctl %s%s%s%s%s\n\n%s.\n", c->name,
        c->args == NULL ? "" : " [OPTION...]", c->operands[0] == '\0' ? "" : " ",
        c->operands, c->connects ? " [CONNECTION...]" : "", c->summary);
    if (c->details != NULL)
        (void)fprintf(to, "%s\n", c->details);
    if (c->args != NULL)
        (void)fprintf(to, "\n");
    for (const struct arg *a = c->args; a != NULL && a->kind != 0; a++) {
        char text[64] = "";

        spell(a, text);
        (void)fprintf(to, "  %-24s %s\n", text, a->help);
    }
    if (c->connects)
        (void)fprintf(to,
            "\nCONNECTION, as for ldapsearch: -H URI  -D DN  -W | -y FILE | -w PASSWORD\n"
            "  -Y MECH [-U NAME] [-X NAME]  -ZZ  -b BASE  --timeout 10s  --clear\n");
}

static void
list_args(const struct arg *args, FILE *to)
{
    for (const struct arg *a = args; a != NULL && a->kind != 0; a++) {
        if (a->letter != '\0')
            (void)fprintf(to, " -%c%s%s", a->letter, a->value == NULL ? "" : "=",
                a->value == NULL ? "" : a->value);
        if (a->name != NULL)
            (void)fprintf(to, " --%s%s%s", a->name, a->value == NULL ? "" : "=",
                a->value == NULL ? "" : a->value);
    }
}

void
args_list(const struct command *c, FILE *to)
{
    (void)fprintf(to, "%s:", c->name);
    list_args(c->args, to);
    if (c->connects)
        list_args(connection_args, to);
    (void)fprintf(to, "\n");
}
