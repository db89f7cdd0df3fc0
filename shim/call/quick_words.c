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
    /*
     * Each argument is a word of the key as it comes, and so is the value of a result; slots hold
     * nothing else (CACHE_WORDS_SLOT_BYTES).
     */
    bool is_plain;
    enum cache_words_use use;
};

/* The value at that place of a slot. Loaded twice: from one register to the other takes longer. */
static inline struct abi_both value_at(const struct call_quick *quick, const char *at,
                                       bool is_plain)
{
    typedef double __attribute__((may_alias)) shared_double;
    struct abi_both value;
    uint64_t word = shared_load(at);

    value.integer = is_plain ? word : widen(quick, word);
    value.vector = *(const volatile shared_double *)(const void *)at;
    return value;
}

/* A hit of these words, of which those that the form has not are 0. The guard is set. */
static inline __attribute__((always_inline)) bool find(struct call_plan *plan, struct form form,
                                                       uint64_t w0, uint64_t w1, uint64_t w2,
                                                       struct abi_both *ret_value)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
    uint32_t n_key_words = form.is_plain ? (uint32_t)form.n : 0;
    struct float_mode mode;
    unsigned __int128 key;
    struct hash_halves hash;
    struct cache_front *front;
    char *slot;

    if (form.has_vectors) {
        float_mode_note(&mode);
    }
    if (!likely(__libc_single_threaded && !fork_page_is_new_child() &&
                !is_look_due(plan, n_hits))) {
        return false;
    }
    if (form.is_plain) {
        key = (unsigned __int128)w1 << 64 | w0;
    } else {
        key = w0 & quick->masks[0];
        if (form.n > 1) {
            key |= (unsigned __int128)(w1 & quick->masks[1]) << quick->shifts[1];
        }
        if (form.n > 2) {
            key |= (unsigned __int128)(w2 & quick->masks[2]) << quick->shifts[2];
        }
    }
    hash = hash_words_halves(low_of(key), high_of(key), &quick->seeds);
    front = cache_front(&quick->cache, hash.lower);
    if (!likely(
            cache_find_home(&quick->cache, front, low_of(key), high_of(key), hash.upper,
                            n_key_words, form.use, &slot) &&
            (form.has_vectors ? float_mode_was_default(&mode) : is_rounding_told(plan, false)) &&
            cache_use_words(&quick->cache, front, slot, form.use))) {
        return false;
    }
    *ret_value = value_at(quick,
                          slot + CACHE_WORDS_VALUE_AT +
                              (form.is_plain                ? 8 * (n_key_words - 1)
                               : quick->cache.has_long_keys ? 8
                                                            : 0),
                          form.is_plain);
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

#define CODE(name, known, parameters, w0, w1, w2, ...)               \
    static struct abi_both name parameters {                         \
        struct abi_both value;                                       \
        bool is_hit;                                                 \
                                                                     \
        guard_enter();                                               \
        is_hit = find(plan, (struct form)known, w0, w1, w2, &value); \
        guard_leave();                                               \
        return likely(is_hit) ? value : quick_further(__VA_ARGS__);  \
    }

#define FORM(...)   \
    {               \
        __VA_ARGS__ \
    }

/* One for each way in which a use is noted. */
#define USES(pattern, n, has_vectors, is_plain, ...)                                              \
    CODE(quick_##pattern##_leave, FORM(n, has_vectors, is_plain, CACHE_WORDS_LEAVE), __VA_ARGS__) \
    CODE(quick_##pattern##_count, FORM(n, has_vectors, is_plain, CACHE_WORDS_COUNT), __VA_ARGS__) \
    CODE(quick_##pattern##_stamp, FORM(n, has_vectors, is_plain, CACHE_WORDS_STAMP), __VA_ARGS__) \
    CODE(quick_##pattern##_place, FORM(n, has_vectors, is_plain, CACHE_WORDS_PLACE), __VA_ARGS__)

/* pattern: the order of the parameters; then those of the function, and the words as they come. */
#define NARROW(pattern, n, has_vectors, ...) USES(pattern, n, has_vectors, false, __VA_ARGS__)
#define ANY(pattern, n, has_vectors, ...)             \
    USES(pattern, n, has_vectors, false, __VA_ARGS__) \
    USES(plain_##pattern, n, has_vectors, true, __VA_ARGS__)

#define I    uint64_t i0
#define II   uint64_t i0, uint64_t i1
#define III  uint64_t i0, uint64_t i1, uint64_t i2
#define PLAN struct call_plan *plan
#define V0   bits_of(v0)
#define V1   bits_of(v1)
#define V2   bits_of(v2)

ANY(i, 1, false, (I, PLAN), i0, 0, 0, plan, i0, 0, 0, 0, 0, 0)
ANY(v, 1, true, (PLAN, double v0), V0, 0, 0, plan, 0, 0, 0, v0, 0, 0)
ANY(ii, 2, false, (II, PLAN), i0, i1, 0, plan, i0, i1, 0, 0, 0, 0)
ANY(iv, 2, true, (I, PLAN, double v0), i0, V0, 0, plan, i0, 0, 0, v0, 0, 0)
ANY(vi, 2, true, (I, PLAN, double v0), V0, i0, 0, plan, i0, 0, 0, v0, 0, 0)
ANY(vv, 2, true, (PLAN, double v0, double v1), V0, V1, 0, plan, 0, 0, 0, v0, v1, 0)
/* Keys have two words at most. */
NARROW(iii, 3, false, (III, PLAN), i0, i1, i2, plan, i0, i1, i2, 0, 0, 0)
NARROW(iiv, 3, true, (II, PLAN, double v0), i0, i1, V0, plan, i0, i1, 0, v0, 0, 0)
NARROW(ivi, 3, true, (II, PLAN, double v0), i0, V0, i1, plan, i0, i1, 0, v0, 0, 0)
NARROW(vii, 3, true, (II, PLAN, double v0), V0, i0, i1, plan, i0, i1, 0, v0, 0, 0)
NARROW(ivv, 3, true, (I, PLAN, double v0, double v1), i0, V0, V1, plan, i0, 0, 0, v0, v1, 0)
NARROW(viv, 3, true, (I, PLAN, double v0, double v1), V0, i0, V1, plan, i0, 0, 0, v0, v1, 0)
NARROW(vvi, 3, true, (I, PLAN, double v0, double v1), V0, V1, i0, plan, i0, 0, 0, v0, v1, 0)
NARROW(vvv, 3, true, (PLAN, double v0, double v1, double v2), V0, V1, V2, plan, 0, 0, 0, v0, v1, v2)

typedef void (*code_fn)(void);
#define CODES(pattern)                                          \
    {                                                           \
        [CACHE_WORDS_LEAVE] = (code_fn)quick_##pattern##_leave, \
        [CACHE_WORDS_COUNT] = (code_fn)quick_##pattern##_count, \
        [CACHE_WORDS_STAMP] = (code_fn)quick_##pattern##_stamp, \
        [CACHE_WORDS_PLACE] = (code_fn)quick_##pattern##_place, \
    }

code_fn quick_words_code(uint32_t n_arguments, uint32_t vectors, enum cache_words_use use,
                         bool is_plain)
{
    static const code_fn plain[][4][CACHE_WORDS_USES] = {
        [1] = {CODES(plain_i), CODES(plain_v)},
        [2] = {CODES(plain_ii), CODES(plain_vi), CODES(plain_iv), CODES(plain_vv)},
    };
    static const code_fn any[][8][CACHE_WORDS_USES] = {
        [1] = {CODES(i), CODES(v)},
        [2] = {CODES(ii), CODES(vi), CODES(iv), CODES(vv)},
        [3] = {CODES(iii), CODES(vii), CODES(ivi), CODES(vvi), CODES(iiv), CODES(viv), CODES(ivv),
               CODES(vvv)},
    };

    return is_plain ? plain[n_arguments][vectors][use] : any[n_arguments][vectors][use];
}
