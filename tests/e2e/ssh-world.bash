# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154      # the world tells dir, root, here, build
#
# ssh-world.bash - the part "ssh" of a world: several sshd, each with a PAM stack of its own
#
# In DIR:
#   port/            the port of each sshd
#   log/             of each sshd, and of the marker

# Only bob has a unix password, and dave's account has expired.
bob_password=unix-password-of-bob

ssh_needs() {
    need_tools sshd ssh-keygen pam-auth-update openssl
    need_built pam_pat.so
}

# The others have none, which pam_unix.so refuses.
set_unix_passwords() {
    local hash

    hash=$(openssl passwd -6 -stdin <<<"$bob_password")
    sed -i "s|^bob:[^:]*|bob:$hash|" /etc/shadow
}

# --- PAM -----------------------------------------------------------------------------

# pam_service NAME [ARGUMENT...]
# Tokens first, then unix passwords; the marker notes what gets past pam_pat.so.
pam_service() {
    local name=$1
    shift

    cat >"/etc/pam.d/$name" <<PAM
auth    [success=done ignore=ignore default=die] $pam_pat $*
auth    [default=ignore] $marker
auth    required pam_unix.so nodelay try_first_pass
account [success=done ignore=ignore default=die] $dir/pam_pat.so
account required pam_unix.so
session required pam_permit.so
PAM
}

# pam_service_alone NAME
# Nothing but tokens.
pam_service_alone() {
    cat >"/etc/pam.d/$1" <<PAM
auth    required $pam_pat nodelay
account required $dir/pam_pat.so
session required pam_permit.so
PAM
}

# pam_service_debian NAME
# The same by Debian's own tool, which makes the common-* files of profiles.
pam_service_debian() {
    local profiles=/usr/share/pam-configs

    cp "$profiles/unix" "$dir"
    own_fs "$profiles"
    own_fs /var/lib/pam
    own_fs /var/cache/debconf copy
    mv "$dir/unix" "$profiles"
    cat >"$profiles/pat" <<PROFILE
Name: Personal access tokens
Default: no
Priority: 704
Auth-Type: Primary
Auth:
	[success=end ignore=ignore default=die]	$pam_pat nodelay try_first_pass
Auth-Initial:
	[success=end ignore=ignore default=die]	$pam_pat nodelay
Account-Type: Primary
Account:
	[success=end ignore=ignore default=die]	$dir/pam_pat.so
PROFILE
    cat >"$profiles/marker" <<PROFILE
Name: What gets past the first
Default: no
Priority: 703
Auth-Type: Primary
Auth:
	[default=ignore]	$marker
PROFILE
    DEBIAN_FRONTEND=noninteractive pam-auth-update --force --enable pat marker >&2
    cat >"/etc/pam.d/$1" <<'PAM'
@include common-auth
@include common-account
session required pam_permit.so
PAM
}

# --- sshd ------------------------------------------------------------------------------

make_sshd_config() {
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/host_key"
    cat >"$dir/sshd_config" <<CONF
ListenAddress 127.0.0.1
HostKey $dir/host_key
PidFile none
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication yes
PubkeyAuthentication no
PermitRootLogin prohibit-password
MaxAuthTries 3
LogLevel VERBOSE
UseDNS no
AcceptEnv PAT_*
PrintMotd no
PrintLastLog no
CONF
}

# start_sshd SERVICE
# What sshd is called names the PAM service.
start_sshd() {
    local service=$1

    new_port "$service"
    ln -s "$(command -v sshd)" "$dir/$service"
    start "$service" "$dir/$service" -D -f "$dir/sshd_config" -E "$dir/log/$service.log" -p "$port"
}

ssh_start() {
    local service

    mkdir -m 755 /run/sshd
    rm -rf /etc/ssh
    set_unix_passwords
    # Copies: paths that a line of PAM can hold, and no change by a build meanwhile.
    install -m 644 "$build/pam_pat.so" "$dir"
    install -m 755 "$here/ssh-marker" "$dir"
    pam_pat="$dir/pam_pat.so socket=$PAT_SOCKET"
    marker="pam_exec.so quiet expose_authtok $dir/ssh-marker $dir/log/marker"

    pam_service sshd-pat nodelay
    pam_service sshd-org nodelay org=acme
    pam_service sshd-role nodelay role=owner,member
    pam_service sshd-shared nodelay shared=git,mcp org=acme
    pam_service sshd-delay
    pam_service sshd-patient nodelay timeout=60s
    pam_service sshd-unix-account nodelay
    sed -i '/^account .*pam_pat/d' /etc/pam.d/sshd-unix-account
    pam_service_alone sshd-alone
    pam_service_debian sshd-debian
    make_sshd_config
    for service in pat org role shared delay patient unix-account alone debian; do
        start_sshd "sshd-$service"
    done
}
