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
    # Nobody may not enter where bats has its files.
    SAFE=$(mktemp -d "${TMPDIR:-/tmp}/pat-test.XXXXXX")
    ((EUID != 0)) || chown nobody "$SAFE"
    not_removed "$PAT_BUILD/pat-fcgi" -s "$SAFE/sock" -u nobody
    rm "$SAFE/sock"
    printf '%s\n' 'base = dc=example,dc=com' 'user = nobody' "socket = $SAFE/sock" \
        >"$dir/patd.conf"
    not_removed "$PAT_BUILD/patd" -f -c "$dir/patd.conf"
}
