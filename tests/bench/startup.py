# SPDX-License-Identifier: MIT
"""What memoshim costs before main: its constructor, measured inside the process (startup.c), and
whole processes from start to end."""
import json
import os
import pathlib
import statistics
import tempfile
import time

import lines
import rounds
from table import Table

TEN = ("j0", "j1", "y0", "y1", "tgamma", "cbrt", "erf", "exp", "pow", "atan2")
BINARY = lines.PROGRAMS / "bench_startup"


class Way:
    """One environment to start in."""

    def __init__(self, key, name, environment):
        self.key, self.name = key, name
        self.environment = {"HOME": "/nonexistent", **environment}
        self.inside_us, self.whole_us = [], []

    def start_once(self):
        """Microseconds between the last relocation and the program's own first code."""
        return int(rounds.run([BINARY], self.environment)) / 1000

    def start_many(self, n_times):
        """Microseconds from the start of a process to its end, on the average."""
        environment = rounds.clean_environment(self.environment)
        nowhere = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        began = time.monotonic()
        for _ in range(n_times):
            pid = os.posix_spawn(BINARY, [str(BINARY)], environment, file_actions=nowhere)
            if os.waitpid(pid, 0)[1] != 0:
                raise rounds.Broken(f"{BINARY} failed")
        return (time.monotonic() - began) / n_times * 1e6


def _prove_ten(way):
    """With ten functions, ten are hooked."""
    with tempfile.TemporaryDirectory(prefix="memoshim-bench.") as folder:
        path = pathlib.Path(folder) / "report.json"
        rounds.run([BINARY], {**way.environment, "MEMOSHIM_STATS": path})
        functions = json.loads(path.read_text())["functions"]
    hooked = sorted(name for name, seen in functions.items() if seen["hooked_slots"] > 0)
    if hooked != sorted(TEN):
        raise rounds.Broken(f"start-up: only {hooked} are hooked")


def measure_startup(settings, _skipped):
    config = json.dumps({"version": 1, "functions": {name: {} for name in TEN}})
    shim = {"LD_PRELOAD": lines.LIBRARY}
    ways = [Way("none", "no memoshim", {}),
            Way("empty", "memoshim, no configuration", shim),
            Way("ten", "memoshim, ten functions", {**shim, "MEMOSHIM_CONFIG": config})]
    _prove_ten(ways[-1])
    with rounds.pinned():
        for number in range(settings.n_rounds):
            for way in ways if number % 2 == 0 else reversed(ways):
                way.inside_us.append(statistics.median(
                    way.start_once() for _ in range(settings.n_starts)))
                way.whole_us.append(way.start_many(settings.n_starts))
    table = Table("startup", "Start-up, microseconds",
                  {"constructor": "constructor, inside the process",
                   "process": "a whole process that does nothing"}, digits=0)
    for way in ways:
        more = [a - b for a, b in zip(way.inside_us, ways[0].inside_us)]
        if way is not ways[0]:
            table.put(way.key, way.name, "constructor", statistics.median(more))
        table.put(way.key, way.name, "process", statistics.median(way.whole_us))
    table.notes.append("The constructor: what passes between the last relocation and the program's "
                       "first code, less the "
                       f"{statistics.median(ways[0].inside_us):.0f} that pass without memoshim.")
    return table
