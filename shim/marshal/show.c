// SPDX-License-Identifier: MIT
/*
 * A key as text for people: x=3, name="abc", from=[1, 2]. Long texts and many elements are cut.
 * Read from the key's bytes, since the arguments themselves may have changed since.
 */
#include "marshal/show.h"

#include <complex.h>
#include <string.h>

/* Of a struct, union or array. */
#define SHOWN_PARTS 16

static void add_integer(struct writer *writer, const struct ctype *type, const void *value)
{
    int64_t number;
    uint64_t bits = 0;

    if (type->kind == CTYPE_SIGNED) {
        marshal_read_integer(type, value, &number);
        add(writer, "%lld", (long long)number);
    } else {
        memcpy(&bits, value, type->size_bytes);
        add(writer, "%llu", (unsigned long long)bits);
    }
}

/* { x=1, y=2 }, [1, 2], and the bytes of a union. */
static void add_parts(struct writer *writer, const struct ctype *type, const unsigned char *packed)
{
    uint32_t n_parts = type->kind == CTYPE_ARRAY   ? type->size_bytes / type->target->size_bytes
                       : type->kind == CTYPE_UNION ? type->size_bytes
                                                   : type->n_members;

    add(writer, type->kind == CTYPE_ARRAY ? "[" : "{");
    for (uint32_t i = 0; i < n_parts && i <= SHOWN_PARTS; i++) {
        const struct ctype *part =
            type->kind == CTYPE_STRUCT ? type->members[i].type : type->target;

        add(writer, i > 0 ? ", " : "");
        if (i == SHOWN_PARTS) {
            add(writer, "...");
        } else if (type->kind == CTYPE_UNION) {
            add(writer, "%02x", packed[i]);
        } else {
            if (type->kind == CTYPE_STRUCT && type->members[i].name != NULL) {
                add(writer, "%s=", type->members[i].name);
            }
            show_value(writer, part, packed);
            packed += abi_value_bytes(part);
        }
    }
    add(writer, type->kind == CTYPE_ARRAY ? "]" : "}");
}

void show_value(struct writer *writer, const struct ctype *type, const unsigned char *packed)
{
    union {
        float f;
        double d;
        long double ld;
        float _Complex cf;
        double _Complex cd;
        long double _Complex cld;
        void *pointer;
    } value = {0};

    switch (type->kind) {
    case CTYPE_BOOL:
    case CTYPE_SIGNED:
    case CTYPE_UNSIGNED:
        add_integer(writer, type, packed);
        return;
    case CTYPE_POINTER:
    case CTYPE_FLOAT:
    case CTYPE_DOUBLE:
    case CTYPE_LONG_DOUBLE:
    case CTYPE_COMPLEX_FLOAT:
    case CTYPE_COMPLEX_DOUBLE:
    case CTYPE_COMPLEX_LONG_DOUBLE:
        abi_restore_value(type, packed, &value);
        break;
    case CTYPE_STRUCT:
    case CTYPE_UNION:
    case CTYPE_ARRAY:
        add_parts(writer, type, packed);
        return;
    default:
        add(writer, "?");
        return;
    }
    switch (type->kind) {
    case CTYPE_POINTER:
        add(writer, "%p", value.pointer);
        break;
    case CTYPE_FLOAT:
        add(writer, "%.9g", (double)value.f);
        break;
    case CTYPE_DOUBLE:
        add(writer, "%.17g", value.d);
        break;
    case CTYPE_LONG_DOUBLE:
        add(writer, "%.21Lg", value.ld);
        break;
    case CTYPE_COMPLEX_FLOAT:
        add(writer, "%.9g%+.9gi", (double)crealf(value.cf), (double)cimagf(value.cf));
        break;
    case CTYPE_COMPLEX_DOUBLE:
        add(writer, "%.17g%+.17gi", creal(value.cd), cimag(value.cd));
        break;
    default:
        add(writer, "%.21Lg%+.21Lgi", creall(value.cld), cimagl(value.cld));
        break;
    }
}

/* Bytes outside ASCII stay: they are UTF-8 more often than not. */
void show_text(struct writer *writer, const unsigned char *text, uint64_t n_bytes)
{
    uint64_t n_shown = n_bytes < SHOWN_TEXT_BYTES ? n_bytes : SHOWN_TEXT_BYTES;

    add(writer, "\"");
    for (uint64_t i = 0; i < n_shown; i++) {
        unsigned char c = text[i];

        if (c == '"' || c == '\\') {
            add(writer, "\\%c", c);
        } else if (c < ' ' || c == 0x7f) {
            add(writer, "\\x%02x", c);
        } else {
            add(writer, "%c", c);
        }
    }
    add(writer, n_shown < n_bytes ? "\"..." : "\"");
}

static bool add_elements(struct writer *writer, const struct marshal_parameter *parameter,
                         struct reader *key, uint64_t count)
{
    const struct ctype *element = parameter->description->element;

    if (parameter->element_value_bytes == 1 && (element == NULL || element->kind < CTYPE_STRUCT)) {
        const unsigned char *bytes = take(key, count);

        if (bytes != NULL) {
            show_text(writer, bytes, count);
        }
        return bytes != NULL;
    }
    add(writer, "[");
    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *at = take(key, parameter->element_value_bytes);

        if (at == NULL) {
            return false;
        }
        if (i < SHOWN_ELEMENTS) {
            add(writer, i > 0 ? ", " : "");
            show_value(writer, parameter->description->element, at);
        } else if (i == SHOWN_ELEMENTS) {
            add(writer, ", ...");
        }
    }
    add(writer, "]");
    return true;
}

/* The texts of an array, behind its kind. */
static bool add_strings(struct writer *writer, struct reader *key)
{
    add(writer, "[");
    for (uint64_t i = 0;; i++) {
        const unsigned char *kind = take(key, 1), *text;
        size_t n_bytes;

        if (kind == NULL || *kind == 'E') {
            add(writer, "]");
            return kind != NULL;
        }
        if ((text = show_take_text(key, &n_bytes)) == NULL) {
            return false;
        }
        if (i < SHOWN_ELEMENTS) {
            add(writer, i > 0 ? ", " : "");
            show_text(writer, text, n_bytes);
        } else if (i == SHOWN_ELEMENTS) {
            add(writer, ", ...");
        }
    }
}

/* A pointer that was followed: its kind stands before it. See key.c. */
static bool add_followed(struct writer *writer, const struct marshal_parameter *parameter,
                         struct reader *key)
{
    const unsigned char *kind, *text;
    uint64_t number;
    size_t n_bytes;

    if (parameter->reads != NULL && key->n_left > 0 && *key->at != 'N') {
        return show_graph(writer, key, parameter->reads);
    }
    kind = take(key, 1);
    if (kind == NULL) {
        return false;
    }
    switch (*kind) {
    case 'N':
        add(writer, "NULL");
        return true;
    case 'P':
    case 'o':
        add(writer, "(written)");
        return true;
    case 'O':
        add(writer, "(written)");
        return take_word(key, &number);
    case 'S':
        if ((text = show_take_text(key, &n_bytes)) == NULL) {
            return false;
        }
        show_text(writer, text, n_bytes);
        if (parameter->description->kind == DESCRIBE_PATH) {
            add(writer, " ");
            return show_state(writer, key);
        }
        return true;
    case 'n':
        add(writer, "(nothing)");
        return true;
    case 'L':
        return add_strings(writer, key);
    case MARSHAL_KEY_CONSTANT:
        return add_elements(writer, parameter, key, (uint64_t)parameter->constant_count);
    case 'M':
        return take_word(key, &number) && add_elements(writer, parameter, key, number);
    default:
        return false;
    }
}

void marshal_show_key(const struct marshal_plan *plan, struct bytes key, char *text, size_t n_room)
{
    struct writer writer = {.text = text, .n_room = n_room};
    struct reader reader = {key.data, key.n_bytes};
    const unsigned char *last = key.data;
    bool is_good = !plan->function->has_secret;

    if (plan->variants != NULL && is_good && key.n_bytes > 0 &&
        last[key.n_bytes - 1] < plan->n_variants) {
        plan = plan->variants[last[key.n_bytes - 1]];
    }
    text[0] = '\0';
    if (!is_good) {
        add(&writer, "secret");
    }
    for (uint32_t k = 0; k < plan->n_parameters && is_good; k++) {
        uint32_t i = plan->order[k];
        const struct marshal_parameter *parameter = &plan->parameters[i];
        const unsigned char *at;

        add(&writer, "%s%s=", k > 0 ? ", " : "", plan->function->prototype.parameters[i].name);
        switch (parameter->description->kind) {
        case DESCRIBE_VALUE:
        case DESCRIBE_ADDRESS:
            if (parameter->reads != NULL) {
                is_good = show_graph(&writer, &reader, parameter->reads);
                break;
            }
            at = take(&reader, parameter->value_bytes);
            is_good = at != NULL;
            if (is_good) {
                show_value(&writer, parameter->type, at);
            }
            break;
        case DESCRIBE_IGNORE:
        case DESCRIBE_STORAGE:
            add(&writer, "(ignored)");
            break;
        default:
            is_good = add_followed(&writer, parameter, &reader);
            break;
        }
    }
    if (is_good) {
        show_inputs(&writer, plan, &reader);
    }
}
