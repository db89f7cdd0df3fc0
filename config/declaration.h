// SPDX-License-Identifier: MIT
/*
 * Internal to the parser of declarations: its tokens (lexer.c), and the part that reads the words
 * in front of a declarator (specifiers.c). prototype.c has the rest.
 */
#ifndef CONFIG_DECLARATION_H
#define CONFIG_DECLARATION_H

#include "config/language.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_ELLIPSIS,
    TOKEN_MARK, /* one character of punctuation: *text */
    TOKEN_BAD,  /* an unterminated comment or string */
};

struct token {
    enum token_kind kind;
    const char *text; /* in the source */
    uint32_t offset, n_bytes;
};

/* A parser stands before `token`. The first error sets is_failed and is the only one reported. */
struct parser {
    struct workspace *work;
    const struct source_text *source;
    struct token token;
    bool is_failed;
    bool allows_bodies; /* struct, union and enum may be defined here */
    bool sizes_arrays;  /* an array is itself, and not the pointer that a parameter would be */
    unsigned body_depth;
};

#define PARSER_MAX_DEPTH                                                     \
    12 /* of parentheses in declarators and of parameter lists in each other \
        */

/* Reports at a token unless an error came before. */
#define PARSE_FAIL(parser, token, name, ...)                                                   \
    do {                                                                                       \
        if (!(parser)->is_failed) {                                                            \
            (parser)->is_failed = true;                                                        \
            REPORT((parser)->work->list, place_inside((parser)->source, (token).offset), name, \
                   ##__VA_ARGS__);                                                             \
        }                                                                                      \
    } while (0)

/* ---- lexer.c --------------------------------------------------------------------------------- */

void parser_init(struct parser *parser, struct workspace *work, const struct source_text *source);
void parser_next(struct parser *parser);
void parser_seek(struct parser *parser, struct token token);
bool token_is(struct token token, const char *text);
/* Moves on if the token is this one. */
bool parser_take(struct parser *parser, const char *text);
/* A name that is no word of the language. */
bool token_is_plain_name(struct token token);
/* A copy of the token for a message; "the end" at the end. */
const char *token_text(const struct parser *parser, struct token token);
/* From an opening '(' or '[' past the one that closes it. */
void parser_skip_balanced(struct parser *parser);

/* ---- specifiers.c ---------------------------------------------------------------------------- */

enum specifier_place {
    SPECIFIERS_OF_FUNCTION,
    SPECIFIERS_OF_PARAMETER,
    SPECIFIERS_OF_MEMBER, /* and of a typedef */
    SPECIFIERS_OF_TYPE_NAME
};

/* Reads "static const unsigned long"; NULL after an error. */
const struct ctype *specifiers_parse(struct parser *parser, enum specifier_place place);
/* Reads the qualifiers behind a '*' or inside '[': true if const is among them. */
bool qualifiers_parse(struct parser *parser);
/* Skips __attribute__((...)), refusing those that change a type's representation. */
void attributes_skip(struct parser *parser);
/* True if the token can begin the specifiers of a parameter. */
bool specifiers_begin(const struct parser *parser, struct token token);

/* ---- declarator.c ---------------------------------------------------------------------------- */

/*
 * Reads "*name[3]", "(*name)(int)" or nothing around a type. *ret_name is written if there is a
 * name. depth: 0, or how deep it stands within others. NULL after an error.
 */
const struct ctype *declarator_parse(struct parser *parser, const struct ctype *type,
                                     struct token *ret_name, unsigned depth);

/* ---- body.c ---------------------------------------------------------------------------------- */

/* At a '{': reads a body to behind its '}' and declares the tag, NULL for none. NULL: an error. */
const struct ctype *body_parse(struct parser *parser, bool is_union, const char *tag,
                               struct token at);
const struct ctype *body_parse_enum(struct parser *parser, const char *tag, struct token at);

/* ---- constant.c ------------------------------------------------------------------------------ */

/* Reads a constant expression. */
bool constant_parse(struct parser *parser, int64_t *ret);

/* ---- types.c --------------------------------------------------------------------------------- */

/* The type that is declared already if the bodies are the same; NULL if they are not. */
const struct ctype *types_declare_tag(struct parser *parser, const char *tag,
                                      const struct ctype *type, struct token at);
void types_declare_constant(struct parser *parser, struct token name, int64_t number);
/* One more name; false when there are too many. */
bool types_count_name(struct parser *parser, struct token at);

#endif
