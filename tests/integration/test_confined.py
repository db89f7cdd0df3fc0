# SPDX-License-Identifier: MIT
"""Programs that give something up while they run: system calls, their root folder, privileges,
memory, descriptors, the shim's own file. They live on, calls are answered and counted."""

import ctypes
import os
import pwd
import shutil
import subprocess

import case
import counted

CONFINED = case.PROGRAMS / "confined"
# Calls before and after, and what they cost at least: each key once.
SQUARES, NAMES = 10 + 10 + 20, 20
PR_SET_MDWE = 65


class Confined(counted.CountedCase):

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.both = self.config(counted.functions("square", "name"))

    def take(self, what, argument="-", end="exit", status=0, **how):
        """The same program without and with memoshim, both of which must end so."""
        plain = self.run_plain([CONFINED, what, argument, end])
        case.need(plain.status != case.SKIPPED, f"{what} cannot be taken away here")
        self.assertEqual(plain.status, status, plain.stderr)
        outcome = self.run_with(how.pop("config", self.both), [CONFINED, what, argument, end],
                                **how)
        self.assertEqual(outcome.status, status, outcome.stderr)
        return outcome

    def assert_counted(self, report, squares=SQUARES, names=NAMES, **more):
        self.assert_counts(report["functions"]["counted_square"], calls=squares, misses=20,
                           bypasses=0, **more)
        self.assert_counts(report["functions"]["counted_name"], calls=names, misses=10,
                           bypasses=0, **more)

    def assert_remembered(self, outcome):
        """No report: the library knows."""
        self.assertEqual((outcome.real["square"], outcome.real["name"]), (20, 10))

    # ---- system calls ---------------------------------------------------------------------------

    def test_no_files_and_no_changes_of_protection(self):
        """A filter that kills: neither a hit nor a miss opens a file or changes a page."""
        outcome = self.take("files", end="bare", env={"MEMOSHIM_STATS": ""})
        self.assertEqual(outcome.stderr, b"")
        self.assert_remembered(outcome)
        # Without statistics nor does the end.
        outcome = self.take("files", env={"MEMOSHIM_STATS": ""})
        self.assert_remembered(outcome)

    def test_strict_mode_allows_hits(self):
        """read, write and the end of the thread alone."""
        outcome = self.take("everything", end="bare", env={"MEMOSHIM_STATS": ""})
        self.assertEqual(outcome.real["square"], 10)
        # However many there are.
        for policy in "lru", "direct", "sieve":
            with self.subTest(policy):
                config = self.config(counted.functions("length", policy=policy, guard=False))
                outcome = self.take("everything", end="bare", config=config,
                                    env={"MEMOSHIM_STATS": ""})
                self.assertEqual(outcome.real["length"], 1)

    def test_no_looks_at_what_keys_rest_on(self):
        """Where hits would need system calls, the calls go to the real function from then on."""
        rest_on = [{"key_also": [what]} for what in ("cwd", "uid", "tz", "file:/etc/passwd")]
        rest_on.append({"key_also": ["file:/etc/passwd"], "check_every": "1us"})
        rest_on.append({"invalidate": [{"file": "/etc/passwd"}]})
        for policy in rest_on:
            config = self.config(counted.functions("square", "name", **policy))
            for what, real in ("files", (10 + 10 + 20, 20)), ("everything", (10 + 10, 0)):
                with self.subTest(policy=policy, what=what):
                    outcome = self.take(what, end="bare", config=config,
                                        env={"MEMOSHIM_STATS": ""})
                    self.assertEqual((outcome.real["square"], outcome.real["name"]), real)

    def test_sandboxes_that_are_entered_by_number(self):
        config = self.config(counted.functions("square", "name", key_also=["cwd", "uid"]))
        for what in "files-by-call", "files-by-number":
            with self.subTest(what):
                case.need(what == "files-by-call" or os.getuid() == 0,
                          "only root may install a filter and stay what it is")
                outcome = self.take(what, end="bare", config=config, env={"MEMOSHIM_STATS": ""})
                self.assertEqual((outcome.real["square"], outcome.real["name"]), (10 + 10 + 20, 20))

    def test_no_writable_memory_becomes_executable(self):
        outcome = self.take("executable-memory")
        self.assert_counted(outcome.report)

        def refuse():
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0:
                os._exit(case.SKIPPED)

        outcome = self.run_with(self.both, [CONFINED, "nothing", "-", "exit"], preexec_fn=refuse)
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        self.assert_counted(outcome.report)

    # ---- folders, users -------------------------------------------------------------------------

    def test_another_root(self):
        case.need(os.getuid() == 0, "chroot needs root")
        root = self.folder / "root"
        root.mkdir()
        outcome = self.take("root", root)
        # Its statistics cannot be written there, which is said once.
        self.assertEqual(outcome.stderr.count(b"memoshim: "), 1, outcome.stderr)
        self.assertIn(b"cannot write statistics", outcome.stderr)
        self.assert_remembered(outcome)
        # The path counts as it is seen then.
        inside = root / self.folder.relative_to("/") / "stats"
        inside.mkdir(parents=True)
        (self.folder / "stats").mkdir()
        outcome = self.take("root", root, env={"MEMOSHIM_STATS": self.folder / "stats/%p.json"})
        self.assertEqual(outcome.stderr, b"")
        self.assert_counted(self.read_reports(inside)[outcome.pid])

    def test_dropped_privileges(self):
        case.need(os.getuid() == 0, "dropping privileges needs some")
        nobody = pwd.getpwnam("nobody")
        outcome = self.take("privileges", "nobody")
        self.assertEqual(outcome.stderr.count(b"memoshim: "), 1, outcome.stderr)
        self.assert_remembered(outcome)
        theirs = self.folder / "theirs"
        theirs.mkdir()
        os.chown(theirs, nobody.pw_uid, nobody.pw_gid)
        outcome = self.take("privileges", "nobody", env={"MEMOSHIM_STATS": theirs / "%p.json"})
        self.assertEqual(outcome.stderr, b"")
        self.assert_counted(self.read_reports(theirs)[outcome.pid])
        self.assertEqual((theirs / f"{outcome.pid}.json").stat().st_uid, nobody.pw_uid)

    @case.unsanitized
    def test_no_proc(self):
        case.need(os.getuid() == 0 and shutil.which("unshare"), "hiding /proc needs root")
        hide = "mount -t tmpfs none /proc && exec \"$@\""
        argv = ["unshare", "-m", "sh", "-c", hide, "sh"]
        tried = subprocess.run([*argv, "true"], capture_output=True, check=False)
        case.need(tried.returncode == 0, f"no namespaces here: {tried.stderr}")
        stats = self.folder / "stats.json"
        # Nor does the loader know then what $ORIGIN is.
        outcome = self.run_plain([*argv, "env", f"LD_PRELOAD={case.LIBRARY}",
                                  f"LD_LIBRARY_PATH={case.PROGRAMS}",
                                  f"MEMOSHIM_CONFIG={self.both}", f"MEMOSHIM_STATS={stats}",
                                  CONFINED, "nothing", "-", "exit"])
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        self.assert_remembered(outcome)
        self.assertTrue(stats.exists())

    def test_the_library_s_file_is_gone(self):
        library, stats = self.folder / "libmemoshim.so", self.folder / "here"
        stats.mkdir()
        shutil.copy(case.LIBRARY, library)
        with_other = {"LD_PRELOAD": library, "MEMOSHIM_STATS": stats / "%p.json"}
        outcome = self.run_with(self.both, [CONFINED, "file", library, "exit"], env=with_other)
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        self.assertFalse(library.exists())
        self.assert_counted(self.read_reports(stats)[outcome.pid])

    # ---- limits ---------------------------------------------------------------------------------

    @case.unsanitized  # it asks for memory once more for each large object that goes
    def test_no_more_memory(self):
        """What is had already serves; what is not stored is computed."""
        outcome = self.take("address-space")
        # There is none for statistics, either.
        self.assertEqual(outcome.stderr.count(b"memoshim: "), 1, outcome.stderr)
        self.assertIn(b"cannot write statistics", outcome.stderr)
        self.assertEqual(outcome.real["square"], 20)
        self.assertIn(outcome.real["name"], range(10, 21))

    def test_no_locked_memory(self):
        config = self.config({**counted.functions("square", "name", "check")})
        self.assert_counted(self.take("locked-memory", config=config).report)

    def test_no_descriptors(self):
        """None can be had any more: statistics are lost, which is said."""
        outcome = self.take("descriptors")
        self.assertEqual(outcome.stderr.count(b"memoshim: "), 1, outcome.stderr)
        self.assert_remembered(outcome)

    # ---- descriptors ----------------------------------------------------------------------------

    def check_own_files(self, folder):
        for i in range(60):
            path = folder / f"own{i}"
            path.chmod(0o600)  # a daemon's mask left nobody but root a right to it
            self.assertEqual(path.read_bytes(), b"own\n", i)

    def test_all_descriptors_closed_and_taken(self):
        stats = self.folder / "here"
        stats.mkdir()
        for target in str(stats / "%p.json"), "stderr":
            with self.subTest(target):
                folder = self.folder / f"own-{len(target)}"
                folder.mkdir()
                outcome = self.run_with(self.both, [CONFINED, "all-descriptors", folder, "exit"],
                                        env={"MEMOSHIM_STATS": target, "MEMOSHIM_LOG": "debug",
                                             "MEMOSHIM_STATS_INTERVAL": "1ms"})
                self.assertEqual(outcome.status, 0)
                self.check_own_files(folder)
                self.assertNotIn(b"function", outcome.stderr)  # a table would be nobody's
                if target != "stderr":
                    self.assert_counted(self.read_reports(stats)[outcome.pid])

    def test_daemon(self):
        folder = self.folder / "own"
        folder.mkdir()
        outcome = self.run_with(self.both, [CONFINED, "daemon", folder, "exit"])
        self.assertEqual(outcome.status, 0, outcome.stderr)
        self.check_own_files(folder)
        self.assertEqual(len(outcome.reports), 3)
        self.assert_counts(outcome.function("counted_square"), calls=30, misses=20)
        daemon = max(outcome.reports.values(),
                     key=lambda report: report["functions"]["counted_name"]["calls"])
        # It has what its parents knew: ten squares.
        self.assert_counts(daemon["functions"]["counted_square"], calls=30, misses=10, hits=20)
        self.assert_counts(daemon["functions"]["counted_name"], calls=20, misses=10)


if __name__ == "__main__":
    case.main()
