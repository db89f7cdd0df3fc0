// SPDX-License-Identifier: MIT
/*
 * The bodies of structs, unions and enums, with the layout that the platform's compilers give them:
 * each member at the next multiple of its alignment, the whole padded to the largest of them. What
 * would need more than that (bit-fields, packed or aligned types) is refused.
 */
#include "config/declaration.h"

#include <string.h>

/* A body while it is read. */
struct body {
    struct parser *parser;
    struct ctype *type;
    struct ctype_member *members;
    uint32_t n_room;
    uint64_t end_bytes; /* where the next member of a struct begins at the earliest */
};

static bool is_anonymous(const struct ctype_member *member)
{
    return member->name == NULL;
}

const struct ctype_member *ctype_find_member(const struct ctype *type, const char *name,
                                             size_t n_bytes, uint32_t *ret_offset)
{
    for (uint32_t i = 0; i < type->n_members; i++) {
        const struct ctype_member *member = &type->members[i], *found;

        if (is_anonymous(member)) {
            found = ctype_find_member(member->type, name, n_bytes, ret_offset);
            if (found != NULL) {
                *ret_offset += member->offset_bytes;
                return found;
            }
        } else if (strlen(member->name) == n_bytes && memcmp(member->name, name, n_bytes) == 0) {
            *ret_offset = member->offset_bytes;
            return member;
        }
    }
    return NULL;
}

/* ---- members --------------------------------------------------------------------------------- */

static bool has_member(const struct ctype *type, const char *name)
{
    uint32_t offset;

    return ctype_find_member(type, name, strlen(name), &offset) != NULL;
}

/* The name of member, or those within an anonymous one, must be new to type. */
static void check_names(struct body *body, const struct ctype_member *member, struct token at)
{
    if (!is_anonymous(member)) {
        if (has_member(body->type, member->name)) {
            PARSE_FAIL(body->parser, at, DUPLICATE_MEMBER, member->name);
        }
        return;
    }
    for (uint32_t i = 0; i < member->type->n_members; i++) {
        check_names(body, &member->type->members[i], at);
    }
}

static void add_member(struct body *body, const struct ctype_member *member, struct token at)
{
    struct workspace *work = body->parser->work;
    struct ctype *type = body->type;
    uint32_t alignment = member->type->alignment_bytes;
    uint64_t offset =
        type->kind == CTYPE_UNION ? 0 : (body->end_bytes + alignment - 1) / alignment * alignment;
    uint64_t end = offset + member->type->size_bytes;

    check_names(body, member, at);
    if (end > TYPE_MAX_BYTES) {
        PARSE_FAIL(body->parser, at, TYPE_TOO_LARGE);
    }
    if (member->type->depth + 1 > TYPE_MAX_DEPTH) {
        PARSE_FAIL(body->parser, at, DECLARATION_TOO_DEEP);
    }
    if (body->parser->is_failed || !types_count_name(body->parser, at)) {
        return;
    }
    if (type->n_members == body->n_room) {
        struct ctype_member *grown;

        body->n_room = body->n_room == 0 ? 8 : body->n_room * 2;
        grown = work_alloc(work, body->n_room * sizeof(grown[0]));
        if (type->n_members > 0) {
            memcpy(grown, body->members, type->n_members * sizeof(grown[0]));
        }
        type->members = body->members = grown;
    }
    body->members[type->n_members] = *member;
    body->members[type->n_members++].offset_bytes = (uint32_t)offset;
    body->end_bytes = end > body->end_bytes ? end : body->end_bytes;
    if (alignment > type->alignment_bytes) {
        type->alignment_bytes = alignment;
    }
    if (member->type->depth + 1 > type->depth) {
        type->depth = member->type->depth + 1;
    }
}

static void check_member_type(struct parser *parser, const struct ctype *type, struct token at)
{
    if (ctype_is_form(type, OPAQUE_FUNCTION)) {
        PARSE_FAIL(parser, at, MEMBER_FUNCTION);
    } else if (type->size_bytes == 0) {
        PARSE_FAIL(parser, at, INCOMPLETE, type->text);
    }
}

static void refuse_bit_field(struct parser *parser)
{
    if (token_is(parser->token, ":")) {
        PARSE_FAIL(parser, parser->token, BIT_FIELD);
    }
}

/* "double x, y[2];" */
static void parse_members(struct body *body)
{
    struct parser *parser = body->parser;
    struct token begin = parser->token;
    const struct ctype *base = specifiers_parse(parser, SPECIFIERS_OF_MEMBER);

    if (base != NULL && token_is(parser->token, ";") && ctype_is_unnamed(base)) {
        add_member(body, &(struct ctype_member){.type = base}, begin);
        parser_next(parser);
        return;
    }
    while (!parser->is_failed) {
        struct token name = {.kind = TOKEN_END};
        struct ctype_member member = {.name = NULL};

        refuse_bit_field(parser);
        member.type = declarator_parse(parser, base, &name, 0);
        if (member.type == NULL) {
            return;
        }
        if (!token_is_plain_name(name)) {
            struct token at = name.kind == TOKEN_NAME ? name : parser->token;

            PARSE_FAIL(parser, at, EXPECTED, "a member's name", token_text(parser, at));
            return;
        }
        refuse_bit_field(parser);
        check_member_type(parser, member.type, name);
        if (!parser->is_failed) {
            member.name = work_copy_text(parser->work, name.text, name.n_bytes);
            add_member(body, &member, name);
        }
        if (parser_take(parser, ";")) {
            return;
        }
        if (!parser_take(parser, ",")) {
            PARSE_FAIL(parser, parser->token, EXPECTED, "',' or ';'",
                       token_text(parser, parser->token));
        }
    }
}

/* ---- structs and unions ---------------------------------------------------------------------- */

const struct ctype *body_parse(struct parser *parser, bool is_union, const char *tag,
                               struct token at)
{
    struct ctype *type = work_alloc(parser->work, sizeof(*type));
    struct body body = {.parser = parser, .type = type};
    bool sized_arrays = parser->sizes_arrays;

    *type = (struct ctype){.kind = is_union ? CTYPE_UNION : CTYPE_STRUCT,
                           .alignment_bytes = 1,
                           .tag = tag,
                           .text = tag != NULL ? tag : ctype_unnamed_text};
    if (parser->body_depth == PARSER_MAX_DEPTH) {
        PARSE_FAIL(parser, parser->token, DECLARATION_TOO_DEEP);
        return NULL;
    }
    parser->body_depth++;
    parser->sizes_arrays = true;
    parser_next(parser);
    while (!parser->is_failed && !token_is(parser->token, "}")) {
        parse_members(&body);
    }
    parser->body_depth--;
    parser->sizes_arrays = sized_arrays;
    if (!parser->is_failed && type->n_members == 0) {
        PARSE_FAIL(parser, parser->token, EMPTY_BODY);
    }
    if (parser->is_failed) {
        return NULL;
    }
    parser_next(parser);
    attributes_skip(parser);
    type->size_bytes = (uint32_t)((body.end_bytes + type->alignment_bytes - 1) /
                                  type->alignment_bytes * type->alignment_bytes);
    return tag != NULL ? types_declare_tag(parser, tag, type, at) : type;
}

/* ---- enums ----------------------------------------------------------------------------------- */

/* GCC's choice: unsigned unless a value is negative, an int's size unless one needs more. */
static void choose_enum_type(struct ctype *type, int64_t lowest, int64_t highest)
{
    bool is_wide = lowest < 0 ? lowest < INT32_MIN || highest > INT32_MAX : highest > UINT32_MAX;

    type->kind = lowest < 0 ? CTYPE_SIGNED : CTYPE_UNSIGNED;
    type->size_bytes = is_wide ? sizeof(int64_t) : sizeof(int32_t);
    type->alignment_bytes = is_wide ? _Alignof(int64_t) : _Alignof(int32_t);
}

const struct ctype *body_parse_enum(struct parser *parser, const char *tag, struct token at)
{
    struct ctype *type = work_alloc(parser->work, sizeof(*type));
    int64_t lowest = 0, highest = 0, value = 0;

    parser_next(parser);
    do {
        struct token name = parser->token;

        if (!token_is_plain_name(name)) {
            PARSE_FAIL(parser, name, EXPECTED, "the name of a constant", token_text(parser, name));
            return NULL;
        }
        parser_next(parser);
        attributes_skip(parser);
        if (parser_take(parser, "=") && !constant_parse(parser, &value)) {
            return NULL;
        }
        types_declare_constant(parser, name, value);
        lowest = value < lowest ? value : lowest;
        highest = value > highest ? value : highest;
        if (value == INT64_MAX && token_is(parser->token, ",")) {
            PARSE_FAIL(parser, name, COUNT_OVERFLOW);
        } else {
            value += value < INT64_MAX;
        }
    } while (!parser->is_failed && parser_take(parser, ",") && !token_is(parser->token, "}"));
    if (!parser_take(parser, "}")) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "',' or '}'",
                   token_text(parser, parser->token));
    }
    attributes_skip(parser);
    if (parser->is_failed) {
        return NULL;
    }
    choose_enum_type(type, lowest, highest);
    type->text = tag != NULL ? tag : "enum { ... }";
    return tag != NULL ? types_declare_tag(parser, tag, type, at) : type;
}
