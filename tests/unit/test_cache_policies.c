// SPDX-License-Identifier: MIT
/* What is one policy's own: places, draws, ghosts, the sketch, and stamps that are given anew. */
#include "unit.h"

#include "base/hash.h"
#include "cache/cache_private.h"
#include "cache/ghosts.h"
#include "cache/sketch.h"
#include "draws.h"

#include <stdlib.h>

static uint64_t random_state = 0x2545f4914f6cdd1du;

static uint64_t random_next(void)
{
    return draw_bits(&random_state);
}

static struct cache *create(enum cache_policy policy, uint64_t max_entries, uint64_t seed)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = max_entries,
                                    .max_bytes = 64 << 20,
                                    .n_shards = 1,
                                    .key_bytes = 8,
                                    .value_bytes = 8,
                                    .seed = seed};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    return cache;
}

static struct cache_key key_of(const uint64_t *number)
{
    struct cache_key key = {.bytes = {number, 8}};

    key.hash = hash_bytes(key.bytes, 11);
    return key;
}

static bool holds(const struct cache *cache, uint64_t number)
{
    struct cache_key key = key_of(&number);

    return table_find(&cache->shards[0].table, key.bytes, key.hash) != TABLE_NO_SLOT;
}

/* Looks up, and inserts after a miss. True: a hit. */
static bool call(struct cache *cache, uint64_t number)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = key_of(&number);
    struct cache_lookup_options options = {.room = room};
    struct cache_view view;
    struct cache_ticket ticket;

    if (cache_lookup(cache, &key, &options, &view, &ticket) == CACHE_HIT) {
        return true;
    }
    assert_int_equal(cache_insert(cache, &key, key.bytes, 0, NULL, &ticket), 0);
    return false;
}

/* An insert of a key that is there, as after two misses at once. */
static void replace(struct cache *cache, uint64_t number)
{
    struct cache_key key = key_of(&number);
    struct cache_ticket ticket = {.generation = atomic_load(&cache->generation)};

    assert_int_equal(cache_insert(cache, &key, key.bytes, 0, NULL, &ticket), 0);
}

/* An array of places is the model. 100 entries have 128 places, so that the oldest go, too. */
static void test_direct_is_an_array(void **state)
{
    for (uint64_t max_entries = 1; max_entries <= 100; max_entries += 33) {
        struct cache *cache = create(CACHE_POLICY_direct, max_entries, 1);
        uint64_t places[128], born[128], n_born = 0;
        uint32_t n = 0, n_places = 1;

        memset(places, 0xff, sizeof(places));
        while (n_places < max_entries) {
            n_places *= 2;
        }
        for (int step = 0; step < 4000; step++) {
            uint64_t number = random_next() % (3 * max_entries + 3);
            uint64_t at = key_of(&number).hash >> 37 & (n_places - 1);
            bool is_hit = places[at] == number;

            assert_int_equal(call(cache, number), is_hit);
            if (!is_hit) {
                n += places[at] == UINT64_MAX;
                places[at] = number;
                born[at] = ++n_born;
                if (n > max_entries) {
                    uint32_t oldest = UINT32_MAX;

                    for (uint32_t i = 0; i < n_places; i++) {
                        if (places[i] != UINT64_MAX &&
                            (oldest == UINT32_MAX || born[i] < born[oldest])) {
                            oldest = i;
                        }
                    }
                    places[oldest] = UINT64_MAX;
                    n--;
                }
            }
            for (uint32_t i = 0; step % 50 == 0 && i < n_places; i++) {
                assert_true(places[i] == UINT64_MAX || holds(cache, places[i]));
            }
            assert_int_equal(cache->shards[0].table.n_live, n);
        }
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* Each of 16 entries goes as often as any other: 1000 times of 16000, within five deviations. */
static void test_rr_is_even(void **state)
{
    uint32_t n_gone[16] = {0};

    for (uint64_t seed = 0; seed < 16000; seed++) {
        struct cache *cache = create(CACHE_POLICY_rr, 16, seed);

        for (uint64_t i = 0; i < 17; i++) {
            assert_false(call(cache, i));
        }
        for (uint64_t i = 0; i < 16; i++) {
            n_gone[i] += !holds(cache, i);
        }
        cache_destroy(cache);
    }
    for (int i = 0; i < 16; i++) {
        assert_in_range(n_gone[i], 1000 - 153, 1000 + 153);
    }
}

static uint64_t hits_of(enum cache_policy policy, uint64_t seed)
{
    struct cache *cache = create(policy, 200, seed);
    uint64_t n_hits = 0;

    random_state = 4711;
    for (int i = 0; i < 20000; i++) {
        n_hits += call(cache, random_next() % 500);
    }
    cache_destroy(cache);
    return n_hits;
}

static void test_seeds_repeat_runs(void **state)
{
    assert_int_equal(hits_of(CACHE_POLICY_rr, 5), hits_of(CACHE_POLICY_rr, 5));
    assert_int_not_equal(hits_of(CACHE_POLICY_rr, 5), hits_of(CACHE_POLICY_rr, 6));
    assert_int_equal(hits_of(CACHE_POLICY_w_tinylfu, 5), hits_of(CACHE_POLICY_w_tinylfu, 5));
}

/* One pass over many keys takes nothing that is used from caches that resist. */
static void test_scans_are_resisted(void **state)
{
    static const enum cache_policy policies[] = {CACHE_POLICY_s3_fifo, CACHE_POLICY_w_tinylfu,
                                                 CACHE_POLICY_sieve, CACHE_POLICY_lfu};

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        struct cache *cache = create(policies[i], 100, 1);
        uint64_t n_kept = 0;

        for (int round = 0; round < 8; round++) {
            for (uint64_t key = 0; key < 60; key++) {
                call(cache, key);
            }
        }
        for (uint64_t key = 1000; key < 1200; key++) {
            call(cache, key);
        }
        for (uint64_t key = 0; key < 60; key++) {
            n_kept += holds(cache, key);
        }
        assert_true(n_kept >= 55);
        cache_destroy(cache);
    }
}

/* An entry keeps its rank among those counted as often, but not across new stamps. */
static void test_lfu_when_stamps_run_out(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lfu, 4, 1);
    struct order *order;

    for (uint64_t i = 0; i < 4; i++) {
        call(cache, i);
    }
    order = &cache->shards[0].table.order;
    *order->clock = STAMP_END - 2;
    replace(cache, 0); /* counts 2, and is older than the others still */
    call(cache, 10);   /* takes the last stamp; 1 goes */
    assert_false(holds(cache, 1));
    call(cache, 11); /* stamps are given anew; 2 goes */
    assert_false(holds(cache, 2));
    assert_in_range(*order->clock, STAMP_ERA + 1, STAMP_ERA + 9);
    assert_int_equal(cache_check(cache), 0);
    replace(cache, 3);
    replace(cache, 10);
    replace(cache, 11); /* all count 2 now, and came as 0, 3, 10, 11 */
    assert_int_equal(cache_check(cache), 0);
    for (uint64_t i = 20; i < 24; i++) {
        static const uint64_t gone[] = {0, 3, 10, 11};

        call(cache, i);
        call(cache, i);
        call(cache, i);
        assert_false(holds(cache, gone[i - 20]));
        assert_int_equal(cache->shards[0].table.n_live, 4);
    }
    cache_destroy(cache);
}

/* Between the old entry's leaving and the new one's coming, others may have had the lock. */
static void test_lfu_rank_is_not_kept_across_new_stamps(void **state)
{
    struct cache *cache = create(CACHE_POLICY_lfu, 10, 1);
    struct shard *shard = &cache->shards[0];
    struct policy_past past = {0}, none = {0};
    uint64_t number = 0, other_number = 99;
    struct cache_key key = key_of(&number), other = key_of(&other_number);
    const char *fault;
    uint32_t slot;

    for (uint64_t i = 0; i < 5; i++) {
        call(cache, i);
    }
    assert_true(lock_acquire(&shard->lock));
    slot = table_find(&shard->table, key.bytes, key.hash);
    cache_take_out_locked(cache, shard, slot, &past);
    assert_true(past.is_known);
    /* Another comes meanwhile, and all stamps are given anew: past's is another entry's now. */
    shard->clock = STAMP_END - 1;
    slot = table_add(&shard->table, other.bytes, other.hash, other.bytes, NULL, 0, NULL);
    cache->policy->on_insert(&shard->table.order, slot, &none);
    assert_int_equal(shard->clock, STAMP_ERA + 5);
    slot = table_add(&shard->table, key.bytes, key.hash, key.bytes, NULL, 0, NULL);
    cache->policy->on_insert(&shard->table.order, slot, &past);
    assert_int_equal(table_check(&shard->table, &fault), 0);
    lock_release(&shard->lock);
    cache_destroy(cache);
}

/* Who is protected comes back to probation, so that newcomers that are used find someone weaker. */
static void test_w_tinylfu_lets_used_newcomers_in(void **state)
{
    struct cache *cache = create(CACHE_POLICY_w_tinylfu, 100, 1);
    uint64_t n_kept = 0;

    for (int round = 0; round < 2; round++) {
        for (uint64_t key = 0; key < 100; key++) {
            call(cache, key);
        }
    }
    for (uint64_t key = 1000; key < 1010; key++) {
        for (int use = 0; use < 6; use++) {
            call(cache, key);
        }
    }
    for (uint64_t key = 2000; key < 2020; key++) {
        call(cache, key);
    }
    for (uint64_t key = 1000; key < 1010; key++) {
        n_kept += holds(cache, key);
    }
    assert_true(n_kept >= 8);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* ---- ghosts and sketch ---- */

#define GHOST_PLACES 50

static void test_ghosts_are_a_queue(void **state)
{
    struct ghosts *ghosts = calloc(1, sizeof(*ghosts) + ghosts_bytes(GHOST_PLACES));
    uint32_t queue[GHOST_PLACES + 1];
    uint32_t n = 0, n_taken = 0;

    ghosts->n_places = GHOST_PLACES;
    for (int step = 0; step < 50000; step++) {
        uint32_t hash = (uint32_t)(random_next() % 90) * 0x2d82d82u;
        uint32_t max = (uint32_t)(random_next() % 8 == 0 ? random_next() % GHOST_PLACES : 40);
        uint32_t at = 0;

        while (at < n && queue[at] != hash) {
            at++;
        }
        assert_int_equal(ghosts_take(ghosts, hash), at < n);
        if (at < n) {
            n_taken++;
            memmove(&queue[at], &queue[at + 1], (n - at - 1) * sizeof(queue[0]));
            n--;
        } else {
            queue[n++] = hash;
            ghosts_add(ghosts, hash, max);
            if (n > max) {
                memmove(queue, &queue[n - max], max * sizeof(queue[0]));
                n = max;
            }
        }
        assert_int_equal(ghosts->n, n);
        assert_int_equal(ghosts_check(ghosts), 0);
    }
    assert_true(n_taken > 5000);
    free(ghosts);
}

static void test_sketch_counts(void **state)
{
    enum {
        BLOCKS = 16,
        HASHES = 40
    };
    struct sketch *sketch =
        calloc(1, sizeof(*sketch) + BLOCKS * SKETCH_BLOCK_WORDS * sizeof(uint64_t));
    struct sketch *larger =
        calloc(1, sizeof(*sketch) + 2 * BLOCKS * SKETCH_BLOCK_WORDS * sizeof(uint64_t));
    uint32_t hashes[HASHES], counts[HASHES] = {0}, n_exact = 0;

    sketch->n_blocks = BLOCKS;
    larger->n_blocks = 2 * BLOCKS;
    for (int i = 0; i < HASHES; i++) {
        hashes[i] = (uint32_t)(random_next() >> 32);
        assert_int_equal(sketch_estimate(sketch, hashes[i]), 0);
    }
    for (int i = 0; i < 300; i++) {
        uint32_t which = (uint32_t)(random_next() % HASHES);

        sketch_add(sketch, hashes[which], UINT32_MAX);
        counts[which]++;
    }
    sketch_move(larger, sketch);
    for (int i = 0; i < HASHES; i++) {
        uint32_t count = counts[i] < 15 ? counts[i] : 15;

        assert_true(sketch_estimate(sketch, hashes[i]) >= count);
        assert_int_equal(sketch_estimate(larger, hashes[i]), sketch_estimate(sketch, hashes[i]));
        n_exact += sketch_estimate(sketch, hashes[i]) == count;
    }
    assert_true(n_exact > HASHES * 3 / 4);
    sketch_add(sketch, hashes[0], 1); /* halves */
    for (int i = 1; i < HASHES; i++) {
        assert_in_range(sketch_estimate(sketch, hashes[i]), sketch_estimate(larger, hashes[i]) / 2,
                        (sketch_estimate(larger, hashes[i]) + 1) / 2);
    }
    free(sketch);
    free(larger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_is_an_array),
        cmocka_unit_test(test_rr_is_even),
        cmocka_unit_test(test_seeds_repeat_runs),
        cmocka_unit_test(test_scans_are_resisted),
        cmocka_unit_test(test_lfu_when_stamps_run_out),
        cmocka_unit_test(test_lfu_rank_is_not_kept_across_new_stamps),
        cmocka_unit_test(test_w_tinylfu_lets_used_newcomers_in),
        cmocka_unit_test(test_ghosts_are_a_queue),
        cmocka_unit_test(test_sketch_counts),
    };

    return cmocka_run_group_tests_name("cache_policies", tests, NULL, NULL);
}
