# SPDX-License-Identifier: MIT
"""How long results live, from outside: real time, real calls that the library counts.

A sleep only ever ends lives that are shorter than it: however slow the machine is, the outcome is
the same.
"""

import case
import counted

USER = {"prototype": "int changing_user(const char *name)", "args": {"name": "string"}}
TOTAL = {"prototype": "long changing_total(long x)"}
SETTING = {"prototype": "long changing_setting(int default_value)", "errno": True}


def line(word, name="-", a=0):
    """One line of the script."""
    return f"{word} {name} {a} 0"


SLEEP = line("sleep", a=60)


class Lives(counted.CountedCase):

    def play(self, name, entry, script, **how):
        """Runs the script both ways; the function's statistics and each line's real calls."""
        outcome, real = self.drive(self.config({name: {**entry, "guard": False}}), script,
                                   program="invalidating", **how)
        return outcome.function(name), real

    def test_failures_have_a_life_of_their_own(self):
        script = [line("set", "root", 1)]
        script += [line("user", "root"), line("user", "nobody"), SLEEP] * 3
        negative = {"if": "return == -1", "ttl": "20ms"}
        function, real = self.play("changing_user", {**USER, "ttl": "1h", "negative": negative},
                                   script)
        self.assertEqual(real, [0] + [1, 1, 0] + [0, 1, 0] * 2)
        self.assert_counts(function, hits=2, stores=4, expirations=2)
        negative = {"if": "return == -1", "ttl": "1h"}
        function, real = self.play("changing_user", {**USER, "ttl": "2h", "negative": negative,
                                                     "unless": "return == -1"}, script)
        self.assertEqual(real, [0] + [1, 1, 0] + [0, 0, 0] * 2)

    def test_what_nobody_uses_ends(self):
        function, real = self.play("changing_total", {**TOTAL, "idle_ttl": "20ms"},
                                   [line("total", a=1), SLEEP, line("total", a=1)])
        self.assertEqual(real, [1, 0, 1])
        self.assert_counts(function, expirations=1, entries=1)

    def test_the_result_says_how_long(self):
        function, real = self.play(
            "changing_total", {**TOTAL, "ttl_from": "return", "ttl_jitter": 0.5},
            [line("total", a=3600), line("total", a=3600), line("total", a=0), line("total", a=0),
             line("total", a=-5), line("total", a=-5)])
        self.assertEqual(real, [1, 0, 1, 1, 1, 1])
        self.assert_counts(function, stores=1, not_stored=4)

    def stale(self, bound, **more):
        """The answers and the statistics of a file that is there, is gone, and is there again."""
        entry = {**SETTING, "ttl": "20ms", "guard": False, **more,
                 "stale_if_error": {"if": "return == default_value", "for": bound}}
        script = [line("write", a=5), line("setting", a=7), SLEEP, line("remove"),
                  line("setting", a=7), line("setting", a=8), line("setting", a=7),
                  line("write", a=6), SLEEP, line("setting", a=7)]
        outcome = self.run_with(
            self.config({"changing_setting": entry}),
            [case.PROGRAMS / "invalidating", self.folder / "trace"], "\n".join(script) + "\n",
            env={"CHANGING_FILE": self.folder / "setting"})
        real = [int(word) for word in (self.folder / "trace").read_text().split()]
        answers = [int(word) for word in outcome.stdout.split()]
        self.assertEqual(outcome.status, 0)
        return [answers[i] for i in (1, 4, 5, 6, 9)], real, outcome.function("changing_setting")

    def test_better_an_old_answer_than_none(self):
        answers, real, function = self.stale("1h", unless="return == default_value")
        self.assertEqual(answers, [5, 5, 8, 5, 6])
        self.assertEqual(real, [0, 1, 0, 0, 1, 1, 1, 0, 0, 1])
        self.assert_counts(function, calls=5, hits=0, misses=5, stale=2, stores=2, not_stored=1)

    def test_but_not_too_old(self):
        answers, _, function = self.stale("1ms", unless="return == default_value")
        self.assertEqual(answers, [5, 7, 8, 7, 6])
        self.assert_counts(function, stale=0, not_stored=3)


if __name__ == "__main__":
    case.main()
