// SPDX-License-Identifier: MIT
/*
 * Tables that are mapped directly. The model is an array in which each key has the place that its
 * hash says: what is there, where in memory it lies, and what leaves are foretold exactly, for keys
 * and values of every kind and any number of shards.
 */
#include "cache_keys.h"

#include <stdlib.h>

#define MAX_VALUE_BYTES 400

/* Keys and values as in struct cache_options; n_value_bytes: what is stored where they differ. */
struct kind {
    uint32_t key_bytes, value_bytes, n_value_bytes;
    bool has_lives, is_secret;
};

static const struct kind kinds[] = {
    {8, 8, 8, false, false},   {8, 8, 8, true, false},   {60, 16, 16, false, false},
    {8, 0, 300, false, false}, {0, 8, 8, false, false},  {0, 0, MAX_VALUE_BYTES, true, false},
    {60, 24, 24, false, true}, {0, 0, 100, false, true},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct cache *create_kind(const struct kind *kind, uint64_t max_entries, uint32_t n_shards)
{
    struct cache_options options = {.policy = CACHE_POLICY_direct,
                                    .max_entries = max_entries,
                                    .max_bytes = 64 << 20,
                                    .n_shards = n_shards,
                                    .key_bytes = kind->key_bytes,
                                    .value_bytes = kind->value_bytes,
                                    .has_lives = kind->has_lives,
                                    .secret = kind->is_secret};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    return cache;
}

/* ---- the model ---- */

struct model {
    uint32_t n_places; /* of a shard */
    uint32_t n_shards;
    uint64_t *keys; /* the number of who is at each place, of all shards; UINT64_MAX: nobody */
    uint64_t n, n_evictions;
};

static struct model model_of(uint64_t max_entries, uint32_t n_shards)
{
    struct model model = {.n_places = 1, .n_shards = n_shards};

    while ((uint64_t)model.n_places * n_shards < max_entries) {
        model.n_places *= 2;
    }
    model.keys = malloc((size_t)model.n_places * n_shards * sizeof(*model.keys));
    assert_non_null(model.keys);
    memset(model.keys, 0xff, (size_t)model.n_places * n_shards * sizeof(*model.keys));
    return model;
}

/* From bit 37 of the hash on: the place in the shard, and above it what chooses the shard. */
static size_t model_place(const struct model *model, uint64_t hash)
{
    uint64_t above = hash >> 37;
    size_t n_bits = 0;

    if ((model->n_shards & (model->n_shards - 1)) == 0) {
        return above & ((uint64_t)model->n_places * model->n_shards - 1);
    }
    while (model->n_places >> n_bits > 1) {
        n_bits++;
    }
    /* 16 bits from there on, those beyond the last of which are the first of the hash. */
    above = (hash >> (37 + n_bits) | hash << (27 - n_bits)) & 0xffff;
    return (above * model->n_shards >> 16) * model->n_places + (hash >> 37) % model->n_places;
}

/* ---- calls ---- */

static void fill_value(const struct kind *kind, uint64_t number, unsigned char *value)
{
    memset(value, (int)(number % 251), kind->n_value_bytes);
}

/* Looks up, inserts after a miss. True: a hit, with the right value. */
static bool call(struct cache *cache, const struct kind *kind, uint64_t number)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    unsigned char value[MAX_VALUE_BYTES];
    struct made_key made;
    struct cache_key *key = make_key(&made, number, kind->key_bytes);
    struct cache_view view;
    struct cache_ticket ticket;

    fill_value(kind, number, value);
    if (look_up(cache, key, 0, room, &view, &ticket) == CACHE_HIT) {
        assert_int_equal(view.n_bytes, kind->n_value_bytes);
        assert_memory_equal(view.data, value, kind->n_value_bytes);
        cache_view_release(cache, &view);
        return true;
    }
    assert_int_equal(
        cache_insert(cache, key, (struct bytes){value, kind->n_value_bytes}, 0, NULL, &ticket), 0);
    return false;
}

static bool model_call(struct model *model, const struct kind *kind, uint64_t number)
{
    struct made_key made;
    size_t place = model_place(model, make_key(&made, number, kind->key_bytes)->hash);

    if (model->keys[place] == number) {
        return true;
    }
    model->n_evictions += model->keys[place] != UINT64_MAX;
    model->n += model->keys[place] == UINT64_MAX;
    model->keys[place] = number;
    return false;
}

/* The slot of each place, all shards' in a row, holds who the model says is there. */
static void compare(struct cache *cache, const struct kind *kind, const struct model *model)
{
    const char *slots = cache->shards[0].table.order.slots;
    size_t n_places = (size_t)model->n_places * model->n_shards;
    struct cache_usage usage;

    for (size_t place = 0; place < n_places; place++) {
        struct table *table = &cache->shards[place / model->n_places].table;
        uint32_t slot = (uint32_t)(place % model->n_places);

        assert_ptr_equal(table_slot(table, slot), slots + place * cache->layout.slot_bytes);
        if (model->keys[place] == UINT64_MAX) {
            assert_true(shared_load(table_slot(table, slot)) == 0);
        } else {
            struct made_key made;
            struct bytes key = make_key(&made, model->keys[place], kind->key_bytes)->bytes;
            struct bytes found = table_key(table, slot);

            assert_true(shared_load(table_slot(table, slot)) == cache->generation);
            assert_int_equal(found.n_bytes, key.n_bytes);
            assert_memory_equal(found.data, key.data, key.n_bytes);
        }
    }
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.entries, model->n);
    assert_int_equal(usage.evictions, model->n_evictions);
    assert_int_equal(cache_check(cache), 0);
}

/* ---- tests ---- */

static const uint32_t shard_counts[] = {1, 2, 3, 8, 16};

#define N_SHARD_COUNTS (sizeof(shard_counts) / sizeof(shard_counts[0]))

/* As many places as there may be entries, or more, so that no bound has a say. */
static uint64_t entries_for(uint32_t n_shards)
{
    return (uint64_t)64 * n_shards;
}

static void test_who_comes_overwrites(void **state)
{
    for (size_t i = 0; i < N_KINDS * N_SHARD_COUNTS; i++) {
        const struct kind *kind = &kinds[i / N_SHARD_COUNTS];
        uint32_t n_shards = shard_counts[i % N_SHARD_COUNTS];
        uint64_t max_entries = entries_for(n_shards);
        struct cache *cache = create_kind(kind, max_entries, n_shards);
        struct model model = model_of(max_entries, n_shards);

        random_state = 0x9e3779b97f4a7c15u + i;
        for (int step = 0; step < 3000; step++) {
            uint64_t number = random_below((uint32_t)(3 * max_entries));

            assert_int_equal(call(cache, kind, number), model_call(&model, kind, number));
        }
        assert_true(model.n_evictions > 50);
        compare(cache, kind, &model);
        free(model.keys);
        cache_destroy(cache);
    }
}

static void test_every_place_is_reached(void **state)
{
    for (size_t i = 0; i < N_SHARD_COUNTS; i++) {
        uint64_t max_entries = entries_for(shard_counts[i]);
        struct cache *cache = create_kind(&kinds[0], max_entries, shard_counts[i]);
        struct cache_usage usage = {0};

        for (uint64_t number = 0; usage.entries < max_entries && number < 100000; number++) {
            call(cache, &kinds[0], number);
            cache_read_usage(cache, &usage);
        }
        assert_int_equal(usage.entries, max_entries);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* Nothing answers once a generation has begun; what was there counts as invalidated, and goes. */
static void test_invalidation(void **state)
{
    for (size_t i = 0; i < 2 * N_KINDS; i++) {
        const struct kind *kind = &kinds[i / 2];
        struct cache *cache = create_kind(kind, 256, 4);
        struct model model = model_of(256, 4);
        uint64_t n = 0;
        struct cache_usage usage;

        for (int round = 0; round < 3; round++) {
            for (uint64_t number = 0; number < 200; number++) {
                assert_int_equal(call(cache, kind, number), model_call(&model, kind, number));
            }
            n += model.n;
            if (i % 2 == 0) {
                cache_clear(cache);
                cache_read_usage(cache, &usage);
                assert_int_equal(usage.entries, 0);
                assert_int_equal(usage.bytes, 0);
                assert_int_equal(usage.invalidations, n);
            } else {
                cache_fence(cache);
            }
            memset(model.keys, 0xff, 256 * sizeof(*model.keys));
            model.n = 0;
        }
        for (uint64_t number = 0; number < 200; number++) {
            assert_int_equal(call(cache, kind, number), model_call(&model, kind, number));
        }
        compare(cache, kind, &model);
        free(model.keys);
        cache_destroy(cache);
    }
}

/* Filled places are a multiple of what an entry counts: all there are fit into the bound. */
static void test_places_fit_into_the_bytes(void **state)
{
    static const struct {
        uint64_t max_entries, max_bytes;
        uint32_t n_shards;
    } bounds[] = {{1000, 1 << 20, 1}, {1000, 16000, 1},         {1000, 5000, 4},
                  {1000, 40, 1},      {UINT64_MAX, 1 << 20, 1}, {5, 1 << 20, 5},
                  {1, 1, 1},          {4097, 4096 * 32, 1},     {1 << 20, 16 << 20, 1024},
                  {3, 1 << 20, 2}};

    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct cache_options options = {.policy = CACHE_POLICY_direct,
                                        .max_entries = bounds[i].max_entries,
                                        .max_bytes = bounds[i].max_bytes,
                                        .n_shards = bounds[i].n_shards,
                                        .key_bytes = 8,
                                        .value_bytes = 8};
        struct cache *cache;
        uint64_t n_places, share;

        assert_int_equal(cache_create(&options, &cache), 0);
        share = cache_entry_bytes(cache, 8, 8);
        assert_int_equal(share, 32);
        n_places = (uint64_t)cache->shards[0].table.order.n_slots * cache->n_shards;
        assert_true(n_places * share <= bounds[i].max_bytes || n_places == cache->n_shards);
        assert_true(n_places >= bounds[i].max_entries ||
                    2 * n_places * share > bounds[i].max_bytes);
        cache_destroy(cache);
    }
}

/* No memory could hold so many; as with every policy, what is never used costs nothing. */
static void test_bounds_beyond_all_memory(void **state)
{
    struct cache_options options = {.policy = CACHE_POLICY_direct,
                                    .max_entries = UINT64_MAX,
                                    .max_bytes = UINT64_MAX,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct cache_words words;
    struct cache *cache;

    NEED(!has_shadow_memory(), "a tool's own memory is as large");
    for (options.n_shards = 0; options.n_shards < 2; options.n_shards++) {
        assert_int_equal(cache_create(&options, &cache), 0);
        assert_true(cache_words_init(&words, cache));
        assert_true(words.place_shard_shift < 64);
        for (uint64_t number = 0; number < 100; number++) {
            assert_false(call(cache, &kinds[0], number));
            assert_true(call(cache, &kinds[0], number));
        }
        cache_destroy(cache);
    }
}

/* Where bytes are bounded, the oldest entries go, wherever they are in the shard. */
static void test_the_oldest_goes_when_bytes_are_short(void **state)
{
    const struct kind *kind = &kinds[5];
    struct cache_options options = {
        .policy = CACHE_POLICY_direct, .max_entries = 1024, .n_shards = 1, .has_lives = true};
    uint64_t born[600], n_live = 0, oldest = 0;
    struct model model = model_of(1024, 1);
    struct cache *cache;

    options.max_bytes = 64 << 20;
    assert_int_equal(cache_create(&options, &cache), 0);
    options.max_bytes = 100 * cache_entry_bytes(cache, 20, MAX_VALUE_BYTES);
    cache_destroy(cache);
    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint64_t number = 0; number < 600; number++) {
        struct made_key made;
        size_t place = model_place(&model, make_key(&made, number, 0)->hash);
        struct cache_usage usage;

        assert_false(call(cache, kind, number));
        n_live += model.keys[place] == UINT64_MAX;
        model.keys[place] = number;
        born[number] = place;
        cache_read_usage(cache, &usage);
        while (n_live > usage.entries) { /* as many as the bound took; these must be the oldest */
            if (model.keys[born[oldest]] == oldest) {
                model.keys[born[oldest]] = UINT64_MAX;
                n_live--;
            }
            oldest++;
        }
        assert_true(usage.bytes <= options.max_bytes);
    }
    assert_true(oldest > 300);
    for (size_t place = 0; place < 1024; place++) {
        assert_int_equal(shared_load(table_slot(&cache->shards[0].table, (uint32_t)place)) != 0,
                         model.keys[place] != UINT64_MAX);
    }
    assert_int_equal(cache_check(cache), 0);
    free(model.keys);
    cache_destroy(cache);
}

/* A thread that a fork has taken was changing one shard: that one is empty, the others stay. */
static void test_a_torn_shard_is_empty(void **state)
{
    const struct kind *kind = &kinds[1];
    struct cache *cache = create_kind(kind, 256, 4);
    struct shard *torn = &cache->shards[2];
    struct cache_usage usage;
    uint32_t n_others;

    for (uint64_t number = 0; number < 300; number++) {
        call(cache, kind, number);
    }
    cache_read_usage(cache, &usage);
    n_others = (uint32_t)usage.entries - torn->table.n_live;
    shard_begin_change(torn);
    shared_store(table_slot(&torn->table, 0), cache->generation);
    memset(torn->table.order.state, 0xa5, cache->policy->state_bytes(torn->table.order.n_slots));
    torn->table.n_live += 5;
    cache_after_fork(cache);
    assert_int_equal(torn->table.n_live, 0);
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.entries, n_others);
    assert_int_equal(cache_check(cache), 0);
    for (uint64_t number = 0; number < 300; number++) {
        call(cache, kind, number);
        assert_true(call(cache, kind, number));
    }
    assert_true(torn->table.n_live > 0);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* Of a secret nothing stays at the place: not when it is overwritten, nor when all is cleared. */
static void test_places_are_wiped(void **state)
{
    const struct kind *kind = &kinds[6];
    struct cache *cache = create_kind(kind, 64, 1);
    const struct table *table = &cache->shards[0].table;
    size_t n_bytes = (size_t)table->order.n_slots * cache->layout.slot_bytes;

    for (uint64_t number = 0; number < 50; number++) {
        call(cache, kind, number);
    }
    assert_true(table->n_live > 20);
    cache_clear(cache);
    for (size_t i = 0; i < n_bytes; i++) {
        assert_int_equal(table->order.slots[i], 0);
    }
    assert_false(call(cache, kind, 1));
    assert_true(call(cache, kind, 1));
    cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_comes_overwrites),
        cmocka_unit_test(test_every_place_is_reached),
        cmocka_unit_test(test_invalidation),
        cmocka_unit_test(test_places_fit_into_the_bytes),
        cmocka_unit_test(test_bounds_beyond_all_memory),
        cmocka_unit_test(test_the_oldest_goes_when_bytes_are_short),
        cmocka_unit_test(test_a_torn_shard_is_empty),
        cmocka_unit_test(test_places_are_wiped),
    };

    return cmocka_run_group_tests_name("cache_places", tests, NULL, NULL);
}
