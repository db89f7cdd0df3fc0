# SPDX-License-Identifier: MIT
"""What the time is made of that a program takes longer with memoshim than with a preload that was
written by hand for the one function: a hit of that function, step by step from the preload that
takes everything for granted to one that takes memoshim's care, and on to memoshim; then what the
program's start, its misses and its hits make of the difference, measured in the program itself
(programs.py)."""
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


def _more(work, values, less=None):
    """Milliseconds of each round that the program takes longer with memoshim than with the preload,
    in these runs, but for what it does in those."""
    shim, hand = values[programs.MEMOSHIM], values[programs.HAND]
    less = less or {way: [0] * len(shim) for way in work.ways}
    return statistics.median(
        (a - c) - (b - d) for a, b, c, d in
        zip(shim, hand, less[programs.MEMOSHIM], less[programs.HAND])) * 1e3


def _put_sum(table, work, hand, shim, page_ns):
    """What one program takes longer with memoshim than with the preload, in its three stages, each
    measured in the program itself: the start with the first call, one call for each other argument,
    and the hits. Beside it what page faults and hits take by themselves."""
    n_misses = work.n_keys - 1
    n_hits = work.n_calls - work.n_keys
    stages = {"the start and the first call": _more(work, work.started)}
    if n_misses > 0:
        stages[f"{n_misses:,} misses"] = _more(work, work.warmed, work.started)
    hits = _more(work, work.values, work.warmed)
    stages[f"{n_hits:,} hits"] = hits
    difference = _more(work, work.values)
    table.accounts[work.key] = {"difference_ms": difference, "stages_ms": stages}
    n_faults = _difference(work.n_faults[programs.MEMOSHIM], work.n_faults[programs.HAND])
    table.notes.append(
        f"{work.heading.partition(',')[0]} takes {difference:.2f} ms more with "
        "memoshim than with the preload. Measured in the program, in runs that end after each of "
        "these: " +
        ", ".join(f"{name} {value:.2f}" for name, value in stages.items()) +
        f"; together {sum(stages.values()):.2f}. A hit takes {hits / n_hits * 1e6:.0f} ns more "
        f"there, and {_difference(shim.hits, hand.hits):.0f} in the loop above"
        + (f"; {work.n_probes} hits were real calls for the guard, among these" if work.n_probes
           else "") +
        f". Of the start {n_faults * page_ns / 1e6:.2f} are {n_faults:.0f} page faults more, of "
        f"{page_ns:.0f} ns.")


def _measure_page(settings):
    """Nanoseconds of the first touch of a page."""
    return json.loads(rounds.run([BINARY, "page", 1000, 1000, settings.n_batches], {}))["miss"]


def measure_parts(settings, _skipped):
    ways = list(_ways())
    pages = []
    with rounds.pinned():
        for number in range(settings.n_rounds):
            pages.append(_measure_page(settings))
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
            _put_sum(table, work, by_step["", work.function], by_step["memoshim", work.function],
                     statistics.median(pages))
    return table
