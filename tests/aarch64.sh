#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds memoshim for AArch64 with Debian's cross compiler and runs unit and integration tests under
# qemu-user. Needs the foreign architecture arm64 (dpkg --add-architecture arm64); what it installs
# stands in tests/packages.sh. What needs the kernel of the processor (ptrace, exec of foreign
# programs, MADV_WIPEONFORK) is not run. Prints what failed; tests/run.sh --full calls it.
#
#     tests/aarch64.sh [FOLDER]      builds in FOLDER, build-ci/aarch64 if not given
set -u -o pipefail

readonly root=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly folder=${1-$root/build-ci/aarch64}

. "$root/tests/packages.sh"
if ! dpkg --print-foreign-architectures | grep -qx arm64; then
    echo "the foreign architecture arm64 is not there: dpkg --add-architecture arm64" >&2
    exit 77
fi
memoshim_install_packages $memoshim_packages_aarch64 || exit 1

if [ ! -f "$folder/build.ninja" ]; then
    meson setup "$folder" "$root" --cross-file "$root/tests/cross/aarch64.txt" -Dchecks=true \
        -Dwerror=true >/dev/null || exit 1
fi
ninja -C "$folder" >/dev/null || exit 1
export MEMOSHIM_EMULATOR=qemu-aarch64-static
status=0
meson test -C "$folder" --no-rebuild --print-errorlogs -t 10 --suite unit || status=1
meson test -C "$folder" --no-rebuild --print-errorlogs -t 10 --logbase testlog-integration \
    calls bounds modes threads reach clash configuration processes || status=1
exit $status
