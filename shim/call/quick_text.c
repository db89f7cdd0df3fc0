// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one text. Its key is made in words, as keys of numbers
 * are, and compared in words with that of an entry, which lie in its slot. That is for texts of at
 * most MARSHAL_SHORT_TEXT_BYTES, in a process without threads; quick_wide.c has a way for others.
 */
#include "call/quick_wide.h"

_Static_assert(MARSHAL_SHORT_TEXT_WORDS == SHORT_KEY_WORDS &&
                   MARSHAL_SHORT_TEXT_BYTES + 4 == SHORT_KEY_BYTES,
               "the key of a short text is a short key");

/* n_bytes: of the key, whose words are there. */
static inline __attribute__((always_inline)) bool
find_short(const struct call_quick *quick, enum cache_words_use use, struct cache_front **ret_front,
           struct short_key *key, uint32_t n_bytes, char **ret_slot)
{
    struct hash_halves hash = hash_three_halves(key->words, n_bytes, &quick->seeds);

    key->words[2] = short_key_last(key->words[2], n_bytes);
    *ret_front = cache_front(&quick->cache, hash.lower);
    return cache_find_short(&quick->cache, *ret_front, key, hash.upper, use, ret_slot);
}

bool quick_try_text(const struct call_plan *plan, const struct abi_words *words)
{
    const char *text = (const char *)(uintptr_t)words->integers[0];
    struct cache_front *front;
    struct short_key key;
    uint32_t n_bytes;
    char *slot;

    if (!__libc_single_threaded || !marshal_is_ahead(text, plan->quick.ahead_offsets) ||
        (n_bytes = marshal_short_text(text, key.words)) == 0) {
        return plan->wide != NULL && quick_try_wide(plan, words);
    }
    return find_short(&plan->quick, plan->quick.cache.use, &front, &key, n_bytes, &slot);
}

/*
 * A hit of a short text that may be read ahead, in a process without threads. The guard is set. As
 * many registers as there are hold the key, so the count of hits is read again rather than kept.
 */
static inline __attribute__((always_inline)) bool
hit_short(struct call_plan *plan, enum cache_words_use use, const char *text, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    struct cache_front *front;
    struct short_key key;
    uint32_t n_bytes;
    char *slot;

    if (!likely(__libc_single_threaded && !fork_page_is_new_child() &&
                !is_look_due(plan, atomic_load_explicit(hits, memory_order_relaxed) + 1) &&
                marshal_is_ahead(text, quick->ahead_offsets) &&
                (n_bytes = marshal_short_text(text, key.words)) != 0)) {
        return false;
    }
    if (!likely(find_short(quick, use, &front, &key, n_bytes, &slot) &&
                is_rounding_told(plan, false) &&
                cache_use_words(&quick->cache, front, slot, use))) {
        return false;
    }
    *ret_word = widen(quick, shared_load(slot + CACHE_WORDS_KEY_AT + sizeof(key)));
    __asm__("" : "+r"(plan)); /* or where the count is would be kept */
    hits = stats_hits_alone(plan->counters);
    atomic_store_explicit(hits, atomic_load_explicit(hits, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    return true;
}

/* What is no such hit. */
static __attribute__((noinline)) struct abi_both handle(struct call_plan *plan, const char *text)
{
    bool is_ahead = __libc_single_threaded && marshal_is_ahead(text, plan->quick.ahead_offsets);
    struct abi_words words;
    uint64_t word;

    if (likely(is_ahead) && likely(quick_further_text(plan, text, &word))) {
        return both(word);
    }
    words.integers[0] = (uintptr_t)text;
    if (plan->wide != NULL &&
        !(is_ahead && strnlen(text, MARSHAL_AHEAD_BYTES) < MARSHAL_AHEAD_BYTES)) {
        return plan->wide->code(plan, &words);
    }
    return quick_handle_long(plan, words.integers[0], 0, 0, 0, 0, 0);
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
        return likely(is_hit) ? both(word) : handle(plan, text);                    \
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
