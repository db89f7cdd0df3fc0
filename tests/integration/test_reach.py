# SPDX-License-Identifier: MIT
"""Objects that are loaded while the program runs: every call that they make is caught, and they
find what they find without memoshim. The oracle is the counting library's own count."""

import re
import shutil
import subprocess

import case
import counted

VARIANTS = "lazy", "now", "noplt", "nopltnow", "bare"
SCOPES = "lazy", "now", "lazy global", "now global"
# The ways in which a plugin reaches a function, and the calls that each makes.
WAYS = {"call": 1, "taken": 2, "pointer": 1, "fixed": 1, "default": 1}
AT_START = "host", "libversioned.so"  # the objects of the start that import counted_square


@case.exports_names
class Reach(counted.CountedCase):

    def reach(self, lines, functions=("square",), unseen=0, **policy):
        """lines: (command, real calls that it must cause); unseen: how many of those are made
        past memoshim. Returns the outcome."""
        config = self.config(counted.functions(*functions, **policy))
        self.n_unseen = unseen
        outcome, real = self.drive(config, [line for line, _ in lines], program="host")
        self.assertEqual([(line, n) for (line, _), n in zip(lines, real)], lines)
        return outcome

    def check_real(self, outcome):
        if self.n_unseen == 0:
            super().check_real(outcome)
            return
        seen = sum(function["misses"] + function["bypasses"]
                   for function in outcome.report["functions"].values())
        self.assertEqual(sum(outcome.real.values()) - seen, self.n_unseen)

    @staticmethod
    def plugin(variant):
        return case.PROGRAMS / f"plugin_{variant}.so"


class LaterObjects(Reach):

    def exhaust(self, path, flags):
        """Every way of one plugin, which is loaded twice: each value is computed once."""
        n_calls = 1
        lines = [("square 3", 1), (f"open p {path} {flags}", 1), ("run p plugin_constructed 0", 0)]
        n_calls += 2
        for x, (way, calls) in enumerate(WAYS.items(), 100):
            lines += [(f"run p plugin_{way} 3", 0), (f"run p plugin_{way} {x}", 1),
                      (f"run p plugin_{way} {x}", 0), (f"square {x}", 0)]
            n_calls += 3 * calls + 1
        lines += [("same p", 0), ("close p", 0), (f"open p {path} {flags}", 0),
                  ("run p plugin_call 100", 0), ("run p plugin_call 200", 1), ("square 200", 0)]
        n_calls += 2 + 3
        function = self.reach(lines).function("counted_square")
        self.assert_counts(function, calls=n_calls, bypasses=0, misses=3 + len(WAYS),
                           library="libcounted.so")

    def test_every_way(self):
        for variant in VARIANTS:
            for flags in SCOPES:
                with self.subTest(variant=variant, flags=flags):
                    self.exhaust(self.plugin(variant), flags)

    def test_two_plugins_at_once(self):
        outcome = self.reach([
            (f"open a {self.plugin('lazy')} lazy", 1), (f"open b {self.plugin('now')} now", 0),
            ("run a plugin_call 5", 1), ("run b plugin_call 5", 0), ("close a", 0),
            ("run b plugin_call 6", 1), ("run b plugin_pointer 6", 0), ("close b", 0)])
        self.assert_counts(outcome.function("counted_square"), calls=4 + 4, misses=3)

    def test_lookups_by_the_program(self):
        self.reach([("find default 3", 1), ("find self 3", 0), ("find library 3", 0),
                    ("square 3", 0)])

    def test_nobody_imports_it_at_start(self):
        """The program does not use the function itself, only its plugin does."""
        outcome = self.reach([
            (f"open p {self.plugin('lazy')} lazy", 2), ("run p plugin_narrow 70", 1),
            ("run p plugin_narrow 71", 1), ("run p plugin_narrow 70", 0)], functions=["narrow"])
        self.assert_counts(outcome.function("counted_narrow"), calls=3, misses=2)

    def test_addresses_belong_to_the_real_function(self):
        outcome = self.reach([(f"open p {self.plugin('lazy')} lazy", 1),
                              ("run p plugin_named 1", 0)])
        self.assertEqual(outcome.stdout, b"opened\n1\n")

    def test_off_is_left_alone(self):
        outcome = self.reach([(f"open p {self.plugin('lazy')} lazy", 2),
                              ("run p plugin_call 5", 1), ("run p plugin_call 5", 1)], mode="off")
        self.assertEqual(outcome.function("counted_square")["mode"], "off")

    @staticmethod
    def count_slots(path):
        """Relocations of the function in an object, which differ between linkers."""
        table = subprocess.run(["readelf", "-rW", path], check=True, capture_output=True, text=True)
        return len(re.findall(r"\bcounted_square\b", table.stdout))

    def test_slots_are_counted_while_they_are_there(self):
        at_start = sum(self.count_slots(case.PROGRAMS / name) for name in AT_START)
        for variant in VARIANTS:
            with self.subTest(variant=variant):
                lines = [(f"open p {self.plugin(variant)} lazy", 1), ("run p plugin_call 70", 0)]
                function = self.reach(lines).function("counted_square")
                self.assertEqual(function["hooked_slots"],
                                 at_start + self.count_slots(self.plugin(variant)))
                lines += [("close p", 0), ("find self 70", 0)]
                function = self.reach(lines).function("counted_square")
                self.assertEqual(function["hooked_slots"], at_start)


class Invalidating(Reach):
    """Calls that invalidate are seen wherever calls of memoized functions would be."""

    def setUp(self):
        super().setUp()
        case.need_native("calls that are seen before and after")

    def invalidate(self, name, on_call, lines):
        """As reach, for one function that hangs on another."""
        self.n_unseen = 0
        config = self.config(counted.functions(name, invalidate=[{"on_call": on_call}]))
        outcome, real = self.drive(config, [line for line, _ in lines], program="host")
        self.assertEqual([(line, n) for (line, _), n in zip(lines, real)], lines)
        return outcome

    def test_every_way_of_a_plugin(self):
        for variant in VARIANTS:
            with self.subTest(variant=variant):
                lines = [(f"open p {self.plugin(variant)} lazy", 2), ("run p plugin_narrow 5", 1)]
                for way, calls in WAYS.items():
                    lines += [("run p plugin_narrow 5", 0), (f"run p plugin_{way} 3", calls),
                              ("run p plugin_narrow 5", 1)]
                lines += [("square 3", 1), ("run p plugin_narrow 5", 1), ("find self 3", 1),
                          ("run p plugin_narrow 5", 1)]
                outcome = self.invalidate("narrow", "counted_square", lines)
                self.assert_counts(outcome.function("counted_narrow"), misses=len(WAYS) + 3,
                                   invalidations=len(WAYS) + 2)

    def test_what_a_plugin_defines(self):
        for flags in "lazy", "now":
            with self.subTest(flags=flags):
                self.invalidate("square", "pending_step", [
                    ("square 3", 1), ("square 3", 0),
                    (f"open a {case.PROGRAMS / 'libpending_a.so'} {flags}", 0), ("square 3", 0),
                    ("run a pending_step 5", 1), ("square 3", 1), ("square 5", 1), ("square 5", 0),
                    ("run a pending_own 5", 1), ("square 3", 1), ("square 3", 0)])

    def test_calls_before_a_plugin_is_looked_into_are_made_up_for(self):
        """Nobody can see them; but from the look on, nothing of before is served."""
        self.invalidate("square", "pending_step", [
            ("square 3", 1), (f"open b {case.PROGRAMS / 'libpending_b.so'} now", 0),
            ("hooked 5", 1), ("find self 3", 1), ("square 3", 0), ("hooked 5", 1), ("square 3", 1)])
        self.invalidate("narrow", "counted_square", [
            (f"open p {self.plugin('now')} now", 2), ("run p plugin_narrow 5", 1),
            ("run p plugin_narrow 5", 0), (f"open q {self.plugin('lazy')} lazy deep", 2),
            ("hooked 3", 1), ("run p plugin_narrow 5", 1), ("run p plugin_narrow 5", 0),
            ("hooked 3", 1), ("run p plugin_narrow 5", 1)])


class Rescan(Reach):
    """What ld.so does not bind to memoshim is redirected at the first look-up in the plugin."""

    def test_deeply_bound(self):
        for variant in VARIANTS:
            with self.subTest(variant=variant):
                outcome = self.reach([
                    (f"open p {self.plugin(variant)} lazy deep", 2),  # its constructor is early
                    ("run p plugin_call 3", 1), ("run p plugin_call 3", 0), ("square 3", 0),
                    ("run p plugin_pointer 3", 0), ("run p plugin_fixed 3", 0),
                    ("run p plugin_taken 4", 1), ("close p", 0),
                    (f"open p {self.plugin(variant)} lazy deep", 2), ("run p plugin_call 3", 0)],
                    unseen=4)
                self.assert_counts(outcome.function("counted_square"), calls=8, misses=2)

    def test_a_miss_looks_too(self):
        """Without any dlsym: a deeply bound plugin is reached from the next look of a miss on."""
        outcome = self.reach([
            (f"open p {self.plugin('now')} now deep", 2), ("hooked 3", 1), ("square 4", 1),
            ("hooked 3", 1), ("hooked 3", 0), ("hooked 4", 0)], unseen=3)
        self.assert_counts(outcome.function("counted_square"), calls=4, misses=2)

    def test_next_of_a_plugin_is_the_real_function(self):
        self.reach([(f"open p {self.plugin('now')} now", 1), ("run p plugin_next 70", 1),
                    ("run p plugin_next 70", 1), ("run p plugin_default 70", 0)], unseen=2)

    def test_two_versions(self):
        config = self.config({"versioned_step": {"prototype": "long versioned_step(long x)",
                                                 "guard": False}})
        path = self.plugin("versioned")
        lines = [(f"open p {path} lazy", 0), ("run p plugin_new 30", 1), ("run p plugin_old 30", 1),
                 ("run p plugin_new 30", 0), ("run p plugin_old 30", 0), ("close p", 0),
                 (f"open p {path} now", 0), ("run p plugin_new 30", 0), ("run p plugin_old 30", 0),
                 ("run p plugin_old 31", 1)]
        plain, outcome = self.run_both(config, [case.PROGRAMS / "host", self.folder / "trace"],
                                       "".join(f"{line}\n" for line, _ in lines))
        self.assertIn(b"\n900\n10\n900\n10\n", plain.stdout)
        real = [int(word) for word in (self.folder / "trace").read_text().split()]
        self.assertEqual([(line, n) for (line, _), n in zip(lines, real)], lines)
        self.assert_counts(outcome.function("versioned_step@VERSIONED_2"), calls=3, misses=1)
        self.assert_counts(outcome.function("versioned_step@VERSIONED_1"), calls=4, misses=2)


class Pending(Reach):
    """A function whose library comes later."""

    STEP = {"pending_step": {"prototype": "long pending_step(long x)", "guard": False}}

    def pend(self, lines, **config):
        """As reach, for pending_step."""
        trace = self.folder / "trace"
        _, outcome = self.run_both(self.config(self.STEP, **config),
                                   [case.PROGRAMS / "host", trace],
                                   "".join(f"{line}\n" for line, _ in lines))
        real = [int(word) for word in trace.read_text().split()]
        self.assertEqual([(line, n) for (line, _), n in zip(lines, real)], lines)
        return outcome

    A = case.PROGRAMS / "libpending_a.so"
    B = case.PROGRAMS / "libpending_b.so"

    def test_said_as_long_as_it_waits(self):
        outcome = self.pend([("square 3", 1), ("square 3", 1)])
        report = outcome.report
        self.assertEqual(report["not_hooked"],
                         {"pending_step": "no loaded object defines it yet"}, report)

    def test_first_lookup_finds_it(self):
        for flags in SCOPES:
            with self.subTest(flags=flags):
                outcome = self.pend([
                    (f"open a {self.A} {flags}", 0), ("run a pending_step 5", 1),
                    ("run a pending_step 5", 0), ("run a pending_own 5", 0),
                    ("run a pending_own 6", 1), ("run a pending_step 6", 0)])
                self.assert_counts(outcome.function("pending_step"), calls=5, misses=2, hits=3,
                                   library="libpending_a.so", hooked_slots=1)
                self.assertEqual(outcome.report.get("not_hooked", {}), {})

    def test_it_stays_when_it_is_closed(self):
        self.pend([(f"open a {self.A} lazy", 0), ("run a pending_step 5", 1), ("close a", 0),
                   (f"open a {self.A} now", 0), ("run a pending_own 5", 0), ("close a", 0)])

    def test_a_plugin_brings_it(self):
        for variant in ("lazy", "now"):
            path = case.PROGRAMS / f"plugin_pending_{variant}.so"
            for flags in (*SCOPES, "lazy deep"):
                with self.subTest(variant=variant, flags=flags):
                    outcome = self.pend([
                        (f"open p {path} {flags}", 0), ("run p plugin_step 5", 1),
                        ("run p plugin_step 5", 0), ("run p plugin_step_pointer 5", 0),
                        ("run p plugin_step_pointer 6", 1), ("run p plugin_step 6", 0),
                        ("run p pending_own 6", 0), ("close p", 0), (f"open p {path} {flags}", 0),
                        ("run p plugin_step 6", 0), ("run p plugin_step_pointer 5", 0)])
                    self.assert_counts(outcome.function("pending_step"), calls=8, misses=2)

    def test_two_libraries_with_one_name(self):
        outcome = self.pend([
            (f"open a {self.A} lazy", 0), ("run a pending_step 30", 1),
            (f"open b {self.B} lazy", 0), ("run b pending_step 30", 1),
            ("run a pending_step 30", 0), ("run b pending_step 30", 0),
            ("run b pending_own 30", 0), ("run b pending_own 31", 1),
            ("run a pending_step 31", 1)])
        self.assertEqual(sorted(outcome.report["functions"]),
                         ["pending_step (libpending_a.so)", "pending_step (libpending_b.so)"])
        self.assert_counts(outcome.function("pending_step (libpending_a.so)"), calls=3, misses=2)
        self.assert_counts(outcome.function("pending_step (libpending_b.so)"), calls=4, misses=2)

    def test_lazy_slots_of_two_definitions_wait_for_their_first_call(self):
        """What ld.so will bind such a slot to cannot be known before."""
        lines = [(f"open b {self.B} now", 0), ("run b pending_step 30", 1),
                 (f"open a {self.A} lazy", 0), ("run a pending_own 30", 1),
                 ("run a pending_own 30", 1), ("run a pending_own 30", 0)]
        outcome = self.pend(lines)
        self.assert_counts(outcome.function("pending_step (libpending_a.so)"), calls=2, misses=1)

    def test_two_copies_of_one_library(self):
        copy = self.folder / "libpending_a.so"
        shutil.copy(self.A, copy)
        env = {"LD_LIBRARY_PATH": case.PROGRAMS}
        trace = self.folder / "trace"
        script = (f"open a {self.A} now\nrun a pending_step 5\nopen b {copy} now\n"
                  "run b pending_step 5\nrun a pending_step 5\nrun b pending_step 5\n")
        _, outcome = self.run_both(self.config(self.STEP), [case.PROGRAMS / "host", trace],
                                   script, env=env)
        self.assertEqual(trace.read_text().split(), ["0", "1", "0", "1", "0", "0"])
        self.assertEqual(set(outcome.report["functions"]),
                         {"pending_step (libpending_a.so)", f"pending_step ({copy})"})

    def test_only_of_one_library(self):
        self.STEP = {"pending_step": {**self.STEP["pending_step"], "library": "libpending_b.so"}}
        outcome = self.pend([
            (f"open a {self.A} now", 0), ("run a pending_step 30", 1), ("run a pending_step 30", 1),
            (f"open b {self.B} now", 0), ("run b pending_step 30", 1),
            ("run b pending_step 30", 0)])
        self.assert_counts(outcome.function("pending_step"), calls=2, library="libpending_b.so")

    def test_found_in_the_global_scope(self):
        self.pend([(f"open a {self.A} now global", 0), ("find default 5 pending_step", 1),
                   ("find default 5 pending_step", 0), ("find self 5 pending_step", 0)])


if __name__ == "__main__":
    case.main()
