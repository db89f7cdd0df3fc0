# SPDX-License-Identifier: MIT
"""Threads, signals, forks, exceptions, jumps, cancellations, plugins, evictions and expiries at the
same time. No call is lost and none is counted twice: the calls that the program made are those of
the statistics, in each process, and the library ran exactly as often as memoshim says. Every answer
is right, the bounds hold at every look, and nothing hangs.

MEMOSHIM_TEST_SCALE above 1 makes the storm ten minutes, and the short ones longer, too.
MEMOSHIM_TEST_SEED makes the same draws again."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import case  # pylint: disable=wrong-import-position
import counted  # pylint: disable=wrong-import-position

STORM = case.BUILD / "tests" / "stress" / "storm"
SCALE = int(os.environ.get("MEMOSHIM_TEST_SCALE", "1"))
SECONDS = 30 if SCALE == 1 else 600
SECONDS_SHORT = 3 * SCALE
SEED = int(os.environ.get("MEMOSHIM_TEST_SEED", random.getrandbits(32)))
GRACE_SECONDS = 120  # on a busy machine, to have enough of everything, and for the end
LOOKS_PER_SECOND = 4
ENDS = "returned", "thrown", "jumped", "ended"
NAMES = "square", "name", "length", "check", "divide", "fill", "digest", "hooked"

PLUGINS = [case.PROGRAMS / f"plugin_{name}.so"
           for name in ("lazy", "now", "noplt", "nopltnow", "bare")]
# Bound at load: what a lazy slot will be bound to is not known when two libraries define the name.
LIBRARIES = [case.PROGRAMS / f"libpending_{name}.so" for name in ("b", "c")]
PENDING = {"pending_step": {"prototype": "long pending_step(long x)", "guard": False}}

# For the great storm: something else for each.
POLICIES = {
    "square": {"max_entries": 200, "shards": 4},
    "name": {"max_bytes": "16KiB", "policy": "lfu"},
    "length": {"ttl": "20ms", "shards": 2},
    "check": {"max_entries": 20, "policy": "s3-fifo"},
    "divide": {"policy": "sieve", "max_entries": 60},
    "fill": {"max_bytes": "1MiB", "policy": "w-tinylfu"},
    "digest": {"single_flight": False, "policy": "fifo", "max_entries": 100},
    "hooked": {"max_entries": 50, "policy": "rr", "single_flight_timeout": "20ms"},
}


def read_counts(lines):
    """Lines of the storm: function -> how its calls ended."""
    counts = {}
    for line in lines:
        name, *numbers = line.split()
        counts[name] = dict(zip(ENDS, (int(number) for number in numbers), strict=True))
    return counts


class Storm(counted.CountedCase):

    maxDiff = None  # a sanitizer's report is long

    def setUp(self):
        super().setUp()
        self.stats = self.folder / "stats"
        (self.stats / "children").mkdir(parents=True)
        self.last_seen = {}

    # ---- while it runs ------------------------------------------------------------------------

    def look(self, process):
        """Reads the statistics, whose bounds must hold at any time, and asks for new ones."""
        path = self.stats / f"{process.pid}.json"
        if not path.exists():
            return
        report = self.read_report(path)
        for name, function in report["functions"].items():
            for counter in "calls", "hits", "misses", "evictions":
                before = self.last_seen.get((name, counter), 0)
                self.assertGreaterEqual(function[counter], before, (name, counter))
                self.last_seen[name, counter] = function[counter]
        os.kill(process.pid, signal.SIGRTMIN + 5)

    def run_storm(self, functions, seconds, objects=()):
        """Returns its outcome, all reports in it, and what each process counted itself."""
        config = self.config(functions, stats={"signal": "RTMIN+5", "interval": "200ms"})
        counts = self.folder / "counts"
        known = case.SOURCE / "tests/tsan.supp"
        env = self.shim_environment(config, MEMOSHIM_STATS=self.stats / "%p.json",
                                    COUNTED_FILE=counts,
                                    TSAN_OPTIONS=f"halt_on_error=1:suppressions='{known}'")
        argv = [STORM, SEED, seconds, self.stats, *objects]
        process = self.start(argv, env)
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        while True:
            try:
                out, err = process.communicate(timeout=1 / LOOKS_PER_SECOND)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    self.fail_hung(process, argv)
                self.look(process)
        self.assertEqual((process.returncode, err.decode(errors="replace")), (0, ""),
                         f"seed {SEED}: {out}")
        words = dict(line.split(None, 1) for line in out.decode().splitlines()[:3])
        own = {process.pid: read_counts(out.decode().splitlines()[3:])}
        reports = self.read_reports(self.stats)
        for n in range(int(words["children"])):
            path = self.stats / "children" / f"{n}.counts"
            own[f"child {n}"] = read_counts(path.read_text().splitlines())
            reports[f"child {n}"] = self.read_report(path.with_suffix(".json"))
        outcome = case.Outcome(process.pid, process.returncode, out, err, reports,
                               case.read_counts(counts))
        self.assertGreater(int(words["children"]), seconds)
        return outcome, own, int(words["loads"])

    # ---- what must hold ------------------------------------------------------------------------

    def check_process(self, report, ends, by_libraries):
        """The calls that one process made are those of its statistics."""
        for name, counts in ends.items():
            seen = [function for shown, function in report["functions"].items()
                    if shown.split(" ")[0] == name]
            if not seen and name == "pending_step":
                self.assertEqual(sum(counts.values()), 0)
                continue
            total = {key: sum(function[key] for function in seen)
                     for key in ("calls", "misses", "bypasses", "stores", "not_stored")}
            made = sum(counts.values()) + (by_libraries if name == "counted_square" else 0)
            self.assertEqual(total["calls"], made, f"{name}: {seen} {counts}")
            left = made - counts["returned"] - (by_libraries if name == "counted_square" else 0)
            unfinished = total["misses"] - total["stores"] - total["not_stored"]
            self.assertLessEqual(unfinished, left, f"{name}: {seen} {counts}")
            self.assertGreaterEqual(unfinished, left - total["bypasses"], f"{name}: {seen}")

    def check(self, outcome, own):
        by_libraries = 0
        for shown, function in outcome.report["functions"].items():
            ran = function["misses"] + function["bypasses"]
            if "libpending_c" in shown:  # it calls counted_square as anybody else would
                by_libraries += ran
            elif "libpending_b" in shown:
                self.assertEqual(ran, outcome.real["narrow"])
        for process, ends in own.items():
            self.check_process(outcome.reports[process], ends,
                               by_libraries if process == outcome.pid else 0)
        self.check_real(outcome)
        for name in ENDS[1:] if (case.PROGRAMS / "throw").exists() else ENDS[2:]:
            self.assertGreater(own[outcome.pid]["counted_hooked"][name], 0, name)


class Short(Storm):
    """Without objects that come and go; the same settings for all functions."""

    def storm(self, **policy):
        policy.setdefault("single_flight_timeout", "20ms")
        outcome, own, _ = self.run_storm(counted.functions(*NAMES, **policy), SECONDS_SHORT)
        self.check(outcome, own)
        return outcome

    def test_roomy(self):
        outcome = self.storm()
        self.assertEqual(outcome.function("counted_square")["evictions"], 0)

    def test_few_entries(self):
        outcome = self.storm(max_entries=20, shards=1)
        self.assertGreater(outcome.function("counted_name")["evictions"], 0)

    def test_few_bytes_and_shards(self):
        outcome = self.storm(max_bytes="8KiB", shards=4)
        self.assertGreater(outcome.function("counted_name")["evictions"], 0)

    def test_short_lives(self):
        outcome = self.storm(ttl="20ms", shards=2)
        self.assertGreater(outcome.function("counted_square")["expirations"], 0)

    def test_without_single_flight(self):
        self.storm(single_flight=False, max_entries=50)


def has_names():
    """Whether plugins that come are redirected: this program, but no other, knows what dlsym is
    called in a shim with ThreadSanitizer."""
    return (os.environ.get("MEMOSHIM_SANITIZED") != "1" or
            os.environ.get("MEMOSHIM_THREAD_SANITIZED") == "1")


@unittest.skipUnless(has_names(), "a sanitized shim exports no dlsym and no dynamic symbols")
class Great(Storm):

    def test_everything(self):
        functions = {**PENDING}
        for name, policy in POLICIES.items():
            functions.update(counted.functions(name, **policy))
        outcome, own, n_loads = self.run_storm(
            functions, SECONDS, [*PLUGINS, "--", *LIBRARIES, *LIBRARIES])
        self.check(outcome, own)
        self.assertEqual(len([name for name in outcome.report["functions"]
                              if name.startswith("pending_step")]), 2)
        self.assertGreater(n_loads, 100)


if __name__ == "__main__":
    print(f"MEMOSHIM_TEST_SEED={SEED}", flush=True)
    case.main()
