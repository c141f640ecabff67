#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The overlay's transactions: what an operation causes happens wholly or not at all, with
# slapd killed, the database full or refusing, and clients that go away; and what slapd's
# memory holds afterwards.
#
# Each test has a sandbox of its own. PAT_KILLS=N is how often slapd is killed at random
# moments; a campaign wants hundreds.

load common

ROADS=(value replace attribute group class move person)
MDB='olcDatabase={1}mdb,cn=config'
OVERLAY="olcOverlay={0}pat,$MDB"

setup() {
    BOXES=() BACKGROUND_PIDS=()
}

teardown() {
    local box

    end_background
    for box in "${BOXES[@]}"; do
        [[ -n ${BATS_TEST_COMPLETED-} ]] || tail -n 5 "$box/log/slapd.log"
        "$ROOT/tests/sandbox" stop "$box"
        rm -rf "$box"
    done
}

# --- what the tests are written in -----------------------------------------------------

# box [OPTION...]
# Start a sandbox until the end of the test.
box() {
    SANDBOX=$(mktemp -d "${TMPDIR:-/tmp}/pat-atomic.XXXXXX")
    BOXES+=("$SANDBOX")
    "$ROOT/tests/sandbox" start "$@" "$SANDBOX"
    load_sandbox
    BEFORE=$BATS_TEST_TMPDIR/before
    ORGS=ou=orgs,$PAT_BASE
    PEOPLE=ou=people,$PAT_BASE
}

# failing_box [OPTION...]
# The same, with the overlay that fails where it is told to.
failing_box() {
    PAT_SLAPD_MODULE=${PAT_BUILD:-$ROOT/build}/tests/slapd/pat.so box --no-patd "$@"
}

tool() {
    python3 -IS "$ROOT/tests/tools/hook_atomic.py" "$@"
}

# noted COMMAND...
# What it prints is a comment of the test's.
noted() {
    local code=0

    "$@" >"$BATS_TEST_TMPDIR/noted" || code=$?
    sed 's/^/# /' "$BATS_TEST_TMPDIR/noted" >&3
    return "$code"
}

# offline TOOL [ARG...]
# Run one of slapd's own tools.
offline() {
    local PATH=$PATH:/usr/sbin:/sbin name=$1
    shift

    LDAPNOINIT=1 "$name" -F "$SANDBOX/etc/slapd.d" "$@" 2>"$BATS_TEST_TMPDIR/offline" || {
        cat "$BATS_TEST_TMPDIR/offline" >&2
        return 1
    }
}

# fill TOKENS CASE[:N]...
# Put persons with so many tokens each into the directory; see the tool.
fill() {
    sandbox slapd-stop
    tool populate "$@" | offline slapadd -q -n 1
    sandbox slapd-start
    tool snapshot "$BEFORE"
}

# setting DN ATTRIBUTE [VALUE]
# Print such a change.
setting() {
    printf '%s\n' "dn: $1" 'changetype: modify' "replace: $2" ${3+"$2: $3"}
}

# set_to DN ATTRIBUTE [VALUE]
set_to() {
    setting "$@" | ldap_admin_modify
}

# failpoint [WHERE [NUMBER] ACTION]
# None without arguments.
failpoint() {
    set_to "$OVERLAY" olcPatFailpoint ${1+"\"$*\""}
}

# removal CASE RESULT
# Remove; the result is "gone", or begins like this. Sets RESULT.
removal() {
    RESULT=$(tool remove "$1")
    if [[ $RESULT != "$2"* ]]; then
        printf 'removal of %s: expected %s, got: %s\n' "$1" "$2" "$RESULT" >&2
        return 1
    fi
}

# states EXPECTED CASE...
# What has happened since the last call, or since fill.
states() {
    local found expected=$1
    shift

    found=$(tool state "$BEFORE" "$@") || return
    if [[ $found != "$expected" ]]; then
        printf 'expected: %s, found: %s\n' "$expected" "$found" >&2
        return 1
    fi
}

# killed
# slapd has been ended by the failpoint, and is started again without it.
killed() {
    local pid

    pid=$(slapd_pid)
    wait_for 20 eval "! kill -0 $pid 2>/dev/null"
    sandbox slapd-start
    failpoint
}

# refused CODE COMMAND...
# The command fails with that status.
refused() {
    local expected=$1 code=0
    shift

    "$@" >"$BATS_TEST_TMPDIR/refused" 2>&1 || code=$?
    if [[ $code -ne $expected ]]; then
        printf 'expected status %s, got %s: %s\n' "$expected" "$code" "$*" >&2
        cat "$BATS_TEST_TMPDIR/refused" >&2
        return 1
    fi
}

# with_syncprov
# Write to BATS_TEST_TMPDIR the files module and syncprov: for --config, the overlay that
# provides replicas, above ours.
with_syncprov() {
    printf '%s\n' 'dn: cn=module{0},cn=config' 'changetype: modify' 'add: olcModuleLoad' \
        'olcModuleLoad: syncprov' >"$BATS_TEST_TMPDIR/module"
    cat >"$BATS_TEST_TMPDIR/syncprov" <<EOF
dn: olcOverlay={1}syncprov,$MDB
changetype: add
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: {1}syncprov
olcSpCheckpoint: 1 1
EOF
}

# resize SPARE
# Print a change that gives the database so many bytes more than it uses.
resize() {
    local used

    read -r used _ < <(tool map)
    setting "$MDB" olcDbMaxSize $((used + $1))
}

# --- kill -9 ---------------------------------------------------------------------------

# kills NUMBER
kills() {
    local cases=() i

    for i in "${!ROADS[@]}"; do
        cases+=("k$i:${ROADS[i]}")
    done
    fill 200 "${cases[@]}"
    sandbox slapd-stop
    mkdir "$BATS_TEST_TMPDIR/saved"
    cp --sparse=always "$SANDBOX/db/data.mdb" "$BATS_TEST_TMPDIR/saved"
    noted tool kills "$1" "$BATS_TEST_TMPDIR/saved" "${cases[@]}"
}

@test "kill -9 at random moments: each member is wholly in, or wholly out" {
    box --no-patd
    kills $((${PAT_KILLS:-20} - ${PAT_KILLS:-20} / 2))
}

@test "the same with a database that is flushed to the disk and provides replicas" {
    with_syncprov
    setting "$MDB" olcDbNoSync FALSE >"$BATS_TEST_TMPDIR/flushed"
    box --no-patd --config "$BATS_TEST_TMPDIR/module" --config "$BATS_TEST_TMPDIR/syncprov" \
        --config "$BATS_TEST_TMPDIR/flushed"
    kills $((${PAT_KILLS:-20} / 2))
}

@test "killed before a chosen change, or before the commit: nothing has happened" {
    local at last=401 # 200 tokens, as many events, and that of the member

    failing_box
    fill 200 a:value
    # 129 is the first of a nested transaction.
    for at in 'change 1' 'change 2' 'change 100' 'change 129' "change $last" commit; do
        failpoint "$at" kill
        removal a:value gone
        killed
        states in a:value
    done
    failpoint "change $((last + 1)) kill"
    removal a:value 0
    states out a:value
}

@test "killed after the commit, while replicas are told: the member is out" {
    with_syncprov
    failing_box --config "$BATS_TEST_TMPDIR/module" --config "$BATS_TEST_TMPDIR/syncprov"
    fill 20 a:value b:group c:person
    # Nobody has had an answer.
    failpoint replay 1 kill
    removal a:value gone
    killed
    states 'out in in' a:value b:group c:person
    failpoint replay 41 kill
    removal b:group gone
    killed
    states 'out out in' a:value b:group c:person
    failpoint replay 3 kill
    removal c:person gone
    killed
    states 'out out out' a:value b:group c:person
}

# --- failures --------------------------------------------------------------------------

@test "a change or a commit that fails is an error with a text, and nothing has happened" {
    local at case cases=(a:value b:replace c:attribute d:group e:class f:move g:person)

    failing_box
    fill 60 "${cases[@]}" other:value
    for case in "${cases[@]}"; do
        for at in 'change 1' 'change 61' commit; do
            failpoint "$at" fail
            removal "$case" '80 '
            printf '%s\n' "$RESULT"
            [[ $RESULT == *failpoint* ]]
        done
        states in "$case"
    done
    # As if nothing had been: another one first, then these.
    failpoint
    removal other:value 0
    for case in "${cases[@]}"; do
        removal "$case" 0
    done
    states 'out out out out out out out out' "${cases[@]}" other:value
}

# does_not_fit CASE
does_not_fit() {
    removal "$1" '80 '
    printf '%s\n' "$RESULT"
    [[ $RESULT == *MDB_MAP_FULL* || $RESULT == *olcDbMaxSize* ]]
}

@test "a removal that does not fit into the database is refused, and works when it fits" {
    local case cases=(a:value b:group c:person)

    box --no-patd
    fill 1500 "${cases[@]}"
    sandbox slapd-stop
    resize 65536 | offline slapmodify -n 0
    sandbox slapd-start
    for case in "${cases[@]}"; do
        does_not_fit "$case"
    done
    states 'in in in' "${cases[@]}"
    # What is small fits: no page was lost to the attempts.
    set_to "cn=many,o=acme,$ORGS" description x
    tool snapshot "$BEFORE"
    # More room, given online, and to a slapd that is not running. slapd starts again after
    # the first, because its threads may keep transactions of the database that it closed.
    set_to "$MDB" olcDbMaxSize 1073741824
    sandbox slapd-stop
    sandbox slapd-start
    removal a:value 0
    removal c:person 0
    states 'out in out' "${cases[@]}"
    sandbox slapd-stop
    resize 65536 | offline slapmodify -n 0
    sandbox slapd-start
    does_not_fit b:group
    sandbox slapd-stop
    setting "$MDB" olcDbMaxSize 1073741824 | offline slapmodify -n 0
    sandbox slapd-start
    states 'out in out' "${cases[@]}"
    removal b:group 0
    states 'out out out' "${cases[@]}"
}

@test "whichever page does not fit, up to the last of the commit: nothing has happened" {
    local spare failures=0 results=$BATS_TEST_TMPDIR/results

    box --no-patd
    fill 10 a:value
    for ((spare = 0; spare < 100 * 4096; spare += 4096)); do
        resize "$spare" | ldap_admin_modify
        RESULT=$(tool remove a:value 2>/dev/null)
        [[ $RESULT == '80 '* ]] || break
        failures=$((failures + 1))
        printf '%s\n' "$RESULT" >>"$results"
        ((failures % 8 != 1)) || states in a:value
    done
    cat "$results"
    [[ $RESULT == '0 '* ]]
    states out a:value
    ((failures > 10))
    grep -q 'not committed' "$results"
}

# without_member GROUP UID
# Print a change that takes a member away.
without_member() {
    printf '%s\n' "dn: cn=$1,o=acme,$ORGS" 'changetype: modify' 'delete: member' \
        "member: uid=$2,$PEOPLE"
}

@test "an operation that is refused revokes nothing and writes no event" {
    local attic cases=(a:class b:value c:person d:group)

    box --no-patd
    attic=ou=attic,$PAT_BASE
    fill 5 "${cases[@]}"
    ldap_admin_add <<EOF
dn: ou=child,uid=c,$PEOPLE
objectClass: organizationalUnit
ou: child

dn: cn=taken,$attic
objectClass: organizationalRole
cn: taken
EOF
    tool snapshot "$BEFORE"
    # The last member of a class that demands one; an attribute that the class has not.
    refused 65 ldap_admin_modify < <(without_member a a)
    refused 65 ldap_admin_modify < <(
        without_member many b
        printf '%s\n' - 'add: mail' 'mail: x@example.com'
    )
    # A value that is not there, besides one that is.
    refused 16 ldap_admin_modify < <(
        without_member many b
        printf '%s\n' "member: uid=nobody,$PEOPLE"
    )
    # No right to, though an owner of the org.
    refused 50 ldap_as alice ldapmodify < <(without_member many b)
    refused 50 ldap_as alice ldapdelete "cn=d,o=acme,$ORGS"
    refused 50 ldap_as alice ldapdelete "uid=b,$PEOPLE"
    refused 50 ldap_as alice ldapmodrdn -r -s "$attic" "cn=d,o=acme,$ORGS" cn=d
    # An assertion that does not hold.
    refused 122 ldap_admin_modify -e '!assert=(cn=nobody)' < <(without_member many b)
    refused 122 ldap_admin ldapdelete -e '!assert=(cn=nobody)' "cn=d,o=acme,$ORGS"
    # An entry below it; a name that is taken; a parent that does not exist.
    refused 66 ldap_admin ldapdelete "uid=c,$PEOPLE"
    refused 68 ldap_admin ldapmodrdn -r -s "$attic" "cn=d,o=acme,$ORGS" cn=taken
    refused 32 ldap_admin ldapmodrdn -r -s "ou=nowhere,$PAT_BASE" "cn=d,o=acme,$ORGS" cn=d
    states 'in in in in' "${cases[@]}"
    # A dry run: 16654, of which the status has the last 8 bits.
    refused 14 ldap_admin_modify -e '!noop' < <(without_member many b)
    refused 14 ldap_admin ldapdelete -e '!noop' "cn=d,o=acme,$ORGS"
    states 'in in in in' "${cases[@]}"
    # The control.
    ldap_admin_modify < <(without_member many b)
    states 'in out in in' "${cases[@]}"
}

@test "clients that hang up after their request: each member is wholly in, or wholly out" {
    local cases=() i road

    box --no-patd
    for i in {0..39}; do
        for road in value attribute group; do
            cases+=("h$i$road:$road")
        done
    done
    fill 20 last:value b0:attribute:2000 b1:attribute:2000 b2:attribute:2000 "${cases[@]}"
    noted tool hangups "$BEFORE" b0:attribute,b1:attribute,b2:attribute "${cases[@]}"
    removal last:value 0
    states out last:value
}

# --- attributes that only a failed transaction has used --------------------------------

# group NAME CATEGORY: a role group to be added.
group() {
    cat <<EOF
dn: cn=$1,o=acme,$ORGS
objectClass: groupOfNames
objectClass: patRoleGroup
cn: $1
patRole: helper
member: uid=dave,$PEOPLE
businessCategory: $2
EOF
}

# with_member GROUP UID NUMBER: a member more, and other attributes of the group.
with_member() {
    cat <<EOF
dn: cn=$1,o=acme,$ORGS
changetype: modify
add: member
member: uid=$2,$PEOPLE
-
add: telephoneNumber
telephoneNumber: $3
-
add: postalCode
postalCode: $3
EOF
}

# back-mdb numbers attributes at their first use and keeps the number in memory: entries
# with a number that was not committed could not be read after a restart.
@test "what a failed operation was the first to use makes no entry unreadable" {
    local all=$BATS_TEST_TMPDIR/all line

    failing_box
    # A live token, with nothing yet of what the overlay writes.
    sandbox slapd-stop
    offline slapadd -q -n 1 <<EOF
dn: patId=t1,ou=tokens,o=acme,$ORGS
objectClass: patToken
patId: t1
patHash: $(sha256sum <<<x | cut -d' ' -f1)
patOwner: uid=bob,$PEOPLE
EOF
    sandbox slapd-start
    failpoint commit fail
    # What the overlay writes; then what the requests themselves do, for a group that is
    # added, changed and moved, and a token that is made and revoked.
    refused 80 change_member delete bob acme members
    refused 80 ldap_admin_add < <(group new first)
    refused 80 ldap_admin_modify < <(with_member viewers dave 1)
    refused 80 ldap_admin ldapmodrdn -s "$PAT_BASE" "cn=members,o=acme,$ORGS" l=here
    refused 80 mint bob acme 'patService: imap' 'patSource: 192.0.2.1' 'cn: x'
    refused 80 revoke "patId=t1,ou=tokens,o=acme,$ORGS"
    # Refused by the overlay itself, whenever it finds out.
    failpoint
    refused 19 mint dave acme 'patExpires: 20991231235959Z' 'patService: imap' \
        'patSource: 192.0.2.1' 'description: of no member'

    # Now entries that use all of it, and others, which would get the same numbers.
    ldap_admin_add <<EOF
dn: uid=eve,$PEOPLE
objectClass: inetOrgPerson
uid: eve
cn: Eve Evans
sn: Evans
roomNumber: 17
carLicense: ABC 123
l: there
postalCode: 12345
businessCategory: other
telephoneNumber: 3
EOF
    ldap_admin_add < <(group new second)
    ldap_admin_modify < <(with_member viewers dave 2)
    mint bob acme 'patService: imap' 'patSource: 192.0.2.1' 'description: made later'
    revoke "$MINT_DN"
    change_member delete bob acme members
    ldap_admin ldapmodrdn -s "$PAT_BASE" "cn=members,o=acme,$ORGS" l=here

    sandbox slapd-stop
    offline slapcat -n 1 -o ldif-wrap=no >"$all"
    sandbox slapd-start
    for line in 'roomNumber: 17' 'carLicense: ABC 123' 'l: there' 'l: here' \
        'postalCode: 12345' 'postalCode: 2' 'businessCategory: other' \
        'businessCategory: second' 'telephoneNumber: 2' 'telephoneNumber: 3' \
        'description: made later' 'patSource: 192.0.2.1' 'patRevokedReason: revoked' \
        'patRevokedReason: member-removed' 'patAction: org_member.removed' \
        'patAction: pat.created'; do
        if ! grep -qxF "$line" "$all"; then
            printf 'missing: %s\n' "$line" >&2
            return 1
        fi
    done
    ldap_admin ldapsearch -LLL -b "$PAT_BASE" '(objectClass=*)' >"$all.online"
    [[ $(grep -c '^dn:' "$all.online") -eq $(grep -c '^dn:' "$all") ]]
    # Nothing of the failed ones.
    if grep -xE 'businessCategory: first|postalCode: 1|description: of no member' "$all"; then
        return 1
    fi
}

# --- size ------------------------------------------------------------------------------

# logins FILE
# Log in again and again until FILE.stop is there, then make FILE.done. In FILE, for each
# score, when they ended and the longest time, or that one failed.
logins() {
    in_background bash -c '
        until [[ -e $1.stop ]]; do
            if out=$("$2" "$3" 2 20 bob <"$4"); then
                printf "%s %s\n" "$EPOCHREALTIME" "$(sed -n "s/^max: //p" <<<"$out")"
            else
                printf "%s failed: %s\n" "$EPOCHREALTIME" "$out"
            fi
        done >"$1"
        : >"$1.done"' - "$1" "$PAT_BUILD/tests/patload" "$PAT_SOCKET" "$BATS_TEST_TMPDIR/token"
}

# one_of_10000: the test below once. Sets TOOK, in milliseconds, and MEANWHILE, how often a
# score of logins ended within that time.
one_of_10000() {
    local log=$1 before after began ended longest

    mint bob globex
    (umask 077 && printf '%s\n' "$MINT_TOKEN" >"$BATS_TEST_TMPDIR/token")
    "$PAT_BUILD/tests/patload" "$PAT_SOCKET" 1 1 bob <"$BATS_TEST_TMPDIR/token"
    # So that nothing else is written while the transactions are counted.
    wait_for 15 eval '[[ -n $(ldap_admin_get "$MINT_DN" patLastUsed) ]]'
    tool snapshot "$BEFORE"

    logins "$log"
    wait_for 20 test -s "$log"
    read -r _ before < <(tool map)
    began=$EPOCHREALTIME
    removal a:attribute 0 2>"$log.took"
    ended=$EPOCHREALTIME
    read -r _ after < <(tool map)
    : >"$log.stop"
    wait_for 20 test -e "$log.done"
    TOOK=$(sed -n 's/^a:attribute: \([0-9]*\).* ms$/\1/p' "$log.took")
    longest=$(awk '$2 > max { max = $2 } END { print max }' "$log")
    MEANWHILE=$(awk -v a="$began" -v b="$ended" '$1 >= a && $1 <= b' "$log" | wc -l)
    printf '# %s ms; %s score logins meanwhile, the longest took %s us\n' \
        "$TOOK" "$MEANWHILE" "$longest" >&3
    if grep failed "$log"; then
        return 1
    fi
    [[ $after -eq $((before + 1)) ]]
    states out a:attribute
}

# removed_in_one [OPTION...]: in such a box. Where all is quick no login ended meanwhile: again.
removed_in_one() {
    local try saved=$BATS_TEST_TMPDIR/data.mdb

    box "$@"
    fill 10000 a:attribute
    sandbox slapd-stop
    cp --sparse=always "$SANDBOX/db/data.mdb" "$saved"
    for try in 1 2 3; do
        cp --sparse=always "$saved" "$SANDBOX/db/data.mdb"
        sandbox slapd-start
        one_of_10000 "$BATS_TEST_TMPDIR/logins.$try"
        ((MEANWHILE == 0)) || break
        sandbox slapd-stop
    done
    ((MEANWHILE > 0))
}

@test "10,000 tokens are revoked in one transaction, and no login fails" {
    removed_in_one
}

@test "10,000 tokens are revoked in one transaction, and syncprov sees each" {
    with_syncprov
    # A checkpoint would be a transaction more.
    sed -i '/^olcSpCheckpoint/d' "$BATS_TEST_TMPDIR/syncprov"
    removed_in_one --config "$BATS_TEST_TMPDIR/module" --config "$BATS_TEST_TMPDIR/syncprov"
}

# settings LINE...: of the database.
settings() {
    printf '%s\n' "dn: $MDB" 'changetype: modify' "$@" | ldap_admin_modify
}

@test "limits of searches, no index, groups stored value by value: all is done that must be" {
    local case cases=(a:value b:attribute c:replace d:person e:class)

    box --no-patd
    settings 'replace: olcSizeLimit' 'olcSizeLimit: 1' - 'replace: olcTimeLimit' 'olcTimeLimit: 1' - \
        'replace: olcLimits' 'olcLimits: * size=1 size.unchecked=1 time=1' - \
        'replace: olcDbMultival' 'olcDbMultival: member 4,2' - \
        'replace: olcDbRtxnSize' 'olcDbRtxnSize: 1' - 'delete: olcDbIndex'
    fill 30 "${cases[@]}"
    for case in "${cases[@]}"; do
        removal "$case" 0
    done
    states 'out out out out out' "${cases[@]}"
}

# crowd NUMBER: so many people, who all are in one group.
crowd() {
    seq "$1" | sed "s/.*/dn: uid=p&,$PEOPLE\nobjectClass: inetOrgPerson\nuid: p&\ncn: p&\nsn: p&\n/"
    printf '%s\n' "dn: cn=crowd,o=acme,$ORGS" 'objectClass: groupOfNames' \
        'objectClass: patRoleGroup' 'patRole: member'
    seq "$1" | sed "s/.*/member: uid=p&,$PEOPLE/"
}

@test "a group of 10,000 follows when the people's container is renamed" {
    local began ms

    box --no-patd
    sandbox slapd-stop
    crowd 10000 | offline slapadd -q -n 1
    sandbox slapd-start
    began=${EPOCHREALTIME/[.,]/}
    ldap_admin ldapmodrdn -r "$PEOPLE" ou=folk
    ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
    ldap_admin_get "cn=crowd,o=acme,$ORGS" member | sort >"$BATS_TEST_TMPDIR/members"
    seq 10000 | sed "s/.*/uid=p&,ou=folk,$PAT_BASE/" | sort | cmp - "$BATS_TEST_TMPDIR/members"
    printf '# %s ms\n' "$ms" >&3
}

# --- memory ----------------------------------------------------------------------------

# valgrind_slapd XML
# Instead of the sandbox's own slapd, which must have been stopped.
valgrind_slapd() {
    local -a urls

    mapfile -t urls <"$SANDBOX/etc/urls"
    in_background valgrind --leak-check=full --show-leak-kinds=all --num-callers=40 \
        --keep-debuginfo=yes --xml=yes --xml-file="$1" --vgdb-prefix="$SANDBOX/run/vgdb" \
        "$(PATH=$PATH:/usr/sbin command -v slapd)" -d 0 -F "$SANDBOX/etc/slapd.d" \
        -h "${urls[*]}" </dev/null >"$SANDBOX/log/valgrind.log" 2>&1
    wait_for 60 ldap_admin ldapwhoami
}

@test "valgrind: the overlay loses no memory and touches none that it must not" {
    local xml=$BATS_TEST_TMPDIR/valgrind.xml pid token revoked at case change
    local cases=(a:value b:group c:class d:move e:person)

    command -v valgrind >/dev/null || skip 'valgrind is not installed'
    with_syncprov
    failing_box --config "$BATS_TEST_TMPDIR/module" --config "$BATS_TEST_TMPDIR/syncprov"
    fill 30 "${cases[@]}"
    sandbox slapd-stop
    valgrind_slapd "$xml"
    pid=${BACKGROUND_PIDS[-1]}

    # Settings, good and bad.
    set_to "$OVERLAY" olcPatPrefix abc_
    set_to "$OVERLAY" olcPatPrefix
    set_to "$OVERLAY" olcPatAudit ou=audit
    set_to "$OVERLAY" olcPatRoleOrder owner,member,viewer
    set_to "$OVERLAY" olcPatLoginAttr uid
    set_to "$OVERLAY" olcPatAuditUse TRUE
    ! set_to "$OVERLAY" olcPatAudit cn=x || return 1
    ! set_to "$OVERLAY" olcPatPrefix '/ /' || return 1
    ! set_to "$OVERLAY" olcPatLoginAttr nothing || return 1

    # Mint, use, revoke, and what is refused.
    mint_self bob acme 'cn: laptop' 'patService: imap*' 'patSource: 192.0.2.0/24' \
        'patExpires: 20991231235959Z'
    token=$MINT_DN
    mint bob globex 'patService: imap'
    revoked=$MINT_DN
    revoke "$revoked"
    printf '%s\n' "dn: $token" 'changetype: modify' 'replace: patLastUsed' \
        "patLastUsed: $(now_gt)" - 'replace: patLastUsedFrom' 'patLastUsedFrom: imap@host' |
        ldap_patd ldapmodify
    set_to "$token" patService imap
    set_to "$token" patSource 192.0.2.1
    set_to "$token" patExpires 20981231235959Z
    for change in 'patService *' 'patSource 0.0.0.0/0' 'patExpires 20991231235959Z' \
        "patOwner uid=dave,$PEOPLE" 'patRevokedReason x'; do
        refused 19 ldap_admin_modify < <(setting "$token" "${change%% *}" "${change#* }")
    done
    refused 19 ldap_admin_modify < <(setting "$revoked" patRevoked "$(now_gt -3600)")
    refused 19 mint carol globex
    refused 19 mint bob acme 'patService: a/b'
    refused 19 mint bob acme 'patExpires: 20200101000000Z'
    refused 53 ldap_as bob ldapadd < <(printf '%s\n' "dn: patId=x,ou=tokens,o=acme,$ORGS" \
        'objectClass: patToken' 'patId: x')
    refused 53 ldap_admin ldapmodrdn -r "$token" patId=y
    refused 53 ldap_admin ldapmodrdn -r "o=acme,$ORGS" o=acme2
    ldap_admin ldapdelete "$revoked" "$token"

    # Members, in every way: refused, undone, done.
    refused 50 ldap_as alice ldapdelete "cn=b,o=acme,$ORGS"
    refused 122 ldap_admin ldapdelete -e '!assert=(cn=nobody)' "cn=b,o=acme,$ORGS"
    refused 14 ldap_admin ldapdelete -e '!noop' "cn=b,o=acme,$ORGS"
    for at in 'change 1 fail' 'change 20 fail' 'commit fail'; do
        failpoint "$at"
        removal b:group '80 '
    done
    failpoint
    ldap_admin ldapmodrdn -r -s "ou=attic,$PAT_BASE" "uid=b,$PEOPLE" uid=bb
    ldap_admin ldapmodrdn -r -s "$PEOPLE" "uid=bb,ou=attic,$PAT_BASE" uid=b
    for case in "${cases[@]}"; do
        removal "$case" 0
    done
    change_member add a acme viewers
    change_member add a acme owners
    change_member delete a acme owners
    set_to "cn=viewers,o=acme,$ORGS" patRole guest
    ldap_admin ldapdelete "uid=a,$PEOPLE"

    # The control: memory that the overlay holds is found in the same way.
    vgdb --vgdb-prefix="$SANDBOX/run/vgdb" --pid="$pid" leak_check full reachable any \
        >"$BATS_TEST_TMPDIR/control"
    grep -q '(overlay\.c:[0-9]*)$' "$BATS_TEST_TMPDIR/control"
    kill -TERM "$pid"
    wait_for 60 eval "! kill -0 $pid 2>/dev/null || grep -q '^State:.*zombie' /proc/$pid/status"
    noted tool valgrind "$xml" pat.so
}

# mint_over ATTRIBUTES URI [ARG...]
# bob makes a token, with the lines of standard input besides, and reads these attributes of
# it. Sets MINT_TOKEN and MINT_DN.
mint_over() {
    local attributes=$1
    shift

    MINT_DN="patId=$(random_id),ou=tokens,o=acme,$ORGS"
    MINT_TOKEN=$(
        {
            printf '%s\n' "dn: $MINT_DN" 'objectClass: patToken'
            cat
        } | LDAPNOINIT=1 ldapadd -x -o ldif-wrap=no -o TLS_CACERT="$PAT_CA" -H "$@" \
            -D "uid=bob,$PEOPLE" -y <(printf bob-password) -e postread="$attributes" |
            sed -n 's/^patSecret: //p'
    )
    [[ $MINT_TOKEN == rhp_* ]]
}

@test "a minted token is in the answer alone, and then nowhere in slapd's memory" {
    [[ $EUID -eq 0 ]] || skip 'needs root, to read the memory of another process'
    with_syncprov
    box --no-patd --tls
    mint_over patSecret "$LDAPURI" </dev/null
    noted tool memory "$(slapd_pid)" "$MINT_DN" <<<"$MINT_TOKEN"
    mint_over patSecret "$PAT_LDAPS_URI" </dev/null
    noted tool memory "$(slapd_pid)" "$MINT_DN" <<<"$MINT_TOKEN"
    mint_over patSecret "$PAT_LDAP_URI" -ZZ </dev/null
    noted tool memory "$(slapd_pid)" "$MINT_DN" <<<"$MINT_TOKEN"
    # Sent by itself, after other overlays have been shown more.
    {
        cat "$BATS_TEST_TMPDIR/module"
        echo
        cat "$BATS_TEST_TMPDIR/syncprov"
    } | ldap_admin_modify
    mint_over patSecret "$LDAPURI" </dev/null
    noted tool memory "$(slapd_pid)" "$MINT_DN" <<<"$MINT_TOKEN"
    mint_over patSecret "$PAT_LDAPS_URI" </dev/null
    noted tool memory "$(slapd_pid)" "$MINT_DN" <<<"$MINT_TOKEN"
    # An answer of 200 KB may be refused.
    if mint_over 'patSecret,*' "$LDAPURI" < <(printf 'description: %01000d\n' {1..200}); then
        noted tool memory "$(slapd_pid)" "$MINT_DN" <<<"$MINT_TOKEN"
    fi
    # The control.
    mint_over patSecret "$LDAPURI" </dev/null
    set_to "$MINT_DN" description "$MINT_TOKEN"
    refused 1 tool memory "$(slapd_pid)" "$MINT_DN" <<<"$MINT_TOKEN"
    grep -q '^0x.* characters \[6, 15, 24, 33\]' "$BATS_TEST_TMPDIR/refused"
}
