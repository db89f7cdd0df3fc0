// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one to three numbers, in a process without threads. One
 * function of C for each form of quick_forms.def, and each way in which a use is noted. It leaves
 * its answer in both registers in which one may be expected; with threads it is quick_threads.c
 * that answers.
 *
 * What counts is how long the answer takes to come after the argument, and how many instructions
 * there are, of which eight begin in a cycle. So the code calls nothing, and keeps little, that no
 * register has to be saved; what has no time to lose (MXCSR, the shard) is asked for first; and
 * where all is known when this is compiled, nothing is multiplied, masked or shifted.
 */
#include "call/quick_forms.h"

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
                                                       enum cache_words_use use, bool probes,
                                                       uint64_t w0, uint64_t w1, uint64_t w2,
                                                       struct abi_both *ret_value)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
    struct float_mode mode;
    struct key key;
    struct hash_halves hash;
    struct cache_front *front;
    char *slot;

    if (form.has_vectors) {
        float_mode_note_by(&mode, probes);
    }
    if (!likely(is_quiet(plan, n_hits)) ||
        (form.has_vectors && probes && !likely(float_mode_was_default(&mode)))) {
        return false;
    }
    key = key_of(quick, form, w0, w1, w2);
    hash = hash_words_halves(key.low, key.high, &quick->seeds);
    front = cache_front(&quick->cache, hash.lower);
    if (!likely(cache_find_home(&quick->cache, front, key.low, key.high, hash.upper, form.n_words,
                                use, &slot) &&
                (form.has_vectors ? probes || float_mode_was_default(&mode)
                                  : is_rounding_told(plan, false)) &&
                cache_use_words(&quick->cache, front, slot, use))) {
        return false;
    }
    *ret_value = value_at(quick, slot + CACHE_WORDS_VALUE_AT + 8 * (form.n_words - 1),
                          form.layout == QUICK_LAYOUT_PLAIN);
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

/* beside: the code of the same form for a process with threads. */
#define CODE(name, known, use, beside, parameters, arguments, w0, w1, w2, ...)       \
    static struct abi_both name parameters {                                         \
        struct abi_both value;                                                       \
        bool is_hit;                                                                 \
                                                                                     \
        if (!likely(__libc_single_threaded)) {                                       \
            return beside arguments;                                                 \
        }                                                                            \
        guard_enter();                                                               \
        if (((struct form)known).has_vectors && !float_mode_probes()) {              \
            is_hit = find(plan, (struct form)known, use, false, w0, w1, w2, &value); \
        } else {                                                                     \
            is_hit = find(plan, (struct form)known, use, true, w0, w1, w2, &value);  \
        }                                                                            \
        guard_leave();                                                               \
        return likely(is_hit) ? value : quick_further(__VA_ARGS__);                  \
    }

/* One for each way in which a use is noted. */
#define QUICK_FORM(name, n, has_vectors, n_words, layout, ...)                       \
    CODE(quick_##name##_leave, FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout), \
         CACHE_WORDS_LEAVE, quick_beside_##name, __VA_ARGS__)                        \
    CODE(quick_##name##_count, FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout), \
         CACHE_WORDS_COUNT, quick_beside_##name, __VA_ARGS__)                        \
    CODE(quick_##name##_stamp, FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout), \
         CACHE_WORDS_STAMP, quick_beside_##name, __VA_ARGS__)                        \
    CODE(quick_##name##_place, FORM(n, has_vectors, n_words, QUICK_LAYOUT_##layout), \
         CACHE_WORDS_PLACE, quick_beside_place_##name, __VA_ARGS__)
#include "call/quick_forms.def"
#undef QUICK_FORM

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
