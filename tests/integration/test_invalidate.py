# SPDX-License-Identifier: MIT
"""What invalidates: calls of other functions, whole or by an argument, and files.

The library counts its real calls, and without memoshim every answer is the true one: a stale answer
is a difference.
"""

import collections
import os
import random

import case
import counted

USER = {"prototype": "int changing_user(const char *name)", "args": {"name": "string"}}
GET = {"prototype": "long changing_get(struct changing_db *db, int key)", "args": {"db": "address"}}
TOTAL = {"prototype": "long changing_total(long x)"}
SETTING = {"prototype": "long changing_setting(int default_value)", "errno": True}

ON_CLOSE = {"on_call": "changing_close",
            "prototype": "void changing_close(struct changing_db *db)", "match": {"db": "db"}}
ON_PUT = {"on_call": "changing_put",
          "prototype": "void changing_put(struct changing_db *db, int key, long value)",
          "match": {"db": "db", "key": "key"}}


def with_rules(entry, *rules, **policy):
    """The entry of one function."""
    return {**entry, "guard": False, "invalidate": list(rules), **policy}


def line(word, name="-", a=0, b=0):
    """One line of the script."""
    return f"{word} {name} {a} {b}"


class Invalidate(counted.CountedCase):

    def play(self, functions, script, **how):
        """Runs the script both ways; the outcome with memoshim and each line's real calls."""
        return self.drive(self.config(functions), script, program="invalidating", **how)

    # ---- calls ----------------------------------------------------------------------------------

    def test_a_call_clears(self):
        outcome, real = self.play(
            {"changing_user": with_rules(USER, {"on_call": "changing_end_users"})},
            [line("set", "root", 1), line("user", "root"), line("user", "root"), line("user", "x"),
             line("user", "x"), line("set", "root", 2), line("set", "x", 3), line("end"),
             line("user", "root"), line("user", "x"), line("user", "root"), line("end"),
             line("end"), line("user", "root")])
        self.assertEqual(real, [0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1])
        self.assert_counts(outcome.function("changing_user"), calls=8, hits=3, invalidations=4,
                           entries=1, bypasses=0, stores=5)
        self.assertNotIn("limits", outcome.function("changing_user"))

    def test_several_functions_hang_on_one_call(self):
        rule = {"on_call": "changing_add"}
        outcome, real = self.play(
            {"changing_total": with_rules(TOTAL, rule), "changing_user": with_rules(USER, rule)},
            [line("total", a=1), line("user", "a"), line("total", a=1), line("user", "a"),
             line("add", a=10, b=20), line("total", a=1), line("user", "a"), line("total", a=1)])
        self.assertEqual(real, [1, 1, 0, 0, 0, 1, 1, 0])
        self.assert_counts(outcome.function("changing_total"), invalidations=1)
        self.assert_counts(outcome.function("changing_user"), invalidations=1)

    def test_calls_that_never_return_have_invalidated(self):
        script = [line("total", a=1)]
        for i in range(300):
            script += [line("jump", a=i), line("total", a=1), line("throw", a=i),
                       line("total", a=1), line("total", a=1)]
        outcome, real = self.play(
            {"changing_total": with_rules(TOTAL, {"on_call": "changing_add_and_leave"})}, script)
        self.assertEqual(real, [1] + [0, 1, 0, 1, 0] * 300)
        self.assert_counts(outcome.function("changing_total"), invalidations=600, bypasses=0)

    def test_random_matching_is_right(self):
        draw = random.Random(5)
        script = [line("open", str(n), n + 1) for n in range(4)]
        version = 10
        for _ in range(4000):
            handle, key = str(draw.randrange(4)), draw.randrange(20)
            dice = draw.random()
            if dice < 0.9:
                script.append(line("get", handle, key))
            elif dice < 0.97:
                version += 1
                script.append(line("put", handle, key, version))
            else:
                version += 1
                script += [line("close", handle), line("open", handle, version)]
        outcome, real = self.play(
            {"changing_get": with_rules(GET, ON_CLOSE, ON_PUT)}, script)
        function = outcome.function("changing_get")
        self.assertGreater(function["hits"], 1500)
        self.assertEqual(sum(real), function["misses"])
        # What a matching call leaves alone is not asked for again.
        known = set()
        for text, n_real in zip(script, real):
            word, handle, key, _ = text.split()
            if word == "get":
                self.assertEqual(n_real, (handle, key) not in known, text)
                known.add((handle, key))
            elif word == "put":
                known.discard((handle, key))
            elif word == "close":
                known = {pair for pair in known if pair[0] != handle}

    def test_a_handle_at_the_same_address_is_another(self):
        script = []
        for origin in range(1, 6):
            script += [line("open", "0", origin), line("get", "0", 7), line("get", "0", 7),
                       line("close", "0")]
        _, real = self.play({"changing_get": with_rules(GET, ON_CLOSE)}, script)
        self.assertEqual(real, [0, 1, 0, 0] * 5)

    def test_each_instance_has_its_own_cache(self):
        gets = [line("get", str(handle), key) for handle in range(3) for key in range(4)]
        script = [line("open", str(handle), handle) for handle in range(3)] + gets + gets
        script += [line("close", "1"), line("open", "1", 9)] + gets + [line("get", "2", 5)]
        outcome, real = self.play(
            {"changing_get": with_rules(GET, ON_CLOSE, per_instance="db", max_entries=4)}, script)
        self.assertEqual(real, [0] * 3 + [1] * 12 + [0] * 12 + [0, 0]
                         + [0] * 4 + [1] * 4 + [0] * 4 + [1])
        self.assert_counts(outcome.function("changing_get"), instances=3, entries=12,
                           max_entries=4 * 1024, invalidations=4, evictions=1)

    def test_the_least_recently_used_instance_goes(self):
        script = [line("open", str(handle), handle) for handle in range(3)]
        script += [line("get", handle, 1) for handle in "0102021"]
        outcome, real = self.play(
            {"changing_get": with_rules(GET, ON_CLOSE, ON_PUT, per_instance="db",
                                        max_instances=2)}, script)
        self.assertEqual(real, [0] * 3 + [1, 1, 0, 1, 0, 0, 1])
        self.assert_counts(outcome.function("changing_get"), instances=2, entries=2, evictions=2,
                           max_entries=2 * 4096)

    def test_random_matching_with_instances_is_right(self):
        draw = random.Random(6)
        script = [line("open", str(n), n + 1) for n in range(6)]
        for version in range(10, 4000):
            handle, key, dice = str(draw.randrange(6)), draw.randrange(20), draw.random()
            if dice < 0.9:
                script.append(line("get", handle, key))
            elif dice < 0.97:
                script.append(line("put", handle, key, version))
            else:
                script += [line("close", handle), line("open", handle, version)]
        outcome, real = self.play(
            {"changing_get": with_rules(GET, ON_CLOSE, ON_PUT, per_instance="db",
                                        max_instances=4)}, script)
        known, n_evicted = collections.OrderedDict(), 0  # the keys of each handle, by last use
        for text, n_real in zip(script, real):
            word, handle, key, _ = text.split()
            if word == "get":
                if handle not in known and len(known) == 4:
                    n_evicted += len(known.popitem(last=False)[1])
                keys = known.setdefault(handle, set())
                known.move_to_end(handle)
                self.assertEqual(n_real, key not in keys, text)
                keys.add(key)
            elif word == "put":
                known.get(handle, set()).discard(key)
            elif word == "close":
                known.pop(handle, None)
        self.assert_counts(outcome.function("changing_get"), evictions=n_evicted,
                           instances=len(known), entries=sum(map(len, known.values())))

    def test_text_is_matched_by_content(self):
        rule = {"on_call": "changing_forget_user",
                "prototype": "void changing_forget_user(int why, const char *who)",
                "match": {"who": "name"}}
        long_name = "x" * 31
        _, real = self.play(
            {"changing_user": with_rules(USER, rule)},
            [line("user", "a"), line("user", "b"), line("user", long_name), line("forget", "a", 1),
             line("user", "a"), line("user", "b"), line("forget", long_name), line("user", "b"),
             line("user", long_name), line("user", "a")])
        self.assertEqual(real, [1, 1, 1, 0, 1, 0, 0, 0, 1, 0])

    def test_what_cannot_be_caught_is_not_memoized(self):
        outcome, real = self.play(
            {"changing_total": with_rules(TOTAL, {"on_call": "longjmp"})},
            [line("total", a=1), line("total", a=1)])
        self.assertEqual(real, [1, 1])
        self.assertIn("longjmp", outcome.report["not_hooked"]["changing_total"])

    def test_what_nobody_calls_is_reported(self):
        script = [line("total", a=1), line("total", a=1)]
        config = self.config({"changing_total": with_rules(TOTAL, {"on_call": "no_such_thing"})})
        outcome = self.run_with(config, [case.PROGRAMS / "invalidating", self.folder / "trace"],
                                "\n".join(script) + "\n", env={"MEMOSHIM_LOG": "warn"})
        self.assertIn("no_such_thing", outcome.function("changing_total")["limits"])
        self.assertIn(b"no_such_thing", outcome.stderr)
        self.assert_counts(outcome.function("changing_total"), hits=1)
        config = self.config({"changing_total": with_rules(TOTAL, {"on_call": "endnetent"})})
        outcome = self.run_with(config, [case.PROGRAMS / "invalidating", self.folder / "trace"],
                                "\n".join(script) + "\n")
        self.assertIn("no loaded object imports endnetent",
                      outcome.function("changing_total")["limits"])

    # ---- files ----------------------------------------------------------------------------------

    def test_a_file_that_changes_clears(self):
        path = self.folder / "setting"
        rules = [{"file": str(path)}]
        wait = line("sleep", a=50)  # so that the change is not taken for one of this moment
        outcome, real = self.play(
            {"changing_setting": with_rules(SETTING, *rules)},
            [line("setting", a=7), line("setting", a=7), line("write", a=11), wait,
             line("setting", a=7), line("setting", a=7),
             line("write", a=12), wait, line("setting", a=7), line("setting", a=7),
             line("replace", a=13), wait, line("setting", a=7), line("setting", a=7),
             line("remove"), line("setting", a=7), line("setting", a=7)],
            env={"CHANGING_FILE": path})
        # appeared, changed, replaced, gone
        self.assertEqual(real, [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0])
        self.assert_counts(outcome.function("changing_setting"), entries=1, invalidations=4)

    def test_changes_within_one_tick_are_not_missed(self):
        path = self.folder / "setting"
        script = []
        for i in range(300):
            script += [line("write", a=100 + i), line("setting", a=7), line("setting", a=7)]
        outcome, _ = self.play({"changing_setting": with_rules(SETTING, {"file": str(path)})},
                               script, env={"CHANGING_FILE": path})
        self.assert_counts(outcome.function("changing_setting"), calls=600)

    def test_a_file_that_is_looked_at_now_and_then(self):
        path = self.folder / "setting"
        path.write_text("5\n")
        script = [line("setting", a=7)] * 100 + [line("sleep", a=300)] + [line("setting", a=7)]
        with open(path, encoding="ascii") as file:
            os.utime(file.fileno(), (1, 1))
        _, real = self.play(
            {"changing_setting": with_rules(SETTING, {"file": str(path), "check_every": "100ms"})},
            script, env={"CHANGING_FILE": path})
        self.assertLessEqual(sum(real), 3)

    def test_the_flush_button(self):
        button = self.folder / "flush"
        _, real = self.play(
            {"changing_total": with_rules(TOTAL, {"file": str(self.folder / "other")},
                                          {"file": str(button)})},
            [line("write", a=1), line("remove"), line("total", a=1), line("total", a=1),
             line("write", a=1), line("total", a=1)],
            env={"CHANGING_FILE": button})
        self.assertEqual(real, [0, 0, 1, 0, 0, 1])


if __name__ == "__main__":
    case.main()
