# SPDX-License-Identifier: MIT
"""Signals at every instruction: calls are single-stepped through memoshim, hits, misses, bypasses
and what lies between, and at each instruction a handler calls memoized functions itself; at a
sample of them it leaves by siglongjmp, forks, or its thread is cancelled. Answers are right,
nothing hangs, and calls are counted exactly.
"""

import os
import platform

import case
import counted

SCALE = int(os.environ.get("MEMOSHIM_TEST_SCALE", "1"))
SAMPLES = 40 * SCALE  # instructions at which somebody leaves
STEPS = case.PROGRAMS / "steps"
ACTS = ("hit", "miss", "length", "rounding", "float", "secret", "results", "errno", "recursion",
        "lookup")
POLICIES = "lru", "lfu", "fifo", "mru", "rr", "sieve", "s3-fifo", "w-tinylfu", "direct"
FUNCTIONS = ("square", "length", "scale", "extended", "check", "divide", "name", "encode", "sort",
             "fail", "fib")


@case.exports_names
class Steps(counted.CountedCase):

    def setUp(self):
        super().setUp()
        case.need(platform.machine() == "x86_64", "the trap flag is the processor's own")
        self.n_steps = []

    def configured(self, **policy):
        functions = counted.functions(*FUNCTIONS, **policy)
        functions["counted_fail"]["errno"] = True
        return self.config(functions)

    # ---- handlers that call ---------------------------------------------------------------------

    def step(self, act, stack="own", env=None, rounds=SCALE, **policy):
        tally = self.folder / "tally"
        _, outcome = self.run_both(self.configured(**policy),
                                   [STEPS, "call", act, stack, tally, rounds], env=env,
                                   seconds=case.RUN_SECONDS * (1 + SCALE))
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        n_steps, n_square, n_length = (int(word) for word in tally.read_text().split())
        self.assert_counts(outcome.function("counted_square"), calls=n_square)
        self.assert_counts(outcome.function("counted_length"), calls=n_length)
        self.check_real(outcome)
        self.n_steps.append((act, policy, n_steps))
        return outcome

    def report_steps(self):
        for act, policy, n_steps in self.n_steps:
            print(f"{act} {policy}: {n_steps} instructions", flush=True)

    def test_every_act(self):
        for act in ACTS:
            with self.subTest(act):
                # A hit takes few instructions.
                outcome = self.step(act, rounds=SCALE * (2 if act in ("hit", "recursion") else 1))
                # Both inside the shim, where handlers pass, and outside, where they hit.
                function = outcome.function("counted_square")
                self.assertGreater(function["bypasses"], 100)
                self.assertGreater(function["hits"], 100)
        self.report_steps()

    def test_on_an_alternate_stack(self):
        for act in "hit", "miss", "results":
            with self.subTest(act):
                self.step(act, stack="alternate")

    def test_every_policy(self):
        for policy in POLICIES:
            for act in "hit", "miss":
                for room in {}, {"max_entries": 4}:
                    with self.subTest(policy=policy, act=act, **room):
                        self.step(act, policy=policy, **({} if policy == "direct" else
                                                         {"shards": 1}), **room)

    def test_short_lives(self):
        """Every look-up finds an entry that has ended, or takes the precise clock to see."""
        for life in 1e-6, "10s":
            for act in "hit", "length":
                with self.subTest(life=life, act=act):
                    self.step(act, ttl=life)

    def test_other_ways(self):
        for policy in ({"single_flight": False}, {"mode": "observe"}, {"mode": "verify"},
                       {"verify_sample": 1}, {"shards": 8}):
            with self.subTest(**policy):
                self.step("hit", **policy)
                self.step("miss", **policy)

    def check_real(self, outcome):
        """Calls that are verified are real, too."""
        for name, function in outcome.report["functions"].items():
            self.assertEqual(function["misses"] + function["bypasses"] + function["verified"],
                             outcome.real[name.removeprefix("counted_")], function)

    def test_statistics_are_due_at_every_call(self):
        tally = self.folder / "tally"
        outcome = self.run_with(self.configured(), [STEPS, "call", "miss", "own", tally, SCALE],
                                env={"MEMOSHIM_STATS_INTERVAL": "1ms"},
                                seconds=case.RUN_SECONDS * (1 + SCALE))
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        self.check_real(outcome)

    def test_statistics_at_every_instruction(self):
        tally = self.folder / "tally"
        for act, every, rounds in ("hit", 1, 1), ("miss", 89, 10 * SCALE):
            outcome = self.run_with(self.configured(), [STEPS, "dump", act, every, tally, rounds],
                                    env={"MEMOSHIM_STATS_SIGNAL": "RTMIN+5"},
                                    seconds=case.RUN_SECONDS * (1 + SCALE))
            self.assertEqual((outcome.status, outcome.stderr), (0, b""))
            n_steps, n_square, _ = (int(word) for word in tally.read_text().split())
            print(f"{act}: statistics {n_steps // every} times", flush=True)
            self.assert_counts(outcome.function("counted_square"), calls=n_square, bypasses=0)
            self.check_real(outcome)

    def test_loading_a_plugin(self):
        """Misses of the handler come while its thread is inside the dynamic linker."""
        env = {"STEPS_PLUGIN": case.PROGRAMS / "plugin_lazy.so"}
        self.step("plugin", env=env)
        self.report_steps()

    # ---- handlers that do not come back ---------------------------------------------------------

    def leave(self, how, act, env=None, **policy):
        tally = self.folder / "tally"
        outcome = self.run_with(self.configured(**policy), [STEPS, how, act, "-", tally, SAMPLES],
                                env=env,
                                seconds=case.RUN_SECONDS * (1 + SCALE))
        self.assertEqual((outcome.status, outcome.stderr, outcome.stdout), (0, b"", b""))
        n_steps, n_left = (int(word) for word in tally.read_text().split())
        print(f"{how} {act}: at {n_left} of {n_steps} instructions", flush=True)
        self.assertGreater(n_left, min(SAMPLES, n_steps) // 2)  # a hit takes few instructions
        self.assertGreater(len(outcome.reports), n_left)
        return outcome

    def test_leaving_by_siglongjmp(self):
        for act in "hit", "miss":
            with self.subTest(act):
                self.leave("leave", act)

    def test_leaving_a_look_for_new_objects(self):
        """A miss asks the dynamic linker what is new. Who leaves then must not take its lock away:
        the program's next dlopen, in another thread, would wait for ever."""
        env = {"STEPS_PLUGIN": case.PROGRAMS / "plugin_now.so",
               "STEPS_OTHER": case.PROGRAMS / "libpending_b.so"}
        for how in "leave", "cancel":
            with self.subTest(how):
                # A fixed time saves a walk through a histogram, which is no part of it.
                self.leave(how, "miss", env=env, single_flight_timeout="1s")

    def test_asynchronous_cancellation(self):
        for act in "hit", "miss":
            with self.subTest(act):
                self.leave("cancel", act)

    def test_forking(self):
        """Of the thread that is inside; by fork, _Fork, and a system call that nobody hears of."""
        for act in "hit", "miss":
            with self.subTest(act):
                self.leave("fork", act)


if __name__ == "__main__":
    case.main()
