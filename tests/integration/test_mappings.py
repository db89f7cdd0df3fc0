# SPDX-License-Identifier: MIT
"""What memoshim does to the program's memory: nothing becomes writable and executable, and what the
dynamic linker made read-only after relocation is read-only again."""

import pathlib
import struct

import case
import counted

PT_LOAD, PT_GNU_RELRO = 1, 0x6474e552
PAGE = 4096


class Mapping:
    """One line of /proc/PID/maps."""

    def __init__(self, line):
        words = line.split(maxsplit=5)
        self.start, self.end = (int(word, 16) for word in words[0].split("-"))
        self.access = words[1]
        self.offset = int(words[2], 16)
        self.path = words[5] if len(words) > 5 else ""


def segments(path):
    """(type, offset, address, size in memory) of an ELF64 file's segments."""
    data = pathlib.Path(path).read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return
    table, = struct.unpack_from("<Q", data, 32)
    size, n = struct.unpack_from("<HH", data, 54)
    for i in range(n):
        kind, _, offset, address, _, _, n_bytes, _ = struct.unpack_from("<IIQQQQQQ", data,
                                                                        table + i * size)
        yield kind, offset, address, n_bytes


class Mappings(counted.CountedCase):

    def mappings(self, outcome_config=None):
        path = self.folder / f"maps{self.n_runs}"
        script = f"square 3\nsquare 3\nname 3\nmaps {path}\n"
        argv = [case.PROGRAMS / "driver-now"]  # its slots lie within its RELRO
        if outcome_config is None:
            self.run_plain(argv, script)
        else:
            outcome = self.run_with(outcome_config, argv, script)
            self.assertEqual(outcome.function("counted_square")["hits"], 1)
        return [Mapping(line) for line in path.read_text().splitlines()]

    def test_nothing_is_writable_and_executable(self):
        config = self.config(counted.functions("square", "name"))
        for mapping in self.mappings() + self.mappings(config):
            self.assertFalse("w" in mapping.access and "x" in mapping.access, vars(mapping))

    def test_relro_is_closed_again(self):
        config = self.config(counted.functions("square", "name"))
        mappings = self.mappings(config)
        n_checked = 0
        for path in {m.path for m in mappings if m.path.startswith("/")}:
            own = [m for m in mappings if m.path == path]
            parts = list(segments(path))
            if not parts:
                continue
            base = min(m.start for m in own) - min(
                address // PAGE * PAGE for kind, _, address, _ in parts if kind == PT_LOAD)
            for _, _, address, n_bytes in (p for p in parts if p[0] == PT_GNU_RELRO):
                # ld.so rounds both ends down to whole pages.
                start = (base + address) // PAGE * PAGE
                end = (base + address + n_bytes) // PAGE * PAGE
                for m in mappings:
                    if m.start < end and start < m.end:
                        self.assertNotIn("w", m.access, f"{path} {vars(m)}")
                        n_checked += 1
        self.assertGreaterEqual(n_checked, 4)


if __name__ == "__main__":
    case.main()
