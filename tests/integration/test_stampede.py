# SPDX-License-Identifier: MIT
"""64 threads want one result at one time: how many real calls it takes, whatever becomes of the
thread that computes."""

import case
import counted

POLICIES = ("lru", "lfu", "fifo", "mru", "rr", "sieve", "s3-fifo", "w-tinylfu", "direct")
STAMPEDE = case.PROGRAMS / "stampede"


class Stampede(counted.CountedCase):

    def act(self, name, **policy):
        """One act with memoshim, every answer right."""
        config = self.config(counted.functions("hooked", **policy))
        outcome = self.run_with(config, [STAMPEDE, name])
        self.assertEqual(outcome.status, 0, outcome.stdout + outcome.stderr)
        self.assertEqual(outcome.stderr, b"")
        self.check_real(outcome)
        return outcome

    def test_slow(self):
        """The computation ends when the other 63 are asleep."""
        for policy in POLICIES:
            with self.subTest(policy):
                outcome = self.act("slow", policy=policy, single_flight_timeout="60s")
                self.assert_counts(outcome.function("counted_hooked"), calls=64, misses=1,
                                   hits=63, waits=63, bypasses=0, stores=1)

    def test_a_lost_computation_costs_one_more_call(self):
        """The first leaves the function for good: one of the others computes for all, and has done
        so before their patience with it ends, too."""
        for way in "exit", "longjmp", "cancel", "throw":
            with self.subTest(way):
                if way == "throw":
                    case.need((case.PROGRAMS / "throw").exists(), "there was no C++ compiler")
                outcome = self.act(f"lost-by-{way}", single_flight_timeout="2s")
                self.assert_counts(outcome.function("counted_hooked"), calls=64, misses=2, hits=62,
                                   bypasses=0, stores=1)
                self.assertEqual(outcome.real["hooked"], 2)

    def test_fork_in_the_middle(self):
        """The child has the flight of a thread that it has not: it computes for itself, at once.
        The parent's threads get the one result."""
        for maker in "itself", "another":
            with self.subTest(maker):
                outcome = self.act(f"fork-by-{maker}", single_flight_timeout="1h")
                self.assert_counts(outcome.function("counted_hooked"), calls=64, misses=1,
                                   hits=63, waits=63, bypasses=0, stores=1)
                [child] = set(outcome.reports) - {outcome.pid}
                self.assert_counts(outcome.function("counted_hooked", child), calls=2, misses=1,
                                   hits=1, waits=0, bypasses=0, stores=1)
                self.assertEqual(outcome.real["hooked"], 2)

    def test_recursion_on_the_same_key(self):
        """The computation needs its own result: that call goes to the real function, and the
        others wait for the outer one."""
        function = self.act("recursion", single_flight_timeout="60s").function("counted_hooked")
        self.assert_counts(function, calls=65, misses=1, hits=63, waits=63, bypasses=1,
                           bypass_reasons={"recursion": 1}, stores=1)


if __name__ == "__main__":
    case.main()
