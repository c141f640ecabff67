#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# patd and pat-fcgi that cannot start: each says what is wrong and touches nothing. No
# directory is needed.

load common

setup() {
    # shellcheck source=tests/lib.bash
    . "$ROOT/tests/lib.bash"
    : "${PAT_BUILD:=$ROOT/build}"
    dir=$BATS_TEST_TMPDIR
    : >"$dir/file"
}

teardown() {
    end_background
    [[ -z ${SAFE-} ]] || rm -rf "$SAFE"
}

# Somebody listens at this path until the test is over.
occupy() {
    in_background python3 -IS -c '
import signal, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
signal.pause()' "$1"
    wait_for 20 unix_listens "$1"
}

# What a server leaves behind that was killed.
leave_socket() {
    python3 -IS -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1"
}

# patd_refuses MESSAGE LINE...: with these lines in its file it ends with 78 and says so.
patd_refuses() {
    local message=$1
    shift

    printf '%s\n' 'base = dc=example,dc=com' "$@" >"$dir/patd.conf"
    run timeout $((20 * PAT_TIME_SCALE)) "$PAT_BUILD/patd" -c "$dir/patd.conf" -f
    [[ $status == 78 ]]
    [[ $output == *"$message"* ]]
}

# fcgi_refuses MESSAGE ARGUMENT...
fcgi_refuses() {
    local message=$1
    shift

    run timeout $((20 * PAT_TIME_SCALE)) "$PAT_BUILD/pat-fcgi" "$@"
    [[ $status == 78 ]]
    [[ $output == *"$message"* ]]
}

# passed MESSAGE COMMAND...: as systemd would start it, with a socket that is none.
passed() {
    local message=$1
    shift

    # The variables are of the shell that becomes the command.
    # shellcheck disable=SC2016
    run timeout $((20 * PAT_TIME_SCALE)) bash -c \
        'exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' passed "$@"
    [[ $status == 78 ]]
    [[ $output == *"$message"* ]]
}

# safe_dir: sets SAFE, which every user may enter. The directories of bats are closed to other users.
safe_dir() {
    SAFE=$(mktemp -d "${TMPDIR:-/tmp}/pat-test.XXXXXX")
    chmod 755 "$SAFE"
}

# both_refuse SOCKET MESSAGE: neither daemon makes that socket, and each says why.
both_refuse() {
    patd_refuses "socket: $2" "socket = $1" 'user = nobody'
    patd_refuses "saslauthd_socket: $2" "socket = $SAFE/sock" "saslauthd_socket = $1" \
        'user = nobody'
    fcgi_refuses "-s: $2" -u nobody -s "$1"
    [[ ! -e $1 && ! -e $SAFE/sock ]]
}

# trap_at PATH: like occupy, and notes in $dir/heard that somebody connected.
trap_at() {
    in_background python3 -IS -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    s.accept()
    open(sys.argv[2], "w").close()' "$1" "$dir/heard"
    wait_for 20 unix_listens "$1"
}

# no_token_to PATH MESSAGE: a client says why it does not connect there, and does not.
no_token_to() {
    local command

    for command in verify revoke; do
        run "$PAT_BUILD/patctl" "$command" --stdin --socket "$1" \
            <<<rhp_7Kd0mQx4ZrT9bWn2LpYs6VhG1cFj8Eua4XXNa0
        [[ $status == 3 ]]
        [[ $output == *"socket $1: $2"* ]]
    done
    [[ ! -e $dir/heard ]]
}

# kubernetes VOLUME MODE [FILE CONTENT]...: a volume as the kubelet makes it for a Secret or a
# ConfigMap, or its next version. Files are links to links to a directory that it replaces.
kubernetes() {
    local volume=$1 mode=$2 version old
    shift 2

    [[ -d $volume ]] || mkdir -m 1777 "$volume"
    version=$(mktemp -d "$volume/..2026_XXXXXX")
    chmod 755 "$version"
    old=$(readlink "$volume/..data" || true)
    while (($# > 0)); do
        printf '%s\n' "$2" >"$version/$1"
        chmod "$mode" "$version/$1"
        ln -sfn "..data/$1" "$volume/$1"
        shift 2
    done
    ln -s "${version##*/}" "$volume/..data_tmp"
    mv -T "$volume/..data_tmp" "$volume/..data"
    [[ -z $old ]] || rm -r "${volume:?}/$old"
}

# conf_is_good, conf_is_refused MESSAGE: what patd -t says of $CONF.
conf_is_good() {
    run "$PAT_BUILD/patd" -t -c "$CONF"
    [[ $status == 0 && $output == '' ]] || printf '%s\n' "$output"
    [[ $status == 0 ]]
}
conf_is_refused() {
    run "$PAT_BUILD/patd" -t -c "$CONF"
    [[ $status == 78 && $output == *"$1"* ]] || printf '%s\n' "$output"
    [[ $status == 78 && $output == *"$1"* ]]
}

# few_descriptors OPTION...: pat-fcgi with room for 416 connections, by its limit of descriptors.
# Needs no patd: what comes without credentials is answered 401.
few_descriptors() {
    cp "$BATS_TEST_DIRNAME/fcgi_client.py" "$SAFE"
    # shellcheck disable=SC2016
    in_background env -u JOURNAL_STREAM bash -c 'ulimit -n 512; exec "$@"' - \
        "$PAT_BUILD/pat-fcgi" -u nobody "$@" 2>"$dir/log"
}

# crowd_as USER SOCKET: 600 connections of that user, until the end of the test.
crowd_as() {
    local as=()

    ((EUID != 0)) || as=(setpriv --reuid "$1" --clear-groups)
    in_background "${as[@]}" python3 "$SAFE/fcgi_client.py" "$2" crowd 600 >"$dir/held"
    wait_for 60 grep -q held "$dir/held"
}

BOUND=$'base = dc=example,dc=com\nbind_dn = cn=patd,dc=example,dc=com\nbind_password_file = '

@test "patd: what is no socket stays where it is" {
    patd_refuses 'exists and is no socket' "socket = $dir/file"
    [[ -f $dir/file ]]
}

@test "patd: a socket that somebody listens on is not taken" {
    occupy "$dir/sock"
    patd_refuses 'is in use' "socket = $dir/sock"
    [[ -S $dir/sock ]]
}

@test "patd: a directory that does not exist" {
    patd_refuses 'No such file or directory' "socket = $dir/none/sock"
}

@test "patd: a group that does not exist, and no socket is left" {
    patd_refuses 'no such group' "socket = $dir/sock" "saslauthd_socket = $dir/mux" \
        'saslauthd_socket_group = pat-no-such-group'
    [[ ! -e $dir/sock && ! -e $dir/mux ]]
}

@test "patd: a user that does not exist, and no socket is left" {
    patd_refuses 'pat-no-such-user' "socket = $dir/sock" 'user = pat-no-such-user'
    [[ ! -e $dir/sock ]]
}

@test "patd: systemd passes what is no listening socket" {
    printf '%s\n' 'base = dc=example,dc=com' >"$dir/patd.conf"
    passed 'systemd passed something else' "$PAT_BUILD/patd" -c "$dir/patd.conf" -f
}

@test "pat-fcgi: systemd passes what is no listening socket" {
    passed 'is no listening stream socket' "$PAT_BUILD/pat-fcgi"
}

@test "patd: arguments that it does not know" {
    run "$PAT_BUILD/patd" -x
    [[ $status == 64 ]]
    [[ $output == *'usage: patd'* ]]
}

@test "patd: the file is tested without a start" {
    printf '%s\n' 'base = dc=example,dc=com' "socket = $dir/sock" >"$dir/patd.conf"
    run "$PAT_BUILD/patd" -c "$dir/patd.conf" -t
    [[ $status == 0 && $output == '' ]]
    [[ ! -e $dir/sock ]]
    printf 'no such setting = 1\n' >>"$dir/patd.conf"
    run "$PAT_BUILD/patd" -c "$dir/patd.conf" -t
    [[ $status == 78 ]]
    [[ $output == "$dir/patd.conf:3: "* ]]
}

@test "pat-fcgi: what is no socket stays where it is" {
    fcgi_refuses 'exists and is no socket' -s "$dir/file"
    [[ -f $dir/file ]]
}

@test "pat-fcgi: a socket that somebody listens on is not taken" {
    occupy "$dir/sock"
    fcgi_refuses 'is in use' -s "$dir/sock"
    [[ -S $dir/sock ]]
}

@test "pat-fcgi: a path that is too long, or in no directory" {
    fcgi_refuses 'too long' -s "$dir/$(printf 'x%.0s' {1..120})"
    fcgi_refuses 'No such file or directory' -s "$dir/none/sock"
}

@test "pat-fcgi: a group, or a user, that does not exist" {
    fcgi_refuses 'no such group' -s "$dir/sock" -g pat-no-such-group
    fcgi_refuses 'pat-no-such-user' -s "$dir/sock2" -u pat-no-such-user
}

@test "pat-fcgi: one that was killed leaves a socket, which the next one takes" {
    leave_socket "$dir/sock"
    run unix_listens "$dir/sock"
    [[ $status != 0 ]]
    in_background "$PAT_BUILD/pat-fcgi" -s "$dir/sock" -u nobody
    wait_for 20 unix_listens "$dir/sock"
}

@test "no socket is made below a directory that others can write, at any height" {
    local mode
    safe_dir
    mkdir -p "$SAFE/up/b/c"
    for mode in 777 775 757 2777; do
        chmod "$mode" "$SAFE/up"
        both_refuse "$SAFE/up/b/c/s" "$SAFE/up: must not be writable by group or others (chmod go-w)"
    done
    # A link does not hide it.
    ln -s "$SAFE/up/b" "$SAFE/link"
    both_refuse "$SAFE/link/c/s" "$SAFE/up: must not be writable by group or others (chmod go-w)"
}

@test "no socket is made below a directory of another user, at any height" {
    ((EUID == 0)) || skip 'needs root, to give a directory away'
    safe_dir
    mkdir -p "$SAFE/up/b/c"
    chown daemon "$SAFE/up"
    both_refuse "$SAFE/up/b/c/s" "$SAFE/up: must be owned by root or by the user that serves"
    # In a sticky directory another user's directory is that user's to replace.
    chown daemon "$SAFE/up/b"
    chown root "$SAFE/up"
    chmod 1777 "$SAFE/up"
    both_refuse "$SAFE/up/b/c/s" "$SAFE/up/b: must be owned by root or by the user that serves"
}

@test "a socket is made below a sticky directory, and in the directory of the user that serves" {
    safe_dir
    mkdir -p "$SAFE/up/b"
    chmod 1777 "$SAFE/up"
    ((EUID != 0)) || chown nobody "$SAFE/up/b"
    in_background "$PAT_BUILD/pat-fcgi" -s "$SAFE/up/b/f" -u nobody -m 0640
    wait_for 20 unix_listens "$SAFE/up/b/f"
    [[ $(stat -c %a "$SAFE/up/b/f") == 640 ]]
    printf '%s\n' 'base = dc=example,dc=com' 'user = nobody' "socket = $SAFE/up/b/p" \
        >"$dir/patd.conf"
    in_background "$PAT_BUILD/patd" -f -c "$dir/patd.conf"
    wait_for 20 unix_listens "$SAFE/up/b/p"
    [[ $(stat -c %a "$SAFE/up/b/p") == 666 ]]
}

@test "no token is sent to a socket that another user could have put there" {
    safe_dir
    mkdir -p "$SAFE/up/b"
    trap_at "$SAFE/up/b/s"
    chmod 777 "$SAFE/up"
    no_token_to "$SAFE/up/b/s" "$SAFE/up: must not be writable by group or others (chmod go-w)"
    chmod 755 "$SAFE/up"
    chmod 775 "$SAFE/up/b"
    no_token_to "$SAFE/up/b/s" "$SAFE/up/b: must not be writable by group or others (chmod go-w)"
    chmod 755 "$SAFE/up/b"
    if ((EUID == 0)); then
        chown daemon "$SAFE/up"
        no_token_to "$SAFE/up/b/s" "$SAFE/up: must be owned by root or by the user that connects"
        chown root "$SAFE/up"
    fi
    # The trap is one.
    run "$PAT_BUILD/patctl" verify --stdin --timeout 1s --socket "$SAFE/up/b/s" <<<rhp_x
    [[ $status == 3 ]]
    wait_for 20 test -e "$dir/heard"
}

@test "patd: settings and password in volumes of Kubernetes, by their links" {
    safe_dir
    CONF=$SAFE/conf/patd.conf
    kubernetes "$SAFE/conf" 644 patd.conf "$BOUND$SAFE/secret/password"
    kubernetes "$SAFE/secret" 440 password secret # defaultMode 0400 and fsGroup
    conf_is_good
    kubernetes "$SAFE/secret" 400 password secret
    conf_is_good
    # The default, 0644, but where others may not enter.
    kubernetes "$SAFE/secret" 644 password secret
    conf_is_refused "$SAFE/secret/password: holds a secret: others must have no access (chmod o=)"
    mkdir -m 750 "$SAFE/closed"
    mv "$SAFE/secret" "$SAFE/closed/secret"
    kubernetes "$SAFE/conf" 644 patd.conf "$BOUND$SAFE/closed/secret/password"
    conf_is_good
    # A link in an open directory to the closed one is no way in.
    ln -s "$SAFE/closed/secret/password" "$SAFE/password"
    kubernetes "$SAFE/conf" 644 patd.conf "$BOUND$SAFE/password"
    conf_is_good
}

@test "patd: what somebody else could replace in such a volume is refused, by its name" {
    local version
    safe_dir
    CONF=$SAFE/conf/patd.conf
    kubernetes "$SAFE/conf" 644 patd.conf "$BOUND$SAFE/secret/password"
    kubernetes "$SAFE/secret" 400 password secret
    version=$(realpath "$SAFE/secret/..data")
    chmod 777 "$version"
    conf_is_refused "$SAFE/secret/password: $version: must not be writable by group or others"
    chmod 755 "$version"
    chmod 777 "$SAFE/secret" # no sticky bit, as of an emptyDir
    conf_is_refused "$SAFE/secret/password: $SAFE/secret: must not be writable by group or others"
    chmod 2777 "$SAFE/secret"
    conf_is_refused "$SAFE/secret/password: $SAFE/secret: must not be writable by group or others"
    chmod 1777 "$SAFE/secret"
    conf_is_good
    ((EUID == 0)) || return 0
    chown -h daemon "$SAFE/secret/password"
    conf_is_refused "$SAFE/secret/password: must be owned by root or by the user that reads it"
    chown -h root "$SAFE/secret/password"
    chown -h daemon "$SAFE/secret/..data"
    conf_is_refused "$SAFE/secret/..data: must be owned by root or by the user that reads it"
    chown -h root "$SAFE/secret/..data"
    chown daemon "$version"
    conf_is_refused "$version: must be owned by root or by the user that reads it"
    chown root "$version"
    chown daemon "$version/password"
    conf_is_refused "$SAFE/secret/password: must be owned by root or by the user that reads it"
}

@test "patd: a secret of Docker, mode 0444, is refused unless others may not enter its directory" {
    safe_dir
    CONF=$SAFE/patd.conf
    mkdir "$SAFE/secrets"
    printf 'secret\n' >"$SAFE/secrets/password"
    chmod 444 "$SAFE/secrets/password"
    printf '%s\n' "$BOUND$SAFE/secrets/password" >"$CONF"
    conf_is_refused "$SAFE/secrets/password: holds a secret: others must have no access (chmod o=)"
    chmod 751 "$SAFE/secrets"
    conf_is_refused "$SAFE/secrets/password: holds a secret: others must have no access (chmod o=)"
    chmod 750 "$SAFE/secrets"
    conf_is_good
}

@test "patd: a reload reads the next version of a ConfigMap" {
    local reads='reload: .*/conf/patd.conf is in force'
    safe_dir
    mkdir "$SAFE/run"
    kubernetes "$SAFE/conf" 644 patd.conf \
        $'base = dc=example,dc=com\nuser = nobody\nsocket = '"$SAFE/run/s"
    in_background env -C "$SAFE" "$PAT_BUILD/patd" -f -c conf/patd.conf 2>"$dir/log"
    wait_for 20 unix_listens "$SAFE/run/s"
    wait_for 20 grep -q serving "$dir/log"
    kubernetes "$SAFE/conf" 644 patd.conf \
        $'base = dc=example,dc=com\nuser = nobody\nlog_level = debug\nsocket = '"$SAFE/run/s"
    kill -HUP "${BACKGROUND_PIDS[-1]}"
    wait_for 20 grep -q 'reload:' "$dir/log"
    grep "$reads" "$dir/log"
    # One that is wrong is named by line.
    kubernetes "$SAFE/conf" 644 patd.conf $'base = dc=example,dc=com\nno such setting = 1'
    kill -HUP "${BACKGROUND_PIDS[-1]}"
    wait_for 20 grep -q 'conf/patd.conf:2: ' "$dir/log"
}

@test "an emptyDir: no socket in it as it comes, and one where an init container closed it" {
    ((EUID == 0)) || skip 'needs root, to give a directory away'
    safe_dir
    mkdir -m 777 "$SAFE/run"
    both_refuse "$SAFE/run/s" "$SAFE/run: must not be writable by group or others (chmod go-w)"
    mkdir "$SAFE/run/own" # without the sticky bit others can rename it
    chown nobody "$SAFE/run/own"
    both_refuse "$SAFE/run/own/s" "$SAFE/run: must not be writable by group or others (chmod go-w)"
    rmdir "$SAFE/run/own"
    chown nobody "$SAFE/run"
    chmod 755 "$SAFE/run"
    in_background "$PAT_BUILD/pat-fcgi" -u nobody -s "$SAFE/run/s"
    wait_for 20 unix_listens "$SAFE/run/s"
}

@test "pat-fcgi: a user that fills it keeps no other user out, and loses connections of its own" {
    ((EUID == 0)) || skip 'needs root, to be another user'
    safe_dir
    few_descriptors -s "$SAFE/f"
    wait_for 20 unix_listens "$SAFE/f"
    # One of another user that waits from before all of these, and so for longest.
    in_background python3 "$SAFE/fcgi_client.py" "$SAFE/f" keep "$dir/go" >"$dir/kept"
    wait_for 20 grep -q kept "$dir/kept"
    crowd_as daemon "$SAFE/f"
    python3 "$SAFE/fcgi_client.py" "$SAFE/f" plain
    : >"$dir/go"
    wait "${BACKGROUND_PIDS[1]}"
    grep "busy: 416 connections are open, 41[0-9] of uid $(id -u daemon); the one of these that waits longest is closed" \
        "$dir/log"
    # One line per interval, and not one per connection.
    (($(grep -c busy: "$dir/log") < 90))
}

@test "pat-fcgi: over TCP all clients count as one user, and the newest are served" {
    local port
    safe_dir
    port=$(python3 -IS -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
    few_descriptors -s "127.0.0.1:$port"
    wait_for 20 python3 "$SAFE/fcgi_client.py" "127.0.0.1:$port" plain
    crowd_as daemon "127.0.0.1:$port"
    python3 "$SAFE/fcgi_client.py" "127.0.0.1:$port" plain
    grep 'busy: 416 connections are open, 41[0-9] of TCP clients; the one of these that waits longest is closed' \
        "$dir/log"
}

# not_removed COMMAND...: it listens at $SAFE/sock, and as its own user may remove what stands
# there; when it stops, the socket there is somebody else's, and stays.
not_removed() {
    local pid

    in_background "$@"
    pid=${BACKGROUND_PIDS[-1]}
    wait_for 20 unix_listens "$SAFE/sock"
    occupy "$SAFE/new.$pid"
    mv "$SAFE/new.$pid" "$SAFE/sock"
    kill -TERM "$pid"
    wait "$pid" || true
    [[ -S $SAFE/sock ]]
}

@test "a socket that another has put there since is not removed at the end" {
    safe_dir
    ((EUID != 0)) || chown nobody "$SAFE"
    not_removed "$PAT_BUILD/pat-fcgi" -s "$SAFE/sock" -u nobody
    rm "$SAFE/sock"
    printf '%s\n' 'base = dc=example,dc=com' 'user = nobody' "socket = $SAFE/sock" \
        >"$dir/patd.conf"
    not_removed "$PAT_BUILD/patd" -f -c "$dir/patd.conf"
}
