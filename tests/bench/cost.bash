# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# cost.bash - one verification, one PAM login, one SASL authentication, beside their peers

# What the peers need of the directory: an account that looks people up, a hashed password,
# and what sssd calls a user.
peer_entries() {
    ldap_admin ldapmodify >/dev/null <<EOF
dn: cn=reader,ou=services,$PAT_BASE
changetype: add
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reader-password

dn: uid=alice,ou=people,$PAT_BASE
changetype: modify
replace: userPassword
userPassword: $(slappasswd -h '{SSHA}' -T <(printf alice-password))
-
add: objectClass
objectClass: posixAccount
-
add: uidNumber
uidNumber: 2001
-
add: gidNumber
gidNumber: 100
-
add: homeDirectory
homeDirectory: /

dn: uid=bob,ou=people,$PAT_BASE
changetype: modify
replace: userPassword
userPassword: bob-password
EOF
    ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<EOF
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcAccess
olcAccess: {0}to dn.exact="uid=bob,ou=people,$PAT_BASE" attrs=userPassword
  by self read
  by anonymous auth
olcAccess: {1}to dn.subtree="ou=people,$PAT_BASE"
  attrs=entry,uid,objectClass,uidNumber,gidNumber,homeDirectory,cn,modifyTimestamp
  by dn.exact="cn=reader,ou=services,$PAT_BASE" read
  by * break
-
add: olcDbIndex
olcDbIndex: uidNumber,gidNumber eq
EOF
}

# The schema of posixAccount; and what ldapdb needs: the unix user root is the administrator
# of the directory, who may act for others.
peer_config() {
    sed 's/^dn: .*/&\nchangetype: add/' /etc/ldap/schema/nis.ldif
    cat <<'EOF'

dn: cn=config
changetype: modify
add: olcAuthzRegexp
olcAuthzRegexp: {0}^gidNumber=0\+uidNumber=0,cn=peercred,cn=external,cn=auth$
  cn=admin,dc=example,dc=com
olcAuthzRegexp: {1}^uid=([^,]*),cn=[^,]*,cn=auth$ uid=$1,ou=people,dc=example,dc=com
EOF
}

# --- PAM -----------------------------------------------------------------------------------

# service NAME MODULE-LINE: a PAM service whose both stacks are that module.
service() {
    printf '%s\n' "auth required $2" "account required $2" >"$dir/pam/$1"
}

pam_services() {
    mkdir "$dir/pam"
    service permit pam_permit.so
    service unix pam_unix.so
    service ldap "$(peer_or_own security/pam_ldap.so)"
    service sss "$(peer_or_own security/pam_sss.so)"
    service pat "$PAT_BUILD/pam_pat.so socket=$BOX/ldapi.sock"
    service pats "$PAT_BUILD/pam_pat.so socket=$BOX/ldaps.sock"
    # Without this libpam complains at every login. All pay for two modules.
    service other pam_deny.so
}

# Passwords of unix, hashed in the ways of Debian: bob's of old, carol's of today.
unix_passwords() {
    printf 'bob:bob-password\n' | chpasswd -c SHA512
    printf 'carol:carol-password\n' | chpasswd -c YESCRYPT
}

# daemon NAME COMMAND [ARG...]
# Start a peer in a mount namespace of its own: the paths of its socket and configuration are
# built in. COMMAND, a shell's, prepares the places in "$1", $dir/NAME, that it shares with who
# asks it; "$@" behind that starts it with all packages in sight. Sets daemon_pid.
daemon() {
    # The outer shell stays: its namespace is that of who asks.
    unshare --mount sh -c "$2"'; "$@" & wait' - "$dir/$1" "${@:3}" </dev/null >"$dir/$1.log" 2>&1 &
    daemon_pid=$!
    keep "$daemon_pid"
}

start_nslcd() {
    local uri=$1 name=$2

    mkdir "$dir/$name"
    cat >"$dir/$name/nslcd.conf" <<EOF
uid nslcd
gid nslcd
uri $uri
base ou=people,$PAT_BASE
binddn cn=reader,ou=services,$PAT_BASE
bindpw reader-password
filter passwd (objectClass=posixAccount)
tls_cacertfile ${PAT_CA-}
tls_reqcert demand
EOF
    chmod 640 "$dir/$name/nslcd.conf"
    # shellcheck disable=SC2016 # the inner shell expands
    daemon "$name" 'mkdir -p /run/nslcd && mount -n -t tmpfs -o mode=755 none /run/nslcd &&
        chown nslcd /run/nslcd && : >>/etc/nslcd.conf &&
        mount -n --bind "$1/nslcd.conf" /etc/nslcd.conf && shift' \
        "$here/with-peers" "$peers" "$dir/$name/over" nslcd -n
    wait_for 10 test -S "/proc/$daemon_pid/root/run/nslcd/socket"
}

# sssd has no ldapi.
start_sssd() {
    local uri=$1 name=$2

    mkdir "$dir/$name"
    cat >"$dir/$name/sssd.conf" <<EOF
[sssd]
services = nss, pam
domains = example
[nss]
[pam]
[domain/example]
id_provider = ldap
auth_provider = ldap
access_provider = permit
sudo_provider = none
autofs_provider = none
ldap_uri = $uri
ldap_search_base = ou=people,$PAT_BASE
ldap_default_bind_dn = cn=reader,ou=services,$PAT_BASE
ldap_default_authtok = reader-password
ldap_tls_cacert = ${PAT_CA-}
ldap_tls_reqcert = demand
ldap_auth_disable_tls_never_use_in_production = true
cache_credentials = false
EOF
    chmod 600 "$dir/$name/sssd.conf"
    cp -a "$peers/var/lib/sss" "$dir/$name/sss"
    # Its state is at the same place for who asks: a tmpfs over /var/lib has room for it.
    # shellcheck disable=SC2016 # the inner shell expands
    daemon "$name" 'mount -n -t tmpfs -o mode=755 none /run && mkdir -p /etc/sssd /run/sss &&
        : >>/etc/sssd/sssd.conf && mount -n --bind "$1/sssd.conf" /etc/sssd/sssd.conf &&
        mount -n -t tmpfs -o mode=755 none /var/lib && mkdir /var/lib/sss &&
        mount -n --bind "$1/sss" /var/lib/sss && shift' \
        "$here/with-peers" "$peers" "$dir/$name/over" \
        sh -c 'mkdir -p /var/log/sssd && mount -n --bind "$1" /var/lib/sss && exec sssd -i --logger=stderr' \
        - "$dir/$name/sss"
    wait_for 15 test -S "$dir/$name/sss/pipes/private/pam"
}

# pam_host MODE SERVICE USER SECRET-FILE [PID]: a command for bench, in the mount namespace, and
# with the root, of that process.
pam_host() {
    [[ -z ${5-} ]] || printf 'exec nsenter --target %d --mount --root --wdns=/ -- ' "$5"
    printf "'%s' %s '%s' %s %s '%s'" "$PAT_BUILD/tests/pamhost" "$1" "$dir/pam" "$2" "$3" "$4"
}

# --- SASL ----------------------------------------------------------------------------------

# saslauthd as sites have it: with an account of its own, and a hashed password.
start_saslauthd() {
    local run=$dir/$1
    shift

    mkdir "$run"
    cat >"$dir/saslauthd.conf" <<EOF
ldap_servers: $LDAPURI
ldap_version: 3
ldap_auth_method: bind
ldap_bind_dn: cn=reader,ou=services,$PAT_BASE
ldap_bind_pw: reader-password
ldap_search_base: ou=people,$PAT_BASE
ldap_filter: (uid=%u)
EOF
    saslauthd -a ldap -O "$dir/saslauthd.conf" -m "$run" -n 4 "$@" >"$run.log" 2>&1
    wait_for 10 unix_listens "$run/mux"
    keep "$(<"$run/saslauthd.pid")"
}

# sasl_host PLUGINS USER SECRET-FILE [OPTION=VALUE...]: a command for bench.
sasl_host() {
    printf "exec '%s' '%s' %s '%s'" "$PAT_BUILD/tests/saslhost" "$dir/sasl/$1" "$2" "$3"
    shift 3
    (($# == 0)) || printf " '%s'" "$@"
}

# peer_or_own FILE: its path where it was unpacked, or where it is installed already.
peer_or_own() {
    if [[ -e $peer_lib/$1 ]]; then
        printf '%s\n' "$peer_lib/$1"
    else
        printf '%s\n' "/usr/lib/$(gcc -print-multiarch)/$1"
    fi
}

sasl_plugins() {
    mkdir -p "$dir/sasl/stock" "$dir/sasl/ours" "$dir/sasl/ldapdb"
    cp /usr/lib/*/sasl2/libplain.so "$dir/sasl/stock"
    cp /usr/lib/*/sasl2/libplain.so "$PAT_BUILD/sasl2/libpat.so" "$dir/sasl/ours"
    cp /usr/lib/*/sasl2/libplain.so "$(peer_or_own sasl2/libldapdb.so)" "$dir/sasl/ldapdb"
}

# --- all of it -------------------------------------------------------------------------------

bench_cost() {
    local rounds=100 batch_ms=6 others=1000 nslcd nslcds sss ssss
    local -a subjects

    [[ -z $quick ]] || rounds=25 others=200
    peer_config >"$dir/peer-config.ldif"
    box cost --tls --config "$dir/peer-config.ldif"
    peer_entries
    make_tokens "$dir/made" "$others"
    token_entries "$dir/made" alice acme | ldap_admin ldapadd >/dev/null
    only_tokens "$dir/made" "$dir/tokens"
    (umask 077 && head -n 1 "$dir/tokens" >"$dir/token" &&
        for name in alice bob carol; do printf '%s-password\n' $name >"$dir/$name.pw"; done)
    conf ldapi
    patd ldapi
    (umask 077 && printf 'patd-secret\n' >"$BOX/bind.pw")
    ldap_admin ldapmodify >/dev/null <<EOF
dn: cn=patd,ou=services,$PAT_BASE
changetype: modify
add: objectClass
objectClass: simpleSecurityObject
-
add: userPassword
userPassword: patd-secret
EOF
    chgrp "$(id -g "$RUN_USER")" "$BOX/bind.pw"
    chmod 640 "$BOX/bind.pw"
    conf ldaps "uri = $PAT_LDAPS_URI" "bind_dn = cn=patd,ou=services,$PAT_BASE" \
        "bind_password_file = $BOX/bind.pw" "tls_ca_file = $PAT_CA"
    patd ldaps
    pam_services
    unix_passwords
    start_nslcd "$LDAPURI" nslcd && nslcd=$daemon_pid
    start_nslcd "$PAT_LDAPS_URI" nslcds && nslcds=$daemon_pid
    start_sssd "$PAT_LDAP_URI" sssd && sss=$daemon_pid
    start_sssd "$PAT_LDAPS_URI" sssds && ssss=$daemon_pid
    sasl_plugins
    start_saslauthd saslauthd
    start_saslauthd saslauthd-cache -c

    subjects=(
        'F: bare libldap, two searches' floor "$BOX/ldapi.conf" - "$dir/token"
        'the same over ldaps' floor "$BOX/ldaps.conf" - "$dir/token"
        'SHA-256 and a unix ping-pong' echo - - "$dir/token"
        'verify inside patd' verify "$BOX/ldapi.conf" alice "$dir/token"
        'verify inside patd, another token each time' others "$BOX/ldapi.conf" alice "$dir/tokens"
        'verify inside patd, ldaps' verify "$BOX/ldaps.conf" alice "$dir/token"
        'client, patd, directory' client "$BOX/ldapi.conf" alice "$dir/token"
        'client, patd, directory, ldaps' client "$BOX/ldaps.conf" alice "$dir/token"
    )
    local mode how
    for mode in stay fork; do
        how='PAM in one process'
        [[ $mode == stay ]] || how='PAM forked'
        subjects+=(
            "$how: pam_permit" host "$(pam_host $mode permit alice "$dir/token")" - -
            "$how: pam_pat" host "$(pam_host $mode pat alice "$dir/token")" - -
            "$how: pam_pat, ldaps" host "$(pam_host $mode pats alice "$dir/token")" - -
            "$how: pam_ldap, nslcd" host "$(pam_host $mode ldap alice "$dir/alice.pw" "$nslcd")" - -
            "$how: pam_ldap, nslcd, ldaps" host
            "$(pam_host $mode ldap alice "$dir/alice.pw" "$nslcds")" - -
            "$how: pam_unix, sha512" host "$(pam_host $mode unix bob "$dir/bob.pw")" - -
            "$how: pam_unix, yescrypt" host "$(pam_host $mode unix carol "$dir/carol.pw")" - -
            "$how: pam_sss, ldap" host "$(pam_host $mode sss alice "$dir/alice.pw" "$sss")" - -
            "$how: pam_sss, ldaps" host "$(pam_host $mode sss alice "$dir/alice.pw" "$ssss")" - -
        )
    done
    subjects+=(
        'SASL PLAIN: libpat' host
        "$(sasl_host ours alice "$dir/token" "pat_socket=$BOX/ldapi.sock")" - -
        'SASL PLAIN: saslauthd -a ldap' host
        "$(sasl_host stock alice "$dir/alice.pw" pwcheck_method=saslauthd \
            "saslauthd_path=$dir/saslauthd/mux")" - -
        'SASL PLAIN: saslauthd -a ldap -c' host
        "$(sasl_host stock alice "$dir/alice.pw" pwcheck_method=saslauthd \
            "saslauthd_path=$dir/saslauthd-cache/mux")" - -
        'SASL PLAIN: ldapdb' host
        "$(sasl_host ldapdb bob "$dir/bob.pw" pwcheck_method=auxprop auxprop_plugin=ldapdb \
            "ldapdb_uri=$LDAPURI" ldapdb_mech=EXTERNAL ldapdb_id=root)" - -
    )
    title "one at a time, medians of $rounds batches in turn"
    measure cost '' "$rounds" "$batch_ms" "${subjects[@]}"
}
