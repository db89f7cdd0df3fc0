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
    return list(itertools.islice(found, MOST_FILES))


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

    def test_gawk(self):
        program = """BEGIN {
            for (i = 0; i < 600; i++) {
                t = 1700000000 + (i % 60) * 86400 * 5
                print strftime("%F %T %Z %z %c", t), strftime("%c", t, 1)
                print mktime(strftime("%Y %m %d %H %M %S", t))
            }
        }"""
        for zone in ("UTC0", "CET-1CEST,M3.5.0,M10.5.0/3"):
            self.check(["gawk", program], ["strftime", "mktime", "localtime"], env={"TZ": zone})

    def test_stat(self):
        self.check(["stat", "-c", "%U %G %n", *some_files()], ["getpwuid", "getgrgid"])

    def test_find(self):
        self.check(["find", TREE, "-maxdepth", "2", "-printf", "%u %g %U %G %p\n"],
                   ["getpwuid", "getgrgid"])

    def test_tar(self):
        folder = self.folder / "tree"
        for i in range(40):
            path = folder / f"{i % 4}" / f"{i}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{i}")
            if os.getuid() == 0:
                os.chown(path, i % 3, i % 3)  # tar itself remembers the last one
        answered = ["getpwuid", "getgrgid"] if os.getuid() == 0 else []
        self.check(["tar", "-C", folder, "--sort=name", "-cf", "-", "."], answered)

    def test_getent(self):
        for base, keys, answered in (
                ("passwd", "root daemon root 0 0 no-such-user", ["getpwnam", "getpwuid"]),
                ("group", "root daemon root 0 0 no-such-group", ["getgrnam", "getgrgid"]),
                ("services", "http domain/udp http 22 22", ["getservbyname", "getservbyport"]),
                ("protocols", "tcp udp tcp", ["getprotobyname"]),
                ("ahosts", "localhost 127.0.0.1 localhost", ["getaddrinfo"]),
                ("initgroups", "root root", ["getgrouplist"])):
            known = [key for key in keys.split() if not key.startswith("no-such")]
            self.check(["getent", base, *known], answered)
            if len(known) < len(keys.split()):
                self.check(["getent", base, *keys.split()], answered, status=2)

    def test_file(self):
        paths = [*some_files()[:30], "/bin/true", "/no/such/file"]
        self.check(["file", "-f", "-"], ["magic_file"], "".join(f"{p}\n" for p in 2 * paths))

    @case.exports_names
    def test_python(self):
        script = """
import grp, hashlib, pwd, socket, time
for i in range(30):
    print(time.mktime((2023, 6, i % 5, 12, 0, 0, 0, 0, -1)), time.strftime("%c", time.gmtime(i)))
    print(pwd.getpwuid(i % 3), pwd.getpwnam("root"), grp.getgrgid(i % 3), grp.getgrnam("daemon"))
    print(socket.getaddrinfo("localhost", 80 + i % 2, type=socket.SOCK_STREAM))
    print(socket.getservbyname("http"), socket.gethostbyname_ex("localhost"))
    print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt%d" % (i % 2), 1000).hex())
    print(hashlib.scrypt(b"password", salt=b"salt", n=16, r=8, p=1).hex())
"""
        self.check(["/usr/bin/python3", "-c", script],
                   ["mktime", "getpwuid_r", "getpwnam_r", "getgrgid_r", "getgrnam_r",
                    "getaddrinfo", "getservbyname", "gethostbyname_r", "PKCS5_PBKDF2_HMAC",
                    "EVP_PBE_scrypt"])


if __name__ == "__main__":
    case.main()
