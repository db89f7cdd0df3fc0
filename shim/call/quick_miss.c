// SPDX-License-Identifier: MIT
/*
 * What quick_words.c and quick_text.c have no answer for at the first look: an entry that does not
 * lie where they look, in a process without threads, or a miss, as quick_miss.h says. See
 * quick_miss_rows.c for the others.
 */
#include "call/quick_miss.h"

/* This entry answers, unless it is for the long way to see that. The guard is set. */
static inline bool use_slot(struct call_plan *plan, struct cache_front *front, char *slot)
{
    const struct cache_words *cache = &plan->quick.cache;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;

    if (is_look_due(plan, n_hits) || !cache_use_words(cache, front, slot, cache->use)) {
        return false;
    }
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* The key of arguments that are words of it as they come. */
static inline unsigned __int128 plain_key(const struct call_plan *plan,
                                          const struct abi_words *words)
{
    const char *at = (const char *)words;
    uint64_t low, high = 0;

    memcpy(&low, at + plan->quick.at[0], sizeof(low));
    if (plan->quick.n_words > 1) {
        memcpy(&high, at + plan->quick.at[1], sizeof(high));
    }
    return (unsigned __int128)high << 64 | low;
}

static inline char *seek_numbers(const struct call_quick *quick, const struct cache_front *front,
                                 uint64_t low, uint64_t high, uint64_t hash)
{
    char *slot = cache_find_words(&quick->cache, front, low, high, hash, true, quick->cache.use);

    return slot == NULL && cache_may_lie_further(&quick->cache, front, hash)
               ? cache_find_further(&quick->cache, front, low, high, hash)
               : slot;
}

/*
 * An entry that does not lie where quick_words.c looks, or else a miss. With threads it is one if
 * there is none: whoever begins it looks. Not inlined: the long way has none of this on its stack,
 * and gets the arguments as they came.
 */
__attribute__((noinline)) struct quick_computed quick_ask_numbers(struct call_plan *plan,
                                                                  uint64_t i0, uint64_t i1,
                                                                  uint64_t i2, double v0, double v1,
                                                                  double v2)
{
    const struct call_quick *quick = &plan->quick;
    uint64_t row[3];
    struct quick_computed computed = quick_nothing;
    struct cache_front *front;
    struct short_miss miss;
    struct abi_words words;
    unsigned __int128 key;
    char *slot = NULL;

    note_errno(&miss);
    guard_enter();
    if (!likely(!fork_page_is_new_child())) {
        goto out; /* call_handle puts the house in order */
    }
    atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
    miss.look = quick_look_at_rounding(plan, false);
    miss.now_ns = 0;
    quick_note_words(&words, i0, i1, i2, v0, v1, v2);
    key = likely(quick->is_plain) ? plain_key(plan, &words) : quick_make_key(plan, &words);
    miss.row = row;
    miss.n_key_words = quick->cache.has_long_keys ? 2 : 1;
    miss.key.bytes = (struct bytes){row, quick->n_key_bytes};
    miss.key.hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    row[0] = low_of(key);
    row[1] = high_of(key);
    if (!likely(float_look_is_default(miss.look))) {
        goto out;
    }
    front = cache_front(&quick->cache, miss.key.hash);
    if (likely(__libc_single_threaded)) {
        slot = seek_numbers(quick, front, low_of(key), high_of(key), miss.key.hash);
    }
    if (!likely(slot == NULL)) {
        if (use_slot(plan, front, slot)) {
            computed = done(widen(quick, cache_words_value(&quick->cache, slot, true)));
        }
    } else if (likely(may_compute(plan) && begin(plan, &miss))) {
        computed = compute(plan, OF_NUMBERS, &words, &miss, NULL);
    }
out:
    give_errno(&miss);
    guard_leave();
    return computed;
}

struct abi_both quick_further(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                              double v0, double v1, double v2)
{
    struct quick_computed computed;

    CALL_NOTE_WAY(plan, FURTHER);
    computed = quick_ask_numbers(plan, i0, i1, i2, v0, v1, v2);
    return likely(computed.is_done != 0) ? both(computed.word)
                                         : quick_handle_long(plan, i0, i1, i2, v0, v1, v2);
}

/* ---- a text ---------------------------------------------------------------------------------- */

static inline char *seek_text(const struct call_quick *quick, const struct cache_front *front,
                              const uint64_t *row, uint64_t hash)
{
    struct short_key key;
    char *slot;

    memcpy(&key, row, sizeof(key));
    if (cache_find_short(&quick->cache, front, &key, hash, quick->cache.use, &slot)) {
        return slot;
    }
    return cache_may_lie_further(&quick->cache, front, hash)
               ? cache_find_further_key(&quick->cache, front, row, SHORT_KEY_WORDS, hash)
               : NULL;
}

/* The same of a short text that may be read ahead. */
__attribute__((noinline)) struct quick_computed quick_further_text(struct call_plan *plan,
                                                                   const char *text)
{
    const struct call_quick *quick = &plan->quick;
    uint64_t row[SHORT_KEY_WORDS + 1];
    struct quick_computed computed = quick_nothing;
    struct cache_front *front;
    struct short_miss miss;
    struct abi_words words;
    uint64_t n;
    char *slot;

    note_errno(&miss);
    guard_enter();
    if (!likely(!fork_page_is_new_child() && marshal_short_text(text, row, &n))) {
        goto out;
    }
    miss.look = quick_look_at_rounding(plan, false);
    miss.now_ns = 0;
    words.integers[0] = (uintptr_t)text;
    miss.row = row;
    miss.n_key_words = SHORT_KEY_WORDS;
    miss.key.bytes = (struct bytes){row, n + MARSHAL_TEXT_FRAME_BYTES};
    miss.key.hash =
        hash_of_halves(hash_three_halves(row, marshal_short_lengths[n].factor, &quick->seeds));
    row[2] |= marshal_short_lengths[n].size;
    if (!likely(float_look_is_default(miss.look))) {
        goto out;
    }
    front = cache_front(&quick->cache, miss.key.hash);
    slot = seek_text(quick, front, row, miss.key.hash);
    if (!likely(slot == NULL)) {
        if (use_slot(plan, front, slot)) {
            computed = done(
                widen(quick, shared_load(slot + CACHE_WORDS_KEY_AT + sizeof(struct short_key))));
        }
    } else if (likely(may_compute(plan) && begin(plan, &miss))) {
        computed = compute(plan, OF_NUMBERS, &words, &miss, NULL);
    }
out:
    give_errno(&miss);
    guard_leave();
    return computed;
}
