#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The overlay's limits: sizes and numbers of tokens, room that is kept for removals, and the
# brake on the removal of many members.

load common
load hook-lib

setup_file() {
    hook_up
}

teardown_file() {
    sandbox_down
}

setup() {
    hook_load
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED-} ]] || hook_repair
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

@test "a token with a value of more than 2048 bytes is refused, for everybody" {
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

@test "a token whose values exceed 4096 bytes together is refused, for everybody" {
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

@test "a token does not grow beyond its sizes later" {
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

@test "a token from before, which is too large, can be revoked, and made smaller" {
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
