# SPDX-License-Identifier: MIT
"""What is found by name: other names of a function, whose calls share what is remembered as far as
they reach the same code; variables that it sets; accessors that say what a handle is. The oracle is
the libraries' own count."""

import json
import subprocess

import case
from checking import CheckCase

TWICE = {"prototype": "long naming_twice(long x)", "alias": ["naming_double"], "guard": False}


NOT_FOUND = "is not found as a variable of all threads"


class NamesCase(CheckCase):

    def drive(self, functions, script, program="names", **how):
        """The lines without and with memoshim; the outcome with it, and each line's real calls."""
        trace = self.folder / "trace"
        text = "".join(f"{line}\n" for line in script)
        _, outcome = self.run_both(self.config(functions), [case.PROGRAMS / program, trace], text,
                                   **how)
        real = [int(word) for word in trace.read_text().split()]
        self.assertEqual(len(real), len(script))
        return outcome, real


class Aliases(NamesCase):

    SCRIPT = ["twice 3", "double 3", "pointer 3", "double 4", "twice 4"]

    @case.exports_names
    def test_all_names_share_what_is_remembered(self):
        outcome, real = self.drive({"naming_twice": TWICE}, self.SCRIPT + ["looked-up 3"])
        self.assertEqual(real, [1, 0, 0, 1, 0, 0])
        function = outcome.function("naming_twice")
        self.assert_counts(function, calls=6, hits=4, misses=2, bypasses=0)
        self.assertEqual(len(outcome.report["functions"]), 1)
        # the program's pointers to naming_twice, and two to naming_double
        slots = sum(importer[kind] for importer in function["importers"]
                    for kind in ("plt", "got", "pointers", "copied"))
        self.assertEqual(function["hooked_slots"], slots)
        self.assertEqual(slots, 3)

    def test_without_the_alias_the_other_name_is_another_function(self):
        outcome, real = self.drive({"naming_twice": {**TWICE, "alias": []}}, self.SCRIPT)
        self.assertEqual(real, [1, 1, 1, 1, 1])
        self.assert_counts(outcome.function("naming_twice"), calls=2, misses=2)

    @case.exports_names
    def test_another_definition_has_a_cache_of_its_own(self):
        outcome, real = self.drive({"naming_twice": TWICE},
                                   ["twice 3", "other 3", "other 3", "double 3"])
        self.assertEqual(real, [1, 1, 0, 0])
        self.assert_counts(outcome.function("naming_twice"), calls=2, hits=1)
        self.assert_counts(outcome.function("naming_twice (libnaming_other.so)"), calls=2, hits=1)

    @case.exports_names
    def test_library_takes_one_of_them(self):
        outcome, real = self.drive({"naming_twice": {**TWICE, "library": "libnaming.so"}},
                                   ["twice 3", "other 3", "other 3", "double 3"])
        self.assertEqual(real, [1, 1, 1, 0])
        self.assert_counts(outcome.function("naming_twice"), calls=2, hits=1)

    def test_a_name_that_is_nowhere_does_no_harm(self):
        entry = {**TWICE, "alias": ["naming_double", "naming_nowhere"]}
        _, real = self.drive({"naming_twice": entry}, self.SCRIPT)
        self.assertEqual(real, [1, 0, 0, 1, 0])

    def test_only_the_other_name_is_there(self):
        entry = {**TWICE, "prototype": "long naming_nowhere(long x)"}
        outcome, real = self.drive({"naming_nowhere": entry}, self.SCRIPT)
        self.assertEqual(real, [1, 1, 0, 1, 1])
        self.assert_counts(outcome.function("naming_nowhere"), calls=3, hits=1)

    def test_a_denied_name_refuses_the_whole(self):
        outcome, _ = self.drive({"naming_twice": {**TWICE, "alias": ["malloc"]}}, self.SCRIPT)
        self.assertEqual(list(outcome.report["not_hooked"]), ["naming_twice"])

    def test_check_shows_the_names(self):
        config = self.config({"naming_twice": TWICE})
        done = self.check(config, [case.PROGRAMS / "names"])
        self.assertRegex(done.stdout.decode(), r"named +naming_twice: \d+ slots?\n"
                                               r" +naming_double: \d+ slots?\n")
        said = json.loads(self.check(config, [case.PROGRAMS / "names"], "--json").stdout)
        definition = said["functions"]["naming_twice"]["definitions"][0]
        self.assertEqual([name["name"] for name in definition["names"]],
                         ["naming_twice", "naming_double"])
        self.assertEqual(sum(name["slots"] for name in definition["names"]),
                         definition["hooked_slots"])
        self.assertEqual(definition["hooked_slots"], 3)
        self.assertEqual(definition["aliases"], [])


class Globals(NamesCase):

    ABSOLUTE = {
        "prototype": "long naming_absolute(long x)", "guard": False,
        "globals": {"naming_sign": {"out": "int"},
                    "naming_words": {"out": "char *", "count": 2, "lifetime": "immortal"}}}
    SCRIPT = ["absolute -4", "absolute -4", "absolute 3", "absolute 0", "absolute -4", "absolute 3"]

    def test_they_are_set_again(self):
        for program in "names", "names-copy":
            with self.subTest(program):
                outcome, real = self.drive({"naming_absolute": self.ABSOLUTE}, self.SCRIPT,
                                           program=program)
                self.assertIn(b"-1 negative even absolute 4\n" * 2, outcome.stdout)
                self.assertEqual(real, [1, 0, 1, 1, 0, 0])

    def test_the_program_has_copies(self):
        """Or the test above is the same twice."""
        text = subprocess.run([case.need_program("readelf"), "-rW", case.PROGRAMS / "names-copy"],
                              stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertRegex(text, r"_COPY .*naming_sign")

    def test_without_them_they_are_not(self):
        entry = {**self.ABSOLUTE, "globals": {}}
        config = self.config({"naming_absolute": entry})
        outcome = self.run_with(config, [case.PROGRAMS / "names", self.folder / "trace"],
                                "absolute -4\nabsolute -4\n")
        self.assertIn(b"9 nothing nothing absolute 4\n", outcome.stdout)

    def test_verified(self):
        outcome, _ = self.drive({"naming_absolute": {**self.ABSOLUTE, "mode": "verify"}},
                                self.SCRIPT)
        self.assert_counts(outcome.function("naming_absolute"), verified=3, mismatches=0)


class Accessors(NamesCase):

    CONVERT = {"prototype": "long naming_convert(const struct naming_unit *unit, long x)",
               "args": {"unit": {"via": "naming_unit_name"}}, "guard": False}

    def test_handles_of_one_name_are_one_key(self):
        outcome, real = self.drive({"naming_convert": self.CONVERT},
                                   ["metre 3", "metre 3", "mile 3", "metre 4", "mile 3", "metre 3",
                                    "nameless 3", "nameless 3"])
        self.assertEqual(real, [1, 0, 1, 1, 0, 0, 1, 0])
        self.assert_counts(outcome.function("naming_convert"), calls=8, hits=4)

    def test_an_accessor_that_is_remembered_itself(self):
        _, real = self.drive({"naming_convert": self.CONVERT,
                              "naming_unit_name": {
                                  "prototype": "const char *naming_unit_name(const void *unit)",
                                  "args": {"unit": "address"}, "guard": False,
                                  "returns": {"out": "string", "lifetime": "static"}}},
                             ["metre 3", "mile 3", "metre 3", "mile 3"])
        self.assertEqual(real, [1, 1, 0, 0])


LATER = """
import ctypes, sys
naming = ctypes.CDLL(sys.argv[1])
sign = ctypes.c_int.in_dll(naming, "naming_sign")
real = ctypes.c_long.in_dll(naming, "naming_n_calls")
naming.naming_open_unit.restype = ctypes.c_void_p
units = [ctypes.c_void_p(naming.naming_open_unit(b"mile")) for _ in range(2)]
counts = []
for call in (lambda: naming.naming_twice(3), lambda: naming.naming_double(3),
             lambda: naming.naming_absolute(-3), lambda: naming.naming_absolute(-3),
             lambda: naming.naming_convert(units[0], 3),
             lambda: naming.naming_convert(units[1], 3)):
    before, sign.value = real.value, 9
    print(call(), sign.value)
    counts.append(real.value - before)
print(*counts, file=open(sys.argv[2], "w"))
"""


class Later(NamesCase):
    """The library comes while the program runs."""

    @case.exports_names
    @case.unsanitized
    def test_all_of_it(self):
        trace = self.folder / "trace"
        config = self.config({"naming_twice": TWICE, "naming_absolute": Globals.ABSOLUTE,
                              "naming_convert": Accessors.CONVERT})
        _, outcome = self.run_both(config, [case.need_program("python3"), "-c", LATER,
                                            case.PROGRAMS / "libnaming.so", trace])
        self.assertEqual(outcome.stdout, b"6 9\n6 9\n3 -1\n3 -1\n15 9\n15 9\n")
        self.assertEqual(trace.read_text().split(), ["1", "0", "1", "0", "1", "0"])
        self.assert_counts(outcome.function("naming_twice"), calls=2, hits=1)


class Refusals(NamesCase):

    def refused(self, **more):
        """Why the function is not hooked; its calls reach it all the same."""
        outcome, real = self.drive({"naming_twice": {**TWICE, **more}}, ["twice 3", "twice 3"])
        self.assertEqual(real, [1, 1])
        return outcome.report["not_hooked"]["naming_twice"]

    def test_variables_that_cannot_be_had(self):
        for name, described, wanted in (
                ("naming_nowhere", {"out": "int"}, NOT_FOUND),
                ("naming_thread", {"out": "int"}, NOT_FOUND),
                ("naming_constant", {"out": "int"}, "cannot be written"),
                ("naming_twice", {"out": "int"}, "is no variable"),
                ("naming_sign", {"out": "long"}, "is smaller than it is described"),
                ("naming_sign", {"out": "int", "count": 2}, "is smaller than it is described")):
            with self.subTest(name, described=described):
                self.assertEqual(self.refused(globals={name: described}),
                                 f"its variable {name} {wanted}")

    def test_an_accessor_that_is_nowhere(self):
        entry = {**Accessors.CONVERT, "args": {"unit": {"via": "naming_nowhere"}}}
        outcome, real = self.drive({"naming_convert": entry}, ["metre 3", "metre 3"])
        self.assertEqual(real, [1, 1])
        self.assertEqual(outcome.report["not_hooked"]["naming_convert"],
                         "the accessor naming_nowhere is not found")


if __name__ == "__main__":
    case.main()
