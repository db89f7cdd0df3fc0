// SPDX-License-Identifier: MIT
/*
 * Parses the declaration of a function, as manual pages print it, into the types of its result and
 * parameters, and prints it again. The grammar is declarator.c's and specifiers.c's.
 */
#include "config/declaration.h"

#include <string.h>

/* ---- the whole ------------------------------------------------------------------------------- */

static void check_end(struct parser *parser)
{
    attributes_skip(parser);
    parser_take(parser, ";");
    if (parser->token.kind == TOKEN_NAME) {
        PARSE_FAIL(parser, parser->token, TRAILING_WORD, token_text(parser, parser->token));
    } else if (parser->token.kind != TOKEN_END) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "the end of the declaration",
                   token_text(parser, parser->token));
    }
}

/* Whether a value of the type can go in or out; place: "as a result". */
static void check_by_value(struct parser *parser, const struct ctype *type, struct token at,
                           const char *place)
{
    if (type->kind == CTYPE_OPAQUE) {
        PARSE_FAIL(parser, at, BY_VALUE_UNKNOWN, type->text, place);
    } else if (ctype_is_record(type) && type->size_bytes > BY_VALUE_MAX_BYTES) {
        PARSE_FAIL(parser, at, BY_VALUE_TOO_LARGE, type->text, place);
    }
}

/* The parameters must be known, and what goes in or out by value must have a body. */
static void check_function(struct parser *parser, const struct opaque_ctype *function,
                           struct token begin)
{
    struct token ellipsis = {.offset = function->ellipsis_offset};

    if (function->is_variadic) {
        PARSE_FAIL(parser, ellipsis, VARIADIC);
    }
    if (function->is_unprototyped) {
        PARSE_FAIL(parser, ellipsis, EMPTY_PARAMETERS);
    }
    check_by_value(parser, function->element, begin, "as a result");
    for (uint32_t i = 0; i < function->n_parameters; i++) {
        check_by_value(parser, function->parameters[i].type,
                       (struct token){.offset = function->offsets[i]}, "as a parameter");
    }
}

bool prototype_parse(struct workspace *work, const struct source_text *source,
                     struct prototype *ret_prototype, const uint32_t **ret_offsets)
{
    struct token begin, name = {.kind = TOKEN_END};
    const struct opaque_ctype *function;
    const struct ctype *type;
    struct parser parser;

    if (strlen(source->text) > PROTOTYPE_MAX_BYTES) {
        REPORT(work->list, source->place, PROTOTYPE_TOO_LONG);
        return false;
    }
    parser_init(&parser, work, source);
    begin = parser.token;
    type = specifiers_parse(&parser, SPECIFIERS_OF_FUNCTION);
    if (type != NULL) {
        type = declarator_parse(&parser, type, &name, 0);
    }
    if (type == NULL) {
        return false;
    }
    if (name.kind != TOKEN_NAME) {
        PARSE_FAIL(&parser, parser.token, EXPECTED, "the function's name",
                   token_text(&parser, parser.token));
        return false;
    }
    if (!ctype_is_form(type, OPAQUE_FUNCTION)) {
        PARSE_FAIL(&parser, name, NO_FUNCTION, token_text(&parser, name));
        return false;
    }
    function = ctype_opaque(type);
    check_end(&parser);
    check_function(&parser, function, begin);
    if (parser.is_failed) {
        return false;
    }
    *ret_prototype = (struct prototype){.name = work_copy_text(work, name.text, name.n_bytes),
                                        .result = function->element,
                                        .parameters = function->parameters,
                                        .n_parameters = function->n_parameters};
    *ret_offsets = function->offsets;
    return true;
}

const struct ctype *prototype_parse_type(struct workspace *work, const struct source_text *source)
{
    struct token name = {.kind = TOKEN_END};
    const struct ctype *type;
    struct parser parser;

    if (strlen(source->text) > PROTOTYPE_MAX_BYTES) {
        REPORT(work->list, source->place, PROTOTYPE_TOO_LONG);
        return NULL;
    }
    parser_init(&parser, work, source);
    type = specifiers_parse(&parser, SPECIFIERS_OF_TYPE_NAME);
    if (type != NULL) {
        type = declarator_parse(&parser, type, &name, 0);
    }
    if (type == NULL) {
        return NULL;
    }
    if (name.kind == TOKEN_NAME || parser.token.kind != TOKEN_END) {
        PARSE_FAIL(&parser, name.kind == TOKEN_NAME ? name : parser.token, EXPECTED,
                   "the end of the type",
                   token_text(&parser, name.kind == TOKEN_NAME ? name : parser.token));
        return NULL;
    }
    return type;
}

const char *prototype_print(struct workspace *work, const struct prototype *prototype)
{
    const char *text = work_join(work, prototype->name, "(", "");

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        const struct prototype_parameter *parameter = &prototype->parameters[i];

        text = work_join(work, text, i > 0 ? ", " : "",
                         ctype_declare(work, parameter->type, parameter->name));
    }
    text = work_join(work, text, prototype->n_parameters == 0 ? "void)" : ")", "");
    return ctype_declare(work, prototype->result, text);
}

int prototype_find(const struct prototype *prototype, const char *name, size_t n_bytes)
{
    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        if (strlen(prototype->parameters[i].name) == n_bytes &&
            memcmp(prototype->parameters[i].name, name, n_bytes) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *const *prototype_names(struct workspace *work, const struct prototype *prototype)
{
    const char **names = work_alloc(work, prototype->n_parameters * sizeof(names[0]));

    for (uint32_t i = 0; i < prototype->n_parameters; i++) {
        names[i] = prototype->parameters[i].name;
    }
    return names;
}
