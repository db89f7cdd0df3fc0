// SPDX-License-Identifier: MIT
/*
 * Reads conditions: "return == 0", "*len > 0", "return == setting", or an array of them. What can
 * never hold, or compares what cannot be compared, is an error here and not a surprise later.
 */
#include "config/path.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading --------------------------------------------------------------------------------- */

static void skip_space(struct path_reader *reader)
{
    reader->at += strspn(reader->at, " \t");
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool read_string(struct path_reader *reader, struct path *side)
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

static bool read_number(struct path_reader *reader, struct path *side)
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
    if (path_is_name_byte(*number_end) || *number_end == '.') {
        return CONDITION_FAIL(reader, side->offset, BAD_NUMBER);
    }
    reader->at = number_end;
    return true;
}

static bool read_side(struct path_reader *reader, struct path *side)
{
    const char *begin;
    bool is_good;

    skip_space(reader);
    begin = reader->at;
    side->offset = path_offset(reader, begin);
    if (*begin == '\'') {
        is_good = read_string(reader, side);
    } else if (strncmp(begin, "-inf", 4) == 0 && !path_is_name_byte(begin[4])) {
        side->operand = (struct condition_operand){.kind = OPERAND_NUMBER, .number = -HUGE_VAL};
        reader->at += 4;
        is_good = true;
    } else if (is_digit(*begin) || (*begin == '-' && (is_digit(begin[1]) || begin[1] == '.')) ||
               (*begin == '.' && is_digit(begin[1]))) {
        is_good = read_number(reader, side);
    } else if (*begin == '*') {
        reader->at++;
        skip_space(reader);
        is_good = path_read(reader, side, true);
    } else {
        is_good = path_read(reader, side, false);
    }
    side->text = work_copy_text(reader->work, begin, (size_t)(reader->at - begin));
    return is_good;
}

static bool read_operator(struct path_reader *reader, enum condition_operator *ret)
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
        reader, path_offset(reader, reader->at), CONDITION_SYNTAX,
        "one of == != < <= > >=", *reader->at == '=' ? "a comparison is written '=='" : NULL);
}

/* ---- checking -------------------------------------------------------------------------------- */

static bool is_equality(enum condition_operator op)
{
    return op == CONDITION_EQ || op == CONDITION_NE;
}

static bool is_number(const struct path *side)
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

static bool check_numbers(struct path_reader *reader, const struct path *left,
                          const struct path *right, enum condition_operator op)
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

static bool check_pointers(struct path_reader *reader, const struct path *left,
                           const struct path *right, enum condition_operator op,
                           bool *ret_by_content)
{
    bool is_string = right->operand.kind == OPERAND_STRING;

    if (!is_equality(op)) {
        return CONDITION_FAIL(reader, left->offset, ORDER_OF_POINTERS);
    }
    if (right->operand.kind == OPERAND_NULL) {
        return true;
    }
    if (left->is_wide || right->is_wide) {
        return CONDITION_FAIL(reader, left->is_wide ? left->offset : right->offset, TEXT_IS_WIDE,
                              left->is_wide ? left->text : right->text);
    }
    if (reader->scope->is_described &&
        (is_string ? !left->is_text : left->is_text != right->is_text)) {
        return CONDITION_FAIL(reader, left->is_text ? right->offset : left->offset, NOT_TEXT,
                              left->is_text ? right->text : left->text);
    }
    *ret_by_content = left->is_text;
    return true;
}

/* Results of calls that set errno are only kept when that is captured. */
static bool check_errno(struct path_reader *reader, const struct path *left,
                        const struct path *right, enum condition_operator op)
{
    return !reader->scope->needs_errno || left->operand.kind != OPERAND_ERRNO ||
           op != CONDITION_EQ || right->operand.kind != OPERAND_INTEGER ||
           right->operand.integer == 0 ||
           CONDITION_FAIL(reader, left->offset, ERRNO_NOT_CAPTURED, right->text);
}

static bool check_sides(struct path_reader *reader, const struct path *left,
                        const struct path *right, enum condition_operator op, bool *ret_by_content)
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
                            const struct condition_scope *scope, bool is_tested,
                            struct condition_comparison *ret)
{
    struct path_reader reader = {work, &value->source, scope, value->source.text, is_tested};
    struct path left = {.type = NULL}, right = {.type = NULL};
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
        return CONDITION_FAIL(&reader, path_offset(&reader, reader.at), CONDITION_SYNTAX,
                              "the end of the condition",
                              "several conditions that must all hold are written as an array");
    }
    if (!check_sides(&reader, &left, &right, ret->op, &by_content) ||
        !check_errno(&reader, &left, &right, ret->op)) {
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
    struct path_reader reader = {work, &value->source, scope, value->source.text, scope->is_tested};
    struct path side = {.type = NULL};
    bool is_result;

    if (!value_expect(work, value, VALUE_STRING, "'return' or '*p'") ||
        !read_side(&reader, &side)) {
        return false;
    }
    skip_space(&reader);
    if (*reader.at != '\0') {
        return CONDITION_FAIL(&reader, path_offset(&reader, reader.at), CONDITION_SYNTAX,
                              "the end of the path", NULL);
    }
    is_result = side.operand.kind == OPERAND_RETURN ||
                (side.operand.kind == OPERAND_PARAMETER && side.operand.n_hops > 0 &&
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
            is_good &=
                read_comparison(work, child, scope, scope->is_tested || i > 0, &comparisons[i]);
            i++;
            if (is_good) {
                text = i == 1 ? child->source.text
                              : work_join(work, text, " and ", child->source.text);
            }
        }
    } else {
        is_good = read_comparison(work, value, scope, scope->is_tested, &comparisons[0]);
    }
    if (is_good) {
        ret->comparisons = comparisons;
        ret->n_comparisons = n_comparisons;
        ret->text = text;
    }
    return is_good;
}
