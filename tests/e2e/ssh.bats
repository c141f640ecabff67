#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031      # what one test sets is not meant for another
#
# Logins by ssh: a real sshd with pam_pat.so in front of pam_unix.so, a real patd and a
# real slapd, in a world of their own (ssh-world.bash has the PAM stacks). Whatever is said
# here holds for keyboard-interactive and for password authentication: sshd runs PAM
# differently for the two.
#
# A refusal counts only if the reason in the log is the right one: the user never sees it.

load ssh-lib

setup_file() {
    # The tests stop patd and change roles under one another's feet.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    if ((EUID != 0)); then
        printf '# ssh.bats: SKIPPED, not one login was tried: run as root\n' >&3
        return
    fi
    world_up ssh
}

teardown_file() {
    ((EUID != 0)) || world_down
}

setup() {
    ((EUID == 0)) || skip 'needs root, for namespaces and sshd'
    # shellcheck source=/dev/null
    source "$WORLD/box/env"
    # shellcheck source=tests/lib.bash disable=SC1091
    source "$ROOT/tests/lib.bash"
}

teardown() {
    if ((EUID == 0)) && [[ -z ${BATS_TEST_COMPLETED-} ]]; then
        show_logs
        repair
    fi
}

@test "a token lets its user in and tells the session whose it is" {
    new_token alice acme
    accepted sshd-pat alice acme owner
    new_token bob globex
    accepted sshd-pat bob globex member
    new_token carol acme
    accepted sshd-pat carol acme viewer
}

@test "a token that its user made with ldapadd lets its user in" {
    mint_self carol acme 'cn: of my own'
    TOKEN=$MINT_TOKEN TOKEN_NAME='of my own' TOKEN_USER=carol
    remember_token "$TOKEN"
    accepted sshd-pat carol acme viewer
}

@test "a session learns when its token expires" {
    new_token alice acme 'patExpires: 20991231235959Z'
    accepted sshd-pat alice acme owner PAT_EXPIRES=4102444799
}

@test "of a token that does not expire a session has an empty PAT_EXPIRES, whatever a client sends" {
    new_token alice acme
    with_option 'SetEnv=PAT_EXPIRES=1' accepted sshd-pat alice acme owner
    with_option 'SetEnv=PAT_ROLE=owner' accepted sshd-pat alice acme owner
    new_token bob acme
    with_option 'SetEnv=PAT_ROLE=owner' accepted sshd-pat bob acme member
}

@test "a name with a line break forges no variable, and one in UTF-8 arrives whole" {
    new_token bob acme "cn:: $(printf 'Zoë "CI"\nPAT_ROLE=owner' | base64 -w 0)"
    TOKEN_NAME='Zoë "CI"?PAT_ROLE=owner'
    accepted sshd-pat bob acme member
}

@test "a session knows the role of now, not that of when the token was minted" {
    new_token bob acme
    change_member add bob acme owners
    accepted sshd-pat bob acme owner
    change_member delete bob acme owners
    accepted sshd-pat bob acme member
}

@test "a login leaves its time and its place with the token" {
    new_token alice acme
    accepted sshd-pat alice acme owner
    wait_for 15 has_last_used sshd-pat
}

@test "a token that is in no directory is refused" {
    unknown_token
    refused sshd-pat alice 'no such token'
    (($(count_lookups) == 1))
}

@test "a mistyped token is refused without asking the directory" {
    new_token alice acme
    mistype_token
    refused sshd-pat alice 'not a token'
    (($(count_lookups) == 0))
}

@test "an expired token is refused" {
    new_token alice acme "patExpires: $(now_gt 3600)"
    expire "$MINT_DN"
    refused sshd-pat alice 'token has expired'
}

@test "a token is refused at the very next login after ldapmodify revoked it" {
    new_token alice acme
    accepted sshd-pat alice acme owner
    revoke "$MINT_DN"
    refused sshd-pat alice 'token is revoked'
}

@test "a token is refused at the very next login after ldapdelete took it away" {
    new_token alice acme
    accepted sshd-pat alice acme owner
    ldap_admin ldapdelete "$MINT_DN"
    refused sshd-pat alice 'no such token'
}

@test "a token of somebody else is refused" {
    new_token bob acme
    refused sshd-pat alice 'token belongs to another user'
    refused sshd-pat mcp 'token belongs to another user'
}

@test "a token of another org is refused where org= names one" {
    new_token bob globex
    refused sshd-org bob 'org globex is not accepted here'
    accepted sshd-pat bob globex member
    new_token bob acme
    accepted sshd-org bob acme member
}

@test "a role is refused where role= does not name it" {
    new_token carol acme
    refused sshd-role carol 'role viewer is not accepted here'
    accepted sshd-pat carol acme viewer
    new_token alice acme
    accepted sshd-role alice acme owner
}

@test "a token is refused where its patService does not reach" {
    new_token alice acme 'patService: imap' 'patService: sshd-o*'
    refused sshd-pat alice 'patService does not list this service'
    accepted sshd-org alice acme owner
}

@test "a token is refused where its patSource does not reach" {
    new_token alice acme 'patSource: 192.0.2.0/24' 'patSource: 127.0.0.1/32'
    accepted sshd-pat alice acme owner
    from 127.0.0.2 refused sshd-pat alice "patSource does not list the client's address"
}

@test "a token is refused at the very next login after its owner left the org" {
    new_token carol acme
    accepted sshd-pat carol acme viewer
    change_member delete carol acme viewers
    # The removal itself has revoked it, for good.
    refused sshd-pat carol 'token is revoked'
    change_member add carol acme viewers
    refused sshd-pat carol 'token is revoked'
}

@test "a revoked token stays refused when its owner leaves and comes back" {
    new_token carol acme
    revoke "$MINT_DN"
    change_member delete carol acme viewers
    refused sshd-pat carol 'token is revoked'
    change_member add carol acme viewers
    refused sshd-pat carol 'token is revoked'
    new_token carol acme
    accepted sshd-pat carol acme viewer
}

@test "a shared login takes the token of every member and tells who it is" {
    new_token alice acme
    accepted sshd-shared mcp acme owner
    new_token bob acme
    accepted sshd-shared mcp acme member
    new_token dave globex
    refused sshd-shared mcp 'org globex is not accepted here'
}

@test "a login that is not shared takes its own tokens only, next to one that is" {
    new_token bob acme
    refused sshd-shared alice 'token belongs to another user'
    accepted sshd-shared bob acme member
}

@test "a unix password lets in through the same stack, and a wrong one does not" {
    unix_accepted sshd-pat bob "$BOB_PASSWORD"
    unix_refused sshd-pat bob "$BOB_PASSWORD-not"
    unix_refused sshd-pat bob rhp
}

@test "a token is never tried as a unix password" {
    unknown_token
    set_unix_password carol "$TOKEN"
    refused sshd-pat carol 'no such token'
    refused sshd-debian carol 'no such token'
    restore_unix_passwords
}

@test "a unix password that has a token in it, in any wrapping, is not tried" {
    local token wrapped

    unknown_token
    token=$TOKEN
    for wrapped in "Bearer $token" "\"$token\"" $'\xc2\xa0'"$token" "x${token,,}" "${token^^}"; do
        set_unix_password carol "$wrapped"
        TOKEN=$wrapped
        refused sshd-pat carol 'give the token alone'
    done
    restore_unix_passwords
}

@test "a token with what a clipboard adds around it is accepted" {
    local token

    new_token alice acme
    token=$TOKEN
    for TOKEN in " $token" "$token "$'\t' $'\xef\xbb\xbf'"$token"; do
        accepted sshd-pat alice acme owner
    done
}

@test "after a refused token the next prompt takes a good one, or a unix password" {
    local service=sshd-pat user=bob method bad

    unknown_token
    bad=$TOKEN
    new_token bob acme
    for method in "${METHODS[@]}"; do
        login "$method" "$service" "$user" "$bad" "$TOKEN"
        expect_session
        expect_variables PAT_ID="$MINT_ID" PAT_NAME="$TOKEN_NAME" PAT_USER=bob \
            PAT_ORG=acme PAT_ROLE=member PAT_EXPIRES=
        expect_passed_on ''
        login "$method" "$service" "$user" "$bad" "$BOB_PASSWORD"
        expect_session
        expect_variables
        expect_passed_on other
    done
}

@test "root and users that the machine does not know are refused without asking patd" {
    new_token alice acme
    unix_refused sshd-pat root "$TOKEN"
    unix_refused sshd-pat nobody-of-that-name "$TOKEN"
    unix_refused sshd-shared root "$TOKEN"
}

@test "without patd tokens are refused at once, and unix passwords go on" {
    new_token alice acme
    sandbox patd-stop
    refused sshd-pat alice 'token service is unavailable' 2500
    unix_accepted sshd-pat bob "$BOB_PASSWORD"
    sandbox patd-start
    accepted sshd-pat alice acme owner
}

@test "with a frozen patd tokens are refused in time, and unix passwords go on" {
    new_token alice acme
    signal_patd STOP
    refused sshd-pat alice 'token service is unavailable' 6000
    unix_accepted sshd-pat bob "$BOB_PASSWORD"
    signal_patd CONT
    accepted sshd-pat alice acme owner
}

@test "without the directory tokens are refused in time, and unix passwords go on" {
    new_token alice acme
    sandbox slapd-stop
    refused sshd-pat alice 'verdict=unavailable' 6000
    unix_accepted sshd-pat bob "$BOB_PASSWORD"
    sandbox slapd-start
    accepted sshd-pat alice acme owner
}

# killed_amid_login METHOD PID-FILE: as that user, at that service, with slapd that is frozen.
killed_amid_login() {
    signal_slapd STOP
    in_hand "asked 1 '$PAT_SOCKET'" login "$1" "$service" "$user" "$TOKEN"
    kill_hard "$2"
    handed
}

@test "patd is killed amid a login: nobody gets in, at once, and the next one enters" {
    local service=sshd-patient user=alice method

    new_token alice acme
    patience 60s
    for method in "${METHODS[@]}"; do
        killed_amid_login "$method" "$PAT_PATD_PID"
        signal_slapd CONT
        failed 'token service is unavailable: socket .*: patd closed the connection'
        sandbox patd-start
    done
    accepted "$service" alice acme owner
    patience 3s
}

@test "slapd is killed amid a login: nobody gets in, at once, and the next one enters" {
    local service=sshd-patient user=alice method

    new_token alice acme
    patience 60s
    for method in "${METHODS[@]}"; do
        killed_amid_login "$method" "$PAT_SLAPD_PID"
        failed "verdict=unavailable .*$LDAPURI"
        logged 'token service is unavailable: patd has no answer from the directory'
        sandbox slapd-start
    done
    accepted "$service" alice acme owner
    patience 3s
}

@test "a refusal takes its time, unless nodelay says otherwise" {
    local service user=alice method delayed

    unknown_token
    for method in "${METHODS[@]}"; do
        # libpam makes anything from 1 to 3 seconds of our 2.
        service=sshd-delay
        login "$method" "$service" "$user" "$TOKEN"
        expect_refusal
        ((LOGIN_MS >= 1000)) || fault 'too fast'
        delayed=$LOGIN_MS
        # One fast one shows that there is none; a slow one may have other causes.
        service=sshd-pat
        for _ in {1..20}; do
            login "$method" "$service" "$user" "$TOKEN"
            expect_refusal
            ((LOGIN_MS + 800 > delayed)) || break
        done
        ((LOGIN_MS + 800 <= delayed)) || fault 'as slow as with a delay'
    done
}

@test "an expired unix account is open to tokens where pam_pat.so settles the account" {
    new_token dave globex
    accepted sshd-pat dave globex owner
}

@test "an expired unix account is closed to tokens where pam_unix.so settles the account" {
    local service=sshd-unix-account user=dave method

    new_token alice acme
    accepted "$service" alice acme owner
    new_token dave globex
    for method in "${METHODS[@]}"; do
        login "$method" "$service" "$user" "$TOKEN"
        wait_for 15 logged 'account dave has expired'
        ((status == 255)) && [[ -z $output ]] || fault 'got in'
    done
}

@test "pam_pat.so alone lets tokens in, and unix passwords not" {
    local service=sshd-alone user=bob method

    new_token alice acme
    accepted sshd-alone alice acme owner
    revoke "$MINT_DN"
    refused sshd-alone alice 'token is revoked'
    for method in "${METHODS[@]}"; do
        login "$method" "$service" "$user" "$BOB_PASSWORD"
        expect_refusal
    done
}

@test "the order that pam-auth-update makes of a profile works" {
    new_token alice acme
    accepted sshd-debian alice acme owner
    revoke "$MINT_DN"
    refused sshd-debian alice 'token is revoked'
    unix_accepted sshd-debian bob "$BOB_PASSWORD"
}

# both_methods SERVICE USER SECRET: by both methods, from 127.0.0.2, whatever comes of it.
both_methods() {
    local method

    for method in "${METHODS[@]}"; do
        from 127.0.0.2 login "$method" "$@"
    done
}

@test "fail2ban finds every refusal once, with its address, and no outage" {
    local token mark user

    new_token bob acme
    token=$TOKEN
    login password sshd-pat bob "$BOB_PASSWORD"
    mark=$syslog_mark
    both_methods sshd-pat alice "$token"        # another user's
    both_methods sshd-role bob rhp_             # malformed
    both_methods sshd-pat bob "Bearer $token"   # in a wrapping
    revoke "$MINT_DN"
    both_methods sshd-shared mcp "$token"       # revoked
    syslog_mark=$mark
    bans 8 127.0.0.2
    for user in alice bob mcp; do
        logged "pam_pat\(sshd-[a-z]+:auth\): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=127.0.0.2 user=$user reason=\""
    done
    # Neither what is good, nor what pam_unix.so refuses, nor an outage.
    new_token bob acme
    token=$TOKEN
    login password sshd-pat bob "$token"
    mark=$syslog_mark
    both_methods sshd-pat bob "$BOB_PASSWORD-not"
    sandbox patd-stop
    both_methods sshd-pat bob "$token"
    sandbox patd-start
    sandbox slapd-stop
    both_methods sshd-pat bob "$token"
    sandbox slapd-start
    syslog_mark=$mark
    logged 'token service is unavailable'
    bans 0
}

@test "a name that is no account is in no line of pam_pat" {
    # sshd itself logs the name, so the search for tokens below must not know this one.
    mint alice acme
    login password sshd-alone no-such-name "$MINT_TOKEN"
    login password sshd-alone "Bearer $MINT_TOKEN" x
    logged 'pam_pat.*a token was given as the login name'
    not_logged 'pam_pat.*no-such-name'
    not_logged 'pam_pat.*rhp_'
}

# The last one, for it goes through what all others left behind.
@test "no token stands in any log or other file" {
    local planted=$WORLD/log/planted

    new_token alice acme
    accepted sshd-pat alice acme owner
    refused sshd-pat bob 'token belongs to another user'
    unknown_token
    refused sshd-pat alice 'no such token'
    # The search does find what is there.
    cp "$WORLD/secret/tokens" "$planted"
    cp "$WORLD/secret/tokens" "$WORLD/box/db"
    [[ $(files_with_tokens) == "$planted"$'\n'db ]]
    rm -f -- "$planted" "$WORLD/box/db/tokens"
    [[ -z $(files_with_tokens) ]]
}
