#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031 # each test is a process of its own
#
# patd with a directory that has no hook, and with records that the hook would refuse: it
# decides by what is there, and never lets in whom it is in doubt about.

load common
load patctl-lib

bats_require_minimum_version 1.5.0

setup_file() {
    sandbox_up --no-hook
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
}

# Of $MINT_TOKEN.
token_hash() {
    printf %s "$MINT_TOKEN" | sha256sum | cut -d' ' -f1
}

# import DN UID: an entry with the hash of $MINT_TOKEN there.
import() {
    local id=${1#patId=}

    ldap_admin_add <<EOF
dn: $1
objectClass: patToken
patId: ${id%%,*}
patHash: $(token_hash)
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
    logged 'not unique' 'several entries'
    ldap_admin ldapdelete "patId=second,ou=tokens,o=globex,ou=orgs,$PAT_BASE"
    login plain bob
    expect PAM_SUCCESS
}

# add_name BYTES CHARACTER: prints a change that adds a name to the token, of so many of them.
add_name() {
    printf 'dn: %s\nchangetype: modify\nadd: cn\ncn: ' "$MINT_DN"
    head -c "$1" /dev/zero | tr '\0' "$2"
    printf '\n'
}

@test "a token entry of more than 4 MiB is refused as damaged, and no server taken for failed" {
    local char

    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    for char in a b c d e; do
        add_name 900000 "$char" | ldap_admin_modify
    done
    log_mark
    login plain bob
    expect PAM_AUTH_ERR
    logged 'verdict=refuse reason="token.s directory entry is damaged' 'more than 4 MiB'
    not_logged 'verdict=unavailable'
    # What is looked at in the background is a server that failed.
    set_conf 'retry_interval = 100ms'
    log_mark
    login plain bob
    expect PAM_AUTH_ERR
    logged 'more than 4 MiB'
    ldap_admin ldapdelete "$MINT_DN"
    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    not_logged 'answers again'
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
    logged 'id=stray' 'does not stand two levels below an org'
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

# --- what one connection says twice --------------------------------------------------------

# One worker, and so one connection.
one_worker() {
    set_conf 'workers = 1'
    log_mark
}

# accepted_as ROLE UID: twice.
accepted_as() {
    local _

    for _ in 1 2; do
        login plain "$2"
        expect PAM_SUCCESS
        logged "verdict=accept id=$MINT_ID .*role=$1 "
        log_mark
    done
}

@test "a second entry with the hash is found, wherever it stands" {
    one_worker
    mint bob acme
    accepted_as member bob
    import "patId=twin,ou=tokens,o=globex,ou=orgs,$PAT_BASE" bob
    login plain bob
    expect PAM_AUTH_ERR
    ldap_admin ldapdelete "patId=twin,ou=tokens,o=globex,ou=orgs,$PAT_BASE"
    accepted_as member bob
    # Not below the base of patd: it is not the second one, and in nobody's way.
    ldap_admin_add <<EOF
dn: ou=elsewhere,$PAT_BASE
objectClass: organizationalUnit
ou: elsewhere

dn: o=acme,ou=elsewhere,$PAT_BASE
objectClass: organization
o: acme

dn: ou=tokens,o=acme,ou=elsewhere,$PAT_BASE
objectClass: organizationalUnit
ou: tokens
EOF
    import "patId=twin,ou=tokens,o=acme,ou=elsewhere,$PAT_BASE" bob
    accepted_as member bob
    # Nor is it the token when that is gone, though patd may see it.
    patd_sees "ou=elsewhere,$PAT_BASE"
    ldap_admin ldapdelete "$MINT_DN"
    login plain bob
    expect PAM_AUTH_ERR
    logged 'reason="no such token"'
}

# patd_sees DN: and reads everything from there on down.
patd_sees() {
    LDAPNOINIT=1 ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<EOF
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to dn.subtree="$1" by dn.exact="cn=patd,ou=services,$PAT_BASE" read by * break
EOF
}

@test "a token that a group is as well, or the owner, is no way in" {
    local classes

    one_worker
    mint carol acme
    accepted_as viewer carol
    # The owner's own entry as a role group of the org is none: it does not stand there.
    ldap_admin_modify <<EOF
dn: uid=carol,ou=people,$PAT_BASE
changetype: modify
add: objectClass
objectClass: extensibleObject
objectClass: patRoleGroup
-
add: patRole
patRole: owner
-
add: member
member: uid=carol,ou=people,$PAT_BASE
EOF
    accepted_as viewer carol
    # A twin that is a role group, too, is a twin.
    classes=$'objectClass: extensibleObject\nobjectClass: patRoleGroup'
    ldap_admin_add <<EOF
dn: patId=group,ou=tokens,o=acme,ou=orgs,$PAT_BASE
objectClass: patToken
$classes
patId: group
patHash: $(token_hash)
patOwner: uid=carol,ou=people,$PAT_BASE
patRole: owner
member: uid=carol,ou=people,$PAT_BASE
EOF
    login plain carol
    expect PAM_AUTH_ERR
    logged 'several entries'
    ldap_admin ldapdelete "patId=group,ou=tokens,o=acme,ou=orgs,$PAT_BASE"
    accepted_as viewer carol
    # So is what is neither, and has the hash.
    log_mark
    ldap_admin_add <<EOF
dn: cn=device,o=acme,ou=orgs,$PAT_BASE
objectClass: device
objectClass: extensibleObject
cn: device
patHash: $(token_hash)
EOF
    login plain carol
    expect PAM_AUTH_ERR
    logged 'several entries'
    ldap_admin ldapdelete "cn=device,o=acme,ou=orgs,$PAT_BASE"
    accepted_as viewer carol
}

@test "a name full of filter syntax is escaped in the search for roles" {
    local escaped='e\2A\29\28uid\5C3D\5C5C2a'
    local role_filter

    role_filter="(&(member=uid=$escaped,ou=people,$PAT_BASE)"
    role_filter+='(objectClass=patRoleGroup)(!(objectClass=patToken)))'
    filter_person
    mint alice acme
    login plain "$FILTER_UID"
    expect PAM_AUTH_ERR
    mint "$FILTER_RDN" acme
    login plain alice
    expect PAM_AUTH_ERR
    slapd_mark
    login plain "$FILTER_UID"
    expect PAM_SUCCESS
    grep -q '^PAT_ROLE=member$' <<<"$output"
    # As slapd writes the filter: only the outer clauses are syntax.
    slapd_since | grep -qF "filter=\"$role_filter\""
}

@test "whoever is gone, or fails owner_filter, is refused at once" {
    set_conf 'workers = 1' 'owner_filter = (!(description=locked))'
    ldap_admin_add <<EOF
dn: uid=erin,ou=people,$PAT_BASE
objectClass: inetOrgPerson
uid: erin
cn: Erin
sn: Erin
EOF
    patd_may_search description
    change_member add erin acme members
    mint erin acme
    accepted_as member erin
    ldap_admin_modify <<EOF
dn: uid=erin,ou=people,$PAT_BASE
changetype: modify
add: description
description: locked
EOF
    login plain erin
    expect PAM_AUTH_ERR
    logged 'detail="owner does not exist, or does not match owner_filter"'
    ldap_admin_modify <<EOF
dn: uid=erin,ou=people,$PAT_BASE
changetype: modify
delete: description
EOF
    accepted_as member erin
    ldap_admin ldapdelete "uid=erin,ou=people,$PAT_BASE"
    login plain erin
    expect PAM_AUTH_ERR
    change_member delete erin acme members
    sed -i '/^owner_filter /d' "$PAT_CONF"
}

# patd_may_search ATTRIBUTE: of people.
patd_may_search() {
    LDAPNOINIT=1 ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<EOF
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to dn.subtree="ou=people,$PAT_BASE" attrs=$1
  by dn.exact="cn=patd,ou=services,$PAT_BASE" =s by * break
EOF
}

@test "names that are written in more than one way are compared by the server" {
    one_worker
    ldap_admin_add <<EOF
dn: o=Zürich,ou=orgs,$PAT_BASE
objectClass: organization
objectClass: patOrg
o: Zürich

dn: cn=Häupter\, alle,o=Zürich,ou=orgs,$PAT_BASE
objectClass: organizationalRole
objectClass: patRoleGroup
cn: Häupter, alle
patRole: chief
member: uid=alice,ou=people,$PAT_BASE

dn: ou=tokens,o=Zürich,ou=orgs,$PAT_BASE
objectClass: organizationalUnit
ou: tokens
EOF
    mint alice Zürich
    accepted_as chief alice
    accepted_as chief alice
    # An owner whose name is spelled otherwise in the token than the entry has it.
    mint alice acme
    ldap_admin_modify <<EOF
dn: $MINT_DN
changetype: modify
replace: patOwner
patOwner: UID=Alice, OU=People,$PAT_BASE
EOF
    accepted_as owner alice
    accepted_as owner alice
}

# --- revoked by who holds it ---------------------------------------------------------------

@test "who holds a token ends it, at this time, without a hook" {
    local before after when

    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    before=$(now_gt)
    run "$PAT_BUILD/patctl" revoke --stdin --socket "$PAT_SOCKET" <<<"$MINT_TOKEN"
    [[ $status -eq 0 && $output == "revoked: $MINT_ID (acme)" ]]
    after=$(now_gt)
    when=$(ldap_admin_get "$MINT_DN" patRevoked)
    [[ ! $when < $before && ! $when > $after ]]
    [[ $(ldap_admin_get "$MINT_DN" patRevokedReason) == by-holder ]]
    login plain bob
    expect PAM_AUTH_ERR
    run "$PAT_BUILD/patctl" revoke --stdin --socket "$PAT_SOCKET" <<<"$MINT_TOKEN"
    [[ $status -eq 0 && $output == "was revoked already: $MINT_ID (acme)" ]]
    [[ $(ldap_admin_get "$MINT_DN" patRevoked) == "$when" ]]
}

@test "a token whose hash two entries have is ended by nobody who holds it" {
    mint bob acme
    import "patId=twin,ou=tokens,o=globex,ou=orgs,$PAT_BASE" bob
    run "$PAT_BUILD/patctl" revoke --stdin --socket "$PAT_SOCKET" <<<"$MINT_TOKEN"
    [[ $status -eq 1 && $output == *'not unique'* ]]
    [[ -z $(ldap_admin_get "$MINT_DN" patRevoked) ]]
    ldap_admin ldapdelete "patId=twin,ou=tokens,o=globex,ou=orgs,$PAT_BASE"
}

@test "a token with an option on any attribute is damaged, and refused" {
    local attribute

    for attribute in "patRevoked;lang-en: $(now_gt)" 'patExpires;lang-en: 20200101000000Z' \
        'patExpires;lang-en: 20991231235959Z' 'patService;lang-en: plain' \
        'patSource;lang-en: 192.0.2.0/24' 'PATSOURCE;LANG-en: 192.0.2.0/24'; do
        mint bob acme "$attribute"
        login plain bob 192.0.2.7
        expect PAM_AUTH_ERR
        logged 'has an option'
        log_mark
    done
    # An option on other attributes has no effect.
    mint bob acme 'cn;lang-en: laptop'
    login plain bob
    expect PAM_SUCCESS
}

@test "a patService that is no service name makes the entry damaged, whatever else matches" {
    local value

    for value in 'plain login' 'plain,imap' 'pl?in' plain/ 'imap '; do
        mint bob acme 'patService: plain' "patService:: $(printf %s "$value" | base64)"
        login plain bob
        expect PAM_AUTH_ERR
        logged 'damaged or not unique' 'patService: a value is no service name or pattern'
        log_mark
    done
    mint bob acme 'patService: plain' 'patService: imap'
    login plain bob
    expect PAM_SUCCESS
}

@test "an option on an attribute that patd reads only to detect it: the token is refused" {
    local attribute

    # The access rules of the sandbox hide these from patd.
    ldap_admin_modify <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to attrs=patHash,patRevokedBy,patRevokedReason,patLastUsedFrom
  by dn.exact="cn=patd,ou=services,dc=example,dc=com" read
  by * break
LDIF
    for attribute in 'patRevokedReason;lang-en: lost' 'patLastUsedFrom;lang-en: sshd@host' \
        "patHash;lang-en: $(printf '0%.0s' {1..64})" "patRevokedBy;lang-en: $PAT_BASE"; do
        mint bob acme "$attribute"
        login plain bob
        expect PAM_AUTH_ERR
        logged 'has an option'
        log_mark
    done
    ldap_admin_modify <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
delete: olcAccess
olcAccess: {0}
LDIF
}

@test "patctl list, show and report call a token with such an option damaged" {
    local attribute said

    for attribute in "patRevoked;lang-en: $(now_gt)" 'patExpires;lang-en: 20200101000000Z' \
        "patHash;lang-en: $(printf '0%.0s' {1..64})" 'patRevokedReason;lang-en: lost'; do
        mint bob acme "$attribute" 'patLastUsed: 20200101000000Z'
        said=$(pc admin show "$MINT_ID")
        grep -qx 'state  *damaged' <<<"$said"
        grep -qix "damaged by  *${attribute%%:*}" <<<"$said"
        pc admin list --all --csv | grep "$MINT_ID" | grep damaged
        pc admin list --all --json | grep -A 8 "$MINT_ID" | grep '"state": *"damaged"'
        run ! grep "$MINT_ID" <<<"$(pc admin list --all --live --csv)"
        [[ $attribute == patRevoked\;* || $attribute == patExpires\;* ]] ||
            grep -q "$MINT_ID.*damaged: ${attribute%%:*}" <<<"$(pc admin report --csv || true)"
    done
    mint bob acme 'cn;lang-en: laptop'
    grep -qx 'state  *active' <<<"$(pc admin show "$MINT_ID")"
}

@test "an org whose name has a NUL in it is not the org of the part before it" {
    local org="o=acme\\00evil,ou=orgs,$PAT_BASE"

    MINT_TOKEN=$("$PAT_BUILD/patctl" generate | sed -n 's/^token: //p')
    ldap_admin_add <<EOF
dn: $org
objectClass: organization
objectClass: patOrg
o:: $(printf 'acme\0evil' | base64)

dn: ou=tokens,$org
objectClass: organizationalUnit
ou: tokens

dn: cn=members,$org
objectClass: groupOfNames
objectClass: patRoleGroup
cn: members
patRole: member
member: uid=bob,ou=people,$PAT_BASE
EOF
    import "patId=nul,ou=tokens,$org" bob
    login plain bob
    expect PAM_AUTH_ERR
    logged 'two levels below an org'
    ldap_admin ldapdelete -r "$org"
}

@test "an owner whose entry patd may not find is refused" {
    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    ldap_admin_add <<EOF
dn: ou=former,$PAT_BASE
objectClass: organizationalUnit
ou: former
EOF
    ldap_admin ldapmodrdn -r -s "ou=former,$PAT_BASE" "uid=bob,ou=people,$PAT_BASE" uid=bob
    ldap_admin_modify <<EOF
dn: cn=members,o=acme,ou=orgs,$PAT_BASE
changetype: modify
delete: member
member: uid=bob,ou=people,$PAT_BASE
-
add: member
member: uid=bob,ou=former,$PAT_BASE

dn: $MINT_DN
changetype: modify
replace: patOwner
patOwner: uid=bob,ou=former,$PAT_BASE
EOF
    login plain bob
    expect PAM_AUTH_ERR
    logged 'owner does not exist'
}
