// SPDX-License-Identifier: MIT
/*
 * The names and paths of conditions: what a name stands for, and which bytes "p->f" or "v[2].x"
 * are. What lies behind a pointer is follow.c's.
 */
#include "config/path.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
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

bool constant_find(const struct workspace *work, const char *name, int64_t *ret)
{
    for (size_t i = 0; i < N_CONSTANTS; i++) {
        if (strcmp(constants[i].name, name) == 0) {
            *ret = constants[i].number;
            return true;
        }
    }
    return types_find_constant(work, name, ret);
}

static const struct ctype errno_type = {
    .kind = CTYPE_SIGNED, .size_bytes = sizeof(int), .alignment_bytes = sizeof(int), .text = "int"};

/* A number by name: inf, nan, ENOENT. */
static bool find_constant(const struct workspace *work, const char *name,
                          struct condition_operand *ret)
{
    if (strcmp(name, "inf") == 0 || strcmp(name, "nan") == 0) {
        ret->kind = OPERAND_NUMBER;
        ret->number = name[0] == 'i' ? HUGE_VAL : (double)NAN;
        return true;
    }
    ret->kind = OPERAND_INTEGER;
    return constant_find(work, name, &ret->integer);
}

static bool report_unknown(struct path_reader *reader, const char *name, uint32_t offset)
{
    static const char *const fixed[] = {"return", "errno", "NULL", "inf", "nan"};
    const struct prototype *prototype = reader->scope->prototype;
    const char *names[5 + PROTOTYPE_MAX_PARAMETERS + N_CONSTANTS];
    size_t n_names = 0, n_listed;

    for (size_t i = 0; i < 5; i++) {
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

/* ---- paths ----------------------------------------------------------------------------------- */

static bool read_member(struct path_reader *reader, struct path *side)
{
    const char *begin = reader->at;
    const struct ctype_member *member;
    uint32_t offset;

    while (path_is_name_byte(*reader->at)) {
        reader->at++;
    }
    if (!ctype_is_record(side->type)) {
        return CONDITION_FAIL(reader, path_offset(reader, begin), NO_STRUCT, side->type->text);
    }
    member = ctype_find_member(side->type, begin, (size_t)(reader->at - begin), &offset);
    if (member == NULL) {
        return CONDITION_FAIL(reader, path_offset(reader, begin), UNKNOWN_MEMBER, side->type->text,
                              work_copy_text(reader->work, begin, (size_t)(reader->at - begin)));
    }
    side->operand.offset_bytes += offset;
    side->type = member->type;
    side->is_member = true;
    return true;
}

#define MAX_INDEX_DIGITS 6 /* of elements: below 2^32 bytes of the largest type (1 MiB) or not */

static bool read_index(struct path_reader *reader, struct path *side)
{
    const char *begin = reader->at;
    uint64_t index = 0;

    while (*reader->at >= '0' && *reader->at <= '9' && reader->at - begin < MAX_INDEX_DIGITS) {
        index = index * 10 + (uint64_t)(*reader->at++ - '0');
    }
    if (reader->at == begin || *reader->at != ']') {
        return CONDITION_FAIL(reader, path_offset(reader, begin), CONDITION_SYNTAX,
                              "a number below 1000000 and ']'", NULL);
    }
    reader->at++;
    if (side->type->kind != CTYPE_ARRAY) {
        return path_follow(reader, side, index);
    }
    if (index >= side->type->size_bytes / side->type->target->size_bytes) {
        return CONDITION_FAIL(reader, path_offset(reader, begin), INDEX_BEYOND, side->type->text,
                              work_number(reader->work, index));
    }
    side->type = side->type->target;
    side->operand.offset_bytes += (uint32_t)index * side->type->size_bytes;
    return true;
}

/* What stands behind "return" or a parameter: ".f", "->f", "[2]", in any number. A '*' before them
 * is for the whole, as in C. */
static bool read_suffixes(struct path_reader *reader, struct path *side, bool is_pointee)
{
    bool is_good = true;

    path_begin(reader, side);
    while (is_good) {
        side->end = reader->at;
        if (*reader->at == '.') {
            reader->at++;
            is_good = read_member(reader, side);
        } else if (*reader->at == '[') {
            reader->at++;
            is_good = read_index(reader, side);
        } else if (strncmp(reader->at, "->", 2) == 0) {
            reader->at += 2;
            is_good = path_follow(reader, side, 0) && read_member(reader, side);
        } else {
            break;
        }
    }
    is_good = is_good && (!is_pointee || path_follow(reader, side, 0));
    side->operand.type = side->type;
    side->is_text = is_good && path_leads_to_text(reader, side);
    side->is_wide = is_good && path_leads_to_wide_text(reader, side);
    return is_good;
}

static bool begins_suffix(const char *text)
{
    return *text == '.' || *text == '[' || strncmp(text, "->", 2) == 0;
}

bool path_read(struct path_reader *reader, struct path *side, bool is_pointee)
{
    const struct prototype *prototype = reader->scope->prototype;
    const char *begin = reader->at, *name;
    int parameter;

    while (path_is_name_byte(*reader->at)) {
        reader->at++;
    }
    if (reader->at == begin) {
        return CONDITION_FAIL(reader, path_offset(reader, begin), CONDITION_SYNTAX,
                              "'return', a parameter or a value");
    }
    name = work_copy_text(reader->work, begin, (size_t)(reader->at - begin));
    parameter = prototype_find(prototype, begin, strlen(name));
    side->begin = begin;
    if (strcmp(name, "errno") == 0) {
        side->operand.kind = OPERAND_ERRNO;
        side->type = side->operand.type = &errno_type;
        if (is_pointee || begins_suffix(reader->at)) {
            return CONDITION_FAIL(reader, side->offset, POINTEE_NO_SCALAR, side->type->text);
        }
        return !reader->scope->is_before ||
               CONDITION_FAIL(reader, side->offset, BEFORE_THE_CALL, name);
    }
    if (strcmp(name, "return") == 0) {
        side->operand.kind = OPERAND_RETURN;
        side->type = prototype->result;
        if (reader->scope->is_before) {
            return CONDITION_FAIL(reader, side->offset, BEFORE_THE_CALL, name);
        }
        if (side->type->kind == CTYPE_VOID) {
            return CONDITION_FAIL(reader, side->offset, RETURN_OF_VOID, prototype->name);
        }
        return read_suffixes(reader, side, is_pointee);
    }
    if (parameter >= 0) {
        side->operand.kind = OPERAND_PARAMETER;
        side->operand.parameter = (uint32_t)parameter;
        side->type = prototype->parameters[parameter].type;
        return read_suffixes(reader, side, is_pointee);
    }
    if (begins_suffix(reader->at)) {
        return report_unknown(reader, name, path_offset(reader, begin));
    }
    if (!is_pointee && strcmp(name, "NULL") == 0) {
        side->operand.kind = OPERAND_NULL;
        return true;
    }
    if (!is_pointee && find_constant(reader->work, name, &side->operand)) {
        return true;
    }
    return report_unknown(reader, name, path_offset(reader, begin));
}
