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
policy_file=

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }

# fail MESSAGE [FILE]: the message, the end of the file that explains it, and out.
fail() {
    printf 'quickstart: %s\n' "$1" >&2
    if [ -n "${2:-}" ] && [ -s "$2" ]; then
        printf -- '--- the end of %s:\n' "$2" >&2
        tail -n 25 "$2" >&2
    fi
    exit 1
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
    [ -z "$policy_file" ] || $as_root rm -f "$policy_file"
    [ -z "$folder" ] || rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- packages -------------------------------------------------------------------------------------

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo

# packages SECTION...: what these sections of the list name.
packages() {
    awk -v wanted=" $* " '
        /^# [a-z]+$/ { in_section = index(wanted, " " $2 " ") > 0; next }
        /^#/ || NF == 0 { next }
        in_section { print $1 }' "$checkout/tests/packages.txt"
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
    local missing=() package
    for package in $(packages build quickstart); do
        is_installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "all there"
        return
    fi
    say "installing ${missing[*]}"
    command -v apt-get >/dev/null ||
        fail "there is no apt-get here; install by hand what is like Debian's ${missing[*]}"
    if [ -n "$as_root" ]; then
        command -v sudo >/dev/null ||
            fail "installing needs root: run this as root, or install sudo"
        sudo -v || fail "installing needs root, and sudo refused"
    fi
    # Debian starts a service as soon as it is installed. This nginx is to be a plain program.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy_file=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy_file" >/dev/null
        $as_root chmod 755 "$policy_file"
    fi
    {
        $as_root apt-get update &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
                "${missing[@]}"
    } </dev/null >"$folder/apt.log" 2>&1 ||
        fail "apt-get could not install them; is there a network, and a Debian mirror in
/etc/apt? By hand: apt-get update && apt-get install ${missing[*]}" "$folder/apt.log"
    if [ -n "$policy_file" ]; then
        $as_root rm -f "$policy_file"
        policy_file=
    fi
}

# ---- build ----------------------------------------------------------------------------------------

build_memoshim() {
    {
        if [ ! -f "$build/build.ninja" ]; then
            rm -rf "$build"
            meson setup -Dbuildtype=release "$build" "$checkout"
        fi
        ninja -C "$build" "$library" "$command"
    } >"$folder/build.log" 2>&1 ||
        fail "the build failed; removing $build and running this again may help" \
            "$folder/build.log"
}

library=shim/libmemoshim.so
command=shim/cli/memoshim

# ---- nginx ----------------------------------------------------------------------------------------

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# prepare_nginx: everything that it reads, in $folder.
prepare_nginx() {
    local user_line=
    chmod 755 "$folder"
    mkdir "$folder/www" "$folder/tmp" "$folder/stats"
    say "Welcome, member." >"$folder/www/index.html"
    htpasswd -n -b -B -C 10 "$user" "$password" >"$folder/htpasswd"
    if [ "$(id -u)" -eq 0 ]; then
        user_line='user www-data;'
        chown www-data "$folder/tmp" "$folder/stats"
        chown root:www-data "$folder/htpasswd"
    fi
    chmod 640 "$folder/htpasswd"
    port=$(free_port)
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
            fail "nginx did not start" "$folder/error.log"
        fi
        curl -s -o /dev/null "http://127.0.0.1:$port/" && return
        sleep 0.1
    done
    fail "nginx does not answer on 127.0.0.1:$port" "$folder/error.log"
}

# ask WHAT CREDENTIALS: one request; its status, then its body, into $folder/WHAT.
ask() {
    curl -s -o "$folder/body" -w '%{http_code}\n' -u "$2" "http://127.0.0.1:$port/" \
        >"$folder/$1"
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
        "http://127.0.0.1:$port/" >"$folder/wrk.out" 2>&1 ||
        fail "wrk failed" "$folder/wrk.out"
    if grep -q -e 'Non-2xx' -e 'Socket errors' "$folder/wrk.out"; then
        fail "some requests were not answered as they should be" "$folder/wrk.out"
    fi
    awk '/^Requests\/sec:/ { print $2 }' "$folder/wrk.out"
}

compare() {
    cmp -s "$folder/$1.without" "$folder/$1.with" ||
        fail "the answer to $2 differs from the one without memoshim" "$folder/$1.with"
    printf '  %-16s %s, status and body byte-identical without and with memoshim\n' "$2" \
        "$(head -n 1 "$folder/$1.with")"
}

# ---- the tour -------------------------------------------------------------------------------------

folder=$(mktemp -d "${TMPDIR:-/tmp}/memoshim-quickstart.XXXXXX")

step "Packages"
install_packages

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
say "memoshim run -c examples/01-nginx-bcrypt/memoshim.json -- nginx ..."
sed 's/^/  /' "$example/memoshim.json"
export MEMOSHIM_STATS=$folder/stats/%p MEMOSHIM_STATS_FORMAT=text
start_nginx "$build/$command" run -c "$example/memoshim.json" --
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
        cat "$file"
        found=1
    fi
done
[ -n "$found" ] || fail "the workers wrote no statistics" "$folder/error.log"

step "Result"
awk -v without="$without" -v with="$with" 'BEGIN {
    printf "  without memoshim %10.1f requests/s\n", without
    printf "  with memoshim    %10.1f requests/s\n", with
    printf "  ratio            %10.0f\n", with / without }'
