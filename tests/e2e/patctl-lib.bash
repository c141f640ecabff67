# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# patctl-lib.bash - patctl as somebody of the example tree

# pc UID ARGUMENT...
# As that person; `admin` is the administrator. The password comes by a file of the shell.
pc() {
    local uid=$1 dn password
    shift

    dn=uid=$uid,ou=people,$PAT_BASE
    password=$uid-password
    if [[ $uid == admin ]]; then
        dn=$PAT_ADMIN_DN
        password=$PAT_ADMIN_PW
    fi
    LDAPNOINIT=1 "$PAT_BUILD/patctl" "$@" -H "$LDAPURI" -D "$dn" -y <(printf %s "$password")
}

# on_terminal COLUMNS ANSWER COMMAND...
# Run it on a terminal of that width, and type ANSWER, a line or '', there. What it shows
# goes to standard output, with its exit status.
on_terminal() {
    python3 -IS "$ROOT/tests/e2e/on-terminal.py" "$@"
}

# pc_args UID
# Sets pc_options: the connection, for what is run on a terminal; -w, in a test alone.
pc_options() {
    printf '%s-password' "$1" >"$BATS_TEST_TMPDIR/$1.pw"
    PC_OPTIONS=(-H "$LDAPURI" -D "uid=$1,ou=people,$PAT_BASE" -y "$BATS_TEST_TMPDIR/$1.pw")
}

# state ID
# Whether the token is revoked, as the directory has it: "live" or "revoked".
state() {
    if [[ -n $(ldap_admin ldapsearch -LLL -b "$PAT_BASE" "(&(patId=$1)(patRevoked=*))" 1.1) ]]; then
        echo revoked
    else
        echo live
    fi
}
