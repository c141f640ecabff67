/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide.h"

#include <string.h>

#include "gentime.h"
#include "scope.h"
#include "strv.h"

/* What a check needs to know; `id` is filled as the checks go. */
struct decision {
    const struct pat_record *rec;
    const struct pat_request *req;
    const struct pat_policy *policy;
    int64_t now;
    struct pat_identity id;
    struct pat_diag *diag;
};

/*
 * Copy a value that identifies: cutting it could make it somebody else's, and so could a
 * host that replaces the control characters in it, or obeys them.
 */
static bool
copy_whole(const char *s, char *buf, size_t buf_size)
{
    size_t len = strlen(s);

    if (len == 0 || len >= buf_size)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return false;
    memcpy(buf, s, len + 1);
    return true;
}

/* Copy what is for people to read, cut between characters if need be. */
static void
copy_text(const char *s, char *buf, size_t buf_size)
{
    size_t len = strlen(s);

    if (len >= buf_size) {
        len = buf_size - 1;
        while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(buf, s, len);
    buf[len] = '\0';
}

static size_t
count(char *const *list)
{
    return pat_strv_len(pat_strv_const(list));
}

/* It stands in logs and variables of services, and in RDNs. */
static bool
is_id(const char *s)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz._-";

    return s[strspn(s, alphabet)] == '\0';
}

static enum pat_err
check_record(struct decision *d)
{
    const struct pat_record *rec = d->rec;
    const char *fault = NULL;

    if (rec->has_option)
        fault = "an attribute of the token has an option, such as patRevoked;lang-en: "
                "remove it";
    else if (count(rec->ids) != 1 || !is_id(rec->ids[0]) ||
             !copy_whole(rec->ids[0], d->id.id, sizeof(d->id.id)))
        fault = "patId: there must be one, 1 to 64 of A-Z a-z 0-9 . _ -";
    else if (rec->org_dn == NULL || rec->org == NULL ||
             !copy_whole(rec->org, d->id.org, sizeof(d->id.org)))
        fault = "it does not stand two levels below an org";
    else if (count(rec->owners) != 1 || rec->owners[0][0] == '\0')
        fault = "patOwner: there must be one";
    if (fault != NULL) {
        pat_diag_set(d->diag, "%s", fault);
        return PAT_ERR_RECORD;
    }
    if (count(rec->names) > 0)
        copy_text(rec->names[0], d->id.name, sizeof(d->id.name));
    return PAT_OK;
}

/* Any value will do: how it was written must never bring a token back to life. */
static enum pat_err
check_revoked(struct decision *d)
{
    return count(d->rec->revoked) > 0 ? PAT_ERR_REVOKED : PAT_OK;
}

static enum pat_err
check_expiry(struct decision *d)
{
    int64_t expires = 0;
    size_t n = count(d->rec->expires);

    if (n == 0)
        return PAT_OK;
    if (n > 1 || pat_gentime_parse(d->rec->expires[0], &expires) != PAT_OK) {
        pat_diag_set(d->diag, "patExpires: there must be one, a generalizedTime");
        return PAT_ERR_RECORD;
    }
    if (d->now >= expires)
        return PAT_ERR_EXPIRED;
    d->id.expires = expires;
    return PAT_OK;
}

static enum pat_err
check_org(struct decision *d)
{
    if (d->req->orgs == NULL || pat_strv_contains_nocase(d->req->orgs, d->id.org))
        return PAT_OK;
    pat_diag_set(d->diag, "org %s is not accepted here", d->id.org);
    return PAT_ERR_SCOPE;
}

/*
 * Of services and sources each value is understood before any decides: they come in no
 * order, and a limit must not depend on it.
 */
static enum pat_err
check_service(struct decision *d)
{
    bool listed = false;

    if (count(d->rec->services) == 0)
        return PAT_OK;
    for (char *const *pattern = d->rec->services; *pattern != NULL; pattern++) {
        if (!pat_service_valid(*pattern)) {
            pat_diag_set(d->diag, "patService: a value is no service name or pattern");
            return PAT_ERR_RECORD;
        }
        if (d->req->service != NULL && pat_glob_match(*pattern, d->req->service))
            listed = true;
    }
    if (listed)
        return PAT_OK;
    pat_diag_set(d->diag, "patService does not list this service");
    return PAT_ERR_SCOPE;
}

/* Returns why `source` is no address, and what to do. */
static const char *
source_fault(const char *source)
{
    switch (source != NULL ? pat_address_fault(source) : PAT_ADDRESS_EMPTY) {
    case PAT_ADDRESS_EMPTY:
        break;
    case PAT_ADDRESS_PORT:
        return "patSource is set, and the service gave the client's address with a port: "
               "let it give the address alone";
    case PAT_ADDRESS_NAME:
        return "patSource is set, and the service gave a host name: let it give the "
               "client's address (sshd: UseDNS no)";
    case PAT_ADDRESS_OTHER:
        return "patSource is set, and what the service gave is no IPv4 or IPv6 address";
    }
    return "patSource is set, and the client's address is not known";
}

static enum pat_err
check_source(struct decision *d)
{
    struct pat_network addr = {0}, net = {0};
    bool known =
        d->req->source != NULL && pat_address_parse(d->req->source, &addr) == PAT_OK;
    bool listed = false;

    if (count(d->rec->sources) == 0)
        return PAT_OK;
    for (char *const *source = d->rec->sources; *source != NULL; source++) {
        if (pat_network_parse(*source, &net) != PAT_OK) {
            pat_diag_set(d->diag, "patSource: a value is not ADDRESS or ADDRESS/LENGTH");
            return PAT_ERR_RECORD;
        }
        if (known && pat_network_contains(&net, &addr))
            listed = true;
    }
    if (listed)
        return PAT_OK;
    pat_diag_set(d->diag, "%s",
        known ? "patSource does not list the client's address"
              : source_fault(d->req->source));
    return PAT_ERR_SCOPE;
}

static enum pat_err
check_owner(struct decision *d)
{
    if (!d->rec->owner_found) {
        pat_diag_set(d->diag, "owner does not exist, or does not match owner_filter");
        return PAT_ERR_MEMBER;
    }
    if (count(d->rec->uids) == 0) {
        pat_diag_set(d->diag, "owner has no uid");
        return PAT_ERR_MEMBER;
    }
    return PAT_OK;
}

/*
 * The part of the login name that must be a uid: the name as it is, or without an @suffix
 * that the site lets stand for this token's org or for a realm. NULL: no such form.
 */
static const char *
login_suffix(const struct decision *d, const char *login)
{
    const char *at = strrchr(login, '@');
    const char *org[] = {d->id.org, NULL};

    if (at == NULL)
        return NULL;
    if (d->policy->login_org && pat_strv_contains_nocase(org, at + 1))
        return at;
    if (pat_strv_contains_nocase(d->policy->login_realms, at + 1))
        return at;
    return NULL;
}

static const char *
matching_uid(const struct decision *d)
{
    const char *login = d->req->user;
    const char *at = login_suffix(d, login);

    for (char *const *uid = d->rec->uids; *uid != NULL; uid++) {
        if (strcmp(*uid, login) == 0)
            return *uid;
        if (at != NULL && strlen(*uid) == (size_t)(at - login) &&
            memcmp(*uid, login, (size_t)(at - login)) == 0)
            return *uid;
    }
    return NULL;
}

static enum pat_err
check_user(struct decision *d)
{
    const char *uid;

    if (d->req->any_user) {
        uid = d->rec->uids[0];
    } else if (d->req->user == NULL) {
        pat_diag_set(d->diag, "the service named no user, or one of more than 255 bytes");
        return PAT_ERR_USER;
    } else {
        uid = matching_uid(d);
    }
    if (uid == NULL) {
        /* Services may add a realm of their own, which nobody typed. */
        if (strchr(d->req->user, '@') != NULL && login_suffix(d, d->req->user) == NULL)
            pat_diag_set(d->diag, "the login name has a realm; login_realms and "
                                  "login_org tell which are accepted");
        return PAT_ERR_USER;
    }
    if (!copy_whole(uid, d->id.user, sizeof(d->id.user))) {
        pat_diag_set(
            d->diag, "uid of the owner must have 1 to %d printable bytes", PAT_USER_MAX);
        return PAT_ERR_RECORD;
    }
    return PAT_OK;
}

/* Place in the order; what is not in it comes after everything that is. */
static size_t
role_rank(const struct decision *d, const char *role)
{
    const char *const *order = d->policy->role_order;
    const char *one[] = {role, NULL};
    size_t rank = 0;

    for (; order != NULL && *order != NULL; order++, rank++)
        if (pat_strv_contains_nocase(one, *order))
            break;
    return rank;
}

static const char *
strongest_role(const struct decision *d)
{
    const char *best = NULL;
    size_t best_rank = 0;

    if (d->rec->roles == NULL)
        return NULL;
    for (char *const *role = d->rec->roles; *role != NULL; role++) {
        size_t rank = role_rank(d, *role);

        if (best == NULL || rank < best_rank ||
            (rank == best_rank && pat_strv_compare(*role, best) < 0)) {
            best = *role;
            best_rank = rank;
        }
    }
    return best;
}

static enum pat_err
check_role(struct decision *d)
{
    const char *role = strongest_role(d);

    if (role == NULL) {
        pat_diag_set(d->diag, "owner has no role in org %s", d->id.org);
        return PAT_ERR_MEMBER;
    }
    if (!copy_whole(role, d->id.role, sizeof(d->id.role))) {
        pat_diag_set(d->diag, "patRole must have 1 to %d printable bytes", PAT_ROLE_MAX);
        return PAT_ERR_RECORD;
    }
    if (d->req->roles != NULL && !pat_strv_contains_nocase(d->req->roles, role)) {
        pat_diag_set(d->diag, "role %s is not accepted here", role);
        return PAT_ERR_SCOPE;
    }
    return PAT_OK;
}

enum pat_err
pat_record_decide(const struct pat_record *rec, const struct pat_request *req,
    const struct pat_policy *policy, int64_t now, struct pat_identity *ret_identity,
    struct pat_diag *diag)
{
    /* What makes the token void comes first, then where it may be used, then by whom. */
    static enum pat_err (*const checks[])(struct decision *) = {
        check_record,
        check_revoked,
        check_expiry,
        check_org,
        check_service,
        check_source,
        check_owner,
        check_user,
        check_role,
    };
    struct decision d = {rec, req, policy, now, {{0}, {0}, {0}, {0}, {0}, 0}, diag};

    pat_diag_clear(diag);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        enum pat_err err = checks[i](&d);

        if (err != PAT_OK)
            return err;
    }
    if (ret_identity != NULL)
        *ret_identity = d.id;
    return PAT_OK;
}
