// SPDX-License-Identifier: MIT
/*
 * The short way of a miss, for the functions that quick.h is for, in a process without threads:
 * arguments go to the real function in the registers in which they came, the result goes into the
 * cache as it comes back. In every step the same as call_handle, which takes over wherever there is
 * more to decide: an entry that a hit of the short way does not see, something that is computed
 * already, a rounding mode of the program's own, a victim in another shard. What happens during the
 * real function, threads and forks, is seen afterwards, and cache_insert is as good then.
 */
#include "call/quick_wide.h"
#include "call/real.h"

#include <errno.h>

_Static_assert(QUICK_TEXTS_BYTES >= MARSHAL_FLAT_TEXT_BYTES, "there is room for every key");
_Static_assert(QUICK_TEXTS_BYTES >= sizeof(uint64_t[CACHE_ROW_WORDS]), "as well");
_Static_assert(QUICK_TEXTS_BYTES >= CACHE_BEGIN_KEY_BYTES, "and behind it");

/* A miss on its way. */
struct short_miss {
    uint64_t words[QUICK_TEXTS_WORDS]; /* of the key */
    struct cache_key key;
    struct cache_ticket ticket;
    uint64_t look;     /* at the rounding mode */
    uint64_t began_ns; /* 0: this call is not timed */
};

/* is_wide, here and below: what the plan says, but known when this is compiled. */
static inline __attribute__((always_inline)) bool make_key(const struct call_plan *plan,
                                                           bool is_wide,
                                                           const struct abi_words *words,
                                                           struct short_miss *miss)
{
    const struct call_quick *quick = &plan->quick;
    unsigned __int128 key;

    miss->key.bytes.data = miss->words;
    if (is_wide) {
        miss->key.bytes.n_bytes = quick_wide_key(plan, words, miss->words, &miss->key.hash);
        return miss->key.bytes.n_bytes != 0;
    }
    if (quick->is_text) {
        const char *text = (const char *)(uintptr_t)words->integers[0];

        miss->key.bytes.n_bytes =
            marshal_frame_text((char *)miss->words, MARSHAL_FLAT_TEXT_BYTES, text);
        miss->key.hash = hash_bytes(miss->key.bytes, plan->seed);
        return miss->key.bytes.n_bytes != 0;
    }
    key = quick_make_key(plan, words);
    memcpy(miss->words, &key, sizeof(key));
    miss->key.bytes.n_bytes = quick->n_key_bytes;
    miss->key.hash = hash_words(low_of(key), high_of(key), &quick->seeds);
    return true;
}

/*
 * Which calls are timed is decided at the beginning of each; whoever finds out later that it is
 * for the long way lets that one be timed. False: it has to be a real one.
 */
static inline bool begin_timing(struct call_plan *plan, struct short_miss *miss)
{
    struct measure *measure = &plan->measure;

    miss->began_ns = measure_begin(measure);
    if (likely(miss->began_ns == 0)) {
        return true;
    }
    return atomic_load_explicit(&measure->n_real_wanted, memory_order_relaxed) <= 0;
}

/* Everything before the real function. False: this is for the long way. */
static inline __attribute__((always_inline)) bool
begin(struct call_plan *plan, bool is_wide, const struct abi_words *words, struct short_miss *miss)
{
    if (!likely(plan->quick.computes && __libc_single_threaded && !fork_page_is_new_child() &&
                !atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed))) {
        return false;
    }
    if (plan->uses_float) {
        miss->look = float_look();
        if (!likely(float_look_is_default(miss->look))) {
            return false;
        }
    }
    if (!likely(begin_timing(plan, miss) && make_key(plan, is_wide, words, miss) &&
                cache_begin_words(plan->cache, &miss->key, thread_self(), &miss->ticket))) {
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
 * Returns the register of its result.
 */
static inline __attribute__((always_inline)) uint64_t call_function(const struct call_plan *plan,
                                                                    bool is_wide, void *function,
                                                                    const struct abi_words *words)
{
    const uint64_t *i = words->integers;
    double v[3], value;
    uint64_t word;

    if (is_wide) {
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

/* What the function returned, as call_handle leaves it. */
static inline uint64_t take_result(const struct call_plan *plan, uint64_t word)
{
    const struct call_quick *quick = &plan->quick;
    const uint32_t n_spare_bits = 64 - 8 * quick->n_result_bytes;

    if (likely(n_spare_bits == 0)) {
        return word;
    }
    return n_spare_bits == 64 ? 0 : widen(quick, word << n_spare_bits >> n_spare_bits);
}

/* The result into the cache, or what else the function has left. */
static inline __attribute__((always_inline)) bool keep(struct call_plan *plan, bool is_wide,
                                                       const struct abi_words *words,
                                                       const struct short_miss *miss, uint64_t word,
                                                       int set_errno)
{
    uint64_t record[CACHE_ROW_WORDS];
    struct bytes value = {&word, plan->quick.n_result_bytes};

    if (is_wide) {
        value.data = record;
        value.n_bytes = quick_wide_record(plan, words, word, set_errno, record);
    }
    return likely(cache_fill_words(plan->cache, &miss->key, value, &miss->ticket)) ||
           cache_insert(plan->cache, &miss->key, value, 0, NULL, &miss->ticket) == 0;
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
 * The real function, and what becomes of its result. errno is 0 meanwhile, as in real.h; *errno_at
 * is left as the caller must find it.
 */
static inline __attribute__((always_inline)) uint64_t compute(struct call_plan *plan, bool is_wide,
                                                              const struct abi_words *words,
                                                              struct short_miss *miss,
                                                              int *errno_at, int caller_errno)
{
    const bool times_real = miss->began_ns != 0 || measure_draws_real(&plan->measure);
    struct float_watch watch = {0};
    struct nesting_frame nesting;
    uint64_t way_ns = 0, real_began_ns = 0, took_ns = 0;
    uint64_t word;
    bool raised = false;
    int set_errno;

    nesting_is_computing(__builtin_dwarf_cfa()); /* as call_handle asks */
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
    *errno_at = 0;

    word = take_result(plan, call_function(plan, is_wide, plan->original, words));

    set_errno = *errno_at;
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
    *errno_at = set_errno != 0 ? set_errno : caller_errno;
    return word;
}

struct computed {
    uint64_t word;
    uint64_t is_done; /* 0: nothing has happened */
};

/*
 * Not inlined: the long way has none of this on its stack, and gets the arguments as they came.
 * Returns in registers, or the compiler could not be sure of that.
 */
__attribute__((noinline)) static struct computed quick_compute(struct call_plan *plan, uint64_t i0,
                                                               uint64_t i1, uint64_t i2, double v0,
                                                               double v1, double v2)
{
    struct computed computed = {0, 0};
    struct short_miss miss;
    struct abi_words words;
    int *errno_at = &errno, caller_errno = *errno_at;
    const double vectors[] = {v0, v1, v2};

    words.integers[0] = i0;
    words.integers[1] = i1;
    words.integers[2] = i2;
    memcpy(words.vectors, vectors, sizeof(vectors));
    guard_enter();
    if (likely(begin(plan, false, &words, &miss))) {
        computed =
            (struct computed){compute(plan, false, &words, &miss, errno_at, caller_errno), 1};
    } else {
        *errno_at = caller_errno;
    }
    guard_leave();
    return computed;
}

/* Those of the arguments that there are not are anything. */
struct abi_both quick_handle(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                             double v0, double v1, double v2)
{
    struct computed computed = quick_compute(plan, i0, i1, i2, v0, v1, v2);

    return likely(computed.is_done != 0) ? both(computed.word)
                                         : quick_handle_long(plan, i0, i1, i2, v0, v1, v2);
}

bool quick_compute_wide(struct call_plan *plan, const struct abi_words *words, uint64_t *ret_word)
{
    struct short_miss miss;
    int *errno_at = &errno, caller_errno = *errno_at;
    bool is_done;

    guard_enter();
    is_done = begin(plan, true, words, &miss);
    if (likely(is_done)) {
        *ret_word = compute(plan, true, words, &miss, errno_at, caller_errno);
    } else {
        *errno_at = caller_errno;
    }
    guard_leave();
    return is_done;
}
