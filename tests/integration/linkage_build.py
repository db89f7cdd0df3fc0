# SPDX-License-Identifier: MIT
"""Builds the programs of the linkage matrix from the sources in linkage/.

A combination is a compiler, a linker, a kind of program and a way of binding. Objects are compiled
once for each compiler, kind of code and way of calling; libraries and plugins are linked once for
each of their combinations and shared by the programs in one folder.
"""

import concurrent.futures
import dataclasses
import itertools
import os
import shutil
import subprocess

import case

SOURCES = case.SOURCE / "tests" / "integration" / "linkage"

COMPILERS = "gcc", "clang"
LINKERS = "bfd", "lld"
KINDS = "PIE", "non-PIE"
CALLS = "plt", "no-plt"

# How slots are bound: the linker's options, and the environment. No linker makes a program with a
# partial RELRO that binds at once; LD_BIND_NOW does.
BINDINGS = {
    "lazy": (("-z", "relro", "-z", "lazy"), {}),
    "now, partial RELRO": (("-z", "relro", "-z", "lazy"), {"LD_BIND_NOW": "1"}),
    "now, full RELRO": (("-z", "relro", "-z", "now"), {}),
    "no RELRO": (("-z", "norelro", "-z", "lazy"), {}),
}

CODE = {"PIC": ["-fPIC"], "PIE": ["-fPIE"], "non-PIE": ["-fno-pie"]}
CALL_OPTIONS = {"plt": ["-fplt"], "no-plt": ["-fno-plt"]}

USER_PARTS = "paths.c", "more_paths.c", "vtables.cc"
# name: (sources, what it is linked to, further linker options), in the order of linking
SHARED = {
    "libmatrix.so": (("matrix.c", "classes.cc"), (),
                     ("--version-script", str(SOURCES / "matrix.map"))),
    "libsymbolic.so": (("symbolic.c",), ("libmatrix.so",), ("-Bsymbolic",)),
    "libuser.so": ((*USER_PARTS, "entry.c"), ("libmatrix.so", "libsymbolic.so"), ()),
    "twin_a.so": (("twin.c:a",), ("libmatrix.so",), ()),
    "twin_b.so": (("twin.c:b",), ("libmatrix.so",), ()),
    "liblate.so": (("late.c",), ("libmatrix.so",), ()),
    "late_plugin.so": (("late_plugin.c",), ("liblate.so", "libmatrix.so"), ()),
}
COPIES = "plugin.so", "deep.so"  # of libuser.so
PROGRAM = ("main.c", *USER_PARTS), ("libuser.so", "libsymbolic.so", "libmatrix.so")


@dataclasses.dataclass(frozen=True)
class Combination:
    """One cell of the matrix's rows."""

    compiler: str
    linker: str
    kind: str
    binding: str
    calls: str

    def __str__(self):
        return f"{self.compiler}, {self.linker}, {self.kind}, {self.binding}, {self.calls}"

    @property
    def is_lazy(self):
        """Whether slots of the PLT wait for their first call."""
        return self.binding in ("lazy", "no RELRO")


def combinations():
    """All of them."""
    return [Combination(*words)
            for words in itertools.product(COMPILERS, LINKERS, KINDS, BINDINGS, CALLS)]


def run_tool(arguments):
    """A compiler or linker, or an AssertionError with what it said."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("LD_", "MEMOSHIM_"))}
    done = subprocess.run([str(word) for word in arguments], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}:\n{done.stdout}")


class Builder:
    """Compiles and links into one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.drivers = {"gcc": case.need_program("gcc"), "clang": case.need_program("clang")}
        self.drivers_cxx = {"gcc": case.need_program("g++"), "clang": case.need_program("clang++")}
        for linker in LINKERS:
            case.need_program(f"ld.{linker}")

    def object_path(self, compiler, code, calls, source):
        """Where the object of a source ("NAME" or "NAME:TWIN") lies."""
        return self.folder / "objects" / f"{compiler}-{code}-{calls}-{source.replace(':', '-')}.o"

    def compile(self, compiler, code, calls, source):
        """One object."""
        name, _, twin = source.partition(":")
        is_cxx = name.endswith(".cc")
        driver = (self.drivers_cxx if is_cxx else self.drivers)[compiler]
        run_tool([driver, "-O1", "-w", *CODE[code], *CALL_OPTIONS[calls],
                  *(["-fno-rtti", "-fno-exceptions"] if is_cxx else ["-std=gnu11"]),
                  *([f"-DTWIN={twin}"] if twin else []), "-c", SOURCES / name,
                  "-o", self.object_path(compiler, code, calls, source)])

    def libraries_of(self, combination):
        """The folder that the program and its libraries lie in."""
        options = BINDINGS[combination.binding][0]
        return self.folder / "-".join((combination.compiler, combination.linker,
                                       *options[1::2], combination.calls))

    def program(self, combination):
        """The path of the combination's program."""
        return self.libraries_of(combination) / f"program-{combination.kind}"

    def link(self, combination, output, code, kind_options, sources, needed, more=()):
        """A program or a library. The order of what is needed is that of the scope."""
        folder = self.libraries_of(combination)
        options = [*BINDINGS[combination.binding][0], "--no-as-needed", "--enable-new-dtags",
                   "-rpath", "$ORIGIN", *more]
        if combination.linker == "lld":
            options.append("--threads=1")
        run_tool([self.drivers[combination.compiler], *kind_options,
                  f"-fuse-ld={combination.linker}",
                  *itertools.chain.from_iterable(("-Xlinker", word) for word in options),
                  *(self.object_path(combination.compiler, code, combination.calls, source)
                    for source in sources),
                  *(folder / name for name in needed), "-o", output])

    def link_libraries(self, combination):
        """All libraries and plugins of one folder."""
        folder = self.libraries_of(combination)
        folder.mkdir()
        for name, (sources, needed, more) in SHARED.items():
            self.link(combination, folder / name, "PIC", ["-shared", f"-Wl,-soname,{name}"],
                      sources, needed, more)
        for name in COPIES:
            shutil.copy(folder / "libuser.so", folder / name)

    def link_program(self, combination):
        """The program of one combination."""
        options = {"PIE": ["-pie"], "non-PIE": ["-no-pie"]}
        self.link(combination, self.program(combination), combination.kind,
                  options[combination.kind], *PROGRAM)

    def build(self):
        """Everything, with as many processes as there are processors."""
        (self.folder / "objects").mkdir()
        shared = sorted({source for sources, _, _ in SHARED.values() for source in sources})
        codes = {"PIC": shared, "PIE": PROGRAM[0], "non-PIE": PROGRAM[0]}
        objects = [(compiler, code, calls, source) for compiler in COMPILERS for calls in CALLS
                   for code, sources in codes.items() for source in sources]
        folders = {self.libraries_of(one): one for one in combinations()}
        programs = {self.program(one): one for one in combinations()}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda job: self.compile(*job), objects))
            list(pool.map(self.link_libraries, folders.values()))
            list(pool.map(self.link_program, programs.values()))
