// SPDX-License-Identifier: MIT
/*
 * The short way of a hit for functions that have none of their own in quick.c: more scalars than
 * three, out parameters of a few bytes, lives, errno, and policies that rearrange entries at a hit.
 * The arguments' registers lie in memory; a list of pieces, made once, says what becomes of each: a
 * part of the key, or where a part of the answer goes. With threads as without.
 *
 * The caller's memory is written when the guard is no longer set and everything is in order again:
 * if it cannot be written, or somebody's handler looks at each write, the fault is as one in the
 * real function.
 */
#include "call/quick_wide.h"

static inline uint64_t load(const struct abi_words *words, uint32_t at)
{
    uint64_t word;

    memcpy(&word, (const char *)words + at, sizeof(word));
    return word;
}

static inline char *load_pointer(const struct abi_words *words, uint32_t at)
{
    return (char *)(uintptr_t)load(words, at);
}

/* They have no byte in common, and none is NULL: all other keys are made the long way. */
static inline bool are_outs_apart(const struct call_wide *wide, const struct abi_words *words)
{
    for (uint32_t i = 0; i < wide->n_outs; i++) {
        const char *memory = load_pointer(words, wide->outs[i].from);

        if (memory == NULL) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (!quick_are_apart(load_pointer(words, wide->outs[j].from), wide->outs[j].n_bytes,
                                 memory, wide->outs[i].n_bytes)) {
                return false;
            }
        }
    }
    return true;
}

/* Not inlined, for the room of the copy. */
__attribute__((noinline)) static void
make_approximate_key(const struct call_plan *plan, const struct abi_words *words, uint64_t *ret_key)
{
    const struct call_wide *wide = plan->wide;
    struct abi_words approximate = *words;

    for (uint32_t i = 0; i < wide->n_approximate; i++) {
        marshal_approximate_argument(plan->marshal, wide->approximate[i],
                                     (char *)&approximate +
                                         plan->abi->word_at[wide->approximate[i]]);
    }
    quick_keys_make(&wide->keys, wide->rows.n_key_words, &approximate, ret_key);
}

static inline __attribute__((always_inline)) void make_whole_key(const struct call_plan *plan,
                                                                 uint32_t n_words,
                                                                 const struct abi_words *words,
                                                                 uint64_t *ret_key)
{
    if (__builtin_expect(plan->wide->n_approximate != 0, 0)) {
        make_approximate_key(plan, words, ret_key);
    } else {
        quick_keys_make(&plan->wide->keys, n_words, words, ret_key);
    }
}

static inline __attribute__((always_inline)) uint64_t
hash_key(const struct call_plan *plan, uint32_t n_words, const uint64_t *key)
{
    const struct call_wide *wide = plan->wide;

    switch (n_words) {
    case 1:
        return hash_words(key[0], 0, &wide->seeds);
    case 2:
        return hash_words(key[0], key[1], &wide->seeds);
    case 3:
        return hash_three_words(key, wide->n_key_bytes, plan->seed);
    case 4:
        return hash_four_words(key, wide->n_key_bytes, plan->seed);
    default:
        return hash_bytes((struct bytes){key, wide->n_key_bytes}, plan->seed);
    }
}

/*
 * A hit, which the statistics do not know of yet. n_words: of the key, perhaps known when this is
 * compiled; use: the policy is told of it. The guard is set.
 */
static inline __attribute__((always_inline)) bool ask(const struct call_plan *plan,
                                                      uint32_t n_words,
                                                      const struct abi_words *words, bool use,
                                                      struct quick_answer *ret_answer)
{
    const struct call_wide *wide = plan->wide;
    const bool looks = plan->quick.looks_at_rounding;
    struct float_mode mode = {0};
    uint64_t key[CACHE_ROW_WORDS], hash, now_ns;

    if (looks) {
        float_mode_note(&mode);
    }
    now_ns = wide->rows.life_at != 0 ? life_latest_ns(plan) : 0;
    if (!likely(are_outs_apart(wide, words))) {
        return false;
    }
    if (n_words == 0) {
        return likely(!looks || float_mode_was_default(&mode)) &&
               quick_ask_texts(&wide->texts, &wide->rows, plan->seed, words, now_ns, use,
                               ret_answer->words);
    }
    make_whole_key(plan, n_words, words, key);
    hash = hash_key(plan, n_words, key);
    if (!likely(!looks || float_mode_was_default(&mode))) {
        return false;
    }
    return likely(__libc_single_threaded)
               ? cache_find_row(&wide->rows, key, n_words, hash, now_ns, use, ret_answer->words)
               : cache_glance_row(&wide->rows, key, hash, now_ns, use, ret_answer->words);
}

bool quick_try_wide(const struct call_plan *plan, const struct abi_words *words)
{
    struct quick_answer answer;

    return ask(plan, plan->wide->n_words, words, false, &answer);
}

struct abi_both quick_wide_give(const struct call_plan *plan, const struct abi_words *words,
                                const struct quick_answer *answer)
{
    const struct call_wide *wide = plan->wide;

    for (uint32_t i = 0; i < wide->n_outs; i++) {
        quick_give(load_pointer(words, wide->outs[i].from), &answer->words[wide->outs[i].word],
                   wide->outs[i].n_bytes);
    }
    return quick_finish(plan, answer);
}

/*
 * A hit in a process with threads. It is counted by the thread that makes it, if that has a count
 * of its own, as in quick_threads.c. The guard is set.
 */
__attribute__((noinline)) static bool ask_beside_others(struct call_plan *plan,
                                                        const struct abi_words *words,
                                                        struct quick_answer *ret_answer)
{
    _Atomic uint64_t *hits = stats_hits_own(plan->counters);
    uint32_t n_looks = atomic_load_explicit(&plan->quick.look_mask, memory_order_relaxed) + 1;

    if (!likely(hits != NULL)) {
        quick_look(plan, words, 1);
    } else {
        atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
        if (is_look_due(plan, atomic_load_explicit(hits, memory_order_relaxed) + 1)) {
            quick_look(plan, words, n_looks);
        }
    }
    if (atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed) ||
        !ask(plan, plan->wide->n_words, words, true, ret_answer)) {
        return false;
    }
    if (likely(hits != NULL)) {
        atomic_store_explicit(hits, atomic_load_explicit(hits, memory_order_relaxed) + 1,
                              memory_order_release);
    } else {
        stats_add(plan->counters, STATS_hits, 1);
    }
    return true;
}

uint32_t quick_wide_key(const struct call_plan *plan, const struct abi_words *words,
                        uint64_t ret_row[QUICK_TEXTS_WORDS], uint64_t *ret_hash,
                        uint32_t *ret_n_words)
{
    const struct call_wide *wide = plan->wide;
    uint32_t n_bytes = wide->n_key_bytes;

    if (!are_outs_apart(wide, words)) {
        return 0;
    }
    *ret_n_words = wide->rows.n_key_words;
    if (likely(wide->n_words != 0)) {
        make_whole_key(plan, wide->n_words, words, ret_row);
        *ret_hash = hash_key(plan, wide->n_words, ret_row);
        return n_bytes;
    }
    n_bytes = quick_texts_key(&wide->texts, words, ret_row);
    if (n_bytes <= SHORT_KEY_BYTES) {
        *ret_hash = hash_three_words(ret_row, n_bytes, plan->seed);
        ret_row[2] = short_key_last(ret_row[2], n_bytes);
    } else {
        *ret_hash = hash_bytes((struct bytes){ret_row, n_bytes}, plan->seed);
        *ret_n_words = 0;
    }
    return n_bytes;
}

/* False: none was due. The guard is set. */
static bool look_if_due(struct call_plan *plan, const struct abi_words *words)
{
    const _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint32_t n_looks = atomic_load_explicit(&plan->quick.look_mask, memory_order_relaxed) + 1;

    if (!__libc_single_threaded || fork_page_is_new_child() ||
        !is_look_due(plan, atomic_load_explicit(hits, memory_order_relaxed) + 1)) {
        return false;
    }
    quick_look(plan, words, n_looks);
    return true;
}

__attribute__((noinline)) static void handle(struct call_plan *plan, struct abi_words *words,
                                             void *ret_value)
{
    void *arguments[ABI_MAX_WORDS];
    struct abi_joined room;

    abi_point_arguments(plan->abi, words, &room, arguments);
    call_handle(plan, ret_value, arguments);
}

void quick_handle_into(struct call_plan *plan, struct abi_words *words, void *ret_value)
{
    CALL_NOTE_WAY(plan, HANDLE);
    guard_enter();
    look_if_due(plan, words);
    guard_leave();
    handle(plan, words, ret_value);
}

/*
 * The look, if it is due, and after that, which may have changed anything, what would have been a
 * hit but for it. It would be one the long way, too, which takes several times as long. Not
 * inlined: the long way has none of this on its stack.
 */
__attribute__((noinline)) static struct quick_computed look_and_hit(struct call_plan *plan,
                                                                    const struct abi_words *words)
{
    struct quick_computed computed = {0, 0};
    struct quick_answer answer;
    bool is_hit;

    guard_enter();
    is_hit = look_if_due(plan, words) && plan->wide != NULL && !plan->quick.is_text &&
             quick_may_hit_after_look(plan) && ask(plan, plan->wide->n_words, words, true, &answer);
    if (is_hit) {
        stats_add_alone(plan->counters, STATS_hits);
    }
    guard_leave();
    if (is_hit) {
        computed.word = quick_wide_give(plan, words, &answer).integer;
        computed.is_done = 1;
    }
    return computed;
}

struct abi_both quick_handle_words(struct call_plan *plan, struct abi_words *words)
{
    struct quick_computed computed;
    uint64_t result = 0;

    CALL_NOTE_WAY(plan, HANDLE);
    computed = look_and_hit(plan, words);
    if (computed.is_done != 0) {
        return both(computed.word);
    }
    handle(plan, words, &result);
    return both(result);
}

__attribute__((noinline)) struct abi_both quick_wide_handle(struct call_plan *plan,
                                                            struct abi_words *words)
{
    uint64_t result = 0;

    CALL_NOTE_WAY(plan, WIDE);
    return likely(quick_compute_wide(plan, words, &result)) ? both(result)
                                                            : quick_handle_words(plan, words);
}

/* The guard is set. */
static inline __attribute__((always_inline)) bool find(struct call_plan *plan, uint32_t n_words,
                                                       const struct abi_words *words,
                                                       struct quick_answer *ret_answer)
{
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;

    if (__builtin_expect(fork_page_is_new_child(), 0)) {
        return false; /* call_handle puts the house in order */
    }
    if (!likely(__libc_single_threaded)) {
        return ask_beside_others(plan, words, ret_answer);
    }
    if (!likely(!is_look_due(plan, n_hits) && ask(plan, n_words, words, true, ret_answer))) {
        return false;
    }
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

__attribute__((noinline)) bool quick_wide_find(struct call_plan *plan,
                                               const struct abi_words *words,
                                               struct quick_answer *ret_answer)
{
    bool is_hit;

    guard_enter();
    is_hit = find(plan, plan->wide->n_words, words, ret_answer);
    guard_leave();
    return is_hit;
}

struct abi_both quick_wide_further(struct call_plan *plan, struct abi_words *words)
{
    struct quick_answer answer;
    bool is_hit;

    CALL_NOTE_WAY(plan, WIDE);
    if (!__libc_single_threaded) {
        return plan->wide->code(plan, words);
    }
    guard_enter();
    is_hit = find(plan, plan->wide->n_words, words, &answer);
    guard_leave();
    return is_hit ? quick_wide_give(plan, words, &answer) : quick_wide_handle(plan, words);
}

/* n_words: as in struct call_wide. */
#define WIDE(suffix, n_words)                                                   \
    static struct abi_both wide_##suffix(void *handed, struct abi_words *words) \
    {                                                                           \
        struct call_plan *plan = handed;                                        \
        struct quick_answer answer;                                             \
        bool is_hit;                                                            \
                                                                                \
        guard_enter();                                                          \
        is_hit = find(plan, n_words, words, &answer);                           \
        guard_leave();                                                          \
        return likely(is_hit) ? quick_wide_give(plan, words, &answer)           \
                              : quick_wide_handle(plan, words);                 \
    }

WIDE(one, 1)
WIDE(two, 2)
WIDE(three, 3)
WIDE(four, 4)
WIDE(many, plan->wide->n_words)

struct found {
    uint64_t word;
    uint64_t is_hit;
};

/*
 * Texts of any length are keys that take much of the stack, and those that are too long are for
 * call_handle, which takes as much again: not inlined, and returned in registers, so that nothing
 * of this is there any more then. Nothing is written here, see struct marshal_wide.
 */
__attribute__((noinline)) static struct found find_texts(struct call_plan *plan,
                                                         const struct abi_words *words)
{
    struct quick_answer answer;
    bool is_hit;

    guard_enter();
    is_hit = find(plan, 0, words, &answer);
    guard_leave();
    return likely(is_hit) ? (struct found){quick_finish(plan, &answer).integer, 1}
                          : (struct found){0, 0};
}

static struct abi_both wide_texts(void *handed, struct abi_words *words)
{
    struct call_plan *plan = handed;
    struct found found = find_texts(plan, words);

    return likely(found.is_hit != 0) ? both(found.word) : quick_wide_handle(plan, words);
}

abi_words_fn quick_wide_code(uint32_t n_words)
{
    switch (n_words) {
    case 0:
        return wide_texts;
    case 1:
        return wide_one;
    case 2:
        return wide_two;
    case 3:
        return wide_three;
    case 4:
        return wide_four;
    default:
        return wide_many;
    }
}
