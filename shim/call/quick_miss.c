// SPDX-License-Identifier: MIT
/*
 * The short way of a miss, for the functions that quick.h is for, in a process without threads:
 * arguments go to the real function in the registers in which they came, the result goes into the
 * cache as it comes back. In every step the same as call_handle, which takes over wherever there is
 * more to decide: something that is computed already, a rounding mode of the program's own, a
 * victim in another shard. What happens during the real function, threads and forks, is seen
 * afterwards, and cache_insert is as good then.
 *
 * Key and value are made where they are taken from: in one row of words, as they lie in a slot.
 */
#include "call/quick_wide.h"
#include "call/real.h"

#include <errno.h>

/* A miss on its way. */
struct short_miss {
    struct cache_key key; /* the beginning of row */
    struct cache_ticket ticket;
    uint64_t *row;        /* as cache_fill_fn takes it */
    uint32_t n_key_words; /* of it; 0: the key is longer than those that lie in slots */
    uint64_t look;        /* at the rounding mode */
    uint64_t began_ns;    /* 0: this call is not timed */
    int *errno_at;
    int caller_errno; /* as it is to be left, unless the function sets it */
};

/* What became of a call. In registers, or the compiler could not be sure that nobody keeps it. */
struct computed {
    uint64_t word;
    uint64_t is_done; /* 0: nothing has happened */
};

static const struct computed nothing = {0, 0};

static inline struct computed done(uint64_t word)
{
    return (struct computed){word, 1};
}

static inline void note_errno(struct short_miss *miss)
{
    miss->errno_at = &errno;
    miss->caller_errno = *miss->errno_at;
}

static inline void give_errno(const struct short_miss *miss)
{
    *miss->errno_at = miss->caller_errno;
}

/* This way is open to misses, and there is nothing that call_handle would have to do first. */
static inline bool may_compute(const struct call_plan *plan)
{
    return likely(plan->quick.fill != NULL && __libc_single_threaded &&
                  !atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed));
}

/*
 * Which calls are timed is decided at the beginning of each; whoever finds out later that it is
 * for the long way lets that one be timed. False: it has to be a real one.
 */
static inline bool begin_timing(struct call_plan *plan, struct short_miss *miss)
{
    struct measure *measure = &plan->measure;

    miss->began_ns = measure_begin(measure);
    return likely(miss->began_ns == 0) ||
           atomic_load_explicit(&measure->n_real_wanted, memory_order_relaxed) <= 0;
}

/* Everything before the real function. False: this is for the long way. */
static inline __attribute__((always_inline)) bool begin(struct call_plan *plan,
                                                        struct short_miss *miss)
{
    bool is_computing = nesting_is_computing(__builtin_dwarf_cfa());

    if (!likely(begin_timing(plan, miss)) ||
        !likely(miss->n_key_words != 0 ? cache_begin_absent(plan->cache, &miss->key, thread_self(),
                                                            is_computing, &miss->ticket)
                                       : cache_begin_words(plan->cache, &miss->key, thread_self(),
                                                           is_computing, &miss->ticket))) {
        if (miss->began_ns != 0) {
            measure_next();
        }
        return false;
    }
    call_tick(1);
    stats_add_alone(plan->counters, STATS_misses);
    call_look_on_miss();
    return true;
}

/*
 * The real function, or another one, with these arguments, those that it does not know of included.
 * Returns the register of its result. is_wide, here and below: known when this is compiled.
 */
static inline __attribute__((always_inline)) uint64_t call_function(const struct call_plan *plan,
                                                                    bool is_wide, void *function,
                                                                    const struct abi_words *words)
{
    const uint64_t *i = words->integers;
    double v[3], value;
    uint64_t word;

    if (is_wide && (plan->abi->n_integers > 3 || plan->abi->n_vectors > 3)) {
        return abi_call_words(plan->abi, function, words);
    }
    memcpy(v, words->vectors, sizeof(v));
    if (!plan->abi->result_is_vector) {
        return ((uint64_t(*)(uint64_t, uint64_t, uint64_t, double, double, double))function)(
            i[0], i[1], i[2], v[0], v[1], v[2]);
    }
    value = ((double (*)(uint64_t, uint64_t, uint64_t, double, double, double))function)(
        i[0], i[1], i[2], v[0], v[1], v[2]);
    memcpy(&word, &value, sizeof(word));
    return word;
}

/* Not inlined, as all that few calls need. What the way to it and back takes, by a like one. */
__attribute__((noinline)) static uint64_t time_way(struct call_plan *plan, bool is_wide,
                                                   const struct abi_words *words)
{
    uint64_t began_ns = clock_precise_ns();

    call_function(plan, is_wide, measure_nothing(), words);
    return measure_note_way(plan, clock_precise_ns() - began_ns);
}

/* Of a result its own bytes, and nothing beyond. */
static inline uint64_t cut(const struct call_quick *quick, uint64_t word)
{
    const uint32_t n_spare_bits = 64 - 8 * quick->n_result_bytes;

    return n_spare_bits == 64 ? 0 : word << n_spare_bits >> n_spare_bits;
}

/* One that does not fit into what has been read of the cache. */
__attribute__((noinline)) static bool insert(struct call_plan *plan, const struct short_miss *miss,
                                             const uint64_t *value, uint32_t n_bytes)
{
    return cache_insert(plan->cache, &miss->key, (struct bytes){value, n_bytes}, 0, NULL,
                        &miss->ticket) == 0;
}

/* The result into the cache, or what else the function has left. */
static inline __attribute__((always_inline)) bool keep(struct call_plan *plan, bool is_wide,
                                                       const struct abi_words *words,
                                                       struct short_miss *miss, uint64_t result,
                                                       int set_errno)
{
    uint64_t long_value[CACHE_ROW_WORDS], *value = miss->row + miss->n_key_words;
    uint32_t n_bytes = plan->quick.n_result_bytes;

    if (is_wide) {
        value = likely(miss->n_key_words != 0) ? value : long_value;
        quick_wide_record(plan, words, result, set_errno, value);
        n_bytes = plan->wide->n_record_bytes;
    } else {
        *value = result;
    }
    return likely(miss->n_key_words != 0 &&
                  plan->quick.fill(plan->cache, miss->row, &miss->ticket)) ||
           insert(plan, miss, value, n_bytes);
}

/* Of a miss that was counted before; there may be threads by now. */
static inline void count(const struct call_plan *plan, enum stats_counter became)
{
    if (likely(__libc_single_threaded)) {
        stats_add_alone(plan->counters, became);
    } else {
        stats_add(plan->counters, became, 1);
    }
}

/*
 * The real function, and what becomes of its result. errno is 0 meanwhile, as in real.h.
 */
static inline __attribute__((always_inline)) struct computed compute(struct call_plan *plan,
                                                                     bool is_wide,
                                                                     const struct abi_words *words,
                                                                     struct short_miss *miss)
{
    const bool times_real = miss->began_ns != 0 || measure_draws_real(&plan->measure);
    int set_errno;
    struct float_watch watch = {0};
    struct nesting_frame nesting;
    uint64_t way_ns = 0, real_began_ns = 0, took_ns = 0;
    uint64_t word;
    bool raised = false;

    nesting = nesting_enter(nesting_frame_end());
    if (!likely(!times_real)) {
        way_ns = time_way(plan, is_wide, words);
        real_began_ns = clock_precise_ns();
    }
    lock_assert_none_held();
    if (plan->uses_float) {
        float_watch_begin_at(&watch, miss->look);
    }
    guard_leave();
    *miss->errno_at = 0;

    word = cut(&plan->quick, call_function(plan, is_wide, plan->original, words));

    set_errno = *miss->errno_at;
    guard_enter();
    if (plan->uses_float) {
        raised = float_watch_end(&watch);
    }
    nesting_leave(&nesting);
    if (!likely(!times_real)) {
        took_ns = real_note_time(plan, clock_precise_ns() - real_began_ns, way_ns);
    }
    if (!likely(!raised && (set_errno == 0 || (is_wide && plan->function->captures_errno)))) {
        cache_abandon(plan->cache, &miss->ticket);
        count(plan, STATS_not_stored);
    } else {
        count(plan,
              keep(plan, is_wide, words, miss, word, set_errno) ? STATS_stores : STATS_not_stored);
    }
    if (!likely(miss->began_ns == 0)) {
        measure_miss(plan, miss->began_ns, took_ns);
    }
    if (set_errno != 0) {
        miss->caller_errno = set_errno;
    }
    return done(widen(&plan->quick, word));
}

/* This entry answers, unless it is for the long way to see that. The guard is set. */
static inline bool use_slot(struct call_plan *plan, struct cache_front *front, char *slot)
{
    const struct cache_words *cache = &plan->quick.cache;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1;

    if (is_look_due(plan, n_hits) || !cache_use_words(cache, front, slot, cache->use)) {
        return false;
    }
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/*
 * An entry that does not lie where quick_words.c looks, or else a miss. Not inlined: the long way
 * has none of this on its stack, and gets the arguments as they came.
 */
__attribute__((noinline)) static struct computed ask_numbers(struct call_plan *plan, uint64_t i0,
                                                             uint64_t i1, uint64_t i2, double v0,
                                                             double v1, double v2)
{
    const struct call_quick *quick = &plan->quick;
    uint64_t row[3];
    struct computed computed = nothing;
    struct cache_front *front;
    struct short_miss miss;
    struct abi_words words;
    unsigned __int128 key;
    char *slot;

    note_errno(&miss);
    guard_enter();
    if (!likely(!fork_page_is_new_child())) {
        goto out; /* call_handle puts the house in order */
    }
    miss.look = quick_look_at_rounding(plan, false);
    quick_note_words(&words, i0, i1, i2, v0, v1, v2);
    key = quick_make_key(plan, &words);
    miss.row = row;
    miss.n_key_words = quick->cache.has_long_keys ? 2 : 1;
    miss.key.bytes = (struct bytes){row, quick->n_key_bytes};
    miss.key.hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    row[0] = low_of(key);
    row[1] = high_of(key);
    if (!likely(float_look_is_default(miss.look))) {
        goto out;
    }
    front = cache_front(&quick->cache, miss.key.hash);
    slot = cache_find_words(&quick->cache, front, low_of(key), high_of(key), miss.key.hash, true,
                            quick->cache.use);
    if (slot == NULL && cache_was_passed(&quick->cache, front, miss.key.hash)) {
        slot = cache_find_further(&quick->cache, front, low_of(key), high_of(key), miss.key.hash);
    }
    if (!likely(slot == NULL)) {
        if (use_slot(plan, front, slot)) {
            computed = done(widen(quick, cache_words_value(&quick->cache, slot, true)));
        }
    } else if (likely(may_compute(plan) && begin(plan, &miss))) {
        computed = compute(plan, false, &words, &miss);
    }
out:
    give_errno(&miss);
    guard_leave();
    return computed;
}

struct abi_both quick_further(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                              double v0, double v1, double v2)
{
    struct computed computed;

    if (!likely(__libc_single_threaded)) {
        return quick_beside_others(plan, i0, i1, i2, v0, v1, v2);
    }
    computed = ask_numbers(plan, i0, i1, i2, v0, v1, v2);
    return likely(computed.is_done != 0) ? both(computed.word)
                                         : quick_handle_long(plan, i0, i1, i2, v0, v1, v2);
}

/* ---- a text ---------------------------------------------------------------------------------- */

static inline char *seek_text(const struct call_quick *quick, const struct cache_front *front,
                              const uint64_t *row, uint64_t hash)
{
    struct short_key key;
    char *slot;

    memcpy(&key, row, sizeof(key));
    if (cache_find_short(&quick->cache, front, &key, (uint32_t)(hash >> 32), quick->cache.use,
                         &slot)) {
        return slot;
    }
    return cache_was_passed(&quick->cache, front, hash)
               ? cache_find_further_key(&quick->cache, front, row, SHORT_KEY_WORDS, hash)
               : NULL;
}

/* The same of a short text that may be read ahead. */
__attribute__((noinline)) static struct computed ask_text(struct call_plan *plan, const char *text)
{
    const struct call_quick *quick = &plan->quick;
    uint64_t row[SHORT_KEY_WORDS + 1];
    struct computed computed = nothing;
    struct cache_front *front;
    struct short_miss miss;
    struct abi_words words;
    uint64_t n;
    char *slot;

    note_errno(&miss);
    guard_enter();
    if (!likely(!fork_page_is_new_child() && marshal_short_text(text, row, &n))) {
        goto out;
    }
    miss.look = quick_look_at_rounding(plan, false);
    words.integers[0] = (uintptr_t)text;
    miss.row = row;
    miss.n_key_words = SHORT_KEY_WORDS;
    miss.key.bytes = (struct bytes){row, n + MARSHAL_TEXT_FRAME_BYTES};
    miss.key.hash =
        hash_of_halves(hash_three_halves(row, marshal_short_texts.factor[n], &quick->seeds));
    row[2] |= marshal_short_texts.size[n];
    if (!likely(float_look_is_default(miss.look))) {
        goto out;
    }
    front = cache_front(&quick->cache, miss.key.hash);
    slot = seek_text(quick, front, row, miss.key.hash);
    if (!likely(slot == NULL)) {
        if (use_slot(plan, front, slot)) {
            computed = done(
                widen(quick, shared_load(slot + CACHE_WORDS_KEY_AT + sizeof(struct short_key))));
        }
    } else if (likely(may_compute(plan) && begin(plan, &miss))) {
        computed = compute(plan, false, &words, &miss);
    }
out:
    give_errno(&miss);
    guard_leave();
    return computed;
}

bool quick_further_text(struct call_plan *plan, const char *text, uint64_t *ret_word)
{
    struct computed computed = ask_text(plan, text);

    *ret_word = computed.word;
    return computed.is_done != 0;
}

/* ---- arguments in memory --------------------------------------------------------------------- */

/* There is no entry; of a key that does not lie in a slot that is yet to be seen. */
static inline bool is_absent(const struct call_wide *wide, const struct short_miss *miss)
{
    const struct cache_rows *rows = &wide->rows;
    const struct cache_front *front = cache_front(&rows->words, miss->key.hash);

    if (!likely(miss->n_key_words != 0)) {
        return true;
    }
    return cache_seek_row(rows, front, miss->row, miss->n_key_words, miss->key.hash) == NULL &&
           (!cache_was_passed(&rows->words, front, miss->key.hash) ||
            cache_find_further_key(&rows->words, front, miss->row, miss->n_key_words,
                                   miss->key.hash) == NULL);
}

bool quick_compute_wide(struct call_plan *plan, const struct abi_words *words, uint64_t *ret_word)
{
    uint64_t row[QUICK_TEXTS_WORDS + CACHE_ROW_WORDS];
    struct computed computed = nothing;
    struct short_miss miss;

    note_errno(&miss);
    guard_enter();
    if (likely(!fork_page_is_new_child() && may_compute(plan))) {
        miss.look = quick_look_at_rounding(plan, false);
        miss.row = row;
        miss.key.bytes.data = row;
        miss.key.bytes.n_bytes =
            quick_wide_key(plan, words, row, &miss.key.hash, &miss.n_key_words);
        if (likely(miss.key.bytes.n_bytes != 0 && float_look_is_default(miss.look) &&
                   is_absent(plan->wide, &miss) && begin(plan, &miss))) {
            computed = compute(plan, true, words, &miss);
            *ret_word = computed.word;
        }
    }
    give_errno(&miss);
    guard_leave();
    return computed.is_done != 0;
}
