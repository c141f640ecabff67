/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adminhost - how long it takes what an administrator does to be done, and to be felt
 *
 * usage: adminhost remove|script URI DN PASSWORD-FILE <LINES
 *        adminhost revoke URI DN PASSWORD-FILE SOCKET USER <LINES
 *        adminhost follow URI DN PASSWORD-FILE REPLICA-URI REPLICA-PASSWORD-FILE <LINES
 *
 * On one connection to URI, bound as DN. Prints microseconds, one a line.
 *
 * remove  A line is GROUP-DN, a tab, MEMBER-DN. The member's value is deleted from the
 *         group; printed is the time until the answer.
 * script  The same as a script does it where slapd revokes nothing: then it looks for the
 *         member's tokens, and revokes one after another.
 * revoke  A line is TOKEN-DN, a tab, the token. Asked at SOCKET, it is USER's. It is
 *         revoked; printed is the time from the answer to that until patd at SOCKET has
 *         refused it, asked again and again.
 * follow  A line is TOKEN-DN, a tab, anything. Revokes the token, and prints the time
 * from the answer until a search at the replica finds it revoked.
 */
#include <ldap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "deadline.h"
#include "floor.h"
#include "secret.h"

#define TIMEOUT_MS 10000
#define FELT_MS    30000 /* a revocation that is not felt by then never is */

static LDAP *ld, *replica;
static const char *socket_path, *user;

static LDAP *
open_directory(const char *uri, char *dn, const char *password_file)
{
    char password[256];
    LDAP *opened = NULL;
    struct pat_conf conf = {.bind_dn = dn, .bind_password = password};
    FILE *f = fopen(password_file, "r");

    if (f == NULL || fgets(password, sizeof(password), f) == NULL)
        bench_die(password_file);
    (void)fclose(f);
    password[strcspn(password, "\n")] = '\0';
    if (ldap_initialize(&opened, uri) != LDAP_SUCCESS)
        bench_die("ldap_initialize");
    floor_bind(opened, &conf);
    pat_secret_erase(password, sizeof(password));
    return opened;
}

static void
modify(const char *dn, int op, char *attribute, char *value)
{
    char *values[] = {value, NULL};
    LDAPMod mod = {.mod_op = op, .mod_type = attribute, .mod_values = values};
    LDAPMod *mods[] = {&mod, NULL};
    int rc = ldap_modify_ext_s(ld, dn, mods, NULL, NULL);

    if (rc != LDAP_SUCCESS) {
        (void)fprintf(stderr, "bench: %s: %s\n", dn, ldap_err2string(rc));
        exit(1);
    }
}

static double
remove_member(const char *group, char *member)
{
    char attribute[] = "member";
    int64_t began = pat_monotonic_ns();

    modify(group, LDAP_MOD_DELETE, attribute, member);
    return (double)(pat_monotonic_ns() - began) / 1e3;
}

/* Returns the entries that a search finds; the caller frees them. */
static LDAPMessage *
find(LDAP *at, const char *base, int scope, const char *filter)
{
    char none[] = LDAP_NO_ATTRS, *attrs[] = {none, NULL};
    LDAPMessage *found = NULL;
    int rc = ldap_search_ext_s(
        at, base, scope, filter, attrs, 0, NULL, NULL, NULL, LDAP_NO_LIMIT, &found);

    if (rc != LDAP_SUCCESS)
        bench_die(ldap_err2string(rc));
    return found;
}

static double
remove_by_script(const char *group, char *member)
{
    char attribute[] = "member", revoked[] = "patRevoked", value[] = "20000101000000Z";
    char filter[1024];
    const char *org = strchr(group, ',');
    int64_t began = pat_monotonic_ns();
    LDAPMessage *found, *entry;

    if (org == NULL)
        bench_die("a group has no parent");
    modify(group, LDAP_MOD_DELETE, attribute, member);
    (void)snprintf(filter, sizeof(filter), "(patOwner=%s)", member);
    found = find(ld, org + 1, LDAP_SCOPE_SUBTREE, filter);
    for (entry = ldap_first_entry(ld, found); entry != NULL;
         entry = ldap_next_entry(ld, entry)) {
        char *dn = ldap_get_dn(ld, entry);

        if (dn == NULL)
            bench_die("out of memory");
        modify(dn, LDAP_MOD_ADD, revoked, value);
        ldap_memfree(dn);
    }
    (void)ldap_msgfree(found);
    return (double)(pat_monotonic_ns() - began) / 1e3;
}

static double
follow(const char *dn)
{
    char attribute[] = "patRevoked", value[] = "20000101000000Z";
    int64_t began;
    bool there = false;

    modify(dn, LDAP_MOD_ADD, attribute, value);
    began = pat_monotonic_ns();
    while (!there) {
        LDAPMessage *found = find(replica, dn, LDAP_SCOPE_BASE, "(patRevoked=*)");

        there = ldap_count_entries(replica, found) == 1;
        (void)ldap_msgfree(found);
        if (!there && pat_monotonic_ns() - began > FELT_MS * INT64_C(1000000))
            bench_die("a revocation does not reach the replica");
    }
    return (double)(pat_monotonic_ns() - began) / 1e3;
}

static bool
accepted(const char *token)
{
    struct pat_request req = {.user = user, .service = "bench", .source = "192.0.2.1"};
    struct pat_identity id;
    enum pat_err err =
        pat_client_verify(socket_path, &req, token, strlen(token), TIMEOUT_MS, &id, NULL);

    if (err == PAT_ERR_UNAVAIL)
        bench_die("no answer from patd");
    return err == PAT_OK;
}

static double
revoke(const char *dn, const char *token)
{
    char attribute[] = "patRevoked", value[] = "20000101000000Z";
    int64_t began;

    if (!accepted(token))
        bench_die("a token is refused before it is revoked");
    modify(dn, LDAP_MOD_ADD, attribute, value);
    began = pat_monotonic_ns();
    while (accepted(token))
        if (pat_monotonic_ns() - began > FELT_MS * INT64_C(1000000))
            bench_die("a revoked token goes on being accepted");
    return (double)(pat_monotonic_ns() - began) / 1e3;
}

/* Does what `what` says of the line's two parts. Returns the microseconds. */
static double
measure(const char *what, const char *first, char *second)
{
    if (strcmp(what, "remove") == 0)
        return remove_member(first, second);
    if (strcmp(what, "script") == 0)
        return remove_by_script(first, second);
    if (strcmp(what, "follow") == 0)
        return follow(first);
    return revoke(first, second);
}

int
main(int argc, char **argv)
{
    char line[2048], *second;
    bool revoking = argc == 7 && strcmp(argv[1], "revoke") == 0;
    bool following = argc == 7 && strcmp(argv[1], "follow") == 0;

    if (!revoking && !following &&
        !(argc == 5 &&
            (strcmp(argv[1], "remove") == 0 || strcmp(argv[1], "script") == 0)))
        bench_die("usage: adminhost remove|script|revoke|follow URI DN PASSWORD-FILE "
                  "[SOCKET USER | REPLICA-URI REPLICA-PASSWORD-FILE]");
    (void)setenv("LDAPNOINIT", "1", 1);
    (void)setvbuf(stdin, NULL, _IONBF, 0);
    ld = open_directory(argv[2], argv[3], argv[4]);
    if (following)
        replica = open_directory(argv[5], argv[3], argv[6]);
    if (revoking) {
        socket_path = argv[5];
        user = argv[6];
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        second = strchr(line, '\t');
        if (second == NULL)
            bench_die("a line has no tab");
        *second++ = '\0';
        printf("%.0f\n", measure(argv[1], line, second));
    }
    pat_secret_erase(line, sizeof(line));
    (void)ldap_unbind_ext(ld, NULL, NULL);
    return 0;
}
