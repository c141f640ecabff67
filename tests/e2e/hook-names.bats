#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154,SC2153      # what hook_load sets
#
# The hook: persons, and the effects of an entry's name.

bats_require_minimum_version 1.5.0
load common
load hook-lib

# left_over OWNER: a live token in the org, which the hook did not see. Sets LEFT.
left_over() {
    LEFT=patId=left1,ou=tokens,$O
    token "$LEFT" "patOwner: $1" "patHash: $(printf %s "$O" | sha256sum | cut -c 1-64)" |
        import_offline
}

sorted_events() {
    new_events | LC_ALL=C sort
}

# --- effects of a rename ----------------------------------------------------------------------

@test "a rename that makes a role group adds members, and revokes their old tokens" {
    new_org
    entry "cn=staff,$O" 'objectClass: groupOfNames' "member: $dave" | ldap_admin_add
    left_over "$dave"
    mark
    ldap_admin ldapmodrdn "cn=staff,$O" 'cn=staff+objectClass=patRoleGroup+patRole=owner' </dev/null
    is_revoked "$LEFT" "$PAT_ADMIN_DN" member-removed
    same "$(sorted_events)" 'org_member.added|by=cn=admin|target=uid=dave,ou=people|role=owner
pat.revoked|by=cn=admin|target=left1|owner=uid=dave,ou=people|reason=member-removed'
}

@test "a rename that ends a role group removes its members" {
    local dn
    new_org
    dn="cn=staff+objectClass=patRoleGroup+patRole=owner,$O"
    entry "$dn" 'objectClass: groupOfNames' 'objectClass: patRoleGroup' 'cn: staff' \
        'patRole: owner' "member: $dave" | ldap_admin_add
    import dave "$ORG"
    mark
    ldap_admin ldapmodrdn -r "$dn" cn=staff </dev/null
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
    same "$(sorted_events)" "org_member.removed|by=cn=admin|target=uid=dave,ou=people|role=owner
pat.revoked|by=cn=admin|target=$MINT_ID|owner=uid=dave,ou=people|reason=member-removed"
}

@test "a rename that changes a group's role changes the role of its members" {
    local dn
    new_org
    dn="cn=staff+patRole=viewer,$O"
    entry "$dn" 'objectClass: groupOfNames' 'objectClass: patRoleGroup' 'cn: staff' \
        'patRole: viewer' "member: $dave" | ldap_admin_add
    import dave "$ORG"
    mark
    ldap_admin ldapmodrdn -r "$dn" cn=staff+patRole=owner </dev/null
    is_live "$MINT_DN"
    same "$(new_events)" \
        'org_member.role_changed|by=cn=admin|target=uid=dave,ou=people|from=viewer|to=owner'
}

@test "a rename that makes a token, an event, a wrong org, or stores a secret is refused" {
    local plain
    new_org
    plain=cn=plain,ou=tokens,$O
    entry "$plain" 'objectClass: organizationalRole' 'objectClass: extensibleObject' 'cn: plain' \
        "patOwner: $bob" 'patId: forged' | ldap_admin_add
    # These two are structural: slapd itself does not add such a class.
    refused admin 65 '' ldapmodrdn "$plain" \
        "patId=forged+objectClass=patToken+patHash=$(hex 77)" </dev/null
    refused helen 65 '' ldapmodrdn "$plain" \
        'cn=plain+objectClass=patEvent+patEventId=x+patAction=pat.used+patEventTime=20200101000000Z' \
        </dev/null
    refused admin 19 patMaxLifetime ldapmodrdn "$plain" \
        'cn=plain+objectClass=patOrg+patMaxLifetime=0' </dev/null
    refused helen 19 patMaxTokens ldapmodrdn "$plain" \
        'cn=plain+objectClass=patOrg+patMaxTokens=-1' </dev/null
    refused admin 65 patHash ldapmodrdn "$plain" "cn=plain+patHash=$(hex 77)" </dev/null
    refused admin 19 patOwnerRole ldapmodrdn "$plain" cn=plain+patOwnerRole=owner </dev/null
}

# refused_rename CODE TEXT DN NEWRDN [OPTION...]: the rename, to the administrator.
refused_rename() {
    refused admin "$1" "$2" ldapmodrdn "${@:5}" "$3" "$4" </dev/null
}

@test "a rename that makes an org of another org's name is refused, one of a free name is not" {
    local more taken='belongs to another org' plain
    new_org
    more=ou=more-$ORG,$PAT_BASE
    entry "$more" 'objectClass: organizationalUnit' | ldap_admin_add
    plain="o=$ORG,$more"
    entry "$plain" 'objectClass: organization' | ldap_admin_add
    refused_rename 19 "$taken" "$plain" "o=$ORG+objectClass=patOrg"
    refused_rename 19 "$taken" "$plain" "objectClass=patOrg+o=$ORG" -r
    # In another case, and by a value beside the name.
    refused_rename 19 "$taken" "$plain" "o=${ORG^^}+objectClass=patOrg" -r
    refused_rename 19 "$taken" "$plain" 'o=free+objectClass=patOrg'
    # In the place of the other, and by another attribute.
    refused_rename 19 "$taken" "$plain" "o=ACME+objectClass=patOrg" -r -s "$orgs"
    refused_rename 19 "$taken" "$plain" 'description=Acme+objectClass=patOrg'
    refused_rename 19 "$taken" "$plain" "street=$ORG+objectClass=patOrg"
    entry "ou=$ORG,$more" 'objectClass: organizationalUnit' | ldap_admin_add
    refused_rename 19 "$taken" "ou=$ORG,$more" "ou=$ORG+objectClass=patOrg"
    entry "ou=$ORG+objectClass=patOrg,$orgs" 'objectClass: organizationalUnit' \
        'objectClass: patOrg' | refused admin 19 "$taken" ldapadd
    entry "cn=other+uid=$ORG,$orgs" 'objectClass: inetOrgPerson' 'sn: other' \
        'objectClass: patOrg' | refused admin 19 "$taken" ldapadd
    # The name of an entry that is no org is free, and two orgs may be named with objectClass.
    ldap_admin ldapmodrdn -r "$plain" o=acme </dev/null
    ldap_admin ldapmodrdn -r "o=acme,$more" "o=free-$ORG" </dev/null
    ldap_admin ldapmodrdn "o=free-$ORG,$more" "o=free-$ORG+objectClass=patOrg" </dev/null
    ldap_admin ldapmodrdn -r "ou=$ORG,$more" "ou=free2-$ORG+objectClass=patOrg" </dev/null
    # Then they are orgs, which keep their names, as what holds them keeps its place.
    refused_rename 53 'keeps its name' "o=free-$ORG+objectClass=patOrg,$more" "o=$ORG" -r
    refused_rename 53 'keeps its name' "o=free-$ORG+objectClass=patOrg,$more" 'o=acme+objectClass=patOrg' -s "$orgs"
    refused_rename 53 'holds orgs' "$more" "ou=more-$ORG" -s "$orgs"
    ldap_admin ldapmodrdn -r "$more" "ou=less-$ORG" </dev/null
    ldap_admin ldapdelete -r "ou=less-$ORG,$PAT_BASE"
}

@test "deleting an entry of two kinds has the consequences of both" {
    local both
    new_org
    # A token that is a person, and a member.
    both=patId=both,ou=tokens,$O
    token "$both" 'objectClass: uidObject' 'uid: both' "patOwner: $bob" "patHash: $(hex 78)" |
        ldap_admin_add
    change "cn=members,$O" 'add: member' "member: $both" | ldap_admin_modify
    mark
    ldap_admin ldapdelete "$both"
    same "$(get "cn=members,$O" member)" "$bob"
    same "$(sorted_events)" "org_member.removed|by=cn=admin|target=${both%,"$PAT_BASE"}|reason=owner-deleted|role=member
pat.revoked|by=cn=admin|target=both|owner=uid=bob,ou=people|reason=deleted"
    # An event that is a role group.
    both=patEventId=both,ou=audit,$O
    entry "$both" 'objectClass: patEvent' 'objectClass: patRoleGroup' 'patAction: pat.used' \
        'patEventTime: 20200101000000Z' "patActor: $bob" 'patTarget: x' \
        'patRole: member' "member: $dave" | ldap_admin_add
    import dave "$ORG"
    mark
    ldap_admin ldapdelete "$both"
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
}

@test "a role group that is a person and its own member: each change has one event" {
    local self
    new_org
    self=uid=self,$O
    entry "$self" 'objectClass: inetOrgPerson' 'objectClass: patRoleGroup' 'cn: self' 'sn: self' \
        'patRole: member' "member: $self" | ldap_admin_add
    same "$(new_events)" "org_member.added|by=cn=admin|target=${self%,"$PAT_BASE"}|role=member"
    token "patId=self,ou=tokens,$O" "patHash: $(hex 81)" "patOwner: $self" | ldap_admin_add
    mark
    ldap_admin ldapmodrdn -r "$self" uid=other </dev/null
    same "$(new_events)" \
        "org_member.renamed|by=cn=admin|target=uid=other,${O%,"$PAT_BASE"}|from=$self"
    is_live "patId=self,ou=tokens,$O"
    self=uid=other,$O
    mark
    ldap_admin ldapmodrdn -r "$self" cn=self </dev/null
    is_revoked "patId=self,ou=tokens,$O" "$PAT_ADMIN_DN" login-removed
    same "$(new_events | grep org_member)" \
        "org_member.renamed|by=cn=admin|target=cn=self,${O%,"$PAT_BASE"}|from=$self
org_member.removed|by=cn=admin|target=cn=self,${O%,"$PAT_BASE"}|reason=login-removed|role=member"
    self=cn=self,$O
    mark
    change "$self" 'add: uid' 'uid: self' - 'replace: patRole' 'patRole: owner' | ldap_admin_modify
    same "$(new_events)" "org_member.added|by=cn=admin|target=${self%,"$PAT_BASE"}|role=owner"
    mark
    change "$self" 'delete: uid' - 'delete: member' | ldap_admin_modify
    same "$(new_events)" "org_member.removed|by=cn=admin|target=${self%,"$PAT_BASE"}|role=owner"
    mark
    change "$self" 'add: uid' 'uid: self' - 'add: member' "member: $self" | ldap_admin_modify
    same "$(new_events)" "org_member.added|by=cn=admin|target=${self%,"$PAT_BASE"}|role=owner"
    mark
    ldap_admin ldapdelete "$self"
    same "$(new_events)" "org_member.removed|by=cn=admin|target=${self%,"$PAT_BASE"}|role=owner"
}

@test "a role group that is moved with members below it: both orgs have their events" {
    local from to first
    new_org
    from=$O
    first=$ORG
    entry "cn=crew,$O" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' \
        'patRole: member' "member: uid=pia,cn=crew,$O" "member: uid=none,cn=crew,$O" | ldap_admin_add
    new_person pia "cn=crew,$O"
    token "patId=pia,ou=tokens,$O" "patHash: $(hex 82)" "patOwner: uid=pia,cn=crew,$O" | ldap_admin_add
    mark
    ldap_admin ldapmodrdn -r "cn=crew,$O" cn=team </dev/null
    same "$(new_events)" \
        "org_member.renamed|by=cn=admin|target=uid=pia,cn=team,${O%,"$PAT_BASE"}|from=uid=pia,cn=crew,$O"
    is_live "patId=pia,ou=tokens,$O"
    new_org
    to=$O
    ldap_admin ldapmodrdn -r -s "$to" "cn=team,$from" cn=team </dev/null
    is_revoked "patId=pia,ou=tokens,$from" "$PAT_ADMIN_DN" member-removed
    same "$(new_events)" "org_member.added|by=cn=admin|target=uid=pia,cn=team,${from%,"$PAT_BASE"}|role=member
org_member.renamed|by=cn=admin|target=uid=pia,cn=team,${to%,"$PAT_BASE"}|from=uid=pia,cn=team,$from"
    same "$(events "$first" | grep org_member | tail -n 1)" \
        "org_member.removed|by=cn=admin|target=uid=pia,cn=team,${from%,"$PAT_BASE"}|role=member"
    ldap_admin ldapdelete "uid=pia,cn=team,$to"
}

@test "a container is moved: tokens that were left under the new names are revoked" {
    new_org
    entry "ou=north,$PAT_BASE" 'objectClass: organizationalUnit' | ldap_admin_add
    new_person nora "ou=north,$PAT_BASE"
    change "cn=members,$O" 'add: member' "member: uid=nora,ou=north,$PAT_BASE" | ldap_admin_modify
    token "patId=hers,ou=tokens,$O" "patHash: $(hex 79)" \
        "patOwner: uid=nora,ou=north,$PAT_BASE" | ldap_admin_add
    left_over "uid=nora,ou=south,$PAT_BASE"
    ldap_admin ldapmodrdn -r "ou=north,$PAT_BASE" ou=south </dev/null
    is_revoked "$LEFT" "$PAT_ADMIN_DN" owner-deleted
    is_live "patId=hers,ou=tokens,$O"
    ldap_admin ldapdelete "uid=nora,ou=south,$PAT_BASE" "ou=south,$PAT_BASE"
}

# in_name DN: the DN as the value of an attribute in an RDN.
in_name() { printf '%s\n' "${1//,/\\2C}"; }

@test "a role group that would be named by member is refused, however it comes about" {
    local name plain rdn text='another attribute, such as cn'
    new_org
    name=$(in_name "$dave")
    for rdn in "member=$name" "MEMBER=$name" "2.5.4.31=$name" "cn=x+member=$name" \
        'member=cn\3Dnobody' 'member=uid\3Dmissing\2Cdc\3Dexample'; do
        entry "$rdn,$O" 'objectClass: groupOfNames' 'objectClass: patRoleGroup' 'cn: x' \
            'patRole: viewer' | refused admin 64 "$text" ldapadd
    done
    refused_rename 64 "$text" "cn=viewers,$O" "member=$name"
    refused_rename 64 "$text" "cn=viewers,$O" "cn=viewers+member=$name"
    # A group that gives no role may have such a name.
    plain=member=$name,$O
    entry "$plain" 'objectClass: groupOfNames' 'cn: x' "member: $bob" | ldap_admin_add
    change "$plain" 'add: objectClass' 'objectClass: patRoleGroup' - 'add: patRole' \
        'patRole: viewer' | refused admin 64 "$text" ldapmodify
    refused_rename 64 "$text" "$plain" "member=$name+objectClass=patRoleGroup+patRole=viewer"
    same "$(new_events)" ''
    ldap_admin ldapmodrdn "$plain" cn=x </dev/null
    change "cn=x,$O" 'add: objectClass' 'objectClass: patRoleGroup' - 'add: patRole' \
        'patRole: viewer' | ldap_admin_modify
    same "$(new_events | grep dave)" 'org_member.added|by=cn=admin|target=uid=dave,ou=people|role=viewer'
}

@test "a role group that is named by a person: the person's rename and deletion name group and remedy" {
    local group text='named by this member'
    new_org
    new_person vera
    group="member=$(in_name "uid=vera,$people"),$O"
    entry "$group" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' 'cn: x' \
        'patRole: owner' | import_offline
    # Other members of it come and go.
    change "$group" 'add: member' "member: $dave" | ldap_admin_modify
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=dave,ou=people|role=owner'
    change "$group" 'delete: member' "member: $dave" | ldap_admin_modify
    import vera "$ORG"
    refused admin 53 "$text" ldapdelete "uid=vera,$people"
    refused admin 53 "such as cn" ldapdelete "uid=vera,$people"
    refused_rename 53 "$text" "uid=vera,$people" uid=verena -r
    refused_rename 53 "$O" "uid=vera,$people" uid=vera -s "$orgs"
    is_live "$MINT_DN"
    # The remedy, which keeps the member.
    ldap_admin ldapmodrdn "$group" cn=x </dev/null
    mark
    ldap_admin ldapmodrdn -r "uid=vera,$people" uid=verena </dev/null
    is_live "$MINT_DN"
    ldap_admin ldapdelete "uid=verena,$people"
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" owner-deleted
    same "$(new_events | grep -c .)" 3
}

@test "a role group that loses the person in its name by a rename revokes the tokens" {
    local group
    new_org
    group="member=$(in_name "$dave"),$O"
    entry "$group" 'objectClass: organizationalRole' 'objectClass: patRoleGroup' 'cn: x' \
        'patRole: owner' | import_offline
    import dave "$ORG"
    mark
    ldap_admin ldapmodrdn -r "$group" cn=x </dev/null
    is_revoked "$MINT_DN" "$PAT_ADMIN_DN" member-removed
    same "$(get "cn=x,$O" member)" ''
}

# --- persons -----------------------------------------------------------------------------------

@test "placeholders, groups and missing entries in member get no event and no token" {
    local dn
    new_org
    entry "cn=plain,$people" 'objectClass: organizationalRole' | ldap_admin_add
    for dn in "uid=missing,$people" "cn=plain,$people" "cn=owners,$O" 'cn=x' 'cn=x,dc=other' ''; do
        printf '"%s"\n' "$dn"
        change "cn=members,$O" 'add: member' "member: $dn" | ldap_admin_modify
        [[ -z $dn ]] || token "patId=x,ou=tokens,$O" "patOwner: $dn" |
            refused admin 19 patOwner ldapadd "${secret[@]}"
    done
    change "cn=members,$O" 'replace: patRole' 'patRole: viewer' | ldap_admin_modify
    same "$(new_events)" 'org_member.role_changed|by=cn=admin|target=uid=bob,ou=people|from=member|to=viewer'
    mark
    for dn in "uid=missing,$people" "cn=plain,$people" "cn=owners,$O" 'cn=x' 'cn=x,dc=other' ''; do
        change "cn=members,$O" 'delete: member' "member: $dn" | ldap_admin_modify
    done
    change "cn=members,$O" 'add: member' "member: cn=plain,$people" | ldap_admin_modify
    ldap_admin ldapdelete "cn=plain,$people"
    same "$(new_events)" ''
    same "$(get "cn=members,$O" member)" "$bob"
}

@test "a person whose entry is added becomes a member, with the strongest role" {
    new_org
    change_member add late "$ORG" viewers
    change_member add late "$ORG" members
    same "$(new_events)" ''
    left_over "uid=late,$people"
    mark
    new_person late
    same "$(sorted_events)" 'org_member.added|by=cn=admin|target=uid=late,ou=people|role=member
pat.revoked|by=cn=admin|target=left1|owner=uid=late,ou=people|reason=owner-deleted'
    mint_self late "$ORG"
    ldap_admin ldapdelete "uid=late,$people"
}

# slapd adds the values of the RDN to an entry that lacks them.
@test "a value that only the RDN of an added entry has counts as any other" {
    local dn
    new_org
    change_member add late "$ORG" members
    left_over "uid=late,$people"
    mark
    entry "uid=late,$people" 'objectClass: inetOrgPerson' 'cn: late' 'sn: late' | ldap_admin_add
    same "$(sorted_events)" 'org_member.added|by=cn=admin|target=uid=late,ou=people|role=member
pat.revoked|by=cn=admin|target=left1|owner=uid=late,ou=people|reason=owner-deleted'
    ldap_admin ldapdelete "uid=late,$people"
    mark
    entry "cn=staff+objectClass=patRoleGroup,$O" 'objectClass: device' 'objectClass: extensibleObject' \
        'patRole: viewer' "member: $dave" | ldap_admin_add
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=dave,ou=people|role=viewer'
    dn=patEventId=forged+objectClass=patEvent,ou=audit,$O
    entry "$dn" 'objectClass: device' 'objectClass: extensibleObject' 'cn: x' 'patAction: pat.used' \
        'patEventTime: 20200101000000Z' | refused helen 50 'audit log' ldapadd
    entry "cn=plain+patHash=$(hex 83),$O" 'objectClass: device' 'objectClass: extensibleObject' |
        refused admin 65 patHash ldapadd
    entry "patId=x+objectClass=patToken,ou=tokens,$O" 'objectClass: device' 'cn: x' \
        'objectClass: extensibleObject' "patOwner: $bob" | refused admin 65 '' ldapadd "${secret[@]}"
}

@test "adding the login attribute makes a member, and deleting it removes the member" {
    local dn
    new_org
    dn=cn=turning,$people
    entry "$dn" 'objectClass: inetOrgPerson' 'sn: turning' | ldap_admin_add
    change "cn=members,$O" 'add: member' "member: $dn" | ldap_admin_modify
    same "$(new_events)" ''
    left_over "$dn"
    mark
    change "$dn" 'add: uid' 'uid: turning' | ldap_admin_modify
    is_revoked "$LEFT" "$PAT_ADMIN_DN" owner-deleted
    same "$(new_events | grep -c .)" 2
    same "$(new_events | grep org_member)" \
        'org_member.added|by=cn=admin|target=cn=turning,ou=people|role=member'
    token "patId=turning,ou=tokens,$O" "patHash: $(hex 80)" "patOwner: $dn" | ldap_admin_add
    same "$(get "patId=turning,ou=tokens,$O" patOwnerRole)" member
    mark
    change "$dn" 'replace: uid' 'uid: turned' | ldap_admin_modify
    same "$(new_events)" ''
    is_live "patId=turning,ou=tokens,$O"
    change "$dn" 'delete: uid' | ldap_admin_modify
    is_revoked "patId=turning,ou=tokens,$O" "$PAT_ADMIN_DN" login-removed
    same "$(get "patId=turning,ou=tokens,$O" patOwnerRole)" ''
    same "$(sorted_events)" \
        'org_member.removed|by=cn=admin|target=cn=turning,ou=people|reason=login-removed|role=member
pat.revoked|by=cn=admin|target=turning|owner=cn=turning,ou=people|reason=login-removed'
    token "patId=x,ou=tokens,$O" "patOwner: $dn" | refused admin 19 patOwner ldapadd "${secret[@]}"
    # The same by a rename.
    mark
    ldap_admin ldapmodrdn "$dn" cn=turning+uid=turning </dev/null
    same "$(new_events)" \
        'org_member.added|by=cn=admin|target=cn=turning+uid=turning,ou=people|role=member'
    mark
    ldap_admin ldapmodrdn -r "cn=turning+uid=turning,$people" cn=turning </dev/null
    # The log knows the person by the name before.
    same "$(new_events)" "org_member.renamed|by=cn=admin|target=cn=turning,ou=people|from=cn=turning+uid=turning,$people
org_member.removed|by=cn=admin|target=cn=turning,ou=people|reason=login-removed|role=member"
    ldap_admin ldapdelete "$dn"
}

@test "a group keeps a deleted person as its last member: the next of that name is added with an event" {
    new_person kept
    ORG_CLASS=groupOfNames new_org
    change "cn=owners,$O" 'replace: member' "member: uid=kept,$people" | ldap_admin_modify
    ldap_admin ldapdelete "uid=kept,$people"
    same "$(get "cn=owners,$O" member)" "uid=kept,$people"
    mark
    new_person kept
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=kept,ou=people|role=owner'
    ldap_admin ldapdelete "uid=kept,$people"
    mark
    new_person other
    ldap_admin ldapmodrdn -r "uid=other,$people" uid=kept </dev/null
    same "$(new_events)" 'org_member.added|by=cn=admin|target=uid=kept,ou=people|role=owner'
    ldap_admin ldapdelete "uid=kept,$people"
}

@test "a person who is renamed leaves an event in each org, and none elsewhere" {
    local here
    new_person rosa
    new_org
    change_member add rosa "$ORG" members
    change_member add ruth "$ORG" owners
    mint_self rosa "$ORG"
    here=$ORG
    new_org
    ORG=$here
    mark
    # To a name of more rights, which a group had kept free.
    ldap_admin ldapmodrdn -r "uid=rosa,$people" uid=ruth </dev/null
    same "$(sorted_events)" "org_member.renamed|by=cn=admin|target=uid=ruth,ou=people|from=uid=rosa,$people
org_member.role_changed|by=cn=admin|target=uid=ruth,ou=people|from=member|to=owner"
    is_live "$MINT_DN"
    same "$(events "${O:2:${#ORG}}" '(patAction=org_member.renamed)')" ''
    mark
    ldap_admin ldapmodrdn -r "uid=ruth,$people" uid=RUTH </dev/null
    same "$(new_events)" ''
    refused rosa '*' '' ldapmodrdn -r "uid=ruth,$people" uid=rosa </dev/null
    ldap_admin ldapdelete "uid=ruth,$people"
}

@test "a container is renamed: only the members below it leave an event each" {
    new_org
    entry "ou=east,$PAT_BASE" 'objectClass: organizationalUnit' | ldap_admin_add
    new_person emma "ou=east,$PAT_BASE"
    new_person elsa "ou=east,$PAT_BASE"
    change "cn=members,$O" 'add: member' "member: uid=emma,ou=east,$PAT_BASE" \
        "member: uid=none,ou=east,$PAT_BASE" "member: uid=elsa,ou=west,$PAT_BASE" | ldap_admin_modify
    mark
    ldap_admin ldapmodrdn -r "ou=east,$PAT_BASE" ou=west </dev/null
    same "$(sorted_events)" "org_member.added|by=cn=admin|target=uid=elsa,ou=west|role=member
org_member.renamed|by=cn=admin|target=uid=emma,ou=west|from=uid=emma,ou=east,$PAT_BASE"
    ldap_admin ldapdelete "uid=emma,ou=west,$PAT_BASE" "uid=elsa,ou=west,$PAT_BASE" \
        "ou=west,$PAT_BASE"
}
