# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# removal.bash - the removal of a member, by how many tokens it revokes, on a directory that
# flushes to the disk

# leavers TOKENS COUNT: LDIF of that many members of acme with so many tokens each.
leavers() {
    python3 -IS - "$PAT_BASE" "$@" <<'PY'
import os, sys
base, tokens, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for person in range(count):
    uid = f"leaver-{tokens}-{person}"
    dn = f"uid={uid},ou=people,{base}"
    print(f"dn: {dn}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: x\n")
    for t in range(tokens):
        name = f"{uid}-{t}"
        print(f"dn: patId={name},ou=tokens,o=acme,ou=orgs,{base}\nobjectClass: patToken\n"
              f"patId: {name}\npatHash: {os.urandom(32).hex()}\npatOwner: {dn}\n")
print(f"dn: cn=leavers-{tokens},o=acme,ou=orgs,{base}\nobjectClass: organizationalRole\n"
      f"objectClass: patRoleGroup\ncn: leavers-{tokens}\npatRole: member")
for person in range(count):
    print(f"member: uid=leaver-{tokens}-{person},ou=people,{base}")
print()
PY
}

removal_config() {
    cat <<'EOF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcDbNoSync
olcDbNoSync: FALSE
-
replace: olcDbMaxSize
olcDbMaxSize: 4294967296
EOF
}

# remove_all SUBJECT TOKENS COUNT [script]: remove them in the box in use, and print how long
# each took.
remove_all() {
    local i p50 max _

    for ((i = 0; i < $3; i++)); do
        printf 'cn=leavers-%d,o=acme,ou=orgs,%s\tuid=leaver-%d-%d,ou=people,%s\n' \
            "$2" "$PAT_BASE" "$2" "$i" "$PAT_BASE"
    done | "$PAT_BUILD/tests/adminhost" "${4:-remove}" "$LDAPURI" "$PAT_ADMIN_DN" \
        "$PAT_ADMIN_PW_FILE" >"$dir/removed"
    read -r p50 _ max < <(quantiles <"$dir/removed")
    printf '  %-34s %8d %8d %12s %12s\n' "$1" "$2" "$3" "$p50" "$max"
    csv removal "$1" "$2" p50_us "$p50"
    csv removal "$1" "$2" max_us "$max"
}

bench_removal() {
    local -a sizes=(0 20 10 20 1000 10 10000 5)
    local kind i by_script=10000

    [[ -z $quick ]] || by_script=1000
    [[ -z $quick ]] || sizes=(0 5 10 5 1000 3 10000 1)
    removal_config >"$dir/removal.ldif"
    title 'the removal of a member, us'
    printf '  %-34s %8s %8s %12s %12s\n' '' tokens times p50 max
    for kind in plain pat; do
        if [[ $kind == plain ]]; then
            box plain --no-hook --config "$dir/removal.ldif"
        else
            box pat --config "$dir/removal.ldif"
        fi
        for ((i = 0; i < ${#sizes[@]}; i += 2)); do
            leavers "${sizes[i]}" "${sizes[i + 1]}"
        done | fill
        if [[ $kind == plain ]]; then
            remove_all 'slapd alone, which revokes nothing' "${sizes[0]}" "${sizes[1]}"
            # The alternative without the overlay: a client that revokes token by token.
            remove_all 'slapd alone, and a script' "$by_script" 1 script
            continue
        fi
        for ((i = 0; i < ${#sizes[@]}; i += 2)); do
            remove_all 'slapo-pat' "${sizes[i]}" "${sizes[i + 1]}"
        done
    done
}
