# SPDX-License-Identifier: MIT
"""The tables of bench_driver at one size: hits, misses, threads, memory."""
import lines
import rounds
from table import Table

N_KEYS = 4096


def able(everybody, skipped):
    """Those that can run here; the others' reasons go to skipped."""
    found = []
    for line in everybody:
        why = line.missing()
        if why is None:
            found.append(line)
        else:
            skipped[line.name] = why
    return found


def numbers_of(line, shape_numbers, slow_numbers):
    return slow_numbers if isinstance(line, (lines.Python, lines.Npm)) else shape_numbers


def _reference(cells, cell):
    """The cell of the memo written by hand for that shape."""
    for other in cells:
        if other.line in lines.MEMOS and other.shape == cell.shape:
            return other
    return None


def measure_hits(settings, skipped):
    fast = [N_KEYS, settings.n_batches, settings.n_passes]
    slow = [N_KEYS, settings.n_batches, max(1, settings.n_passes // 8)]
    cells = [rounds.Cell(line, "hits", shape, numbers_of(line, fast, slow))
             for line in able(lines.EVERYBODY, skipped) for shape in line.shapes]
    with rounds.pinned():
        rounds.measure(cells, settings.n_rounds, "hits")
    table = Table("hits", f"A hit, ns ({N_KEYS:,} arguments, one thread; in brackets: times the "
                  "hard-coded memo)", lines.SHAPES)
    for cell in cells:
        reference = _reference(cells, cell)
        times = rounds.median_ratio(cell.values, reference.values) if reference else None
        table.put(cell.line.key, cell.line.name, cell.shape,
                  rounds.statistics.median(cell.values), times)
    return table


def measure_misses(settings, skipped):
    numbers = [N_KEYS, settings.n_batches, 1]
    everybody = able([lines.PLAIN, *lines.MEMOS, lines.DIRECT, lines.SIEVE,
                      lines.LRU, *lines.LIVES, lines.GLIB, lines.UTHASH, lines.FUNCTOOLS,
                      lines.CACHETOOLS_LOCK, lines.NPM], skipped)
    cells = [rounds.Cell(line, "misses", shape, numbers)
             for line in everybody for shape in line.shapes if shape not in lines.CHAINS]
    with rounds.pinned():
        rounds.measure(cells, settings.n_rounds, "misses")
    columns = {shape: heading for shape, heading in lines.SHAPES.items()
               if shape not in lines.CHAINS}
    table = Table("misses", f"A miss, ns over the plain call (a full cache of {N_KEYS:,})", columns)
    plain = {cell.shape: cell.values for cell in cells if cell.line is lines.PLAIN}
    for cell in cells:
        if cell.line is lines.PLAIN:
            continue
        if isinstance(cell.line, (lines.Python, lines.Npm)):
            over = cell.values
        else:
            over = [a - b for a, b in zip(cell.values, plain[cell.shape])]
        table.put(cell.line.key, cell.line.name, cell.shape, rounds.statistics.median(over))
    table.notes.append("Python's and npm's: the whole call.")
    return table


def measure_misses_beside(settings, skipped):
    """In a process that has threads: with one that misses and one that sleeps, and with two."""
    ways = {1: "another thread asleep", 2: "two threads that miss"}
    everybody = able([lines.PLAIN, lines.DIRECT, lines.SIEVE, lines.LRU, lines.WITH_LIFE,
                      lines.GLIB, lines.UTHASH], skipped)
    cells = [rounds.Cell(line, "misses", shape, [N_KEYS, settings.n_batches, 1, 0, n])
             for line in everybody for n in ways for shape in line.shapes if shape in lines.SHORT]
    rounds.measure(cells, settings.n_rounds, "misses_beside")
    table = Table("misses_beside", "A miss beside other threads, ns over the plain call (a full "
                  f"cache of {N_KEYS:,})", {shape: lines.SHAPES[shape] for shape in lines.SHORT})
    plain = {(cell.shape, cell.numbers[-1]): cell.values for cell in cells
             if cell.line is lines.PLAIN}
    for cell in cells:
        if cell.line is not lines.PLAIN:
            over = [a - b for a, b in zip(cell.values, plain[cell.shape, cell.numbers[-1]])]
            table.put(f"{cell.line.key}-{cell.numbers[-1]}",
                      f"{cell.line.name}, {ways[cell.numbers[-1]]}", cell.shape,
                      rounds.statistics.median(over))
    table.notes.append("Processor time of a call, on as many processors as there are threads that "
                       f"miss, if the machine has so many ({settings.n_cpus} here).")
    return table


def measure_threads(settings, skipped):
    columns = {n: f"{n} thread{'s' if n > 1 else ''}" for n in (1, 2, 4)}
    everybody = able([lines.PLAIN, lines.MEMO_DOUBLE, lines.DIRECT, lines.SIEVE, lines.LRU,
                      lines.GLIB, lines.UTHASH], skipped)
    cells = [rounds.Cell(line, "threads", "double",
                         [N_KEYS, settings.n_batches, settings.n_passes, 0, n])
             for line in everybody for n in columns]
    rounds.measure(cells, settings.n_rounds, "threads")
    table = Table("threads", "Threads that hit one cache: millions of calls a second, all together",
                  columns)
    for cell in cells:
        table.put(cell.line.key, cell.line.name, cell.numbers[-1],
                  1e3 / rounds.statistics.median(cell.values))
    table.notes.append(f"On {settings.n_cpus} processors. The hard-coded memo is not made for "
                       "threads: it may hand out the value of another key.")
    return table


def measure_memory(settings, skipped):
    n_keys = settings.n_memory_keys
    everybody = able([lines.PLAIN, lines.MEMO_DOUBLE, lines.DIRECT_SMALL, lines.SIEVE, lines.LRU,
                      lines.GLIB, lines.UTHASH, lines.FUNCTOOLS, lines.CACHETOOLS, lines.NPM],
                     skipped)
    cells = [rounds.Cell(line, "memory", "double", [n_keys, 1, 1]) for line in everybody]
    rounds.measure(cells, min(3, settings.n_rounds), "memory")
    table = Table("memory", f"Memory, bytes for each of {n_keys:,} results (8 bytes of key, 8 of "
                  "value)", {"bytes": "resident memory"})
    plain = rounds.statistics.median(cells[0].values)
    for cell in cells[1:]:
        value = rounds.statistics.median(cell.values)
        if not isinstance(cell.line, (lines.Python, lines.Npm)):
            value -= plain
        table.put(cell.line.key, cell.line.name, "bytes", value)
    table.notes.append("More than the same process has without; all included. For Python and npm: "
                       "what it grew by. memoshim, direct has a place for each result here, as the "
                       "hard-coded memo has, whether the place is filled or not.")
    return table
