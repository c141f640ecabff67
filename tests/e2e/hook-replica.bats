#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The overlay on servers that replicate: consumers get every change that it makes, once,
# whoever dies on the way; no lock is held for ever; and a token that is revoked on the
# provider is refused at the consumer, too.

load common
load replica

bats_require_minimum_version 1.5.0

setup_file() {
    local uri

    provides | config provider syncprov
    server provider
    uri=$LDAPURI
    consumes 1 | config consumer
    server consumer --no-patd --empty
    # Last-used writes go to the provider.
    printf 'write_uri = %s\n' "$uri" >>"$PAT_CONF"
    sandbox patd-start
    pam_service consumer
    equal provider consumer
}

teardown_file() {
    servers_down
}

setup() {
    use provider
    BACKGROUND_PIDS=()
    belongs
}

teardown() {
    load_ends
    end_background
    servers_down one two filtered log delta
}

@test "20 s of everything at once: nobody hangs, the events are right, the consumer is equal" {
    load_server "${LOAD_SECONDS:-20}" reads_consumer
    load_is_right
    equal provider consumer
    printf '# events: %s, tokens: %s, revoked: %s\n' "$(count '(objectClass=patEvent)')" \
        "$(count '(objectClass=patToken)')" "$(count '(patRevoked=*)')" >&3
}

reads_consumer() {
    at consumer reads
}

accepted_soon() {
    wait_for 20 eval 'login consumer bob; expect PAM_SUCCESS'
}

# refused_after WORD...: $MINT_TOKEN of bob. Sets REFUSED_MS, counted from now.
refused_after() {
    local began=$EPOCHREALTIME

    while :; do
        login consumer bob
        REFUSED_MS=$(ms_since "$began")
        ! expect PAM_AUTH_ERR 2>/dev/null || break
        no_hang "$REFUSED_MS" 15000 || expect PAM_AUTH_ERR || return
    done
    printf '# refused at the consumer %s ms after %s\n' "$REFUSED_MS" "$*" >&3
}

revoked_and_refused() {
    mint bob globex
    accepted_soon
    revoke "$MINT_DN"
    refused_after 'the revocation'
}

deleted_and_refused() {
    mint bob globex
    accepted_soon
    ldap_admin ldapdelete "$MINT_DN"
    refused_after 'the deletion'
}

@test "a patd at the consumer refuses a token after its revocation, and after its deletion" {
    revoked_and_refused
    deleted_and_refused
}

removed_and_refused() {
    local began

    belongs
    tokens 199 bob globex
    mint bob globex
    accepted_soon
    # The last-used write went to the provider, and came back.
    wait_for 20 eval '[[ -n $(at consumer ldap_admin_get "$MINT_DN" patLastUsed) ]]'
    equal provider consumer
    began=$EPOCHREALTIME
    change_member delete bob globex members
    printf '# the removal with 200 tokens took %s ms\n' "$(ms_since "$began")" >&3
    began=$EPOCHREALTIME
    refused_after 'the removal, with 200 tokens'
    wait_for 20 eval '[[ $(at consumer live bob globex) == 0 ]]'
    printf '# all 200 are revoked at the consumer after %s ms\n' "$(ms_since "$began")" >&3
}

@test "of 200 tokens of a member who is removed the last is revoked at the consumer" {
    removed_and_refused
    # What is revoked stays so when he returns.
    change_member add bob globex members
    equal provider consumer
    login consumer bob
    expect PAM_AUTH_ERR
    audit_is_right
}

# A removal with 300 tokens while the consumer does not run.
removed_while_away() {
    tokens 300 bob acme
    equal provider consumer
    at consumer sandbox slapd-stop
    change_member delete bob acme members
    ldap_admin ldapdelete "$(token_dn "$TOKENS_LAST")"
    at consumer sandbox slapd-start
    equal provider consumer
    [[ $(at consumer live bob acme) == 0 ]]
    change_member add bob acme members
}

# removed_and_killed SECONDS
# The consumer is killed that long after a removal with 300 tokens.
removed_and_killed() {
    local had

    tokens 300 bob acme
    equal provider consumer
    change_member delete bob acme members
    sleep "$1"
    slapd_kill consumer
    had=$(at consumer revoked_on_disk)
    printf '# killed after %s s: had %s of 300 revocations\n' "$1" \
        "$((had + 300 - $(count '(patRevoked=*)')))" >&3
    at consumer sandbox slapd-start
    equal provider consumer
    [[ $(at consumer live bob acme) == 0 ]]
    change_member add bob acme members
}

revoked_on_disk() {
    slapcat -F "$SANDBOX/etc/slapd.d" -n 1 2>/dev/null | grep -c '^patRevoked: ' || true
}

@test "a consumer that was away during a removal with 300 tokens is equal afterwards" {
    removed_while_away
    audit_is_right
}

@test "a consumer that is killed amid the stream of changes is equal afterwards" {
    removed_and_killed 0
    removed_and_killed 0.1
    audit_is_right
}

@test "so it is where the provider has a session log" {
    ldap_admin_modify <<'LDIF'
dn: olcOverlay={1}syncprov,olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcSpSessionlog
olcSpSessionlog: 10000
LDIF
    removed_while_away
    removed_and_killed 0.05
    audit_is_right
}

# failpoint [VALUE]: set it, or let go.
failpoint() {
    ldap_admin_modify <<LDIF
dn: olcOverlay={0}pat,olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcPatFailpoint
${1:+olcPatFailpoint: $1}
LDIF
}

@test "a provider that is killed after the commit, with changes yet to be shown, loses none" {
    local n

    [[ -e $PAT_BUILD/tests/slapd/pat.so ]] || skip 'needs the overlay with fail points'
    # A checkpoint at every change: the database has an older context CSN than the consumer
    # when the provider dies, or the same, while there are changes that it has not heard of.
    provides | sed 's/^olcSpCheckpoint: .*/olcSpCheckpoint: 1 1/' | config one syncprov
    PAT_SLAPD_MODULE=$PAT_BUILD/tests/slapd/pat.so server one --no-patd
    consumes 1 | config two
    PAT_SLAPD_MODULE=$PAT_BUILD/tests/slapd/pat.so server two --no-patd --empty
    use one
    for n in 1 3 40; do
        tokens 30 bob acme
        equal one two
        failpoint "replay $n kill"
        change_member delete bob acme members || true # perhaps the answer was sent
        wait_for 20 slapd_is_gone one
        sandbox slapd-stop
        sandbox slapd-start
        failpoint
        [[ $(live bob acme) == 0 ]] # it was committed
        equal one two
        audit_is_right
        change_member add bob acme members
    done
    equal one two
}

@test "a consumer of (!(patRevoked=*)) loses the tokens that are revoked" {
    local filter='(!(patRevoked=*))'

    tokens 20 bob acme
    tokens 5 carol acme
    consumes 7 "filter=\"$filter\"" | config filtered
    server filtered --no-patd --empty
    use provider
    equal provider filtered "$filter"
    [[ $(at filtered live bob acme) == "$(live bob acme)" ]]

    mint bob acme
    wait_for 20 eval '[[ -n $(at filtered ldap_admin_get "$MINT_DN" patId) ]]'
    revoke "$MINT_DN"
    wait_for 20 eval '[[ -z $(at filtered ldap_admin_get "$MINT_DN" patId) ]]'
    equal provider filtered "$filter"

    change_member delete bob acme members
    equal provider filtered "$filter"
    [[ $(at filtered count "(patOwner=uid=bob,ou=people,$PAT_BASE)") == \
        $(count "(&(patOwner=uid=bob,ou=people,$PAT_BASE)$filter)") ]]

    ldap_admin_modify <<LDIF
dn: uid=carol,ou=people,$PAT_BASE
changetype: modrdn
newrdn: uid=cora
deleteoldrdn: 1
LDIF
    equal provider filtered "$filter"
    ldap_admin ldapdelete "uid=cora,ou=people,$PAT_BASE"
    equal provider filtered "$filter"
    [[ $(at filtered count "(patOwner=uid=cora,ou=people,$PAT_BASE)") == 0 ]]
}

# server_id N: LDIF
server_id() {
    printf '%s\n' 'dn: cn=config' 'changetype: modify' 'add: olcServerID' "olcServerID: $1" ''
}

multi_provider() {
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'replace: olcMultiProvider' 'olcMultiProvider: TRUE' ''
}

# Two providers, "one" and "two", each a consumer of the other.
mirrors() {
    { server_id 1 && provides; } | config one syncprov
    server one --no-patd
    { server_id 2 && provides && consumes 1 && multi_provider; } | config two syncprov
    server two --no-patd --empty
    equal one two
    { consumes 2 && multi_provider; } | at one ldap_admin_modify
    use one
}

# parted SERVER: it no longer hears of the other.
parted() {
    at "$1" ldap_admin_modify <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
delete: olcMultiProvider
-
delete: olcSyncrepl
LDIF
}

# joined SERVER OTHER RID: it does again.
joined() {
    { at "$2" consumes "$3" && multi_provider; } | at "$1" ldap_admin_modify
}

@test "two providers: a change is made by one of them, events exist once, both stay equal" {
    local before

    mirrors
    at one tokens 20 bob acme
    at two tokens 20 bob globex
    equal one two
    at one change_member delete bob acme members
    equal one two
    at two change_member add bob acme members
    equal one two
    # At the same time, from two groups.
    at one tokens 20 bob acme
    equal one two
    at one change_member delete bob acme members
    at two change_member delete bob globex members
    equal one two
    [[ $(live bob acme) == 0 && $(live bob globex) == 0 ]]
    [[ $(told acme org_member.removed bob) == 2 && $(told acme org_member.added bob) == 1 ]]
    [[ $(told globex org_member.removed bob) == 1 ]]
    audit_is_right
    # Nothing goes round and round.
    before=$(csn)
    sleep 2
    [[ $(csn) == "$before" && $(at two csn) == "$before" ]]
}

# removal_limit NUMBER: of the server in use.
removal_limit() {
    ldap_admin_modify <<LDIF
dn: olcOverlay={0}pat,olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcPatRemovalLimit
olcPatRemovalLimit: $1
LDIF
}

@test "two providers: olcPatRemovalLimit does not limit changes by replication" {
    local members="cn=members,o=acme,ou=orgs,$PAT_BASE"

    mirrors
    removal_limit 1
    at two removal_limit 1
    change_member add carol acme members
    change_member delete carol acme viewers
    tokens 2 bob acme
    tokens 2 carol acme
    equal one two
    run -53 ldap_admin ldapmodify <<<"$(remove_all "$members")"
    [[ $output == *'removes 2 members with live tokens'* && $(live bob acme) == 2 ]]
    # Two that the other server removed one by one, while it was alone; and two at once.
    at two sandbox slapd-stop
    change_member delete bob acme members
    change_member delete carol acme members
    at two sandbox slapd-start
    equal one two
    [[ $(at two live bob acme) == 0 && $(at two live carol acme) == 0 ]]
    change_member add bob acme members
    change_member add carol acme members
    tokens 2 bob acme
    tokens 2 carol acme
    equal one two
    at two ldap_admin ldapmodify -e relax <<<"$(remove_all "$members")"
    equal one two
    [[ $(live bob acme) == 0 && $(live carol acme) == 0 ]]
    audit_is_right
}

# remove_all GROUP
remove_all() {
    printf '%s\n' "dn: $1" 'changetype: modify' 'replace: member'
}

@test "two providers: one that is killed, with changes yet to be shown, loses none" {
    local n

    [[ -e $PAT_BUILD/tests/slapd/pat.so ]] || skip 'needs the overlay with fail points'
    PAT_SLAPD_MODULE=$PAT_BUILD/tests/slapd/pat.so mirrors
    ldap_admin_modify <<'LDIF'
dn: olcOverlay={1}syncprov,olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcSpCheckpoint
olcSpCheckpoint: 1 1
LDIF
    for n in 1 20; do
        tokens 20 bob acme
        at two tokens 5 bob globex
        equal one two
        failpoint "replay $n kill"
        change_member delete bob acme members || true
        wait_for 20 slapd_is_gone one
        sandbox slapd-stop
        sandbox slapd-start
        failpoint
        [[ $(live bob acme) == 0 ]]
        equal one two
        audit_is_right
        change_member add bob acme members
    done
    equal one two
}

@test "two providers: a token minted at one while the other removes its owner ends when they meet" {
    mirrors
    parted one
    parted two
    at one change_member delete bob acme members
    use two
    mint bob acme
    joined one two 2
    joined two one 1
    equal one two
    [[ $(ldap_admin_get "$MINT_DN" patRevokedReason) == member-removed ]]
    [[ $(told acme org_member.removed bob) == 1 ]]
    # Who comes back does not get it back.
    at one change_member add bob acme members
    equal one two
    [[ $(live bob acme) == 0 ]]
    [[ $(told acme org_member.added bob) == 1 ]]
    audit_is_right
}

# is_member SERVER UID ORG
is_member() {
    at "$1" ldap_admin_get "cn=members,o=$3,ou=orgs,$PAT_BASE" member |
        grep -qx "uid=$2,ou=people,$PAT_BASE"
}

is_no_member() {
    ! is_member "$@"
}

# apart_with_a_failpoint: two providers that do not hear of each other. "two" cannot finish
# what it receives, until its failpoint is cleared.
apart_with_a_failpoint() {
    [[ -e $PAT_BUILD/tests/slapd/pat.so ]] || skip 'needs the overlay with fail points'
    PAT_SLAPD_MODULE=$PAT_BUILD/tests/slapd/pat.so mirrors
    at two change_member add carol globex members # an earlier change of its own
    equal one two
    parted one
    parted two
    at two failpoint 'settle fail'
}

# removed_and_changed: "one" removes bob from acme; later "two" adds carol to the same group.
removed_and_changed() {
    at one change_member delete bob acme members
    sleep 0.1
    at two change_member add carol acme members
}

# receives_removal: "two" has the event, and cannot finish.
receives_removal() {
    joined two one 1
    wait_for 30 eval '[[ $(at two told acme org_member.removed bob) == 1 ]]'
    is_member two bob acme
}

# bob_is_out: on both sides, and carol, whose addition is the later change, is in.
bob_is_out() {
    equal one two
    is_no_member one bob acme
    is_no_member two bob acme
    is_member one carol acme
    is_member two carol acme
}

# restarts SERVER term|kill
restarts() {
    case $2 in
        term) at "$1" sandbox slapd-stop ;;
        kill) slapd_kill "$1" ;;
    esac
    at "$1" sandbox slapd-start
}

# removal_survives term|kill
removal_survives() {
    apart_with_a_failpoint
    removed_and_changed
    receives_removal
    restarts two "$1"
    at two failpoint
    joined one two 2
    bob_is_out
    at two audit_is_right
}

@test "two providers: a removal takes effect although its receiver is stopped before it has all" {
    removal_survives term
}

@test "two providers: a removal takes effect although its receiver is killed before it has all" {
    removal_survives kill
}

@test "two providers: the first removal by a server takes effect although its receiver restarts" {
    [[ -e $PAT_BUILD/tests/slapd/pat.so ]] || skip 'needs the overlay with fail points'
    PAT_SLAPD_MODULE=$PAT_BUILD/tests/slapd/pat.so mirrors
    parted one
    parted two
    at one failpoint 'settle fail'
    [[ $(at one csn) != *'#002#'* ]] # "one" has never heard of a change by "two"
    at two change_member delete bob acme members
    sleep 0.1
    at one change_member add carol acme members
    joined one two 2
    wait_for 30 eval '[[ $(at one told acme org_member.removed bob) == 1 ]]'
    is_member one bob acme
    restarts one term
    at one failpoint
    joined two one 1
    bob_is_out
}

# token_survives term|kill
token_survives() {
    apart_with_a_failpoint
    at two change_member delete bob acme members
    use one
    mint bob acme
    joined two one 1
    wait_for 30 eval '[[ -n $(at two ldap_admin_get "$MINT_DN" patId) ]]'
    restarts two "$1"
    [[ -z $(at two ldap_admin_get "$MINT_DN" patRevoked) ]] # else it did not wait
    at two failpoint
    joined one two 2
    wait_for 30 eval '[[ $(at one ldap_admin_get "$MINT_DN" patRevokedReason) == member-removed ]]'
    equal one two
    audit_is_right
}

@test "two providers: a removed member's token ends although its receiver is stopped" {
    token_survives term
}

@test "two providers: a removed member's token ends although its receiver is killed" {
    token_survives kill
}

PAT_ENTRY='olcOverlay={0}pat,olcDatabase={1}mdb,cn=config'

# disables TRUE|FALSE: the overlay.
disables() {
    printf '%s\n' "dn: $PAT_ENTRY" 'changetype: modify' 'replace: olcDisabled' \
        "olcDisabled: $1" | ldap_admin_modify
}

# completes_without: "two" receives all, without the overlay.
completes_without() {
    wait_for 30 eval '[[ $(at two csn | grep "#001#") == "$(at one csn | grep "#001#")" ]]'
    is_member two bob acme
}

@test "two providers: a removal takes effect although the overlay is removed and added meanwhile" {
    local overlay

    apart_with_a_failpoint
    removed_and_changed
    receives_removal
    overlay=$(at two ldap_admin ldapsearch -LLL -o ldif-wrap=no -s base -b "$PAT_ENTRY")
    at two ldap_admin ldapdelete "$PAT_ENTRY"
    completes_without
    at two ldap_admin ldapadd <<<"$overlay"
    at two failpoint
    joined one two 2
    at one change_member add carol globex viewers # the next change that is received
    bob_is_out
}

@test "two providers: a removal that came while the overlay was removed takes effect" {
    local overlay

    apart_with_a_failpoint
    removed_and_changed
    overlay=$(at two ldap_admin ldapsearch -LLL -o ldif-wrap=no -s base -b "$PAT_ENTRY")
    at two ldap_admin ldapdelete "$PAT_ENTRY"
    joined two one 1
    completes_without
    at two ldap_admin ldapadd <<<"$overlay"
    at two failpoint
    joined one two 2
    at one change_member add carol globex viewers
    bob_is_out
}

@test "two providers: a removal takes effect although the overlay is disabled meanwhile" {
    apart_with_a_failpoint
    removed_and_changed
    receives_removal
    at two disables TRUE
    completes_without
    at two disables FALSE
    at two failpoint
    joined one two 2
    at one change_member add carol globex viewers
    bob_is_out
}

@test "two providers: a removal takes effect although the rid changes meanwhile" {
    apart_with_a_failpoint
    removed_and_changed
    receives_removal
    parted two
    at two failpoint
    joined two one 7
    joined one two 2
    bob_is_out
}

@test "two providers: a removal takes effect although one ceases to be a provider meanwhile" {
    apart_with_a_failpoint
    removed_and_changed
    receives_removal
    at two ldap_admin_modify <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
delete: olcMultiProvider
LDIF
    at two failpoint
    wait_for 30 eval '[[ $(at two csn | grep "#001#") == "$(at one csn | grep "#001#")" ]]'
    is_no_member two bob acme
    multi_provider | at two ldap_admin_modify
    joined one two 2
    bob_is_out
}

@test "two providers: a removal takes effect although its commit fails" {
    apart_with_a_failpoint
    removed_and_changed
    receives_removal
    at two failpoint 'commit fail'
    wait_for 30 at two grep -q 'the database was not committed' "$(<"$BATS_FILE_TMPDIR/servers/two")/log/slapd.log"
    at two failpoint
    joined one two 2
    bob_is_out
}

@test "two providers: a member who was removed and added again stays, whichever server restarts" {
    local how

    apart_with_a_failpoint
    removed_and_changed
    receives_removal
    sleep 1.1 # events are a second apart
    at one change_member add bob acme members
    at two failpoint
    joined one two 2
    equal one two
    for how in term kill; do
        restarts two "$how"
        at one change_member add carol globex viewers
        equal one two
        at one change_member delete carol globex viewers
        equal one two
        is_member one bob acme
        is_member two bob acme
    done
    [[ $(told acme org_member.removed bob) == 1 ]]
    audit_is_right
}

# renames OLD NEW: a person, at the server in use.
renames() {
    ldap_admin ldapmodrdn -r "uid=$1,ou=people,$PAT_BASE" "uid=$2" </dev/null
}

# apart: the two no longer hear of each other. meet: they do again, and become equal.
apart() {
    parted one
    parted two
}

meet() {
    joined one two 2
    joined two one 1
    equal one two
}

# has_left UID ORG: no role and no live token, on both sides.
has_left() {
    local name

    for name in one two; do
        is_no_member "$name" "$@"
        [[ $(at "$name" live "$@") == 0 ]]
    done
}

stays() {
    is_member one "$@"
    is_member two "$@"
}

@test "two providers: a person whom one renames while the other removes the name has left" {
    local name

    mirrors
    at one tokens 3 bob acme
    at one tokens 1 bob globex
    equal one two
    # The removal comes first, so that the group of the rename is the later one.
    apart
    at two change_member delete bob acme members
    sleep 0.1
    at one renames bob robert
    at one tokens 2 robert acme
    meet
    has_left bob acme
    has_left robert acme
    stays robert globex
    [[ $(live robert globex) == 1 ]]
    # The rename comes first; the group of the removal is the later one.
    at one change_member add robert acme members
    at one tokens 3 robert acme
    equal one two
    apart
    at one renames robert rob
    sleep 0.1
    at two change_member delete robert acme members
    meet
    has_left robert acme
    has_left rob acme
    # The rename comes first, and the group is changed there once more.
    at one change_member add rob acme members
    at one tokens 3 rob acme
    equal one two
    apart
    at one renames rob bobby
    sleep 0.1
    at two change_member delete rob acme members
    sleep 0.1
    at one change_member add carol acme members
    meet
    stays carol acme
    for name in rob bobby; do
        has_left "$name" acme
    done
    at one audit_is_right 2
}

@test "two providers: a person who was removed at one and renamed twice at the other has left" {
    mirrors
    at one tokens 2 bob acme
    equal one two
    apart
    at two change_member delete bob acme members
    sleep 0.1
    at one renames bob robert
    at one renames robert rob
    meet
    has_left bob acme
    has_left robert acme
    has_left rob acme
    stays rob globex
}

@test "two providers: a renamed person who was added again after the removal stays" {
    mirrors
    apart
    at two change_member delete bob acme members
    sleep 1.1 # events are a second apart
    at one change_member delete bob acme members
    at one change_member add bob acme members
    at one renames bob robert
    at one tokens 2 robert acme
    meet
    stays robert acme
    [[ $(live robert acme) == 2 ]]
    # The person who had the removed name long before stays, too.
    at one ldap_admin_modify <<LDIF
dn: uid=bob,ou=people,$PAT_BASE
changetype: add
objectClass: inetOrgPerson
cn: bob
sn: bob
LDIF
    at one change_member add bob acme members
    equal one two
    apart
    sleep 1.1
    at two change_member delete bob acme members
    sleep 0.1
    at one change_member add carol acme members
    meet
    has_left bob acme
    stays carol acme
    stays robert acme
    [[ $(live robert acme) == 2 ]]
    # Also if that name ends with its person.
    at one change_member add bob acme members
    equal one two
    apart
    sleep 1.1
    at two ldap_admin ldapdelete "uid=bob,ou=people,$PAT_BASE"
    sleep 0.1
    at one change_member delete carol acme members
    meet
    is_no_member one bob acme
    stays robert acme
    [[ $(live robert acme) == 2 ]]
}

@test "two providers: a token minted while its owner ceases to be a person ends when they meet" {
    local dn="cn=turning,ou=people,$PAT_BASE"

    mirrors
    ldap_admin_modify <<LDIF
dn: $dn
changetype: add
objectClass: inetOrgPerson
cn: turning
sn: turning
uid: turning

dn: cn=members,o=acme,ou=orgs,$PAT_BASE
changetype: modify
add: member
member: $dn
LDIF
    equal one two
    parted one
    parted two
    printf '%s\n' "dn: $dn" 'changetype: modify' 'delete: uid' | at one ldap_admin_modify
    use two
    ldap_admin ldapadd -e postread=patSecret >/dev/null <<LDIF
dn: patId=turning,ou=tokens,o=acme,ou=orgs,$PAT_BASE
objectClass: patToken
patOwner: $dn
LDIF
    joined one two 2
    joined two one 1
    equal one two
    [[ -n $(ldap_admin_get "patId=turning,ou=tokens,o=acme,ou=orgs,$PAT_BASE" patRevoked) ]]
    [[ $(ldap_admin_get "patId=turning,ou=tokens,o=acme,ou=orgs,$PAT_BASE" patRevokedReason) == login-removed ]]
    # The groups keep the name, as at the server where the attribute was removed.
    ldap_admin_get "cn=members,o=acme,ou=orgs,$PAT_BASE" member | grep -qxF "$dn"
}

@test "a consumer of the access log (delta) is equal, with one client and with many" {
    server log --no-patd
    {
        modules syncprov accesslog
        provides
        logs
        printf '%s\n' 'dn: olcOverlay=syncprov,olcDatabase={2}mdb,cn=config' 'changetype: add' \
            'objectClass: olcOverlayConfig' 'objectClass: olcSyncProvConfig' \
            'olcOverlay: syncprov' 'olcSpNoPresent: TRUE' 'olcSpReloadHint: TRUE' ''
    } | ldap_admin_modify
    tokens 1 bob acme
    consumes 3 'logbase="cn=log"' \
        'logfilter="(&(objectClass=auditWriteObject)(reqResult=0))"' syncdata=accesslog |
        config delta
    server delta --no-patd --empty
    use log
    equal log delta
    tokens 50 bob acme
    tokens 5 carol acme
    equal log delta
    change_member delete bob acme members
    equal log delta
    change_member add bob acme members
    mint bob acme
    at delta sandbox slapd-stop
    change_member delete bob acme members
    ldap_admin_modify <<LDIF
dn: uid=carol,ou=people,$PAT_BASE
changetype: modrdn
newrdn: uid=cora
deleteoldrdn: 1
LDIF
    ldap_admin ldapdelete "uid=cora,ou=people,$PAT_BASE"
    at delta sandbox slapd-start
    equal log delta
    change_member add bob acme members
    ldap_admin_modify <<LDIF
dn: uid=carol,ou=people,$PAT_BASE
changetype: add
objectClass: inetOrgPerson
uid: carol
cn: Carol
sn: Carol

dn: cn=viewers,o=acme,ou=orgs,$PAT_BASE
changetype: modify
add: member
member: uid=carol,ou=people,$PAT_BASE
LDIF
    load_server 5
    load_is_right
    equal log delta
}
