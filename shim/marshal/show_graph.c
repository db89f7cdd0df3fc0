// SPDX-License-Identifier: MIT
/*
 * Memory with pointers, as a key has it (graph.h), for people: {a=1, next=(nil)} -> "text" -> NULL.
 * Pointers that are followed read as (nil) in their record; what they lead to comes behind the
 * arrows, in the order of the key. Only the first few are shown.
 */
#include "marshal/show.h"

#include <string.h>

#define SHOWN_REFERENCES    8
#define SHOWN_ELEMENT_BYTES 256

/* One argument while it is shown. */
struct showing {
    struct writer *writer;
    struct reader *key;
    struct marshal_buffer pending; /* nodes whose blocks are still to come */
    size_t n_done;                 /* bytes of them */
    uint32_t n_references;
};

static void show_element(struct writer *writer, const struct graph_node *node,
                         const unsigned char *packed)
{
    _Alignas(16) unsigned char element[SHOWN_ELEMENT_BYTES] = {0}, value[SHOWN_ELEMENT_BYTES];
    const struct ctype *type = node->pointee->type;

    if (node->size_bytes > sizeof(element)) {
        add(writer, "(%u bytes)", node->size_bytes);
    } else if (node->type != NULL) {
        show_value(writer, type, packed);
    } else {
        for (uint32_t i = 0; i < node->n_runs; i++) {
            memcpy(element + node->runs[i].offset, packed, node->runs[i].n_bytes);
            packed += node->runs[i].n_bytes;
        }
        abi_copy_value(type, element, value);
        show_value(writer, type, value);
    }
}

/* Takes a block's elements; shows them if they have anything but pointers. */
static bool show_block(struct showing *showing, const struct graph_node *node, bool is_shown,
                       uint64_t *ret_count)
{
    struct writer *writer = showing->writer;
    const unsigned char *kind = take(showing->key, 1), *elements;
    uint64_t n_bytes;

    if (kind == NULL || !take_word(showing->key, ret_count) ||
        __builtin_mul_overflow(*ret_count, (uint64_t)node->packed_bytes, &n_bytes) ||
        (elements = take(showing->key, n_bytes)) == NULL) {
        return false;
    }
    if (!is_shown) {
        return true;
    }
    if (node->packed_bytes == 0) {
        add(writer, "[%llu]", (unsigned long long)*ret_count);
        return true;
    }
    if (node->size_bytes == 1) {
        show_text(writer, elements, n_bytes);
        return true;
    }
    for (uint64_t i = 0; i < *ret_count && i <= SHOWN_ELEMENTS; i++) {
        add(writer, i > 0 ? ", " : "");
        if (i == SHOWN_ELEMENTS) {
            add(writer, "...");
        } else {
            show_element(writer, node, elements + i * node->packed_bytes);
        }
    }
    return true;
}

static bool show_reference(struct showing *showing, const struct graph_node *node)
{
    struct reader *key = showing->key;
    bool is_shown = showing->n_references++ < SHOWN_REFERENCES;
    const unsigned char *text;
    uint64_t number;

    add(showing->writer, is_shown                                        ? " -> "
                         : showing->n_references == SHOWN_REFERENCES + 1 ? " ..."
                                                                         : "");
    if (key->n_left == 0) {
        return false;
    }
    switch (*key->at) {
    case 'N':
        add(showing->writer, is_shown ? "NULL" : "");
        return take(key, 1) != NULL;
    case 'A':
        take(key, 1);
        if (!take_word(key, &number)) {
            return false;
        }
        if (is_shown) {
            add(showing->writer, "%p", (void *)(uintptr_t)number);
        }
        return true;
    case 'S':
        take(key, 1);
        if (!take_word(key, &number) || (text = take(key, number)) == NULL) {
            return false;
        }
        if (is_shown) {
            show_text(showing->writer, text, number);
        }
        return true;
    case 'R':
        add(showing->writer, is_shown ? "*" : "");
        return take(key, 1) != NULL &&
               marshal_buffer_put(&showing->pending, &node, sizeof(node), MARSHAL_MAX_BYTES) == 0;
    default:
        return show_block(showing, node, is_shown, &number);
    }
}

static bool show_all(struct showing *showing, const struct graph_node *node)
{
    uint64_t count;

    for (;;) {
        if (!show_block(showing, node, showing->n_references <= SHOWN_REFERENCES, &count)) {
            return false;
        }
        for (uint64_t i = 0; node->n_edges > 0 && i < count; i++) {
            for (uint32_t k = 0; k < node->n_edges; k++) {
                if (!show_reference(showing, node->edges[k].target)) {
                    return false;
                }
            }
        }
        if (showing->n_done == showing->pending.n_bytes) {
            return true;
        }
        memcpy(&node, showing->pending.data + showing->n_done, sizeof(node));
        showing->n_done += sizeof(node);
        add(showing->writer, showing->n_references <= SHOWN_REFERENCES ? ", *" : "");
    }
}

bool show_graph(struct writer *writer, struct reader *key, const struct graph_node *root)
{
    struct showing showing = {.writer = writer, .key = key};
    bool is_good;

    marshal_buffer_init(&showing.pending, false);
    is_good = show_all(&showing, root);
    marshal_buffer_fini(&showing.pending);
    return is_good;
}
