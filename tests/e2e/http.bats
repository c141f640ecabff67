#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031      # what one test sets is not meant for another
#
# Bearer tokens over HTTP: stock nginx, Apache and lighttpd with the sample configurations
# before a small MCP server, a real pat-fcgi, patd and slapd, in a world of their own.

load http-lib

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    if ((EUID != 0)); then
        printf '# http.bats: SKIPPED, not one request was tried: run as root\n' >&3
        return
    fi
    world_up http
}

teardown_file() {
    ((EUID != 0)) || world_down
}

setup() {
    ((EUID == 0)) || skip 'needs root, for namespaces and services'
    # shellcheck source=/dev/null
    source "$WORLD/box/env"
    # shellcheck source=tests/lib.bash disable=SC1091
    source "$ROOT/tests/lib.bash"
}

teardown() {
    if ((EUID == 0)) && [[ -z ${BATS_TEST_COMPLETED-} ]]; then
        show_logs
        [[ -z ${PASSED_PID-} ]] || kill -TERM "$PASSED_PID" || true
        repair_world
    fi
}

# both COMMAND [ARG...]: with nginx and with Apache.
both() {
    local server

    for server in nginx-plain apache; do
        "${@//SERVER/$server}" || fault "with $server" || return
    done
}

bearer_in() { bearer "$1" / && let_in "$2" "$3" "$4"; }
bearer_out() { bearer "$1" / && kept_out "${@:2}"; }

@test "a token lets in, with whose it is; GET, HEAD, and POST with a body" {
    new_token alice acme
    both bearer_in SERVER alice acme owner
    for server in nginx-plain apache; do
        bearer "$server" / -I
        let_in alice acme owner
        bearer "$server" /mcp --data '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
        let_in alice acme owner
        [[ $BODY == *whoami* ]]
    done
    decided 1 "verdict=accept id=$MINT_ID user=alice org=acme role=owner service=http source=127.0.0.1 "
    wait_for 15 has_last_used http
}

@test "an MCP client: initialize, tools/list and a call that tells who called" {
    local json='Content-Type: application/json' version='MCP-Protocol-Version: 2025-06-18'
    new_token bob globex
    for server in nginx-plain apache; do
        bearer "$server" /mcp -H "$json" --data '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}'
        let_in bob globex member
        [[ $BODY == *'"protocolVersion": "2025-06-18"'*'You are bob of globex.'* ]]
        bearer "$server" /mcp -H "$json" -H "$version" --data '{"jsonrpc":"2.0","method":"notifications/initialized"}'
        answered 202
        bearer "$server" /mcp -H "$json" -H "$version" --data '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'
        [[ $BODY == *'"name": "whoami"'* ]]
        bearer "$server" /mcp -H "$json" -H "$version" --data '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"whoami"}}'
        [[ $BODY == *'\"user\": \"bob\", \"org\": \"globex\", \"role\": \"member\"'* ]]
    done
}

@test "no credentials, or of another scheme: 401, without an error code" {
    for server in nginx-plain apache; do
        request "$server" /
        kept_out 401 "$CHALLENGE"
        with_header 'Authorization: Negotiate eDp5' -- "$server" /
        kept_out 401 "$CHALLENGE"
        with_header 'Authorization;' -- "$server" /
        kept_out 401 "$CHALLENGE"
    done
    (($(count_lookups) == 0))
}

@test "invalid tokens: 401 invalid_token" {
    unknown_token
    both bearer_out SERVER 401 "$INVALID"
    TOKEN=not-even-a-token
    both bearer_out SERVER 401 "$INVALID"
    new_token alice acme
    mistype_token
    both bearer_out SERVER 401 "$INVALID"
    new_token alice acme "patExpires: $(now_gt 3600)"
    expire "$MINT_DN"
    both bearer_out SERVER 401 "$INVALID"
    decided 1 'token has expired'
}

@test "revoked, and its owner taken out of the org: 401 at the very next request" {
    new_token alice acme
    both bearer_in SERVER alice acme owner
    revoke "$MINT_DN"
    both bearer_out SERVER 401 "$INVALID"
    new_token carol acme
    both bearer_in SERVER carol acme viewer
    change_member delete carol acme viewers
    both bearer_out SERVER 401 "$INVALID"
    change_member add carol acme viewers
    both bearer_out SERVER 401 "$INVALID"
}

@test "a malformed header: 400 invalid_request" {
    local line
    new_token alice acme
    for line in Bearer 'Bearer ' "Bearer $TOKEN x" "Bearer \"$TOKEN\"" 'Basic' 'Basic ###=' \
        "Basic $(printf alice | base64)" '"Bearer" x' "Bearer $TOKEN, Bearer $TOKEN"; do
        for server in nginx-plain apache; do
            with_header "Authorization: $line" -- "$server" /
            kept_out 400 "$MALFORMED" || fault "with $server: $line"
        done
    done
    (($(count_lookups) == 0))
}

@test "two headers: 400, though both have a good token" {
    new_token alice acme
    with_header "Authorization: Bearer $TOKEN" "Authorization: Bearer $TOKEN" -- apache /
    kept_out 400 "$MALFORMED"
    # nginx itself, before anything else.
    with_header "Authorization: Bearer $TOKEN" "Authorization: Bearer $TOKEN" -- nginx-plain /
    kept_out 400 "$(header www-authenticate)"
}

@test "org, role, service and source that forbid: 403 insufficient_scope" {
    new_token bob globex
    bearer nginx-org /
    kept_out 403 "$SCOPE"
    new_token carol acme
    bearer nginx-role /
    kept_out 403 "$SCOPE"
    new_token bob acme
    bearer nginx-org /
    let_in bob acme member
    bearer nginx-role /
    let_in bob acme member
    new_token alice acme 'patService: sshd'
    both bearer_out SERVER 403 "$SCOPE"
    new_token alice acme 'patService: http'
    both bearer_in SERVER alice acme owner
    new_token alice acme 'patSource: 192.0.2.0/24'
    both bearer_out SERVER 403 "$SCOPE"
    new_token alice acme 'patSource: 127.0.0.1'
    both bearer_in SERVER alice acme owner
}

@test "what the upstream refuses is the upstream's own" {
    new_token alice acme
    for server in nginx-plain apache; do
        for status in 400 403 500 503; do
            bearer "$server" "/status/$status"
            answered "$status"
            [[ -n $(header seen) ]]
        done
    done
}

@test "Basic: the token for the password, and the user name must be its owner's" {
    new_token alice acme
    for server in nginx-plain apache; do
        basic alice "$server" /
        let_in alice acme owner
        basic bob "$server" /
        kept_out 401 "$INVALID"
        basic '' "$server" /
        kept_out 401 "$INVALID"
    done
    TOKEN=alice-password
    basic alice nginx-plain /
    kept_out 401 "$INVALID"
}

@test "Basic: a user name of -S takes anybody's token, and no other name does" {
    local user
    new_token alice acme
    for user in x-access-token oauth2 __token__ '' - alice; do
        basic "$user" nginx-shared /
        let_in alice acme owner || fault "with -S, as '$user'"
    done
    basic oauth2 nginx-shared /
    decided 1 'verdict=accept .* user=alice .* login=oauth2 '
    for user in X-Access-Token oauth oauth22 x-access-token% bob --; do
        basic "$user" nginx-shared /
        kept_out 401 "$INVALID" || fault "with -S, as '$user'"
    done
    for user in x-access-token oauth2 __token__ - ''; do
        basic "$user" nginx-plain /
        kept_out 401 "$INVALID" || fault "without -S, as '$user'"
    done
    # The rest of the decision is as ever.
    new_token bob globex
    basic oauth2 nginx-shared /
    kept_out 403 "$SCOPE"
    new_token alice acme
    revoke "$MINT_DN"
    basic oauth2 nginx-shared /
    kept_out 401 "$INVALID"
    unknown_token
    basic '' nginx-shared /
    kept_out 401 "$INVALID"
}

@test "a token without a name: Apache passes on all five headers, and nginx removes the empty one" {
    mint bob acme
    TOKEN=$MINT_TOKEN
    remember_token "$TOKEN"
    with_header "Authorization: Bearer $TOKEN" 'X-Pat-Name: forged' -- apache /
    answered 200
    [[ $(header seen) == "X-Pat-Id=$MINT_ID|X-Pat-Name=|X-Pat-Org=acme|X-Pat-Role=member|X-Pat-User=bob" ]]
    with_header "Authorization: Bearer $TOKEN" 'X-Pat-Name: forged' -- nginx-plain /
    answered 200
    [[ $(header seen) == "X-Pat-Id=$MINT_ID|X-Pat-Org=acme|X-Pat-Role=member|X-Pat-User=bob" ]]
}

@test "git fetches with a token for the password, where Basic is offered" {
    local url
    new_token alice acme 'patService: git'
    request nginx-git /repo.git/info/refs
    kept_out 401 "$CHALLENGE, Basic realm=\"pat\", charset=\"UTF-8\""
    url=http://alice@127.0.0.1:$(<"$WORLD/port/nginx-git")/repo.git
    printf '#!/bin/sh\ncat %s/secret/password\n' "$WORLD" >"$WORLD/askpass"
    chmod 755 "$WORLD/askpass"
    (umask 077 && printf '%s\n' "$TOKEN" >"$WORLD/secret/password")
    in_world env -i PATH="$PATH" HOME=/nonexistent GIT_ASKPASS="$WORLD/askpass" git ls-remote "$url"
    revoke "$MINT_DN"
    run in_world env -i PATH="$PATH" HOME=/nonexistent GIT_ASKPASS="$WORLD/askpass" git ls-remote "$url"
    rm -f "$WORLD/secret/password"
    [[ $status -ne 0 && $output == *'uthentication failed'* ]]
}

# json_body CODE [CHALLENGE]: so it was answered, and the body is an error in JSON.
# Sets ERROR, and REMEDY to the text for people.
json_body() {
    answered "$@" || return
    [[ $(header content-type) == application/json* && $HEADERS != *$'\nseen:'* ]] || fault "not JSON: $HEADERS" || return
    ERROR=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["error"])' <<<"$BODY") || fault "$BODY" || return
    REMEDY=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["error_description"])' <<<"$BODY")
}

# same_refusal ERROR REMEDY-PATTERN CODE CHALLENGE COMMAND [ARG...]: with both servers, and with
# the same text.
same_refusal() {
    local error=$1 pattern=$2 answer=("$3" "$4") server bodies=()
    shift 4

    for server in nginx-plain apache; do
        "${@//SERVER/$server}"
        json_body "${answer[@]}" || fault "with $server" || return
        [[ $ERROR == "$error" && $REMEDY == *$pattern* ]] || fault "with $server: $BODY" || return
        bodies+=("$BODY")
    done
    [[ ${bodies[0]} == "${bodies[1]}" ]] || fault "${bodies[*]}"
}

@test "each refusal has the challenge and a JSON body that says what to do" {
    same_refusal unauthorized 'Authorization: Bearer TOKEN' 401 "$CHALLENGE" request SERVER /
    same_refusal unauthorized 'Authorization: Bearer TOKEN' 401 "$CHALLENGE" \
        request SERVER /mcp --data '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    unknown_token
    same_refusal invalid_token 'Create a new one' 401 "$INVALID" bearer SERVER /mcp
    bearer lighttpd /page.txt
    json_body 401 "$INVALID"
    new_token alice acme 'patService: sshd'
    same_refusal insufficient_scope 'another token' 403 "$SCOPE" bearer SERVER /mcp
    same_refusal invalid_request 'one header' 400 "$MALFORMED" \
        with_header 'Authorization: Bearer' -- SERVER /mcp
    sandbox patd-stop
    same_refusal temporarily_unavailable 'Try again' 503 '' bearer SERVER /mcp
    sandbox patd-start
}

@test "a refusal of the upstream keeps the upstream's body" {
    new_token alice acme
    for server in nginx-plain apache; do
        for status in 400 401 403 500 503; do
            bearer "$server" "/status/$status"
            answered "$status"
            [[ $BODY == *'"user": "alice"'* && -z $(header retry-after) ]] || fault "$server: $status $BODY"
        done
    done
}

@test "where there is no OAuth its metadata and its registration are 404, without a token" {
    local path server known=/.well-known
    for server in nginx-plain apache; do
        for path in $known/oauth-protected-resource $known/oauth-protected-resource/mcp \
            $known/oauth-authorization-server $known/oauth-authorization-server/mcp \
            $known/openid-configuration $known/openid-configuration/mcp mcp$known/openid-configuration; do
            request "$server" "/${path#/}"
            json_body 404 || fault "$server: $path"
            [[ $ERROR == not_found && $REMEDY == *'no OAuth'* ]]
        done
        request "$server" /register -H 'Content-Type: application/json' --data '{"redirect_uris":[]}'
        json_body 404 || fault "$server: register"
        [[ $ERROR == not_found && $REMEDY == *'create a new one'* ]]
        # An invalid token changes nothing, and nothing else is open.
        unknown_token
        bearer "$server" $known/oauth-authorization-server
        json_body 404
        for path in / $known $known/ $known/other $known/oauth-protected-resources \
            $known/oauth-authorization-server-x /registers /register/x \
            $known/oauth-protected-resource/../../status/200 \
            $known/oauth-protected-resource/%2e%2e/%2e%2e/status/200; do
            request "$server" "$path" --path-as-is
            kept_out 401 "$CHALLENGE" || fault "$server: $path"
        done
    done
}

@test "lighttpd: OAuth metadata and registration are 404, and all else needs a token" {
    local path
    for path in /register /.well-known/oauth-protected-resource/page.txt \
        /.well-known/oauth-authorization-server /.well-known/openid-configuration; do
        request lighttpd "$path"
        answered 404 || fault "$path"
    done
    for path in /page.txt /registers /register/x /.well-known /.well-known/x /x/.well-known/openid-configuration \
        /.well-known/openid-configuration/../../page.txt /.well-known/oauth-x/%2e%2e/%2e%2e/page.txt \
        /.well-known/oauth-x/..%2f..%2fpage.txt //page.txt /register/../page.txt; do
        request lighttpd "$path" --path-as-is
        answered 401 "$CHALLENGE" || fault "$path"
    done
}

@test "with -M the challenge names the metadata of the path, and the metadata is open" {
    local url='resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
    request nginx-meta /mcp
    kept_out 401 "Bearer realm=\"mcp\", $url"
    unknown_token
    bearer nginx-meta /mcp
    kept_out 401 "Bearer realm=\"mcp\", error=\"invalid_token\", $url"
    for server in nginx-meta apache-options; do
        request "$server" /.well-known/oauth-protected-resource/mcp
        answered 200
        [[ $(header content-type) == application/json* ]]
        [[ $(python3 -c 'import json,sys; print(json.load(sys.stdin)["resource"])' <<<"$BODY") == https://mcp.example.com/mcp ]]
        for path in /other /mcp/x; do
            request "$server" "/.well-known/oauth-protected-resource$path"
            json_body 404 || fault "$server: $path"
        done
    done
    new_token bob acme 'patService: mcp'
    bearer nginx-meta /
    let_in bob acme member
}

@test "CORS: an option of the samples answers OPTIONS itself, and lets browsers see refusals" {
    local allow=https://client.example.com server
    new_token bob acme 'patService: sshd'
    for server in nginx-meta apache-options; do
        request "$server" /mcp -X OPTIONS -H "Origin: $allow" -H 'Access-Control-Request-Method: POST'
        kept_out 204 || fault "$server"
        [[ $(header access-control-allow-origin) == "$allow" && $(header access-control-allow-headers) == *Authorization* ]]
        request "$server" /mcp
        [[ $CODE == 401 && $(header access-control-allow-origin) == "$allow" ]]
        bearer "$server" /mcp
        [[ $CODE == 403 && $(header access-control-allow-origin) == "$allow" && -n $(header www-authenticate) ]]
        # Nothing but that method.
        for method in options OPTIONSX POST DELETE; do
            request "$server" /status/200 -X "$method"
            [[ $CODE != 2* && $HEADERS != *$'\nseen:'* ]] || fault "$server: $method"
        done
    done
    # Without the option, OPTIONS needs a token as all methods do.
    for server in nginx-plain apache; do
        request "$server" /mcp -X OPTIONS
        kept_out 401 "$CHALLENGE"
    done
}

@test "a body of 2 MB reaches the upstream" {
    new_token alice acme
    python3 -c 'print("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"x\":\"" + "x" * 2000000 + "\"}")' >"$BATS_TEST_TMPDIR/big"
    chmod 755 "$BATS_TEST_TMPDIR"
    for server in nginx-plain apache; do
        bearer "$server" /mcp -H Expect: --data-binary "@$BATS_TEST_TMPDIR/big"
        let_in alice acme owner || fault "with $server"
        [[ $BODY == *whoami* ]]
    done
}

@test "an event stream is not buffered: each event arrives while the stream is open" {
    local server
    new_token alice acme
    for server in nginx-plain apache; do
        open_stream "$server" || fault "with $server"
        emit 1 || fault "with $server"
        emit 2 || fault "with $server"
        close_stream
    done
}

@test "an open event stream goes on after the revocation, until nginx is reloaded" {
    local server ended=0
    for server in apache nginx-plain; do
        new_token alice acme
        open_stream "$server" || fault "with $server"
        revoke "$MINT_DN"
        bearer "$server" /events
        kept_out 401 "$INVALID"
        emit 1 || fault "with $server"
        [[ $server == nginx-plain ]] || close_stream
    done
    # worker_shutdown_timeout is the longest that a stream has from then on.
    in_world kill -HUP "$(<"$WORLD/nginx/pid")"
    wait_for 30 eval '! kill -0 "$STREAM_PID" 2>/dev/null'
    wait "$STREAM_PID" || ended=$?
    ((ended == 18)) # cut off
    new_token alice acme
    bearer nginx-plain /
    let_in alice acme owner
}

@test "X-Pat-* of the client never reach the upstream" {
    local form name lines=()
    new_token alice acme
    for name in User Org Role Id Name; do
        for form in "X-Pat-$name" "x-pat-${name,,}" "X_Pat_$name" "X-Pat_$name" "X_Pat-$name"; do
            lines+=("$form: root")
        done
    done
    for server in nginx-plain apache; do
        with_header "Authorization: Bearer $TOKEN" "${lines[@]}" -- "$server" /
        let_in alice acme owner || fault "with $server"
        with_header "${lines[@]}" -- "$server" /
        kept_out 401 "$CHALLENGE"
    done
}

@test "no header of the client removes X-Pat-*: Connection and its like" {
    local header all='X-Pat-User, X-PAT-ORG,x-pat-role , X-Pat-Id, X-Pat-Name'
    new_token alice acme
    for server in nginx-plain apache; do
        for header in "Connection: close, X-Pat-Role" "Connection: keep-alive, $all" \
            "Proxy-Connection: $all" "Keep-Alive: $all" "TE: $all" "Trailer: $all"; do
            with_header "Authorization: Bearer $TOKEN" "$header" -- "$server" /
            let_in alice acme owner || fault "$server: $header"
        done
        with_header "Authorization: Bearer $TOKEN" 'Connection: x-pat-user,X-PAT-ROLE' \
            'Connection: X-Pat-Org, authorization, X-Pat-Id, x-pat-name' -- "$server" /
        let_in alice acme owner || fault "$server: two Connection headers"
        with_header "Connection: Authorization" -- "$server" /
        kept_out 401 "$CHALLENGE"
    done
}

@test "no name of a token can forge a header" {
    local name
    for name in $'x\r\nX-Pat-User: root' $'x\nX-Pat-Role: owner' $'caf\xc3\xa9 "q", 50%; \\' \
        $'\xe2\x80\xa8x'; do
        TOKEN_NAME=$name
        mint bob acme "cn:: $(printf %s "$name" | base64 -w 0)"
        TOKEN=$MINT_TOKEN
        remember_token "$TOKEN"
        for server in nginx-plain apache; do
            bearer "$server" /
            let_in bob acme member || fault "with $server"
            [[ $(python3 -c 'import json,sys; sys.stdout.write(json.load(sys.stdin)["name"])' <<<"$BODY") == "$name" ]]
        done
    done
}

@test "Apache shows the client nothing of the answer" {
    new_token alice acme
    bearer apache /
    let_in alice acme owner
    [[ $HEADERS != *x-pat-* && $HEADERS != *ariable-* && $HEADERS != *$'\nstatus:'* ]]
}

@test "lighttpd guards files with it" {
    new_token alice acme
    bearer lighttpd /page.txt
    answered 200
    [[ $BODY == 'for those with a token' ]]
    request lighttpd /page.txt
    answered 401 "$CHALLENGE"
    revoke "$MINT_DN"
    bearer lighttpd /page.txt
    answered 401 "$INVALID"
}

@test "started by spawn-fcgi it does the same" {
    new_token alice acme
    bearer nginx-spawned /
    let_in alice acme owner
    unknown_token
    bearer nginx-spawned /
    kept_out 401 "$INVALID"
}

@test "started by systemd it does the same, says when it is ready, and ends on SIGTERM" {
    local pid socket=$WORLD/passed.sock log=$BATS_TEST_TMPDIR/notify
    new_token alice acme 'patSource: ::1'
    python3 "$BATS_TEST_DIRNAME/notify.py" "$socket" "$log" "$PAT_BUILD/pat-fcgi" \
        -p "$PAT_SOCKET" >/dev/null 3>&- 2>"$BATS_TEST_TMPDIR/log" &
    pid=$!
    PASSED_PID=$pid
    wait_for 20 grep -q '^READY=1' "$log"
    (umask 077 && printf '%s' "$TOKEN" >"$WORLD/secret/token")
    python3 "$BATS_TEST_DIRNAME/fcgi_client.py" "$socket" ask "$WORLD/secret/token"
    kill -TERM "$pid"
    wait "$pid"
    grep -q '^STOPPING=1' "$log"
}

@test "100 requests at once, good and bad, each with its own answer" {
    local good bad i
    new_token alice acme
    good=$TOKEN
    new_token bob acme
    other=$TOKEN
    unknown_token
    bad=$TOKEN
    for server in nginx-plain apache; do
        (
            umask 077
            for ((i = 0; i < 100; i++)); do
                case $((i % 3)) in
                0) token=$good ;;
                1) token=$other ;;
                2) token=$bad ;;
                esac
                ((i == 0)) || printf 'next\n'
                printf 'url = "http://127.0.0.1:%s/"\nheader = "Authorization: Bearer %s"\noutput = "%s/secret/out.%d"\n' \
                    "$(<"$WORLD/port/$server")" "$token" "$WORLD" "$i"
                printf 'write-out = "%d %%{http_code}\\n"\n' "$((i % 3))"
            done >"$WORLD/secret/curlrc"
        )
        output=$(in_world curl -q -s -m $((60 * PAT_TIME_SCALE)) -Z --parallel-max 100 -K "$WORLD/secret/curlrc" | sort | uniq -c | tr -s ' ')
        [[ $output == $' 34 0 200\n 33 1 200\n 33 2 401' ]] || fault "$server: $output"
        for ((i = 0; i < 100; i++)); do
            case $((i % 3)) in
            0) grep -q '"user": "alice"' "$WORLD/secret/out.$i" ;;
            1) grep -q '"user": "bob"' "$WORLD/secret/out.$i" ;;
            esac
        done
        rm -f "$WORLD/secret"/out.* "$WORLD/secret/curlrc"
    done
}

@test "no directory, and no patd: 503 with Retry-After; and then all is as before" {
    new_token alice acme
    sandbox slapd-stop
    for server in nginx-plain apache; do
        bearer "$server" /
        kept_out 503
        [[ $(header retry-after) == 5 ]]
    done
    sandbox slapd-start
    wait_for 20 both bearer_in SERVER alice acme owner
    sandbox patd-stop
    for server in nginx-plain apache; do
        bearer "$server" /
        kept_out 503
        [[ $(header retry-after) == 5 ]]
    done
    wait_for 15 grep -qE 'pat-fcgi\[[0-9]+\]: patd has no answer from the directory' \
        "$WORLD/log/syslog.log"
    sandbox patd-start
    both bearer_in SERVER alice acme owner
}

@test "patd is started anew between two requests: nobody notices" {
    new_token alice acme
    for _ in 1 2 3; do
        both bearer_in SERVER alice acme owner
        sandbox patd-restart
    done
    both bearer_in SERVER alice acme owner
}

@test "a patd that hangs: 503 when the time is over" {
    local start
    new_token alice acme
    signal_patd STOP
    start=$(now_ms)
    bearer nginx-plain /
    signal_patd CONT
    kept_out 503
    no_hang "$(($(now_ms) - start))" 3000
    bearer nginx-plain /
    let_in alice acme owner
}

@test "patd is killed amid a request: 503 with Retry-After, and the next one is served" {
    new_token alice acme
    patience 60s
    # Where pat-fcgi has no connection to patd yet, and where it has kept one.
    for _ in 1 2; do
        signal_slapd STOP
        in_hand 'asked_by patient' bearer nginx-patient /
        kill_hard "$PAT_PATD_PID"
        handed
        signal_slapd CONT
        kept_out 503
        [[ $(header retry-after) == 5 ]]
        decided 0 ''
        sandbox patd-start
        bearer nginx-patient /
        let_in alice acme owner
    done
    patience 3s
}

@test "slapd is killed amid a request: 503 with Retry-After, and the next one is served" {
    new_token alice acme
    patience 60s
    signal_slapd STOP
    in_hand 'asked_by patient' bearer nginx-patient /
    kill_hard "$PAT_SLAPD_PID"
    handed
    kept_out 503
    [[ $(header retry-after) == 5 ]]
    decided 1 "verdict=unavailable .*$LDAPURI"
    decided 1 ''
    sandbox slapd-start
    bearer nginx-patient /
    let_in alice acme owner
    patience 3s
}

@test "front ends that stop amid a request hold nobody up, and are hung up on" {
    local pid
    new_token alice acme
    in_world python3 "$BATS_TEST_DIRNAME/fcgi_client.py" "$WORLD/fcgi/plain.sock" dawdle 3>&- &
    pid=$!
    # One hundred, besides those that nginx may keep.
    wait_for 20 eval '(($(connections "$WORLD/fcgi/plain.sock" "$WORLD_INIT") >= 100))'
    bearer nginx-plain /
    let_in alice acme owner
    wait "$pid"
}

@test "junk is hung up on, and others are served" {
    new_token alice acme
    in_world python3 "$BATS_TEST_DIRNAME/fcgi_client.py" "$WORLD/fcgi/plain.sock" junk
    bearer nginx-plain /
    let_in alice acme owner
}

@test "no token stays in its memory, and none can get into a core file" {
    local pid
    [[ ${SANITIZE-} != 1 ]] || return 0
    new_token alice acme
    pid=$(<"$WORLD/fcgi/plain.pid")
    bearer nginx-plain /
    let_in alice acme owner
    basic alice nginx-plain /
    let_in alice acme owner
    (umask 077 && printf '%s\n' "$TOKEN" >"$WORLD/secret/token")
    in_world python3 "$BATS_TEST_DIRNAME/patd_client.py" memory "$pid" "$WORLD/secret/token"
    in_world grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits"
    [[ $(in_world stat -c %u "/proc/$pid/mem") == 0 ]]
}

@test "its options: what is wrong is told, with the option" {
    local row
    for row in '-o|-o: needs a value' '-x|there is no such option' '-t 3|-t: needs a unit' \
        '-M ftp://x|-M: must be a URL' '-s x|x: is neither an absolute path' \
        '-s 192.0.2.1:9000|loopback only' '-w 0|-w: must be from 1 to 256' 'x|takes nothing but options' \
        '-R a,b|-R: must be' '-n|-n: needs a value'; do
        # shellcheck disable=SC2086
        run "$PAT_BUILD/pat-fcgi" ${row%%|*} </dev/null
        [[ $status -eq 78 && $output == *"${row#*|}"* ]] || fault "$row: $status $output"
    done
    run "$PAT_BUILD/pat-fcgi" </dev/null
    [[ $status -eq 78 && $output == *'give one by -s'* ]]
    run "$PAT_BUILD/pat-fcgi" -u root -s "$BATS_TEST_TMPDIR/s"
    [[ $status -eq 78 && $output == *'does not run as root'* && ! -e $BATS_TEST_TMPDIR/s ]]
}

# from_two COMMAND: to nginx and Apache, from an address of its own.
from_two() {
    local server

    for server in nginx-plain apache; do
        "${@//SERVER/$server}" --interface 127.0.0.2
    done
}

@test "fail2ban finds every refusal once, with its address, and no outage" {
    local mark line
    new_token bob globex
    request nginx-plain /
    mark=$syslog_mark
    from_two request SERVER /                   # no credentials: nothing was refused
    bearer nginx-org / --interface 127.0.0.2    # 1: out of scope
    answered 403 "$SCOPE"
    unknown_token
    from_two bearer SERVER /                    # 3: no such token
    from_two basic alice SERVER /               # 5
    TOKEN=no-token
    from_two bearer SERVER /                    # 7: malformed
    for line in Bearer 'Basic ###=' "Bearer $(printf 'x%.0s' {1..9000})"; do
        with_header "Authorization: $line" -- apache / --interface 127.0.0.2
    done                                        # 9: malformed headers, one too long for Apache
    with_header 'Authorization: Bearer a' 'Authorization: Bearer b' -- apache / \
        --interface 127.0.0.2                   # 10: two
    syslog_mark=$mark
    bans 10 127.0.0.2
    logged 'authentication failure; service=http rhost=127.0.0.2 user= reason="no such token"'
    logged 'reason="the header Authorization is malformed"'
    # An outage.
    new_token bob acme
    request nginx-plain /
    mark=$syslog_mark
    sandbox patd-stop
    from_two bearer SERVER /
    answered 503
    sandbox patd-start
    syslog_mark=$mark
    bans 0
}

# The last two: pat-fcgi does not come back.
@test "pat-fcgi killed: nobody gets in" {
    new_token alice acme
    kill_fcgi plain
    kill_fcgi apache
    bearer nginx-plain /
    kept_out 503
    bearer apache /
    kept_out 500
    request nginx-plain /
    kept_out 503
    bearer lighttpd /page.txt
    [[ $CODE == 50* ]]
}

@test "no token stands in any log or other file" {
    [[ -z $(files_with_tokens) ]]
    cp "$WORLD/secret/tokens" "$WORLD/log/planted"
    [[ $(files_with_tokens) == "$WORLD/log/planted" ]]
    rm "$WORLD/log/planted"
}
