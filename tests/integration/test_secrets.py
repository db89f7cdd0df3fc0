# SPDX-License-Identifier: MIT
"""What is declared secret, in or out, is found nowhere: not in the memory of the process, a core
dump, the log at its most talkative, or statistics. The program looks itself; it has wiped what it
had, and finds what a careless one leaves behind."""

import re
import subprocess

import case

MASK = 0x5a
PHRASE = {"in": "string", "secret": True}
FUNCTIONS = {
    "keeping_derive": {
        "prototype": "int keeping_derive(const char *phrase, unsigned char *ret_key, size_t n)",
        "args": {"phrase": PHRASE, "ret_key": {"out": "bytes", "count": "n", "secret": True}}},
    "keeping_token": {
        "prototype": "char *keeping_token(const char *phrase, char *room)",
        "args": {"phrase": PHRASE, "room": "scratch"},
        "returns": {"out": "string", "lifetime": {"into": "room"}, "secret": True}},
    "keeping_number": {
        "prototype": "uint64_t keeping_number(const char *phrase)",
        "args": {"phrase": PHRASE}, "returns": {"secret": True}},
}
N_CALLS = 9  # three phrases, each for three functions, and each call twice


def functions(**policy):
    return {name: {**entry, "guard": False, **policy} for name, entry in FUNCTIONS.items()}


def secrets_of(text):
    """The secrets that the program says it had."""
    found = re.findall(rb"^secret ([0-9a-f]+)$", text, re.M)
    return [bytes(byte ^ MASK for byte in bytes.fromhex(word.decode())) for word in found]


class Secrets(case.Case):

    def check_nowhere(self, secrets, where, what):
        self.assertEqual(len(secrets), 12)
        for secret in secrets:
            self.assertFalse(secret in where or secret.hex().encode() in where, what)

    def look(self, config, *arguments, real, **how):
        outcome = self.run_with(config, [case.PROGRAMS / "secrets", *arguments],
                                env={"MEMOSHIM_LOG": "debug"}, **how)
        lines = outcome.stdout.decode().splitlines()
        self.assertEqual(outcome.status, 0)
        self.assertEqual([line for line in lines if not line.startswith("secret ")],
                         ["the same", f"{real} real calls"], outcome.stderr)
        secrets = secrets_of(outcome.stdout)
        self.check_nowhere(secrets, outcome.stderr, "log")
        for path in self.folder.rglob("*.json"):
            self.check_nowhere(secrets, path.read_bytes(), path)
        return outcome

    @case.unsanitized
    def test_the_look_finds_what_is_there(self):
        outcome = self.run_plain([case.PROGRAMS / "secrets", "careless"])
        self.assertIn(b"key 2 is found in", outcome.stdout)
        outcome = self.run_plain([case.PROGRAMS / "secrets"])
        self.assertNotIn(b"is found in", outcome.stdout)
        self.assertIn(b"18 real calls", outcome.stdout)

    @case.unsanitized
    def test_remembered(self):
        outcome = self.look(self.config(functions()), real=N_CALLS)
        for name in FUNCTIONS:
            self.assert_counts(outcome.function(name), calls=6, hits=3, entries=3)

    @case.unsanitized
    def test_results_alone(self):
        """What they are remembered by is no secret, and is found."""
        config = self.config({name: {**entry, "args": {**entry["args"], "phrase": "string"}}
                              for name, entry in functions().items()})
        outcome = self.run_with(config, [case.PROGRAMS / "secrets"])
        found = re.findall(rb"^(\w+) \d is found in", outcome.stdout, re.M)
        self.assertEqual(set(found), {b"phrase"})
        self.assertIn(b"the same\n", outcome.stdout)
        for name in FUNCTIONS:
            self.assert_counts(outcome.function(name), calls=6, hits=3)

    @case.unsanitized
    def test_policies(self):
        for policy in "sieve", "s3-fifo", "w-tinylfu", "direct":
            with self.subTest(policy):
                self.look(self.config(functions(policy=policy)), real=N_CALLS)

    @case.unsanitized
    def test_evicted(self):
        outcome = self.look(self.config(functions(max_entries=1)), real=2 * N_CALLS)
        self.assert_counts(outcome.function("keeping_derive"), hits=0, entries=1, evictions=5)

    @case.unsanitized
    def test_forgotten(self):
        config = self.config(functions(invalidate=[{"on_call": "keeping_forget"}]))
        outcome = self.look(config, "forget", real=N_CALLS)
        self.assert_counts(outcome.function("keeping_token"), hits=3, entries=0)

    @case.unsanitized
    def test_compared(self):
        for mode in "verify", "observe":
            outcome = self.look(self.config(functions(mode=mode)), real=2 * N_CALLS)
            self.assert_counts(outcome.function("keeping_derive"), mismatches=0,
                               verified=3 if mode == "verify" else 0)

    @case.unsanitized
    def test_core_dump(self):
        case.need_native("gdb reads a process of this machine")
        gdb = case.need_program("gdb")
        config = self.config(functions())
        process = self.start([case.PROGRAMS / "secrets"], self.shim_environment(config))
        text = b""
        while text.count(b"\nsecret ") < 12:
            line = process.stdout.readline()
            self.assertNotEqual(line, b"", text)
            text += line
        self.assertIn(f"{N_CALLS} real calls".encode(), text)
        core = self.folder / "core"
        done = subprocess.run([gdb, "-nx", "-batch", "-p", str(process.pid),
                               "-ex", "set dump-excluded-mappings on", "-ex", f"gcore {core}"],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=case.RUN_SECONDS)
        case.need(core.exists(), f"gdb cannot dump a process here: {done.stderr.decode()[-300:]}")
        dump = core.read_bytes()
        self.assertTrue(b"keeping_derive" in dump)
        # a number fits in a register, and registers are on the stack
        texts = [secret for secret in secrets_of(text) if len(secret) > 8]
        self.assertEqual(len(texts), 9)
        for secret in texts:
            self.assertFalse(secret in dump)


if __name__ == "__main__":
    case.main()
