/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decision, sentence by sentence. A name in quotation marks is the design's own word.
 * Each row says what differs from a live token of alice, a member of acme.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "strv.h"

#define NOW 1773500966 /* 20260314150926Z */

/* Instead of what is usual: no such string, no such attribute. */
#define ABSENT unit_absent
static const char *const absent_list[] = {NULL};
#define NONE  absent_list
#define EMPTY LIST(NULL) /* read, but without a value */

struct row {
    const char *name;
    enum pat_err want;
    const char *why; /* what the diagnostic says; NULL = nothing */

    /* The token's entry */
    const char *const *ids, *const *names, *const *owners, *const *expires;
    const char *const *revoked, *const *services, *const *sources;
    const char *org, *org_dn;
    /* The owner */
    bool owner_gone;
    const char *const *uids, *const *roles;
    /* The request */
    const char *user, *service, *source;
    bool any_user;
    const char *const *want_orgs, *const *want_roles; /* NULL = any */
    /* The policy and the clock */
    const char *const *role_order, *const *login_realms;
    bool login_org;
    int64_t at;

    /* Of an acceptance, what is not as usual */
    const char *id_out, *name_out, *user_out, *org_out, *role_out;
    int64_t expires_out;
};

#define X10  "xxxxxxxxxx"
#define X50  X10 X10 X10 X10 X10
#define X250 X50 X50 X50 X50 X50
#define C10  "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
#define C100 C10 C10 C10 C10 C10 C10 C10 C10 C10 C10

#define BAD_ID      "patId: there must be one, 1 to 64 of A-Z a-z 0-9 . _ -"
#define BAD_ORG     "it does not stand two levels below an org"
#define BAD_OWNER   "patOwner: there must be one"
#define BAD_EXPIRES "patExpires: there must be one, a generalizedTime"
#define BAD_SOURCE  "patSource: a value is not ADDRESS or ADDRESS/LENGTH"
#define BAD_UID     "uid of the owner must have 1 to 255 printable bytes"
#define BAD_ROLE    "patRole must have 1 to 255 printable bytes"
#define NO_ORG      "org acme is not accepted here"
#define NO_SERVICE  "patService does not list this service"
#define NO_SOURCE   "patSource does not list the client's address"
#define NO_ADDRESS  "patSource is set, and the client's address is not known"
#define PORT                                                                             \
    "patSource is set, and the service gave the client's address with a port: let it "   \
    "give the address alone"
#define HOST_NAME                                                                        \
    "patSource is set, and the service gave a host name: let it give the client's "      \
    "address (sshd: UseDNS no)"
#define ODD_ADDRESS                                                                      \
    "patSource is set, and what the service gave is no IPv4 or IPv6 address"
#define NO_OWNER  "owner does not exist, or does not match owner_filter"
#define NO_UID    "owner has no uid"
#define NO_USER   "the service named no user, or one of more than 255 bytes"
#define NO_ROLE   "owner has no role in org acme"
#define NO_MEMBER "role member is not accepted here"
#define NO_REALM                                                                         \
    "the login name has a realm; login_realms and login_org tell which are accepted"

static const struct row rows[] = {
    {"a live token of a member", .want = PAT_OK},

    /* The record */
    {"an id of 64 bytes", .ids = LIST(X50 X10 "xxxx"), .id_out = X50 X10 "xxxx"},
    {"an id of every kind of character", .ids = LIST("aZ09._-"), .id_out = "aZ09._-"},
    {"no id", PAT_ERR_RECORD, BAD_ID, .ids = NONE},
    {"an id without a value", PAT_ERR_RECORD, BAD_ID, .ids = EMPTY},
    {"an empty id", PAT_ERR_RECORD, BAD_ID, .ids = LIST("")},
    {"two ids", PAT_ERR_RECORD, BAD_ID, .ids = LIST("a1", "a2")},
    {"an id of 65 bytes", PAT_ERR_RECORD, BAD_ID, .ids = LIST(X50 X10 "xxxxx")},
    {"an id with a line break, which would forge a line of the log", PAT_ERR_RECORD,
        .ids = LIST("a1\nroot")},
    {"an id with a space", PAT_ERR_RECORD, .ids = LIST("a1 of alice")},
    {"an id with a high byte", PAT_ERR_RECORD, .ids = LIST("a\xe9")},
    {"no name", .names = NONE, .name_out = ""},
    {"an empty name", .names = LIST(""), .name_out = ""},
    {"two names: the first", .names = LIST("laptop", "desktop"), .name_out = "laptop"},
    {"a name of 255 bytes", .names = LIST(X250 "xxxxx"), .name_out = X250 "xxxxx"},
    {"a name of 256 bytes is cut", .names = LIST(X250 "xxxxxy"),
        .name_out = X250 "xxxxx"},
    {"a name of 600 bytes is cut", .names = LIST(X250 X250 X50 X50),
        .name_out = X250 "xxxxx"},
    {"a name that ends in 2 bytes at 255", .names = LIST(X250 "xxx\xc3\xa9"),
        .name_out = X250 "xxx\xc3\xa9"},
    {"a name is not cut within 2 bytes", .names = LIST(X250 "xxxx\xc3\xa9"),
        .name_out = X250 "xxxx"},
    {"a name is not cut within 3 bytes", .names = LIST(X250 "xxx\xe2\x82\xac"),
        .name_out = X250 "xxx"},
    {"a name is not cut within 4 bytes", .names = LIST(X250 "xx\xf0\x9f\x94\x91"),
        .name_out = X250 "xx"},
    {"a name is not cut after the first of 4 bytes",
        .names = LIST(X250 "xxxx\xf0\x9f\x94\x91"), .name_out = X250 "xxxx"},
    {"a name that is no UTF-8", .names = LIST(C100 C100 C100), .name_out = ""},
    {"no org", PAT_ERR_RECORD, BAD_ORG, .org = ABSENT},
    {"no org's DN", PAT_ERR_RECORD, BAD_ORG, .org_dn = ABSENT},
    {"an org without a name", PAT_ERR_RECORD, BAD_ORG, .org = ""},
    {"an org of 255 bytes", .org = X250 "xxxxx", .org_out = X250 "xxxxx"},
    {"an org of 256 bytes is not cut", PAT_ERR_RECORD, BAD_ORG, .org = X250 "xxxxxx"},
    {"an org accepted by what a cut would leave", PAT_ERR_RECORD, BAD_ORG,
        .org = X250 "xxxxxx", .want_orgs = LIST(X250 "xxxxx")},
    {"no owner's DN", PAT_ERR_RECORD, BAD_OWNER, .owners = NONE},
    {"an owner's DN without a value", PAT_ERR_RECORD, BAD_OWNER, .owners = EMPTY},
    {"an empty owner's DN", PAT_ERR_RECORD, BAD_OWNER, .owners = LIST("")},
    {"two owners", PAT_ERR_RECORD, BAD_OWNER,
        .owners = LIST("uid=alice,ou=people,dc=example", "uid=bob,ou=people,dc=example")},

    /* Revoked */
    {"\"not revoked\"", PAT_ERR_REVOKED, .revoked = LIST("20260314150925Z")},
    {"revoked this very second", PAT_ERR_REVOKED, .revoked = LIST("20260314150926Z")},
    {"\"present = revoked\": a time yet to come", PAT_ERR_REVOKED,
        .revoked = LIST("99991231235959Z")},
    {"\"present = revoked\": no time", PAT_ERR_REVOKED, .revoked = LIST("no")},
    {"\"present = revoked\": FALSE", PAT_ERR_REVOKED, .revoked = LIST("FALSE")},
    {"\"present = revoked\": 0", PAT_ERR_REVOKED, .revoked = LIST("0")},
    {"\"present = revoked\": empty", PAT_ERR_REVOKED, .revoked = LIST("")},
    {"revoked twice", PAT_ERR_REVOKED,
        .revoked = LIST("20260101000000Z", "20260201000000Z")},
    {"patRevoked without a value", .revoked = EMPTY},

    /* Expired */
    {"\"Expiry is optional and has no default\"", .at = 253402300799},
    {"patExpires without a value", .expires = EMPTY},
    {"one second before it expires", .expires = LIST("20260314150926Z"), .at = NOW - 1,
        .expires_out = NOW},
    {"\"not expired\": the second that it expires", PAT_ERR_EXPIRED,
        .expires = LIST("20260314150926Z")},
    {"\"not expired\": one second later", PAT_ERR_EXPIRED,
        .expires = LIST("20260314150926Z"), .at = NOW + 1},
    {"\"not expired\": years later", PAT_ERR_EXPIRED, .expires = LIST("20010101000000Z")},
    {"expired at the epoch", PAT_ERR_EXPIRED, .expires = LIST("19700101000000Z")},
    {"expired before the epoch", PAT_ERR_EXPIRED, .expires = LIST("19691231235959Z")},
    {"a fraction of a second prolongs nothing", PAT_ERR_EXPIRED,
        .expires = LIST("20260314150926.999Z")},
    {"one second before, in another zone", .expires = LIST("20260314160926+0100"),
        .at = NOW - 1, .expires_out = NOW},
    {"expired, in another zone", PAT_ERR_EXPIRED, .expires = LIST("20260314160926+0100")},
    {"the last second there is", .expires = LIST("99991231235959Z"),
        .expires_out = 253402300799},
    {"an expiry that is no time", PAT_ERR_RECORD, BAD_EXPIRES, .expires = LIST("never")},
    {"an empty expiry", PAT_ERR_RECORD, BAD_EXPIRES, .expires = LIST("")},
    {"an expiry without a zone", PAT_ERR_RECORD, BAD_EXPIRES,
        .expires = LIST("20270314150926")},
    {"an expiry on a day that is none", PAT_ERR_RECORD, BAD_EXPIRES,
        .expires = LIST("20270230000000Z")},
    {"two expiries, both to come", PAT_ERR_RECORD, BAD_EXPIRES,
        .expires = LIST("20270101000000Z", "20280101000000Z")},
    {"revoked, with an expiry that is no time", PAT_ERR_REVOKED, .revoked = LIST("x"),
        .expires = LIST("never")},

    /* The org */
    {"the org that the service accepts", .want_orgs = LIST("acme")},
    {"one of the orgs that the service accepts", .want_orgs = LIST("globex", "acme")},
    {"an org without regard to case, in the directory", .org = "ACME",
        .want_orgs = LIST("acme"), .org_out = "ACME"},
    {"an org without regard to case, at the service", .want_orgs = LIST("AcMe")},
    {"\"the org is one that the service accepts\"", PAT_ERR_SCOPE, NO_ORG,
        .want_orgs = LIST("globex")},
    {"not one of the orgs that the service accepts", PAT_ERR_SCOPE, NO_ORG,
        .want_orgs = LIST("globex", "initech")},
    {"a service that accepts no org at all", PAT_ERR_SCOPE, NO_ORG, .want_orgs = EMPTY},
    {"an org's beginning", PAT_ERR_SCOPE, NO_ORG, .want_orgs = LIST("acm")},
    {"an org and more", PAT_ERR_SCOPE, NO_ORG, .want_orgs = LIST("acme2")},
    {"an org and a space", PAT_ERR_SCOPE, NO_ORG, .want_orgs = LIST("acme ")},
    {"an org's DN", PAT_ERR_SCOPE, NO_ORG, .want_orgs = LIST("o=acme,dc=example")},
    {"an empty org", PAT_ERR_SCOPE, NO_ORG, .want_orgs = LIST("")},
    {"orgs are no globs", PAT_ERR_SCOPE, NO_ORG, .want_orgs = LIST("*")},
    {"the owner's role in another org does not count", PAT_ERR_SCOPE, NO_ORG,
        .roles = LIST("owner"), .want_orgs = LIST("globex")},

    /* The service */
    {"no patService: any service", .service = "imap"},
    {"no patService: not even a service is needed", .service = ABSENT},
    {"patService without a value", .services = EMPTY},
    {"the service that patService lists", .services = LIST("sshd")},
    {"one of several", .services = LIST("imap", "smtp", "sshd")},
    {"\"`*` globs\"", .services = LIST("ssh*")},
    {"a glob among several", .services = LIST("imap", "*d")},
    {"any service that is known", .services = LIST("*")},
    {"\"only these … service names\"", PAT_ERR_SCOPE, NO_SERVICE,
        .services = LIST("imap")},
    {"none of several", PAT_ERR_SCOPE, NO_SERVICE,
        .services = LIST("imap", "smtp", "w*")},
    {"a service's beginning", PAT_ERR_SCOPE, NO_SERVICE, .services = LIST("ssh")},
    {"a service and more", PAT_ERR_SCOPE, NO_SERVICE, .services = LIST("sshd2")},
    {"a service of other case", PAT_ERR_SCOPE, NO_SERVICE, .services = LIST("SSHD")},
    {"patService, and no service is known", PAT_ERR_SCOPE, NO_SERVICE,
        .services = LIST("sshd"), .service = ABSENT},
    {"any service, and none is known", PAT_ERR_SCOPE, NO_SERVICE, .services = LIST("*"),
        .service = ABSENT},
    {"a patService that cannot be one", PAT_ERR_RECORD, .services = LIST("sshd,imap")},
    {"an empty patService", PAT_ERR_RECORD, .services = LIST("")},
    {"a patService that cannot be one, beside one that matches", PAT_ERR_RECORD,
        .services = LIST("sshd", "a b")},

    /* The source */
    {"no patSource: any address", .source = "2001:db8::1"},
    {"no patSource: not even an address is needed", .source = ABSENT},
    {"no patSource: a name will do", .source = "client.example.com"},
    {"patSource without a value", .sources = EMPTY},
    {"the v4 address that patSource lists", .sources = LIST("192.0.2.7")},
    {"in a v4 network", .sources = LIST("192.0.2.0/24")},
    {"in one of several networks", .sources = LIST("10.0.0.0/8", "::/0", "192.0.2.0/24")},
    {"any v4 address", .sources = LIST("0.0.0.0/0")},
    {"v4 mapped into v6", .sources = LIST("192.0.2.0/24"), .source = "::ffff:192.0.2.7"},
    {"the v6 address that patSource lists", .sources = LIST("2001:db8::1"),
        .source = "2001:0db8:0::1"},
    {"in a v6 network", .sources = LIST("2001:db8::/32"), .source = "2001:db8:1::1"},
    {"in a v6 network, with a zone", .sources = LIST("fe80::/10"),
        .source = "fe80::1%eth0"},
    {"\"only from these addresses\"", PAT_ERR_SCOPE, NO_SOURCE,
        .sources = LIST("192.0.2.8")},
    {"outside of a v4 network", PAT_ERR_SCOPE, NO_SOURCE,
        .sources = LIST("192.0.3.0/24")},
    {"outside of several networks", PAT_ERR_SCOPE, NO_SOURCE,
        .sources = LIST("10.0.0.0/8", "192.0.2.0/30", "2001:db8::/32")},
    {"outside of a v6 network", PAT_ERR_SCOPE, NO_SOURCE,
        .sources = LIST("2001:db8::/32"), .source = "2001:db9::1"},
    {"v4, and only v6 is allowed", PAT_ERR_SCOPE, NO_SOURCE, .sources = LIST("::/0")},
    {"v6, and only v4 is allowed", PAT_ERR_SCOPE, NO_SOURCE, .sources = LIST("0.0.0.0/0"),
        .source = "2001:db8::1"},
    {"\"no remote address known = refused\"", PAT_ERR_SCOPE, NO_ADDRESS,
        .sources = LIST("192.0.2.7"), .source = ABSENT},
    {"no remote address known, and all are allowed", PAT_ERR_SCOPE, NO_ADDRESS,
        .sources = LIST("0.0.0.0/0", "::/0"), .source = ABSENT},
    {"an empty remote address", PAT_ERR_SCOPE, NO_ADDRESS, .sources = LIST("192.0.2.7"),
        .source = ""},
    {"a name for an address", PAT_ERR_SCOPE, HOST_NAME, .sources = LIST("127.0.0.1"),
        .source = "localhost"},
    {"a name for an address, and all are allowed", PAT_ERR_SCOPE, HOST_NAME,
        .sources = LIST("0.0.0.0/0", "::/0"), .source = "client.example.com"},
    {"a name that begins like the address", PAT_ERR_SCOPE, HOST_NAME,
        .sources = LIST("192.0.2.7"), .source = "192.0.2.7.example.com"},
    {"an address with a port", PAT_ERR_SCOPE, PORT, .sources = LIST("192.0.2.7"),
        .source = "192.0.2.7:4711"},
    {"an address in brackets, with a port", PAT_ERR_SCOPE, PORT, .sources = LIST("::/0"),
        .source = "[2001:db8::1]:443"},
    {"no address in words of another kind", PAT_ERR_SCOPE, ODD_ADDRESS,
        .sources = LIST("0.0.0.0/0", "::/0"), .source = "unix:/run/x.sock"},
    {"a name for a patSource", PAT_ERR_RECORD, BAD_SOURCE,
        .sources = LIST("client.example.com")},
    {"an empty patSource", PAT_ERR_RECORD, BAD_SOURCE, .sources = LIST("")},
    {"a patSource that is too long a prefix", PAT_ERR_RECORD, BAD_SOURCE,
        .sources = LIST("192.0.2.7/33")},
    {"a patSource that cannot be one, before one that matches", PAT_ERR_RECORD,
        BAD_SOURCE, .sources = LIST("192.0.2.*", "192.0.2.7")},
    {"a patSource that cannot be one, behind one that matches", PAT_ERR_RECORD,
        BAD_SOURCE, .sources = LIST("192.0.2.7", "192.0.2.*")},
    {"service and source both allow", .services = LIST("sshd"),
        .sources = LIST("192.0.2.7")},
    {"the service allows, the source does not", PAT_ERR_SCOPE, NO_SOURCE,
        .services = LIST("sshd"), .sources = LIST("10.0.0.0/8")},
    {"the source allows, the service does not", PAT_ERR_SCOPE, NO_SERVICE,
        .services = LIST("imap"), .sources = LIST("192.0.2.7")},

    /* The owner */
    {"\"the owner exists and passes owner_filter\"", PAT_ERR_MEMBER, NO_OWNER,
        .owner_gone = true},
    {"the owner is gone, and roles are left", PAT_ERR_MEMBER, NO_OWNER,
        .owner_gone = true, .roles = LIST("owner")},
    {"the owner is gone, at a shared login", PAT_ERR_MEMBER, NO_OWNER, .owner_gone = true,
        .any_user = true},
    {"the owner is gone altogether", PAT_ERR_MEMBER, NO_OWNER, .owner_gone = true,
        .uids = NONE, .roles = NONE},
    {"an owner without uid", PAT_ERR_MEMBER, NO_UID, .uids = NONE},
    {"an owner with a uid without a value", PAT_ERR_MEMBER, NO_UID, .uids = EMPTY},
    {"an owner without uid, at a shared login", PAT_ERR_MEMBER, NO_UID, .uids = NONE,
        .any_user = true},

    /* The login name */
    {"one of the owner's uids", .uids = LIST("al", "alice", "alice.b")},
    {"a uid of 255 bytes", .uids = LIST(X250 "xxxxx"), .user = X250 "xxxxx",
        .user_out = X250 "xxxxx"},
    {"\"the owner's uid equals the login name given\"", PAT_ERR_USER, .user = "bob"},
    {"root", PAT_ERR_USER, .user = "root"},
    {"a login name of other case", PAT_ERR_USER, .user = "Alice"},
    {"a uid of other case", PAT_ERR_USER, .uids = LIST("ALICE")},
    {"a login name's beginning", PAT_ERR_USER, .user = "alic"},
    {"a login name and more", PAT_ERR_USER, .user = "alice2"},
    {"a login name and a space", PAT_ERR_USER, .user = "alice "},
    {"a login name that is the owner's DN", PAT_ERR_USER,
        .user = "uid=alice,ou=people,dc=example"},
    {"a login name that is a glob", PAT_ERR_USER, .user = "*"},
    {"an empty login name", PAT_ERR_USER, .user = ""},
    {"an empty login name and an empty uid", PAT_ERR_RECORD, BAD_UID, .user = "",
        .uids = LIST("")},
    {"no login name", PAT_ERR_USER, NO_USER, .user = ABSENT},
    {"a uid of 256 bytes is not cut", PAT_ERR_RECORD, BAD_UID,
        .uids = LIST(X250 "xxxxxx"), .user = X250 "xxxxxx"},
    {"a login name that a cut would leave", PAT_ERR_USER, .uids = LIST(X250 "xxxxxx"),
        .user = X250 "xxxxx"},

    /* Shared logins, and hosts that have no login name */
    {"any user: another login name", .user = "git", .any_user = true},
    {"any user: no login name", .user = ABSENT, .any_user = true},
    {"any user: the first uid tells who it is", .user = "git", .any_user = true,
        .uids = LIST("alice", "al")},
    {"any user, an empty uid", PAT_ERR_RECORD, BAD_UID, .any_user = true,
        .uids = LIST("")},
    {"any user, a uid of 256 bytes", PAT_ERR_RECORD, BAD_UID, .any_user = true,
        .uids = LIST(X250 "xxxxxx")},
    {"any user, \"that org and role allow\": org", PAT_ERR_SCOPE, NO_ORG,
        .any_user = true, .want_orgs = LIST("globex")},
    {"any user, \"that org and role allow\": role", PAT_ERR_SCOPE, NO_MEMBER,
        .any_user = true, .want_roles = LIST("owner")},
    {"any user, but no member", PAT_ERR_MEMBER, NO_ROLE, .any_user = true, .roles = NONE},
    {"any user, but revoked", PAT_ERR_REVOKED, .any_user = true, .revoked = LIST("x")},
    {"any user, but expired", PAT_ERR_EXPIRED, .any_user = true,
        .expires = LIST("20260101000000Z")},

    /* "name@org and name@realm forms are a setting" */
    {"name@org, with the setting", .login_org = true, .user = "alice@acme"},
    {"name alone, with the setting", .login_org = true},
    {"name@ORG, with the setting", .login_org = true, .user = "alice@ACME"},
    {"name@org without the setting", PAT_ERR_USER, NO_REALM, .user = "alice@acme"},
    {"another name@org without the setting", PAT_ERR_USER, NO_REALM, .user = "bob@acme"},
    {"name@org of another org", PAT_ERR_USER, NO_REALM, .login_org = true,
        .user = "alice@globex"},
    {"name@org of another name", PAT_ERR_USER, .login_org = true, .user = "bob@acme"},
    {"NAME@org", PAT_ERR_USER, .login_org = true, .user = "ALICE@acme"},
    {"name@ alone", PAT_ERR_USER, NO_REALM, .login_org = true, .user = "alice@"},
    {"@org alone", PAT_ERR_USER, .login_org = true, .user = "@acme"},
    {"@org alone, and an empty uid", PAT_ERR_RECORD, BAD_UID, .login_org = true,
        .user = "@acme", .uids = LIST("")},
    {"@ alone", PAT_ERR_USER, NO_REALM, .login_org = true, .user = "@"},
    {"name@@org", PAT_ERR_USER, .login_org = true, .user = "alice@@acme"},
    {"name@org@org", PAT_ERR_USER, .login_org = true, .user = "alice@acme@acme"},
    {"name@org's beginning", PAT_ERR_USER, NO_REALM, .login_org = true,
        .user = "alice@acm"},
    {"name@org and more", PAT_ERR_USER, NO_REALM, .login_org = true,
        .user = "alice@acme.example"},
    {"name%org", PAT_ERR_USER, .login_org = true, .user = "alice%acme"},
    {"name@org at a service that does not accept the org", PAT_ERR_SCOPE, NO_ORG,
        .login_org = true, .user = "alice@acme", .want_orgs = LIST("globex")},
    {"name@realm, with the setting", .login_realms = LIST("EXAMPLE.ORG"),
        .user = "alice@EXAMPLE.ORG"},
    {"name@realm of other case", .login_realms = LIST("EXAMPLE.ORG"),
        .user = "alice@example.org"},
    {"name@realm, one of several", .login_realms = LIST("example.net", "example.org"),
        .user = "alice@example.org"},
    {"name alone, with realms set", .login_realms = LIST("example.org")},
    {"name@realm without the setting", PAT_ERR_USER, NO_REALM,
        .user = "alice@example.org"},
    {"name@realm of another realm", PAT_ERR_USER, NO_REALM,
        .login_realms = LIST("example.org"), .user = "alice@example.net"},
    {"name@realm of a realm below", PAT_ERR_USER, NO_REALM,
        .login_realms = LIST("example.org"), .user = "alice@sub.example.org"},
    {"name@realm of another name", PAT_ERR_USER, .login_realms = LIST("example.org"),
        .user = "bob@example.org"},
    {"name@realm with name@org set", PAT_ERR_USER, NO_REALM, .login_org = true,
        .user = "alice@example.org"},
    {"name@org with realms set", PAT_ERR_USER, NO_REALM,
        .login_realms = LIST("example.org"), .user = "alice@acme"},
    {"name@org@realm", PAT_ERR_USER, .login_org = true,
        .login_realms = LIST("example.org"), .user = "alice@acme@example.org"},
    {"a uid that holds the realm", .uids = LIST("alice@example.org"),
        .user = "alice@example.org", .user_out = "alice@example.org"},
    {"a uid that holds the realm, with realms set", .uids = LIST("alice@example.org"),
        .login_realms = LIST("example.org"), .user = "alice@example.org",
        .user_out = "alice@example.org"},
    {"a uid that holds the realm, and the name alone", PAT_ERR_USER,
        .uids = LIST("alice@example.org"), .login_realms = LIST("example.org")},
    {"a uid that holds another realm", PAT_ERR_USER, .uids = LIST("alice@example.net"),
        .login_realms = LIST("example.org"), .user = "alice@example.org"},

    /* Membership */
    {"\"the owner is a member of the token's org now\"", PAT_ERR_MEMBER, NO_ROLE,
        .roles = NONE},
    {"a role without a value", PAT_ERR_MEMBER, NO_ROLE, .roles = EMPTY},
    {"no member, and the service asks for a role", PAT_ERR_MEMBER, NO_ROLE, .roles = NONE,
        .want_roles = LIST("member")},

    /* "with several, the strongest: role_order …, then alphabetical" */
    {"the strongest of several", .roles = LIST("viewer", "owner", "member"),
        .role_out = "owner"},
    {"the strongest stands first", .roles = LIST("owner", "viewer"), .role_out = "owner"},
    {"the same role twice", .roles = LIST("member", "member")},
    {"another order", .roles = LIST("owner", "viewer"),
        .role_order = LIST("viewer", "owner"), .role_out = "viewer"},
    {"what is in the order comes before what is not", .roles = LIST("admin", "viewer"),
        .role_out = "viewer"},
    {"a known role that the order leaves out", .roles = LIST("member", "auditor"),
        .role_order = LIST("owner", "auditor"), .role_out = "auditor"},
    {"unknown roles: alphabetical", .roles = LIST("zeta", "alpha", "beta"),
        .role_out = "alpha"},
    {"unknown roles: alphabetical whatever the case", .roles = LIST("Zeta", "alpha"),
        .role_out = "alpha"},
    {"no order: alphabetical", .roles = LIST("owner", "member"), .role_order = NONE},
    {"an empty order: alphabetical", .roles = LIST("owner", "member"),
        .role_order = EMPTY},
    {"a role of other case than in the order", .roles = LIST("member", "OWNER"),
        .role_out = "OWNER"},
    {"a role of other case in the order", .roles = LIST("member", "owner"),
        .role_order = LIST("Owner", "Member"), .role_out = "owner"},
    {"roles that differ in case alone", .roles = LIST("owner", "OWNER", "Owner"),
        .role_out = "OWNER"},
    {"a role of 255 bytes", .roles = LIST(X250 "xxxxx"), .role_out = X250 "xxxxx"},
    {"an empty role beside another", .roles = LIST("", "member")},
    {"an empty role", PAT_ERR_RECORD, BAD_ROLE, .roles = LIST("")},
    {"a role of 256 bytes is not cut", PAT_ERR_RECORD, BAD_ROLE,
        .roles = LIST(X250 "xxxxxx")},
    {"a role accepted by what a cut would leave", PAT_ERR_RECORD, BAD_ROLE,
        .roles = LIST(X250 "xxxxxx"), .want_roles = LIST(X250 "xxxxx")},

    /* The role */
    {"the role that the service accepts", .want_roles = LIST("member")},
    {"one of the roles that the service accepts", .want_roles = LIST("owner", "member")},
    {"a role without regard to case, at the service", .want_roles = LIST("MEMBER")},
    {"a role without regard to case, in the directory", .roles = LIST("Member"),
        .want_roles = LIST("member"), .role_out = "Member"},
    {"the strongest role is accepted", .roles = LIST("viewer", "owner"),
        .want_roles = LIST("owner"), .role_out = "owner"},
    {"\"the role is one that the service accepts\"", PAT_ERR_SCOPE, NO_MEMBER,
        .want_roles = LIST("owner")},
    {"not one of the roles that the service accepts", PAT_ERR_SCOPE, NO_MEMBER,
        .want_roles = LIST("owner", "viewer")},
    {"a service that accepts no role at all", PAT_ERR_SCOPE, NO_MEMBER,
        .want_roles = EMPTY},
    {"of several roles only the strongest counts", PAT_ERR_SCOPE,
        "role owner is not accepted here", .roles = LIST("owner", "viewer"),
        .want_roles = LIST("viewer")},
    {"a role's beginning", PAT_ERR_SCOPE, NO_MEMBER, .want_roles = LIST("mem")},
    {"a role and more", PAT_ERR_SCOPE, NO_MEMBER, .want_roles = LIST("members")},
    {"roles are no globs", PAT_ERR_SCOPE, NO_MEMBER, .want_roles = LIST("*")},

    /* All at once */
    {"every limit, and each allows", .expires = LIST("20260314150927Z"),
        .services = LIST("sshd"), .sources = LIST("192.0.2.0/24"),
        .want_orgs = LIST("acme"), .want_roles = LIST("member"), .login_org = true,
        .user = "alice@acme", .expires_out = NOW + 1},
};

/* What the decision is given. The record's lists are borrowed. */
struct world {
    struct pat_record rec;
    struct pat_request req;
    struct pat_policy policy;
    int64_t now;
};

static void
set_list(char ***at, const char *const *list)
{
    if (list != NULL)
        *at = list == NONE ? NULL : (char **)(uintptr_t)list;
}

static void
set_string(const char **at, const char *s)
{
    if (s != NULL)
        *at = s == ABSENT ? NULL : s;
}

static void
set_owned(char **at, const char *s)
{
    if (s != NULL)
        *at = s == ABSENT ? NULL : (char *)(uintptr_t)s;
}

static void
set_borrowed(const char *const **at, const char *const *list)
{
    if (list != NULL)
        *at = list == NONE ? NULL : list;
}

static void
apply(struct world *w, const struct row *row)
{
    set_list(&w->rec.ids, row->ids);
    set_list(&w->rec.names, row->names);
    set_list(&w->rec.owners, row->owners);
    set_list(&w->rec.expires, row->expires);
    set_list(&w->rec.revoked, row->revoked);
    set_list(&w->rec.services, row->services);
    set_list(&w->rec.sources, row->sources);
    set_list(&w->rec.uids, row->uids);
    set_list(&w->rec.roles, row->roles);
    set_owned(&w->rec.org, row->org);
    set_owned(&w->rec.org_dn, row->org_dn);
    w->rec.owner_found = w->rec.owner_found && !row->owner_gone;
    set_string(&w->req.user, row->user);
    set_string(&w->req.service, row->service);
    set_string(&w->req.source, row->source);
    w->req.any_user = w->req.any_user || row->any_user;
    set_borrowed(&w->req.orgs, row->want_orgs);
    set_borrowed(&w->req.roles, row->want_roles);
    set_borrowed(&w->policy.role_order, row->role_order);
    set_borrowed(&w->policy.login_realms, row->login_realms);
    w->policy.login_org = w->policy.login_org || row->login_org;
    if (row->at != 0)
        w->now = row->at;
}

static const struct row usual_row = {
    .ids = LIST("a1"),
    .names = LIST("Claude Desktop on laptop"),
    .owners = LIST("uid=alice,ou=people,dc=example"),
    .org = "acme",
    .org_dn = "o=acme,ou=orgs,dc=example",
    .uids = LIST("alice"),
    .roles = LIST("member"),
    .user = "alice",
    .service = "sshd",
    .source = "192.0.2.7",
    .role_order = LIST("owner", "member", "viewer"),
    .at = NOW,
};

static struct world
usual_world(void)
{
    struct world w = {.rec = {.owner_found = true}};

    apply(&w, &usual_row);
    return w;
}

static enum pat_err
decide(const struct world *w, struct pat_identity *ret_id, struct pat_diag *diag)
{
    return pat_record_decide(&w->rec, &w->req, &w->policy, w->now, ret_id, diag);
}

static const char *
or_usual(const char *s, const char *usual)
{
    return s != NULL ? s : usual;
}

static void
check_identity(const struct row *row, const struct pat_identity *id)
{
    unit_check_string("id", id->id, or_usual(row->id_out, "a1"));
    unit_check_string(
        "name", id->name, or_usual(row->name_out, "Claude Desktop on laptop"));
    unit_check_string("user", id->user, or_usual(row->user_out, "alice"));
    unit_check_string("org", id->org, or_usual(row->org_out, "acme"));
    unit_check_string("role", id->role, or_usual(row->role_out, "member"));
    unit_check_int("expires", id->expires, row->expires_out);
}

static void
decides(void **state)
{
    const struct row *row = *state;
    struct world w = usual_world();
    struct pat_identity id, before;
    struct pat_diag diag = {"left from before"};

    memset(&id, 0x5a, sizeof(id));
    before = id;
    apply(&w, row);
    unit_check_err(decide(&w, &id, &diag), row->want);
    if (row->want == PAT_OK)
        check_identity(row, &id);
    else
        assert_memory_equal(&id, &before, sizeof(id));
    /* What a refusal for a damaged record says is left open where a row does. */
    if (row->why != NULL || row->want != PAT_ERR_RECORD)
        unit_check_string("why", diag.text, or_usual(row->why, ""));
    else if (diag.text[0] == '\0')
        fail_msg("a damaged record, and the log is not told how");
    unit_check_err(decide(&w, NULL, NULL), row->want);
}

/* A directory gives values in any order, and replicas in different ones. */
static char **
reversed(char *const *list)
{
    size_t n = pat_strv_len(pat_strv_const(list));
    char **copy = calloc(n + 1, sizeof(*copy));

    assert_non_null(copy);
    for (size_t i = 0; list != NULL && i < n; i++)
        copy[i] = list[n - 1 - i];
    return copy;
}

static void
decides_in_any_order(void **state)
{
    const struct row *row = *state;
    struct world w = usual_world();
    struct pat_identity id = {.id = ""};
    enum pat_err err;

    apply(&w, row);
    w.rec.services = reversed(w.rec.services);
    w.rec.sources = reversed(w.rec.sources);
    w.rec.roles = reversed(w.rec.roles);
    err = decide(&w, &id, NULL);
    free(w.rec.services);
    free(w.rec.sources);
    free(w.rec.roles);
    unit_check_err(err, row->want);
    if (err == PAT_OK)
        check_identity(row, &id);
}

static void
more_refusals(void **state)
{
    size_t accepted = 0, refused = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].want == PAT_OK)
            accepted++;
        else
            refused++;
    print_message("%zu accepted, %zu refused\n", accepted, refused);
    if (refused <= accepted)
        fail_msg("negative cases must outnumber positive ones");
}

/* One failure for each check, in the order in which the checks decide. */
static const struct row checks[] = {
    {"record", PAT_ERR_RECORD, BAD_ID, .ids = NONE},
    {"revoked", PAT_ERR_REVOKED, .revoked = LIST("x")},
    {"expired", PAT_ERR_EXPIRED, .expires = LIST("20260101000000Z")},
    {"org", PAT_ERR_SCOPE, NO_ORG, .want_orgs = LIST("globex")},
    {"service", PAT_ERR_SCOPE, NO_SERVICE, .services = LIST("imap")},
    {"source", PAT_ERR_SCOPE, NO_SOURCE, .sources = LIST("10.0.0.0/8")},
    {"owner", PAT_ERR_MEMBER, NO_OWNER, .owner_gone = true},
    {"user", PAT_ERR_USER, .user = "bob"},
    {"member", PAT_ERR_MEMBER, NO_ROLE, .roles = NONE},
    {"role", PAT_ERR_SCOPE, NO_MEMBER, .want_roles = LIST("owner")},
};

/* "The first check that fails decides": this one, whichever of those behind it fail too.
 */
static void
decides_first(void **state)
{
    const struct row *first = *state;

    for (const struct row *later = first + 1; later < checks + COUNT(checks); later++) {
        struct world w = usual_world();
        struct pat_diag diag = {0};
        enum pat_err err;

        apply(&w, later);
        apply(&w, first);
        err = decide(&w, NULL, &diag);
        if (err != first->want || strcmp(diag.text, or_usual(first->why, "")) != 0)
            fail_msg(
                "with %s: got %s, \"%s\"", later->name, pat_strerror(err), diag.text);
    }
}

static void
all_fail(void **state)
{
    struct world w = usual_world();

    (void)state;
    for (size_t i = 0; i < COUNT(checks); i++)
        apply(&w, &checks[i]);
    unit_check_err(decide(&w, NULL, NULL), PAT_ERR_RECORD);
}

/* An empty record, as of a directory that answered with nothing, lets nobody in. */
static void
nothing_at_all(void **state)
{
    struct world w = usual_world();

    (void)state;
    memset(&w.rec, 0, sizeof(w.rec));
    unit_check_err(decide(&w, NULL, NULL), PAT_ERR_RECORD);
    w.rec.owner_found = true;
    memset(&w.req, 0, sizeof(w.req));
    memset(&w.policy, 0, sizeof(w.policy));
    unit_check_err(decide(&w, NULL, NULL), PAT_ERR_RECORD);
}

/* Under ASan: nothing is forgotten, and a second time does no harm. */
static void
record_clear(void **state)
{
    static const struct pat_record zero;
    const char *why = NULL;
    struct pat_record rec = {.owner_found = true};
    char ***lists[] = {&rec.ids, &rec.names, &rec.owners, &rec.expires, &rec.revoked,
        &rec.services, &rec.sources, &rec.last_used, &rec.uids, &rec.roles};

    (void)state;
    rec.dn = strdup("patId=a1");
    rec.org_dn = strdup("o=acme");
    rec.org = strdup("acme");
    for (size_t i = 0; i < COUNT(lists); i++)
        *lists[i] = pat_strv_split("a,b", 2, &why);
    pat_record_clear(&rec);
    assert_memory_equal(&rec, &zero, sizeof(rec));
    pat_record_clear(&rec);
}

/* A filter matches patRevoked;lang-en, and a reader of patRevoked ignores it: refused. */
static void
option(void **state)
{
    struct world w = usual_world();
    struct pat_diag diag = {0};

    (void)state;
    w.rec.has_option = true;
    unit_check_err(decide(&w, NULL, &diag), PAT_ERR_RECORD);
    assert_non_null(strstr(diag.text, "has an option"));
}

int
main(void)
{
    UNIT_TABLE("decide", decides, rows);
    UNIT_TABLE("values reversed", decides_in_any_order, rows);
    unit_add("table", "more refusals than acceptances", more_refusals, NULL);
    UNIT_TABLE("first of all that fail", decides_first, checks);
    unit_add("first of all that fail", "all of them", all_fail, NULL);
    unit_add("decide", "nothing at all", nothing_at_all, NULL);
    unit_add("decide", "an attribute with an option is refused", option, NULL);
    unit_add("record", "clear leaves nothing", record_clear, NULL);
    return unit_run("decide");
}
