# SPDX-License-Identifier: MIT
"""Whole programs of the system: without memo, with one that was written by hand for the function
in which the program spends its time, and with memoshim. A program that is started for each round
(OneShot) is measured by the processor time that it took, a server (Server) by what it answers."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import lines
import rounds
from table import Table

sys.path.append(str(lines.FOLDER.parent / "integration"))
import webserver  # pylint: disable=wrong-import-position

PLAIN, HAND, CAREFUL, MEMOSHIM = "plain", "hand", "careful", "memoshim"
NAMES = {PLAIN: "no memo", HAND: "preload written for that one function",
         CAREFUL: "the same, with the care that memoshim takes", MEMOSHIM: "memoshim"}
PATH = "/usr/bin:/usr/sbin:/bin:/sbin"


def _has_preset(function):
    return subprocess.run([str(lines.COMMAND), "presets", function], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


class Workload:
    """A program and the function of it that is remembered. values: by way, one for each round."""

    ways = PLAIN, HAND, MEMOSHIM

    def __init__(self, key, heading, function, policy, program):
        self.key, self.heading = key, heading
        self.function, self.policy, self.program = function, policy, program
        self.values = {way: [] for way in self.ways}
        self.n_probes = 0

    def missing(self):
        """Why it cannot run here, or None."""
        if shutil.which(self.program, path=PATH) is None:
            return f"needs {self.program}"
        if not _has_preset(self.function):
            return f"memoshim has no preset for {self.function} yet"
        return None

    def environment(self, way):
        if way in (HAND, CAREFUL):
            name = self.function.removesuffix("_r") + ("_careful" if way == CAREFUL else "")
            return {"LD_PRELOAD": lines.PROGRAMS / f"memo_{name}.so"}
        if way == MEMOSHIM:
            config = {"version": 1, "functions": {self.function: self.policy}}
            return {"LD_PRELOAD": lines.LIBRARY, "MEMOSHIM_CONFIG": json.dumps(config)}
        return {}

    def check_report(self, path, n_misses):
        """What memoshim counted in one process, of which at most so many calls were real ones, and
        one whose result was not kept: the first that asks for a time makes libc read the zone."""
        seen = json.loads(path.read_text())["functions"][self.function]
        probes = seen.get("bypass_reasons", {}).get("probe", 0)  # the guard's
        self.n_probes = probes
        n_misses += min(seen["not_stored"], 1)
        if seen["misses"] > n_misses or seen["bypasses"] != probes:
            raise rounds.Broken(f"{self.heading}: {seen}")
        return seen["hits"]

    def times(self, way):
        """How many times as much time the plain program takes; times: of each round."""
        plain = statistics.median(self.values[PLAIN])
        return plain / statistics.median(self.values[way])

    def shown(self, way):
        return statistics.median(self.values[way]) * 1e3  # ms


class OneShot(Workload):
    """Values: seconds of processor time. started, warmed: the same of a run that calls the function
    once, and of one that calls it once for each argument. n_faults: of started, the page faults.
    argv: called with how many calls the program is to make, the command."""

    ways = tuple(NAMES)

    def __init__(self, *how, argv, folder, n_calls, n_keys):
        super().__init__(*how)
        self.argv, self.folder = argv, folder
        self.n_calls, self.n_keys = n_calls, n_keys
        self.started, self.warmed, self.n_faults = (
            {way: [] for way in self.ways} for _ in range(3))

    def measure(self, way, output, n_calls, **more):
        """Seconds of processor time, and how many page faults."""
        argv = self.argv(n_calls)
        environment = rounds.clean_environment({**self.environment(way), **more})
        environment.pop("TZ", None)
        with open(output, "wb") as file, subprocess.Popen(
                argv, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=file) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise rounds.Broken(f"{argv[0]} ended with {process.returncode}")
        return usage.ru_utime + usage.ru_stime, usage.ru_minflt

    def run(self, settings, folder):
        """All rounds; before them, what memoshim counts and what the program prints."""
        report = folder / f"{self.key}.json"
        printed = {way: folder / f"{self.key}.{way}" for way in NAMES}
        for way in NAMES:
            self.measure(way, printed[way], self.n_calls, **(
                {"MEMOSHIM_STATS": report} if way == MEMOSHIM else {}))
            if printed[way].read_bytes() != printed[PLAIN].read_bytes():
                raise rounds.Broken(f"{self.heading}: other output with: {NAMES[way]}")
        if self.check_report(report, self.n_keys) == 0:
            raise rounds.Broken(f"{self.heading}: no hits")
        for number in range(settings.n_rounds):
            for way in NAMES if number % 2 == 0 else reversed(NAMES):
                self.values[way].append(self.measure(way, os.devnull, self.n_calls)[0])
                self.warmed[way].append(self.measure(way, os.devnull, self.n_keys)[0])
                seconds, n_faults = self.measure(way, os.devnull, 1)
                self.started[way].append(seconds)
                self.n_faults[way].append(n_faults)


class Server(Workload):
    """nginx with one kind of password: one worker on one processor, asked by wrk on another one, if
    there is one. Values: seconds for each request."""

    PASSWORD = "correct horse battery staple"
    EXAMPLE = lines.FOLDER.parents[1] / "examples" / "01-nginx-bcrypt"
    N_CLIENTS = 8

    def __init__(self, *how, setting):
        super().__init__(*how)
        self.setting = setting
        self.servers = {}

    def missing(self):
        why = super().missing()
        return why if why or shutil.which("wrk", path=PATH) else "needs wrk"

    def hash_password(self):
        """By libcrypt, as Debian's Python calls it."""
        code = "import crypt, sys; print(crypt.crypt(sys.argv[1], sys.argv[2]))"
        hashed = rounds.run(["/usr/bin/python3", "-W", "ignore", "-c", code, self.PASSWORD,
                             self.setting], {}).strip()
        if not hashed.startswith("$"):
            raise rounds.Broken(f"libcrypt does not know {self.setting}")
        return f"{webserver.USER}:{hashed}\n".encode()

    def start(self, way, folder, password_line):
        port = webserver.write_files(folder, self.EXAMPLE, password_line, 1)
        environment = self.environment(way)
        if way == MEMOSHIM:
            environment["MEMOSHIM_STATS"] = folder / "stats" / "%p.json"
        command = webserver.command(shutil.which("nginx", path=PATH), folder)
        with rounds.pinned(min):
            process = subprocess.Popen([str(word) for word in command],
                                       env=rounds.clean_environment(environment),
                                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.servers[way] = process, port, folder
        if not webserver.wait_until_up(process, port):
            raise rounds.Broken(f"nginx does not run with: {NAMES[way]}")

    def stop(self):
        for process, _, _ in self.servers.values():
            process.terminate()
            process.wait(webserver.PATIENCE_S)

    def measure(self, way, seconds):
        """At least so many, more where nothing was answered in them."""
        wrk = shutil.which("wrk", path=PATH)
        while seconds <= webserver.PATIENCE_S:
            with rounds.pinned(max):
                rate = webserver.measure(wrk, self.servers[way][1], self.PASSWORD, seconds,
                                         self.N_CLIENTS)
            if rate > 0:
                return 1 / rate
            seconds *= 2
        raise rounds.Broken(f"{self.heading}: no answers with: {NAMES[way]}")

    def run(self, settings, folder):
        password_line = self.hash_password()
        try:
            for way in self.ways:
                self.start(way, folder / f"{self.key}.{way}", password_line)
            for way in (HAND, MEMOSHIM):
                self.measure(way, 1)  # one check, and they are warm
            for number in range(settings.n_rounds):
                if number < settings.n_slow_rounds:
                    self.values[PLAIN].append(self.measure(PLAIN, 2))
                for way in (HAND, MEMOSHIM) if number % 2 == 0 else (MEMOSHIM, HAND):
                    self.values[way].append(self.measure(way, 1))
        finally:
            self.stop()
        self.prove()

    def prove(self):
        """All of the worker's calls were hits, but the first."""
        process, _, folder = self.servers[MEMOSHIM]
        reports = [path for path in (folder / "stats").glob("*.json")
                   if path.stem != str(process.pid)]
        if len(reports) != 1 or self.check_report(reports[0], 1) == 0:
            raise rounds.Broken(f"{self.heading}: the reports {reports}")

    def shown(self, way):
        return 1 / statistics.median(self.values[way])


N_TIMES = 1000
GAWK = f"""BEGIN {{
    for (i = 0; i < %d; i++) {{
        s = strftime("%%Y-%%m-%%d %%H:%%M:%%S", 1700000000 + i %% {N_TIMES})
    }}
    print s
}}"""


def _workloads(settings, folder):
    tree = folder / "tree"
    tree.mkdir()
    names = [f"{number:05}" for number in range(settings.n_files)]
    for name in names:
        (tree / name).touch()
    crypt = "crypt_r", {"ttl": "60s"}, "nginx"
    servers = [
        Server("sha512", "nginx, SHA-512, requests/s", *crypt, setting="$6$saltsaltsaltsalt$"),
        Server("bcrypt", "nginx, bcrypt, requests/s", *crypt,
               setting="$2b$10$abcdefghijklmnopqrstuu"),
        Server("yescrypt", "nginx, yescrypt, requests/s", *crypt,
               setting="$y$j9T$saltsaltsaltsalt$"),
    ]
    return servers[:settings.n_servers] + [
        OneShot("strftime", "gawk strftime, ms", "localtime", {"check_every": "1s"}, "gawk",
                argv=lambda n_calls: ["/usr/bin/gawk", GAWK % n_calls], folder=folder,
                n_calls=settings.n_times, n_keys=N_TIMES),
        OneShot("stat", "stat -c %U, ms", "getpwuid", {"check_every": "1s"}, "stat",
                argv=lambda n_calls: ["/usr/bin/stat", "-c", "%U", *names[:n_calls]], folder=tree,
                n_calls=settings.n_files, n_keys=1),
    ]


def measure_programs(settings, skipped):
    table = Table("programs", "Whole programs (in brackets: times as fast as without)", {})
    with tempfile.TemporaryDirectory(prefix="memoshim-bench.") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        for work in _workloads(settings, folder):
            why = work.missing()
            if why is not None:
                skipped[work.heading.partition(",")[0]] = why
                continue
            work.run(settings, folder)
            for way in NAMES:
                table.rows.setdefault((way, NAMES[way]), {})
            table.columns[work.key] = work.heading
            for way in work.ways:
                table.put(way, NAMES[way], work.key, work.shown(way),
                          work.times(way) if way != PLAIN else None)
            settings.measured[work.key] = work
        for work in settings.measured.values():
            table.put("against", "memoshim's time / that of the preload", work.key,
                      rounds.median_ratio(work.values[MEMOSHIM], work.values[HAND]), digits=3)
        for work in settings.measured.values():
            if CAREFUL in work.ways:
                table.put("against-careful", "memoshim's time / that of the one with care",
                          work.key, rounds.median_ratio(work.values[MEMOSHIM],
                                                        work.values[CAREFUL]), digits=3)
    table.notes.append(f"nginx: one worker, {Server.N_CLIENTS} keep-alive clients. gawk's strftime "
                       "spends its time in localtime (TZ is not set), here "
                       f"{settings.n_times:,} calls; stat is asked for {settings.n_files:,} files. "
                       "Files that results hang on are looked at once a second by memoshim and "
                       "by the preloads with care, and not at all by the others, which also take "
                       "TZ and its zone for granted, and that there is one thread; the times are "
                       "of processor.")
    return table
