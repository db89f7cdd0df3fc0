// SPDX-License-Identifier: MIT
/*
 * The short way of a hit but for the code of it (quick_words.c, quick_text.c): which plans have
 * one, and what becomes of calls that the code does not answer at once.
 */
#include "call/quick_private.h"

#include <errno.h>

/*
 * One hit in so many of a thread goes the long way, so that it is seen whether statistics are due:
 * a power of two. More often while calls are timed more often.
 */
#define HITS_BETWEEN_LOOKS 256

/* A hit takes a few nanoseconds, so that several are timed together; of images fewer, which take
 * some ten times as long. */
#define HITS_TIMED        8
#define HITS_TIMED_IMAGES 2

/* A hit that counts nowhere. */
static bool try_hit(const struct call_plan *plan, const struct abi_words *words, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    unsigned __int128 key;
    uint64_t hash;
    const struct cache_front *front;
    const char *slot;

    if (quick->is_text) {
        return quick_try_text(plan, words);
    }
    if (plan->wide != NULL) {
        return quick_try_wide(plan, words);
    }
    if (plan->images != NULL) {
        return quick_try_images(plan, words);
    }
    key = quick_make_key(plan, words);
    hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    if (!__libc_single_threaded) {
        return cache_glance_words(&quick->cache, low_of(key), high_of(key), hash, false, ret_word);
    }
    front = cache_front(&quick->cache, hash);
    slot = cache_find_words(&quick->cache, front, low_of(key), high_of(key), hash, true,
                            quick->cache.use);
    if (slot == NULL) {
        slot = cache_find_further(&quick->cache, front, low_of(key), high_of(key), hash);
    }
    if (slot == NULL) {
        return false;
    }
    *ret_word = cache_words_value(&quick->cache, slot, true);
    return true;
}

/* Times hits with these arguments, if they are. The guard is set. */
static void time_hits(struct call_plan *plan, const struct abi_words *words)
{
    uint32_t n_timed = plan->images != NULL ? HITS_TIMED_IMAGES : HITS_TIMED;
    uint64_t word, began_ns;

    if (!try_hit(plan, words, &word)) {
        return;
    }
    began_ns = measure_now_ns();
    for (uint32_t i = 0; i < n_timed; i++) {
        try_hit(plan, words, &word);
        __asm__ volatile("" : : "r"(word) : "memory");
    }
    if (began_ns != 0) {
        measure_hits(plan, began_ns, n_timed);
    }
}

__attribute__((noinline)) void quick_look(struct call_plan *plan, const struct abi_words *words,
                                          uint32_t n_hits)
{
    uint64_t share =
        (uint64_t)atomic_load_explicit(&plan->measure.share, memory_order_relaxed) * n_hits;
    int saved_errno = errno;

    if (plan->quick.looks_at_rounding) {
        float_mode_is_default(); /* heeds what float_mode_note may not see */
    }
    if (MARSHAL_READS_AHEAD && plan->quick.is_text && plan->quick.ahead_offsets != 0 &&
        __libc_single_threaded && marshal_may_ask_kernel() /* for memory */) {
        quick_hints_look(&plan->quick.hints, &plan->quick.cache, plan->function->max_entries,
                         alone_load(stats_hits_alone(plan->counters)));
    }
    call_tick(n_hits);
    if (pace_draws(&measure_pace, share < PACE_ALL ? (uint32_t)share : PACE_ALL)) {
        if (atomic_load_explicit(&plan->measure.n_real_wanted, memory_order_relaxed) > 0) {
            measure_next();
        } else {
            time_hits(plan, words);
        }
    }
    errno = saved_errno;
}

/* A hit in a process with threads. The guard is set. */
static bool glance(struct call_plan *plan, const struct abi_words *words, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    unsigned __int128 key = quick_make_key(plan, words);

    if (quick->is_text || !is_rounding_told(plan, false) ||
        atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed) ||
        !cache_glance_words(&quick->cache, low_of(key), high_of(key),
                            hash_words(low_of(key), high_of(key), &quick->seeds), true, ret_word)) {
        return false;
    }
    *ret_word = widen(quick, *ret_word);
    stats_add(plan->counters, STATS_hits, 1);
    return true;
}

/*
 * What quick_words.c would have answered, had no look been due, which takes a third of the time of
 * call_handle; after the look, which may have changed anything. Not if the next call that is timed
 * is to be a real one. The guard is set.
 */
static bool hit_after_look(struct call_plan *plan, const struct abi_words *words,
                           uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    unsigned __int128 key;
    uint64_t hash;
    struct cache_front *front;
    char *slot;

    if (quick->is_text || !quick_may_hit_after_look(plan) || !is_rounding_told(plan, false)) {
        return false;
    }
    key = quick_make_key(plan, words);
    hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    front = cache_front(&quick->cache, hash);
    slot = cache_find_words(&quick->cache, front, low_of(key), high_of(key), hash, true,
                            quick->cache.use);
    if (slot == NULL || !cache_use_words(&quick->cache, front, slot, quick->cache.use)) {
        return false;
    }
    *ret_word = widen(quick, cache_words_value(&quick->cache, slot, true));
    stats_add_alone(plan->counters, STATS_hits);
    return true;
}

/* The long way, with the arguments in memory. */
struct abi_both quick_handle_long(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                  double v0, double v1, double v2)
{
    const _Atomic uint64_t *hits =
        __libc_single_threaded ? stats_hits_alone(plan->counters) : stats_hits_own(plan->counters);
    uint32_t n_looks = atomic_load_explicit(&plan->quick.look_mask, memory_order_relaxed) + 1;
    struct abi_words words;
    void *arguments[MARSHAL_FLAT_WORDS];
    struct abi_joined room;
    uint64_t result = 0;
    bool is_hit = false;

    CALL_NOTE_WAY(plan, HANDLE);
    quick_note_words(&words, i0, i1, i2, v0, v1, v2);
    guard_enter();
    if (fork_page_is_new_child()) {
        /* call_handle puts the house in order */
    } else if (hits == NULL) {
        quick_look(plan, &words, 1);
    } else if (is_look_due(plan, atomic_load_explicit(hits, memory_order_relaxed) + 1)) {
        quick_look(plan, &words, n_looks);
        is_hit = hit_after_look(plan, &words, &result);
    }
    if (!__libc_single_threaded && !fork_page_is_new_child()) {
        is_hit = glance(plan, &words, &result);
    }
    guard_leave();
    if (is_hit) {
        return both(result);
    }
    abi_point_arguments(plan->abi, &words, &room, arguments);
    call_handle(plan, &result, arguments);
    return both(result);
}

/* The word's bits are those of the key from n_bits_before on. */
static void place_argument(struct call_quick *quick, uint32_t i, uint32_t n_bits_before,
                           uint32_t n_bits)
{
    unsigned __int128 bits = n_bits == 64 ? UINT64_MAX : ((uint64_t)1 << n_bits) - 1;

    bits <<= n_bits_before;
    quick->turns[i] = n_bits_before % 64;
    quick->low_masks[i] = low_of(bits);
    quick->high_masks[i] = high_of(bits);
}

/* All of them, up to the last. */
static bool are_of(const struct marshal_flat *flat, uint32_t n_bytes)
{
    bool are = true;

    for (uint32_t i = 0; i < flat->n_words; i++) {
        are = are && flat->words[i].n_bytes == n_bytes;
    }
    return are;
}

/* NULL, too, for slots that are not as it reckons with. */
static void (*code_of(const struct call_quick *quick, const struct marshal_flat *flat,
                      uint32_t vectors))(void)
{
    uint32_t n_words = quick->cache.has_long_keys ? 2 : 1;
    enum quick_layout layout = QUICK_LAYOUT_ANY;

    if (quick->cache.use != CACHE_WORDS_PLACE &&
        quick->cache.slot_bytes != CACHE_WORDS_SLOT_BYTES(n_words)) {
        return NULL;
    }
    if (quick->is_plain) {
        layout = QUICK_LAYOUT_PLAIN;
    } else if (are_of(flat, 4) && flat->n_words > 1 && vectors == 0) {
        layout = QUICK_LAYOUT_INTS;
    }
    return quick_words_code(flat->n_words, vectors, n_words, quick->cache.use, layout);
}

void quick_prepare(struct call_plan *plan)
{
    struct call_quick *quick = &plan->quick;
    const struct abi_call *abi = plan->abi;
    struct marshal_flat flat;
    uint32_t vectors = 0, n_bits = 0;

    if (!abi_is_in_registers(abi) || plan->is_watched || plan->instances != NULL ||
        plan->has_life || plan->files.n > 0 || plan->function->keys_rounding ||
        !cache_words_init(&quick->cache, plan->cache)) {
        return;
    }
    if (quick->cache.has_short_keys && marshal_is_flat_text(plan->marshal, &flat)) {
        quick->is_text = true;
        quick_hints_init(&quick->hints);
        quick->ahead_offsets = marshal_ahead_offsets();
        fork_page_set_limit(quick->ahead_offsets);
    } else if (!marshal_is_flat(plan->marshal, &flat)) {
        return;
    }
    quick->n_words = (uint8_t)flat.n_words;
    for (uint32_t i = 0; i < flat.n_words; i++) {
        uint32_t bits = 8 * flat.words[i].n_bytes;

        quick->at[i] = abi_word_of(abi, flat.words[i].parameter, flat.words[i].at);
        vectors |= (uint32_t)(quick->at[i] >= offsetof(struct abi_words, vectors)) << i;
        place_argument(quick, i, bits == 0 ? 0 : n_bits, bits); /* it may stand behind the key */
        n_bits += bits;
    }
    quick->seeds = hash_seeds(flat.n_key_bytes, plan->seed);
    quick->widening = flat.result_is_signed ? 64 - 8 * flat.n_result_bytes : 0;
    quick->n_key_bytes = flat.n_key_bytes;
    quick->n_result_bytes = flat.n_result_bytes;
    quick->looks_at_rounding = plan->uses_float;
    quick_prepare_misses(plan);
    quick_follow_share(plan, atomic_load_explicit(&plan->measure.share, memory_order_relaxed));
    quick->is_plain = are_of(&flat, 8) && quick->widening == 0;
    quick->code = quick->is_text ? quick_text_code(plan) : code_of(quick, &flat, vectors);
}

void quick_prepare_misses(struct call_plan *plan)
{
    struct call_quick *quick = &plan->quick;

    quick->fill = cache_fill_code(plan->cache);
    quick->may_compute = (quick->fill != NULL || plan->has_life) && !plan->has_fences &&
                         plan->function->stale_for_ns == 0 && plan->early == 0;
}

void quick_follow_share(struct call_plan *plan, uint32_t share)
{
    uint32_t n = HITS_BETWEEN_LOOKS;

    while (n > 1 && (uint64_t)n * share > PACE_ALL) {
        n /= 2;
    }
    atomic_store_explicit(&plan->quick.look_mask, n - 1, memory_order_relaxed);
    /* Either this sees that, or quick_stop comes later and has the last word. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed)) {
        quick_stop(plan);
    }
}

void quick_stop(struct call_plan *plan)
{
    atomic_thread_fence(memory_order_seq_cst);
    atomic_store_explicit(&plan->quick.look_mask, 0, memory_order_relaxed);
}
