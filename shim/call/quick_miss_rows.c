// SPDX-License-Identifier: MIT
/*
 * Misses of functions whose hits are in rows, as quick_miss.h says: from registers, for what
 * quick_rows.h is for, in a process without threads, and from memory.
 */
#include "call/quick_miss.h"

/* ---- rows ------------------------------------------------------------------------------------ */

/* The key and its hash. False: they are made the long way. */
static inline bool make_row_key(const struct call_plan *plan, const struct abi_words *words,
                                uint64_t *ret_key, struct short_miss *miss)
{
    const struct call_wide *wide = plan->wide;

    miss->n_key_words = wide->n_words;
    miss->key.bytes = (struct bytes){ret_key, wide->n_key_bytes};
    switch (wide->n_words) {
    case 1:
        quick_keys_make(&wide->keys, 1, words, ret_key);
        miss->key.hash = hash_words(ret_key[0], 0, &wide->seeds);
        return true;
    case 2:
        quick_keys_make(&wide->keys, 2, words, ret_key);
        miss->key.hash = hash_words(ret_key[0], ret_key[1], &wide->seeds);
        return true;
    default:
        return quick_wide_key(plan, words, ret_key, &miss->key.hash, &miss->n_key_words) != 0;
    }
}

static inline bool are_row_outs_apart(const struct call_wide *wide, const struct abi_words *words)
{
    const struct quick_row_out *outs = wide->row_outs;
    const char *first, *second;

    first = (const char *)(uintptr_t)words->integers[outs[0].integer];
    if (likely(wide->n_outs == 1)) {
        return likely(first != NULL);
    }
    if (wide->n_outs == 0) {
        return true;
    }
    second = (const char *)(uintptr_t)words->integers[outs[1].integer];
    return likely(first != NULL) && likely(second != NULL) &&
           quick_are_apart(first, outs[0].n_bytes, second, outs[1].n_bytes);
}

/* Where the entry of a miss is all the same, or NULL. */
static inline char *seek_row(const struct cache_rows *rows, const struct cache_front *front,
                             const struct short_miss *miss)
{
    char *slot = cache_seek_row(rows, front, miss->row, miss->n_key_words, miss->key.hash);

    if (slot == NULL && cache_may_lie_further(&rows->words, front, miss->key.hash)) {
        slot = cache_find_further_key(&rows->words, front, miss->row, miss->n_key_words,
                                      miss->key.hash);
    }
    return slot;
}

/* As quick_ask_numbers. */
__attribute__((noinline)) struct quick_computed
quick_ask_row(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2, double v0, double v1)
{
    const struct call_wide *wide = plan->wide;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t row[QUICK_TEXTS_WORDS + CACHE_ROW_WORDS];
    struct quick_computed computed = quick_nothing;
    struct quick_answer answer;
    struct cache_front *front;
    struct short_miss miss;
    struct abi_words words;
    bool is_hit = false;
    uint64_t n_hits;
    char *slot;

    note_errno(&miss);
    guard_enter();
    quick_note_words(&words, i0, i1, i2, v0, v1, 0);
    if (!likely(!fork_page_is_new_child()) || !likely(may_compute(plan)) ||
        !likely(are_row_outs_apart(wide, &words))) {
        goto out;
    }
    miss.look = quick_look_at_rounding(plan, false);
    miss.now_ns = life_latest_ns(plan);
    miss.row = row;
    if (!likely(make_row_key(plan, &words, row, &miss)) ||
        !likely(float_look_is_default(miss.look))) {
        goto out;
    }
    front = cache_front(&wide->rows.words, miss.key.hash);
    slot = seek_row(&wide->rows, front, &miss);
    if (!likely(slot == NULL) && cache_row_is_alive(&wide->rows, slot, miss.now_ns)) {
        n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
        is_hit = !is_look_due(plan, n_hits) &&
                 cache_row_answers(&wide->rows, front, slot, miss.now_ns, true, answer.words);
        if (is_hit) {
            atomic_store_explicit(hits, n_hits, memory_order_relaxed);
        }
    } else if (likely(begin(plan, &miss))) {
        computed = compute(plan, OF_ROWS, &words, &miss, NULL);
    }
out:
    give_errno(&miss);
    guard_leave();
    return is_hit ? done(quick_wide_give(plan, &words, &answer).integer) : computed;
}

/* ---- arguments in memory --------------------------------------------------------------------- */

/*
 * There is no entry that is alive; with threads, or of a key that does not lie in a slot, that is
 * yet to be seen.
 */
static inline bool is_absent(const struct call_wide *wide, const struct short_miss *miss)
{
    const char *slot;

    if (!likely(__libc_single_threaded) || !likely(miss->n_key_words != 0)) {
        return true;
    }
    slot = seek_row(&wide->rows, cache_front(&wide->rows.words, miss->key.hash), miss);
    return likely(slot == NULL) || !cache_row_is_alive(&wide->rows, slot, miss->now_ns);
}

static inline __attribute__((always_inline)) bool
compute_in_memory(struct call_plan *plan, enum way way, struct abi_words *words,
                  uint64_t *ret_result, uint64_t *ret_second)
{
    uint64_t row[QUICK_TEXTS_WORDS + CACHE_ROW_WORDS];
    struct quick_computed computed = quick_nothing;
    struct short_miss miss;

    note_errno(&miss);
    guard_enter();
    if (likely(!fork_page_is_new_child() && may_compute(plan))) {
        atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
        miss.look = quick_look_at_rounding(plan, false);
        miss.now_ns = life_latest_ns(plan);
        miss.row = row;
        miss.key.bytes.data = row;
        miss.key.bytes.n_bytes =
            quick_wide_key(plan, words, row, &miss.key.hash, &miss.n_key_words);
        if (likely(miss.key.bytes.n_bytes != 0 && float_look_is_default(miss.look) &&
                   is_absent(plan->wide, &miss) && begin(plan, &miss))) {
            computed = compute(plan, way, words, &miss, ret_second);
            *ret_result = computed.word;
        }
    }
    give_errno(&miss);
    guard_leave();
    return computed.is_done != 0;
}

bool quick_compute_wide(struct call_plan *plan, struct abi_words *words, uint64_t *ret_word)
{
    return compute_in_memory(plan, OF_WORDS, words, ret_word, NULL);
}

bool quick_compute_pair(struct call_plan *plan, struct abi_words *words, uint64_t ret_value[2])
{
    return compute_in_memory(plan, OF_PAIRS, words, &ret_value[0], &ret_value[1]);
}
