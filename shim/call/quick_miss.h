// SPDX-License-Identifier: MIT
/*
 * The short way of a miss, for the functions that quick.h is for, with threads and without:
 * arguments go to the real function in the registers in which they came, the result goes into the
 * cache as it comes back. In every step the same as call_handle, which takes over wherever there is
 * more to decide: something that is computed already, a rounding mode of the program's own, a
 * victim in another shard, a shard that somebody else is in. What happens during the real function,
 * threads and forks, is seen afterwards, and cache_insert is as good then.
 *
 * Key and value are made where they are taken from: in one row of words, as they lie in a slot.
 */
#ifndef CALL_QUICK_MISS_H
#define CALL_QUICK_MISS_H

#include "base/errno_here.h"
#include "call/life.h"
#include "call/quick_rows.h"
#include "call/real.h"

#include <errno.h>

/* A miss on its way. */
struct short_miss {
    struct cache_key key; /* the beginning of row */
    struct cache_ticket ticket;
    uint64_t *row;        /* as cache_fill_fn takes it */
    uint32_t n_key_words; /* of it; 0: the key is longer than those that lie in slots */
    uint64_t look;        /* at the rounding mode */
    uint64_t now_ns;      /* of a plan with lives, as cache_lookup takes it; else 0 */
    uint64_t began_ns;    /* 0: this call is not timed */
    int *errno_at;
    int caller_errno; /* as it is to be left, unless the function sets it */
};

/* What kind of plan it is of; known when code is compiled. */
enum way {
    OF_NUMBERS, /* or of one text: nothing is handed out but a result */
    OF_ROWS,    /* of what quick_rows.h is for */
    OF_WORDS,   /* of anything that quick_wide.h is for */
    OF_PAIRS,   /* the same, with a result of two words */
};

static const struct quick_computed quick_nothing = {0, 0};

static inline struct quick_computed done(uint64_t word)
{
    return (struct quick_computed){word, 1};
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
    return likely(plan->quick.may_compute &&
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

/* is_computing: this thread, anything else. */
static inline __attribute__((always_inline)) bool
begin_flight(struct call_plan *plan, struct short_miss *miss, bool is_computing)
{
    const void *owner = thread_self();

    if (!likely(__libc_single_threaded)) {
        return cache_begin_beside_others(plan->cache, &miss->key, miss->now_ns, owner,
                                         &miss->ticket);
    }
    return likely(miss->n_key_words != 0)
               ? cache_begin_absent(plan->cache, &miss->key, owner, is_computing, &miss->ticket)
               : cache_begin_words(plan->cache, &miss->key, miss->now_ns, owner, is_computing,
                                   &miss->ticket);
}

/* Everything before the real function. False: this is for the long way. */
static inline __attribute__((always_inline)) bool begin(struct call_plan *plan,
                                                        struct short_miss *miss)
{
    bool is_computing = nesting_is_computing(__builtin_dwarf_cfa());

    if (!likely(begin_timing(plan, miss)) || !likely(begin_flight(plan, miss, is_computing))) {
        if (miss->began_ns != 0) {
            measure_next();
        }
        return false;
    }
    call_heed_dropping(plan, &miss->ticket);
    call_tick(1);
    stats_count(plan->counters, STATS_misses);
    call_look_on_miss();
    return true;
}

/*
 * The real function, or another one, with these arguments, those that it does not know of included.
 * ret_result gets the register of its result, or of OF_PAIRS both words.
 */
static inline __attribute__((always_inline)) void call_function(const struct call_plan *plan,
                                                                enum way way, void *function,
                                                                const struct abi_words *words,
                                                                uint64_t ret_result[2])
{
    const uint64_t *i = words->integers;
    double v[3], value;

    if (way == OF_PAIRS) {
        abi_call_words_for(plan->abi, function, words, ret_result);
        return;
    }
    if (way == OF_WORDS &&
        (plan->abi->n_integers > 3 || plan->abi->n_vectors > 3 || plan->abi->n_stack_words > 0)) {
        ret_result[0] = abi_call_words(plan->abi, function, words);
        return;
    }
    memcpy(v, words->vectors, sizeof(v));
    if (!plan->abi->result_is_vector) {
        ret_result[0] = ((uint64_t(*)(uint64_t, uint64_t, uint64_t, double, double,
                                      double))function)(i[0], i[1], i[2], v[0], v[1], v[2]);
        return;
    }
    value = ((double (*)(uint64_t, uint64_t, uint64_t, double, double, double))function)(
        i[0], i[1], i[2], v[0], v[1], v[2]);
    memcpy(ret_result, &value, sizeof(value));
}

/* Not inlined, as all that few calls need. What the way to it and back takes, by a like one. */
__attribute__((noinline)) static uint64_t time_way(struct call_plan *plan, enum way way,
                                                   const struct abi_words *words)
{
    uint64_t began_ns = clock_precise_ns(), result[2];

    call_function(plan, way, measure_nothing(plan), words, result);
    return measure_note_way(plan, clock_precise_ns() - began_ns);
}

/* Of a result its own bytes, and nothing beyond. */
static inline uint64_t cut(const struct call_quick *quick, uint64_t word)
{
    const uint32_t n_spare_bits = 64 - 8 * quick->n_result_bytes;

    return n_spare_bits == 64 ? 0 : word << n_spare_bits >> n_spare_bits;
}

/* Where quick_pairs.c looks for it: a record has the bytes that each word has. */
static inline void put_pair(const struct call_wide *wide, const uint64_t pair[2],
                            uint64_t *ret_value)
{
    uint32_t n_first_bits = 8 * wide->n_first_bytes, n_second_bits = 8 * wide->n_second_bytes;
    uint64_t first = pair[0] << (64 - n_first_bits) >> (64 - n_first_bits);
    uint64_t second = pair[1] << (64 - n_second_bits) >> (64 - n_second_bits);

    ret_value[0] = n_first_bits == 64 ? first : first | second << n_first_bits;
    ret_value[1] = n_first_bits == 64 ? second : second >> (64 - n_first_bits);
}

/*
 * What becomes of a result, if that hangs on what it is, and how long it lives: as in call_handle.
 * Not inlined, for the room of the arguments.
 */
__attribute__((noinline)) static struct life_verdict
judge(const struct call_plan *plan, struct abi_words *words, const uint64_t *result, int set_errno)
{
    void *arguments[ABI_MAX_WORDS];
    struct abi_joined room;

    abi_point_arguments(plan->abi, words, &room, arguments);
    return life_judge(plan, arguments, result,
                      set_errno == 0 ? MARSHAL_ERRNO_UNTOUCHED : set_errno);
}

/* One that lives for as long as the verdict says. */
__attribute__((noinline)) static bool insert_with_life(struct call_plan *plan,
                                                       const struct short_miss *miss,
                                                       const uint64_t *value, uint32_t n_bytes,
                                                       const struct life_verdict *verdict)
{
    static const struct real_outcome nothing; /* lives do not hang on it without refreshing */
    struct cache_life life = life_begin(plan, verdict, &nothing);

    return cache_insert(plan->cache, &miss->key, (struct bytes){value, n_bytes},
                        life_latest_ns(plan), &life, &miss->ticket) == 0;
}

/* One that does not fit into what has been read of the cache. */
__attribute__((noinline)) static bool insert(struct call_plan *plan, const struct short_miss *miss,
                                             const uint64_t *value, uint32_t n_bytes)
{
    CALL_NOTE_WAY(plan, INSERT);
    return cache_insert(plan->cache, &miss->key, (struct bytes){value, n_bytes}, 0, NULL,
                        &miss->ticket) == 0;
}

/* The result into the cache, or what else the function has left. */
static inline __attribute__((always_inline)) bool keep(struct call_plan *plan, enum way way,
                                                       struct abi_words *words,
                                                       struct short_miss *miss,
                                                       const uint64_t result[2], int set_errno)
{
    uint64_t long_value[CACHE_ROW_WORDS], *value = miss->row + miss->n_key_words;
    struct life_verdict verdict;
    uint32_t n_bytes = plan->quick.n_result_bytes;

    if (!likely(!plan->judges_results && !plan->has_life)) {
        verdict = judge(plan, words, result, set_errno);
        if (!verdict.is_kept) {
            cache_abandon(plan->cache, &miss->ticket);
            return false;
        }
    }
    if (way == OF_NUMBERS) {
        *value = result[0];
    } else {
        if (way != OF_ROWS && !likely(miss->n_key_words != 0)) {
            value = long_value;
        }
        quick_wide_record(plan, words, result[0], set_errno, value);
        if (way == OF_PAIRS) {
            put_pair(plan->wide, result, value + plan->wide->result_word);
        }
        n_bytes = plan->wide->n_record_bytes;
    }
    if (!likely(!plan->has_life)) {
        return insert_with_life(plan, miss, value, n_bytes, &verdict);
    }
    return (likely(miss->n_key_words != 0) &&
            likely(plan->quick.fill(plan->cache, miss->row, &miss->ticket))) ||
           insert(plan, miss, value, n_bytes);
}

/*
 * The real function, and what becomes of its result, of which ret_second gets the second word, if
 * it has one. errno is 0 meanwhile, as in real.h.
 */
static inline __attribute__((always_inline)) struct quick_computed
compute(struct call_plan *plan, enum way way, struct abi_words *words, struct short_miss *miss,
        uint64_t *ret_second)
{
    const bool times_real = miss->began_ns != 0 || measure_draws_real(&plan->measure);
    int set_errno, *errno_at;
    bool has_moved;
    struct float_watch watch = {0};
    struct nesting_frame nesting;
    uint64_t way_ns = 0, real_began_ns = 0, took_ns = 0;
    uint64_t result[2];
    bool raised = false;

    nesting = nesting_enter(nesting_frame_end());
    if (!likely(!times_real)) {
        way_ns = time_way(plan, way, words);
        real_began_ns = clock_precise_ns();
    }
    lock_assert_none_held();
    if (plan->uses_float) {
        float_watch_begin_at(&watch, miss->look);
    }
    guard_leave();
    *miss->errno_at = 0;

    call_function(plan, way, plan->original, words, result);

    errno_at = errno_here();
    has_moved = errno_at != miss->errno_at;
    miss->errno_at = errno_at;
    set_errno = *errno_at;
    if (way != OF_PAIRS) {
        result[0] = cut(&plan->quick, result[0]);
    }
    guard_enter();
    if (plan->uses_float) {
        raised = float_watch_end(&watch);
    }
    nesting_leave(&nesting);
    call_come_back();
    if (!likely(!times_real)) {
        took_ns = real_note_time(plan, clock_precise_ns() - real_began_ns, way_ns);
    }
    if (!likely(!raised && !has_moved &&
                (set_errno == 0 || (way != OF_NUMBERS && plan->function->captures_errno)))) {
        cache_abandon(plan->cache, &miss->ticket);
        stats_count(plan->counters, STATS_not_stored);
    } else {
        stats_count(plan->counters, keep(plan, way, words, miss, result, set_errno)
                                        ? STATS_stores
                                        : STATS_not_stored);
    }
    if (!likely(miss->began_ns == 0)) {
        measure_miss(plan, miss->began_ns, took_ns);
    }
    if (set_errno != 0 || has_moved) {
        miss->caller_errno = set_errno;
    }
    if (way == OF_PAIRS) {
        *ret_second = result[1];
        return done(result[0]);
    }
    return done(widen(&plan->quick, result[0]));
}

#endif
