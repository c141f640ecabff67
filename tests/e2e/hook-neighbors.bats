#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031 # each test is a process of its own
#
# Every overlay of Debian's slapd and slapd-contrib packages beside pat: added to a server
# that runs, above pat and below it, and there before pat. Each either leaves pat's promises
# intact, or is refused with a text that names it and the remedy. hook-overlays.bats has more
# about overlays that write.
#
# All tests share one server, and take away what they add.

load common
load replica

bats_require_minimum_version 1.5.0

# back_ldap has chain and pbind, back_sock has sock. slapd does not load dyngroup beside
# dynlist.
MODULES=(accesslog auditlog autogroup back_ldap back_sock collect constraint dds deref dyngroup
    dynlist homedir lastbind memberof otp pcache ppolicy refint remoteauth retcode rwm seqmod
    smbk5pwd sssvlv syncprov translucent unique valsort)

setup_file() {
    {
        schema_of nis
        schema_of dyngroup
    } | config one "${MODULES[@]}"
    # tests/sandbox has loaded ppolicy.
    sed -i '/: ppolicy$/d; /: dyngroup$/d' "$BATS_FILE_TMPDIR/one.modules"
    server one
    access_log | ldap_admin_modify
    pam_service plain
}

teardown_file() {
    servers_down
}

setup() {
    BACKGROUND_PIDS=()
    use one
    mdb='olcDatabase={1}mdb,cn=config'
}

# A test that failed half-way must not take others with it.
teardown() {
    end_background
    [[ -n ${BATS_TEST_COMPLETED-} ]] || repair
}

repair() {
    local dn

    tail -n 8 "$SANDBOX/log/slapd.log"
    while read -r dn; do
        ldap_admin ldapdelete -r "$dn" || true
    done < <(ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$mdb" \
        '(&(objectClass=olcOverlayConfig)(!(objectClass=olcPatConfig)))' 1.1 |
        sed -n 's/^dn: //p' | tac)
    [[ -n $(configured) ]] || add_pat
    ldap_admin ldapdelete "cn=dynowners,o=acme,ou=orgs,$PAT_BASE" || true
    sed -i '/^owner_filter /d' "$PAT_CONF"
    sandbox patd-restart
}

schema_of() {
    sed 's/^objectClass: olcSchemaConfig/changetype: add\n&/' "/etc/ldap/schema/$1.ldif"
    echo
}

# The database that accesslog writes to.
access_log() {
    printf '%s\n' 'dn: olcDatabase={2}mdb,cn=config' 'changetype: add' \
        'objectClass: olcDatabaseConfig' 'objectClass: olcMdbConfig' 'olcDatabase: {2}mdb' \
        'olcSuffix: cn=log' 'olcRootDN: cn=admin,dc=example,dc=com' \
        "olcDbDirectory: $SANDBOX/log/db" 'olcDbMaxSize: 1073741824' ''
}

# lines_of OVERLAY: its class and its settings.
lines_of() {
    case $1 in
    accesslog) printf '%s\n' olcAccessLogConfig 'olcAccessLogDB: cn=log' 'olcAccessLogOps: all' ;;
    auditlog) printf '%s\n' olcAuditlogConfig "olcAuditlogFile: $SANDBOX/log/audit.ldif" ;;
    autogroup) printf '%s\n' olcAutomaticGroups 'olcAGattrSet: groupOfURLs memberURL member' ;;
    chain) printf '%s\n' olcChainConfig 'olcChainReturnError: TRUE' ;;
    collect) printf '%s\n' olcCollectConfig "olcCollectInfo: \"ou=people,$PAT_BASE\" description" ;;
    constraint) printf '%s\n' olcConstraintConfig 'olcConstraintAttribute: mail count 3' ;;
    dds) printf '%s\n' olcDDSConfig ;;
    dyngroup) printf '%s\n' olcDGConfig 'olcDGAttrPair: member memberURL' ;;
    dynlist) printf '%s\n' olcDynListConfig 'olcDynListAttrSet: groupOfURLs memberURL member' ;;
    homedir) printf '%s\n' olcHomedirConfig "olcHomedirRegexp: ^/home/([a-z]+)$ $BATS_FILE_TMPDIR/\$1" ;;
    lastbind) printf '%s\n' olcLastBindConfig ;;
    memberof) printf '%s\n' olcMemberOf ;;
    pbind) printf '%s\n' olcPBindConfig 'olcDbURI: ldap://127.0.0.1:1/' ;;
    pcache)
        printf '%s\n' olcPcacheConfig 'olcPcache: mdb 100 1 10 100' \
            'olcPcacheAttrset: 0 *' 'olcPcacheTemplate: "(uid=)" 0 3600'
        ;;
    ppolicy) printf '%s\n' olcPPolicyConfig ;;
    refint) printf '%s\n' olcRefintConfig 'olcRefintAttribute: member manager' ;;
    remoteauth)
        printf '%s\n' olcRemoteAuthCfg 'olcRemoteAuthDNAttribute: seeAlso' \
            'olcRemoteAuthDomainAttribute: description' 'olcRemoteAuthDefaultRealm: 127.0.0.1' \
            'olcRemoteAuthTLS: starttls=no'
        ;;
    retcode)
        printf '%s\n' olcRetcodeConfig "olcRetcodeParent: ou=services,$PAT_BASE" \
            'olcRetcodeItem: "cn=busy" 0x33 op=all'
        ;;
    rwm) printf '%s\n' olcRwmConfig 'olcRwmMap: attribute patRevoked *' ;;
    smbk5pwd) printf '%s\n' olcSmbK5PwdConfig 'olcSmbK5PwdEnable: shadow' ;;
    sock)
        printf '%s\n' olcOvSocketConfig "olcDbSocketPath: $BATS_FILE_TMPDIR/helper" \
            'olcOvSocketOps: add modify modrdn delete' 'olcOvSocketResps: result search'
        ;;
    sssvlv) printf '%s\n' olcSssVlvConfig ;;
    syncprov) printf '%s\n' olcSyncProvConfig ;;
    translucent) printf '%s\n' olcTranslucentConfig ;;
    unique) printf '%s\n' olcUniqueConfig 'olcUniqueURI: ldap:///?patHash?sub' ;;
    valsort)
        printf '%s\n' olcValSortConfig "olcValSortAttr: member ou=orgs,$PAT_BASE alpha-descend"
        ;;
    *) printf '%s\n' olcOverlayConfig ;; # it has no class of its own
    esac
}

# add OVERLAY: its NAME, or "{0}NAME". Errors go to standard output.
add() {
    local -a lines

    mapfile -t lines < <(lines_of "${1#\{*\}}")
    # Without a class of its own, slapd's for all overlays stands there twice.
    overlay "$1" "${lines[@]}" | uniq | ldap_admin ldapmodify 2>&1
}

add_pat() {
    overlay '{0}pat' olcPatConfig | ldap_admin ldapmodify 2>&1
}

# drop OVERLAY
drop() {
    ldap_admin ldapdelete -r "$(ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$mdb" \
        "(olcOverlay=*)" 1.1 | sed -n "s/^dn: \(olcOverlay={[0-9]*}$1,\)/\1/p")"
}

# The overlays of the database, in their order.
configured() {
    ldap_admin ldapsearch -LLL -b "$mdb" '(olcOverlay=*)' olcOverlay |
        sed -n 's/^olcOverlay: //p' | xargs
}

person() {
    printf 'uid=%s,ou=people,%s\n' "$1" "$PAT_BASE"
}

# The search of patd for the token: its owner, and the owner's roles.
told_of() {
    ldap_patd ldapsearch -LLL -o ldif-wrap=no -s base -b "$1" '(objectClass=*)' patOwnerUid \
        patOwnerRole | sed -n 's/^patOwner\([A-Z][a-z]*: .*\)/\1/p' | sort | xargs
}

# hire UID: a member of acme.
hire() {
    ldap_admin_add <<LDIF
dn: $(person "$1")
objectClass: inetOrgPerson
uid: $1
cn: $1
sn: $1
userPassword: $1-password
LDIF
    change_member add "$1" acme members
}

# Checks pat's promises, with a person of the name UID.
promises_hold() {
    local uid=$1 dn removed

    hire "$uid"
    mint_self "$uid" acme 'cn: laptop'
    dn=$MINT_DN
    [[ $(told_of "$dn") == "Role: member Uid: $uid" ]]
    login plain "$uid"
    expect PAM_SUCCESS
    revoke "$dn"
    login plain "$uid"
    expect PAM_AUTH_ERR
    # A member leaves, in one transaction with the changes that follow.
    mint_self "$uid" acme
    tokens 2 "$uid" acme
    removed=$(ldap_admin ldapmodify -e postread=entryCSN <<LDIF
dn: cn=members,o=acme,ou=orgs,$PAT_BASE
changetype: modify
delete: member
member: $(person "$uid")
LDIF
)
    [[ $removed == *entryCSN* && $(live "$uid" acme) == 0 && $(revoked "$uid" acme) == 4 ]]
    [[ $(told acme org_member.removed "$uid") == 1 ]]
    login plain "$uid"
    expect PAM_AUTH_ERR
    # The member comes back, is renamed, and is deleted.
    change_member add "$uid" acme members
    tokens 1 "$uid" acme
    ldap_admin ldapmodrdn -r "$(person "$uid")" "uid=$uid-2"
    [[ $(live "$uid-2" acme) == 1 && $(live "$uid" acme) == 0 ]]
    ldap_admin ldapdelete "$(person "$uid-2")"
    [[ $(live "$uid-2" acme) == 0 && $(told acme org_member.removed "$uid-2") == 1 ]]
    [[ -z $(ldap_admin ldapsearch -LLL -b "$PAT_BASE" "(member=$(person "$uid-2"))" 1.1) ]]
    audit_is_right
}

# refused COMMAND ARGUMENT TEXT...: it fails, and says all of these.
refused() {
    local text

    run "$1" "$2"
    printf '%s\n' "$output"
    [[ $status -ne 0 ]] || return 1
    for text in "${@:3}"; do
        [[ $output == *"$text"* ]] || return 1
    done
}

# stand_beside OVERLAY...: all of them above pat, and there before pat; none of them below.
stand_beside() {
    local name

    for name; do
        add "$name"
    done
    promises_hold "$1-above"
    drop pat
    add_pat
    [[ $(configured) == "{0}pat {1}$1"* ]]
    mint_self bob acme
    revoke "$MINT_DN"
    for name; do
        drop "$name"
        refused add "{0}$name" "overlay $name" 'pat must stay' 'without a number'
    done
    [[ $(configured) == '{0}pat' ]]
}

@test "the list of overlays is that of the packages" {
    local file name

    for file in /usr/lib/ldap/*.so; do
        if grep -q overlay_register "$file"; then
            name=${file##*/}
            printf '%s\n' "${name%.so}"
        fi
    done | diff <(printf '%s\n' "${MODULES[@]}" | sort) -
}

@test "pat's promises hold beside overlays that log: accesslog, auditlog, syncprov" {
    stand_beside accesslog auditlog syncprov
}

@test "pat's promises hold beside overlays of references and groups: refint, memberof, autogroup, dynlist" {
    stand_beside refint memberof autogroup dynlist
}

# role_by_login UID: the role with which patd accepts $MINT_TOKEN.
role_by_login() {
    login plain "$1"
    expect PAM_SUCCESS
    sed -n 's/^PAT_ROLE=//p' <<<"$output"
}

# dyn_owners UID...: a role group of acme, the members of which are computed.
dyn_owners() {
    local uid filter=

    for uid; do
        filter+="(uid=$uid)"
    done
    ldap_admin_add <<LDIF
dn: cn=dynowners,o=acme,ou=orgs,$PAT_BASE
objectClass: groupOfURLs
objectClass: patRoleGroup
cn: dynowners
patRole: owner
memberURL: ldap:///ou=people,$PAT_BASE??sub?(|$filter)
LDIF
}

@test "dynlist: computed members have no role, members keep theirs, with owner_filter and without" {
    local stranger token_of_stranger token_of_viewer token_of_member filter
    local group="cn=dynowners,o=acme,ou=orgs,$PAT_BASE"

    # A token of somebody with no role in acme: the overlay would refuse it.
    drop pat
    mint dave acme
    add_pat
    stranger=$MINT_DN token_of_stranger=$MINT_TOKEN
    mint carol acme
    token_of_viewer=$MINT_TOKEN
    mint bob acme
    token_of_member=$MINT_TOKEN
    overlay dynlist olcDynListConfig \
        'olcDynListAttrSet: groupOfURLs memberURL member+memberOf@organizationalRole' |
        ldap_admin_modify
    dyn_owners dave carol
    # A client sees them as members.
    ldap_patd ldapsearch -LLL -b "o=acme,ou=orgs,$PAT_BASE" \
        "(&(objectClass=patRoleGroup)(member=$(person dave)))" 1.1 | grep -qF "dn: $group"
    for filter in '' 'owner_filter = (objectClass=*)' 'owner_filter = (uid=*)'; do
        sed -i '/^owner_filter /d' "$PAT_CONF"
        set_conf 'workers = 1' ${filter:+"$filter"}
        log_mark
        MINT_TOKEN=$token_of_stranger
        login plain dave
        expect PAM_AUTH_ERR
        logged 'verdict=refuse ' 'no role'
        MINT_TOKEN=$token_of_viewer
        [[ $(role_by_login carol) == viewer ]]
        MINT_TOKEN=$token_of_member
        [[ $(role_by_login bob) == member ]]
    done
    sed -i '/^owner_filter /d' "$PAT_CONF"
    sandbox patd-restart
    # What is stored in such a group counts.
    ldap_admin_modify <<LDIF
dn: $group
changetype: modify
add: objectClass
objectClass: extensibleObject
-
add: member
member: $(person carol)
LDIF
    MINT_TOKEN=$token_of_viewer
    [[ $(role_by_login carol) == owner ]]
    ldap_admin ldapdelete "$group"
    [[ $(role_by_login carol) == viewer ]]
    ldap_admin ldapdelete "$stranger"
    drop dynlist
}

@test "pat's promises hold beside overlays that check: constraint, unique, seqmod, retcode" {
    stand_beside constraint unique seqmod retcode
}

@test "pat's promises hold beside overlays that change answers: collect, deref, sssvlv, valsort" {
    stand_beside collect deref sssvlv valsort
}

@test "pat's promises hold beside lastbind, otp, ppolicy, remoteauth, dds, homedir, smbk5pwd" {
    stand_beside lastbind otp ppolicy remoteauth dds homedir smbk5pwd
}

# on_frontend OVERLAY: as add does it.
on_frontend() {
    local mdb='olcDatabase={-1}frontend,cn=config'
    local -a lines

    mapfile -t lines < <(lines_of "$1")
    overlay "$1" "${lines[@]}" | sed "1s/olcDatabase={1}mdb,cn=config/$mdb/" |
        ldap_admin ldapmodify 2>&1
}

@test "pbind, pcache, rwm, sock and translucent are refused while slapd runs, at every place" {
    local name

    for name in pbind pcache rwm sock translucent; do
        refused add "$name" "overlay $name beside overlay pat" "database \"$PAT_BASE\": $name " 'use it in'
        refused add "{0}$name" "overlay $name beside overlay pat"
        refused add "{1}$name" "overlay $name beside overlay pat"
        refused on_frontend "$name" "overlay $name beside overlay pat"
    done
    # The text is in slapd's log, too.
    grep -q 'overlay rwm beside overlay pat.*rewrites' "$SANDBOX/log/slapd.log"
    [[ $(configured) == '{0}pat' ]]
    promises_hold after
}

@test "a client that may not change cn=config gets no text about overlays" {
    lines_of rwm >"$BATS_TEST_TMPDIR/lines"
    mapfile -t lines <"$BATS_TEST_TMPDIR/lines"
    overlay rwm "${lines[@]}" >"$BATS_TEST_TMPDIR/ldif"
    run ldap_as bob ldapmodify -f "$BATS_TEST_TMPDIR/ldif"
    [[ $status -eq 50 && $output != *pat* ]]
}

@test "pat is refused beside an existing one of them, and accepted after its removal" {
    drop pat
    add rwm
    refused add_pat '' 'overlay rwm beside overlay pat' 'rwm rewrites'
    [[ $(configured) == '{0}rwm' ]]
    drop rwm
    on_frontend rwm
    refused add_pat '' 'overlay rwm beside overlay pat'
    ldap_admin ldapdelete 'olcOverlay={0}rwm,olcDatabase={-1}frontend,cn=config'
    add_pat
    promises_hold welcome
}

@test "dyngroup: tokens are minted, used and revoked as without it" {
    schema_of dyngroup | config two dyngroup
    server two --no-patd
    overlay dyngroup olcDGConfig 'olcDGAttrPair: member memberURL' | ldap_admin_modify
    tokens 2 bob acme
    change_member delete bob acme members
    [[ $(live bob acme) == 0 && $(revoked bob acme) == 2 ]]
    [[ $(told acme org_member.removed bob) == 1 ]]
    servers_down two
}

# chains: what a consumer cannot write goes to the server in use, in the name of its client.
chains() {
    local frontend='olcDatabase={-1}frontend,cn=config'

    printf '%s\n' "dn: olcOverlay=chain,$frontend" 'changetype: add' \
        'objectClass: olcOverlayConfig' 'objectClass: olcChainConfig' 'olcOverlay: chain' \
        'olcChainReturnError: TRUE' '' "dn: olcDatabase=ldap,olcOverlay={0}chain,$frontend" \
        'changetype: add' 'objectClass: olcLDAPConfig' 'objectClass: olcChainDatabase' \
        'olcDatabase: ldap' "olcDbURI: $LDAPURI" \
        "olcDbIDAssertBind: mode=self bindmethod=simple binddn=\"$PAT_ADMIN_DN\" credentials=$PAT_ADMIN_PW" \
        '' "dn: $mdb" 'changetype: modify' 'add: olcUpdateRef' "olcUpdateRef: $LDAPURI" ''
}

@test "a consumer forwards by chain, ppolicy and lastbind: the provider decides, with the client as actor" {
    local policy="cn=policy,$PAT_BASE"

    { provides && overlay ppolicy olcPPolicyConfig "olcPPolicyDefault: $policy"; } | ldap_admin_modify
    ldap_admin_add <<LDIF
dn: $policy
objectClass: organizationalRole
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 5
LDIF
    { schema_of nis && schema_of dyngroup && consumes 1; } | config two back_ldap lastbind
    chains >"$BATS_TEST_TMPDIR/chain"
    server two --no-patd --empty
    {
        cat "$BATS_TEST_TMPDIR/chain"
        overlay ppolicy olcPPolicyConfig "olcPPolicyDefault: $policy" 'olcPPolicyForwardUpdates: TRUE'
        overlay lastbind olcLastBindConfig 'olcLastBindForwardUpdates: TRUE'
    } | ldap_admin_modify
    wait_for 30 in_step one two

    run ldapwhoami -x -H "$LDAPURI" -D "$(person dave)" -y <(printf wrong)
    [[ $status -eq 49 ]]
    wait_for 30 at one eval '[[ -n $(ldap_admin_get "$(person dave)" pwdFailureTime) ]]'
    ldap_as dave ldapwhoami
    wait_for 30 at one eval '[[ -n $(ldap_admin_get "$(person dave)" authTimestamp) ]]'

    mint_self dave globex
    at one events globex "(patTarget=$MINT_ID)" | grep -F '|by=uid=dave,ou=people|'
    use one
    login plain dave
    expect PAM_SUCCESS
    wait_for 30 in_step one two
    use two
    [[ $(live dave globex) == 1 ]]
    change_member delete dave globex owners
    [[ $(at one live dave globex) == 0 ]]
    wait_for 30 eval '[[ $(live dave globex) == 0 ]]'
    use one
    login plain dave
    expect PAM_AUTH_ERR
    drop ppolicy
    drop syncprov
    servers_down two
}
