# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# lib.bash - what tests with a directory share
#
# Source DIR/env of a sandbox first, then this. No password and no token is ever
# an argument of a program: other users see those.

# wait_for SECONDS COMMAND [ARG...]
# Repeat COMMAND, in silence, until it succeeds. Fails when SECONDS are over.
wait_for() {
    local end=$((SECONDS + $1 + 1))
    shift

    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            printf 'wait_for: still fails: %s\n' "$*" >&2
            return 1
        fi
        sleep 0.05
    done
}

# now_gt [OFFSET]
# Print the generalizedTime of now, or of OFFSET seconds from now (may be negative).
now_gt() {
    TZ=UTC0 printf '%(%Y%m%d%H%M%SZ)T\n' $(($(printf '%(%s)T') + ${1:-0}))
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

# random_id
# Print a patId that nothing else has.
random_id() {
    local id=''

    while ((${#id} < 16)); do
        id+=$(head -c 64 /dev/urandom | LC_ALL=C tr -dc a-z0-9)
    done
    printf 'test-%s\n' "${id:0:16}"
}

# mint UID ORG [LDIF-LINE...]
# Import a new token of UID in ORG as the administrator, with more attributes as
# "name: value". Sets MINT_TOKEN, MINT_ID and MINT_DN.
mint() {
    local uid=$1 org=$2 made hash
    shift 2

    made=$("$PAT_BUILD/patctl" generate) || return
    MINT_TOKEN=$(sed -n 's/^token: //p' <<<"$made")
    hash=$(sed -n 's/^patHash: //p' <<<"$made")
    if [[ -z $MINT_TOKEN || -z $hash ]]; then
        printf 'mint: patctl generate did not print a token and its patHash\n' >&2
        return 1
    fi
    MINT_ID=$(random_id)
    MINT_DN="patId=$MINT_ID,ou=tokens,o=$org,ou=orgs,$PAT_BASE"
    {
        printf '%s\n' "dn: $MINT_DN" 'objectClass: patToken' "patId: $MINT_ID" \
            "patHash: $hash" "patOwner: uid=$uid,ou=people,$PAT_BASE"
        (($# == 0)) || printf '%s\n' "$@"
    } | ldap_admin ldapadd >/dev/null
}
