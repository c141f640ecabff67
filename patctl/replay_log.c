/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_log.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "dn.h"
#include "say.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

void
removals_clear(struct removals *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->list[i].id);
        free(r->list[i].org);
        free(r->list[i].target);
    }
    free(r->list);
    *r = (struct removals){0};
}

static enum removal_kind
kind_of(const char *action)
{
    if (strcasecmp(action, "pat.revoked") == 0)
        return REMOVAL_TOKEN;
    if (strcasecmp(action, "org_member.removed") == 0)
        return REMOVAL_MEMBER;
    if (strcasecmp(action, "org_member.added") == 0 ||
        strcasecmp(action, "org_member.renamed") == 0 ||
        strcasecmp(action, "org_member.role_changed") == 0)
        return REMOVAL_NONE_MEMBER;
    return 0;
}

/* Copies the strings. Ignores events of other actions. Returns false if out of memory. */
static bool
add(struct removals *r, const char *action, const char *id, const char *org,
    const char *target)
{
    enum removal_kind kind = action == NULL ? 0 : kind_of(action);
    struct removal *e;

    if (kind == 0)
        return true;
    if (id == NULL || org == NULL || target == NULL || id[0] == '\0' || org[0] == '\0' ||
        target[0] == '\0') {
        r->damaged++;
        return true;
    }
    if (r->count == r->room) {
        size_t room = r->room == 0 ? 256 : 2 * r->room;
        struct removal *more = reallocarray(r->list, room, sizeof(*more));

        if (more == NULL)
            return false;
        r->list = more;
        r->room = room;
    }
    e = &r->list[r->count++];
    *e = (struct removal){kind, strdup(id), strdup(org), strdup(target)};
    return e->id != NULL && e->org != NULL && e->target != NULL;
}

/* --- JSON ----------------------------------------------------------------------------
 */

static const char *
member(struct json_object *o, const char *name)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(o, name, &value) ||
        !json_object_is_type(value, json_type_string) ||
        strlen(json_object_get_string(value)) !=
            (size_t)json_object_get_string_len(value))
        return NULL;
    return json_object_get_string(value);
}

static bool
add_json(struct removals *r, struct json_object *value)
{
    bool ok = true;

    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; ok && i < json_object_array_length(value); i++)
            ok = add_json(r, json_object_array_get_idx(value, i));
        return ok;
    }
    if (!json_object_is_type(value, json_type_object)) {
        r->damaged++;
        return true;
    }
    return add(r, member(value, "action"), member(value, "id"), member(value, "org_id"),
        member(value, "target_id"));
}

/* Reads JSON values one after the other. */
static int
read_json(struct removals *r, const char *text, size_t len)
{
    struct json_tokener *tokener = json_tokener_new();
    int rc = tokener == NULL ? say_no_memory() : EX_OK;

    while (rc == EX_OK && len > 0 && !r->cut) {
        int piece = len > (1 << 20) ? 1 << 20 : (int)len;
        struct json_object *value = json_tokener_parse_ex(tokener, text, piece);
        enum json_tokener_error err = json_tokener_get_error(tokener);
        size_t used = json_tokener_get_parse_end(tokener);

        if (err == json_tokener_continue) {
            text += piece;
            len -= (size_t)piece;
            r->cut = len == 0;
            continue;
        }
        if (err != json_tokener_success) {
            r->cut = true;
            break;
        }
        if (!add_json(r, value))
            rc = say_no_memory();
        (void)json_object_put(value);
        text += used;
        len -= used;
        while (len > 0 && strchr(" \t\r\n", *text) != NULL) {
            text++;
            len--;
        }
    }
    if (tokener != NULL)
        json_tokener_free(tokener);
    return rc;
}

/* --- LDIF ----------------------------------------------------------------------------
 */

/* Decodes in place. Returns the length, or -1. */
static int
decode_base64(char *text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, n = 0;
    char *to = text;
    const char *p;
    size_t pad;

    for (p = text; *p != '\0' && *p != '='; p++) {
        const char *at = strchr(digits, *p);

        if (at == NULL)
            return -1;
        bits = (bits << 6 | (unsigned)(at - digits)) & 0xFFFFFF;
        n += 6;
        if (n >= 8) {
            n -= 8;
            *to++ = (char)(bits >> n & 0xFF);
            if (to[-1] == '\0')
                return -1;
        }
    }
    pad = strspn(p, "=");
    if (p[pad] != '\0' || pad > 2 || ((size_t)(p - text) + pad) % 4 != 0)
        return -1;
    *to = '\0';
    return (int)(to - text);
}

/* The values of the current entry; they point into the text. */
struct record {
    char *dn, *action, *id, *target;
    bool damaged;
};

static void
record_line(struct record *e, char *line)
{
    char *colon = strchr(line, ':'), *value;
    const struct {
        const char *name;
        char **place;
    } wanted[] = {{"dn", &e->dn}, {"patAction", &e->action}, {"patEventId", &e->id},
        {"patTarget", &e->target}};

    if (colon == NULL)
        return;
    *colon = '\0';
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strcasecmp(line, wanted[i].name) != 0)
            continue;
        value = colon + 1 + strspn(colon + 1, colon[1] == ':' ? ": " : " ");
        if (colon[1] == '<' || (colon[1] == ':' && decode_base64(value) < 0))
            e->damaged = true;
        else
            *wanted[i].place = value;
    }
}

/* Adds the event of the entry, which is two levels below its org. */
static bool
record_end(struct record *e, struct removals *r)
{
    char *org = e->dn != NULL && dn_valid(e->dn) ? dn_parent(e->dn, 2) : NULL;
    bool ok = true;

    if (e->damaged)
        r->damaged++;
    else
        ok = add(r, e->action, e->id, org, e->target);
    free(org);
    *e = (struct record){0};
    return ok;
}

/* Joins continuation lines, which begin with a blank, in place. */
static void
unfold(char *text)
{
    char *to = text;

    for (const char *p = text; *p != '\0'; p++) {
        if (p[0] == '\r' && p[1] == '\n')
            continue;
        if (p[0] == '\n' && p[1] == ' ')
            p++;
        else
            *to++ = *p;
    }
    *to = '\0';
}

static int
read_ldif(struct removals *r, char *text)
{
    struct record e = {0};
    char *next;
    bool ok = true;

    unfold(text);
    for (char *line = text; ok && line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        else
            r->cut = line[0] != '\0';
        if (line[0] == '\0')
            ok = record_end(&e, r);
        else if (line[0] != '#')
            record_line(&e, line);
    }
    /* The last value of a file that is cut may be another one than it was. */
    ok = ok && (r->cut || record_end(&e, r));
    return ok ? EX_OK : say_no_memory();
}

/* --- the file ------------------------------------------------------------------------
 */

static int
read_all(FILE *f, const char *path, char **ret, size_t *ret_len)
{
    size_t room = 1 << 16, len = 0, n = 1;
    char *text = malloc(room + 1);

    while (text != NULL && n > 0 && len < FILE_MAX_BYTES) {
        char *more;

        // cppcheck-suppress pointerOutOfBoundsCond
        n = fread(text + len, 1, room - len, f);
        len += n;
        if (len < room)
            continue;
        room *= 2;
        more = realloc(text, room + 1);
        if (more == NULL)
            free(text);
        text = more;
    }
    if (text == NULL)
        return say_no_memory();
    text[len] = '\0';
    *ret = text;
    *ret_len = len;
    if (!ferror(f) && feof(f) && memchr(text, '\0', len) == NULL)
        return EX_OK;
    say_error("%s: cannot be read: it must be text of at most 1 GiB", path);
    return EX_NOINPUT;
}

static int
compare(const void *a, const void *b)
{
    const struct removal *x = a, *y = b;

    return strcmp(x->id, y->id);
}

int
removals_read(const char *path, struct removals *ret)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "re");
    char *text = NULL, *begin;
    size_t len = 0;
    int rc;

    if (f == NULL) {
        say_error("%s: %s", path, strerror(errno));
        return EX_NOINPUT;
    }
    rc = read_all(f, path, &text, &len);
    if (!is_stdin)
        (void)fclose(f);
    if (rc == EX_OK && text != NULL) {
        begin = text + strspn(text, " \t\r\n");
        rc = *begin == '{' || *begin == '['
                 ? read_json(ret, begin, len - (size_t)(begin - text))
                 : read_ldif(ret, text);
    }
    if (rc == EX_OK && ret->count > 0)
        qsort(ret->list, ret->count, sizeof(*ret->list), compare);
    free(text);
    return rc;
}
