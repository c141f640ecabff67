# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# lastused.bash - what a login pays for the note of its time in the directory, and for the
# event of it in the audit log

# directory NAME: a box with tokens of alice, that flushes each change to the disk.
lastused_box() {
    box "$1"
    ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<'EOF'
dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcDbNoSync
olcDbNoSync: FALSE
EOF
    token_entries "$dir/made" alice acme | ldap_admin ldapadd >/dev/null
    conf none 'last_used = no'
    conf usual 'last_used = yes'
    conf each 'last_used_interval = 0'
    patd none
    patd usual
    patd each
}

bench_lastused() {
    local noted=400 rounds=60 batch_ms=6 audited unaudited

    [[ -z $quick ]] || noted=150 rounds=15
    make_tokens "$dir/made" 1
    only_tokens "$dir/made" "$dir/token"
    lastused_box audited
    audited=$BOX
    lastused_box unaudited
    unaudited=$BOX
    ldapmodify -Q -Y EXTERNAL -H "$LDAPURI" >/dev/null <<'EOF'
dn: olcOverlay={0}pat,olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcPatAuditUse
olcPatAuditUse: FALSE
EOF
    title 'what a login pays for last-used, on a directory that flushes to the disk'
    # Not beside those that write: the disk is still at it while the next is measured.
    measure lastused '' "$noted" "$batch_ms" \
        'F: bare libldap, two searches' floor "$audited/none.conf" - "$dir/token" \
        'client: last_used = no' client "$audited/none.conf" alice "$dir/token" \
        'client: last_used = yes' client "$audited/usual.conf" alice "$dir/token"
    measure lastused written "$rounds" "$batch_ms" \
        'F: bare libldap, two searches' floor "$audited/none.conf" - "$dir/token" \
        'client: last_used = no' client "$audited/none.conf" alice "$dir/token" \
        'client: last_used_interval = 0' writes "$audited/each.conf" alice "$dir/token" \
        'client: the same, olcPatAuditUse: FALSE' writes "$unaudited/each.conf" alice \
        "$dir/token"
}
