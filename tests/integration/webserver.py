# SPDX-License-Identifier: MIT
"""The nginx of examples/01-nginx-bcrypt in a folder: its files, and how fast it answers.

Who starts and stops it, and in which environment, is the caller's business.
"""

import base64
import os
import pwd
import re
import socket
import subprocess
import time

USER = "alice"
PAGE = "/welcome.txt"  # "/" would be asked for twice, the second time as /index.html
PATIENCE_S = 30


def basic_token(user, password):
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_files(folder, example, password_line, n_workers=2):
    """Everything that nginx reads; returns the port. Folders for its workers are theirs, if they
    are somebody else: tmp, and stats for what a preload writes."""
    for name in ("stats", "tmp", "www"):
        (folder / name).mkdir(parents=True)
    (folder / "www" / "welcome.txt").write_text("Welcome, member.\n")
    (folder / "htpasswd").write_bytes(password_line)
    port = free_port()
    user = ""
    if os.getuid() == 0:
        user = "user www-data;"
        nobody = pwd.getpwnam("www-data")
        for name in ("stats", "tmp"):
            os.chown(folder / name, nobody.pw_uid, nobody.pw_gid)
    text = (example / "nginx.conf").read_text()
    for mark, value in (("@USER@", user), ("@PORT@", str(port)), ("@FOLDER@", str(folder)),
                        ("worker_processes 2;", f"worker_processes {n_workers};")):
        text = text.replace(mark, value)
    (folder / "nginx.conf").write_text(text)
    return port


def command(nginx, folder):
    return [nginx, "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"]


def wait_until_up(process, port):
    """Whether it answers before it ends."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def measure(wrk, port, password, seconds, n_clients=4):
    """Requests per second of keep-alive clients with the right password, all answered with 200."""
    text = subprocess.run([wrk, "-t1", f"-c{n_clients}", f"-d{seconds}s", "--timeout", "10s",
                           "-H", f"Authorization: Basic {basic_token(USER, password)}",
                           f"http://127.0.0.1:{port}{PAGE}"],
                          stdout=subprocess.PIPE, check=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise AssertionError(text)
    return float(re.search(r"Requests/sec: *([0-9.]+)", text).group(1))
