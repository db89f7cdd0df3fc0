// SPDX-License-Identifier: MIT
/* Which plans have images, and what is written of the variables: see graph_image.h. */
#include "marshal/graph_image_private.h"

#include <errno.h>

/* Of all variables. When an image is made, each pointer is looked for among all places. */
#define MAX_PIECES 1024

/* Memory that is there already is written in whole elements, or in runs of their bytes. */
static bool is_plainly_written(const struct graph_node *node)
{
    return node->kind == GRAPH_ELEMENTS &&
           (node->type == NULL || node->packed_bytes == node->size_bytes);
}

/* It lies in a place of the plan. */
static bool is_placed(const struct graph_node *node)
{
    switch (node->lifetime->kind) {
    case LIFETIME_STATIC:
    case LIFETIME_STATIC_ARGUMENT:
    case LIFETIME_STATIC_GROUP:
        return true;
    default:
        return false;
    }
}

/* Of what is handed out. */
static bool is_static(const struct graph_node *node)
{
    if (node->lifetime->kind == LIFETIME_HOLDER) {
        return node->kind >= GRAPH_TEXT;
    }
    return is_placed(node) || node->kind == GRAPH_ADDRESS;
}

/* The nodes of one compilation. */
static bool are_static(const struct graph_node *first)
{
    for (const struct graph_node *node = first; node != NULL; node = node->next) {
        if (node->is_held ? !is_static(node) : !is_plainly_written(node)) {
            return false;
        }
    }
    return true;
}

static bool is_fit(const struct marshal_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (plan->parameters[i].out_slot >= 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < plan->places->n; i++) {
        if (plan->places->items[i].kind == LIFETIME_STORAGE) {
            return false;
        }
    }
    for (uint32_t i = 0; i < plan->function->n_globals; i++) {
        if (!marshal_count_is_constant(&plan->function->globals[i].description.count) ||
            !are_static(plan->global_writes[i])) {
            return false;
        }
    }
    return !has_plain_result(plan) &&
           (!has_result(plan) || (!is_struct_result(plan) && are_static(plan->result_writes)));
}

/* ---- pieces ---------------------------------------------------------------------------------- */

struct pieces {
    struct image_piece *items; /* NULL: they are only counted */
    uint32_t n;
    struct image_piece last;
};

/* What follows on the piece before it becomes a part of that. False: there are too many. */
static bool add_piece(struct pieces *pieces, const struct image_piece *piece)
{
    struct image_piece *last = &pieces->last;

    if (piece->n_bytes == 0) {
        return true;
    }
    if (pieces->n > 0 && !piece->is_pointer && !last->is_pointer && last->global == piece->global &&
        last->at + last->n_bytes == piece->at) {
        last->n_bytes += piece->n_bytes;
    } else {
        *last = *piece;
        pieces->n++;
    }
    if (pieces->items != NULL) {
        pieces->items[pieces->n - 1] = *last;
    }
    return pieces->n <= MAX_PIECES;
}

/* Runs and pointers, in the order in which they lie. */
static bool add_element(struct pieces *pieces, const struct graph_node *node, uint32_t global,
                        unsigned char *at)
{
    uint32_t run = 0, edge = 0;

    while (run < node->n_runs || edge < node->n_edges) {
        struct image_piece piece = {.global = (uint8_t)global};

        if (edge == node->n_edges ||
            (run < node->n_runs && node->runs[run].offset < node->edges[edge].offset)) {
            piece.at = at + node->runs[run].offset;
            piece.n_bytes = node->runs[run++].n_bytes;
        } else {
            piece.at = at + node->edges[edge].offset;
            piece.n_bytes = (uint32_t)sizeof(void *);
            piece.is_pointer = node->edges[edge++].target->kind != GRAPH_ADDRESS;
        }
        if (!add_piece(pieces, &piece)) {
            return false;
        }
    }
    return true;
}

static bool add_global(struct pieces *pieces, const struct graph_node *node, uint32_t global,
                       unsigned char *at, uint32_t count)
{
    bool is_whole = node->packed_bytes == node->size_bytes;

    if (is_whole) {
        return add_piece(pieces, &(struct image_piece){.at = at,
                                                       .n_bytes = count * node->size_bytes,
                                                       .global = (uint8_t)global});
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!add_element(pieces, node, global, at + (size_t)i * node->size_bytes)) {
            return false;
        }
    }
    return true;
}

/* False: the variables are too large, or written in too many pieces. */
static bool add_globals(const struct marshal_plan *plan, struct marshal_image *image,
                        struct pieces *pieces)
{
    for (uint32_t i = 0; i < plan->function->n_globals; i++) {
        const struct graph_node *node = plan->global_writes[i];
        int64_t count;

        if (marshal_count(plan, &plan->function->globals[i].description.count, NULL, NULL,
                          &count) != 0 ||
            count > UINT16_MAX || node->size_bytes > UINT16_MAX ||
            !add_global(pieces, node, i, plan->bindings.globals[i], (uint32_t)count)) {
            return false;
        }
        image->room_bytes[i] = (uint32_t)count * node->size_bytes;
    }
    return true;
}

static void sum_up(struct marshal_image *image)
{
    for (uint32_t i = 0; i < image->n_pieces; i++) {
        const struct image_piece *piece = &image->pieces[i];

        image->global_bytes[piece->global] += piece->n_bytes;
        image->all_global_bytes += piece->n_bytes;
        image->has_pointer_pieces |= piece->is_pointer;
    }
}

/* ---- simple ones ----------------------------------------------------------------------------- */

/* Text that lies with what the pointer to it stands in. */
static bool is_simple_text(const struct graph_node *text, const struct graph_node *holder)
{
    return text->kind == GRAPH_TEXT && text->size_bytes == 1 &&
           (text->lifetime->kind == LIFETIME_HOLDER ||
            (is_placed(text) && text->place == holder->place));
}

/* As many elements each time, at least one, whose pointers lead no further than to text. */
static bool are_simple_elements(const struct marshal_plan *plan, const struct graph_node *node,
                                uint32_t *ret_count)
{
    int64_t count;

    if (!is_plainly_written(node) || node->kind != GRAPH_ELEMENTS ||
        !marshal_count_is_constant(node->count) ||
        marshal_count(plan, node->count, NULL, NULL, &count) != 0 || count == 0 ||
        count > UINT16_MAX || node->size_bytes > UINT16_MAX ||
        (uint64_t)count * node->size_bytes > plan->limit_bytes) {
        return false;
    }
    for (uint32_t i = 0; i < node->n_edges; i++) {
        if (node->edges[i].target->kind != GRAPH_ADDRESS &&
            !is_simple_text(node->edges[i].target, node)) {
            return false;
        }
    }
    *ret_count = (uint32_t)count;
    return true;
}

/* Variables lead nowhere, and the result no further than to text, or to such elements. */
static bool is_simple(const struct marshal_plan *plan, struct marshal_image *image)
{
    const struct graph_node *node = plan->result_writes;

    if (image->has_pointer_pieces || (node != NULL && !is_placed(node))) {
        return false;
    }
    return node == NULL || is_simple_text(node, node) ||
           are_simple_elements(plan, node, &image->n_elements);
}

/* 0, or -ENOMEM. *ret_fits is false if there are too many. */
static int plan_pieces(const struct marshal_plan *plan, struct marshal_image *image,
                       struct arena *arena, bool *ret_fits)
{
    struct pieces counted = {0}, pieces = {0};

    *ret_fits = add_globals(plan, image, &counted);
    if (!*ret_fits || counted.n == 0) {
        return 0;
    }
    pieces.items = arena_alloc(arena, counted.n * sizeof(*pieces.items));
    if (pieces.items == NULL) {
        return -ENOMEM;
    }
    add_globals(plan, image, &pieces);
    image->pieces = pieces.items;
    image->n_pieces = pieces.n;
    sum_up(image);
    return 0;
}

int image_plan(struct marshal_plan *plan, struct arena *arena)
{
    struct marshal_image *image;
    bool fits;
    int error;

    if (!is_fit(plan)) {
        return 0;
    }
    image = arena_alloc(arena, sizeof(*image));
    if (image == NULL) {
        return -ENOMEM;
    }
    error = plan_pieces(plan, image, arena, &fits);
    if (error != 0 || !fits) {
        return error;
    }
    image->n_head_bytes = IMAGE_TAKEN_AT + plan->places->n * (uint32_t)sizeof(uint32_t);
    image->is_result_held =
        plan->result_writes != NULL && plan->result_writes->kind != GRAPH_ADDRESS;
    image->is_simple = is_simple(plan, image);
    plan->image = image;
    return 0;
}
