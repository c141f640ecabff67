/* SPDX-License-Identifier: BSD-2-Clause */
#include "ldap_cork.h"

#include <fcntl.h>
#include <string.h>

static int
setup(Sockbuf_IO_Desc *layer, void *arg)
{
    struct pat_ldap_cork *cork = arg;

    layer->sbiod_pvt = cork;
    cork->layer = layer;
    cork->on = false;
    cork->keep_nonblocking = false;
    cork->len = 0;
    return 0;
}

static int
remove_layer(Sockbuf_IO_Desc *layer)
{
    struct pat_ldap_cork *cork = layer->sbiod_pvt;

    cork->layer = NULL;
    return 0;
}

static int
ctrl(Sockbuf_IO_Desc *layer, int opt, void *arg)
{
    return LBER_SBIOD_CTRL_NEXT(layer, opt, arg);
}

void
pat_ldap_cork_nonblocking(struct pat_ldap_cork *cork)
{
    int fd = -1;

    if (ber_sockbuf_ctrl(cork->layer->sbiod_sb, LBER_SB_OPT_GET_FD, &fd) == 1)
        (void)fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
}

static ber_slen_t
read_through(Sockbuf_IO_Desc *layer, void *buf, ber_len_t len)
{
    struct pat_ldap_cork *cork = layer->sbiod_pvt;

    if (cork->keep_nonblocking)
        pat_ldap_cork_nonblocking(cork);
    return LBER_SBIOD_READ_NEXT(layer, buf, len);
}

/*
 * Our requests are small, and the socket's buffer is empty when they are sent, since
 * nothing is outstanding then. What it does not take at once is taken for a broken
 * connection.
 */
static bool
flush(struct pat_ldap_cork *cork)
{
    size_t len = cork->len;

    cork->len = 0;
    return len == 0 ||
           LBER_SBIOD_WRITE_NEXT(cork->layer, cork->buf, len) == (ber_slen_t)len;
}

static ber_slen_t
write_or_keep(Sockbuf_IO_Desc *layer, void *buf, ber_len_t len)
{
    struct pat_ldap_cork *cork = layer->sbiod_pvt;

    if (cork->on && len <= sizeof(cork->buf) - cork->len) {
        memcpy(cork->buf + cork->len, buf, len);
        cork->len += len;
        return (ber_slen_t)len;
    }
    if (!flush(cork))
        return -1;
    return LBER_SBIOD_WRITE_NEXT(layer, buf, len);
}

static int
close_layer(Sockbuf_IO_Desc *layer)
{
    (void)layer;
    return 0;
}

bool
pat_ldap_cork_install(struct pat_ldap_cork *cork, Sockbuf *sb)
{
    static Sockbuf_IO io = {
        setup, remove_layer, ctrl, read_through, write_or_keep, close_layer};

    return ber_sockbuf_add_io(sb, &io, LBER_SBIOD_LEVEL_PROVIDER, cork) == 0;
}

void
pat_ldap_cork_on(struct pat_ldap_cork *cork)
{
    cork->on = true;
}

bool
pat_ldap_cork_off(struct pat_ldap_cork *cork)
{
    cork->on = false;
    return flush(cork);
}
