# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154     # variables of run and lib.bash
#
# http.bash - requests through nginx: without a check, with pat-fcgi, and with auth_pam

HTTP_PORT=8080

http_servers() {
    local http_module=/usr/lib/nginx/modules/ngx_http_auth_pam_module.so

    [[ ! -e $peers$http_module ]] || http_module=$peers$http_module
    mkdir -p "$dir/http/www"
    printf 'ok\n' >"$dir/http/www/index.html"
    "$PAT_BUILD/pat-fcgi" -s "$dir/http/fcgi.sock" -p "$BOX/http.sock" 2>/dev/null &
    keep $!
    printf '%s\n' "auth required $PAT_BUILD/pam_pat.so socket=$BOX/http.sock" \
        "account required $PAT_BUILD/pam_pat.so" >/etc/pam.d/pat-http
    cat >"$dir/http/nginx.conf" <<CONF
load_module $http_module;
daemon off;
worker_processes 1;
pid $dir/http/pid;
error_log $dir/http/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path $dir/http/t1; proxy_temp_path $dir/http/t2;
    fastcgi_temp_path $dir/http/t3; uwsgi_temp_path $dir/http/t4; scgi_temp_path $dir/http/t5;
    upstream pat_fcgi { server unix:$dir/http/fcgi.sock; keepalive 32; }
    server {
        listen 127.0.0.1:$HTTP_PORT;
        root $dir/http/www;
        location /open/ { alias $dir/http/www/; }
        location /pat-fcgi/ {
            alias $dir/http/www/;
            auth_request     /_pat;
            auth_request_set \$pat_user \$upstream_http_x_pat_user;
        }
        location /auth_pam/ {
            alias $dir/http/www/;
            auth_pam "Tokens";
            auth_pam_service_name "pat-http";
        }
$(sed -n '/location = \/_pat {/,/^    }/p' "$root/http_pat/nginx.example")
    }
}
CONF
    nginx -e "$dir/http/error.log" -c "$dir/http/nginx.conf" &
    keep $!
    (umask 077 && {
        printf 'wrk.headers["Authorization"] = "Bearer %s"\n' "$(<"$dir/token")"
        cat "$here/wrk.lua"
    } >"$dir/http/bearer.lua" && {
        printf 'wrk.headers["Authorization"] = "Basic %s"\n' \
            "$(printf 'alice:%s' "$(<"$dir/token")" | base64 -w 0)"
        cat "$here/wrk.lua"
    } >"$dir/http/basic.lua")
    wait_for 10 curl -q -s -f "http://127.0.0.1:$HTTP_PORT/open/index.html"
}

# http_load CONNECTIONS PATH SCRIPT: prints the rate, the median in us, and the errors.
http_load() {
    wrk -t 1 -c "$1" -d "${http_seconds}s" -s "$dir/http/$3.lua" \
        "http://127.0.0.1:$HTTP_PORT/$2/index.html" | tail -n 1
}

bench_http() {
    local http_seconds=5 connections path script rate p50 errors

    [[ -z $quick ]] || http_seconds=1
    box http
    make_tokens "$dir/made" 1
    only_tokens "$dir/made" "$dir/token"
    token_entries "$dir/made" alice acme | ldap_admin ldapadd >/dev/null
    conf http
    patd http
    http_servers
    title 'through nginx, with one process of it, and a small file'
    printf '  %-14s %12s %12s %10s %8s\n' '' connections requests/s p50/us errors
    for connections in 1 16 64; do
        for path in open pat-fcgi auth_pam; do
            script=bearer
            [[ $path != auth_pam ]] || script=basic
            read -r rate p50 errors < <(http_load $connections $path $script)
            printf '  %-14s %12s %12s %10s %8s\n' $path $connections "$rate" "$p50" "$errors"
            csv http $path $connections rate "$rate"
            csv http $path $connections p50_us "$p50"
            csv http $path $connections errors "$errors"
        done
    done
}
