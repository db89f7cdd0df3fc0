// SPDX-License-Identifier: MIT
/*
 * Reads conditions: "return == 0", "*len > 0", "return == setting", or an array of them. What can
 * never hold, or compares what cannot be compared, is an error here and not a surprise later.
 */
#include "config/language.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t number;
} constants[] = {
#define CONSTANT(name) {#name, name},
#include "config/constants.def"
#undef CONSTANT
};

#define N_CONSTANTS (sizeof(constants) / sizeof(constants[0]))

/* One side of a comparison as it was read. */
struct side {
    struct condition_operand operand;
    const struct ctype *type; /* of a path; NULL: a constant */
    bool is_text;             /* a pointer that is described as text */
    const char *text;         /* as written */
    uint32_t offset;
};

struct reader {
    struct workspace *work;
    const struct source_text *source;
    const struct condition_scope *scope;
    const char *at;
};

#define CONDITION_FAIL(reader, offset, name, ...) \
    REPORT((reader)->work->list, place_inside((reader)->source, offset), name, ##__VA_ARGS__)

/* ---- reading --------------------------------------------------------------------------------- */

static uint32_t offset_of(const struct reader *reader, const char *at)
{
    return (uint32_t)(at - reader->source->text);
}

static void skip_space(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t");
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           byte == '$' || (byte >= '0' && byte <= '9');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool report_unknown(struct reader *reader, const char *name, uint32_t offset)
{
    static const char *const fixed[] = {"return", "NULL", "inf", "nan"};
    const struct prototype *prototype = reader->scope->prototype;
    const char *names[4 + PROTOTYPE_MAX_PARAMETERS + N_CONSTANTS];
    size_t n_names = 0, n_listed;

    for (size_t i = 0; i < 4; i++) {
        names[n_names++] = fixed[i];
    }
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        names[n_names++] = prototype->parameters[i].name;
    }
    n_listed = n_names;
    for (size_t i = 0; i < N_CONSTANTS; i++) {
        names[n_names++] = constants[i].name;
    }
    return CONDITION_FAIL(
        reader, offset, UNKNOWN_OPERAND, name,
        words_hint(reader->work, name, names,
                   words_nearest(name, names, n_names) != NULL ? n_names : n_listed));
}

static bool read_string(struct reader *reader, struct side *side)
{
    const char *begin = reader->at + 1;
    const char *end = strchr(begin, '\'');

    if (end == NULL) {
        return CONDITION_FAIL(reader, side->offset, QUOTE_MISSING);
    }
    side->operand.kind = OPERAND_STRING;
    side->operand.string = work_copy_text(reader->work, begin, (size_t)(end - begin));
    reader->at = end + 1;
    return true;
}

static bool read_number(struct reader *reader, struct side *side)
{
    const char *digits = reader->at + (*reader->at == '-');
    int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
    char *integer_end, *number_end;
    long long integer;

    errno = 0;
    integer = strtoll(reader->at, &integer_end, base);
    if (errno == ERANGE) {
        return CONDITION_FAIL(reader, side->offset, OPERAND_RANGE);
    }
    side->operand.number = strtod(reader->at, &number_end);
    if (number_end > integer_end) {
        side->operand.kind = OPERAND_NUMBER;
    } else {
        side->operand.kind = OPERAND_INTEGER;
        side->operand.integer = integer;
        side->operand.number = 0;
        number_end = integer_end;
    }
    if (is_name_byte(*number_end) || *number_end == '.') {
        return CONDITION_FAIL(reader, side->offset, BAD_NUMBER);
    }
    reader->at = number_end;
    return true;
}

/* A number by name: inf, nan, ENOENT. */
static bool find_constant(const char *name, struct condition_operand *ret)
{
    if (strcmp(name, "inf") == 0 || strcmp(name, "nan") == 0) {
        ret->kind = OPERAND_NUMBER;
        ret->number = name[0] == 'i' ? HUGE_VAL : (double)NAN;
        return true;
    }
    for (size_t i = 0; i < N_CONSTANTS; i++) {
        if (strcmp(constants[i].name, name) == 0) {
            ret->kind = OPERAND_INTEGER;
            ret->integer = constants[i].number;
            return true;
        }
    }
    return false;
}

static bool read_pointee(struct reader *reader, struct side *side, int parameter)
{
    const struct config_description *description = &reader->scope->parameters[parameter];

    if (side->type->kind != CTYPE_POINTER || !ctype_is_scalar(side->type->target)) {
        return CONDITION_FAIL(reader, side->offset, POINTEE_NO_SCALAR, side->type->text);
    }
    if (reader->scope->is_described && description->kind != DESCRIBE_MEMORY &&
        description->kind != DESCRIBE_STRING) {
        return CONDITION_FAIL(reader, side->offset, POINTEE_UNDESCRIBED,
                              reader->scope->prototype->parameters[parameter].name);
    }
    side->operand.kind = OPERAND_POINTEE;
    side->type = side->type->target;
    return true;
}

static bool read_name(struct reader *reader, struct side *side, bool is_pointee)
{
    const struct prototype *prototype = reader->scope->prototype;
    const char *begin = reader->at, *name;
    int parameter;

    while (is_name_byte(*reader->at)) {
        reader->at++;
    }
    if (reader->at == begin) {
        return CONDITION_FAIL(reader, offset_of(reader, begin), CONDITION_SYNTAX,
                              "'return', a parameter or a value");
    }
    name = work_copy_text(reader->work, begin, (size_t)(reader->at - begin));
    if (*reader->at == '.' || *reader->at == '[' || strncmp(reader->at, "->", 2) == 0 ||
        (strcmp(name, "errno") == 0) || (is_pointee && strcmp(name, "return") == 0)) {
        return CONDITION_FAIL(reader, side->offset, PATH_LATER);
    }
    parameter = prototype_find(prototype, begin, strlen(name));
    if (strcmp(name, "return") == 0) {
        side->operand.kind = OPERAND_RETURN;
        side->type = prototype->result;
        side->is_text = reader->scope->result->kind == DESCRIBE_OUT_STRING;
        if (side->type->kind == CTYPE_VOID) {
            return CONDITION_FAIL(reader, side->offset, RETURN_OF_VOID, prototype->name);
        }
        return true;
    }
    if (parameter >= 0) {
        side->operand.kind = OPERAND_PARAMETER;
        side->operand.parameter = (uint32_t)parameter;
        side->type = prototype->parameters[parameter].type;
        side->is_text = !is_pointee && reader->scope->parameters[parameter].kind == DESCRIBE_STRING;
        return !is_pointee || read_pointee(reader, side, parameter);
    }
    if (!is_pointee && strcmp(name, "NULL") == 0) {
        side->operand.kind = OPERAND_NULL;
        return true;
    }
    if (!is_pointee && find_constant(name, &side->operand)) {
        return true;
    }
    return report_unknown(reader, name, offset_of(reader, begin));
}

static bool read_side(struct reader *reader, struct side *side)
{
    const char *begin;
    bool is_good;

    skip_space(reader);
    begin = reader->at;
    side->offset = offset_of(reader, begin);
    if (*begin == '\'') {
        is_good = read_string(reader, side);
    } else if (strncmp(begin, "-inf", 4) == 0 && !is_name_byte(begin[4])) {
        side->operand = (struct condition_operand){.kind = OPERAND_NUMBER, .number = -HUGE_VAL};
        reader->at += 4;
        is_good = true;
    } else if (is_digit(*begin) || (*begin == '-' && (is_digit(begin[1]) || begin[1] == '.')) ||
               (*begin == '.' && is_digit(begin[1]))) {
        is_good = read_number(reader, side);
    } else if (*begin == '*') {
        reader->at++;
        skip_space(reader);
        is_good = read_name(reader, side, true);
    } else {
        is_good = read_name(reader, side, false);
    }
    side->text = work_copy_text(reader->work, begin, (size_t)(reader->at - begin));
    return is_good;
}

static bool read_operator(struct reader *reader, enum condition_operator *ret)
{
    static const struct {
        const char *text;
        enum condition_operator op;
    } operators[] = {
        {"==", CONDITION_EQ}, {"!=", CONDITION_NE}, {"<=", CONDITION_LE},
        {">=", CONDITION_GE}, {"<", CONDITION_LT},  {">", CONDITION_GT},
    };

    skip_space(reader);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t n_bytes = strlen(operators[i].text);

        if (strncmp(reader->at, operators[i].text, n_bytes) == 0) {
            reader->at += n_bytes;
            *ret = operators[i].op;
            return true;
        }
    }
    return CONDITION_FAIL(
        reader, offset_of(reader, reader->at), CONDITION_SYNTAX,
        "one of == != < <= > >=", *reader->at == '=' ? "a comparison is written '=='" : NULL);
}

/* ---- checking -------------------------------------------------------------------------------- */

static bool is_equality(enum condition_operator op)
{
    return op == CONDITION_EQ || op == CONDITION_NE;
}

static bool is_number(const struct side *side)
{
    return side->type != NULL
               ? ctype_is_integer(side->type) || ctype_is_real(side->type)
               : side->operand.kind == OPERAND_INTEGER || side->operand.kind == OPERAND_NUMBER;
}

/* Can an operand of this integer type ever be number? */
static bool type_holds(const struct ctype *type, int64_t number)
{
    unsigned n_bits = type->kind == CTYPE_BOOL ? 1 : type->size_bytes * 8;

    if (type->kind == CTYPE_SIGNED) {
        return n_bits == 64 ||
               (number >= -(INT64_C(1) << (n_bits - 1)) && number < (INT64_C(1) << (n_bits - 1)));
    }
    return number >= 0 && (n_bits == 64 || number < (INT64_C(1) << n_bits));
}

/* Beyond 2^53 every double is. No floor(): the shim needs libc alone. */
static bool is_whole(double number)
{
    double magnitude = __builtin_fabs(number);

    return magnitude >= 0x1p53 || (double)(int64_t)magnitude == magnitude;
}

static bool check_numbers(struct reader *reader, const struct side *left, const struct side *right,
                          enum condition_operator op)
{
    const struct condition_operand *constant = &right->operand;
    bool can_hold = true;

    if (right->type != NULL) {
        return true;
    }
    if (constant->kind == OPERAND_NUMBER && isnan(constant->number) && !is_equality(op)) {
        return CONDITION_FAIL(reader, right->offset, ORDER_OF_NAN);
    }
    if (ctype_is_integer(left->type)) {
        if (constant->kind == OPERAND_INTEGER) {
            can_hold = type_holds(left->type, constant->integer);
        } else {
            can_hold =
                isfinite(constant->number) && (!is_equality(op) || is_whole(constant->number));
        }
    }
    return can_hold ||
           CONDITION_FAIL(reader, right->offset, NEVER_THAT_VALUE, left->text, left->type->text,
                          right->text,
                          left->type->kind == CTYPE_UNSIGNED && right->text[0] == '-'
                              ? "an unsigned -1 is its type's largest value: compare with < or >"
                              : NULL);
}

static bool check_pointers(struct reader *reader, const struct side *left, const struct side *right,
                           enum condition_operator op, bool *ret_by_content)
{
    bool is_string = right->operand.kind == OPERAND_STRING;

    if (!is_equality(op)) {
        return CONDITION_FAIL(reader, left->offset, ORDER_OF_POINTERS);
    }
    if (right->operand.kind == OPERAND_NULL) {
        return true;
    }
    if (reader->scope->is_described &&
        (is_string ? !left->is_text : left->is_text != right->is_text)) {
        return CONDITION_FAIL(reader, left->is_text ? right->offset : left->offset, NOT_TEXT,
                              left->is_text ? right->text : left->text);
    }
    *ret_by_content = left->is_text;
    return true;
}

static bool check_sides(struct reader *reader, const struct side *left, const struct side *right,
                        enum condition_operator op, bool *ret_by_content)
{
    if (left->type == NULL) {
        return CONDITION_FAIL(reader, left->offset, CONDITION_LEFT, left->text);
    }
    if (is_number(left) && is_number(right)) {
        return check_numbers(reader, left, right, op);
    }
    if (left->type->kind == CTYPE_POINTER &&
        (right->type != NULL
             ? right->type->kind == CTYPE_POINTER
             : right->operand.kind == OPERAND_NULL || right->operand.kind == OPERAND_STRING)) {
        return check_pointers(reader, left, right, op, ret_by_content);
    }
    return CONDITION_FAIL(reader, right->offset, CONDITION_MISMATCH, left->text, left->type->text,
                          right->text,
                          left->type->kind != CTYPE_POINTER ? NULL
                          : is_number(right)                ? "a pointer is compared with NULL"
                                                            : NULL);
}

static bool read_comparison(struct workspace *work, const struct value *value,
                            const struct condition_scope *scope, struct condition_comparison *ret)
{
    struct reader reader = {work, &value->source, scope, value->source.text};
    struct side left = {.type = NULL}, right = {.type = NULL};
    bool by_content = false;

    if (!value_expect(work, value, VALUE_STRING, "a condition")) {
        return false;
    }
    if (!read_side(&reader, &left) || !read_operator(&reader, &ret->op) ||
        !read_side(&reader, &right)) {
        return false;
    }
    skip_space(&reader);
    if (*reader.at != '\0') {
        return CONDITION_FAIL(&reader, offset_of(&reader, reader.at), CONDITION_SYNTAX,
                              "the end of the condition",
                              "several conditions that must all hold are written as an array");
    }
    if (!check_sides(&reader, &left, &right, ret->op, &by_content)) {
        return false;
    }
    ret->left = left.operand;
    ret->right = right.operand;
    ret->by_content = by_content;
    return true;
}

bool condition_read_number(struct workspace *work, const struct value *value,
                           const struct condition_scope *scope, struct condition_operand *ret)
{
    struct reader reader = {work, &value->source, scope, value->source.text};
    struct side side = {.type = NULL};
    bool is_result;

    if (!value_expect(work, value, VALUE_STRING, "'return' or '*p'") ||
        !read_side(&reader, &side)) {
        return false;
    }
    skip_space(&reader);
    if (*reader.at != '\0') {
        return CONDITION_FAIL(&reader, offset_of(&reader, reader.at), CONDITION_SYNTAX,
                              "the end of the path", NULL);
    }
    is_result = side.operand.kind == OPERAND_RETURN ||
                (side.operand.kind == OPERAND_POINTEE &&
                 (!scope->is_described || scope->parameters[side.operand.parameter].is_out));
    if (!is_result) {
        return CONDITION_FAIL(&reader, side.offset, TTL_FROM_INPUT, side.text);
    }
    if (!is_number(&side) || side.type->kind == CTYPE_BOOL) {
        return CONDITION_FAIL(&reader, side.offset, TTL_FROM_NO_NUMBER, side.text, side.type->text);
    }
    *ret = side.operand;
    return true;
}

bool condition_read(struct workspace *work, const struct value *value,
                    const struct condition_scope *scope, struct config_condition *ret)
{
    uint32_t n_comparisons = value->kind == VALUE_ARRAY ? value->n_children : 1, i = 0;
    struct condition_comparison *comparisons;
    const char *text = value->source.text;
    bool is_good = true;

    if (n_comparisons == 0) {
        REPORT(work->list, value->source.place, EMPTY_LIST, value_name(work, value));
        return false;
    }
    comparisons = work_alloc(work, n_comparisons * sizeof(comparisons[0]));
    if (value->kind == VALUE_ARRAY) {
        for (const struct value *child = value->first; child != NULL; child = child->next) {
            is_good &= read_comparison(work, child, scope, &comparisons[i++]);
            if (is_good) {
                text = i == 1 ? child->source.text
                              : work_join(work, text, " and ", child->source.text);
            }
        }
    } else {
        is_good = read_comparison(work, value, scope, &comparisons[0]);
    }
    if (is_good) {
        ret->comparisons = comparisons;
        ret->n_comparisons = n_comparisons;
        ret->text = text;
    }
    return is_good;
}
