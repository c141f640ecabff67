# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# common.bash - a sandbox for a file of tests, and a login through PAM
#
# A test file calls sandbox_up in setup_file and sandbox_down in teardown_file.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# sandbox_up [OPTION...]
# Start a sandbox for this file of tests, and a PAM service that uses it. Not below
# BATS_FILE_TMPDIR, which patd's user may not enter.
sandbox_up() {
    SANDBOX=$(mktemp -d "${TMPDIR:-/tmp}/pat-test.XXXXXX")
    export SANDBOX
    "$ROOT/tests/sandbox" start "$@" "$SANDBOX"
    load_sandbox
    mkdir "$BATS_FILE_TMPDIR/pam"
    pam_service plain
}

# Also: nothing that looks like a token stands anywhere in the sandbox, with everything
# that ran having had its chance to write one.
sandbox_down() {
    local found

    [[ -n ${SANDBOX-} ]] || return 0 # it never came up: what follows must not search all of /
    "$ROOT/tests/sandbox" slapd-stop "$SANDBOX"
    "$ROOT/tests/sandbox" patd-stop "$SANDBOX"
    printf 'control rhp_%s\n' 00000000000000000000000000000000000000 >"$SANDBOX/log/control"
    found=$(files_that_match -E 'rhp_[0-9A-Za-z]{16}' -- "$SANDBOX/")
    "$ROOT/tests/sandbox" stop "$SANDBOX"
    if [[ $found != "$SANDBOX/log/control" ]]; then
        printf 'a token stands in: %s\n' "$found" >&2
        return 1
    fi
    rm -rf "$SANDBOX"
}

# For setup(): each test is a process of its own.
load_sandbox() {
    # shellcheck source=/dev/null
    . "$SANDBOX/env"
    # shellcheck source=tests/lib.bash
    . "$ROOT/tests/lib.bash"
    PAM_DIR=$BATS_FILE_TMPDIR/pam
    BACKGROUND_PIDS=()
    log_mark
}

# pam_service NAME [ARGUMENT...]
# A PAM service whose one module is ours, so that its return code is the service's.
pam_service() {
    local name=$1 module=$PAT_BUILD/pam_pat.so
    shift

    {
        printf 'auth required %s socket=%s nodelay' "$module" "$PAT_SOCKET"
        (($# == 0)) || printf ' %s' "$@"
        printf '\naccount required %s\n' "$module"
    } >"$BATS_FILE_TMPDIR/pam/$name"
}

# login SERVICE USER [RHOST]
# Log in with $MINT_TOKEN. Sets status and output, as run does, and LOGIN_MS.
login() {
    local args=() took=$'\nauthenticate: [^\n]* ([0-9]+) ms(\n|$)'
    [[ -z ${3-} ]] || args=(-r "$3")

    status=0
    output=$("$PAT_BUILD/tests/pamlogin" "${args[@]}" "$PAM_DIR" "$1" "$2" \
        <<<"$MINT_TOKEN") || status=$?
    LOGIN_MS=
    [[ ! $'\n'$output =~ $took ]] || LOGIN_MS=${BASH_REMATCH[1]}
}

# expect CODE [DEADLINE-MS [MIN-MS]]
# Checks that the last login ended in CODE, by its deadline, and after MIN-MS or more.
expect() {
    if [[ $'\n'$output != *$'\n'"authenticate: $1 "* ]] || ((LOGIN_MS < ${3:-0})) ||
        ! no_hang "$LOGIN_MS" "${2:-60000}"; then
        printf 'expected %s, not before %s ms, got:\n%s\n' "$1" "${3:-0}" "$output" >&2
        tail -n 5 "$SANDBOX/log/patd.log" >&2
        return 1
    fi
}

# patd answers first and logs then: what must be in its log is waited for.
#
# logged PATTERN [PATTERN]: some line of it, since log_mark, has both.
logged() {
    wait_for 15 log_has "$@" && return
    log_since | tail -n 5 >&2
    return 1
}

# not_logged PATTERN [PATTERN]: no line has, and what was asked for until now can add none.
not_logged() {
    sandbox_idle || return
    log_has "$@" || return 0
    log_since | tail -n 5 >&2
    return 1
}

log_has() {
    if (($# > 1)); then
        log_since | grep -e "$1" | grep -qe "$2"
    else
        log_since | grep -qe "$1"
    fi
}

# From here on; what is still to be logged of what was before is waited for.
log_mark() {
    sandbox_idle || return
    LOG_LINES=$(wc -l <"$SANDBOX/log/patd.log")
}

log_since() { tail -n "+$((${LOG_LINES-0} + 1))" "$SANDBOX/log/patd.log"; }

# The same for what slapd logs.
slapd_mark() { SLAPD_LINES=$(wc -l <"$SANDBOX/log/slapd.log"); }
slapd_since() { tail -n "+$((SLAPD_LINES + 1))" "$SANDBOX/log/slapd.log"; }

sandbox() {
    "$ROOT/tests/sandbox" "$1" "$SANDBOX"
}

# sandbox_idle
# Wait until patd and slapd, as far as they run, have nothing left to do: all is logged and
# noted that clients with an answer have caused.
sandbox_idle() {
    local file pids=()

    for file in "$PAT_PATD_PID" "$PAT_SLAPD_PID"; do
        ! { read -r <"$file"; } 2>/dev/null || pids+=("$REPLY")
    done
    wait_for 20 at_rest "${pids[@]}"
}

# under_way PID...
# Wait until these clients have asked, and patd has taken it in and waits for somebody else.
under_way() {
    local pid

    for pid; do
        # A login that has ended has its answer, and needs no wait.
        wait_for 20 eval "asks $pid || is_over $pid" || return
        if is_over "$pid"; then
            printf 'under_way: the client has ended already\n' >&2
            return 1
        fi
    done
    sandbox_idle
}

# is_over PID: that process has ended; it may be a zombie.
is_over() {
    local stat

    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    [[ ${stat##*) } == Z* ]]
}

# asks PID: that client is connected, has asked, and waits for the answer.
asks() {
    local inodes

    inodes=$(find "/proc/$1/fd" -lname 'socket:*' ! -name '[0-2]' -printf '%l\n' | tr -dc '0-9\n')
    awk -v inodes="$inodes" '
        BEGIN {
            split(inodes, list, "\n")
            for (i in list)
                if (list[i] != "")
                    mine[list[i]]
        }
        $5 == "0001" && $6 == "03" && $7 in mine { found = 1 }
        END { exit !found }' /proc/net/unix && at_rest "$1"
}

# set_conf LINE...
# Restart patd with these settings instead of, or besides, the present ones.
set_conf() {
    write_conf "$@"
    sandbox patd-restart
}

write_conf() {
    local line key

    for line in "$@"; do
        key=${line%% *}
        sed -i "/^$key /d" "$PAT_CONF"
        printf '%s\n' "$line" >>"$PAT_CONF"
    done
}

# filter_person: a member of acme whose name is full of filter syntax. Sets FILTER_UID, and
# FILTER_RDN, which is the same name as a part of a DN.
filter_person() {
    FILTER_UID='e*)(uid=\2a'
    FILTER_RDN='e*)(uid=\\2a'
    ldap_admin_add <<EOF
dn: uid=$FILTER_RDN,ou=people,$PAT_BASE
objectClass: inetOrgPerson
cn: e
sn: e
uid: $FILTER_UID
EOF
    change_member add "$FILTER_RDN" acme members
}

# in_background COMMAND [ARG...]
# Run it until the end of the test, with all that it starts. Without bats' descriptor 3,
# on which bats would wait.
in_background() {
    setsid "$@" 3>&- &
    BACKGROUND_PIDS+=("$!")
}

end_background() {
    local pid

    for pid in "${BACKGROUND_PIDS[@]}"; do
        kill -- "-$pid" 2>/dev/null || true
    done
}

patd_pid() { cat "$PAT_PATD_PID"; }
slapd_pid() { cat "$PAT_SLAPD_PID"; }
