// SPDX-License-Identifier: MIT
/*
 * The order in which it is asked is that of the specification: negative.if, which settles it, then
 * unless, then store_if; of the lives that apply the shortest counts. A negative result's own life
 * is not read: what it would be read from need not have been written by a call that failed.
 */
#include "call/life.h"

#include "base/clock.h"
#include "base/draw.h"

/* Two coarse ticks (at most 20 ms) taken off a life shorter than this would be felt. */
#define SHORT_LIFE_NS 100000000u

/* Seconds from here on are no end: a hundred years. */
#define ENDLESS_S 3153600000.0L

static uint64_t shorter(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* A call that has returned. */
struct finished {
    const struct config_function *function;
    void *const *arguments;
    const void *result;
    int32_t set_errno;
};

static bool holds(const struct config_condition *condition, const struct finished *call)
{
    return condition->n_comparisons != 0 &&
           marshal_condition_holds(condition, call->function, call->arguments, call->result,
                                   call->set_errno);
}

/* Not inlined: it stays between the shields. */
__attribute__((noinline)) static uint64_t load_life_ns(const struct finished *call)
{
    long double seconds;

    __asm__ volatile("" : : : "memory"); /* an effect, for all the compiler knows */
    if (!marshal_condition_number(&call->function->ttl_from, call->function, call->arguments,
                                  call->result, call->set_errno, &seconds) ||
        !(seconds > 0)) {
        return 0;
    }
    return seconds >= ENDLESS_S ? CACHE_NO_END : (uint64_t)(seconds * 1e9L);
}

/* 0: there is none, or it is not positive. */
static uint64_t read_life_ns(const struct finished *call)
{
    struct float_x87 x87_shield;
    uint32_t shield = float_shield_begin();
    uint64_t life_ns;

    float_x87_shield_begin(&x87_shield);
    life_ns = load_life_ns(call);
    float_x87_shield_end(&x87_shield);
    float_shield_end(shield);
    return life_ns;
}

static void judge(const struct finished *call, struct life_verdict *verdict)
{
    const struct config_function *function = call->function;

    verdict->life_ns = function->ttl_ns != 0 ? function->ttl_ns : CACHE_NO_END;
    verdict->is_failure = holds(&function->stale_if, call);
    if (holds(&function->negative_if, call)) {
        verdict->life_ns = shorter(verdict->life_ns, function->negative_ttl_ns);
        verdict->is_kept = true;
        return;
    }
    verdict->is_kept = !holds(&function->unless, call) &&
                       (function->store_if.n_comparisons == 0 || holds(&function->store_if, call));
    if (verdict->is_kept && function->has_ttl_from) {
        verdict->life_ns = shorter(verdict->life_ns, read_life_ns(call));
        verdict->is_kept = verdict->life_ns > 0;
    }
}

struct life_verdict life_judge(const struct call_plan *plan, void *const *arguments,
                               const void *result, int32_t set_errno)
{
    struct life_verdict verdict = {.is_kept = true, .life_ns = CACHE_NO_END};

    if (!plan->judges_results) {
        verdict.life_ns = plan->function->ttl_ns != 0 ? plan->function->ttl_ns : CACHE_NO_END;
        return verdict;
    }
    judge(&(struct finished){plan->function, arguments, result, set_errno}, &verdict);
    return verdict;
}

static uint64_t clock_ns(const struct call_plan *plan)
{
    return plan->has_short_life ? clock_precise_ns() : clock_coarse_ns();
}

uint64_t life_latest_ns(const struct call_plan *plan)
{
    return plan->has_life ? clock_ns(plan) + plan->clock_lag_ns : 0;
}

/* ns times a share of 2^32. */
static uint64_t times(uint64_t ns, uint64_t share)
{
    return (uint64_t)((unsigned __int128)ns * share >> 32);
}

/* life_ns * (1 - jitter * u), u drawn from 0 up to, but not including, 1. */
static uint64_t shorten_at_random(struct call_plan *plan, uint64_t life_ns)
{
    uint64_t state = atomic_fetch_add_explicit(&plan->draws, DRAW_STEP, memory_order_relaxed);

    return life_ns - times(times(life_ns, plan->jitter), draw_next(&state, 0));
}

struct cache_life life_begin(struct call_plan *plan, const struct life_verdict *verdict,
                             const struct real_outcome *outcome)
{
    uint64_t life_ns = verdict->life_ns;

    if (plan->jitter != 0 && life_ns != CACHE_NO_END) {
        life_ns = shorten_at_random(plan, life_ns);
    }
    return (struct cache_life){
        .expires_ns =
            life_ns == CACHE_NO_END ? CACHE_NO_END : cache_end_ns(clock_ns(plan), life_ns),
        .early_ns = times(outcome->took_ns, plan->early),
        .is_failure = verdict->is_failure,
    };
}

static bool is_short(uint64_t life_ns)
{
    return life_ns != 0 && life_ns < SHORT_LIFE_NS;
}

void life_configure(struct call_plan *plan, struct cache_options *options)
{
    const struct config_function *function = plan->function;

    plan->judges_results =
        function->unless.n_comparisons != 0 || function->store_if.n_comparisons != 0 ||
        function->negative_ttl_ns != 0 || function->stale_for_ns != 0 || function->has_ttl_from;
    plan->has_life = function->ttl_ns != 0 || function->idle_ttl_ns != 0 ||
                     function->negative_ttl_ns != 0 || function->has_ttl_from;
    plan->has_short_life = is_short(function->ttl_ns) || is_short(function->idle_ttl_ns) ||
                           is_short(function->negative_ttl_ns);
    plan->clock_lag_ns = plan->has_life && !plan->has_short_life ? clock_coarse_lag_ns() : 0;
    plan->jitter = (uint64_t)(function->ttl_jitter * 0x1p32);
    plan->early = (uint64_t)(function->refresh_early * 0x1p32);

    options->has_lives = plan->has_life;
    if (plan->has_life) {
        /* Use is dated by the latest that the time can be, so its life is as much shorter. */
        options->idle_ns =
            function->idle_ttl_ns != 0 ? function->idle_ttl_ns - plan->clock_lag_ns : 0;
        options->stale_ns = function->stale_for_ns;
        options->may_refresh = function->refresh_early > 0;
    }
}
