// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one text. Its key is made in words, as keys of numbers
 * are, and compared in words with that of an entry: three of them for texts of at most
 * MARSHAL_SHORT_TEXT_BYTES, in the slot; a loop for texts of at most MARSHAL_FLAT_TEXT_BYTES, in a
 * block. Longer texts go the long way, and so does all in a process with threads.
 */
#include "call/quick_private.h"

_Static_assert(MARSHAL_SHORT_TEXT_WORDS == SHORT_KEY_WORDS &&
                   MARSHAL_SHORT_TEXT_BYTES + 4 == SHORT_KEY_BYTES,
               "the key of a short text is a short key");

/* n_bytes: of the key, whose words are there. */
static inline __attribute__((always_inline)) char *
find_short(const struct call_plan *plan, enum cache_words_use use, struct cache_front **ret_front,
           struct short_key *key, uint32_t n_bytes)
{
    uint64_t hash = hash_three_words(key->words, n_bytes, plan->seed);

    key->words[2] = short_key_last(key->words[2], n_bytes);
    *ret_front = cache_front(&plan->quick.cache, hash);
    return cache_find_short(&plan->quick.cache, *ret_front, key, hash, use);
}

/* Of any text that is not too long. */
static char *find_any(const struct call_plan *plan, struct cache_front **ret_front,
                      const char *text)
{
    enum cache_words_use use = plan->quick.cache.use;
    uint64_t key[MARSHAL_FLAT_TEXT_WORDS] = {0}, hash;
    struct short_key short_key;
    uint32_t n_bytes = text == NULL ? 0 : marshal_flat_text(text, key);

    if (n_bytes == 0) {
        return NULL;
    }
    if (n_bytes <= SHORT_KEY_BYTES) {
        memcpy(short_key.words, key, sizeof(short_key.words));
        return find_short(plan, use, ret_front, &short_key, n_bytes);
    }
    hash = hash_bytes((struct bytes){key, n_bytes}, plan->seed);
    *ret_front = cache_front(&plan->quick.cache, hash);
    return cache_find_long(&plan->quick.cache, *ret_front, key, n_bytes, hash, use);
}

bool quick_try_text(const struct call_plan *plan, const char *text, uint64_t *ret_word)
{
    struct cache_front *front;
    struct short_key key;
    uint32_t n_bytes;
    const char *slot;

    if (!__libc_single_threaded) {
        return false;
    }
    if (marshal_is_ahead(text, plan->quick.ahead_offsets) &&
        (n_bytes = marshal_short_text(text, key.words)) != 0) {
        slot = find_short(plan, plan->quick.cache.use, &front, &key, n_bytes);
    } else {
        slot = find_any(plan, &front, text);
    }
    if (slot == NULL) {
        return false;
    }
    *ret_word = shared_load(slot + plan->quick.cache.key_value_at);
    return true;
}

/* The entry answers. slot may be NULL. */
static inline __attribute__((always_inline)) bool answer(struct call_plan *plan,
                                                         enum cache_words_use use,
                                                         struct cache_front *front, char *slot,
                                                         uint64_t n_hits, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;

    if (!likely(slot != NULL && is_rounding_told(plan, false) &&
                cache_use_words(&quick->cache, front, slot, use))) {
        return false;
    }
    *ret_word = widen(quick, shared_load(slot + quick->cache.key_value_at));
    atomic_store_explicit(stats_hits_alone(plan->counters), n_hits, memory_order_relaxed);
    return true;
}

/* What this call would be as a hit; 0: it is not to be one. The guard is set. */
static inline uint64_t next_hit(struct call_plan *plan)
{
    uint64_t n_hits =
        atomic_load_explicit(stats_hits_alone(plan->counters), memory_order_relaxed) + 1;

    return likely(__libc_single_threaded && !fork_page_is_new_child() && !is_look_due(plan, n_hits))
               ? n_hits
               : 0;
}

/* A hit of a short text that may be read ahead, in a process without threads. The guard is set. */
static inline __attribute__((always_inline)) bool
hit_short(struct call_plan *plan, enum cache_words_use use, const char *text, uint64_t *ret_word)
{
    uint64_t n_hits = next_hit(plan);
    struct cache_front *front;
    struct short_key key;
    uint32_t n_bytes;
    char *slot;

    if (!likely(n_hits != 0 && marshal_is_ahead(text, plan->quick.ahead_offsets) &&
                (n_bytes = marshal_short_text(text, key.words)) != 0)) {
        return false;
    }
    slot = find_short(plan, use, &front, &key, n_bytes);
    return answer(plan, use, front, slot, n_hits, ret_word);
}

/* What is no such hit may be one of another text. */
static __attribute__((noinline)) struct abi_both handle_text(struct call_plan *plan,
                                                             const char *text)
{
    struct abi_both result;
    struct cache_front *front;
    uint64_t n_hits, word;
    bool is_hit = false;
    char *slot;

    guard_enter();
    n_hits = next_hit(plan);
    if (n_hits != 0 && (!marshal_is_ahead(text, plan->quick.ahead_offsets) ||
                        strnlen(text, MARSHAL_AHEAD_BYTES) == MARSHAL_AHEAD_BYTES)) {
        slot = find_any(plan, &front, text);
        is_hit = answer(plan, plan->quick.cache.use, front, slot, n_hits, &word);
    }
    guard_leave();
    if (is_hit) {
        result = both(word);
    } else {
        result = quick_handle(plan, (uintptr_t)text, 0, 0, 0, 0, 0);
    }
    return result;
}

#define QUICK_TEXT(suffix, use)                                                     \
    static struct abi_both quick_text_##suffix(uint64_t i0, struct call_plan *plan) \
    {                                                                               \
        const char *text = (const char *)(uintptr_t)i0;                             \
        uint64_t word;                                                              \
        bool is_hit;                                                                \
                                                                                    \
        guard_enter();                                                              \
        is_hit = hit_short(plan, use, text, &word);                                 \
        guard_leave();                                                              \
        return likely(is_hit) ? both(word) : handle_text(plan, text);               \
    }

QUICK_TEXT(leave, CACHE_WORDS_LEAVE)
QUICK_TEXT(count, CACHE_WORDS_COUNT)
QUICK_TEXT(stamp, CACHE_WORDS_STAMP)
QUICK_TEXT(place, CACHE_WORDS_PLACE)

void (*quick_text_code(enum cache_words_use use))(void)
{
    static void (*const codes[CACHE_WORDS_USES])(void) = {
        [CACHE_WORDS_LEAVE] = (void (*)(void))quick_text_leave,
        [CACHE_WORDS_COUNT] = (void (*)(void))quick_text_count,
        [CACHE_WORDS_STAMP] = (void (*)(void))quick_text_stamp,
        [CACHE_WORDS_PLACE] = (void (*)(void))quick_text_place,
    };

    return codes[use];
}
