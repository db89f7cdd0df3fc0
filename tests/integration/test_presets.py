# SPDX-License-Identifier: MIT
"""Every preset is called through its real library, without and with memoshim: results, what is
written, and errno are the same bit for bit, and what was called before is answered from memory.

The drivers are presets/NAME.c for config/presets/NAME.json; those of numbers are made
(preset_numbers.py). They are compiled here, so that what needs a library that is not installed is
left out, and says so.
"""

import collections
import json
import pathlib
import subprocess
import unittest

import case
import preset_numbers
import programs

DRIVERS = pathlib.Path(__file__).with_name("presets")
NUMBERS = ("complex", "math")
LINKED = {
    "complex": ["-lm"],
    "math": ["-lm"],
    "passwords": ["-lcrypt"],
    "text": [],
}
PASSES = 3  # as in exercise.h
FILES = {path.stem: json.loads(path.read_text())
         for path in sorted((case.SOURCE / "config/presets").glob("*.json"))}


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
            found = subprocess.run([compiler, "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c", "-"],
                                   input=f"{header}\n".encode(), stderr=subprocess.DEVNULL,
                                   check=False)
            case.need(found.returncode == 0, f"not installed: {header}")
        # Without a compiler's own idea of what a function gives.
        subprocess.run([compiler, "-D_GNU_SOURCE", "-std=gnu11", "-O1", "-fno-builtin", "-Wall",
                        "-Werror", f"-I{DRIVERS}", source, "-o", program, *LINKED[name]],
                       check=True)
        return program

    def read_expected(self, path):
        """Of one run: function -> [calls, calls that are answered in later passes]."""
        expected = collections.defaultdict(lambda: [0, 0])
        for line in path.read_text().splitlines():
            function, kept = line.split()
            expected[function][0] += 1
            expected[function][1] += int(kept)
        return {name: (calls, kept * (PASSES - 1) // PASSES)
                for name, (calls, kept) in expected.items()}

    def check(self, name):
        presets = FILES[name]
        program = self.build(name, presets)
        functions = {function: entry for function, entry in programs.preset_functions().items()
                     if function in presets}
        config = self.config(functions, defaults={"guard": False})
        path = self.folder / "expected"
        plain = self.run_plain([program, path])
        self.assertEqual(plain.status, 0, plain.stderr)
        with_shim = self.run_with(config, [program])
        self.maxDiff = 2000
        self.assert_same(plain, with_shim)
        expected = self.read_expected(path)
        self.assertEqual(sorted(expected), sorted(presets))
        for function, (calls, hits) in expected.items():
            with self.subTest(function):
                self.assertGreater(hits, 0)
                self.assert_counts(with_shim.function(function), calls=calls, hits=hits,
                                   misses=calls - hits, bypasses=0)
        print(f"{name}: {len(expected)} presets, "
              f"{sum(calls for calls, _ in expected.values())} calls, "
              f"{sum(hits for _, hits in expected.values())} hits", flush=True)


def add_tests():
    """One for each file."""
    for name in FILES:
        setattr(Presets, f"test_{name}", lambda self, name=name: self.check(name))


add_tests()

if __name__ == "__main__":
    case.main()
