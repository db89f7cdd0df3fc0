// SPDX-License-Identifier: MIT
/*
 * A cache of numbers, driven from standard input, for comparison with other implementations. The
 * first line is "POLICY MAX_ENTRIES TTL"; then one operation a line, each with the time at which it
 * happens, answered by one line: g NOW KEY        the value, or "-" s NOW KEY VALUE  "+" k NOW
 * every key that is visible, ascending, without using any
 */
#include "base/hash.h"
#include "cache/cache_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct cache_key key_of(const uint64_t *number)
{
    struct cache_key key = {.bytes = {number, sizeof(*number)}};

    key.hash = hash_bytes(key.bytes, 1);
    return key;
}

static void get(struct cache *cache, uint64_t now, uint64_t number)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = key_of(&number);
    struct cache_lookup_options options = {.now_ns = now, .room = room};
    struct cache_view view;
    struct cache_ticket ticket;
    uint64_t value;

    if (cache_lookup(cache, &key, &options, &view, &ticket) == CACHE_HIT) {
        memcpy(&value, view.data, sizeof(value));
        printf("%" PRIu64 "\n", value);
    } else {
        puts("-");
    }
}

static bool set(struct cache *cache, uint64_t now, uint64_t ttl, uint64_t number, uint64_t value)
{
    struct cache_life life = {.expires_ns = now + ttl};
    struct cache_key key = key_of(&number);
    struct cache_ticket ticket = {.generation = atomic_load(&cache->generation)};

    if (cache_insert(cache, &key, (struct bytes){&value, sizeof(value)}, now,
                     ttl == 0 ? NULL : &life, &ticket) != 0) {
        return false;
    }
    puts("+");
    return true;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void list(struct cache *cache, uint64_t now)
{
    const struct table *table = &cache->shards[0].table;
    uint64_t keys[4096];
    size_t n = 0;

    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        if (order_slot(&table->order, slot)->stamp != 0 &&
            (table->layout->life_at == 0 || expiry_is_alive(&table->expiry, slot, now))) {
            memcpy(&keys[n++], table_slot(table, slot) + TABLE_KEY_AT, sizeof(keys[0]));
        }
    }
    qsort(keys, n, sizeof(keys[0]), compare);
    for (size_t i = 0; i < n; i++) {
        printf("%s%" PRIu64, i == 0 ? "" : " ", keys[i]);
    }
    puts("");
}

static bool find_policy(const char *word, enum cache_policy *ret_policy)
{
    static const char *const words[] = {
#define CACHE_POLICY(name, symbol, word, help) word,
#include "cache/policies.def"
#undef CACHE_POLICY
    };

    for (int i = 0; i < CACHE_POLICY_COUNT; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret_policy = i;
            return true;
        }
    }
    return false;
}

int main(void)
{
    struct cache_options options = {
        .max_bytes = 1 << 30, .n_shards = 1, .key_bytes = 8, .value_bytes = 8};
    struct cache *cache;
    uint64_t now, key, value, ttl;
    char operation, policy[20];
    bool is_fine = true;

    if (scanf("%19s %" SCNu64 " %" SCNu64, policy, &options.max_entries, &ttl) != 3 ||
        !find_policy(policy, &options.policy) || options.max_entries > 4096) {
        return 2;
    }
    options.has_lives = ttl != 0;
    if (cache_create(&options, &cache) != 0) {
        return 2;
    }
    while (is_fine && scanf(" %c %" SCNu64, &operation, &now) == 2) {
        if (operation == 'k') {
            list(cache, now);
        } else if (operation == 'g' && scanf("%" SCNu64, &key) == 1) {
            get(cache, now, key);
        } else if (operation == 's' && scanf("%" SCNu64 " %" SCNu64, &key, &value) == 2) {
            is_fine = set(cache, now, ttl, key, value);
        } else {
            is_fine = false;
        }
        is_fine = is_fine && (operation != 'k' || cache_check(cache) == 0);
    }
    cache_destroy(cache);
    return is_fine ? 0 : 1;
}
