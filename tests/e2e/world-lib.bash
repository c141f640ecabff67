# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# world-lib.bash - a world for a file of tests: its life, tokens, and what the logs say
#
# Secrets pass through files below $WORLD/secret alone, which no other user can read and
# which go with the world.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# --- the world -------------------------------------------------------------------------

# world_up PART...
# See the script world for the parts there are.
world_up() {
    WORLD=$(mktemp -d /tmp/ldap-pat-world.XXXXXX)
    export WORLD
    chmod 755 "$WORLD"
    mkfifo "$WORLD/lifeline"
    # Our end of the pipe is open until world_down, or until we die. Whatever signal a whole
    # group of processes gets, the world is not in it, and takes itself down.
    setsid "$BATS_TEST_DIRNAME/world" "$WORLD" "$@" <"$WORLD/lifeline" 3>&- &
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
    nsenter --target "$WORLD_INIT" --mount --net --pid --uts --root --wdns=/ -- "$@"
}

sandbox() {
    in_world "$ROOT/tests/sandbox" "$1" "$WORLD/box"
}

signal_patd() {
    in_world /bin/kill "-$1" "$(cat "$PAT_PATD_PID")"
}

signal_slapd() {
    in_world /bin/kill "-$1" "$(cat "$PAT_SLAPD_PID")"
}

# kill_hard PID-FILE: by SIGKILL, until it is gone.
kill_hard() {
    in_world /bin/kill -KILL "$(<"$1")"
    wait_for 15 is_gone "$1"
}

is_gone() {
    ! in_world grep -q '^State:[[:space:]]*[^Z]' "/proc/$(<"$1")/status"
}

# patience DURATION: so long patd waits for the directory from now on; see repair_world.
patience() {
    sandbox patd-stop
    sed -i "s/^timeout = .*/timeout = $1/" "$PAT_CONF"
    sandbox patd-start
}

# --- tokens ------------------------------------------------------------------------------

# A file with every token there ever was, and with what of it is always in base64, wherever in
# a message it stands: none may be found anywhere else.
remember_token() {
    local before text

    for before in '' x xx; do
        text=$(printf '%s%s' "$before" "$1" | base64 -w 0)
        [[ -z $before ]] || text=${text:4}
        printf '%s\n' "${text::-4}"
    done | (umask 077 && cat - <(printf '%s\n' "$1") >>"$WORLD/secret/tokens")
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
    TOKEN=$(mistyped "$TOKEN")
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

# Wait until nobody in the world has anything left to do: whatever clients with an answer have
# caused is in the logs, by way of syslog as well.
world_idle() {
    PROC=/proc/$WORLD_INIT/root/proc wait_for 20 at_rest all
}

# Of the logs, only what came after this counts.
mark_logs() {
    world_idle || return
    patd_mark=$(size_of "$WORLD/box/log/patd.log")
    syslog_mark=$(size_of "$WORLD/log/syslog.log")
    slapd_mark=$(size_of "$WORLD/box/log/slapd.log")
}

new_patd_log() { tail -c +$((patd_mark + 1)) "$WORLD/box/log/patd.log"; }
new_syslog() { tail -c +$((syslog_mark + 1)) "$WORLD/log/syslog.log"; }

# Count the lines on standard input; one with repeated=N is N of them. patd says that number
# within 10 seconds.
count_verdict_lines() {
    awk '{ n += match($0, / repeated=[0-9]+/) ? substr($0, RSTART + 10, RLENGTH - 10) : 1 }
        END { print n + 0 }'
}

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

# not_logged PATTERN: no line is like that, nor will be for what was asked until now.
not_logged() {
    world_idle || return
    ! logged "$1"
}

# bans NUMBER [ADDRESS]
# fail2ban's filter finds exactly so many refusals in the new lines of syslog, each with that
# address. Without ADDRESS there must be none.
bans() {
    world_idle || return
    wait_for 15 finds "$1" "${2-}" || fault "the filter finds $(refusals), not $1 of ${2-nobody}"
}

finds() {
    local found

    found=$(refusals)
    if (($1 == 0)); then
        [[ -z $found ]]
    else
        [[ $found == "$1 $2" ]]
    fi
}

# Print the number of refusals and the address, for each address.
refusals() {
    new_syslog | sed 's/^<[0-9]*>//' >"$BATS_TEST_TMPDIR/fail2ban.log"
    fail2ban-regex -o ip "$BATS_TEST_TMPDIR/fail2ban.log" "$ROOT/docs/fail2ban/ldap-pat.conf" |
        sort | uniq -c | xargs
}

# For teardown: where to look when a test failed.
show_ends() {
    local file

    for file in "$WORLD/box/log/patd.log" "$WORLD/log/syslog.log" "$@"; do
        printf -- '--- the end of %s\n' "${file##*/}"
        tail -n 12 -- "$file"
    done
}

# For teardown: what a test that failed half-way did not put right.
repair_world() {
    signal_patd CONT || true
    sandbox slapd-stop && sandbox slapd-start
    patience 3s
    change_member delete bob acme owners || true
    change_member add carol acme viewers || true
} >/dev/null 2>&1

# files_with_tokens [DIRECTORY...]
# Print the names of files that have any token in them, there or where all worlds write.
files_with_tokens() {
    local tokens=$WORLD/secret/tokens

    in_world grep -rlaF -D skip --exclude-dir=secret --exclude-dir=db -f "$tokens" \
        "$WORLD" "$BATS_RUN_TMPDIR" /etc /run /var/log "$@" || (($? == 1))
    # A database is a gigabyte of holes, which tar leaves out.
    if tar --sparse -C "$WORLD/box" -cf - db | grep -qaF -f "$tokens"; then
        printf 'db\n'
    fi
}

now_ms() {
    printf '%s\n' $((${EPOCHREALTIME/[.,]/} / 1000))
}

# --- a login that something happens to -------------------------------------------------------

# in_hand CONDITION COMMAND [ARG...]
# Begin the login, or whatever asks patd, and wait until it is under way, by that condition,
# and nobody goes on: the directory is frozen, and all others wait for it. handed waits for
# the end of it, and sets here what COMMAND has set. Clients give up long before a service
# that is patient does, so that what hangs is no refusal.
in_hand() {
    local condition=$1
    shift

    {
        "$@"
        tell_outcome >"$BATS_TEST_TMPDIR/outcome"
    } 3>&- &
    IN_HAND=$!
    wait_for 20 eval "$condition"
    world_idle
    kill -0 "$IN_HAND"
}

handed() {
    wait "$IN_HAND"
    # shellcheck source=/dev/null
    . "$BATS_TEST_TMPDIR/outcome"
}

# What the commands that ask set, as assignments.
tell_outcome() {
    local name

    for name in status output LOGIN_MS SMTP_MS CODE HEADERS BODY patd_mark syslog_mark \
        slapd_mark marker_mark; do
        [[ ! -v $name ]] || printf '%s=%q\n' "$name" "${!name}"
    done
}

# asked NUMBER SOCKET: so many have a connection to patd there.
asked() {
    (($(connections "$2" "$WORLD_INIT") == $1))
}

# --- a mail ----------------------------------------------------------------------------------

# curl_smtp SERVICE USER [ARG...]
# Send a mail with TOKEN, by a client that everybody has. Sets status, and output without
# what went to the server.
curl_smtp() {
    local port user=$2
    port=$(<"$WORLD/port/$1")
    shift 2

    mark_logs
    status=0
    (umask 077 && printf 'user = "%s"\noauth2-bearer = "%s"\n' "$user" "$TOKEN" \
        >"$WORLD/secret/curlrc")
    output=$(printf 'Subject: a test\n\nNothing.\n' |
        in_world curl -q -s -v -K "$WORLD/secret/curlrc" --mail-from "$user@example.com" \
            --mail-rcpt somebody@example.net -T - "$@" "smtp://127.0.0.1:$port" 2>&1) ||
        status=$?
    rm -f "$WORLD/secret/curlrc"
    output=$(grep '^< ' <<<"$output" | tr -d '\r')
}
