# SPDX-License-Identifier: MIT
"""What the time is made of that a program takes longer with memoshim than with a preload that was
written by hand for the one function: a hit of that function, step by step from the preload that
takes everything for granted to one that takes memoshim's care, and on to memoshim; then the sum of
hits, misses and start-up, beside the difference that was measured (programs.py)."""
import json
import statistics

import lines
import programs
import rounds
from table import Table

BINARY = lines.PROGRAMS / "bench_calls"
COLUMNS = {"localtime": programs.N_TIMES, "getpwuid": 1}  # and keys
STEPS = {
    "": "preload written for that one function",
    "_zone": "... that looks for TZ, and at libc's zone, and sets its variables",
    "_file": "... and at the files once a second",
    "_careful": "... and has a table and results for each thread",
}


class Way:
    """One preload and one function. hits, misses: nanoseconds of a call, one for each round."""

    def __init__(self, function, environment):
        self.function, self.environment = function, environment
        self.hits, self.misses = [], []

    def measure(self, settings):
        n_keys = COLUMNS[self.function]
        seen = json.loads(rounds.run(
            [BINARY, self.function, n_keys, n_keys * max(1, settings.n_passes * 1000 // n_keys),
             settings.n_batches], self.environment))
        self.hits.append(seen["hit"])
        self.misses.append(seen["miss"])


def _ways():
    for function in COLUMNS:
        yield "plain", Way(function, {})
        for step in STEPS:
            library = lines.PROGRAMS / f"memo_{function}{step}.so"
            if library.exists():
                yield step, Way(function, {"LD_PRELOAD": library})
        config = {"version": 1, "functions": {function: {"check_every": "1s", "guard": False}}}
        yield "memoshim", Way(function, {"LD_PRELOAD": lines.LIBRARY,
                                         "MEMOSHIM_CONFIG": json.dumps(config)})


def _difference(values, references):
    return statistics.median(a - b for a, b in zip(values, references))


def _put_sum(table, work, plain, hand, shim):
    """Milliseconds of one program, those with memoshim less those with the preload."""
    n_misses = work.n_keys if work.n_keys > 1 else 0  # one is lost in the start
    n_hits = work.n_calls - n_misses
    shares = {
        "hits": (f"{n_hits:,} hits", _difference(shim.hits, hand.hits) * n_hits / 1e6),
        "misses": (f"{n_misses:,} misses", _difference(shim.misses, hand.misses) * n_misses / 1e6),
        "probes": (f"{work.n_probes} calls that the guard wanted to be real ones",
                   statistics.median(plain.hits) * work.n_probes / 1e6),
        "start": ("start-up", _difference(work.started[programs.MEMOSHIM],
                                          work.started[programs.HAND]) * 1e3),
    }
    explained = sum(value for _, value in shares.values())
    measured = _difference(work.values[programs.MEMOSHIM], work.values[programs.HAND]) * 1e3
    table.notes.append(
        f"{work.heading.partition(',')[0]} takes {measured:.2f} ms more with memoshim than with "
        "the preload: " +
        ", ".join(f"{name} {value:.2f}" for name, value in shares.values() if value) +
        f"; together {explained:.2f}. The other {measured - explained:.2f} were not measured by "
        "themselves: the parts are, in a loop of nothing else.")


def measure_parts(settings, _skipped):
    ways = list(_ways())
    with rounds.pinned():
        for number in range(settings.n_rounds):
            for _, way in ways if number % 2 == 0 else reversed(ways):
                way.measure(settings)
    table = Table("parts", "What a hit is made of, ns",
                  {function: function for function in COLUMNS})
    names = {"plain": "no memo", **STEPS, "memoshim": "memoshim"}
    for key, name in names.items():
        for step, way in ways:
            if step == key:
                table.put(key or "hand", name, way.function, statistics.median(way.hits))
    by_step = {(step, way.function): way for step, way in ways}
    for work in settings.measured.values():
        if work.function in COLUMNS:
            _put_sum(table, work, *(by_step[step, work.function]
                                    for step in ("plain", "", "memoshim")))
    return table
