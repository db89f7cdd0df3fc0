# SPDX-License-Identifier: MIT
"""Programs of the system that call what presets know, with all presets in force: what they print is
the same byte for byte, and the functions that each is run for have been answered from memory.
"""

import itertools
import os
import pathlib

import case
import programs

TREE = pathlib.Path("/usr/share/doc")
MOST_FILES = 2000


def some_files():
    """Paths below a folder that every system has."""
    found = (os.path.join(folder, name) for folder, _, names in os.walk(TREE) for name in names)
    return [path.encode() for path in itertools.islice(found, MOST_FILES)]


class Unmodified(case.Case):

    def setUp(self):
        super().setUp()
        case.need_native("programs of this machine's processor")

    def check(self, argv, answered, stdin=b"", env=None, status=0):
        """answered: functions of which there must have been hits."""
        argv = [case.need_program(argv[0]), *argv[1:]]
        config = self.config(programs.preset_functions(), defaults={"guard": False})
        plain, with_shim = self.run_both(config, argv, stdin, env, cwd=self.folder)
        self.assertEqual(plain.status, status, plain.stderr)
        self.assertNotEqual(plain.stdout, b"")
        hits = {name: f["hits"] for name, f in with_shim.report["functions"].items() if f["calls"]}
        print(f"{pathlib.Path(argv[0]).name}: {hits}", flush=True)
        for name in answered:
            self.assertGreater(hits.get(name, 0), 0, name)
        return plain

    def test_cs2cs(self):
        lines = "".join(f"{12 + i % 5 / 8} {55 + i % 7 / 16}\n" for i in range(200))
        self.check(["cs2cs", "-f", "%.9f", "+proj=longlat", "+to", "+proj=utm", "+zone=33"],
                   ["proj_trans"], lines)


if __name__ == "__main__":
    case.main()
