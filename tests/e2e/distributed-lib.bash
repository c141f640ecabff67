# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# distributed-lib.bash - servers on hosts of their own, the network between them, and clients
# that never stop, for distributed.bats
#
# A server is called as its host is. LDAP clients of the tests come by ldapi, whatever
# becomes of the network; servers and patd speak to each other through it.

# lab_up HOST...
lab_up() {
    LAB=$(mktemp -d /tmp/ldap-pat-lab.XXXXXX)
    export LAB
    chmod 755 "$LAB"
    mkfifo "$LAB/lifeline"
    # Our end of the pipe is open until lab_down, or until we die.
    setsid "$BATS_TEST_DIRNAME/lab" "$LAB" "$@" <"$LAB/lifeline" 3>&- &
    lab_pid=$!
    exec {lifeline}>"$LAB/lifeline"
    export LAB_LIFELINE=$lifeline
    until [[ -e $LAB/ready ]]; do
        kill -0 "$lab_pid" 2>/dev/null
        sleep 0.05
    done
    LAB_INIT=$(pgrep -P "$lab_pid")
    export LAB_INIT
}

lab_down() {
    [[ -z ${lifeline-} ]] || exec {lifeline}>&-
    [[ -z ${lab_pid-} ]] || wait "$lab_pid" || true
    [[ ! -e ${LAB-} ]] || {
        rm -rf -- "$LAB"
        return 1
    }
}

# in_switch COMMAND [ARG...]
# Where all cables end. What runs there does not hold the pipe on which its own life hangs,
# and has the root directory of the lab, which is not that of its mount namespace in a chroot.
in_switch() (
    exec {LAB_LIFELINE}>&-
    exec nsenter --target "$LAB_INIT" --mount --net --pid --root --wdns=/ -- "$@"
)

# in_host HOST COMMAND [ARG...]
in_host() {
    in_switch nsenter --net="/run/netns/$1" -- "${@:2}"
}

run_sandbox() {
    in_host "$1" "$ROOT/tests/sandbox" "${@:2}"
}

# cut HOST, joined HOST: its cable. Nothing tells the others; packets vanish.
cut() { in_switch ip link set "to-$1" down; }
joined() { in_switch ip link set "to-$1" up; }

# split A B, heal A B: these do not reach each other, and everybody else does.
split() {
    in_switch bridge link set dev "to-$1" isolated on
    in_switch bridge link set dev "to-$2" isolated on
}

heal() {
    in_switch bridge link set dev "to-$1" isolated off
    in_switch bridge link set dev "to-$2" isolated off
}

# crash SERVER: its slapd, by SIGKILL.
crash() {
    in_switch kill -KILL "$(<"$(at "$1" printenv PAT_SLAPD_PID)")"
    at "$1" run_sandbox "$1" slapd-stop "$(<"$BATS_FILE_TMPDIR/servers/$1")"
}

comes_back() {
    run_sandbox "$1" slapd-start "$(<"$BATS_FILE_TMPDIR/servers/$1")"
}

# sample NAME HOST
# What docs/topology.md has by that name, with the paths, and the password, of the lab.
sample() {
    awk -v name="$1" '
        $0 == "<!-- sample: " name " -->" { wanted = 1; next }
        /^```/ { if (inside) exit; inside = wanted; next }
        inside' "$ROOT/docs/topology.md" |
        sed -e "s|/etc/ldap/tls/ldap1|$LAB/tls/$2|; s|/etc/ldap/tls|$LAB/tls|" \
            -e "s|SECRET|$(<"$BATS_FILE_TMPDIR/replicator")|" \
            -e "s|/etc/patd/password|$LAB/password|"
}

# provider_config HOST OTHER ID: the sample is that of the first of two.
provider_config() {
    sample provider.ldif "$1" | sed -e "s|^olcServerID: 1$|olcServerID: $3|" \
        -e "s|provider=ldaps://ldap2|provider=ldaps://$2|"
}

# topology_up: two providers and a replica, made as docs/topology.md says.
topology_up() {
    random_word >"$BATS_FILE_TMPDIR/replicator"
    random_word >"$LAB/password"
    chmod 600 "$LAB/password"
    server ldap1 --no-patd --listen ldaps://ldap1.example.com/
    entry "cn=replicator,ou=services,$PAT_BASE" 'objectClass: organizationalRole' \
        'objectClass: simpleSecurityObject' "userPassword: $(<"$BATS_FILE_TMPDIR/replicator")" |
        ldap_admin_add
    entry "cn=patd,ou=services,$PAT_BASE" 'changetype: modify' 'add: objectClass' \
        'objectClass: simpleSecurityObject' - 'add: userPassword' \
        "userPassword: $(<"$LAB/password")" | ldap_admin_modify
    provider_config ldap1 ldap2 1 | ldap_admin_modify
    server ldap2 --no-patd --empty --listen ldaps://ldap2.example.com/
    provider_config ldap2 ldap1 2 | ldap_admin_modify
    equal ldap1 ldap2
    server bastion --no-patd --empty --listen ldaps://bastion.example.com/
    # Its own certificate is for the tests alone: patd comes by ldapi.
    {
        provider_config bastion - - | sed '/^$/q'
        sample replica.ldif bastion
    } | sed '/^olcServerID/d; /^replace: olcServerID/,/^-/d' | ldap_admin_modify
    equal ldap1 bastion
}

random_word() {
    head -c 18 /dev/urandom | base64 | tr -d '+/\n'
}

entry() { printf '%s\n' "dn: $1" "${@:2}" ''; }

# patd_up NAME HOST [LINE...]
# Another patd on that host, with the settings of the sample and these instead or besides.
# Sets PAT_SOCKET; its log is $LAB/patd/NAME.log.
patd_up() {
    local name=$1 host=$2 conf=$LAB/patd/$1.conf line

    mkdir -p "$LAB/patd"
    PAT_SOCKET=$LAB/patd/$name.sock
    sample patd.conf "$host" | sed -e "s|ldapi:///|$(at bastion printenv LDAPURI)|" >"$conf"
    printf '%s\n' "socket = $PAT_SOCKET" 'user = nobody' >>"$conf"
    for line in "${@:3}"; do
        sed -i "/^${line%% *} /d" "$conf"
        printf '%s\n' "$line" >>"$conf"
    done
    patd_run "$name" "$host"
}

# patd_run NAME HOST
patd_run() {
    # shellcheck disable=SC2016 # for the shell over there
    in_host "$2" setsid sh -c 'echo $$ >"$1.pid"; exec "$2" -c "$1.conf" -f' - "$LAB/patd/$1" \
        "$PAT_BUILD/patd" </dev/null >>"$LAB/patd/$1.log" 2>&1 3>&- &
    wait_for 10 unix_listens "$LAB/patd/$1.sock" in_host "$2" || {
        cat "$LAB/patd/$1.log" >&2
        return 1
    }
}

patd_down() {
    local pid
    pid=$(<"$LAB/patd/$1.pid")
    in_switch kill -TERM "$pid" 2>/dev/null || true
    wait_for 10 not in_switch kill -0 "$pid"
    rm -f "$LAB/patd/$1.sock" "$LAB/patd/$1.pid"
}

patds_down() {
    local file

    for file in "$LAB"/patd/*.pid; do
        [[ ! -e $file ]] || patd_down "$(basename "$file" .pid)"
    done
}

not() { ! "$@"; }

# ask NAME TOKEN-FILE [USER]
# Ask that patd whether the token is USER's. Sets ANSWER (0 accepted, 9 unavailable, others
# refused) and ASK_MS.
ask() {
    local began=$EPOCHREALTIME

    ANSWER=$(python3 "$BATS_TEST_DIRNAME/ask.py" "$LAB/patd/$1.sock" "$2" "${3:-bob}")
    ASK_MS=$(ms_since "$began")
}

now_ms() {
    printf '%s\n' $((${EPOCHREALTIME/[.,]/} / 1000))
}

# load_begins NAME CLIENTS PAUSE-MS TOKEN-FILE [USER]
load_begins() {
    LOAD=$BATS_TEST_TMPDIR/load.$1
    rm -f "$LOAD" "$LOAD.first"
    python3 "$BATS_TEST_DIRNAME/steady_load.py" "$LAB/patd/$1.sock" "$2" "$3" "$LOAD" \
        "$LOAD.first" "${@:4}" 3>&- &
    LOAD_PID=$!
    wait_for 35 test -e "$LOAD.first"
}

load_stops() {
    [[ -n ${LOAD_PID-} ]] || return 0
    kill -TERM "$LOAD_PID" 2>/dev/null || true
    wait "$LOAD_PID" || true
    LOAD_PID=
}

# asked_after FROM-MS N: N or more logins that began after FROM-MS have an answer.
asked_after() {
    (($(awk -v from="$1" '$1 >= from { n++ } END { print n + 0 }' "$LOAD") >= $2))
}

# answers FROM-MS FIRST [LAST]: of the logins that began after FROM-MS, in their order: how
# many, how many failed, slowest in ms.
answers() {
    LC_ALL=C sort -n "$LOAD" | awk -v from="$1" -v first="$2" -v last="${3:-0}" '
        $1 >= from && ++number >= first && (last == 0 || number <= last) {
            n++
            if ($3 != "0") failed++
            if ($2 > slowest) slowest = $2
        }
        END { print n + 0, failed + 0, slowest + 0 }'
}

# database SERVER: all that it has on its disk, an entry a line, sorted.
database() {
    LDAPNOINIT=1 slapcat -F "$(<"$BATS_FILE_TMPDIR/servers/$1")/etc/slapd.d" -n 1 -o ldif-wrap=no |
        awk 'BEGIN { RS = ""; FS = "\n" } {
            line = $1
            n = 0
            for (i = 2; i <= NF; i++)
                if ($i !~ /^contextCSN:/)
                    value[++n] = $i
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && value[j - 1] > value[j]; j--) {
                    t = value[j]; value[j] = value[j - 1]; value[j - 1] = t
                }
            for (i = 1; i <= n; i++)
                line = line "|" value[i]
            print line
        }' | LC_ALL=C sort
}

# same_databases A B
same_databases() {
    cmp -s <(database "$1") <(database "$2") && return
    diff <(database "$1") <(database "$2") | head -n 12 >&2
    return 1
}
