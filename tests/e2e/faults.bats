#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What happens when something is down, hangs or is wrong: nobody is let in, nobody waits
# beyond the deadline, and service returns by itself.

load common

setup_file() {
    sandbox_up --tls
    mint alice acme
    printf '%s\n' "$MINT_TOKEN" >"$BATS_FILE_TMPDIR/token"
    ldap_admin_modify <<EOF
dn: cn=patd,ou=services,$PAT_BASE
changetype: modify
add: objectClass
objectClass: simpleSecurityObject
-
add: userPassword
userPassword: patd-secret
EOF
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    MINT_TOKEN=$(<"$BATS_FILE_TMPDIR/token")
    cp "$PAT_CONF" "$BATS_TEST_TMPDIR/patd.conf"
    log_mark
}

# Whatever a test stopped or froze goes on; patd has its first configuration again.
teardown() {
    local pid

    end_background
    for pid in $(cat "$PAT_SLAPD_PID" "$PAT_PATD_PID" 2>/dev/null); do
        kill -CONT "$pid" 2>/dev/null || true
    done
    [[ -z ${OTHER-} ]] || "$ROOT/tests/sandbox" stop "$OTHER"
    cp "$BATS_TEST_TMPDIR/patd.conf" "$PAT_CONF"
    kill -0 "$(slapd_pid)" 2>/dev/null || sandbox slapd-start
    sandbox patd-restart
}

# other_sandbox: a second directory with the same token. Sets OTHER and OTHER_URI.
other_sandbox() {
    local hash

    OTHER=$BATS_TEST_TMPDIR/other
    hash=$(printf %s "$MINT_TOKEN" | sha256sum | cut -d' ' -f1)
    "$ROOT/tests/sandbox" start --no-patd "$OTHER"
    OTHER_URI=$(. "$OTHER/env" && printf %s "$LDAPURI")
    (
        . "$OTHER/env"
        ldap_admin_add <<EOF
dn: patId=twin,ou=tokens,o=acme,ou=orgs,$PAT_BASE
objectClass: patToken
patId: twin
patHash: $hash
patOwner: uid=alice,ou=people,$PAT_BASE
EOF
    )
}

# Use the directory over TCP, as an account with a password.
use_tcp() {
    printf 'patd-secret\n' >"$SANDBOX/etc/bind.pw"
    chmod 640 "$SANDBOX/etc/bind.pw"
    [[ $EUID -ne 0 ]] || chgrp "$(id -gn nobody)" "$SANDBOX/etc/bind.pw"
    set_conf "bind_dn = cn=patd,ou=services,$PAT_BASE" \
        "bind_password_file = $SANDBOX/etc/bind.pw" "$@"
}

# What is refused at once takes far less than the deadline of 3 s, and what hangs ends with it:
# clearly before two of them would be over.
AT_ONCE=2000
DEADLINE=(5000 2500)

# unavailable_for PATTERN: in this test, for that reason
unavailable_for() { logged 'verdict=unavailable' "$1"; }

# unavailable COUNT: COUNT or more of the logins in the background have that answer.
unavailable() {
    (($(cat "$BATS_TEST_TMPDIR"/login.* | grep -c '^authenticate: PAM_AUTHINFO_UNAVAIL') >= $1))
}

@test "slapd stopped: unavailable at once" {
    login plain alice
    expect PAM_SUCCESS
    sandbox slapd-stop
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$AT_ONCE"
    unavailable_for "$LDAPURI"
}

@test "slapd frozen: unavailable at the deadline" {
    kill -STOP "$(slapd_pid)"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
    unavailable_for "deadline passed while waiting for an answer"
}

@test "slapd frozen before patd ever connected: unavailable at the deadline" {
    sandbox patd-stop
    kill -STOP "$(slapd_pid)"
    sandbox patd-start
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
}

@test "slapd restarted between two logins: the next one enters" {
    login plain alice
    expect PAM_SUCCESS
    sandbox slapd-stop
    sandbox slapd-start
    login plain alice
    expect PAM_SUCCESS "$AT_ONCE"
}

@test "slapd down for a while: the first login after its return enters" {
    sandbox slapd-stop
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$AT_ONCE"
    sandbox slapd-start
    login plain alice
    expect PAM_SUCCESS "$AT_ONCE"
}

@test "first server frozen, second alive: enters within the deadline, then without delay" {
    other_sandbox
    set_conf "uri = $LDAPURI, $OTHER_URI" 'workers = 1'
    login plain alice
    expect PAM_SUCCESS
    kill -STOP "$(slapd_pid)"
    login plain alice
    expect PAM_SUCCESS 3300 1000
    logged 'failover: another server answered instead'
    # Half of the deadline would be spent on the first again.
    login plain alice
    expect PAM_SUCCESS 1300
}

@test "first server frozen from the start, second alive: enters" {
    other_sandbox
    sandbox patd-stop
    kill -STOP "$(slapd_pid)"
    write_conf "uri = $LDAPURI, $OTHER_URI" 'retry_interval = 100ms'
    sandbox patd-start
    login plain alice
    expect PAM_SUCCESS 3300
    kill -CONT "$(slapd_pid)"
    logged "directory: $LDAPURI answers again"
}

# hasty COUNT: so many questions with a deadline of 1 ms.
hasty() {
    python3 "$BATS_TEST_DIRNAME/patd_client.py" hasty "$PAT_SOCKET" "$BATS_FILE_TMPDIR/token" "$1"
}

# accepts: prints how many connections slapd has accepted.
accepts() { grep -c ' ACCEPT from ' "$SANDBOX/log/slapd.log"; }

# unknown_token: prints a well-formed token that does not exist.
unknown_token() { "$PAT_BUILD/patctl" generate | sed -n 's/^.*\(rhp_[0-9A-Za-z]*\).*$/\1/p' | head -n 1; }

@test "a deadline that passes abandons the question and keeps the connection" {
    local before unknown

    set_conf 'workers = 1'
    # So many that both threads, which take turns, have connected.
    "$PAT_BUILD/tests/patload" "$PAT_SOCKET" 8 800 alice <"$BATS_FILE_TMPDIR/token"
    sandbox_idle
    before=$(accepts)
    log_mark
    kill -STOP "$(slapd_pid)"
    [[ $(hasty 10) == 0 ]]
    kill -CONT "$(slapd_pid)"
    # No late answer, which is an acceptance, is taken for that to another question.
    unknown=$(unknown_token)
    [[ $unknown == rhp_* ]]
    MINT_TOKEN=$unknown login plain alice
    expect PAM_AUTH_ERR
    logged 'reason="no such token"'
    login plain alice
    expect PAM_SUCCESS
    printf 'connections: %s, then %s\n' "$before" "$(accepts)"
    # That of a thread that only listened before may be new.
    (($(accepts) - before <= 1))
    grep -q ' ABANDON ' "$SANDBOX/log/slapd.log"
    # One line for all of them, which a count follows at the next.
    (($(log_since | grep -c 'verdict=unavailable') == 1))
}

@test "a server that is silent for long is connected to anew, however short the deadlines" {
    local before

    set_conf 'workers = 1' 'timeout = 500ms'
    login plain alice
    expect PAM_SUCCESS
    before=$(accepts)
    kill -STOP "$(slapd_pid)"
    hasty 24
    kill -CONT "$(slapd_pid)"
    wait_for 20 eval 'login plain alice; expect PAM_SUCCESS'
    # Beyond those of the thread that listened before, and of last-used.
    wait_for 20 eval '(($(accepts) - before > 2))'
}

@test "clients in a hurry do not make a server look down for the others" {
    other_sandbox
    set_conf "uri = $LDAPURI, $OTHER_URI" 'workers = 2'
    login plain alice
    expect PAM_SUCCESS
    kill -STOP "$(slapd_pid)"
    hasty 10
    kill -CONT "$(slapd_pid)"
    log_mark
    login plain alice
    expect PAM_SUCCESS
    # Answered by the first server, not by the second, where the token has another name.
    not_logged 'id=twin'
    logged 'verdict=accept'
}

@test "first server stopped, second alive: enters at once" {
    other_sandbox
    set_conf "uri = $LDAPURI, $OTHER_URI"
    sandbox slapd-stop
    login plain alice
    expect PAM_SUCCESS "$AT_ONCE"
}

@test "all servers frozen: unavailable within the one deadline" {
    other_sandbox
    set_conf "uri = $LDAPURI, $OTHER_URI, $LDAPURI"
    kill -STOP "$(slapd_pid)" "$(cat "$OTHER/run/slapd.pid")"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
    kill -CONT "$(cat "$OTHER/run/slapd.pid")"
}

@test "patd not running: unavailable at once" {
    sandbox patd-stop
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$AT_ONCE"
}

@test "patd frozen: unavailable at the deadline" {
    kill -STOP "$(patd_pid)"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
}

@test "patd frozen with a full backlog: unavailable at the deadline" {
    kill -STOP "$(patd_pid)"
    in_background python3 "$BATS_TEST_DIRNAME/fill-backlog.py" "$PAT_SOCKET" "$BATS_TEST_TMPDIR/full"
    wait_for 10 test -e "$BATS_TEST_TMPDIR/full"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
}

@test "a deadline of one's own: timeout= in the PAM service" {
    pam_service hasty timeout=500ms
    kill -STOP "$(slapd_pid)"
    login hasty alice
    expect PAM_AUTHINFO_UNAVAIL 2500 300
}

@test "a full queue is answered at once, and the rest in time" {
    local i
    pam_service patient timeout=60s
    set_conf 'workers = 1' 'queue_max = 2' 'timeout = 60s'
    kill -STOP "$(slapd_pid)"
    for i in 1 2 3 4 5 6; do
        (
            login patient alice
            printf '%s\n' "$output"
        ) >"$BATS_TEST_TMPDIR/login.$i" &
    done
    # One being served and two in the queue wait for the directory; the others have an answer.
    wait_for 10 unavailable 3
    kill -CONT "$(slapd_pid)"
    wait
    cat "$BATS_TEST_TMPDIR"/login.*
    [[ $(cat "$BATS_TEST_TMPDIR"/login.* | grep -c '^authenticate: ') -eq 6 ]]
    logged 'busy: queue_max'
    # In the queue, too, each wait ends at the deadline.
    set_conf 'timeout = 3s'
    kill -STOP "$(slapd_pid)"
    for i in 1 2; do
        (
            login plain alice
            expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[0]}"
            printf '%s\n' "$output"
        ) >"$BATS_TEST_TMPDIR/login.$i" &
    done
    wait
    [[ $(cat "$BATS_TEST_TMPDIR"/login.[12] | grep -c '^authenticate: PAM_AUTHINFO_UNAVAIL') -eq 2 ]]
}

@test "requests wait in turns by user: root's one is served before most of another's twenty" {
    local order

    [[ $EUID -eq 0 ]] || skip 'needs root, to be another user'
    install -m 644 "$BATS_TEST_DIRNAME/patd_client.py" "$SANDBOX/client.py"
    set_conf 'workers = 1' 'timeout = 60s'
    pam_service patient timeout=60s
    log_mark
    kill -STOP "$(slapd_pid)"
    # shellcheck disable=SC2016 # the inner shell expands
    in_background bash -c 'exec setpriv --reuid 61001 --regid 61001 --clear-groups \
        /usr/bin/python3 "$1" crowd "$2" - 20 <"$3" >"$4"' - "$SANDBOX/client.py" \
        "$PAT_SOCKET" "$BATS_FILE_TMPDIR/token" "$BATS_TEST_TMPDIR/crowd"
    wait_for 20 grep -qx asked "$BATS_TEST_TMPDIR/crowd"
    # shellcheck disable=SC2016 # the inner shell expands
    in_background bash -c 'exec "$0" "$1" patient alice <"$2" >"$3"' \
        "$PAT_BUILD/tests/pamlogin" "$PAM_DIR" "$BATS_FILE_TMPDIR/token" "$BATS_TEST_TMPDIR/login"
    under_way "${BACKGROUND_PIDS[-1]}"
    kill -CONT "$(slapd_pid)"
    wait_for 20 grep -q '^authenticate: PAM_SUCCESS' "$BATS_TEST_TMPDIR/login"
    wait_for 20 eval '(($(log_since | grep -c "verdict=accept .*peer_uid=61001") == 20))'
    order=$(log_since | sed -n 's/.*verdict=accept .*peer_uid=\([0-9]*\).*/\1/p' |
        grep -nx 0 | cut -d: -f1)
    # One was in hand, one had its turn, and two lines may have changed places.
    printf 'root is number %s of 21\n' "$order"
    ((order <= 5))
}

@test "SIGTERM: what is in flight is answered" {
    local pid
    set_conf 'timeout = 60s'
    pam_service patient timeout=60s
    pid=$(patd_pid)
    kill -STOP "$(slapd_pid)"
    # shellcheck disable=SC2016 # the inner shell expands
    in_background bash -c 'exec "$0" "$1" patient alice <"$2" >"$3"' \
        "$PAT_BUILD/tests/pamlogin" "$PAM_DIR" "$BATS_FILE_TMPDIR/token" "$BATS_TEST_TMPDIR/login"
    under_way "${BACKGROUND_PIDS[-1]}"
    log_mark
    kill -TERM "$pid"
    not_logged 'info: stopped'
    logged 'info: stopping'
    kill -CONT "$(slapd_pid)"
    wait_for 20 grep -q '^authenticate: ' "$BATS_TEST_TMPDIR/login"
    cat "$BATS_TEST_TMPDIR/login"
    grep -q '^authenticate: PAM_SUCCESS' "$BATS_TEST_TMPDIR/login"
    wait_for 10 test ! -d "/proc/$pid"
}

@test "SIGHUP: a wrong file changes nothing, a right one takes effect" {
    login plain alice
    expect PAM_SUCCESS
    write_conf 'timeout = soon'
    kill -HUP "$(patd_pid)"
    logged "$PAT_CONF:[0-9]*: timeout: must be a duration"
    login plain alice
    expect PAM_SUCCESS
    write_conf 'timeout = 3s' 'owner_filter = (mail=nobody@example.com)'
    kill -HUP "$(patd_pid)"
    logged 'reload: .* is in force'
    login plain alice
    expect PAM_AUTH_ERR
}

@test "ldaps:// with the right CA: enters; frozen in the handshake: unavailable in time" {
    use_tcp "uri = $PAT_LDAPS_URI" "tls_ca_file = $PAT_CA"
    login plain alice
    expect PAM_SUCCESS
    sandbox patd-stop
    kill -STOP "$(slapd_pid)"
    sandbox patd-start
    logged 'directory: .*during the TLS handshake'
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
    unavailable_for "deadline passed during the TLS handshake"
}

@test "StartTLS: enters; frozen: unavailable in time" {
    use_tcp "uri = $PAT_LDAP_URI" 'tls = starttls' "tls_ca_file = $PAT_CA"
    login plain alice
    expect PAM_SUCCESS
    kill -STOP "$(slapd_pid)"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
}

@test "ldap:// to loopback in clear: enters" {
    use_tcp "uri = $PAT_LDAP_URI"
    login plain alice
    expect PAM_SUCCESS
}

@test "ldaps:// with a CA that did not sign: unavailable, and the log says why" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj /CN=other -keyout /dev/null -out "$SANDBOX/etc/other-ca.pem" 2>/dev/null
    use_tcp "uri = $PAT_LDAPS_URI" "tls_ca_file = $SANDBOX/etc/other-ca.pem"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[0]}"
    unavailable_for 'TLS handshake.*ertificate'
}

@test "StartTLS with a CA that did not sign: unavailable" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj /CN=other -keyout /dev/null -out "$SANDBOX/etc/other-ca.pem" 2>/dev/null
    use_tcp "uri = $PAT_LDAP_URI" 'tls = starttls' "tls_ca_file = $SANDBOX/etc/other-ca.pem"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[0]}"
}

@test "a certificate for another name: unavailable" {
    local uri=ldaps://127.0.0.2:${PAT_LDAPS_URI##*:}
    # The server listens on 127.0.0.1 alone: a forwarder makes it another name.
    in_background python3 "$BATS_TEST_DIRNAME/forward.py" 127.0.0.2 127.0.0.1 "${uri##*:}" \
        "$BATS_TEST_TMPDIR/ready"
    wait_for 10 test -e "$BATS_TEST_TMPDIR/ready"
    use_tcp "uri = $uri" "tls_ca_file = $PAT_CA"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[0]}"
    unavailable_for "TLS handshake"
}

@test "a wrong password of the account: unavailable, and the log names the bind" {
    use_tcp "uri = $PAT_LDAP_URI"
    printf 'wrong\n' >"$SANDBOX/etc/bind.pw"
    sandbox patd-restart
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$AT_ONCE"
    unavailable_for "bind: Invalid credentials"
}

@test "a base that does not exist: unavailable, not refused" {
    set_conf "base = ou=nowhere,$PAT_BASE"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$AT_ONCE"
    unavailable_for "does not exist"
}

@test "a host name that does not exist: unavailable, and the log names it" {
    use_tcp 'uri = ldaps://ldap.invalid' "tls_ca_file = $PAT_CA"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[0]}"
    unavailable_for "ldap.invalid"
}

@test "a resolver that never answers: unavailable at the deadline" {
    [[ $EUID -eq 0 ]] || skip 'needs root, for a network namespace'
    sandbox patd-stop
    write_conf "bind_dn = cn=patd,ou=services,$PAT_BASE" \
        "bind_password_file = $PAT_ADMIN_PW_FILE" 'uri = ldaps://ldap.example.com' \
        "tls_ca_file = $PAT_CA"
    printf 'nameserver 127.0.0.1\n' >"$BATS_TEST_TMPDIR/resolv.conf"
    # shellcheck disable=SC2016 # the inner shell expands
    in_background unshare -mn bash -c 'ip link set lo up
        mount --bind "$1" "$(readlink -f /etc/resolv.conf)"
        python3 "$2" "$5" & until [[ -e $5 ]]; do sleep 0.05; done
        exec "$3" -f -c "$4"' - "$BATS_TEST_TMPDIR/resolv.conf" \
        "$BATS_TEST_DIRNAME/mute-dns.py" "$PAT_BUILD/patd" "$PAT_CONF" \
        "$BATS_TEST_TMPDIR/ready" 2>"$BATS_TEST_TMPDIR/patd.log"
    wait_for 20 grep -q serving "$BATS_TEST_TMPDIR/patd.log"
    login plain alice
    cat "$BATS_TEST_TMPDIR/patd.log"
    expect PAM_AUTHINFO_UNAVAIL "${DEADLINE[@]}"
    wait_for 15 grep -q 'deadline passed during the name look-up' "$BATS_TEST_TMPDIR/patd.log"
}

@test "an account that may not see patRevoked finds no token, instead of a live one" {
    ldap_admin_modify <<'EOF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to attrs=patRevoked by dn.exact="cn=patd,ou=services,dc=example,dc=com" none by * break
EOF
    login plain alice
    expect PAM_AUTH_ERR
    ldap_admin_modify <<'EOF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
delete: olcAccess
olcAccess: {0}
EOF
    login plain alice
    expect PAM_SUCCESS
}
