# SPDX-License-Identifier: MIT
"""A job for python3: most of what the interpreter takes from libc, with a result that stays."""
import base64
import collections
import ctypes
import datetime
import decimal
import hashlib
import json
import locale
import math
import os
import random
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

random.seed(7)
words = ["".join(random.choice("abcdefgh") for _ in range(random.randrange(2, 9)))
         for _ in range(5000)]
print(collections.Counter(words).most_common(5))
print(hashlib.sha256(" ".join(sorted(words)).encode()).hexdigest())
print(zlib.crc32(zlib.decompress(zlib.compress("".join(words).encode()))))
print(json.loads(json.dumps({"a": [1, 2.5, None, "\u00e4"], "b": {"c": True}}, sort_keys=True)))
print(base64.b64encode(struct.pack("<dfqI", math.pi, 1.5, -3, 7)))
print(sum(math.sin(i) * math.exp(-i / 50) + math.log1p(i) for i in range(500)))
print(math.gamma(5.5), math.fmod(-7, 3), math.ldexp(0.7, 30), math.hypot(3, 4), float("1e-310"))
print(decimal.Decimal(2).sqrt(), f"{1234567.891:,.2f}", "%.17g" % 0.1, repr(1e23))
print(re.sub(r"(\w)(\w+)", r"\2\1", "the quick brown fox"), re.findall(r"[a-c]{3}", words[0] * 9))
print(datetime.datetime(2024, 2, 29, 12).strftime("%a %d %b %Y %j"), time.gmtime(86400 * 365)[:6])
print(locale.setlocale(locale.LC_ALL, "C.UTF-8"), locale.strxfrm("abc"), "straße".upper())
print(ctypes.CDLL(None).strlen(b"seven 7"), ctypes.CDLL("libm.so.6").abs(-4))

with tempfile.TemporaryFile("w+") as file:
    file.writelines(f"{word}\n" for word in words)
    file.seek(0)
    print(sum(len(line) for line in file), file.tell())

database = sqlite3.connect(":memory:")
database.execute("create table t (word text, n real)")
database.executemany("insert into t values (?, ?)", ((word, len(word) / 3) for word in words))
print(database.execute("select word, sum(n) from t group by word order by 2 desc, 1 limit 3")
      .fetchall())

done = subprocess.run(["sh", "-c", "tr a-h A-H | sort -u | head -n 3; exit 3"],
                      input="\n".join(words), capture_output=True, text=True)
print(done.returncode, done.stdout.split(), done.stderr)

totals = []
threads = [threading.Thread(target=lambda: totals.append(sum(map(len, words)))) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(totals)

pid = os.fork()
if pid == 0:
    os._exit(len(words) % 100 + 5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try:
    open("/nonexistent/file")
except OSError as error:
    print(error)
sys.exit(4)
