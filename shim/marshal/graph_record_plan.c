// SPDX-License-Identifier: MIT
/*
 * Which functions have records with pointers, and what is needed for them: a node for the result,
 * for each out parameter and each variable, whether pointers stand in them or not. All other
 * functions have flat records, and none of this.
 */
#include "marshal/graph.h"
#include "marshal/graph_image.h"

#include <errno.h>

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -ENOTSUP;
}

/* ---- who needs it ---------------------------------------------------------------------------- */

static bool result_needs_graph(const struct config_function *function)
{
    const struct config_description *result = &function->result;

    if (result->writes != NULL || result->kind == DESCRIBE_MEMORY ||
        result->when.n_comparisons > 0) {
        return true;
    }
    return result->kind == DESCRIBE_OUT_STRING &&
           ((result->lifetime.kind != LIFETIME_STATIC && result->lifetime.kind != LIFETIME_INTO) ||
            function->prototype.result->target->size_bytes > 1);
}

static bool needs_graph(const struct config_function *function)
{
    for (uint32_t i = 0; i < function->prototype.n_parameters; i++) {
        const struct config_description *description = &function->parameters[i];

        if (description->writes != NULL || description->kind == DESCRIBE_STORAGE ||
            description->when.n_comparisons > 0) {
            return true;
        }
    }
    return function->n_globals > 0 || result_needs_graph(function);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* Memory of the caller's. */
static int plan_written(struct marshal_plan *plan, const struct config_description *description,
                        struct arena *arena, const struct graph_node **ret_node,
                        const char **ret_reason)
{
    const struct config_pointee *writes = description->writes;
    struct config_pointee *plain;

    if (writes == NULL) {
        plain = arena_alloc(arena, sizeof(*plain));
        if (plain == NULL) {
            return -ENOMEM;
        }
        *plain = (struct config_pointee){.kind = POINTEE_ELEMENTS,
                                         .type = description->element,
                                         .element_size = description->element_size,
                                         .count = description->count};
        writes = plain;
    }
    return graph_compile(plan, writes, GRAPH_WRITTEN, arena, ret_node, ret_reason);
}

/* What a pointer that is returned leads to. */
static int plan_result(struct marshal_plan *plan, struct arena *arena, const char **ret_reason)
{
    const struct config_description *result = &plan->function->result;
    const struct ctype *target = plan->function->prototype.result->target;
    struct config_pointee *pointee = arena_alloc(arena, sizeof(*pointee));

    if (pointee == NULL) {
        return -ENOMEM;
    }
    switch (result->kind) {
    case DESCRIBE_OUT_STRING:
        pointee->kind = POINTEE_TEXT;
        pointee->type = target;
        pointee->element_size = target->size_bytes > 0 ? target->size_bytes : 1;
        break;
    case DESCRIBE_OFFSET:
        pointee->kind = POINTEE_ADDRESS;
        break;
    case DESCRIBE_MEMORY:
        *pointee = *result->writes;
        break;
    default:
        return 0;
    }
    pointee->lifetime = result->lifetime;
    return graph_compile(plan, pointee, GRAPH_HANDED_OUT, arena, &plan->result_writes, ret_reason);
}

static int plan_globals(struct marshal_plan *plan, struct arena *arena, const char **ret_reason)
{
    uint32_t n_globals = plan->function->n_globals;
    int error = 0;

    plan->global_writes = arena_alloc(arena, n_globals * sizeof(const struct graph_node *));
    if (plan->global_writes == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n_globals && error == 0; i++) {
        const struct config_description *description = &plan->function->globals[i].description;

        if (plan->bindings.globals == NULL || plan->bindings.globals[i] == NULL) {
            return refuse(ret_reason, "a variable that it sets is not in the process");
        }
        if (description->kind != DESCRIBE_MEMORY ||
            !marshal_count_is_known_before(plan->function, &description->count)) {
            return refuse(ret_reason, "a variable that it sets is not described as memory");
        }
        error = plan_written(plan, description, arena, &plan->global_writes[i], ret_reason);
        if (error == 0 && plan->global_writes[i]->kind != GRAPH_ELEMENTS) {
            return refuse(ret_reason, "a variable that it sets is a list without a count");
        }
    }
    return error;
}

static bool has_storage(const struct marshal_plan *plan)
{
    for (uint32_t i = 0; i < plan->places->n; i++) {
        if (plan->places->items[i].kind == LIFETIME_STORAGE) {
            return true;
        }
    }
    return false;
}

int graph_plan_record(struct marshal_plan *plan, struct arena *arena, const char **ret_reason)
{
    const struct config_function *function = plan->function;
    bool is_variant = plan->places != NULL;
    int error = 0;

    /* With places that others share, what is static must lie in them. */
    plan->has_graph_record = is_variant || needs_graph(function);
    if (!plan->has_graph_record) {
        return 0;
    }
    if (plan->places == NULL) {
        plan->places = arena_alloc(arena, sizeof(*plan->places));
    }
    if (plan->places == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_parameters && error == 0; i++) {
        if (plan->parameters[i].out_slot >= 0) {
            error = plan_written(plan, &function->parameters[i], arena, &plan->parameters[i].writes,
                                 ret_reason);
        }
    }
    if (error == 0 && function->result.kind == DESCRIBE_VALUE && function->result.writes != NULL) {
        plan->result_value_bytes = 0;
        error = graph_compile(plan, function->result.writes, GRAPH_WRITTEN, arena,
                              &plan->result_writes, ret_reason);
    } else if (error == 0 && function->prototype.result->kind == CTYPE_POINTER) {
        error = plan_result(plan, arena, ret_reason);
    }
    if (error == 0) {
        error = plan_globals(plan, arena, ret_reason);
    }
    plan->has_written_apart = function->n_globals > 0 || has_storage(plan);
    return error != 0 || is_variant ? error : image_plan(plan, arena);
}
