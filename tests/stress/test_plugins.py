# SPDX-License-Identifier: MIT
"""Plugins are loaded and unloaded while other threads call, for MEMOSHIM_TEST_SCALE times three
seconds. Not one call goes past memoshim: the library ran exactly as often as memoshim says."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import case  # pylint: disable=wrong-import-position
import counted  # pylint: disable=wrong-import-position

PROGRAM = case.BUILD / "tests" / "stress" / "plugins"
SECONDS = 3 * int(os.environ.get("MEMOSHIM_TEST_SCALE", "1"))
PLUGINS = [case.PROGRAMS / f"plugin_{name}.so"
           for name in ("lazy", "now", "noplt", "nopltnow", "bare")]
# Bound at load: what a lazy slot will be bound to is not known when two libraries define the name.
LIBRARIES = [case.PROGRAMS / f"libpending_{name}.so" for name in ("b", "c")]


@case.exports_names
class Plugins(counted.CountedCase):

    def run_storm(self, functions, *arguments):
        config = self.config(functions)
        outcome = self.run_with(config, [PROGRAM, SECONDS, *arguments],
                                seconds=SECONDS + case.RUN_SECONDS)
        self.assertEqual((outcome.status, outcome.stderr), (0, b""), outcome.stdout)
        n_pending, n_loads = (int(word) for word in outcome.stdout.split())
        return outcome, n_pending, n_loads

    def test_callers(self):
        outcome, _, n_loads = self.run_storm(
            counted.functions("square", max_entries=300), *PLUGINS, PLUGINS[0])
        self.check_real(outcome)
        self.assertGreater(n_loads, 100)

    def test_providers(self):
        step = {"pending_step": {"prototype": "long pending_step(long x)", "guard": False}}
        outcome, n_pending, _ = self.run_storm(step, *PLUGINS[:2], "--", *LIBRARIES, *LIBRARIES)
        functions = outcome.report["functions"]
        self.assertEqual(len(functions), 2)
        self.assertEqual(sum(function["calls"] for function in functions.values()), n_pending)
        self.assertEqual(sum(function["bypasses"] for function in functions.values()), 0)
        self.assertLessEqual(sum(function["misses"] for function in functions.values()), 2 * 90)


if __name__ == "__main__":
    case.main()
