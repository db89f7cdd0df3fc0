# SPDX-License-Identifier: MIT
"""Small stacks (coroutines of 16 KiB, alternate signal stacks), ends of threads and of the process,
addresses, other namespaces."""

import resource

import case
import counted

STACKS = case.PROGRAMS / "stacks"
# Beyond what the real call takes, in bytes. A build with checks takes more than a release does.
HIT_MAX, MISS_MAX = 2048, 3072
HANDED_OUT_MAX = 4096  # a whole miss of a function that hands out memory


class Stacks(counted.CountedCase):

    def act(self, name, *functions, extra=None, env=None, **policy):
        """One act without and with memoshim; the latter."""
        config = self.config(counted.functions(*functions, **policy))
        self.figures = []

        def figures():
            path = self.folder / f"figures{len(self.figures)}"
            self.figures.append(path)
            return path

        plain = self.run_plain([STACKS, name, extra or figures()], env=env)
        outcome = self.run_with(config, [STACKS, name, extra or figures()], env=env)
        self.assert_same(plain, outcome)
        self.assertEqual((outcome.status, outcome.stderr), (0, b""), outcome.stdout)
        return outcome

    @case.unsanitized
    def test_coroutines(self):
        for policy in {}, {"policy": "sieve"}, {"max_entries": 3, "shards": 1}:
            with self.subTest(**policy):
                outcome = self.act("coroutines", "square", "length", "check", "fib", "hooked",
                                   **policy)
                self.check_real(outcome)
                self.assert_counts(outcome.function("counted_square"), calls=8 * 20, bypasses=0)
                self.assert_counts(outcome.function("counted_length"), calls=8 * 20, bypasses=0)
                self.assert_counts(outcome.function("counted_check"), calls=8 * 20, bypasses=0)
                self.assert_counts(outcome.function("counted_hooked"), calls=8 * 4 + 4)

    @case.unsanitized
    def test_suspended_calls(self):
        """Of coroutines of one thread, none waits for another that is suspended: it never could."""
        function = self.act("coroutines", "hooked").function("counted_hooked")
        # The first of each key computes; the seven others come while it is suspended.
        self.assert_counts(function, calls=36, misses=4, hits=4, bypasses=28, waits=0,
                           bypass_reasons={"recursion": 28})

    @case.unsanitized
    def test_a_coroutine_that_goes_on_in_another_thread(self):
        """What it does to errno, it does to that of the thread that it is in then; which that was
        nobody can tell, so nothing is kept."""
        for policy in {}, {"errno": True}, {"errno": True, "ttl": "1h"}, {"mode": "observe"}:
            with self.subTest(**policy):
                function = self.act("migrate", "hooked", **policy).function("counted_hooked")
                self.assert_counts(function, calls=6, misses=6, bypasses=0, stores=0)

    @case.unsanitized
    def test_how_much_stack_a_call_takes(self):
        """Painted before, looked at after. What the real call takes is taken off."""
        self.act("measure", "square", "length", "check", "name")
        plain, with_shim = ([line.split() for line in path.read_text().splitlines()]
                            for path in self.figures)
        for (name, *real), (_, miss, hit) in zip(plain, with_shim):
            real, miss, hit = int(real[1]), int(miss), int(hit)
            print(f"stack of a call of {name}: {real} bytes without memoshim, on a hit {hit}, "
                  f"on a miss {miss}", flush=True)
            self.assertLessEqual(hit - real, HIT_MAX, name)
            self.assertLessEqual(miss - real, MISS_MAX, name)
            self.assertLess(hit, miss)
        self.assertLessEqual(miss, HANDED_OUT_MAX)  # the last of them

    @case.unsanitized
    def test_start_on_a_small_stack(self):
        """A C++ name may take more stack to read than a program is allowed: it stays unread."""
        deep = "_Z1f" + "P" * 1000 + "i"
        config = self.config({deep: {"prototype": f"int {deep}(int x)"}})
        n_bytes = 96 * 1024
        _, outcome = self.run_both(
            config, ["/bin/true"],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (n_bytes, n_bytes)))
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        self.assertIn(deep, outcome.report["not_hooked"])

    @case.unsanitized
    def test_alternate_stack(self):
        outcome = self.act("alternate", "square", "fib", "name", "hooked")
        self.check_real(outcome)
        # Ten keys, each computed once and interrupted then.
        self.assert_counts(outcome.function("counted_hooked"), calls=20, misses=10, hits=10)
        self.assert_counts(outcome.function("counted_square"), calls=60, misses=7, hits=53)
        self.assert_counts(outcome.function("counted_fib"), misses=5, bypasses=0)

    def test_destructors_of_thread_data(self):
        outcome = self.act("threads", "square", "name")
        self.check_real(outcome)
        self.assertIn(b"80 rounds", outcome.stdout)
        for name in "square", "name":
            self.assert_counts(outcome.function(f"counted_{name}"), calls=20 * 5 + 10, bypasses=0)
        self.assert_counts(outcome.function("counted_name"), misses=10)

    def test_ends_of_the_process(self):
        for act, calls in (("exit", 1 + 2 + 1 + 2), ("quick_exit", 1 + 2)):
            with self.subTest(act):
                outcome = self.act(act, "square", "name")
                self.check_real(outcome)
                self.assert_counts(outcome.function("counted_square"), calls=calls, bypasses=0)
                self.assert_counts(outcome.function("counted_name"), calls=calls, bypasses=0)

    @case.exports_names
    def test_addresses(self):
        self.act("addresses", "square")

    @case.unsanitized
    def test_another_namespace(self):
        """It has its own libraries, which are left alone; ours go on as before."""
        env = {"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=8192"}  # for libcounted's own
        outcome = self.act("namespace", "square", "name", extra=case.PROGRAMS / "plugin_now.so",
                           env=env)
        function = outcome.function("counted_square")
        self.assert_counts(function, calls=7, misses=1, hits=6)
        # Two by the plugin's constructor, five by its function.
        self.assertEqual(outcome.real["square"], 1 + 2 + 5)


if __name__ == "__main__":
    case.main()
