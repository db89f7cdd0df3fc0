#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures memoshim beside its rivals and prints one table: see run.sh, which builds first.

Figures are medians of rounds (rounds.py); what was counted is held against what must have been
counted, and a count that is wrong ends the run with status 2.

A section is a function of the settings and of what is skipped ({name: reason}, to be added to)
that returns a table (table.py). Its line below is all that a new one needs; what it must hold goes
to checks.py, how much of it is enough for --quick to QUICK.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import platform
import sys
import time

import checks
import guard
import in_process
import parts
import programs
import readme
import rounds
import startup
import sweeps

SECTIONS = {
    "hits": in_process.measure_hits,
    "misses": in_process.measure_misses,
    "misses_beside": in_process.measure_misses_beside,
    "threads": in_process.measure_threads,
    "memory": in_process.measure_memory,
    "startup": startup.measure_startup,
    "guard": guard.measure_guard,
    "programs": programs.measure_programs,
    "parts": parts.measure_parts,
    "sizes": sweeps.measure_sizes,
    "gain": sweeps.measure_gain,
}


@dataclasses.dataclass
class Settings:
    """How much is measured."""

    n_rounds: int = 15
    n_batches: int = 9
    n_passes: int = 16
    n_starts: int = 15
    n_memory_keys: int = 1 << 20
    n_trace_passes: int = 50
    n_slow_rounds: int = 3  # of a server that answers some requests a second
    n_servers: int = 3
    n_files: int = 10000
    n_times: int = 100000
    sizes: tuple = (128, 512, 2048, 8192, 32768, 1 << 17, 1 << 20)
    costs: tuple = (0, 8, 24, 64, 192, 512, 2048)
    n_cpus: int = len(os.sched_getaffinity(0))
    measured: dict = dataclasses.field(default_factory=dict)  # programs, for what comes later


QUICK = {"n_rounds": 1, "n_batches": 2, "n_passes": 2, "n_starts": 2, "n_memory_keys": 1 << 14,
         "n_trace_passes": 1,
         "n_servers": 1, "n_files": 500, "n_times": 5000, "sizes": (128, 4096), "costs": (0, 64)}


def describe_machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    load = os.getloadavg()[0]
    busy = ": so busy that only ratios count" if load > 1 else ""
    return (f"{len(os.sched_getaffinity(0))} processors, {model}, Linux {platform.release()}, "
            f"load {load:.1f} at the start{busy}")


def read_arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description="Measures memoshim and its rivals.")
    parser.add_argument("--only", metavar="SECTION,...", help="of " + ", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, metavar="N", help="median of so many (15)")
    parser.add_argument("--quick", action="store_true",
                        help="seconds: one short round, whose counts mean something, not its times")
    parser.add_argument("--json", metavar="FILE", help="also writes everything there")
    parser.add_argument("--plots", metavar="FOLDER", help="also draws there, as SVG")
    parser.add_argument("--readme", action="store_true",
                        help="puts the tables and plots into the README")
    parser.add_argument("--check", action="store_true",
                        help="ends with 1 unless every bound holds, or what a program takes "
                        "beyond it is accounted for (checks.py)")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(SECTIONS)
    unknown = set(chosen) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}")
    settings = Settings(**(QUICK if arguments.quick else {}))
    if arguments.rounds:
        settings.n_rounds = arguments.rounds
    return arguments, settings, [name for name in SECTIONS if name in chosen]


def write_json(path, tables, results, machine, settings, skipped):
    whole = {"machine": machine, "rounds": settings.n_rounds, "time": int(time.time()),
             "skipped": skipped, "tables": [table.as_json() for table in tables],
             "checks": [result.as_json() for result in results]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=1)
        file.write("\n")


def main():
    arguments, settings, chosen = read_arguments()
    machine = describe_machine()
    print(f"memoshim's benchmarks, {time.strftime('%Y-%m-%d')}: {machine}; median of "
          f"{settings.n_rounds}\n", flush=True)
    tables, skipped = [], {}
    for name in chosen:
        try:
            table = SECTIONS[name](settings, skipped)
        except rounds.Broken as error:
            print(f"{name}: {error}", file=sys.stderr)
            sys.exit(2)
        tables.append(table)
        print(table.as_text(), flush=True)
    for name, why in skipped.items():
        print(f"skipped: {name}: {why}")
    results = checks.check(tables)
    if arguments.check:
        print("\n".join(result.as_text() for result in results))
    if arguments.plots:
        readme.write_plots(tables, pathlib.Path(arguments.plots))
    if arguments.readme:
        readme.write(tables, machine, time.strftime("%Y-%m-%d"), settings.n_rounds)
    if arguments.json:
        write_json(arguments.json, tables, results, machine, settings, skipped)
    sys.exit(1 if arguments.check and not all(result.passes for result in results) else 0)


if __name__ == "__main__":
    main()
