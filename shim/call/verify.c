// SPDX-License-Identifier: MIT
/*
 * The remembered answer beside a fresh one. An entry that was found wrong stays: in verify mode
 * each answer that memoize would have given is judged, so that "mismatches" says how many of them
 * would have been wrong. In production (verify_sample) one is enough to let go of the function.
 */
#include "call/verify.h"

#include "abi/abi.h"
#include "base/log.h"
#include "call/real.h"

#include <errno.h>
#include <string.h>

/* So many mismatches of one function are reported, the others only counted. */
#define MAX_REPORTED 10

enum {
    TEXT_ROOM_BYTES = 600, /* of a line's 1,000 */
    PART_ROOM_BYTES = 120,
};

bool verify_draws(const struct call_plan *plan)
{
    static __thread uint64_t state;

    /* Marsaglia's xorshift64 (2003), begun at this thread's own address of it. */
    if (state == 0) {
        state = (uintptr_t)&state ^ plan->seed;
        state += state == 0;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 32) < plan->sample_below;
}

static const char *part_text(const struct call_plan *plan, struct marshal_difference difference,
                             char room[static PART_ROOM_BYTES])
{
    switch (difference.part) {
    case MARSHAL_PART_ERRNO:
        return "errno";
    case MARSHAL_PART_RESULT:
        return "the result";
    case MARSHAL_PART_GLOBAL:
        log_format(room, PART_ROOM_BYTES, "%.100s", plan->function->globals[difference.index].name);
        return room;
    default:
        log_format(room, PART_ROOM_BYTES, "*%.100s",
                   plan->function->prototype.parameters[difference.index].name);
        return room;
    }
}

/* Not inlined: the text's room is taken only when something is wrong. */
__attribute__((noinline)) static void report(struct call_plan *plan, const struct cache_key *key,
                                             const char *part)
{
    char text[TEXT_ROOM_BYTES];
    uint32_t n = atomic_fetch_add_explicit(&plan->n_reported, 1, memory_order_relaxed);

    if (n >= MAX_REPORTED) {
        return;
    }
    marshal_show_key(plan->marshal, key->bytes, text, sizeof(text));
    log_line(LOG_LEVEL_ERROR, "%s: %s differs from what was remembered (%s)%s", plan->shown_as,
             part, text,
             n == MAX_REPORTED - 1 ? "; further mismatches of it are only counted" : "");
}

/*
 * 0 and *ret_part: NULL when the answers are the same, else what differs. -ENOMEM, or -ESTALE when
 * something that the key holds changed during the call: then they cannot be compared.
 */
static int compare(const struct call_plan *plan, struct bytes remembered,
                   const struct marshal_call *call, const struct real_outcome *outcome,
                   const void *result, void **arguments, char room[static PART_ROOM_BYTES],
                   const char **ret_part)
{
    const struct config_function *function = plan->function;
    struct marshal_difference difference;
    struct marshal_buffer fresh;
    int error;

    *ret_part = NULL;
    marshal_buffer_init(&fresh, plan->holds_secrets);
    error = marshal_capture(plan->marshal, arguments, result, call, outcome->set_errno, &fresh);
    if (error == -ENOMEM || error == -ESTALE) {
        marshal_buffer_fini(&fresh);
        return error;
    }
    if (outcome->raised) {
        *ret_part = "a floating-point flag that was raised";
    } else if (outcome->set_errno != MARSHAL_ERRNO_UNTOUCHED && !function->captures_errno) {
        *ret_part = "errno";
    } else if (error != 0) {
        *ret_part = "an answer that cannot be remembered";
    } else {
        difference = marshal_compare(plan->marshal, remembered,
                                     (struct bytes){fresh.data, fresh.n_bytes}, arguments);
        if (difference.part != MARSHAL_PART_NONE) {
            *ret_part = part_text(plan, difference, room);
        }
    }
    marshal_buffer_fini(&fresh);
    return 0;
}

/* What was remembered is not what would be remembered by now. Looks at the files once more. */
static bool is_overtaken(struct call_plan *plan, const struct verify_hit *hit)
{
    return call_is_changing(plan) || !call_may_answer(plan) ||
           atomic_load_explicit(&plan->n_changes, memory_order_acquire) != hit->n_changes_before;
}

int verify_hit(struct call_plan *plan, const struct verify_hit *hit, struct bytes remembered,
               void *result, void **arguments, int caller_errno)
{
    struct real_outcome outcome = real_run(plan, measure_times_real(plan, 0), result, arguments);
    char room[PART_ROOM_BYTES];
    const char *part;
    uint32_t shield;
    int error = compare(plan, remembered, hit->call, &outcome, result, arguments, room, &part);

    if (error == 0 && part == NULL) {
        stats_add(plan->counters, STATS_verified, 1);
    } else if (error == 0 && !is_overtaken(plan, hit)) {
        stats_add(plan->counters, STATS_mismatches, 1);
        shield = float_shield_begin(); /* numbers are formatted */
        report(plan, hit->key, part);
        if (plan->mode == CONFIG_MODE_MEMOIZE) {
            call_let_go(plan);
        }
        float_shield_end(shield);
    }
    return real_errno(&outcome, caller_errno);
}

int verify_observe(struct call_plan *plan, void *result, void **arguments, int caller_errno)
{
    struct real_outcome outcome;

    stats_add(plan->counters, STATS_misses, 1);
    stats_add(plan->counters, STATS_would_hit, 1);
    outcome = real_run(plan, measure_times_real(plan, 0), result, arguments);
    return real_errno(&outcome, caller_errno);
}
