// SPDX-License-Identifier: MIT
/*
 * Reads what a pointer means: the descriptions in `args` and `returns`. That each pointer has one,
 * and that they fit together, is function.c's business.
 */
#include "config/language.h"

#include <string.h>

static bool report_mismatch(struct workspace *work, const struct value *value,
                            const struct prototype *prototype,
                            const struct prototype_parameter *parameter, const char *word)
{
    REPORT(work->list, value->source.place, DESCRIPTION_MISMATCH, word, parameter->name,
           parameter->type->text, suggest_parameter(work, prototype, parameter));
    return false;
}

/* ---- one word -------------------------------------------------------------------------------- */

static bool check_word(struct workspace *work, const struct value *value,
                       const struct prototype *prototype,
                       const struct prototype_parameter *parameter, enum description_kind kind)
{
    const struct ctype *type = parameter->type;
    const char *word = value->source.text;

    if (kind == DESCRIBE_IGNORE) {
        return true;
    }
    if (type->kind != CTYPE_POINTER) {
        return report_mismatch(work, value, prototype, parameter, word);
    }
    if (((kind == DESCRIBE_STRING && ctype_character_bytes(type) == 0) ||
         (kind == DESCRIBE_PATH && !ctype_is_text_pointer(type))) &&
        type->target->kind != CTYPE_VOID) {
        return report_mismatch(work, value, prototype, parameter, word);
    }
    if (kind == DESCRIBE_STRINGS && !ctype_is_text_pointer(type->target) &&
        type->target->kind != CTYPE_VOID) {
        return report_mismatch(work, value, prototype, parameter, word);
    }
    if (kind == DESCRIBE_SCRATCH && ctype_is_function_pointer(type)) {
        return report_mismatch(work, value, prototype, parameter, word);
    }
    if (kind == DESCRIBE_SCRATCH && type->target->is_const) {
        REPORT(work->list, value->source.place, CONST_WRITTEN, word, parameter->name, type->text);
        return false;
    }
    return true;
}

static bool read_word(struct workspace *work, const struct value *value,
                      const struct prototype *prototype,
                      const struct prototype_parameter *parameter, struct config_description *ret)
{
    const struct ctype *type = parameter->type;
    int kind;

    if (!word_read(work, value, WORDS_DESCRIPTION, &kind) ||
        !check_word(work, value, prototype, parameter, kind)) {
        return false;
    }
    ret->kind = kind;
    ret->is_in = kind != DESCRIBE_IGNORE && kind != DESCRIBE_SCRATCH;
    if (kind == DESCRIBE_STRING) {
        ret->element_size = type->target->kind == CTYPE_VOID ? 1 : ctype_character_bytes(type);
    }
    return true;
}

/* ---- elements -------------------------------------------------------------------------------- */

static bool fits_target(struct workspace *work, const struct ctype *element,
                        const struct ctype *target)
{
    if (target->kind == CTYPE_VOID) {
        return true;
    }
    if (element == NULL) {
        return target->kind != CTYPE_POINTER;
    }
    if (ctype_is_record(element)) {
        return ctype_equal(ctype_make_const(work, element), ctype_make_const(work, target));
    }
    if (ctype_is_integer(element) && ctype_is_integer(target)) {
        return element->size_bytes == target->size_bytes;
    }
    return element->kind == target->kind;
}

/* The T of { "in": T }: a scalar type, a struct or union without pointers, or "bytes". */
static bool read_element(struct workspace *work, const struct value *value,
                         const struct prototype *prototype,
                         const struct prototype_parameter *parameter,
                         struct config_description *ret)
{
    const char *text = value->source.text;
    const struct ctype *element = NULL;

    if (value->kind == VALUE_OBJECT || value->kind == VALUE_ARRAY) {
        REPORT(work->list, value->source.place, NESTED_LATER);
        return false;
    }
    if (!value_expect(work, value, VALUE_STRING, "a type")) {
        return false;
    }
    if (strcmp(text, "string") == 0 || strcmp(text, "strings") == 0 || strcmp(text, "path") == 0) {
        REPORT(work->list, value->source.place, WORD_LATER, value_name(work, value), text);
        return false;
    }
    if (strcmp(text, "bytes") != 0) {
        element = prototype_parse_type(work, &value->source);
        if (element == NULL) {
            return false;
        }
        if (element->kind == CTYPE_POINTER || element->kind == CTYPE_OPAQUE ||
            element->kind == CTYPE_ARRAY) {
            REPORT(work->list, value->source.place, ELEMENT_LATER, element->text);
            return false;
        }
        if (ctype_find_pointer(element) != NULL) {
            REPORT(work->list, value->source.place, FIELD_LATER, element->text,
                   ctype_find_pointer(element));
            return false;
        }
        if (element->kind == CTYPE_VOID) {
            REPORT(work->list, value->source.place, ELEMENT_VOID);
            return false;
        }
    }
    if (parameter->type->kind != CTYPE_POINTER || ctype_is_function_pointer(parameter->type) ||
        !fits_target(work, element, parameter->type->target)) {
        return report_mismatch(work, value, prototype, parameter, text);
    }
    ret->kind = DESCRIBE_MEMORY;
    ret->element = element;
    ret->element_size = element != NULL ? element->size_bytes : 1;
    return true;
}

/* ---- a parameter ----------------------------------------------------------------------------- */

/* The members of one description object. */
struct members {
    const struct value *in, *out, *inout, *direction; /* direction: the one that is given */
    const struct value *count, *secret, *lifetime;
    bool is_approximate; /* one of them says how */
};

static bool read_members(struct workspace *work, const struct value *object, struct members *ret)
{
    bool is_good = keys_check(work, object, IN_DESCRIPTION);

    *ret = (struct members){
        .in = value_find(object, "in"),
        .out = value_find(object, "out"),
        .inout = value_find(object, "inout"),
        .count = value_find(object, "count"),
        .secret = value_find(object, "secret"),
        .lifetime = value_find(object, "lifetime"),
        .is_approximate =
            value_find(object, "round") != NULL || value_find(object, "drop_bits") != NULL,
    };
    ret->direction = ret->in != NULL ? ret->in : ret->out != NULL ? ret->out : ret->inout;
    if ((ret->in != NULL) + (ret->out != NULL) + (ret->inout != NULL) > 1) {
        REPORT(work->list, object->source.place, TWO_DIRECTIONS);
        is_good = false;
    }
    if (ret->secret != NULL) {
        is_good &= value_expect(work, ret->secret, VALUE_BOOL, "true or false");
    }
    return is_good;
}

static bool is_secret(const struct members *members)
{
    return members->secret != NULL && members->secret->is_true;
}

/* { "secret": true } or { "round": 0.1 } on a scalar. */
static bool read_undirected(struct workspace *work, const struct value *value,
                            const struct members *members, const struct prototype *prototype,
                            const struct prototype_parameter *parameter,
                            struct config_description *ret)
{
    if (parameter->type->kind == CTYPE_POINTER || members->count != NULL ||
        (members->secret == NULL && !members->is_approximate)) {
        REPORT(work->list, value->source.place, NO_DIRECTION, parameter->name,
               suggest_parameter(work, prototype, parameter));
        return false;
    }
    ret->kind = DESCRIBE_VALUE;
    ret->is_in = true;
    return true;
}

/* { "in": "string" } and the like. */
static bool is_word(const struct value *direction)
{
    static const char *const words[] = {"string", "strings", "path", "address"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (direction->kind == VALUE_STRING && strcmp(direction->source.text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_directed(struct workspace *work, const struct members *members,
                          const struct prototype *prototype,
                          const struct prototype_parameter *parameter,
                          struct config_description *ret)
{
    const struct value *direction = members->direction;
    const struct ctype *type = parameter->type;
    bool is_good;

    if (direction == members->in && is_word(direction)) {
        is_good = read_word(work, direction, prototype, parameter, ret);
        if (members->count != NULL) {
            REPORT(work->list, members->count->key_place, COUNT_OF_WORD, direction->source.text);
            is_good = false;
        }
        return is_good;
    }
    is_good = read_element(work, direction, prototype, parameter, ret);
    ret->is_in = direction != members->out;
    ret->is_out = direction != members->in;
    if (ret->is_out && type->kind == CTYPE_POINTER && type->target->is_const) {
        REPORT(work->list, direction->key_place, CONST_WRITTEN, direction->key, parameter->name,
               type->text);
        is_good = false;
    }
    if (members->count != NULL) {
        is_good &= count_read(work, members->count, prototype, !ret->is_in, &ret->count);
        ret->count_text = members->count->source.text;
    }
    if (ret->is_out && is_secret(members)) {
        REPORT(work->list, members->secret->key_place, SECRET_OUT_LATER, direction->key);
        is_good = false;
    }
    return is_good;
}

bool shape_read_parameter(struct workspace *work, const struct value *value,
                          const struct prototype *prototype, uint32_t parameter,
                          struct config_description *ret)
{
    const struct prototype_parameter *described = &prototype->parameters[parameter];
    struct config_description description = {.kind = DESCRIBE_VALUE};
    struct members members;
    bool is_good;

    if (value->kind == VALUE_STRING) {
        is_good = read_word(work, value, prototype, described, &description);
    } else if (value->kind == VALUE_ARRAY) {
        REPORT(work->list, value->source.place, ALTERNATIVES_LATER);
        is_good = false;
    } else if (!value_expect(work, value, VALUE_OBJECT, "a word or an object")) {
        is_good = false;
    } else if (!read_members(work, value, &members)) {
        is_good = false;
    } else {
        is_good = members.direction == NULL
                      ? read_undirected(work, value, &members, prototype, described, &description)
                      : read_directed(work, &members, prototype, described, &description);
        if (members.lifetime != NULL) {
            REPORT(work->list, members.lifetime->key_place, LIFETIME_OF_PARAMETER, described->name);
            is_good = false;
        }
        description.is_secret = is_secret(&members);
        is_good = is_good && approximate_read(work, value,
                                              members.direction == NULL ? described->type
                                                                        : description.element,
                                              &description);
    }
    if (is_good) {
        *ret = description;
    }
    return is_good;
}

/* ---- the result ------------------------------------------------------------------------------ */

static bool read_lifetime(struct workspace *work, const struct value *value,
                          const struct prototype *prototype, struct config_description *ret)
{
    const struct value *into;
    int kind, parameter;

    if (value->kind == VALUE_STRING) {
        if (!word_read(work, value, WORDS_LIFETIME, &kind)) {
            return false;
        }
        ret->lifetime.kind = kind;
        return true;
    }
    if (!value_expect(work, value, VALUE_OBJECT, "a word or an object") ||
        !keys_check(work, value, IN_LIFETIME)) {
        return false;
    }
    into = value_find(value, "into");
    if (into == NULL) {
        REPORT(work->list, value->source.place, EMPTY_LIFETIME);
        return false;
    }
    if (!value_expect(work, into, VALUE_STRING, "the name of a parameter")) {
        return false;
    }
    parameter = prototype_find(prototype, into->source.text, strlen(into->source.text));
    if (parameter < 0) {
        REPORT(work->list, into->source.place, UNKNOWN_PARAMETER, prototype->name,
               into->source.text,
               words_hint(work, into->source.text, prototype_names(work, prototype),
                          prototype->n_parameters));
        return false;
    }
    if (prototype->parameters[parameter].type->kind != CTYPE_POINTER ||
        ctype_is_function_pointer(prototype->parameters[parameter].type)) {
        REPORT(work->list, into->source.place, INTO_NO_MEMORY, into->source.text,
               prototype->parameters[parameter].type->text);
        return false;
    }
    ret->lifetime.kind = LIFETIME_INTO;
    ret->lifetime.parameter = (uint32_t)parameter;
    return true;
}

/* Text that is written again on a hit needs memory that the function may write. */
static bool check_out_string_into(struct workspace *work, const struct value *value,
                                  const struct prototype *prototype,
                                  const struct config_description *parameters,
                                  const struct config_description *description)
{
    const struct config_description *target = &parameters[description->lifetime.parameter];

    if (description->lifetime.kind == LIFETIME_INTO && target->kind != DESCRIBE_SCRATCH &&
        !target->is_out) {
        REPORT(work->list, value->source.place, INTO_NOT_WRITABLE,
               prototype->parameters[description->lifetime.parameter].name);
        return false;
    }
    return true;
}

static bool read_result_object(struct workspace *work, const struct value *value,
                               const struct prototype *prototype,
                               const struct config_description *parameters,
                               struct config_description *ret)
{
    const struct ctype *type = prototype->result;
    struct members members;
    bool is_good = read_members(work, value, &members);

    if (!is_good) {
        return false;
    }
    if (members.in != NULL || members.inout != NULL) {
        REPORT(work->list, members.direction->key_place, RESULT_IN, members.direction->key);
        return false;
    }
    is_good &= approximate_read(work, value, NULL, ret);
    if (is_secret(&members)) {
        REPORT(work->list, members.secret->key_place, SECRET_OUT_LATER, "returns");
        is_good = false;
    }
    if (members.count != NULL) {
        REPORT(work->list, members.count->key_place, RESULT_COUNT_LATER);
        is_good = false;
    }
    if (members.out != NULL) {
        if (members.out->kind != VALUE_STRING || strcmp(members.out->source.text, "string") != 0) {
            REPORT(work->list, members.out->source.place, RESULT_OUT_LATER);
            is_good = false;
        } else if (!ctype_is_text_pointer(type) && (type->target->kind != CTYPE_VOID)) {
            REPORT(work->list, members.out->source.place, RESULT_MISMATCH, type->text);
            is_good = false;
        }
    }
    if (members.lifetime == NULL) {
        REPORT(work->list, value->source.place, LIFETIME_MISSING);
        return false;
    }
    is_good &= read_lifetime(work, members.lifetime, prototype, ret);
    if (!is_good) {
        return false;
    }
    if (members.out == NULL) {
        if (ret->lifetime.kind != LIFETIME_INTO) {
            REPORT(work->list, value->source.place, RESULT_NO_OUT);
            return false;
        }
        ret->kind = DESCRIBE_OFFSET;
        return true;
    }
    ret->kind = DESCRIBE_OUT_STRING;
    return check_out_string_into(work, members.lifetime, prototype, parameters, ret);
}

bool shape_read_result(struct workspace *work, const struct value *value,
                       const struct prototype *prototype,
                       const struct config_description *parameters, struct config_description *ret)
{
    struct config_description description = {.is_out = true};

    if (prototype->result->kind != CTYPE_POINTER) {
        REPORT(work->list, value->key_place, RESULT_NO_POINTER, prototype->result->text);
        return false;
    }
    if (value->kind == VALUE_ARRAY) {
        REPORT(work->list, value->source.place, ALTERNATIVES_LATER);
        return false;
    }
    if (value->kind == VALUE_STRING) {
        if (strcmp(value->source.text, "address") != 0) {
            REPORT(work->list, value->source.place, RESULT_WORD, value->source.text);
            return false;
        }
        description.kind = DESCRIBE_ADDRESS;
    } else if (!value_expect(work, value, VALUE_OBJECT, "a word or an object") ||
               !read_result_object(work, value, prototype, parameters, &description)) {
        return false;
    }
    *ret = description;
    return true;
}
