# SPDX-License-Identifier: MIT
"""Threads, signals, forks, evictions and expiries at the same time, for MEMOSHIM_TEST_SCALE times
three seconds in each of several settings. Answers must be right and calls counted exactly."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import case  # pylint: disable=wrong-import-position
import counted  # pylint: disable=wrong-import-position

CHURN = case.BUILD / "tests" / "stress" / "churn"
SECONDS = 3 * int(os.environ.get("MEMOSHIM_TEST_SCALE", "1"))
FUNCTIONS = "square", "name", "length", "check", "divide"


class Churn(counted.CountedCase):

    def churn(self, **policy):
        config = self.config(counted.functions(*FUNCTIONS, **policy))
        outcome = self.run_with(config, [CHURN, SECONDS], seconds=SECONDS + case.RUN_SECONDS)
        self.assertEqual((outcome.status, outcome.stderr), (0, b""), outcome.stdout)
        words = outcome.stdout.split()
        for name, calls in zip(words[:10:2], words[1:10:2]):
            self.assertEqual(outcome.function(f"counted_{name.decode()}")["calls"], int(calls))
        self.check_real(outcome)
        self.assertGreater(len(outcome.reports), SECONDS)  # the children's
        return outcome

    def test_roomy(self):
        outcome = self.churn()
        self.assertEqual(outcome.function("counted_square")["evictions"], 0)

    def test_few_entries(self):
        outcome = self.churn(max_entries=20, shards=1)
        self.assertGreater(outcome.function("counted_name")["evictions"], 0)

    def test_few_bytes_and_shards(self):
        outcome = self.churn(max_bytes="8KiB", shards=4)
        self.assertGreater(outcome.function("counted_name")["evictions"], 0)

    def test_short_lives(self):
        outcome = self.churn(ttl="20ms", shards=2)
        self.assertGreater(outcome.function("counted_square")["expirations"], 0)

    def test_without_single_flight(self):
        self.churn(single_flight=False, max_entries=50)


if __name__ == "__main__":
    case.main()
