#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031 # each test is a process of its own
#
# patctl verify and patctl revoke --stdin: who holds a token asks about it, and ends it,
# through patd and with no account in the directory.

bats_require_minimum_version 1.5.0
load common

setup_file() {
    sandbox_up
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    PATD_LOG=$SANDBOX/log/patd.log
    SANITIZER=()
    [[ -z ${ASAN_OPTIONS-} ]] || SANITIZER=("ASAN_OPTIONS=$ASAN_OPTIONS")
}

# verify [OPTION...], end_token [OPTION...]: of $MINT_TOKEN, as nobody of this machine
verify() { as_nobody verify --stdin "$@"; }
end_token() { as_nobody revoke --stdin "$@"; }

as_nobody() {
    local as=()

    ((EUID != 0)) || as=(setpriv --reuid 65533 --regid 65533 --clear-groups)
    # Of a directory that this user may enter, whatever the source tree's mode is.
    [[ -e $SANDBOX/patctl ]] || install -m 755 "$PAT_BUILD/patctl" "$SANDBOX/patctl"
    run --separate-stderr env -i "${SANITIZER[@]}" "${as[@]}" "$SANDBOX/patctl" "$1" "$2" \
        --socket "$PAT_SOCKET" "${@:3}" <<<"$MINT_TOKEN"
    printf '%s\n%s\n' "$output" "${stderr-}"
}

# ended_as EXIT-STATUS TEXT: the last run did, and said so
ended_as() {
    [[ $status -eq $1 && "$output ${stderr-}" == *"$2"* ]]
}

@test "verify tells whose token it is" {
    mint bob acme 'cn: nightly build' 'patExpires: 20991231235959Z'
    verify
    ended_as 0 accepted
    grep -qx 'user  *bob' <<<"$output"
    grep -qx 'org  *acme' <<<"$output"
    grep -qx 'role  *member' <<<"$output"
    grep -qx 'expires  *2099-12-31T23:59:59Z' <<<"$output"
    verify --json
    [[ $status -eq 0 ]]
    python3 -c 'import json, sys
a = json.load(sys.stdin)
assert a["verdict"] == "accept" and a["reason"] is None and a["name"] == "nightly build", a
assert a["id"] == sys.argv[1] and a["role"] == "member", a' "$MINT_ID" <<<"$output"
}

@test "verify is refused where the service would be" {
    mint bob acme 'patService: imap' 'patSource: 192.0.2.0/24'
    verify --user bob --service imap --source 192.0.2.7 --org acme --role member
    ended_as 0 accepted
    verify --user alice --service imap --source 192.0.2.7
    ended_as 1 'another user'
    verify --user bob --service sshd --source 192.0.2.7
    ended_as 1 'not valid for this'
    verify --user bob --service imap --source 198.51.100.7
    ended_as 1 'not valid for this'
    verify --user bob --service imap
    ended_as 1 'not valid for this'
    verify --service imap --source 192.0.2.7 --org globex
    ended_as 1 'not valid for this'
    verify --service imap --source 192.0.2.7 --role owner --role viewer
    ended_as 1 'not valid for this'
    revoke "$MINT_DN"
    verify --json
    ended_as 1 '"refuse"'
    MINT_TOKEN=rhp_short
    verify
    ended_as 1 'not a token'
}

@test "what verify is given wrong" {
    MINT_TOKEN=
    verify
    ended_as 66 'no token'
    run "$PAT_BUILD/patctl" verify --socket "$PAT_SOCKET" </dev/null
    [[ $status -eq 64 ]]
    run "$PAT_BUILD/patctl" verify --stdin --socket patd.sock </dev/null
    [[ $status -eq 64 ]]
    run "$PAT_BUILD/patctl" verify --stdin --timeout 0s </dev/null
    [[ $status -eq 64 ]]
    MINT_TOKEN=$(head -c 4000 /dev/zero | tr '\0' x)
    verify
    ended_as 1 'not a token'
}

@test "who holds a token ends it, and it is used no more" {
    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    end_token
    ended_as 0 "revoked: $MINT_ID (acme)"
    login plain bob
    expect PAM_AUTH_ERR
    [[ $(ldap_admin_get "$MINT_DN" patRevokedReason) == by-holder ]]
    [[ $(ldap_admin_get "$MINT_DN" patRevokedBy) == "cn=patd,ou=services,$PAT_BASE" ]]
    events acme "(patTarget=$MINT_ID)" |
        grep -qx "pat.revoked|by=cn=patd,ou=services|target=$MINT_ID|owner=uid=bob,ou=people|reason=by-holder"
    wait_for 15 grep -q "revoke=done id=$MINT_ID org=acme peer_uid=[0-9]* ms=" "$PATD_LOG"
    # Once more is no mistake, and changes nothing.
    end_token --json
    ended_as 0 '"already"'
    [[ $(events acme "(&(patTarget=$MINT_ID)(patAction=pat.revoked))" | wc -l) -eq 1 ]]
    wait_for 15 grep -q "revoke=already id=$MINT_ID" "$PATD_LOG"
}

@test "a token of whom nobody would let in is ended as well" {
    # Limited to another service and place.
    mint bob acme 'patService: imap' 'patSource: 192.0.2.0/24'
    end_token
    ended_as 0 "revoked: $MINT_ID"
    # Expired.
    mint bob acme 'patExpires: 20991231235959Z'
    ldap_admin_modify <<LDIF
dn: $MINT_DN
changetype: modify
replace: patExpires
patExpires: 20200101000000Z
LDIF
    verify
    ended_as 1 expired
    end_token
    ended_as 0 "revoked: $MINT_ID"
    # Of somebody who left: revoked by the directory already.
    mint carol acme
    change_member delete carol acme viewers
    end_token
    ended_as 0 "was revoked already: $MINT_ID"
    change_member add carol acme viewers
}

@test "what is no token of this directory ends nothing" {
    local made

    mint bob acme
    made=$MINT_TOKEN
    MINT_TOKEN=$(mistyped "$made")
    end_token
    ended_as 1 'not a token'
    MINT_TOKEN=$made$made
    end_token
    ended_as 1 'not a token'
    MINT_TOKEN=$("$PAT_BUILD/patctl" generate | sed -n 's/^token: //p')
    end_token
    ended_as 1 'no such token'
    MINT_TOKEN=$(ldap_admin_get "$MINT_DN" patHash)
    end_token
    ended_as 1 'not a token'
    MINT_TOKEN=$made
    verify
    ended_as 0 accepted
    wait_for 15 grep -q 'revoke=refuse reason="no such token" peer_uid=' "$PATD_LOG"
}

@test "a directory that is away: not known, and then done" {
    mint bob acme
    sandbox slapd-stop
    end_token
    ended_as 3 'unavailable'
    [[ ${stderr-} == *'Try again'* ]]
    wait_for 15 grep -q 'revoke=unavailable .*detail=.*connect' "$PATD_LOG"
    verify
    ended_as 3 unavailable
    sandbox slapd-start
    end_token
    ended_as 0 "revoked: $MINT_ID"
}

@test "a directory that is read only, and an account without the right" {
    mint bob acme
    ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcReadOnly
olcReadOnly: TRUE
LDIF
    end_token
    ended_as 3 unavailable
    wait_for 15 grep -q 'revoke=unavailable .*set write_uri' "$PATD_LOG"
    ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<LDIF
dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcReadOnly
olcReadOnly: FALSE
-
add: olcAccess
olcAccess: {0}to dn.subtree="ou=orgs,$PAT_BASE" attrs=patRevoked by dn.exact="cn=patd,ou=services,$PAT_BASE" read by * break
LDIF
    end_token
    ended_as 3 unavailable
    wait_for 15 grep -q 'revoke=unavailable .*see acl.ldif' "$PATD_LOG"
    [[ -z $(ldap_admin_get "$MINT_DN" patRevoked) ]]
    ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
delete: olcAccess
olcAccess: {0}
LDIF
    end_token
    ended_as 0 "revoked: $MINT_ID"
}

@test "it is written at write_uri, and nowhere else" {
    mint bob acme
    set_conf "write_uri = ldapi://%2Fnonexistent%2Fldapi"
    end_token
    ended_as 3 unavailable
    wait_for 15 grep -q 'revoke=unavailable .*nonexistent' "$PATD_LOG"
    [[ -z $(ldap_admin_get "$MINT_DN" patRevoked) ]]
    set_conf "uri = ldapi://%2Fnonexistent%2Fldapi" "write_uri = $LDAPURI"
    end_token
    ended_as 0 "revoked: $MINT_ID"
    sed -i '/^write_uri/d' "$PAT_CONF"
    set_conf "uri = $LDAPURI"
}

# in_arguments PID WORD
in_arguments() {
    tr '\0' '\n' <"/proc/$1/cmdline" | grep -qxF -- "$2"
}

@test "no token stands in an argument, in the environment or in an answer" {
    local pid seen=$BATS_TEST_TMPDIR/seen

    mint bob acme
    mkfifo "$BATS_TEST_TMPDIR/held"
    "$PAT_BUILD/patctl" revoke --stdin --socket "$PAT_SOCKET" <"$BATS_TEST_TMPDIR/held" \
        >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    pid=$!
    exec 7>"$BATS_TEST_TMPDIR/held"
    printf '%s\n' "$MINT_TOKEN" >&7
    # It waits for the end of its input.
    wait_for 15 in_arguments "$pid" --stdin
    tr '\0' '\n' <"/proc/$pid/cmdline" >"$seen"
    cat "/proc/$pid/environ" >>"$seen"
    exec 7>&-
    wait "$pid"
    grep -q "^revoked: $MINT_ID" "$BATS_TEST_TMPDIR/out"
    run ! grep -qaF "$MINT_TOKEN" "$seen" "$BATS_TEST_TMPDIR/out"
    verify --json
    [[ $output != *rhp_* && ${stderr-} != *rhp_* ]]
}
