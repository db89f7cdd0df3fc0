// SPDX-License-Identifier: MIT
/* Keys as text for people: what show.c and show_graph.c share. */
#ifndef MARSHAL_SHOW_H
#define MARSHAL_SHOW_H

#include "base/log.h"
#include "marshal/graph.h"
#include "marshal/reader.h"

enum {
    SHOWN_TEXT_BYTES = 60,
    SHOWN_ELEMENTS = 4,
};

struct writer {
    char *text;
    size_t n_used, n_room;
};

/* add(&writer, "%s=", name): appends to what is there. */
#define add(writer, ...)                                               \
    ((writer)->n_used += log_format((writer)->text + (writer)->n_used, \
                                    (writer)->n_room - (writer)->n_used, __VA_ARGS__))

/* A value as abi_copy_value packs it. */
void show_value(struct writer *writer, const struct ctype *type, const unsigned char *packed);
void show_text(struct writer *writer, const unsigned char *text, uint64_t n_bytes);

/* A block and all that it leads to: see graph.h. False: the key does not go on like that. */
bool show_graph(struct writer *writer, struct reader *key, const struct graph_node *root);

#endif
