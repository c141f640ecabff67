#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031 # each test is a process of its own
#
# A token for the password of sudo and su, which are setuid root, and whose caller chooses the
# environment that the module runs in.

load world-lib

setup_file() {
    world_up sudo
}

teardown_file() {
    world_down
}

setup() {
    # shellcheck source=/dev/null
    . "$WORLD/box/env"
    # shellcheck source=tests/lib.bash
    . "$ROOT/tests/lib.bash"
    mark_logs
}

teardown() {
    show_ends
}

fault() {
    printf '%s\n' "$1"
    return 1
}

# as_alice VARIABLE=VALUE... COMMAND [ARG...]
# With that environment and no other.
as_alice() {
    in_world setpriv --reuid "${caller-2001}" --regid 2000 --clear-groups env -i PATH=/usr/bin:/bin "$@"
}

# sudo_id [VARIABLE=VALUE...]
# alice asks sudo who she is with TOKEN for the password. Sets status and output.
sudo_id() {
    status=0
    output=$(as_alice "$@" sudo -S -k -p '' /usr/bin/id -u <<<"$TOKEN" 2>&1) || status=$?
}

# su_id [VARIABLE=VALUE...]
# alice becomes bob by su, with TOKEN for the password. Sets status and output.
su_id() {
    status=0
    output=$(as_alice "$@" su bob -c '/usr/bin/id -u' <<<"$TOKEN" 2>"$WORLD/secret/su") || status=$?
}

let_in() {
    [[ $status -eq 0 && $output == 0 ]] || fault "not let in: $output"
    wait_for 5 logged "verdict=accept id=$MINT_ID user=alice .*service=sudo peer_uid=0"
}

# refused REASON: which the log tells
refused() {
    [[ $status -ne 0 && $output != 0 ]] || fault "let in: $output"
    wait_for 5 logged "verdict=refuse reason=\"$1\" .*service=sudo peer_uid=0"
}

@test "sudo takes its caller's token for the password" {
    new_token alice acme
    sudo_id
    let_in
}

@test "sudo refuses a token of somebody else, one that is revoked, and one that there is not" {
    new_token bob acme
    sudo_id
    refused 'token belongs to another user'
    new_token alice acme
    revoke "$MINT_DN"
    sudo_id
    refused 'token is revoked'
    unknown_token
    sudo_id
    refused 'no such token'
    TOKEN=no-token
    sudo_id
    [[ $status -ne 0 && $output != 0 ]]
}

# What is loaded because of the environment leaves a note; where everybody may write.
make_hostile() {
    local name

    HOSTILE=$WORLD/hostile
    mkdir -p "$HOSTILE/lib" "$HOSTILE/home"
    install -m 666 /dev/null "$HOSTILE/notes"
    cat >"$HOSTILE/note.c" <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void note(void)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "loaded, euid %d\n", (int)geteuid());
    int fd = open(NOTES, O_WRONLY | O_APPEND);
    if (fd >= 0 && write(fd, text, (size_t)n) > 0)
        close(fd);
}
C
    cc -shared -fPIC -DNOTES="\"$HOSTILE/notes\"" -o "$HOSTILE/note.so" "$HOSTILE/note.c"
    for name in libpam.so.0 libaudit.so.1 libldap-2.5.so.0 libsasl2.so.2 libcrypto.so.3 \
        libplain.so libpat.so UTF-16.so libnss_files.so.2; do
        cp "$HOSTILE/note.so" "$HOSTILE/lib/$name"
    done
    printf 'module UTF-8// UTF-16// UTF-16 1\nmodule INTERNAL UTF-16// UTF-16 1\n' \
        >"$HOSTILE/lib/gconv-modules"
    cat >"$HOSTILE/openssl.cnf" <<CNF
openssl_conf = init
[init]
providers = list
[list]
evil = evil
[evil]
module = $HOSTILE/note.so
activate = 1
CNF
    printf '%s\n' 'URI ldap://127.0.0.1:1' 'BASE o=evil' 'TLS_REQCERT never' >"$HOSTILE/ldaprc"
    cp "$HOSTILE/ldaprc" "$HOSTILE/home/.ldaprc"
    chmod -R go+rX "$HOSTILE"
}

# Sets the array POISON: what libraries and we ourselves might heed.
poison() {
    make_hostile
    POISON=(
        "HOME=$HOSTILE/home" "TMPDIR=$HOSTILE" "LD_PRELOAD=$HOSTILE/note.so"
        "LD_AUDIT=$HOSTILE/note.so" "LD_LIBRARY_PATH=$HOSTILE/lib" "GCONV_PATH=$HOSTILE/lib"
        "SASL_PATH=$HOSTILE/lib" "SASL_CONF_PATH=$HOSTILE" "OPENSSL_CONF=$HOSTILE/openssl.cnf"
        "OPENSSL_MODULES=$HOSTILE/lib" "LDAPCONF=$HOSTILE/ldaprc" "LDAPRC=$HOSTILE/ldaprc"
        LDAPURI=ldap://127.0.0.1:1 LDAPBASE=o=evil LDAPTLS_REQCERT=never
        "LDAPTLS_CACERT=$HOSTILE/ldaprc" "PAT_SOCKET=$HOSTILE/none.sock" PAT_USER=alice
        PAT_ORG=globex PAT_ROLE=owner PAT_ID=forged PAM_USER=root "LOCPATH=$HOSTILE/lib"
        "NLSPATH=$HOSTILE/lib/%N" "HOSTALIASES=$HOSTILE/ldaprc" MALLOC_CHECK_=3
        "GLIBC_TUNABLES=glibc.malloc.check=3" LANGUAGE=xx LC_ALL=C.UTF-8
    )
}

@test "sudo: a poisoned environment lets nobody in, keeps nobody out, and has nothing loaded" {
    poison
    # They do what they are for in a process that heeds the environment.
    as_alice "LD_PRELOAD=$HOSTILE/note.so" /usr/bin/id -u
    grep -qx 'loaded, euid 2001' "$HOSTILE/notes"
    as_alice "OPENSSL_CONF=$HOSTILE/openssl.cnf" openssl version >/dev/null 2>&1 || true
    (($(wc -l <"$HOSTILE/notes") >= 2)) || fault 'the configuration of OpenSSL is no trap'
    : >"$HOSTILE/notes"

    new_token alice acme
    sudo_id "${POISON[@]}"
    [[ ! -s $HOSTILE/notes ]] || fault "hostile code: $(<"$HOSTILE/notes")"
    grep -qx 0 <<<"$output" || fault "not let in: $output"
    wait_for 5 logged "verdict=accept id=$MINT_ID user=alice .*service=sudo peer_uid=0"
    mark_logs
    new_token bob acme
    sudo_id "${POISON[@]}"
    ! grep -qx 0 <<<"$output" || fault 'let in'
    wait_for 5 logged 'verdict=refuse reason="token belongs to another user" .*service=sudo'
    [[ ! -s $HOSTILE/notes ]] || fault "hostile code: $(<"$HOSTILE/notes")"
}

# Of sudo not even a module sees the caller's environment; of su it does, but for what the
# dynamic linker takes out.
@test "su: a poisoned environment lets nobody in, keeps nobody out, and has nothing loaded" {
    poison
    new_token bob acme
    su_id "${POISON[@]}"
    [[ $status -eq 0 && $output == 2002 ]] || fault "not let in: $output $(<"$WORLD/secret/su")"
    wait_for 5 logged "verdict=accept id=$MINT_ID user=bob .*service=su peer_uid=0"
    # What runs then is bob's.
    ! grep -v 'euid 2002' "$HOSTILE/notes" || fault 'something hostile ran as root'
    mark_logs
    new_token alice acme
    su_id "${POISON[@]}"
    [[ $status -ne 0 && $output != *200[0-9]* ]] || fault "let in: $output"
    wait_for 5 logged 'verdict=refuse reason="token belongs to another user" .*service=su'
}

# What a caller might leave to a session.
INHERITED=(PAT_ID=forged PAT_USER=root PAT_ORG=globex PAT_ROLE=owner PAT_EXPIRES=1 PAT_NAME=forged)

# variables SECRET [COMMAND...]
# Print the PAT_ variables, sorted, in what alice, or the user of the number caller, runs so
# with SECRET for the password.
variables() {
    local secret=$1
    shift

    as_alice "${INHERITED[@]}" "$@" <<<"$secret" 2>/dev/null | grep '^PAT_' | LC_ALL=C sort | xargs
}

@test "su: a unix password leaves nothing of its caller's PAT_*" {
    local found

    found=$(variables unix-password-of-bob su bob -c env)
    [[ $found == 'PAT_EXPIRES= PAT_ID= PAT_NAME= PAT_ORG= PAT_ROLE= PAT_USER=' ]] ||
        fault "the session has: $found"
}

@test "su: a token sets all of PAT_*, whatever its caller's are" {
    local found

    new_token bob acme
    found=$(variables "$TOKEN" su bob -c env)
    [[ $found == "PAT_EXPIRES= PAT_ID=$MINT_ID PAT_NAME=a token of bob PAT_ORG=acme PAT_ROLE=member PAT_USER=bob" ]] ||
        fault "the session has: $found"
}

@test "sudo: PAT_* are the token's, and its caller's with -E alone, unless env_delete has them" {
    local found mine

    new_token alice acme
    mine="PAT_EXPIRES= PAT_ID=$MINT_ID PAT_NAME=a token of alice PAT_ORG=acme PAT_ROLE=owner PAT_USER=alice"
    found=$(variables "$TOKEN" sudo -S -k -p '' env)
    [[ $found == "$mine" ]] || fault "sudo: $found"
    found=$(variables "$TOKEN" sudo -E -S -k -p '' env)
    printf 'sudo -E: %s\n' "$found"
    [[ $found == *PAT_ROLE=owner* && $found == *PAT_ID=forged* ]] || fault "sudo -E: $found"
    # carol has env_delete.
    new_token carol acme
    mine="PAT_EXPIRES= PAT_ID=$MINT_ID PAT_NAME=a token of carol PAT_ORG=acme PAT_ROLE=viewer PAT_USER=carol"
    found=$(caller=2003 variables "$TOKEN" sudo -E -S -k -p '' env)
    [[ $found == "$mine" ]] || fault "sudo -E with env_delete: $found"
}

@test "sudo: no token stands in any log or other file" {
    local found
    found=$(files_with_tokens)
    [[ -z $found ]] || fault "a token stands in: $found"
}
