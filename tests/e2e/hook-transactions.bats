#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154,SC2153      # what hook_load sets
#
# Transactions of a client (RFC 5805): slapd itself may crash when one fails or is aborted,
# so a slapd that has loaded the module refuses them, from every account, in every database.

bats_require_minimum_version 1.5.0
load common
load hook-lib

START=1.3.6.1.1.21.1
REFUSED='53 pat: LDAP transactions (RFC 5805) are refused on this server: send each request by itself'

setup_file() {
    hook_up
    mkdir "$BATS_FILE_TMPDIR/other-db"
    ldap_admin_add <<LDIF
dn: olcDatabase=mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: mdb
olcSuffix: o=other
olcRootDN: cn=admin,o=other
olcRootPW: other-password
olcDbDirectory: $BATS_FILE_TMPDIR/other-db
LDIF
}

teardown() {
    if [[ -n ${OTHER-} ]]; then
        "$ROOT/tests/sandbox" stop "$OTHER"
    elif [[ -z ${BATS_TEST_COMPLETED-} ]]; then
        hook_repair
    fi
}

# hostile HOW COUNT [DN PASSWORD]: see hook_atomic.py
hostile() {
    python3 -IS "$ROOT/tests/tools/hook_atomic.py" hostile "$@"
}

# survives [DN PASSWORD]: every kind of transaction is refused, and slapd answers.
survives() {
    local how

    for how in commit abort drop; do
        same "$(hostile "$how" 25 "$@")" "$REFUSED" || return
    done
    same "$(get "$bob" description)" ''
}

offered() {
    LDAPNOINIT=1 ldapsearch -x -H "$LDAPURI" -LLL -s base -b '' '(objectClass=*)' \
        supportedExtension supportedControl | grep -E '1\.3\.6\.1\.1\.21\.'
}

@test "a member's transactions, failing, aborted or dropped, are refused and slapd goes on" {
    survives "$carol" carol-password
}

@test "an anonymous client's transactions are refused and slapd goes on" {
    survives
}

@test "the rootdn's transactions are refused, too" {
    survives "$PAT_ADMIN_DN" "$(<"$PAT_ADMIN_PW_FILE")"
}

@test "the transactions of an account of a database without the overlay are refused" {
    survives cn=admin,o=other other-password
}

@test "the root DSE offers no transactions, and the other operations as before" {
    run ! offered
    LDAPNOINIT=1 ldapsearch -x -H "$LDAPURI" -LLL -s base -b '' '(objectClass=*)' \
        supportedExtension | grep -qF 1.3.6.1.4.1.4203.1.11.1
    same "$(ldap_as carol ldapwhoami)" "dn:$carol"
    new_person olga
    ldap_as olga ldappasswd -s changed
    LDAPNOINIT=1 ldapwhoami -x -H "$LDAPURI" -D "uid=olga,$people" -w changed
    ldap_admin ldapdelete "uid=olga,$people"
}

@test "a request that names a transaction is refused, as none has begun" {
    same "$(hostile bare 5 "$carol" carol-password)" '16673 invalid transaction identifier'
    same "$(hostile bare 5 "$PAT_ADMIN_DN" "$(<"$PAT_ADMIN_PW_FILE")")" \
        '16673 invalid transaction identifier'
    same "$(get "$bob" description)" ''
}

@test "the module is loaded and no database has the overlay: transactions are refused" {
    change "$hook" | sed 's/modify/delete/' | ldap_admin_modify
    survives "$carol" carol-password
    put_hook_back
}

@test "the module is loaded while slapd runs: transactions are refused from then on" {
    local before
    OTHER=$BATS_TEST_TMPDIR/other
    "$ROOT/tests/sandbox" start --no-patd --no-hook "$OTHER"
    # shellcheck source=/dev/null
    . "$OTHER/env"
    before=$(offered)
    [[ $before == *"$START"* ]]
    printf '%s\n' 'dn: cn=module{0},cn=config' 'changetype: modify' 'add: olcModuleLoad' \
        "olcModuleLoad: $PAT_BUILD/slapd/pat.so" | ldapmodify -Q -Y EXTERNAL -H "$LDAPURI"
    run ! offered
    survives "$carol" carol-password
}
