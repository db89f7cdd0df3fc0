#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every preset against the real headers and libraries.

usage: test_config_presets.py PRESETS-FOLDER COMPILER...

The compiler is shown each prototype beside the header that declares the function: a wrong one is a
conflicting declaration. And math.json is exactly what <math.h> declares with one or two scalar
arguments, a scalar result and no other output.
"""
import ctypes
import json
import pathlib
import re
import subprocess
import sys
import tempfile

LIBRARIES = {"math.json": "libm.so.6", "passwords.json": "libcrypt.so.1"}

SCALARS = {"float", "double", "long double", "int", "long", "long int", "long long int"}
OTHER_OUTPUT = re.compile(r"^l?gamma(_r)?[fl]?$")  # they set signgam

failures = []


def compile_text(compiler, text, *flags):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "presets.c"
        source.write_text(text)
        return subprocess.run(
            [*compiler, "-D_GNU_SOURCE", "-std=gnu11", "-fsyntax-only", *flags, source],
            capture_output=True, text=True, check=False, cwd=folder)


def redeclare(presets):
    """Names in parentheses: <math.h> has macros of the same name."""
    lines = sorted({line for entry in presets.values() for line in entry["header"].splitlines()})
    for name, entry in presets.items():
        prototype, n = re.subn(rf"\b{name}\(", f"({name})(", entry["prototype"])
        assert n == 1, name
        lines.append(f"extern {prototype};")
    return "\n".join(lines) + "\n"


def check_against_headers(compiler, path, presets):
    headers = "\n".join(sorted({entry["header"] for entry in presets.values()})) + "\n"
    if compile_text(compiler, headers).returncode != 0:
        print(f"{path.name}: a header is not installed: {headers}")
        sys.exit(77)
    # What the header does not declare at all would take any declaration.
    uses = "".join(f"__typeof__(({name})) *use_{name};\n" for name in presets)
    for text in (headers + uses, redeclare(presets)):
        result = compile_text(compiler, text, "-Wall", "-Werror")
        if result.returncode != 0:
            failures.append(f"{path.name}: {result.stderr}")


def check_against_library(path, presets):
    try:
        library = ctypes.CDLL(LIBRARIES[path.name])
    except OSError as error:
        print(error)
        sys.exit(77)
    failures.extend(f"{LIBRARIES[path.name]} has no {name}" for name in presets
                    if not hasattr(library, name))


def eligible_of_math_h():
    """From gcc's own list of what the header declares."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "math.c"
        source.write_text("#include <math.h>\n")
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-fsyntax-only", "-aux-info", "list", source],
                       check=True, cwd=folder)
        declarations = (pathlib.Path(folder) / "list").read_text()
    names = set()
    for match in re.finditer(r"^/\*.*?\*/ extern (.+?)\b(\w+) \((.*)\);$", declarations, re.M):
        result, name, arguments = match[1].strip(), match[2], match[3].split(", ")
        if (result in SCALARS and len(arguments) <= 2 and set(arguments) <= SCALARS
                and not name.startswith("__") and not OTHER_OUTPUT.match(name)):
            names.add(name)
    return names


def main():
    folder, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for path in sorted(folder.glob("*.json")):
        presets = json.loads(path.read_text())
        check_against_headers(compiler, path, presets)
        check_against_library(path, presets)
    presets = json.loads((folder / "math.json").read_text())
    eligible = eligible_of_math_h()
    if len(eligible) < 200:
        failures.append(f"only {len(eligible)} functions found in <math.h>")
    failures.extend(f"math.json lacks {name}" for name in sorted(eligible - set(presets)))
    failures.extend(f"math.json has {name}" for name in sorted(set(presets) - eligible))
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
