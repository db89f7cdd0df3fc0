// SPDX-License-Identifier: MIT
/*
 * The cache against its model: both are driven by the same random operations on a driven clock, and
 * must agree at every step, under every policy.
 */
#include "cache_model.h"
#include "each_policy.h"

#include <stdlib.h>

static void fill_value(unsigned char *value, uint64_t content, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        value[i] = (unsigned char)(content >> (i % 8 * 8)) ^ (unsigned char)(i / 8);
    }
}

static void assert_value(const struct cache_view *view, const struct model_entry *entry)
{
    static unsigned char expected[100000];

    assert_int_equal(view->n_bytes, entry->n_value_bytes);
    fill_value(expected, entry->content, entry->n_value_bytes);
    assert_memory_equal(view->data, expected, entry->n_value_bytes);
    assert_int_equal((uintptr_t)view->data % 8, 0);
}

static void assert_same_numbers(struct cache *cache, const struct model *model)
{
    struct cache_usage usage;

    cache_read_usage(cache, &usage);
    assert_int_equal(usage.entries, model->n);
    assert_int_equal(usage.bytes, model->n_bytes);
    assert_int_equal(usage.evictions, model->n_evictions);
    assert_int_equal(usage.expirations, model->n_expirations);
    assert_int_equal(usage.invalidations, model->n_invalidations);
}

/* Reads every entry of the model once, and notes that in the model, too. */
static void assert_same_content(struct cache *cache, struct model *model, uint64_t *now)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;
    uint64_t *keys = malloc((model->n + 1) * sizeof(keys[0]));

    for (uint32_t i = 0; i < model->n; i++) {
        keys[i] = model->entries[i].key;
    }
    for (uint32_t i = 0, n = model->n; i < n; i++) {
        uint32_t at = (uint32_t)model_find(model, keys[i]);

        *now += 16;
        if (!model_expired(&model->entries[at], *now)) {
            assert_int_equal(look_up(cache, make_key(&made, keys[i], model->n_key_bytes), *now,
                                     room, &view, &ticket),
                             CACHE_HIT);
            assert_value(&view, &model->entries[at]);
            cache_view_release(cache, &view);
            model_use(model, at, *now);
        }
    }
    free(keys);
    assert_int_equal(cache_check(cache), 0);
}

struct scenario {
    enum cache_policy policy;
    uint32_t n_key_bytes, n_value_bytes; /* as in the options */
    uint32_t n_keys, n_operations;
    uint64_t max_entries, max_bytes, ttl_ns, idle_ns;
    uint32_t max_value_bytes;
    bool secret;
    bool lives_differ; /* ttl_ns is their mean */
};

static uint32_t random_size(const struct scenario *scenario)
{
    static const uint32_t limits[] = {1, 9, 65, 65, 200, 200, 1000, 5000};
    uint32_t limit = limits[random_below(8)];

    if (scenario->n_value_bytes != 0) {
        return scenario->n_value_bytes;
    }
    if (random_below(200) == 0) {
        limit = scenario->max_value_bytes;
    }
    return random_below(limit < scenario->max_value_bytes ? limit : scenario->max_value_bytes);
}

/* No time comes twice within a life, so that it is always clear who expires first: steps are of
 * 16, but for those back, each of which begins another residue. All are even.
 */
static uint64_t random_clock(uint64_t now)
{
    switch (random_below(1000)) {
    case 0:
        return now + 1000000; /* far into the future: everything has expired */
    case 1:
        return now > 5002 ? now - 5002 : now; /* back: nothing expires for a while */
    default:
        return now + 16 * (1 + random_below(4));
    }
}

/* None, an end that has come already, or an odd one that no other entry has. */
static uint64_t random_end(const struct scenario *scenario, const struct model *model, uint64_t now)
{
    uint64_t end = now + scenario->ttl_ns;
    uint32_t at = 0;

    if (scenario->ttl_ns == 0) {
        return CACHE_NO_END;
    }
    if (!scenario->lives_differ) {
        return end;
    }
    switch (random_below(40)) {
    case 0:
        return now;
    case 1:
        return now / 2;
    case 2:
    case 3:
        return CACHE_NO_END;
    default:
        end = now + 1 + 2 * random_below(random_below(2) ? (uint32_t)scenario->ttl_ns : 50);
    }
    while (at < model->n) {
        at = model->entries[at].expires_ns == end ? 0 : at + 1;
        end += at == 0 ? 2 : 0;
    }
    return end;
}

static void drive(const struct scenario *scenario)
{
    static unsigned char value[100000];
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_options options = {
        .policy = scenario->policy,
        .max_entries = scenario->max_entries,
        .max_bytes = scenario->max_bytes,
        .has_lives = scenario->ttl_ns + scenario->idle_ns != 0,
        .idle_ns = scenario->idle_ns,
        .n_shards = 1,
        .key_bytes = scenario->n_key_bytes,
        .value_bytes = scenario->n_value_bytes,
        .secret = scenario->secret,
        .seed = SEED,
    };
    struct model model = {
        .entries = calloc(scenario->max_entries + 1, sizeof(struct model_entry)),
        .policy = scenario->policy,
        .n_key_bytes = scenario->n_key_bytes,
        .max_entries = scenario->max_entries,
        .max_bytes = scenario->max_bytes,
    };
    uint32_t n_operations = scenario->n_operations / (scenario->policy == CACHE_POLICY_lru ? 1 : 5);
    struct cache *cache;
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;
    uint64_t now = 0, n_hits = 0;

    random_state = 0x9e3779b97f4a7c15u;
    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint32_t step = 0; step < n_operations; step++) {
        /* Two ranges of keys, one of them popular. */
        uint64_t number = random_below(random_below(2) ? scenario->n_keys : scenario->n_keys / 8);
        struct cache_key *key = make_key(&made, number, scenario->n_key_bytes);
        struct model_entry entry = {
            .key = number,
            .content = random_next(),
            .n_value_bytes = random_size(scenario),
            .idle_ns = scenario->idle_ns,
        };
        bool overwrite = random_below(16) == 0;
        const struct model_entry *found;
        struct cache_life life = {0};
        enum cache_outcome outcome;
        int result;

        now = random_clock(now);
        if (random_below(20000) == 0) {
            cache_clear(cache);
            model.n_invalidations += model.n;
            model.n = 0;
            model.n_bytes = 0;
        }
        found = model_look_up(&model, number, now);
        outcome = look_up(cache, key, now, room, &view, &ticket);
        assert_int_equal(outcome, found != NULL ? CACHE_HIT : CACHE_MISS);
        if (outcome == CACHE_HIT) {
            n_hits++;
            assert_value(&view, found);
            cache_view_release(cache, &view);
            if (overwrite) {
                /* As a second caller would that missed before the first one's insert. */
                struct made_key unknown;

                assert_int_equal(look_up(cache, make_key(&unknown, UINT64_MAX, options.key_bytes),
                                         now, room, &view, &ticket),
                                 CACHE_MISS);
            }
        }
        if (outcome == CACHE_MISS || overwrite) {
            entry.n_bytes =
                cache_entry_bytes(cache, (uint32_t)key->bytes.n_bytes, entry.n_value_bytes);
            fill_value(value, entry.content, entry.n_value_bytes);
            entry.used_ns = now;
            life.expires_ns = entry.expires_ns = random_end(scenario, &model, now);
            result = cache_insert(cache, key, (struct bytes){value, entry.n_value_bytes}, now,
                                  scenario->ttl_ns == 0 ? NULL : &life, &ticket);
            assert_int_equal(result, model_insert(&model, entry, now, cache));
        }
        assert_same_numbers(cache, &model);
        if (step % 100 == 0) {
            assert_same_content(cache, &model, &now);
        }
    }
    assert_true(n_hits > n_operations / 20);
    assert_true(model.n_evictions > 100);
    cache_destroy(cache);
    free(model.entries);
}

static void test_model_flat(void **state)
{
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_key_bytes = 8,
                             .n_value_bytes = 8,
                             .n_keys = 400,
                             .n_operations = 200000,
                             .max_entries = 110,
                             .max_bytes = 1 << 20});
}

static void test_model_flat_lives(void **state)
{
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_key_bytes = 8,
                             .n_value_bytes = 8,
                             .n_keys = 400,
                             .n_operations = 200000,
                             .max_entries = 100,
                             .max_bytes = 1 << 20,
                             .ttl_ns = 5000});
}

static void test_model_each_its_life(void **state)
{
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_key_bytes = 8,
                             .n_value_bytes = 8,
                             .n_keys = 400,
                             .n_operations = 200000,
                             .max_entries = 100,
                             .max_bytes = 1 << 20,
                             .ttl_ns = 4000,
                             .lives_differ = true});
}

/* Few entries: an insert looks at all of them, to find those that were not used. */
static void test_model_idle(void **state)
{
    struct scenario scenario = {.policy = policy_of_state(state),
                                .n_key_bytes = 8,
                                .n_value_bytes = 8,
                                .n_keys = 60,
                                .n_operations = 100000,
                                .max_entries = 16,
                                .max_bytes = 1 << 20,
                                .idle_ns = 1200};

    drive(&scenario);
    scenario.ttl_ns = 2000;
    scenario.lives_differ = true;
    scenario.n_key_bytes = 0;
    drive(&scenario);
}

static void test_model_bytes(void **state)
{
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_keys = 400,
                             .n_operations = 200000,
                             .max_entries = 150,
                             .max_bytes = 30000,
                             .max_value_bytes = 90000,
                             .ttl_ns = 9000});
}

static void test_model_secret(void **state)
{
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_key_bytes = 16,
                             .n_keys = 300,
                             .n_operations = 30000,
                             .max_entries = 77,
                             .max_bytes = 40000,
                             .max_value_bytes = 3000,
                             .ttl_ns = 9000,
                             .secret = true});
}

static void test_model_odd_sizes(void **state)
{
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_key_bytes = 61,
                             .n_value_bytes = 13,
                             .n_keys = 300,
                             .n_operations = 20000,
                             .max_entries = 40,
                             .max_bytes = 1 << 20});
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_key_bytes = 70,
                             .n_value_bytes = 65,
                             .n_keys = 300,
                             .n_operations = 20000,
                             .max_entries = 1000,
                             .max_bytes = 10000});
}

/* Short ones lie in the slots, the others in blocks. */
static void test_model_keys_differ_in_size(void **state)
{
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_value_bytes = 8,
                             .n_keys = 400,
                             .n_operations = 100000,
                             .max_entries = 110,
                             .max_bytes = 9000});
    drive(&(struct scenario){.policy = policy_of_state(state),
                             .n_value_bytes = 13,
                             .n_keys = 400,
                             .n_operations = 20000,
                             .max_entries = 110,
                             .max_bytes = 1 << 20,
                             .ttl_ns = 9000,
                             .secret = true});
}

int main(void)
{
    static struct policy_tests tests;

    add_for_each_policy(&tests, "model_flat", test_model_flat);
    add_for_each_policy(&tests, "model_flat_lives", test_model_flat_lives);
    add_for_each_policy(&tests, "model_each_its_life", test_model_each_its_life);
    add_for_each_policy(&tests, "model_idle", test_model_idle);
    add_for_each_policy(&tests, "model_bytes", test_model_bytes);
    add_for_each_policy(&tests, "model_secret", test_model_secret);
    add_for_each_policy(&tests, "model_odd_sizes", test_model_odd_sizes);
    add_for_each_policy(&tests, "model_keys_differ_in_size", test_model_keys_differ_in_size);
    return _cmocka_run_group_tests("cache", tests.tests, tests.n, NULL, NULL);
}
