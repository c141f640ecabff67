# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# revocation.bash - from the answer to a revocation to the first refusal, at the same slapd
# and at a replica of it

# A class of a module is known once the module is loaded.
provider_module() {
    printf '%s\n' 'dn: cn=module{0},cn=config' 'changetype: modify' 'add: olcModuleLoad' \
        'olcModuleLoad: syncprov'
}

provider_config() {
    cat <<'EOF'
dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config
changetype: add
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov

dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcDbNoSync
olcDbNoSync: FALSE
EOF
}

# Of the box in use.
replica_config() {
    cat <<EOF
dn: olcDatabase={1}mdb,cn=config
changetype: modify
add: olcSyncrepl
olcSyncrepl: rid=1 provider=$LDAPURI type=refreshAndPersist retry="1 +" bindmethod=simple
  binddn="$PAT_ADMIN_DN" credentials=$PAT_ADMIN_PW searchbase="$PAT_BASE"
-
replace: olcDbNoSync
olcDbNoSync: FALSE
EOF
}

# revoke_all PREFIX SOCKET: revoke those tokens, and print the microseconds of each.
revoke_all() {
    awk -F '\t' -v prefix="$1" -v base="$PAT_BASE" '{
        printf "patId=%s-%d,ou=tokens,o=acme,ou=orgs,%s\t%s\n", prefix, NR, base, $1
    }' "$dir/made.$1" | "$PAT_BUILD/tests/adminhost" revoke "$LDAPURI" "$PAT_ADMIN_DN" \
        "$PAT_ADMIN_PW_FILE" "$2" alice
}

# follow_all PREFIX: revoke those tokens, and print the microseconds until a search at the replica
# finds each revoked, without patd.
follow_all() {
    awk -v prefix="$1" -v base="$PAT_BASE" '{
        printf "patId=%s-%d,ou=tokens,o=acme,ou=orgs,%s\t-\n", prefix, NR, base
    }' "$dir/made.$1" | "$PAT_BUILD/tests/adminhost" follow "$LDAPURI" "$PAT_ADMIN_DN" \
        "$PAT_ADMIN_PW_FILE" "$replica_uri" "$replica_pw"
}

# csn URI PASSWORD-FILE: up to where a server has come.
csn() {
    LDAPNOINIT=1 ldapsearch -x -LLL -H "$1" -D "$PAT_ADMIN_DN" -y "$2" -s base -b "$PAT_BASE" \
        contextCSN | grep '^contextCSN:'
}

# The replica has all that the provider, which is in use, has: a backlog is not measured.
caught_up() {
    local there

    there=$(csn "$replica_uri" "$replica_pw") &&
        [[ $there == "$(csn "$LDAPURI" "$PAT_ADMIN_PW_FILE")" ]]
}

bench_revocation() {
    local -A places=([same]='at the same slapd' [replica]='at a replica'
        [search]='a search at a replica')
    local count=1000 where provider replica replica_uri replica_pw p50 p99 max

    [[ -z $quick ]] || count=100
    provider_module >"$dir/module.ldif"
    provider_config >"$dir/provider.ldif"
    box provider --config "$dir/module.ldif" --config "$dir/provider.ldif"
    provider=$BOX
    replica_config >"$dir/replica.ldif"
    conf same 'last_used = no'
    patd same
    box replica --empty --config "$dir/replica.ldif"
    replica=$BOX replica_uri=$LDAPURI replica_pw=$PAT_ADMIN_PW_FILE
    conf replica 'last_used = no'
    use provider
    for where in same replica search; do
        make_tokens "$dir/made.$where" "$count"
        token_entries "$dir/made.$where" alice acme "$where" | ldap_admin ldapadd >/dev/null
    done
    wait_for 60 caught_up || die 'the replica does not follow'
    use replica
    patd replica
    use provider
    title "from a revocation to the first refusal, $count each, us"
    printf '  %-22s %10s %10s %10s\n' '' p50 p99 max
    for where in same replica search; do
        [[ $where == same ]] || wait_for 60 caught_up || die 'the replica does not follow'
        case $where in
        same) revoke_all same "$provider/same.sock" ;;
        replica) revoke_all replica "$replica/replica.sock" ;;
        search) follow_all search ;;
        esac >"$dir/revoked"
        (($(wc -l <"$dir/revoked") == count)) || die 'not all were revoked'
        read -r p50 p99 max < <(quantiles <"$dir/revoked")
        printf '  %-22s %10s %10s %10s\n' "${places[$where]}" "$p50" "$p99" "$max"
        csv revocation $where "$count" p50_us "$p50"
        csv revocation $where "$count" p99_us "$p99"
        csv revocation $where "$count" max_us "$max"
    done
}
