# SPDX-License-Identifier: MIT
"""Threads, signals, recursion, exceptions: what happens while the real function runs."""

import case
import counted

THREADS = case.PROGRAMS / "threads"


class Threads(counted.CountedCase):

    def act(self, name, *functions, **policy):
        """One act without and with memoshim; the outcome with it."""
        config = self.config(counted.functions(*functions or ("hooked",), **policy))
        outcome = self.run_with(config, [THREADS, name])
        self.assertEqual(outcome.status, 0, outcome.stdout + outcome.stderr)
        self.assertEqual(outcome.stderr, b"")
        self.check_real(outcome)
        return outcome

    def test_what_is_not_stored_holds_nobody_up(self):
        """Two of three computations can only end together: so they do not wait for each other."""
        function = self.act("unstored", store_if="return == 0").function("counted_hooked")
        self.assert_counts(function, calls=3, misses=3, hits=0, waits=0, not_stored=3, entries=0)

    def test_without_single_flight(self):
        function = self.act("unstored", single_flight=False,
                            store_if="return == 0").function("counted_hooked")
        self.assert_counts(function, calls=3, misses=3, hits=0)

    def test_each_needs_the_other(self):
        """Two computations that need each other's key: neither waits."""
        function = self.act("mutual").function("counted_hooked")
        self.assert_counts(function, calls=4, misses=2, hits=0, bypasses=2,
                           bypass_reasons={"no_wait": 2})

    def test_recursion_on_the_same_key(self):
        function = self.act("same").function("counted_hooked")
        self.assert_counts(function, calls=3, misses=1, bypasses=1, hits=1,
                           bypass_reasons={"recursion": 1})

    def test_signal_handler_that_calls_the_function(self):
        for shards in 1, 4:
            outcome = self.act("storm", "square", shards=shards)
            n_calls = int(outcome.stdout.split()[1])
            function = outcome.function("counted_square")
            self.assertEqual(function["calls"], n_calls)
            self.assertEqual(function["entries"], 24)

    def test_crowd(self):
        """8 threads, hits and misses and evictions all the time."""
        outcome = self.act("crowd", "square", "name", max_entries=40)
        for name in "counted_square", "counted_name":
            function = outcome.function(name)
            self.assertEqual(function["calls"], int(outcome.stdout.split()[1]))
            self.assertEqual(function["entries"], 40)
            self.assertGreater(function["evictions"], 0)

    def test_leaving_by_longjmp(self):
        outcome = self.act("longjmp", single_flight_timeout="50ms")
        self.assertEqual(outcome.function("counted_hooked")["calls"], 3 + 6)

    def test_leaving_by_exit_and_cancellation(self):
        outcome = self.act("leave", single_flight_timeout="50ms")
        self.assertEqual(outcome.function("counted_hooked")["calls"], 4)

    def test_exceptions(self):
        program = case.PROGRAMS / "throw"
        case.need(program.exists(), "there was no C++ compiler")
        config = self.config(counted.functions("hooked", single_flight_timeout="50ms"))
        plain, outcome = self.run_both(config, [program])
        self.assertIn(b"5 caught, 10 destroyed", plain.stdout)
        self.assertEqual(outcome.function("counted_hooked")["calls"], 5 + 6)
        self.check_real(outcome)


if __name__ == "__main__":
    case.main()
