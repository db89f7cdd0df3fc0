#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What Python programs use: functools.lru_cache, and cachetools without and with its lock.

    rival_python.py KIND MODE SHAPE SEED N_KEYS N_BATCHES N_PASSES

One round, as bench_driver does it, and prints the same JSON object. SHAPE is "double" always; MODE
is hits, misses or memory.
"""
import functools
import gc
import json
import os
import random
import statistics
import sys
import threading
import time

n_real = 0


def real(x):
    global n_real
    n_real += 1
    return x * 2 + 1


def remember(kind, n_keys):
    if kind == "functools":
        return functools.lru_cache(maxsize=n_keys)(real)
    import cachetools  # pylint: disable=import-outside-toplevel
    lock = threading.RLock() if kind == "cachetools-lock" else None
    return cachetools.cached(cachetools.LRUCache(n_keys), lock=lock)(real)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def loop(f, keys, n_passes):
    began = time.thread_time_ns()
    for _ in range(n_passes):
        for x in keys:
            f(x)
    return (time.thread_time_ns() - began) / (len(keys) * n_passes)


def main(kind, mode, _shape, seed, n_keys, n_batches, n_passes):
    n_keys, n_batches, n_passes = int(n_keys), int(n_batches), int(n_passes)
    draw = random.Random(int(seed))

    def fresh():
        return [draw.uniform(2 ** 20, 2 ** 21) for _ in range(n_keys)]

    f = remember(kind, n_keys)
    keys = fresh()
    values = []
    gc.disable()
    if mode == "memory":
        before = resident_bytes()
        loop(f, keys, 1)
        values.append((resident_bytes() - before) / n_keys)
        n_calls = n_keys
    else:
        assert all(f(x) == x * 2 + 1 for x in keys)
        n_calls = n_keys
        for _ in range(n_batches):
            if mode == "misses":
                keys = fresh()
            else:
                draw.shuffle(keys)
            values.append(loop(f, keys, n_passes if mode == "hits" else 1))
            n_calls += n_keys * (n_passes if mode == "hits" else 1)
    print(json.dumps({"value": statistics.median(values), "calls": n_calls, "real": n_real}))


main(*sys.argv[1:])
