# SPDX-License-Identifier: MIT
"""Rounds: every cell of a table is measured once, then all again, so that a busy machine is busy
for all of them. A cell's figure is the median of its rounds, a ratio the median of the ratios of
each round. A round is a process of its own, pinned to one processor where that is possible.

What is counted is no figure but an oracle: before the rounds each cell runs once with memoshim's
statistics on, and its hits and misses must be the calls that did not and did reach the function.
"""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import lines

PATIENCE_S = 300


class Broken(Exception):
    """A run that did not do what it should have done: no figure can stand on it."""


def clean_environment(more):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("MEMOSHIM_", "LD_", "XDG_", "PYTHON"))}
    kept.update({name: str(value) for name, value in more.items()})
    return kept


def run(argv, environment):
    """One process; what it printed."""
    done = subprocess.run([str(word) for word in argv], env=clean_environment(environment),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=PATIENCE_S, check=False)
    if done.returncode != 0 or done.stderr:
        raise Broken(f"{' '.join(map(str, argv))}: status {done.returncode}: {done.stderr}")
    return done.stdout


@contextlib.contextmanager
def pinned(choose=max):
    """Everything that is started meanwhile stays on one processor."""
    cpus = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {choose(cpus)})
    except OSError as error:
        print(f"not pinned to a processor: {error}", file=sys.stderr)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cpus)


class Cell:
    """One line in one mode with one shape; numbers are bench_driver's arguments from N_KEYS on."""

    def __init__(self, line, mode, shape, numbers):
        self.line, self.mode, self.shape, self.numbers = line, mode, shape, numbers
        self.values = []

    def run_once(self, seed, **more):
        text = run(self.line.command(self.mode, self.shape, seed, *self.numbers),
                   {**self.line.environment(self.numbers[0]), **more})
        return json.loads(text)

    def expect(self, condition, what, outcome):
        if not condition:
            raise Broken(f"{self.line.name}, {self.mode}, {self.shape}: {what}: {outcome}")

    def prove(self):
        """The counts of one run, by the driver and by memoshim."""
        with tempfile.TemporaryDirectory(prefix="memoshim-bench.") as folder:
            path = pathlib.Path(folder) / "report.json"
            outcome = self.run_once(60, MEMOSHIM_STATS=path)
            report = json.loads(path.read_text()) if path.exists() else None
        calls, real = outcome["calls"], outcome["real"]
        is_plain = self.line is lines.PLAIN or self.line is lines.OFF
        if is_plain or self.mode in ("misses", "memory"):
            self.expect(real == calls, "every call is a real one", outcome)
        elif self.mode == "mixed":
            n_keys, n_batches, _, _, fresh = self.numbers
            self.expect(real == n_keys + n_batches * (n_keys * fresh // 1000),
                        "only what is new is computed", outcome)
        elif self.line not in (lines.DIRECT, lines.GLIB):
            self.expect(real == self.numbers[0], "each argument is computed once", outcome)
        else:
            self.expect(real < calls, "something is remembered", outcome)
        if isinstance(self.line, lines.Memoshim) and not is_plain:
            self.expect(report is not None, "statistics are written", outcome)
            seen = report["functions"][lines.FUNCTION_OF[self.shape]]
            self.expect((seen["calls"], seen["misses"], seen["bypasses"]) == (calls, real, 0),
                        "memoshim counts the same", (outcome, seen))
        return outcome


def measure(cells, n_rounds, label):
    """Fills cells' values, round by round."""
    for cell in cells:
        cell.prove()
    for number in range(n_rounds):
        if sys.stderr.isatty():
            print(f"\r{label}: round {number + 1} of {n_rounds} ", end="", file=sys.stderr)
        order = cells if number % 2 == 0 else list(reversed(cells))
        for cell in order:
            cell.values.append(cell.run_once(number)["value"])
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)


def median_ratio(values, references):
    return statistics.median(a / b for a, b in zip(values, references) if b > 0)
