#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds memoshim in every way that matters and runs its tests. On a bare Debian 12 it installs the
# packages it needs first (as root, or with sudo). What it builds lies in build-ci/ of the source
# tree. The last line is "N passed, N failed, N skipped"; the exit status is 0 only if something
# ran and nothing failed.
#
#     tests/run.sh          gcc with checks: everything; gcc with sanitizers; the storm with
#                           ThreadSanitizer; clang; release
#     tests/run.sh --full   further: all unit and stress tests with ThreadSanitizer, valgrind,
#                           longer random runs, fuzzing (200,000 inputs for each target), large
#                           programs, all of Python's tests, AArch64 under an emulator (if the
#                           foreign architecture arm64 is there)
set -u -o pipefail

# A python3 or gcc of somebody's own must not stand before the system's.
export PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
unset CC CFLAGS CPPFLAGS LDFLAGS LD_PRELOAD LD_LIBRARY_PATH PYTHONPATH PYTHONHOME \
    MEMOSHIM_CONFIG MEMOSHIM_STATS MEMOSHIM_STATS_FORMAT MEMOSHIM_STATS_SIGNAL \
    MEMOSHIM_STATS_INTERVAL MEMOSHIM_MODE MEMOSHIM_LOG MEMOSHIM_STRICT

readonly root=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly builds=$root/build-ci
readonly results=$builds/results.txt # further results: name, OK or FAIL
readonly fuzz_runs=200000
full=false
case "${1-}" in
'') ;;
--full) full=true ;;
*)
    sed -n '3,14s/^# \{0,1\}//p' "$0"
    [ "$1" = --help ]
    exit
    ;;
esac

. "$root/tests/packages.sh"
packages="$memoshim_packages_build $memoshim_packages_test"
if $full; then
    packages+=" $memoshim_packages_full"
fi
memoshim_install_packages $packages || exit 1

mkdir -p "$builds"
: >"$results"
find "$builds" -path '*/meson-logs/testlog*' -delete
started=$SECONDS

say() {
    printf '[%4d s] %s\n' $((SECONDS - started)) "$*"
}

# result NAME STATUS [LOG]: for what meson did not count. A log is shown when it failed.
result() {
    if [ "$2" = 0 ]; then
        printf '%s\tOK\n' "$1" >>"$results"
    else
        printf '%s\tFAIL\n' "$1" >>"$results"
        say "FAILED: $1"
        [ -z "${3-}" ] || tail -n 60 "$3"
    fi
    return "$2"
}

# build NAME OPTIONS...: compiles $targets, or everything, in build-ci/NAME, which is set up anew
# unless it was set up by the same version of meson with the same options.
build() {
    local name=$1 folder=$builds/$1 log=$builds/$1.log options
    shift
    options="$(meson --version) ${CC-} $*"
    say "$name: building"
    if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$folder/options.txt")" != "$options" ]; then
        rm -rf "$folder"
        meson setup "$folder" "$root" -Dwerror=true "$@" >"$log" 2>&1
        printf '%s\n' "$options" >"$folder/options.txt"
    fi
    ninja -C "$folder" ${targets-} >>"$log" 2>&1
    result "$name: build" $? "$log"
}

# run_suites NAME LABEL SUITES [OPTIONS...]: meson's log stays in the build folder to be counted.
run_suites() {
    local name=$1 label=$2 suite arguments=() log
    log=$builds/$name.$label.log
    for suite in $3; do
        arguments+=(--suite "$suite")
    done
    shift 3
    say "$name: $label"
    if ! "${launcher[@]}" meson test -C "$builds/$name" --no-rebuild --print-errorlogs \
        --logbase "testlog-$label" "${arguments[@]}" "$@" >"$log" 2>&1; then
        say "$name: $label: not all passed"
        grep -E '^ *[0-9]+/[0-9]+ .*(FAIL|ERROR|TIMEOUT)' "$log"
        tail -n 80 "$log"
    fi
}

launcher=()
export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS="halt_on_error=1:suppressions='$root/tests/tsan.supp'"
if $full; then
    export MEMOSHIM_TEST_SCALE=10
fi
multiplier=$($full && echo 20 || echo 3)
signatures=()
if $full; then
    signatures=(-Dsignatures=600 -Dsignatures_seed=0)
fi

build checks -Dchecks=true "${signatures[@]}" &&
    run_suites checks tests "unit fuzz integration stress programs lint" -t "$multiplier"
build sanitizers -Dchecks=true "${signatures[@]}" -Db_sanitize=address,undefined -Db_lundef=false &&
    run_suites sanitizers tests "unit fuzz integration stress" -t "$multiplier"

# unit_names NAME PATTERN: the unit tests of that build but those whose whole name matches.
unit_names() {
    meson test -C "$builds/$1" --no-rebuild --list --suite unit |
        sed -n 's|^.*:unit / ||p' | grep -vxE "$2"
}

readonly driven='policies on traces|cache against cachetools'
# gcc warns that it does not follow fences; what rests on one is checked by other means. What an
# exception leaves, the sanitizer must see left.
if targets=$($full || echo storm_alone) build tsan -Dchecks=true -Db_sanitize=thread \
    -Db_lundef=false "-Dc_args=-Wno-tsan -fexceptions"; then
    # Its shadow memory does not fit every layout that a kernel may draw.
    setarch -R true 2>/dev/null && launcher=(setarch -R)
    if $full; then
        mapfile -t names < <(unit_names tsan "$driven") # one thread: nothing to race with
        run_suites tsan tests unit -t "$multiplier" "${names[@]}"
        run_suites tsan stress stress -t "$multiplier"
    else
        run_suites tsan stress stress -t "$multiplier" storm
    fi
    launcher=()
fi
CC=clang build clang -Dchecks=true "${signatures[@]}" &&
    run_suites clang tests "unit" -t "$multiplier"
build release -Dbuildtype=release &&
    run_suites release tests "integration lint" -t "$multiplier"

if $full; then
    # Valgrind has no rounding modes, no 80-bit floats and no floating-point exceptions, maps memory
    # writable and executable itself, does not execute /proc/self/exe, and is itself preloaded into
    # by the tests that set LD_PRELOAD. Drivers that Python starts are not followed. One test of
    # call_wide writes where nobody may.
    unfit="$driven|abi|call|call_(by_value|modes|quick|quick_miss|structs|wide)|config_language"
    unfit+="|entry|float|marshal_(approximate|condition|number)|signatures( by libffi)?"
    mapfile -t names < <(unit_names checks "$unfit|interpose_(slots_.*|early|chain)")
    valgrind="valgrind -q --error-exitcode=99 --leak-check=full"
    MEMOSHIM_TEST_SCALE=1 run_suites checks valgrind unit -t 60 \
        --wrapper "$valgrind --suppressions=$root/tests/valgrind.supp" "${names[@]}"
    say "aarch64: under qemu-user"
    "$root/tests/aarch64.sh" "$builds/aarch64" >"$builds/aarch64.log" 2>&1
    status=$?
    if [ $status = 77 ]; then
        tail -n 1 "$builds/aarch64.log"
    else
        result "aarch64: build and tests" $status "$builds/aarch64.log"
    fi
    if CC=clang build fuzz -Dfuzz=true -Dchecks=true -Db_sanitize=address,undefined \
        -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link; then
        for target in "$builds"/fuzz/tests/fuzz/fuzz_*; do
            if [ ! -f "$target" ] || [ ! -x "$target" ]; then
                continue
            fi
            name=$(basename "$target")
            corpus=$builds/fuzz/corpus/$name
            mkdir -p "$corpus"
            say "fuzz: $name, $fuzz_runs inputs"
            # New inputs go to the first folder, the others are only read.
            (cd "$builds/fuzz" && "$target" -runs=$fuzz_runs -timeout=10 "$corpus" \
                "$root/tests/fuzz/corpus/${name#fuzz_}") >"$builds/$name.log" 2>&1
            result "fuzz: $name, $fuzz_runs inputs" $? "$builds/$name.log"
        done
    fi
fi

say "done"
python3 "$root/tests/summary.py" "$builds" "$results"
