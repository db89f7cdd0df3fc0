#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether the shim still compiles for AArch64, while one works on another processor.

    aarch64.py ROOT BUILD

Each C file of the shim as the build folder's compile_commands.json has it, those that are for one
processor exchanged, by Debian's cross compiler: types, layouts that are asserted, warnings. The
assembly is assembled. Nothing is kept; what comes of it is run by tests/aarch64.sh. Before that,
without any compiler, what compiles there and means something else.
"""
import concurrent.futures
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys

import tree

COMPILER = 'aarch64-linux-gnu-gcc'
HEADERS = ('ffi.h', 'cjson/cJSON.h', 'xxhash.h', 'libiberty/demangle.h')
KEPT = ('-D', '-std=', '-W', '-fno-common', '-fvisibility', '-ftls-model')
FOLDERS = ('config', 'shim')
EXCHANGED = {'around.c': 'around_none.c'}


# No C type comes back in x0 or d0, whichever the function left; what code of ours returns to an
# entry is the exception.
OF_EITHER_RESULT = re.compile(r'struct abi_both\s*\(\s*\*')


def skip(reason):
    print(reason)
    sys.exit(tree.SKIP)


def kept_options(command):
    """Those that every compiler of C has; include folders but the system's."""
    words = shlex.split(command)
    return [word for word in words if word.startswith(KEPT) and word != '-Werror' or
            word.startswith('-I') and not word.startswith('-I/usr')]


def commands(root, build):
    """(folder to run in, file, options) for each file."""
    wanted = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        path = pathlib.Path(os.path.normpath(os.path.join(entry['directory'], entry['file'])))
        if path.suffix != '.c' or not path.is_relative_to(root) or \
                path.relative_to(root).parts[0] not in FOLDERS:
            continue
        name = EXCHANGED.get(path.name, path.name).replace('x86_64', 'aarch64')
        wanted[path.with_name(name)] = (entry['directory'], kept_options(entry['command']))
    result = [(folder, path, options) for path, (folder, options) in sorted(wanted.items())]
    for path in tree.source_files(root, {'.S'}, 'shim'):
        if 'x86_64' not in path.name and not path.name.startswith('marks_'):
            result.append((str(build), path, [f'-I{root}', f'-I{root}/shim']))
    return result


def compile_one(task):
    folder, path, options = task
    kind = ['-c', '-o', '/dev/null'] if path.suffix == '.S' else ['-fsyntax-only']
    done = subprocess.run([COMPILER, *options, '-Werror', *kind, str(path)], cwd=folder,
                          check=False, capture_output=True, text=True)
    return path, done.returncode, done.stderr


def check_calls(root, complaints):
    for path in tree.source_files(root, {'.c', '.h'}, 'shim'):
        if path.name == 'abi.h':
            continue
        for number, line in enumerate(path.read_text().split('\n'), 1):
            if OF_EITHER_RESULT.search(line):
                complaints.add(path, number, 'called as a function of uint64_t or of double it '
                               'is right on AArch64, too: abi_call_words')
    if complaints.lines:
        complaints.finish(1)


def main(root, build):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    complaints = tree.Complaints(root)
    check_calls(root, complaints)
    if platform.machine() == 'aarch64':
        skip('this is such a processor: the build itself tells')
    if shutil.which(COMPILER) is None:
        skip(f'{COMPILER} is not installed: tests/packages.sh says what it takes')
    if not (build / 'compile_commands.json').exists():
        skip('this build folder has no compile_commands.json')
    text = ''.join(f'#include <{name}>\n' for name in HEADERS)
    found = subprocess.run([COMPILER, '-fsyntax-only', '-x', 'c', '-'], input=text, check=False,
                           capture_output=True, text=True)
    if found.returncode != 0:
        skip(f'headers for arm64 are not installed: {found.stderr.splitlines()[0]}')
    tasks = commands(root, build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, said in pool.map(compile_one, tasks):
            if status != 0:
                complaints.lines.append(f'{path.relative_to(root)}: does not compile for AArch64')
                complaints.lines += said.splitlines()[:20]
    complaints.finish(len(tasks))


if __name__ == '__main__':
    main(*sys.argv[1:])
