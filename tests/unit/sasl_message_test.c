/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients send to the SASL plugin. Each message is on the heap, and not a byte more.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

#define BYTES(s) s, sizeof(s) - 1

#define X8    "xxxxxxxx"
#define X64   X8 X8 X8 X8 X8 X8 X8 X8
#define X256  X64 X64 X64 X64
#define X1024 X256 X256 X256 X256

static char *
copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

/* PLAIN */

struct plain_row {
    const char *name;
    const char *in;
    size_t len;
    const char *authzid, *authid, *password; /* password NULL: malformed */
};

#define PLAIN_BAD NULL, NULL, NULL

static const struct plain_row plains[] = {
    {"name and password", BYTES("\0alice\0secret"), "", "alice", "secret"},
    {"an authzid, too", BYTES("bob\0alice\0secret"), "bob", "alice", "secret"},
    {"one byte each", BYTES("\0a\0b"), "", "a", "b"},
    {"not ASCII", BYTES("\0\xc3\xa4\0\xc3\xb6"), "", "\xc3\xa4", "\xc3\xb6"},
    {"no UTF-8, which is for the host", BYTES("\0\xe4\0\xf6"), "", "\xe4", "\xf6"},
    {"the longest", BYTES(X1024 "\0" X1024 "\0" X1024), X1024, X1024, X1024},

    {"nothing", BYTES(""), PLAIN_BAD},
    {"a NUL", BYTES("\0"), PLAIN_BAD},
    {"two NULs", BYTES("\0\0"), PLAIN_BAD},
    {"three NULs", BYTES("\0\0\0"), PLAIN_BAD},
    {"no NUL", BYTES("alice"), PLAIN_BAD},
    {"one NUL", BYTES("\0alice"), PLAIN_BAD},
    {"one NUL, in between", BYTES("alice\0secret"), PLAIN_BAD},
    {"no name", BYTES("\0\0secret"), PLAIN_BAD},
    {"no name, but an authzid", BYTES("alice\0\0secret"), PLAIN_BAD},
    {"no password", BYTES("\0alice\0"), PLAIN_BAD},
    {"a third NUL", BYTES("\0alice\0secret\0"), PLAIN_BAD},
    {"a NUL in the password", BYTES("\0alice\0sec\0ret"), PLAIN_BAD},
    {"a NUL before all", BYTES("\0\0alice\0secret"), PLAIN_BAD},
    {"a name too long", BYTES("\0" X1024 "x\0secret"), PLAIN_BAD},
    {"an authzid too long", BYTES(X1024 "x\0alice\0secret"), PLAIN_BAD},
    {"a password too long", BYTES("\0alice\0" X1024 "x"), PLAIN_BAD},
};

static void
plain(void **state)
{
    const struct plain_row *row = *state;
    char *in = copy_of(row->in, row->len);
    struct plain_message m = {0};

    if (row->password == NULL) {
        unit_check_err(plain_parse(in, row->len, &m), PAT_ERR_MALFORMED);
        assert_null(m.password);
    } else {
        unit_check_err(plain_parse(in, row->len, &m), PAT_OK);
        unit_check_string("authzid", m.authzid, row->authzid);
        unit_check_string("authid", m.authid, row->authid);
        unit_check_int("password's length", m.password_len, strlen(row->password));
        assert_memory_equal(m.password, row->password, m.password_len);
    }
    free(in);
}

/* OAUTHBEARER and XOAUTH2 */

struct bearer_row {
    const char *name;
    const char *in;
    size_t len;
    const char *user, *token; /* token NULL: malformed */
};

#define BEARER_BAD NULL, NULL
#define AUTH       "auth=Bearer rhp_t0ken\001"
#define HOST       "host=mail.example.com\001port=143\001"

static const struct bearer_row oauthbearers[] = {
    {"RFC 7628's form", BYTES("n,a=alice,\001" HOST AUTH "\001"), "alice", "rhp_t0ken"},
    {"no user", BYTES("n,,\001" AUTH "\001"), "", "rhp_t0ken"},
    {"no host and port", BYTES("n,a=alice,\001" AUTH "\001"), "alice", "rhp_t0ken"},
    {"auth first", BYTES("n,a=alice,\001" AUTH HOST "\001"), "alice", "rhp_t0ken"},
    {"a client with channel binding", BYTES("y,,\001" AUTH "\001"), "", "rhp_t0ken"},
    {"a comma and an equals sign", BYTES("n,a=a=2Cb=3Dc,\001" AUTH "\001"), "a,b=c",
        "rhp_t0ken"},
    {"a user of UTF-8", BYTES("n,a=\xc3\xa4,\001" AUTH "\001"), "\xc3\xa4", "rhp_t0ken"},
    {"a key that nobody knows", BYTES("n,,\001colour=red\001" AUTH "\001"), "",
        "rhp_t0ken"},
    {"an empty value", BYTES("n,,\001host=\001" AUTH "\001"), "", "rhp_t0ken"},
    {"a value with line breaks", BYTES("n,,\001host=a\r\n\tb\001" AUTH "\001"), "",
        "rhp_t0ken"},
    {"a user key, which counts not", BYTES("n,,\001user=bob\001" AUTH "\001"), "",
        "rhp_t0ken"},
    {"the longest user",
        BYTES("n,a=" X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 "xxxxxxx,\001" AUTH "\001"),
        X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 "xxxxxxx", "rhp_t0ken"},

    {"nothing", BYTES(""), BEARER_BAD},
    {"the dummy of a refused client", BYTES("\001"), BEARER_BAD},
    {"a header alone", BYTES("n,,"), BEARER_BAD},
    {"a header and a separator", BYTES("n,,\001"), BEARER_BAD},
    {"no pair", BYTES("n,,\001\001"), BEARER_BAD},
    {"no header", BYTES(AUTH "\001"), BEARER_BAD},
    {"no auth", BYTES("n,,\001" HOST "\001"), BEARER_BAD},
    {"an auth that is no token", BYTES("n,,\001auth=\001\001"), BEARER_BAD},
    {"auth without a scheme", BYTES("n,,\001auth=rhp_t0ken\001\001"), BEARER_BAD},
    {"Basic", BYTES("n,,\001auth=Basic eDp5\001\001"), BEARER_BAD},
    {"two auths", BYTES("n,,\001" AUTH AUTH "\001"), BEARER_BAD},
    {"AUTH, which is another key", BYTES("n,,\001AUTH=Bearer x\001\001"), BEARER_BAD},
    {"channel binding", BYTES("p=tls-unique,,\001" AUTH "\001"), BEARER_BAD},
    {"channel binding of another kind", BYTES("p=tls-exporter,a=alice,\001" AUTH "\001"),
        BEARER_BAD},
    {"the flag of another standard", BYTES("F,n,,\001" AUTH "\001"), BEARER_BAD},
    {"an unknown flag", BYTES("x,,\001" AUTH "\001"), BEARER_BAD},
    {"a flag in capitals", BYTES("N,,\001" AUTH "\001"), BEARER_BAD},
    {"no comma behind the user", BYTES("n,a=alice\001" AUTH "\001"), BEARER_BAD},
    {"one comma", BYTES("n,\001" AUTH "\001"), BEARER_BAD},
    {"an empty user", BYTES("n,a=,\001" AUTH "\001"), BEARER_BAD},
    {"a user without its key", BYTES("n,alice,\001" AUTH "\001"), BEARER_BAD},
    {"a user of another key", BYTES("n,b=alice,\001" AUTH "\001"), BEARER_BAD},
    {"a bare equals sign", BYTES("n,a=a=b,\001" AUTH "\001"), BEARER_BAD},
    {"an escape in small letters", BYTES("n,a=a=2cb,\001" AUTH "\001"), BEARER_BAD},
    {"half an escape", BYTES("n,a=a=2,\001" AUTH "\001"), BEARER_BAD},
    {"an equals sign at the end", BYTES("n,a=a=,\001" AUTH "\001"), BEARER_BAD},
    {"a NUL in the user", BYTES("n,a=ali\0ce,\001" AUTH "\001"), BEARER_BAD},
    {"a separator in the user", BYTES("n,a=ali\001ce,\001" AUTH), BEARER_BAD},
    {"a user of Latin-1", BYTES("n,a=\xe4,\001" AUTH "\001"), BEARER_BAD},
    {"a user of an overlong form", BYTES("n,a=\xc0\xaf,\001" AUTH "\001"), BEARER_BAD},
    {"a user with a surrogate", BYTES("n,a=\xed\xa0\x80,\001" AUTH "\001"), BEARER_BAD},
    {"a user too long",
        BYTES("n,a=" X64 X64 X64 X8 X8 X8 X8 X8 X8 X8 X8 ",\001" AUTH "\001"),
        BEARER_BAD},
    {"junk behind the header", BYTES("n,,x\001" AUTH "\001"), BEARER_BAD},
    {"no separator behind the header", BYTES("n,," AUTH "\001"), BEARER_BAD},
    {"no separator at the end", BYTES("n,,\001" AUTH), BEARER_BAD},
    {"none behind auth either", BYTES("n,,\001auth=Bearer x"), BEARER_BAD},
    {"something behind the end", BYTES("n,,\001" AUTH "\001x"), BEARER_BAD},
    {"a message behind the end", BYTES("n,,\001" AUTH "\001" AUTH "\001"), BEARER_BAD},
    {"an empty pair in between", BYTES("n,,\001host=x\001\001" AUTH "\001"), BEARER_BAD},
    {"a key without a value", BYTES("n,,\001host\001" AUTH "\001"), BEARER_BAD},
    {"a value without a key", BYTES("n,,\001=x\001" AUTH "\001"), BEARER_BAD},
    {"a digit in a key", BYTES("n,,\001k1=x\001" AUTH "\001"), BEARER_BAD},
    {"a space in a key", BYTES("n,,\001auth =x\001" AUTH "\001"), BEARER_BAD},
    {"a NUL in a value", BYTES("n,,\001host=a\0b\001" AUTH "\001"), BEARER_BAD},
    {"a high byte in a value", BYTES("n,,\001host=\xc3\xa4\001" AUTH "\001"), BEARER_BAD},
    {"a NUL in the token", BYTES("n,,\001auth=Bearer rhp\0x\001\001"), BEARER_BAD},
    {"a NUL at the end", BYTES("n,,\001" AUTH "\001\0"), BEARER_BAD},
    {"PLAIN's form", BYTES("\0alice\0rhp_t0ken"), BEARER_BAD},
    {"XOAUTH2's form", BYTES("user=alice\001" AUTH "\001"), BEARER_BAD},
};

static const struct bearer_row xoauth2s[] = {
    {"as published", BYTES("user=alice\001" AUTH "\001"), "alice", "rhp_t0ken"},
    {"the user last", BYTES(AUTH "user=alice\001\001"), "alice", "rhp_t0ken"},
    {"nothing is escaped", BYTES("user=a=2Cb,c\001" AUTH "\001"), "a=2Cb,c", "rhp_t0ken"},

    {"nothing", BYTES(""), BEARER_BAD},
    {"a separator", BYTES("\001"), BEARER_BAD},
    {"no user", BYTES(AUTH "\001"), BEARER_BAD},
    {"an empty user", BYTES("user=\001" AUTH "\001"), BEARER_BAD},
    {"two users", BYTES("user=alice\001user=bob\001" AUTH "\001"), BEARER_BAD},
    {"no token", BYTES("user=alice\001\001"), BEARER_BAD},
    {"two tokens", BYTES("user=alice\001" AUTH AUTH "\001"), BEARER_BAD},
    {"one separator at the end", BYTES("user=alice\001" AUTH), BEARER_BAD},
    {"a NUL in the user", BYTES("user=ali\0ce\001" AUTH "\001"), BEARER_BAD},
    {"a user of Latin-1", BYTES("user=\xe4\001" AUTH "\001"), BEARER_BAD},
    {"OAUTHBEARER's form", BYTES("n,a=alice,\001" AUTH "\001"), BEARER_BAD},
};

static void
check_bearer(const struct bearer_row *row,
    enum pat_err (*parse)(const char *, size_t, struct bearer_message *))
{
    char *in = copy_of(row->in, row->len);
    struct bearer_message m = {0};

    if (row->token == NULL) {
        unit_check_err(parse(in, row->len, &m), PAT_ERR_MALFORMED);
        assert_null(m.token);
        unit_check_string("user", m.user, "");
    } else {
        unit_check_err(parse(in, row->len, &m), PAT_OK);
        unit_check_string("user", m.user, row->user);
        unit_check_int("token's length", m.token_len, strlen(row->token));
        assert_memory_equal(m.token, row->token, m.token_len);
    }
    free(in);
}

static void
oauthbearer(void **state)
{
    check_bearer(*state, oauthbearer_parse);
}

static void
xoauth2(void **state)
{
    check_bearer(*state, xoauth2_parse);
}

/* Whatever is cut off a good message, it is none; whatever is changed, nothing breaks. */
static void
cut_and_changed(void **state)
{
    static const char message[] = "n,a=alice,\001" HOST AUTH "\001";
    struct bearer_message m = {0};
    struct plain_message p = {0};
    uint32_t random = 1;

    (void)state;
    for (size_t len = 0; len < sizeof(message) - 1; len++) {
        char *in = copy_of(message, len);

        unit_check_err(oauthbearer_parse(in, len, &m), PAT_ERR_MALFORMED);
        free(in);
    }
    for (int i = 0; i < 20000; i++) {
        char *in = copy_of(message, sizeof(message) - 1);
        size_t at = unit_random(&random) % (sizeof(message) - 1);

        in[at] = (char)unit_random(&random);
        if (oauthbearer_parse(in, sizeof(message) - 1, &m) == PAT_OK)
            assert_true(m.token_len > 0 && m.token > in);
        if (xoauth2_parse(in + 10, sizeof(message) - 11, &m) == PAT_OK)
            assert_true(m.token_len > 0);
        if (plain_parse(in, sizeof(message) - 1, &p) == PAT_OK)
            assert_true(p.password_len > 0);
        free(in);
    }
}

/* A megabyte of anything is refused, and read but once. */
static void
megabyte(void **state)
{
    static const char fillers[] = {'\0', '\001', 'a', ',', '=', (char)0xff};
    size_t len = 1 << 20;
    char *in = malloc(len);
    struct bearer_message m = {0};
    struct plain_message p = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(fillers); i++) {
        memset(in, fillers[i], len);
        unit_check_err(plain_parse(in, len, &p), PAT_ERR_MALFORMED);
        unit_check_err(oauthbearer_parse(in, len, &m), PAT_ERR_MALFORMED);
        unit_check_err(xoauth2_parse(in, len, &m), PAT_ERR_MALFORMED);
        memcpy(in, "n,,\001", 4);
        unit_check_err(oauthbearer_parse(in, len, &m), PAT_ERR_MALFORMED);
        memcpy(in, "n,a=", 4);
        unit_check_err(oauthbearer_parse(in, len, &m), PAT_ERR_MALFORMED);
        memcpy(in, "\0a\0", 3);
        unit_check_err(plain_parse(in, len, &p), PAT_ERR_MALFORMED);
    }
    free(in);
    unit_check_err(plain_parse(NULL, 0, &p), PAT_ERR_MALFORMED);
    unit_check_err(oauthbearer_parse(NULL, 0, &m), PAT_ERR_MALFORMED);
    unit_check_err(xoauth2_parse(NULL, 0, &m), PAT_ERR_MALFORMED);
}

/* RFC 3629 */

struct utf8_row {
    const char *name;
    const char *in;
    size_t len;
    bool want;
};

static const struct utf8_row utf8s[] = {
    {"nothing", BYTES(""), true},
    {"ASCII", BYTES("alice"), true},
    {"the first of two bytes", BYTES("\xc2\x80"), true},
    {"the last of two bytes", BYTES("\xdf\xbf"), true},
    {"the first of three", BYTES("\xe0\xa0\x80"), true},
    {"before the surrogates", BYTES("\xed\x9f\xbf"), true},
    {"behind the surrogates", BYTES("\xee\x80\x80"), true},
    {"the first of four", BYTES("\xf0\x90\x80\x80"), true},
    {"the last character", BYTES("\xf4\x8f\xbf\xbf"), true},

    {"a continuation alone", BYTES("\x80"), false},
    {"the last continuation alone", BYTES("\xbf"), false},
    {"two bytes, cut", BYTES("\xc3"), false},
    {"three bytes, cut", BYTES("\xe2\x82"), false},
    {"four bytes, cut", BYTES("\xf0\x9f\x98"), false},
    {"two bytes, no continuation", BYTES("\xc3\x28"), false},
    {"three bytes, a lead within", BYTES("\xe2\xc2\xac"), false},
    {"an overlong NUL", BYTES("\xc0\x80"), false},
    {"an overlong slash", BYTES("\xc1\xaf"), false},
    {"three bytes, overlong", BYTES("\xe0\x9f\xbf"), false},
    {"four bytes, overlong", BYTES("\xf0\x8f\xbf\xbf"), false},
    {"the first surrogate", BYTES("\xed\xa0\x80"), false},
    {"the last surrogate", BYTES("\xed\xbf\xbf"), false},
    {"behind the last character", BYTES("\xf4\x90\x80\x80"), false},
    {"a lead that is none", BYTES("\xf5\x80\x80\x80"), false},
    {"five bytes", BYTES("\xf8\x88\x80\x80\x80"), false},
    {"0xff", BYTES("\xff"), false},
    {"good, then bad", BYTES("alice\xff"), false},
};

static void
utf8(void **state)
{
    const struct utf8_row *row = *state;
    char *in = copy_of(row->in, row->len);

    unit_check_int("valid", utf8_valid(in, row->len), row->want);
    free(in);
}

int
main(void)
{
    UNIT_TABLE("plain", plain, plains);
    UNIT_TABLE("oauthbearer", oauthbearer, oauthbearers);
    UNIT_TABLE("xoauth2", xoauth2, xoauth2s);
    unit_add("messages", "cut and changed", cut_and_changed, NULL);
    unit_add("messages", "a megabyte", megabyte, NULL);
    UNIT_TABLE("utf8", utf8, utf8s);
    return unit_run("sasl_message");
}
