// SPDX-License-Identifier: MIT
/*
 * What cannot be seen from outside: stamps that run out, groups that overflow, blocks and their
 * slabs, what is left of a secret, views that outlive their entries, and memory that must not grow.
 */
#include "unit.h"

#include "base/arena.h"
#include "base/hash.h"
#include "cache/cache_private.h"
#include "draws.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    return draw_bits(&random_state);
}

static struct cache_key key_of(const uint64_t *number)
{
    struct cache_key key = {.bytes = {number, 8}};

    key.hash = hash_bytes(key.bytes, 3);
    return key;
}

static struct cache *create(const struct cache_options *options)
{
    struct cache *cache;

    assert_int_equal(cache_create(options, &cache), 0);
    return cache;
}

static enum cache_outcome look_up(struct cache *cache, uint64_t number, struct cache_view *view,
                                  struct cache_ticket *ticket)
{
    static _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = key_of(&number);
    struct cache_lookup_options options = {.owner = room, .room = room};

    return cache_lookup(cache, &key, &options, view, ticket);
}

static void put(struct cache *cache, uint64_t number, const void *value, size_t n_bytes)
{
    struct cache_key key = key_of(&number);
    struct cache_view view;
    struct cache_ticket ticket;

    assert_int_equal(look_up(cache, number, &view, &ticket), CACHE_MISS);
    assert_int_equal(cache_insert(cache, &key, (struct bytes){value, n_bytes}, 0, NULL, &ticket),
                     0);
}

static bool touch(struct cache *cache, uint64_t number)
{
    struct cache_view view;
    struct cache_ticket ticket;
    enum cache_outcome outcome = look_up(cache, number, &view, &ticket);

    if (outcome == CACHE_HIT) {
        cache_view_release(cache, &view);
    }
    return outcome == CACHE_HIT;
}

static void test_group_match(void **state)
{
    static const unsigned char edges[] = {1, 2, 0x80, 0x81, 0x82, 0xff};

    for (int round = 0; round < 1000; round++) {
        struct group group = {.passed = 0x81, .n_passed = 0x81};

        for (int i = 0; i < GROUP_SLOTS; i++) {
            group.tags[i] = (unsigned char)(random_next() % 3 == 0 ? 0 : edges[random_next() % 6]);
        }
        for (unsigned tag = 0; tag < 256; tag++) {
            assert_int_equal(group_match(&group, (unsigned char)tag),
                             group_match_portable(&group, (unsigned char)tag));
        }
        for (unsigned byte = 0; byte < 256; byte++) { /* other bytes of a hash are no matter */
            uint64_t hash = (random_next() & ~(UINT64_C(0xff) << 32)) | (uint64_t)byte << 32;

            assert_int_equal(group_match_hash(&group, hash) & GROUP_SLOTS_MASK,
                             group_match_portable(&group, tag_of_hash(hash)));
        }
    }
}

/* One home and one tag for all keys: long probes, full comparison, exact counts of the passers-by.
 */
static void test_all_keys_collide(void **state)
{
    struct cache *cache = create(&(struct cache_options){
        .max_entries = 400, .max_bytes = 1 << 20, .n_shards = 1, .key_bytes = 8, .value_bytes = 8});
    struct cache_view view;
    struct cache_ticket ticket;
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {.room = room};

    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t number = i % 7 == 0 ? i / 2 : i;
        struct cache_key key = {.bytes = {&number, 8}, .hash = 0xfffffff000000000u};

        if (cache_lookup(cache, &key, &options, &view, &ticket) == CACHE_HIT) {
            assert_memory_equal(view.data, &number, 8);
        } else {
            assert_int_equal(cache_insert(cache, &key, key.bytes, 0, NULL, &ticket), 0);
        }
        if (i % 50 == 0) {
            assert_int_equal(cache_check(cache), 0);
        }
    }
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* Keys of all sizes that are filled up with zeroes alike, and collide. */
static void test_sizes_tell_keys_apart(void **state)
{
    static const unsigned char text[80] = {'x', 'y'}, zeroes[80];
    struct cache *cache = create(
        &(struct cache_options){.max_entries = 1000, .max_bytes = 1 << 20, .value_bytes = 4});

    for (int round = 0; round < 2; round++) {
        for (uint32_t n = 0; n < 140; n++) {
            struct cache_key key = {{n < 70 ? zeroes : text, n % 70}, 0x123456789abcdef0};
            _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
            struct cache_lookup_options options = {.owner = room, .room = room};
            struct cache_view view;
            struct cache_ticket ticket;

            if (n == 70) {
                continue; /* nothing, as the first one is */
            }
            if (round == 0) {
                assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_MISS);
                assert_int_equal(
                    cache_insert(cache, &key, (struct bytes){&n, sizeof(n)}, 0, NULL, &ticket), 0);
            } else {
                uint32_t slot = table_find(&cache->shards[0].table, key.bytes, key.hash);

                assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_HIT);
                assert_memory_equal(view.data, &n, sizeof(n));
                assert_int_equal(table_key(&cache->shards[0].table, slot).n_bytes, n % 70);
                assert_memory_equal(table_key(&cache->shards[0].table, slot).data, key.bytes.data,
                                    n % 70);
                cache_view_release(cache, &view);
            }
        }
        assert_int_equal(cache_check(cache), 0);
    }
    cache_destroy(cache);
}

/* The order survives the end of an era of stamps. */
static void expect_order_beyond(uint32_t era)
{
    struct cache *cache = create(&(struct cache_options){
        .max_entries = 500, .max_bytes = 1 << 20, .n_shards = 1, .key_bytes = 8, .value_bytes = 8});
    struct order *order = &cache->shards[0].table.order;
    uint64_t i;

    cache->shards[0].clock = era;
    for (i = 0; i < 500; i++) {
        put(cache, i, &i, 8);
    }
    for (i = 0; i < 500; i += 2) {
        assert_true(touch(cache, i));
    }
    assert_int_equal(cache_check(cache), 0);
    /* The next hundred are stamped before it ends. */
    cache->shards[0].clock = era + STAMP_END - 101;
    for (i = 0; i < 500; i += 2) {
        assert_true(touch(cache, i));
    }
    assert_in_range(cache->shards[0].clock - (era ^ STAMP_ERA), 500, 1000);
    assert_int_equal(cache_check(cache), 0);
    /* The odd ones go in the order in which they came, then the even ones. */
    for (i = 0; i < 499; i++) {
        uint64_t expected = i < 250 ? 2 * i + 1 : 2 * (i - 250);
        uint32_t slot;
        uint64_t number;

        assert_true(order_oldest(order, &slot));
        memcpy(&number, table_slot(&cache->shards[0].table, slot) + TABLE_KEY_AT, 8);
        assert_int_equal(number, expected);
        put(cache, 10000 + i, &i, 8);
    }
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_stamps_run_out(void **state)
{
    for (int alone = 1; alone >= 0; alone--) {
        __libc_single_threaded = (char)alone;
        expect_order_beyond(0);
        expect_order_beyond(STAMP_ERA);
        __libc_single_threaded = 1;
    }
}

/* ---- blocks ---- */

#define MANY_BLOCKS 3000

/* Blocks of all sizes come and go: none overlaps, all keep what is in them, slabs go back. */
static void test_blocks(void **state)
{
    static struct block *blocks[MANY_BLOCKS];
    static unsigned char bytes[20000];
    struct block_pool pool;

    block_pool_init(&pool, false);
    for (int round = 0; round < 5 * MANY_BLOCKS; round++) {
        uint32_t i = (uint32_t)(random_next() % MANY_BLOCKS);
        uint32_t n_key = (uint32_t)(random_next() % 40);
        uint32_t n_value = (uint32_t)(random_next() % (random_next() % 8 == 0 ? 9000 : 300));

        if (blocks[i] != NULL) {
            const unsigned char *value = block_value(blocks[i]), *key = block_key(blocks[i]);

            for (uint32_t j = 0; j < blocks[i]->n_value_bytes; j++) {
                assert_int_equal(value[j], (unsigned char)i);
            }
            for (uint32_t j = 0; j < blocks[i]->n_key_bytes; j++) {
                assert_int_equal(key[j], (unsigned char)i);
            }
            block_release(&pool, blocks[i]);
            blocks[i] = NULL;
        } else {
            memset(bytes, (int)i, sizeof(bytes));
            blocks[i] =
                block_create(&pool, (struct bytes){bytes, n_key}, (struct bytes){bytes, n_value});
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)block_value(blocks[i]) % 16, 0);
            assert_true(block_bytes(n_key, n_value) >= 16 + n_key + n_value);
        }
    }
    for (int i = 0; i < MANY_BLOCKS; i++) {
        if (blocks[i] != NULL) {
            block_release(&pool, blocks[i]);
        }
    }
    for (int i = 0; i < BLOCK_CLASS_COUNT; i++) {
        assert_null(pool.partial[i]);
    }
    assert_int_equal(pool.n_slabs, 1); /* one is kept */
    assert_non_null(pool.empty);
    block_pool_fini(&pool);
}

/* Classes waste little, grow with what is asked for, and are multiples of 16. */
static void test_block_sizes(void **state)
{
    uint64_t last = 0;

    for (uint32_t n = 0; n < 20000; n++) {
        uint64_t n_bytes = block_bytes(0, n);
        uint64_t needed = 16 + ((uint64_t)n + 7) / 8 * 8;

        assert_true(n_bytes >= needed && n_bytes >= last && n_bytes % 16 == 0);
        assert_true(needed <= 32 || needed > 4096 || n_bytes <= needed + 16 ||
                    n_bytes <= needed + needed / 4);
        last = n_bytes;
    }
}

static bool is_zero(const unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

/* The freed block's first word is the free list's; everything behind it is gone. */
static void test_secrets_are_wiped(void **state)
{
    struct cache *cache = create(&(struct cache_options){.max_entries = 10,
                                                         .max_bytes = 1 << 20,
                                                         .n_shards = 1,
                                                         .key_bytes = 8,
                                                         .single_flight = true,
                                                         .secret = true});
    unsigned char value[400]; /* more than is copied */
    struct cache_view view;
    struct cache_ticket ticket;
    struct table *table = &cache->shards[0].table;
    uint64_t number = 0x1122334455667788u;
    struct cache_key key = key_of(&number);
    const unsigned char *old_slot;
    uint32_t slot;

    memset(value, 0xa5, sizeof(value));
    put(cache, 1, value, sizeof(value)); /* keeps the slab */
    put(cache, number, value, sizeof(value));
    assert_true(is_zero(cache->shards[0].flights.places[0].key, FLIGHT_INLINE_KEY_BYTES));
    slot = table_find(table, key.bytes, key.hash);
    old_slot = (const unsigned char *)table_slot(table, slot);
    assert_int_equal(look_up(cache, number, &view, &ticket), CACHE_HIT);
    assert_non_null(view.pin);

    /* It leaves, but is being read; then it is let go. */
    assert_true(lock_acquire(&cache->shards[0].lock));
    atomic_fetch_sub(&cache->n_bytes, cache_take_out_locked(cache, &cache->shards[0], slot, NULL));
    atomic_fetch_sub(&cache->n_entries, 1);
    lock_release(&cache->shards[0].lock);
    assert_true(is_zero(old_slot, table->layout->slot_bytes));
    assert_memory_equal(view.data, value, sizeof(value));
    cache_view_release(cache, &view);
    assert_true(is_zero((const unsigned char *)view.pin + 8, 8 + sizeof(value)));
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_views_outlive_entries(void **state)
{
    static unsigned char value[5000], other[5000];
    static const size_t sizes[] = {CACHE_ROOM_BYTES + 1, 400, 5000};
    struct cache *cache = create(&(struct cache_options){
        .max_entries = 2, .max_bytes = 1 << 20, .n_shards = 1, .key_bytes = 8});

    memset(other, 0xee, sizeof(other));
    for (int how = 0; how < 3; how++) {
        for (int i = 0; i < 3; i++) {
            struct cache_view view, again;
            struct cache_ticket ticket;
            uint64_t number = 1;
            struct cache_key key = key_of(&number);

            cache_clear(cache);
            memset(value, i + 1, sizeof(value));
            put(cache, 1, value, sizes[i]);
            assert_int_equal(look_up(cache, 1, &view, &ticket), CACHE_HIT);
            assert_int_equal(look_up(cache, 1, &again, &ticket), CACHE_HIT);
            assert_ptr_equal(view.data, again.data);
            cache_view_release(cache, &again);
            if (how == 0) {
                put(cache, 2, other, sizes[i]);
                put(cache, 3, other, sizes[i]); /* evicts it */
            } else if (how == 1) {
                cache_clear(cache);
            } else {
                assert_int_equal(look_up(cache, 9, &again, &ticket), CACHE_MISS);
                assert_int_equal(
                    cache_insert(cache, &key, (struct bytes){other, sizes[i]}, 0, NULL, &ticket),
                    0);
            }
            put(cache, 4, other, sizes[i]); /* would take its block */
            assert_memory_equal(view.data, value, sizes[i]);
            cache_view_release(cache, &view);
            assert_int_equal(cache_check(cache), 0);
        }
    }
    cache_destroy(cache);
}

/* ---- memory ---- */

static uint64_t resident_bytes(void)
{
    char text[100] = {0};
    unsigned long long size, resident = 0;
    int fd = open("/proc/self/statm", O_RDONLY);

    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(sscanf(text, "%llu %llu", &size, &resident), 2);
    return resident * pages_size();
}

/* Ten million keys with MEMOSHIM_TEST_SCALE. */
static void test_distinct_keys_do_not_grow(void **state)
{
    const char *scale = getenv("MEMOSHIM_TEST_SCALE");
    uint64_t n_keys = scale != NULL && atoi(scale) > 1 ? 10000000 : 500000;
    struct cache *cache = create(&(struct cache_options){
        .max_entries = 1000, .max_bytes = 1 << 20, .single_flight = true, .key_bytes = 8});
    unsigned char value[300] = {0};
    uint64_t before = 0;
    struct cache_usage usage;

    for (uint64_t i = 0; i < n_keys; i++) {
        if (i == n_keys / 10) {
            before = resident_bytes();
        }
        put(cache, i, value, 1 + random_next() % sizeof(value));
    }
    assert_true(resident_bytes() <= before + (256 << 10));
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.entries, 1000);
    assert_int_equal(usage.evictions, n_keys - 1000);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* What a cache has mapped stays mapped; what it holds goes back when it is cleared. */
static void test_memory_returns_to_the_floor(void **state)
{
    static unsigned char value[6000];
    struct cache *cache;
    uint64_t floor = 0;

    NEED(!has_shadow_memory(), "memory is not measured beside a tool's own");
    cache = create(&(struct cache_options){
        .max_entries = 1 << 20, .max_bytes = 256 << 20, .n_shards = 4, .key_bytes = 8});
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 20000; i++) {
            put(cache, i, value, 1 + random_next() % (i % 50 == 0 ? sizeof(value) : 600));
        }
        assert_true(round == 0 || resident_bytes() > floor + (4 << 20));
        cache_clear(cache);
        floor = round == 0 ? resident_bytes() : floor;
        assert_true(resident_bytes() <= floor + (256 << 10));
        assert_int_equal(cache_check(cache), 0);
    }
    cache_destroy(cache);
    assert_true(resident_bytes() <= floor + (64 << 10));
}

/* What errno was before is what it is after, whatever the kernel said in between. */
static void test_errno_is_kept(void **state)
{
    static unsigned char large[100000];
    struct cache *cache;

    errno = 4711;
    cache = create(&(struct cache_options){
        .max_entries = 100, .max_bytes = 1 << 20, .n_shards = 0, .key_bytes = 8, .secret = true});
    for (uint64_t i = 0; i < 50; i++) {
        put(cache, i, large, i * 2000);
        assert_true(touch(cache, i));
    }
    cache_clear(cache);
    assert_int_equal(cache_check(cache), 0);
    cache_after_fork(cache);
    cache_destroy(cache);
    assert_int_equal(errno, 4711);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group_match),
        cmocka_unit_test(test_all_keys_collide),
        cmocka_unit_test(test_sizes_tell_keys_apart),
        cmocka_unit_test(test_stamps_run_out),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_block_sizes),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_views_outlive_entries),
        cmocka_unit_test(test_distinct_keys_do_not_grow),
        cmocka_unit_test(test_memory_returns_to_the_floor),
        cmocka_unit_test(test_errno_is_kept),
    };

    return cmocka_run_group_tests_name("cache_parts", tests, NULL, NULL);
}
