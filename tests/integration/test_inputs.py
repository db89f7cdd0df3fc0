# SPDX-License-Identifier: MIT
"""What functions read besides their arguments: the environment, files, the zone, the locale ...

The library counts its real calls, and without memoshim every answer is the true one: a stale answer
is a difference.
"""

import os
import shutil
import time

import case
import counted

INT = {"prototype": "long reading_{0}(int x)"}
TEXT = {"prototype": "const char *reading_{0}(int x)",
        "returns": {"out": "string", "lifetime": "static"}}
ENTRIES = {
    "variable": TEXT, "file": INT, "zone": {"prototype": "long reading_zone(long time)"},
    "folder": INT, "ids": INT, "locale": TEXT, "thread": INT,
    "path": {"prototype": "long reading_path(const char *path)", "args": {"path": "path"}},
    "joined": {"prototype": "long reading_joined(char *const texts[], int *ret_texts)",
               "args": {"texts": "strings", "ret_texts": {"out": "int"}}},
    "third": {"prototype": "double reading_third(double x)"},
}
SETTLED = 50  # ms: longer than two ticks of the kernel's coarse clock


def line(word, text="-", number=0):
    """One line of the script."""
    return f"{word} {text} {number}"


class Inputs(counted.CountedCase):

    def play(self, name, key_also, script, **how):
        """Runs the script both ways; the function's counters and each line's real calls."""
        entry = {key: value.format(name) if isinstance(value, str) else value
                 for key, value in ENTRIES[name].items()}
        entry = {**entry, "guard": False, "errno": True, **how.pop("more", {})}
        if key_also:
            entry["key_also"] = key_also
        outcome, real = self.drive(self.config({f"reading_{name}": entry}), script,
                                   program="surroundings", **how)
        return outcome.function(f"reading_{name}"), real

    def run_both(self, config, argv, stdin=b"", env=None, before=lambda: None, **how):
        """As Case, with the same state of files at the beginning of both runs."""
        before()
        plain = self.run_plain(argv, stdin, env, **how)
        before()
        with_shim = self.run_with(config, argv, stdin, env, **how)
        self.assert_same(plain, with_shim)
        return plain, with_shim

    def settle(self):
        """Until what was just written is old enough to be trusted. A pause, not an oracle."""
        time.sleep(SETTLED / 1000)

    def test_a_variable(self):
        call = line("variable", number=1)
        function, real = self.play(
            "variable", ["env:READING", "env:OTHER"],
            [call, call, line("setenv", "READING", 1), call, call, line("setenv", "READING", 0),
             call, call, line("setenv", "READING", 1), call, line("unsetenv", "READING"), call,
             line("setenv", "OTHER", 1), call, call, line("unsetenv", "OTHER"), call,
             line("setenv", "READING_", 1), call])
        self.assertEqual(real, [1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0])
        self.assert_counts(function, calls=12, hits=8, bypasses=0, stores=4)

    def test_an_emptied_variable_is_not_an_absent_one(self):
        call = line("variable", number=1)
        _, real = self.play("variable", ["env:READING"],
                            [call, line("unsetenv", "READING"), call, call],
                            env={"READING": ""})
        self.assertEqual(real, [1, 0, 1, 0])

    def test_a_file(self):
        path = self.folder / "number"

        def begin():
            path.write_text("5\n")
            self.settle()

        call, wait = line("file", number=0), line("sleep", number=SETTLED)
        function, real = self.play(
            "file", [f"file:{path}"],
            [call, call, line("write", number=6), wait, call, call, line("remove"), call, call,
             line("write", number=7), wait, call, call, line("remove"), call],
            env={"READING_FILE": path}, before=begin)
        self.assertEqual(real, [1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
        self.assert_counts(function, bypasses=0, hits=5)

    def test_a_file_that_changed_just_now_is_not_trusted(self):
        path = self.folder / "number"
        script = []
        for i in range(300):
            script += [line("write", number=100 + i), line("file"), line("file")]
        function, _ = self.play("file", [f"file:{path}"], script, env={"READING_FILE": path})
        self.assert_counts(function, calls=600)
        self.assertGreater(function["bypass_reasons"]["unsettled"], 0)

    def test_what_was_read_while_the_file_changed_is_not_kept(self):
        path = self.folder / "number"
        wait = line("sleep", number=SETTLED)
        # Absent when the key is made, there when it is read, absent again.
        function, real = self.play(
            "file", [f"file:{path}"],
            [line("write-later", number=9), line("file"), wait, line("remove"), line("file"),
             line("file")], env={"READING_FILE": path})
        self.assertEqual(real, [0, 1, 0, 0, 1, 0])
        self.assert_counts(function, not_stored=1, stores=1, hits=1)

    def test_files_that_are_looked_at_now_and_then(self):
        path = self.folder / "number"
        call, wait = line("file"), line("sleep", number=400)
        function, real = self.play(
            "file", [f"file:{path}"], [call] * 50 + [wait, call, call],
            more={"check_every": "200ms"}, env={"READING_FILE": path})
        self.assertEqual(real, [1] + [0] * 52)
        self.assert_counts(function, hits=51)
        # The change is seen when the time is over, and what was computed before that, in sight of
        # another file than the key's, is not kept under it.
        config = self.config({"reading_file": {
            "prototype": "long reading_file(int x)", "errno": True, "guard": False,
            "key_also": [f"file:{path}"], "check_every": "200ms"}}, name="again.json")
        script = [call, line("write", number=5), line("sleep", number=SETTLED),
                  line("file", number=1), line("sleep", number=400), line("file", number=1), call,
                  line("remove"), line("sleep", number=400), line("file", number=1)]
        path.unlink(missing_ok=True)
        outcome = self.run_with(config, [case.PROGRAMS / "surroundings", self.folder / "trace"],
                                "\n".join(script) + "\n", env={"READING_FILE": path})
        self.assertEqual(outcome.stdout.split(), [b"-1", b"6", b"6", b"5", b"0"])

    def zones(self):
        """A TZDIR with zones that do not depend on what is installed; skips without any."""
        source = "/usr/share/zoneinfo"
        for name in ("Asia/Tokyo", "America/New_York", "UTC"):
            case.need(os.path.exists(f"{source}/{name}"), "the package tzdata is not installed")
        folder = self.folder / "zones"
        folder.mkdir()
        shutil.copyfile(f"{source}/Asia/Tokyo", folder / "one")
        shutil.copyfile(f"{source}/America/New_York", folder / "two")
        self.settle()
        return folder

    def test_the_zone(self):
        """What libc holds is part of it, so nothing is kept of the first call in a zone."""
        folder = self.zones()
        call = line("zone", number=0)
        function, real = self.play(
            "zone", ["tz"],
            [call, call, call, line("settz", "Asia/Tokyo"), call, call, call,
             line("settz", ":Asia/Tokyo"), call, call,
             line("settz", "America/New_York"), call, line("settz", "Asia/Tokyo"), call, call,
             line("settz", f"{folder}/one"), call, call, line("settz", "EST5"), call, call, call,
             line("settz", ":"), call, call, call, line("settz", "JST-9EDT,M3.2.0,M11.1.0"), call,
             line("settzdir", str(folder)), line("settz", "two"), call, call, call,
             line("unsetenv", "TZ"), call, line("unsetenv", "TZDIR"), call])
        self.assertEqual(real, [1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0,
                                0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0])
        self.assert_counts(function, bypasses=0)

    def test_a_zone_that_changes_under_the_program(self):
        folder = self.zones()
        path = folder / "here"

        def begin():
            shutil.copyfile(folder / "one", path)
            self.settle()

        # What libc holds after the change nobody can tell: neither before nor after TZ was another.
        script = [line("settz", str(path)), line("zone"), line("zone"), line("zone"),
                  line("write", number=1), line("sleep", number=SETTLED), line("zone"),
                  line("settz", "UTC"), line("zone"), line("settz", str(path)), line("zone"),
                  line("zone")]
        function, real = self.play("zone", ["tz"], script, env={"READING_FILE": path}, before=begin)
        self.assertEqual(real, [0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 1, 1])
        self.assertEqual(function["bypass_reasons"]["unsettled"], 3)

    def test_the_current_folder(self):
        for name in ("a", "b"):
            (self.folder / name).mkdir()
        (self.folder / "a" / "here").touch()
        call = line("folder", number=3)
        function, real = self.play(
            "folder", ["cwd"],
            [line("chdir", self.folder / "a"), call, call, line("chdir", self.folder / "b"), call,
             line("chdir", "../a"), call, line("chdir", "../b"), call])
        self.assertEqual(real, [0, 1, 0, 0, 1, 0, 0, 0, 0])
        self.assert_counts(function, bypasses=0)

    def test_who_it_is(self):
        case.need(os.geteuid() == 0, "only root may change its group")
        call = line("ids", number=1)
        _, real = self.play("ids", ["uid"], [call, call, line("setegid", number=1), call, call,
                                             line("setegid", number=0), call])
        self.assertEqual(real, [1, 0, 0, 1, 0, 0, 0])

    def test_who_it_is_to_files(self):
        case.need(os.geteuid() == 0, "only root may change its group")
        call = line("ids", number=1)
        for word in "setfsgid", "setfsgid-raw":
            with self.subTest(word):
                # A group that is set for all follows for files.
                function, real = self.play(
                    "ids", ["uid"],
                    [call, line(word, number=1), call, call, line(word, number=0), call,
                     line("setegid", number=1), call, line("setegid", number=0), call])
                self.assertEqual(real, [1, 0, 1, 0, 0, 0, 0, 1, 0, 0])
                self.assert_counts(function, hits=3, bypasses=0)

    def test_the_locale(self):
        call = line("locale")
        function, real = self.play(
            "locale", ["locale"],
            [call, call, line("setlocale", "C.UTF-8"), call, call, line("uselocale", "C"), call,
             line("uselocale", "C.UTF-8"), call, line("globallocale"), call,
             line("setlocale", "C"), call])
        # A locale of the thread's own that has the global one's names is the same input.
        self.assertEqual(real, [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        self.assert_counts(function, hits=6)

    def test_each_thread_has_its_own(self):
        _, real = self.play("thread", ["thread"],
                            [line("own", number=1), line("own", number=1)]
                            + [line("thread", number=n) for n in range(1, 20)]
                            + [line("own", number=1)])
        self.assertEqual(real, [1, 0] + [1] * 19 + [0])

    def test_the_rounding_mode(self):
        call = line("third", number=1)
        script = []
        for mode in (0, 1, 2, 3, 1, 0):
            script += [line("round", number=mode), call, call]
        function, real = self.play("third", ["rounding"], script)
        self.assertEqual(real, [0, 1, 0] * 4 + [0, 0, 0] * 2)
        self.assert_counts(function, hits=8, bypasses=0)

    def test_paths(self):
        path = self.folder / "number"

        def begin():
            path.write_text("5\n")
            (self.folder / "other").write_text("6\n")
            self.settle()

        wait = line("sleep", number=SETTLED)
        one, other = line("path", path), line("path", self.folder / "other")
        none = line("path", "NULL")
        function, real = self.play(
            "path", None,
            [one, other, one, other, none, none, line("write", number=7), wait, one, one, other,
             line("remove"), one, one, line("write-later", number=8), line("path", "/nowhere"),
             line("remove"), one, line("path", self.folder), line("path", self.folder)],
            env={"READING_FILE": path}, before=begin)
        self.assertEqual(real, [1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1])
        self.assertEqual(function["bypass_reasons"], {"unsupported": 2})

    def test_a_path_whose_file_comes_during_the_call(self):
        path = self.folder / "number"
        function, real = self.play(
            "path", None,
            [line("write-later", number=8), line("path", path), line("remove"), line("path", path),
             line("path", path)], env={"READING_FILE": path})
        self.assertEqual(real, [0, 1, 0, 1, 0])
        self.assert_counts(function, not_stored=1, stores=1, hits=1)

    def test_lists_of_texts(self):
        texts = ["a,b", "a,b", "ab", "ab,", ",ab", "a,b,", "b,a", "ab", "a,b"]
        _, real = self.play("joined", None, [line("joined", text) for text in texts])
        self.assertEqual(real, [1, 0, 1, 1, 1, 1, 1, 0, 0])

    def test_numbers_that_are_near_enough(self):
        entry = {"prototype": "double reading_scaled(double x, const double *by)", "guard": False,
                 "args": {"x": {"round": 0.5}, "by": {"in": "double", "count": 2, "drop_bits": 49}}}
        script = [line("scaled", x, by) for x, by in (
            ("1", 1), ("1.1", 1), ("0.9", 1), ("1.3", 1), ("-0.1", 1), ("0", 1), ("nan", 1),
            ("nan", 1), ("inf", 1), ("-inf", 1), ("1", 16), ("1", 17), ("1", 18))]
        config = self.config({"reading_scaled": entry})
        trace = self.folder / "trace"
        outcome = self.run_with(config, [case.PROGRAMS / "surroundings", trace],
                                "\n".join(script) + "\n")
        self.assertEqual([int(word) for word in trace.read_text().split()],
                         [1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1])
        self.assertEqual(outcome.stdout.split()[:4], [b"1", b"1", b"1", b"1.3"])

    def test_a_secret_beside_inputs(self):
        call = line("variable", number=1)
        _, real = self.play(
            "variable", ["env:READING"],
            [call, call, line("setenv", "READING", 1), call, call, line("unsetenv", "READING"),
             call], more={"args": {"x": {"secret": True}}})
        self.assertEqual(real, [1, 0, 0, 1, 0, 0, 0])

    def test_a_mismatch_names_the_inputs(self):
        path = self.folder / "number"
        path.write_text("5\n")
        self.settle()
        config = self.config({"reading_file": {
            "prototype": "long reading_file(int x)", "errno": True, "mode": "verify",
            "key_also": ["env:READING", "locale", "cwd"]}})
        outcome = self.run_with(
            config, [case.PROGRAMS / "surroundings", self.folder / "trace"],
            "\n".join([line("file"), line("write", number=8), line("file")]) + "\n",
            env={"READING_FILE": path, "READING": "a b"}, cwd=self.folder)
        self.assertRegex(outcome.stderr.decode(),
                         r'\(x=0, env:READING="a b", locale="C"( =){11}, '
                         rf'cwd="{self.folder}" on \d+/\d+\)')


if __name__ == "__main__":
    case.main()
