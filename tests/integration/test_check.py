# SPDX-License-Identifier: MIT
"""memoshim check with a program: what it says of each function, and that it is what happens.

For programs of the system its word is held against the statistics of a real run; for a program made
of one example for each reason against expected text.
"""

import json
import os
import shutil
import subprocess

import case
import programs
from checking import BAD, SOURCES, UNKNOWN, Built, CheckCase, describe

# Programs and how they are run: quickly, and ending by themselves.
SYSTEM = {
    "ab": ["-V"], "apt-cache": ["--version"], "as": ["--version"], "awk": ["BEGIN { print 1 }"],
    "bash": ["-c", "echo $((6 * 7))"], "cat": ["/etc/passwd"], "clang": ["--version"],
    "clang-format": ["--version"], "cmp": ["/etc/passwd", "/etc/passwd"], "curl": ["--version"],
    "date": ["-d", "2020-02-02"], "diff": ["/etc/passwd", "/etc/passwd"],
    "dpkg-query": ["-W", "libc6"], "expr": ["6", "*", "7"], "find": ["/etc/apt"],
    "g++": ["-dumpversion"], "gawk": ["BEGIN { print exp(1) }"], "gcc": ["--version"],
    "gdb": ["-batch", "-ex", "print 6 * 7"], "git": ["--version"], "grep": ["root", "/etc/passwd"],
    "gzip": ["-c", "/etc/passwd"], "htpasswd": ["-nbd", "user", "password"], "ld": ["--version"],
    "ls": ["-l", "/"], "nginx": ["-v"], "ninja": ["--version"], "nm": ["--version"],
    "objdump": ["--version"], "openssl": ["version"], "perl": ["-e", "print sin(1)"],
    "ps": ["--version"], "python3": ["-c", "import math; print(math.exp(1))"],
    "readelf": ["--version"], "sed": ["-n", "1p", "/etc/passwd"], "sha256sum": ["/etc/passwd"],
    "sort": ["/etc/passwd"], "sqlite3": [":memory:", "select 6 * 7"], "ssh": ["-V"],
    "tar": ["--version"], "tr": ["a", "b"], "wc": ["/etc/passwd"], "xxd": ["/etc/passwd"],
}
LEAST_PROGRAMS, LEAST_DEFINITIONS = 20, 400

# Further reasons, beside what the presets name: denied, in another version, nowhere.
REFUSED = {
    "malloc": {"prototype": "unsigned long malloc(size_t size)"},
    "getppid@GLIBC_9": {"prototype": "int getppid(void)"},
    "memoshim_nowhere": {"prototype": "int memoshim_nowhere(int x)"},
    "toupper": {"prototype": "int toupper(int c)", "mode": "off"},
}


def symbol_of(shown):
    """pow@GLIBC_2.29, f (libx.so) -> pow, f"""
    return shown.split("@")[0].split(" (")[0]


# ---- what is said is what happens ---------------------------------------------------------------

class Prediction(CheckCase):

    def setUp(self):
        super().setUp()
        case.need(os.environ.get("MEMOSHIM_SANITIZED") != "1",
                  "a sanitizer's runtime does not start in every program")

    IMPORTER = ("object", "path", "plt", "got", "pointers", "copied", "unaligned", "sealed")
    SAME = ("library", "path", "version", "exported", "not_exported", "demangled")

    def compare(self, said, report):
        """Every configured function: what check said, and what statistics say. Returns how many
        definitions agreed."""
        n_agreed = 0
        start = {one["path"] for one in said["program"]["objects"]}
        seen = {}
        for shown, function in report["functions"].items():
            if function["mode"] != "off":
                place = symbol_of(shown), function["path"], function["version"]
                self.assertNotIn(place, seen)
                seen[place] = function
        for name, function in said["functions"].items():
            if function["verdict"] == "off":
                self.assertEqual(report["functions"][name]["mode"], "off")
                continue
            for definition in function["definitions"]:
                place = symbol_of(name), definition["path"], definition["version"]
                if definition["used"]:
                    self.assertIn(place, seen)
                if place in seen:
                    self.compare_definition({**definition, "demangled": function["demangled"]},
                                            seen.pop(place))
                    n_agreed += 1
            self.compare_refusal(name, function, report)
        # What was pending may have come with a library; nothing else is hooked.
        for (symbol, path, _), function in seen.items():
            self.assertNotIn(path, start, (symbol, function))
            self.assertEqual(function["importers"], [])
        return n_agreed

    def compare_definition(self, definition, function):
        """Slots by kind and importing object, provider, export, problem."""
        for key in self.SAME:
            self.assertEqual(definition.get(key), function.get(key), (key, definition, function))
        self.assertEqual([{key: one[key] for key in self.IMPORTER}
                          for one in definition["importers"]], function["importers"])
        self.assertEqual(definition["hooked_slots"],
                         function["hooked_slots"] - function["later_slots"])
        if function["later_slots"] == 0:
            self.assertEqual(definition.get("limits"), function.get("limits"))

    def compare_refusal(self, name, function, report):
        hooked = {symbol_of(shown) for shown in report["functions"]}
        if function["not_hooked"] is None:
            self.assertNotIn(name, report.get("not_hooked", {}))
        elif function["verdict"] != "pending" or symbol_of(name) not in hooked:
            self.assertEqual(function["not_hooked"], report.get("not_hooked", {}).get(name))

    def predict(self, functions, library):
        """All programs that are here."""
        config = self.config(functions)
        n_programs = n_definitions = 0
        for name, arguments in SYSTEM.items():
            path = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")
            if path is None:
                continue
            with self.subTest(program=name):
                argv = [path, *arguments]
                env = {"MEMOSHIM_LIBRARY": library}
                stats = self.folder / f"{name}.json"
                environment = self.environment(LD_PRELOAD=library, MEMOSHIM_CONFIG=config,
                                               MEMOSHIM_STATS=stats)
                said = json.loads(subprocess.run(
                    [case.COMMAND, "check", "--json", "-c", config, "--", *argv],
                    env=self.environment(**env), stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, timeout=case.RUN_SECONDS, check=False).stdout)
                self.assertIsNone(said["program"]["problem"])
                subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               cwd=self.folder, timeout=case.RUN_SECONDS, check=True)
                n_agreed = self.compare(said, json.loads(stats.read_bytes()))
                n_programs += 1
                n_definitions += n_agreed
        print(f"{n_programs} programs, {n_definitions} definitions as predicted")
        self.assertGreaterEqual(n_programs, LEAST_PROGRAMS)
        return n_definitions

    def test_with_presets(self):
        functions = {**programs.preset_functions(), **REFUSED}
        self.assertGreater(self.predict(functions, case.LIBRARY), 50)

    def test_with_hundreds_of_functions(self):
        """Those that real programs call most, through thunks that pass every call on."""
        self.assertGreater(self.predict(programs.pass_through_functions(), programs.PASS_THROUGH),
                           LEAST_DEFINITIONS)


# ---- one example of each reason -----------------------------------------------------------------

SUBJECT = {
    **{f"subject_{name}": describe(f"subject_{name}") for name in (
        "inner plain got pointed copied packed chosen protected code unused versioned data hidden "
        "symbolic callback static own nowhere").split()},
    "_ZN7subject8distanceEi": describe("_ZN7subject8distanceEi"),
    "subject_versioned@SUBJECT_2": describe("subject_versioned"),
    "subject_versioned@SUBJECT_3": describe("subject_versioned"),
    "getppid": {"prototype": "int getppid(void)", "library": "libsubject.so"},
    "subject_off": describe("subject_off", mode="off"),
    "fork": {"prototype": "int fork(void)"},
    "_ZGVbN2v_sin": {"prototype": "double _ZGVbN2v_sin(double x)"},
    "__tunable_get_val": describe("__tunable_get_val"),
    "__vdso_getcpu": describe("__vdso_getcpu"),
}

@case.exports_names
class Reasons(Built):

    def test_the_subject_leaves_a_trace_when_it_runs(self):
        subprocess.run([self.built / "subject"], env=self.environment(SUBJECT_TRACE=self.trace),
                       check=True)
        self.assertTrue(self.trace.exists())

    def test_text(self):
        done = self.check(self.config(SUBJECT), [self.built / "subject", "-x"])
        self.assertEqual(done.stderr, b"")
        text = done.stdout.decode().replace(str(self.built), "BUILT")
        self.assertEqual(text, (SOURCES / "expected.txt").read_text())
        self.assertEqual(done.returncode, UNKNOWN)

    def test_codes(self):
        functions = self.said(self.config(SUBJECT), [self.built / "subject"])["functions"]
        codes = {name: (one["verdict"], [remark["code"] for remark in one["remarks"]])
                 for name, one in functions.items()}
        own = "own_calls"
        self.assertEqual(codes, {
            "subject_inner": ("hooked", []), "subject_plain": ("hooked", [own]),
            "subject_got": ("hooked", [own]), "subject_pointed": ("hooked", [own]),
            "subject_copied": ("hooked", []), "subject_packed": ("refused", ["unaligned", own]),
            "subject_chosen": ("hooked", [own]), "subject_protected": ("hooked", [own]),
            "subject_code": ("hooked", ["alias", own]),
            "subject_unused": ("unused", ["unused", own]),
            "subject_versioned": ("hooked", [own, "not_exported"] * 2),
            "subject_data": ("pending", ["data"]), "subject_hidden": ("pending", ["static"]),
            "subject_symbolic": ("hooked", [own]),
            "subject_callback": ("hooked", [own, "not_exported"]),
            "subject_static": ("pending", ["static"]), "subject_own": ("pending", ["internal"]),
            "subject_nowhere": ("pending", ["pending", "stripped"]),
            "_ZN7subject8distanceEi": ("hooked", [own]),
            "subject_versioned@SUBJECT_2": ("refused", []),
            "subject_versioned@SUBJECT_3": ("pending", ["other_version"] * 2),
            "getppid": ("pending", ["other_library"]), "subject_off": ("off", []),
            "fork": ("refused", []), "_ZGVbN2v_sin": ("refused", []),
            "__tunable_get_val": ("pending", ["loader"]), "__vdso_getcpu": ("pending", ["vdso"])})
        self.assertEqual(functions["_ZN7subject8distanceEi"]["demangled"], "subject::distance(int)")

    def test_the_way_out_leads_out(self):
        """What the hints say to write makes the function one that can be hooked."""
        config = self.config({
            "subject_code": describe("subject_code"),
            "subject_other_name": describe("subject_other_name"),
            "subject_versioned@SUBJECT_2": describe("subject_versioned"),
            "subject_inner": describe("subject_inner", library="libsubject.so")})
        functions = self.said(config, [self.built / "subject"], statuses=(0,))["functions"]
        self.assertEqual({one["verdict"] for one in functions.values()}, {"hooked"})
        self.assertEqual({remark["code"] for one in functions.values()
                          for remark in one["remarks"]}, {"own_calls", "not_exported"})

    def test_callers(self):
        config = self.config({"subject_inner": describe("subject_inner", callers=["elsewhere.so"]),
                              "subject_plain": describe("subject_plain", callers=["subject"])})
        functions = self.said(config, [self.built / "subject"])["functions"]
        self.assertEqual(functions["subject_inner"]["verdict"], "unused")
        self.assertIn("elsewhere.so", functions["subject_inner"]["remarks"][0]["text"])
        self.assertEqual(functions["subject_plain"]["verdict"], "hooked")

    def test_variadic_functions_are_errors_of_the_configuration(self):
        config = self.config({"printf": {"prototype": "int printf(const char *format, ...)"}})
        done = self.check(config, [self.built / "subject"])
        self.assertEqual((done.returncode, done.stdout), (BAD, b""))
        self.assertIn(b"functions with '...' cannot be remembered", done.stderr)

    def test_run_agrees(self):
        """The subject's own statistics, for its kinds of slots are not those of the system's."""
        config = self.config(SUBJECT)
        said = self.said(config, [self.built / "subject"])
        outcome = self.run_with(config, [self.built / "subject"])
        self.assertEqual(outcome.status, 0)
        self.assertGreaterEqual(Prediction.compare(self, said, outcome.report), 15)

    compare_definition, compare_refusal = Prediction.compare_definition, Prediction.compare_refusal
    IMPORTER, SAME = Prediction.IMPORTER, Prediction.SAME


if __name__ == "__main__":
    case.main()
