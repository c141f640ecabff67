# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# hook-lib.bash - orgs to play with, and refusals that must leave no trace, for hook.bats
#
# The frame at its end is that of a file with one server for all its tests. A file that needs
# another one has functions of these names below `load hook-lib`.

# Two more people, with rights that nobody should have: helen manages everything, and ivan
# writes everything, but neither is the rootdn.
hook_up() {
    local file=$BATS_FILE_TMPDIR/config.ldif

    cat >"$file" <<'LDIF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to *
  by dn.exact="uid=helen,ou=people,dc=example,dc=com" manage
  by dn.exact="uid=ivan,ou=people,dc=example,dc=com" write
  by * break
LDIF
    sandbox_up --no-patd --config "$file"
    new_person helen
    new_person ivan
}

hook_load() {
    load_sandbox
    people=ou=people,$PAT_BASE
    orgs=ou=orgs,$PAT_BASE
    alice=uid=alice,$people bob=uid=bob,$people carol=uid=carol,$people dave=uid=dave,$people
    helen=uid=helen,$people
    mdb='olcDatabase={1}mdb,cn=config'
    hook="olcOverlay={0}pat,$mdb"
    secret=(-e postread=patSecret)
    orgs_made=0
    test_began=$(now_gt)
}

# For a test that failed half-way: others go on.
hook_repair() {
    local attribute

    tail -n 20 "$SANDBOX/log/slapd.log"
    ldap_admin ldapdelete "olcOverlay={0}ppolicy,$mdb" 2>/dev/null || true
    put_hook_back 2>/dev/null || true
    sandbox slapd-stop
    sandbox slapd-start
    for attribute in olcPatPrefix olcPatAudit olcPatRoleOrder olcPatLoginAttr olcPatAuditUse olcPatMaxTokens \
        olcPatRemovalLimit; do
        set_hook "$attribute" 2>/dev/null || true
    done
    if [[ $(get "ou=folk,$PAT_BASE" ou) == folk ]]; then
        ldap_admin ldapmodrdn -r "ou=folk,$PAT_BASE" ou=people
    fi </dev/null 2>/dev/null
    if [[ $(get "$mdb" olcAccess | head -n 1) != *uid=helen* ]]; then
        change "$mdb" 'delete: olcAccess' 'olcAccess: {0}' | ldap_admin_modify
    fi
}

# as WHO TOOL [ARG...]: admin, patd, or a person.
as() {
    local who=$1
    shift

    case $who in
    admin) ldap_admin "$@" ;;
    patd) ldap_patd "$@" ;;
    *) ldap_as "$who" "$@" ;;
    esac
}

# transaction: the LDIF on standard input, as the administrator, in an LDAP transaction.
transaction() {
    python3 -IS "$ROOT/tests/tools/hook_atomic.py" transaction
}

# --- LDIF --------------------------------------------------------------------------------

# entry DN LINE...
entry() { printf '%s\n' "dn: $1" "${@:2}" ''; }

# token DN LINE...
token() { entry "$1" 'objectClass: patToken' "${@:2}"; }

# change DN LINE...
change() { entry "$1" 'changetype: modify' "${@:2}"; }

# hex N: a hash that N alone gives.
hex() { printf '%064x\n' "$1"; }

# --- people and orgs -----------------------------------------------------------------------

# new_person UID [PARENT]
new_person() {
    entry "uid=$1,${2:-ou=people,$PAT_BASE}" 'objectClass: inetOrgPerson' "uid: $1" "cn: $1" \
        "sn: $1" "userPassword: $1-password" | ldap_admin_add
}

# new_org [LDIF-LINE...]
# An org with owner alice, member bob, viewer carol, and no container for its audit log;
# with more attributes of its own. Sets ORG and O, its name and DN. ORG_CLASS is what its
# groups are besides role groups.
new_org() {
    local group role person

    ORG=test$BATS_TEST_NUMBER-$((++orgs_made))
    O=o=$ORG,$orgs
    {
        entry "$O" 'objectClass: organization' 'objectClass: patOrg' "o: $ORG" "$@"
        entry "ou=tokens,$O" 'objectClass: organizationalUnit' 'ou: tokens'
        while read -r group role person; do
            entry "cn=$group,$O" "objectClass: ${ORG_CLASS:-organizationalRole}" \
                'objectClass: patRoleGroup' "cn: $group" "patRole: $role" "member: $person"
        done <<<"owners owner $alice
members member $bob
viewers viewer $carol"
    } | ldap_admin_add
    mark
}

# import UID ORG [LDIF-LINE...]: quicker than mint, and nobody has the token.
import() {
    local uid=$1 org=$2 hash
    shift 2

    mint_id "$org"
    printf -v hash '%08x' "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" \
        "$SRANDOM" "$SRANDOM"
    token "$MINT_DN" "patHash: $hash" \
        "patOwner: uid=$uid,$people" "$@" | ldap_admin_add
}

# import_offline: tokens that the hook never saw. Their LDIF on standard input.
import_offline() {
    sandbox slapd-stop
    offline slapadd -n 1
    sandbox slapd-start
}

# offline TOOL [ARG...]: one of slapd's own.
offline() {
    LDAPNOINIT=1 "/usr/sbin/$1" -F "$SANDBOX/etc/slapd.d" "${@:2}"
}

# set_hook ATTRIBUTE [VALUE]: a setting of the overlay, or its default again.
set_hook() {
    change "$hook" "replace: $1" "${2+$1: $2}" | sed '/^$/d' | ldap_admin_modify
}

# The overlay again, after a test took it away.
put_hook_back() {
    entry "$hook" 'objectClass: olcOverlayConfig' 'objectClass: olcPatConfig' \
        'olcOverlay: {0}pat' | ldap_admin_add
}

# get DN ATTRIBUTE
get() { ldap_admin_get "$@"; }

# --- what must be so -------------------------------------------------------------------------

# same GOT WANTED
same() {
    [[ $1 != "$2" ]] || return 0
    diff -U 2 --label expected --label got <(printf '%s\n' "$2") <(printf '%s\n' "$1")
}

# snapshot [BASE]: everything there is, by name.
snapshot() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -S '' -b "${1-$PAT_BASE}" '(objectClass=*)' '*' +
}

# refused WHO CODE TEXT TOOL [ARG...]
# The tool, with LDIF on standard input, ends in that result and says TEXT, patterns both;
# nothing whatever has changed below BASE, and no token was told.
refused() {
    local who=$1 code=$2 text=$3 base=${BASE-$PAT_BASE} said rc=0
    shift 3

    snapshot "$base" >"$BATS_TEST_TMPDIR/before"
    said=$(as "$who" "$@" 2>&1) || rc=$?
    # shellcheck disable=SC2053 # a pattern
    if [[ $rc != $code || $said != *$text* || $said == *rhp_* || $said == *control:* ]]; then
        printf 'expected %s and "%s", got %s:\n%s\n' "$code" "$text" "$rc" "$said"
        return 1
    fi
    snapshot "$base" >"$BATS_TEST_TMPDIR/after"
    if ! cmp -s "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"; then
        printf 'refused with %s, and yet something has changed\n' "$code"
        diff -U 2 "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    fi
}

is_live() {
    [[ $(ldap_admin_get "$1" patId) == *?* ]] || return
    same "$(ldap_admin_get "$1" patRevoked)" '' || return
}

# is_revoked DN BY REASON: in this test.
is_revoked() {
    is_recent "$(ldap_admin_get "$1" patRevoked)" || return
    same "$(ldap_admin_get "$1" patRevokedBy)" "$2" || return
    same "$(ldap_admin_get "$1" patRevokedReason)" "$3" || return
}

# is_recent TIME: of this test, however long a busy machine takes for it.
is_recent() {
    if [[ ! $1 =~ ^[0-9]{14}Z$ || $1 < $test_began || $1 > $(now_gt) ]]; then
        printf 'not a time since %s: "%s"\n' "$test_began" "$1"
        return 1
    fi
}

# From here on, new_events prints what comes.
mark() {
    events_seen=$(events "$ORG" | wc -l)
}

new_events() {
    events "$ORG" | tail -n +$((events_seen + 1))
}

# --- the frame of a file -----------------------------------------------------------------------

setup_file() {
    hook_up
}

teardown_file() {
    sandbox_down
}

setup() {
    hook_load
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED-} ]] || hook_repair
}
