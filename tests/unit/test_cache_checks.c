// SPDX-License-Identifier: MIT
/*
 * Builds with MEMOSHIM_CHECKS prove the structure of a cache while it is filled: a process that has
 * broken one thing in a cache ends at one of its next inserts, with a line that names that thing.
 */
#include "cache_call.h"

#include "cache/queue.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ENTRIES 100
#define N_FEW       7    /* the eighth insert is proved */
#define N_MANY      5000 /* proofs have become rare */

static struct cache *create_sound(enum cache_policy policy)
{
    struct cache_options options = {.policy = policy,
                                    .max_entries = MAX_ENTRIES,
                                    .max_bytes = 1 << 20,
                                    .has_lives = true,
                                    .n_shards = 1,
                                    .single_flight = true};
    struct cache *cache;

    assert_int_equal(cache_create(&options, &cache), 0);
    return cache;
}

static void insert(struct cache *cache, uint64_t number)
{
    struct call call = {.cache = cache, .number = number, .life.expires_ns = 1000 + number};

    call_look_up(&call);
    assert_int_equal(call.outcome, CACHE_MISS);
    assert_int_equal(call_insert(&call, number), 0);
}

/* The first that holds an entry, from that slot on. */
static uint32_t entry_after(const struct table *table, uint32_t from)
{
    while (order_mark(&table->order, from) == 0) {
        from++;
    }
    return from;
}

static uint32_t first_entry(const struct table *table)
{
    return entry_after(table, 0);
}

/* ---- what may be broken ---------------------------------------------------------------------- */

static void break_nothing(struct cache *cache)
{
}

static void break_n_live(struct cache *cache)
{
    cache->shards[0].table.n_live++;
}

static void break_tag(struct cache *cache)
{
    struct table *table = &cache->shards[0].table;
    uint32_t slot = 0;

    while (table->groups[slot / GROUP_SLOTS].tags[slot % GROUP_SLOTS] != 0) {
        slot++;
    }
    table->groups[slot / GROUP_SLOTS].tags[slot % GROUP_SLOTS] = tag_of_hash(0);
}

static void break_n_passed(struct cache *cache)
{
    cache->shards[0].table.groups[0].n_passed++;
}

static void break_passed(struct cache *cache)
{
    cache->shards[0].table.groups[0].passed ^= 1;
}

static void break_stamps(struct cache *cache)
{
    struct order *order = &cache->shards[0].table.order;
    uint32_t slot = first_entry(&cache->shards[0].table);

    order_set_mark(order, slot, order_mark(order, entry_after(&cache->shards[0].table, slot + 1)));
}

static void break_clock(struct cache *cache)
{
    struct table *table = &cache->shards[0].table;

    order_set_mark(&table->order, first_entry(table), *table->order.clock + 1000);
}

static void break_ends(struct cache *cache)
{
    struct expiry *expiry = &cache->shards[0].table.expiry;
    uint32_t slot = expiry->heap[1];

    expiry->heap[1] = expiry->heap[2];
    expiry->heap[2] = slot;
}

static void break_queue(struct cache *cache)
{
    struct table *table = &cache->shards[0].table;

    order_slot(&table->order, first_entry(table))->mark += 1u << QUEUE_NUMBER_AT;
}

static void break_block(struct cache *cache)
{
    struct table *table = &cache->shards[0].table;

    table_block(table, first_entry(table))->n_references = 0;
}

static void break_bytes(struct cache *cache)
{
    cache->shards[0].n_bytes++;
    cache->n_bytes++;
}

static void break_budget(struct cache *cache)
{
    cache->n_bytes--;
}

static void break_bound(struct cache *cache)
{
    cache->n_entries = MAX_ENTRIES + 1;
}

static void break_sequence(struct cache *cache)
{
    cache->shards[0].front.sequence++;
}

static void break_generation(struct cache *cache)
{
    struct table *table = &cache->shards[0].table;

    shared_store(table_slot(table, first_entry(table)), cache->generation + 1);
}

static void break_links(struct cache *cache)
{
    struct order *order = &cache->shards[0].table.order;
    uint32_t slot = first_entry(&cache->shards[0].table);

    shared_store(order->slots + (size_t)(slot + 1) * order->slot_bytes - PLACE_LINKS_BYTES, 0);
}

static const struct breakage {
    void (*break_it)(struct cache *cache);
    const char *said; /* NULL: it lives on */
    enum cache_policy policy;
} breakages[] = {
    {break_nothing, NULL, CACHE_POLICY_sieve},
    {break_n_live, "n_live is not how many entries there are", CACHE_POLICY_sieve},
    {break_tag, "a tag stands for no entry", CACHE_POLICY_sieve},
    {break_n_passed, "a group's n_passed is not how many entries have passed it",
     CACHE_POLICY_sieve},
    {break_passed, "a group does not say who has passed it", CACHE_POLICY_sieve},
    {break_stamps, "two entries have the same stamp", CACHE_POLICY_lru},
    {break_clock, "a stamp is from the future", CACHE_POLICY_lru},
    {break_ends, "the heap of ends is out of order, or not of these entries", CACHE_POLICY_sieve},
    {break_queue, "what the policy keeps is out of order, or not of these entries",
     CACHE_POLICY_sieve},
    {break_links, "what the policy keeps is out of order, or not of these entries",
     CACHE_POLICY_direct},
    {break_generation, "an entry is not of the table's generation", CACHE_POLICY_direct},
    {break_block, "the block of an entry has been released", CACHE_POLICY_sieve},
    {break_bytes, "n_bytes is not what the entries count", CACHE_POLICY_sieve},
    {break_budget, "entries hold more than was taken from the budget", CACHE_POLICY_sieve},
    {break_bound, "more was taken from the budget than there is", CACHE_POLICY_sieve},
    {break_sequence, "a change has not ended", CACHE_POLICY_sieve},
};

/* ---- the process that breaks it -------------------------------------------------------------- */

static _Noreturn void break_and_insert(const struct breakage *breakage, uint64_t n_before,
                                       uint64_t n_after)
{
    struct cache *cache = create_sound(breakage->policy);
    uint64_t number = 0;

    while (number < n_before) {
        insert(cache, number++);
    }
    breakage->break_it(cache);
    while (number < n_before + n_after) {
        insert(cache, number++);
    }
    _exit(0);
}

/* What it wrote on its standard error stands in said. Returns its status. */
static int run_process(const struct breakage *breakage, uint64_t n_before, uint64_t n_after,
                       char said[1000])
{
    size_t n_said = 0;
    ssize_t n_read;
    int ends[2], status = -1;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        break_and_insert(breakage, n_before, n_after);
    }
    close(ends[1]);
    while ((n_read = read(ends[0], said + n_said, 999 - n_said)) > 0) {
        n_said += (size_t)n_read;
    }
    said[n_said] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_breakage(void **state)
{
    const struct breakage *breakage = *state;
    char said[1000];
    int status;

    NEED(MEMOSHIM_CHECKS, "a build without checks proves nothing");
    status = run_process(breakage, N_FEW, 1, said);
    if (breakage->said == NULL) {
        assert_string_equal(said, "");
        assert_int_equal(status, 0);
        return;
    }
    if (strstr(said, breakage->said) == NULL) {
        print_error("said: %s\n", said);
        fail();
    }
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* However long it has been filled, it is proved again before long. */
static void test_late_breakage(void **state)
{
    const struct breakage late = {break_bytes, "n_bytes is not what the entries count",
                                  CACHE_POLICY_sieve};
    const struct breakage sound = {break_nothing, NULL, CACHE_POLICY_sieve};
    char said[1000];
    int status;

    NEED(MEMOSHIM_CHECKS, "a build without checks proves nothing");
    status = run_process(&late, N_MANY, N_MANY, said);
    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(said, late.said));
    assert_int_equal(run_process(&sound, N_MANY, N_MANY, said), 0);
}

int main(void)
{
    struct CMUnitTest tests[sizeof(breakages) / sizeof(breakages[0]) + 1];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(breakages) / sizeof(breakages[0]); i++) {
        tests[n++] =
            (struct CMUnitTest){breakages[i].said == NULL ? "nothing is broken" : breakages[i].said,
                                test_breakage, NULL, NULL, (void *)&breakages[i]};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_late_breakage);
    return _cmocka_run_group_tests("cache_checks", tests, n, NULL, NULL);
}
