#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031      # what one test sets is not meant for another
# shellcheck disable=SC2153,SC2154      # the libraries set it
#
# What happens when something runs out or is not as it was: disks, slapd's map, descriptors,
# threads, memory, the clock, certificates; and patd killed amid a request. Nobody is let in
# who must not be, nobody waits beyond the deadline, and service returns by itself.
#
# Where time is measured, MUCH is far from "at once" and from the deadline alike.

load common
load hook-lib

MUCH=9000
BULK=60

setup_file() {
    sandbox_up --tls
    mint alice acme
    printf '%s\n' "$MINT_TOKEN" >"$BATS_FILE_TMPDIR/token"
    printf '%s\n' "$MINT_DN" >"$BATS_FILE_TMPDIR/dn"
    ldap_admin_modify <<LDIF
dn: cn=patd,ou=services,$PAT_BASE
changetype: modify
add: objectClass
objectClass: simpleSecurityObject
-
add: userPassword
userPassword: patd-secret
LDIF
}

teardown_file() {
    sandbox_down
}

setup() {
    hook_load
    MINT_TOKEN=$(<"$BATS_FILE_TMPDIR/token")
    MINT_DN=$(<"$BATS_FILE_TMPDIR/dn")
    cp "$PAT_CONF" "$BATS_TEST_TMPDIR/patd.conf"
    log_mark
}

# Whatever a test stopped goes on, outside of what it mounted; patd has its first
# configuration again.
teardown() {
    local pid

    for pid in $(cat "$PAT_SLAPD_PID" "$PAT_PATD_PID" 2>/dev/null); do
        kill -CONT "$pid" 2>/dev/null || true
    done
    cp "$BATS_TEST_TMPDIR/patd.conf" "$PAT_CONF"
    sandbox patd-stop
    sandbox slapd-stop
    end_background
    sandbox slapd-start
    sandbox patd-start
}

need_root() {
    [[ $EUID -eq 0 ]] || skip "needs root, $1"
}

# --- what the tests are written in -----------------------------------------------------

# in_room COMMAND [ARG...]
# Run it where the small disk of own_disk is mounted. What it starts stays there. With the
# root as well: entering a mount namespace leaves a chroot that the tests run in.
in_room() { nsenter --target "$ROOM" --mount --root --wdns=/ -- "$@"; }

# own_disk SIZE DIRECTORY
# A disk of that size instead of the directory, with what that holds, for those alone who
# are in_room; others reach it by DISK.
own_disk() {
    # shellcheck disable=SC2016 # the inner shell expands
    in_background unshare --mount bash -c 'mount -t tmpfs -o "mode=$1,size=$2" none "$4" &&
        cp -a --sparse=always "$3/." "$4" && mount --move "$4" "$3" && : >"$5" &&
        exec sleep infinity' - "$(stat -c %a "$2")" "$1" "$2" \
        "$(mktemp -d "$BATS_TEST_TMPDIR/mnt.XXX")" "$BATS_TEST_TMPDIR/mounted"
    ROOM=${BACKGROUND_PIDS[-1]}
    wait_for 10 test -e "$BATS_TEST_TMPDIR/mounted"
    DISK=/proc/$ROOM/root$2
}

# No byte is left on it; and there is room again.
fill_disk() {
    ! dd if=/dev/zero of="$DISK/filler" bs=4096 2>/dev/null
    ! printf x 2>/dev/null >"$DISK/one-more"
    [[ ! -s $DISK/one-more ]]
}

empty_disk() { rm -f "$DISK/filler" "$DISK/one-more"; }

# change_map SIZE: of slapd's database, in bytes. slapd opens it again; other threads may keep
# transactions of the closed one, and answer 80, until slapd starts again.
change_map() {
    change "$mdb" 'replace: olcDbMaxSize' "olcDbMaxSize: $1" | ldap_admin_modify
    sandbox slapd-stop
    sandbox slapd-start
}

map_used() { python3 -IS "$ROOT/tests/tools/hook_atomic.py" map | cut -d' ' -f1; }

# as_nobody COMMAND: as patd's user, who alone may change its limits.
as_nobody() {
    setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups "$@"
}

# limit RESOURCE VALUE: of patd, from now on; it could be raised again.
limit() { as_nobody prlimit --pid "$(patd_pid)" "--$1=$2:"; }

# Ticks of a processor that patd has used, of which a second has 100.
cpu_ticks() { sed 's/.*) //' "/proc/$(patd_pid)/stat" | awk '{ print $12 + $13 }'; }

# in_hand SERVICE: log in, in the background, until patd has the request, which a frozen
# slapd keeps there. Then handed fills in status, output and LOGIN_MS.
in_hand() {
    printf '%s\n' "$MINT_TOKEN" >"$BATS_TEST_TMPDIR/in-hand.token"
    # shellcheck disable=SC2016 # the inner shell expands
    in_background bash -c 'exec "$0" "$1" "$2" alice <"$3.token" >"$3"' \
        "$PAT_BUILD/tests/pamlogin" "$PAM_DIR" "$1" "$BATS_TEST_TMPDIR/in-hand"
    under_way "${BACKGROUND_PIDS[-1]}"
}

handed() {
    status=0
    wait "${BACKGROUND_PIDS[-1]}" || status=$?
    unset 'BACKGROUND_PIDS[-1]'
    output=$(<"$BATS_TEST_TMPDIR/in-hand")
    LOGIN_MS=$(sed -n 's/^authenticate: .* \([0-9]*\) ms$/\1/p' <<<"$output")
}

# --- slapd's disk and map --------------------------------------------------------------

# changes_fail TEXT
# What does not fit is refused as a whole with that text, and tokens let in as before, even
# if their use can be noted no more.
changes_fail() {
    does_not_fit bob "$1" a_mint ldapadd "${secret[@]}"
    does_not_fit admin "$1" a_revocation ldapmodify
    does_not_fit admin "$1" a_removal ldapmodify
    set_conf 'last_used_interval = 0ms'
    login plain alice
    expect PAM_SUCCESS "$MUCH"
}

# does_not_fit WHO TEXT CHANGE TOOL [ARG...]
# Pages that are free take a few such changes. The first that does not fit is refused, has
# changed nothing, and tells no token.
does_not_fit() {
    local who=$1 text=$2 what=$3 i said rc=0
    shift 3

    # A use that patd notes meanwhile may fit.
    sandbox_idle
    for ((i = 0; i < BULK && rc == 0; i++)); do
        "$what" "$i" >"$BATS_TEST_TMPDIR/ldif"
        snapshot >"$BATS_TEST_TMPDIR/before"
        said=$(as "$who" "$@" <"$BATS_TEST_TMPDIR/ldif" 2>&1) || rc=$?
    done
    if [[ $rc != 80 || $said != *"$text"* || $said == *rhp_* ]]; then
        printf '%s: expected 80 and "%s", got %s: %s\n' "$what" "$text" "$rc" "$said"
        return 1
    fi
    same "$(snapshot)" "$(<"$BATS_TEST_TMPDIR/before")"
}

a_mint() { token "$(new_dn)"; }
a_revocation() { change "$(bulk_dn "$1")" 'add: patRevoked' "patRevoked: $(now_gt)"; }
a_removal() { change "cn=members,o=acme,$orgs" 'delete: member' "member: $bob"; }

new_dn() { printf 'patId=%s,ou=tokens,o=acme,%s\n' "$(random_id)" "$orgs"; }
bulk_dn() { printf 'patId=bulk-%s-%s,ou=tokens,o=acme,%s\n' "$BATS_TEST_NUMBER" "$1" "$orgs"; }

# Tokens of bob, so that what his leaving causes takes some room.
make_bulk() {
    local i

    for ((i = 0; i < BULK; i++)); do
        token "$(bulk_dn "$i")" "patHash: $(hex $((BATS_TEST_NUMBER * 1000 + i)))" \
            "patOwner: $bob"
    done | ldap_admin_add
}

# changes_work: what failed, but for what would end the others; and last use is noted
# without a restart of anything.
changes_work() {
    local bobs

    mint_self bob acme
    bobs=$MINT_DN
    MINT_TOKEN=$(<"$BATS_FILE_TMPDIR/token") MINT_DN=$(<"$BATS_FILE_TMPDIR/dn")
    login plain alice
    expect PAM_SUCCESS
    wait_for 10 was_used "$(now_gt -60)"
    change_member delete bob acme members
    is_revoked "$bobs" "$PAT_ADMIN_DN" member-removed
    [[ -z $(get "$MINT_DN" patRevoked) ]]
    change_member add bob acme members
}

# was_used SINCE
was_used() { [[ $(get "$MINT_DN" patLastUsed) > $1 ]]; }

@test "slapd's disk is full: changes are refused wholly, logins go on, and so after a kill" {
    need_root 'for a disk of its own'
    make_bulk
    sandbox slapd-stop
    own_disk 8m "$SANDBOX/db"
    in_room "$ROOT/tests/sandbox" slapd-start "$SANDBOX"
    fill_disk
    # "No space left on device", or an I/O error where a part of what was written fitted.
    changes_fail 'pat: nothing was changed: the database was not committed: '
    kill -KILL "$(slapd_pid)"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$MUCH"
    in_room "$ROOT/tests/sandbox" slapd-start "$SANDBOX"
    login plain alice
    expect PAM_SUCCESS "$MUCH"
    does_not_fit admin 'was not committed: ' a_removal ldapmodify
    empty_disk
    changes_work
}

@test "slapd's map is full: changes are refused wholly, logins go on, until it is larger" {
    local used

    make_bulk
    sandbox slapd-stop
    used=$(map_used)
    offline slapmodify -n 0 < <(change "$mdb" 'replace: olcDbMaxSize' "olcDbMaxSize: $used")
    sandbox slapd-start
    changes_fail 'pat: nothing was changed: '
    change_map 1073741824
    changes_work
}

# --- patd's disk -----------------------------------------------------------------------

@test "the disk of patd's log is full: it goes on, and logs again when there is room" {
    local lines

    need_root 'for a disk of its own'
    sandbox patd-stop
    own_disk 256k "$SANDBOX/log"
    in_room "$ROOT/tests/sandbox" patd-start "$SANDBOX"
    fill_disk
    # What is left of the last page holds a few lines.
    for _ in {1..40}; do
        login plain alice
        expect PAM_SUCCESS "$MUCH"
    done
    lines=$(wc -l <"$DISK/patd.log")
    ((lines < LOG_LINES + 40))
    empty_disk
    login plain alice
    expect PAM_SUCCESS "$MUCH"
    wait_for 10 eval '(($(wc -l <"$DISK/patd.log") > lines))'
}

@test "the socket's directory turns read only: patd goes on; it says why it cannot start" {
    need_root 'for a disk of its own'
    sandbox patd-stop
    mkdir "$SANDBOX/sock"
    PAT_SOCKET=$SANDBOX/sock/patd.sock
    write_conf "socket = $PAT_SOCKET"
    pam_service there
    own_disk 1m "$SANDBOX/sock"
    in_background nsenter --target "$ROOM" --mount --root --wdns=/ -- \
        "$PAT_BUILD/patd" -f -c "$PAT_CONF" 2>"$BATS_TEST_TMPDIR/log"
    wait_for 10 grep -q serving "$BATS_TEST_TMPDIR/log"
    in_room mount -o remount,ro "$SANDBOX/sock"
    in_room "$PAT_BUILD/tests/pamlogin" "$PAM_DIR" there alice <<<"$MINT_TOKEN" |
        grep '^authenticate: PAM_SUCCESS '
    kill -TERM "${BACKGROUND_PIDS[-1]}"
    wait_for 10 grep -q ': stopped$' "$BATS_TEST_TMPDIR/log"
    # The next one finds the socket there, and cannot replace it.
    status=0
    output=$(in_room timeout $((20 * PAT_TIME_SCALE)) "$PAT_BUILD/patd" -f -c "$PAT_CONF" 2>&1) || status=$?
    printf '%s\n' "$output"
    [[ $status -eq 78 && $output == *"socket: $PAT_SOCKET: Read-only file system" ]]
}

# --- descriptors, threads, memory ------------------------------------------------------

# hold NUMBER: start NUMBER clients that send only one word, until end_background.
hold() {
    in_background python3 "$BATS_TEST_DIRNAME/patd_client.py" hold "$PAT_SOCKET" "$1" \
        >"$BATS_TEST_TMPDIR/held"
    wait_for 20 grep -q held "$BATS_TEST_TMPDIR/held"
}

@test "no descriptor is left: clients wait, without a flood of lines or of work, and enter then" {
    local began ticks lines most

    need_root 'to be the user of patd'
    login plain alice
    expect PAM_SUCCESS
    ticks=$(cpu_ticks)
    began=$SECONDS
    # Four more: one of a client, and, for a worker that has no connection to slapd yet, two
    # of the walk to slapd's socket and one of that.
    limit nofile $(($(find "/proc/$(patd_pid)/fd" -printf '%f\n' | sort -n | tail -n 1) + 5))
    hold 30
    logged 'accept: Too many open files'
    # They are hung up on one after another, three seconds each.
    sleep 2
    lines=$(log_since | grep -c 'accept: Too many open files')
    ticks=$(($(cpu_ticks) - ticks))
    printf '%s lines, %s ticks\n' "$lines" "$ticks"
    # One line in ten seconds, however many these are on a busy machine.
    most=$((1 + (SECONDS - began + 1) / 10))
    ((lines >= 1 && lines <= most && ticks < 50))
    login plain alice
    [[ $output != *PAM_AUTH_ERR* ]]
    no_hang "$LOGIN_MS" "$MUCH"
    end_background
    wait_for 20 eval 'login plain alice; expect PAM_SUCCESS'
    limit nofile 1024
    login plain alice
    expect PAM_SUCCESS "$MUCH"
}

# as_stranger COMMAND: as a user who has no other process, so that a number of threads is
# that of the command; it may become more, up to 200.
as_stranger() {
    setpriv --reuid 61234 --regid 61234 --clear-groups "$@"
}

# strange_conf LINE...: for patd as that user, which the directory knows by its password.
strange_conf() {
    mkdir "$SANDBOX/strange"
    chown 61234 "$SANDBOX/strange"
    install -m 755 "$PAT_BUILD/patd" "$SANDBOX/strange/patd"
    install -m 600 -o 61234 /dev/stdin "$SANDBOX/strange/bind.pw" <<<patd-secret
    install -m 644 /dev/stdin "$SANDBOX/strange/patd.conf" <<CONF
base = ou=orgs,$PAT_BASE
bind_dn = cn=patd,ou=services,$PAT_BASE
bind_password_file = $SANDBOX/strange/bind.pw
$(printf '%s\n' "socket = $SANDBOX/strange/patd.sock" "$@")
CONF
}

@test "too few threads to start: it says so and ends, and does not crash" {
    local i rc

    need_root 'to be another user'
    strange_conf 'uri = ldapi://%2Fnowhere' 'workers = 64'
    # What had been started used to find that the rest was gone, once in ten or twenty times.
    for ((i = 0; i < 100; i++)); do
        rc=0
        as_stranger timeout $((20 * PAT_TIME_SCALE)) prlimit --nproc=66:66 "$SANDBOX/strange/patd" -f \
            -c "$SANDBOX/strange/patd.conf" 2>"$BATS_TEST_TMPDIR/log" || rc=$?
        ((rc == 71)) || break
        grep -q 'error: out of memory, threads or descriptors$' "$BATS_TEST_TMPDIR/log"
    done
    rm -r "$SANDBOX/strange"
    printf 'start %d: %d\n' "$i" "$rc"
    ((rc == 71))
}

@test "no thread for a name look-up: unavailable at once, and well when there is one" {
    local pid

    need_root 'to be another user'
    strange_conf "uri = ldap://localhost:${PAT_LDAP_URI##*:}" 'workers = 1'
    PAT_SOCKET=$SANDBOX/strange/patd.sock
    pam_service strange
    # Two that listen and work, one for last use, one that probes, one that counts refusals,
    # and the first.
    in_background setpriv --reuid 61234 --regid 61234 --clear-groups prlimit --nproc=6:200 \
        "$SANDBOX/strange/patd" -f -c "$SANDBOX/strange/patd.conf" \
        2>"$BATS_TEST_TMPDIR/log"
    pid=${BACKGROUND_PIDS[-1]}
    wait_for 10 grep -q serving "$BATS_TEST_TMPDIR/log"
    login strange alice
    expect PAM_AUTHINFO_UNAVAIL "$MUCH"
    wait_for 10 grep -q 'verdict=unavailable.*no thread for a name look-up' \
        "$BATS_TEST_TMPDIR/log"
    as_stranger prlimit --pid "$pid" --nproc=200:
    login strange alice
    expect PAM_SUCCESS "$MUCH"
    kill -TERM "$pid"
    wait_for 10 grep -q ': stopped$' "$BATS_TEST_TMPDIR/log"
    rm -r "$SANDBOX/strange"
}

@test "no memory is left: unavailable, by a line that says so, no crash, and well afterwards" {
    local pid

    need_root 'to be the user of patd'
    [[ ${SANITIZE-} != 1 ]] || return 0 # the sanitizers do not live with such a limit
    set_conf 'clients_max = 20000' 'workers = 2'
    pid=$(patd_pid)
    login plain alice
    expect PAM_SUCCESS
    in_background python3 "$BATS_TEST_DIRNAME/patd_client.py" starve "$PAT_SOCKET" \
        "$BATS_FILE_TMPDIR/token" "$BATS_TEST_TMPDIR/starve"
    wait_for 20 test -e "$BATS_TEST_TMPDIR/starve.connected"
    limit data 1
    : >"$BATS_TEST_TMPDIR/starve.limited"
    wait_for 30 test -e "$BATS_TEST_TMPDIR/starve.full"
    # New connections to the directory, and no memory for their buffers.
    sandbox slapd-stop
    sandbox slapd-start
    : >"$BATS_TEST_TMPDIR/starve.restarted"
    wait_for 30 test -e "$BATS_TEST_TMPDIR/starve.done"
    kill -0 "$pid"
    logged 'busy: out of memory; clients of uid 0'
    limit data unlimited
    end_background
    wait_for 10 eval 'login plain alice; expect PAM_SUCCESS'
    same "$(patd_pid)" "$pid"
    kill -0 "$pid"
}

# --- the clock -------------------------------------------------------------------------

@test "the clock is put forward and back: tokens expire by it, deadlines do not" {
    local lib

    [[ ${SANITIZE-} != 1 ]] || return 0 # the sanitizers must be loaded first
    lib=$(dpkg -L libfaketime | grep '/libfaketimeMT\.so\.1$')
    mint alice acme "patExpires: $(now_gt 1800)"
    pam_service patient timeout=20s
    write_conf 'timeout = 4s'
    sandbox patd-stop
    printf '+0\n' >"$SANDBOX/clock"
    in_background env LD_PRELOAD="$lib" FAKETIME_TIMESTAMP_FILE="$SANDBOX/clock" \
        FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 "$PAT_BUILD/patd" -f -c "$PAT_CONF" \
        2>"$BATS_TEST_TMPDIR/log"
    wait_for 10 grep -q serving "$BATS_TEST_TMPDIR/log"
    login patient alice
    expect PAM_SUCCESS "$MUCH"
    put_clock +3600
    login patient alice
    expect PAM_AUTH_ERR "$MUCH"
    wait_for 10 grep -q 'verdict=refuse reason="token has expired"' "$BATS_TEST_TMPDIR/log"
    put_clock -3600
    login patient alice
    expect PAM_SUCCESS "$MUCH"
    # While a request waits for the directory.
    for hours in +3600 -7200 +0; do
        kill -STOP "$(slapd_pid)"
        PAT_PATD_PID=$BATS_TEST_TMPDIR/patd.pid
        printf '%s\n' "${BACKGROUND_PIDS[-1]}" >"$PAT_PATD_PID"
        in_hand patient
        put_clock "$hours"
        handed
        expect PAM_AUTHINFO_UNAVAIL "$MUCH" 3500
        kill -CONT "$(slapd_pid)"
    done
    wait_for 10 grep -q 'verdict=unavailable.*deadline passed' "$BATS_TEST_TMPDIR/log"
    login patient alice
    expect PAM_SUCCESS "$MUCH"
    kill -TERM "${BACKGROUND_PIDS[-1]}"
    wait_for 10 grep -q ': stopped$' "$BATS_TEST_TMPDIR/log"
    rm "$SANDBOX/clock"
}

# put_clock OFFSET: in seconds, for patd; read at once by whoever asks for the time.
put_clock() {
    printf '%s\n' "$1" >"$SANDBOX/clock.new"
    mv "$SANDBOX/clock.new" "$SANDBOX/clock"
}

# --- certificates ----------------------------------------------------------------------

# certificate NAME [OPTION...]: slapd's own from now on, made with these options of openssl.
certificate() {
    local etc=$SANDBOX/etc name=$1
    shift

    printf '%s\n' "subjectAltName=$name" 'basicConstraints=critical,CA:FALSE' \
        >"$BATS_TEST_TMPDIR/ext"
    openssl x509 -req -in "$etc/slapd.csr" -extfile "$BATS_TEST_TMPDIR/ext" -set_serial 2 \
        -out "$etc/slapd.pem" "$@" 2>/dev/null
    sandbox slapd-stop
    sandbox slapd-start
}

use_password() {
    printf 'patd-secret\n' >"$SANDBOX/etc/bind.pw"
    chmod 640 "$SANDBOX/etc/bind.pw"
    [[ $EUID -ne 0 ]] || chgrp "$(id -gn nobody)" "$SANDBOX/etc/bind.pw"
}

# tls_fails PATTERN: unavailable, in time, and in the log that way.
tls_fails() {
    log_mark
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$MUCH"
    logged 'verdict=unavailable' "$1"
}

@test "certificates that are wrong in any way: unavailable, and well when slapd has a good one" {
    local ca uri pid handshake="TLS handshake: .*certificate signed by .*, in date, and for this"

    ca=(-CA "$PAT_CA" -CAkey "$SANDBOX/etc/ca.key")
    use_password
    cp "$PAT_CA" "$SANDBOX/etc/trusted.pem"
    chmod 644 "$SANDBOX/etc/trusted.pem"
    for uri in "$PAT_LDAPS_URI" "$PAT_LDAP_URI"; do
        set_conf "bind_dn = cn=patd,ou=services,$PAT_BASE" \
            "bind_password_file = $SANDBOX/etc/bind.pw" "uri = $uri" 'tls = starttls' \
            "tls_ca_file = $SANDBOX/etc/trusted.pem"
        pid=$(patd_pid)
        login plain alice
        expect PAM_SUCCESS "$MUCH"
        certificate IP:127.0.0.1 "${ca[@]}" -days -1
        tls_fails "$handshake"
        certificate IP:127.0.0.2 "${ca[@]}" -days 3
        tls_fails "$handshake"
        certificate IP:127.0.0.1 -signkey "$SANDBOX/etc/slapd.key" -days 3
        tls_fails "$handshake"
        # It is trusted by itself; and then its CA again. Neither is a restart of patd.
        cp "$SANDBOX/etc/slapd.pem" "$SANDBOX/etc/trusted.pem"
        login plain alice
        expect PAM_SUCCESS "$MUCH"
        cp "$PAT_CA" "$SANDBOX/etc/trusted.pem"
        certificate IP:127.0.0.1 "${ca[@]}" -days 3
        login plain alice
        expect PAM_SUCCESS "$MUCH"
        same "$(patd_pid)" "$pid"
    done
}

@test "a server that speaks no TLS where it is demanded: unavailable, and nothing goes in clear" {
    local lines

    use_password
    set_conf "bind_dn = cn=patd,ou=services,$PAT_BASE" \
        "bind_password_file = $SANDBOX/etc/bind.pw" "uri = ldaps://${PAT_LDAP_URI#*//}" \
        "tls_ca_file = $PAT_CA"
    tls_fails 'TLS handshake: '
    # slapd without a certificate has no StartTLS either.
    sandbox slapd-stop
    offline slapmodify -n 0 < <(change cn=config 'delete: olcTLSCertificateFile' - \
        'delete: olcTLSCertificateKeyFile' - 'delete: olcTLSCACertificateFile')
    printf '%s\n' "$(head -n 1 "$SANDBOX/etc/urls")" "$PAT_LDAP_URI/" >"$BATS_TEST_TMPDIR/urls"
    cp "$SANDBOX/etc/urls" "$BATS_TEST_TMPDIR/all-urls"
    cp "$BATS_TEST_TMPDIR/urls" "$SANDBOX/etc/urls"
    sandbox slapd-start
    lines=$(wc -l <"$SANDBOX/log/slapd.log")
    set_conf "uri = $PAT_LDAP_URI" 'tls = starttls'
    tls_fails 'StartTLS: '
    tail -n "+$((lines + 1))" "$SANDBOX/log/slapd.log" >"$BATS_TEST_TMPDIR/slapd.log"
    grep -q 'EXT oid=1.3.6.1.4.1.1466.20037' "$BATS_TEST_TMPDIR/slapd.log"
    (($(grep -c 'BIND dn="cn=patd' "$BATS_TEST_TMPDIR/slapd.log") == 0))
}

@test "a server that refuses StartTLS with a text of its own: the text forges no line" {
    local port

    use_password
    in_background python3 "$BATS_TEST_DIRNAME/forging_ldap.py" "$BATS_TEST_TMPDIR/port"
    wait_for 20 test -s "$BATS_TEST_TMPDIR/port"
    port=$(<"$BATS_TEST_TMPDIR/port")
    log_mark
    set_conf "bind_dn = cn=patd,ou=services,$PAT_BASE" \
        "bind_password_file = $SANDBOX/etc/bind.pw" "uri = ldap://127.0.0.1:$port" \
        'tls = starttls' "tls_ca_file = $PAT_CA"
    login plain alice
    expect PAM_AUTHINFO_UNAVAIL "$MUCH"
    logged 'directory: .*StartTLS: .*id=forged'
    logged 'verdict=unavailable .*id=forged'
    sandbox_idle
    (($(log_since | grep -vcE '^[0-9TZ:-]+ patd\[[0-9]+\]: [a-z]+: ') == 0))
    (($(log_since | grep -cE '^[0-9TZ:-]+ patd\[[0-9]+\]: info: verdict=accept') == 0))
}

# --- patd killed -----------------------------------------------------------------------

@test "patd is killed with a request inside: unavailable at once, and well when it is back" {
    pam_service patient timeout=60s
    set_conf 'timeout = 60s'
    kill -STOP "$(slapd_pid)"
    in_hand patient
    kill -KILL "$(patd_pid)"
    handed
    expect PAM_AUTHINFO_UNAVAIL 30000
    kill -CONT "$(slapd_pid)"
    login patient alice
    expect PAM_AUTHINFO_UNAVAIL "$MUCH"
    sandbox patd-start
    login patient alice
    expect PAM_SUCCESS "$MUCH"
}

@test "slapd is killed with a request inside: unavailable at once, and well when it is back" {
    pam_service patient timeout=60s
    set_conf 'timeout = 60s'
    kill -STOP "$(slapd_pid)"
    in_hand patient
    kill -KILL "$(slapd_pid)"
    handed
    expect PAM_AUTHINFO_UNAVAIL 30000
    logged 'verdict=unavailable' "$LDAPURI"
    sandbox slapd-start
    login patient alice
    expect PAM_SUCCESS "$MUCH"
}
