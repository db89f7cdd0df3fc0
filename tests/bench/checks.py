# SPDX-License-Identifier: MIT
"""The bounds that memoshim holds itself to, on the tables of one run."""
import dataclasses


@dataclasses.dataclass
class Check:
    what: str
    seen: float
    bound: float
    unit: str
    account: dict = None  # of a program: what its difference is made of, see parts.py

    @property
    def holds(self):
        return self.seen <= self.bound

    @property
    def is_explained(self):
        """It does not hold, but what was measured piece by piece comes to the whole."""
        if self.holds or self.account is None:
            return False
        difference = self.account["difference_ms"]
        rest = difference - sum(self.account["stages_ms"].values())
        return abs(rest) <= REST_BOUND * difference

    @property
    def passes(self):
        return self.holds or self.is_explained

    def as_text(self):
        verdict = "holds" if self.holds else "explained" if self.is_explained else "FAILS"
        text = (f"{verdict:9} {self.what}: {self.seen:,.2f}{self.unit}, "
                f"at most {self.bound:,.2f}{self.unit}")
        if not self.holds and self.account is not None:
            stages = self.account["stages_ms"]
            text += (f"; {self.account['difference_ms']:.2f} ms more, piece by piece "
                     + ", ".join(f"{name} {value:.2f}" for name, value in stages.items())
                     + f": {sum(stages.values()):.2f}")
        return text

    def as_json(self):
        return {**dataclasses.asdict(self), "holds": self.holds, "passes": self.passes}


HIT_BOUNDS = {"direct": 1.5, "sieve": 2.0, "lru": 2.5}  # times the hard-coded memo
TEXT_BOUND = 2.5  # times the hard-coded memo for texts
FOREIGN_BOUNDS = {"functools": 8, "cachetools-lock": 80}  # so many times as fast as these
TYPED = "double", "three", "text", "out"  # what travels in registers only
MISS_BOUND_NS = 60
OFF_BOUND = 1.05  # times the plain call: what two runs of the same may differ by
GUARD_BOUND = 1.03  # times the same without memoshim
STARTUP_BOUNDS_US = {"empty": 100, "ten": 1500}
PROGRAM_BOUND = 1.05  # times the hand-written preload; or what is beyond it is accounted for,
REST_BOUND = 0.15  # but for that share of it


def _hits(table, _tables):
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


def _misses(table, _tables):
    for policy in HIT_BOUNDS:
        for shape in TYPED:
            figure = table.get(policy, shape)
            if figure is not None:
                yield Check(f"miss, {shape}, {policy}", figure.value, MISS_BOUND_NS,
                            " ns over the plain call")


def _startup(table, _tables):
    for key, bound in STARTUP_BOUNDS_US.items():
        yield Check(f"constructor, {key}", table.get(key, "constructor").value, bound, " us")


def _guard(table, _tables):
    figure = table.get("guard", "call")
    if figure is not None:
        yield Check("a function that is not worth it, with the guard", figure.times, GUARD_BOUND,
                    " times the plain call")


def _programs(table, tables):
    accounts = next((each.accounts for each in tables if each.key == "parts"), {})
    for column, heading in table.columns.items():
        figure = table.get("against", column)
        if figure is not None:
            yield Check(f"whole program, {heading.rpartition(',')[0]}", figure.value,
                        PROGRAM_BOUND, " times the hand-written preload's time",
                        accounts.get(column))


_CHECKERS = {"hits": _hits, "misses": _misses, "startup": _startup, "guard": _guard,
             "programs": _programs}


def check(tables):
    """Every bound of which these tables have the figures."""
    return [result for table in tables if table.key in _CHECKERS
            for result in _CHECKERS[table.key](table, tables)]
