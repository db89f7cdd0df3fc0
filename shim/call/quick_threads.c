// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one to three numbers, in a process with threads: no lock
 * is taken, but by policies that stamp, and no locked instruction is needed to count. It looks at
 * the same things in the same order as quick_words.c, and at what others may be changing as
 * cache/glance_words.h says. A thread that has no count of its own goes the long way.
 */
#include "call/quick_private.h"

/* The guard is set. */
static inline bool find(struct call_plan *plan, const struct abi_words *words, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_own(plan->counters);
    struct float_mode mode = {0};
    unsigned __int128 key;
    uint64_t n_hits, hash;
    bool is_hit;

    if (!likely(hits != NULL && !fork_page_is_new_child())) {
        return false;
    }
    atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
    if (quick->looks_at_rounding) {
        float_mode_note(&mode);
    }
    n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
    if (!likely(!is_look_due(plan, n_hits))) {
        return false;
    }
    key = quick_make_key(plan, words);
    hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    if (!likely(!quick->looks_at_rounding || float_mode_was_default(&mode))) {
        return false;
    }
    is_hit =
        quick->cache.use == CACHE_WORDS_STAMP
            ? cache_stamp_words(&quick->cache, low_of(key), high_of(key), hash, ret_word)
            : cache_glance_words(&quick->cache, low_of(key), high_of(key), hash, true, ret_word);
    if (!likely(is_hit)) {
        return false;
    }
    *ret_word = widen(quick, *ret_word);
    atomic_store_explicit(hits, n_hits, memory_order_release);
    return true;
}

struct abi_both quick_beside_others(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                    double v0, double v1, double v2)
{
    struct abi_words words;
    uint64_t word;
    bool is_hit;

    quick_note_words(&words, i0, i1, i2, v0, v1, v2);
    guard_enter();
    is_hit = find(plan, &words, &word);
    guard_leave();
    return likely(is_hit) ? both(word) : quick_handle_long(plan, i0, i1, i2, v0, v1, v2);
}
