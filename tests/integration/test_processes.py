# SPDX-License-Identifier: MIT
"""Ends of processes, forks, signals, closed descriptors, set-uid programs."""

import os
import pwd
import resource
import shutil
import signal
import subprocess

import case
import counted

ENDS = case.PROGRAMS / "ends"
TRUE = "/bin/true"
SQUARE = "counted_square"


class Processes(counted.CountedCase):

    def setUp(self):
        super().setUp()
        self.square = self.config(counted.functions("square"))

    def end(self, *act, config=None, status=7, **how):
        outcome = self.run_with(config or self.square, [ENDS, *act], **how)
        self.assertEqual(outcome.status, status, outcome.stdout + outcome.stderr)
        return outcome

    # ---- ends -----------------------------------------------------------------------------------

    def test_orderly_ends_write_statistics(self):
        for act in "return", "exit", "_exit", "quick_exit":
            with self.subTest(act):
                outcome = self.end(act)
                self.assert_counts(outcome.function(SQUARE), calls=10, misses=10)
                self.check_real(outcome)

    def test_exec_writes_statistics(self):
        for act in "execl", "execv", "execve", "execlp":
            with self.subTest(act):
                # true is not among the programs, so it does not overwrite what we look at.
                config = self.config(counted.functions("square"), programs=["ends"])
                outcome = self.end(act, TRUE, config=config, status=0)
                self.assert_counts(outcome.function(SQUARE), calls=10, misses=10)

    def test_exec_that_fails(self):
        outcome = self.end("failed-exec")
        self.assert_counts(outcome.function(SQUARE), calls=20, misses=10, hits=10)

    def test_fatal_signal(self):
        self.end("abort", status=-signal.SIGABRT)

    def test_status_and_output_on_standard_error(self):
        outcome = self.run_with(self.square, [ENDS, "exit"], env={"MEMOSHIM_STATS": "stderr"})
        self.assertEqual((outcome.status, outcome.stdout), (7, b""))
        self.assertIn(SQUARE.encode(), outcome.stderr)

    # ---- beginnings -----------------------------------------------------------------------------

    def test_every_call_from_the_first_instruction_on(self):
        """The program's preinit array, constructors of libraries and of the program, main,
        destructors: each call is seen, and the environment is what it is without memoshim."""
        _, outcome = self.run_both(self.square, [case.PROGRAMS / "order"],
                                   env={"ORDER_VALUE": "here"})
        stages = [line.rsplit(" ", 2)[0] for line in outcome.stdout.decode().splitlines()]
        self.assertEqual(stages, ["program, before all", "library, early", "library",
                                  "program, early", "program", "main"])
        self.assert_counts(outcome.function(SQUARE), calls=8, misses=8, bypasses=0)
        self.check_real(outcome)

    # ---- children -------------------------------------------------------------------------------

    def test_forked_child_starts_at_zero_and_keeps_entries(self):
        for act in "fork", "raw-fork":
            with self.subTest(act):
                if act == "raw-fork":
                    case.need_native("MADV_WIPEONFORK")
                outcome = self.end(act, status=0)
                child = int(outcome.stdout.split()[1])
                self.assert_counts(outcome.function(SQUARE), calls=10, misses=10, hits=0)
                self.assert_counts(outcome.function(SQUARE, child), calls=11, hits=10, misses=1,
                                   entries=11)
                self.check_real(outcome)

    def test_child_of_vfork_writes_nothing_of_its_parent(self):
        config = self.config(counted.functions("square"), programs=["ends"])
        folder = self.folder / "here"
        folder.mkdir()
        outcome = self.end("vfork", folder, config=config, status=0,
                           env={"MEMOSHIM_STATS": folder / "%p.json"})
        reports = self.read_reports(folder)
        self.assertEqual(list(reports), [outcome.pid])
        self.assert_counts(reports[outcome.pid]["functions"][SQUARE], calls=10, misses=10)

    # ---- signals --------------------------------------------------------------------------------

    def test_signal_dumps_while_running(self):
        folder = self.folder / "here"
        folder.mkdir()
        outcome = self.end("signal", folder, status=0,
                           env={"MEMOSHIM_STATS": folder / "%p.json",
                                "MEMOSHIM_STATS_SIGNAL": "RTMIN+5"})
        report = self.read_reports(folder)[outcome.pid]
        self.assert_counts(report["functions"][SQUARE], calls=11, misses=10, hits=1)
        self.assertEqual(outcome.stderr, b"")
        self.assertEqual([path.name for path in folder.iterdir()], [f"{outcome.pid}.json"])

    def test_signal_from_the_configuration(self):
        folder = self.folder / "here"
        folder.mkdir()
        config = self.config(counted.functions("square"),
                             stats={"file": f"{folder}/%p.json", "signal": "RTMIN+5"})
        outcome = self.end("signal", folder, config=config, status=0, env={"MEMOSHIM_STATS": ""})
        self.assertIn(outcome.pid, self.read_reports(folder))

    def test_signal_without_a_place_goes_to_standard_error(self):
        """It would end the program otherwise."""
        case.need_native("a shell of the system")
        config = self.config(counted.functions("square"), "signal.json", stats={"signal": "USR2"})
        for config, variables in ((self.square, {"MEMOSHIM_STATS_SIGNAL": "USR2"}), (config, {})):
            outcome = self.run_with(config, ["sh", "-c", "kill -s USR2 $$; exit 3"],
                                    env={"MEMOSHIM_STATS": "", **variables})
            self.assertEqual((outcome.status, outcome.stdout), (3, b""))
            self.assertEqual(outcome.stderr.count(b": sh (pid "), 2, outcome.stderr)

    def test_signal_where_nothing_can_be_written(self):
        case.need_native("a shell of the system")
        outcome = self.run_with(self.square, ["sh", "-c", "kill -s USR2 $$; exit 3"],
                                env={"MEMOSHIM_STATS": self.folder / "none" / "x",
                                     "MEMOSHIM_STATS_SIGNAL": "USR2"})
        self.assertEqual((outcome.status, outcome.stdout), (3, b""))
        self.assertEqual(outcome.stderr.count(b"cannot write statistics"), 1, outcome.stderr)

    def test_the_program_s_own_handler_wins(self):
        env = {"MEMOSHIM_STATS_SIGNAL": "RTMIN+5"}
        outcome = self.end("own-handler", status=0, env=env)
        self.assertEqual(outcome.stdout, b"own handler\n")
        self.assertIn("handler", str(outcome.report.get("notes", outcome.report)))

    def test_without_a_signal_the_default_applies(self):
        case.need_native("numbers of signals")
        self.end("signal", self.folder, status=-(signal.SIGRTMIN + 5))

    def test_cancelled_while_a_signal_dumps(self):
        """The thread ends when its dump is whole, and others can dump after it."""
        case.need_native("the kernel says which call a thread sleeps in")
        env = self.shim_environment(self.square, MEMOSHIM_STATS="stderr",
                                    MEMOSHIM_STATS_SIGNAL="RTMIN+5")
        process = self.start([case.PROGRAMS / "interrupted"], env)
        self.assertEqual(process.stdout.readline(), b"stuck\n")
        out, err = process.communicate(timeout=case.RUN_SECONDS)
        self.assertEqual((process.returncode, out), (0, b"cancelled\n"))
        tables = err.split(SQUARE.encode())
        self.assertEqual(len(tables), 1 + 2, err[-1000:])

    # ---- descriptors ----------------------------------------------------------------------------

    def test_descriptors_of_somebody_else(self):
        for target in "stderr", str(self.folder / "stats.json"):
            with self.subTest(target):
                own = self.folder / "own"
                self.end("closed", own, status=0,
                         env={"MEMOSHIM_STATS": target, "MEMOSHIM_LOG": "debug"})
                self.assertEqual(own.read_bytes(), b"only this\n")
                own.unlink()

    def test_files_are_new_and_readable(self):
        """Never written through a link; mode 0644 whatever the umask."""
        folder = self.folder / "here"
        folder.mkdir()
        treasure = self.folder / "treasure"
        treasure.write_text("untouched")
        (folder / "stats.json").symlink_to(treasure)
        self.end("exit", env={"MEMOSHIM_STATS": folder / "stats.json"},
                 preexec_fn=lambda: os.umask(0o077))
        self.assertEqual(treasure.read_text(), "untouched")
        self.assertFalse((folder / "stats.json").is_symlink())
        self.assertEqual((folder / "stats.json").stat().st_mode & 0o7777, 0o644)

    def test_relative_target_of_a_program_that_moves(self):
        folder = self.folder / "100%n"
        folder.mkdir()
        self.end("chdir", "/", env={"MEMOSHIM_STATS": "%p.json"}, cwd=folder)
        self.assertEqual(len(self.read_reports(folder)), 1)

    def test_unwritable_target(self):
        outcome = self.end("exit", env={"MEMOSHIM_STATS": "/nonexistent/folder/file"})
        self.assertEqual(outcome.stderr.count(b"memoshim: "), 1)
        self.assertIn(b"/nonexistent/folder/file", outcome.stderr)

    def test_standard_error_that_takes_nothing(self):
        """A pipe without a reader, a file at its limit: their signals are not the program's."""
        case.need_native("a program that bash executes")
        reader, pipe = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, pipe)
        full = open(self.folder / "full", "w")
        self.addCleanup(full.close)
        for stream in pipe, full:
            for config in self.square, "{":
                with self.subTest(config=config):
                    env = self.shim_environment(config, MEMOSHIM_STATS="stderr")
                    process = subprocess.run(
                        [ENDS, "exit"], env=env, stderr=stream, timeout=case.RUN_SECONDS,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
                    self.assertEqual(process.returncode, 7)

    # ---- privileges -----------------------------------------------------------------------------

    def test_inert_in_set_uid_programs(self):
        case.need(os.getuid() == 0, "making a set-uid program needs root")
        nobody = pwd.getpwnam("nobody")
        config = self.config({"j0": {"guard": False}})
        self.folder.chmod(0o755)
        stats = self.folder / "suid-stats"
        stats.mkdir()
        os.chown(stats, nobody.pw_uid, nobody.pw_gid)
        program = self.folder / "secure"
        shutil.copy(case.PROGRAMS / "secure", program)
        env = {"MEMOSHIM_CONFIG": config, "MEMOSHIM_STATS": stats / "%p.json",
               "MEMOSHIM_LOG": "debug"}

        program.chmod(0o755)
        usual = self.run_plain([program], env=env)
        self.assertTrue(usual.stdout.startswith(b"secure 0"), usual.stderr)
        self.assertIn(usual.pid, self.read_reports(stats))

        program.chmod(0o4755)
        secure = self.run_plain([program], env=env, user=nobody.pw_uid, group=nobody.pw_gid)
        case.need(secure.stdout.startswith(b"secure 1"), "set-uid is not honoured here")
        self.assertEqual(secure.stdout.split(b",")[1], usual.stdout.split(b",")[1])
        self.assertEqual((secure.status, secure.stderr), (0, b""))
        self.assertNotIn(secure.pid, self.read_reports(stats))

        bad = {**env, "MEMOSHIM_CONFIG": "{", "MEMOSHIM_STRICT": "1"}
        secure = self.run_plain([program], env=bad, user=nobody.pw_uid, group=nobody.pw_gid)
        self.assertEqual((secure.status, secure.stderr), (0, b""))


if __name__ == "__main__":
    case.main()
