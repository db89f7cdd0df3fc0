#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The presets of one file against the real headers and libraries.

usage: test_config_presets.py PRESETS.json PROCESSOR COMPILER...

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
    "#define MATHLIB_STANDALONE\n#include <Rmath.h>": "libRmath.so.1",
    "#include <Rmath.h>": "/usr/lib/R/lib/libR.so",
    "#include <apr_md5.h>": "libaprutil-1.so.0",
    "#include <complex.h>": "libm.so.6",
    "#include <crypt.h>": "libcrypt.so.1",
    "#include <grp.h>": "libc.so.6",
    "#include <hunspell/hunspell.h>": "libhunspell-1.7.so.0",
    "#include <magic.h>": "libmagic.so.1",
    "#include <magic.h>": "libmagic.so.1",
    "#include <math.h>": "libm.so.6",
    "#include <netdb.h>": "libc.so.6",
    "#include <openssl/evp.h>": "libcrypto.so.3",
    "#include <proj.h>": "libproj.so.25",
    "#include <pwd.h>": "libc.so.6",
    "#include <stdlib.h>": "libc.so.6",
    "#include <string.h>": "libc.so.6",
    "#include <sys/stat.h>": "libc.so.6",
    "#include <time.h>": "libc.so.6",
    "#include <unistd.h>": "libc.so.6",
    "#include <wchar.h>": "libc.so.6",
    "#include <zlib.h>": "libz.so.1",
}

# Where headers lie that are not found by themselves.
FOLDERS = ("-I/usr/include/apr-1.0", "-I/usr/share/R/include")

# Files that have all of a header: its name, and how many functions it has at least.
WHOLE = {"math.json": ("math.h", 300), "complex.json": ("complex.h", 60)}

FLAGS = ("-Wall", "-Werror")

failures = []


def compile_text(compiler, text, *flags):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "presets.c"
        source.write_text(text)
        return subprocess.run(
            [*compiler, "-D_GNU_SOURCE", "-std=gnu11", "-fsyntax-only", *FOLDERS, *flags, source],
            capture_output=True, text=True, check=False, cwd=folder)


def must_compile(compiler, what, text, *flags):
    result = compile_text(compiler, text, *flags)
    if result.returncode != 0:
        failures.append(f"{what}: {result.stderr}\n{text}")


# ---- prototypes ---------------------------------------------------------------------------------

def redeclare(name, prototype):
    """The name in parentheses: <math.h> has macros of the same name."""
    prototype, n = re.subn(rf"\b{name}\(", f"({name})(", prototype)
    assert n == 1, name
    return f"extern {prototype};\n"


def has_own_types(compiler):
    """For clang, _Float64 is another name of double."""
    return compile_text(compiler, "_Complex _Float64 number;\n").returncode == 0


def prototype_of_alias(name, alias, prototype, own_types):
    """acosf64 has a type of its own, of the same representation as double; so has stat64."""
    if own_types and re.search(r"f(32|64)x?(_r)?$", alias):
        of_double = "_Float32x" if "f32x" in alias else "_Float64"
        for ours, theirs in (("long double", "_Float64x"), ("double", of_double),
                             ("float", "_Float32")):
            prototype = re.sub(rf"\b{ours}\b", theirs, prototype)
    elif alias.endswith("64"):
        prototype = re.sub(r"\bstruct stat\b", "struct stat64", prototype)
    return re.sub(rf"\b{name}\(", f"{alias}(", prototype)


def prototypes_of(presets, own_types):
    """Of the functions, by all their names, and of those that invalidate."""
    for name, entry in presets.items():
        yield name, entry["prototype"]
        for alias in entry.get("alias", ()):
            yield alias, prototype_of_alias(name, alias, entry["prototype"], own_types)
        for rule in entry.get("invalidate", ()):
            if "prototype" in rule:
                yield rule["on_call"], rule["prototype"]


def check_prototypes(compiler, header, presets):
    declared = dict(prototypes_of(presets, has_own_types(compiler)))
    # What the header does not declare at all would take any declaration.
    names = {*declared, *(rule["on_call"] for entry in presets.values()
                          for rule in entry.get("invalidate", ()) if "on_call" in rule)}
    uses = "".join(f"__typeof__(({name})) *use_{name};\n" for name in sorted(names))
    must_compile(compiler, header, f"{header}\n{uses}", *FLAGS)
    again = "".join(redeclare(*pair) for pair in declared.items())
    must_compile(compiler, header, f"{header}\n#include <stdint.h>\n{again}", *FLAGS)


# ---- types --------------------------------------------------------------------------------------

DECLARED = re.compile(r"\b(struct|union|enum)\s+(\w+)\s*\{|\}\s*(\w+)\s*;|"
                      r"^\s*typedef\b[^{]*?(\w+)\s*;")


def types_of(entry, processor):
    types = entry.get("types", ())
    return types[processor] if isinstance(types, dict) else types


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


def enum_assertions(text):
    """Its constants cannot be declared again; each is written with its value."""
    for name in declared_names(text):
        yield f'_Static_assert(sizeof({name}) == sizeof(int), "size of {name}");'
    for constant, value in re.findall(r"(\w+)\s*=\s*(-?\w+)", text):
        yield f'_Static_assert({constant} == {value}, "{constant}");'


def check_types(compiler, header, declarations):
    enums = [text for text in declarations if re.search(r"\benum\b", text)]
    records = [text for text in declarations if text not in enums]
    names = [name for text in records for name in declared_names(text)]
    lines = [header, "#include <stddef.h>"]
    lines.extend(assertion for text in enums for assertion in enum_assertions(text))
    lines.extend(rename(text, names) for text in records)
    for text in records:
        for name in declared_names(text):
            ours = rename(name, names)
            lines.append(f'_Static_assert(sizeof({ours}) == sizeof({name}), "size of {name}");')
            if "{" not in text:
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


def check_whole(header, least, presets):
    declared = set(declared_by(header))
    if len(declared) < least:
        failures.append(f"only {len(declared)} functions found in <{header}>")
    failures.extend(f"<{header}> has {name}, and no preset does" for name in
                    sorted(declared - set(presets)))
    failures.extend(f"{name} is a preset, and not in <{header}>" for name in
                    sorted(set(presets) - declared))


def main():
    path, processor, compiler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
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
                                          for text in types_of(entry, processor)))
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
