// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one text. Its key is made in words, as keys of numbers
 * are, and compared in words with that of an entry, which lie in its slot; or the text itself is
 * compared with the key of the entry that a text at its address had the last time. That is for
 * texts of at most MARSHAL_SHORT_TEXT_BYTES, in a process without threads; quick_wide.c has a way
 * for others.
 */
#include "call/quick_wide.h"

_Static_assert(MARSHAL_SHORT_TEXT_WORDS == SHORT_KEY_WORDS &&
                   MARSHAL_TEXT_FRAME_BYTES + MARSHAL_SHORT_TEXT_BYTES == SHORT_KEY_BYTES,
               "the key of a short text is a short key");

/* n: the length of the text whose key is there, but for its size. */
static inline __attribute__((always_inline)) bool
find_short(const struct call_quick *quick, enum cache_words_use use, struct cache_front **ret_front,
           struct short_key *key, uint64_t n, char **ret_slot)
{
    struct hash_halves hash =
        hash_three_halves(key->words, marshal_short_lengths[n].factor, &quick->seeds);

    key->words[2] |= marshal_short_lengths[n].size;
    *ret_front = cache_front(&quick->cache, hash.lower);
    return cache_find_short(&quick->cache, *ret_front, key, hash.upper, use, ret_slot);
}

bool quick_try_text(const struct call_plan *plan, const struct abi_words *words)
{
    const char *text = (const char *)(uintptr_t)words->integers[0];
    struct cache_front *front;
    struct short_key key;
    stamp_clock *clock;
    uint64_t n;
    char *slot;

    if (text == NULL) {
        return false;
    }
    if (!__libc_single_threaded || !marshal_is_ahead(text, plan->quick.ahead_offsets)) {
        return quick_try_any_text(plan, text);
    }
    if (quick_hints_find(&plan->quick.hints, &plan->quick.cache, plan->quick.cache.use, text,
                         &clock, &slot)) {
        return true;
    }
    return marshal_short_text(text, key.words, &n)
               ? find_short(&plan->quick, plan->quick.cache.use, &front, &key, n, &slot)
               : quick_try_any_text(plan, text);
}

/* What a result is made of the word of an entry. */
enum result {
    RESULT_WORD,   /* it is that word, and no floating-point number */
    RESULT_SIGNED, /* the same of half of the word, with a sign */
    RESULT_ANY,
};

static inline __attribute__((always_inline)) struct abi_both
value_at(const struct call_quick *quick, enum result result, const char *at)
{
    struct abi_both value;

    if (result == RESULT_ANY) {
        return both(widen(quick, alone_load(at)));
    }
    value.integer = result == RESULT_WORD ? alone_load(at) : (uint64_t)(int32_t)alone_load_half(at);
#if defined(__x86_64__)
    __asm__("" : "=x"(value.vector)); /* it is whatever the register holds */
#else
    value.vector = 0;
#endif
    return value;
}

/* This entry answers: it is the text's. */
static inline __attribute__((always_inline)) enum text_end
answer(struct call_plan *plan, enum cache_words_use use, enum result result, stamp_clock *clock,
       char *slot, struct abi_both *ret_value)
{
    const struct call_quick *quick = &plan->quick;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = alone_load(hits) + 1;

    if (!likely((result != RESULT_ANY || is_rounding_told(plan, false)) &&
                (n_hits & alone_load_half(&quick->look_mask)) != 0 /* is_look_due */ &&
                cache_use_slot(&quick->cache, clock, slot, use))) {
        return TEXT_MISS;
    }
    alone_store(hits, n_hits);
    *ret_value = value_at(quick, result, slot + CACHE_WORDS_KEY_AT + sizeof(struct short_key));
    return TEXT_HIT;
}

/*
 * A hit where the text's last one was. TEXT_OTHER: that is to be looked for. Only in a process
 * without threads. In a child that is new there are no hints.
 */
static inline __attribute__((always_inline)) enum text_end
hit_again(struct call_plan *plan, enum cache_words_use use, enum result result, const char *text,
          struct abi_both *ret_value)
{
    const struct call_quick *quick = &plan->quick;
    stamp_clock *clock;
    char *slot;

    if (!likely(quick_hints_find(&quick->hints, &quick->cache, use, text, &clock, &slot))) {
        return TEXT_OTHER;
    }
    return answer(plan, use, result, clock, slot, ret_value);
}

/*
 * Of a short text that may be read ahead, in a process without threads. In a child that is new
 * nothing may: one comparison says both. The guard is set, as for the next.
 */
static inline __attribute__((always_inline)) bool may_hit(const char *text)
{
    return likely(__libc_single_threaded &&
                  marshal_is_ahead(text, alone_load_half(fork_page_word + FORK_PAGE_LIMIT)));
}

/* Any hit. TEXT_OTHER, too, of text that is longer, and where nothing may hit. */
static inline __attribute__((always_inline)) enum text_end
hit_short(struct call_plan *plan, enum cache_words_use use, enum result result, const char *text,
          struct abi_both *ret_value)
{
    const struct call_quick *quick = &plan->quick;
    struct cache_front *front;
    struct short_key key;
    uint64_t n;
    char *slot;

    if (!may_hit(text) || !likely(marshal_short_text(text, key.words, &n))) {
        return TEXT_OTHER;
    }
    if (!likely(find_short(quick, use, &front, &key, n, &slot))) {
        return TEXT_MISS;
    }
    quick_hints_note(&plan->quick.hints, &quick->cache, text, front, slot);
    return answer(plan, use, result, front->clock, slot, ret_value);
}

/* A short text that was looked for. */
static __attribute__((noinline)) struct abi_both go_on(const char *text, struct call_plan *plan)
{
    struct quick_computed computed;

    CALL_NOTE_WAY(plan, FURTHER);
    computed = quick_further_text(plan, text);
    return likely(computed.is_done != 0) ? both(computed.word)
                                         : quick_handle_long(plan, (uintptr_t)text, 0, 0, 0, 0, 0);
}

/* In two parts, so that the first, which is short, saves no registers for the second. */
#define CODE(name, use, result, other)                                                     \
    static __attribute__((noinline)) struct abi_both name##_search(uint64_t i0,            \
                                                                   struct call_plan *plan) \
    {                                                                                      \
        const char *text = (const char *)(uintptr_t)i0;                                    \
        struct abi_both value;                                                             \
        enum text_end end = hit_short(plan, use, result, text, &value);                    \
                                                                                           \
        guard_leave();                                                                     \
        if (likely(end == TEXT_HIT)) {                                                     \
            return value;                                                                  \
        }                                                                                  \
        return end == TEXT_MISS ? go_on(text, plan) : other(text, plan);                   \
    }                                                                                      \
                                                                                           \
    static struct abi_both name(uint64_t i0, struct call_plan *plan)                       \
    {                                                                                      \
        const char *text = (const char *)(uintptr_t)i0;                                    \
        struct abi_both value;                                                             \
        enum text_end end = TEXT_OTHER;                                                    \
                                                                                           \
        guard_enter();                                                                     \
        if (likely(__libc_single_threaded)) {                                              \
            end = hit_again(plan, use, result, text, &value);                              \
        }                                                                                  \
        if (!likely(end != TEXT_OTHER)) {                                                  \
            return name##_search(i0, plan);                                                \
        }                                                                                  \
        guard_leave();                                                                     \
        return likely(end == TEXT_HIT) ? value : go_on(text, plan);                        \
    }

/* One for each way in which a use is noted. */
#define USES(name, result)                                                      \
    CODE(quick_##name##_leave, CACHE_WORDS_LEAVE, result, quick_any_text_leave) \
    CODE(quick_##name##_count, CACHE_WORDS_COUNT, result, quick_any_text_count) \
    CODE(quick_##name##_stamp, CACHE_WORDS_STAMP, result, quick_any_text_stamp) \
    CODE(quick_##name##_place, CACHE_WORDS_PLACE, result, quick_any_text_place)

USES(word, RESULT_WORD)
USES(signed, RESULT_SIGNED)
USES(any, RESULT_ANY)

typedef void (*code_fn)(void);
#define CODES(name)                                          \
    {                                                        \
        [CACHE_WORDS_LEAVE] = (code_fn)quick_##name##_leave, \
        [CACHE_WORDS_COUNT] = (code_fn)quick_##name##_count, \
        [CACHE_WORDS_STAMP] = (code_fn)quick_##name##_stamp, \
        [CACHE_WORDS_PLACE] = (code_fn)quick_##name##_place, \
    }

code_fn quick_text_code(const struct call_plan *plan)
{
    static const code_fn codes[][CACHE_WORDS_USES] = {
        [RESULT_WORD] = CODES(word),
        [RESULT_SIGNED] = CODES(signed),
        [RESULT_ANY] = CODES(any),
    };
    enum result result = RESULT_ANY;

    if (!plan->abi->result_is_vector && !plan->quick.looks_at_rounding) {
        if (plan->quick.widening == 0) {
            result = RESULT_WORD;
        } else if (plan->quick.widening == 32) {
            result = RESULT_SIGNED;
        }
    }
    return codes[result][plan->quick.cache.use];
}
