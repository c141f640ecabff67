/* SPDX-License-Identifier: BSD-2-Clause */
#include "connect_url.h"

#include <string.h>

#include "unit.h"

struct url_case {
    const char *name; /* the address */
    const char *why;  /* a part of the reason; NULL: it is accepted */
};

static const struct url_case http[] = {
    {"https://mcp.example.com", NULL},
    {"https://mcp.example.com/x?a=b&c=%22", NULL},
    {"HTTPS://MCP.example.com:8443/mcp/", NULL},
    {"https://mcp_1.example.com./it's", NULL},
    {"https://[2001:db8::1]:443/x", NULL},
    {"https://192.0.2.1/", NULL},
    {"http://localhost:8000/mcp", NULL},
    {"http://127.0.0.1/", NULL},
    {"http://127.9.9.9:1", NULL},
    {"http://[::1]:8000/mcp", NULL},
    {"http://mcp.example.com/", "in clear"},
    {"http://192.0.2.1/", "in clear"},
    {"http://[2001:db8::1]/", "in clear"},
    {"http://localhost.example.com/", "in clear"},
    {"http://127.0.0.1.example.com/", "in clear"},
    {"http://127.1/", "in clear"},
    {"", "https://HOST"},
    {"mcp.example.com", "https://HOST"},
    {"bob@mcp.example.com", "https://HOST"},
    {"ftp://mcp.example.com/", "https://HOST"},
    {"ssh://mcp.example.com/", "https://HOST"},
    {"file:///etc/passwd", "https://HOST"},
    {"javascript:alert(1)", "https://HOST"},
    {"https:/mcp.example.com", "https://HOST"},
    {"https://", "host or port"},
    {"https:///mcp", "host or port"},
    {"https://?x", "host or port"},
    {"https://:443/", "host or port"},
    {"https://-x/", "host or port"},
    {"https://a b/", "%20"},
    {"https://mcp.example.com:0/", "host or port"},
    {"https://mcp.example.com:65536/", "host or port"},
    {"https://mcp.example.com:443x/", "host or port"},
    {"https://mcp.example.com:/", "host or port"},
    {"https://[::1/", "host or port"},
    {"https://[::1]x/", "host or port"},
    {"https://[1.2.3.4]/", "host or port"},
    {"https://2001:db8::1/", "host or port"},
    {"https://bob:secret@mcp.example.com/", "remove user"},
    {"http://localhost@mcp.example.com/", "remove user"},
    {"https://mcp.example.com/#x", "remove #"},
    {"https://mcp.example.com/${HOME}", "%24"},
    {"https://mcp.example.com/$HOME", "%24"},
    {"https://mcp.example.com/[1-9]", "%5B"},
    {"https://mcp.example.com/{a}", "%7B"},
    {"https://mcp.example.com/100%", "%25"},
    {"https://mcp.example.com/%2", "%25"},
    {"https://mcp.example.com/\"", "%22"},
    {"https://mcp.example.com/\n", "%0A"},
    {"https://mcp.example.com/\xc3\xbc", "%C3"},
};

static const struct url_case ssh[] = {
    {"bastion", NULL},
    {"bob@bastion.example.com", NULL},
    {"git-1.x_y@192.0.2.1", NULL},
    {"bob@2001:db8::1", NULL},
    {"::1", NULL},
    {"ssh://bob@bastion.example.com:2222", NULL},
    {"ssh://bastion/", NULL},
    {"ssh://bob@[2001:db8::1]:22", NULL},
    {"", "USER@HOST"},
    {"https://mcp.example.com", "USER@HOST"},
    {"http://bob@mcp.example.com", "USER@HOST"},
    {"bob@bastion:22", "USER@HOST"},
    {"bob@bastion/x", "USER@HOST"},
    {"ssh://bob@bastion/x", "USER@HOST"},
    {"ssh://", "USER@HOST"},
    {"ssh://bastion:0", "USER@HOST"},
    {"-oProxyCommand=x", "USER@HOST"},
    {"bob@-oProxyCommand", "USER@HOST"},
    {"-bob@bastion", "user's name"},
    {"@bastion", "user's name"},
    {"@::1", "user's name"},
    {"b$b@bastion", "user's name"},
    {"bob:secret@::1", "user's name"},
    {"a b@bastion", "user's name"},
    {"bob@bas tion", "USER@HOST"},
    {"bob@bastion;id", "USER@HOST"},
    {"bob@alice@bastion", "USER@HOST"},
};

static void
check(const struct url_case *c, bool (*accepts)(const char *, char *, size_t))
{
    char why[256] = "";
    bool accepted = accepts(c->name, why, sizeof(why));

    if (c->why == NULL) {
        unit_check_string("why", why, "");
        assert_true(accepted);
        return;
    }
    assert_false(accepted);
    if (strstr(why, c->why) == NULL)
        unit_check_string("why", why, c->why);
}

static void
test_http(void **state)
{
    check(*state, connect_url_http);
}

static void
test_ssh(void **state)
{
    check(*state, connect_url_ssh);
}

int
main(void)
{
    UNIT_TABLE("http", test_http, http);
    UNIT_TABLE("ssh", test_ssh, ssh);
    return unit_run("connect_url_test");
}
