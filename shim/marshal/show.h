// SPDX-License-Identifier: MIT
/* Keys as text for people: what show.c, show_graph.c and show_inputs.c share. */
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

/* Text, whose frame begins one byte before. NULL: there is none. */
static inline const unsigned char *show_take_text(struct reader *key, size_t *ret_n_bytes)
{
    const unsigned char *rest = take(key, MARSHAL_TEXT_FRAME_BYTES - 1);

    if (rest == NULL) {
        return NULL;
    }
    *ret_n_bytes = marshal_framed_bytes(rest - 1);
    return take(key, *ret_n_bytes);
}

/* A block and all that it leads to: see graph.h. False: the key does not go on like that. */
bool show_graph(struct writer *writer, struct reader *key, const struct graph_node *root);

/* show_inputs.c: the state of a file, and all further inputs. As show_graph. */
bool show_state(struct writer *writer, struct reader *key);
bool show_inputs(struct writer *writer, const struct marshal_plan *plan, struct reader *key);

#endif
