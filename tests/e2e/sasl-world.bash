# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154      # the world tells dir, root, here, build
#
# sasl-world.bash - parts of a world: services with Cyrus SASL, and libpat.so among their
# plugins
#
# Their SASL configurations are those of sasl_pat.example. In DIR:
#   port/            the port of each service
#   stock/           Debian's plugins, without ours
#   svn/             a repository
#   tls.pem          the certificate of the host

# Debian's own plugins; the machine may have others, but not the world.
mapfile -t stock_plugins < <(
    dpkg -L libsasl2-modules libsasl2-modules-db 2>/dev/null | grep '/sasl2/.*\.so')
sasl_ready=''

# The one ordinary password, in whatever realm a service looks for it.
sasldb_password=sasldb-password-of-bob

# --- what all of them share ------------------------------------------------------------

sasl_needs() {
    need_tools saslpasswd2 "$@"
    ((${#stock_plugins[@]} > 0)) || die 'libsasl2-modules is not installed; run: sudo make deps'
    need_built sasl2/libpat.so
}

# The plugins, and none of the machine's configuration. Once for all parts.
sasl_prepare() {
    local plugins=${stock_plugins[0]%/*}

    [[ -z $sasl_ready ]] || return 0
    sasl_ready=yes
    mkdir "$dir/stock"
    cp -a "${stock_plugins[@]}" "$dir/stock"
    own_fs "$plugins"
    cp -a "$dir/stock/." "$plugins"
    install -m 644 "$build/sasl2/libpat.so" "$plugins"
    own_fs /usr/lib/sasl2
    rm -rf /etc/sasl /etc/sasl2 /etc/sasldb2
    mkdir /etc/sasl2
    add_socket /run/patd/patd.sock
}

# add_socket PATH: patd listens there, too.
add_socket() {
    mkdir -p "$(dirname "$1")"
    sed -i "s|^socket = .*|&, $1|" "$dir/box/etc/patd.conf"
    restart_patd
}

restart_patd() {
    "$root/tests/sandbox" patd-stop "$dir/box"
    "$root/tests/sandbox" patd-start "$dir/box"
}

# example SERVICE: the lines that the sample has for it.
example() {
    awk -v name="$1" '
        /^# --- / { inside = index($0, "# --- " name) }
        inside && /^#[a-z_]+: / { print substr($0, 2); found = 1 }
        END { exit !found }' "$root/sasl_pat/sasl_pat.example"
}

# add_password REALM FILE GROUP: an account of bob, for a service of that group.
add_password() {
    saslpasswd2 -p -c -u "$1" -f "$2" bob <<<"$sasldb_password"
    chgrp "$3" "$2"
    chmod 640 "$2"
}

# For who has TLS, and may read the key. Once for all parts.
make_certificate() {
    [[ ! -e $dir/tls.pem ]] || return 0
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj '/CN=host.example.com' -addext subjectAltName=IP:127.0.0.1 \
        -keyout /etc/ssl/private/host.key -out /etc/ssl/certs/host.pem 2>"$dir/log/openssl.log"
    chmod 711 /etc/ssl/private
    chgrp mail /etc/ssl/private/host.key
    chmod 640 /etc/ssl/private/host.key
    cp /etc/ssl/certs/host.pem "$dir/tls.pem"
}

# --- Postfix -----------------------------------------------------------------------------

postfix_needs() {
    sasl_needs postfix openssl
}

# postfix_service NAME CHROOT SASL-PATH [-o SETTING]...
# An smtpd with a SASL configuration of its own.
postfix_service() {
    local name=$1 chroot=$2 path=$3
    shift 3

    new_port "$name"
    printf '127.0.0.1:%d inet n - %s - - smtpd -o smtpd_sasl_path=%s %s\n' "$port" "$chroot" \
        "$path" "$*" >>/etc/postfix/master.cf
}

# smtpd_conf NAME [LINE...]: as the sample, with more lines.
smtpd_conf() {
    local name=$1
    shift

    example Postfix >"/etc/postfix/sasl/$name.conf"
    (($# == 0)) || printf '%s\n' "$@" >>"/etc/postfix/sasl/$name.conf"
}

postfix_main_cf() {
    cat >/etc/postfix/main.cf <<'CONF'
compatibility_level = 3.6
myhostname = host.example.com
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
default_transport = discard
smtpd_sasl_auth_enable = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_sender_login_maps = inline:{alice@example.com=alice, bob@example.com=bob}
smtpd_tls_cert_file = /etc/ssl/certs/host.pem
smtpd_tls_key_file = /etc/ssl/private/host.key
CONF
    cat >/etc/postfix/master.cf <<'CONF'
cleanup   unix n - y - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - y - - trivial-rewrite
bounce    unix - - y - 0 bounce
defer     unix - - y - 0 bounce
trace     unix - - y - 0 bounce
proxymap  unix - - n - - proxymap
tlsmgr    unix - - y 1000? 1 tlsmgr
anvil     unix - - y - 1 anvil
discard   unix - - y - - discard
error     unix - - y - - error
retry     unix - - y - - error
CONF
}

postfix_start() {
    sasl_prepare
    own_fs /var/spool/postfix
    own_fs /var/lib/postfix
    chown postfix:postfix /var/lib/postfix
    rm -rf /etc/postfix/sasl
    mkdir /etc/postfix/sasl
    postfix_main_cf
    smtpd_conf smtpd
    smtpd_conf smtpd-org 'pat_org: acme'
    smtpd_conf smtpd-role 'pat_role: owner, member'
    smtpd_conf smtpd-properties 'pat_properties: yes'
    smtpd_conf smtpd-patient 'pat_timeout: 60s'
    smtpd_conf smtpd-wrong 'pat_timeout: soon'
    example Postfix | grep -v '^pat_' >/etc/postfix/sasl/smtpd-stock.conf
    example 'tokens alone' >/etc/postfix/sasl/smtpd-alone.conf
    make_certificate
    postfix_service postfix n smtpd
    postfix_service postfix-jail y smtpd
    postfix_service postfix-org n smtpd-org
    postfix_service postfix-role n smtpd-role
    postfix_service postfix-properties n smtpd-properties
    postfix_service postfix-patient n smtpd-patient
    postfix_service postfix-wrong n smtpd-wrong
    postfix_service postfix-stock n smtpd-stock
    postfix_service postfix-alone n smtpd-alone
    postfix_service postfix-tls y smtpd -o smtpd_tls_security_level=may \
        -o smtpd_tls_auth_only=yes

    # What Debian does when Postfix starts; in the jail, the passwords must be as well.
    postfix check
    /usr/lib/postfix/configure-instance.sh
    usermod -aG sasl postfix
    add_password host.example.com /etc/sasldb2 sasl
    install -m 640 -g sasl /etc/sasldb2 /var/spool/postfix/etc
    add_socket /var/spool/postfix/run/patd/patd.sock
    start postfix /usr/lib/postfix/sbin/master -d
}

# --- memcached ---------------------------------------------------------------------------

# As Debian starts it.
memcached_wrapper=/usr/share/memcached/scripts/systemd-memcached-wrapper

memcached_needs() {
    sasl_needs memcached
}

memcached_start() {
    sasl_prepare
    example memcached >/etc/sasl2/memcached.conf
    # memcached gives up the groups of its user.
    add_password host.example.com /etc/memcached-sasldb2 memcache
    new_port memcached
    printf '%s\n' -S '-u memcache' '-l 127.0.0.1' "-p $port" '-m 8' '-t 4' -v \
        >/etc/memcached.conf
    start memcached "$memcached_wrapper" /etc/memcached.conf
}

# --- svnserve ----------------------------------------------------------------------------

svn_needs() {
    sasl_needs svnserve svnadmin svn
}

svn_start() {
    sasl_prepare
    example svnserve >/etc/sasl2/svn.conf
    add_password svn.example.com /etc/svn-sasldb2 nogroup
    svnadmin create "$dir/svn"
    cat >"$dir/svn/conf/svnserve.conf" <<'CONF'
[general]
anon-access = none
auth-access = write
realm = svn.example.com
[sasl]
use-sasl = true
CONF
    chown -R nobody:nogroup "$dir/svn"
    install -o nobody -g nogroup /dev/null "$dir/log/svn.log"
    new_port svn
    start svn setpriv --reuid nobody --regid nogroup --clear-groups svnserve --daemon \
        --foreground --root "$dir/svn" --listen-host 127.0.0.1 --listen-port "$port" \
        --log-file "$dir/log/svn.log"
}

# --- Cyrus IMAP --------------------------------------------------------------------------

imap_needs() {
    sasl_needs curl openssl
    [[ -x /usr/lib/cyrus/bin/master ]] || die 'cyrus-imapd is not installed; run: sudo make deps'
}

# The same with patd in the place of saslauthd, for the command LOGIN.
imap_saslauthd_conf() {
    sed 's/^sasl_pwcheck_method: .*/& saslauthd/' /etc/imapd.conf
    printf 'sasl_saslauthd_path: /run/patd/saslauthd/mux\n'
}

imap_start() {
    local path

    sasl_prepare
    make_certificate
    for path in /var/lib/cyrus /var/spool/cyrus; do
        own_fs "$path"
        chown cyrus:mail "$path"
    done
    install -d -o cyrus -g mail /run/cyrus /var/spool/cyrus/mail \
        /var/lib/cyrus/{db,lock,log,msg,proc,quota,socket,user}
    add_password host.example.com /etc/sasldb2 sasl
    cat >/etc/imapd.conf <<'CONF'
configdirectory: /var/lib/cyrus
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
defaultpartition: default
partition-default: /var/spool/cyrus/mail
autocreate_quota: 0
failedloginpause: 0
servername: host.example.com
allowplaintext: yes
tls_server_cert: /etc/ssl/certs/host.pem
tls_server_key: /etc/ssl/private/host.key
CONF
    example 'Cyrus IMAP' >>/etc/imapd.conf
    imap_saslauthd_conf >/etc/imapd-saslauthd.conf
    mkdir /run/patd/saslauthd
    printf '%s\n' 'saslauthd_socket = /run/patd/saslauthd/mux' \
        'saslauthd_socket_group = sasl' >>"$dir/box/etc/patd.conf"
    restart_patd
    new_port imap
    new_port imap-saslauthd
    cat >/etc/cyrus.conf <<CONF
START {
    recover cmd="/usr/sbin/cyrus ctl_cyrusdb -r"
}
SERVICES {
    imap cmd="imapd" listen="127.0.0.1:$((port - 1))" prefork=1
    login cmd="imapd -C /etc/imapd-saslauthd.conf" listen="127.0.0.1:$port" prefork=1
}
EVENTS {
}
CONF
    start imap /usr/lib/cyrus/bin/master -D -p /run/cyrus-master.pid
}

# --- the sample server of Cyrus SASL -----------------------------------------------------

sample_needs() {
    sasl_needs sasl-sample-server saslpluginviewer
}

# Started by the tests, for one login each.
sample_start() {
    sasl_prepare
    {
        example Postfix
        printf '%s\n' 'sasldb_path: /etc/sample-sasldb2' 'auto_transition: yes'
    } >/etc/sasl2/sample.conf
    add_password host.example.com /etc/sample-sasldb2 sasl
}
