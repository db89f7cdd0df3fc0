# SPDX-License-Identifier: MIT
"""No answer is older than the last change that had returned when it was asked for, whoever computes
what in the meantime. MEMOSHIM_TEST_SCALE makes the run longer."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import case  # pylint: disable=wrong-import-position

PROGRAM = case.BUILD / "tests" / "stress" / "invalidation"
SECONDS = max(2, int(2 * float(os.environ.get("MEMOSHIM_TEST_SCALE", "1"))))
MATCH = {"on_call": "versions_change",
         "prototype": "void versions_change(int why, long subject)",
         "match": {"subject": "subject"}}
# Each of these calls the next; the change drops them one after the other.
OF_ALL = "versions_look_thrice", "versions_look_twice", "versions_look_at_all"


def functions(of_each=(), **policy):
    """Entries of both functions that look; of_each: what only makes sense for each subject."""
    return {
        "versions_look": {"prototype": "long versions_look(long subject, int key)",
                          "invalidate": [MATCH], "guard": False, **policy, **dict(of_each)},
        **{name: {"prototype": f"long {name}(int key)", "guard": False,
                  "invalidate": [{"on_call": "versions_change_all"}], **policy} for name in OF_ALL},
    }


class Invalidation(case.Case):

    def play(self, **policy):
        """One run; the outcome."""
        return self.check(functions(**policy), policy)

    def check(self, config, policy):
        outcome = self.run_with(self.config(config), [PROGRAM, SECONDS], seconds=SECONDS + 50)
        self.assertRegex(outcome.stdout, b"^0 stale of ", (policy, outcome.stderr[-1000:]))
        self.assertEqual(outcome.status, 0)
        for name in functions():
            function = outcome.function(name)
            self.assertGreater(function["hits"], 100, (policy, function))
            self.assertGreater(function["invalidations"], 100, (policy, function))
        return outcome

    def test_lru(self):
        self.play(policy="lru")

    def test_without_single_flight(self):
        self.play(policy="sieve", shards=4, single_flight=False)

    def test_who_calls_whom_is_dropped_in_any_order(self):
        config = functions(policy="direct")
        for order in sorted(config), sorted(config, reverse=True):
            with self.subTest(order=order):
                self.check({name: config[name] for name in order}, "direct")

    def test_instances(self):
        outcome = self.play(of_each={"per_instance": "subject", "max_instances": 10})
        self.assertLessEqual(outcome.function("versions_look")["instances"], 10)

    def test_what_changes_meanwhile_is_no_mismatch(self):
        outcome = self.play(mode="verify")
        for name in functions():
            self.assert_counts(outcome.function(name), mismatches=0)


if __name__ == "__main__":
    case.main()
