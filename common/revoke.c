/* SPDX-License-Identifier: BSD-2-Clause */
#include "revoke.h"

#include <string.h>

#include "directory.h"
#include "strv.h"
#include "token.h"

/* What does not fit is left out: it could only be a part of the name. */
static void
copy(char *to, size_t size, const char *from)
{
    size_t len = from != NULL ? strlen(from) : 0;

    if (len < size)
        memcpy(to, from != NULL ? from : "", len + 1);
    else
        to[0] = '\0';
}

static enum pat_err
ask_server(const struct pat_conf *conf, const char *uri, const struct pat_hash *hash,
    int64_t now, struct pat_deadline deadline, struct pat_revocation *ret,
    struct pat_diag *diag)
{
    struct pat_directory *dir = NULL;
    struct pat_record rec = {0};
    bool already = false;
    enum pat_err err = pat_directory_new(conf, uri, &dir);

    if (err == PAT_OK)
        err = pat_directory_revoke(dir, hash, now, deadline, &rec, &already, diag);
    if (err == PAT_OK) {
        ret->already = already;
        copy(ret->id, sizeof(ret->id), rec.ids != NULL ? rec.ids[0] : NULL);
        copy(ret->org, sizeof(ret->org), rec.org);
    }
    pat_record_clear(&rec);
    pat_directory_free(dir);
    return err;
}

/* One after another; each gets an equal share of the time that is left. */
static enum pat_err
ask_servers(const struct pat_conf *conf, const struct pat_hash *hash, int64_t now,
    struct pat_deadline deadline, struct pat_revocation *ret, struct pat_diag *diag)
{
    const char *only[] = {conf->write_uri, NULL};
    const char *const *uris = conf->write_uri != NULL ? only : pat_strv_const(conf->uri);
    size_t count = pat_strv_len(uris);
    struct pat_diag trouble = {0};
    enum pat_err err = PAT_ERR_UNAVAIL;

    for (size_t i = 0; i < count && err == PAT_ERR_UNAVAIL; i++) {
        struct pat_diag why = {0}, before = trouble;
        int share = pat_deadline_left_ms(deadline) / (int)(count - i);

        if (share == 0)
            pat_diag_set(&why, "deadline passed before a server was asked");
        else
            err = ask_server(conf, uris[i], hash, now,
                pat_deadline_earlier(pat_deadline_in_ms(share), deadline), ret, &why);
        pat_diag_set(&trouble, "%s%s%s", before.text, before.text[0] != '\0' ? "; " : "",
            why.text);
        if (share == 0)
            break;
        if (err != PAT_ERR_UNAVAIL)
            trouble = why;
    }
    pat_diag_set(diag, "%s", trouble.text);
    return err;
}

enum pat_err
pat_revoke(const struct pat_conf *conf, const void *token, size_t token_len, int64_t now,
    struct pat_deadline deadline, struct pat_revocation *ret_revocation,
    struct pat_diag *diag)
{
    struct pat_token_format format = pat_conf_token_format(conf);
    struct pat_revocation revocation = {.already = false};
    struct pat_hash hash = {0};
    enum pat_err err;

    pat_diag_clear(diag);
    err = pat_token_check(&format, token, token_len);
    if (err != PAT_OK)
        goto out;
    err = pat_token_hash(token, token_len, &hash);
    if (err != PAT_OK) {
        pat_diag_set(diag, "libcrypto cannot compute SHA-256");
        goto out;
    }
    err = ask_servers(conf, &hash, now, deadline, &revocation, diag);
    if (err == PAT_OK)
        *ret_revocation = revocation;
out:
    pat_hash_clear(&hash);
    return err;
}
