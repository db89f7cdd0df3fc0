// SPDX-License-Identifier: MIT
/*
 * The short way for functions whose result takes two registers, or is a long double: structs of up
 * to 16 bytes, complex numbers. Their arguments lie in memory, as for quick_wide.c, which is asked
 * where more is to be done than a look at one place; one function of C for each pair of registers
 * in which a result comes back, and each size of keys.
 *
 * In a record the two words stand one behind the other, each with the bytes that it has.
 */
#include "call/quick_rows.h"

/* As it lies in memory. In registers, or the compiler could not be sure that nobody keeps it. */
struct pair {
    uint64_t first, second;
};

/* ---- values ---------------------------------------------------------------------------------- */

static inline double as_vector(uint64_t word)
{
    double value;

    memcpy(&value, &word, sizeof(value));
    return value;
}

/* The second word of what lies there, of which the first has so many bytes, 1 to 8. */
static inline uint64_t second_of(const char *at, uint32_t n_first_bytes)
{
    uint64_t first = shared_load(at), second = shared_load(at + 8);

    return second << (64 - 8 * n_first_bytes) | first >> 1 >> (8 * n_first_bytes - 1);
}

static inline double vector_at(const char *at)
{
    typedef double __attribute__((may_alias)) shared_double;

    return *(const volatile shared_double *)(const void *)at;
}

/* Loaded from memory where it is whole there: from one register to the other takes longer. */
static inline double second_vector_of(const char *at, uint32_t n_first_bytes)
{
    return likely(n_first_bytes == 8) ? vector_at(at + 8) : as_vector(second_of(at, n_first_bytes));
}

/* What a value in a slot, and one that was computed, is returned as. */
static inline struct abi_rax_rdx rax_rdx_at(const char *at, uint32_t n_first_bytes)
{
    return (struct abi_rax_rdx){shared_load(at), second_of(at, n_first_bytes)};
}

static inline struct abi_rax_rdx rax_rdx_of(struct pair pair)
{
    return (struct abi_rax_rdx){pair.first, pair.second};
}

static inline struct abi_xmm0_xmm1 xmm0_xmm1_at(const char *at, uint32_t n_first_bytes)
{
    return (struct abi_xmm0_xmm1){vector_at(at), second_vector_of(at, n_first_bytes)};
}

static inline struct abi_xmm0_xmm1 xmm0_xmm1_of(struct pair pair)
{
    return (struct abi_xmm0_xmm1){as_vector(pair.first), as_vector(pair.second)};
}

static inline struct abi_both rax_xmm0_at(const char *at, uint32_t n_first_bytes)
{
    return (struct abi_both){shared_load(at), second_vector_of(at, n_first_bytes)};
}

static inline struct abi_both rax_xmm0_of(struct pair pair)
{
    return (struct abi_both){pair.first, as_vector(pair.second)};
}

static inline struct abi_xmm0_rax xmm0_rax_at(const char *at, uint32_t n_first_bytes)
{
    return (struct abi_xmm0_rax){vector_at(at), second_of(at, n_first_bytes)};
}

static inline struct abi_xmm0_rax xmm0_rax_of(struct pair pair)
{
    return (struct abi_xmm0_rax){as_vector(pair.first), pair.second};
}

static inline long double x87_at(const char *at, uint32_t n_first_bytes)
{
    struct __attribute__((packed, may_alias)) {
        long double value;
    } const *whole = (const void *)at; /* of two words */

    return whole->value;
}

static inline long double x87_of(struct pair pair)
{
    long double value;

    memcpy(&value, &pair, sizeof(value));
    return value;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Not inlined, as the next two: the real function has none of this on its stack. */
__attribute__((noinline)) static struct pair handle(struct call_plan *plan, struct abi_words *words)
{
    uint64_t value[2] = {0};

    quick_handle_into(plan, words, value);
    return (struct pair){value[0], value[1]};
}

/* A miss, of which there is no doubt in a process without threads. */
__attribute__((noinline)) static struct pair compute(struct call_plan *plan,
                                                     struct abi_words *words)
{
    uint64_t value[2];

    CALL_NOTE_WAY(plan, WIDE);
    return likely(quick_compute_pair(plan, words, value)) ? (struct pair){value[0], value[1]}
                                                          : handle(plan, words);
}

/* What quick_wide.c knows of, and then a miss. */
__attribute__((noinline)) static struct pair ask(struct call_plan *plan, struct abi_words *words)
{
    struct quick_answer answer;
    const char *at;

    if (!quick_wide_find(plan, words, &answer)) {
        return compute(plan, words);
    }
    quick_wide_give(plan, words, &answer);
    at = (const char *)&answer.words[plan->wide->result_word];
    return (struct pair){shared_load(at), second_of(at, plan->wide->n_first_bytes)};
}

/* What lies elsewhere than a look in its home has found, or any call in a process with threads. */
static inline struct pair go_further(struct call_plan *plan, struct abi_words *words)
{
    CALL_NOTE_WAY(plan, WIDE);
    return ask(plan, words);
}

/* Where the value is, after a hit. The guard is set. */
static inline __attribute__((always_inline)) enum row_end find(struct call_plan *plan,
                                                               uint32_t n_words,
                                                               const struct abi_words *words,
                                                               const char **ret_value)
{
    const struct call_wide *wide = plan->wide;
    const struct cache_words *cache = &wide->rows.words;
    const bool looks = plan->quick.looks_at_rounding;
    uint64_t key[CACHE_ROW_LOOK_WORDS];
    enum cache_row_look look;
    struct float_mode mode = {0};
    struct hash_halves hash;
    struct cache_front *front;
    char *slot;

    if (looks) {
        float_mode_note(&mode);
    }
    if (!likely(__libc_single_threaded)) {
        return ROW_FURTHER;
    }
    if (!likely(row_is_quiet(plan))) {
        return ROW_MISS;
    }
    if (likely(wide->keys.is_simple)) {
        quick_keys_make_simple(&wide->keys, n_words, words, key);
    } else {
        quick_keys_make(&wide->keys, n_words, words, key);
    }
    hash = quick_wide_hash(plan, n_words, key);
    front = cache_front(cache, hash.lower);
    look = cache_look_at_row(cache, front, key, hash.upper, n_words, cache->slot_bytes, cache->use,
                             &slot);
    if (!likely(look == CACHE_ROW_FOUND)) {
        return look == CACHE_ROW_PASSED ? ROW_FURTHER : ROW_MISS;
    }
    if (!likely((!looks || float_mode_was_default(&mode)) &&
                cache_use_words(cache, front, slot, cache->use))) {
        return ROW_MISS;
    }
    *ret_value = slot + wide->rows.value_at;
    stats_add_alone(plan->counters, STATS_hits);
    return ROW_HIT;
}

#define CODE(name, kind, type, n_words)                                                        \
    static type name(void *handed, struct abi_words *words)                                    \
    {                                                                                          \
        struct call_plan *plan = handed;                                                       \
        const char *at;                                                                        \
        enum row_end end;                                                                      \
        type value;                                                                            \
                                                                                               \
        guard_enter();                                                                         \
        end = find(plan, n_words, words, &at);                                                 \
        if (likely(end == ROW_HIT)) {                                                          \
            value = kind##_at(at, plan->wide->n_first_bytes);                                  \
            guard_leave();                                                                     \
            return value;                                                                      \
        }                                                                                      \
        guard_leave();                                                                         \
        return kind##_of(end == ROW_FURTHER ? go_further(plan, words) : compute(plan, words)); \
    }

/* By the words of keys; "any" are those of more, and all for which more is done than one look. */
#define KIND(kind, type)                                                 \
    CODE(pair_##kind##_one, kind, type, 1)                               \
    CODE(pair_##kind##_two, kind, type, 2)                               \
    CODE(pair_##kind##_three, kind, type, 3)                             \
    CODE(pair_##kind##_four, kind, type, 4)                              \
    static type pair_##kind##_any(void *handed, struct abi_words *words) \
    {                                                                    \
        return kind##_of(ask(handed, words));                            \
    }

KIND(rax_rdx, struct abi_rax_rdx)
KIND(xmm0_xmm1, struct abi_xmm0_xmm1)
KIND(rax_xmm0, struct abi_both)
KIND(xmm0_rax, struct abi_xmm0_rax)
KIND(x87, long double)

typedef void (*code_fn)(void);

#define KIND_CODES(kind)                                                                     \
    {                                                                                        \
        (code_fn) pair_##kind##_any, (code_fn)pair_##kind##_one, (code_fn)pair_##kind##_two, \
            (code_fn)pair_##kind##_three, (code_fn)pair_##kind##_four                        \
    }

/* By the result, and the words of keys, 0 for any. */
static abi_words_fn code_of(const struct call_plan *plan, uint32_t n_words)
{
    static const code_fn codes[][CACHE_ROW_LOOK_WORDS + 1] = {
        [ABI_RESULT_RAX_RDX] = KIND_CODES(rax_rdx),
        [ABI_RESULT_XMM0_XMM1] = KIND_CODES(xmm0_xmm1),
        [ABI_RESULT_RAX_XMM0] = KIND_CODES(rax_xmm0),
        [ABI_RESULT_XMM0_RAX] = KIND_CODES(xmm0_rax),
        [ABI_RESULT_X87] = KIND_CODES(x87),
    };

    return (abi_words_fn)codes[plan->abi->result][n_words];
}

abi_words_fn quick_pairs_code(const struct call_plan *plan)
{
    return code_of(plan, 0);
}

abi_words_fn quick_pairs_first(const struct call_plan *plan)
{
    const struct call_wide *wide = plan->wide;
    const struct cache_rows *rows = &wide->rows;
    bool is_lean = wide->n_words > 0 && wide->n_words <= CACHE_ROW_LOOK_WORDS &&
                   wide->n_outs == 0 && wide->errno_word == QUICK_NO_WORD && rows->life_at == 0 &&
                   rows->words.use != CACHE_WORDS_USES && wide->n_approximate == 0;

    return is_lean ? code_of(plan, wide->n_words) : NULL;
}
