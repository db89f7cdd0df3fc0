// SPDX-License-Identifier: MIT
/*
 * The cache against a model: a plain list that is searched from end to end, kept by the rules of
 * cachetools' TTLCache with the sizes that cache_entry_bytes names. Both are driven by the same
 * random operations on a driven clock, and must agree at every step, under every policy. The
 * victims of policies with exact rules are foretold; of the others it is proved that nothing leaves
 * without need.
 */
#include "each_policy.h"

#include "base/hash.h"
#include "cache/cache_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 0x5eed

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)((random_next() >> 32) * n >> 32);
}

/* Key number i: 8 bytes, or i's decimal digits and as many dots as make i % 50 bytes of it. */
struct made_key {
    unsigned char text[80];
    struct cache_key key;
};

static struct cache_key *make_key(struct made_key *made, uint64_t i, uint32_t n_fixed_bytes)
{
    size_t n_bytes = 8;

    if (n_fixed_bytes == 8) {
        memcpy(made->text, &i, 8);
    } else {
        n_bytes = (size_t)snprintf((char *)made->text, sizeof(made->text), "%llu%.*s",
                                   (unsigned long long)i, (int)(i % 50),
                                   "..................................................");
        if (n_fixed_bytes != 0) {
            memset(made->text + n_bytes, '_', sizeof(made->text) - n_bytes);
            n_bytes = n_fixed_bytes;
        }
    }
    made->key.bytes = (struct bytes){made->text, n_bytes};
    made->key.hash = hash_bytes(made->key.bytes, SEED);
    return &made->key;
}

static enum cache_outcome look_up(struct cache *cache, const struct cache_key *key, uint64_t now_ns,
                                  void *room, struct cache_view *view, struct cache_ticket *ticket)
{
    struct cache_lookup_options options = {
        .now_ns = now_ns,
        .owner = &random_state,
        .may_wait = true,
        .wait_timeout_ns = 1000000000,
        .room = room,
    };

    return cache_lookup(cache, key, &options, view, ticket);
}

/* ---- the model ---- */

struct model_entry {
    uint64_t key;
    uint64_t content; /* every value is this number's bytes, repeated */
    uint32_t n_value_bytes;
    uint64_t n_bytes;
    uint64_t expires_ns, used_ns;
    uint64_t idle_ns; /* 0: use does not matter */
    uint64_t count;   /* as lfu counts; for others: it was used since it came */
    uint64_t created; /* a number that grows */
};

struct model {
    struct model_entry *entries; /* the least recently used in front; else: in any order */
    uint32_t n;
    enum cache_policy policy;
    uint32_t n_key_bytes;
    uint64_t n_created;
    uint64_t hand; /* of sieve: the first created from here on is asked next; 0: the oldest */
    uint64_t n_bytes, max_bytes, max_entries;
    uint64_t n_evictions, n_expirations, n_invalidations;
};

static uint64_t model_end(const struct model_entry *entry)
{
    uint64_t idle_end = cache_end_ns(entry->used_ns, entry->idle_ns);

    return entry->idle_ns == 0 || entry->expires_ns < idle_end ? entry->expires_ns : idle_end;
}

static bool model_expired(const struct model_entry *entry, uint64_t now)
{
    return now >= model_end(entry);
}

static struct model_entry model_take(struct model *model, uint32_t at)
{
    struct model_entry entry = model->entries[at];

    memmove(&model->entries[at], &model->entries[at + 1],
            (model->n - at - 1) * sizeof(model->entries[0]));
    model->n--;
    model->n_bytes -= entry.n_bytes;
    if (model->n == 0 || model->entries[model->n - 1].created < model->hand) {
        model->hand = 0;
    }
    return entry;
}

static void model_append(struct model *model, struct model_entry entry)
{
    model->entries[model->n++] = entry;
    model->n_bytes += entry.n_bytes;
}

static int64_t model_find(const struct model *model, uint64_t key)
{
    for (uint32_t i = 0; i < model->n; i++) {
        if (model->entries[i].key == key) {
            return i;
        }
    }
    return -1;
}

static const struct model_entry *model_use(struct model *model, uint32_t at, uint64_t now)
{
    model->entries[at].count++;
    if (model->entries[at].used_ns < now) {
        model->entries[at].used_ns = now;
    }
    if (model->policy == CACHE_POLICY_lru || model->policy == CACHE_POLICY_mru) {
        model_append(model, model_take(model, at));
        return &model->entries[model->n - 1];
    }
    return &model->entries[at];
}

static const struct model_entry *model_look_up(struct model *model, uint64_t key, uint64_t now)
{
    int64_t at = model_find(model, key);

    if (at < 0) {
        return NULL;
    }
    if (model_expired(&model->entries[at], now)) {
        model_take(model, (uint32_t)at);
        model->n_expirations++;
        return NULL;
    }
    return model_use(model, (uint32_t)at, now);
}

static bool model_expire_first(struct model *model, uint64_t now)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < model->n; i++) {
        if (model_end(&model->entries[i]) < model_end(&model->entries[first])) {
            first = i;
        }
    }
    if (model->n == 0 || !model_expired(&model->entries[first], now)) {
        return false;
    }
    model_take(model, first);
    model->n_expirations++;
    return true;
}

static bool is_first_to_go(const struct model *model, uint32_t at, uint32_t other)
{
    const struct model_entry *entry = &model->entries[at], *rival = &model->entries[other];

    switch (model->policy) {
    case CACHE_POLICY_mru:
        return at > other;
    case CACHE_POLICY_lfu:
        return entry->count != rival->count ? entry->count < rival->count
                                            : entry->created < rival->created;
    case CACHE_POLICY_fifo:
        return entry->created < rival->created;
    case CACHE_POLICY_sieve:
        return false;
    default:
        return at < other;
    }
}

static bool model_foretells(const struct model *model)
{
    return model->policy == CACHE_POLICY_lru || model->policy == CACHE_POLICY_mru ||
           model->policy == CACHE_POLICY_lfu || model->policy == CACHE_POLICY_fifo ||
           model->policy == CACHE_POLICY_sieve;
}

static bool model_is_full(const struct model *model, uint64_t n_more_entries, uint64_t n_more_bytes)
{
    return model->n + n_more_entries > model->max_entries ||
           model->n_bytes + n_more_bytes > model->max_bytes;
}

/* Who is asked has its uses taken away; who has none goes. The list is in order of creation. */
static uint32_t model_sieve(struct model *model)
{
    uint32_t at = 0;

    while (model->entries[at].created < model->hand) {
        at++;
    }
    while (model->entries[at].count > 1) {
        model->entries[at].count = 1;
        at = at + 1 == model->n ? 0 : at + 1;
    }
    model->hand = model->entries[at].created;
    return at;
}

static void model_evict(struct model *model)
{
    uint32_t first = model->policy == CACHE_POLICY_sieve ? model_sieve(model) : 0;

    for (uint32_t i = 1; i < model->n; i++) {
        first = is_first_to_go(model, i, first) ? i : first;
    }
    model_take(model, first);
    model->n_evictions++;
}

/* Takes out what is gone from the cache, without using anything there. */
static void model_follow(struct model *model, const struct cache *cache, uint64_t now,
                         const struct model_entry *added)
{
    uint64_t largest = 0;
    uint32_t n_gone = 0;

    for (uint32_t i = 0; i < model->n;) {
        struct made_key made;
        const struct cache_key *key = make_key(&made, model->entries[i].key, model->n_key_bytes);

        if (table_find(&cache->shards[0].table, key->bytes, key->hash) != TABLE_NO_SLOT) {
            i++;
            continue;
        }
        if (model_expired(&model->entries[i], now)) {
            assert_true(cache->policy->one_per_place);
            model_take(model, i);
            model->n_expirations++;
            continue;
        }
        n_gone++;
        largest = model->entries[i].n_bytes > largest ? model->entries[i].n_bytes : largest;
        model_take(model, i);
        model->n_evictions++;
    }
    /* The last of them had to go, too. */
    assert_true(n_gone == 0 || cache->policy->one_per_place ||
                model_is_full(model, 2, added->n_bytes + largest));
}

/* After the cache has inserted it. */
static int model_insert(struct model *model, struct model_entry entry, uint64_t now,
                        const struct cache *cache)
{
    int64_t at;

    if (model_expired(&entry, now)) {
        return -ETIME;
    }
    if (entry.n_bytes > model->max_bytes) {
        return -E2BIG;
    }
    for (int i = 0; i < 2 && model_expire_first(model, now); i++) {
    }
    entry.count = 1;
    entry.created = ++model->n_created;
    at = model_find(model, entry.key);
    if (at >= 0) {
        bool has_expired = model_expired(&model->entries[at], now);
        struct model_entry old = model_take(model, (uint32_t)at);

        model->n_expirations += has_expired;
        if (!has_expired && model->policy == CACHE_POLICY_lfu) {
            entry.count = old.count + 1;
            entry.created = old.created;
        }
        entry.count += !has_expired && model->policy == CACHE_POLICY_sieve;
    }
    if (cache->policy->one_per_place) {
        model_follow(model, cache, now, &entry);
    }
    while (model_is_full(model, 1, entry.n_bytes)) {
        if (model_expire_first(model, now)) {
            continue;
        }
        if (model_foretells(model)) {
            model_evict(model);
        } else {
            model_follow(model, cache, now, &entry);
            break;
        }
    }
    assert_false(model_is_full(model, 1, entry.n_bytes));
    model_append(model, entry);
    return 0;
}

/* ---- the comparison ---- */

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

/* ---- bounds ---- */

static void fill(struct cache *cache, uint64_t from, uint64_t to, uint32_t n_key_bytes)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;

    for (uint64_t i = from; i < to; i++) {
        struct cache_key *key = make_key(&made, i, n_key_bytes);

        assert_int_equal(look_up(cache, key, 0, room, &view, &ticket), CACHE_MISS);
        assert_int_equal(cache_insert(cache, key, (struct bytes){&i, 8}, 0, NULL, &ticket), 0);
    }
}

static bool holds(struct cache *cache, uint64_t i, uint32_t n_key_bytes)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;
    enum cache_outcome outcome =
        look_up(cache, make_key(&made, i, n_key_bytes), 0, room, &view, &ticket);

    if (outcome == CACHE_MISS) {
        cache_abandon(cache, &ticket);
        return false;
    }
    assert_int_equal(outcome, CACHE_HIT);
    assert_memory_equal(view.data, &i, 8);
    cache_view_release(cache, &view);
    return true;
}

static void test_holds_any_keys(void **state)
{
    static const uint32_t shards[] = {0, 1, 2, 7, 64};

    for (uint32_t i = 0; i < sizeof(shards) / sizeof(shards[0]); i++) {
        struct cache_options options = {.policy = policy_of_state(state),
                                        .max_entries = 4096,
                                        .max_bytes = 64 << 20,
                                        .n_shards = shards[i],
                                        .key_bytes = 8,
                                        .value_bytes = 8,
                                        .single_flight = true};
        struct cache *cache;
        struct cache_usage usage;

        assert_int_equal(cache_create(&options, &cache), 0);
        fill(cache, 0, 4096, 8);
        cache_read_usage(cache, &usage);
        assert_int_equal(usage.entries, 4096);
        assert_int_equal(usage.evictions, 0);
        for (uint64_t key = 0; key < 4096; key++) {
            assert_true(holds(cache, key, 8));
        }
        fill(cache, 4096, 4196, 8);
        cache_read_usage(cache, &usage);
        assert_int_equal(usage.entries, 4096);
        assert_int_equal(usage.evictions, 100);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* All keys in one shard of many: their hashes agree in the bits that choose it. */
static void test_holds_one_sided_keys(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = 3000,
                                    .max_bytes = 64 << 20,
                                    .n_shards = 16,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct cache *cache;
    struct cache_usage usage;
    struct cache_view view;
    struct cache_ticket ticket;
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];

    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint64_t i = 0; i < 3100; i++) {
        struct made_key made;
        struct cache_key *key = make_key(&made, i, 8);

        /* The last hundred go to another shard, which has nothing to evict of its own. */
        key->hash = (key->hash & ~(uint64_t)0xffff00) | (i < 3000 ? 0 : 0xffff00);
        assert_int_equal(look_up(cache, key, 0, room, &view, &ticket), CACHE_MISS);
        assert_int_equal(cache_insert(cache, key, (struct bytes){&i, 8}, 0, NULL, &ticket), 0);
        cache_read_usage(cache, &usage);
        assert_int_equal(usage.entries, i < 3000 ? i + 1 : 3000);
    }
    /* The first of them found its shard empty; after that the shard evicted its own. */
    assert_int_equal(usage.evictions, 100);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_too_large_changes_nothing(void **state)
{
    static unsigned char large[20000];
    struct cache_options options = {
        .policy = policy_of_state(state), .max_entries = 10, .max_bytes = 10000, .n_shards = 1};
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache *cache;
    struct cache_view view;
    struct cache_ticket ticket;
    struct cache_usage usage;
    struct made_key made;

    assert_int_equal(cache_create(&options, &cache), 0);
    fill(cache, 0, 5, 0);
    look_up(cache, make_key(&made, 99, 0), 0, room, &view, &ticket);
    assert_int_equal(cache_insert(cache, make_key(&made, 3, 0),
                                  (struct bytes){large, sizeof(large)}, 0, NULL, &ticket),
                     -E2BIG);
    for (uint64_t i = 0; i < 5; i++) {
        assert_true(holds(cache, i, 0));
    }
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.evictions, 0);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

static void test_bad_options(void **state)
{
    struct cache_options options = {.max_entries = 0, .max_bytes = 1};
    struct cache *cache = NULL;

    assert_int_equal(cache_create(&options, &cache), -EINVAL);
    options = (struct cache_options){.max_entries = 1, .max_bytes = 0};
    assert_int_equal(cache_create(&options, &cache), -EINVAL);
    options =
        (struct cache_options){.max_entries = 1, .max_bytes = 1, .policy = CACHE_POLICY_COUNT};
    assert_int_equal(cache_create(&options, &cache), -EINVAL);
    assert_null(cache);
    /* Bounds beyond all memory cost nothing until they are used. */
    options = (struct cache_options){.max_entries = UINT64_MAX, .max_bytes = UINT64_MAX};
    assert_int_equal(cache_create(&options, &cache), 0);
    fill(cache, 0, 10, 0);
    assert_true(holds(cache, 3, 0));
    cache_destroy(cache);
}

/* The promise of a flat entry: 40 bytes for 8 of key and 8 of value, index and order included. */
static void test_flat_entry_bytes(void **state)
{
    struct cache_options options = {
        .max_entries = 100000, .max_bytes = 64 << 20, .key_bytes = 8, .value_bytes = 8};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    assert_true(cache_entry_bytes(cache, 8, 8) <= 40);
    cache_destroy(cache);
}

/* ---- lives ---- */

static enum cache_outcome outcome_at(struct cache *cache, uint64_t i, uint64_t now)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;
    enum cache_outcome outcome = look_up(cache, make_key(&made, i, 8), now, room, &view, &ticket);

    if (outcome == CACHE_MISS) {
        cache_abandon(cache, &ticket);
    }
    return outcome;
}

static void insert_at(struct cache *cache, uint64_t i, uint64_t now)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    struct cache_ticket ticket;
    struct made_key made;

    assert_int_equal(look_up(cache, make_key(&made, i, 8), now, room, &view, &ticket), CACHE_MISS);
    assert_int_equal(cache_insert(cache, &made.key, (struct bytes){&i, 8}, now,
                                  &(struct cache_life){.expires_ns = cache_end_ns(now, 100)},
                                  &ticket),
                     0);
}

static void test_edges_of_time(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = 10,
                                    .max_bytes = 1 << 20,
                                    .has_lives = true,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    struct cache_usage usage;
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    insert_at(cache, 1, 0);
    assert_int_equal(outcome_at(cache, 1, 0), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 1, 99), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 1, 100), CACHE_MISS);
    assert_int_equal(outcome_at(cache, 1, 99), CACHE_MISS); /* it was removed */

    /* Set back: an entry lives on as long as its time says. */
    insert_at(cache, 2, 5000);
    assert_int_equal(outcome_at(cache, 2, 0), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 2, 5099), CACHE_HIT);
    /* An entry that was added after the clock was set back expires before those from earlier. */
    insert_at(cache, 3, 1000);
    assert_int_equal(outcome_at(cache, 3, 1100), CACHE_MISS);
    assert_int_equal(outcome_at(cache, 2, 1100), CACHE_HIT);

    /* The end of time does not wrap around to its beginning. */
    insert_at(cache, 4, UINT64_MAX - 50);
    assert_int_equal(outcome_at(cache, 4, UINT64_MAX - 1), CACHE_HIT);
    assert_int_equal(outcome_at(cache, 4, UINT64_MAX), CACHE_MISS);
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.expirations, 4); /* the insert before removed 2 */
    assert_int_equal(usage.evictions, 0);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* What has expired goes first, although it lies in another shard than the live and the new. */
static void test_expired_first_across_shards(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = 64,
                                    .max_bytes = 1 << 20,
                                    .has_lives = true,
                                    .n_shards = 8,
                                    .key_bytes = 8,
                                    .value_bytes = 8};
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_usage usage;
    struct cache_view view;
    struct cache_ticket ticket;
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    for (uint64_t i = 0; i < 96; i++) {
        uint64_t now = i < 32 ? 0 : i < 64 ? 500 : 1200;
        struct made_key made;
        struct cache_key *key = make_key(&made, i, 8);

        /* The first 32 in the last shard, all others in the first one. */
        key->hash = (key->hash & ~(uint64_t)0xffff00) | (i < 32 ? 0xffff00 : 0);
        assert_int_equal(look_up(cache, key, now, room, &view, &ticket), CACHE_MISS);
        assert_int_equal(cache_insert(cache, key, (struct bytes){&i, 8}, now,
                                      &(struct cache_life){.expires_ns = now + 1000}, &ticket),
                         0);
    }
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.entries, 64);
    assert_int_equal(usage.evictions, 0);
    assert_int_equal(usage.expirations, 32);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
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
    add_for_policies_with_room(&tests, "holds_any_keys", test_holds_any_keys);
    add_for_policies_with_room(&tests, "holds_one_sided_keys", test_holds_one_sided_keys);
    add_for_each_policy(&tests, "too_large_changes_nothing", test_too_large_changes_nothing);
    add_for_each_policy(&tests, "edges_of_time", test_edges_of_time);
    add_for_policies_with_room(&tests, "expired_first_across_shards",
                               test_expired_first_across_shards);
    tests.tests[tests.n++] = (struct CMUnitTest)cmocka_unit_test(test_bad_options);
    tests.tests[tests.n++] = (struct CMUnitTest)cmocka_unit_test(test_flat_entry_bytes);
    return _cmocka_run_group_tests("cache", tests.tests, tests.n, NULL, NULL);
}
