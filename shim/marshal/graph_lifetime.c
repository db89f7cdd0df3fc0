// SPDX-License-Identifier: MIT
/*
 * From lifetimes to places: where memory that is handed out will lie when a call is replayed, and
 * whether all is there that this needs. A place is shared by everything in it: one block of thread
 * memory for all that is static, one buffer of the caller's for all that is stored there.
 */
#include "marshal/graph.h"

#include <errno.h>
#include <string.h>

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -ENOTSUP;
}

/* ---- pointers into arguments ----------------------------------------------------------------- */

static bool is_scratch(const struct marshal_plan *plan, uint32_t parameter)
{
    return plan->function->parameters[parameter].kind == DESCRIBE_SCRATCH;
}

bool graph_is_pointer_alone(const struct marshal_plan *plan, const struct graph_node *node)
{
    return node->lifetime->kind == LIFETIME_IMMORTAL || node->pointee->kind == POINTEE_ADDRESS ||
           (node->lifetime->kind == LIFETIME_INTO && !is_scratch(plan, node->lifetime->parameter));
}

static int place_into(const struct marshal_plan *plan, struct graph_node *node,
                      const char **ret_reason)
{
    uint32_t parameter = node->lifetime->parameter;
    const struct config_description *into = &plan->function->parameters[parameter];

    if (plan->function->prototype.parameters[parameter].type->kind != CTYPE_POINTER) {
        return refuse(ret_reason, "it hands out a pointer into an argument that is none");
    }
    if (into->kind == DESCRIBE_STORAGE) {
        return refuse(ret_reason, "it hands out a pointer into a storage: that is a lifetime");
    }
    if (into->writes != NULL && into->writes->kind == POINTEE_LIST) {
        return refuse(ret_reason, "it hands out a pointer into a list that it writes");
    }
    node->has_content = node->kind >= GRAPH_TEXT;
    if (!node->has_content) {
        return 0;
    }
    if (graph_leads_on(node)) {
        return refuse(ret_reason, "it writes pointers into scratch memory");
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (plan->function->parameters[i].reads != NULL) {
            return refuse(ret_reason,
                          "it writes into scratch memory, and reads memory behind pointers");
        }
    }
    return 0;
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool is_at(const struct marshal_place *place, const struct config_lifetime *lifetime)
{
    if (place->kind != lifetime->kind) {
        return false;
    }
    switch (lifetime->kind) {
    case LIFETIME_STATIC_ARGUMENT:
        return place->parameter == lifetime->parameter;
    case LIFETIME_STATIC_GROUP:
        return strcmp(place->group, lifetime->group) == 0;
    case LIFETIME_STORAGE:
        return place->parameter == lifetime->parameter &&
               place->size_parameter == lifetime->size_parameter;
    default:
        return true;
    }
}

static int get_thread_slot(struct marshal_place *place, const char **ret_reason)
{
    place->slot =
        place->group != NULL ? thread_memory_group_slot(place->group) : thread_memory_new_slot();
    return place->slot == THREAD_MEMORY_MAX_SLOTS
               ? refuse(ret_reason, "more than 1024 functions with static results are named")
               : 0;
}

static int get_tied_slot(struct marshal_place *place, const char **ret_reason)
{
    place->slot = tied_memory_new_slot();
    return place->slot == TIED_MEMORY_MAX_SLOTS
               ? refuse(ret_reason, "too many functions have results that belong to an argument")
               : 0;
}

static bool is_integer(const struct ctype *type)
{
    return type->kind == CTYPE_SIGNED || type->kind == CTYPE_UNSIGNED;
}

static int check_place(const struct marshal_plan *plan, const struct marshal_place *place,
                       const char **ret_reason)
{
    const struct prototype_parameter *parameters = plan->function->prototype.parameters;
    const struct ctype *type = parameters[place->parameter].type;

    if (place->kind == LIFETIME_STORAGE &&
        (type->kind != CTYPE_POINTER || !is_integer(parameters[place->size_parameter].type))) {
        return refuse(ret_reason, "its storage is not a buffer and the number of its bytes");
    }
    if (place->kind == LIFETIME_STATIC_ARGUMENT && !is_integer(type) &&
        type->kind != CTYPE_POINTER) {
        return refuse(ret_reason, "its results belong to an argument that is no handle");
    }
    return 0;
}

static int find_place(const struct marshal_plan *plan, struct graph_node *node,
                      const char **ret_reason)
{
    const struct config_lifetime *lifetime = node->lifetime;
    struct marshal_places *places = plan->places;
    struct marshal_place *place;
    int error;

    for (node->place = 0; node->place < places->n; node->place++) {
        if (is_at(&places->items[node->place], lifetime)) {
            return 0;
        }
    }
    if (places->n == MARSHAL_MAX_PLACES) {
        return refuse(ret_reason, "what it hands out lies in too many places");
    }
    place = &places->items[places->n++];
    *place = (struct marshal_place){.kind = lifetime->kind,
                                    .parameter = lifetime->parameter,
                                    .size_parameter = lifetime->size_parameter};
    error = check_place(plan, place, ret_reason);
    if (error != 0 || lifetime->kind == LIFETIME_STORAGE) {
        return error;
    }
    if (lifetime->kind == LIFETIME_STATIC_GROUP) {
        place->group = lifetime->group;
    }
    return lifetime->kind == LIFETIME_STATIC_ARGUMENT ? get_tied_slot(place, ret_reason)
                                                      : get_thread_slot(place, ret_reason);
}

int graph_place(struct marshal_plan *plan, struct graph_node *node, const char **ret_reason)
{
    switch (node->lifetime->kind) {
    case LIFETIME_INTO:
        return place_into(plan, node, ret_reason);
    case LIFETIME_IMMORTAL:
    case LIFETIME_HOLDER:
        return 0;
    case LIFETIME_FREED_BY:
        if (plan->bindings.hand_out == NULL || plan->bindings.forget == NULL) {
            return refuse(ret_reason, "the function that frees what it hands out is not followed");
        }
        /* fall through */
    case LIFETIME_CALLER:
        return plan->bindings.allocate != NULL && plan->bindings.release != NULL
                   ? 0
                   : refuse(ret_reason, "the program's malloc and free are not found");
    case LIFETIME_NONE:
        return node->kind == GRAPH_ADDRESS
                   ? 0
                   : refuse(ret_reason, "a pointer that it hands out has no lifetime");
    default:
        return find_place(plan, node, ret_reason);
    }
}
