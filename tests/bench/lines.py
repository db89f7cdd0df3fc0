# SPDX-License-Identifier: MIT
"""Who is measured: a line is one way to answer the calls of bench_driver, or to remember elsewhere.

A line knows the command and the environment of one round. What a line cannot do (a memo for
doubles has no texts) is not among its shapes; why a whole line cannot run here, missing() says.
"""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("MEMOSHIM_BUILD", FOLDER.parents[1] / "build-bench"))
LIBRARY = BUILD / "shim" / "libmemoshim.so"
COMMAND = BUILD / "shim" / "cli" / "memoshim"
PROGRAMS = BUILD / "tests" / "bench"

SHAPES = {
    "double": "double",
    "chain": "double, each after the last",
    "three": "three ints",
    "text": "text of 16",
    "text_chain": "text of 16, each after the last",
    "long_text": "text of 40",
    "out": "struct handed out",
    "struct": "struct by value",
    "wide": "long double",
}

TYPES = ["struct bench_pair { double sum, product; };", "struct bench_place { double x, y, z; };"]
FUNCTIONS = {
    "bench_double": {"prototype": "double bench_double(double x)"},
    "bench_three": {"prototype": "int bench_three(int a, int b, int c)"},
    "bench_text": {"prototype": "int bench_text(const char *text)", "args": {"text": "string"}},
    "bench_out": {"prototype": "int bench_out(int number, struct bench_pair *pair)",
                  "args": {"pair": {"out": "struct bench_pair"}}},
    "bench_struct": {"prototype": "double bench_struct(struct bench_place place)"},
    "bench_wide": {"prototype": "long double bench_wide(long double x)"},
}
CHAINS = {"chain": "double", "text_chain": "text"}  # the same functions, otherwise called
FUNCTION_OF = {shape: "bench_" + {**CHAINS, "long_text": "text"}.get(shape, shape)
               for shape in SHAPES}

# A table that is mapped directly keeps 4096 given keys only if it has more places.
DIRECT_FACTOR = 4


@dataclasses.dataclass(frozen=True)
class Line:
    """Without more: nobody remembers, the calls are plain."""

    key: str
    name: str
    shapes: tuple = tuple(SHAPES)

    def missing(self):
        """Why it cannot run here, or None."""

    def command(self, mode, shape, *numbers):
        return [PROGRAMS / "bench_driver", mode, shape, *numbers]

    def environment(self, n_keys):
        return {}


@dataclasses.dataclass(frozen=True)
class Preload(Line):
    """A memo that is written by hand, preloaded."""

    package: str = ""  # without which it is not built

    @property
    def library(self):
        return PROGRAMS / (self.key.replace("-", "_") + ".so")

    def missing(self):
        if not self.library.exists():
            return f"needs {self.package} when memoshim is built"
        return None

    def environment(self, n_keys):
        return {"LD_PRELOAD": self.library, "BENCH_PLACES": n_keys}


@dataclasses.dataclass(frozen=True)
class Memoshim(Line):
    """memoshim, each function under one policy. The guard would let go of functions so cheap."""

    policy: str = "lru"
    mode: str = "memoize"
    factor: int = 1  # entries for each key
    more: tuple = ()  # of each function: keys and what they are

    def configuration(self, n_keys):
        functions = {name: {**function, **dict(self.more)} for name, function in FUNCTIONS.items()}
        return {"version": 1, "types": TYPES, "functions": functions,
                "defaults": {"policy": self.policy, "mode": self.mode, "guard": False,
                             "max_entries": n_keys * self.factor, "max_bytes": "1GiB"}}

    def environment(self, n_keys):
        return {"LD_PRELOAD": LIBRARY, "MEMOSHIM_CONFIG": json.dumps(self.configuration(n_keys))}


@dataclasses.dataclass(frozen=True)
class Python(Line):
    """A decorator of Python's, in Debian's Python."""

    shapes: tuple = ("double", "three", "text", "long_text", "out")

    def missing(self):
        if self.key != "functools" and subprocess.run(
                ["/usr/bin/python3", "-c", "import cachetools"], stderr=subprocess.DEVNULL,
                check=False).returncode != 0:
            return "needs python3-cachetools"
        return None

    def command(self, mode, shape, *numbers):
        return ["/usr/bin/python3", "-I", FOLDER / "rival_python.py", self.key, mode, shape,
                *numbers]


@dataclasses.dataclass(frozen=True)
class Npm(Line):
    """A module of npm's, in Debian's node."""

    shapes: tuple = ("double",)

    def missing(self):
        node = shutil.which("node")
        if node is None or not pathlib.Path("/usr/share/nodejs/lru-cache").exists():
            return "needs nodejs and node-lru-cache"
        return None

    def command(self, mode, shape, *numbers):
        return ["node", FOLDER / "rival_npm.js", mode, shape, *numbers]

    def environment(self, n_keys):
        return {"NODE_PATH": "/usr/share/nodejs"}


ONE = ("double", "chain")
TWO = ("double", "chain", "text", "long_text")
PLAIN = Line("plain", "no memo, the plain call")
MEMO_DOUBLE = Preload("memo-double", "hard-coded memo, direct-mapped", ONE)
MEMO_TEXT = Preload("memo-text", "hard-coded memo, text", ("text", "text_chain"))
MEMO_OUT = Preload("memo-out", "hard-coded memo, struct", ("out",))
MEMOS = (MEMO_DOUBLE, MEMO_TEXT, MEMO_OUT)
DIRECT = Memoshim("direct", "memoshim, direct", policy="direct", factor=DIRECT_FACTOR)
DIRECT_SMALL = Memoshim("direct", "memoshim, direct", policy="direct")
SIEVE = Memoshim("sieve", "memoshim, sieve", policy="sieve")
LRU = Memoshim("lru", "memoshim, lru", policy="lru")
OTHERS = [Memoshim(policy, f"memoshim, {policy}", ("double", "chain"), policy=policy)
          for policy in ("s3-fifo", "w-tinylfu", "fifo", "lfu", "mru", "rr")]
SHORT = ("double", "three", "text", "out")  # what travels in registers only
WITH_LIFE = Memoshim("lru-ttl", "memoshim, lru, with a life (ttl)", SHORT, more=(("ttl", "60s"),))
JUDGED = Memoshim("lru-judged", "memoshim, lru, with a condition (store_if)", SHORT,
                  more=(("store_if", "return != 77"),))
NEGATIVE = Memoshim("lru-negative", "memoshim, lru, with both (negative)", SHORT,
                    more=(("ttl", "60s"), ("negative", {"if": "return == 77", "ttl": "5s"})))
LIVES = (WITH_LIFE, JUDGED, NEGATIVE)
LRU_WITH_ROOM = Memoshim("lru", "memoshim, lru", policy="lru", factor=4)
OFF = Memoshim("off", "memoshim, mode off", mode="off")
GLIB = Preload("memo-glib", "mutex and GHashTable", TWO, package="libglib2.0-dev")
UTHASH = Preload("memo-uthash", "mutex and uthash", TWO, package="uthash-dev")
FUNCTOOLS = Python("functools", "Python functools.lru_cache")
CACHETOOLS = Python("cachetools", "Python cachetools.LRUCache")
CACHETOOLS_LOCK = Python("cachetools-lock", "Python cachetools, with lock")
NPM = Npm("npm", "npm lru-cache")

EVERYBODY = [PLAIN, *MEMOS, DIRECT, SIEVE, LRU, *OTHERS, *LIVES, OFF, GLIB, UTHASH,
             FUNCTOOLS, CACHETOOLS, CACHETOOLS_LOCK, NPM]
