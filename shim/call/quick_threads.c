// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one to three numbers, in a process with threads: no lock
 * is taken, but by policies that stamp, and no locked instruction is needed to count, if the thread
 * has a count of its own. It looks at the same things in the same order as quick_words.c, and at
 * what others may be changing as cache/glance_words.h says. What is no hit is a miss, perhaps.
 */
#include "call/quick_private.h"

enum end {
    END_HIT,
    END_NOTHING, /* there is no entry, or it could not be seen */
    END_LONG,    /* for the long way, whatever there is */
};

/* The guard is set. */
static inline enum end find(struct call_plan *plan, const struct abi_words *words,
                            uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_own(plan->counters);
    struct float_mode mode = {0};
    unsigned __int128 key;
    uint64_t n_hits = 0, hash;
    bool is_hit;

    if (!likely(!fork_page_is_new_child())) {
        return END_LONG;
    }
    atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
    if (quick->looks_at_rounding) {
        float_mode_note(&mode);
    }
    if (likely(hits != NULL)) {
        n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
        if (!likely(!is_look_due(plan, n_hits))) {
            return END_LONG;
        }
    } else if (atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed)) {
        return END_LONG;
    } else {
        quick_look(plan, words, 1);
    }
    key = quick_make_key(plan, words);
    hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    if (!likely(!quick->looks_at_rounding || float_mode_was_default(&mode))) {
        return END_LONG;
    }
    is_hit =
        quick->cache.use == CACHE_WORDS_STAMP
            ? cache_stamp_words(&quick->cache, low_of(key), high_of(key), hash, ret_word)
            : cache_glance_words(&quick->cache, low_of(key), high_of(key), hash, true, ret_word);
    if (!likely(is_hit)) {
        return END_NOTHING;
    }
    *ret_word = widen(quick, *ret_word);
    if (likely(hits != NULL)) {
        atomic_store_explicit(hits, n_hits, memory_order_release);
    } else {
        stats_add(plan->counters, STATS_hits, 1);
    }
    return END_HIT;
}

/* In registers, as struct quick_computed. */
struct found {
    uint64_t word;
    uint64_t end; /* enum end */
};

/* Not inlined: a miss has none of this on its stack. */
__attribute__((noinline)) static struct found ask(struct call_plan *plan, uint64_t i0, uint64_t i1,
                                                  uint64_t i2, double v0, double v1, double v2)
{
    struct found found = {0, END_LONG};
    struct abi_words words;

    quick_note_words(&words, i0, i1, i2, v0, v1, v2);
    guard_enter();
    found.end = find(plan, &words, &found.word);
    guard_leave();
    return found;
}

struct abi_both quick_beside_others(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                    double v0, double v1, double v2)
{
    struct found found = ask(plan, i0, i1, i2, v0, v1, v2);
    struct quick_computed computed = {0, 0};

    if (likely(found.end == END_HIT)) {
        return both(found.word);
    }
    if (likely(found.end == END_NOTHING)) {
        computed = quick_ask_numbers(plan, i0, i1, i2, v0, v1, v2);
    }
    return likely(computed.is_done != 0) ? both(computed.word)
                                         : quick_handle_long(plan, i0, i1, i2, v0, v1, v2);
}
