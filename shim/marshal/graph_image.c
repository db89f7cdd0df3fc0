// SPDX-License-Identifier: MIT
/*
 * How an image is made that is not simple: a record of the other kind (graph_record.h) is replayed
 * into memory of ours, and what lies there then is written down. See graph_image.h;
 * graph_image_replay.c is the way back.
 */
#include "marshal/graph_image_private.h"
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
    struct marshal_buffer pointers; /* of struct graph_set_pointer: those that were set */
    uint32_t absent;                /* of variables, as in an image */
};

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
        n_bytes += rounded(plan->image->room_bytes[i]);
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
        at += rounded(plan->image->room_bytes[i]);
    }
    for (uint32_t i = 0; i < plan->places->n; i++) {
        regions_lay(&maker->regions, i, at);
        at += rounded(regions_place_bytes(&maker->regions, i));
    }
    return 0;
}

/* Where an address in our memory belongs: its place's number; 0: it is none of a place. */
static uint32_t find_place(const struct maker *maker, const void *address, uint32_t *ret_offset)
{
    for (uint32_t i = 0; i < maker->plan->places->n; i++) {
        const unsigned char *base = regions_address(&maker->regions, (struct location){1 + i, 0});
        uint64_t offset = (uintptr_t)address - (uintptr_t)base;

        if (offset <= regions_place_bytes(&maker->regions, i)) {
            *ret_offset = (uint32_t)offset;
            return 1 + i;
        }
    }
    return 0;
}

static bool is_absent_next(const struct reader *record)
{
    return record->n_left > sizeof(uint64_t) && record->at[sizeof(uint64_t)] == '-';
}

/* One pass over the record; the second one writes. */
static int give_parts(struct maker *maker)
{
    int error =
        has_result(maker->plan) ? graph_give_part(&maker->replayer, MARSHAL_PART_RESULT, 0) : 0;

    maker->absent = 0;
    for (uint32_t i = 0; i < maker->plan->function->n_globals && error == 0; i++) {
        maker->absent |= (uint32_t)is_absent_next(&maker->replayer.reader) << i;
        error = graph_give_part(&maker->replayer, MARSHAL_PART_GLOBAL, i);
    }
    return error;
}

/* The record into our memory. */
static int give(struct maker *maker, struct bytes record)
{
    size_t n_errno = maker->plan->function->captures_errno ? sizeof(int32_t) : 0;
    size_t n_head = n_errno + maker->plan->places->n * sizeof(uint64_t);
    struct bytes parts = {(const unsigned char *)record.data + n_head, record.n_bytes - n_head};
    int error;

    replayer_init(&maker->replayer, &maker->regions, &maker->replay, parts);
    maker->replayer.pointers = &maker->pointers;
    error = give_parts(maker);
    error = error != 0 ? error : lay_out(maker);
    if (error == 0) {
        replayer_rewind(&maker->replayer, parts);
        error = give_parts(maker);
    }
    replayer_fini(&maker->replayer);
    return error;
}

/*
 * Pointers into places become what an image has for them, in our memory. Of those that stand in
 * places themselves it is written down where, over the list: there are no more of them.
 */
static uint32_t find_wheres(struct maker *maker)
{
    uint32_t n = (uint32_t)(maker->pointers.n_bytes / sizeof(struct graph_set_pointer));
    uint32_t n_wheres = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct graph_set_pointer pointer;
        uint32_t to, to_offset, in, in_offset;
        uint64_t value;

        memcpy(&pointer, maker->pointers.data + i * sizeof(pointer), sizeof(pointer));
        to = find_place(maker, pointer.value, &to_offset);
        if (to == 0) {
            continue;
        }
        value = image_pointer(to, to_offset);
        memcpy(pointer.at, &value, sizeof(value));
        in = find_place(maker, pointer.at, &in_offset);
        if (in != 0) {
            image_put32(maker->pointers.data + n_wheres++ * sizeof(uint32_t),
                        image_where(in, in_offset));
        }
    }
    return n_wheres;
}

/* Beginning and wheres. */
static int put_head(const struct maker *maker, int32_t set_errno, uint32_t n_pointers,
                    struct marshal_buffer *image)
{
    const struct marshal_plan *plan = maker->plan;
    uint32_t n_head_bytes = plan->image->n_head_bytes;
    unsigned char *at;
    int error = marshal_buffer_extend(image, n_head_bytes, plan->limit_bytes, &at);

    if (error != 0) {
        return error;
    }
    memcpy(at + IMAGE_ERRNO_AT, &set_errno, sizeof(set_errno));
    image_put32(at + IMAGE_POINTERS_AT, n_pointers);
    image_put32(at + IMAGE_ABSENT_AT, maker->absent);
    for (uint32_t i = 0; i < plan->places->n; i++) {
        image_put32(at + IMAGE_TAKEN_AT + i * sizeof(uint32_t),
                    (uint32_t)regions_place_bytes(&maker->regions, i));
    }
    return marshal_buffer_put(image, maker->pointers.data, n_pointers * sizeof(uint32_t),
                              plan->limit_bytes);
}

/* What lies in our memory. */
static int put_memory(const struct maker *maker, struct marshal_buffer *image)
{
    const struct marshal_plan *plan = maker->plan;
    int error = 0;

    if (has_result(plan)) {
        error = marshal_buffer_put(image, &maker->result, sizeof(maker->result), plan->limit_bytes);
    }
    for (uint32_t i = 0; i < plan->image->n_pieces && error == 0; i++) {
        const struct image_piece *piece = &plan->image->pieces[i];
        const unsigned char *real = plan->bindings.globals[piece->global];
        const unsigned char *ours = maker->globals[piece->global];

        if (!image_is_absent(maker->absent, piece->global)) {
            error = marshal_buffer_put(image, ours + (piece->at - real), piece->n_bytes,
                                       plan->limit_bytes);
        }
    }
    for (uint32_t i = 0; i < plan->places->n && error == 0; i++) {
        error =
            marshal_buffer_put(image, regions_address(&maker->regions, (struct location){1 + i, 0}),
                               regions_place_bytes(&maker->regions, i), plan->limit_bytes);
    }
    return error;
}

/*
 * Makes one of the record that begins at n_before of the buffer, in its place. Not inlined, for its
 * room.
 */
__attribute__((noinline)) static int make(const struct marshal_plan *plan, void *const *arguments,
                                          int32_t set_errno, struct marshal_buffer *buffer,
                                          size_t n_before)
{
    bool is_secret = plan->function->has_secret || plan->function->has_secret_out;
    struct marshal_buffer image;
    struct maker maker = {.plan = plan, .elsewhere = *plan};
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
    error = give(&maker, (struct bytes){buffer->data + n_before, buffer->n_bytes - n_before});
    error = error != 0 ? error : put_head(&maker, set_errno, find_wheres(&maker), &image);
    error = error != 0 ? error : put_memory(&maker, &image);
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

int image_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                  const struct marshal_call *call, int32_t set_errno, struct marshal_buffer *buffer)
{
    size_t n_before = buffer->n_bytes;
    int error;

    if (plan->image->is_simple) {
        return image_capture_simple(plan, arguments, result, set_errno, buffer);
    }
    error = graph_capture(plan, arguments, result, call, set_errno, buffer);
    return error != 0 ? error : make(plan, arguments, set_errno, buffer, n_before);
}
