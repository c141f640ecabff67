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

# safe_dir: sets SAFE, which every user may enter; bats has its files where nobody may.
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
