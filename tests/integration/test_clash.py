# SPDX-License-Identifier: MIT
"""A program whose own exported functions have the names of memoshim's libraries."""

import case
import counted


class Clash(counted.CountedCase):

    def test_names_of_the_program_stay_its_own(self):
        config = self.config(counted.functions("square", "length"))
        plain, outcome = self.run_both(config, [case.PROGRAMS / "clash"])
        self.assertEqual(plain.stdout.splitlines()[:2], [b"before: 0 calls", b"after: 0 calls"])
        self.assert_counts(outcome.function("counted_square"), calls=100, misses=10, hits=90)
        self.assert_counts(outcome.function("counted_length"), calls=100, misses=1, hits=99)
        self.check_real(outcome)

    def test_the_program_may_be_memoized_itself(self):
        """Nor does its calling a function of that name keep it from being remembered."""
        config = self.config({**counted.functions("square"),
                              "XXH3_64bits": {"prototype": "unsigned XXH3_64bits(unsigned a)"}})
        plain, outcome = self.run_both(config, [case.PROGRAMS / "clash"])
        self.assertEqual(outcome.function("counted_square")["hits"], 90)


if __name__ == "__main__":
    case.main()
