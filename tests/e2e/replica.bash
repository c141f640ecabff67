# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# replica.bash - several directory servers side by side, other overlays in them, and what
# they hold in the end
#
# Each server is a sandbox with a name. What lib.bash and common.bash do, they do to the one
# that was started, or chosen by "use", last.

# What one client may take, in seconds. Beyond that it counts as hung.
CLIENT_MAX=30
WRITERS=()

# run_sandbox NAME COMMAND [ARG...]
# tests/sandbox, for the server of that name. Who has servers on hosts of their own says so.
run_sandbox() {
    "$ROOT/tests/sandbox" "${@:2}"
}

# server NAME [OPTION...]
# Start a sandbox, with these options of tests/sandbox and what "config NAME" was given, and
# use it.
server() {
    local name=$1 ldif=$BATS_FILE_TMPDIR/$1.ldif
    shift

    SANDBOX=$(mktemp -d "${TMPDIR:-/tmp}/pat-test.XXXXXX")
    mkdir -p "$BATS_FILE_TMPDIR/servers" "$BATS_FILE_TMPDIR/pam" "$SANDBOX/log/db"
    printf '%s\n' "$SANDBOX" >"$BATS_FILE_TMPDIR/servers/$name"
    if [[ -e $ldif ]]; then
        set -- --config "${ldif%.ldif}.modules" --config "$ldif" "$@"
    fi
    run_sandbox "$name" start "$@" "$SANDBOX" || return
    use "$name"
}

# use NAME
use() {
    SANDBOX=$(<"$BATS_FILE_TMPDIR/servers/$1")
    # shellcheck source=/dev/null
    . "$SANDBOX/env"
    # shellcheck source=/dev/null
    . "$ROOT/tests/lib.bash"
    PAM_DIR=$BATS_FILE_TMPDIR/pam
}

# at NAME COMMAND [ARG...]
# Run it with that server in use, and no longer.
at() (
    use "$1" && "${@:2}"
)

# servers_down [NAME...]
# End these servers, or all; fails where a token stands in one of them, when all that ran
# had its chance to write one.
servers_down() {
    local name found status=0

    (($# > 0)) || set -- "$BATS_FILE_TMPDIR/servers"/*
    for name; do
        name=${name##*/}
        [[ -f $BATS_FILE_TMPDIR/servers/$name ]] || continue
        SANDBOX=$(<"$BATS_FILE_TMPDIR/servers/$name")
        run_sandbox "$name" slapd-stop "$SANDBOX"
        run_sandbox "$name" patd-stop "$SANDBOX"
        printf 'control rhp_%s\n' 00000000000000000000000000000000000000 >"$SANDBOX/log/control"
        found=$(token_files "$SANDBOX")
        run_sandbox "$name" stop "$SANDBOX"
        if [[ $found != "$SANDBOX/log/control" ]]; then
            printf 'a token stands in: %s\n' "$found" >&2
            status=1
        fi
        rm -rf "$SANDBOX" "$BATS_FILE_TMPDIR/servers/$name" \
            "$BATS_FILE_TMPDIR/$name".{ldif,modules}
    done
    return "$status"
}

# The files below a directory in which something stands that looks like a token, perhaps in
# hexadecimal digits: accesslog writes controls so. By way of tar, which skips the holes of a
# database.
token_files() {
    local file

    while IFS= read -r -d '' file; do
        ! tar -cSPf - -- "$file" 2>/dev/null |
            grep -qaE 'rhp_[0-9A-Za-z]{16}|7268705[Ff][0-9A-Fa-f]{32}' ||
            printf '%s\n' "$file"
    done < <(find "$1/" -type f -print0)
}

# slapd_kill NAME
# End that slapd as a crash would.
slapd_kill() {
    kill -KILL "$(at "$1" slapd_pid)"
    wait_for 20 slapd_is_gone "$1"
    at "$1" sandbox slapd-stop
}

slapd_is_gone() {
    local pid
    pid=$(at "$1" slapd_pid)
    ! kill -0 "$pid" || grep -q zombie "/proc/$pid/status"
}

# config NAME [MODULE...]
# That server, when it is made, is to load these modules, and then to change cn=config by the
# LDIF on standard input.
config() {
    (
        umask 077
        modules "${@:2}" >"$BATS_FILE_TMPDIR/$1.modules"
        cat >"$BATS_FILE_TMPDIR/$1.ldif"
    )
}

# modules NAME...: LDIF that loads them.
modules() {
    (($# > 0)) || return 0
    printf '%s\n' 'dn: cn=module{0},cn=config' 'changetype: modify' 'add: olcModuleLoad'
    printf 'olcModuleLoad: %s\n' "$@"
    echo
}

# overlay NAME CLASS [LINE...]: LDIF that adds it to the database.
overlay() {
    printf '%s\n' "dn: olcOverlay=$1,olcDatabase={1}mdb,cn=config" 'changetype: add' \
        'objectClass: olcOverlayConfig' "objectClass: $2" "olcOverlay: $1" "${@:3}" ''
}

# provides: LDIF of a provider.
provides() {
    overlay syncprov olcSyncProvConfig 'olcSpCheckpoint: 5 1'
}

# consumes RID [WORD...]: LDIF of a consumer of the server in use, with more for olcSyncrepl.
consumes() {
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' 'add: olcSyncrepl'
    printf '%s' "olcSyncrepl: rid=$1 provider=$LDAPURI type=refreshAndPersist retry=\"1 +\"" \
        " bindmethod=simple binddn=\"$PAT_ADMIN_DN\" credentials=$PAT_ADMIN_PW" \
        " searchbase=\"$PAT_BASE\" schemachecking=off"
    (($# == 1)) || printf ' %s' "${@:2}"
    printf '\n\n'
}

# logs LINE...: LDIF of an access log of the server in use, in a database of its own, with
# these settings. slapd takes databases only while it runs.
logs() {
    printf '%s\n' 'dn: olcDatabase={2}mdb,cn=config' 'changetype: add' \
        'objectClass: olcDatabaseConfig' 'objectClass: olcMdbConfig' 'olcDatabase: {2}mdb' \
        'olcSuffix: cn=log' "olcRootDN: $PAT_ADMIN_DN" "olcDbDirectory: $SANDBOX/log/db" \
        'olcDbMaxSize: 1073741824' 'olcDbNoSync: TRUE' \
        'olcDbIndex: entryCSN,objectClass,reqEnd,reqResult,reqStart eq' ''
    overlay accesslog olcAccessLogConfig 'olcAccessLogDB: cn=log' \
        'olcAccessLogOps: writes' 'olcAccessLogSuccess: TRUE' "$@"
}

# dump FILTER
# All that the server holds, operational attributes included: a line for each value,
# sorted, with the entry's DN in front. (auditContext says where an access log is.)
dump() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$PAT_BASE" "$1" '*' '+' |
        awk '/^dn:/ { dn = $0 } NF && !/^auditContext:/ { print dn "\t" $0 }' | LC_ALL=C sort
}

# count FILTER: how many entries match.
count() {
    ldap_admin ldapsearch -LLL -b "$PAT_BASE" "$1" 1.1 | grep -c '^dn' || true
}

csn() {
    ldap_admin_get "$PAT_BASE" contextCSN | sort
}

in_step() {
    local csn
    csn=$(at "$1" csn)
    [[ -n $csn && $csn == "$(at "$2" csn)" ]]
}

# equal A B [FILTER]
# Soon both hold the same, or what A has of FILTER is all that B holds.
equal() {
    local a=$BATS_TEST_TMPDIR/dump.$1 b=$BATS_TEST_TMPDIR/dump.$2 end=$((SECONDS + 30 * PAT_TIME_SCALE))

    wait_for 30 in_step "$1" "$2" || true
    while :; do
        at "$1" dump "${3-(objectClass=*)}" >"$a"
        at "$2" dump '(objectClass=*)' >"$b"
        if [[ -s $a ]] && cmp -s "$a" "$b"; then
            return 0
        fi
        ((SECONDS < end)) || break
        sleep 0.5
    done
    printf '%s (<) and %s (>) differ:\n' "$1" "$2" >&2
    diff "$a" "$b" | head -n 12 >&2
    return 1
}

# tokens COUNT UID ORG
# Tokens made by an administrator who throws the secrets away. TOKENS_LAST is the last id.
tokens() {
    local tag

    tag=$3-$2-$(random_id)
    TOKENS_LAST=$tag-$1
    awk -v n="$1" -v tag="$tag" -v at=",ou=tokens,o=$3,ou=orgs,$PAT_BASE" \
        -v owner="uid=$2,ou=people,$PAT_BASE" 'BEGIN {
            for (i = 1; i <= n; i++)
                printf "dn: patId=%s-%d%s\nobjectClass: patToken\npatId: %s-%d\npatOwner: %s\n\n",
                    tag, i, at, tag, i, owner
        }' >"$BATS_TEST_TMPDIR/tokens.$tag"
    ldap_admin ldapadd -e postread=patSecret -f "$BATS_TEST_TMPDIR/tokens.$tag" >/dev/null
}

# token_dn ID: where the ids begin with the org.
token_dn() {
    printf 'patId=%s,ou=tokens,o=%s,ou=orgs,%s\n' "$1" "${1%%-*}" "$PAT_BASE"
}

# bob is a member of both orgs, whatever a test before left behind.
belongs() {
    change_member add bob acme members 2>/dev/null || true
    change_member add bob globex members 2>/dev/null || true
}

# live UID ORG, revoked UID ORG: how many tokens.
live() {
    owns "$@" '(!(patRevoked=*))'
}

revoked() {
    owns "$@" '(patRevoked=*)'
}

owns() {
    ldap_admin ldapsearch -LLL -b "o=$2,ou=orgs,$PAT_BASE" \
        "(&(objectClass=patToken)(patOwner=uid=$1,ou=people,$PAT_BASE)$3)" 1.1 |
        grep -c '^dn' || true
}

# told ORG ACTION UID: how many such events of that person.
told() {
    events "$1" "(patAction=$2)(patTarget=uid=$3,ou=people,$PAT_BASE)" | grep -c . || true
}

# audit_is_right [TIMES]
# What holds whatever was done: a token has one pat.created, and one pat.revoked if and only
# if it is revoked; nothing happened twice to one that is gone; and who has a live token
# belongs to its org. Where several servers may have revoked a token without knowing of each
# other, it may have so many pat.revoked.
# shellcheck disable=SC2120 # mostly none may
audit_is_right() {
    dump '(objectClass=*)' | awk -F '\t' -v times="${1:-1}" '
        {
            i = index($2, ": ")
            name = substr($2, 1, i - 1)
            value = substr($2, i + 2)
        }
        name == "patId" { token[$1] = value }
        name == "patRevoked" { revoked[$1] = 1 }
        name == "patOwner" { owner[$1] = value }
        name == "patAction" { action[$1] = value }
        name == "patTarget" { target[$1] = value }
        name == "member" { org = $1; sub(/^[^,]*,/, "", org); belongs[org, value] = 1 }
        function wrong(text) { if (bad++ < 20) print "audit: " text }
        END {
            for (dn in action)
                if (action[dn] ~ /^pat\.(created|revoked)$/)
                    n[action[dn], target[dn]]++
            for (key in n)
                if (n[key] > (key ~ /^pat.revoked/ ? times : 1)) {
                    split(key, part, SUBSEP)
                    wrong(n[key] " times " part[1] " of " part[2])
                }
            for (dn in token) {
                if (n["pat.created", token[dn]] != 1)
                    wrong("no pat.created of " token[dn])
                if ((n["pat.revoked", token[dn]] > 0) != revoked[dn] + 0)
                    wrong("revoked " revoked[dn] + 0 ", pat.revoked " \
                        n["pat.revoked", token[dn]] + 0 ": " token[dn])
                org = dn
                sub(/^dn: [^,]*,[^,]*,/, "", org)
                if (!revoked[dn] && !((org, owner[dn]) in belongs))
                    wrong("live token of a stranger: " token[dn])
            }
            exit bad > 0
        }' >&2
}

# ms_since EPOCHREALTIME
ms_since() {
    local now=$EPOCHREALTIME
    printf '%s\n' $(((${now/[.,]/} - ${1/[.,]/}) / 1000))
}

# bounded TOOL [ARG...]
# Run an LDAP client as the administrator, who does not wait for ever. What went wrong that
# may not, even under load, is kept for load_is_right.
bounded() {
    local status=0 began=$EPOCHREALTIME errors=$BATS_TEST_TMPDIR/errors.$BASHPID

    LDAPNOINIT=1 timeout "$CLIENT_MAX" "$1" -x -H "$LDAPURI" -D "$PAT_ADMIN_DN" \
        -y "$PAT_ADMIN_PW_FILE" "${@:2}" 2>"$errors" || status=$?
    printf '%s\n' "$(ms_since "$began")" >>"$BATS_TEST_TMPDIR/times"
    [[ $status != 124 ]] || printf 'hung: %s\n' "$*" >>"$BATS_TEST_TMPDIR/odd"
    # Refusals that a race explains: no such attribute or value, constraint, value exists,
    # no such object, already exists.
    awk '/^ldap.*\([-0-9]+\)$/ { odd = !/\((16|19|20|32|68)\)$/ } odd' "$errors" \
        >>"$BATS_TEST_TMPDIR/odd"
    return "$status"
}

# writer FUNCTION: run it again and again, in the background, until $GO is gone. Without bats'
# trap, which makes shell scripts slow.
writer() {
    {
        trap - DEBUG ERR
        set +eET
        while [[ -e $GO ]]; do "$1" || true; done
    } 3>&- &
    WRITERS+=("$!")
}

# Let go of them; each finishes what it is at.
load_ends() {
    local pid

    rm -f "${GO:-}"
    for pid in "${WRITERS[@]}"; do
        wait "$pid" || true
    done
    WRITERS=()
}

# ID of a token at random, of those that "mints" made; fails where there is none. "mints" writes
# while this reads: the file may be empty yet, and its last line cut at the end of a page.
any_id() {
    shuf -n 1 "$BATS_TEST_TMPDIR/ids" 2>/dev/null | grep -xE '[a-z]+-[a-z]+-[0-9.,]+-[1-6]'
}

mints() {
    local org uid id i

    for i in 1 2 3 4 5 6; do
        for org in acme globex; do
            uid=bob
            ((i % 2)) || uid=alice
            # Two that mint at once may do so in the same microsecond.
            id=$org-$uid-$EPOCHREALTIME.$BASHPID-$i
            printf '%s\n' "dn: $(token_dn "$id")" 'objectClass: patToken' "patId: $id" \
                "patOwner: uid=$uid,ou=people,$PAT_BASE" ''
            printf '%s\n' "$id" >>"$BATS_TEST_TMPDIR/ids"
        done
    done | bounded ldapadd -c -e postread=patSecret >/dev/null
}

revokes() {
    local id i

    for i in 1 2 3; do
        id=$(any_id) || return
        printf '%s\n' "dn: $(token_dn "$id")" 'changetype: modify' 'add: patRevoked' \
            'patRevoked: 20000101000000Z' ''
    done | bounded ldapmodify -c >/dev/null
}

deletes() {
    local id

    id=$(any_id) || return
    bounded ldapdelete "$(token_dn "$id")" || true
    sleep 0.1
}

uses() {
    local id i

    for i in 1 2 3; do
        id=$(any_id) || return
        printf '%s\n' "dn: $(token_dn "$id")" 'changetype: modify' 'replace: patLastUsed' \
            "patLastUsed: $(now_gt 0)" - 'replace: patLastUsedFrom' \
            "patLastUsedFrom: imap@$RANDOM from 192.0.2.1" ''
    done | bounded ldapmodify -c >/dev/null
}

# bob leaves and comes back; each change that is done is counted.
comes_and_goes() {
    local org how

    for org in acme globex; do
        for how in delete add; do
            sleep 0.2
            if bounded ldapmodify >/dev/null <<LDIF; then
dn: cn=members,o=$org,ou=orgs,$PAT_BASE
changetype: modify
$how: member
member: uid=bob,ou=people,$PAT_BASE
LDIF
                printf '%s %s\n' "$how" "$org" >>"$BATS_TEST_TMPDIR/changes"
            fi
        done
    done
}

changes_name() {
    local name old=carol

    for name in carla carol; do
        printf '%s\n' "dn: uid=$old,ou=people,$PAT_BASE" 'changetype: modrdn' \
            "newrdn: uid=$name" 'deleteoldrdn: 1' | bounded ldapmodify >/dev/null
        old=$name
        sleep 0.1
    done
}

# dora, who has tokens of which nobody else knows.
is_gone_and_back() {
    bounded ldapdelete "uid=dora,ou=people,$PAT_BASE" || true
    bounded ldapmodify >/dev/null <<LDIF
dn: uid=dora,ou=people,$PAT_BASE
changetype: add
objectClass: inetOrgPerson
uid: dora
cn: Dora
sn: Dora

dn: cn=viewers,o=globex,ou=orgs,$PAT_BASE
changetype: modify
add: member
member: uid=dora,ou=people,$PAT_BASE
LDIF
    tokens 3 dora globex
    sleep 0.1
}

reads() {
    bounded ldapsearch -LLL -b "ou=orgs,$PAT_BASE" '(objectClass=patToken)' patId >/dev/null
}

# has_done_all: every kind of change has been made, and some tokens are revoked.
has_done_all() {
    local kind

    for kind in 'delete acme' 'add acme' 'delete globex' 'add globex'; do
        grep -q "^$kind" "$BATS_TEST_TMPDIR/changes" || return
    done
    (($(count '(patRevoked=*)') > 5))
}

# load_server SECONDS [FUNCTION...]
# Everything at once, by several clients, and these besides; longer where the machine is too
# busy to do each once in that time.
load_server() {
    local name status=0

    tokens 20 carol acme
    bob_told >"$BATS_TEST_TMPDIR/told"
    GO=$BATS_TEST_TMPDIR/go
    : >"$GO"
    for name in mints mints revokes deletes uses comes_and_goes changes_name is_gone_and_back \
        reads "${@:2}"; do
        writer "$name"
    done
    sleep "$1"
    wait_for 60 has_done_all || status=1
    load_ends
    return "$status"
}

# How often the events say that bob left and came.
bob_told() {
    local org how

    for org in acme globex; do
        for how in removed added; do
            told "$org" "org_member.$how" bob
        done
    done
}

# answers_are_right: no client hung, or got an answer that no race explains.
answers_are_right() {
    [[ -s $BATS_TEST_TMPDIR/odd ]] || return 0
    LC_ALL=C sort "$BATS_TEST_TMPDIR/odd" | uniq -c >&2
    return 1
}

# After that: no client hung or was told nonsense, and the events tell what was done.
load_is_right() {
    local change

    LC_ALL=C sort -n "$BATS_TEST_TMPDIR/times" | awk '{ t[NR] = $1 } END {
        printf "# %d clients; ms each: median %d, 99 in 100 within %d, slowest %d\n", NR,
            t[int((NR + 1) / 2)], t[int((NR * 99 + 99) / 100)], t[NR] }' >&3
    answers_are_right
    # shellcheck disable=SC2119
    audit_is_right
    for change in 'delete acme' 'add acme' 'delete globex' 'add globex'; do
        grep -c "^$change" "$BATS_TEST_TMPDIR/changes" || true
    done | paste -d' ' - "$BATS_TEST_TMPDIR/told" | awk '{ print $1 + $2 }' \
        >"$BATS_TEST_TMPDIR/told.right"
    bob_told | diff "$BATS_TEST_TMPDIR/told.right" -
}
