#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031      # what one test sets is not meant for another
#
# Logins by Cyrus SASL: real services with libpat.so among their plugins, a real patd and a
# real slapd, in a world of their own (sasl-world.bash has their configuration). Postfix is
# the one where everything is tried, and the others have what is special about them.
#
# What a client is told is compared as a whole: it must not learn why. The log must say it.

load sasl-lib

setup_file() {
    # The tests stop patd and slapd under one another's feet.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    if ((EUID != 0)); then
        printf '# sasl.bats: SKIPPED, not one login was tried: run as root\n' >&3
        return
    fi
    world_up postfix memcached svn imap sample
}

teardown_file() {
    ((EUID != 0)) || world_down
}

setup() {
    ((EUID == 0)) || skip 'needs root, for namespaces and services'
    # shellcheck source=/dev/null
    source "$WORLD/box/env"
    # shellcheck source=tests/lib.bash disable=SC1091
    source "$ROOT/tests/lib.bash"
    PLUGINS=$(dpkg -L libsasl2-modules-db | sed -n 's|/libsasldb\.so$||p')
}

teardown() {
    if ((EUID == 0)) && [[ -z ${BATS_TEST_COMPLETED-} ]]; then
        show_logs
        repair_world
        in_world install -m 644 "$PAT_BUILD/sasl2/libpat.so" "$PLUGINS"
    fi
}

# --- Postfix: who gets in --------------------------------------------------------------

@test "Postfix: a token lets its user in, by every mechanism, in a jail and without" {
    local service

    new_token alice acme
    for service in postfix postfix-jail; do
        accepted "$service" alice
        smtp "$service" "PLAIN-LATER - alice $TOKEN" AGAIN "LOGIN-NAME alice $TOKEN"
        expect "PLAIN-LATER 334 \"\"
PLAIN-LATER $ACCEPTED
LOGIN-NAME 334 \"Password:\"
LOGIN-NAME $ACCEPTED"
    done
    new_token bob globex
    accepted postfix bob
}

@test "Postfix: a login leaves its time and its place with the token" {
    new_token alice acme
    smtp postfix "PLAIN - alice $TOKEN"
    expect "PLAIN $ACCEPTED"
    wait_for 15 has_last_used smtp
}

@test "Postfix: a mail is taken from who logged in, and the log has the owner's name" {
    local from='MAIL FROM:<bob@example.com>' to='RCPT TO:<somebody@example.net>'
    local sent=$'\nMAIL 250 2.1.0 Ok\nRCPT 250 2.1.5 Ok\nMESSAGE 250 2.0.0 '

    new_token bob acme
    smtp postfix "$from" "$to" MESSAGE
    [[ $output == $'MAIL 250 2.1.0 Ok\nRCPT 553 5.7.1 '*': not logged in' ]]
    smtp postfix "PLAIN - carol $TOKEN" 'MAIL FROM:<>' "$to" MESSAGE
    [[ $output == "PLAIN $REFUSED"$'\nMAIL 250 2.1.0 Ok\nRCPT 554 5.7.1 '*': Access denied' ]]
    said 1 'NOQUEUE: reject: RCPT'
    said 0 'sasl_method='
    smtp postfix-jail "PLAIN - bob $TOKEN" "$from" "$to" MESSAGE
    [[ $output == "PLAIN $ACCEPTED$sent"* ]]
    said 1 'sasl_method=PLAIN, sasl_username=bob$'
    smtp postfix "OAUTHBEARER - $TOKEN" "$from" "$to" MESSAGE
    [[ $output == "OAUTHBEARER $ACCEPTED$sent"* ]]
    said 1 'sasl_method=OAUTHBEARER, sasl_username=bob$'
    smtp postfix "PLAIN - bob $TOKEN" 'MAIL FROM:<alice@example.com>' "$to"
    [[ $output == "PLAIN $ACCEPTED"$'\n'*': not owned by user bob' ]]
}

@test "Postfix: curl sends a mail with a bearer token, over TLS" {
    new_token alice acme
    smtp postfix-tls 'EHLO again' "PLAIN - alice $TOKEN"
    [[ $output != *AUTH* && $output == *'PLAIN 5'* ]]
    curl_smtp postfix-tls alice --ssl-reqd --cacert "$WORLD/tls.pem"
    ((status == 0))
    [[ $output == *"< $ACCEPTED"* && $output == *'< 250 2.0.0 Ok: queued'* ]]
    said 1 'sasl_method=OAUTHBEARER, sasl_username=alice$'
    revoke "$MINT_DN"
    curl_smtp postfix-tls alice --ssl-reqd --cacert "$WORLD/tls.pem"
    ((status == 67))
    [[ $output == *"< 334 $(printf '%s' "$INVALID_TOKEN" | base64)"$'\n'"< $REFUSED" ]]
}

# --- Postfix: who does not ---------------------------------------------------------------

@test "Postfix: a token that is in no directory is refused" {
    unknown_token
    refused postfix alice 'no such token'
    (($(count_lookups) == 4))
}

@test "Postfix: a mistyped token is refused without asking the directory" {
    new_token alice acme
    mistype_token
    refused postfix alice 'not a token'
    (($(count_lookups) == 0))
}

@test "Postfix: what only begins like a token is refused without asking the directory" {
    local zeros

    zeros=$(printf '0%.0s' {1..900})
    for TOKEN in rhp_ rhp_0 "rhp_${zeros:0:38}" "rhp_${zeros:0:37}=" "rhp_$zeros"; do
        refused postfix bob 'not a token'
        (($(count_lookups) == 0))
    done
}

@test "Postfix: an expired token is refused" {
    new_token alice acme "patExpires: $(now_gt 3600)"
    smtp postfix "PLAIN - alice $TOKEN"
    expect "PLAIN $ACCEPTED"
    expire "$MINT_DN"
    refused postfix alice 'token has expired'
}

@test "Postfix: a token is refused at the very next login after ldapmodify revoked it" {
    new_token alice acme
    accepted postfix-jail alice
    revoke "$MINT_DN"
    refused postfix-jail alice 'token is revoked'
    refused postfix alice 'token is revoked'
}

@test "Postfix: a token is refused at the very next login after its owner left the org" {
    new_token carol acme
    accepted postfix carol
    change_member delete carol acme viewers
    refused postfix carol 'token is revoked'
    change_member add carol acme viewers
    refused postfix carol 'token is revoked'
}

@test "Postfix: a token of somebody else is refused" {
    new_token bob acme
    refused postfix alice 'token belongs to another user'
    refused postfix nobody-of-that-name 'token belongs to another user'
    refused postfix bob@host.example.org 'token belongs to another user'
}

@test "Postfix: a token of another org is refused where pat_org names one" {
    new_token bob globex
    refused postfix-org bob "$OUT_OF_SCOPE" 'org globex is not accepted here'
    accepted postfix bob
    new_token bob acme
    accepted postfix-org bob
}

@test "Postfix: a role is refused where pat_role does not name it" {
    new_token carol acme
    refused postfix-role carol "$OUT_OF_SCOPE" 'role viewer is not accepted here'
    accepted postfix carol
    new_token bob acme
    accepted postfix-role bob
}

@test "Postfix: a token is refused where its patService does not reach" {
    new_token alice acme 'patService: imap' 'patService: sshd*'
    refused postfix alice "$OUT_OF_SCOPE" 'patService does not list this service'
    new_token alice acme 'patService: imap' 'patService: smtp'
    accepted postfix alice
}

@test "Postfix: a token is refused where its patSource does not reach" {
    new_token alice acme 'patSource: 192.0.2.0/24' 'patSource: 127.0.0.1/32'
    accepted postfix alice
    from 127.0.0.2 refused postfix alice "$OUT_OF_SCOPE" \
        "patSource does not list the client's address"
}

@test "Postfix: a token acts for nobody but its owner" {
    new_token alice acme
    smtp postfix "PLAIN alice alice $TOKEN" AGAIN "PLAIN bob alice $TOKEN" AGAIN \
        "PLAIN alice bob $TOKEN" AGAIN "PLAIN bob bob $TOKEN"
    expect "PLAIN $ACCEPTED
PLAIN $REFUSED
PLAIN $REFUSED
PLAIN $REFUSED"
    smtp postfix "OAUTHBEARER bob $TOKEN" AGAIN "XOAUTH2 - $TOKEN"
    [[ $output == *"OAUTHBEARER $REFUSED"* && $output != *"$ACCEPTED"* ]]
}

@test "Postfix: several attempts on one connection each count for themselves" {
    local bad

    unknown_token
    bad=$TOKEN
    new_token bob acme
    smtp postfix "PLAIN - bob $bad" "OAUTHBEARER bob $bad" "PLAIN - bob $PASSWORD-not" \
        "LOGIN bob $bad" "XOAUTH2 bob $TOKEN" "PLAIN - bob $TOKEN"
    expect "PLAIN $REFUSED
OAUTHBEARER 334 \"$INVALID_TOKEN\"
OAUTHBEARER $REFUSED
PLAIN $REFUSED
LOGIN 334 \"Username:\"
LOGIN 334 \"Password:\"
LOGIN $REFUSED
XOAUTH2 $ACCEPTED
PLAIN 503 5.5.1 Error: already authenticated"
    smtp postfix "XOAUTH2 bob $bad" "PLAIN - bob $PASSWORD"
    [[ $output == *"XOAUTH2 $REFUSED"$'\n'"PLAIN $ACCEPTED" ]]
}

@test "Postfix: a token in the place of the name is refused, and not logged" {
    new_token alice acme
    smtp postfix "PLAIN - $TOKEN x" AGAIN "LOGIN $TOKEN x" AGAIN "PLAIN $TOKEN alice x" \
        AGAIN "OAUTHBEARER $TOKEN x" AGAIN "XOAUTH2 $TOKEN $TOKEN" AGAIN \
        "PLAIN - $TOKEN@host.example.com $TOKEN"
    [[ $output != *"$ACCEPTED"* && $(grep -c "$REFUSED" <<<"$output") == 6 ]]
    (($(count_verdicts) == 0))
    said 6 'authentication failed'
    said 0 "$TOKEN"
}

@test "Postfix: messages of no form are refused without asking patd, and harm nobody" {
    local hex lines=()

    for hex in 00 0000 000000 616c696365 616c696365007068705f00 00616c69636500 \
        "00$(printf '61%.0s' {1..2000})00626262"; do
        lines+=("RAW PLAIN $hex" AGAIN)
    done
    # n,,^A^A   n,,^Aauth=Basic x^A^A   n,a=alice,^Aauth=Bearer   p=tls,,^Aauth=Bearer rhp_^A^A
    for hex in 6e2c2c0101 6e2c2c01617574683d426173696320780101 \
        6e2c613d616c6963652c01617574683d426561726572 \
        703d746c732c2c01617574683d426561726572207268705f0101; do
        lines+=("RAW OAUTHBEARER $hex" AGAIN "RAW XOAUTH2 $hex" AGAIN)
    done
    smtp postfix "${lines[@]}"
    (($(grep -c '^RAW 535 ' <<<"$output") == 15 && $(wc -l <<<"$output") == 15))
    (($(count_verdicts) == 0))
    new_token alice acme
    accepted postfix alice
}

# --- Postfix: passwords ------------------------------------------------------------------

@test "Postfix: an ordinary password lets in as before, and a wrong one does not" {
    local service

    for service in postfix postfix-jail postfix-org postfix-stock; do
        password_accepted "$service"
        password_refused "$service" "$PASSWORD-not"
    done
    password_refused postfix rhp
    password_refused postfix RHP_0000000000000000000000000000000000abcdef
    smtp postfix "OAUTHBEARER bob $PASSWORD" AGAIN "XOAUTH2 bob $PASSWORD"
    [[ $output == *"OAUTHBEARER $REFUSED"* && $output == *"XOAUTH2 $REFUSED" ]]
}

@test "Postfix: where there are no passwords, tokens alone let in" {
    new_token bob acme
    accepted postfix-alone bob
    password_refused postfix-alone "$PASSWORD"
    revoke "$MINT_DN"
    refused postfix-alone bob 'token is revoked'
}

@test "Postfix: who has no password gets in with pat_properties as well" {
    # The library looks for these properties wherever it has passwords, and does not know
    # alice there.
    new_token alice acme
    accepted postfix-properties alice
    password_accepted postfix-properties
    revoke "$MINT_DN"
    refused postfix-properties alice 'token is revoked'
}

@test "Postfix: a token is never tried as a password" {
    unknown_token
    in_world cp -p /etc/sasldb2 /etc/sasldb2.kept
    printf '%s\n' "$TOKEN" | in_world saslpasswd2 -p -c -u host.example.com carol
    # It is one, where the plugin is not used.
    smtp postfix-stock "PLAIN - carol $TOKEN"
    expect "PLAIN $ACCEPTED"
    refused postfix carol 'no such token'
    in_world mv /etc/sasldb2.kept /etc/sasldb2
}

@test "Postfix: a password that has a token in it, in any wrapping, is not tried" {
    local wrapped

    unknown_token
    in_world cp -p /etc/sasldb2 /etc/sasldb2.kept
    for wrapped in "x$TOKEN" "\"$TOKEN\"" $'\xc2\xa0'"$TOKEN" "x${TOKEN,,}" "${TOKEN^^}"; do
        printf '%s\n' "$wrapped" | in_world saslpasswd2 -p -c -u host.example.com carol
        smtp postfix-stock "PLAIN - carol $wrapped"
        expect "PLAIN $ACCEPTED"
        smtp postfix "PLAIN - carol $wrapped" AGAIN "LOGIN carol $wrapped"
        [[ $output != *"$ACCEPTED"* && $(grep -c "$REFUSED" <<<"$output") == 2 ]]
    done
    in_world mv /etc/sasldb2.kept /etc/sasldb2
}

# stock_filter [LINE...]: print what fail2ban's own filter for Postfix finds in the new lines,
# with these lines in postfix.local.
stock_filter() {
    new_syslog | sed 's/^<[0-9]*>//' >"$BATS_TEST_TMPDIR/postfix.log"
    fail2ban-regex -o ip "$BATS_TEST_TMPDIR/postfix.log" 'postfix[mode=auth]' "$@" | xargs
}

@test "Postfix: fail2ban finds every refusal once, with its address, and no outage" {
    local ignore

    ignore=$(sed -n 's/^ignoreregex = //p' "$ROOT/docs/fail2ban/ldap-pat-postfix.conf")
    unknown_token
    refused postfix alice 'no such token'
    bans 4 127.0.0.1
    smtp postfix "PLAIN - $TOKEN x" "PLAIN - alice \"$TOKEN\"" "OAUTHBEARER alice rhp_"
    bans 3 127.0.0.1
    # Two for each of PLAIN and LOGIN; of OAUTHBEARER the stock filter knows nothing.
    [[ $(stock_filter "$ignore") == '127.0.0.1 127.0.0.1' ]]
    new_token alice acme
    sandbox patd-stop
    unavailable postfix alice
    bans 0
    [[ -n $(stock_filter) ]]
    [[ -z $(stock_filter "$ignore") ]]
    sandbox patd-start
    sandbox slapd-stop
    unavailable postfix alice
    bans 0
    sandbox slapd-start
}

# --- Postfix: nobody knows -----------------------------------------------------------------

@test "Postfix: without patd tokens fail for the time being, and passwords go on" {
    new_token alice acme
    sandbox patd-stop
    # Four logins, of which each would take 3 s if it had to wait.
    unavailable postfix alice 8000
    unavailable postfix-jail alice 8000
    said 4 'socket /run/patd/patd.sock: nothing listens there'
    said 4 'SASL [A-Z0-9]+ authentication failed: remote authentication server unavailable'
    password_accepted postfix
    password_refused postfix "$PASSWORD-not"
    sandbox patd-start
    accepted postfix alice
    accepted postfix-jail alice
}

@test "Postfix: with a frozen patd tokens fail in time, and passwords go on" {
    new_token alice acme
    signal_patd STOP
    smtp postfix "PLAIN - alice $TOKEN"
    expect "PLAIN $UNAVAILABLE"
    no_hang "$SMTP_MS" 8000
    password_accepted postfix
    signal_patd CONT
    accepted postfix alice
}

@test "Postfix: without the directory tokens fail for the time being, and passwords go on" {
    new_token alice acme
    sandbox slapd-stop
    unavailable postfix alice
    said 4 'patd has no answer from the directory'
    decided 4 'verdict=unavailable'
    password_accepted postfix
    sandbox slapd-start
    accepted postfix alice
}

# both_in_hand: alice logs in by PLAIN and by OAUTHBEARER, on a connection each.
both_in_hand() {
    in_hand 'asked 2 /run/patd/patd.sock' at_once postfix-patient "PLAIN - alice $TOKEN" \
        "OAUTHBEARER alice $TOKEN"
}

@test "Postfix: patd is killed amid logins: they fail for the time being, and the next enter" {
    new_token alice acme
    patience 60s
    signal_slapd STOP
    both_in_hand
    kill_hard "$PAT_PATD_PID"
    handed
    signal_slapd CONT
    expect "PLAIN $UNAVAILABLE
OAUTHBEARER $UNAVAILABLE"
    said 2 'sasl_pat: token service is unavailable: socket .*: patd closed the connection'
    (($(count_verdicts) == 0))
    patience 3s
    accepted postfix-patient alice
}

@test "Postfix: slapd is killed amid logins: they fail for the time being, and the next enter" {
    new_token alice acme
    patience 60s
    signal_slapd STOP
    both_in_hand
    kill_hard "$PAT_SLAPD_PID"
    handed
    expect "PLAIN $UNAVAILABLE
OAUTHBEARER $UNAVAILABLE"
    said 2 'sasl_pat: token service is unavailable: patd has no answer from the directory'
    decided 2 "verdict=unavailable .*$LDAPURI"
    (($(count_verdicts) == 2))
    sandbox slapd-start
    accepted postfix-patient alice
    patience 3s
}

@test "Postfix: nobody at all gets in where an option is wrong, and the log tells which" {
    new_token alice acme
    smtp postfix-wrong "PLAIN - alice $TOKEN" "PLAIN - bob $PASSWORD" \
        "OAUTHBEARER alice $TOKEN"
    expect "PLAIN $UNAVAILABLE
PLAIN $UNAVAILABLE
OAUTHBEARER $UNAVAILABLE"
    said 3 'sasl_pat: option pat_timeout: .*all logins are refused until this is fixed'
    (($(count_verdicts) == 0))
}

# --- Postfix: the log, and where the plugin is not wanted ------------------------------------

@test "Postfix: the log says who failed by which mechanism, and why" {
    new_token alice acme
    revoke "$MINT_DN"
    refused postfix alice 'token is revoked'
    said 1 'SASL PLAIN authentication failed: authentication failure, sasl_username=alice$'
    said 1 'SASL LOGIN authentication failed: authentication failure, sasl_username=alice$'
    said 1 'SASL OAUTHBEARER authentication failed: .*, sasl_username=alice$'
    said 1 'SASL XOAUTH2 authentication failed: .*, sasl_username=alice$'
}

no_stock_process() {
    ! in_world pgrep -f 'smtpd_sasl_path=smtpd-stoc[k]'
}

# Print all that a service without pat_socket says and logs, but for times and pids, and
# what the library says it has. Sets LOADED to whether the service has loaded the plugin.
stock_service() {
    local pid

    # A process that began with another set of plugins ends.
    in_world postfix reload
    wait_for 20 no_stock_process
    smtp postfix-stock 'EHLO again' "PLAIN - alice $TOKEN" "PLAIN - bob $PASSWORD-not" \
        "LOGIN bob $PASSWORD-not" "OAUTHBEARER alice $TOKEN" "PLAIN bob alice x" \
        'RAW PLAIN 00' "LOGIN bob $PASSWORD" NOOP
    wait_for 15 logged 'disconnect from'
    pid=$(in_world pgrep -f 'smtpd_sasl_path=smtpd-stoc[k]')
    LOADED=$(in_world grep -c 'libpat\.so' "/proc/$pid/maps" || true)
    printf '%s\n' "$output"
    in_world saslpluginviewer
    world_idle
    new_syslog | grep -E 'postfix/smtpd|pluginviewer' |
        sed -E 's/>[A-Z][a-z]{2} +[0-9]+ [0-9:]{8} />/; s/\[[0-9]+\]:/:/'
}

@test "a service without pat_socket is to the byte what it is without the plugin" {
    local with=$BATS_TEST_TMPDIR/with without=$BATS_TEST_TMPDIR/without

    new_token alice acme
    stock_service >"$with"
    ((LOADED > 0))
    in_world rm "$PLUGINS/libpat.so"
    stock_service >"$without"
    ((LOADED == 0))
    in_world install -m 644 "$PAT_BUILD/sasl2/libpat.so" "$PLUGINS"
    in_world postfix reload
    diff "$without" "$with"
    # And that is not nothing.
    grep -q '^250-AUTH PLAIN LOGIN$' "$with"
    grep -q "^LOGIN $ACCEPTED\$" "$with"
    (($(grep -c 'postfix/smtpd: warning: .*authentication failed' "$with") == 6))
    (($(grep -ci 'pat\>' "$with") == 0))
}

@test "slapd, which loads the plugin as well, offers nothing of it" {
    local pid

    sandbox slapd-stop
    sandbox slapd-start
    pid=$(<"$PAT_SLAPD_PID")
    (($(in_world grep -c 'libpat\.so' "/proc/$pid/maps") > 0))
    run ldap_admin ldapsearch -LLL -b '' -s base supportedSASLMechanisms
    [[ $output == *DIGEST-MD5* && $output != *OAUTH* ]]
}

# --- the library -----------------------------------------------------------------------------

@test "saslpluginviewer shows the plugin first, where the configuration asks for it" {
    in_world mkdir /run/check
    in_world cp /etc/postfix/sasl/smtpd.conf /run/check/pluginviewer.conf
    run in_world env SASL_CONF_PATH=/run/check saslpluginviewer -s -m PLAIN
    [[ $(grep '^Plugin' <<<"$output") == \
        'Plugin "pat" [loaded], '*$'\nPlugin "plain" [loaded], '* ]]
    run in_world saslpluginviewer -s -m PLAIN
    [[ $(grep '^Plugin' <<<"$output") == 'Plugin "plain" '* && $output != *'"pat"'* ]]
    in_world rm -r /run/check
}

# The plugins in a new directory, in an order and with names that number N makes; ours is
# p, and the stock one that offers PLAIN is s. On tmpfs, the order of the directory comes
# from the order in which files were made.
# shellcheck disable=SC2016     # for the shell within
make_order() {
    in_world bash -euc '
        shift
        mkdir -p "/run/order/$0"
        files=("$@")
        for ((i = 0; i < $#; i++)); do
            file=${files[(i * 3 + $0) % $#]}
            name=$(printf "%s%s" "$0" "${file##*/}" | sha256sum)
            cp -L "$file" "/run/order/$0/${name:0:8}-${file##*/}"
        done
        ls -U "/run/order/$0" | sed -n "s/.*-libpat.so/p/p; s/.*-libplain.so/s/p"' \
        "$1" - "$PAT_BUILD/sasl2/libpat.so" \
        "$WORLD"/stock/lib{plain,login,sasldb,crammd5,anonymous,scram}.so |
        tr -d '\n'
}

@test "our PLAIN and LOGIN come first in whatever order the directory has the plugins" {
    local n orders=''

    new_token alice acme
    in_world ln -s /etc/sasl2/sample.conf /etc/sasl2/pluginviewer.conf
    for n in {1..20}; do
        orders+=" $(make_order "$n")"
        sample "PLAIN\\0\\0alice\\0$TOKEN" "/run/order/$n"
        sample_accepted alice
        sample LOGIN "/run/order/$n" alice "$TOKEN"
        sample_accepted alice
        decided 1 accept
        run in_world saslpluginviewer -s -p "/run/order/$n" -m PLAIN
        [[ $(grep '^Plugin' <<<"$output") == 'Plugin "'*libpat* ||
            $(grep -m 1 '^Plugin' <<<"$output") == *'pat" '* ]]
    done
    in_world rm -r /etc/sasl2/pluginviewer.conf /run/order
    # Both orders were among them.
    [[ $orders == *ps* && $orders == *sp* ]]
}

@test "sample server: the forms of PLAIN and LOGIN that services seldom take" {
    new_token alice acme
    sample "PLAIN\\0\\0alice\\0$TOKEN" "$PLUGINS"
    sample_accepted alice
    sample "PLAIN" "$PLUGINS" "\\0alice\\0$TOKEN"
    sample_accepted alice
    sample "PLAIN\\0alice\\0alice\\0$TOKEN" "$PLUGINS"
    sample_accepted alice
    sample "PLAIN\\0bob\\0alice\\0$TOKEN" "$PLUGINS"
    sample_refused 'authentication failure'
    sample "LOGIN" "$PLUGINS" alice "$TOKEN"
    sample_accepted alice
    sample "LOGIN\\0alice" "$PLUGINS" "$TOKEN"
    sample_accepted alice
    sample "LOGIN" "$PLUGINS" bob "$TOKEN"
    sample_refused 'authentication failure'
    sample "LOGIN" "$PLUGINS" bob "$PASSWORD"
    sample_accepted bob
    sample "OAUTHBEARER\\0n,,\\001auth=Bearer $TOKEN\\001\\001" "$PLUGINS"
    sample_accepted alice
    revoke "$MINT_DN"
    sample "OAUTHBEARER\\0n,,\\001auth=Bearer $TOKEN\\001\\001" "$PLUGINS" "\\001"
    sample_refused 'authentication failure'
    grep -q "S: $(printf '%s' "$INVALID_TOKEN" | base64)" <<<"$output"
}

@test "sample server: a token is not stored as a password, whatever auto_transition says" {
    new_token alice acme
    sample "PLAIN\\0\\0alice\\0$TOKEN" "$PLUGINS"
    sample_accepted alice
    sample "LOGIN" "$PLUGINS" alice "$TOKEN"
    sample_accepted alice
    run in_world sasldblistusers2 -f /etc/sample-sasldb2
    [[ $output == *bob@host.example.com* && $output != *alice* ]]
}

# --- memcached -----------------------------------------------------------------------------

@test "memcached: tokens and passwords, with the host in the name or not" {
    new_token alice acme
    memcached MECHS "PLAIN - alice $TOKEN" "SET key value" "GET key" AGAIN \
        "PLAIN - alice@host.example.com $TOKEN" "GET key" AGAIN \
        "PLAIN alice alice $TOKEN" "GET key" AGAIN "PLAIN - bob $PASSWORD" "GET key"
    expect 'MECHS 0 PLAIN
PLAIN 0 Authenticated
SET 0
GET 0 value
PLAIN 0 Authenticated
GET 0 value
PLAIN 0 Authenticated
GET 0 value
PLAIN 0 Authenticated
GET 0 value'
    decided 3 'user=alice .*service=memcached '
}

# memcached_refused LINE...: each on a connection of its own, and with no access afterwards.
memcached_refused() {
    local line lines=() wanted=''

    for line; do
        lines+=("$line" "GET key" AGAIN)
        wanted+=$'PLAIN 32 Auth failure.\nGET 32 Auth failure.\n'
    done
    memcached "${lines[@]}"
    expect "${wanted%$'\n'}"
}

@test "memcached: whatever is not right is refused" {
    new_token alice acme
    memcached "PLAIN - alice $TOKEN" "SET key value"
    memcached_refused "PLAIN - bob $TOKEN" "PLAIN - alice@other.example.com $TOKEN" \
        "PLAIN bob alice $TOKEN" "PLAIN - bob $PASSWORD-not" "PLAIN - alice $PASSWORD"
    revoke "$MINT_DN"
    memcached_refused "PLAIN - alice $TOKEN" "PLAIN - alice@host.example.com $TOKEN"
    new_token alice acme 'patService: smtp'
    memcached_refused "PLAIN - alice $TOKEN"
    # It does not tell where a client is, so that no limit of this kind can hold.
    new_token alice acme 'patSource: 127.0.0.1'
    memcached_refused "PLAIN - alice $TOKEN"
    new_token alice acme
    sandbox patd-stop
    memcached_refused "PLAIN - alice $TOKEN"
    sandbox patd-start
    memcached "PLAIN - alice $TOKEN"
    expect 'PLAIN 0 Authenticated'
}

# together GOOD BAD: eight clients while patd is stopped, so that all threads wait at once.
together() {
    local i pids=() names=(alice bob) tokens=("$1" "$2")

    signal_patd STOP
    for i in {0..7}; do
        printf 'PLAIN - %s %s\n' "${names[i % 2]}" "${tokens[i % 2]}" |
            in_world python3 "$BATS_TEST_DIRNAME/memcached_client.py" \
                "$(<"$WORLD/port/memcached")" >"$BATS_TEST_TMPDIR/$i" 3>&- &
        pids+=($!)
    done
    # As many as it has threads; no more than one of each can ask patd.
    wait_for 20 eval '(($(connections /run/patd/patd.sock "$WORLD_INIT") == 4))'
    signal_patd CONT
    wait "${pids[@]}"
    [[ $(cat "$BATS_TEST_TMPDIR"/[0246]) == "$(printf 'PLAIN 0 Authenticated\n%.0s' {1..4})" ]]
    [[ $(cat "$BATS_TEST_TMPDIR"/[1357]) == "$(printf 'PLAIN 32 Auth failure.\n%.0s' {1..4})" ]]
}

# crowd GOOD BAD: four clients with many logins each.
crowd() {
    local i pids=()

    for i in {1..4}; do
        for _ in {1..25}; do
            printf 'PLAIN - alice %s\nAGAIN\nPLAIN - bob %s\nAGAIN\nPLAIN - bob %s\nAGAIN\n' \
                "$1" "$2" "$PASSWORD"
        done | in_world python3 "$BATS_TEST_DIRNAME/memcached_client.py" \
            "$(<"$WORLD/port/memcached")" >"$BATS_TEST_TMPDIR/$i" 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    for i in {1..4}; do
        [[ $(awk 'NR % 3 == 2' "$BATS_TEST_TMPDIR/$i" | uniq -c | xargs) == \
            '25 PLAIN 32 Auth failure.' ]]
        [[ $(awk 'NR % 3 != 2' "$BATS_TEST_TMPDIR/$i" | uniq -c | xargs) == \
            '50 PLAIN 0 Authenticated' ]]
    done
}

@test "memcached: its threads get the right answers for many clients at once" {
    local good

    new_token alice acme
    good=$TOKEN
    new_token bob acme
    revoke "$MINT_DN"
    mark_logs
    together "$good" "$TOKEN"
    crowd "$good" "$TOKEN"
    decided 104 'verdict=accept .*user=alice '
    decided 104 'verdict=refuse .*user=bob '
}

# --- svnserve --------------------------------------------------------------------------------

@test "svnserve: tokens and passwords, with the repository's realm in the name or not" {
    new_token alice acme
    svn_list alice "$TOKEN"
    ((status == 0))
    wait_for 15 grep -q ' alice svn list' "$WORLD/log/svn.log"
    svn_list alice@svn.example.com "$TOKEN"
    ((status == 0))
    decided 1 'verdict=accept .*user=alice .*service=svn source=127.0.0.1'
    svn_list bob "$PASSWORD"
    ((status == 0 && $(count_verdicts) == 0))
    svn_list bob@svn.example.com "$PASSWORD"
    ((status == 0))
}

# svn_refused USER SECRET [WHY]
svn_refused() {
    svn_list "$1" "$2"
    ((status == 1)) || fault 'accepted'
    [[ $output == *'Authentication error from server: '*"${3-authentication failure}"* ]]
}

@test "svnserve: whatever is not right is refused" {
    new_token alice acme 'patSource: 127.0.0.1'
    svn_list alice "$TOKEN"
    ((status == 0))
    svn_refused bob "$TOKEN"
    # svnserve itself knows but one realm.
    svn_refused alice@other.example.com "$TOKEN" 'bad protocol'
    svn_refused bob "$PASSWORD-not"
    svn_refused alice "$PASSWORD" 'user not found'
    revoke "$MINT_DN"
    svn_refused alice "$TOKEN"
    bans 2 127.0.0.1 # svn tries twice
    svn_refused alice@svn.example.com "$TOKEN"
    new_token alice acme 'patService: smtp'
    svn_refused alice "$TOKEN"
    new_token alice acme
    sandbox patd-stop
    svn_refused alice "$TOKEN" 'token service is unavailable'
    sandbox patd-start
    svn_list alice "$TOKEN"
    ((status == 0))
}

# --- Cyrus IMAP --------------------------------------------------------------------------------

imap_plain() { imap "user = \"$1:$2\"" "${@:3}"; }
imap_bearer() { imap "user = \"$1\"
oauth2-bearer = \"$TOKEN\"" "${@:2}"; }

imap_accepted() {
    ((status == 0)) || fault 'refused'
    [[ $output == *'* LIST (\HasNoChildren) "/" INBOX'* ]] || fault 'no mailbox'
    said 1 "login: localhost \[127.0.0.1\] $1 $2 User logged in"
}

imap_refused() {
    ((status == 67)) || fault 'not refused'
    [[ $output == *'NO '"$1" && $output != *'* LIST'* ]] || fault "not: $1"
    said 1 'badlogin: '
    said 0 'User logged in'
}

@test "Cyrus IMAP: tokens by PLAIN, OAUTHBEARER and XOAUTH2, and passwords" {
    new_token alice acme
    imap_plain alice "$TOKEN"
    imap_accepted alice PLAIN
    decided 1 'user=alice .*service=imap source=127.0.0.1 '
    imap_plain alice "$TOKEN" --sasl-ir
    imap_accepted alice PLAIN
    imap_bearer alice
    imap_accepted alice OAUTHBEARER
    imap_bearer alice --ssl-reqd --cacert "$WORLD/tls.pem"
    imap_accepted alice 'OAUTHBEARER\+TLS'
    imap_by XOAUTH2 alice "$TOKEN"
    expect OK
    said 1 'alice XOAUTH2 User logged in'
    imap_plain bob "$PASSWORD"
    imap_accepted bob PLAIN
    (($(count_verdicts) == 0))
}

@test "Cyrus IMAP: whatever is not right is refused" {
    new_token alice acme
    imap_plain bob "$TOKEN"
    imap_refused 'authentication failure'
    imap_bearer bob
    imap_refused 'authentication failure'
    [[ $output == *"< + $(printf '%s' "$INVALID_TOKEN" | base64)"* ]]
    imap_plain alice@other.example.com "$TOKEN"
    imap_refused 'authentication failure'
    imap_plain alice "$TOKEN" --sasl-authzid bob
    imap_refused 'authentication failure'
    imap_plain bob "$PASSWORD-not"
    imap_refused 'authentication failure'
    revoke "$MINT_DN"
    imap_plain alice "$TOKEN"
    imap_refused 'authentication failure'
    imap_bearer alice
    imap_refused 'authentication failure'
    said 1 'sasl_pat: authentication failure; service=imap rhost=127.0.0.1 user= reason="token is revoked"$'
    bans 1 127.0.0.1
    new_token alice acme 'patService: smtp'
    imap_plain alice "$TOKEN"
    imap_refused 'authentication failure'
}

@test "Cyrus IMAP: its own command LOGIN is for passwords alone" {
    new_token alice acme
    imap_by LOGIN alice "$TOKEN"
    expect "b'Login failed: authentication failure'"
    (($(count_verdicts) == 0))
    imap_by LOGIN bob "$PASSWORD"
    expect OK
}

@test "Cyrus IMAP: where patd stands for saslauthd, its command LOGIN takes tokens as well" {
    new_token alice acme
    imap_by LOGIN alice "$TOKEN" imap-saslauthd
    expect OK
    decided 1 'accept .*user=alice .*service=imap '
    said 1 'alice plaintext User logged in'
    imap_by LOGIN bob "$PASSWORD" imap-saslauthd
    expect OK
    (($(count_verdicts) == 0))
    imap_by XOAUTH2 alice "$TOKEN" imap-saslauthd
    expect OK
    imap_by LOGIN bob "$TOKEN" imap-saslauthd
    expect "b'Login failed: authentication failure'"
    imap_by LOGIN bob "$PASSWORD-not" imap-saslauthd
    expect "b'Login failed: authentication failure'"
    revoke "$MINT_DN"
    imap_by LOGIN alice "$TOKEN" imap-saslauthd
    expect "b'Login failed: authentication failure'"
    decided 1 'reason="token is revoked"'
}

@test "Cyrus IMAP: without patd tokens fail, and passwords go on" {
    new_token alice acme
    sandbox patd-stop
    imap_plain alice "$TOKEN"
    imap_refused 'remote authentication server unavailable'
    imap_plain bob "$PASSWORD"
    imap_accepted bob PLAIN
    sandbox patd-start
    imap_plain alice "$TOKEN"
    imap_accepted alice PLAIN
}

# --- what they leave behind ----------------------------------------------------------------

# The last one, for it goes through what all others left behind.
@test "no token stands in any log or other file" {
    local planted=$WORLD/log/planted
    local spools=(/var/spool/postfix /var/lib/postfix /var/spool/cyrus /var/lib/cyrus)

    new_token alice acme
    accepted postfix alice
    refused postfix bob 'token belongs to another user'
    # The search does find what is there.
    printf 'S: %s\n' "$(printf '\0alice\0%s' "$TOKEN" | base64 -w 0)" >"$planted"
    in_world cp "$WORLD/secret/tokens" /var/spool/postfix/planted
    cp "$WORLD/secret/tokens" "$WORLD/box/db"
    [[ $(files_with_tokens "${spools[@]}") == \
        "$planted"$'\n/var/spool/postfix/planted\ndb' ]]
    in_world rm -f -- "$planted" /var/spool/postfix/planted "$WORLD/box/db/tokens"
    [[ -z $(files_with_tokens "${spools[@]}") ]]
}
