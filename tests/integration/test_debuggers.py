# SPDX-License-Identifier: MIT
"""Debuggers and profilers see through memoshim: the way from wherever a call is, in the real
function or at any instruction of the shim, back to main; and they go on working."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

import case
import counted

TRACED = case.PROGRAMS / "traced"
WALK = pathlib.Path(__file__).with_name("gdb_walk.py")
CALLERS = ["inner_function", "outer_function", "main"]  # innermost first
THUNK = "memoshim_thunk_6"  # of the one function; the first six were the self-test's
SANITIZED = case.os.environ.get("MEMOSHIM_SANITIZED") == "1"


@unittest.skipIf(SANITIZED, "tools that run a program in their own way, and sanitizers do")
class Debuggers(counted.CountedCase):
    # The functions of ours on the way of a miss, from the real one outwards; and others that run.
    MISS = ["quick_ask_numbers", "quick_further"]
    ON_MISS = [*MISS, "cache_begin_absent", "fill_stamps"]
    # The first two are inlined there, or not.
    RETURNS_TO = "call_function", "compute", "quick_ask_numbers"
    HIT = ["quick_plain_i_stamp"]  # on the stack when a hit is nearly through
    ON_HIT = ["quick_plain_i_stamp"]  # what runs at a hit, among others
    described = {}

    def setUp(self):
        super().setUp()
        self.hooked = self.config(counted.functions("hooked", max_entries=1000, **self.described))

    def assert_way(self, stack, *names):
        """These functions, and then those that called, are on the stack in this order."""
        rest = iter(stack)
        for name in (*names, *CALLERS):
            self.assertTrue(any(other == name for other in rest), f"no {name} in {stack}")

    def run_tool(self, *argv, check=True, **more):
        """A tool that itself runs without memoshim; its output, both streams in one."""
        done = subprocess.run([str(word) for word in argv], env=self.environment(**more),
                              cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=2 * case.RUN_SECONDS, check=False)
        text = done.stdout.decode(errors="replace")
        if check:
            self.assertEqual(done.returncode, 0, text[-3000:])
        return text

    def under(self, *tool, act):
        """The program and memoshim under a tool that takes both as its own."""
        return self.run_tool(*tool, TRACED, act, LD_PRELOAD=case.LIBRARY,
                             MEMOSHIM_CONFIG=self.hooked)

    # ---- the process itself --------------------------------------------------------------------

    def test_backtrace_from_the_real_function(self):
        outcome = self.run_with(self.hooked, [TRACED, "backtrace"])
        self.assertEqual(outcome.status, 0, outcome.stderr)
        lines = [line.split() for line in outcome.stdout.decode().splitlines()]
        self.assertEqual(len([line for line in lines if line[0] == "backtrace:"]), 2)
        for line in lines:
            self.assert_way(line, "counted_hooked")
        self.assert_counts(outcome.function("counted_hooked"), calls=3, hits=1, misses=2)

    def test_samples_anywhere_in_the_shim(self):
        outcome = self.run_with(self.hooked, [TRACED, "sampled"])
        self.assertEqual(outcome.status, 0, outcome.stderr)
        _, inside, _, complete = outcome.stdout.decode().split()
        self.assertEqual(inside, complete)
        self.assertGreaterEqual(int(inside), 300)  # one more may come before the timer is stopped
        function = outcome.function("counted_hooked")
        self.assertGreater(function["hits"], function["misses"])

    # ---- gdb -----------------------------------------------------------------------------------

    def test_a_traced_program_has_its_environment_and_its_name(self):
        gdb = case.need_program("gdb")
        run = [gdb, "-nx", "-batch", "-ex", f"set environment LD_PRELOAD {case.LIBRARY}",
               "-ex", f"set environment MEMOSHIM_CONFIG {self.hooked}", "-ex", "run", "--args"]
        text = self.run_tool(*run, case.need_program("env"), LEFT_BEHIND="by-the-parent")
        case.need("ptrace: Operation not permitted" not in text, "gdb may not trace here")
        self.assertIn("\nLEFT_BEHIND=by-the-parent\n", text)
        # getopt of libc says who complains by what libc holds
        text = self.run_tool(*run, case.need_program("getent"), "--nonsense")
        self.assertRegex(text, "getent: unrecognized option '--nonsense'")

    def test_gdb(self):
        gdb = case.need_program("gdb")
        ours = [THUNK, *self.MISS, *self.HIT]
        text = self.run_tool(
            gdb, "-nx", "-batch", "-ex", f"set environment LD_PRELOAD {case.LIBRARY}", "-ex",
            f"set environment MEMOSHIM_CONFIG {self.hooked}", "-ex",
            f"python IN_A_HIT, OURS = '{self.HIT[0]}', {ours!r}", "-x", WALK, "--args", TRACED,
            "calls")
        case.need("ptrace: Operation not permitted" not in text, "gdb may not trace here")
        seen = dict(json.loads(line.removeprefix("seen: ")) for line in text.splitlines()
                    if line.startswith("seen: "))
        self.assertIn("stops", seen, text[-3000:])

        self.assert_way(seen["miss"], "real_work", "counted_hooked", *self.MISS)
        self.assertIn(seen["finish of the real function"], self.RETURNS_TO)
        self.assert_way(seen["up"], *self.MISS[1:])
        self.assertEqual((seen["finish of a caller"], seen["value"]), ("call", 3 * 5 + 2))

        on_miss = [*self.ON_MISS, "real_work"]
        for kind, passed, least in ("hit", self.ON_HIT, 40), ("miss", on_miss, 300):
            walk = seen[f"walk of a {kind}"]
            self.assertEqual(walk["lost"], [])
            for name in THUNK, *passed:
                self.assertIn(name, walk["ran"])
            self.assertGreater(walk["n_steps"], least)
        self.assertNotIn("counted_hooked", seen["walk of a hit"]["ran"])

        self.assert_way(seen["thunk"], THUNK)
        self.assertEqual(seen["finish of a thunk"], "inner_function")
        self.assert_way(seen["hit"], *self.HIT)
        # Whoever called, or what that is inlined into.
        outer = seen["hit"].index([*self.HIT, CALLERS[0]][1])
        self.assertIn(seen["finish of the hit"], seen["hit"][1:outer + 1])
        for stack in seen["stops"]:
            self.assertEqual(stack[-1], "main")
        self.assertTrue(any(set(ours) & set(stack) for stack in seen["stops"]))

    # ---- valgrind ------------------------------------------------------------------------------

    def test_memcheck(self):
        """An error in the real function is shown with its callers; we make none."""
        valgrind = case.need_program("valgrind")
        text = self.under(valgrind, "-q", "--num-callers=40", act="unset")
        errors = text.split("Conditional jump or move depends on uninitialised value(s)")
        self.assertGreater(len(errors), 1, text)
        for error in errors[1:]:
            self.assert_way(re.findall(r"(?:at|by) 0x[0-9A-F]+: (\w+)", error), "depend_on_unset",
                            "counted_hooked", *self.MISS)
        self.assertEqual(self.under(valgrind, "-q", "--error-exitcode=9", "--leak-check=full",
                                    act="calls"), "")

    def test_callgrind(self):
        """The costs of the real function are among those of the thunk that led to it."""
        valgrind = case.need_program("valgrind")
        path = self.folder / "callgrind.out"
        self.under(valgrind, "--tool=callgrind", f"--callgrind-out-file={path}", act="work")
        text = self.run_tool(case.need_program("callgrind_annotate"), "--inclusive=yes",
                             "--threshold=100", "--auto=no", path)
        costs = {}
        for cost, name in re.findall(r"^\s*([\d,]+) \([^)]*\)\s+\S*:(\w+)", text, re.MULTILINE):
            costs.setdefault(name, int(cost.replace(",", "")))  # the largest comes first
        # libffi moves its own frame to call counted_hooked, which callgrind takes for a part of it.
        real_call = self.MISS[0].removesuffix("_unix64")
        way = "spin", real_call, self.MISS[1], THUNK, "inner_function", "main"
        for inner, outer in zip(way, way[1:]):
            self.assertIn(inner, costs, text)
            self.assertLessEqual(costs[inner], costs[outer], (inner, outer))

    # ---- perf ----------------------------------------------------------------------------------

    def test_perf(self):
        """Samples in the real function and in hits are attributed to those who called."""
        perf = case.need_program("perf")
        data = self.folder / "perf.data"
        record = [perf, "record", "-q", "-e", "cpu-clock", "-F", "997", "--call-graph",
                  "dwarf,16384", "-o", data, "--", "env", f"LD_PRELOAD={case.LIBRARY}",
                  f"MEMOSHIM_CONFIG={self.hooked}", TRACED, "work"]
        text = self.run_tool(*record, check=False)
        case.need(data.exists() and data.stat().st_size > 0, f"perf cannot record here: {text}")
        text = self.run_tool(perf, "script", "-i", data, "-F", "ip,sym", "--no-inline", check=False)
        stacks = [re.findall(r"^\s+[0-9a-f]+ (\S+)", sample, re.MULTILINE)
                  for sample in text.split("\n\n")]
        for place, others in ("spin", ["counted_hooked", *self.MISS]), \
                             (self.MISS[-2], self.MISS[-1:]):
            taken = [stack for stack in stacks if place in stack and
                     (place == "spin") == ("counted_hooked" in stack)]
            whole = [stack for stack in taken if "main" in stack]
            self.assertGreater(len(taken), 10, text[-2000:])
            # perf copies the stack from its pointer upwards, but in an epilogue registers may
            # still be described as lying below it.
            self.assertGreater(len(whole), 0.9 * len(taken), text[-2000:])
            for stack in whole:
                self.assert_way(stack, place, *others)

    def test_thunks_have_names(self):
        case.need(shutil.which("nm"), "there is no nm here")
        symbols = re.findall(r"^[0-9a-f]+ ([0-9a-f]+) t memoshim_thunk_\d+$",
                             self.run_tool("nm", "-S", case.LIBRARY), re.MULTILINE)
        self.assertEqual(len(symbols), 1024)
        self.assertTrue(all(int(size, 16) > 0 for size in symbols))


class DebuggersWords(Debuggers):
    """By registers that lie in memory: with arguments that the function does not have."""

    MISS = ["quick_compute_wide", "quick_wide_handle", "memoshim_typed_4_0"]
    ON_MISS = [*MISS, "cache_begin_absent", "fill_stamps"]
    # Whatever of these is a function of its own.
    RETURNS_TO = "call_for_integer", "abi_call_words", "call_function", "compute", MISS[0]
    HIT = ["many_one_simple_stamp", MISS[-1]]
    ON_HIT = HIT
    described = {
        "prototype": "long counted_hooked(long key, int b, int c, int d)",
        "args": dict.fromkeys("bcd", "ignore"),
    }
    test_thunks_have_names = test_callgrind = test_perf = None
    test_memcheck = None  # which takes what it would find in the registers for an error


class DebuggersTyped(DebuggersWords):
    """The same, but not the short way."""

    MISS = ["words_call", "call_handle", "memoshim_typed_4_0"]
    ON_MISS = [*MISS[1:], "cache_lookup"]
    RETURNS_TO = "call_for_integer", "abi_call_words", "words_call"
    HIT = ["marshal_replay", *MISS[1:]]
    ON_HIT = [*HIT, "cache_lookup"]
    described = {**DebuggersWords.described, "key_also": ["thread"]}


class DebuggersStack(DebuggersWords):
    """One of the arguments is on the stack."""

    MISS = ["call_for_integer_with_stack", "quick_compute_wide", "quick_wide_handle",
            "memoshim_typed_6_0"]
    ON_MISS = [*MISS, "cache_begin_absent", "fill_stamps"]
    RETURNS_TO = MISS[:1]
    HIT = ["many_one_simple_stamp", MISS[-1]]
    ON_HIT = HIT
    described = {
        "prototype": "long counted_hooked(long key, int b, int c, int d, int e, int f, int g)",
        "args": dict.fromkeys("bcdefg", "ignore"),
    }


class DebuggersGeneral(DebuggersTyped):
    """By libffi, since there are more arguments than any typed entry is for."""

    MANY = "abcdefghijklmnop"
    MISS = ["ffi_call_unix64", "call_handle", "ffi_closure_unix64"]
    ON_MISS = [*MISS[1:], "cache_lookup"]
    RETURNS_TO = ("ffi_call_unix64",)
    HIT = ["marshal_replay", *MISS[1:]]
    ON_HIT = [*HIT, "cache_lookup"]
    described = {
        "prototype": f"long counted_hooked(long key, {', '.join(f'int {x}' for x in MANY)})",
        "args": dict.fromkeys(MANY, "ignore"),
    }
    test_callgrind, test_perf = Debuggers.test_callgrind, Debuggers.test_perf


if __name__ == "__main__":
    case.main()
