# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2119,SC2120     # arguments that may be left out
#
# lib.bash - what tests with a directory share
#
# Source DIR/env of a sandbox first, then this. No password and no token is ever
# an argument of a program: other users see those.

# The factor of every bound that catches a hang. Measured once; the programs of the tests read
# the same variable.
[[ ${PAT_TIME_SCALE-} =~ ^[1-9][0-9]{0,3}$ ]] ||
    PAT_TIME_SCALE=$("$(dirname -- "${BASH_SOURCE[0]}")/time-scale") || exit 1
export PAT_TIME_SCALE

# The system's programs before others: a version manager's python3 is a dozen shell scripts.
[[ $PATH == /usr/sbin:/usr/bin:* ]] || export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

# wait_for SECONDS COMMAND [ARG...]
# Repeat COMMAND, in silence, until it succeeds. Fails when SECONDS, times PAT_TIME_SCALE, are
# over.
wait_for() {
    local end=$((SECONDS + $1 * PAT_TIME_SCALE + 1))
    shift

    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            printf 'wait_for: still fails: %s\n' "$*" >&2
            return 1
        fi
        sleep 0.05
    done
}

# no_hang MS DEADLINE-MS
# Checks that an operation of MS milliseconds ended near its deadline, and did not wait a
# second time, or for ever.
no_hang() {
    local most=$(($2 + 5000 * PAT_TIME_SCALE))

    (($1 <= most)) && return
    printf 'took %d ms for a deadline of %d ms (a hang begins at %d ms)\n' "$1" "$2" "$most" >&2
    return 1
}

# at_rest PID...
# Nothing is under way in these processes: all their threads sleep, and none ran between two
# looks. Who answers first and writes a log then has written it, once the answer is there. But
# who waits for somebody else sleeps as well: name all of them. A process that is gone is at
# rest. PID may be "all", and PROC another /proc that the processes stand in.
at_rest() {
    "$PAT_BUILD/tests/atrest" "${PROC:-/proc}" "$@"
}

# connections PATH [PID]
# How many clients a unix socket has there, accepted or not, in the network namespace of PID.
connections() {
    awk -v path="$1" '$8 == path && ($6 == "02" || $6 == "03") { n++ } END { print n + 0 }' \
        "/proc/${2:-self}/net/unix"
}

# unix_listens PATH [COMMAND...]
# Does somebody listen on a unix socket there? Its file is there a moment earlier, and refuses
# whoever connects. COMMAND is what runs a program in another network namespace.
unix_listens() {
    "${@:2}" awk -v path="$1" '$8 == path && $4 == "00010000" { found = 1 } END { exit !found }' \
        /proc/self/net/unix
}

# files_that_match GREP-OPTION... -- PATH...
# Print the names of files that match, also below directories. A database is a gigabyte of
# holes, which grep would read as one line, for half a minute: tar leaves them out.
files_that_match() {
    local options=() file

    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    grep -rla --exclude=data.mdb "${options[@]}" -- "$@" || (($? == 1)) || return
    while IFS= read -r -d '' file; do
        if tar --sparse -P -cf - -- "$file" | grep -qa "${options[@]}"; then
            printf '%s\n' "$file"
        fi
    done < <(find "$@" -name data.mdb -print0)
}

# now_gt [OFFSET]
# Print the generalizedTime of now, or of OFFSET seconds from now (may be negative).
now_gt() {
    TZ=UTC0 printf '%(%Y%m%d%H%M%SZ)T\n' $((EPOCHSECONDS + ${1:-0}))
}

# ldap_as UID TOOL [ARG...]
# Run an LDAP client as that person of the example tree.
ldap_as() {
    local uid=$1 tool=$2
    shift 2

    LDAPNOINIT=1 "$tool" -x -H "$LDAPURI" -D "uid=$uid,ou=people,$PAT_BASE" \
        -y <(printf '%s-password' "$uid") "$@"
}

# ldap_admin TOOL [ARG...]
# Run an LDAP client as the administrator.
ldap_admin() {
    local tool=$1
    shift

    LDAPNOINIT=1 "$tool" -x -H "$LDAPURI" -D "$PAT_ADMIN_DN" -y "$PAT_ADMIN_PW_FILE" "$@"
}

# ldap_patd TOOL [ARG...]
# Run an LDAP client as patd's account: by its unix user, over ldapi.
ldap_patd() {
    local tool=$1
    local -a as=()
    shift

    ((EUID != 0)) || as=(setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups)
    LDAPNOINIT=1 "${as[@]}" "$tool" -Q -Y EXTERNAL -H "$LDAPURI" "$@"
}

# ldap_admin_modify, ldap_admin_add [ARG...]
# Apply the LDIF on standard input as the administrator.
ldap_admin_modify() { ldap_admin ldapmodify "$@" >/dev/null; }
ldap_admin_add() { ldap_admin ldapadd "$@" >/dev/null; }

# ldap_admin_get DN ATTRIBUTE
# Print the values of one attribute of one entry, one a line.
ldap_admin_get() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -s base -b "$1" '(objectClass=*)' "$2" |
        sed -n "s/^$2: //p"
}

# value_in TEXT NAME
# Sets REPLY to the value of the first line "NAME: VALUE" in TEXT, or to nothing.
value_in() {
    local text=$'\n'$1$'\n'

    REPLY=
    [[ $text != *$'\n'"$2: "* ]] || {
        REPLY=${text#*$'\n'"$2: "}
        REPLY=${REPLY%%$'\n'*}
    }
}

# random_id
# Print a patId that no other token has.
random_id() { printf 'test-%08x%08x\n' "$SRANDOM" "$SRANDOM"; }

# mint_id ORG: sets MINT_ID, which no other token has, and MINT_DN.
mint_id() {
    printf -v MINT_ID 'test-%08x%08x' "$SRANDOM" "$SRANDOM"
    MINT_DN="patId=$MINT_ID,ou=tokens,o=$1,ou=orgs,$PAT_BASE"
}

# mint UID ORG [LDIF-LINE...]
# Import a new token of UID in ORG as the administrator, with more attributes as
# "name: value". Sets MINT_TOKEN, MINT_ID and MINT_DN.
mint() {
    local uid=$1 org=$2 made hash
    shift 2

    made=$("$PAT_BUILD/patctl" generate) || return
    value_in "$made" token
    MINT_TOKEN=$REPLY
    value_in "$made" patHash
    hash=$REPLY
    if [[ -z $MINT_TOKEN || -z $hash ]]; then
        printf 'mint: patctl generate did not print a token and its patHash\n' >&2
        return 1
    fi
    mint_id "$org"
    {
        printf '%s\n' "dn: $MINT_DN" 'objectClass: patToken' "patId: $MINT_ID" \
            "patHash: $hash" "patOwner: uid=$uid,ou=people,$PAT_BASE"
        (($# == 0)) || printf '%s\n' "$@"
    } | ldap_admin ldapadd >/dev/null
}

# mint_self UID ORG [LDIF-LINE...]
# UID makes a token of their own in ORG: the hook makes it, and tells it once. Sets the
# same as mint.
mint_self() {
    local uid=$1 org=$2 answer
    shift 2

    MINT_TOKEN=''
    mint_id "$org"
    answer=$(
        {
            printf '%s\n' "dn: $MINT_DN" 'objectClass: patToken' "patId: $MINT_ID"
            (($# == 0)) || printf '%s\n' "$@"
        } | ldap_as "$uid" ldapadd -o ldif-wrap=no -e postread=patSecret
    ) || return
    value_in "${answer#*$'\n# ==> postread\n'}" patSecret
    MINT_TOKEN=$REPLY
    if [[ -z $MINT_TOKEN ]]; then
        printf 'mint_self: the answer to the add has no patSecret\n' >&2
        return 1
    fi
}

# mistyped TOKEN
# Print it with another last character, so that its checksum is wrong.
mistyped() {
    case $1 in
        *x) printf '%sy\n' "${1%?}" ;;
        *) printf '%sx\n' "${1%?}" ;;
    esac
}

# revoke DN
# The administrator revokes the token.
revoke() {
    ldap_admin_modify <<LDIF
dn: $1
changetype: modify
add: patRevoked
patRevoked: $(now_gt)
LDIF
}

# expire DN
# Expires the token: the administrator sets patExpires to one second ago.
expire() {
    ldap_admin_modify <<LDIF
dn: $1
changetype: modify
replace: patExpires
patExpires: $(now_gt -1)
LDIF
}

# change_member add|delete UID ORG GROUP
change_member() {
    ldap_admin_modify <<LDIF
dn: cn=$4,o=$3,ou=orgs,$PAT_BASE
changetype: modify
$1: member
member: uid=$2,ou=people,$PAT_BASE
LDIF
}

# events ORG [FILTER]
# Print the audit events of an org in the order in which they came, one a line:
#   ACTION|by=ACTOR|target=TARGET|owner=OWNER|via=PATID|KEY=VALUE...
# without what an event has not, its details sorted, and names without the base.
events() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "o=$1,ou=orgs,$PAT_BASE" \
        "(&(objectClass=patEvent)${2-})" entryCSN patAction patActor patTarget patTargetOwner \
        patVia patDetail | awk -v base=",$PAT_BASE" '
        BEGIN {
            RS = ""
            FS = "\n"
            names = split("patActor by patTarget target patTargetOwner owner patVia via", name, " ")
        }
        # No line break in it: an event is a line.
        function decoded(base64,    run, text) {
            run = "printf %s " base64 " | base64 -d | tr \"\\000-\\037\\177\" \"?\""
            run | getline text
            close(run)
            return text
        }
        {
            delete value
            details = 0
            for (i = 1; i <= NF; i++) {
                at = index($i, ":")
                key = substr($i, 1, at - 1)
                text = substr($i, at + 2)
                if (substr($i, at + 1, 1) == ":")
                    text = decoded(substr($i, at + 3))
                if (key == "patDetail") {
                    for (j = ++details; j > 1 && detail[j - 1] > text; j--)
                        detail[j] = detail[j - 1]
                    detail[j] = text
                } else {
                    while ((at = index(text, base)) > 0)
                        text = substr(text, 1, at - 1) substr(text, at + length(base))
                    value[key] = text
                }
            }
            line = value["entryCSN"] " " value["patAction"]
            for (i = 1; i <= names; i += 2)
                if (name[i] in value)
                    line = line "|" name[i + 1] "=" value[name[i]]
            for (i = 1; i <= details; i++)
                line = line "|" detail[i]
            print line
        }' | LC_ALL=C sort | cut -d' ' -f2-
}
