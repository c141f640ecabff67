/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

#include "scope.h"

/* Services */

struct glob_row {
    const char *name;
    const char *pattern;
    const char *service;
    bool want;
};

static const struct glob_row globs[] = {
    {"equal", "sshd", "sshd", true},
    {"star alone", "*", "sshd", true},
    {"star alone, empty name", "*", "", true},
    {"star at the end", "ssh*", "sshd", true},
    {"star for nothing at the end", "sshd*", "sshd", true},
    {"star at the start", "*d", "sshd", true},
    {"star for nothing at the start", "*sshd", "sshd", true},
    {"star in the middle", "mcp-*-prod", "mcp-eu-prod", true},
    {"star for nothing in the middle", "ssh*d", "sshd", true},
    {"two stars", "*-mcp-*", "eu-mcp-1", true},
    {"stars in a row", "s**d", "sshd", true},
    {"a star that must be retried", "*ab", "aab", true},
    {"a star that must be retried, twice", "*ab*cd", "xabxabxcdcd", true},
    {"star matches a star", "a*", "a*", true},
    {"empty and empty", "", "", true},
    {"other name", "sshd", "imap", false},
    {"name goes on", "ssh", "sshd", false},
    {"name ends early", "sshd", "ssh", false},
    {"empty pattern", "", "sshd", false},
    {"empty name", "sshd", "", false},
    {"other case", "SSHD", "sshd", false},
    {"star, then another end", "*x", "sshd", false},
    {"star, then the end too early", "ssh*dd", "sshd", false},
    {"start wrong before the star", "x*", "sshd", false},
    {"both ends of the pattern in one character", "a*a", "a", false},
    {"part between stars missing", "*-mcp-*", "eu-git-1", false},
    {"half of a part, and its end further on", "*ab", "axb", false},
    {"parts in the other order", "*b*a", "ab", false},
    {"a question mark is no wildcard", "ssh?", "sshd", false},
    {"brackets are no wildcard", "ssh[d]", "sshd", false},
    {"a dot is no wildcard", "ssh.", "sshd", false},
    {"a backslash escapes nothing", "ssh\\d", "sshd", false},
};

static void
glob(void **state)
{
    const struct glob_row *row = *state;

    unit_check_int("match", pat_glob_match(row->pattern, row->service), row->want);
}

/* Exponential time, if stars recursed, would be for ever here. */
static void
glob_is_bounded(void **state)
{
    char pattern[252];
    const char *name = unit_repeat('a', 255);

    (void)state;
    for (size_t i = 0; i < 250; i += 2)
        memcpy(pattern + i, "*a", 2);
    memcpy(pattern + 250, "b", 2);
    assert_false(pat_glob_match(pattern, name));
}

struct text_row {
    const char *name;
    const char *text;
};

static const struct text_row services[] = {
    {"a name", "sshd"},
    {"a star", "*"},
    {"every kind of character", "aZ09._@-*"},
    {"a systemd-like name", "mcp@eu-1.prod"},
};

static void
service_valid(void **state)
{
    const struct text_row *row = *state;

    assert_true(pat_service_valid(row->text));
}

static const struct text_row no_services[] = {
    {"empty", ""},
    {"a space", "ssh d"},
    {"a space behind", "sshd "},
    {"a comma", "sshd,imap"},
    {"a slash", "../other"},
    {"a line break", "sshd\n"},
    {"a control character", "ssh\001d"},
    {"a high byte", "ssh\xff"},
    {"a question mark", "ssh?"},
    {"brackets", "[a-z]*"},
    {"a colon", "a:b"},
};

static void
service_invalid(void **state)
{
    const struct text_row *row = *state;

    assert_false(pat_service_valid(row->text));
}

static void
service_length(void **state)
{
    (void)state;
    assert_true(pat_service_valid(unit_repeat('x', 255)));
    assert_false(pat_service_valid(unit_repeat('x', 256)));
}

/* Sources */

struct network_row {
    const char *name;
    const char *network;
    const char *inside;  /* an address in it, or NULL */
    const char *outside; /* an address not in it, or NULL */
};

static const struct network_row networks[] = {
    {"v4 address", "192.0.2.7", "192.0.2.7", "192.0.2.8"},
    {"v4 address, one bit off", "192.0.2.6", "192.0.2.6", "192.0.2.7"},
    {"v4 /32", "192.0.2.7/32", "192.0.2.7", "192.0.2.6"},
    {"v4 /31", "192.0.2.6/31", "192.0.2.7", "192.0.2.8"},
    {"v4 /24, first", "192.0.2.0/24", "192.0.2.0", "192.0.1.255"},
    {"v4 /24, last", "192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
    {"v4 /23", "192.0.2.0/23", "192.0.3.255", "192.0.4.0"},
    {"v4 /25", "192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"v4 /12", "172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
    {"v4 /8", "10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
    {"v4 /1", "128.0.0.0/1", "255.255.255.255", "127.255.255.255"},
    {"v4 /0 holds all of v4", "0.0.0.0/0", "255.255.255.255", NULL},
    {"v4 /0 holds no v6", "0.0.0.0/0", "0.0.0.0", "2001:db8::1"},
    {"v4 host bits do not count", "192.0.2.77/24", "192.0.2.1", "192.0.3.77"},
    {"v4 holds mapped v4", "192.0.2.0/24", "::ffff:192.0.2.7", "::ffff:192.0.3.7"},
    {"v4 holds mapped v4 in hexadecimal", "192.0.2.0/24", "::ffff:c000:207", NULL},
    {"v4 holds no compatible v4", "192.0.2.0/24", NULL, "::192.0.2.7"},
    {"v4 holds no NAT64", "192.0.2.0/24", NULL, "64:ff9b::192.0.2.7"},
    {"mapped network holds v4", "::ffff:192.0.2.0/120", "192.0.2.7", "192.0.3.7"},
    {"mapped network of all v4", "::ffff:0:0/96", "203.0.113.9", "::1"},
    {"v6 address", "2001:db8::1", "2001:db8::1", "2001:db8::2"},
    {"v6 address, other writing", "2001:DB8:0:0::1", "2001:db8::1", "2001:db8:1::1"},
    {"v6 /128", "2001:db8::1/128", "2001:db8::1", "2001:db8::"},
    {"v6 /127", "2001:db8::/127", "2001:db8::1", "2001:db8::2"},
    {"v6 /64, last", "2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::"},
    {"v6 /48", "2001:db8:7::/48", "2001:db8:7:ffff::1", "2001:db8:8::1"},
    {"v6 /33", "2001:db8:8000::/33", "2001:db8:ffff::1", "2001:db8:7fff::1"},
    {"v6 /32", "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
    {"v6 /10", "fe80::/10", "febf::1", "fec0::1"},
    {"v6 /1", "8000::/1", "ffff::", "7fff::1"},
    {"v6 /0 holds all of v6", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    {"v6 /0 holds no v4", "::/0", "::1", "192.0.2.7"},
    {"v6 /0 holds no mapped v4", "::/0", "::", "::ffff:192.0.2.7"},
    {"v6 /95 above the mapped ones holds no v4", "::fffe:0:0/95", "::fffe:1:1",
        "192.0.2.7"},
    {"v6 host bits do not count", "2001:db8::77/64", "2001:db8::1", "2001:db8:1::77"},
    {"v6 holds an address with a zone", "fe80::/10", "fe80::1%eth0", NULL},
    {"v6 /128 holds its address with a zone", "fe80::1", "fe80::1%2", "fe80::2%2"},
    {"loopback is loopback of its family", "127.0.0.1", "127.0.0.1", "::1"},
};

static void
contains(void **state)
{
    const struct network_row *row = *state;
    struct pat_network net = {0}, addr = {0};

    unit_check_err(pat_network_parse(row->network, &net), PAT_OK);
    if (row->inside != NULL) {
        unit_check_err(pat_address_parse(row->inside, &addr), PAT_OK);
        unit_check_int("inside", pat_network_contains(&net, &addr), true);
    }
    if (row->outside != NULL) {
        unit_check_err(pat_address_parse(row->outside, &addr), PAT_OK);
        unit_check_int("outside", pat_network_contains(&net, &addr), false);
    }
}

static const struct text_row no_networks[] = {
    {"empty", ""},
    {"a name", "bastion.example.com"},
    {"a name that looks like hexadecimal", "dead.beef"},
    {"a star", "*"},
    {"a v4 pattern", "192.0.2.*"},
    {"a range", "192.0.2.1-192.0.2.9"},
    {"a list", "192.0.2.1,192.0.2.2"},
    {"v4 of three parts", "192.0.2"},
    {"v4 of three parts and a length", "192.0.2/24"},
    {"v4 of five parts", "192.0.2.7.1"},
    {"v4 as one number", "3221225991"},
    {"v4 in hexadecimal", "0xc0.0.2.7"},
    {"v4 beyond a byte", "192.0.2.256"},
    {"v4 with an empty part", "192.0..7"},
    {"v4 with a leading dot", ".192.0.2.7"},
    {"v4 with a trailing dot", "192.0.2.7."},
    {"v4 with a leading zero", "192.0.2.07"},
    {"v4 with a leading zero in front", "010.0.0.1"},
    {"v4 with leading zeros and a length", "010.000.000.000/8"},
    {"v4 negative", "192.0.2.-7"},
    {"v4 with a port", "192.0.2.7:22"},
    {"v4 /33", "192.0.2.0/33"},
    {"v4 /128", "192.0.2.0/128"},
    {"v4 /999", "192.0.2.0/999"},
    {"v4 length that overflows", "192.0.2.0/4294967296"},
    {"v4 length that overflows to 24", "192.0.2.0/4294967320"},
    {"v6 /129", "2001:db8::/129"},
    {"v6 /256", "2001:db8::/256"},
    {"no length behind the slash", "192.0.2.0/"},
    {"no address before the slash", "/24"},
    {"a slash alone", "/"},
    {"two slashes", "192.0.2.0//24"},
    {"two lengths", "192.0.2.0/24/8"},
    {"a negative length", "192.0.2.0/-1"},
    {"a length with a plus", "192.0.2.0/+24"},
    {"a length with a space", "192.0.2.0/ 24"},
    {"a length with a space behind", "192.0.2.0/24 "},
    {"a length in hexadecimal", "192.0.2.0/0x18"},
    {"a length with a letter", "192.0.2.0/24a"},
    {"a length with a point", "192.0.2.0/24.0"},
    {"a length with a leading zero", "192.0.2.0/024"},
    {"a length of two zeros", "0.0.0.0/00"},
    {"a v6 length with a leading zero", "2001:db8::/064"},
    {"a mask for a length", "192.0.2.0/255.255.255.0"},
    {"a space in front", " 192.0.2.0/24"},
    {"a line break behind", "192.0.2.0\n"},
    {"v6 with two gaps", "2001::db8::1"},
    {"v6 with nine parts", "1:2:3:4:5:6:7:8:9"},
    {"v6 with seven parts", "1:2:3:4:5:6:7"},
    {"v6 with a part too long", "2001:0db80::1"},
    {"v6 with a letter beyond f", "2001:dbg::1"},
    {"v6 in brackets", "[2001:db8::1]"},
    {"v6 in brackets with a length", "[2001:db8::]/32"},
    {"v6 with three colons", "2001:db8:::1"},
    {"v6 ending in a colon", "2001:db8:"},
    {"v6 with a zone", "fe80::1%eth0"},
    {"v6 network with a zone", "fe80::%eth0/10"},
    {"mapped v4 beyond a byte", "::ffff:192.0.2.256"},
    {"longer than any address", "0000:0000:0000:0000:0000:0000:192.000.002.0007"},
    {"far longer than any address",
        "1111111111111111111111111111111111111111111111111111111111111111111111111111"},
};

static void
network_invalid(void **state)
{
    const struct text_row *row = *state;
    struct pat_network net = {{0}, 0}, before = net;

    unit_check_err(pat_network_parse(row->text, &net), PAT_ERR_MALFORMED);
    assert_memory_equal(&net, &before, sizeof(net));
}

struct address_row {
    const char *name;
    const char *text;
    const char *same_as;
};

static const struct address_row addresses[] = {
    {"v4", "192.0.2.7", "192.0.2.7"},
    {"v6", "2001:db8::1", "2001:db8::1"},
    {"mapped v4 is v4", "::ffff:192.0.2.7", "192.0.2.7"},
    {"mapped v4 in capitals is v4", "::FFFF:192.0.2.7", "192.0.2.7"},
    {"v6 with a zone by name", "fe80::1%eth0", "fe80::1"},
    {"v6 with a zone by number", "fe80::1%3", "fe80::1"},
    {"v6 with a long zone", "fe80::1%enp0s31f6.4094", "fe80::1"},
    {"the longest writing", "2001:0db8:0000:0000:0000:0000:192.100.200.100",
        "2001:db8::c064:c864"},
};

static void
address_valid(void **state)
{
    const struct address_row *row = *state;
    struct pat_network got = {0}, want = {0};

    unit_check_err(pat_address_parse(row->text, &got), PAT_OK);
    unit_check_err(pat_network_parse(row->same_as, &want), PAT_OK);
    assert_memory_equal(got.addr, want.addr, sizeof(got.addr));
    unit_check_int("length", got.prefix_len, 128);
}

static const struct text_row no_addresses[] = {
    {"empty", ""},
    {"a name", "client.example.com"},
    {"localhost", "localhost"},
    {"a name that begins like an address", "192.0.2.7.example.com"},
    {"a name in an address's clothes", "192.0.2.7.in-addr.arpa"},
    {"a network", "192.0.2.0/24"},
    {"a v6 network", "2001:db8::/32"},
    {"v4 with a zone", "192.0.2.7%eth0"},
    {"v4 with an empty zone", "192.0.2.7%"},
    {"a zone alone", "%eth0"},
    {"v4 with a port", "192.0.2.7:22"},
    {"v6 in brackets", "[2001:db8::1]"},
    {"a leading space", " 192.0.2.7"},
    {"a trailing space", "192.0.2.7 "},
    {"sshd's UNKNOWN", "UNKNOWN"},
    {"a terminal", "/dev/pts/3"},
    {"an X display", ":0"},
    {"two addresses", "192.0.2.7, 192.0.2.8"},
    {"v4 with leading zeros", "192.000.002.007"},
    {"v4 short form", "10.1"},
    {"longer than any address", "2001:0db8:0000:0000:0000:0000:0192.100.200.100"},
    {"far longer than any address",
        "1111111111111111111111111111111111111111111111111111111111111111111111111111"},
};

static void
address_invalid(void **state)
{
    const struct text_row *row = *state;
    struct pat_network addr = {0}, before = addr;

    unit_check_err(pat_address_parse(row->text, &addr), PAT_ERR_MALFORMED);
    assert_memory_equal(&addr, &before, sizeof(addr));
}

/* A network of each length holds what shares its bits, and not what differs in the last.
 */
static void
every_length(void **state)
{
    (void)state;
    for (unsigned bits = 1; bits <= 128; bits++) {
        struct pat_network net = {{0x20, 0x01, 0x0d, 0xb8}, bits}, addr = net;

        memset(net.addr + 4, 0xa5, 12);
        memset(addr.addr + 4, 0xa5, 12);
        if (!pat_network_contains(&net, &addr))
            fail_msg("/%u does not hold its own address", bits);
        addr.addr[(bits - 1) / 8] ^= (uint8_t)(0x80 >> ((bits - 1) % 8));
        if (pat_network_contains(&net, &addr))
            fail_msg("/%u does not look at its last bit", bits);
        if (bits == 128)
            continue;
        addr = net;
        addr.addr[bits / 8] ^= (uint8_t)(0x80 >> (bits % 8));
        if (!pat_network_contains(&net, &addr))
            fail_msg("/%u looks beyond its last bit", bits);
    }
}

/* Narrowing */

static const struct glob_row covers[] = {
    {"itself", "sshd", "sshd", true},
    {"a pattern itself", "ssh*", "ssh*", true},
    {"everything covers a name", "*", "sshd", true},
    {"everything covers a pattern", "*", "ssh*", true},
    {"everything covers everything", "*", "*", true},
    {"a longer beginning", "ssh*", "sshd-*", true},
    {"a longer end", "*-prod", "mcp-*-prod", true},
    {"a star where one was", "mcp-*-prod", "mcp-eu-*-prod", true},
    {"two stars within one", "a*d", "a*b*d", true},
    {"another name", "sshd", "imap", false},
    {"a name covers no pattern", "sshd", "ssh*", false},
    {"a name does not cover everything", "sshd", "*", false},
    {"a pattern does not cover everything", "ssh*", "*", false},
    {"a shorter beginning", "sshd-*", "ssh*", false},
    {"a shorter end", "mcp-*-prod", "*-prod", false},
    {"another end", "a*b", "a*c", false},
    {"an end given up", "a*b", "a*", false},
    {"a beginning given up", "a*b", "*b", false},
    {"a star between that was none", "ab", "a*b", false},
};

static void
glob_covers(void **state)
{
    const struct glob_row *row = *state;

    unit_check_int("covers", pat_glob_covers(row->pattern, row->service), row->want);
}

static const struct glob_row network_covers_rows[] = {
    {"itself", "192.0.2.0/24", "192.0.2.0/24", true},
    {"an address", "192.0.2.0/24", "192.0.2.7", true},
    {"a half", "192.0.2.0/24", "192.0.2.128/25", true},
    {"all of v4", "0.0.0.0/0", "192.0.2.0/24", true},
    {"v6", "2001:db8::/32", "2001:db8:1::/48", true},
    {"all of v6", "::/0", "2001:db8::/32", true},
    {"bits beyond the length do not count", "192.0.2.0/24", "192.0.2.99/25", true},
    {"twice as much", "192.0.2.0/24", "192.0.2.0/23", false},
    {"the neighbour", "192.0.2.0/24", "192.0.3.0/24", false},
    {"everything", "192.0.2.0/24", "0.0.0.0/0", false},
    {"an address covers no network", "192.0.2.7", "192.0.2.7/31", false},
    {"v6 for v4", "192.0.2.0/24", "2001:db8::/32", false},
    {"v4 for v6", "2001:db8::/32", "192.0.2.0/24", false},
    {"all of v6 for v4", "::/0", "192.0.2.0/24", false},
    {"all of v4 for all of v6", "0.0.0.0/0", "::/0", false},
};

static void
network_covers(void **state)
{
    const struct glob_row *row = *state;
    struct pat_network wide = {{0}, 0}, narrow = {{0}, 0};

    unit_check_err(pat_network_parse(row->pattern, &wide), PAT_OK);
    unit_check_err(pat_network_parse(row->service, &narrow), PAT_OK);
    unit_check_int("covers", pat_network_covers(&wide, &narrow), row->want);
}

struct fault_row {
    const char *name;
    const char *text;
    enum pat_address_fault want;
};

static const struct fault_row faults[] = {
    {"empty", "", PAT_ADDRESS_EMPTY},
    {"IPv4 with a port", "192.0.2.7:4711", PAT_ADDRESS_PORT},
    {"IPv4 with SASL's form of a port", "192.0.2.7;4711", PAT_ADDRESS_PORT},
    {"IPv6 with SASL's form of a port", "2001:db8::1;25", PAT_ADDRESS_PORT},
    {"IPv6 with a port", "[2001:db8::1]:443", PAT_ADDRESS_PORT},
    {"IPv6 in brackets", "[2001:db8::1]", PAT_ADDRESS_PORT},
    {"IPv6 with a zone and a port", "[fe80::1%eth0]:22", PAT_ADDRESS_PORT},
    {"IPv4 in brackets", "[192.0.2.7]", PAT_ADDRESS_PORT},
    {"a host name", "client.example.com", PAT_ADDRESS_NAME},
    {"a short host name", "localhost", PAT_ADDRESS_NAME},
    {"a host name that begins like an address", "192.0.2.7.example.com",
        PAT_ADDRESS_NAME},
    {"a host name with a port", "client.example.com:22", PAT_ADDRESS_OTHER},
    {"a number too large", "192.0.2.256", PAT_ADDRESS_OTHER},
    {"half an address", "192.0.2", PAT_ADDRESS_OTHER},
    {"a bracket alone", "[", PAT_ADDRESS_OTHER},
    {"a bracket that stays open", "[2001:db8::1", PAT_ADDRESS_OTHER},
    {"a port alone", ":22", PAT_ADDRESS_OTHER},
    {"a network", "192.0.2.0/24", PAT_ADDRESS_OTHER},
    {"a unix socket", "unix:", PAT_ADDRESS_OTHER},
    {"a blank", " ", PAT_ADDRESS_OTHER},
    {"a line break", "a\nb", PAT_ADDRESS_OTHER},
};

static void
address_fault(void **state)
{
    const struct fault_row *row = *state;
    struct pat_network addr;

    unit_check_err(pat_address_parse(row->text, &addr), PAT_ERR_MALFORMED);
    unit_check_int("fault", pat_address_fault(row->text), row->want);
}

int
main(void)
{
    UNIT_TABLE("glob", glob, globs);
    UNIT_TABLE("glob covers", glob_covers, covers);
    UNIT_TABLE("network covers", network_covers, network_covers_rows);
    unit_add("glob", "many stars take no time", glob_is_bounded, NULL);
    UNIT_TABLE("service", service_valid, services);
    UNIT_TABLE("no service", service_invalid, no_services);
    unit_add("service", "255 bytes and no more", service_length, NULL);
    UNIT_TABLE("network", contains, networks);
    unit_add("network", "every length", every_length, NULL);
    UNIT_TABLE("no network", network_invalid, no_networks);
    UNIT_TABLE("address", address_valid, addresses);
    UNIT_TABLE("no address", address_invalid, no_addresses);
    UNIT_TABLE("fault of an address", address_fault, faults);
    return unit_run("scope");
}
