/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A saved audit log for `patctl replay`: LDIF or JSON. Its events come sorted and whole,
 * and a log that is cut is reported. Events that are written again are read again, as
 * JSON and as LDIF, and no value of a log changes the filter that is made of it.
 */
#include "fuzz.h"

#include <json-c/json.h>
#include <lber.h>
#include <ldif.h>
#include <stdarg.h>
#include <sysexits.h>

#include "dn.h"
#include "replay_log.h"
#include "say.h"

static unsigned reports;

/* In place of patctl's own, which writes to standard error. */
void
say_error(const char *fmt, ...)
{
    (void)fmt;
    reports++;
}

int
say_no_memory(void)
{
    reports++;
    return EX_OSERR;
}

static int
read_log(const char *text, size_t len, struct removals *ret)
{
    FILE *real = stdin;
    int rc;

    *ret = (struct removals){0};
    reports = 0;
    stdin =
        len > 0 ? fmemopen((void *)(uintptr_t)text, len, "r") : fopen("/dev/null", "r");
    MUST(stdin != NULL);
    rc = removals_read("-", ret);
    MUST(fclose(stdin) == 0);
    stdin = real;
    MUST((rc == EX_OK) == (reports == 0));
    return rc;
}

static void
is_whole(const struct removals *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct removal *e = &r->list[i];

        MUST(e->kind >= REMOVAL_TOKEN && e->kind <= REMOVAL_NONE_MEMBER);
        MUST(e->id[0] != '\0' && e->org[0] != '\0' && e->target[0] != '\0');
        MUST(i == 0 || strcmp(r->list[i - 1].id, e->id) <= 0);
    }
}

static const char *
action_of(const struct removal *e)
{
    switch (e->kind) {
    case REMOVAL_TOKEN:
        return "pat.revoked";
    case REMOVAL_MEMBER:
        return "org_member.removed";
    case REMOVAL_NONE_MEMBER:
        return "org_member.added";
    }
    return "";
}

static void
write_json(FILE *to, const struct removal *e)
{
    struct json_object *o = json_object_new_object();

    MUST(o != NULL);
    json_object_object_add(o, "id", json_object_new_string(e->id));
    json_object_object_add(o, "org_id", json_object_new_string(e->org));
    json_object_object_add(o, "action", json_object_new_string(action_of(e)));
    json_object_object_add(o, "target_id", json_object_new_string(e->target));
    (void)fprintf(to, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
    (void)json_object_put(o);
}

static void
write_line(FILE *to, const char *name, const char *value)
{
    char *line = ldif_put(LDIF_PUT_VALUE, name, value, (ber_len_t)strlen(value));

    MUST(line != NULL);
    (void)fputs(line, to);
    ber_memfree(line);
}

static void
write_ldif(FILE *to, const struct removal *e)
{
    char *dn = NULL;

    MUST(asprintf(&dn, "patEventId=x,ou=audit,%s", e->org) > 0);
    write_line(to, "dn", dn);
    write_line(to, "patEventId", e->id);
    write_line(to, "patAction", action_of(e));
    write_line(to, "patTarget", e->target);
    (void)fputc('\n', to);
    free(dn);
}

/* Whether the event shares its id with its neighbours: these may come in any order. */
static bool
is_shared(const struct removals *r, size_t i)
{
    return (i > 0 && strcmp(r->list[i - 1].id, r->list[i].id) == 0) ||
           (i + 1 < r->count && strcmp(r->list[i + 1].id, r->list[i].id) == 0);
}

static void
is_same(const struct removals *r, const struct removals *again, bool ldif)
{
    MUST(again->count == r->count && again->damaged == 0 && !again->cut);
    for (size_t i = 0; i < r->count; i++) {
        const struct removal *a = &r->list[i], *b = &again->list[i];

        MUST(strcmp(a->id, b->id) == 0);
        if (is_shared(r, i))
            continue;
        MUST(a->kind == b->kind && strcmp(a->target, b->target) == 0);
        MUST(ldif ? dn_equal(a->org, b->org) : strcmp(a->org, b->org) == 0);
    }
}

/* Writes the events whose org can be written so, and reads them again. */
static void
reads_again(const struct removals *r, bool ldif)
{
    struct removals some = {.list = calloc(r->count + 1, sizeof(*r->list))}, again;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    MUST(to != NULL && some.list != NULL);
    for (size_t i = 0; i < r->count; i++) {
        if (ldif && !dn_valid(r->list[i].org))
            continue;
        some.list[some.count++] = r->list[i];
        (ldif ? write_ldif : write_json)(to, &r->list[i]);
    }
    MUST(fclose(to) == 0);
    MUST(read_log(text, size, &again) == EX_OK);
    is_same(&some, &again, ldif);
    removals_clear(&again);
    free(some.list);
    free(text);
}

/* A log that was read to its end, and goes on with half an event, is cut there. */
static void
reports_cut(const char *text, const struct removals *r)
{
    static const char *const halves[] = {"\n{\"id\":\"x\",\n", "\n\ndn: patEventId=x,ou"};

    for (size_t i = 0; !r->cut && i < 2; i++) {
        char first = text[strspn(text, " \t\r\n")];
        bool json = first == '{' || first == '[';
        struct removals more;
        char *longer = NULL;

        if (json != (i == 0))
            continue;
        MUST(asprintf(&longer, "%s%s", text, halves[i]) > 0);
        MUST(read_log(longer, strlen(longer), &more) == EX_OK);
        MUST(more.cut && more.count == r->count);
        removals_clear(&more);
        free(longer);
    }
}

/* What replay makes of the values. */
static void
uses(const struct removal *e)
{
    char *filter = filter_make("(patId=%s)", e->target);
    char *value = dn_value(e->target), *parent = dn_parent(e->target, 1);

    MUST(filter != NULL && strncmp(filter, "(patId=", 7) == 0);
    MUST(strcspn(filter + 7, "()*") == strlen(filter) - 8);
    MUST(!dn_valid(e->target) || dn_equal(e->target, e->target));
    MUST(dn_equal(e->target, e->org) == dn_equal(e->org, e->target));
    free(parent);
    free(value);
    free(filter);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_text = size == 0 || memchr(data, '\0', size) == NULL;
    char *text = fuzz_string(data, size);
    struct removals r;
    int rc = read_log((const char *)data, size, &r);

    MUST(rc == (is_text ? EX_OK : EX_NOINPUT));
    MUST(is_text || r.count == 0);
    is_whole(&r);
    if (is_text)
        reports_cut(text, &r);
    for (size_t i = 0; i < r.count; i++)
        uses(&r.list[i]);
    reads_again(&r, false);
    reads_again(&r, true);
    removals_clear(&r);
    free(text);
    return 0;
}
