// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one text, where quick_text.c has none: a text that is
 * longer, that lies at the end of a page, or any in a process with threads. No key is made of a
 * longer text: its hash is that of the key, and it is compared with that of an entry, where it
 * lies.
 */
#include "call/quick_wide.h"

/* Longer ones go the long way. */
#define MAX_BYTES (QUICK_TEXTS_BYTES - MARSHAL_TEXT_FRAME_BYTES)

_Static_assert(QUICK_TEXTS_BYTES <= HASH_LONG_BYTES, "it has the same hash");

/*
 * ---- keys ------------------------------------------------------------------------------------
 *
 * And their hashes. n: the length of the text.
 */

static inline uint64_t make_short(const struct call_quick *quick, const char *text, size_t n,
                                  struct short_key *ret_key)
{
    struct hash_halves halves;

    if (MARSHAL_READS_AHEAD &&
        likely(quick->ahead_offsets != 0 && marshal_page_has(text, MARSHAL_AHEAD_BYTES))) {
        marshal_cut_short_text(text, n, ret_key->words);
    } else {
        marshal_copy_short_text(text, n, ret_key->words);
    }
    halves = hash_three_halves(ret_key->words, marshal_short_lengths[n].factor, &quick->seeds);
    ret_key->words[2] |= marshal_short_lengths[n].size;
    return hash_of_halves(halves);
}

static inline uint64_t make_long(const struct call_plan *plan, const char *text, size_t n,
                                 struct long_key *ret_key)
{
    *ret_key = (struct long_key){
        .first = marshal_text_frame(n) | marshal_load(text, 4) << 32,
        .rest = text + 4,
        .n_bytes = (uint32_t)n + MARSHAL_TEXT_FRAME_BYTES,
    };
    if (__builtin_expect(n == MARSHAL_SHORT_TEXT_BYTES + 1, 0)) {
        const uint64_t words[] = {ret_key->first, hash_load(ret_key->rest),
                                  hash_load(ret_key->rest + 8)};

        return hash_three_words(words, ret_key->n_bytes, plan->seed);
    }
    return hash_long(ret_key->first, ret_key->rest, ret_key->n_bytes, plan->seed);
}

static inline bool is_long(size_t n)
{
    return n - (MARSHAL_SHORT_TEXT_BYTES + 1) <= MAX_BYTES - (MARSHAL_SHORT_TEXT_BYTES + 1);
}

/* MAX_BYTES + 1: it is longer than that. */
static inline size_t length_of(const struct call_plan *plan, const char *text)
{
    return marshal_text_length(text, plan->quick.ahead_offsets != 0, MAX_BYTES + 1);
}

/* ---- without threads ------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) char *find_long(const struct call_plan *plan,
                                                             enum cache_words_use use,
                                                             const char *text, size_t n,
                                                             struct cache_front **ret_front)
{
    const struct cache_words *cache = &plan->quick.cache;
    struct long_key key;
    uint64_t hash = make_long(plan, text, n, &key);
    char *slot;

    *ret_front = cache_front(cache, hash);
    slot = cache_find_long(cache, *ret_front, &key, hash, use);
    if (likely(slot != NULL) || !cache_may_lie_further(cache, *ret_front, hash)) {
        return slot;
    }
    return cache_find_long_further(cache, *ret_front, &key, hash);
}

/* Few come here: at the end of a page. */
static char *find_short(const struct call_plan *plan, const char *text, size_t n,
                        struct cache_front **ret_front)
{
    const struct cache_words *cache = &plan->quick.cache;
    struct short_key key;
    uint64_t hash = make_short(&plan->quick, text, n, &key);
    char *slot;

    *ret_front = cache_front(cache, hash);
    if (likely(cache_find_short(cache, *ret_front, &key, hash, cache->use, &slot))) {
        return slot;
    }
    return cache_may_lie_further(cache, *ret_front, hash)
               ? cache_find_further_key(cache, *ret_front, key.words, SHORT_KEY_WORDS, hash)
               : NULL;
}

static char *find(const struct call_plan *plan, const char *text, struct cache_front **ret_front)
{
    size_t n = length_of(plan, text);

    if (n <= MARSHAL_SHORT_TEXT_BYTES) {
        return find_short(plan, text, n, ret_front);
    }
    return is_long(n) ? find_long(plan, plan->quick.cache.use, text, n, ret_front) : NULL;
}

/* This entry, which may be NULL, answers. The guard is set. */
static inline __attribute__((always_inline)) bool use_slot(struct call_plan *plan,
                                                           enum cache_words_use use,
                                                           struct cache_front *front, char *slot,
                                                           uint64_t *ret_word)
{
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = alone_load(hits) + 1;

    if (!likely(slot != NULL && (n_hits & alone_load_half(&plan->quick.look_mask)) != 0 &&
                cache_use_words(&plan->quick.cache, front, slot, use))) {
        return false;
    }
    *ret_word = shared_load(slot + CACHE_WORDS_KEY_AT + sizeof(struct short_key));
    alone_store(hits, n_hits);
    return true;
}

/* A hit of a long text. The guard is set. */
static inline __attribute__((always_inline)) enum text_end
hit_long(struct call_plan *plan, enum cache_words_use use, const char *text, uint64_t *ret_word)
{
    struct cache_front *front;
    char *slot;
    size_t n;

    if (!likely(__libc_single_threaded && text != NULL && !fork_page_is_new_child() &&
                is_rounding_told(plan, false))) {
        return TEXT_OTHER;
    }
    n = length_of(plan, text);
    if (!likely(is_long(n))) {
        return TEXT_OTHER;
    }
    slot = find_long(plan, use, text, n, &front);
    return use_slot(plan, use, front, slot, ret_word) ? TEXT_HIT : TEXT_MISS;
}

/* ---- with threads ---------------------------------------------------------------------------- */

static inline bool glance(const struct call_plan *plan, const char *text, bool use,
                          uint64_t *ret_word)
{
    const struct cache_words *cache = &plan->quick.cache;
    size_t n = length_of(plan, text);
    struct short_key shorter;
    struct long_key longer;
    uint64_t hash;

    if (n <= MARSHAL_SHORT_TEXT_BYTES) {
        hash = make_short(&plan->quick, text, n, &shorter);
        return cache_glance_short(cache, &shorter, hash, use, ret_word);
    }
    if (!likely(is_long(n))) {
        return false;
    }
    hash = make_long(plan, text, n, &longer);
    return cache_glance_long(cache, &longer, hash, use, ret_word);
}

/* As in quick_threads.c. */
static inline bool hit_beside_others(struct call_plan *plan, const char *text, uint64_t *ret_word)
{
    _Atomic uint64_t *hits = stats_hits_own(plan->counters);
    uint64_t n_hits;

    if (!likely(hits != NULL)) {
        return false;
    }
    atomic_thread_fence(memory_order_acquire); /* no count from before it was set to 0 */
    n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;
    if (!likely(!is_look_due(plan, n_hits) && glance(plan, text, true, ret_word))) {
        return false;
    }
    atomic_store_explicit(hits, n_hits, memory_order_release);
    return true;
}

/* ---- any of them ----------------------------------------------------------------------------- */

__attribute__((noinline)) static struct quick_computed hit_any(struct call_plan *plan,
                                                               const char *text)
{
    const struct cache_words *cache = &plan->quick.cache;
    struct cache_front *front;
    uint64_t word = 0;
    bool is_hit = false;
    char *slot;

    guard_enter();
    if (likely(!fork_page_is_new_child() && is_rounding_told(plan, false))) {
        if (__libc_single_threaded) {
            slot = find(plan, text, &front);
            is_hit = use_slot(plan, cache->use, front, slot, &word);
        } else {
            is_hit = hit_beside_others(plan, text, &word);
        }
    }
    guard_leave();
    return (struct quick_computed){widen(&plan->quick, word), is_hit};
}

bool quick_try_any_text(const struct call_plan *plan, const char *text)
{
    struct cache_front *front;
    uint64_t word;

    return __libc_single_threaded ? find(plan, text, &front) != NULL
                                  : glance(plan, text, false, &word);
}

/* What was looked for as far as can be here. */
static struct abi_both go_on(const char *text, struct call_plan *plan)
{
    struct abi_words words;

    if (plan->wide == NULL) {
        return quick_handle_long(plan, (uintptr_t)text, 0, 0, 0, 0, 0);
    }
    words.integers[0] = (uintptr_t)text;
    /* With threads, and for NULL, there may be an answer yet. */
    return __libc_single_threaded && text != NULL ? quick_wide_handle(plan, &words)
                                                  : plan->wide->code(plan, &words);
}

static __attribute__((noinline)) struct abi_both miss_long(const char *text, struct call_plan *plan)
{
    CALL_NOTE_WAY(plan, FURTHER);
    return go_on(text, plan);
}

static __attribute__((noinline)) struct abi_both other(const char *text, struct call_plan *plan)
{
    struct quick_computed computed = {0, 0};

    CALL_NOTE_WAY(plan, FURTHER);
    if (likely(text != NULL)) {
        computed = hit_any(plan, text);
    }
    return likely(computed.is_done != 0) ? both(computed.word) : go_on(text, plan);
}

#define CODE(name, use)                                                      \
    struct abi_both name(const char *text, struct call_plan *plan)           \
    {                                                                        \
        uint64_t word;                                                       \
        enum text_end end;                                                   \
                                                                             \
        guard_enter();                                                       \
        end = hit_long(plan, use, text, &word);                              \
        guard_leave();                                                       \
        if (likely(end == TEXT_HIT)) {                                       \
            return both(widen(&plan->quick, word));                          \
        }                                                                    \
        return end == TEXT_MISS ? miss_long(text, plan) : other(text, plan); \
    }

/* One for each way in which a use is noted. */
CODE(quick_any_text_leave, CACHE_WORDS_LEAVE)
CODE(quick_any_text_count, CACHE_WORDS_COUNT)
CODE(quick_any_text_stamp, CACHE_WORDS_STAMP)
CODE(quick_any_text_place, CACHE_WORDS_PLACE)
