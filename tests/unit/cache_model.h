// SPDX-License-Identifier: MIT
/*
 * A model of a cache with one shard: a plain list that is searched from end to end, kept by the
 * rules of cachetools' TTLCache with the sizes that cache_entry_bytes names. It foretells the
 * victims of policies with exact rules; of the others it takes what the cache has done, and demands
 * that nothing left without need.
 */
#ifndef TESTS_UNIT_CACHE_MODEL_H
#define TESTS_UNIT_CACHE_MODEL_H

#include "cache_keys.h"

#include <errno.h>

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

static inline uint64_t model_end(const struct model_entry *entry)
{
    uint64_t idle_end = cache_end_ns(entry->used_ns, entry->idle_ns);

    return entry->idle_ns == 0 || entry->expires_ns < idle_end ? entry->expires_ns : idle_end;
}

static inline bool model_expired(const struct model_entry *entry, uint64_t now)
{
    return now >= model_end(entry);
}

static inline struct model_entry model_take(struct model *model, uint32_t at)
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

static inline void model_append(struct model *model, struct model_entry entry)
{
    model->entries[model->n++] = entry;
    model->n_bytes += entry.n_bytes;
}

static inline int64_t model_find(const struct model *model, uint64_t key)
{
    for (uint32_t i = 0; i < model->n; i++) {
        if (model->entries[i].key == key) {
            return i;
        }
    }
    return -1;
}

static inline const struct model_entry *model_use(struct model *model, uint32_t at, uint64_t now)
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

static inline const struct model_entry *model_look_up(struct model *model, uint64_t key,
                                                      uint64_t now)
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

static inline bool model_expire_first(struct model *model, uint64_t now)
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

static inline bool is_first_to_go(const struct model *model, uint32_t at, uint32_t other)
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

static inline bool model_foretells(const struct model *model)
{
    return model->policy == CACHE_POLICY_lru || model->policy == CACHE_POLICY_mru ||
           model->policy == CACHE_POLICY_lfu || model->policy == CACHE_POLICY_fifo ||
           model->policy == CACHE_POLICY_sieve;
}

static inline bool model_is_full(const struct model *model, uint64_t n_more_entries,
                                 uint64_t n_more_bytes)
{
    return model->n + n_more_entries > model->max_entries ||
           model->n_bytes + n_more_bytes > model->max_bytes;
}

/* Who is asked has its uses taken away; who has none goes. The list is in order of creation. */
static inline uint32_t model_sieve(struct model *model)
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

static inline void model_evict(struct model *model)
{
    uint32_t first = model->policy == CACHE_POLICY_sieve ? model_sieve(model) : 0;

    for (uint32_t i = 1; i < model->n; i++) {
        first = is_first_to_go(model, i, first) ? i : first;
    }
    model_take(model, first);
    model->n_evictions++;
}

/* Takes out what is gone from the cache, without using anything there. */
static inline void model_follow(struct model *model, const struct cache *cache, uint64_t now,
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
static inline int model_insert(struct model *model, struct model_entry entry, uint64_t now,
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

#endif
