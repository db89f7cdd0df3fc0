# SPDX-License-Identifier: MIT
"""What the integration cases share: run a program without and with memoshim, and read its counts.

A case is a unittest.TestCase that inherits from Case. Each test gets a folder of its own, a clean
environment and at most RUN_SECONDS for each program. Statistics are read from JSON files, one for
each process; what holds for every report (calls = hits + misses + bypasses, the bounds) is
checked on reading, so that no case has to.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

RUN_SECONDS = 60
SKIPPED = 77  # to meson: the case could not run


def _from_environment(name, fallback):
    value = os.environ.get(name)
    return pathlib.Path(value) if value else fallback


SOURCE = _from_environment("MEMOSHIM_SOURCE", pathlib.Path(__file__).resolve().parents[2])
BUILD = _from_environment("MEMOSHIM_BUILD", SOURCE / "build")
LIBRARY = _from_environment("MEMOSHIM_LIBRARY", BUILD / "shim" / "libmemoshim.so")
COMMAND = BUILD / "shim" / "cli" / "memoshim"
EMULATOR = os.environ.get("MEMOSHIM_EMULATOR", "").split()  # runs programs of another processor
PROGRAMS = BUILD / "tests" / "integration" / "lib"
SANITIZED = os.environ.get("MEMOSHIM_SANITIZED") == "1"


@dataclasses.dataclass
class Outcome:
    """How one program ended, and the reports of its processes by process id."""

    pid: int
    status: int  # negative: the signal that ended it
    stdout: bytes
    stderr: bytes
    reports: dict
    real: dict  # real calls of the counting library's functions, all processes together

    @property
    def report(self):
        """The report of the program's own process."""
        if self.pid not in self.reports:
            raise AssertionError(f"process {self.pid} wrote no statistics; stderr: "
                                 f"{self.stderr.decode(errors='replace')}")
        return self.reports[self.pid]

    def function(self, name, pid=None):
        """The counters of one function in the report of pid."""
        report = self.report if pid is None else self.reports[pid]
        if name not in report["functions"]:
            raise AssertionError(f"no {name} among {sorted(report['functions'])}")
        return report["functions"][name]


def check_report(report):
    """What must hold for every report, whoever wrote it."""
    for name, f in report["functions"].items():
        assert f["calls"] == f["hits"] + f["misses"] + f["bypasses"], (name, f)
        assert f["waits"] <= f["hits"], (name, f)
        assert f["stores"] + f["not_stored"] <= f["misses"], (name, f)
        assert f["entries"] <= f["max_entries"], (name, f)
        assert f["bytes"] <= f["max_bytes"], (name, f)
        if f["calls"] > 0:
            assert abs(f["hit_ratio"] - f["hits"] / f["calls"]) < 0.001, (name, f)


def read_counts(path):
    """The counting library's records: name -> real calls."""
    record = struct.Struct("<56sq")
    if not path.exists():
        return {}
    return {name.rstrip(b"\0").decode(): count
            for name, count in record.iter_unpack(path.read_bytes())}


def kill_group(process):
    """A process that leads a session, and what is left of its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def dump_stacks(group):
    """What every thread of a process group is doing, as gdb sees it."""
    gdb = shutil.which("gdb", path="/usr/bin:/bin")
    texts = []
    for folder in sorted(pathlib.Path("/proc").glob("[0-9]*")):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[0] == "Z" or int(fields[2]) != group:
                continue
        except OSError:
            continue  # it has just ended
        text = "there is no gdb"
        if gdb:
            text = subprocess.run([gdb, "-p", folder.name, "-nx", "-batch", "-ex",
                                   "thread apply all backtrace"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                  timeout=RUN_SECONDS).stdout.decode(errors="replace")
        texts.append(f"---- process {folder.name}:\n{text}")
    return "\n".join(texts)


class Case(unittest.TestCase):
    """One folder, one clean environment; runs programs."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="memoshim-test."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.n_runs = 0

    @classmethod
    def shared_folder(cls):
        """A folder for what the tests of a class share. For setUpClass."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="memoshim-test."))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    # ---- configurations -------------------------------------------------------------------------

    def config(self, functions, name="config.json", **top):
        """Writes a configuration; returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"version": 1, "functions": functions, **top}, indent=2))
        path.chmod(0o644)
        return path

    # ---- runs -----------------------------------------------------------------------------------

    def environment(self, **more):
        """The test's environment without anything of memoshim's, plus more."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("MEMOSHIM_", "LD_", "XDG_"))}
        kept.update(HOME=str(self.home), LC_ALL="C.UTF-8")
        kept.update({name: str(value) for name, value in more.items()})
        return kept

    def shim_environment(self, config=None, preload=(), **more):
        """Additionally what makes memoshim act. preload: what is preloaded after it."""
        own = {"LD_PRELOAD": ":".join(str(path) for path in (LIBRARY, *preload))}
        if config is not None:
            own["MEMOSHIM_CONFIG"] = config
        return self.environment(**{**own, **more})

    def start(self, argv, env, **how):
        """A running program, which is killed with the test, and its children with it."""
        process = subprocess.Popen(EMULATOR + [str(word) for word in argv], env=env,
                                   stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True, **how)

        def stop():
            kill_group(process)
            process.communicate()

        self.addCleanup(stop)
        return process

    def run_plain(self, argv, stdin=b"", env=None, **how):
        """Without memoshim."""
        return self._run(argv, stdin, self.environment(**(env or {})), how)

    def run_with(self, config, argv, stdin=b"", env=None, preload=(), **how):
        """With memoshim and this configuration (a path, JSON text, or None)."""
        folder = self.folder / f"stats{self.n_runs}"
        folder.mkdir(exist_ok=True)
        more = {"MEMOSHIM_STATS": folder / "%p.json", **(env or {})}
        return self._run(argv, stdin, self.shim_environment(config, preload, **more), how, folder)

    def _run(self, argv, stdin, env, how, folder=None):
        seconds = how.pop("seconds", RUN_SECONDS)
        counts = self.folder / f"counts{self.n_runs}"
        self.n_runs += 1
        env.setdefault("COUNTED_FILE", str(counts))
        process = self.start(argv, env, **how)
        try:
            out, err = process.communicate(stdin.encode() if isinstance(stdin, str) else stdin,
                                           timeout=seconds)
        except subprocess.TimeoutExpired:
            self.fail_hung(process, argv)
        return Outcome(process.pid, process.returncode, out, err, self.read_reports(folder),
                       read_counts(counts))

    def fail_hung(self, process, argv):
        """Says what its threads and its children's are waiting for."""
        stacks = dump_stacks(process.pid)
        kill_group(process)
        out, err = process.communicate()
        self.fail(f"{argv} hangs; stdout: {out[-2000:]!r}, stderr: {err[-2000:]!r}\n{stacks}")

    def read_reports(self, folder):
        """The JSON reports in a folder, by process id, checked."""
        reports = {}
        for path in sorted(folder.glob("*.json")) if folder else ():
            report = self.read_report(path)
            self.assertEqual(str(report["pid"]), path.stem)
            reports[report["pid"]] = report
        return reports

    @staticmethod
    def read_report(path):
        """One JSON report, checked."""
        report = json.loads(path.read_bytes())
        check_report(report)
        return report

    # ---- comparisons ----------------------------------------------------------------------------

    def run_both(self, config, argv, stdin=b"", env=None, **how):
        """Without and with memoshim; everything the program shows must be the same."""
        plain = self.run_plain(argv, stdin, env, **how)
        with_shim = self.run_with(config, argv, stdin, env, **how)
        self.assert_same(plain, with_shim)
        return plain, with_shim

    def assert_same(self, plain, with_shim):
        """Output and exit status."""
        self.assertEqual(plain.stdout, with_shim.stdout,
                         with_shim.stderr.decode(errors="replace"))
        self.assertEqual(plain.stderr, with_shim.stderr)
        self.assertEqual(plain.status, with_shim.status)

    def assert_counts(self, function, **wanted):
        """These counters have exactly these values."""
        seen = {name: function.get(name) for name in wanted}
        self.assertEqual(seen, wanted, f"in {function}")


def need(condition, why):
    """Skips the test, saying why, unless condition holds."""
    if not condition:
        raise unittest.SkipTest(why)


def need_native(what):
    """Skips the test where programs of another processor run under an emulator."""
    need(not EMULATOR, f"{what}: not under an emulator")


def need_program(name):
    """The path of a program, or the test is skipped."""
    path = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin:" + os.environ.get("PATH", ""))
    need(path is not None, f"there is no {name} here")
    return path


# A sanitizer's runtime asks dlsym before our constructor has run, so its build exports nothing.
exports_names = unittest.skipIf(SANITIZED,
                                "a sanitized shim exports no dlsym and no dynamic symbols")


# Its frames are many times as large, it does not follow stacks that a program makes itself, and its
# own memory is not for reading.
unsanitized = unittest.skipIf(SANITIZED,
                              "the sanitizer's runtime does not bear this")


def main():
    """Runs the tests of the calling file. Exits with 77 when every one of them was skipped."""
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun > 0 and len(result.skipped) == result.testsRun:
        print(result.skipped[0][1])
        sys.exit(SKIPPED)
    sys.exit(0)
