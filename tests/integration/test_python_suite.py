# SPDX-License-Identifier: MIT
"""Debian's own tests of Python 3.11 (libpython3.11-testsuite), case by case: each ends as it ends
without memoshim when all calls of hundreds of functions are passed on through thunks.

A part of them by default, all of them in a full run (MEMOSHIM_TEST_SCALE above 1; half an hour).
"""

import collections
import json
import os
import shutil
import xml.etree.ElementTree

import case
import programs

# What stays below 20 seconds each way, and has to do with C most.
PART = """test_math test_cmath test_float test_complex test_strtod test_struct test_dict test_re
    test_bytes test_unicode test_format test_time test_strftime test_locale test_random
    test_statistics test_ctypes test_hashlib test_zlib test_json test_fork1 test_thread test_pwd
    test_exceptions test_generators test_posix test_file test_glob test_shutil test_sqlite3
    test_contextlib test_array test_fcntl test_select test_mmap test_wait4 test_popen""".split()

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
    ctypes.test in test_ctypes."""
    words = test.split(".")
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
        report, room = self.folder / f"{name}.xml", self.folder / f"{name}.room"
        room.mkdir()
        # Whoever runs this in the background may ignore SIGINT, and that would be inherited.
        argv = ["env", "--default-signal", "nice", self.python, "-m", "test", f"-j{workers}",
                "--timeout", "600", "--junit-xml", report, "--tempdir", room,
                *(f"--ignore={pattern}" for pattern in LEFT_OUT), *files]
        outcome = self._run(argv, b"", self.environment(**env), {"seconds": SECONDS[not files]})
        self.assertTrue(report.exists(), outcome.stdout[-3000:] + outcome.stderr[-3000:])
        lines = [line for line in outcome.stdout.decode(errors="replace").splitlines()
                 if line.startswith("Total ") or "tests OK" in line or "failed:" in line]
        print(f"{name}:", *lines, sep="\n    ", flush=True)
        shutil.rmtree(room, ignore_errors=True)
        return self.read_results(report)

    def read_results(self, path):
        ended = {}
        for test in xml.etree.ElementTree.parse(path).iterfind(".//testcase[@name]"):
            kinds = {child.tag for child in test} & {"failure", "error", "skipped"}
            ended[test.get("name")] = "+".join(sorted(kinds)) or "passed"
        return ended

    def run_passed_on(self, name, files, **how):
        stats = self.folder / f"{name}.stats"
        stats.mkdir()
        stats.chmod(0o1777)  # some tests become other users
        env = {"LD_PRELOAD": programs.PASS_THROUGH, "MEMOSHIM_STATS": stats / "%p.json",
               "MEMOSHIM_CONFIG": self.config(programs.pass_through_functions(), "pass.json")}
        ended = self.run_suite(name, files, env, **how)
        calls = collections.Counter()
        reports = list(stats.glob("*.json"))
        for path in reports:
            for function, counted in json.loads(path.read_bytes())["functions"].items():
                self.assertEqual((counted["hits"], counted["misses"]), (0, 0), function)
                calls[function] += counted["calls"]
        shutil.rmtree(stats)
        called = [function for function in calls if calls[function]]
        print(f"    {len(reports)} processes, {len(called)} functions, {calls.total()} calls "
              "passed on", flush=True)
        self.assertGreaterEqual(len(called), 60)
        return ended

    def differences(self, files, attempt):
        """The cases that did not end the same, with how they ended."""
        plain = self.run_suite(f"plain{attempt}", files, {})
        passed_on = self.run_passed_on(f"passed-on{attempt}", files)
        different = {test: (plain.get(test), passed_on.get(test))
                     for test in plain.keys() | passed_on.keys()
                     if plain.get(test) != passed_on.get(test)}
        for test, (without, with_shim) in sorted(different.items()):
            print(f"    {test}: {without}; passed on: {with_shim}", flush=True)
        return plain, different

    def test_suite(self):
        """What ends otherwise is run again by itself: only a case that ends otherwise each time,
        and always the same way without memoshim, is held against it."""
        plain, different = self.differences([] if programs.FULL else PART, 0)
        self.assertGreater(list(plain.values()).count("passed"), 1000)
        for attempt in range(1, ATTEMPTS + 1):
            if not different:
                break
            files = sorted({file_of(test) for test in different})
            _, again = self.differences(files, attempt)
            different = {test: ended for test, ended in different.items()
                         if test in again and again[test][0] == ended[0]}
        self.assertEqual(different, {})


if __name__ == "__main__":
    case.main()
