# SPDX-License-Identifier: MIT
"""`callers`: only the calls of some objects are remembered, all others reach the real function. The
oracle is the counting library's own count: a call that is repeated is real or it is not."""

import case
import counted

SQUARE = "counted_square"
WAYS = "call", "pointer", "fixed", "default", "next", "handle", "offered"


class Callers(counted.CountedCase):

    def expect(self, callers, lines, program="callers", argv0=None, **how):
        """lines: (who and way, whether its calls are remembered). Each is called for a number of
        its own, twice. Returns the report of counted_square."""
        config = self.config(counted.functions("square", callers=callers))
        script, wanted = [], []
        for x, (line, is_remembered) in enumerate(lines, 100):
            script += [f"{line} {x}", f"{line} {x}"]
            wanted += [(script[-1], 1), (script[-1], 0 if is_remembered else 1)]
        self.n_unseen = sum(2 for _, is_remembered in lines if not is_remembered)
        outcome, real = self.drive(config, script, program=program, **how)
        self.assertEqual(list(zip(script, real)), wanted)
        self.outcome = outcome
        return outcome.function(SQUARE)

    def check_real(self, outcome):
        function = outcome.function(SQUARE)
        self.assertEqual(outcome.real["square"] - function["misses"], self.n_unseen)
        self.assertEqual(function["bypasses"], 0)


class AtStart(Callers):

    @staticmethod
    def lines(*remembered):
        ways = [f"{who} {way}" for who in "ab" for way in WAYS] + ["self call", "self default"]
        return [(line, line.split()[0] in remembered) for line in ways]

    @case.exports_names
    def test_one_library(self):
        for pattern in "libcaller_a.so.1", "libcaller_a*", "lib*_?.so.*":
            with self.subTest(pattern):
                function = self.expect([pattern], self.lines("a"))
                # its PLT slot, three pointers, and the program's copy of one
                self.assert_counts(function, hooked_slots=5, calls=2 * len(WAYS))
                self.assertNotIn("limits", function)

    @case.exports_names
    def test_copied_data_is_the_library_s(self):
        # A program that is not position independent may be where all pointers lead: its calls of
        # the function go through its own slot.
        for callers, remembered in ((["libcaller_a*"], "a"), (["libcaller_b.so"], "b")):
            lines = [(f"{who} {way}", who in remembered)
                     for who in "ab" for way in ("call", "offered", "handle")]
            self.expect(callers, lines, program="callers-copy")

    @case.exports_names
    def test_several(self):
        self.expect(["libcaller_a*", "libcaller_b*"], self.lines("a", "b"))
        self.expect(["libcaller_b.so", "callers"], self.lines("b", "self"))
        self.expect(["*"], self.lines("a", "b", "self"))

    @case.exports_names
    def test_the_executable(self):
        self.expect(["callers"], self.lines("self"))
        link = self.folder / "another-name"
        link.symlink_to(case.PROGRAMS / "callers")
        for name in "another-name", "callers":
            self.expect([name], self.lines("self"), program=link)

    def test_a_name_that_nothing_has(self):
        function = self.expect(["libcaller_a.so.1", "libssl.so.*"], [("a call", True)])
        self.assertEqual(function["limits"], 'its caller "libssl.so.*" is no loaded object')

    def test_nobody(self):
        config = self.config(counted.functions("square", callers=["libssl.so.*"]))
        outcome = self.run_with(config, [case.PROGRAMS / "callers"], "a call 3\nself call 3\n",
                                env={"MEMOSHIM_LOG": "warn"})
        self.assertEqual(outcome.real["square"], 2)
        self.assertIn(b'its caller "libssl.so.*" is no loaded object', outcome.stderr)


@case.exports_names
class LaterObjects(Callers):
    """Such names are not exported: objects that come later are reached by the look for them."""

    def run_host(self, callers, lines, **policy):
        config = self.config(counted.functions("square", callers=callers, **policy))
        outcome, real = self.drive(config, [line for line, _ in lines], program="host")
        self.assertEqual([(line, n) for (line, _), n in zip(lines, real)], lines)
        return outcome

    def check_real(self, outcome):
        pass

    @staticmethod
    def plugin(variant):
        return case.PROGRAMS / f"plugin_{variant}.so"

    def test_a_plugin(self):
        for variant in "lazy", "now", "noplt", "nopltnow", "bare":
            with self.subTest(variant):
                outcome = self.run_host([f"plugin_{variant}.so"], [
                    ("square 3", 1), (f"open p {self.plugin(variant)} lazy", 2), # its constructor
                    ("run p plugin_call 3", 1), ("run p plugin_call 3", 0), ("square 3", 1),
                    ("run p plugin_pointer 3", 0), ("run p plugin_fixed 3", 0),
                    ("run p plugin_taken 3", 0), ("run p plugin_default 3", 0),
                    ("find default 3", 1), ("find library 3", 1)])
                function = outcome.function(SQUARE)
                self.assert_counts(function, calls=7, misses=1, hooked_slots=3)
                self.assertNotIn("limits", function)

    def test_everybody_else(self):
        self.run_host(["host"], [
            ("square 3", 1), (f"open p {self.plugin('lazy')} lazy", 2),
            ("run p plugin_call 3", 1), ("run p plugin_pointer 3", 1),
            ("run p plugin_default 3", 1), ("square 3", 0), ("find default 3", 0),
            ("find library 3", 0)])

    def test_two_plugins(self):
        self.run_host(["plugin_n*"], [
            (f"open a {self.plugin('lazy')} lazy", 2), (f"open b {self.plugin('now')} now", 2),
            ("run b plugin_call 5", 1), ("run b plugin_call 5", 0), ("run a plugin_call 5", 1),
            ("close b", 0), ("run a plugin_call 5", 1), (f"open b {self.plugin('now')} now", 2),
            ("run b plugin_call 5", 0)])

    def test_a_function_that_comes_later(self):
        """Its provider comes with the first plugin; only the second one's calls are meant."""
        step = {"pending_step": {"prototype": "long pending_step(long x)", "guard": False,
                                 "callers": ["plugin_pending_now.so"]}}
        config = self.config({**step, **counted.functions("square")})
        trace = self.folder / "trace"
        plugins = {name: case.PROGRAMS / f"plugin_pending_{name}.so" for name in ("lazy", "now")}
        lines = "".join(f"{line}\n" for line in (
            f"open a {plugins['lazy']} lazy", f"open b {plugins['now']} now",
            "run a plugin_step 5", "run b plugin_step 5", "run b plugin_step 5",
            "run a plugin_step 5"))
        _, outcome = self.run_both(config, [case.PROGRAMS / "host", trace], lines)
        self.assert_counts(outcome.function("pending_step"), calls=2, misses=1, hits=1)


if __name__ == "__main__":
    case.main()
