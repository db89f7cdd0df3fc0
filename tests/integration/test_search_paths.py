# SPDX-License-Identifier: MIT
"""Libraries are found where they are found without memoshim, and errors read the same.

dlopen looks where its caller says: RPATH or RUNPATH, $ORIGIN. The commands are carried out by the
program and by plugins; everything they print must be the same without and with memoshim, and what
matters of it is demanded, so that a case does not compare two failures. found is memoized: in the
program's own namespace its three calls run it once.
"""

import hashlib
import shutil
import subprocess

import case
import linkage_build

FOUND = {"found": {"prototype": "long found(long x)", "guard": False}}
RPATH = ("--disable-new-dtags", "-rpath", "$ORIGIN/deps")
RUNPATH = ("--enable-new-dtags", "-rpath", "$ORIGIN/deps")
MISSING = b"cannot open shared object file"


@case.exports_names
class SearchPaths(case.Case):

    @classmethod
    def setUpClass(cls):
        cls.made = cls.shared_folder()

    def setUp(self):
        super().setUp()
        self.compiler = case.need_program("gcc")
        self.top = self.folder / "top"
        self.plugins = self.top / "plugins"
        self.counts = self.folder / "counts"
        self.plugins.mkdir(parents=True)
        self.build("search.c", self.top / "program", "-DMAIN")

    def build(self, source, output, *options, linker=()):
        """A program, or a library if it is called so, in a folder that is made if need be. What was
        built before is copied."""
        output.parent.mkdir(parents=True, exist_ok=True)
        kind = ["-shared", "-fPIC"] if output.suffix == ".so" else []
        arguments = [*kind, source, *options, *(f"-Wl,{option}" for option in linker)]
        made = self.made / hashlib.sha256(repr(arguments).encode()).hexdigest()
        if not made.exists():
            linkage_build.run_tool([self.compiler, "-O1", "-std=gnu11", "-o", made, *kind,
                                    linkage_build.SOURCES / source, *arguments[len(kind) + 1:]])
        output.unlink(missing_ok=True)
        shutil.copy(made, output)
        return output

    def found(self, folder, answer):
        """A copy of the library that is searched for."""
        return self.build("found.c", folder / "libfound.so", f"-DANSWER={answer}",
                          linker=("-soname,libfound.so",))

    def plugin(self, *linker):
        """A plugin that searches."""
        return self.build("search.c", self.plugins / "plugin.so", linker=linker)

    def run_lines(self, *lines, env=None, cwd=None, counts=None):
        """The lines without and with memoshim. counts: the real calls of found for each object
        that was opened, with memoshim."""
        script = "".join(f"{line}\n" for line in lines)
        argv = [self.top / "program"]
        env = {"SEARCH_COUNTS": self.counts, **(env or {})}
        plain = self.run_plain(argv, script, env, cwd=cwd or self.folder)
        self.counts.unlink(missing_ok=True)
        outcome = self.run_with(self.config(FOUND), argv, script, env,
                                cwd=cwd or self.folder)
        self.assert_same(plain, outcome)
        self.assertEqual(plain.status, 0)
        real = self.counts.read_text().split() if self.counts.exists() else []
        if counts is not None:
            self.assertEqual(real, [str(count) for count in counts])
        return plain.stdout.splitlines()

    def assert_answer(self, line, answer):
        """found of the copy with this answer was called three times."""
        self.assertTrue(line.endswith(b": %d %d %d" % ((100 * answer + 5,) * 3)), line)

    # ---- where the caller's own paths lead -------------------------------------------------------

    def test_paths_of_a_plugin(self):
        self.found(self.plugins / "deps", 1)
        for tag in RPATH, RUNPATH:
            path = self.plugin(*tag)
            with self.subTest(tag=tag[0]):
                lines = self.run_lines("self open libfound.so", f"{path} open libfound.so",
                                       f"{path} paths -", "self paths -", counts=[1])
                self.assertIn(MISSING, lines[0])
                self.assert_answer(lines[1], 1)
                self.assertIn(b"path " + bytes(self.plugins / "deps"), b"\n".join(lines))

    def test_a_plugin_without_paths(self):
        self.found(self.plugins / "deps", 1)
        lines = self.run_lines(f"{self.plugin()} open libfound.so", counts=[])
        self.assertIn(MISSING, lines[0])

    def test_paths_of_the_program(self):
        """A plugin inherits RPATH of the program, not its RUNPATH."""
        self.found(self.top / "deps", 2)
        path = self.plugin()
        for tag, answers in ((RPATH, True), (RUNPATH, False)):
            with self.subTest(tag=tag[0]):
                self.build("search.c", self.top / "program", "-DMAIN", linker=tag)
                lines = self.run_lines(f"{path} open libfound.so", "self open libfound.so",
                                       counts=[1, 1] if answers else [1])
                self.assert_answer(lines[1], 2)
                if not answers:
                    self.assertIn(MISSING, lines[0])

    def test_what_a_plugin_needs(self):
        self.found(self.plugins / "deps", 1)
        for tag in RPATH, RUNPATH:
            with self.subTest(tag=tag[0]):
                path = self.build("needing.c", self.plugins / "needing.so",
                                  self.plugins / "deps" / "libfound.so", linker=tag)
                lines = self.run_lines(f"self open {path}", "self open libfound.so", counts=[1, 1])
                self.assert_answer(lines[0], 1)

    # ---- dlopen's argument -----------------------------------------------------------------------

    def test_origin_in_the_name(self):
        self.found(self.plugins / "deps", 1)
        self.found(self.top / "deps", 2)
        path = self.plugin()
        lines = self.run_lines(f"{path} near deps/libfound.so", counts=[1])
        self.assert_answer(lines[0], 1)
        lines = self.run_lines("self near deps/libfound.so", counts=[1])
        self.assert_answer(lines[0], 2)
        lines = self.run_lines(f"{path} open ${{ORIGIN}}/deps/libfound.so",
                               f"{path} open $ORIGIN/nowhere/libfound.so",
                               f"{path} open $NOTHING/libfound.so", counts=[1])
        self.assert_answer(lines[0], 1)
        self.assertIn(MISSING, lines[1])

    def test_lib_and_platform_in_the_name(self):
        multiarch = subprocess.run([self.compiler, "-print-multiarch"], check=True, text=True,
                                   stdout=subprocess.PIPE).stdout.strip()
        for answer, folder in enumerate((f"lib/{multiarch}", "lib64", "lib"), 3):
            self.found(self.plugins / folder, answer)
        path = self.plugin()
        lines = self.run_lines(f"{path} near $LIB/libfound.so",
                               f"{path} near $PLATFORM/libfound.so", counts=[1])
        self.assertRegex(lines[0], rb": [345]05 ")
        self.assertIn(MISSING, lines[1])

    def test_relative_names(self):
        self.found(self.plugins, 1)
        self.found(self.plugins / "deps", 2)
        path = self.plugin()
        for name, answer in (("./libfound.so", 1), ("deps/libfound.so", 2),
                             ("../plugins/deps/libfound.so", 2)):
            for who in path, "./plugin.so", "self":
                with self.subTest(name=name, who=who):
                    lines = self.run_lines(f"{who} open {name}", cwd=self.plugins, counts=[1])
                    self.assert_answer(lines[0], answer)
        lines = self.run_lines(f"{path} open libfound.so", cwd=self.plugins)
        self.assertIn(MISSING, lines[0])

    # ---- LD_LIBRARY_PATH -------------------------------------------------------------------------

    def test_library_path(self):
        """It comes after RPATH and before RUNPATH."""
        self.found(self.plugins / "deps", 1)
        self.found(self.top / "elsewhere", 2)
        for tag, answer in ((RPATH, 1), (RUNPATH, 2), ((), 2)):
            for folder in self.top / "elsewhere", "$ORIGIN/elsewhere":
                with self.subTest(tag=tag[:1], folder=folder):
                    lines = self.run_lines(f"{self.plugin(*tag)} open libfound.so",
                                           env={"LD_LIBRARY_PATH": folder}, counts=[1])
                    self.assert_answer(lines[0], answer)

    # ---- errors and questions --------------------------------------------------------------------

    def test_errors(self):
        deps = self.plugins / "deps"
        self.found(deps, 1)
        needing = self.build("needing.c", self.plugins / "needing.so", deps / "libfound.so")
        undefined = self.build("needing.c", self.plugins / "undefined.so")
        text, empty = self.plugins / "text.so", self.plugins / "empty.so"
        text.write_text("This is no library.\n" * 10)
        empty.touch()
        path = self.plugin()
        lines = self.run_lines(
            *(f"{who} open {name}" for who in ("self", path)
              for name in ("libnobody.so", "./libnobody.so", "/nowhere/libnobody.so", needing,
                           undefined, text, empty, self.plugins)),
            f"{self.plugins}/nobody.so open libfound.so",
            f"{path} symbol nobody", "self symbol nobody", f"{path} symbol found",
            "self loaded libfound.so", "self loaded libc.so.6", f"{path} loaded {path}")
        text = b"\n".join(lines)
        for words in (MISSING, b"undefined symbol: found", b"invalid ELF header", b"file too short",
                      b"undefined symbol: nobody", b"version NOBODY_1", b"not loaded",
                      b"libc.so.6: loaded"):
            self.assertIn(words, text)

    def test_loaded_once(self):
        self.found(self.plugins / "deps", 1)
        link = self.plugins / "link.so"
        link.symlink_to("deps/libfound.so")
        copy = self.plugins / "copy.so"
        shutil.copy(self.plugins / "deps" / "libfound.so", copy)
        path = self.plugin(*RUNPATH)
        lines = self.run_lines(f"{path} open libfound.so", f"{path} open {link}",
                               "self open libfound.so", f"{path} open {copy}",
                               "self loaded libfound.so", counts=[1, 1, 1, 1])
        for line in lines[:4]:
            self.assert_answer(line, 1)

    # ---- other namespaces ------------------------------------------------------------------------

    def test_namespaces_are_left_alone(self):
        here = self.found(self.plugins / "deps", 1)
        path = self.plugin(*RUNPATH)
        lines = self.run_lines(f"{path} space {here}", f"self space {here}", f"self open {here}",
                               f"{path} space {here}", f"{path} open libfound.so",
                               counts=[3, 3, 1, 3, 1])
        for line in lines:
            self.assert_answer(line, 1)
        for number, line in zip((1, 2, 0, 3, 0), lines):
            self.assertIn(b"in namespace %d:" % number, line)

    def test_names_in_a_new_namespace(self):
        """Its search goes by the caller's paths, too."""
        self.found(self.plugins / "deps", 1)
        path = self.plugin(*RPATH)
        lines = self.run_lines(f"{path} space libfound.so", "self space libfound.so")
        self.assertIn(b"libfound.so: ", lines[0])
        self.assertIn(MISSING, lines[1])


if __name__ == "__main__":
    case.main()
