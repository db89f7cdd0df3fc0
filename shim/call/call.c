// SPDX-License-Identifier: MIT
/* The path of one call. See call.h for the picture. */
#include "abi/abi.h"
#include "base/clock.h"
#include "base/errno_here.h"
#include "base/fork_page.h"
#include "base/guard.h"
#include "base/lock.h"
#include "call/call_private.h"
#include "call/life.h"
#include "call/real.h"
#include "call/seal.h"
#include "call/verify.h"

#include <errno.h>
#include <string.h>

struct call_hooks call_hooks;

__thread uint32_t call_calls_since_tick;

_Atomic uint64_t call_try_again_ns = UINT64_MAX;

void call_init(const struct call_hooks *hooks)
{
    call_hooks = *hooks;
    float_probe_init();
    measure_init();
}

/* A real call with no cache involved. The guard is set on entry and clear on return. */
static void pass_through(struct call_plan *plan, enum stats_bypass reason, uint64_t began_ns,
                         void *result, void **arguments, int caller_errno)
{
    stats_add_bypass(plan->counters, reason);
    if (began_ns != 0) {
        measure_other(plan);
    }
    lock_assert_none_held();
    guard_leave();
    errno = caller_errno;
    abi_call_real(plan->abi, plan->original, result, arguments);
}

/* The cache's own memory is given back; a copy in the caller's room does not outlive a secret. */
static void release_view(const struct call_plan *plan, struct cache *cache,
                         const struct cache_view *view)
{
    if (view->pin == NULL && plan->holds_secrets) {
        explicit_bzero((void *)view->data, view->n_bytes);
    }
    cache_view_release(cache, view);
}

/* As marshal_replay, or with a call marshal_replay_after, of a record as it is in the cache. */
static inline int replay_plain(const struct call_plan *plan, struct bytes record,
                               const struct marshal_call *call, void *const *arguments,
                               void *result, int32_t *ret_errno)
{
    return call == NULL
               ? marshal_replay(plan->marshal, record, arguments, result, ret_errno)
               : marshal_replay_after(plan->marshal, record, call, arguments, result, ret_errno);
}

/* Not inlined, for the room of the buffer. */
__attribute__((noinline)) static int
replay_sealed(const struct call_plan *plan, struct bytes sealed, const struct marshal_call *call,
              void *const *arguments, void *result, int32_t *ret_errno)
{
    struct marshal_buffer record;
    int error;

    marshal_buffer_init(&record, true);
    error = seal_open(plan->mac_key, sealed, &record);
    if (error == 0) {
        error = replay_plain(plan, (struct bytes){record.data, record.n_bytes}, call, arguments,
                             result, ret_errno);
    }
    marshal_buffer_fini(&record);
    return error;
}

static inline int replay(const struct call_plan *plan, const struct cache_view *view,
                         const struct marshal_call *call, void *const *arguments, void *result,
                         int32_t *ret_errno)
{
    const struct bytes record = {view->data, view->n_bytes};

    return __builtin_expect(plan->seals, 0)
               ? replay_sealed(plan, record, call, arguments, result, ret_errno)
               : replay_plain(plan, record, call, arguments, result, ret_errno);
}

static enum stats_bypass key_bypass(int error)
{
    switch (error) {
    case -E2BIG:
        return STATS_BYPASS_too_large;
    case -ENOMEM:
        return STATS_BYPASS_no_memory;
    case -EBUSY:
        return STATS_BYPASS_stuck;
    case -ELOOP:
        return STATS_BYPASS_cycle;
    case -ENOSPC:
        return STATS_BYPASS_room;
    case -EAGAIN:
        return STATS_BYPASS_unsettled;
    case -EPERM:
        return STATS_BYPASS_confined;
    default:
        return STATS_BYPASS_unsupported;
    }
}

static enum stats_bypass lookup_bypass(enum cache_outcome outcome)
{
    switch (outcome) {
    case CACHE_BYPASS_RECURSION:
        return STATS_BYPASS_recursion;
    case CACHE_BYPASS_NO_WAIT:
        return STATS_BYPASS_no_wait;
    case CACHE_BYPASS_STUCK:
        return STATS_BYPASS_stuck;
    default:
        return STATS_BYPASS_timeout;
    }
}

/*
 * The result of the real call into the cache, if it may be kept. Every way out lands the flight.
 * Returns whether it was stored. Not inlined: its buffer takes no stack from a hit, nor from the
 * real function.
 */
__attribute__((noinline)) static bool
keep_result(struct call_plan *plan, const struct cache_key *key, const struct cache_ticket *ticket,
            void **arguments, const void *result, const struct marshal_call *call,
            const struct real_outcome *outcome, const struct life_verdict *verdict)
{
    const struct config_function *function = plan->function;
    struct marshal_buffer record;
    bool stored = false;

    if (outcome->raised || outcome->has_moved ||
        (outcome->set_errno != MARSHAL_ERRNO_UNTOUCHED && !function->captures_errno) ||
        !verdict->is_kept) {
        cache_abandon(ticket->cache, ticket);
        return false;
    }
    marshal_buffer_init(&record, plan->holds_secrets);
    if (marshal_capture(plan->marshal, arguments, result, call, outcome->set_errno, &record) == 0 &&
        (!plan->seals || seal_close(plan->mac_key, &record) == 0)) {
        struct bytes value = {record.data, record.n_bytes};
        struct cache_life life = {.expires_ns = CACHE_NO_END};

        if (plan->has_life) {
            life = life_begin(plan, verdict, outcome);
        }
        stored = cache_insert(ticket->cache, key, value, life_latest_ns(plan),
                              plan->has_life ? &life : NULL, ticket) == 0;
    } else {
        cache_abandon(ticket->cache, ticket);
    }
    marshal_buffer_fini(&record);
    return stored;
}

/*
 * The real call failed: an answer that has expired, but not too long ago, takes the place of all
 * that the call has left. caller_errno becomes what errno must be.
 */
__attribute__((noinline)) static bool fall_back(struct call_plan *plan, const struct cache_key *key,
                                                const struct cache_ticket *ticket, void *result,
                                                void **arguments, const struct marshal_call *call,
                                                int *caller_errno)
{
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];
    struct cache_view view;
    int32_t set_errno;
    int error;

    if (plan->mode != CONFIG_MODE_MEMOIZE ||
        !cache_fall_back(ticket->cache, key, life_latest_ns(plan), room, ticket, &view)) {
        return false;
    }
    error = replay(plan, &view, call, arguments, result, &set_errno);
    release_view(plan, ticket->cache, &view);
    if (error != 0) {
        return false;
    }
    *caller_errno = set_errno != MARSHAL_ERRNO_UNTOUCHED ? set_errno : *caller_errno;
    return true;
}

/*
 * A miss: the real function, then perhaps the cache. Returns what errno must be for the caller. Not
 * inlined: a hit pays for none of this stack.
 */
__attribute__((noinline)) static int compute(struct call_plan *plan, const struct cache_key *key,
                                             const struct cache_ticket *ticket, bool is_refresh,
                                             uint64_t began_ns, void *result, void **arguments,
                                             const struct marshal_call *call, int caller_errno)
{
    struct real_outcome outcome;
    struct life_verdict verdict;
    enum stats_counter became;

    stats_add(plan->counters, STATS_misses, 1);
    call_look_on_miss();
    outcome = real_run(plan, measure_times_real(plan, began_ns), result, arguments);
    verdict = life_judge(plan, arguments, result, outcome.set_errno);
    if (verdict.is_failure &&
        fall_back(plan, key, ticket, result, arguments, call, &caller_errno)) {
        became = STATS_stale;
    } else {
        became = keep_result(plan, key, ticket, arguments, result, call, &outcome, &verdict)
                     ? STATS_stores
                     : STATS_not_stored;
        caller_errno = real_errno(&outcome, caller_errno);
    }
    stats_add(plan->counters, is_refresh ? STATS_refreshes : became, 1);
    if (began_ns != 0) {
        measure_miss(plan, began_ns, outcome.took_ns);
    }
    return caller_errno;
}

static void count_hit(const struct call_plan *plan, enum cache_outcome outcome)
{
    stats_add(plan->counters, STATS_hits, 1);
    /* After the hit, so that nobody ever reads more waits than hits. */
    if (__builtin_expect(outcome == CACHE_HIT_AFTER_WAIT, 0)) {
        stats_add(plan->counters, STATS_waits, 1);
    }
}

/*
 * Whether this hit leads to the real function all the same; then it has been dealt with. Not
 * inlined, for the room of the copy.
 */
__attribute__((noinline)) static bool
handle_watched(struct call_plan *plan, const struct verify_hit *hit, enum cache_outcome outcome,
               struct cache *cache, const struct cache_view *view, void *result, void **arguments,
               int *caller_errno)
{
    struct marshal_buffer copy;
    int error;

    if (plan->mode == CONFIG_MODE_OBSERVE) {
        release_view(plan, cache, view);
        *caller_errno = verify_observe(plan, result, arguments, *caller_errno);
        return true;
    }
    if (plan->mode == CONFIG_MODE_MEMOIZE && !verify_draws(plan)) {
        return false;
    }
    marshal_buffer_init(&copy, plan->holds_secrets);
    error = plan->seals ? seal_open(plan->mac_key, (struct bytes){view->data, view->n_bytes}, &copy)
                        : marshal_buffer_put(&copy, view->data, view->n_bytes, MARSHAL_MAX_BYTES);
    release_view(plan, cache, view);
    if (error == 0) { /* an answer that memoize would not have given is not judged */
        error = marshal_try(plan->marshal, (struct bytes){copy.data, copy.n_bytes}, arguments);
    }
    if (error != 0) {
        marshal_buffer_fini(&copy);
        pass_through(plan, key_bypass(error), 0, result, arguments, *caller_errno);
        guard_enter();
        *caller_errno = *errno_here();
        return true;
    }
    count_hit(plan, outcome);
    *caller_errno = verify_hit(plan, hit, (struct bytes){copy.data, copy.n_bytes}, result,
                               arguments, *caller_errno);
    marshal_buffer_fini(&copy);
    return true;
}

void call_rest(struct call_plan *plan, const struct call_balance *balance)
{
    if (call_hooks.rest != NULL) {
        call_hooks.rest(plan, balance);
    }
}

void call_note_pays(struct call_plan *plan)
{
    if (call_hooks.pays != NULL) {
        call_hooks.pays(plan);
    }
}

void call_try_again(void)
{
    uint32_t shield = float_shield_begin();

    call_hooks.try_again();
    float_shield_end(shield);
}

void call_try_again_at(uint64_t due_ns)
{
    atomic_store_explicit(&call_try_again_ns, due_ns, memory_order_relaxed);
}

void call_look_at_resting(void)
{
    if (atomic_load_explicit(&call_try_again_ns, memory_order_relaxed) != UINT64_MAX) {
        call_meet_child();
        call_try_what_rests();
    }
}

void call_be_confined(void)
{
    measure_stop();
    call_try_again_at(UINT64_MAX);
    marshal_ask_no_kernel();
}

void call_let_go(struct call_plan *plan)
{
    call_plan_invalidate(plan);
    if (call_hooks.let_go != NULL) {
        call_hooks.let_go(plan);
    }
}

void call_meet_child(void)
{
    if (__builtin_expect(fork_page_is_new_child(), 0)) {
        call_hooks.new_child();
    }
    atomic_thread_fence(memory_order_acquire); /* by whichever thread the house was put in order */
}

void call_tick_now(void)
{
    if (call_hooks.tick != NULL) {
        call_hooks.tick();
    }
}

/* The guard wants to know what the real function takes. Not inlined, as compute. */
__attribute__((noinline)) static void handle_wanted(struct call_plan *plan, void *result,
                                                    void **arguments, int caller_errno)
{
    struct real_outcome outcome;

    stats_add_bypass(plan->counters, STATS_BYPASS_probe);
    outcome = real_run(plan, true, result, arguments);
    measure_other(plan);
    guard_leave();
    *errno_here() = real_errno(&outcome, caller_errno);
}

/* Of a function of floating-point numbers: the key is that of calls under this mode alone. */
static bool float_mode_is_told(const struct call_plan *plan)
{
    return plan->function->keys_rounding ? !float_mode_traps() : float_mode_is_default();
}

void call_handle(void *handle, void *result, void **arguments)
{
    struct call_plan *plan = handle;
    struct cache *cache = plan->cache;
    int caller_errno = errno;
    struct cache_lookup_options options;
    struct marshal_buffer key_buffer;
    struct marshal_call call;
    struct cache_ticket ticket;
    struct cache_view view;
    struct cache_key key;
    enum cache_outcome outcome;
    uint64_t n_changes_before, began_ns;
    int32_t hit_errno;
    bool may_wait;
    int error;
    _Alignas(8) unsigned char room[CACHE_ROOM_BYTES];

    CALL_NOTE_WAY(plan, LONG);
    guard_enter();
    call_meet_child();
    call_tick(1);
    began_ns = measure_begin(&plan->measure);
    if (__builtin_expect(began_ns != 0, 0) && measure_wants_real(&plan->measure)) {
        handle_wanted(plan, result, arguments, caller_errno);
        return;
    }
    if (!call_may_answer(plan)) {
        pass_through(plan, STATS_BYPASS_unfollowed, began_ns, result, arguments, caller_errno);
        return;
    }
    if (plan->uses_float && !float_mode_is_told(plan)) {
        pass_through(plan, STATS_BYPASS_rounding, began_ns, result, arguments, caller_errno);
        return;
    }
    marshal_buffer_init(&key_buffer, plan->function->has_secret);
    error = marshal_key(plan->marshal, arguments, plan->mac_key, &key_buffer, &call);
    if (error != 0) {
        pass_through(plan, key_bypass(error), began_ns, result, arguments, caller_errno);
        return;
    }
    key.bytes = (struct bytes){key_buffer.data, key_buffer.n_bytes};
    key.hash = hash_bytes(key.bytes, plan->seed);
    may_wait = !nesting_is_computing(__builtin_dwarf_cfa());
    options = (struct cache_lookup_options){
        .now_ns = life_latest_ns(plan),
        .owner = thread_self(),
        .may_wait = may_wait && plan->mode != CONFIG_MODE_OBSERVE,
        .wait_timeout_ns = atomic_load_explicit(&plan->wait_timeout_ns, memory_order_relaxed),
        .room = room,
        .in_place = plan->in_place,
    };

    if (__builtin_expect(plan->instances != NULL, 0)) {
        error = call_find_instance(plan, arguments, key.bytes, &cache);
        if (error != 0) {
            marshal_buffer_fini(&key_buffer);
            pass_through(plan, key_bypass(error), began_ns, result, arguments, caller_errno);
            return;
        }
    }

    n_changes_before = atomic_load_explicit(&plan->n_changes, memory_order_acquire);
    outcome = cache_lookup(cache, &key, &options, &view, &ticket);
    switch (outcome) {
    case CACHE_HIT:
    case CACHE_HIT_AFTER_WAIT:
    case CACHE_STALE_AFTER_WAIT:
        if (__builtin_expect(plan->is_watched, 0) && outcome != CACHE_STALE_AFTER_WAIT &&
            handle_watched(plan, &(struct verify_hit){&key, &call, n_changes_before}, outcome,
                           cache, &view, result, arguments, &caller_errno)) {
            marshal_buffer_fini(&key_buffer);
            break;
        }
        error = replay(plan, &view, NULL, arguments, result, &hit_errno);
        release_view(plan, cache, &view);
        marshal_buffer_fini(&key_buffer);
        if (error != 0) {
            pass_through(plan, key_bypass(error), began_ns, result, arguments, caller_errno);
            return;
        }
        if (__builtin_expect(outcome == CACHE_STALE_AFTER_WAIT, 0)) {
            stats_add(plan->counters, STATS_misses, 1);
            stats_add(plan->counters, STATS_stale, 1);
        } else {
            count_hit(plan, outcome);
        }
        if (hit_errno != MARSHAL_ERRNO_UNTOUCHED) {
            caller_errno = hit_errno;
        }
        if (__builtin_expect(began_ns != 0, 0) && outcome == CACHE_HIT) {
            measure_hit(plan, began_ns);
        }
        break;
    case CACHE_MISS:
    case CACHE_REFRESH:
        call_add_fences(plan, key.bytes, &ticket);
        call_heed_dropping(plan, &ticket);
        caller_errno = compute(plan, &key, &ticket, outcome == CACHE_REFRESH, began_ns, result,
                               arguments, &call, caller_errno);
        marshal_buffer_fini(&key_buffer);
        break;
    case CACHE_BYPASS_NO_WAIT:
        if (may_wait) { /* it would have waited, and been answered */
            caller_errno = verify_observe(plan, result, arguments, caller_errno);
            marshal_buffer_fini(&key_buffer);
            break;
        }
        /* fall through */
    default:
        marshal_buffer_fini(&key_buffer);
        pass_through(plan, lookup_bypass(outcome), began_ns, result, arguments, caller_errno);
        return;
    }
    guard_leave();
    *errno_here() = caller_errno;
}
