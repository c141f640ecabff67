# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154      # the world tells dir, build
#
# sudo-world.bash - the part "sudo" of a world: sudo asks alice and bob for a token, and su
#
# For sudo tokens alone let in: whatever is not one of their own is refused. su takes the unix
# password of bob as well.

su_password=unix-password-of-bob

sudo_needs() {
    need_tools sudo su openssl
    need_built pam_pat.so
}

sudo_start() {
    install -m 644 "$build/pam_pat.so" "$dir"
    cat >/etc/pam.d/sudo <<PAM
auth    [success=done ignore=ignore default=die] $dir/pam_pat.so socket=$PAT_SOCKET nodelay
auth    required pam_deny.so
account required $dir/pam_pat.so
session required pam_permit.so
PAM
    cat >/etc/pam.d/su <<PAM
auth    [success=done ignore=ignore default=die] $dir/pam_pat.so socket=$PAT_SOCKET nodelay
auth    required pam_unix.so nodelay try_first_pass
account [success=done ignore=ignore default=die] $dir/pam_pat.so
account required pam_unix.so
session required pam_permit.so
PAM
    sed -i "s|^bob:[^:]*|bob:$(openssl passwd -6 -stdin <<<"$su_password")|" /etc/shadow
    rm -rf /etc/sudoers.d
    cat >/etc/sudoers <<'SUDOERS'
Defaults env_reset, timestamp_timeout=0, lecture=never, passwd_tries=1
Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"
Defaults:carol env_delete+="PAT_*"
alice ALL=(ALL) SETENV: ALL
carol ALL=(ALL) SETENV: ALL
bob ALL=(ALL) ALL
SUDOERS
    chmod 440 /etc/sudoers
}
