#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # hook_load
#
# The overlay's limits: sizes and numbers of tokens, removals in one request, and room for
# removals.

load common
load hook-lib

teardown() {
    if [[ -n ${OWN-} ]]; then
        sandbox_down
        return
    fi
    [[ -n ${BATS_TEST_COMPLETED-} ]] || hook_repair
    [[ $(ldap_admin ldapsearch -LLL -s base -b "$mdb" olcDbMaxSize) == *': 1073741824'* ]] ||
        large_map
}

# The usual size of the database. slapd opens it again; other threads then keep transactions
# of the closed one, and may answer 80, until slapd starts again.
large_map() {
    change "$mdb" 'replace: olcDbMaxSize' 'olcDbMaxSize: 1073741824' | ldap_admin_modify
    sandbox slapd-stop
    sandbox slapd-start
}

# text LENGTH
text() { head -c "$1" /dev/zero | tr '\0' x; }

# services NUMBER: so many values of patService, each of 60 bytes.
services() {
    local i

    for ((i = 0; i < $1; i++)); do
        printf 'patService: %060d\n' "$i"
    done
}

# new_token: the DN of a token that does not exist yet.
new_token() { printf 'patId=%s,ou=tokens,%s\n' "$(random_id)" "$O"; }

# --- sizes ---------------------------------------------------------------------------------

@test "a token with a value of more than 2048 bytes is refused, for every client" {
    local attribute

    new_org
    for attribute in cn description; do
        token "$(new_token)" "$attribute: $(text 2049)" |
            refused bob 19 "pat: $attribute: a value is 2049 bytes long" \
                ldapadd "${secret[@]}"
        token "$(new_token)" "patOwner: $bob" "$attribute: $(text 2049)" |
            refused admin 19 "pat: $attribute: a value is 2049 bytes long" \
                ldapadd "${secret[@]}"
    done
    token "$(new_token)" "description: $(text 3000000)" |
        refused bob 19 'pat: description: a value is 3000000 bytes long' \
            ldapadd "${secret[@]}"
    mint_self bob "$ORG" "description: $(text 2048)"
    is_live "$MINT_DN"
}

@test "a token whose values exceed 4096 bytes together is refused, for every client" {
    local many

    new_org
    mapfile -t many < <(services 55)
    token "$(new_token)" "${many[@]}" |
        refused bob 19 '4096 are allowed' ldapadd "${secret[@]}"
    token "$(new_token)" "patOwner: $bob" "patHash: $(hex 1)" "${many[@]}" |
        refused admin 19 '4096 are allowed' ldapadd
    token "$(new_token)" "description: $(text 2048)" "cn: $(text 2048)" |
        refused bob 19 '4096 are allowed' ldapadd "${secret[@]}"
    mapfile -t many < <(services 45)
    mint_self bob "$ORG" "${many[@]}"
    is_live "$MINT_DN"
}

@test "a change that makes a token larger than allowed is refused" {
    local who

    new_org
    mint_self bob "$ORG" 'description: small'
    for who in bob admin; do
        change "$MINT_DN" 'replace: description' "description: $(text 2049)" |
            refused "$who" 19 'pat: description: a value is 2049 bytes long' ldapmodify
        change "$MINT_DN" 'add: cn' "cn: $(text 2049)" |
            refused "$who" 19 'pat: cn: a value is 2049 bytes long' ldapmodify
        change "$MINT_DN" 'add: description' "description: $(text 2048)" - \
            'add: cn' "cn: $(text 2047)" |
            refused "$who" 19 '4096 are allowed' ldapmodify
        change "$MINT_DN" 'add: patRevoked' "patRevoked: $(now_gt)" - \
            'replace: description' "description: $(text 2049)" |
            refused "$who" 19 'pat: description: a value is 2049 bytes long' ldapmodify
    done
    change "$MINT_DN" 'replace: description' "description: $(text 2048)" | as bob ldapmodify
    same "$(get "$MINT_DN" description)" "$(text 2048)"
}

@test "an existing token that is too large can be revoked, and made smaller" {
    local dn large="patId=large-1,ou=tokens"

    new_org
    dn=$large,$O
    {
        token "$dn" "patHash: $(hex 4711)" "patOwner: $bob" "description: $(text 9000)"
        token "patId=large-2,ou=tokens,$O" "patHash: $(hex 4712)" "patOwner: $bob" \
            "description: $(text 9000)"
    } | import_offline
    change "$dn" 'add: description' 'description: more' |
        refused bob 19 '4096 are allowed' ldapmodify
    change "$dn" 'replace: description' "description: $(text 8000)" |
        refused bob 19 'pat: description: a value is 8000 bytes long' ldapmodify
    change "$dn" 'add: patRevoked' "patRevoked: $(now_gt)" | as bob ldapmodify
    is_revoked "$dn" "$bob" revoked
    change "patId=large-2,ou=tokens,$O" 'replace: description' 'description: small' |
        as bob ldapmodify
    change "cn=members,$O" 'delete: member' "member: $bob" | ldap_admin_modify
    is_revoked "patId=large-2,ou=tokens,$O" "$PAT_ADMIN_DN" member-removed
}

# --- numbers -------------------------------------------------------------------------------

@test "a token beyond the patMaxTokens of the org is refused; revoked ones do not count" {
    local first

    new_org 'patMaxTokens: 2'
    mint_self bob "$ORG"
    first=$MINT_DN
    import bob "$ORG"
    token "$(new_token)" |
        refused bob 11 "$bob has 2 live tokens in $O, the limit (patMaxTokens of the org): revoke" \
            ldapadd "${secret[@]}"
    token "$(new_token)" "patOwner: $bob" |
        refused admin 11 'the limit (patMaxTokens' ldapadd "${secret[@]}"
    token "$(new_token)" "patOwner: $bob" "patHash: $(hex 21)" |
        refused admin 11 'the limit (patMaxTokens' ldapadd
    # Another person, and a token that is imported as revoked.
    mint_self carol "$ORG"
    import bob "$ORG" "patRevoked: $(now_gt)"
    change "$first" 'add: patRevoked' "patRevoked: $(now_gt)" | as bob ldapmodify
    mint_self bob "$ORG"
    token "$(new_token)" | refused bob 11 'has 2 live tokens' ldapadd "${secret[@]}"
    # Another org.
    new_org
    mint_self bob "$ORG"
}

@test "olcPatMaxTokens applies if the org has no patMaxTokens, and changes online" {
    new_org
    set_hook olcPatMaxTokens 1
    mint_self bob "$ORG"
    token "$(new_token)" |
        refused bob 11 'the limit (olcPatMaxTokens of the overlay)' ldapadd "${secret[@]}"
    change "$O" 'add: patMaxTokens' 'patMaxTokens: 2' | ldap_admin_modify
    mint_self bob "$ORG"
    token "$(new_token)" |
        refused bob 11 'the limit (patMaxTokens of the org)' ldapadd "${secret[@]}"
    change "$O" 'delete: patMaxTokens' | ldap_admin_modify
    token "$(new_token)" | refused bob 11 'the limit (olcPatMaxTokens' ldapadd "${secret[@]}"
    set_hook olcPatMaxTokens 0
    mint_self bob "$ORG"
    set_hook olcPatMaxTokens
    mint_self bob "$ORG"
}

@test "patMaxTokens, olcPatMaxTokens and olcPatRemovalLimit are numbers in their range" {
    local value attribute

    new_org
    for value in 0 -1 1000001 99999999; do
        change "$O" 'replace: patMaxTokens' "patMaxTokens: $value" |
            refused admin 19 'pat: patMaxTokens: must be 1 to 1000000' ldapmodify
    done
    for attribute in olcPatMaxTokens olcPatRemovalLimit; do
        for value in -1 1000001 12345678; do
            run set_hook "$attribute" "$value"
            ((status != 0))
            [[ $output == *'must be a number from 0 to 1000000'* ]]
        done
        run set_hook "$attribute" many
        ((status != 0))
    done
}

# --- removals at once ----------------------------------------------------------------------

# crew NUMBER: an org with a group cn=crew of NUMBER members, each with one live token. Sets
# CREW, the DN of the group, CREW_MEMBERS and CREW_TOKENS.
crew() {
    local i

    new_org
    CREW=cn=crew,$O CREW_MEMBERS=() CREW_TOKENS=()
    for ((i = 1; i <= $1; i++)); do
        CREW_MEMBERS+=("member: uid=$ORG-$i,$people")
        CREW_TOKENS+=("patId=$ORG-$i,ou=tokens,$O")
    done
    {
        entry "$CREW" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' \
            'cn: crew' 'patRole: member' "${CREW_MEMBERS[@]}"
        for ((i = 1; i <= $1; i++)); do
            entry "uid=$ORG-$i,$people" 'objectClass: inetOrgPerson' "uid: $ORG-$i" \
                "cn: $ORG-$i" "sn: $ORG-$i"
            token "${CREW_TOKENS[i - 1]}" "patOwner: uid=$ORG-$i,$people" \
                "patHash: $(printf %s "$ORG-$i" | sha256sum | cut -c 1-64)"
        done
    } | ldap_admin_add
}

# crew_revoked BY: each token of the crew.
crew_revoked() {
    local dn

    for dn in "${CREW_TOKENS[@]}"; do
        is_revoked "$dn" "$1" member-removed || return
    done
}

@test "a request that removes more members than olcPatRemovalLimit is refused, for every client" {
    local who said='removes 3 members with live tokens and revokes their 4 tokens permanently; olcPatRemovalLimit is 2'

    crew 3
    import "$ORG-1" "$ORG"
    set_hook olcPatRemovalLimit 2
    for who in ivan helen admin; do
        change "$CREW" 'replace: member' | refused "$who" 53 "$said" ldapmodify
        change "$CREW" 'delete: member' "${CREW_MEMBERS[@]}" |
            refused "$who" 53 "$said" ldapmodify
        change "$CREW" 'replace: member' "member: $dave" | refused "$who" 53 "$said" ldapmodify
        change "$CREW" 'delete: patRole' - 'delete: member' - 'delete: objectClass' \
            'objectClass: patRoleGroup' | refused "$who" 53 '(-e relax)' ldapmodify
        refused "$who" 53 "$said" ldapdelete "$CREW" </dev/null
        refused "$who" 53 "$said" ldapmodrdn -s "$orgs" "$CREW" cn=crew </dev/null
    done
    # An unknown control, and one that confirms nothing, confirm nothing.
    change "$CREW" 'replace: member' | refused ivan 53 "$said" ldapmodify -e manageDSAit
    # The limit itself is allowed.
    change "$CREW" 'delete: member' "${CREW_MEMBERS[@]:1}" | as ivan ldapmodify
    is_live "${CREW_TOKENS[0]}"
    is_revoked "${CREW_TOKENS[1]}" "uid=ivan,$people" member-removed
    set_hook olcPatRemovalLimit
}

@test "the relax control confirms a removal, without manage access, with each of the tools" {
    local ivan=uid=ivan,$people

    set_hook olcPatRemovalLimit 1
    crew 2
    change "$CREW" 'replace: member' | refused ivan 53 'olcPatRemovalLimit is 1' ldapmodify
    change "$CREW" 'replace: member' | as ivan ldapmodify -e relax
    crew_revoked "$ivan"
    crew 2
    change "$CREW" 'replace: member' | as ivan ldapmodify -e '!relax'
    crew_revoked "$ivan"
    crew 2
    entry "$CREW" 'changetype: delete' | as ivan ldapmodify -e '!relax'
    crew_revoked "$ivan"
    crew 2
    as ivan ldapdelete -e relax "$CREW"
    crew_revoked "$ivan"
    crew 2
    as helen ldapdelete -e relax "$CREW"
    crew_revoked "$helen"
    crew 2
    as ivan ldapmodrdn -e relax -s "$orgs" "$CREW" cn="$ORG"
    crew_revoked "$ivan"
    as ivan ldapdelete "cn=$ORG,$orgs"
    # It confirms nothing else, and gives no right.
    crew 2
    change "$CREW" 'replace: member' | refused dave 50 '' ldapmodify -e relax
    refused dave 50 '' ldapdelete -e relax "$CREW" </dev/null
    refused dave 50 '' ldapmodrdn -e relax -s "$orgs" "$CREW" cn=crew </dev/null
    refused ivan 50 '' ldapmodrdn -e relax "$O" o=other </dev/null
    refused helen 53 'keeps its name' ldapmodrdn -e relax "$O" o=other </dev/null
    change "${CREW_TOKENS[0]}" 'replace: patHash' "patHash: $(hex 3)" |
        refused ivan 19 'never changes' ldapmodify -e relax
    set_hook olcPatRemovalLimit
}

# slapo-constraint lets a rename pass that has the control, and relies on that demand.
@test "of an entry that is no role group, the rename with the relax control needs manage access" {
    local dn
    new_org
    for dn in "$carol" "cn=patd,ou=services,$PAT_BASE" "ou=tokens,$O"; do
        refused ivan 50 '' ldapmodrdn -e relax "$dn" "${dn%%=*}=other" </dev/null
        refused ivan 50 '' ldapmodrdn -e '!relax' -r "$dn" "${dn%%=*}=other" </dev/null
    done
    as helen ldapmodrdn -e relax -r "$carol" uid=caroline
    as helen ldapmodrdn -e relax -r "uid=caroline,$people" uid=carol
}

@test "members who lose no live token do not count for olcPatRemovalLimit" {
    local i

    set_hook olcPatRemovalLimit 1
    # A revoked token, none, another group of the org, and a stronger role.
    crew 5
    change "${CREW_TOKENS[0]}" 'add: patRevoked' "patRevoked: $(now_gt)" | ldap_admin_modify
    ldap_admin ldapdelete "${CREW_TOKENS[1]}"
    change "cn=members,$O" 'add: member' "${CREW_MEMBERS[2]}" | ldap_admin_modify
    change "cn=owners,$O" 'add: member' "${CREW_MEMBERS[3]}" | ldap_admin_modify
    change "$CREW" 'replace: member' | as ivan ldapmodify
    is_live "${CREW_TOKENS[2]}"
    is_live "${CREW_TOKENS[3]}"
    is_revoked "${CREW_TOKENS[4]}" "uid=ivan,$people" member-removed
    # A role group with other members, which are added at the same time, changes nothing.
    change "$CREW" 'replace: member' "member: $dave" "${CREW_MEMBERS[@]}" | as ivan ldapmodify
    # Each request by itself.
    crew 2
    for i in 0 1; do
        change "$CREW" 'delete: member' "${CREW_MEMBERS[i]}"
    done | as ivan ldapmodify
    crew_revoked "uid=ivan,$people"
    set_hook olcPatRemovalLimit 0
    crew 2
    change "$CREW" 'replace: member' | as ivan ldapmodify
    crew_revoked "uid=ivan,$people"
    set_hook olcPatRemovalLimit
}

@test "by default a request removes 100 members, and 101 need the relax control" {
    crew 101
    change "$CREW" 'replace: member' |
        refused admin 53 'removes 101 members with live tokens and revokes their 101 tokens permanently; olcPatRemovalLimit is 100' \
            ldapmodify
    change "$CREW" 'replace: member' "${CREW_MEMBERS[7]}" | ldap_admin_modify
    is_live "${CREW_TOKENS[7]}"
    is_revoked "${CREW_TOKENS[100]}" "$PAT_ADMIN_DN" member-removed
}

# --- room for removals ---------------------------------------------------------------------

# small_map SIZE
small_map() {
    sandbox slapd-stop
    offline slapmodify -n 0 < <(change "$mdb" 'replace: olcDbMaxSize' "olcDbMaxSize: $1" - \
        'replace: olcDbNoSync' 'olcDbNoSync: TRUE')
    sandbox slapd-start
}

# until_refused WHO CODE TEXT COMMAND: what COMMAND prints is added, until that is refused
# in this way; 4000 times at most. Sets ADDED.
until_refused() {
    local who=$1 code=$2 text=$3 said rc=0 i

    shift 3
    for ((i = 0; i < 40; i++)); do
        for ((ADDED = 0; ADDED < 100; ADDED++)); do
            "$@"
        done >"$BATS_TEST_TMPDIR/many"
        said=$(as "$who" ldapadd "${secret[@]}" -f "$BATS_TEST_TMPDIR/many" 2>&1) || rc=$?
        ((rc == 0)) || break
    done
    if [[ $rc != "$code" || $said != *$text* ]]; then
        printf 'expected %s and "%s", got %s:\n%s\n' "$code" "$text" "$rc" \
            "$(tail -n 5 <<<"$said")"
        return 1
    fi
}

large_token() {
    token "patId=fill-$RANDOM$RANDOM$RANDOM,ou=tokens,$O" "description: $LARGE" "cn: $LARGE"
}

filler() {
    entry "cn=fill-$RANDOM$RANDOM$RANDOM,$O" 'objectClass: organizationalRole' \
        "description: $1"
}

# live_tokens OWNER: their DNs, in the org of the test.
live_tokens() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$O" \
        "(&(patOwner=$1)(!(patRevoked=*)))" 1.1 | sed -n 's/^dn: //p'
}

@test "members fill the database: tokens are refused, and removals succeed one after the other" {
    local who dn

    new_org
    LARGE=$(text 1900)
    small_map 16777216
    for who in alice bob carol; do
        until_refused "$who" 80 'live tokens in this database' large_token
    done
    # By a client that may write everywhere.
    until_refused ivan 80 'the database is nearly full' filler "$(text 40000)"
    until_refused ivan 80 'the database is nearly full' filler "$(text 1000)"
    live_tokens "$bob" >"$BATS_TEST_TMPDIR/bobs"
    live_tokens "$alice" >"$BATS_TEST_TMPDIR/alices"
    dn=$(head -n 1 "$BATS_TEST_TMPDIR/alices")
    token "$(new_token)" | refused bob 80 'raise olcDbMaxSize' ldapadd "${secret[@]}"
    change "$dn" 'replace: description' "description: $(text 2000)" |
        refused alice 80 'raise olcDbMaxSize' ldapmodify
    change "uid=ivan,$people" 'add: description' "description: $(text 100)" |
        refused ivan 80 'raise olcDbMaxSize' ldapmodify
    change "$bob" 'replace: userPassword' "userPassword: $(text 2000)" |
        refused bob 80 'raise olcDbMaxSize' ldapmodify
    change "cn=members,$O" 'add: member' "member: $dave" |
        refused ivan 80 'raise olcDbMaxSize' ldapmodify
    change "$dn" 'replace: patLastUsed' "patLastUsed: $(now_gt)" |
        refused patd 80 'raise olcDbMaxSize' ldapmodify
    # Before the access rules, which forbid carol each of these.
    change "$dn" 'replace: description' 'description: x' |
        refused carol 80 'the database is nearly full' ldapmodify
    change "cn=members,$O" 'replace: member' "member: $bob" "member: $dave" |
        refused ivan 80 'raise olcDbMaxSize' ldapmodify
    # Changes that take away.
    change "$dn" 'add: patRevoked' "patRevoked: $(now_gt)" | as alice ldapmodify
    is_revoked "$dn" "$alice" revoked
    change "$bob" 'replace: userPassword' 'userPassword: bob-password' | as bob ldapmodify
    # One right after the other, by one connection, so that nothing comes in between.
    {
        change "cn=members,$O" 'delete: member' "member: $bob"
        change "cn=owners,$O" 'delete: member' "member: $alice"
        change "cn=viewers,$O" 'delete: member' "member: $carol"
        entry "uid=helen,$people" 'changetype: delete'
    } | as ivan ldapmodify
    for who in "$alice" "$bob" "$carol"; do
        same "$(live_tokens "$who")" ''
    done
    dn=$(head -n 1 "$BATS_TEST_TMPDIR/bobs")
    is_revoked "$dn" "uid=ivan,$people" member-removed
    large_map
    new_org
    mint_self bob "$ORG"
}

# own_server: slapd and patd for this test alone. Sets OWN, and uses it.
own_server() {
    OWN=$(mktemp -d "${TMPDIR:-/tmp}/pat-test.XXXXXX")
    SANDBOX=$OWN
    "$ROOT/tests/sandbox" start --config "$BATS_FILE_TMPDIR/config.ldif" "$OWN"
    hook_load
    new_person ivan
    pam_service own
}

# note_is_refused: the note of a use, by slapd, since slapd_mark.
note_is_refused() {
    slapd_since | grep -q 'RESULT tag=103 err=80 .*the database is nearly full'
}

is_noted() {
    [[ -n $(get "$MINT_DN" patLastUsed) ]]
}

@test "a full database: patd accepts live tokens, and cannot note their use" {
    own_server
    new_org
    mint bob "$ORG"
    small_map 16777216
    # Each use is noted at once.
    set_conf 'workers = 1' 'last_used_interval = 0s'
    login own bob
    expect PAM_SUCCESS
    wait_for 15 is_noted
    change "$MINT_DN" 'delete: patLastUsed' | ldap_admin_modify
    # A page each, so that free pages need not be next to each other.
    until_refused ivan 80 'the database is nearly full' filler "$(text 3500)"
    until_refused ivan 80 'the database is nearly full' filler "$(text 10)"
    change "$MINT_DN" 'add: patLastUsed' "patLastUsed: $(now_gt)" |
        refused patd 80 'raise olcDbMaxSize' ldapmodify
    for _ in 1 2 3; do
        slapd_mark
        login own bob
        expect PAM_SUCCESS
        logged "verdict=accept id=$MINT_ID "
        wait_for 15 note_is_refused
        same "$(get "$MINT_DN" patLastUsed)" ''
    done
    logged 'last-used: cannot be written' 'the database is nearly full'
    # A revocation is stored, and ends the logins.
    change "$MINT_DN" 'add: patRevoked' "patRevoked: $(now_gt)" | as bob ldapmodify
    login own bob
    expect PAM_AUTH_ERR
    logged 'verdict=refuse '
    # With room again, uses are noted again.
    mint carol "$ORG"
    change "$mdb" 'replace: olcDbMaxSize' 'olcDbMaxSize: 1073741824' | ldap_admin_modify
    login own carol
    expect PAM_SUCCESS
    wait_for 15 is_noted
}
