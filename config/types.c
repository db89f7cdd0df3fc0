// SPDX-License-Identifier: MIT
/*
 * The list `types`: what its declarations make known, and that nothing is declared twice in two
 * ways. Names live in one table for the whole configuration: tags with their keyword ("struct
 * point"), typedef names and enumerators without.
 */
#include "config/declaration.h"

#include <string.h>

struct declared_name {
    const char *name;
    const struct ctype *type; /* NULL: an enumerator */
    int64_t number;
    struct place place;
    const struct declared_name *next;
};

struct type_table {
    const struct declared_name *names;
    uint32_t n_names; /* members too */
};

/* ---- the table ------------------------------------------------------------------------------- */

static const struct declared_name *find(const struct workspace *work, const char *name,
                                        size_t n_bytes)
{
    const struct declared_name *declared = work->types != NULL ? work->types->names : NULL;

    while (declared != NULL &&
           (strncmp(declared->name, name, n_bytes) != 0 || declared->name[n_bytes] != '\0')) {
        declared = declared->next;
    }
    return declared;
}

const struct ctype *types_find(const struct workspace *work, const char *name, size_t n_bytes)
{
    const struct declared_name *declared = find(work, name, n_bytes);

    return declared != NULL ? declared->type : NULL;
}

bool types_find_constant(const struct workspace *work, const char *name, int64_t *ret)
{
    const struct declared_name *declared = find(work, name, strlen(name));

    if (declared == NULL || declared->type != NULL) {
        return false;
    }
    *ret = declared->number;
    return true;
}

bool types_count_name(struct parser *parser, struct token at)
{
    if (parser->work->types->n_names == TYPES_MAX_NAMES) {
        PARSE_FAIL(parser, at, TOO_MANY_NAMES);
        return false;
    }
    parser->work->types->n_names++;
    return true;
}

static void add(struct parser *parser, const char *name, const struct ctype *type, int64_t number,
                struct token at)
{
    struct workspace *work = parser->work;
    struct declared_name *declared;

    if (!types_count_name(parser, at)) {
        return;
    }
    declared = work_alloc(work, sizeof(*declared));
    *declared = (struct declared_name){name, type, number, place_inside(parser->source, at.offset),
                                       work->types->names};
    work->types->names = declared;
}

static void report_redefined(struct parser *parser, struct token at, const char *name,
                             const struct declared_name *first)
{
    struct workspace *work = parser->work;

    if (work->preset != NULL) {
        PARSE_FAIL(parser, at, REDEFINED_BY_PRESET, work->preset, name,
                   first != NULL ? work_number(work, first->place.line) : NULL);
        return;
    }
    PARSE_FAIL(parser, at, REDEFINED, name,
               first != NULL ? work_join(work, "the first one is on line ",
                                         work_number(work, first->place.line), "")
                             : "the system has one of this name");
}

/* Nested structs with a tag are equal by their tag: each of those is compared on its own. */
static bool same_body(const struct ctype *a, const struct ctype *b)
{
    if (a->kind != b->kind || a->size_bytes != b->size_bytes || a->n_members != b->n_members) {
        return false;
    }
    return a->n_members == 0 || ctype_members_equal(a, b);
}

const struct ctype *types_declare_tag(struct parser *parser, const char *tag,
                                      const struct ctype *type, struct token at)
{
    const struct declared_name *first = find(parser->work, tag, strlen(tag));

    if (first == NULL) {
        add(parser, tag, type, 0, at);
        return type;
    }
    if (!same_body(first->type, type)) {
        report_redefined(parser, at, tag, first);
        return NULL;
    }
    return first->type;
}

void types_declare_constant(struct parser *parser, struct token name, int64_t number)
{
    const char *text = work_copy_text(parser->work, name.text, name.n_bytes);
    const struct declared_name *first = find(parser->work, text, name.n_bytes);
    int64_t known;

    if (first != NULL ? first->type != NULL || first->number != number
                      : (constant_find(parser->work, text, &known) && known != number) ||
                            ctype_is_typedef_name(parser->work, text, name.n_bytes)) {
        report_redefined(parser, name, text, first);
    } else if (first == NULL) {
        add(parser, text, NULL, number, name);
    }
}

static void declare_typedef(struct parser *parser, struct token name, const struct ctype *type)
{
    const char *text = work_copy_text(parser->work, name.text, name.n_bytes);
    const struct declared_name *first = find(parser->work, text, name.n_bytes);
    const struct ctype *known = ctype_of_typedef(parser->work, text);
    int64_t number;

    /* A type of the system of which only the name is known may be given its body. */
    if (first != NULL || (known != NULL && known->size_bytes > 0)) {
        if (known == NULL || !ctype_equal(known, type)) {
            report_redefined(parser, name, text, first);
        }
        return;
    }
    if (constant_find(parser->work, text, &number)) {
        report_redefined(parser, name, text, NULL);
        return;
    }
    add(parser, text, ctype_rename(parser->work, type, text), 0, name);
}

/* ---- declarations ---------------------------------------------------------------------------- */

static void parse_typedef(struct parser *parser)
{
    const struct ctype *base = specifiers_parse(parser, SPECIFIERS_OF_MEMBER), *type;

    while (base != NULL && !parser->is_failed) {
        struct token name = {.kind = TOKEN_END};

        type = declarator_parse(parser, base, &name, 0);
        if (type == NULL) {
            return;
        }
        if (!token_is_plain_name(name)) {
            struct token at = name.kind == TOKEN_NAME ? name : parser->token;

            PARSE_FAIL(parser, at, EXPECTED, "the name of the type", token_text(parser, at));
            return;
        }
        declare_typedef(parser, name, type);
        if (!parser_take(parser, ",")) {
            return;
        }
    }
}

static void parse_declaration(struct parser *parser)
{
    struct token begin = parser->token;

    if (parser_take(parser, "typedef")) {
        parse_typedef(parser);
    } else {
        bool is_tag =
            token_is(begin, "struct") || token_is(begin, "union") || token_is(begin, "enum");

        if (specifiers_parse(parser, SPECIFIERS_OF_MEMBER) == NULL) {
            return;
        }
        if (!is_tag || (!token_is(parser->token, ";") && parser->token.kind != TOKEN_END)) {
            PARSE_FAIL(parser, begin, NO_TYPE_DECLARED);
        }
    }
    if (!parser_take(parser, ";")) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "';'", token_text(parser, parser->token));
    }
}

static void read_declarations(struct workspace *work, const struct value *value)
{
    struct parser parser;

    if (!value_expect(work, value, VALUE_STRING, "C declarations")) {
        return;
    }
    if (strlen(value->source.text) > TYPES_MAX_BYTES) {
        REPORT(work->list, value->source.place, TYPES_TOO_LONG);
        return;
    }
    parser_init(&parser, work, &value->source);
    parser.allows_bodies = parser.sizes_arrays = true;
    while (!parser.is_failed && parser.token.kind != TOKEN_END) {
        parse_declaration(&parser);
    }
}

void types_read(struct workspace *work, const struct value *list)
{
    if (!value_expect(work, list, VALUE_ARRAY, "a list of C declarations")) {
        return;
    }
    if (work->types == NULL) {
        work->types = work_alloc(work, sizeof(*work->types));
    }
    for (const struct value *value = list->first; value != NULL; value = value->next) {
        read_declarations(work, value);
    }
}
