# SPDX-License-Identifier: MIT
"""gawk's mathematics on repeating arguments: the same output, and counts as computed by hand."""

import case

# 1000 rounds: 10 different arguments of exp, 4 of sin, 5 x 3 of pow, 2 x 3 of atan2.
PROGRAM = """
BEGIN {
    for (i = 0; i < 1000; i++) {
        x += exp(i % 10 / 7)
        x += sin(i % 4 + 0.25)
        x += (i % 5 + 1.5) ^ (i % 3 + 0.5)
        x += atan2(i % 2 + 1, i % 3 - 5)
        if (i % 100 == 0) { printf "%.17g\\n", x }
    }
    printf "%.17g\\n", x
}
"""

COUNTS = {
    "exp": {"calls": 1000, "misses": 10, "hits": 990},
    "sin": {"calls": 1000, "misses": 4, "hits": 996},
    "pow": {"calls": 1000, "misses": 15, "hits": 985},
    "atan2": {"calls": 1000, "misses": 6, "hits": 994},
}


class Gawk(case.Case):

    def setUp(self):
        super().setUp()
        self.gawk = case.need_program("gawk")

    def test_presets(self):
        config = self.config({name: {"guard": False} for name in COUNTS})
        plain, outcome = self.run_both(config, [self.gawk, PROGRAM])
        self.assertEqual(plain.stdout.count(b"\n"), 11)
        for name, counts in COUNTS.items():
            self.assert_counts(outcome.function(name), **counts, bypasses=0, evictions=0,
                               stores=counts["misses"], not_stored=0, entries=counts["misses"],
                               library="libm.so.6", hooked_slots=1)

    def test_prototypes(self):
        config = self.config({
            "exp": {"prototype": "double exp(double x)", "guard": False, "max_entries": 10},
            "pow": {"prototype": "double pow(double, double)", "guard": False, "max_entries": 14},
        })
        _, outcome = self.run_both(config, [self.gawk, PROGRAM])
        self.assert_counts(outcome.function("exp"), misses=10, hits=990)
        # The 15 pairs come round in order, so a cache for 14 never has the next one.
        self.assert_counts(outcome.function("pow"), misses=1000, hits=0, entries=14, evictions=986)

    def test_raised_exceptions_are_not_remembered(self):
        program = "BEGIN { for (i = 0; i < 5; i++) { print exp(1000), exp(-1000), exp(0) } }"
        config = self.config({"exp": {"guard": False}})
        _, outcome = self.run_both(config, [self.gawk, program])
        self.assert_counts(outcome.function("exp"), calls=15, hits=4, misses=11, not_stored=10)

    def test_overhead_is_nothing_without_a_configuration(self):
        outcome = self.run_with(None, [self.gawk, "BEGIN { print exp(0) }"])
        self.assertEqual((outcome.stdout, outcome.stderr, outcome.reports), (b"1\n", b"", {}))


if __name__ == "__main__":
    case.main()
