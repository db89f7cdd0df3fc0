#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our cache and cachetools, entry for entry on random operations: FIFO, LRU, LFU, TTL and TLRU.

Usage: compare_cachetools.py DRIVER [OPERATIONS_PER_POLICY]

Calls that are memoized, writes over what is there, invalidations of one entry and of all, under a
clock that ticks; bounded by entries, or by the bytes that our cache says an entry takes, which
cachetools then takes for its weight. The same hit or miss, and the same value, at every step; the
same keys at every hundredth. Exits 77 without python3-cachetools.
"""
import os
import random
import subprocess
import sys

try:
    import cachetools
except ImportError:
    print("skipped: python3-cachetools is not installed")
    sys.exit(77)


SIZES = (8, 24, 40, 100, 400, 1000, 5000)
LIFE = 1000


class Model:
    """What a memoizing program sees, on top of one of their caches."""

    def __init__(self, policy, maxsize, weights):
        self.now = 0
        size_of = {"getsizeof": lambda item: weights[item[1]]} if weights else {}
        self.cache = {
            "fifo": lambda: cachetools.FIFOCache(maxsize, **size_of),
            "lru": lambda: cachetools.LRUCache(maxsize, **size_of),
            "lfu": lambda: cachetools.LFUCache(maxsize, **size_of),
            "ttl": lambda: cachetools.TTLCache(maxsize, LIFE, timer=lambda: self.now, **size_of),
            "tlru": lambda: cachetools.TLRUCache(maxsize, lambda key, item, now: now + item[2],
                                                 timer=lambda: self.now, **size_of),
        }[policy]()

    def store(self, key, item):
        """Whether it is there now; an item that is too large is not."""
        try:
            self.cache[key] = item
        except ValueError:
            return False
        return True

    def answer(self, letter, now, *operands):
        self.now = now
        if letter == "k":
            return " ".join(map(str, sorted(self.cache)))
        if letter == "x":
            self.cache.clear()
            return "+"
        if letter == "d":
            self.cache.pop(operands[0], None)
            return "+"
        life, key, value, size = operands
        if letter == "s":
            return "+" if self.store(key, (value, size, life)) else "-"
        found = self.cache.get(key)
        if found is not None:
            return str(found[0])
        self.store(key, (value, size, life))
        return "-"


def operations(rng, n, n_keys, tick, life):
    """Tuples as the driver reads them: mostly calls, of skewed keys."""
    now = 1
    for i in range(n):
        now += rng.randrange(tick)
        kind = rng.random()
        if i % 100 == 99:
            yield ("k", now)
        elif kind < 0.0005:
            yield ("x", now)
        elif kind < 0.03:
            yield ("d", now, rng.randrange(n_keys))
        else:
            key = int(n_keys * rng.random() ** 2)
            # A size for each key: what grows they ask to fit beside its own old value, we do not.
            yield ("s" if kind > 0.9 else "c", now, life(rng), key, rng.randrange(1 << 32),
                   SIZES[key * 0x9e3779b1 % len(SIZES)])


def drive(driver, header, lines):
    emulator = os.environ.get("MEMOSHIM_EMULATOR", "").split()
    run = subprocess.run([*emulator, driver], input="\n".join([header] + lines) + "\n", text=True,
                         stdout=subprocess.PIPE, check=False)
    if run.returncode != 0:
        sys.exit(f"{header}: the driver ends with {run.returncode}")
    return run.stdout.split("\n")


def compare(driver, policy, n_entries, is_weighted, n):
    """n_entries: the bound, or about so many of medium size fit. Returns the hits."""
    seed = f"{policy} {n_entries} {is_weighted}"
    rng = random.Random(seed)
    has_lives = policy in ("ttl", "tlru")
    ours_policy = "lru" if has_lives else policy
    weights = None
    header = f"{ours_policy} {n_entries} {1 << 30} {int(has_lives)} 0"
    if is_weighted:
        ask = f"{ours_policy} 1000000 {1 << 30} {int(has_lives)} 1"
        weights = dict(zip(SIZES, map(int, drive(driver, ask, [f"b 0 {size}" for size in SIZES])
                                      [:len(SIZES)])))
        max_bytes = n_entries * weights[100]
        header = f"{ours_policy} 1000000 {max_bytes} {int(has_lives)} 1"
    model = Model(policy, max_bytes if is_weighted else n_entries, weights)
    life = {"ttl": lambda rng: LIFE, "tlru": lambda rng: 1 + rng.randrange(2 * LIFE)}.get(
        policy, lambda rng: 0)
    done = list(operations(rng, n, 3 * n_entries + 2, 2 + 2 * LIFE // n_entries, life))
    ours = drive(driver, header, [" ".join(map(str, operation)) for operation in done])
    n_hits = 0
    for i, operation in enumerate(done):
        theirs = model.answer(*operation)
        n_hits += operation[0] == "c" and theirs != "-"
        if ours[i] != theirs:
            sys.exit(f"{seed}, operation {i}: {operation}\n  ours:   {ours[i]}\n"
                     f"  theirs: {theirs}")
    return n_hits


def main():
    scale = int(os.environ.get("MEMOSHIM_TEST_SCALE", "1"))
    total = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000 if scale > 1 else 40000
    for policy in ("fifo", "lru", "lfu", "ttl", "tlru"):
        cases = [(n, weighted) for n in (1, 2, 11, 14, 50, 300) for weighted in (False, True)]
        n = -(-total // len(cases))
        n_hits = sum(compare(sys.argv[1], policy, *case, n) for case in cases)
        print(f"{policy}: {len(cases)} cases, {n * len(cases)} operations, {n_hits} hits: the same",
              flush=True)


main()
