#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The presets of one file against the real headers and libraries.

usage: test_config_presets.py PRESETS.json COMPILER...

The compiler is shown each prototype beside the header that declares the function: a wrong one is a
conflicting declaration. It is shown the types that presets declare beside the header's: sizes,
offsets and the types of all members must be the same. What is not installed is named and passed
over. And math.json and complex.json are exactly what <math.h> and <complex.h> declare, apart from
what has no C type that a preset could name.
"""
import ctypes
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# The library that has what a header declares.
LIBRARIES = {
    "#include <complex.h>": "libm.so.6",
    "#include <crypt.h>": "libcrypt.so.1",
    "#include <math.h>": "libm.so.6",
    "#include <string.h>": "libc.so.6",
    "#include <wchar.h>": "libc.so.6",
}

# Files that have all of a header, but for these: they set a variable.
WHOLE = {
    "math.json": ("math.h", re.compile(r"^l?gamma[fl]?$"), 300),
    "complex.json": ("complex.h", re.compile(r"(?!)"), 60),
}

FLAGS = ("-Wall", "-Werror")

failures = []


def compile_text(compiler, text, *flags):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "presets.c"
        source.write_text(text)
        return subprocess.run(
            [*compiler, "-D_GNU_SOURCE", "-std=gnu11", "-fsyntax-only", *flags, source],
            capture_output=True, text=True, check=False, cwd=folder)


def must_compile(compiler, what, text, *flags):
    result = compile_text(compiler, text, *flags)
    if result.returncode != 0:
        failures.append(f"{what}: {result.stderr}\n{text}")


# ---- prototypes ---------------------------------------------------------------------------------

def redeclare(name, entry):
    """The name in parentheses: <math.h> has macros of the same name."""
    prototype, n = re.subn(rf"\b{name}\(", f"({name})(", entry["prototype"])
    assert n == 1, name
    return f"extern {prototype};\n"


def check_prototypes(compiler, header, presets):
    # What the header does not declare at all would take any declaration.
    uses = "".join(f"__typeof__(({name})) *use_{name};\n" for name in presets)
    must_compile(compiler, header, f"{header}\n{uses}", *FLAGS)
    again = "".join(redeclare(name, entry) for name, entry in presets.items())
    must_compile(compiler, header, f"{header}\n#include <stdint.h>\n{again}", *FLAGS)


# ---- types --------------------------------------------------------------------------------------

DECLARED = re.compile(r"\b(struct|union|enum)\s+(\w+)\s*\{|\}\s*(\w+)\s*;|"
                      r"^\s*typedef\b[^{]*?(\w+)\s*;")


def declared_names(declaration):
    """The tags with a body, and the typedef names."""
    for kind, tag, behind_body, plain in (match.groups() for match in
                                          DECLARED.finditer(declaration)):
        yield f"{kind} {tag}" if kind else behind_body or plain


def members_of(declaration):
    """The names of the members of its one body, which has none within."""
    body = re.search(r"\{([^{}]*)\}", declaration)
    for part in body[1].split(";") if body else ():
        for declarator in part.split(","):
            name = re.search(r"(\w+)\s*(?:\[[^]]*\]\s*)*$", declarator.strip())
            if name:
                yield name[1]


def rename(declaration, names):
    for name in names:
        word = name.split()[-1]
        declaration = re.sub(rf"\b{word}\b", f"preset_{word}", declaration)
    return declaration


def check_types(compiler, header, declarations):
    names = [name for text in declarations for name in declared_names(text)]
    lines = [header, "#include <stddef.h>"]
    lines.extend(rename(text, names) for text in declarations)
    for text in declarations:
        for name in declared_names(text):
            ours = rename(name, names)
            lines.append(f'_Static_assert(sizeof({ours}) == sizeof({name}), "size of {name}");')
            if name.startswith("enum ") or "{" not in text:
                continue
            for member in members_of(text):
                lines.append(f"_Static_assert(offsetof({ours}, {member}) == "
                             f'offsetof({name}, {member}), "place of {name}, {member}");')
                lines.append(f"_Static_assert(sizeof((({ours} *)0)->{member}) == "
                             f'sizeof((({name} *)0)->{member}), "size of {name}, {member}");')
    must_compile(compiler, header, "\n".join(lines) + "\n")


# ---- libraries ----------------------------------------------------------------------------------

def check_library(name_of_library, presets):
    try:
        library = ctypes.CDLL(name_of_library)
    except OSError as error:
        print(error)
        return False
    for name, entry in presets.items():
        failures.extend(f"{name_of_library} has no {each}" for each in
                        (name, *entry.get("alias", ())) if not hasattr(library, each))
    return True


# ---- whole headers ------------------------------------------------------------------------------

def declared_by(header):
    """The functions, from gcc's own list of what the header declares."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "whole.c"
        source.write_text(f"#include <{header}>\n")
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-fsyntax-only", "-aux-info", "list", source],
                       check=True, cwd=folder)
        declarations = (pathlib.Path(folder) / "list").read_text()
    for match in re.finditer(r"^/\*.*?\*/ extern (.+?)\b(\w+) \((.*)\);$", declarations, re.M):
        if not match[2].startswith("__") and "_Float" not in match[1] + match[3]:
            yield match[2]


def check_whole(header, left_out, least, presets):
    declared = {name for name in declared_by(header) if not left_out.match(name)}
    if len(declared) < least:
        failures.append(f"only {len(declared)} functions found in <{header}>")
    failures.extend(f"<{header}> has {name}, and no preset does" for name in
                    sorted(declared - set(presets)))
    failures.extend(f"{name} is a preset, and not in <{header}>" for name in
                    sorted(set(presets) - declared))


def main():
    path, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    presets = json.loads(path.read_text())
    n_missing = n_checked = 0
    for header in sorted({entry["header"] for entry in presets.values()}):
        those = {name: entry for name, entry in presets.items() if entry["header"] == header}
        if compile_text(compiler, header + "\n").returncode != 0:
            print(f"not installed: {header}")
            n_missing += 1
            continue
        check_prototypes(compiler, header, those)
        declarations = list(dict.fromkeys(text for entry in those.values()
                                          for text in entry.get("types", ())))
        if declarations:
            check_types(compiler, header, declarations)
        n_missing += not check_library(LIBRARIES[header], those)
        n_checked += len(those)
    if path.name in WHOLE:
        check_whole(*WHOLE[path.name], presets)
    print(f"{n_checked} presets")
    print("\n".join(failures))
    if failures:
        return 1
    return 77 if n_missing else 0


if __name__ == "__main__":
    sys.exit(main())
