// SPDX-License-Identifier: MIT
/*
 * Keys and records of functions that write memory of known sizes, and who they are. Memory that is
 * read, or whose size hangs on the call, is not for this file, nor is anything with pointers in it.
 */
#include "marshal/fixed.h"

#include <errno.h>
#include <string.h>

/* How far one memory begins behind another that it overlaps, in a byte that is not 0. */
#define OVERLAP_ZERO 128

_Static_assert(FIXED_MAX_BYTES < OVERLAP_ZERO, "a distance fits into a byte");

static uint32_t words_of(uint32_t n_bytes)
{
    return (n_bytes + 7) / 8 * 8;
}

/* What an out parameter writes, if that is the same for all calls and not much; else 0. */
static uint32_t out_bytes(const struct marshal_plan *plan, const struct marshal_parameter *out)
{
    const struct config_description *description = out->description;
    int64_t count;

    if (!marshal_count_is_constant(&description->count) || description->is_in ||
        description->is_text || out->reads != NULL || out->writes != NULL ||
        marshal_count(plan, &description->count, NULL, NULL, &count) != 0 || count == 0 ||
        count > FIXED_MAX_BYTES || out->element_bytes > FIXED_MAX_BYTES) {
        return 0;
    }
    return (uint32_t)count * out->element_bytes;
}

/* Bytes of the parameters in every key. False: they differ, or are for somebody else. */
static bool describe_parameters(const struct marshal_plan *plan, struct marshal_fixed *fixed,
                                uint32_t *ret_n_bytes)
{
    uint32_t n_key_bytes = 0;

    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];

        switch (parameter->description->kind) {
        case DESCRIBE_VALUE:
        case DESCRIBE_ADDRESS:
            if (parameter->reads != NULL) {
                return false;
            }
            n_key_bytes += parameter->value_bytes;
            break;
        case DESCRIBE_IGNORE:
            break;
        case DESCRIBE_MEMORY:
            if (fixed->n_outs == FIXED_OUTS || out_bytes(plan, parameter) == 0) {
                return false;
            }
            fixed->outs[fixed->n_outs].parameter = i;
            fixed->outs[fixed->n_outs++].n_bytes = out_bytes(plan, parameter);
            n_key_bytes++;
            break;
        default:
            return false;
        }
    }
    *ret_n_bytes = n_key_bytes;
    return true;
}

/* Bytes of every record. */
static uint32_t place_parts(const struct marshal_plan *plan, struct marshal_fixed *fixed)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < fixed->n_outs; i++) {
        fixed->outs[i].at = at;
        at += words_of(fixed->outs[i].n_bytes);
    }
    fixed->result_at = at;
    at += words_of(plan->result_value_bytes);
    fixed->errno_at = at;
    return at + (plan->function->captures_errno ? words_of(sizeof(int32_t)) : 0);
}

int fixed_create(struct marshal_plan *plan, struct arena *arena)
{
    const struct config_function *function = plan->function;
    struct marshal_fixed found = {0}, *fixed;
    uint32_t n_key_bytes, n_record_bytes;
    int64_t n_input_bytes = marshal_inputs_bytes(function);
    bool has_plain_result = function->prototype.result->kind == CTYPE_VOID ||
                            function->result.kind == DESCRIBE_VALUE ||
                            function->result.kind == DESCRIBE_ADDRESS;

    if (n_input_bytes < 0 || !describe_parameters(plan, &found, &n_key_bytes)) {
        return 0;
    }
    n_record_bytes = place_parts(plan, &found);
    n_key_bytes += (uint32_t)n_input_bytes;
    n_key_bytes += found.n_outs * (found.n_outs - 1) / 2;
    if ((found.n_outs == 0 && !function->captures_errno) || plan->has_graph_record ||
        !has_plain_result || function->result.lifetime.kind != LIFETIME_NONE ||
        function->has_secret || function->has_secret_out || n_key_bytes > FIXED_MAX_BYTES ||
        n_record_bytes > FIXED_MAX_BYTES) {
        return 0;
    }
    fixed = arena_alloc(arena, sizeof(*fixed));
    if (fixed == NULL) {
        return -ENOMEM;
    }
    *fixed = found;
    plan->fixed = fixed;
    plan->key_bytes = n_key_bytes;
    plan->record_bytes = n_record_bytes;
    return 0;
}

/* 0: they have no byte in common. */
static unsigned char overlap(const char *a, uint32_t n_a, const char *b, uint32_t n_b)
{
    uint64_t distance = (uintptr_t)b - (uintptr_t)a;

    if (a == NULL || b == NULL || (distance >= n_a && distance <= 0 - (uint64_t)n_b)) {
        return 0;
    }
    return (unsigned char)(OVERLAP_ZERO + distance);
}

int fixed_put_overlaps(const struct marshal_plan *plan, void *const *arguments,
                       struct marshal_buffer *buffer)
{
    const struct marshal_fixed *fixed = plan->fixed;
    unsigned char pairs[FIXED_OUTS * (FIXED_OUTS - 1) / 2];
    uint32_t n = 0;

    for (uint32_t i = 0; i < fixed->n_outs; i++) {
        for (uint32_t j = i + 1; j < fixed->n_outs; j++) {
            pairs[n++] = overlap(
                marshal_pointer(arguments, fixed->outs[i].parameter), fixed->outs[i].n_bytes,
                marshal_pointer(arguments, fixed->outs[j].parameter), fixed->outs[j].n_bytes);
        }
    }
    return marshal_buffer_put(buffer, pairs, n, plan->limit_bytes);
}

int fixed_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                  int32_t set_errno, struct marshal_buffer *buffer)
{
    const struct marshal_fixed *fixed = plan->fixed;
    unsigned char *at;
    int error = marshal_buffer_extend(buffer, plan->record_bytes, plan->limit_bytes, &at);

    if (error != 0) {
        return error;
    }
    memset(at, 0, plan->record_bytes);
    for (uint32_t i = 0; i < fixed->n_outs; i++) {
        const void *memory = marshal_pointer(arguments, fixed->outs[i].parameter);

        if (memory != NULL) {
            memcpy(at + fixed->outs[i].at, memory, fixed->outs[i].n_bytes);
        }
    }
    if (plan->result_value_bytes > 0) {
        abi_copy_value(plan->function->prototype.result, result, at + fixed->result_at);
    }
    if (plan->function->captures_errno) {
        memcpy(at + fixed->errno_at, &set_errno, sizeof(set_errno));
    }
    return 0;
}

int fixed_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno)
{
    const struct marshal_plan *plan = replay->plan;
    const struct marshal_fixed *fixed = plan->fixed;
    const unsigned char *at = record.data;

    *ret_errno = MARSHAL_ERRNO_UNTOUCHED;
    if (record.n_bytes != plan->record_bytes) {
        return -EBADMSG;
    }
    if (replay->is_trial) {
        return 0;
    }
    for (uint32_t i = 0; i < fixed->n_outs; i++) {
        void *memory = marshal_pointer(replay->arguments, fixed->outs[i].parameter);

        if (memory != NULL) {
            memcpy(memory, at + fixed->outs[i].at, fixed->outs[i].n_bytes);
        }
    }
    if (plan->result_value_bytes > 0) {
        record_give_value(plan->function->prototype.result, at + fixed->result_at, replay->result);
    }
    if (plan->function->captures_errno) {
        memcpy(ret_errno, at + fixed->errno_at, sizeof(*ret_errno));
    }
    return 0;
}

/* Padding does not count. */
static bool are_equal_outs(const struct marshal_parameter *parameter, const unsigned char *a,
                           const unsigned char *b, uint32_t n_bytes)
{
    if (parameter->element_bytes == parameter->element_value_bytes) {
        return memcmp(a, b, n_bytes) == 0;
    }
    for (uint32_t i = 0; i < n_bytes; i += parameter->element_bytes) {
        if (!abi_equal_values(parameter->description->element, a + i, b + i)) {
            return false;
        }
    }
    return true;
}

struct marshal_difference fixed_compare(const struct marshal_plan *plan, struct bytes remembered,
                                        struct bytes fresh, void *const *arguments)
{
    const struct marshal_fixed *fixed = plan->fixed;
    const unsigned char *a = remembered.data, *b = fresh.data;

    if (remembered.n_bytes != plan->record_bytes || fresh.n_bytes != plan->record_bytes) {
        return (struct marshal_difference){.part = MARSHAL_PART_RESULT};
    }
    if (plan->function->captures_errno &&
        memcmp(a + fixed->errno_at, b + fixed->errno_at, sizeof(int32_t)) != 0) {
        return (struct marshal_difference){.part = MARSHAL_PART_ERRNO};
    }
    if (memcmp(a + fixed->result_at, b + fixed->result_at, plan->result_value_bytes) != 0) {
        return (struct marshal_difference){.part = MARSHAL_PART_RESULT};
    }
    for (uint32_t i = 0; i < fixed->n_outs; i++) {
        uint32_t parameter = fixed->outs[i].parameter, at = fixed->outs[i].at;

        if (marshal_pointer(arguments, parameter) != NULL &&
            !are_equal_outs(&plan->parameters[parameter], a + at, b + at, fixed->outs[i].n_bytes)) {
            return (struct marshal_difference){.part = MARSHAL_PART_OUT, .index = parameter};
        }
    }
    return (struct marshal_difference){.part = MARSHAL_PART_NONE};
}
