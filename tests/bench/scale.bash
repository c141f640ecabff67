# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# scale.bash - one verification, by the number of tokens in the directory, and by the number
# of members of the group that gives the role

# crowd TOKENS: LDIF of a directory with so many tokens, ten to a person, ten persons to an
# org, in three role groups; in order, so that slapadd finds each parent there. Those of the
# file made are spread among them.
crowd() {
    python3 -IS - "$PAT_BASE" "$1" "$dir/made" <<'PY'
import os, sys
base, count = sys.argv[1], int(sys.argv[2])
known = [line.rstrip("\n").split("\t")[1] for line in open(sys.argv[3])]
stride = count // len(known)
out = sys.stdout
def person(p):
    return f"uid=p{p},ou=people,{base}"
for p in range(count // 10):
    out.write(f"dn: {person(p)}\nobjectClass: inetOrgPerson\nuid: p{p}\ncn: p{p}\nsn: p\n\n")
for o in range(count // 100):
    org = f"o=org{o},ou=orgs,{base}"
    out.write(f"dn: {org}\nobjectClass: organization\nobjectClass: patOrg\no: org{o}\n\n"
              f"dn: ou=tokens,{org}\nobjectClass: organizationalUnit\nou: tokens\n\n")
    for group, role in enumerate(("owner", "member", "viewer")):
        members = [p for p in range(10) if p % 3 == group]
        out.write(f"dn: cn={role}s,{org}\nobjectClass: organizationalRole\n"
                  f"objectClass: patRoleGroup\ncn: {role}s\npatRole: {role}\n")
        for p in members:
            out.write(f"member: {person(o * 10 + p)}\n")
        out.write("\n")
    for t in range(o * 100, o * 100 + 100):
        if t % stride == 0 and t // stride < len(known):
            digest, owner = known[t // stride], o * 10
            mark = f"cn: known\n"
        else:
            digest, owner, mark = os.urandom(32).hex(), t // 10, ""
        out.write(f"dn: patId=t{t},ou=tokens,{org}\nobjectClass: patToken\npatId: t{t}\n{mark}"
                  f"patHash: {digest}\npatOwner: {person(owner)}\n\n")
PY
}

# crowds SIZE...: LDIF of orgs with alice in a group of so many, and a token of hers each.
groups() {
    python3 -IS - "$PAT_BASE" "$dir/made.groups" "$@" <<'PY'
import sys
base, sizes = sys.argv[1], [int(s) for s in sys.argv[3:]]
known = [line.rstrip("\n").split("\t")[1] for line in open(sys.argv[2])]
for size, digest in zip(sizes, known):
    org = f"o=group{size},ou=orgs,{base}"
    alice = f"uid=alice,ou=people,{base}"
    print(f"dn: {org}\nobjectClass: organization\nobjectClass: patOrg\no: group{size}\n\n"
          f"dn: ou=tokens,{org}\nobjectClass: organizationalUnit\nou: tokens\n\n"
          f"dn: cn=members,{org}\nobjectClass: organizationalRole\nobjectClass: patRoleGroup\n"
          f"cn: members\npatRole: member\nmember: {alice}")
    for m in range(size - 1):
        print(f"member: uid=m{m},ou=people,{base}")
    print(f"\ndn: patId=group{size},ou=tokens,{org}\nobjectClass: patToken\n"
          f"patId: group{size}\npatHash: {digest}\npatOwner: {alice}\n")
PY
}

scale_config() {
    printf '%s\n' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'replace: olcDbMaxSize' 'olcDbMaxSize: 17179869184'
}

# scale_box TOKENS: sets BOX to one with so many, and writes its crowd.conf.
scale_box() {
    box "tokens-$1" --config "$dir/scale.ldif"
    crowd "$1" | fill
    conf crowd
}

# with_commas NUMBER
with_commas() {
    sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$1"
}

bench_scale() {
    local rounds=100 batch_ms=6 size least most began
    local -a sizes=(1000 100000 1000000) groups=(10 1000 10000 100000) subjects=()

    [[ -z $quick ]] || rounds=25 sizes=(1000 20000)
    least=${sizes[0]} most=${sizes[-1]}
    scale_config >"$dir/scale.ldif"
    # Each is another owner's, and p0, p10, p20 are members of the same kind.
    make_tokens "$dir/made" 1
    only_tokens "$dir/made" "$dir/token"
    for size in "${sizes[@]}"; do
        began=$SECONDS
        scale_box "$size"
        ((SECONDS - began < 10)) ||
            printf '\n(a directory with %s tokens was made in %d s)\n' "$size" $((SECONDS - began))
        subjects+=(
            "two searches, $(with_commas "$size") tokens" floor "$BOX/crowd.conf" - "$dir/token"
            "verify, $(with_commas "$size") tokens" verify "$BOX/crowd.conf" p0 "$dir/token"
        )
    done
    title 'by the number of tokens'
    measure scale tokens "$rounds" "$batch_ms" "${subjects[@]}"
    csv scale tokens most over_least \
        "$(of "$(figure scale "verify, $(with_commas "$most") tokens" tokens us)" \
            "$(figure scale "verify, $(with_commas "$least") tokens" tokens us)")"
    stop_all_boxes
    scale_groups
}

scale_groups() {
    local i=0

    box groups --config "$dir/scale.ldif"
    make_tokens "$dir/made.groups" "${#groups[@]}"
    groups "${groups[@]}" | fill
    conf groups
    subjects=()
    for size in "${groups[@]}"; do
        i=$((i + 1))
        (umask 077 && sed -n "${i}p" "$dir/made.groups" | cut -f 1 >"$dir/token.$size")
        subjects+=(
            "two searches, group of $(with_commas "$size")" floor "$BOX/groups.conf" -
            "$dir/token.$size"
            "verify, group of $(with_commas "$size")" verify "$BOX/groups.conf" alice
            "$dir/token.$size"
        )
    done
    title 'by the number of members of the group that gives the role'
    measure scale groups "$rounds" "$batch_ms" "${subjects[@]}"
}
