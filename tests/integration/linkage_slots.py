# SPDX-License-Identifier: MIT
"""Which slots lead to a function, read from the files with readelf: what memoshim should find.

Only what the linkage matrix has is covered: x86-64, objects that are loaded at start, the program
first, and functions that one library defines.
"""

import collections
import re
import subprocess

import case

RELOCATION = re.compile(r"^([0-9a-f]{16})\s+[0-9a-f]{16}\s+R_X86_64_(\w+)\s+([0-9a-f]{16})\s+"
                        r"([\w.]+)(?:@@?(\w+))?(?: \(\w+\))? \+ 0$", re.M)
SYMBOL = re.compile(r"^\s*\d+: ([0-9a-f]{16})\s+(\d+)\s+OBJECT\s+\w+\s+\w+\s+\d+ ([\w.]+)", re.M)
KINDS = {"JUMP_SLOT": "plt", "GLOB_DAT": "got", "64": "pointers"}


class Object:
    """What one file refers to by name."""

    def __init__(self, path):
        self.name = path.name
        self.relocations = []  # offset, type, value, symbol, version
        for offset, kind, value, symbol, version in RELOCATION.findall(self.read(path, "-r")):
            self.relocations.append((int(offset, 16), kind, int(value, 16), symbol, version))
        self.data = {name: (int(address, 16), int(size))  # exported variables
                     for address, size, name in SYMBOL.findall(self.read(path, "--dyn-syms"))}

    @staticmethod
    def read(path, option):
        """The output of readelf."""
        return subprocess.run([case.need_program("readelf"), "-W", option, path], check=True,
                              stdout=subprocess.PIPE, text=True).stdout


def slots_of(program, libraries):
    """(symbol, version): {object's name: {kind: slots}}, kinds as `memoshim check` has them."""
    slots = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    # The program's PLT entry is the address of such a function for everybody: only calls, which
    # pass that entry by, and the program's own slot behind it lead to the function itself.
    canonical = {symbol for _, kind, value, symbol, _ in program.relocations
                 if kind == "JUMP_SLOT" and value != 0}

    for one in (program, *libraries):
        for offset, kind, _, symbol, version in one.relocations:
            if kind not in KINDS or (kind != "JUMP_SLOT" and symbol in canonical):
                continue
            is_odd = kind == "64" and offset % 8 != 0
            slots[symbol, version][one.name]["unaligned" if is_odd else KINDS[kind]] += 1
    for symbol in (symbol for _, kind, _, symbol, _ in program.relocations if kind == "COPY"):
        source = next(one for one in libraries if symbol in one.data)
        start, n_bytes = source.data[symbol]
        for offset, kind, _, function, version in source.relocations:
            if kind == "64" and start <= offset < start + n_bytes and function not in canonical:
                slots[function, version][program.name]["copied"] += 1
    return slots
