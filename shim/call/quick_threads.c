// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one to three numbers, in a process with threads: no lock
 * is taken, and no locked instruction is needed to count, if the thread has a count of its own. It
 * looks at the same things in the same order as quick_words.c, and at what others may be changing
 * as cache/beside.h says. An entry that does not lie in its home is for the second look, which
 * knows nothing when it is compiled, and whoever has no count of his own.
 */
#include "call/quick_forms.h"

/* ---- the second look ------------------------------------------------------------------------- */

enum end {
    END_HIT,
    END_NOTHING, /* there is no entry, or it could not be seen */
    END_LONG,    /* for the long way, whatever there is */
};

/* The guard is set. */
static inline enum end look_again(struct call_plan *plan, const struct abi_words *words,
                                  uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_own(plan->counters);
    unsigned __int128 key;
    uint64_t n_hits = 0, hash;

    if (!likely(!fork_page_is_new_child())) {
        return END_LONG;
    }
    atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
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
    if (!likely(is_rounding_told(plan, false))) {
        return END_LONG;
    }
    key = quick_make_key(plan, words);
    hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    if (!likely(
            cache_glance_words(&quick->cache, low_of(key), high_of(key), hash, true, ret_word))) {
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
    found.end = look_again(plan, &words, &found.word);
    guard_leave();
    return found;
}

/* What the first look has left unclear. */
static struct abi_both answer(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                              double v0, double v1, double v2)
{
    struct found found = ask(plan, i0, i1, i2, v0, v1, v2);

    if (likely(found.end == END_HIT)) {
        CALL_NOTE_WAY(plan, FURTHER);
        return both(found.word);
    }
    if (likely(found.end == END_NOTHING)) {
        return quick_further(plan, i0, i1, i2, v0, v1, v2);
    }
    CALL_NOTE_WAY(plan, FURTHER);
    return quick_handle_long(plan, i0, i1, i2, v0, v1, v2);
}

/* ---- the first look -------------------------------------------------------------------------- */

/*
 * Of these words, as find of quick_words.c. has_places: the cache, known when this is compiled, as
 * are form and probes. The guard is set.
 */
static inline __attribute__((always_inline)) enum cache_seen
look(struct call_plan *plan, struct form form, bool has_places, bool probes, uint64_t w0,
     uint64_t w1, uint64_t w2, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_own(plan->counters);
    struct cache_sighting sighting;
    struct float_mode mode;
    struct hash_halves hash;
    struct key key;
    enum cache_seen seen;
    uint64_t n_hits;

    if (form.has_vectors) {
        float_mode_note_by(&mode, probes);
    }
    if (!likely(hits != NULL && !fork_page_is_new_child())) {
        return CACHE_SEEN_UNCLEAR;
    }
    atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
    n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
    if (!likely(!is_look_due(plan, n_hits))) {
        return CACHE_SEEN_UNCLEAR;
    }
    key = key_of(quick, form, w0, w1, w2);
    hash = hash_words_halves(key.low, key.high, &quick->seeds);
    seen = has_places ? cache_see_place(&quick->cache, key.low, key.high, hash.upper, form.n_words,
                                        &sighting)
                      : cache_see_home(&quick->cache, cache_front(&quick->cache, hash.lower),
                                       key.low, key.high, hash.upper, form.n_words, &sighting);
    if (!likely(seen == CACHE_SEEN_ENTRY)) {
        return seen;
    }
    if (!likely(form.has_vectors ? float_mode_was_default(&mode) : is_rounding_told(plan, false)) ||
        (!has_places && !likely(cache_use_beside(&quick->cache, sighting.front, sighting.sequence,
                                                 sighting.slot)))) {
        return CACHE_SEEN_UNCLEAR;
    }
    *ret_word = form.layout == QUICK_LAYOUT_PLAIN ? sighting.value : widen(quick, sighting.value);
    atomic_store_explicit(hits, n_hits, memory_order_release);
    return CACHE_SEEN_ENTRY;
}

#define CODE(name, known, has_places, parameters, arguments, w0, w1, w2, ...)            \
    struct abi_both name parameters {                                                    \
        enum cache_seen seen;                                                            \
        uint64_t word = 0;                                                               \
                                                                                         \
        guard_enter();                                                                   \
        if (((struct form)known).has_vectors && !float_mode_probes()) {                  \
            seen = look(plan, (struct form)known, has_places, false, w0, w1, w2, &word); \
        } else {                                                                         \
            seen = look(plan, (struct form)known, has_places, true, w0, w1, w2, &word);  \
        }                                                                                \
        guard_leave();                                                                   \
        return likely(seen == CACHE_SEEN_ENTRY)  ? both(word)                            \
               : likely(seen == CACHE_SEEN_NONE) ? quick_further(__VA_ARGS__)            \
                                                 : answer(__VA_ARGS__);                  \
    }

#define QUICK_FORM(name, n, has_vectors, n_words, layout, ...)                                  \
    CODE(quick_beside_##name, FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout), false,      \
         __VA_ARGS__)                                                                           \
    CODE(quick_beside_place_##name, FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout), true, \
         __VA_ARGS__)
#include "call/quick_forms.def"
#undef QUICK_FORM
