#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# backup.bats - a restore from a backup, and the replay of a saved audit log

load common.bash
load patctl-lib.bash

bats_require_minimum_version 1.5.0

setup_file() {
    export LC_ALL=C.UTF-8
    sandbox_up
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    ACME=o=acme,ou=orgs,$PAT_BASE
    LOG=$BATS_TEST_TMPDIR/log
}

# event N ACTION TARGET: an event of acme as LDIF, the N-th.
event() {
    printf '%s\n' "dn: patEventId=2030010100000$1.000000Z-x-1,ou=audit,$ACME" \
        'objectClass: patEvent' "patEventId: 2030010100000$1.000000Z-x-1" "patAction: $2" \
        "patTarget: $3" ''
}

# json N ACTION TARGET: the same as `patctl audit --json --follow` writes it.
json() {
    printf '{"id":"2030010100000%s.000000Z-x-1","org_id":"acme","action":"%s","target_id":"%s"}\n' "$@"
}

is_member() {
    [[ -n $(ldap_admin ldapsearch -LLL -b "$ACME" "(member=uid=$1,ou=people,$PAT_BASE)" 1.1) ]]
}

make_token() {
    ID=$1
    pc admin mint --owner bob --org acme --id "$ID" >/dev/null
}

@test "docs/backup.md: every command works, in the order of the page" {
    local script=$BATS_TEST_TMPDIR/script

    {
        printf 'set -euo pipefail\n%s() { "$ROOT/tests/sandbox" %s "$BOX"; }\n' \
            slapd-stop slapd-stop slapd-start slapd-start patd-stop patd-stop patd-start patd-start
        sed -nE 's/^ {4}( {4})?//p' "$ROOT/docs/backup.md" | sed 's/^ *$//'
    } >"$script"
    cd "$BATS_TEST_TMPDIR"
    ROOT=$ROOT BOX=$SANDBOX PATH=$PAT_BUILD:$PATH:/usr/sbin run bash "$script"
    printf '%s\n' "$output"
    [[ $status == 0 ]]
    [[ $output == *'Would revoke bob-lost in '*acme* && $output == *'Revoked bob-lost in '* ]]
    [[ $output == *'1 tokens revoked, 1 members removed'*'1 tokens revoked, 1 members removed'* ]]
    [[ $(state bob-lost) == revoked ]]
    run ! is_member carol
    # Once more: nothing.
    run -0 pc admin replay log.ldif
    [[ $output == *'0 tokens revoked, 0 members removed'* ]]
}

@test "replay: JSON is read as one object a line and as an array" {
    make_token json-one
    json 1 pat.revoked json-one >"$LOG"
    run -0 pc admin replay "$LOG"
    [[ $(state json-one) == revoked ]]
    make_token json-two
    printf '[%s]' "$(json 1 pat.revoked json-two)" >"$LOG"
    run -0 pc admin replay - <"$LOG"
    [[ $(state json-two) == revoked ]]
    make_token json-three
    pc admin revoke json-three
    pc admin audit --org acme --json >"$LOG"
    run -0 pc admin replay "$LOG"
    [[ $output == *'0 tokens revoked'* ]]
}

@test "replay --dry-run: prints the changes, and makes none" {
    make_token dry
    event 1 pat.revoked dry >"$LOG"
    event 2 org_member.removed "uid=bob,ou=people,$PAT_BASE" >>"$LOG"
    run -0 pc admin replay --dry-run "$LOG"
    [[ $output == *'Would revoke dry'* && $output == *'Would remove'* && $(state dry) == live ]]
    is_member bob
}

@test "replay: a member who was added again later stays, in any order of the file" {
    local again

    for again in org_member.added org_member.role_changed org_member.renamed; do
        { event 2 $again "uid=bob,ou=people,$PAT_BASE" &&
            event 1 org_member.removed "UID=bob, ou=people,$PAT_BASE"; } >"$LOG"
        run -0 pc admin replay "$LOG"
        is_member bob
        { json 1 org_member.removed bob && json 2 $again bob; } >"$LOG"
        run -0 pc admin replay "$LOG"
        is_member bob
    done
}

@test "replay: a log grants no rights, and revokes no token of another org" {
    make_token kept
    pc admin mint --owner bob --org globex --id elsewhere >/dev/null
    { event 1 org_member.added "uid=dave,ou=people,$PAT_BASE" && event 2 pat.created kept &&
        event 3 pat.used kept && event 4 pat.revoked elsewhere &&
        event 5 pat.revoked '*' && event 6 pat.revoked "patId=elsewhere,ou=tokens,o=globex,ou=orgs,$PAT_BASE"; } >"$LOG"
    run -0 pc admin replay "$LOG"
    [[ $output == *'0 tokens revoked, 0 members removed; 3 events were in effect already'* ]]
    [[ $(state kept) == live && $(state elsewhere) == live ]]
    run ! is_member dave
}

@test "replay: an unreadable part is reported, and the rest is applied" {
    local base64

    make_token cut-one
    make_token cut-two
    { json 1 pat.revoked cut-one && printf '{"id":"2030","org_id":"ac'; } >"$LOG"
    run -65 pc admin replay "$LOG"
    [[ $output == *'ends in the middle'* && $(state cut-one) == revoked ]]
    # Behind a line feed, and an array that was not saved to its end.
    { json 1 pat.revoked cut-one && printf '{"id":"2030",\n'; } >"$LOG"
    run -65 pc admin replay "$LOG"
    [[ $output == *'ends in the middle'* ]]
    { json 1 pat.revoked cut-one && printf '[\n' && json 2 pat.revoked cut-two && printf ',\n'; } >"$LOG"
    run -65 pc admin replay "$LOG"
    [[ $output == *'ends in the middle'* && $(state cut-two) == live ]]
    # LDIF: the last event may lack the end of a value.
    { event 1 pat.revoked cut-one && event 2 pat.revoked cut-two-or-another; } >"$LOG"
    truncate -s -13 "$LOG"
    [[ $(tail -n 1 "$LOG") == 'patTarget: cut-two' ]]
    run -65 pc admin replay "$LOG"
    [[ $output == *'ends in the middle'* && $(state cut-two) == live ]]
    { json 1 pat.revoked '' && event 1 pat.revoked cut-two; } >"$LOG"
    run -65 pc admin replay "$LOG"
    { event 1 pat.revoked cut-two | sed 's/^patTarget: .*/patTarget:< file:\/\/\/etc\/hostname/' &&
        printf 'include: file:///etc/passwd\n'; } >"$LOG"
    run -65 pc admin replay "$LOG"
    [[ $output == *'1 events are damaged'* && $(state cut-two) == live ]]
    for base64 in Y3V0LXR3bw Y3V0LXR3bw==== Y3V0LXR3bw==Y Y3V0=LXR3bw==; do
        event 1 pat.revoked cut-two | sed "s/^patTarget: .*/patTarget:: $base64/" >"$LOG"
        run -65 pc admin replay "$LOG"
        [[ $output == *'1 events are damaged'* && $(state cut-two) == live ]]
    done
    : >"$LOG"
    run -65 pc admin replay "$LOG"
    [[ $output == *'no event of a removal'* ]]
    head -c 4096 /dev/urandom >"$LOG"
    run ! pc admin replay "$LOG"
    run -66 pc admin replay "$LOG.none"
    run -64 pc admin replay
    # Folded, and in base64.
    event 1 pat.revoked cut-two | sed "s/^patTarget: .*/patTarget:: $(printf cut-two | base64)/; s/^\\(dn: .\\{20\\}\\)/\\1\\n /" >"$LOG"
    run -0 pc admin replay "$LOG"
    [[ $(state cut-two) == revoked ]]
}

@test "replay: after a refusal the rest is applied, and the command fails" {
    make_token refused
    { event 1 org_member.removed "uid=alice,ou=people,$PAT_BASE" && event 2 pat.revoked refused; } >"$LOG"
    run -77 pc bob replay "$LOG"
    [[ $output == *'1 failed'* && $(state refused) == revoked ]]
    is_member alice
}
