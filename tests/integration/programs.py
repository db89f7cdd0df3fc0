# SPDX-License-Identifier: MIT
"""Real programs, run in three ways: without memoshim, with hundreds of functions sent through
thunks that pass every call on (pass_through.txt, lib/pass_through.c), and with memoshim and all its
presets. Everything they show and leave behind must be the same.
"""

import dataclasses
import functools
import json
import os
import pathlib
import shutil
import unittest

import case

PASS_THROUGH = case.PROGRAMS / "libpass_through.so"
NAMES = pathlib.Path(__file__).with_name("pass_through.txt")
TTL = "60s"  # for presets that demand one
UNFIT = ("files",)  # for programs that change files and look at them again
FULL = int(os.environ.get("MEMOSHIM_TEST_SCALE", "1")) > 1

# What a program must have called at least, so that a run without thunks is noticed.
LEAST_FUNCTIONS, LEAST_CALLS = 15, 300

only_in_full_runs = unittest.skipUnless(FULL, "only in a full run (MEMOSHIM_TEST_SCALE above 1)")


@functools.cache
def pass_through_functions():
    """A thunk that is never switched on does not look at the prototype."""
    lines = NAMES.read_text().splitlines()
    names = [name for line in lines if not line.startswith("#") for name in line.split()]
    assert len(names) > 200 and len(set(names)) == len(names)
    return {name: {"prototype": f"int {name}(int x)", "max_entries": 1} for name in names}


@functools.cache
def preset_files():
    """By the names of their files, what the presets say."""
    return {path.stem: json.loads(path.read_text())
            for path in sorted((case.SOURCE / "config/presets").glob("*.json"))}


def name_presets(presets):
    """An entry for each that uses it."""
    return {name: {"ttl": TTL} if entry.get("needs_ttl") else {}
            for name, entry in presets.items()}


@functools.cache
def preset_functions():
    """All that the presets know and any program bears, each with its preset."""
    return {name: entry for file, presets in preset_files().items() if file not in UNFIT
            for name, entry in name_presets(presets).items()}


@dataclasses.dataclass
class Seen:
    """What one way showed: outcomes of the steps, files it left, whatever else is compared."""

    outcomes: list
    files: dict
    calls: dict  # by function, all processes together

    def shown(self):
        return [(o.status, o.stdout, o.stderr) for o in self.outcomes], self.files


class ProgramsCase(case.Case):

    def setUp(self):
        super().setUp()
        case.need(os.environ.get("MEMOSHIM_SANITIZED") != "1",
                  "programs are not run under an allocator that is not theirs")
        self.work = self.folder / "work"

    def ways(self):
        """(name, configuration, environment) of the ways besides the plain one."""
        return (
            ("pass-through", self.config(pass_through_functions(), "pass.json"),
             {"LD_PRELOAD": PASS_THROUGH}),
            ("memoized", self.config(preset_functions(), "presets.json"), {}),
        )

    def run_step(self, step, config, env):
        """One program of a job. step: its words, or (words, input)."""
        argv, stdin = step if isinstance(step, tuple) else (step, b"")
        argv = [case.need_program(argv[0]), *argv[1:]]
        if config is None:
            return self.run_plain(argv, stdin, env, cwd=self.work)
        return self.run_with(config, argv, stdin, env, cwd=self.work)

    def run_way(self, steps, prepare, config, env):
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        if prepare is not None:
            prepare()
        before = {path for path in self.work.rglob("*")}
        outcomes = [self.run_step(step, config, env) for step in steps]
        files = {str(path.relative_to(self.work)): path.read_bytes()
                 for path in sorted(self.work.rglob("*"))
                 if path not in before and path.is_file() and not path.is_symlink()}
        return Seen(outcomes, files, self.add_up(outcomes))

    def add_up(self, outcomes):
        """The calls of each function; all of them passed on when nothing is memoized."""
        calls = {}
        for outcome in outcomes:
            for report in outcome.reports.values():
                for name, function in report["functions"].items():
                    calls[name] = calls.get(name, 0) + function["calls"]
        return calls

    def check_passed(self, outcomes):
        """Every call went to the real function, by way of the bypass branch."""
        for outcome in outcomes:
            for report in outcome.reports.values():
                for name, function in report["functions"].items():
                    self.assertEqual((function["hits"], function["misses"]), (0, 0), name)

    def check_job(self, steps, env=None, prepare=None, status=0, same=lambda shown: shown,
                  least_calls=LEAST_CALLS):
        """All steps in all ways. same: takes what is not the same each time out of what they show.
        Returns what the plain way showed."""
        env = env or {}
        plain = self.run_way(steps, prepare, None, env)
        for outcome in plain.outcomes:
            self.assertEqual(outcome.status, status, outcome.stdout + outcome.stderr)
        for name, config, more in self.ways():
            with self.subTest(name):
                seen = self.run_way(steps, prepare, config, {**env, **more})
                self.maxDiff = 2000
                self.assertEqual(same(seen.shown()), same(plain.shown()))
                if name == "pass-through":
                    self.check_passed(seen.outcomes)
                    called = [name for name, calls in seen.calls.items() if calls > 0]
                    self.assertGreaterEqual(len(called), LEAST_FUNCTIONS, called)
                    self.assertGreaterEqual(sum(seen.calls.values()), least_calls)
                    print(f"{len(called)} functions, {sum(seen.calls.values())} calls passed on",
                          flush=True)
        return plain
