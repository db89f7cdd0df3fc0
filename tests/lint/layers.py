#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which module may include which, and how. Usage: layers.py ROOT

The table is the house's plan: a module knows only what stands to the right of it, from outside a
module only its one header is included, and each foreign library or interface has one place. A
wrong include is a complaint even where it would compile.
"""
import re
import sys

import tree

# Module: what it may include besides itself. `base` shows all of its headers, others one.
MODULES = {
    'config': set(),
    'base': set(),
    'abi': {'base', 'config'},
    'interpose': {'base'},
    'entry': {'base', 'abi'},
    'marshal': {'base', 'abi', 'config'},
    'cache': {'base'},
    'store': {'base'},
    'stats': {'base'},
    'call': {'base', 'config', 'abi', 'marshal', 'cache', 'store', 'stats'},
    'cli': {'base', 'config', 'stats', 'interpose'},
    'hook': {'base', 'config', 'abi', 'interpose', 'entry', 'marshal', 'call', 'stats'},
}
ALL_HEADERS_ARE_PUBLIC = {'base'}
# Files directly in shim/ are the composition root: they may include everything. `hook` is a room
# of it, which knows the one global object.
ROOT = 'shim'
KNOW_ROOT = {ROOT, 'hook'}

# Foreign header: who may include it.
FOREIGN = {
    'ffi.h': {'abi', 'entry'},
    'cjson/cJSON.h': {'config'},
    'xxhash.h': {'base'},
    'libiberty/demangle.h': {'base'},
    'elf.h': {'interpose', 'cli'},
    'link.h': {'interpose'},
    'dlfcn.h': {'interpose', 'config', 'hook'},
    'stdio.h': {'base', 'config', 'cli'},
    'locale.h': {'marshal'},
    'lmdb.h': {'store'},
    'hiredis/hiredis.h': {'store'},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
QUOTED = re.compile(r'^([a-z0-9_]+)/([a-z0-9_]+)\.(h|def|inc|S)$')


def module_of(parts):
    """The module of a file by the parts of its path, ROOT for shim/*.c, None for others."""
    if parts[0] == 'config':
        return 'config'
    if parts[0] == 'shim':
        return parts[1] if len(parts) > 2 else ROOT
    return None


def folder_of(module):
    return 'config' if module == 'config' else 'shim/' + module


def check_quoted(root, module, name):
    """What is wrong with #include "name" in a file of module, or None."""
    if module in KNOW_ROOT and '/' not in name and (root / 'shim' / name).is_file():
        return None
    matched = QUOTED.match(name)
    if not matched:
        return f'"{name}" is not written as "module/file.h"'
    target, stem, kind = matched.groups()
    if target not in MODULES:
        return f'"{name}" is of no known module'
    if not (root / folder_of(target) / f'{stem}.{kind}').is_file():
        return f'"{name}" is no file of the source tree'
    if target == module:
        return None
    if module != ROOT and target not in MODULES[module]:
        return f'{module} must not know {target} ("{name}")'
    if target not in ALL_HEADERS_ARE_PUBLIC and (stem, kind) != (target, 'h'):
        return f'from outside, only "{target}/{target}.h" may be included, not "{name}"'
    return None


def main(root):
    complaints = tree.Complaints(root)
    root = complaints.root
    files = [path for folder in ('config', 'shim')
             for path in tree.source_files(root, {'.c', '.h', '.S', '.def', '.inc'}, folder)]
    for path in files:
        module = module_of(path.relative_to(root).parts)
        if module != ROOT and module not in MODULES:
            complaints.add(path, 1, f'{module} is no module of the table')
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            matched = INCLUDE.match(line)
            if not matched:
                continue
            kind, name = matched.groups()
            if kind == '"':
                problem = check_quoted(root, module, name)
                if problem:
                    complaints.add(path, number, problem)
            elif name in FOREIGN and module != ROOT and module not in FOREIGN[name]:
                complaints.add(path, number, f'<{name}> has no place in {module}')
    complaints.finish(len(files))


if __name__ == '__main__':
    main(*sys.argv[1:])
