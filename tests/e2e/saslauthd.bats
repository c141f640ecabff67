#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# patd for those who ask as they would ask saslauthd: libsasl2's own client, one that abuses
# the protocol, and behind patd a real saslauthd for what is no token.

load common

setup_file() {
    # saslauthd has accounts of its own, and answers while our directory does not.
    ACCOUNTS=$(mktemp -d "${TMPDIR:-/tmp}/pat-accounts.XXXXXX")
    export ACCOUNTS
    "$ROOT/tests/sandbox" start --no-patd --no-hook "$ACCOUNTS"
    sandbox_up
    export MUX=${PAT_SOCKET%/*}/mux SASLAUTHD_DIR=${PAT_SOCKET%/*}/saslauthd
    export SASLAUTHD_PID_FILE=$BATS_FILE_TMPDIR/saslauthd.pid TOKEN_FILE=$BATS_FILE_TMPDIR/token
    saslauthd_start
    set_conf 'timeout = 3s' 'log_level = debug' "saslauthd_socket = $MUX" \
        'saslauthd_socket_mode = 0666'
    mint alice acme
    (umask 077 && printf '%s\n' "$MINT_TOKEN" >"$TOKEN_FILE")
}

# Also: no password stands in anybody's log.
teardown_file() {
    local found

    saslauthd_stop
    "$ROOT/tests/sandbox" stop "$ACCOUNTS"
    printf 'control-password\n' >"$SANDBOX/log/control-password"
    found=$(grep -rlaE '[a-z]-password' "$SANDBOX/log" "$ACCOUNTS/log")
    rm -rf "$ACCOUNTS"
    sandbox_down
    if [[ $found != */log/control-password ]]; then
        printf 'a password stands in: %s\n' "$found" >&2
        return 1
    fi
}

setup() {
    load_sandbox
    MINT_TOKEN=$(<"$TOKEN_FILE")
    cp "$PAT_CONF" "$BATS_TEST_TMPDIR/patd.conf"
}

# Whatever a test stopped or froze goes on, and patd has its first configuration again.
teardown() {
    end_background
    saslauthd_signal CONT
    kill -CONT "$(slapd_pid)" 2>/dev/null || sandbox slapd-start
    if ! patd_serves || ! cmp -s "$BATS_TEST_TMPDIR/patd.conf" "$PAT_CONF"; then
        cp "$BATS_TEST_TMPDIR/patd.conf" "$PAT_CONF"
        sandbox patd-restart
    fi
}

saslauthd_start() {
    (
        . "$ACCOUNTS/env"
        printf '%s\n' "ldap_servers: $LDAPURI" 'ldap_auth_method: fastbind' \
            "ldap_filter: uid=%u,ou=people,$PAT_BASE"
    ) >"$BATS_FILE_TMPDIR/saslauthd.conf"
    setsid /usr/sbin/saslauthd -d -a ldap -O "$BATS_FILE_TMPDIR/saslauthd.conf" \
        -m "$SASLAUTHD_DIR" -n 3 </dev/null >>"$SANDBOX/log/saslauthd.log" 2>&1 3>&- &
    printf '%s\n' "$!" >"$SASLAUTHD_PID_FILE"
    wait_for 20 unix_listens "$SASLAUTHD_DIR/mux"
}

# To all its processes.
saslauthd_signal() {
    kill "-$1" -- "-$(<"$SASLAUTHD_PID_FILE")" 2>/dev/null || true
}

# Its handlers of SIGTERM and SIGCHLD log, and wait for a lock of the C library for ever where
# one interrupts the other.
saslauthd_stop() {
    [[ -e $SASLAUTHD_PID_FILE ]] || return 0
    saslauthd_signal KILL
    wait_for 20 eval '! kill -0 -- "-$(<"$SASLAUTHD_PID_FILE")"'
}

patd_stopped() { tail -n 1 "$SANDBOX/log/patd.log" | grep -q 'info: stopped'; }
patd_serves() { kill -0 "$(patd_pid)" 2>/dev/null; }

client() {
    python3 "$BATS_TEST_DIRNAME/saslauthd_client.py" "$@"
}

abuse() {
    local test=$1
    shift

    client "$test" "$MUX" "$TOKEN_FILE" "$@"
}

with_fallback() {
    set_conf "saslauthd_fallback = $SASLAUTHD_DIR/mux" "$@"
}

# check WORD SECRET USER [SERVICE [REALM]]
# What sasl_checkpass(3) returns, without LOST descriptors of its caller. Sets CHECK_MS.
check() {
    local word=$1 secret=$2 got=nothing lost=0
    shift 2

    read -r got CHECK_MS lost < <(client checkpass "$MUX" "$@" <<<"$secret") || true
    if [[ $got != "$word" || $lost != "${LOST:-0}" ]]; then
        printf 'wanted %s for %s, got %s after %s ms, %s descriptors lost\n' "$word" "$*" \
            "$got" "$CHECK_MS" "$lost" >&2
        tail -n 5 "$SANDBOX/log/patd.log" >&2
        return 1
    fi
}

# check_in_background SECRET USER
# The same, until the end of the test; what it prints goes to the file answer.
check_in_background() {
    # A file of its own: the client before may still have to read its secret.
    local secret=$BATS_TEST_TMPDIR/secret.${#BACKGROUND_PIDS[@]}

    (umask 077 && printf '%s\n' "$1" >"$secret")
    in_background bash -c 'exec python3 "$0" checkpass "$1" "$2" <"$3" >>"$4"' \
        "$BATS_TEST_DIRNAME/saslauthd_client.py" "$MUX" "$2" "$secret" \
        "$BATS_TEST_TMPDIR/answer"
}

# The last check did not hang.
was_quick() { took 0 0; }

# These 3 s, once.
took_until_the_deadline() { took 2700 3000; }

# took MIN-MS DEADLINE-MS
took() {
    if ((CHECK_MS < $1)); then
        printf 'took %s ms, less than %s\n' "$CHECK_MS" "$1" >&2
        return 1
    fi
    no_hang "$CHECK_MS" "$2"
}

fd_count() {
    find "/proc/$(patd_pid)/fd" -mindepth 1 | wc -l
}

# As the unix user that nobody else here asks as.
as_nobody() {
    setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups "$@"
}

# flood TEST: in the background, until the end of the test, as another user.
flood() {
    install -m 644 "$BATS_TEST_DIRNAME/saslauthd_client.py" "$SANDBOX/flood.py"
    in_background prlimit --nofile=8192 setpriv --reuid "$(id -u nobody)" \
        --regid "$(id -g nobody)" --clear-groups /usr/bin/python3 "$SANDBOX/flood.py" "$1" \
        "$MUX" "$SANDBOX/flood.py" >"$BATS_TEST_TMPDIR/held"
    wait_for 60 test -s "$BATS_TEST_TMPDIR/held"
}

@test "a live token is accepted, logged and noted as any other use" {
    mint bob acme 'patService: smtp'
    log_mark
    check SASL_OK "$MINT_TOKEN" bob smtp
    was_quick
    logged "verdict=accept id=$MINT_ID user=bob org=acme role=member service=smtp \
peer_uid=$EUID "
    wait_for 15 eval '[[ -n $(ldap_admin_get "$MINT_DN" patLastUsedFrom) ]]'
    [[ $(ldap_admin_get "$MINT_DN" patLastUsedFrom) == "smtp@$(hostname)" ]]
}

# refused REASON [TOKEN]
# bob is refused, in the one word that there is, and the log tells why.
refused() {
    log_mark
    check SASL_BADAUTH "${2:-$MINT_TOKEN}" bob
    was_quick
    logged "verdict=refuse reason=\"$1\""
}

@test "what is no live token of this user for this service is refused" {
    mint bob acme
    check SASL_OK "$MINT_TOKEN" bob
    revoke "$MINT_DN"
    refused 'token is revoked'
    mint bob acme "patExpires: $(now_gt 3600)"
    check SASL_OK "$MINT_TOKEN" bob
    expire "$MINT_DN"
    refused 'token has expired'
    mint carol acme
    refused 'token belongs to another user'
    mint bob acme 'patService: smtp'
    refused 'token is not valid for this org, role, service or source'
    refused 'not a token' "${MINT_TOKEN%?}_"
    refused 'no such token' "$("$PAT_BUILD/patctl" generate | sed -n 's/^token: //p')"
    mint_self bob globex
    check SASL_OK "$MINT_TOKEN" bob
    change_member delete bob globex members
    refused 'token is revoked'
    change_member add bob globex members
}

@test "a token that is limited to addresses is refused: none is known here" {
    mint bob acme 'patSource: 0.0.0.0/0' 'patSource: ::/0'
    log_mark
    check SASL_BADAUTH "$MINT_TOKEN" bob
    logged "detail=\"patSource is set, and the client's address is not known\""
}

@test "a realm is part of the name, and login_realms or login_org must let it stand" {
    log_mark
    check SASL_BADAUTH "$MINT_TOKEN" alice imap evil.example
    logged 'detail="the login name has a realm; login_realms and login_org tell'
    check SASL_BADAUTH "$MINT_TOKEN" alice@evil.example
    check SASL_BADAUTH "$MINT_TOKEN" alice@acme
    not_logged evil
    set_conf 'login_realms = EXAMPLE.COM' 'login_org = yes'
    check SASL_OK "$MINT_TOKEN" alice imap example.com
    check SASL_OK "$MINT_TOKEN" alice@example.com
    check SASL_OK "$MINT_TOKEN" alice@acme
    check SASL_OK "$MINT_TOKEN" alice
    # The realm of the name goes before that of the program, which libsasl2 drops.
    check SASL_OK "$MINT_TOKEN" alice@acme imap evil.example
    check SASL_BADAUTH "$MINT_TOKEN" alice imap evil.example
    check SASL_BADAUTH "$MINT_TOKEN" alice imap globex
    check SASL_BADAUTH "$MINT_TOKEN" bob imap example.com
    check SASL_BADAUTH "$MINT_TOKEN" alice@evil@acme
}

@test "saslauthd_org and saslauthd_role limit what comes in there, and nothing else" {
    set_conf 'saslauthd_org = globex, initech'
    log_mark
    check SASL_BADAUTH "$MINT_TOKEN" alice
    logged 'detail="org acme is not accepted here"'
    login plain alice
    expect PAM_SUCCESS
    set_conf 'saslauthd_org = initech, ACME' 'saslauthd_role = member'
    log_mark
    check SASL_BADAUTH "$MINT_TOKEN" alice
    logged 'detail="role owner is not accepted here"'
    set_conf 'saslauthd_role = member, owner'
    check SASL_OK "$MINT_TOKEN" alice
}

@test "no answer of the directory is no refusal, comes in time, and costs clients nothing" {
    sandbox slapd-stop
    check SASL_FAIL "$MINT_TOKEN" alice
    was_quick
    abuse lost_descriptors
    # Nor is it needed for what is no token.
    check SASL_BADAUTH "some-password" alice
    sandbox slapd-start
    check SASL_OK "$MINT_TOKEN" alice
    kill -STOP "$(slapd_pid)"
    check SASL_FAIL "$MINT_TOKEN" alice
    took_until_the_deadline
    kill -CONT "$(slapd_pid)"
    check SASL_OK "$MINT_TOKEN" alice
}

@test "without a fallback all that is no token is refused" {
    for secret in some-password '' ' ' "x$MINT_TOKEN" "${MINT_TOKEN:0:3}"; do
        log_mark
        check SASL_BADAUTH "$secret" alice
        [[ -z $secret ]] || logged 'verdict=refuse reason="not a token"'
    done
    abuse refused
}

@test "a refusal here has the form that refusals have, an outage has not" {
    mint bob acme
    revoke "$MINT_DN"
    log_mark
    check SASL_BADAUTH "$MINT_TOKEN" bob
    logged "authentication failure; verdict=refuse reason=\"token is revoked\" id=$MINT_ID user=bob org=acme service=[a-z]* rhost=\"\" peer_uid=$EUID "
    check SASL_BADAUTH no-token bob
    logged "authentication failure; verdict=refuse reason=\"not a token\" service=[a-z]* rhost=\"\" peer_uid=$EUID "
    log_mark
    sandbox slapd-stop
    check SASL_FAIL "$MINT_TOKEN" bob
    logged 'verdict=unavailable'
    not_logged 'authentication failure'
    sandbox slapd-start
}

@test "testsaslauthd sees what it would see of saslauthd" {
    # Its password is an argument, for all to see: nobody's but this test's.
    run testsaslauthd -f "$MUX" -u alice -p "$MINT_TOKEN"
    [[ $status -eq 0 && $output == *'OK "Success."'* ]]
    run testsaslauthd -f "$MUX" -u bob -p "$MINT_TOKEN"
    [[ $status -ne 0 && $output == *'NO "authentication failed"'* ]]
    run testsaslauthd -f "$MUX" -u alice -r example.com -s smtp -p "$MINT_TOKEN"
    [[ $status -ne 0 && $output == *'NO "authentication failed"'* ]]
    sandbox slapd-stop
    run testsaslauthd -f "$MUX" -u alice -p "$MINT_TOKEN"
    [[ $status -ne 0 && $output != *NO* && $output == *'bad response from saslauthd'* ]]
}

@test "requests in parts, junk, and what is no request" {
    abuse splits
    log_mark
    abuse junk
    logged "warning: junk: uid $EUID sent what is no request"
    abuse damaged
    abuse hang_up
}

@test "clients that send half a request hold nobody up" {
    abuse half
}

# lines N PATTERN: so many in the log, since log_mark, and no more to come
lines() {
    sandbox_idle
    wait_for 15 has_lines "$@"
}

has_lines() { [[ $(log_since | grep -c "$2") -eq $1 ]]; }

@test "another password goes to saslauthd, which accepts or refuses it" {
    with_fallback
    log_mark
    check SASL_OK alice-password alice
    check SASL_OK bob-password bob smtp
    check SASL_OK alice-password alice imap realm.example
    check SASL_BADAUTH bob-password alice
    check SASL_BADAUTH wrong-password alice
    check SASL_BADAUTH wrong-password nobody
    check SASL_BADAUTH '' alice
    check SASL_OK "$MINT_TOKEN" alice
    check SASL_BADAUTH "$MINT_TOKEN" bob
    # Of who it was nothing is told; of tokens, whose they are.
    lines 2 'debug: saslauthd_fallback: verdict=accept service=imap '
    lines 1 'debug: saslauthd_fallback: verdict=accept service=smtp '
    lines 3 'debug: saslauthd_fallback: verdict=refuse service=imap '
    lines 2 'user='
    not_logged 'bob\|nobody\|realm\.example'
}

@test "ordinary passwords work while the directory of tokens does not" {
    local began

    with_fallback 'timeout = 60s'
    sandbox slapd-stop
    check SASL_FAIL "$MINT_TOKEN" alice
    check SASL_OK alice-password alice
    check SASL_BADAUTH wrong-password alice
    # Nor do they wait while every worker waits for it.
    sandbox slapd-start
    kill -STOP "$(slapd_pid)"
    began=$SECONDS
    for _ in 1 2 3 4 5 6; do
        check_in_background "$MINT_TOKEN" alice
    done
    under_way "${BACKGROUND_PIDS[@]}"
    check SASL_OK bob-password bob
    took 0 10000
    # None of them had an answer before its 60 s ended.
    [[ ! -s $BATS_TEST_TMPDIR/answer ]] || ((SECONDS - began >= 59))
}

@test "what goes to saslauthd goes as it came, and no token does" {
    set_conf "saslauthd_fallback = ${MUX%/*}/fallback"
    abuse fallback_asked "${MUX%/*}/fallback"
}

@test "a saslauthd that answers nonsense lets nobody in, and refuses nobody" {
    set_conf "saslauthd_fallback = ${MUX%/*}/fallback"
    log_mark
    abuse fallback_answers "${MUX%/*}/fallback"
    logged "warning: saslauthd_fallback: ${MUX%/*}/fallback: "
}

@test "a saslauthd whose backlog is full is tried again until the deadline" {
    set_conf "saslauthd_fallback = ${MUX%/*}/fallback"
    log_mark
    abuse fallback_backlog "${MUX%/*}/fallback"
    not_logged 'fallback: too many wait for it'
    abuse fallback_full "${MUX%/*}/fallback"
    logged "fallback: too many wait for it already; "
}

@test "no saslauthd: unavailable at once, and the log names the path and the reason" {
    set_conf "saslauthd_fallback = $SASLAUTHD_DIR/none"
    log_mark
    check SASL_FAIL alice-password alice
    was_quick
    logged "warning: saslauthd_fallback: $SASLAUTHD_DIR/none: connect: No such file"
    check SASL_OK "$MINT_TOKEN" alice
    [[ $EUID -eq 0 ]] || return 0
    install -d -m 700 "$SASLAUTHD_DIR/closed"
    set_conf "saslauthd_fallback = $SASLAUTHD_DIR/closed/mux"
    log_mark
    check SASL_FAIL alice-password alice
    logged "warning: saslauthd_fallback: .*closed/mux: connect: Permission denied"
}

@test "no password is sent to a saslauthd that another user could have put there" {
    local open=${MUX%/*}/open
    mkdir "$open"
    in_background python3 -IS -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    s.accept()
    open(sys.argv[2], "w").close()' "$open/mux" "$BATS_TEST_TMPDIR/heard"
    wait_for 20 unix_listens "$open/mux"
    chmod 777 "$open"
    set_conf "saslauthd_fallback = $open/mux"
    log_mark
    check SASL_FAIL alice-password alice
    logged "warning: saslauthd_fallback: $open/mux: $open: must not be writable by group or others"
    [[ ! -e $BATS_TEST_TMPDIR/heard ]]
    check SASL_OK "$MINT_TOKEN" alice
    rm -r "$open"
}

@test "saslauthd frozen: unavailable at the deadline, and no token waits for it" {
    with_fallback
    saslauthd_signal STOP
    log_mark
    check SASL_FAIL alice-password alice
    took_until_the_deadline
    logged "warning: saslauthd_fallback: $SASLAUTHD_DIR/mux: no answer in time"
    abuse frozen
    saslauthd_signal CONT
    wait_for 20 check SASL_OK alice-password alice
}

@test "who hangs up while saslauthd is frozen is forgotten at once" {
    local before

    with_fallback 'timeout = 60s'
    check SASL_OK "$MINT_TOKEN" alice
    # With all its connections to the directory, and none to a client.
    sandbox_idle
    before=$(fd_count)
    saslauthd_signal STOP
    abuse dropped
    # Well before the deadline.
    wait_for 8 eval "[[ \$(fd_count) -le $before ]]"
}

@test "a fallback that leads back to patd is noticed" {
    ln -sfn "$MUX" "${MUX%/*}/loop"
    set_conf "saslauthd_fallback = ${MUX%/*}/loop"
    log_mark
    check SASL_FAIL alice-password alice
    was_quick
    logged 'error: saslauthd_fallback: is a socket of patd itself'
    check SASL_OK "$MINT_TOKEN" alice
}

@test "200 clients at a time, tokens and passwords, good and bad" {
    with_fallback 'timeout = 60s' 'queue_max = 512'
    abuse mixed
    wait_for 15 eval '[[ $(fd_count) -lt 60 ]]'
}

@test "a flood of connections from one user does not keep another out" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to be another user'
    flood flood
    [[ $(head -n 1 "$BATS_TEST_TMPDIR/held") -gt 100 ]]
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        check SASL_OK "$MINT_TOKEN" alice
        took 0 5000
    done
    logged 'busy: clients_max'
}

@test "a flood of passwords from one user takes no place of another's" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to be another user'
    with_fallback 'timeout = 60s'
    saslauthd_signal STOP
    flood flood_passwords
    # Half of what root's part, 32 of 256, leaves of queue_max: to the last one.
    [[ $(head -n 1 "$BATS_TEST_TMPDIR/held") -eq 112 ]]
    for _ in 1 2 3 4 5; do
        check SASL_OK "$MINT_TOKEN" alice
        took 0 10000
    done
    logged "busy: queue_max, or one user's share of it, is reached by passwords"
    # There is a place for root's, and it is answered as soon as saslauthd goes on.
    check_in_background alice-password alice
    under_way "${BACKGROUND_PIDS[-1]}"
    [[ ! -s $BATS_TEST_TMPDIR/answer ]]
    saslauthd_signal CONT
    wait_for 15 grep -q SASL_OK "$BATS_TEST_TMPDIR/answer"
}

@test "at SIGTERM passwords under way are answered, and patd ends in time" {
    with_fallback 'timeout = 60s'
    saslauthd_signal STOP
    check_in_background alice-password alice
    under_way "${BACKGROUND_PIDS[-1]}"
    log_mark
    kill -TERM "$(patd_pid)"
    not_logged 'info: stopped'
    logged 'info: stopping'
    saslauthd_signal CONT
    # Well before the deadline.
    wait_for 8 grep -q SASL_OK "$BATS_TEST_TMPDIR/answer"
    wait_for 5 patd_stopped
    # With nobody to answer them it ends all the same.
    set_conf 'timeout = 3s'
    saslauthd_signal STOP
    check_in_background alice-password alice
    under_way "${BACKGROUND_PIDS[-1]}"
    kill -TERM "$(patd_pid)"
    wait_for 8 patd_stopped
    wait_for 5 grep -q SASL_FAIL "$BATS_TEST_TMPDIR/answer"
}

@test "SIGHUP: limits and fallback change at once, sockets at the next start" {
    check SASL_OK "$MINT_TOKEN" alice
    check SASL_BADAUTH alice-password alice
    write_conf 'saslauthd_org = globex' "saslauthd_fallback = $SASLAUTHD_DIR/mux"
    kill -HUP "$(patd_pid)"
    wait_for 15 check SASL_BADAUTH "$MINT_TOKEN" alice
    check SASL_OK alice-password alice
    # What would lift the limit by mistake is refused, and the limit stays.
    log_mark
    write_conf 'saslauthd_org ='
    kill -HUP "$(patd_pid)"
    logged 'saslauthd_org: needs a value; leave it out'
    check SASL_BADAUTH "$MINT_TOKEN" alice
    sed -i '/^saslauthd_org /d' "$PAT_CONF"
    write_conf "saslauthd_socket = $MUX.other"
    log_mark
    kill -HUP "$(patd_pid)"
    logged 'warning: reload: .*saslauthd_socket.* at the next start'
    check SASL_OK "$MINT_TOKEN" alice
    [[ ! -e $MUX.other ]]
}

@test "the socket is closed but for its group" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to be another user'
    sed -i '/^saslauthd_socket_mode /d' "$PAT_CONF"
    sandbox patd-restart
    [[ $(stat -c '%a %U' "$MUX") == '660 root' ]]
    install -m 644 "$BATS_TEST_DIRNAME/saslauthd_client.py" "$SANDBOX/client.py"
    run as_nobody /usr/bin/python3 "$SANDBOX/client.py" checkpass "$MUX" alice <"$TOKEN_FILE"

    [[ $output == SASL_FAIL* ]]
    set_conf "saslauthd_socket_group = $(id -gn nobody)"
    [[ $(stat -c '%a %U %g' "$MUX") == "660 root $(id -g nobody)" ]]
    run as_nobody /usr/bin/python3 "$SANDBOX/client.py" checkpass "$MUX" alice <"$TOKEN_FILE"
    [[ $output == SASL_OK* ]]
    # Another group of the same user's, and no group at all.
    set_conf 'saslauthd_socket_group = sasl'
    run as_nobody /usr/bin/python3 "$SANDBOX/client.py" checkpass "$MUX" alice <"$TOKEN_FILE"
    [[ $output == SASL_FAIL* ]]
    write_conf 'saslauthd_socket_group = no-such-group'
    sandbox patd-stop
    run "$PAT_BUILD/patd" -f -c "$PAT_CONF"
    [[ $status -eq 78 && $output == *'saslauthd_socket_group: no-such-group: no such group' ]]
    [[ ! -e $MUX ]]
}

@test "systemd's socket of that name speaks this protocol, others the one of tokens" {
    local log=$BATS_TEST_TMPDIR/notify dir=${MUX%/*} pid

    sed -e "s|^socket = .*|socket = /nonexistent/patd.sock|" \
        -e "s|^saslauthd_socket = .*|saslauthd_socket = /nonexistent/mux|" "$PAT_CONF" \
        >"$SANDBOX/etc/activated.conf"
    in_background python3 "$BATS_TEST_DIRNAME/notify.py" \
        "$dir/a.sock,saslauthd=$dir/a.mux,else=$dir/b.sock" "$log" \
        "$PAT_BUILD/patd" -f -c "$SANDBOX/etc/activated.conf" 2>"$BATS_TEST_TMPDIR/patd.log"
    pid=${BACKGROUND_PIDS[-1]}
    wait_for 20 grep -q '^READY=1' "$log"
    MUX=$dir/a.mux check SASL_OK "$MINT_TOKEN" alice
    for socket in "$dir/a.sock" "$dir/b.sock"; do
        # Hung up on, as is anybody who speaks something else.
        MUX=$socket LOST=1 check SASL_FAIL "$MINT_TOKEN" alice
        PAT_SOCKET=$socket pam_service "${socket##*/}"
        login "${socket##*/}" alice
        expect PAM_SUCCESS
    done
    kill -TERM "$pid"
    wait "$pid"
    [[ -S $dir/a.mux ]] # systemd's, not ours to remove
}

@test "of a protocol for which systemd passes no socket, patd binds its own" {
    local log=$BATS_TEST_TMPDIR/notify dir=${MUX%/*}

    sed -e "s|^socket = .*|socket = /nonexistent/patd.sock|" \
        -e "s|^saslauthd_socket = .*|saslauthd_socket = $dir/c.mux|" "$PAT_CONF" \
        >"$SANDBOX/etc/activated.conf"
    in_background python3 "$BATS_TEST_DIRNAME/notify.py" "$dir/c.sock" "$log" \
        "$PAT_BUILD/patd" -f -c "$SANDBOX/etc/activated.conf" 2>"$BATS_TEST_TMPDIR/patd.log"
    wait_for 20 grep -q '^READY=1' "$log"
    MUX=$dir/c.mux check SASL_OK "$MINT_TOKEN" alice
}

@test "neither password nor token stays in patd's memory" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to read the memory of another process'
    [[ ${SANITIZE-} != 1 ]] || return 0 # which keep what was freed, and terabytes of maps
    with_fallback
    check SASL_OK "$MINT_TOKEN" alice
    check SASL_OK alice-password alice
    check SASL_BADAUTH wrong-password alice
    saslauthd_signal STOP
    check SASL_FAIL frozen-password alice
    saslauthd_signal CONT
    abuse wrong_prompt
    for secret in "$MINT_TOKEN" alice-password wrong-password frozen-password; do
        (umask 077 && printf '%s\n' "$secret" >"$BATS_TEST_TMPDIR/secret")
        python3 "$BATS_TEST_DIRNAME/patd_client.py" memory "$(patd_pid)" \
            "$BATS_TEST_TMPDIR/secret"
    done
    # Already while it waits for the answer.
    saslauthd_signal STOP
    check_in_background waiting-password alice
    under_way "${BACKGROUND_PIDS[-1]}"
    (umask 077 && printf 'waiting-password\n' >"$BATS_TEST_TMPDIR/secret")
    python3 "$BATS_TEST_DIRNAME/patd_client.py" memory "$(patd_pid)" "$BATS_TEST_TMPDIR/secret"
}

@test "settings that would open more than was meant are errors" {
    local line

    for line in 'saslauthd_org =' 'saslauthd_role =' 'saslauthd_socket = mux' \
        "saslauthd_socket = $PAT_SOCKET" "saslauthd_fallback = $PAT_SOCKET" \
        "saslauthd_fallback = $MUX" 'saslauthd_fallback = mux'; do
        sed "/^${line%% *} /d" "$PAT_CONF" >"$BATS_TEST_TMPDIR/wrong.conf"
        printf '%s\n' "$line" >>"$BATS_TEST_TMPDIR/wrong.conf"
        run "$PAT_BUILD/patd" -t -c "$BATS_TEST_TMPDIR/wrong.conf"
        printf '%s\n' "$output"
        [[ $status -eq 78 ]]
        [[ $output == "$BATS_TEST_TMPDIR/wrong.conf:$(wc -l <"$BATS_TEST_TMPDIR/wrong.conf"): \
${line%% *}: "* ]]
    done
}
