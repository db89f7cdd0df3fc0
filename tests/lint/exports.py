#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the shared object shows and asks of the process that it is loaded into.

    exports.py ROOT LIBRARY BUILD CHECKS

Read from the file itself with the tools of binutils: its exported names, needed libraries, flags,
segments, text relocations, and the imports that would break a promise (the shim does not print,
end the process, or ask getenv, whose environment is empty when it starts; it asks the kernel for
files, because preloads that stand in libc's place are not ready when it starts). BUILD is the build
folder: the objects in its archives must be marked for control-flow protection. CHECKS is "true" in
a build with run-time checks, which may end the process.
"""
import fnmatch
import pathlib
import re
import shutil
import subprocess
import sys

import tree

NEEDED = ['libc.so.6']
FLAGS = {'NOW', 'NODELETE', 'INITFIRST'}
FORBIDDEN_IMPORTS = {
    'abort', 'exit', 'quick_exit', 'printf', 'puts', 'putchar', 'fprintf', 'fputs',
    'fwrite', 'fopen', 'fopen64', 'stdout', 'stderr', 'perror', 'setlocale', 'setenv', 'putenv',
    'unsetenv', 'getenv', 'secure_getenv', 'umask', 'chdir', 'signal', 'system', 'popen',
    '__tls_get_addr',
    'open', 'open64', 'openat', 'openat64', 'close', 'read', 'write', 'stat', 'stat64', 'lstat',
    'lstat64', 'fstat', 'fstat64', 'fstatat', 'fstatat64', 'access', 'readlink', 'getcwd', 'unlink',
    'rename', 'getuid', 'geteuid',
}
# Other C libraries lack them, and their loaders end a program whose preload asks for one
# (shim/base/foreign_libc.h): of musl 1.2.3. Those that are not weak stay away.
OF_GNU_ALONE = {
    '__cxa_at_quick_exit', '__libc_single_threaded', '__register_atfork', '__sprintf_chk',
    '__x86_get_cpuid_feature_leaf', 'dlmopen', 'gnu_get_libc_version', 'strerrordesc_np',
}
WITHOUT_CHECKS = {'__assert_fail'}
# Of the room that the loader sets aside for everybody: 1664 bytes beyond what the start needs.
MAX_THREAD_DATA_BYTES = 256
# The static libffi asserts its own invariants so. Ours is looked for in our archives.
OF_LIBFFI = {'abort'}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def read_names(*command):
    """The last word of each line of nm, without a version."""
    return {line.split()[-1].split('@')[0] for line in run(*command).splitlines() if line}


def check_dynamic(library, complain):
    dynamic = run('readelf', '-dW', library)
    needed = re.findall(r'\(NEEDED\).*\[(.+)\]', dynamic)
    if any(name.startswith(('libasan', 'libubsan', 'libtsan')) for name in needed):
        print('built with a sanitizer: it is not what would be installed')
        sys.exit(tree.SKIP)
    if needed != NEEDED:
        complain(f'needs {needed}, not {NEEDED}')
    flags = set(' '.join(re.findall(r'\(FLAGS(?:_1)?\)\s*(?:Flags:)?(.*)', dynamic)).split())
    if 'BIND_NOW' in flags:
        flags.add('NOW')
    for flag in sorted(FLAGS - flags):
        complain(f'lacks the flag {flag}')
    if '(TEXTREL)' in dynamic or 'TEXTREL' in flags:
        complain('has text relocations')
    if re.search(r'\((RPATH|RUNPATH)\)', dynamic):
        complain('has a library search path')


def check_segments(library, complain):
    headers = run('readelf', '-lW', library)
    sections = run('readelf', '-SW', library)
    matched = re.search(r'\.dynsym\s+DYNSYM\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)', sections)
    dynsym = int(matched[1], 16)
    loads = re.findall(r'^\s*LOAD\s+\S+\s+(\S+)\s+\S+\s+\S+\s+(\S+)\s+([RWE ]{3})', headers, re.M)
    if not loads:
        complain('has no loadable segment')
    for address, size, access in loads:
        start, end = int(address, 16), int(address, 16) + int(size, 16)
        if 'W' in access and 'E' in access:
            complain(f'segment at {address} is writable and executable')
        if 'E' in access and start <= dynsym < end:
            complain('.dynsym lies in an executable segment')
    thread_data = re.search(r'^\s*TLS\s+\S+\s+\S+\s+\S+\s+\S+\s+(\S+)', headers, re.M)
    if thread_data and int(thread_data[1], 16) > MAX_THREAD_DATA_BYTES:
        complain(f'has {int(thread_data[1], 16)} bytes of data for each thread')
    if not re.search(r'^\s*GNU_RELRO\s', headers, re.M):
        complain('has no GNU_RELRO segment')
    stack = re.search(r'^\s*GNU_STACK\s.*?\s(R\S*)\s', headers, re.M)
    if not stack or 'E' in stack[1]:
        complain('asks for an executable stack')


def protection_marks(path):
    """[(object, its marks)] of an object, a shared object, or each member of an archive."""
    found = []
    text = run('readelf', '-nW', path)
    parts = re.split(r'^File: (.*)$', text, flags=re.M)
    for name, notes in zip(parts[1::2], parts[2::2]) if len(parts) > 1 else [(path, text)]:
        found.append((name, set(re.findall(r'\b(IBT|SHSTK|BTI)\b', notes))))
    return found


def check_control_flow(library, build, complain):
    """One unmarked object unmarks the whole process. Ours are marked in any case; the whole is if
    the system's start files are, which are linked into everything."""
    wanted = {'IBT', 'SHSTK'} if 'X86-64' in run('readelf', '-hW', library) else {'BTI'}
    start_file = run('gcc', '-print-file-name=crti.o').strip() if shutil.which('gcc') else ''
    checked = []
    for archive in sorted(pathlib.Path(build).glob('**/*.a')):
        checked += protection_marks(str(archive))
    if not checked:
        complain(f'no archive was found in {build}')
    for own in sorted(pathlib.Path(f'{library}.p').glob('*.o')):  # what is in no archive
        checked += protection_marks(str(own))
    if start_file and wanted <= protection_marks(start_file)[0][1]:
        checked += protection_marks(library)
    for name, marks in checked:
        for mark in sorted(wanted - marks):
            complain(f'{name} is not marked {mark}')


def check_imports(library, build, checks, complain):
    forbidden = FORBIDDEN_IMPORTS | (set() if checks else WITHOUT_CHECKS)
    imports = read_names('nm', '-D', '--undefined-only', library)
    for name in sorted(imports & (forbidden - OF_LIBFFI)):
        complain(f'imports {name}')
    listing = run('nm', '-D', '--undefined-only', library).splitlines()
    strong = {line.split()[-1].split('@')[0] for line in listing if line.split()[-2] == 'U'}
    for name in sorted(strong & OF_GNU_ALONE):
        complain(f'imports {name} and is not loaded by C libraries without it: make it weak')
    for archive in sorted(pathlib.Path(build).glob('**/*.a')):
        for name in sorted(read_names('nm', '-u', str(archive)) & OF_LIBFFI):
            complain(f'{archive} calls {name}')


def main(root, library, build, checks):
    for tool in ('nm', 'readelf'):
        if shutil.which(tool) is None:
            print(f'{tool} is not installed')
            sys.exit(tree.SKIP)
    complaints = tree.Complaints(root)

    def complain(text):
        complaints.lines.append(f'{library}: {text}')

    check_dynamic(library, complain)
    listing = complaints.root / 'tests/lint/exports.txt'
    wanted = {line for line in listing.read_text().split('\n') if line and line[0] != '#'}
    defined = read_names('nm', '-D', '--defined-only', library)
    for name in sorted(defined):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted):
            complain(f'exports {name}, which tests/lint/exports.txt does not name')
    for pattern in sorted(wanted):
        if not fnmatch.filter(defined, pattern):
            complain(f'does not export {pattern}')
    check_imports(library, build, checks == 'true', complain)
    check_segments(library, complain)
    check_control_flow(library, build, complain)
    complaints.finish(1)


if __name__ == '__main__':
    main(*sys.argv[1:])
