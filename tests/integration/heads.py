# SPDX-License-Identifier: MIT
"""Executables of which there is no more than what tells a preload that it cannot reach them."""

import os
import struct

EM_386, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 62, 183, 243
OUR_MACHINE = {'x86_64': EM_X86_64, 'aarch64': EM_AARCH64}.get(os.uname().machine)
PT_INTERP, PT_NOTE = 3, 4


def elf(machine=OUR_MACHINE, bits=64, interpreter=None, note=None):
    """The head of an executable, as far as it matters to a preload."""
    if bits == 32:
        return b'\x7fELF\x01\x01\x01' + bytes(9) + struct.pack('<HH', 2, EM_386) + bytes(32)
    segments = [(PT_INTERP, interpreter.encode() + b'\0')] if interpreter else []
    segments += [(PT_NOTE, note)] if note else []
    header = b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack(
        '<HHIQQQIHHHHHH', 2, machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
    offset = len(header) + 56 * len(segments)
    table, data = b'', b''
    for kind, content in segments:
        table += struct.pack('<IIQQQQQQ', kind, 4, offset + len(data), 0, 0, len(content),
                             len(content), 1)
        data += content
    return header + table + data


def note(name, kind, description):
    return struct.pack('<III', len(name), len(description), kind) + name + description


GO_NOTE = note(b'Go\0\0', 4, b'build-id')
