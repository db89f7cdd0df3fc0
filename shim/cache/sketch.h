// SPDX-License-Identifier: MIT
/*
 * How often a hash was seen lately, roughly: a count-min sketch of 4-bit counters as Caffeine has
 * it. Four counters for a hash, all in one cache line of 128; the smallest of them is the answer,
 * never too small but for what ageing took: after so many sightings every counter is halved.
 * In memory of the table, 8 bytes for each of its slots. Not locked.
 */
#ifndef CACHE_SKETCH_H
#define CACHE_SKETCH_H

#include <stdint.h>

#define SKETCH_BLOCK_WORDS 8

/* Begins as zeroes, but for n_blocks, which is at least 1. */
struct sketch {
    uint32_t n_blocks;
    uint32_t n_seen; /* since the last halving, as far as it is not forgotten */
    uint64_t words[];
};

/* Seen once more. max_seen sightings halve all. */
void sketch_add(struct sketch *sketch, uint32_t hash, uint32_t max_seen);

/* 0 to 15. */
uint32_t sketch_estimate(const struct sketch *sketch, uint32_t hash);

/* Into more blocks: what shared a block goes on sharing its counts. */
void sketch_move(struct sketch *to, const struct sketch *from);

#endif
