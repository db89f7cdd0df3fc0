# SPDX-License-Identifier: MIT
"""What a function costs that is not worth remembering, with the guard on: one of 20 ns, called with
the addresses of a trace of which hardly any comes twice, 50 times over."""
import gzip
import json
import os
import pathlib
import statistics
import tempfile

import lines
import rounds
from table import Table

TRACE = "addr-mcf"
BINARY = lines.PROGRAMS / "bench_trace"
WANTED_NS = 20
CONFIG = json.dumps({"version": 1, "functions": {
    "bench_double": lines.FUNCTIONS["bench_double"]}})


def _unpack(folder):
    """The trace as text in the folder, or None: the same places as those of traces.py."""
    named = os.environ.get("MEMOSHIM_TRACES")
    beside = pathlib.Path(__file__).resolve().parents[3] / "shared" / "traces"
    packed = (pathlib.Path(named) if named else beside) / f"{TRACE}.txt.gz"
    if not packed.is_file():
        return None
    path = pathlib.Path(folder) / "trace"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def _run(path, n_passes, cost, environment):
    return json.loads(rounds.run([BINARY, path, n_passes, cost], environment))


def _choose_cost(path, n_times):
    """Steps with which the plain call takes about as long as it should."""
    seen = {cost: min(_run(path, 2, cost, {})["value"] for _ in range(n_times))
            for cost in range(8, 88, 4)}
    return min(seen, key=lambda cost: abs(seen[cost] - WANTED_NS))


def _prove(path, n_passes, cost, environment, folder):
    """The answers are the same; what is not seen any more, and what is, has been computed."""
    report = pathlib.Path(folder) / "report.json"
    plain = _run(path, n_passes, cost, {})
    outcome = _run(path, n_passes, cost, {**environment, "MEMOSHIM_STATS": report})
    seen = json.loads(report.read_text())["functions"]["bench_double"]
    if (outcome["sum"], outcome["calls"]) != (plain["sum"], plain["calls"]):
        raise rounds.Broken(f"guard: other answers: {outcome}, {plain}")
    if outcome["real"] + seen["hits"] != outcome["calls"]:
        raise rounds.Broken(f"guard: calls went astray: {outcome}, {seen}")
    return seen


def measure_guard(settings, skipped):
    shim = {"LD_PRELOAD": lines.LIBRARY, "MEMOSHIM_CONFIG": CONFIG, "HOME": "/nonexistent"}
    table = Table("guard", f"A function of {WANTED_NS} ns, {settings.n_trace_passes} times the "
                  f"trace {TRACE}", {"call": "a call, ns"}, digits=2)
    with tempfile.TemporaryDirectory(prefix="memoshim-bench.") as folder, rounds.pinned():
        path = _unpack(folder)
        if path is None:
            skipped["guard"] = "no traces; MEMOSHIM_TRACES may name their folder"
            return table
        cost = _choose_cost(path, min(3, settings.n_rounds))
        seen = _prove(path, settings.n_trace_passes, cost, shim, folder)
        values = {"plain": [], "guard": []}
        for number in range(settings.n_rounds):
            ways = [("plain", {}), ("guard", shim)]
            for key, environment in ways if number % 2 == 0 else reversed(ways):
                outcome = _run(path, settings.n_trace_passes, cost, environment)
                values[key].append(outcome["value"])
        table.put("plain", "no memoshim", "call", statistics.median(values["plain"]))
        table.put("guard", "memoshim, guard on", "call", statistics.median(values["guard"]),
                  rounds.median_ratio(values["guard"], values["plain"]))
        table.notes.append(f"Let go of {seen['rests']} times; {seen['calls']:,} calls were seen, "
                           f"{seen['hit_ratio'] * 100:.1f} % of them hits.")
    return table
