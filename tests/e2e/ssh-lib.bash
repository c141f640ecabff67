# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# ssh-lib.bash - logins by ssh for ssh.bats, and what they must and must not leave behind
#
# Secrets pass through files below $WORLD/secret alone, which no other user can read and
# which go with the world.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
METHODS=(keyboard-interactive password)
# shellcheck disable=SC2034     # for the tests
BOB_PASSWORD=unix-password-of-bob

# --- the world -------------------------------------------------------------------------

world_up() {
    WORLD=$(mktemp -d /tmp/ldap-pat-ssh.XXXXXX)
    export WORLD
    chmod 755 "$WORLD"
    mkfifo "$WORLD/lifeline"
    # Our end of the pipe is open until world_down, or until we die. Whatever signal a whole
    # group of processes gets, the world is not in it, and takes itself down.
    setsid "$BATS_TEST_DIRNAME/ssh-world" "$WORLD" <"$WORLD/lifeline" 3>&- &
    world_pid=$!
    exec {lifeline}>"$WORLD/lifeline"
    until [[ -e $WORLD/ready ]]; do
        kill -0 "$world_pid" 2>/dev/null
        sleep 0.05
    done
    WORLD_INIT=$(pgrep -P "$world_pid")
    export WORLD_INIT
}

world_down() {
    [[ -z ${lifeline-} ]] || exec {lifeline}>&-
    [[ -z ${world_pid-} ]] || wait "$world_pid"
    [[ ! -e $WORLD ]] || {
        rm -rf -- "$WORLD"
        return 1
    }
}

in_world() {
    nsenter --target "$WORLD_INIT" --mount --net --pid --root -- "$@"
}

sandbox() {
    in_world "$ROOT/tests/sandbox" "$1" "$WORLD/box"
}

signal_patd() {
    in_world /bin/kill "-$1" "$(cat "$PAT_PATD_PID")"
}

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

# --- tokens ------------------------------------------------------------------------------

# A file with every token there ever was: none may be found anywhere else.
remember_token() {
    (umask 077 && printf '%s\n' "$1" >>"$WORLD/secret/tokens")
}

# new_token UID ORG [LDIF-LINE...]
# Sets TOKEN, and MINT_ID and MINT_DN as mint does. Its name is "a token of UID".
new_token() {
    local uid=$1 org=$2
    shift 2

    TOKEN_NAME="a token of $uid"
    TOKEN_USER=$uid
    if (($# > 0)) && [[ $* == *cn:* ]]; then
        mint "$uid" "$org" "$@"
    else
        mint "$uid" "$org" "cn: $TOKEN_NAME" "$@"
    fi
    TOKEN=$MINT_TOKEN
    remember_token "$TOKEN"
}

# A token in perfect shape that the directory does not have.
unknown_token() {
    TOKEN=$("$PAT_BUILD/patctl" generate | sed -n 's/^token: //p')
    [[ -n $TOKEN ]]
    remember_token "$TOKEN"
}

# One character of TOKEN becomes another.
mistype_token() {
    if [[ $TOKEN == *x ]]; then
        TOKEN=${TOKEN%?}y
    else
        TOKEN=${TOKEN%?}x
    fi
    remember_token "$TOKEN"
}

# has_last_used SERVICE: a login there stands with the token.
has_last_used() {
    [[ $(ldap_admin_get "$MINT_DN" patLastUsed) == 2* &&
        $(ldap_admin_get "$MINT_DN" patLastUsedFrom) == "$1@"*" from 127.0.0.1" ]]
}

# --- logs ----------------------------------------------------------------------------------

size_of() {
    stat -c %s -- "$1" 2>/dev/null || printf '0\n'
}

# Of the logs, only what came after this counts.
mark_logs() {
    patd_mark=$(size_of "$WORLD/box/log/patd.log")
    syslog_mark=$(size_of "$WORLD/log/syslog.log")
    slapd_mark=$(size_of "$WORLD/box/log/slapd.log")
    marker_mark=$(size_of "$WORLD/log/marker")
}

new_patd_log() { tail -c +$((patd_mark + 1)) "$WORLD/box/log/patd.log"; }
new_syslog() { tail -c +$((syslog_mark + 1)) "$WORLD/log/syslog.log"; }

# How often patd looked for a hash.
count_lookups() {
    tail -c +$((slapd_mark + 1)) "$WORLD/box/log/slapd.log" | grep -c 'filter=.*patHash=' ||
        true
}

# A regular expression for a line in patd's log or in the module's, which comes by way of
# syslog, and so a little later.
logged() {
    grep -qE -- "$1" < <(new_patd_log; new_syslog)
}

# What got past pam_pat.so: "token", "other", both or nothing.
passed_on() {
    [[ ! -e $WORLD/log/marker ]] || tail -c +$((marker_mark + 1)) "$WORLD/log/marker" | xargs
}

# For teardown: where to look when a test failed.
show_logs() {
    local file

    [[ ! -s $BATS_TEST_TMPDIR/ssh.err ]] || cat "$BATS_TEST_TMPDIR/ssh.err"
    for file in "$WORLD/box/log/patd.log" "$WORLD/log/syslog.log" \
        "$WORLD/log/${last_service:-sshd-pat}.log"; do
        printf -- '--- the end of %s\n' "${file##*/}"
        tail -n 12 -- "$file"
    done
}

# For teardown: what a test that failed half-way did not put right.
repair() {
    signal_patd CONT || true
    sandbox slapd-stop && sandbox slapd-start
    sandbox patd-stop && sandbox patd-start
    restore_unix_passwords || true
    change_member delete bob acme owners || true
    change_member add carol acme viewers || true
} >/dev/null 2>&1

# --- logins ----------------------------------------------------------------------------------

now_ms() {
    printf '%s\n' $((${EPOCHREALTIME/[.,]/} / 1000))
}

# login METHOD SERVICE USER ANSWER...
# Answer the prompts of one connection, and run env in the session. Sets status and output,
# as run does, and LOGIN_MS.
login() {
    local method=$1 service=$2 user=$3 start
    shift 3

    last_service=$service
    (umask 077 && printf '%s\n' "$@" >"$WORLD/secret/answers")
    mark_logs
    status=0
    start=$(now_ms)
    output=$(in_world env -i PATH="$PATH" ANSWERS="$WORLD/secret/answers" \
        SSH_ASKPASS="$BATS_TEST_DIRNAME/ssh-askpass" SSH_ASKPASS_REQUIRE=force \
        setsid --wait timeout 20 ssh -F /dev/null -T -p "$(<"$WORLD/port/$service")" \
        -o LogLevel=ERROR -o ConnectTimeout=10 -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no \
        -o PreferredAuthentications="$method" -o NumberOfPasswordPrompts=$# \
        -o BindAddress="${client_address-127.0.0.1}" "$user@127.0.0.1" env \
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
        wait_for 5 logged "$reason" || fault "no log says: $reason"
        ((LOGIN_MS <= max_ms)) || fault "took more than $max_ms ms"
    done
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
        ! logged verdict= || fault 'patd was asked'
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
        ! logged verdict= || fault 'patd was asked'
    done
}
