# SPDX-License-Identifier: MIT
"""Real programs at work (jobs/): the same output, exit status and files whichever way they run.
Those that are large to install are run in full runs only: java, node, cmake, vim.
"""

import http.server
import os
import re
import subprocess
import threading

import case
import programs

JOBS = programs.NAMES.with_name("jobs")

# Commits and their names depend on nothing else.
GIT = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in
       (("NAME", "Some One"), ("EMAIL", "one@example.org"), ("DATE", "1700000000 +0100"))}


def quiet(*argv):
    """A program whose result is the test's, not the job's."""
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Programs(programs.ProgramsCase):

    # ---- interpreters ---------------------------------------------------------------------------

    def test_python3(self):
        self.check_job([["python3", JOBS / "job.py"]], status=4)

    def test_perl(self):
        self.check_job([["perl", JOBS / "job.pl"]], status=5)

    def test_bash(self):
        self.check_job([["bash", JOBS / "job.sh"]], status=6)

    def test_gawk(self):
        self.check_job([["gawk", "-f", JOBS / "job.awk"]], status=3)

    # ---- compilers, and what they make ----------------------------------------------------------

    def check_compiler(self, c, cpp):
        seen = self.check_job([
            [c, "-O2", "-g", "-Wall", "-Wextra", "-c", JOBS / "job.c", "-o", "job.o"],
            [c, "-O2", "-S", JOBS / "job.c", "-o", "job.s"],
            [c, "job.o", "-o", "job"],
            [cpp, "-O1", "-std=c++17", JOBS / "job.cc", "-o", "jobcc", "-pthread"],
        ])
        self.assertEqual(set(seen.files), {"job.o", "job.s", "job", "jobcc"})

    def test_gcc(self):
        self.check_compiler("gcc", "g++")

    def test_clang(self):
        self.check_compiler("clang", "clang++")

    def test_errors_of_compilers(self):
        for compiler in "gcc", "clang":
            with self.subTest(compiler):
                self.check_job([([compiler, "-x", "c", "-Wall", "-c", "-o", "bad.o", "-"],
                                 b"int f(void) { int unused; return g(; }\n")], status=1)

    def test_program_in_cpp(self):
        """Exceptions, streams, threads and dynamic_cast, all by way of thunks."""
        program = self.folder / "jobcc"
        quiet(case.need_program("g++"), "-O1", "-std=c++17", JOBS / "job.cc", "-o", program,
              "-pthread")
        seen = self.check_job([[program]], status=8)
        self.assertIn(b"the bottom\n", seen.outcomes[0].stdout)

    def test_gdb(self):
        program = self.folder / "job"
        quiet(case.need_program("gcc"), "-g", "-O0", JOBS / "job.c", "-o", program)
        commands = ["set confirm off", "set startup-with-shell off", "break add_up", "run", "bt",
                    "print *first", "ptype struct node", "finish", "info locals", "print nodes[2]",
                    "python print(6 * 7)", "continue"]
        words = [word for command in commands for word in ("-ex", command)]

        def same(shown):
            # Neither processes nor addresses of libraries and stacks are the same each time.
            text = re.sub(rb"\(process \d+\)|\[Inferior 1 .*?\) exited|0x7[0-9a-f]{11}", b"<>",
                          repr(shown).encode())
            return re.sub(rb"warning: (opening|Error disabling).*?\\n", b"", text)

        self.check_job([["gdb", "-nx", "-batch", *words, program]], same=same)

    # ---- files ----------------------------------------------------------------------------------

    def test_git(self):
        def prepare():
            for i in range(40):
                (self.work / f"file{i}.txt").write_text("".join(f"line {n * i}\n"
                                                                for n in range(100)))

        def same(shown):
            return [(status, out, err) for status, out, err in shown[0]], \
                {name: data for name, data in shown[1].items()
                 if not re.search(r"index$|\.idx$|logs/|\.rev$", name)}

        self.check_job([
            ["git", "init", "-q", "-b", "main", "."],
            ["git", "add", "."],
            ["git", "commit", "-m", "all of it"],
            ["git", "mv", "file1.txt", "moved.txt"],
            ["git", "rm", "-q", "file2.txt"],
            ["git", "commit", "-q", "-m", "moved and removed"],
            ["git", "log", "--stat", "-M", "--format=%H %an %ad %s"],
            ["git", "diff", "HEAD~1", "--", "file2.txt"],
            ["git", "grep", "-n", "line 99$"],
            ["git", "checkout", "-q", "-b", "other", "HEAD~1"],
            ["git", "rebase", "main"],
            ["git", "repack", "-a", "-d", "-q"],
            ["git", "fsck", "--strict"],
            ["git", "clone", "-q", ".", "copy"],
            ["git", "-C", "copy", "status", "--short", "--branch"],
        ], env=GIT, prepare=prepare, same=same)

    def test_sort(self):
        text = "".join(f"{i * 7919 % 10007} {i * 104729 % 1009:04d} w{i % 37}\n"
                       for i in range(60000))
        self.check_job([
            (["sort", "-k2,2n", "-k1,1", "-S", "100K", "--parallel=2", "-T", "."], text),
            (["sort", "-u", "-k3"], text),
            (["sort", "-rg", "-o", "out.txt"], text),
        ])

    def test_sqlite3(self):
        script = (JOBS / "job.sql").read_bytes()
        self.check_job([(["sqlite3", "words.db"], script)], status=1)

    # ---- keys -----------------------------------------------------------------------------------

    def test_openssl(self):
        key = self.folder / "key.pem"
        quiet(case.need_program("openssl"), "genrsa", "-out", key, "2048")
        text = b"some text, and more of it\n" * 3000
        secret = ["-K", "00112233445566778899aabbccddeeff", "-iv", "0" * 32]
        self.check_job([
            (["openssl", "dgst", "-sha256", "-sign", key, "-hex"], text),
            (["openssl", "dgst", "-sha3-512"], text),
            (["openssl", "enc", "-aes-128-cbc", "-a", *secret], text),
            (["openssl", "enc", "-chacha20", "-K", "ab" * 32, "-iv", "0" * 32], text),
            (["openssl", "passwd", "-6", "-salt", "salty", "-stdin"], b"secret\nother\n"),
            ["openssl", "rsa", "-in", key, "-text", "-noout"],
            ["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER", "-out", "k"],
            ["openssl", "kdf", "-keylen", "24", "-kdfopt", "digest:SHA256", "-kdfopt", "pass:x",
             "-kdfopt", "salt:y", "-kdfopt", "iter:2000", "PBKDF2"],
            ["openssl", "list", "-digest-algorithms"],
        ])

    def test_ssh_keygen(self):
        keygen = case.need_program("ssh-keygen")
        for kind in "ed25519", "rsa":
            quiet(keygen, "-q", "-t", kind, "-N", "", "-C", "somebody", "-f",
                  self.folder / kind)
        steps = []
        for kind in "ed25519", "rsa":
            key = self.folder / kind
            steps += [
                ["ssh-keygen", "-l", "-v", "-f", key],
                ["ssh-keygen", "-y", "-f", key],
                ["ssh-keygen", "-e", "-m", "RFC4716", "-f", f"{key}.pub"],
                (["ssh-keygen", "-Y", "sign", "-n", "file", "-f", key], b"text to be signed\n"),
            ]
        self.check_job(steps)

    # ---- network --------------------------------------------------------------------------------

    def test_curl(self):
        body = b"".join(b"%d\n" % i for i in range(50000))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                found = self.path.startswith("/body")
                self.send_response_only(200 if found else 404)
                self.send_header("Content-Length", str(len(body) if found else 0))
                self.end_headers()
                self.wfile.write(body if found else b"")

            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response_only(200)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent[::-1])

            def log_message(self, *words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever).start()
        url = f"http://localhost:{server.server_port}"
        (self.folder / "local.txt").write_bytes(body)
        told = "%{http_code} %{size_download} %{content_type} %{num_connects}\n"
        self.check_job([
            ["curl", "-sS", "-i", "-w", told, f"{url}/body[1-3]"],
            ["curl", "-sS", "-w", told, "--data", "a=b&c=d", f"{url}/post"],
            ["curl", "-sS", "-o", "copy.txt", f"file://{self.folder}/local.txt"],
            ["curl", "-sS", "-w", told, "-o", "#1.txt", f"{url}/{{none,body}}"],
        ])
        self.check_job([["curl", "-sS", "-f", f"{url}/none"]], status=22)

    def test_nginx(self):
        """Started, asked and stopped in one step, so that all of it is one job. A daemon that ended
        may stay a zombie: in a container nobody need wait for it."""
        nginx, curl = case.need_program("nginx"), case.need_program("curl")
        script = self.folder / "serve.sh"

        def prepare():
            (self.work / "www").mkdir()
            (self.work / "tmp").mkdir()
            (self.work / "www" / "index.html").write_text("<p>welcome</p>\n" * 2000)
            user = "user root;" if os.getuid() == 0 else ""
            (self.work / "nginx.conf").write_text(f"""
                {user} worker_processes 2; pid {self.work}/tmp/pid; error_log stderr notice;
                events {{ worker_connections 64; }}
                http {{
                    access_log off; gzip on; sendfile on; default_type text/html;
                    {"".join(f"{kind}_temp_path {self.work}/tmp/{kind};" for kind in
                             ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
                    server {{
                        listen unix:{self.work}/tmp/socket; root {self.work}/www;
                        location /twice {{ rewrite ^/twice(.*)$ $1 last; }}
                        location ~ ^/say/(.*)$ {{ return 200 "you said $1 at $request_uri\\n"; }}
                        location /list {{ autoindex on; alias {self.work}/www; }}
                    }}
                }}\n""")

        script.write_text(f"""
            {nginx} -p . -e tmp/early.log -c nginx.conf -g 'daemon on;' 2>tmp/log || exit 1
            for path in / /index.html /twice/index.html /say/hello%20there /none /list/; do
                env -u LD_PRELOAD {curl} -s -i --compressed --unix-socket tmp/socket \\
                    "http://localhost$path"
            done
            pid=$(cat tmp/pid)
            {nginx} -p . -e tmp/early.log -c nginx.conf -s quit 2>/dev/null
            while grep -q '^State:.[DIRSTt]' "/proc/$pid/status" 2>/dev/null; do
                sleep 0.02
            done
            grep -c 'exited with code 0' tmp/log
            rm -rf tmp
            exit 9""")

        def same(shown):
            return re.sub(rb"\\r\\n(Date|Last-Modified|ETag): .*?\\r|\d\d-\w{3}-\d{4} \d\d:\d\d",
                          b"", repr(shown).encode())

        self.check_job([["bash", script]], prepare=prepare, status=9, same=same)

    # ---- only in full runs ----------------------------------------------------------------------

    @programs.only_in_full_runs
    def test_java(self):
        """Compiled in memory and run: the virtual machine is a library that comes later."""
        self.check_job([["java", "-Xshare:auto", "-XX:+UseSerialGC", JOBS / "Job.java"],
                        ["java", "-Xint", "-XX:+UseParallelGC", JOBS / "Job.java"]], status=4)

    @programs.only_in_full_runs
    def test_node(self):
        self.check_job([["node", JOBS / "job.js"]], status=4)

    @programs.only_in_full_runs
    def test_cmake(self):
        def prepare():
            (self.work / "CMakeLists.txt").write_text(f"""
                cmake_minimum_required(VERSION 3.20)
                project(job C CXX)
                find_package(Threads REQUIRED)
                include(CheckFunctionExists)
                check_function_exists(qsort HAVE_QSORT)
                configure_file({JOBS}/job.c copied.c COPYONLY)
                add_library(part STATIC copied.c)
                add_executable(job {JOBS}/job.cc)
                target_link_libraries(job Threads::Threads)
                enable_testing()
                add_test(NAME run COMMAND job)
                set_tests_properties(run PROPERTIES WILL_FAIL ON)
                string(REGEX REPLACE "([a-z])([0-9])" "\\\\2\\\\1" swapped "a1b2")
                message(STATUS "${{swapped}} ${{HAVE_QSORT}}")\n""")

        def same(shown):
            outcomes, files = shown
            return re.sub(rb"[0-9.]+ sec\b", b"sec", repr(outcomes).encode()), \
                {name: data for name, data in files.items()
                 if name.endswith((".o", ".a", "/job", "Makefile", "CMakeCache.txt"))}

        self.check_job([["cmake", "-S", ".", "-B", "out", "-G", "Unix Makefiles"],
                        ["cmake", "--build", "out"],
                        ["ctest", "--test-dir", "out"]], prepare=prepare, same=same)

    @programs.only_in_full_runs
    def test_vim(self):
        def prepare():
            (self.work / "text").write_text("".join(f"{i * 7919 % 1009} word{i % 17} end\n"
                                                    for i in range(2000)))

        self.check_job([["vim", "-es", "-u", "NONE", "-i", "NONE", "-n", "-S", JOBS / "job.vim",
                         "text"]], prepare=prepare, status=5)


if __name__ == "__main__":
    case.main()
