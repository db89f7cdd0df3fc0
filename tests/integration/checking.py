# SPDX-License-Identifier: MIT
"""What the cases of memoshim check share: the command with a program, and a program to check that
is made of one example for each reason (check/). Nothing of a checked program may run: it would
leave a trace."""

import json
import pathlib
import shutil
import subprocess
import tempfile

import case

SOURCES = case.SOURCE / "tests/integration/check"
UNKNOWN, BAD, FAILED, CANNOT_EXECUTE, NOT_FOUND = 1, 2, 125, 126, 127


def describe(symbol, **more):
    return {"prototype": f"int {symbol}(int x)", **more}


class CheckCase(case.Case):

    def check(self, config, argv, *options, env=None):
        """memoshim check, as a user calls it."""
        environment = self.environment(**{"MEMOSHIM_LIBRARY": case.LIBRARY, **(env or {})})
        argv = [str(word) for word in argv]
        return subprocess.run([case.COMMAND, "check", *options, *(["-c", config] if config else []),
                               "--", *argv], env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              timeout=case.RUN_SECONDS, check=False)

    def said(self, config, argv, statuses=(0, UNKNOWN), **how):
        """The JSON form."""
        done = self.check(config, argv, "--json", **how)
        self.assertIn(done.returncode, statuses, (argv, done))
        self.assertEqual(done.stderr, b"")
        return json.loads(done.stdout)


class Built(CheckCase):
    """With the subject, which is built once."""

    @classmethod
    def setUpClass(cls):
        case.need_program("gcc")
        cls.built = pathlib.Path(tempfile.mkdtemp(prefix="memoshim-subject."))
        cls.addClassCleanup(shutil.rmtree, cls.built, ignore_errors=True)
        cls.compile("libsubject.so", "subject_lib.c", "-fPIC", "-shared",
                    f"-Wl,--version-script,{SOURCES / 'subject.map'}", "-Wl,--hash-style=gnu")
        cls.compile("libsymbolic.so", "subject_symbolic.c", "-fPIC", "-shared", "-Wl,-Bsymbolic")
        cls.libraries = ("-L.", "-lsubject", "-lsymbolic", "-Wl,-rpath,$ORIGIN", "-Wl,-z,lazy")
        cls.compile("subject", "subject.c", "-fPIE", "-pie", *cls.libraries)

    @classmethod
    def compile(cls, name, source, *options):
        subprocess.run(["gcc", "-O1", "-g0", "-fno-lto", "-o", name, SOURCES / source, *options],
                       cwd=cls.built, check=True)
        return cls.built / name

    def setUp(self):
        super().setUp()
        self.trace = self.folder / "trace"

    def check(self, *arguments, env=None, **how):
        """Nothing of the program may have run."""
        done = super().check(*arguments, env={"SUBJECT_TRACE": self.trace, **(env or {})}, **how)
        self.assertFalse(self.trace.exists(), done)
        return done


class Written(Built):
    """And with files of a test's own."""

    def write(self, name, content, mode=0o755):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path
