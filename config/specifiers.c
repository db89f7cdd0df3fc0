// SPDX-License-Identifier: MIT
/*
 * Reads the words in front of a declarator: type words in any order, typedef names, tags,
 * qualifiers, storage words, attributes. Refuses by name what this version does not carry.
 */
#include "config/declaration.h"

#include <limits.h>
#include <string.h>

enum type_word {
    W_VOID,
    W_CHAR,
    W_SHORT,
    W_INT,
    W_LONG,
    W_SIGNED,
    W_UNSIGNED,
    W_FLOAT,
    W_DOUBLE,
    W_BOOL,
    W_COMPLEX,
    N_TYPE_WORDS
};

enum word_kind {
    WORD_TYPE,
    WORD_CONST,
    WORD_QUALIFIER, /* no meaning here */
    WORD_STORAGE,   /* likewise, but not for parameters */
    WORD_REGISTER,
    WORD_TAG,
    WORD_ATTRIBUTE,
    WORD_REFUSED,
};

static const struct known_word {
    const char *text;
    enum word_kind kind;
    enum type_word type;
    const char *refusal; /* "X is ..." */
} known_words[] = {
    {"void", WORD_TYPE, W_VOID, NULL},
    {"char", WORD_TYPE, W_CHAR, NULL},
    {"short", WORD_TYPE, W_SHORT, NULL},
    {"int", WORD_TYPE, W_INT, NULL},
    {"long", WORD_TYPE, W_LONG, NULL},
    {"signed", WORD_TYPE, W_SIGNED, NULL},
    {"__signed__", WORD_TYPE, W_SIGNED, NULL},
    {"unsigned", WORD_TYPE, W_UNSIGNED, NULL},
    {"float", WORD_TYPE, W_FLOAT, NULL},
    {"double", WORD_TYPE, W_DOUBLE, NULL},
    {"_Bool", WORD_TYPE, W_BOOL, NULL},
    {"bool", WORD_TYPE, W_BOOL, NULL},
    {"_Complex", WORD_TYPE, W_COMPLEX, NULL},
    {"complex", WORD_TYPE, W_COMPLEX, NULL},
    {"__complex__", WORD_TYPE, W_COMPLEX, NULL},
    {"const", WORD_CONST, 0, NULL},
    {"__const", WORD_CONST, 0, NULL},
    {"volatile", WORD_QUALIFIER, 0, NULL},
    {"__volatile__", WORD_QUALIFIER, 0, NULL},
    {"restrict", WORD_QUALIFIER, 0, NULL},
    {"__restrict", WORD_QUALIFIER, 0, NULL},
    {"__restrict__", WORD_QUALIFIER, 0, NULL},
    {"_Nonnull", WORD_QUALIFIER, 0, NULL},
    {"_Nullable", WORD_QUALIFIER, 0, NULL},
    {"__extension__", WORD_QUALIFIER, 0, NULL},
    {"extern", WORD_STORAGE, 0, NULL},
    {"inline", WORD_STORAGE, 0, NULL},
    {"__inline", WORD_STORAGE, 0, NULL},
    {"__inline__", WORD_STORAGE, 0, NULL},
    {"register", WORD_REGISTER, 0, NULL},
    {"struct", WORD_TAG, 0, NULL},
    {"union", WORD_TAG, 0, NULL},
    {"enum", WORD_TAG, 0, NULL},
    {"__attribute__", WORD_ATTRIBUTE, 0, NULL},
    {"__attribute", WORD_ATTRIBUTE, 0, NULL},
    {"__int128", WORD_REFUSED, 0, "cannot be remembered"},
    {"__int128_t", WORD_REFUSED, 0, "cannot be remembered"},
    {"__uint128_t", WORD_REFUSED, 0, "cannot be remembered"},
    {"_BitInt", WORD_REFUSED, 0, "cannot be remembered"},
    {"__m64", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m128", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m128d", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m128i", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m256", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m256d", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m256i", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m512", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m512d", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"__m512i", WORD_REFUSED, 0, "is a vector, which cannot be remembered"},
    {"_Float16", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Float32", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Float32x", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Float64", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Float64x", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Float128", WORD_REFUSED, 0, "is not in this version yet"},
    {"__float128", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Decimal32", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Decimal64", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Decimal128", WORD_REFUSED, 0, "is not in this version yet"},
    {"_Imaginary", WORD_REFUSED, 0, "is no type of this system's compilers"},
    {"_Atomic", WORD_REFUSED, 0, "is not in this version yet"},
    {"float_t", WORD_REFUSED, 0, "depends on compiler options: write the type it stands for"},
    {"double_t", WORD_REFUSED, 0, "depends on compiler options: write the type it stands for"},
    {"va_list", WORD_REFUSED, 0, "cannot be part of a key"},
    {"__builtin_va_list", WORD_REFUSED, 0, "cannot be part of a key"},
    {"typeof", WORD_REFUSED, 0, "cannot be resolved here: write the type"},
    {"__typeof__", WORD_REFUSED, 0, "cannot be resolved here: write the type"},
    {"auto", WORD_REFUSED, 0, "is no part of a prototype"},
    {"typedef", WORD_REFUSED, 0, "is no part of a prototype"},
    {"static", WORD_REFUSED, 0, "names a function that no other object can call"},
    {"_Noreturn", WORD_REFUSED, 0, "names a function without a result to remember"},
    {"noreturn", WORD_REFUSED, 0, "names a function without a result to remember"},
    {"_Thread_local", WORD_REFUSED, 0, "is no part of a prototype"},
    {"_Alignas", WORD_REFUSED, 0, "changes the layout of a type and cannot be kept"},
};

static const struct known_word *find_word(struct token token)
{
    if (token.kind == TOKEN_NAME) {
        for (size_t i = 0; i < sizeof(known_words) / sizeof(known_words[0]); i++) {
            if (token_is(token, known_words[i].text)) {
                return &known_words[i];
            }
        }
    }
    return NULL;
}

bool specifiers_begin(const struct parser *parser, struct token token)
{
    return token.kind == TOKEN_ELLIPSIS || find_word(token) != NULL ||
           (token.kind == TOKEN_NAME &&
            ctype_is_typedef_name(parser->work, token.text, token.n_bytes));
}

bool token_is_plain_name(struct token token)
{
    return token.kind == TOKEN_NAME && find_word(token) == NULL;
}

/* ---- attributes and qualifiers --------------------------------------------------------------- */

static void refuse_attribute(struct parser *parser, struct token token)
{
    static const char *const refused[] = {
        "vector_size",
        "__vector_size__",
        "mode",
        "__mode__",
        "ms_abi",
        "__ms_abi__",
        "regparm",
        "__regparm__",
        "transparent_union",
        "aligned",
        "__aligned__",
        "packed",
        "__packed__",
        "noreturn",
        "__noreturn__",
        "returns_twice",
        "vectorcall",
        "ifunc",
        "__transparent_union__",
        "__returns_twice__",
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (token_is(token, refused[i])) {
            PARSE_FAIL(parser, token, ATTRIBUTE_REFUSED, token_text(parser, token));
        }
    }
}

void attributes_skip(struct parser *parser)
{
    const struct known_word *word;

    while ((word = find_word(parser->token)) != NULL && word->kind == WORD_ATTRIBUTE) {
        struct token begin, end;

        parser_next(parser);
        if (!token_is(parser->token, "(")) {
            PARSE_FAIL(parser, parser->token, EXPECTED, "'((' after '__attribute__'",
                       token_text(parser, parser->token));
            return;
        }
        begin = parser->token;
        parser_skip_balanced(parser);
        if (parser->is_failed) {
            return;
        }
        end = parser->token;
        parser_seek(parser, begin);
        while (parser->token.offset < end.offset) {
            refuse_attribute(parser, parser->token);
            parser_next(parser);
        }
    }
}

bool qualifiers_parse(struct parser *parser)
{
    bool is_const = false;

    while (!parser->is_failed) {
        const struct known_word *word = find_word(parser->token);

        if (word == NULL) {
            break;
        }
        if (word->kind == WORD_ATTRIBUTE) {
            attributes_skip(parser);
        } else if (word->kind == WORD_CONST || word->kind == WORD_QUALIFIER) {
            is_const |= word->kind == WORD_CONST;
            parser_next(parser);
        } else {
            break;
        }
    }
    return is_const;
}

/* ---- the type -------------------------------------------------------------------------------- */

/* What was read so far. whole: a typedef name or tag, which stands alone. */
struct specifiers {
    unsigned counts[N_TYPE_WORDS];
    unsigned n_words; /* of all counts */
    const struct ctype *whole;
    const char *text;
    bool is_const;
};

#define MAX_TYPE_WORDS 5 /* "unsigned long long int" has four; "long double _Complex" three */

static bool counts_allow(const struct specifiers *read, unsigned mask)
{
    for (unsigned i = 0; i < N_TYPE_WORDS; i++) {
        if (read->counts[i] > (i == W_LONG ? 2u : 1u) ||
            (read->counts[i] > 0 && (mask >> i & 1) == 0)) {
            return false;
        }
    }
    return true;
}

static bool set_type(struct ctype *ret, enum ctype_kind kind, size_t n_bytes, size_t alignment)
{
    *ret = (struct ctype){
        .kind = kind, .size_bytes = (uint32_t)n_bytes, .alignment_bytes = (uint32_t)alignment};
    return true;
}

#define SET(kind, type) set_type(ret, kind, sizeof(type), _Alignof(type))

/* The type that the words make, or false if they make none. */
static bool resolve_words(const struct specifiers *read, struct ctype *ret)
{
    const unsigned *counts = read->counts;
    const unsigned signs = 1u << W_SIGNED | 1u << W_UNSIGNED;
    bool is_unsigned = counts[W_UNSIGNED] > 0;

    if (counts[W_SIGNED] > 0 && is_unsigned) {
        return false;
    }
    if (counts[W_VOID] > 0) {
        *ret = (struct ctype){.kind = CTYPE_VOID};
        return counts_allow(read, 1u << W_VOID);
    }
    if (counts[W_BOOL] > 0) {
        return counts_allow(read, 1u << W_BOOL) && SET(CTYPE_BOOL, _Bool);
    }
    if (counts[W_FLOAT] > 0) {
        return counts_allow(read, 1u << W_FLOAT | 1u << W_COMPLEX) &&
               (counts[W_COMPLEX] > 0 ? SET(CTYPE_COMPLEX_FLOAT, _Complex float)
                                      : SET(CTYPE_FLOAT, float));
    }
    if (counts[W_DOUBLE] > 0) {
        if (!counts_allow(read, 1u << W_DOUBLE | 1u << W_COMPLEX | 1u << W_LONG) ||
            counts[W_LONG] > 1) {
            return false;
        }
        if (counts[W_LONG] > 0) {
            return counts[W_COMPLEX] > 0 ? SET(CTYPE_COMPLEX_LONG_DOUBLE, _Complex long double)
                                         : SET(CTYPE_LONG_DOUBLE, long double);
        }
        return counts[W_COMPLEX] > 0 ? SET(CTYPE_COMPLEX_DOUBLE, _Complex double)
                                     : SET(CTYPE_DOUBLE, double);
    }
    if (counts[W_CHAR] > 0) {
        bool is_plain = counts[W_SIGNED] == 0 && !is_unsigned;

        return counts_allow(read, 1u << W_CHAR | signs) &&
               SET(is_unsigned || (is_plain && CHAR_MIN == 0) ? CTYPE_UNSIGNED : CTYPE_SIGNED,
                   char);
    }
    if (!counts_allow(read, 1u << W_SHORT | 1u << W_INT | 1u << W_LONG | signs) ||
        (counts[W_SHORT] > 0 && counts[W_LONG] > 0)) {
        return false;
    }
    if (counts[W_SHORT] > 0) {
        SET(CTYPE_SIGNED, short);
    } else if (counts[W_LONG] == 0) {
        SET(CTYPE_SIGNED, int);
    } else if (counts[W_LONG] == 1) {
        SET(CTYPE_SIGNED, long);
    } else {
        SET(CTYPE_SIGNED, long long);
    }
    ret->kind = is_unsigned ? CTYPE_UNSIGNED : CTYPE_SIGNED;
    return true;
}

/* A tag that `types` says nothing about. An enum's values are ints unless its author did odd
 * things.
 */
static const struct ctype *make_tag(struct workspace *work, bool is_enum, const char *text)
{
    struct ctype *type;

    if (!is_enum) {
        return ctype_make_opaque(work, &(struct opaque_ctype){.form = OPAQUE_TAG}, text);
    }
    type = work_alloc(work, sizeof(*type));
    *type = (struct ctype){.kind = CTYPE_SIGNED,
                           .size_bytes = sizeof(int),
                           .alignment_bytes = _Alignof(int),
                           .text = text};
    return type;
}

/* struct tag, union tag, enum tag; with a body where bodies are allowed. */
static void read_tag(struct parser *parser, struct specifiers *read)
{
    struct token keyword = parser->token, tag;
    bool is_enum = token_is(keyword, "enum"), is_union = token_is(keyword, "union");
    const char *text = NULL;

    parser_next(parser);
    attributes_skip(parser);
    tag = parser->token;
    if (tag.kind == TOKEN_NAME) {
        text = work_join(parser->work,
                         is_enum    ? "enum "
                         : is_union ? "union "
                                    : "struct ",
                         work_copy_text(parser->work, tag.text, tag.n_bytes), "");
        parser_next(parser);
        attributes_skip(parser);
    }
    if (token_is(parser->token, "{")) {
        if (!parser->allows_bodies) {
            PARSE_FAIL(parser, parser->token, BODY_MISPLACED);
            return;
        }
        read->whole =
            is_enum ? body_parse_enum(parser, text, tag) : body_parse(parser, is_union, text, tag);
        return;
    }
    if (text == NULL) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "a tag", token_text(parser, parser->token));
        return;
    }
    read->whole = types_find(parser->work, text, strlen(text));
    if (read->whole == NULL) {
        read->whole = make_tag(parser->work, is_enum, text);
    }
}

static void read_type_word(struct parser *parser, struct specifiers *read,
                           const struct known_word *word)
{
    read->counts[word->type]++;
    read->n_words++;
    if (read->whole != NULL || read->n_words > MAX_TYPE_WORDS) {
        PARSE_FAIL(parser, parser->token, BAD_SPECIFIERS, token_text(parser, parser->token));
        return;
    }
    read->text =
        read->text == NULL ? word->text : work_join(parser->work, read->text, " ", word->text);
    parser_next(parser);
}

static const struct ctype *finish(struct parser *parser, const struct specifiers *read)
{
    const struct ctype *type = read->whole;
    struct ctype *made;

    if (parser->is_failed) {
        return NULL;
    }
    if (type == NULL) {
        made = work_alloc(parser->work, sizeof(*made));
        if (!resolve_words(read, made)) {
            PARSE_FAIL(parser, parser->token, NO_SUCH_TYPE, read->text);
            return NULL;
        }
        made->text = read->text;
        type = made;
    }
    return read->is_const ? ctype_make_const(parser->work, type) : type;
}

static void report_missing_type(struct parser *parser)
{
    const char *text = token_text(parser, parser->token);
    const char *nearest, *hint;

    if (parser->token.kind != TOKEN_NAME) {
        PARSE_FAIL(parser, parser->token, EXPECTED, "a type", text);
        return;
    }
    nearest =
        ctype_nearest_name(work_copy_text(parser->work, parser->token.text, parser->token.n_bytes));
    hint = nearest != NULL ? work_join(parser->work, "did you mean '", nearest, "'?")
                           : "write the type that it stands for: an arithmetic type, 'struct TAG "
                             "*', or 'void *' for any pointer";
    PARSE_FAIL(parser, parser->token, UNKNOWN_TYPE, text, hint);
}

const struct ctype *specifiers_parse(struct parser *parser, enum specifier_place place)
{
    struct specifiers read = {.whole = NULL};

    while (!parser->is_failed) {
        const struct known_word *word = find_word(parser->token);

        if (word == NULL) {
            if (read.whole != NULL || read.n_words > 0) {
                return finish(parser, &read);
            }
            if (parser->token.kind == TOKEN_NAME) {
                read.whole =
                    ctype_of_typedef(parser->work, work_copy_text(parser->work, parser->token.text,
                                                                  parser->token.n_bytes));
            }
            if (read.whole == NULL) {
                report_missing_type(parser);
                return NULL;
            }
            parser_next(parser);
            continue;
        }
        switch (word->kind) {
        case WORD_TYPE:
            read_type_word(parser, &read, word);
            break;
        case WORD_TAG:
            if (read.whole != NULL || read.n_words > 0) {
                PARSE_FAIL(parser, parser->token, BAD_SPECIFIERS,
                           token_text(parser, parser->token));
            }
            read_tag(parser, &read);
            break;
        case WORD_CONST:
        case WORD_QUALIFIER:
        case WORD_ATTRIBUTE:
            read.is_const |= qualifiers_parse(parser);
            break;
        case WORD_STORAGE:
        case WORD_REGISTER:
            if (place !=
                (word->kind == WORD_STORAGE ? SPECIFIERS_OF_FUNCTION : SPECIFIERS_OF_PARAMETER)) {
                PARSE_FAIL(parser, parser->token, STORAGE_WORD, token_text(parser, parser->token));
            }
            parser_next(parser);
            break;
        case WORD_REFUSED:
            PARSE_FAIL(parser, parser->token, TYPE_REFUSED, token_text(parser, parser->token),
                       word->refusal);
            break;
        }
    }
    return NULL;
}
