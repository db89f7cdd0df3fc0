// SPDX-License-Identifier: MIT
/*
 * The memory that a replay fills. Where everything will lie is found out on a first pass over the
 * record, by taking room in regions that are not there yet; then the memory is obtained, all of it
 * or none; a second pass takes the same room in the same order and writes.
 */
#ifndef MARSHAL_GRAPH_REGIONS_H
#define MARSHAL_GRAPH_REGIONS_H

#include "marshal/graph.h"

/* An address within a region; in the region of memory that is where it is, the address itself. */
struct location {
    uint32_t region;
    uint64_t offset;
};

#define REGION_FIXED 0

struct regions {
    const struct replay *replay;
    struct marshal_buffer list; /* of struct region: fixed memory, the plan's places, blocks */
    uint32_t n_blocks;          /* taken on this pass */
    uint32_t n_obtained;
};

/* -ENOMEM. */
int regions_init(struct regions *regions, const struct replay *replay);
void regions_fini(struct regions *regions);

/* Before the second pass: nothing is taken any more. */
void regions_rewind(struct regions *regions);

/*
 * Takes room for memory that node describes, of n_elements; the pointer to it stands in holder. 0;
 * -EBADMSG, -ENOSPC: a storage is too small; -ENOMEM.
 */
int regions_take(struct regions *regions, const struct graph_node *node, uint32_t holder,
                 size_t n_bytes, uint64_t n_elements, struct location *ret_location);

/* Nothing was taken in this place of the plan on this pass. */
bool regions_is_empty(const struct regions *regions, uint32_t place);

/* Bytes taken of a place of the plan; and where it lies, in place of regions_obtain. */
uint64_t regions_place_bytes(const struct regions *regions, uint32_t place);
void regions_lay(struct regions *regions, uint32_t place, void *memory);

/* So many bytes of a place that is no storage; NULL: none. */
void *regions_place_memory(const struct replay *replay, const struct marshal_place *place,
                           size_t n_bytes);

/* All memory. -ENOMEM, or -EBADMSG when what there is lies where the call writes. */
int regions_obtain(struct regions *regions);

/* Gives back what was obtained: the second pass failed. */
void regions_release(struct regions *regions);

/* After regions_obtain. */
unsigned char *regions_address(const struct regions *regions, struct location location);

#endif
