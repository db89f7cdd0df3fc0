#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our cache and cachetools, entry for entry on random operations: LRU, FIFO, LFU and TTL.

Usage: compare_cachetools.py DRIVER [OPERATIONS_PER_CASE]. Exits 77 without python3-cachetools.
"""
import random
import subprocess
import sys

try:
    import cachetools
except ImportError:
    print("skipped: python3-cachetools is not installed")
    sys.exit(77)


POLICIES = {"lru": cachetools.LRUCache, "fifo": cachetools.FIFOCache, "lfu": cachetools.LFUCache}
CASES = (("lru", 0), ("lru", 5), ("lru", 1000), ("fifo", 0), ("lfu", 0))


def operations(rng, n, n_keys, tick):
    """Yields (letter, now, arguments...): gets and sets of skewed keys, at times a listing."""
    now = 0
    for i in range(n):
        now += rng.randrange(tick)
        key = int(n_keys * rng.random() ** 2)
        if i % 10 == 9:
            yield ("k", now)
        elif rng.random() < 0.4:
            yield ("s", now, key, rng.randrange(1 << 32))
        else:
            yield ("g", now, key)


def expected(cache, clock, operation):
    clock[0] = operation[1]
    if operation[0] == "k":
        return " ".join(str(key) for key in sorted(cache))
    if operation[0] == "g":
        value = cache.get(operation[2])
        return "-" if value is None else str(value)
    cache[operation[2]] = operation[3]
    return "+"


def compare(driver, policy, seed, max_entries, ttl, n):
    rng = random.Random(seed)
    clock = [0]
    if ttl == 0:
        cache = POLICIES[policy](max_entries)
    else:
        cache = cachetools.TTLCache(max_entries, ttl, timer=lambda: clock[0])
    done = list(operations(rng, n, 3 * max_entries + 2, 1 + ttl // max(1, max_entries) * 2))
    lines = ["%s %d %d" % (policy, max_entries, ttl)] + [" ".join(map(str, o)) for o in done]
    ours = subprocess.run([driver], input="\n".join(lines) + "\n", text=True, check=True,
                          stdout=subprocess.PIPE).stdout.split("\n")
    for i, operation in enumerate(done):
        theirs = expected(cache, clock, operation)
        if ours[i] != theirs:
            sys.exit("%s, max_entries %d, ttl %d, seed %d, operation %d: %s\n"
                     "  ours:   %s\n  theirs: %s"
                     % (policy, max_entries, ttl, seed, i, operation, ours[i], theirs))


def main():
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    n_cases = 0
    for max_entries in (1, 2, 11, 14, 50, 300):
        for policy, ttl in CASES:
            compare(sys.argv[1], policy, max_entries + ttl, max_entries, ttl, n)
            n_cases += 1
    print("%d cases of %d operations: the same" % (n_cases, n))


main()
