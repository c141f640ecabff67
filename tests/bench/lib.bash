# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# lib.bash - what the sections of the benchmark share: a machine of their own, directories,
# tokens, tables and figures

# Who patd is, and who measures.
RUN_USER=nobody
# Where the peers have their libraries.
peer_lib=$peers/usr/lib/$(gcc -print-multiarch)

# --- figures ---------------------------------------------------------------------------

csv_begin() {
    printf 'section,subject,parameter,measure,value\n' >"$out/results.csv"
    csv run machine '' kernel "$(uname -sr)"
    csv run machine '' processors "$(nproc)"
    csv run machine '' model "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
    csv run machine '' date "$(date -u +%F)"
    csv run machine '' system "$(. /etc/os-release && printf '%s' "$PRETTY_NAME")"
    csv run machine '' quick "${quick:-no}"
    csv run version '' ldap-pat "$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)"
    csv run version '' slapd "$(slapd -VV 2>&1 | sed -n 's/.*slapd \([^ ]*\).*/\1/p' | head -n 1)"
    csv run version '' libpam "$(version_of libpam0g)"
    csv run version '' cyrus-sasl "$(version_of libsasl2-2)"
    csv run version '' nginx "$(nginx -v 2>&1 | sed 's/.*nginx.//')"
    printf '%s, %s processors, %s, %s\n' "$(uname -sr)" "$(nproc)" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(date -u +%F)"
}

version_of() {
    # The pattern is dpkg's, not the shell's.
    # shellcheck disable=SC2016
    dpkg-query -W -f '${Version}' "$1"
}

# csv SECTION SUBJECT PARAMETER MEASURE VALUE
csv() {
    printf '"%s","%s","%s","%s","%s"\n' "$@" >>"$out/results.csv"
}

# figure SECTION SUBJECT PARAMETER MEASURE: print the value that was noted, if it was.
figure() {
    awk -F '","' -v key="\"$1\",\"$2\",\"$3\",\"$4\"" '
        { at = $1 "\",\"" $2 "\",\"" $3 "\",\"" $4 "\"" }
        at == key { sub(/"$/, "", $5); print $5 }' "$out/results.csv" | tail -n 1
}

title() {
    printf '\n%s\n' "$*"
}

# quantiles: of the numbers on standard input, one a line, print p50, p99 and the maximum.
quantiles() {
    LC_ALL=C sort -n | awk '{ v[NR] = $1 } END {
        if (NR > 0) print v[int((NR + 1) / 2)], v[int((NR * 99 + 99) / 100)], v[NR] }'
}

# measure SECTION PARAMETER ROUNDS BATCH-MS SUBJECT-FIELD...
# Run bench (bench.c) as patd's user, print its table, and note its figures.
measure() {
    local section=$1 parameter=$2 name us ratio low high

    "$PAT_BUILD/tests/bench" -u "$(id -u "$RUN_USER")" "${@:3}" >"$dir/measured" || {
        tail -n 4 "$dir"/*.log "$dir"/*/log/*.log >&2
        die "section $section failed; the ends of all logs are above"
    }
    printf '  %-46s %10s %8s   %s\n' '' us '/ F' 'half of all'
    while IFS=$'\t' read -r name us ratio low high; do
        printf '  %-46s %10s %8.2f   %.2f..%.2f\n' "$name" "$us" "$ratio" "$low" "$high"
        csv "$section" "$name" "$parameter" us "$us"
        csv "$section" "$name" "$parameter" ratio "$ratio"
        csv "$section" "$name" "$parameter" ratio_q1 "$low"
        csv "$section" "$name" "$parameter" ratio_q3 "$high"
    done <"$dir/measured"
}

# goal TEXT VALUE COMPARISON LIMIT: a line that tells whether it holds.
goal() {
    local verdict

    if [[ -z $2 || $2 == - ]]; then
        verdict='not measured'
    elif awk -v v="$2" -v l="$4" -v op="$3" \
        'BEGIN { exit !(op == "<=" ? v <= l : v >= l) }'; then
        verdict=holds
    else
        verdict='DOES NOT HOLD'
    fi
    printf '  %-58s %8s  goal %s %-5s %s\n' "$1" "${2:--}" "$3" "$4" "$verdict"
    csv goal "$1" "$3 $4" "$verdict" "${2:--}"
}

# of A B: their quotient, if both are known.
of() {
    [[ -z ${1-} || -z ${2-} ]] || awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'
}

# less A B: their difference, if both are known.
less() {
    [[ -z ${1-} || -z ${2-} ]] || awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'
}

# What we want to hold; said, not enforced: a busy machine proves nothing.
goals() {
    local patd=throughput revocations=1000 removed=10000

    [[ -z $quick ]] || revocations=100 removed=1000

    title 'goals'
    goal 'verify inside patd, warm, ldapi / F' \
        "$(figure cost 'verify inside patd' '' ratio)" '<=' 1.1
    goal 'PAM in a forked child, ldapi / with nslcd' \
        "$(of "$(figure cost 'PAM forked: pam_pat' '' us)" \
            "$(figure cost 'PAM forked: pam_ldap, nslcd' '' us)")" '<=' 0.6
    goal 'PAM in a forked child, ldapi / pam_permit' \
        "$(of "$(figure cost 'PAM forked: pam_pat' '' us)" \
            "$(figure cost 'PAM forked: pam_permit' '' us)")" '<=' 1.8
    goal 'PAM in a forked child, ldaps / with nslcd' \
        "$(of "$(figure cost 'PAM forked: pam_pat, ldaps' '' us)" \
            "$(figure cost 'PAM forked: pam_ldap, nslcd, ldaps' '' us)")" '<=' 0.45
    goal 'SASL PLAIN / saslauthd -a ldap' \
        "$(of "$(figure cost 'SASL PLAIN: libpat' '' us)" \
            "$(figure cost 'SASL PLAIN: saslauthd -a ldap' '' us)")" '<=' 0.7
    goal 'patd, 16 connections / bare loop on 16' \
        "$(of "$(figure $patd 'patd, connections kept' 16 rate)" \
            "$(figure $patd 'bare loop' 16 rate)")" '>=' 0.75
    goal 'patd, 16 clients that connect anew / bare loop on 16' \
        "$(of "$(figure $patd patd 16 rate)" "$(figure $patd 'bare loop' 16 rate)")" '>=' 0.75
    goal 'verify with the most tokens / with 1,000' \
        "$(figure scale tokens most over_least)" '<=' 1.25
    goal 'verify in a group of 10,000 / of 10' \
        "$(of "$(figure scale 'verify, group of 10,000' groups us)" \
            "$(figure scale 'verify, group of 10' groups us)")" '<=' 1.4
    goal 'what last-used adds to a login / F' \
        "$(less "$(figure lastused 'client: last_used = yes' '' ratio)" \
            "$(figure lastused 'client: last_used = no' '' ratio)")" '<=' 0.05
    goal "removal with $removed tokens / by a script" \
        "$(of "$(figure removal slapo-pat "$removed" p50_us)" \
            "$(figure removal 'slapd alone, and a script' "$removed" p50_us)")" '<=' 0.5
    goal 'revoked and refused at a replica / seen there by a search' \
        "$(of "$(figure revocation replica "$revocations" p50_us)" \
            "$(figure revocation search "$revocations" p50_us)")" '<=' 2
    goal 'RSS of patd after all verifications, MiB' "$(figure memory patd most rss_mib)" '<=' 16
}

# --- a machine of our own ----------------------------------------------------------------

# own_fs PATH [COPY]
# An empty file system instead of PATH, or one with a copy of what was there.
own_fs() {
    mount -n -t tmpfs -o mode=755 none "$dir/mnt"
    [[ -z ${2-} ]] || cp -a -- "$1/." "$dir/mnt"
    mount -n --move "$dir/mnt" "$1"
}

own_machine() {
    local name uid=2000

    mkdir "$dir/mnt"
    own_fs /etc copy
    own_fs /run
    ip link set lo up
    hostname host.example.com
    printf '127.0.0.1 localhost host.example.com host\n' >/etc/hosts
    printf '%s: files\n' passwd group shadow hosts services >/etc/nsswitch.conf
    # The users of the directory. Each who needs a password of unix gets it later.
    for name in alice bob carol; do
        uid=$((uid + 1))
        sed -i "/^$name:/d" /etc/passwd /etc/shadow
        printf '%s:x:%d:100::/:/bin/sh\n' "$name" "$uid" >>/etc/passwd
        printf '%s:*:19000:0:99999:7:::\n' "$name" >>/etc/shadow
    done
    getent passwd nslcd >/dev/null || printf 'nslcd:x:980:980::/:/bin/false\n' >>/etc/passwd
    getent group nslcd >/dev/null || printf 'nslcd:x:980:\n' >>/etc/group
}

# keep PID: end it when all is over.
keep() {
    pids+=("$1")
}

stop_all() {
    local pid

    trap '' HUP INT TERM
    cd /
    stop_all_boxes
    for pid in "${pids[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    # The rest ends with this namespace, of which we are the first process.
}

# --- directories ---------------------------------------------------------------------------

# box NAME [OPTION...]
# Start a sandbox without patd, and use it. A log of every operation is no part of what is
# measured.
box() {
    local name=$1

    PAT_SLAPD_DEBUG=none "$root/tests/sandbox" start --no-patd "${@:2}" "$dir/$name"
    boxes+=("$name")
    use "$name"
}

use() {
    BOX=$dir/$1
    # shellcheck source=/dev/null
    . "$BOX/env"
}

stop_box() {
    "$root/tests/sandbox" stop "$dir/$1"
    rm -rf -- "${dir:?}/$1"
}

stop_all_boxes() {
    local name pid

    for pid in "${patds[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    patds=()
    for name in "${boxes[@]}"; do
        stop_box "$name"
    done
    boxes=()
}
patds=()

# fill: slapadd the LDIF on standard input to the box in use. Its slapd is away meanwhile.
fill() {
    "$root/tests/sandbox" slapd-stop "$BOX"
    slapadd -q -n 1 -F "$BOX/etc/slapd.d" 2>"$BOX/log/slapadd.log" ||
        die "slapadd: $(tail -n 3 "$BOX/log/slapadd.log")"
    PAT_SLAPD_DEBUG=none "$root/tests/sandbox" slapd-start "$BOX"
}

# conf NAME [LINE...]: write $BOX/NAME.conf for a patd over ldapi, with these lines besides.
conf() {
    printf '%s\n' "base = ou=orgs,$PAT_BASE" "socket = $BOX/$1.sock" "user = $RUN_USER" \
        'log_level = warning' "${@:2}" >"$BOX/$1.conf"
    [[ " ${*:2}" == *' uri = '* ]] || printf 'uri = %s\n' "$LDAPURI" >>"$BOX/$1.conf"
}

# patd NAME: start a patd with that configuration. Sets patd_pid.
patd() {
    chmod 755 "$BOX"
    "$PAT_BUILD/patd" -f -c "$BOX/$1.conf" </dev/null >"$BOX/log/$1.log" 2>&1 &
    patd_pid=$!
    patds+=("$patd_pid")
    wait_for 10 unix_listens "$BOX/$1.sock" || die "patd did not start: $(tail -n 3 "$BOX/log/$1.log")"
}

# make_tokens FILE COUNT: a file with a line for each, TOKEN and its patHash with a tab between.
make_tokens() {
    local i made

    (umask 077 && : >"$1")
    for ((i = 0; i < $2; i++)); do
        made=$("$PAT_BUILD/patctl" generate)
        sed -n 's/^token: //p; s/^patHash: //p' <<<"$made" | paste -sd '\t'
    done >>"$1"
}

# token_entries FILE UID ORG [PREFIX]: LDIF of tokens as make_tokens wrote them.
token_entries() {
    awk -F '\t' -v owner="uid=$2,ou=people,$PAT_BASE" -v org="$3" -v base="$PAT_BASE" \
        -v prefix="${4:-bench}" '{
            id = prefix "-" NR
            printf "dn: patId=%s,ou=tokens,o=%s,ou=orgs,%s\nobjectClass: patToken\n", id, org, base
            printf "patId: %s\npatHash: %s\npatOwner: %s\n\n", id, $2, owner
        }' "$1"
}

# A file with the tokens alone.
only_tokens() {
    (umask 077 && cut -f 1 "$1" >"$2")
}
