// SPDX-License-Identifier: MIT
/*
 * What descriptions claim of other parameters: that a count is part of the key, that memory can be
 * written again, that a buffer is there to be filled. Parameters may be described in any order, so
 * claims are gathered while they are read and looked at when all of them are known.
 */
#include "config/shape.h"

struct shape_claim {
    enum claim_kind kind;
    const struct value *value; /* that makes it */
    struct config_count count;
    struct config_lifetime lifetime;
    struct config_condition *condition; /* where it goes */
    struct shape_claim *next;
};

/* What they are held against. */
struct court {
    struct shape_scope *scope;
    struct config_description *parameters;
    const struct value *const *values;
};

static struct shape_claim *add(struct shape_scope *scope, const struct value *value,
                               enum claim_kind kind)
{
    struct shape_claim *claim = work_alloc(scope->work, sizeof(*claim));

    *claim = (struct shape_claim){.kind = kind, .value = value, .next = scope->claims};
    scope->claims = claim;
    return claim;
}

void claims_add_count(struct shape_scope *scope, const struct value *value,
                      const struct config_count *count, enum shape_direction direction)
{
    if (scope->prototype != NULL) {
        add(scope, value, direction == SHAPE_READ ? CLAIM_COUNT_READ : CLAIM_COUNT_WRITTEN)->count =
            *count;
    }
}

void claims_add_lifetime(struct shape_scope *scope, const struct value *value,
                         const struct config_lifetime *lifetime)
{
    if (scope->prototype != NULL) {
        add(scope, value, CLAIM_LIFETIME)->lifetime = *lifetime;
    }
}

void claims_add_condition(struct shape_scope *scope, const struct value *value,
                          struct config_condition *target, enum claim_kind kind)
{
    if (value != NULL) {
        add(scope, value, kind)->condition = target;
    }
}

/* ---- counts ---------------------------------------------------------------------------------- */

static bool check_step(const struct court *court, const struct shape_claim *claim,
                       const struct count_step *step)
{
    const struct config_description *used = &court->parameters[step->parameter];
    const char *name = court->scope->prototype->parameters[step->parameter].name;
    bool is_read = claim->kind == CLAIM_COUNT_READ;

    if (step->kind == COUNT_PARAMETER && used->kind == DESCRIBE_IGNORE) {
        /* Two calls that differ in it would share a key and want different amounts written. */
        return REPORT(court->scope->work->list, claim->value->source.place, COUNT_IGNORED, name);
    }
    if (step->kind == COUNT_POINTEE &&
        (used->kind != DESCRIBE_MEMORY || (is_read && !used->is_in))) {
        return REPORT(court->scope->work->list, claim->value->source.place, COUNT_UNDESCRIBED, name,
                      is_read ? "\"in\" or \"inout\"" : "\"in\", \"out\" or \"inout\"");
    }
    return true;
}

static bool check_count(const struct court *court, const struct shape_claim *claim)
{
    bool is_good = true;

    for (uint32_t i = 0; i < claim->count.n_steps; i++) {
        const struct count_step *step = &claim->count.steps[i];

        if (step->kind == COUNT_PARAMETER || step->kind == COUNT_POINTEE) {
            is_good &= check_step(court, claim, step);
        }
    }
    return is_good;
}

/* ---- lifetimes ------------------------------------------------------------------------------- */

static bool is_writable(const struct config_description *description)
{
    return description->kind == DESCRIBE_SCRATCH || description->is_out;
}

/* What is written again on a hit needs memory that the function may write. */
static bool check_into(const struct court *court, const struct shape_claim *claim)
{
    return shape_any(&court->parameters[claim->lifetime.parameter], is_writable) ||
           REPORT(court->scope->work->list, claim->value->source.place, INTO_NOT_WRITABLE,
                  court->scope->prototype->parameters[claim->lifetime.parameter].name);
}

/* The buffer is given for this, and how large it is leaves the key with it. */
static bool check_storage(const struct court *court, const struct shape_claim *claim)
{
    const struct config_lifetime *lifetime = &claim->lifetime;
    const struct prototype *prototype = court->scope->prototype;
    struct config_description *size = &court->parameters[lifetime->size_parameter];

    if (court->parameters[lifetime->parameter].kind != DESCRIBE_STORAGE) {
        return REPORT(court->scope->work->list, claim->value->source.place, STORAGE_UNDESCRIBED,
                      prototype->parameters[lifetime->parameter].name);
    }
    if (court->values[lifetime->size_parameter] != NULL && size->kind != DESCRIBE_IGNORE) {
        return REPORT(court->scope->work->list,
                      court->values[lifetime->size_parameter]->source.place, STORAGE_SIZE_DESCRIBED,
                      prototype->parameters[lifetime->size_parameter].name);
    }
    *size = (struct config_description){.kind = DESCRIBE_IGNORE};
    return true;
}

static bool is_filled(const struct shape_scope *scope, uint32_t parameter)
{
    for (const struct shape_claim *claim = scope->claims; claim != NULL; claim = claim->next) {
        if (claim->kind == CLAIM_LIFETIME && claim->lifetime.kind == LIFETIME_STORAGE &&
            claim->lifetime.parameter == parameter) {
            return true;
        }
    }
    return false;
}

static bool check_storages_are_filled(const struct court *court)
{
    const struct prototype *prototype = court->scope->prototype;
    bool is_good = true;

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        if (court->parameters[i].kind == DESCRIBE_STORAGE && !is_filled(court->scope, i)) {
            is_good = REPORT(court->scope->work->list, court->values[i]->source.place,
                             STORAGE_UNFILLED, prototype->parameters[i].name);
        }
    }
    return is_good;
}

bool claims_check(struct shape_scope *scope, struct config_description *parameters,
                  const struct value *const *values)
{
    const struct court court = {scope, parameters, values};
    bool is_good = check_storages_are_filled(&court);

    /* Storages first: what they take out of the key no count may depend on. */
    for (const struct shape_claim *claim = scope->claims; claim != NULL; claim = claim->next) {
        if (claim->kind == CLAIM_LIFETIME && claim->lifetime.kind == LIFETIME_STORAGE) {
            is_good &= check_storage(&court, claim);
        } else if (claim->kind == CLAIM_LIFETIME && claim->lifetime.kind == LIFETIME_INTO) {
            is_good &= check_into(&court, claim);
        }
    }
    for (const struct shape_claim *claim = scope->claims; claim != NULL; claim = claim->next) {
        if (claim->kind == CLAIM_COUNT_READ || claim->kind == CLAIM_COUNT_WRITTEN) {
            is_good &= check_count(&court, claim);
        }
    }
    return is_good;
}

bool claims_read_conditions(struct shape_scope *scope, const struct condition_scope *conditions)
{
    struct condition_scope before = *conditions;
    bool is_good = true;

    before.is_before = true;
    before.is_tested = false;
    for (const struct shape_claim *claim = scope->claims; claim != NULL; claim = claim->next) {
        if (claim->kind == CLAIM_WHEN || claim->kind == CLAIM_IF) {
            is_good &=
                condition_read(scope->work, claim->value,
                               claim->kind == CLAIM_IF ? &before : conditions, claim->condition);
        }
    }
    return is_good;
}
