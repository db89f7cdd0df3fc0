// SPDX-License-Identifier: MIT
/*
 * A record back to results, and two records beside each other: see graph_record.h for what they
 * look like.
 */
#include "marshal/graph_record.h"
#include "marshal/graph_replay.h"

#include <errno.h>
#include <string.h>

/* ---- replay ---------------------------------------------------------------------------------- */

/* It holds a buffer of the size and the alignment that the real function is known to do with. */
static bool has_room_for(const struct replay *replay, const struct marshal_place *place,
                         uint64_t known)
{
    uint64_t room = marshal_room_of(replay->plan, place, replay->arguments);
    uint64_t n_more = room % ROOM_ALIGNMENT == known % ROOM_ALIGNMENT ? 0 : ROOM_ALIGNMENT - 1;

    return room / ROOM_ALIGNMENT >= known / ROOM_ALIGNMENT + n_more;
}

/* -ENOSPC for a caller with less room than that. */
static int read_rooms(struct reader *reader, const struct replay *replay)
{
    const struct marshal_places *places = replay->plan->places;
    uint64_t room;

    for (uint32_t i = 0; i < places->n; i++) {
        if (!take_word(reader, &room)) {
            return -EBADMSG;
        }
        if (places->items[i].kind == LIFETIME_STORAGE &&
            !has_room_for(replay, &places->items[i], room)) {
            return -ENOSPC;
        }
    }
    return 0;
}

/*
 * Where nothing was placed, it may be because there was no room: such an answer is one for the same
 * room alone. Asked on the first pass, when all has been read.
 */
static int check_empty_rooms(struct reader rooms, const struct graph_replayer *replayer)
{
    const struct replay *replay = replayer->replay;
    const struct marshal_places *places = replay->plan->places;
    uint64_t room;

    for (uint32_t i = 0; i < places->n; i++) {
        if (!take_word(&rooms, &room)) {
            return -EBADMSG;
        }
        if (places->items[i].kind == LIFETIME_STORAGE && regions_is_empty(replayer->regions, i) &&
            room != marshal_room_of(replay->plan, &places->items[i], replay->arguments)) {
            return -ENOSPC;
        }
    }
    return 0;
}

/*
 * A real call that failed has left a pointer to memory that the program is to free: what takes its
 * place would make it leak. Memory handed out through parameters is none that a failed call gave.
 */
static bool would_leak(const struct replay *replay)
{
    const struct graph_node *node = replay->plan->result_writes;
    const void *pointer;

    if (replay->call == NULL || node == NULL) {
        return false;
    }
    if (is_struct_result(replay->plan)) {
        return true;
    }
    memcpy(&pointer, replay->result, sizeof(pointer));
    return pointer != NULL && graph_is_owned(node);
}

static int give_result(struct graph_replayer *replayer)
{
    const struct replay *replay = replayer->replay;
    const struct marshal_plan *plan = replay->plan;
    const struct ctype *type = plan->function->prototype.result;

    if (has_plain_result(plan)) {
        const unsigned char *at = take(&replayer->reader, plan->result_value_bytes);

        if (at != NULL && replayer->writes) {
            record_give_value(type, at, replay->result);
        }
        return at != NULL ? 0 : -EBADMSG;
    }
    return is_struct_result(plan)
               ? graph_give_memory(replayer, plan->result_writes, replay->result, type->size_bytes)
               : graph_give_pointer(replayer, plan->result_writes, replay->result);
}

static bool take_absent(struct reader *reader)
{
    bool is_absent = reader->n_left > 0 && *reader->at == '-';

    if (is_absent) {
        take(reader, 1);
    }
    return is_absent;
}

/* What an out parameter points to has room for n bytes: asked for with what its block says. */
static size_t find_room(const struct graph_replayer *replayer, uint32_t i)
{
    const struct replay *replay = replayer->replay;
    const struct graph_node *node = replay->plan->parameters[i].writes;
    struct reader reader = replayer->reader;
    uint64_t count, n_bytes;

    /* Asked on the first pass: the second writes what counts are read from. */
    if (replayer->writes || node->kind == GRAPH_LIST) {
        return SIZE_MAX;
    }
    return take(&reader, 1) != NULL && take_word(&reader, &count) &&
                   !__builtin_mul_overflow(count, (uint64_t)node->size_bytes, &n_bytes) &&
                   record_has_room(replay, i, n_bytes)
               ? n_bytes
               : 0;
}

static int give_out(struct graph_replayer *replayer, uint32_t i)
{
    const struct replay *replay = replayer->replay;

    return take_absent(&replayer->reader)
               ? 0
               : graph_give_memory(replayer, replay->plan->parameters[i].writes,
                                   marshal_pointer(replay->arguments, i), find_room(replayer, i));
}

static int give_global(struct graph_replayer *replayer, uint32_t i)
{
    const struct replay *replay = replayer->replay;
    const struct marshal_plan *plan = replay->plan;
    const struct config_count *count = &plan->function->globals[i].description.count;
    int64_t n = 0;
    int error = 0;

    if (take_absent(&replayer->reader)) {
        return 0;
    }
    if (!replayer->writes) {
        error = marshal_count(plan, count, replay->arguments, NULL, &n);
    }
    return error != 0
               ? -EBADMSG
               : graph_give_memory(
                     replayer, plan->global_writes[i], plan->bindings.globals[i],
                     replayer->writes ? SIZE_MAX : (size_t)n * plan->global_writes[i]->size_bytes);
}

int graph_give_part(struct graph_replayer *replayer, enum marshal_part part, uint32_t i)
{
    struct reader all = replayer->reader;
    uint64_t n_bytes;
    const unsigned char *at;
    int error;

    if (!take_word(&all, &n_bytes) || (at = take(&all, n_bytes)) == NULL) {
        return -EBADMSG;
    }
    replayer->reader = (struct reader){at, n_bytes};
    error = part == MARSHAL_PART_RESULT ? give_result(replayer)
            : part == MARSHAL_PART_OUT  ? give_out(replayer, i)
                                        : give_global(replayer, i);
    if (error == 0 && replayer->reader.n_left != 0) {
        error = -EBADMSG;
    }
    replayer->reader = all;
    return error;
}

static int replay_pass(struct graph_replayer *replayer, int32_t *ret_errno)
{
    const struct replay *replay = replayer->replay;
    const struct marshal_plan *plan = replay->plan;
    const unsigned char *at;
    struct reader rooms;
    int error;

    *ret_errno = MARSHAL_ERRNO_UNTOUCHED;
    if (plan->function->captures_errno) {
        at = take(&replayer->reader, sizeof(*ret_errno));
        if (at == NULL) {
            return -EBADMSG;
        }
        memcpy(ret_errno, at, sizeof(*ret_errno));
    }
    rooms = replayer->reader;
    error = read_rooms(&replayer->reader, replay);
    if (error == 0 && has_result(plan)) {
        error = graph_give_part(replayer, MARSHAL_PART_RESULT, 0);
    }
    for (uint32_t i = 0; i < plan->n_parameters && error == 0; i++) {
        if (is_out(plan, replay->arguments, i)) {
            error = graph_give_part(replayer, MARSHAL_PART_OUT, i);
        }
    }
    for (uint32_t i = 0; i < plan->function->n_globals && error == 0; i++) {
        error = graph_give_part(replayer, MARSHAL_PART_GLOBAL, i);
    }
    if (error == 0 && !replayer->writes) {
        error = check_empty_rooms(rooms, replayer);
    }
    return error == 0 && replayer->reader.n_left != 0 ? -EBADMSG : error;
}

int graph_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno)
{
    struct graph_replayer replayer;
    struct regions regions;
    int error = would_leak(replay) ? -EBADMSG : regions_init(&regions, replay);

    if (error != 0) {
        return error;
    }
    replayer_init(&replayer, &regions, replay, record);
    error = replay_pass(&replayer, ret_errno);
    if (error == 0 && !replay->is_trial) {
        error = regions_obtain(&regions);
    }
    if (error == 0 && !replay->is_trial) {
        replayer_rewind(&replayer, record);
        error = replay_pass(&replayer, ret_errno);
        if (error != 0) {
            regions_release(&regions);
        }
    }
    replayer_fini(&replayer);
    regions_fini(&regions);
    return error;
}

/* ---- comparison ------------------------------------------------------------------------------ */

/* The next part of both. */
static bool are_equal_parts(struct reader *a, struct reader *b)
{
    const unsigned char *at_a, *at_b;
    uint64_t n_a, n_b;

    return take_word(a, &n_a) && take_word(b, &n_b) && n_a == n_b &&
           (at_a = take(a, n_a)) != NULL && (at_b = take(b, n_b)) != NULL &&
           memcmp(at_a, at_b, n_a) == 0;
}

struct marshal_difference graph_compare(const struct marshal_plan *plan, struct bytes remembered,
                                        struct bytes fresh, void *const *arguments)
{
    struct reader a = {remembered.data, remembered.n_bytes}, b = {fresh.data, fresh.n_bytes};
    size_t n_rooms = plan->places->n * sizeof(uint64_t);

    if (plan->function->captures_errno) {
        const unsigned char *at_a = take(&a, sizeof(int32_t)), *at_b = take(&b, sizeof(int32_t));

        if (at_a == NULL || at_b == NULL || memcmp(at_a, at_b, sizeof(int32_t)) != 0) {
            return (struct marshal_difference){.part = MARSHAL_PART_ERRNO};
        }
    }
    take(&a, n_rooms);
    take(&b, n_rooms);
    if (has_result(plan) && !are_equal_parts(&a, &b)) {
        return (struct marshal_difference){.part = MARSHAL_PART_RESULT};
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (is_out(plan, arguments, i) && !are_equal_parts(&a, &b)) {
            return (struct marshal_difference){.part = MARSHAL_PART_OUT, .index = i};
        }
    }
    for (uint32_t i = 0; i < plan->function->n_globals; i++) {
        if (!are_equal_parts(&a, &b)) {
            return (struct marshal_difference){.part = MARSHAL_PART_GLOBAL, .index = i};
        }
    }
    return (struct marshal_difference){.part = MARSHAL_PART_NONE};
}
