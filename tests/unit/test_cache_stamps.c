// SPDX-License-Identifier: MIT
/*
 * Hits that stamp without the lock: what a stamp is written over and what not, and the order of
 * entries when threads hit them at once while another fills the cache. Each thread knows in which
 * order it has used its own keys, and that is the order in which these go.
 */
#include "cache_words.h"

#include "draws.h"

#include <sys/single_threaded.h>

/* ---- one at a time --------------------------------------------------------------------------- */

static struct slot_head *head_of(struct cache *cache, uint64_t number)
{
    struct table *table = &cache->shards[0].table;
    uint32_t slot = table_find(table, (struct bytes){&number, 8}, hash_of(cache, number, 0));

    return slot == TABLE_NO_SLOT ? NULL : order_slot(&table->order, slot);
}

static bool stamp(struct cache *cache, uint32_t sequence, struct slot_head *head)
{
    return cache_stamp_beside(&cache->shards[0].front, sequence, (char *)head);
}

static void test_a_hit_has_the_newest_stamp(void **state)
{
    struct cache *cache = create_for(STAMPS, 8);
    struct cache_words words = words_of(cache);
    struct shard *shard = &cache->shards[0];
    struct slot_head *head;
    uint64_t seen = 0;

    insert(cache, 40, 0, 7);
    insert(cache, 41, 0, 8);
    head = head_of(cache, 40);
    assert_true(head->mark < shard->clock);
    assert_true(glance(cache, &words, 40, 0, false, &seen));
    assert_true(head->mark < shard->clock);
    /* Whoever has the lock keeps nobody from the entry. */
    assert_true(lock_acquire(&shard->lock));
    assert_true(glance(cache, &words, 40, 0, true, &seen));
    lock_release(&shard->lock);
    assert_int_equal(seen, 7);
    assert_int_equal(head->mark, shard->clock);
    assert_int_equal(head->hash, hash_of(cache, 40, 0) >> 32);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_a_stamp_is_for_what_was_seen(void **state)
{
    struct cache *cache = create_for(STAMPS, 8);
    struct shard *shard = &cache->shards[0];
    struct slot_head *head, before;
    uint32_t sequence;

    insert(cache, 40, 0, 7);
    head = head_of(cache, 40);
    before = *head;
    sequence = shard->front.sequence;
    shard_begin_change(shard);
    assert_false(stamp(cache, sequence, head));
    shard_end_change(shard);
    assert_false(stamp(cache, sequence, head));
    assert_memory_equal(head, &before, sizeof(before));
    assert_true(stamp(cache, sequence + 2, head));
    assert_int_equal(head->mark, shard->clock);
    assert_true(head->mark > before.mark);
    /* Another hit was later than this one. */
    head->mark = shard->clock + 10;
    assert_true(stamp(cache, sequence + 2, head));
    assert_int_equal(head->mark, shard->clock + 9);
    cache_destroy(cache);
}

/* Nobody stamps until all have new ones, and then old ones are nobody's. */
static void test_an_era_ends(void **state)
{
    struct cache *cache = create_for(STAMPS, 8);
    struct cache_words words = words_of(cache);
    struct shard *shard = &cache->shards[0];
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_lookup_options options = {.owner = thread_self(), .room = room};
    struct cache_view view;
    struct cache_ticket ticket;
    struct slot_head *head;
    uint64_t seen, number = 40;
    struct cache_key key = {.bytes = {&number, 8}, .hash = hash_of(cache, 40, 0)};

    for (uint64_t i = 0; i < 5; i++) {
        insert(cache, 40 + i, 0, i);
    }
    head = head_of(cache, 40);
    for (int era = 1; era <= 3; era++) {
        uint32_t base = era % 2 == 0 ? 0 : STAMP_ERA;

        shard->clock = (base ^ STAMP_ERA) + STAMP_END - 2;
        assert_true(glance(cache, &words, 40, 0, true, &seen));
        for (int i = 0; i < 3; i++) {
            assert_false(glance(cache, &words, 40, 0, true, &seen));
            assert_true(glance(cache, &words, 40, 0, false, &seen));
            assert_int_equal(shard->clock, (base ^ STAMP_ERA) + STAMP_END - 1);
        }
        assert_int_equal(head->mark, (base ^ STAMP_ERA) + STAMP_END - 1);
        __libc_single_threaded = 0;
        assert_int_equal(cache_lookup(cache, &key, &options, &view, &ticket), CACHE_HIT);
        __libc_single_threaded = 1;
        assert_int_equal(shard->clock, base + 6);
        assert_int_equal(head->mark, base + 6);
        for (uint64_t i = 1; i < 5; i++) {
            assert_int_equal(head_of(cache, 40 + i)->mark, base + i);
        }
        assert_true(glance(cache, &words, 40, 0, true, &seen));
        assert_int_equal(head->mark, base + 7);
        /* One of another era is left alone, however old. */
        head->mark ^= STAMP_ERA;
        assert_false(stamp(cache, shard->front.sequence, head));
        head->mark ^= STAMP_ERA;
        assert_int_equal(cache_check(cache), 0);
    }
    cache_destroy(cache);
}

/* ---- many at once ---------------------------------------------------------------------------- */

#define N_READERS   3
#define N_OWN       24 /* keys of each */
#define N_HITS      1500
#define N_MEANWHILE 100
#define N_ENTRIES   300
#define N_ROUNDS    400

_Static_assert(N_READERS *N_OWN + N_MEANWHILE < N_ENTRIES,
               "none of these goes while they are used");

struct reader {
    struct cache *cache;
    struct cache_words words;
    pthread_barrier_t *barrier;
    uint64_t first, random;
    uint32_t used_at[N_OWN]; /* when last, by its own count; not 0 */
    uint32_t n_wrong, n_with_lock;
};

static uint64_t value_of(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15u;
}

static enum cache_outcome ask(struct cache *cache, uint64_t number, uint64_t *ret_value,
                              struct cache_ticket *ret_ticket)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = {.bytes = {&number, 8}, .hash = hash_of(cache, number, 0)};
    struct cache_lookup_options options = {.owner = thread_self(), .room = room};
    struct cache_view view;
    enum cache_outcome outcome = cache_lookup(cache, &key, &options, &view, ret_ticket);

    if (outcome == CACHE_HIT) {
        memcpy(ret_value, view.data, sizeof(*ret_value));
    }
    return outcome;
}

/* Any of its own keys, each of which is there. */
static void *read_own(void *argument)
{
    struct reader *reader = argument;
    struct cache_ticket ticket;

    pthread_barrier_wait(reader->barrier);
    for (uint32_t i = 1; i <= N_HITS; i++) {
        uint32_t own = (uint32_t)(draw_bits(&reader->random) >> 20) % N_OWN;
        uint64_t number = reader->first + own, value = 0;
        bool is_hit = glance(reader->cache, &reader->words, number, 0, true, &value);

        if (!is_hit) {
            reader->n_with_lock++;
            is_hit = ask(reader->cache, number, &value, &ticket) == CACHE_HIT;
        }
        reader->n_wrong += !is_hit || value != value_of(number);
        reader->used_at[own] = i;
    }
    return NULL;
}

/* With either of the two ways that there are. */
static void fill(struct cache *cache, uint64_t number)
{
    uint64_t row[2] = {number, value_of(number)};
    struct cache_key key = {.bytes = {row, 8}, .hash = hash_of(cache, number, 0)};
    cache_fill_fn fill_row = cache_fill_code(cache);
    struct cache_ticket ticket;
    uint64_t value;

    assert_int_equal(ask(cache, number, &value, &ticket), CACHE_MISS);
    if (number % 2 == 0 || !fill_row(cache, row, &ticket)) {
        assert_int_equal(cache_insert(cache, &key, (struct bytes){&row[1], 8}, 0, NULL, &ticket),
                         0);
    }
}

static void *fill_meanwhile(void *argument)
{
    struct reader *filler = argument;

    pthread_barrier_wait(filler->barrier);
    for (uint64_t i = 0; i < N_MEANWHILE; i++) {
        fill(filler->cache, filler->first + i);
    }
    return NULL;
}

/* Of those that one thread has used the older ones have gone, and the younger are there. */
static void expect_in_order(struct cache *cache, const struct reader *reader)
{
    uint32_t youngest_gone = 0, oldest_there = UINT32_MAX;

    for (uint32_t i = 0; i < N_OWN; i++) {
        uint32_t used_at = reader->used_at[i];

        if (head_of(cache, reader->first + i) == NULL) {
            youngest_gone = used_at > youngest_gone ? used_at : youngest_gone;
        } else {
            oldest_there = used_at < oldest_there ? used_at : oldest_there;
        }
    }
    assert_true(youngest_gone < oldest_there);
}

static uint32_t n_there(struct cache *cache, uint64_t first, uint32_t n)
{
    uint32_t n_found = 0;

    for (uint32_t i = 0; i < n; i++) {
        n_found += head_of(cache, first + i) != NULL;
    }
    return n_found;
}

static void play_round(uint32_t round)
{
    struct cache_options options = {.policy = STAMPS,
                                    .max_entries = N_ENTRIES,
                                    .max_bytes = 1 << 20,
                                    .n_shards = 1,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct reader readers[N_READERS + 1];
    pthread_t threads[N_READERS + 1];
    pthread_barrier_t barrier;
    struct cache *cache;
    uint64_t next = 10000;

    assert_int_equal(cache_create(&options, &cache), 0);
    cache->shards[0].clock = round % 3 == 0 ? STAMP_END - 2000 : round % 3 == 1 ? STAMP_ERA : 0;
    for (uint32_t i = 0; i < N_ENTRIES && round % 2 == 1; i++) {
        fill(cache, next++);
    }
    pthread_barrier_init(&barrier, NULL, N_READERS + 1);
    for (uint32_t t = 0; t <= N_READERS; t++) {
        readers[t] = (struct reader){.cache = cache,
                                     .words = words_of(cache),
                                     .barrier = &barrier,
                                     .first = 1000 * (t + 1),
                                     .random = 77 + round * 8 + t};
        for (uint32_t i = 0; i < N_OWN && t < N_READERS; i++) {
            fill(cache, readers[t].first + i);
        }
    }
    for (uint32_t t = 0; t <= N_READERS; t++) {
        assert_int_equal(pthread_create(&threads[t], NULL,
                                        t < N_READERS ? read_own : fill_meanwhile, &readers[t]),
                         0);
    }
    for (uint32_t t = 0; t <= N_READERS; t++) {
        pthread_join(threads[t], NULL);
    }
    pthread_barrier_destroy(&barrier);
    assert_int_equal(cache_check(cache), 0);
    for (uint32_t t = 0; t < N_READERS; t++) {
        assert_int_equal(readers[t].n_wrong, 0);
        assert_int_equal(n_there(cache, readers[t].first, N_OWN), N_OWN);
    }
    assert_int_equal(n_there(cache, readers[N_READERS].first, N_MEANWHILE), N_MEANWHILE);
    for (uint32_t i = 0; i < N_ENTRIES; i++) {
        fill(cache, next++);
        for (uint32_t t = 0; t < N_READERS; t++) {
            expect_in_order(cache, &readers[t]);
        }
    }
    for (uint32_t t = 0; t < N_READERS; t++) {
        assert_int_equal(n_there(cache, readers[t].first, N_OWN), 0);
    }
    assert_int_equal(n_there(cache, readers[N_READERS].first, N_MEANWHILE), 0);
    assert_int_equal(n_there(cache, next - N_ENTRIES, N_ENTRIES), N_ENTRIES);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_the_order_of_many(void **state)
{
    for (uint32_t round = 0; round < N_ROUNDS; round++) {
        play_round(round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hit_has_the_newest_stamp),
        cmocka_unit_test(test_a_stamp_is_for_what_was_seen),
        cmocka_unit_test(test_an_era_ends),
        cmocka_unit_test(test_the_order_of_many),
    };

    return cmocka_run_group_tests_name("cache_stamps", tests, NULL, NULL);
}
