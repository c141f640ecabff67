#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154,SC2153      # what hook_load sets
# shellcheck disable=SC2030,SC2031      # what one test sets is not meant for another
#
# The hook: what slapd does with the overlay pat, seen by stock LDAP tools alone.
#
# Whatever is refused is tried against the whole directory: see refused in hook-lib.bash.

bats_require_minimum_version 1.5.0
load common
load hook-lib

teardown() {
    end_background
    [[ -z ${OTHER-} ]] || "$ROOT/tests/sandbox" stop "$OTHER"
    [[ -n ${BATS_TEST_COMPLETED-} ]] || hook_repair
}

# --- mint ----------------------------------------------------------------------------------

@test "mint: a member gets a token, told once; the directory has its hash and the event" {
    new_org
    mint_self bob "$ORG" 'cn: nightly build' 'patExpires: 20991231235959Z'
    [[ $MINT_TOKEN =~ ^rhp_[0-9A-Za-z]{38}$ ]]
    same "$(get "$MINT_DN" patHash)" "$(printf %s "$MINT_TOKEN" | sha256sum | cut -c 1-64)"
    same "$(get "$MINT_DN" patOwner)" "$bob"
    same "$(get "$MINT_DN" creatorsName)" "$bob"
    same "$(get "$MINT_DN" patSecret)" ''
    same "$(new_events)" "pat.created|by=uid=bob,ou=people|target=$MINT_ID|\
owner=uid=bob,ou=people|expires=20991231235959Z|name=nightly build"
}

@test "mint: every role; no two tokens are alike; no name and no expiry" {
    local uid first
    new_org
    for uid in alice bob carol bob; do
        first=${MINT_TOKEN-}
        mint_self "$uid" "$ORG"
        [[ $MINT_TOKEN != "$first" ]]
        is_live "$MINT_DN"
        same "$(new_events | tail -n 1)" \
            "pat.created|by=uid=$uid,ou=people|target=$MINT_ID|owner=uid=$uid,ou=people"
    done
}

@test "mint: an administrator for somebody else, in a container of any name" {
    local said
    new_org
    entry "cn=robots,$O" 'objectClass: organizationalRole' 'cn: robots' | ldap_admin_add
    said=$(token "patId=r2,cn=robots,$O" "patOwner: $bob" 'cn: R2' 'patService: ssh*' \
        'patSource: 2001:db8::/32' 'description: for two' | as helen ldapadd "${secret[@]}")
    grep -q '^patSecret: rhp_' <<<"$said"
    same "$(get "patId=r2,cn=robots,$O" patOwner)" "$bob"
    same "$(get "patId=r2,cn=robots,$O" patId)" r2
    same "$(new_events)" \
        'pat.created|by=uid=helen,ou=people|target=r2|owner=uid=bob,ou=people|name=R2'
}

@test "mint: the answer has what was asked for, and never the hash" {
    local said
    new_org
    said=$(token "patId=asked,ou=tokens,$O" |
        ldap_as bob ldapadd -e '!postread=patId,patSecret,patOwner,patHash')
    grep -q '^patId: asked' <<<"$said"
    grep -q "^patOwner: $bob" <<<"$said"
    grep -q '^patSecret: rhp_' <<<"$said"
    [[ $said != *patHash* ]]
}

@test "mint: whoever acts for somebody else by proxied authorization is that person" {
    new_org
    token "patId=proxy,ou=tokens,$O" |
        ldap_admin ldapadd "${secret[@]}" -e "!authzid=dn:$bob" >/dev/null
    same "$(new_events)" \
        'pat.created|by=uid=bob,ou=people|target=proxy|owner=uid=bob,ou=people'
}

@test "mint: DNs and roles are compared as DNs and roles are" {
    new_org 'patMintRole: MEMBER'
    token "patId=case,ou=tokens,$O" "patOwner: UID=Bob, OU=People,$PAT_BASE" |
        ldap_admin ldapadd "${secret[@]}" >/dev/null
    is_live "patId=case,ou=tokens,$O"
}

@test "mint: a role group at any depth below the org counts" {
    new_org
    {
        entry "ou=groups,$O" 'objectClass: organizationalUnit'
        entry "cn=deep,ou=groups,$O" 'objectClass: groupOfNames' 'objectClass: patRoleGroup' \
            'patRole: auditor' "member: $dave"
    } | ldap_admin_add
    token "patId=deep,ou=tokens,$O" "patOwner: $dave" |
        ldap_admin ldapadd "${secret[@]}" >/dev/null
    is_live "patId=deep,ou=tokens,$O"
}

@test "mint refused: a place that is not two levels below an org, and another name than a patId" {
    local dn
    new_org
    {
        entry "ou=deeper,ou=tokens,$O" 'objectClass: organizationalUnit'
        entry "o=none$ORG,$orgs" 'objectClass: organization'
        entry "ou=tokens,o=none$ORG,$orgs" 'objectClass: organizationalUnit'
    } | ldap_admin_add
    for dn in "patId=x,$O" "patId=x,ou=deeper,ou=tokens,$O" "patId=x,$orgs" "patId=x,$people" \
        "patId=x,ou=tokens,o=none$ORG,$orgs" "patId=x,$PAT_BASE" "cn=x,ou=tokens,$O" \
        "patId=x+cn=x,ou=tokens,$O"; do
        token "$dn" 'cn: x' 'patId: x' "patOwner: $bob" |
            refused admin 64 'pat: ' ldapadd "${secret[@]}"
    done
    token "patId=x,ou=tokens,o=nowhere,$orgs" "patOwner: $bob" |
        refused admin 32 '' ldapadd "${secret[@]}"
    token "patId=x,ou=nowhere,$O" "patOwner: $bob" | refused admin 32 '' ldapadd "${secret[@]}"
}

@test "mint refused: what patId may not be" {
    local id
    new_org
    for id in 'a b' a/b a:b 'a*' 'a\2Cb' 'a\2Bb' 'a@b' '\28a' "$(printf '%065d' 0)"; do
        token "patId=$id,ou=tokens,$O" | refused bob 19 patId ldapadd "${secret[@]}"
    done
    for id in . -a _ "$(printf '%064d' 0)"; do
        token "patId=$id,ou=tokens,$O" | ldap_as bob ldapadd "${secret[@]}" >/dev/null
    done
    # What is there is not made again, and leaves no second event.
    token "patId=_,ou=tokens,$O" | refused bob 68 '' ldapadd "${secret[@]}"
}

@test "mint refused: an owner who is no person of the directory, or no member" {
    local owner
    new_org
    entry "cn=guests,$O" 'objectClass: groupOfNames' "member: $dave" | ldap_admin_add
    for owner in "uid=nobody,$people" "cn=patd,ou=services,$PAT_BASE" "$people" "$O" \
        "cn=members,$O" "$PAT_ADMIN_DN" cn=config uid=bob,dc=example,dc=org "$dave"; do
        token "patId=x,ou=tokens,$O" "patOwner: $owner" |
            refused admin 19 "$owner*$O" ldapadd "${secret[@]}"
    done
    token "patId=x,ou=tokens,$O" "patOwner: $dave" |
        refused admin 19 "$dave is no member of $O" ldapadd "${secret[@]}"
    # The one who adds is the owner where none is named.
    token "patId=x,ou=tokens,$O" | refused admin 19 "$PAT_ADMIN_DN*$O" ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" | refused helen 19 "$helen*$O" ldapadd "${secret[@]}"
}

@test "mint refused: where the rules of access do not let one" {
    new_org
    token "patId=x,ou=tokens,$O" "patOwner: $alice" | refused bob 50 '' ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" "patOwner: $bob" | refused alice 50 '' ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" | refused dave 50 '' ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" "patOwner: $bob" | refused patd 50 '' ldapadd "${secret[@]}"
}

@test "mint refused: patMintRole names no role of the owner" {
    new_org 'patMintRole: owner' 'patMintRole: viewer'
    token "patId=x,ou=tokens,$O" | refused bob 19 "$bob*$O" ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" "patOwner: $bob" |
        refused admin 19 "$bob*$O" ldapadd "${secret[@]}"
    mint_self alice "$ORG"
    mint_self carol "$ORG"
    # Any of the roles is enough, not only the strongest.
    change_member add bob "$ORG" viewers
    mint_self bob "$ORG"
}

@test "mint refused: an expiry that has passed, or goes beyond patMaxLifetime" {
    local expires
    new_org
    for expires in "$(now_gt)" "$(now_gt -86400)" "$(now_gt 1800 | sed 's/Z/+0100/')"; do
        token "patId=x,ou=tokens,$O" "patExpires: $expires" |
            refused bob 19 patExpires ldapadd "${secret[@]}"
    done
    new_org 'patMaxLifetime: 3600'
    token "patId=x,ou=tokens,$O" | refused bob 19 patExpires ldapadd "${secret[@]}"
    for expires in "$(now_gt 3700)" 20991231235959Z "$(now_gt)" 19700101000000Z \
        "$(now_gt 3900 | sed 's/Z/+0000/')" "$(now_gt | sed 's/Z/-0130/')"; do
        token "patId=x,ou=tokens,$O" "patExpires: $expires" |
            refused bob 19 patExpires ldapadd "${secret[@]}"
        token "patId=x,ou=tokens,$O" "patExpires: $expires" "patOwner: $bob" |
            refused admin 19 patExpires ldapadd "${secret[@]}"
    done
    token "patId=x,ou=tokens,$O" 'patExpires: soon' | refused bob 21 '' ldapadd "${secret[@]}"
    mint_self bob "$ORG" "patExpires: $(now_gt 3600)"
    mint_self bob "$ORG" "patExpires: $(now_gt 5400 | sed 's/Z/+0100/')"
    mint_self bob "$ORG" "patExpires: $(now_gt 60 | sed 's/Z/.5Z/')"
}

@test "mint refused: services and sources that nothing would match" {
    local value
    new_org
    for value in 'a b' a/b 'sshd?' 'imap,pop3' '[a]' "$(printf '%0256d' 0)"; do
        token "patId=x,ou=tokens,$O" 'patService: imap' "patService: $value" |
            refused bob 19 patService ldapadd "${secret[@]}"
    done
    for value in host.example.com 192.0.2 192.0.2.256 192.0.2.0/33 192.0.2.0/ 192.0.2.0/-1 \
        192.0.2.0/24x ::/129 2001:db8:::1 2001:db8::1%eth0/64 '*' any; do
        token "patId=x,ou=tokens,$O" 'patSource: 192.0.2.1' "patSource: $value" |
            refused bob 19 patSource ldapadd "${secret[@]}"
    done
    mint_self bob "$ORG" 'patService: *' 'patService: imap' 'patService: a@b.c_d-e*' \
        'patSource: 0.0.0.0/0' 'patSource: 192.0.2.1' 'patSource: ::/0'
}

@test "a refusal that quotes a value makes no line of its own, and ends with a whole character" {
    local attribute value
    new_org
    value=$(printf 'x\nforged: a line \033[2J' | base64 -w 0)
    for attribute in patService patSource; do
        token "patId=x,ou=tokens,$O" "$attribute:: $value" |
            refused bob 19 "$attribute: \"x?forged: a line ?" ldapadd "${secret[@]}"
    done
    # slapd answers first and logs then.
    sandbox_idle
    run ! grep '^forged' "$SANDBOX/log/slapd.log"
    # The name of the owner is longer than what is told; its characters have two bytes.
    for value in "$(printf 'ä%.0s' {1..400})" "a$(printf 'ä%.0s' {1..400})"; do
        token "patId=x,ou=tokens,$O" "patOwner: cn=$value,$people" |
            refused admin 19 'patOwner' ldapadd "${secret[@]}"
    done
    sandbox_idle
    iconv -f UTF-8 -t UTF-8 "$SANDBOX/log/slapd.log" >/dev/null
}

@test "mint refused: the secret is not asked for by name" {
    local control
    new_org
    token "patId=x,ou=tokens,$O" | refused bob 53 postread=patSecret ldapadd
    for control in postread 'postread=*' postread=+ postread=patId 'postread=*,+' '!postread' \
        preread=patSecret; do
        token "patId=x,ou=tokens,$O" | refused bob 53 postread=patSecret ldapadd -e "$control"
    done
}

@test "mint refused: whoever may not read patSecret" {
    new_org
    change "$mdb" 'add: olcAccess' "olcAccess: {0}to attrs=patSecret by dn.exact=\"$bob\" =xscd by * none" |
        ldap_admin_modify
    token "patId=x,ou=tokens,$O" | refused bob 50 patSecret ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" "patOwner: $bob" |
        refused helen 50 patSecret ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" "patOwner: $bob" | ldap_admin ldapadd "${secret[@]}" |
        grep -q '^patSecret: rhp_'
    change "$mdb" 'delete: olcAccess' 'olcAccess: {0}' | ldap_admin_modify
}

@test "mint refused: history, which an import alone may have" {
    local line
    new_org
    for line in "patRevoked: $(now_gt)" "patRevokedBy: $bob" 'patRevokedReason: lost' \
        "patLastUsed: $(now_gt)" 'patLastUsedFrom: imap@host'; do
        token "patId=x,ou=tokens,$O" "patOwner: $bob" "$line" |
            refused admin 19 "${line%%:*}" ldapadd "${secret[@]}"
    done
}

@test "mint refused: classes that make more of a token, and options of its attributes" {
    local who lines
    new_org
    while IFS=: read -r who lines; do
        token "patId=x,ou=tokens,$O" "patOwner: $bob" "${lines//|/$'\n'}" |
            refused "$who" 65 'object*[cC]lass' ldapadd "${secret[@]}"
    done <<EOF
admin:objectClass: patRoleGroup|patRole: owner|member: $bob
admin:objectClass: PATROLEGROUP|patRole: owner
admin:objectClass: patOrg
admin:objectClass: extensibleObject
admin:objectClass: patEvent|patEventId: x|patAction: pat.used|patEventTime: $(now_gt)
admin:objectClass: alias|objectClass: extensibleObject|aliasedObjectName: $bob
admin:objectClass: referral|objectClass: extensibleObject|ref: ldap://192.0.2.1/
admin:objectClass: subentry|cn: x|subtreeSpecification: {}
helen:objectClass: 2.25.294509361245887642909694822877430947042.2.3|patRole: owner
helen:objectClass: patOrg
EOF
    for lines in 'patService;lang-de: imap' 'patExpires;lang-de: 20991231235959Z' \
        'patSource;lang-de: 192.0.2.1' "patOwner;lang-de: $alice"; do
        token "patId=x,ou=tokens,$O" "patOwner: $bob" "$lines" |
            refused admin 19 "${lines%%;*}" ldapadd "${secret[@]}"
    done
}

@test "patSecret stands in no entry, patHash in tokens alone" {
    local line
    new_org
    # It is of no class; one that allows everything is another matter.
    token "patId=x,ou=tokens,$O" "patOwner: $bob" 'patSecret: x' |
        refused admin 65 patSecret ldapadd "${secret[@]}"
    for line in 'patSecret: x' 'patSecret;lang-de: x'; do
        entry "cn=x,$O" 'objectClass: organizationalRole' 'objectClass: extensibleObject' \
            "$line" | refused admin 19 patSecret ldapadd
        change "$bob" 'add: objectClass' 'objectClass: extensibleObject' - \
            "add: ${line%%:*}" "$line" | refused admin 19 patSecret ldapmodify
        change "cn=members,$O" 'replace: description' 'description: x' - \
            "replace: ${line%%:*}" "$line" | refused admin 65 patSecret ldapmodify
    done
    entry "cn=x,$O" 'objectClass: organizationalRole' 'objectClass: extensibleObject' \
        "patHash: $(hex 1)" | refused admin 65 patHash ldapadd
    change "$bob" 'add: objectClass' 'objectClass: extensibleObject' - 'add: patHash' \
        "patHash: $(hex 1)" | refused admin 65 patHash ldapmodify
    import bob "$ORG"
    change "$MINT_DN" 'add: patSecret' 'patSecret: x' | refused admin 65 patSecret ldapmodify
}

# --- import ----------------------------------------------------------------------------------

@test "import: with a hash of one's own, and with history" {
    new_org
    import bob "$ORG" 'cn: old one' 'patLastUsed: 20200101000000Z' 'patLastUsedFrom: imap@host'
    is_live "$MINT_DN"
    same "$(new_events)" "pat.created|by=cn=admin|target=$MINT_ID|owner=uid=bob,ou=people|\
import=yes|name=old one"
    import bob "$ORG" 'patRevoked: 20200101000000Z' "patRevokedBy: $carol" \
        'patRevokedReason: lost'
    same "$(get "$MINT_DN" patRevoked)" 20200101000000Z
    same "$(get "$MINT_DN" patRevokedBy)" "$carol"
    # Whoever manages patHash may, the rootdn or not.
    token "patId=h,ou=tokens,$O" "patHash: $(hex "$BATS_TEST_NUMBER")" "patOwner: $bob" |
        as helen ldapadd
    same "$(new_events | tail -n 1)" \
        'pat.created|by=uid=helen,ou=people|target=h|owner=uid=bob,ou=people|import=yes'
}

@test "import: a revoked token is accepted though its owner has left, or its date has passed" {
    local line past
    past="patRevoked: 20200101000000Z"
    new_person gone
    new_org 'patMaxLifetime: 3600' 'patMintRole: owner' 'patMaxTokens: 1'
    ldap_admin ldapdelete "uid=gone,$people"
    while IFS=: read -r line; do
        import "${line%%|*}" "$ORG" "$past" "${line#*|}"
        same "$(get "$MINT_DN" patRevoked)" 20200101000000Z
        same "$(get "$MINT_DN" patOwner)" "uid=${line%%|*},$people"
    done <<EOF
bob|cn: a role that may not mint, and no date where the org demands one
bob|patExpires: $(now_gt -10)
bob|patExpires: $(now_gt 4000)
dave|patExpires: 20200101000000Z
gone|patRevokedBy: uid=gone,$people
gone|patExpires: 20991231235959Z
EOF
    same "$(new_events | grep -c '^pat.created|.*|import=yes')" 6
    new_person gone
    change_member add gone "$ORG" owners
    same "$(get "$MINT_DN" patRevoked)" 20200101000000Z
    change "$MINT_DN" 'delete: patRevoked' | refused admin 19 patRevoked ldapmodify
    ldap_admin ldapdelete "uid=gone,$people"
}

@test "import refused: a revoked token without owner, or with a value that no token may have" {
    local code lines
    new_org
    while IFS=: read -r code lines; do
        token "patId=x,ou=tokens,$O" "patHash: $(hex 8)" "${lines//|/$'\n'}" |
            refused admin "$code" '' ldapadd
    done <<EOF
19:patRevoked: 20200101000000Z
19:patRevoked: 20200101000000Z|patOwner:
19:patRevoked;lang-de: 20200101000000Z|patOwner: uid=none,$people
19:patRevokedBy: $bob|patOwner: uid=none,$people
19:patRevokedReason: lost|patOwner: $dave
19:patRevoked: 20200101000000Z|patOwner: $dave|patService: a b
19:patRevoked: 20200101000000Z|patOwner: $dave|patSource: here
65:patRevoked: 20200101000000Z|patOwner: $dave|objectClass: patRoleGroup|patRole: owner
EOF
    # Without a hash it would be minted.
    token "patId=x,ou=tokens,$O" "patOwner: $dave" 'patRevoked: 20200101000000Z' |
        refused admin 19 patRevoked ldapadd "${secret[@]}"
    token "patId=x,ou=tokens,$O" "patOwner: $dave" "patHash: $(hex 8)" \
        'patRevoked: 20200101000000Z' | refused ivan 50 patHash ldapadd
}

@test "import refused: a hash that is none, or that another entry has" {
    local hash taken
    new_org
    import bob "$ORG"
    taken=$(get "$MINT_DN" patHash)
    for hash in x "$(hex 1)0" "$(printf '%063x' 1)" "$(hex 1 | tr 0 g)" "$(hex 1 | tr 0 A)" \
        "$taken" "${taken^^}"; do
        token "patId=x,ou=tokens,$O" "patHash: $hash" "patOwner: $bob" |
            refused admin 19 patHash ldapadd
    done
    token "patId=x,ou=tokens,o=globex,$orgs" "patHash: $taken" "patOwner: $bob" |
        refused admin 19 patHash ldapadd
}

@test "import refused: whoever does not manage patHash" {
    new_org
    token "patId=x,ou=tokens,$O" "patHash: $(hex 5)" | refused bob 50 '' ldapadd
    token "patId=x,ou=tokens,$O" "patHash: $(hex 5)" "patOwner: $bob" |
        refused ivan 50 patHash ldapadd
    token "patId=x,ou=tokens,$O" "patHash: $(hex 5)" "patOwner: $bob" |
        refused ivan 50 patHash ldapadd "${secret[@]}"
}

@test "import refused: for what any mint is refused" {
    local code lines
    new_org 'patMaxLifetime: 3600'
    while IFS=: read -r code lines; do
        token "patId=x,ou=tokens,$O" "patHash: $(hex 6)" "${lines//|/$'\n'}" |
            refused admin "$code" '' ldapadd
    done <<EOF
19:patOwner: $bob
19:patOwner: $bob|patExpires: $(now_gt -10)
19:patOwner: $bob|patExpires: $(now_gt 4000)
19:patOwner: $bob|patExpires: $(now_gt 600)|patService: a b
19:patOwner: $bob|patExpires: $(now_gt 600)|patSource: here
65:patOwner: $bob|patExpires: $(now_gt 600)|patSecret: x
19:patOwner: $bob|patExpires: $(now_gt 600)|patService;lang-de: imap
19:patOwner: $dave|patExpires: $(now_gt 600)
19:patExpires: $(now_gt 600)
65:patOwner: $bob|patExpires: $(now_gt 600)|objectClass: patOrg
EOF
}

# --- what never changes ------------------------------------------------------------------------

@test "a token's identity never changes, not even for the rootdn" {
    local code text lines
    new_org
    import bob "$ORG" 'patExpires: 20991231235959Z'
    while read -r code text lines; do
        change "$MINT_DN" "${lines//|/$'\n'}" | refused admin "$code" "$text" ldapmodify
        change "$MINT_DN" "${lines//|/$'\n'}" |
            refused helen "$code" "$text" ldapmodify -e relax
    done <<EOF
19 patHash replace: patHash|patHash: $(hex 7)
19 patHash replace: patHash
19 patHash replace: patHash|patHash: $(get "$MINT_DN" patHash | tr a-f A-F)
19 patHash delete: patHash
19 patHash add: patHash|patHash: $(hex 7)
19 patHash delete: patHash|-|add: patHash|patHash: $(hex 7)
19 patOwner replace: patOwner|patOwner: $alice
19 patOwner replace: patOwner|patOwner: $dave
19 patOwner delete: patOwner
19 patOwner delete: patOwner|patOwner: $bob|-|add: patOwner|patOwner: $alice
19 patOwner replace: cn|cn: x|-|replace: patOwner|patOwner: $alice
19 patId add: patId|patId: y
64 patId replace: patId|patId: y
64 patId delete: patId
19 patExpires delete: patExpires
19 patExpires replace: patExpires
19 patExpires replace: patExpires|patExpires: 21001231235959Z
19 patExpires delete: patExpires|-|add: patExpires|patExpires: 21000101000000Z
19 patExpires replace: patExpires|patExpires: 20991231235959-0001
19 patService add: patService;lang-de|patService;lang-de: imap
19 patRevoked add: patRevoked;lang-de|patRevoked;lang-de: 20200101000000Z
19 patRevokedReason add: patRevokedReason|patRevokedReason: not revoked
19 patRevokedBy add: patRevokedBy|patRevokedBy: $bob
EOF
}

@test "a token's owner may be spelled anew, being the same" {
    new_org
    import bob "$ORG"
    change "$MINT_DN" 'replace: patOwner' "patOwner: UID=Bob, OU=People,$PAT_BASE" |
        ldap_admin_modify
    same "$(get "$MINT_DN" patOwner)" "uid=Bob,ou=People,$PAT_BASE"
    change_member delete bob "$ORG" members
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
}

@test "a token's classes never make more of it" {
    local lines
    new_org
    import bob "$ORG"
    while read -r lines; do
        change "$MINT_DN" "${lines//|/$'\n'}" | refused admin 65 'object*[cC]lass' ldapmodify
        change "$MINT_DN" "${lines//|/$'\n'}" | refused helen 65 'object*[cC]lass' ldapmodify -e relax
    done <<EOF
add: objectClass|objectClass: patRoleGroup|-|add: patRole|patRole: owner|-|add: member|member: $bob
add: objectClass|objectClass: patOrg
add: objectClass|objectClass: extensibleObject
replace: objectClass|objectClass: patToken|objectClass: extensibleObject
add: objectClass|objectClass: alias|objectClass: extensibleObject|-|add: aliasedObjectName|aliasedObjectName: $bob
EOF
}

# Whoever manages an entry may change its structural class by the relax control.
@test "a token stays one: nothing takes the place of a live or of a revoked token" {
    local lines
    new_org
    import bob "$ORG"
    lines='replace: objectClass|objectClass: device|objectClass: extensibleObject|-|add: cn|cn: x'
    change "$MINT_DN" "${lines//|/$'\n'}" - 'delete: patHash' >"$BATS_TEST_TMPDIR/change"
    refused admin 69 '' ldapmodify -f "$BATS_TEST_TMPDIR/change"
    refused admin 65 'a token stays one' ldapmodify -e '!relax' -f "$BATS_TEST_TMPDIR/change"
    refused helen 65 'a token stays one' ldapmodify -e '!relax' -f "$BATS_TEST_TMPDIR/change"
    revoke "$MINT_DN"
    change "$MINT_DN" "${lines//|/$'\n'}" - 'delete: patHash' - 'delete: patRevoked' |
        refused helen 65 'a token stays one' ldapmodify -e '!relax'
}

@test "an entry that becomes a token by the relax control needs what an import needs" {
    local who lines dn
    new_org
    dn=patId=turned,ou=tokens,$O
    entry "$dn" 'objectClass: device' 'objectClass: extensibleObject' 'cn: turned' 'patId: turned' \
        "patOwner: $bob" | ldap_admin_add
    for who in admin helen; do
        change "$dn" 'replace: objectClass' 'objectClass: patToken' |
            refused "$who" 65 'pat: patHash' ldapmodify -e '!relax'
        for lines in "patHash: $(hex 91)|-|replace: patOwner|patOwner: $dave" 'patHash: x'; do
            change "$dn" 'replace: objectClass' 'objectClass: patToken' - 'add: patHash' \
                "${lines//|/$'\n'}" | refused "$who" 19 'pat: pat[HO]' ldapmodify -e '!relax'
        done
    done
    same "$(get "$dn" patHash)" ''
    ldap_admin ldapdelete "$dn"
}

@test "an expiry may come, and come nearer" {
    local expires
    new_org
    import bob "$ORG"
    change "$MINT_DN" 'add: patExpires' 'patExpires: 20991231235959Z' | ldap_admin_modify
    change "$MINT_DN" 'replace: patExpires' 'patExpires: 20990101000000Z' | ldap_admin_modify
    change "$MINT_DN" 'delete: patExpires' - 'add: patExpires' 'patExpires: 20980101000000Z' |
        ldap_admin_modify
    expires=$(now_gt 3600)
    change "$MINT_DN" 'replace: patExpires' "patExpires: $expires" | as ivan ldapmodify >/dev/null
    same "$(get "$MINT_DN" patExpires)" "$expires"
    change "$MINT_DN" 'replace: patExpires' 'patExpires: 20980101000000Z' |
        refused admin 19 patExpires ldapmodify
}

# A row: attribute, values before, values after, and whether that is narrower.
@test "services and sources may be narrowed, never widened" {
    local attribute before after narrower
    local -a old new
    new_org
    while IFS='|' read -r attribute before after narrower; do
        printf '%s: %s -> %s: %s\n' "$attribute" "$before" "$after" "$narrower"
        IFS=, read -r -a old <<<"$before"
        IFS=, read -r -a new <<<"$after"
        import bob "$ORG" "${old[@]/#/$attribute: }"
        if [[ $narrower == yes ]]; then
            change "$MINT_DN" "replace: $attribute" "${new[@]/#/$attribute: }" | ldap_admin_modify
        else
            change "$MINT_DN" "replace: $attribute" "${new[@]/#/$attribute: }" |
                refused admin 19 "$attribute" ldapmodify
        fi
    done <<'EOF'
patService||sshd|yes
patService||*|yes
patService|*|imap*|yes
patService|sshd,imap|imap|yes
patService|ssh*|sshd,ssh-*|yes
patService|ssh*|ssh*d|yes
patService|a*b|a*c*b|yes
patService|a*b*c|a*bb*c|yes
patService|*|a*b*|yes
patService|sshd||no
patService|*||no
patService|sshd|imap|no
patService|sshd|sshd,imap|no
patService|sshd|ssh*|no
patService|sshd|SSHD|no
patService|ssh*|*|no
patService|ssh*|*ssh*|no
patService|a*b|a*|no
patService|a*b|a*b*|no
patService|a*ba|a*b|no
patService|a*,*b|*|no
patService|imap,pop3|*p*|no
patService|*|a b|no
patSource||192.0.2.1|yes
patSource||::/0|yes
patSource|192.0.2.0/24|192.0.2.7|yes
patSource|192.0.2.0/24|192.0.2.7/32|yes
patSource|192.0.2.0/24|192.0.2.0/25,192.0.2.128/25|yes
patSource|192.0.2.0/24,2001:db8::/32|2001:db8::/64|yes
patSource|0.0.0.0/0|10.0.0.0/8|yes
patSource|192.0.2.7||no
patSource|192.0.2.7|192.0.2.8|no
patSource|192.0.2.7|192.0.2.7,192.0.2.8|no
patSource|192.0.2.0/24|192.0.2.0/23|no
patSource|192.0.2.0/24|192.0.3.0/25|no
patSource|192.0.2.0/24|0.0.0.0/0|no
patSource|192.0.2.0/24|::/0|no
patSource|::/0|192.0.2.1|no
patSource|0.0.0.0/0|2001:db8::1|no
patSource|2001:db8::/64|2001:db8::/63|no
patSource|0.0.0.0/0|here|no
EOF
}

@test "the values of a scope cannot be taken away one by one" {
    new_org
    import bob "$ORG" 'patService: imap' 'patService: sshd' 'patSource: 192.0.2.1'
    change "$MINT_DN" 'delete: patService' 'patService: imap' | ldap_admin_modify
    change "$MINT_DN" 'delete: patService' 'patService: sshd' |
        refused admin 19 patService ldapmodify
    change "$MINT_DN" 'delete: patSource' | refused admin 19 patSource ldapmodify
    change "$MINT_DN" 'add: patService' 'patService: imap' |
        refused admin 19 patService ldapmodify
}

@test "names and descriptions are free, to whom the rules of access allow it" {
    new_org
    import bob "$ORG" 'cn: before'
    mark
    change "$MINT_DN" 'replace: cn' 'cn: after' 'cn: too' - 'add: description' \
        'description: x' | ldap_admin_modify
    change "$MINT_DN" 'delete: cn' | as ivan ldapmodify >/dev/null
    change "$MINT_DN" 'replace: cn' 'cn: mine' | as bob ldapmodify >/dev/null
    same "$(get "$MINT_DN" cn)" mine
    change "$MINT_DN" 'replace: cn' 'cn: x' | refused carol 50 '' ldapmodify
    same "$(new_events)" ''
}

@test "tokens, orgs, and what holds tokens or role groups keep their places" {
    local who
    new_org
    import bob "$ORG"
    {
        entry "ou=groups,$O" 'objectClass: organizationalUnit'
        entry "cn=staff,ou=groups,$O" 'objectClass: organizationalRole' \
            'objectClass: patRoleGroup' 'patRole: member' "member: $dave"
        entry "ou=more,$O" 'objectClass: organizationalUnit'
    } | ldap_admin_add
    for who in admin helen; do
        refused "$who" 53 'a token keeps' ldapmodrdn -r "$MINT_DN" patId=y </dev/null
        refused "$who" 53 'a token keeps' ldapmodrdn -r -s "ou=more,$O" "$MINT_DN" "patId=$MINT_ID" </dev/null
        refused "$who" 53 'a token keeps' ldapmodrdn -r -s "ou=tokens,o=globex,$orgs" "$MINT_DN" \
            "patId=$MINT_ID" </dev/null
        refused "$who" 53 'an org keeps' ldapmodrdn -r "$O" "o=new$ORG" </dev/null
        refused "$who" 53 'an org keeps' ldapmodrdn -r -s "$people" "$O" "o=$ORG" </dev/null
        refused "$who" 53 'holds tokens' ldapmodrdn -r "ou=tokens,$O" ou=keys </dev/null
        refused "$who" 53 'holds tokens' ldapmodrdn -r -s "o=globex,$orgs" "ou=tokens,$O" ou=keys </dev/null
        refused "$who" 53 'one by one' ldapmodrdn -r -s "$orgs" "ou=groups,$O" ou=groups </dev/null
        refused "$who" 53 'one by one' ldapmodrdn -r -s "ou=more,$O" "ou=groups,$O" ou=groups </dev/null
        refused "$who" 53 'one by one' ldapmodrdn -r -s "o=globex,$orgs" "ou=groups,$O" ou=g </dev/null
    done
    mark
    ldap_admin ldapmodrdn -r "ou=groups,$O" ou=teams </dev/null
    ldap_admin ldapmodrdn -r "ou=more,$O" ou=less </dev/null
    same "$(new_events)" ''
    is_live "$MINT_DN"
}

@test "an org's patMaxLifetime is a number of seconds" {
    local value
    new_org
    for value in 0 -1 100000000000; do
        change "$O" 'replace: patMaxLifetime' "patMaxLifetime: $value" |
            refused admin 19 patMaxLifetime ldapmodify
    done
    change "$O" 'replace: patMaxLifetime' 'patMaxLifetime: soon' |
        refused admin 21 patMaxLifetime ldapmodify
    entry "o=x$ORG,$orgs" 'objectClass: organization' 'objectClass: patOrg' 'patMaxLifetime: 0' |
        refused admin 19 patMaxLifetime ldapadd
}

@test "an org with live tokens stays an org" {
    new_org
    import bob "$ORG"
    change "$O" 'delete: objectClass' 'objectClass: patOrg' |
        refused admin 53 'live tokens' ldapmodify
    change "$O" 'replace: objectClass' 'objectClass: organization' |
        refused helen 53 'live tokens' ldapmodify
    revoke "$MINT_DN"
    change "$O" 'delete: objectClass' 'objectClass: patOrg' | ldap_admin_modify
}

# org_entry DN LINE...: an org
org_entry() {
    entry "$1" "objectClass: ${ORG_TYPE:-organization}" 'objectClass: patOrg' "${@:2}"
}

@test "a second org with the name of another one is refused, wherever it stands" {
    local name who other said

    new_org
    other=$ORG
    said="belongs to another org, $O: choose another name"
    new_org
    for who in admin helen; do
        for name in "$other" "${other^^}" "  ${other}  "; do
            org_entry "o=$name,ou=tokens,$O" | refused "$who" 19 "$said" ldapadd
        done
        ORG_TYPE=organizationalUnit org_entry "ou=${other^}," "ou: $other" |
            sed "s/,\$/,$orgs/" | refused "$who" 19 "$said" ldapadd
        org_entry "o=third,$orgs" 'o: third' "o: $other" | refused "$who" 19 "$said" ldapadd
        change "$O" 'add: o' "o: ${other^^}" | refused "$who" 19 "$said" ldapmodify
        change "$O" 'replace: o' "o: $ORG" 'o: fourth' "o: $other" |
            refused "$who" 19 "$said" ldapmodify
    done
    # The class comes later.
    entry "o=$other,ou=tokens,$O" 'objectClass: organization' "o: $other" | ldap_admin_add
    change "o=$other,ou=tokens,$O" 'add: objectClass' 'objectClass: patOrg' |
        refused admin 19 "$said" ldapmodify
    # The attribute of the RDN decides, whatever it is.
    entry "ou=$ORG-unit,$orgs" 'objectClass: organizationalUnit' 'objectClass: patOrg' | ldap_admin_add
    for who in admin helen; do
        change "ou=$ORG-unit,$orgs" 'add: ou' "ou: ${other^^}" |
            refused "$who" 19 "$said" ldapmodify
        change "ou=$ORG-unit,$orgs" 'add: ou;lang-en' "ou;lang-en: $other" |
            refused "$who" 19 "$said" ldapmodify
        change "ou=$ORG-unit,$orgs" 'replace: ou' "ou: $ORG-unit" "ou: $ORG" |
            refused "$who" 19 "belongs to another org, $O" ldapmodify
    done
    change "ou=$ORG-unit,$orgs" 'add: ou' "ou: $ORG-other" | ldap_admin_modify
    # A value in another attribute is no name.
    change "ou=$ORG-unit,$orgs" 'add: l' "l: $other" | ldap_admin_modify
    change "$O" 'add: description' "description: $other" | ldap_admin_modify
    change "$O" 'add: o' "o: ${ORG}-alias" | ldap_admin_modify
    org_entry "o=$ORG-alias,$orgs" | refused admin 19 'belongs to another org' ldapadd
}

@test "orgs that shared a name before the overlay was added accept other changes" {
    local first

    new_org
    first=$O
    org_entry "o=$ORG,ou=tokens,$O" "o: $ORG" | import_offline
    for O in "$first" "o=$ORG,ou=tokens,$first"; do
        change "$O" 'replace: patMaxTokens' 'patMaxTokens: 5' | ldap_admin_modify
        change "$O" 'add: o' "o: another-$ORG" | ldap_admin_modify
        change "$O" 'delete: o' "o: another-$ORG" | ldap_admin_modify
    done
    ldap_admin ldapdelete "$O"
    org_entry "$O" | refused admin 19 "belongs to another org, $first" ldapadd
}

# --- revoke --------------------------------------------------------------------------------------

@test "revoke: by its owner, whatever time is written" {
    local time
    new_org
    for time in 19700101000000Z 20991231235959Z "$(now_gt)"; do
        mint_self bob "$ORG"
        mark
        change "$MINT_DN" 'add: patRevoked' "patRevoked: $time" | ldap_as bob ldapmodify
        is_revoked "$MINT_DN" "$bob" revoked
        same "$(new_events)" "pat.revoked|by=uid=bob,ou=people|target=$MINT_ID|\
owner=uid=bob,ou=people|reason=revoked"
    done
    mint_self bob "$ORG"
    change "$MINT_DN" 'replace: patRevoked' "patRevoked: $(now_gt -3600)" | ldap_admin_modify
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" revoked
}

@test "revoke: by an owner of the org, with a reason" {
    local reason
    new_org
    mint_self bob "$ORG"
    mark
    reason='left the laptop on the train; a "=" and a | do no harm'
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'add: patRevokedReason' \
        "patRevokedReason: $reason" | ldap_as alice ldapmodify
    is_revoked "$MINT_DN" "$alice" "$reason"
    same "$(new_events)" "pat.revoked|by=uid=alice,ou=people|target=$MINT_ID|\
owner=uid=bob,ou=people|reason=$reason"
    # As long as may be.
    mint_self bob "$ORG"
    reason=$(printf '%0256d' 0)
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'add: patRevokedReason' \
        "patRevokedReason: $reason" | ldap_as bob ldapmodify
    is_revoked "$MINT_DN" "$bob" "$reason"
}

@test "revoke refused: in the name of somebody else" {
    new_org
    import bob "$ORG"
    change "$MINT_DN" 'add: patRevokedBy' "patRevokedBy: $alice" - 'add: patRevoked' \
        'patRevoked: 20200101000000Z' | refused helen 19 patRevokedBy ldapmodify
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'add: patRevokedBy' \
        "patRevokedBy: $alice" | refused admin 19 patRevokedBy ldapmodify
}

@test "revoke: by deletion, with an event for a live token alone" {
    new_org
    import bob "$ORG"
    mark
    ldap_admin ldapdelete "$MINT_DN"
    same "$(new_events)" \
        "pat.revoked|by=cn=admin|target=$MINT_ID|owner=uid=bob,ou=people|reason=deleted"
    same "$(ldap_admin ldapsearch -LLL -b "$O" "(patId=$MINT_ID)" 1.1)" ''
    import bob "$ORG"
    revoke "$MINT_DN"
    mark
    as helen ldapdelete "$MINT_DN"
    same "$(new_events)" ''
}

@test "revoke refused: by others, with a bad time or reason, or with anything else that fails" {
    new_org
    mint_self bob "$ORG"
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' >"$BATS_TEST_TMPDIR/revoke"
    refused carol 50 '' ldapmodify -f "$BATS_TEST_TMPDIR/revoke"
    refused dave 50 '' ldapmodify -f "$BATS_TEST_TMPDIR/revoke"
    # patd revokes for whoever shows it the token, and does nothing else.
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'add: description' \
        'description: x' | refused patd 50 '' ldapmodify
    refused patd 50 '' ldapdelete "$MINT_DN"
    refused bob 50 '' ldapdelete "$MINT_DN"
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: now' | refused bob 21 '' ldapmodify
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'add: patRevokedReason' \
        "patRevokedReason: $(printf '%0257d' 0)" | refused bob 19 patRevokedReason ldapmodify
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - \
        'replace: patHash' "patHash: $(printf 'c%.0s' {1..64})" | refused bob 50 '' ldapmodify
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'delete: description' |
        refused admin 16 '' ldapmodify
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'add: sn' 'sn: x' |
        refused admin 65 '' ldapmodify
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' - 'delete: patRevoked' |
        refused admin 19 '' ldapmodify
    is_live "$MINT_DN"
}

@test "revoked is revoked, for everybody and for ever" {
    local who lines
    new_org
    mint_self bob "$ORG"
    revoke "$MINT_DN"
    while read -r lines; do
        change "$MINT_DN" "${lines//|/$'\n'}" | refused admin 19 patRevoked ldapmodify
        change "$MINT_DN" "${lines//|/$'\n'}" | refused helen 19 patRevoked ldapmodify -e relax
    done <<EOF
delete: patRevoked
replace: patRevoked
replace: patRevoked|patRevoked: 20991231235959Z
add: patRevoked|patRevoked: 20991231235959Z
delete: patRevoked|-|add: patRevoked|patRevoked: 20991231235959Z
delete: patRevoked|-|delete: patRevokedBy|-|delete: patRevokedReason
delete: patRevokedBy
replace: patRevokedBy|patRevokedBy: $alice
delete: patRevokedReason
replace: patRevokedReason|patRevokedReason: by mistake
EOF
    for who in bob alice; do
        change "$MINT_DN" 'delete: patRevoked' | refused "$who" 50 '' ldapmodify ||
            change "$MINT_DN" 'delete: patRevoked' | refused "$who" 19 '' ldapmodify
    done
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" revoked
    # What has nothing to do with it is not explained by it.
    change "$MINT_DN" 'add: patService' 'patService: imap' | ldap_admin_modify
    change "$MINT_DN" 'add: patService' 'patService: imap' |
        refused admin 20 patService ldapmodify
}

# --- members -----------------------------------------------------------------------------------

# road NAME: bob is taken out of cn=members of ORG, his only role there.
road() {
    local group=cn=members,$O

    case $1 in
    value) change "$group" 'delete: member' "member: $bob" | ldap_admin_modify ;;
    spelling)
        change "$group" 'delete: member' "member: UID=BOB, ou=People,$PAT_BASE" |
            ldap_admin_modify
        ;;
    attribute) change "$group" 'delete: member' | ldap_admin_modify ;;
    replaced) change "$group" 'replace: member' "member: $dave" | ldap_admin_modify ;;
    emptied) change "$group" 'replace: member' | ldap_admin_modify ;;
    several)
        change "$group" 'add: member' "member: $dave" - 'add: description' 'description: x' - \
            'delete: member' "member: $bob" - 'add: member' "member: $helen" |
            ldap_admin_modify
        ;;
    group) ldap_admin ldapdelete "$group" ;;
    class)
        change "$group" 'delete: objectClass' 'objectClass: patRoleGroup' - 'delete: patRole' - \
            'delete: member' | ldap_admin_modify
        ;;
    class-alone)
        change "$group" 'delete: patRole' - 'delete: objectClass' 'objectClass: patRoleGroup' |
            ldap_admin_modify
        ;;
    class-replaced)
        change "$group" 'replace: objectClass' 'objectClass: groupOfNames' - \
            'replace: patRole' | ldap_admin_modify
        ;;
    moved) ldap_admin ldapmodrdn -r -s "$orgs" "$group" "cn=$ORG" </dev/null ;;
    moved-to-org) ldap_admin ldapmodrdn -r -s "$OTHER_O" "$group" cn=newcomers </dev/null ;;
    esac
}

# A member of cn=members alone, of whatever class it is.
@test "a member who is removed, by whatever road, loses all tokens of that org, and no other" {
    local name first second third alice_dn globex_dn OTHER_ORG OTHER_O
    mint_self bob globex
    globex_dn=$MINT_DN
    new_org
    OTHER_ORG=$ORG OTHER_O=$O
    change_member delete bob "$ORG" members
    for name in value spelling attribute replaced emptied several group class class-alone \
        class-replaced moved moved-to-org; do
        printf '%s\n' "$name"
        ORG_CLASS=organizationalRole
        [[ $name != class-* ]] || ORG_CLASS=groupOfNames
        new_org
        mint_self alice "$ORG"
        alice_dn=$MINT_DN
        import bob "$ORG" 'patRevoked: 20200101000000Z' 'patRevokedReason: lost'
        third=$MINT_DN
        mint_self bob "$ORG"
        first=$MINT_ID
        mint_self bob "$ORG" 'patExpires: 20991231235959Z' 'patService: imap'
        second=$MINT_ID
        mark
        road "$name"
        is_revoked "patId=$first,ou=tokens,$O" "$PAT_ADMIN_DN" member-removed
        is_revoked "patId=$second,ou=tokens,$O" "$PAT_ADMIN_DN" member-removed
        same "$(get "$third" patRevoked) $(get "$third" patRevokedReason)" '20200101000000Z lost'
        is_live "$alice_dn"
        is_live "$globex_dn"
        same "$(new_events | grep -v '|target=uid=\(dave\|helen\),' | LC_ALL=C sort)" \
            "$(LC_ALL=C sort <<<"org_member.removed|by=cn=admin|target=uid=bob,ou=people|role=member
pat.revoked|by=cn=admin|target=$first|owner=uid=bob,ou=people|reason=member-removed
pat.revoked|by=cn=admin|target=$second|owner=uid=bob,ou=people|reason=member-removed")"
    done
    same "$(events globex "(patTarget=$bob)")" ''
    same "$(events "$OTHER_ORG" | tail -n 1)" \
        'org_member.added|by=cn=admin|target=uid=bob,ou=people|role=member'
}

@test "a member who is removed by somebody else than the rootdn: the log names who did it" {
    new_org
    mint_self bob "$ORG"
    mark
    change "cn=members,$O" 'delete: member' "member: $bob" | as ivan ldapmodify >/dev/null
    is_revoked "$MINT_DN" "uid=ivan,$people" member-removed
    same "$(new_events | grep -c '|by=uid=ivan,ou=people|')" 2
}

@test "a member with another role keeps the tokens; the log has the change of role" {
    new_org
    mint_self bob "$ORG"
    mark
    change_member add bob "$ORG" viewers
    change_member delete bob "$ORG" viewers
    same "$(new_events)" ''
    change_member add bob "$ORG" owners
    same "$(new_events)" 'org_member.role_changed|by=cn=admin|target=uid=bob,ou=people|from=member|to=owner'
    mark
    change_member delete bob "$ORG" members
    same "$(new_events)" ''
    change_member add bob "$ORG" viewers
    change_member delete bob "$ORG" owners
    same "$(new_events)" 'org_member.role_changed|by=cn=admin|target=uid=bob,ou=people|from=owner|to=viewer'
    is_live "$MINT_DN"
    change_member delete bob "$ORG" viewers
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
}

@test "a group whose role changes, or that is renamed or moved within its org, removes nobody" {
    new_org
    mint_self bob "$ORG"
    entry "ou=groups,$O" 'objectClass: organizationalUnit' | ldap_admin_add
    mark
    change "cn=members,$O" 'replace: patRole' 'patRole: writer' | ldap_admin_modify
    change "cn=members,$O" 'delete: patRole' 'patRole: writer' - 'add: patRole' \
        'patRole: owner' | ldap_admin_modify
    same "$(new_events)" \
        'org_member.role_changed|by=cn=admin|target=uid=bob,ou=people|from=member|to=writer
org_member.role_changed|by=cn=admin|target=uid=bob,ou=people|from=writer|to=owner'
    mark
    ldap_admin ldapmodrdn -r "cn=members,$O" cn=staff </dev/null
    ldap_admin ldapmodrdn -r -s "ou=groups,$O" "cn=staff,$O" cn=staff </dev/null
    change "cn=staff,ou=groups,$O" 'delete: member' "member: $bob" - 'add: member' \
        "member: $bob" | ldap_admin_modify
    change "cn=staff,ou=groups,$O" 'replace: member' "member: $bob" "member: $dave" |
        ldap_admin_modify
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=dave,ou=people|role=owner'
    is_live "$MINT_DN"
}

@test "much at once: one modify that changes a group's role, its members and itself" {
    new_org
    mint_self bob "$ORG"
    mark
    change "cn=members,$O" 'replace: patRole' 'patRole: viewer' - 'delete: member' \
        "member: $bob" - 'add: member' "member: $dave" "member: $alice" "member: $carol" - \
        'replace: description' 'description: x' | ldap_admin_modify
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
    same "$(new_events | LC_ALL=C sort)" \
        "org_member.added|by=cn=admin|target=uid=dave,ou=people|role=viewer
org_member.removed|by=cn=admin|target=uid=bob,ou=people|role=member
pat.revoked|by=cn=admin|target=$MINT_ID|owner=uid=bob,ou=people|reason=member-removed"
}

@test "a member who is added again does not get the old tokens back" {
    local before
    new_org
    mint_self bob "$ORG"
    change_member delete bob "$ORG" members
    before=$(get "$MINT_DN" patRevoked)
    mark
    change_member add bob "$ORG" members
    same "$(get "$MINT_DN" patRevoked)" "$before"
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=bob,ou=people|role=member'
    mint_self bob "$ORG"
    is_live "$MINT_DN"
}

# Tokens that were made while the hook was not there.
@test "whoever is added, by whatever road, loses the tokens that are left from before" {
    local name
    local -A dn=()
    for name in value group class moved; do
        new_org
        dn[$name]=$O
        # Not yet a role group, or not of this org.
        entry "cn=staff,$O" 'objectClass: groupOfNames' "member: $dave" | ldap_admin_add
        entry "cn=$ORG,$orgs" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' \
            'patRole: member' "member: $dave" | ldap_admin_add
    done
    for name in "${!dn[@]}"; do
        token "patId=left,ou=tokens,${dn[$name]}" "patOwner: $dave" \
            "patHash: $(printf %s "${dn[$name]}" | sha256sum | cut -c 1-64)"
        token "patId=alive,ou=tokens,${dn[$name]}" "patOwner: $bob" \
            "patHash: $(printf %s "${dn[$name]}." | sha256sum | cut -c 1-64)"
    done | import_offline
    for name in "${!dn[@]}"; do
        printf '%s\n' "$name"
        O=${dn[$name]} ORG=${dn[$name]#o=}
        ORG=${ORG%%,*}
        is_live "patId=left,ou=tokens,$O"
        mark
        case $name in
        value) change_member add dave "$ORG" members ;;
        group)
            entry "cn=new,$O" 'objectClass: groupOfNames' 'objectClass: patRoleGroup' \
                'patRole: member' "member: $dave" | ldap_admin_add
            ;;
        class)
            change "cn=staff,$O" 'add: objectClass' 'objectClass: patRoleGroup' - \
                'add: patRole' 'patRole: member' | ldap_admin_modify
            ;;
        moved) ldap_admin ldapmodrdn -s "$O" "cn=$ORG,$orgs" "cn=$ORG" </dev/null ;;
        esac
        is_revoked "patId=left,ou=tokens,$O" "$PAT_ADMIN_DN" member-removed
        is_live "patId=alive,ou=tokens,$O"
        same "$(new_events | LC_ALL=C sort)" \
            'org_member.added|by=cn=admin|target=uid=dave,ou=people|role=member
pat.revoked|by=cn=admin|target=left|owner=uid=dave,ou=people|reason=member-removed'
    done
}

@test "a removal that is refused, or that fails, revokes nothing" {
    new_org
    mint_self bob "$ORG"
    change "cn=members,$O" 'delete: member' "member: $bob" >"$BATS_TEST_TMPDIR/removal"
    refused bob 50 '' ldapmodify -f "$BATS_TEST_TMPDIR/removal"
    refused alice 50 '' ldapmodify -f "$BATS_TEST_TMPDIR/removal"
    refused patd 50 '' ldapmodify <"$BATS_TEST_TMPDIR/removal"
    refused bob 50 '' ldapdelete "cn=members,$O"
    refused bob 50 '' ldapmodrdn -s "$orgs" "cn=members,$O" cn=members </dev/null
    change "cn=members,$O" 'delete: member' "member: $dave" | refused admin 16 '' ldapmodify
    change "cn=members,$O" 'delete: member' "member: $bob" - 'delete: description' |
        refused admin 16 '' ldapmodify
    change "cn=members,$O" 'delete: member' "member: $bob" - 'add: mail' 'mail: x' |
        refused admin 65 '' ldapmodify
    change "cn=members,$O" 'delete: objectClass' 'objectClass: patRoleGroup' |
        refused admin 65 '' ldapmodify
    refused admin 66 '' ldapdelete "$O"
    refused admin 68 '' ldapmodrdn -r "cn=members,$O" cn=viewers </dev/null
    refused admin 32 '' ldapmodrdn -s "ou=nowhere,$O" "cn=members,$O" cn=members </dev/null
    is_live "$MINT_DN"
}

# --- people --------------------------------------------------------------------------------------

@test "a person who is deleted leaves all orgs, and no live token" {
    local here there other
    new_person erin
    erin=uid=erin,$people
    ORG_CLASS=groupOfNames new_org
    other=$O
    change "cn=owners,$O" 'replace: member' "member: $erin" | ldap_admin_modify
    mint_self erin "$ORG"
    there=$MINT_DN
    new_org
    change_member add erin "$ORG" members
    change_member add erin "$ORG" viewers
    mint_self erin "$ORG"
    here=$MINT_DN
    mark
    as helen ldapdelete "$erin"
    is_revoked "$here" "$helen" owner-deleted
    is_revoked "$there" "$helen" owner-deleted
    same "$(new_events | LC_ALL=C sort)" \
        "org_member.removed|by=uid=helen,ou=people|target=uid=erin,ou=people|reason=owner-deleted|role=member
pat.revoked|by=uid=helen,ou=people|target=${here:6:21}|owner=uid=erin,ou=people|reason=owner-deleted"
    same "$(get "cn=members,$O" member)" "$bob"
    same "$(get "cn=viewers,$O" member)" "$carol"
    # Where the group must have a member the last one stays, and is nobody.
    same "$(get "cn=owners,$other" member)" "$erin"
    same "$(get "cn=members,$other" member)" "$bob"
    # Somebody else of the same name is no member, and does not get the tokens.
    new_person erin
    is_revoked "$here" "$helen" owner-deleted
    token "patId=x,ou=tokens,$O" | refused erin 50 '' ldapadd "${secret[@]}"
    ldap_admin ldapdelete "$erin"
}

@test "a member by an attribute with an option is one, until the person is deleted" {
    new_person henry
    new_org
    change "cn=members,$O" 'add: member;lang-de' "member;lang-de: uid=henry,$people" |
        ldap_admin_modify
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=henry,ou=people|role=member'
    import henry "$ORG"
    ldap_admin ldapdelete "uid=henry,$people"
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" owner-deleted
    same "$(ldap_admin ldapsearch -LLL -b "$O" "(member=uid=henry,$people)" 1.1)" ''
}

@test "a person who is not deleted leaves nothing" {
    new_org
    mint_self bob "$ORG"
    refused bob 50 '' ldapdelete "$bob"
    refused alice 50 '' ldapdelete "$bob"
    refused admin 66 '' ldapdelete "$people"
    is_live "$MINT_DN"
}

@test "a person who is renamed, or moved, keeps roles and tokens" {
    local frank=uid=frank,$people
    new_person frank
    new_org
    change_member add frank "$ORG" members
    mint_self frank "$ORG"
    mark
    ldap_admin ldapmodrdn -r "$frank" uid=francis </dev/null
    same "$(get "cn=members,$O" member | sort)" "$bob
uid=francis,$people"
    same "$(get "$MINT_DN" patOwner)" "uid=francis,$people"
    entry "ou=staff,$PAT_BASE" 'objectClass: organizationalUnit' | ldap_admin_add
    as helen ldapmodrdn -r -s "ou=staff,$PAT_BASE" "uid=francis,$people" uid=frank </dev/null
    same "$(get "cn=members,$O" member | sort)" "$bob
uid=frank,ou=staff,$PAT_BASE"
    same "$(get "$MINT_DN" patOwner)" "uid=frank,ou=staff,$PAT_BASE"
    same "$(new_events)" \
        "org_member.renamed|by=cn=admin|target=uid=francis,ou=people|from=uid=frank,$people
org_member.renamed|by=uid=helen,ou=people|target=uid=frank,ou=staff|from=uid=francis,$people"
    is_live "$MINT_DN"
    # The old name is nobody's now.
    new_person frank
    token "patId=x,ou=tokens,$O" "patOwner: $frank" | refused admin 19 '' ldapadd "${secret[@]}"
    change "cn=members,$O" 'delete: member' "member: uid=frank,ou=staff,$PAT_BASE" |
        ldap_admin_modify
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
    ldap_admin ldapdelete "$frank" "uid=frank,ou=staff,$PAT_BASE" "ou=staff,$PAT_BASE"
}

@test "a person who is renamed to what a group names already is named there once" {
    new_org
    change_member add grace-hopper "$ORG" members
    new_person grace
    change_member add grace "$ORG" members
    mint_self grace "$ORG"
    ldap_admin ldapmodrdn -r "uid=grace,$people" uid=grace-hopper </dev/null
    same "$(get "cn=members,$O" member | sort)" "$bob
uid=grace-hopper,$people"
    is_live "$MINT_DN"
    ldap_admin ldapdelete "uid=grace-hopper,$people"
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" owner-deleted
}

@test "whoever gets the name of one who is gone, new or renamed, does not get the tokens" {
    local name
    new_person finn
    new_org
    change_member add finn "$ORG" members
    mint_self finn "$ORG"
    for name in fiona florian; do
        token "patId=$name,ou=tokens,$O" "patOwner: uid=$name,$people" \
            "patHash: $(printf %s "$name" | sha256sum | cut -c 1-64)"
    done | import_offline
    mark
    ldap_admin ldapmodrdn -r "uid=finn,$people" uid=fiona </dev/null
    new_person florian
    for name in fiona florian; do
        is_revoked "patId=$name,ou=tokens,$O" "$PAT_ADMIN_DN" owner-deleted
        printf 'pat.revoked|by=cn=admin|target=%s|owner=uid=%s,ou=people|reason=owner-deleted\n' \
            "$name" "$name"
    done >"$BATS_TEST_TMPDIR/events"
    same "$(new_events | grep -v ^org_member.renamed)" "$(<"$BATS_TEST_TMPDIR/events")"
    same "$(new_events | grep ^org_member.renamed)" \
        "org_member.renamed|by=cn=admin|target=uid=fiona,ou=people|from=uid=finn,$people"
    is_live "$MINT_DN"
    same "$(get "$MINT_DN" patOwner)" "uid=fiona,$people"
    # An entry that is nobody is let pass.
    entry "cn=nobody,$people" 'objectClass: organizationalRole' | ldap_admin_add
    ldap_admin ldapdelete "uid=fiona,$people" "uid=florian,$people" "cn=nobody,$people"
}

# All values that are not the server's own, but for the case of letters and the audit log.
plain_tree() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$PAT_BASE" \
        '(!(|(objectClass=patEvent)(ou=audit)))' '*' |
        tr '[:upper:]' '[:lower:]' | sort
}

@test "what holds the people is renamed: roles and tokens follow, there and back" {
    local before name
    new_org
    mint_self bob "$ORG"
    before=$(plain_tree)
    mark
    ldap_admin ldapmodrdn -r "$people" ou=folk </dev/null
    same "$(get "cn=members,$O" member)" "uid=bob,ou=folk,$PAT_BASE"
    same "$(get "cn=members,o=globex,$orgs" member | sort)" "uid=alice,ou=folk,$PAT_BASE
uid=bob,ou=folk,$PAT_BASE"
    same "$(get "$MINT_DN" patOwner)" "uid=bob,ou=folk,$PAT_BASE"
    is_live "$MINT_DN"
    ldap_admin ldapmodrdn -r "ou=folk,$PAT_BASE" ou=people </dev/null
    same "$(plain_tree)" "$before"
    same "$(new_events | LC_ALL=C sort)" "$(for name in alice bob carol; do
        printf 'org_member.renamed|by=cn=admin|target=uid=%s,ou=%s|from=uid=%s,ou=%s,%s\n' \
            $name folk $name people "$PAT_BASE" $name people $name folk "$PAT_BASE"
    done | LC_ALL=C sort)"
    refused bob 50 '' ldapmodrdn -r "$bob" uid=robert </dev/null
    refused admin 68 '' ldapmodrdn -r "$bob" uid=carol </dev/null
}

# --- the audit log -------------------------------------------------------------------------------

@test "the audit log: its container is made, its events have a name and a time" {
    local id
    new_org
    same "$(get "ou=audit,$O" objectClass)" organizationalUnit
    mint_self bob "$ORG"
    id=$(ldap_admin ldapsearch -LLL -b "$O" "(patTarget=$MINT_ID)" patEventId |
        sed -n 's/^patEventId: //p')
    [[ $id == ?* ]]
    same "$(get "patEventId=$id,ou=audit,$O" patAction)" pat.created
    is_recent "$(get "patEventId=$id,ou=audit,$O" patEventTime)"
    same "$(get "patEventId=$id,ou=audit,$O" patActor)" "$bob"
    same "$(ldap_admin ldapsearch -LLL -b "$O" '(objectClass=patEvent)' patEventId |
        sed -n 's/^patEventId: //p' | sort | uniq -d)" ''
    # The rootdn may clear it away; then it is made again.
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$O" '(objectClass=patEvent)' 1.1 |
        sed -n 's/^dn: //p' | ldap_admin ldapdelete
    ldap_admin ldapdelete "ou=audit,$O"
    mint_self bob "$ORG"
    same "$(events "$ORG")" \
        "pat.created|by=uid=bob,ou=people|target=$MINT_ID|owner=uid=bob,ou=people"
}

@test "the audit log: a name that is too long is cut between its characters" {
    local name
    new_org
    for name in "$(printf 'ä%.0s' {1..700})" "a$(printf 'ä%.0s' {1..700})" \
        "ab$(printf '€%.0s' {1..500})" "$(printf '𝔞%.0s' {1..400})" "$(printf 'a%.0s' {1..2000})"; do
        mark
        mint_self bob "$ORG" "cn: $name"
        same "$(new_events | LC_ALL=C grep -o 'name=.*')" \
            "name=$(printf %s "$name" | head -c 1019 | iconv -c -f UTF-8 -t UTF-8)"
    done
}

@test "the audit log is nobody's to write but the rootdn's, whatever the rules of access say" {
    local who event text
    new_org
    event=$(ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$O" '(objectClass=patEvent)' 1.1 |
        sed -n 's/^dn: //p' | head -n 1)
    # The rules of access keep alice out, and the hook the others.
    for who in helen ivan alice; do
        text='audit log'
        [[ $who != alice ]] || text='access'
        entry "patEventId=x,ou=audit,$O" 'objectClass: patEvent' 'patAction: pat.used' \
            "patEventTime: $(now_gt)" | refused "$who" 50 "$text" ldapadd
        change "$event" 'replace: patActor' "patActor: $dave" | refused "$who" 50 "$text" ldapmodify
        change "$event" 'add: patDetail' 'patDetail: a=b' | refused "$who" 50 "$text" ldapmodify
        change "$event" 'replace: createTimestamp' 'createTimestamp: 20200101000000Z' |
            refused "$who" 50 '' ldapmodify -e '!relax'
        refused "$who" 50 "$text" ldapdelete "$event"
        refused "$who" 50 "$text" ldapmodrdn -r "$event" patEventId=y </dev/null
        refused "$who" 50 "$text" ldapmodrdn -r -s "$orgs" "$event" patEventId=y </dev/null
        refused "$who" 50 "$text" ldapmodrdn -r "ou=audit,$O" ou=history </dev/null
        refused "$who" 50 "$text" ldapmodrdn -r -s "$people" "ou=audit,$O" ou=audit </dev/null
    done
    entry "patEventId=x,$people" 'objectClass: patEvent' 'patAction: pat.used' \
        "patEventTime: $(now_gt)" | refused helen 50 'audit log' ldapadd
    # The owner of the org reads it, members do not.
    [[ $(ldap_as alice ldapsearch -LLL -b "$O" '(objectClass=patEvent)' 1.1) == *patEventId=* ]]
    same "$(ldap_as bob ldapsearch -LLL -b "$O" '(objectClass=patEvent)' 1.1)" ''
}

@test "a last use that patd writes is an event; the same again, or without a time, is none" {
    local verifier=cn=patd,ou=services
    new_org
    mint_self bob "$ORG"
    mark
    change "$MINT_DN" 'add: patLastUsed' 'patLastUsed: 20260101000000Z' - \
        'add: patLastUsedFrom' 'patLastUsedFrom: imap@host from 192.0.2.7' | ldap_patd ldapmodify
    same "$(new_events)" "pat.used|by=uid=bob,ou=people|target=$MINT_ID|owner=uid=bob,ou=people|\
via=$MINT_ID|from=imap@host from 192.0.2.7|verifier=$verifier,$PAT_BASE"
    mark
    change "$MINT_DN" 'delete: patLastUsed' 'patLastUsed: 20260101000000Z' - 'add: patLastUsed' \
        'patLastUsed: 20260102000000Z' | ldap_patd ldapmodify
    same "$(new_events | wc -l)" 1
    mark
    change "$MINT_DN" 'replace: patLastUsed' 'patLastUsed: 20260102000000Z' | ldap_patd ldapmodify
    change "$MINT_DN" 'replace: patLastUsedFrom' 'patLastUsedFrom: sshd@host' |
        ldap_patd ldapmodify
    same "$(new_events)" ''
    # Who comes second with the old value loses, and leaves no event.
    change "$MINT_DN" 'delete: patLastUsed' 'patLastUsed: 20260101000000Z' - 'add: patLastUsed' \
        'patLastUsed: 20260103000000Z' | refused patd 16 '' ldapmodify
    change "$MINT_DN" 'replace: patLastUsed' 'patLastUsed: 20260103000000Z' |
        refused bob 50 '' ldapmodify
}

# --- the secret ------------------------------------------------------------------------------------

# dumps_with FILE LOG
# Of which dumps in a log of slapd is a line of FILE a part? A dump is lines of 16 bytes;
# "lines" are all other lines.
dumps_with() {
    LC_ALL=C awk '
        # What all needles begin with is sought first: they are many, and so are the lines.
        NR == FNR {
            needles[$0]
            if (NR == 1)
                prefix = $0
            while (index($0, prefix) != 1)
                prefix = substr(prefix, 1, length(prefix) - 1)
            next
        }
        function found(text,    needle) {
            if (!index(text, prefix))
                return 0
            for (needle in needles)
                if (index(text, needle))
                    return 1
            return 0
        }
        function flush() {
            if (found(text))
                print kind
            text = ""
        }
        match($0, /  [0-9a-f]+:  [0-9a-f][0-9a-f] /) {
            if ($0 ~ /  0000:  [0-9a-f][0-9a-f] /) {
                flush()
                kind = last
            }
            text = text substr($0, RSTART + RLENGTH - 3 + 51, 16)
            next
        }
        found($0) { print "lines" }
        match($0, /(ldap_read|ldap_write|ber_dump|ber_flush2|ber_get_next|bdb)/) {
            last = substr($0, RSTART, RLENGTH)
        }
        END { flush() }' "$1" "$2" | sort -u
}

@test "the secret stands nowhere: not in the database, a backup, or a log of slapd at its loudest" {
    local file=$BATS_TEST_TMPDIR/token log
    OTHER=$BATS_TEST_TMPDIR/loud
    PAT_SLAPD_DEBUG=-1 "$ROOT/tests/sandbox" start --no-patd "$OTHER"
    log=$OTHER/log/slapd.log
    (
        . "$OTHER/env"
        mint_self bob acme 'cn: a name of some twenty letters' 'description: sought in dumps, too'
        (umask 077 && printf '%s\n' "$MINT_TOKEN" >"$file")
        # Each of many at once on a connection, whose dumps are not one's own to turn off.
        python3 -IS "$ROOT/tests/tools/hook_atomic.py" mints 300 "$bob" "ou=tokens,o=acme,$orgs" \
            >>"$file"
        revoke "$MINT_DN"
        change_member delete bob acme members
        snapshot "o=acme,$orgs" >"$OTHER/log/snapshot"
    )
    "$ROOT/tests/sandbox" slapd-stop "$OTHER"
    LDAPNOINIT=1 /usr/sbin/slapcat -F "$OTHER/etc/slapd.d" -n 1 >"$OTHER/log/slapcat" 2>/dev/null
    # What the search would find: the name, which came in and went out.
    grep -q '^cn: a name of some twenty letters' "$OTHER/log/slapcat"
    printf 'a name of some twenty letters\n' >"$BATS_TEST_TMPDIR/name"
    [[ $(dumps_with "$BATS_TEST_TMPDIR/name" "$log") == *ldap_read*ldap_write* ]]
    [[ -n $(files_that_match -F 'a name of some twenty letters' -- "$OTHER/db") ]]
    same "$(dumps_with "$file" "$log")" ''
    same "$(files_that_match -F -f "$file" -- "$OTHER/")" ''
}

# --- controls ----------------------------------------------------------------------------------

@test "no-op: a dry run of everything, after which nothing has changed" {
    local control
    new_org
    mint_self bob "$ORG"
    for control in noop '!noop'; do
        token "patId=x,ou=tokens,$O" | refused bob 14 'No Operation' ldapadd "${secret[@]}" -e "$control"
        token "patId=x,ou=tokens,$O" "patOwner: $bob" "patHash: $(hex 9)" |
            refused admin 14 'No Operation' ldapadd -e "$control"
        change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' |
            refused bob 14 'No Operation' ldapmodify -e "$control"
        change "$MINT_DN" 'replace: patOwner' "patOwner: $alice" |
            refused admin '@(14|19)' '' ldapmodify -e "$control"
        change "cn=members,$O" 'delete: member' "member: $bob" |
            refused admin 14 'No Operation' ldapmodify -e "$control"
        refused admin 14 'No Operation' ldapdelete -e "$control" "$MINT_DN"
        refused admin 14 'No Operation' ldapdelete -e "$control" "cn=members,$O"
        refused admin 14 'No Operation' ldapdelete -e "$control" "$bob"
        refused admin 14 'No Operation' ldapmodrdn -r -e "$control" "$bob" uid=rob </dev/null
        refused admin 14 'No Operation' ldapmodrdn -s "$orgs" -e "$control" "cn=members,$O" \
            cn=members </dev/null
    done
}

@test "the deletion of a whole tree is refused" {
    local dn
    new_org
    mint_self bob "$ORG"
    for dn in "$O" "ou=tokens,$O" "$people" "$orgs"; do
        refused admin 12 '' ldapdelete -e '!1.2.840.113556.1.4.805' "$dn"
        refused admin 66 '' ldapdelete -e 1.2.840.113556.1.4.805 "$dn"
    done
}

@test "transactions of a client are refused, on token data and elsewhere" {
    local lines
    new_org
    mint_self bob "$ORG"
    while IFS= read -r lines; do
        printf '%s\n' "${lines//|/$'\n'}" |
            refused admin 53 'pat: LDAP transactions' transaction
    done <<EOF
dn: patId=x,ou=tokens,$O|changetype: add|objectClass: patToken|patOwner: $bob
dn: patId=x,ou=tokens,$O|changetype: add|objectClass: patToken|patOwner: $bob|patHash: $(hex 8)
dn: $MINT_DN|changetype: modify|add: patRevoked|patRevoked: 20200101000000Z
dn: $MINT_DN|changetype: delete
dn: cn=members,$O|changetype: modify|delete: member|member: $bob
dn: cn=members,$O|changetype: delete
dn: $bob|changetype: delete
dn: $bob|changetype: modrdn|newrdn: uid=rob|deleteoldrdn: 1
dn: $bob|changetype: modify|replace: description|description: x||dn: $MINT_DN|changetype: delete
dn: ou=new,$PAT_BASE|changetype: add|objectClass: organizationalUnit||dn: $MINT_DN|changetype: delete
dn: $bob|changetype: modify|replace: description|description: x
EOF
}

@test "an assertion that fails changes nothing" {
    new_org
    mint_self bob "$ORG"
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20200101000000Z' |
        refused admin 122 '' ldapmodify -e '!assert=(cn=other)'
    change "cn=members,$O" 'delete: member' "member: $bob" |
        refused admin 122 '' ldapmodify -e '!assert=(cn=other)'
    refused admin 122 '' ldapdelete -e '!assert=(cn=other)' "$MINT_DN"
    change "cn=members,$O" 'delete: member' "member: $bob" |
        ldap_admin ldapmodify -e '!assert=(cn=members)'
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
}

@test "the modify that removes a member tells a pre-read and a post-read what it always told" {
    local said
    new_org
    mint_self bob "$ORG"
    said=$(change "cn=members,$O" 'add: member' "member: $dave" - 'delete: member' "member: $bob" |
        ldap_admin ldapmodify -o ldif-wrap=no -e preread=member -e postread=member)
    same "$(sed -n 's/^member: //p' <<<"$said")" "$bob
$dave"
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
}

@test "a permissive modify and one with the relax control are no way round" {
    new_org
    mint_self bob "$ORG"
    revoke "$MINT_DN"
    change "$MINT_DN" 'add: patRevoked' 'patRevoked: 20991231235959Z' |
        refused admin 19 '' ldapmodify -e '!1.2.840.113556.1.4.1413'
    change "$MINT_DN" 'replace: patHash' "patHash: $(hex 4)" | refused admin 19 '' ldapmodify -e '!relax'
    token "patId=x,ou=tokens,$O" "patOwner: $dave" |
        refused admin 19 '' ldapadd "${secret[@]}" -e '!relax'
    refused admin 53 '' ldapmodrdn -e '!relax' -r "$MINT_DN" patId=y </dev/null
}

# --- many at once --------------------------------------------------------------------------------

@test "two hundred tokens are revoked in the one modify" {
    local i
    new_org
    for i in {1..200}; do
        token "patId=t$i,ou=tokens,$O" "patOwner: $bob" "$(printf 'patHash: %064x' $((1000 + i)))"
    done | ldap_admin_add
    mark
    change_member delete bob "$ORG" members
    same "$(ldap_admin ldapsearch -LLL -b "$O" '(&(objectClass=patToken)(!(patRevoked=*)))' 1.1)" ''
    same "$(new_events | grep -c '^pat.revoked|.*|reason=member-removed$')" 200
    same "$(new_events | wc -l)" 201
}

@test "mints that race with the removal of their owner leave no live token" {
    local i pid pids=()
    new_org
    for i in 1 2 3 4 5 6; do
        (
            exec 3>&- >/dev/null 2>&1
            for _ in 1 2 3 4 5 6 7 8 9 10; do
                mint_self bob "$ORG" || true
            done
        ) &
        pids+=($!)
    done
    wait_for 40 eval '[[ $(new_events | grep -c "^pat.created") -ge 10 ]]'
    change_member delete bob "$ORG" members
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
    same "$(ldap_admin ldapsearch -LLL -b "$O" \
        "(&(objectClass=patToken)(patOwner=$bob)(!(patRevoked=*)))" 1.1)" ''
    same "$(new_events | grep -c '^pat.created')" "$(new_events | grep -c '^pat.revoked')"
}

# --- settings ------------------------------------------------------------------------------------

@test "settings take effect at once, and their defaults again" {
    new_org
    set_hook olcPatPrefix ci-bot_
    MINT_TOKEN=''
    token "patId=p,ou=tokens,$O" | ldap_as bob ldapadd "${secret[@]}" |
        grep -qE '^patSecret: ci-bot_[0-9A-Za-z]{38}$'
    set_hook olcPatPrefix
    mint_self bob "$ORG"
    [[ $MINT_TOKEN == rhp_* ]]

    set_hook olcPatAudit ou=history
    mark
    mint_self bob "$ORG"
    same "$(new_events)" "pat.created|by=uid=bob,ou=people|target=$MINT_ID|owner=uid=bob,ou=people"
    same "$(ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "ou=history,$O" "(patTarget=$MINT_ID)" 1.1 |
        grep -c '^dn: patEventId=')" 1
    set_hook olcPatAudit
    mint_self bob "$ORG"
    same "$(ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "ou=audit,$O" "(patTarget=$MINT_ID)" 1.1 |
        grep -c '^dn: patEventId=')" 1

    set_hook olcPatRoleOrder viewer,member,owner
    mark
    change_member add bob "$ORG" owners
    same "$(new_events)" ''
    change_member add bob "$ORG" viewers
    same "$(new_events)" 'org_member.role_changed|by=cn=admin|target=uid=bob,ou=people|from=member|to=viewer'
    set_hook olcPatRoleOrder
    change_member delete bob "$ORG" viewers
    same "$(new_events | tail -n +2)" ''

    set_hook olcPatLoginAttr mail
    mint_self alice "$ORG"
    token "patId=x,ou=tokens,$O" "patOwner: $helen" | refused admin 19 '' ldapadd "${secret[@]}"
    change_member add helen "$ORG" members
    token "patId=x,ou=tokens,$O" "patOwner: $helen" | refused admin 19 '' ldapadd "${secret[@]}"
    set_hook olcPatLoginAttr
    token "patId=x,ou=tokens,$O" "patOwner: $helen" | ldap_admin ldapadd "${secret[@]}" >/dev/null

    set_hook olcPatAuditUse FALSE
    mark
    change "$MINT_DN" 'replace: patLastUsed' 'patLastUsed: 20260101000000Z' | ldap_patd ldapmodify
    same "$(new_events)" ''
    set_hook olcPatAuditUse
    change "$MINT_DN" 'replace: patLastUsed' 'patLastUsed: 20260102000000Z' | ldap_patd ldapmodify
    same "$(new_events | cut -d'|' -f1)" pat.used
}

@test "roles that are not in the order come after it, by the alphabet" {
    local role
    new_org
    for role in zeta alpha beta; do
        entry "cn=$role,$O" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' \
            "patRole: $role"
    done | ldap_admin_add
    change_member add dave "$ORG" zeta
    change_member add dave "$ORG" alpha
    change_member add dave "$ORG" beta
    change_member add dave "$ORG" viewers
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=dave,ou=people|role=zeta
org_member.role_changed|by=cn=admin|target=uid=dave,ou=people|from=zeta|to=alpha
org_member.role_changed|by=cn=admin|target=uid=dave,ou=people|from=alpha|to=viewer'
}

@test "settings refused: values that make no sense, with a text that says so" {
    local code attribute value
    while IFS='|' read -r code attribute value; do
        change "$hook" "replace: $attribute" "$attribute:${value:+ $value}" |
            BASE=$mdb refused admin "$code" "$attribute" ldapmodify
    done <<'EOF'
21|olcPatPrefix|
80|olcPatPrefix|a b
80|olcPatPrefix|rhp.
80|olcPatPrefix|12345678901234567
21|olcPatAudit|
80|olcPatAudit|audit
80|olcPatAudit|cn=audit
80|olcPatAudit|ou=
80|olcPatAudit|ou=a,ou=b
80|olcPatAudit|ou=a+cn=b
80|olcPatRoleOrder|,
80|olcPatRoleOrder|owner,,member
21|olcPatLoginAttr|
80|olcPatLoginAttr|noSuchAttribute
80|olcPatLoginAttr|uid,mail
21|olcPatAuditUse|perhaps
EOF
    change "$hook" 'replace: olcPatPrefix' 'olcPatPrefix: a_' 'olcPatPrefix: b_' |
        BASE=$mdb refused admin 19 '' ldapmodify
    mint_self bob acme
}

# --- opening -------------------------------------------------------------------------------------

# opens LINE...
# Does slapd start with these lines of slapd.conf, from the first database on? Sets said to
# what it says.
opens() {
    local conf=$BATS_TEST_TMPDIR/slapd.conf db=$BATS_TEST_TMPDIR/db uri file pid end rc=0

    uri=ldapi://${db//\//%2F}%2Fs
    rm -rf "$db"
    mkdir -p "$db"/{1,2}
    {
        for file in core cosine inetorgperson; do
            printf 'include /etc/ldap/schema/%s.schema\n' "$file"
        done
        [[ -n ${NO_SCHEMA-} ]] || printf 'include %s\n' "$ROOT/schema/pat.schema"
        printf 'modulepath /usr/lib/ldap\n'
        printf 'moduleload %s\n' back_mdb back_null back_ldap ppolicy "${MODULE-$PAT_HOOK_MODULE}"
        printf '%s\n' "${@//@DB@/$db}"
    } >"$conf"
    LDAPNOINIT=1 /usr/sbin/slapd -d config,none -f "$conf" -h "$uri" >"$BATS_TEST_TMPDIR/said" \
        2>&1 3>&- &
    pid=$!
    end=$((SECONDS + 30 * PAT_TIME_SCALE))
    until LDAPNOINIT=1 ldapwhoami -x -H "$uri" -o nettimeout=$((10 * PAT_TIME_SCALE)) >/dev/null 2>&1; do
        if [[ ! -e /proc/$pid/exe ]] || ((SECONDS > end)); then
            rc=1
            break
        fi
        sleep 0.02
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
    said=$(<"$BATS_TEST_TMPDIR/said")
    return "$rc"
}

# refuses_to_open TEXT LINE...
refuses_to_open() {
    local text=$1 said
    shift

    if opens "$@" || [[ $said != *pat*"$text"* ]]; then
        printf 'not refused, or without "%s":\n%s\n' "$text" "$said"
        return 1
    fi
}

DATABASE=('database mdb' "suffix dc=example,dc=com" 'directory @DB@/1')
ROOTDN='rootdn cn=admin,dc=example,dc=com'

@test "it opens with its settings in slapd.conf, below other overlays" {
    opens "${DATABASE[@]}" "$ROOTDN" 'overlay pat' 'pat-prefix ci_' 'pat-audit ou=log' \
        'pat-role-order admin,user' 'pat-login-attr mail' 'pat-audit-use off' 'overlay ppolicy'
}

@test "it does not open: without a rootdn" {
    refuses_to_open RootDN "${DATABASE[@]}" 'overlay pat'
}

@test "it does not open: not the innermost overlay, or twice" {
    refuses_to_open innermost "${DATABASE[@]}" "$ROOTDN" 'overlay ppolicy' 'overlay pat'
    refuses_to_open '' "${DATABASE[@]}" "$ROOTDN" 'overlay pat' 'overlay pat'
}

@test "it does not open beside a refused overlay, which the text names" {
    refuses_to_open 'overlay rwm beside overlay pat, database "dc=example,dc=com": rwm rewrites' \
        'moduleload rwm' "${DATABASE[@]}" "$ROOTDN" 'overlay pat' 'overlay rwm'
    refuses_to_open 'overlay pcache beside overlay pat' 'moduleload pcache' "${DATABASE[@]}" \
        "$ROOTDN" 'overlay pat' 'overlay pcache' 'pcache mdb 100 1 10 100' 'pcacheattrset 0 *' \
        'directory @DB@/2'
    refuses_to_open 'overlay translucent beside overlay pat' 'moduleload translucent' \
        "${DATABASE[@]}" "$ROOTDN" 'overlay pat' 'overlay translucent' 'uri ldap://192.0.2.1'
    # Above all databases.
    refuses_to_open 'overlay rwm beside overlay pat' 'moduleload rwm' 'database frontend' \
        'overlay rwm' "${DATABASE[@]}" "$ROOTDN" 'overlay pat'
    # Another database accepts each.
    opens 'moduleload rwm' "${DATABASE[@]}" "$ROOTDN" 'overlay pat' 'database null' \
        'suffix dc=other' 'overlay rwm'
}

@test "it does not open: on another backend than mdb, the frontend or cn=config" {
    refuses_to_open mdb 'database null' 'suffix dc=example,dc=com' "$ROOTDN" 'overlay pat'
    refuses_to_open mdb 'database ldap' 'suffix dc=example,dc=com' "$ROOTDN" \
        'uri ldap://192.0.2.1' 'overlay pat'
    refuses_to_open '' 'database frontend' 'overlay pat' "${DATABASE[@]}" "$ROOTDN"
    refuses_to_open '' 'database config' 'overlay pat' "${DATABASE[@]}" "$ROOTDN"
    refuses_to_open '' 'database monitor' "$ROOTDN" 'overlay pat'
}

@test "it does not open: with settings that make no sense" {
    local line
    for line in 'pat-prefix a.b' 'pat-audit cn=audit' 'pat-role-order a,,b' \
        'pat-login-attr noSuchAttribute' 'pat-audit-use perhaps' 'pat-unknown x'; do
        refuses_to_open "${line%% *}" "${DATABASE[@]}" "$ROOTDN" 'overlay pat' "$line"
    done
}

@test "it does not open: on a glued database" {
    refuses_to_open subordinate 'database mdb' 'suffix ou=orgs,dc=example,dc=com' \
        "$ROOTDN" 'directory @DB@/2' subordinate 'overlay pat' "${DATABASE[@]}" "$ROOTDN"
}

@test "it does not open: without its schema" {
    NO_SCHEMA=1 refuses_to_open schema "${DATABASE[@]}" "$ROOTDN" 'overlay pat'
}

@test "it does not load into another slapd than it was built for" {
    local version other
    version=$(/usr/sbin/slapd -VV 2>&1 | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
    other=${version//[0-9]/9}
    MODULE=$BATS_TEST_TMPDIR/other.so
    LC_ALL=C sed "s/${version//./\\.}/$other/g" "$PAT_HOOK_MODULE" >"$MODULE"
    run ! cmp -s "$PAT_HOOK_MODULE" "$MODULE"
    MODULE=$MODULE refuses_to_open "$other" "${DATABASE[@]}" "$ROOTDN" 'overlay pat'
}

@test "cn=config: a second pat and an overlay below it are refused; one moved below it stops all changes" {
    new_org
    mint_self bob "$ORG"
    entry "olcOverlay=pat,$mdb" 'objectClass: olcOverlayConfig' 'objectClass: olcPatConfig' \
        'olcOverlay: pat' | BASE=$mdb refused admin 80 'already in list' ldapadd
    entry "olcOverlay={0}ppolicy,$mdb" 'objectClass: olcOverlayConfig' \
        'objectClass: olcPPolicyConfig' 'olcOverlay: {0}ppolicy' |
        BASE=$mdb refused admin 53 'without a number' ldapadd
    # slapd moves what is there without asking.
    entry "olcOverlay=ppolicy,$mdb" 'objectClass: olcOverlayConfig' \
        'objectClass: olcPPolicyConfig' 'olcOverlay: ppolicy' | ldap_admin_add
    ldap_admin ldapmodrdn "olcOverlay={1}ppolicy,$mdb" 'olcOverlay={0}ppolicy'
    token "patId=x,ou=tokens,$O" | refused bob 53 innermost ldapadd "${secret[@]}"
    change "cn=members,$O" 'delete: member' "member: $bob" | refused admin 53 innermost ldapmodify
    change "$MINT_DN" 'replace: patOwner' "patOwner: $alice" | refused admin 53 innermost ldapmodify
    refused admin 53 innermost ldapdelete "$MINT_DN"
    ldap_admin ldapdelete "olcOverlay={0}ppolicy,$mdb"
    change_member delete bob "$ORG" members
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
}

@test "cn=config: it may go and come while slapd runs; what was done meanwhile is not lost" {
    new_org
    mint_self bob "$ORG"
    ldap_admin ldapdelete "$hook"
    change_member delete bob "$ORG" members
    is_live "$MINT_DN"
    put_hook_back
    token "patId=x,ou=tokens,$O" "patOwner: $bob" | refused admin 19 '' ldapadd "${secret[@]}"
    change_member add bob "$ORG" members
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
}

# --- tools -------------------------------------------------------------------------------------

@test "slapd's own tools work with it: slapcat, slapindex, slapadd, slaptest" {
    local before
    new_org
    mint_self bob "$ORG"
    sandbox slapd-stop
    before=$(offline slapcat -n 1 2>/dev/null)
    grep -q "^dn: $MINT_DN" <<<"$(sed -e ':a' -e 'N;$!ba' -e 's/\n //g' <<<"$before")"
    offline slapindex -q -n 1 2>/dev/null
    offline slaptest -u 2>/dev/null
    same "$(offline slapcat -n 1 2>/dev/null)" "$before"
    # What slapadd loads is as it was: the hook does not look at it.
    OTHER=$BATS_TEST_TMPDIR/copy
    "$ROOT/tests/sandbox" start --no-patd --empty "$OTHER"
    "$ROOT/tests/sandbox" slapd-stop "$OTHER"
    LDAPNOINIT=1 /usr/sbin/slapadd -F "$OTHER/etc/slapd.d" -n 1 <<<"$before" 2>/dev/null
    same "$(LDAPNOINIT=1 /usr/sbin/slapcat -F "$OTHER/etc/slapd.d" -n 1 2>/dev/null |
        grep . | sort)" "$(grep . <<<"$before" | sort)"
    "$ROOT/tests/sandbox" slapd-start "$OTHER"
    (
        . "$OTHER/env"
        is_live "$MINT_DN"
        change_member delete bob "$ORG" members
        is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
    )
    sandbox slapd-start
}

# --- the end of an org ---------------------------------------------------------------------------

# below BASE: the names of all entries there, in the order of the server's answer.
below() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$1" '(objectClass=*)' 1.1 2>/dev/null |
        sed -n 's/^dn: //p'
}

# slapd_logged TEXT: since the test began to look.
slapd_logged() { tail -n "+$((log_seen + 1))" "$SANDBOX/log/slapd.log" | grep -qF -- "$1"; }

# full_org: with tokens of two members, one of them revoked.
full_org() {
    new_org
    import carol "$ORG"
    import bob "$ORG"
    import bob "$ORG"
    revoke_dn "$MINT_DN"
    import bob "$ORG"
    log_seen=$(wc -l <"$SANDBOX/log/slapd.log")
}

revoke_dn() { change "$1" 'replace: patRevoked' "patRevoked: $(now_gt)" | ldap_admin_modify; }

@test "an org is deleted by ldapdelete -r, and the events of its deletion are in slapd's log" {
    full_org
    ldap_admin ldapdelete -r "$O"
    same "$(below "$O")" ''
    slapd_logged '"action": "org_member.removed"'
}

@test "an org is deleted by one search, in the reverse order of its answer" {
    full_org
    below "$O" | tac >"$BATS_TEST_TMPDIR/dns"
    ldap_admin ldapdelete -f "$BATS_TEST_TMPDIR/dns"
    same "$(below "$O")" ''
    slapd_logged '"action": "pat.revoked"'
}

@test "an org is deleted by one search, the longest name first" {
    full_org
    below "$O" | awk '{ print length($0) "\t" $0 }' | sort -rn | cut -f 2- \
        >"$BATS_TEST_TMPDIR/dns"
    ldap_admin ldapdelete -f "$BATS_TEST_TMPDIR/dns"
    same "$(below "$O")" ''
}

@test "an org is deleted by one search, its log before its groups and tokens" {
    full_org
    below "$O" | tac | awk '/patEventId/ { print 1 "\t" $0; next } /^ou=audit/ { print 2 "\t" $0; next }
        /patId/ { print 4 "\t" $0; next } /^cn=/ { print 3 "\t" $0; next } { print 5 "\t" $0 }' |
        sort -s -n -k 1,1 | cut -f 2- >"$BATS_TEST_TMPDIR/dns"
    ldap_admin ldapdelete -f "$BATS_TEST_TMPDIR/dns"
    same "$(below "$O")" ''
}

@test "a log that was deleted by hand: a group's deletion still revokes, and slapd's log has it" {
    full_org
    ldap_admin ldapdelete -r "ou=audit,$O"
    ldap_admin ldapdelete "cn=members,$O"
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
    slapd_logged "\"target\": \"$MINT_ID\""
    same "$(get "ou=audit,$O" ou)" ''
}

@test "a log that was deleted by hand is created again, except by the org's deletion" {
    new_org
    new_person rita
    change "cn=members,$O" 'add: member' "member: uid=rita,$people" | ldap_admin_modify
    import bob "$ORG" && first=$MINT_DN
    import bob "$ORG"
    # A revocation,
    ldap_admin ldapdelete -r "ou=audit,$O"
    revoke_dn "$first"
    same "$(events "$ORG" | cut -d '|' -f 1)" pat.revoked
    # a token,
    ldap_admin ldapdelete -r "ou=audit,$O"
    mint_self bob "$ORG"
    same "$(events "$ORG" | cut -d '|' -f 1)" pat.created
    # the deletion of a person elsewhere,
    ldap_admin ldapdelete -r "ou=audit,$O"
    ldap_admin ldapdelete "uid=rita,$people"
    same "$(events "$ORG" | cut -d '|' -f 1)" org_member.removed
    # and a deletion in the org by another client than the rootdn.
    ldap_admin ldapdelete -r "ou=audit,$O"
    as helen ldapdelete "$MINT_DN"
    same "$(events "$ORG" | cut -d '|' -f 1)" pat.revoked
}

@test "a log is deleted with its container only if all its events are the rootdn's removals" {
    full_org
    # It has what was done before,
    refused admin 66 '' ldapdelete "ou=audit,$O" </dev/null
    # or events of another client.
    below "ou=audit,$O" | grep ^patEventId | ldap_admin ldapdelete
    as helen ldapdelete "$MINT_DN"
    refused admin 66 '' ldapdelete "ou=audit,$O" </dev/null
    refused helen '[1-9]*' '' ldapdelete "ou=audit,$O" </dev/null
    below "ou=audit,$O" | grep ^patEventId | ldap_admin ldapdelete
    ldap_admin ldapdelete "cn=members,$O"
    refused helen '[1-9]*' '' ldapdelete "ou=audit,$O" </dev/null
    # No more than its own container, even then.
    refused admin 66 '' ldapdelete "$O" </dev/null
    refused admin '[1-9]*' '' ldapdelete -e \!noop "ou=audit,$O" </dev/null
    # A role group gives roles, and its deletion may be refused.
    change "ou=audit,$O" 'add: objectClass' 'objectClass: patRoleGroup' - 'add: patRole' \
        'patRole: viewer' | ldap_admin_modify
    refused admin 66 '' ldapdelete "ou=audit,$O" </dev/null
    change "ou=audit,$O" 'delete: objectClass' 'objectClass: patRoleGroup' - 'delete: patRole' |
        ldap_admin_modify
    ldap_admin ldapdelete "ou=audit,$O"
    same "$(get "ou=audit,$O" ou)" ''
    slapd_logged 'event deleted with its audit log: {'
}
