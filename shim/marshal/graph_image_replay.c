// SPDX-License-Identifier: MIT
/*
 * From an image back to memory: see graph_image.h. Two passes over its few steps, of which the
 * first writes nothing and finds out that the second can. Nothing is believed: what does not lie
 * within the memory that it is for is no image.
 */
#include "marshal/graph_image.h"
#include "marshal/graph_image_step.h"
#include "marshal/graph_record.h"
#include "marshal/graph_regions.h"
#include "marshal/reader.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* By number: the part's own, and the places. */
struct memories {
    unsigned char *bases[1 + MARSHAL_MAX_PLACES]; /* not read on the first pass */
    uint64_t n_bytes[1 + MARSHAL_MAX_PLACES];
    uint32_t n;
};

/* Most blocks are a number or a pointer. */
static inline void copy(unsigned char *to, const unsigned char *from, uint32_t n_bytes)
{
    switch (n_bytes) {
    case sizeof(uint32_t):
        memcpy(to, from, sizeof(uint32_t));
        break;
    case sizeof(uint64_t):
        memcpy(to, from, sizeof(uint64_t));
        break;
    case 2 * sizeof(uint64_t):
        memcpy(to, from, 2 * sizeof(uint64_t));
        break;
    default:
        memcpy(to, from, n_bytes);
        break;
    }
}

static inline bool fits(const struct memories *memories, uint32_t memory, uint32_t at,
                        uint64_t n_bytes)
{
    return at + n_bytes <= memories->n_bytes[memory];
}

/* The pointers at `from`; false: one of them stands, or leads, where it may not. */
static inline bool run_pointers(const struct memories *memories, uint32_t into, uint32_t to,
                                const unsigned char *from, uint32_t n_bytes, bool writes)
{
    for (uint32_t i = 0; i < n_bytes; i += (uint32_t)sizeof(struct image_pointer)) {
        struct image_pointer pointer;
        const unsigned char *value;

        memcpy(&pointer, from + i, sizeof(pointer));
        if (writes) {
            value = memories->bases[to] + pointer.to;
            memcpy(memories->bases[into] + pointer.from, &value, sizeof(value));
        } else if (!fits(memories, into, pointer.from, sizeof(value)) ||
                   !fits(memories, to, pointer.to, 0)) {
            return false;
        }
    }
    return true;
}

/*
 * The steps of one part. What the first pass has found good is not asked again. The next step
 * begins where n_bytes says, which is read by itself: all steps wait for it.
 */
static inline bool run_steps(const struct memories *memories, const unsigned char *at,
                             uint64_t n_left, bool writes)
{
    while (n_left > 0) {
        const unsigned char *step = at;
        uint32_t n_bytes, offset, into, to;
        unsigned char kind;
        bool is_good = true;

        if (!writes && n_left < sizeof(struct image_step)) {
            return false;
        }
        memcpy(&n_bytes, step + offsetof(struct image_step, n_bytes), sizeof(n_bytes));
        memcpy(&offset, step + offsetof(struct image_step, at), sizeof(offset));
        kind = step[offsetof(struct image_step, kind)];
        into = step[offsetof(struct image_step, into)];
        to = step[offsetof(struct image_step, to)];
        at = step + sizeof(struct image_step) + n_bytes;
        n_left -= sizeof(struct image_step);
        step += sizeof(struct image_step);
        if (!writes) {
            is_good =
                n_bytes <= n_left && into < memories->n &&
                (kind == IMAGE_COPY
                     ? fits(memories, into, offset, n_bytes)
                     : kind == IMAGE_POINTERS && n_bytes % sizeof(struct image_pointer) == 0 &&
                           to != 0 && to < memories->n && memories->n_bytes[to] > 0 &&
                           run_pointers(memories, into, to, step, n_bytes, false));
        } else if (kind == IMAGE_COPY) {
            copy(memories->bases[into] + offset, step, n_bytes);
        } else {
            run_pointers(memories, into, to, step, n_bytes, true);
        }
        if (!is_good) {
            return false;
        }
        n_left -= n_bytes;
    }
    return true;
}

/* own: the memory of the part itself. */
static inline __attribute__((always_inline)) bool run_part(struct memories *memories,
                                                           struct reader *record, void *own,
                                                           uint64_t n_own_bytes, bool can_be_absent,
                                                           bool writes)
{
    const unsigned char *at;
    uint64_t n_bytes;

    if (!take_word(record, &n_bytes) || (at = take(record, n_bytes)) == NULL) {
        return false;
    }
    if (can_be_absent && n_bytes == 1 && *at == '-') {
        return true;
    }
    memories->bases[0] = own;
    memories->n_bytes[0] = n_own_bytes;
    return run_steps(memories, at, n_bytes, writes);
}

static inline __attribute__((always_inline)) bool
run_parts(const struct replay *replay, struct memories *memories, struct reader record, bool writes)
{
    const struct marshal_plan *plan = replay->plan;
    uint32_t n_globals = plan->function->n_globals;
    bool is_good = plan->result_writes == NULL ||
                   run_part(memories, &record, replay->result, sizeof(void *), false, writes);

    for (uint32_t i = 0; i < n_globals && is_good; i++) {
        is_good = run_part(memories, &record, plan->bindings.globals[i], plan->global_bytes[i],
                           true, writes);
    }
    return is_good && record.n_left == 0;
}

/* All places. -ENOMEM. */
static int obtain(const struct replay *replay, struct memories *memories)
{
    const struct marshal_places *places = replay->plan->places;

    for (uint32_t i = 0; i < places->n; i++) {
        if (memories->n_bytes[1 + i] > 0) {
            memories->bases[1 + i] =
                regions_place_memory(replay, &places->items[i], memories->n_bytes[1 + i]);
            if (memories->bases[1 + i] == NULL) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

int image_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno)
{
    const struct marshal_plan *plan = replay->plan;
    struct reader reader = {record.data, record.n_bytes};
    struct memories memories;
    const unsigned char *at;
    int error;

    *ret_errno = MARSHAL_ERRNO_UNTOUCHED;
    if (plan->function->captures_errno) {
        at = take(&reader, sizeof(*ret_errno));
        if (at == NULL) {
            return -EBADMSG;
        }
        memcpy(ret_errno, at, sizeof(*ret_errno));
    }
    memories.n = 1 + plan->places->n;
    for (uint32_t i = 1; i < memories.n; i++) {
        if (!take_word(&reader, &memories.n_bytes[i]) || memories.n_bytes[i] > MARSHAL_MAX_BYTES) {
            return -EBADMSG;
        }
    }
    if (!run_parts(replay, &memories, reader, false)) {
        return -EBADMSG;
    }
    if (replay->is_trial) {
        return 0;
    }
    error = obtain(replay, &memories);
    if (error == 0) {
        run_parts(replay, &memories, reader, true);
    }
    return error;
}
