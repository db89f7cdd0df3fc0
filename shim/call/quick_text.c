// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one text, which is at most MARSHAL_FLAT_TEXT_BYTES long.
 * Its key is made in words, as keys of numbers are, and compared in words with that of an entry.
 * Longer texts go the long way, and so does all in a process with threads.
 */
#include "call/quick_private.h"

static inline uint64_t hash_key(const struct call_plan *plan, const uint64_t *key, uint32_t n_bytes)
{
    return likely(n_bytes > 16 && n_bytes <= 32)
               ? hash_four_words(key, n_bytes, plan->seed)
               : hash_bytes((struct bytes){key, n_bytes}, plan->seed);
}

static inline char *find_key(const struct call_plan *plan, struct cache_front **ret_front,
                             const uint64_t *key, uint32_t n_bytes)
{
    const struct cache_words *cache = &plan->quick.cache;
    uint64_t hash = hash_key(plan, key, n_bytes);
    struct short_key short_key;

    *ret_front = cache_front(cache, hash);
    if (n_bytes > SHORT_KEY_BYTES) {
        return cache_find_long(cache, *ret_front, key, n_bytes, hash);
    }
    short_key = short_key_of((struct bytes){key, n_bytes});
    return cache_find_short(cache, *ret_front, &short_key, hash);
}

bool quick_try_text(const struct call_plan *plan, const char *text, uint64_t *ret_word)
{
    uint64_t key[MARSHAL_FLAT_TEXT_WORDS];
    struct cache_front *front;
    uint32_t n_bytes;
    const char *slot;

    if (!__libc_single_threaded || text == NULL || (n_bytes = marshal_flat_text(text, key)) == 0) {
        return false;
    }
    slot = find_key(plan, &front, key, n_bytes);
    if (slot == NULL) {
        return false;
    }
    *ret_word = shared_load(slot + plan->quick.cache.key_value_at);
    return true;
}

/* A hit in a process without threads. The guard is set. */
static inline __attribute__((always_inline)) bool
find_text(struct call_plan *plan, enum cache_words_use use, const char *text, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
    uint64_t key[MARSHAL_FLAT_TEXT_WORDS];
    struct cache_front *front;
    uint32_t n_bytes;
    char *slot;

    if (!likely(__libc_single_threaded && !fork_page_is_new_child() && !is_look_due(plan, n_hits) &&
                text != NULL)) {
        return false;
    }
    n_bytes = marshal_flat_text(text, key);
    if (!likely(n_bytes != 0)) {
        return false;
    }
    slot = find_key(plan, &front, key, n_bytes);
    if (!likely(slot != NULL && is_rounding_told(plan, false) &&
                cache_use_words(&quick->cache, front, slot, use))) {
        return false;
    }
    *ret_word = widen(quick, shared_load(slot + quick->cache.key_value_at));
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

#define QUICK_TEXT(suffix, use)                                                     \
    static struct abi_both quick_text_##suffix(uint64_t i0, struct call_plan *plan) \
    {                                                                               \
        uint64_t word;                                                              \
        bool is_hit;                                                                \
                                                                                    \
        guard_enter();                                                              \
        is_hit = find_text(plan, use, (const char *)(uintptr_t)i0, &word);          \
        guard_leave();                                                              \
        return likely(is_hit) ? both(word) : quick_handle(plan, i0, 0, 0, 0, 0, 0); \
    }

QUICK_TEXT(leave, CACHE_WORDS_LEAVE)
QUICK_TEXT(count, CACHE_WORDS_COUNT)
QUICK_TEXT(stamp, CACHE_WORDS_STAMP)

void (*quick_text_code(enum cache_words_use use))(void)
{
    static void (*const codes[CACHE_WORDS_USES])(void) = {
        [CACHE_WORDS_LEAVE] = (void (*)(void))quick_text_leave,
        [CACHE_WORDS_COUNT] = (void (*)(void))quick_text_count,
        [CACHE_WORDS_STAMP] = (void (*)(void))quick_text_stamp,
    };

    return codes[use];
}
