#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether the shim still compiles for AArch64, while one works on another processor.

    aarch64.py ROOT BUILD

Each C file of the shim as the build folder's compile_commands.json has it, those that are for one
processor exchanged, by Debian's cross compiler: types, layouts that are asserted, warnings. The
assembly is assembled. Nothing is kept; what comes of it is run by tests/aarch64.sh.
"""
import concurrent.futures
import json
import os
import pathlib
import platform
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


def main(root, build):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
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
    complaints = tree.Complaints(root)
    tasks = commands(root, build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, said in pool.map(compile_one, tasks):
            if status != 0:
                complaints.lines.append(f'{path.relative_to(root)}: does not compile for AArch64')
                complaints.lines += said.splitlines()[:20]
    complaints.finish(len(tasks))


if __name__ == '__main__':
    main(*sys.argv[1:])
