# SPDX-License-Identifier: MIT
"""Every description of this version, one call after the other: the same answers, and real calls
exactly where they are due. The oracle is the library's own count."""

import counted
import case


class Calls(counted.CountedCase):

    def expect(self, name, lines, **policy):
        """lines: (call, real calls that it must cause). All else must be as without memoshim."""
        config = self.config(counted.functions(name, **policy))
        outcome, real = self.drive(config, [line for line, _ in lines])
        self.assertEqual([(line, n) for (line, _), n in zip(lines, real)], lines)
        function = outcome.function(f"counted_{name}")
        self.assertEqual(function["calls"], sum(line.startswith(name) for line, _ in lines))
        self.assertEqual(function["misses"] + function["bypasses"], sum(n for _, n in lines))
        self.assertGreaterEqual(function["hooked_slots"], 1)
        self.assertEqual(function["library"], "libcounted.so")
        return function

    # ---- scalars --------------------------------------------------------------------------------

    def test_integers(self):
        self.expect("square", [("square 3", 1), ("square -3", 1), ("square 3", 0),
                               ("square 3000000000", 1), ("square -3", 0)])

    def test_narrow_integers(self):
        self.expect("narrow", [("narrow -30", 1), ("narrow 30", 1), ("narrow 65536", 1),
                               ("narrow 0", 0), ("narrow -30", 0), ("narrow 65506", 0)])
        self.expect("odd", [("odd 1", 1), ("odd 2", 1), ("odd 257", 0), ("odd 1", 0)])

    def test_floats(self):
        self.expect("half", [("half 3.5", 1), ("half -0.0", 1), ("half 0.0", 1), ("half 3.5", 0),
                             ("half nan", 1), ("half nan", 0), ("half -0.0", 0)])
        self.expect("extended", [("extended 1e4000", 1), ("extended 1", 1), ("extended 1e4000", 0),
                                 ("extended 1", 0)])
        self.expect("turn", [("turn 1 2", 1), ("turn 2 1", 1), ("turn 1 2", 0), ("turn 1 -2", 1)])

    def test_registers_and_stack(self):
        words = "-1 200 -3 60000 -5 6 -7 0.5 1.25 2.5 1 99".split()
        lines = [("mix " + " ".join(words), 1), ("mix " + " ".join(words), 0)]
        for i in range(len(words)):  # each argument is in the key
            other = words[:i] + ["0"] + words[i + 1:]
            lines += [("mix " + " ".join(other), 1), ("mix " + " ".join(other), 0)]
        self.expect("mix", lines + [("mix " + " ".join(words), 0)])

    def test_raised_exceptions_are_not_stored(self):
        function = self.expect("scale", [("scale 1e10", 1), ("scale 1e10", 1), ("scale 2", 1),
                                         ("scale 2", 0), ("scale 1e10", 1)])
        self.assert_counts(function, not_stored=3, stores=1)

    def test_other_rounding_modes_bypass(self):
        function = self.expect("scale", [("scale 0.1", 1), ("scale 0.1", 0), ("round up", 0),
                                         ("scale 0.1", 1), ("scale 0.1", 1), ("round near", 0),
                                         ("scale 0.1", 0)])
        self.assert_counts(function, bypasses=2, bypass_reasons={"rounding": 2}, misses=1)

    def test_precision_counts_whatever_the_prototype(self):
        """A function of doubles may compute in long double."""
        for name in "scale", "half", "extended":
            with self.subTest(name):
                call = f"{name} 0.125"
                function = self.expect(name, [(call, 1), (call, 0), ("round shorter", 0),
                                              (call, 1), (call, 1)])
                self.assert_counts(function, bypass_reasons={"rounding": 2}, misses=1)

    def test_traps_are_the_program_s(self):
        case.need_native("traps")
        """Neither conditions nor the numbers of the statistics trap; inexact results still do."""
        self.expect("half", [("half 8", 1), ("half 8", 0), ("trap denormal", 0),
                             ("half 0x1p-146", 1), ("half 0x1p-146", 0)], store_if="return > 0")
        function = self.expect("half", [("half 8", 1), ("half 8", 0), ("trap inexact", 0),
                                        ("half 8", 1), ("half 8", 1)])
        self.assert_counts(function, bypass_reasons={"rounding": 2})

    def test_traps_of_sse_alone_are_heeded_soon(self):
        case.need_native("traps")
        lines = ["half 8", "half 8", "trap sse"] + ["half 8"] * 300
        _, real = self.drive(self.config(counted.functions("half")), lines)
        self.assertEqual(real[:3], [1, 0, 0])
        self.assertEqual(real[-40:], [1] * 40)

    # ---- text and memory ------------------------------------------------------------------------

    def test_strings(self):
        self.expect("length", [("length abc", 1), ("length abd", 1), ("length abc", 0),
                               ("length NULL", 1), ("length ''", 1), ("length NULL", 0),
                               ("length ''", 0), ("length *5000", 1), ("length *5001", 1),
                               ("length *5000", 0)])

    def test_huge_string_passes_through(self):
        function = self.expect("length", [("length *200000000", 1), ("length *200000000", 1),
                                          ("length x", 1)])
        self.assert_counts(function, bypasses=2, misses=1, bypass_reasons={"too_large": 2})

    def test_static_result(self):
        self.expect("name", [("name 3", 1), ("name 900", 1), ("name 3", 0), ("name 900", 0),
                             ("name -1", 1), ("name -1", 0), ("name 3", 0)])

    def test_result_in_an_argument(self):
        self.expect("place", [("place a b:c", 1), ("place a:b c", 1), ("place a b:c", 0),
                              ("place '' x", 1), ("place '' x", 0), ("place a:b c", 0)])

    def test_offset_into_an_argument(self):
        self.expect("locate", [("locate banana n", 1), ("locate banana x", 1),
                               ("locate banana n", 0), ("locate banana x", 0),
                               ("locate bananb n", 1)])

    def test_success_only_and_secret(self):
        function = self.expect("check", [("check open $2b$abc", 1), ("check open $2b$abc", 0),
                                         ("check shut $2b$abc", 1), ("check shut $2b$abc", 1),
                                         ("check open $2b$abc", 0), ("check open $2b$abd", 1)])
        self.assert_counts(function, hits=2, misses=4, stores=2, not_stored=2, entries=2)

    def test_out(self):
        function = self.expect("divide", [("divide 17 5", 1), ("divide 17 5", 0),
                                          ("divide 17 0", 1), ("divide 17 0", 1),
                                          ("divide 17 5 NULL", 1),
                                          ("divide 17 5 NULL", 0), ("divide 17 5", 0)])
        self.assert_counts(function, not_stored=2)

    def test_in_with_count(self):
        self.expect("sum", [("sum 1 2 3", 1), ("sum 1 2 3", 0), ("sum 1 2", 1), ("sum", 1),
                            ("sum NULL", 1), ("sum", 0), ("sum NULL", 0), ("sum 3 2 1", 1)])

    def test_inout(self):
        self.expect("sort", [("sort 3 1 2", 1), ("sort 3 1 2", 0), ("sort 1 2 3", 1), ("sort", 1),
                             ("sort 1 2 3", 0), ("sort 3 1", 1)])

    def test_bytes(self):
        self.expect("digest", [("digest abc", 1), ("digest abcd", 1), ("digest abc", 0)])

    def test_length_that_the_call_changes(self):
        function = self.expect("encode", [("encode abc 64", 1), ("encode abc 64", 0),
                                          ("encode abc 10", 1), ("encode abc 10", 0),
                                          ("encode abc 2", 1), ("encode abc 2", 1)])
        self.assert_counts(function, stores=2, not_stored=2)

    def test_no_result(self):
        self.expect("fill", [("fill 1 64", 1), ("fill 2 64", 1), ("fill 1 64", 0), ("fill 1 10", 1),
                             ("fill 1 0", 1), ("fill 1 10", 0)])

    # ---- errno ----------------------------------------------------------------------------------

    def test_errno_is_not_stored_unasked(self):
        function = self.expect("fail", [("fail 0", 1), ("fail 0", 0), ("fail 2", 1), ("fail 2", 1)])
        self.assert_counts(function, stores=1, not_stored=2)

    def test_errno_is_replayed(self):
        self.expect("fail", [("fail 0", 1), ("fail 0", 0), ("fail 2", 1), ("fail 2", 0),
                             ("fail 34", 1), ("fail 34", 0), ("fail 0", 0)], errno=True)

    def test_errno_is_left_alone_by_a_hit_that_captured_nothing(self):
        # the driver sets it before each call, and prints it when it is another one after
        for errno in False, True:
            self.expect("fail", [("fail 0", 1)] + [("fail 0", 0)] * 5, errno=errno)
            self.expect("square", [("square 3", 1), ("square 3", 0), ("square 3", 0)], errno=errno)

    def test_conditions_on_errno(self):
        function = self.expect("fail", [("fail 0", 1), ("fail 0", 0), ("fail 2", 1), ("fail 2", 1),
                                        ("fail 34", 1), ("fail 34", 0)],
                               errno=True, unless="errno == ENOENT")
        self.assert_counts(function, stores=2, not_stored=2)
        function = self.expect("fail", [("fail 0", 1), ("fail 0", 1), ("fail 2", 1), ("fail 2", 0),
                                        ("fail 34", 1), ("fail 34", 1)],
                               errno=True, store_if="errno == which", unless="errno != ENOENT")
        self.assert_counts(function, stores=1, not_stored=4)
        # a negative result is kept whatever store_if says
        function = self.expect("fail", [("fail 0", 1), ("fail 0", 1), ("fail 2", 1), ("fail 2", 0)],
                               errno=True, store_if="errno == ERANGE",
                               negative={"if": "errno == ENOENT", "ttl": "1h"})
        self.assert_counts(function, stores=1, not_stored=2)

    # ---- conditions -----------------------------------------------------------------------------

    def test_unless(self):
        function = self.expect("square", [("square 2", 1), ("square 2", 0), ("square 20", 1),
                                          ("square 20", 1)], unless="return > 100")
        self.assert_counts(function, stores=1, not_stored=2)

    def test_all_conditions_must_hold(self):
        self.expect("square", [("square 2", 1), ("square 2", 1), ("square 5", 1), ("square 5", 0),
                               ("square 20", 1), ("square 20", 1)],
                    store_if=["return > 10", "x < 10"])

    # ---- recursion and everything at once -------------------------------------------------------

    def test_recursion_is_memoized_at_every_level(self):
        n = 30
        config = self.config(counted.functions("fib"))
        outcome, real = self.drive(config, [f"fib {n}", f"fib {n}", "fib 29"])
        self.assertEqual(real, [n + 1, 0, 0])
        self.assert_counts(outcome.function("counted_fib"), calls=1 + 2 * (n - 1) + 2,
                           misses=n + 1, hits=2 * (n - 1) - n + 2, bypasses=0, entries=n + 1)

    def test_mode_off(self):
        config = self.config({**counted.functions("square", mode="off"),
                              **counted.functions("odd")})
        outcome, real = self.drive(config, ["square 2", "square 2", "odd 1", "odd 1"])
        self.assertEqual(real, [1, 1, 1, 0])
        self.assertEqual(outcome.function("counted_square")["mode"], "off")

    def test_everything_off(self):
        config = self.config(counted.functions("square"))
        _, real = self.drive(config, ["square 2", "square 2"], env={"MEMOSHIM_MODE": "off"})
        self.assertEqual(real, [1, 1])

    def test_all_functions_together(self):
        lines = ["square 3", "odd 7", "half 1.5", "length abc", "name 4", "place a b",
                 "check open x", "divide 7 2",
                 "sum 1 2 3", "sort 2 1", "digest x", "encode a 64", "fill 1 8",
                 "narrow 9", "turn 1 1", "extended 2", "locate abc c", "scale 2", "fail 0"]
        _, real = self.drive(self.config(counted.functions()), lines * 3)
        self.assertEqual(real, [1] * len(lines) + [0] * 2 * len(lines))


if __name__ == "__main__":
    case.main()
