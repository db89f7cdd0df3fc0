#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""clang-format decides. Usage: format.py ROOT

Uses version 14, the one of Debian 12: others break lines elsewhere, so without it nothing is said.
"""
import re
import shutil
import subprocess
import sys

import tree

VERSION = '14'


def find_tool():
    for name in ('clang-format-' + VERSION, 'clang-format'):
        if shutil.which(name):
            said = subprocess.run([name, '--version'], capture_output=True, text=True).stdout
            if re.search(rf'version {VERSION}\.', said):
                return name
    return None


def main(root):
    tool = find_tool()
    if tool is None:
        print(f'clang-format {VERSION} is not installed')
        sys.exit(tree.SKIP)
    complaints = tree.Complaints(root)
    files = [path for folder in ('config', 'shim', 'tests', 'examples')
             for path in tree.source_files(root, {'.c', '.h'}, folder)]
    done = subprocess.run([tool, '--style=file', '--dry-run', *map(str, files)],
                          capture_output=True, text=True, cwd=root)
    for line in done.stderr.splitlines():
        matched = re.match(r'(.+?):(\d+):\d+: (?:warning|error): (.*)', line)
        if matched:
            complaints.add(matched[1], matched[2], matched[3])
    if done.returncode != 0 and not complaints.lines:
        complaints.add('.clang-format', 1, done.stderr.strip())
    complaints.finish(len(files))


if __name__ == '__main__':
    main(*sys.argv[1:])
