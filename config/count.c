// SPDX-License-Identifier: MIT
/*
 * Compiles a count of elements, "n * 4" or "return + 1", to reverse Polish. What it may name is
 * checked here; that what it names is described well enough is claims.c's business.
 */
#include "config/declaration.h"
#include "config/shape.h"

#include <string.h>

#define MAX_PARENTHESES 8

struct compiler {
    struct parser parser;
    const struct count_scope *scope;
    unsigned depth;
    struct count_step steps[CONFIG_COUNT_MAX_STEPS];
    uint32_t n_steps;
};

static void emit(struct compiler *compiler, struct token token, struct count_step step)
{
    if (compiler->n_steps == CONFIG_COUNT_MAX_STEPS - (step.kind != COUNT_OR_STRING)) {
        PARSE_FAIL(&compiler->parser, token, COUNT_TOO_LONG);
        return;
    }
    compiler->steps[compiler->n_steps++] = step;
}

static void compile_number(struct compiler *compiler)
{
    struct token token = compiler->parser.token;
    int64_t number = 0;

    for (uint32_t i = 0; i < token.n_bytes; i++) {
        if (token.text[i] < '0' || token.text[i] > '9') {
            PARSE_FAIL(&compiler->parser, token, EXPECTED, "a decimal number",
                       token_text(&compiler->parser, token));
            return;
        }
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, token.text[i] - '0', &number)) {
            PARSE_FAIL(&compiler->parser, token, COUNT_OVERFLOW);
            return;
        }
    }
    parser_next(&compiler->parser);
    emit(compiler, token, (struct count_step){.kind = COUNT_NUMBER, .number = number});
}

static void compile_return(struct compiler *compiler, struct token token)
{
    const struct prototype *prototype = compiler->scope->prototype;

    if (compiler->scope->site->direction == SHAPE_READ) {
        PARSE_FAIL(&compiler->parser, token, COUNT_RETURN_OF_INPUT);
    } else if (prototype != NULL && !ctype_is_integer(prototype->result)) {
        PARSE_FAIL(&compiler->parser, token, COUNT_NO_INTEGER, "'return'", prototype->result->text);
    } else {
        emit(compiler, token, (struct count_step){.kind = COUNT_RETURN});
    }
}

/* A member of the record that holds what is counted: the inner one, or the one around it. */
static const struct ctype_member *find_member(const struct compiler *compiler, struct token token,
                                              uint32_t *ret_offset)
{
    const struct shape_site *site = compiler->scope->site;
    const struct ctype_member *member = NULL;

    if (site->inner != NULL) {
        member = ctype_find_member(site->inner, token.text, token.n_bytes, ret_offset);
        *ret_offset += site->inner_offset_bytes;
    }
    if (member == NULL && site->record != NULL) {
        member = ctype_find_member(site->record, token.text, token.n_bytes, ret_offset);
    }
    return member;
}

static void compile_member(struct compiler *compiler, struct token token,
                           const struct ctype_member *member, uint32_t offset_bytes)
{
    if (!ctype_is_integer(member->type)) {
        PARSE_FAIL(&compiler->parser, token, COUNT_NO_INTEGER,
                   work_join(compiler->parser.work, "'", member->name, "'"), member->type->text);
        return;
    }
    emit(compiler, token,
         (struct count_step){
             .kind = COUNT_MEMBER, .member = member->type, .offset_bytes = offset_bytes});
}

static void report_unknown(struct compiler *compiler, struct token token, const char *name)
{
    const struct prototype *prototype = compiler->scope->prototype;
    const struct shape_site *site = compiler->scope->site;
    struct workspace *work = compiler->parser.work;

    if (site->record != NULL) {
        PARSE_FAIL(&compiler->parser, token, COUNT_UNKNOWN, name, site->record->text,
                   prototype->name);
        return;
    }
    PARSE_FAIL(&compiler->parser, token, UNKNOWN_PARAMETER, prototype->name, name,
               words_hint(work, name, prototype_names(work, prototype), prototype->n_parameters));
}

static void compile_parameter(struct compiler *compiler, struct token token, bool is_pointee)
{
    struct workspace *work = compiler->parser.work;
    const struct prototype *prototype = compiler->scope->prototype;
    const char *name = work_copy_text(work, token.text, token.n_bytes);
    struct count_step step = {.kind = is_pointee ? COUNT_POINTEE : COUNT_PARAMETER};
    const struct ctype *type;
    int parameter;

    if (prototype == NULL) {
        emit(compiler, token, step);
        return;
    }
    parameter = prototype_find(prototype, token.text, token.n_bytes);
    if (parameter < 0) {
        report_unknown(compiler, token, name);
        return;
    }
    type = prototype->parameters[parameter].type;
    if (!(is_pointee ? type->kind == CTYPE_POINTER && ctype_is_integer(type->target)
                     : ctype_is_integer(type))) {
        PARSE_FAIL(&compiler->parser, token, COUNT_NO_INTEGER,
                   work_join(work, is_pointee ? "'*" : "'", name, "'"),
                   is_pointee && type->kind == CTYPE_POINTER ? type->target->text : type->text);
        return;
    }
    step.parameter = (uint32_t)parameter;
    emit(compiler, token, step);
}

/* A name, behind a '*' or not. */
static void compile_name(struct compiler *compiler, struct token token, bool is_pointee)
{
    const struct ctype_member *member;
    uint32_t offset_bytes = 0;

    if (token_is(token, "return") && !is_pointee) {
        compile_return(compiler, token);
        return;
    }
    member = is_pointee ? NULL : find_member(compiler, token, &offset_bytes);
    if (member != NULL) {
        compile_member(compiler, token, member, offset_bytes);
    } else {
        compile_parameter(compiler, token, is_pointee);
    }
}

static void compile_sum(struct compiler *compiler);

static void compile_operand(struct compiler *compiler)
{
    struct parser *parser = &compiler->parser;
    struct token token = parser->token;
    bool is_pointee;

    if (token.kind == TOKEN_NUMBER) {
        compile_number(compiler);
        return;
    }
    if (parser_take(parser, "(")) {
        if (++compiler->depth > MAX_PARENTHESES) {
            PARSE_FAIL(parser, token, COUNT_TOO_LONG);
            return;
        }
        compile_sum(compiler);
        compiler->depth--;
        if (!parser_take(parser, ")")) {
            PARSE_FAIL(parser, parser->token, EXPECTED, "')'", token_text(parser, parser->token));
        }
        return;
    }
    is_pointee = parser_take(parser, "*");
    token = parser->token;
    if (token.kind != TOKEN_NAME) {
        PARSE_FAIL(parser, token, EXPECTED, "a number or a parameter", token_text(parser, token));
        return;
    }
    parser_next(parser);
    compile_name(compiler, token, is_pointee);
}

static void compile_product(struct compiler *compiler)
{
    struct parser *parser = &compiler->parser;

    compile_operand(compiler);
    while (!parser->is_failed && token_is(parser->token, "*")) {
        struct token token = parser->token;

        parser_next(parser);
        compile_operand(compiler);
        emit(compiler, token, (struct count_step){.kind = COUNT_MULTIPLY});
    }
}

static void compile_sum(struct compiler *compiler)
{
    struct parser *parser = &compiler->parser;

    compile_product(compiler);
    while (!parser->is_failed && (token_is(parser->token, "+") || token_is(parser->token, "-"))) {
        struct token token = parser->token;

        parser_next(parser);
        compile_product(compiler);
        emit(compiler, token,
             (struct count_step){.kind = *token.text == '+' ? COUNT_ADD : COUNT_SUBTRACT});
    }
}

/* Of a count that names nothing: its value, or -1 if it overflows. Others: 1. */
static int64_t constant_value(const struct compiler *compiler)
{
    int64_t stack[CONFIG_COUNT_MAX_STEPS];
    uint32_t n_stacked = 0;

    for (uint32_t i = 0; i < compiler->n_steps; i++) {
        const struct count_step *step = &compiler->steps[i];
        int64_t *left = &stack[n_stacked >= 2 ? n_stacked - 2 : 0];
        bool overflows = false;

        switch (step->kind) {
        case COUNT_NUMBER:
            stack[n_stacked++] = step->number;
            continue;
        case COUNT_ADD:
            overflows = __builtin_add_overflow(left[0], left[1], left);
            break;
        case COUNT_SUBTRACT:
            overflows = __builtin_sub_overflow(left[0], left[1], left);
            break;
        case COUNT_MULTIPLY:
            overflows = __builtin_mul_overflow(left[0], left[1], left);
            break;
        default:
            return 1;
        }
        if (overflows) {
            return -1;
        }
        n_stacked--;
    }
    return stack[0];
}

/* "len or string" */
static void parse_or_string(struct compiler *compiler)
{
    struct parser *parser = &compiler->parser;
    struct token begin = parser->token;
    bool is_variable = false;

    if (parser->is_failed || !parser_take(parser, "or")) {
        return;
    }
    if (!parser_take(parser, "string")) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "'string'", token_text(parser, parser->token));
        return;
    }
    for (uint32_t i = 0; i < compiler->n_steps; i++) {
        enum count_step_kind kind = compiler->steps[i].kind;

        is_variable |= kind != COUNT_NUMBER && kind < COUNT_ADD;
    }
    if (!is_variable) {
        PARSE_FAIL(parser, begin, COUNT_NEVER_STRING);
        return;
    }
    emit(compiler, begin, (struct count_step){.kind = COUNT_OR_STRING});
}

bool count_or_string(const struct config_count *count)
{
    return count->n_steps > 0 && count->steps[count->n_steps - 1].kind == COUNT_OR_STRING;
}

bool count_read(struct workspace *work, const struct value *value, const struct count_scope *scope,
                struct config_count *ret)
{
    struct compiler compiler = {.scope = scope};
    size_t n_bytes;

    if (value->kind != VALUE_NUMBER && value->kind != VALUE_STRING) {
        REPORT(work->list, value->source.place, WRONG_KIND, value_name(work, value),
               "a number or a string", value_kind_text(value));
        return false;
    }
    parser_init(&compiler.parser, work, &value->source);
    if (value->kind == VALUE_NUMBER) {
        uint64_t number;

        if (!units_read_integer(work, value, 1, INT64_MAX, &number)) {
            return false;
        }
        compiler.steps[compiler.n_steps++] =
            (struct count_step){.kind = COUNT_NUMBER, .number = (int64_t)number};
        compiler.parser.token.kind = TOKEN_END;
    } else {
        compile_sum(&compiler);
    }
    parse_or_string(&compiler);
    if (compiler.parser.token.kind != TOKEN_END) {
        PARSE_FAIL(&compiler.parser, compiler.parser.token, EXPECTED, "'+', '-', '*' or the end",
                   token_text(&compiler.parser, compiler.parser.token));
    }
    if (!compiler.parser.is_failed && constant_value(&compiler) < 1) {
        PARSE_FAIL(&compiler.parser, ((struct token){.offset = 0}), COUNT_NOT_POSITIVE);
    }
    if (compiler.parser.is_failed) {
        return false;
    }
    n_bytes = compiler.n_steps * sizeof(compiler.steps[0]);
    ret->steps = memcpy(work_alloc(work, n_bytes), compiler.steps, n_bytes);
    ret->n_steps = compiler.n_steps;
    return true;
}
