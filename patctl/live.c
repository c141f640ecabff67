/* SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdlib.h>
#include <sysexits.h>

#include "dn.h"
#include "progress.h"
#include "say.h"
#include "tokens.h"

static bool
make_room(struct live_tokens *t)
{
    size_t room = t->room == 0 ? 64 : t->room * 2;
    char **dns, **ids;

    if (t->count < t->room)
        return true;
    dns = realloc(t->dns, room * sizeof(*dns));
    if (dns != NULL)
        t->dns = dns;
    ids = realloc(t->ids, room * sizeof(*ids));
    if (ids != NULL)
        t->ids = ids;
    if (dns == NULL || ids == NULL)
        return false;
    t->room = room;
    return true;
}

static bool
take_token(struct session *s, LDAPMessage *entry, void *arg)
{
    struct live_tokens *t = arg;

    if (!make_room(t))
        return false;
    t->dns[t->count] = entry_dn(s, entry);
    t->ids[t->count] = entry_value(s, entry, "patId");
    t->count++;
    progress_show(t->count);
    return t->dns[t->count - 1] != NULL && t->ids[t->count - 1] != NULL;
}

int
live_tokens_find(
    struct session *s, const char *org_dn, const char *owner, struct live_tokens *ret)
{
    static const char *const attrs[] = {"patId", NULL};
    char *filter =
        filter_make("(&(objectClass=patToken)(patOwner=%s)(!(patRevoked=*)))", owner);
    int rc;

    if (filter == NULL)
        return say_no_memory();
    progress_begin("tokens found");
    rc = session_search(s, org_dn, LDAP_SCOPE_SUBTREE, filter, attrs, take_token, ret);
    progress_end();
    free(filter);
    ret->more = ret->count > 0 && session_limited(rc);
    if (rc != LDAP_SUCCESS && !ret->more)
        return session_fail(s, "looking for tokens");
    for (size_t i = 0; i < ret->count; i++)
        if (ret->dns[i] == NULL || ret->ids[i] == NULL)
            return say_no_memory();
    return EX_OK;
}

void
live_tokens_clear(struct live_tokens *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->dns[i]);
        free(t->ids[i]);
    }
    free(t->dns);
    free(t->ids);
    *t = (struct live_tokens){0};
}
