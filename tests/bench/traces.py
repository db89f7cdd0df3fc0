#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hits of our policies on published traces, beside those of reference simulators.

usage: traces.py REPLAY [--table]

Without --table: LRU, FIFO, LFU and SIEVE give exactly the reference's hits, S3-FIFO and W-TinyLFU
come as near as the bounds below say, and shards cost little. With --table: prints every cell, ours
beside the reference and the best there can be. The traces lie in the folder that MEMOSHIM_TRACES
names, or in shared/traces beside the source tree; without them it exits with 77.
"""
import concurrent.futures
import csv
import gzip
import os
import pathlib
import statistics
import subprocess
import sys

BELADY = "Belady"
REFERENCES = {
    "lru": "LRU",
    "fifo": "FIFO",
    "lfu": "LFU(tie=oldest insertion, cachetools<=6.0)",
    "sieve": "SIEVE",
    "s3-fifo": "S3-FIFO(threshold 2, ghost 0.9)",
    "w-tinylfu": "W-TinyLFU(hill climber)",
}
EXACT = "lru", "fifo", "lfu", "sieve"
S3_FIFO_POINTS = 0.2  # of hit ratio, either way
W_TINYLFU_POINTS = 0.5  # below, in any cell; on the average of all cells none
# Of hashes and draws. How W-TinyLFU's climber goes in a small cache hangs on which keys share a
# counter of the sketch, in the reference as well: the median of these is what is compared.
SEEDS = {"w-tinylfu": range(1, 6)}
ONE_SEED = range(1, 2)
SHARDS_POINTS = 0.3  # lost to automatic shards, from so many entries on
SHARDS_ENTRIES = 4096


def find_traces():
    named = os.environ.get("MEMOSHIM_TRACES")
    beside = pathlib.Path(__file__).resolve().parents[3] / "shared" / "traces"
    folder = pathlib.Path(named) if named else beside
    if not (folder / "reference-hit-ratios.csv").is_file():
        print(f"skipped: no traces in {folder}; MEMOSHIM_TRACES may name another folder")
        sys.exit(77)
    return folder


def read_reference(folder):
    """{(trace, entries): {policy: hits}}, {trace: requests}."""
    hits, requests = {}, {}
    with open(folder / "reference-hit-ratios.csv", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["source"] == "independent simulator":
                cell = hits.setdefault((row["trace"], int(row["cache_entries"])), {})
                cell[row["policy"]] = int(row["hits"])
                requests[row["trace"]] = int(row["requests"])
    return hits, requests


def replay(driver, folder, trace, cells):
    """{(trace, entries, policy, shards): hits}; 0 shards: as many as the cache chooses."""
    jobs = [f"{policy}:{entries}:{shards}:{seed}" for entries in cells for policy in REFERENCES
            for shards in ((1, 0) if entries >= SHARDS_ENTRIES else (1,))
            for seed in SEEDS.get(policy, ONE_SEED)]
    with gzip.open(folder / f"{trace}.txt.gz") as packed:
        keys = packed.read()
    run = subprocess.run([driver] + jobs, input=keys, stdout=subprocess.PIPE, check=True)
    ours = {}
    for line in run.stdout.decode().splitlines():
        job, hits = line.split()
        policy, entries, shards, _ = job.split(":")
        ours.setdefault((trace, int(entries), policy, int(shards)), []).append(int(hits))
    return {cell: statistics.median(hits) for cell, hits in ours.items()}


def complaints(ours, reference, requests):
    tiny = []
    for (trace, entries, policy, shards), hits in sorted(ours.items()):
        expected = reference[trace, entries][REFERENCES[policy]]
        points = (hits - expected) / requests[trace] * 100
        what = f"{trace}, {entries} entries, {policy}: {hits} hits"
        if shards == 0:
            lost = (ours[trace, entries, policy, 1] - hits) / requests[trace] * 100
            if lost > SHARDS_POINTS:
                yield f"{what} with shards, {lost:.2f} points less than with one"
        elif policy in EXACT and hits != expected:
            yield f"{what}, the reference has {expected}"
        elif policy == "s3-fifo" and abs(points) > S3_FIFO_POINTS:
            yield f"{what}, {points:+.2f} points from the reference"
        elif policy == "w-tinylfu":
            tiny.append(points)
            if points < -W_TINYLFU_POINTS:
                yield f"{what}, {points:+.2f} points from the reference"
    if sum(tiny) < 0:
        yield f"w-tinylfu: the mean is {sum(tiny) / len(tiny):+.3f} points from the reference"


def print_table(ours, reference, requests):
    print("hit ratio in percent with one shard: ours / the reference")
    print(f"{'trace':28}{'entries':>8}{'optimum':>8}"
          + "".join(f"{policy:>15}" for policy in REFERENCES))
    sums = dict.fromkeys(REFERENCES, (0, 0))
    cells = sorted({key[:2] for key in ours})
    for trace, entries in cells:
        scale = 100 / requests[trace]
        line = f"{trace:28}{entries:8}{reference[trace, entries][BELADY] * scale:8.2f}"
        for policy, name in REFERENCES.items():
            pair = (ours[trace, entries, policy, 1] * scale,
                    reference[trace, entries][name] * scale)
            sums[policy] = tuple(a + b for a, b in zip(sums[policy], pair))
            line += f"  {pair[0]:6.2f}/{pair[1]:6.2f}"
        print(line)
    print(f"{'mean':44}" + "".join(f"  {a / len(cells):6.2f}/{b / len(cells):6.2f}"
                                   for a, b in sums.values()))
    print("lost to automatic shards, in points")
    for trace, entries in cells:
        if entries >= SHARDS_ENTRIES:
            print(f"{trace:28}{entries:8}{'':8}" + "".join(
                "%15.2f" % ((ours[trace, entries, policy, 1] - ours[trace, entries, policy, 0])
                            / requests[trace] * 100) for policy in REFERENCES))


def main(driver, *options):
    folder = find_traces()
    reference, requests = read_reference(folder)
    traces = sorted(requests, key=requests.get, reverse=True)
    ours = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(
                lambda trace: replay(driver, folder, trace,
                                     [cell[1] for cell in reference if cell[0] == trace]), traces):
            ours.update(part)
    if "--table" in options:
        print_table(ours, reference, requests)
        return
    found = list(complaints(ours, reference, requests))
    print("\n".join(found))
    print(f"{len(ours)} cells of {len(traces)} traces, {len(found)} complaints")
    sys.exit(1 if found else 0)


main(*sys.argv[1:])
