# SPDX-License-Identifier: MIT
"""What is kept and what goes: exact LRU against a model, and both bounds in both directions."""

import collections
import random

import case
import counted


class LeastRecentlyUsed:
    """The model: written from the policy's definition, knowing nothing of the cache's code."""

    def __init__(self, max_entries):
        self.max_entries = max_entries
        self.keys = collections.OrderedDict()
        self.n_evictions = 0

    def call(self, key):
        """1 if the real function has to run."""
        if key in self.keys:
            self.keys.move_to_end(key)
            return 0
        if len(self.keys) == self.max_entries:
            self.keys.popitem(last=False)
            self.n_evictions += 1
        self.keys[key] = True
        return 1


class Bounds(counted.CountedCase):

    def squares(self, keys, **policy):
        """Calls with these keys; the counters, and which calls were real."""
        config = self.config(counted.functions("square", **policy))
        outcome, real = self.drive(config, [f"square {key}" for key in keys])
        return outcome.function("counted_square"), real

    def names(self, keys, **policy):
        """The same with results of some size."""
        config = self.config(counted.functions("name", **policy))
        outcome, real = self.drive(config, [f"name {key}" for key in keys])
        return outcome.function("counted_name"), real

    def test_order_over_10000_operations(self):
        for seed, max_entries, n_keys in (1, 16, 40), (2, 1, 3), (3, 100, 130):
            draw = random.Random(seed)
            # Uneven, so that there are hits at every depth of the order.
            keys = [int(n_keys * draw.random() ** 2) for _ in range(10000)]
            model = LeastRecentlyUsed(max_entries)
            wanted = [model.call(key) for key in keys]
            function, real = self.squares(keys, max_entries=max_entries, shards=1)
            self.assertEqual(real, wanted)
            self.assert_counts(function, calls=10000, misses=sum(wanted), bypasses=0,
                               hits=10000 - sum(wanted), evictions=model.n_evictions,
                               entries=len(model.keys), max_entries=max_entries)

    def test_max_entries_fit(self):
        for max_entries, shards in (1, 1), (16, 1), (1000, 1), (4096, 4), (4096, 0), (1500, 16):
            policy = {"max_entries": max_entries, **({"shards": shards} if shards else {})}
            keys = list(range(max_entries)) * 2
            function, real = self.squares(keys, **policy)
            self.assertEqual(real, [1] * max_entries + [0] * max_entries, policy)
            self.assert_counts(function, entries=max_entries, evictions=0)

    def test_one_more_does_not_fit(self):
        function, real = self.squares(list(range(17)) * 3, max_entries=16, shards=1)
        self.assertEqual(real, [1] * 51)  # the worst case of LRU
        self.assert_counts(function, entries=16, evictions=35)

    def test_bytes(self):
        # Names of one length each: 1000 + id leaves the same number of digits.
        one, _ = self.names([1000])
        two, _ = self.names([1000, 1001])
        each = two["bytes"] - one["bytes"]
        self.assertGreater(each, 1000)
        n_fit = 20
        bound = (n_fit + 2) * each
        keys = [1000 + i for i in range(n_fit)]
        function, real = self.names(keys * 2, max_bytes=bound, shards=1)
        self.assertEqual(real, [1] * n_fit + [0] * n_fit)
        self.assert_counts(function, evictions=0, entries=n_fit)

        keys = [1000 + i for i in range(5 * n_fit)]
        function, _ = self.names(keys, max_bytes=bound, shards=1)
        self.assertLessEqual(function["bytes"], bound)
        self.assertGreaterEqual(function["bytes"], bound - 2 * each)  # and no less is kept
        self.assertEqual(function["evictions"] + function["entries"], 5 * n_fit)

    def test_too_large_a_result_is_not_kept(self):
        function, real = self.names([1400, 1400, 3, 3, 1400], max_bytes=1024, shards=1)
        self.assertEqual(real, [1, 1, 1, 0, 1])
        self.assert_counts(function, stores=1, not_stored=3, entries=1, evictions=0)


if __name__ == "__main__":
    case.main()
