# SPDX-License-Identifier: MIT
"""memoshim check with programs that it does not start, with scripts, and with answers that nobody
should believe."""

import json
import os
import pathlib
import random
import shutil
import stat
import struct
import subprocess
import unittest

import case
from checking import (BAD, CANNOT_EXECUTE, FAILED, NOT_FOUND, SOURCES, UNKNOWN, Built, Written,
                      describe)
from heads import EM_RISCV, GO_NOTE, elf

# ---- programs that are not started --------------------------------------------------------------

FUNCTIONS = {"subject_inner": describe("subject_inner")}


class Refused(Written):

    def refuse(self, argv, status, text, hint=None, code=None, env=None):
        """Refused in both forms."""
        config = self.config(FUNCTIONS)
        done = self.check(config, argv, env=env)
        shown = done.stderr.decode().replace(str(self.folder), "FOLDER").replace(
            str(self.built), "BUILT")
        wanted = f"memoshim: {text}\n" + (f"memoshim: hint: {hint}\n" if hint else "")
        self.assertEqual((done.returncode, shown, done.stdout), (status, wanted, b""))
        problem = self.said(config, argv, statuses=(status,), env=env)["program"]["problem"]
        self.assertEqual((problem["text"].replace(str(self.folder), "FOLDER").replace(
            str(self.built), "BUILT"), problem["hint"]), (text, hint))
        if code:
            self.assertEqual(problem["code"], code)

    def test_static(self):
        path = self.built / "static"
        for option, word, code in (("-static", "", "static"),
                                   ("-static-pie", " (static-pie)", "static_pie")):
            source = self.write("main.c", "int main(void) { return 0; }\n", 0o644)
            subprocess.run(["gcc", option, "-o", path, source], check=True)
            self.refuse([path], FAILED, f"BUILT/static is statically linked{word}, so a preload "
                        "cannot reach it", f"link it without {option}", code)

    def test_by_their_heads(self):
        for content, text, hint, code in (
                (elf(), "is statically linked, so a preload cannot reach it",
                 "link it without -static", "static"),
                (elf(note=GO_NOTE),
                 "is linked by Go without the dynamic linker, so a preload cannot reach it",
                 "build it with CGO_ENABLED=1 and -ldflags=-linkmode=external; its calls of C "
                 "libraries, and only those, can then be remembered", "go"),
                (elf(bits=32), "is a 32-bit program, and memoshim is not", "take its 64-bit build",
                 "bits"),
                (elf(machine=EM_RISCV), "is a program for another processor", None, "foreign"),
                (elf(interpreter="/lib/ld-musl-x86_64.so.1"),
                 "is linked with musl, and memoshim with the GNU C library",
                 "take its build for the GNU C library", "musl"),
                (elf(interpreter="/opt/ld.so"),
                 "names a dynamic linker that is not the system's, which is not started",
                 "patchelf --set-interpreter makes the system's its own", "interpreter"),
                (elf(interpreter=9999 * "/"), "is a damaged ELF file", None, "damaged")):
            path = self.write("program", content)
            self.refuse([path], FAILED, f"FOLDER/program {text}", hint, code)
            script = self.write("script", f"#! {path} -x\n")
            self.refuse([script], FAILED, f"FOLDER/program {text}", hint, code)

    def test_interpreter_of_ones_own(self):
        """Even a working one, and even when it is the system's by another name than the path."""
        ours = subprocess.run(["readelf", "-p", ".interp", self.built / "subject"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1]
        loader = self.folder / "ld.so"
        shutil.copy(ours, loader)
        path = self.compile("own", "subject.c", "-fPIE", "-pie", *self.libraries,
                            f"-Wl,--dynamic-linker={loader}")
        self.refuse([path], FAILED, "BUILT/own names a dynamic linker that is not the system's, "
                    "which is not started", "patchelf --set-interpreter makes the system's its own")
        loader.unlink()
        loader.symlink_to(ours)
        self.assertEqual(self.check(self.config(FUNCTIONS), [path]).returncode, 0)
        self.refuse([ours], FAILED, f"{ours} is the dynamic linker itself",
                    "name the program that it is to start", "loader")

    def test_privileges(self):
        for mode, word, code in ((0o4755, "set-user-ID", "setuid"), (0o2755, "set-group-ID",
                                                                     "setgid")):
            path = self.write("program", (self.built / "subject").read_bytes(), mode)
            if stat.S_IMODE(path.stat().st_mode) != mode:
                self.skipTest("such modes cannot be set here")
            self.refuse([path], FAILED, f"FOLDER/program is {word}, so the dynamic linker ignores "
                        "preloads in it",
                        "a copy of the file without that bit can be preloaded into", code)

    def test_capabilities(self):
        path = self.write("program", (self.built / "subject").read_bytes())
        try:  # revision 2, effective; CAP_NET_BIND_SERVICE
            os.setxattr(path, "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0,
                                                                 0))
        except OSError as error:
            self.skipTest(f"no capabilities can be given to files here: {error}")
        self.refuse([path], FAILED, "FOLDER/program has file capabilities, so the dynamic linker "
                    "ignores preloads in it", "a copy of the file without them can be preloaded "
                    "into", "capabilities")

    def test_not_there(self):
        self.refuse(["no-such-program"], NOT_FOUND,
                    "cannot run no-such-program: No such file or directory", code="not_found")
        path = self.write("plain", "#!/bin/sh\n", 0o644)
        self.refuse([path], CANNOT_EXECUTE, "cannot run FOLDER/plain: Permission denied",
                    code="not_executable")
        path = self.write("lost", "#!/no/such/interpreter\n")
        self.refuse([path], NOT_FOUND, "cannot run FOLDER/lost: there is no /no/such/interpreter")

    def test_libraries_that_are_not_there(self):
        path = self.write("subject", (self.built / "subject").read_bytes())
        self.refuse([path], NOT_FOUND, "FOLDER/subject cannot start: there is no libsubject.so",
                    code="library_missing")

    def test_symbols_that_are_not_there(self):
        self.write("libsubject.so", (self.built / "libsymbolic.so").read_bytes(), 0o644)
        self.write("libsymbolic.so", (self.built / "libsymbolic.so").read_bytes(), 0o644)
        path = self.write("subject", (self.built / "subject").read_bytes())
        done = self.check(self.config(FUNCTIONS), [path])
        self.assertEqual(done.returncode, NOT_FOUND, done)
        self.assertRegex(done.stderr, rb"/subject does not start: .* (undefined symbol|version)")

    def test_somebody_else_comes_first(self):
        path = self.compile("libfirst.so", "subject_lib.c", "-fPIC", "-shared", "-Wl,-z,initfirst",
                            f"-Wl,--version-script,{SOURCES / 'subject.map'}")
        text = (f"BUILT/libfirst.so is linked with -z initfirst, as memoshim is: its constructors "
                "would run before memoshim could look")
        self.refuse([self.built / "subject"], FAILED, text, code="initfirst",
                    env={"LD_PRELOAD": path})

    def test_audited(self):
        path = self.compile("audited", "subject.c", "-fPIE", "-pie", *self.libraries,
                            "-Wl,--audit,libnothing.so")
        self.refuse([path], FAILED, "BUILT/audited names audit libraries, whose constructors would "
                    "run", code="audit")

    def test_the_configuration_is_for_others(self):
        config = self.config(FUNCTIONS, programs=["elsewhere"])
        done = self.check(config, [self.built / "subject"])
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"the configuration does not act in ", done.stderr)

    def test_settings_that_are_wrong(self):
        done = self.check(self.config(FUNCTIONS), [self.built / "subject"],
                          env={"MEMOSHIM_STATS_INTERVAL": "often"})
        self.assertEqual(done.returncode, BAD)
        self.assertIn(b"memoshim does not take its settings: MEMOSHIM_STATS_INTERVAL", done.stderr)

    def test_errors_of_the_configuration_come_first(self):
        done = self.check(self.config({"f": {"prototype": "int f(char *s)"}}), ["no-such-program"])
        self.assertEqual((done.returncode, done.stdout), (BAD, b""))
        self.assertIn(b"error: ", done.stderr)

    def test_libraries_that_would_not_answer(self):
        """An older memoshim would let the program run; so would one that cannot be preloaded."""
        other = self.compile("libother.so", "subject_symbolic.c", "-fPIC", "-shared")
        self.refuse([self.built / "subject"], FAILED,
                    "BUILT/libother.so is of another version than this command",
                    code="other_library", env={"MEMOSHIM_LIBRARY": other})
        broken = self.write("broken.so", b"no ELF file, but MEMOSHIM_CHECK is in it")
        self.refuse([self.built / "subject"], FAILED, "the dynamic linker does not preload "
                    "FOLDER/broken.so into BUILT/subject", code="not_preloaded",
                    env={"MEMOSHIM_LIBRARY": broken})


# ---- scripts ------------------------------------------------------------------------------------

class Scripts(Written):
    """What runs a script is what is checked."""

    def test_interpreters(self):
        shell = os.path.realpath("/bin/sh")
        for line, interpreter in ((b"#!/bin/sh -e\n", "/bin/sh"), (b"echo without\n", "/bin/sh"),
                                  (b"#! /usr/bin/env -S sh -e\n", "sh"),
                                  (b"#!/usr/bin/env sh\n", "sh")):
            path = self.write("script", line)
            for argv in ([path], ["script"]):
                said = self.said(self.config({"getppid": {"prototype": "int getppid(void)"}}), argv,
                                 env={"PATH": f"{self.folder}:/usr/bin:/bin"})
                program = said["program"]
                self.assertEqual(program["path"], str(path))
                self.assertEqual(os.path.realpath(program["interpreter"]), shell)
                self.assertEqual(pathlib.Path(program["interpreter"]).name, "sh")
                self.assertEqual(program["objects"][0]["path"], shell)

    def test_text(self):
        path = self.write("script", b"#!/bin/sh\n")
        done = self.check(self.config(FUNCTIONS), [path])
        self.assertRegex(done.stdout.decode(), r"^/\S+/script \(a script that /bin/sh runs\), "
                         r"\d objects: 0 of 1 function can be hooked\n")

    def test_configuration_by_the_interpreter_s_name(self):
        self.config(FUNCTIONS, name="folder/sh.json")
        path = self.write("script", b"#!/bin/sh\n")
        self.assertEqual(self.check("folder", [path]).returncode, UNKNOWN)
        self.assertEqual(self.check("folder", ["ls"]).returncode, BAD)


# ---- answers that nobody should believe ---------------------------------------------------------

ANSWER = """memoshim-check\t1
outcome\tstarted\t
object\tordinary\tsubject\t/subject
hook\tsubject_inner\tsubject_inner\thooked
definition\tlibx.so\t/libx.so\tX_1
traits\tdefault\t\t\t
slots\t3
unexported\twhy%0anot
importer\tsub%1bject\t/subject\t1\t1\t0\t1\t0\t2
alias\tother\t2
hook\tsubject_plain\tsubject_plain\tpending
problem\tno loaded object defines it yet
namesake\tordinary\thidden\t\tlibx.so\t/libx.so\t
end\t
"""


class Answers(Built):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fake = cls.compile("libfake.so", "fake.c", "-fPIC", "-shared", "-Wl,-z,initfirst")

    def ask(self, answer, *options, **env):
        path = self.folder / "answer"
        path.write_bytes(answer if isinstance(answer, bytes) else answer.encode())
        config = self.config({name: describe(name) for name in ("subject_inner", "subject_plain")})
        return self.check(config, [self.built / "subject"], *options,
                          env={"MEMOSHIM_LIBRARY": self.fake, "FAKE_ANSWER": path, **env})

    def test_a_good_one(self):
        done = self.ask(ANSWER)
        self.assertEqual(done.returncode, UNKNOWN, done)
        self.assertIn("""subject_inner can be hooked in part
    from      libx.so, version X_1 (default)
              /libx.so
    called by sub?ject: 1 in the PLT, 1 in the GOT, 1 in copied data, 2 in
              sealed memory: not seen
    limits    sub?ject has 2 slots in memory that could not be made writable:
              calls through them are not seen
              -> link it with -z norelro
              calls of the same code as other, through 2 slots, are not seen
              -> "alias": ["other"] in its entry
              calls inside libx.so, if there are any, are not seen: it has no
              slot for them
              -> -fsemantic-interposition, no -Bsymbolic-functions, no -flto
    later     objects that are loaded later are reached from their first dlsym,
              or one of the next misses, on: why?not

subject_plain is not found at start
    because   libx.so hides its function of that name from other objects
              -> build it with default visibility for this symbol
""", done.stdout.decode())
        self.assertEqual(json.loads(self.ask(ANSWER, "--json").stdout)["functions"][
            "subject_inner"]["definitions"][0]["importers"][0]["object"], "sub\x1bject")

    def test_late(self):
        done = self.ask(ANSWER.replace("object\t", "late\t\nobject\t", 1))
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
        self.assertIn(b"memoshim does not come first in ", done.stderr)

    def test_failed(self):
        done = self.ask("memoshim-check\t1\noutcome\tfailed\tout of%1b[31m luck\nend\t\n")
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
        self.assertIn(b": out of?[31m luck\n", done.stderr)

    def test_bad_ones(self):
        lines = ANSWER.splitlines(keepends=True)
        bad = ["", "\n", "end\t\n", ANSWER[:-1], ANSWER + "end\t\n", ANSWER + "x", "\0" + ANSWER,
               *("".join(lines[:i] + lines[i + 1:]) for i in (0, 3, 4, len(lines) - 1)),
               ANSWER.replace("slots\t3", "slots\t-3"), ANSWER.replace("slots\t3", "slots\t3\t4"),
               ANSWER.replace("slots\t3", "slots\t99999999999999999999"),
               ANSWER.replace("slots\t3", "slots\t"), ANSWER.replace("%0a", "%0"),
               ANSWER.replace("%0a", "%zz"), ANSWER.replace("%0a", "%00"),
               ANSWER.replace("\thooked", "\tshot"), ANSWER.replace("ordinary", "odd"),
               ANSWER.replace("hook\tsubject_inner", "hook\tsubject_outer"),
               ANSWER.replace("check\t1", "check\t2"), ANSWER.replace("slots", "slits"),
               ANSWER.replace("importer\t", "importer\t\t"), "hook\n" * 200000,
               ANSWER.replace("alias\tother\t2\n", "alias\tother\t2\n" * 300000)]
        for answer in bad:
            done = self.ask(answer)
            self.assertEqual((done.returncode, done.stdout), (FAILED, b""), answer[:2000])
            self.assertRegex(done.stderr, rb"is no answer of memoshim|does not start")

    def test_much(self):
        done = self.ask(b"x" * (17 << 20))
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
        self.assertIn(b" says too much", done.stderr)

    @unittest.skipUnless(int(os.environ.get("MEMOSHIM_TEST_SCALE", "1")) > 1,
                         "waits for half a minute: only in a full run")
    def test_silence(self):
        done = self.ask(ANSWER, FAKE_SILENCE="1")
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
        self.assertIn(b" does not answer within 30 seconds", done.stderr)

    def test_mutations(self):
        """Whatever comes, the command ends in one of its ways, and prints no controls."""
        draw = random.Random(1)
        for _ in range(150):
            answer = bytearray(ANSWER.encode())
            for _ in range(draw.choice((1, 1, 2, 5, 50))):
                at = draw.randrange(len(answer))
                if draw.random() < 0.5:
                    answer[at] = draw.randrange(256)
                else:
                    answer[at:at + draw.randrange(9)] = answer[draw.randrange(len(answer)):][
                        :draw.randrange(9)]
            for options in ((), ("--json",)):
                done = self.ask(bytes(answer), *options)
                self.assertIn(done.returncode, (0, UNKNOWN, BAD, FAILED), bytes(answer))
                self.assertNotRegex(done.stdout + done.stderr, rb"[\x00-\x09\x0b-\x1f\x7f]")
                if options:
                    json.loads(done.stdout)

    def test_requests_that_are_left_over(self):
        """They end no program that nobody asked."""
        for request in ("1:3:5", "x", "", f"{os.getpid()}:1:1", "::", "1:2:3:4"):
            outcome = self.run_with(self.config({"subject_inner": describe("subject_inner")}),
                                    [self.built / "subject"], env={"MEMOSHIM_CHECK": request})
            self.assertEqual(outcome.status, 0)
            self.assertEqual(outcome.function("subject_inner")["calls"], 2)


if __name__ == "__main__":
    case.main()
