/* SPDX-License-Identifier: BSD-2-Clause */
#include "ldap_guard.h"

#include <errno.h>
#include <string.h>

#define TAG_SEQUENCE    0x30
#define TAG_INTEGER     0x02
#define LENGTH_LONG     0x80 /* the rest of the byte: how many bytes of length follow */
#define NUMBER_SIZE_MAX 4

static const char too_long[] = "the answer is too long";
static const char no_message[] = "what answers there does not speak LDAP";
static const char notice[] = "the server ends the connection";

/* The length is known, or what is known of it is too much. */
static const char *
begin_message(struct pat_ldap_guard *g)
{
    g->stage = PAT_LDAP_ID_TAG;
    if (g->length > g->max)
        return too_long;
    return g->length >= 2 ? NULL : no_message;
}

static const char *
take_length(struct pat_ldap_guard *g, uint8_t byte)
{
    if (byte < LENGTH_LONG) {
        g->length = byte;
        return begin_message(g);
    }
    g->length = 0;
    g->more = byte & (LENGTH_LONG - 1U);
    g->stage = PAT_LDAP_LENGTH_MORE;
    return g->more >= 1 && g->more <= NUMBER_SIZE_MAX ? NULL : no_message;
}

static const char *
take_more_length(struct pat_ldap_guard *g, uint8_t byte)
{
    g->length = g->length << 8 | byte;
    return --g->more > 0 ? NULL : begin_message(g);
}

static const char *
take_id_length(struct pat_ldap_guard *g, uint8_t byte)
{
    g->id = 0;
    g->more = byte;
    g->stage = PAT_LDAP_ID;
    return byte >= 1 && byte <= NUMBER_SIZE_MAX && byte <= g->length ? NULL : no_message;
}

static const char *
take_id(struct pat_ldap_guard *g, uint8_t byte)
{
    g->id = g->id << 8 | byte;
    if (--g->more > 0)
        return NULL;
    g->stage = g->length > 0 ? PAT_LDAP_BODY : PAT_LDAP_TAG;
    return g->id != 0 ? NULL : notice;
}

/* What is wrong with this byte, or NULL. */
static const char *
take_byte(struct pat_ldap_guard *g, uint8_t byte)
{
    if (g->stage >= PAT_LDAP_ID_TAG)
        g->length--;
    switch (g->stage) {
    case PAT_LDAP_TAG:
        g->stage = PAT_LDAP_LENGTH;
        return byte == TAG_SEQUENCE ? NULL : no_message;
    case PAT_LDAP_LENGTH:
        return take_length(g, byte);
    case PAT_LDAP_LENGTH_MORE:
        return take_more_length(g, byte);
    case PAT_LDAP_ID_TAG:
        g->stage = PAT_LDAP_ID_LENGTH;
        return byte == TAG_INTEGER ? NULL : no_message;
    case PAT_LDAP_ID_LENGTH:
        return take_id_length(g, byte);
    case PAT_LDAP_ID:
        return take_id(g, byte);
    case PAT_LDAP_BODY:
        break;
    }
    if (g->length == 0)
        g->stage = PAT_LDAP_TAG;
    return NULL;
}

static ber_slen_t
refuse(struct pat_ldap_guard *g, const char *what)
{
    g->what = what;
    errno = EPROTO;
    return -1;
}

static ber_slen_t
read_guarded(Sockbuf_IO_Desc *layer, void *buf, ber_len_t len)
{
    struct pat_ldap_guard *g = layer->sbiod_pvt;
    const uint8_t *bytes = buf;
    ber_slen_t n;

    if (g->what != NULL || g->allowed == 0)
        return refuse(g, g->what != NULL ? g->what : too_long);
    n = LBER_SBIOD_READ_NEXT(layer, buf, len < g->allowed ? len : g->allowed);
    for (ber_slen_t i = 0; i < n; i++) {
        const char *what = take_byte(g, bytes[i]);

        if (what != NULL)
            return refuse(g, what);
    }
    if (n > 0)
        g->allowed -= (size_t)n;
    return n;
}

static int
setup(Sockbuf_IO_Desc *layer, void *arg)
{
    layer->sbiod_pvt = arg;
    return 0;
}

static int
remove_or_close(Sockbuf_IO_Desc *layer)
{
    (void)layer;
    return 0;
}

static int
ctrl(Sockbuf_IO_Desc *layer, int opt, void *arg)
{
    return LBER_SBIOD_CTRL_NEXT(layer, opt, arg);
}

static ber_slen_t
write_through(Sockbuf_IO_Desc *layer, void *buf, ber_len_t len)
{
    return LBER_SBIOD_WRITE_NEXT(layer, buf, len);
}

bool
pat_ldap_guard_install(struct pat_ldap_guard *guard, size_t max, Sockbuf *sb)
{
    static Sockbuf_IO io = {
        setup, remove_or_close, ctrl, read_guarded, write_through, remove_or_close};

    memset(guard, 0, sizeof(*guard));
    guard->max = max;
    return ber_sockbuf_add_io(sb, &io, LBER_SBIOD_LEVEL_APPLICATION, guard) == 0;
}

void
pat_ldap_guard_allow(struct pat_ldap_guard *guard)
{
    guard->allowed = guard->max;
}

bool
pat_ldap_guard_is_too_long(const struct pat_ldap_guard *guard)
{
    return guard->what == too_long;
}

bool
pat_ldap_guard_was_used(const struct pat_ldap_guard *guard)
{
    return guard->allowed < guard->max;
}
