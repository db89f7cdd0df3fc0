// SPDX-License-Identifier: MIT
/*
 * Collects, formats and prints diagnostics, and hands out the memory of one load. The texts are in
 * diagnostics.def; nothing here knows what they complain about.
 */
#include "config/diag.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENT_MAX_BYTES 400 /* longer arguments are cut: a message stays readable */

static const struct {
    const char *text;
    const char *hint;
} table[] = {
#define DIAGNOSTIC(name, text, hint) {text, hint},
#include "config/diagnostics.def"
#undef DIAGNOSTIC
};

static const char out_of_memory[] = "out of memory while a message was written";

void diagnostics_init(struct diagnostic_list *list, struct config_memory memory)
{
    memset(list, 0, sizeof(*list));
    list->memory = memory;
}

/* ---- formatting ------------------------------------------------------------------------------ */

/* Text under construction; counts on when buffer is full or NULL, as snprintf does. */
struct writer {
    char *buffer;
    size_t n_bytes;
    size_t length;
};

static void put_byte(struct writer *writer, char byte)
{
    if (writer->length + 1 < writer->n_bytes) {
        writer->buffer[writer->length] = byte;
    }
    writer->length++;
}

static void put_text(struct writer *writer, const char *text)
{
    for (; *text != '\0'; text++) {
        put_byte(writer, *text);
    }
}

static void put_number(struct writer *writer, uint32_t number)
{
    char digits[16];

    snprintf(digits, sizeof(digits), "%u", number);
    put_text(writer, digits);
}

static void put_end(struct writer *writer)
{
    if (writer->n_bytes > 0) {
        size_t last = writer->n_bytes - 1;

        writer->buffer[writer->length < last ? writer->length : last] = '\0';
    }
}

/* An argument may come from the file: it must not break the line or drive the terminal. */
static void put_argument(struct writer *writer, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t i = 0;

    for (; text[i] != '\0' && i < ARGUMENT_MAX_BYTES; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte < 0x20 || byte == 0x7f) {
            put_text(writer, "\\x");
            put_byte(writer, hex[byte >> 4]);
            put_byte(writer, hex[byte & 15]);
        } else {
            put_byte(writer, text[i]);
        }
    }
    while (((unsigned char)text[i] & 0xc0) == 0x80) {
        put_byte(writer, text[i++]);
    }
    if (text[i] != '\0') {
        put_text(writer, "...");
    }
}

static size_t format_text(char *buffer, size_t n_bytes, const char *format,
                          const char *const *arguments)
{
    struct writer writer = {buffer, n_bytes, 0};

    for (; *format != '\0'; format++) {
        if (format[0] == '{' && format[1] >= '1' && format[1] <= '4' && format[2] == '}') {
            const char *argument = arguments[format[1] - '0'];

            put_argument(&writer, argument != NULL ? argument : "?");
            format += 2;
        } else {
            put_byte(&writer, *format);
        }
    }
    put_end(&writer);
    return writer.length;
}

static bool names_missing_argument(const char *format, const char *const *arguments)
{
    for (; *format != '\0'; format++) {
        if (format[0] == '{' && format[1] >= '1' && format[1] <= '4' &&
            arguments[format[1] - '0'] == NULL) {
            return true;
        }
    }
    return false;
}

static const char *format_into_memory(struct diagnostic_list *list, const char *format,
                                      const char *const *arguments)
{
    size_t n_bytes = format_text(NULL, 0, format, arguments) + 1;
    char *text = list->memory.alloc(list->memory.context, n_bytes);

    if (text == NULL) {
        return out_of_memory;
    }
    format_text(text, n_bytes, format, arguments);
    return text;
}

/* What several functions use, as `fields` of a struct, is complained of once. */
static bool is_repeated(const struct diagnostic_list *list, const struct diagnostic *item)
{
    for (uint32_t i = 0; i < list->n_items; i++) {
        const struct diagnostic *other = &list->items[i];

        if (other->line == item->line && other->column == item->column &&
            other->file == item->file && strcmp(other->text, item->text) == 0) {
            return true;
        }
    }
    return false;
}

bool diag_report(struct diagnostic_list *list, struct place place, enum diagnostic_name name,
                 const char *const arguments[DIAGNOSTIC_ARGUMENTS])
{
    struct diagnostic *item = &list->items[list->n_items];

    if (list->n_items == DIAGNOSTICS_MAX) {
        list->n_suppressed++;
        return false;
    }
    item->file = place.file;
    item->line = place.line;
    item->column = place.column;
    item->text = format_into_memory(list, table[name].text, arguments);
    item->hint = NULL;
    if (is_repeated(list, item)) {
        return false;
    }
    list->n_items++;
    if (table[name].hint != NULL && !names_missing_argument(table[name].hint, arguments)) {
        item->hint = format_into_memory(list, table[name].hint, arguments);
    }
    return false;
}

/* ---- printing -------------------------------------------------------------------------------- */

static void put_line(struct writer *writer, const struct diagnostic *item, const char *kind,
                     const char *text)
{
    put_text(writer, item->file);
    if (item->line > 0) {
        put_byte(writer, ':');
        put_number(writer, item->line);
        put_byte(writer, ':');
        put_number(writer, item->column);
    }
    put_text(writer, kind);
    put_text(writer, text);
    put_byte(writer, '\n');
}

static bool stands_before(const struct diagnostic *a, const struct diagnostic *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

size_t diagnostics_print(const struct diagnostic_list *list, char *buffer, size_t n_bytes)
{
    struct writer writer = {buffer, n_bytes, 0};
    uint32_t order[DIAGNOSTICS_MAX];

    for (uint32_t i = 0; i < list->n_items; i++) {
        uint32_t at = i;

        while (at > 0 && stands_before(&list->items[i], &list->items[order[at - 1]])) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    for (uint32_t i = 0; i < list->n_items; i++) {
        const struct diagnostic *item = &list->items[order[i]];

        put_line(&writer, item, ": error: ", item->text);
        if (item->hint != NULL) {
            put_line(&writer, item, ": hint: ", item->hint);
        }
    }
    if (list->n_suppressed > 0) {
        put_text(&writer, list->items[0].file);
        put_text(&writer, ": error: ");
        put_number(&writer, list->n_suppressed);
        put_text(&writer, " more errors are not shown\n");
    }
    put_end(&writer);
    return writer.length;
}

/* ---- places ---------------------------------------------------------------------------------- */

static unsigned hex_value(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

/* Source bytes of the escape that begins at raw, and in *ret_n_decoded what it decodes to. */
static size_t measure_escape(const char *raw, size_t n_raw, size_t *ret_n_decoded)
{
    unsigned code = 0;

    *ret_n_decoded = 1;
    if (n_raw < 6 || raw[1] != 'u') {
        return n_raw < 2 ? n_raw : 2;
    }
    for (int i = 2; i < 6; i++) {
        code = code << 4 | hex_value(raw[i]);
    }
    if (code >= 0xd800 && code < 0xdc00 && n_raw >= 12) {
        *ret_n_decoded = 4;
        return 12;
    }
    *ret_n_decoded = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
    return 6;
}

struct place place_inside(const struct source_text *source, size_t offset)
{
    struct place place = source->place;
    size_t decoded = 0, at = 0;

    if (source->raw == NULL) {
        return place;
    }
    place.column++; /* the opening quote */
    while (decoded < offset && at < source->n_raw) {
        if (source->raw[at] == '\\') {
            size_t n_decoded;
            size_t n_source = measure_escape(source->raw + at, source->n_raw - at, &n_decoded);

            if (decoded + n_decoded > offset) {
                break;
            }
            place.column += (uint32_t)n_source; /* escapes are ASCII */
            decoded += n_decoded;
            at += n_source;
        } else {
            decoded++;
            at++;
            /* Counted at the end of a code point: when the next byte does not continue it. */
            if (at == source->n_raw || ((unsigned char)source->raw[at] & 0xc0) != 0x80) {
                place.column++;
            }
        }
    }
    return place;
}

/* ---- the workspace --------------------------------------------------------------------------- */

void *work_alloc(struct workspace *work, size_t n_bytes)
{
    void *block = work->memory.alloc(work->memory.context, n_bytes);

    if (block == NULL) {
        longjmp(work->on_no_memory, 1);
    }
    return block;
}

char *work_copy_text(struct workspace *work, const char *text, size_t n_bytes)
{
    char *copy = work_alloc(work, n_bytes + 1);

    memcpy(copy, text, n_bytes);
    return copy;
}

const char *work_join(struct workspace *work, const char *a, const char *b, const char *c)
{
    size_t n_a = strlen(a), n_b = strlen(b), n_c = strlen(c);
    char *joined = work_alloc(work, n_a + n_b + n_c + 1);

    memcpy(joined, a, n_a);
    memcpy(joined + n_a, b, n_b);
    memcpy(joined + n_a + n_b, c, n_c);
    return joined;
}

const char *work_number(struct workspace *work, uint64_t number)
{
    char digits[24];
    int n_bytes = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);

    return work_copy_text(work, digits, (size_t)n_bytes);
}
