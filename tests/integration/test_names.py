# SPDX-License-Identifier: MIT
"""Functions of several names: one entry hooks all of them, and the calls by any name share what is
remembered, as far as they reach the same code. The oracle is the libraries' own count."""

import json

import case
from checking import CheckCase

TWICE = {"prototype": "long naming_twice(long x)", "alias": ["naming_double"], "guard": False}


NOT_FOUND = "is not found as a variable of all threads"


class NamesCase(CheckCase):

    def drive(self, functions, script, **how):
        """The lines without and with memoshim; the outcome with it, and each line's real calls."""
        trace = self.folder / "trace"
        text = "".join(f"{line}\n" for line in script)
        _, outcome = self.run_both(self.config(functions), [case.PROGRAMS / "names", trace], text,
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


if __name__ == "__main__":
    case.main()
