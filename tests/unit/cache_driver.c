// SPDX-License-Identifier: MIT
/*
 * A cache of numbers, driven from standard input, for comparison with other implementations. The
 * first line is "POLICY MAX_ENTRIES MAX_BYTES HAS_LIVES IS_WEIGHTED". Then one operation a line,
 * each with the time at which it happens (LIFE 0: no end; a weighted value has so many bytes):
 *
 *     g NOW KEY                   answered by the value, or "-"
 *     s NOW LIFE KEY VALUE BYTES  "+", or "-": not stored
 *     c NOW LIFE KEY VALUE BYTES  a memoized call: the value if there is one, else "-" and stored
 *     d NOW KEY                   the entry of that key is invalidated: "+"
 *     x NOW                       all are: "+"
 *     k NOW                       every key that is visible, ascending, without using any
 *     b NOW BYTES                 what an entry with so many bytes of value counts
 */
#include "policy_words.h"

#include "base/hash.h"
#include "cache/cache_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_VALUE_BYTES 65536
#define MAX_LISTED      4096

struct store {
    uint64_t life, key, value;
    uint32_t n_bytes;
};

static struct cache *cache;
static struct cache_options options = {.n_shards = 1, .key_bytes = 8};

static struct cache_key key_of(const uint64_t *number)
{
    struct cache_key key = {.bytes = {number, sizeof(*number)}};

    key.hash = hash_bytes(key.bytes, 1);
    return key;
}

static bool get(uint64_t now, uint64_t number, struct cache_ticket *ret_ticket)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_key key = key_of(&number);
    struct cache_lookup_options at = {.now_ns = now, .room = room};
    struct cache_view view;
    uint64_t value;

    if (cache_lookup(cache, &key, &at, &view, ret_ticket) != CACHE_HIT) {
        return false;
    }
    memcpy(&value, view.data, sizeof(value));
    cache_view_release(cache, &view);
    printf("%" PRIu64 "\n", value);
    return true;
}

static bool set(uint64_t now, const struct store *store, const struct cache_ticket *ticket)
{
    static unsigned char value[MAX_VALUE_BYTES];
    struct cache_key key = key_of(&store->key);
    struct cache_life life = {.expires_ns = cache_end_ns(now, store->life)};
    size_t n_bytes = options.value_bytes != 0 ? sizeof(store->value) : store->n_bytes;

    memcpy(value, &store->value, sizeof(store->value));
    return cache_insert(cache, &key, (struct bytes){value, n_bytes}, now,
                        store->life == 0 ? NULL : &life, ticket) == 0;
}

static bool is_key(void *context, struct bytes key)
{
    return memcmp(key.data, context, sizeof(uint64_t)) == 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static bool list(uint64_t now)
{
    const struct table *table = &cache->shards[0].table;
    uint64_t keys[MAX_LISTED];
    size_t n = 0;

    for (uint32_t slot = 0; slot < table->order.n_slots; slot++) {
        if (order_mark(&table->order, slot) != 0 &&
            (table->layout->life_at == 0 || expiry_is_alive(&table->expiry, slot, now))) {
            if (n == MAX_LISTED) {
                return false;
            }
            memcpy(&keys[n++], table_slot(table, slot) + TABLE_KEY_AT, sizeof(keys[0]));
        }
    }
    qsort(keys, n, sizeof(keys[0]), compare);
    for (size_t i = 0; i < n; i++) {
        printf("%s%" PRIu64, i == 0 ? "" : " ", keys[i]);
    }
    puts("");
    return cache_check(cache) == 0;
}

static bool read_store(struct store *ret_store)
{
    return scanf("%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu32, &ret_store->life, &ret_store->key,
                 &ret_store->value, &ret_store->n_bytes) == 4 &&
           ret_store->n_bytes >= 8 && ret_store->n_bytes <= MAX_VALUE_BYTES;
}

static bool operate(char operation, uint64_t now)
{
    struct cache_ticket ticket = {.generation = atomic_load(&cache->generation)};
    struct store store;
    uint64_t key;

    switch (operation) {
    case 'k':
        return list(now);
    case 'x':
        cache_clear(cache);
        puts("+");
        return true;
    case 's':
        if (!read_store(&store)) {
            return false;
        }
        puts(set(now, &store, &ticket) ? "+" : "-");
        return true;
    case 'c':
        if (!read_store(&store)) {
            return false;
        }
        if (!get(now, store.key, &ticket)) {
            set(now, &store, &ticket);
            puts("-");
        }
        return true;
    default:
        break;
    }
    if (scanf("%" SCNu64, &key) != 1) {
        return false;
    }
    switch (operation) {
    case 'g':
        if (!get(now, key, &ticket)) {
            puts("-");
        }
        return true;
    case 'd':
        cache_drop(cache, is_key, &key);
        puts("+");
        return true;
    case 'b':
        printf("%" PRIu64 "\n", cache_entry_bytes(cache, 8, (uint32_t)key));
        return true;
    default:
        return false;
    }
}

int main(void)
{
    char operation, policy[20];
    int has_lives, is_weighted;
    bool is_fine = true;
    uint64_t now;

    if (scanf("%19s %" SCNu64 " %" SCNu64 " %d %d", policy, &options.max_entries,
              &options.max_bytes, &has_lives, &is_weighted) != 5 ||
        !find_policy(policy, &options.policy)) {
        return 2;
    }
    options.has_lives = has_lives != 0;
    options.value_bytes = is_weighted ? 0 : 8;
    if (cache_create(&options, &cache) != 0) {
        return 2;
    }
    while (is_fine && scanf(" %c %" SCNu64, &operation, &now) == 2) {
        is_fine = operate(operation, now);
    }
    cache_destroy(cache);
    return is_fine ? 0 : 1;
}
