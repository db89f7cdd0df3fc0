#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Shows what memoshim does, on Debian 12: an unmodified nginx that checks bcrypt passwords, without
# and with it. Installs the packages that are missing, builds into build-quickstart/, starts nginx
# on a free loopback port out of a temporary folder, measures, and leaves nothing running.
#
# Settings, by environment: QUICKSTART_SECONDS_WITHOUT (8) and QUICKSTART_SECONDS_WITH (4), how long
# each of the two measurements takes.

set -euo pipefail
export LC_ALL=C.UTF-8
# Debian's own tools first: a private Python in the PATH may lack what meson needs.
export PATH=/usr/bin:/usr/sbin:/bin:/sbin:$PATH

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build=$checkout/build-quickstart
example=$checkout/examples/01-nginx-bcrypt
seconds_without=${QUICKSTART_SECONDS_WITHOUT:-8}
seconds_with=${QUICKSTART_SECONDS_WITH:-4}
user=alice
password='correct horse battery staple'
connections=4

folder=
nginx_pid=

. "$checkout/tests/packages.sh"

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }

fail() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

# fail_showing FILE MESSAGE: with the end of the file, which explains it.
fail_showing() {
    local file=$1
    shift
    if [ -s "$file" ]; then
        printf -- '--- the end of %s:\n' "$file" >&2
        tail -n 25 "$file" >&2
    fi
    fail "$@"
}

# The master tells its workers and goes last. QUIT is the polite way; the others are for a master
# that does not listen.
stop_nginx() {
    local signal
    [ -n "$nginx_pid" ] || return 0
    for signal in QUIT TERM KILL; do
        kill -s "$signal" "$nginx_pid" 2>/dev/null || break
        for _ in $(seq 50); do
            kill -0 "$nginx_pid" 2>/dev/null || break 2
            sleep 0.1
        done
    done
    wait "$nginx_pid" 2>/dev/null || true
    nginx_pid=
}

clean_up() {
    stop_nginx
    [ -z "$folder" ] || rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- packages ------------------------------------------------------------------------------------

install_packages() {
    # shellcheck disable=SC2086 # they are lists
    memoshim_install_packages $memoshim_packages_build $memoshim_packages_quickstart </dev/null ||
        fail "packages are missing. It takes root or sudo, a network, and a Debian mirror in
/etc/apt; or, by hand: apt-get install" $memoshim_packages_build $memoshim_packages_quickstart
}

# ---- build ---------------------------------------------------------------------------------------

build_memoshim() {
    {
        if [ ! -f "$build/build.ninja" ]; then
            rm -rf "$build"
            meson setup -Dbuildtype=release "$build" "$checkout"
        fi
        ninja -C "$build" "$library" "$command"
    } >"$folder/build.log" 2>&1 ||
        fail_showing "$folder/build.log" \
            "the build failed; removing $build and running this again may help"
}

library=shim/libmemoshim.so
command=shim/cli/memoshim

# ---- nginx ---------------------------------------------------------------------------------------

free_port() {
    python3 -c 'import socket
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
print(probe.getsockname()[1])'
}

# prepare_nginx: everything that it reads, in $folder.
prepare_nginx() {
    local user_line=
    chmod 755 "$folder"
    mkdir "$folder/www" "$folder/tmp" "$folder/stats"
    say "Welcome, member." >"$folder/www/welcome.txt"
    htpasswd -n -b -B -C 10 "$user" "$password" >"$folder/htpasswd"
    if [ "$(id -u)" -eq 0 ]; then
        user_line='user www-data;'
        chown www-data "$folder/tmp" "$folder/stats"
        chown root:www-data "$folder/htpasswd"
    fi
    chmod 640 "$folder/htpasswd"
    port=$(free_port)
    page=http://127.0.0.1:$port/welcome.txt # "/" would be asked for twice, then as /index.html
    sed -e "s|@USER@|$user_line|" -e "s|@PORT@|$port|" -e "s|@FOLDER@|$folder|" \
        "$example/nginx.conf" >"$folder/nginx.conf"
}

# start_nginx [COMMAND...]: nginx, by way of COMMAND.
start_nginx() {
    "$@" nginx -e "$folder/error.log" -p "$folder" -c "$folder/nginx.conf" \
        </dev/null >"$folder/nginx.out" 2>&1 &
    nginx_pid=$!
    for _ in $(seq 100); do
        if ! kill -0 "$nginx_pid" 2>/dev/null; then
            cat "$folder/nginx.out" >>"$folder/error.log"
            fail_showing "$folder/error.log" "nginx did not start"
        fi
        curl -s -o /dev/null "http://127.0.0.1:$port/" && return
        sleep 0.1
    done
    fail_showing "$folder/error.log" "nginx does not answer on 127.0.0.1:$port"
}

# ask WHAT CREDENTIALS: one request; its status, then its body, into $folder/WHAT.
ask() {
    curl -s -o "$folder/body" -w '%{http_code}\n' -u "$2" "$page" >"$folder/$1"
    cat "$folder/body" >>"$folder/$1"
}

# ask_all WHEN: the three kinds of credentials.
ask_all() {
    ask "right.$1" "$user:$password"
    ask "wrong.$1" "$user:wrong password"
    ask "unknown.$1" "mallory:$password"
    [ "$(head -n 1 "$folder/right.$1")" = 200 ] || fail "the right password was refused ($1)"
}

# measure SECONDS: requests per second, by wrk with the right password.
measure() {
    wrk -t 1 -c "$connections" -d "${1}s" --timeout 10s \
        -H "Authorization: Basic $(printf %s "$user:$password" | base64 -w 0)" \
        "$page" >"$folder/wrk.out" 2>&1 ||
        fail_showing "$folder/wrk.out" "wrk failed"
    if grep -q -e 'Non-2xx' -e 'Socket errors' "$folder/wrk.out"; then
        fail_showing "$folder/wrk.out" "some requests were not answered as they should be"
    fi
    awk '/^Requests\/sec:/ { print $2 }' "$folder/wrk.out"
}

compare() {
    cmp -s "$folder/$1.without" "$folder/$1.with" ||
        fail_showing "$folder/$1.with" "the answer to $2 differs from the one without memoshim"
    printf '  %-16s %s, status and body byte-identical without and with memoshim\n' "$2" \
        "$(head -n 1 "$folder/$1.with")"
}

# ---- the tour ------------------------------------------------------------------------------------

folder=$(mktemp -d "${TMPDIR:-/tmp}/memoshim-quickstart.XXXXXX")

step "Packages"
install_packages
say "all there"

step "Building memoshim (into ${build##*/}/)"
build_memoshim
say "done"

step "nginx without memoshim"
prepare_nginx
say "master and 2 workers on 127.0.0.1:$port, auth_basic, one user with a bcrypt hash of cost 10"
start_nginx
ask_all without
say "measuring for $seconds_without s: wrk, $connections keep-alive connections, right password"
without=$(measure "$seconds_without")
say "  $without requests/s"
stop_nginx

step "The same nginx with memoshim"
# A copy: a configuration that others could write to, or that is somebody else's, would be refused.
install -m 644 "$example/memoshim.json" "$folder/memoshim.json"
say "memoshim run -c memoshim.json -- nginx ..., with this memoshim.json:"
sed 's/^/  /' "$folder/memoshim.json"
export MEMOSHIM_STATS=$folder/stats/%p MEMOSHIM_STATS_FORMAT=text
start_nginx "$build/$command" run -c "$folder/memoshim.json" --
master=$nginx_pid
ask_all with
say "measuring for $seconds_with s, in the same way"
with=$(measure "$seconds_with")
say "  $with requests/s"
stop_nginx
! curl -s -o /dev/null "http://127.0.0.1:$port/" || fail "something still listens on port $port"

step "Answers"
compare right "right password"
compare wrong "wrong password"
compare unknown "unknown user"

step "Statistics of the workers"
found=
for file in "$folder"/stats/*; do
    if [ -f "$file" ] && [ "${file##*/}" != "$master" ]; then
        [ -z "$found" ] || say ""
        cat "$file"
        found=1
    fi
done
[ -n "$found" ] || fail_showing "$folder/error.log" "the workers wrote no statistics"

step "Result"
awk -v without="$without" -v with="$with" 'BEGIN {
    printf "  without memoshim %10.1f requests/s\n", without
    printf "  with memoshim    %10.1f requests/s\n", with
    printf "  ratio            %10.0f\n", with / without }'
