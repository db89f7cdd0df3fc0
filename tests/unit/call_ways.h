// SPDX-License-Identifier: MIT
/*
 * Tests that see by which way calls were answered: exactly so many have left each short way. Builds
 * without MEMOSHIM_CHECKS count nothing.
 */
#ifndef TESTS_CALL_WAYS_H
#define TESTS_CALL_WAYS_H

#include "call_short.h"

#include "call/call_private.h"
#include "call/quick_wide.h"

/* How many of these calls go each way, all as CALL_WAY_ says. */
struct ways {
    uint64_t n[CALL_WAYS];
};

static inline struct ways read_ways(struct call_plan *plan)
{
    struct ways ways = {{0}};

#if MEMOSHIM_CHECKS
    for (int i = 0; i < CALL_WAYS; i++) {
        ways.n[i] = atomic_load(&plan->ways.n[i]);
    }
#endif
    return ways;
}

/* From here on nothing is timed, and no look is due, so that no call leaves its way for those. */
static inline void let_alone(struct call_plan *plan)
{
    atomic_store(&plan->measure.share, 0);
    atomic_store(&plan->measure.n_real_wanted, 0);
    atomic_store(&plan->quick.look_mask, UINT32_MAX);
}

/* n_calls since `before` have each gone on so often. */
static inline void expect_ways(struct call_plan *plan, const char *what, struct ways before,
                               uint64_t n_calls, struct ways each)
{
    struct ways after = read_ways(plan);

    for (int i = 0; i < CALL_WAYS; i++) {
        if (after.n[i] - before.n[i] != n_calls * each.n[i]) {
            fail_msg("%s: %llu of %llu calls have gone on, %d", what,
                     (unsigned long long)(after.n[i] - before.n[i]), (unsigned long long)n_calls,
                     i);
        }
    }
}

/* The short ways that there are. */
enum family {
    FAMILY_WORDS,  /* quick_words.c, quick_threads.c */
    FAMILY_TEXT,   /* quick_text.c */
    FAMILY_ROWS,   /* quick_rows.c, quick_outs.c */
    FAMILY_MANY,   /* quick_many.c */
    FAMILY_WIDE,   /* quick_wide.c, with quick_texts.c */
    FAMILY_IMAGES, /* quick_images.c */
};

#define WAYS(further, wide, handle, longer)      \
    {                                            \
        .n = {further, wide, handle, longer, 0}, \
    }

/* A hit where no entry lies but in its home; the same with threads; and a miss. */
static const struct {
    struct ways hit, beside_others, miss;
} family_ways[] = {
    [FAMILY_WORDS] = {WAYS(0, 0, 0, 0), WAYS(0, 0, 0, 0), WAYS(1, 0, 0, 0)},
    [FAMILY_TEXT] = {WAYS(0, 0, 0, 0), WAYS(1, 0, 0, 0), WAYS(1, 0, 0, 0)},
    [FAMILY_ROWS] = {WAYS(0, 0, 0, 0), WAYS(1, 1, 0, 0), WAYS(1, 0, 0, 0)},
    [FAMILY_MANY] = {WAYS(0, 0, 0, 0), WAYS(0, 1, 0, 0), WAYS(0, 1, 0, 0)},
    [FAMILY_WIDE] = {WAYS(0, 0, 0, 0), WAYS(0, 0, 0, 0), WAYS(0, 1, 0, 0)},
    [FAMILY_IMAGES] = {WAYS(0, 0, 0, 0), WAYS(0, 0, 1, 1), WAYS(0, 0, 1, 1)},
};

static inline enum family family_of(struct call_plan *plan)
{
    if (plan->quick.is_text) {
        return FAMILY_TEXT;
    }
    if (plan->images != NULL) {
        return FAMILY_IMAGES;
    }
    if (plan->wide == NULL) {
        assert_non_null(plan->quick.code);
        return FAMILY_WORDS;
    }
    return call_plan_quick(plan) != NULL ? FAMILY_ROWS
           : plan->wide->first != NULL   ? FAMILY_MANY
                                         : FAMILY_WIDE;
}

static inline uint64_t counted(struct call_plan *plan, enum stats_counter counter)
{
    struct stats_function read;

    call_plan_read(plan, &read);
    return stats_counted(read.counters, counter);
}

static const char *const policies[] = {"lru", "sieve", "s3-fifo", "fifo",     "lfu",
                                       "rr",  "mru",   "direct",  "w-tinylfu"};
#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))

/* Their hits rearrange: they are in rows, or else wide. */
static inline bool moves(const char *policy)
{
    return strcmp(policy, "mru") == 0 || strcmp(policy, "w-tinylfu") == 0;
}

/* One shard, whose table the first entry makes; as many places as few keys need to have one each.
 */
static inline const char *bound_of(const char *policy)
{
    return strcmp(policy, "direct") == 0 ? ",\"max_entries\":65536" : ",\"max_entries\":1024";
}

#define FEW_KEYS 8 /* which all lie in their homes */

/* With the k-th arguments. */
typedef void (*call_kth_fn)(struct call_plan *plan, uint32_t k);

/*
 * Misses, hits, and hits in a process with threads, of few keys: each is answered by the way that
 * it has, and by no other. in_slots: keys need no block.
 */
static inline void expect_family(struct call_plan *plan, enum family family, bool in_slots,
                                 const char *what, call_kth_fn call)
{
    struct ways before, miss = family_ways[family].miss;
    uint64_t n_hits;
    int n_computed;

    if (family_of(plan) != family) {
        fail_msg("%s: it is of another family, %d", what, (int)family_of(plan));
    }
    let_alone(plan);
    call(plan, FEW_KEYS); /* the first of all entries gets the table its memory */
    n_computed = n_real;
    before = read_ways(plan);
    for (uint32_t k = 0; k < FEW_KEYS; k++) {
        call(plan, k);
    }
    assert_int_equal(n_real - n_computed, FEW_KEYS);
    miss.n[CALL_WAY_INSERT] = !in_slots;
    expect_ways(plan, what, before, FEW_KEYS, miss);
    for (int alone = 1; alone >= 0; alone--) {
        __libc_single_threaded = (char)alone;
        call(plan, FEW_KEYS); /* the first beside others gets the thread a count of its own */
        before = read_ways(plan);
        n_hits = counted(plan, STATS_hits);
        for (uint32_t i = 0; i < 3 * FEW_KEYS; i++) {
            call(plan, i % FEW_KEYS);
        }
        __libc_single_threaded = 1;
        expect_ways(plan, what, before, 3 * FEW_KEYS,
                    alone ? family_ways[family].hit : family_ways[family].beside_others);
        assert_int_equal(counted(plan, STATS_hits) - n_hits, 3 * FEW_KEYS);
    }
    assert_int_equal(n_real - n_computed, FEW_KEYS);
}

/*
 * A cache that has no room any more, and whose entries lie in other groups than their own, too: no
 * call goes the long way, be it a hit or a miss, and no result. alone: there are no threads.
 */
static inline void expect_full_so(struct call_plan *plan, const char *what, bool alone,
                                  uint32_t n_entries, call_kth_fn call)
{
    struct ways before, after;
    uint64_t n_hits;
    int n_computed;

    let_alone(plan);
    __libc_single_threaded = (char)alone;
    for (uint32_t k = 0; k < 2 * n_entries; k++) {
        call(plan, k);
    }
    before = read_ways(plan);
    n_hits = counted(plan, STATS_hits);
    n_computed = n_real;
    for (uint32_t k = 0; k < 4 * n_entries; k++) {
        call(plan, k);
        call(plan, k);
    }
    __libc_single_threaded = 1;
    after = read_ways(plan);
    assert_true(n_real - n_computed > 0 && counted(plan, STATS_hits) - n_hits >= 4 * n_entries);
    assert_int_equal((uint64_t)(n_real - n_computed) + counted(plan, STATS_hits) - n_hits,
                     8 * n_entries);
    for (int i = CALL_WAY_HANDLE; i < CALL_WAYS; i++) {
        if (after.n[i] != before.n[i]) {
            fail_msg("%s: %llu calls have gone on, %d", what,
                     (unsigned long long)(after.n[i] - before.n[i]), i);
        }
    }
}

static inline void expect_full(struct call_plan *plan, const char *what, uint32_t n_entries,
                               call_kth_fn call)
{
    for (int alone = 1; alone >= 0; alone--) {
        expect_full_so(plan, what, alone, n_entries, call);
    }
}

#endif
