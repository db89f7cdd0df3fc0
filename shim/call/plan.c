// SPDX-License-Identifier: MIT
/* From a validated configuration entry and one definition to everything its calls need. */
#include "base/draw.h"
#include "call/call_private.h"
#include "call/life.h"
#include "call/seal.h"

#include <errno.h>

/* How long to wait until real calls were measured: the longest of the adaptive waits. */
#define WAIT_FIRST_NS 10000000000u

/* By enum config_policy: the word of configurations, and the cache's own number. */
static const struct {
    const char *word;
    enum cache_policy policy;
} policies[] = {
    [CONFIG_POLICY_LRU] = {"lru", CACHE_POLICY_lru},
    [CONFIG_POLICY_LFU] = {"lfu", CACHE_POLICY_lfu},
    [CONFIG_POLICY_FIFO] = {"fifo", CACHE_POLICY_fifo},
    [CONFIG_POLICY_MRU] = {"mru", CACHE_POLICY_mru},
    [CONFIG_POLICY_RR] = {"rr", CACHE_POLICY_rr},
    [CONFIG_POLICY_SIEVE] = {"sieve", CACHE_POLICY_sieve},
    [CONFIG_POLICY_S3_FIFO] = {"s3-fifo", CACHE_POLICY_s3_fifo},
    [CONFIG_POLICY_W_TINYLFU] = {"w-tinylfu", CACHE_POLICY_w_tinylfu},
    [CONFIG_POLICY_DIRECT] = {"direct", CACHE_POLICY_direct},
};

static const char *const modes[] = {
    [CONFIG_MODE_MEMOIZE] = "memoize",
    [CONFIG_MODE_OBSERVE] = "observe",
    [CONFIG_MODE_VERIFY] = "verify",
};

_Static_assert(sizeof(policies) / sizeof(policies[0]) == CACHE_POLICY_COUNT, "one for each");

int call_plan_create(const struct call_plan_options *options, struct arena *arena,
                     struct call_plan **ret_plan, const char **ret_reason)
{
    const struct config_function *function = options->function;
    struct call_plan *plan = arena_alloc(arena, sizeof(*plan));
    struct stats_counters *counters;
    struct cache_options cache = {0};
    struct abi_call *abi;
    struct marshal_plan *marshal;
    int error;

    /* arena blocks are aligned to 16, counters to a cache line */
    counters = arena_alloc(arena, stats_counters_bytes() + 64);
    if (plan == NULL || counters == NULL) {
        return -ENOMEM;
    }
    counters = (struct stats_counters *)(((uintptr_t)counters + 63) & ~(uintptr_t)63);
    stats_counters_init(counters);

    error = abi_call_create(&function->prototype, arena, &abi);
    if (error == -ENOTSUP) {
        *ret_reason = "its prototype has a type that libffi cannot pass";
    }
    if (error != 0) {
        return error;
    }
    error = marshal_plan_create(function, abi, options->bindings, arena, &marshal, ret_reason);
    if (error != 0) {
        return error;
    }
    cache.policy = policies[function->policy].policy;
    cache.max_entries = function->max_entries;
    cache.max_bytes = function->max_bytes;
    plan->function = function;
    life_configure(plan, &cache);
    cache.n_shards = function->shards;
    cache.key_bytes = marshal_key_bytes(marshal);
    cache.value_bytes = marshal_record_bytes(marshal);
    cache.single_flight = function->single_flight;
    plan->seals = function->has_secret_out;
    plan->holds_secrets = function->has_secret || plan->seals;
    if (plan->seals && cache.value_bytes != 0) {
        cache.value_bytes += SEAL_BYTES;
    }
    cache.secret = plan->holds_secrets;
    cache.seed = function->has_seed ? function->seed : options->seed;
    error = function->has_instances
                ? cache_instances_create(&cache, function->max_instances, &plan->instances)
                : cache_create(&cache, &plan->cache);
    if (error != 0) {
        return error;
    }
    error = call_rules_init(plan, arena);
    if (error != 0) {
        return error;
    }
    plan->abi = abi;
    plan->marshal = marshal;
    plan->counters = counters;
    plan->original = options->original;
    plan->seed = options->seed;
    plan->mac_key = options->mac_key;
    plan->uses_float = abi->uses_float;
    marshal_note_float(marshal, &plan->uses_float);
    atomic_init(&plan->draws, cache.seed * DRAW_STEP); /* its own part of the sequence */
    plan->mode = options->mode;
    plan->sample_below = (uint64_t)(function->verify_sample * 4294967296.0);
    plan->is_watched = plan->mode != CONFIG_MODE_MEMOIZE || plan->sample_below > 0;
    plan->in_place = marshal_replays_alone(marshal) && !plan->holds_secrets && !plan->is_watched;
    measure_prepare(&plan->measure, plan->mode == CONFIG_MODE_MEMOIZE, function->guard);
    plan->shown_as = options->shown_as;
    plan->library = options->library;
    plan->wait_timeout_ns = function->single_flight_timeout_ns != 0
                                ? function->single_flight_timeout_ns
                                : WAIT_FIRST_NS;
    quick_prepare(plan);
    error = quick_prepare_wide(plan, arena);
    error = error != 0 ? error : quick_prepare_images(plan, arena);
    if (error != 0) {
        return error;
    }
    *ret_plan = plan;
    return 0;
}

void call_plan_note_way(struct call_plan *plan, uint64_t way_ps)
{
    plan->measure.way_ps = way_ps;
}

void (*call_plan_quick(const struct call_plan *plan))(void)
{
    return plan->quick.code;
}

const struct abi_call *call_plan_abi(const struct call_plan *plan)
{
    return plan->abi;
}

void call_plan_after_fork(struct call_plan *plan)
{
    if (plan->instances != NULL) {
        cache_instances_after_fork(plan->instances);
        cache_instances_reset_counts(plan->instances);
    } else {
        cache_after_fork(plan->cache);
        cache_reset_counts(plan->cache);
    }
    atomic_store_explicit(&plan->n_dropping, 0, memory_order_relaxed); /* by threads not here */
    files_after_fork(&plan->files);
    marshal_after_fork(plan->marshal);
    stats_counters_reset(plan->counters);
    measure_after_fork(plan);
}

void call_plan_try_again(struct call_plan *plan)
{
    measure_try_again(plan);
}

void call_plan_read(const struct call_plan *plan, struct stats_function *ret_function)
{
    const struct config_function *function = plan->function;
    uint64_t n_instances = 0, n_caches = function->has_instances ? function->max_instances : 1;
    uint64_t hit_ps, miss_ps;
    struct cache_usage usage;

    if (plan->instances != NULL) {
        cache_instances_read_usage(plan->instances, &usage, &n_instances);
    } else {
        cache_read_usage(plan->cache, &usage);
    }
    measure_read(plan, &hit_ps, &miss_ps);
    *ret_function = (struct stats_function){
        .name = plan->shown_as,
        .mode = modes[plan->mode],
        .policy = policies[plan->function->policy].word,
        .library = plan->library,
        .counters = plan->counters,
        .hit_ps = hit_ps,
        .miss_ps = miss_ps,
        .evictions = usage.evictions,
        .expirations = usage.expirations,
        .invalidations = usage.invalidations,
        .entries = usage.entries,
        .max_entries = function->max_entries * n_caches,
        .bytes = usage.bytes,
        .max_bytes = function->max_bytes * n_caches,
        .instances = n_instances,
    };
}
