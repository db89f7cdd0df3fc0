// SPDX-License-Identifier: MIT
/* One replay of a record with pointers; see graph_replay.c. */
#ifndef MARSHAL_GRAPH_REPLAY_H
#define MARSHAL_GRAPH_REPLAY_H

#include "marshal/graph_regions.h"
#include "marshal/reader.h"

/* A pointer that was set. */
struct graph_set_pointer {
    unsigned char *at;
    const void *value;
};

struct graph_replayer {
    const struct replay *replay;
    struct regions *regions;
    struct reader reader;
    struct marshal_buffer pending;   /* blocks that come later */
    struct marshal_buffer *pointers; /* of struct graph_set_pointer, each that is set; or NULL */
    size_t n_done;                   /* bytes of them */
    bool writes;                     /* on the second pass */
};

void replayer_init(struct graph_replayer *replayer, struct regions *regions,
                   const struct replay *replay, struct bytes record);
void replayer_fini(struct graph_replayer *replayer);

/* Begins the second pass over the record, after regions_obtain. */
void replayer_rewind(struct graph_replayer *replayer, struct bytes record);

/*
 * Reads a reference and all that it leads to; on the second pass *pointer leads there. 0; -EBADMSG;
 * -ENOSPC: a storage is too small; -ENOMEM.
 */
int graph_give_pointer(struct graph_replayer *replayer, const struct graph_node *node,
                       void *pointer);

/* The same of a block that lies in memory of the caller's of room_bytes. */
int graph_give_memory(struct graph_replayer *replayer, const struct graph_node *node, void *memory,
                      size_t room_bytes);

/* graph_record.c: a part of a record, behind its length: the result, or out parameter i, or
 * variable i. Errors of marshal_replay. */
int graph_give_part(struct graph_replayer *replayer, enum marshal_part part, uint32_t i);

#endif
