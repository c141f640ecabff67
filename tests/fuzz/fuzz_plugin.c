/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpat.so in a bad world: the whole of the SASL plugin, with calls that fail where the
 * first bytes say so, bit by bit, clients that send the two lines behind these, and a
 * patd that answers what is left of the input. Never SASL_OK unless an acceptance
 * arrived, whole, to a request that was sent, whole, and for nobody but whom it was of;
 * never SASL_BADAUTH where nobody knows; no token for the host's check of passwords, in a
 * name, in memory that is given back, nor in a log; no descriptor and no memory lost.
 * Where no socket is configured, nothing at all.
 *
 * The host is a handful of functions here: libsasl2 itself is not what is tried.
 */
#include <ctype.h>
#include <stdarg.h>
#include <strings.h>

#include <sasl/prop.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "faults.h"
#include "message.h"
#include "shape.h"

sasl_server_plug_init_t sasl_server_plug_init;

#define CHOICES   2 /* bytes behind those of the faults */
#define LINE_MAX  4096
#define CANON_MAX 1024 /* the library's limit */
#define PROP_MAX  4

enum mech { PLAIN = 0, LOGIN, OAUTHBEARER, XOAUTH2 };

/* Bits of the first byte: what is configured, and how the client begins. */
enum choice {
    MECH = 3,
    SERVER_FIRST = 4, /* LOGIN: the client waits to be asked */
    PIECES = 8,
    NO_SOCKET = 16,
    WRONG_OPTION = 32,
    LIMITS = 64,
    PROPERTIES = 128,
};

/* Of the second: what sort of host it is. */
enum host {
    REALM = 1,
    NO_ADDRESS = 2,
    CHECK = 12,  /* what its check of passwords says */
    LEAVES = 16, /* the client, after its first line */
    SOURCE = 32, /* of properties; of ours, too */
};

/* Who logs in, as the client has it. */
struct claim {
    bool whole; /* the mechanism has all of it */
    char authzid[LINE_MAX + 1], authid[LINE_MAX + 1], secret[LINE_MAX + 1];
    size_t secret_len;
};

static struct {
    uint8_t choice, host;
    struct fuzz_input lines;
    struct claim claim;
    sasl_out_params_t out;
    char authid[CANON_MAX + 1], user[CANON_MAX + 1];
    int host_rc; /* of the call of the host that failed; SASL_OK: none has */
    int checks, check_rc;
    int errors, lines_logged, lines_told;
    struct propval props[PROP_MAX + 1];
    const char *values[PROP_MAX][2];
    char texts[PROP_MAX][CANON_MAX + 1];
    bool set[PROP_MAX]; /* by the plugin */
} world;

static char nobody; /* where only a pointer is wanted */

static sasl_conn_t *
connection(void)
{
    return (sasl_conn_t *)(void *)&nobody;
}

static struct propctx *
properties(void)
{
    return (struct propctx *)(void *)&nobody;
}

/* A call of the host that fails gives the exchange its result. */
static bool
host_fails(int rc)
{
    if (!faults_hit())
        return false;
    world.host_rc = rc;
    return true;
}

/* Names */

/* As the library makes it: no blanks around it, and the realm behind it. */
static bool
canonical(const char *name, size_t len, char ret[CANON_MAX + 1])
{
    const char *realm = (world.host & REALM) != 0 ? "@example.net" : "";

    for (; len > 0 && isspace((unsigned char)name[0]); len--)
        name++;
    while (len > 0 && isspace((unsigned char)name[len - 1]))
        len--;
    if (len == 0 || memchr(name, '@', len) != NULL)
        realm = "";
    if (len == 0 || len + strlen(realm) > CANON_MAX)
        return false;
    memcpy(ret, name, len);
    memcpy(ret + len, realm, strlen(realm) + 1);
    return true;
}

/* What patd is asked for; false: nobody can have that name. */
static bool
login_name(const char *name, char ret[CANON_MAX + 1])
{
    char *at = strrchr(name, '@');
    size_t len = strlen(name);

    if (at != NULL && (world.host & REALM) != 0 && strcasecmp(at, "@example.net") == 0)
        len = (size_t)(at - name);
    memcpy(ret, name, len);
    ret[len] = '\0';
    return len > 0 && len <= PAT_USER_MAX && utf8_valid(ret, len);
}

/* Returns whether the text contains a complete token, if blanks, control characters and
 * other alphabets are left out. */
static bool
resembles(const char *text, size_t len)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz_-";
    static char plain[65536];
    size_t n = 0;

    for (size_t i = 0; i < len && n < sizeof(plain) - 1; i++)
        if (text[i] > ' ' && text[i] < 0x7f)
            plain[n++] = (char)tolower((unsigned char)text[i]);
    plain[n] = '\0';
    for (const char *p = plain; (p = strstr(p, "rhp_")) != NULL; p++)
        if (strspn(p + 4, alphabet) >= 20)
            return true;
    return false;
}

static bool
is_token_name(const char *name)
{
    return resembles(name, strlen(name));
}

/* Returns the part of the secret that is sent to patd. */
static void
trimmed(const struct claim *c, const char **ret, size_t *ret_len)
{
    *ret = c->secret;
    *ret_len = c->secret_len;
    if ((world.choice & MECH) <= LOGIN)
        pat_token_trim(ret, ret_len);
}

static bool
is_token(const struct claim *c)
{
    const char *token;
    size_t len;

    trimmed(c, &token, &len);
    return len >= 4 && memcmp(token, "rhp_", 4) == 0;
}

/* Properties */

static int
find_prop(const char *name)
{
    int i = 0;

    while (i < PROP_MAX && world.props[i].name != NULL &&
           strcmp(world.props[i].name, name) != 0)
        i++;
    return i < PROP_MAX && world.props[i].name != NULL ? i : -1;
}

static const char *
prop_value(const char *name)
{
    int i = find_prop(name);

    return i >= 0 && world.props[i].values != NULL ? world.props[i].values[0] : NULL;
}

static void
put_prop(int i, const char *value, bool by_plugin)
{
    (void)snprintf(world.texts[i], sizeof(world.texts[i]), "%s", value);
    world.values[i][0] = world.texts[i];
    world.props[i].values = world.values[i];
    world.props[i].nvalues = 1;
    world.set[i] = by_plugin;
}

static void
take_prop(int i)
{
    world.props[i].values = NULL;
    world.props[i].nvalues = 0;
    world.set[i] = false;
}

static int
host_prop_request(struct propctx *ctx, const char **names)
{
    MUST(ctx == properties());
    if (faults_hit())
        return SASL_NOMEM;
    for (int i = 0; i < PROP_MAX; i++)
        take_prop(i);
    for (; *names != NULL; names++) {
        int i = 0;

        while (i < PROP_MAX && world.props[i].name != NULL &&
               strcmp(world.props[i].name, *names) != 0)
            i++;
        MUST(i < PROP_MAX);
        world.props[i].name = *names;
    }
    return SASL_OK;
}

static const struct propval *
host_prop_get(struct propctx *ctx)
{
    MUST(ctx == properties());
    return world.props;
}

static int
host_prop_set(struct propctx *ctx, const char *name, const char *value, int len)
{
    int i = find_prop(name);

    MUST(ctx == properties() && len == 0);
    MUST(i >= 0 && world.props[i].values == NULL);
    if (faults_hit())
        return SASL_NOMEM;
    put_prop(i, value, true);
    return SASL_OK;
}

static void
host_prop_erase(struct propctx *ctx, const char *name)
{
    int i = find_prop(name);

    MUST(ctx == properties());
    if (i >= 0)
        take_prop(i);
}

/* A source knows all of everybody; an asterisk is for who authenticates. */
static void
look_up(const char *name, bool authid)
{
    for (int i = 0; i < PROP_MAX && world.props[i].name != NULL; i++)
        if ((world.host & SOURCE) != 0 && (world.props[i].name[0] == '*') == authid &&
            world.props[i].values == NULL)
            put_prop(i, name, false);
}

/* Calls of the host */

static int
host_getopt(void *context, const char *plugin, const char *option, const char **result,
    unsigned *len)
{
    static const struct {
        const char *name, *value;
        unsigned with, without;
    } options[] = {
        {"pat_socket", "/run/patd.sock", 0, NO_SOCKET},
        {"pat_timeout", "soon", WRONG_OPTION, 0},
        {"pat_org", "acme, globex", LIMITS, 0},
        {"pat_role", "owner", LIMITS, 0},
        {"pat_properties", "yes", PROPERTIES, 0},
    };

    MUST(context == &nobody && strcmp(plugin, "PAT") == 0);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(option, options[i].name) == 0 &&
            (world.choice & options[i].with) == options[i].with &&
            (world.choice & options[i].without) == 0) {
            *result = options[i].value;
            if (len != NULL)
                *len = (unsigned)strlen(options[i].value);
            return SASL_OK;
        }
    return SASL_FAIL;
}

/* All that it says is its own text: neither secrets nor names. */
static void
host_log(sasl_conn_t *conn, int level, const char *fmt, ...)
{
    char line[4096];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    MUST(conn == connection());
    MUST(level == SASL_LOG_ERR || level == SASL_LOG_FAIL);
    MUST(strncmp(line, "sasl_pat: ", 10) == 0);
    MUST(!faults_tell(line, strlen(line)) && strstr(line, "alice") == NULL);
    /* Nobody can mend an option for which there was no memory. */
    MUST(strstr(line, "sasl_pat: option") == NULL || strstr(line, "memory") == NULL);
    world.lines_logged++;
    if (level == SASL_LOG_ERR)
        world.errors++;
}

/* This goes to the client, who is to learn nothing of it. */
static void
host_seterror(sasl_conn_t *conn, unsigned flags, const char *fmt, ...)
{
    MUST(conn == connection() && flags == SASL_NOLOG);
    MUST(strcmp(fmt, "malformed message") == 0 ||
         strcmp(fmt, "authentication failed") == 0 ||
         strcmp(fmt, "token service is unavailable") == 0);
    world.lines_told++;
}

static int
host_checkpass(sasl_conn_t *conn, const char *user, unsigned user_len, const char *pass,
    unsigned pass_len)
{
    static const int results[] = {SASL_OK, SASL_BADAUTH, SASL_UNAVAIL, SASL_NOUSER};
    const struct claim *c = &world.claim;

    MUST(conn == connection());
    MUST(user == world.authid && user_len == strlen(world.authid));
    MUST(c->whole && (world.choice & MECH) <= LOGIN && !is_token(c));
    MUST(!resembles(c->secret, c->secret_len));
    MUST(pass_len == c->secret_len && memcmp(pass, c->secret, pass_len) == 0);
    MUST(pass[pass_len] == '\0');
    world.checks++;
    world.check_rc = results[(world.host & CHECK) / 4];
    if (faults_hit())
        world.check_rc = SASL_UNAVAIL;
    if (world.check_rc != SASL_OK)
        world.host_rc = world.check_rc;
    look_up(world.authid, false);
    return world.check_rc;
}

static int
host_canon_user(sasl_conn_t *conn, const char *name, unsigned len, unsigned flags,
    sasl_out_params_t *out)
{
    char buf[CANON_MAX + 1];

    MUST(conn == connection() && out == &world.out);
    MUST((flags & (SASL_CU_AUTHID | SASL_CU_AUTHZID)) != 0);
    if (!faults.told)
        MUST(!is_token_name(name));
    /* Whom the host knows not may yet be whom a token is of. */
    MUST((flags & SASL_CU_EXTERNALLY_VERIFIED) != 0 || world.checks > 0);
    if (len == 0)
        len = (unsigned)strlen(name);
    if (host_fails(SASL_NOUSER))
        return SASL_NOUSER;
    if (!canonical(name, len, buf)) {
        world.host_rc = SASL_BUFOVER;
        return SASL_BUFOVER;
    }
    if ((flags & SASL_CU_AUTHID) != 0) {
        memcpy(world.authid, buf, strlen(buf) + 1);
        out->authid = world.authid;
        out->alen = (unsigned)strlen(buf);
        look_up(buf, true);
    }
    if ((flags & SASL_CU_AUTHZID) != 0) {
        for (int i = 0; i < PROP_MAX && world.props[i].name != NULL; i++)
            MUST(world.props[i].name[0] == '*' || world.props[i].values == NULL);
        memcpy(world.user, buf, strlen(buf) + 1);
        out->user = world.user;
        out->ulen = (unsigned)strlen(buf);
        look_up(buf, false);
    }
    return SASL_OK;
}

/* What came of it */

static void
is_user(const char *want_authid, const char *want_user)
{
    char authid[CANON_MAX + 1], user[CANON_MAX + 1];

    MUST(canonical(want_authid, strlen(want_authid), authid));
    MUST(canonical(want_user, strlen(want_user), user));
    MUST(world.out.authid == world.authid && strcmp(world.authid, authid) == 0);
    MUST(world.out.user == world.user && strcmp(world.user, user) == 0);
    if ((world.host & SOURCE) != 0)
        MUST(strcmp(prop_value("mail"), user) == 0);
}

static void
has_properties(const char *role, const char *org)
{
    const char *got_role = prop_value("*patRole"), *got_org = prop_value("*patOrg");

    if ((world.choice & PROPERTIES) == 0)
        return;
    if (role == NULL)
        MUST(got_role == NULL && got_org == NULL);
    else
        MUST(got_role != NULL && strcmp(got_role, role) == 0 && got_org != NULL &&
             strcmp(got_org, org) == 0);
}

static bool
same_list(const char *const *list, const char *a, const char *b)
{
    if ((world.choice & LIMITS) == 0)
        return list == NULL;
    return list != NULL && strcmp(list[0], a) == 0 &&
           (b != NULL ? strcmp(list[1], b) == 0 && list[2] == NULL : list[1] == NULL);
}

/* The token was asked about, for who it was to be, and what came back accepts it. */
static void
is_granted(const struct claim *c)
{
    static struct pat_proto_request r;
    struct pat_identity id;
    char user[CANON_MAX + 1];
    const char *token;
    size_t token_len;

    faults_accepted(&r, &id);
    MUST(world.checks == 0);
    trimmed(c, &token, &token_len);
    MUST(r.token_len == token_len && memcmp(r.token, token, token_len) == 0);
    MUST(strcmp(r.req.service, "smtp") == 0);
    if ((world.host & NO_ADDRESS) != 0)
        MUST(r.req.source == NULL);
    else
        MUST(strcmp(r.req.source, "192.0.2.7") == 0);
    MUST(
        same_list(r.req.orgs, "acme", "globex") && same_list(r.req.roles, "owner", NULL));
    if (c->authid[0] != '\0') {
        MUST(!r.req.any_user && login_name(world.authid, user));
        MUST(strcmp(r.req.user, user) == 0);
        is_user(c->authid, c->authzid[0] != '\0' ? c->authzid : c->authid);
    } else {
        MUST(r.req.any_user && (world.choice & MECH) == OAUTHBEARER);
        is_user(id.user, id.user);
    }
    has_properties(id.role, id.org);
}

/* The host's own check has let it in, and patd knows nothing of it. */
static void
is_checked(const struct claim *c)
{
    MUST(world.checks == 1 && world.check_rc == SASL_OK && faults.sockets == 0);
    is_user(c->authid, c->authzid[0] != '\0' ? c->authzid : c->authid);
    has_properties(NULL, NULL);
}

/* What patd says in so many bytes of its answer; PAT_ERR_UNAVAIL: nothing of use. */
static enum pat_err
verdict(size_t len)
{
    enum pat_err status = PAT_ERR_COUNT;
    struct pat_identity id;

    if (pat_proto_decode_answer(faults.answer, len, &status, &id) != PAT_OK ||
        status == PAT_ERR_CONFIG || status == PAT_ERR_NOMEM)
        return PAT_ERR_UNAVAIL;
    return status;
}

/* Somebody who knew has refused it, or it was nothing to ask about. */
static void
is_refused(const struct claim *c)
{
    bool bearer = (world.choice & MECH) >= OAUTHBEARER;
    char user[CANON_MAX + 1];
    const char *token;
    size_t token_len;

    trimmed(c, &token, &token_len);
    MUST(c->whole);
    if (faults.sockets > 0)
        MUST(verdict(faults.received) != PAT_OK &&
             verdict(faults.received) != PAT_ERR_UNAVAIL);
    else
        MUST(is_token_name(c->authid) || is_token_name(c->authzid) ||
             (!bearer && !is_token(c) && resembles(c->secret, c->secret_len)) ||
             ((bearer || is_token(c)) &&
                 (!pat_token_well_formed("rhp_", token, token_len) ||
                     !login_name(world.authid, user))));
}

/* Not without a reason, which somebody has to mend. */
static void
is_unavailable(void)
{
    MUST(world.errors > 0);
    MUST(faults.hits > 0 || (world.choice & WRONG_OPTION) != 0 ||
         verdict(faults.answer_len) == PAT_ERR_UNAVAIL);
}

static void
judge(int rc)
{
    const struct claim *c = &world.claim;

    if (rc == SASL_OK) {
        MUST(c->whole && world.host_rc == SASL_OK && (world.choice & WRONG_OPTION) == 0);
        MUST(world.out.doneflag == 1 && world.out.mech_ssf == 0);
        MUST(world.out.encode == NULL && world.out.decode == NULL);
        if ((world.choice & MECH) >= OAUTHBEARER || is_token(c))
            is_granted(c);
        else
            is_checked(c);
        return;
    }
    MUST(world.out.doneflag == 0);
    for (int i = 0; i < PROP_MAX; i++)
        MUST(!world.set[i]);
    if (world.host_rc != SASL_OK) {
        MUST(rc == world.host_rc);
    } else if (rc == SASL_BADAUTH) {
        is_refused(c);
    } else if (rc == SASL_UNAVAIL) {
        is_unavailable();
    } else {
        MUST(rc == SASL_BADPROT && !c->whole && faults.sockets == 0);
    }
}

/* What clients send */

static void
keep(char to[LINE_MAX + 1], const char *from, size_t len)
{
    memcpy(to, from, len);
    to[len] = '\0';
}

static void
claim_plain(const char *in, size_t len)
{
    struct claim *c = &world.claim;
    const char *end = in + len, *authid = memchr(in, '\0', len), *secret = NULL;

    if (authid != NULL)
        secret = memchr(authid + 1, '\0', (size_t)(end - authid - 1));
    if (secret == NULL)
        return;
    keep(c->authzid, in, (size_t)(authid - in));
    keep(c->authid, authid + 1, (size_t)(secret - authid - 1));
    c->secret_len = (size_t)(end - secret - 1);
    keep(c->secret, secret + 1, c->secret_len);
    c->whole = strlen(c->authzid) <= PART_MAX &&
               part_valid(c->authid, strlen(c->authid)) &&
               part_valid(c->secret, c->secret_len);
}

/* Of LOGIN, what the name was, and now the password is. */
static void
claim_login(const char *in, size_t len)
{
    struct claim *c = &world.claim;

    if (c->authid[0] == '\0') {
        if (part_valid(in, len))
            keep(c->authid, in, len);
        return;
    }
    keep(c->secret, in, len);
    c->secret_len = len;
    c->whole = part_valid(in, len);
}

static void
claim_bearer(const char *in, size_t len)
{
    struct claim *c = &world.claim;
    struct bearer_message m;
    enum pat_err err = (world.choice & MECH) == OAUTHBEARER
                           ? oauthbearer_parse(in, len, &m)
                           : xoauth2_parse(in, len, &m);

    if (err != PAT_OK)
        return;
    keep(c->authid, m.user, strlen(m.user));
    keep(c->secret, m.token, m.token_len);
    c->secret_len = m.token_len;
    c->whole = true;
}

/* What clients get. */
static void
is_challenge(int mech, const char *out, unsigned len)
{
    static const char *const texts[][2] = {
        [LOGIN] = {"Username:", "Password:"},
        [OAUTHBEARER] = {"{\"status\":\"invalid_token\"}", ""},
        [XOAUTH2] = {"{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"\"}", ""},
    };

    MUST(mech != PLAIN && out != NULL && len == strlen(out));
    MUST(strcmp(out, texts[mech][0]) == 0 ||
         (mech == LOGIN && strcmp(out, texts[mech][1]) == 0));
}

/* The host */

static sasl_utils_t utils = {
    .version = SASL_UTILS_VERSION,
    .getopt_context = &nobody,
    .getopt = host_getopt,
    .malloc = malloc,
    .calloc = calloc,
    .free = free,
    .checkpass = host_checkpass,
    .log = host_log,
    .seterror = host_seterror,
    .prop_request = host_prop_request,
    .prop_get = host_prop_get,
    .prop_set = host_prop_set,
    .prop_erase = host_prop_erase,
};

static sasl_server_params_t params = {
    .service = "smtp",
    .utils = &utils,
    .canon_user = host_canon_user,
};

static int
step(const sasl_server_plug_t *plug, void *context, const char *in, size_t len)
{
    int mech = world.choice & MECH;
    const char *out = in;
    unsigned out_len = 1;
    int rc;

    faults.armed = true;
    rc = plug->mech_step(context, &params, in, (unsigned)len, &out, &out_len, &world.out);
    faults.armed = false;
    if (rc == SASL_CONTINUE)
        is_challenge(mech, out, out_len);
    else
        MUST(out == NULL && out_len == 0);
    return rc;
}

/* The next line of the client, which is gone after the step. */
static int
answer(const sasl_server_plug_t *plug, void *context, bool again)
{
    struct fuzz_input *lines = &world.lines;
    int mech = world.choice & MECH;
    const uint8_t *end = lines->size > 0 ? memchr(lines->data, '\n', lines->size) : NULL;
    size_t len = end != NULL ? (size_t)(end - lines->data) : lines->size;
    char *in = fuzz_copy(lines->data, len);
    int rc;

    lines->data += len + (end != NULL);
    lines->size -= len + (end != NULL);
    if (mech == PLAIN)
        claim_plain(in, len);
    else if (mech == LOGIN)
        claim_login(in, len);
    else if (!again)
        claim_bearer(in, len);
    rc = step(plug, context, in, len);
    explicit_bzero(in, len);
    free(in);
    return rc;
}

static void
converse(const sasl_server_plug_t *plug, void *context)
{
    bool bearer = (world.choice & MECH) >= OAUTHBEARER;
    int rc = SASL_CONTINUE;

    if ((world.choice & MECH) == LOGIN && (world.choice & SERVER_FIRST) != 0)
        MUST(step(plug, context, NULL, 0) == SASL_CONTINUE);
    rc = answer(plug, context, false);
    /* A challenge of these says that it is over. */
    if (rc != SASL_CONTINUE || bearer)
        judge(rc == SASL_CONTINUE ? SASL_BADAUTH : rc);
    if (rc != SASL_CONTINUE || (world.host & LEAVES) != 0)
        return;
    rc = answer(plug, context, true);
    if (bearer)
        MUST(rc == SASL_BADAUTH);
    else if (rc != SASL_CONTINUE)
        judge(rc);
}

static void
log_in(const sasl_server_plug_t *plug)
{
    void *context = NULL;
    int rc;

    faults.armed = true;
    rc = plug->mech_new(plug->glob_context, &params, NULL, 0, &context);
    faults.armed = false;
    if (rc != SASL_OK) {
        MUST(context == NULL);
        judge(rc);
        return;
    }
    MUST((world.choice & WRONG_OPTION) == 0);
    converse(plug, context);
    faults.armed = true;
    plug->mech_dispose(context, &utils);
    faults.armed = false;
}

/* What a host finds that has not asked for it. */
static void
is_not_there(int count)
{
    MUST(count == 0 && world.lines_logged == 0 && world.lines_told == 0);
    MUST(faults.calls == 0);
}

static void
load(void)
{
    static const char *const names[] = {"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"};
    sasl_server_plug_t *list = NULL;
    int version = 0, count = -1;

    faults.armed = true;
    MUST(sasl_server_plug_init(
             &utils, SASL_SERVER_PLUG_VERSION, &version, &list, &count) == SASL_OK);
    faults.armed = false;
    MUST(version == SASL_SERVER_PLUG_VERSION);
    if ((world.choice & NO_SOCKET) != 0) {
        is_not_there(count);
        return;
    }
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].mech_name, names[world.choice & MECH]) == 0)
            log_in(&list[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *lines = data + FAULTS_SIZE + CHOICES, *end = data + size;
    const uint8_t *answer_at = lines;

    if (size <= FAULTS_SIZE + CHOICES || size > LINE_MAX)
        return 0;
    for (int i = 0; i < 2 && answer_at < end; i++) {
        const uint8_t *at = memchr(answer_at, '\n', (size_t)(end - answer_at));

        answer_at = at != NULL ? at + 1 : end;
    }
    memset(&world, 0, sizeof(world));
    world.choice = data[FAULTS_SIZE];
    world.host = data[FAULTS_SIZE + 1];
    world.lines.data = lines;
    world.lines.size = (size_t)(answer_at - lines);
    world.props[0].name = "mail";
    world.props[1].name = (world.host & SOURCE) != 0 ? "*patRole" : NULL;
    utils.conn = connection();
    params.propctx = properties();
    params.user_realm = (world.host & REALM) != 0 ? "example.net" : NULL;
    params.ipremoteport = (world.host & NO_ADDRESS) != 0 ? NULL : "192.0.2.7;1234";
    faults_begin(
        data, (world.choice & PIECES) != 0, answer_at, (size_t)(end - answer_at));
    load();
    faults_end();
    return 0;
}
