# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# ssh-lib.bash - logins by ssh for ssh.bats, and what they must and must not leave behind

# shellcheck source=tests/e2e/world-lib.bash
. "$BATS_TEST_DIRNAME/world-lib.bash"

METHODS=(keyboard-interactive password)
# shellcheck disable=SC2034     # for the tests
BOB_PASSWORD=unix-password-of-bob

# set_unix_password USER PASSWORD
set_unix_password() {
    local hash

    hash=$(openssl passwd -6 -stdin <<<"$2")
    in_world cp -p /etc/shadow /etc/shadow.kept
    in_world sed -i "s|^$1:[^:]*|$1:$hash|" /etc/shadow
}

restore_unix_passwords() {
    in_world cp -p /etc/shadow.kept /etc/shadow
}

# --- logs ----------------------------------------------------------------------------------

# What got past pam_pat.so: "token", "other", both or nothing.
passed_on() {
    [[ ! -e $WORLD/log/marker ]] || tail -c +$((marker_mark + 1)) "$WORLD/log/marker" | xargs
}

# For teardown: where to look when a test failed.
show_logs() {
    [[ ! -s $BATS_TEST_TMPDIR/ssh.err ]] || cat "$BATS_TEST_TMPDIR/ssh.err"
    show_ends "$WORLD/log/${last_service:-sshd-pat}.log"
}

# For teardown: what a test that failed half-way did not put right.
repair() {
    repair_world
    restore_unix_passwords || true
} >/dev/null 2>&1

# --- logins ----------------------------------------------------------------------------------

# login METHOD SERVICE USER ANSWER...
# Answer the prompts of one connection, and run env in the session. Sets status and output,
# as run does, and LOGIN_MS.
login() {
    local method=$1 service=$2 user=$3 start
    shift 3

    last_service=$service
    (umask 077 && printf '%s\n' "$@" >"$WORLD/secret/answers")
    mark_logs
    marker_mark=$(size_of "$WORLD/log/marker")
    status=0
    start=$(now_ms)
    output=$(in_world env -i PATH="$PATH" ANSWERS="$WORLD/secret/answers" \
        SSH_ASKPASS="$BATS_TEST_DIRNAME/ssh-askpass" SSH_ASKPASS_REQUIRE=force \
        setsid --wait timeout $((20 * PAT_TIME_SCALE)) ssh -F /dev/null -T -p "$(<"$WORLD/port/$service")" \
        -o LogLevel=ERROR -o ConnectTimeout=10 -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no \
        -o PreferredAuthentications="$method" -o NumberOfPasswordPrompts=$# \
        -o BindAddress="${client_address-127.0.0.1}" "${client_options[@]}" \
        "$user@127.0.0.1" env \
        </dev/null 2>"$BATS_TEST_TMPDIR/ssh.err") || status=$?
    LOGIN_MS=$(($(now_ms) - start))
    rm -f -- "$WORLD/secret/answers"
}

# from ADDRESS COMMAND [ARG...]: with logins from there.
from() {
    local client_address=$1
    shift

    "$@"
}

# with_option OPTION COMMAND [ARG...]: with that option of ssh.
with_option() {
    local client_options=(-o "$1")
    shift

    "$@"
}

# fault TEXT: say what is wrong with the last login, and fail.
fault() {
    printf '%s as %s by %s: %s (status %d, after %d ms)\n' "$service" "$user" "$method" \
        "$1" "$status" "$LOGIN_MS"
    return 1
}

expect_session() {
    ((status == 0)) || fault 'there is no session'
    [[ $output == *"USER=$user"* ]] || fault 'the session is not of this user'
}

expect_refusal() {
    ((status == 255)) || fault 'this is no refusal'
    grep -q 'Permission denied' "$BATS_TEST_TMPDIR/ssh.err" || fault 'ssh failed otherwise'
}

# expect_variables [NAME=VALUE...]
# The session knows of exactly these PAT_ variables.
expect_variables() {
    local found wanted

    found=$(grep '^PAT_' <<<"$output" | LC_ALL=C sort || true)
    wanted=$(printf '%s\n' "$@" | LC_ALL=C sort)
    [[ $found == "$wanted" ]] || fault "variables are: $found; not: $wanted"
}

expect_passed_on() {
    [[ $(passed_on) == "$1" ]] || fault "what got past pam_pat.so is '$(passed_on)', not '$1'"
}

# accepted SERVICE USER ORG ROLE [NAME=VALUE...]
# TOKEN lets USER in, by either method; the session knows whose it is, no module after
# pam_pat.so was asked, and the token itself is not in the session.
accepted() {
    local service=$1 user=$2 org=$3 role=$4 method
    shift 4
    (($# > 0)) || set -- PAT_EXPIRES=

    for method in "${METHODS[@]}"; do
        login "$method" "$service" "$user" "$TOKEN"
        expect_session
        expect_variables PAT_ID="$MINT_ID" PAT_NAME="$TOKEN_NAME" PAT_USER="$TOKEN_USER" \
            PAT_ORG="$org" PAT_ROLE="$role" "$@"
        expect_passed_on ''
        [[ $output != *"$TOKEN"* ]] || fault 'the token is in the environment'
    done
}

# refused SERVICE USER REASON [MAX-MS]
# TOKEN lets nobody in, by either method, for the reason that a log has; and no module after
# pam_pat.so got to see it.
refused() {
    local service=$1 user=$2 reason=$3 max_ms=${4:-60000} method

    for method in "${METHODS[@]}"; do
        # What a wrong password took is rounded up by sshd itself, to less than its double.
        [[ $method != password ]] || max_ms=$((2 * max_ms))
        login "$method" "$service" "$user" "$TOKEN"
        expect_refusal
        expect_passed_on ''
        wait_for 15 logged "$reason" || fault "no log says: $reason"
        no_hang "$LOGIN_MS" "$max_ms"
    done
}

# failed REASON
# The login that was in hand ended without a session and without a verdict against the token,
# for the reason that a log has; and no module after pam_pat.so got to see it.
failed() {
    expect_refusal
    expect_passed_on ''
    wait_for 15 logged "$1" || fault "no log says: $1"
    not_logged 'pam_pat.*authentication failure|verdict=(refuse|accept)' || fault 'somebody has decided'
}

# unix_accepted SERVICE USER PASSWORD
# The password goes by pam_pat.so and patd, lets USER in, and is no token to the session.
unix_accepted() {
    local service=$1 user=$2 method

    for method in "${METHODS[@]}"; do
        login "$method" "$service" "$user" "$3"
        expect_session
        expect_variables
        expect_passed_on other
        not_logged verdict= || fault 'patd was asked'
    done
}

# unix_refused SERVICE USER PASSWORD
# The password goes by pam_pat.so and patd, and lets nobody in.
unix_refused() {
    local service=$1 user=$2 method

    for method in "${METHODS[@]}"; do
        login "$method" "$service" "$user" "$3"
        expect_refusal
        expect_passed_on other
        not_logged verdict= || fault 'patd was asked'
    done
}
