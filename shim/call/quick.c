// SPDX-License-Identifier: MIT
/*
 * One function of C for each order in which up to three integers and floating-point numbers may
 * come. It gets the plan in the first integer register that the arguments leave free, and leaves
 * its answer in both registers in which one may be expected.
 */
#include "call/quick_private.h"

#include <errno.h>

/*
 * One hit in so many of a thread goes the long way, so that it is seen whether statistics are due:
 * a power of two. More often while calls are timed more often.
 */
#define HITS_BETWEEN_LOOKS 256

/* A hit takes a few nanoseconds, so that several are timed together. */
#define HITS_TIMED 8

static inline uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline uint64_t low_of(unsigned __int128 key)
{
    return (uint64_t)key;
}

static inline uint64_t high_of(unsigned __int128 key)
{
    return (uint64_t)(key >> 64);
}

static unsigned __int128 make_key(const struct call_plan *plan, const struct abi_words *words)
{
    const struct call_quick *quick = &plan->quick;
    unsigned __int128 key = 0;
    uint64_t word;

    for (uint32_t i = 0; i < plan->abi->n_arguments; i++) {
        memcpy(&word, (const char *)words + plan->abi->word_at[i], sizeof(word));
        key |= (unsigned __int128)(word & quick->masks[i]) << quick->shifts[i];
    }
    return key;
}

/* A hit that counts nowhere. */
static bool try_hit(const struct call_plan *plan, const struct abi_words *words, uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    unsigned __int128 key;
    uint64_t hash;
    const char *slot;

    if (quick->is_text) {
        return quick_try_text(plan, words);
    }
    if (plan->wide != NULL) {
        return quick_try_wide(plan, words);
    }
    key = make_key(plan, words);
    hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    if (!__libc_single_threaded) {
        return quick->cache.use != CACHE_WORDS_STAMP &&
               cache_glance_words(&quick->cache, low_of(key), high_of(key), hash, false, ret_word);
    }
    slot = cache_find_words(&quick->cache, cache_front(&quick->cache, hash), low_of(key),
                            high_of(key), hash, true, quick->cache.use);
    if (slot == NULL) {
        return false;
    }
    *ret_word = cache_words_value(&quick->cache, slot, true);
    return true;
}

/* Times hits with these arguments, if they are. The guard is set. */
static void time_hits(struct call_plan *plan, const struct abi_words *words)
{
    uint64_t word, began_ns;

    if (!try_hit(plan, words, &word)) {
        return;
    }
    began_ns = measure_now_ns();
    for (int i = 0; i < HITS_TIMED; i++) {
        try_hit(plan, words, &word);
        __asm__ volatile("" : : "r"(word) : "memory");
    }
    if (began_ns != 0) {
        measure_hits(plan, began_ns, HITS_TIMED);
    }
}

__attribute__((noinline)) void quick_look(struct call_plan *plan, const struct abi_words *words,
                                          uint32_t n_hits)
{
    uint64_t share =
        (uint64_t)atomic_load_explicit(&plan->measure.share, memory_order_relaxed) * n_hits;
    int saved_errno = errno;

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
    unsigned __int128 key = make_key(plan, words);

    if (quick->is_text || quick->cache.use == CACHE_WORDS_STAMP || !is_rounding_told(plan, false) ||
        atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed) ||
        !cache_glance_words(&quick->cache, low_of(key), high_of(key),
                            hash_words(low_of(key), high_of(key), &quick->seeds), true, ret_word)) {
        return false;
    }
    *ret_word = widen(quick, *ret_word);
    stats_add(plan->counters, STATS_hits, 1);
    return true;
}

/* The long way, with the arguments in memory. Those that there are not are anything. */
struct abi_both quick_handle_long(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                  double v0, double v1, double v2)
{
    const _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint32_t n_looks = atomic_load_explicit(&plan->quick.look_mask, memory_order_relaxed) + 1;
    struct abi_words words;
    void *arguments[MARSHAL_FLAT_PARAMETERS];
    uint64_t result = 0;
    bool is_hit = false;

    words.integers[0] = i0;
    words.integers[1] = i1;
    words.integers[2] = i2;
    words.vectors[0] = bits_of(v0);
    words.vectors[1] = bits_of(v1);
    words.vectors[2] = bits_of(v2);
    guard_enter();
    if (fork_page_is_new_child()) {
        /* call_handle puts the house in order */
    } else if (!__libc_single_threaded) {
        quick_look(plan, &words, 1);
        is_hit = glance(plan, &words, &result);
    } else if (is_look_due(plan, atomic_load_explicit(hits, memory_order_relaxed) + 1)) {
        quick_look(plan, &words, n_looks);
    }
    guard_leave();
    if (is_hit) {
        return both(result);
    }
    for (uint32_t i = 0; i < plan->abi->n_arguments; i++) {
        arguments[i] = (char *)&words + plan->abi->word_at[i];
    }
    call_handle(plan, &result, arguments);
    return both(result);
}

/*
 * A hit of n words, of which the others are 0, in a process without threads. Calls nothing, so that
 * no register has to be saved for it. The guard is set. has_vectors, use: as the plan's, but known
 * when this is compiled.
 */
static inline __attribute__((always_inline)) bool find(struct call_plan *plan, int n,
                                                       bool has_vectors, enum cache_words_use use,
                                                       uint64_t w0, uint64_t w1, uint64_t w2,
                                                       uint64_t *ret_word)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1, hash;
    unsigned __int128 key = w0 & quick->masks[0];
    struct cache_front *front;
    char *slot;

    if (n > 1) {
        key |= (unsigned __int128)(w1 & quick->masks[1]) << quick->shifts[1];
    }
    if (n > 2) {
        key |= (unsigned __int128)(w2 & quick->masks[2]) << quick->shifts[2];
    }
    if (!likely(__libc_single_threaded && !fork_page_is_new_child() &&
                !is_look_due(plan, n_hits))) {
        return false;
    }
    hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    front = cache_front(&quick->cache, hash);
    slot = cache_find_words(&quick->cache, front, low_of(key), high_of(key), hash, n > 1, use);
    if (!likely(slot != NULL && is_rounding_told(plan, has_vectors) &&
                cache_use_words(&quick->cache, front, slot, use))) {
        return false;
    }
    *ret_word = widen(quick, cache_words_value(&quick->cache, slot, n > 1));
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

/* One for each way in which a use is noted. */
#define QUICK_USE(pattern, suffix, use, parameters, n, has_vectors, w0, w1, w2, ...) \
    static struct abi_both quick_##pattern##_##suffix parameters {                   \
        uint64_t word;                                                               \
        bool is_hit;                                                                 \
                                                                                     \
        guard_enter();                                                               \
        is_hit = find(plan, n, has_vectors, use, w0, w1, w2, &word);                 \
        guard_leave();                                                               \
        return likely(is_hit) ? both(word) : quick_handle(__VA_ARGS__);              \
    }

/* pattern: the order of the parameters; then those of the function, and the words as they come. */
#define QUICK(pattern, ...)                                   \
    QUICK_USE(pattern, leave, CACHE_WORDS_LEAVE, __VA_ARGS__) \
    QUICK_USE(pattern, count, CACHE_WORDS_COUNT, __VA_ARGS__) \
    QUICK_USE(pattern, stamp, CACHE_WORDS_STAMP, __VA_ARGS__) \
    QUICK_USE(pattern, place, CACHE_WORDS_PLACE, __VA_ARGS__)

#define I    uint64_t i0
#define II   uint64_t i0, uint64_t i1
#define III  uint64_t i0, uint64_t i1, uint64_t i2
#define PLAN struct call_plan *plan
#define V0   bits_of(v0)
#define V1   bits_of(v1)
#define V2   bits_of(v2)

QUICK(i, (I, PLAN), 1, false, i0, 0, 0, plan, i0, 0, 0, 0, 0, 0)
QUICK(v, (PLAN, double v0), 1, true, V0, 0, 0, plan, 0, 0, 0, v0, 0, 0)
QUICK(ii, (II, PLAN), 2, false, i0, i1, 0, plan, i0, i1, 0, 0, 0, 0)
QUICK(iv, (I, PLAN, double v0), 2, true, i0, V0, 0, plan, i0, 0, 0, v0, 0, 0)
QUICK(vi, (I, PLAN, double v0), 2, true, V0, i0, 0, plan, i0, 0, 0, v0, 0, 0)
QUICK(vv, (PLAN, double v0, double v1), 2, true, V0, V1, 0, plan, 0, 0, 0, v0, v1, 0)
QUICK(iii, (III, PLAN), 3, false, i0, i1, i2, plan, i0, i1, i2, 0, 0, 0)
QUICK(iiv, (II, PLAN, double v0), 3, true, i0, i1, V0, plan, i0, i1, 0, v0, 0, 0)
QUICK(ivi, (II, PLAN, double v0), 3, true, i0, V0, i1, plan, i0, i1, 0, v0, 0, 0)
QUICK(vii, (II, PLAN, double v0), 3, true, V0, i0, i1, plan, i0, i1, 0, v0, 0, 0)
QUICK(ivv, (I, PLAN, double v0, double v1), 3, true, i0, V0, V1, plan, i0, 0, 0, v0, v1, 0)
QUICK(viv, (I, PLAN, double v0, double v1), 3, true, V0, i0, V1, plan, i0, 0, 0, v0, v1, 0)
QUICK(vvi, (I, PLAN, double v0, double v1), 3, true, V0, V1, i0, plan, i0, 0, 0, v0, v1, 0)
QUICK(vvv, (PLAN, double v0, double v1, double v2), 3, true, V0, V1, V2, plan, 0, 0, 0, v0, v1, v2)

/* By the number of parameters, bit i: the i-th travels in a vector register, and the use. */
typedef void (*code_fn)(void);
#define CODE(pattern)                                           \
    {                                                           \
        [CACHE_WORDS_LEAVE] = (code_fn)quick_##pattern##_leave, \
        [CACHE_WORDS_COUNT] = (code_fn)quick_##pattern##_count, \
        [CACHE_WORDS_STAMP] = (code_fn)quick_##pattern##_stamp, \
        [CACHE_WORDS_PLACE] = (code_fn)quick_##pattern##_place, \
    }
static const code_fn codes[MARSHAL_FLAT_PARAMETERS +
                           1][1 << MARSHAL_FLAT_PARAMETERS][CACHE_WORDS_USES] = {
    [1] = {CODE(i), CODE(v)},
    [2] = {CODE(ii), CODE(vi), CODE(iv), CODE(vv)},
    [3] = {CODE(iii), CODE(vii), CODE(ivi), CODE(vvi), CODE(iiv), CODE(viv), CODE(ivv), CODE(vvv)},
};

void quick_prepare(struct call_plan *plan)
{
    struct call_quick *quick = &plan->quick;
    const struct abi_call *abi = plan->abi;
    struct marshal_flat flat;
    uint32_t vectors = 0, n_bits = 0;

    if (!abi->is_typed || plan->is_watched || plan->instances != NULL || plan->has_life ||
        plan->files.n > 0 || plan->uses_x87 || plan->function->keys_rounding ||
        !cache_words_init(&quick->cache, plan->cache)) {
        return;
    }
    if (marshal_is_flat_text(plan->marshal, &flat)) {
        quick->is_text = true;
        quick->ahead_offsets = marshal_ahead_offsets();
    } else if (!marshal_is_flat(plan->marshal, &flat)) {
        return;
    }
    for (uint32_t i = 0; i < abi->n_arguments && i < MARSHAL_FLAT_PARAMETERS; i++) {
        uint32_t bits = 8 * flat.n_bytes[i];

        vectors |= (uint32_t)(abi->word_at[i] >= offsetof(struct abi_words, vectors)) << i;
        quick->masks[i] = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
        quick->shifts[i] = bits == 0 ? 0 : n_bits;
        n_bits += bits;
    }
    quick->seeds = hash_seeds(flat.n_key_bytes, plan->seed);
    quick->widening = flat.result_is_signed ? 64 - 8 * flat.n_result_bytes : 0;
    quick->n_key_bytes = flat.n_key_bytes;
    quick->n_result_bytes = flat.n_result_bytes;
    quick->looks_at_rounding = plan->uses_float;
    quick->computes = !plan->judges_results && !plan->has_fences;
    quick_follow_share(plan, atomic_load_explicit(&plan->measure.share, memory_order_relaxed));
    quick->code = quick->is_text ? quick_text_code(quick->cache.use)
                                 : codes[abi->n_arguments][vectors][quick->cache.use];
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
