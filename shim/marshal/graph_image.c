// SPDX-License-Identifier: MIT
/*
 * How an image is made: a record is replayed into memory of ours, and what lies there then is
 * written down. See graph_image.h; graph_image_replay.c is the way back.
 */
#include "marshal/graph_image.h"
#include "marshal/graph_image_step.h"
#include "marshal/graph_record.h"
#include "marshal/graph_replay.h"

#include <errno.h>
#include <string.h>

struct maker {
    const struct marshal_plan *plan;
    struct marshal_plan elsewhere; /* the same, with variables of ours */
    void *result;
    void *globals[CONFIG_MAX_GLOBALS];
    struct replay replay; /* of that */
    struct regions regions;
    struct graph_replayer replayer;
    struct marshal_buffer memory;   /* what is replayed into */
    struct marshal_buffer pointers; /* of struct graph_set_pointer: that were set in this part */
    struct marshal_buffer *image;
    size_t copy_at; /* where in it the part's last step stands, if that is a copy; or NO_COPY */
};

#define NO_COPY SIZE_MAX

/* The places in memory lie so far apart that an address behind one is not the other's. */
#define GAP_BYTES 16

static size_t rounded(size_t n_bytes)
{
    return (n_bytes + GAP_BYTES - 1) / GAP_BYTES * GAP_BYTES + GAP_BYTES;
}

/* Result, variables and places in memory of ours, which is all zeroes. */
static int lay_out(struct maker *maker)
{
    const struct marshal_plan *plan = maker->plan;
    size_t n_bytes = 0;
    unsigned char *at;
    int error;

    for (uint32_t i = 0; i < plan->function->n_globals; i++) {
        n_bytes += rounded(plan->global_bytes[i]);
    }
    for (uint32_t i = 0; i < plan->places->n; i++) {
        n_bytes += rounded(regions_place_bytes(&maker->regions, i));
    }
    error = marshal_buffer_extend(&maker->memory, n_bytes, MARSHAL_MAX_BYTES, &at);
    if (error != 0) {
        return error;
    }
    memset(at, 0, n_bytes);
    for (uint32_t i = 0; i < plan->function->n_globals; i++) {
        maker->globals[i] = at;
        at += rounded(plan->global_bytes[i]);
    }
    for (uint32_t i = 0; i < plan->places->n; i++) {
        regions_lay(&maker->regions, i, at);
        at += rounded(regions_place_bytes(&maker->regions, i));
    }
    return 0;
}

static int put(const struct maker *maker, const void *bytes, size_t n_bytes)
{
    return marshal_buffer_put(maker->image, bytes, n_bytes, maker->plan->limit_bytes);
}

/* What follows on what was copied last becomes a part of it. */
static int put_copy(struct maker *maker, uint8_t into, uint64_t at, size_t n_bytes,
                    const void *from)
{
    struct image_step step = {
        .kind = IMAGE_COPY, .into = into, .n_bytes = (uint32_t)n_bytes, .at = (uint32_t)at};
    struct image_step last = {.kind = IMAGE_POINTERS};
    int error = 0;

    if (n_bytes == 0) {
        return 0;
    }
    if (maker->copy_at != NO_COPY) {
        memcpy(&last, maker->image->data + maker->copy_at, sizeof(last));
    }
    if (last.kind == IMAGE_COPY && last.into == into && last.at + last.n_bytes == step.at) {
        last.n_bytes += step.n_bytes;
        memcpy(maker->image->data + maker->copy_at, &last, sizeof(last));
    } else {
        maker->copy_at = maker->image->n_bytes;
        error = put(maker, &step, sizeof(step));
    }
    return error != 0 ? error : put(maker, from, n_bytes);
}

/* Where an address in our memory belongs: its memory's number; 0: it is none of a place. */
static uint8_t find_place(const struct maker *maker, const void *address, uint32_t *ret_offset)
{
    for (uint32_t i = 0; i < maker->plan->places->n; i++) {
        const unsigned char *base = regions_address(&maker->regions, (struct location){1 + i, 0});
        uint64_t offset = (uintptr_t)address - (uintptr_t)base;

        if (offset <= regions_place_bytes(&maker->regions, i)) {
            *ret_offset = (uint32_t)offset;
            return (uint8_t)(1 + i);
        }
    }
    return 0;
}

static uint32_t n_pointers(const struct maker *maker)
{
    return (uint32_t)(maker->pointers.n_bytes / sizeof(struct graph_set_pointer));
}

static struct graph_set_pointer *pointer_at(const struct maker *maker, uint32_t i)
{
    return (struct graph_set_pointer *)(void *)maker->pointers.data + i;
}

/* Pointers between places are set when a record is replayed: until then there is nothing. */
static void keep_pointers_into_places(struct maker *maker)
{
    uint32_t n = 0, unused_offset;

    for (uint32_t i = 0; i < n_pointers(maker); i++) {
        struct graph_set_pointer *pointer = pointer_at(maker, i);

        if (find_place(maker, pointer->value, &unused_offset) != 0) {
            memset(pointer->at, 0, sizeof(void *));
            *pointer_at(maker, n++) = *pointer;
        }
    }
    maker->pointers.n_bytes = n * sizeof(struct graph_set_pointer);
}

static bool is_kept_pointer(const struct maker *maker, const void *at)
{
    for (uint32_t i = 0; i < n_pointers(maker); i++) {
        if (pointer_at(maker, i)->at == at) {
            return true;
        }
    }
    return false;
}

/* own: the part's own memory. */
static struct image_pointer pointer_of(const struct maker *maker,
                                       const struct graph_set_pointer *pointer, const void *own,
                                       struct image_step *ret_step)
{
    struct image_pointer offsets = {0};

    *ret_step = (struct image_step){.kind = IMAGE_POINTERS};
    ret_step->to = find_place(maker, pointer->value, &offsets.to);
    ret_step->into = find_place(maker, pointer->at, &offsets.from);
    if (ret_step->into == 0) {
        offsets.from = (uint32_t)((uintptr_t)pointer->at - (uintptr_t)own);
    }
    return offsets;
}

static int put_pointers(const struct maker *maker, const void *own)
{
    size_t step_at = 0;
    struct image_step step = {0}, next;
    int error = 0;

    for (uint32_t i = 0; i < n_pointers(maker) && error == 0; i++) {
        struct image_pointer offsets = pointer_of(maker, pointer_at(maker, i), own, &next);

        if (step.n_bytes == 0 || next.into != step.into || next.to != step.to) {
            step = next;
            step_at = maker->image->n_bytes;
            error = put(maker, &step, sizeof(step));
        }
        error = error != 0 ? error : put(maker, &offsets, sizeof(offsets));
        if (error == 0) {
            step.n_bytes += (uint32_t)sizeof(offsets);
            memcpy(maker->image->data + step_at, &step, sizeof(step));
        }
    }
    return error;
}

/* Of memory that is not of a place: no byte more than was written, and no pointer into a place. */
static int put_own(struct maker *maker, const struct graph_node *node, size_t n_bytes,
                   const unsigned char *own)
{
    int error = 0;

    if (node->packed_bytes == node->size_bytes) {
        return put_copy(maker, 0, 0, n_bytes, own);
    }
    for (size_t at = 0; at < n_bytes && error == 0; at += node->size_bytes) {
        for (uint32_t k = 0; k < node->n_runs && error == 0; k++) {
            error = put_copy(maker, 0, at + node->runs[k].offset, node->runs[k].n_bytes,
                             own + at + node->runs[k].offset);
        }
        for (uint32_t k = 0; k < node->n_edges && error == 0; k++) {
            size_t offset = at + node->edges[k].offset;

            if (!is_kept_pointer(maker, own + offset)) {
                error = put_copy(maker, 0, offset, sizeof(void *), own + offset);
            }
        }
    }
    return error;
}

/* What a part has taken of the places. taken: before it. */
static int put_taken(struct maker *maker, const uint64_t *taken)
{
    int error = 0;

    for (uint32_t i = 0; i < maker->plan->places->n && error == 0; i++) {
        const unsigned char *base = regions_address(&maker->regions, (struct location){1 + i, 0});

        error = put_copy(maker, (uint8_t)(1 + i), taken[i],
                         regions_place_bytes(&maker->regions, i) - taken[i], base + taken[i]);
    }
    return error;
}

static int put_steps(struct maker *maker, enum marshal_part part, uint32_t i, const uint64_t *taken)
{
    void *own = part == MARSHAL_PART_RESULT ? &maker->result : maker->globals[i];
    int error;

    keep_pointers_into_places(maker);
    error = put_taken(maker, taken);
    if (error == 0 && part == MARSHAL_PART_GLOBAL) {
        error = put_own(maker, maker->plan->global_writes[i], maker->plan->global_bytes[i], own);
    } else if (error == 0 && !is_kept_pointer(maker, own)) {
        error = put_copy(maker, 0, 0, sizeof(void *), own);
    }
    return error != 0 ? error : put_pointers(maker, own);
}

static bool is_absent_next(const struct reader *record)
{
    return record->n_left > sizeof(uint64_t) && record->at[sizeof(uint64_t)] == '-';
}

static int make_part(struct maker *maker, enum marshal_part part, uint32_t i)
{
    bool is_absent = is_absent_next(&maker->replayer.reader);
    uint64_t taken[MARSHAL_MAX_PLACES], n_bytes = 0;
    size_t at = maker->image->n_bytes;
    int error;

    for (uint32_t k = 0; k < maker->plan->places->n; k++) {
        taken[k] = regions_place_bytes(&maker->regions, k);
    }
    maker->pointers.n_bytes = 0;
    maker->copy_at = NO_COPY;
    error = graph_give_part(&maker->replayer, part, i);
    if (error != 0 || !maker->replayer.writes) {
        return error;
    }
    error = put(maker, &n_bytes, sizeof(n_bytes));
    if (error == 0) {
        error = is_absent ? put(maker, "-", 1) : put_steps(maker, part, i, taken);
    }
    if (error == 0) {
        n_bytes = maker->image->n_bytes - at - sizeof(n_bytes);
        memcpy(maker->image->data + at, &n_bytes, sizeof(n_bytes));
    }
    return error;
}

/* One pass over the record; the second one writes. */
static int make_parts(struct maker *maker)
{
    int error = has_result(maker->plan) ? make_part(maker, MARSHAL_PART_RESULT, 0) : 0;

    for (uint32_t i = 0; i < maker->plan->function->n_globals && error == 0; i++) {
        error = make_part(maker, MARSHAL_PART_GLOBAL, i);
    }
    return error;
}

/* errno as it is, and what is taken of each place. */
static int put_head(const struct maker *maker, struct bytes record, size_t n_errno_bytes)
{
    int error = put(maker, record.data, n_errno_bytes);

    for (uint32_t i = 0; i < maker->plan->places->n && error == 0; i++) {
        uint64_t n_bytes = regions_place_bytes(&maker->regions, i);

        error = put(maker, &n_bytes, sizeof(n_bytes));
    }
    return error;
}

static int make(struct maker *maker, struct bytes record)
{
    size_t n_errno = maker->plan->function->captures_errno ? sizeof(int32_t) : 0;
    size_t n_head = n_errno + maker->plan->places->n * sizeof(uint64_t);
    struct bytes parts = {(const unsigned char *)record.data + n_head, record.n_bytes - n_head};
    int error;

    replayer_init(&maker->replayer, &maker->regions, &maker->replay, parts);
    maker->replayer.pointers = &maker->pointers;
    error = make_parts(maker);
    error = error != 0 ? error : put_head(maker, record, n_errno);
    error = error != 0 ? error : lay_out(maker);
    if (error == 0) {
        replayer_rewind(&maker->replayer, parts);
        error = make_parts(maker);
    }
    replayer_fini(&maker->replayer);
    return error;
}

/* Not inlined, for its room. */
__attribute__((noinline)) int image_make(const struct marshal_plan *plan, void *const *arguments,
                                         struct marshal_buffer *buffer, size_t n_before)
{
    bool is_secret = plan->function->has_secret || plan->function->has_secret_out;
    struct marshal_buffer image;
    struct maker maker = {.plan = plan, .elsewhere = *plan, .image = &image};
    int error;

    maker.elsewhere.bindings.globals = maker.globals;
    maker.replay =
        (struct replay){.plan = &maker.elsewhere, .arguments = arguments, .result = &maker.result};
    error = regions_init(&maker.regions, &maker.replay);
    if (error != 0) {
        return error;
    }
    marshal_buffer_init(&image, is_secret);
    marshal_buffer_init(&maker.memory, is_secret);
    marshal_buffer_init(&maker.pointers, false);
    error = make(&maker, (struct bytes){buffer->data + n_before, buffer->n_bytes - n_before});
    if (error == 0) {
        marshal_buffer_cut(buffer, n_before);
        error = marshal_buffer_put(buffer, image.data, image.n_bytes, plan->limit_bytes);
    }
    marshal_buffer_fini(&maker.pointers);
    marshal_buffer_fini(&maker.memory);
    marshal_buffer_fini(&image);
    regions_fini(&maker.regions);
    return error;
}
