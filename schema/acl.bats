#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2119
#
# What acl.ldif grants and, above all, what it does not, by stock LDAP tools. What the
# overlay refuses whatever these rules say is the matter of tests/e2e/hook.bats.

setup_file() {
    BOX=$(mktemp -d)
    export BOX
    "$BATS_TEST_DIRNAME/../tests/sandbox" start --no-patd "$BOX"
}

teardown_file() {
    "$BATS_TEST_DIRNAME/../tests/sandbox" stop "$BOX"
    rm -rf -- "$BOX"
}

# Every test finds the same three tokens: alice's and bob's in acme, bob's in globex.
setup() {
    local owner id org

    # shellcheck source=/dev/null
    source "$BOX/env"
    # shellcheck source=tests/lib.bash
    source "$BATS_TEST_DIRNAME/../tests/lib.bash"
    people=ou=people,$PAT_BASE
    orgs=ou=orgs,$PAT_BASE
    hash_a=$(printf 'a%.0s' {1..64})
    hash_b=$(printf 'b%.0s' {1..64})
    hash_c=$(printf 'c%.0s' {1..64})
    token_a=patId=a,ou=tokens,o=acme,$orgs
    token_b=patId=b,ou=tokens,o=acme,$orgs
    token_c=patId=c,ou=tokens,o=globex,$orgs

    while read -r id owner org; do
        ldap_admin ldapdelete "patId=$id,ou=tokens,o=$org,$orgs" >/dev/null 2>&1 || true
        ldap_admin_add <<LDIF
dn: patId=$id,ou=tokens,o=$org,$orgs
objectClass: patToken
patId: $id
cn: token $id
patHash: $(printf "$id%.0s" {1..64})
patOwner: uid=$owner,$people
patExpires: 20991231235959Z
patService: imap
patSource: 192.0.2.0/24
patLastUsed: 20200101000000Z
patLastUsedFrom: imap@host from 192.0.2.1
description: about $id
LDIF
    done <<'TOKENS'
a alice acme
b bob acme
c bob globex
TOKENS
}

# search WHO BASE FILTER [ATTRIBUTE...]: entries on one line each, "dn|attr: value|..."
search() {
    local who=$1 base=$2 filter=$3
    local -a run
    shift 3

    case $who in
    patd) run=(ldap_patd ldapsearch) ;;
    anonymous) run=(env LDAPNOINIT=1 ldapsearch -x -H "$LDAPURI") ;;
    admin) run=(ldap_admin ldapsearch) ;;
    *) run=(ldap_as "$who" ldapsearch) ;;
    esac
    "${run[@]}" -LLL -o ldif-wrap=no -b "$base" "$filter" "$@" |
        awk 'BEGIN { RS = ""; FS = "\n"; OFS = "|" } { $1 = $1; sub(/^dn: /, ""); print }'
}

# Fails, as bats sees it, wherever it stands in a test.
expect() {
    if [[ $1 != "$2" ]]; then
        printf 'expected: %s\n     got: %s\n' "$2" "$1"
        return 1
    fi
}

# refuses CODE TOOL-LINE...: LDIF on standard input, refused with that result code
refuses() {
    local want=$1 rc=0
    shift

    "$@" >/dev/null 2>&1 || rc=$?
    expect "$rc" "$want"
}

@test "patd finds a token by its hash and reads what it needs, not the hash" {
    expect "$(search patd "$orgs" "(patHash=$hash_a)")" "$token_a|objectClass: patToken|patId: a|cn: token a|\
patOwner: uid=alice,$people|patExpires: 20991231235959Z|patService: imap|patSource: 192.0.2.0/24|\
patLastUsed: 20200101000000Z"
    expect "$(search patd "$orgs" "(patHash=$hash_a)" patHash)" "$token_a"
    expect "$(search patd "$orgs" "(patHash=$hash_a)" '*' + patHash)" \
        "$(search patd "$orgs" "(patHash=$hash_a)")"
}

@test "patd cannot compare a hash, nor find one out piece by piece" {
    refuses 50 ldap_patd ldapcompare "$token_a" "patHash:$hash_a"
    for filter in "(patHash=aaaa*)" "(patHash=*aaaa*)" "(patHash>=0)" "(patHash<=f)" \
        "(patHash:caseIgnoreIA5SubstringsMatch:=aaaa*)" "(patHash:caseExactSubstringsMatch:=aaaa*)" \
        "(patHash:caseIgnoreSubstringsMatch:=aaaa*)" "(patHash:caseExactIA5SubstringsMatch:=aaaa*)" \
        "(patHash:caseExactOrderingMatch:=f)" "(patHash:caseIgnoreOrderingMatch:=f)" \
        "(patHash:octetStringOrderingMatch:=f)" "(patHash:numericStringOrderingMatch:=f)" \
        "(patHash:integerOrderingMatch:=9)" "(patHash:octetStringSubstringsMatch:=aaaa*)"; do
        printf '%s\n' "$filter"
        expect "$(search patd "$orgs" "$filter" 1.1 2>/dev/null)" ''
        expect "$(search patd "$orgs" "(!$filter)" 1.1 2>/dev/null)" ''
    done
}

@test "patd's search for a token with the clauses that fail closed" {
    local filter="(&(patHash=$hash_a)" attr

    for attr in patRevoked patExpires patService patSource; do
        filter+="(|($attr=*)(!($attr=*)))"
    done
    expect "$(search patd "$orgs" "$filter)" patId)" "$token_a|patId: a"
}

@test "patd is told the owner of a token by name, and learns no more of the tree" {
    expect "$(search patd "$orgs" "(patHash=$hash_a)" patId patOwnerUid patOwnerRole)" \
        "$token_a|patId: a|patOwnerUid: alice|patOwnerRole: owner"
    expect "$(search patd "$PAT_BASE" '(objectClass=*)' 1.1 2>/dev/null)" ''
    expect "$(search patd "$people" '(entryDN:dnSubtreeMatch:=dc=com)' 1.1)" ''
}

@test "patd finds roles and the owner, and reads no member and no password" {
    local filter="(&(member=uid=alice,$people)(objectClass=patRoleGroup))"

    expect "$(search patd "o=acme,$orgs" "$filter" patRole member)" "cn=owners,o=acme,$orgs|patRole: owner"
    expect "$(search patd "o=globex,$orgs" "$filter" patRole member)" "cn=members,o=globex,$orgs|patRole: member"
    expect "$(search patd "uid=alice,$people" '(objectClass=*)')" "uid=alice,$people|uid: alice"
    expect "$(search patd "uid=alice,$people" '(objectClass=*)' + userPassword mail cn)" "uid=alice,$people"
    expect "$(search patd "$people" '(userPassword=alice-password)' 1.1)" ''
    expect "$(search patd "$people" '(mail=*)' 1.1)" ''
    refuses 50 ldap_patd ldapcompare "uid=alice,$people" userPassword:alice-password
}

@test "patd sees whether an account is locked" {
    local filter='(!(pwdAccountLockedTime=*))'

    expect "$(search patd "uid=carol,$people" "$filter" uid)" "uid=carol,$people|uid: carol"
    ldap_admin_modify <<LDIF
dn: uid=carol,$people
changetype: modify
add: pwdAccountLockedTime
pwdAccountLockedTime: 20200101000000Z
LDIF
    expect "$(search patd "uid=carol,$people" "$filter" uid)" ''
    expect "$(search patd "uid=carol,$people" '(objectClass=*)' pwdAccountLockedTime)" "uid=carol,$people"
    ldap_admin_modify <<LDIF
dn: uid=carol,$people
changetype: modify
delete: pwdAccountLockedTime
LDIF
}

@test "patd writes the last use, the old value taken out, and nothing else" {
    ldap_patd ldapmodify <<LDIF
dn: $token_a
changetype: modify
delete: patLastUsed
patLastUsed: 20200101000000Z
-
add: patLastUsed
patLastUsed: 20200102000000Z
-
replace: patLastUsedFrom
patLastUsedFrom: sshd@host from 192.0.2.2
LDIF
    expect "$(ldap_admin_get "$token_a" patLastUsed)" 20200102000000Z
    expect "$(ldap_admin_get "$token_a" patLastUsedFrom)" 'sshd@host from 192.0.2.2'
    # Whoever comes second with the same old value loses.
    refuses 16 ldap_patd ldapmodify <<LDIF
dn: $token_a
changetype: modify
delete: patLastUsed
patLastUsed: 20200101000000Z
-
add: patLastUsed
patLastUsed: 20200103000000Z
LDIF
    for attr in patRevoked patExpires; do
        refuses 50 ldap_patd ldapmodify <<LDIF
dn: $token_a
changetype: modify
replace: $attr
$attr: 20200101000000Z
LDIF
    done
    for attr in patHash patOwner patService patSource cn description objectClass; do
        refuses 50 ldap_patd ldapmodify <<LDIF
dn: $token_a
changetype: modify
delete: $attr
LDIF
    done
    refuses 50 ldap_patd ldapdelete "$token_a"
    refuses 50 ldap_patd ldapadd <<LDIF
dn: patId=new,ou=tokens,o=acme,$orgs
objectClass: patToken
patId: new
LDIF
}

# patd_modifies CODE DN LINE...: as patd, refused with that result code; 0 = done
patd_modifies() {
    local want=$1 dn=$2
    shift 2

    printf '%s\n' "dn: $dn" 'changetype: modify' "$@" | refuses "$want" ldap_patd ldapmodify
}

@test "patd revokes for who holds a token, and cannot take that back or say more" {
    # What is no part of a revocation.
    patd_modifies 50 "$token_a" 'add: patRevokedBy' "patRevokedBy: uid=bob,$people"
    patd_modifies 50 "$token_a" 'add: patRevoked' 'patRevoked: 20200101000000Z' - \
        'add: patRevokedBy' "patRevokedBy: uid=bob,$people"
    patd_modifies 50 "$token_a" 'replace: patRevoked' 'patRevoked: 20200101000000Z'
    patd_modifies 50 "$token_a" 'replace: patRevokedReason' 'patRevokedReason: x'
    patd_modifies 50 "$token_a" 'delete: patRevoked'
    patd_modifies 50 "$token_a" 'add: patRevoked' 'patRevoked: 20200101000000Z' - \
        'add: patService' 'patService: smtp'
    patd_modifies 50 "o=acme,$orgs" 'add: description' 'description: x'
    expect "$(ldap_admin_get "$token_a" patRevoked)" ''

    patd_modifies 0 "$token_a" 'add: patRevoked' 'patRevoked: 20200101000000Z' - \
        'add: patRevokedReason' 'patRevokedReason: by-holder'
    expect "$(ldap_admin_get "$token_a" patRevokedReason)" by-holder
    expect "$(ldap_admin_get "$token_a" patRevokedBy)" "cn=patd,ou=services,$PAT_BASE"
    [[ -n $(ldap_admin_get "$token_a" patRevoked) ]]

    for attr in patRevoked patRevokedBy patRevokedReason; do
        patd_modifies 50 "$token_a" "delete: $attr"
        patd_modifies 50 "$token_a" "delete: $attr" "$attr: $(ldap_admin_get "$token_a" $attr)"
        patd_modifies 50 "$token_a" "replace: $attr"
    done
    patd_modifies 50 "$token_a" 'delete: patRevoked' - 'add: patRevoked' 'patRevoked: 20200101000000Z'
    # One value there is: a second is no matter of rights.
    patd_modifies 19 "$token_a" 'add: patRevokedReason' 'patRevokedReason: mislaid'
    expect "$(ldap_admin_get "$token_a" patRevokedReason)" by-holder
    # It need not read why.
    expect "$(search patd "$token_a" '(objectClass=*)' patRevokedReason patRevokedBy)" "$token_a"
    expect "$(search patd "$orgs" '(patRevokedReason=by-holder)' 1.1)" ''
}

@test "patd sees no event and none of its own rights anywhere else" {
    ldap_admin_add <<LDIF
dn: patEventId=e1,ou=audit,o=acme,$orgs
objectClass: patEvent
patEventId: e1
patAction: pat.created
patEventTime: $(now_gt)
LDIF
    expect "$(search patd "$orgs" '(objectClass=patEvent)' 1.1)" ''
    expect "$(search patd "$orgs" '(patAction=*)' 1.1)" ''
    refuses 32 ldap_patd ldapsearch -b "patEventId=e1,ou=audit,o=acme,$orgs" -s base
    expect "$(ldap_patd ldapsearch -LLL -b "$PAT_BASE" -s base)" ''
    # The owner of the org reads it, members and others do not, nobody writes it.
    expect "$(search alice "ou=audit,o=acme,$orgs" '(patEventId=e1)' patAction)" \
        "patEventId=e1,ou=audit,o=acme,$orgs|patAction: pat.created"
    for uid in bob carol dave; do
        expect "$(search "$uid" "o=acme,$orgs" '(|(objectClass=patEvent)(patEventId=*)(ou=audit))' 1.1)" ''
    done
    for uid in alice bob; do
        refuses 50 ldap_as "$uid" ldapdelete "patEventId=e1,ou=audit,o=acme,$orgs" ||
            refuses 32 ldap_as "$uid" ldapdelete "patEventId=e1,ou=audit,o=acme,$orgs"
    done
    refuses 50 ldap_as alice ldapmodify <<LDIF
dn: patEventId=e1,ou=audit,o=acme,$orgs
changetype: modify
add: patDetail
patDetail: a=b
LDIF
    refuses 50 ldap_as alice ldapadd <<LDIF
dn: patEventId=e2,ou=audit,o=acme,$orgs
objectClass: patEvent
patEventId: e2
patAction: pat.created
patEventTime: $(now_gt)
LDIF
}

@test "an owner sees their own tokens without the hash, and nobody else's" {
    expect "$(search bob "$orgs" '(objectClass=patToken)' 1.1)" "$token_b
$token_c"
    expect "$(search bob "$orgs" '(patId=b)' '*' patHash patSecret)" "$token_b|objectClass: patToken|patId: b|\
cn: token b|patOwner: uid=bob,$people|patExpires: 20991231235959Z|patService: imap|patSource: 192.0.2.0/24|\
patLastUsed: 20200101000000Z|patLastUsedFrom: imap@host from 192.0.2.1|description: about b"
    expect "$(search bob "$orgs" "(patHash=$hash_b)" 1.1)" ''
    expect "$(search bob "$orgs" "(|(patHash=*)(!(patHash=*)))" 1.1)" ''
    expect "$(search carol "$orgs" '(|(objectClass=patToken)(patId=*)(cn=token*))' 1.1)" ''
    expect "$(search dave "$orgs" '(objectClass=patToken)' 1.1)" "$token_c"
    refuses 32 ldap_as carol ldapsearch -s base -b "$token_b"
}

@test "the owners of an org read its tokens without the hash" {
    expect "$(search alice "$orgs" '(objectClass=patToken)' 1.1)" "$token_a
$token_b"
    expect "$(search alice "$token_b" '(objectClass=*)' cn patOwner patHash)" \
        "$token_b|cn: token b|patOwner: uid=bob,$people"
    expect "$(search alice "$orgs" "(patHash=$hash_b)" 1.1)" ''
    expect "$(search dave "$orgs" "(patHash=$hash_c)" 1.1)" ''
}

@test "an owner revokes their own token for good, with a reason" {
    ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
add: patRevoked
patRevoked: $(now_gt)
-
add: patRevokedReason
patRevokedReason: lost laptop
LDIF
    for attr in patRevoked patRevokedReason; do
        refuses 50 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
delete: $attr
LDIF
    done
    refuses 50 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
replace: patRevoked
patRevoked: 20991231235959Z
LDIF
    refuses 50 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
replace: patRevoked
LDIF
    # The attribute has one value: another one cannot be added to it.
    refuses 19 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
add: patRevoked
patRevoked: 20991231235959Z
LDIF
    refuses 50 ldap_as bob ldapdelete "$token_b"
    refuses 50 ldap_as bob ldapmodrdn "$token_b" patId=z
    # The client's refusal stands: the entry is as bob left it, and the overlay.
    [[ $(ldap_admin_get "$token_b" patRevoked) != 2099* ]]
    expect "$(ldap_admin_get "$token_b" patRevokedBy)" "uid=bob,$people"
    expect "$(search bob "$token_b" '(objectClass=*)' patRevokedBy)" \
        "$token_b|patRevokedBy: uid=bob,$people"
}

@test "an owner of the org revokes, for good; other people do not" {
    ldap_as alice ldapmodify <<LDIF
dn: $token_b
changetype: modify
add: patRevoked
patRevoked: $(now_gt)
-
add: patRevokedReason
patRevokedReason: left
LDIF
    refuses 50 ldap_as alice ldapmodify <<LDIF
dn: $token_b
changetype: modify
delete: patRevoked
LDIF
    refuses 50 ldap_as alice ldapmodify <<LDIF
dn: $token_b
changetype: modify
delete: patExpires
LDIF
    for uid in alice carol; do
        refuses 50 ldap_as "$uid" ldapmodify <<LDIF
dn: $token_c
changetype: modify
add: patRevoked
patRevoked: $(now_gt)
LDIF
    done
}

@test "an owner changes nothing else that counts" {
    for attr in patHash patOwner patLastUsed patLastUsedFrom objectClass; do
        refuses 50 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
delete: $attr
LDIF
    done
    refuses 50 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
add: patRevokedBy
patRevokedBy: uid=alice,$people
LDIF
    # These are the owner's, within what the overlay allows.
    for attr in patExpires patService patSource; do
        refuses 19 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
delete: $attr
LDIF
        refuses 50 ldap_as alice ldapmodify <<LDIF
dn: $token_b
changetype: modify
delete: $attr
LDIF
    done
}

@test "an owner renames a token, limits it further, and has it expire sooner" {
    ldap_as bob ldapmodify >/dev/null <<LDIF
dn: $token_b
changetype: modify
replace: cn
cn: another name
-
delete: description
-
replace: patExpires
patExpires: 20801231235959Z
-
replace: patSource
patSource: 192.0.2.7
LDIF
    expect "$(ldap_admin_get "$token_b" patSource)" 192.0.2.7
    refuses 19 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
replace: patSource
patSource: 192.0.2.0/24
LDIF
    refuses 50 ldap_as alice ldapmodify <<LDIF
dn: $token_b
changetype: modify
replace: cn
cn: not hers
LDIF
}

@test "members make tokens of their own in their orgs, not of others, not elsewhere" {
    local uid org
    add() {
        ldap_as "$1" ldapadd -e postread=patSecret <<LDIF
dn: patId=$1-$2,ou=tokens,o=$3,$orgs
objectClass: patToken
patId: $1-$2
cn: a new one
patOwner: uid=$2,$people
patExpires: 20991231235959Z
patService: imap
patSource: 192.0.2.0/24
description: new
${4:-}
LDIF
    }
    while read -r uid org; do
        [[ $(add "$uid" "$uid" "$org") == *'patSecret: rhp_'* ]]
        mint_self "$uid" "$org"
        expect "$(ldap_admin_get "$MINT_DN" patOwner)" "uid=$uid,$people"
        ldap_admin ldapdelete "$MINT_DN"
    done <<'MEMBERS'
bob acme
carol acme
alice acme
bob globex
dave globex
MEMBERS
    ldap_admin ldapdelete "patId=alice-alice,ou=tokens,o=acme,$orgs"
    refuses 50 add carol carol globex
    refuses 50 add dave dave acme
    refuses 50 add bob alice acme
    refuses 50 add alice bob acme
    refuses 50 add alice alice globex "patHash: $hash_a"
    refuses 50 add alice alice globex "patLastUsed: $(now_gt)"
    refuses 50 add alice alice globex "patRevoked: $(now_gt)" ||
        refuses 19 add alice alice globex "patRevoked: $(now_gt)"
    refuses 50 add alice alice globex "patRevokedBy: uid=bob,$people"
    # patSecret belongs to no class; whichever check comes first refuses it.
    refuses 65 add alice alice globex 'patSecret: rhp_0' || refuses 50 add alice alice globex 'patSecret: rhp_0'
    # Who once was a member is none.
    change_member delete carol acme viewers
    refuses 50 mint_self carol acme
    change_member add carol acme viewers
}

@test "the log has what the overlay wrote in their names, and its readers are the owners" {
    local lines

    mint_self bob acme
    expect "$(search alice "ou=audit,o=acme,$orgs" "(patTarget=$MINT_ID)" patAction patActor |
        cut -d'|' -f2-)" "patAction: pat.created|patActor: uid=bob,$people"
    lines=$(search admin "ou=audit,o=acme,$orgs" '(objectClass=patEvent)' 1.1)
    expect "$(search alice "ou=audit,o=acme,$orgs" '(objectClass=patEvent)' 1.1)" "$lines"
    ldap_patd ldapmodify <<LDIF
dn: $MINT_DN
changetype: modify
add: patLastUsed
patLastUsed: $(now_gt)
LDIF
    expect "$(search alice "ou=audit,o=acme,$orgs" "(patVia=$MINT_ID)" patAction | cut -d'|' -f2-)" \
        'patAction: pat.used'
    for uid in bob carol dave patd anonymous; do
        expect "$(search "$uid" "$orgs" "(patTarget=$MINT_ID)" 1.1 2>/dev/null)" ''
        expect "$(search "$uid" "ou=audit,o=acme,$orgs" '(objectClass=patEvent)' 1.1 2>/dev/null)" ''
    done
}

@test "no added token is a role group or an org as well" {
    add() {
        ldap_as bob ldapadd <<LDIF
dn: patId=trick,ou=tokens,o=acme,$orgs
objectClass: patToken
patId: trick
patOwner: uid=bob,$people
$1
LDIF
    }
    refuses 50 add "objectClass: patRoleGroup
patRole: owner
member: uid=bob,$people"
    refuses 50 add 'objectClass: patOrg'
    refuses 50 add 'objectClass: extensibleObject'
    refuses 50 ldap_as bob ldapmodify <<LDIF
dn: $token_b
changetype: modify
add: objectClass
objectClass: patRoleGroup
-
add: patRole
patRole: owner
-
add: member
member: uid=bob,$people
LDIF
    refuses 50 ldap_as bob ldapadd <<LDIF
dn: cn=trick,$token_b
objectClass: organizationalRole
objectClass: patRoleGroup
cn: trick
patRole: owner
member: uid=bob,$people
LDIF
    refuses 50 ldap_as bob ldapadd <<LDIF
dn: cn=trick,ou=tokens,o=acme,$orgs
objectClass: organizationalRole
objectClass: patRoleGroup
cn: trick
patRole: owner
member: uid=bob,$people
LDIF
}

@test "members of an org see who belongs to it, others only that it exists" {
    expect "$(search carol "cn=owners,o=acme,$orgs" '(objectClass=*)' member)" \
        "cn=owners,o=acme,$orgs|member: uid=alice,$people"
    expect "$(search dave "cn=owners,o=acme,$orgs" '(objectClass=*)' member patRole)" \
        "cn=owners,o=acme,$orgs|patRole: owner"
    expect "$(search dave "$orgs" "(member=uid=alice,$people)" 1.1)" "cn=members,o=globex,$orgs"
    expect "$(search bob "$orgs" "(member=uid=bob,$people)" 1.1)" "cn=members,o=acme,$orgs
cn=members,o=globex,$orgs"
    for uid in alice bob; do
        refuses 50 ldap_as "$uid" ldapmodify <<LDIF
dn: cn=owners,o=acme,$orgs
changetype: modify
add: member
member: uid=bob,$people
LDIF
    done
}

@test "people see each other's names and nobody's password, set their own" {
    expect "$(search dave "$people" '(uid=alice)' '*')" "uid=alice,$people|objectClass: inetOrgPerson|uid: alice|\
cn: Alice Adams|sn: Adams|givenName: Alice|mail: alice@example.com"
    expect "$(search alice "$people" '(uid=alice)' userPassword)" "uid=alice,$people"
    refuses 50 ldap_as alice ldapmodify <<LDIF
dn: uid=bob,$people
changetype: modify
replace: userPassword
userPassword: x
LDIF
    ldap_as alice ldapmodify <<LDIF
dn: uid=alice,$people
changetype: modify
replace: userPassword
userPassword: alice-password
LDIF
}

@test "anonymous may bind, and sees nothing" {
    for base in "$PAT_BASE" "$people" "uid=alice,$people" "$orgs" "$token_a"; do
        refuses 32 env LDAPNOINIT=1 ldapsearch -x -H "$LDAPURI" -b "$base"
    done
    refuses 49 env LDAPNOINIT=1 ldapwhoami -x -H "$LDAPURI" -D "uid=alice,$people" -w wrong
}

@test "a local user with no account in the tree sees nothing over ldapi" {
    ((EUID == 0)) || skip "needs root, to be someone else"
    for base in "$PAT_BASE" "$people" "$orgs"; do
        refuses 32 env LDAPNOINIT=1 setpriv --reuid daemon --regid daemon --clear-groups \
            ldapsearch -Q -Y EXTERNAL -H "$LDAPURI" -b "$base"
    done
}
