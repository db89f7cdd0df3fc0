// SPDX-License-Identifier: MIT
/*
 * From memory and all that it leads to, to bytes: see graph.h for what they look like. What is read
 * goes into a key, what was written into a record; the walk is the same.
 *
 * The limits of a key and of a record bound what is read of one block before it is read; memory
 * that does not end otherwise, as a ring of records, is found out by where its pointers stand.
 */
#include "marshal/graph.h"

#include <errno.h>
#include <string.h>

/* A block that is still to be written down. */
struct pending {
    const struct graph_node *node;
    const unsigned char *memory;
    int64_t count;
    uint64_t depth;
    const unsigned char *record; /* what holds it, for counts within it that name members */
};

struct walk {
    const struct graph_walk *about;
    struct marshal_buffer pending;
    size_t n_done; /* bytes of pending that were dealt with */
    struct graph_seen seen;
    uint32_t n_pointers;
};

static int put(const struct walk *walk, const void *bytes, size_t n_bytes)
{
    return marshal_buffer_put(walk->about->buffer, bytes, n_bytes, walk->about->plan->limit_bytes);
}

static int put_frame(const struct walk *walk, char kind, uint64_t number)
{
    unsigned char frame[1 + sizeof(number)];

    frame[0] = (unsigned char)kind;
    memcpy(frame + 1, &number, sizeof(number));
    return put(walk, frame, sizeof(frame));
}

/*
 * -ENOTSUP for memory that is read and lies where the call writes: keys do not say how. -EFAULT for
 * memory that was written and lies where it should not.
 */
static int check_memory(const struct walk *walk, const struct graph_node *node, const void *memory,
                        size_t n_bytes)
{
    const struct marshal_ranges *written = walk->about->written;

    if (graph_is_of_written(walk->about)) {
        return graph_check_place(walk->about, node, memory, n_bytes);
    }
    return written != NULL && marshal_ranges_meet(written, memory, n_bytes) ? -ENOTSUP : 0;
}

/* ---- elements -------------------------------------------------------------------------------- */

static int put_elements(const struct walk *walk, const struct graph_node *node,
                        const unsigned char *memory, size_t n_bytes)
{
    unsigned char *to;
    size_t n_packed = n_bytes / node->size_bytes * node->packed_bytes;
    int error;

    if (node->packed_bytes == node->size_bytes) {
        return put(walk, memory, n_bytes);
    }
    error =
        marshal_buffer_extend(walk->about->buffer, n_packed, walk->about->plan->limit_bytes, &to);
    if (error != 0 || n_packed == 0) {
        return error;
    }
    for (size_t at = 0; at < n_bytes; at += node->size_bytes) {
        if (node->type != NULL) {
            abi_copy_value(node->type, memory + at, to);
            to += node->packed_bytes;
        }
        for (uint32_t i = 0; i < node->n_runs; i++) {
            memcpy(to, memory + at + node->runs[i].offset, node->runs[i].n_bytes);
            to += node->runs[i].n_bytes;
        }
    }
    return 0;
}

/* How much memory a block takes. */
static int measure(const struct walk *walk, const struct graph_node *node, int64_t count,
                   size_t *ret_n_bytes)
{
    if (__builtin_mul_overflow((uint64_t)count, (uint64_t)node->size_bytes, ret_n_bytes)) {
        return -EOVERFLOW;
    }
    return *ret_n_bytes > walk->about->plan->limit_bytes ? -E2BIG : 0;
}

static int put_block(const struct walk *walk, const struct graph_node *node,
                     const unsigned char *memory, int64_t count)
{
    size_t n_bytes;
    int error = measure(walk, node, count, &n_bytes);

    if (error == 0) {
        error = put_frame(walk, node->kind == GRAPH_LIST ? 'L' : 'M', (uint64_t)count);
    }
    return error != 0 ? error : put_elements(walk, node, memory, n_bytes);
}

/* Of a list, which may lie at any address: gethostbyname_r takes buffers that do. */
static const void *pointer_at(const void *list, int64_t i)
{
    const void *pointer;

    memcpy(&pointer, (const char *)list + (size_t)i * sizeof(pointer), sizeof(pointer));
    return pointer;
}

/* How many pointers a list has in front of its NULL. */
static int count_list(const void *list, int64_t *ret_count)
{
    for (*ret_count = 0; pointer_at(list, *ret_count) != NULL; ++*ret_count) {
        if (*ret_count == GRAPH_MAX_POINTERS) {
            return -E2BIG;
        }
    }
    return 0;
}

static int check_block(const struct walk *walk, const struct graph_node *node, const void *memory,
                       int64_t count)
{
    size_t n_bytes;
    int error = measure(walk, node, count + (node->kind == GRAPH_LIST), &n_bytes);

    return error != 0 ? error : check_memory(walk, node, memory, n_bytes);
}

/* ---- references ------------------------------------------------------------------------------ */

static int put_text(const struct walk *walk, const struct graph_node *node, const char *text)
{
    size_t n_bytes = marshal_text_bytes(text, node->size_bytes, MARSHAL_MAX_STRING_BYTES);
    int error = n_bytes > MARSHAL_MAX_STRING_BYTES ? -E2BIG : 0;

    if (error == 0) {
        error = check_memory(walk, node, text, n_bytes + node->size_bytes);
    }
    if (error == 0) {
        error = put_frame(walk, 'S', n_bytes);
    }
    return error != 0 ? error : put(walk, text, n_bytes);
}

static int push(struct walk *walk, const struct pending *pending)
{
    unsigned char *at;
    int error;

    if (pending->depth > GRAPH_MAX_DEPTH) {
        return -E2BIG;
    }
    if (walk->n_done == walk->pending.n_bytes) { /* a list never has more than one of them */
        walk->n_done = walk->pending.n_bytes = 0;
    }
    error = marshal_buffer_extend(&walk->pending, sizeof(*pending), MARSHAL_MAX_BYTES, &at);
    if (error == 0) {
        memcpy(at, pending, sizeof(*pending));
    }
    return error;
}

static int put_elements_at(struct walk *walk, const struct graph_node *node,
                           const unsigned char *memory, const unsigned char *holder, uint64_t depth)
{
    const struct graph_walk *about = walk->about;
    struct pending pending = {node, memory, 0, depth, holder};
    int error;

    if (node->kind == GRAPH_LIST) {
        error = count_list(memory, &pending.count);
    } else {
        error =
            marshal_count_elements(about->plan->function, node->count, about->arguments,
                                   about->result, holder, memory, node->size_bytes, &pending.count);
    }
    if (error == 0) {
        error = check_block(walk, node, memory, pending.count);
    }
    if (error != 0) {
        return error;
    }
    if (!graph_leads_on(node)) {
        return put_block(walk, node, memory, pending.count);
    }
    error = put(walk, "R", 1);
    return error != 0 ? error : push(walk, &pending);
}

/* What stands in front of what a pointer leads to that was handed out. */
static int put_owner(struct walk *walk, const struct graph_node *node, const void *pointer)
{
    const struct marshal_bindings *bindings = &walk->about->plan->bindings;
    uint64_t offset;
    int error;

    if (node->lifetime->kind == LIFETIME_INTO) {
        error = graph_find_offset(walk->about, node, pointer, &offset);
        return error != 0 ? error : put_frame(walk, 'I', offset);
    }
    if (!graph_is_owned(node)) {
        return 0;
    }
    if (node->lifetime->kind == LIFETIME_FREED_BY) {
        bindings->forget(bindings->context, (void *)(uintptr_t)pointer);
    }
    /* A block that two pointers lead to is freed once; no pointer stands at such an address. */
    return graph_seen_add(&walk->seen, (const void *)~(uintptr_t)pointer);
}

/* A pointer that stands in holder, or in an array that holder leads to. */
static int put_reference(struct walk *walk, const struct graph_node *node, const void *pointer,
                         const unsigned char *holder, uint64_t depth)
{
    int error = 0;

    if (walk->n_pointers++ == GRAPH_MAX_POINTERS) {
        return -E2BIG;
    }
    if (node->kind == GRAPH_ADDRESS) {
        return put_frame(walk, 'A', (uintptr_t)pointer);
    }
    if (pointer == NULL) {
        return put(walk, "N", 1);
    }
    if (graph_is_of_written(walk->about)) {
        error = put_owner(walk, node, pointer);
    }
    if (error != 0 || node->kind == GRAPH_OFFSET) {
        return error;
    }
    return node->kind == GRAPH_TEXT ? put_text(walk, node, pointer)
                                    : put_elements_at(walk, node, pointer, holder, depth);
}

/* Pointers in an array have no members beside them: counts speak of the record that holds it. */
static int put_references(struct walk *walk, const struct pending *of)
{
    bool are_records = of->node->pointee->fields != NULL;
    int error = 0;

    for (int64_t i = 0; graph_leads_on(of->node) && i < of->count; i++) {
        const unsigned char *element = of->memory + (size_t)i * of->node->size_bytes;

        for (uint32_t k = 0; k < of->node->n_edges && error == 0; k++) {
            const struct graph_edge *edge = &of->node->edges[k];
            const void *pointer;

            memcpy(&pointer, element + edge->offset, sizeof(pointer));
            error = graph_seen_add(&walk->seen, element + edge->offset);
            if (error == 0) {
                error = put_reference(walk, edge->target, pointer,
                                      are_records ? element : of->record, of->depth + 1);
            }
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* ---- walks ----------------------------------------------------------------------------------- */

static int put_pending(struct walk *walk)
{
    struct pending pending;
    int error = 0;

    while (error == 0 && walk->n_done < walk->pending.n_bytes) {
        memcpy(&pending, walk->pending.data + walk->n_done, sizeof(pending));
        walk->n_done += sizeof(pending);
        error = put_block(walk, pending.node, pending.memory, pending.count);
        if (error == 0) {
            error = put_references(walk, &pending);
        }
    }
    return error;
}

static void walk_begin(struct walk *walk, const struct graph_walk *about)
{
    walk->about = about;
    walk->n_done = 0;
    walk->n_pointers = 0;
    marshal_buffer_init(&walk->pending, false);
    graph_seen_init(&walk->seen);
}

static void walk_end(struct walk *walk)
{
    graph_seen_fini(&walk->seen);
    marshal_buffer_fini(&walk->pending);
}

int graph_put(const struct graph_walk *about, const struct graph_node *root, const void *memory,
              int64_t count)
{
    struct pending pending = {root, memory, count, 0, NULL};
    struct walk walk;
    int error = 0;

    walk_begin(&walk, about);
    /* How the memory of parameters themselves overlaps is in the key: overlap.c. */
    if (root->kind == GRAPH_LIST) {
        error = count_list(memory, &pending.count);
        if (error == 0 && !graph_is_of_written(about)) {
            error = check_block(&walk, root, memory, pending.count);
        }
    }
    if (error == 0) {
        error = put_block(&walk, root, memory, pending.count);
    }
    if (error == 0) {
        error = put_references(&walk, &pending);
    }
    if (error == 0) {
        error = put_pending(&walk);
    }
    walk_end(&walk);
    return error;
}

int graph_put_pointer(const struct graph_walk *about, const struct graph_node *node,
                      const void *pointer)
{
    struct walk walk;
    int error;

    walk_begin(&walk, about);
    error = put_reference(&walk, node, pointer, NULL, 0);
    if (error == 0) {
        error = put_pending(&walk);
    }
    walk_end(&walk);
    return error;
}
