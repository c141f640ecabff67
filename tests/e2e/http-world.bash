# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154      # the world tells dir, root, here, build
#
# http-world.bash - the part "http" of a world: nginx and Apache before an MCP server
#
# Their configurations are nginx.example and apache.example. In DIR:
#   port/            nginx, apache; nginx-PLAIN: without a check; of each pat-fcgi
#   fcgi/            the sockets and pids of the authorizers of nginx

# Options are the lines of the samples that begin with # and no blank.
all_options='s|^( *)#([^ ])|\1\2|'

http_needs() {
    need_tools nginx apache2 lighttpd spawn-fcgi git curl python3
    need_built pat-fcgi
}

# authorizer NAME [OPTION...]: one with limits of its own, as an unprivileged user.
authorizer() {
    local name=$1
    shift

    start "fcgi-$name" "$build/pat-fcgi" -s "$dir/fcgi/$name.sock" -u www-data -m 0600 \
        -p "$PAT_SOCKET" "$@"
    printf '%s\n' "${pids[-1]}" >"$dir/fcgi/$name.pid"
    wait_for 30 unix_listens "$dir/fcgi/$name.sock"
}

# nginx_site NAME: the sample with that authorizer.
nginx_site() {
    new_port "nginx-$1"
    sed -E "s|listen 443 ssl|listen 127.0.0.1:$port|; /ssl_certificate/d
        s|unix:[^;]*|unix:$dir/fcgi/$1.sock|; s|pat_fcgi|pat_fcgi_$1|
        s|127\.0\.0\.1:8000|127.0.0.1:$upstream|" "$root/http_pat/nginx.example" \
        >"$dir/nginx/conf.d/$1.conf"
}

nginx_start() {
    local name

    mkdir -p "$dir/nginx/conf.d"
    cat >"$dir/nginx/nginx.conf" <<CONF
user www-data;
daemon off;
worker_processes 2;
worker_shutdown_timeout 1s;
pid $dir/nginx/pid;
error_log $dir/log/nginx-error.log notice;
events { worker_connections 1024; }
http {
    access_log $dir/log/nginx-access.log;
    client_body_temp_path $dir/nginx/body;
    proxy_temp_path $dir/nginx/proxy;
    fastcgi_temp_path $dir/nginx/fastcgi;
    uwsgi_temp_path $dir/nginx/uwsgi;
    scgi_temp_path $dir/nginx/scgi;
    include $dir/nginx/conf.d/*.conf;
}
CONF
    for name in plain org role meta git shared spawned patient; do
        nginx_site "$name"
    done
    sed -i -E 's|(fastcgi_read_timeout ).*|\1 60s;|' "$dir/nginx/conf.d/patient.conf"
    # With all options of the sample.
    sed -i -E "$all_options" "$dir/nginx/conf.d/meta.conf"
    # git fetches these as files.
    sed -i "s|location / {|&\n        root $dir/git;|; /proxy_/d" "$dir/nginx/conf.d/git.conf"
    start nginx nginx -e "$dir/log/nginx-error.log" -c "$dir/nginx/nginx.conf"
}

# apache_site NAME SED-EXPRESSION: the sample, so changed.
apache_site() {
    local modules=/usr/lib/apache2/modules name

    new_port "$1"
    mkdir -p "$dir/$1/root"
    {
        for name in mpm_event alias authn_core authz_core authz_user authnz_fcgi headers proxy \
            proxy_http; do
            printf 'LoadModule %s_module %s/mod_%s.so\n' "$name" "$modules" "$name"
        done
        cat <<CONF
ServerName host.example.com
Listen 127.0.0.1:$port
User www-data
Group www-data
PidFile $dir/$1/pid
DefaultRuntimeDir $dir/$1
DocumentRoot $dir/$1/root
ErrorLog $dir/log/apache-error.log
LogLevel info
CustomLog $dir/log/apache-access.log "%h %u %r %>s"
CONF
        sed -E "s|127\.0\.0\.1:9101|127.0.0.1:$fcgi|; s|127\.0\.0\.1:8000|127.0.0.1:$upstream|
            $2" "$root/http_pat/apache.example"
    } >"$dir/$1/apache.conf"
    start "$1" apache2 -X -f "$dir/$1/apache.conf"
}

apache_start() {
    local fcgi name

    new_port fcgi-apache
    fcgi=$port
    authorizer_tcp "$fcgi"
    apache_site apache ''
    # With all options of the sample.
    apache_site apache-options "$all_options"
    name=$dir/apache-options/root/.well-known/oauth-protected-resource
    mkdir -p "$name"
    sed -n 's/^#   {/{/p' "$root/http_pat/apache.example" >"$name/mcp"
}

authorizer_tcp() {
    start fcgi-apache "$build/pat-fcgi" -s "127.0.0.1:$1" -u www-data -p "$PAT_SOCKET"
    printf '%s\n' "${pids[-1]}" >"$dir/fcgi/apache.pid"
}

lighttpd_start() {
    mkdir "$dir/www"
    printf 'for those with a token\n' >"$dir/www/page.txt"
    new_port lighttpd
    cat >"$dir/lighttpd.conf" <<CONF
server.modules = ("mod_fastcgi")
server.bind = "127.0.0.1"
server.port = $port
server.document-root = "$dir/www"
server.username = "www-data"
server.errorlog = "$dir/log/lighttpd-error.log"
mimetype.assign = (".txt" => "text/plain")
CONF
    # As the manual has it.
    sed -n '/^\$HTTP/,/^}/p' "$root/http_pat/pat-fcgi.8" |
        sed "s|\\\\e|\\\\|; s|/run/pat-fcgi/pat-fcgi.sock|$dir/fcgi/plain.sock|" >>"$dir/lighttpd.conf"
    install -o www-data /dev/null "$dir/log/lighttpd-error.log"
    start lighttpd lighttpd -D -f "$dir/lighttpd.conf"
}

http_start() {
    local upstream

    printf 'www-data:x:33:33:www-data:/nonexistent:/usr/sbin/nologin\n' >>/etc/passwd
    printf 'www-data:x:33:\n' >>/etc/group
    mkdir -m 755 "$dir/fcgi"
    chown www-data "$dir/fcgi"
    new_port upstream
    upstream=$port
    start upstream python3 "$here/mcp_server.py" "$upstream"
    authorizer plain
    authorizer org -o acme
    authorizer role -r owner,member
    authorizer meta -n mcp -R mcp -M https://mcp.example.com/.well-known/oauth-protected-resource/mcp
    authorizer git -b -n git
    authorizer shared -S x-access-token,oauth2,__token__,- -o acme
    authorizer patient -t 60s
    # It is another user when it starts the program, and may not enter where that was built.
    install -m 755 "$build/pat-fcgi" "$dir/fcgi/pat-fcgi"
    spawn-fcgi -s "$dir/fcgi/spawned.sock" -M 600 -u www-data -P "$dir/fcgi/spawned.pid" -- \
        "$dir/fcgi/pat-fcgi" -p "$PAT_SOCKET" </dev/null >"$dir/log/spawn-fcgi.log" 2>&1 || {
        cat "$dir/log/spawn-fcgi.log" >&2
        exit 1
    }
    pids+=("$(<"$dir/fcgi/spawned.pid")")
    chown www-data "$dir/fcgi"/*.sock
    git init -q --bare "$dir/git/repo.git"
    git -C "$dir/git/repo.git" update-server-info
    nginx_start
    apache_start
    lighttpd_start
}
