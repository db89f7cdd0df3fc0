# SPDX-License-Identifier: MIT
"""What the lints have in common: walking the source tree and saying what is wrong."""
import pathlib
import sys

SKIPPED_FOLDERS = {'.git', '__pycache__', 'corpus', 'fixtures', 'subprojects'}
SKIP = 77  # exit status of a test that could not run


def source_files(root, suffixes=None, inside=None):
    """Files below root/inside, sorted; without build folders and data that tests feed in."""
    found = []
    start = pathlib.Path(root) / (inside or '.')
    for path in start.rglob('*'):
        parts = path.relative_to(root).parts
        if any(part in SKIPPED_FOLDERS for part in parts[:-1]) or parts[0].startswith('build'):
            continue
        if path.is_file() and (suffixes is None or path.suffix in suffixes):
            found.append(path)
    return sorted(found)


class Complaints:
    """Collects complaints; finish() prints them and ends the process with the right status."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.lines = []

    def add(self, path, line, text):
        path = pathlib.Path(path)
        if path.is_absolute():
            path = path.relative_to(self.root)
        self.lines.append(f'{path}:{line}: {text}')

    def finish(self, checked):
        for line in self.lines:
            print(line)
        if not checked:
            print('nothing was checked: is this the source tree?')
        print(f'{checked} checked, {len(self.lines)} complaints')
        sys.exit(1 if self.lines or not checked else 0)
