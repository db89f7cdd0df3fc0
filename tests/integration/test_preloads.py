# SPDX-License-Identifier: MIT
"""Other preloads, before and after memoshim: allocators, sanitizers' runtimes, and libraries that
stand in the place of libc's functions. Then programs that are built with a sanitizer.

Each runs a threaded C program that allocates and forks, and a script of python3 that does so, too.
The oracle is the same program under the same preload without memoshim, and the counting library's
own count.
"""

import glob
import os
import platform
import shutil
import subprocess

import case
import counted

LIBRARIES = f"/usr/lib/{platform.machine()}-linux-gnu"
PROGRAM = case.PROGRAMS / "preloads"

# What tests/integration/lib/preloads.c does: keys, calls of the parent, and of each child.
N_KEYS, N_CALLS, N_CHILDREN = 50, 50 + 4 * 2000, 2

SCRIPT = """
import math, os, threading
seen = []
def work(times):
    seen.append(sum(math.expm1(i % 30) + math.cbrt(i % 30) for i in range(times)))
work(300)
pid = os.fork()
if pid == 0:
    work(600)
    exit(abs(seen[1] - 2 * seen[0]) > 1e-3 * seen[1])
status = os.waitpid(pid, 0)[1]
threads = [threading.Thread(target=work, args=(900,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
words = [str(i) * (i % 97) for i in range(20000)]
print(status, seen, len("".join(sorted(words))))
"""


def find(pattern):
    """The one library of that name that a package of tests/packages.sh installs."""
    found = sorted(glob.glob(f"{LIBRARIES}/{pattern}"))
    case.need(found, f"there is no {LIBRARIES}/{pattern} here")
    return found[0]


FUNCTIONS = {**counted.functions("square", "length"), "j0": {"guard": False}}


class BothPrograms(counted.CountedCase):

    def setUp(self):
        super().setUp()
        case.need(os.environ.get("MEMOSHIM_SANITIZED") != "1",
                  "the sanitizer in this shim replaces the allocator itself")
        self.room = self.folder / "room"
        self.room.mkdir()

    def empty_room(self):
        shutil.rmtree(self.room)
        self.room.mkdir()

    def check_program(self, outcome):
        """The counts of lib/preloads.c and its two children."""
        children = [pid for pid in outcome.reports if pid != outcome.pid]
        self.assertEqual(len(children), N_CHILDREN)
        for name in FUNCTIONS:
            self.assert_counts(outcome.function(name), calls=N_CALLS, misses=N_KEYS,
                               hits=N_CALLS - N_KEYS, entries=N_KEYS)
            for pid in children:
                self.assert_counts(outcome.function(name, pid), calls=N_KEYS, hits=N_KEYS)
        self.check_real(outcome)


class Preloads(BothPrograms):

    # ---- both orders ----------------------------------------------------------------------------

    def run_orders(self, library, check, argv, functions, env, stdin=b""):
        """The program under the other preload alone, then with memoshim behind and before it."""
        config = self.config(functions, programs=[os.path.basename(argv[0])])
        alone = self.run_plain(argv, stdin, {**env, "LD_PRELOAD": library})
        for order in (library, case.LIBRARY), (case.LIBRARY, library):
            with self.subTest(":".join(os.path.basename(path) for path in order)):
                self.empty_room()
                preload = ":".join(str(path) for path in order)
                outcome = self.run_with(config, argv, stdin, {**env, "LD_PRELOAD": preload})
                self.assert_same(alone, outcome)
                check(outcome)
        return alone

    def check_script(self, outcome):
        for name in "expm1", "cbrt":
            self.assert_counts(outcome.function(name), calls=3000, misses=30, hits=2970)
        children = [pid for pid in outcome.reports if pid != outcome.pid]
        self.assertEqual(len(children), 1)
        for name in "expm1", "cbrt":
            self.assert_counts(outcome.function(name, children[0]), calls=600, hits=600)

    def run_all(self, library, **env):
        """Both programs. Returns what the first prints under the other preload alone."""
        alone = self.run_orders(library, self.check_program, [PROGRAM, self.room], FUNCTIONS, env)
        self.assertEqual(alone.status, 0, alone.stdout + alone.stderr)
        self.assertIn(b"children: 0, 0 wrong\n", alone.stdout)
        python = case.need_program("python3")
        script = self.run_orders(library, self.check_script, [python, "-"],
                                 {"expm1": {"guard": False}, "cbrt": {"guard": False}}, env,
                                 SCRIPT)
        self.assertEqual(script.status, 0, script.stderr)
        return alone.stdout

    # ---- allocators -----------------------------------------------------------------------------

    def test_jemalloc(self):
        self.run_all(find("libjemalloc.so.2"))

    def test_jemalloc_that_checks(self):
        """Blocks are overwritten when they come and when they go, and the tcache is off."""
        self.run_all(find("libjemalloc.so.2"), MALLOC_CONF="junk:true,tcache:false,abort_conf:true")

    def test_jemalloc_takes_its_settings(self):
        """From the environment, when it is asked first, which memoshim's start does."""
        library = find("libjemalloc.so.2")
        for order in (library, case.LIBRARY), (case.LIBRARY, library):
            outcome = self.run_with(self.config(FUNCTIONS), ["true"],
                                    env={"LD_PRELOAD": ":".join(str(path) for path in order),
                                         "MALLOC_CONF": "stats_print:true"})
            self.assertEqual((outcome.status, outcome.stdout), (0, b""))
            self.assertIn(b"jemalloc statistics", outcome.stderr)

    def test_tcmalloc(self):
        self.run_all(find("libtcmalloc.so.4"))

    def test_tcmalloc_minimal(self):
        self.run_all(find("libtcmalloc_minimal.so.4"))

    def test_mimalloc(self):
        self.run_all(find("libmimalloc.so.2"))

    def check_nosy(self, outcome, n_calls=0):
        """Each allocation made one real call, or had a hit; n_calls: of the program itself."""
        self.assertGreater(outcome.real["fail"], 50)
        for name in "square", "length":
            hits = sum(report["functions"][f"counted_{name}"]["hits"]
                       for report in outcome.reports.values())
            self.assertGreater(hits, 0)
            self.assertEqual(outcome.real[name], outcome.real["fail"] + n_calls - hits)

    def test_an_allocator_that_calls_memoized_functions(self):
        """At each malloc, the first ones in the loader, others while memoshim starts."""
        library = str(case.PROGRAMS / "nosy_malloc.so")
        own = N_CALLS + N_CHILDREN * N_KEYS
        alone = self.run_orders(library, lambda outcome: self.check_nosy(outcome, own),
                                [PROGRAM, self.room], FUNCTIONS, {})
        self.assertEqual(alone.status, 0, alone.stdout + alone.stderr)
        for program, option, script in (
                ("gawk", "-e", "BEGIN { print length(sprintf(\"%9999s\", 1)) }"),
                ("python3", "-c", "print(sorted(map(str, range(999)))[5])")):
            argv = [case.need_program(program), option, script]
            alone = self.run_orders(library, self.check_nosy, argv, FUNCTIONS, {})
            self.assertEqual(alone.status, 0, alone.stderr)

    # ---- sanitizers -----------------------------------------------------------------------------

    def test_libasan(self):
        """It insists on being the first, unless told otherwise."""
        self.run_all(find("libasan.so.*"), ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")

    def test_libtsan(self):
        self.run_all(find("libtsan.so.*"), TSAN_OPTIONS="halt_on_error=1")

    # ---- in the place of libc -------------------------------------------------------------------

    def test_fakeroot(self):
        daemon = case.need_program("faked-tcp")
        library = find("libfakeroot/libfakeroot-tcp.so")
        key, pid = subprocess.run([daemon], capture_output=True, check=True,
                                  text=True).stdout.strip().split(":")
        self.addCleanup(os.kill, int(pid), 15)
        output = self.run_all(library, FAKEROOTKEY=key)
        self.assertIn(b"file: 4711:4712, 5 bytes\n", output)

    def test_libfaketime(self):
        for variant in "", "MT":
            with self.subTest(variant or "plain"):
                self.empty_room()
                output = self.run_all(find(f"faketime/libfaketime{variant}.so.1"),
                                      FAKETIME="@1999-12-24 20:30:00", FAKETIME_NO_CACHE="1")
                self.assertIn(b"year: 1999, one time\n", output)

    def test_memoshim_itself_calls_none_of_them(self):
        """They are not ready when it starts, and would take its work for the program's."""
        self.run_all(str(case.PROGRAMS / "jealous.so"), MEMOSHIM_LOG="debug",
                     MEMOSHIM_STATS_SIGNAL="RTMIN+5")

    def test_libeatmydata(self):
        self.run_all(find("libeatmydata.so"))


class SanitizedPrograms(BothPrograms):
    """Built by gcc, whose runtimes are libraries, and clang, which puts them into programs."""

    def build(self, compiler, sanitizer):
        source = case.SOURCE / "tests" / "integration" / "lib"
        program = self.folder / f"{compiler}-{sanitizer}"
        subprocess.run([case.need_program(compiler), "-g", "-O1", "-fno-builtin", "-D_GNU_SOURCE",
                        f"-fsanitize={sanitizer}", f"-I{source}", source / "preloads.c",
                        "-o", program, f"-L{case.PROGRAMS}", "-lcounted",
                        f"-Wl,-rpath,{case.PROGRAMS}", "-lm", "-pthread"], check=True)
        return program

    def run_sanitized(self, sanitizer, **env):
        """Counts are exact; and with evictions all the time nothing is reported either."""
        for compiler in "gcc", "clang":
            program = self.build(compiler, sanitizer)
            alone = self.run_plain([program, self.room], env=env)
            case.need(b"unexpected memory mapping" not in alone.stderr,
                      f"{sanitizer}: its shadow memory does not fit this kernel's layout")
            self.assertEqual(alone.status, 0, alone.stderr)
            for policy in {}, {"max_entries": 40, "shards": 1}:
                with self.subTest(compiler, **policy):
                    self.empty_room()
                    config = self.config({name: {**function, **policy}
                                          for name, function in FUNCTIONS.items()})
                    outcome = self.run_with(config, [program, self.room], env=env)
                    self.assert_same(alone, outcome)
                    if policy:
                        self.check_real(outcome)
                    else:
                        self.check_program(outcome)

    def test_address(self):
        """gcc's runtime wants to be the first library, which a preload is before it."""
        self.run_sanitized("address", ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")

    def test_address_with_its_runtime_preloaded_first(self):
        program = self.build("gcc", "address")
        env = {"ASAN_OPTIONS": "detect_leaks=0"}
        alone = self.run_plain([program, self.room], env=env)
        self.empty_room()
        outcome = self.run_with(self.config(FUNCTIONS), [program, self.room], env={
            "LD_PRELOAD": f"{find('libasan.so.*')}:{case.LIBRARY}", **env})
        self.assert_same(alone, outcome)
        self.check_program(outcome)

    def test_thread(self):
        """No race is seen in what memoshim does, and it starts before clang's runtime."""
        self.run_sanitized("thread", TSAN_OPTIONS="halt_on_error=1")

    def test_undefined(self):
        self.run_sanitized("undefined", UBSAN_OPTIONS="halt_on_error=1")


if __name__ == "__main__":
    case.main()
