/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What SASL's clients send. The first byte chooses the mechanism: PLAIN, OAUTHBEARER or
 * XOAUTH2. What was understood means the same once it is written in the plainest form.
 */
#include "fuzz.h"
#include "message.h"

static void
reads_plain(const char *in, size_t len)
{
    struct plain_message m;
    size_t authzid_len, authid_len;

    if (plain_parse(in, len, &m) != PAT_OK)
        return;
    authzid_len = strlen(m.authzid);
    authid_len = strlen(m.authid);
    MUST(m.authzid == in && m.authid == in + authzid_len + 1);
    MUST(m.password == m.authid + authid_len + 1);
    MUST(m.password + m.password_len == in + len);
    MUST(authzid_len <= PART_MAX && part_valid(m.authid, authid_len));
    MUST(part_valid(m.password, m.password_len));
}

static void
is_bearer(const char *in, size_t len, const struct bearer_message *m)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz._~+/-=";

    MUST(m->token >= in && m->token + m->token_len <= in + len && m->token_len > 0);
    for (size_t i = 0; i < m->token_len; i++)
        MUST(m->token[i] != '\0' && strchr(alphabet, m->token[i]) != NULL);
    MUST(strlen(m->user) <= PAT_USER_MAX && utf8_valid(m->user, strlen(m->user)));
}

static void
write_user(FILE *to, const char *user, bool escaped)
{
    for (; *user != '\0'; user++)
        if (escaped && (*user == ',' || *user == '='))
            (void)fprintf(to, "=%02X", (unsigned)*user);
        else
            (void)fputc(*user, to);
}

static void
reads_bearer(const char *in, size_t len, bool xoauth2)
{
    enum pat_err (*parse)(const char *, size_t, struct bearer_message *) =
        xoauth2 ? xoauth2_parse : oauthbearer_parse;
    struct bearer_message m, again;
    char *text = NULL;
    size_t size = 0;
    FILE *f;

    if (parse(in, len, &m) != PAT_OK)
        return;
    is_bearer(in, len, &m);
    MUST(!xoauth2 || m.user[0] != '\0');
    f = open_memstream(&text, &size);
    MUST(f != NULL);
    (void)fputs(xoauth2 ? "user=" : m.user[0] != '\0' ? "n,a=" : "n,", f);
    write_user(f, m.user, !xoauth2);
    (void)fprintf(f, "%s\001auth=Bearer %.*s\001\001", xoauth2 ? "" : ",",
        (int)m.token_len, m.token);
    MUST(fclose(f) == 0);
    MUST(parse(text, size, &again) == PAT_OK);
    MUST(strcmp(again.user, m.user) == 0 && again.token_len == m.token_len);
    MUST(memcmp(again.token, m.token, m.token_len) == 0);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *in;

    if (size == 0)
        return 0;
    in = fuzz_copy(data + 1, --size);
    switch (data[0] % 3) {
    case 0:
        reads_plain(in, size);
        break;
    case 1:
        reads_bearer(in, size, false);
        break;
    default:
        reads_bearer(in, size, true);
        break;
    }
    free(in);
    return 0;
}
