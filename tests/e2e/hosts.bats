#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The PAM stacks of docs/hosts.md, as they stand there, with a real libpam, pam_unix and
# pam_faillock. The tests change the path of pam_pat.so, and nothing else.
#
# In front of pam_unix.so, pam_exec notes whether a token came that far.

load world-lib

bats_require_minimum_version 1.5.0

BOB_PASSWORD=unix-password-of-bob

setup_file() {
    # The tests share /etc/pam.d/recipe and the files of pam_faillock.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    world_up sudo
    install -m 755 "$BATS_TEST_DIRNAME/ssh-marker" "$WORLD"
    # shellcheck disable=SC2016     # $1 and $2 are for the shell in the world
    in_world bash -c 'sed -i "s|^bob:[^:]*|bob:$1|" /etc/shadow
        printf "%s\n" silent "deny = 3" "unlock_time = 0" >/etc/security/faillock.conf' - \
        "$(openssl passwd -6 -stdin <<<"$BOB_PASSWORD")"
}

teardown_file() {
    world_down
}

setup() {
    # shellcheck source=/dev/null
    . "$WORLD/box/env"
    # shellcheck source=tests/lib.bash
    . "$ROOT/tests/lib.bash"
    in_world rm -rf /run/faillock "$WORLD/log/marker"
    mark_logs
}

teardown() {
    if [[ -z ${BATS_TEST_COMPLETED-} ]]; then
        show_ends
        repair_world
    fi
}

fault() {
    printf '%s\n' "$1" "$output"
    return 1
}

# recipe NAME [SED-COMMAND]
# Makes /etc/pam.d/recipe what docs/hosts.md has by that name, changed by SED-COMMAND.
recipe() {
    awk -v name="$1" '
        $0 == "<!-- sample: " name " -->" { wanted = 1; next }
        /^```/ { if (inside) exit; inside = wanted; next }
        inside' "$ROOT/docs/hosts.md" >"$BATS_TEST_TMPDIR/recipe"
    grep -q pam_pat "$BATS_TEST_TMPDIR/recipe"
    sed -e "${2-}" -e "s|pam_pat\.so|$WORLD/pam_pat.so socket=$PAT_SOCKET|" \
        -e "s|^auth .* pam_unix|auth [default=ignore] pam_exec.so quiet expose_authtok \
$WORLD/ssh-marker $WORLD/log/marker\n&|" \
        "$BATS_TEST_TMPDIR/recipe" | in_world tee /etc/pam.d/recipe >/dev/null
}

# login USER PASSWORD: sets output.
login() {
    output=$(in_world "$PAT_BUILD/tests/pamlogin" -r 192.0.2.7 /etc/pam.d recipe "$1" <<<"$2") ||
        true
}

# accepts USER PASSWORD, refuses USER PASSWORD [CODE]
accepts() {
    login "$1" "$2"
    [[ $output == *$'\nsetcred: PAM_SUCCESS'* ]] || fault 'refused'
}

refuses() {
    login "$1" "$2"
    grep -v '^authenticate: PAM_SUCCESS' <<<"$output" | grep -q "^authenticate: ${3-PAM_}" ||
        fault 'accepted, or refused with another code'
}

# wrong_passwords NUMBER: for bob
wrong_passwords() {
    local i

    for ((i = 0; i < $1; i++)); do
        refuses bob "wrong-$i" PAM_AUTH_ERR
    done
}

# Prints how many failures pam_faillock counts for USER.
failures() {
    in_world faillock --user "$1" | grep -c ' V$' || true
}

no_token_passed_on() {
    ! in_world grep -q token "$WORLD/log/marker"
}

@test "stack A: tokens and unix passwords are accepted, and no others" {
    recipe stack-a 's|^@include common-auth|auth required pam_unix.so try_first_pass\
account required pam_unix.so|'
    new_token bob acme
    accepts bob "$TOKEN"
    accepts bob "$BOB_PASSWORD"
    refuses bob wrong-password
    revoke "$MINT_DN"
    refuses bob "$TOKEN" PAM_AUTH_ERR
    unknown_token
    refuses bob "$TOKEN" PAM_AUTH_ERR
    no_token_passed_on
}

@test "stack B: tokens are accepted, and unix passwords are refused" {
    recipe stack-b
    new_token bob acme
    accepts bob "$TOKEN"
    refuses bob "$BOB_PASSWORD"
    refuses alice "$TOKEN" PAM_AUTH_ERR
    revoke "$MINT_DN"
    refuses bob "$TOKEN" PAM_AUTH_ERR
    sandbox patd-stop
    refuses bob "$TOKEN" PAM_AUTHINFO_UNAVAIL
    sandbox patd-start
}

@test "pam_faillock behind pam_pat: wrong passwords lock the account for passwords alone" {
    recipe faillock
    new_token bob acme
    accepts bob "$BOB_PASSWORD"
    wrong_passwords 3
    [[ $(failures bob) == 3 ]]
    refuses bob "$BOB_PASSWORD" PAM_AUTH_ERR
    accepts bob "$TOKEN"
    refuses bob "$BOB_PASSWORD" PAM_AUTH_ERR
    no_token_passed_on
}

@test "pam_faillock behind pam_pat: a token that is accepted does not clear the count" {
    recipe faillock
    new_token bob acme
    wrong_passwords 2
    accepts bob "$TOKEN"
    [[ $(failures bob) == 2 ]]
    wrong_passwords 1
    refuses bob "$BOB_PASSWORD" PAM_AUTH_ERR
}

@test "pam_faillock behind pam_pat: a password that is accepted clears the count" {
    recipe faillock
    wrong_passwords 2
    accepts bob "$BOB_PASSWORD"
    [[ $(failures bob) == 0 ]]
}

@test "pam_faillock behind pam_pat: refused tokens and outages lock no account" {
    local i
    recipe faillock
    new_token bob acme
    revoke "$MINT_DN"
    for i in 1 2 3 4; do
        refuses bob "$TOKEN" PAM_AUTH_ERR
    done
    sandbox patd-stop
    for i in 1 2 3 4; do
        refuses bob "$TOKEN" PAM_AUTHINFO_UNAVAIL
    done
    [[ $(failures bob) == 0 ]]
    accepts bob "$BOB_PASSWORD"
    no_token_passed_on
    sandbox patd-start
}

@test "pam_faillock in the account part: a token that is accepted clears the count" {
    recipe faillock '$ a account required pam_faillock.so'
    new_token bob acme
    wrong_passwords 2
    accepts bob "$TOKEN"
    [[ $(failures bob) == 0 ]]
}

@test "pam_faillock before pam_pat, requisite: a locked account refuses tokens" {
    recipe faillock-first
    new_token bob acme
    accepts bob "$TOKEN"
    accepts bob "$BOB_PASSWORD"
    wrong_passwords 3
    refuses bob "$TOKEN" PAM_AUTH_ERR
    refuses bob "$BOB_PASSWORD" PAM_AUTH_ERR
    no_token_passed_on
}

@test "pam_faillock before pam_pat, required: the token of a locked account is passed on" {
    recipe faillock-first 's|requisite\( .*preauth\)|required\1|'
    new_token bob acme
    accepts bob "$TOKEN"
    no_token_passed_on
    wrong_passwords 3
    refuses bob "$TOKEN" PAM_AUTH_ERR
    # docs/hosts.md and pam_pat(8) warn of this.
    run -1 no_token_passed_on
}

@test "a required line that fails above pam_pat: a good token is passed on" {
    recipe faillock '1 i auth required pam_deny.so'
    new_token bob acme
    refuses bob "$TOKEN"
    run -1 no_token_passed_on
    in_world rm "$WORLD/log/marker"
    recipe faillock '1 i auth requisite pam_deny.so'
    refuses bob "$TOKEN"
    no_token_passed_on
}
