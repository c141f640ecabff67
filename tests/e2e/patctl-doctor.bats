#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# patctl doctor: a directory, a patd and PAM stacks that are well; then one real fault
# after another, each of which it names.

bats_require_minimum_version 1.5.0
load common

setup_file() {
    [[ $EUID -eq 0 ]] || skip 'needs root, as patd does to become its user'
    sandbox_up --tls
    mint bob acme
    revoke "$MINT_DN"
    mint bob acme 'patService: imap'
    ldap_admin_modify <<LDIF
dn: cn=patd,ou=services,$PAT_BASE
changetype: modify
add: objectClass
objectClass: simpleSecurityObject
-
add: userPassword
userPassword: patd-password
LDIF
}

teardown_file() {
    [[ -z ${SANDBOX-} ]] || sandbox_down
}

setup() {
    load_sandbox
    CONF=$SANDBOX/etc/doctor.conf
    HOST=$BATS_TEST_TMPDIR/host
    PAMD=$HOST/etc/pam.d
    mkdir -p "$PAMD"
    printf '%s required pam_permit.so\n' account session >"$PAMD/other"
    BARE_PIDS=()
    cp "$PAT_CONF" "$CONF"
    patd_dn="cn=patd,ou=services,$PAT_BASE"
}

# doctor: sets status and output
doctor() {
    run "$PAT_BUILD/patctl" doctor --conf "$CONF" --root "$HOST"
    printf '%s\n' "$output"
}

# finds MARK PATTERN: a line of that kind fits
finds() {
    grep -qE "^$1  .*$2" <<<"$output"
}

# names PATTERN: it is wrong, and nothing else is
names() {
    [[ $status -eq 1 ]] && finds 'WRONG' "$1" && [[ $(grep -c ^WRONG <<<"$output") -eq 1 ]]
}

config_change() {
    ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null
}

# The account by name and password, over ldaps://, as from another host.
use_ldaps() {
    printf '%s' patd-password >"$SANDBOX/etc/patd.pw"
    chgrp nogroup "$SANDBOX/etc/patd.pw"
    chmod 640 "$SANDBOX/etc/patd.pw"
    sed -i '/^uri/d' "$CONF"
    cat >>"$CONF" <<CONF
uri = ${1:-$PAT_LDAPS_URI}
bind_dn = $patd_dn
bind_password_file = $SANDBOX/etc/patd.pw
tls_ca_file = $PAT_CA
CONF
}

# new_certificate NAME DAYS-ARGUMENT...: for slapd, by the CA of the sandbox or its own
new_certificate() {
    local etc=$SANDBOX/etc name=$1
    shift

    cp "$etc/slapd.pem" "$BATS_TEST_TMPDIR/slapd.pem"
    printf '%s\n' "subjectAltName=$name" 'basicConstraints=critical,CA:FALSE' \
        >"$BATS_TEST_TMPDIR/ext"
    openssl x509 -req -in "$etc/slapd.csr" -extfile "$BATS_TEST_TMPDIR/ext" -set_serial 2 \
        -out "$etc/slapd.pem" "$@" 2>/dev/null
    sandbox slapd-stop
    sandbox slapd-start
}

old_certificate() {
    cp "$BATS_TEST_TMPDIR/slapd.pem" "$SANDBOX/etc/slapd.pem"
    sandbox slapd-stop
    sandbox slapd-start
}

by_ca() { printf '%s\n' -CA "$PAT_CA" -CAkey "$SANDBOX/etc/ca.key"; }

@test "all is well" {
    printf '%s\n' 'auth [success=done ignore=ignore default=die] pam_pat.so org=acme' \
        '@include common-auth' 'account required pam_unix.so' >"$PAMD/sshd"
    printf '%s\n' 'auth [success=1 default=ignore] pam_unix.so' 'auth requisite pam_deny.so' \
        'auth required pam_permit.so' >"$PAMD/common-auth"
    doctor
    [[ $status -eq 0 ]]
    run ! grep -v '^OK  ' <<<"$output"
    doctor
    finds OK 'PAM sshd: no other module is given a token'
    finds OK 'patHash and not read it'
    finds OK 'reads patRevoked'
    finds OK 'overlay pat is there'
    finds OK 'indexes are there'
    finds OK 'patd answers'
    finds OK 'offers no LDAP transactions'
    finds OK 'login names: each is there once'
    finds OK 'names of orgs: each is there once'
    finds OK 'role groups: none has members that do not count'
    finds OK 'names of role groups: none is named by member'
    # Without such a fault the output does not name it.
    run ! grep -E 'belongs to two|two orgs|another kind|dynlist|stands below' <<<"$output"
    doctor
    [[ $output != *$'\e['* ]]
    # A terminal, and one of somebody who wants no colours.
    run script -qec "$PAT_BUILD/patctl doctor --conf $CONF --root $HOST" /dev/null
    [[ $output == *$'\e[32mOK'* ]]
    NO_COLOR=1 run script -qec "$PAT_BUILD/patctl doctor --conf $CONF --root $HOST" /dev/null
    [[ $output == *OK* && $output != *$'\e['* ]]
}

@test "over ldaps:// what is to be seen is well" {
    use_ldaps
    doctor
    # Overlay, indexes and clock are not to be seen from here.
    [[ $status -eq 3 ]]
    finds OK "$PAT_LDAPS_URI: reached, certificate accepted, bound"
    finds '\?    ' 'indexes and overlay'
}

@test "an expired certificate" {
    mapfile -t ca < <(by_ca)
    use_ldaps
    new_certificate IP:127.0.0.1 "${ca[@]}" -days -1
    doctor
    old_certificate
    names 'TLS: the certificate has expired'
}

@test "a certificate for another name" {
    mapfile -t ca < <(by_ca)
    use_ldaps
    new_certificate DNS:elsewhere.example.com "${ca[@]}" -days 3
    doctor
    old_certificate
    names 'TLS: the certificate is for another name than 127.0.0.1'
}

@test "a certificate of another CA, by StartTLS" {
    use_ldaps "$PAT_LDAP_URI"
    printf 'tls = starttls\n' >>"$CONF"
    doctor
    finds OK "$PAT_LDAP_URI: reached, bound"
    new_certificate IP:127.0.0.1 -signkey "$SANDBOX/etc/slapd.key" -days 3
    doctor
    old_certificate
    names 'TLS: the certificate is not signed by a CA in'
}

@test "a dead server, and one of two" {
    use_ldaps "ldaps://127.0.0.1:1, $PAT_LDAPS_URI"
    doctor
    names 'ldaps://127.0.0.1:1: connect: Connection refused'
    finds OK "$PAT_LDAPS_URI: reached"
}

@test "a wrong password" {
    use_ldaps
    printf wrong >"$SANDBOX/etc/patd.pw"
    doctor
    names 'it is reached, but: bind: Invalid credentials.*bind_password_file'
}

# with_rule ACL: before all others, for one look
with_rule() {
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' 'add: olcAccess' \
        "olcAccess: {0}to dn.subtree=\"ou=orgs,$PAT_BASE\" $1" | config_change
    doctor
    config_change <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
delete: olcAccess
olcAccess: {0}
LDIF
}

@test "rights that are too many or too few" {
    with_rule "attrs=patHash by dn.exact=\"$patd_dn\" read by * none"
    names 'the account can read patHash'
    with_rule "attrs=patHash by dn.exact=\"$patd_dn\" none by * none"
    names 'may not search patHash'
    with_rule "attrs=patRevoked by dn.exact=\"$patd_dn\" =s by * none"
    names 'search patRevoked and not read it'
    with_rule "attrs=patService by dn.exact=\"$patd_dn\" =s by * none"
    names 'search patService and not read it'
    with_rule "attrs=patSource by dn.exact=\"$patd_dn\" none by * none"
    names 'no right to patSource'
    doctor
    [[ $status -eq 0 ]]
}

@test "no overlay" {
    sandbox_dn='olcOverlay={0}pat,olcDatabase={1}mdb,cn=config'
    printf '%s\n' "dn: $sandbox_dn" 'changetype: delete' | config_change
    doctor
    config_change <<LDIF
dn: $sandbox_dn
changetype: add
objectClass: olcOverlayConfig
objectClass: olcPatConfig
olcOverlay: {0}pat
LDIF
    names 'the overlay pat is not there'
}

@test "an overlay that is refused beside pat, before pat is added" {
    sandbox_dn='olcOverlay={0}pat,olcDatabase={1}mdb,cn=config'
    printf '%s\n' "dn: $sandbox_dn" 'changetype: delete' | config_change
    with_overlay rwm rwm olcRwmConfig
    config_change <<LDIF
dn: $sandbox_dn
changetype: add
objectClass: olcOverlayConfig
objectClass: olcPatConfig
olcOverlay: {0}pat
LDIF
    [[ $status -eq 1 ]]
    finds WRONG 'the overlay pat is not there'
    finds WRONG 'the overlay \{0\}rwm rewrites what patd reads.*: use it in a database of type relay'
    doctor
    [[ $status -eq 0 ]]
}

@test "a missing index" {
    local line

    line=$(ldapsearch -Q -Y EXTERNAL -H "$LDAPURI" -LLL -o ldif-wrap=no -s base \
        -b 'olcDatabase={1}mdb,cn=config' '(objectClass=*)' olcDbIndex |
        sed -n 's/^olcDbIndex: \(.*patHash.*\)/\1/p')
    [[ -n $line ]]
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'delete: olcDbIndex' "olcDbIndex: $line" | config_change
    doctor
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'add: olcDbIndex' "olcDbIndex: $line" | config_change
    [[ $status -eq 1 ]]
    finds WRONG 'no equality index on patHash'
}

# bare_server NAME CONTEXT-CSN: another slapd, at $BARE_URI, that knows patd as its rootdn
# and nothing of ours
bare_server() {
    local dir=$BATS_TEST_TMPDIR/$1 socket=$SANDBOX/run/$1

    BARE_URI=ldapi://${socket//\//%2F}
    mkdir -p "$dir/db"
    cat >"$dir/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
authz-regexp .* cn=patd,dc=example,dc=com
database mdb
suffix dc=example,dc=com
rootdn cn=patd,dc=example,dc=com
directory $dir/db
CONF
    /usr/sbin/slapadd -q -f "$dir/slapd.conf" <<LDIF
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: example
dc: example
contextCSN: $2#000000#000#000000
LDIF
    /usr/sbin/slapd -d 0 -f "$dir/slapd.conf" -h "$BARE_URI" </dev/null 3>&- &
    BARE_PIDS+=("$!")
    wait_for 10 unix_listens "$socket"
}

teardown() {
    local pid

    for pid in "${BARE_PIDS[@]}"; do
        kill "$pid" || true
        wait "$pid" || true
    done
}

@test "no schema, no such base" {
    bare_server bare 20200101000000.000000Z
    sed -i '/^uri/d' "$CONF"
    printf 'uri = %s\n' "$BARE_URI" >>"$CONF"
    doctor
    [[ $status -eq 1 ]]
    finds WRONG 'the schema has no patId.*pat.ldif'
    finds WRONG 'base .* cannot be searched'
}

# with_entries LDIF DN...: these entries are there for one look
with_entries() {
    local dn
    ldap_admin_add <<<"$1"
    doctor
    for dn in "${@:2}"; do
        ldap_admin ldapdelete "$dn"
    done
}

# with_entries_from_before LDIF DN...: the same, of entries that the overlay never saw
with_entries_from_before() {
    local dn
    sandbox slapd-stop
    LDAPNOINIT=1 /usr/sbin/slapadd -F "$SANDBOX/etc/slapd.d" -n 1 <<<"$1"
    sandbox slapd-start
    doctor
    for dn in "${@:2}"; do
        ldap_admin ldapdelete "$dn"
    done
}

# person UID CN [LINE...]: below ou=people, by cn
person() {
    printf '%s\n' "dn: cn=$2,ou=people,$PAT_BASE" 'objectClass: inetOrgPerson' "cn: $2" \
        'sn: Twin' "uid: $1" "${@:3}" ''
}

@test "a server that accepts LDAP transactions" {
    bare_server bare 20200101000000.000000Z
    sed -i '/^uri/d' "$CONF"
    printf 'uri = %s\n' "$LDAPURI, $BARE_URI" >>"$CONF"
    doctor
    [[ $status -eq 1 ]]
    finds WRONG 'bare: the server offers LDAP transactions .*crash slapd .*Load the module pat'
    finds OK 'ldapi: the server offers no LDAP transactions'
}

@test "a uid of two entries: both are named, whatever the case of letters" {
    local bob="uid=bob,ou=people,$PAT_BASE"
    with_entries "$(person bob 'Bob Twin')" "cn=Bob Twin,ou=people,$PAT_BASE"
    names "the uid [Bb]ob belongs to two entries, cn=Bob Twin,.* and $bob:.*another uid"
    with_entries "$(person other 'Bob Twin' 'uid: BOB')" "cn=Bob Twin,ou=people,$PAT_BASE"
    names "belongs to two entries, cn=Bob Twin,.* and $bob:"
    # One entry with two of its own, and one whose uid another begins with.
    with_entries "$(person bobby 'Bob Twin' 'uid: robert')" "cn=Bob Twin,ou=people,$PAT_BASE"
    [[ $status -eq 0 ]]
    finds OK 'login names: each is there once'
}

@test "a uid of two entries, one of which a size limit hides: the check is incomplete" {
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'replace: olcSizeLimit' 'olcSizeLimit: 2' | config_change
    doctor
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'delete: olcSizeLimit' | config_change
    [[ $status -eq 3 ]]
    finds '\?    ' 'login names: the size limit of the account'
    run ! finds OK 'login names'
}

# org DN: one of that name
org() {
    printf '%s\n' "dn: $1" 'objectClass: organization' 'objectClass: patOrg' ''
}

@test "two orgs of one name" {
    local orgs="ou=orgs,$PAT_BASE" more
    more=$(printf '%s\n' "dn: ou=more,$orgs" 'objectClass: organizationalUnit' '' '')
    with_entries_from_before "$more"$'\n\n'"$(org "o=ACME,ou=more,$orgs" | sed '/^$/d')"$'\no: ACME' \
        "o=ACME,ou=more,$orgs" \
        "ou=more,$orgs"
    names "two orgs have the name [Aa].*, o=ACME,ou=more,$orgs and o=acme,$orgs:"
    with_entries "$(org "o=acmes,$orgs")" "o=acmes,$orgs"
    [[ $status -eq 0 ]]
    # An organization that is no patOrg has no tokens.
    with_entries "$more"$'\n\n'"$(org "o=acme,ou=more,$orgs" | sed '/patOrg/d')" \
        "o=acme,ou=more,$orgs" "ou=more,$orgs"
    [[ $status -eq 0 ]]
}

# has_schema NAME: of OpenLDAP's own
has_schema() {
    ldapsearch -Q -Y EXTERNAL -H "$LDAPURI" -LLL -b cn=schema,cn=config "(cn=*$1)" 1.1 |
        grep -q . || ldapadd -Q -Y EXTERNAL -H "$LDAPURI" -f "/etc/ldap/schema/$1.ldif"
}

# group CLASS LINE...: a role group of acme
group() {
    printf '%s\n' "dn: cn=doctored,o=acme,ou=orgs,$PAT_BASE" "objectClass: $1" \
        'objectClass: patRoleGroup' 'cn: doctored' 'patRole: viewer' "${@:2}" ''
}

@test "a role group whose members nothing counts" {
    local dn="cn=doctored,o=acme,ou=orgs,$PAT_BASE" bob="uid=bob,ou=people,$PAT_BASE"
    with_entries "$(group groupOfUniqueNames "uniqueMember: $bob")" "$dn"
    names "role group $dn has no member.*other membership never gives a role"
    has_schema nis
    with_entries "$(group posixGroup 'gidNumber: 7' 'memberUid: bob')" "$dn"
    names "role group $dn has no member"
    has_schema dyngroup
    with_entries "$(group groupOfURLs "memberURL: ldap:///ou=people,$PAT_BASE??sub?(uid=bob)")" "$dn"
    names "role group $dn has no member"
    # A group without members, and one with.
    with_entries "$(group organizationalRole)" "$dn"
    [[ $status -eq 0 ]]
    with_entries "$(group groupOfNames "member: $bob")" "$dn"
    [[ $status -eq 0 ]]
    # Not a role group: it may have any members.
    with_entries "$(group groupOfUniqueNames "uniqueMember: $bob" | sed '/[pP]atRole/d')" "$dn"
    [[ $status -eq 0 ]]
}

# named NAME: a role group of acme with that RDN
named() {
    printf '%s\n' "dn: $1,o=acme,ou=orgs,$PAT_BASE" 'objectClass: groupOfNames' \
        'objectClass: patRoleGroup' 'cn: doctored' 'patRole: viewer' \
        "member: uid=carol,ou=people,$PAT_BASE" ''
}

@test "a role group that is named by a member" {
    local bob="uid=bob,ou=people,$PAT_BASE" org="o=acme,ou=orgs,$PAT_BASE" rdn
    bob=${bob//,/\\2C}
    for rdn in "member=$bob" "cn=doctored+member=$bob" "MEMBER=$bob"; do
        with_entries_from_before "$(named "$rdn")" "$rdn,$org"
        names 'role group .*bob.* is named by member: .*Rename the group'
    done
    with_entries_from_before "$(named "cn=member\\=$bob")" "cn=member\\=$bob,$org"
    [[ $status -eq 0 ]]
    # Not a role group.
    with_entries "$(named "member=$bob" | sed '/[pP]atRole/d')" "member=$bob,$org"
    [[ $status -eq 0 ]]
}

# with_overlay MODULE OVERLAY CLASS [PLACE]: beside pat, for one look, moved to that place
with_overlay() {
    printf '%s\n' 'dn: cn=module{0},cn=config' 'changetype: modify' 'add: olcModuleLoad' \
        "olcModuleLoad: $1" | config_change
    printf '%s\n' "dn: olcOverlay=$2,olcDatabase={1}mdb,cn=config" 'changetype: add' \
        'objectClass: olcOverlayConfig' "objectClass: $3" "olcOverlay: $2" | config_change
    [[ -z ${4-} ]] || printf '%s\n' "dn: olcOverlay={1}$2,olcDatabase={1}mdb,cn=config" \
        'changetype: modrdn' "newrdn: olcOverlay={$4}$2" 'deleteoldrdn: 1' | config_change
    doctor
    ldapsearch -Q -Y EXTERNAL -H "$LDAPURI" -LLL -o ldif-wrap=no -s one \
        -b 'olcDatabase={1}mdb,cn=config' "(objectClass=$3)" 1.1 | sed -n 's/^dn: //p' |
        ldapdelete -Q -Y EXTERNAL -H "$LDAPURI"
}

@test "an overlay below pat" {
    with_overlay memberof memberof olcMemberOf 0
    names 'the overlay \{0\}memberof stands below pat.*Delete \{0\}memberof from cn=config'
    doctor
    [[ $status -eq 0 ]]
}

@test "overlays above pat: only dynlist has a note, that computed members get no role" {
    has_schema dyngroup
    with_overlay dynlist dynlist olcDynListConfig
    [[ $status -eq 0 ]]
    finds OK 'the overlay dynlist stands above pat: .*gives no role'
    with_overlay refint refint olcRefintConfig
    [[ $status -eq 0 ]]
    run ! finds '.*' 'refint|dynlist'
}

@test "a replica that lags" {
    local uris=$LDAPURI

    bare_server behind 20200101000000.000000Z
    uris+=,$BARE_URI
    bare_server ahead 20200101000031.000000Z
    uris+=,$BARE_URI
    bare_server nearly 20200101000005.000000Z
    sed -i '/^uri/d' "$CONF"
    printf 'uri = %s\n' "$uris,$BARE_URI" >>"$CONF"
    doctor
    [[ $status -eq 1 ]]
    finds WRONG 'behind: lag: its last change is 31 s older'
    finds OK 'ahead: lag: none to speak of'
    finds OK 'nearly: lag: none to speak of'
    # acl.ldif does not show it.
    finds '\?    ' 'ldapi: lag: the account may not read contextCSN'
}

@test "patd is away" {
    sandbox patd-stop
    doctor
    sandbox patd-start
    names "$PAT_SOCKET: .*is patd running"
}

@test "PAM stacks that hand a token on" {
    printf '%s\n' '@include first' 'auth include rest' >"$PAMD/svc"
    printf '%s\n' 'auth requisite pam_deny.so' >"$PAMD/rest"
    printf '%s\n' 'auth required pam_env.so' '# auth required pam_unix.so' \
        $'auth  sufficient \\\n  /lib/security/pam_pat.so org=acme' >"$PAMD/first"
    # Nobody is behind it who would get the token.
    doctor
    finds OK 'PAM svc: no other'
    echo 'auth substack more' >>"$PAMD/rest"
    printf '%s\n' 'auth required pam_unix.so try_first_pass' >"$PAMD/more"
    doctor
    names 'PAM svc: pam_pat.so has the control sufficient: at auth_err .*pam_unix.so'
    # Each by itself.
    for control in required optional '[success=done default=ignore]' \
        '[success=done ignore=ignore default=bad]' '[success=ok default=die]' requisite \
        '[success=done authinfo_unavail=ignore ignore=ignore default=die]' \
        '[success=done auth_err=1 default=die]'; do
        printf '%s\n' "auth $control pam_pat.so" >"$PAMD/first"
        doctor
        names 'PAM svc: pam_pat.so has the control'
    done
    finds WRONG 'default=die\]'
    printf '%s\n' 'auth [success=done authinfo_unavail=ignore ignore=ignore default=die] pam_pat.so' \
        >"$PAMD/first"
    doctor
    names 'at authinfo_unavail the token goes on'
}

@test "a module that asks before pam_pat, and a stack that cannot be read" {
    printf '%s\n' 'auth sufficient pam_unix.so' \
        'auth [success=done ignore=ignore default=die] pam_pat.so' >"$PAMD/svc"
    doctor
    names 'PAM svc: pam_unix.so stands before pam_pat.so'
    printf '%s\n' '@include svc' >"$PAMD/svc"
    printf '%s\n' 'auth [success=done ignore=ignore default=die] pam_pat.so' \
        '@include nowhere' >"$PAMD/second"
    doctor
    [[ $status -eq 3 ]]
    finds '\?    ' 'PAM second: .*nowhere'
}

control='[success=done ignore=ignore default=die]'

@test "the end of a substack is not the end of the stack: the token goes on" {
    printf '%s\n' 'auth substack tokens' 'auth required pam_unix.so' >"$PAMD/svc"
    printf '%s\n' "auth $control pam_pat.so" >"$PAMD/tokens"
    doctor
    names 'PAM svc: pam_pat.so stands in a substack.* at auth_err .*pam_unix.so.*include'
    printf '%s\n' 'auth include tokens' 'auth required pam_unix.so' >"$PAMD/svc"
    doctor
    [[ $status -eq 0 ]]
    printf '%s\n' 'auth substack tokens' 'auth required pam_deny.so' >"$PAMD/svc"
    doctor
    [[ $status -eq 0 ]]
    # A jump counts a substack as one module.
    printf '%s\n' 'auth [success=1 ignore=ignore default=die] pam_pat.so' \
        'auth substack pair' 'auth required pam_unix.so' >"$PAMD/svc"
    printf '%s\n' 'auth required pam_deny.so' 'auth required pam_deny.so' >"$PAMD/pair"
    rm "$PAMD/tokens"
    doctor
    names 'PAM svc: .* at success the token goes on to pam_unix.so'
}

@test "a backslash continues the line across blanks, and a comment within is doubtful" {
    printf 'auth sufficient \\ \t\n  pam_pat.so\nauth required pam_unix.so\n' >"$PAMD/svc"
    doctor
    names 'PAM svc: pam_pat.so has the control sufficient'
    printf 'auth required pam_env.so \\ \nauth %s pam_pat.so\nauth required pam_unix.so\n' \
        "$control" >"$PAMD/svc"
    doctor
    names 'PAM svc: pam_pat.so is an argument of pam_env.so: remove the backslash'
    printf 'auth %s \\\n# or\npam_pat.so\nauth required pam_unix.so\n' "$control" >"$PAMD/svc"
    doctor
    [[ $status -eq 3 ]]
    finds '\?    ' 'PAM svc: .*a comment after a backslash'
    printf 'auth %s pam_pat.so \\\n' "$control" >"$PAMD/svc"
    doctor
    [[ $status -eq 3 ]]
    finds '\?    ' 'PAM svc: .*ends with a backslash'
}

@test "controls as libpam reads them: blanks, repetitions, and words it does not know" {
    local bad
    for bad in '[success=done default=die auth_err = ignore]' \
        '[auth_err=die auth_err=ignore success=done default=die]' \
        '[success=done default=ignore default=die]' \
        '[success=done ignore=ignore DEFAULT=die]' \
        '[success=done ignore=ignore default=die nonsense=die]' \
        '[success=done ignore=ignore default=die auth_err=0]' '[sufficient]'; do
        printf '%s\n' "auth $bad pam_pat.so" 'auth required pam_unix.so' >"$PAMD/svc"
        doctor
        names 'PAM svc: pam_pat.so has the control'
    done
    printf '%s\n' 'auth [ success = done  ignore=ignore default = die ] pam_pat.so' \
        'auth required pam_unix.so' >"$PAMD/svc"
    doctor
    [[ $status -eq 0 ]]
}

@test "a module before that may have failed: success=done does not end the stack" {
    printf '%s\n' 'auth required pam_listfile.so item=user sense=deny file=/etc/ftpusers' \
        "auth $control pam_pat.so" 'auth required pam_unix.so' >"$PAMD/svc"
    doctor
    names 'PAM svc: pam_listfile.so has the control required: .*goes on to pam_unix.so.*requisite'
    sed -i 's/required pam_listfile/requisite pam_listfile/' "$PAMD/svc"
    doctor
    [[ $status -eq 0 ]]
    sed -i -e 's/requisite pam_listfile/required pam_listfile/' -e 's/pam_unix/pam_deny/' \
        "$PAMD/svc"
    doctor
    [[ $status -eq 0 ]]
}

@test "the services of another root directory, of the vendor too" {
    local root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root/etc/pam.d" "$root/usr/lib/pam.d"
    cp "$PAMD/other" "$root/usr/lib/pam.d"
    printf '%s\n' 'auth sufficient pam_pat.so' 'auth include /etc/pam.d/rest' \
        >"$root/usr/lib/pam.d/svc"
    printf '%s\n' 'auth required pam_unix.so' >"$root/etc/pam.d/rest"
    run "$PAT_BUILD/patctl" doctor --conf "$CONF" --root "$root"
    names 'PAM svc: pam_pat.so has the control sufficient: .*pam_unix.so'
    # The file of the administrator hides that of the vendor.
    cp "$root/etc/pam.d/rest" "$root/etc/pam.d/svc"
    run "$PAT_BUILD/patctl" doctor --conf "$CONF" --root "$root"
    [[ $status -eq 0 ]]
    finds OK "PAM: no service in $root/etc/pam.d has pam_pat.so"
}

# service NAME [LINE...]: tokens alone, and these lines besides
service() {
    printf '%s\n' "auth $control pam_pat.so" 'auth required pam_deny.so' "${@:2}" >"$PAMD/$1"
}

# host_file PATH LINE...: below the root directory that doctor sees
host_file() {
    mkdir -p "$HOST/${1%/*}"
    printf '%s\n' "${@:2}" >"$HOST/$1"
}

@test "--pam names one directory" {
    echo 'auth sufficient pam_pat.so' >"$PAMD/svc"
    mkdir "$BATS_TEST_TMPDIR/empty"
    run -0 "$PAT_BUILD/patctl" doctor --conf "$CONF" --pam "$BATS_TEST_TMPDIR/empty"
    finds OK "PAM: no service in $BATS_TEST_TMPDIR/empty has pam_pat.so"
}

@test "account and session lines that are missing or refuse everybody" {
    rm "$PAMD/other"
    service svc
    doctor
    names 'PAM svc: there is no account line, and the service other refuses'
    service svc 'account required pam_pat.so'
    doctor
    [[ $status -eq 0 ]]
    # sshd opens a session.
    rm "$PAMD/svc"
    service sshd 'account required pam_pat.so'
    doctor
    names 'PAM sshd: there is no session line, and the service other refuses'
    echo 'session required pam_deny.so' >"$PAMD/other"
    doctor
    names 'PAM sshd: there is no session line, and the service other refuses'
    echo 'session required pam_permit.so' >"$PAMD/other"
    doctor
    [[ $status -eq 0 ]]
    service sshd 'account required pam_pat.so' 'session required pam_pat.so'
    doctor
    names 'PAM sshd: a session line has pam_pat.so.*Remove the line'
    service sshd 'account required pam_pat.so' \
        'session [success=ok module_unknown=ignore default=bad] pam_pat.so'
    doctor
    [[ $status -eq 0 ]]
}

@test "a session whose user can set PAT_ROLE" {
    service sshd 'session required pam_env.so user_readenv=1 envfile=/etc/default/locale'
    doctor
    names 'PAM sshd: pam_env.so has user_readenv=1.*PAT_ROLE.*Remove user_readenv=1'
    service sshd 'session required pam_env.so user_readenv=0 envfile=/etc/default/locale'
    doctor
    [[ $status -eq 0 ]]
}

@test "a password that has aged, or will, refuses a good token" {
    local today=$(($(date +%s) / 86400))
    service sshd 'account required pam_unix.so'
    host_file etc/shadow 'root:*:0:0:99999:7:::' "alice:x:$((today - 91)):0:99999:7:::" \
        'daemon:!*:1:0:90:7:::' 'bob:!:19000::::::'
    doctor
    [[ $status -eq 0 ]]
    host_file etc/shadow "alice:!:$((today - 89)):0:90:7:::"
    doctor
    names 'PAM sshd: the password of alice expires after 90 days: .*no_pass_expiry'
    host_file etc/shadow "carol:x:$today:0:90:7:::" "alice:!:$((today - 91)):0:90:7:::"
    doctor
    names 'PAM sshd: the password of alice has expired: .*no_pass_expiry'
    host_file etc/shadow 'alice:x:0:0:99999:7:::'
    doctor
    names 'PAM sshd: the password of alice has expired'
    service sshd 'account required pam_unix.so no_pass_expiry'
    doctor
    [[ $status -eq 0 ]]
    service sshd "account $control pam_pat.so" 'account required pam_unix.so'
    doctor
    [[ $status -eq 0 ]]
    service sshd 'account required pam_pat.so' 'account required pam_unix.so'
    doctor
    names 'PAM sshd: the password of alice has expired'
}

@test "sudo remembers a success, unless timestamp_timeout is 0" {
    service sudo
    host_file etc/sudoers 'Defaults env_reset' '@includedir /etc/sudoers.d'
    doctor
    names 'sudo: it remembers a success for 15 minutes.*timestamp_timeout=0'
    host_file etc/sudoers.d/pat $'Defaults lecture=never, \\\n timestamp_timeout = 0'
    doctor
    [[ $status -eq 0 ]]
    finds OK 'sudo: it asks each time'
    # sudo does not read this one.
    host_file etc/sudoers.d/zz.bak 'Defaults timestamp_timeout=5'
    doctor
    [[ $status -eq 0 ]]
    host_file etc/sudoers.d/zz 'Defaults timestamp_timeout=2.5'
    doctor
    names 'sudo: it remembers a success for 2.5 minutes'
    host_file etc/sudoers.d/zz 'Defaults timestamp_timeout=-1'
    doctor
    names 'sudo: it remembers a success until the next boot'
    host_file etc/sudoers.d/zz 'Defaults:bob timestamp_timeout=5' '# Defaults timestamp_timeout=5'
    doctor
    names 'sudo: a Defaults line for some users.*Set it to 0'
    host_file etc/sudoers.d/zz 'Defaults !timestamp_timeout'
    doctor
    [[ $status -eq 0 ]]
    # A sudo that takes no tokens is not examined.
    rm -r "$HOST/etc/sudoers.d"
    mv "$PAMD/sudo" "$PAMD/svc"
    doctor
    [[ $status -eq 0 ]]
    mv "$PAMD/svc" "$PAMD/sudo"
    rm "$HOST/etc/sudoers"
    doctor
    [[ $status -eq 3 ]]
    finds '\?    ' 'sudo: .*sudoers cannot be read'
}

@test "saslauthd -c remembers a success" {
    service smtp
    host_file etc/default/saslauthd 'MECHANISMS="pam"' 'OPTIONS="-c -m /var/run/saslauthd"'
    doctor
    names 'saslauthd: .*/etc/default/saslauthd has the option -c.*Remove -c'
    host_file etc/default/saslauthd-2 'MECHANISMS="pam"' 'OPTIONS="-rcm /chroot/saslauthd"'
    doctor
    [[ $status -eq 1 && $(grep -c '^WRONG.*option -c' <<<"$output") -eq 2 ]]
    rm "$HOST/etc/default/saslauthd-2"
    host_file etc/default/saslauthd 'MECHANISMS="pam"' 'OPTIONS="-m /var/-c -n5 -r"'
    doctor
    [[ $status -eq 0 ]]
    host_file etc/default/saslauthd 'MECHANISMS="shadow"' 'OPTIONS="-c"'
    doctor
    [[ $status -eq 0 ]]
    # Not for services that ask PAM themselves.
    host_file etc/default/saslauthd 'MECHANISMS="pam"' 'OPTIONS="-c"'
    mv "$PAMD/smtp" "$PAMD/sshd"
    doctor
    [[ $status -eq 0 ]]
}

@test "squid remembers a success for credentialsttl" {
    service squid
    host_file etc/squid/squid.conf 'auth_param basic program /usr/lib/squid/basic_pam_auth'
    doctor
    names 'squid: it remembers a success for 120 minutes.*credentialsttl 1 minute'
    host_file etc/squid/squid.conf 'include /etc/squid/conf.d/*.conf'
    host_file etc/squid/conf.d/auth.conf \
        'auth_param basic program /usr/lib/squid/basic_pam_auth -n squid' \
        'auth_param basic credentialsttl 3 hours'
    doctor
    names 'squid: it remembers a success for 180 minutes'
    echo 'auth_param basic credentialsttl 1 minute' >>"$HOST/etc/squid/conf.d/auth.conf"
    doctor
    [[ $status -eq 0 ]]
    finds OK 'squid: it remembers a success for 60 s only'
    # Another service of PAM, and another program.
    host_file etc/squid/conf.d/auth.conf \
        'auth_param basic program /usr/lib/squid/basic_pam_auth -n proxy'
    doctor
    [[ $status -eq 0 ]]
    host_file etc/squid/conf.d/auth.conf 'auth_param basic program /usr/lib/squid/basic_ncsa_auth'
    doctor
    [[ $status -eq 0 ]]
}

@test "sshd from 9.8 on punishes addresses for refused tokens" {
    service sshd
    doctor
    [[ $status -eq 0 ]]
    run ! grep PerSourcePenalties <<<"$output"
    host_file usr/sbin/sshd "$(printf 'x%.0s' {1..8185})persourcepenalties"
    host_file etc/ssh/sshd_config 'Include /etc/ssh/sshd_config.d/*.conf' 'UsePAM yes'
    doctor
    [[ $status -eq 0 ]]
    finds OK 'sshd: PerSourcePenalties is on: .*PerSourcePenaltyExemptList'
    host_file etc/ssh/sshd_config.d/pat.conf 'persourcepenalties no'
    doctor
    run ! grep PerSourcePenalties <<<"$output"
    host_file etc/ssh/sshd_config.d/pat.conf 'PerSourcePenaltyExemptList 192.0.2.0/24'
    doctor
    run ! grep PerSourcePenalties <<<"$output"
}

@test "the configuration is wrong, unsafe or for root alone" {
    echo 'bsae = dc=example' >>"$CONF"
    doctor
    names 'doctor.conf:[0-9]*: bsae'
    cp "$PAT_CONF" "$CONF"
    chmod 600 "$CONF"
    doctor
    names 'configuration, as uid [1-9][0-9]*: .*doctor.conf'
    chmod 666 "$CONF"
    doctor
    names 'doctor.conf: .*writable'
    rm "$CONF"
    doctor
    names 'doctor.conf'
}
