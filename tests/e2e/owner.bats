#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a process of its own; hook_load
#
# patOwnerUid and patOwnerRole: what the overlay tells with a token is so at that moment,
# told to whoever may read it and asks by name, stored nowhere; and patd lets nobody in by
# it who would not be let in without.

load common
load hook-lib

setup_file() {
    hook_up
    set_conf 'workers = 1'
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    hook_load
}

# told WHO FILTER [ATTRIBUTE...]: below the orgs.
told() {
    as "$1" ldapsearch -LLL -o ldif-wrap=no -b "$orgs" "$2" \
        "${@:3}" | sed '/^dn:/d; /^$/d' | LC_ALL=C sort | paste -sd '|'
}

# owner_is UIDS ROLES: of $MINT_DN, as patd is told.
owner_is() {
    same "$(told patd "(patId=$MINT_ID)" patOwnerUid | sed 's/patOwnerUid: //g')" "$1" || return
    same "$(told patd "(patId=$MINT_ID)" patOwnerRole | sed 's/patOwnerRole: //g')" "$2" || return
}

member() {
    change "cn=$3,$O" "$1: member" "member: uid=$2,$people" | ldap_admin_modify
}

@test "the owner's names and roles are those of this moment, and of the token's org alone" {
    new_org
    import bob "$ORG"
    owner_is bob member
    member add bob owners
    owner_is bob 'member|owner'
    member delete bob members
    owner_is bob owner
    change "cn=owners,$O" 'replace: patRole' 'patRole: chief' | ldap_admin_modify
    owner_is bob chief
    # In the sandbox's orgs alice has other roles; here she has none but this.
    import alice "$ORG"
    owner_is alice chief
    change "$alice" 'add: uid' 'uid: ali' | ldap_admin_modify
    owner_is 'ali|alice' chief
    change "$alice" 'delete: uid' 'uid: ali' | ldap_admin_modify
    owner_is alice chief
}

@test "a group further down in the org counts, one beside it does not, nor what only looks like one" {
    new_org
    import bob "$ORG"
    entry "ou=teams,$O" 'objectClass: organizationalUnit' 'ou: teams' | ldap_admin_add
    entry "cn=ops,ou=teams,$O" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' \
        'cn: ops' 'patRole: operator' "member: $bob" | ldap_admin_add
    owner_is bob 'member|operator'
    entry "cn=plain,$O" 'objectClass: groupOfNames' 'cn: plain' "member: $bob" | ldap_admin_add
    entry "cn=beside,$orgs" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' \
        'cn: beside' 'patRole: king' "member: $bob" | ldap_admin_add
    owner_is bob 'member|operator'
    ldap_admin ldapdelete "cn=beside,$orgs"
    # The same role by two groups is one role.
    change "cn=ops,ou=teams,$O" 'replace: patRole' 'patRole: MEMBER' | ldap_admin_modify
    [[ $(told patd "(patId=$MINT_ID)" patOwnerRole) =~ ^'patOwnerRole: '[A-Za-z]+$ ]]
}

@test "a token that is a role group as well gives no role" {
    new_org
    mint bob "$ORG"
    import_offline <<LDIF
dn: patId=both-$ORG,ou=tokens,$O
objectClass: patToken
objectClass: patRoleGroup
objectClass: extensibleObject
structuralObjectClass: patToken
patId: both-$ORG
patOwner: $bob
patRole: owner
member: $bob

LDIF
    owner_is bob member
    login plain bob
    expect PAM_SUCCESS
    grep -q '^PAT_ROLE=member$' <<<"$output"
    ldap_admin ldapdelete "patId=both-$ORG,ou=tokens,$O"
}

@test "who is gone has no name, who has left no role" {
    new_org
    new_person erin
    member add erin viewers
    import erin "$ORG"
    owner_is erin viewer
    member delete erin viewers
    owner_is erin ''
    ldap_admin ldapdelete "uid=erin,$people"
    owner_is '' ''
}

@test "told to whoever asks by name and may read it, and to nobody else" {
    local answer

    new_org
    import bob "$ORG"
    for answer in '*' '+' '*,+' 1.1; do
        # shellcheck disable=SC2086 # a list
        ! told admin "(patId=$MINT_ID)" ${answer//,/ } | grep -qi 'patOwner[UR]' || return
    done
    same "$(told admin "(patId=$MINT_ID)" '*' patownerrole | grep -o 'patOwner[UR].*')" \
        'patOwnerRole: member'
    # Names of attributes, and what is no token, are nothing to it.
    same "$(told admin "(patId=$MINT_ID)" patOwnerRole patOwnerUid)" 'patOwnerRole: member|patOwnerUid: bob'
    same "$(told admin '(o=acme)' patOwnerRole patOwnerUid)" ''
    same "$(told bob "(patId=$MINT_ID)" patOwnerRole)" 'patOwnerRole: member'
    same "$(told carol "(patId=$MINT_ID)" patOwnerRole patOwnerUid)" ''
    # The one without the other.
    change "$mdb" 'add: olcAccess' "olcAccess: {0}to attrs=patOwnerRole by * none" | ldap_admin_modify
    same "$(told patd "(patId=$MINT_ID)" patOwnerRole patOwnerUid)" 'patOwnerUid: bob'
    change "$mdb" 'delete: olcAccess' 'olcAccess: {0}' | ldap_admin_modify
}

@test "no filter matches them, and none tells by its answer what they are" {
    new_org
    import bob "$ORG"
    same "$(told admin "(&(patId=$MINT_ID)(patOwnerRole=member))" patId)" ''
    same "$(told admin "(&(patId=$MINT_ID)(patOwnerRole=*))" patId)" ''
    same "$(told admin "(&(patId=$MINT_ID)(!(patOwnerUid=bob)))" patId)" "patId: $MINT_ID"
}

@test "they are stored nowhere" {
    local line

    new_org
    import bob "$ORG"
    for line in 'patOwnerUid: alice' 'patOwnerRole: owner' 'patOwnerRole;lang-de: owner'; do
        token "patId=x,ou=tokens,$O" "patOwner: $bob" "$line" | refused admin 65 patOwner ldapadd "${secret[@]}"
        change "$MINT_DN" "add: ${line%%:*}" "$line" | refused admin 65 patOwner ldapmodify
        entry "cn=x,$O" 'objectClass: organizationalRole' 'objectClass: extensibleObject' \
            "$line" | refused admin 19 'is never stored' ldapadd
        change "$bob" 'add: objectClass' 'objectClass: extensibleObject' - \
            "add: ${line%%:*}" "$line" | refused admin 19 'is never stored' ldapmodify
    done
    ! offline slapcat -n 1 | grep -i '^patOwner[UR]' || return
}

@test "a consumer that asks for them is told nothing that it could store" {
    new_org
    import bob "$ORG"
    change 'cn=module{0},cn=config' 'add: olcModuleLoad' 'olcModuleLoad: syncprov' | ldap_admin_modify
    entry "olcOverlay=syncprov,$mdb" 'objectClass: olcOverlayConfig' 'objectClass: olcSyncProvConfig' \
        'olcOverlay: syncprov' | ldap_admin_add
    same "$(told admin "(patId=$MINT_ID)" patId patOwnerRole)" "patId: $MINT_ID|patOwnerRole: member"
    same "$(ldap_admin ldapsearch -E '!sync=ro' -LLL -o ldif-wrap=no -b "$orgs" "(patId=$MINT_ID)" \
        patId patOwnerRole | grep -a '^pat')" "patId: $MINT_ID"
    # Found after syncprov was loaded, too: patd's way.
    owner_is bob member
    ldap_admin ldapdelete "olcOverlay={1}syncprov,$mdb"
}

# searches: how many slapd was asked since mark_searches
searches() {
    tail -c "+$((SEARCHES + 1))" "$SANDBOX/log/slapd.log" | grep -c 'SRCH base=' || true
}

mark_searches() {
    SEARCHES=$(stat -c %s "$SANDBOX/log/slapd.log")
}

@test "patd: one search, and everything is as it is now" {
    mint alice globex
    login plain alice
    mark_searches
    login plain alice
    expect PAM_SUCCESS
    (($(searches) == 1))
    grep -q '^PAT_ROLE=member$' <<<"$output"
    change_member add alice globex owners
    login plain alice
    grep -q '^PAT_ROLE=owner$' <<<"$output"
    change_member delete alice globex owners
    login plain bob
    expect PAM_AUTH_ERR
    # One that was never seen.
    mint bob globex
    mark_searches
    login plain bob
    expect PAM_SUCCESS
    (($(searches) == 1))
    change_member delete bob globex members
    login plain bob
    expect PAM_AUTH_ERR
    logged "verdict=refuse .*id=$MINT_ID "
    change_member add bob globex members
    login plain bob
    expect PAM_AUTH_ERR
}

@test "patd: owner_filter, or a missing right to read patOwnerUid, costs one more search" {
    mint bob acme
    change "$mdb" 'add: olcAccess' "olcAccess: {0}to attrs=patOwnerUid by * none" | ldap_admin_modify
    mark_searches
    login plain bob
    expect PAM_SUCCESS
    (($(searches) == 2))
    change "$mdb" 'delete: olcAccess' 'olcAccess: {0}' | ldap_admin_modify
    set_conf 'owner_filter = (uid=alice)'
    login plain bob
    expect PAM_AUTH_ERR
    logged 'does not match owner_filter'
    set_conf 'owner_filter = (uid=bob)'
    login plain bob
    mark_searches
    login plain bob
    expect PAM_SUCCESS
    (($(searches) == 2))
    sed -i '/^owner_filter /d' "$PAT_CONF"
    sandbox patd-restart
}

@test "patd: a token outside of the base of patd has no role by what the overlay tells" {
    new_org
    mint bob "$ORG"
    set_conf "base = $O"
    # The org is the base itself, which is not below it.
    login plain bob
    expect PAM_AUTH_ERR
    logged 'does not stand two levels below an org'
    set_conf "base = $orgs"
    login plain bob
    expect PAM_SUCCESS
}

@test "an owner whose entry the client may not find: no name and no role is returned, and patd refuses" {
    local answer

    new_org
    mint carol "$ORG"
    owner_is carol viewer || owner_is carol member
    entry "ou=former-$ORG,$PAT_BASE" 'objectClass: organizationalUnit' "ou: former-$ORG" | ldap_admin_add
    ldap_admin ldapmodrdn -r -s "ou=former-$ORG,$PAT_BASE" "uid=carol,$people" uid=carol
    owner_is '' ''
    same "$(told admin "(patId=$MINT_ID)" patOwnerUid)" 'patOwnerUid: carol'
    for answer in '' 'owner_filter = (objectClass=*)'; do
        set_conf 'workers = 1' ${answer:+"$answer"}
        login plain carol
        expect PAM_AUTH_ERR
        logged 'owner does not exist'
    done
    sed -i '/^owner_filter /d' "$PAT_CONF"
    sandbox patd-restart
    ldap_admin ldapmodrdn -r -s "$people" "uid=carol,ou=former-$ORG,$PAT_BASE" uid=carol
    owner_is carol viewer || owner_is carol member
    login plain carol
    expect PAM_SUCCESS
}
