# SPDX-License-Identifier: MIT
"""Names that memoshim has as well: those of its libraries, and dlsym."""

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

    @case.exports_names
    def test_wrappers_that_look_the_real_function_up(self):
        """memoshim's own start calls them, and sanitizers' runtimes are made of them."""
        plain, outcome = self.run_both(self.config(counted.functions("square")),
                                       [case.PROGRAMS / "early"])
        self.assertEqual(plain.stdout, b"2850, 0 not found\n1 1\n")
        self.assert_counts(outcome.function("counted_square"), calls=100, misses=10, hits=90)
        self.assert_same(plain, self.run_with(None, [case.PROGRAMS / "early"]))

    def test_an_allocator_that_must_not_be_asked_before_main(self):
        case.need((case.PROGRAMS / "lisp").exists(), "a sanitizer brings the allocator")
        config = self.config(counted.functions("square"))
        plain = self.run_plain([case.PROGRAMS / "lisp"])
        self.assertEqual((plain.status, plain.stdout), (3, b"2850\n"))
        outcome = self.run_with(config, [case.PROGRAMS / "lisp"])
        self.assertEqual((outcome.status, outcome.stdout), (3, b"2850\n"))
        self.assertIn(b"nothing is memoized: the program has a malloc of its own", outcome.stderr)
        self.assert_same(plain, self.run_with(None, [case.PROGRAMS / "lisp"]))

    def test_an_allocator_that_can_be_asked_at_any_time(self):
        case.need((case.PROGRAMS / "lisp").exists(), "a sanitizer brings the allocator")
        config = self.config(counted.functions("square"))
        _, outcome = self.run_both(config, [case.PROGRAMS / "lisp-whole"])
        self.assert_counts(outcome.function("counted_square"), calls=100, misses=10, hits=90)


if __name__ == "__main__":
    case.main()
