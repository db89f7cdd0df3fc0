// SPDX-License-Identifier: MIT
/*
 * From the bytes of a record back to memory and pointers: see graph.h for what they look like. The
 * same code makes both passes, so that what the first one has found good is what the second writes;
 * until the second nothing of the program's is touched.
 *
 * Nothing is believed: a record that does not fit its description, or does not end where it should,
 * is none.
 */
#include "marshal/graph_replay.h"

#include <errno.h>
#include <string.h>

/* A block that comes later, and the pointer to it. */
struct pending {
    const struct graph_node *node;
    struct location pointer;
};

void replayer_init(struct graph_replayer *replayer, struct regions *regions,
                   const struct replay *replay, struct bytes record)
{
    *replayer = (struct graph_replayer){
        .replay = replay, .regions = regions, .reader = {record.data, record.n_bytes}};
    marshal_buffer_init(&replayer->pending, false);
}

void replayer_fini(struct graph_replayer *replayer)
{
    marshal_buffer_fini(&replayer->pending);
}

void replayer_rewind(struct graph_replayer *replayer, struct bytes record)
{
    regions_rewind(replayer->regions);
    replayer->reader = (struct reader){record.data, record.n_bytes};
    replayer->pending.n_bytes = replayer->n_done = 0;
    replayer->writes = true;
}

static int set_pointer(const struct graph_replayer *replayer, struct location pointer,
                       const void *value)
{
    struct graph_set_pointer set = {.value = value};

    if (!replayer->writes) {
        return 0;
    }
    set.at = regions_address(replayer->regions, pointer);
    memcpy(set.at, &value, sizeof(value));
    return replayer->pointers == NULL
               ? 0
               : marshal_buffer_put(replayer->pointers, &set, sizeof(set), MARSHAL_MAX_BYTES);
}

static struct location fixed_location(const void *memory)
{
    return (struct location){REGION_FIXED, (uintptr_t)memory};
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* What a block says of itself. */
struct block {
    uint64_t count;
    size_t n_bytes;  /* of the elements, and of the end of a list */
    size_t n_packed; /* in the record, from `elements` */
    const unsigned char *elements;
};

static bool read_block(struct graph_replayer *replayer, const struct graph_node *node,
                       struct block *ret_block)
{
    struct reader *reader = &replayer->reader;
    const unsigned char *kind = take(reader, 1);
    uint64_t n_bytes, n_at_least;

    if (kind == NULL || *kind != (node->kind == GRAPH_LIST ? 'L' : 'M') ||
        !take_word(reader, &ret_block->count) ||
        __builtin_mul_overflow(ret_block->count, (uint64_t)node->packed_bytes + node->n_edges,
                               &n_at_least) ||
        n_at_least > reader->n_left ||
        __builtin_mul_overflow(ret_block->count, (uint64_t)node->size_bytes, &n_bytes) ||
        n_bytes > SIZE_MAX / 2) {
        return false;
    }
    ret_block->n_bytes = n_bytes + (node->kind == GRAPH_LIST ? node->size_bytes : 0);
    ret_block->n_packed = ret_block->count * node->packed_bytes;
    ret_block->elements = take(reader, ret_block->n_packed);
    return ret_block->elements != NULL;
}

/* is_new: memory of ours, of which nothing stays as it was. */
static void write_elements(const struct graph_node *node, const struct block *block,
                           unsigned char *memory, bool is_new)
{
    const unsigned char *from = block->elements;

    if (is_new && node->packed_bytes != node->size_bytes) {
        memset(memory, 0, block->n_bytes);
    }
    if (node->packed_bytes == node->size_bytes) {
        memcpy(memory, from, block->n_packed);
        return;
    }
    for (uint64_t i = 0; i < block->count; i++) {
        unsigned char *element = memory + i * node->size_bytes;

        if (node->type != NULL) {
            abi_restore_value(node->type, from, element);
            from += node->packed_bytes;
        }
        for (uint32_t k = 0; k < node->n_runs; k++) {
            memcpy(element + node->runs[k].offset, from, node->runs[k].n_bytes);
            from += node->runs[k].n_bytes;
        }
    }
    if (node->kind == GRAPH_LIST) {
        memset(memory + block->count * node->size_bytes, 0, node->size_bytes);
    }
}

static int read_references(struct graph_replayer *replayer, const struct graph_node *node,
                           const struct block *block, struct location at);

/* A block at memory that is there already. */
static int give_at(struct graph_replayer *replayer, const struct graph_node *node,
                   const struct block *block, struct location at, bool is_new)
{
    if (replayer->writes) {
        write_elements(node, block, regions_address(replayer->regions, at), is_new);
    }
    return read_references(replayer, node, block, at);
}

/* ---- references ------------------------------------------------------------------------------ */

/* Where a pointer into an argument leads. */
static int read_offset(struct graph_replayer *replayer, const struct graph_node *node,
                       struct location *ret_at)
{
    const char *base = marshal_pointer(replayer->replay->arguments, node->lifetime->parameter);
    uint64_t offset;

    if (!take_word(&replayer->reader, &offset) || base == NULL ||
        offset > (uint64_t)MARSHAL_MAX_OFFSET) {
        return -EBADMSG;
    }
    *ret_at = fixed_location(base + offset);
    return 0;
}

/* Room for what was read, or, in an argument, the place that is there. */
static int find_room(struct graph_replayer *replayer, const struct graph_node *node,
                     struct location pointer, size_t n_bytes, uint64_t n_elements,
                     struct location *at)
{
    const struct replay *replay = replayer->replay;
    uint32_t into = node->lifetime->parameter;

    if (node->lifetime->kind != LIFETIME_INTO) {
        return regions_take(replayer->regions, node, pointer.region, n_bytes, n_elements, at);
    }
    /* Asked on the first pass: the second has begun to write. */
    return !replayer->writes && marshal_is_read_at(replay->plan, replay->arguments, into,
                                                   (const void *)(uintptr_t)at->offset, n_bytes)
               ? -EBADMSG
               : 0;
}

static int read_text(struct graph_replayer *replayer, const struct graph_node *node,
                     struct location pointer, struct location at)
{
    const unsigned char *text;
    uint64_t n_bytes;
    int error;

    if (node->kind != GRAPH_TEXT || !take_word(&replayer->reader, &n_bytes) ||
        n_bytes % node->size_bytes != 0 || (text = take(&replayer->reader, n_bytes)) == NULL) {
        return -EBADMSG;
    }
    error = find_room(replayer, node, pointer, n_bytes + node->size_bytes, 0, &at);
    if (error == 0 && replayer->writes) {
        unsigned char *to = regions_address(replayer->regions, at);

        memcpy(to, text, n_bytes);
        memset(to + n_bytes, 0, node->size_bytes);
        error = set_pointer(replayer, pointer, to);
    }
    return error;
}

static int read_elements(struct graph_replayer *replayer, const struct graph_node *node,
                         struct location pointer, struct location at)
{
    struct block block;
    int error;

    if (node->kind < GRAPH_ELEMENTS || !read_block(replayer, node, &block)) {
        return -EBADMSG;
    }
    error = find_room(replayer, node, pointer, block.n_bytes, block.count, &at);
    if (error != 0) {
        return error;
    }
    if (replayer->writes) {
        error = set_pointer(replayer, pointer, regions_address(replayer->regions, at));
    }
    return error != 0 ? error : give_at(replayer, node, &block, at, true);
}

/* What stands next, or '\0' at the end. */
static unsigned char peek(const struct graph_replayer *replayer)
{
    return replayer->reader.n_left > 0 ? *replayer->reader.at : '\0';
}

/* at: where it is, of memory in an argument. */
static int read_content(struct graph_replayer *replayer, const struct graph_node *node,
                        struct location pointer, struct location at)
{
    const struct pending pending = {node, pointer};

    if (peek(replayer) == 'S') {
        take(&replayer->reader, 1);
        return read_text(replayer, node, pointer, at);
    }
    if (!graph_leads_on(node)) {
        return read_elements(replayer, node, pointer, at);
    }
    if (peek(replayer) != 'R') {
        return -EBADMSG;
    }
    take(&replayer->reader, 1);
    return marshal_buffer_put(&replayer->pending, &pending, sizeof(pending), MARSHAL_MAX_BYTES);
}

static int read_into(struct graph_replayer *replayer, const struct graph_node *node,
                     struct location pointer)
{
    struct location at;
    int error = read_offset(replayer, node, &at);

    if (error != 0) {
        return error;
    }
    if (node->has_content) {
        return read_content(replayer, node, pointer, at);
    }
    return set_pointer(replayer, pointer, (const void *)(uintptr_t)at.offset);
}

static int read_reference(struct graph_replayer *replayer, const struct graph_node *node,
                          struct location pointer)
{
    unsigned char kind = peek(replayer);
    uint64_t value;

    if (node->kind == GRAPH_ADDRESS) {
        if (kind != 'A' || take(&replayer->reader, 1) == NULL ||
            !take_word(&replayer->reader, &value)) {
            return -EBADMSG;
        }
        return set_pointer(replayer, pointer, (const void *)(uintptr_t)value);
    }
    if (kind == 'N') {
        take(&replayer->reader, 1);
        return set_pointer(replayer, pointer, NULL);
    }
    if (node->lifetime->kind != LIFETIME_INTO) {
        return read_content(replayer, node, pointer, (struct location){0});
    }
    if (kind != 'I') {
        return -EBADMSG;
    }
    take(&replayer->reader, 1);
    return read_into(replayer, node, pointer);
}

static int read_references(struct graph_replayer *replayer, const struct graph_node *node,
                           const struct block *block, struct location at)
{
    int error = 0;

    for (uint64_t i = 0; graph_leads_on(node) && i < block->count && error == 0; i++) {
        for (uint32_t k = 0; k < node->n_edges && error == 0; k++) {
            struct location pointer = {at.region,
                                       at.offset + i * node->size_bytes + node->edges[k].offset};

            error = read_reference(replayer, node->edges[k].target, pointer);
        }
    }
    return error;
}

static int read_pending(struct graph_replayer *replayer)
{
    int error = 0;

    while (error == 0 && replayer->n_done < replayer->pending.n_bytes) {
        struct pending pending;

        memcpy(&pending, replayer->pending.data + replayer->n_done, sizeof(pending));
        replayer->n_done += sizeof(pending);
        if (replayer->n_done == replayer->pending.n_bytes) {
            replayer->n_done = replayer->pending.n_bytes = 0;
        }
        error = read_elements(replayer, pending.node, pending.pointer, (struct location){0});
    }
    return error;
}

/* ---- what a call gives ----------------------------------------------------------------------- */

int graph_give_pointer(struct graph_replayer *replayer, const struct graph_node *node,
                       void *pointer)
{
    int error = read_reference(replayer, node, fixed_location(pointer));

    return error != 0 ? error : read_pending(replayer);
}

int graph_give_memory(struct graph_replayer *replayer, const struct graph_node *node, void *memory,
                      size_t room_bytes)
{
    struct block block;
    int error;

    if (!read_block(replayer, node, &block) || block.n_bytes > room_bytes) {
        return -EBADMSG;
    }
    error = give_at(replayer, node, &block, fixed_location(memory), false);
    return error != 0 ? error : read_pending(replayer);
}
