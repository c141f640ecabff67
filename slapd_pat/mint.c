/* SPDX-License-Identifier: BSD-2-Clause */
#include "mint.h"

#include <string.h>

#include "lber-int.h"
#include "secret.h"
#include "work.h"

/*
 * slapd builds a response in the memory of the operation, a slab that grows like a stack,
 * and large ones elsewhere. What holds a token stays small, so that it can be erased.
 */
#define ANSWER_MAX ((size_t)16 * 1024)
#define SCRUB_SIZE (4 * ANSWER_MAX)

int
pat_mint_make(struct pat_work *w, Entry *e)
{
    struct pat_token_format format = {.prefix = w->set->prefix};
    struct pat_hash hash = {{0}};
    struct berval value = {PAT_HASH_HEX_LEN, hash.hex};

    if (pat_token_generate(&format, &w->mint.token) != PAT_OK ||
        pat_token_hash(w->mint.token.text, w->mint.token.len, &hash) != PAT_OK)
        return pat_refuse(w, LDAP_OTHER,
            "pat: the system gave no random numbers, or no SHA-256: no token was made");
    attr_merge_normalize_one(e, pat_schema.hash, &value, NULL);
    w->mint.minted = true;
    pat_hash_clear(&hash);
    return LDAP_SUCCESS;
}

static bool
asked_for(const Operation *op)
{
    const AttributeName *an;

    if (!op->o_postread)
        return false;
    for (an = op->o_postread_attrs; an != NULL && !BER_BVISNULL(&an->an_name); an++)
        if (an->an_desc == pat_schema.secret)
            return true;
    return false;
}

/* The response's controls, with ours for the backend's post-read. */
static void
replace_control(struct pat_mint *m, SlapReply *rs)
{
    size_t n = 0, i;

    while (rs->sr_ctrls != NULL && rs->sr_ctrls[n] != NULL)
        n++;
    m->controls = ch_calloc(n + 2, sizeof(LDAPControl *));
    for (i = 0; i < n; i++) {
        m->controls[i] = rs->sr_ctrls[i];
        if (strcmp(m->controls[i]->ldctl_oid, LDAP_CONTROL_POST_READ) == 0)
            break;
    }
    m->controls[i] = m->control;
    for (i++; i < n; i++)
        m->controls[i] = rs->sr_ctrls[i];
    rs->sr_ctrls = m->controls;
}

/*
 * As long as the token, with 18 characters of chance, so that nobody can know it before
 * and have it stand elsewhere in the entry; no scanner takes it for a token.
 */
static enum pat_err
make_stand_in(const struct pat_work *w, struct pat_token *ret)
{
    struct pat_token_format format = {.prefix = w->set->prefix};
    enum pat_err err = pat_token_generate(&format, ret);

    if (err == PAT_OK && ret->len != w->mint.token.len)
        err = PAT_ERR_UNAVAIL;
    if (err == PAT_OK)
        memset(ret->text, '*', ret->len - 24);
    return err;
}

int
pat_mint_offer(struct pat_work *w, Entry *e, SlapReply *rs)
{
    struct pat_mint *m = &w->mint;
    struct pat_token other = {{0}, 0};
    struct berval value;
    SlapReply read = {.sr_type = REP_RESULT};
    Entry *shown;
    char *at;
    int rc;

    if (!asked_for(w->op))
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: the token is told once, in the response: ask for it by the post-read "
            "control (ldapadd -e postread=patSecret)");
    /*
     * slapd makes the control, under its ACLs, with something in the token's place that
     * the token is written over later. So no buffer on the way has held it.
     */
    if (make_stand_in(w, &other) != PAT_OK)
        return pat_refuse(w, LDAP_OTHER, "pat: the system gave no random numbers");
    value.bv_len = other.len;
    value.bv_val = other.text;
    shown = entry_dup(e);
    attr_merge_one(shown, pat_schema.secret, &value, NULL);
    rc = slap_read_controls(w->op, &read, shown, &slap_post_read_bv, &m->control);
    entry_free(shown);
    at = rc != LDAP_SUCCESS || m->control == NULL
             ? NULL
             : memmem(m->control->ldctl_value.bv_val, m->control->ldctl_value.bv_len,
                   other.text, other.len);
    pat_token_clear(&other);
    if (at == NULL)
        return pat_refuse(w, LDAP_INSUFFICIENT_ACCESS,
            "pat: patSecret: no \"read\" access to it, so that the token could not be "
            "told");
    if (m->control->ldctl_value.bv_len > ANSWER_MAX)
        return pat_refuse(w, LDAP_UNWILLING_TO_PERFORM,
            "pat: the answer would be %lu bytes long, %lu are allowed: ask for less than "
            "all attributes (ldapadd -e postread=patSecret)",
            (unsigned long)m->control->ldctl_value.bv_len, (unsigned long)ANSWER_MAX);
    m->place = at;
    replace_control(m, rs);
    return LDAP_SUCCESS;
}

/*
 * With -d -1 slapd shows in its log what a connection sends. That is a matter of the
 * connection, and ours is to say nothing from its first token on: responses of others, or
 * more tokens, may be on their way at the same time. liblber has no call for it.
 */
static void
hush(struct pat_work *w)
{
    Sockbuf *sb = w->op->o_conn == NULL ? NULL : w->op->o_conn->c_sb;

    if (sb != NULL && sb->sb_valid == LBER_VALID_SOCKBUF)
        sb->sb_debug = 0;
}

void
pat_mint_reveal(struct pat_work *w, const SlapReply *rs)
{
    struct pat_mint *m = &w->mint;

    if (m->place == NULL || rs->sr_err != LDAP_SUCCESS || rs->sr_ctrls != m->controls)
        return;
    hush(w);
    memcpy(m->place, m->token.text, m->token.len);
}

void
pat_mint_hide(struct pat_work *w)
{
    struct pat_mint *m = &w->mint;

    if (m->place != NULL)
        pat_secret_erase(m->place, m->token.len);
}

void
pat_mint_clear(struct pat_work *w, SlapReply *rs)
{
    struct pat_mint *m = &w->mint;

    pat_mint_hide(w);
    m->place = NULL;
    if (rs->sr_ctrls == m->controls)
        rs->sr_ctrls = NULL;
    ch_free(m->controls);
    m->controls = NULL;
    if (m->control != NULL) {
        struct berval *value = &m->control->ldctl_value;

        pat_secret_erase(value->bv_val, value->bv_len);
        w->op->o_tmpfree(value->bv_val, w->op->o_tmpmemctx);
        ch_free(m->control);
        m->control = NULL;
    }
    if (m->minted) {
        /* slapd built the response in the operation's memory, which grows like a stack.
         */
        void *scrub = w->op->o_tmpalloc(SCRUB_SIZE, w->op->o_tmpmemctx);

        pat_secret_erase(scrub, SCRUB_SIZE);
        w->op->o_tmpfree(scrub, w->op->o_tmpmemctx);
    }
    pat_token_clear(&m->token);
}
