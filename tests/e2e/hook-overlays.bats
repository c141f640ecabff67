#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The overlay beside others of slapd, each of which is shown all changes that one request
# causes, and does with them what it does with any other. No log keeps a secret: that is
# looked for when a server ends.

load common
load replica

bats_require_minimum_version 1.5.0

setup() {
    BACKGROUND_PIDS=()
    server one --no-patd
}

teardown() {
    load_ends
    end_background
    servers_down
}

# loads MODULE...: and then add the overlay whose LDIF is on standard input.
loads() {
    {
        modules "$@"
        cat
    } | ldap_admin_modify
}

# An org whose role groups are groupOfNames.
initech() {
    ldap_admin_add <<LDIF
dn: o=initech,ou=orgs,$PAT_BASE
objectClass: organization
objectClass: patOrg
o: initech

dn: ou=tokens,o=initech,ou=orgs,$PAT_BASE
objectClass: organizationalUnit
ou: tokens

dn: cn=members,o=initech,ou=orgs,$PAT_BASE
objectClass: groupOfNames
objectClass: patRoleGroup
cn: members
patRole: member
member: uid=alice,ou=people,$PAT_BASE
member: uid=bob,ou=people,$PAT_BASE
member: uid=carol,ou=people,$PAT_BASE

dn: cn=viewers,o=initech,ou=orgs,$PAT_BASE
objectClass: groupOfNames
objectClass: patRoleGroup
cn: viewers
patRole: viewer
member: uid=carol,ou=people,$PAT_BASE
member: uid=dave,ou=people,$PAT_BASE
LDIF
    tokens 2 bob initech
    tokens 2 carol initech
    tokens 2 dave initech
}

person() {
    printf 'uid=%s,ou=people,%s\n' "$1" "$PAT_BASE"
}

# renamed UID NEW, deleted UID
renamed() {
    ldap_admin_modify <<LDIF
dn: $(person "$1")
changetype: modrdn
newrdn: uid=$2
deleteoldrdn: 1
LDIF
}

deleted() {
    ldap_admin ldapdelete "$(person "$1")"
}

# refused TEXT COMMAND...: it fails, and says that among other things.
refused() {
    run "${@:2}"
    printf '%s\n' "$output"
    [[ $status -ne 0 && $output == *"$1"* ]]
}

# add_overlay DATABASE NAME CLASS [LINE...]: what is wrong goes to standard output.
add_overlay() {
    overlay "${@:2}" | sed "1s/{1}mdb/$1/" | ldap_admin ldapmodify 2>&1
}

# What happens in a day, with a look at what must have become of it.
day() {
    mint_self bob acme 'cn: laptop'
    revoke "$MINT_DN"
    mint_self bob acme
    ldap_admin ldapdelete "$MINT_DN"
    tokens 3 bob acme
    tokens 2 carol acme
    mint bob globex
    change_member delete bob acme members
    [[ $(live bob acme) == 0 && $(live bob globex) == 1 ]]
    change_member add bob acme members
    renamed carol cora
    [[ $(live cora acme) == 2 ]]
    [[ $(ldap_admin_get "cn=viewers,o=acme,ou=orgs,$PAT_BASE" member) == "$(person cora)" ]]
    deleted cora
    [[ $(live cora acme) == 0 && $(revoked cora acme) == 2 ]]
    [[ -z $(ldap_admin_get "cn=viewers,o=acme,ou=orgs,$PAT_BASE" member) ]]
    audit_is_right
}

# log_of FILTER ATTRIBUTE...: from the access log.
log_of() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b cn=log "$@"
}

# Each event was added once, and each revocation made once, says the access log, too.
log_is_right() {
    local logged=$BATS_TEST_TMPDIR/logged here=$BATS_TEST_TMPDIR/here

    # accesslog writes when the answer is sent.
    sandbox_idle
    log_of '(&(objectClass=auditAdd)(reqResult=0))' reqDN | sed -n 's/^reqDN: patEventId/patEventId/p' |
        sort >"$logged"
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$PAT_BASE" '(objectClass=patEvent)' 1.1 |
        sed -n 's/^dn: //p' | sort >"$here"
    [[ -s $here ]]
    diff "$here" "$logged" | head
    cmp "$here" "$logged"
    log_of '(objectClass=auditModify)' reqDN reqMod |
        awk '/^reqDN: /{ dn = $2 } /^reqMod: patRevoked:[+=] /{ print dn, $3 }' | sort >"$logged"
    log_of '(objectClass=auditDelete)' reqDN | sed -n 's/^reqDN: patId=\([^,]*\),.*/\1/p' \
        >"$BATS_TEST_TMPDIR/gone"
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$PAT_BASE" '(patRevoked=*)' patRevoked |
        awk '/^dn: /{ dn = $2 } /^patRevoked: /{ print dn, $2 }' | sort >"$here"
    [[ -s $here ]]
    grep -vwFf "$BATS_TEST_TMPDIR/gone" "$logged" >"$logged.live" || true
    diff "$here" "$logged.live" | head
    cmp "$here" "$logged.live"
}

@test "accesslog: each change is logged, once" {
    { modules accesslog && logs; } | ldap_admin_modify
    day
    log_is_right
    log_of '(objectClass=auditModify)' reqMod >"$BATS_TEST_TMPDIR/mods"
    grep -x 'reqMod: patRevokedReason:[+=] member-removed' "$BATS_TEST_TMPDIR/mods"
    grep "^reqMod: patOwner:[+=] $(person cora)" "$BATS_TEST_TMPDIR/mods"
}

@test "accesslog with olcAccessLogOld: what was there before is logged, too" {
    {
        modules accesslog
        logs 'olcAccessLogOld: (|(objectClass=patToken)(objectClass=patRoleGroup))' \
            'olcAccessLogOldAttr: patOwner'
    } | ldap_admin_modify
    day
    log_is_right
    # The revocations of the tokens of a member who was removed, with their owner, but none
    # before that.
    log_of "(&(objectClass=auditModify)(reqOld=patOwner: $(person bob)))" reqMod reqOld \
        >"$BATS_TEST_TMPDIR/old"
    [[ $(grep -c 'reqMod: patRevokedReason:[+=] member-removed' "$BATS_TEST_TMPDIR/old") == 3 ]]
    run ! grep '^reqOld: patRevoked' "$BATS_TEST_TMPDIR/old"
    # A person's renaming, with the name before.
    log_of "(&(objectClass=auditModify)(reqOld=patOwner: $(person carol)))" reqMod |
        grep "^reqMod: patOwner:[+=] $(person cora)"
    log_of "(&(objectClass=auditModify)(reqOld=member: $(person carol)))" reqDN |
        grep '^reqDN: cn=viewers,o=acme,'
}

@test "auditlog: each change is in the file" {
    local log=$SANDBOX/log/audit.ldif

    overlay auditlog olcAuditlogConfig "olcAuditlogFile: $log" | loads auditlog
    day
    sandbox_idle
    [[ $(grep -c '^dn: patEventId=' "$log") == "$(count '(objectClass=patEvent)')" ]]
    [[ $(grep -c '^patRevoked: ' "$log") == "$(count '(patRevoked=*)')" ]]
    grep -q "^patOwner: $(person cora)" "$log"
    [[ $(grep -c '^# modify ' "$log") == "$(grep -c '^# end modify ' "$log")" ]]
}

member_of() {
    ldap_admin_get "$(person "$1")" memberOf | sed "s/,o=initech,ou=orgs,$PAT_BASE//" | sort | xargs
}

# memberOf is right after each change, whoever makes it.
member_of_is_right() {
    initech
    [[ $(member_of bob) == cn=members ]]
    [[ $(member_of carol) == 'cn=members cn=viewers' ]]
    change_member delete bob initech members
    [[ -z $(member_of bob) && $(live bob initech) == 0 ]]
    change_member add bob initech members
    [[ $(member_of bob) == cn=members ]]

    renamed carol cora
    [[ $(member_of cora) == 'cn=members cn=viewers' ]]
    [[ $(live cora initech) == 2 ]]
    [[ $(count "(member=$(person cora))") == 3 && $(count "(member=$(person carol))") == 0 ]]

    # The group goes, its members stay.
    tokens 2 bob initech
    ldap_admin ldapdelete "cn=viewers,o=initech,ou=orgs,$PAT_BASE"
    [[ $(member_of cora) == cn=members && -z $(member_of dave) ]]
    [[ $(live cora initech) == 2 && $(live dave initech) == 0 && $(live bob initech) == 2 ]]

    deleted cora
    [[ $(count "(member=$(person cora))") == 0 && $(live cora initech) == 0 ]]
    [[ $(member_of bob) == cn=members && $(live bob initech) == 2 ]]
    audit_is_right
}

@test "memberof: memberOf is right after removal, renaming and deletion" {
    overlay memberof olcMemberOf | loads memberof
    member_of_is_right
    sandbox_idle
    run ! grep 'memberof.*failed' "$SANDBOX/log/slapd.log"
}

@test "memberof with olcMemberOfRefInt, which repairs the same, too" {
    overlay memberof olcMemberOf 'olcMemberOfRefInt: TRUE' | loads memberof
    member_of_is_right
}

@test "dynlist: memberOf that it makes up is right at once" {
    overlay dynlist olcDynListConfig \
        'olcDynListAttrSet: groupOfURLs memberURL member+memberOf@groupOfNames' |
        { modules dynlist && dyngroup_schema && cat; } | ldap_admin_modify
    member_of_is_right
    [[ $(count "(memberOf=cn=members,o=initech,ou=orgs,$PAT_BASE)") == 2 ]]
}

dyngroup_schema() {
    sed 's/^objectClass: olcSchemaConfig/changetype: add\n&/' /etc/ldap/schema/dyngroup.ldif
    echo
}

# manages UID OTHER
manages() {
    ldap_admin_modify <<LDIF
dn: $(person "$2")
changetype: modify
add: manager
manager: $(person "$1")
LDIF
}

@test "refint: right after renaming and deletion, and refint goes on" {
    local manager='ldap_admin_get "$(person alice)" manager'

    overlay refint olcRefintConfig 'olcRefintAttribute: member patOwner patRevokedBy manager' |
        loads refint
    initech
    manages bob alice
    renamed bob rob
    [[ $(live rob initech) == 2 && $(count "(member=$(person rob))") == 3 ]]
    wait_for 20 eval "[[ \$($manager) == uid=rob,* ]]"
    [[ $(live rob initech) == 2 && $(count "(member=$(person rob))") == 3 ]]
    [[ $(count "(|(member=$(person bob))(patOwner=$(person bob)))") == 0 ]]

    # Of the tokens that carol leaves refint may not take the owner away.
    manages carol dave
    deleted carol
    [[ $(live carol initech) == 0 ]]
    wait_for 20 eval '[[ -z $(ldap_admin_get "$(person dave)" manager) ]]'
    sandbox_idle
    [[ $(revoked carol initech) == 2 && $(count "(member=$(person carol))") == 0 ]]
    # What comes after that is done.
    renamed rob bob
    wait_for 20 eval "[[ \$($manager) == uid=bob,* ]]"
    [[ $(live bob initech) == 2 ]]
    [[ $(events initech '(patAction=org_member.removed)' | wc -l) == 1 ]]
    audit_is_right
}

@test "refint with olcRefintNothing: who is the last of a group leaves it, and is told once" {
    overlay refint olcRefintConfig 'olcRefintAttribute: member' \
        "olcRefintNothing: $PAT_ADMIN_DN" | loads refint
    initech
    change_member delete carol initech viewers
    deleted dave
    wait_for 20 eval '[[ $(count "(member=$(person dave))") == 0 ]]'
    [[ $(ldap_admin_get "cn=viewers,o=initech,ou=orgs,$PAT_BASE" member) == "$PAT_ADMIN_DN" ]]
    [[ $(revoked dave initech) == 2 && $(told initech org_member.removed dave) == 1 ]]
    audit_is_right
}

@test "ppolicy: failed binds, password changes and locked accounts are as ever" {
    overlay ppolicy olcPPolicyConfig "olcPPolicyDefault: cn=policy,$PAT_BASE" | ldap_admin_modify
    ldap_admin_add <<LDIF
dn: cn=policy,$PAT_BASE
objectClass: organizationalRole
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
LDIF
    printf 'owner_filter = (!(pwdAccountLockedTime=*))\n' >>"$PAT_CONF"
    sandbox patd-start
    pam_service one
    mint_self bob acme
    login one bob
    expect PAM_SUCCESS
    for _ in 1 2 3; do
        run ldapwhoami -x -H "$LDAPURI" -D "$(person bob)" -y <(printf wrong)
        [[ $status -eq 49 ]]
    done
    [[ -n $(ldap_admin_get "$(person bob)" pwdAccountLockedTime) ]]
    login one bob
    expect PAM_AUTH_ERR
    ldap_admin_modify <<LDIF
dn: $(person bob)
changetype: modify
delete: pwdAccountLockedTime
LDIF
    login one bob
    expect PAM_SUCCESS
    (umask 077 && printf new-password >"$BATS_TEST_TMPDIR/new")
    ldap_as bob ldappasswd -T "$BATS_TEST_TMPDIR/new"
    ldapwhoami -x -H "$LDAPURI" -D "$(person bob)" -y "$BATS_TEST_TMPDIR/new"
    [[ -n $(ldap_admin_get "$(person bob)" pwdChangedTime) ]]
    login one bob
    expect PAM_SUCCESS
    change_member delete bob acme members
    login one bob
    expect PAM_AUTH_ERR
    [[ $(live bob acme) == 0 ]]
    audit_is_right
}

@test "unique on uid, patHash and patId: it refuses what is twice, and nothing else" {
    local hash

    overlay unique olcUniqueConfig "olcUniqueURI: ldap:///ou=people,$PAT_BASE?uid?sub" \
        'olcUniqueURI: ldap:///?patHash?sub' 'olcUniqueURI: ldap:///?patId?sub' | loads unique
    day
    mint bob acme
    hash=$(ldap_admin_get "$MINT_DN" patHash)
    refused '(19)' import acme other "$hash"
    hash=$(printf x | sha256sum | cut -d' ' -f1)
    refused 'non-unique' import globex "$MINT_ID" "$hash"
    refused 'non-unique' rename_to dave bob
    audit_is_right
}

rename_to() {
    renamed "$@" 2>&1
}

# import ORG ID HASH
import() {
    ldap_admin ldapadd 2>&1 <<LDIF
dn: patId=$2,ou=tokens,o=$1,ou=orgs,$PAT_BASE
objectClass: patToken
patId: $2
patHash: $3
patOwner: $(person bob)
LDIF
}

# A rule that events cannot but break: it holds for what clients write.
@test "unique and constraint on what the hook writes: its changes are made, and replicated" {
    {
        modules syncprov unique constraint
        provides
        overlay unique olcUniqueConfig 'olcUniqueURI: serialize ldap:///?patTargetOwner?sub' \
            'olcUniqueURI: ldap:///?patRevokedBy?sub'
        overlay constraint olcConstraintConfig 'olcConstraintAttribute: patAction regex ^none$'
    } | ldap_admin_modify
    consumes 1 | config two
    server two --no-patd --empty
    use one
    day
    equal one two
}

@test "all of them at once, a consumer behind, and everybody at work" {
    {
        modules syncprov accesslog auditlog memberof refint unique
        provides
        logs 'olcAccessLogOld: (objectClass=patToken)'
        overlay memberof olcMemberOf
        overlay refint olcRefintConfig 'olcRefintAttribute: member patOwner'
        overlay unique olcUniqueConfig 'olcUniqueURI: ldap:///?patHash?sub'
        overlay ppolicy olcPPolicyConfig
        overlay auditlog olcAuditlogConfig "olcAuditlogFile: $SANDBOX/log/audit.ldif"
    } | ldap_admin_modify
    consumes 1 | config two
    server two --no-patd --empty
    use one
    equal one two
    load_server "${LOAD_SECONDS:-8}"
    load_is_right
    equal one two
    log_is_right
}

@test "the answer has its controls, and the refusal its text, where syncprov is shown more" {
    local said

    { modules syncprov && provides; } | ldap_admin_modify
    tokens 3 bob acme
    said=$(
        ldap_admin ldapmodify -o ldif-wrap=no -e preread=member -e postread=member <<LDIF
dn: cn=members,o=acme,ou=orgs,$PAT_BASE
changetype: modify
add: member
member: $(person dave)
-
delete: member
member: $(person bob)
LDIF
    )
    [[ $(sed -n 's/^member: //p' <<<"$said" | xargs) == "$(person bob) $(person dave)" ]]
    said=$(ldap_admin ldapdelete -v -e preread=patRole "cn=members,o=acme,ou=orgs,$PAT_BASE" 2>&1)
    [[ $said == *'patRole: member'* ]]
    said=$(ldap_admin ldapmodrdn -r -e postread=uid "$(person carol)" uid=cora 2>&1)
    [[ $said == *'uid: cora'* ]]
    mint_self alice acme
    [[ $MINT_TOKEN == rhp_* ]]
    refused 'the token was revoked at' revoke_twice
    audit_is_right
}

revoke_twice() {
    revoke "$MINT_DN" && revoke "$MINT_DN" 2>&1
}

# Waiting for somebody to read must be nobody else's waiting.
@test "a client that does not read its answer: others write, and the log and the consumer have all" {
    {
        modules syncprov accesslog
        provides
        logs
    } | ldap_admin_modify
    consumes 1 | config two
    server two --no-patd --empty
    use one
    tokens 20 bob acme
    equal one two
    in_background python3 -IS "$ROOT/tests/tools/hook_atomic.py" deaf \
        "cn=members,o=acme,ou=orgs,$PAT_BASE" "$(person bob)" "$BATS_TEST_TMPDIR/listen" \
        >"$BATS_TEST_TMPDIR/said"
    wait_for 30 grep -q deaf "$BATS_TEST_TMPDIR/said"
    # The removal is done, though its answer is on the way, and seen everywhere.
    [[ $(live bob acme) == 0 ]]
    timeout $((20 * PAT_TIME_SCALE)) bash -c "$(declare -f ldap_admin change_member ldap_admin_modify)"'
        change_member add carol globex members'
    equal one two
    log_is_right
    audit_is_right
    : >"$BATS_TEST_TMPDIR/listen"
    wait "${BACKGROUND_PIDS[-1]}"
}

# The role group cn=staff of acme, whose members are the persons of department 42.
staff_by_url() {
    { dyngroup_schema && modules dynlist autogroup && cat; } | ldap_admin_modify
    overlay autogroup olcAutomaticGroups 'olcAGattrSet: groupOfURLs memberURL member' |
        ldap_admin_modify
    ldap_admin_add <<LDIF
dn: $(staff)
objectClass: groupOfURLs
objectClass: patRoleGroup
cn: staff
patRole: member
memberURL: ldap:///ou=people,$PAT_BASE??sub?(&(objectClass=inetOrgPerson)(departmentNumber=42))
LDIF
    set_department dave 42
    [[ $(ldap_admin_get "$(staff)" member) == "$(person dave)" ]]
    tokens 2 dave acme
}

staff() {
    printf 'cn=staff,o=acme,ou=orgs,%s\n' "$PAT_BASE"
}

# in_time COMMAND...: run a command below; a server that hangs must not hang the test.
in_time() {
    timeout "$CLIENT_MAX" bash -c "$(declare -f "$1" ldap_admin ldap_admin_modify person deleted)"'
        "$@"' bash "$@"
}

# set_department UID NUMBER
set_department() {
    printf '%s\n' "dn: $(person "$1")" 'changetype: modify' 'replace: departmentNumber' \
        "departmentNumber: $2" | timeout "$CLIENT_MAX" ldapmodify -x -H "$LDAPURI" \
        -D "$PAT_ADMIN_DN" -y "$PAT_ADMIN_PW_FILE" >/dev/null
}

@test "autogroup: a person that it removes from a role group loses the tokens, and slapd answers" {
    staff_by_url </dev/null
    [[ $(told acme org_member.added dave) == 1 ]]
    set_department bob 7
    [[ $(live dave acme) == 2 ]]
    set_department dave 7
    [[ $(live dave acme) == 0 && $(revoked dave acme) == 2 ]]
    [[ $(told acme org_member.removed dave) == 1 ]]
    [[ -z $(ldap_admin_get "$(staff)" member) ]]
    set_department dave 42
    [[ $(live dave acme) == 0 && $(told acme org_member.added dave) == 2 ]]
    audit_is_right
}

@test "autogroup: slapd starts again with its groups, and goes on as before" {
    staff_by_url </dev/null
    sandbox slapd-stop
    sandbox slapd-start
    [[ $(ldap_admin_get "$(staff)" member) == "$(person dave)" && $(live dave acme) == 2 ]]
    set_department dave 7
    [[ $(live dave acme) == 0 && $(revoked dave acme) == 2 ]]
    audit_is_right
}

@test "autogroup: the actor is the client that caused its change, not the rootdn" {
    staff_by_url </dev/null
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' 'add: olcAccess' \
        "olcAccess: {0}to dn.subtree=\"ou=people,$PAT_BASE\" attrs=departmentNumber" \
        '  by users write by * break' | ldap_admin_modify
    printf '%s\n' "dn: $(person dave)" 'changetype: modify' 'delete: departmentNumber' |
        timeout "$CLIENT_MAX" ldapmodify -x -H "$LDAPURI" -D "$(person alice)" \
            -y <(printf alice-password) >/dev/null
    [[ $(live dave acme) == 0 ]]
    events acme '(patAction=org_member.removed)' | grep '|by=uid=alice,ou=people|'
}

@test "autogroup: a person who is deleted or renamed, and a group that gets another URL" {
    staff_by_url </dev/null
    set_department bob 42
    in_time renamed dave david
    [[ $(live david acme) == 2 && $(revoked david acme) == 0 ]]
    [[ $(ldap_admin_get "$(staff)" member | sort | xargs) == "$(person bob) $(person david)" ]]
    # autogroup acts before the backend has the deletion.
    in_time deleted david
    [[ $(live david acme) == 0 && $(revoked david acme) == 2 ]]
    [[ $(told acme org_member.removed david) == 1 ]]
    # Here it acts within a change of the group itself. That department is empty.
    change_member delete bob acme members
    tokens 1 bob acme
    printf '%s\n' "dn: $(staff)" 'changetype: modify' 'replace: memberURL' \
        "memberURL: ldap:///ou=people,$PAT_BASE??sub?(departmentNumber=8)" |
        timeout "$CLIENT_MAX" ldapmodify -x -H "$LDAPURI" -D "$PAT_ADMIN_DN" -y "$PAT_ADMIN_PW_FILE"
    [[ -z $(ldap_admin_get "$(staff)" member) && $(live bob acme) == 0 ]]
    audit_is_right
}

# autogroup takes a person out before it knows whether the deletion succeeds.
@test "autogroup: another overlay refuses a deletion: overlays see the changes that follow" {
    {
        modules syncprov accesslog retcode
        provides
        logs
        overlay retcode olcRetcodeConfig "olcRetcodeParent: ou=people,$PAT_BASE" \
            'olcRetcodeItem: "uid=dave" 0x35 op=delete'
    } | staff_by_url
    refused '(53)' in_time deleted dave
    [[ $(live dave acme) == 0 && $(told acme org_member.removed dave) == 1 ]]
    log_is_right
    # Nothing is held any more.
    tokens 1 carol acme
    change_member delete carol acme viewers
    [[ $(live carol acme) == 0 ]]
    log_is_right
    audit_is_right
}

@test "autogroup beside accesslog and a consumer: both have the changes that follow" {
    {
        modules syncprov accesslog
        provides
        logs
    } | staff_by_url
    { dyngroup_schema && consumes 1; } | config two
    server two --no-patd --empty
    use one
    set_department dave 7
    [[ $(live dave acme) == 0 ]]
    wait_for 30 at two eval '[[ $(revoked dave acme) == 2 && $(live dave acme) == 0 ]]'
    wait_for 30 at two eval '[[ $(told acme org_member.removed dave) == 1 ]]'
    log_is_right
    audit_is_right
}

# provider N: LDIF of one of two providers.
provider() {
    printf '%s\n' 'dn: cn=config' 'changetype: modify' 'add: olcServerID' "olcServerID: $1" ''
    provides
}

# of_the_other N: LDIF of a provider that consumes the server in use, too.
of_the_other() {
    consumes "$1"
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'replace: olcMultiProvider' 'olcMultiProvider: TRUE' ''
}

# member_at SERVER UID: of cn=staff.
member_at() {
    at "$1" ldap_admin_get "$(staff)" member | grep -qxF "$(person "$2")"
}

no_member_at() {
    ! member_at "$@"
}

# slapcat_of: what the server in use has, which does not run.
slapcat_of() {
    LDAPNOINIT=1 /usr/sbin/slapcat -F "$SANDBOX/etc/slapd.d" -n 1
}

# lost SERVER UID: both tokens in acme.
lost() {
    [[ $(at "$1" revoked "$2" acme) == 2 && $(at "$1" live "$2" acme) == 0 ]]
}

# A new provider gets its data by slapcat and slapadd: autogroup stores a group that arrives
# by replication without members, with pat or without.
@test "autogroup beside two providers: a person whom either removes loses the tokens at both" {
    { modules syncprov && provider 1; } | ldap_admin_modify
    staff_by_url </dev/null
    sandbox slapd-stop
    slapcat_of >"$BATS_TEST_TMPDIR/data"
    sandbox slapd-start
    {
        dyngroup_schema
        provider 2
        overlay autogroup olcAutomaticGroups 'olcAGattrSet: groupOfURLs memberURL member'
    } | config two syncprov dynlist autogroup
    server two --no-patd --empty
    sandbox slapd-stop
    LDAPNOINIT=1 /usr/sbin/slapadd -F "$SANDBOX/etc/slapd.d" -n 1 <"$BATS_TEST_TMPDIR/data"
    sandbox slapd-start
    use one
    of_the_other 1 | at two ldap_admin_modify
    use two
    of_the_other 2 | at one ldap_admin_modify
    at one set_department dave 7
    wait_for 30 lost two dave
    lost one dave
    wait_for 30 no_member_at two dave
    no_member_at one dave
    at two change_member delete bob acme members
    at two set_department bob 42
    wait_for 30 member_at one bob
    wait_for 30 eval '[[ $(at one told acme org_member.added bob) == 1 ]]'
    at one tokens 2 bob acme
    wait_for 30 eval '[[ $(at two live bob acme) == 2 ]]'
    at two set_department bob 7
    wait_for 30 lost one bob
    lost two bob
    wait_for 30 no_member_at one bob
    # Each event is there once, on both sides.
    wait_for 30 in_step one two
    for name in one two; do
        use "$name"
        [[ $(told acme org_member.removed dave) == 1 && $(told acme org_member.removed bob) == 2 ]]
        audit_is_right
    done
}

# moves UID: to the department whose persons autogroup makes members, and away.
moves() {
    local number

    for number in 7 42; do
        printf '%s\n' "dn: $(person "$1")" 'changetype: modify' 'replace: departmentNumber' \
            "departmentNumber: $number" | bounded ldapmodify >/dev/null
        [[ $number != 42 ]] || printf '%s\n' \
            "dn: patId=acme-$1-$EPOCHREALTIME.$BASHPID,ou=tokens,o=acme,ou=orgs,$PAT_BASE" \
            'objectClass: patToken' "patOwner: $(person "$1")" |
            bounded ldapadd -e postread=patSecret >/dev/null
    done
}

moves_dave() {
    moves dave
}

moves_erin() {
    moves erin
}

@test "autogroup beside accesslog, and several clients at work: no deadlock, and the log has each change, once" {
    local writer

    { modules accesslog && logs; } | staff_by_url
    ldap_admin_add <<LDIF
dn: $(person erin)
objectClass: inetOrgPerson
cn: erin
sn: erin
uid: erin
departmentNumber: 7
LDIF
    CLIENT_MAX=$((30 * PAT_TIME_SCALE))
    GO=$BATS_TEST_TMPDIR/go
    : >"$GO"
    for writer in moves_dave moves_erin comes_and_goes mints; do
        writer "$writer"
    done
    sleep "${LOAD_SECONDS:-6}"
    load_ends
    answers_are_right
    log_is_right
    set_department dave 7
    set_department erin 7
    [[ -z $(ldap_admin_get "$(staff)" member) ]]
    [[ $(live dave acme) == 0 && $(live erin acme) == 0 ]]
    [[ $(told acme org_member.removed dave) == "$(told acme org_member.added dave)" ]]
    [[ $(told acme org_member.removed erin) == "$(told acme org_member.added erin)" ]]
    log_is_right
    audit_is_right
}

# expiring UID: a person whose entry dds deletes.
expiring() {
    ldap_admin_add <<LDIF
dn: $(person "$1")
objectClass: inetOrgPerson
objectClass: dynamicObject
cn: $1
sn: $1
uid: $1
LDIF
    change_member add "$1" acme members
    tokens 2 "$1" acme
    [[ $(live "$1" acme) == 2 ]]
}

@test "dds: a person whose entry expires loses the tokens and the roles; others keep theirs" {
    overlay dds olcDDSConfig 'olcDDSinterval: 1' 'olcDDSmaxTtl: 86400' 'olcDDSdefaultTtl: 86400' |
        loads dds
    tokens 1 bob acme
    expiring erin
    # dds does not take it away while it lives.
    printf '%s\n' "dn: $(person erin)" 'changetype: modify' 'replace: entryTtl' 'entryTtl: 1' |
        ldap_admin ldapmodify -e '!relax' >/dev/null
    wait_for 60 eval '[[ -z $(ldap_admin_get "$(person erin)" uid) ]]'
    sandbox_idle
    [[ $(live erin acme) == 0 && $(revoked erin acme) == 2 ]]
    [[ $(count "(member=$(person erin))") == 0 && $(live bob acme) == 1 ]]
    [[ $(told acme org_member.removed erin) == 1 ]]
    audit_is_right
}

@test "lastbind: a bind is recorded, and changes no token, role or event" {
    local before

    overlay lastbind olcLastBindConfig | loads lastbind
    tokens 1 bob acme
    before=$(events acme)
    ldap_as bob ldapwhoami
    [[ -n $(ldap_admin_get "$(person bob)" authTimestamp) ]]
    [[ $(events acme) == "$before" && $(live bob acme) == 1 ]]
    day
}

# plain NAME: LDIF of an overlay without a class of its own.
plain() {
    printf '%s\n' "dn: olcOverlay=$1,olcDatabase={1}mdb,cn=config" 'changetype: add' \
        'objectClass: olcOverlayConfig' "olcOverlay: $1" ''
}

@test "otp: tokens and roles change as without it" {
    plain otp | loads otp
    day
}

# totp STEP: the code of that time step (RFC 6238, SHA-1), by the key of otp_for.
totp() {
    python3 -IS - "$1" <<'PYTHON'
import hashlib, hmac, struct, sys

mac = hmac.new(b"12345678901234567890", struct.pack(">Q", int(sys.argv[1])), hashlib.sha1).digest()
at = mac[-1] & 15
print("%06d" % ((struct.unpack(">I", mac[at:at + 4])[0] & 0x7FFFFFFF) % 10**6))
PYTHON
}

# otp_for UID: that person binds with password and code, of steps of an hour.
otp_for() {
    ldap_admin_modify <<LDIF
dn: $(person "$1")
changetype: modify
add: objectClass
objectClass: oathTOTPUser
objectClass: oathTOTPToken
objectClass: oathTOTPParams
-
add: oathTOTPToken
oathTOTPToken: $(person "$1")
-
add: oathTOTPParams
oathTOTPParams: $(person "$1")
-
add: oathSecret
oathSecret:: $(printf 12345678901234567890 | base64)
-
add: oathOTPLength
oathOTPLength: 6
-
add: oathHMACAlgorithm
oathHMACAlgorithm: 1.2.840.113549.2.7
-
add: oathTOTPTimeStepPeriod
oathTOTPTimeStepPeriod: 3600
-
add: oathTOTPTimeStepWindow
oathTOTPTimeStepWindow: 5
LDIF
}

# by_code UID CODE TOOL [ARG...]: as that person, with password and code.
by_code() {
    LDAPNOINIT=1 "$3" -x -H "$LDAPURI" -D "$(person "$1")" -y <(printf '%s-password%s' "$1" "$2") "${@:4}"
}

@test "otp: a person who binds with a code mints and revokes; the bind leaves no event" {
    local before step dn="patId=by-code,ou=tokens,o=acme,ou=orgs,$PAT_BASE"

    plain otp | loads otp
    tokens 2 bob acme
    otp_for bob
    before=$(events acme)
    step=$(($(date +%s) / 3600))
    run -49 ldap_as bob ldapwhoami
    run -49 by_code bob 000000 ldapwhoami
    run -0 by_code bob "$(totp "$step")" ldapwhoami
    [[ $(ldap_admin_get "$(person bob)" oathTOTPLastTimeStep) == "$step" ]]
    # Once.
    run -49 by_code bob "$(totp "$step")" ldapwhoami
    [[ $(events acme) == "$before" && $(live bob acme) == 2 ]]
    printf '%s\n' "dn: $dn" 'objectClass: patToken' |
        by_code bob "$(totp $((step + 1)))" ldapadd -e postread=patSecret >/dev/null
    [[ $(ldap_admin_get "$dn" patOwner) == "$(person bob)" ]]
    printf '%s\n' "dn: $dn" 'changetype: modify' 'add: patRevoked' "patRevoked: $(now_gt)" |
        by_code bob "$(totp $((step + 2)))" ldapmodify
    events acme | tail -n 1 | grep '^pat.revoked|by=uid=bob,ou=people|target=by-code|'
    # A removal leaves the second factor alone.
    change_member delete bob acme members
    [[ $(live bob acme) == 0 ]]
    run -0 by_code bob "$(totp $((step + 3)))" ldapwhoami
    audit_is_right
}

# samba_schema: LDIF of what smbk5pwd writes for Samba, whose schema is in no package.
samba_schema() {
    printf '%s\n' 'dn: cn=samba,cn=schema,cn=config' 'changetype: add' \
        'objectClass: olcSchemaConfig' 'cn: samba'
    printf "olcAttributeTypes: ( 1.3.6.1.4.1.7165.2.1.%s NAME '%s' EQUALITY %s SYNTAX 1.3.6.1.4.1.1466.115.121.1.%s SINGLE-VALUE )\n" \
        24 sambaLMPassword caseIgnoreIA5Match 26 25 sambaNTPassword caseIgnoreIA5Match 26 \
        27 sambaPwdLastSet integerMatch 27 28 sambaPwdCanChange integerMatch 27 \
        29 sambaPwdMustChange integerMatch 27
    printf '%s\n' "olcObjectClasses: ( 1.3.6.1.4.1.7165.2.2.6 NAME 'sambaSamAccount' SUP top AUXILIARY MAY ( uid \$ sambaLMPassword \$ sambaNTPassword \$ sambaPwdLastSet \$ sambaPwdCanChange \$ sambaPwdMustChange ) )" ''
}

@test "smbk5pwd for Samba: a new password has its hash, and changes no token, role or event" {
    local before

    {
        modules smbk5pwd
        samba_schema
        overlay smbk5pwd olcSmbK5PwdConfig 'olcSmbK5PwdEnable: samba'
    } | ldap_admin_modify
    printf '%s\n' "dn: $(person bob)" 'changetype: modify' 'add: objectClass' \
        'objectClass: sambaSamAccount' | ldap_admin_modify
    tokens 2 bob acme
    before=$(events acme)
    ldap_as bob ldappasswd -s other-password
    [[ $(ldap_admin_get "$(person bob)" sambaNTPassword) =~ ^[0-9a-f]{32}$ ]]
    [[ $(events acme) == "$before" && $(live bob acme) == 2 ]]
    ldap_admin ldappasswd -s bob-password "$(person bob)"
    [[ -n $(ldap_admin_get "$(person bob)" sambaPwdLastSet) ]]
    [[ $(events acme) == "$before" && $(live bob acme) == 2 ]]
    day
}

@test "seqmod: tokens and roles change as without it" {
    plain seqmod | loads seqmod
    day
}

# The overlays of the database, in their order.
configured() {
    ldap_admin ldapsearch -LLL -b 'olcDatabase={1}mdb,cn=config' '(olcOverlay=*)' olcOverlay |
        sed -n 's/^olcOverlay: //p' | xargs
}

@test "others are added after it, and stand in their order after a restart" {
    overlay syncprov olcSyncProvConfig | loads syncprov
    overlay '{1}memberof' olcMemberOf | loads memberof
    overlay '{3}unique' olcUniqueConfig 'olcUniqueURI: ldap:///?uid?sub' | loads unique
    day
    sandbox slapd-stop
    sandbox slapd-start
    [[ $(configured) == '{0}pat {1}memberof {2}syncprov {3}unique' ]]
    tokens 2 bob acme
    change_member delete bob acme members
    [[ $(live bob acme) == 0 ]]
}

@test "it is refused anywhere but innermost, and slapd goes on" {
    refused 'already' add_overlay '{1}mdb' pat olcPatConfig
    [[ $(configured) == '{0}pat' ]]
    servers_down one

    server two --no-patd --no-hook
    overlay syncprov olcSyncProvConfig |
        loads syncprov "${PAT_SLAPD_MODULE:-$PAT_BUILD/slapd/pat.so}"
    refused innermost add_overlay '{1}mdb' pat olcPatConfig
    refused pat add_overlay '{-1}frontend' pat olcPatConfig
    refused pat add_overlay '{0}config' pat olcPatConfig
    [[ $(configured) == '{0}syncprov' ]]
    [[ $(ldap_admin_get "$PAT_BASE" dc) == example ]]
    sandbox slapd-stop
    sandbox slapd-start
    # At the right place it is welcome.
    overlay '{0}pat' olcPatConfig | ldap_admin_modify
    [[ $(configured) == '{0}pat {1}syncprov' ]]
    day
}

# sorted_by_hash: the names of tokens in the order that bob gets, without access to patHash
sorted_by_hash() {
    ldap_as bob ldapsearch -LLL -o ldif-wrap=no -E '!sss=patHash:2.5.13.6' \
        -b "ou=orgs,$PAT_BASE" '(objectClass=patToken)' 1.1 | sed -n 's/^dn: //p'
}

@test "sssvlv sorts by patHash for accounts that may not read it, until it sorts nothing" {
    local order i sssvlv='olcOverlay={1}sssvlv,olcDatabase={1}mdb,cn=config'
    overlay sssvlv olcSssVlvConfig | loads sssvlv
    for i in 1 2 3 4 5; do
        mint bob acme
    done
    order=$(ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "ou=orgs,$PAT_BASE" \
        '(objectClass=patToken)' patHash |
        awk '/^dn: / { dn = $2 } /^patHash: / { print $2, dn }' | sort | cut -d ' ' -f 2)
    [[ -z $(ldap_as bob ldapsearch -LLL -b "ou=orgs,$PAT_BASE" '(patHash=*)' patHash) ]]
    [[ $(sorted_by_hash) == "$order" ]]
    printf '%s\n' "dn: $sssvlv" 'changetype: modify' 'replace: olcSssVlvMaxKeys' \
        'olcSssVlvMaxKeys: 0' | ldap_admin_modify
    [[ -z $(sorted_by_hash 2>/dev/null) ]]
    sandbox slapd-stop
    sandbox slapd-start
    [[ -z $(sorted_by_hash 2>/dev/null) ]]
}

# slapd does not ask it when another is moved below.
@test "an overlay is moved below pat: changes are refused until it is deleted" {
    loads syncprov </dev/null
    refused 'without a number' add_overlay '{1}mdb' '{0}syncprov' olcSyncProvConfig
    [[ $(configured) == '{0}pat' ]]
    overlay syncprov olcSyncProvConfig | ldap_admin_modify
    ldap_admin ldapmodrdn 'olcOverlay={1}syncprov,olcDatabase={1}mdb,cn=config' \
        'olcOverlay={0}syncprov'
    [[ $(configured) == '{0}syncprov {1}pat' ]]
    refused innermost change_with_error
    [[ -n $(ldap_admin_get "cn=members,o=acme,ou=orgs,$PAT_BASE" member) ]]
    ldap_admin ldapdelete 'olcOverlay={0}syncprov,olcDatabase={1}mdb,cn=config'
    day
}

change_with_error() {
    change_member delete bob acme members 2>&1
}

# lastmod TRUE|FALSE
lastmod() {
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'replace: olcLastMod' "olcLastMod: $1" | ldap_admin_modify
}

# nothing_changes: the hook refuses each change, and names the cause.
nothing_changes() {
    local before after

    before=$(dump '(objectClass=*)')
    refused 'lastmod is off' change_with_error
    refused 'lastmod is off' mint_self bob acme
    refused 'lastmod is off' revoke "$1"
    refused 'lastmod is off' deleted bob
    refused 'lastmod is off' renamed bob rob
    after=$(dump '(objectClass=*)')
    [[ -n $before && $after == "$before" ]]
}

@test "olcLastMod is FALSE: changes are refused until it is TRUE" {
    mint_self bob acme
    lastmod FALSE
    nothing_changes "$MINT_DN"
    lastmod TRUE
    day
}

@test "chain on the database turns lastmod off: changes are refused until slapd starts without it" {
    loads back_ldap </dev/null
    mint_self bob acme
    overlay chain olcChainConfig 'olcChainReturnError: TRUE' | ldap_admin_modify
    nothing_changes "$MINT_DN"
    ldap_admin ldapdelete 'olcOverlay={1}chain,olcDatabase={1}mdb,cn=config'
    nothing_changes "$MINT_DN"
    sandbox slapd-stop
    sandbox slapd-start
    day
}
