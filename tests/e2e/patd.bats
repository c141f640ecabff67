#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031 # each test is a process of its own
#
# patd as a daemon: its socket and those who abuse it, its load, its files, last-used.

load common

setup_file() {
    sandbox_up
    mint alice acme
    (umask 077 && printf '%s\n' "$MINT_TOKEN" >"$BATS_FILE_TMPDIR/token")
    export TOKEN_FILE=$BATS_FILE_TMPDIR/token
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    MINT_TOKEN=$(<"$TOKEN_FILE")
}

teardown() {
    end_background
}

abuse() {
    python3 "$BATS_TEST_DIRNAME/patd_client.py" "$1" "$PAT_SOCKET" "$TOKEN_FILE"
}

rss_kib() {
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(patd_pid)/status"
}

fd_count() {
    find "/proc/$(patd_pid)/fd" -mindepth 1 | wc -l
}

# patd_fails FILE-CONTENT...
# Runs patd on such a file; it must exit 78. Sets output.
patd_fails() {
    printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/patd.conf"
    run "$PAT_BUILD/patd" -f -c "$BATS_TEST_TMPDIR/patd.conf"
    printf '%s\n' "$output"
    [[ $status -eq 78 ]]
}

@test "junk of every length up to 1 MiB is hung up on, and others are served" {
    abuse junk
}

@test "damaged messages are hung up on" {
    abuse damaged
}

@test "clients that send half a message hold nobody up" {
    abuse half
}

@test "clients that hang up before the answer do no harm" {
    abuse hang_up
}

@test "a client that never reads is hung up on" {
    abuse never_reads
}

@test "questions with a deadline of 1 ms cost neither connections nor lines" {
    local before

    login plain alice
    expect PAM_SUCCESS
    sandbox_idle
    before=$(grep -c ' ACCEPT from ' "$SANDBOX/log/slapd.log")
    log_mark
    python3 "$BATS_TEST_DIRNAME/patd_client.py" hasty "$PAT_SOCKET" "$TOKEN_FILE" 20 50 \
        >"$BATS_TEST_TMPDIR/accepted"
    printf '%s of 1000 accepted\n' "$(<"$BATS_TEST_TMPDIR/accepted")"
    (($(<"$BATS_TEST_TMPDIR/accepted") > 0))
    sandbox_idle
    # One for each of 8 workers and the thread that listens, and that of last-used.
    (($(grep -c ' ACCEPT from ' "$SANDBOX/log/slapd.log") - before <= 10))
    (($(log_since | grep -c 'verdict=unavailable') <= 10))
}

@test "one connection may ask again and again" {
    abuse one_connection
}

@test "a flood of connections from one user does not keep another out" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to be another user'
    install -m 644 "$BATS_TEST_DIRNAME/patd_client.py" "$SANDBOX/flood.py"
    in_background prlimit --nofile=8192 setpriv --reuid "$(id -u nobody)" \
        --regid "$(id -g nobody)" --clear-groups /usr/bin/python3 "$SANDBOX/flood.py" flood \
        "$PAT_SOCKET" >"$BATS_TEST_TMPDIR/held"
    wait_for 60 test -s "$BATS_TEST_TMPDIR/held"
    [[ $(<"$BATS_TEST_TMPDIR/held") -gt 100 ]]
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        # Within the deadline of 3 s, or it were no success.
        login plain alice
        expect PAM_SUCCESS
    done
    logged 'busy: clients_max'
}

# as_uid UID TEST [ARG...]: a test of patd_client.py, as another user.
as_uid() {
    local uid=$1 test=$2
    shift 2

    prlimit --nofile=8192 setpriv --reuid "$uid" --regid "$uid" --clear-groups \
        /usr/bin/python3 "$SANDBOX/client.py" "$test" "$PAT_SOCKET" - "$@" <"$TOKEN_FILE"
}

# background_as UID TEST OUTPUT [ARG...]: the same, until the end of the test.
background_as() {
    export -f as_uid
    # shellcheck disable=SC2016 # the inner shell expands
    in_background bash -c 'as_uid "$1" "$2" "${@:4}" >"$3"' - "$@"
}

@test "two users with all connections that they get keep out neither root nor a third user" {
    local held

    [[ $EUID -eq 0 ]] || skip 'needs root, to be other users'
    install -m 644 "$BATS_TEST_DIRNAME/patd_client.py" "$SANDBOX/client.py"
    log_mark
    background_as 61001 flood "$BATS_TEST_TMPDIR/held.1"
    wait_for 60 test -s "$BATS_TEST_TMPDIR/held.1"
    background_as 61002 flood "$BATS_TEST_TMPDIR/held.2"
    wait_for 60 test -s "$BATS_TEST_TMPDIR/held.2"
    held=$(($(<"$BATS_TEST_TMPDIR/held.1") + $(<"$BATS_TEST_TMPDIR/held.2")))
    # Of 1024: 128 for root, and half of a half for others. The first may end meanwhile.
    printf 'connections held: %s\n' "$held"
    ((held > 400))
    as_uid 61003 ask 20
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        login plain alice
        expect PAM_SUCCESS
    done
    logged "busy: clients_max, or one user's share of it, is reached; clients of uid 6100[12]"
    not_logged 'clients of uid 61003'
    not_logged 'clients of uid 0'
}

@test "64 clients, 20,000 verifications: all right, memory flat, no descriptor lost" {
    local fds_before rss_before rss_after
    "$PAT_BUILD/tests/patload" "$PAT_SOCKET" 64 20000 alice <"$TOKEN_FILE"
    sandbox_idle
    [[ $(fd_count) -lt 40 ]]
    fds_before=$(fd_count)
    rss_before=$(rss_kib)
    "$PAT_BUILD/tests/patload" "$PAT_SOCKET" 64 20000 alice <"$TOKEN_FILE"
    sandbox_idle
    [[ $(fd_count) -le $fds_before ]]
    rss_after=$(rss_kib)
    printf 'RSS: %s KiB, then %s KiB; descriptors: %s\n' "$rss_before" "$rss_after" \
        "$fds_before"
    [[ ${SANITIZE-} != 1 ]] || return 0 # the sanitizers' memory is not ours
    [[ $rss_after -lt 30720 && $((rss_after - rss_before)) -lt 1024 ]]
}

@test "clients that ask without a pause keep neither others waiting nor patd from ending" {
    local pid load

    pid=$(patd_pid)
    # shellcheck disable=SC2016 # its own arguments
    in_background sh -c 'exec "$1" -k "$2" 64 10000000 alice <"$3" >/dev/null' - \
        "$PAT_BUILD/tests/patload" "$PAT_SOCKET" "$TOKEN_FILE"
    load=${BACKGROUND_PIDS[-1]}
    wait_for 15 eval '[[ $(fd_count) -gt 64 ]]'
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        login plain alice
        expect PAM_SUCCESS
    done
    kill -0 "$load"
    kill -TERM "$pid"
    wait_for 15 eval "! kill -0 $pid 2>/dev/null"
    logged 'stopped'
    kill -TERM "$load"
    sandbox patd-restart
    login plain alice
    expect PAM_SUCCESS
}

@test "a token that is refused 5,000 times makes a few lines, and one with their number" {
    local refused counted

    mint bob acme
    revoke "$MINT_DN"
    log_mark
    "$PAT_BUILD/tests/patload" "$PAT_SOCKET" 8 5000 bob <<<"$MINT_TOKEN" || true
    logged "verdict=refuse reason=\"token is revoked\" id=$MINT_ID .* repeated="
    # Another one has its own lines meanwhile.
    MINT_TOKEN=rhp_x
    login plain alice
    expect PAM_AUTH_ERR
    logged 'verdict=refuse reason="not a token" .* ms='
    # What was not yet said is said at the end; every refusal counts once.
    sandbox patd-restart
    refused=$(log_since | grep -c "verdict=refuse .* id=$MINT_ID .* ms=")
    counted=$(log_since | sed -n "s/.* id=$MINT_ID .* repeated=//p" | paste -sd +)
    printf '%d lines and %s\n' "$refused" "$counted"
    ((refused + counted == 5000 && refused < 1000))
}

@test "values that a client chose push no field out of a line" {
    log_mark
    PYTHONPATH=$BATS_TEST_DIRNAME python3 -B - "$PAT_SOCKET" <<'PYTHON'
import sys
import patd_client as p
for filler in b"\n", b"y", b"\xc3":
    with p.connect(sys.argv[1]) as s:
        s.sendall(p.request(b"rhp_x", b"x" * 255, p.field(6, filler * 255 + b"\0")))
        assert p.read_answer(s) == 1
PYTHON
    sandbox_idle
    [[ $(log_since | grep -c "reason=\"not a token\" service=abuse source=.*\.\.\.\" peer_uid=$EUID ms=") == 3 ]]
}

# storm SOCKET: four clients that connect without a pause; what they count is in storm.NUMBER.
storm() {
    local i

    for i in 1 2 3 4; do
        # shellcheck disable=SC2016 # the inner shell expands
        in_background bash -c 'exec python3 "$1" storm "$2" "$3" "$4" >"$5"' - \
            "$BATS_TEST_DIRNAME/patd_client.py" "$1" "$TOKEN_FILE" "$BATS_TEST_TMPDIR/told" \
            "$BATS_TEST_TMPDIR/storm.$i"
        wait_for 20 grep -q begun "$BATS_TEST_TMPDIR/storm.$i"
    done
}

@test "SIGTERM during a flood of connects: no more are accepted, and patd ends" {
    local pid i count=0

    pid=$(patd_pid)
    storm "$PAT_SOCKET"
    kill -TERM "$pid"
    : >"$BATS_TEST_TMPDIR/told"
    wait_for 15 eval "! kill -0 $pid 2>/dev/null"
    for i in 1 2 3 4; do
        wait_for 15 eval "((\$(wc -l <'$BATS_TEST_TMPDIR/storm.$i') == 2))"
        count=$((count + $(tail -n 1 "$BATS_TEST_TMPDIR/storm.$i")))
    done
    printf 'connected after SIGTERM: %s\n' "$count"
    # What was under way when the signal came; thousands, where patd accepts all that comes.
    ((count < 500))
    wait_for 15 grep -q 'info: stopped' "$SANDBOX/log/patd.log"
    sandbox patd-restart
    login plain alice
    expect PAM_SUCCESS
}

@test "SIGTERM during a flood of connects to systemd's socket: patd ends" {
    local pid log=$BATS_TEST_TMPDIR/notify socket=$SANDBOX/run/flooded.sock

    sed "s|^socket = .*|socket = /nonexistent/patd.sock|" "$PAT_CONF" >"$SANDBOX/etc/flooded.conf"
    in_background python3 "$BATS_TEST_DIRNAME/notify.py" "$socket" "$log" \
        "$PAT_BUILD/patd" -f -c "$SANDBOX/etc/flooded.conf" 2>"$BATS_TEST_TMPDIR/patd.log"
    pid=${BACKGROUND_PIDS[-1]}
    wait_for 20 grep -q '^READY=1' "$log"
    storm "$socket"
    kill -TERM "$pid"
    wait_for 15 grep -q 'info: stopped' "$BATS_TEST_TMPDIR/patd.log"
}

# wake_ups PID: prints how often its threads slept so far, and so woke up.
wake_ups() {
    cat "/proc/$1/task"/*/status | awk '/^voluntary_ctxt_switches:/ { n += $2 } END { print n + 0 }'
}

# woken PID: prints how often they did in two seconds.
woken() {
    local before

    wait_for 20 at_rest "$1"
    before=$(wake_ups "$1")
    sleep 2
    printf '%d\n' $(($(wake_ups "$1") - before))
}

# connect_to SOCKET: hold a connection, and send nothing.
connect_to() {
    local to=$1

    in_background python3 -IS -c '
import signal, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
signal.pause()' "$to"
    wait_for 20 eval '(($(connections "$to") > 0))'
}

@test "an idle patd does not wake up, and one with an idle client only when its time is over" {
    set_conf 'retry_interval = 1h'
    login plain alice
    expect PAM_SUCCESS
    # Once, if the login was so slow that a time was set for it, which is over in 3 s.
    wait_for 20 eval '(($(woken "$(patd_pid)") == 0))'
    connect_to "$PAT_SOCKET"
    [[ $(woken "$(patd_pid)") -le 2 ]]
    wait_for 20 eval '(($(connections "$PAT_SOCKET") == 0))'
    set_conf 'retry_interval = 5s'
}

@test "an idle pat-fcgi does not wake up, and one with an idle client only when its time is over" {
    local pid socket=$SANDBOX/fcgi.sock

    in_background "$PAT_BUILD/pat-fcgi" -s "$socket" -p "$PAT_SOCKET"
    pid=${BACKGROUND_PIDS[-1]}
    wait_for 20 unix_listens "$socket"
    [[ $(woken "$pid") -eq 0 ]]
    connect_to "$socket"
    [[ $(woken "$pid") -le 2 ]]
    wait_for 20 eval '(($(connections "$socket") == 0))'
    [[ $(woken "$pid") -eq 0 ]]
}

@test "no token stays in patd's memory, and none can get into a core file" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to read the memory of another process'
    [[ ${SANITIZE-} != 1 ]] || return 0 # which keep what was freed, and terabytes of maps
    login plain alice
    expect PAM_SUCCESS
    python3 "$BATS_TEST_DIRNAME/patd_client.py" memory "$(patd_pid)" "$TOKEN_FILE"
    grep -Eq '^Max core file size +0 +0 ' "/proc/$(patd_pid)/limits"
    # Not dumpable: its files in /proc belong to root, though it does not.
    [[ $(stat -c %u "/proc/$(patd_pid)/mem") -eq 0 ]]
    grep -q "^Uid:[[:space:]]*$(id -u nobody)" "/proc/$(patd_pid)/status"
}

@test "last used is written after a use, once per interval, with service, host and address" {
    mint bob acme
    login plain bob 192.0.2.7
    expect PAM_SUCCESS
    wait_for 15 eval '[[ -n $(ldap_admin_get "$MINT_DN" patLastUsed) ]]'
    [[ $(ldap_admin_get "$MINT_DN" patLastUsedFrom) == "plain@$(hostname) from 192.0.2.7" ]]
    login plain bob 192.0.2.8
    expect PAM_SUCCESS
    sandbox_idle
    [[ $(ldap_admin_get "$MINT_DN" patLastUsedFrom) == *192.0.2.7 ]]
}

@test "a refused use is no use" {
    mint bob acme
    login plain alice
    expect PAM_AUTH_ERR
    sandbox_idle
    [[ -z $(ldap_admin_get "$MINT_DN" patLastUsed) ]]
}

@test "an old last-used is replaced, one that is recent is left alone" {
    mint bob acme "patLastUsed: $(now_gt -3600)" 'patLastUsedFrom: before'
    login plain bob 192.0.2.7
    expect PAM_SUCCESS
    wait_for 15 eval '[[ $(ldap_admin_get "$MINT_DN" patLastUsedFrom) == plain@* ]]'
    mint bob acme "patLastUsed: $(now_gt -60)" 'patLastUsedFrom: before'
    login plain bob 192.0.2.7
    expect PAM_SUCCESS
    sandbox_idle
    [[ $(ldap_admin_get "$MINT_DN" patLastUsedFrom) == before ]]
}

@test "an account that may not write last-used lets people in all the same, and says so" {
    ldap_admin_modify <<'EOF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to attrs=patLastUsed,patLastUsedFrom by dn.exact="cn=patd,ou=services,dc=example,dc=com" read by * break
EOF
    mint bob acme
    login plain bob
    expect PAM_SUCCESS
    logged 'last-used: cannot be written'
    ldap_admin_modify <<'EOF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
delete: olcAccess
olcAccess: {0}
EOF
}

@test "patd's account cannot read patHash, and can find a token by it" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to become the account by its uid'
    local hash found
    hash=$(printf %s "$MINT_TOKEN" | sha256sum | cut -d' ' -f1)
    found=$(setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups \
        ldapsearch -Q -Y EXTERNAL -H "$LDAPURI" -LLL -o ldif-wrap=no -b "ou=orgs,$PAT_BASE" \
        "(patHash=$hash)" patId patHash '*' +)
    printf '%s\n' "$found"
    grep -q '^patId: ' <<<"$found"
    [[ $found != *patHash:* && $found != *"$hash"* ]]
}

@test "a use is in the audit log of the org, with where it was and who verified it" {
    mint_self bob globex
    login plain bob 192.0.2.7
    expect PAM_SUCCESS
    wait_for 15 eval '[[ -n $(events globex "(patVia=$MINT_ID)") ]]'
    [[ $(events globex "(patVia=$MINT_ID)") == "pat.used|by=uid=bob,ou=people|target=$MINT_ID|\
owner=uid=bob,ou=people|via=$MINT_ID|from=plain@$(hostname) from 192.0.2.7|\
verifier=cn=patd,ou=services,$PAT_BASE" ]]
}

@test "a member who is removed is refused at the next use, and is after coming back, too" {
    mint_self bob globex
    login plain bob
    expect PAM_SUCCESS
    change_member delete bob globex members
    login plain bob
    expect PAM_AUTH_ERR
    change_member add bob globex members
    login plain bob
    expect PAM_AUTH_ERR
    logged "id=$MINT_ID" 'token is revoked'
    mint_self bob globex
    login plain bob
    expect PAM_SUCCESS
}

@test "a configuration error is FILE:LINE: KEY: what is wrong, exit status 78" {
    local base="base = ou=orgs,$PAT_BASE"
    patd_fails "$base" 'tiemout = 3s'
    [[ $output == "$BATS_TEST_TMPDIR/patd.conf:2: tiemout: unknown setting" ]]
    patd_fails "$base" '' 'timeout = 3'
    [[ $output == "$BATS_TEST_TMPDIR/patd.conf:3: timeout: needs a unit"* ]]
    patd_fails 'uri = ldap://192.0.2.1' "$base"
    [[ $output == "$BATS_TEST_TMPDIR/patd.conf:1: uri: ldap://192.0.2.1: "*'tls = starttls'* ]]
    patd_fails 'workers = 4'
    [[ $output == "$BATS_TEST_TMPDIR/patd.conf: base: must be set"* ]]
    patd_fails "$base" 'user = root' "socket = $BATS_TEST_TMPDIR/s"
    [[ $EUID -ne 0 || $output == *'patd does not run as root'* ]]
    run "$PAT_BUILD/patd" -f -c "$BATS_TEST_TMPDIR/none.conf"
    [[ $status -eq 78 && $output == *none.conf*'o such file'* ]]
}

@test "non-loopback ldap:// is accepted with tls = off, and with tls = starttls" {
    printf 'secret\n' >"$BATS_TEST_TMPDIR/pw"
    chmod 600 "$BATS_TEST_TMPDIR/pw"
    for tls in off starttls; do
        printf '%s\n' 'uri = ldap://192.0.2.1' "base = $PAT_BASE" "tls = $tls" \
            "bind_dn = cn=x" "bind_password_file = $BATS_TEST_TMPDIR/pw" \
            >"$BATS_TEST_TMPDIR/patd.conf"
        "$PAT_BUILD/patd" -t -c "$BATS_TEST_TMPDIR/patd.conf"
    done
}

@test "a second patd on the same socket is refused; a socket left behind is replaced" {
    run "$PAT_BUILD/patd" -f -c "$PAT_CONF"
    [[ $status -eq 78 && $output == *"is in use"* ]]
    kill -KILL "$(patd_pid)"
    wait_for 15 eval '! kill -0 "$(patd_pid)" 2>/dev/null'
    [[ -S $PAT_SOCKET ]]
    sandbox patd-restart
    login plain alice
    expect PAM_SUCCESS
}

@test "socket activation and readiness, reload and stop as systemd sees them" {
    local pid log=$BATS_TEST_TMPDIR/notify socket=$SANDBOX/run/activated.sock
    sed "s|^socket = .*|socket = /nonexistent/patd.sock|" "$PAT_CONF" >"$SANDBOX/etc/activated.conf"
    in_background python3 "$BATS_TEST_DIRNAME/notify.py" "$socket" "$log" \
        "$PAT_BUILD/patd" -f -c "$SANDBOX/etc/activated.conf" 2>"$BATS_TEST_TMPDIR/patd.log"
    pid=${BACKGROUND_PIDS[-1]}
    wait_for 20 grep -q '^READY=1' "$log"
    PAT_SOCKET=$socket pam_service activated
    login activated alice
    expect PAM_SUCCESS
    kill -HUP "$pid"
    wait_for 20 grep -q '^RELOADING=1' "$log"
    wait_for 20 eval '[[ $(grep -c "^READY=1" "$log") -eq 2 ]]'
    kill -TERM "$pid"
    wait "$pid"
    grep -q '^STOPPING=1' "$log"
    [[ -S $socket ]] # systemd's, not ours to remove
}

@test "without -f it goes to the background, serves, and ends on SIGTERM" {
    local pid conf=${SANDBOX##*/}.conf # a relative name, and one to find it by
    sed -e "s|^socket = .*|socket = $SANDBOX/run/daemon.sock|" "$PAT_CONF" \
        >"$SANDBOX/etc/$conf"
    (cd "$SANDBOX/etc" && "$PAT_BUILD/patd" -c "$conf" 3>&-)
    pid=$(pgrep -f "patd -c $conf")
    BACKGROUND_PIDS+=("$pid")
    PAT_SOCKET=$SANDBOX/run/daemon.sock pam_service daemon
    login daemon alice
    expect PAM_SUCCESS
    kill -TERM "$pid"
    wait_for 15 eval "! kill -0 $pid 2>/dev/null || grep -q zombie /proc/$pid/status"
}
