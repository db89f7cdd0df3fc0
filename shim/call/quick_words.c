// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one to three numbers, in a process without threads. One
 * function of C for each order in which up to three integers and floating-point numbers may come,
 * and each way in which a use is noted. It gets the plan in the first integer register that the
 * arguments leave free, and leaves its answer in both registers in which one may be expected.
 *
 * What counts is how long the answer takes to come after the argument, and how many instructions
 * there are, of which eight begin in a cycle. So the code calls nothing, and keeps little, that no
 * register has to be saved; what has no time to lose (MXCSR, the shard) is asked for first; and
 * where all is known when this is compiled, nothing is multiplied, masked or shifted.
 */
#include "call/quick_private.h"

/* What is known of a function when its code is compiled. */
struct form {
    int n; /* of parameters */
    bool has_vectors;
    uint32_t n_words; /* of the key */
    enum quick_layout layout;
    enum cache_words_use use;
};

/* The value at that place of a slot. Loaded twice: from one register to the other takes longer. */
static inline struct abi_both value_at(const struct call_quick *quick, const char *at,
                                       bool is_plain)
{
    typedef double __attribute__((may_alias)) shared_double;
    struct abi_both value;

    value.integer = alone_load(at);
    if (!is_plain) {
        value.integer = widen(quick, value.integer);
    }
    value.vector = *(const volatile shared_double *)(const void *)at;
    return value;
}

/*
 * A hit of these words, of which those that the form has not are 0. probes: what float_mode_probes
 * says, where it is asked. The guard is set.
 */
static inline __attribute__((always_inline)) bool find(struct call_plan *plan, struct form form,
                                                       bool probes, uint64_t w0, uint64_t w1,
                                                       uint64_t w2, struct abi_both *ret_value)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
    struct float_mode mode;
    uint64_t low = w0, high = w1;
    struct hash_halves hash;
    struct cache_front *front;
    char *slot;

    if (form.has_vectors) {
        float_mode_note_by(&mode, probes);
    }
    if (!likely(__libc_single_threaded && is_quiet(plan, n_hits)) ||
        (form.has_vectors && probes && !likely(float_mode_was_default(&mode)))) {
        return false;
    }
    if (form.layout == QUICK_LAYOUT_INTS) {
        low = (uint32_t)w0 | w1 << 32;
        high = (uint32_t)w2;
    } else if (form.layout == QUICK_LAYOUT_ANY) {
        w1 = turned_left(w1, quick->turns[1]);
        w2 = turned_left(w2, quick->turns[2]);
        low = (w0 & quick->low_masks[0]) | (w1 & quick->low_masks[1]) | (w2 & quick->low_masks[2]);
        high = form.n_words == 1 ? 0 : (w1 & quick->high_masks[1]) | (w2 & quick->high_masks[2]);
    }
    hash = hash_words_halves(low, high, &quick->seeds);
    front = cache_front(&quick->cache, hash.lower);
    if (!likely(cache_find_home(&quick->cache, front, low, high, hash.upper, form.n_words, form.use,
                                &slot) &&
                (form.has_vectors ? probes || float_mode_was_default(&mode)
                                  : is_rounding_told(plan, false)) &&
                cache_use_words(&quick->cache, front, slot, form.use))) {
        return false;
    }
    *ret_value = value_at(quick, slot + CACHE_WORDS_VALUE_AT + 8 * (form.n_words - 1),
                          form.layout == QUICK_LAYOUT_PLAIN);
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

#define CODE(name, known, parameters, w0, w1, w2, ...)                          \
    static struct abi_both name parameters {                                    \
        struct abi_both value;                                                  \
        bool is_hit;                                                            \
                                                                                \
        guard_enter();                                                          \
        if (((struct form)known).has_vectors && !float_mode_probes()) {         \
            is_hit = find(plan, (struct form)known, false, w0, w1, w2, &value); \
        } else {                                                                \
            is_hit = find(plan, (struct form)known, true, w0, w1, w2, &value);  \
        }                                                                       \
        guard_leave();                                                          \
        return likely(is_hit) ? value : quick_further(__VA_ARGS__);             \
    }

#define FORM(...)   \
    {               \
        __VA_ARGS__ \
    }

/* One for each way in which a use is noted. */
#define USES(pattern, n, has_vectors, n_words, layout, ...)                                    \
    CODE(quick_##pattern##_leave,                                                              \
         FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout, CACHE_WORDS_LEAVE), __VA_ARGS__) \
    CODE(quick_##pattern##_count,                                                              \
         FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout, CACHE_WORDS_COUNT), __VA_ARGS__) \
    CODE(quick_##pattern##_stamp,                                                              \
         FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout, CACHE_WORDS_STAMP), __VA_ARGS__) \
    CODE(quick_##pattern##_place,                                                              \
         FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout, CACHE_WORDS_PLACE), __VA_ARGS__)

/* pattern: the order of the parameters; then those of the function, and the words as they come. */
#define ONE(pattern, has_vectors, ...)                           \
    USES(plain_##pattern, 1, has_vectors, 1, PLAIN, __VA_ARGS__) \
    USES(short_##pattern, 1, has_vectors, 1, ANY, __VA_ARGS__)
#define TWO(pattern, has_vectors, ...)                           \
    USES(plain_##pattern, 2, has_vectors, 2, PLAIN, __VA_ARGS__) \
    USES(short_##pattern, 2, has_vectors, 1, ANY, __VA_ARGS__)   \
    USES(long_##pattern, 2, has_vectors, 2, ANY, __VA_ARGS__)
#define THREE(pattern, has_vectors, ...)                       \
    USES(short_##pattern, 3, has_vectors, 1, ANY, __VA_ARGS__) \
    USES(long_##pattern, 3, has_vectors, 2, ANY, __VA_ARGS__)

#define I    uint64_t i0
#define II   uint64_t i0, uint64_t i1
#define III  uint64_t i0, uint64_t i1, uint64_t i2
#define PLAN struct call_plan *plan
#define V0   bits_of(v0)
#define V1   bits_of(v1)
#define V2   bits_of(v2)

ONE(i, false, (I, PLAN), i0, 0, 0, plan, i0, 0, 0, 0, 0, 0)
ONE(v, true, (PLAN, double v0), V0, 0, 0, plan, 0, 0, 0, v0, 0, 0)
TWO(ii, false, (II, PLAN), i0, i1, 0, plan, i0, i1, 0, 0, 0, 0)
TWO(iv, true, (I, PLAN, double v0), i0, V0, 0, plan, i0, 0, 0, v0, 0, 0)
TWO(vi, true, (I, PLAN, double v0), V0, i0, 0, plan, i0, 0, 0, v0, 0, 0)
TWO(vv, true, (PLAN, double v0, double v1), V0, V1, 0, plan, 0, 0, 0, v0, v1, 0)
/* Keys have two words at most, so that none of these is plain. */
THREE(iii, false, (III, PLAN), i0, i1, i2, plan, i0, i1, i2, 0, 0, 0)
THREE(iiv, true, (II, PLAN, double v0), i0, i1, V0, plan, i0, i1, 0, v0, 0, 0)
THREE(ivi, true, (II, PLAN, double v0), i0, V0, i1, plan, i0, i1, 0, v0, 0, 0)
THREE(vii, true, (II, PLAN, double v0), V0, i0, i1, plan, i0, i1, 0, v0, 0, 0)
THREE(ivv, true, (I, PLAN, double v0, double v1), i0, V0, V1, plan, i0, 0, 0, v0, v1, 0)
THREE(viv, true, (I, PLAN, double v0, double v1), V0, i0, V1, plan, i0, 0, 0, v0, v1, 0)
THREE(vvi, true, (I, PLAN, double v0, double v1), V0, V1, i0, plan, i0, 0, 0, v0, v1, 0)
THREE(vvv, true, (PLAN, double v0, double v1, double v2), V0, V1, V2, plan, 0, 0, 0, v0, v1, v2)

USES(ints_ii, 2, false, 1, INTS, (II, PLAN), i0, i1, 0, plan, i0, i1, 0, 0, 0, 0)
USES(ints_iii, 3, false, 2, INTS, (III, PLAN), i0, i1, i2, plan, i0, i1, i2, 0, 0, 0)

typedef void (*code_fn)(void);
#define CODES(pattern)                                          \
    {                                                           \
        [CACHE_WORDS_LEAVE] = (code_fn)quick_##pattern##_leave, \
        [CACHE_WORDS_COUNT] = (code_fn)quick_##pattern##_count, \
        [CACHE_WORDS_STAMP] = (code_fn)quick_##pattern##_stamp, \
        [CACHE_WORDS_PLACE] = (code_fn)quick_##pattern##_place, \
    }

#define CODES_OF_ONE(kind)               \
    {                                    \
        CODES(kind##_i), CODES(kind##_v) \
    }
#define CODES_OF_TWO(kind)                                                     \
    {                                                                          \
        CODES(kind##_ii), CODES(kind##_vi), CODES(kind##_iv), CODES(kind##_vv) \
    }
#define CODES_OF_THREE(kind)                                                           \
    {                                                                                  \
        CODES(kind##_iii), CODES(kind##_vii), CODES(kind##_ivi), CODES(kind##_vvi),    \
            CODES(kind##_iiv), CODES(kind##_viv), CODES(kind##_ivv), CODES(kind##_vvv) \
    }

code_fn quick_words_code(uint32_t n_arguments, uint32_t vectors, uint32_t n_words,
                         enum cache_words_use use, enum quick_layout layout)
{
    static const code_fn plain[][4][CACHE_WORDS_USES] = {
        [1] = CODES_OF_ONE(plain),
        [2] = CODES_OF_TWO(plain),
    };
    static const code_fn any[][4][8][CACHE_WORDS_USES] = {
        [1] = {[1] = CODES_OF_ONE(short), [2] = CODES_OF_TWO(short), [3] = CODES_OF_THREE(short)},
        [2] = {[2] = CODES_OF_TWO(long), [3] = CODES_OF_THREE(long)},
    };

    static const code_fn ints[][CACHE_WORDS_USES] = {[2] = CODES(ints_ii), [3] = CODES(ints_iii)};

    switch (layout) {
    case QUICK_LAYOUT_PLAIN:
        return plain[n_arguments][vectors][use];
    case QUICK_LAYOUT_INTS:
        return ints[n_arguments][use];
    case QUICK_LAYOUT_ANY:
        break;
    }
    return any[n_words][n_arguments][vectors][use];
}
