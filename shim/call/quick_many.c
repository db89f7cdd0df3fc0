// SPDX-License-Identifier: MIT
/*
 * The short way of a hit for functions of more numbers than quick_words.c is for, which return one
 * and leave nothing else: their registers lie in memory, keys are of up to four words. As there,
 * all that can be is known when this is compiled, and nothing is called. All others of so many
 * arguments are for quick_wide.c alone, and so is what this does not answer.
 */
#include "call/quick_rows.h"

/* What is known of a function when its code is compiled. */
struct form {
    uint32_t n_words;         /* of keys */
    bool is_simple;           /* as struct quick_keys says */
    bool looks;               /* at the rounding mode */
    enum cache_words_use use; /* CACHE_WORDS_COUNT is also for those that leave nothing */
};

/* The guard is set. */
static inline __attribute__((always_inline)) enum row_end find(struct call_plan *plan,
                                                               struct form form,
                                                               const struct abi_words *words,
                                                               struct abi_both *ret_value)
{
    typedef double __attribute__((may_alias)) shared_double;
    const uint32_t slot_bytes = CACHE_ROW_SLOT_BYTES(form.n_words, 1, form.use);
    const struct cache_words *cache = &plan->quick.cache;
    uint64_t key[CACHE_ROW_LOOK_WORDS];
    enum cache_row_look look;
    struct float_mode mode;
    struct hash_halves hash;
    struct cache_front *front;
    const char *value;
    char *slot;

    if (form.looks) {
        float_mode_note(&mode);
    }
    if (!likely(__libc_single_threaded)) {
        return ROW_FURTHER;
    }
    if (!likely(row_is_quiet(plan))) {
        return ROW_MISS;
    }
    if (form.is_simple) {
        quick_keys_make_simple(&plan->wide->keys, form.n_words, words, key);
    } else {
        quick_keys_make_pairs(&plan->wide->keys, form.n_words, words, key);
    }
    hash = quick_wide_hash(plan, form.n_words, key);
    front = cache_front(cache, hash.lower);
    look =
        cache_look_at_row(cache, front, key, hash.upper, form.n_words, slot_bytes, form.use, &slot);
    if (!likely(look == CACHE_ROW_FOUND)) {
        return look == CACHE_ROW_PASSED ? ROW_FURTHER : ROW_MISS;
    }
    if (!likely((!form.looks || float_mode_was_default(&mode)) &&
                cache_use_words(cache, front, slot, form.use))) {
        return ROW_MISS;
    }
    value = slot + CACHE_WORDS_KEY_AT + 8 * form.n_words;
    ret_value->integer = widen(&plan->quick, shared_load(value));
    ret_value->vector = *(const volatile shared_double *)(const void *)value;
    __asm__("" : "+r"(plan)); /* the count is looked up again: no register is kept for it */
    stats_add_alone(plan->counters, STATS_hits);
    return ROW_HIT;
}

#define CODE(name, ...)                                                \
    static struct abi_both name(void *handed, struct abi_words *words) \
    {                                                                  \
        struct call_plan *plan = handed;                               \
        struct abi_both value;                                         \
        enum row_end end;                                              \
                                                                       \
        guard_enter();                                                 \
        end = find(plan, (struct form){__VA_ARGS__}, words, &value);   \
        guard_leave();                                                 \
        if (likely(end == ROW_HIT)) {                                  \
            return value;                                              \
        }                                                              \
        return end == ROW_FURTHER ? quick_wide_further(plan, words)    \
                                  : quick_wide_handle(plan, words);    \
    }

/* One for each way in which a use is noted, and so on. */
#define USES(name, n_words, is_simple, looks)                        \
    CODE(name##_count, n_words, is_simple, looks, CACHE_WORDS_COUNT) \
    CODE(name##_stamp, n_words, is_simple, looks, CACHE_WORDS_STAMP) \
    CODE(name##_place, n_words, is_simple, looks, CACHE_WORDS_PLACE)
#define WORDS(name, n_words)                  \
    USES(name, n_words, false, false)         \
    USES(name##_float, n_words, false, true)  \
    USES(name##_simple, n_words, true, false) \
    USES(name##_simple_float, n_words, true, true)

WORDS(many_one, 1)
WORDS(many_two, 2)
WORDS(many_three, 3)
WORDS(many_four, 4)

#define USES_CODES(name)                         \
    {                                            \
        name##_count, name##_stamp, name##_place \
    }
#define WORDS_CODES(name)                                                 \
    {                                                                     \
        {USES_CODES(name), USES_CODES(name##_float)},                     \
            {USES_CODES(name##_simple), USES_CODES(name##_simple_float)}, \
    }

abi_words_fn quick_many_code(struct call_plan *plan)
{
    /* By words, less one, is_simple, looks, and how a use is noted. */
    static const abi_words_fn codes[CACHE_ROW_LOOK_WORDS][2][2][3] = {
        WORDS_CODES(many_one), WORDS_CODES(many_two), WORDS_CODES(many_three),
        WORDS_CODES(many_four)};
    const struct call_wide *wide = plan->wide;
    const struct cache_rows *rows = &wide->rows;
    enum cache_words_use use = rows->words.use;

    if (wide->n_words == 0 || wide->n_words > CACHE_ROW_LOOK_WORDS || wide->n_outs > 0 ||
        wide->result_word != 0 || rows->n_value_words != 1 || rows->life_at != 0 ||
        use == CACHE_WORDS_USES || wide->n_approximate > 0 || wide->keys.n_more > 0 ||
        rows->words.slot_bytes != CACHE_ROW_SLOT_BYTES(wide->n_words, 1, use)) {
        return NULL;
    }
    plan->quick.cache = rows->words;
    return codes[wide->n_words - 1][wide->keys.is_simple][plan->uses_float]
                [use == CACHE_WORDS_PLACE   ? 2
                 : use == CACHE_WORDS_STAMP ? 1
                                            : 0];
}
