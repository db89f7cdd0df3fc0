// SPDX-License-Identifier: MIT
/*
 * Invalidation of a part of a cache: every order in which a fill, a fence and a walk can meet, and
 * a walk of each policy against a model.
 */
#include "cache_call.h"
#include "each_policy.h"
#include "standing_clock.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Keys are numbers; what is dropped are those of one remainder. */
struct remainder {
    uint64_t divisor, rest;
    int n_seen;
};

static bool has_remainder(void *context, struct bytes key)
{
    struct remainder *remainder = context;
    uint64_t number;

    memcpy(&number, key.data, sizeof(number));
    remainder->n_seen++;
    return number % remainder->divisor == remainder->rest;
}

static struct cache_usage usage_of(const struct cache *cache)
{
    struct cache_usage usage;

    cache_read_usage(cache, &usage);
    return usage;
}

static void fill(struct cache *cache, uint64_t n, uint32_t n_extra_key_bytes)
{
    for (uint64_t i = 0; i < n; i++) {
        struct call call = {.cache = cache,
                            .number = i,
                            .patience_ns = PATIENCE,
                            .n_extra_key_bytes = n_extra_key_bytes};

        call_look_up(&call);
        assert_int_equal(call.outcome, CACHE_MISS);
        assert_int_equal(call_insert(&call, i), 0);
    }
}

/* Every third of 5000 entries goes, the others answer as before; keys in slots and in blocks. */
static void test_drop_is_exact(void **state)
{
    for (int variant = 0; variant < 4; variant++) {
        struct cache *cache = create(policy_of_state(state), 8192, variant % 2 == 0 ? 1 : 16);
        uint32_t n_extra = variant / 2 * 100;
        struct remainder third = {.divisor = 3, .rest = 1};
        uint64_t n_held, n_expected = 0;

        fill(cache, 5000, n_extra);
        n_held = usage_of(cache).entries;
        cache_drop(cache, has_remainder, &third);
        assert_int_equal(cache_check(cache), 0);
        assert_int_equal(usage_of(cache).entries + usage_of(cache).invalidations, n_held);
        assert_true(third.n_seen >= (int)n_held);
        for (uint64_t i = 0; i < 5000; i++) {
            struct call call = {
                .cache = cache, .number = i, .patience_ns = PATIENCE, .n_extra_key_bytes = n_extra};

            call_look_up(&call);
            if (call.outcome == CACHE_HIT) {
                assert_int_not_equal(i % 3, 1);
                assert_int_equal(call.value, i);
                n_expected++;
            } else {
                cache_abandon(cache, &call.ticket);
            }
        }
        assert_int_equal(usage_of(cache).entries, n_expected);
        if (policy_of_state(state) != CACHE_POLICY_direct) {
            assert_int_equal(n_expected, 5000 - 1667);
        }
        cache_destroy(cache);
    }
}

/* From a fence on nothing of before answers, though nobody took a lock; what is filled anew does.
 */
static void test_fence_needs_no_lock(void **state)
{
    for (uint32_t n_shards = 1; n_shards <= 16; n_shards *= 16) {
        struct cache *cache = create(policy_of_state(state), 4096, n_shards);
        struct call begun = {.cache = cache, .number = 7777, .patience_ns = PATIENCE};
        struct call again = {.cache = cache, .number = 3, .patience_ns = PATIENCE};

        fill(cache, 1000, 0);
        call_look_up(&begun);
        assert_true(lock_acquire(&cache->shards[0].lock));
        cache_fence(cache);
        lock_release(&cache->shards[0].lock);
        for (again.number = 0; again.number < 1000; again.number++) {
            call_look_up(&again);
            assert_int_equal(again.outcome, CACHE_MISS);
            cache_abandon(cache, &again.ticket);
        }
        assert_int_equal(call_insert(&begun, 1), -ESTALE);
        again.number = 3;
        call_look_up(&again);
        assert_int_equal(call_insert(&again, 33), 0);
        call_look_up(&again);
        assert_int_equal(again.outcome, CACHE_HIT);
        assert_int_equal(again.value, 33);
        cache_clear(cache);
        assert_int_equal(usage_of(cache).entries, 0);
        assert_int_equal(usage_of(cache).bytes, 0);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/*
 * One fill of key 1 under a fence, and one walk that drops key 1, in every order: the fence moves,
 * then the walk goes. Whatever began before it moved never answers.
 */
static void test_fences(void **state)
{
    for (int fence_at = 0; fence_at < 3; fence_at++) {
        for (int walk_at = fence_at; walk_at < 3; walk_at++) {
            struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
            struct call one = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
            struct call two = {.cache = cache, .number = 2, .patience_ns = PATIENCE};
            struct remainder odd = {.divisor = 2, .rest = 1};
            _Atomic uint32_t count = UINT32_MAX, other_count = 0;

            call_look_up(&one);
            call_look_up(&two);
            assert_int_equal(one.ticket.n_fences, 0);
            for (int step = 0; step < 3; step++) {
                if (step == 1) { /* the computation begins */
                    one.ticket.fences[0] = (struct cache_fence){&other_count, other_count};
                    one.ticket.fences[1] = (struct cache_fence){&count, count};
                    one.ticket.n_fences = 2;
                }
                if (step == fence_at) {
                    count++;
                }
                if (step == walk_at) {
                    cache_drop(cache, has_remainder, &odd);
                }
                if (step == 1) { /* and ends */
                    assert_int_equal(call_insert(&one, 1), fence_at == 1 ? -ESTALE : 0);
                }
            }
            assert_int_equal(call_insert(&two, 2), 0);
            call_look_up(&one);
            assert_int_equal(one.outcome, fence_at == 0 && walk_at < 2 ? CACHE_HIT : CACHE_MISS);
            call_look_up(&two);
            assert_int_equal(two.outcome, CACHE_HIT);
            cache_destroy(cache);
        }
    }
}

static void *look_up_thread(void *argument)
{
    call_look_up(argument);
    return NULL;
}

/* Who comes after a walk does not wait for a computation that began before it. */
static void test_flights_of_dropped_keys_are_not_joined(void **state)
{
    static const uint32_t extra[] = {0, 100};

    for (int i = 0; i < 2; i++) {
        struct cache *cache = create(CACHE_POLICY_lru, 100, 1);
        struct call calls[4]; /* 1 and 2 before the walk, 1 and 2 after it */
        struct remainder odd = {.divisor = 2, .rest = 1};
        pthread_t thread;

        for (int k = 0; k < 4; k++) {
            calls[k] = (struct call){.cache = cache,
                                     .number = (uint64_t)k % 2 + 1,
                                     .patience_ns = PATIENCE,
                                     .n_extra_key_bytes = extra[i]};
        }
        call_look_up(&calls[0]);
        call_look_up(&calls[1]);
        cache_drop(cache, has_remainder, &odd);
        for (int k = 2; k < 4; k++) {
            assert_int_equal(pthread_create(&thread, NULL, look_up_thread, &calls[k]), 0);
            pthread_join(thread, NULL);
        }
        assert_int_equal(calls[2].outcome, CACHE_MISS);
        assert_int_equal(calls[3].outcome, CACHE_BYPASS_NO_WAIT);
        for (int k = 0; k < 3; k++) {
            cache_abandon(cache, &calls[k].ticket);
        }
        assert_no_flight(cache);
        cache_destroy(cache);
    }
}

/* 77: no filter may be installed here. */
static int clear_in_a_sandbox(enum cache_policy policy)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
    struct cache *cache = create(policy, 1024, 1);

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 77;
    }
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 500; i++) {
            struct call call = {.cache = cache, .number = i, .patience_ns = PATIENCE};

            call_look_up(&call);
            if (call.outcome != CACHE_MISS || call_insert(&call, i) != 0) {
                return 1;
            }
        }
        cache_clear(cache);
    }
    return cache_check(cache) == 0 ? 0 : 2;
}

/* A table that is used again is empty, though the kernel does not take its memory back. */
static void test_clear_where_memory_is_kept(void **state)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        _exit(clear_in_a_sandbox(policy_of_state(state)));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    NEED(!WIFEXITED(status) || WEXITSTATUS(status) != 77,
         "no seccomp filter may be installed here");
    assert_int_equal(status, 0);
}

int main(void)
{
    struct policy_tests tests = {0};

    add_for_each_policy(&tests, "drop is exact", test_drop_is_exact);
    add_for_each_policy(&tests, "a fence needs no lock", test_fence_needs_no_lock);
    add_for_each_policy(&tests, "clear where memory is kept", test_clear_where_memory_is_kept);
    tests.tests[tests.n++] = (struct CMUnitTest)cmocka_unit_test(test_fences);
    tests.tests[tests.n++] =
        (struct CMUnitTest)cmocka_unit_test(test_flights_of_dropped_keys_are_not_joined);
    return _cmocka_run_group_tests("cache_invalidate", tests.tests, tests.n, let_time_stand, NULL);
}
