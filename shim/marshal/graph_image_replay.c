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
    if (n_bytes == sizeof(uint64_t)) {
        memcpy(to, from, sizeof(uint64_t));
    } else {
        memcpy(to, from, n_bytes);
    }
}

static inline bool fits(const struct memories *memories, uint32_t memory, uint32_t at,
                        uint64_t n_bytes)
{
    return memory < memories->n && at <= memories->n_bytes[memory] &&
           n_bytes <= memories->n_bytes[memory] - at;
}

static inline bool run_copy(const struct memories *memories, const struct image_step *step,
                            struct reader *steps, bool writes)
{
    const unsigned char *at = take(steps, sizeof(uint32_t)), *from = take(steps, step->n);
    uint32_t offset;

    if (at == NULL || from == NULL) {
        return false;
    }
    memcpy(&offset, at, sizeof(offset));
    if (!writes) {
        return fits(memories, step->into, offset, step->n);
    }
    copy(memories->bases[step->into] + offset, from, step->n);
    return true;
}

static inline bool run_pointers(const struct memories *memories, const struct image_step *step,
                                struct reader *steps, bool writes)
{
    const unsigned char *at = take(steps, (uint64_t)step->n * sizeof(struct image_pointer));

    for (uint32_t i = 0; at != NULL && i < step->n; i++) {
        struct image_pointer pointer;
        const unsigned char *value;

        memcpy(&pointer, at + i * sizeof(pointer), sizeof(pointer));
        if (writes) {
            value = memories->bases[step->to] + pointer.to;
            memcpy(memories->bases[step->into] + pointer.from, &value, sizeof(value));
        } else if (step->to == 0 || !fits(memories, step->into, pointer.from, sizeof(value)) ||
                   !fits(memories, step->to, pointer.to, 0)) {
            return false;
        }
    }
    return at != NULL;
}

static inline bool run_steps(const struct memories *memories, struct reader steps, bool writes)
{
    bool is_good = true;

    while (steps.n_left > 0 && is_good) {
        const unsigned char *at = take(&steps, sizeof(struct image_step));
        struct image_step step;

        if (at == NULL) {
            return false;
        }
        memcpy(&step, at, sizeof(step));
        is_good = step.kind == IMAGE_COPY       ? run_copy(memories, &step, &steps, writes)
                  : step.kind == IMAGE_POINTERS ? run_pointers(memories, &step, &steps, writes)
                                                : false;
    }
    return is_good;
}

/* own: the memory of the part itself. */
static inline bool run_part(struct memories *memories, struct reader *record, void *own,
                            uint64_t n_own_bytes, bool can_be_absent, bool writes)
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
    return run_steps(memories, (struct reader){at, n_bytes}, writes);
}

static inline __attribute__((always_inline)) bool
run_parts(const struct replay *replay, struct memories *memories, struct reader record, bool writes)
{
    const struct marshal_plan *plan = replay->plan;
    bool is_good = !has_result(plan) ||
                   run_part(memories, &record, replay->result, sizeof(void *), false, writes);

    for (uint32_t i = 0; i < plan->function->n_globals && is_good; i++) {
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
