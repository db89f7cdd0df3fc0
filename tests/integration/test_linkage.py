# SPDX-License-Identifier: MIT
"""The linkage matrix: every way to link a program, and every path to a function from every place.

The oracle is the library's own count of real calls, by path and by site. A path that is caught
runs the real function once at each site; linkage_table.py says which are not, and why.
"""

import concurrent.futures
import dataclasses
import itertools
import os
import subprocess

import case
import checking
import linkage_build
import linkage_slots
import linkage_table
from linkage_table import PATHS, SITES


SLOT_KINDS = "plt", "got", "pointers", "copied", "unaligned", "sealed"


@dataclasses.dataclass
class Run:
    """What one run of a program showed."""

    status: int
    stdout: bytes
    stderr: bytes
    real: dict  # (path, site): real calls
    report: dict


def describe(symbol):
    """The configuration of one function."""
    if symbol.startswith("_Z"):
        return {"prototype": f"long {symbol}(const void *object, long site)",
                "args": {"object": "ignore"}, "guard": False}
    return {"prototype": f"long {symbol}(long site)", "guard": False}


@case.exports_names
class Linkage(checking.CheckCase):

    @classmethod
    def setUpClass(cls):
        cls.builder = linkage_build.Builder(cls.shared_folder())
        cls.builder.build()

    def configure(self, *more):
        """A configuration that names the functions of all paths."""
        symbols = {linkage_table.symbol_of(path) for path in PATHS} | {"matrix_same", *more}
        return self.config({symbol: describe(symbol) for symbol in sorted(symbols)})

    def run_one(self, combination, name, environment):
        """One run; name tells its files apart."""
        counts, stats = self.folder / f"{name}.counts", self.folder / f"{name}.json"
        binding = linkage_build.BINDINGS[combination.binding][1]
        environment = {**environment, **binding, "MATRIX_COUNTS": str(counts)}
        if "LD_PRELOAD" in environment:
            environment["MEMOSHIM_STATS"] = str(stats)
        done = subprocess.run([self.builder.program(combination)], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=case.RUN_SECONDS, check=False)
        real = {}
        for line in counts.read_text().splitlines() if counts.exists() else ():
            path, site, count = line.split()
            real[path, SITES[int(site)]] = int(count)
        report = self.read_report(stats) if stats.exists() else {}
        return Run(done.returncode, done.stdout, done.stderr, real, report)

    def run_pair(self, combination, config):
        """Without and with memoshim."""
        name = str(combination).replace(", ", "-").replace(" ", "-")
        return (self.run_one(combination, f"{name}-plain", self.environment()),
                self.run_one(combination, f"{name}-shim", self.shim_environment(config)))

    # ---- what must hold -------------------------------------------------------------------------

    def complaints(self, combination, plain, shim):
        """What is wrong, a line each."""
        if plain.status != 0 or (shim.status, shim.stderr) != (0, plain.stderr) or not shim.report:
            yield (f"status {plain.status} without, {shim.status} with memoshim; "
                   f"{shim.stderr.decode(errors='replace')}")
            return
        printed = [linkage_table.printed(line, combination) for line in plain.stdout.splitlines()]
        for before, after in itertools.zip_longest(printed, shim.stdout.splitlines()):
            if before != after:
                yield f"prints {after} instead of {before}"
        for path in PATHS:
            yield from self.complaints_of_calls(combination, path, plain, shim)
        yield from self.complaints_of_report(combination, plain, shim)

    @staticmethod
    def complaints_of_calls(combination, path, plain, shim):
        """The library's count for each site."""
        sites = [site for site in SITES if (path, site) in plain.real]
        if not sites:
            yield f"{path}: nobody took it"
        for site in sites:
            n_calls = linkage_table.calls_of(site)
            rule = linkage_table.rule_of(path, site, combination)
            n_unseen = linkage_table.unseen_of(path, site, combination)
            wanted = n_unseen + (n_unseen < n_calls)
            if plain.real[path, site] != n_calls:
                yield f"{path}, {site}: {plain.real[path, site]} calls, not {n_calls}"
            elif shim.real.get((path, site), 0) != wanted:
                yield (f"{path}, {site}: {shim.real.get((path, site), 0)} of {n_calls} calls were "
                       f"real, not {wanted} ({rule.reason if rule else 'can be caught'})")

    @staticmethod
    def complaints_of_report(combination, plain, shim):
        """The counters of each function."""
        for path in PATHS:
            name = linkage_table.shown_as(path)
            if name in linkage_table.NOT_HOOKED:
                continue
            wanted = {"calls": 0, "hits": 0, "misses": 0, "bypasses": 0}
            for site in (site for site in SITES if (path, site) in plain.real):
                n_seen = (linkage_table.calls_of(site)
                          - linkage_table.unseen_of(path, site, combination))
                wanted["calls"] += n_seen
                wanted["misses"] += n_seen > 0
                wanted["hits"] += n_seen - (n_seen > 0)
            function = shim.report["functions"].get(name)
            seen = function and {counter: function[counter] for counter in wanted}
            if seen != wanted:
                yield f"{path}: {name} counts {seen}, not {wanted}"
        if shim.report.get("not_hooked") != linkage_table.NOT_HOOKED:
            yield f"not hooked: {shim.report.get('not_hooked')}"
        limits = {name: function["limits"] for name, function in shim.report["functions"].items()
                  if "redirected" in function.get("limits", "")}
        if limits != linkage_table.LIMITED:
            yield f"limits: {limits}"

    # ---- tests ----------------------------------------------------------------------------------

    def each_combination(self, run, complain):
        """run(combination, config) of all, side by side; complain(combination, *its results) must
        find nothing."""
        config = self.configure()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = {combination: pool.submit(run, combination, config)
                    for combination in linkage_build.combinations()}
        for combination, done in runs.items():
            with self.subTest(combination=str(combination)):
                complaints = list(complain(combination, *done.result()))
                self.assertEqual(complaints, [], f"{combination}:\n" + "\n".join(complaints))

    def test_every_combination(self):
        self.each_combination(self.run_pair, self.complaints)

    def check_program(self, combination, config):
        """What `memoshim check` says of the functions."""
        env = linkage_build.BINDINGS[combination.binding][1]
        program = self.builder.program(combination)
        return (self.said(config, [program], (checking.UNKNOWN,), env=env)["functions"],)

    @staticmethod
    def complaints_of_check(combination, functions):
        """Where its verdicts and remarks are not what the table expects of the run."""
        for path in PATHS:
            function = functions[linkage_table.symbol_of(path)]
            verdict = linkage_table.verdict_of(path, combination)
            if function["verdict"] != verdict:
                yield f"{path}: check says {function['verdict']}, not {verdict}"
            codes = {remark["code"] for remark in function["remarks"]}
            codes -= {"unused", "stripped"}
            if not path.startswith("own"):
                codes.discard("own_calls")  # "if there are any": there are none
            wanted = linkage_table.codes_of(path, combination)
            if not (len(codes) == 1 and codes < wanted == {"static", "hidden"}) and codes != wanted:
                yield f"{path}: check remarks on {sorted(codes)}, not {sorted(wanted)}"

    def complaints_of_slots(self, combination, functions):
        """Where the slots that check names are not those that the files have."""
        program = self.builder.program(combination)
        objects = [linkage_slots.Object(path) for path in
                   (program, *(program.parent / name for name in linkage_build.PROGRAM[1]))]
        slots = linkage_slots.slots_of(objects[0], objects[1:])
        for symbol, function in functions.items():
            for definition in function["definitions"]:
                wanted = slots[symbol, definition["version"] or ""]
                seen = {importer["object"]: {kind: importer[kind] for kind in SLOT_KINDS
                                             if importer[kind] != 0}
                        for importer in definition["importers"]}
                if seen != wanted:
                    yield f"{definition['name']}: check sees {seen}, readelf {dict(wanted)}"
                n_hooked = sum(sum(kinds.values()) - kinds["unaligned"]
                               for kinds in wanted.values())
                if definition["hooked_slots"] != n_hooked:
                    yield (f"{definition['name']}: {definition['hooked_slots']} slots are hooked, "
                           f"not {n_hooked}")

    def test_check_counts_the_slots(self):
        self.each_combination(self.check_program, self.complaints_of_slots)

    def test_check_says_the_same(self):
        self.each_combination(self.check_program, self.complaints_of_check)

    def test_rules_speak_of_what_there_is(self):
        for rule in linkage_table.RULES:
            with self.subTest(rule=rule.reason):
                self.assertLessEqual(set(rule.paths), set(PATHS))
                self.assertLessEqual(set(rule.sites), set(SITES))
                self.assertTrue(any(map(rule.when, linkage_build.combinations())))

    def test_the_other_name_of_an_alias(self):
        """Named as well, it is a function like any other."""
        combination = linkage_build.combinations()[0]
        plain, shim = self.run_pair(combination, self.configure("matrix_other_name"))
        sites = [site for path, site in plain.real if path == "alias"]
        unseen = linkage_table.calls_of(linkage_table.DEEP_CONSTRUCTOR)
        n_calls = sum(map(linkage_table.calls_of, sites)) - unseen
        function = shim.report["functions"]["matrix_other_name"]
        self.assertEqual(plain.stdout, shim.stdout)
        self.assert_counts(function, calls=n_calls, misses=len(sites) - 1,
                           hits=n_calls - len(sites) + 1, bypasses=0)
        self.assert_counts(shim.report["functions"]["matrix_alias"], calls=0)


if __name__ == "__main__":
    case.main()
