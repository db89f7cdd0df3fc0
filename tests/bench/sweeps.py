# SPDX-License-Identifier: MIT
"""What is drawn rather than read: hits of tables of many sizes, and what remembering gains for
functions of many costs."""
import statistics

import in_process
import lines
import rounds
from table import Table

N_CALLS = 1 << 16  # of a batch
LARGE = 1 << 17  # keys; from there on fewer rounds
FRESH = 1000, 500, 100, 10, 0  # calls in 1000 that are not hits


def measure_sizes(settings, skipped):
    table = Table("sizes", "A hit, ns, by the number of arguments",
                  {n: f"{n:,}" for n in settings.sizes})
    everybody = in_process.able([lines.MEMO_DOUBLE, lines.DIRECT, lines.SIEVE, lines.LRU,
                                 lines.GLIB, lines.UTHASH], skipped)
    with rounds.pinned():
        for n_keys in settings.sizes:
            numbers = [n_keys, 3, max(1, N_CALLS // n_keys)]
            cells = [rounds.Cell(line, "hits", "double", numbers) for line in everybody]
            n_rounds = 3 if n_keys >= LARGE else 5
            rounds.measure(cells, min(settings.n_rounds, n_rounds), f"{n_keys:,} keys")
            for cell in cells:
                table.put(cell.line.key, cell.line.name, n_keys, statistics.median(cell.values))
    return table


def measure_gain(settings, _skipped):
    """Columns: steps of the real function; their heading is what the plain call takes."""
    table = Table("gain", "Times as fast with memoshim (lru, without guard) by what the call takes",
                  {}, digits=2)
    n_keys = in_process.N_KEYS
    with rounds.pinned():
        for cost in settings.costs:
            plain = rounds.Cell(lines.PLAIN, "hits", "double", [n_keys, 3, 1, cost])
            cells = {fresh: rounds.Cell(lines.LRU_WITH_ROOM, "mixed", "double",
                                        [n_keys, 5, 1, cost, fresh]) for fresh in FRESH}
            rounds.measure([plain, *cells.values()], min(settings.n_rounds, 5), f"cost {cost}")
            plain_ns = statistics.median(plain.values)
            table.columns[cost] = f"{plain_ns:,.1f} ns"
            table.put("plain", "the plain call, ns", cost, plain_ns)
            for fresh, cell in cells.items():
                table.put(f"{1000 - fresh}", f"{(1000 - fresh) / 10:g} % hits", cost,
                          rounds.median_ratio(plain.values, cell.values))
    return table
