# SPDX-License-Identifier: MIT
# The Debian packages that building, the quickstart and the tests need, and how they get there.
# Sourced by tests/run.sh and examples/quickstart.sh; has no effect of its own.

memoshim_packages_build="gcc libc6-dev meson ninja-build pkg-config python3 libffi-dev libcjson-dev
    libcjson1 libxxhash-dev libiberty-dev libcmocka-dev"
memoshim_packages_quickstart="nginx apache2-utils curl wrk procps libcrypt1"
memoshim_packages_test="$memoshim_packages_quickstart binutils clang clang-format g++
    gawk gdb libunwind8 linux-perf libclang-rt-14-dev libcrypt-dev lld procps
    python3-cachetools python3-jsonschema valgrind
    fakeroot libasan8 libeatmydata1 libfakeroot libfaketime libgoogle-perftools4 libjemalloc2
    libmimalloc2.0 libtcmalloc-minimal4 libtsan2
    file libaprutil1-dev libhunspell-dev libmagic-dev libproj-dev libssl-dev netbase proj-bin
    r-base-core r-mathlib zlib1g-dev
    git libpython3.11-testsuite musl-tools openssh-client openssl perl sqlite3"
if [ "$(uname -m)" = x86_64 ]; then
    memoshim_packages_test+=" libc6-i386"
fi

memoshim_packages_full="cmake make nodejs openjdk-17-jdk-headless vim"

# For tests/bench/run.sh, beside those for building: rivals, and whole programs.
memoshim_packages_bench="libglib2.0-dev uthash-dev python3-cachetools nodejs node-lru-cache
    nginx apache2-utils wrk gawk coreutils"

# For tests/aarch64.sh.
memoshim_packages_aarch64="gcc-aarch64-linux-gnu qemu-user-static libffi-dev:arm64 libcjson1:arm64
    libcjson-dev:arm64 libxxhash-dev:arm64 libiberty-dev:arm64 libcmocka-dev:arm64"

# Prints those of its arguments that are not installed. A name without an architecture is one of
# this machine's, whatever foreign one is there beside it.
memoshim_missing_packages() {
    local package own wanted
    own=$(dpkg --print-architecture)
    for package in "$@"; do
        wanted="($own|all)"
        if [ "$package" != "${package#*:}" ]; then
            wanted=${package#*:}
        fi
        if ! dpkg-query -W -f='${Architecture} ${db:Status-Status}\n' "$package" 2>/dev/null |
            grep -Eqx "$wanted installed"; then
            printf '%s\n' "$package"
        fi
    done
}

# Installs what is missing of its arguments; no apt-get, and no privilege, if nothing is. A daemon
# that is among them is not started by its package.
memoshim_install_packages() {
    local missing as_root=() policy=/usr/sbin/policy-rc.d status
    if ! command -v dpkg-query >/dev/null; then
        echo "not a Debian system: taking for granted that $* are there" >&2
        return 0
    fi
    # shellcheck disable=SC2046
    missing=$(memoshim_missing_packages "$@")
    if [ -z "$missing" ]; then
        return 0
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "need root or sudo to install:" $missing >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "installing" $missing
    if [ -e "$policy" ]; then
        policy=
    else
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
            --no-install-recommends $missing >/dev/null
    status=$?
    if [ -n "$policy" ]; then
        "${as_root[@]}" rm -f "$policy"
    fi
    return $status
}
