// SPDX-License-Identifier: MIT
/* Counters are nibbles; counter i of a hash lies in one of two words that only it uses. */
#include "cache/sketch.h"

#define N_COUNTERS  4
#define MAX_COUNTER 15u
#define ODD_BITS    0x1111111111111111u
#define LOW_BITS    0x7777777777777777u

static uint32_t block_of(const struct sketch *sketch, uint32_t hash)
{
    return (uint32_t)(((uint64_t)hash * sketch->n_blocks) >> 32);
}

/* Bits that do not choose the block: murmur3's finaliser. */
static uint32_t spread(uint32_t hash)
{
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

/* The word of counter i in its block, and how far the counter is shifted in it. */
static uint32_t word_at(uint32_t bits, uint32_t i)
{
    return 2 * i + (bits >> (8 * i) & 1);
}

static uint32_t shift_at(uint32_t bits, uint32_t i)
{
    return (bits >> (8 * i + 1) & 15) * 4;
}

static void halve(struct sketch *sketch)
{
    uint32_t n_odd = 0;

    for (uint64_t i = 0; i < (uint64_t)sketch->n_blocks * SKETCH_BLOCK_WORDS; i++) {
        n_odd += (uint32_t)__builtin_popcountll(sketch->words[i] & ODD_BITS);
        sketch->words[i] = sketch->words[i] >> 1 & LOW_BITS;
    }
    sketch->n_seen =
        n_odd / N_COUNTERS > sketch->n_seen ? 0 : (sketch->n_seen - n_odd / N_COUNTERS) / 2;
}

void sketch_add(struct sketch *sketch, uint32_t hash, uint32_t max_seen)
{
    uint64_t *block = &sketch->words[(uint64_t)block_of(sketch, hash) * SKETCH_BLOCK_WORDS];
    uint32_t bits = spread(hash);
    uint32_t n_added = 0;

    for (uint32_t i = 0; i < N_COUNTERS; i++) {
        uint64_t *word = &block[word_at(bits, i)];
        uint32_t shift = shift_at(bits, i);

        if ((*word >> shift & MAX_COUNTER) < MAX_COUNTER) {
            *word += (uint64_t)1 << shift;
            n_added++;
        }
    }
    sketch->n_seen += n_added > 0;
    if (sketch->n_seen >= max_seen) {
        halve(sketch);
    }
}

uint32_t sketch_estimate(const struct sketch *sketch, uint32_t hash)
{
    const uint64_t *block = &sketch->words[(uint64_t)block_of(sketch, hash) * SKETCH_BLOCK_WORDS];
    uint32_t bits = spread(hash);
    uint32_t least = MAX_COUNTER;

    for (uint32_t i = 0; i < N_COUNTERS; i++) {
        uint32_t count = block[word_at(bits, i)] >> shift_at(bits, i) & MAX_COUNTER;

        least = count < least ? count : least;
    }
    return least;
}

void sketch_move(struct sketch *to, const struct sketch *from)
{
    for (uint32_t i = 0; i < to->n_blocks; i++) {
        const uint64_t *block =
            &from->words[((uint64_t)i * from->n_blocks / to->n_blocks) * SKETCH_BLOCK_WORDS];

        for (uint32_t j = 0; j < SKETCH_BLOCK_WORDS; j++) {
            to->words[(uint64_t)i * SKETCH_BLOCK_WORDS + j] = block[j];
        }
    }
    to->n_seen = from->n_seen;
}
