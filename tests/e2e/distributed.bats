#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Two providers and a replica, each on a host of its own, as docs/topology.md has them, and
# patd before them: what clients see when servers die, cables are cut and networks are slow,
# and what becomes of tokens when two servers are changed that do not hear of each other.

load common
load replica
load distributed-lib

bats_require_minimum_version 1.5.0

setup_file() {
    lab_up ldap1 ldap2 bastion far
    mkdir -m 700 "$LAB/secret"
    # shellcheck source=/dev/null
    . "$ROOT/tests/lib.bash"
    topology_up
}

teardown_file() {
    servers_down
    lab_down
}

setup() {
    use ldap1
    belongs
}

teardown() {
    load_stops
    load_ends
    patds_down
    for file in "$LAB"/{line,forward}.pid; do
        [[ ! -e $file ]] || in_switch kill -TERM "$(<"$file")" 2>/dev/null || true
    done
}

# --- servers that die, and cables that are cut ------------------------------------------------

# three_servers NAME: a patd on the host "far" that knows all three, the replica first.
three_servers() {
    patd_up "$1" far \
        'uri = ldaps://bastion.example.com, ldaps://ldap1.example.com, ldaps://ldap2.example.com' \
        'last_used = no'
}

# token_file NAME UID ORG: a token that is known on all servers, in $LAB/secret/NAME.
token_file() {
    mint "$2" "$3"
    printf '%s\n' "$MINT_TOKEN" >"$LAB/secret/$1"
    equal ldap1 ldap2
    equal ldap1 bastion
}

# asked SERVER: how often it was asked for a token.
asked() {
    grep -c 'filter=.*patHash=' "$(<"$BATS_FILE_TMPDIR/servers/$1")/log/slapd.log" || true
}

# is_asked SERVER SINCE
is_asked() { (($(asked "$1") > $2)); }

# first_again SINCE: how soon the first server is asked again, which came back just now.
first_again() {
    local began=$EPOCHREALTIME

    wait_for 20 is_asked bastion "$1"
    printf '# the first server is asked again %s ms after it is back\n' "$(ms_since "$began")" >&3
}

# no_failure WHAT FROM-MS
# Of the logins that began after FROM only some of the first 40, ten for each client, failed;
# and as many logins followed these.
no_failure() {
    local n failed slowest early late

    wait_for 30 asked_after "$2" 80 || return
    # Those that were under way count, too.
    read -r _ early late < <(answers $(($2 - 100)) 1 40)
    read -r n failed slowest < <(answers "$2" 41)
    printf '# %s: of the first 40 %d failed, the slowest took %d ms; %s\n' "$1" "$early" \
        "$late" "then $failed of $n, the slowest $slowest ms" >&3
    ((n > 0 && failed == 0))
}

# Load for so long, as there is to see.
load_for() { sleep "$1"; }

@test "patd answers while any one of three servers is killed, and goes back to the first" {
    local server began since

    token_file load bob globex
    three_servers kill
    load_begins kill 4 20 "$LAB/secret/load"
    for server in bastion ldap1 ldap2; do
        began=$(now_ms)
        crash "$server"
        no_failure "$server is killed" "$began"
        since=$(asked bastion)
        comes_back "$server"
        [[ $server != bastion ]] || first_again "$since"
        equal ldap1 "$([[ $server == ldap1 ]] && echo ldap2 || echo "$server")"
    done
    load_stops
    no_failure 'in all' "$began"
}

@test "patd answers while any one of three servers is cut off, and goes back to the first" {
    local server began since

    token_file load bob globex
    three_servers cut
    load_begins cut 4 20 "$LAB/secret/load"
    for server in bastion ldap1 ldap2; do
        began=$(now_ms)
        cut "$server"
        no_failure "$server is cut off" "$began"
        since=$(asked bastion)
        joined "$server"
        [[ $server != bastion ]] || first_again "$since"
    done
    load_stops
}

# --- revocation ---------------------------------------------------------------------------------

# revoked_rounds N: tokens are revoked, at one provider and the other, and the time until each
# of three patds refuses them goes to $BATS_TEST_TMPDIR/after, counted from the moment when
# the program that revokes is started.
revoked_rounds() {
    local round watch began at

    for ((round = 0; round < $1; round++)); do
        use "ldap$((round % 2 + 1))"
        mint bob globex
        printf '%s\n' "$MINT_TOKEN" >"$LAB/secret/round"
        wait_for 10 eval '[[ -n $(at bastion ldap_admin_get "$MINT_DN" patId) &&
            -n $(at ldap1 ldap_admin_get "$MINT_DN" patId) &&
            -n $(at ldap2 ldap_admin_get "$MINT_DN" patId) ]]'
        rm -f "$BATS_TEST_TMPDIR/ready"
        python3 "$BATS_TEST_DIRNAME/refused_when.py" "$LAB/secret/round" bob \
            "$BATS_TEST_TMPDIR/ready" "$LAB"/patd/{local,one,two}.sock \
            >"$BATS_TEST_TMPDIR/when" 3>&- &
        watch=$!
        wait_for 20 test -e "$BATS_TEST_TMPDIR/ready"
        began=$(now_ms)
        revoke "$MINT_DN"
        wait "$watch"
        while read -r at; do
            [[ $at =~ ^[0-9]+$ ]] || return 1
            printf '%d\n' $((at - began)) >>"$BATS_TEST_TMPDIR/after"
        done <"$BATS_TEST_TMPDIR/when"
    done
}

@test "a revocation at one provider refuses everywhere" {
    # On the bastion as the document says; it asks the replica there.
    patd_up local bastion
    patd_up one far 'uri = ldaps://ldap1.example.com' 'last_used = no'
    patd_up two far 'uri = ldaps://ldap2.example.com' 'last_used = no'
    revoked_rounds "${PAT_REVOKE_ROUNDS:-5}"
    LC_ALL=C sort -n "$BATS_TEST_TMPDIR/after" | awk '{ t[NR] = $1 } END {
        printf "# %d refusals: p50 %d ms, max %d ms after ldapmodify was started\n", NR,
            t[int((NR + 1) / 2)], t[NR]
        exit !(NR > 0) }' >&3
}

# --- a slow network -------------------------------------------------------------------------------

# slow_host_up: a host "slow", whose cable is a long and bad one.
slow_host_up() {
    line 0 0
    rm -f "$LAB/line.ready"
    in_switch setsid sh -c 'echo $$ >"$1.pid"; exec python3 "$0" near far "$1" "$1.ready"' \
        "$BATS_TEST_DIRNAME/slow_link.py" "$LAB/line" </dev/null >"$LAB/line.log" 2>&1 3>&- &
    wait_for 10 test -e "$LAB/line.ready"
    in_switch ip netns add slow
    in_switch ip link set near master br0 up
    in_switch ip link set far netns slow
    in_switch ip -n slow link set lo up
    in_switch ip -n slow address add 10.7.0.99/24 dev far
    in_switch ip -n slow link set far up
}

# line DELAY LOSS: milliseconds one way, and percent.
line() {
    printf '%s %s\n' "$1" "$2" >"$LAB/line"
    [[ ! -e $LAB/line.pid ]] || in_switch kill -HUP "$(<"$LAB/line.pid")"
}

# only STATUS...: every answer is one of these, and came within patd's timeout.
only() {
    local found=$BATS_TEST_TMPDIR/only

    if awk -v may=" $* " -v most="$((3000 + 5000 * PAT_TIME_SCALE))" '
        index(may, " " $3 " ") == 0 || $2 > most { print "odd answer: " $0; bad = 1 }
        { n[$3]++; if ($2 > slowest) slowest = $2 }
        END {
            text = ""
            for (status in n) text = text " " status ": " n[status]
            print "answers by status:" text "; the slowest took " slowest " ms"
            exit bad
        }' "$LOAD" >"$found"; then
        sed 's/^/# /' "$found" >&3
        return
    fi
    head "$found" >&2
    # What patd says of those that took long.
    grep -E ' ms=[0-9]{4,}' "$LAB/patd/slow.log" | tail -n 40 >&2
    return 1
}

accepted_at() {
    ask "$@"
    [[ $ANSWER == 0 ]]
}

@test "a slow and lossy network: an answer within the timeout, never a wrong one" {
    local bad load delay loss seconds began refused

    token_file good bob globex
    "$PAT_BUILD/patctl" generate | sed -n 's/^token: //p' >"$LAB/secret/bad"
    slow_host_up
    patd_up slow slow 'uri = ldaps://ldap1.example.com, ldaps://ldap2.example.com' \
        'last_used = no' 'retry_interval = 1s'
    accepted_at slow "$LAB/secret/good"
    ask slow "$LAB/secret/bad"
    refused=$ANSWER
    [[ $refused =~ ^[1-8]$ ]]

    # 300 ms there and back, 5 % lost; and then so that hardly anything comes through.
    for load in "150 5 3" "300 60 2"; do
        read -r delay loss seconds <<<"$load"
        line "$delay" "$loss"
        load_begins slow 3 20 "$LAB/secret/bad"
        mv "$LOAD" "$LOAD.bad"
        LOAD+=.bad
        bad=("$LOAD" "$LOAD_PID")
        LOAD_PID=
        load_begins slow 3 20 "$LAB/secret/good" bob
        load_for "$seconds"
        load_stops
        printf '# %s ms one way, %s %% lost; a good token:\n' "$delay" "$loss" >&3
        only 0 9
        LOAD=${bad[0]} LOAD_PID=${bad[1]}
        load_stops
        printf '# the same, one that nobody has:\n' >&3
        only "$refused" 9
    done
    line 0 0
    began=$EPOCHREALTIME
    wait_for 20 accepted_at slow "$LAB/secret/good"
    printf '# accepted again %s ms after the network is well\n' "$(ms_since "$began")" >&3
    load_begins slow 3 20 "$LAB/secret/good"
    load_for 1
    load_stops
    only 0
}

@test "a server that falls silent amid the TLS handshake costs its share of the time, and no more" {
    local bytes

    token_file good bob globex
    # Within the first record, and amid the certificate.
    for bytes in 3 500; do
        rm -f "$LAB/forward.ready"
        # shellcheck disable=SC2016 # for the shell over there
        in_host far setsid sh -c 'echo $$ >"$1.pid"; exec python3 "$0" 127.0.0.1 \
            ldap1.example.com 636 "$1.ready" "$2"' "$BATS_TEST_DIRNAME/forward.py" \
            "$LAB/forward" "$bytes" </dev/null >"$LAB/forward.log" 2>&1 3>&- &
        wait_for 10 test -e "$LAB/forward.ready"
        patd_up mute far 'uri = ldaps://127.0.0.1, ldaps://ldap2.example.com' \
            'last_used = no' 'timeout = 2s'
        ask mute "$LAB/secret/good"
        printf '# silent after %s bytes: status %s after %s ms\n' "$bytes" "$ANSWER" "$ASK_MS" >&3
        [[ $ANSWER == 0 ]]
        no_hang "$ASK_MS" 2000
        patd_down mute
        in_switch kill -TERM "$(<"$LAB/forward.pid")"
    done
}

# --- changes on both sides ------------------------------------------------------------------

# Tokens of bob, one after another, until it is refused or $GO is gone.
mints_on() {
    local id=acme-bob-$EPOCHREALTIME-1

    entry "$(token_dn "$id")" 'objectClass: patToken' "patOwner: uid=bob,ou=people,$PAT_BASE" |
        if bounded ldapadd -e postread=patSecret >/dev/null; then
            printf '%s\n' "$id" >>"$MINTED"
        else
            sleep 0.02
        fi
}

@test "a member removed at one provider, while the other mints: no live token is left" {
    local round rounds=${PAT_RACE_ROUNDS:-4}

    MINTED=$BATS_TEST_TMPDIR/minted
    : >"$MINTED"
    for ((round = 0; round < rounds; round++)); do
        GO=$BATS_TEST_TMPDIR/go
        : >"$GO"
        use ldap2
        writer mints_on
        writer mints_on
        wait_for 10 eval "[[ \$(grep -c . '$MINTED') -gt \$(( $(grep -c . "$MINTED") + 2 )) ]]"
        at ldap1 change_member delete bob acme members
        wait_for 10 eval '[[ -z $(at ldap2 ldap_admin_get "cn=members,o=acme,ou=orgs,$PAT_BASE" member | grep uid=bob) ]]'
        load_ends
        equal ldap1 ldap2
        [[ $(at ldap1 live bob acme) == 0 ]]
        [[ $(at ldap2 live bob acme) == 0 ]]
        at "ldap$((round % 2 + 1))" change_member add bob acme members
        equal ldap1 ldap2
        [[ $(at ldap1 live bob acme) == 0 ]]
    done
    printf '# %d rounds, %d tokens minted meanwhile\n' "$rounds" "$(grep -c . "$MINTED")" >&3
    answers_are_right
    same_databases ldap1 ldap2
    at ldap1 audit_is_right
}

# last_used TOKEN-ID: as patd would write it.
last_used() {
    entry "$(token_dn "$1")" 'changetype: modify' 'replace: patLastUsed' \
        "patLastUsed: $(now_gt)" - 'replace: patLastUsedFrom' 'patLastUsedFrom: imap@b' |
        ldap_admin_modify
}

# a_token ID [LINE...]: of the person who is in its name.
a_token() {
    local rest=${1#*-}

    entry "$(token_dn "$1")" 'objectClass: patToken' \
        "patOwner: uid=${rest%%-*},ou=people,$PAT_BASE" "${@:2}" |
        ldap_admin ldapadd -e postread=patSecret >/dev/null
}

# is ID ATTRIBUTE VALUE: on both providers.
is() {
    local server value

    for server in ldap1 ldap2; do
        value=$(at "$server" ldap_admin_get "$(token_dn "$1")" "$2")
        # shellcheck disable=SC2053 # a pattern
        [[ $value == $3 ]] || {
            printf '%s: %s of %s is "%s", not %s\n' "$server" "$2" "$1" "$value" "$3" >&2
            return 1
        }
    done
}

# Heal, and wait until both hold the same.
healed() {
    local began=$EPOCHREALTIME

    heal ldap1 ldap2
    equal ldap1 ldap2
    equal ldap1 bastion
    printf '# the servers agree %s ms after the network is whole\n' "$(ms_since "$began")" >&3
    same_databases ldap1 ldap2
}

@test "split brain: what one side revoked, the other does not bring back by using it" {
    local run=$RANDOM id expires

    a_token "acme-alice-revoked$run"
    a_token "acme-alice-deleted$run"
    a_token "acme-alice-expires$run" "patExpires: $(now_gt 86400)"
    a_token "acme-alice-forever$run"
    a_token "acme-alice-gone$run"
    revoke "$(token_dn "acme-alice-gone$run")"
    equal ldap1 ldap2
    # So that a revocation does not lie in the second in which the token was made.
    sleep 1.1
    split ldap1 ldap2
    revoke "$(token_dn "acme-alice-revoked$run")"
    ldap_admin ldapdelete "$(token_dn "acme-alice-deleted$run")"
    ldap_admin ldapdelete "$(token_dn "acme-alice-gone$run")"
    expires=$(now_gt 3600)
    for id in expires forever; do
        entry "$(token_dn "acme-alice-$id$run")" 'changetype: modify' 'replace: patExpires' \
            "patExpires: $expires" | ldap_admin_modify
    done
    # Each of these is the last change of its entry.
    for id in revoked deleted gone expires forever; do
        at ldap2 last_used "acme-alice-$id$run"
    done
    healed
    is "acme-alice-revoked$run" patRevoked '2*'
    is "acme-alice-revoked$run" patRevokedReason revoked
    is "acme-alice-revoked$run" patLastUsedFrom imap@b
    # These are there again, since they were used after they were deleted; and are dead.
    is "acme-alice-deleted$run" patRevokedReason deleted
    is "acme-alice-gone$run" patRevokedReason revoked
    is "acme-alice-expires$run" patExpires "$expires"
    is "acme-alice-forever$run" patExpires "$expires"
    audit_is_right
}

@test "split brain: who was removed on one side, while the other changed that group, is out" {
    local run=$RANDOM

    a_token "acme-bob-before$run"
    equal ldap1 ldap2
    split ldap1 ldap2
    change_member delete bob acme members
    at ldap2 a_token "acme-bob-meanwhile$run"
    # By this the group is ldap2's, which has bob in it.
    at ldap2 change_member add dave acme members
    # And here ldap1's is the later one: what it does not know is lost, which adds nobody.
    at ldap2 change_member add carol globex members
    at ldap2 a_token "globex-carol-lost$run"
    change_member add carol globex viewers
    change_member delete alice globex members
    change_member delete carol globex viewers
    healed
    is "acme-bob-before$run" patRevokedReason member-removed
    is "acme-bob-meanwhile$run" patRevokedReason member-removed
    is "globex-carol-lost$run" patRevokedReason member-removed
    [[ $(at ldap1 live bob acme) == 0 ]]
    ldap_admin_get "cn=members,o=acme,ou=orgs,$PAT_BASE" member >"$BATS_TEST_TMPDIR/members"
    not grep uid=bob "$BATS_TEST_TMPDIR/members"
    grep -q uid=dave "$BATS_TEST_TMPDIR/members"
    # Both may have revoked a token, each for itself.
    audit_is_right 2
    change_member delete dave acme members
    change_member add alice globex members
    change_member add bob acme members
    # Whoever comes back gets no old token back.
    is "acme-bob-meanwhile$run" patRevokedReason member-removed
}

# Others come and go at ldap2, in the same groups.
others_come_and_go() {
    local org how

    for org in acme globex; do
        for how in add delete; do
            bounded ldapmodify >/dev/null <<LDIF || true
dn: cn=members,o=$org,ou=orgs,$PAT_BASE
changetype: modify
$how: member
member: uid=carol,ou=people,$PAT_BASE
LDIF
            sleep 0.15
        done
    done
}

all_events() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$PAT_BASE" '(objectClass=patEvent)' 1.1 |
        grep '^dn' | LC_ALL=C sort
}

@test "split brain, with everything at once on both sides: no token comes back to life, no event is lost" {
    local name began

    GO=$BATS_TEST_TMPDIR/go
    : >"$GO"
    tokens 20 carol acme
    equal ldap1 ldap2
    split ldap1 ldap2
    began=$SECONDS
    for name in mints revokes deletes uses comes_and_goes; do
        writer "$name"
    done
    use ldap2
    for name in mints revokes deletes uses uses others_come_and_go; do
        writer "$name"
    done
    sleep "${PAT_SPLIT_SECONDS:-6}"
    load_ends
    { at ldap1 all_events && at ldap2 all_events; } | LC_ALL=C sort -u >"$BATS_TEST_TMPDIR/told"
    at ldap1 dump '(patRevoked=*)' | grep -c patRevoked: >"$BATS_TEST_TMPDIR/n1"
    at ldap2 dump '(patRevoked=*)' | grep -c patRevoked: >"$BATS_TEST_TMPDIR/n2"
    healed
    use ldap1
    printf '# split for %d s: %d events, %s and %s revoked, %s together\n' $((SECONDS - began)) \
        "$(grep -c . "$BATS_TEST_TMPDIR/told")" "$(<"$BATS_TEST_TMPDIR/n1")" \
        "$(<"$BATS_TEST_TMPDIR/n2")" "$(count '(patRevoked=*)')" >&3
    answers_are_right
    # The audit log has what both sides told.
    [[ -z $(LC_ALL=C comm -23 "$BATS_TEST_TMPDIR/told" <(all_events)) ]]
    audit_is_right 2
    at ldap2 audit_is_right 2
}
