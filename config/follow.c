// SPDX-License-Identifier: MIT
/*
 * What lies behind the pointers of a path. One is followed only where a description says that there
 * is memory, and only so far: what cannot be known here is left to whoever reads the path, as the
 * bound of a hop. What a function that failed has left behind in its out parameters may be
 * anything, so pointers found there are only followed behind a test.
 */
#include "config/path.h"

/* What a pointer leads to, however it is described. */
struct target {
    enum target_kind {
        TARGET_UNKNOWN,
        TARGET_TEXT,
        TARGET_ELEMENTS,
        TARGET_LIST
    } kind;
    const struct ctype *type; /* of one element; NULL: bytes, or as the pointer says */
    const struct config_count *count;
    const struct config_fields *fields;
    const struct config_pointee *next; /* behind elements that are pointers */
};

static struct target target_of_pointee(const struct config_pointee *pointee)
{
    struct target target = {
        .type = pointee->type,
        .count = &pointee->count,
        .fields = pointee->fields,
        .next = pointee->target,
    };

    switch (pointee->kind) {
    case POINTEE_TEXT:
        target.kind = TARGET_TEXT;
        break;
    case POINTEE_ELEMENTS:
        target.kind = TARGET_ELEMENTS;
        break;
    case POINTEE_LIST:
        target.kind = TARGET_LIST;
        target.type = NULL;
        break;
    default:
        break;
    }
    return target;
}

static const struct config_description *described(const struct path_reader *reader,
                                                  const struct path *side)
{
    return side->operand.kind == OPERAND_RETURN
               ? reader->scope->result
               : &reader->scope->parameters[side->operand.parameter];
}

/* What lies behind it at the time the condition is asked. */
static const struct config_pointee *find_pointee(const struct path_reader *reader,
                                                 const struct config_description *description)
{
    return description->is_out && !reader->scope->is_before ? description->writes
                                                            : description->reads;
}

static struct target target_of_description(const struct path_reader *reader,
                                           const struct config_description *description)
{
    static const struct config_pointee text = {.kind = POINTEE_TEXT, .element_size = 1};
    const struct config_pointee *pointee = find_pointee(reader, description);

    switch (description->kind) {
    case DESCRIBE_STRING:
    case DESCRIBE_PATH:
    case DESCRIBE_OUT_STRING:
        return (struct target){.kind = TARGET_TEXT};
    case DESCRIBE_STRINGS:
        return (struct target){.kind = TARGET_LIST, .next = &text};
    case DESCRIBE_MEMORY:
        return pointee != NULL ? target_of_pointee(pointee)
                               : (struct target){.kind = TARGET_ELEMENTS,
                                                 .type = description->element,
                                                 .count = &description->count};
    default:
        return (struct target){.kind = TARGET_UNKNOWN};
    }
}

/* Of the pointer that the path stands on. */
static struct target find_target(const struct path_reader *reader, const struct path *side)
{
    uint32_t offset = side->operand.offset_bytes - side->record_bytes;

    if (side->operand.n_hops == 0 && !side->is_member) {
        return target_of_description(reader, described(reader, side));
    }
    if (!side->is_member) {
        return side->next != NULL ? target_of_pointee(side->next)
                                  : (struct target){.kind = TARGET_UNKNOWN};
    }
    for (uint32_t i = 0; side->fields != NULL && i < side->fields->n_fields; i++) {
        if (side->fields->fields[i].offset_bytes == offset) {
            return target_of_pointee(&side->fields->fields[i].pointee);
        }
    }
    return (struct target){.kind = TARGET_UNKNOWN};
}

void path_begin(const struct path_reader *reader, struct path *side)
{
    const struct config_pointee *pointee = find_pointee(reader, described(reader, side));

    side->fields = ctype_is_record(side->type) && pointee != NULL ? pointee->fields : NULL;
}

/* A character, as far as the pointer itself says. */
static bool may_point_to_bytes(const struct ctype *pointer)
{
    return ctype_is_text_pointer(pointer) || pointer->target->kind == CTYPE_VOID;
}

bool path_leads_to_text(const struct path_reader *reader, const struct path *side)
{
    struct target target;

    if (side->type->kind != CTYPE_POINTER || !may_point_to_bytes(side->type)) {
        return false;
    }
    target = find_target(reader, side);
    return target.kind == TARGET_TEXT && (target.type == NULL || target.type->size_bytes == 1);
}

bool path_leads_to_wide_text(const struct path_reader *reader, const struct path *side)
{
    return side->type->kind == CTYPE_POINTER && ctype_character_bytes(side->type) > 1 &&
           find_target(reader, side).kind == TARGET_TEXT;
}

/* As it is written: "p", "return->next". */
static const char *pointer_text(const struct path_reader *reader, const struct path *side)
{
    return work_copy_text(reader->work, side->begin, (size_t)(side->end - side->begin));
}

/* ---- how far memory reaches ------------------------------------------------------------------ */

/* A count that the call may change: how many elements there were before it is not known after. */
static const char *find_unsettled(const struct path_reader *reader,
                                  const struct config_count *count)
{
    for (uint32_t i = 0; i < count->n_steps; i++) {
        uint32_t parameter = count->steps[i].parameter;

        if (count->steps[i].kind == COUNT_POINTEE && reader->scope->parameters[parameter].is_in &&
            reader->scope->parameters[parameter].is_out) {
            return reader->scope->prototype->parameters[parameter].name;
        }
    }
    return NULL;
}

static bool bound_elements(struct path_reader *reader, const struct path *side,
                           const struct target *target, uint64_t index, struct condition_hop *hop)
{
    const struct config_count *count = target->count;
    uint64_t n_bytes = hop->element_size;
    const char *unsettled = find_unsettled(reader, count);

    if (unsettled != NULL) {
        return CONDITION_FAIL(reader, side->offset, COUNT_UNSETTLED, pointer_text(reader, side),
                              unsettled);
    }
    if (count->n_steps > 1 || (count->n_steps == 1 && count->steps[0].kind != COUNT_NUMBER)) {
        hop->bound = HOP_COUNTED;
        hop->count = count;
        hop->record_bytes = side->record_bytes;
        return true;
    }
    if (count->n_steps == 1 &&
        __builtin_mul_overflow(n_bytes, (uint64_t)count->steps[0].number, &n_bytes)) {
        n_bytes = UINT64_MAX;
    }
    return hop->end_bytes <= n_bytes ||
           CONDITION_FAIL(reader, side->offset, INDEX_BEYOND, pointer_text(reader, side),
                          work_number(reader->work, index));
}

/* The type of one element, as the description or the pointer has it; NULL: said why. */
static const struct ctype *find_element(struct path_reader *reader, const struct path *side,
                                        const struct target *target)
{
    const struct ctype *type = side->type->target;

    /* A struct's pointer to the struct itself was declared before its members were known. */
    if ((type->kind == CTYPE_VOID || type->kind == CTYPE_OPAQUE) && target->type != NULL) {
        type = target->type;
    }
    if (!ctype_is_scalar(type) && !ctype_is_record(type) && type->kind != CTYPE_POINTER) {
        CONDITION_FAIL(reader, side->offset, POINTEE_NO_SCALAR, side->type->text);
        return NULL;
    }
    return type;
}

/* Pointers in memory that a function writes through a parameter are there when it succeeded. */
static bool is_untested(const struct path_reader *reader, const struct path *side)
{
    const struct config_description *description = described(reader, side);

    return side->operand.kind == OPERAND_PARAMETER && side->operand.n_hops > 0 &&
           description->is_out && description->when.n_comparisons == 0 &&
           !reader->scope->is_before && !reader->is_tested;
}

static bool check_known(struct path_reader *reader, const struct path *side,
                        const struct target *target)
{
    const struct config_description *description = described(reader, side);

    if (description->kind == DESCRIBE_ALTERNATIVES) {
        return CONDITION_FAIL(reader, side->offset, POINTEE_ALTERNATIVES,
                              pointer_text(reader, side));
    }
    if (target->kind == TARGET_UNKNOWN) {
        return CONDITION_FAIL(reader, side->offset, POINTEE_UNDESCRIBED,
                              pointer_text(reader, side));
    }
    if (reader->scope->is_before && !description->is_in) {
        return CONDITION_FAIL(reader, side->offset, BEFORE_THE_CALL,
                              work_join(reader->work, "*", pointer_text(reader, side), ""));
    }
    return !is_untested(reader, side) ||
           CONDITION_FAIL(reader, side->offset, FOLLOW_UNTESTED, pointer_text(reader, side));
}

bool path_follow(struct path_reader *reader, struct path *side, uint64_t index)
{
    struct target target = {.kind = TARGET_UNKNOWN};
    const struct ctype *element;
    struct condition_hop *hop;
    uint64_t end_bytes;

    if (side->type->kind != CTYPE_POINTER) {
        return CONDITION_FAIL(reader, side->offset, POINTEE_NO_SCALAR, side->type->text);
    }
    if (side->operand.n_hops == CONDITION_MAX_HOPS) {
        return CONDITION_FAIL(reader, side->offset, TOO_MANY_HOPS,
                              work_number(reader->work, CONDITION_MAX_HOPS));
    }
    if (reader->scope->is_described) {
        target = find_target(reader, side);
        if (!check_known(reader, side, &target)) {
            return false;
        }
    }
    element = find_element(reader, side, &target);
    if (element == NULL) {
        return false;
    }
    end_bytes = (index + 1) * element->size_bytes;
    if (end_bytes > UINT32_MAX) {
        return CONDITION_FAIL(reader, side->offset, COUNT_OVERFLOW);
    }
    if (side->hops == NULL) {
        side->hops = work_alloc(reader->work, CONDITION_MAX_HOPS * sizeof(side->hops[0]));
        side->operand.hops = side->hops;
    }
    hop = &side->hops[side->operand.n_hops];
    *hop = (struct condition_hop){
        .offset_bytes = side->operand.offset_bytes,
        .end_bytes = (uint32_t)end_bytes,
        .bound = target.kind == TARGET_TEXT   ? HOP_TEXT
                 : target.kind == TARGET_LIST ? HOP_LIST
                                              : HOP_FREE,
        .element_size = element->size_bytes,
    };
    if (target.kind == TARGET_ELEMENTS) {
        hop->element_size = target.type != NULL ? target.type->size_bytes : 1;
        if (!bound_elements(reader, side, &target, index, hop)) {
            return false;
        }
    }
    side->operand.n_hops++;
    side->operand.offset_bytes = side->record_bytes = (uint32_t)index * element->size_bytes;
    side->type = element;
    side->is_member = false;
    side->fields = target.fields;
    side->next = target.next;
    return true;
}
