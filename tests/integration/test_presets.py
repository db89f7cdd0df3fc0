# SPDX-License-Identifier: MIT
"""Every preset is called through its real library, without and with memoshim: results, what is
written, and errno are the same bit for bit, and what was called before is answered from memory.

The drivers are presets/NAME.c for config/presets/NAME.json; those of numbers are made
(preset_numbers.py). They are compiled here, so that what needs a library that is not installed is
left out, and says so.
"""

import collections
import pathlib
import subprocess
import unittest

import case
import preset_numbers
import programs

DRIVERS = pathlib.Path(__file__).with_name("presets")
NUMBERS = ("complex", "math", "rmath")
FOLDERS = ["-I/usr/include/apr-1.0", "-I/usr/share/R/include"]
LINKED = {
    "apr": ["-laprutil-1"],
    "complex": ["-lm"],
    "hunspell": ["-lhunspell-1.7"],
    "keys": ["-lcrypto"],
    "magic": ["-lmagic"],
    "math": ["-lm"],
    "passwords": ["-lcrypt"],
    "proj": ["-lproj"],
    "rmath": ["-lRmath", "-lm"],
    "zlib": ["-lz"],
}
SELDOM_KEPT = ("rmath",)  # most of its functions raise floating-point flags
PASSES, KEPT, UNFIT = 3, 1, 2  # as in exercise.h
FILES = programs.preset_files()


class Presets(case.Case):

    def setUp(self):
        super().setUp()
        case.need_native("drivers are compiled for this processor")

    def build(self, name, presets):
        """Compiles the driver of a file of presets, or skips."""
        compiler = case.need_program("gcc")
        source, program = DRIVERS / f"{name}.c", self.folder / name
        if name in NUMBERS:
            source = self.folder / f"{name}.c"
            source.write_text(preset_numbers.driver(presets))
        for header in sorted({entry["header"] for entry in presets.values()}):
            look = [compiler, "-D_GNU_SOURCE", *FOLDERS, "-fsyntax-only", "-x", "c", "-"]
            found = subprocess.run(look, input=f"{header}\n".encode(), check=False,
                                   stderr=subprocess.DEVNULL)
            case.need(found.returncode == 0, f"not installed: {header}")
        # Without a compiler's own idea of what a function gives.
        subprocess.run([compiler, "-D_GNU_SOURCE", "-std=gnu11", "-O1", "-fno-builtin", "-Wall",
                        "-Werror", f"-I{DRIVERS}", *FOLDERS, source, "-o", program,
                        *LINKED.get(name, ())],
                       check=True)
        return program

    def read_expected(self, path):
        """Of one run: function -> calls, hits, bypasses."""
        expected = collections.defaultdict(collections.Counter)
        for line in path.read_text().splitlines():
            function, fate = line.split()
            expected[function][int(fate)] += 1
        return {name: (fates.total(), *(fates[fate] * (PASSES - 1) // PASSES
                                        for fate in (KEPT, UNFIT)))
                for name, fates in expected.items()}

    def check(self, name):
        presets = FILES[name]
        program = self.build(name, presets)
        functions = programs.name_presets(presets)
        # Of the driver alone: libraries call their own functions, too.
        config = self.config(functions, defaults={"guard": False, "callers": [program.name]})
        path = self.folder / "expected"
        plain = self.run_plain([program, path], cwd=self.folder)
        self.assertEqual(plain.status, 0, plain.stderr)
        with_shim = self.run_with(config, [program], cwd=self.folder)
        self.maxDiff = 2000
        self.assert_same(plain, with_shim)
        expected = self.read_expected(path)
        self.assertEqual(sorted(expected), sorted(presets))
        for function, (calls, hits, bypasses) in expected.items():
            with self.subTest(function):
                if name not in SELDOM_KEPT:
                    self.assertGreater(hits, 0)
                self.assert_counts(with_shim.function(function), calls=calls, hits=hits,
                                   misses=calls - hits - bypasses, bypasses=bypasses)
        print(f"{name}: {len(expected)} presets, "
              f"{sum(calls for calls, _, _ in expected.values())} calls, "
              f"{sum(hits for _, hits, _ in expected.values())} hits", flush=True)


    def check_r(self):
        """libR is nothing without its interpreter, which calls these from a plug-in."""
        r = case.need_program("R")
        functions = {function: {} for function in FILES["r"]}
        plain, with_shim = self.run_both(self.config(functions, defaults={"guard": False}),
                                         [r, "--vanilla", "--no-echo", "-f", DRIVERS / "r.R"],
                                         cwd=self.folder)
        self.assertEqual(plain.status, 0, plain.stderr)
        self.assertGreater(len(plain.stdout.splitlines()), 200)
        # R is a script that executes another, and in the end itself.
        counted = {name: function for name, function in with_shim.report["functions"].items()
                   if function["hits"] > 0}
        self.assertIn("Rf_qtukey", counted)
        self.assertGreaterEqual(len(counted), 70)  # a few always raise floating-point flags
        print(f"r: {len(counted)} presets, {sum(f['calls'] for f in counted.values())} calls, "
              f"{sum(f['hits'] for f in counted.values())} hits", flush=True)


def add_tests():
    """One for each file."""
    for name in FILES:
        how = Presets.check_r if name == "r" else lambda self, name=name: self.check(name)
        setattr(Presets, f"test_{name}", how)


add_tests()

if __name__ == "__main__":
    case.main()
