/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limits of a token, against plainer implementations. Three lines: of services two
 * patterns and a name, of sources two networks and an address.
 */
#include <arpa/inet.h>

#include "fuzz.h"
#include "scope.h"

#define TEXT_MAX 256 /* of a pattern or name: the plain way takes their product */

/* Character by character, with all that a star may stand for at once. */
static bool
matches_plainly(const char *pattern, const char *name)
{
    bool can[TEXT_MAX + 1] = {true}; /* so many characters of the name are matched */
    size_t len = strlen(name);

    for (; *pattern != '\0'; pattern++) {
        bool next[TEXT_MAX + 1] = {false};

        for (size_t i = 0; i <= len; i++)
            if (*pattern == '*')
                next[i] = can[i] || (i > 0 && next[i - 1]);
            else
                next[i] = i > 0 && can[i - 1] && name[i - 1] == *pattern;
        memcpy(can, next, sizeof(can));
    }
    return can[len];
}

static void
matches_services(const char *wide, const char *narrow, const char *name)
{
    if (strlen(wide) > TEXT_MAX || strlen(narrow) > TEXT_MAX || strlen(name) > TEXT_MAX)
        return;
    (void)pat_service_valid(wide);
    MUST(pat_glob_match(wide, name) == matches_plainly(wide, name));
    MUST(pat_glob_match(narrow, name) == matches_plainly(narrow, name));
    if (pat_glob_covers(wide, narrow) && pat_glob_match(narrow, name) &&
        strchr(name, '*') == NULL)
        MUST(pat_glob_match(wide, name));
}

static bool
is_v4(const struct pat_network *net)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(net->addr, mapped, sizeof(mapped)) == 0;
}

static bool
contains_plainly(const struct pat_network *net, const struct pat_network *addr)
{
    if (net->prefix_len < 96 && is_v4(addr))
        return false;
    for (unsigned bit = 0; bit < net->prefix_len; bit++)
        if (((net->addr[bit / 8] ^ addr->addr[bit / 8]) >> (7 - bit % 8) & 1) != 0)
            return false;
    return true;
}

static void
writes_network(const struct pat_network *net)
{
    char text[INET6_ADDRSTRLEN + 8];
    bool v4 = is_v4(net) && net->prefix_len >= 96;
    struct pat_network again;

    MUST(net->prefix_len <= 128);
    MUST(inet_ntop(v4 ? AF_INET : AF_INET6, net->addr + (v4 ? 12 : 0), text,
             sizeof(text)) != NULL);
    (void)snprintf(text + strlen(text), 8, "/%u", net->prefix_len - (v4 ? 96 : 0));
    MUST(pat_network_parse(text, &again) == PAT_OK);
    MUST(again.prefix_len == net->prefix_len);
    MUST(memcmp(again.addr, net->addr, sizeof(again.addr)) == 0);
}

static void
matches_sources(const char *wide, const char *narrow, const char *address)
{
    struct pat_network w, n, a;
    bool have_wide = pat_network_parse(wide, &w) == PAT_OK;
    bool have_narrow = pat_network_parse(narrow, &n) == PAT_OK;
    bool have_address = pat_address_parse(address, &a) == PAT_OK;

    if (have_wide)
        writes_network(&w);
    if (have_address)
        MUST(a.prefix_len == 128 && pat_network_contains(&a, &a));
    if (have_wide && have_address)
        MUST(pat_network_contains(&w, &a) == contains_plainly(&w, &a));
    if (have_wide && have_narrow && have_address && pat_network_covers(&w, &n) &&
        pat_network_contains(&n, &a))
        MUST(pat_network_contains(&w, &a));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *wide = fuzz_line(&in), *narrow = fuzz_line(&in), *name = fuzz_line(&in);

    matches_services(wide, narrow, name);
    matches_sources(wide, narrow, name);
    free(wide);
    free(narrow);
    free(name);
    return 0;
}
