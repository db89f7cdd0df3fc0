# SPDX-License-Identifier: MIT
"""The guard: a function that does not pay gets its slots back, and is tried again.

Whether it does is a matter of times, but here beyond doubt: what is never asked twice cannot pay,
and a function of 50 us is worth any hit. What happened is read from a slot, from the library's own
count of real calls, and from the statistics.
"""

import json

import case

WEIGHED = case.PROGRAMS / "weighed"
MANY = 20000000  # calls until it must have been let go of, whatever disturbs the measuring
FIRST = {"prototype": "long weighed_first(long x)"}
SECOND = {"prototype": "long weighed_second(long x)", "guard": False}


class Guard(case.Case):

    def weigh(self, *words, second=True, env=None, **policy):
        """Runs the program; (real calls, what the slot holds) of each word, and the outcome."""
        functions = {"weighed_first": {**FIRST, **policy}}
        if second:
            functions["weighed_second"] = SECOND
        outcome = self.run_with(self.config(functions), [WEIGHED, *words], env=env)
        self.assertEqual(outcome.status, 0, outcome.stderr)
        lines = [line.split() for line in outcome.stdout.decode().splitlines()]
        return [(int(line[2]), line[3]) for line in lines], outcome

    def test_lets_go_and_says_so(self):
        words, outcome = self.weigh(f"unhook:{MANY}", "once:50000", env={"MEMOSHIM_LOG": "info"})
        self.assertEqual([slot for _, slot in words], ["plain", "plain"])
        self.assertEqual(words[1][0], 50000)
        function = outcome.function("weighed_first")
        self.assert_counts(function, mode="memoize", hits=0, rests=1, probes=0, resting=1,
                           hooked_slots=0)
        self.assertGreaterEqual(function["misses"], 16384)
        self.assertEqual(function["calls"], function["misses"] + function["bypasses"])
        # Calls meanwhile are not seen.
        self.assertLessEqual(function["calls"], words[0][0])
        self.assertRegex(function["limits"],
                         r"^the guard let go of it: the function takes [0-9.]+ ns, of [0-9]+ calls "
                         r"0\.0 % were hits, a miss [0-9.]+ ns more than the function$")
        self.assertLess(function["saved_s"], 0)
        self.assertRegex(outcome.stderr.decode(),
                         r"(?m)^memoshim: weighed_first is not memoized for at least 1 s: the "
                         r"guard let go of it: the function takes [^\n]*$")
        self.assertEqual(outcome.stderr.count(b"the guard let go of it"), 1)

    def test_text_and_prometheus(self):
        label = b'{function="weighed_first"} 1\n'
        for form, wanted in (
                ("text", (b"rests 1, resting 1\n", b"limits: the guard let go of it")),
                ("prometheus", (b"memoshim_rests_total" + label, b"memoshim_resting" + label,
                                b'reason="the guard let go of it'))):
            path = self.folder / form
            words, _ = self.weigh(f"unhook:{MANY}",
                                  env={"MEMOSHIM_STATS": path, "MEMOSHIM_STATS_FORMAT": form})
            self.assertEqual(words[0][1], "plain")
            for part in wanted:
                self.assertIn(part, path.read_bytes())

    def test_what_pays_stays(self):
        words, outcome = self.weigh("steps:100000", "again:100000")
        self.assertEqual(words[-1][1], "hooked")
        function = outcome.function("weighed_first")
        self.assert_counts(function, rests=0, resting=0, calls=100000, misses=10)
        # The guard has some of the calls timed; no others are real.
        self.assertEqual(words[-1][0], 10 + function["bypasses"])
        self.assertEqual(function.get("bypass_reasons", {}),
                         {"probe": function["bypasses"]} if function["bypasses"] else {})
        self.assertLessEqual(function["bypasses"], 100)
        self.assertGreater(function["saved_s"], 0)

    def test_without_guard_counts_are_exact(self):
        words, outcome = self.weigh("once:100000", "again:100000", guard=False)
        self.assertEqual(words, [(100000, "hooked"), (10, "hooked")])
        self.assert_counts(outcome.function("weighed_first"), calls=200000, misses=100010,
                           bypasses=0, rests=0)

    def test_other_modes_are_not_its_business(self):
        for mode in "observe", "verify":
            words, outcome = self.weigh("once:100000", "again:1000", mode=mode)
            self.assertEqual(words, [(100000, "hooked"), (1000, "hooked")])
            self.assert_counts(outcome.function("weighed_first"), calls=101000, bypasses=0, rests=0)

    def test_off_is_not_hooked_at_all(self):
        words, outcome = self.weigh("slot", "once:1000", mode="off")
        self.assertEqual(words, [(0, "plain"), (1000, "plain")])
        self.assert_counts(outcome.function("weighed_first"), mode="off", calls=0, hooked_slots=0)
        words, outcome = self.weigh("slot", "once:1000", env={"MEMOSHIM_MODE": "off"})
        self.assertEqual(words, [(0, "plain"), (1000, "plain")])

    def test_tried_again_by_whatever_comes(self):
        """It has become slow meanwhile, and is asked the same: then it stays."""
        for how in "second", "dlsym", "prctl":
            if how == "dlsym" and case.SANITIZED:
                continue  # which is not exported then
            with self.subTest(how):
                words, outcome = self.weigh(f"unhook:{MANY}", f"wait:{how}", "steps:100000",
                                            "again:20000", second=how == "second")
                self.assertEqual([slot for _, slot in words],
                                 ["plain", "hooked", "hooked", "hooked"])
                function = outcome.function("weighed_first")
                self.assert_counts(function, rests=1, probes=1, resting=0, hooked_slots=2)
                self.assertNotIn("limits", function)
                self.assertLess(words[-1][0], 200)

    def test_let_go_again(self):
        """A probe is short, and the rest after it is longer."""
        words, outcome = self.weigh(f"unhook:{MANY}", "wait:second", f"unhook:{MANY}",
                                    env={"MEMOSHIM_LOG": "info"})
        self.assertEqual([slot for _, slot in words], ["plain", "hooked", "plain"])
        self.assert_counts(outcome.function("weighed_first"), rests=2, probes=1, resting=1)
        self.assertIn(b"weighed_first is memoized again, to see whether it pays\n", outcome.stderr)
        self.assertIn(b"weighed_first is not memoized for at least 2 s", outcome.stderr)

    def test_children_of_a_fork(self):
        """Its counts begin at zero; what is let go of stays so, and is tried again."""
        folder = self.folder / "children"
        folder.mkdir()
        words, outcome = self.weigh(f"unhook:{MANY}", "fork", "once:1000", "wait:second",
                                    env={"MEMOSHIM_STATS": folder / "%p.json"})
        self.assertEqual(words[-2:], [(1000, "plain"), (0, "hooked")])
        reports = self.read_reports(folder)
        self.assertEqual(len(reports), 2)
        own = reports.pop(outcome.pid)["functions"]["weighed_first"]
        (child,) = reports.values()
        self.assert_counts(own, rests=1, probes=0, resting=1)
        self.assert_counts(child["functions"]["weighed_first"], rests=0, probes=1, resting=0,
                           calls=0)

    def test_not_in_a_sandbox(self):
        """Its filter may kill for a changed page."""
        words, outcome = self.weigh("confine", "once:500000", "again:1000")
        self.assertEqual(words, [(0, "hooked"), (500000, "hooked"), (10, "hooked")])
        self.assert_counts(outcome.function("weighed_first"), rests=0, calls=501000, bypasses=0)

    def test_schema_of_the_names(self):
        """Functions that the guard never looked at have the same names."""
        _, outcome = self.weigh("again:10")
        text = json.dumps(outcome.report)
        for name in "rests", "probes", "resting":
            self.assertEqual(text.count(f'"{name}": 0'), 2)


if __name__ == "__main__":
    case.main()
