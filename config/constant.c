// SPDX-License-Identifier: MIT
/*
 * Constant expressions of declarations: the size of an array, the value of an enumerator. Integers,
 * names of enumerators, sizeof (TYPE), the arithmetic and bitwise operators, parentheses. All of it
 * is computed in 64 bits with sign; what does not fit is an error, unlike in C.
 */
#include "config/declaration.h"

#include <string.h>

static int64_t parse_sum(struct parser *parser, unsigned min_rank, unsigned depth);

static unsigned digit_of(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return (unsigned)(byte - '0');
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? (unsigned)(byte - 'a') + 10 : 16;
}

/* What may stand behind the digits: u, l, ll in any order and case. */
static bool is_suffix(const char *text, size_t n_bytes)
{
    size_t n_u = 0, n_l = 0;

    for (size_t i = 0; i < n_bytes; i++) {
        n_u += text[i] == 'u' || text[i] == 'U';
        n_l += text[i] == 'l' || text[i] == 'L';
    }
    return n_u + n_l == n_bytes && n_u <= 1 && n_l <= 2;
}

static int64_t parse_number(struct parser *parser)
{
    struct token token = parser->token;
    const char *at = token.text, *end = at + token.n_bytes;
    unsigned base = 10;
    int64_t number = 0;

    if (at[0] == '0' && token.n_bytes > 1) {
        base = (at[1] | 0x20) == 'x' ? 16 : 8;
        at += base == 16 ? 2 : 1;
    }
    for (; at < end && digit_of(*at) < base; at++) {
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit_of(*at), &number)) {
            PARSE_FAIL(parser, token, COUNT_OVERFLOW);
            return 0;
        }
    }
    if (!is_suffix(at, (size_t)(end - at)) || (base == 16 && at == token.text + 2)) {
        PARSE_FAIL(parser, token, EXPECTED, "an integer", token_text(parser, token));
    }
    parser_next(parser);
    return number;
}

static int64_t parse_sizeof(struct parser *parser)
{
    struct token name = {.kind = TOKEN_END}, begin;
    const struct ctype *type;

    parser_next(parser);
    begin = parser->token;
    if (!parser_take(parser, "(")) {
        PARSE_FAIL(parser, begin, EXPECTED, "'(' and a type", token_text(parser, begin));
        return 0;
    }
    begin = parser->token;
    type = specifiers_parse(parser, SPECIFIERS_OF_TYPE_NAME);
    if (type != NULL) {
        type = declarator_parse(parser, type, &name, 1);
    }
    if (type == NULL) {
        return 0;
    }
    if (type->size_bytes == 0) {
        PARSE_FAIL(parser, begin, INCOMPLETE, type->text);
    } else if (name.kind == TOKEN_NAME || !parser_take(parser, ")")) {
        PARSE_FAIL(parser, name.kind == TOKEN_NAME ? name : parser->token, EXPECTED, "')'",
                   token_text(parser, name.kind == TOKEN_NAME ? name : parser->token));
    }
    return type->size_bytes;
}

static int64_t parse_operand(struct parser *parser, unsigned depth)
{
    struct token token = parser->token;
    int64_t number = 0;

    if (depth > PARSER_MAX_DEPTH) {
        PARSE_FAIL(parser, token, DECLARATION_TOO_DEEP);
    } else if (token.kind == TOKEN_NUMBER) {
        number = parse_number(parser);
    } else if (parser_take(parser, "(")) {
        number = parse_sum(parser, 0, depth + 1);
        if (!parser_take(parser, ")")) {
            PARSE_FAIL(parser, parser->token, EXPECTED, "')'", token_text(parser, parser->token));
        }
    } else if (parser_take(parser, "+")) {
        number = parse_operand(parser, depth + 1);
    } else if (parser_take(parser, "~")) {
        number = ~parse_operand(parser, depth + 1);
    } else if (parser_take(parser, "-")) {
        if (__builtin_sub_overflow(0, parse_operand(parser, depth + 1), &number)) {
            PARSE_FAIL(parser, token, COUNT_OVERFLOW);
        }
    } else if (token_is(token, "sizeof")) {
        number = parse_sizeof(parser);
    } else if (token.kind == TOKEN_NAME) {
        if (!constant_find(parser->work, work_copy_text(parser->work, token.text, token.n_bytes),
                           &number)) {
            PARSE_FAIL(parser, token, UNKNOWN_CONSTANT, token_text(parser, token));
        }
        parser_next(parser);
    } else {
        PARSE_FAIL(parser, token, EXPECTED, "a constant", token_text(parser, token));
    }
    return number;
}

/* The operators, the tightest last. '<' and '>' stand for "<<" and ">>". */
static const struct {
    char mark;
    unsigned rank;
} operators[] = {
    {'|', 1}, {'^', 2}, {'&', 3}, {'<', 4}, {'>', 4},
    {'+', 5}, {'-', 5}, {'*', 6}, {'/', 6}, {'%', 6},
};

/* 0: no operator. */
static unsigned rank_of(struct token token)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (token.kind == TOKEN_MARK && *token.text == operators[i].mark) {
            bool is_shift = *token.text == '<' || *token.text == '>';

            return is_shift && token.text[1] != *token.text ? 0 : operators[i].rank;
        }
    }
    return 0;
}

/* False: overflow, division by zero, a shift by more than there is. */
static bool apply(char mark, int64_t left, int64_t right, int64_t *ret)
{
    switch (mark) {
    case '|':
        *ret = left | right;
        return true;
    case '^':
        *ret = left ^ right;
        return true;
    case '&':
        *ret = left & right;
        return true;
    case '<':
        if (left < 0 || right < 0 || right > 62 || left > INT64_MAX >> right) {
            return false;
        }
        *ret = left << right;
        return true;
    case '>':
        if (left < 0 || right < 0 || right > 62) {
            return false;
        }
        *ret = left >> right;
        return true;
    case '+':
        return !__builtin_add_overflow(left, right, ret);
    case '-':
        return !__builtin_sub_overflow(left, right, ret);
    case '*':
        return !__builtin_mul_overflow(left, right, ret);
    default:
        if (right == 0 || (left == INT64_MIN && right == -1)) {
            return false;
        }
        *ret = mark == '/' ? left / right : left % right;
        return true;
    }
}

/* Operators of at least this rank. */
static int64_t parse_sum(struct parser *parser, unsigned min_rank, unsigned depth)
{
    int64_t left = parse_operand(parser, depth);
    unsigned rank;

    while (!parser->is_failed && (rank = rank_of(parser->token)) > min_rank) {
        struct token token = parser->token;
        int64_t right;

        parser_next(parser);
        if (rank == 4) {
            parser_next(parser);
        }
        right = parse_sum(parser, rank, depth);
        if (!parser->is_failed && !apply(*token.text, left, right, &left)) {
            PARSE_FAIL(parser, token, CONSTANT_RANGE);
        }
    }
    return left;
}

bool constant_parse(struct parser *parser, int64_t *ret)
{
    int64_t number = parse_sum(parser, 0, 0);

    if (!parser->is_failed) {
        *ret = number;
    }
    return !parser->is_failed;
}
