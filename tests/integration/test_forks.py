# SPDX-License-Identifier: MIT
"""Every way of making a process, with calls of memoized functions before, in the child, and after.
Counts are exact in each process that has memory of its own; one that runs on its parent's counts
there."""

import case
import counted

FORKS = case.PROGRAMS / "forks"
COPIES = "fork", "_Fork", "clone", "clone3", "clone-function"
SHARING = "vfork", "vfork-failed-exec", "clone-memory", "clone-memory-vfork"
MAKERS = "fork", "_Fork", "clone"


class Forks(counted.CountedCase):

    def make(self, way, **policy):
        config = self.config(counted.functions("square", "hooked", **policy), programs=["forks"])
        outcome = self.run_with(config, [FORKS, way])
        self.assertEqual((outcome.status, outcome.stderr), (0, b""), outcome.stdout)
        self.check_real(outcome)
        return outcome

    def child_of(self, outcome):
        pids = set(outcome.reports) - {outcome.pid}
        self.assertEqual(len(pids), 1, outcome.reports)
        return pids.pop()

    def test_copies(self):
        for way in COPIES:
            if way == "clone-function" and case.SANITIZED:
                continue  # its runtime says something about the stack
            for policy in {}, {"single_flight": False}, {"policy": "sieve", "shards": 4}:
                with self.subTest(way, **policy):
                    outcome = self.make(way, **policy)
                    child = self.child_of(outcome)
                    self.assert_counts(outcome.function("counted_square"), calls=60, misses=40,
                                       hits=20, entries=40, bypasses=0)
                    self.assert_counts(outcome.function("counted_hooked"), calls=0)
                    self.assert_counts(outcome.function("counted_square", child), calls=20,
                                       hits=10, misses=10, entries=20, bypasses=0)
                    self.assert_counts(outcome.function("counted_hooked", child), calls=1,
                                       misses=1)

    def test_the_parent_s_memory(self):
        """The child's calls are the parent's: it finds afterwards what the child computed."""
        for way in SHARING:
            with self.subTest(way):
                outcome = self.make(way)
                self.assertEqual(list(outcome.reports), [outcome.pid])
                self.assert_counts(outcome.function("counted_square"), calls=80, misses=40,
                                   hits=40, bypasses=0)
                self.assert_counts(outcome.function("counted_hooked"), calls=1, misses=1)

    def test_spawn(self):
        outcome = self.make("posix_spawn")
        self.assertEqual(list(outcome.reports), [outcome.pid])
        self.assert_counts(outcome.function("counted_square"), calls=100, misses=40, hits=60)

    def test_generations(self):
        for maker in "fork", "clone":
            with self.subTest(maker):
                outcome = self.make(f"{maker}-generations")
                self.assertEqual(len(outcome.reports), 4)
                # Each knows what those before it knew, and counts its own calls alone.
                self.assert_counts(outcome.function("counted_square"), calls=10, misses=10)
                counts = sorted((report["functions"]["counted_square"]["calls"],
                                 report["functions"]["counted_square"]["entries"])
                                for report in outcome.reports.values())
                self.assertEqual(counts, [(10, 10), (15, 15), (15, 20), (15, 25)])

    def test_in_the_middle_of_a_call(self):
        """The real function itself forks: parent and child both come back from it."""
        for maker in MAKERS:
            with self.subTest(maker):
                outcome = self.make(f"{maker}-middle")
                self.assert_counts(outcome.function("counted_hooked"), calls=3, misses=1, hits=2)
                function = outcome.function("counted_hooked", self.child_of(outcome))
                self.assertEqual(function["calls"], function["hits"] + function["misses"])
                self.assertGreaterEqual(function["hits"], 1)

    def test_while_another_thread_computes(self):
        """In the child that thread is gone, and nobody waits for it."""
        for maker in MAKERS:
            with self.subTest(maker):
                outcome = self.make(f"{maker}-under-way", single_flight_timeout="1h")
                self.assert_counts(outcome.function("counted_hooked"), calls=1, misses=1)
                function = outcome.function("counted_hooked", self.child_of(outcome))
                self.assert_counts(function, calls=2, misses=1, hits=1, waits=0)


if __name__ == "__main__":
    case.main()
