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

#include "marshal/record.h"

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

    /* Of what is written: who owns the memory it leads to. */
    const struct config_lifetime *lifetime;
    bool is_held;     /* it is not memory of the caller's to begin with */
    uint32_t place;   /* in the plan's, for memory that lies in one of them */
    bool has_content; /* LIFETIME_INTO: what is there was written as well */
};

/* What is behind it is looked at later, in its turn. */
static inline bool graph_leads_on(const struct graph_node *node)
{
    return node->n_edges > 0;
}

/* The program is to free it. */
static inline bool graph_is_owned(const struct graph_node *node)
{
    return node->lifetime->kind == LIFETIME_CALLER || node->lifetime->kind == LIFETIME_FREED_BY;
}

/* What the first node of a compilation is: read, or written to memory of the caller's, or the
 * memory that a pointer leads to which is handed out. */
enum graph_root {
    GRAPH_READ,
    GRAPH_WRITTEN,
    GRAPH_HANDED_OUT,
};

/*
 * graph_plan.c. Compiles a pointee and all that it leads to. 0, -ENOMEM, or -ENOTSUP with
 * *ret_reason.
 */
int graph_compile(struct marshal_plan *plan, const struct config_pointee *pointee,
                  enum graph_root root, struct arena *arena, const struct graph_node **ret_node,
                  const char **ret_reason);

/*
 * graph_lifetime.c. Of a pointer that is handed out only its value counts, or where in an argument
 * it points to.
 */
bool graph_is_pointer_alone(const struct marshal_plan *plan, const struct graph_node *node);

/* Settles where memory lies that is handed out. Errors of graph_compile. */
int graph_place(struct marshal_plan *plan, struct graph_node *node, const char **ret_reason);

/* graph_record_plan.c. What is needed to capture a call of the plan and to replay it. */
int graph_plan_record(struct marshal_plan *plan, struct arena *arena, const char **ret_reason);

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

/* ---- graph_walk.c, graph_written.c ----------------------------------------------------------- */

/* One walk, from one pointer of the call. */
struct graph_walk {
    const struct marshal_plan *plan;
    void *const *arguments;
    const void *result; /* of the finished call; before it, NULL */
    struct marshal_buffer *buffer;
    const struct marshal_ranges *written; /* what is read must not lie there; may be NULL */
    const struct marshal_call *call;      /* of a walk through what was written; else NULL */
};

/* A walk through what the finished call has written. */
static inline bool graph_is_of_written(const struct graph_walk *walk)
{
    return walk->call != NULL;
}

/*
 * Appends the block of count elements of root at memory, and all that it leads to. Of a list the
 * count is found out here. The errors of marshal_key, or -ELOOP: a pointer was met twice, so there
 * is a cycle, or what it leads to is shared.
 */
int graph_put(const struct graph_walk *walk, const struct graph_node *root, const void *memory,
              int64_t count);

/* Appends what a pointer that was returned leads to, from the reference on. */
int graph_put_pointer(const struct graph_walk *walk, const struct graph_node *node,
                      const void *pointer);

/*
 * Where a pointer into an argument leads, as a distance from its beginning. -EFAULT: not into it,
 * or to what was not captured.
 */
int graph_find_offset(const struct graph_walk *walk, const struct graph_node *node,
                      const void *pointer, uint64_t *ret_offset);

/* -EFAULT: memory that was handed out does not lie where its lifetime says. */
int graph_check_place(const struct graph_walk *walk, const struct graph_node *node,
                      const void *memory, size_t n_bytes);

/* ---- graph_record.c -------------------------------------------------------------------------- */

/* As marshal_capture, marshal_replay and marshal_compare. */
int graph_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                  const struct marshal_call *call, int32_t set_errno,
                  struct marshal_buffer *buffer);
int graph_replay(const struct replay *replay, struct bytes record, int32_t *ret_errno);
struct marshal_difference graph_compare(const struct marshal_plan *plan, struct bytes remembered,
                                        struct bytes fresh, void *const *arguments);

#endif
