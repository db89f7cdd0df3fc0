// SPDX-License-Identifier: MIT
/*
 * The short way of a hit for the most frequent of functions that write: of one or two numbers, with
 * a pointer behind them to four, eight, 16, 24 or 32 bytes, or to two times eight (frexp, modf,
 * sincos, a struct that is filled in). As in quick_words.c, all that can be is known when this is
 * compiled, and nothing is called. quick_rows.c is for other functions of few arguments.
 *
 * The caller's memory is written when the guard is no longer set, as quick_wide.c says.
 */
#include "call/quick_rows.h"

/* What is known of a function when its code is compiled. */
struct form {
    int n;            /* of numbers */
    uint32_t n_words; /* of keys: the first number begins the first of them */
    uint32_t n_bytes; /* that are written behind a pointer */
    int n_outs;       /* pointers, the last arguments in integer registers; of two, each to 8 */
    bool has_vector;  /* a number is a floating-point one */
    bool looks;       /* at the rounding mode */
    bool returns;     /* something */
    enum cache_words_use use; /* CACHE_WORDS_COUNT is also for those that leave nothing */
};

typedef unsigned long long __attribute__((vector_size(16), aligned(1), may_alias)) two_words;
typedef double __attribute__((may_alias)) shared_double;

/* What a hit gives back. */
struct found {
    two_words pairs[2];
    uint64_t words[2];
    struct abi_both result;
};

/* Of a value: what is written, word by word, and the result. */
static inline uint32_t value_words(uint32_t n_bytes, int n_outs, bool returns)
{
    return (uint32_t)n_outs * ((n_bytes + 7) / 8) + returns;
}

/* And its hash. */
static inline __attribute__((always_inline)) struct hash_halves
make_key(const struct call_plan *plan, struct form form, uint64_t w0, uint64_t w1,
         uint64_t *ret_key)
{
    const struct call_quick *quick = &plan->quick;
    uint64_t hash;

    if (form.n_words == 3) { /* numbers are words, see is_fit, here and below */
        ret_key[0] = w0;
        ret_key[1] = w1;
        ret_key[2] = quick->key[2];
        hash = hash_three_words(ret_key, quick->n_key_bytes, plan->seed);
        return (struct hash_halves){(uint32_t)hash, hash};
    }
    ret_key[1] = form.n_words == 2 ? quick->key[1] : 0;
    if (form.n == 1 && form.n_words == 2) {
        ret_key[0] = w0;
    } else {
        ret_key[0] = quick->key[0] | (w0 & quick->low_masks[0]);
    }
    if (form.n == 2) {
        row_add(&plan->wide->integers[1], form.n_words, w1, &ret_key[0], &ret_key[1]);
    }
    return hash_words_halves(ret_key[0], ret_key[1], &quick->seeds);
}

static inline __attribute__((always_inline)) void
take(const struct call_plan *plan, struct form form, const char *slot, struct found *ret_found)
{
    const char *at = slot + CACHE_WORDS_KEY_AT + 8 * form.n_words;
    const char *result = at + 8 * value_words(form.n_bytes, form.n_outs, false);

    if (form.n_outs == 2 || form.n_bytes <= 8) {
        ret_found->words[0] = shared_load(at);
    } else {
        ret_found->pairs[0] = *(const two_words *)(const void *)at;
    }
    if (form.n_outs == 2) {
        ret_found->words[1] = shared_load(at + 8);
    } else if (form.n_bytes == 24) {
        ret_found->words[1] = shared_load(at + 16);
    } else if (form.n_bytes == 32) {
        ret_found->pairs[1] = *(const two_words *)(const void *)(at + 16);
    }
    if (form.returns) {
        ret_found->result.integer = widen(&plan->quick, shared_load(result));
        ret_found->result.vector = *(const volatile shared_double *)(const void *)result;
    } else {
        ret_found->result = (struct abi_both){0};
    }
}

static inline __attribute__((always_inline)) void give(struct form form, char *out0, char *out1,
                                                       const struct found *found)
{
    if (form.n_outs == 2) {
        memcpy(out0, &found->words[0], 8);
        memcpy(out1, &found->words[1], 8);
        return;
    }
    if (form.n_bytes <= 8) {
        memcpy(out0, &found->words[0], form.n_bytes);
        return;
    }
    *(two_words *)(void *)out0 = found->pairs[0];
    if (form.n_bytes == 24) {
        memcpy(out0 + 16, &found->words[1], 8);
    } else if (form.n_bytes == 32) {
        *(two_words *)(void *)(out0 + 16) = found->pairs[1];
    }
}

/* probes: what float_mode_probes says, where it is asked. The guard is set. */
static inline __attribute__((always_inline)) enum row_end
find(struct call_plan *plan, struct form form, bool probes, uint64_t w0, uint64_t w1,
     const char *out0, const char *out1, struct found *ret_found)
{
    const struct call_quick *quick = &plan->quick;
    const uint32_t slot_bytes = CACHE_ROW_SLOT_BYTES(
        form.n_words, value_words(form.n_bytes, form.n_outs, form.returns), form.use);
    enum cache_row_look look;
    struct float_mode mode;
    struct hash_halves hash;
    struct cache_front *front;
    _Atomic uint64_t *hits;
    uint64_t key[3], n_hits;
    char *slot;

    if (form.looks) {
        float_mode_note_by(&mode, probes);
    }
    if (!likely(__libc_single_threaded)) {
        return ROW_FURTHER;
    }
    if (!likely(alone_load_half(fork_page_word) == FORK_PAGE_SETTLED && out0 != NULL &&
                (form.n_outs == 1 || (out1 != NULL && quick_are_apart(out0, 8, out1, 8)))) ||
        (form.looks && probes && !likely(float_mode_was_default(&mode)))) {
        return ROW_MISS;
    }
    hash = make_key(plan, form, w0, w1, key);
    front = cache_front(&quick->cache, hash.lower);
    look = cache_look_at_row(&quick->cache, front, key, hash.upper, form.n_words, slot_bytes,
                             form.use, &slot);
    if (!likely(look == CACHE_ROW_FOUND)) {
        return look == CACHE_ROW_PASSED ? ROW_FURTHER : ROW_MISS;
    }
    hits = stats_hits_alone(plan->counters);
    n_hits = alone_load(hits) + 1;
    if (!likely((!form.looks || probes || float_mode_was_default(&mode)) &&
                (n_hits & alone_load_half(&quick->look_mask)) != 0 /* is_look_due */ &&
                cache_use_words(&quick->cache, front, slot, form.use))) {
        return ROW_MISS;
    }
    alone_store(hits, n_hits);
    take(plan, form, slot, ret_found);
    return ROW_HIT;
}

#define CODE(name, known, parameters, w0, w1, out0, out1, ...)                                \
    static struct abi_both name parameters {                                                  \
        const struct form form = known;                                                       \
        struct found found;                                                                   \
        enum row_end end;                                                                     \
                                                                                              \
        guard_enter();                                                                        \
        if (form.looks && !float_mode_probes()) {                                             \
            end = find(plan, form, false, w0, w1, (const char *)(out0), (const char *)(out1), \
                       &found);                                                               \
        } else {                                                                              \
            end = find(plan, form, true, w0, w1, (const char *)(out0), (const char *)(out1),  \
                       &found);                                                               \
        }                                                                                     \
        guard_leave();                                                                        \
        if (!likely(end == ROW_HIT)) {                                                        \
            return end == ROW_FURTHER ? quick_rows_further(__VA_ARGS__)                       \
                                      : quick_rows_miss(__VA_ARGS__);                         \
        }                                                                                     \
        give(form, (char *)(out0), (char *)(out1), &found);                                   \
        return found.result;                                                                  \
    }

#define FORM(...)   \
    {               \
        __VA_ARGS__ \
    }

/* One for each way in which a use is noted, with a result and without. */
#define USES(name, n, n_words, n_bytes, n_outs, has_vector, looks, returns, ...)           \
    CODE(name##_count,                                                                     \
         FORM(n, n_words, n_bytes, n_outs, has_vector, looks, returns, CACHE_WORDS_COUNT), \
         __VA_ARGS__)                                                                      \
    CODE(name##_stamp,                                                                     \
         FORM(n, n_words, n_bytes, n_outs, has_vector, looks, returns, CACHE_WORDS_STAMP), \
         __VA_ARGS__)                                                                      \
    CODE(name##_place,                                                                     \
         FORM(n, n_words, n_bytes, n_outs, has_vector, looks, returns, CACHE_WORDS_PLACE), \
         __VA_ARGS__)
#define RESULTS(name, n, n_words, n_bytes, n_outs, has_vector, looks, ...)        \
    USES(name, n, n_words, n_bytes, n_outs, has_vector, looks, true, __VA_ARGS__) \
    USES(void_##name, n, n_words, n_bytes, n_outs, has_vector, looks, false, __VA_ARGS__)

/* One for each size. */
#define SIZES(name, n, n_words, has_vector, looks, ...)                      \
    RESULTS(name##_to_4, n, n_words, 4, 1, has_vector, looks, __VA_ARGS__)   \
    RESULTS(name##_to_8, n, n_words, 8, 1, has_vector, looks, __VA_ARGS__)   \
    RESULTS(name##_to_16, n, n_words, 16, 1, has_vector, looks, __VA_ARGS__) \
    RESULTS(name##_to_24, n, n_words, 24, 1, has_vector, looks, __VA_ARGS__) \
    RESULTS(name##_to_32, n, n_words, 32, 1, has_vector, looks, __VA_ARGS__)

/* The parameters of the function; words and pointers as they come; and all of it to go on with. */
#define PLAN struct call_plan *plan
#define I    (uint64_t i0, uint64_t o0, PLAN), i0, 0, o0, 0, plan, i0, o0, 0, 0, 0
#define II   (uint64_t i0, uint64_t i1, uint64_t o0, PLAN), i0, i1, o0, 0, plan, i0, i1, o0, 0, 0
#define V    (uint64_t o0, PLAN, double v0), bits_of(v0), 0, o0, 0, plan, o0, 0, 0, v0, 0
#define VV                                                                                      \
    (uint64_t o0, PLAN, double v0, double v1), bits_of(v0), bits_of(v1), o0, 0, plan, o0, 0, 0, \
        v0, v1
#define VOO \
    (uint64_t o0, uint64_t o1, PLAN, double v0), bits_of(v0), 0, o0, o1, plan, o0, o1, 0, v0, 0

/* By the numbers, integers and floating-point ones, and the words of keys. */
SIZES(outs_i_1, 1, 1, false, false, I)
SIZES(outs_i_1_float, 1, 1, false, true, I)
SIZES(outs_i_2, 1, 2, false, false, I)
SIZES(outs_i_2_float, 1, 2, false, true, I)
SIZES(outs_ii_2, 2, 2, false, false, II)
SIZES(outs_ii_2_float, 2, 2, false, true, II)
SIZES(outs_v_2, 1, 2, true, true, V)
SIZES(outs_vv_3, 2, 3, true, true, VV)
RESULTS(outs_v_2_to_8_8, 1, 2, 8, 2, true, true, VOO)

/* ---- the tables ------------------------------------------------------------------------------ */

typedef void (*code_fn)(void);

static const uint32_t sizes[] = {4, 8, 16, 24, 32};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))
#define N_USES  3

#define USES_CODES(name)                                                      \
    {                                                                         \
        (code_fn) name##_count, (code_fn)name##_stamp, (code_fn)name##_place, \
    }
#define SIZES_CODES(name)                                                           \
    {                                                                               \
        USES_CODES(name##_to_4), USES_CODES(name##_to_8), USES_CODES(name##_to_16), \
            USES_CODES(name##_to_24), USES_CODES(name##_to_32),                     \
    }
#define RESULTS_CODES(name)                          \
    {                                                \
        SIZES_CODES(void_##name), SIZES_CODES(name), \
    }

static const struct {
    uint8_t n, n_vectors, n_words;
    bool looks;
    code_fn codes[2][N_SIZES][N_USES]; /* the first of them are void */
} forms[] = {
    {1, 0, 1, false, RESULTS_CODES(outs_i_1)},  {1, 0, 1, true, RESULTS_CODES(outs_i_1_float)},
    {1, 0, 2, false, RESULTS_CODES(outs_i_2)},  {1, 0, 2, true, RESULTS_CODES(outs_i_2_float)},
    {2, 0, 2, false, RESULTS_CODES(outs_ii_2)}, {2, 0, 2, true, RESULTS_CODES(outs_ii_2_float)},
    {1, 1, 2, true, RESULTS_CODES(outs_v_2)},   {2, 2, 3, true, RESULTS_CODES(outs_vv_3)},
};

static const code_fn two_outs[2][N_USES] = {USES_CODES(void_outs_v_2_to_8_8),
                                            USES_CODES(outs_v_2_to_8_8)};

/* By the way in which a use is noted. */
static code_fn choose(const code_fn codes[N_USES], enum cache_words_use use)
{
    return codes[use == CACHE_WORDS_PLACE ? 2 : use == CACHE_WORDS_STAMP ? 1 : 0];
}

static code_fn find_code(const struct call_plan *plan, uint32_t n)
{
    const struct abi_call *abi = plan->abi;
    const struct call_wide *wide = plan->wide;
    const struct cache_rows *rows = &wide->rows;
    bool returns = wide->result_word != QUICK_NO_WORD;

    if (wide->n_outs == 2) {
        return n == 1 && abi->n_vectors == 1 && rows->n_key_words == 2 &&
                       wide->outs[0].n_bytes == 8 && wide->outs[1].n_bytes == 8
                   ? choose(two_outs[returns], rows->words.use)
                   : NULL;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].n != n || forms[i].n_vectors != abi->n_vectors ||
            forms[i].n_words != rows->n_key_words || forms[i].looks != plan->uses_float) {
            continue;
        }
        for (size_t k = 0; k < N_SIZES; k++) {
            if (sizes[k] == wide->outs[0].n_bytes) {
                return choose(forms[i].codes[returns][k], rows->words.use);
            }
        }
    }
    return NULL;
}

/* Both floating-point numbers are a word of the key each, the first two. */
static bool are_words(const struct call_wide *wide)
{
    const struct quick_keys *keys = &wide->keys;
    const struct quick_piece *pieces[] = {&keys->first[0], &keys->first[1]};

    for (uint32_t i = 0; i < 2; i++) {
        if (pieces[i]->from != offsetof(struct abi_words, vectors[i]) ||
            pieces[i]->mask != UINT64_MAX) {
            return false;
        }
    }
    return keys->is_simple;
}

/* All that forms take for granted. n: of numbers. */
static bool is_fit(const struct call_plan *plan, const struct quick_part *first, uint32_t n)
{
    const struct call_wide *wide = plan->wide;
    const struct cache_rows *rows = &wide->rows;

    for (uint32_t i = 0; i < wide->n_outs; i++) {
        if (wide->outs[i].from != 8 * (plan->abi->n_integers - wide->n_outs + i)) {
            return false;
        }
    }
    return (wide->n_outs == 1 || wide->n_outs == 2) && rows->life_at == 0 &&
           wide->row_errno_at == 0 && rows->words.use != CACHE_WORDS_USES &&
           wide->n_approximate == 0 && first->shift == 0 && first->in_low == UINT64_MAX &&
           (n > 1 ? rows->n_key_words <= 2 || are_words(wide)
                  : rows->n_key_words == 1 || first->mask == UINT64_MAX) &&
           rows->words.slot_bytes ==
               CACHE_ROW_SLOT_BYTES(rows->n_key_words, rows->n_value_words, rows->words.use);
}

void (*quick_outs_code(struct call_plan *plan))(void)
{
    const struct abi_call *abi = plan->abi;
    const struct call_wide *wide = plan->wide;
    const struct quick_part *first = abi->n_vectors > 0 ? &wide->vectors[0] : &wide->integers[0];
    uint32_t n = abi->n_arguments - wide->n_outs;

    if (!is_fit(plan, first, n)) {
        return NULL;
    }
    plan->quick.cache = wide->rows.words;
    plan->quick.seeds = wide->seeds;
    plan->quick.low_masks[0] = first->mask;
    plan->quick.n_key_bytes = wide->n_key_bytes;
    memcpy(plan->quick.key, wide->keys.always, sizeof(plan->quick.key));
    return find_code(plan, n);
}
