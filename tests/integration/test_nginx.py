# SPDX-License-Identifier: MIT
"""nginx, master and two workers, with a bcrypt password file: what memoshim promises about it.

The independent count of real calls is a crypt_r of our own between nginx and libcrypt, preloaded
after memoshim; the configurations name it as the provider.
"""

import http.client
import json
import os
import pathlib
import signal
import struct
import subprocess
import threading
import time

import case
import webserver

EXAMPLE = case.SOURCE / "examples" / "01-nginx-bcrypt"
USER, PASSWORD = webserver.USER, "correct horse battery staple"
RIGHT, WRONG, UNKNOWN = (USER, PASSWORD), (USER, "wrong password"), ("mallory", PASSWORD)
LEAST_RATIO = 300
SLOW, FAST = 10, 4  # bcrypt costs: of the measurement, and where only counts matter
PATIENCE_S = webserver.PATIENCE_S


class Server:
    """A running nginx. stop() returns the workers' reports."""

    def __init__(self, test, cost, config=None, preload=()):
        self.test = test
        self.folder = test.folder / f"nginx{test.n_runs}"
        test.n_runs += 1
        test.folder.chmod(0o755)
        self.stats = self.folder / "stats"
        self.count_file = self.folder / "count"
        self.port = webserver.write_files(self.folder, EXAMPLE, self.hash_line(PASSWORD, cost))
        env = test.environment()
        if config is not None:
            env = test.shim_environment(config, preload, MEMOSHIM_STATS=self.stats / "%p.json",
                                        COUNT_CRYPT_FILE=self.count_file)
        self.process = test.start(webserver.command(test.nginx, self.folder), env)
        if not webserver.wait_until_up(self.process, self.port):
            self.fail_down()

    def hash_line(self, password, cost):
        return subprocess.run([self.test.htpasswd, "-n", "-b", "-B", "-C", str(cost), USER,
                               password], stdout=subprocess.PIPE, check=True).stdout

    def write_password(self, password, cost):
        (self.folder / "htpasswd").write_bytes(self.hash_line(password, cost))

    def fail_down(self):
        case.kill_group(self.process)
        _, err = self.process.communicate()
        log = self.folder / "error.log"
        self.test.fail(f"nginx does not run: {err!r} {log.read_text() if log.exists() else ''}")

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self.test.addCleanup(connection.close)
        return connection

    def ask(self, credentials, connection=None):
        """Status line, body and every header but the date."""
        connection = connection or self.connect()
        connection.request("GET", webserver.PAGE, headers={
            "Authorization": f"Basic {webserver.basic_token(*credentials)}"})
        response = connection.getresponse()
        headers = [(name, value) for name, value in response.getheaders()
                   if name not in ("Date", "ETag", "Last-Modified")]
        return response.status, response.reason, response.read(), headers

    def worker_seconds(self):
        """What the workers have had of processors until now."""
        ticks = 0
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if int(fields[1]) == self.process.pid:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def measure(self, seconds):
        """Of four keep-alive clients with the right password: requests per second, and per second
        of the workers' processor time, which nothing else on the machine shares."""
        before = self.worker_seconds()
        rate = webserver.measure(self.test.wrk, self.port, PASSWORD, seconds)
        return rate, rate * seconds / max(self.worker_seconds() - before, 0.01)

    def real_calls(self):
        return struct.unpack("=q", self.count_file.read_bytes())[0]

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        _, err = self.process.communicate(timeout=PATIENCE_S)
        self.test.assertEqual((self.process.returncode, err), (0, b""))
        reports = self.test.read_reports(self.stats)
        reports.pop(self.process.pid, None)
        return [report["functions"]["crypt_r"] for report in reports.values()]


def total(workers, counter):
    return sum(worker[counter] for worker in workers)


class Nginx(case.Case):

    def setUp(self):
        super().setUp()
        self.nginx = case.need_program("nginx")
        self.htpasswd = case.need_program("htpasswd")
        self.wrk = case.need_program("wrk")

    def counted_server(self, cost=FAST, **policy):
        """One in which real calls are counted by somebody else."""
        counter = case.PROGRAMS / "count_crypt.so"
        config = self.config({"crypt_r": {"library": counter.name, "guard": False, **policy}})
        return Server(self, cost, config, [counter])

    def test_speed_and_answers(self):
        """At least 300 times the requests for what they take of a processor, however busy the
        machine is, and the same bytes for everybody."""
        plain = Server(self, SLOW)
        wanted = [plain.ask(who) for who in (RIGHT, WRONG, UNKNOWN)]
        self.assertEqual([answer[0] for answer in wanted], [200, 401, 401])

        functions = json.loads((EXAMPLE / "memoshim.json").read_text())["functions"]
        server = Server(self, SLOW, self.config(functions))
        for _ in range(3):
            self.assertEqual([server.ask(who) for who in (RIGHT, WRONG, UNKNOWN)], wanted)
        (without, own_without), (rate, own_rate) = plain.measure(6), server.measure(2)
        plain.stop()
        self.assertEqual([server.ask(who) for who in (RIGHT, WRONG, UNKNOWN)], wanted)
        workers = server.stop()
        print(f"{without:.1f} requests/s without, {rate:.1f} with: ratio {rate / without:.0f}; "
              f"of processor time {own_without:.1f} and {own_rate:.1f}: "
              f"ratio {own_rate / own_without:.0f}")
        self.assertGreaterEqual(own_rate / own_without, LEAST_RATIO)
        self.assertEqual(len(workers), 2)
        self.assertEqual({worker["library"] for worker in workers}, {"libcrypt.so.1"})
        self.assertEqual(total(workers, "not_stored"), 4)  # the wrong passwords
        self.assertEqual(total(workers, "waits") + total(workers, "bypasses"), 0)

    def test_misses_are_the_real_calls(self):
        server = self.counted_server(ttl="600s")
        for _ in range(50):
            self.assertEqual(server.ask(RIGHT)[0], 200)
        self.assertLessEqual(server.real_calls(), 2)  # one for each worker that was asked
        before = server.real_calls()
        for i in range(20):
            self.assertEqual(server.ask(WRONG)[0], 401)
            self.assertEqual(server.real_calls(), before + i + 1)  # never from memory
        for _ in range(5):
            self.assertEqual(server.ask(UNKNOWN)[0], 401)
        self.assertEqual(server.real_calls(), before + 20)
        self.assertEqual(server.ask((USER, ""))[0], 401)
        self.assertEqual(server.ask((USER, PASSWORD + "x"))[0], 401)
        real = server.real_calls()
        workers = server.stop()
        self.assertEqual(total(workers, "misses"), real)
        self.assertEqual(total(workers, "calls"), 50 + 20 + 2)
        self.assertEqual(total(workers, "not_stored"), 22)
        self.assertEqual(total(workers, "stores"), before)
        self.assertEqual(total(workers, "hits"), 50 - before)
        self.assertEqual(total(workers, "bypasses"), 0)
        self.assertEqual(total(workers, "entries"), before)

    def test_the_same_wrong_password_twice_at_once(self):
        server = self.counted_server(SLOW, ttl="600s")
        answers = []

        def ask_four_times():
            connection = server.connect()
            answers.extend(server.ask(WRONG, connection)[0] for _ in range(4))

        clients = [threading.Thread(target=ask_four_times) for _ in range(2)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(answers, [401] * 8)
        self.assertEqual(server.real_calls(), 8)
        workers = server.stop()
        self.assertEqual(total(workers, "waits"), 0)
        self.assertEqual(total(workers, "hits"), 0)
        self.assertEqual(total(workers, "not_stored"), 8)

    def test_a_changed_password_counts_at_once(self):
        server = self.counted_server(ttl="600s")
        new = USER, "a new password"
        for _ in range(3):
            self.assertEqual([server.ask(who)[0] for who in (RIGHT, new)], [200, 401])
        server.write_password(new[1], FAST)
        for _ in range(3):
            self.assertEqual([server.ask(who)[0] for who in (RIGHT, new)], [401, 200])
        server.stop()

    def test_after_the_ttl_the_real_function_runs_again(self):
        server = self.counted_server(ttl="1s")
        connection = server.connect()  # one connection stays with one worker
        n_asked = 0
        end = time.monotonic() + PATIENCE_S
        # Until it has expired twice, and in between was remembered.
        while not n_asked or server.real_calls() < 3 or n_asked <= 3 * server.real_calls():
            self.assertLess(time.monotonic(), end, "never expires, or is never remembered")
            self.assertEqual(server.ask(RIGHT, connection)[0], 200)
            n_asked += 1
        real = server.real_calls()
        workers = server.stop()
        self.assertEqual(total(workers, "misses"), real)
        self.assertEqual(total(workers, "hits"), n_asked - real)
        self.assertEqual(total(workers, "expirations"), real - 1)


if __name__ == "__main__":
    case.main()
