# SPDX-License-Identifier: MIT
"""Programs that memoshim is not for, with LD_PRELOAD in their environment all the same, because it
was set by hand or because a program that memoshim is for executes them: of another C library, of 32
bits, without a dynamic linker. They run as they do without it, and something says why nothing is
memoized, if it was to be.
"""

import os
import pathlib
import platform
import subprocess

import case

SOURCES = pathlib.Path(__file__).parent / "foreign"
MUSL_GCC = "musl-gcc"
LIBC_32 = pathlib.Path("/lib32/libc.so.6")
LOADER_32 = pathlib.Path("/lib/ld-linux.so.2")
SAID = (b"memoshim: cannot start, so nothing is memoized: the program's C library is not the GNU "
        b"one\n")


class OutOfReach(case.Case):

    def setUp(self):
        super().setUp()
        case.need_native("compilers of another C library")
        case.need(os.environ.get("MEMOSHIM_SANITIZED") != "1",
                  "a sanitizer's runtime needs the GNU C library")
        self.j0 = self.config({"j0": {}})

    def build(self, compiler, source, *options):
        path = self.folder / "program"
        subprocess.run([case.need_program(compiler), "-o", path, SOURCES / source, *options],
                       check=True)
        return path

    def assert_unharmed(self, argv, config, said=b""):
        """All that differs is what is said on standard error, which ends so."""
        plain = self.run_plain(argv)
        with_shim = self.run_with(config, argv)
        self.assertEqual((plain.status, plain.stderr), (3, b""))
        self.assertEqual((with_shim.status, with_shim.stdout), (3, plain.stdout))
        self.assertEqual(with_shim.reports, {})
        self.assertEqual(with_shim.stderr.count(b"\n"), 1 if said else 0, with_shim.stderr)
        self.assertTrue(with_shim.stderr.endswith(said), with_shim.stderr)

    # ---- another C library ----------------------------------------------------------------------

    def musl(self, *options):
        case.need_program(MUSL_GCC)
        return self.build(MUSL_GCC, "program.c", *options, "-lm")

    def test_musl_without_a_configuration(self):
        self.assert_unharmed([self.musl()], None)

    def test_musl(self):
        self.assert_unharmed([self.musl()], self.j0, SAID)

    def test_musl_with_a_bad_configuration(self):
        """Which is not read, so it does not end the program either."""
        path = self.musl()
        config = self.folder / "bad.json"
        config.write_text("{ bad")
        self.assert_unharmed([path], config, SAID)
        outcome = self.run_with(config, [path], env={"MEMOSHIM_STRICT": "1"})
        self.assertEqual((outcome.status, outcome.stderr), (3, SAID))

    def test_musl_static(self):
        self.assert_unharmed([self.musl("-static", "-DIS_STATIC")], self.j0)

    def test_musl_executed_by_a_program_that_is_memoized(self):
        path = self.musl()
        outcome = self.run_with(self.j0, ["sh", "-c", '"$0"; exit $?', path])
        self.assertEqual((outcome.status, outcome.stderr), (3, SAID))
        self.assertEqual([report["program"] for report in outcome.reports.values()], ["sh"])

    def test_run_refuses_musl(self):
        outcome = self.run_plain([case.COMMAND, "run", "-f", "j0", "--", self.musl()])
        self.assertEqual((outcome.status, outcome.stdout), (125, b""))
        self.assertIn(b" is linked with musl, and memoshim with the GNU C library\n",
                      outcome.stderr)

    # ---- 32 bits, static ------------------------------------------------------------------------

    def test_32_bits(self):
        case.need(platform.machine() == "x86_64", "programs of 32 bits are tried on x86-64")
        for path in (LIBC_32, LOADER_32):
            case.need(path.exists(), f"there is no {path} here")
        path = self.build("gcc", "program_i386.S", "-m32", "-nostdlib", "-no-pie", LIBC_32,
                          f"-Wl,-dynamic-linker,{LOADER_32}")
        puts = {"prototype": "int puts(const char *s)", "args": {"s": "string"}}
        self.assert_unharmed([path], self.config({"puts": puts}),
                             b"cannot be preloaded (wrong ELF class: ELFCLASS64): ignored.\n")
        outcome = self.run_plain([case.COMMAND, "run", "-f", "j0", "--", path])
        self.assertEqual((outcome.status, outcome.stdout), (125, b""))
        self.assertIn(b" is a 32-bit program, and memoshim is not\n", outcome.stderr)

    def test_static(self):
        for option in "-static", "-static-pie":
            self.assert_unharmed([self.build("gcc", "program.c", option, "-DIS_STATIC", "-lm")],
                                 self.j0)


if __name__ == "__main__":
    case.main()
