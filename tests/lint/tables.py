#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The .def tables against what is written about them. Usage: tables.py ROOT

Every configuration key that this version takes is in the schema and in the manual page, every
key of the schema is in the table, every counter and every bypass reason is in the manual page, and
every subcommand has its manual page section, completion and source file. Files of other versions
of the tree that do not exist are passed over; those that exist must be complete.
"""
import json
import re
import sys

import tree

MANUAL = 'shim/cli/memoshim.1'
KEY = re.compile(r'^KEY\(\s*"([^"]+)",\s*([^,]+?),\s*(NOW|LATER)\s*,', re.M)
ROW = re.compile(r'^(?:COUNTER|TOTAL|GAUGE|RATIO|BYPASS)\((\w+),', re.M)
COMMAND = re.compile(r'^COMMAND\(\s*(\w+),', re.M)


class Tree:
    def __init__(self, root):
        self.complaints = tree.Complaints(root)
        self.n_checked = 0

    def read(self, name):
        """The text of a file, or None."""
        path = self.complaints.root / name
        return path.read_text() if path.is_file() else None

    def must_name(self, name, text, words, what):
        """Each of words stands in text, as a word of its own."""
        if text is None:
            return
        for word in words:
            self.n_checked += 1
            if not re.search(rf'(?<![\w-]){re.escape(word)}(?![\w-])', text):
                self.complaints.add(name, 1, f'{what} {word} is missing')


def plain_manual(text):
    """A manual page's source without the escapes that may stand inside a word."""
    if text is None:
        return None
    text = re.sub(r'\\f(?:\[\w*\]|.)', '', text)
    return text.replace(r'\(dq', '"').replace(r'\-', '-')


def schema_keys(node):
    """All names of properties that are spelled out anywhere in a JSON Schema."""
    names = set()
    if isinstance(node, dict):
        properties = node.get('properties')
        if isinstance(properties, dict):
            names |= set(properties)
        for value in node.values():
            names |= schema_keys(value)
    elif isinstance(node, list):
        for value in node:
            names |= schema_keys(value)
    return names


def check_keys(files):
    table, schema = files.read('config/keys.def'), files.read('config/schema.json')
    if table is None:
        return
    keys = KEY.findall(table)
    if not keys:
        files.complaints.add('config/keys.def', 1, 'no row was recognised')
    now = sorted({key for key, _, when in keys if when == 'NOW'})
    files.must_name(MANUAL, plain_manual(files.read(MANUAL)), now, 'configuration key')
    if schema is None:
        return
    spelled = schema_keys(json.loads(schema))
    for key in now:
        files.n_checked += 1
        if key not in spelled:
            files.complaints.add('config/schema.json', 1, f'configuration key {key} is missing')
    for key in sorted(spelled - {key for key, _, _ in keys} - {'$schema'}):
        files.complaints.add('config/schema.json', 1, f'{key} is no configuration key')


def check_counters(files):
    manual = plain_manual(files.read(MANUAL))
    for name, what in (('counters', 'counter'), ('bypasses', 'bypass reason')):
        table = files.read(f'shim/stats/{name}.def')
        if table is not None:
            rows = ROW.findall(table)
            if not rows:
                files.complaints.add(f'shim/stats/{name}.def', 1, 'no row was recognised')
            files.must_name(MANUAL, manual, rows, what)


def check_commands(files):
    table = files.read('shim/cli/commands.def')
    if table is None:
        return
    commands = COMMAND.findall(table)
    for name in (MANUAL, 'shim/cli/completion.bash'):
        files.must_name(name, plain_manual(files.read(name)) or '', commands, 'subcommand')
    for command in commands:
        if files.read(f'shim/cli/cmd_{command}.c') is None:
            files.complaints.add('shim/cli/commands.def', 1, f'{command} has no source file')


def main(root):
    files = Tree(root)
    check_keys(files)
    check_counters(files)
    check_commands(files)
    files.complaints.finish(files.n_checked)


if __name__ == '__main__':
    main(*sys.argv[1:])
