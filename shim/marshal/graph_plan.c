// SPDX-License-Identifier: MIT
/*
 * From the pointees of a description, which are a graph of their own (the fields of struct addrinfo
 * lead to struct addrinfo), to nodes: each pointee once, with the runs of bytes that are its value
 * and the pointers that lead on. Nodes are made as they are met and filled in afterwards, in a
 * list, so that neither depth nor circles matter.
 */
#include "marshal/graph.h"

#include <errno.h>

#define MAX_NODES 4096 /* of one parameter or result */
#define MAX_RUNS  8192 /* of one record */

/* What is compiled for one parameter or result. */
struct compilation {
    struct marshal_plan *plan;
    struct arena *arena;
    enum graph_root root;
    struct graph_node *first, *last;
    uint32_t n_nodes;
    const char **ret_reason;
};

static int refuse(const struct compilation *compilation, const char *reason)
{
    *compilation->ret_reason = reason;
    return -ENOTSUP;
}

/* ---- elements -------------------------------------------------------------------------------- */

/* The runs of a record without its fields; counted first, then written. */
struct run_list {
    const struct config_fields *fields;
    struct graph_run *runs; /* NULL: only counted */
    uint32_t n;
    uint32_t field; /* the first that does not end before the run */
};

static void add_run(struct run_list *list, uint32_t offset, uint32_t end)
{
    if (offset >= end) {
        return;
    }
    if (list->runs != NULL) {
        list->runs[list->n] = (struct graph_run){offset, end - offset};
    }
    list->n++;
}

/* A run of the record, less the fields in it. Fields and runs come in the order of offsets. */
static bool cut_run(void *context, uint32_t offset, uint32_t packed_offset, uint32_t n_bytes)
{
    struct run_list *list = context;
    uint32_t end = offset + n_bytes;

    (void)packed_offset;
    for (uint32_t i = list->field; i < list->fields->n_fields; i++) {
        const struct config_field *field = &list->fields->fields[i];
        uint32_t field_end = field->offset_bytes + field->size_bytes;

        if (field->offset_bytes >= end) {
            break;
        }
        if (field_end > offset) {
            add_run(list, offset, field->offset_bytes);
            offset = field_end;
        }
        if (field_end <= end) {
            list->field = i + 1;
        }
    }
    add_run(list, offset, end);
    return list->n <= MAX_RUNS;
}

static int make_runs(const struct compilation *compilation, struct graph_node *node,
                     const struct config_fields *fields)
{
    struct run_list list = {.fields = fields};

    if (!abi_visit_runs(fields->record, cut_run, &list)) {
        return refuse(compilation, "a struct with pointers has too many members");
    }
    list.runs = arena_alloc(compilation->arena, list.n * sizeof(*list.runs));
    if (list.runs == NULL) {
        return -ENOMEM;
    }
    list.n = list.field = 0;
    abi_visit_runs(fields->record, cut_run, &list);
    node->runs = list.runs;
    node->n_runs = list.n;
    for (uint32_t i = 0; i < list.n; i++) {
        node->packed_bytes += list.runs[i].n_bytes;
    }
    return 0;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static int find_node(struct compilation *compilation, const struct config_pointee *pointee,
                     const struct graph_node **ret_node)
{
    struct graph_node *node;

    for (node = compilation->first; node != NULL; node = node->next) {
        /* Memory of the caller's is never the same as memory that is handed out. */
        if (node->pointee == pointee && !(compilation->root == GRAPH_WRITTEN && !node->is_held)) {
            *ret_node = node;
            return 0;
        }
    }
    if (compilation->n_nodes++ == MAX_NODES) {
        return refuse(compilation, "what it leads to has too many parts");
    }
    node = arena_alloc(compilation->arena, sizeof(*node));
    if (node == NULL) {
        return -ENOMEM;
    }
    node->pointee = pointee;
    node->is_held = compilation->first != NULL || compilation->root == GRAPH_HANDED_OUT;
    if (compilation->last != NULL) {
        compilation->last->next = node;
    } else {
        compilation->first = node;
    }
    compilation->last = node;
    *ret_node = node;
    return 0;
}

static int add_field_edges(struct compilation *compilation, struct graph_node *node,
                           const struct config_fields *fields)
{
    struct graph_edge *edges = arena_alloc(compilation->arena, fields->n_fields * sizeof(*edges));
    int error = 0;

    if (edges == NULL) {
        return -ENOMEM;
    }
    node->edges = edges;
    for (uint32_t i = 0; i < fields->n_fields && error == 0; i++) {
        const struct config_field *field = &fields->fields[i];

        if (field->pointee.kind == POINTEE_IGNORED) {
            if (compilation->root != GRAPH_READ) {
                return refuse(compilation, "a pointer that it writes is ignored");
            }
            continue;
        }
        edges[node->n_edges].offset = field->offset_bytes;
        error = find_node(compilation, &field->pointee, &edges[node->n_edges].target);
        node->n_edges++;
    }
    return error;
}

static int add_target_edge(struct compilation *compilation, struct graph_node *node,
                           const struct config_pointee *target)
{
    struct graph_edge *edge = arena_alloc(compilation->arena, sizeof(*edge));

    if (edge == NULL) {
        return -ENOMEM;
    }
    node->edges = edge;
    node->n_edges = 1;
    return find_node(compilation, target, &edge->target);
}

static int fill_elements(struct compilation *compilation, struct graph_node *node)
{
    const struct config_pointee *pointee = node->pointee;
    int error;

    if (pointee->element_size == 0) {
        return refuse(compilation, "a pointer that it follows leads to nothing of a known size");
    }
    node->size_bytes = pointee->element_size;
    node->alignment = pointee->type != NULL ? pointee->type->alignment_bytes : GRAPH_MAX_ALIGNMENT;
    if (node->alignment > GRAPH_MAX_ALIGNMENT) {
        return refuse(compilation, "memory behind a pointer needs more alignment than malloc's");
    }
    if (pointee->target != NULL) {
        return add_target_edge(compilation, node, pointee->target);
    }
    if (pointee->fields == NULL) {
        node->type = pointee->type;
        node->packed_bytes =
            pointee->type != NULL ? abi_value_bytes(pointee->type) : pointee->element_size;
        return 0;
    }
    error = make_runs(compilation, node, pointee->fields);
    return error != 0 ? error : add_field_edges(compilation, node, pointee->fields);
}

static int fill_kind(struct compilation *compilation, struct graph_node *node)
{
    const struct config_pointee *pointee = node->pointee;

    switch (pointee->kind) {
    case POINTEE_ADDRESS:
        node->kind = GRAPH_ADDRESS;
        return 0;
    case POINTEE_TEXT:
        node->kind = GRAPH_TEXT;
        node->size_bytes = node->alignment = pointee->element_size;
        return 0;
    case POINTEE_ELEMENTS:
        node->kind = GRAPH_ELEMENTS;
        if (compilation->root == GRAPH_READ &&
            !marshal_count_is_known_before(compilation->plan->function, node->count)) {
            return refuse(compilation, "the count of what it reads is only known after the call");
        }
        return fill_elements(compilation, node);
    case POINTEE_LIST:
        node->kind = GRAPH_LIST;
        node->size_bytes = sizeof(void *);
        node->alignment = _Alignof(void *);
        return add_target_edge(compilation, node, pointee->target);
    default:
        return refuse(compilation, "a pointer that it follows is ignored");
    }
}

static int fill(struct compilation *compilation, struct graph_node *node)
{
    bool is_handed_out = compilation->root != GRAPH_READ && node->is_held;
    int error;

    node->count = &node->pointee->count;
    node->lifetime = &node->pointee->lifetime;
    if (is_handed_out && graph_is_pointer_alone(compilation->plan, node)) {
        node->kind = node->lifetime->kind == LIFETIME_INTO ? GRAPH_OFFSET : GRAPH_ADDRESS;
        node->size_bytes = node->pointee->element_size;
    } else {
        error = fill_kind(compilation, node);
        if (error != 0) {
            return error;
        }
    }
    return is_handed_out ? graph_place(compilation->plan, node, compilation->ret_reason) : 0;
}

/* In memory of the caller's there is no room for more than the caller knows of. */
static int check_caller_memory(const struct compilation *compilation)
{
    const struct graph_node *root = compilation->first;

    for (uint32_t i = 0; i < root->n_edges; i++) {
        const struct graph_node *target = root->edges[i].target;

        if (target->kind >= GRAPH_TEXT && target->lifetime->kind == LIFETIME_HOLDER) {
            return refuse(compilation,
                          "a pointer that it writes to the caller's memory has no lifetime");
        }
    }
    return 0;
}

int graph_compile(struct marshal_plan *plan, const struct config_pointee *pointee,
                  enum graph_root root, struct arena *arena, const struct graph_node **ret_node,
                  const char **ret_reason)
{
    struct compilation compilation = {
        .plan = plan, .arena = arena, .root = root, .ret_reason = ret_reason};
    int error = find_node(&compilation, pointee, ret_node);

    for (struct graph_node *node = compilation.first; node != NULL && error == 0;
         node = node->next) {
        error = fill(&compilation, node);
    }
    return error == 0 && root == GRAPH_WRITTEN ? check_caller_memory(&compilation) : error;
}
