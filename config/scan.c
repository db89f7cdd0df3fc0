// SPDX-License-Identifier: MIT
/*
 * A strict reader of JSON text that keeps nothing but positions. It runs before the JSON parser,
 * which accepts byte order marks, 01, trailing text and bad UTF-8, cuts strings at \u0000, and
 * knows no positions. The first error ends the scan: what follows it would be guesswork.
 */
#include "config/value.h"

#include <errno.h>
#include <string.h>

struct scanner {
    const char *file;
    const char *text;
    uint32_t n_bytes;
    uint32_t offset;
    uint32_t line, column; /* of offset */
    struct scan_token *tokens;
    uint32_t n_tokens;
    struct diagnostic_list *list;
};

#define FAIL(scanner, name, ...)                                                                   \
    REPORT((scanner)->list, ((struct place){(scanner)->file, (scanner)->line, (scanner)->column}), \
           name, ##__VA_ARGS__)

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool at_end(const struct scanner *scanner)
{
    return scanner->offset == scanner->n_bytes;
}

/* The next byte, or 0 at the end (a NUL in the text is an error wherever it stands). */
static unsigned char peek(const struct scanner *scanner)
{
    return at_end(scanner) ? 0 : (unsigned char)scanner->text[scanner->offset];
}

static void step(struct scanner *scanner)
{
    unsigned char byte = peek(scanner);

    scanner->offset++;
    if (byte == '\n') {
        scanner->line++;
        scanner->column = 1;
    } else if ((peek(scanner) & 0xc0) != 0x80) {
        scanner->column++;
    }
}

static bool take(struct scanner *scanner, char byte)
{
    if (peek(scanner) == (unsigned char)byte) {
        step(scanner);
        return true;
    }
    return false;
}

static void skip_space(struct scanner *scanner)
{
    while (!at_end(scanner) && strchr(" \t\r\n", peek(scanner)) != NULL && peek(scanner) != 0) {
        step(scanner);
    }
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* What stands at the cursor, for a message. buffer takes 8 bytes. */
static const char *found_text(const struct scanner *scanner, char *buffer)
{
    unsigned char byte = peek(scanner);

    if (at_end(scanner)) {
        return "the end of the text";
    }
    if (byte >= 0x80) {
        return "a character that JSON allows in strings only";
    }
    buffer[0] = '\'';
    buffer[1] = (char)byte;
    buffer[2] = '\'';
    buffer[3] = '\0';
    return byte == 0 ? "a NUL byte" : buffer;
}

static bool fail_expected(struct scanner *scanner, const char *expected)
{
    char buffer[8];
    const char *found = found_text(scanner, buffer);
    const char *hint = NULL;

    switch (peek(scanner)) {
    case '/':
    case '#':
        hint = "JSON has no comments";
        break;
    case '\'':
        hint = "strings stand in double quotes";
        break;
    case ',':
        hint = "there is one comma too many";
        break;
    case '}':
    case ']':
        hint = "a comma after the last one is too many, or something is missing";
        break;
    case '"':
        hint = "a comma or colon may be missing before this";
        break;
    }
    return FAIL(scanner, SYNTAX, expected, found, hint);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool begin_token(struct scanner *scanner, enum value_kind kind, bool is_key)
{
    if (scanner->n_tokens == SCAN_MAX_VALUES) {
        return FAIL(scanner, TOO_MANY_VALUES);
    }
    if (scanner->tokens != NULL) {
        scanner->tokens[scanner->n_tokens] =
            (struct scan_token){kind, is_key, scanner->line, scanner->column, scanner->offset, 1};
    }
    scanner->n_tokens++;
    return true;
}

/* index: of the token that begin_token made before the literal was read. */
static void end_token(struct scanner *scanner, uint32_t index)
{
    if (scanner->tokens != NULL) {
        scanner->tokens[index].n_bytes = scanner->offset - scanner->tokens[index].offset;
    }
}

/* Bytes of the UTF-8 sequence at text, or 0: overlong, surrogate, too large, cut off, stray. */
static uint32_t utf8_length(const unsigned char *text, uint32_t n_bytes)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t length = text[0] < 0x80           ? 1
                      : (text[0] >> 5) == 0x6  ? 2
                      : (text[0] >> 4) == 0xe  ? 3
                      : (text[0] >> 3) == 0x1e ? 4
                                               : 0;
    uint32_t code;

    if (length < 2 || length > n_bytes) {
        return length == 1 ? 1 : 0;
    }
    code = text[0] & (0x7fu >> length);
    for (uint32_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return 0;
    }
    return length;
}

/* Reads the four digits behind \u into *ret_code without moving on. */
static bool peek_hex4(const struct scanner *scanner, uint32_t offset, uint32_t *ret_code)
{
    uint32_t code = 0;

    if (scanner->n_bytes - offset < 4) {
        return false;
    }
    for (uint32_t i = 0; i < 4; i++) {
        char digit = scanner->text[offset + i];

        if (is_digit((unsigned char)digit)) {
            code = code << 4 | (uint32_t)(digit - '0');
        } else if ((digit >= 'a' && digit <= 'f') || (digit >= 'A' && digit <= 'F')) {
            code = code << 4 | (uint32_t)((digit | 0x20) - 'a' + 10);
        } else {
            return false;
        }
    }
    *ret_code = code;
    return true;
}

static bool scan_escape(struct scanner *scanner)
{
    uint32_t rest = scanner->n_bytes - scanner->offset, n_bytes = 2, code, low;

    if (rest < 2 || scanner->text[scanner->offset + 1] == '\0' ||
        strchr("\"\\/bfnrtu", scanner->text[scanner->offset + 1]) == NULL) {
        return FAIL(scanner, BAD_ESCAPE);
    }
    if (scanner->text[scanner->offset + 1] == 'u') {
        if (!peek_hex4(scanner, scanner->offset + 2, &code)) {
            return FAIL(scanner, BAD_ESCAPE);
        }
        if (code == 0) {
            return FAIL(scanner, NUL_ESCAPE);
        }
        n_bytes = 6;
        if (code >= 0xd800 && code < 0xdc00) {
            if (rest < 12 || memcmp(scanner->text + scanner->offset + 6, "\\u", 2) != 0 ||
                !peek_hex4(scanner, scanner->offset + 8, &low) || low < 0xdc00 || low > 0xdfff) {
                return FAIL(scanner, LONE_SURROGATE);
            }
            n_bytes = 12;
        } else if (code >= 0xdc00 && code < 0xe000) {
            return FAIL(scanner, LONE_SURROGATE);
        }
    }
    for (uint32_t i = 0; i < n_bytes; i++) {
        step(scanner);
    }
    return true;
}

static bool scan_string(struct scanner *scanner, bool is_key)
{
    uint32_t index = scanner->n_tokens;

    if (!begin_token(scanner, VALUE_STRING, is_key)) {
        return false;
    }
    step(scanner);
    while (!take(scanner, '"')) {
        unsigned char byte = peek(scanner);
        uint32_t length;

        if (at_end(scanner) || byte == '\n') {
            return FAIL(scanner, UNTERMINATED_STRING);
        }
        if (byte < 0x20) {
            return FAIL(scanner, CONTROL_CHARACTER);
        }
        if (byte == '\\') {
            if (!scan_escape(scanner)) {
                return false;
            }
            continue;
        }
        length = utf8_length((const unsigned char *)scanner->text + scanner->offset,
                             scanner->n_bytes - scanner->offset);
        if (length == 0) {
            return FAIL(scanner, BAD_UTF8);
        }
        for (; length > 0; length--) {
            step(scanner);
        }
    }
    end_token(scanner, index);
    return true;
}

static bool scan_digits(struct scanner *scanner)
{
    if (!is_digit(peek(scanner))) {
        return fail_expected(scanner, "a digit");
    }
    while (is_digit(peek(scanner))) {
        step(scanner);
    }
    return true;
}

static bool scan_number(struct scanner *scanner)
{
    uint32_t index = scanner->n_tokens, begin = scanner->offset;

    if (!begin_token(scanner, VALUE_NUMBER, false)) {
        return false;
    }
    take(scanner, '-');
    if (take(scanner, '0')) {
        if (is_digit(peek(scanner))) {
            return FAIL(scanner, LEADING_ZERO);
        }
    } else if (!scan_digits(scanner)) {
        return false;
    }
    if (take(scanner, '.') && !scan_digits(scanner)) {
        return false;
    }
    if (take(scanner, 'e') || take(scanner, 'E')) {
        if (!take(scanner, '+')) {
            take(scanner, '-');
        }
        if (!scan_digits(scanner)) {
            return false;
        }
    }
    if (scanner->offset - begin > SCAN_MAX_NUMBER_BYTES) {
        return FAIL(scanner, NUMBER_TOO_LONG);
    }
    end_token(scanner, index);
    return true;
}

static bool scan_word(struct scanner *scanner)
{
    static const struct {
        const char *word;
        enum value_kind kind;
    } words[] = {{"true", VALUE_BOOL}, {"false", VALUE_BOOL}, {"null", VALUE_NULL}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint32_t index = scanner->n_tokens;
        uint32_t length = (uint32_t)strlen(words[i].word);

        if (scanner->n_bytes - scanner->offset >= length &&
            memcmp(scanner->text + scanner->offset, words[i].word, length) == 0) {
            if (!begin_token(scanner, words[i].kind, false)) {
                return false;
            }
            for (; length > 0; length--) {
                step(scanner);
            }
            end_token(scanner, index);
            return true;
        }
    }
    return fail_expected(scanner, "a value");
}

/* ---- structure ------------------------------------------------------------------------------- */

static bool scan_value(struct scanner *scanner, unsigned depth);

static bool scan_member(struct scanner *scanner, unsigned depth)
{
    if (peek(scanner) != '"') {
        return fail_expected(scanner, "a key in double quotes");
    }
    if (!scan_string(scanner, true)) {
        return false;
    }
    skip_space(scanner);
    if (!take(scanner, ':')) {
        return fail_expected(scanner, "':'");
    }
    skip_space(scanner);
    return scan_value(scanner, depth);
}

static bool scan_children(struct scanner *scanner, unsigned depth, bool is_object)
{
    char closing = is_object ? '}' : ']';

    if (depth > SCAN_MAX_DEPTH) {
        return FAIL(scanner, TOO_DEEP);
    }
    if (!begin_token(scanner, is_object ? VALUE_OBJECT : VALUE_ARRAY, false)) {
        return false;
    }
    step(scanner);
    skip_space(scanner);
    if (take(scanner, closing)) {
        return true;
    }
    for (;;) {
        if (!(is_object ? scan_member(scanner, depth) : scan_value(scanner, depth))) {
            return false;
        }
        skip_space(scanner);
        if (take(scanner, closing)) {
            return true;
        }
        if (!take(scanner, ',')) {
            return fail_expected(scanner, is_object ? "',' or '}'" : "',' or ']'");
        }
        skip_space(scanner);
    }
}

static bool scan_value(struct scanner *scanner, unsigned depth)
{
    unsigned char byte = peek(scanner);

    if (byte == '{' || byte == '[') {
        return scan_children(scanner, depth + 1, byte == '{');
    }
    if (byte == '"') {
        return scan_string(scanner, false);
    }
    if (byte == '-' || is_digit(byte)) {
        return scan_number(scanner);
    }
    return scan_word(scanner);
}

int scan_text(const char *file, const char *text, size_t n_bytes, struct scan_token *tokens,
              uint32_t *ret_n_tokens, struct diagnostic_list *list)
{
    struct scanner scanner = {.file = file,
                              .text = text,
                              .n_bytes = (uint32_t)n_bytes,
                              .line = 1,
                              .column = 1,
                              .tokens = tokens,
                              .list = list};

    if (n_bytes > CONFIG_TEXT_MAX_BYTES) {
        REPORT(list, ((struct place){file, 0, 0}), TOO_LARGE);
        return -EINVAL;
    }
    if (n_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        FAIL(&scanner, BYTE_ORDER_MARK);
        return -EINVAL;
    }
    skip_space(&scanner);
    if (at_end(&scanner)) {
        FAIL(&scanner, EMPTY);
        return -EINVAL;
    }
    if (!scan_value(&scanner, 0)) {
        return -EINVAL;
    }
    skip_space(&scanner);
    if (!at_end(&scanner)) {
        FAIL(&scanner, TRAILING_TEXT);
        return -EINVAL;
    }
    *ret_n_tokens = scanner.n_tokens;
    return 0;
}
