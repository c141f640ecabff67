/* SPDX-License-Identifier: BSD-2-Clause */
#include "scope.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

/* A star that failed is retried one character further on: no recursion, O(n * m). */
bool
pat_glob_match(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;

    while (*name != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/*
 * A star in `narrow` is taken as one more character, of a kind that only a star of `wide`
 * matches: whatever it stands for, that star may swallow it.
 */
bool
pat_glob_covers(const char *wide, const char *narrow)
{
    return pat_glob_match(wide, narrow);
}

bool
pat_service_valid(const char *pattern)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz._@*-";
    size_t len = strlen(pattern);

    return len >= 1 && len <= 255 && strspn(pattern, alphabet) == len;
}

static enum pat_err
parse_address(const char *text, struct pat_network *ret, bool *ret_v4)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        memcpy(ret->addr, v4_mapped, 12);
        memcpy(ret->addr + 12, &v4, 4);
        *ret_v4 = true;
    } else if (inet_pton(AF_INET6, text, &v6) == 1) {
        memcpy(ret->addr, &v6, 16);
        *ret_v4 = false;
    } else {
        return PAT_ERR_MALFORMED;
    }
    ret->prefix_len = 128;
    return PAT_OK;
}

/*
 * One to three digits, without leading zeros, which some read as octal; the range is
 * checked by who knows the family.
 */
static bool
parse_length(const char *s, unsigned *ret)
{
    unsigned value = 0;
    size_t len = strlen(s);

    if (len < 1 || len > 3 || strspn(s, "0123456789") != len || (s[0] == '0' && len > 1))
        return false;
    for (; *s != '\0'; s++)
        value = value * 10 + (unsigned)(*s - '0');
    *ret = value;
    return true;
}

enum pat_err
pat_network_parse(const char *s, struct pat_network *ret)
{
    char text[INET6_ADDRSTRLEN];
    size_t len = strcspn(s, "/");
    struct pat_network net = {0};
    unsigned bits;
    bool v4 = false;

    if (len >= sizeof(text))
        return PAT_ERR_MALFORMED;
    memcpy(text, s, len);
    text[len] = '\0';
    if (parse_address(text, &net, &v4) != PAT_OK)
        return PAT_ERR_MALFORMED;
    if (s[len] == '/') {
        if (!parse_length(s + len + 1, &bits) || bits > (v4 ? 32U : 128U))
            return PAT_ERR_MALFORMED;
        net.prefix_len = v4 ? 96 + bits : bits;
    }
    *ret = net;
    return PAT_OK;
}

enum pat_err
pat_address_parse(const char *s, struct pat_network *ret)
{
    char text[INET6_ADDRSTRLEN];
    size_t len = strcspn(s, "%");
    struct pat_network addr = {0};
    bool v4 = false;

    if (len >= sizeof(text))
        return PAT_ERR_MALFORMED;
    memcpy(text, s, len);
    text[len] = '\0';
    if (parse_address(text, &addr, &v4) != PAT_OK || (v4 && s[len] == '%'))
        return PAT_ERR_MALFORMED;
    *ret = addr;
    return PAT_OK;
}

/* Returns whether `s` is ADDRESS:PORT, ADDRESS;PORT or [ADDRESS], with or without a port.
 */
static bool
has_port(const char *s)
{
    char text[INET6_ADDRSTRLEN];
    struct pat_network addr;
    bool bracket = s[0] == '[';
    size_t len = bracket ? strcspn(++s, "]") : strcspn(s, ":;");

    if (!bracket && s[len] == ':' && strchr(s + len + 1, ':') != NULL)
        len = strcspn(s, ";"); /* IPv6 */
    if (len >= sizeof(text) || s[len] == '\0')
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    return pat_address_parse(text, &addr) == PAT_OK;
}

enum pat_address_fault
pat_address_fault(const char *s)
{
    static const char name[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz._-";

    if (s[0] == '\0')
        return PAT_ADDRESS_EMPTY;
    if (has_port(s))
        return PAT_ADDRESS_PORT;
    /* Of digits and dots alone it is a mistyped address. */
    if (s[strspn(s, name)] == '\0' && s[strspn(s, "0123456789.")] != '\0')
        return PAT_ADDRESS_NAME;
    return PAT_ADDRESS_OTHER;
}

/*
 * A v6 network shorter than the mapped prefix would hold all of IPv4 (`::/0`): it means
 * IPv6 alone, as everywhere else.
 */
static bool
is_v4(const uint8_t addr[16])
{
    return memcmp(addr, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool
pat_network_contains(const struct pat_network *net, const struct pat_network *addr)
{
    unsigned whole = net->prefix_len / 8, rest = net->prefix_len % 8;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));

    if (net->prefix_len < 96 && is_v4(addr->addr))
        return false;
    if (memcmp(net->addr, addr->addr, whole) != 0)
        return false;
    return rest == 0 || ((net->addr[whole] ^ addr->addr[whole]) & mask) == 0;
}

bool
pat_network_covers(const struct pat_network *wide, const struct pat_network *narrow)
{
    return narrow->prefix_len >= wide->prefix_len && pat_network_contains(wide, narrow);
}
