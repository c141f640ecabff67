# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# http-lib.bash - requests for http.bats
#
# Tokens go to curl by files that nobody else can read.

# shellcheck source=tests/e2e/world-lib.bash
. "$BATS_TEST_DIRNAME/world-lib.bash"

# Of the hundreds of threads in this world, those of patd and slapd log what is looked at here.
world_idle() {
    local pids

    mapfile -t pids < <(cat "$PAT_PATD_PID" "$PAT_SLAPD_PID" 2>/dev/null)
    PROC=/proc/$WORLD_INIT/root/proc wait_for 20 at_rest "${pids[@]}"
}

# asked_by NAME: a client has asked, its nginx that pat-fcgi, and so on, and all of them wait.
asked_by() {
    local pids

    mapfile -t pids < <(in_world pgrep -x curl)
    ((${#pids[@]} > 0)) || return
    mapfile -t -O "${#pids[@]}" pids < <(in_world pgrep -x nginx
        cat "$WORLD/fcgi/$1.pid" "$PAT_PATD_PID" "$PAT_SLAPD_PID")
    PROC=/proc/$WORLD_INIT/root/proc at_rest "${pids[@]}"
}

fault() {
    printf '%s\n' "$1"
    return 1
}

# request PORT-NAME PATH [CURL-ARG...]
# Sets CODE, HEADERS (with lower-case names) and BODY.
request() {
    local url
    url=http://127.0.0.1:$(<"$WORLD/port/$1")$2
    shift 2

    mark_logs || return
    BODY=$(in_world curl -q -s -m $((30 * PAT_TIME_SCALE)) -D "$WORLD/secret/headers" "$@" "$url") || true
    HEADERS=$(tr -d '\r' <"$WORLD/secret/headers" | sed -E 's/^([A-Za-z-]+):/\L\1:/')
    CODE=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' <<<"$HEADERS")
    rm -f "$WORLD/secret/headers"
}

# with_header LINE... -- PORT-NAME PATH [CURL-ARG...]: with these headers.
with_header() {
    local lines=()

    while [[ $1 != -- ]]; do
        lines+=("$1")
        shift
    done
    shift
    (umask 077 && printf '%s\n' "${lines[@]}" >"$WORLD/secret/lines")
    request "$@" -H "@$WORLD/secret/lines"
    rm -f "$WORLD/secret/lines"
}

# bearer PORT-NAME PATH [CURL-ARG...]: with TOKEN.
bearer() {
    with_header "Authorization: Bearer $TOKEN" -- "$@"
}

# basic USER PORT-NAME PATH [CURL-ARG...]: with TOKEN for the password.
basic() {
    local user=$1
    shift

    (umask 077 && printf 'user = "%s:%s"\n' "$user" "$TOKEN" >"$WORLD/secret/curlrc")
    request "$@" -K "$WORLD/secret/curlrc"
    rm -f "$WORLD/secret/curlrc"
}

# open_stream PORT-NAME: a stream of events with TOKEN, in the background. What comes is in
# $WORLD/secret/stream.
open_stream() {
    (umask 077 && printf 'Authorization: Bearer %s\n' "$TOKEN" >"$WORLD/secret/lines")
    # shellcheck disable=SC2016
    in_world sh -c 'echo $$ >"$1/secret/stream.pid"
        exec curl -q -s -N -m "$2" -H "@$1/secret/lines" "$3"' - "$WORLD" $((120 * PAT_TIME_SCALE)) \
        "http://127.0.0.1:$(<"$WORLD/port/$1")/events" >"$WORLD/secret/stream" 3>&- &
    STREAM_PID=$!
    wait_for 20 grep -q '^data: event-0$' "$WORLD/secret/stream"
    rm -f "$WORLD/secret/lines"
}

# emit NUMBER: the upstream sends an event, and the open stream gets it as this one.
emit() {
    in_world curl -q -s -m $((30 * PAT_TIME_SCALE)) "http://127.0.0.1:$(<"$WORLD/port/upstream")/emit"
    wait_for 20 grep -q "^data: event-$1\$" "$WORLD/secret/stream"
}

close_stream() {
    in_world kill "$(<"$WORLD/secret/stream.pid")"
    wait "$STREAM_PID" || true
}

header() {
    sed -n "s/^$1: //p" <<<"$HEADERS"
}

# answered CODE [CHALLENGE]: so it was, with just that challenge.
answered() {
    if [[ $CODE != "$1" || $(header www-authenticate) != "${2-}" ]]; then
        printf 'expected %s "%s", got:\n%s\n%s\n' "$1" "${2-}" "$HEADERS" "$BODY"
        return 1
    fi
}

# let_in USER ORG ROLE: the upstream was reached, and knows that much, and no more.
let_in() {
    local want name
    name=$(encoded "$TOKEN_NAME")
    want="X-Pat-Id=$MINT_ID|X-Pat-Name=$name|X-Pat-Org=$2|X-Pat-Role=$3|X-Pat-User=$1"

    answered 200 || return
    [[ $(header seen) == "$want" ]] || fault "expected $want, seen: $(header seen)"
}

# kept_out CODE [CHALLENGE]: the upstream was not reached.
kept_out() {
    answered "$@" || return
    [[ $HEADERS != *$'\nseen:'* ]] || fault 'it came through'
}

encoded() {
    python3 -c 'import sys, urllib.parse as u; print(u.quote(sys.argv[1], safe="!#$&\x27()*+-./:<=>?@[]^_`{|}~"))' "$1"
}

# decided NUMBER PATTERN: so many new verdicts of patd are like that, perhaps not at once, and
# no more to come.
decided() {
    world_idle || return
    wait_for 15 decides "$1" "$2" || fault "not $1 verdicts are: $2"
}

decides() {
    (($(new_patd_log | grep 'verdict=' | grep -E -- "$2" | count_verdict_lines) == $1))
}

# kill_fcgi NAME: until it is gone.
kill_fcgi() {
    kill_hard "$WORLD/fcgi/$1.pid"
}

show_logs() {
    printf 'the last answer:\n%s\n%s\n' "${HEADERS-}" "${BODY-}"
    show_ends "$WORLD/log/nginx-error.log" "$WORLD/log/apache-error.log"
}

CHALLENGE='Bearer realm="pat"'
INVALID='Bearer realm="pat", error="invalid_token"'
MALFORMED='Bearer realm="pat", error="invalid_request"'
# shellcheck disable=SC2034     # for the tests
SCOPE='Bearer realm="pat", error="insufficient_scope"'
