// SPDX-License-Identifier: MIT
/* Cuts a C declaration into tokens. Comments and white space are skipped. */
#include "config/declaration.h"

#include <string.h>

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           byte == '$';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Past white space and comments; on an unterminated comment stays at its beginning. */
static const char *skip_space(const char *text)
{
    for (;;) {
        if (*text == ' ' || (*text >= '\t' && *text <= '\r')) {
            text++;
        } else if (text[0] == '/' && text[1] == '/') {
            text += strcspn(text, "\n");
        } else if (text[0] == '/' && text[1] == '*') {
            const char *end = strstr(text + 2, "*/");

            if (end == NULL) {
                return text;
            }
            text = end + 2;
        } else {
            return text;
        }
    }
}

static struct token token_at(const struct parser *parser, const char *text)
{
    struct token token = {.kind = TOKEN_MARK, .text = text, .n_bytes = 1};

    if (*text == '\0') {
        token.kind = TOKEN_END;
        token.n_bytes = 0;
    } else if (is_letter(*text)) {
        token.kind = TOKEN_NAME;
        while (is_letter(text[token.n_bytes]) || is_digit(text[token.n_bytes])) {
            token.n_bytes++;
        }
    } else if (is_digit(*text)) {
        token.kind = TOKEN_NUMBER;
        while (is_letter(text[token.n_bytes]) || is_digit(text[token.n_bytes])) {
            token.n_bytes++;
        }
    } else if (*text == '"') {
        const char *end = strchr(text + 1, '"');

        token.kind = end != NULL ? TOKEN_STRING : TOKEN_BAD;
        token.n_bytes = end != NULL ? (uint32_t)(end + 1 - text) : 1;
    } else if (strncmp(text, "...", 3) == 0) {
        token.kind = TOKEN_ELLIPSIS;
        token.n_bytes = 3;
    } else if (text[0] == '/' && text[1] == '*') {
        token.kind = TOKEN_BAD;
    } else {
        while (((unsigned char)text[token.n_bytes] & 0xc0) == 0x80) {
            token.n_bytes++;
        }
    }
    token.offset = (uint32_t)(text - parser->source->text);
    return token;
}

void parser_init(struct parser *parser, struct workspace *work, const struct source_text *source)
{
    *parser = (struct parser){.work = work, .source = source};
    parser->token = token_at(parser, skip_space(source->text));
}

void parser_next(struct parser *parser)
{
    const char *end = parser->token.text + parser->token.n_bytes;

    parser->token = token_at(parser, skip_space(end));
}

void parser_seek(struct parser *parser, struct token token)
{
    parser->token = token;
}

bool token_is(struct token token, const char *text)
{
    return token.n_bytes == strlen(text) && memcmp(token.text, text, token.n_bytes) == 0;
}

bool parser_take(struct parser *parser, const char *text)
{
    if (token_is(parser->token, text)) {
        parser_next(parser);
        return true;
    }
    return false;
}

const char *token_text(const struct parser *parser, struct token token)
{
    if (token.kind == TOKEN_END) {
        return "the end";
    }
    return work_join(parser->work, "'", work_copy_text(parser->work, token.text, token.n_bytes),
                     "'");
}

#define MAX_BALANCED_DEPTH 60

void parser_skip_balanced(struct parser *parser)
{
    struct token opening = parser->token;
    uint64_t brackets = 0; /* one bit for each that is open, the innermost last: '[' is 1 */
    unsigned depth = 0;

    do {
        bool opens = token_is(parser->token, "(") || token_is(parser->token, "[");
        bool closes = token_is(parser->token, ")") || token_is(parser->token, "]");

        if (opens && depth < MAX_BALANCED_DEPTH) {
            brackets = brackets << 1 | (*parser->token.text == '[');
            depth++;
        } else if (closes && (brackets & 1) == (*parser->token.text == ']')) {
            brackets >>= 1;
            depth--;
        } else if (opens || closes || parser->token.kind == TOKEN_END ||
                   parser->token.kind == TOKEN_BAD || token_is(parser->token, ";") ||
                   token_is(parser->token, "{")) {
            PARSE_FAIL(parser, opening, UNCLOSED, token_text(parser, opening));
            return;
        }
        parser_next(parser);
    } while (depth > 0);
}
