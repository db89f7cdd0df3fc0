# SPDX-License-Identifier: MIT
"""The modes that prove and measure: every call is a real one, and the counts say what would have
been."""

import case
import counted

SCRIPT = ["square 3", "square 4", "square 3", "square 3", "length abc", "length abc", "length NULL",
          "divide 7 2", "divide 7 0", "divide 7 2", "place a b", "place a b", "name 4", "name 4",
          "name -1", "encode abc 16", "encode abc 16", "fib 5", "fib 5"]
NAMES = ["square", "length", "divide", "place", "name", "encode", "fib"]


class Modes(counted.CountedCase):

    def test_observe_runs_every_call(self):
        memoized, _ = self.drive(self.config(counted.functions(*NAMES)), SCRIPT)
        observed, real = self.drive(self.config(counted.functions(*NAMES, mode="observe")), SCRIPT)
        self.assertTrue(all(n > 0 for n in real), real)
        for name in NAMES:
            would, was = (o.function(f"counted_{name}") for o in (observed, memoized))
            self.assert_counts(would, mode="observe", hits=0, misses=would["calls"])
            if name != "fib":  # which makes further calls of its own when it runs
                self.assert_counts(would, calls=was["calls"], would_hit=was["hits"],
                                   entries=was["entries"], stores=was["stores"])
            self.assertEqual(would["saved_s"], 0)
            self.assertIn("would_save_s", would)

    def test_verify_finds_pure_functions_true(self):
        outcome, real = self.drive(self.config(counted.functions(*NAMES, mode="verify")), SCRIPT)
        self.assertTrue(all(n > 0 for n in real), real)
        self.assertEqual(outcome.stderr, b"")
        for name in NAMES:
            function = outcome.report["functions"][f"counted_{name}"]
            self.assertGreater(function["hits"], 0)
            self.assert_counts(function, mode="verify", verified=function["hits"], mismatches=0,
                               saved_s=0)

    def drift(self, script, **policy):
        """The script without and with memoshim, which has something to say on standard error."""
        config = self.config(counted.functions("drift", "square", **policy))
        argv = [case.PROGRAMS / "driver", self.folder / "trace"]
        text = "".join(f"{line}\n" for line in script)
        plain, outcome = self.run_plain(argv, text), self.run_with(config, argv, text)
        self.assertEqual((plain.stdout, plain.status), (outcome.stdout, outcome.status))
        self.assertEqual((self.folder / "trace").read_text().split(), ["1"] * len(script))
        return outcome

    def check_real(self, outcome):
        """Here real calls are made for hits, too."""
        for name, count in outcome.real.items():
            function = outcome.report["functions"].get(f"counted_{name}")
            if function is not None and function["mode"] != "off":
                self.assertEqual(function["misses"] + function["bypasses"] +
                                 function.get("verified", 0) + function["mismatches"], count, name)

    def test_verify_reports_a_function_that_drifts(self):
        outcome = self.drift(["drift 7"] * 8, mode="verify")
        self.assert_counts(outcome.function("counted_drift"), calls=8, misses=1, hits=7,
                           verified=4, mismatches=3)
        self.assertEqual(outcome.stderr, b"memoshim: counted_drift: the result differs from what "
                                         b"was remembered (x=7)\n" * 3)

    def test_the_variable_overrides_the_configuration(self):
        outcome, _ = self.drive(self.config(counted.functions("square")), ["square 2"] * 3,
                                env={"MEMOSHIM_MODE": "verify"})
        self.assert_counts(outcome.function("counted_square"), mode="verify", verified=2)

    def test_a_wrong_sample_lets_go_of_the_function(self):
        outcome = self.drift(["drift 7"] * 20 + ["square 3"] * 3, verify_sample=1)
        function = outcome.function("counted_drift")
        self.assert_counts(function, mode="off", misses=1, verified=4, mismatches=1, entries=0,
                           calls=6, hooked_slots=0,
                           limits="a hit that was verified differed from the real call")
        self.assert_counts(outcome.function("counted_square"), mode="memoize", verified=2)
        self.assertIn(b"counted_drift is not memoized from here on: a hit that was verified "
                      b"differed from the real call\n", outcome.stderr)

    def test_no_sample_no_real_call(self):
        _, real = self.drive(self.config(counted.functions("square", verify_sample=0)),
                             ["square 3"] * 5)
        self.assertEqual(real, [1, 0, 0, 0, 0])


if __name__ == "__main__":
    case.main()
