# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# throughput.bash - many at once: patd beside bare loops, and what patd takes of the machine
#
# "kept": each client keeps its connection to patd, as pat-fcgi does and the bare loops do
# theirs; "anew": a connection for each question, as PAM and SASL do it.

# A box with a patd as it comes, and a token.
load_box() {
    box load
    make_tokens "$dir/made" 1
    only_tokens "$dir/made" "$dir/token"
    token_entries "$dir/made" alice acme | ldap_admin ldapadd >/dev/null
    conf load
    patd load
}

# cpu_us PID: the time that it had of the processors.
cpu_us() {
    local stat

    stat=$(<"/proc/$1/stat")
    stat=${stat##*) }
    # shellcheck disable=SC2086 # its fields
    set -- $stat
    printf '%s\n' $(((${12} + ${13}) * (1000000 / $(getconf CLK_TCK))))
}

# middle: of the numbers on standard input
middle() {
    LC_ALL=C sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

workers() { "$PAT_BUILD/patd" -d | sed -n 's/^#workers = //p'; }

bench_throughput() {
    local rounds=5 requests=15000 clients round n before measure
    local -a bare=(-u "$(id -u "$RUN_USER")" "$dir/load/load.conf")

    [[ -z $quick ]] || rounds=2 requests=4000
    load_box
    title "many at once, per second, medians of $rounds runs in turn; patd with $(workers) workers"
    printf '  %8s %12s %14s %8s %14s %8s %10s %10s %8s\n' clients 'bare loop' 'patd, kept' \
        '/ bare' 'patd, anew' '/ bare' p50/us p99/us CPU/us
    for clients in 1 4 16 64; do
        n=$requests
        ((clients > 1)) || n=$((requests / 3))
        for ((round = 0; round < rounds; round++)); do
            "$PAT_BUILD/tests/floorload" "${bare[@]}" "$clients" "$n" <"$dir/token" |
                sed -n 's/^rate: \([0-9]*\).*/\1/p' >>"$dir/bare.$clients"
            "$PAT_BUILD/tests/patload" -k "$BOX/load.sock" "$clients" "$n" alice \
                <"$dir/token" | sed -n 's/^rate: \([0-9]*\).*/\1/p' >>"$dir/kept.$clients"
            before=$(cpu_us "$patd_pid")
            "$PAT_BUILD/tests/patload" "$BOX/load.sock" "$clients" "$n" alice <"$dir/token" \
                >"$dir/loaded"
            printf '%s\n' $((($(cpu_us "$patd_pid") - before) / n)) >>"$dir/cpu.$clients"
            for measure in rate p50 p99; do
                sed -n "s/^$measure: \([0-9]*\).*/\1/p" "$dir/loaded" >>"$dir/$measure.$clients"
            done
        done
        csv throughput 'bare loop' $clients rate "$(middle <"$dir/bare.$clients")"
        csv throughput patd $clients rate "$(middle <"$dir/rate.$clients")"
        csv throughput patd $clients p50_us "$(middle <"$dir/p50.$clients")"
        csv throughput patd $clients p99_us "$(middle <"$dir/p99.$clients")"
        csv throughput patd $clients cpu_us "$(middle <"$dir/cpu.$clients")"
        csv throughput 'patd, connections kept' $clients rate "$(middle <"$dir/kept.$clients")"
        printf '  %8s %12s %14s %8s %14s %8s %10s %10s %8s\n' $clients \
            "$(middle <"$dir/bare.$clients")" "$(middle <"$dir/kept.$clients")" \
            "$(of "$(middle <"$dir/kept.$clients")" "$(middle <"$dir/bare.$clients")")" \
            "$(middle <"$dir/rate.$clients")" \
            "$(of "$(middle <"$dir/rate.$clients")" "$(middle <"$dir/bare.$clients")")" \
            "$(middle <"$dir/p50.$clients")" "$(middle <"$dir/p99.$clients")" \
            "$(middle <"$dir/cpu.$clients")"
    done
}

rss_mib() {
    awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"
}

bench_memory() {
    local total=1000000 steps=10 step each rss most=0

    [[ -z $quick ]] || total=50000 steps=2
    each=$((total / steps))
    load_box
    title 'RSS of patd, MiB'
    for ((step = 0; step <= steps; step++)); do
        ((step == 0)) ||
            "$PAT_BUILD/tests/patload" "$BOX/load.sock" 16 "$each" alice <"$dir/token" >/dev/null
        rss=$(rss_mib "$patd_pid")
        most=$(awk -v a="$most" -v b="$rss" 'BEGIN { print (a > b ? a : b) }')
        csv memory patd $((step * each)) rss_mib "$rss"
        printf '  after %8d verifications: %s\n' $((step * each)) "$rss"
    done
    csv memory patd most rss_mib "$most"
}
