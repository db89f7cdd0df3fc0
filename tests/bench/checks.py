# SPDX-License-Identifier: MIT
"""The bounds that memoshim holds itself to, on the tables of one run."""
import dataclasses


@dataclasses.dataclass
class Check:
    what: str
    seen: float
    bound: float
    unit: str

    @property
    def holds(self):
        return self.seen <= self.bound

    def as_text(self):
        return (f"{'holds' if self.holds else 'FAILS':6} {self.what}: {self.seen:,.2f}{self.unit}, "
                f"at most {self.bound:,.2f}{self.unit}")

    def as_json(self):
        return {**dataclasses.asdict(self), "holds": self.holds}


HIT_BOUNDS = {"direct": 1.5, "sieve": 2.0, "lru": 2.5}  # times the hard-coded memo
TEXT_BOUND = 2.5  # times the hard-coded memo for texts
FOREIGN_BOUNDS = {"functools": 8, "cachetools-lock": 80}  # so many times as fast as these
TYPED = "double", "three", "text", "out"  # what travels in registers only
MISS_BOUND_NS = 60
OFF_BOUND = 1.05  # times the plain call: what two runs of the same may differ by
GUARD_BOUND = 1.03  # times the same without memoshim
STARTUP_BOUNDS_US = {"empty": 100, "ten": 1500}
PROGRAM_BOUND = 1.05  # times the hand-written preload


def _hits(table):
    for policy, bound in HIT_BOUNDS.items():
        for shape, how in (("double", ""), ("chain", ", each after the last")):
            figure = table.get(policy, shape)
            if figure is not None and figure.times is not None:
                yield Check(f"hit of double f(double), {policy}{how}", figure.times, bound,
                            " times the hard-coded memo")
        figure = table.get(policy, "text")
        if figure is not None and figure.times is not None:
            yield Check(f"hit of a text of 16, {policy}", figure.times, TEXT_BOUND,
                        " times the hard-coded memo")
    for rival, factor in FOREIGN_BOUNDS.items():
        for shape in TYPED:
            theirs = table.get(rival, shape)
            if theirs is not None:
                value, policy = max((table.get(policy, shape).value, policy)
                                    for policy in HIT_BOUNDS)
                yield Check(f"slowest hit of {shape} ({policy}) against {rival}",
                            value / theirs.value * factor, 1.0, f" times 1/{factor} of it")
    off, plain = table.get("off", "double"), table.get("plain", "double")
    if off is not None:
        yield Check("a function that is off", off.value / plain.value, OFF_BOUND,
                    " times the plain call")


def _misses(table):
    for policy in HIT_BOUNDS:
        for shape in TYPED:
            figure = table.get(policy, shape)
            if figure is not None:
                yield Check(f"miss, {shape}, {policy}", figure.value, MISS_BOUND_NS,
                            " ns over the plain call")


def _startup(table):
    for key, bound in STARTUP_BOUNDS_US.items():
        yield Check(f"constructor, {key}", table.get(key, "constructor").value, bound, " us")


def _guard(table):
    figure = table.get("guard", "call")
    if figure is not None:
        yield Check("a function that is not worth it, with the guard", figure.times, GUARD_BOUND,
                    " times the plain call")


def _programs(table):
    for column, heading in table.columns.items():
        figure = table.get("against", column)
        if figure is not None:
            yield Check(f"whole program, {heading.rpartition(',')[0]}", figure.value,
                        PROGRAM_BOUND, " times the hand-written preload's time")


_CHECKERS = {"hits": _hits, "misses": _misses, "startup": _startup, "guard": _guard,
             "programs": _programs}


def check(tables):
    """Every bound of which these tables have the figures."""
    return [result for table in tables if table.key in _CHECKERS
            for result in _CHECKERS[table.key](table)]
