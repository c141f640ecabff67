#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031 # each test is a process of its own
#
# patctl.bats - the commands of patctl, as user, as owner of an org, and as administrator

load common.bash
load patctl-lib.bash

bats_require_minimum_version 1.5.0

setup_file() {
    export LC_ALL=C.UTF-8 TERM=xterm
    unset NO_COLOR COLUMNS
    sandbox_up --tls
}

teardown_file() {
    sandbox_down
}

setup() {
    load_sandbox
    ERR=$BATS_TEST_TMPDIR/err
}

teardown() {
    end_background
}

# mint_as UID ARGUMENT...: sets TOKEN and ID.
mint_as() {
    TOKEN=$(pc "$@" 2>"$ERR")
    ID=$(sed -n 's/^Made the token \([^ ]*\) of .*/\1/p' "$ERR")
    [[ -n $ID ]]
}

@test "mint: the token alone on standard output, and it lets its owner in" {
    mint_as carol mint --name 'Claude Desktop on laptop' --expires 90d --service plain
    [[ $TOKEN =~ ^rhp_[0-9A-Za-z]{38}$ ]]
    grep -q 'shown this once' "$ERR"
    run ! grep -q rhp_ "$ERR"
    [[ $ID == carol-* ]]
    MINT_TOKEN=$TOKEN
    login plain carol
    expect PAM_SUCCESS
    run -0 pc carol show "$ID"
    [[ $output == *'Claude Desktop on laptop'* && $output =~ expires\ .*\(in\ (89|90)\ d\) ]]
    [[ $output == *'service          plain'* && $output == *'state            active'* ]]
}

@test "mint: the org may be left out by who is in one; who is in several is asked" {
    run -64 pc bob mint --name x
    [[ $output == *'--org: which one?'* ]]
    mint_as bob mint --org globex --name x
    run -0 pc bob show "$ID" --json
    [[ $output == *'"org":"globex"'* || $output == *'"org": "globex"'* ]]
}

@test "mint: for others the administrator alone; not for who is no member" {
    mint_as admin mint --owner carol --org acme --name 'made for carol'
    [[ $ID == carol-* ]]
    run -77 pc alice mint --owner carol --org acme
    [[ $output == *'access rules'* && $output != *rhp_* ]]
    run -65 pc admin mint --owner dave --org acme
    [[ $output == *'no member of'* ]]
    run -67 pc admin mint --owner nobody-there --org acme
    run -67 pc admin mint --owner carol --org nothing-there
}

@test "mint: wrong dates, ids and limits are refused with a reason" {
    run -64 pc carol mint --expires tomorrow
    [[ $output == *'90d'* ]]
    run -64 pc carol mint --expires 2020-01-01
    [[ $output == *'in the past'* ]]
    run -65 pc carol mint --id 'a b'
    [[ $output == *patId* ]]
    run -65 pc carol mint --source nonsense
    [[ $output == *patSource* ]]
    run -64 pc carol mint --nonsense
    [[ $output == *'no option'* ]]
    run -64 pc carol mint operand
}

@test "list: one's own; an owner sees the org's; others see nothing of them" {
    mint_as bob mint --org acme --name "bob's own"
    run -0 pc bob list
    [[ $output == *"$ID"* && $output != *carol* ]]
    run -0 pc alice list --org acme --all
    [[ $output == *OWNER* && $output == *"$ID"*bob* ]]
    run -0 pc carol list --all
    [[ $output != *"$ID"* ]]
    run -0 pc admin list --owner bob --csv
    [[ ${lines[0]} == name,id,owner,* && $output == *"$ID,bob,acme"* ]]
    run -64 pc admin list --all --owner bob
    run -64 pc admin list --csv --json
}

@test "revoke: the owner, the owner of the org, the administrator; nobody else" {
    local first second third

    mint_as bob mint --org acme --name one && first=$ID
    mint_as bob mint --org acme --name two && second=$ID
    mint_as bob mint --org acme --name three && third=$ID
    run -67 pc carol revoke "$first"
    [[ $output == *'that you may see'* && $(state "$first") == live ]]
    run -0 pc bob revoke "$first" --reason 'laptop lost'
    [[ $(state "$first") == revoked ]]
    run -0 pc bob show "$first"
    [[ $output == *'reason           laptop lost'* && $output == *'state            revoked'* ]]
    run -0 pc alice revoke "$second"
    run -0 pc bob revoke "$second"
    [[ $output == *already* ]]
    # One that is not there does not save the others.
    run -67 pc admin revoke not-there "$third"
    [[ $(state "$third") == revoked ]]
    run -64 pc bob revoke
    run -64 pc bob revoke "$first" --owner bob
}

@test "revoke --owner: names the number and asks; no is no; without a terminal --yes" {
    local n id

    pc_options dave
    mint_as dave mint --org globex --name one && id=$ID
    mint_as dave mint --org globex --name two
    run on_terminal 80 n "$PAT_BUILD/patctl" revoke --owner dave --org globex "${PC_OPTIONS[@]}"
    [[ $status == 77 && $output == *'Revoke 2 live tokens of dave in globex?'* ]]
    [[ $(state "$id") == live ]]
    run on_terminal 80 y "$PAT_BUILD/patctl" revoke --owner dave --org globex "${PC_OPTIONS[@]}"
    [[ $status == 0 && $output == *'Revoked 2 of 2'* && $(state "$id") == revoked ]]
    mint_as dave mint --org globex --name three
    run -64 setsid -w "$PAT_BUILD/patctl" revoke --owner dave --org globex "${PC_OPTIONS[@]}"
    [[ $output == *'--yes'* && $(state "$ID") == live ]]
    run -0 pc dave revoke --owner dave --org globex --yes
    [[ $(state "$ID") == revoked ]]
}

@test "rotate: same name and scope; the old one goes when told so" {
    local old

    mint_as bob mint --org acme --name 'nightly "build"' --service sshd --source 192.0.2.0/24
    old=$ID
    mint_as bob rotate "$old"
    [[ $TOKEN == rhp_* && $ID != "$old" && $(state "$old") == live ]]
    grep -q "patctl revoke $old" "$ERR"
    run -0 pc bob show "$ID"
    [[ $output == *'nightly "build"'* && $output == *sshd* && $output == *192.0.2.0/24* ]]
    mint_as bob rotate "$old" --revoke-old --expires 30d
    [[ $(state "$old") == revoked && $(state "$ID") == live ]]
    # An owner of the org sees the token, and cannot make one for somebody else.
    run -77 pc alice rotate "$ID" --revoke-old
    [[ $(state "$ID") == live ]]
    mint_as admin rotate "$ID"
    run -0 pc bob show "$ID"
}

@test "names of any kind harm neither table nor CSV nor JSON nor terminal" {
    local name=$'\e[31mred\e[0m "quoted", back\\slash\nnew line\t\u202Eevil \u65E5\u672C e\u0301 =1+1'
    local bell=$'=cmd|x\a\u009b31m'

    mint_as carol mint --name "$name"
    mint_as carol mint --name "$bell"
    run -0 pc carol list
    [[ $output == *'\e[31mred\e[0m "quoted", back\slash\nnew line\t\u{202E}evil '$'\u65E5\u672C'* ]]
    [[ $output == *'=cmd|x\u{07}\u{9B}31m'* ]]
    controls() { LC_ALL=C grep -qP "$1" <<<"$2"; }
    run ! controls '[\x00-\x08\x0b-\x1f\x7f]' "$output"
    run -0 pc carol list --csv
    [[ $output == *"\"'=cmd|x"* && $output == *'""quoted"", '* ]]
    pc carol list --json >"$BATS_TEST_TMPDIR/list.json"
    run ! controls '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae|\xc2\x9b' \
        "$(cat "$BATS_TEST_TMPDIR/list.json")"
    NAME=$name python3 -IS -c '
import json, os, sys
names = [t["name"] for t in json.load(open(sys.argv[1]))]
assert os.environ["NAME"] in names, names' "$BATS_TEST_TMPDIR/list.json"
    run -0 pc carol show "$ID"
    [[ $output == *'=cmd|x\u{07}\u{9B}31m'* ]]
    LC_ALL=C run -0 pc carol list
    [[ $output == *'\u{65E5}'* ]]
}

@test "list on a terminal: as wide as it is, coloured unless NO_COLOR" {
    local line

    pc_options carol
    mint_as carol mint --name "$(printf '\u65E5\u672C%.0s' {1..60})"
    run on_terminal 90 '' "$PAT_BUILD/patctl" list "${PC_OPTIONS[@]}"
    [[ $status == 0 && $output == *$'\e[32mactive'* && $output == *…* ]]
    NO_COLOR=1 run on_terminal 90 '' "$PAT_BUILD/patctl" list "${PC_OPTIONS[@]}"
    [[ $status == 0 && $output != *$'\e['* ]]
    NAME=$output python3 -IS -c '
import os, unicodedata
def width(s):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s)
widest = max(width(l.rstrip("\r")) for l in os.environ["NAME"].split("\n"))
assert widest <= 90, widest'
}

@test "the password is asked for on the terminal, and not shown" {
    run on_terminal 80 carol-password "$PAT_BUILD/patctl" list -H "$LDAPURI" \
        -D "uid=carol,ou=people,$PAT_BASE" -W
    [[ $status == 0 && $output == *'assword:'* && $output != *carol-password* ]]
    run on_terminal 80 wrong "$PAT_BUILD/patctl" list -H "$LDAPURI" \
        -D "uid=carol,ou=people,$PAT_BASE"
    [[ $status == 77 && $output == *'is wrong'* ]]
}

@test "report: 1 and who it is; 0 and nothing" {
    mint_as carol mint --name 'ends soon' --expires 5d
    run -1 pc admin report --expiring 14d --stale 0d
    [[ $output =~ carol.*'ends soon'.*"$ID".*'expires in '[45]' d' ]]
    run -1 pc admin report --csv --stale 0d
    [[ ${lines[0]} == owner,name,id,org,why,* ]]
    run -1 pc admin report --json --stale 0d
    [[ $output == *'"expiring":true'* ]]
    run -0 pc admin report --stale 90d --expiring 0d
    [[ -z $output ]]
    mint carol acme 'cn: was never used' 'patLastUsed: 20200101000000Z'
    run -1 pc admin report --stale 90d --expiring 0d
    [[ $output == *"$MINT_ID"*'last used'* ]]
    # A user's report has the user's own.
    run -0 pc bob report --stale 90d --expiring 0d
    [[ -z $output ]]
    run -0 pc admin revoke "$MINT_ID" "$ID"
    run -64 pc admin report --stale soon
}

@test "org and member: made, filled, changed without a gap, emptied" {
    local acme=ou=orgs,$PAT_BASE id

    run -77 pc alice org add hooli --owner alice
    run -67 pc admin org add hooli --owner nobody-there
    run -0 pc admin org add hooli --owner dave --max-lifetime 90d --mint-role member --mint-role owner
    run -65 pc admin org add hooli --owner dave
    run -0 pc admin org list --csv
    [[ $output == *'hooli,,90 d,'*'member owner'* || $output == *'hooli,,90 d,'*'owner member'* ]]
    run -0 pc admin member add bob member --org hooli
    run -65 pc admin member add bob viewer --org hooli
    run -67 pc admin member add carol king --org hooli
    run -67 pc admin member role carol member --org hooli
    mint_as bob mint --org hooli --expires 30d && id=$ID
    run -65 pc bob mint --org hooli
    [[ $output == *patMaxLifetime* ]]
    run -77 pc dave member role bob owner --org hooli
    run -0 pc admin member role bob owner --org hooli
    [[ $(state "$id") == live ]]
    [[ $(events hooli '(patAction=org_member.role_changed)') == *'from=member|to=owner' ]]
    [[ -z $(events hooli '(patAction=org_member.removed)') ]]
    run -0 pc bob member list --org hooli --csv
    [[ $output == *'bob,owner,'* && $output == *'dave,owner,'* ]]
    run -0 pc admin member remove bob --org hooli --yes
    [[ $output == *'1 tokens were revoked'* && $(state "$id") == revoked ]]
    run -67 pc admin member remove bob --org hooli --yes
    run -64 pc admin member add bob member
}

@test "org add takes back what it made when the rest fails" {
    ldap_admin_add <<LDIF
dn: o=half,ou=orgs,$PAT_BASE
objectClass: organization
o: half
LDIF
    run -65 pc admin org add half --owner dave
    run -0 ldap_admin ldapsearch -LLL -s one -b "o=half,ou=orgs,$PAT_BASE" 1.1
    [[ -z $output ]]
}

@test "connect: what each client reads, and no token in it" {
    local client url='https://mcp.example.com/x?a=b&c=%22'

    for client in claude-code claude-desktop cursor vscode windsurf cline gemini jetbrains; do
        run -0 --separate-stderr "$PAT_BUILD/patctl" connect "$client" --url "$url" --token-env MY_TOKEN
        python3 -IS -c '
import json, sys
text = sys.stdin.read()
json.loads(text)
assert sys.argv[1] in text, text' "$url" <<<"$output"
    done
    run -0 --separate-stderr "$PAT_BUILD/patctl" connect codex --url "$url"
    python3 -IS -c '
import sys, tomllib
server = tomllib.loads(sys.stdin.read())["mcp_servers"]["pat"]
assert server == {"url": sys.argv[1], "bearer_token_env_var": "PAT_TOKEN"}, server' "$url" <<<"$output"
    run -64 "$PAT_BUILD/patctl" connect nonsense --url "$url"
    [[ $output == *claude-code* ]]
    run -64 "$PAT_BUILD/patctl" connect curl
    run -64 "$PAT_BUILD/patctl" connect curl --url $'x\e[31m'
    run -64 "$PAT_BUILD/patctl" connect curl --url "$url" --token-env 'A;rm'
}

@test "connect says where to merge, and how Claude Code does it by itself" {
    local stderr url="https://mcp.example.com/it's?a=b&c"

    run -0 --separate-stderr "$PAT_BUILD/patctl" connect claude-code --url "$url" --name acme
    [[ $stderr == *'# Merge into .mcp.json of the project:'* ]]
    # The words, as a shell takes the line.
    claude() { printf '%s\n' "$@"; }
    eval "run -0 $(sed -n 's/^# or: //p' <<<"$stderr")"
    [[ $output == "$(printf '%s\n' mcp add --transport http acme "$url" --header \
        'Authorization: Bearer ${PAT_TOKEN}')" ]]
    run -0 --separate-stderr "$PAT_BUILD/patctl" connect codex --url "$url"
    [[ $stderr == *'# Merge into ~/.codex/config.toml:'* && $stderr != *claude* ]]
    run -0 --separate-stderr "$PAT_BUILD/patctl" connect curl --url "$url"
    [[ $stderr == *'# In a shell:'* ]]
}

@test "connect refuses an address that the client cannot use, and says what to write" {
    local client

    for client in claude-code claude-desktop cursor vscode windsurf cline codex gemini \
        jetbrains curl; do
        run -64 "$PAT_BUILD/patctl" connect "$client" --url http://mcp.example.com/x
        [[ $output == *"--url http://mcp.example.com/x: $client"*'in clear: write https://'* ]]
        run -64 "$PAT_BUILD/patctl" connect "$client" --url bob@bastion
        [[ $output == *'--url bob@bastion:'*'write https://HOST/PATH'* ]]
        run -64 "$PAT_BUILD/patctl" connect "$client" --url 'https://x.example.com/${HOME}'
        [[ $output == *'write %24'* ]]
        run -0 "$PAT_BUILD/patctl" connect "$client" --url 'http://[::1]:8000/mcp'
    done
    run -64 "$PAT_BUILD/patctl" connect ssh --url https://mcp.example.com
    [[ $output == *'--url https://mcp.example.com: ssh'*'write USER@HOST'* ]]
    run -64 "$PAT_BUILD/patctl" connect ssh --url -oProxyCommand=id
    run -64 "$PAT_BUILD/patctl" connect codex --url https://mcp.example.com --name -x
    run -0 "$PAT_BUILD/patctl" connect ssh --url bob@bastion.example.com
    run -0 "$PAT_BUILD/patctl" connect ssh --url ssh://bob@bastion.example.com:2222
}

@test "connect curl, run as it is printed, sends the token, and not as an argument" {
    local port=$BATS_TEST_TMPDIR/port got=$BATS_TEST_TMPDIR/got

    in_background python3 -IS -c '
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open(sys.argv[2], "w").write(self.headers["Authorization"])
        self.send_response(204)
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.handle_request()' "$port" "$got"
    wait_for 20 test -e "$port"
    run -0 --separate-stderr "$PAT_BUILD/patctl" connect curl --url "http://127.0.0.1:$(cat "$port")/it's"
    PAT_TOKEN=stand-in-for-a-token bash -c "${output/curl /curl -s -m $((20 * PAT_TIME_SCALE)) }"
    wait_for 20 grep -qx 'Bearer stand-in-for-a-token' "$got"
}

@test "help fits a screen, and errors say what to do next" {
    local command

    while IFS=: read -r command _; do
        # shellcheck disable=SC2086
        run -0 "$PAT_BUILD/patctl" help $command
        ((${#lines[@]} <= 24))
        awk 'length > 80 { exit 1 }' <<<"$output"
    done < <("$PAT_BUILD/patctl" --list-options)
    run -0 "$PAT_BUILD/patctl" --help
    ((${#lines[@]} <= 24))
    run -64 "$PAT_BUILD/patctl"
    run -64 "$PAT_BUILD/patctl" nonsense
    [[ $output == *'patctl help'* ]]
    run -64 "$PAT_BUILD/patctl" member
    [[ $output == *'member role'* ]]
    run -64 env -u PAT_BASE LDAPNOINIT=1 "$PAT_BUILD/patctl" list -H "$LDAPURI" -Y EXTERNAL
    [[ $output == *PAT_BASE* ]]
    run -69 "$PAT_BUILD/patctl" list -H ldapi://%2Fnowhere -Y EXTERNAL
    [[ $output == *'Is the server there?'* ]]
    run -64 "$PAT_BUILD/patctl" list -H ldap://192.0.2.1 -D cn=x -w x
    [[ $output == *'-ZZ'* ]]
    run -66 "$PAT_BUILD/patctl" list -H "$LDAPURI" -D cn=x -y /nowhere
    printf 'carol-password\n' >"$BATS_TEST_TMPDIR/pw"
    run -77 "$PAT_BUILD/patctl" list -H "$LDAPURI" -D "uid=carol,ou=people,$PAT_BASE" -y "$BATS_TEST_TMPDIR/pw"
    [[ $output == *newline* ]]
    run -67 pc carol show not-there
    into_full() { pc carol list >/dev/full; }
    run -74 into_full
    [[ $output == *'standard output'* ]]
}

# job_control STATUS CASE SECRET ARGUMENT...: patctl ends with that status
job_control() {
    run python3 -IS "$BATS_TEST_DIRNAME/job-control.py" "$2" "$3" "$PAT_BUILD/patctl" "${@:4}"
    printf '%s: %s\n' "$2" "$output"
    [[ $status -eq $1 ]]
}

@test "the echo is off again after a stop at a password prompt, and on while it lasts" {
    local case list=(org list -H "$LDAPURI" -D "$PAT_ADMIN_DN" -W)
    for case in suspend stop background; do
        job_control 0 "$case" "$PAT_ADMIN_PW" "${list[@]}"
        [[ $output == *acme* ]]
    done
    job_control 130 interrupt "$PAT_ADMIN_PW" "${list[@]}"
    # A token is asked for in the same way.
    job_control 1 suspend no-token verify --stdin --socket "$PAT_SOCKET"
}

# in_clear ARGUMENT...: patctl refuses to send anything
in_clear() {
    run -64 "$PAT_BUILD/patctl" list "$@"
    # shellcheck disable=SC2031
    [[ $output == *'would travel in clear: add -ZZ'* ]]
}

@test "no password and no token in clear over a network, by any scheme or mechanism" {
    local mech who=(-U carol -w carol-password)

    in_clear -H ldap://192.0.2.1 -D cn=x -w x
    in_clear -H pldap://192.0.2.1 -D cn=x -w x
    in_clear -H PLDAP://192.0.2.1:389 -D cn=x -w x
    in_clear -H "ldaps://192.0.2.1 pldap://192.0.2.1" -D cn=x -w x
    for mech in PLAIN LOGIN plain SCRAM-SHA-256 CRAM-MD5 OAUTHBEARER XOAUTH2 ANONYMOUS; do
        in_clear -H ldap://192.0.2.1 -Y "$mech" "${who[@]}"
        in_clear -H pldap://192.0.2.1 -Y "$mech" "${who[@]}"
    done
    LDAPSASL_MECH=PLAIN in_clear -H ldap://192.0.2.1
    # On this machine, and where the user says so, it is tried.
    run ! "$PAT_BUILD/patctl" list -H "$PAT_LDAP_URI" -Y PLAIN "${who[@]}"
    [[ $status -ne 64 && $output != *'in clear'* ]]
    run ! "$PAT_BUILD/patctl" list -H pldap://127.0.0.1:1 -D cn=x -w x
    [[ $status -ne 64 && $output != *'in clear'* ]]
    run ! "$PAT_BUILD/patctl" list -H pldap://localhost:1 -Y PLAIN "${who[@]}" --clear
    [[ $status -ne 64 && $output != *'in clear'* ]]
}

@test "SASL over a network: only where the mechanism encrypts the connection" {
    local near port=${PAT_LDAP_URI##*:} who=(-Y DIGEST-MD5 -U carol -w carol-password)

    near=$(hostname -I | cut -d ' ' -f 1)
    [[ -n $near ]] || skip 'needs an address besides loopback'
    in_background python3 -IS "$BATS_TEST_DIRNAME/forward.py" "$near" 127.0.0.1 "${port%/}" \
        "$BATS_TEST_TMPDIR/ready"
    wait_for 20 test -e "$BATS_TEST_TMPDIR/ready"
    printf '%s\n' 'dn: cn=config' 'changetype: modify' 'add: olcAuthzRegexp' \
        "olcAuthzRegexp: uid=([^,]*),cn=.*,cn=auth uid=\$1,ou=people,$PAT_BASE" '' \
        'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' 'add: olcAccess' \
        "olcAccess: {0}to dn.subtree=\"ou=people,$PAT_BASE\" by anonymous auth by * break" |
        ldapmodify -Q -Y EXTERNAL -H "$LDAPURI"
    run -0 "$PAT_BUILD/patctl" list -H "ldap://$near:${port%/}" "${who[@]}"
    LDAPSASL_SECPROPS=maxssf=0 in_clear -H "ldap://$near:${port%/}" "${who[@]}"
    [[ $output == *'SASL DIGEST-MD5 does not encrypt'* ]]
    LDAPSASL_SECPROPS=maxssf=1 in_clear -H "ldap://$near:${port%/}" "${who[@]}"
    LDAPSASL_SECPROPS=maxssf=0 run -0 "$PAT_BUILD/patctl" list -H "ldap://$near:${port%/}" \
        "${who[@]}" --clear
    LDAPSASL_SECPROPS=maxssf=0 run -0 "$PAT_BUILD/patctl" list -H "$PAT_LDAP_URI" "${who[@]}"
    printf '%s\n' 'dn: cn=config' 'changetype: modify' 'delete: olcAuthzRegexp' \
        'olcAuthzRegexp: {0}' '' 'dn: olcDatabase={1}mdb,cn=config' 'changetype: modify' \
        'delete: olcAccess' 'olcAccess: {0}' | ldapmodify -Q -Y EXTERNAL -H "$LDAPURI"
}

@test "the connection: StartTLS, ldaps, SASL, and what ldap.conf says" {
    pc_options carol
    local who=(-D "uid=carol,ou=people,$PAT_BASE" -y "$BATS_TEST_TMPDIR/carol.pw")

    LDAPTLS_CACERT=$PAT_CA run -0 "$PAT_BUILD/patctl" list -H "$PAT_LDAP_URI" -ZZ "${who[@]}"
    LDAPTLS_CACERT=$PAT_CA run -0 "$PAT_BUILD/patctl" list -H "$PAT_LDAPS_URI" "${who[@]}"
    run -69 "$PAT_BUILD/patctl" list -H "$PAT_LDAPS_URI" "${who[@]}"
    [[ $output == *TLS_CACERT* ]]
    run ! "$PAT_BUILD/patctl" list -H "$PAT_LDAP_URI" -ZZ "${who[@]}"
    # Server and base by the environment, person by ~/.ldaprc.
    printf 'BINDDN uid=carol,ou=people,%s\n' "$PAT_BASE" >"$BATS_TEST_TMPDIR/.ldaprc"
    mint_as carol mint --name 'seen by ldaprc'
    HOME=$BATS_TEST_TMPDIR run -0 env -u PAT_BASE LDAPBASE="$PAT_BASE" "$PAT_BUILD/patctl" list \
        -y "$BATS_TEST_TMPDIR/carol.pw"
    [[ $output == *"$ID"* ]]
    # The user of this process is nobody of the tree, who may not see even its base.
    run -67 "$PAT_BUILD/patctl" list -Q -Y EXTERNAL
    [[ $output == *'you may not see it'* ]]
    run -64 "$PAT_BUILD/patctl" list -H "$PAT_LDAPS_URI"
    [[ $output == *'who are you'* ]]
    run -64 "$PAT_BUILD/patctl" list -W "${who[@]}"
}

@test "a server that says nothing is waited for no longer than --timeout" {
    python3 -IS - "$BATS_TEST_TMPDIR/mute" "$PAT_TIME_SCALE" <<'END' 3>&- &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(120 * int(sys.argv[2]))
END
    BACKGROUND_PIDS=()
    MUTE=$!
    wait_for 20 unix_listens "$BATS_TEST_TMPDIR/mute"
    run -75 timeout $((60 * PAT_TIME_SCALE)) "$PAT_BUILD/patctl" list --timeout 1s \
        -H "ldapi://${BATS_TEST_TMPDIR//\//%2F}%2Fmute" -D cn=x -w x
    kill "$MUTE"
    [[ $output == *'no answer within 1 s'* ]]
}

@test "-w is gone from the arguments as soon as it was read" {
    python3 -IS - "$BATS_TEST_TMPDIR/mute" "$PAT_TIME_SCALE" <<'END' 3>&- &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(120 * int(sys.argv[2]))
END
    MUTE=$!
    wait_for 20 unix_listens "$BATS_TEST_TMPDIR/mute"
    "$PAT_BUILD/patctl" list --timeout 50s -H "ldapi://${BATS_TEST_TMPDIR//\//%2F}%2Fmute" \
        -D cn=x -w plain-secret 3>&- &
    CLIENT=$!
    gone() { ! tr '\0' ' ' <"/proc/$CLIENT/cmdline" | grep -q plain-secret; }
    wait_for 20 gone
    kill -0 "$CLIENT"
    kill "$CLIENT" "$MUTE"
}

@test "many tokens: paged, in little memory; a limit of the server is explained" {
    local n=${PATCTL_TOKENS:-3000} i

    sandbox slapd-stop
    python3 -IS -c '
import sys
for i in range(int(sys.argv[1])):
    print(f"""dn: patId=many-{i},ou=tokens,o=globex,ou=orgs,dc=example,dc=com
objectClass: patToken
patId: many-{i}
cn: token number {i} of many
patHash: {i:064x}
patOwner: uid=alice,ou=people,dc=example,dc=com
patExpires: 20991231235959Z
patLastUsed: 20200101000000Z
""")' "$n" | slapadd -q -F "$SANDBOX/etc/slapd.d" -n 1
    sandbox slapd-start
    # A sanitizer's shadow is not ours.
    LIMIT_KIB=65536
    [[ $PAT_BUILD != *-sanitize ]] || LIMIT_KIB=262144
    rss() {
        python3 -IS -c '
import resource, subprocess, sys
rc = subprocess.call(sys.argv[2:])
kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
sys.exit(f"{kib} KiB") if kib > int(sys.argv[1]) else sys.exit(rc)' "$LIMIT_KIB" "$@"
    }
    # slapd lets all but the rootdn have 500, unless olcLimits says otherwise.
    run -75 pc alice list --org globex
    [[ $output == *'not complete'*olcLimits* ]]
    run -75 pc alice report
    [[ $output == *'not complete'*olcLimits* ]]
    PC_OPTIONS=(-H "$LDAPURI" -D "$PAT_ADMIN_DN" -y "$PAT_ADMIN_PW_FILE")
    rss "$PAT_BUILD/patctl" list --all --org globex "${PC_OPTIONS[@]}" >"$BATS_TEST_TMPDIR/list"
    [[ $(grep -c 'many-' "$BATS_TEST_TMPDIR/list") == "$n" ]]
    rss "$PAT_BUILD/patctl" list --owner alice --json "${PC_OPTIONS[@]}" >"$BATS_TEST_TMPDIR/list"
    [[ $(grep -c '"id":"many-' "$BATS_TEST_TMPDIR/list") == "$n" ]]
    rss "$PAT_BUILD/patctl" report --csv "${PC_OPTIONS[@]}" >"$BATS_TEST_TMPDIR/list" || (($? == 1))
    [[ $(grep -c 'many-' "$BATS_TEST_TMPDIR/list") == "$n" ]]
}

# stop_slapd_amid_a_list: when the next search below the orgs has begun, for 1.5 s.
stop_slapd_amid_a_list() {
    local from
    from=$(stat -c %s "$SANDBOX/log/slapd.log")

    begun() { tail -c "+$((from + 1))" "$SANDBOX/log/slapd.log" | grep -q 'SRCH .*=patToken'; }
    (
        wait_for 20 begun
        kill -STOP "$(<"$PAT_SLAPD_PID")"
        sleep 1.5
        kill -CONT "$(<"$PAT_SLAPD_PID")"
    ) 3>&- &
    STOPPER=$!
}

@test "what takes longer than a second tells on a terminal how far it is, and nowhere else" {
    local _
    PC_OPTIONS=(-H "$LDAPURI" -D "$PAT_ADMIN_DN" -y "$PAT_ADMIN_PW_FILE")

    # On a busy machine the list may be over before slapd is stopped.
    for _ in 1 2 3 4 5; do
        stop_slapd_amid_a_list
        run -0 python3 -IS "$BATS_TEST_DIRNAME/on-terminal.py" 80 '' \
            "$PAT_BUILD/patctl" list --all "${PC_OPTIONS[@]}"
        wait "$STOPPER"
        [[ $output != *' tokens read ...'* ]] || break
    done
    [[ $output == *$'\r'[1-9]*' tokens read ...'*$'\r\e[K'* ]]
    stop_slapd_amid_a_list
    run -0 "$PAT_BUILD/patctl" list --all "${PC_OPTIONS[@]}"
    wait "$STOPPER"
    [[ $output != *'tokens read'* && $output == *NAME* ]]
    # Nor where it is quick.
    run -0 python3 -IS "$BATS_TEST_DIRNAME/on-terminal.py" 80 '' \
        "$PAT_BUILD/patctl" list --org acme "${PC_OPTIONS[@]}"
    [[ $output != *'tokens read'* ]]
}

@test "completion for bash: commands, second words, options, clients" {
    # shellcheck disable=SC2030,SC2031
    complete_words() {
        PATH=$PAT_BUILD:$PATH bash --norc -c '
            . "$0"
            COMP_WORDS=("$@")
            COMP_CWORD=$(($# - 1))
            _patctl
            printf "%s\n" "${COMPREPLY[@]}"' "$ROOT/patctl/completion.bash" "$@"
    }
    run -0 complete_words patctl re
    [[ $output == $'replay\nreport\nrevoke' ]]
    run -0 complete_words patctl member r
    [[ $output == *role* && $output == *remove* ]]
    run -0 complete_words patctl mint --exp
    [[ $output == --expires ]]
    run -0 complete_words patctl member remove --y
    [[ $output == --yes ]]
    run -0 complete_words patctl connect clau
    [[ $output == *claude-code* ]]
    run -0 complete_words patctl mint --org ''
    [[ -z $output ]]
}

@test "the tutorial: every command of docs/tokens.md, as it stands there" {
    sed -n 's/^    //p; /^$/p' "$ROOT/docs/tokens.md" >"$BATS_TEST_TMPDIR/tutorial"
    (
        cd "$BATS_TEST_TMPDIR"
        export PATH=$PAT_BUILD:$PATH
        bash -euo pipefail ./tutorial
    ) >"$BATS_TEST_TMPDIR/out" 2>&1 || {
        cat "$BATS_TEST_TMPDIR/out"
        return 1
    }
    grep -qxE 'rhp_[0-9A-Za-z]{38}' "$BATS_TEST_TMPDIR/token"
    for id in bob-laptop bob-laptop-2 bob-desktop bob-desktop-2; do
        [[ $(state "$id") == revoked ]]
    done
    [[ $(ldap_admin_get "patId=bob-laptop-2,ou=tokens,o=acme,ou=orgs,$PAT_BASE" patRevokedReason) == 'laptop lost' ]]
    [[ $(ldap_admin_get "patId=bob-desktop-2,ou=tokens,o=acme,ou=orgs,$PAT_BASE" patRevokedReason) == 'laptop lost' ]]
    [[ $(ldap_admin_get "cn=members,o=initech,ou=orgs,$PAT_BASE" member) == "uid=bob,ou=people,$PAT_BASE" ]]
    change_member add bob acme members
}
