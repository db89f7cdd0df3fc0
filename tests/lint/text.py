#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plain text rules of the source tree. Usage: text.py ROOT

Licence line first; no tabs, trailing blanks, foreign line ends or missing last line end; lines of
at most 100 columns in code (rows of tables apart); no notes to self; no file above 500 lines that
long_files.txt does not give a reason for, and no reason for a file that has become shorter.
"""
import re
import sys

import tree

CODE = {'.c', '.h', '.S', '.def', '.py', '.sh'}
TEXT = CODE | {'.build', '.txt', '.json', '.md', '.map', '.1', '.bash', '.conf', '.yml', ''}
LICENSED = {'.c', '.h', '.S', '.py', '.sh', '.bash'}
LICENCE = 'SPDX-License-Identifier: MIT'
MAX_LINES, MAX_COLUMNS = 500, 100
NOTE_TO_SELF = re.compile(r'\b(TO' r'DO|FIX' r'ME|X' r'XX)\b')
GIVEN_TEXT = {'LICENSE'}


def read_reasons(root, complaints):
    """long_files.txt: a path, blanks, the reason."""
    reasons = {}
    listing = root / 'tests/lint/long_files.txt'
    for number, line in enumerate(listing.read_text().splitlines(), 1):
        if line.strip() and not line.startswith('#'):
            path, _, reason = line.partition(' ')
            reasons[path] = number
            if not reason.strip():
                complaints.add(listing, number, 'a reason is missing')
            if not (root / path).is_file():
                complaints.add(listing, number, f'{path} is no file')
    return reasons


def check_lines(path, lines, complaints):
    for number, line in enumerate(lines, 1):
        if '\t' in line:
            complaints.add(path, number, 'a tab')
        if line != line.rstrip():
            complaints.add(path, number, 'blanks or a carriage return at the end of the line')
        if path.suffix in CODE - {'.def'} and len(line) > MAX_COLUMNS:
            complaints.add(path, number, f'{len(line)} columns, more than {MAX_COLUMNS}')
        if NOTE_TO_SELF.search(line):
            complaints.add(path, number, 'a note to self: do it, or leave it out')


def main(root):
    complaints = tree.Complaints(root)
    root = complaints.root
    reasons = read_reasons(root, complaints)
    n_checked = 0
    for path in tree.source_files(root, TEXT):
        name = str(path.relative_to(root))
        if name in GIVEN_TEXT:
            continue
        try:
            text = path.read_bytes().decode('utf-8')
        except UnicodeDecodeError as error:
            complaints.add(path, 1, f'not UTF-8: {error.reason}')
            continue
        n_checked += 1
        lines = text.split('\n')
        if lines.pop() != '':
            complaints.add(path, len(lines) + 1, 'no line end at the end of the file')
        if not lines:
            complaints.add(path, 1, 'an empty file')
            continue
        if path.suffix in LICENSED:
            first = lines[1] if lines[0].startswith('#!') and len(lines) > 1 else lines[0]
            if LICENCE not in first:
                complaints.add(path, 1, f'the first line is not "{LICENCE}"')
        check_lines(path, lines, complaints)
        if path.suffix in CODE:
            if len(lines) > MAX_LINES and name not in reasons:
                complaints.add(path, MAX_LINES, f'{len(lines)} lines, more than {MAX_LINES}')
            if len(lines) <= MAX_LINES and name in reasons:
                complaints.add('tests/lint/long_files.txt', reasons[name],
                               f'{name} is not long any more')
    complaints.finish(n_checked)


if __name__ == '__main__':
    main(*sys.argv[1:])
