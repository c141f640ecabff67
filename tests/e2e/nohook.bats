#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# patd with a directory that has no hook, and with records that the hook would refuse: it
# decides by what is there, and never lets in whom it is in doubt about.

load common

setup_file() {
    sandbox_up --no-hook
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
}

# import DN UID: an entry with the hash of $MINT_TOKEN there.
import() {
    local id=${1#patId=}

    ldap_admin_add <<EOF
dn: $1
objectClass: patToken
patId: ${id%%,*}
patHash: $(printf %s "$MINT_TOKEN" | sha256sum | cut -d' ' -f1)
patOwner: uid=$2,ou=people,$PAT_BASE
EOF
}

@test "a hash that two entries have lets nobody in, and the log says why" {
    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    import "patId=second,ou=tokens,o=globex,ou=orgs,$PAT_BASE" bob
    login plain bob
    expect PAM_AUTH_ERR
    grep 'not unique' "$SANDBOX/log/patd.log" | grep -q 'several entries'
    ldap_admin ldapdelete "patId=second,ou=tokens,o=globex,ou=orgs,$PAT_BASE"
    login plain bob
    expect PAM_SUCCESS
}

@test "a token directly below the base has no org, and lets nobody in" {
    MINT_TOKEN=$("$PAT_BUILD/patctl" generate | sed -n 's/^token: //p')
    ldap_admin_add <<EOF
dn: ou=tokens,ou=orgs,$PAT_BASE
objectClass: organizationalUnit
ou: tokens
EOF
    import "patId=stray,ou=tokens,ou=orgs,$PAT_BASE" bob
    login plain bob
    expect PAM_AUTH_ERR
    grep 'id=stray' "$SANDBOX/log/patd.log" | grep -q 'does not stand two levels below an org'
    login plain bob # seen before now: asked in one round trip
    expect PAM_AUTH_ERR
}

@test "what was right at the last use is asked anew at the next" {
    mint bob globex
    login plain bob
    expect PAM_SUCCESS
    change_member delete bob globex members
    login plain bob
    expect PAM_AUTH_ERR
    change_member add bob globex members
    login plain bob
    expect PAM_SUCCESS
    # Another owner: the token is the new owner's, not the old one's.
    ldap_admin_modify <<EOF
dn: $MINT_DN
changetype: modify
replace: patOwner
patOwner: uid=alice,ou=people,$PAT_BASE
EOF
    for _ in 1 2; do
        login plain bob
        expect PAM_AUTH_ERR
        login plain alice
        expect PAM_SUCCESS
    done
}
