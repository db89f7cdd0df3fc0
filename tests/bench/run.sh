#!/bin/bash
# SPDX-License-Identifier: MIT
# Measures memoshim and its rivals side by side and prints one table. Builds a release first, into
# build-bench/ of the source tree. A rival whose package is missing is skipped, saying so; how to
# install them all is said here.
#
#     tests/bench/run.sh                 everything: the median of 15 rounds, some minutes
#     tests/bench/run.sh --quick         one short round of each, in seconds
#     tests/bench/run.sh --only hits     one section (--help lists them)
#     tests/bench/run.sh --json FILE     all figures for programs
#     tests/bench/run.sh --check         ends with 1 unless every bound holds
set -eu -o pipefail

# A python3 or gcc of somebody's own must not stand before the system's.
export PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
unset CC CFLAGS CPPFLAGS LDFLAGS LD_PRELOAD LD_LIBRARY_PATH PYTHONPATH PYTHONHOME

root=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
build=$root/build-bench
log=$build.log

. "$root/tests/packages.sh"
if command -v dpkg-query >/dev/null; then
    # shellcheck disable=SC2046,SC2086 # they are lists
    missing=$(echo $(memoshim_missing_packages $memoshim_packages_build $memoshim_packages_bench))
    if [ -n "$missing" ]; then
        echo "Not installed: $missing. What needs them is skipped. To have all:"
        echo "    apt-get install --no-install-recommends $missing"
        echo
    fi
fi

# Set up anew when there are headers that were not there before.
headers=$(ls /usr/include/uthash.h /usr/include/glib-2.0/glib.h 2>/dev/null || :)
wanted="$(meson --version) $headers"
if [ ! -f "$build/build.ninja" ] || [ "$(cat "$build/wanted.txt" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$build"
    if ! meson setup -Dbuildtype=release "$build" "$root" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        exit 2
    fi
    printf '%s\n' "$wanted" >"$build/wanted.txt"
fi
if ! ninja -C "$build" bench_all >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 2
fi
rm -f "$log"

MEMOSHIM_BUILD=$build exec python3 "$root/tests/bench/suite.py" "$@"
