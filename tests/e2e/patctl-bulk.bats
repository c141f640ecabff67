#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# patctl-bulk.bats - patctl with more entries than the server's size limit

load common.bash
load patctl-lib.bash

bats_require_minimum_version 1.5.0

# Less than a page of patctl, so that few tokens are many.
LIMIT=40
MANY=100

# helen reads everything and may change nothing; ivan may do both. Limits hold for both of
# them, unlike for the administrator.
setup_file() {
    local uid file=$BATS_FILE_TMPDIR/config.ldif

    export LC_ALL=C.UTF-8 TERM=xterm
    unset NO_COLOR COLUMNS
    cat >"$file" <<LDIF
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcSizeLimit
olcSizeLimit: $LIMIT
-
add: olcAccess
olcAccess: {0}to dn.subtree="ou=orgs,dc=example,dc=com"
  by dn.exact="uid=helen,ou=people,dc=example,dc=com" read
  by dn.exact="uid=ivan,ou=people,dc=example,dc=com" write
  by * break
LDIF
    sandbox_up --no-patd --config "$file"
    for uid in helen ivan; do
        printf '%s\n' "dn: uid=$uid,ou=people,$PAT_BASE" 'objectClass: inetOrgPerson' \
            "cn: $uid" "sn: $uid" "uid: $uid" "userPassword: $uid-password" ''
    done | ldap_admin_add
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    ACME=o=acme,ou=orgs,$PAT_BASE
}

# import UID COUNT [LDIF-LINE...]: live tokens of that person in acme.
import() {
    local i made=$BATS_TEST_NUMBER-$RANDOM

    for ((i = 0; i < $2; i++)); do
        printf '%s\n' "dn: patId=many-$made-$i,ou=tokens,$ACME" 'objectClass: patToken' \
            "patHash: $(printf '%s' "$made-$i" | sha256sum | cut -d ' ' -f 1)" \
            "patOwner: uid=$1,ou=people,$PAT_BASE" "${@:3}" ''
    done | ldap_admin_add
}

# live UID: how many tokens of that person are not revoked, in all orgs.
live() {
    ldap_admin ldapsearch -LLL -b "$PAT_BASE" \
        "(&(patOwner=uid=$1,ou=people,$PAT_BASE)(!(patRevoked=*)))" 1.1 | grep -c '^dn' || true
}

@test "revoke --owner: more tokens than the size limit are revoked by one command" {
    import bob $MANY
    run -0 pc alice revoke --org acme --owner bob --yes
    [[ $output == *"Revoked $MANY of $MANY tokens of bob"* && $output != *limit* ]]
    [[ $(live bob) == 0 ]]
    run -0 pc alice revoke --org acme --owner bob --yes
    [[ $output == *'no live token'* ]]
}

@test "revoke --owner: the question says that the number is a lower bound" {
    import bob $((LIMIT + 1))
    pc_options alice
    run on_terminal 80 n "$PAT_BUILD/patctl" revoke --owner bob --org acme "${PC_OPTIONS[@]}"
    [[ $status == 77 && $output == *"Revoke all, at least $LIMIT live tokens of bob in acme?"* ]]
    [[ $(live bob) == $((LIMIT + 1)) ]]
    run on_terminal 80 y "$PAT_BUILD/patctl" revoke --owner bob --org acme "${PC_OPTIONS[@]}"
    [[ $status == 0 && $(live bob) == 0 ]]
}

@test "revoke --owner: as many tokens as the limit are no lower bound" {
    import bob $LIMIT
    pc_options alice
    run on_terminal 80 n "$PAT_BUILD/patctl" revoke --owner bob --org acme "${PC_OPTIONS[@]}"
    [[ $output == *"Revoke $LIMIT live tokens"* && $output != *least* ]]
    run -0 pc alice revoke --org acme --owner bob --yes
    [[ $output == *"Revoked $LIMIT of $LIMIT"* && $(live bob) == 0 ]]
}

@test "revoke --owner: a round that revokes nothing ends with counts and a failure" {
    import bob $MANY
    run -77 pc helen revoke --org acme --owner bob --yes
    [[ $output == *'bob: 0 tokens are revoked, '"$LIMIT could not be revoked"* ]]
    [[ $output == *limit* && $(live bob) == "$MANY" ]]
    run -0 pc alice revoke --org acme --owner bob --yes
    [[ $(live bob) == 0 ]]
}

@test "revoke --owner: a limit that hides every token is reported" {
    import bob $((LIMIT + 1))
    change_limits 'dn.exact="uid=alice,ou=people,dc=example,dc=com" size.unchecked=1'
    run -75 pc alice revoke --org acme --owner bob --yes
    [[ $output == *limit* && $output != *'no live token'* && $(live bob) == $((LIMIT + 1)) ]]
    change_limits
    run -0 pc alice revoke --org acme --owner bob --yes
    [[ $(live bob) == 0 ]]
}

# change_limits [VALUE]: olcLimits of the database; without VALUE there are none.
change_limits() {
    {
        printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' 'replace: olcLimits'
        (($# == 0)) || printf 'olcLimits: %s\n' "$1"
    } | ldap_admin_modify
}

@test "member remove: a member with more tokens than the size limit is removed" {
    import carol $MANY
    run -0 pc ivan member remove carol --org acme --yes
    [[ $output == *'carol is out of acme'* && $output == *"at least $LIMIT tokens were revoked"* ]]
    [[ $(live carol) == 0 ]]
    run -67 pc ivan member remove carol --org acme --yes
}

# small_org NAME: with two members, a live token, and a revoked one.
small_org() {
    O=o=$1,ou=orgs,$PAT_BASE
    pc admin org add "$1" --owner alice
    pc admin member add bob member --org "$1"
    pc admin mint --owner bob --org "$1" --id "$1-one" >/dev/null
    pc admin mint --owner bob --org "$1" --id "$1-two" >/dev/null
    pc admin revoke "$1-two"
}

# entries: below $O, with itself; 0 if there is none.
entries() {
    ldap_admin ldapsearch -LLL -b "$O" '(objectClass=*)' 1.1 2>/dev/null | grep -c '^dn' || true
}

@test "org remove: prints the numbers, asks, and deletes every entry" {
    local before

    small_org gone1
    before=$(entries)
    pc_options alice
    run -64 setsid -w "$PAT_BUILD/patctl" org remove gone1 "${PC_OPTIONS[@]}"
    [[ $output == *--yes* && $(entries) == "$before" ]]
    run on_terminal 200 n "$PAT_BUILD/patctl" org remove gone1 "${PC_OPTIONS[@]}"
    [[ $status == 77 && $output == *'Delete gone1 with everything in it'* ]]
    [[ $(entries) == "$before" ]]
    run -0 pc admin org remove gone1 --yes
    [[ $output == *'gone1 is deleted: 2 members, 3 role groups, 1 live tokens, 1 revoked tokens'* ]]
    [[ $(entries) == 0 ]]
    run -67 pc admin org remove gone1 --yes
}

@test "org remove: the answer confirms the removal of more members than the limit" {
    local group limit="olcOverlay={0}pat,olcDatabase={1}mdb,cn=config"

    small_org gone5
    pc admin mint --owner alice --org gone5 --id gone5-three >/dev/null
    # Deeper than tokens, so that their owners leave first.
    group=cn=deep,ou=two,ou=one,$O
    ldap_admin_add <<LDIF
dn: ou=one,$O
objectClass: organizationalUnit
ou: one

dn: ou=two,ou=one,$O
objectClass: organizationalUnit
ou: two

dn: $group
objectClass: organizationalRole
objectClass: patRoleGroup
cn: deep
patRole: member
member: uid=alice,ou=people,$PAT_BASE
member: uid=bob,ou=people,$PAT_BASE
LDIF
    ldap_admin ldapdelete "cn=owners,$O" "cn=members,$O" "cn=viewers,$O"
    printf '%s\n' "dn: $limit" 'changetype: modify' 'replace: olcPatRemovalLimit' \
        'olcPatRemovalLimit: 1' | ldap_admin_modify
    run -53 ldap_admin ldapdelete "$group"
    [[ $output == *'removes 2 members with live tokens and revokes their 2 tokens'* ]]
    pc_options alice
    run -64 setsid -w "$PAT_BUILD/patctl" org remove gone5 "${PC_OPTIONS[@]}"
    [[ $(state gone5-one) == live ]]
    run -0 pc admin org remove gone5 --yes
    [[ $output == *'gone5 is deleted: 2 members, 1 role groups, 2 live tokens'* ]]
    [[ $(entries) == 0 ]]
    printf '%s\n' "dn: $limit" 'changetype: modify' 'replace: olcPatRemovalLimit' |
        ldap_admin_modify
}

@test "org remove: any client but the rootdn is refused before anything is deleted" {
    local before who

    small_org gone2
    before=$(entries)
    for who in alice helen ivan; do
        run ! pc "$who" org remove gone2 --yes
        [[ $output == *'Nothing was deleted'* && $(entries) == "$before" ]]
    done
    run -64 pc admin org remove
    run -64 pc admin org remove gone2 acme
    run -0 pc admin org remove gone2 --yes
}

@test "org remove: an org with another org below it is refused" {
    small_org gone3
    pc admin org add inner --owner alice --parent "$O"
    run -65 pc admin org remove gone3 --yes
    [[ $output == *'remove them first'* && $(state gone3-one) == live ]]
    run -0 pc admin org remove inner --yes
    run -0 pc admin org remove gone3 --yes
    [[ $(entries) == 0 ]]
}

@test "org remove: after a refusal the rest is named, and the next command deletes it" {
    small_org gone4
    # A referral is no entry to patctl, and yet keeps its parent from being deleted.
    ldap_admin_add <<LDIF
dn: ou=stop,$O
objectClass: organizationalUnit
ou: stop

dn: ou=elsewhere,ou=stop,$O
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://ldap.example.net/
LDIF
    run -65 pc admin org remove gone4 --yes
    [[ $output == *"ou=stop,$O cannot be deleted"* && $output == *'entries of gone4 are deleted; left: '* ]]
    [[ $output == *'run the command again'* && $output != *'gone4 is deleted'* ]]
    run -65 pc admin org remove gone4 --yes
    (($(entries) > 0))
    ldap_admin ldapdelete -M "ou=elsewhere,ou=stop,$O"
    run -0 pc admin org remove gone4 --yes
    [[ $(entries) == 0 ]]
}

@test "report, list and audit: a limit that cuts the output short is reported, and the command fails" {
    import bob $MANY "patExpires: $(now_gt 3600)"
    run -75 pc alice report --org acme
    [[ $output == *'not complete'* ]]
    run -75 pc alice report --org acme --json
    [[ $output == *'not complete'* ]]
    run -75 pc alice list --all --org acme
    [[ $output == *'not complete'* ]]
    run -75 pc alice audit --org acme
    [[ $output == *'not complete'* ]]
    run -1 pc admin report --org acme
}
