// SPDX-License-Identifier: MIT
/*
 * What lies behind pointers that stand within memory, compiled: the configuration's pointees and
 * fields as the walkers want them. Functions without such pointers have none of this.
 *
 * Memory is walked breadth first with a list of what is still to be looked at, never by recursion:
 * a list of ten thousand records takes no more stack than one. What is found is written down so:
 *
 *     block       'M' count(8), or 'L' count(8) of a list that ends with NULL; the elements, packed
 *                 without padding and without the pointers that are followed; then, if it has
 *                 such, one reference for each pointer of each element
 *     reference   'N'                      NULL
 *                 'A' value(8)             the pointer itself is what counts
 *                 'S' length(8) bytes      text, without its end
 *                 'I' offset(8)            it points into an argument; if what is there was written
 *                                          as well, text or a block without pointers follows
 *                 a block without pointers
 *                 'R'                      a block with pointers: it stands behind all references
 *                                          of the blocks before it, in the order of the 'R's
 *
 * With the description at hand this can be read in one way only, and equal bytes mean equal graphs:
 * it is a part of keys as well as of records.
 */
#ifndef MARSHAL_GRAPH_H
#define MARSHAL_GRAPH_H

#include "marshal/marshal_private.h"

/* No more pointers than this are followed from one argument or result, nor a longer chain. */
#define GRAPH_MAX_POINTERS 65536
#define GRAPH_MAX_DEPTH    32768

/* What malloc and the shim's own memory are aligned to. */
#define GRAPH_MAX_ALIGNMENT 16

/* Bytes of one element that are part of its value. */
struct graph_run {
    uint32_t offset, n_bytes;
};

/* A pointer within one element, and what it leads to. */
struct graph_edge {
    uint32_t offset;
    const struct graph_node *target;
};

enum graph_kind {
    GRAPH_ADDRESS,  /* the pointer is what counts */
    GRAPH_OFFSET,   /* it points into an argument, and only where matters */
    GRAPH_TEXT,     /* of elements of size_bytes */
    GRAPH_ELEMENTS, /* `count` of them */
    GRAPH_LIST,     /* pointers, up to one that is NULL */
};

struct graph_node {
    struct graph_node *next;              /* of one compilation */
    const struct config_pointee *pointee; /* what it was compiled from */
    enum graph_kind kind;
    uint32_t size_bytes;            /* of an element */
    uint32_t packed_bytes;          /* of an element: neither padding nor pointers */
    uint32_t alignment;             /* of memory made for it; of bytes at most: 16 */
    const struct ctype *type;       /* of an element without runs; NULL: it is packed as it is */
    const struct graph_run *runs;   /* of an element with pointers or members that are ignored */
    const struct graph_edge *edges; /* in the order of their offsets */
    const struct config_count *count;
    uint32_t n_runs, n_edges;
};

/* What is behind it is looked at later, in its turn. */
static inline bool graph_leads_on(const struct graph_node *node)
{
    return node->n_edges > 0;
}

/*
 * graph_plan.c. Compiles a pointee and all that it leads to. is_written: of what a call writes,
 * else of what it reads. 0, -ENOMEM, or -ENOTSUP with *ret_reason.
 */
int graph_compile(struct marshal_plan *plan, const struct config_pointee *root, bool is_written,
                  struct arena *arena, const struct graph_node **ret_node, const char **ret_reason);

/* ---- graph_seen.c ---------------------------------------------------------------------------- */

/* A set of addresses, in the caller's memory while they are few. */
struct graph_seen {
    struct marshal_buffer slots;
    uint32_t n_used;
};

void graph_seen_init(struct graph_seen *seen);
void graph_seen_fini(struct graph_seen *seen);

/* -ELOOP: it is there already. -ENOMEM. */
int graph_seen_add(struct graph_seen *seen, const void *address);

/* ---- graph_walk.c ---------------------------------------------------------------------------- */

/* One walk, from one pointer of the call. */
struct graph_walk {
    const struct marshal_plan *plan;
    void *const *arguments;
    const void *result; /* of the finished call; before it, NULL */
    struct marshal_buffer *buffer;
    const struct marshal_ranges *written; /* what is read must not lie there; may be NULL */
};

/*
 * Appends the block of count elements of root at memory, and all that it leads to. Of a list the
 * count is found out here. The errors of marshal_key, or -ELOOP: a pointer was met twice, so there
 * is a cycle, or what it leads to is shared.
 */
int graph_put(const struct graph_walk *walk, const struct graph_node *root, const void *memory,
              int64_t count);

#endif
