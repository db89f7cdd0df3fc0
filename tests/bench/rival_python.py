#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What Python programs use: functools.lru_cache, and cachetools without and with its lock.

    rival_python.py KIND MODE SHAPE SEED N_KEYS N_BATCHES N_PASSES

One round, as bench_driver does it, and prints the same JSON object. SHAPE is double, three, text,
long_text or out: the same function as a Python program would write it. MODE is hits, misses or
memory.
"""
import functools
import gc
import json
import os
import random
import statistics
import string
import sys
import threading
import time

n_real = 0


def of_double(x):
    global n_real
    n_real += 1
    return x * 2 + 1


def of_three(a, b, c):
    global n_real
    n_real += 1
    return a * 31 + b * 17 + c


def of_text(text):
    global n_real
    n_real += 1
    return ord(text[0]) * 256 + ord(text[1])


def of_out(number):
    global n_real
    n_real += 1
    return number & 1, (number + 0.5, number * 0.25)


def loop(f, keys, n_passes):
    began = time.thread_time_ns()
    for _ in range(n_passes):
        for x in keys:
            f(x)
    return (time.thread_time_ns() - began) / (len(keys) * n_passes)


def loop_of_three(f, keys, n_passes):
    began = time.thread_time_ns()
    for _ in range(n_passes):
        for a, b, c in keys:
            f(a, b, c)
    return (time.thread_time_ns() - began) / (len(keys) * n_passes)


def draw_text(draw, n_letters=16):
    return "".join(draw.choices(string.ascii_letters + string.digits + "-_", k=n_letters))


def draw_long_text(draw):
    return draw_text(draw, 20) + ".servers.example.org"


# The function, one argument of it, and the loop that calls it.
SHAPES = {
    "double": (of_double, lambda draw: draw.uniform(2 ** 20, 2 ** 21), loop),
    "three": (of_three, lambda draw: tuple(draw.getrandbits(20) for _ in range(3)), loop_of_three),
    "text": (of_text, draw_text, loop),
    "long_text": (of_text, draw_long_text, loop),
    "out": (of_out, lambda draw: draw.getrandbits(31), loop),
}


def remember(kind, real, n_keys):
    if kind == "functools":
        return functools.lru_cache(maxsize=n_keys)(real)
    import cachetools  # pylint: disable=import-outside-toplevel
    lock = threading.RLock() if kind == "cachetools-lock" else None
    return cachetools.cached(cachetools.LRUCache(n_keys), lock=lock)(real)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def prove(f, real, keys):
    """The first call of each, which answers what the function itself does."""
    global n_real
    arguments = [key if isinstance(key, tuple) else (key,) for key in keys]
    wanted = [real(*each) for each in arguments]
    n_real = 0
    assert [f(*each) for each in arguments] == wanted


def main(kind, mode, shape, seed, n_keys, n_batches, n_passes):
    n_keys, n_batches, n_passes = int(n_keys), int(n_batches), int(n_passes)
    draw = random.Random(int(seed))
    real, draw_one, run = SHAPES[shape]

    def fresh():
        return [draw_one(draw) for _ in range(n_keys)]

    f = remember(kind, real, n_keys)
    keys = fresh()
    values = []
    gc.disable()
    if mode == "memory":
        before = resident_bytes()
        run(f, keys, 1)
        values.append((resident_bytes() - before) / n_keys)
        n_calls = n_keys
    else:
        prove(f, real, keys)
        n_calls = n_keys
        for _ in range(n_batches):
            if mode == "misses":
                keys = fresh()
            else:
                draw.shuffle(keys)
            values.append(run(f, keys, n_passes if mode == "hits" else 1))
            n_calls += n_keys * (n_passes if mode == "hits" else 1)
    print(json.dumps({"value": statistics.median(values), "calls": n_calls, "real": n_real}))


main(*sys.argv[1:])
