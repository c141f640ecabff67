#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Two providers and a replica of both. The providers are apart, each is changed, and while
# they catch up one of them is stopped or killed, or the connection between them is cut.
# After that all three are equal, each removed member is out, and no token of a person
# without a role is live.
#
# PAT_CONVERGE_ROUNDS: how many rounds of each kind.

load common
load replica

bats_require_minimum_version 1.5.0

# Entries that each provider gets in a round. They take more bytes than the other provider
# receives before it is stopped, killed or cut off.
FILL=200
BYTES_MAX=60000

setup() {
    BACKGROUND_PIDS=()
    servers_up
}

teardown() {
    end_background
    servers_down one two replica
}

# server_id N: LDIF
server_id() {
    printf '%s\n' 'dn: cn=config' 'changetype: modify' 'add: olcServerID' "olcServerID: $1" ''
}

multi_provider() {
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'replace: olcMultiProvider' 'olcMultiProvider: TRUE' ''
}

free_port() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# consumes_by_cable RID PORT: LDIF of a consumer of the server in use, through forward.py.
consumes_by_cable() {
    LDAPURI=ldap://127.0.0.2:$2 consumes "$1"
}

servers_up() {
    PORT_ONE=$(free_port)
    PORT_TWO=$(free_port)
    { server_id 1 && provides; } | config one syncprov
    server one --no-patd --listen "ldap://127.0.0.1:$PORT_ONE"
    plug
    { server_id 2 && provides && consumes_by_cable 1 "$PORT_ONE" && multi_provider; } |
        config two syncprov
    server two --no-patd --empty --listen "ldap://127.0.0.1:$PORT_TWO"
    equal one two
    { at two consumes_by_cable 2 "$PORT_TWO" && multi_provider; } | at one ldap_admin_modify
    { at one consumes 3 && at two consumes 4; } | config replica
    server replica --no-patd --empty
    at one people
    at two change_member add carol globex viewers
    equal one two
    # Once "two" has stored a CSN of its own, a crash loses none: slapo-pat(5).
    at two sandbox slapd-stop
    at two sandbox slapd-start
    equal one two
    equal one replica
}

# plug [PORT BYTES]: the connection between the providers, in both directions. The server at
# that port is heard for so many bytes. The port may still belong to the process that was the
# end of the connection before.
plug() {
    local port ready bytes

    BACKGROUND_PIDS=()
    for port in "$PORT_ONE" "$PORT_TWO"; do
        ready=$BATS_TEST_TMPDIR/ready.$port
        bytes=()
        [[ $port != "${1-}" ]] || bytes=("$2")
        rm -f "$ready.silent"
        # shellcheck disable=SC2016 # for the shell in the background
        in_background sh -c 'until python3 "$@"; do sleep 0.1; done' - \
            "$BATS_TEST_DIRNAME/forward.py" 127.0.0.2 127.0.0.1 "$port" "$ready" \
            "${bytes[@]}" 2>/dev/null
    done
}

unplug() {
    end_background
}

# member HOW UID GROUP ORG: LDIF of a change.
member() {
    printf '%s\n' "dn: cn=$3,o=$4,ou=orgs,$PAT_BASE" 'changetype: modify' "$1: member" \
        "member: uid=$2,ou=people,$PAT_BASE" ''
}

# rename OLD NEW: LDIF
rename() {
    printf '%s\n' "dn: uid=$1,ou=people,$PAT_BASE" 'changetype: modrdn' "newrdn: uid=$2" \
        'deleteoldrdn: 1' ''
}

# people: p1 to p8, members of acme, and p7 of globex.
people() {
    local i

    for i in 1 2 3 4 5 6 7 8; do
        printf '%s\n' "dn: uid=p$i,ou=people,$PAT_BASE" 'changetype: add' \
            'objectClass: inetOrgPerson' "uid: p$i" "cn: P $i" 'sn: P' ''
    done | ldap_admin_modify
    for i in 1 2 3 4 5 6 8; do
        member add "p$i" members acme
    done | ldap_admin_modify
    member add p7 members globex | ldap_admin_modify
}

# fills ROUND
fills() {
    awk -v n="$FILL" -v tag="$1-${SANDBOX##*.}" -v at=",ou=people,$PAT_BASE" 'BEGIN {
        for (i = 1; i <= n; i++)
            printf "dn: cn=f%s-%d%s\nobjectClass: organizationalRole\ncn: f%s-%d\n\n",
                tag, i, at, tag, i
    }' | ldap_admin_add
}

# "one" removes p1 and p2, "two" p3 and p4; each makes tokens for the members that the
# other removes. p5 and p6 change their role, p7 the name.
one_changes() {
    {
        member delete p1 members acme
        member delete p2 members acme
        member add p5 viewers acme
        member delete p5 members acme
        rename p7 p7x
    } | ldap_admin_modify
    tokens 2 p3 acme
    tokens 2 p4 acme
    fills "$1"
}

two_changes() {
    {
        member delete p3 members acme
        member delete p4 members acme
        member add p6 owners acme
        member delete p6 members acme
    } | ldap_admin_modify
    tokens 2 p1 acme
    tokens 2 p2 acme
    tokens 2 p7 globex
    fills "$1"
}

# Prepares the next round. p5 and p6 may be members: the later change of a group replaces
# the whole group.
all_come_back() {
    local i

    for i in 1 2 3 4 5 6; do
        member add "p$i" members acme
    done | ldap_admin_modify -c 2>/dev/null || true
    {
        member delete p5 viewers acme
        member delete p6 owners acme
        rename p7x p7
    } | ldap_admin_modify
    for i in 1 2 3 4 5 6; do
        tokens 1 "p$i" acme
    done
}

# Prints the members of acme among p1 to p8, in a line.
who_has_roles() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "o=acme,ou=orgs,$PAT_BASE" \
        '(objectClass=patRoleGroup)' member | grep -oE 'uid=p[0-9]' | sort -u | paste -sd' ' -
}

# on_disk TEXT: prints how many entries in the database of the server in use have TEXT in
# their DN.
on_disk() {
    slapcat -F "$SANDBOX/etc/slapd.d" -n 1 2>/dev/null | grep -c "^dn: .*$1" || true
}

# round NUMBER HOW
round() {
    local server=two other=one port=$PORT_ONE bytes had

    unplug
    # Either server may have made the later change of a group.
    if (($1 % 2)); then
        at one one_changes "$1"
        at two two_changes "$1"
    else
        at two two_changes "$1"
        at one one_changes "$1"
        server=one other=two port=$PORT_TWO
    fi
    bytes=$(shuf -n 1 -i "1-$BYTES_MAX")
    printf '# %(%T)T round %s: %s of %s after %s bytes\n' -1 "$1" "$2" "$server" "$bytes" >&3
    plug "$port" "$bytes"
    wait_for 30 test -e "$BATS_TEST_TMPDIR/ready.$port.silent"
    case $2 in
        term) at "$server" sandbox slapd-stop ;;
        kill) slapd_kill "$server" ;;
        cut) unplug ;;
    esac
    other=$(<"$BATS_FILE_TMPDIR/servers/$other")
    had=$(at "$server" on_disk "cn=f$1-${other##*.}-")
    case $2 in
        cut) ;;
        *) at "$server" sandbox slapd-start && unplug ;;
    esac
    plug
    printf '# it had received %s of %s entries\n' "$had" "$FILL" >&3
    equal one two
    equal one replica
    [[ $(at one who_has_roles) == 'uid=p5 uid=p6 uid=p8' ]]
    at one audit_is_right 2
    at one all_come_back
    equal one two
}

# rounds HOW
rounds() {
    local i

    for ((i = 1; i <= ${PAT_CONVERGE_ROUNDS:-1}; i++)); do
        round "$i" "$1"
    done
}

@test "a provider is stopped while it catches up: all servers agree, and removed members are out" {
    rounds term
}

@test "a provider is killed while it catches up: all servers agree, and removed members are out" {
    rounds kill
}

@test "the connection is cut while providers catch up: all servers agree, and removed members are out" {
    rounds cut
}
