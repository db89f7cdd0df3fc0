// SPDX-License-Identifier: MIT
/* Which plans have images: see graph_image.h. */
#include "marshal/graph_image.h"
#include "marshal/graph_record.h"

#include <errno.h>

/* That stand in one variable: when an image is made, each is looked for among all. */
#define MAX_POINTERS 1024

/* Memory that is there already is written in whole elements, or in runs of their bytes. */
static bool is_plainly_written(const struct graph_node *node)
{
    return node->kind == GRAPH_ELEMENTS &&
           (node->type == NULL || node->packed_bytes == node->size_bytes);
}

/* Of what is handed out. */
static bool is_static(const struct graph_node *node)
{
    switch (node->lifetime->kind) {
    case LIFETIME_STATIC:
    case LIFETIME_STATIC_ARGUMENT:
    case LIFETIME_STATIC_GROUP:
        return true;
    case LIFETIME_HOLDER:
        return node->kind >= GRAPH_TEXT;
    default:
        return node->kind == GRAPH_ADDRESS;
    }
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

int image_plan(struct marshal_plan *plan, struct arena *arena)
{
    const struct config_function *function = plan->function;

    if (!is_fit(plan)) {
        return 0;
    }
    plan->global_bytes = arena_alloc(arena, function->n_globals * sizeof(*plan->global_bytes));
    if (plan->global_bytes == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < function->n_globals; i++) {
        int64_t count;

        if (marshal_count(plan, &function->globals[i].description.count, NULL, NULL, &count) != 0 ||
            count > UINT16_MAX || plan->global_writes[i]->size_bytes > UINT16_MAX ||
            count * plan->global_writes[i]->n_edges > MAX_POINTERS) {
            return 0;
        }
        plan->global_bytes[i] = (uint32_t)count * plan->global_writes[i]->size_bytes;
    }
    plan->has_image = true;
    return 0;
}
