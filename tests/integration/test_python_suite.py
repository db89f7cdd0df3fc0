# SPDX-License-Identifier: MIT
"""Debian's own tests of Python 3.11 (libpython3.11-testsuite), case by case: each ends as it ends
without memoshim when all calls of hundreds of functions are passed on through thunks.

A part of them by default, all of them in a full run (MEMOSHIM_TEST_SCALE above 1; half an hour).
Those of what presets are for also with all presets in force, but for those of files, which change.
"""

import collections
import json
import os
import re
import shutil
import xml.etree.ElementTree

import case
import programs

# What stays below 20 seconds each way, and has to do with C most.
PART = """test_math test_cmath test_float test_complex test_strtod test_struct test_dict test_re
    test_bytes test_unicode test_format test_time test_strftime test_locale test_random
    test_ctypes test_hashlib test_zlib test_json test_fork1 test_thread test_pwd
    test_exceptions test_generators test_posix test_file test_glob
    test_contextlib test_array test_fcntl test_select test_mmap test_popen""".split()

# What calls functions that have a preset.
OF_PRESETS = """test_math test_cmath test_float test_complex test_strtod test_statistics test_random
    test_numeric_tower test_fractions test_colorsys test_wave test_crypt test_builtin test_range
    test_format test_time test_strptime test_pwd test_grp test_socket test_locale test_ctypes
    test_hashlib test_zlib""".split()

# Not run, in either way, because they do not always end the same without memoshim.
LEFT_OUT = {
    "test.test_socket.ThreadedVSOCKSocketStreamTest.*": "waits for ever where a virtual machine "
                                                        "has AF_VSOCK and nobody to talk to",
}

SECONDS = {True: 5400, False: 300}
WORKERS = 2
ATTEMPTS = 2


def file_of(test):
    """Of a case: test.test_json.test_dump.TestDump.test_x stands in test_json, and the tests of
    ctypes.test in test_ctypes. Files themselves are named as they are."""
    words = test.split(".")
    if len(words) == 1:
        return test
    return words[1] if words[0] == "test" else f"test_{words[0]}"


class PythonSuite(programs.ProgramsCase):

    def setUp(self):
        super().setUp()
        self.python = "/usr/bin/python3.11"
        case.need(os.path.isdir("/usr/lib/python3.11/test/test_json"),
                  "libpython3.11-testsuite is not installed")
        self.folder.chmod(0o755)

    def run_suite(self, name, files, env, workers=WORKERS):
        """One run of these test files, or of all. (test file, case) -> how it ended."""
        # One path for all runs: sockets are left out where it is too long.
        report, room = self.folder / f"{name}.xml", self.folder / "room"
        room.mkdir()
        # Whoever runs this in the background may ignore SIGINT, and that would be inherited.
        argv = ["env", "--default-signal", "nice", self.python, "-m", "test", f"-j{workers}",
                "--timeout", "600", "--junit-xml", report, "--tempdir", room,
                *(f"--ignore={pattern}" for pattern in LEFT_OUT), *files]
        outcome = self._run(argv, b"", self.environment(**env), {"seconds": SECONDS[not files]})
        self.assertTrue(report.exists(), outcome.stdout[-3000:] + outcome.stderr[-3000:])
        text = outcome.stdout.decode(errors="replace")
        shutil.rmtree(room, ignore_errors=True)
        ended = self.read_results(report)
        print(f"{name}:", *re.findall(r"^(?:Total|All|\d+ tests? OK).*", text, re.M),
              dict(collections.Counter(ended.values())), sep="\n    ", flush=True)
        # Files that ended before their first case, among others.
        for how, files in re.findall(r"^\d+ tests? (\w.*):\n((?: +test_.*\n)+)", text, re.M):
            print(f"    {how}: {' '.join(files.split())}", flush=True)
            ended.update({file: how for file in files.split()})
        return ended

    def read_results(self, path):
        ended = {}
        for test in xml.etree.ElementTree.parse(path).iterfind(".//testcase[@name]"):
            kinds = {child.tag for child in test} & {"failure", "error", "skipped"}
            ended[test.get("name")] = "+".join(sorted(kinds)) or "passed"
        return ended

    def add_up(self, folder, functions):
        """How often each function was called, and what came of it, in all processes together."""
        total = collections.Counter()
        reports = list(folder.glob("*.json"))
        for path in reports:
            report = json.loads(path.read_bytes())
            case.check_report(report)
            for name, function in report["functions"].items():
                total.update({(name, what): function[what] for what in ("calls", "hits", "misses")})
        called = [name for name in functions if total[name, "calls"]]
        print(f"    {len(reports)} processes, {len(called)} functions, "
              f"{sum(total[name, 'calls'] for name in called)} calls", flush=True)
        return called, {name: (total[name, "hits"], total[name, "misses"]) for name in called}

    def run_with_functions(self, name, files, functions, preload):
        """The suite with these functions configured. How it ended, and add_up's results."""
        stats = self.folder / f"{name}.stats"
        stats.mkdir()
        stats.chmod(0o1777)  # some tests become other users
        env = {"LD_PRELOAD": preload, "MEMOSHIM_STATS": stats / "%p.json",
               "MEMOSHIM_CONFIG": self.config(functions, f"{name}.json")}
        ended = self.run_suite(name, files, env)
        called, counted = self.add_up(stats, functions)
        shutil.rmtree(stats)
        return ended, called, counted

    def run_passed_on(self, name, files):
        ended, called, counted = self.run_with_functions(
            name, files, programs.pass_through_functions(), programs.PASS_THROUGH)
        self.assertEqual({(0, 0)}, set(counted.values()), counted)
        self.assertGreaterEqual(len(called), 60)
        return ended

    def run_memoized(self, name, files):
        ended, called, counted = self.run_with_functions(
            name, files, programs.preset_functions(), case.LIBRARY)
        self.assertGreater(sum(hits for hits, _ in counted.values()), 0)
        return ended

    def differences(self, files, run, attempt):
        """The cases that did not end the same, with how they ended."""
        plain = self.run_suite(f"plain{attempt}", files, {})
        changed = run(f"with-memoshim{attempt}", files)
        different = {test: (plain.get(test), changed.get(test))
                     for test in plain.keys() | changed.keys()
                     if plain.get(test) != changed.get(test)}
        for test, (without, with_shim) in sorted(different.items()):
            print(f"    {test}: {without}; with memoshim: {with_shim}", flush=True)
        return plain, different

    def check_suite(self, files, run):
        """What ends otherwise is run again by itself: only a case that ends otherwise each time,
        and always the same way without memoshim, is held against it."""
        plain, different = self.differences(files, run, 0)
        self.assertGreater(list(plain.values()).count("passed"), 300)
        for attempt in range(1, ATTEMPTS + 1):
            if not different:
                break
            files = sorted({file_of(test) for test in different})
            _, again = self.differences(files, run, attempt)
            different = {test: ended for test, ended in different.items()
                         if test in again and again[test][0] == ended[0]}
        self.assertEqual(different, {})

    def test_passed_on(self):
        self.check_suite([] if programs.FULL else PART, self.run_passed_on)

    def test_memoized(self):
        """What has a preset remembered, under the tests of what calls it."""
        self.check_suite(OF_PRESETS, self.run_memoized)


if __name__ == "__main__":
    case.main()
