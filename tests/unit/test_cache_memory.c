// SPDX-License-Identifier: MIT
/*
 * What an entry of eight bytes of key and eight of value costs, everything included: by the cache's
 * own count, and in resident pages of the process. Many of them under each policy.
 */
#include "unit.h"

#include "base/hash.h"
#include "cache/cache.h"
#include "each_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_ENTRIES (1 << 18)

/*
 * A slot takes 24 bytes, which makes 32 for each entry of a full table, with its share of the
 * group. Beside it lru and fifo have candidates, most others a word, lfu a heap of groups as well.
 * Two take more than 40. s3-fifo remembers nine ghosts for ten entries, each 4 bytes of hash and 6
 * of what finds it. w-tinylfu has a sketch of 16 counters of 4 bits for each slot; with as many for
 * each entry instead, which saves 2 bytes, three cells of the published traces lose 0.7 to 1.9
 * points of hit ratio.
 */
static const unsigned bound_bytes[CACHE_POLICY_COUNT] = {
    [CACHE_POLICY_lru] = 36,    [CACHE_POLICY_lfu] = 40,     [CACHE_POLICY_fifo] = 36,
    [CACHE_POLICY_mru] = 39,    [CACHE_POLICY_rr] = 39,      [CACHE_POLICY_sieve] = 39,
    [CACHE_POLICY_direct] = 40, [CACHE_POLICY_s3_fifo] = 49, [CACHE_POLICY_w_tinylfu] = 49,
};

/* Resident bytes of the process, by the kernel's count; 0: that cannot be told. */
static uint64_t resident_bytes(void)
{
    unsigned long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lu %lu", &size, &resident) != 2) {
        resident = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void fill(struct cache *cache, uint64_t n)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {.room = room};

    for (uint64_t i = 0; i < n; i++) {
        struct cache_key key = {.bytes = {&i, sizeof(i)}};
        struct cache_view view;
        struct cache_ticket ticket;

        key.hash = hash_bytes(key.bytes, 7);
        assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_MISS);
        assert_int_equal(cache_insert(cache, &key, key.bytes, 0, NULL, &ticket), 0);
    }
}

static void test_words(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = N_ENTRIES,
                                    .max_bytes = 1 << 30,
                                    .key_bytes = 8,
                                    .value_bytes = 8,
                                    .seed = 7};
    uint64_t before, after;
    struct cache_usage usage;
    struct cache *cache;

    NEED(!has_shadow_memory(), "not measured with a tool's own memory");
    before = resident_bytes();
    assert_int_equal(cache_create(&options, &cache), 0);
    /* Past the bound, so that what evictions need is there; of direct, most places. */
    fill(cache, N_ENTRIES + N_ENTRIES / 8);
    after = resident_bytes();
    cache_read_usage(cache, &usage);
    print_message("# %llu entries: %.1f bytes each counted, %.1f resident\n",
                  (unsigned long long)usage.entries, (double)usage.bytes / (double)usage.entries,
                  (double)(after - before) / (double)usage.entries);
    assert_true(usage.bytes <= usage.entries * bound_bytes[options.policy]);
    NEED(before != 0, "there is no /proc here");
    NEED_NATIVE(); /* whose own memory is counted with the process's */
    assert_true(after - before <= (uint64_t)N_ENTRIES * bound_bytes[options.policy]);
    cache_destroy(cache);
}

/* A value in place is the cache's own memory, whatever its size, and needs no release. */
static void test_in_place(void **state)
{
    static unsigned char value[400];
    static const size_t sizes[] = {40, CACHE_ROOM_BYTES, sizeof(value)};
    const struct cache_options wanted = {.policy = policy_of_state(state),
                                         .max_entries = 8,
                                         .max_bytes = 1 << 20,
                                         .n_shards = 1,
                                         .key_bytes = 8};
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {.room = room, .in_place = true};
    struct cache *cache;

    assert_int_equal(cache_create(&wanted, &cache), 0);
    for (uint64_t i = 0; i < 3; i++) {
        struct cache_key key = {.bytes = {&i, sizeof(i)}};
        struct cache_view view, again;
        struct cache_ticket ticket;

        key.hash = hash_bytes(key.bytes, 7);
        memset(value, (int)i + 1, sizeof(value));
        assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_MISS);
        assert_int_equal(
            cache_insert(cache, &key, (struct bytes){value, sizes[i]}, 0, NULL, &ticket), 0);
        assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_HIT);
        assert_int_equal(cache_lookup(cache, &key, &options, &again, &ticket), CACHE_HIT);
        assert_ptr_not_equal(view.data, room);
        assert_ptr_equal(view.data, again.data);
        assert_null(view.pin);
        assert_int_equal(view.n_bytes, sizes[i]);
        assert_memory_equal(view.data, value, sizes[i]);
        cache_view_release(cache, &view);
    }
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

int main(void)
{
    static struct policy_tests tests;

    add_for_each_policy(&tests, "words", test_words);
    add_for_each_policy(&tests, "in place", test_in_place);
    return _cmocka_run_group_tests("cache_memory", tests.tests, tests.n, NULL, NULL);
}
