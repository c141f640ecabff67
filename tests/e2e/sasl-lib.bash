# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# sasl-lib.bash - logins by SASL for sasl.bats
#
# Clients get secrets on standard input, and print none.

# shellcheck source=tests/e2e/world-lib.bash
. "$BATS_TEST_DIRNAME/world-lib.bash"

# The one ordinary password, which the services have in sasldb.
PASSWORD=sasldb-password-of-bob

# What Postfix says.
ACCEPTED='235 2.7.0 Authentication successful'
REFUSED='535 5.7.8 Error: authentication failed: authentication failure'
UNAVAILABLE='454 4.7.0 Temporary authentication failure: remote authentication server unavailable'

# What a bearer token's refusal begins with.
INVALID_TOKEN='{"status":"invalid_token"}'
XOAUTH2_ERROR='{"status":"401","schemes":"bearer","scope":""}'

# shellcheck disable=SC2034     # for the tests
OUT_OF_SCOPE='token is not valid for this org, role, service or source'

# --- logs ----------------------------------------------------------------------------------

# For teardown: where to look when a test failed.
show_logs() {
    [[ -z ${output-} ]] || printf 'the last output:\n%s\n' "$output"
    show_ends "$WORLD/log/memcached.log" "$WORLD/log/svn.log"
}

# said NUMBER PATTERN: so many new lines in syslog are like that, perhaps not at once, and no
# more to come.
said() {
    world_idle || return
    wait_for 15 says "$1" "$2" || fault "not $1 lines say: $2"
}

says() {
    (($(new_syslog | grep -cE -- "$2") == $1))
}

# decided NUMBER PATTERN: so many new verdicts of patd are like that, perhaps not at once, for
# it answers first, and no more to come.
decided() {
    world_idle || return
    wait_for 15 decides "$1" "$2" || fault "not $1 verdicts are: $2"
}

decides() {
    (($(new_patd_log | grep 'verdict=' | grep -E -- "$2" | count_verdict_lines) == $1))
}

# How many verdicts patd has given so far.
count_verdicts() {
    world_idle || return
    new_patd_log | grep -c 'verdict=' || true
}

# fault TEXT: say what is wrong, and fail.
fault() {
    printf '%s\n' "$1"
    return 1
}

# expect TEXT: the last output is exactly that.
expect() {
    [[ $output == "$1" ]] || {
        printf 'expected:\n%s\n' "$1"
        return 1
    }
}

# --- SMTP ------------------------------------------------------------------------------------

# smtp SERVICE LINE...
# A conversation; see smtp_client.py. Sets output and SMTP_MS.
smtp() {
    local start port
    port=$(<"$WORLD/port/$1")
    shift

    mark_logs
    start=$(now_ms)
    output=$(printf '%s\n' "$@" | in_world python3 "$BATS_TEST_DIRNAME/smtp_client.py" \
        -s "${client_address-127.0.0.1}" "$port")
    SMTP_MS=$(($(now_ms) - start))
}

# from ADDRESS COMMAND [ARG...]: with connections from there.
from() {
    local client_address=$1
    shift

    "$@"
}

# Every mechanism tries the same on a connection of its own.
attempt() {
    smtp "$1" "PLAIN - $2 $3" AGAIN "LOGIN $2 $3" AGAIN "OAUTHBEARER $2 $3" AGAIN \
        "XOAUTH2 $2 $3"
}

# outcome ANSWER [YES]: what attempt prints, YES where a bearer is told that it is refused.
outcome() {
    printf 'PLAIN %s\nLOGIN 334 "Username:"\nLOGIN 334 "Password:"\nLOGIN %s\n' "$1" "$1"
    [[ -z ${2-} ]] || printf 'OAUTHBEARER 334 "%s"\n' "$INVALID_TOKEN"
    printf 'OAUTHBEARER %s\n' "$1"
    [[ -z ${2-} ]] || printf 'XOAUTH2 334 "%s"\n' "$XOAUTH2_ERROR"
    printf 'XOAUTH2 %s\n' "$1"
}

# accepted SERVICE USER
# TOKEN lets USER in, by every mechanism, because patd said so each time.
accepted() {
    attempt "$1" "$2" "$TOKEN"
    expect "$(outcome "$ACCEPTED")"
    decided 4 "verdict=accept id=$MINT_ID .*service=smtp "
}

# refused SERVICE USER REASON [DETAIL]
# TOKEN lets nobody in, by any mechanism; the log says why, and that of patd more of it, but
# not the server.
refused() {
    attempt "$1" "$2" "$TOKEN"
    expect "$(outcome "$REFUSED" yes)"
    said 4 "sasl_pat: authentication failure; service=smtp rhost=${client_address-127.0.0.1} user= reason=\"$3[^\"]*\"\$"
    [[ -z ${4-} ]] || decided 4 "$4"
}

# unavailable SERVICE USER [MAX-MS]
# Nobody knows of TOKEN, which is not the same as that it is bad.
unavailable() {
    attempt "$1" "$2" "$TOKEN"
    expect "$(outcome "$UNAVAILABLE")"
    said 4 'sasl_pat: token service is unavailable: '
    no_hang "$SMTP_MS" "${3:-60000}"
}

# at_once SERVICE LINE...
# Conversations of one line each, side by side. Sets output, in the order of the lines.
at_once() {
    local service=$1 line n=0 pids=()
    shift

    mark_logs
    for line; do
        n=$((n + 1))
        {
            smtp "$service" "$line"
            printf '%s\n' "$output"
        } >"$BATS_TEST_TMPDIR/at-once.$n" &
        pids+=($!)
    done
    wait "${pids[@]}"
    output=$(cat "$BATS_TEST_TMPDIR"/at-once.*)
}

# password_accepted SERVICE, password_refused SERVICE PASSWORD
# An ordinary password of bob, by the two mechanisms there are for it; patd is not asked.
password_accepted() {
    smtp "$1" "PLAIN - bob $PASSWORD" AGAIN "LOGIN bob $PASSWORD" AGAIN \
        "PLAIN bob bob $PASSWORD"
    expect "PLAIN $ACCEPTED
LOGIN 334 \"Username:\"
LOGIN 334 \"Password:\"
LOGIN $ACCEPTED
PLAIN $ACCEPTED"
    (($(count_verdicts) == 0)) || fault 'patd was asked'
}

password_refused() {
    smtp "$1" "PLAIN - bob $2" AGAIN "LOGIN bob $2"
    expect "PLAIN $REFUSED
LOGIN 334 \"Username:\"
LOGIN 334 \"Password:\"
LOGIN $REFUSED"
    (($(count_verdicts) == 0)) || fault 'patd was asked'
}

# --- the sample server -------------------------------------------------------------------------

# sample MECHANISM PLUGINS MESSAGE...
# One login at the sample server with that directory of plugins. Messages may have escapes
# of printf. Sets status and output, of which what the client sent is left out.
sample() {
    local mechanism=$1 path=$2 message
    shift 2

    mark_logs
    status=0
    output=$({
        printf 'C: %s\n' "$(printf '%b' "$mechanism" | base64 -w 0)"
        for message; do
            printf 'C: %s\n' "$(printf '%b' "$message" | base64 -w 0)"
        done
    } | in_world sasl-sample-server -s smtp -d host.example.com -p "$path" \
        -i 'local=127.0.0.1;25,remote=127.0.0.1;2525' 2>&1 | grep -av '^got ') || status=$?
}

sample_accepted() {
    grep -qx 'Negotiation complete' <<<"$output" || fault 'refused'
    grep -qx "Username: $1" <<<"$output" || fault "not as $1"
}

sample_refused() {
    grep -q " SASL negotiation: $1 (" <<<"$output" || fault "this is not: $1"
    ! grep -q 'Negotiation complete' <<<"$output" || fault 'accepted'
}

# --- memcached, svnserve, Cyrus IMAP -----------------------------------------------------------

# memcached LINE...: see memcached_client.py. Sets output.
memcached() {
    mark_logs
    output=$(printf '%s\n' "$@" | in_world python3 "$BATS_TEST_DIRNAME/memcached_client.py" \
        "$(<"$WORLD/port/memcached")")
}

# svn_list USER SECRET
# List the repository. Sets status and output.
svn_list() {
    mark_logs
    status=0
    output=$(printf '%s\n' "$2" | in_world env -i PATH="$PATH" HOME=/nonexistent svn list \
        --non-interactive --no-auth-cache --username "$1" --password-from-stdin \
        "svn://127.0.0.1:$(<"$WORLD/port/svn")/" 2>&1) || status=$?
}

# imap LINE [ARG...]
# Log in by curl with that line of its configuration, and list mailboxes. Sets status, and
# output without what went to the server.
imap() {
    local line=$1
    shift

    mark_logs
    status=0
    (umask 077 && printf '%s\n' "$line" >"$WORLD/secret/curlrc")
    output=$(in_world curl -q -s -v -K "$WORLD/secret/curlrc" -X 'LIST "" "*"' "$@" \
        "imap://127.0.0.1:$(<"$WORLD/port/imap")/" 2>&1) || status=$?
    rm -f "$WORLD/secret/curlrc"
    output=$(grep '^< ' <<<"$output" | tr -d '\r')
}

# imap_by LOGIN|XOAUTH2 USER SECRET [SERVICE]: see imap_client.py. Sets output.
imap_by() {
    mark_logs
    output=$(printf '%s\n' "$3" | in_world python3 "$BATS_TEST_DIRNAME/imap_client.py" \
        "$(<"$WORLD/port/${4-imap}")" "$1" "$2")
}
