// SPDX-License-Identifier: MIT
/*
 * Alternatives: of parameters, or a result, that mean one thing or another as conditions on the
 * arguments say. Each way in which the choices can fall has a plan of its own, in which there are
 * no alternatives any more, so that nothing else knows of them. Which one it was is the last byte
 * of a key and the first of a record.
 *
 * All plans share the places of what is handed out: a function has one static buffer.
 */
#include "marshal/variants.h"

#include <errno.h>

#define MAX_VARIANTS 64

/* Of one parameter, or the result: how many descriptions it has to choose from. */
static uint32_t n_choices(const struct config_description *description)
{
    return description->kind == DESCRIBE_ALTERNATIVES ? description->n_alternatives : 1;
}

static const struct config_description *description_at(const struct config_function *function,
                                                       uint32_t i)
{
    return i < function->prototype.n_parameters ? &function->parameters[i] : &function->result;
}

/* Of all parameters and the result together; 0: too many. */
static uint32_t count_variants(const struct config_function *function)
{
    uint32_t n = 1;

    for (uint32_t i = 0; i <= function->prototype.n_parameters; i++) {
        n *= n_choices(description_at(function, i));
        if (n > MAX_VARIANTS) {
            return 0;
        }
    }
    return n;
}

bool variants_are_needed(const struct config_function *function)
{
    for (uint32_t i = 0; i <= function->prototype.n_parameters; i++) {
        if (description_at(function, i)->kind == DESCRIBE_ALTERNATIVES) {
            return true;
        }
    }
    return false;
}

/* ---- plans ----------------------------------------------------------------------------------- */

/* The description that stands for one with alternatives in variant; *variant loses that digit. */
static const struct config_description *resolve(const struct config_description *description,
                                                uint32_t *variant)
{
    uint32_t n = n_choices(description), choice = *variant % n;

    *variant /= n;
    return description->kind == DESCRIBE_ALTERNATIVES ? &description->alternatives[choice]
                                                      : description;
}

static int make_function(const struct config_function *function, uint32_t variant,
                         struct arena *arena, const struct config_function **ret_function)
{
    uint32_t n_parameters = function->prototype.n_parameters;
    struct config_function *copy = arena_alloc(arena, sizeof(*copy));
    struct config_description *parameters = arena_alloc(arena, n_parameters * sizeof(*parameters));

    if (copy == NULL || parameters == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n_parameters; i++) {
        parameters[i] = *resolve(&function->parameters[i], &variant);
    }
    *copy = *function;
    copy->parameters = parameters;
    copy->result = *resolve(&function->result, &variant);
    *ret_function = copy;
    return 0;
}

int variants_create(struct marshal_plan *plan, struct arena *arena, const char **ret_reason)
{
    uint32_t n = count_variants(plan->function);
    struct marshal_places *places = arena_alloc(arena, sizeof(*places));
    int error = 0;

    if (n == 0) {
        *ret_reason = "its alternatives can fall in more than 64 ways";
        return -ENOTSUP;
    }
    plan->variants = arena_alloc(arena, n * sizeof(plan->variants[0]));
    if (plan->variants == NULL || places == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n && error == 0; i++) {
        const struct config_function *function;

        error = make_function(plan->function, i, arena, &function);
        if (error == 0) {
            error = plan_create_variant(function, &plan->bindings, places, arena,
                                        &plan->variants[i], ret_reason);
        }
    }
    plan->n_variants = n;
    return error;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The first alternative whose condition holds; or -ENOTSUP. */
static int choose_one(const struct config_function *function,
                      const struct config_description *description, void *const *arguments,
                      uint32_t *ret_choice)
{
    *ret_choice = 0;
    if (description->kind != DESCRIBE_ALTERNATIVES) {
        return 0;
    }
    while (*ret_choice < description->n_alternatives) {
        if (marshal_condition_holds(&description->alternatives[*ret_choice].condition, function,
                                    arguments, NULL, MARSHAL_ERRNO_UNTOUCHED)) {
            return 0;
        }
        ++*ret_choice;
    }
    return -ENOTSUP;
}

int variants_choose(const struct marshal_plan *plan, void *const *arguments, uint32_t *ret_variant)
{
    uint32_t weight = 1, choice;

    *ret_variant = 0;
    for (uint32_t i = 0; i <= plan->n_parameters; i++) {
        const struct config_description *description = description_at(plan->function, i);
        int error = choose_one(plan->function, description, arguments, &choice);

        if (error != 0) {
            return error;
        }
        *ret_variant += choice * weight;
        weight *= n_choices(description);
    }
    return 0;
}

int variants_capture(const struct marshal_plan *plan, void *const *arguments, const void *result,
                     const struct marshal_call *call, int32_t set_errno,
                     struct marshal_buffer *buffer)
{
    unsigned char variant = (unsigned char)call->variant;
    int error = marshal_buffer_put(buffer, &variant, 1, plan->limit_bytes);

    return error != 0 ? error
                      : marshal_capture(plan->variants[call->variant], arguments, result, call,
                                        set_errno, buffer);
}

int variants_open(const struct marshal_plan *plan, struct bytes record, uint32_t variant,
                  const struct marshal_plan **ret_plan, struct bytes *ret_record)
{
    const unsigned char *bytes = record.data;

    if (record.n_bytes == 0 || bytes[0] != variant || variant >= plan->n_variants) {
        return -EBADMSG;
    }
    *ret_plan = plan->variants[variant];
    *ret_record = (struct bytes){bytes + 1, record.n_bytes - 1};
    return 0;
}
