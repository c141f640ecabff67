#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # stderr is set by bats
#
# patctl audit: who may read which log, what is told and how, and what comes by --follow.

bats_require_minimum_version 1.5.0
load common

setup_file() {
    cat >"$BATS_FILE_TMPDIR/module.ldif" <<'LDIF'
dn: cn=module{0},cn=config
changetype: modify
add: olcModuleLoad
olcModuleLoad: syncprov
LDIF
    cat >"$BATS_FILE_TMPDIR/overlay.ldif" <<'LDIF'
dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config
changetype: add
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
LDIF
    sandbox_up --config "$BATS_FILE_TMPDIR/module.ldif" --config "$BATS_FILE_TMPDIR/overlay.ldif"
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    FOLLOWER=
    OUT=$BATS_TEST_TMPDIR/out
    ERR=$BATS_TEST_TMPDIR/err
}

teardown() {
    [[ -z $FOLLOWER ]] || kill "$FOLLOWER" 2>/dev/null || true
}

# audit_as UID OPTION...: sets status, output and stderr
audit_as() {
    printf '%s-password' "$1" >"$BATS_TEST_TMPDIR/pw"
    run --separate-stderr "$PAT_BUILD/patctl" audit -x -H "$LDAPURI" -b "$PAT_BASE" \
        -D "uid=$1,ou=people,$PAT_BASE" -y "$BATS_TEST_TMPDIR/pw" "${@:2}"
}

audit_admin() {
    run --separate-stderr "$PAT_BUILD/patctl" audit -x -H "$LDAPURI" -b "$PAT_BASE" \
        -D "$PAT_ADMIN_DN" -y "$PAT_ADMIN_PW_FILE" "$@"
}

# follow_as UID OPTION...: in the background; OUT and ERR get what it says
follow_as() {
    printf '%s-password' "$1" >"$BATS_TEST_TMPDIR/pw"
    "$PAT_BUILD/patctl" audit -x -H "$LDAPURI" -b "$PAT_BASE" \
        -D "uid=$1,ou=people,$PAT_BASE" -y "$BATS_TEST_TMPDIR/pw" --follow "${@:2}" \
        </dev/null >"$OUT" 2>"$ERR" 3>&- &
    FOLLOWER=$!
}

follower_ended() { ! grep -q '^State:[[:space:]]*[^Z]' "/proc/$FOLLOWER/status"; }

# json CODE: with the parsed output as a
json() {
    printf '%s' "$output" | python3 -c "import json, sys
a = json.load(sys.stdin)
$1"
}

@test "the owner of an org and the administrator read its log, others do not" {
    mint bob acme 'cn: nightly build'
    audit_as alice --org acme
    [[ $status -eq 0 ]]
    grep -q "pat.created  *by=admin  token=$MINT_ID  owner=bob  name=\"nightly build\"  import=yes" <<<"$output"
    audit_admin --org acme
    [[ $status -eq 0 && $output == *"$MINT_ID"* ]]
    for who in bob carol dave; do
        audit_as "$who" --org acme
        [[ $status -eq 0 && -z $output && $stderr == *'you may see'* ]]
        audit_as "$who" --org acme --json
        [[ $status -eq 0 ]]
        json 'assert a == []'
    done
    audit_as alice --org globex
    [[ $output != *pat.* ]]
    audit_as alice --org initech
    [[ $status -eq 67 ]]
    printf wrong >"$BATS_TEST_TMPDIR/pw"
    run "$PAT_BUILD/patctl" audit -x -H "$LDAPURI" -b "$PAT_BASE" --org acme \
        -D "uid=alice,ou=people,$PAT_BASE" -y "$BATS_TEST_TMPDIR/pw"
    [[ $status -eq 77 ]]
    run "$PAT_BUILD/patctl" audit -x -H "$LDAPURI" -b "$PAT_BASE"
    [[ $status -eq 64 ]]
}

@test "JSON has the members of the API, in the order of time" {
    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    wait_for 15 bash -c ". '$ROOT/tests/lib.bash'; events acme '(&(patTarget=$MINT_ID)(patAction=pat.used))' | grep ."
    revoke "$MINT_DN"
    audit_as alice --org acme --json
    [[ $status -eq 0 ]]
    json "
e = [x for x in a if x['target_id'] == '$MINT_ID']
assert [x['action'] for x in e] == ['pat.created', 'pat.used', 'pat.revoked'], e
assert [x['time'] for x in a] == sorted(x['time'] for x in a), a
assert all(set(x) == {'id', 'org_id', 'actor_user_id', 'actor_email', 'action', 'target_type',
    'target_id', 'metadata', 'time'} for x in a), a
u = e[1]
assert u['actor_user_id'] == 'bob' and u['actor_email'] == 'bob@example.com', u
assert u['org_id'] == 'acme' and u['target_type'] == 'pat', u
assert u['metadata']['via_pat'] == '$MINT_ID' and u['metadata']['from'].startswith('plain@'), u
assert e[0]['metadata']['via_pat'] is None and e[0]['actor_email'] is None, e"
}

@test "--user and --since leave out the rest, and a member who left is still found" {
    mint carol acme
    local hers=$MINT_ID
    mint bob acme
    change_member delete carol acme viewers
    audit_as alice --org acme --user carol
    [[ $output == *"$hers"* && $output != *"$MINT_ID"* ]]
    grep -q 'org_member.removed  *by=admin  member=carol' <<<"$output"
    audit_as alice --org acme --user "uid=carol,ou=people,$PAT_BASE"
    [[ $output == *"$hers"* && $output != *"$MINT_ID"* ]]
    audit_as alice --org acme --user 'nobody)(x=*'
    [[ $status -eq 0 && -z $output ]]
    audit_as alice --org acme --since 1y
    [[ $output == *"$hers"* ]]
    audit_as alice --org acme --since yesterday
    [[ $status -eq 64 ]]
    change_member add carol acme viewers
    # Older than that; slapd's clock is in whole seconds.
    sleep 2.1
    audit_as alice --org acme --since 1s
    [[ $output != *"$hers"* ]]
}

@test "text of events harms neither terminal nor JSON" {
    local name

    name=$(printf 'a\033]0;x\007\033[2J"b\302\233\342\200\256=c\\d')
    mint bob acme "cn:: $(printf %s "$name" | base64 -w 0)"
    audit_as alice --org acme
    printf '%s\n' "$output" >"$OUT"
    grep "$MINT_ID" "$OUT" | grep -qF 'name="a\e]0;x\u{07}\e[2J\"b\u{9B}\u{202E}=c\d"'
    audit_as alice --org acme --json
    printf '%s\n' "$output" >>"$OUT"
    # U+009B and U+202E are obeyed by terminals, too.
    run ! grep -qaP '[\x00-\x08\x0b-\x1f\x7f]' "$OUT"
    run ! grep -qa $'\302\233\|\342\200\256' "$OUT"
    audit_as alice --org acme --json
    json "e = [x for x in a if x['target_id'] == '$MINT_ID']
assert e[0]['metadata']['name'] == 'a\x1b]0;x\x07\x1b[2J\"b\x9b\u202e=c\\\\d', e"
}

@test "--follow tells what is new, over a restart of slapd, until it is interrupted" {
    local first second third rc

    mint bob acme
    first=$MINT_ID
    follow_as alice --json
    # It lacks the org, and says so.
    rc=0
    wait_for 20 follower_ended
    wait "$FOLLOWER" || rc=$?
    [[ $rc -eq 64 ]]
    follow_as alice --org acme --json
    wait_for 20 grep -q "$first" "$OUT"
    mint bob acme
    second=$MINT_ID
    wait_for 20 grep -q "$second" "$OUT"
    mint bob globex # not hers to read
    sandbox slapd-stop
    wait_for 20 grep -q 'connection is lost' "$ERR"
    sandbox slapd-start
    mint bob acme
    third=$MINT_ID
    wait_for 20 grep -q "$third" "$OUT"
    grep -q 'connected again' "$ERR"
    revoke "$MINT_DN"
    wait_for 20 grep -q "\"pat.revoked\".*$third" "$OUT"
    kill -INT "$FOLLOWER"
    wait_for 20 follower_ended
    wait "$FOLLOWER"
    FOLLOWER=
    # Each once, each a line of JSON.
    python3 -c 'import json, sys
e = [json.loads(line) for line in open(sys.argv[1])]
ids = [x["id"] for x in e]
assert len(ids) == len(set(ids)), ids
assert all(x["org_id"] == "acme" for x in e), e
t = [x["target_id"] for x in e if x["action"] == "pat.created"]
assert [t.count(x) for x in sys.argv[2:]] == [1, 1, 1], t' "$OUT" "$first" "$second" "$third"
}

@test "--follow says what is missing where the server does not offer it" {
    ldapsearch -Q -Y EXTERNAL -H "$LDAPURI" -LLL -b cn=config '(objectClass=olcSyncProvConfig)' 1.1 |
        sed -n 's/^dn: //p' >"$BATS_TEST_TMPDIR/dn"
    ldapdelete -Q -Y EXTERNAL -H "$LDAPURI" -f "$BATS_TEST_TMPDIR/dn"
    audit_as alice --org acme --follow
    ldapadd -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<'LDIF'
dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
LDIF
    [[ $status -eq 69 && $stderr == *syncprov* ]]
}
