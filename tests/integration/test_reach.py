# SPDX-License-Identifier: MIT
"""Objects that are loaded while the program runs: every call that they make is caught, and they
find what they find without memoshim. The oracle is the counting library's own count."""

import case
import counted

VARIANTS = "lazy", "now", "noplt", "nopltnow", "bare"
SCOPES = "lazy", "now", "lazy global", "now global"
# The ways in which a plugin reaches a function, and the calls that each makes.
WAYS = {"call": 1, "taken": 2, "pointer": 1, "fixed": 1, "default": 1}


class Reach(counted.CountedCase):

    def reach(self, lines, functions=("square",), **policy):
        """lines: (command, real calls that it must cause). Returns the outcome."""
        config = self.config(counted.functions(*functions, **policy))
        outcome, real = self.drive(config, [line for line, _ in lines], program="host")
        self.assertEqual([(line, n) for (line, _), n in zip(lines, real)], lines)
        return outcome

    @staticmethod
    def plugin(variant):
        return case.PROGRAMS / f"plugin_{variant}.so"


class LaterObjects(Reach):

    def exhaust(self, path, flags):
        """Every way of one plugin, which is loaded twice: each value is computed once."""
        n_calls = 1
        lines = [("square 3", 1), (f"open p {path} {flags}", 1), ("run p plugin_constructed 0", 0)]
        n_calls += 2
        for x, (way, calls) in enumerate(WAYS.items(), 100):
            lines += [(f"run p plugin_{way} 3", 0), (f"run p plugin_{way} {x}", 1),
                      (f"run p plugin_{way} {x}", 0), (f"square {x}", 0)]
            n_calls += 3 * calls + 1
        lines += [("same p", 0), ("close p", 0), (f"open p {path} {flags}", 0),
                  ("run p plugin_call 100", 0), ("run p plugin_call 200", 1), ("square 200", 0)]
        n_calls += 2 + 3
        function = self.reach(lines).function("counted_square")
        self.assert_counts(function, calls=n_calls, bypasses=0, misses=3 + len(WAYS),
                           library="libcounted.so")

    def test_every_way(self):
        for variant in VARIANTS:
            for flags in SCOPES:
                with self.subTest(variant=variant, flags=flags):
                    self.exhaust(self.plugin(variant), flags)

    def test_two_plugins_at_once(self):
        outcome = self.reach([
            (f"open a {self.plugin('lazy')} lazy", 1), (f"open b {self.plugin('now')} now", 0),
            ("run a plugin_call 5", 1), ("run b plugin_call 5", 0), ("close a", 0),
            ("run b plugin_call 6", 1), ("run b plugin_pointer 6", 0), ("close b", 0)])
        self.assert_counts(outcome.function("counted_square"), calls=4 + 4, misses=3)

    def test_lookups_by_the_program(self):
        self.reach([("find default 3", 1), ("find self 3", 0), ("find library 3", 0),
                    ("square 3", 0)])

    def test_nobody_imports_it_at_start(self):
        """The program does not use the function itself, only its plugin does."""
        outcome = self.reach([
            (f"open p {self.plugin('lazy')} lazy", 2), ("run p plugin_narrow 70", 1),
            ("run p plugin_narrow 71", 1), ("run p plugin_narrow 70", 0)], functions=["narrow"])
        self.assert_counts(outcome.function("counted_narrow"), calls=3, misses=2)

    def test_off_is_left_alone(self):
        outcome = self.reach([(f"open p {self.plugin('lazy')} lazy", 2),
                              ("run p plugin_call 5", 1), ("run p plugin_call 5", 1)], mode="off")
        self.assertEqual(outcome.function("counted_square")["mode"], "off")


if __name__ == "__main__":
    case.main()
