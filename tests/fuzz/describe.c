// SPDX-License-Identifier: MIT
/*
 * Bytes as choices: they decide on structs, what their fields mean, the prototype of a function and
 * what is said of its parameters and result. Three of four are tame: all that is said fits, so that
 * most of them are taken; the others say anything.
 */
#include "describe.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX_BYTES 32768
#define MAX_DEPTH      4
#define N_MEMBERS      4
#define N_PARAMETERS   5

struct writer {
    const uint8_t *data;
    size_t n_left;
    char text[TEXT_MAX_BYTES];
    size_t n_bytes;
    bool is_full;
    bool is_tame; /* only what fits, so that much of it is taken */
};

/* Below n; without bytes always 0, which leads to an end. */
static unsigned pick(struct writer *writer, unsigned n)
{
    if (writer->n_left == 0) {
        return 0;
    }
    writer->n_left--;
    return *writer->data++ % n;
}

static void put(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put(struct writer *writer, const char *format, ...)
{
    size_t n_room = sizeof(writer->text) - writer->n_bytes;
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(writer->text + writer->n_bytes, n_room, format, arguments);
    va_end(arguments);
    writer->is_full |= n < 0 || (size_t)n >= n_room;
    writer->n_bytes = writer->is_full ? sizeof(writer->text) : writer->n_bytes + (size_t)n;
    if (writer->is_full) {
        writer->n_bytes = 0; /* too long for a test: begun anew, and then refused as no JSON */
    }
}

/* A type, as a declaration of `%s`, and a T that describes what a pointer of it leads to. */
static const struct {
    const char *declaration, *fitting;
} types[] = {
    {"int %s", NULL},
    {"char *%s", "\"string\""},
    {"struct a *%s", "\"struct a\""},
    {"struct b *%s", "\"struct b\""},
    {"size_t %s", NULL},
    {"int *%s", "\"int\""},
    {"struct a **%s", "\"struct a *\""},
    {"char **%s", "\"string\""},
    {"void *%s", "\"bytes\""},
    {"const char *%s", "\"string\""},
    {"void **%s", "\"address\""},
    {"double *%s", "\"double\""},
    {"struct a %s", NULL},
    {"struct b %s", NULL},
    {"const struct a *%s", "\"struct a\""},
    {"char ***%s", "\"strings\""},
    {"wchar_t *%s", "\"string\""},
    {"int (*%s)(int)", "\"address\""},
    {"int **%s", "{\"in\":\"int\",\"count\":2}"},
    {"union { long l; char *s; } %s", NULL},
    {"struct { char *text; int n; } %s", "\"string\""},
    {"char %s[4]", NULL},
    {"char *%s[2]", "\"string\""},
};

#define N_TYPES      (sizeof(types) / sizeof(types[0]))
#define N_PARAMETRIC 19 /* those before can be of parameters */

static void put_declaration(struct writer *writer, unsigned type, const char *name)
{
    const char *format = types[type].declaration;
    const char *at = strstr(format, "%s");

    put(writer, "%.*s%s%s", (int)(at - format), format, name, at + 2);
}

static void put_name(struct writer *writer)
{
    if (pick(writer, 2) == 0) {
        put(writer, "p%u", pick(writer, N_PARAMETERS + 1));
    } else {
        put(writer, "m%u", pick(writer, N_MEMBERS + 1));
    }
}

static void put_count(struct writer *writer)
{
    static const char *const forms[] = {"%u", "\"%u\"", "\"*", "\"return", "\"", "\""};
    unsigned form = pick(writer, sizeof(forms) / sizeof(forms[0]));

    if (form <= 1) {
        put(writer, form == 0 ? "%u" : "\"%u\"", pick(writer, 5));
        return;
    }
    put(writer, "%s", forms[form]);
    if (form != 3) {
        put_name(writer);
    }
    for (unsigned n = pick(writer, 3); n > 0; n--) {
        put(writer, " %c ", "+-*"[pick(writer, 3)]);
        put_name(writer);
    }
    put(writer, pick(writer, 6) == 5 ? " or string\"" : "\"");
}

static void put_lifetime(struct writer *writer)
{
    static const char *const words[] = {
        "\"static\"",
        "\"caller\"",
        "\"immortal\"",
        "{\"freed_by\":\"let_go\"}",
        "{\"static\":{\"group\":\"g\"}}",
        "{\"freed_by\":\"let_go(a,b)\",\"at\":\"b\"}",
        "{\"freed_by\":\"void let_go(long h, void *p)\",\"at\":\"p\"}"};
    unsigned form = pick(writer, 10);

    if (form < 7) {
        put(writer, "%s", words[form]);
        return;
    }
    put(writer, form == 7 ? "{\"into\":\"" : form == 8 ? "{\"static\":\"" : "{\"storage\":[\"");
    put(writer, "p%u", pick(writer, N_PARAMETERS));
    if (form == 9) {
        put(writer, "\",\"p%u\"]}", pick(writer, N_PARAMETERS));
    } else {
        put(writer, "\"}");
    }
}

static void put_condition(struct writer *writer)
{
    static const char *const conditions[] = {"return == 0", "p0 == 1",     "*p1 != NULL",
                                             "p0 > 2",      "errno == 0",  "p1 != NULL",
                                             "return > p0", "p1 == 'text'"};

    put(writer, "\"%s\"", conditions[pick(writer, 8)]);
}

static void put_description(struct writer *writer, unsigned type, unsigned depth, bool is_field);

static void put_type(struct writer *writer, unsigned type, unsigned depth)
{
    static const char *const others[] = {
        "\"bytes\"",   "\"int\"",     "\"struct a\"", "\"struct b *\"", "\"char\"",
        "\"strings\"", "\"address\"", "\"char *\"",   "\"void *\"",     "\"path\""};
    unsigned form = pick(writer, 8);

    if (form < 5 && types[type].fitting != NULL) {
        put(writer, "%s", types[type].fitting);
    } else if (form < 6 || depth >= MAX_DEPTH) {
        put(writer, "%s", others[pick(writer, sizeof(others) / sizeof(others[0]))]);
    } else if (form == 6) {
        put(writer, "{\"list\":");
        put_description(writer, pick(writer, N_TYPES), depth + 1, true);
        put(writer, "}");
    } else {
        put_description(writer, pick(writer, N_TYPES), depth + 1, true);
    }
}

static void put_fields(struct writer *writer, unsigned depth);

static void put_object(struct writer *writer, unsigned type, unsigned depth)
{
    static const char *const directions[] = {"in", "out", "inout"};

    put(writer, "{\"%s\":", directions[pick(writer, 3)]);
    put_type(writer, type, depth);
    if (pick(writer, 4) == 1) {
        put(writer, ",\"count\":");
        put_count(writer);
    }
    if (pick(writer, 3) == 1) {
        put(writer, ",\"lifetime\":");
        put_lifetime(writer);
    }
    if (pick(writer, 8) == 1) {
        put(writer, ",\"secret\":true");
    }
    if (pick(writer, 8) == 1) {
        put(writer, ",\"when\":");
        put_condition(writer);
    }
    if (pick(writer, 8) == 1) {
        put(writer, ",\"if\":");
        put_condition(writer);
    }
    if (depth == 0 && pick(writer, 8) == 1) {
        put(writer, ",\"fields\":");
        put_fields(writer, depth + 1);
    }
    put(writer, "}");
}

static void put_alternatives(struct writer *writer, unsigned type)
{
    put(writer, "[");
    for (unsigned n = 1 + pick(writer, 3); n > 0; n--) {
        put(writer, "{\"in\":");
        put_type(writer, type, 1);
        put(writer, ",\"if\":\"p0 == %u\"},", pick(writer, 4));
    }
    put_description(writer, type, 1, false);
    put(writer, "]");
}

/* What fits: of fields in both directions, of parameters in one of them. */
static void put_fitting_description(struct writer *writer, unsigned type, bool is_field)
{
    const char *fitting = types[type].fitting, *declaration = types[type].declaration;
    bool is_text = fitting != NULL && strcmp(fitting, "\"string\"") == 0;
    bool is_list = strncmp(declaration, "char **", 7) == 0;
    bool is_code = strcmp(declaration, "int (*%s)(int)") == 0;
    bool is_const = strncmp(declaration, "const", 5) == 0;
    unsigned direction = is_field || is_const ? 0 : pick(writer, 3);

    if (strncmp(declaration, "union", 5) == 0 || is_code || pick(writer, 16) == 1) {
        put(writer, fitting == NULL && strncmp(declaration, "union", 5) != 0 ? "\"ignore\""
                                                                             : "\"address\"");
    } else if (fitting == NULL) {
        put(writer, "\"ignore\"");
    } else if (is_text && (!is_list || is_field)) {
        put(writer, is_list ? "\"strings\"" : "\"string\"");
    } else {
        put(writer, "{\"%s\":%s",
            direction == 0   ? "in"
            : direction == 1 ? "out"
                             : "inout",
            fitting);
        if (pick(writer, 4) == 1) {
            put(writer, ",\"count\":%u", 1 + pick(writer, 4));
        }
        if (direction > 0 && strcmp(fitting, "\"bytes\"") != 0 &&
            strcmp(fitting, "\"double\"") != 0 && strcmp(fitting, "\"address\"") != 0 &&
            strcmp(declaration, "int *%s") != 0) {
            put(writer, ",\"lifetime\":");
            put_lifetime(writer);
        }
        put(writer, "}");
    }
}

static void put_description(struct writer *writer, unsigned type, unsigned depth, bool is_field)
{
    static const char *const words[] = {"address", "ignore",  "string", "strings",
                                        "scratch", "storage", "path"};

    if (writer->is_tame) {
        put_fitting_description(writer, type, is_field);
        return;
    }
    switch (depth >= MAX_DEPTH ? 0 : pick(writer, 8)) {
    case 0:
    case 1:
        put(writer, "\"%s\"", words[pick(writer, sizeof(words) / sizeof(words[0]))]);
        break;
    case 2:
        if (is_field) {
            put(writer, "{\"on_in\":");
            put_description(writer, type, depth + 1, true);
            put(writer, ",\"on_out\":");
            put_description(writer, type, depth + 1, true);
            put(writer, "}");
        } else {
            put_alternatives(writer, type);
        }
        break;
    case 3:
        put(writer, "{\"lifetime\":{\"into\":\"p%u\"}}", pick(writer, N_PARAMETERS));
        break;
    case 4:
        put(writer, pick(writer, 2) == 0 ? "{\"secret\":true}" : "{\"via\":\"name_of\"}");
        break;
    default:
        put_object(writer, type, depth);
        break;
    }
}

static unsigned member_types[2][N_MEMBERS];

static void put_fields(struct writer *writer, unsigned depth)
{
    put(writer, "{");
    for (unsigned record = 0; record < 2; record++) {
        put(writer, "%s\"struct %c\":{", record > 0 ? "," : "", "ab"[record]);
        for (unsigned i = 0, n_put = 0; i < N_MEMBERS; i++) {
            unsigned type = member_types[record][i];

            /* What is no pointer needs no description, and mostly has none. */
            if (types[type].fitting != NULL || type == 19 ? writer->is_tame || pick(writer, 8) != 7
                                                          : pick(writer, 4) == 3) {
                put(writer, "%s\"m%u%s\":", n_put++ > 0 ? "," : "", i, type == 20 ? ".text" : "");
                put_description(writer, type, depth + 1, true);
            }
        }
        put(writer, "}");
    }
    put(writer, "}");
}

static void put_configuration(struct writer *writer)
{
    unsigned parameters[N_PARAMETERS], n_parameters, result;

    writer->is_tame = pick(writer, 4) != 3;
    n_parameters = 1 + pick(writer, N_PARAMETERS);

    put(writer, "{\"version\":1,\"types\":[\"struct b; ");
    for (unsigned record = 0; record < 2; record++) {
        put(writer, "struct %c { ", "ab"[record]);
        for (unsigned i = 0; i < N_MEMBERS; i++) {
            unsigned type = pick(writer, N_TYPES);
            char name[8];

            /* By value only what is complete. */
            member_types[record][i] = type = type == 13 || (type == 12 && record == 0) ? 0 : type;
            snprintf(name, sizeof(name), "m%u", i);
            put_declaration(writer, type, name);
            put(writer, "; ");
        }
        put(writer, "}; ");
    }
    put(writer, "\"],\"fields\":");
    put_fields(writer, 0);
    result = pick(writer, N_PARAMETRIC);
    result = result == 17 ? 0 : result; /* a pointer to a function is declared another way */
    put(writer, ",\"functions\":{\"f\":{\"prototype\":\"");
    put_declaration(writer, result, "f(");
    for (unsigned i = 0; i < n_parameters; i++) {
        char name[8];

        parameters[i] = pick(writer, N_PARAMETRIC);
        snprintf(name, sizeof(name), "p%u", i);
        put(writer, "%s", i > 0 ? ", " : "");
        put_declaration(writer, parameters[i], name);
    }
    put(writer, ")\",\"args\":{");
    for (unsigned i = 0, n_put = 0; i < n_parameters; i++) {
        if (types[parameters[i]].fitting != NULL ? pick(writer, 16) != 15
                                                 : !writer->is_tame && pick(writer, 4) == 3) {
            put(writer, "%s\"p%u\":", n_put++ > 0 ? "," : "", i);
            put_description(writer, parameters[i], 0, false);
        }
    }
    put(writer, "}");
    if (types[result].fitting != NULL ? pick(writer, 16) != 15
                                      : !writer->is_tame && pick(writer, 4) == 3) {
        put(writer, ",\"returns\":");
        if (writer->is_tame && types[result].fitting != NULL) {
            put(writer, "{\"out\":%s,\"lifetime\":", types[result].fitting);
            put_lifetime(writer);
            put(writer, "}");
        } else {
            put_description(writer, result, 0, false);
        }
    }
    if (pick(writer, 4) == 3) {
        put(writer, ",\"store_if\":");
        put_condition(writer);
    }
    put(writer, "}}}");
}

const char *describe(const uint8_t *data, size_t n_bytes)
{
    static struct writer writer;

    writer = (struct writer){.data = data, .n_left = n_bytes};
    put_configuration(&writer);
    return writer.text;
}
