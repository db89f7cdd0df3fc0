// SPDX-License-Identifier: MIT
/* Bounds while several threads insert, and what a forked child finds. */
#include "cache_call.h"
#include "draws.h"
#include "each_policy.h"
#include "standing_clock.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- bounds under threads ---- */

struct pressed {
    struct cache *cache;
    uint64_t seed;
    uint32_t n_operations;
    uint64_t n_wrong;
};

static bool is_right(const struct cache_view *view, uint64_t number, uint32_t n_bytes)
{
    const unsigned char *at = view->data;

    return view->n_bytes == n_bytes && at[0] == (unsigned char)number &&
           at[n_bytes - 1] == (unsigned char)number;
}

static void *pressing_thread(void *argument)
{
    struct pressed *pressed = argument;
    uint64_t random = pressed->seed;
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    static const uint32_t sizes[] = {8, 16, 64, 65, 100, 300, 1000, 6000};

    for (uint32_t i = 0; i < pressed->n_operations; i++) {
        uint64_t number;
        unsigned char value[6000];
        uint32_t n_bytes;
        struct cache_key key = {.bytes = {&number, 8}};
        struct cache_view view;
        struct cache_ticket ticket;
        struct cache_lookup_options options = {.now_ns = i,
                                               .owner = thread_self(),
                                               .may_wait = true,
                                               .wait_timeout_ns = PATIENCE,
                                               .room = room};
        struct cache_usage usage;
        enum cache_outcome outcome;

        number = (draw_bits(&random) >> 20) % 700;
        n_bytes = sizes[number % 8];
        key.hash = hash_bytes(key.bytes, SEED);
        outcome = cache_lookup(pressed->cache, &key, &options, &view, &ticket);
        if (outcome == CACHE_MISS || outcome == CACHE_REFRESH) {
            memset(value, (int)number, n_bytes);
            if (random % 9 == 0 && cache_fall_back(pressed->cache, &key, i, room, &ticket, &view)) {
                pressed->n_wrong += !is_right(&view, number, n_bytes);
                cache_view_release(pressed->cache, &view);
            } else if (number % 97 == 0) {
                cache_abandon(pressed->cache, &ticket);
            } else {
                struct cache_life life = {.expires_ns = i + 1 + (random >> 40) % 4000,
                                          .early_ns = random >> 32 & 511,
                                          .is_failure = random >> 41 & 1};

                cache_insert(pressed->cache, &key, (struct bytes){value, n_bytes}, i,
                             random % 7 == 0 || !pressed->cache->options.has_lives ? NULL : &life,
                             &ticket);
            }
        } else if (outcome == CACHE_HIT || outcome == CACHE_HIT_AFTER_WAIT ||
                   outcome == CACHE_STALE_AFTER_WAIT) {
            pressed->n_wrong += !is_right(&view, number, n_bytes);
            cache_view_release(pressed->cache, &view);
        } else {
            pressed->n_wrong++;
        }
        if (random % 5000 == 0) {
            cache_clear(pressed->cache);
        }
        cache_read_usage(pressed->cache, &usage);
        pressed->n_wrong += usage.entries > 200 || usage.bytes > 60000;
    }
    return NULL;
}

/* What lists and heaps there are is another policy's; the shards and the budget are the same. */
static uint32_t pressed_operations(void **state)
{
    return policy_of_state(state) == CACHE_POLICY_lru ? 10000 : 2500;
}

static void test_bounds_under_threads(void **state)
{
    static const uint32_t shards[] = {1, 4, 16};

    for (int i = 0; i < 3; i++) {
        struct cache_options options = {.policy = policy_of_state(state),
                                        .max_entries = 200,
                                        .max_bytes = 60000,
                                        .has_lives = true,
                                        .idle_ns = i == 0 ? 0 : 1000,
                                        .stale_ns = i == 1 ? 0 : 1000,
                                        .may_refresh = i != 2,
                                        .n_shards = shards[i],
                                        .key_bytes = 8,
                                        .single_flight = true};
        struct pressed pressed[8];
        pthread_t threads[8];
        struct cache *cache;

        assert_int_equal(cache_create(&options, &cache), 0);
        for (int j = 0; j < 8; j++) {
            pressed[j] = (struct pressed){cache, 77 + (uint64_t)j, pressed_operations(state), 0};
            pthread_create(&threads[j], NULL, pressing_thread, &pressed[j]);
        }
        join_many(threads, 8);
        for (int j = 0; j < 8; j++) {
            assert_int_equal(pressed[j].n_wrong, 0);
        }
        assert_no_flight(cache);
        assert_int_equal(cache_check(cache), 0);
        cache_destroy(cache);
    }
}

/* A cache of one entry, filled by many at once: never two, and no fill waits for ever. */
static void test_one_entry_many_threads(void **state)
{
    struct cache_options options = {.policy = policy_of_state(state),
                                    .max_entries = 1,
                                    .max_bytes = 60000,
                                    .n_shards = 4,
                                    .key_bytes = 8,
                                    .single_flight = true};
    struct pressed pressed[4];
    pthread_t threads[4];
    struct cache *cache;
    struct cache_usage usage;

    assert_int_equal(cache_create(&options, &cache), 0);
    for (int j = 0; j < 4; j++) {
        pressed[j] = (struct pressed){cache, 5 + (uint64_t)j, pressed_operations(state), 0};
        pthread_create(&threads[j], NULL, pressing_thread, &pressed[j]);
    }
    join_many(threads, 4);
    cache_read_usage(cache, &usage);
    assert_true(usage.entries <= 1);
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* ---- fork ---- */

/* The child's checks; its exit status is what failed. */
static int in_child(struct cache *cache, uint64_t n_entries)
{
    struct call call = {.cache = cache, .number = 1000, .patience_ns = PATIENCE, .may_wait = true};
    struct cache_usage usage;

    cache_after_fork(cache);
    cache_reset_counts(cache);
    cache_read_usage(cache, &usage);
    if (usage.entries != n_entries || usage.evictions != 0 || usage.invalidations != 0) {
        return 1;
    }
    if (cache_check(cache) != 0) {
        return 2;
    }
    for (uint64_t i = 0; i < n_entries; i++) {
        call.number = i;
        call_look_up(&call);
        if (call.outcome != CACHE_HIT || call.value != i) {
            return 3;
        }
    }
    call.number = 1000; /* the parent is computing it */
    call_look_up(&call);
    if (call.outcome != CACHE_MISS || call_insert(&call, 1) != 0) {
        return 4;
    }
    return cache_check(cache) == 0 ? 0 : 5;
}

static void fork_and_check(struct cache *cache, uint64_t n_entries)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        _exit(in_child(cache, n_entries));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* What another thread does, under the shard's lock, at the moment of the fork. */
enum doing {
    READING,
    WRITING,
    IN_POOL,
};

struct busy {
    struct cache *cache;
    enum doing doing;
    pthread_barrier_t barrier;
};

static void *busy_thread(void *argument)
{
    struct busy *busy = argument;
    struct shard *shard = &busy->cache->shards[0];

    assert_true(lock_acquire(&shard->lock));
    if (busy->doing == WRITING) {
        shard_begin_change_locked(shard);
    }
    busy->cache->pool.sequence += busy->doing == IN_POOL;
    pthread_barrier_wait(&busy->barrier);
    pthread_barrier_wait(&busy->barrier);
    busy->cache->pool.sequence -= busy->doing == IN_POOL;
    if (busy->doing == WRITING) {
        shard_end_change_locked(shard);
    }
    lock_release(&shard->lock);
    return NULL;
}

static void fork_while(struct cache *cache, enum doing doing, uint64_t n_entries)
{
    struct busy busy = {.cache = cache, .doing = doing};
    pthread_t thread;

    pthread_barrier_init(&busy.barrier, NULL, 2);
    pthread_create(&thread, NULL, busy_thread, &busy);
    pthread_barrier_wait(&busy.barrier);
    fork_and_check(cache, n_entries);
    pthread_barrier_wait(&busy.barrier);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&busy.barrier);
}

static void test_fork(void **state)
{
    /* direct: so many places that each key has its own */
    struct cache *cache = create(policy_of_state(state),
                                 policy_of_state(state) == CACHE_POLICY_direct ? 1 << 20 : 100, 1);
    struct call call = {.cache = cache, .patience_ns = PATIENCE};
    struct call computing = {
        .cache = cache, .number = 1000, .patience_ns = PATIENCE, .n_extra_key_bytes = 100};

    cache_clear(cache);
    for (uint64_t i = 0; i < 50; i++) {
        call.number = i;
        call_look_up(&call);
        call_insert(&call, i);
    }
    call.number = 1000;
    call_look_up(&call);
    call_look_up(&computing);
    fork_and_check(cache, 50);

    fork_while(cache, READING, 50); /* the shard is whole */
    fork_while(cache, WRITING, 0);  /* it starts empty, and the budget is right again */
    fork_while(cache, IN_POOL, 0);  /* nothing that has a block can be trusted */
    assert_int_equal(cache_check(cache), 0);
    cache_destroy(cache);
}

/* A miss that began before its shard was torn must not find that nothing has changed since. */
static void test_torn_shard_is_another(void **state)
{
    struct cache *cache = create(policy_of_state(state), 100, 1);
    struct call before = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
    struct call after = {.cache = cache, .number = 1, .patience_ns = PATIENCE};
    struct call others = {.cache = cache, .number = 100, .patience_ns = PATIENCE};
    struct cache_usage usage;

    call_look_up(&others);
    call_insert(&others, 0);
    call_look_up(&before);
    shard_begin_change(&cache->shards[0]);
    cache_after_fork(cache);
    call_look_up(&after);
    call_insert(&after, 1);
    assert_int_equal(cache->shards[0].front.sequence % 2, 0);
    assert_int_not_equal(before.ticket.absent_at, cache->shards[0].front.sequence + 1);
    call_insert(&before, 1);
    cache_read_usage(cache, &usage);
    assert_int_equal(usage.entries, 1);
    cache_destroy(cache);
}

int main(void)
{
    static struct policy_tests tests;

    /* First: the forks want a process without threads. */
    add_for_each_policy(&tests, "fork", test_fork);
    add_for_each_policy(&tests, "torn_shard_is_another", test_torn_shard_is_another);
    add_for_each_policy(&tests, "bounds_under_threads", test_bounds_under_threads);
    add_for_each_policy(&tests, "one_entry_many_threads", test_one_entry_many_threads);
    add_for_each_policy(&tests, "fork, after threads", test_fork);
    return _cmocka_run_group_tests("cache_threads", tests.tests, tests.n, let_time_stand, NULL);
}
