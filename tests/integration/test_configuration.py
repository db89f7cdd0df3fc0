# SPDX-License-Identifier: MIT
"""Where configurations come from, what makes them refused, and what a program sees of a bad one."""

import json
import os
import pwd
import shutil

import case
import counted

DRIVER = case.PROGRAMS / "driver"
SCRIPT = "square 3\nsquare 3\n"
SQUARE = "counted_square"
TEXT = json.dumps({"version": 1, "functions": counted.functions("square")})


class Configuration(counted.CountedCase):

    def run_driver(self, config, **how):
        outcome = self.run_with(config, [how.pop("program", DRIVER)], SCRIPT, **how)
        return outcome

    def assert_acts(self, outcome):
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        self.assert_counts(outcome.function(SQUARE), calls=2, hits=1, misses=1)

    def assert_inert(self, outcome):
        """Not a word, no statistics, and the program runs."""
        self.assertEqual((outcome.status, outcome.stderr, outcome.reports), (0, b"", {}))
        self.assertEqual(outcome.stdout.count(b"9 errno=0 flags=0"), 2)
        self.assertEqual(outcome.real["square"], 2)

    def assert_refused(self, outcome, *words):
        """The program runs unmemoized, and standard error says why."""
        self.assertEqual((outcome.status, outcome.reports), (0, {}))
        self.assertEqual(outcome.stdout.count(b"9 errno=0 flags=0"), 2)
        self.assertEqual(outcome.real["square"], 2)
        for word in words:
            self.assertIn(str(word), outcome.stderr.decode())

    # ---- where it comes from --------------------------------------------------------------------

    def test_none(self):
        self.assert_inert(self.run_driver(None))

    def test_file(self):
        self.assert_acts(self.run_driver(self.config(counted.functions("square"))))

    def test_inline(self):
        self.assert_acts(self.run_driver(TEXT))

    def test_folder(self):
        self.config(counted.functions("square"), name="folder/driver.json")
        folder = self.folder / "folder"
        self.assert_acts(self.run_driver(folder))
        # A program of another name finds nothing there, unless the file it leads to is one.
        other = self.folder / "other"
        other.symlink_to(DRIVER)
        self.assert_acts(self.run_driver(folder, program=other))
        other.unlink()
        shutil.copy(DRIVER, other)
        env = {"LD_LIBRARY_PATH": case.PROGRAMS}
        self.assert_inert(self.run_driver(folder, program=other, env=env))

    def test_folders_of_the_user(self):
        self.config(counted.functions("square"), name="xdg/memoshim/driver.json")
        self.assert_acts(self.run_driver(None, env={"XDG_CONFIG_HOME": self.folder / "xdg"}))
        self.config(counted.functions("square"), name="home/.config/memoshim/driver.json")
        self.assert_acts(self.run_driver(None))

    def test_programs(self):
        functions = counted.functions("square")
        for programs, acts in ((["driver"], True), ([str(DRIVER.resolve())], True),
                               (["nginx", "driver"], True), (["nginx"], False),
                               (["/usr/bin/driver"], False)):
            outcome = self.run_driver(self.config(functions, programs=programs))
            (self.assert_acts if acts else self.assert_inert)(outcome)

    # ---- bad ones -------------------------------------------------------------------------------

    def test_wrong_in_three_ways(self):
        path = self.folder / "bad.json"
        path.write_text('{\n  "version": 1,\n  "functions": {\n    "counted_square": {\n'
                        '      "prototype": "long counted_square(long x)",\n'
                        '      "max_entires": 5,\n'
                        '      "ttl": "5 parsecs"\n    },\n'
                        '    "counted_length": {\n'
                        '      "prototype": "long counted_length(const char *t)" }\n'
                        '  }\n}\n')
        path.chmod(0o644)
        outcome = self.run_driver(path)
        self.assert_refused(outcome, f"{path}:6:7: error: ", "max_entries", f"{path}:7:14: error: ",
                            f"{path}:10:", "runs without memoization")

    def test_strict(self):
        outcome = self.run_driver("{ nonsense", env={"MEMOSHIM_STRICT": "1"})
        self.assertEqual((outcome.status, outcome.stdout), (78, b""))
        self.assertIn(b"MEMOSHIM_CONFIG:1:3: error: ", outcome.stderr)
        self.assert_acts(self.run_driver(TEXT, env={"MEMOSHIM_STRICT": "1"}))
        self.assert_refused(self.run_driver("{ nonsense", env={"MEMOSHIM_STRICT": "0"}), "error: ")
        self.assert_refused(self.run_driver(TEXT, env={"MEMOSHIM_STRICT": "yes"}),
                            "MEMOSHIM_STRICT: error: ", "0, 1")

    def test_not_in_this_version(self):
        text = json.dumps({"version": 1, "functions": counted.functions("square", l2={})})
        self.assert_refused(self.run_driver(text), "l2", "not in this version yet")

    def test_missing(self):
        path = self.folder / "missing.json"
        self.assert_refused(self.run_driver(path), path, "error: ")
        strict = self.run_driver(path, env={"MEMOSHIM_STRICT": "1"})
        self.assertEqual(strict.status, 78)

    def test_writable_by_others(self):
        path = self.config(counted.functions("square"))
        for mode in 0o666, 0o664:
            path.chmod(mode)
            self.assert_refused(self.run_driver(path), path, "error: ")
        path.chmod(0o600)
        self.assert_acts(self.run_driver(path))

    def test_folder_writable_by_others(self):
        path = self.config(counted.functions("square"), name="folder/driver.json")
        path.parent.chmod(0o777)
        self.assert_refused(self.run_driver(path), "error: ")
        self.assert_refused(self.run_driver(path.parent), "error: ")
        path.parent.chmod(0o1777)
        self.assert_acts(self.run_driver(path))

    def test_owned_by_somebody_else(self):
        case.need(os.getuid() == 0, "giving a file away needs root")
        path = self.config(counted.functions("square"))
        os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        self.assert_refused(self.run_driver(path), path, "error: ")

    # ---- functions that cannot be hooked --------------------------------------------------------

    @case.exports_names
    def test_functions_that_cannot_be_hooked(self):
        config = self.config({**counted.functions("square"),
                              "malloc": {"prototype": "void *malloc(size_t n)",
                                         "returns": "address"},
                              "no_such_function": {"prototype": "int no_such_function(int)"},
                              "counted_odd": {"prototype": "bool counted_odd(unsigned char)",
                                              "library": "libother.so.1"}})
        outcome = self.run_driver(config)
        self.assert_acts(outcome)
        self.assertEqual(set(outcome.report["not_hooked"]),
                         {"malloc", "no_such_function", "counted_odd"})
        outcome = self.run_driver(config, env={"MEMOSHIM_LOG": "warn"})
        lines = outcome.stderr.decode().splitlines()
        self.assertEqual(len(lines), 3, lines)
        self.assertTrue(all(line.startswith("memoshim: ") for line in lines), lines)


if __name__ == "__main__":
    case.main()
