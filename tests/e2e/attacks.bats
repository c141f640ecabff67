#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031 # each test is a process of its own
#
# What an attacker would try who may use the sockets, choose names, share the machine or
# look at what is left behind.

load common
load patctl-lib

setup_file() {
    sandbox_up --tls
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    # A good deal of what follows is about what nobody else may read.
    SECRETS=$(mktemp -d "$BATS_TEST_TMPDIR/secret.XXXXXX")
    cp -p "$PAT_CONF" "$SECRETS/patd.conf"
    log_mark
    slapd_mark
}

teardown() {
    end_background
    if ! cmp -s "$SECRETS/patd.conf" "$PAT_CONF"; then
        cp "$SECRETS/patd.conf" "$PAT_CONF"
        sandbox patd-restart
    fi
}

fault() {
    printf '%s\n' "$1"
    return 1
}

attack() { python3 "$BATS_TEST_DIRNAME/attack_client.py" "$@"; }

# token_file: MINT_TOKEN in a file that nobody else can read. Sets TOKEN_FILE.
token_file() {
    TOKEN_FILE=$SECRETS/token
    (umask 077 && printf '%s\n' "$MINT_TOKEN" >"$TOKEN_FILE")
}

# The filters that slapd was asked with since then, once each, with how often.
filters() {
    slapd_since | sed -n 's/.* SRCH base=.* filter="\(.*\)"$/\1/p' | sort | uniq -c
}

TOKEN_FILTER='(&(patHash=HASH)(|(patRevoked=*)(!(patRevoked=*)))'
TOKEN_FILTER+='(|(patExpires=*)(!(patExpires=*)))(|(patService=*)(!(patService=*)))'
TOKEN_FILTER+='(|(patSource=*)(!(patSource=*))))'

# only_filters FILTER...
# slapd was asked with these and no others, whatever the hash.
only_filters() {
    local found

    found=$(filters | sed -E 's/^ *[0-9]+ //; s/patHash=[0-9a-f]{64}/patHash=HASH/' | sort -u)
    [[ $found == "$(printf '%s\n' "$@" | sort -u)" ]] ||
        fault "slapd was asked with: $found"
}

accepted_twice() { (($(log_since | grep -c ': verdict=accept') == 2)); }

# --- names ---------------------------------------------------------------------------------

@test "no hostile name of a user, service, address, org, role or token is anybody's" {
    local asked found
    mint alice acme 'patService: smtp' 'patSource: 192.0.2.7'
    token_file
    asked=$(attack inject "$PAT_SOCKET" "$TOKEN_FILE")
    ((asked > 200)) || fault "only $asked were asked"
    # What was no token was not looked for; what was, by nothing but its hash.
    only_filters "$TOKEN_FILTER"
    found=$(slapd_since | grep -c 'filter="(&(patHash=')
    ((found == asked)) || fault "$found searches for $asked requests"
    # No line is forged.
    logged 'reason="token belongs to another user"'
    wait_for 5 accepted_twice || fault 'a verdict is forged, or missing'
    ! log_since | grep -vE '^[0-9TZ:-]+ patd\[[0-9]+\]: (info|warning|error): ' ||
        fault 'these lines are not of patd'
    ! log_since | LC_ALL=C grep -P '[^\x20-\x7e]' || fault 'a log has what a terminal obeys'
}

@test "PAM: no hostile user name is anybody's" {
    local name count=0
    mint alice acme
    while IFS= read -r -d '' name; do
        login plain "$name"
        expect PAM_AUTH_ERR
        count=$((count + 1))
    done < <(attack names)
    ((count > 40)) || fault "only $count names"
    login plain "$(printf '%0300d' 0)"
    expect PAM_AUTH_ERR
    login plain alice
    expect PAM_SUCCESS
    only_filters "$TOKEN_FILTER"
}

@test "HTTP: no hostile user of Basic is anybody's, whatever the client says that it is" {
    local socket=$SANDBOX/run/attack.fcgi
    mint alice acme 'patSource: 192.0.2.7'
    token_file
    in_background "$PAT_BUILD/pat-fcgi" -s "$socket" -u nobody -p "$PAT_SOCKET" -b \
        2>"$SECRETS/fcgi.log"
    wait_for 5 unix_listens "$socket"
    attack http "$socket" "$TOKEN_FILE"
    only_filters "$TOKEN_FILTER"
}

# sasl USER AUTHZID: PLAIN with MINT_TOKEN at the sample server. Sets output without what the
# client sent.
sasl() {
    output=$(printf 'C: %s\nC: %s\n' "$(printf PLAIN | base64 -w 0)" \
        "$(printf '%s\0%s\0%s' "$2" "$1" "$MINT_TOKEN" | base64 -w 0)" |
        SASL_CONF_PATH=$SECRETS sasl-sample-server -s smtp -p "$SECRETS/sasl" 2>&1 |
        grep -av '^got ') || true
}

@test "SASL: no hostile authorization identity or user name is anybody's" {
    local name
    [[ ${SANITIZE-} != 1 ]] || return 0 # the sample server cannot load such a plugin
    mint alice acme
    mkdir "$SECRETS/sasl"
    cp "$PAT_BUILD/sasl2/libpat.so" "$SECRETS/sasl"
    printf '%s\n' "pat_socket: $PAT_SOCKET" 'log_level: 2' >"$SECRETS/sample.conf"
    sasl alice alice
    [[ $output == *'Negotiation complete'* ]]
    while IFS= read -r -d '' name; do
        sasl alice "$name"
        # libsasl2 itself takes spaces off both ends.
        [[ $output != *'Negotiation complete'* || " $name " =~ [[:space:]]alice[[:space:]] ]] ||
            fault "alice acts for: $name"
        sasl "$name" ''
        [[ $output != *'Negotiation complete'* || " $name " =~ [[:space:]]alice[[:space:]] ]] ||
            fault "is let in: $name"
    done < <(attack names)
    only_filters "$TOKEN_FILTER"
}

@test "a name that is full of what filters are made of is its owner's alone" {
    filter_person
    # Without and with a filter for the owner's entry. nohook.bats has patd's own searches.
    for filter in '' '(objectClass=person)'; do
        [[ -z $filter ]] || set_conf "owner_filter = $filter"
        mint alice acme
        slapd_mark
        login plain "$FILTER_UID"
        expect PAM_AUTH_ERR
        mint "$FILTER_RDN" acme
        slapd_mark
        login plain alice
        expect PAM_AUTH_ERR
        login plain "$FILTER_UID"
        expect PAM_SUCCESS
        grep -q '^PAT_ROLE=member$' <<<"$output"
    done
    # Roles that the overlay computes are the only source: patd asks for no group itself.
    only_filters "$TOKEN_FILTER" '(objectClass=person)'
}

# Everything below the orgs, as the administrator sees it.
tree() {
    ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "ou=orgs,$PAT_BASE" '(objectClass=*)' '*' +
}

@test "patctl: no hostile argument finds, makes, revokes or changes anything" {
    local name count=0
    mint alice acme
    mint dave globex
    tree >"$SECRETS/before"
    slapd_mark
    while IFS= read -r -d '' name; do
        # Of these some are made for filters and DNs; and a whole DN is what it seems.
        [[ $name == *[\*\(\)\\,@+\;%]* && $name != uid=alice,* ]] || continue
        count=$((count + 1))
        ! pc admin revoke "$name" || fault "revoke $name"
        ! pc admin revoke --owner "$name" --org acme --yes || fault "revoke --owner $name"
        ! pc admin list --owner "$name" || fault "list --owner $name"
        ! pc admin list --org "$name" || fault "list --org $name"
        ! pc admin mint --org "$name" --owner alice || fault "mint --org $name"
        ! pc admin mint --org acme --owner "$name" || fault "mint --owner $name"
        ! pc alice mint --org acme --id "$name" || fault "mint --id $name"
        ! pc admin member add "$name" owner --org acme || fault "member add $name"
    done < <(attack names) >/dev/null 2>"$SECRETS/errors"
    ((count > 15)) || fault "only $count names"
    tree | diff "$SECRETS/before" - || fault 'something has changed'
    # A star stands for itself, and a bracket ends nothing.
    filters | grep -qF '(uid=\2A)' || fault 'the search for * is not seen'
    filters | grep -qF '(uid=alice\29\28uid=\2A)' || fault 'the search for brackets is not seen'
    ! filters | grep -E '\((uid|o|ou|cn|dc|patId|patOwner)=[^)]*\*' ||
        fault 'a star was taken for anything'
}

# --- time ----------------------------------------------------------------------------------

# refusal NAME UID USER ORG [LDIF-LINE...]
# A token of UID in acme that is refused to USER where ORG is asked for.
refusal() {
    mint "$2" acme "${@:5}"
    printf '%s %s %s %s\n' "$1" "$MINT_TOKEN" "$3" "$4" >>"$SECRETS/refusals"
}

has_passed() { [[ $(now_gt) > $1 ]]; }

# The directory is asked alike for all of them, and what is decided after that takes no time
# to speak of. With owner_filter there are two rounds of questions, of which an early refusal
# would save one.
@test "the time of a refusal does not tell what is wrong with a token that exists" {
    local filter expires
    expires=$(now_gt 5)
    (umask 077 && : >"$SECRETS/refusals")
    refusal expired alice alice acme "patExpires: $expires"
    refusal revoked alice alice acme
    revoke "$MINT_DN"
    refusal of-another-user bob alice acme
    refusal of-another-org alice alice globex
    refusal for-another-service alice alice acme 'patService: other'
    wait_for 15 has_passed "$expires"
    for filter in '' '(objectClass=person)'; do
        [[ -z $filter ]] || set_conf "owner_filter = $filter"
        printf '# %s\n' "owner_filter = $filter"
        # The sanitizers' time is not ours.
        [[ ${SANITIZE-} == 1 ]] ||
            PYTHONPATH=$BATS_TEST_DIRNAME python3 "$BATS_TEST_DIRNAME/attack_timing.py" \
                "$PAT_SOCKET" "$SECRETS/refusals" "${PAT_TIMING_ROUNDS:-800}"
    done
    rm "$SECRETS/refusals"
}

# --- files and sockets ---------------------------------------------------------------------

# not_started PROGRAM TEXT ARG...
# It says so at once, exit status 78, and with that text: which file, and what to do.
not_started() {
    local program=$1 text=$2
    shift 2

    run timeout $((20 * PAT_TIME_SCALE)) "$PAT_BUILD/$program" "$@"
    [[ $status -eq 78 && $output == *"$text"* ]] ||
        fault "not refused with \"$text\": status $status, $output"
}

# conf_for SOCKET [LINE...]: sets CONF, patd's configuration with that socket
conf_for() {
    CONF=$SAFE/patd.conf
    sed "s|^socket = .*|socket = $1|" "$PAT_CONF" >"$CONF"
    (($# == 1)) || printf '%s\n' "${@:2}" >>"$CONF"
}

# safe_dir: sets SAFE, a directory that is root's (or ours) alone, with a short name
safe_dir() {
    SAFE=$SANDBOX/run/safe
    rm -rf "$SAFE"
    mkdir -m 755 "$SAFE"
}

@test "a configuration that others can write, own or redirect is refused, by its name" {
    safe_dir
    conf_for "$SAFE/s"
    chmod 666 "$CONF"
    not_started patd "$CONF: must not be writable by group or others (chmod go-w)" -f -c "$CONF"
    chmod 664 "$CONF"
    not_started patd "$CONF: must not be writable by group or others (chmod go-w)" -f -c "$CONF"
    chmod 644 "$CONF"
    # A link that others could replace, whatever it leads to.
    mkdir -m 777 "$SAFE/open"
    ln -s "$CONF" "$SAFE/open/link.conf"
    not_started patd "$SAFE/open/link.conf: $SAFE/open: must not be writable by group or others" \
        -f -c "$SAFE/open/link.conf"
    # A link to what others could replace.
    cp "$CONF" "$SAFE/open/patd.conf"
    ln -s "$SAFE/open/patd.conf" "$SAFE/link.conf"
    not_started patd "$SAFE/link.conf: $SAFE/open: must not be writable by group or others" -f \
        -c "$SAFE/link.conf"
    ((EUID == 0)) || return 0 # the rest is about other users' files
    chmod 1777 "$SAFE/open"
    chown -h nobody "$SAFE/open/link.conf"
    not_started patd "$SAFE/open/link.conf: must be owned by root or by the user that reads it" -f \
        -c "$SAFE/open/link.conf"
    chown nobody "$CONF"
    not_started patd "$CONF: must be owned by root or by the user that reads it" -f -c "$CONF"
    [[ ! -e $SAFE/s ]]
}

@test "a file of a secret that others can read, write, own or redirect is refused, by its name" {
    local secret mode why
    safe_dir
    secret=$SAFE/bind.pw
    printf 'patd-secret\n' >"$secret"
    conf_for "$SAFE/s" "bind_dn = cn=patd,ou=services,$PAT_BASE" "bind_password_file = $secret"
    for mode in 644 640:ok 666 660 606; do
        why='holds a secret: others must have no access (chmod o=)'
        [[ $mode != 66? && $mode != 606 ]] || why='must not be writable by group or others'
        chmod "${mode%:ok}" "$secret"
        if [[ $mode == *:ok ]]; then
            "$PAT_BUILD/patd" -t -c "$CONF"
        else
            not_started patd "$secret: $why" -f -c "$CONF"
        fi
    done
    chmod 600 "$secret"
    mv "$secret" "$secret.real"
    ln -s "$secret.real" "$secret"
    "$PAT_BUILD/patd" -t -c "$CONF"
    chmod 604 "$secret.real" # the link's own mode is 0777, and says nothing
    not_started patd "$secret: holds a secret: others must have no access (chmod o=)" -f -c "$CONF"
    rm "$secret"
    mkdir -m 1777 "$SAFE/open"
    sed -i "s|^bind_password_file = .*|bind_password_file = $SAFE/open/pw|" "$CONF"
    if ((EUID == 0)); then
        # Not even what root alone can read is opened for another user by way of a link.
        ln -s /etc/shadow "$SAFE/open/pw"
        chown -h nobody "$SAFE/open/pw"
        not_started patd "$SAFE/open/pw: must be owned by root or by the user that reads it" -f \
            -c "$CONF"
    fi
    sed -i "s|^bind_password_file = .*|bind_password_file = $secret|" "$CONF"
    mkfifo -m 600 "$secret" # a FIFO without a writer does not hold it up
    not_started patd "$secret: is not a regular file" -f -c "$CONF"
    rm "$secret"
    ((EUID == 0)) || return 0
    printf 'patd-secret\n' >"$secret"
    chmod 600 "$secret"
    chown nobody "$secret"
    not_started patd "$secret: must be owned by root or by the user that reads it" -f -c "$CONF"
}

# both PATH TEXT: neither daemon makes its socket there, and each says why.
both() {
    conf_for "$1"
    not_started patd "socket: $2" -f -c "$CONF"
    not_started pat-fcgi "pat-fcgi: -s: $2" -u nobody -s "$1"
}

@test "nothing that is in the way of a socket is followed, deleted or overwritten" {
    local path before
    safe_dir
    path=$SAFE/taken
    before=$(sha256sum /etc/passwd; stat -c '%a %U %i' /etc/passwd)

    printf 'precious\n' >"$path"
    both "$path" "$path: exists and is no socket: remove it, or name another path"
    [[ -f $path && $(<"$path") == precious ]]
    rm "$path"

    ln -s /etc/passwd "$path"
    both "$path" "$path: exists and is no socket: remove it, or name another path"
    [[ $(readlink "$path") == /etc/passwd ]]
    [[ $(sha256sum /etc/passwd; stat -c '%a %U %i' /etc/passwd) == "$before" ]]

    ln -sfn "$SAFE/nowhere" "$path"
    both "$path" "$path: exists and is no socket: remove it, or name another path"
    [[ -L $path && ! -e $SAFE/nowhere ]]

    # A link to a socket is none: patd's own, whose mode would be changed by it.
    ln -sfn "$PAT_SOCKET" "$path"
    both "$path" "$path: exists and is no socket: remove it, or name another path"
    rm "$path"
    mkdir "$path"
    both "$path" "$path: exists and is no socket: remove it, or name another path"
    rmdir "$path"

    both "$PAT_SOCKET" "$PAT_SOCKET: is in use (is another pat"
    mint alice acme
    login plain alice
    expect PAM_SUCCESS
}

@test "no socket is made where somebody else could put one in its place" {
    local dir mode
    safe_dir
    dir=$SAFE/open
    mkdir "$dir"
    for mode in 777 1777 775 757; do
        chmod "$mode" "$dir"
        both "$dir/s" "$dir: must not be writable by group or others (chmod go-w)"
        [[ ! -e $dir/s ]] || fault "made in a directory of mode $mode"
    done
    chmod 755 "$dir"
    ((EUID == 0)) || return 0
    chown daemon "$dir"
    both "$dir/s" "$dir: must be owned by root or by the user that serves (chown root)"
    [[ ! -e $dir/s ]]
    # By a link to it neither.
    ln -s "$dir" "$SAFE/link"
    both "$SAFE/link/s" "$dir: must be owned by root or by the user that serves"
    # Nor below it, in a directory of root's.
    mkdir "$dir/below"
    both "$dir/below/s" "$dir: must be owned by root or by the user that serves"
    [[ ! -e $dir/below/s ]]
    # Of the user that they will be it may be.
    chown nobody "$dir"
    in_background "$PAT_BUILD/pat-fcgi" -u nobody -s "$dir/s" 2>"$SECRETS/fcgi.log"
    wait_for 5 unix_listens "$dir/s"
    conf_for "$dir/p"
    in_background "$PAT_BUILD/patd" -f -c "$CONF" 2>"$SECRETS/patd.log"
    wait_for 5 unix_listens "$dir/p"
}

# --- environment ---------------------------------------------------------------------------

# patd_in DIRECTORY VARIABLE=VALUE...
# A second patd, with CONF, in that directory and environment, until the end of the test or
# stop_second.
patd_in() {
    local dir=$1
    shift

    in_background env -C "$dir" -u LDAPNOINIT "$@" "$PAT_BUILD/patd" -f -c "$CONF" \
        2>>"$SECRETS/second.log"
    wait_for 5 unix_listens "$SAFE/s"
    PAT_SOCKET=$SAFE/s pam_service second
}

stop_second() {
    kill -TERM "${BACKGROUND_PIDS[-1]}"
    wait "${BACKGROUND_PIDS[-1]}" || true
    unset 'BACKGROUND_PIDS[-1]'
}

@test "patd: no ldap.conf, .ldaprc or LDAP variable turns it elsewhere, or its checks off" {
    local evil=$SECRETS/evil poison
    safe_dir
    mkdir "$evil"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj /CN=other -keyout /dev/null -out "$SAFE/other-ca.pem" 2>/dev/null
    printf '%s\n' 'URI ldap://127.0.0.1:1' 'BASE o=evil' 'BINDDN cn=evil' 'TLS_REQCERT never' \
        'TLS_PROTOCOL_MIN 0.0' "TLS_CACERT $SAFE/other-ca.pem" 'TIMEOUT 1' 'NETWORK_TIMEOUT 1' \
        'SASL_MECH PLAIN' 'DEREF always' 'SIZELIMIT 1' >"$evil/ldaprc"
    cp "$evil/ldaprc" "$evil/.ldaprc"
    poison=("HOME=$evil" "LDAPCONF=$evil/ldaprc" LDAPRC=ldaprc LDAPURI=ldap://127.0.0.1:1
        LDAPBASE=o=evil LDAPBINDDN=cn=evil LDAPTLS_REQCERT=never LDAPTLS_REQSAN=never
        "LDAPTLS_CACERT=$SAFE/other-ca.pem" LDAPSASL_MECH=PLAIN "SASL_PATH=$evil"
        "SASL_CONF_PATH=$evil" "TMPDIR=$evil" "PAT_CONF=$evil/none" "PAT_SOCKET=$evil/none")
    # What they do to a client that heeds them: it talks to a server that it cannot know.
    ! env -u LDAPNOINIT "LDAPTLS_CACERT=$SAFE/other-ca.pem" ldapwhoami -x -H "$PAT_LDAPS_URI" ||
        fault 'a client that checks is satisfied'
    env -u LDAPNOINIT -C "$evil" "${poison[@]}" ldapwhoami -x -H "$PAT_LDAPS_URI"

    ldap_admin_modify <<EOF
dn: cn=patd,ou=services,$PAT_BASE
changetype: modify
add: objectClass
objectClass: simpleSecurityObject
-
add: userPassword
userPassword: patd-secret
EOF
    mint alice acme
    (umask 077 && printf 'patd-secret\n' >"$SAFE/bind.pw")
    ((EUID != 0)) || { chgrp "$(id -gn nobody)" "$SAFE/bind.pw" && chmod 640 "$SAFE/bind.pw"; }
    conf_for "$SAFE/s" "bind_dn = cn=patd,ou=services,$PAT_BASE" \
        "bind_password_file = $SAFE/bind.pw" "tls_ca_file = $SAFE/other-ca.pem"
    sed -i "s|^uri = .*|uri = $PAT_LDAPS_URI|" "$CONF"
    patd_in "$evil" "${poison[@]}"
    login second alice
    expect PAM_AUTHINFO_UNAVAIL 3300
    wait_for 5 grep -q 'verdict=unavailable .*TLS handshake' "$SECRETS/second.log"
    stop_second

    # Whoever opened this would wait for ever.
    mkfifo "$evil/fifo"
    ln -sf fifo "$evil/ldaprc"
    ln -sf fifo "$evil/.ldaprc"
    sed -i "s|^tls_ca_file = .*|tls_ca_file = $PAT_CA|" "$CONF"
    patd_in "$evil" "${poison[@]}"
    login second alice
    expect PAM_SUCCESS
    wait_for 5 grep -q "verdict=accept id=$MINT_ID" "$SECRETS/second.log"
    stop_second
}

# --- flood ---------------------------------------------------------------------------------

rss_kib() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(patd_pid)/status"; }

@test "ten thousand connections of one user keep no other user out, and cost little memory" {
    local before after file
    ((EUID == 0)) || skip 'needs root, to be another user'
    mint alice acme
    login plain alice
    expect PAM_SUCCESS
    before=$(rss_kib)
    mkdir -p "$SANDBOX/flood"
    for file in attack_client fcgi_client patd_client; do
        install -m 644 "$BATS_TEST_DIRNAME/$file.py" "$SANDBOX/flood"
    done
    in_background prlimit --nofile=4096 setpriv --reuid "$(id -u nobody)" \
        --regid "$(id -g nobody)" --clear-groups /usr/bin/python3 -B \
        "$SANDBOX/flood/attack_client.py" flood "$PAT_SOCKET" $((60 * PAT_TIME_SCALE)) >"$SECRETS/flood"
    wait_for 40 grep -qx full "$SECRETS/flood"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        login plain alice
        expect PAM_SUCCESS 3000
        printf 'a login amid the flood: %s ms\n' "$LOGIN_MS"
    done
    after=$(rss_kib)
    logged 'busy: clients_max, or one user.s share of it, is reached; clients of uid 65534'
    end_background
    BACKGROUND_PIDS=()
    printf '# RSS of patd: %s KiB before, %s KiB amid the flood, %s KiB after it\n' "$before" \
        "$after" "$(rss_kib)" >&3
    # One user's share of clients_max, which is 1024 unless set, with a message of 8 KiB each.
    [[ ${SANITIZE-} == 1 ]] || ((after - before < 16384)) || fault 'the flood takes memory'
    login plain alice
    expect PAM_SUCCESS 3000
    rm -r "$SANDBOX/flood"
}

# --- what is left behind -------------------------------------------------------------------

# leaves [-] COMMAND [ARG...]
# Run it, with MINT_TOKEN on standard input and its messages in $SECRETS. Sets LEFT: the
# mappings of its memory that have a part of MINT_TOKEN, or with - any token, when it ends.
leaves() {
    local secret=$SECRETS/token

    token_file
    [[ $1 != - ]] || secret=-
    [[ $1 != - ]] || shift
    "$PAT_BUILD/tests/exitmem" "$secret" "$SECRETS/report" "$@" <"$TOKEN_FILE" \
        >"$SECRETS/output" 2>&1 || fault "$* failed: $(<"$SECRETS/output")"
    grep -qE '^[0-9]{3,} searched$' "$SECRETS/report" || fault 'no memory was searched'
    LEFT=$(grep -v ' searched$' "$SECRETS/report" || true)
}

# The search finds what is there.
finds_what_is_there() {
    leaves "$@" bash -c 'read -r line'
    [[ $LEFT == *'[heap]'* ]] || fault 'the search does not find what the shell has'
}

@test "PAM: neither module nor library leave a token in the memory of their host" {
    [[ ${SANITIZE-} != 1 ]] || return 0 # which keep what was freed
    mint alice acme
    finds_what_is_there
    leaves "$PAT_BUILD/tests/pamlogin" "$PAM_DIR" plain alice
    grep -q '^authenticate: PAM_SUCCESS' "$SECRETS/output"
    [[ -z $LEFT ]] || fault "left in: $LEFT"
    mint bob acme
    ! "$PAT_BUILD/tests/exitmem" <(printf '%s\n' "$MINT_TOKEN") "$SECRETS/report" \
        "$PAT_BUILD/tests/pamlogin" "$PAM_DIR" plain alice <<<"$MINT_TOKEN" || fault 'let in'
    [[ $(<"$SECRETS/report") =~ ^[0-9]+\ searched$ ]] || fault "left in: $(<"$SECRETS/report")"
}

@test "SASL: the plugin leaves no token in the memory of its host" {
    local message
    [[ ${SANITIZE-} != 1 ]] || return 0
    mint alice acme
    mkdir "$SECRETS/sasl"
    cp "$PAT_BUILD/sasl2/libpat.so" "$SECRETS/sasl"
    printf '%s\n' "pat_socket: $PAT_SOCKET" 'log_level: 2' >"$SECRETS/sample.conf"
    token_file
    for message in 'PLAIN|\0alice\0TOKEN' 'OAUTHBEARER|n,a=alice,\1auth=Bearer TOKEN\1\1' \
        'XOAUTH2|user=alice\1auth=Bearer TOKEN\1\1'; do
        (
            umask 077
            printf 'C: %s\n' "$(printf %s "${message%%|*}" | base64 -w 0)" \
                "$(printf '%b' "${message#*|}" | sed "s/TOKEN/$MINT_TOKEN/" | base64 -w 0)" \
                >"$SECRETS/messages"
        )
        # Unbuffered: it prints all that it gets.
        SASL_CONF_PATH=$SECRETS "$PAT_BUILD/tests/exitmem" "$TOKEN_FILE" "$SECRETS/report" \
            stdbuf -i0 -o0 sasl-sample-server -s smtp -p "$SECRETS/sasl" \
            <"$SECRETS/messages" >"$SECRETS/output" 2>&1 || (($? != 125))
        grep -aqx 'Negotiation complete' "$SECRETS/output"
        # The message is in the sample server's own static buffer, and nowhere else.
        [[ $(<"$SECRETS/report") == '2 '*/sasl-sample-server$'\n'*' searched' ]] ||
            fault "${message%%|*}: $(<"$SECRETS/report")"
    done
}

@test "patctl: no token and no password is left in its memory when it ends" {
    [[ ${SANITIZE-} != 1 ]] || return 0
    local as=(-H "$LDAPURI" -D "uid=alice,ou=people,$PAT_BASE" -y "$SECRETS/alice.pw")
    (umask 077 && printf alice-password >"$SECRETS/alice.pw")
    mint alice acme
    finds_what_is_there -
    leaves - "$PAT_BUILD/patctl" mint --org acme "${as[@]}"
    grep -q '^rhp_' "$SECRETS/output"
    [[ -z $LEFT ]] || fault "mint: left in: $LEFT"
    leaves - "$PAT_BUILD/patctl" rotate "$MINT_ID" --revoke-old "${as[@]}"
    grep -q '^rhp_' "$SECRETS/output"
    [[ -z $LEFT ]] || fault "rotate: left in: $LEFT"
    leaves - "$PAT_BUILD/patctl" generate
    grep -q 'rhp_' "$SECRETS/output"
    [[ -z $LEFT ]] || fault "generate: left in: $LEFT"
    mint alice acme
    leaves - "$PAT_BUILD/patctl" verify --stdin --socket "$PAT_SOCKET"
    [[ -z $LEFT ]] || fault "verify: left in: $LEFT"
    leaves - "$PAT_BUILD/patctl" revoke --stdin --socket "$PAT_SOCKET"
    [[ -z $LEFT ]] || fault "revoke: left in: $LEFT"
    # A password has no shape: it is looked for as it is.
    ((${#PAT_ADMIN_PW} >= 32)) || fault 'the password is too short to be looked for'
    MINT_TOKEN=$PAT_ADMIN_PW
    finds_what_is_there
    leaves env -u PAT_ADMIN_PW "$PAT_BUILD/patctl" list --all -H "$LDAPURI" \
        -D "$PAT_ADMIN_DN" -y "$PAT_ADMIN_PW_FILE"
    [[ -z $LEFT ]] || fault "the password is left in: $LEFT"
}

@test "patd and pat-fcgi leave no core file, whatever the limit that they were started with" {
    local as
    [[ ${SANITIZE-} != 1 ]] || return 0 # which take the signal for themselves
    safe_dir
    conf_for "$SAFE/dir/s"
    mkdir -m 755 "$SAFE/dir" "$SAFE/bin"
    install -m 755 "$PAT_BUILD/patd" "$PAT_BUILD/pat-fcgi" "$SAFE/bin"
    install -m 644 "$BATS_TEST_DIRNAME"/{attack_client,fcgi_client,patd_client}.py "$SAFE/bin"
    as=()
    if ((EUID == 0)); then
        # From the start: after a change of user there would be none anyway.
        chown nobody "$SAFE/dir"
        as=(prlimit --core=unlimited setpriv --reuid "$(id -u nobody)"
            --regid "$(id -g nobody)" --clear-groups)
    fi
    as+=(env -C "$SAFE/dir" python3 -B "$SAFE/bin/attack_client.py" core)
    # Where the machine makes no core files at all, this is no test; limits are looked at in
    # another one.
    printf '# a program like any other: %s\n' "$("${as[@]}" / sleep 60)" >&3
    [[ $("${as[@]}" "$SAFE/dir/s" "$SAFE/bin/patd" -f -c "$CONF" \
        2>"$SECRETS/patd.log") == none ]]
    [[ $("${as[@]}" "$SAFE/dir/f" "$SAFE/bin/pat-fcgi" -s "$SAFE/dir/f" \
        2>"$SECRETS/fcgi.log") == none ]]
}

# allowed UNIT: the system calls that the filter of that unit lets pass, sorted
allowed() {
    # Groups hold groups. What is taken away again comes with a ~.
    sed -n 's/^SystemCallFilter=//p' "$1" | python3 -c '
import subprocess, sys

def members(name):
    if not name.startswith("@"):
        return {name}
    lines = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                           capture_output=True, text=True).stdout.split("\n")[1:]
    words = [line.split("#")[0].strip() for line in lines]
    return set().union(*(members(word) for word in words if word))

calls = set()
for line in sys.stdin:
    away = line.startswith("~")
    for name in line.strip().lstrip("~").split():
        calls = calls - members(name) if away else calls | members(name)
print("\n".join(sorted(calls)))' | LC_ALL=C sort
}

# called TRACE: the system calls in the output of strace, sorted
called() {
    cat "$1"* | sed -nE 's/^([0-9]+ +)?([a-z0-9_]+)\(.*/\2/p' | LC_ALL=C sort -u
}

@test "patd and pat-fcgi make no system call that their units forbid" {
    local as=() pid file
    [[ ${SANITIZE-} != 1 ]] || return 0 # whose calls are not ours
    safe_dir
    mkdir -m 755 "$SAFE/dir" "$SAFE/bin"
    conf_for "$SAFE/dir/s" "saslauthd_socket = $SAFE/dir/mux" "saslauthd_fallback = $SAFE/none"
    # Traced they are slow.
    sed -i 's/^timeout = .*/timeout = 30s/' "$CONF"
    install -m 755 "$PAT_BUILD/patd" "$PAT_BUILD/pat-fcgi" "$SAFE/bin"
    # Started by their user, as their units do.
    if ((EUID == 0)); then
        chown nobody "$SAFE/dir"
        as=(setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups)
    fi
    in_background "${as[@]}" strace -f -q -o "$SAFE/dir/patd.trace" "$SAFE/bin/patd" -f \
        -c "$CONF" 2>"$SECRETS/patd.log"
    wait_for 30 grep -q serving "$SECRETS/patd.log" || fault "$(<"$SECRETS/patd.log")"
    in_background "${as[@]}" strace -f -q -o "$SAFE/dir/fcgi.trace" "$SAFE/bin/pat-fcgi" \
        -s "$SAFE/dir/f" -p "$SAFE/dir/s" -t 30s -b 2>"$SECRETS/fcgi.log"
    wait_for 30 unix_listens "$SAFE/dir/f"

    # What they do: let in, refuse, write the last use, revoke, reload, pass a password on.
    mint alice acme 'patSource: 192.0.2.7'
    token_file
    attack http "$SAFE/dir/f" "$TOKEN_FILE"
    PAT_SOCKET=$SAFE/dir/s pam_service traced timeout=30s
    mint bob acme
    login traced bob
    expect PAM_SUCCESS
    login traced alice
    expect PAM_AUTH_ERR
    wait_for 30 eval '[[ -n $(ldap_admin_get "$MINT_DN" patLastUsed) ]]'
    "$PAT_BUILD/patctl" revoke --stdin --socket "$SAFE/dir/s" --timeout 30s <<<"$MINT_TOKEN"
    printf '\0\3bob\0\5wrong\0\0\0\0' | timeout $((40 * PAT_TIME_SCALE)) python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())
assert s.recv(100)' "$SAFE/dir/mux"
    pid=$(pgrep -P "${BACKGROUND_PIDS[0]}" -x patd)
    kill -HUP "$pid"
    wait_for 30 grep -q 'is in force' "$SECRETS/patd.log"
    kill -TERM "$pid" "$(pgrep -P "${BACKGROUND_PIDS[1]}" -x pat-fcgi)"
    wait "${BACKGROUND_PIDS[@]}" || true

    for file in patd:patd/patd fcgi:http_pat/pat-fcgi; do
        allowed "$ROOT/${file#*:}.service" >"$SECRETS/allowed"
        called "$SAFE/dir/${file%%:*}.trace" >"$SECRETS/called"
        (($(wc -l <"$SECRETS/allowed") > 100)) || fault 'systemd-analyze tells no filter'
        (($(wc -l <"$SECRETS/called") > 20)) || fault 'strace has seen nothing'
        printf '# %s makes %d different system calls, its unit allows %d\n' "${file%%:*}" \
            "$(wc -l <"$SECRETS/called")" "$(wc -l <"$SECRETS/allowed")" >&3
        [[ -z $(LC_ALL=C comm -23 "$SECRETS/called" "$SECRETS/allowed") ]] ||
            fault "forbidden: $(LC_ALL=C comm -23 "$SECRETS/called" "$SECRETS/allowed" | xargs)"
    done
}
